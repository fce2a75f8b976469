/* The M487's Ethernet MAC with an IP101GR by RMII (Technical Reference Manual and device header,
 * EMAC; IEEE 802.3, clause 22: the PHY's registers).
 *
 * The receive ring's buffers are lwIP's pool: a frame goes up in the pbuf that it was received
 * into, and the next free one takes its place in the ring. While all are taken frames are lost,
 * which TCP mends. Frames to send are copied into the one buffer there is. Each change of the link,
 * and whatever the MAC gets stuck in, ends in the same way: reset, new rings, as the PHY has
 * agreed.
 *
 * What the manual leaves open: it asks for RMIIRXCTL, the vendor's driver runs without. It is left
 * alone here, and a log line says so if all frames arrive damaged. */
#include "ports/nuvoton/emac.h"
#include "ports/nuvoton/fmc.h"

#include <lwip/pbuf.h>
#include <string.h>

#include "boards/map.h"
#include "port/log.h"
#include "port/port.h"
#include "ports/lwip/ethernet.h"
#include "ports/nuvoton/nuvoton.h"

#define EMAC(offset) REG32(0x4000b000u + (offset))
#define EMAC_CAMCTL  EMAC(0x000u)
#define EMAC_CAMEN   EMAC(0x004u)
#define EMAC_CAM0M   EMAC(0x008u)
#define EMAC_CAM0L   EMAC(0x00cu)
#define EMAC_TXDSA   EMAC(0x088u)
#define EMAC_RXDSA   EMAC(0x08cu)
#define EMAC_CTL     EMAC(0x090u)
#define EMAC_MIIMDAT EMAC(0x094u)
#define EMAC_MIIMCTL EMAC(0x098u)
#define EMAC_TXST    EMAC(0x0a0u)
#define EMAC_RXST    EMAC(0x0a4u)
#define EMAC_MRFL    EMAC(0x0a8u)
#define EMAC_INTEN   EMAC(0x0acu)
#define EMAC_INTSTS  EMAC(0x0b0u)

#define CAM_BROADCAST 0x04u
#define CAM_COMPARE   0x10u

#define CTL_RX       (1u << 0)
#define CTL_STRIPCRC (1u << 5)
#define CTL_TX       (1u << 8)
#define CTL_FULL     (1u << 18)
#define CTL_FAST     (1u << 20)
#define CTL_RMII     (1u << 22)
#define CTL_RESET    (1u << 24)

#define INT_RX        (1u << 0)
#define INT_CRC_WRONG (1u << 1)
#define INT_RX_GOOD   (1u << 4)
#define INT_TX        (1u << 16)
#define INT_BUS_ERROR (1u << 11 | 1u << 24) /* of reception, of transmission */

#define MII_WRITE (1u << 16)
#define MII_BUSY  (1u << 17)
#define MII_CLOCK (1u << 19)

enum { PHY_CONTROL = 0, PHY_STATUS = 1, PHY_ID = 2, PHY_ADVERTISED = 4, PHY_PARTNER = 5 };
#define PHY_RESET      0x8000u
#define PHY_NEGOTIATE  0x1200u
#define PHY_ABILITIES  0x01e1u
#define PHY_LINK       0x0004u
#define PHY_NEGOTIATED 0x0020u
#define PHY_100_FULL   0x0100u /* what the partner can; we can all of it */
#define PHY_100        0x0180u
#define PHY_10_FULL    0x0040u
#define PHY_NONE       0xffffu

#define OWNED   (1u << 31)
#define TX_CRC  (1u << 1)
#define TX_PAD  (1u << 0)
#define RX_GOOD (1u << 20)

#define AHB_EMAC    (1u << 5)
#define MDC_DIVIDER (127u << 16) /* MDC = HCLK / 128 */

