/* The journal of blocks: reads it after a reset, mends or gives up what a cut tore; see progress.h.
 */
#include "services/ota/progress.h"

#include <string.h>

#include "codec/crc32.h"

#define HEADER_SIZE  32u
#define HEADER_MAGIC 0x314a544fu /* "OTJ1" */
#define ENTRY_SIZE   4u
#define ENTRY_STORED 0x0000u
#define ENTRY_BEGUN  0x4000u
#define ENTRY_VOID   0x8000u
#define ENTRY_CHECK  0xc000u
#define ENTRY_KIND   0xc000u

static uint32_t entry_unit(const struct flash_area *area)
{
    return area->flash->write_size > ENTRY_SIZE ? area->flash->write_size : ENTRY_SIZE;
}

uint32_t ota_progress_capacity(const struct flash_area *area)
{
    return area->size < HEADER_SIZE ? 0 : (area->size - HEADER_SIZE) / entry_unit(area);
}

static void put_u32(uint8_t *out, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        out[i] = (uint8_t)(value >> (8 * i));
}

static void make_header(const struct ota_progress *progress, uint8_t header[HEADER_SIZE])
{
    memset(header, 0, HEADER_SIZE);
    put_u32(header, HEADER_MAGIC);
    put_u32(header + 4, progress->blocks);
    memcpy(header + 16, progress->key, OTA_PROGRESS_KEY_SIZE);
}

struct ota_range ota_blocks_of_sector(const struct flash_area *slot, const struct ota_file *file,
                                      uint32_t offset)
{
    const struct flash_sector sector = flash_sector_at(slot, offset);
    const uint32_t blocks = ota_file_blocks(file);
    const uint32_t last = (sector.offset + sector.size - 1u) / file->block_size;
    return (struct ota_range){sector.offset / file->block_size, last < blocks ? last : blocks - 1u};
}

static void reset(struct ota_progress *progress, const struct flash_area *area,
                  const struct flash_area *slot, const struct ota_file *file,
                  const uint8_t key[OTA_PROGRESS_KEY_SIZE])
{
    memset(progress, 0, sizeof *progress);
    progress->area = area;
    progress->slot = slot;
    progress->file = *file;
    progress->blocks = ota_file_blocks(file);
    memcpy(progress->key, key, OTA_PROGRESS_KEY_SIZE);
}

static void remember_torn(struct ota_progress *progress, uint32_t block)
{
    if (ota_progress_torn(progress, block))
        return;
    if (progress->torn_count < OTA_PROGRESS_TORN_MAX)
        progress->torn[progress->torn_count++] = (uint16_t)block;
    else
        progress->torn_overflow = true;
}

static void forget_torn(struct ota_progress *progress, uint32_t block)
{
    for (uint8_t i = 0; i < progress->torn_count; i++) {
        if (progress->torn[i] == block)
            progress->torn[i] = progress->torn[--progress->torn_count];
    }
}

bool ota_progress_torn(const struct ota_progress *progress, uint32_t block)
{
    for (uint8_t i = 0; i < progress->torn_count; i++) {
        if (progress->torn[i] == block)
            return true;
    }
    return progress->torn_overflow;
}

static void set_stored(struct ota_progress *progress, uint32_t block, bool stored)
{
    forget_torn(progress, block);
    if (ota_progress_has(progress, block) == stored)
        return;
    progress->have[block / 8] ^= (uint8_t)(1u << (block % 8));
    if (stored)
        progress->stored++;
    else
        progress->stored--;
}

static void note(struct ota_progress *progress, uint32_t word)
{
    const uint32_t block = word & ~ENTRY_KIND;
    const uint8_t bytes[2] = {(uint8_t)word, (uint8_t)(word >> 8)};
    progress->sum = crc32_update(progress->sum, bytes, sizeof bytes);
    if ((word & ENTRY_KIND) == ENTRY_STORED)
        set_stored(progress, block, true);
    if ((word & ENTRY_KIND) == ENTRY_BEGUN)
        remember_torn(progress, block);
    if ((word & ENTRY_KIND) != ENTRY_VOID)
        return;
    const struct ota_range range =
        ota_blocks_of_sector(progress->slot, &progress->file, block * progress->file.block_size);
    for (uint32_t each = range.first; each <= range.last; each++)
        set_stored(progress, each, false);
}

enum entry { ENTRY_IS_ERASED, ENTRY_IS_BROKEN, ENTRY_IS_GOOD, ENTRY_CONTRADICTS };

static enum entry replay(struct ota_progress *progress, const uint8_t raw[ENTRY_SIZE])
{
    const uint8_t erased = progress->area->flash->erased_value;
    const uint32_t word = (uint32_t)raw[0] | (uint32_t)raw[1] << 8;
    const uint32_t complement = (uint32_t)raw[2] | (uint32_t)raw[3] << 8;
    const bool check = (word & ENTRY_KIND) == ENTRY_CHECK;
    if (raw[0] == erased && raw[1] == erased && raw[2] == erased && raw[3] == erased)
        return ENTRY_IS_ERASED;
    if ((word ^ complement) != 0xffffu || (!check && (word & ~ENTRY_KIND) >= progress->blocks))
        return ENTRY_IS_BROKEN;
    if (check && ((word ^ progress->sum) & ~ENTRY_KIND & 0xffffu) != 0)
        return ENTRY_CONTRADICTS;
    note(progress, word);
    return ENTRY_IS_GOOD;
}

