#include "firmware/boards/board.h"

#include "firmware/boards/mps2-an505/flash_map.h"

void board_init(struct board *board, const struct flash *flash)
{
    *board = (struct board){
        .name = "mps2-an505",
        .max_sectors = FLASH_MAP_SLOT_SIZE / FLASH_MAP_SECTOR_SIZE,
        .max_align = 8,
        .primary = {flash, FLASH_MAP_PRIMARY, FLASH_MAP_SLOT_SIZE},
        .secondary = {flash, FLASH_MAP_SECONDARY, FLASH_MAP_SLOT_SIZE},
        .scratch = {flash, FLASH_MAP_SCRATCH, FLASH_MAP_SCRATCH_SIZE},
        .store = {flash, FLASH_MAP_STORE, FLASH_MAP_STORE_SIZE},
        .progress = {flash, FLASH_MAP_PROGRESS, FLASH_MAP_PROGRESS_SIZE},
    };
}
