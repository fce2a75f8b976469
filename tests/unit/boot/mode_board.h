/* A small board for the rules that belong to one update mode. */
#ifndef OTTER_TESTS_UNIT_BOOT_MODE_BOARD_H
#define OTTER_TESTS_UNIT_BOOT_MODE_BOARD_H

#include "tests/sim/boot/board.h"
#include "tests/sim/boot/sim_image.h"

#define END 1000u

extern struct board board;
extern char said[2000]; /* lines of the last boot */

void board_begin(const struct geometry *geometry);
void board_end(void);
/* Puts the image of a version into a slot; returns its bytes, to be changed in the slot. */
uint8_t *put_version(unsigned device, uint8_t version);
/* Boots; the version started, or 0. */
unsigned boot_version(void);

#endif
