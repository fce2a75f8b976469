/* Where trailers begin and how large an image may be, by update mode: the one place that knows
 * (docs/formats.md 2.5 and 2.6). Macros, so that a board's map is checked when it is compiled;
 * bootloader and image tool use the same with values of their own. All are in bytes. */
#ifndef OTTER_BOARDS_LAYOUT_H
#define OTTER_BOARDS_LAYOUT_H

#ifdef __cplusplus
extern "C" {
#endif

/* How the bootloader brings a candidate in: which of boot's rooms is linked. */
enum update_mode {
    UPDATE_SWAP_SCRATCH,
    UPDATE_SWAP_MOVE,
    UPDATE_SWAP_OFFSET,
    UPDATE_OVERWRITE,  /* no way back */
    UPDATE_DIRECT_XIP, /* each image runs where it lies, and is linked for that slot */
    UPDATE_BANK_SWAP   /* the hardware exchanges two banks */
};

#ifdef __cplusplus
}
#endif

/* Status records for each sector. */
#define LAYOUT_RECORDS(mode)                                                                       \
    ((mode) == UPDATE_SWAP_OFFSET                                  ? 2u                            \
     : (mode) == UPDATE_SWAP_SCRATCH || (mode) == UPDATE_SWAP_MOVE ? 3u                            \
                                                                   : 0u)

/* The fields above the records. `keys`: what two saved keys take, 0 without encryption. */
#define LAYOUT_FIELDS_SIZE(mode, align, keys)                                                      \
    (4u * (align) + ((align) > 16u ? (align) : 16u) +                                              \
     ((mode) == UPDATE_SWAP_OFFSET ? (align) : 0u) + (keys))

/* `write`: the largest write unit of the flash that holds records. */
#define LAYOUT_TRAILER_SIZE(mode, max_sectors, write, align, keys)                                 \
    ((max_sectors)*LAYOUT_RECORDS(mode) * (write) + LAYOUT_FIELDS_SIZE(mode, align, keys))

/* The trailer of a scratch area has the records of one region. */
#define LAYOUT_SCRATCH_TRAILER_SIZE(write, align, keys)                                            \
    LAYOUT_TRAILER_SIZE(UPDATE_SWAP_SCRATCH, 1u, write, align, keys)

#define LAYOUT_LESS(size, taken) ((taken) < (size) ? (size) - (taken) : 0u)

/* Swap using scratch: what shares the first sector with any of the trailer must fit in scratch in
 * front of scratch's own trailer. */
#define LAYOUT_SCRATCH_ROOM(trailer, sector) (((trailer) + (sector)-1u) % (sector) + 1u)
#define LAYOUT_SCRATCH_TAKEN(trailer, scratch_trailer, sector)                                     \
    ((trailer) + LAYOUT_LESS(scratch_trailer, LAYOUT_SCRATCH_ROOM(trailer, sector)))

/* Move and offset: whole sectors for the trailer, and one to work with. */
#define LAYOUT_UNIFORM_TAKEN(trailer, sector)                                                      \
    (((trailer) + (sector)-1u) / (sector) * (sector) + (sector))

/* The others: from swap_info on. */
#define LAYOUT_PLAIN_TAKEN(align) (3u * (align) + ((align) > 16u ? (align) : 16u))

/* The largest image, from its header to its last TLV; 0 if there is room for none. `sector`: size
 * of the sectors at the slot's end. */
#define LAYOUT_IMAGE_SIZE_MAX(mode, slot, sector, write, align, max_sectors, keys)                 \
    LAYOUT_LESS(                                                                                   \
        slot,                                                                                      \
        (mode) == UPDATE_SWAP_SCRATCH                                                              \
            ? LAYOUT_SCRATCH_TAKEN(LAYOUT_TRAILER_SIZE(mode, max_sectors, write, align, keys),     \
                                   LAYOUT_SCRATCH_TRAILER_SIZE(write, align, keys), sector)        \
        : (mode) == UPDATE_SWAP_MOVE || (mode) == UPDATE_SWAP_OFFSET                               \
            ? LAYOUT_UNIFORM_TAKEN(LAYOUT_TRAILER_SIZE(mode, max_sectors, write, align, keys),     \
                                   sector)                                                         \
            : LAYOUT_PLAIN_TAKEN(align))

#endif
