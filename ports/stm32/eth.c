/* The STM32H573's Ethernet MAC with a LAN8742 by RMII. Written from RM0481, chapter ETH (a Synopsys
 * DWC EQOS), and the part's register tables; IEEE 802.3 clause 22 and the LAN8742's register 31 for
 * the PHY. Not checked there: whether a received length counts the checksum (up to four bytes more
 * than a frame has are let through; lwIP cuts them off), and the PHY's identification (it is
 * logged).
 *
 * No frame is copied: the receive ring's buffers are lwIP's pool, a frame goes up in the pbuf that
 * it came into and the next free one takes its place; while all are taken frames are lost, which
 * TCP mends. Frames to send stay where they are, by a reference, until the MAC has sent them.
 *
 * Each change of the link, and whatever the MAC gets stuck in, ends in the same way: reset, which
 * takes as long as the PHY's clock does to come, new rings, as the PHY has agreed. Nothing waits
 * for it. */
#include <lwip/pbuf.h>
#include <string.h>

#include "boards/map.h"
#include "port/log.h"
#include "ports/cortex-m/clock.h"
#include "ports/lwip/ethernet.h"
#include "ports/stm32/stm32.h"

#define ETH(offset) REG32(0x40028000u + (offset))
#define MACCR       ETH(0x000u)
#define MACPFR      ETH(0x008u)
#define MAC1USTCR   ETH(0x0dcu)
#define MACMDIOAR   ETH(0x200u)
#define MACMDIODR   ETH(0x204u)
#define MACA0HR     ETH(0x300u)
#define MACA0LR     ETH(0x304u)
#define MMCRIMR     ETH(0x70cu)
#define MMCTIMR     ETH(0x710u)
#define MTLTQOMR    ETH(0xd00u)
#define MTLRQOMR    ETH(0xd30u)
#define DMAMR       ETH(0x1000u)
#define DMASBMR     ETH(0x1004u)
#define DMACCR      ETH(0x1100u)
#define DMACTCR     ETH(0x1104u)
#define DMACRCR     ETH(0x1108u)
#define DMACTDLAR   ETH(0x1114u)
#define DMACRDLAR   ETH(0x111cu)
#define DMACTDTPR   ETH(0x1120u)
#define DMACRDTPR   ETH(0x1128u)
#define DMACTDRLR   ETH(0x112cu)
#define DMACRDRLR   ETH(0x1130u)
#define DMACIER     ETH(0x1134u)
#define DMACSR      ETH(0x1160u)

#define MACCR_RUN      3u /* RE, TE */
#define MACCR_FULL     (1u << 13)
#define MACCR_FAST     (1u << 14)
#define MACCR_STRIP    (3u << 20) /* ACS, CST */
#define MDIO_BUSY      1u
#define MDIO_WRITE     (1u << 2)
#define MDIO_READ      (3u << 2)
#define MDIO_CLOCK     (5u << 8) /* HCLK / 124: right at 250 MHz, slow below */
#define QUEUE_FLUSH    1u
#define QUEUE_TX_WHOLE 2u /* TSF */
#define QUEUE_RX_WHOLE (1u << 5)
#define DMA_RESET      1u
#define DMA_BURSTS     (1u << 0 | 1u << 12)
#define DMA_START      1u
#define DMA_BURST_32   (32u << 16)
#define DMA_RX_SIZE(n) ((n) << 1)
#define STATUS_STOPPED (1u << 1 | 1u << 8)
#define STATUS_NO_RX   (1u << 7)
#define STATUS_RX      (1u << 6)
#define STATUS_FATAL   (1u << 12)
#define STATUS_SUMMARY (3u << 14)

#define OWNED        (1u << 31) /* word 3 of a descriptor */
#define RX_INTERRUPT (1u << 30)
#define CONTEXT      (1u << 30) /* of one that came back */
#define FIRST        (1u << 29)
#define LAST         (1u << 28)
#define RX_BUFFER_1  (1u << 24)
#define RX_ERROR     (1u << 15)
#define LENGTH       0x7fffu

