/* The largest image that a bootloader accepts in a slot. */
#include "tool/slot_limit.h"

#include <string.h>

#include "image/bytes.h"
#include "image/trailer.h"

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

static uint32_t info_size(const struct slot_layout *layout)
{
    uint32_t tlv_sizes = layout->mode == SLOT_OFFSET ? layout->max_align : 0;

    return trailer_info_size(layout->max_align) + tlv_sizes +
           2 * round_up(layout->saved_key_size, layout->max_align);
}

static uint32_t trailer_size(const struct slot_layout *layout)
{
    uint32_t states = layout->mode == SLOT_OFFSET ? 2 : 3;

    return layout->max_sectors * states * layout->write_size + info_size(layout);
}

static uint32_t less(uint32_t size, uint32_t taken)
{
    return taken < size ? size - taken : 0;
}

/* In scratch mode the first region swapped may share its sector with the trailer; the rest of that
 * sector must leave room for the scratch area's own trailer. */
static uint32_t scratch_padding(const struct slot_layout *layout)
{
    uint32_t scratch_trailer = 3 * layout->write_size + info_size(layout);
    uint32_t in_first_sector = trailer_size(layout) % layout->sector_size;

    if (in_first_sector == 0)
        in_first_sector = layout->sector_size;
    return less(scratch_trailer, in_first_sector);
}

uint32_t slot_limit(const struct slot_layout *layout)
{
    uint32_t taken;

    switch (layout->mode) {
    case SLOT_SCRATCH:
        taken = trailer_size(layout) + scratch_padding(layout);
        break;
    case SLOT_MOVE:
    case SLOT_OFFSET:
        taken = (trailer_size(layout) + layout->sector_size - 1) / layout->sector_size *
                    layout->sector_size +
                layout->sector_size;
        break;
    case SLOT_OVERWRITE:
        taken = less(layout->slot_size,
                     trailer_field_offset(layout->slot_size, layout->max_align, TRAILER_SWAP_INFO));
        break;
    default:
        return UINT32_MAX;
    }
    return less(layout->slot_size, taken);
}
