/* Slots and trailers as calls of the firmware update service; see slot.h. */
#include "secure/slot.h"

#include <string.h>

#include "boards/board.h"
#include "image/trailer.h"
#include "secure/secure.h"
#include "services/ota/verify.h"

/* Of the slot that was begun last, in this life. */
static struct {
    bool begun; /* false: in an earlier life, or not at all */
    psa_fwu_component_t component;
#if !OTA_SLOTS_KEPT  /* who keeps them may have no digest */
    uint32_t hashed; /* bytes from its start that came one after the other */
    struct image_sha256 sha;
#endif
} now;

static bool is_begun(psa_fwu_component_t component)
{
    return now.begun && now.component == component;
}

_Static_assert(sizeof((psa_fwu_impl_info_t *)0)->candidate_digest >= IMAGE_HASH_SIZE,
               "the digest is SHA-256");

static otter_status status_of(psa_status_t result)
{
    switch (result) {
    case PSA_SUCCESS:
    case PSA_SUCCESS_REBOOT:
        return OTTER_OK;
    case PSA_ERROR_BAD_STATE:
        return OTTER_E_STATE;
    case PSA_ERROR_INVALID_ARGUMENT:
        return OTTER_E_ARGUMENT;
    case PSA_ERROR_INVALID_SIGNATURE:
        return OTTER_E_SIGNATURE;
    case PSA_ERROR_NOT_PERMITTED:
    case PSA_ERROR_DEPENDENCY_NEEDED:
        return OTTER_E_VERSION;
    default:
        return OTTER_E_FLASH;
    }
}

static uint32_t state(psa_fwu_component_t component)
{
    psa_fwu_component_info_t info;
    return psa_fwu_query(component, &info) == PSA_SUCCESS ? info.state : PSA_FWU_READY;
}

static bool is_at(const struct flash_area *slot, const struct flash_area *place)
{
    return slot->size > 0 && slot->flash == place->flash && slot->offset == place->offset;
}

static psa_fwu_component_t component_of(const struct flash_area *slot)
{
    if (is_at(slot, &board_secure.primary) || is_at(slot, &board_secure.secondary))
        return FWU_COMPONENT_SECURE;
    return FWU_COMPONENT_FIRMWARE;
}

static bool is_secondary(const struct flash_area *slot)
{
    return is_at(slot, &board.secondary) || is_at(slot, &board_secure.secondary);
}

/* Of the device that both update slots lie on. */
static const struct flash_area *slot_at(uint32_t offset)
{
    return offset - board_secure.secondary.offset < board_secure.secondary.size
               ? &board_secure.secondary
               : &board.secondary;
}

/* ---- The digest of the blocks as they came, where who keeps the slots may have none -------------
 */

#if OTA_SLOTS_KEPT

static void hash_begin(void)
{
}

static void hash_block(uint32_t offset, const void *data, uint32_t length)
{
    (void)offset;
    (void)data;
    (void)length;
}

static otter_status hash_end(uint32_t size, uint8_t digest[IMAGE_HASH_SIZE])
{
    (void)size;
    (void)digest;
    return OTTER_E_UNSUPPORTED;
}

#else

static void hash_begin(void)
{
    now.hashed = 0;
    image_sha256_init(&now.sha);
}

static void hash_block(uint32_t offset, const void *data, uint32_t length)
{
    if (offset != now.hashed)
        return;
    image_sha256_update(&now.sha, data, length);
    now.hashed += length;
}

static otter_status hash_end(uint32_t size, uint8_t digest[IMAGE_HASH_SIZE])
{
    if (now.hashed != size)
        return OTTER_E_UNSUPPORTED; /* not in their order */
    image_sha256_finish(&now.sha, digest);
    now.begun = false;
    return OTTER_OK;
}

#endif

/* ---- port/flash.h -----------------------------------------------------------------------------
 */

