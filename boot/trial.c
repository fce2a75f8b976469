/* Trials of images that run where they lie, read from and written to their own trailers. */
#include "boot/trial.h"

enum trial trial_of(const struct trailer *trailer)
{
    if (trailer->magic != TRAILER_GOOD)
        return TRIAL_UNASKED;
    if (trailer->copy_done == TRAILER_UNSET)
        return TRIAL_ASKED;
    return trailer->image_ok == TRAILER_UNSET ? TRIAL_FAILED : TRIAL_CONFIRMED;
}

enum swap_type trial_type(const struct trailer *trailer)
{
    return trailer->image_ok == TRAILER_UNSET ? SWAP_TEST : SWAP_PERM;
}

otter_status trial_begin(const struct boot_state *state, const struct flash_area *slot)
{
    const uint32_t align = state->config->max_align;
    struct trailer trailer;
    trailer_read(slot, align, &trailer);
    if (state->type != SWAP_TEST && state->type != SWAP_PERM && trial_of(&trailer) != TRIAL_ASKED)
        return OTTER_OK;
    const otter_status status = trailer_write_flag(slot, align, TRAILER_COPY_DONE, 1);
    return trial_type(&trailer) == SWAP_TEST ? status : OTTER_OK;
}

uint32_t trial_limit(const struct boot_state *state)
{
    const uint32_t a = state->primary->size;
    const uint32_t b = state->secondary->size;
    return trailer_field_offset(a < b ? a : b, state->config->max_align, TRAILER_SWAP_INFO);
}
