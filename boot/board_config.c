/* What the board's folder says, as the bootloader's core takes it. */
#include "boot/board_config.h"

#include "boards/map.h"

/* Straight from the map: `board` has much that a bootloader does not need. */
static const struct flash_area primary = BOARD_AREA(BOARD_PRIMARY);
static const struct flash_area secondary = BOARD_AREA(BOARD_SECONDARY);
static const struct flash_area scratch = BOARD_AREA(BOARD_SCRATCH);
#if AREA_SIZE(BOARD_SECURE_PRIMARY) > 0
/* Two worlds: the secure program is image 0, which is started, and starts the firmware. */
static const struct flash_area secure_primary = BOARD_AREA(BOARD_SECURE_PRIMARY);
static const struct flash_area secure_secondary = BOARD_AREA(BOARD_SECURE_SECONDARY);
#define STARTED BOARD_SECURE_PRIMARY
#else
#define STARTED BOARD_PRIMARY
#endif

static const struct boot_slots slots[] = {
#if AREA_SIZE(BOARD_SECURE_PRIMARY) > 0
    {.primary = &secure_primary, .secondary = &secure_secondary},
#endif
    {.primary = &primary, .secondary = &secondary},
};
_Static_assert(sizeof slots / sizeof *slots <= BOOT_IMAGES_MAX,
               "BOARD_BOOT_IMAGES: 2 where the map has a BOARD_SECURE_PRIMARY");

void boot_board_config(struct boot_config *config)
{
    *config = (struct boot_config){
        .images = slots,
        .image_count = sizeof slots / sizeof *slots,
        .scratch = &scratch,
        .max_sectors = BOARD_MAX_SECTORS,
        .max_align = BOARD_MAX_ALIGN,
        .refuse_downgrade = true,
        .rescue = true, /* a damaged image gives way to a valid one: see boot.h */
        .flash_base = BOARD_OF_DEVICE(DEVICE_BASE, AREA_DEVICE(STARTED)),
        .policy = {.keys = image_keys, .key_count = image_key_count},
    };
}
