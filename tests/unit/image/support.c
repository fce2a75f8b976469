/* Reads the vectors and lays images into the flash in memory. */
#include "tests/unit/image/support.h"

#include <stdio.h>
#include <string.h>

#include "port/port.h"

#define SECTORS (FLASH_BYTES / 4096u)

struct nor_device flash_device;
struct flash_area flash_slot;

static struct nor_power power;
static struct flash_sector sectors[SECTORS];

otter_ms port_now(void)
{
    return 0;
}

void port_log_write(const char *line, size_t length)
{
    (void)line;
    (void)length;
}

int flash_set_up(void **state)
{
    (void)state;
    nor_uniform_sectors(sectors, SECTORS, 4096);
    nor_power_init(&power, 1);
    nor_create(&flash_device, &power, sectors, SECTORS, 4, 0xff);
    flash_slot = (struct flash_area){&flash_device.flash, 0, FLASH_BYTES};
    return 0;
}

int flash_tear_down(void **state)
{
    (void)state;
    nor_destroy(&flash_device);
    return 0;
}

void flash_put(const void *data, uint32_t length)
{
    nor_wipe(&flash_device);
    nor_load(&flash_device, 0, data, length);
}

uint32_t vector_load(const char *name, uint8_t *data, uint32_t size)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", VECTORS, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        printf("skipped: %s is not there\n", path);
        return 0;
    }
    const uint32_t length = (uint32_t)fread(data, 1, size, file);
    fclose(file);
    return length;
}
