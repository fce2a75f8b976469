/* QSPI0 as a plain SPI master of 8 bits, with the board's SPI flash behind it. More data lines,
 * slave mode and interrupts are not modelled. */
#include <string.h>

#include "twin/nuvoton/nuvoton.h"

#define CTL     0x00u
#define CLKDIV  0x04u
#define SSCTL   0x08u
#define FIFOCTL 0x10u
#define STATUS  0x14u
#define TX      0x20u
#define RX      0x30u

#define SPIEN  1u
#define RXNEG  2u
#define TXNEG  4u
#define CLKPOL 8u
#define DWIDTH 0x1f00u
#define LSB    0x2000u
#define OTHERS 0x00ffc000u /* half duplex, two and four lines, slave, ... */

#define SS      1u
#define POL     4u
#define AUTOSS  8u
#define RXFLUSH 0x101u
#define TXFLUSH 0x202u
#define IENS    0xfcu

#define RXOVIF 0x800u

#define DEPTH 8u

static const struct reg qspi_regs[] = {
    {"CTL", CTL, 0x00ffffff, 0, 0x34, 0, 0},
    {"CLKDIV", CLKDIV, 0x1ff, 0, 0, 0, 0},
    {"SSCTL", SSCTL, 0x300d, 0, 0, 0, 0},
    {"FIFOCTL", FIFOCTL, 0x77000000, 0, 0x44000000, 0, 0},
    {"STATUS", STATUS, 0, RXOVIF | 0x0e, 0, 0, 0},
    {"TX", TX, 0, 0, 0, 0, 0},
    {"RX", RX, 0, 0, 0, 0, 0},
};

struct qspi {
    struct device device;
    struct nuvoton *soc;
    struct twin_timer sent;
    twin_ns steady_at; /* when SPIENSTS follows SPIEN */
    uint8_t tx[DEPTH], rx[DEPTH];
    unsigned tx_count, rx_count;
};

static uint32_t sclk_hz(struct qspi *qspi)
{
    static const struct nuvoton_field select = {0x018, 2, 2};
    static const enum nuvoton_clock clocks[] = {CLOCK_HXT, CLOCK_PLL, CLOCK_PCLK, CLOCK_HIRC};
    const uint32_t chosen = clock_field(qspi->soc, select);
    uint32_t hz = clock_hz(qspi->soc, clocks[chosen]);
    if (chosen == 1 && qspi->soc->part->pll_halved)
        hz /= 2u;
    return hz / (*device_reg(&qspi->device, CLKDIV) + 1u);
}

static bool is_on(struct qspi *qspi)
{
    const bool wanted = *device_reg(&qspi->device, CTL) & SPIEN;
    return wanted && twin_now(qspi->soc->twin) >= qspi->steady_at;
}

/* ---- bytes ---- */

static const char *what_is_wrong(struct qspi *qspi)
{
    const uint32_t control = *device_reg(&qspi->device, CTL);
    const uint32_t edges = control & (RXNEG | TXNEG | CLKPOL);
    if (edges != TXNEG && edges != (RXNEG | CLKPOL))
        return "in neither of the flash's SPI modes 0 and 3 (CTL.CLKPOL, TXNEG, RXNEG)";
    if ((control & DWIDTH) != 0x800u || control & (LSB | OTHERS))
        return "other than by 8 bits, the highest first, full duplex, on one line (CTL)";
    if (sclk_hz(qspi) == 0)
        return "from a clock that does not run (CLKSEL2.QSPI0SEL)";
    return NULL;
}

static void send_next(struct qspi *qspi)
{
    if (qspi->sent.queued || qspi->tx_count == 0 || !is_on(qspi))
        return;
    const char *wrong = what_is_wrong(qspi);
    if (wrong)
        twin_fault(qspi->soc->twin, "QSPI0 sends %s", wrong);
    else if (flash_is_wired(qspi->soc, "QSPI0", qspi->soc->flash_pins.qspi_function))
        twin_timer_set(qspi->soc->twin, &qspi->sent,
                       twin_now(qspi->soc->twin) + 8000000000ull / sclk_hz(qspi) + 1u);
}

static void on_sent(void *ctx)
{
    struct qspi *qspi = ctx;
    const uint8_t got = spi_nor_exchange(qspi->soc->nor, qspi->tx[0], sclk_hz(qspi));
    memmove(qspi->tx, qspi->tx + 1, --qspi->tx_count);
    if (qspi->rx_count < DEPTH)
        qspi->rx[qspi->rx_count++] = got;
    else
        *device_reg(&qspi->device, STATUS) |= RXOVIF; /* the byte is lost */
    send_next(qspi);
}

static void put(struct qspi *qspi, uint8_t byte)
{
    if (qspi->tx_count == DEPTH) {
        twin_fault(qspi->soc->twin, "the program writes QSPI0.TX while TXFULL is 1");
        return;
    }
    if (!is_on(qspi))
        twin_fault(qspi->soc->twin, "the program writes QSPI0.TX before SPIENSTS is 1");
    qspi->tx[qspi->tx_count++] = byte;
    send_next(qspi);
}

