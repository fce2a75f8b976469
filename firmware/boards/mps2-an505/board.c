#include "firmware/boards/board.h"

#include "firmware/boards/mps2-an505/flash_map.h"

#define MAX_SECTORS (FLASH_MAP_SLOT_SIZE / FLASH_MAP_SECTOR_SIZE)
#define MAX_ALIGN   8u
/* Swap using scratch: three status units for each sector, four fields and the magic. */
#define TRAILER_SIZE (MAX_SECTORS * 3u * FLASH_MAP_WRITE_SIZE + 4u * MAX_ALIGN + 16u)

void board_init(struct board *board, const struct flash *flash)
{
    *board = (struct board){
        .name = OTTER_BOARD_NAME,
        .max_sectors = MAX_SECTORS,
        .max_align = MAX_ALIGN,
        .connect_spread_ms = 250, /* one device on a desk, whose user waits */
        .image_size_max = FLASH_MAP_SLOT_SIZE - TRAILER_SIZE,
        .primary = {flash, FLASH_MAP_PRIMARY, FLASH_MAP_SLOT_SIZE},
        .secondary = {flash, FLASH_MAP_SECONDARY, FLASH_MAP_SLOT_SIZE},
        .scratch = {flash, FLASH_MAP_SCRATCH, FLASH_MAP_SCRATCH_SIZE},
        .store = {flash, FLASH_MAP_STORE, FLASH_MAP_STORE_SIZE},
        .progress = {flash, FLASH_MAP_PROGRESS, FLASH_MAP_PROGRESS_SIZE},
    };
}
