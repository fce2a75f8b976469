/* The model of the EMW3080, used as the module is: by its pins and packets, without our driver. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "twin/modem/emw3080_model.h"
#include "twin/modem/setup.h"

#define US 1000ull
#define MS 1000000ull

static struct emw3080_model model;
static struct emw3080_config config;
static uint64_t now;
static char complaint[256];
static uint8_t on_air[1600];
static uint32_t on_air_length;
static unsigned flow_edges;

static void complain(void *ctx, const char *what)
{
    (void)ctx;
    if (!complaint[0])
        strncpy(complaint, what, sizeof complaint - 1);
}

static void send(void *ctx, const uint8_t *frame, uint32_t length)
{
    (void)ctx;
    assert_in_range(length, 14, sizeof on_air);
    memcpy(on_air, frame, length);
    on_air_length = length;
}

static const struct emw3080_world world = {NULL, send, complain};

/* ---- pins ---- */

static void pass(uint64_t time)
{
    const uint64_t end = now + time;
    for (bool before = emw3080_model_flow(&model);;) {
        const uint64_t next = emw3080_model_deadline(&model);
        now = next < end ? (next > now ? next : now) : end;
        emw3080_model_tick(&model, now);
        flow_edges += emw3080_model_flow(&model) && !before;
        before = emw3080_model_flow(&model);
        if (now == end)
            return;
    }
}

static bool flow_rises(void)
{
    flow_edges = 0;
    for (unsigned i = 0; i < 100 && flow_edges == 0; i++)
        pass(100 * US);
    return flow_edges == 1;
}

static void exchange(const uint8_t *out, uint8_t *in, uint32_t length)
{
    for (uint32_t i = 0; i < length; i++, now += 400)
        in[i] = emw3080_model_exchange(&model, out ? out[i] : 0, now);
}

static uint8_t got[4096];
static uint32_t got_length;

static void select_low(void)
{
    emw3080_model_select(&model, true, now);
}

static void select_high(void)
{
    emw3080_model_select(&model, false, now);
}

static void exchange_header(uint32_t length)
{
    const uint32_t inverse = ~length;
    const uint8_t header[8] = {0x0a, (uint8_t)length, (uint8_t)(length >> 8), (uint8_t)inverse,
                               (uint8_t)(inverse >> 8)};
    uint8_t in[8];
    exchange(header, in, 8);
    assert_int_equal(in[0], 0x0b);
    got_length = in[1] | (uint32_t)in[2] << 8;
    const uint32_t other = in[3] | (uint32_t)in[4] << 8;
    if ((got_length ^ other) != 0xffff)
        got_length = UINT32_MAX;
    assert_int_equal(in[5] | in[6] | in[7], 0);
}

/* One transaction, as the module's host does it. False: no FLOW, or a bad header. */
static bool transact(const uint8_t *packet, uint32_t length)
{
    uint8_t out[4096] = {0};
    bool good = false;
    if (packet)
        memcpy(out, packet, length);
    got_length = 0;
    select_low();
    if (flow_rises()) {
        exchange_header(length);
        good = got_length != UINT32_MAX;
        const uint32_t total = good && got_length > length ? got_length : length;
        if (good && total > 0) {
            good = flow_rises();
            if (good)
                exchange(out, got, total);
        }
    }
    select_high();
    if (!good)
        got_length = 0;
    return good;
}

/* ---- packets ---- */

static uint32_t next_id;

