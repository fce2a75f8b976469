/* OCTOSPI; see octospi.h. */
#include "twin/stm32/octospi.h"

#include <string.h>

#define CR   0x000u
#define DCR1 0x008u
#define DCR2 0x00cu
#define SR   0x020u
#define FCR  0x024u
#define DLR  0x040u
#define AR   0x048u
#define DR   0x050u
#define CCR  0x100u
#define TCR  0x108u
#define IR   0x110u

#define EN     0x00000001u
#define ABORT  0x00000002u
#define FTHRES 0x00001f00u
#define FMODE  0x30000000u
#define OTHERS 0x00df00ccu /* DMA, dual memories, interrupts, polling, ... */

#define FRCK 0x2u

#define TCF  0x02u
#define FTF  0x04u
#define BUSY 0x20u

#define IMODE  0x00000007u
#define IDTR   0x00000008u
#define ISIZE  0x00000030u
#define ADMODE 0x00000700u
#define ADSIZE 0x00003000u
#define DMODE  0x07000000u
#define SIMPLE (IMODE | ADMODE | ADSIZE | DMODE) /* all that a command by one line sets */

#define DHQC   0x10000000u
#define SSHIFT 0x40000000u

#define DEVSIZE 25u /* 2^26 bytes */

#define P2CR       0x08u /* of OCTOSPIM */
#define P2CR_PLAIN 0x07050333u

static const struct reg octospi_regs[] = {
    {"CR", CR, 0x30000000 | FTHRES | EN, 0, 0, 0, 0},
    {"DCR1", DCR1, 0x071f3f0b, 0, 0, 0, 0},
    {"DCR2", DCR2, 0x000700ff, 0, 0, 0, 0},
    {"DCR3", 0x010, 0x001f00ff, 0, 0, 0, 0},
    {"DCR4", 0x014, 0xffffffff, 0, 0, 0, 0},
    {"SR", SR, 0, 0, 0, 0, 0},
    {"FCR", FCR, 0, 0, 0, 0, 0},
    {"DLR", DLR, 0xffffffff, 0, 0, 0, 0},
    {"AR", AR, 0xffffffff, 0, 0, 0, 0},
    {"DR", DR, 0, 0, 0, 0, 0},
    {"CCR", CCR, 0xaf3f3f3f, 0, 0, 0, 0},
    {"TCR", TCR, 0x5000001f, 0, 0, 0, 0},
    {"IR", IR, 0xffffffff, 0, 0, 0, 0},
    {"ABR", 0x120, 0xffffffff, 0, 0, 0, 0},
    {"LPTR", 0x130, 0xffff, 0, 0, 0, 0},
};

/* Port 1 is OCTOSPI1's, port 2 OCTOSPI2's, as after a reset. */
static const struct reg manager_regs[] = {
    {"CR", 0x00, 0x00ff0001, 0, 0, 0, 0},
    {"P1CR", 0x04, 0x07070333, 0, 0x03010111, 0, 0},
    {"P2CR", P2CR, 0x07070333, 0, P2CR_PLAIN, 0, 0},
};

/* Where the parts differ. */
struct stm32_octospi_part {
    const char *name, *works;
    uint32_t base;
    struct stm32_bit gate, reset;
    struct {
        uint16_t offset;
        uint8_t bit;
    } select;
    enum stm32_clock clocks[3]; /* those behind are not modelled; STM32_SOURCES: nor this */
};

static const struct stm32_octospi_part u5_octospi2 = {
    .name = "OCTOSPI2",
    .works = "OCTOSPI2 works",
    .base = 0x420d2400u,
    .gate = {0x90, 8},
    .reset = {0x68, 8},
    .select = {0xe4, 20},
    .clocks = {STM32_SYSCLK, STM32_MSIK, STM32_PLL1Q}};

static const struct stm32_octospi_part h5_octospi1 = {
    .name = "OCTOSPI1",
    .works = "OCTOSPI1 works",
    .base = 0x47001400u,
    .gate = {0x94, 20},
    .reset = {0x6c, 20},
    .select = {0xe4, 0},
    .clocks = {STM32_HCLK, STM32_PLL1Q, STM32_SOURCES}};

static uint32_t *reg_of(struct stm32_octospi *octospi, uint32_t offset)
{
    return device_reg(&octospi->module.device, offset);
}

static struct twin *twin_of(struct stm32_octospi *octospi)
{
    return octospi->module.soc->twin;
}

