/* ETH's DMA: two rings of descriptors of four words. The DMA takes a descriptor whose OWN bit is
 * set, as long as it is not the one that the tail pointer names; else it waits for the tail pointer
 * to be written. */
#include <string.h>

#include "twin/stm32/eth.h"

#define ST 1u
#define SR 1u

#define TSF       0x00000002u /* of MTLTQOMR */
#define TQS_UNITS 256u

#define OWN      0x80000000u
#define CONTEXT  0x40000000u /* of a descriptor to be sent */
#define RX_IOC   0x40000000u /* of one to be received to */
#define FD       0x20000000u
#define LD       0x10000000u
#define CPC      0x0c000000u
#define SAIC     0x03800000u
#define TSE      0x00040000u
#define CIC      0x00030000u
#define FL       0x00007fffu
#define TX_IOC   0x80000000u /* of word 2 */
#define TTSE     0x40000000u
#define BUF2V    0x02000000u
#define BUF1V    0x01000000u
#define LT_TYPE  0x00010000u /* the frame has a type, not a length */
#define TYPE_MIN 0x0600u

static struct twin *twin_of(struct stm32_eth *eth)
{
    return eth->module.soc->twin;
}

/* ---- faults ---- */

const char *const stm32_eth_faults[] = {"none", "rx-bus-error", "tx-bus-error", "tx-stuck", NULL};

void stm32_eth_spoil(struct stm32_eth *eth, unsigned fault, unsigned at)
{
    eth->fault = (enum eth_fault)fault;
    eth->fault_in = at;
}

static bool strikes(struct stm32_eth *eth, enum eth_fault fault)
{
    if (eth->fault != fault || --eth->fault_in > 0)
        return false;
    eth->fault = ETH_SOUND;
    return true;
}

/* ---- descriptors ---- */

static bool load(struct stm32_eth *eth, uint32_t address, uint32_t words[4])
{
    if (address % 4u == 0 && twin_read_memory(twin_of(eth), address, words, 16))
        return true;
    twin_fault(twin_of(eth), "ETH's descriptor at 0x%08x is not aligned or not in memory", address);
    return false;
}

static bool store(struct stm32_eth *eth, uint32_t address, const uint32_t words[4])
{
    if (twin_write_memory(twin_of(eth), address, words, 16))
        return true;
    twin_fault(twin_of(eth), "ETH's descriptor at 0x%08x is not in RAM", address);
    return false;
}

/* DSL words lie between two descriptors. */
static uint32_t stride(struct stm32_eth *eth)
{
    return 16u + 4u * (*eth_reg(eth, ETH_DMACCR) >> 18 & 7u);
}

static uint32_t next_of(struct stm32_eth *eth, uint32_t at, uint32_t list, uint32_t length)
{
    const uint32_t first = *eth_reg(eth, list);
    const uint32_t last = first + stride(eth) * (*eth_reg(eth, length) & 0x3ffu);
    return at == last ? first : at + stride(eth);
}

static uint32_t next_tx(struct stm32_eth *eth, uint32_t at)
{
    return next_of(eth, at, ETH_DMACTDLAR, ETH_DMACTDRLR);
}

static uint32_t next_rx(struct stm32_eth *eth, uint32_t at)
{
    return next_of(eth, at, ETH_DMACRDLAR, ETH_DMACRDRLR);
}

/* ---- out ---- */

static bool tx_runs(struct stm32_eth *eth)
{
    return !eth->tx_dead && *eth_reg(eth, ETH_DMACTCR) & ST && *eth_reg(eth, ETH_MACCR) & ETH_TE;
}

static const char *what_is_wrong(const uint32_t words[4], bool first)
{
    if (words[3] & CONTEXT)
        return "is a context descriptor, which is not modelled";
    if (!!(words[3] & FD) != first)
        return first ? "begins a frame without FD" : "has FD in the middle of a frame";
    if (words[3] & (CIC | TSE | SAIC) || words[2] & TTSE)
        return "asks for an offload (CIC, TSE, SAIC, TTSE), which is not modelled";
    if ((words[3] & CPC) > (1u << 26))
        return "sends without a checksum (CPC)";
    if ((words[2] & 0x3fffu) == 0 && (words[2] >> 16 & 0x3fffu) == 0)
        return "has no bytes (B1L, B2L)";
    return NULL;
}

static bool gather(struct stm32_eth *eth, uint32_t from, uint32_t length)
{
    struct eth_frame *out = &eth->out;
    if (length > ETH_FRAME_MAX - out->length) {
        twin_fault(twin_of(eth), "ETH sends a frame of more than %u bytes", ETH_FRAME_MAX);
        return false;
    }
    if (length > 0 && !twin_read_memory(twin_of(eth), from, out->bytes + out->length, length)) {
        twin_fault(twin_of(eth), "ETH sends from 0x%08x, where no memory is", from);
        return false;
    }
    out->length += length;
    return true;
}

