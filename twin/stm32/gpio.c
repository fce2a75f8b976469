/* GPIO: modes, levels and alternate functions of pins. What a peripheral drives at its pins is not
 * modelled as levels. */
#include <stdio.h>

#include "twin/stm32/stm32.h"

#define MODER   0x00u
#define OTYPER  0x04u
#define OSPEEDR 0x08u
#define PUPDR   0x0cu
#define IDR     0x10u
#define ODR     0x14u
#define BSRR    0x18u
#define AFR     0x20u
#define BRR     0x28u
#define SECCFGR 0x30u

enum { INPUT, OUTPUT, ALTERNATE, ANALOG };
enum { PULL_UP = 1 };

#define PORT_G 6u

#define PORT_REGS(mode, speed, pull)                                                               \
    {                                                                                              \
        {"MODER", MODER, 0xffffffff, 0, mode, 0, 0}, {"OTYPER", OTYPER, 0xffff, 0, 0, 0, 0},       \
            {"OSPEEDR", OSPEEDR, 0xffffffff, 0, speed, 0, 0},                                      \
            {"PUPDR", PUPDR, 0xffffffff, 0, pull, 0, 0}, {"IDR", IDR, 0, 0, 0, 0, 0},              \
            {"ODR", ODR, 0xffff, 0, 0, 0, 0}, {"BSRR", BSRR, 0, 0, 0, 0, 0},                       \
            {"AFR", AFR, 0xffffffff, 0, 0, 2, 0}, {"BRR", BRR, 0, 0, 0, 0, 0},                     \
            {"SECCFGR", SECCFGR, 0xffff, 0, 0xffff, 0, 0},                                         \
    }

/* PA13, PA14, PA15, PB3 and PB4 are the debugger's. */
static const struct reg a_regs[] = PORT_REGS(0xabffffff, 0x0c000000, 0x64000000);
static const struct reg b_regs[] = PORT_REGS(0xfffffebf, 0x000000c0, 0x00000100);
static const struct reg other_regs[] = PORT_REGS(0xffffffff, 0, 0);

static uint32_t port_reg(const struct stm32 *soc, unsigned port, uint32_t offset)
{
    return soc->gpio[port].module.device.values[offset / 4u];
}

static unsigned mode_of(const struct stm32 *soc, unsigned port, unsigned pin)
{
    return port_reg(soc, port, MODER) >> (2u * pin) & 3u;
}

static bool has_power(const struct stm32 *soc, unsigned port, unsigned pin)
{
    return port != PORT_G || pin < 2 || stm32_has_io2(soc);
}

bool stm32_pin_level(const struct stm32 *soc, unsigned port, unsigned pin)
{
    const struct stm32_gpio *gpio = &soc->gpio[port];
    const bool drives = mode_of(soc, port, pin) == OUTPUT;
    const bool out = port_reg(soc, port, ODR) >> pin & 1u;
    const bool open_drain = port_reg(soc, port, OTYPER) >> pin & 1u;
    if (!has_power(soc, port, pin))
        return false;
    if (drives && !(open_drain && out))
        return out;
    if (gpio->driven >> pin & 1u)
        return gpio->outside >> pin & 1u;
    return (port_reg(soc, port, PUPDR) >> (2u * pin) & 3u) == PULL_UP;
}

static uint32_t levels_of(const struct stm32 *soc, unsigned port)
{
    uint32_t levels = 0;
    for (unsigned pin = 0; pin < 16; pin++)
        levels |= (uint32_t)stm32_pin_level(soc, port, pin) << pin;
    return levels;
}

static void tell_changes(struct stm32 *soc, unsigned port)
{
    struct stm32_gpio *gpio = &soc->gpio[port];
    const uint32_t levels = levels_of(soc, port), changed = levels ^ gpio->before;
    gpio->before = levels;
    for (unsigned pin = 0; pin < 16; pin++)
        for (struct stm32_ear *ear = soc->ears; ear && changed >> pin & 1u; ear = ear->next)
            ear->run(ear->ctx, port, pin, levels >> pin & 1u);
}

void stm32_pin_drive(struct stm32 *soc, unsigned port, unsigned pin, bool level)
{
    struct stm32_gpio *gpio = &soc->gpio[port];
    gpio->driven |= 1u << pin;
    gpio->outside = (gpio->outside & ~(1u << pin)) | (uint32_t)level << pin;
    tell_changes(soc, port);
}

void stm32_listen(struct stm32 *soc, struct stm32_ear *ear)
{
    ear->next = soc->ears;
    soc->ears = ear;
}

unsigned stm32_pin_speed(const struct stm32 *soc, unsigned port, unsigned pin)
{
    return port_reg(soc, port, OSPEEDR) >> (2u * pin) & 3u;
}

