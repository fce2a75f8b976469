/* Slots of the log in flash; see log_ring.h. */
#include "services/log/log_ring.h"

#include <string.h>

#include "codec/crc32.h"

#define HEAD 8u
#define SUM  4u

static uint32_t get_u32(const uint8_t *from)
{
    return (uint32_t)from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 |
           (uint32_t)from[3] << 24;
}

static void put_u32(uint8_t *to, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        to[i] = (uint8_t)(value >> (8 * i));
}

/* The number of the line in the slot, its text behind HEAD; false where there is none. */
static bool read_slot(const struct log_ring *ring, uint32_t slot, uint8_t line[LOG_RING_SLOT],
                      uint32_t *number, uint32_t *length)
{
    if (flash_read(ring->area, slot * LOG_RING_SLOT, line, HEAD + LOG_RING_TEXT_MAX + SUM) !=
        OTTER_OK)
        return false;
    *number = get_u32(line);
    *length = get_u32(line + 4);
    return *length > 0 && *length <= LOG_RING_TEXT_MAX &&
           get_u32(line + HEAD + *length) == crc32_update(0, line, HEAD + *length);
}

static bool begins_sector(const struct log_ring *ring, uint32_t slot)
{
    return slot * LOG_RING_SLOT % ring->sector == 0;
}

/* From the newest line on: behind whatever else was begun in its sector, and one further. */
static void find_next(struct log_ring *ring, uint32_t newest)
{
    uint32_t last = newest;
    for (uint32_t slot = newest + 1; slot < ring->slots && !begins_sector(ring, slot); slot++) {
        if (flash_is_erased(ring->area, slot * LOG_RING_SLOT, LOG_RING_SLOT) != 1)
            last = slot;
    }
    ring->next = last + 1;
    if (!begins_sector(ring, ring->next))
        ring->next++;
    ring->next %= ring->slots;
}

otter_status log_ring_open(struct log_ring *ring, const struct flash_area *area)
{
    uint8_t line[LOG_RING_SLOT];
    uint32_t number, length, newest = 0;
    *ring = (struct log_ring){.area = area, .sector = flash_sector_at(area, 0).size};
    if (ring->sector < LOG_RING_SLOT || ring->sector % LOG_RING_SLOT != 0 ||
        area->size < 2 * ring->sector || area->flash->write_size > FLASH_WRITE_SIZE_MAX)
        return OTTER_E_ARGUMENT;
    for (uint32_t offset = 0; offset < area->size; offset += ring->sector) {
        if (flash_sector_at(area, offset).size != ring->sector)
            return OTTER_E_ARGUMENT;
    }
    ring->slots = area->size / LOG_RING_SLOT;
    for (uint32_t slot = 0; slot < ring->slots; slot++) {
        if (read_slot(ring, slot, line, &number, &length) && number >= ring->number) {
            ring->number = number + 1;
            newest = slot;
        }
    }
    if (ring->number > 0)
        find_next(ring, newest);
    return OTTER_OK;
}

otter_status log_ring_append(struct log_ring *ring, const char *text, uint32_t length)
{
    uint8_t line[LOG_RING_SLOT];
    const uint32_t unit = ring->area->flash->write_size;
    const uint32_t slot = ring->next;
    if (length > LOG_RING_TEXT_MAX)
        length = LOG_RING_TEXT_MAX;
    if (length == 0)
        return OTTER_OK;
    memset(line, ring->area->flash->erased_value, sizeof line);
    put_u32(line, ring->number);
    put_u32(line + 4, length);
    memcpy(line + HEAD, text, length);
    put_u32(line + HEAD + length, crc32_update(0, line, HEAD + length));
    otter_status status = OTTER_OK;
    if (begins_sector(ring, slot))
        status = flash_erase(ring->area, slot * LOG_RING_SLOT, ring->sector);
    if (status == OTTER_OK)
        status = flash_program(ring->area, slot * LOG_RING_SLOT, line,
                               (HEAD + length + SUM + unit - 1) / unit * unit);
    ring->next = (slot + 1) % ring->slots;
    ring->number++;
    return status;
}

/* The oldest lines lie in the sector behind the one that is written; it may be the next to go. */
uint32_t log_ring_read(const struct log_ring *ring, uint32_t place,
                       char text[LOG_RING_TEXT_MAX + 1])
{
    uint8_t line[LOG_RING_SLOT];
    uint32_t number, length = 0;
    const uint32_t slot = (ring->next + place) % ring->slots;
    if (!read_slot(ring, slot, line, &number, &length))
        length = 0;
    memcpy(text, line + HEAD, length);
    text[length] = '\0';
    return place + 1 < ring->slots ? place + 1 : 0;
}
