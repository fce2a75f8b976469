/* What the swap modes share: from trailers to a decision, and the beginning and end of a swap. */
#include "boot/swap.h"

bool swap_in_progress(const struct boot_state *state, const struct trailer *trailer)
{
    return trailer->magic == TRAILER_GOOD && trailer->copy_done == TRAILER_UNSET &&
           trailer->swap_type >= SWAP_TEST && trailer->image_number == state->image &&
           trailer->swap_size != 0 && trailer->swap_size <= state->trailer_offset;
}

otter_status swap_trailer_write(const struct boot_state *state, const struct flash_area *area)
{
    const uint32_t align = state->config->max_align;
    otter_status status = trailer_write_flag(area, align, TRAILER_SWAP_INFO,
                                             (uint8_t)(state->type | state->image << 4));
    if (status == OTTER_OK && state->type == SWAP_PERM)
        status = trailer_write_flag(area, align, TRAILER_IMAGE_OK, 1);
    if (status == OTTER_OK)
        status = trailer_write_number(area, align, TRAILER_SWAP_SIZE, state->swap_size);
    if (status == OTTER_OK)
        status = trailer_write_magic(area, align);
    return status;
}

uint32_t swap_records_read(const struct flash_area *area, uint32_t offset, uint32_t step,
                           uint32_t count)
{
    while (count > 0 &&
           trailer_read_unit(area, offset + (count - 1) * step) == area->flash->erased_value)
        count--;
    return count;
}

void swap_record_write(const struct flash_area *area, uint32_t offset, uint8_t value)
{
    (void)trailer_write_unit(area, offset, value);
}

uint32_t swap_sector_count(const struct flash_area *area)
{
    uint32_t count = 0;
    for (uint32_t at = 0; at < area->size; count++)
        at += flash_sector_at(area, at).size;
    return count;
}

bool swap_is_border(const struct flash_area *area, uint32_t offset)
{
    return offset == area->size || flash_sector_at(area, offset).offset == offset;
}

/* The candidate is not one: it goes, and the request with it. */
static otter_status refuse(struct boot_state *state, otter_status why)
{
    boot_report(state, BOOT_EVENT_REFUSED, why);
    const bool keep = state->type == SWAP_REVERT; /* nothing asks for it again but the trial */
    state->type = SWAP_FAIL;
    return keep ? OTTER_OK : boot_erase(state, state->secondary, 0, state->secondary->size);
}

static otter_status weigh_candidate(struct boot_state *state)
{
    const struct flash_area candidate = swap_candidate(state);
    const otter_status status = boot_verify_candidate(state, &candidate, state->limit);
    if (status != OTTER_OK)
        return refuse(state, status);
    state->pending = true;
    return OTTER_OK;
}

/* Flags of a finished swap. A flag that a cut tore is set well enough, and cannot be set again. */
static otter_status finish(struct boot_state *state)
{
    const uint32_t align = state->config->max_align;
    struct trailer trailer;
    trailer_read(state->primary, align, &trailer);
    otter_status status = OTTER_OK;
    if (state->type != SWAP_TEST && trailer.image_ok == TRAILER_UNSET)
        status = trailer_write_flag(state->primary, align, TRAILER_IMAGE_OK, 1);
    if (status == OTTER_OK)
        status = trailer_write_flag(state->primary, align, TRAILER_COPY_DONE, 1);
    return status;
}

static otter_status run(struct boot_state *state)
{
    boot_report(state, BOOT_EVENT_SWAP_STARTS, 0);
    const otter_status status = swap_run(state);
    return status == OTTER_OK ? finish(state) : status;
}

/* What to do when no swap is under way. A swap that had been noted but not begun still has its
 * request in the secondary slot; only a revert has nothing but the note. */
static enum swap_type type_wanted(const struct boot_state *state, const struct trailer *primary,
                                  const struct trailer *secondary)
{
    const enum swap_type type = trailer_next_swap(primary, secondary);
    if (type == SWAP_NONE && state->source != BOOT_SOURCE_NONE && state->type == SWAP_REVERT)
        return SWAP_REVERT;
    return type;
}

otter_status boot_mode_prepare(struct boot_state *state)
{
    struct trailer primary;
    struct trailer secondary;
    const enum boot_layout_fault fault = swap_layout(state);
    if (fault != BOOT_LAYOUT_FITS) {
        boot_report(state, BOOT_EVENT_LAYOUT, fault);
        return OTTER_OK;
    }
    trailer_read(state->primary, state->config->max_align, &primary);
    trailer_read(state->secondary, state->config->max_align, &secondary);
    boot_report_trailer(state, BOOT_EVENT_PRIMARY, &primary);
    swap_find(state, &primary, &secondary);
    boot_report(state, BOOT_EVENT_SOURCE, state->source);
    const bool resumes = state->position > 0;
    if (!resumes)
        state->type = type_wanted(state, &primary, &secondary);
    boot_report(state, BOOT_EVENT_SWAP_TYPE, state->type);
    if (resumes)
        return run(state);
    return state->type == SWAP_NONE ? OTTER_OK : weigh_candidate(state);
}

otter_status boot_mode_perform(struct boot_state *state)
{
    const struct flash_area candidate = swap_candidate(state);
    const uint32_t in = boot_image_end(&candidate, state->limit);
    const uint32_t out = boot_image_end(state->primary, state->limit);
    state->swap_size = in > out ? in : out;
    state->position = 0;
    return run(state);
}

bool boot_mode_rescue(struct boot_state *state)
{
    struct boot_state next = *state;
    if (swap_layout(&next) != BOOT_LAYOUT_FITS)
        return false;
    next.type = SWAP_REVERT;
    next.source = BOOT_SOURCE_NONE;
    const struct flash_area candidate = swap_candidate(&next);
    if (boot_verify(&next, &candidate, next.limit) != OTTER_OK ||
        boot_mode_perform(&next) != OTTER_OK)
        return false;
    *state = next;
    return true;
}

uint32_t boot_mode_limit(const struct boot_state *state)
{
    return state->limit;
}
