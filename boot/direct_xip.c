/* Direct XIP with revert (docs/formats.md 4.5): each slot holds an image linked for it, the
 * better one is started where it lies. An image that was asked for or confirmed is better than one
 * that nobody asked for, that is better than one whose trial failed; among equals the newer one,
 * then the primary.
 *
 * Unlike MCUboot this erases nothing: a slot that lost its magic to a power cut may hold the only
 * image that works. */
#include "boot/trial.h"

const char boot_mode_name[] = "direct-xip";

uint32_t boot_mode_limit(const struct boot_state *state)
{
    return trial_limit(state);
}

struct choice {
    const struct flash_area *slot;
    struct image_header header;
    struct trailer trailer;
    int rank;
};

static bool is_built_for(const struct boot_state *state, const struct choice *choice)
{
    const struct boot_hooks *hooks = &state->config->hooks;
    if ((choice->header.flags & IMAGE_FLAG_ROM_FIXED) != 0 &&
        choice->header.load_address != state->config->flash_base + choice->slot->offset)
        return false;
    return hooks->is_linked_for == NULL ||
           hooks->is_linked_for(hooks->ctx, choice->slot, &choice->header);
}

static void rank(const struct boot_state *state, const struct flash_area *slot,
                 struct choice *choice)
{
    choice->slot = slot;
    trailer_read(slot, state->config->max_align, &choice->trailer);
    const enum trial trial = trial_of(&choice->trailer);
    choice->rank = -1;
    if (image_header_read(slot, &choice->header) == OTTER_OK && is_built_for(state, choice))
        choice->rank = trial == TRIAL_ASKED ? TRIAL_CONFIRMED : (int)trial;
}

static bool is_better(const struct choice *a, const struct choice *b)
{
    if (a->rank != b->rank || a->rank < 0)
        return a->rank > b->rank;
    return image_version_compare(&a->header.version, &b->header.version) > 0;
}

otter_status boot_mode_prepare(struct boot_state *state)
{
    struct choice primary;
    struct choice secondary;
    rank(state, state->primary, &primary);
    rank(state, state->secondary, &secondary);
    boot_report_trailer(state, BOOT_EVENT_PRIMARY, &primary.trailer);
    boot_report_trailer(state, BOOT_EVENT_SECONDARY, &secondary.trailer);
    const struct choice *best = is_better(&secondary, &primary) ? &secondary : &primary;
    state->slot = best->slot;
    if (trial_of(&best->trailer) == TRIAL_ASKED)
        state->type = trial_type(&best->trailer);
    boot_report(state, BOOT_EVENT_SWAP_TYPE, state->type);
    return OTTER_OK;
}

otter_status boot_mode_perform(struct boot_state *state)
{
    (void)state; /* nothing is ever pending: images stay where they are */
    return OTTER_OK;
}

static const struct flash_area *other_slot(const struct boot_state *state)
{
    return state->slot == state->primary ? state->secondary : state->primary;
}

bool boot_mode_rescue(struct boot_state *state)
{
    struct choice other;
    rank(state, other_slot(state), &other);
    state->slot = other.slot;
    state->type = SWAP_REVERT;
    return other.rank >= 0;
}

/* An image whose trial cannot be noted runs only if there is no other. */
otter_status boot_mode_start(struct boot_state *state)
{
    struct choice other;
    if (trial_begin(state, state->slot) == OTTER_OK)
        return OTTER_OK;
    rank(state, other_slot(state), &other);
    state->type = SWAP_REVERT;
    if (other.rank >= 0 && boot_verify(state, other.slot, boot_mode_limit(state)) == OTTER_OK &&
        trial_begin(state, other.slot) == OTTER_OK) {
        state->slot = other.slot;
        return OTTER_OK;
    }
    state->type = SWAP_NONE;
    return boot_verify(state, state->slot, boot_mode_limit(state));
}

struct flash_area boot_mode_incoming(const struct boot_state *state)
{
    return *state->slot;
}
