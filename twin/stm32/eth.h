/* ETH of the H5: management of the PHY, frames by rings of descriptors in RAM at the speed of the
 * wire, by RMII. Time stamps, checksum and segmentation offload, VLANs, hash filters, MII and
 * power-down are not modelled. */
#ifndef OTTER_TWIN_STM32_ETH_H
#define OTTER_TWIN_STM32_ETH_H

#include "twin/parts/phy.h"
#include "twin/stm32/stm32.h"

enum stm32_eth_pin {
    STM32_MDC,
    STM32_MDIO,
    STM32_REF_CLK,
    STM32_CRS_DV,
    STM32_RXD0,
    STM32_RXD1,
    STM32_TX_EN,
    STM32_TXD0,
    STM32_TXD1,
    STM32_ETH_PINS
};

struct stm32_eth;

/* The board's side of it. The wire's: `send` gets each frame, of 60 bytes and more, without its
 * checksum. */
struct stm32_eth_board {
    struct phy *phy;
    struct stm32_pin pins[STM32_ETH_PINS];
    void (*send)(void *ctx, const uint8_t *frame, uint32_t length);
    void *ctx;
};

/* Before it, there is no PHY: DMAMR.SWR does not end. */
void stm32_eth_connect(struct stm32_eth *eth, const struct stm32_eth_board *board);
/* The fault of that number in stm32_eth_faults comes with the `at`-th frame. */
void stm32_eth_spoil(struct stm32_eth *eth, unsigned fault, unsigned at);
/* From the wire; what comes while the link is down is lost. */
void stm32_eth_receive(struct stm32_eth *eth, const uint8_t *frame, uint32_t length);

/* ---- between eth.c, eth_dma.c and eth_mdio.c ---- */

#define ETH_FRAME_MAX 1514u
#define ETH_WIRE      64u   /* frames on their way to the board */
#define ETH_FIFO      2048u /* bytes of received frames that wait for a descriptor */

#define ETH_MACCR     0x0000u
#define ETH_MACMDIOAR 0x0200u
#define ETH_MACMDIODR 0x0204u
#define ETH_MTLTQOMR  0x0d00u
#define ETH_DMACCR    0x1100u
#define ETH_DMACTCR   0x1104u
#define ETH_DMACRCR   0x1108u
#define ETH_DMACTDLAR 0x1114u
#define ETH_DMACRDLAR 0x111cu
#define ETH_DMACTDTPR 0x1120u
#define ETH_DMACRDTPR 0x1128u
#define ETH_DMACTDRLR 0x112cu
#define ETH_DMACRDRLR 0x1130u
#define ETH_DMACIER   0x1134u
#define ETH_DMACCATDR 0x1144u /* current descriptors */
#define ETH_DMACCARDR 0x114cu
#define ETH_DMACSR    0x1160u

#define ETH_RE  0x00000001u
#define ETH_TE  0x00000002u
#define ETH_DM  0x00002000u
#define ETH_FES 0x00004000u
#define ETH_ACS 0x00100000u
#define ETH_CST 0x00200000u

#define ETH_TI  0x0001u
#define ETH_TPS 0x0002u
#define ETH_TBU 0x0004u
#define ETH_RI  0x0040u
#define ETH_RBU 0x0080u
#define ETH_RPS 0x0100u
#define ETH_FBE 0x1000u

/* What goes wrong once, until the next DMAMR.SWR. */
enum eth_fault { ETH_SOUND, ETH_RX_BUS, ETH_TX_BUS, ETH_TX_STUCK };
extern const char *const stm32_eth_faults[]; /* their names, for modem_setup_fault */

struct eth_frame {
    uint32_t length;
    uint8_t bytes[ETH_FRAME_MAX + 4u];
};

struct stm32_eth {
    struct stm32_module module;
    struct stm32_eth_board board;
    struct twin_timer managed, sent, came, reset_done;
    bool was_reset;        /* DMAMR.SWR has been done, with RMII selected */
    uint8_t address[6];    /* as the low word latched it */
    uint32_t tx_at, rx_at; /* the present descriptors */
    bool tx_waits;         /* suspended, until the tail pointer is written */
    bool tx_dead, rx_dead; /* since a fault */
    enum eth_fault fault;
    unsigned fault_in; /* frames of its direction */
    struct eth_frame out;
    struct eth_frame wire[ETH_WIRE];
    unsigned wire_start, wire_count;
    struct eth_frame fifo[ETH_WIRE];
    unsigned fifo_start, fifo_count;
    uint32_t fifo_bytes;
};

uint32_t *eth_reg(struct stm32_eth *eth, uint32_t offset);
void eth_raise(struct stm32_eth *eth, uint32_t flags);
bool eth_pins_are(struct stm32_eth *eth, unsigned first, unsigned count);
bool eth_link_is_up(struct stm32_eth *eth);
/* MAC and PHY have the same speed and duplex. */
bool eth_speed_matches(struct stm32_eth *eth);
bool eth_accepts(struct stm32_eth *eth, const uint8_t to[6]);
twin_ns eth_frame_ns(struct stm32_eth *eth, uint32_t length);
/* eth_dma.c */
void eth_dma_start(struct stm32_eth *eth);
void eth_dma_clear(struct stm32_eth *eth);
/* DMACTCR.ST or DMACRCR.SR turned on: the ring from its first descriptor. */
void eth_tx_begin(struct stm32_eth *eth);
void eth_rx_begin(struct stm32_eth *eth);
/* The tail pointer was written, or the MAC switched on. */
void eth_tx_resume(struct stm32_eth *eth);
void eth_rx_resume(struct stm32_eth *eth);
/* A frame is whole in the MAC. */
void eth_rx_frame(struct stm32_eth *eth, const struct eth_frame *frame);
/* eth_mdio.c */
void eth_mdio_start(struct stm32_eth *eth);
void eth_mdio_write(struct stm32_eth *eth, uint32_t value);

#endif
