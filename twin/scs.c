/* What Armv7-M and Armv8-M have around the core, as far as firmware uses it: SysTick, NVIC, the
 * system control block, the cycle counter. Section B3 of the Architecture Reference Manual. Of two
 * worlds each has registers of its own (Armv8-M, D1.1): the non-secure ones are a second device, at
 * the address where the secure world sees them. */
#include <stdlib.h>

#include "twin/private.h"

#define CSR   0x010u
#define RVR   0x014u
#define CVR   0x018u
#define ISER  0x100u
#define ICER  0x180u
#define ISPR  0x200u
#define ICPR  0x280u
#define IABR  0x300u
#define ITNS  0x380u
#define IPR   0x400u
#define CPUID 0xd00u
#define ICSR  0xd04u
#define VTOR  0xd08u
#define AIRCR 0xd0cu
#define SHPR1 0xd18u
#define SHCSR 0xd24u
#define DEMCR 0xdfcu

#define CSR_ENABLE    1u
#define CSR_TICKINT   2u
#define CSR_CORE      4u
#define CSR_COUNTFLAG 0x10000u

#define AIRCR_KEY         0x05fa0000u
#define AIRCR_SYSRESETREQ 4u
#define AIRCR_SECURE_ONLY 8u      /* who may ask for a reset */
#define AIRCR_OF_SECURE   0x6008u /* PRIS, BFHFNMINS, SYSRESETREQS */

#define SHCSR_SECURE_FAULT (1u << 19)

#define PRIORITY_BITS 0xf0f0f0f0u

static const struct reg scs_regs[] = {
    {"ICTR", 0x004, 0, 0, 4, 0, 0},
    {"ACTLR", 0x008, 0xffffffff, 0, 0, 0, 0},
    {"SYST_CSR", CSR, 7, 0, 0, 0, 0},
    {"SYST_RVR", RVR, 0xffffff, 0, 0, 0, 0},
    {"SYST_CVR", CVR, 0, 0, 0, 0, 0},
    {"NVIC_ISER", ISER, 0, 0, 0, 5, 0},
    {"NVIC_ICER", ICER, 0, 0, 0, 8, 0},
    {"NVIC_ISPR", ISPR, 0, 0, 0, 5, 0},
    {"NVIC_ICPR", ICPR, 0, 0, 0, 8, 0},
    {"NVIC_IABR", IABR, 0, 0, 0, 5, 0},
    {"NVIC_ITNS", ITNS, 0, 0, 0, 5, 0},
    {"NVIC_IPR", IPR, PRIORITY_BITS, 0, 0, 40, 0},
    {"CPUID", CPUID, 0, 0, 0, 0, 0},
    {"ICSR", ICSR, 0, 0, 0, 0, 0},
    {"VTOR", VTOR, 0xffffff80, 0, 0, 0, 0},
    {"AIRCR", AIRCR, 0x700, 0, 0xfa050000, 0, 0},
    {"SCR", 0xd10, 0x16, 0, 0, 0, 0},
    {"CCR", 0xd14, 0x31b, 0, 0x200, 0, 0},
    {"SHPR", SHPR1, PRIORITY_BITS, 0, 0, 3, 0},
    {"SHCSR", SHCSR, 0x70000, 0, 0, 0, 0},
    {"CFSR", 0xd28, 0, 0xffffffff, 0, 0, 0},
    {"HFSR", 0xd2c, 0, 0xffffffff, 0, 0, 0},
    {"MMFAR", 0xd34, 0xffffffff, 0, 0, 0, 0},
    {"BFAR", 0xd38, 0xffffffff, 0, 0, 0, 0},
    {"CPACR", 0xd88, 0x00f00000, 0, 0, 0, 0},
    {"DEMCR", DEMCR, 0x01000000, 0, 0, 0, 0},
    {"FPCCR", 0xf34, 0xc0000000, 0, 0xc0000000, 0, 0},
};

static const uint32_t cpuids[] = {[TWIN_CORTEX_M4] = 0x410fc241u,
                                  [TWIN_CORTEX_M23] = 0x411cd200u,
                                  [TWIN_CORTEX_M33] = 0x410fd214u};

/* ---- SysTick ---- */

static twin_ns ticks_to_ns(const struct twin *twin, uint64_t ticks)
{
    return ticks * 1000000000ull / twin->hz + 1;
}

