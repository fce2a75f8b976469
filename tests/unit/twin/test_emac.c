/* The M487's Ethernet with its PHY, used step by step as the register tables say, and each of their
 * rules broken once. */
#include "tests/unit/twin/nuvoton_bench.h"
#include "twin/net.h"

#define EMAC    0x4000b000u
#define CAMCTL  (EMAC + 0x000)
#define CAMEN   (EMAC + 0x004)
#define CAM0M   (EMAC + 0x008)
#define CAM0L   (EMAC + 0x00c)
#define TXDSA   (EMAC + 0x088)
#define RXDSA   (EMAC + 0x08c)
#define CTL     (EMAC + 0x090)
#define MIIMDAT (EMAC + 0x094)
#define MIIMCTL (EMAC + 0x098)
#define TXST    (EMAC + 0x0a0)
#define RXST    (EMAC + 0x0a4)
#define MRFL    (EMAC + 0x0a8)
#define INTSTS  (EMAC + 0x0b0)

#define RX_RING 0x20001000u
#define TX_RING 0x20001100u
#define RX_DATA 0x20002000u
#define TX_DATA 0x20004000u
#define OWN     0x80000000u

static uint8_t wire_frame[1600];
static uint32_t wire_length;
static unsigned wire_count;

static void on_wire(void *ctx, const uint8_t *frame, uint32_t length)
{
    (void)ctx;
    assert_in_range(length, 1, sizeof wire_frame);
    memcpy(wire_frame, frame, length);
    wire_length = length;
    wire_count++;
}

static void wire(void)
{
    static const struct nuvoton_pin pins[10] = {{4, 8, 3},  {4, 9, 3}, {4, 10, 3}, {4, 11, 3},
                                                {4, 12, 3}, {2, 8, 3}, {2, 7, 3},  {2, 6, 3},
                                                {0, 7, 3},  {0, 6, 3}};
    memcpy(soc->rmii_pins, pins, sizeof pins);
    soc->phy = phy_new(soc->twin, &phy_ip101gr, 1);
    assert_non_null(soc->phy);
    emac_connect(soc, on_wire, NULL);
    wire_count = 0;
}

static int switch_on(void **state)
{
    (void)state;
    return bench_on(&nuvoton_m487, wire);
}

/* ---- the sequence ---- */

static void open_mac(void)
{
    unlock();
    put(CLK + 0x04, get(CLK + 0x04) | 1u << 5);
    put(CLK + 0x2c, 127u << 16);
    put(SYS + 0x34 + 8 * 4, 0x00033333);
    put(SYS + 0x30 + 8 * 2, 0x33000000);
    put(SYS + 0x34 + 8 * 2, 0x00000003);
    put(SYS + 0x30, 0x33000000);
    put(GPIO + 0x40 * 4 + 0x28, 0x01500000);
    put(CTL, 1u << 24);
    assert_true(comes(CTL, 1u << 24, 0));
}

static uint16_t phy_get(unsigned reg)
{
    put(MIIMCTL, reg | 1u << 8 | 1u << 17 | 1u << 19);
    assert_true(comes(MIIMCTL, 1u << 17, 0));
    return (uint16_t)get(MIIMDAT);
}

