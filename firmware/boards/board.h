/* A board: where its slots and areas lie, and on which flash. One board.c per folder defines
 * `board`; bootloader and firmware of the board link the same one. */
#ifndef OTTER_FIRMWARE_BOARDS_BOARD_H
#define OTTER_FIRMWARE_BOARDS_BOARD_H

#include <stdint.h>

#include "port/flash.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Areas that the firmware and the bootloader use; filled by board_init. */
struct board {
    const char *name;
    uint16_t max_sectors; /* of a slot: fixes where the swap status starts */
    uint8_t max_align;    /* of the trailer fields */
    /* The first connection after power-on comes at random within this time, unless `conf set
     * connect_spread_s` says otherwise: devices that get their power back together must not all
     * come at once. A product takes a minute or what its fleet needs. */
    uint32_t connect_spread_ms;
    uint32_t image_size_max; /* what a slot holds beside its trailer and swap status */
    struct flash_area primary;
    struct flash_area secondary;
    struct flash_area scratch;
    struct flash_area store;
    struct flash_area progress;
};

/* Lays the board's map over the port's flash device. */
void board_init(struct board *board, const struct flash *flash);

#ifdef __cplusplus
}
#endif

#endif
