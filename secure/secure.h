/* The services of a secure partition: keys, trusted storage, firmware update.
 *
 * They are called by PSA's names: <psa/crypto.h> (of which psa_generate_key, psa_import_key,
 * psa_copy_key, psa_export_public_key, psa_sign_hash, psa_destroy_key and psa_generate_random are
 * here), its.h, ps.h, update.h. Two implementations have the same promises:
 *
 *   direct   crypto.c, its.c, fwu.c: over store/, pki/, image/, in the world that calls. On a board
 *            without TrustZone, on the host, and in the secure world itself;
 *   veneer   nonsecure.c: hands each call through a gate of the secure world, which checks and
 *            copies what it is given (gates.c) and calls the direct one.
 *
 * One call at a time. This header is for who starts the direct implementation. */
#ifndef OTTER_SECURE_SECURE_H
#define OTTER_SECURE_SECURE_H

#include <stdbool.h>
#include <stdint.h>

#include <psa/crypto.h>

#include "image/check.h"
#include "port/flash.h"
#include "secure/its.h"
#include "secure/update.h"
#include "store/kv.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What is updated: an image of the bootloader. Without slots it is not there. */
struct secure_component {
    const struct flash_area *primary;
    const struct flash_area *secondary;
    uint32_t image_size_max;
};

/* Must outlive the services. */
struct secure_config {
    struct kv *kv; /* opened and purged; of these services alone */
    struct secure_component components[FWU_COMPONENTS];
    uint32_t trailer_align;
    const struct image_policy *policy; /* the bootloader's keys; NULL where it lends its check */
};

/* At each boot, before the first call. */
void secure_start(const struct secure_config *config);

/* Hash, signature and randomness are what they must be: of a secure program on trial, before it
 * goes on. One that fails gives way by psa_fwu_reject(SECURE_UNFIT) and a reset. */
bool secure_self_test(void);
#define SECURE_UNFIT PSA_ERROR_CORRUPTION_DETECTED

/* From now on no key is imported, over resets too: the end of provisioning. */
psa_status_t secure_seal(void);
bool secure_is_sealed(void);

/* ---- For this room ----------------------------------------------------------------------------
 */

extern const struct secure_config *secure;
psa_status_t secure_result(otter_status status);
/* fwu.c */
void secure_start_update(void);
/* Whether the image in `slot` may run as this component. */
otter_status secure_check_image(const struct secure_component *component,
                                const struct flash_area *slot);
/* its.h and ps.h, by space. */
enum secure_space { SECURE_ITS, SECURE_PS };
psa_status_t secure_storage_set(enum secure_space space, psa_storage_uid_t uid, size_t data_length,
                                const void *p_data, psa_storage_create_flags_t create_flags);
psa_status_t secure_storage_get(enum secure_space space, psa_storage_uid_t uid, size_t data_offset,
                                size_t data_size, void *p_data, size_t *p_data_length);
psa_status_t secure_storage_get_info(enum secure_space space, psa_storage_uid_t uid,
                                     struct psa_storage_info_t *p_info);
psa_status_t secure_storage_remove(enum secure_space space, psa_storage_uid_t uid);
/* Writes a number as 8 letters, a for 0 and p for 15, and a NUL: a name in the store. */
void secure_name(char text[9], uint32_t number);

#ifdef __cplusplus
}
#endif

#endif