enum { PHY_CONTROL = 0, PHY_STATUS = 1, PHY_ID = 2, PHY_RESULT = 31 };
#define PHY_RESET     0x8000u
#define PHY_NEGOTIATE 0x1200u
#define PHY_UP        0x0024u /* link, negotiated */
#define PHY_MODE(r)   ((r) >> 2 & 7u)
#define PHY_MODE_FAST 2u
#define PHY_MODE_FULL 4u
#define PHY_NONE      0xffffu

#define AHB1_ETHERNET (7u << 19)
#define PMCR_SELECT   (7u << 21)
#define PMCR_RMII     (4u << 21)

#define RX_COUNT   PBUF_POOL_SIZE
#define TX_COUNT   8u /* one of them stays free: the ring's end would be its start */
#define FRAME_MIN  14u
#define FRAME_MAX  1514u
#define RESET_MS   500u
#define RETRY_MS   10000u
#define LINK_MS    500u /* between two looks at the PHY */
#define TX_MS_MAX  200u /* a frame that is not out by then never will be */
#define MDIO_TURNS 100000u

_Static_assert(PBUF_POOL_BUFSIZE >= FRAME_MAX + 4u && PBUF_POOL_BUFSIZE % 4u == 0,
               "a frame has to fit into one pbuf");

struct descriptor {
    volatile uint32_t word[4];
};

static enum {
    ETHERNET_RESET,     /* until the MAC has its clocks */
    ETHERNET_PHY_RESET, /* once, after the first */
    ETHERNET_DOWN,
    ETHERNET_UP
} state;
static otter_ms due; /* when the state is over, or the PHY is looked at */
static bool phy_started;
static uint32_t mode; /* PHY_MODE of the link */
static volatile bool fatal;
static uint8_t address[6];

static struct descriptor rx[RX_COUNT], tx[TX_COUNT];
static struct pbuf *rx_frames[RX_COUNT]; /* in the ring; NULL: none was free, and OWNED is off */
static unsigned rx_next, rx_fill;        /* the next to take a frame from, to give a buffer to */
static struct pbuf *tx_frames[TX_COUNT]; /* at a frame's last descriptor */
static unsigned tx_next, tx_done;
static otter_ms tx_at; /* when the last frame that is on its way was handed over */

/* ---- PHY ------------------------------------------------------------------------------------- */

static uint32_t mdio(uint32_t what, unsigned reg)
{
    MACMDIOAR = BOARD_PHY_ADDRESS << 21 | reg << 16 | MDIO_CLOCK | what | MDIO_BUSY;
    for (unsigned i = 0; i < MDIO_TURNS; i++)
        if (!(MACMDIOAR & MDIO_BUSY))
            return MACMDIODR & 0xffffu;
    return PHY_NONE;
}

static uint32_t phy_read(unsigned reg)
{
    return mdio(MDIO_READ, reg);
}

static void phy_write(unsigned reg, uint32_t value)
{
    MACMDIODR = value;
    (void)mdio(MDIO_WRITE, reg);
}

/* ---- Rings ----------------------------------------------------------------------------------- */

static void give(unsigned i)
{
    rx[i].word[0] = (uint32_t)rx_frames[i]->payload;
    rx[i].word[1] = rx[i].word[2] = 0;
    __asm volatile("dmb" ::: "memory");
    rx[i].word[3] = OWNED | RX_INTERRUPT | RX_BUFFER_1;
}

/* The MAC goes by OWNED alone: the tail is where the ring ends, so it is never reached. */
static void tell_of_buffers(void)
{
    __asm volatile("dsb" ::: "memory");
    DMACSR = STATUS_NO_RX;
    DMACRDTPR = (uint32_t)&rx[RX_COUNT];
}

