/* The STM32H573's Ethernet with its LAN8742, used step by step as the register tables say, and each
 * of their rules broken once. */
#include "tests/unit/twin/stm32_bench.h"
#include "twin/net.h"
#include "twin/stm32/eth.h"

#define ETH       0x40028000u
#define MACCR     (ETH + 0x0000)
#define MACPFR    (ETH + 0x0008)
#define MAC1USTCR (ETH + 0x00dc)
#define MDIOAR    (ETH + 0x0200)
#define MDIODR    (ETH + 0x0204)
#define MACA0HR   (ETH + 0x0300)
#define MACA0LR   (ETH + 0x0304)
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

static void on_wire(void *ctx, const uint8_t *frame, uint32_t length)
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

static void wire(void)
{
    phy = phy_new(soc->twin, &phy_lan8742, 0);
    assert_non_null(phy);
    board.phy = phy;
    board.send = on_wire;
    stm32_eth_connect(soc->eth, &board);
    soc->hse_hz = 25000000u;
    wire_count = 0;
}

static int switch_on(void **state)
{
    (void)state;
    return bench_on(&stm32_h573, wire);
}

static int switch_eth_off(void **state)
{
    phy_free(phy);
    return switch_off(state);
}

/* ---- the sequence ---- */

/* All of its pins AF11 at very high speed: PA1, PA2, PA7, PC1, PC4, PC5, PG11, PG12, PG13. */
static void open_pins(void)
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

static void open_clocks(void)
{
    h5_pll(5 | 2u << 4);
    set(RCC + 0x88, 7u << 19);
    set(RCC + 0xa8, 2);
    open_pins();
}

static void reset_mac(void)
{
    put(DMAMR, 1);
    assert_true(comes(DMAMR, 1, 0));
    put(MAC1USTCR, 249);
}

static void open_mac(void)
{
    open_clocks();
    put(PMCR, 4u << 21);
    assert_int_equal(get(PMCR), 4u << 21);
    reset_mac();
}

static uint32_t mdio(unsigned reg, uint32_t operation)
{
    return reg << 16 | 4u << 8 | operation << 2 | 1;
}

static uint16_t phy_get(unsigned reg)
{
    put(MDIOAR, mdio(reg, 3));
    assert_true(comes(MDIOAR, 1, 0));
    return (uint16_t)get(MDIODR);
}

static void phy_put(unsigned reg, uint16_t value)
{
    put(MDIODR, value);
    put(MDIOAR, mdio(reg, 1));
    assert_true(comes(MDIOAR, 1, 0));
}

static bool link_comes(void)
{
    for (unsigned i = 0; i < 300; i++) {
        if ((phy_get(1) & 0x24) == 0x24)
            return true;
        pass(10 * TWIN_MS);
    }
    return false;
}

static void open_phy(void)
{
    phy_put(0, 0x8000);
    for (unsigned i = 0; i < 500 && phy_get(0) & 0x8000; i++)
        pass(TWIN_MS);
    phy_put(0, 0x1200);
    assert_true(link_comes());
}

static void set_words(uint32_t address, uint32_t w0, uint32_t w1, uint32_t w2, uint32_t w3)
{
    const uint32_t words[4] = {w0, w1, w2, w3};
    assert_true(twin_write_memory(soc->twin, address, words, sizeof words));
}

static uint32_t word_at(uint32_t address)
{
    uint32_t word = 0;
    assert_true(twin_read_memory(soc->twin, address, &word, sizeof word));
    return word;
}

static uint32_t rx_status(unsigned n)
{
    return word_at(RX_RING + 16 * n + 12);
}

static void give_back(unsigned n)
{
    set_words(RX_RING + 16 * n, RX_DATA + 0x600 * n, 0, 0, TAKE);
    put(DMACRDTPR, RX_RING + 16 * n);
}

static void open_rings(void)
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

static void run(uint32_t control)
{
    put(MACCR, control | TE_RE);
    put(ETH + 0xd00, 3);
    set(DMACTCR, 1);
    set(DMACRCR, 1);
}

static void open_all(void)
{
    open_mac();
    open_phy();
    open_rings();
    run(CONTROL);
}

static void fill_data(void)
{
    uint8_t frame[1600];
    for (unsigned i = 0; i < sizeof frame; i++)
        frame[i] = (uint8_t)i;
    assert_true(twin_write_memory(soc->twin, TX_DATA, frame, sizeof frame));
}

