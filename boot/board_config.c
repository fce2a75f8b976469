/* What the board's folder says, as the bootloader's core takes it. */
#include "boot/board_config.h"

#include "boards/map.h"

/* Straight from the map: `board` has much that a bootloader does not need. */
static const struct flash_area primary = BOARD_AREA(BOARD_PRIMARY);
static const struct flash_area secondary = BOARD_AREA(BOARD_SECONDARY);
static const struct flash_area scratch = BOARD_AREA(BOARD_SCRATCH);
static const struct boot_slots slots = {.primary = &primary, .secondary = &secondary};

void boot_board_config(struct boot_config *config)
{
    *config = (struct boot_config){
        .images = &slots,
        .image_count = 1,
        .scratch = &scratch,
        .max_sectors = BOARD_MAX_SECTORS,
        .max_align = BOARD_MAX_ALIGN,
        .refuse_downgrade = true,
        .rescue = true, /* a damaged image gives way to a valid one: see boot.h */
        .flash_base = BOARD_OF_DEVICE(DEVICE_BASE, AREA_DEVICE(BOARD_PRIMARY)),
        .policy = {.keys = image_keys, .key_count = image_key_count},
    };
}
