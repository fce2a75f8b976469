#include "services/ota/progress.h"

#include <string.h>

#define HEADER_SIZE  32u
#define HEADER_MAGIC 0x314a544fu /* "OTJ1" */
#define ENTRY_SIZE   4u
#define ENTRY_VOID   0x8000u

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

static void reset(struct ota_progress *progress, const struct flash_area *area,
                  const uint8_t key[OTA_PROGRESS_KEY_SIZE], uint32_t blocks)
{
    memset(progress, 0, sizeof *progress);
    progress->area = area;
    progress->blocks = blocks;
    memcpy(progress->key, key, OTA_PROGRESS_KEY_SIZE);
}

static void note(struct ota_progress *progress, uint32_t block, bool have)
{
    if (ota_progress_has(progress, block) == have)
        return;
    progress->have[block / 8] ^= (uint8_t)(1u << (block % 8));
    if (have)
        progress->stored++;
    else
        progress->stored--;
}

/* Takes in one entry; false if it is erased. A broken one says nothing. */
static bool replay(struct ota_progress *progress, const uint8_t raw[ENTRY_SIZE])
{
    const uint8_t erased = progress->area->flash->erased_value;
    const uint32_t word = (uint32_t)raw[0] | (uint32_t)raw[1] << 8;
    const uint32_t complement = (uint32_t)raw[2] | (uint32_t)raw[3] << 8;
    if (raw[0] == erased && raw[1] == erased && raw[2] == erased && raw[3] == erased)
        return false;
    if ((word ^ complement) == 0xffffu && (word & ~ENTRY_VOID) < progress->blocks)
        note(progress, word & ~ENTRY_VOID, (word & ENTRY_VOID) == 0);
    return true;
}

otter_status ota_progress_open(struct ota_progress *progress, const struct flash_area *area,
                               const uint8_t key[OTA_PROGRESS_KEY_SIZE], uint32_t blocks)
{
    uint8_t expected[HEADER_SIZE];
    uint8_t header[HEADER_SIZE];
    uint8_t raw[ENTRY_SIZE];
    reset(progress, area, key, blocks);
    make_header(progress, expected);
    otter_status status = flash_read(area, 0, header, sizeof header);
    if (status != OTTER_OK)
        return status;
    if (memcmp(header, expected, sizeof header) != 0)
        return OTTER_E_NOT_FOUND;
    const uint32_t unit = entry_unit(area);
    uint32_t used_end = HEADER_SIZE;
    for (uint32_t offset = HEADER_SIZE; area->size - offset >= unit; offset += unit) {
        status = flash_read(area, offset, raw, sizeof raw);
        if (status != OTTER_OK)
            return status;
        if (replay(progress, raw))
            used_end = offset + unit;
    }
    /* The entry in flight when power failed may look erased without being so: leave it out. */
    progress->next = used_end + unit;
    progress->resumed = true;
    return OTTER_OK;
}

void ota_progress_begin(struct ota_progress *progress, const struct flash_area *area,
                        const uint8_t key[OTA_PROGRESS_KEY_SIZE], uint32_t blocks)
{
    reset(progress, area, key, blocks);
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

otter_status ota_progress_add(struct ota_progress *progress, uint32_t block)
{
    if (block >= progress->blocks)
        return OTTER_E_ARGUMENT;
    const otter_status status = append(progress, block);
    if (status == OTTER_OK)
        note(progress, block, true);
    return status;
}

otter_status ota_progress_void(struct ota_progress *progress, uint32_t block)
{
    if (block >= progress->blocks)
        return OTTER_E_ARGUMENT;
    const otter_status status = append(progress, block | ENTRY_VOID);
    if (status == OTTER_OK)
        note(progress, block, false);
    return status;
}