/* The whole frame, from the present descriptor to the one with LD. False: it is not all there yet,
 * or wrong. */
static bool gather_frame(struct stm32_eth *eth)
{
    uint32_t words[4], fl = 0;
    const uint32_t tail = *eth_reg(eth, ETH_DMACTDTPR);
    eth->out.length = 0;
    for (uint32_t at = eth->tx_at, first = 1;; at = next_tx(eth, at), first = 0) {
        if (at == tail || !load(eth, at, words) || !(words[3] & OWN))
            return false;
        const char *wrong = what_is_wrong(words, first);
        if (wrong) {
            twin_fault(twin_of(eth), "the descriptor at 0x%08x %s", at, wrong);
            return false;
        }
        fl = first ? words[3] & FL : fl;
        if (!gather(eth, words[0], words[2] & 0x3fffu) ||
            !gather(eth, words[1], words[2] >> 16 & 0x3fffu))
            return false;
        if (words[3] & LD)
            break;
    }
    if (eth->out.length < 14 || fl != eth->out.length) {
        twin_fault(twin_of(eth), "ETH sends a frame of %u bytes whose descriptor says %u (FL)",
                   eth->out.length, fl);
        return false;
    }
    if (eth->out.length < 60 && words[3] & CPC) {
        twin_fault(twin_of(eth), "ETH sends a frame of %u bytes without padding (CPC)",
                   eth->out.length);
        return false;
    }
    return true;
}

/* With TSF a frame leaves when all of it is in the queue; one that is longer than it never does. */
static bool fits_into_queue(struct stm32_eth *eth)
{
    const uint32_t mode = *eth_reg(eth, ETH_MTLTQOMR);
    const uint32_t size = ((mode >> 16 & 7u) + 1u) * TQS_UNITS;
    if (!(mode & TSF) || eth->out.length <= size)
        return true;
    twin_fault(twin_of(eth), "ETH sends a frame of %u bytes from a queue of %u (MTLTQOMR.TQS)",
               eth->out.length, size);
    return false;
}

void eth_tx_resume(struct stm32_eth *eth)
{
    if (!tx_runs(eth) || eth->sent.queued || eth->tx_waits)
        return;
    if (gather_frame(eth)) {
        if (!fits_into_queue(eth))
            return;
        twin_timer_set(twin_of(eth), &eth->sent,
                       twin_now(twin_of(eth)) + eth_frame_ns(eth, eth->out.length));
        return;
    }
    eth->tx_waits = true;
    eth_raise(eth, ETH_TBU);
}

static void put_on_wire(struct stm32_eth *eth)
{
    struct eth_frame *out = &eth->out;
    if (!eth_link_is_up(eth))
        return;
    if (!eth_speed_matches(eth)) {
        const uint32_t control = *eth_reg(eth, ETH_MACCR);
        twin_fault(twin_of(eth),
                   "ETH sends with MACCR.FES %u and DM %u; the PHY has negotiated %u and %u",
                   !!(control & ETH_FES), !!(control & ETH_DM), phy_is_fast(eth->board.phy),
                   phy_is_full_duplex(eth->board.phy));
        return;
    }
    for (; out->length < 60; out->length++)
        out->bytes[out->length] = 0;
    eth->board.send(eth->board.ctx, out->bytes, out->length);
}

static void on_sent(void *ctx)
{
    struct stm32_eth *eth = ctx;
    uint32_t words[4];
    const bool bus = strikes(eth, ETH_TX_BUS);
    if (bus || strikes(eth, ETH_TX_STUCK)) {
        eth->tx_dead = true;
        eth_raise(eth, bus ? ETH_FBE : 0);
        return;
    }
    put_on_wire(eth);
    do {
        if (!load(eth, eth->tx_at, words))
            return;
        const bool tells = words[3] & LD && words[2] & TX_IOC;
        const uint32_t after[4] = {0, 0, 0, words[3] & (FD | LD)};
        if (!store(eth, eth->tx_at, after))
            return;
        eth->tx_at = next_tx(eth, eth->tx_at);
        if (tells)
            eth_raise(eth, ETH_TI);
    } while (!(words[3] & LD));
    *eth_reg(eth, ETH_DMACCATDR) = eth->tx_at;
    eth_tx_resume(eth);
}

/* ---- in ---- */

static bool rx_runs(struct stm32_eth *eth)
{
    return !eth->rx_dead && *eth_reg(eth, ETH_DMACRCR) & SR && *eth_reg(eth, ETH_MACCR) & ETH_RE;
}

static uint32_t buffer_size(struct stm32_eth *eth)
{
    return *eth_reg(eth, ETH_DMACRCR) >> 1 & 0x3fffu;
}

static bool has_descriptor(struct stm32_eth *eth, uint32_t at, uint32_t words[4])
{
    return at != *eth_reg(eth, ETH_DMACRDTPR) && load(eth, at, words) && words[3] & OWN;
}

