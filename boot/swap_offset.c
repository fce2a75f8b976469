/* Swap by offset (docs/formats.md 4.3). The candidate lies one sector into the secondary slot, so
 * there is always a free sector to move into. With n sectors to exchange:
 *
 *   upgrade  for i = 0 .. n-1:   primary i -> secondary i       record 1
 *                                secondary i+1 -> primary i     record 2
 *   revert   for i = n-1 .. 0:   primary i -> secondary i+1     record 1
 *                                secondary i -> primary i       record 2
 *            then the first sector of the secondary is erased
 *
 * MCUboot finds an interrupted swap's extent by reading headers again; here swap_size alone
 * decides, so images of one sector survive too. */
#include "boot/swap_uniform.h"

const char boot_mode_name[] = "offset";
const enum trailer_field swap_size_field = TRAILER_OFFSET_SWAP_SIZE;
const enum update_mode uniform_mode = UPDATE_SWAP_OFFSET;
const uint8_t uniform_spare_primary = 0;
const uint8_t uniform_spare_secondary = 1;

struct flash_area swap_candidate(const struct boot_state *state)
{
    return uniform_from(state, state->secondary, state->type == SWAP_REVERT ? 0 : 1);
}

/* Size of the unprotected TLVs of the image in `area`: MCUboot needs it to resume. */
static uint32_t tlv_size(const struct boot_state *state, const struct flash_area *area)
{
    struct image image;
    if (image_open(&image, area, state->limit) != OTTER_OK)
        return 0;
    return (image.end - image.hashed_end) & 0xffffu;
}

static otter_status write_tlv_sizes(const struct boot_state *state, const struct flash_area *area)
{
    const struct flash_area candidate = swap_candidate(state);
    const uint32_t sizes = tlv_size(state, state->primary) | tlv_size(state, &candidate) << 16;
    return trailer_write_number(area, state->config->max_align, TRAILER_OFFSET_TLV_SIZES, sizes);
}

otter_status uniform_note(const struct boot_state *state, const struct flash_area *area)
{
    const otter_status status = write_tlv_sizes(state, area);
    return status == OTTER_OK ? swap_trailer_write(state, area) : status;
}

/* copy_done tells a revert in preparation from a request. */
otter_status uniform_note_revert(const struct boot_state *state)
{
    const otter_status status =
        trailer_write_flag(state->secondary, state->config->max_align, TRAILER_COPY_DONE, 1);
    return status == OTTER_OK ? uniform_note(state, state->secondary) : status;
}

uint32_t swap_steps(const struct boot_state *state)
{
    return 2 * uniform_count(state);
}

uint32_t uniform_record_index(const struct boot_state *state, uint32_t step)
{
    (void)state;
    return step;
}

uint8_t uniform_record_value(const struct boot_state *state, uint32_t step)
{
    (void)state;
    return (uint8_t)(step % 2 + 1);
}

uint32_t uniform_steps_recorded(const struct boot_state *state, uint32_t records)
{
    (void)state;
    return records;
}

/* Headers travel with the first sector of their image: first in an upgrade, last in a revert. */
void swap_find_mix(struct boot_state *state, struct swap_mix *mix, enum swap_side side)
{
    const uint32_t count = uniform_count(state);
    const uint32_t in = state->position / 2;
    const uint32_t out = (state->position + 1) / 2;
    const struct flash_area second = uniform_from(state, state->secondary, 1);
    const bool revert = state->type == SWAP_REVERT;
    const bool is_in = revert ? in == count : in > 0; /* the header */
    const bool is_out = revert ? out == count : out > 0;
    const struct flash_area *from = revert ? state->secondary : &second;
    const struct flash_area *to = revert ? &second : state->secondary;
    if (side == SWAP_INCOMING && revert)
        uniform_mix(state, mix, *from, *state->primary, count - in);
    else if (side == SWAP_INCOMING)
        uniform_mix(state, mix, *state->primary, *from, in);
    else if (revert)
        uniform_mix(state, mix, *state->primary, *to, count - out);
    else
        uniform_mix(state, mix, *to, *state->primary, out);
    swap_ciphers_resume(state, state->primary, is_in ? state->primary : from,
                        is_out ? to : state->primary);
}

bool swap_is_backup(const struct boot_state *state)
{
    return state->position % 2 == 0;
}

/* The sector that a step is about. */
static uint32_t sector_of(const struct boot_state *state)
{
    const uint32_t i = state->position / 2;
    return state->type == SWAP_REVERT ? uniform_count(state) - 1 - i : i;
}

otter_status swap_step(struct boot_state *state)
{
    const uint32_t i = sector_of(state);
    const bool revert = state->type == SWAP_REVERT;
    return swap_is_backup(state) ? uniform_take_out(state, i, i, revert ? i + 1 : i)
                                 : uniform_bring_in(state, revert ? i : i + 1, i);
}

otter_status swap_unstep(struct boot_state *state)
{
    const uint32_t i = sector_of(state);
    const uint32_t kept = state->type == SWAP_REVERT ? i + 1 : i;
    return swap_is_backup(state) ? uniform_put_back(state, state->secondary, kept, i, i) : OTTER_OK;
}

/* Once: where write-once flash refuses copy_done, each boot comes here again. */
otter_status swap_end(struct boot_state *state)
{
    const uint32_t size = uniform_sector_size(state);
    if (state->type != SWAP_REVERT || flash_is_erased(state->secondary, 0, size) == 1)
        return OTTER_OK;
    return boot_erase(state, state->secondary, 0, size);
}
