/* RCC: clock sources and the PLL, the core's clock, gates and resets of modules, why the last reset
 * came. */
#include <string.h>

#include "twin/stm32/stm32.h"

#define CR       0x000u
#define ICSCR1   0x008u
#define CFGR1    0x01cu
#define CFGR2    0x020u
#define CFGR3    0x024u
#define PLL1CFGR 0x028u
#define PLL1DIVR 0x034u
#define RSTR     0x060u /* the first and the last of the resets */
#define RSTR_END 0x084u
#define BDCR     0x0f0u
#define CSR      0x0f4u /* RSR of the H5 */
#define SECCFGR  0x110u

#define HSEBYP   (1u << 18)
#define PLL1ON   (1u << 24)
#define MSIRGSEL (1u << 23)
#define LSION    (1u << 26)
#define LSEON    1u

#define RMVF     (1u << 23)
#define OBLRSTF  (1u << 25)
#define PINRSTF  (1u << 26)
#define BORRSTF  (1u << 27)
#define SFTRSTF  (1u << 28)
#define IWDGRSTF (1u << 29)

/* Where CR has a source, and how long it takes to start. */
static const struct source {
    enum stm32_clock clock;
    uint8_t on, ready;
    twin_ns takes;
} u5_sources[] = {{STM32_MSIS, 0, 2, 2 * TWIN_US},  {STM32_MSIK, 4, 5, 2 * TWIN_US},
                  {STM32_HSI, 8, 10, 4 * TWIN_US},  {STM32_HSI48, 12, 13, 4 * TWIN_US},
                  {STM32_HSE, 16, 17, 2 * TWIN_MS}, {STM32_PLL1, 24, 25, 50 * TWIN_US}},
  h5_sources[] = {{STM32_HSI, 0, 1, 4 * TWIN_US},
                  {STM32_HSI48, 12, 13, 4 * TWIN_US},
                  {STM32_HSE, 16, 17, 2 * TWIN_MS},
                  {STM32_PLL1, 24, 25, 50 * TWIN_US}};

struct sources {
    const struct source *list;
    unsigned count;
};

static bool is_u5(const struct stm32 *soc)
{
    return soc->part->family == STM32_U5;
}

static struct sources sources_of(const struct stm32 *soc)
{
    if (is_u5(soc))
        return (struct sources){u5_sources, sizeof u5_sources / sizeof *u5_sources};
    return (struct sources){h5_sources, sizeof h5_sources / sizeof *h5_sources};
}

uint32_t stm32_rcc(const struct stm32 *soc, uint32_t offset)
{
    return soc->rcc.device.values[offset / 4u];
}

/* ---- frequencies ---- */

static bool is_stable(const struct stm32 *soc, enum stm32_clock clock)
{
    return soc->stable_at[clock] != 0 && twin_now(soc->twin) + 1u >= soc->stable_at[clock];
}

static uint32_t msi_hz(const struct stm32 *soc)
{
    static const uint32_t ranges[] = {48000000, 24000000, 16000000, 12000000, 4000000, 2000000,
                                      1330000,  1000000,  3072000,  1536000,  1024000, 768000,
                                      400000,   200000,   133000,   100000};
    const uint32_t control = stm32_rcc(soc, ICSCR1);
    return ranges[control & MSIRGSEL ? control >> 28 : stm32_rcc(soc, CSR) >> 12 & 0xfu];
}

static uint32_t hsi_hz(const struct stm32 *soc)
{
    return is_u5(soc) ? 16000000u : 64000000u >> (stm32_rcc(soc, CR) >> 3 & 3u);
}

/* What goes into the PLL, before its divider. */
static uint32_t pll_source_hz(struct stm32 *soc)
{
    static const int8_t u5[] = {-1, STM32_MSIS, STM32_HSI, STM32_HSE};
    static const int8_t h5[] = {-1, STM32_HSI, -1, STM32_HSE};
    const int8_t clock = (is_u5(soc) ? u5 : h5)[stm32_rcc(soc, PLL1CFGR) & 3u];
    return clock < 0 ? 0 : stm32_clock_hz(soc, (enum stm32_clock)clock);
}

static uint32_t pll_reference_hz(struct stm32 *soc)
{
    const uint32_t config = stm32_rcc(soc, PLL1CFGR);
    const uint32_t divider = is_u5(soc) ? (config >> 8 & 0xfu) + 1u : config >> 8 & 0x3fu;
    return divider ? pll_source_hz(soc) / divider : 0;
}

static uint64_t vco_hz(struct stm32 *soc)
{
    return (uint64_t)pll_reference_hz(soc) * ((stm32_rcc(soc, PLL1DIVR) & 0x1ffu) + 1u);
}

