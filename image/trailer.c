/* Reads and writes the trailer's fields, each a write unit of its own; see trailer.h. */
#include "image/trailer.h"

#include <string.h>

#include "image/bytes.h"

uint32_t trailer_magic_offset(uint32_t size)
{
    return size - TRAILER_MAGIC_SIZE;
}

uint32_t trailer_field_offset(uint32_t size, uint32_t max_align, enum trailer_field field)
{
    return size - round_up(TRAILER_MAGIC_SIZE, max_align) - (uint32_t)field * max_align;
}

uint32_t trailer_info_size(uint32_t max_align)
{
    return round_up(TRAILER_MAGIC_SIZE, max_align) + TRAILER_SWAP_SIZE * max_align;
}

void trailer_magic_bytes(uint32_t max_align, uint8_t magic[TRAILER_MAGIC_SIZE])
{
    static const uint8_t fixed[TRAILER_MAGIC_SIZE] = {0x77, 0xc2, 0x95, 0xf3, 0x60, 0xd2,
                                                      0xef, 0x7f, 0x35, 0x52, 0x50, 0x0f,
                                                      0x2c, 0xb6, 0x79, 0x80};
    static const uint8_t aligned[TRAILER_MAGIC_SIZE - 2] = {
        0x2d, 0xe1, 0x5d, 0x29, 0x41, 0x0b, 0x8d, 0x77, 0x67, 0x9c, 0x11, 0x0f, 0x1f, 0x8a};
    if (max_align == 8) {
        memcpy(magic, fixed, sizeof fixed);
        return;
    }
    magic[0] = (uint8_t)max_align;
    magic[1] = 0;
    memcpy(magic + 2, aligned, sizeof aligned);
}

/* A unit that a power cut caught half programmed may read differently each time. A bit counts as
 * programmed if it is at each of several readings; so the next boot decides as this one does. */
#define READINGS 64u

static enum trailer_mark read_magic(const struct flash_area *slot, uint32_t max_align)
{
    uint8_t found[TRAILER_MAGIC_SIZE];
    uint8_t good[TRAILER_MAGIC_SIZE];
    trailer_magic_bytes(max_align, good);
    for (unsigned i = 0; i < READINGS; i++) {
        if (flash_read(slot, trailer_magic_offset(slot->size), found, sizeof found) != OTTER_OK)
            return TRAILER_BAD;
        if (memcmp(found, good, sizeof good) != 0) {
            memset(good, slot->flash->erased_value, sizeof good);
            return memcmp(found, good, sizeof good) == 0 ? TRAILER_UNSET : TRAILER_BAD;
        }
    }
    return TRAILER_GOOD;
}

uint8_t trailer_read_unit(const struct flash_area *slot, uint32_t offset)
{
    const uint8_t erased = slot->flash->erased_value;
    uint8_t programmed = 0xff;
    for (unsigned i = 0; i < READINGS && programmed != 0; i++) {
        uint8_t value = 0;
        if (flash_read(slot, offset, &value, 1) != OTTER_OK)
            break; /* what cannot be read is not erased */
        programmed &= value ^ erased;
    }
    return programmed ^ erased;
}

static uint8_t read_field(const struct flash_area *slot, uint32_t max_align,
                          enum trailer_field field)
{
    return trailer_read_unit(slot, trailer_field_offset(slot->size, max_align, field));
}

static enum trailer_mark read_flag(const struct flash_area *slot, uint32_t max_align,
                                   enum trailer_field field)
{
    const uint8_t value = read_field(slot, max_align, field);
    if (value == slot->flash->erased_value)
        return TRAILER_UNSET;
    return value == 1 ? TRAILER_SET : TRAILER_BAD;
}

uint32_t trailer_read_number(const struct flash_area *slot, uint32_t max_align,
                             enum trailer_field field)
{
    uint8_t raw[4];
    const uint32_t offset = trailer_field_offset(slot->size, max_align, field);
    return flash_read(slot, offset, raw, sizeof raw) == OTTER_OK ? get_le32(raw) : UINT32_MAX;
}

void trailer_read(const struct flash_area *slot, uint32_t max_align, struct trailer *trailer)
{
    trailer->magic = read_magic(slot, max_align);
    trailer->image_ok = read_flag(slot, max_align, TRAILER_IMAGE_OK);
    trailer->copy_done = read_flag(slot, max_align, TRAILER_COPY_DONE);
    const uint8_t info = read_field(slot, max_align, TRAILER_SWAP_INFO);
    const bool valid = info != slot->flash->erased_value && (info & 0x0f) >= SWAP_NONE &&
                       (info & 0x0f) <= SWAP_REVERT;
    trailer->swap_type = valid ? (enum swap_type)(info & 0x0f) : SWAP_NONE;
    trailer->image_number = valid ? info >> 4 : 0;
    trailer->swap_size = trailer_read_number(slot, max_align, TRAILER_SWAP_SIZE);
}

/* Programs `length` (at most 16) bytes as the end of the units that they need, or as their start.
 */
static otter_status write_unit(const struct flash_area *slot, uint32_t offset, const void *data,
                               uint32_t length, bool at_end)
{
    uint8_t unit[FLASH_WRITE_SIZE_MAX];
    const uint32_t size = round_up(length, slot->flash->write_size);
    memset(unit, slot->flash->erased_value, sizeof unit);
    memcpy(at_end ? unit + size - length : unit, data, length);
    return flash_program(slot, at_end ? offset + length - size : offset, unit, size);
}

otter_status trailer_write_unit(const struct flash_area *slot, uint32_t offset, uint8_t value)
{
    return write_unit(slot, offset, &value, 1, false);
}

otter_status trailer_write_flag(const struct flash_area *slot, uint32_t max_align,
                                enum trailer_field field, uint8_t value)
{
    return trailer_write_unit(slot, trailer_field_offset(slot->size, max_align, field), value);
}

otter_status trailer_write_number(const struct flash_area *slot, uint32_t max_align,
                                  enum trailer_field field, uint32_t value)
{
    uint8_t raw[4];
    put_le32(raw, value);
    return write_unit(slot, trailer_field_offset(slot->size, max_align, field), raw, sizeof raw,
                      false);
}

otter_status trailer_write_magic(const struct flash_area *slot, uint32_t max_align)
{
    uint8_t magic[TRAILER_MAGIC_SIZE];
    trailer_magic_bytes(max_align, magic);
    return write_unit(slot, trailer_magic_offset(slot->size), magic, sizeof magic, true);
}
