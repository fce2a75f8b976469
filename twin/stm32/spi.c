/* SPI; see spi.h. */
#include "twin/stm32/spi.h"

#include <string.h>

#define CR1  0x00u
#define CR2  0x04u
#define CFG1 0x08u
#define CFG2 0x0cu
#define IER  0x10u
#define SR   0x14u
#define IFCR 0x18u
#define TXDR 0x20u
#define RXDR 0x30u

#define SPE    0x001u
#define MASRX  0x100u
#define CSTART 0x200u
#define CSUSP  0x400u
#define SSI    0x1000u
#define IOLOCK 0x10000u

#define DSIZE  0x1fu
#define FTHLV  0x1e0u
#define DMAENS 0xc000u
#define CRCEN  0x400000u
#define BPASS  0x80000000u

#define COMM    0x060000u
#define SP      0x380000u
#define MASTER  0x400000u
#define LSBFRST 0x800000u
#define CPHA    0x1000000u
#define CPOL    0x2000000u
#define SSM     0x4000000u
#define AFCNTR  0x80000000u

#define RXP   0x0001u
#define TXP   0x0002u
#define DXP   0x0004u
#define EOT   0x0008u
#define TXTF  0x0010u
#define OVR   0x0040u
#define MODF  0x0200u
#define SUSP  0x0800u
#define TXC   0x1000u
#define FLAGS (EOT | TXTF | 0x20u | OVR | 0x180u | MODF | SUSP) /* that IFCR clears */

static const struct reg spi_regs[] = {
    {"CR1", CR1, SPE | SSI | 0x800, 0, 0, 0, 0},
    {"CR2", CR2, 0xffff, 0, 0, 0, 0},
    {"CFG1", CFG1, 0xf05fc3ff, 0, 0x00070007, 0, 0},
    {"CFG2", CFG2, 0xf7fee0ff, 0, 0, 0, 0},
    {"IER", IER, 0, 0, 0, 0, 0},
    {"SR", SR, 0, 0, 0, 0, 0},
    {"IFCR", IFCR, 0, 0, 0, 0, 0},
    {"TXDR", TXDR, 0, 0, 0, 0, 0},
    {"RXDR", RXDR, 0, 0, 0, 0, 0},
};

/* Where the parts differ. */
struct stm32_spi_part {
    const char *name, *works;
    uint32_t base;
    struct stm32_bit gate, reset;
    struct {
        uint16_t offset;
        uint8_t bit, mask;
    } select;
    enum stm32_clock clocks[8];
    unsigned clock_count; /* those behind are not modelled */
    unsigned depth;
};

static const struct stm32_spi_part u5_spi2 = {
    .name = "SPI2",
    .works = "SPI2 works",
    .base = 0x40003800u,
    .gate = {0x9c, 14},
    .reset = {0x74, 14},
    .select = {0xe0, 16, 3},
    .clocks = {STM32_PCLK1, STM32_SYSCLK, STM32_HSI, STM32_MSIK},
    .clock_count = 4,
    .depth = 16};

/* The PLLs 2 and 3, which it could take its clock from, are not modelled. */
static const struct stm32_spi_part h5_spi5 = {
    .name = "SPI5",
    .works = "SPI5 works",
    .base = 0x44002000u,
    .gate = {0xa8, 5},
    .reset = {0x80, 5},
    .select = {0xe0, 12, 7},
    .clocks = {STM32_PCLK3, STM32_SOURCES, STM32_SOURCES, STM32_HSI, STM32_SOURCES, STM32_HSE},
    .clock_count = 6,
    .depth = 8};

static uint32_t *reg_of(struct stm32_spi *spi, uint32_t offset)
{
    return device_reg(&spi->module.device, offset);
}

static struct twin *twin_of(struct stm32_spi *spi)
{
    return spi->module.soc->twin;
}

static uint32_t sck_hz(struct stm32_spi *spi)
{
    const struct stm32_spi_part *part = spi->part;
    const uint32_t config = *reg_of(spi, CFG1);
    const uint32_t chosen =
        stm32_rcc(spi->module.soc, part->select.offset) >> part->select.bit & part->select.mask;
    if (chosen >= part->clock_count || part->clocks[chosen] == STM32_SOURCES)
        return 0;
    const uint32_t hz = stm32_clock_hz(spi->module.soc, part->clocks[chosen]);
    return config & BPASS ? hz : hz >> ((config >> 28 & 7u) + 1u);
}

/* ---- frames ---- */

