/* The LAN9118 by its registers (SMSC LAN9118 data sheet); see lan9118.h. */
#include "ports/mps2-an505/lan9118.h"

#include <stddef.h>
#include <string.h>

#include <lwip/pbuf.h>

#include "ports/mps2-an505/mps2.h"

#define LAN(offset)  REG32(MPS2_PERIPHERALS + 0x2000000u + (offset))
#define RX_DATA      LAN(0x00)
#define TX_DATA      LAN(0x20)
#define RX_STATUS    LAN(0x40)
#define TX_STATUS    LAN(0x48)
#define IRQ_CONFIG   LAN(0x54)
#define INT_STATUS   LAN(0x58)
#define INT_ENABLE   LAN(0x5c)
#define BYTE_TEST    LAN(0x64)
#define FIFO_LEVELS  LAN(0x68)
#define RX_CONFIG    LAN(0x6c)
#define TX_CONFIG    LAN(0x70)
#define HW_CONFIG    LAN(0x74)
#define RX_FIFO_INFO LAN(0x7c)
#define TX_FIFO_INFO LAN(0x80)
#define MAC_COMMAND  LAN(0xa4)
#define MAC_DATA     LAN(0xa8)

#define BYTE_TEST_VALUE           0x87654321u
#define HW_SOFT_RESET             1u
#define HW_STORE_FORWARD          (1u << 20)
#define HW_TX_FIFO_5K             (5u << 16)
#define TX_ON                     2u
#define IRQ_ACTIVE_HIGH_PUSH_PULL 0x111u /* enabled, too */
#define INT_RX_STATUS_LEVEL       0x8u
#define MAC_BUSY                  (1u << 31)
#define MAC_READ                  (1u << 30)
#define MAC_CONTROL               1u
#define MAC_ADDRESS_HIGH          2u
#define MAC_ADDRESS_LOW           3u
#define MAC_CONTROL_RUN           ((1u << 20) | 0xcu) /* full duplex, transmitter and receiver on */
#define RX_STATUS_ERROR           (1u << 15)
#define RX_STATUS_LENGTH(status)  (((status) >> 16) & 0x3fffu)
#define TX_FIRST_AND_LAST         0x3000u
#define FRAME_CRC_LENGTH          4u
#define FRAME_LENGTH_MIN          14u
#define FRAME_LENGTH_MAX          1518u
#define SPINS_MAX                 100000u

#define FRAMES_MAX 16u /* power of two, at least the frames that the pool holds */

/* Frames taken in: filled by the interrupt, emptied by the loop; running counts. */
static struct {
    volatile uint32_t head, tail;
    struct pbuf *frames[FRAMES_MAX];
} received;

static void mac_wait(void)
{
    for (unsigned spins = 0; (MAC_COMMAND & MAC_BUSY) && spins < SPINS_MAX; spins++) {
    }
}

static uint32_t mac_read(uint32_t reg)
{
    MAC_COMMAND = MAC_BUSY | MAC_READ | reg;
    mac_wait();
    return MAC_DATA;
}

static void mac_write(uint32_t reg, uint32_t value)
{
    MAC_DATA = value;
    MAC_COMMAND = MAC_BUSY | reg;
    mac_wait();
}

/* The controller loads its address from an EEPROM (QEMU: from the -nic option). One without gets a
 * locally administered address. */
static void load_mac_address(uint8_t mac[6])
{
    static const uint8_t fallback[6] = {0x02, 0x4f, 0x54, 0x54, 0x45, 0x52};
    uint32_t low = mac_read(MAC_ADDRESS_LOW), high = mac_read(MAC_ADDRESS_HIGH) & 0xffffu;
    if (low == 0xffffffffu || low == 0) {
        memcpy(&low, fallback, sizeof low);
        high = (uint32_t)fallback[4] | (uint32_t)fallback[5] << 8;
        mac_write(MAC_ADDRESS_LOW, low);
        mac_write(MAC_ADDRESS_HIGH, high);
    }
    memcpy(mac, &low, 4);
    memcpy(mac + 4, &high, 2);
}

otter_status ethernet_start(uint8_t mac[6])
{
    if (BYTE_TEST != BYTE_TEST_VALUE)
        return OTTER_E_IO;
    HW_CONFIG = HW_SOFT_RESET;
    for (unsigned spins = 0; HW_CONFIG & HW_SOFT_RESET; spins++)
        if (spins == SPINS_MAX)
            return OTTER_E_IO;
    HW_CONFIG = HW_STORE_FORWARD | HW_TX_FIFO_5K;
    IRQ_CONFIG = IRQ_ACTIVE_HIGH_PUSH_PULL;
    FIFO_LEVELS = 0x48000000u; /* an interrupt for each frame */
    RX_CONFIG = 0;
    TX_CONFIG = TX_ON;
    load_mac_address(mac);
    mac_write(MAC_CONTROL, MAC_CONTROL_RUN);
    INT_STATUS = 0xffffffffu;
    INT_ENABLE = INT_RX_STATUS_LEVEL;
    irq_enable(IRQ_ETHERNET);
    return OTTER_OK;
}

