/* Sensors at I2C as their data sheets' register tables have them: HTS221, LPS22HH, ISM330DHCX and
 * IIS2MDC. They measure what the test says, at the rate and range that the program has chosen, and
 * nothing while they are off. A register that has no name may be neither written nor, but for the
 * ISM330DHCX's 1Fh in the middle of a row, read. FIFOs, interrupts, one-shot measurements, filters
 * and self-tests are not modelled. */
#ifndef OTTER_TWIN_PARTS_MEMS_H
#define OTTER_TWIN_PARTS_MEMS_H

#include "twin/parts/i2c_slave.h"
#include "twin/twin.h"

/* What there is to be measured, in thousandths; the temperature of all of them. */
struct mems_world {
    int32_t temperature_mc, humidity_mpct, pressure_umbar;
    int32_t acceleration_mg[3], rotation_mdps[3], magnetic_mgauss[3];
};

enum mems_kind { MEMS_HTS221, MEMS_LPS22HH, MEMS_ISM330DHCX, MEMS_IIS2MDC, MEMS_KINDS };

struct mems {
    struct i2c_slave slave;
    struct twin *twin;
    const struct mems_part *part;
    const struct mems_world *world;
    uint8_t regs[128];
    uint8_t at;    /* register of the next byte */
    bool numbered; /* this transfer has said which */
    bool counts_on;
    bool on;
    bool stuck; /* it measures nothing any more; for tests */
    twin_ns next;
};

/* As after power-on. `world` must outlive it. */
void mems_start(struct mems *mems, enum mems_kind kind, struct twin *twin,
                const struct mems_world *world);

#endif