static void fill_ring(void)
{
    bool filled = false;
    while (rx_frames[rx_fill] == NULL) {
        rx_frames[rx_fill] = pbuf_alloc(PBUF_RAW, PBUF_POOL_BUFSIZE, PBUF_POOL);
        if (rx_frames[rx_fill] == NULL)
            break;
        give(rx_fill);
        rx_fill = (rx_fill + 1) % RX_COUNT;
        filled = true;
    }
    if (filled && state == ETHERNET_UP)
        tell_of_buffers();
}

static bool tx_waits(void)
{
    return tx_done != tx_next;
}

static void release(void)
{
    if (tx_frames[tx_done] != NULL)
        pbuf_free(tx_frames[tx_done]);
    tx_frames[tx_done] = NULL;
    tx_done = (tx_done + 1) % TX_COUNT;
}

/* How a frame fared nobody asks: TCP finds out. */
static void release_sent(void)
{
    while (tx_waits() && !(tx[tx_done].word[3] & OWNED))
        release();
}

/* Frames that were received and not taken yet are lost, as are those on their way out. */
static void make_rings(void)
{
    struct pbuf *kept[RX_COUNT];
    unsigned count = 0;
    for (unsigned i = 0; i < RX_COUNT; i++)
        if (rx_frames[i] != NULL)
            kept[count++] = rx_frames[i];
    memset(rx, 0, sizeof rx);
    memset(tx, 0, sizeof tx);
    memset(rx_frames, 0, sizeof rx_frames);
    for (unsigned i = 0; i < count; i++) {
        rx_frames[i] = kept[i];
        give(i);
    }
    rx_next = 0;
    rx_fill = count % RX_COUNT;
    tx_next = tx_done = 0;
}

/* ---- MAC ------------------------------------------------------------------------------------- */

/* Nothing moves until start_mac. */
static void reset(otter_ms now)
{
    DMACIER = 0;
    DMAMR = DMA_RESET;
    while (tx_waits())
        release();
    fatal = false;
    state = ETHERNET_RESET;
    due = now + RESET_MS;
}

static void start_mac(void)
{
    make_rings();
    MAC1USTCR = clock_hz() / 1000000u - 1u;
    MACPFR = 0;
    MMCRIMR = MMCTIMR = 0xffffffffu;
    MTLTQOMR |= QUEUE_TX_WHOLE; /* its size (TQS) stays: it could be made too small for a frame */
    MTLRQOMR = QUEUE_RX_WHOLE;
    DMASBMR = DMA_BURSTS;
    DMACCR = 0;
    DMACTCR = DMA_BURST_32;
    DMACRCR = DMA_BURST_32 | DMA_RX_SIZE(PBUF_POOL_BUFSIZE);
    DMACTDRLR = TX_COUNT - 1u;
    DMACTDLAR = (uint32_t)tx;
    DMACTDTPR = (uint32_t)tx;
    DMACRDRLR = RX_COUNT - 1u;
    DMACRDLAR = (uint32_t)rx;
    MACA0HR = (uint32_t)address[5] << 8 | address[4];
    MACA0LR = (uint32_t)address[3] << 24 | (uint32_t)address[2] << 16 | (uint32_t)address[1] << 8 |
              address[0];
    MACCR = MACCR_STRIP | MACCR_RUN | (mode & PHY_MODE_FAST ? MACCR_FAST : 0u) |
            (mode & PHY_MODE_FULL ? MACCR_FULL : 0u);
    MTLTQOMR |= QUEUE_FLUSH;
    DMACTCR |= DMA_START;
    DMACRCR |= DMA_START;
    DMACSR = STATUS_STOPPED;
    DMACIER = STATUS_RX | STATUS_FATAL | STATUS_SUMMARY;
    tell_of_buffers();
}

/* ---- Link ------------------------------------------------------------------------------------ */

static void watch_reset(otter_ms now)
{
    if (!(DMAMR & DMA_RESET)) {
        state = phy_started ? ETHERNET_DOWN : ETHERNET_PHY_RESET;
        due = now + RESET_MS;
        if (!phy_started)
            phy_write(PHY_CONTROL, PHY_RESET);
    } else if (now >= due) {
        LOG_ERR("NET", "the Ethernet controller stays in its reset: no clock from the PHY?");
        DMAMR = DMA_RESET;
        due = now + RETRY_MS;
    }
}

