/* TIM2 as a counter of 32 bits, and the independent watchdog. */
#include "twin/stm32/stm32.h"

/* ---- TIM2 ---- */

#define CR1  0x00u
#define DIER 0x0cu
#define SR   0x10u
#define EGR  0x14u
#define CNT  0x24u
#define PSC  0x28u
#define ARR  0x2cu

#define CEN  1u
#define UDIS 2u
#define URS  4u
#define UIF  1u

static const struct reg tim_regs[] = {
    {"CR1", CR1, 0x87, 0, 0, 0, 0},
    {"DIER", DIER, 1, 0, 0, 0, 0},
    {"SR", SR, 0, 0, 0, 0, 0},
    {"EGR", EGR, 0, 0, 0, 0, 0},
    {"CNT", CNT, 0, 0, 0, 0, 0},
    {"PSC", PSC, 0xffff, 0, 0, 0, 0},
    {"ARR", ARR, 0xffffffff, 0, 0xffffffff, 0, 0},
};

static uint32_t tim_reg(const struct stm32_tim *tim, uint32_t offset)
{
    return tim->module.device.values[offset / 4u];
}

/* PCLK1, twice that where APB1 is divided. */
static uint32_t tim_hz(const struct stm32_tim *tim)
{
    struct stm32 *soc = tim->module.soc;
    const uint32_t pclk = stm32_clock_hz(soc, STM32_PCLK1);
    return (pclk == stm32_clock_hz(soc, STM32_HCLK) ? pclk : 2u * pclk);
}

static uint64_t ticks_gone(const struct stm32_tim *tim)
{
    const twin_ns gone = twin_now(tim->module.soc->twin) - tim->started;
    const uint64_t hz = tim_hz(tim), divider = tim->prescaler + 1u;
    return gone / 1000000000u * hz / divider + gone % 1000000000u * hz / 1000000000u / divider;
}

static uint32_t tim_value(const struct stm32_tim *tim)
{
    if (!(tim_reg(tim, CR1) & CEN))
        return tim->from;
    return (uint32_t)((tim->from + ticks_gone(tim)) % ((uint64_t)tim_reg(tim, ARR) + 1u));
}

static void update_tim(struct stm32_tim *tim)
{
    twin_irq(tim->module.soc->twin, tim->module.soc->part->tim2_irq,
             tim_reg(tim, SR) & tim_reg(tim, DIER) & UIF);
}

static void plan_wrap(struct stm32_tim *tim)
{
    struct twin *twin = tim->module.soc->twin;
    const uint64_t left = (uint64_t)tim_reg(tim, ARR) + 1u - tim_value(tim);
    const uint64_t hz = tim_hz(tim), divider = tim->prescaler + 1u;
    const uint64_t clocks = left * divider;
    twin_timer_set(twin, &tim->wraps,
                   tim_reg(tim, CR1) & CEN ? twin_now(twin) + clocks / hz * 1000000000u +
                                                 (clocks % hz * 1000000000u + hz - 1u) / hz
                                           : TWIN_NEVER);
}

static void restart(struct stm32_tim *tim, uint32_t value)
{
    tim->from = value;
    tim->started = twin_now(tim->module.soc->twin);
    plan_wrap(tim);
}

static void on_wrap(void *ctx)
{
    struct stm32_tim *tim = ctx;
    tim->prescaler = tim_reg(tim, PSC);
    if (!(tim_reg(tim, CR1) & UDIS))
        *device_reg(&tim->module.device, SR) |= UIF;
    restart(tim, 0);
    update_tim(tim);
}

static uint32_t tim_read(struct device *device, uint32_t offset, uint32_t value)
{
    return offset == CNT ? tim_value((struct stm32_tim *)device) : value;
}

static bool tim_allow(struct device *device, const struct reg *reg, uint32_t value)
{
    struct stm32_tim *tim = (struct stm32_tim *)device;
    if (reg->offset == CR1)
        restart(tim, tim_value(tim)); /* with what it ran with until now */
    if (reg->offset == EGR && value != 1u) {
        twin_fault(device->twin, "TIM2.EGR is written 0x%08x: only UG, 1, is modelled", value);
        return false;
    }
    return true;
}