static unsigned tx_next;

static void send_words(uint32_t w2, uint32_t w3)
{
    fill_data();
    set_words(TX_RING + 16 * tx_next, TX_DATA, 0, w2, w3);
    tx_next = (tx_next + 1) % COUNT;
    put(DMACTDTPR, TX_RING + 16 * tx_next);
}

static void send_frame(uint32_t length)
{
    send_words(TX_IOC | length, OWN | FD_LD | length);
}

static void give_frame(uint8_t last_of_address, uint32_t length)
{
    uint8_t frame[1514] = {0x02, 1, 2,    3,    4,   last_of_address, 0x02, 9, 9, 9,
                           9,    9, 0x08, 0x00, 0x45};
    stm32_eth_receive(soc->eth, frame, length);
}

static int begin(void **state)
{
    tx_next = 0;
    return switch_on(state);
}

/* ---- the PHY ---- */

static void the_phy_says_who_it_is(void **state)
{
    (void)state;
    open_mac();
    assert_int_equal(phy_get(2), 0x0007);
    assert_int_equal(phy_get(3) & 0xfff0, 0xc130);
    put(MDIOAR, mdio(2, 3) | 1u << 21);
    assert_true(comes(MDIOAR, 1, 0));
    assert_int_equal(get(MDIODR) & 0xffff, 0xffff); /* nobody at address 1 */
    assert_no_fault();
}

static void the_phy_says_what_was_negotiated(void **state)
{
    (void)state;
    open_mac();
    open_phy();
    assert_int_equal(phy_get(31) & 0x101c, 0x1018);
    phy_put(4, 0x0061);
    phy_put(0, 0x1200);
    assert_true(link_comes());
    assert_int_equal(phy_get(31) & 0x101c, 0x1014);
    assert_no_fault();
}

static void management_is_slow(void **state)
{
    (void)state;
    open_mac();
    put(MDIOAR, (mdio(2, 3) & ~0xf00u) | 1u << 8);
    assert_fault("ETH's MDC runs at 4032258 Hz (MACMDIOAR.CR 1 at HCLK 250000000)");
}

static void management_is_waited_for(void **state)
{
    (void)state;
    open_mac();
    put(MDIOAR, mdio(2, 3));
    (void)get(MDIODR);
    assert_fault("reads ETH.MACMDIODR while MACMDIOAR.MB is 1");
}

static void management_does_not_begin_twice(void **state)
{
    (void)state;
    open_mac();
    put(MDIOAR, mdio(2, 3));
    put(MDIOAR, mdio(3, 3));
    assert_fault("writes ETH.MACMDIOAR while MACMDIOAR.MB is 1");
}

static void management_reads_or_writes(void **state)
{
    (void)state;
    open_mac();
    put(MDIOAR, mdio(2, 2));
    assert_fault("asks for operation 2");
}

/* ---- the reset ---- */

static void rmii_is_selected_before_the_reset(void **state)
{
    (void)state;
    open_clocks();
    put(DMAMR, 1);
    assert_fault("ETH.DMAMR.SWR is set with SBS.PMCR.ETH_SEL_PHY 0; RMII is 4");
}

static void without_the_phys_clock_the_reset_does_not_end(void **state)
{
    (void)state;
    open_mac();
    phy_put(0, 0x0800);
    put(DMAMR, 1);
    pass(500 * TWIN_MS);
    assert_int_equal(get(DMAMR) & 1, 1);
    assert_no_fault();
}

static void the_reset_needs_the_pin_of_its_clock(void **state)
{
    (void)state;
    h5_pll(5 | 2u << 4);
    set(RCC + 0x88, 7u << 19);
    set(RCC + 0xa8, 2);
    put(PMCR, 4u << 21);
    put(DMAMR, 1);
    assert_fault("ETH works, but PA1");
}

static void the_reset_is_waited_for(void **state)
{
    (void)state;
    open_mac();
    put(DMAMR, 1);
    put(MACPFR, 0);
    assert_fault("writes ETH.MACPFR while DMAMR.SWR is 1");
}

static void a_start_without_a_reset_is_named(void **state)
{
    (void)state;
    open_clocks();
    put(PMCR, 4u << 21);
    put(MAC1USTCR, 249);
    open_rings();
    put(MACCR, CONTROL | TE_RE);
    assert_fault("ETH starts without DMAMR.SWR");
}

