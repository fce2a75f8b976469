/* NOR's rules on top of RAM: a program only clears bits, an erase sets a sector's. */
#include <stdbool.h>
#include <string.h>

#include "boards/geometry.h"
#include "port/flash.h"
#include "ports/cortex-m/clock.h"
#include "ports/mps2-an505/nor.h"
#ifdef OTTER_NONSECURE
#include "secure/slot.h"
#endif

#ifdef OTTER_NOR_TIMING
#define ERASE_US        20000u
#define PROGRAM_UNIT_US 40u
#else
#define ERASE_US        BOARD_ERASE_US
#define PROGRAM_UNIT_US BOARD_PROGRAM_UNIT_US
#endif

static const struct geometry devices[] = {
    GEOMETRY(0),
#if BOARD_DEVICES > 1
    GEOMETRY(1),
#endif
#if BOARD_DEVICES > 2
    GEOMETRY(2),
#endif
};

_Static_assert(BOARD_FILE_SIZE <= NOR_SIZE, "the devices of the map do not fit QEMU's PSRAM");

/* Where there is one only, the compiler knows its numbers. */
static const struct geometry *device_of(void *ctx)
{
    return BOARD_DEVICES == 1 ? &devices[0] : ctx;
}

static uint8_t *byte_at(const struct geometry *device, uint32_t offset)
{
    return (uint8_t *)(NOR_BASE + device->start + offset);
}

static bool inside(const struct geometry *device, uint32_t offset, uint32_t length)
{
    return offset <= device->size && length <= device->size - offset;
}

static void busy(uint32_t us)
{
    if (us > 0)
        clock_wait_us(us);
}

static otter_status nor_read(void *ctx, uint32_t offset, void *data, uint32_t length)
{
    const struct geometry *device = device_of(ctx);
    if (!inside(device, offset, length))
        return OTTER_E_BOUNDS;
    memcpy(data, byte_at(device, offset), length);
    return OTTER_OK;
}

/* `size`: of a unit. */
static bool is_erased(const uint8_t *at, uint32_t length, uint32_t size)
{
    const uint32_t step = size % sizeof(uint32_t) == 0 ? sizeof(uint32_t) : 1;
    const uint32_t erased = step == 1 ? 0xff : 0xffffffff;
    for (uint32_t i = 0; i < length; i += step)
        if ((step == 1 ? at[i] : *(const uint32_t *)(const void *)(at + i)) != erased)
            return false;
    return true;
}

/* Power that fails in the middle leaves whole words where units are words. */
static void program_unit(uint8_t *to, const uint8_t *from, uint32_t size)
{
    if (size % sizeof(uint32_t) != 0) {
        memcpy(to, from, size);
    } else {
        for (uint32_t i = 0; i < size; i += (uint32_t)sizeof(uint32_t)) {
            uint32_t word;
            memcpy(&word, from + i, sizeof word);
            *(volatile uint32_t *)(void *)(to + i) = word;
        }
    }
    busy(PROGRAM_UNIT_US);
}

/* A unit that is not erased makes the call fail before anything is programmed. */
static otter_status nor_program(void *ctx, uint32_t offset, const void *data, uint32_t length)
{
    const struct geometry *device = device_of(ctx);
    if (!inside(device, offset, length))
        return OTTER_E_BOUNDS;
    if (offset % device->write_size != 0 || length % device->write_size != 0)
        return OTTER_E_ARGUMENT;
    if (!is_erased(byte_at(device, offset), length, device->write_size))
        return OTTER_E_FLASH;
    for (uint32_t i = 0; i < length; i += device->write_size)
        program_unit(byte_at(device, offset + i), (const uint8_t *)data + i, device->write_size);
    return OTTER_OK;
}

static struct flash_sector nor_sector_at(void *ctx, uint32_t offset)
{
    return geometry_sector_at(device_of(ctx), offset);
}

static otter_status nor_erase(void *ctx, uint32_t offset)
{
    const struct geometry *device = device_of(ctx);
    if (offset >= device->size)
        return OTTER_E_BOUNDS;
    const struct flash_sector sector = geometry_sector_at(device, offset);
    if (offset != sector.offset)
        return OTTER_E_ARGUMENT;
    memset(byte_at(device, offset), 0xff, sector.size);
    busy(ERASE_US);
    return OTTER_OK;
}

static const struct flash_ops ops = {
    .read = nor_read,
    .program = nor_program,
    .erase = nor_erase,
    .sector_at = nor_sector_at,
};

#define DEVICE(n)                                                                                  \
    {                                                                                              \
        .ops = OPS(n), .ctx = BOARD_DEVICES == 1 ? NULL : (void *)&devices[n],                     \
        .size = BOARD_OF_DEVICE(DEVICE_SIZE, n), .write_size = BOARD_OF_DEVICE(DEVICE_WRITE, n),   \
        .erased_value = 0xff,                                                                      \
    }

#ifdef OTTER_NONSECURE /* device 1 is the other world's */
static const struct flash_ops secure_ops = {
    .read = secure_slot_read,
    .program = secure_slot_program,
    .erase = secure_slot_erase,
    .sector_at = nor_sector_at,
};
#define OPS(n) ((n) == 1 ? &secure_ops : &ops)
#else
#define OPS(n) (&ops)
#endif

const struct flash port_flash[] = {
    DEVICE(0),
#if BOARD_DEVICES > 1
    DEVICE(1),
#endif
#if BOARD_DEVICES > 2
    DEVICE(2),
#endif
};
