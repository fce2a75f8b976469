/* TIMER0 as a free-running counter, and the watchdog. */
#include "twin/nuvoton/nuvoton.h"

/* ---- TIMER0 ---- */

#define CTL    0x00u
#define CMP    0x04u
#define INTSTS 0x08u
#define CNT    0x0cu

#define CNTEN      (1u << 30)
#define INTEN      (1u << 29)
#define RSTACT     (1u << 31)
#define ACTSTS     (1u << 25)
#define CONTINUOUS 3u

static const struct reg timer_regs[] = {
    {"CTL", CTL, 0xf9f880ff, 0, 5, 0, 0},
    {"CMP", CMP, 0xffffff, 0, 0, 0, 0},
    {"INTSTS", INTSTS, 0, 3, 0, 0, 0},
    {"CNT", CNT, 0, 0, 0, 0, 0},
};

static struct nuvoton *soc_of_timer(struct device *device)
{
    return (struct nuvoton *)((char *)device - offsetof(struct nuvoton, timer));
}

static uint32_t timer_hz(struct nuvoton *soc)
{
    static const int8_t sources[] = {CLOCK_HXT, CLOCK_LXT,  CLOCK_PCLK, -1,
                                     -1,        CLOCK_LIRC, -1,         CLOCK_HIRC};
    const uint32_t select = soc->clk.values[0x14 / 4] >> 8 & 7u;
    const uint32_t hz = sources[select] < 0 ? 0 : clock_hz(soc, sources[select]);
    return hz / ((*device_reg(&soc->timer, CTL) & 0xffu) + 1u);
}

static uint32_t timer_value(struct nuvoton *soc)
{
    const uint32_t hz = timer_hz(soc);
    if (!(*device_reg(&soc->timer, CTL) & CNTEN) || hz == 0)
        return soc->timer_from;
    const twin_ns gone = twin_now(soc->twin) - soc->timer_started;
    return (soc->timer_from + (uint32_t)(gone / 1000u * hz / 1000000u)) & 0xffffffu;
}

static void plan_match(struct nuvoton *soc)
{
    const uint32_t control = *device_reg(&soc->timer, CTL), hz = timer_hz(soc);
    if (!(control & CNTEN) || hz == 0) {
        twin_timer_set(soc->twin, &soc->timer_match, TWIN_NEVER);
        return;
    }
    uint32_t left = (*device_reg(&soc->timer, CMP) - timer_value(soc)) & 0xffffffu;
    if (left == 0)
        left = 0x1000000u;
    twin_timer_set(soc->twin, &soc->timer_match,
                   twin_now(soc->twin) + ((twin_ns)left * 1000000000ull + hz - 1u) / hz);
}

static void update_timer(struct nuvoton *soc)
{
    const bool flag = *device_reg(&soc->timer, INTSTS) & 1u;
    twin_irq(soc->twin, soc->part->timer_irq, flag && *device_reg(&soc->timer, CTL) & INTEN);
}

static void on_match(void *ctx)
{
    struct nuvoton *soc = ctx;
    *device_reg(&soc->timer, INTSTS) |= 1u;
    if ((*device_reg(&soc->timer, CTL) >> 27 & 3u) != CONTINUOUS)
        twin_fault(soc->twin, "TIMER0 counts in a mode that is not modelled (CTL.OPMODE)");
    plan_match(soc);
    update_timer(soc);
}

static uint32_t timer_read(struct device *device, uint32_t offset, uint32_t value)
{
    struct nuvoton *soc = soc_of_timer(device);
    if (offset == CNT)
        return timer_value(soc);
    return offset == CTL && value & CNTEN ? value | ACTSTS : value;
}

static void timer_write(struct device *device, uint32_t offset, uint32_t old, uint32_t value)
{
    struct nuvoton *soc = soc_of_timer(device);
    if (offset == CTL) {
        const uint32_t now = *device_reg(device, CTL);
        *device_reg(device, CTL) = old;
        soc->timer_from = timer_value(soc);
        *device_reg(device, CTL) = now;
        soc->timer_started = twin_now(soc->twin);
    } else if (offset == CNT) {
        soc->timer_from = 0;
        soc->timer_started = twin_now(soc->twin);
    }
    (void)value;
    plan_match(soc);
    update_timer(soc);
}

static void timer_reset(struct device *device, enum twin_reset reset)
{
    struct nuvoton *soc = soc_of_timer(device);
    (void)reset;
    soc->timer_from = 0;
    twin_timer_set(soc->twin, &soc->timer_match, TWIN_NEVER);
    update_timer(soc);
}

static const char *timer_deaf(struct device *device)
{
    const struct nuvoton_bit gate = {0x008, 2};
    return module_deaf(soc_of_timer(device), device, gate);
}

/* ---- the watchdog ---- */

#define ALTCTL 0x04u
#define RSTCNT 0x08u
#define RSTF   0x04u
#define SYNC   (1u << 30)
#define RSTEN  0x02u
#define WDTEN  0x80u
#define FEED   0x5aa5u

static const struct reg wdt_regs[] = {
    {"CTL", CTL, 0x80000fd2, 0x2c, 0x700, 0, TRAIT_PROTECTED},
    {"ALTCTL", ALTCTL, 3, 0, 0, 0, TRAIT_PROTECTED},
    {"RSTCNT", RSTCNT, 0, 0, 0, 0, 0},
};