static unsigned frames_waiting(void)
{
    return (RX_FIFO_INFO >> 16) & 0xffu;
}

static void discard_words(uint32_t words)
{
    while (words-- > 0)
        (void)RX_DATA;
}

/* The FIFO gives words; a pbuf chain takes bytes in pieces. The pieces' size is a multiple of 4 but
 * for the last. */
static void read_frame(struct pbuf *frame, uint32_t words)
{
    for (struct pbuf *piece = frame; piece != NULL; piece = piece->next) {
        uint8_t *to = piece->payload;
        for (uint32_t left = piece->len; left > 0 && words > 0; words--) {
            const uint32_t word = RX_DATA;
            const uint32_t take = left < sizeof word ? left : sizeof word;
            memcpy(to, &word, take);
            to += take;
            left -= take;
        }
    }
    discard_words(words); /* the frame's checksum */
}

/* False when there is no room for another frame. */
static bool take_frame(void)
{
    if (received.head - received.tail == FRAMES_MAX)
        return false;
    /* Whether the pool has room for any frame must be known before the status leaves the FIFO. */
    struct pbuf *frame = pbuf_alloc(PBUF_RAW, FRAME_LENGTH_MAX, PBUF_POOL);
    if (frame == NULL)
        return false;
    const uint32_t status = RX_STATUS;
    const uint32_t length = RX_STATUS_LENGTH(status);
    const uint32_t words = (length + 3) / 4;
    if ((status & RX_STATUS_ERROR) || length < FRAME_LENGTH_MIN + FRAME_CRC_LENGTH ||
        length > FRAME_LENGTH_MAX) {
        discard_words(words);
        pbuf_free(frame);
        return true;
    }
    pbuf_realloc(frame, (u16_t)(length - FRAME_CRC_LENGTH));
    read_frame(frame, words);
    received.frames[received.head % FRAMES_MAX] = frame;
    received.head++;
    return true;
}

/* Runs in the interrupt, or with interrupts off. */
static void take_frames(void)
{
    INT_STATUS = INT_RX_STATUS_LEVEL; /* first, so that a frame that comes now raises it again */
    INT_ENABLE = INT_RX_STATUS_LEVEL;
    while (frames_waiting() > 0) {
        if (!take_frame()) {
            INT_ENABLE = 0; /* until the loop has made room */
            return;
        }
    }
}

void ethernet_handler(void)
{
    take_frames();
}

bool ethernet_has_work(void)
{
    return received.head != received.tail;
}

struct pbuf *ethernet_receive(void)
{
    if (INT_ENABLE == 0) {
        const uint32_t primask = irq_save();
        take_frames();
        irq_restore(primask);
    }
    if (!ethernet_has_work())
        return NULL;
    struct pbuf *frame = received.frames[received.tail % FRAMES_MAX];
    received.tail++;
    return frame;
}

static bool wait_for_tx_room(uint32_t bytes)
{
    for (unsigned spins = 0; spins < SPINS_MAX; spins++)
        if ((TX_FIFO_INFO & 0xffffu) >= bytes)
            return true;
    return false;
}

/* Bytes of the chain, put together to words. */
static void write_frame(const struct pbuf *frame)
{
    uint32_t word = 0;
    unsigned filled = 0;
    for (const struct pbuf *piece = frame; piece != NULL; piece = piece->next) {
        const uint8_t *from = piece->payload;
        for (uint32_t left = piece->len; left > 0; left--) {
            word |= (uint32_t)*from++ << (8 * filled);
            if (++filled == sizeof word) {
                TX_DATA = word;
                word = 0;
                filled = 0;
            }
        }
    }
    if (filled > 0)
        TX_DATA = word;
}

otter_status ethernet_send(const struct pbuf *frame)
{
    const uint32_t length = frame->tot_len;
    while ((TX_FIFO_INFO >> 16) & 0xffu)
        (void)TX_STATUS; /* nobody asks how earlier frames fared; TCP finds out */
    if (!wait_for_tx_room(length + 16))
        return OTTER_E_AGAIN;
    TX_DATA = TX_FIRST_AND_LAST | length;
    TX_DATA = length;
    write_frame(frame);
    return OTTER_OK;
}

/* QEMU's cable is never pulled. */
otter_status ethernet_poll(void)
{
    return OTTER_OK;
}

void ethernet_join(const char *ssid, const char *credential)
{
    (void)ssid;
    (void)credential;
}
