/* ETH's MAC and registers; see eth.h. */
#include "twin/stm32/eth.h"

#include <string.h>

#define MACPFR    0x0008u
#define MAC1USTCR 0x00dcu
#define MACA0HR   0x0300u
#define MACA0LR   0x0304u
#define DMAMR     0x1000u
#define DMAISR    0x1008u
#define DMACSR    ETH_DMACSR
#define MACCR     ETH_MACCR

#define LM     0x1000u
#define JE     0x10000u
#define GPSLCE 0x800000u
#define SARC   0x70000000u
#define ARP    0x80000000u

#define PR  0x00000001u
#define HUC 0x00000002u
#define HMC 0x00000004u
#define PM  0x00000010u
#define DBF 0x00000020u
#define HPF 0x00000400u
#define RA  0x80000000u

#define FTQ 1u
#define SWR 1u
#define TSE 0x1000u /* of DMACTCR */
#define ST  1u
#define SR  1u

#define ABNORMAL (ETH_TPS | ETH_RBU | ETH_RPS | 0x3600u)
#define NORMAL   (ETH_TI | ETH_TBU | ETH_RI | 0x0800u)
#define AIS      0x4000u
#define NIS      0x8000u

#define IRQ       106u
#define PMCR      0x100u /* of SBS */
#define RMII      4u
#define RESET_NS  (10u * TWIN_US)
#define FAST_PINS 2u /* OSPEEDR, at least */

static const struct reg eth_regs[] = {
    {"MACCR", MACCR, 0xff0f7f7f | ETH_ACS | ETH_CST | 0x00400000, 0, 0x8000, 0, 0},
    {"MACECR", 0x0004, 0x7f77ffff, 0, 0, 0, 0},
    {"MACPFR", MACPFR, 0x803107ff, 0, 0, 0, 0},
    {"MACWTR", 0x000c, 0x10f, 0, 0, 0, 0},
    {"MACTFCR", 0x0070, 0xffff00f3, 0, 0, 0, 0},
    {"MACRFCR", 0x0090, 0x3, 0, 0, 0, 0},
    {"MACISR", 0x00b0, 0, 0, 0, 0, 0},
    {"MACIER", 0x00b4, 0, 0, 0, 0, 0},
    {"MAC1USTCR", MAC1USTCR, 0xfff, 0, 0x3f, 0, 0},
    {"MACMDIOAR", ETH_MACMDIOAR, 0x0fff7f1f, 0, 0, 0, 0},
    {"MACMDIODR", ETH_MACMDIODR, 0xffffffff, 0, 0, 0, 0},
    {"MACA0HR", MACA0HR, 0xffff, 0, 0x8000ffff, 0, 0},
    {"MACA0LR", MACA0LR, 0xffffffff, 0, 0xffffffff, 0, 0},
    {"MMCRIMR", 0x070c, 0x0c020060, 0, 0, 0, 0},
    {"MMCTIMR", 0x0710, 0x0c20c000, 0, 0, 0, 0},
    {"MTLTQOMR", ETH_MTLTQOMR, 0x00070073, 0, 0x00070008, 0, 0},
    {"MTLRQOMR", 0x0d30, 0x7ff, 0, 0x00700000, 0, 0},
    {"DMAMR", DMAMR, 0x00037803, 0, 0, 0, 0},
    {"DMASBMR", 0x1004, 0xd001, 0, 0x01010000, 0, 0},
    {"DMAISR", DMAISR, 0, 0, 0, 0, 0},
    {"DMADSR", 0x100c, 0, 0, 0, 0, 0},
    {"DMACCR", ETH_DMACCR, 0x001d3fff, 0, 0, 0, 0},
    {"DMACTCR", ETH_DMACTCR, 0x003f1011, 0, 0, 0, 0},
    {"DMACRCR", ETH_DMACRCR, 0x803f7fff, 0, 0, 0, 0},
    {"DMACTDLAR", ETH_DMACTDLAR, 0xfffffffc, 0, 0, 0, 0},
    {"DMACRDLAR", ETH_DMACRDLAR, 0xfffffffc, 0, 0, 0, 0},
    {"DMACTDTPR", ETH_DMACTDTPR, 0xfffffffc, 0, 0, 0, 0},
    {"DMACRDTPR", ETH_DMACRDTPR, 0xfffffffc, 0, 0, 0, 0},
    {"DMACTDRLR", ETH_DMACTDRLR, 0x3ff, 0, 0, 0, 0},
    {"DMACRDRLR", ETH_DMACRDRLR, 0x3ff, 0, 0, 0, 0},
    {"DMACIER", ETH_DMACIER, 0xffc7, 0, 0, 0, 0},
    {"DMACCATDR", ETH_DMACCATDR, 0, 0, 0, 0, 0},
    {"DMACCARDR", ETH_DMACCARDR, 0, 0, 0, 0, 0},
    {"DMACSR", DMACSR, 0, 0xffc7, 0, 0, 0},
    {"DMACMFCR", 0x116c, 0, 0, 0, 0, 0},
};