static struct nuvoton *soc_of_wdt(struct device *device)
{
    return (struct nuvoton *)((char *)device - offsetof(struct nuvoton, wdt));
}

static uint32_t wdt_hz(struct nuvoton *soc)
{
    const uint32_t select = soc->clk.values[0x14 / 4] & 3u;
    static const int8_t sources[] = {-1, CLOCK_LXT, CLOCK_HCLK, CLOCK_LIRC};
    const uint32_t hz = sources[select] < 0 ? 0 : clock_hz(soc, sources[select]);
    return select == 2 ? hz / 2048u : hz;
}

static void feed(struct nuvoton *soc)
{
    static const uint16_t delays[] = {1026, 130, 18, 3};
    const uint32_t control = *device_reg(&soc->wdt, CTL);
    const uint32_t hz = wdt_hz(soc), select = control >> 8 & 0xfu;
    if (!(control & WDTEN)) {
        twin_timer_set(soc->twin, &soc->wdt_bites, TWIN_NEVER);
        return;
    }
    if (hz == 0) {
        twin_fault(soc->twin, "the watchdog is started without a clock (CLKSEL1.WDTSEL %u)",
                   soc->clk.values[0x14 / 4] & 3u);
        return;
    }
    if (select > soc->part->wdt_select_max) {
        twin_fault(soc->twin, "WDT.CTL.TOUTSEL is %u; the part has up to %u", select,
                   soc->part->wdt_select_max);
        return;
    }
    const uint64_t clocks =
        (1ull << (4u + 2u * select)) + delays[*device_reg(&soc->wdt, ALTCTL) & 3u];
    twin_timer_set(soc->twin, &soc->wdt_bites, twin_now(soc->twin) + clocks * 1000000000ull / hz);
}

static void on_bite(void *ctx)
{
    struct nuvoton *soc = ctx;
    if (*device_reg(&soc->wdt, CTL) & RSTEN)
        twin_request_reset(soc->twin, TWIN_RESET_WATCHDOG);
}

static bool is_syncing(const struct nuvoton *soc)
{
    return twin_now(soc->twin) < soc->wdt_synced;
}

static uint32_t wdt_read(struct device *device, uint32_t offset, uint32_t value)
{
    return offset == CTL && is_syncing(soc_of_wdt(device)) ? value | SYNC : value;
}

/* CTL crosses to the watchdog's own clock: some three of its periods. */
static void wdt_write(struct device *device, uint32_t offset, uint32_t old, uint32_t value)
{
    struct nuvoton *soc = soc_of_wdt(device);
    const uint32_t hz = wdt_hz(soc);
    (void)old;
    if (offset == CTL && hz)
        soc->wdt_synced = twin_now(soc->twin) + 3000000000ull / hz;
    if (offset == CTL || (offset == RSTCNT && value == FEED))
        feed(soc);
    else if (offset == RSTCNT)
        twin_fault(soc->twin, "the program feeds the watchdog with 0x%08x", value);
}

static bool wdt_allow(struct device *device, const struct reg *reg, uint32_t value)
{
    struct nuvoton *soc = soc_of_wdt(device);
    (void)value;
    if (reg->offset == CTL && is_syncing(soc)) {
        twin_fault(soc->twin, "the program writes WDT.CTL while its SYNC is 1");
        return false;
    }
    return unlocked_or_fault(soc, device, reg);
}

static void wdt_reset(struct device *device, enum twin_reset reset)
{
    struct nuvoton *soc = soc_of_wdt(device);
    if (reset == TWIN_RESET_WATCHDOG)
        *device_reg(device, CTL) |= RSTF;
    soc->wdt_synced = 0;
    twin_timer_set(soc->twin, &soc->wdt_bites, TWIN_NEVER);
}

static const char *wdt_deaf(struct device *device)
{
    const struct nuvoton_bit gate = {0x008, 0};
    return module_deaf(soc_of_wdt(device), device, gate);
}

void timers_start(struct nuvoton *soc)
{
    soc->timer_match = (struct twin_timer){.run = on_match, .ctx = soc};
    soc->wdt_bites = (struct twin_timer){.run = on_bite, .ctx = soc};
    soc->timer = (struct device){.name = "TIMER0",
                                 .base = 0x40050000u,
                                 .size = 0x100u,
                                 .regs = timer_regs,
                                 .reg_count = sizeof timer_regs / sizeof *timer_regs,
                                 .read = timer_read,
                                 .write = timer_write,
                                 .reset = timer_reset,
                                 .deaf = timer_deaf};
    soc->wdt = (struct device){.name = "WDT",
                               .base = 0x40040000u,
                               .size = 0x100u,
                               .regs = wdt_regs,
                               .reg_count = sizeof wdt_regs / sizeof *wdt_regs,
                               .read = wdt_read,
                               .write = wdt_write,
                               .allow = wdt_allow,
                               .reset = wdt_reset,
                               .deaf = wdt_deaf};
    module_add(soc, &soc->timer, (struct nuvoton_bit){0x00c, 2});
    twin_add_device(soc->twin, &soc->wdt);
}