/* The entry in flight when power failed may look erased without being so: the first place after the
 * last entry is left out. */
static otter_status replay_all(struct ota_progress *progress)
{
    const struct flash_area *area = progress->area;
    const uint32_t unit = entry_unit(area);
    uint8_t raw[ENTRY_SIZE];
    progress->next = HEADER_SIZE + unit;
    for (uint32_t offset = HEADER_SIZE; area->size - offset >= unit; offset += unit) {
        /* flash with ECC gives an error for the entry that power was cut amid: it is a broken one
         */
        const bool readable = flash_read(area, offset, raw, sizeof raw) == OTTER_OK;
        const enum entry entry = readable ? replay(progress, raw) : ENTRY_IS_BROKEN;
        if (entry == ENTRY_CONTRADICTS)
            return OTTER_E_CORRUPT;
        if (entry != ENTRY_IS_ERASED)
            progress->next = offset + 2u * unit;
    }
    return OTTER_OK;
}

otter_status ota_progress_open(struct ota_progress *progress, const struct flash_area *area,
                               const struct flash_area *slot, const struct ota_file *file,
                               const uint8_t key[OTA_PROGRESS_KEY_SIZE])
{
    uint8_t expected[HEADER_SIZE];
    uint8_t header[HEADER_SIZE];
    reset(progress, area, slot, file, key);
    make_header(progress, expected);
    if (flash_read(area, 0, header, sizeof header) != OTTER_OK ||
        memcmp(header, expected, sizeof header) != 0)
        return OTTER_E_NOT_FOUND;
    progress->resumed = true;
    progress->check_due = true;
    return replay_all(progress);
}

void ota_progress_begin(struct ota_progress *progress, const struct flash_area *area,
                        const struct flash_area *slot, const struct ota_file *file,
                        const uint8_t key[OTA_PROGRESS_KEY_SIZE])
{
    reset(progress, area, slot, file, key);
}

otter_status ota_progress_begin_step(struct ota_progress *progress)
{
    const struct flash_area *area = progress->area;
    uint8_t header[HEADER_SIZE];
    if (progress->next < area->size) {
        const struct flash_sector sector = flash_sector_at(area, progress->next);
        const otter_status status = flash_erase(area, sector.offset, sector.size);
        progress->next += sector.size;
        return status == OTTER_OK ? OTTER_E_AGAIN : status;
    }
    make_header(progress, header);
    progress->next = HEADER_SIZE;
    return flash_program(area, 0, header, sizeof header);
}

/* An entry that flash does not take is left behind as a broken one; the next place is tried. */
static otter_status append(struct ota_progress *progress, uint32_t word)
{
    const struct flash_area *area = progress->area;
    const uint32_t unit = entry_unit(area);
    uint8_t entry[FLASH_WRITE_SIZE_MAX];
    uint8_t readback[ENTRY_SIZE];
    memset(entry, area->flash->erased_value, sizeof entry);
    put_u32(entry, word | (word ^ 0xffffu) << 16);
    while (progress->next <= area->size && area->size - progress->next >= unit) {
        const uint32_t offset = progress->next;
        progress->next += unit;
        if (flash_program(area, offset, entry, unit) == OTTER_OK &&
            flash_read(area, offset, readback, sizeof readback) == OTTER_OK &&
            memcmp(readback, entry, sizeof readback) == 0)
            return OTTER_OK;
    }
    return OTTER_E_NO_SPACE;
}

static otter_status enter_word(struct ota_progress *progress, uint32_t word)
{
    const otter_status status = append(progress, word);
    if (status == OTTER_OK)
        note(progress, word);
    return status;
}

static otter_status enter(struct ota_progress *progress, uint32_t block, uint32_t kind)
{
    otter_status status = OTTER_OK;
    if (block >= progress->blocks)
        return OTTER_E_ARGUMENT;
    if (progress->check_due)
        status = enter_word(progress, ENTRY_CHECK | (progress->sum & ~ENTRY_KIND & 0xffffu));
    if (status != OTTER_OK)
        return status;
    progress->check_due = false;
    return enter_word(progress, block | kind);
}

otter_status ota_progress_add(struct ota_progress *progress, uint32_t block)
{
    return enter(progress, block, ENTRY_STORED);
}

otter_status ota_progress_begun(struct ota_progress *progress, uint32_t block)
{
    return enter(progress, block, ENTRY_BEGUN);
}

otter_status ota_progress_void(struct ota_progress *progress, uint32_t block)
{
    return enter(progress, block, ENTRY_VOID);
}
