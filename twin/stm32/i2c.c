/* I2C; see i2c.h. */
#include "twin/stm32/i2c.h"

#include <string.h>

#define CR1     0x00u
#define CR2     0x04u
#define TIMINGR 0x10u
#define ISR     0x18u
#define ICR     0x1cu
#define RXDR    0x24u
#define TXDR    0x28u

#define PE        0x1u
#define FILTERS   0x1f00u
#define SADD      0x3ffu
#define RD_WRN    0x400u
#define START     0x2000u
#define STOP      0x4000u
#define NBYTES    0xff0000u
#define AUTOEND   0x2000000u
#define CR2_KNOWN (SADD | RD_WRN | START | STOP | NBYTES | AUTOEND)

#define TXE     0x01u
#define TXIS    0x02u
#define RXNE    0x04u
#define NACKF   0x10u
#define STOPF   0x20u
#define TC      0x40u
#define BUSY    0x8000u
#define CLEARED (NACKF | STOPF | 0x3f08u) /* by ICR */

#define OTYPER 0x04u

static const struct reg i2c_regs[] = {
    {"CR1", CR1, PE | FILTERS, 0, 0, 0, 0},
    {"CR2", CR2, CR2_KNOWN & ~(START | STOP), 0, 0, 0, 0},
    {"TIMINGR", TIMINGR, 0xf0ffffff, 0, 0, 0, 0},
    {"ISR", ISR, 0, 0, TXE, 0, 0},
    {"ICR", ICR, 0, 0, 0, 0, 0},
    {"RXDR", RXDR, 0, 0, 0, 0, 0},
    {"TXDR", TXDR, 0xff, 0, 0, 0, 0},
};

static uint32_t *reg_of(struct stm32_i2c *i2c, uint32_t offset)
{
    return device_reg(&i2c->module.device, offset);
}

static struct twin *twin_of(struct stm32_i2c *i2c)
{
    return i2c->module.soc->twin;
}

static uint32_t kernel_hz(struct stm32_i2c *i2c)
{
    static const enum stm32_clock clocks[] = {STM32_PCLK1, STM32_SYSCLK, STM32_HSI, STM32_MSIK};
    return stm32_clock_hz(i2c->module.soc, clocks[stm32_rcc(i2c->module.soc, 0xe0) >> 12 & 3u]);
}

/* Without the synchronisation, which makes it a little slower. */
static uint32_t scl_hz(struct stm32_i2c *i2c)
{
    const uint32_t timing = *reg_of(i2c, TIMINGR);
    const uint32_t low = (timing & 0xffu) + 1u, high = (timing >> 8 & 0xffu) + 1u;
    return kernel_hz(i2c) / (((timing >> 28) + 1u) * (low + high));
}

static void take_clocks(struct stm32_i2c *i2c, enum stm32_i2c_phase phase, unsigned clocks)
{
    i2c->phase = phase;
    twin_timer_set(twin_of(i2c), &i2c->done,
                   twin_now(twin_of(i2c)) + clocks * 1000000000ull / scl_hz(i2c) + 1u);
}

/* ---- a transfer ---- */

static struct i2c_slave *find(struct stm32_i2c *i2c)
{
    const uint32_t address = (*reg_of(i2c, CR2) & SADD) >> 1;
    for (struct i2c_slave *slave = i2c->slaves; slave; slave = slave->next)
        if (slave->address == address && !slave->absent)
            return slave;
    return NULL;
}

static void refuse(struct stm32_i2c *i2c)
{
    *reg_of(i2c, ISR) |= NACKF;
    take_clocks(i2c, I2C_STOPS, 1);
}

static void want_byte(struct stm32_i2c *i2c)
{
    i2c->phase = I2C_WANTS_BYTE;
    *reg_of(i2c, ISR) |= TXIS | TXE;
}

static void finish(struct stm32_i2c *i2c)
{
    if (*reg_of(i2c, CR2) & AUTOEND) {
        take_clocks(i2c, I2C_STOPS, 1);
        return;
    }
    i2c->phase = I2C_COMPLETE;
    *reg_of(i2c, ISR) |= TC;
}

static void on_address(struct stm32_i2c *i2c)
{
    const bool reads = *reg_of(i2c, CR2) & RD_WRN;
    i2c->slave = find(i2c);
    if (!i2c->slave) {
        refuse(i2c);
        return;
    }
    if (scl_hz(i2c) > i2c->slave->hz_max)
        twin_fault(twin_of(i2c), "I2C2 runs at %u Hz, and the device at 0x%02x goes to %u",
                   scl_hz(i2c), i2c->slave->address, i2c->slave->hz_max);
    i2c->slave->begin(i2c->slave->ctx, reads);
    if (reads)
        take_clocks(i2c, I2C_RECEIVES, 9);
    else
        want_byte(i2c);
}