static bool is_nonsecure(const struct device *scs)
{
    return scs == &scs->twin->scs_nonsecure;
}

static struct systick *systick_of(struct device *scs)
{
    return &scs->twin->systick[is_nonsecure(scs)];
}

/* Its own, where each world has one. */
static unsigned slot_of(const struct device *scs, unsigned number)
{
    return is_nonsecure(scs) ? EXCEPTION_NONSECURE(number) : number;
}

/* The counter now: it counts down from `from`, reloads one clock after 0. */
static uint32_t systick_value(struct device *scs)
{
    const struct systick *s = systick_of(scs);
    const uint32_t reload = scs->values[RVR / 4];
    if (!(scs->values[CSR / 4] & CSR_ENABLE))
        return s->from;
    const uint64_t gone = (twin_now(scs->twin) - s->started) * scs->twin->hz / 1000000000ull;
    if (gone <= s->from)
        return s->from - (uint32_t)gone;
    return reload - (uint32_t)((gone - s->from - 1) % (reload + 1ull));
}

static void systick_plan(struct device *scs)
{
    struct twin *twin = scs->twin;
    struct systick *s = systick_of(scs);
    const bool runs = (scs->values[CSR / 4] & CSR_ENABLE) && scs->values[RVR / 4] > 0;
    s->started = twin_now(twin);
    twin_timer_set(twin, &s->timer,
                   runs ? twin_now(twin) +
                              ticks_to_ns(twin, s->from ? s->from : scs->values[RVR / 4] + 1ull)
                        : TWIN_NEVER);
}

static void systick_wrapped(void *ctx)
{
    struct device *scs = ctx;
    uint32_t *csr = device_reg(scs, CSR);
    *csr |= CSR_COUNTFLAG;
    systick_of(scs)->from = 0;
    systick_plan(scs);
    if (*csr & CSR_TICKINT)
        exception_pend(scs->twin, slot_of(scs, EXCEPTION_SYSTICK));
}

static void systick_write(struct device *scs, uint32_t offset, uint32_t old)
{
    uint32_t *csr = device_reg(scs, CSR);
    if (offset == CSR) {
        const uint32_t changed = (old ^ *csr) & CSR_ENABLE;
        if (*csr & CSR_ENABLE && !(*csr & CSR_CORE))
            twin_fault(scs->twin, "SysTick counts an external clock, which no twin models");
        if (changed)
            systick_plan(scs);
    } else if (offset == CVR) {
        systick_of(scs)->from = 0;
        *csr &= ~CSR_COUNTFLAG;
        systick_plan(scs);
    }
}

/* ---- NVIC ---- */

/* The non-secure world sees and changes its own interrupts alone. */
static bool has_irq(const struct device *scs, unsigned irq)
{
    return irq < TWIN_IRQ_COUNT &&
           (!is_nonsecure(scs) || scs->twin->exceptions.nonsecure[EXCEPTION_IRQ0 + irq]);
}

static void each_irq(const struct device *scs, uint32_t offset, uint32_t base, uint32_t bits,
                     void (*run)(struct twin *twin, unsigned number))
{
    for (unsigned bit = 0; bit < 32; bit++) {
        const unsigned irq = (offset - base) * 8u + bit;
        if (bits >> bit & 1u && has_irq(scs, irq))
            run(scs->twin, EXCEPTION_IRQ0 + irq);
    }
}

static void enable(struct twin *twin, unsigned number)
{
    twin->exceptions.enabled[number] = true;
    twin_end_slice(twin);
}

static void disable(struct twin *twin, unsigned number)
{
    twin->exceptions.enabled[number] = false;
}

static uint32_t bits_of(const struct device *scs, const bool *flags, uint32_t offset, uint32_t base)
{
    uint32_t bits = 0;
    for (unsigned bit = 0; bit < 32; bit++) {
        const unsigned irq = (offset - base) * 8u + bit;
        if (has_irq(scs, irq) && flags[EXCEPTION_IRQ0 + irq])
            bits |= 1u << bit;
    }
    return bits;
}

static bool is_in(uint32_t offset, uint32_t base, uint32_t words)
{
    return offset >= base && offset < base + 4u * words;
}