static void watch_phy_reset(otter_ms now)
{
    const uint32_t control = phy_read(PHY_CONTROL);
    if (control == PHY_NONE || (control & PHY_RESET)) {
        if (now < due)
            return;
        LOG_ERR("NET", "no PHY answers at address %u", (unsigned)BOARD_PHY_ADDRESS);
        phy_write(PHY_CONTROL, PHY_RESET);
        due = now + RETRY_MS;
        return;
    }
    LOG_INF("NET", "PHY %04x:%04x", (unsigned)phy_read(PHY_ID), (unsigned)phy_read(PHY_ID + 1));
    phy_write(PHY_CONTROL, PHY_NEGOTIATE);
    phy_started = true;
    state = ETHERNET_DOWN;
    due = now + LINK_MS;
}

/* PHY_STATUS keeps a link that was down until it is read: one that came back between two looks is
 * seen as down, then as up. */
static void look_at_link(otter_ms now)
{
    due = now + LINK_MS;
    const uint32_t status = phy_read(PHY_STATUS);
    const uint32_t agreed = PHY_MODE(phy_read(PHY_RESULT));
    const bool up = status != PHY_NONE && (status & PHY_UP) == PHY_UP;
    if (state == ETHERNET_UP) {
        if (!up || agreed != mode)
            reset(now);
    } else if (up) {
        mode = agreed;
        state = ETHERNET_UP;
        start_mac();
        fill_ring();
        LOG_INF("NET", "Ethernet at %u Mbit/s, %s duplex", mode & PHY_MODE_FAST ? 100u : 10u,
                mode & PHY_MODE_FULL ? "full" : "half");
    }
}

static const char *what_is_wrong(otter_ms now)
{
    if (fatal)
        return "met a bus error";
    if (tx_waits() && now - tx_at > TX_MS_MAX)
        return "does not send";
    return NULL;
}

static void watch_mac(otter_ms now)
{
    release_sent();
    const char *wrong = what_is_wrong(now);
    if (wrong == NULL)
        return;
    LOG_ERR("NET", "the Ethernet controller %s: it is started anew", wrong);
    reset(now);
}

/* ---- For lwIP -------------------------------------------------------------------------------- */

/* The board has no address of its own: one of the locally administered, from the chip's unique
 * number (FNV-1a by words). */
static void make_address(void)
{
    uint32_t id[3], hash = 2166136261u;
    chip_unique_id(id);
    for (unsigned i = 0; i < 3; i++)
        hash = (hash ^ id[i]) * 16777619u;
    address[0] = 0x02;
    address[1] = (uint8_t)id[0];
    memcpy(address + 2, &hash, sizeof hash);
}

static void wire(unsigned port, unsigned pin)
{
    pin_alternate(port, pin, BOARD_RMII_FUNCTION);
    pin_fast(port, pin);
}

static void start_pins(void)
{
    wire(BOARD_RMII_REF_CLK);
    wire(BOARD_RMII_MDIO);
    wire(BOARD_RMII_MDC);
    wire(BOARD_RMII_CRS_DV);
    wire(BOARD_RMII_RXD0);
    wire(BOARD_RMII_RXD1);
    wire(BOARD_RMII_TX_EN);
    wire(BOARD_RMII_TXD0);
    wire(BOARD_RMII_TXD1);
}

otter_status ethernet_start(uint8_t mac[6])
{
    make_address();
    memcpy(mac, address, sizeof address);
    start_pins();
    RCC_APB3ENR |= RCC_APB3_SBS;
    (void)RCC_APB3ENR;
    SBS_PMCR = (SBS_PMCR & ~PMCR_SELECT) | PMCR_RMII;
    (void)SBS_PMCR; /* before the MAC has a clock */
    RCC_AHB1ENR |= AHB1_ETHERNET;
    (void)RCC_AHB1ENR;
    reset(port_now());
    irq_enable(IRQ_ETH);
    return OTTER_OK;
}

