/* SPIM of the M487 in I/O mode, with the board's SPI flash behind it. DMA and memory-mapped mode
 * are not modelled. */
#include "twin/nuvoton/nuvoton.h"

#define CTL0     0x00u
#define CTL1     0x04u
#define RXCLKDLY 0x0cu
#define RX       0x10u
#define TX       0x20u

#define CIPHOFF 1u
#define IEN     0x40u
#define IF      0x80u
#define QDIODIR 0x8000u
#define BITMODE 0x300000u
#define OPMODE  0xc00000u

#define SPIMEN   0x01u
#define CDINVAL  0x08u
#define SS       0x10u
#define SSACTPOL 0x20u

#define RDDLYSEL 0x070000u
#define RDEDGE   0x100000u

#define LATE_HZ 80000000u /* from here on data comes too late for the plain edge */
#define IRQ     80u

static const struct reg spim_regs[] = {
    {"CTL0", CTL0, 0xffffff65, IF, OPMODE, 0, 0},
    {"CTL1", CTL1, 0xffff0f3f, 0, SS, 0, 0},
    {"RXCLKDLY", RXCLKDLY, 0x001700ff, 0, 0, 0, 0},
    {"RX", RX, 0, 0, 0, 4, 0},
    {"TX", TX, 0xffffffff, 0, 0, 4, 0},
    {"FADDR", 0x38, 0xffffffff, 0, 0, 0, 0},
    {"DMMCTL", 0x44, 0xf71fff00, 0, 0, 0, 0},
};

struct spim {
    struct device device;
    struct nuvoton *soc;
    struct twin_timer done;
    uint32_t received[4];
};

static uint32_t sclk_hz(struct spim *spim)
{
    const uint32_t divider = *device_reg(&spim->device, CTL1) >> 16;
    const uint32_t hz = clock_hz(spim->soc, CLOCK_HCLK);
    return divider ? hz / (2u * divider) : hz;
}

/* ---- one exchange ---- */

/* Without its delay the sampling is a bit late at high clocks: what comes is shifted right. */
static uint8_t sampled(struct spim *spim, uint8_t byte, uint8_t before)
{
    const bool late =
        sclk_hz(spim) >= LATE_HZ && !(*device_reg(&spim->device, RXCLKDLY) & (RDDLYSEL | RDEDGE));
    return late ? (uint8_t)(byte >> 1 | before << 7) : byte;
}

/* The first bytes are in the highest word, and of a word in its low byte. */
static unsigned exchange(struct spim *spim)
{
    const uint32_t control = *device_reg(&spim->device, CTL0);
    const unsigned words = (control >> 13 & 3u) + 1u, bits = (control >> 8 & 0x1fu) + 1u;
    const bool out = control & QDIODIR;
    const uint32_t hz = sclk_hz(spim);
    uint8_t before = 0;
    for (unsigned i = words; i-- > 0;) {
        uint32_t word = 0;
        for (unsigned byte = 0; byte < bits / 8u; byte++) {
            const uint32_t tx = *device_reg(&spim->device, TX + 4u * i);
            const uint8_t got =
                spi_nor_exchange(spim->soc->nor, out ? (uint8_t)(tx >> (8u * byte)) : 0, hz);
            word |= (uint32_t)sampled(spim, got, before) << (8u * byte);
            before = got;
        }
        spim->received[i] = out ? *device_reg(&spim->device, RX + 4u * i) : word;
    }
    return words * bits;
}

static const char *what_is_wrong(struct spim *spim)
{
    const uint32_t control = *device_reg(&spim->device, CTL0);
    if (control & OPMODE)
        return "in a mode other than I/O (CTL0.OPMODE)";
    if (control & BITMODE)
        return "by more than one data line (CTL0.BITMODE)";
    if (!(control & CIPHOFF))
        return "with the cipher on (CTL0.CIPHOFF is 0)";
    if ((control >> 8 & 7u) != 7u)
        return "of a width that is no whole bytes (CTL0.DWIDTH)";
    if (*device_reg(&spim->device, CTL1) & SS)
        return "while the chip select is not active (CTL1.SS is 1)";
    return NULL;
}

