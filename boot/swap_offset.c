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
const uint8_t uniform_records_per_sector = 2;
const uint8_t uniform_spare_primary = 0;
const uint8_t uniform_spare_secondary = 1;

uint32_t uniform_info_size(uint32_t max_align)
{
    return trailer_info_size(max_align) + max_align;
}

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

static otter_status upgrade_step(const struct boot_state *state, uint32_t step)
{
    const uint32_t i = step / 2;
    return step % 2 == 0 ? uniform_take_out(state, i, i, i) : uniform_bring_in(state, i + 1, i);
}

static otter_status revert_step(const struct boot_state *state, uint32_t step, uint32_t count)
{
    const uint32_t i = count - 1 - step / 2;
    return step % 2 == 0 ? uniform_take_out(state, i, i, i + 1) : uniform_bring_in(state, i, i);
}

/* Headers travel with the first sector of their image: first in an upgrade, last in a revert. */
void swap_find_mix(struct boot_state *state, struct swap_mix *mix)
{
    const uint32_t count = uniform_count(state);
    const uint32_t step = state->position;
    const struct flash_area second = uniform_from(state, state->secondary, 1);
    if (state->type == SWAP_REVERT) {
        uniform_mix(state, mix, *state->secondary, *state->primary,
                    step / 2 < count ? count - step / 2 : 0);
        swap_ciphers_resume(state, state->primary, state->secondary,
                            step < 2 * count - 1 ? state->primary : &second);
    } else {
        uniform_mix(state, mix, *state->primary, second, step / 2);
        swap_ciphers_resume(state, state->primary, step < 2 ? &second : state->primary,
                            state->secondary);
    }
}

otter_status swap_run(struct boot_state *state)
{
    const bool revert = state->type == SWAP_REVERT;
    const uint32_t count = uniform_count(state);
    otter_status status = OTTER_OK;
    if (state->position == 0)
        status = uniform_begin(state);
    for (uint32_t step = state->position; step < 2 * count && status == OTTER_OK; step++) {
        status = revert ? revert_step(state, step, count) : upgrade_step(state, step);
        if (status == OTTER_OK)
            uniform_record(state, step, (uint8_t)(step % 2 + 1));
        boot_report_progress(state, step + 1, 2 * count);
    }
    if (status == OTTER_OK && revert)
        status = boot_erase(state, state->secondary, 0, uniform_sector_size(state));
    return status;
}
