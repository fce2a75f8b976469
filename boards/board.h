/* The board that is being built: where its slots and areas lie, on which flash, and how its
 * bootloader updates it. Firmware and bootloader link the same `board`, made from the map in the
 * board's folder (boards/README.md). */
#ifndef OTTER_BOARDS_BOARD_H
#define OTTER_BOARDS_BOARD_H

#include <stdint.h>

#include "boards/layout.h"
#include "port/flash.h"

#ifdef __cplusplus
extern "C" {
#endif

struct board {
    const char *name;
    enum update_mode update;
    uint16_t max_sectors; /* of a slot: fixes where the swap status starts */
    uint8_t max_align;    /* of the trailer fields */
    /* The first connection after power-on comes at random within this time, unless `conf set
     * connect_spread_s` says otherwise: devices that get their power back together must not all
     * come at once. A product takes a minute or what its fleet needs. */
    uint32_t connect_spread_ms;
    uint32_t image_size_max; /* what a slot holds beside its trailer and swap status */
    uint32_t flash_base;     /* where the device that holds the primary slot is mapped */
    struct flash_area primary;
    struct flash_area secondary;
    /* What of the secondary slot takes a new image: all of it, or all but its first sector (swap by
     * offset). Both end where the trailer does. */
    struct flash_area candidate;
    struct flash_area scratch; /* size 0: the update mode needs none */
    struct flash_area store;
    struct flash_area progress;
    struct flash_area log; /* size 0: the log is not kept in flash */
};

extern const struct board board;

/* Two worlds: the secure program's slots; size 0: there is none. */
struct board_secure {
    struct flash_area primary;
    struct flash_area secondary;
    uint32_t image_size_max;
};

extern const struct board_secure board_secure;

#ifdef __cplusplus
}
#endif

#endif
