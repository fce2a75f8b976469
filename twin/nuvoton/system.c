/* SYS and CLK: the lock on registers, reset flags and module resets, clock sources and gates, pin
 * functions. */
#include <string.h>

#include "twin/nuvoton/nuvoton.h"

/* ---- SYS ---- */

#define RSTSTS  0x004u
#define IPRST0  0x008u
#define IPRST1  0x00cu
#define REGLCTL 0x100u
#define PLCTL   0x1f8u
#define PLSTS   0x1fcu

#define RESET_POWER    0x01u
#define RESET_PIN      0x02u
#define RESET_WATCHDOG 0x04u
#define RESET_SYSTEM   0x20u
#define RESET_CORE     0x80u

#define CHIPRST 0x1u
#define CPURST  0x2u

static const struct reg sys_regs[] = {
    {"PDID", 0x000, 0, 0, 0x00046701, 0, 0},
    {"RSTSTS", RSTSTS, 0, 0x1ff, 0, 0, 0},
    {"IPRST0", IPRST0, 0x270e3, 0, 0, 0, TRAIT_PROTECTED},
    {"IPRST1", IPRST1, 0xffffffff, 0, 0, 0, TRAIT_PROTECTED},
    {"BODCTL", 0x018, 0x77089, 0, 0, 0, TRAIT_PROTECTED},
    {"IVSCTL", 0x01c, 0x3, 0, 0, 0, 0},
    {"IPRST3", 0x020, 0x30000, 0, 0, 0, TRAIT_PROTECTED},
    {"GPx_MFP4", 0x030, 0xffffffff, 0, 0, 16, 0},
    {"GPx_MFOS", 0x080, 0xffff, 0, 0, 10, 0},
    {"REGLCTL", REGLCTL, 0, 0, 0, 0, 0},
    {"PLCTL", PLCTL, 0xff3f0003, 0, 1, 0, TRAIT_PROTECTED | REG_KEPT},
    {"PLSTS", PLSTS, 0, 0, 0, 0, 0},
    {"GPx_MFP", 0x500, 0x1f1f1f1f, 0, 0, 40, 0},
};

static struct nuvoton *soc_of_sys(struct device *device)
{
    return (struct nuvoton *)((char *)device - offsetof(struct nuvoton, sys));
}

bool unlocked_or_fault(struct nuvoton *soc, const struct device *device, const struct reg *reg)
{
    if (!(reg->traits & TRAIT_PROTECTED) || soc->unlocked)
        return true;
    twin_fault(soc->twin, "the program writes %s.%s, which is protected: SYS.REGLCTL is locked",
               device->name, reg->name);
    return false;
}

static bool sys_allow(struct device *device, const struct reg *reg, uint32_t value)
{
    (void)value;
    return unlocked_or_fault(soc_of_sys(device), device, reg);
}

static void unlock_step(struct nuvoton *soc, uint32_t value)
{
    static const uint8_t steps[] = {0x59, 0x16, 0x88};
    if (soc->unlock_step < sizeof steps && (value & 0xffu) == steps[soc->unlock_step]) {
        soc->unlock_step++;
        soc->unlocked = soc->unlock_step == sizeof steps;
    } else {
        soc->unlock_step = (value & 0xffu) == steps[0];
        soc->unlocked = false;
    }
    if (soc->unlocked)
        soc->unlock_step = 0;
}

static void reset_modules(struct nuvoton *soc, uint32_t bits)
{
    if (bits & 1u << 2)
        device_reset(&soc->timer, TWIN_RESET_POWER);
    if (bits & 1u << 31)
        device_reset(&soc->trng, TWIN_RESET_POWER);
    for (unsigned i = 0; i < soc->part->uarts; i++)
        if (bits & 1u << (16 + i))
            device_reset(&soc->uarts[i].device, TWIN_RESET_POWER);
}

static uint32_t sys_read(struct device *device, uint32_t offset, uint32_t value)
{
    struct nuvoton *soc = soc_of_sys(device);
    if (offset == REGLCTL)
        return soc->unlocked;
    if (offset == RSTSTS)
        return soc->reset_flags;
    if (offset == PLSTS)
        return (*device_reg(device, PLCTL) & 3u) << 8;
    return value;
}

