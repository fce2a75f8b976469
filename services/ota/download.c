/* Which blocks to ask for next, which are on their way, and what came of each. */
#include "services/ota/download.h"

#include <string.h>

#define FAULTS_MAX 8u

static bool bit(const uint8_t *bits, uint32_t i)
{
    return (bits[i / 8] >> (i % 8) & 1u) != 0;
}

static void set_bit(uint8_t *bits, uint32_t i)
{
    bits[i / 8] |= (uint8_t)(1u << (i % 8));
}

static void clear_bit(uint8_t *bits, uint32_t i)
{
    bits[i / 8] &= (uint8_t) ~(1u << (i % 8));
}

uint32_t ota_file_block_length(const struct ota_file *file, uint32_t block)
{
    const uint32_t rest = file->size - block * file->block_size;
    return rest < file->block_size ? rest : file->block_size;
}

/* --- window --- */

void ota_download_init(struct ota_download *download, struct ota_progress *progress, uint8_t window,
                       uint32_t request_max)
{
    const uint32_t per_request = request_max / progress->file.block_size;
    memset(download, 0, sizeof *download);
    download->progress = progress;
    download->file = progress->file;
    download->blocks = progress->blocks;
    download->most = (uint16_t)progress->stored;
    if (window == 0 || window > OTA_WINDOW_MAX)
        window = OTA_WINDOW_MAX;
    if (window > per_request)
        window = per_request == 0 ? 1 : (uint8_t)per_request;
    download->window = window;
    download->window_max = window;
}

bool ota_download_complete(const struct ota_download *download)
{
    return download->progress->stored == download->blocks;
}

static bool in_flight(const struct ota_download *d, uint32_t block)
{
    for (unsigned i = 0; i < d->in_flight; i++) {
        if (d->flight[i].block == block)
            return true;
    }
    return false;
}

static bool can_be_asked_for(const struct ota_download *d, uint32_t block)
{
    return bit(d->ready, block) && !ota_progress_has(d->progress, block) && !in_flight(d, block);
}

/* Blocks that a request could name. Whatever is in flight is ready and missing too. */
static uint32_t askable(const struct ota_download *d)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < sizeof d->ready; i++) {
        uint8_t bits = (uint8_t)(d->ready[i] & ~d->progress->have[i]);
        for (; bits != 0; bits &= (uint8_t)(bits - 1u))
            count++;
    }
    return count - d->in_flight;
}

static bool request_due(const struct ota_download *d)
{
    const uint32_t half = d->window / 2u;
    const uint32_t count = askable(d);
    if (d->in_flight > half || count == 0)
        return false;
    return count >= half || d->cursor == d->blocks;
}

uint32_t ota_download_due(const struct ota_download *d, uint16_t blocks[OTA_WINDOW_MAX])
{
    uint32_t count = 0;
    if (!request_due(d))
        return 0;
    for (uint32_t block = 0; block < d->blocks && d->in_flight + count < d->window; block++) {
        if (can_be_asked_for(d, block))
            blocks[count++] = (uint16_t)block;
    }
    return count;
}

void ota_download_requested(struct ota_download *d, const uint16_t *blocks, uint32_t count)
{
    d->request++;
    for (uint32_t i = 0; i < count; i++)
        d->flight[d->in_flight++] = (struct ota_flight){blocks[i], d->request};
}

static void shrink(struct ota_download *d, uint8_t window)
{
    d->window = window == 0 ? 1 : window;
    d->grown = 0;
}

void ota_download_lost(struct ota_download *download, bool shrink_window)
{
    download->in_flight = 0;
    if (shrink_window)
        shrink(download, download->window / 2u);
}

/* The service answers requests in their order, so what was asked for two requests before a block
 * that has arrived will not come any more. */
static void give_up_older(struct ota_download *d, uint16_t request)
{
    uint8_t kept = 0;
    for (unsigned i = 0; i < d->in_flight; i++) {
        const uint16_t age = (uint16_t)(request - d->flight[i].request);
        if (age < 2u || age > UINT16_MAX / 2u)
            d->flight[kept++] = d->flight[i];
    }
    if (kept < d->in_flight)
        shrink(d, (uint8_t)(d->window - d->window / 4u));
    d->in_flight = kept;
}

static void landed(struct ota_download *d, uint32_t block)
{
    for (unsigned i = 0; i < d->in_flight; i++) {
        if (d->flight[i].block == block) {
            const uint16_t request = d->flight[i].request;
            d->flight[i] = d->flight[--d->in_flight];
            give_up_older(d, request);
            return;
        }
    }
}

static void grow(struct ota_download *d)
{
    if (++d->grown < d->window)
        return;
    const uint32_t window = d->window + 1u + d->window / 4u;
    d->window = window > d->window_max ? d->window_max : (uint8_t)window;
    d->grown = 0;
}

/* --- flash --- */

bool ota_download_fits(const struct flash_area *slot, uint32_t block_size)
{
    for (uint32_t offset = 0; offset < slot->size;) {
        const struct flash_sector sector = flash_sector_at(slot, offset);
        const bool many_blocks = sector.size % block_size == 0 && offset % block_size == 0;
        const bool part_of_one = block_size % sector.size == 0 && offset % sector.size == 0;
        if (sector.size == 0 || (!many_blocks && !part_of_one))
            return false;
        offset += sector.size;
    }
    return true;
}

/* The sector's blocks are about to lose their data. A fresh journal has no entry of a block that
 * was never written. */
