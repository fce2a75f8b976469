/* Stands between the bootloader and the simulated flash, and lies for it. */
#include "tests/sim/nor_fault.h"

#include <string.h>

static const struct flash_ops *sound; /* those of nor_sim */

const char *nor_fault_name(enum nor_fault_kind kind)
{
    static const char *const names[NOR_FAULT_KINDS] = {"none",          "lost write", "no erase",
                                                       "half an erase", "no program", "stuck set",
                                                       "stuck erased"};
    return kind < NOR_FAULT_KINDS ? names[kind] : "?";
}

static bool touches(const struct nor_fault *fault, uint32_t offset, uint32_t length)
{
    return offset < fault->end && fault->start < offset + length;
}

static otter_status faulty_read(void *ctx, uint32_t offset, void *data, uint32_t length)
{
    struct nor_device *device = ctx;
    struct nor_fault *fault = device->fault;
    const otter_status status = sound->read(ctx, offset, data, length);
    if (fault->kind < NOR_FAULT_STUCK_SET || status != OTTER_OK || fault->start < offset ||
        fault->start >= offset + length)
        return status;
    uint8_t *byte = (uint8_t *)data + (fault->start - offset);
    const uint8_t erased = device->flash.erased_value & fault->mask;
    const uint8_t stuck = fault->kind == NOR_FAULT_STUCK_SET ? erased ^ fault->mask : erased;
    fault->seen += (*byte & fault->mask) != stuck;
    *byte = (uint8_t)((*byte & ~fault->mask) | stuck);
    return OTTER_OK;
}

static bool is_lost(struct nor_device *device, uint32_t offset, uint32_t length)
{
    struct nor_fault *fault = device->fault;
    if (fault->kind != NOR_FAULT_LOST || length != device->flash.write_size ||
        !touches(fault, offset, length))
        return false;
    fault->seen++;
    if (fault->seen != fault->at)
        return false;
    fault->struck_at = device->power->operations;
    return true;
}

static otter_status faulty_program(void *ctx, uint32_t offset, const void *data, uint32_t length)
{
    struct nor_device *device = ctx;
    struct nor_fault *fault = device->fault;
    if (is_lost(device, offset, length))
        return fault->silent ? OTTER_OK : OTTER_E_FLASH;
    if (fault->kind != NOR_FAULT_NO_PROGRAM || !touches(fault, offset, length))
        return sound->program(ctx, offset, data, length);
    const uint32_t unit = fault->start / device->flash.write_size * device->flash.write_size;
    fault->seen++;
    const otter_status status =
        unit > offset ? sound->program(ctx, offset, data, unit - offset) : OTTER_OK;
    return status == OTTER_OK ? OTTER_E_FLASH : status;
}

static otter_status faulty_erase(void *ctx, uint32_t offset)
{
    struct nor_device *device = ctx;
    struct nor_fault *fault = device->fault;
    const struct flash_sector sector = sound->sector_at(ctx, offset);
    const bool half = fault->kind == NOR_FAULT_HALF_ERASE;
    if ((!half && fault->kind != NOR_FAULT_NO_ERASE) || !touches(fault, offset, sector.size))
        return sound->erase(ctx, offset);
    fault->seen++;
    if (half)
        nor_erase_bytes(device, offset, sector.size / 2);
    return OTTER_E_FLASH;
}

static struct flash_sector faulty_sector_at(void *ctx, uint32_t offset)
{
    return sound->sector_at(ctx, offset);
}

void nor_fault_install(struct nor_device *device, struct nor_fault *fault)
{
    static const struct flash_ops ops = {faulty_read, faulty_program, faulty_erase,
                                         faulty_sector_at};
    if (device->flash.ops != &ops)
        sound = device->flash.ops;
    device->flash.ops = &ops;
    device->fault = fault;
}
