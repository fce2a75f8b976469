/* GPIO: modes and levels of pins; interrupts of pins are not modelled. */
#include "twin/nuvoton/nuvoton.h"

#define MODE    0x00u
#define DINOFF  0x04u
#define DOUT    0x08u
#define DATMSK  0x0cu
#define PIN     0x10u
#define SLEWCTL 0x28u
#define PUSEL   0x30u
#define WORDS   0x800u

#define MODE_INPUT 0u

#define PORT_REGS(port, at)                                                                        \
    {"P" port "_MODE", (at) + MODE, 0xffffffff, 0, 0, 0, 0},                                       \
        {"P" port "_DINOFF", (at) + DINOFF, 0xffff0000, 0, 0, 0, 0},                               \
        {"P" port "_DOUT", (at) + DOUT, 0xffff, 0, 0xffff, 0, 0},                                  \
        {"P" port "_DATMSK", (at) + DATMSK, 0xffff, 0, 0, 0, 0},                                   \
        {"P" port "_PIN", (at) + PIN, 0, 0, 0, 0, 0},                                              \
        {"P" port "_SMTEN", (at) + 0x24, 0xffff, 0, 0, 0, 0},                                      \
        {"P" port "_SLEWCTL", (at) + 0x28, 0xffffffff, 0, 0, 0, 0},                                \
    {                                                                                              \
        "P" port "_PUSEL", (at) + 0x30, 0xffffffff, 0, 0, 0, 0                                     \
    }

static const struct reg gpio_regs[] = {
    PORT_REGS("A", 0x000),
    PORT_REGS("B", 0x040),
    PORT_REGS("C", 0x080),
    PORT_REGS("D", 0x0c0),
    PORT_REGS("E", 0x100),
    PORT_REGS("F", 0x140),
    PORT_REGS("G", 0x180),
    PORT_REGS("H", 0x1c0),
    PORT_REGS("I", 0x200),
    PORT_REGS("J", 0x240),
    {"PIN_DATA", WORDS, 1, 0, 0, 160, 0},
};

static struct nuvoton *soc_of(struct device *device)
{
    return (struct nuvoton *)((char *)device - offsetof(struct nuvoton, gpio));
}

static uint32_t port_reg(const struct nuvoton *soc, unsigned port, uint32_t offset)
{
    return soc->gpio.values[(0x40u * port + offset) / 4u];
}

static bool is_input(const struct nuvoton *soc, unsigned port, unsigned pin)
{
    return (port_reg(soc, port, MODE) >> (2u * pin) & 3u) == MODE_INPUT;
}

/* The pin's level: of an output what it drives, of an input what comes from outside. */
static bool level_of(const struct nuvoton *soc, unsigned port, unsigned pin)
{
    const uint32_t source =
        is_input(soc, port, pin) ? soc->inputs[port] : port_reg(soc, port, DOUT);
    return source >> pin & 1u;
}

static uint32_t levels_of(const struct nuvoton *soc, unsigned port)
{
    uint32_t levels = 0;
    for (unsigned pin = 0; pin < 16; pin++)
        levels |= (uint32_t)level_of(soc, port, pin) << pin;
    return levels;
}

static unsigned port_of(uint32_t offset)
{
    return offset >= WORDS ? (offset - WORDS) / 0x40u : offset / 0x40u;
}

static bool port_answers(struct nuvoton *soc, unsigned port)
{
    const struct nuvoton_bit gate = {port < 8 ? 0x004 : 0x058,
                                     (uint8_t)(24u + (port < 8 ? port : port - 8u))};
    if (port >= soc->part->ports)
        twin_fault(soc->twin, "%s has no port P%c", soc->part->name, 'A' + (char)port);
    else if (soc->part->gpio_gated && !clock_gate(soc, gate))
        twin_fault(soc->twin, "the program uses P%c while its clock is off", 'A' + (char)port);
    else
        return true;
    return false;
}

/* A row of registers is asked for by its first one: the rows here are the pins' words, whose port
 * gpio_write checks. */
static bool gpio_allow(struct device *device, const struct reg *reg, uint32_t value)
{
    struct nuvoton *soc = soc_of(device);
    (void)value;
    return reg->offset >= WORDS || port_answers(soc, port_of(reg->offset));
}

