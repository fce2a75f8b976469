/* Overwrite only (docs/formats.md 4.4): the candidate is copied over the primary. There is no way
 * back and no status: the request in the secondary stays until the copy is complete, so an
 * interrupted copy begins again.
 *
 * The primary is erased from its end down and written from its start up, so a header stands only
 * in front of what follows it; what boots is verified anyway. The candidate must therefore stay
 * readable until it has been verified in the primary. */
#include "boot/mode.h"

const char boot_mode_name[] = "overwrite";

uint32_t boot_mode_limit(const struct boot_state *state)
{
    return state->limit;
}

/* The smaller slot decides, up to where its trailer's fields begin. */
static void find_limit(struct boot_state *state)
{
    const uint32_t a = state->primary->size;
    const uint32_t b = state->secondary->size;
    state->limit = trailer_field_offset(a < b ? a : b, state->config->max_align, TRAILER_SWAP_INFO);
}

/* The image may stay: it can bring a primary back that has gone bad. The request must go. */
static otter_status withdraw_request(const struct boot_state *state)
{
    const uint32_t size = state->secondary->size;
    return boot_erase(state, state->secondary, flash_sector_at(state->secondary, size - 1).offset,
                      size);
}

static otter_status refuse(struct boot_state *state, otter_status why)
{
    boot_report(state, BOOT_EVENT_REFUSED, why);
    state->type = SWAP_FAIL;
    return boot_erase(state, state->secondary, 0, state->secondary->size);
}

otter_status boot_mode_prepare(struct boot_state *state)
{
    struct trailer primary;
    struct trailer secondary;
    find_limit(state);
    trailer_read(state->primary, state->config->max_align, &primary);
    trailer_read(state->secondary, state->config->max_align, &secondary);
    boot_report_trailer(state, BOOT_EVENT_PRIMARY, &primary);
    boot_report_trailer(state, BOOT_EVENT_SECONDARY, &secondary);
    if (secondary.magic == TRAILER_GOOD)
        state->type = SWAP_PERM;
    boot_report(state, BOOT_EVENT_SWAP_TYPE, state->type);
    if (state->type == SWAP_NONE)
        return OTTER_OK;
    const otter_status status = boot_verify_candidate(state, state->secondary, state->limit);
    if (status != OTTER_OK)
        return refuse(state, status);
    state->pending = true;
    return OTTER_OK;
}

/* The end of the sectors of `area` that hold its first `length` bytes. */
static uint32_t sectors_end(const struct flash_area *area, uint32_t length)
{
    const struct flash_sector last = flash_sector_at(area, length - 1);
    return last.offset + last.size;
}

#define PIECE_SIZE 0x4000u /* between two reports */

static otter_status copy(const struct boot_state *state, uint32_t length)
{
    otter_status status = OTTER_OK;
    for (uint32_t done = 0; done < length && status == OTTER_OK; done += PIECE_SIZE) {
        const uint32_t piece = length - done < PIECE_SIZE ? length - done : PIECE_SIZE;
        status = boot_copy_image(state, state->secondary, done, state->primary, done, piece,
                                 &state->incoming, done);
        boot_report_progress(state, done + piece, length);
    }
    return status;
}

static otter_status replace_primary(const struct boot_state *state, uint32_t length)
{
    const struct flash_area *primary = state->primary;
    const uint32_t trailer = flash_sector_at(primary, primary->size - 1).offset;
    const uint32_t end = sectors_end(primary, length);
    otter_status status = OTTER_OK;
    if (end <= trailer)
        status = boot_erase(state, primary, trailer, primary->size);
    if (status == OTTER_OK)
        status = boot_erase(state, primary, 0, end);
    if (status == OTTER_OK)
        status = copy(state, length);
    return status;
}

static otter_status bring_in(struct boot_state *state)
{
    struct image image;
    otter_status status = image_open(&image, state->secondary, state->limit);
    if (BOOT_ENCRYPTION && status == OTTER_OK)
        status = boot_cipher_open(state, &image, &state->incoming);
    if (status == OTTER_OK)
        status = replace_primary(state, image.end);
    return status == OTTER_OK ? boot_verify(state, state->primary, state->limit) : status;
}

static bool is_noted(const struct boot_state *state, const struct flash_area *slot,
                     enum trailer_field field)
{
    const uint32_t at = trailer_field_offset(slot->size, state->config->max_align, field);
    return trailer_read_unit(slot, at) != slot->flash->erased_value;
}

/* In a sector that is worn it may fail. */
static void note(const struct boot_state *state, const struct flash_area *slot,
                 enum trailer_field field)
{
    if (!is_noted(state, slot, field))
        (void)trailer_write_flag(slot, state->config->max_align, field, 1);
}

/* That the copy is complete is noted in the primary before the request is withdrawn: from then on
 * the candidate may be torn, if it shares its last sector with the request, or that sector may be
 * worn; then the primary must not be erased for it, nor be compared with it.
 *
 * A copy that begins erases the note. But where it begins over one that may be complete, and whose
 * note may be torn, a torn erase may leave what reads as both. So the secondary's copy_done is set
 * first; from then on the primary's image_ok is the note, and no longer its copy_done. */
static bool is_copied(struct boot_state *state)
{
    const bool again = is_noted(state, state->secondary, TRAILER_COPY_DONE);
    if (boot_verify(state, state->primary, state->limit) != OTTER_OK ||
        state->hash != state->candidate)
        return false;
    if (is_noted(state, state->primary, again ? TRAILER_IMAGE_OK : TRAILER_COPY_DONE))
        return true;
    note(state, state->secondary, TRAILER_COPY_DONE);
    return false;
}

static otter_status end_request(const struct boot_state *state)
{
    note(state, state->primary, TRAILER_COPY_DONE);
    note(state, state->primary, TRAILER_IMAGE_OK);
    return withdraw_request(state);
}

otter_status boot_mode_perform(struct boot_state *state)
{
    boot_report(state, BOOT_EVENT_SWAP_STARTS, 0);
    const otter_status status = is_copied(state) ? OTTER_OK : bring_in(state);
    return status == OTTER_OK ? end_request(state) : status;
}

bool boot_mode_rescue(struct boot_state *state)
{
    state->type = SWAP_REVERT;
    return boot_may_rescue(state, state->secondary, state->limit) &&
           boot_mode_perform(state) == OTTER_OK;
}

otter_status boot_mode_start(struct boot_state *state)
{
    (void)state; /* the trailer says all there is to say */
    return OTTER_OK;
}

struct flash_area boot_mode_incoming(const struct boot_state *state)
{
    return state->pending ? *state->secondary : *state->primary;
}