#define RX_COUNT     PBUF_POOL_SIZE
#define FRAME_MAX    1514u /* without its checksum */
#define FRAME_MIN    14u
#define LINK_MS      500u   /* between two looks at the PHY */
#define RETRY_MS     10000u /* after a MAC that stays in its reset */
#define RESET_MS     10u
#define PHY_RESET_MS 100u
#define TX_MS_MAX    200u    /* a frame that is not out by then never will be */
#define WAIT_MAX     100000u /* turns: milliseconds, and frame and MII take less than 2 */

/* With a checksum, which the MAC may write though it does not count it. */
_Static_assert(PBUF_POOL_BUFSIZE >= FRAME_MAX + 4u, "a frame has to fit into one pbuf");

struct descriptor {
    volatile uint32_t status; /* and length, of a received frame */
    uint32_t buffer;
    volatile uint32_t length; /* of a frame to send */
    uint32_t next;
};

static struct descriptor rx[RX_COUNT], tx;
static struct pbuf *frames[RX_COUNT]; /* in the ring; NULL: none was free, and OWNED is off */
static unsigned rx_next, rx_fill;     /* the next to take a frame from, to give a buffer to */
static uint8_t tx_frame[FRAME_MAX] __attribute__((aligned(4)));
static otter_ms tx_at;
static uint8_t address[6];

static unsigned phy;
static bool link_up, seen_good;
static otter_ms look_at;

/* ---- PHY ---- */

static bool mii_wait(void)
{
    for (unsigned i = 0; i < WAIT_MAX; i++)
        if (!(EMAC_MIIMCTL & MII_BUSY))
            return true;
    return false;
}

static uint32_t phy_read(unsigned reg)
{
    EMAC_MIIMCTL = reg | phy << 8 | MII_BUSY | MII_CLOCK;
    return mii_wait() ? EMAC_MIIMDAT & 0xffffu : PHY_NONE;
}

static void phy_write(unsigned reg, uint32_t value)
{
    EMAC_MIIMDAT = value;
    EMAC_MIIMCTL = reg | phy << 8 | MII_WRITE | MII_BUSY | MII_CLOCK;
    (void)mii_wait();
}

static bool find_phy(void)
{
    for (phy = 0; phy < 32; phy++) {
        const uint32_t id = phy_read(PHY_ID);
        if (id != PHY_NONE && id != 0)
            return true;
    }
    return false;
}

static void start_phy(void)
{
    phy_write(PHY_CONTROL, PHY_RESET);
    const otter_ms limit = port_now() + PHY_RESET_MS;
    while ((phy_read(PHY_CONTROL) & PHY_RESET) && port_now() < limit) {
    }
    phy_write(PHY_ADVERTISED, PHY_ABILITIES);
    phy_write(PHY_CONTROL, PHY_NEGOTIATE);
}

/* ---- MAC ---- */

/* The vendor's header: a reset leaves RMIIEN and OPMODE alone, and RMIIEN must stay 1. */
static otter_status reset_mac(void)
{
    EMAC_CTL = CTL_RESET | CTL_RMII;
    const otter_ms limit = port_now() + RESET_MS;
    while (EMAC_CTL & CTL_RESET)
        if (port_now() > limit)
            return OTTER_E_IO;
    return OTTER_OK;
}

static void give(unsigned i)
{
    rx[i].buffer = (uint32_t)frames[i]->payload;
    __asm volatile("dmb" ::: "memory");
    rx[i].status = OWNED;
}

/* Frames that were received and not taken yet are lost. */
static void make_rings(void)
{
    for (unsigned i = 0; i < RX_COUNT; i++) {
        rx[i] = (struct descriptor){.next = (uint32_t)&rx[(i + 1) % RX_COUNT]};
        if (frames[i] != NULL)
            give(i);
    }
    tx = (struct descriptor){.buffer = (uint32_t)tx_frame, .next = (uint32_t)&tx};
    /* Taken from where buffers may be missing on; the MAC begins there, too. */
    rx_next = rx_fill;
}

