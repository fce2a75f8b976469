/* Bank swap: the flash has two equal banks, and an option of the chip decides which one is mapped
 * first. The primary slot is in the bank mapped first, the secondary slot at the same place in the
 * other; each bank has the bootloader in front. An update is one flip of that option, done by the
 * port (boot_hooks.swap_banks), which usually resets the chip.
 *
 *   secondary asked for              flip to it
 *   primary failed its trial         flip back, unless what lies there failed as well
 *   primary asked for                its first start: copy_done is set; if that is not possible, or
 *                                    the image is not valid, flip back
 *   primary not valid                flip, if the secondary is
 *
 * After a flip the trailers have changed places with the images, so a flip repeated after a power
 * cut cannot happen: the one that was done has changed what is found here. */
#include "boot/trial.h"

const char boot_mode_name[] = "bank swap";

uint32_t boot_mode_limit(const struct boot_state *state)
{
    return trial_limit(state);
}

static otter_status refuse(struct boot_state *state, otter_status why)
{
    boot_report(state, BOOT_EVENT_REFUSED, why);
    const bool revert = state->type == SWAP_REVERT;
    state->type = SWAP_FAIL;
    return revert ? OTTER_OK : boot_erase(state, state->secondary, 0, state->secondary->size);
}

static bool is_valid(struct boot_state *state, const struct flash_area *slot)
{
    return boot_verify(state, slot, boot_mode_limit(state)) == OTTER_OK;
}

/* Sets the type; true if it takes a flip. */
static bool choose(struct boot_state *state, const struct trailer *primary,
                   const struct trailer *secondary)
{
    const enum trial here = trial_of(primary);
    const enum trial there = trial_of(secondary);
    const bool may_revert = there != TRIAL_FAILED;
    if (there == TRIAL_ASKED)
        state->type = trial_type(secondary);
    else if (may_revert &&
             (here == TRIAL_FAILED || (here == TRIAL_ASKED && !is_valid(state, state->primary))))
        state->type = SWAP_REVERT;
    else if (here == TRIAL_ASKED)
        state->type = trial_type(primary);
    return there == TRIAL_ASKED || state->type == SWAP_REVERT;
}

otter_status boot_mode_prepare(struct boot_state *state)
{
    struct trailer primary;
    struct trailer secondary;
    trailer_read(state->primary, state->config->max_align, &primary);
    trailer_read(state->secondary, state->config->max_align, &secondary);
    boot_report_trailer(state, BOOT_EVENT_PRIMARY, &primary);
    boot_report_trailer(state, BOOT_EVENT_SECONDARY, &secondary);
    const bool flip = choose(state, &primary, &secondary);
    boot_report(state, BOOT_EVENT_SWAP_TYPE, state->type);
    if (!flip)
        return OTTER_OK;
    const otter_status status =
        boot_verify_candidate(state, state->secondary, boot_mode_limit(state));
    if (status != OTTER_OK)
        return refuse(state, status);
    state->pending = true;
    return OTTER_OK;
}

/* Sets both flags of an image that nobody asks for any more. */
static otter_status answer_request(const struct boot_state *state, const struct trailer *trailer)
{
    const uint32_t align = state->config->max_align;
    otter_status status = OTTER_OK;
    if (trailer->image_ok == TRAILER_UNSET)
        status = trailer_write_flag(state->primary, align, TRAILER_IMAGE_OK, 1);
    return status == OTTER_OK ? trailer_write_flag(state->primary, align, TRAILER_COPY_DONE, 1)
                              : status;
}

/* The image that runs becomes the backup. Its trailer must not be taken for a request after the
 * flip: one that came from a programmer and was never answered would be, or one whose copy_done a
 * cut tore, so that it reads otherwise at some later boot. So the trailer goes. Where the image
 * reaches into that sector the request is answered instead; if write-once flash refuses that, the
 * sector goes all the same: better no way back than no update ever. */
static otter_status keep_as_backup(const struct boot_state *state)
{
    const struct flash_area *slot = state->primary;
    const uint32_t last = flash_sector_at(slot, slot->size - 1).offset;
    struct trailer trailer;
    trailer_read(slot, state->config->max_align, &trailer);
    if (trailer.magic == TRAILER_UNSET)
        return OTTER_OK;
    if (boot_image_end(slot, boot_mode_limit(state)) > last &&
        (trial_of(&trailer) != TRIAL_ASKED || answer_request(state, &trailer) == OTTER_OK))
        return OTTER_OK;
    return boot_erase(state, slot, last, slot->size);
}

static otter_status flip(struct boot_state *state)
{
    const struct boot_hooks *hooks = &state->config->hooks;
    if (hooks->swap_banks == NULL)
        return OTTER_E_UNSUPPORTED;
    boot_report(state, BOOT_EVENT_SWAP_STARTS, 0);
    return hooks->swap_banks(hooks->ctx);
}

otter_status boot_mode_perform(struct boot_state *state)
{
    const otter_status status = state->type == SWAP_REVERT ? OTTER_OK : keep_as_backup(state);
    return status == OTTER_OK ? flip(state) : status;
}

bool boot_mode_rescue(struct boot_state *state)
{
    state->type = SWAP_REVERT;
    return boot_may_rescue(state, state->secondary, boot_mode_limit(state)) &&
           boot_mode_perform(state) == OTTER_OK;
}

/* An image whose trial cannot be noted runs only if there is no other. Else it goes, from its
 * start, so that it is refused when it is met again on the way back. */
otter_status boot_mode_start(struct boot_state *state)
{
    struct trailer other;
    if (trial_begin(state, state->primary) == OTTER_OK)
        return OTTER_OK;
    trailer_read(state->secondary, state->config->max_align, &other);
    otter_status status = OTTER_OK;
    if (trial_of(&other) != TRIAL_FAILED && is_valid(state, state->secondary)) {
        state->type = SWAP_REVERT;
        status = boot_erase(state, state->primary, 0, flash_sector_at(state->primary, 0).size);
        if (status == OTTER_OK)
            status = flip(state);
    }
    return status == OTTER_OK ? boot_verify(state, state->primary, boot_mode_limit(state)) : status;
}

struct flash_area boot_mode_incoming(const struct boot_state *state)
{
    return state->pending ? *state->secondary : *state->primary;
}