/* Which world takes an interrupt. */
static void take_targets(struct twin *twin, uint32_t offset, uint32_t bits)
{
    for (unsigned bit = 0; bit < 32; bit++) {
        const unsigned irq = (offset - ITNS) * 8u + bit;
        if (irq < TWIN_IRQ_COUNT)
            twin->exceptions.nonsecure[EXCEPTION_IRQ0 + irq] = bits >> bit & 1u;
    }
}

static void take_priorities(const struct device *scs, uint32_t offset)
{
    struct exceptions *e = &scs->twin->exceptions;
    for (unsigned i = 0; i < 4; i++) {
        const uint8_t priority = (uint8_t)(scs->values[offset / 4u] >> (8u * i));
        if (offset >= SHPR1)
            e->priority[slot_of(scs, offset - SHPR1 + 4u + i)] = priority;
        else if (has_irq(scs, offset - IPR + i))
            e->priority[EXCEPTION_IRQ0 + offset - IPR + i] = priority;
    }
}

/* ---- the registers ---- */

static uint32_t priorities(const struct device *scs, uint32_t offset)
{
    uint32_t value = 0;
    for (unsigned i = 0; i < 4; i++)
        if (has_irq(scs, offset - IPR + i))
            value |= (uint32_t)scs->twin->exceptions.priority[EXCEPTION_IRQ0 + offset - IPR + i]
                     << (8u * i);
    return value;
}

static uint32_t scs_read(struct device *device, uint32_t offset, uint32_t value)
{
    struct twin *twin = device->twin;
    struct exceptions *e = &twin->exceptions;
    if (offset == CSR) {
        *device_reg(device, CSR) &= ~CSR_COUNTFLAG;
        return value;
    }
    if (offset == CVR)
        return systick_value(device);
    if (offset == CPUID)
        return cpuids[twin->core];
    if (offset == ICSR)
        return exception_active(twin) | (e->waiting ? 1u << 22 : 0) |
               (e->pending[EXCEPTION_NMI] ? 1u << 31 : 0);
    if (is_in(offset, ISER, 5))
        return bits_of(device, e->enabled, offset, ISER);
    if (is_in(offset, ICER, 8))
        return bits_of(device, e->enabled, offset, ICER);
    if (is_in(offset, ISPR, 5))
        return bits_of(device, e->pending, offset, ISPR);
    if (is_in(offset, ICPR, 8))
        return bits_of(device, e->pending, offset, ICPR);
    if (is_in(offset, IPR, 40))
        return priorities(device, offset);
    return value;
}

static void write_icsr(struct device *scs, uint32_t value)
{
    struct twin *twin = scs->twin;
    if (value & 1u << 31 && !is_nonsecure(scs))
        exception_pend(twin, EXCEPTION_NMI);
    if (value & 1u << 28)
        exception_pend(twin, slot_of(scs, EXCEPTION_PENDSV));
    if (value & 1u << 27)
        exception_unpend(twin, slot_of(scs, EXCEPTION_PENDSV));
    if (value & 1u << 26)
        exception_pend(twin, slot_of(scs, EXCEPTION_SYSTICK));
    if (value & 1u << 25)
        exception_unpend(twin, slot_of(scs, EXCEPTION_SYSTICK));
}

static void write_aircr(struct device *scs, uint32_t value)
{
    struct twin *twin = scs->twin;
    uint32_t *held = device_reg(scs, AIRCR);
    if ((value & 0xffff0000u) != AIRCR_KEY)
        return;
    const bool may = !is_nonsecure(scs) || !(twin->scs.values[AIRCR / 4] & AIRCR_SECURE_ONLY);
    if (twin->worlds && !is_nonsecure(scs))
        *held = (*held & ~AIRCR_OF_SECURE) | (value & AIRCR_OF_SECURE);
    if (value & AIRCR_SYSRESETREQ && may)
        twin_request_reset(twin, TWIN_RESET_SYSTEM);
}

/* What only the secure one of two worlds has. */
static void write_secure(struct device *scs, uint32_t offset, uint32_t value)
{
    struct twin *twin = scs->twin;
    if (is_in(offset, ITNS, 5)) {
        *device_reg(scs, offset) = value;
        take_targets(twin, offset, value);
    } else if (offset == SHCSR) {
        *device_reg(scs, SHCSR) =
            (*device_reg(scs, SHCSR) & ~SHCSR_SECURE_FAULT) | (value & SHCSR_SECURE_FAULT);
        twin->exceptions.enabled[EXCEPTION_SECURE] = value & SHCSR_SECURE_FAULT;
    }
}