/* As many descriptors as the frame needs. */
static bool has_room(struct stm32_eth *eth, uint32_t length)
{
    uint32_t words[4], at = eth->rx_at;
    for (uint32_t room = 0; room < length; at = next_rx(eth, at)) {
        if (!has_descriptor(eth, at, words))
            return false;
        if (!(words[3] & BUF1V) || words[3] & BUF2V) {
            twin_fault(twin_of(eth),
                       "the descriptor at 0x%08x has not just one valid buffer (BUF1V, BUF2V)", at);
            return false;
        }
        room += buffer_size(eth);
    }
    return true;
}

static bool put_part(struct stm32_eth *eth, const struct eth_frame *frame, uint32_t from)
{
    uint32_t words[4];
    const uint32_t size = buffer_size(eth), left = frame->length - from;
    const bool last = left <= size;
    if (!load(eth, eth->rx_at, words))
        return false;
    if (!twin_write_memory(twin_of(eth), words[0], frame->bytes + from, last ? left : size)) {
        twin_fault(twin_of(eth), "ETH receives to 0x%08x, where no RAM is", words[0]);
        return false;
    }
    const bool has_type = (frame->bytes[12] << 8 | frame->bytes[13]) >= (int)TYPE_MIN;
    const uint32_t after[4] = {
        0, 0, 0, (from == 0 ? FD : 0) | (last ? LD | frame->length | (has_type ? LT_TYPE : 0) : 0)};
    if (!store(eth, eth->rx_at, after))
        return false;
    eth->rx_at = next_rx(eth, eth->rx_at);
    *eth_reg(eth, ETH_DMACCARDR) = eth->rx_at;
    if (last && words[3] & RX_IOC)
        eth_raise(eth, ETH_RI);
    return true;
}

static bool put_frame(struct stm32_eth *eth, const struct eth_frame *frame)
{
    if (!has_room(eth, frame->length)) {
        eth_raise(eth, ETH_RBU);
        return false;
    }
    for (uint32_t from = 0; from < frame->length; from += buffer_size(eth))
        if (!put_part(eth, frame, from))
            return false;
    return true;
}

void eth_rx_resume(struct stm32_eth *eth)
{
    while (rx_runs(eth) && eth->fifo_count > 0) {
        const struct eth_frame *frame = &eth->fifo[eth->fifo_start];
        if (!put_frame(eth, frame))
            return;
        eth->fifo_bytes -= frame->length;
        eth->fifo_start = (eth->fifo_start + 1u) % ETH_WIRE;
        eth->fifo_count--;
    }
}

void eth_rx_frame(struct stm32_eth *eth, const struct eth_frame *frame)
{
    if (frame->length > ETH_FIFO - eth->fifo_bytes || eth->fifo_count == ETH_WIRE)
        return; /* an overflow: lost */
    eth->fifo[(eth->fifo_start + eth->fifo_count++) % ETH_WIRE] = *frame;
    eth->fifo_bytes += frame->length;
    if (strikes(eth, ETH_RX_BUS)) {
        eth->rx_dead = true;
        eth_raise(eth, ETH_FBE);
    }
    eth_rx_resume(eth);
}

/* ---- start and stop ---- */

static bool ring_is_right(struct stm32_eth *eth, uint32_t list, const char *name)
{
    uint32_t words[4];
    const uint32_t at = *eth_reg(eth, list);
    if (at % 4u == 0 && twin_read_memory(twin_of(eth), at, words, sizeof words))
        return true;
    twin_fault(twin_of(eth), "ETH's DMA starts with %s 0x%08x, which is no memory", name, at);
    return false;
}

void eth_tx_begin(struct stm32_eth *eth)
{
    if (!ring_is_right(eth, ETH_DMACTDLAR, "DMACTDLAR"))
        return;
    eth->tx_at = *eth_reg(eth, ETH_DMACTDLAR);
    eth->tx_waits = false;
    eth_tx_resume(eth);
}

void eth_rx_begin(struct stm32_eth *eth)
{
    const uint32_t size = buffer_size(eth);
    if (size == 0 || size % 4u != 0) {
        twin_fault(twin_of(eth), "ETH's DMA receives to buffers of %u bytes (DMACRCR.RBSZ)", size);
        return;
    }
    if (!ring_is_right(eth, ETH_DMACRDLAR, "DMACRDLAR"))
        return;
    eth->rx_at = *eth_reg(eth, ETH_DMACRDLAR);
    eth_rx_resume(eth);
}

void eth_dma_clear(struct stm32_eth *eth)
{
    twin_timer_set(twin_of(eth), &eth->sent, TWIN_NEVER);
    eth->tx_waits = eth->tx_dead = eth->rx_dead = false;
    eth->fifo_count = 0;
    eth->fifo_bytes = 0;
}

void eth_dma_start(struct stm32_eth *eth)
{
    eth->sent = (struct twin_timer){.run = on_sent, .ctx = eth};
}
