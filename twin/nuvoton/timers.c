/* TIMER0 and TIMER2 as free-running counters, and the watchdog. */
#include "twin/nuvoton/nuvoton.h"

/* ---- timers ---- */

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

struct timer {
    struct device device;
    struct nuvoton *soc;
    unsigned number;
    struct twin_timer match;
    twin_ns started;
    uint32_t from; /* what it counted then */
};

static struct timer *timer_of(struct device *device)
{
    return (struct timer *)((char *)device - offsetof(struct timer, device));
}

static uint32_t timer_hz(struct timer *timer)
{
    static const int8_t sources[] = {CLOCK_HXT, CLOCK_LXT,  CLOCK_PCLK, -1,
                                     -1,        CLOCK_LIRC, -1,         CLOCK_HIRC};
    const uint32_t select = timer->soc->clk.values[0x14 / 4] >> (8u + 4u * timer->number) & 7u;
    const uint32_t hz = sources[select] < 0 ? 0 : clock_hz(timer->soc, sources[select]);
    return hz / ((*device_reg(&timer->device, CTL) & 0xffu) + 1u);
}

static uint32_t timer_value(struct timer *timer)
{
    const uint32_t hz = timer_hz(timer);
    if (!(*device_reg(&timer->device, CTL) & CNTEN) || hz == 0)
        return timer->from;
    const twin_ns gone = twin_now(timer->soc->twin) - timer->started;
    return (timer->from + (uint32_t)(gone / 1000u * hz / 1000000u)) & 0xffffffu;
}

static void plan_match(struct timer *timer)
{
    const uint32_t control = *device_reg(&timer->device, CTL), hz = timer_hz(timer);
    if (!(control & CNTEN) || hz == 0) {
        twin_timer_set(timer->soc->twin, &timer->match, TWIN_NEVER);
        return;
    }
    uint32_t left = (*device_reg(&timer->device, CMP) - timer_value(timer)) & 0xffffffu;
    if (left == 0)
        left = 0x1000000u;
    twin_timer_set(timer->soc->twin, &timer->match,
                   twin_now(timer->soc->twin) + ((twin_ns)left * 1000000000ull + hz - 1u) / hz);
}

static void update_timer(struct timer *timer)
{
    const bool flag = *device_reg(&timer->device, INTSTS) & 1u;
    twin_irq(timer->soc->twin, timer->soc->part->timer_irq + timer->number,
             flag && *device_reg(&timer->device, CTL) & INTEN);
}

static void on_match(void *ctx)
{
    struct timer *timer = ctx;
    *device_reg(&timer->device, INTSTS) |= 1u;
    if ((*device_reg(&timer->device, CTL) >> 27 & 3u) != CONTINUOUS)
        twin_fault(timer->soc->twin, "%s counts in a mode that is not modelled (CTL.OPMODE)",
                   timer->device.name);
    plan_match(timer);
    update_timer(timer);
}

static uint32_t timer_read(struct device *device, uint32_t offset, uint32_t value)
{
    struct timer *timer = timer_of(device);
    if (offset == CNT)
        return timer_value(timer);
    return offset == CTL && value & CNTEN ? value | ACTSTS : value;
}

static void timer_write(struct device *device, uint32_t offset, uint32_t old, uint32_t value)
{
    struct timer *timer = timer_of(device);
    if (offset == CTL) {
        const uint32_t now = *device_reg(device, CTL);
        *device_reg(device, CTL) = old;
        timer->from = timer_value(timer);
        *device_reg(device, CTL) = now;
        timer->started = twin_now(timer->soc->twin);
    } else if (offset == CNT) {
        timer->from = 0;
        timer->started = twin_now(timer->soc->twin);
    }
    (void)value;
    plan_match(timer);
    update_timer(timer);
}

static void timer_reset(struct device *device, enum twin_reset reset)
{
    struct timer *timer = timer_of(device);
    (void)reset;
    timer->from = 0;
    twin_timer_set(timer->soc->twin, &timer->match, TWIN_NEVER);
    update_timer(timer);
}

static const char *timer_deaf(struct device *device)
{
    const struct timer *timer = timer_of(device);
    const struct nuvoton_bit gate = {0x008, (uint8_t)(2u + timer->number)};
    return module_deaf(timer->soc, device, gate);
}

/* The M2354's TIMER2 is there for its non-secure world. */
static void timer_start(struct nuvoton *soc, unsigned number)
{
    static const char *const names[] = {"TIMER0", "TIMER1", "TIMER2"};
    struct timer *timer = chip_alloc(soc, sizeof *timer);
    timer->soc = soc;
    timer->number = number;
    timer->match = (struct twin_timer){.run = on_match, .ctx = timer};
    timer->device = (struct device){.name = names[number],
                                    .base = 0x40050000u + 0x800u * number,
                                    .size = 0x100u,
                                    .regs = timer_regs,
                                    .reg_count = sizeof timer_regs / sizeof *timer_regs,
                                    .read = timer_read,
                                    .write = timer_write,
                                    .reset = timer_reset,
                                    .deaf = timer_deaf};
    module_add(soc, &timer->device, (struct nuvoton_bit){0x00c, (uint8_t)(2u + number)});
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
    soc->wdt_bites = (struct twin_timer){.run = on_bite, .ctx = soc};
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
    timer_start(soc, 0);
    if (soc->part->has_timer2)
        timer_start(soc, 2);
    twin_add_device(soc->twin, &soc->wdt);
}
