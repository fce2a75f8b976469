/* The MPU of Armv8-M: registers that hold what is written, and which addresses no cache may keep.
 * It forbids no access. Section D1.2 of the Architecture Reference Manual. */
#include <string.h>

#include "twin/private.h"

#define TYPE  0x00u
#define CTRL  0x04u
#define RNR   0x08u
#define RBAR  0x0cu
#define RLAR  0x10u
#define ALIAS 0x14u
#define MAIR0 0x30u

#define REGIONS 8u

static const struct reg mpu_regs[] = {
    {"MPU_TYPE", TYPE, 0, 0, REGIONS << 8, 0, 0},
    {"MPU_CTRL", CTRL, 7, 0, 0, 0, 0},
    {"MPU_RNR", RNR, 0xff, 0, 0, 0, 0},
    {"MPU_RBAR", RBAR, 0, 0, 0, 0, 0},
    {"MPU_RLAR", RLAR, 0, 0, 0, 0, 0},
    {"MPU_RBAR_RLAR_A", ALIAS, 0, 0, 0, 6, 0},
    {"MPU_MAIR", MAIR0, 0xffffffff, 0, 0, 2, 0},
};

static unsigned world_of(const struct device *mpu)
{
    return mpu == &mpu->twin->mpu_nonsecure;
}

/* Where a base or limit register holds its value. */
static uint32_t *held(const struct device *mpu, uint32_t offset)
{
    uint32_t region = mpu->values[RNR / 4];
    if (offset >= ALIAS)
        region = (region & ~3u) | ((offset - RBAR) / 8u);
    return &mpu->twin->mpu_regions[world_of(mpu)][region % REGIONS][(offset - RBAR) / 4u % 2u];
}

static bool is_region(uint32_t offset)
{
    return offset >= RBAR && offset < MAIR0;
}

static uint32_t mpu_read(struct device *device, uint32_t offset, uint32_t value)
{
    return is_region(offset) ? *held(device, offset) : value;
}

static void mpu_write(struct device *device, uint32_t offset, uint32_t old, uint32_t value)
{
    (void)old;
    if (is_region(offset))
        *held(device, offset) = value;
    if (offset == RNR && value >= REGIONS)
        twin_fault(device->twin, "MPU_RNR is written %u; there are %u regions", value, REGIONS);
}

static void mpu_reset(struct device *device, enum twin_reset reset)
{
    (void)reset;
    memset(device->twin->mpu_regions[world_of(device)], 0, sizeof device->twin->mpu_regions[0]);
}

bool twin_is_uncached(const struct twin *twin, uint32_t address)
{
    const uint32_t *values = twin->nonsecure ? twin->mpu_nonsecure.values : twin->mpu.values;
    const uint32_t(*regions)[2] = twin->mpu_regions[twin->nonsecure];
    for (unsigned i = 0; values && values[CTRL / 4] & 1u && i < REGIONS; i++) {
        const uint32_t rbar = regions[i][0], rlar = regions[i][1];
        if (!(rlar & 1u) || address < (rbar & ~0x1fu) || address > (rlar | 0x1fu))
            continue;
        const unsigned index = rlar >> 1 & 7u;
        const uint32_t attributes = values[MAIR0 / 4 + index / 4] >> (8u * (index & 3u)) & 0xffu;
        return attributes >> 4 == 0 || attributes >> 4 == 4; /* device, or normal non-cacheable */
    }
    return false;
}

static const struct device mpu = {.name = "MPU",
                                  .base = 0xe000ed90u,
                                  .size = 0x40u,
                                  .regs = mpu_regs,
                                  .reg_count = sizeof mpu_regs / sizeof *mpu_regs,
                                  .read = mpu_read,
                                  .write = mpu_write,
                                  .reset = mpu_reset};

/* Found before the system control space, which it lies in. */
void mpu_start(struct twin *twin)
{
    twin->mpu = mpu;
    twin_add_device(twin, &twin->mpu);
}

void mpu_add_nonsecure(struct twin *twin)
{
    twin->mpu_nonsecure = mpu;
    twin->mpu_nonsecure.name = "MPU_NS";
    twin->mpu_nonsecure.base += 0x20000u;
    twin_add_device(twin, &twin->mpu_nonsecure);
}
