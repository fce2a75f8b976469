/* SYS and CLK: the lock on registers, reset flags and module resets, clock sources and gates, pin
 * functions. */
#include <string.h>

#include "twin/nuvoton/nuvoton.h"

/* ---- SYS ---- */

#define RSTSTS  0x004u
#define IPRST0  0x008u
#define IPRST3  0x020u
#define HCLKRST 0x014u /* M467: bit 7 */
#define REGLCTL 0x100u
#define PSWCTL  0x1f4u
#define PLCTL   0x1f8u
#define PLSTS   0x1fcu

#define RESET_POWER    0x01u
#define RESET_PIN      0x02u
#define RESET_WATCHDOG 0x04u
#define RESET_SYSTEM   0x20u
#define RESET_CORE     0x80u

#define PLCTL_WRBUSY 0x80u /* M2354 */

#define CHIPRST 0x1u
#define CPURST  0x2u

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

/* SCU.SINFAEN lets the other world read, no more. */
static bool secure_or_fault(const struct device *device, const struct reg *reg)
{
    if (!twin_access_is_nonsecure(device->twin))
        return true;
    twin_fault(device->twin, "the non-secure world writes %s.%s", device->name, reg->name);
    return false;
}

static bool level_is_changing(const struct nuvoton *soc)
{
    return twin_now(soc->twin) < soc->level_at;
}

