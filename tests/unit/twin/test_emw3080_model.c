/* The model of the EMW3080, used as the module is: by its pins and packets, without our driver. */
#include "tests/unit/twin/emw3080_bench.h"

/* ---- what it does ---- */

static void it_says_its_version_and_its_address(void **state)
{
    (void)state;
    power_on();
    assert_true(tell(0x0003, NULL, 0));
    assert_true(listen(100 * MS));
    assert_int_equal(got_length, 6 + 24);
    assert_memory_equal(got + 6, "V2.3.4", 7);
    assert_true(tell(0x0101, NULL, 0));
    assert_true(listen(100 * MS));
    assert_int_equal(got_length, 12);
    assert_int_equal(got[6] & 1, 0);
    assert_none();
}

static void notify_is_high_as_long_as_a_packet_waits(void **state)
{
    (void)state;
    power_on();
    assert_false(emw3080_model_notify(&model));
    assert_true(tell(0x0003, NULL, 0));
    assert_false(emw3080_model_notify(&model));
    pass(50 * MS);
    assert_true(emw3080_model_notify(&model));
    assert_true(transact(NULL, 0));
    assert_false(emw3080_model_notify(&model));
    assert_none();
}

static void flow_is_low_again_before_its_second_edge(void **state)
{
    (void)state;
    power_on();
    select_low();
    assert_true(flow_rises());
    assert_false(emw3080_model_flow(&model));
    exchange_header(6);
    assert_false(emw3080_model_flow(&model));
    assert_true(flow_rises());
    assert_none();
}

static void a_transaction_without_packets_ends_behind_its_header(void **state)
{
    (void)state;
    power_on();
    assert_true(transact(NULL, 0));
    assert_int_equal(got_length, 0);
    assert_none();
}

static void both_packets_go_in_one_transaction(void **state)
{
    (void)state;
    power_on();
    assert_true(tell(0x0001, "one", 3));
    pass(50 * MS);
    assert_true(tell(0x0001, "a longer one", 12)); /* and takes the first response */
    assert_int_equal(got_length, 9);
    assert_memory_equal(got + 6, "one", 3);
    assert_true(listen(100 * MS));
    assert_memory_equal(got + 6, "a longer one", 12);
    assert_none();
}

static void a_join_ends_with_an_event(void **state)
{
    (void)state;
    power_on();
    join();
    assert_true(tell(0x0108, NULL, 0));
    assert_true(listen(100 * MS));
    assert_int_equal(got_length, 6 + 121);
    assert_int_equal(word(got + 10), 1);
    assert_string_equal((char *)got + 18, "net");
    assert_none();
}

static void a_join_with_a_wrong_password_ends_down(void **state)
{
    (void)state;
    power_on();
    connect_with("net", "wrong");
    expect_status(0x0103, 0);
    expect_event(1, 3000 * MS);
    connect_with("other", "secret");
    expect_status(0x0103, 0);
    expect_event(1, 3000 * MS);
    assert_none();
}

/* How many networks of this name there are. */
static unsigned scan(const char *ssid)
{
    uint8_t name[33] = {0};
    strcpy((char *)name, ssid);
    assert_true(tell(0x0102, name, sizeof name));
    assert_true(listen(3000 * MS));
    assert_int_equal(api_of(), 0x0102);
    return got[6];
}

static void a_scan_counts_the_networks_of_a_name(void **state)
{
    (void)state;
    power_on();
    assert_int_equal(scan("net"), 1);
    assert_string_equal((char *)got + 11, "net");
    assert_int_equal(scan(""), 1);
    assert_int_equal(scan("nets"), 0);
    emw3080_model_air(&model, false, now);
    assert_int_equal(scan("net"), 0);
    assert_none();
}

static void status_events_come_by_one_byte_and_by_four(void **state)
{
    uint32_t sizes = 0;
    (void)state;
    power_on();
    for (unsigned i = 0; i < 2; i++) {
        connect_with("net", "wrong");
        expect_status(0x0103, 0);
        expect_event(1, 3000 * MS);
        sizes |= got_length == 7 ? 1 : 2;
    }
    assert_int_equal(sizes, 3);
}

static void frames_go_both_ways_in_bypass_mode(void **state)
{
    (void)state;
    power_on();
    join();
    send_frame(1514);
    expect_status(0x010e, 0);
    assert_int_equal(on_air_length, 1514);
    assert_int_equal(on_air[13], (uint8_t)(13 * 7));
    give_frame(1514, 3);
    assert_true(listen(100 * MS));
    assert_int_equal(api_of(), 0x8102);
    assert_int_equal(got_length, 28 + 1514);
    assert_int_equal(got[26] | got[27] << 8, 1514);
    assert_int_equal(got[28 + 13], 16);
    assert_none();
}

