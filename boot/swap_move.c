/* Swap by move (docs/formats.md 4.2). With n sectors to exchange:
 *
 *   move   for i = n .. 1:      primary i-1 -> primary i                          one record
 *   swap   for i = 0 .. n-1:    secondary i -> primary i                          record 1
 *                               primary i+1 -> secondary i                        record 2
 *
 * Records of the move come first, those of the swap start at number `max_sectors`. */
#include "boot/swap_uniform.h"

const char boot_mode_name[] = "move";
const enum trailer_field swap_size_field = TRAILER_SWAP_SIZE;
const enum update_mode uniform_mode = UPDATE_SWAP_MOVE;
const uint8_t uniform_spare_primary = 1;
const uint8_t uniform_spare_secondary = 0;

otter_status uniform_note(const struct boot_state *state, const struct flash_area *area)
{
    return swap_trailer_write(state, area);
}

/* As a permanent request: what comes back is not on trial. */
otter_status uniform_note_revert(const struct boot_state *state)
{
    struct boot_state request = *state;
    request.type = SWAP_PERM;
    return swap_trailer_write(&request, state->secondary);
}

struct flash_area swap_candidate(const struct boot_state *state)
{
    return *state->secondary;
}

uint32_t swap_steps(const struct boot_state *state)
{
    return 3 * uniform_count(state);
}

uint32_t uniform_record_index(const struct boot_state *state, uint32_t step)
{
    const uint32_t count = uniform_count(state);
    return step < count ? step : state->config->max_sectors + step - count;
}

uint8_t uniform_record_value(const struct boot_state *state, uint32_t step)
{
    const uint32_t count = uniform_count(state);
    return step < count ? 1 : (uint8_t)((step - count) % 2 + 1);
}

uint32_t uniform_steps_recorded(const struct boot_state *state, uint32_t records)
{
    const uint32_t count = uniform_count(state);
    const uint32_t first = state->config->max_sectors;
    if (records > first)
        return count + records - first;
    return records < count ? records : count;
}

/* Steps of the exchange that are done. */
static uint32_t exchanged(const struct boot_state *state)
{
    const uint32_t count = uniform_count(state);
    return state->position > count ? state->position - count : 0;
}

/* The outgoing image has moved up by one sector from `count` - steps on; its header is in the first
 * sector until all has moved, then in the second until it has been taken out. The incoming one's
 * is in the secondary slot until it has been brought in. */
void swap_find_mix(struct boot_state *state, struct swap_mix *mix, enum swap_side side)
{
    const uint32_t count = uniform_count(state);
    const uint32_t done = exchanged(state);
    const bool has_moved = state->position >= count;
    const struct flash_area moved = uniform_from(state, state->primary, 1);
    if (side == SWAP_INCOMING)
        uniform_mix(state, mix, *state->primary, *state->secondary, (done + 1) / 2);
    else if (has_moved)
        uniform_mix(state, mix, *state->secondary, moved, done / 2);
    else
        uniform_mix(state, mix, *state->primary, moved, count - state->position);
    const struct flash_area *outgoing = has_moved ? &moved : state->primary;
    swap_ciphers_resume(state, state->primary, done == 0 ? state->secondary : state->primary,
                        done < 2 ? outgoing : state->secondary);
}

bool swap_is_backup(const struct boot_state *state)
{
    const uint32_t count = uniform_count(state);
    return state->position >= count && (state->position - count) % 2 == 1;
}

otter_status swap_step(struct boot_state *state)
{
    const uint32_t count = uniform_count(state);
    const uint32_t to = count - state->position; /* of the move */
    const uint32_t i = exchanged(state) / 2;
    if (state->position < count)
        return uniform_copy(state, state->primary, to - 1, state->primary, to);
    return swap_is_backup(state) ? uniform_take_out(state, i + 1, i, i)
                                 : uniform_bring_in(state, i, i);
}

otter_status swap_unstep(struct boot_state *state)
{
    const uint32_t count = uniform_count(state);
    const uint32_t to = count - state->position;
    const uint32_t i = exchanged(state) / 2;
    if (state->position < count)
        return uniform_put_back(state, state->primary, to, to - 1, to - 1);
    return swap_is_backup(state) ? uniform_put_back(state, state->secondary, i, i, i + 1)
                                 : OTTER_OK;
}

otter_status swap_end(struct boot_state *state)
{
    (void)state;
    return OTTER_OK;
}
