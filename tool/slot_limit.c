/* The largest image that a bootloader accepts in a slot. */
#include "tool/slot_limit.h"

#include <string.h>

#include "boards/layout.h"
#include "image/bytes.h"

bool slot_mode_parse(const char *text, enum slot_mode *mode)
{
    static const struct {
        const char *name;
        enum slot_mode mode;
    } modes[] = {
        {"scratch", SLOT_SCRATCH},      {"move", SLOT_MOVE},
        {"offset", SLOT_OFFSET},        {"overwrite", SLOT_OVERWRITE},
        {"direct-xip", SLOT_OVERWRITE}, {"ram-load", SLOT_OVERWRITE},
    };

    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        if (strcmp(text, modes[i].name) == 0) {
            *mode = modes[i].mode;
            return true;
        }
    }
    return false;
}

static enum update_mode update_of(enum slot_mode mode)
{
    return mode == SLOT_SCRATCH  ? UPDATE_SWAP_SCRATCH
           : mode == SLOT_MOVE   ? UPDATE_SWAP_MOVE
           : mode == SLOT_OFFSET ? UPDATE_SWAP_OFFSET
                                 : UPDATE_OVERWRITE;
}

uint32_t slot_limit(const struct slot_layout *layout)
{
    const uint32_t keys = 2 * round_up(layout->saved_key_size, layout->max_align);

    if (layout->mode == SLOT_UNCHECKED)
        return UINT32_MAX;
    return LAYOUT_IMAGE_SIZE_MAX(update_of(layout->mode), layout->slot_size, layout->sector_size,
                                 layout->write_size, layout->max_align, layout->max_sectors, keys);
}