/* `mode`: CTL_FAST, CTL_FULL. */
static otter_status start_mac(uint32_t mode)
{
    if (reset_mac() != OTTER_OK)
        return OTTER_E_IO;
    make_rings();
    EMAC_CAM0M = (uint32_t)address[0] << 24 | (uint32_t)address[1] << 16 |
                 (uint32_t)address[2] << 8 | address[3];
    EMAC_CAM0L = (uint32_t)address[4] << 24 | (uint32_t)address[5] << 16;
    EMAC_CAMEN = 1;
    EMAC_CAMCTL = CAM_COMPARE | CAM_BROADCAST; /* nobody here listens to multicasts */
    EMAC_RXDSA = (uint32_t)&rx[rx_next];
    EMAC_TXDSA = (uint32_t)&tx;
    EMAC_MRFL = FRAME_MAX + 4u;
    EMAC_INTEN = INT_RX | INT_RX_GOOD | INT_TX | INT_BUS_ERROR;
    EMAC_CTL = CTL_RMII | CTL_STRIPCRC | mode;
    EMAC_CTL |= CTL_RX | CTL_TX;
    EMAC_RXST = 0;
    return OTTER_OK;
}

/* ---- link ---- */

static void begin_link(otter_ms now)
{
    const uint32_t partner = phy_read(PHY_PARTNER);
    const bool fast = partner & PHY_100;
    const bool full = partner & (fast ? PHY_100_FULL : PHY_10_FULL);
    seen_good = false;
    link_up = start_mac((fast ? CTL_FAST : 0u) | (full ? CTL_FULL : 0u)) == OTTER_OK;
    if (!link_up) {
        look_at = now + RETRY_MS;
        LOG_ERR("NET", "the Ethernet controller stays in its reset; it is tried again");
        return;
    }
    LOG_INF("NET", "Ethernet at %u Mbit/s, %s duplex", fast ? 100u : 10u, full ? "full" : "half");
}

static void end_link(void)
{
    link_up = false;
    (void)reset_mac(); /* nothing moves until start_mac */
}

static void check_frames(void)
{
    if (seen_good || !(EMAC_INTSTS & INT_CRC_WRONG))
        return;
    seen_good = true; /* said once for each link */
    LOG_WRN("NET", "frames arrive damaged: the RMII signals, or RMIIRXCTL is needed");
}

/* PHY_STATUS keeps a link that was down until it is read: one that came back between two looks
 * is seen as down, then as up. */
static void look_at_link(otter_ms now)
{
    look_at = now + LINK_MS;
    const uint32_t status = phy_read(PHY_STATUS), both = PHY_LINK | PHY_NEGOTIATED;
    const bool up = status != PHY_NONE && (status & both) == both;
    if (up && link_up)
        check_frames();
    else if (up)
        begin_link(now);
    else if (link_up)
        end_link();
}

static const char *what_is_wrong(otter_ms now)
{
    if (EMAC_INTSTS & INT_BUS_ERROR)
        return "met a bus error";
    if ((tx.status & OWNED) && now - tx_at > TX_MS_MAX)
        return "does not send";
    return NULL;
}

/* ---- ethernet.h ---- */

/* The board has no address of its own: one of the locally administered, from the chip's unique
 * number (FNV-1a by words). */
static void make_address(void)
{
    uint32_t hash = 2166136261u;
    for (unsigned i = 0; i < 3; i++)
        hash = (hash ^ flash_unique_id(i)) * 16777619u;
    address[0] = 0x02;
    memcpy(address + 2, &hash, sizeof hash);
}

otter_status ethernet_start(uint8_t mac[6])
{
    static const uint8_t pins[][3] = {BOARD_EMAC_PINS}, fast_pins[][2] = {BOARD_EMAC_FAST_PINS};
    registers_unlock();
    CLK_AHBCLK |= AHB_EMAC;
    CLK_CLKDIV3 = (CLK_CLKDIV3 & ~(0xffu << 16)) | MDC_DIVIDER;
    for (unsigned i = 0; i < sizeof pins / sizeof *pins; i++)
        pin_function_set(pins[i][0], pins[i][1], pins[i][2]);
    for (unsigned i = 0; i < sizeof fast_pins / sizeof *fast_pins; i++)
        pin_slew_high(fast_pins[i][0], fast_pins[i][1]);
    make_address();
    memcpy(mac, address, sizeof address);
    if (reset_mac() != OTTER_OK || !find_phy())
        return OTTER_E_IO;
    start_phy();
    irq_enable(IRQ_EMAC_RX);
    irq_enable(IRQ_EMAC_TX);
    return OTTER_OK;
}