static uint32_t piece_of(uint32_t length)
{
    return length < PSA_FWU_MAX_WRITE_SIZE ? length : PSA_FWU_MAX_WRITE_SIZE;
}

otter_status secure_slot_read(void *ctx, uint32_t offset, void *data, uint32_t length)
{
    (void)ctx;
    (void)offset;
    (void)data;
    (void)length;
    return OTTER_E_UNSUPPORTED;
}

/* A block that is not taken in the life that began the slot may come again; later, the slot may
 * have forgotten what came before it, or hold a torn piece in its place. */
otter_status secure_slot_program(void *ctx, uint32_t offset, const void *data, uint32_t length)
{
    const struct flash_area *slot = slot_at(offset);
    const psa_fwu_component_t component = component_of(slot);
    const uint32_t start = offset - slot->offset;
    psa_status_t result = PSA_SUCCESS;
    (void)ctx;
    for (uint32_t done = 0; done < length && result == PSA_SUCCESS; done += piece_of(length - done))
        result = psa_fwu_write(component, start + done, (const uint8_t *)data + done,
                               piece_of(length - done));
    if (result != PSA_SUCCESS)
        return is_begun(component) && result != PSA_ERROR_BAD_STATE ? status_of(result)
                                                                    : OTTER_E_NO_SPACE;
    if (is_begun(component))
        hash_block(start, data, length);
    return OTTER_OK;
}

otter_status secure_slot_erase(void *ctx, uint32_t offset)
{
    (void)ctx;
    return state(component_of(slot_at(offset))) == PSA_FWU_WRITING ? OTTER_OK : OTTER_E_NO_SPACE;
}

void secure_slot_forget(void)
{
    now.begun = false;
}

/* ---- image/trailer.h --------------------------------------------------------------------------
 */

void trailer_read(const struct flash_area *slot, uint32_t max_align, struct trailer *trailer)
{
    const uint32_t is = state(component_of(slot));
    const bool on_trial = is == PSA_FWU_TRIAL || is == PSA_FWU_REJECTED;
    (void)max_align;
    *trailer = (struct trailer){.magic = TRAILER_UNSET,
                                .copy_done = TRAILER_UNSET,
                                .image_ok = TRAILER_UNSET,
                                .swap_type = SWAP_NONE};
    if (is_secondary(slot) ? is == PSA_FWU_STAGED : on_trial) {
        trailer->magic = TRAILER_GOOD;
        trailer->swap_type = SWAP_TEST;
        trailer->copy_done = is_secondary(slot) ? TRAILER_UNSET : TRAILER_SET;
    }
}

/* Takes back what was under way, and begins anew. */
otter_status trailer_prepare(const struct flash_area *slot)
{
    psa_status_t result = PSA_SUCCESS;
    if (!is_secondary(slot))
        return OTTER_E_ARGUMENT;
    const psa_fwu_component_t component = component_of(slot);
    const uint32_t was = state(component);
    if (was == PSA_FWU_STAGED)
        result = psa_fwu_reject(PSA_ERROR_GENERIC_ERROR);
    else if (was == PSA_FWU_WRITING || was == PSA_FWU_CANDIDATE)
        result = psa_fwu_cancel(component);
    if (result == PSA_SUCCESS && was != PSA_FWU_READY)
        result = psa_fwu_clean(component);
    if (result == PSA_SUCCESS)
        result = psa_fwu_start(component, NULL, 0);
    now.begun = result == PSA_SUCCESS;
    now.component = component;
    hash_begin();
    return status_of(result);
}

/* The first request of several installs all candidates. */
otter_status trailer_request(const struct flash_area *slot, uint32_t max_align, bool permanent)
{
    psa_status_t result = PSA_SUCCESS;
    (void)max_align;
    if (!is_secondary(slot) || permanent)
        return OTTER_E_UNSUPPORTED;
    const uint32_t was = state(component_of(slot));
    if (was == PSA_FWU_STAGED)
        return OTTER_OK;
    if (was == PSA_FWU_WRITING)
        result = psa_fwu_finish(component_of(slot));
    if (result == PSA_SUCCESS)
        result = psa_fwu_install();
    return status_of(result);
}