static void sys_write(struct device *device, uint32_t offset, uint32_t old, uint32_t value)
{
    struct nuvoton *soc = soc_of_sys(device);
    if (offset == REGLCTL)
        unlock_step(soc, value);
    else if (offset == RSTSTS)
        soc->reset_flags &= ~value;
    else if (offset == IPRST0 && value & CHIPRST)
        twin_request_reset(soc->twin, TWIN_RESET_PIN);
    else if (offset == IPRST0 && value & CPURST)
        twin_request_reset(soc->twin, TWIN_RESET_CORE);
    else if (offset == IPRST1)
        reset_modules(soc, value & ~old);
    else if (offset == PLCTL)
        check_speed(soc);
}

static void sys_reset(struct device *device, enum twin_reset reset)
{
    static const uint32_t flags[] = {[TWIN_RESET_POWER] = RESET_POWER | RESET_PIN,
                                     [TWIN_RESET_PIN] = RESET_PIN,
                                     [TWIN_RESET_SYSTEM] = RESET_SYSTEM,
                                     [TWIN_RESET_WATCHDOG] = RESET_WATCHDOG,
                                     [TWIN_RESET_CORE] = RESET_CORE};
    struct nuvoton *soc = soc_of_sys(device);
    if (reset == TWIN_RESET_POWER)
        soc->reset_flags = 0;
    soc->reset_flags |= flags[reset];
    soc->unlocked = false;
    soc->unlock_step = 0;
}

unsigned pin_function(const struct nuvoton *soc, unsigned port, unsigned pin)
{
    const uint32_t *values = soc->sys.values;
    if (soc->part->mfp_by_byte)
        return values[(0x500u + 0x10u * port + 4u * (pin / 4u)) / 4u] >> (8u * (pin % 4u)) & 0x1fu;
    return values[(0x30u + 8u * port + 4u * (pin / 8u)) / 4u] >> (4u * (pin % 8u)) & 0xfu;
}

/* ---- CLK ---- */

#define PWRCTL  0x000u
#define CLKSEL0 0x010u
#define CLKDIV0 0x020u
#define PCLKDIV 0x034u
#define PLLCTL  0x040u
#define STATUS  0x050u

#define HXT_HZ  12000000u
#define HIRC_HZ 12000000u
#define LXT_HZ  32768u

#define PLL_PD      0x10000u
#define PLL_BP      0x20000u
#define PLL_OE      0x40000u
#define PLL_SRC     0x80000u
#define PWRCTL_HXT  0x1u
#define PWRCTL_LXT  0x2u
#define PWRCTL_HIRC 0x4u
#define PWRCTL_LIRC 0x8u

static const struct reg clk_regs[] = {
    {"PWRCTL", PWRCTL, 0x80071c9f, 0x40, 0x14, 0, TRAIT_PROTECTED | REG_KEPT},
    {"AHBCLK0", 0x004, 0xff0af0f4, 0, 0x8004, 0, TRAIT_PROTECTED},
    {"APBCLK0", 0x008, 0x10ff103f, 0, 1, 0, TRAIT_PROTECTED},
    {"APBCLK1", 0x00c, 0x02000000, 0, 0, 0, TRAIT_PROTECTED},
    {"CLKSEL0", CLKSEL0, 0x00f00c3f, 0, 0x00f0003f, 0, TRAIT_PROTECTED | REG_KEPT},
    {"CLKSEL1", 0x014, 0xffffff73, 0, 0xcff77703, 0, TRAIT_PROTECTED},
    {"CLKSEL2", 0x018, 0x08f0000c, 0, 0, 0, TRAIT_PROTECTED},
    {"CLKSEL3", 0x01c, 0xfff00000, 0, 0xff000000, 0, TRAIT_PROTECTED},
    {"CLKDIV0", CLKDIV0, 0xffffff0f, 0, 0, 0, TRAIT_PROTECTED | REG_KEPT},
    {"CLKDIV3", 0x02c, 0xff000000, 0, 0, 0, TRAIT_PROTECTED},
    {"CLKDIV4", 0x030, 0x00ffffff, 0, 0, 0, TRAIT_PROTECTED},
    {"PCLKDIV", PCLKDIV, 0x77, 0, 0, 0, TRAIT_PROTECTED},
    {"PLLCTL", PLLCTL, 0x008fffff, 0, 0x0005c02e, 0, TRAIT_PROTECTED | REG_KEPT},
    {"STATUS", STATUS, 0, 0x80, 0, 0, 0},
    {"AHBCLK1", 0x058, 0x03000000, 0, 0, 0, TRAIT_PROTECTED},
};