static void a_start_needs_both_clock_gates(void **state)
{
    (void)state;
    open_mac();
    put(RCC + 0x88, get(RCC + 0x88) & ~(1u << 21));
    put(MACCR, CONTROL | TE_RE);
    assert_fault("ETH starts while AHB1ENR.ETHRXEN is 0");
}

static void a_start_needs_the_microseconds_counter(void **state)
{
    (void)state;
    open_mac();
    put(MAC1USTCR, 63);
    put(MACCR, CONTROL | TE_RE);
    assert_fault("MAC1USTCR 63; HCLK is 250 MHz, so it must be 249");
}

static void a_start_needs_fast_pins(void **state)
{
    (void)state;
    open_mac();
    put(GPIO + 0x400 * 6 + 8, 0);
    put(MACCR, CONTROL | TE_RE);
    assert_fault("RMII drives PG11 at a low speed");
}

/* ---- out ---- */

static void a_frame_goes_out_padded(void **state)
{
    (void)state;
    open_all();
    send_frame(42);
    assert_true(comes(DMACSR, 1, 1));
    assert_int_equal(wire_length, 60);
    assert_int_equal(wire_frame[41], 41);
    assert_int_equal(wire_frame[42], 0);
    assert_int_equal(word_at(TX_RING + 12) & OWN, 0);
    put(DMACSR, 1);
    assert_int_equal(get(DMACSR) & 1, 0);
    assert_no_fault();
}

static void the_ring_goes_round(void **state)
{
    (void)state;
    open_all();
    for (unsigned i = 0; i < 2 * COUNT + 1; i++) {
        send_frame(100 + i);
        pass(TWIN_MS);
        assert_int_equal(wire_count, i + 1);
        assert_int_equal(wire_length, 100 + i);
    }
    assert_int_equal(get(DMACSR) & 4, 4); /* TBU: nothing more to send */
    assert_no_fault();
}

static void a_descriptor_goes_out_when_the_tail_pointer_is_behind_it(void **state)
{
    (void)state;
    open_all();
    fill_data();
    set_words(TX_RING, TX_DATA, 0, 100, OWN | FD_LD | 100);
    pass(TWIN_MS);
    assert_int_equal(wire_count, 0);
    put(DMACTDTPR, TX_RING);
    pass(TWIN_MS);
    assert_int_equal(wire_count, 0);
    put(DMACTDTPR, TX_RING + 16);
    pass(TWIN_MS);
    assert_int_equal(wire_count, 1);
}

static void a_frame_may_have_several_parts(void **state)
{
    (void)state;
    open_all();
    fill_data();
    set_words(TX_RING, TX_DATA, TX_DATA + 20, 20 | 30u << 16, OWN | 0x20000000u | 100);
    set_words(TX_RING + 16, TX_DATA + 50, 0, 50, OWN | 0x10000000u);
    put(DMACTDTPR, TX_RING + 32);
    pass(TWIN_MS);
    assert_int_equal(wire_count, 1);
    assert_int_equal(wire_length, 100);
    assert_int_equal(wire_frame[99], 99);
    assert_int_equal((word_at(TX_RING + 12) | word_at(TX_RING + 28)) & OWN, 0);
    assert_no_fault();
}

static void descriptors_may_lie_apart(void **state)
{
    (void)state;
    open_mac();
    open_phy();
    open_rings();
    put(DMACCR, 2u << 18);
    set_words(TX_RING + 24, TX_DATA, 0, 100, OWN | FD_LD | 100);
    set_words(TX_RING, TX_DATA, 0, 60, OWN | FD_LD | 60);
    run(CONTROL);
    put(DMACTDTPR, TX_RING + 48);
    pass(TWIN_MS);
    assert_int_equal(wire_count, 2);
    assert_int_equal(wire_length, 100);
}

static void the_mac_follows_the_negotiated_speed(void **state)
{
    (void)state;
    open_mac();
    open_phy();
    open_rings();
    run(CONTROL & ~(1u << 14));
    send_frame(100);
    (void)twin_run(soc->twin, twin_now(soc->twin) + TWIN_MS);
    assert_fault("ETH sends with MACCR.FES 0 and DM 1; the PHY has negotiated 1 and 1");
}