static void without_bypass_or_a_link_frames_are_refused(void **state)
{
    (void)state;
    power_on();
    set_bypass(1);
    send_frame(60);
    expect_status(0x010e, UINT32_MAX);
    join();
    set_bypass(0);
    send_frame(60);
    expect_status(0x010e, UINT32_MAX);
    give_frame(60, 0);
    assert_false(listen(100 * MS));
    assert_int_equal(on_air_length, 0);
    assert_none();
}

static void frames_leave_room_for_responses(void **state)
{
    unsigned frames = 0;
    (void)state;
    power_on();
    join();
    for (unsigned i = 0; i < 100; i++)
        give_frame(100, (uint8_t)i);
    assert_true(tell(0x0001, "x", 1));
    do
        frames += api_of() == 0x8102;
    while (listen(100 * MS));
    assert_in_range(frames, 16, 99);
    assert_int_equal(api_of(), 0x0001);
    assert_none();
}

static void an_access_point_that_goes_takes_the_link_along(void **state)
{
    (void)state;
    power_on();
    join();
    emw3080_model_air(&model, false, now);
    expect_event(1, 100 * MS);
    send_frame(60);
    expect_status(0x010e, UINT32_MAX);
    connect_with("net", "secret");
    expect_status(0x0103, 0);
    expect_event(1, 3000 * MS);
    emw3080_model_air(&model, true, now);
    assert_false(listen(5000 * MS)); /* it does not join by itself */
    connect_with("net", "secret");
    expect_status(0x0103, 0);
    expect_event(2, 3000 * MS);
    assert_none();
}

static void a_disconnect_ends_with_an_event(void **state)
{
    (void)state;
    power_on();
    join();
    assert_true(tell(0x0104, NULL, 0));
    assert_true(listen(100 * MS));
    expect_event(1, 100 * MS);
    assert_none();
}

static void its_reset_pin_makes_it_forget(void **state)
{
    const uint32_t mode = 1;
    (void)state;
    power_on();
    assert_true(tell(0x010c, &mode, 4));
    emw3080_model_reset(&model, false, now);
    pass(100 * MS);
    emw3080_model_reset(&model, true, now);
    pass(1200 * MS);
    assert_false(emw3080_model_notify(&model));
    assert_true(tell(0x010d, NULL, 0));
    expect_status(0x010d, 0);
    assert_none();
}

static void a_transaction_that_its_host_gives_up_leaves_the_packet_there(void **state)
{
    (void)state;
    power_on();
    assert_true(tell(0x0001, "kept", 4));
    pass(50 * MS);
    select_low();
    assert_true(flow_rises());
    exchange_header(0);
    select_high();
    assert_true(listen(100 * MS));
    assert_memory_equal(got + 6, "kept", 4);
    assert_none();
}

static void a_reset_of_its_host_ends_a_transaction(void **state)
{
    uint8_t in[3];
    (void)state;
    power_on();
    select_low();
    assert_true(flow_rises());
    exchange(NULL, in, 3);
    emw3080_model_drop(&model, now);
    assert_none();
    assert_true(transact(NULL, 0));
    assert_none();
}

/* ---- wrong use ---- */

static void a_byte_before_flow_is_wrong(void **state)
{
    uint8_t in[1];
    (void)state;
    power_on();
    select_low();
    exchange(NULL, in, 1);
    assert_complaint("before FLOW has risen");
}

static void a_byte_before_the_second_flow_is_wrong(void **state)
{
    uint8_t in[1];
    (void)state;
    power_on();
    select_low();
    assert_true(flow_rises());
    exchange_header(6);
    exchange(NULL, in, 1);
    assert_complaint("before FLOW has risen");
}

static void a_byte_without_its_select_is_wrong(void **state)
{
    uint8_t in[1];
    (void)state;
    power_on();
    exchange(NULL, in, 1);
    assert_complaint("while NSS is high");
}

static void a_byte_too_many_is_wrong(void **state)
{
    uint8_t in[7];
    (void)state;
    power_on();
    select_low();
    assert_true(flow_rises());
    exchange_header(0);
    exchange(NULL, in, 1);
    assert_complaint("behind the end");
}

static void a_transaction_cut_short_is_wrong(void **state)
{
    uint8_t in[6];
    (void)state;
    power_on();
    select_low();
    assert_true(flow_rises());
    exchange_header(6);
    assert_true(flow_rises());
    exchange(NULL, in, 5);
    select_high();
    assert_complaint("after 5 of 6 bytes");
}

