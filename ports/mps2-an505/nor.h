/* The board's one flash device: NOR in memory, with NOR's rules enforced. */
#ifndef OTTER_MPS2_NOR_H
#define OTTER_MPS2_NOR_H

#include "port/flash.h"

/* 16 MiB at FLASH_MAP_BASE, see firmware/boards/mps2-an505/flash_map.h. Reading needs no driver:
 * the device is mapped, and programs run from it. Built with OTTER_NOR_TIMING, program and erase
 * take as long as on the internal flash of a NuMaker-IoT-M467. */
const struct flash *nor_flash(void);

#endif