static struct nuvoton *soc_of_clk(struct device *device)
{
    return (struct nuvoton *)((char *)device - offsetof(struct nuvoton, clk));
}

static bool clk_allow(struct device *device, const struct reg *reg, uint32_t value)
{
    struct nuvoton *soc = soc_of_clk(device);
    if (!unlocked_or_fault(soc, device, reg))
        return false;
    const uint32_t source = *device_reg(device, CLKSEL0) & 7u;
    if (reg->offset == PLLCTL && source == 2) {
        twin_fault(soc->twin,
                   "the program changes CLK.PLLCTL (to 0x%08x) while the core runs on it", value);
        return false;
    }
    return true;
}

static bool is_stable(const struct nuvoton *soc, enum nuvoton_clock clock)
{
    return soc->stable_at[clock] != 0 && twin_now(soc->twin) + 1u >= soc->stable_at[clock];
}

static uint32_t pll_hz(struct nuvoton *soc)
{
    const uint32_t pll = *device_reg(&soc->clk, PLLCTL);
    const uint32_t in = pll & PLL_SRC ? clock_hz(soc, CLOCK_HIRC) : clock_hz(soc, CLOCK_HXT);
    static const uint8_t out[] = {1, 2, 2, 4};
    if (!is_stable(soc, CLOCK_PLL) || in == 0)
        return 0;
    const uint32_t reference = in / ((pll >> 9 & 0x1fu) + 1u);
    const uint64_t vco = (uint64_t)reference * 2u * ((pll & 0x1ffu) + 2u);
    if (reference < 4000000u || reference > 8000000u || vco < 200000000u ||
        vco > soc->part->pll_hz_max) {
        twin_fault(soc->twin,
                   "CLK.PLLCTL 0x%08x: reference %u Hz or inner clock %llu Hz is out of range", pll,
                   reference, (unsigned long long)vco);
        return 0;
    }
    return (uint32_t)(vco / out[pll >> 14 & 3u]);
}

uint32_t clock_hz(struct nuvoton *soc, enum nuvoton_clock clock)
{
    static const uint32_t fixed[] = {
        [CLOCK_HXT] = HXT_HZ, [CLOCK_LXT] = LXT_HZ, [CLOCK_HIRC] = HIRC_HZ};
    switch (clock) {
    case CLOCK_PLL:
        return pll_hz(soc);
    case CLOCK_HCLK:
        return twin_hz(soc->twin);
    case CLOCK_PCLK:
        return twin_hz(soc->twin) >> (*device_reg(&soc->clk, PCLKDIV) & 7u);
    case CLOCK_LIRC:
        return is_stable(soc, clock) ? soc->part->lirc_hz : 0;
    default:
        return is_stable(soc, clock) ? fixed[clock] : 0;
    }
}

bool clock_gate(const struct nuvoton *soc, struct nuvoton_bit gate)
{
    return soc->clk.values[gate.offset / 4u] >> gate.bit & 1u;
}

/* Flash and regulator must be ready for a clock before it comes. */
void check_speed(struct nuvoton *soc)
{
    const uint32_t hz = twin_hz(soc->twin), cycle = *device_reg(&soc->fmc, 0x4c) & 0xfu;
    uint32_t needed = hz / soc->part->step_hz + 1u;
    if (needed > soc->part->cycle_max)
        needed = soc->part->cycle_max;
    if (hz > soc->part->hz_max)
        twin_fault(soc->twin, "the core's clock is %u Hz; the part runs at %u at most", hz,
                   soc->part->hz_max);
    else if (cycle < needed)
        twin_fault(soc->twin, "FMC.CYCCTL is %u; flash needs %u at %u Hz", cycle, needed, hz);
    else if (hz > soc->part->level1_hz && (*device_reg(&soc->sys, PLCTL) & 3u) != 0)
        twin_fault(soc->twin, "SYS.PLCTL is not at level 0, which %u Hz needs", hz);
}

