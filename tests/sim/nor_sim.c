/* Operations of the simulated flash, counted, and what a cut leaves of each. */
#include "tests/sim/nor_sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/nor_cut.h"

const char *nor_cut_name(enum nor_cut cut)
{
    static const char *const names[NOR_CUT_ALL_KINDS] = {"before", "torn",     "garbled",
                                                         "tail",   "done",     "unreadable",
                                                         "sealed", "wavering", "drifting"};
    return cut < NOR_CUT_ALL_KINDS ? names[cut] : "?";
}

void nor_power_init(struct nor_power *power, uint32_t seed)
{
    memset(power, 0, sizeof *power);
    power->seed = seed;
    power->noise = nor_mix(seed) | 1u;
}

void nor_power_plan(struct nor_power *power, uint32_t cut_at, enum nor_cut cut)
{
    power->cut_at = cut_at;
    power->cut = cut;
}

enum nor_run nor_power_run(struct nor_power *power, void (*body)(void *context), void *context)
{
    power->operations = 0;
    power->boots++;
    power->running = true;
    if (setjmp(power->reset) != 0) {
        power->running = false;
        power->cut_at = 0;
        return NOR_RUN_CUT;
    }
    body(context);
    power->running = false;
    return NOR_RUN_DONE;
}

void nor_power_cycle(struct nor_power *power)
{
    power->boots++;
}

_Noreturn void nor_power_reset(struct nor_power *power)
{
    if (!power->running) {
        fputs("nor_sim: power lost outside of nor_power_run\n", stderr);
        abort();
    }
    longjmp(power->reset, 1);
}

/* True if power fails in this operation. */
static bool operation_is_cut(struct nor_power *power)
{
    if (!power->running)
        return false;
    power->operations++;
    return power->operations == power->cut_at;
}

void nor_power_act(struct nor_power *power, void (*act)(void *context), void *context)
{
    const bool cut = operation_is_cut(power);
    if (!cut || power->cut == NOR_CUT_DONE || power->cut == NOR_CUT_TAIL)
        act(context);
    if (cut)
        nor_power_reset(power);
}

static struct nor_device *device_of(void *ctx)
{
    return ctx;
}

static bool is_in(struct flash_sector sector, uint32_t offset)
{
    return offset - sector.offset < sector.size;
}