static uint32_t take(struct qspi *qspi)
{
    if (qspi->rx_count == 0) {
        twin_fault(qspi->soc->twin, "the program reads QSPI0.RX while RXEMPTY is 1");
        return 0;
    }
    const uint8_t byte = qspi->rx[0];
    memmove(qspi->rx, qspi->rx + 1, --qspi->rx_count);
    return byte;
}

/* ---- registers ---- */

static bool is_busy(const struct qspi *qspi)
{
    return qspi->sent.queued || qspi->tx_count > 0;
}

static bool qspi_allow(struct device *device, const struct reg *reg, uint32_t value)
{
    struct qspi *qspi = (struct qspi *)device;
    const uint32_t held = *device_reg(device, reg->offset), changed = held ^ value;
    const bool on = *device_reg(device, CTL) & SPIEN;
    const bool sets_up = (reg->offset == CTL && changed & ~SPIEN) ||
                         (reg->offset == CLKDIV && changed) ||
                         (reg->offset == SSCTL && changed & ~SS);
    if (on && sets_up)
        twin_fault(device->twin, "the program changes QSPI0.%s while SPIEN is 1", reg->name);
    else if (is_busy(qspi) && (reg->offset == SSCTL || sets_up))
        twin_fault(device->twin, "the program writes QSPI0.%s while BUSY is 1", reg->name);
    else if (reg->offset == FIFOCTL && value & IENS)
        twin_fault(device->twin, "QSPI0's interrupts are not modelled");
    else
        return true;
    return false;
}

static uint32_t status(struct qspi *qspi, uint32_t flags)
{
    return flags | (uint32_t)is_busy(qspi) |
           (uint32_t) !(*device_reg(&qspi->device, SSCTL) & SS) << 4 |
           (uint32_t)(qspi->rx_count == 0) << 8 | (uint32_t)(qspi->rx_count == DEPTH) << 9 |
           (uint32_t)is_on(qspi) << 15 | (uint32_t)(qspi->tx_count == 0) << 16 |
           (uint32_t)(qspi->tx_count == DEPTH) << 17 | qspi->rx_count << 24 | qspi->tx_count << 28;
}

static uint32_t qspi_read(struct device *device, uint32_t offset, uint32_t value)
{
    struct qspi *qspi = (struct qspi *)device;
    if (offset == RX)
        return take(qspi);
    if (offset != STATUS)
        return value;
    return status(qspi, value);
}

static void qspi_write(struct device *device, uint32_t offset, uint32_t old, uint32_t value)
{
    struct qspi *qspi = (struct qspi *)device;
    if (offset == TX)
        put(qspi, (uint8_t)value);
    else if (offset == CTL && (old ^ value) & SPIEN)
        qspi->steady_at = twin_now(device->twin) + 100u;
    else if (offset == FIFOCTL && value & RXFLUSH)
        qspi->rx_count = 0;
    else if (offset == SSCTL && value & (AUTOSS | POL))
        twin_fault(device->twin, "QSPI0.SSCTL 0x%x: the flash needs AUTOSS 0 and SSACTPOL 0",
                   value);
    else if (offset == SSCTL && qspi->soc->nor)
        spi_nor_select(qspi->soc->nor, value & SS);
    if (offset == FIFOCTL && value & TXFLUSH && !qspi->sent.queued)
        qspi->tx_count = 0;
}

static void qspi_reset(struct device *device, enum twin_reset reset)
{
    struct qspi *qspi = (struct qspi *)device;
    twin_timer_set(device->twin, &qspi->sent, TWIN_NEVER);
    qspi->tx_count = qspi->rx_count = 0;
    (void)reset;
    if (qspi->soc->nor)
        spi_nor_drop(qspi->soc->nor);
}

static const char *qspi_deaf(struct device *device)
{
    const struct qspi *qspi = (struct qspi *)device;
    const struct nuvoton_bit gate = {0x008, 12};
    return module_deaf(qspi->soc, device, gate);
}

void qspi_start(struct nuvoton *soc)
{
    struct qspi *qspi = chip_alloc(soc, sizeof *qspi);
    qspi->soc = soc;
    qspi->sent = (struct twin_timer){.run = on_sent, .ctx = qspi};
    qspi->device = (struct device){.name = "QSPI0",
                                   .base = 0x40060000u,
                                   .size = 0x1000u,
                                   .regs = qspi_regs,
                                   .reg_count = sizeof qspi_regs / sizeof *qspi_regs,
                                   .read = qspi_read,
                                   .write = qspi_write,
                                   .allow = qspi_allow,
                                   .reset = qspi_reset,
                                   .deaf = qspi_deaf};
    module_add(soc, &qspi->device, (struct nuvoton_bit){0x00c, 12});
}
