/* The checks of a finished download, one piece a call; see verify.h. */
#include "services/ota/verify.h"

#include "services/ota/staging.h"

#define STEP_SIZE  4096u
#define PIECE_SIZE 512u
_Static_assert(PIECE_SIZE >= IMAGE_SIGNATURE_MAX, "a piece takes a signature too");

void ota_verify_init(struct ota_verify *verify, const struct flash_area *slot, struct pki *pki,
                     const struct ota_job *job, uint32_t image_size_max,
                     const struct image_policy *policy)
{
    verify->slot = slot;
    verify->pki = pki;
    verify->job = job;
    verify->policy = policy;
    verify->image_size_max = image_size_max;
    verify->hashed = 0;
    verify->size = job->file_size;
    verify->file_only = false;
    verify->stage = OTA_VERIFY_FILE;
    image_sha256_init(&verify->sha);
}

static otter_status hash_some(struct ota_verify *verify)
{
    uint8_t piece[PIECE_SIZE];
    const uint32_t size = verify->size;
    for (uint32_t done = 0; done < STEP_SIZE && verify->hashed < size; done += PIECE_SIZE) {
        const uint32_t left = size - verify->hashed;
        const uint32_t part = left < sizeof piece ? left : (uint32_t)sizeof piece;
        const otter_status status = flash_read(verify->slot, verify->hashed, piece, part);
        if (status != OTTER_OK)
            return status;
        image_sha256_update(&verify->sha, piece, part);
        verify->hashed += part;
    }
    return OTTER_E_AGAIN;
}

/* Without the bootloader's keys the image is checked with none: what is looked at before the key is
 * looked at all the same. */
static const struct image_policy *policy_of(const struct ota_verify *verify)
{
    static const struct image_policy no_keys = {.keys = NULL, .key_count = 0};
    return verify->policy != NULL ? verify->policy : &no_keys;
}

static otter_status begin_image(struct ota_verify *verify)
{
    verify->stage = OTA_VERIFY_IMAGE;
    const otter_status status =
        image_check_init(&verify->check, verify->slot, verify->image_size_max, policy_of(verify));
    if (status != OTTER_OK)
        return status;
    return verify->check.image.end > verify->size ? OTTER_E_MALFORMED : OTTER_E_AGAIN;
}

otter_status ota_verify_image_only(struct ota_verify *verify, uint32_t size)
{
    verify->size = size;
    return begin_image(verify);
}

static otter_status check_signature(struct ota_verify *verify)
{
    uint8_t digest[IMAGE_HASH_SIZE];
    image_sha256_finish(&verify->sha, digest);
    const otter_status status = pki_verify(verify->pki, PKI_OTA_SIGNER, digest,
                                           verify->job->signature, verify->job->signature_length);
    if (status != OTTER_OK || (OTA_STAGING && verify->file_only))
        return status;
    return begin_image(verify);
}

/* An encrypted image's hash covers the clear text, which only the bootloader can see. */
static otter_status check_image(struct ota_verify *verify)
{
    const uint32_t encrypted = IMAGE_FLAG_ENCRYPTED_AES128 | IMAGE_FLAG_ENCRYPTED_AES256;
    uint8_t piece[PIECE_SIZE];
    otter_status status = OTTER_E_AGAIN;
    if ((verify->check.image.header.flags & encrypted) != 0)
        return OTTER_OK;
    for (uint32_t done = 0; done < STEP_SIZE && status == OTTER_E_AGAIN; done += PIECE_SIZE)
        status = image_check_step(&verify->check, piece, sizeof piece);
    return status == OTTER_E_KEY && verify->policy == NULL ? OTTER_OK : status;
}

otter_status ota_verify_step(struct ota_verify *verify)
{
    if (verify->stage == OTA_VERIFY_IMAGE)
        return check_image(verify);
    if (verify->hashed < verify->size)
        return hash_some(verify);
    return check_signature(verify);
}

/* The bootloader tells nothing but what it did. */
const char *ota_verify_who_refused(void)
{
    return NULL;
}