static void on_sent(struct stm32_i2c *i2c)
{
    i2c->left--;
    if (!i2c->slave->put(i2c->slave->ctx, (uint8_t)*reg_of(i2c, TXDR)))
        refuse(i2c);
    else if (i2c->left == 0)
        finish(i2c);
    else
        want_byte(i2c);
}

static void on_received(struct stm32_i2c *i2c)
{
    *reg_of(i2c, RXDR) = i2c->slave->get(i2c->slave->ctx);
    *reg_of(i2c, ISR) |= RXNE;
    if (--i2c->left == 0)
        finish(i2c);
    else
        i2c->phase = I2C_HAS_BYTE; /* SCL is low until it has been read */
}

static void let_go(struct stm32_i2c *i2c)
{
    if (i2c->slave)
        i2c->slave->end(i2c->slave->ctx);
    i2c->slave = NULL;
    i2c->phase = I2C_IDLE;
}

static void on_done(void *ctx)
{
    struct stm32_i2c *i2c = ctx;
    switch (i2c->phase) {
    case I2C_ADDRESSES:
        on_address(i2c);
        break;
    case I2C_SENDS:
        on_sent(i2c);
        break;
    case I2C_RECEIVES:
        on_received(i2c);
        break;
    case I2C_STOPS:
        let_go(i2c);
        *reg_of(i2c, ISR) = (*reg_of(i2c, ISR) & ~BUSY) | STOPF;
        break;
    default:
        break;
    }
}

static bool pins_are_right(struct stm32_i2c *i2c)
{
    struct stm32 *soc = i2c->module.soc;
    for (unsigned i = 0; i < STM32_I2C_PINS; i++) {
        const struct stm32_pin *pin = &i2c->pins[i];
        if (!stm32_pin_is(soc, pin, "I2C2 works"))
            return false;
        if (!(soc->gpio[pin->port].module.device.values[OTYPER / 4u] >> pin->pin & 1u)) {
            twin_fault(soc->twin, "I2C2 works, but P%c%u is not open drain", 'A' + (char)pin->port,
                       pin->pin);
            return false;
        }
    }
    return true;
}

static void start(struct stm32_i2c *i2c)
{
    uint32_t *flags = reg_of(i2c, ISR);
    if (kernel_hz(i2c) == 0) {
        twin_fault(twin_of(i2c), "I2C2 starts from a clock that does not run (CCIPR1)");
        return;
    }
    if (!pins_are_right(i2c))
        return;
    i2c->left = *reg_of(i2c, CR2) >> 16 & 0xffu;
    *flags = (*flags & ~TC) | BUSY;
    if (i2c->held == 0) /* else it waits for the bus */
        take_clocks(i2c, I2C_ADDRESSES, 10);
}

/* ---- registers ---- */

static const char *wrong_control(struct stm32_i2c *i2c, uint32_t value)
{
    if (value & ~CR2_KNOWN)
        return "with bits that are not modelled";
    if (value & SADD & ~0xfeu)
        return "with an address of other than 7 bits, at 1 to 7";
    if (!(*reg_of(i2c, CR1) & PE))
        return "while PE is 0";
    if (value & STOP)
        return "with STOP, which is not modelled beside AUTOEND";
    if (i2c->phase != I2C_IDLE && i2c->phase != I2C_COMPLETE)
        return "in the middle of a transfer";
    if (value & START && !(value & NBYTES))
        return "for no bytes, which is not modelled";
    return NULL;
}

static bool i2c_allow(struct device *device, const struct reg *reg, uint32_t value)
{
    struct stm32_i2c *i2c = (struct stm32_i2c *)device;
    const char *wrong = reg->offset == CR2 ? wrong_control(i2c, value) : NULL;
    if (wrong)
        twin_fault(device->twin, "the program writes I2C2.CR2 %s", wrong);
    else if (reg->offset == CR1 && value & ~(PE | FILTERS))
        twin_fault(device->twin, "I2C2.CR1 other than PE and filters is not modelled");
    else if (reg->offset == TIMINGR && *reg_of(i2c, CR1) & PE)
        twin_fault(device->twin, "the program writes I2C2.TIMINGR while PE is 1");
    else if (reg->offset == TXDR && i2c->phase != I2C_WANTS_BYTE)
        twin_fault(device->twin, "the program writes I2C2.TXDR while TXIS is 0");
    else
        return true;
    return false;
}