static uint32_t clock_hz(struct stm32_octospi *octospi)
{
    const struct stm32_octospi_part *part = octospi->part;
    struct stm32 *soc = octospi->module.soc;
    const uint32_t chosen = stm32_rcc(soc, part->select.offset) >> part->select.bit & 3u;
    if (chosen == 3 || part->clocks[chosen] == STM32_SOURCES)
        return 0;
    return stm32_clock_hz(soc, part->clocks[chosen]) / ((*reg_of(octospi, DCR2) & 0xffu) + 1u);
}

static bool reads(struct stm32_octospi *octospi)
{
    return (*reg_of(octospi, CR) & FMODE) != 0;
}

static bool has_data(struct stm32_octospi *octospi)
{
    return *reg_of(octospi, CCR) & DMODE;
}

static bool is_busy(const struct stm32_octospi *octospi)
{
    return octospi->runs || octospi->count > 0;
}

/* ---- what may start ---- */

static bool is_octal(uint32_t format)
{
    return (format & ~IDTR) == (4u | 1u << 4);
}

static const char *what_is_wrong(struct stm32_octospi *octospi)
{
    const uint32_t format = *reg_of(octospi, CCR), timing = *reg_of(octospi, TCR);
    const uint32_t address = (format & ADMODE) >> 8, data = (format & DMODE) >> 24;
    if (timing & DHQC || (timing & SSHIFT && format & IDTR))
        return "with a delay that its data rate does not have (TCR.DHQC, SSHIFT)";
    if (*reg_of(octospi, DCR1) & FRCK || *reg_of(octospi, DCR1) >> 24 > 1)
        return "with a free running clock or a memory of another kind (DCR1.FRCK, MTYP)";
    if (clock_hz(octospi) == 0)
        return "from a clock that does not run";
    if (is_octal(format))
        return NULL;
    if (format & ~SIMPLE || (format & IMODE) != 1 || address > 1 || data > 1)
        return "other than by one line, without alternate bytes (CCR)";
    if (address && (format & ADSIZE) >> 12 < 2)
        return "with an address of less than 24 bits (CCR.ADSIZE)";
    if (address && (*reg_of(octospi, DCR1) >> 16 & 0x1fu) != DEVSIZE)
        return "with another size than the flash has (DCR1.DEVSIZE)";
    if (timing & 7u)
        return "with dummy cycles that are no whole bytes (TCR.DCYC)";
    if (data && *reg_of(octospi, DLR) == UINT32_MAX)
        return "without an end (DLR)";
    return NULL;
}

/* Port 2 leads to OCTOSPI2. */
static bool is_routed(struct stm32_octospi *octospi)
{
    struct stm32_module *manager = octospi->manager;
    if (!manager)
        return true;
    const char *deaf = stm32_module_deaf(manager);
    if (deaf)
        twin_fault(twin_of(octospi), "%s works, but OCTOSPIM leads it nowhere %s",
                   octospi->part->name, deaf);
    else if (*device_reg(&manager->device, P2CR) != P2CR_PLAIN ||
             *device_reg(&manager->device, 0) & 1u)
        twin_fault(twin_of(octospi), "%s works, but OCTOSPIM.P2CR 0x%08x leads it elsewhere",
                   octospi->part->name, *device_reg(&manager->device, P2CR));
    else
        return true;
    return false;
}

static bool is_wired(struct stm32_octospi *octospi)
{
    static const uint8_t by_one_line[] = {STM32_NCS, STM32_CLK, STM32_IO0, STM32_IO0 + 1};
    if (!is_routed(octospi))
        return false;
    const bool all = is_octal(*reg_of(octospi, CCR));
    const unsigned count = all ? STM32_OCTOSPI_PINS : sizeof by_one_line;
    for (unsigned i = 0; i < count; i++)
        if (!stm32_pin_is(octospi->module.soc, &octospi->board.pins[all ? i : by_one_line[i]],
                          octospi->part->works))
            return false;
    return true;
}

/* ---- bytes ---- */

static uint8_t exchange(struct stm32_octospi *octospi, uint8_t out)
{
    struct spi_nor *nor = octospi->board.nor;
    return nor ? spi_nor_exchange(nor, out, clock_hz(octospi)) : 0xff;
}

static void chip_select(struct stm32_octospi *octospi, bool selected)
{
    if (octospi->board.nor)
        spi_nor_select(octospi->board.nor, selected);
}

static void clock_for(struct stm32_octospi *octospi, unsigned cycles)
{
    twin_timer_set(twin_of(octospi), &octospi->clocked,
                   twin_now(twin_of(octospi)) + cycles * 1000000000ull / clock_hz(octospi) + 1u);
}

