/* The note that a swap is under way lies in the primary's trailer alone. It is written while the
 * request is still in the secondary's trailer, which is erased next: so the primary's note counts
 * from the moment that the request is gone, and a cut before that only starts over. */
#include "boot/swap_uniform.h"

static uint32_t round_to(uint32_t value, uint32_t unit)
{
    return (value + unit - 1) / unit * unit;
}

static uint32_t trailer_size(const struct boot_state *state)
{
    return LAYOUT_TRAILER_SIZE(uniform_mode, state->config->max_sectors,
                               state->primary->flash->write_size, state->config->max_align,
                               swap_keys_size(state));
}

uint32_t uniform_sector_size(const struct boot_state *state)
{
    return flash_sector_at(state->primary, 0).size;
}

uint32_t uniform_count(const struct boot_state *state)
{
    const uint32_t size = uniform_sector_size(state);
    return (state->swap_size + size - 1) / size;
}

static bool all_sectors_are(const struct flash_area *area, uint32_t size)
{
    for (uint32_t at = 0; at < area->size; at += size) {
        if (flash_sector_at(area, at).size != size)
            return false;
    }
    return true;
}

/* Bytes of a slot left for an image, in front of its trailer's sectors and spare ones. */
static uint32_t room(const struct flash_area *slot, uint32_t used)
{
    return slot->size > used ? slot->size - used : 0;
}

/* What the smaller slot leaves for an image; 0: nothing. */
static uint32_t image_room(const struct boot_state *state)
{
    const uint32_t sector = uniform_sector_size(state);
    const uint32_t trailer = round_to(trailer_size(state), sector);
    const uint32_t in_primary = room(state->primary, trailer + uniform_spare_primary * sector);
    const uint32_t in_secondary =
        room(state->secondary, trailer + uniform_spare_secondary * sector);
    return in_primary < in_secondary ? in_primary : in_secondary;
}

enum boot_layout_fault swap_layout_fault(const struct boot_state *state)
{
    const struct flash_area *primary = state->primary;
    const struct flash_area *secondary = state->secondary;
    const uint32_t sector = uniform_sector_size(state);
    if (primary->flash->write_size != secondary->flash->write_size)
        return BOOT_LAYOUT_WRITE_SIZES_DIFFER;
    if (!all_sectors_are(primary, sector) || !all_sectors_are(secondary, sector))
        return BOOT_LAYOUT_SECTORS_DIFFER;
    if (swap_sector_count(primary) > state->config->max_sectors ||
        swap_sector_count(secondary) > state->config->max_sectors)
        return BOOT_LAYOUT_TOO_MANY_SECTORS;
    return image_room(state) > 0 ? BOOT_LAYOUT_FITS : BOOT_LAYOUT_SIZES_DIFFER;
}

void swap_layout(struct boot_state *state)
{
    const uint32_t size = state->primary->size;
    const uint32_t trailer = trailer_size(state);
    state->limit = image_room(state);
    state->trailer_offset = size - trailer;
    state->trailer_sectors = size - round_to(trailer, uniform_sector_size(state));
}

/* Made by uniform_note_revert before power was cut, not by an application or an image tool: those
 * leave the size to the bootloader. Unlike a request, a revert may bring in an older version. A
 * field that cannot be read says nothing: a request that was being erased has such ones. */
static bool is_note_of_revert(const struct boot_state *state, const struct trailer *secondary)
{
    return secondary->magic == TRAILER_GOOD &&
           (secondary->copy_done == TRAILER_SET ||
            (secondary->swap_size != 0 && secondary->swap_size <= state->trailer_offset));
}

/* A request whose fields do not agree was being withdrawn when power failed: the swap that the
 * primary notes has begun. So has a revert, whose own note without its size would be a request, if
 * the size of the primary's fits what lies in the slots. */
static bool is_new_request(const struct boot_state *state, const struct trailer *primary,
                           const struct trailer *secondary)
{
    if (state->type == SWAP_NONE || secondary->swap_type != state->type)
        return false;
    return primary->swap_type != state->type &&
           (primary->swap_type != SWAP_REVERT || primary->swap_size != swap_extent(state));
}

void swap_find(struct boot_state *state, const struct trailer *primary,
               const struct trailer *secondary)
{
    boot_report_trailer(state, BOOT_EVENT_SECONDARY, secondary);
    state->type = trailer_next_swap(primary, secondary);
    if (is_note_of_revert(state, secondary))
        state->type = SWAP_REVERT;
    if (!swap_in_progress(state, primary))
        return;
    const uint32_t position =
        swap_records_read(state->primary, state->trailer_offset, state->primary->flash->write_size,
                          LAYOUT_RECORDS(uniform_mode) * state->config->max_sectors);
    /* A request that is still there: nothing was moved; or it is new, and what looks like a swap in
     * progress is the remains of an old one's trailer. */
    if (secondary->magic == TRAILER_GOOD &&
        (position > 0 || is_new_request(state, primary, secondary)))
        return;
    state->source = BOOT_SOURCE_PRIMARY;
    state->type = primary->swap_type;
    state->swap_size = primary->swap_size;
    state->position = uniform_steps_recorded(state, position);
}

