/* NOR flash in memory: each operation checked against NOR's rules before it is done. */
#include "ports/mps2-an505/nor.h"

#include <string.h>

#include "firmware/boards/mps2-an505/flash_map.h"
#include "ports/mps2-an505/clock.h"

#ifdef OTTER_NOR_TIMING
#define ERASE_US        20000u
#define PROGRAM_UNIT_US 40u
#else
#define ERASE_US        0u
#define PROGRAM_UNIT_US 0u
#endif

#define ERASED_UNIT 0xffffffffu

_Static_assert(FLASH_MAP_WRITE_SIZE == sizeof(uint32_t), "the driver programs words");

static volatile uint32_t *unit_at(uint32_t offset)
{
    return (volatile uint32_t *)(FLASH_MAP_BASE + offset);
}

static bool inside(uint32_t offset, uint32_t length)
{
    return offset <= FLASH_MAP_SIZE && length <= FLASH_MAP_SIZE - offset;
}

static void busy(uint32_t us)
{
    if (us > 0)
        clock_wait_us(us);
}

static otter_status nor_read(void *ctx, uint32_t offset, void *data, uint32_t length)
{
    (void)ctx;
    if (!inside(offset, length))
        return OTTER_E_BOUNDS;
    memcpy(data, (const void *)(FLASH_MAP_BASE + offset), length);
    return OTTER_OK;
}

/* A unit that is not erased makes the call fail before anything is programmed. */
static otter_status nor_program(void *ctx, uint32_t offset, const void *data, uint32_t length)
{
    (void)ctx;
    if (!inside(offset, length))
        return OTTER_E_BOUNDS;
    if (offset % FLASH_MAP_WRITE_SIZE != 0 || length % FLASH_MAP_WRITE_SIZE != 0)
        return OTTER_E_ARGUMENT;
    for (uint32_t i = 0; i < length; i += FLASH_MAP_WRITE_SIZE)
        if (*unit_at(offset + i) != ERASED_UNIT)
            return OTTER_E_FLASH;
    const uint8_t *bytes = data;
    for (uint32_t i = 0; i < length; i += FLASH_MAP_WRITE_SIZE) {
        uint32_t unit;
        memcpy(&unit, bytes + i, sizeof unit);
        *unit_at(offset + i) = unit;
        busy(PROGRAM_UNIT_US);
    }
    return OTTER_OK;
}

static otter_status nor_erase(void *ctx, uint32_t offset)
{
    (void)ctx;
    if (!inside(offset, FLASH_MAP_SECTOR_SIZE))
        return OTTER_E_BOUNDS;
    if (offset % FLASH_MAP_SECTOR_SIZE != 0)
        return OTTER_E_ARGUMENT;
    memset((void *)(FLASH_MAP_BASE + offset), 0xff, FLASH_MAP_SECTOR_SIZE);
    busy(ERASE_US);
    return OTTER_OK;
}

static struct flash_sector nor_sector_at(void *ctx, uint32_t offset)
{
    (void)ctx;
    return (struct flash_sector){offset - offset % FLASH_MAP_SECTOR_SIZE, FLASH_MAP_SECTOR_SIZE};
}

const struct flash *nor_flash(void)
{
    static const struct flash_ops ops = {
        .read = nor_read,
        .program = nor_program,
        .erase = nor_erase,
        .sector_at = nor_sector_at,
    };
    static const struct flash nor = {
        .ops = &ops,
        .size = FLASH_MAP_SIZE,
        .write_size = FLASH_MAP_WRITE_SIZE,
        .erased_value = 0xff,
    };
    return &nor;
}
