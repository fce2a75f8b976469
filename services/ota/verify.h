/* Checks a finished download on flash, a piece a step: the code signature over the file as it was
 * shipped (ECDSA P-256 and SHA-256, key ota_signer_pub), then what the bootloader will ask: image
 * structure, hash and, where the firmware knows the keys, signature. */
#ifndef OTTER_SERVICES_OTA_VERIFY_H
#define OTTER_SERVICES_OTA_VERIFY_H

#include "image/check.h"
#include "pki/pki.h"
#include "services/ota/record.h"

#ifdef __cplusplus
extern "C" {
#endif

enum ota_verify_stage { OTA_VERIFY_FILE, OTA_VERIFY_IMAGE };

struct ota_verify {
    const struct flash_area *slot;
    struct pki *pki; /* holds the key */
    const struct ota_job *job;
    const struct image_policy *policy;
    uint32_t image_size_max;
    uint32_t hashed;
    uint32_t size; /* of the file; later of the image that was made from it */
    bool file_only;
    enum ota_verify_stage stage; /* in which an error came up */
    struct image_sha256 sha;
    struct image_check check;
};

/* `policy` may be NULL: then image structure and hash are checked, the image's own signature is
 * left to the bootloader. */
void ota_verify_init(struct ota_verify *verify, const struct flash_area *slot, struct pki *pki,
                     const struct ota_job *job, uint32_t image_size_max,
                     const struct image_policy *policy);
/* At most 4096 bytes a step, or one signature. OTTER_E_AGAIN until done; OTTER_OK, or why not. */
otter_status ota_verify_step(struct ota_verify *verify);

/* For a file that is no image: after ota_verify_init, only the code signature is checked; and after
 * ota_verify_init once more, only the image of `size` bytes that was made from it. */
static inline void ota_verify_file_only(struct ota_verify *verify)
{
    verify->file_only = true;
}
otter_status ota_verify_image_only(struct ota_verify *verify, uint32_t size);

/* Where something below the firmware ends a trial before the new firmware has run: its words for
 * it, until the next download; else NULL. */
const char *ota_verify_who_refused(void);

#ifdef __cplusplus
}
#endif

#endif