static void a_wrong_header_is_wrong(void **state)
{
    static const struct {
        uint8_t header[8];
        const char *why;
    } cases[] = {{{0x0b, 0, 0, 0xff, 0xff}, "does not begin with 0x0a"},
                 {{0x0a, 6, 0, 0xff, 0xff}, "do not fit"},
                 {{0x0a, 0, 0x10, 0xff, 0xef}, "4096 or more"},
                 {{0x0a, 0, 0, 0xff, 0xff, 1}, "end with zeros"}};
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t in[8];
        (void)set_up(state);
        power_on();
        select_low();
        assert_true(flow_rises());
        exchange(cases[i].header, in, 8);
        assert_complaint(cases[i].why);
    }
}

static void a_select_before_it_has_started_is_wrong(void **state)
{
    (void)state;
    emw3080_model_init(&model, &config, &world, now);
    pass(500 * MS);
    select_low();
    assert_complaint("500 ms before it has started");
}

static void a_select_in_reset_is_wrong(void **state)
{
    (void)state;
    power_on();
    emw3080_model_reset(&model, false, now);
    select_low();
    assert_complaint("held in reset");
}

static void a_reset_that_is_too_short_is_wrong(void **state)
{
    (void)state;
    power_on();
    emw3080_model_reset(&model, false, now);
    pass(50 * MS);
    emw3080_model_reset(&model, true, now);
    assert_complaint("after 50 ms");
}

static void a_reset_that_its_hosts_own_reset_cuts_short_is_none_of_its_faults(void **state)
{
    (void)state;
    power_on();
    emw3080_model_reset(&model, false, now);
    pass(18 * MS);
    emw3080_model_release(&model, now);
    assert_none();
    emw3080_model_reset(&model, false, now);
    pass(18 * MS);
    emw3080_model_reset(&model, true, now);
    assert_complaint("after 18 ms");
}

static void a_command_that_is_not_modelled_is_wrong(void **state)
{
    (void)state;
    power_on();
    assert_true(tell(0x0105, NULL, 0));
    assert_complaint("0x0105, which is not modelled");
}

static void a_command_of_a_wrong_size_is_wrong(void **state)
{
    (void)state;
    power_on();
    assert_true(tell(0x010c, "x", 1));
    assert_complaint("0x010c with 1 bytes, not 4");
}

static void a_request_without_a_number_is_wrong(void **state)
{
    (void)state;
    power_on();
    next_id = UINT32_MAX;
    assert_true(tell(0x0003, NULL, 0));
    assert_complaint("the number 0");
}

static void a_frame_whose_length_does_not_fit_is_wrong(void **state)
{
    uint8_t data[22 + 60] = {[20] = 61};
    (void)state;
    power_on();
    assert_true(tell(0x010e, data, sizeof data));
    assert_complaint("a frame of 61 bytes for interface 0 in a packet of 88");
}

static void a_key_whose_length_does_not_fit_is_wrong(void **state)
{
    uint8_t data[176] = {'n', [33] = 'k', [98] = 2};
    (void)state;
    power_on();
    assert_true(tell(0x0103, data, sizeof data));
    assert_complaint("a key whose length is another");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_says_its_version_and_its_address),
        TEST(notify_is_high_as_long_as_a_packet_waits),
        TEST(flow_is_low_again_before_its_second_edge),
        TEST(a_transaction_without_packets_ends_behind_its_header),
        TEST(both_packets_go_in_one_transaction),
        TEST(a_join_ends_with_an_event),
        TEST(a_join_with_a_wrong_password_ends_down),
        TEST(a_scan_counts_the_networks_of_a_name),
        TEST(status_events_come_by_one_byte_and_by_four),
        TEST(frames_go_both_ways_in_bypass_mode),
        TEST(without_bypass_or_a_link_frames_are_refused),
        TEST(frames_leave_room_for_responses),
        TEST(an_access_point_that_goes_takes_the_link_along),
        TEST(a_disconnect_ends_with_an_event),
        TEST(its_reset_pin_makes_it_forget),
        TEST(a_transaction_that_its_host_gives_up_leaves_the_packet_there),
        TEST(a_reset_of_its_host_ends_a_transaction),
        TEST(a_byte_before_flow_is_wrong),
        TEST(a_byte_before_the_second_flow_is_wrong),
        TEST(a_byte_without_its_select_is_wrong),
        TEST(a_byte_too_many_is_wrong),
        TEST(a_transaction_cut_short_is_wrong),
        TEST(a_wrong_header_is_wrong),
        TEST(a_select_before_it_has_started_is_wrong),
        TEST(a_select_in_reset_is_wrong),
        TEST(a_reset_that_is_too_short_is_wrong),
        TEST(a_reset_that_its_hosts_own_reset_cuts_short_is_none_of_its_faults),
        TEST(a_command_that_is_not_modelled_is_wrong),
        TEST(a_command_of_a_wrong_size_is_wrong),
        TEST(a_request_without_a_number_is_wrong),
        TEST(a_frame_whose_length_does_not_fit_is_wrong),
        TEST(a_key_whose_length_does_not_fit_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