static void wrong_descriptors_are_named(void **state)
{
    static const struct {
        uint32_t w2, w3;
        const char *why;
    } cases[] = {
        {100, OWN | 0x10000000u | 100, "begins a frame without FD"},
        {100, OWN | FD_LD | IOC | 100, "is a context descriptor"},
        {100, OWN | FD_LD | 3u << 16 | 100, "asks for an offload"},
        {100, OWN | FD_LD | 2u << 26 | 100, "sends without a checksum"},
        {42, OWN | FD_LD | 1u << 26 | 42, "of 42 bytes without padding"},
        {100, OWN | FD_LD | 99, "a frame of 100 bytes whose descriptor says 99"},
        {0, OWN | FD_LD, "has no bytes"},
        {1515, OWN | FD_LD | 1515, "more than 1514 bytes"},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (i > 0) {
            (void)switch_eth_off(state);
            (void)begin(state);
        }
        open_all();
        send_words(cases[i].w2, cases[i].w3);
        assert_fault(cases[i].why);
    }
}

/* ---- in ---- */

static void a_frame_comes_in(void **state)
{
    (void)state;
    open_all();
    give_frame(5, 300);
    assert_true(comes(DMACSR, 0x40, 0x40));
    assert_int_equal(rx_status(0) & 0xb0007fff, FD_LD | 300);
    assert_int_equal(word_at(RX_DATA) & 0xff, 0x02);
    assert_int_equal(word_at(RX_RING), 0); /* the address is overwritten */
    assert_no_fault();
}

static void the_checksum_stays_unless_it_is_stripped(void **state)
{
    (void)state;
    open_mac();
    open_phy();
    open_rings();
    run(CONTROL & ~(1u << 21));
    give_frame(5, 300);
    pass(TWIN_MS);
    assert_int_equal(rx_status(0) & 0x7fff, 304);
}

static void the_last_descriptor_waits_for_the_tail_pointer(void **state)
{
    (void)state;
    open_all();
    for (unsigned i = 0; i < COUNT; i++)
        give_frame(5, 300 + i);
    pass(TWIN_MS);
    assert_int_equal(rx_status(2) & 0x7fff, 302);
    assert_int_equal(rx_status(3), TAKE);
    assert_int_equal(get(DMACSR) & 0x80, 0x80); /* RBU */
    put(DMACSR, 0x80);
    give_back(0);
    pass(TWIN_MS);
    assert_int_equal(rx_status(3) & 0x7fff, 303); /* it waited in the FIFO */
    assert_no_fault();
}

static void what_the_fifo_cannot_hold_is_lost(void **state)
{
    (void)state;
    open_all();
    for (unsigned i = 0; i < COUNT + 6; i++)
        give_frame(5, 600 + i);
    pass(10 * TWIN_MS);
    for (unsigned n = 0; n < COUNT - 1; n++)
        give_back(n);
    pass(TWIN_MS);
    unsigned taken = 0;
    for (unsigned n = 0; n < COUNT; n++)
        taken += !(rx_status(n) & OWN);
    assert_int_equal(taken, 3); /* 3 of 603 bytes and more fill 2048 */
    assert_no_fault();
}

static void frames_for_others_are_not_taken(void **state)
{
    (void)state;
    open_all();
    give_frame(6, 300);
    pass(TWIN_MS);
    assert_int_equal(rx_status(0), TAKE);
    put(MACPFR, 1);
    give_frame(6, 300);
    pass(TWIN_MS);
    assert_int_equal(rx_status(0) & 0x7fff, 300);
}

static void multicast_passes_when_all_of_it_may(void **state)
{
    static const uint8_t frame[60] = {0x01, 0, 0x5e, 0, 0, 1, [12] = 8};
    (void)state;
    open_all();
    stm32_eth_receive(soc->eth, frame, sizeof frame);
    pass(TWIN_MS);
    assert_int_equal(rx_status(0), TAKE);
    put(MACPFR, 0x10);
    stm32_eth_receive(soc->eth, frame, sizeof frame);
    pass(TWIN_MS);
    assert_int_equal(rx_status(0) & 0x7fff, 60);
}

