/* What a cut leaves behind in the unit or sector that it was amid, and how that reads. */
#include "tests/sim/nor_cut.h"

#include <string.h>

uint32_t nor_mix(uint32_t value)
{
    value ^= value >> 16;
    value *= 0x7feb352du;
    value ^= value >> 15;
    value *= 0x846ca68bu;
    return value ^ value >> 16;
}

uint32_t nor_noise(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

void nor_set_unstable(struct nor_device *device, uint32_t offset, uint8_t mask)
{
    device->unstable_bytes -= device->unstable[offset] != 0;
    device->unstable[offset] = mask;
    device->unstable_bytes += mask != 0;
}

void nor_set_unit(struct nor_device *device, uint32_t unit, uint8_t what)
{
    device->unreadable -= device->written[unit] == UNIT_UNREADABLE;
    device->written[unit] = what;
    device->unreadable += what == UNIT_UNREADABLE;
}

void nor_set_units(struct nor_device *device, uint32_t unit, uint32_t count, uint8_t what)
{
    for (uint32_t i = 0; device->unreadable > 0 && i < count; i++)
        nor_set_unit(device, unit + i, what);
    memset(device->written + unit, what, count);
}

/* Odds of a byte's bits: rarely, often, or evenly 1. */
static uint8_t at_odds(struct nor_power *power, uint32_t offset)
{
    static const uint8_t draws[] = {8, 8, 4, 2, 1};
    const uint32_t odds = nor_mix(offset * 2u + 1u);
    const bool often = (odds & 0x100u) != 0;
    uint8_t bits = 0xff;
    for (unsigned i = draws[odds % sizeof draws]; i > 0; i--)
        bits &= (uint8_t)nor_noise(&power->noise);
    return often ? (uint8_t)~bits : bits;
}

/* In three boots of four a unit drifts as a whole, in others bit by bit. */
static uint8_t drifted(const struct nor_power *power, uint32_t offset, uint32_t unit)
{
    const uint32_t boot = nor_mix(power->boots * 0x9e3779b9u ^ unit);
    return (boot & 3u) == 0 ? (uint8_t)nor_mix(boot ^ offset) : ((boot & 4u) != 0 ? 0xff : 0);
}

/* Which undecided bits of a byte read differently from what `data` holds, now. */
uint8_t nor_wavering_bits(const struct nor_device *device, uint32_t offset)
{
    const uint32_t unit = offset / device->flash.write_size;
    if (device->written[unit] == UNIT_WAVERING)
        return at_odds(device->power, offset);
    if (device->written[unit] == UNIT_DRIFTING || device->written[unit] == UNIT_SEALED)
        return drifted(device->power, offset, unit);
    return (uint8_t)nor_noise(&device->power->noise);
}

static uint8_t unit_after(enum nor_cut cut)
{
    switch (cut) {
    case NOR_CUT_UNREADABLE:
        return UNIT_UNREADABLE;
    case NOR_CUT_SEALED:
        return UNIT_SEALED;
    case NOR_CUT_WAVERING:
        return UNIT_WAVERING;
    case NOR_CUT_DRIFTING:
        return UNIT_DRIFTING;
    default:
        return UNIT_IN_FLIGHT;
    }
}

bool nor_is_garbling(enum nor_cut cut)
{
    return cut == NOR_CUT_GARBLED || cut >= NOR_CUT_KINDS;
}

/* Undecided bits among those of one byte that were to change. */
static uint8_t undecided_bits(enum nor_cut cut, uint8_t change, uint32_t noise)
{
    if (cut == NOR_CUT_GARBLED)
        return (noise & 1u) ? change & (uint8_t)(noise >> 8) : 0;
    if (cut == NOR_CUT_SEALED && (noise & 1u)) /* stays as it is */
        return 0;
    return (noise & 2u) ? change & (uint8_t)(noise >> 8) : change;
}

/* One unit caught in the middle: some bits programmed, some not, some undecided. In one case of two
 * the new kinds leave none that is programmed for sure. */
void nor_garble_unit(struct nor_device *device, uint32_t offset, const uint8_t *data,
                     uint32_t noise)
{
    const enum nor_cut cut = device->power->cut;
    const uint8_t erased = device->flash.erased_value;
    const bool as_erased = cut != NOR_CUT_GARBLED && (noise & 0x100000u) != 0;
    const uint32_t whole = noise;
    for (uint32_t i = 0; i < device->flash.write_size; i++) {
        const uint8_t change = data[i] ^ erased;
        const uint8_t changed = change & (uint8_t)nor_noise(&noise);
        device->data[offset + i] = erased ^ (as_erased ? 0 : changed);
        nor_set_unstable(device, offset + i,
                         undecided_bits(cut, change, cut == NOR_CUT_GARBLED ? noise : whole));
    }
    nor_set_unit(device, offset / device->flash.write_size, unit_after(cut));
}

/* Which bits of one byte are erased already; the pattern differs from case to case. */
static uint8_t erased_bits(uint32_t pattern, uint32_t *noise, bool chosen)
{
    const uint32_t random = nor_noise(noise);
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

/* Whether a unit is neither what it was nor erased, or may read so. */
static bool is_mixture(const struct nor_device *device, const uint8_t *old, uint32_t offset)
{
    bool is_old = true;
    bool is_erased = true;
    for (uint32_t i = 0; i < device->flash.write_size; i++) {
        const uint8_t now = device->data[offset + i];
        is_old = is_old && now == old[i] && device->unstable[offset + i] == 0;
        is_erased = is_erased && now == device->flash.erased_value;
    }
    return !is_old && !is_erased;
}

/* Flash with ECC: what an erase left half done reads with an error, or one unit alone does, or all
 * but one. */
static void spoil_unit(struct nor_device *device, const uint8_t *old, uint32_t offset, bool chosen,
                       uint32_t pattern)
{
    const uint32_t unit = offset / device->flash.write_size;
    const bool spoilt = pattern < 3 ? is_mixture(device, old, offset) : chosen == (pattern == 3);
    for (uint32_t i = 0; i < device->flash.write_size; i++)
        nor_set_unstable(device, offset + i, 0);
    if (spoilt)
        nor_set_unit(device, unit, UNIT_UNREADABLE);
    else if (pattern == 3) /* the others are as they were */
        memcpy(device->data + offset, old, device->flash.write_size);
}

void nor_garble_sector(struct nor_device *device, struct flash_sector sector, uint32_t noise)
{
    const enum nor_cut cut = device->power->cut;
    const uint32_t size = device->flash.write_size;
    const uint32_t units = sector.size / size;
    const uint32_t pattern = (noise >> 3) % 5;
    /* One unit in two lies in the last 256 bytes, where the trailer is. */
    const uint32_t last = units < 256 / size ? units : 256 / size;
    const uint32_t chosen = (noise & 2u) ? units - 1 - (noise >> 8) % last : (noise >> 8) % units;
    const bool is_unstable = (noise & 4u) != 0 || cut >= NOR_CUT_WAVERING;
    uint8_t was[FLASH_WRITE_SIZE_MAX];
    for (uint32_t i = 0; i < sector.size; i++) {
        const uint32_t at = sector.offset + i;
        const bool is_chosen = i / size == chosen;
        const uint8_t old = device->data[at];
        const uint8_t change = old ^ device->flash.erased_value;
        const uint8_t changed = change & erased_bits(pattern, &noise, is_chosen);
        was[i % size] = old;
        device->data[at] = old ^ changed;
        if (is_unstable && pattern < 3)
            nor_set_unstable(device, at, device->unstable[at] | (change & (uint8_t)(noise >> 11)));
        else if (cut >= NOR_CUT_WAVERING && is_chosen)
            nor_set_unstable(device, at, device->unstable[at] | change);
        if (cut != NOR_CUT_UNREADABLE && (changed != change || device->unstable[at] != 0))
            nor_set_unit(device, at / size, unit_after(cut));
        if (cut == NOR_CUT_UNREADABLE && i % size == size - 1)
            spoil_unit(device, was, at + 1 - size, is_chosen, pattern);
    }
}
