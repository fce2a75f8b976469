/* The steps follow the flags of ISR; see i2c.h. */
#include "ports/stm32/i2c.h"

#include "boards/map.h"
#include "ports/stm32/clock.h"
#include "ports/stm32/stm32.h"

#define I2C_CR1     REG32(I2C2_BASE + 0x00u)
#define I2C_CR2     REG32(I2C2_BASE + 0x04u)
#define I2C_TIMINGR REG32(I2C2_BASE + 0x10u)
#define I2C_ISR     REG32(I2C2_BASE + 0x18u)
#define I2C_ICR     REG32(I2C2_BASE + 0x1cu)
#define I2C_RXDR    REG32(I2C2_BASE + 0x24u)
#define I2C_TXDR    REG32(I2C2_BASE + 0x28u)

#define CR1_ENABLE      1u
#define CR2_READ        (1u << 10)
#define CR2_START       (1u << 13)
#define CR2_COUNT(n)    ((uint32_t)(n) << 16)
#define CR2_AUTOEND     (1u << 25)
#define CR2_ADDRESS(a)  ((uint32_t)(a) << 1)
#define ISR_EMPTY       (1u << 0) /* TXE; written, it throws away what was not sent */
#define ISR_WANTS_BYTE  (1u << 1) /* TXIS */
#define ISR_HAS_BYTE    (1u << 2) /* RXNE */
#define ISR_NACK        (1u << 4)
#define ISR_STOP        (1u << 5)
#define ISR_COMPLETE    (1u << 6) /* TC: the address and register are out, without a STOP */
#define ISR_ERRORS      (7u << 8) /* bus error, arbitration lost, overrun */
#define TIMING_100_KHZ  0x30420f13u
#define STILL_MS_MAX    50u
#define STILL_STEPS_MAX 50u /* as well: `now` may be older than what the loop did in this turn */
#define HALF_CLOCKS_MAX 18u /* a byte and its acknowledge */

#define PLACE(...)                  PLACE_(__VA_ARGS__)
#define PLACE_(port, pin, function) port, pin
#define PORT(...)                   PORT_(__VA_ARGS__)
#define PORT_(port, pin, function)  port
#define BIT(...)                    BIT_(__VA_ARGS__)
#define BIT_(port, pin, function)   (1u << (pin))

static struct {
    uint8_t *in; /* NULL: the transfer writes */
    otter_ms moved;
    unsigned still; /* steps since then */
    uint8_t address, reg, value, size, at;
    uint8_t half_clocks; /* left, while the bus is clocked free */
    bool frees, started, refused;
} bus;

/* The pins become outputs with open drains, which the bus's pull-ups or others may move. */
static void begin_free(void)
{
    I2C_CR1 = 0;
    pin_output(PLACE(BOARD_I2C_SCL), true);
    pin_output(PLACE(BOARD_I2C_SDA), true);
    bus.half_clocks = HALF_CLOCKS_MAX;
    bus.frees = true;
}

/* Half a clock in each turn, until SDA is let go. */
static void step_free(void)
{
    const bool scl_is_high = bus.half_clocks % 2u == 0;
    if (scl_is_high && (bus.half_clocks == 0 || pin_is_high(PLACE(BOARD_I2C_SDA)))) {
        pin_alternate(BOARD_I2C_SCL);
        pin_alternate(BOARD_I2C_SDA);
        I2C_CR1 = CR1_ENABLE;
        bus.frees = false;
        return;
    }
    pin_set(PLACE(BOARD_I2C_SCL), !scl_is_high);
    bus.half_clocks--;
}

void i2c_start(void)
{
    RCC_CR |= RCC_HSION; /* the same whatever the core's clock is */
    (void)clock_wait_flag(&RCC_CR, RCC_HSIRDY);
    RCC_CCIPR1 = (RCC_CCIPR1 & ~RCC_I2C2SEL) | RCC_I2C2SEL_HSI16;
    RCC_APB1ENR |= RCC_APB1_I2C2;
    (void)RCC_APB1ENR;
    I2C_CR1 = 0;
    I2C_TIMINGR = TIMING_100_KHZ;
    RCC_AHB2ENR |= RCC_AHB2_GPIO(PORT(BOARD_I2C_SCL)) | RCC_AHB2_GPIO(PORT(BOARD_I2C_SDA));
    (void)RCC_AHB2ENR;
    GPIO_OTYPER(PORT(BOARD_I2C_SCL)) |= BIT(BOARD_I2C_SCL);
    GPIO_OTYPER(PORT(BOARD_I2C_SDA)) |= BIT(BOARD_I2C_SDA);
    begin_free();
}

static void ask(otter_ms now, uint8_t address, uint8_t reg)
{
    bus.address = address;
    bus.reg = reg;
    bus.at = 0;
    bus.started = bus.refused = false;
    bus.still = 0;
    bus.moved = now;
}

void i2c_read(otter_ms now, uint8_t address, uint8_t reg, uint8_t *data, uint8_t size)
{
    ask(now, address, reg);
    bus.in = data;
    bus.size = size;
}

void i2c_write(otter_ms now, uint8_t address, uint8_t reg, uint8_t value)
{
    ask(now, address, reg);
    bus.in = NULL;
    bus.value = value;
    bus.size = 2;
}

/* ---- steps ---- */

/* The register's number, behind which a read goes on with a second START. */
static void begin(void)
{
    const uint32_t size = bus.in ? CR2_COUNT(1) : CR2_COUNT(2) | CR2_AUTOEND;
    I2C_CR2 = CR2_ADDRESS(bus.address) | size | CR2_START;
    bus.started = true;
}

static void turn_round(void)
{
    I2C_CR2 = CR2_ADDRESS(bus.address) | CR2_READ | CR2_COUNT(bus.size) | CR2_AUTOEND | CR2_START;
}

static void put_byte(void)
{
    I2C_TXDR = bus.in || bus.at == 0 ? bus.reg : bus.value;
    if (!bus.in)
        bus.at++;
}

static void take_byte(void)
{
    const uint8_t byte = (uint8_t)I2C_RXDR;
    if (bus.in && bus.at < bus.size)
        bus.in[bus.at++] = byte;
}

/* The peripheral sends the STOP by itself. */
static void note_refusal(void)
{
    I2C_ICR = ISR_NACK;
    I2C_ISR = ISR_EMPTY;
    bus.refused = true;
}

static otter_status end(void)
{
    I2C_ICR = ISR_STOP;
    if (bus.refused)
        return OTTER_E_NOT_FOUND;
    return bus.at == bus.size ? OTTER_OK : OTTER_E_IO;
}

static otter_status give_up(otter_status status)
{
    begin_free();
    return status;
}

otter_status i2c_step(otter_ms now)
{
    if (bus.frees) {
        step_free();
        bus.moved = now;
        return OTTER_E_AGAIN;
    }
    const uint32_t flags = I2C_ISR;
    if (flags & ISR_ERRORS)
        return give_up(OTTER_E_IO);
    if (!bus.started)
        begin();
    else if (flags & ISR_NACK)
        note_refusal();
    else if (flags & ISR_HAS_BYTE)
        take_byte();
    else if (flags & ISR_STOP)
        return end();
    else if (flags & ISR_WANTS_BYTE)
        put_byte();
    else if (flags & ISR_COMPLETE)
        turn_round();
    else
        return ++bus.still > STILL_STEPS_MAX && now - bus.moved > STILL_MS_MAX
                   ? give_up(OTTER_E_TIMEOUT)
                   : OTTER_E_AGAIN;
    bus.moved = now;
    bus.still = 0;
    return OTTER_E_AGAIN;
}
