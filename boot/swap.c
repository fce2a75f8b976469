/* What the swap modes share: from trailers to a decision, and the beginning and end of a swap. */
#include "boot/swap.h"

#include <string.h>

#include "boot/swap_mix.h"
#include "boot/swap_progress.h"
#include "image/bytes.h"

bool swap_in_progress(const struct boot_state *state, const struct trailer *trailer)
{
    return trailer->magic == TRAILER_GOOD && trailer->copy_done == TRAILER_UNSET &&
           trailer->swap_type >= SWAP_TEST && trailer->image_number == state->image &&
           trailer->swap_size != 0 && trailer->swap_size <= state->trailer_offset;
}

void swap_trailer_read(const struct boot_state *state, const struct flash_area *area,
                       struct trailer *trailer)
{
    const uint32_t align = state->config->max_align;
    trailer_read(area, align, trailer);
    if (swap_size_field != TRAILER_SWAP_SIZE)
        trailer->swap_size = trailer_read_number(area, align, swap_size_field);
}

uint32_t swap_extent(const struct boot_state *state)
{
    const struct flash_area candidate = swap_candidate(state);
    const uint32_t in = boot_image_end(&candidate, state->limit);
    const uint32_t out = boot_image_end(state->primary, state->limit);
    return in > out ? in : out;
}

bool swap_is_noted(const struct boot_state *state, const struct flash_area *area)
{
    struct trailer trailer;
    swap_trailer_read(state, area, &trailer);
    return swap_in_progress(state, &trailer) && trailer.swap_type == state->type &&
           trailer.swap_size == state->swap_size;
}

/* Each key has its own field below swap_size: 0 of the primary's image, 1 of the secondary's. */
static uint32_t key_offset(const struct boot_state *state, const struct flash_area *area,
                           unsigned number)
{
    const uint32_t align = state->config->max_align;
    return trailer_field_offset(area->size, align, swap_size_field) -
           (number + 1) * round_up(IMAGE_AES_KEY_SIZE, align);
}

uint32_t swap_keys_size(const struct boot_state *state)
{
    if (!BOOT_ENCRYPTION || state->config->encryption == NULL)
        return 0;
    return 2 * round_up(IMAGE_AES_KEY_SIZE, state->config->max_align);
}

static otter_status write_key(const struct boot_state *state, const struct flash_area *area,
                              unsigned number, const struct boot_cipher *cipher)
{
    uint8_t field[FLASH_WRITE_SIZE_MAX];
    if (cipher->end == 0)
        return OTTER_OK;
    memset(field, area->flash->erased_value, sizeof field);
    memcpy(field, cipher->key, sizeof cipher->key);
    const uint32_t offset = key_offset(state, area, number);
    const otter_status status =
        flash_program(area, offset, field, round_up(IMAGE_AES_KEY_SIZE, area->flash->write_size));
    return status == OTTER_OK ? flash_compare(area, offset, cipher->key, sizeof cipher->key)
                              : status;
}

static otter_status write_keys(const struct boot_state *state, const struct flash_area *area)
{
    const otter_status status = write_key(state, area, 0, &state->outgoing);
    return status == OTTER_OK ? write_key(state, area, 1, &state->incoming) : status;
}

static otter_status open_cipher(const struct boot_state *state, const struct flash_area *area,
                                struct boot_cipher *cipher)
{
    struct image image;
    cipher->end = 0;
    if (image_open(&image, area, state->limit) != OTTER_OK)
        return OTTER_OK; /* nothing there to encrypt */
    return boot_cipher_open(state, &image, cipher);
}

otter_status swap_ciphers_open(struct boot_state *state, const struct flash_area *incoming)
{
    if (!BOOT_ENCRYPTION)
        return OTTER_OK;
    /* An old image whose key cannot be had goes to the secondary slot as it is. */
    if (open_cipher(state, state->primary, &state->outgoing) != OTTER_OK)
        state->outgoing.end = 0;
    return open_cipher(state, incoming, &state->incoming);
}

static void resume_cipher(const struct boot_state *state, const struct flash_area *trailer,
                          unsigned number, const struct flash_area *area,
                          struct boot_cipher *cipher)
{
    uint8_t key[IMAGE_AES_KEY_SIZE];
    const uint32_t offset = key_offset(state, trailer, number);
    cipher->end = 0;
    if (flash_is_erased(trailer, offset, sizeof key) == 0 &&
        flash_read(trailer, offset, key, sizeof key) == OTTER_OK)
        boot_cipher_resume(state, area, key, cipher);
}