static uint32_t gpio_read(struct device *device, uint32_t offset, uint32_t value)
{
    struct nuvoton *soc = soc_of(device);
    if (!port_answers(soc, port_of(offset)))
        return 0;
    if (offset >= WORDS)
        return level_of(soc, port_of(offset), (offset - WORDS) % 0x40u / 4u);
    return offset % 0x40u == PIN ? levels_of(soc, port_of(offset)) : value;
}

static void tell_changes(struct nuvoton *soc, unsigned port)
{
    const uint32_t levels = levels_of(soc, port), changed = levels ^ soc->levels_before[port];
    soc->levels_before[port] = levels;
    for (unsigned pin = 0; pin < 16; pin++)
        if (soc->on_pin && changed >> pin & 1u)
            soc->on_pin(soc->pin_ctx, port, pin, level_of(soc, port, pin));
}

static void gpio_write(struct device *device, uint32_t offset, uint32_t old, uint32_t value)
{
    struct nuvoton *soc = soc_of(device);
    const unsigned port = port_of(offset);
    if (!port_answers(soc, port))
        return;
    if (offset >= WORDS) {
        const unsigned pin = (offset - WORDS) % 0x40u / 4u;
        uint32_t *out = device_reg(device, 0x40u * port + DOUT);
        *out = (*out & ~(1u << pin)) | (value & 1u) << pin;
    } else if (offset % 0x40u == DOUT) {
        const uint32_t kept = port_reg(soc, port, DATMSK);
        *device_reg(device, offset) = (old & kept) | (value & 0xffffu & ~kept);
    }
    tell_changes(soc, port);
}

unsigned pin_slew(const struct nuvoton *soc, unsigned port, unsigned pin)
{
    return port_reg(soc, port, SLEWCTL) >> (2u * pin) & 3u;
}

bool pin_is_held_high(const struct nuvoton *soc, unsigned port, unsigned pin)
{
    if (pin_function(soc, port, pin) != 0)
        return false;
    if (is_input(soc, port, pin))
        return (port_reg(soc, port, PUSEL) >> (2u * pin) & 3u) == 1;
    return port_reg(soc, port, DOUT) >> pin & 1u;
}

bool flash_is_wired(struct nuvoton *soc, const char *controller, unsigned function)
{
    const struct nuvoton_flash_pins *flash = &soc->flash_pins;
    if (!soc->nor || function == 0) {
        twin_fault(soc->twin, "%s reaches no flash on this board", controller);
        return false;
    }
    for (unsigned i = 0; i < 4; i++) {
        const struct nuvoton_pin *pin = &flash->pins[i];
        if (pin_function(soc, pin->port, pin->pin) == function)
            continue;
        twin_fault(soc->twin, "%s works, but P%c%u has function %u, not %u", controller,
                   'A' + (char)pin->port, pin->pin, pin_function(soc, pin->port, pin->pin),
                   function);
        return false;
    }
    for (unsigned i = 0; i < 2; i++)
        if (!pin_is_held_high(soc, flash->high[i].port, flash->high[i].pin)) {
            twin_fault(soc->twin,
                       "%s works, but P%c%u (WP or HOLD of the flash) is not driven high",
                       controller, 'A' + (char)flash->high[i].port, flash->high[i].pin);
            return false;
        }
    return true;
}

static void gpio_reset(struct device *device, enum twin_reset reset)
{
    struct nuvoton *soc = soc_of(device);
    (void)reset;
    for (unsigned port = 0; port < NUVOTON_PORTS; port++)
        tell_changes(soc, port);
}

static const char *gpio_deaf(struct device *device)
{
    const struct nuvoton_bit always = {0};
    return module_deaf(soc_of(device), device, always);
}

void gpio_start(struct nuvoton *soc)
{
    soc->gpio = (struct device){.name = "GPIO",
                                .base = 0x40004000u,
                                .size = 0x1000u,
                                .regs = gpio_regs,
                                .reg_count = sizeof gpio_regs / sizeof *gpio_regs,
                                .read = gpio_read,
                                .write = gpio_write,
                                .allow = gpio_allow,
                                .reset = gpio_reset,
                                .deaf = gpio_deaf};
    for (unsigned port = 0; port < NUVOTON_PORTS; port++)
        soc->inputs[port] = soc->levels_before[port] = 0xffffu;
    module_add(soc, &soc->gpio, (struct nuvoton_bit){0x00c, 1});
}
