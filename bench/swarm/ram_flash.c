/* NOR flash in memory. */
#define _GNU_SOURCE /* memfd_create */
#include "bench/swarm/ram_flash.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void must(bool kept, const char *rule)
{
    if (kept)
        return;
    fprintf(stderr, "swarm: flash: %s\n", rule);
    abort();
}

static bool inside(const struct ram_flash *flash, uint32_t offset, uint32_t length)
{
    return offset <= flash->flash.size && length <= flash->flash.size - offset;
}

static otter_status read_bytes(void *ctx, uint32_t offset, void *data, uint32_t length)
{
    const struct ram_flash *flash = ctx;
    if (!inside(flash, offset, length))
        return OTTER_E_BOUNDS;
    memcpy(data, flash->bytes + offset, length);
    return OTTER_OK;
}

static otter_status program(void *ctx, uint32_t offset, const void *data, uint32_t length)
{
    struct ram_flash *flash = ctx;
    if (!inside(flash, offset, length))
        return OTTER_E_BOUNDS;
    must(offset % RAM_FLASH_WRITE == 0 && length % RAM_FLASH_WRITE == 0, "whole units only");
    for (uint32_t i = 0; i < length; i++)
        must(flash->bytes[offset + i] == 0xff, "programmed twice");
    memcpy(flash->bytes + offset, data, length);
    return OTTER_OK;
}

static otter_status erase(void *ctx, uint32_t offset)
{
    struct ram_flash *flash = ctx;
    if (!inside(flash, offset, RAM_FLASH_SECTOR))
        return OTTER_E_BOUNDS;
    must(offset % RAM_FLASH_SECTOR == 0, "whole sectors only");
    memset(flash->bytes + offset, 0xff, RAM_FLASH_SECTOR);
    return OTTER_OK;
}

static struct flash_sector sector_at(void *ctx, uint32_t offset)
{
    (void)ctx;
    return (struct flash_sector){offset - offset % RAM_FLASH_SECTOR, RAM_FLASH_SECTOR};
}

static const struct flash_ops ops = {read_bytes, program, erase, sector_at};

int ram_flash_template(uint32_t size)
{
    uint8_t erased[RAM_FLASH_SECTOR];
    int fd = memfd_create("flash", MFD_CLOEXEC);
    memset(erased, 0xff, sizeof erased);
    for (uint32_t at = 0; fd >= 0 && at < size; at += sizeof erased) {
        if (write(fd, erased, sizeof erased) != (ssize_t)sizeof erased) {
            close(fd);
            return -1;
        }
    }
    return fd;
}

bool ram_flash_open(struct ram_flash *flash, int template_fd, uint32_t size, bool shared)
{
    void *bytes =
        mmap(NULL, size, PROT_READ | PROT_WRITE, shared ? MAP_SHARED : MAP_PRIVATE, template_fd, 0);
    if (bytes == MAP_FAILED)
        return false;
    flash->bytes = bytes;
    flash->flash = (struct flash){.ops = &ops,
                                  .ctx = flash,
                                  .size = size,
                                  .write_size = RAM_FLASH_WRITE,
                                  .erased_value = 0xff};
    return true;
}

void ram_flash_close(struct ram_flash *flash)
{
    if (flash->bytes)
        munmap(flash->bytes, flash->flash.size);
    flash->bytes = NULL;
}