static uint32_t word(const uint8_t *at)
{
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static bool tell(uint16_t api, const void *data, uint32_t length)
{
    uint8_t packet[2048] = {0};
    next_id++;
    memcpy(packet, &next_id, 4);
    memcpy(packet + 4, &api, 2);
    if (length > 0)
        memcpy(packet + 6, data, length);
    return transact(packet, 6 + length);
}

static uint16_t api_of(void)
{
    return (uint16_t)(got[4] | got[5] << 8);
}

/* The next packet of the module, within so long. */
static bool listen(uint64_t time)
{
    for (const uint64_t end = now + time; now < end; pass(100 * US))
        if (emw3080_model_notify(&model))
            return transact(NULL, 0) && got_length >= 6;
    return false;
}

static void expect_status(uint16_t api, uint32_t status)
{
    assert_true(listen(100 * MS));
    assert_int_equal(word(got), next_id);
    assert_int_equal(api_of(), api);
    assert_int_equal(got_length, 10);
    assert_int_equal(word(got + 6), status);
}

static void expect_event(uint8_t status, uint64_t time)
{
    assert_true(listen(time));
    assert_int_equal(word(got), 0);
    assert_int_equal(api_of(), 0x8101);
    assert_true(got_length == 7 || got_length == 10);
    assert_int_equal(got[6], status);
}

static int set_up(void **state)
{
    (void)state;
    config = (struct emw3080_config){.ssid = "net", .password = "secret"};
    now = 5 * MS;
    complaint[0] = '\0';
    on_air_length = 0;
    return 0;
}

/* As the sequence has it. */
static void power_on(void)
{
    emw3080_model_init(&model, &config, &world, now);
    emw3080_model_reset(&model, false, now);
    pass(100 * MS);
    emw3080_model_reset(&model, true, now);
    pass(1200 * MS);
}

static void connect_with(const char *ssid, const char *key)
{
    uint8_t data[176] = {0};
    strcpy((char *)data, ssid);
    strcpy((char *)data + 33, key);
    data[98] = (uint8_t)strlen(key);
    assert_true(tell(0x0103, data, sizeof data));
}

static void set_bypass(uint32_t mode)
{
    assert_true(tell(0x010c, &mode, 4));
    expect_status(0x010c, 0);
}

static void join(void)
{
    set_bypass(1);
    connect_with("net", "secret");
    expect_status(0x0103, 0);
    expect_event(2, 3000 * MS);
}

static void send_frame(uint32_t length)
{
    uint8_t data[22 + 1600] = {0};
    data[20] = (uint8_t)length;
    data[21] = (uint8_t)(length >> 8);
    for (uint32_t i = 0; i < length; i++)
        data[22 + i] = (uint8_t)(i * 7);
    assert_true(tell(0x010e, data, 22 + length));
}

static void give_frame(uint32_t length, uint8_t first)
{
    uint8_t frame[1600];
    for (uint32_t i = 0; i < sizeof frame; i++)
        frame[i] = (uint8_t)(first + i);
    emw3080_model_frame(&model, frame, length, now);
}

static void assert_complaint(const char *part)
{
    if (!strstr(complaint, part))
        fail_msg("the complaint is \"%s\", not \"%s\"", complaint, part);
}

static void assert_none(void)
{
    assert_string_equal(complaint, "");
}

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

/* ---- faults ---- */

static void set_fault(enum emw3080_fault fault, unsigned at)
{
    config.fault = fault;
    config.fault_at = at;
    power_on();
}

static void a_late_flow_comes_behind_its_transaction(void **state)
{
    (void)state;
    set_fault(EMW3080_FLOW_LATE, 1);
    assert_false(tell(0x0003, NULL, 0)); /* gives up after 10 ms */
    flow_edges = 0;
    pass(10 * MS);
    assert_int_equal(flow_edges, 1);
    assert_true(tell(0x0003, NULL, 0));
    assert_true(listen(100 * MS));
    assert_none();
}

static void a_flow_may_not_come_once(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        (void)set_up(state);
        set_fault(i ? EMW3080_FLOW_ONCE : EMW3080_FLOW_NEVER, 1);
        assert_false(tell(0x0003, NULL, 0));
        assert_true(tell(0x0003, NULL, 0));
        assert_true(listen(100 * MS));
        assert_int_equal(word(got), next_id);
        assert_none();
    }
}

static void a_bad_header_loses_neither_packet(void **state)
{
    (void)state;
    set_fault(EMW3080_BAD_HEADER, 2);
    assert_true(tell(0x0001, "a", 1));
    pass(50 * MS);
    assert_false(tell(0x0001, "b", 1));
    assert_true(tell(0x0001, "b", 1));
    assert_int_equal(got[6], 'a');
    assert_true(listen(100 * MS));
    assert_int_equal(got[6], 'b');
    assert_none();
}

static void a_module_that_hangs_works_after_its_reset(void **state)
{
    (void)state;
    set_fault(EMW3080_HANGS, 2);
    assert_true(tell(0x0003, NULL, 0));
    for (unsigned i = 0; i < 3; i++)
        assert_false(tell(0x0003, NULL, 0));
    emw3080_model_reset(&model, false, now);
    pass(100 * MS);
    emw3080_model_reset(&model, true, now);
    pass(1200 * MS);
    assert_true(tell(0x0003, NULL, 0));
    assert_true(listen(100 * MS));
    assert_none();
}

static void a_response_may_not_come_once(void **state)
{
    (void)state;
    set_fault(EMW3080_MUTE, 1);
    assert_true(tell(0x0003, NULL, 0));
    assert_false(listen(1000 * MS));
    assert_true(tell(0x0003, NULL, 0));
    assert_true(listen(100 * MS));
    assert_none();
}

