/* The gates between the worlds: what the non-secure one calls in place of a service (nonsecure.c),
 * each a veneer of the secure image (gates.c), with at most four words of arguments. More goes by
 * way of a struct, which the gate copies once it has looked where it lies.
 *
 * A negative result is PSA's; a gate that gives bytes back says how many. Every gate but gate_feed
 * says PSA_ERROR_BAD_STATE to who calls from an interrupt while another call is under way. */
#ifndef OTTER_SECURE_GATE_H
#define OTTER_SECURE_GATE_H

#include <stddef.h>
#include <stdint.h>

#include "secure/its.h"
#include "secure/update.h"

#ifdef __cplusplus
extern "C" {
#endif

#define GATE_RANDOM_MAX 256u
#define GATE_HASH_MAX   64u
#define GATE_KEY_MAX    32u
#define GATE_OUT_MAX    65u /* a signature, or a public key */

struct gate_attributes {
    uint32_t id;
    uint32_t usage;
    uint32_t algorithm;
    uint16_t type;
    uint16_t bits;
};

struct gate_sign {
    uint32_t id;
    uint32_t algorithm;
    const uint8_t *hash;
    uint32_t hash_length;
    uint8_t *signature;
    uint32_t signature_size;
};

/* With GATE_PS it is about protected storage. */
enum gate_its_action { GATE_ITS_SET, GATE_ITS_GET, GATE_ITS_GET_INFO, GATE_ITS_REMOVE, GATE_PS };

struct gate_its {
    psa_storage_uid_t uid;
    uint32_t offset_or_flags;
    uint32_t length;
    void *data; /* of GATE_ITS_GET_INFO a struct psa_storage_info_t */
};

enum gate_fwu_action {
    GATE_FWU_START, /* `value`: the manifest's size */
    GATE_FWU_FINISH,
    GATE_FWU_CANCEL,
    GATE_FWU_CLEAN,
    GATE_FWU_INSTALL,
    GATE_FWU_REJECT, /* the error */
    GATE_FWU_ACCEPT
};

/* Without data and with a length of 0 the key is made; without data and with another, it is a copy
 * of the key of that number. */
int32_t gate_make_key(const struct gate_attributes *attributes, const uint8_t *data,
                      uint32_t length);
int32_t gate_export_public_key(uint32_t id, uint8_t *data, uint32_t size);
int32_t gate_destroy_key(uint32_t id);
int32_t gate_sign_hash(const struct gate_sign *call);
int32_t gate_generate_random(uint8_t *output, uint32_t size);
int32_t gate_seal(void);

int32_t gate_its(uint32_t action, const struct gate_its *call);

int32_t gate_fwu_query(uint32_t component, psa_fwu_component_info_t *info);
int32_t gate_fwu(uint32_t action, uint32_t component, uint32_t value);
int32_t gate_fwu_write(uint32_t component, uint32_t offset, const void *block, uint32_t size);
int32_t gate_fwu_read(void); /* PSA_ERROR_NOT_SUPPORTED: the slot is not read any more */

int32_t gate_reboot(void); /* at any time */
void gate_feed(void);      /* the watchdog */

#ifdef __cplusplus
}
#endif

#endif