/* Most devices have sectors of one size. */
static uint32_t sector_index(const struct nor_device *device, uint32_t offset)
{
    const uint32_t uniform = offset / device->sectors[0].size;
    uint32_t low = 0;
    uint32_t high = device->sector_count - 1;
    if (uniform <= high && is_in(device->sectors[uniform], offset))
        return uniform;
    while (low < high) {
        const uint32_t middle = (low + high + 1) / 2;
        if (device->sectors[middle].offset <= offset)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

static bool is_readable(const struct nor_device *device, uint32_t offset, uint32_t length)
{
    const uint32_t size = device->flash.write_size;
    for (uint32_t unit = offset / size; length > 0 && unit <= (offset + length - 1) / size;
         unit++) {
        if (device->written[unit] == UNIT_UNREADABLE)
            return false;
    }
    return true;
}

static bool is_silent(const struct nor_device *device, uint32_t offset)
{
    return offset - device->silent_offset < device->silent_size;
}

static otter_status nor_read(void *ctx, uint32_t offset, void *data, uint32_t length)
{
    struct nor_device *device = device_of(ctx);
    if (is_silent(device, offset))
        return OTTER_E_IO;
    if (device->fail_reads || (device->unreadable > 0 && !is_readable(device, offset, length)))
        return OTTER_E_FLASH;
    if (length == 1) /* as most are: trailers are read a byte at a time, and often */
        *(uint8_t *)data = device->data[offset];
    else
        memcpy(data, device->data + offset, length);
    if (device->unstable_bytes > 0) {
        for (uint32_t i = 0; i < length; i++) {
            if (device->unstable[offset + i] != 0)
                ((uint8_t *)data)[i] ^=
                    device->unstable[offset + i] & nor_wavering_bits(device, offset + i);
        }
    }
    return OTTER_OK;
}

static struct flash_sector nor_sector_at(void *ctx, uint32_t offset)
{
    const struct nor_device *device = device_of(ctx);
    return device->sectors[sector_index(device, offset)];
}

/* A unit may be programmed when nothing was programmed there, or when a cut left so little that it
 * can be read as erased: then the code under test had no way to know. */
static bool unit_is_free(const struct nor_device *device, uint32_t unit)
{
    const uint32_t size = device->flash.write_size;
    if (device->written[unit] < UNIT_IN_FLIGHT || device->written[unit] == UNIT_UNREADABLE)
        return device->written[unit] == UNIT_FREE;
    for (uint32_t i = unit * size; i < (unit + 1) * size; i++) {
        if ((uint8_t)(device->data[i] ^ device->flash.erased_value) & ~device->unstable[i])
            return false;
    }
    return true;
}

static bool units_are_free(const struct nor_device *device, uint32_t unit, uint32_t count)
{
    const uint8_t *written = device->written;
    for (uint32_t i = unit; i < unit + count; i++) {
        if (written[i] != UNIT_FREE && !unit_is_free(device, i))
            return false;
    }
    return true;
}

static void program_units(struct nor_device *device, uint32_t offset, const uint8_t *data,
                          uint32_t length)
{
    const uint32_t size = device->flash.write_size;
    memcpy(device->data + offset, data, length);
    nor_set_units(device, offset / size, length / size, UNIT_PROGRAMMED);
    device->bytes_programmed += length;
    for (uint32_t i = 0; device->unstable_bytes > 0 && i < length; i++)
        nor_set_unstable(device, offset + i, 0);
}

static _Noreturn void cut_program(struct nor_device *device, uint32_t offset, const uint8_t *data,
                                  uint32_t length)
{
    struct nor_power *power = device->power;
    const uint32_t size = device->flash.write_size;
    const uint32_t units = length / size;
    const uint32_t noise = nor_mix(power->seed ^ nor_mix(power->operations)) | 1u;
    uint32_t prefix = 0;
    if (power->cut == NOR_CUT_TORN || nor_is_garbling(power->cut))
        prefix = (noise >> 4) % (units + (power->cut == NOR_CUT_TORN));
    if (power->cut == NOR_CUT_TAIL)
        prefix = units - 1;
    if (power->cut == NOR_CUT_DONE)
        prefix = units;
    program_units(device, offset, data, prefix * size);
    if (nor_is_garbling(power->cut))
        nor_garble_unit(device, offset + prefix * size, data + prefix * size, noise);
    nor_power_reset(power);
}

static bool is_sealed(const struct nor_device *device, uint32_t unit, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (device->written[unit + i] == UNIT_SEALED)
            return true;
    }
    return false;
}

static otter_status break_rule(struct nor_device *device)
{
    device->rule_breaks++;
    return OTTER_E_FLASH;
}

static otter_status nor_program(void *ctx, uint32_t offset, const void *data, uint32_t length)
{
    struct nor_device *device = device_of(ctx);
    const uint32_t size = device->flash.write_size;
    if (length == 0)
        return OTTER_OK;
    if (is_silent(device, offset))
        return OTTER_E_IO;
    if (offset % size != 0 || length % size != 0 || length > device->flash.size ||
        offset > device->flash.size - length)
        return break_rule(device);
    if (!units_are_free(device, offset / size, length / size))
        return break_rule(device);
    const bool cut = operation_is_cut(device->power);
    const bool refused = is_sealed(device, offset / size, length / size);
    if (cut && !refused)
        cut_program(device, offset, data, length);
    if (cut)
        nor_power_reset(device->power);
    if (refused)
        return OTTER_E_FLASH; /* no rule broken: it read as erased */
    program_units(device, offset, data, length);
    return OTTER_OK;
}

static void erase_bytes(struct nor_device *device, uint32_t offset, uint32_t length)
{
    const uint32_t size = device->flash.write_size;
    memset(device->data + offset, device->flash.erased_value, length);
    nor_set_units(device, offset / size, length / size, UNIT_FREE);
    for (uint32_t i = 0; device->unstable_bytes > 0 && i < length; i++)
        nor_set_unstable(device, offset + i, 0);
}

static _Noreturn void cut_erase(struct nor_device *device, struct flash_sector sector)
{
    struct nor_power *power = device->power;
    const uint32_t size = device->flash.write_size;
    const uint32_t units = sector.size / size;
    const uint32_t noise = nor_mix(power->seed ^ nor_mix(power->operations)) | 1u;
    const uint32_t part = (noise >> 4) % units * size;
    if (power->cut == NOR_CUT_TORN)
        erase_bytes(device, sector.offset, part);
    if (power->cut == NOR_CUT_TAIL)
        erase_bytes(device, sector.offset + part, sector.size - part);
    if (power->cut == NOR_CUT_DONE)
        erase_bytes(device, sector.offset, sector.size);
    if (nor_is_garbling(power->cut))
        nor_garble_sector(device, sector, noise);
    nor_power_reset(power);
}

static otter_status nor_erase(void *ctx, uint32_t offset)
{
    struct nor_device *device = device_of(ctx);
    if (offset >= device->flash.size)
        return break_rule(device);
    if (is_silent(device, offset))
        return OTTER_E_IO;
    const uint32_t index = sector_index(device, offset);
    const struct flash_sector sector = device->sectors[index];
    if (sector.offset != offset)
        return break_rule(device);
    device->erases[index]++;
    device->erase_count++;
    if (operation_is_cut(device->power))
        cut_erase(device, sector);
    erase_bytes(device, sector.offset, sector.size);
    return OTTER_OK;
}

static const struct flash_ops nor_ops = {nor_read, nor_program, nor_erase, nor_sector_at};

static void *allocate(size_t size)
{
    void *memory = calloc(1, size);
    if (memory == NULL) {
        fputs("nor_sim: out of memory\n", stderr);
        abort();
    }
    return memory;
}

void nor_create(struct nor_device *device, struct nor_power *power,
                const struct flash_sector *sectors, uint32_t sector_count, uint32_t write_size,
                uint8_t erased_value)
{
    memset(device, 0, sizeof *device);
    const struct flash_sector last = sectors[sector_count - 1];
    device->flash.ops = &nor_ops;
    device->flash.ctx = device;
    device->flash.size = last.offset + last.size;
    device->flash.write_size = write_size;
    device->flash.erased_value = erased_value;
    device->power = power;
    device->sectors = sectors;
    device->sector_count = sector_count;
    device->data = allocate(device->flash.size);
    device->unstable = allocate(device->flash.size);
    device->written = allocate(device->flash.size / write_size);
    device->erases = allocate(sector_count * sizeof *device->erases);
    nor_wipe(device);
}

void nor_uniform_sectors(struct flash_sector *sectors, uint32_t count, uint32_t size)
{
    for (uint32_t i = 0; i < count; i++)
        sectors[i] = (struct flash_sector){i * size, size};
}

void nor_destroy(struct nor_device *device)
{
    free(device->data);
    free(device->unstable);
    free(device->written);
    free(device->erases);
    memset(device, 0, sizeof *device);
}

void nor_wipe(struct nor_device *device)
{
    erase_bytes(device, 0, device->flash.size);
    memset(device->erases, 0, device->sector_count * sizeof *device->erases);
    device->rule_breaks = 0;
    device->erase_count = 0;
    device->bytes_programmed = 0;
    device->fail_reads = false;
}

void nor_erase_bytes(struct nor_device *device, uint32_t offset, uint32_t length)
{
    erase_bytes(device, offset, length);
}

void nor_load(struct nor_device *device, uint32_t offset, const void *data, uint32_t length)
{
    const uint32_t size = device->flash.write_size;
    memcpy(device->data + offset, data, length);
    for (uint32_t i = 0; i < length; i++) {
        if (device->data[offset + i] != device->flash.erased_value)
            device->written[(offset + i) / size] = UNIT_PROGRAMMED;
    }
}

bool nor_is_blank(const struct nor_device *device, uint32_t offset)
{
    return device->written[offset / device->flash.write_size] == UNIT_FREE;
}

void nor_snapshot_take(const struct nor_device *device, struct nor_snapshot *snapshot)
{
    const uint32_t size = device->flash.size;
    const uint32_t units = size / device->flash.write_size;
    if (snapshot->bytes == NULL)
        snapshot->bytes = allocate(2u * size + units);
    memcpy(snapshot->bytes, device->data, size);
    memcpy(snapshot->bytes + size, device->unstable, size);
    memcpy(snapshot->bytes + 2u * size, device->written, units);
    snapshot->unstable_bytes = device->unstable_bytes;
    snapshot->unreadable = device->unreadable;
}

void nor_snapshot_restore(struct nor_device *device, const struct nor_snapshot *snapshot)
{
    const uint32_t size = device->flash.size;
    memcpy(device->data, snapshot->bytes, size);
    memcpy(device->unstable, snapshot->bytes + size, size);
    memcpy(device->written, snapshot->bytes + 2u * size, size / device->flash.write_size);
    device->unstable_bytes = snapshot->unstable_bytes;
    device->unreadable = snapshot->unreadable;
}

void nor_snapshot_free(struct nor_snapshot *snapshot)
{
    free(snapshot->bytes);
    snapshot->bytes = NULL;
}