static const char *what_is_wrong(struct stm32_spi *spi)
{
    const uint32_t config = *reg_of(spi, CFG1), mode = *reg_of(spi, CFG2);
    if (!(*reg_of(spi, CR1) & SPE))
        return "while SPE is 0";
    if (spi->runs)
        return "while the last one runs";
    if ((config & DSIZE) != 7 || config & (DMAENS | CRCEN))
        return "other than by 8 bits, without DMA and CRC (CFG1)";
    if (!(mode & MASTER))
        return "not as the master (CFG2.MASTER)";
    if (mode & (COMM | SP | LSBFRST))
        return "other than full duplex, the highest bit first (CFG2)";
    if (mode & (CPHA | CPOL))
        return "other than in the slave's mode 0 (CFG2.CPHA, CPOL)";
    if (!(mode & AFCNTR))
        return "with pins that float between transfers (CFG2.AFCNTR is 0)";
    if ((*reg_of(spi, CR2) & 0xffffu) == 0)
        return "without an end (CR2.TSIZE is 0), which is not modelled";
    return sck_hz(spi) == 0 ? "from a clock that does not run (CCIPR)" : NULL;
}

static void shift_next(struct stm32_spi *spi)
{
    if (spi->runs && spi->left > 0 && spi->tx_count > 0 && !spi->shifted.queued)
        twin_timer_set(twin_of(spi), &spi->shifted,
                       twin_now(twin_of(spi)) + 8000000000ull / sck_hz(spi) + 1u);
}

static void start(struct stm32_spi *spi)
{
    const char *wrong = what_is_wrong(spi);
    if (wrong) {
        twin_fault(twin_of(spi), "the program starts a transfer of %s %s", spi->part->name, wrong);
        return;
    }
    for (unsigned i = 0; i < STM32_SPI_PINS; i++)
        if (!stm32_pin_is(spi->module.soc, &spi->pins[i], spi->part->works))
            return;
    spi->runs = true;
    shift_next(spi);
}

static void end(struct stm32_spi *spi, uint32_t flag)
{
    spi->runs = spi->suspends = false;
    *reg_of(spi, SR) |= flag;
}

static void on_shifted(void *ctx)
{
    struct stm32_spi *spi = ctx;
    const struct stm32_spi_slave *slave = &spi->slave;
    const uint8_t out = spi->tx[0];
    memmove(spi->tx, spi->tx + 1, --spi->tx_count);
    const uint8_t in = slave->exchange ? slave->exchange(slave->ctx, out, sck_hz(spi)) : 0xff;
    if (spi->rx_count < spi->part->depth)
        spi->rx[spi->rx_count++] = in;
    else
        *reg_of(spi, SR) |= OVR; /* it is lost */
    if (--spi->left == 0)
        end(spi, EOT);
    else if (spi->suspends)
        end(spi, SUSP);
    shift_next(spi);
}

/* ---- the data registers ---- */

static unsigned threshold(struct stm32_spi *spi)
{
    return ((*reg_of(spi, CFG1) & FTHLV) >> 5) + 1u;
}

static bool has_room(struct stm32_spi *spi)
{
    return spi->part->depth - spi->tx_count >= threshold(spi) &&
           spi->submitted < (*reg_of(spi, CR2) & 0xffffu);
}

static void put(struct stm32_spi *spi, uint32_t value, unsigned width)
{
    const uint32_t size = *reg_of(spi, CR2) & 0xffffu;
    if (!(*reg_of(spi, CR1) & SPE)) {
        twin_fault(twin_of(spi), "the program writes %s.TXDR while SPE is 0", spi->part->name);
        return;
    }
    if (spi->tx_count + width > spi->part->depth || spi->submitted + width > size) {
        twin_fault(twin_of(spi), "the program writes %u bytes to %s.TXDR, which takes %u", width,
                   spi->part->name,
                   spi->submitted + width > size ? size - spi->submitted
                                                 : spi->part->depth - spi->tx_count);
        return;
    }
    for (unsigned i = 0; i < width; i++)
        spi->tx[spi->tx_count++] = (uint8_t)(value >> (8u * i));
    spi->submitted += width;
    if (spi->submitted == size)
        *reg_of(spi, SR) |= TXTF;
    shift_next(spi);
}

static uint32_t take(struct stm32_spi *spi, unsigned width)
{
    uint32_t value = 0;
    if (spi->rx_count < width) {
        twin_fault(twin_of(spi), "the program reads %u bytes from %s.RXDR, which holds %u", width,
                   spi->part->name, spi->rx_count);
        return 0;
    }
    for (unsigned i = 0; i < width; i++)
        value |= (uint32_t)spi->rx[i] << (8u * i);
    spi->rx_count -= width;
    memmove(spi->rx, spi->rx + width, spi->rx_count);
    return value;
}

/* ---- registers ---- */

static bool spi_allow(struct device *device, const struct reg *reg, uint32_t value)
{
    struct stm32_spi *spi = (struct stm32_spi *)device;
    const bool on = *reg_of(spi, CR1) & SPE;
    const bool sets_up = reg->offset == CFG1 || reg->offset == CFG2 || reg->offset == CR2;
    if (device->width != 4 && reg->offset != TXDR)
        twin_fault(device->twin, "the program writes %s.%s by %u bytes; only data may be so",
                   device->name, reg->name, device->width);
    else if (on && sets_up)
        twin_fault(device->twin, "the program writes %s.%s while SPE is 1", device->name,
                   reg->name);
    else if (reg->offset == IER && value != 0)
        twin_fault(device->twin, "%s's interrupts are not modelled", device->name);
    else if (reg->offset == CR1 && value & (MASRX | IOLOCK))
        twin_fault(device->twin, "%s.CR1.MASRX and IOLOCK are not modelled", device->name);
    else if (reg->offset == CR1 && !(value & SPE) && spi->shifted.queued)
        twin_fault(device->twin, "the program clears %s.CR1.SPE in the middle of a byte",
                   device->name);
    else
        return true;
    return false;
}