static void the_address_counts_from_its_low_word_on(void **state)
{
    (void)state;
    open_all();
    put(MACA0HR, 0x0604);
    give_frame(6, 300);
    pass(TWIN_MS);
    assert_int_equal(rx_status(0), TAKE);
    put(MACA0LR, 0x03020102);
    give_frame(6, 300);
    pass(TWIN_MS);
    assert_int_equal(rx_status(0) & 0x7fff, 300);
}

static void a_small_buffer_gets_a_part(void **state)
{
    (void)state;
    open_mac();
    open_phy();
    open_rings();
    put(DMACRCR, 256u << 1);
    run(CONTROL);
    give_frame(5, 300);
    pass(TWIN_MS);
    assert_int_equal(rx_status(0) & 0xb0007fff, 0x20000000);
    assert_int_equal(rx_status(1) & 0xb0007fff, 0x10000000 | 300);
    assert_no_fault();
}

static void an_address_that_was_not_given_back_is_named(void **state)
{
    (void)state;
    open_all();
    give_frame(5, 300);
    pass(TWIN_MS);
    for (unsigned n = 0; n < COUNT; n++) {
        const uint32_t take = TAKE;
        assert_true(twin_write_memory(soc->twin, RX_RING + 16 * n + 12, &take, 4));
        put(DMACRDTPR, RX_RING + 16 * n);
        give_frame(5, 300);
        (void)twin_run(soc->twin, twin_now(soc->twin) + TWIN_MS);
    }
    give_frame(5, 300);
    (void)twin_run(soc->twin, twin_now(soc->twin) + TWIN_MS);
    assert_fault("ETH receives to 0x00000000, where no RAM is");
}

static void a_buffer_without_its_bit_is_named(void **state)
{
    (void)state;
    open_mac();
    open_phy();
    open_rings();
    set_words(RX_RING, RX_DATA, 0, 0, OWN | IOC);
    run(CONTROL);
    give_frame(5, 300);
    (void)twin_run(soc->twin, twin_now(soc->twin) + TWIN_MS);
    assert_fault("the descriptor at 0x20001000 has not just one valid buffer");
}

static void buffers_are_whole_words(void **state)
{
    (void)state;
    open_mac();
    open_rings();
    put(DMACRCR, 1534u << 1);
    put(MACCR, CONTROL | TE_RE);
    set(DMACRCR, 1);
    assert_fault("receives to buffers of 1534 bytes");
}

/* ---- both ---- */

static void a_ring_in_use_is_not_moved(void **state)
{
    (void)state;
    open_all();
    put(DMACRDLAR, RX_RING);
    assert_fault("writes ETH.DMACRDLAR while the ring is in use");
}

static void a_ring_lies_in_memory(void **state)
{
    (void)state;
    open_mac();
    open_rings();
    put(DMACTDLAR, 0x60000000);
    set(DMACTCR, 1);
    assert_fault("starts with DMACTDLAR 0x60000000, which is no memory");
}

static void interrupts_sum_up_what_is_enabled(void **state)
{
    (void)state;
    open_all();
    give_frame(5, 300);
    pass(TWIN_MS);
    assert_int_equal(get(DMACSR) & 0x8040, 0x40);
    assert_int_equal(get(0xe000e20c) >> 10 & 1, 0);
    put(DMACIER, 1u << 15 | 1u << 6);
    give_frame(5, 300);
    pass(TWIN_MS);
    assert_int_equal(get(DMACSR) & 0x8040, 0x8040);
    assert_int_equal(get(ETH + 0x1008), 1);
    assert_int_equal(get(0xe000e20c) >> 10 & 1, 1); /* 106 */
    assert_no_fault();
}

static void without_link_nothing_passes(void **state)
{
    (void)state;
    open_all();
    phy_plug(phy, false);
    send_frame(100);
    give_frame(5, 300);
    pass(10 * TWIN_MS);
    assert_int_equal(wire_count, 0);
    assert_int_equal(rx_status(0), TAKE);
    assert_int_equal(phy_get(1) & 4, 0);
    phy_plug(phy, true);
    assert_true(link_comes());
    send_frame(100);
    give_frame(5, 300);
    pass(TWIN_MS);
    assert_int_equal(wire_count, 1);
    assert_int_equal(rx_status(0) & 0x7fff, 300);
    assert_no_fault();
}