static void scs_write(struct device *device, uint32_t offset, uint32_t old, uint32_t value)
{
    struct twin *twin = device->twin;
    systick_write(device, offset, old);
    if (is_in(offset, ISER, 5))
        each_irq(device, offset, ISER, value, enable);
    else if (is_in(offset, ICER, 8))
        each_irq(device, offset, ICER, value, disable);
    else if (is_in(offset, ISPR, 5))
        each_irq(device, offset, ISPR, value, exception_pend);
    else if (is_in(offset, ICPR, 8))
        each_irq(device, offset, ICPR, value, exception_unpend);
    else if (is_in(offset, IPR, 40) || is_in(offset, SHPR1, 3))
        take_priorities(device, offset);
    else if (offset == ICSR)
        write_icsr(device, value);
    else if (offset == AIRCR)
        write_aircr(device, value);
    if (twin->worlds && !is_nonsecure(device))
        write_secure(device, offset, value);
}

static void scs_reset(struct device *device, enum twin_reset reset)
{
    (void)reset;
    systick_of(device)->from = 0;
    twin_timer_set(device->twin, &systick_of(device)->timer, TWIN_NEVER);
}

/* ---- the cycle counter: Armv8-M baseline has none ---- */

static const struct reg dwt_regs[] = {
    {"CTRL", 0x0, 1, 0, 0x40000000, 0, 0},
    {"CYCCNT", 0x4, 0xffffffff, 0, 0, 0, 0},
};

static uint32_t dwt_read(struct device *device, uint32_t offset, uint32_t value)
{
    const bool counts =
        *device_reg(device, 0) & 1u && device->twin->scs.values[DEMCR / 4] & 0x01000000u;
    return offset == 4 && counts ? value + (uint32_t)device->twin->clocks : value;
}

static void dwt_write(struct device *device, uint32_t offset, uint32_t old, uint32_t value)
{
    (void)old;
    if (offset == 4)
        *device_reg(device, 4) = value - (uint32_t)device->twin->clocks;
}

static const struct device scs = {.name = "SCS",
                                  .base = 0xe000e000u,
                                  .size = 0x1000u,
                                  .regs = scs_regs,
                                  .reg_count = sizeof scs_regs / sizeof *scs_regs,
                                  .narrow = true,
                                  .read = scs_read,
                                  .write = scs_write,
                                  .reset = scs_reset};

/* The secure world's, which the non-secure world reads as 0. */
static const struct reg hidden_regs[] = {{"SAU", 0, 0, 0, 0, 7, 0}};
static const struct device hidden = {
    .name = "SAU_NS", .base = 0xe002edd0u, .size = 0x20u, .regs = hidden_regs, .reg_count = 1};

static void add_systick(struct twin *twin, struct device *of)
{
    twin->systick[is_nonsecure(of)] =
        (struct systick){.timer = {.run = systick_wrapped, .ctx = of}};
}

void scs_add_nonsecure(struct twin *twin)
{
    twin->sau_hidden = hidden;
    twin_add_device(twin, &twin->sau_hidden);
    twin->scs_nonsecure = scs;
    twin->scs_nonsecure.name = "SCS_NS";
    twin->scs_nonsecure.base += 0x20000u;
    if (twin->core == TWIN_CORTEX_M33)
        mpu_add_nonsecure(twin);
    twin_add_device(twin, &twin->scs_nonsecure);
    add_systick(twin, &twin->scs_nonsecure);
}

void scs_start(struct twin *twin)
{
    if (twin->core == TWIN_CORTEX_M33)
        mpu_start(twin);
    twin->scs = scs;
    twin_add_device(twin, &twin->scs);
    add_systick(twin, &twin->scs);
    if (twin->core == TWIN_CORTEX_M23)
        return;
    twin->dwt = (struct device){.name = "DWT",
                                .base = 0xe0001000u,
                                .size = 0x1000u,
                                .regs = dwt_regs,
                                .reg_count = sizeof dwt_regs / sizeof *dwt_regs,
                                .read = dwt_read,
                                .write = dwt_write};
    twin_add_device(twin, &twin->dwt);
}