static bool sys_allow(struct device *device, const struct reg *reg, uint32_t value)
{
    struct nuvoton *soc = soc_of_sys(device);
    (void)value;
    if (!secure_or_fault(device, reg))
        return false;
    if (reg->offset == PLCTL && level_is_changing(soc)) {
        twin_fault(soc->twin, "the program writes SYS.PLCTL before PLSTS.PLCBUSY is 0 again");
        return false;
    }
    return unlocked_or_fault(soc, device, reg);
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

/* A module stays in reset until its bit is cleared again. */
static void reset_modules(struct nuvoton *soc, uint32_t offset, uint32_t bits)
{
    for (unsigned i = 0; i < soc->module_count; i++) {
        const struct nuvoton_module *module = &soc->modules[i];
        if (module->reset.offset == offset && bits >> module->reset.bit & 1u)
            device_reset(module->device, TWIN_RESET_POWER);
    }
}

void module_add(struct nuvoton *soc, struct device *device, struct nuvoton_bit reset)
{
    twin_add_device(soc->twin, device);
    if (soc->module_count < NUVOTON_MODULES)
        soc->modules[soc->module_count++] = (struct nuvoton_module){device, reset};
    else
        twin_fault(soc->twin, "%s has more than %u modules", soc->part->name, NUVOTON_MODULES);
}

const char *module_deaf(const struct nuvoton *soc, const struct device *device,
                        struct nuvoton_bit gate)
{
    if (gate.offset && !clock_gate(soc, gate))
        return "while its clock is off";
    for (unsigned i = 0; i < soc->module_count; i++) {
        const struct nuvoton_bit reset = soc->modules[i].reset;
        if (soc->modules[i].device == device && reset.offset &&
            soc->sys.values[reset.offset / 4u] >> reset.bit & 1u)
            return "while its reset bit is set";
    }
    return NULL;
}

/* The core and the FMC alone. */
static void reset_core(struct nuvoton *soc)
{
    *device_reg(&soc->sys, IPRST0) &= ~CPURST;
    soc->reset_flags |= RESET_CORE;
    device_reset(&soc->fmc, TWIN_RESET_CORE);
    twin_request_reset(soc->twin, TWIN_RESET_CORE);
}

static uint32_t sys_read(struct device *device, uint32_t offset, uint32_t value)
{
    struct nuvoton *soc = soc_of_sys(device);
    if (offset == REGLCTL)
        return soc->unlocked;
    if (offset == RSTSTS)
        return soc->reset_flags;
    if (offset == PLSTS)
        return (value & ~1u) | (uint32_t)level_is_changing(soc) |
               (*device_reg(device, PLCTL) & 3u) << 8;
    if (offset == PLCTL && soc->part->cycle_tuned && level_is_changing(soc))
        return value | PLCTL_WRBUSY;
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
        reset_core(soc);
    else if (offset >= IPRST0 && offset <= IPRST3)
        reset_modules(soc, offset, value & ~old);
    else if (offset == PLCTL && (*device_reg(device, PLCTL) ^ old) & 3u)
        soc->level_at = twin_now(soc->twin) + 20u * TWIN_US;
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
#define LDOCTL  0x098u
#define BIAS    0x40000u

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

static struct nuvoton *soc_of_clk(struct device *device)
{
    return (struct nuvoton *)((char *)device - offsetof(struct nuvoton, clk));
}

static bool clk_allow(struct device *device, const struct reg *reg, uint32_t value)
{
    struct nuvoton *soc = soc_of_clk(device);
    if (!secure_or_fault(device, reg) || !unlocked_or_fault(soc, device, reg))
        return false;
    const uint32_t source = *device_reg(device, CLKSEL0) & 7u;
    if (reg->offset == PLLCTL && source == 2) {
        twin_fault(soc->twin,
                   "the program changes CLK.PLLCTL (to 0x%08x) while the core runs on it", value);
        return false;
    }
    return true;
}

uint32_t clock_field(const struct nuvoton *soc, struct nuvoton_field field)
{
    return soc->clk.values[field.offset / 4u] >> field.bit & ((1u << field.width) - 1u);
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
    if (reference < soc->part->pll_in_min || reference > 8000000u || vco < soc->part->pll_min ||
        vco > soc->part->pll_max) {
        twin_fault(soc->twin,
                   "CLK.PLLCTL 0x%08x: reference %u Hz or inner clock %llu Hz is out of range", pll,
                   reference, (unsigned long long)vco);
        return 0;
    }
    return (uint32_t)(vco / out[pll >> 14 & 3u]);
}

uint32_t clock_hz(struct nuvoton *soc, enum nuvoton_clock clock)
{
    static const uint32_t fixed[] = {[CLOCK_HXT] = HXT_HZ,
                                     [CLOCK_LXT] = LXT_HZ,
                                     [CLOCK_HIRC] = HIRC_HZ,
                                     [CLOCK_LIRC32] = 32000u};
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

static void check_wait_states(struct nuvoton *soc, uint32_t hz)
{
    const uint32_t control = *device_reg(&soc->fmc, 0x4c), cycle = control & 0xfu;
    uint32_t needed = hz / soc->part->step_hz + 1u;
    if (needed > soc->part->cycle_max)
        needed = soc->part->cycle_max;
    const bool tuned = soc->part->cycle_tuned && !(control & 0x100u);
    if (cycle < needed && !tuned)
        twin_fault(soc->twin, "FMC.CYCCTL is %u; flash needs %u at %u Hz", cycle, needed, hz);
}

static void check_power(struct nuvoton *soc, uint32_t hz)
{
    const unsigned level = *device_reg(&soc->sys, PLCTL) & 3u;
    const uint32_t *fastest = soc->part->level_hz;
    if (hz > fastest[level])
        twin_fault(soc->twin, "SYS.PLCTL is at level %u, which %u Hz is too fast for", level, hz);
    else if (level_is_changing(soc) && hz > fastest[level == 0])
        twin_fault(soc->twin, "the core goes to %u Hz before SYS.PLSTS.PLCBUSY is 0", hz);
    else if (soc->part->needs_bias && hz > fastest[1] && !(*device_reg(&soc->clk, LDOCTL) & BIAS))
        twin_fault(soc->twin, "CLK.LDOCTL.PDBIASEN is off, which %u Hz needs", hz);
}

/* Flash and regulator must be ready for a clock before it comes. */
void check_speed(struct nuvoton *soc)
{
    const uint32_t hz = twin_hz(soc->twin);
    if (hz > soc->part->hz_max)
        twin_fault(soc->twin, "the core's clock is %u Hz; the part runs at %u at most", hz,
                   soc->part->hz_max);
    check_wait_states(soc, hz);
    check_power(soc, hz);
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
           (uint32_t)is_stable(soc, CLOCK_HIRC) << 4 | (uint32_t)is_stable(soc, CLOCK_LIRC32) << 9;
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
 * drivers must return to HIRC before they change the PLL, unless (M467) they asked that the switch
 * is reset too. */
static void clk_reset(struct device *device, enum twin_reset reset)
{
    struct nuvoton *soc = soc_of_clk(device);
    if (reset == TWIN_RESET_POWER || reset == TWIN_RESET_PIN) {
        memset(soc->stable_at, 0, sizeof soc->stable_at);
        soc->stable_at[CLOCK_HIRC] = 1;
        twin_set_hz(soc->twin, HIRC_HZ);
        soc->level_at = 0;
    } else if (*device_reg(&soc->sys, HCLKRST) & 0x80u) {
        *device_reg(device, CLKSEL0) |= 7u;
        twin_set_hz(soc->twin, HIRC_HZ);
    }
    power_sources(soc);
}

/* ---- RTC: the registers that clocks and pins of others hang on ---- */

#define RTC_LXTCTL 0x100u

static struct nuvoton *soc_of_rtc(struct device *device)
{
    return (struct nuvoton *)((char *)device - offsetof(struct nuvoton, rtc));
}

static void rtc_write(struct device *device, uint32_t offset, uint32_t old, uint32_t value)
{
    struct nuvoton *soc = soc_of_rtc(device);
    (void)old;
    if (offset == RTC_LXTCTL && soc->part->trng == TRNG_LIRC32)
        start_source(soc, CLOCK_LIRC32, value & 1u, 200 * TWIN_US);
}

static const char *rtc_deaf(struct device *device)
{
    const struct nuvoton_bit gate = {0x008, 1};
    return module_deaf(soc_of_rtc(device), device, gate);
}

void rtc_start(struct nuvoton *soc)
{
    soc->rtc = (struct device){.name = "RTC",
                               .base = 0x40041000u,
                               .size = 0x1000u,
                               .regs = soc->part->rtc_regs,
                               .reg_count = soc->part->rtc_reg_count,
                               .write = rtc_write,
                               .deaf = rtc_deaf};
    twin_add_device(soc->twin, &soc->rtc);
}

void system_start(struct nuvoton *soc)
{
    soc->sys = (struct device){.name = "SYS",
                               .base = 0x40000000u,
                               .size = 0x1000u,
                               .regs = soc->part->sys_regs,
                               .reg_count = soc->part->sys_reg_count,
                               .read = sys_read,
                               .write = sys_write,
                               .allow = sys_allow,
                               .reset = sys_reset};
    soc->clk = (struct device){.name = "CLK",
                               .base = 0x40000200u,
                               .size = 0x100u,
                               .regs = soc->part->clk_regs,
                               .reg_count = soc->part->clk_reg_count,
                               .read = clk_read,
                               .write = clk_write,
                               .allow = clk_allow,
                               .reset = clk_reset};
    twin_add_device(soc->twin, &soc->clk); /* lies within SYS's range: found first */
    twin_add_device(soc->twin, &soc->sys);
}
