/* For tests of the STM32H573's Ethernet: its board, and the way to rings that run. */
#ifndef OTTER_TEST_STM32_ETH_BENCH_H
#define OTTER_TEST_STM32_ETH_BENCH_H

#include "tests/unit/twin/stm32_bench.h"
#include "twin/stm32/eth.h"

#define ETH       0x40028000u
#define MACCR     (ETH + 0x0000)
#define MACPFR    (ETH + 0x0008)
#define MAC1USTCR (ETH + 0x00dc)
#define MDIOAR    (ETH + 0x0200)
#define MDIODR    (ETH + 0x0204)
#define MACA0HR   (ETH + 0x0300)
#define MACA0LR   (ETH + 0x0304)
#define MTLTQOMR  (ETH + 0x0d00)
#define DMAMR     (ETH + 0x1000)
#define DMACCR    (ETH + 0x1100)
#define DMACTCR   (ETH + 0x1104)
#define DMACRCR   (ETH + 0x1108)
#define DMACTDLAR (ETH + 0x1114)
#define DMACRDLAR (ETH + 0x111c)
#define DMACTDTPR (ETH + 0x1120)
#define DMACRDTPR (ETH + 0x1128)
#define DMACTDRLR (ETH + 0x112c)
#define DMACRDRLR (ETH + 0x1130)
#define DMACIER   (ETH + 0x1134)
#define DMACSR    (ETH + 0x1160)
#define PMCR      0x44000500u

#define RX_RING 0x20001000u
#define TX_RING 0x20001100u
#define RX_DATA 0x20002000u
#define TX_DATA 0x20004000u

#define OWN    0x80000000u
#define IOC    0x40000000u /* of a receive descriptor */
#define FD_LD  0x30000000u
#define BUF1V  0x01000000u
#define TX_IOC 0x80000000u
#define TAKE   (OWN | IOC | BUF1V)
#define COUNT  4u

#define TE_RE   3u
#define CONTROL (1u << 13 | 1u << 14 | 1u << 20 | 1u << 21) /* DM, FES, ACS, CST */

static uint8_t wire_frame[1600];
static uint32_t wire_length;
static unsigned wire_count;
static struct phy *phy;

static inline void on_wire(void *ctx, const uint8_t *frame, uint32_t length)
{
    (void)ctx;
    assert_in_range(length, 1, sizeof wire_frame);
    memcpy(wire_frame, frame, length);
    wire_length = length;
    wire_count++;
}

static struct stm32_eth_board board = {.pins = {{2, 1, 11},
                                                {0, 2, 11},
                                                {0, 1, 11},
                                                {0, 7, 11},
                                                {2, 4, 11},
                                                {2, 5, 11},
                                                {6, 11, 11},
                                                {6, 13, 11},
                                                {6, 12, 11}}};

static inline void wire(void)
{
    phy = phy_new(soc->twin, &phy_lan8742, 0);
    assert_non_null(phy);
    board.phy = phy;
    board.send = on_wire;
    stm32_eth_connect(soc->eth, &board);
    soc->hse_hz = 25000000u;
    wire_count = 0;
}

static inline int switch_on(void **state)
{
    (void)state;
    return bench_on(&stm32_h573, wire);
}

static inline int switch_eth_off(void **state)
{
    phy_free(phy);
    return switch_off(state);
}

/* ---- the sequence ---- */

/* All of its pins AF11 at very high speed: PA1, PA2, PA7, PC1, PC4, PC5, PG11, PG12, PG13. */
static inline void open_pins(void)
{
    static const struct {
        uint32_t port, modes, low, high;
    } ports[] = {
        {0, 0x8028, 0xb0000bb0, 0}, {2, 0x0a08, 0x00bb00b0, 0}, {6, 0x0a800000, 0, 0xbbb000}};
    set(RCC + 0x8c, 1 | 4 | 0x40);
    for (unsigned i = 0; i < 3; i++) {
        const uint32_t at = GPIO + 0x400 * ports[i].port, modes = ports[i].modes;
        put(at + 0x20, ports[i].low);
        put(at + 0x24, ports[i].high);
        put(at + 0x08, get(at + 0x08) | modes | modes >> 1);
        put(at, (get(at) & ~(modes | modes >> 1)) | modes);
    }
}

static inline void open_clocks(void)
{
    h5_pll(5 | 2u << 4);
    set(RCC + 0x88, 7u << 19);
    set(RCC + 0xa8, 2);
    open_pins();
}

static inline void reset_mac(void)
{
    put(DMAMR, 1);
    assert_true(comes(DMAMR, 1, 0));
    put(MAC1USTCR, 249);
}

