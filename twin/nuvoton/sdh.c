/* SDH0: commands by its engine, blocks by its DMA, with the board's SD card behind it. */
#include <string.h>

#include "twin/nuvoton/nuvoton.h"

#define FB        0x000u
#define DMACTL    0x400u
#define DMASA     0x408u
#define DMAINTSTS 0x414u
#define GCTL      0x800u
#define CTL       0x820u
#define CMDARG    0x824u
#define INTEN     0x828u
#define INTSTS    0x82cu
#define RESP0     0x830u
#define RESP1     0x834u
#define BLEN      0x838u
#define TOUT      0x83cu

#define COEN     0x01u
#define RIEN     0x02u
#define DIEN     0x04u
#define DOEN     0x08u
#define R2EN     0x10u
#define CLK74OEN 0x20u
#define CLK8OEN  0x40u
#define STARTS   0x7fu
#define CTLRST   0x4000u
#define DBW      0x8000u

#define DMAEN   1u
#define DMARST  2u
#define SGEN    8u
#define DMABUSY 0x200u
#define GCTLRST 1u
#define SDEN    2u

#define BLKDIF  0x0001u
#define CRCIF   0x0002u
#define CRC7    0x0004u
#define CRC16   0x0008u
#define CRCSTS  0x0070u
#define DAT0STS 0x0080u
#define CDIF    0x0100u
#define RTOIF   0x1000u
#define DITOIF  0x2000u
#define CDSTS   0x10000u
#define CDSRC   0x40000000u

#define IRQ       64u
#define RESET_NS  500u
#define ACCESS_NS (100u * TWIN_US) /* from a read command to its first block */
#define LOOK_NS   (20u * TWIN_US)  /* while the card is busy between blocks */

static const struct reg sdh_regs[] = {
    {"FB", FB, 0xffffffff, 0, 0, 32, 0},
    {"DMACTL", DMACTL, 0x0b, 0, 0, 0, 0},
    {"DMASA", DMASA, 0xffffffff, 0, 0, 0, 0},
    {"DMAINTEN", 0x410, 3, 0, 1, 0, 0},
    {"DMAINTSTS", DMAINTSTS, 0, 3, 0, 0, 0},
    {"GCTL", GCTL, 3, 0, 0, 0, 0},
    {"GINTEN", 0x804, 1, 0, 1, 0, 0},
    {"GINTSTS", 0x808, 0, 1, 0, 0, 0},
    {"CTL", CTL, 0x0fffffff, 0, 0x01010000, 0, 0},
    {"CMDARG", CMDARG, 0xffffffff, 0, 0, 0, 0},
    {"INTEN", INTEN, 0x40007103, 0, 0, 0, 0},
    {"INTSTS", INTSTS, 0, BLKDIF | CRCIF | CDIF | RTOIF | DITOIF, 0, 0, 0},
    {"RESP0", RESP0, 0, 0, 0, 0, 0},
    {"RESP1", RESP1, 0, 0, 0, 0, 0},
    {"BLEN", BLEN, 0x7ff, 0, 0x1ff, 0, 0},
    {"TOUT", TOUT, 0xffffff, 0, 0, 0, 0},
};

struct sdh {
    struct device device;
    struct nuvoton *soc;
    struct twin_timer step, reset_done;
    void (*next)(struct sdh *sdh); /* what the engine does at `step` */
    struct sd_response response;
    uint32_t address; /* of the DMA */
    unsigned blocks;  /* left */
};

static uint32_t *reg_of(struct sdh *sdh, uint32_t offset)
{
    return device_reg(&sdh->device, offset);
}

static uint32_t sd_hz(struct sdh *sdh)
{
    static const struct nuvoton_field select = {0x010, 20, 2}, divider = {0x020, 24, 8};
    static const enum nuvoton_clock clocks[] = {CLOCK_HXT, CLOCK_PLL, CLOCK_HCLK, CLOCK_HIRC};
    const uint32_t chosen = clock_field(sdh->soc, select);
    uint32_t hz = clock_hz(sdh->soc, clocks[chosen]);
    if (chosen == 1 && sdh->soc->part->pll_halved)
        hz /= 2u;
    return hz / (clock_field(sdh->soc, divider) + 1u);
}

static void update(struct sdh *sdh)
{
    const uint32_t flags = *reg_of(sdh, INTSTS) & *reg_of(sdh, INTEN) & 0x7103u;
    twin_irq(sdh->soc->twin, IRQ, flags != 0);
}

