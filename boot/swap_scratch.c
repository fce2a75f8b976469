/* Swap using scratch (docs/formats.md 4.1). Regions of whole sectors are exchanged from the
 * highest down, each in three states with one status record behind each:
 *
 *   fill     secondary region -> scratch      record 1
 *   back up  primary region -> secondary      record 2
 *   install  scratch -> primary region        record 3
 *
 * Each state may be repeated as a whole: what it erases is never its own source. The records lie in
 * the primary's trailer. Only while region 0 itself holds that trailer ("shared") is the status in
 * scratch, until the region is installed; then the primary's trailer is written and scratch
 * erased.
 *
 * Invariants that a cut may rely on:
 *   1. Before the primary's trailer is erased, scratch holds a whole trailer of this swap.
 *   2. When scratch is erased at the end of a shared region 0, the primary holds records 1 to 3.
 * So if both trailers look as if a swap were in progress, one of them is the remains of an erase
 * that was cut: swap_find says which. (MCUboot always takes scratch, and is left unbootable by
 * torn erase in 2.) */
#include <string.h>

#include "boards/layout.h"
#include "boot/swap.h"

#define STATES LAYOUT_RECORDS(UPDATE_SWAP_SCRATCH)

const char boot_mode_name[] = "scratch";
const enum trailer_field swap_size_field = TRAILER_SWAP_SIZE;

struct region {
    uint32_t number;
    uint32_t start;
    uint32_t end;
    uint32_t length; /* of the data copied: up to the trailer */
    bool shared;
};

