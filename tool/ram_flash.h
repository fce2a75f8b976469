/* A run of bytes in memory seen as a flash device, so that the device's own readers of images,
 * trailers and the store can look at files. */
#ifndef OTTER_TOOL_RAM_FLASH_H
#define OTTER_TOOL_RAM_FLASH_H

#include "port/flash.h"

struct ram_flash {
    struct flash flash; /* the device; `ctx` points to this struct, so it must not move */
    uint8_t *data;
    uint32_t sector_size;
};

/* `data` stays the caller's and must outlive the device. The last sector may be a short one. */
void ram_flash_init(struct ram_flash *ram, uint8_t *data, uint32_t size, uint32_t sector_size,
                    uint32_t write_size, uint8_t erased_value);

/* A part of it, bounded by its end. */
struct flash_area ram_flash_area(const struct ram_flash *ram, uint32_t offset, uint32_t size);

#endif
