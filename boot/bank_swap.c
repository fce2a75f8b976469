/* Bank swap: the flash has two equal banks, and an option of the chip decides which one is mapped
 * first. The primary slot is in the bank mapped first, the secondary slot at the same place in the
 * other; each bank has the bootloader in front. An update is one flip of that option, done by the
 * port (boot_hooks.swap_banks), which usually resets the chip.
 *
 *   secondary asked for              flip to it
 *   primary failed its trial         flip back, unless what lies there failed as well
 *   primary asked for                its first start: copy_done is set
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

/* Sets the type; true if it takes a flip. */
static bool choose(struct boot_state *state, const struct trailer *primary,
                   const struct trailer *secondary)
{
    const enum trial here = trial_of(primary);
    const enum trial there = trial_of(secondary);
    if (there == TRIAL_ASKED)
        state->type = trial_type(secondary);
    else if (here == TRIAL_FAILED && there != TRIAL_FAILED)
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

/* The image that runs becomes the backup. If it came with a request of its own (from a programmer)
 * that was never answered, that must not be taken for one after the flip. */
static otter_status keep_as_backup(const struct boot_state *state)
{
    const uint32_t align = state->config->max_align;
    struct trailer trailer;
    trailer_read(state->primary, align, &trailer);
    if (trial_of(&trailer) != TRIAL_ASKED)
        return OTTER_OK;
    otter_status status = OTTER_OK;
    if (trailer.image_ok == TRAILER_UNSET)
        status = trailer_write_flag(state->primary, align, TRAILER_IMAGE_OK, 1);
    return status == OTTER_OK ? trial_begin(state, state->primary) : status;
}

otter_status boot_mode_perform(struct boot_state *state)
{
    const struct boot_hooks *hooks = &state->config->hooks;
    if (hooks->swap_banks == NULL)
        return OTTER_E_UNSUPPORTED;
    boot_report(state, BOOT_EVENT_SWAP_STARTS, 0);
    const otter_status status = keep_as_backup(state);
    return status == OTTER_OK ? hooks->swap_banks(hooks->ctx) : status;
}

bool boot_mode_rescue(struct boot_state *state)
{
    state->type = SWAP_REVERT;
    return boot_verify(state, state->secondary, boot_mode_limit(state)) == OTTER_OK &&
           boot_mode_perform(state) == OTTER_OK;
}

otter_status boot_mode_start(const struct boot_state *state)
{
    return trial_begin(state, state->primary);
}

struct flash_area boot_mode_incoming(const struct boot_state *state)
{
    return state->pending ? *state->secondary : *state->primary;
}