static uint32_t max_u32(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

static uint32_t min_u32(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* Distance of status records. */
static uint32_t record_step(const struct boot_state *state)
{
    return max_u32(state->primary->flash->write_size, state->config->scratch->flash->write_size);
}

/* A trailer with the records of so many sectors. */
static uint32_t trailer_size(const struct boot_state *state, uint32_t sectors)
{
    return LAYOUT_TRAILER_SIZE(UPDATE_SWAP_SCRATCH, sectors, record_step(state),
                               state->config->max_align, swap_keys_size(state));
}

/* Scratch's own has those of one region. */
static uint32_t scratch_trailer_size(const struct boot_state *state)
{
    return trailer_size(state, 1);
}

static uint32_t scratch_trailer_offset(const struct boot_state *state)
{
    return state->config->scratch->size - scratch_trailer_size(state);
}

/* Largest offset below `end` at which a sector starts in both slots. */
static uint32_t border_below(const struct boot_state *state, uint32_t end)
{
    do
        end = flash_sector_at(state->primary, end - 1).offset;
    while (end > 0 && !swap_is_border(state->secondary, end));
    return end;
}

/* As many sectors below `end` as fit in scratch; `end` itself if not even the first do. */
static uint32_t region_start(const struct boot_state *state, uint32_t end)
{
    uint32_t start = end;
    while (start > 0) {
        const uint32_t next = border_below(state, start);
        if (end - next > state->config->scratch->size)
            break;
        start = next;
    }
    return start;
}

static bool regions_fit(const struct boot_state *state)
{
    uint32_t end = state->primary->size;
    while (end > 0) {
        const uint32_t start = region_start(state, end);
        if (start == end)
            return false;
        end = start;
    }
    return true;
}

/* Finds the sectors that hold the start of the trailer, and with them the limit for images: what
 * shares these sectors must fit in scratch in front of scratch's own trailer. */
static void find_trailer_sectors(struct boot_state *state)
{
    uint32_t end = state->primary->size;
    uint32_t start = border_below(state, end);
    while (start > state->trailer_offset) {
        end = start;
        start = border_below(state, end);
    }
    state->trailer_sectors = start;
    const uint32_t scratch_trailer = scratch_trailer_size(state);
    const uint32_t room = end - state->trailer_offset;
    state->limit = state->trailer_offset;
    if (scratch_trailer > room)
        state->limit -= min_u32(scratch_trailer - room, state->limit);
}

enum boot_layout_fault swap_layout_fault(const struct boot_state *state)
{
    const struct boot_config *config = state->config;
    const uint32_t size = state->primary->size;
    if (size != state->secondary->size)
        return BOOT_LAYOUT_SIZES_DIFFER;
    if (swap_sector_count(state->primary) > config->max_sectors ||
        swap_sector_count(state->secondary) > config->max_sectors ||
        trailer_size(state, config->max_sectors) > size)
        return BOOT_LAYOUT_TOO_MANY_SECTORS;
    if (config->scratch->size < scratch_trailer_size(state) || !regions_fit(state))
        return BOOT_LAYOUT_SCRATCH_TOO_SMALL;
    return BOOT_LAYOUT_FITS;
}

void swap_layout(struct boot_state *state)
{
    state->trailer_offset = state->primary->size - trailer_size(state, state->config->max_sectors);
    find_trailer_sectors(state);
}

struct flash_area swap_candidate(const struct boot_state *state)
{
    return *state->secondary;
}

/* First border at or above the end of both images: where swapping starts, downward. */
static uint32_t swap_end_offset(const struct boot_state *state)
{
    uint32_t end = state->primary->size;
    uint32_t next = end;
    while (next >= state->swap_size && next > 0) {
        end = next;
        next = border_below(state, next);
    }
    return next >= state->swap_size ? next : end;
}

static struct region region_below(const struct boot_state *state, uint32_t end, uint32_t number)
{
    struct region region = {.number = number, .start = region_start(state, end), .end = end};
    region.length = end - region.start;
    region.shared = end > state->trailer_sectors;
    if (region.shared)
        region.length =
            min_u32(state->trailer_offset - region.start, scratch_trailer_offset(state));
    return region;
}

static struct region first_region(const struct boot_state *state)
{
    return region_below(state, swap_end_offset(state), 0);
}

/* True if scratch reads as a copy of the primary's region, or as what an erase has left of one:
 * no bit is programmed in scratch that is not programmed in the primary. */
static bool scratch_is_spent(const struct boot_state *state, const struct region *region)
{
    const uint8_t erased = state->config->scratch->flash->erased_value;
    uint8_t copy[32];
    uint8_t left[32];
    for (uint32_t at = 0; at < region->length; at += sizeof copy) {
        const uint32_t size = min_u32(region->length - at, sizeof copy);
        if (flash_read(state->primary, region->start + at, copy, size) != OTTER_OK)
            return false;
        if (flash_read(state->config->scratch, at, left, size) != OTTER_OK)
            return true;
        if (BOOT_ENCRYPTION && state->incoming.end != 0) /* scratch holds it encrypted */
            boot_cipher_apply(&state->incoming, region->start + at, copy, size);
        for (uint32_t i = 0; i < size; i++) {
            if ((left[i] ^ erased) & ~(copy[i] ^ erased))
                return false;
        }
    }
    return true;
}

/* Both trailers look as if they belonged to a swap in progress. The primary counts if it has just
 * got its three records for a shared region 0, and scratch nothing but what the primary has too:
 * then scratch was being erased. Else the primary's trailer was being erased. */
static bool primary_counts(struct boot_state *state)
{
    const struct region region = first_region(state);
    if (!region.shared || state->position != STATES)
        return false;
    swap_ciphers_resume(state, state->primary,
                        region.start == 0 ? state->primary : state->secondary, state->primary);
    return scratch_is_spent(state, &region);
}

static void take_status(struct boot_state *state, const struct trailer *trailer,
                        enum boot_source source)
{
    state->source = source;
    state->type = trailer->swap_type;
    state->swap_size = trailer->swap_size;
}

/* Records in the primary's trailer, if it is that of a swap in progress. A request in the secondary
 * slot is newer than a swap that has erased the slot's trailer: then that swap is complete, and
 * only its torn copy_done reads differently each time. */
static bool find_in_primary(struct boot_state *state, const struct trailer *primary,
                            const struct trailer *secondary)
{
    if (!swap_in_progress(state, primary))
        return false;
    const uint32_t position =
        swap_records_read(state->primary, state->trailer_offset, record_step(state),
                          STATES * state->config->max_sectors);
    if (position >= STATES - 1 && secondary->magic == TRAILER_GOOD)
        return false;
    take_status(state, primary, BOOT_SOURCE_PRIMARY);
    state->position = position;
    return true;
}

/* A swap that was noted but not begun still has its request in the secondary slot; only a revert
 * has nothing but the note. */
void swap_choose_again(struct boot_state *state, const struct trailer *primary,
                       const struct trailer *secondary)
{
    const enum swap_type asked = trailer_next_swap(primary, secondary);
    if (asked != SWAP_NONE || state->type != SWAP_REVERT)
        state->type = asked;
}

/* A request goes only after record 1 was written: if it has gone and there is none, it was lost. */
static void mend_position(struct boot_state *state, const struct trailer *primary,
                          const struct trailer *secondary)
{
    if (state->source != BOOT_SOURCE_NONE && state->position == 0 && state->type != SWAP_REVERT &&
        trailer_next_swap(primary, secondary) == SWAP_NONE)
        state->position = 1;
}

void swap_find(struct boot_state *state, const struct trailer *primary,
               const struct trailer *secondary)
{
    const struct boot_config *config = state->config;
    struct trailer scratch;
    swap_trailer_read(state, config->scratch, &scratch);
    boot_report_trailer(state, BOOT_EVENT_SCRATCH, &scratch);
    const bool in_primary = find_in_primary(state, primary, secondary);
    if (swap_in_progress(state, &scratch) && !(in_primary && primary_counts(state))) {
        state->is_doubtful = in_primary;
        take_status(state, &scratch, BOOT_SOURCE_SCRATCH);
        state->position = swap_records_read(config->scratch, scratch_trailer_offset(state),
                                            record_step(state), STATES - 1);
    } else if (in_primary && state->position < STATES && first_region(state).shared) {
        state->position = STATES; /* invariant 2, even if a record could not be written */
    }
    if (state->source == BOOT_SOURCE_NONE)
        state->type = trailer_next_swap(primary, secondary);
    mend_position(state, primary, secondary);
}

static otter_status erase_scratch(const struct boot_state *state)
{
    return boot_erase(state, state->config->scratch, 0, state->config->scratch->size);
}

/* The region that state->position is in; behind the last one, an empty region at 0. */
static struct region current_region(const struct boot_state *state)
{
    struct region region = first_region(state);
    while (region.number < state->position / STATES && region.end > 0)
        region = region_below(state, region.start, region.number + 1);
    return region;
}

/* Regions above the current one have been exchanged, those below have not. Headers go with the last
 * region: its state tells where they are then. Data in scratch are as they travel. */
void swap_find_mix(struct boot_state *state, struct swap_mix *mix, enum swap_side side)
{
    const struct flash_area *scratch = state->config->scratch;
    const struct region region = current_region(state);
    const uint32_t step = region.end > 0 ? state->position % STATES : 0;
    const uint32_t kept = step < 2 ? region.end : region.start; /* from here on, the old image */
    const struct flash_area *incoming = region.start == 0 && step > 0 ? scratch : state->secondary;
    if (region.end == 0)
        incoming = state->primary;
    mix->parts[0] = side == SWAP_INCOMING ? *state->secondary : *state->primary;
    mix->parts[1] = *scratch;
    mix->parts[2] = side == SWAP_INCOMING ? *state->primary : *state->secondary;
    mix->low = step == 0 ? region.end : region.start;
    mix->high = region.end;
    if (side == SWAP_OUTGOING)
        mix->low = mix->high = kept;
    if (!BOOT_ENCRYPTION)
        return;
    const bool in_scratch = state->source == BOOT_SOURCE_SCRATCH && state->position < STATES &&
                            first_region(state).shared;
    swap_ciphers_resume(state, in_scratch ? scratch : state->primary, incoming,
                        kept == 0 ? state->secondary : state->primary);
}

/* Nothing may take scratch for the status of a swap once the swap is over. */
otter_status swap_discard(struct boot_state *state)
{
    struct trailer trailer;
    trailer_read(state->config->scratch, state->config->max_align, &trailer);
    return trailer.magic == TRAILER_GOOD ? erase_scratch(state) : OTTER_OK;
}

void swap_record(struct boot_state *state)
{
    const struct region region = current_region(state);
    const uint32_t done = state->position % STATES + 1;
    const struct flash_area *area = state->primary;
    uint32_t offset = state->trailer_offset;
    if (region.shared && done < STATES) {
        area = state->config->scratch;
        offset = scratch_trailer_offset(state);
    }
    const uint32_t index = region.number * STATES + done - 1;
    swap_record_write(area, offset + index * record_step(state), (uint8_t)done);
}

static otter_status erase_trailer(const struct boot_state *state, const struct flash_area *slot)
{
    return boot_erase(state, slot, state->trailer_sectors, slot->size);
}

/* Erases the region but for trailer sectors. */
static otter_status erase_region(const struct boot_state *state, const struct flash_area *slot,
                                 const struct region *region)
{
    return boot_erase(state, slot, region->start, min_u32(region->end, state->trailer_sectors));
}

static otter_status note_in_scratch(const struct boot_state *state)
{
    const otter_status status = erase_scratch(state);
    return status == OTTER_OK ? swap_note(state, state->config->scratch) : status;
}

/* True if the slots themselves still ask for this swap. */
static bool is_asked_for(const struct boot_state *state)
{
    struct trailer primary;
    struct trailer secondary;
    trailer_read(state->primary, state->config->max_align, &primary);
    trailer_read(state->secondary, state->config->max_align, &secondary);
    return trailer_next_swap(&primary, &secondary) == state->type;
}

/* The note that a swap begins moves by way of scratch into the primary's trailer. A note in scratch
 * may be the only trace of a revert, so it stays until the primary has it. One made before this
 * boot may be a torn one that will not be read again: as long as it is not the only trace, it is
 * made anew. */
static otter_status note_in_primary(const struct boot_state *state)
{
    otter_status status = OTTER_OK;
    if (state->source != BOOT_SOURCE_PRIMARY || !swap_is_noted(state, state->primary)) {
        if (is_asked_for(state) || !swap_is_noted(state, state->config->scratch))
            status = note_in_scratch(state);
        if (status == OTTER_OK)
            status = erase_trailer(state, state->primary);
        if (status == OTTER_OK)
            status = swap_note(state, state->primary);
    }
    return status == OTTER_OK ? erase_scratch(state) : status;
}

uint32_t swap_steps(const struct boot_state *state)
{
    uint32_t count = 0;
    for (uint32_t end = swap_end_offset(state); end > 0; count += STATES)
        end = region_start(state, end);
    return count;
}

otter_status swap_begin(struct boot_state *state)
{
    return first_region(state).shared ? note_in_scratch(state) : note_in_primary(state);
}

/* For region 0, scratch was erased as the swap was noted. Behind a shared one it still holds the
 * status of that, which now goes: the primary has it. */
static otter_status fill(const struct boot_state *state, const struct region *region)
{
    const otter_status status = region->number > 0 ? erase_scratch(state) : OTTER_OK;
    return status == OTTER_OK ? boot_copy(state, state->secondary, region->start,
                                          state->config->scratch, 0, region->length)
                              : status;
}

static otter_status back_up(const struct boot_state *state, const struct region *region)
{
    otter_status status = OTTER_OK;
    if (region->number == 0)
        status = erase_trailer(state, state->secondary);
    if (status == OTTER_OK)
        status = erase_region(state, state->secondary, region);
    if (status == OTTER_OK)
        status = boot_copy_image(state, state->primary, region->start, state->secondary,
                                 region->start, region->length, &state->outgoing, region->start);
    return status;
}

static otter_status install(const struct boot_state *state, const struct region *region)
{
    otter_status status = OTTER_OK;
    if (region->shared)
        status = erase_trailer(state, state->primary);
    if (status == OTTER_OK)
        status = erase_region(state, state->primary, region);
    if (status == OTTER_OK)
        status = boot_copy_image(state, state->config->scratch, 0, state->primary, region->start,
                                 region->length, &state->incoming, region->start);
    if (status != OTTER_OK || !region->shared)
        return status;
    for (uint32_t i = 0; i < STATES - 1; i++)
        swap_record_write(state->primary, state->trailer_offset + i * record_step(state),
                          (uint8_t)(i + 1));
    return swap_note(state, state->primary);
}

bool swap_is_backup(const struct boot_state *state)
{
    return state->position % STATES == 1;
}

otter_status swap_step(struct boot_state *state)
{
    static otter_status (*const steps[STATES])(const struct boot_state *,
                                               const struct region *) = {fill, back_up, install};
    const struct region region = current_region(state);
    return steps[state->position % STATES](state, &region);
}

/* A shared region takes the primary's trailer with it: scratch holds the note meanwhile. */
otter_status swap_unstep(struct boot_state *state)
{
    const struct region region = current_region(state);
    if (!swap_is_backup(state))
        return OTTER_OK;
    if (region.shared) {
        (void)note_in_scratch(state);
        (void)erase_trailer(state, state->primary);
    }
    return boot_put_back(state, state->secondary, region.start, region.start, region.length,
                         &state->outgoing, region.start);
}

otter_status swap_end(struct boot_state *state)
{
    return swap_discard(state);
}