static uint32_t pll_hz(struct stm32 *soc, unsigned enable, unsigned divider)
{
    if (!is_stable(soc, STM32_PLL1) || !(stm32_rcc(soc, PLL1CFGR) >> enable & 1u))
        return 0;
    return (uint32_t)(vco_hz(soc) / ((stm32_rcc(soc, PLL1DIVR) >> divider & 0x7fu) + 1u));
}

static uint32_t sysclk_hz(struct stm32 *soc)
{
    static const int8_t u5[] = {STM32_MSIS, STM32_HSI, STM32_HSE, STM32_PLL1R};
    static const int8_t h5[] = {STM32_HSI, -1, STM32_HSE, STM32_PLL1P};
    const int8_t clock = (is_u5(soc) ? u5 : h5)[stm32_rcc(soc, CFGR1) & 3u];
    return clock < 0 ? 0 : stm32_clock_hz(soc, (enum stm32_clock)clock);
}

static uint32_t bus_hz(struct stm32 *soc, uint32_t field)
{
    const uint32_t hz = stm32_clock_hz(soc, STM32_HCLK);
    return field & 4u ? hz >> ((field & 3u) + 1u) : hz;
}

uint32_t stm32_clock_hz(struct stm32 *soc, enum stm32_clock clock)
{
    static const uint8_t shifts[] = {1, 2, 3, 4, 6, 7, 8, 9};
    const uint32_t prescalers = stm32_rcc(soc, CFGR2);
    switch (clock) {
    case STM32_PLL1P:
        return pll_hz(soc, 16, 9);
    case STM32_PLL1Q:
        return pll_hz(soc, 17, 16);
    case STM32_PLL1R:
        return pll_hz(soc, 18, 24);
    case STM32_SYSCLK:
        return sysclk_hz(soc);
    case STM32_HCLK:
        return sysclk_hz(soc) >> (prescalers & 8u ? shifts[prescalers & 7u] : 0);
    case STM32_PCLK1:
        return bus_hz(soc, prescalers >> 4);
    case STM32_PCLK2:
        return bus_hz(soc, prescalers >> 8);
    case STM32_PCLK3:
        return bus_hz(soc, is_u5(soc) ? stm32_rcc(soc, CFGR3) >> 4 : prescalers >> 12);
    default:
        break;
    }
    if (clock == STM32_LSI && soc->lsi_forced)
        return 32000u;
    if (clock >= STM32_SOURCES || !is_stable(soc, clock))
        return 0;
    switch (clock) {
    case STM32_MSIS:
        return msi_hz(soc);
    case STM32_MSIK:
        return 4000000u;
    case STM32_HSI:
        return hsi_hz(soc);
    case STM32_HSE:
        return soc->hse_hz;
    case STM32_HSI48:
        return 48000000u;
    case STM32_LSI:
        return 32000u;
    case STM32_LSE:
        return 32768u;
    default:
        return 0;
    }
}

/* ---- what a clock needs ---- */

static void check_pll(struct stm32 *soc)
{
    static const uint32_t h5_ranges[][2] = {{1, 2}, {2, 4}, {4, 8}, {8, 16}};
    static const uint32_t u5_ranges[][2] = {{4, 8}, {4, 8}, {4, 8}, {8, 16}};
    const uint32_t config = stm32_rcc(soc, PLL1CFGR), reference = pll_reference_hz(soc);
    const uint32_t *range = (is_u5(soc) ? u5_ranges : h5_ranges)[config >> 2 & 3u];
    const uint64_t vco = vco_hz(soc);
    const bool medium = !is_u5(soc) && config >> 5 & 1u;
    const uint64_t vco_min = medium ? 150000000u : 128000000u;
    const uint64_t vco_max = medium ? 420000000u : is_u5(soc) ? 544000000u : 560000000u;
    if (reference == 0)
        twin_fault(soc->twin, "RCC.CR.PLL1ON is set while PLL1CFGR 0x%08x has no source that runs",
                   config);
    else if (reference < range[0] * 1000000u || reference > range[1] * 1000000u)
        twin_fault(soc->twin, "RCC.PLL1CFGR 0x%08x: PLL1RGE does not fit %u Hz", config, reference);
    else if (vco < vco_min || vco > vco_max)
        twin_fault(soc->twin, "RCC.PLL1DIVR 0x%08x: the VCO would run at %llu Hz",
                   stm32_rcc(soc, PLL1DIVR), (unsigned long long)vco);
}

/* Wait states that a clock needs at a voltage, the slowest voltage first; 0 ends a row. */
static const uint32_t u5_steps[4][6] = {{8000, 16000, 24000, 0},
                                        {12500, 25000, 37500, 50000, 0},
                                        {25000, 50000, 75000, 100000, 0},
                                        {32000, 64000, 96000, 128000, 160000, 0}};