/* Frames stay in the ring; the interrupt wakes the loop. */
void ethernet_handler(void);

void ethernet_handler(void)
{
    const uint32_t status = DMACSR;
    DMACSR = status & (STATUS_RX | STATUS_FATAL | STATUS_SUMMARY);
    if (status & STATUS_FATAL)
        fatal = true;
}

otter_status ethernet_poll(void)
{
    const otter_ms now = port_now();
    switch (state) {
    case ETHERNET_RESET:
        watch_reset(now);
        break;
    case ETHERNET_PHY_RESET:
        watch_phy_reset(now);
        break;
    case ETHERNET_UP:
        watch_mac(now);
        break;
    default:
        break;
    }
    if (state >= ETHERNET_DOWN && now >= due)
        look_at_link(now);
    return state == ETHERNET_UP ? OTTER_OK : OTTER_E_IO;
}

static bool has_frame(void)
{
    return rx_frames[rx_next] != NULL && !(rx[rx_next].word[3] & OWNED);
}

bool ethernet_has_work(void)
{
    return state == ETHERNET_UP && (fatal || has_frame());
}

/* The descriptor's buffer with what is in it; its place stays empty for fill_ring. */
static struct pbuf *take(void)
{
    struct pbuf *const frame = rx_frames[rx_next];
    const uint32_t status = rx[rx_next].word[3], length = status & LENGTH;
    const bool whole = (status & (CONTEXT | FIRST | LAST | RX_ERROR)) == (FIRST | LAST);
    rx_frames[rx_next] = NULL;
    rx_next = (rx_next + 1) % RX_COUNT;
    if (!whole || length < FRAME_MIN || length > FRAME_MAX + 4u) {
        pbuf_free(frame);
        return NULL;
    }
    pbuf_realloc(frame, (u16_t)length);
    return frame;
}

struct pbuf *ethernet_receive(void)
{
    struct pbuf *frame = NULL;
    for (unsigned i = 0; i < RX_COUNT && state == ETHERNET_UP && frame == NULL && has_frame(); i++)
        frame = take();
    fill_ring();
    return frame;
}

static unsigned parts_of(const struct pbuf *frame)
{
    unsigned parts = 0;
    for (; frame != NULL; frame = frame->next)
        parts += frame->len > 0;
    return parts;
}

/* A descriptor for each part. lwIP leaves a segment alone that somebody else still holds. */
otter_status ethernet_send(const struct pbuf *frame)
{
    const unsigned parts = parts_of(frame);
    if (state != ETHERNET_UP)
        return OTTER_E_IO;
    if (frame->tot_len > FRAME_MAX || parts == 0 || parts >= TX_COUNT)
        return OTTER_E_TOO_LONG;
    release_sent();
    if (parts >= TX_COUNT - (tx_next + TX_COUNT - tx_done) % TX_COUNT)
        return OTTER_E_AGAIN;
    struct pbuf *const held = (struct pbuf *)frame;
    pbuf_ref(held);
    unsigned left = parts;
    for (const struct pbuf *part = frame; left > 0; part = part->next) {
        if (part->len == 0)
            continue;
        const uint32_t flags = (left == parts ? FIRST : 0u) | (left == 1 ? LAST : 0u);
        tx[tx_next].word[0] = (uint32_t)part->payload;
        tx[tx_next].word[1] = 0;
        tx[tx_next].word[2] = part->len;
        __asm volatile("dmb" ::: "memory");
        tx[tx_next].word[3] = OWNED | flags | frame->tot_len;
        tx_frames[tx_next] = --left == 0 ? held : NULL;
        tx_next = (tx_next + 1) % TX_COUNT;
    }
    __asm volatile("dsb" ::: "memory");
    DMACTDTPR = (uint32_t)&tx[tx_next];
    tx_at = port_now();
    return OTTER_OK;
}

void ethernet_join(const char *ssid, const char *credential)
{
    (void)ssid;
    (void)credential;
}
