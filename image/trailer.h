/* The trailer at the end of a slot: how application and bootloader talk about swaps.
 * (docs/formats.md sections 2 and 3)
 *
 *   application: asks for a test or permanent swap of the secondary slot, confirms the primary.
 *   bootloader:  reads both, swaps, notes what it did in the primary's trailer.
 *
 * Fields are counted from the end of the slot in steps of A, the `max_align` of the product
 * (8, or 16 or 32 where some flash has such a write unit); both sides must use the same A. Each
 * field is programmed as one unit of the slot's write size. A field that cannot be read counts as
 * bad. */
#ifndef OTTER_IMAGE_TRAILER_H
#define OTTER_IMAGE_TRAILER_H

#include <stdbool.h>
#include <stdint.h>

#include "port/flash.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TRAILER_MAGIC_SIZE 16u

/* Numbers are those that MCUboot prints. */
enum trailer_mark { TRAILER_SET = 1, TRAILER_BAD = 2, TRAILER_UNSET = 3 };
#define TRAILER_GOOD TRAILER_SET /* of a magic */

enum swap_type {
    SWAP_NONE = 1,
    SWAP_TEST = 2,   /* swap, and swap back at the next boot unless confirmed */
    SWAP_PERM = 3,   /* swap for good */
    SWAP_REVERT = 4, /* swap back */
    SWAP_FAIL = 5    /* in RAM only: an image was asked for and refused */
};

struct trailer {
    enum trailer_mark magic;
    enum trailer_mark copy_done; /* the swap that put this image here is complete */
    enum trailer_mark image_ok;  /* confirmed */
    enum swap_type swap_type;    /* of swap_info; SWAP_NONE if erased or senseless */
    uint8_t image_number;
    uint32_t swap_size; /* bytes exchanged by the swap; erased bytes read as they are */
};

/* The A of a product whose largest write unit is `write_size`. */
uint32_t trailer_max_align(uint32_t write_size);

void trailer_read(const struct flash_area *slot, uint32_t max_align, struct trailer *trailer);

/* What the next boot will do. */
enum swap_type trailer_next_swap(const struct trailer *primary, const struct trailer *secondary);

/* A new image runs that the bootloader will take back unless it is confirmed. What a power cut can
 * tear does not decide: a torn copy_done counts as set, since it is written after all else is done;
 * and a swap that was permanent or a revert is no trial, even if its image_ok was torn and reads
 * differently each time. */
static inline bool trailer_on_trial(const struct trailer *primary)
{
    return primary->magic == TRAILER_GOOD && primary->copy_done != TRAILER_UNSET &&
           primary->image_ok == TRAILER_UNSET && primary->swap_type != SWAP_PERM &&
           primary->swap_type != SWAP_REVERT;
}

/* Before a download into `slot`: erases the sector that holds the fields, whatever was there. It
 * may also hold the end of an image, so never call it between download and request. Also takes back
 * a request. */
otter_status trailer_prepare(const struct flash_area *slot);

/* Asks for a swap of the image in the secondary `slot`. Written in an order (magic last) in which
 * a power cut leaves no request. OTTER_OK at once if the same request is there already;
 * OTTER_E_STATE if the fields are neither that nor erased: a request was torn or another one is
 * pending; then trailer_prepare, and write what the image had in that last sector again. */
otter_status trailer_request(const struct flash_area *slot, uint32_t max_align, bool permanent);

/* Keeps the image that runs from the primary `slot`. OTTER_OK also if there is nothing to confirm
 * (no swap ever happened, or it is confirmed already); OTTER_E_STATE if the magic is bad. */
otter_status trailer_confirm(const struct flash_area *slot, uint32_t max_align);

/* For the bootloader and the image tool. */

/* Each lies so many times A before the magic. */
enum trailer_field {
    TRAILER_IMAGE_OK = 1,
    TRAILER_COPY_DONE = 2,
    TRAILER_SWAP_INFO = 3,
    TRAILER_SWAP_SIZE = 4,
    /* swap by offset has one field more */
    TRAILER_OFFSET_TLV_SIZES = 4,
    TRAILER_OFFSET_SWAP_SIZE = 5
};

/* Offset of a field from the start of a slot of `size` bytes; of the magic itself. */
uint32_t trailer_field_offset(uint32_t size, uint32_t max_align, enum trailer_field field);
uint32_t trailer_magic_offset(uint32_t size);
/* The 16 bytes that make a trailer count, for this A. */
void trailer_magic_bytes(uint32_t max_align, uint8_t magic[TRAILER_MAGIC_SIZE]);
/* Bytes from the first field (of scratch and move mode) to the end of the slot. */
uint32_t trailer_info_size(uint32_t max_align);

/* A field of four bytes; all bits set if it cannot be read. */
uint32_t trailer_read_number(const struct flash_area *slot, uint32_t max_align,
                             enum trailer_field field);
/* First byte of the unit at `offset`, of bits that read as programmed every time. */
uint8_t trailer_read_unit(const struct flash_area *slot, uint32_t offset);
/* Programs the unit at `offset` with `value` in its first byte: a swap status record. */
otter_status trailer_write_unit(const struct flash_area *slot, uint32_t offset, uint8_t value);
/* Each programs its field once, filled up to the write unit with the erased value. */
otter_status trailer_write_flag(const struct flash_area *slot, uint32_t max_align,
                                enum trailer_field field, uint8_t value);
otter_status trailer_write_number(const struct flash_area *slot, uint32_t max_align,
                                  enum trailer_field field, uint32_t value);
otter_status trailer_write_magic(const struct flash_area *slot, uint32_t max_align);

#ifdef __cplusplus
}
#endif

#endif
