/* EXTI, for the lines of pins: edges, which stay pending, and interrupts. Interrupt numbers: the
 * parts' CMSIS device headers. */
#include "twin/stm32/stm32.h"

#define RTSR1   0x00u
#define FTSR1   0x04u
#define SWIER1  0x08u
#define RPR1    0x0cu
#define FPR1    0x10u
#define SECCFGR 0x14u
#define EXTICR  0x60u
#define IMR1    0x80u

#define LINES      16u
#define LINES_MASK 0xffffu
#define IRQ        11u /* of line 0; the others follow */

static const struct reg exti_regs[] = {
    {"RTSR1", RTSR1, LINES_MASK, 0, 0, 0, 0},    {"FTSR1", FTSR1, LINES_MASK, 0, 0, 0, 0},
    {"SWIER1", SWIER1, 0, 0, 0, 0, 0},           {"RPR1", RPR1, 0, LINES_MASK, 0, 0, 0},
    {"FPR1", FPR1, 0, LINES_MASK, 0, 0, 0},      {"SECCFGR1", SECCFGR, LINES_MASK, 0, 0, 0, 0},
    {"PRIVCFGR1", 0x18, LINES_MASK, 0, 0, 0, 0}, {"EXTICR", EXTICR, 0x0f0f0f0f, 0, 0, 4, 0},
    {"IMR1", IMR1, 0xffffffff, 0, 0, 0, 0},
};

struct stm32_exti {
    struct stm32_module module;
    struct stm32_ear ear;
};

static unsigned port_of(struct device *exti, unsigned line)
{
    return *device_reg(exti, EXTICR + (line & ~3u)) >> (8u * (line % 4u)) & 0xffu;
}

static void update(struct device *exti)
{
    const uint32_t pending = (*device_reg(exti, RPR1) | *device_reg(exti, FPR1)) & LINES_MASK;
    const uint32_t asked = pending & *device_reg(exti, IMR1);
    for (unsigned line = 0; line < LINES; line++)
        twin_irq(exti->twin, IRQ + line, asked >> line & 1u);
}

static void on_pin(void *ctx, unsigned port, unsigned pin, bool level)
{
    struct device *exti = ctx;
    const struct stm32 *soc = stm32_of(exti);
    const uint32_t line = 1u << pin;
    /* An analog pin has its Schmitt trigger off. */
    if ((soc->gpio[port].module.device.values[0] >> (2u * pin) & 3u) == 3u)
        return;
    if (port_of(exti, pin) != port || !(*device_reg(exti, level ? RTSR1 : FTSR1) & line))
        return;
    *device_reg(exti, level ? RPR1 : FPR1) |= line;
    update(exti);
}

static bool exti_allow(struct device *device, const struct reg *reg, uint32_t value)
{
    const bool of_lines = reg->offset <= FPR1;
    if (of_lines && value & ~LINES_MASK)
        twin_fault(device->twin, "the program uses EXTI.%s for 0x%08x: only pins are modelled",
                   reg->name, value);
    if (reg->offset == SECCFGR)
        return stm32_wants_two_worlds(stm32_of(device), "EXTI.SECCFGR1");
    return !(of_lines && value & ~LINES_MASK);
}

static uint32_t exti_shows(struct stm32 *soc, const struct stm32_module *module, uint32_t offset)
{
    const uint32_t lines = ~module->device.values[SECCFGR / 4u] & LINES_MASK;
    uint32_t bytes = 0;
    (void)soc;
    if (offset == SECCFGR)
        return 0;
    if (offset < EXTICR || offset >= IMR1)
        return lines;
    for (unsigned i = 0; i < 4; i++)
        if (lines >> (offset - EXTICR + i) & 1u)
            bytes |= 0xffu << (8u * i);
    return bytes;
}

static void exti_write(struct device *device, uint32_t offset, uint32_t old, uint32_t value)
{
    (void)old;
    if (offset == SWIER1)
        *device_reg(device, RPR1) |= value & LINES_MASK;
    if (offset >= EXTICR && offset < IMR1)
        for (unsigned line = 0; line < LINES; line++)
            if (port_of(device, line) >= STM32_PORTS)
                twin_fault(device->twin, "EXTI.EXTICR chooses port %u for line %u; there is none",
                           port_of(device, line), line);
    update(device);
}

static void exti_reset(struct device *device, enum twin_reset reset)
{
    (void)reset;
    update(device);
}

void stm32_exti_start(struct stm32 *soc)
{
    struct stm32_exti *exti = stm32_alloc(soc, sizeof *exti);
    exti->module.device =
        (struct device){.name = "EXTI",
                        .base = soc->part->family == STM32_U5 ? 0x46022000u : 0x44022000u,
                        .size = 0x400u,
                        .regs = exti_regs,
                        .reg_count = sizeof exti_regs / sizeof *exti_regs,
                        .write = exti_write,
                        .allow = exti_allow,
                        .reset = exti_reset};
    exti->module.shows = exti_shows;
    stm32_add(soc, &exti->module);
    exti->ear = (struct stm32_ear){.run = on_pin, .ctx = &exti->module.device};
    stm32_listen(soc, &exti->ear);
}
