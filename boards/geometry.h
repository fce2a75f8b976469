/* How the board's flash devices are divided, for drivers that serve several of them. */
#ifndef OTTER_BOARDS_GEOMETRY_H
#define OTTER_BOARDS_GEOMETRY_H

#include <stdint.h>

#include "boards/map.h"
#include "port/flash.h"

#ifdef __cplusplus
extern "C" {
#endif

struct geometry {
    uint32_t start; /* in a file that holds all of the board's flash */
    uint32_t size;
    uint32_t write_size;
    uint32_t run_end[2]; /* the third run of sectors ends with the device */
    uint32_t sector_size[3];
};

#define GEOMETRY(n)                                                                                \
    {                                                                                              \
        .start = BOARD_FILE_OFFSET(n), .size = BOARD_OF_DEVICE(DEVICE_SIZE, n),                    \
        .write_size = BOARD_OF_DEVICE(DEVICE_WRITE, n),                                            \
        .run_end = {BOARD_OF_DEVICE(DEVICE_END_1, n), BOARD_OF_DEVICE(DEVICE_END_2, n)},           \
        .sector_size = {BOARD_OF_DEVICE(DEVICE_SECTOR_1, n), BOARD_OF_DEVICE(DEVICE_SECTOR_2, n),  \
                        BOARD_OF_DEVICE(DEVICE_SECTOR_3, n)},                                      \
    }

/* No device has sectors of several sizes. */
#define GEOMETRY_IS_UNIFORM                                                                        \
    (DEVICE_END_1(BOARD_DEVICE_0) == DEVICE_SIZE(BOARD_DEVICE_0) &&                                \
     DEVICE_END_1(BOARD_DEVICE_1) == DEVICE_SIZE(BOARD_DEVICE_1) &&                                \
     DEVICE_END_1(BOARD_DEVICE_2) == DEVICE_SIZE(BOARD_DEVICE_2))

/* The sector that holds `offset`, which is below the device's size. */
static inline struct flash_sector geometry_sector_at(const struct geometry *device, uint32_t offset)
{
    unsigned run = 0;
    uint32_t start = 0;
    while (!GEOMETRY_IS_UNIFORM && run < 2 && offset >= device->run_end[run])
        start = device->run_end[run++];
    const uint32_t size = device->sector_size[run];
    const struct flash_sector sector = {offset - (offset - start) % size, size};
    return sector;
}

#ifdef __cplusplus
}
#endif

#endif