static void tim_write(struct device *device, uint32_t offset, uint32_t old, uint32_t value)
{
    struct stm32_tim *tim = (struct stm32_tim *)device;
    (void)old;
    if (offset == EGR) {
        tim->prescaler = tim_reg(tim, PSC);
        if (!(tim_reg(tim, CR1) & (UDIS | URS)))
            *device_reg(device, SR) |= UIF;
        restart(tim, 0);
    } else if (offset == CNT) {
        restart(tim, value);
    } else if (offset == CR1 || offset == ARR) {
        plan_wrap(tim);
    } else if (offset == SR) {
        *device_reg(device, SR) &= value; /* written 0 clears */
    }
    update_tim(tim);
}

static void tim_reset(struct device *device, enum twin_reset reset)
{
    struct stm32_tim *tim = (struct stm32_tim *)device;
    (void)reset;
    tim->from = tim->prescaler = 0;
    twin_timer_set(device->twin, &tim->wraps, TWIN_NEVER);
    update_tim(tim);
}

void stm32_tim_start(struct stm32 *soc)
{
    struct stm32_tim *tim = &soc->tim2;
    tim->wraps = (struct twin_timer){.run = on_wrap, .ctx = tim};
    tim->module.device = (struct device){.name = "TIM2",
                                         .base = 0x40000000u,
                                         .size = 0x400u,
                                         .regs = tim_regs,
                                         .reg_count = sizeof tim_regs / sizeof *tim_regs,
                                         .read = tim_read,
                                         .write = tim_write,
                                         .allow = tim_allow,
                                         .reset = tim_reset};
    tim->module.gate = (struct stm32_bit){0x09c, 0};
    tim->module.reset = (struct stm32_bit){0x074, 0};
    stm32_add(soc, &tim->module);
}

/* ---- IWDG ---- */

#define KR   0x00u
#define PR   0x04u
#define RLR  0x08u
#define ISR  0x0cu
#define WINR 0x10u

#define START  0xccccu
#define FEED   0xaaaau
#define UNLOCK 0x5555u

#define LSI_HZ 32000u
/* A register's way to the watchdog's own clock: some five of its periods. */
#define UPDATE (5u * 1000000000ull / LSI_HZ)

static const struct reg iwdg_regs[] = {
    {"KR", KR, 0, 0, 0, 0, 0},
    {"PR", PR, 0xf, 0, 0, 0, 0},
    {"RLR", RLR, 0xfff, 0, 0xfff, 0, 0},
    {"SR", ISR, 0, 0, 0, 0, 0},
    {"WINR", WINR, 0xfff, 0, 0xfff, 0, 0},
};

static uint32_t iwdg_reg(const struct stm32_iwdg *iwdg, uint32_t offset)
{
    return iwdg->module.device.values[offset / 4u];
}

/* One count of it. */
static twin_ns tick(const struct stm32_iwdg *iwdg)
{
    const uint32_t field = iwdg_reg(iwdg, PR) < 8 ? iwdg_reg(iwdg, PR) : 8;
    return (4ull << field) * 1000000000ull / LSI_HZ;
}

static bool is_updating(const struct stm32_iwdg *iwdg)
{
    return iwdg->updated_at != 0 &&
           (!iwdg->started || twin_now(iwdg->module.soc->twin) < iwdg->updated_at);
}

static void bite(void *ctx)
{
    const struct stm32_iwdg *iwdg = ctx;
    twin_request_reset(iwdg->module.soc->twin, TWIN_RESET_WATCHDOG);
}

