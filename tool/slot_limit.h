/* The largest image that a bootloader accepts in a slot, by update mode. imgtool knows only the
 * trailer; the bootloader wants more room in every mode, so that an image may pass signing and be
 * refused by the device. (docs/formats.md 2.5, 2.6) */
#ifndef OTTER_TOOL_SLOT_LIMIT_H
#define OTTER_TOOL_SLOT_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

enum slot_mode {
    SLOT_UNCHECKED,
    SLOT_SCRATCH,
    SLOT_MOVE,
    SLOT_OFFSET,
    SLOT_OVERWRITE, /* direct-XIP and RAM load have the same limit */
};

struct slot_layout {
    enum slot_mode mode;
    uint32_t slot_size;   /* of primary and secondary alike */
    uint32_t sector_size; /* needed for scratch, move and offset */
    uint32_t write_size;
    uint32_t max_align;
    uint32_t max_sectors;
    uint32_t saved_key_size; /* of each of two keys or TLVs in the trailer; 0 = not encrypted */
};

/* "scratch", "move", "offset", "overwrite", "direct-xip" or "ram-load". */
bool slot_mode_parse(const char *text, enum slot_mode *mode);

/* Bytes from the header to the last TLV; 0 if the layout leaves no room at all. */
uint32_t slot_limit(const struct slot_layout *layout);

#endif