static uint32_t i2c_read(struct device *device, uint32_t offset, uint32_t value)
{
    struct stm32_i2c *i2c = (struct stm32_i2c *)device;
    if (offset != RXDR)
        return value;
    if (!(*reg_of(i2c, ISR) & RXNE))
        twin_fault(device->twin, "the program reads I2C2.RXDR while RXNE is 0");
    *reg_of(i2c, ISR) &= ~RXNE;
    if (i2c->phase == I2C_HAS_BYTE)
        take_clocks(i2c, I2C_RECEIVES, 9);
    return value;
}

static void switch_off(struct stm32_i2c *i2c)
{
    twin_timer_set(twin_of(i2c), &i2c->done, TWIN_NEVER);
    let_go(i2c);
    *reg_of(i2c, ISR) = TXE;
}

static void i2c_write(struct device *device, uint32_t offset, uint32_t old, uint32_t value)
{
    struct stm32_i2c *i2c = (struct stm32_i2c *)device;
    (void)old;
    if (offset == CR1 && !(value & PE))
        switch_off(i2c);
    else if (offset == CR2 && value & START)
        start(i2c);
    else if (offset == ICR)
        *reg_of(i2c, ISR) &= ~(value & CLEARED);
    else if (offset == ISR && value & TXE)
        *reg_of(i2c, ISR) = (*reg_of(i2c, ISR) & ~TXIS) | TXE;
    else if (offset == TXDR) {
        *reg_of(i2c, ISR) &= ~(TXIS | TXE);
        take_clocks(i2c, I2C_SENDS, 9);
    }
}

static void i2c_reset(struct device *device, enum twin_reset reset)
{
    struct stm32_i2c *i2c = (struct stm32_i2c *)device;
    (void)reset;
    twin_timer_set(twin_of(i2c), &i2c->done, TWIN_NEVER);
    let_go(i2c);
}

/* ---- the board ---- */

static void on_pin(void *ctx, unsigned port, unsigned pin, bool level)
{
    struct stm32_i2c *i2c = ctx;
    const struct stm32_pin *scl = &i2c->pins[STM32_SCL], *sda = &i2c->pins[STM32_SDA];
    if (i2c->held == 0 || port != scl->port || pin != scl->pin || !level)
        return;
    if (--i2c->held == 0)
        stm32_pin_drive(i2c->module.soc, sda->port, sda->pin, true);
}

void stm32_i2c_connect(struct stm32_i2c *i2c, const struct stm32_pin pins[STM32_I2C_PINS])
{
    memcpy(i2c->pins, pins, sizeof i2c->pins);
    for (unsigned i = 0; i < STM32_I2C_PINS; i++)
        stm32_pin_drive(i2c->module.soc, pins[i].port, pins[i].pin, true);
    i2c->ear = (struct stm32_ear){.run = on_pin, .ctx = i2c};
    stm32_listen(i2c->module.soc, &i2c->ear);
}

void stm32_i2c_add(struct stm32_i2c *i2c, struct i2c_slave *slave)
{
    slave->next = i2c->slaves;
    i2c->slaves = slave;
}

void stm32_i2c_hold(struct stm32_i2c *i2c, unsigned clocks)
{
    const struct stm32_pin *sda = &i2c->pins[STM32_SDA];
    i2c->held = clocks;
    stm32_pin_drive(i2c->module.soc, sda->port, sda->pin, clocks == 0);
}

void stm32_i2c_start(struct stm32 *soc)
{
    struct stm32_i2c *i2c = soc->i2c = stm32_alloc(soc, sizeof *i2c);
    i2c->done = (struct twin_timer){.run = on_done, .ctx = i2c};
    i2c->module = (struct stm32_module){.gate = {0x9c, 22}, .reset = {0x74, 22}};
    i2c->module.device = (struct device){.name = "I2C2",
                                         .base = 0x40005800u,
                                         .size = 0x400u,
                                         .regs = i2c_regs,
                                         .reg_count = sizeof i2c_regs / sizeof *i2c_regs,
                                         .read = i2c_read,
                                         .write = i2c_write,
                                         .allow = i2c_allow,
                                         .reset = i2c_reset};
    stm32_add(soc, &i2c->module);
}
