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
const uint8_t uniform_records_per_sector = 3;
const uint8_t uniform_spare_primary = 1;
const uint8_t uniform_spare_secondary = 0;

uint32_t uniform_info_size(uint32_t max_align)
{
    return trailer_info_size(max_align);
}

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

static otter_status move_up(const struct boot_state *state, uint32_t count)
{
    otter_status status = OTTER_OK;
    for (uint32_t done = state->position; done < count && status == OTTER_OK; done++) {
        const uint32_t i = count - done;
        status = uniform_copy(state, state->primary, i - 1, state->primary, i);
        if (status == OTTER_OK)
            uniform_record(state, done, 1);
    }
    return status;
}

/* Records of the exchange that are written. */
static uint32_t exchanged(const struct boot_state *state)
{
    const uint32_t first = state->config->max_sectors;
    return state->position > first ? state->position - first : 0;
}

/* The old image's header stays in the first sector until all has moved, then in the second until it
 * has been taken out; the new one's until it has been brought in. */
void swap_find_mix(struct boot_state *state, struct swap_mix *mix)
{
    const uint32_t done = exchanged(state);
    const bool has_moved = state->position >= uniform_count(state);
    const struct flash_area moved = uniform_from(state, state->primary, has_moved ? 1 : 0);
    uniform_mix(state, mix, *state->primary, *state->secondary, (done + 1) / 2);
    swap_ciphers_resume(state, state->primary, done == 0 ? state->secondary : state->primary,
                        done < 2 ? &moved : state->secondary);
}

static otter_status exchange(const struct boot_state *state, uint32_t count)
{
    const uint32_t first = state->config->max_sectors;
    otter_status status = OTTER_OK;
    for (uint32_t done = exchanged(state); done < 2 * count && status == OTTER_OK; done++) {
        const uint32_t i = done / 2;
        if (done % 2 == 0)
            status = uniform_bring_in(state, i, i);
        else
            status = uniform_take_out(state, i + 1, i, i);
        if (status == OTTER_OK)
            uniform_record(state, first + done, (uint8_t)(done % 2 + 1));
        boot_report_progress(state, done + 1, 2 * count);
    }
    return status;
}

otter_status swap_run(struct boot_state *state)
{
    const uint32_t count = uniform_count(state);
    otter_status status = OTTER_OK;
    if (state->position == 0)
        status = uniform_begin(state);
    if (status == OTTER_OK)
        status = move_up(state, count);
    return status == OTTER_OK ? exchange(state, count) : status;
}