otter_status trailer_confirm(const struct flash_area *slot, uint32_t max_align)
{
    (void)max_align;
    return state(component_of(slot)) == PSA_FWU_TRIAL ? status_of(psa_fwu_accept()) : OTTER_OK;
}

/* ---- services/ota/verify.h --------------------------------------------------------------------
 */

void ota_verify_init(struct ota_verify *verify, const struct flash_area *slot, struct pki *pki,
                     const struct ota_job *job, uint32_t image_size_max,
                     const struct image_policy *policy)
{
    (void)policy; /* of whom finish asks */
    memset(verify, 0, sizeof *verify);
    verify->slot = slot;
    verify->pki = pki;
    verify->job = job;
    verify->image_size_max = image_size_max;
}

/* What is made from a file needs a slot that is read. */
otter_status ota_verify_image_only(struct ota_verify *verify, uint32_t size)
{
    (void)verify;
    (void)size;
    return OTTER_E_UNSUPPORTED;
}

static otter_status digest_of_file(psa_fwu_component_t component, uint32_t size,
                                   uint8_t digest[IMAGE_HASH_SIZE])
{
    static const uint8_t none[IMAGE_HASH_SIZE];
    psa_fwu_component_info_t info;
    const psa_status_t result = psa_fwu_query(component, &info);
    if (result != PSA_SUCCESS)
        return status_of(result);
    memcpy(digest, info.impl.candidate_digest, IMAGE_HASH_SIZE);
    if (memcmp(digest, none, sizeof none) != 0)
        return OTTER_OK;
    if (!is_begun(component))
        return OTTER_E_NO_SPACE;
    return hash_end(size, digest);
}

static otter_status check_file(const struct ota_verify *verify)
{
    uint8_t digest[IMAGE_HASH_SIZE];
    const psa_fwu_component_t component = component_of(verify->slot);
    otter_status status = digest_of_file(component, verify->job->file_size, digest);
    if (status == OTTER_OK)
        status = pki_verify(verify->pki, PKI_OTA_SIGNER, digest, verify->job->signature,
                            verify->job->signature_length);
    if (status != OTTER_OK)
        (void)psa_fwu_cancel(component);
    return status;
}

/* A reset may have come in between: what is STAGED was checked before that. */
otter_status ota_verify_step(struct ota_verify *verify)
{
    psa_status_t result = PSA_SUCCESS;
    verify->stage = OTA_VERIFY_IMAGE;
    switch (state(component_of(verify->slot))) {
    case PSA_FWU_WRITING:
        result = psa_fwu_finish(component_of(verify->slot));
        break;
    case PSA_FWU_CANDIDATE:
        break;
    case PSA_FWU_STAGED:
        return OTTER_OK;
    default:
        return OTTER_E_NO_SPACE;
    }
    if (result != PSA_SUCCESS)
        return status_of(result);
    verify->stage = OTA_VERIFY_FILE;
    return check_file(verify);
}

/* ---- services/ota/set.h -----------------------------------------------------------------------
 */

struct image_version secure_slot_version(void)
{
    psa_fwu_component_info_t info;
    struct image_version version = {0, 0, 0, 0};
    if (psa_fwu_query(FWU_COMPONENT_SECURE, &info) == PSA_SUCCESS)
        version = (struct image_version){info.version.major, info.version.minor, info.version.patch,
                                         info.version.build};
    return version;
}

/* A secure program that fails its own test gives way before this firmware has run. */
const char *ota_verify_who_refused(void)
{
    psa_fwu_component_info_t info;
    return psa_fwu_query(FWU_COMPONENT_SECURE, &info) == PSA_SUCCESS &&
                   info.state == PSA_FWU_FAILED && info.error == SECURE_UNFIT
               ? "the secure program failed its self-test"
               : NULL;
}