static void a_dropped_link_stays_down_until_a_connect(void **state)
{
    (void)state;
    set_fault(EMW3080_DROPS, 3);
    join();
    assert_true(tell(0x0001, "x", 1));
    expect_event(1, 100 * MS);
    assert_true(listen(100 * MS)); /* the echo */
    assert_false(listen(6000 * MS));
    connect_with("net", "secret");
    expect_status(0x0103, 0);
    expect_event(2, 3000 * MS);
    assert_none();
}

static void a_link_that_blinks_comes_back_by_itself(void **state)
{
    (void)state;
    set_fault(EMW3080_BLINKS, 3);
    join();
    assert_true(tell(0x0001, "x", 1));
    expect_event(1, 100 * MS);
    assert_true(listen(100 * MS));
    expect_event(2, 5000 * MS);
    send_frame(60);
    expect_status(0x010e, 0);
    assert_none();
}

static void a_module_that_restarts_says_so_and_has_forgotten(void **state)
{
    (void)state;
    set_fault(EMW3080_RESTARTS, 3);
    join();
    assert_true(tell(0x0001, "x", 1));
    assert_false(tell(0x0001, "y", 1)); /* it boots: no FLOW, but nobody's fault */
    assert_true(listen(3000 * MS));
    assert_int_equal(api_of(), 0x8001);
    assert_true(tell(0x010d, NULL, 0));
    expect_status(0x010d, 0);
    assert_none();
}

static void a_join_may_be_rejected(void **state)
{
    (void)state;
    set_fault(EMW3080_REJECTS, 1);
    connect_with("net", "secret");
    expect_status(0x0103, UINT32_MAX);
    assert_false(listen(3000 * MS));
    connect_with("net", "secret");
    expect_status(0x0103, 0);
    expect_event(2, 3000 * MS);
    assert_none();
}

static void an_event_may_come_before_the_response(void **state)
{
    (void)state;
    set_fault(EMW3080_EVENT, 1);
    assert_true(tell(0x0001, "x", 1));
    expect_event(4, 100 * MS);
    assert_true(listen(100 * MS));
    assert_int_equal(api_of(), 0x0001);
    assert_none();
}

static void responses_may_come_out_of_order(void **state)
{
    (void)state;
    set_fault(EMW3080_REORDERS, 1);
    assert_true(tell(0x0001, "x", 1));
    assert_true(tell(0x0001, "y", 1));
    assert_true(listen(100 * MS));
    assert_int_equal(got[6], 'y');
    assert_true(listen(100 * MS));
    assert_int_equal(got[6], 'x');
    assert_none();
}

static void each_fault_has_a_name(void **state)
{
    (void)state;
    for (unsigned fault = 0; fault < EMW3080_FAULTS; fault++)
        assert_non_null(emw3080_model_faults[fault]);
    assert_null(emw3080_model_faults[EMW3080_FAULTS]);
}

static void a_fault_is_said_by_its_name(void **state)
{
    struct modem_setup setup = {0};
    (void)state;
    assert_true(modem_setup_fault(&setup, emw3080_model_faults, "hangs"));
    assert_int_equal(setup.fault, EMW3080_HANGS);
    assert_int_equal(setup.fault_at, 1);
    assert_true(modem_setup_fault(&setup, emw3080_model_faults, "drops@12"));
    assert_int_equal(setup.fault, EMW3080_DROPS);
    assert_int_equal(setup.fault_at, 12);
    assert_false(modem_setup_fault(&setup, emw3080_model_faults, "none"));
    assert_false(modem_setup_fault(&setup, emw3080_model_faults, "drops@"));
    assert_false(modem_setup_fault(&setup, emw3080_model_faults, "drops@0"));
    assert_false(modem_setup_fault(&setup, emw3080_model_faults, "drop"));
    assert_int_equal(setup.fault_at, 12);
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

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
        TEST(a_command_that_is_not_modelled_is_wrong),
        TEST(a_command_of_a_wrong_size_is_wrong),
        TEST(a_request_without_a_number_is_wrong),
        TEST(a_frame_whose_length_does_not_fit_is_wrong),
        TEST(a_key_whose_length_does_not_fit_is_wrong),
        TEST(a_late_flow_comes_behind_its_transaction),
        TEST(a_flow_may_not_come_once),
        TEST(a_bad_header_loses_neither_packet),
        TEST(a_module_that_hangs_works_after_its_reset),
        TEST(a_response_may_not_come_once),
        TEST(a_dropped_link_stays_down_until_a_connect),
        TEST(a_link_that_blinks_comes_back_by_itself),
        TEST(a_module_that_restarts_says_so_and_has_forgotten),
        TEST(a_join_may_be_rejected),
        TEST(an_event_may_come_before_the_response),
        TEST(responses_may_come_out_of_order),
        TEST(each_fault_has_a_name),
        TEST(a_fault_is_said_by_its_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