static uint32_t status(struct stm32_spi *spi, uint32_t flags)
{
    if (!(*reg_of(spi, CR1) & SPE))
        return flags | TXC;
    const uint32_t rxp = spi->rx_count >= threshold(spi) ? RXP : 0;
    const uint32_t txp = has_room(spi) ? TXP : 0;
    const uint32_t txc = spi->tx_count == 0 && !spi->shifted.queued ? TXC : 0;
    const uint32_t level = (spi->rx_count & 3u) << 13 | (uint32_t)(spi->rx_count >= 4) << 15;
    return flags | rxp | txp | (rxp && txp ? DXP : 0) | txc | level | spi->left << 16;
}

static uint32_t spi_read(struct device *device, uint32_t offset, uint32_t value)
{
    struct stm32_spi *spi = (struct stm32_spi *)device;
    if (offset == RXDR)
        return take(spi, device->width);
    if (device->width != 4)
        twin_fault(device->twin, "the program reads %s +0x%02x by %u bytes; only data may be so",
                   device->name, offset, device->width);
    return offset == SR ? status(spi, value) : value | (offset == CR1 && spi->runs ? CSTART : 0);
}

static void empty(struct stm32_spi *spi)
{
    twin_timer_set(twin_of(spi), &spi->shifted, TWIN_NEVER);
    spi->tx_count = spi->rx_count = 0;
    spi->runs = spi->suspends = false;
    spi->submitted = spi->left = 0;
}

/* Another master seems to pull NSS low: SSI stands for it. */
static bool is_mode_fault(struct stm32_spi *spi)
{
    const uint32_t mode = *reg_of(spi, CFG2);
    if (mode & MASTER && !(mode & SSM))
        twin_fault(twin_of(spi), "%s as a master with NSS at a pin (CFG2.SSM is 0) is not modelled",
                   spi->part->name);
    return mode & MASTER && mode & SSM && !(*reg_of(spi, CR1) & SSI);
}

static void write_control(struct stm32_spi *spi, uint32_t old, uint32_t value)
{
    uint32_t *control = reg_of(spi, CR1);
    if (is_mode_fault(spi)) {
        *control &= ~SPE;
        *reg_of(spi, CFG2) &= ~MASTER;
        *reg_of(spi, SR) |= MODF;
    }
    if (!(*control & SPE))
        empty(spi);
    else if (!(old & SPE))
        spi->left = *reg_of(spi, CR2) & 0xffffu;
    if (value & CSTART)
        start(spi);
    if (!(value & CSUSP) || !spi->runs)
        return;
    if (spi->shifted.queued)
        spi->suspends = true;
    else
        end(spi, SUSP);
}

static void spi_write(struct device *device, uint32_t offset, uint32_t old, uint32_t value)
{
    struct stm32_spi *spi = (struct stm32_spi *)device;
    if (offset == TXDR)
        put(spi, value, device->width);
    else if (offset == IFCR)
        *reg_of(spi, SR) &= ~(value & FLAGS);
    else if (offset == CR1)
        write_control(spi, old, value);
    else if (offset == CFG2 && is_mode_fault(spi))
        write_control(spi, 0, 0);
}

static void spi_reset(struct device *device, enum twin_reset reset)
{
    (void)reset;
    empty((struct stm32_spi *)device);
}

void stm32_spi_connect(struct stm32_spi *spi, const struct stm32_spi_slave *slave,
                       const struct stm32_pin pins[STM32_SPI_PINS])
{
    spi->slave = *slave;
    memcpy(spi->pins, pins, sizeof spi->pins);
}

void stm32_spi_start(struct stm32 *soc)
{
    struct stm32_spi *spi = soc->spi = stm32_alloc(soc, sizeof *spi);
    const struct stm32_spi_part *part = soc->part->family == STM32_U5 ? &u5_spi2 : &h5_spi5;
    spi->part = part;
    spi->shifted = (struct twin_timer){.run = on_shifted, .ctx = spi};
    spi->module = (struct stm32_module){.gate = part->gate, .reset = part->reset};
    spi->module.device = (struct device){.name = part->name,
                                         .base = part->base,
                                         .size = 0x400u,
                                         .regs = spi_regs,
                                         .reg_count = sizeof spi_regs / sizeof *spi_regs,
                                         .narrow = true,
                                         .read = spi_read,
                                         .write = spi_write,
                                         .allow = spi_allow,
                                         .reset = spi_reset};
    stm32_add(soc, &spi->module);
}