static void a_stop_is_told(void **state)
{
    (void)state;
    open_all();
    put(DMACSR, 0xffff);
    put(DMACTCR, 0);
    assert_int_equal(get(DMACSR) & 0x102, 2);
    put(DMACRCR, 1536u << 1);
    assert_int_equal(get(DMACSR) & 0x102, 0x102);
    give_frame(5, 300);
    pass(TWIN_MS);
    assert_int_equal(rx_status(0), TAKE);
    assert_no_fault();
}

static void what_is_not_modelled_is_named(void **state)
{
    (void)state;
    open_mac();
    put(MACPFR, 4);
    assert_fault("writes 0x00000004 to ETH.MACPFR, of which HUC, HMC, HPF is not modelled");
}

static void from_net(void *ctx, const uint8_t *frame, uint32_t length)
{
    (void)ctx;
    stm32_eth_receive(soc->eth, frame, length);
}

static void to_net(void *ctx, const uint8_t *frame, uint32_t length)
{
    net_send(ctx, frame, length);
}

static void the_gateway_answers_an_arp_request(void **state)
{
    static const uint8_t request[42] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02, 1, 2, 3,  4,
                                        5,    0x08, 0x06, 0,    1,    8,    0,    6, 4, 0,  1,
                                        0x02, 1,    2,    3,    4,    5,    10,   0, 2, 15, 0,
                                        0,    0,    0,    0,    0,    10,   0,    2, 2};
    struct stm32_eth_board with_net = board;
    (void)state;
    struct net *net = net_new(soc->twin, from_net, NULL);
    assert_non_null(net);
    with_net.phy = phy;
    with_net.send = to_net;
    with_net.ctx = net;
    stm32_eth_connect(soc->eth, &with_net);
    open_all();
    send_frame(42);
    pass(TWIN_MS);
    assert_true(twin_write_memory(soc->twin, TX_DATA, request, sizeof request));
    set_words(TX_RING + 16, TX_DATA, 0, 42, OWN | FD_LD | 42);
    put(DMACTDTPR, TX_RING + 32);
    assert_true(comes(DMACSR, 0x40, 0x40));
    uint8_t answer[42];
    assert_true(twin_read_memory(soc->twin, RX_DATA, answer, sizeof answer));
    assert_memory_equal(answer, request + 6, 6);
    assert_memory_equal(answer + 28, request + 38, 4);
    net_free(net);
    assert_no_fault();
}

#undef TEST
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, switch_eth_off)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_phy_says_who_it_is),
        TEST(the_phy_says_what_was_negotiated),
        TEST(management_is_slow),
        TEST(management_is_waited_for),
        TEST(management_does_not_begin_twice),
        TEST(management_reads_or_writes),
        TEST(rmii_is_selected_before_the_reset),
        TEST(without_the_phys_clock_the_reset_does_not_end),
        TEST(the_reset_needs_the_pin_of_its_clock),
        TEST(the_reset_is_waited_for),
        TEST(a_start_without_a_reset_is_named),
        TEST(a_start_needs_both_clock_gates),
        TEST(a_start_needs_the_microseconds_counter),
        TEST(a_start_needs_fast_pins),
        TEST(a_frame_goes_out_padded),
        TEST(the_ring_goes_round),
        TEST(a_descriptor_goes_out_when_the_tail_pointer_is_behind_it),
        TEST(a_frame_may_have_several_parts),
        TEST(descriptors_may_lie_apart),
        TEST(the_mac_follows_the_negotiated_speed),
        TEST(wrong_descriptors_are_named),
        TEST(a_frame_comes_in),
        TEST(the_checksum_stays_unless_it_is_stripped),
        TEST(the_last_descriptor_waits_for_the_tail_pointer),
        TEST(what_the_fifo_cannot_hold_is_lost),
        TEST(frames_for_others_are_not_taken),
        TEST(multicast_passes_when_all_of_it_may),
        TEST(the_address_counts_from_its_low_word_on),
        TEST(a_small_buffer_gets_a_part),
        TEST(an_address_that_was_not_given_back_is_named),
        TEST(a_buffer_without_its_bit_is_named),
        TEST(buffers_are_whole_words),
        TEST(a_ring_in_use_is_not_moved),
        TEST(a_ring_lies_in_memory),
        TEST(interrupts_sum_up_what_is_enabled),
        TEST(without_link_nothing_passes),
        TEST(a_stop_is_told),
        TEST(what_is_not_modelled_is_named),
        TEST(the_gateway_answers_an_arp_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