static void later(struct sdh *sdh, twin_ns wait, void (*next)(struct sdh *sdh))
{
    sdh->next = next;
    twin_timer_set(sdh->soc->twin, &sdh->step, twin_now(sdh->soc->twin) + wait);
}

static twin_ns clocks_ns(struct sdh *sdh, uint64_t clocks)
{
    return clocks * 1000000000ull / sd_hz(sdh) + 1u;
}

static void on_step(void *ctx)
{
    struct sdh *sdh = ctx;
    sdh->next(sdh);
    update(sdh);
}

/* Nothing comes. With TOUT 0 the engine waits for ever; either way only CTLRST frees it. */
static void raise_time_out(struct sdh *sdh)
{
    *reg_of(sdh, INTSTS) |= *reg_of(sdh, CTL) & (RIEN | R2EN) ? RTOIF : DITOIF;
}

static void wait_in_vain(struct sdh *sdh)
{
    const uint32_t patience = *reg_of(sdh, TOUT);
    if (patience)
        later(sdh, clocks_ns(sdh, patience), raise_time_out);
}

static void take_level(struct sdh *sdh)
{
    const struct sd_card *card = sdh->soc->card;
    uint32_t *flags = reg_of(sdh, INTSTS);
    *flags = card && sd_card_is_busy(card) ? *flags & ~DAT0STS : *flags | DAT0STS;
}

/* ---- blocks ---- */

static void end_transfer(struct sdh *sdh)
{
    *reg_of(sdh, CTL) &= ~(DIEN | DOEN);
    *reg_of(sdh, DMACTL) &= ~DMABUSY;
    *reg_of(sdh, INTSTS) |= BLKDIF;
    take_level(sdh);
}

static void mark_crc16(struct sdh *sdh, bool good)
{
    uint32_t *flags = reg_of(sdh, INTSTS);
    *flags = good ? *flags | CRC16 : (*flags & ~CRC16) | CRCIF;
}

static unsigned lines_of(struct sdh *sdh)
{
    return *reg_of(sdh, CTL) & DBW ? 4 : 1;
}

static twin_ns block_ns(struct sdh *sdh)
{
    return clocks_ns(sdh, (SD_BLOCK * 8u + 16u) / lines_of(sdh) + 10u);
}

/* A good block goes on with the next one, after `gap`; a bad one ends the transfer. */
static void end_block(struct sdh *sdh, bool good, twin_ns gap, void (*next)(struct sdh *sdh))
{
    mark_crc16(sdh, good);
    sdh->address += SD_BLOCK;
    if (--sdh->blocks == 0 || !good)
        end_transfer(sdh);
    else
        later(sdh, gap, next);
}

static void read_block(struct sdh *sdh)
{
    uint8_t block[SD_BLOCK];
    bool checked = false;
    if (!sd_card_read(sdh->soc->card, lines_of(sdh), block, &checked)) {
        wait_in_vain(sdh);
        return;
    }
    if (!twin_write_memory(sdh->soc->twin, sdh->address, block, sizeof block))
        twin_fault(sdh->soc->twin, "SDH0's DMA writes 0x%08x, where no RAM is", sdh->address);
    end_block(sdh, checked, block_ns(sdh), read_block);
}

static void write_block(struct sdh *sdh)
{
    uint8_t block[SD_BLOCK];
    if (sd_card_is_busy(sdh->soc->card)) {
        later(sdh, LOOK_NS, write_block);
        return;
    }
    if (!twin_read_memory(sdh->soc->twin, sdh->address, block, sizeof block)) {
        twin_fault(sdh->soc->twin, "SDH0's DMA reads 0x%08x, where nothing is", sdh->address);
        return;
    }
    const enum sd_token token = sd_card_write(sdh->soc->card, lines_of(sdh), block);
    *reg_of(sdh, INTSTS) = (*reg_of(sdh, INTSTS) & ~CRCSTS) | (uint32_t)token << 4;
    if (token == SD_NO_TOKEN)
        wait_in_vain(sdh);
    else
        end_block(sdh, token == SD_ACCEPTED, block_ns(sdh), write_block);
}

