#include "tests/sim/nor_sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { UNIT_FREE = 0, UNIT_PROGRAMMED, UNIT_IN_FLIGHT /* when power was cut */ };

static uint32_t mix(uint32_t value)
{
    value ^= value >> 16;
    value *= 0x7feb352du;
    value ^= value >> 15;
    value *= 0x846ca68bu;
    return value ^ value >> 16;
}

static uint32_t next_noise(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

const char *nor_cut_name(enum nor_cut cut)
{
    static const char *const names[NOR_CUT_KINDS] = {"before", "torn", "garbled", "tail", "done"};
    return cut < NOR_CUT_KINDS ? names[cut] : "?";
}

void nor_power_init(struct nor_power *power, uint32_t seed)
{
    memset(power, 0, sizeof *power);
    power->seed = seed;
    power->noise = mix(seed) | 1u;
}

void nor_power_plan(struct nor_power *power, uint32_t cut_at, enum nor_cut cut)
{
    power->cut_at = cut_at;
    power->cut = cut;
}

enum nor_run nor_power_run(struct nor_power *power, void (*body)(void *context), void *context)
{
    power->operations = 0;
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

static uint32_t sector_index(const struct nor_device *device, uint32_t offset)
{
    uint32_t low = 0;
    uint32_t high = device->sector_count - 1;
    while (low < high) {
        const uint32_t middle = (low + high + 1) / 2;
        if (device->sectors[middle].offset <= offset)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

static void set_unstable(struct nor_device *device, uint32_t offset, uint8_t mask)
{
    device->unstable_bytes -= device->unstable[offset] != 0;
    device->unstable[offset] = mask;
    device->unstable_bytes += mask != 0;
}

static otter_status nor_read(void *ctx, uint32_t offset, void *data, uint32_t length)
{
    struct nor_device *device = device_of(ctx);
    if (device->fail_reads)
        return OTTER_E_FLASH;
    memcpy(data, device->data + offset, length);
    if (device->unstable_bytes > 0) {
        for (uint32_t i = 0; i < length; i++) {
            if (device->unstable[offset + i] != 0)
                ((uint8_t *)data)[i] ^=
                    device->unstable[offset + i] & (uint8_t)next_noise(&device->power->noise);
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
    if (device->written[unit] != UNIT_IN_FLIGHT)
        return device->written[unit] == UNIT_FREE;
    for (uint32_t i = unit * size; i < (unit + 1) * size; i++) {
        if ((uint8_t)(device->data[i] ^ device->flash.erased_value) & ~device->unstable[i])
            return false;
    }
    return true;
}

static void program_units(struct nor_device *device, uint32_t offset, const uint8_t *data,
                          uint32_t length)
{
    const uint32_t size = device->flash.write_size;
    memcpy(device->data + offset, data, length);
    memset(device->written + offset / size, UNIT_PROGRAMMED, length / size);
    device->bytes_programmed += length;
    for (uint32_t i = 0; device->unstable_bytes > 0 && i < length; i++)
        set_unstable(device, offset + i, 0);
}

/* One unit caught in the middle: some bits programmed, some not, some undecided. */
static void garble_unit(struct nor_device *device, uint32_t offset, const uint8_t *data,
                        uint32_t noise)
{
    const uint8_t erased = device->flash.erased_value;
    for (uint32_t i = 0; i < device->flash.write_size; i++) {
        const uint8_t change = data[i] ^ erased;
        const uint8_t changed = change & (uint8_t)next_noise(&noise);
        device->data[offset + i] = erased ^ changed;
        set_unstable(device, offset + i, (noise & 1u) ? change & (uint8_t)(noise >> 8) : 0);
    }
    device->written[offset / device->flash.write_size] = UNIT_IN_FLIGHT;
}

static _Noreturn void cut_program(struct nor_device *device, uint32_t offset, const uint8_t *data,
                                  uint32_t length)
{
    struct nor_power *power = device->power;
    const uint32_t size = device->flash.write_size;
    const uint32_t units = length / size;
    const uint32_t noise = mix(power->seed ^ mix(power->operations)) | 1u;
    uint32_t prefix = 0;
    if (power->cut == NOR_CUT_TORN || power->cut == NOR_CUT_GARBLED)
        prefix = (noise >> 4) % (units + (power->cut == NOR_CUT_TORN));
    if (power->cut == NOR_CUT_TAIL)
        prefix = units - 1;
    if (power->cut == NOR_CUT_DONE)
        prefix = units;
    program_units(device, offset, data, prefix * size);
    if (power->cut == NOR_CUT_GARBLED)
        garble_unit(device, offset + prefix * size, data + prefix * size, noise);
    nor_power_reset(power);
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
    if (offset % size != 0 || length % size != 0 || length > device->flash.size ||
        offset > device->flash.size - length)
        return break_rule(device);
    for (uint32_t unit = offset / size; unit < (offset + length) / size; unit++) {
        if (!unit_is_free(device, unit))
            return break_rule(device);
    }
    if (operation_is_cut(device->power))
        cut_program(device, offset, data, length);
    program_units(device, offset, data, length);
    return OTTER_OK;
}

static void erase_bytes(struct nor_device *device, uint32_t offset, uint32_t length)
{
    const uint32_t size = device->flash.write_size;
    memset(device->data + offset, device->flash.erased_value, length);
    memset(device->written + offset / size, UNIT_FREE, length / size);
    for (uint32_t i = 0; device->unstable_bytes > 0 && i < length; i++)
        set_unstable(device, offset + i, 0);
}

/* Which bits of one byte are erased already; the pattern differs from case to case. */
static uint8_t erased_bits(uint32_t pattern, uint32_t *noise, bool chosen)
{
    const uint32_t random = next_noise(noise);
    switch (pattern) {
    case 0: /* half of the bits */
        return (uint8_t)random;
    case 1: /* most */
        return (uint8_t)(random | random >> 8 | random >> 16);
    case 2: /* few */
        return (uint8_t)(random & random >> 8 & random >> 16);
    case 3: /* only one unit, wholly */
        return chosen ? 0xff : 0;
    default: /* all but one unit */
        return chosen ? 0 : 0xff;
    }
}

static void garble_sector(struct nor_device *device, struct flash_sector sector, uint32_t noise)
{
    const uint32_t size = device->flash.write_size;
    const uint32_t units = sector.size / size;
    const uint32_t pattern = (noise >> 3) % 5;
    /* One unit in two lies in the last 256 bytes, where the trailer is. */
    const uint32_t last = units < 256 / size ? units : 256 / size;
    const uint32_t chosen = (noise & 2u) ? units - 1 - (noise >> 8) % last : (noise >> 8) % units;
    const bool is_unstable = (noise & 4u) != 0;
    for (uint32_t i = 0; i < sector.size; i++) {
        const uint32_t at = sector.offset + i;
        const uint8_t old = device->data[at];
        const uint8_t change = old ^ device->flash.erased_value;
        const uint8_t changed = change & erased_bits(pattern, &noise, i / size == chosen);
        device->data[at] = old ^ changed;
        if (is_unstable && pattern < 3)
            set_unstable(device, at, device->unstable[at] | (change & (uint8_t)(noise >> 11)));
        if (changed != change || device->unstable[at] != 0)
            device->written[at / size] = UNIT_IN_FLIGHT;
    }
}

static _Noreturn void cut_erase(struct nor_device *device, struct flash_sector sector)
{
    struct nor_power *power = device->power;
    const uint32_t size = device->flash.write_size;
    const uint32_t units = sector.size / size;
    const uint32_t noise = mix(power->seed ^ mix(power->operations)) | 1u;
    const uint32_t part = (noise >> 4) % units * size;
    if (power->cut == NOR_CUT_TORN)
        erase_bytes(device, sector.offset, part);
    if (power->cut == NOR_CUT_TAIL)
        erase_bytes(device, sector.offset + part, sector.size - part);
    if (power->cut == NOR_CUT_DONE)
        erase_bytes(device, sector.offset, sector.size);
    if (power->cut == NOR_CUT_GARBLED)
        garble_sector(device, sector, noise);
    nor_power_reset(power);
}

static otter_status nor_erase(void *ctx, uint32_t offset)
{
    struct nor_device *device = device_of(ctx);
    if (offset >= device->flash.size)
        return break_rule(device);
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

void nor_load(struct nor_device *device, uint32_t offset, const void *data, uint32_t length)
{
    const uint32_t size = device->flash.write_size;
    memcpy(device->data + offset, data, length);
    for (uint32_t i = 0; i < length; i++) {
        if (device->data[offset + i] != device->flash.erased_value)
            device->written[(offset + i) / size] = UNIT_PROGRAMMED;
    }
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
}

void nor_snapshot_restore(struct nor_device *device, const struct nor_snapshot *snapshot)
{
    const uint32_t size = device->flash.size;
    memcpy(device->data, snapshot->bytes, size);
    memcpy(device->unstable, snapshot->bytes + size, size);
    memcpy(device->written, snapshot->bytes + 2u * size, size / device->flash.write_size);
    device->unstable_bytes = snapshot->unstable_bytes;
}

void nor_snapshot_free(struct nor_snapshot *snapshot)
{
    free(snapshot->bytes);
    snapshot->bytes = NULL;
}