/* The note in the primary says what is to be done until the swap has begun. */
void swap_choose_again(struct boot_state *state, const struct trailer *primary,
                       const struct trailer *secondary)
{
    (void)state;
    (void)primary;
    (void)secondary;
}

static otter_status copy(const struct boot_state *state, const struct flash_area *from,
                         uint32_t from_sector, const struct flash_area *to, uint32_t to_sector,
                         const struct boot_cipher *cipher, uint32_t number)
{
    const uint32_t size = uniform_sector_size(state);
    const otter_status status = boot_erase(state, to, to_sector * size, (to_sector + 1) * size);
    return status == OTTER_OK ? boot_copy_image(state, from, from_sector * size, to,
                                                to_sector * size, size, cipher, number * size)
                              : status;
}

otter_status uniform_copy(const struct boot_state *state, const struct flash_area *from,
                          uint32_t from_sector, const struct flash_area *to, uint32_t to_sector)
{
    return copy(state, from, from_sector, to, to_sector, NULL, 0);
}

otter_status uniform_bring_in(const struct boot_state *state, uint32_t from_sector, uint32_t number)
{
    return copy(state, state->secondary, from_sector, state->primary, number, &state->incoming,
                number);
}

otter_status uniform_take_out(const struct boot_state *state, uint32_t from_sector, uint32_t number,
                              uint32_t to_sector)
{
    return copy(state, state->primary, from_sector, state->secondary, to_sector, &state->outgoing,
                number);
}

struct flash_area uniform_from(const struct boot_state *state, const struct flash_area *slot,
                               uint32_t sector)
{
    const uint32_t skipped = sector * uniform_sector_size(state);
    return (struct flash_area){slot->flash, slot->offset + skipped, slot->size - skipped};
}

otter_status uniform_put_back(const struct boot_state *state, const struct flash_area *from,
                              uint32_t from_sector, uint32_t number, uint32_t to_sector)
{
    const uint32_t size = uniform_sector_size(state);
    return boot_put_back(state, from, from_sector * size, to_sector * size, size,
                         from == state->secondary ? &state->outgoing : NULL, number * size);
}

void swap_record(struct boot_state *state)
{
    const uint32_t index = uniform_record_index(state, state->position);
    swap_record_write(state->primary,
                      state->trailer_offset + index * state->primary->flash->write_size,
                      uniform_record_value(state, state->position));
}

static otter_status erase_trailer(const struct boot_state *state, const struct flash_area *slot)
{
    const uint32_t size = round_to(trailer_size(state), uniform_sector_size(state));
    return boot_erase(state, slot, slot->size - size, slot->size);
}

/* A revert is asked for by the trial in the primary's trailer, which is erased next, or by a note
 * in the secondary's; one that an earlier boot has made may be torn, so as long as there is the
 * trial it is made anew. If it cannot be made, only a cut can harm the revert. */
static otter_status note_in_primary(const struct boot_state *state)
{
    struct trailer primary;
    struct trailer secondary;
    trailer_read(state->primary, state->config->max_align, &primary);
    trailer_read(state->secondary, state->config->max_align, &secondary);
    if ((secondary.magic != TRAILER_GOOD ||
         (state->type == SWAP_REVERT && trailer_on_trial(&primary))) &&
        erase_trailer(state, state->secondary) == OTTER_OK)
        (void)uniform_note_revert(state);
    otter_status status = erase_trailer(state, state->primary);
    if (status == OTTER_OK)
        status = uniform_note(state, state->primary);
    return status != OTTER_OK || swap_is_noted(state, state->primary) ? status : OTTER_E_FLASH;
}

/* True if the secondary's trailer asks for this very swap. A request that was being withdrawn reads
 * as another one. */
static bool is_asked_for(const struct boot_state *state)
{
    struct trailer primary;
    struct trailer secondary;
    swap_trailer_read(state, state->primary, &primary);
    swap_trailer_read(state, state->secondary, &secondary);
    const bool is_revert = is_note_of_revert(state, &secondary);
    return (is_revert ? SWAP_REVERT : trailer_next_swap(&primary, &secondary)) == state->type;
}

/* A request must go, or it would be made again; if there is none, the trailer need not be erased.
 * A note made before this boot may be a torn one that will not be read again: as long as the
 * request is there, it is made anew. */
otter_status swap_begin(struct boot_state *state)
{
    struct trailer secondary;
    otter_status status = OTTER_OK;
    if (state->source != BOOT_SOURCE_PRIMARY || is_asked_for(state) ||
        !swap_is_noted(state, state->primary))
        status = note_in_primary(state);
    if (status == OTTER_OK)
        status = erase_trailer(state, state->secondary);
    if (status == OTTER_OK || state->type != SWAP_REVERT)
        return status;
    trailer_read(state->secondary, state->config->max_align, &secondary);
    return secondary.magic == TRAILER_GOOD ? status : OTTER_OK;
}

void uniform_mix(const struct boot_state *state, struct swap_mix *mix, struct flash_area below,
                 struct flash_area above, uint32_t border)
{
    mix->parts[0] = below;
    mix->parts[2] = above;
    mix->low = mix->high = border * uniform_sector_size(state);
}

/* What remains asks for nothing while there is a newer request, and is overwritten by the next
 * swap. */
otter_status swap_discard(struct boot_state *state)
{
    (void)state;
    return OTTER_OK;
}