static void start(struct spim *spim)
{
    struct nuvoton *soc = spim->soc;
    const char *wrong = what_is_wrong(spim);
    if (wrong) {
        twin_fault(soc->twin, "the program starts an SPIM transfer %s", wrong);
        return;
    }
    if (!flash_is_wired(soc, "SPIM", soc->flash_pins.spim_function))
        return;
    const unsigned bits = exchange(spim);
    twin_timer_set(soc->twin, &spim->done,
                   twin_now(soc->twin) + bits * 1000000000ull / sclk_hz(spim) + 1u);
}

static void on_done(void *ctx)
{
    struct spim *spim = ctx;
    for (unsigned i = 0; i < 4; i++)
        *device_reg(&spim->device, RX + 4u * i) = spim->received[i];
    *device_reg(&spim->device, CTL1) &= ~SPIMEN;
    *device_reg(&spim->device, CTL0) |= IF;
    twin_irq(spim->soc->twin, IRQ, *device_reg(&spim->device, CTL0) & IEN);
}

/* ---- registers ---- */

static bool spim_allow(struct device *device, const struct reg *reg, uint32_t value)
{
    const struct spim *spim = (struct spim *)device;
    (void)value;
    if (!spim->done.queued)
        return true;
    twin_fault(device->twin, "the program writes SPIM.%s while a transfer runs", reg->name);
    return false;
}

static uint32_t spim_read(struct device *device, uint32_t offset, uint32_t value)
{
    const struct spim *spim = (struct spim *)device;
    if (offset >= RX && offset < TX && spim->done.queued)
        twin_fault(device->twin, "the program reads SPIM.RX while a transfer runs");
    if (offset == CTL1 && spim->done.queued)
        twin_stall_until(device->twin, spim->done.at); /* who asks, waits for it */
    return value;
}

static void spim_write(struct device *device, uint32_t offset, uint32_t old, uint32_t value)
{
    struct spim *spim = (struct spim *)device;
    if (offset == CTL0)
        twin_irq(device->twin, IRQ, (*device_reg(device, CTL0) & (IEN | IF)) == (IEN | IF));
    if (offset != CTL1)
        return;
    if (value & SSACTPOL)
        twin_fault(device->twin, "SPIM.CTL1.SSACTPOL is 1; the flash is selected by low");
    *device_reg(device, CTL1) &= ~CDINVAL; /* done at once: there is no cache here */
    if (spim->soc->nor && (old ^ value) & SS)
        spi_nor_select(spim->soc->nor, !(value & SS));
    if (value & SPIMEN)
        start(spim);
}

static void spim_reset(struct device *device, enum twin_reset reset)
{
    struct spim *spim = (struct spim *)device;
    twin_timer_set(device->twin, &spim->done, TWIN_NEVER);
    (void)reset;
    if (spim->soc->nor)
        spi_nor_drop(spim->soc->nor);
}

static const char *spim_deaf(struct device *device)
{
    const struct spim *spim = (struct spim *)device;
    const struct nuvoton_bit gate = {0x004, 14};
    return module_deaf(spim->soc, device, gate);
}

void spim_start(struct nuvoton *soc)
{
    struct spim *spim = chip_alloc(soc, sizeof *spim);
    spim->soc = soc;
    spim->done = (struct twin_timer){.run = on_done, .ctx = spim};
    spim->device = (struct device){.name = "SPIM",
                                   .base = 0x40007000u,
                                   .size = 0x1000u,
                                   .regs = spim_regs,
                                   .reg_count = sizeof spim_regs / sizeof *spim_regs,
                                   .read = spim_read,
                                   .write = spim_write,
                                   .allow = spim_allow,
                                   .reset = spim_reset,
                                   .deaf = spim_deaf};
    module_add(soc, &spim->device, (struct nuvoton_bit){0x008, 14});
}