static void switch_core(struct nuvoton *soc)
{
    static const int8_t sources[] = {CLOCK_HXT, CLOCK_LXT, CLOCK_PLL, CLOCK_LIRC,
                                     -1,        -1,        -1,        CLOCK_HIRC};
    const uint32_t select = *device_reg(&soc->clk, CLKSEL0) & 7u;
    const uint32_t hz = sources[select] < 0 ? 0 : clock_hz(soc, sources[select]);
    if (hz == 0) {
        twin_fault(soc->twin, "CLK.CLKSEL0 puts the core on source %u, which does not run", select);
        return;
    }
    twin_set_hz(soc->twin, hz / ((*device_reg(&soc->clk, CLKDIV0) & 0xfu) + 1u));
    check_speed(soc);
}

static void start_source(struct nuvoton *soc, enum nuvoton_clock clock, bool on, twin_ns takes)
{
    if (!on)
        soc->stable_at[clock] = 0;
    else if (soc->stable_at[clock] == 0)
        soc->stable_at[clock] = twin_now(soc->twin) + takes;
}

static void power_sources(struct nuvoton *soc)
{
    const uint32_t power = *device_reg(&soc->clk, PWRCTL);
    start_source(soc, CLOCK_HXT, power & PWRCTL_HXT, 2 * TWIN_MS);
    start_source(soc, CLOCK_LXT, power & PWRCTL_LXT, 500 * TWIN_MS);
    start_source(soc, CLOCK_HIRC, power & PWRCTL_HIRC, 10 * TWIN_US);
    start_source(soc, CLOCK_LIRC, power & PWRCTL_LIRC, 200 * TWIN_US);
}

static uint32_t clk_read(struct device *device, uint32_t offset, uint32_t value)
{
    struct nuvoton *soc = soc_of_clk(device);
    if (offset != STATUS)
        return value;
    return (uint32_t)is_stable(soc, CLOCK_HXT) | (uint32_t)is_stable(soc, CLOCK_LXT) << 1 |
           (uint32_t)is_stable(soc, CLOCK_PLL) << 2 | (uint32_t)is_stable(soc, CLOCK_LIRC) << 3 |
           (uint32_t)is_stable(soc, CLOCK_HIRC) << 4;
}

static void clk_write(struct device *device, uint32_t offset, uint32_t old, uint32_t value)
{
    struct nuvoton *soc = soc_of_clk(device);
    (void)value;
    if (offset == PWRCTL) {
        power_sources(soc);
    } else if (offset == PLLCTL) {
        const uint32_t pll = *device_reg(device, PLLCTL);
        soc->stable_at[CLOCK_PLL] = 0;
        start_source(soc, CLOCK_PLL, !(pll & (PLL_PD | PLL_BP | PLL_OE)), 100 * TWIN_US);
    } else if (offset == CLKSEL0 || offset == CLKDIV0) {
        if ((old ^ *device_reg(device, offset)) & 0xfu)
            switch_core(soc);
    }
}

/* A watchdog or system reset leaves the PLL and the core's switch to it as they were (REG_KEPT):
 * drivers must return to HIRC before they change the PLL. */
static void clk_reset(struct device *device, enum twin_reset reset)
{
    struct nuvoton *soc = soc_of_clk(device);
    if (reset == TWIN_RESET_POWER || reset == TWIN_RESET_PIN) {
        memset(soc->stable_at, 0, sizeof soc->stable_at);
        soc->stable_at[CLOCK_HIRC] = 1;
        twin_set_hz(soc->twin, HIRC_HZ);
    }
    power_sources(soc);
}

void system_start(struct nuvoton *soc)
{
    soc->sys = (struct device){.name = "SYS",
                               .base = 0x40000000u,
                               .size = 0x1000u,
                               .regs = sys_regs,
                               .reg_count = sizeof sys_regs / sizeof *sys_regs,
                               .read = sys_read,
                               .write = sys_write,
                               .allow = sys_allow,
                               .reset = sys_reset};
    soc->clk = (struct device){.name = "CLK",
                               .base = 0x40000200u,
                               .size = 0x100u,
                               .regs = clk_regs,
                               .reg_count = sizeof clk_regs / sizeof *clk_regs,
                               .read = clk_read,
                               .write = clk_write,
                               .allow = clk_allow,
                               .reset = clk_reset};
    twin_add_device(soc->twin, &soc->clk); /* lies within SYS's range: found first */
    twin_add_device(soc->twin, &soc->sys);
}