static otter_status void_blocks(struct ota_download *d, const struct ota_range *range)
{
    uint32_t first_stored = d->blocks;
    bool known = d->progress->resumed;
    for (uint32_t block = range->last + 1u; block-- > range->first;) {
        known |= ota_progress_torn(d->progress, block);
        if (!ota_progress_has(d->progress, block))
            continue;
        clear_bit(d->ready, block);
        first_stored = block;
    }
    if (first_stored < d->cursor) { /* they have to be fetched anew first */
        d->cursor = first_stored;
        d->erased_to = 0;
    }
    if (!known && first_stored == d->blocks)
        return OTTER_OK;
    return ota_progress_void(d->progress, range->first);
}

/* A sector that nobody has touched since boot cannot be trusted to be erased, even if it reads so:
 * its erase may have been torn. One with a block on flash, or made ready for one since boot, was
 * erased whole; there only the block's own part may have been written. */
static bool is_erased(const struct ota_download *d, const struct ota_range *range)
{
    bool erased = false;
    for (uint32_t block = range->first; block <= range->last; block++)
        erased |= bit(d->ready, block) || ota_progress_has(d->progress, block);
    return erased && !ota_progress_torn(d->progress, d->cursor);
}

static otter_status prepare_sector(struct ota_download *d, const struct flash_sector *sector)
{
    const struct ota_range range =
        ota_blocks_of_sector(d->progress->slot, &d->file, sector->offset);
    if (is_erased(d, &range))
        return OTTER_OK;
    const otter_status status = void_blocks(d, &range);
    return status == OTTER_OK ? flash_erase(d->progress->slot, sector->offset, sector->size)
                              : status;
}

otter_status ota_download_prepare(struct ota_download *download)
{
    struct ota_download *d = download;
    while (d->cursor < d->blocks &&
           (bit(d->ready, d->cursor) || ota_progress_has(d->progress, d->cursor))) {
        set_bit(d->ready, d->cursor++);
        d->erased_to = 0;
    }
    if (d->cursor == d->blocks || askable(d) >= d->window)
        return OTTER_OK;
    const uint32_t block = d->cursor;
    const uint32_t begin = block * d->file.block_size;
    const struct flash_sector sector = flash_sector_at(d->progress->slot, begin + d->erased_to);
    if (sector.size == 0)
        return OTTER_E_BOUNDS;
    const otter_status status = prepare_sector(d, &sector);
    if (status != OTTER_OK)
        return status;
    d->silent = false;
    if (d->cursor == block) { /* otherwise an earlier block has to be fetched anew first */
        d->erased_to = sector.offset + sector.size - begin;
        if (d->erased_to >= ota_file_block_length(&d->file, block)) {
            set_bit(d->ready, block);
            d->cursor++;
            d->erased_to = 0;
        }
    }
    return OTTER_E_AGAIN;
}

static otter_status program(const struct flash_area *slot, uint32_t offset, const uint8_t *data,
                            uint32_t length)
{
    const uint32_t unit = slot->flash->write_size;
    const uint32_t whole = length - length % unit;
    uint8_t tail[FLASH_WRITE_SIZE_MAX];
    if (whole > 0) {
        const otter_status status = flash_program(slot, offset, data, whole);
        if (status != OTTER_OK || whole == length)
            return status;
    }
    memset(tail, slot->flash->erased_value, sizeof tail);
    memcpy(tail, data + whole, length - whole);
    return flash_program(slot, offset + whole, tail, unit);
}

/* A slot that is not read vouches itself for what it has taken (secure/slot.h). */
static bool reads_as(const struct flash_area *slot, uint32_t offset, const uint8_t *data,
                     uint32_t length)
{
    const otter_status status = flash_compare(slot, offset, data, length);
    return status == OTTER_OK || status == OTTER_E_UNSUPPORTED;
}

/* What was written of the block is in the way: its sector has to be made ready again. */
static otter_status write_failed(struct ota_download *d, uint32_t block, otter_status status)
{
    const bool was_silent = d->silent;
    if (status == OTTER_E_NO_SPACE)
        return status; /* a slot that takes no more of this file */
    clear_bit(d->ready, block);
    if (block < d->cursor) {
        d->cursor = block;
        d->erased_to = 0;
    }
    d->silent = status == OTTER_E_IO;
    if (d->silent && was_silent)
        return OTTER_E_AGAIN;
    return ++d->faults > FAULTS_MAX ? OTTER_E_FLASH : OTTER_E_AGAIN;
}

static bool shares_sector(const struct ota_download *d, uint32_t offset)
{
    return flash_sector_at(d->progress->slot, offset).size > d->file.block_size;
}

otter_status ota_download_store(struct ota_download *download, const struct ota_block *block)
{
    struct ota_download *d = download;
    const uint32_t offset = block->number * d->file.block_size;
    otter_status status = OTTER_OK;
    landed(d, block->number);
    if (!bit(d->ready, block->number) || ota_progress_has(d->progress, block->number))
        return OTTER_E_STATE;
    if (shares_sector(d, offset))
        status = ota_progress_begun(d->progress, block->number);
    if (status != OTTER_OK)
        return status;
    status = program(d->progress->slot, offset, block->data, block->length);
    if (status != OTTER_OK || !reads_as(d->progress->slot, offset, block->data, block->length))
        return write_failed(d, block->number, status);
    status = ota_progress_add(d->progress, block->number);
    if (status != OTTER_OK)
        return status;
    if (d->progress->stored > d->most) { /* not only what its neighbour's fault had cost */
        d->most = (uint16_t)d->progress->stored;
        d->faults = 0;
    }
    grow(d);
    return OTTER_OK;
}