/* Command, address and dummies; returns their clocks. */
static unsigned send_head(struct stm32_octospi *octospi)
{
    const uint32_t format = *reg_of(octospi, CCR), code = *reg_of(octospi, IR);
    if (is_octal(format)) {
        if (octospi->board.nor)
            spi_nor_octal(octospi->board.nor, (uint16_t)code, format & IDTR);
        return 2;
    }
    unsigned bytes = 1;
    (void)exchange(octospi, (uint8_t)code);
    if (format & ADMODE)
        for (unsigned i = ((format & ADSIZE) >> 12) + 1u; i-- > 0; bytes++)
            (void)exchange(octospi, (uint8_t)(*reg_of(octospi, AR) >> (8u * i)));
    for (unsigned i = 0; i < (*reg_of(octospi, TCR) & 0x1fu) / 8u; i++, bytes++)
        (void)exchange(octospi, 0xff);
    return 8u * bytes;
}

static void start(struct stm32_octospi *octospi)
{
    const char *wrong = what_is_wrong(octospi);
    if (wrong) {
        twin_fault(twin_of(octospi), "the program starts a command of %s %s", octospi->part->name,
                   wrong);
        return;
    }
    if (!is_wired(octospi))
        return;
    octospi->runs = true;
    octospi->head_done = false;
    octospi->left = has_data(octospi) ? *reg_of(octospi, DLR) + 1u : 0;
    chip_select(octospi, true);
    clock_for(octospi, send_head(octospi));
}

static void end(struct stm32_octospi *octospi)
{
    chip_select(octospi, false);
    octospi->runs = false;
    *reg_of(octospi, SR) |= TCF;
}

/* The next byte, if the FIFO has it or has room for it; else the clock stands still. */
static void go_on(struct stm32_octospi *octospi)
{
    if (!octospi->runs || octospi->clocked.queued)
        return;
    if (octospi->left == 0)
        end(octospi);
    else if (reads(octospi) ? octospi->count < STM32_OCTOSPI_FIFO : octospi->count > 0)
        clock_for(octospi, 8);
}

static uint8_t pop(struct stm32_octospi *octospi)
{
    const uint8_t byte = octospi->fifo[0];
    memmove(octospi->fifo, octospi->fifo + 1, --octospi->count);
    return byte;
}

/* The first time the head is through, then a byte. */
static void on_clocked(void *ctx)
{
    struct stm32_octospi *octospi = ctx;
    if (octospi->head_done && reads(octospi))
        octospi->fifo[octospi->count++] = exchange(octospi, 0xff);
    else if (octospi->head_done)
        (void)exchange(octospi, pop(octospi));
    octospi->left -= octospi->head_done;
    octospi->head_done = true;
    go_on(octospi);
}

/* ---- the data register ---- */

static uint32_t take(struct stm32_octospi *octospi, unsigned width)
{
    uint32_t value = 0;
    if (octospi->count < width || !reads(octospi)) {
        twin_fault(twin_of(octospi), "the program reads %u bytes from %s.DR, which holds %u", width,
                   octospi->part->name, reads(octospi) ? octospi->count : 0);
        return 0;
    }
    for (unsigned i = 0; i < width; i++)
        value |= (uint32_t)pop(octospi) << (8u * i);
    go_on(octospi);
    return value;
}

static void put(struct stm32_octospi *octospi, uint32_t value, unsigned width)
{
    const char *name = octospi->part->name;
    const uint32_t wanted = octospi->runs ? octospi->left : *reg_of(octospi, DLR) + 1u;
    if (reads(octospi) || !has_data(octospi)) {
        twin_fault(twin_of(octospi), "the program writes %s.DR, but the command sends no data",
                   name);
        return;
    }
    if (octospi->count + width > STM32_OCTOSPI_FIFO || octospi->count + width > wanted) {
        twin_fault(twin_of(octospi), "the program writes %u bytes to %s.DR, which takes %u", width,
                   name,
                   wanted < STM32_OCTOSPI_FIFO ? wanted - octospi->count
                                               : STM32_OCTOSPI_FIFO - octospi->count);
        return;
    }
    for (unsigned i = 0; i < width; i++)
        octospi->fifo[octospi->count++] = (uint8_t)(value >> (8u * i));
    if (!octospi->runs)
        start(octospi);
    go_on(octospi);
}

/* ---- registers ---- */

static const char *what_is_not_allowed(struct stm32_octospi *octospi, const struct reg *reg,
                                       uint32_t value)
{
    const uint32_t at = reg->offset;
    const bool on = *reg_of(octospi, CR) & EN;
    if (octospi->module.device.width != 4 && at != DR)
        return "by less than a word; only data may be so";
    if (at == CR && value & OTHERS)
        return "with bits that are not modelled";
    if (at == CR && (value & FMODE) > 1u << 28)
        return "for polling by hardware or mapped mode, which are not modelled";
    if (!on && (at == IR || at == AR || at == DR))
        return "while CR.EN is 0";
    if (is_busy(octospi) && at != DR && at != FCR && !(at == CR && value & ABORT))
        return "while SR.BUSY is 1";
    return NULL;
}

