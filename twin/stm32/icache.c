/* ICACHE: reads of flash pass it, so what an operation changed is stale until it is invalidated. */
#include "twin/stm32/stm32.h"

#define CR  0x00u
#define SR  0x04u
#define FCR 0x0cu

#define EN       1u
#define CACHEINV 2u

#define BUSYF   1u
#define BSYENDF 2u
#define ERRF    4u

#define INVALIDATES (2u * TWIN_US)

static const struct reg icache_regs[] = {
    {"CR", CR, 0x000f0005, 0, 4, 0, 0},
    {"SR", SR, 0, 0, 0, 0, 0},
    {"IER", 0x08, 6, 0, 0, 0, 0},
    {"FCR", FCR, 0, 0, 0, 0, 0},
};

static bool is_busy(const struct stm32_icache *icache)
{
    return twin_now(icache->module.soc->twin) < icache->busy_until;
}

bool stm32_is_cached(const struct stm32 *soc)
{
    return soc->icache.module.device.values[CR / 4] & EN;
}

void stm32_note_cached_write(struct stm32 *soc)
{
    *device_reg(&soc->icache.module.device, SR) |= ERRF;
}

static uint32_t icache_read(struct device *device, uint32_t offset, uint32_t value)
{
    const struct stm32_icache *icache = (struct stm32_icache *)device;
    if (offset != SR)
        return value;
    return is_busy(icache) ? (value & ~BSYENDF) | BUSYF : value;
}

static bool icache_allow(struct device *device, const struct reg *reg, uint32_t value)
{
    const struct stm32_icache *icache = (struct stm32_icache *)device;
    const bool changes = (value ^ *device_reg(device, CR)) & 7u;
    if (reg->offset != CR || !changes || !is_busy(icache))
        return true;
    twin_fault(device->twin, "the program writes ICACHE.CR while SR.BUSYF is 1");
    return false;
}

static void icache_write(struct device *device, uint32_t offset, uint32_t old, uint32_t value)
{
    struct stm32_icache *icache = (struct stm32_icache *)device;
    uint32_t *flags = device_reg(device, SR);
    const uint32_t now = *device_reg(device, CR);
    if (offset == FCR)
        *flags &= ~(value & 6u);
    if (offset == CR && ((old ^ now) & 4u) && old & EN)
        twin_fault(device->twin, "the program changes ICACHE.CR.WAYSEL while EN is 1");
    /* Switching it off empties it, too. */
    if (offset == CR && (value & CACHEINV || (old & ~now & EN))) {
        icache->busy_until = twin_now(device->twin) + INVALIDATES;
        *flags |= BSYENDF;
        stm32_forget_stale(stm32_of(device));
    }
}

static void icache_reset(struct device *device, enum twin_reset reset)
{
    struct stm32_icache *icache = (struct stm32_icache *)device;
    (void)reset;
    icache->busy_until = 0;
}

void stm32_icache_start(struct stm32 *soc)
{
    struct stm32_icache *icache = &soc->icache;
    icache->module.device = (struct device){.name = "ICACHE",
                                            .base = 0x40030400u,
                                            .size = 0x400u,
                                            .regs = icache_regs,
                                            .reg_count = sizeof icache_regs / sizeof *icache_regs,
                                            .read = icache_read,
                                            .write = icache_write,
                                            .allow = icache_allow,
                                            .reset = icache_reset};
    stm32_add(soc, &icache->module);
}