static inline void open_mac(void)
{
    open_clocks();
    put(PMCR, 4u << 21);
    assert_int_equal(get(PMCR), 4u << 21);
    reset_mac();
}

static inline uint32_t mdio(unsigned reg, uint32_t operation)
{
    return reg << 16 | 4u << 8 | operation << 2 | 1;
}

static inline uint16_t phy_get(unsigned reg)
{
    put(MDIOAR, mdio(reg, 3));
    assert_true(comes(MDIOAR, 1, 0));
    return (uint16_t)get(MDIODR);
}

static inline void phy_put(unsigned reg, uint16_t value)
{
    put(MDIODR, value);
    put(MDIOAR, mdio(reg, 1));
    assert_true(comes(MDIOAR, 1, 0));
}

static inline bool link_comes(void)
{
    for (unsigned i = 0; i < 300; i++) {
        if ((phy_get(1) & 0x24) == 0x24)
            return true;
        pass(10 * TWIN_MS);
    }
    return false;
}

static inline void open_phy(void)
{
    phy_put(0, 0x8000);
    for (unsigned i = 0; i < 500 && phy_get(0) & 0x8000; i++)
        pass(TWIN_MS);
    phy_put(0, 0x1200);
    assert_true(link_comes());
}

static inline void set_words(uint32_t address, uint32_t w0, uint32_t w1, uint32_t w2, uint32_t w3)
{
    const uint32_t words[4] = {w0, w1, w2, w3};
    assert_true(twin_write_memory(soc->twin, address, words, sizeof words));
}

static inline uint32_t word_at(uint32_t address)
{
    uint32_t word = 0;
    assert_true(twin_read_memory(soc->twin, address, &word, sizeof word));
    return word;
}

static inline uint32_t rx_status(unsigned n)
{
    return word_at(RX_RING + 16 * n + 12);
}

static inline void give_back(unsigned n)
{
    set_words(RX_RING + 16 * n, RX_DATA + 0x600 * n, 0, 0, TAKE);
    put(DMACRDTPR, RX_RING + 16 * n);
}

static inline void open_rings(void)
{
    for (unsigned n = 0; n < COUNT; n++) {
        set_words(RX_RING + 16 * n, RX_DATA + 0x600 * n, 0, 0, TAKE);
        set_words(TX_RING + 16 * n, 0, 0, 0, 0);
    }
    put(DMACCR, 0);
    put(DMACTCR, 32u << 16);
    put(DMACRCR, 32u << 16 | 1536u << 1);
    put(DMACTDRLR, COUNT - 1);
    put(DMACTDLAR, TX_RING);
    put(DMACTDTPR, TX_RING);
    put(DMACRDRLR, COUNT - 1);
    put(DMACRDLAR, RX_RING);
    put(DMACRDTPR, RX_RING + 16 * (COUNT - 1));
    put(MACA0HR, 0x0504);
    put(MACA0LR, 0x03020102);
}

static inline void run(uint32_t control)
{
    put(MACCR, control | TE_RE);
    put(MTLTQOMR, get(MTLTQOMR) | 3u);
    set(DMACTCR, 1);
    set(DMACRCR, 1);
}

static inline void open_all(void)
{
    open_mac();
    open_phy();
    open_rings();
    run(CONTROL);
}

static inline void fill_data(void)
{
    uint8_t frame[1600];
    for (unsigned i = 0; i < sizeof frame; i++)
        frame[i] = (uint8_t)i;
    assert_true(twin_write_memory(soc->twin, TX_DATA, frame, sizeof frame));
}

static unsigned tx_next;

static inline void send_words(uint32_t w2, uint32_t w3)
{
    fill_data();
    set_words(TX_RING + 16 * tx_next, TX_DATA, 0, w2, w3);
    tx_next = (tx_next + 1) % COUNT;
    put(DMACTDTPR, TX_RING + 16 * tx_next);
}

static inline void send_frame(uint32_t length)
{
    send_words(TX_IOC | length, OWN | FD_LD | length);
}

static inline void give_frame(uint8_t last_of_address, uint32_t length)
{
    uint8_t frame[1514] = {0x02, 1, 2,    3,    4,   last_of_address, 0x02, 9, 9, 9,
                           9,    9, 0x08, 0x00, 0x45};
    stm32_eth_receive(soc->eth, frame, length);
}

static inline int begin(void **state)
{
    tx_next = 0;
    return switch_on(state);
}

#undef TEST
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, switch_eth_off)

#endif