bool stm32_pin_is(struct stm32 *soc, const struct stm32_pin *pin, const char *user)
{
    const unsigned mode = mode_of(soc, pin->port, pin->pin);
    const unsigned function =
        port_reg(soc, pin->port, AFR + 4u * (pin->pin / 8u)) >> (4u * (pin->pin % 8u)) & 0xfu;
    if (!has_power(soc, pin->port, pin->pin))
        twin_fault(soc->twin, "%s, but P%c%u has no power: PWR.SVMCR.IO2SV is 0", user,
                   'A' + (char)pin->port, pin->pin);
    else if (mode != ALTERNATE)
        twin_fault(soc->twin, "%s, but P%c%u is in mode %u, not alternate", user,
                   'A' + (char)pin->port, pin->pin, mode);
    else if (function != pin->function)
        twin_fault(soc->twin, "%s, but P%c%u has function AF%u, not AF%u", user,
                   'A' + (char)pin->port, pin->pin, function, pin->function);
    else
        return true;
    return false;
}

/* ---- registers ---- */

/* Pins without power are used, by being read or driven. */
static void check_power(struct stm32 *soc, unsigned port, const char *what)
{
    for (unsigned pin = 2; pin < 16 && port == PORT_G; pin++) {
        const unsigned mode = mode_of(soc, port, pin);
        if ((mode == INPUT || mode == OUTPUT) && !has_power(soc, port, pin)) {
            twin_fault(soc->twin, "the program %s PG%u, which has no power: PWR.SVMCR.IO2SV is 0",
                       what, pin);
            return;
        }
    }
}

static uint32_t gpio_read(struct device *device, uint32_t offset, uint32_t value)
{
    struct stm32 *soc = stm32_of(device);
    const unsigned port = ((struct stm32_gpio *)device)->port;
    if (offset == SECCFGR && !stm32_has_two_worlds(soc))
        return 0;
    if (offset != IDR)
        return value;
    check_power(soc, port, "reads");
    return levels_of(soc, port);
}

static void gpio_write(struct device *device, uint32_t offset, uint32_t old, uint32_t value)
{
    struct stm32 *soc = stm32_of(device);
    const unsigned port = ((struct stm32_gpio *)device)->port;
    uint32_t *out = device_reg(device, ODR);
    (void)old;
    if (offset == BSRR)
        *out = (*out & ~(value >> 16)) | (value & 0xffffu);
    if (offset == BRR)
        *out &= ~value;
    if (offset == BSRR || offset == BRR || offset == ODR)
        check_power(soc, port, "drives");
    tell_changes(soc, port);
}

static bool gpio_allow(struct device *device, const struct reg *reg, uint32_t value)
{
    (void)value;
    return reg->offset != SECCFGR || stm32_wants_two_worlds(stm32_of(device), "GPIO.SECCFGR");
}

/* `width` bits for each pin, from `first` on. */
static uint32_t fields(uint32_t pins, unsigned first, unsigned width)
{
    uint32_t bits = 0;
    for (unsigned i = 0; i < 32u / width && first + i < 16u; i++)
        if (pins >> (first + i) & 1u)
            bits |= ((1u << width) - 1u) << (width * i);
    return bits;
}

static uint32_t gpio_shows(struct stm32 *soc, const struct stm32_module *module, uint32_t offset)
{
    const uint32_t pins = ~module->device.values[SECCFGR / 4u] & 0xffffu;
    (void)soc;
    switch (offset) {
    case MODER:
    case OSPEEDR:
    case PUPDR:
        return fields(pins, 0, 2);
    case AFR:
    case AFR + 4u:
        return fields(pins, 2u * (offset - AFR), 4);
    case SECCFGR:
        return 0;
    default:
        return pins | pins << 16;
    }
}

static void gpio_reset(struct device *device, enum twin_reset reset)
{
    (void)reset;
    tell_changes(stm32_of(device), ((struct stm32_gpio *)device)->port);
}

void stm32_gpio_start(struct stm32 *soc)
{
    static const char *const names[STM32_PORTS] = {"GPIOA", "GPIOB", "GPIOC", "GPIOD", "GPIOE",
                                                   "GPIOF", "GPIOG", "GPIOH", "GPIOI"};
    for (unsigned port = 0; port < STM32_PORTS; port++) {
        struct stm32_module *module = &soc->gpio[port].module;
        soc->gpio[port].port = port;
        module->device = (struct device){.name = names[port],
                                         .base = 0x42020000u + 0x400u * port,
                                         .size = 0x400u,
                                         .regs = port == 0   ? a_regs
                                                 : port == 1 ? b_regs
                                                             : other_regs,
                                         .reg_count = sizeof a_regs / sizeof *a_regs,
                                         .narrow = true,
                                         .read = gpio_read,
                                         .write = gpio_write,
                                         .allow = gpio_allow,
                                         .reset = gpio_reset};
        module->shows = gpio_shows;
        module->gate = (struct stm32_bit){0x08c, (uint8_t)port};
        module->reset = (struct stm32_bit){0x064, (uint8_t)port};
        stm32_add(soc, module);
    }
}
