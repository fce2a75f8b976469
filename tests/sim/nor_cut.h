/* Inside nor_sim: the bits that a cut leaves behind. */
#ifndef OTTER_TESTS_SIM_NOR_CUT_H
#define OTTER_TESTS_SIM_NOR_CUT_H

#include "tests/sim/nor_sim.h"

/* What happened to a unit since its last erase; from UNIT_IN_FLIGHT on, power was cut amid it. */
enum {
    UNIT_FREE = 0,
    UNIT_PROGRAMMED,
    UNIT_IN_FLIGHT,
    UNIT_UNREADABLE,
    UNIT_SEALED,
    UNIT_WAVERING,
    UNIT_DRIFTING
};

uint32_t nor_mix(uint32_t value);
/* The next of a generator's numbers. */
uint32_t nor_noise(uint32_t *state);

void nor_set_unit(struct nor_device *device, uint32_t unit, uint8_t what);
void nor_set_units(struct nor_device *device, uint32_t unit, uint32_t count, uint8_t what);
void nor_set_unstable(struct nor_device *device, uint32_t offset, uint8_t mask);
/* Which undecided bits of a byte read differently from what `data` holds, now. */
uint8_t nor_wavering_bits(const struct nor_device *device, uint32_t offset);

/* True for the kinds of cuts that leave a unit caught in the middle. */
bool nor_is_garbling(enum nor_cut cut);
void nor_garble_unit(struct nor_device *device, uint32_t offset, const uint8_t *data,
                     uint32_t noise);
void nor_garble_sector(struct nor_device *device, struct flash_sector sector, uint32_t noise);

#endif
