/* Bytes in memory as a flash device. Bounds are checked by port/flash.c. */
#include "tool/ram_flash.h"

#include <string.h>

static otter_status read_ram(void *ctx, uint32_t offset, void *data, uint32_t length)
{
    const struct ram_flash *ram = ctx;
    memcpy(data, ram->data + offset, length);
    return OTTER_OK;
}

static otter_status program_ram(void *ctx, uint32_t offset, const void *data, uint32_t length)
{
    struct ram_flash *ram = ctx;
    memcpy(ram->data + offset, data, length);
    return OTTER_OK;
}

static struct flash_sector sector_of_ram(void *ctx, uint32_t offset)
{
    const struct ram_flash *ram = ctx;
    uint32_t start = offset - offset % ram->sector_size;
    uint32_t left = ram->flash.size - start;

    return (struct flash_sector){start, left < ram->sector_size ? left : ram->sector_size};
}

static otter_status erase_ram(void *ctx, uint32_t offset)
{
    struct ram_flash *ram = ctx;
    memset(ram->data + offset, ram->flash.erased_value, sector_of_ram(ram, offset).size);
    return OTTER_OK;
}

void ram_flash_init(struct ram_flash *ram, uint8_t *data, uint32_t size, uint32_t sector_size,
                    uint32_t write_size, uint8_t erased_value)
{
    static const struct flash_ops ops = {read_ram, program_ram, erase_ram, sector_of_ram};

    *ram = (struct ram_flash){
        .flash = {&ops, ram, size, write_size, erased_value},
        .data = data,
        .sector_size = sector_size,
    };
}

struct flash_area ram_flash_area(const struct ram_flash *ram, uint32_t offset, uint32_t size)
{
    uint32_t left = offset < ram->flash.size ? ram->flash.size - offset : 0;

    return (struct flash_area){&ram->flash, offset, size < left ? size : left};
}