/* The two slower rows are not in the part's tables here: the reference manual, from memory. */
static const uint32_t h5_steps[4][6] = {{20000, 40000, 60000, 80000, 100000, 0},
                                        {30000, 60000, 90000, 120000, 150000, 0},
                                        {32000, 64000, 96000, 128000, 160000, 180000},
                                        {38000, 76000, 114000, 152000, 190000, 250000}};

static void check_wait_states(struct stm32 *soc, uint32_t hz)
{
    const uint32_t *steps = (is_u5(soc) ? u5_steps : h5_steps)[stm32_voltage(soc)];
    const uint32_t control = stm32_latency(soc);
    unsigned needed = 0;
    while (needed < 6 && steps[needed] && hz > 1000u * steps[needed])
        needed++;
    if (needed == 6 || !steps[needed])
        twin_fault(soc->twin, "the core goes to %u Hz at PWR's voltage scale %u (3 is the fastest)",
                   hz, stm32_voltage(soc));
    else if ((control & 0xfu) < needed)
        twin_fault(soc->twin, "FLASH.ACR.LATENCY is %u; %u Hz needs %u at voltage scale %u",
                   control & 0xfu, hz, needed, stm32_voltage(soc));
    const unsigned delay = hz > 168000000u ? 2 : hz > 84000000u;
    if (!is_u5(soc) && (control >> 4 & 3u) < delay)
        twin_fault(soc->twin, "FLASH.ACR.WRHIGHFREQ is %u; %u Hz needs %u", control >> 4 & 3u, hz,
                   delay);
}

void stm32_check_speed(struct stm32 *soc)
{
    const uint32_t hz = twin_hz(soc->twin);
    if (hz > soc->part->hz_max)
        twin_fault(soc->twin, "the core's clock is %u Hz; the part runs at %u at most", hz,
                   soc->part->hz_max);
    check_wait_states(soc, hz);
    if (is_u5(soc) && hz > 55000000u && !stm32_boosted(soc))
        twin_fault(soc->twin,
                   "the core goes to %u Hz before PWR.VOSR.BOOSTRDY, which above 55 MHz "
                   "is needed",
                   hz);
}

static void switch_core(struct stm32 *soc)
{
    const uint32_t hz = stm32_clock_hz(soc, STM32_HCLK);
    if (hz == 0) {
        twin_fault(soc->twin, "RCC.CFGR1.SW is %u: that source does not run",
                   stm32_rcc(soc, CFGR1) & 3u);
        return;
    }
    if (hz == twin_hz(soc->twin))
        return;
    twin_set_hz(soc->twin, hz);
    stm32_check_speed(soc);
}

/* ---- sources ---- */

static void start_source(struct stm32 *soc, enum stm32_clock clock, bool on, twin_ns takes)
{
    if (!on)
        soc->stable_at[clock] = 0;
    else if (soc->stable_at[clock] == 0)
        soc->stable_at[clock] = twin_now(soc->twin) + takes;
}

static void power_sources(struct stm32 *soc)
{
    const struct sources sources = sources_of(soc);
    const uint32_t control = stm32_rcc(soc, CR);
    for (unsigned i = 0; i < sources.count; i++) {
        const struct source *source = &sources.list[i];
        bool on = control >> source->on & 1u;
        if (source->clock == STM32_HSE && (soc->hse_hz == 0 || !(control & HSEBYP)))
            on = false; /* there is no crystal: it never gets ready */
        start_source(soc, source->clock, on, source->takes);
    }
    if (stm32_clock_hz(soc, STM32_SYSCLK) == 0)
        twin_fault(soc->twin, "RCC.CR 0x%08x stops the clock that the core runs on", control);
}

static uint32_t ready_bits(const struct stm32 *soc)
{
    const struct sources sources = sources_of(soc);
    uint32_t bits = is_u5(soc) ? 0 : 1u << 5; /* HSIDIVF */
    for (unsigned i = 0; i < sources.count; i++)
        bits |= (uint32_t)is_stable(soc, sources.list[i].clock) << sources.list[i].ready;
    return bits;
}

void stm32_force_lsi(struct stm32 *soc)
{
    soc->lsi_forced = true;
}

/* ---- registers ---- */

static uint32_t rcc_read(struct device *device, uint32_t offset, uint32_t value)
{
    struct stm32 *soc = stm32_of(device);
    if (offset == CR)
        return value | ready_bits(soc);
    if (offset == CFGR1)
        return value | (value & 3u) << (is_u5(soc) ? 2 : 3);
    if (offset == BDCR)
        return value | (uint32_t)is_stable(soc, STM32_LSE) << 1 |
               (uint32_t)(stm32_clock_hz(soc, STM32_LSI) != 0) << 27;
    if (offset == CSR)
        return value | soc->reset_flags;
    return value;
}