static void phy_put(unsigned reg, uint16_t value)
{
    put(MIIMDAT, value);
    put(MIIMCTL, reg | 1u << 8 | 1u << 16 | 1u << 17 | 1u << 19);
    assert_true(comes(MIIMCTL, 1u << 17, 0));
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
    for (unsigned i = 0; i < 100 && phy_get(0) & 0x8000; i++)
        pass(TWIN_MS);
    phy_put(4, 0x01e1);
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

/* Two descriptors each way. */
static void open_rings(void)
{
    put(CAM0M, 0x02010203);
    put(CAM0L, 0x04050000);
    put(CAMEN, 1);
    put(CAMCTL, 0x10 | 4);
    set_words(RX_RING, OWN, RX_DATA, 0, RX_RING + 16);
    set_words(RX_RING + 16, OWN, RX_DATA + 0x800, 0, RX_RING);
    set_words(TX_RING, 0, TX_DATA, 0, TX_RING + 16);
    set_words(TX_RING + 16, 0, TX_DATA + 0x800, 0, TX_RING);
    put(RXDSA, RX_RING);
    put(TXDSA, TX_RING);
    put(MRFL, 1522);
}

static void run(uint32_t control)
{
    put(CTL, control);
    put(CTL, control | 0x101);
    put(RXST, 0);
}

#define CONTROL (1u << 5 | 1u << 22 | 1u << 20 | 1u << 18)

static void open_all(void)
{
    open_mac();
    open_phy();
    open_rings();
    run(CONTROL);
}

static void send_frame(uint32_t length, uint32_t flags)
{
    uint8_t frame[1514];
    for (unsigned i = 0; i < sizeof frame; i++)
        frame[i] = (uint8_t)i;
    assert_true(twin_write_memory(soc->twin, TX_DATA, frame, sizeof frame));
    set_words(TX_RING, OWN | flags, TX_DATA, length, TX_RING + 16);
    put(TXST, 0);
}

static void give_frame(uint8_t last_of_address, uint32_t length)
{
    uint8_t frame[1514] = {0x02, 1, 2,    3,    4,   last_of_address, 0x02, 9, 9, 9,
                           9,    9, 0x08, 0x00, 0x45};
    emac_receive(soc, frame, length);
}

static void the_phy_says_who_it_is(void **state)
{
    (void)state;
    open_mac();
    assert_int_equal(phy_get(2), 0x0243);
    put(MIIMCTL, 2 | 2u << 8 | 1u << 17 | 1u << 19);
    assert_true(comes(MIIMCTL, 1u << 17, 0));
    assert_int_equal(get(MIIMDAT), 0xffff); /* nobody at address 2 */
    assert_no_fault();
}

static void a_link_is_negotiated(void **state)
{
    (void)state;
    open_mac();
    open_phy();
    assert_int_equal(phy_get(5) & 0x1e0, 0x1e0);
    assert_no_fault();
}

static void a_link_that_was_down_is_seen_once(void **state)
{
    (void)state;
    open_mac();
    open_phy();
    assert_int_equal(phy_get(1) & 4, 4);
    phy_plug(soc->phy, false);
    assert_int_equal(phy_get(1) & 4, 0);
    phy_plug(soc->phy, true);
    pass(3000 * TWIN_MS);
    assert_int_equal(phy_get(1) & 4, 0);
    assert_int_equal(phy_get(1) & 4, 4);
}

static void a_frame_goes_out_padded(void **state)
{
    (void)state;
    open_all();
    send_frame(42, 3);
    assert_true(comes(INTSTS, 1u << 18, 1u << 18));
    assert_int_equal(wire_length, 60);
    assert_int_equal(wire_frame[41], 41);
    assert_int_equal(wire_frame[42], 0);
    assert_int_equal(word_at(TX_RING) & OWN, 0);
    assert_int_equal(word_at(TX_RING + 8) >> 19 & 1, 1);
    assert_no_fault();
}

static void the_ring_goes_round(void **state)
{
    (void)state;
    open_all();
    for (unsigned i = 0; i < 5; i++) {
        const uint32_t descriptor = TX_RING + 16 * (i % 2);
        set_words(descriptor, OWN | 3, TX_DATA, 100 + i, TX_RING + 16 * ((i + 1) % 2));
        put(TXST, 0);
        pass(TWIN_MS);
        assert_int_equal(wire_count, i + 1);
        assert_int_equal(wire_length, 100 + i);
    }
    assert_int_equal(get(INTSTS) >> 23 & 1, 1); /* TDUIF: nothing more to send */
    assert_no_fault();
}

static void a_frame_comes_in(void **state)
{
    (void)state;
    open_all();
    give_frame(5, 300);
    assert_true(comes(INTSTS, 1u << 4, 1u << 4));
    assert_int_equal(word_at(RX_RING) & OWN, 0);
    assert_int_equal(word_at(RX_RING) & 0xffff, 300);
    assert_int_equal(word_at(RX_RING) >> 20 & 1, 1);
    assert_int_equal(word_at(RX_DATA) & 0xff, 0x02);
    assert_no_fault();
}

static void the_checksum_stays_unless_it_is_stripped(void **state)
{
    (void)state;
    open_mac();
    open_phy();
    open_rings();
    run(CONTROL & ~(1u << 5));
    give_frame(5, 300);
    pass(TWIN_MS);
    assert_int_equal(word_at(RX_RING) & 0xffff, 304);
}

static void frames_for_others_are_not_taken(void **state)
{
    (void)state;
    open_all();
    give_frame(6, 300);
    pass(TWIN_MS);
    assert_int_equal(word_at(RX_RING), OWN);
    put(CAMCTL, 0x10 | 4 | 1);
    give_frame(6, 300);
    pass(TWIN_MS);
    assert_int_equal(word_at(RX_RING) & 0xffff, 300);
}

static void without_a_descriptor_frames_are_lost_until_rxst(void **state)
{
    (void)state;
    open_all();
    for (unsigned i = 0; i < 3; i++)
        give_frame(5, 300 + i);
    pass(TWIN_MS);
    assert_int_equal(get(INTSTS) >> 10 & 1, 1);
    assert_int_equal(word_at(RX_RING + 16) & 0xffff, 301);
    set_words(RX_RING, OWN, RX_DATA, 0, RX_RING + 16);
    give_frame(5, 400);
    pass(TWIN_MS);
    assert_int_equal(word_at(RX_RING), OWN); /* halted */
    put(INTSTS, 1u << 10);
    put(RXST, 0);
    give_frame(5, 500);
    pass(TWIN_MS);
    assert_int_equal(word_at(RX_RING) & 0xffff, 500);
    assert_no_fault();
}

static void a_bus_error_stops_reception_until_a_reset(void **state)
{
    (void)state;
    open_all();
    emac_spoil(soc, 1, 2);
    for (unsigned i = 0; i < 3; i++) {
        give_frame(5, 300);
        pass(TWIN_MS);
        put(RXST, 0);
    }
    assert_int_equal(get(INTSTS) >> 11 & 1, 1);
    assert_int_equal(word_at(RX_RING) & OWN, 0);
    assert_int_not_equal(word_at(RX_RING + 16) & OWN, 0);
    put(CTL, 1u << 24 | 1u << 22);
    assert_true(comes(CTL, 1u << 24, 0));
    assert_int_equal(get(INTSTS), 0);
    open_rings();
    run(CONTROL);
    give_frame(5, 300);
    pass(TWIN_MS);
    assert_int_equal(word_at(RX_RING) & OWN, 0);
    assert_no_fault();
}

static void a_transmitter_that_stands_still_needs_a_reset(void **state)
{
    (void)state;
    for (unsigned fault = 2; fault <= 3; fault++) { /* by a bus error, and without a word */
        open_all();
        emac_spoil(soc, fault, 1);
        const unsigned before = wire_count;
        send_frame(100, 3);
        pass(TWIN_MS);
        assert_int_equal(get(INTSTS) >> 24 & 1, fault == 2);
        assert_int_not_equal(word_at(TX_RING) & OWN, 0);
        put(TXST, 0);
        pass(TWIN_MS);
        assert_int_equal(wire_count, before);
        put(CTL, 1u << 24 | 1u << 22);
        assert_true(comes(CTL, 1u << 24, 0));
        open_rings();
        run(CONTROL);
        send_frame(100, 3);
        pass(TWIN_MS);
        assert_int_equal(wire_count, before + 1);
    }
    assert_no_fault();
}

static void without_link_nothing_passes(void **state)
{
    (void)state;
    open_all();
    phy_plug(soc->phy, false);
    send_frame(100, 3);
    give_frame(5, 300);
    pass(10 * TWIN_MS);
    assert_int_equal(wire_count, 0);
    assert_int_equal(word_at(RX_RING), OWN);
    phy_plug(soc->phy, true);
    assert_true(link_comes());
    give_frame(5, 300);
    pass(TWIN_MS);
    assert_int_equal(word_at(RX_RING) & 0xffff, 300);
    assert_no_fault();
}

static void the_mac_follows_the_negotiated_speed(void **state)
{
    (void)state;
    open_mac();
    open_phy();
    open_rings();
    run(CONTROL & ~(1u << 20));
    send_frame(100, 3);
    (void)twin_run(soc->twin, twin_now(soc->twin) + TWIN_MS);
    assert_fault("EMAC sends with CTL.OPMODE 0 and FUDUP 1; the PHY has negotiated 1 and 1");
}

static void interrupts_sum_up(void **state)
{
    (void)state;
    open_all();
    put(EMAC + 0xac, 1u << 4 | 1);
    give_frame(5, 300);
    pass(TWIN_MS);
    assert_int_equal(get(INTSTS) & 1, 1);
    put(INTSTS, 1u << 4);
    assert_int_equal(get(INTSTS) & 1, 0);
}

static void a_frame_without_a_checksum_is_named(void **state)
{
    (void)state;
    open_all();
    send_frame(100, 1);
    assert_fault("sends without a checksum");
}

static void a_short_frame_needs_padding(void **state)
{
    (void)state;
    open_all();
    send_frame(42, 2);
    assert_fault("shorter than 60 bytes without PADEN");
}

static void time_stamps_are_not_asked_for(void **state)
{
    (void)state;
    open_all();
    send_frame(100, 3 | 8);
    assert_fault("asks for a time stamp");
}

static void a_ring_in_use_is_not_moved(void **state)
{
    (void)state;
    open_all();
    put(RXDSA, RX_RING);
    assert_fault("writes EMAC.RXDSA while the ring is in use");
}

static void an_unaligned_descriptor_is_named(void **state)
{
    (void)state;
    open_mac();
    open_phy();
    open_rings();
    put(TXDSA, TX_RING + 2);
    run(CONTROL);
    put(TXST, 0);
    assert_fault("EMAC's descriptor at 0x20001102 is not aligned");
}

static void management_is_slow(void **state)
{
    (void)state;
    open_mac();
    put(CLK + 0x2c, 1u << 16);
    put(MIIMCTL, 2 | 1u << 8 | 1u << 17 | 1u << 19);
    assert_fault("MDC runs at 6000000 Hz");
}

static void management_is_waited_for(void **state)
{
    (void)state;
    open_mac();
    put(MIIMCTL, 2 | 1u << 8 | 1u << 17 | 1u << 19);
    get(MIIMDAT);
    assert_fault("reads EMAC.MIIMDAT while MIIMCTL.BUSY is 1");
}

static void a_reset_of_the_mac_is_waited_for(void **state)
{
    (void)state;
    open_mac();
    put(CTL, 1u << 24);
    put(MRFL, 1522);
    assert_fault("writes EMAC.MRFL while CTL.RST is 1");
}

static void a_reset_of_the_phy_is_waited_for(void **state)
{
    (void)state;
    open_mac();
    phy_put(0, 0x8000);
    phy_put(4, 0x01e1);
    assert_fault("the PHY's register 4 is written while its reset goes on");
}

static void the_pins_need_their_function(void **state)
{
    (void)state;
    open_mac();
    put(SYS + 0x34 + 8 * 4, 0x00033330);
    put(MIIMCTL, 2 | 1u << 8 | 1u << 17 | 1u << 19);
    assert_fault("EMAC works, but PE8 has function 0, not 3");
}

static void the_outputs_need_a_high_slew_rate(void **state)
{
    (void)state;
    open_mac();
    put(GPIO + 0x40 * 4 + 0x28, 0);
    open_rings();
    run(CONTROL);
    assert_fault("RMII drives PE10 with normal slew");
}

static void from_net(void *ctx, const uint8_t *frame, uint32_t length)
{
    (void)ctx;
    emac_receive(soc, frame, length);
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
    (void)state;
    struct net *net = net_new(soc->twin, from_net, NULL);
    assert_non_null(net);
    emac_connect(soc, to_net, net);
    open_all();
    assert_true(twin_write_memory(soc->twin, TX_DATA, request, sizeof request));
    set_words(TX_RING, OWN | 3, TX_DATA, sizeof request, TX_RING + 16);
    put(TXST, 0);
    assert_true(comes(INTSTS, 1u << 4, 1u << 4));
    uint8_t answer[42];
    assert_true(twin_read_memory(soc->twin, RX_DATA, answer, sizeof answer));
    assert_memory_equal(answer, request + 6, 6);
    assert_memory_equal(answer + 28, request + 38, 4);
    net_free(net);
    assert_no_fault();
}

static void the_board_has_rmii(void **state)
{
    (void)state;
    open_mac();
    open_rings();
    run(CONTROL & ~(1u << 22));
    assert_fault("without RMIIEN");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_phy_says_who_it_is),
        TEST(a_link_is_negotiated),
        TEST(a_link_that_was_down_is_seen_once),
        TEST(a_frame_goes_out_padded),
        TEST(the_ring_goes_round),
        TEST(a_frame_comes_in),
        TEST(the_checksum_stays_unless_it_is_stripped),
        TEST(frames_for_others_are_not_taken),
        TEST(without_a_descriptor_frames_are_lost_until_rxst),
        TEST(a_bus_error_stops_reception_until_a_reset),
        TEST(a_transmitter_that_stands_still_needs_a_reset),
        TEST(without_link_nothing_passes),
        TEST(the_mac_follows_the_negotiated_speed),
        TEST(interrupts_sum_up),
        TEST(a_frame_without_a_checksum_is_named),
        TEST(a_short_frame_needs_padding),
        TEST(time_stamps_are_not_asked_for),
        TEST(a_ring_in_use_is_not_moved),
        TEST(an_unaligned_descriptor_is_named),
        TEST(management_is_slow),
        TEST(management_is_waited_for),
        TEST(a_reset_of_the_mac_is_waited_for),
        TEST(a_reset_of_the_phy_is_waited_for),
        TEST(the_pins_need_their_function),
        TEST(the_outputs_need_a_high_slew_rate),
        TEST(the_gateway_answers_an_arp_request),
        TEST(the_board_has_rmii),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
