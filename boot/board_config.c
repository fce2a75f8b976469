#include "boot/board_config.h"

#include "boards/board.h"

static const struct boot_slots slots = {.primary = &board.primary, .secondary = &board.secondary};

void boot_board_config(struct boot_config *config)
{
    *config = (struct boot_config){
        .images = &slots,
        .image_count = 1,
        .scratch = &board.scratch,
        .max_sectors = board.max_sectors,
        .max_align = board.max_align,
        .refuse_downgrade = true,
        .rescue = true, /* a damaged image gives way to a valid one: see boot.h */
        .flash_base = board.flash_base,
        .policy = {.keys = image_keys, .key_count = image_key_count},
    };
}