static void begin_transfer(struct sdh *sdh)
{
    const uint32_t control = *reg_of(sdh, CTL);
    sdh->address = *reg_of(sdh, DMASA);
    sdh->blocks = control >> 16 & 0xffu;
    *reg_of(sdh, DMACTL) |= DMABUSY;
    if (control & DIEN)
        later(sdh, ACCESS_NS + block_ns(sdh), read_block);
    else
        later(sdh, block_ns(sdh), write_block);
}

/* ---- commands ---- */

static void take_long(struct sdh *sdh)
{
    memcpy(reg_of(sdh, FB), sdh->response.bytes, sizeof sdh->response.bytes);
}

static void take_short(struct sdh *sdh)
{
    const uint8_t *bytes = sdh->response.bytes;
    *reg_of(sdh, RESP0) =
        (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
    *reg_of(sdh, RESP1) = bytes[4];
}

static void end_command(struct sdh *sdh)
{
    uint32_t *control = reg_of(sdh, CTL), *flags = reg_of(sdh, INTSTS);
    const bool wants_long = *control & R2EN, wants_short = *control & RIEN;
    const unsigned size = sdh->response.size;
    *control &= ~COEN;
    if ((wants_short && size != 6) || (wants_long && size != 17)) {
        wait_in_vain(sdh);
        return;
    }
    if (wants_short || wants_long) {
        wants_long ? take_long(sdh) : take_short(sdh);
        *flags = sdh->response.checked ? *flags | CRC7 : (*flags & ~CRC7) | CRCIF;
    }
    *control &= ~(RIEN | R2EN);
    take_level(sdh);
    if (*control & (DIEN | DOEN))
        begin_transfer(sdh);
}

static void begin_command(struct sdh *sdh)
{
    const uint32_t control = *reg_of(sdh, CTL);
    const unsigned answers = control & R2EN ? 136 : control & RIEN ? 48 : 0;
    sdh->response = (struct sd_response){0};
    if (sdh->soc->card)
        sd_card_command(sdh->soc->card, (uint8_t)(control >> 8 & 0x3fu), *reg_of(sdh, CMDARG),
                        sd_hz(sdh), &sdh->response);
    later(sdh, clocks_ns(sdh, 48u + 8u + answers), end_command);
}

static void end_clocks(struct sdh *sdh)
{
    uint32_t *control = reg_of(sdh, CTL);
    if (sdh->soc->card)
        sd_card_clock(sdh->soc->card, *control & CLK74OEN ? 74 : 8);
    *control &= ~(CLK74OEN | CLK8OEN);
    take_level(sdh);
    if (*control & COEN)
        begin_command(sdh);
}

static const char *what_is_wrong(struct sdh *sdh, uint32_t control)
{
    const uint32_t dma = *reg_of(sdh, DMACTL);
    if (!(*reg_of(sdh, GCTL) & SDEN))
        return "while GCTL.SDEN is 0";
    if (sd_hz(sdh) == 0)
        return "from a clock that does not run (CLKSEL0.SDH0SEL)";
    if (control & (RIEN | R2EN | DIEN | DOEN) && !(control & COEN))
        return "to wait for a response or data without a command (CTL.COEN)";
    if (!(control & (DIEN | DOEN)))
        return NULL;
    if (!(dma & DMAEN) || dma & SGEN)
        return "of data without its DMA (DMACTL), or by scatter and gather";
    if ((control >> 16 & 0xffu) == 0)
        return "of no blocks (CTL.BLKCNT is 0)";
    if (*reg_of(sdh, BLEN) != SD_BLOCK - 1u)
        return "of blocks that are not of 512 bytes (BLEN)";
    if (*reg_of(sdh, DMASA) & 3u)
        return "with a buffer that is not aligned (DMASA)";
    return NULL;
}

static bool pins_are_right(struct sdh *sdh)
{
    const unsigned count = *reg_of(sdh, CTL) & DBW ? 6 : 3;
    for (unsigned i = 0; i < count; i++) {
        const struct nuvoton_pin *pin = &sdh->soc->card_pins[i];
        const unsigned function = pin_function(sdh->soc, pin->port, pin->pin);
        if (function == pin->function)
            continue;
        twin_fault(sdh->soc->twin, "SDH0 works, but P%c%u has function %u, not %u",
                   'A' + (char)pin->port, pin->pin, function, pin->function);
        return false;
    }
    return true;
}

static void start(struct sdh *sdh)
{
    const uint32_t control = *reg_of(sdh, CTL);
    const char *wrong = what_is_wrong(sdh, control);
    if (wrong)
        twin_fault(sdh->soc->twin, "the program starts SDH0 %s", wrong);
    else if (!pins_are_right(sdh))
        return;
    else if (control & (CLK74OEN | CLK8OEN))
        later(sdh, clocks_ns(sdh, control & CLK74OEN ? 74 : 8), end_clocks);
    else
        begin_command(sdh);
}

/* ---- registers ---- */

static void on_reset_done(void *ctx)
{
    struct sdh *sdh = ctx;
    *reg_of(sdh, CTL) &= ~CTLRST;
    *reg_of(sdh, GCTL) &= ~GCTLRST;
    *reg_of(sdh, DMACTL) &= ~DMARST;
}

static void stop(struct sdh *sdh)
{
    twin_timer_set(sdh->soc->twin, &sdh->step, TWIN_NEVER);
    *reg_of(sdh, CTL) &= ~STARTS;
    *reg_of(sdh, DMACTL) &= ~DMABUSY;
    twin_timer_set(sdh->soc->twin, &sdh->reset_done, twin_now(sdh->soc->twin) + RESET_NS);
}

static bool sdh_allow(struct device *device, const struct reg *reg, uint32_t value)
{
    struct sdh *sdh = (struct sdh *)device;
    const uint32_t running = *reg_of(sdh, CTL) & STARTS;
    const bool sets = reg->offset == CMDARG || reg->offset == DMASA || reg->offset == BLEN;
    if (reg->offset == CTL && running && !(value & CTLRST))
        twin_fault(device->twin, "the program writes SDH0.CTL while its bits 0x%02x still work",
                   running);
    else if (running && sets)
        twin_fault(device->twin, "the program writes SDH0.%s while the engine works", reg->name);
    else if (sdh->reset_done.queued)
        twin_fault(device->twin, "the program writes SDH0.%s while a reset of it is not done",
                   reg->name);
    else
        return true;
    return false;
}

static uint32_t sdh_read(struct device *device, uint32_t offset, uint32_t value)
{
    struct sdh *sdh = (struct sdh *)device;
    const struct nuvoton_pin *detect = &sdh->soc->card_detect;
    if (offset != INTSTS)
        return value;
    const bool detects = *reg_of(sdh, INTEN) & CDSRC &&
                         pin_function(sdh->soc, detect->port, detect->pin) == detect->function;
    const bool present = sdh->soc->card && sd_card_is_present(sdh->soc->card);
    return value | (detects && present ? 0 : CDSTS);
}

static void sdh_write(struct device *device, uint32_t offset, uint32_t old, uint32_t value)
{
    struct sdh *sdh = (struct sdh *)device;
    (void)old;
    if ((offset == CTL && value & CTLRST) || (offset == GCTL && value & GCTLRST) ||
        (offset == DMACTL && value & DMARST))
        stop(sdh);
    else if (offset == CTL && value & STARTS)
        start(sdh);
    update(sdh);
}

static void sdh_reset(struct device *device, enum twin_reset reset)
{
    struct sdh *sdh = (struct sdh *)device;
    (void)reset;
    twin_timer_set(device->twin, &sdh->step, TWIN_NEVER);
    twin_timer_set(device->twin, &sdh->reset_done, TWIN_NEVER);
    update(sdh);
}

static const char *sdh_deaf(struct device *device)
{
    const struct nuvoton_bit gate = {0x004, 6};
    return module_deaf(((struct sdh *)device)->soc, device, gate);
}

void sdh_start(struct nuvoton *soc)
{
    struct sdh *sdh = chip_alloc(soc, sizeof *sdh);
    sdh->soc = soc;
    sdh->step = (struct twin_timer){.run = on_step, .ctx = sdh};
    sdh->reset_done = (struct twin_timer){.run = on_reset_done, .ctx = sdh};
    sdh->device = (struct device){.name = "SDH0",
                                  .base = 0x4000d000u,
                                  .size = 0x1000u,
                                  .regs = sdh_regs,
                                  .reg_count = sizeof sdh_regs / sizeof *sdh_regs,
                                  .read = sdh_read,
                                  .write = sdh_write,
                                  .allow = sdh_allow,
                                  .reset = sdh_reset,
                                  .deaf = sdh_deaf};
    module_add(soc, &sdh->device, (struct nuvoton_bit){0x008, 6});
}