static bool octospi_allow(struct device *device, const struct reg *reg, uint32_t value)
{
    struct stm32_octospi *octospi = (struct stm32_octospi *)device;
    const char *why = what_is_not_allowed(octospi, reg, value);
    if (why)
        twin_fault(device->twin, "the program writes %s.%s %s", device->name, reg->name, why);
    return !why;
}

static uint32_t status(struct stm32_octospi *octospi, uint32_t flags)
{
    const unsigned threshold = ((*reg_of(octospi, CR) & FTHRES) >> 8) + 1u;
    const bool rest = octospi->count > 0 && !octospi->runs;
    const bool ready = reads(octospi) ? octospi->count >= threshold || rest
                                      : STM32_OCTOSPI_FIFO - octospi->count >= threshold;
    return flags | (ready ? FTF : 0) | (is_busy(octospi) ? BUSY : 0) | octospi->count << 8;
}

static uint32_t octospi_read(struct device *device, uint32_t offset, uint32_t value)
{
    struct stm32_octospi *octospi = (struct stm32_octospi *)device;
    if (offset == DR)
        return take(octospi, device->width);
    return offset == SR ? status(octospi, value) : value;
}

static void stop(struct stm32_octospi *octospi)
{
    twin_timer_set(twin_of(octospi), &octospi->clocked, TWIN_NEVER);
    octospi->count = 0;
    octospi->runs = false;
}

/* The last register that a command needs starts it; one that sends data, the first write to DR. */
static bool starts(struct stm32_octospi *octospi, uint32_t offset)
{
    const uint32_t last = *reg_of(octospi, CCR) & ADMODE ? AR : IR;
    return offset == last && (reads(octospi) || !has_data(octospi));
}

static void octospi_write(struct device *device, uint32_t offset, uint32_t old, uint32_t value)
{
    struct stm32_octospi *octospi = (struct stm32_octospi *)device;
    (void)old;
    if (offset == DR) {
        put(octospi, value, device->width);
    } else if (offset == FCR) {
        *reg_of(octospi, SR) &= ~(value & 0x1bu);
    } else if (offset == CR && value & ABORT) {
        if (octospi->runs)
            end(octospi);
        stop(octospi);
    } else if (starts(octospi, offset)) {
        start(octospi);
    }
}

static void octospi_reset(struct device *device, enum twin_reset reset)
{
    struct stm32_octospi *octospi = (struct stm32_octospi *)device;
    (void)reset;
    stop(octospi);
    if (octospi->board.nor)
        spi_nor_drop(octospi->board.nor);
}

void stm32_octospi_connect(struct stm32_octospi *octospi, const struct stm32_octospi_board *board)
{
    octospi->board = *board;
}

static struct stm32_module *add_manager(struct stm32 *soc)
{
    struct stm32_module *manager = stm32_alloc(soc, sizeof *manager);
    manager->gate = (struct stm32_bit){0x8c, 21};
    manager->device = (struct device){.name = "OCTOSPIM",
                                      .base = 0x420c4000u,
                                      .size = 0x400u,
                                      .regs = manager_regs,
                                      .reg_count = sizeof manager_regs / sizeof *manager_regs};
    stm32_add(soc, manager);
    return manager;
}

void stm32_octospi_start(struct stm32 *soc)
{
    struct stm32_octospi *octospi = soc->octospi = stm32_alloc(soc, sizeof *octospi);
    const bool is_u5 = soc->part->family == STM32_U5;
    const struct stm32_octospi_part *part = is_u5 ? &u5_octospi2 : &h5_octospi1;
    octospi->part = part;
    octospi->manager = is_u5 ? add_manager(soc) : NULL;
    octospi->clocked = (struct twin_timer){.run = on_clocked, .ctx = octospi};
    octospi->module = (struct stm32_module){.gate = part->gate, .reset = part->reset};
    octospi->module.device =
        (struct device){.name = part->name,
                        .base = part->base,
                        .size = 0x400u,
                        .regs = octospi_regs,
                        .reg_count = sizeof octospi_regs / sizeof *octospi_regs,
                        .narrow = true,
                        .read = octospi_read,
                        .write = octospi_write,
                        .allow = octospi_allow,
                        .reset = octospi_reset};
    stm32_add(soc, &octospi->module);
}