uint32_t *eth_reg(struct stm32_eth *eth, uint32_t offset)
{
    return device_reg(&eth->module.device, offset);
}

static struct twin *twin_of(struct stm32_eth *eth)
{
    return eth->module.soc->twin;
}

/* ---- interrupts ---- */

static void update(struct stm32_eth *eth)
{
    const uint32_t asked = *eth_reg(eth, DMACSR) & *eth_reg(eth, ETH_DMACIER);
    twin_irq(twin_of(eth), IRQ, asked & (AIS | NIS));
}

/* The summaries are those of what is enabled. */
void eth_raise(struct stm32_eth *eth, uint32_t flags)
{
    const uint32_t asked = flags & *eth_reg(eth, ETH_DMACIER);
    *eth_reg(eth, DMACSR) |= flags | (asked & ABNORMAL ? AIS : 0) | (asked & NORMAL ? NIS : 0);
    update(eth);
}

/* ---- the wire ---- */

bool eth_link_is_up(struct stm32_eth *eth)
{
    return eth->board.phy && phy_link_is_up(eth->board.phy);
}

bool eth_speed_matches(struct stm32_eth *eth)
{
    const uint32_t control = *eth_reg(eth, MACCR);
    return phy_is_fast(eth->board.phy) == !!(control & ETH_FES) &&
           phy_is_full_duplex(eth->board.phy) == !!(control & ETH_DM);
}

twin_ns eth_frame_ns(struct stm32_eth *eth, uint32_t length)
{
    const uint32_t bytes = (length < 60 ? 60 : length) + 4u + 8u + 12u; /* CRC, preamble, gap */
    return (twin_ns)bytes * (*eth_reg(eth, MACCR) & ETH_FES ? 80u : 800u);
}