/* Frames stay in the ring; the interrupt only wakes the loop. A bus error stays on until the loop
 * has started the MAC anew. */
void emac_handler(void)
{
    const uint32_t status = EMAC_INTSTS;
    if (status & INT_BUS_ERROR)
        EMAC_INTEN = 0;
    EMAC_INTSTS = status & (INT_RX | INT_RX_GOOD | INT_TX);
}

otter_status ethernet_poll(void)
{
    const otter_ms now = port_now();
    if (now >= look_at)
        look_at_link(now);
    const char *wrong = link_up ? what_is_wrong(now) : NULL;
    if (wrong != NULL) {
        LOG_ERR("NET", "the Ethernet controller %s: it is started anew", wrong);
        end_link();
        look_at = now + LINK_MS;
    }
    return link_up ? OTTER_OK : OTTER_E_IO;
}

static bool has_frame(void)
{
    return frames[rx_next] != NULL && !(rx[rx_next].status & OWNED);
}

bool ethernet_has_work(void)
{
    return link_up && (has_frame() || (EMAC_INTSTS & INT_BUS_ERROR));
}

static void fill_ring(void)
{
    bool filled = false;
    while (frames[rx_fill] == NULL) {
        frames[rx_fill] = pbuf_alloc(PBUF_RAW, PBUF_POOL_BUFSIZE, PBUF_POOL);
        if (frames[rx_fill] == NULL)
            break;
        give(rx_fill);
        rx_fill = (rx_fill + 1) % RX_COUNT;
        filled = true;
    }
    if (filled && link_up)
        EMAC_RXST = 0; /* it may have stopped where there was no buffer */
}

/* The descriptor's buffer with what is in it; its place stays empty for fill_ring. */
static struct pbuf *take(void)
{
    struct pbuf *frame = frames[rx_next];
    const uint32_t status = rx[rx_next].status, length = status & 0xffffu;
    frames[rx_next] = NULL;
    rx_next = (rx_next + 1) % RX_COUNT;
    if (!(status & RX_GOOD) || length < FRAME_MIN || length > FRAME_MAX) {
        pbuf_free(frame);
        return NULL;
    }
    seen_good = true;
    pbuf_realloc(frame, (u16_t)length);
    return frame;
}

struct pbuf *ethernet_receive(void)
{
    struct pbuf *frame = NULL;
    for (unsigned i = 0; i < RX_COUNT && frame == NULL && has_frame(); i++)
        frame = take();
    fill_ring();
    return frame;
}

/* The frame before it takes a millisecond at the most, and is nearly always out. */
static bool wait_for_tx(void)
{
    for (unsigned i = 0; i < WAIT_MAX; i++)
        if (!(tx.status & OWNED))
            return true;
    return false;
}

otter_status ethernet_send(const struct pbuf *frame)
{
    if (!link_up)
        return OTTER_E_IO;
    if (frame->tot_len > FRAME_MAX)
        return OTTER_E_TOO_LONG;
    if (!wait_for_tx())
        return OTTER_E_AGAIN;
    (void)pbuf_copy_partial(frame, tx_frame, frame->tot_len, 0);
    tx.length = frame->tot_len;
    __asm volatile("dmb" ::: "memory");
    tx.status = OWNED | TX_CRC | TX_PAD;
    tx_at = port_now();
    EMAC_TXST = 0;
    return OTTER_OK;
}

void ethernet_join(const char *ssid, const char *credential)
{
    (void)ssid;
    (void)credential;
}