static bool rcc_allow(struct device *device, const struct reg *reg, uint32_t value)
{
    struct stm32 *soc = stm32_of(device);
    const bool pll_runs = stm32_rcc(soc, CR) & PLL1ON;
    const uint32_t changed = *device_reg(device, reg->offset) ^ value;
    /* The outputs may be switched while it runs. */
    const uint32_t fixed = reg->offset == PLL1CFGR ? 0xffffu : 0x1ffu;
    if ((reg->offset == PLL1CFGR || reg->offset == PLL1DIVR) && pll_runs && changed & fixed) {
        twin_fault(soc->twin, "the program changes RCC.%s (to 0x%08x) while PLL1ON is 1", reg->name,
                   value);
        return false;
    }
    if (reg->offset == BDCR && !stm32_backup_open(soc)) {
        twin_fault(soc->twin, "the program writes RCC.BDCR while PWR's DBP is 0");
        return false;
    }
    if (reg->offset == ICSCR1 && is_u5(soc) && stm32_rcc(soc, CR) & 1u &&
        !is_stable(soc, STM32_MSIS)) {
        twin_fault(soc->twin, "the program writes RCC.ICSCR1 while MSIS is on and not ready");
        return false;
    }
    if (reg->offset == SECCFGR)
        return stm32_wants_two_worlds(soc, "RCC.SECCFGR");
    return true;
}

/* A module stays in reset until its bit is cleared again. */
static void reset_modules(struct stm32 *soc, uint32_t offset, uint32_t bits)
{
    for (struct stm32_module *module = soc->modules; module; module = module->next)
        if (module->reset.offset == offset && bits >> module->reset.bit & 1u)
            device_reset(&module->device, TWIN_RESET_POWER);
}

static void rcc_write(struct device *device, uint32_t offset, uint32_t old, uint32_t value)
{
    struct stm32 *soc = stm32_of(device);
    const uint32_t now = *device_reg(device, offset);
    if (offset == CR) {
        if (now & ~old & PLL1ON)
            check_pll(soc);
        power_sources(soc);
        switch_core(soc);
    } else if (offset == ICSCR1) {
        soc->stable_at[STM32_MSIS] = twin_now(soc->twin) + 2u * TWIN_US;
        twin_stall(soc->twin, 2u * TWIN_US); /* the core waits for its own clock */
        switch_core(soc);
    } else if (offset == CFGR1 || offset == CFGR2 || offset == PLL1DIVR || offset == PLL1CFGR) {
        switch_core(soc);
    } else if (offset == BDCR) {
        start_source(soc, STM32_LSI, now & LSION, 100u * TWIN_US);
        start_source(soc, STM32_LSE, now & LSEON, 500u * TWIN_MS);
    } else if (offset == CSR && value & RMVF) {
        soc->reset_flags = 0;
    } else if (offset >= RSTR && offset < RSTR_END) {
        reset_modules(soc, offset, now & ~old);
    }
}

static void rcc_reset(struct device *device, enum twin_reset reset)
{
    struct stm32 *soc = stm32_of(device);
    const twin_ns lsi = soc->stable_at[STM32_LSI], lse = soc->stable_at[STM32_LSE];
    memset(soc->stable_at, 0, sizeof soc->stable_at);
    soc->stable_at[is_u5(soc) ? STM32_MSIS : STM32_HSI] = 1;
    soc->lsi_forced = false;
    if (reset == TWIN_RESET_POWER) {
        soc->reset_flags = PINRSTF | BORRSTF;
    } else {
        soc->stable_at[STM32_LSI] = lsi; /* of the backup domain */
        soc->stable_at[STM32_LSE] = lse;
        soc->reset_flags |= PINRSTF;
    }
    if (soc->launched)
        soc->reset_flags |= OBLRSTF;
    else if (reset == TWIN_RESET_SYSTEM)
        soc->reset_flags |= SFTRSTF;
    if (reset == TWIN_RESET_WATCHDOG)
        soc->reset_flags |= IWDGRSTF;
    power_sources(soc);
    twin_set_hz(soc->twin, stm32_clock_hz(soc, STM32_HCLK));
}

void stm32_rcc_start(struct stm32 *soc)
{
    soc->rcc.device = (struct device){.name = "RCC",
                                      .base = soc->part->rcc_base,
                                      .size = 0x200u,
                                      .regs = soc->part->rcc_regs,
                                      .reg_count = soc->part->rcc_reg_count,
                                      .read = rcc_read,
                                      .write = rcc_write,
                                      .allow = rcc_allow,
                                      .reset = rcc_reset};
    soc->rcc.shows = stm32_rcc_shows;
    stm32_add(soc, &soc->rcc);
}
