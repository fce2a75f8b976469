/* What all flash devices share: bounds of areas, sectors by offset, erased or not. */
#include "port/flash.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

static bool in_area(const struct flash_area *area, uint32_t offset, uint32_t length)
{
    return offset <= area->size && length <= area->size - offset;
}

otter_status flash_read(const struct flash_area *area, uint32_t offset, void *data, uint32_t length)
{
    if (!in_area(area, offset, length))
        return OTTER_E_BOUNDS;
    return area->flash->ops->read(area->flash->ctx, area->offset + offset, data, length);
}

otter_status flash_program(const struct flash_area *area, uint32_t offset, const void *data,
                           uint32_t length)
{
    const uint32_t unit = area->flash->write_size;
    if (!in_area(area, offset, length))
        return OTTER_E_BOUNDS;
    if (offset % unit != 0 || length % unit != 0)
        return OTTER_E_ARGUMENT;
    return area->flash->ops->program(area->flash->ctx, area->offset + offset, data, length);
}

struct flash_sector flash_sector_at(const struct flash_area *area, uint32_t offset)
{
    struct flash_sector sector = {0, 0};
    if (offset >= area->size)
        return sector;
    sector = area->flash->ops->sector_at(area->flash->ctx, area->offset + offset);
    sector.offset -= area->offset;
    return sector;
}

otter_status flash_erase(const struct flash_area *area, uint32_t offset, uint32_t length)
{
    if (!in_area(area, offset, length))
        return OTTER_E_BOUNDS;
    const uint32_t end = offset + length;
    while (offset < end) {
        const struct flash_sector sector = flash_sector_at(area, offset);
        if (sector.offset != offset || sector.size == 0 || sector.size > end - offset)
            return OTTER_E_ARGUMENT;
        const otter_status status =
            area->flash->ops->erase(area->flash->ctx, area->offset + offset);
        if (status != OTTER_OK)
            return status;
        offset += sector.size;
    }
    return OTTER_OK;
}

otter_status flash_compare(const struct flash_area *area, uint32_t offset, const void *data,
                           uint32_t length)
{
    const uint8_t *expected = data;
    uint8_t part[64];
    for (uint32_t at = 0; at < length; at += sizeof part) {
        const uint32_t size = length - at < sizeof part ? length - at : (uint32_t)sizeof part;
        const otter_status status = flash_read(area, offset + at, part, size);
        if (status != OTTER_OK)
            return status;
        if (memcmp(part, expected + at, size) != 0)
            return OTTER_E_FLASH;
    }
    return OTTER_OK;
}

int flash_is_erased(const struct flash_area *area, uint32_t offset, uint32_t length)
{
    uint8_t buffer[64];
    while (length > 0) {
        const uint32_t part = length < sizeof buffer ? length : (uint32_t)sizeof buffer;
        const otter_status status = flash_read(area, offset, buffer, part);
        if (status != OTTER_OK)
            return status;
        for (uint32_t i = 0; i < part; i++) {
            if (buffer[i] != area->flash->erased_value)
                return 0;
        }
        offset += part;
        length -= part;
    }
    return 1;
}