static void reload(struct stm32_iwdg *iwdg)
{
    struct twin *twin = iwdg->module.soc->twin;
    const twin_ns now = twin_now(twin);
    const uint64_t counted = (now - iwdg->fed) / tick(iwdg);
    const bool early = iwdg_reg(iwdg, WINR) < iwdg_reg(iwdg, RLR) &&
                       iwdg_reg(iwdg, RLR) > counted + iwdg_reg(iwdg, WINR);
    if (early && iwdg->started) {
        bite(iwdg);
        return;
    }
    iwdg->fed = now;
    if (iwdg->started)
        twin_timer_set(twin, &iwdg->bites, now + (iwdg_reg(iwdg, RLR) + 1ull) * tick(iwdg));
}

static void key(struct stm32_iwdg *iwdg, uint32_t value)
{
    struct stm32 *soc = iwdg->module.soc;
    iwdg->unlocked = value == UNLOCK;
    if (value == START) {
        stm32_force_lsi(soc);
        if (iwdg->updated_at != 0 && !iwdg->started)
            iwdg->updated_at = twin_now(soc->twin) + UPDATE;
        iwdg->started = true;
        iwdg->fed = twin_now(soc->twin);
        reload(iwdg);
    } else if (value == FEED) {
        reload(iwdg);
    } else if (value != UNLOCK && value != 0) {
        twin_fault(soc->twin, "the program writes IWDG.KR 0x%04x, which is no key", value);
    }
}

static uint32_t iwdg_read(struct device *device, uint32_t offset, uint32_t value)
{
    const struct stm32_iwdg *iwdg = (struct stm32_iwdg *)device;
    const bool has_on_flag = iwdg->module.soc->part->family == STM32_H5;
    if (offset != ISR)
        return value;
    return (is_updating(iwdg) ? iwdg->updating : 0) | (has_on_flag && iwdg->started ? 1u << 8 : 0);
}

static bool iwdg_allow(struct device *device, const struct reg *reg, uint32_t value)
{
    const struct stm32_iwdg *iwdg = (struct stm32_iwdg *)device;
    (void)value;
    if (reg->offset == KR)
        return true;
    const uint32_t flag = reg->offset == PR ? 1u : reg->offset == RLR ? 2u : 4u;
    if (!iwdg->unlocked)
        twin_fault(device->twin, "the program writes IWDG.%s without the key 0x5555 before",
                   reg->name);
    else if (is_updating(iwdg) && iwdg->updating & flag)
        twin_fault(device->twin, "the program writes IWDG.%s while its SR flag is 1", reg->name);
    else
        return true;
    return false;
}

static void iwdg_write(struct device *device, uint32_t offset, uint32_t old, uint32_t value)
{
    struct stm32_iwdg *iwdg = (struct stm32_iwdg *)device;
    (void)old;
    if (offset == KR) {
        key(iwdg, value);
        return;
    }
    if (!is_updating(iwdg))
        iwdg->updating = 0;
    iwdg->updating |= offset == PR ? 1u : offset == RLR ? 2u : 4u;
    iwdg->updated_at = twin_now(device->twin) + UPDATE;
    if (offset == WINR && iwdg->started)
        reload(iwdg); /* a window written reloads the counter */
}

static void iwdg_reset(struct device *device, enum twin_reset reset)
{
    struct stm32_iwdg *iwdg = (struct stm32_iwdg *)device;
    (void)reset;
    iwdg->started = iwdg->unlocked = false;
    iwdg->updated_at = 0;
    iwdg->updating = 0;
    twin_timer_set(device->twin, &iwdg->bites, TWIN_NEVER);
}

void stm32_iwdg_start(struct stm32 *soc)
{
    struct stm32_iwdg *iwdg = &soc->iwdg;
    iwdg->bites = (struct twin_timer){.run = bite, .ctx = iwdg};
    iwdg->module.device = (struct device){.name = "IWDG",
                                          .base = 0x40003000u,
                                          .size = 0x400u,
                                          .regs = iwdg_regs,
                                          .reg_count = sizeof iwdg_regs / sizeof *iwdg_regs,
                                          .read = iwdg_read,
                                          .write = iwdg_write,
                                          .allow = iwdg_allow,
                                          .reset = iwdg_reset};
    stm32_add(soc, &iwdg->module);
}