bool eth_accepts(struct stm32_eth *eth, const uint8_t to[6])
{
    static const uint8_t all[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    const uint32_t filter = *eth_reg(eth, MACPFR);
    if (filter & (PR | RA))
        return true;
    if (memcmp(to, all, sizeof all) == 0)
        return !(filter & DBF);
    if (to[0] & 1u)
        return filter & PM;
    return memcmp(to, eth->address, sizeof eth->address) == 0;
}

/* A frame with a type keeps its checksum unless CST strips it; one with a length loses its padding
 * with it by ACS. */
static void add_checksum(struct stm32_eth *eth, struct eth_frame *frame)
{
    const uint32_t control = *eth_reg(eth, MACCR);
    const uint32_t type = (uint32_t)frame->bytes[12] << 8 | frame->bytes[13];
    if (type >= 0x600u ? control & ETH_CST : control & ETH_ACS) {
        if (type < 0x600u && type + 14u < frame->length)
            frame->length = type + 14u;
        return;
    }
    uint32_t crc = UINT32_MAX;
    for (uint32_t i = 0; i < frame->length; i++) {
        crc ^= frame->bytes[i];
        for (unsigned bit = 0; bit < 8; bit++)
            crc = crc & 1u ? crc >> 1 ^ 0xedb88320u : crc >> 1;
    }
    for (unsigned i = 0; i < 4; i++)
        frame->bytes[frame->length++] = (uint8_t)(~crc >> (8u * i));
}

static void receive_next(struct stm32_eth *eth)
{
    if (eth->wire_count > 0 && !eth->came.queued)
        twin_timer_set(twin_of(eth), &eth->came,
                       twin_now(twin_of(eth)) +
                           eth_frame_ns(eth, eth->wire[eth->wire_start].length));
}

static void on_came(void *ctx)
{
    struct stm32_eth *eth = ctx;
    struct eth_frame *frame = &eth->wire[eth->wire_start];
    if (eth_link_is_up(eth) && *eth_reg(eth, MACCR) & ETH_RE && eth_speed_matches(eth) &&
        eth_accepts(eth, frame->bytes)) {
        add_checksum(eth, frame);
        eth_rx_frame(eth, frame);
    }
    eth->wire_start = (eth->wire_start + 1u) % ETH_WIRE;
    eth->wire_count--;
    receive_next(eth);
}

void stm32_eth_receive(struct stm32_eth *eth, const uint8_t *bytes, uint32_t length)
{
    if (length < 14 || length > ETH_FRAME_MAX || eth->wire_count == ETH_WIRE ||
        !eth_link_is_up(eth))
        return; /* lost, as on a wire */
    struct eth_frame *frame = &eth->wire[(eth->wire_start + eth->wire_count++) % ETH_WIRE];
    memset(frame->bytes, 0, 60);
    memcpy(frame->bytes, bytes, length);
    frame->length = length < 60 ? 60 : length;
    receive_next(eth);
}

/* ---- start ---- */

bool eth_pins_are(struct stm32_eth *eth, unsigned first, unsigned count)
{
    for (unsigned i = first; i < first + count; i++)
        if (!stm32_pin_is(eth->module.soc, &eth->board.pins[i], "ETH works"))
            return false;
    return true;
}

static bool outputs_are_fast(struct stm32_eth *eth)
{
    for (unsigned i = STM32_TX_EN; i <= STM32_TXD1; i++) {
        const struct stm32_pin *pin = &eth->board.pins[i];
        if (stm32_pin_speed(eth->module.soc, pin->port, pin->pin) >= FAST_PINS)
            continue;
        twin_fault(twin_of(eth), "RMII drives P%c%u at a low speed (OSPEEDR); it needs 50 MHz",
                   'A' + (char)pin->port, pin->pin);
        return false;
    }
    return true;
}

/* Each direction has a clock gate of its own. */
static bool is_clocked(struct stm32_eth *eth, unsigned bit, const char *name)
{
    if (stm32_rcc(eth->module.soc, 0x88) >> bit & 1u)
        return true;
    twin_fault(twin_of(eth), "ETH starts while AHB1ENR.%s is 0", name);
    return false;
}

static bool may_start(struct stm32_eth *eth)
{
    const uint32_t mhz = stm32_clock_hz(eth->module.soc, STM32_HCLK) / 1000000u;
    if (!eth->was_reset)
        twin_fault(twin_of(eth), "ETH starts without DMAMR.SWR, so it does not know RMII");
    else if (*eth_reg(eth, MAC1USTCR) + 1u != mhz)
        twin_fault(twin_of(eth), "ETH starts with MAC1USTCR %u; HCLK is %u MHz, so it must be %u",
                   *eth_reg(eth, MAC1USTCR), mhz, mhz - 1u);
    else
        return is_clocked(eth, 20, "ETHTXEN") && is_clocked(eth, 21, "ETHRXEN") &&
               eth_pins_are(eth, 0, STM32_ETH_PINS) && outputs_are_fast(eth);
    return false;
}

/* ---- software reset ---- */

static void on_reset_done(void *ctx)
{
    struct stm32_eth *eth = ctx;
    *eth_reg(eth, DMAMR) &= ~SWR;
    eth->was_reset = true;
}

/* Without the PHY's clock it does not come to its end. */
static void reset_by_software(struct stm32_eth *eth)
{
    struct stm32 *soc = eth->module.soc;
    const unsigned chosen = *device_reg(&soc->sbs.device, PMCR) >> 21 & 7u;
    if (chosen != RMII) {
        twin_fault(soc->twin, "ETH.DMAMR.SWR is set with SBS.PMCR.ETH_SEL_PHY %u; RMII is %u",
                   chosen, RMII);
        return;
    }
    if (!eth_pins_are(eth, STM32_REF_CLK, 1))
        return;
    device_reset(&eth->module.device, TWIN_RESET_POWER);
    *eth_reg(eth, DMAMR) |= SWR;
    if (eth->board.phy && phy_has_clock(eth->board.phy))
        twin_timer_set(soc->twin, &eth->reset_done, twin_now(soc->twin) + RESET_NS);
}

/* ---- registers ---- */

static const char *what_is_not_modelled(const struct reg *reg, uint32_t value)
{
    if (reg->offset == MACCR && value & (LM | JE | GPSLCE | SARC | ARP))
        return "LM, JE, GPSLCE, SARC, ARP";
    if (reg->offset == MACPFR && value & (HUC | HMC | HPF))
        return "HUC, HMC, HPF";
    if (reg->offset == ETH_DMACTCR && value & TSE)
        return "TSE";
    if (reg->offset == DMAMR && value >> 16 & 3u)
        return "INTM";
    return NULL;
}

static bool eth_allow(struct device *device, const struct reg *reg, uint32_t value)
{
    struct stm32_eth *eth = (struct stm32_eth *)device;
    const uint32_t at = reg->offset;
    const bool of_tx = at == ETH_DMACTDLAR || at == ETH_DMACTDRLR;
    const bool of_rx = at == ETH_DMACRDLAR || at == ETH_DMACRDRLR;
    const bool tx = *eth_reg(eth, ETH_DMACTCR) & ST, rx = *eth_reg(eth, ETH_DMACRCR) & SR;
    const uint32_t size = (value ^ *eth_reg(eth, ETH_DMACRCR)) & 0x7ffeu;
    const char *missing = what_is_not_modelled(reg, value);
    if (*eth_reg(eth, DMAMR) & SWR)
        twin_fault(device->twin, "the program writes ETH.%s while DMAMR.SWR is 1", reg->name);
    else if (eth->managed.queued && (at == ETH_MACMDIOAR || at == ETH_MACMDIODR))
        twin_fault(device->twin, "the program writes ETH.%s while MACMDIOAR.MB is 1", reg->name);
    else if ((tx && of_tx) || (rx && of_rx) || ((tx || rx) && at == ETH_DMACCR) ||
             (rx && at == ETH_DMACRCR && value & SR && size))
        twin_fault(device->twin, "the program writes ETH.%s while the ring is in use", reg->name);
    else if (missing)
        twin_fault(device->twin, "the program writes 0x%08x to ETH.%s, of which %s is not modelled",
                   value, reg->name, missing);
    else
        return true;
    return false;
}

static uint32_t eth_read(struct device *device, uint32_t offset, uint32_t value)
{
    struct stm32_eth *eth = (struct stm32_eth *)device;
    if (offset == ETH_MACMDIODR && eth->managed.queued)
        twin_fault(device->twin, "the program reads ETH.MACMDIODR while MACMDIOAR.MB is 1");
    return offset == DMAISR
               ? (uint32_t)((*eth_reg(eth, DMACSR) & *eth_reg(eth, ETH_DMACIER) & (AIS | NIS)) != 0)
               : value;
}

static void latch_address(struct stm32_eth *eth)
{
    const uint32_t low = *eth_reg(eth, MACA0LR), high = *eth_reg(eth, MACA0HR);
    for (unsigned i = 0; i < 4; i++)
        eth->address[i] = (uint8_t)(low >> (8u * i));
    eth->address[4] = (uint8_t)high;
    eth->address[5] = (uint8_t)(high >> 8);
}

/* A direction of the DMA is switched on or off. */
static void write_dma(struct stm32_eth *eth, uint32_t offset, uint32_t old)
{
    const bool of_tx = offset == ETH_DMACTCR;
    const bool on = *eth_reg(eth, offset) & 1u, was_on = old & 1u;
    if (was_on && !on)
        eth_raise(eth, of_tx ? ETH_TPS : ETH_RPS);
    if (was_on || !on || !may_start(eth))
        return;
    if (of_tx)
        eth_tx_begin(eth);
    else
        eth_rx_begin(eth);
}

static void write_control(struct stm32_eth *eth, uint32_t old)
{
    const uint32_t turned_on = *eth_reg(eth, MACCR) & ~old;
    if (turned_on & (ETH_TE | ETH_RE) && !may_start(eth))
        return;
    if (turned_on & ETH_TE)
        eth_tx_resume(eth);
    if (turned_on & ETH_RE)
        eth_rx_resume(eth);
}

static void eth_write(struct device *device, uint32_t offset, uint32_t old, uint32_t value)
{
    struct stm32_eth *eth = (struct stm32_eth *)device;
    if (offset == DMAMR && value & SWR)
        reset_by_software(eth);
    else if (offset == ETH_MACMDIOAR)
        eth_mdio_write(eth, value);
    else if (offset == MACCR)
        write_control(eth, old);
    else if (offset == MACA0LR)
        latch_address(eth);
    else if (offset == ETH_MTLTQOMR)
        *eth_reg(eth, ETH_MTLTQOMR) &= ~FTQ; /* done at once: nothing waits there */
    else if (offset == ETH_DMACTCR || offset == ETH_DMACRCR)
        write_dma(eth, offset, old);
    else if (offset == ETH_DMACRDTPR)
        eth_rx_resume(eth);
    if (offset == ETH_DMACTDTPR) {
        eth->tx_waits = false;
        eth_tx_resume(eth);
    }
    update(eth);
}

static void eth_reset(struct device *device, enum twin_reset reset)
{
    struct stm32_eth *eth = (struct stm32_eth *)device;
    (void)reset;
    twin_timer_set(device->twin, &eth->reset_done, TWIN_NEVER);
    twin_timer_set(device->twin, &eth->managed, TWIN_NEVER);
    eth_dma_clear(eth);
    eth->was_reset = false;
    latch_address(eth);
    update(eth);
}

void stm32_eth_connect(struct stm32_eth *eth, const struct stm32_eth_board *board)
{
    eth->board = *board;
}

void stm32_eth_start(struct stm32 *soc)
{
    struct stm32_eth *eth = soc->eth = stm32_alloc(soc, sizeof *eth);
    eth->came = (struct twin_timer){.run = on_came, .ctx = eth};
    eth->reset_done = (struct twin_timer){.run = on_reset_done, .ctx = eth};
    eth_mdio_start(eth);
    eth_dma_start(eth);
    eth->module = (struct stm32_module){.gate = {0x88, 19}, .reset = {0x60, 19}};
    eth->module.device = (struct device){.name = "ETH",
                                         .base = 0x40028000u,
                                         .size = 0x1200u,
                                         .regs = eth_regs,
                                         .reg_count = sizeof eth_regs / sizeof *eth_regs,
                                         .read = eth_read,
                                         .write = eth_write,
                                         .allow = eth_allow,
                                         .reset = eth_reset};
    stm32_add(soc, &eth->module);
}