void swap_ciphers_resume(struct boot_state *state, const struct flash_area *area,
                         const struct flash_area *incoming, const struct flash_area *outgoing)
{
    if (!BOOT_ENCRYPTION || state->config->encryption == NULL)
        return;
    resume_cipher(state, area, 0, outgoing, &state->outgoing);
    resume_cipher(state, area, 1, incoming, &state->incoming);
}

otter_status swap_trailer_write(const struct boot_state *state, const struct flash_area *area)
{
    const uint32_t align = state->config->max_align;
    otter_status status = trailer_write_flag(area, align, TRAILER_SWAP_INFO,
                                             (uint8_t)(state->type | state->image << 4));
    if (status == OTTER_OK && state->type == SWAP_PERM)
        status = trailer_write_flag(area, align, TRAILER_IMAGE_OK, 1);
    if (status == OTTER_OK)
        status = trailer_write_number(area, align, swap_size_field, state->swap_size);
    if (BOOT_ENCRYPTION && status == OTTER_OK)
        status = write_keys(state, area);
    if (status == OTTER_OK)
        status = trailer_write_magic(area, align);
    return status;
}

otter_status swap_note(const struct boot_state *state, const struct flash_area *area)
{
    const otter_status status = swap_trailer_write(state, area);
    return status != OTTER_OK || swap_is_noted(state, area) ? status : OTTER_E_FLASH;
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
    if (trailer_read_unit(area, offset) == area->flash->erased_value)
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

/* A note in the primary's trailer that nothing came of, if it can go without harm to the image. */
static otter_status withdraw_note(const struct boot_state *state)
{
    struct trailer trailer;
    swap_trailer_read(state, state->primary, &trailer);
    if (!swap_in_progress(state, &trailer) ||
        boot_image_end(state->primary, state->limit) > state->trailer_sectors)
        return OTTER_OK;
    return boot_erase(state, state->primary, state->trailer_sectors, state->primary->size);
}

/* The candidate is not one: it goes, and the request with it. That a trial cannot be taken back is
 * not asked for by the slot, so then it stays as it is. */
static otter_status refuse(struct boot_state *state, otter_status why)
{
    boot_report(state, BOOT_EVENT_REFUSED, why);
    const bool revert = state->type == SWAP_REVERT;
    state->type = SWAP_FAIL;
    const otter_status status = withdraw_note(state);
    return status != OTTER_OK || revert
               ? status
               : boot_erase(state, state->secondary, 0, state->secondary->size);
}

static otter_status check_candidate(struct boot_state *state)
{
    const struct flash_area candidate = swap_candidate(state);
    const otter_status status = boot_verify_candidate(state, &candidate, state->limit);
    if (status != OTTER_OK)
        return refuse(state, status);
    state->pending = true;
    return OTTER_OK;
}

/* Flags of a finished swap. A flag that a cut tore is set well enough, and cannot be set again;
 * write-once flash refuses it even if it reads as unset. Where there is no trial that does no harm:
 * then swap_info says enough. */
static otter_status finish(const struct boot_state *state)
{
    const uint32_t align = state->config->max_align;
    struct trailer trailer;
    trailer_read(state->primary, align, &trailer);
    if (state->type != SWAP_TEST && trailer.image_ok == TRAILER_UNSET)
        (void)trailer_write_flag(state->primary, align, TRAILER_IMAGE_OK, 1);
    const otter_status status = trailer_write_flag(state->primary, align, TRAILER_COPY_DONE, 1);
    return state->type == SWAP_TEST ? status : OTTER_OK;
}

/* A request that the flash does not let us fulfil would be tried again at every boot, and might
 * succeed long after it was reported as failed. */
static void withdraw_request(const struct boot_state *state)
{
    const struct flash_area *slot = state->secondary;
    struct trailer trailer;
    trailer_read(slot, state->config->max_align, &trailer);
    if (trailer.magic == TRAILER_GOOD)
        (void)boot_erase(state, slot, flash_sector_at(slot, slot->size - 1).offset, slot->size);
}

/* The flash does not let the swap go on: the outgoing image comes back, and nothing is left that
 * asks for the swap. A revert that could not even begin remains to be made. */
static otter_status give_up(struct boot_state *state, otter_status why)
{
    const bool remains = state->type == SWAP_REVERT && state->position == 0;
    if (swap_retreat(state) == OTTER_OK && !remains) {
        withdraw_request(state);
        (void)withdraw_note(state);
        (void)swap_discard(state);
    }
    return why;
}

static otter_status run(struct boot_state *state)
{
    boot_report(state, BOOT_EVENT_SWAP_STARTS, 0);
    const otter_status status = swap_advance(state);
    return status == OTTER_OK ? status : give_up(state, status);
}

/* Goes by the status of a swap only if it fits what lies in the slots. If a flash cannot be read,
 * nobody knows: better to try again than to destroy. */
static otter_status check_status(struct boot_state *state, const struct trailer *primary,
                                 const struct trailer *secondary)
{
    const enum swap_course course = swap_locate(state);
    if (course == SWAP_GOES_ON) {
        if (state->position == 0)
            swap_choose_again(state, primary, secondary);
        return OTTER_OK;
    }
    const otter_status status = swap_verify_mix(state, SWAP_INCOMING);
    if (course == SWAP_GOES_BACK)
        return give_up(state, status);
    if (status == OTTER_E_FLASH)
        return status;
    boot_report(state, BOOT_EVENT_STALE, status);
    if (state->position == 0)
        (void)withdraw_note(state);
    const otter_status discarded = swap_discard(state);
    state->source = BOOT_SOURCE_NONE;
    state->position = 0;
    state->type = trailer_next_swap(primary, secondary);
    return discarded;
}

/* Goes on with a swap. If then its trial cannot be noted, it could never be taken back, so it is
 * taken back at once: it may have been noted already, by what was torn there. */
static otter_status resume(struct boot_state *state)
{
    const otter_status status = run(state);
    if (status != OTTER_OK || finish(state) == OTTER_OK)
        return status;
    state->type = SWAP_REVERT;
    state->source = BOOT_SOURCE_NONE;
    boot_report(state, BOOT_EVENT_SWAP_TYPE, state->type);
    return check_candidate(state);
}

/* A layout that does not fit still starts what is in the primary slot. */
static enum boot_layout_fault lay_out(struct boot_state *state)
{
    if (!BOOT_MAP_IS_CHECKED) {
        const enum boot_layout_fault fault = swap_layout_fault(state);
        state->limit =
            trailer_field_offset(state->primary->size, state->config->max_align, swap_size_field);
        if (fault != BOOT_LAYOUT_FITS)
            return fault;
    }
    swap_layout(state);
    return BOOT_LAYOUT_FITS;
}

otter_status boot_mode_prepare(struct boot_state *state)
{
    struct trailer primary;
    struct trailer secondary;
    const enum boot_layout_fault fault = lay_out(state);
    if (fault != BOOT_LAYOUT_FITS) {
        boot_report(state, BOOT_EVENT_LAYOUT, fault);
        return OTTER_OK;
    }
    swap_trailer_read(state, state->primary, &primary);
    swap_trailer_read(state, state->secondary, &secondary);
    boot_report_trailer(state, BOOT_EVENT_PRIMARY, &primary);
    swap_find(state, &primary, &secondary);
    boot_report(state, BOOT_EVENT_SOURCE, state->source);
    if (state->source != BOOT_SOURCE_NONE) {
        const otter_status status = check_status(state, &primary, &secondary);
        if (status != OTTER_OK)
            return status;
    }
    boot_report(state, BOOT_EVENT_SWAP_TYPE, state->type);
    if (state->position > 0)
        return resume(state);
    return state->type == SWAP_NONE ? OTTER_OK : check_candidate(state);
}

otter_status boot_mode_perform(struct boot_state *state)
{
    const struct flash_area candidate = swap_candidate(state);
    state->swap_size = swap_extent(state);
    state->position = 0;
    otter_status status = swap_ciphers_open(state, &candidate);
    if (status == OTTER_OK)
        status = run(state);
    return status == OTTER_OK ? finish(state) : status;
}

bool boot_mode_rescue(struct boot_state *state)
{
    if (lay_out(state) != BOOT_LAYOUT_FITS)
        return false;
    state->type = SWAP_REVERT;
    state->source = BOOT_SOURCE_NONE;
    const struct flash_area candidate = swap_candidate(state);
    return boot_may_rescue(state, &candidate, state->limit) && boot_mode_perform(state) == OTTER_OK;
}

uint32_t boot_mode_limit(const struct boot_state *state)
{
    return state->limit;
}

otter_status boot_mode_start(struct boot_state *state)
{
    (void)state; /* the trailer says all there is to say */
    return OTTER_OK;
}

struct flash_area boot_mode_incoming(const struct boot_state *state)
{
    return state->pending ? swap_candidate(state) : *state->primary;
}
