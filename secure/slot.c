/* Slot and trailer as calls of the firmware update service; see slot.h. */
#include "secure/slot.h"

#include "boards/board.h"
#include "image/trailer.h"
#include "secure/update.h"

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
    case PSA_ERROR_INSUFFICIENT_STORAGE:
        return OTTER_E_NO_SPACE;
    default:
        return OTTER_E_FLASH;
    }
}

static uint32_t state(void)
{
    psa_fwu_component_info_t info;
    return psa_fwu_query(FWU_COMPONENT_FIRMWARE, &info) == PSA_SUCCESS ? info.state : PSA_FWU_READY;
}

static uint32_t piece_of(uint32_t length)
{
    return length < PSA_FWU_MAX_WRITE_SIZE ? length : PSA_FWU_MAX_WRITE_SIZE;
}

otter_status secure_slot_read(void *ctx, uint32_t offset, void *data, uint32_t length)
{
    psa_status_t result = PSA_SUCCESS;
    (void)ctx;
    for (uint32_t done = 0; done < length && result == PSA_SUCCESS; done += piece_of(length - done))
        result = fwu_read(FWU_COMPONENT_FIRMWARE, offset + done, (uint8_t *)data + done,
                          piece_of(length - done));
    return status_of(result);
}

otter_status secure_slot_program(void *ctx, uint32_t offset, const void *data, uint32_t length)
{
    psa_status_t result = PSA_SUCCESS;
    (void)ctx;
    for (uint32_t done = 0; done < length && result == PSA_SUCCESS; done += piece_of(length - done))
        result = psa_fwu_write(FWU_COMPONENT_FIRMWARE, offset + done, (const uint8_t *)data + done,
                               piece_of(length - done));
    return status_of(result);
}

otter_status secure_slot_erase(void *ctx, uint32_t offset)
{
    (void)ctx;
    return status_of(fwu_erase(FWU_COMPONENT_FIRMWARE, offset));
}

/* ---- image/trailer.h --------------------------------------------------------------------------
 */

static bool is_secondary(const struct flash_area *slot)
{
    return slot->flash == board.secondary.flash;
}

void trailer_read(const struct flash_area *slot, uint32_t max_align, struct trailer *trailer)
{
    const uint32_t now = state();
    const bool on_trial = now == PSA_FWU_TRIAL || now == PSA_FWU_REJECTED;
    (void)max_align;
    *trailer = (struct trailer){.magic = TRAILER_UNSET,
                                .copy_done = TRAILER_UNSET,
                                .image_ok = TRAILER_UNSET,
                                .swap_type = SWAP_NONE};
    if (is_secondary(slot) ? now == PSA_FWU_STAGED : on_trial) {
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
    const uint32_t was = state();
    if (was == PSA_FWU_STAGED)
        result = psa_fwu_reject(PSA_ERROR_GENERIC_ERROR);
    else if (was == PSA_FWU_WRITING || was == PSA_FWU_CANDIDATE)
        result = psa_fwu_cancel(FWU_COMPONENT_FIRMWARE);
    if (result == PSA_SUCCESS && was != PSA_FWU_READY)
        result = psa_fwu_clean(FWU_COMPONENT_FIRMWARE);
    if (result == PSA_SUCCESS)
        result = psa_fwu_start(FWU_COMPONENT_FIRMWARE, NULL, 0);
    return status_of(result);
}

otter_status trailer_request(const struct flash_area *slot, uint32_t max_align, bool permanent)
{
    psa_status_t result = PSA_SUCCESS;
    (void)max_align;
    if (!is_secondary(slot) || permanent)
        return OTTER_E_UNSUPPORTED;
    const uint32_t was = state();
    if (was == PSA_FWU_STAGED)
        return OTTER_OK;
    if (was == PSA_FWU_WRITING)
        result = psa_fwu_finish(FWU_COMPONENT_FIRMWARE);
    if (result == PSA_SUCCESS)
        result = psa_fwu_install();
    return status_of(result);
}

otter_status trailer_confirm(const struct flash_area *slot, uint32_t max_align)
{
    (void)slot;
    (void)max_align;
    return state() == PSA_FWU_TRIAL ? status_of(psa_fwu_accept()) : OTTER_OK;
}
