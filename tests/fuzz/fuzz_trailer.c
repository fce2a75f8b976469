/* Any bytes as the trailers of both slots: the decision is one of the known ones, and a
 * request or confirmation that reports success reads back as one. */
#include <string.h>

#include "image/trailer.h"
#include "port/port.h"

#define SLOT_SIZE 512u

static uint8_t memory[2 * SLOT_SIZE];

otter_ms port_now(void)
{
    return 0;
}

void port_log_write(const char *line, size_t length)
{
    (void)line;
    (void)length;
}

static otter_status memory_read(void *ctx, uint32_t offset, void *data, uint32_t length)
{
    (void)ctx;
    memcpy(data, memory + offset, length);
    return OTTER_OK;
}

static otter_status memory_program(void *ctx, uint32_t offset, const void *data, uint32_t length)
{
    (void)ctx;
    for (uint32_t i = 0; i < length; i++) {
        if (memory[offset + i] != 0xff)
            return OTTER_E_FLASH;
    }
    memcpy(memory + offset, data, length);
    return OTTER_OK;
}

static otter_status memory_erase(void *ctx, uint32_t offset)
{
    (void)ctx;
    memset(memory + offset, 0xff, SLOT_SIZE);
    return OTTER_OK;
}

static struct flash_sector memory_sector_at(void *ctx, uint32_t offset)
{
    (void)ctx;
    return (struct flash_sector){offset / SLOT_SIZE * SLOT_SIZE, SLOT_SIZE};
}

static const struct flash_ops ops = {memory_read, memory_program, memory_erase, memory_sector_at};
static const struct flash device = {&ops, NULL, sizeof memory, 4, 0xff};
static const struct flash_area primary = {&device, 0, SLOT_SIZE};
static const struct flash_area secondary = {&device, SLOT_SIZE, SLOT_SIZE};

/* The end of a slot from the input: its last 64 bytes, and the right magic if a bit says so. */
static void load(const struct flash_area *slot, const uint8_t *data, uint32_t align, bool magic)
{
    uint8_t *end = memory + slot->offset + SLOT_SIZE;
    memcpy(end - 64, data, 64);
    if (magic)
        trailer_magic_bytes(align, end - TRAILER_MAGIC_SIZE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint32_t aligns[4] = {8, 16, 32, 8};
    struct trailer first;
    struct trailer second;
    if (size < 129)
        return 0;
    const uint32_t align = aligns[data[0] & 3];
    memset(memory, 0xff, sizeof memory);
    load(&primary, data + 1, align, data[0] & 4);
    load(&secondary, data + 65, align, data[0] & 8);
    trailer_read(&primary, align, &first);
    trailer_read(&secondary, align, &second);
    const enum swap_type next = trailer_next_swap(&first, &second);
    if (next < SWAP_NONE || next > SWAP_REVERT || first.swap_type > SWAP_REVERT)
        __builtin_trap();
    if (trailer_confirm(&primary, align) == OTTER_OK) {
        trailer_read(&primary, align, &first);
        if (trailer_on_trial(&first))
            __builtin_trap();
    }
    if (trailer_request(&secondary, align, data[0] & 16) == OTTER_OK) {
        trailer_read(&secondary, align, &second);
        if (trailer_next_swap(&first, &second) != ((data[0] & 16) ? SWAP_PERM : SWAP_TEST))
            __builtin_trap();
    }
    return 0;
}
