/* Frames by the STM32H573's Ethernet, out and in, used step by step as the register tables say, and
 * each of their rules broken once. */
#include "tests/unit/twin/stm32_eth_bench.h"
#include "twin/net.h"

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

/* TQS may be written, so a driver that sets TSF alone makes it 256 bytes. */
static void a_frame_that_is_longer_than_the_queue_is_named(void **state)
{
    (void)state;
    open_all();
    assert_int_equal(get(MTLTQOMR), 0x0007000a);
    send_frame(1514);
    assert_true(comes(DMACSR, 1, 1));
    assert_no_fault();
    put(MTLTQOMR, 2u);
    send_frame(256);
    pass(TWIN_MS);
    assert_int_equal(wire_count, 2);
    send_frame(257);
    assert_fault("a frame of 257 bytes from a queue of 256 (MTLTQOMR.TQS)");
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

static void a_fault_stops_the_controller_until_its_reset(void **state)
{
    for (unsigned fault = 1; stm32_eth_faults[fault]; fault++) {
        wire_count = 0;
        if (fault > 1) {
            (void)switch_eth_off(state);
            (void)begin(state);
        }
        open_all();
        stm32_eth_spoil(soc->eth, fault, 2);
        const bool in = fault == ETH_RX_BUS;
        for (unsigned i = 0; i < 3; i++) {
            if (in)
                give_frame(5, 100);
            else
                send_frame(100);
            pass(TWIN_MS);
        }
        if (in)
            assert_int_equal(rx_status(1) & OWN, OWN);
        else
            assert_int_equal(wire_count, 1);
        assert_int_equal(get(DMACSR) & ETH_FBE, fault == ETH_TX_STUCK ? 0 : ETH_FBE);
        assert_no_fault();
    }
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_frame_goes_out_padded),
        TEST(the_ring_goes_round),
        TEST(a_descriptor_goes_out_when_the_tail_pointer_is_behind_it),
        TEST(a_frame_may_have_several_parts),
        TEST(descriptors_may_lie_apart),
        TEST(the_mac_follows_the_negotiated_speed),
        TEST(wrong_descriptors_are_named),
        TEST(a_frame_that_is_longer_than_the_queue_is_named),
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
        TEST(a_fault_stops_the_controller_until_its_reset),
        TEST(what_is_not_modelled_is_named),
        TEST(the_gateway_answers_an_arp_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
