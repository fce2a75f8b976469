/* Device Defender on the device: what it reports, and how it takes the answers, on virtual time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "codec/cbor.h"
#include "mqtt_world.h"
#include "services/defender/defender.h"
#include "tests/sim/nor_store.h"

#define PERIOD_MS 300000u

static struct defender defender;
static struct kv kv;
static jsmntok_t tokens[DEFENDER_TOKENS_MIN];
static struct traffic counts;
static uint32_t clock_s;
static uint64_t told_ms;
static unsigned reports;
static uint8_t report[DEFENDER_REPORT_MAX];
static size_t report_length;

static struct nor_store flash;

/* ---- the device ---- */

static void read_traffic(void *ctx, struct traffic *traffic)
{
    (void)ctx;
    *traffic = counts;
}

static bool connection(void *ctx, unsigned index, struct traffic_peer *peer)
{
    (void)ctx;
    *peer = (struct traffic_peer){.remote = "192.0.2.1:8883", .local_port = 49152};
    return index == 0;
}

static uint16_t listening(void *ctx, bool udp, unsigned index)
{
    (void)ctx;
    return udp && index == 0 ? 68 : 0;
}

static uint32_t time_s(void *ctx)
{
    (void)ctx;
    return clock_s;
}

static void told_time(void *ctx, uint64_t ms)
{
    (void)ctx;
    told_ms = ms;
}

static uint32_t battery(void *ctx)
{
    (void)ctx;
    return 42;
}

static const struct defender_metric metrics[] = {{"battery", battery}};
static const struct defender_hooks hooks = {.traffic = read_traffic,
                                            .connection = connection,
                                            .listening = listening,
                                            .time_s = time_s,
                                            .told_time = told_time,
                                            .metrics = metrics,
                                            .metric_count = 1};
static const struct defender_config config = {.mqtt = &w.s,
                                              .kv = &kv,
                                              .thing = "t",
                                              .tokens = tokens,
                                              .token_count = DEFENDER_TOKENS_MIN,
                                              .hooks = &hooks};

static void on_publish(const struct mqtt_publish *publish)
{
    assert_true(publish->payload.length <= sizeof report);
    memcpy(report, publish->payload.data, publish->payload.length);
    report_length = publish->payload.length;
    reports++;
}

/* A restart: the session, the service and what they knew are gone, the store stays. */
static void restart(void)
{
    void *none = NULL;
    world_set_up(&none);
    w.b.on_publish = on_publish;
    memset(&defender, 0, sizeof defender);
    reports = 0;
    assert_int_equal(kv_open(&kv, &flash.area), OTTER_OK);
}

static void start(const char *form)
{
    assert_int_equal(config_set_text(&kv, CONFIG_DEFENDER_FORM, form), OTTER_OK);
    assert_int_equal(defender_start(&defender, &config, w.now), OTTER_OK);
    connect_now();
}

static int set_up(void **state)
{
    (void)state;
    assert_int_equal(nor_store_open(&flash, 4, &kv), OTTER_OK);
    counts = (struct traffic){100, 200, 3, 4};
    clock_s = 0;
    told_ms = 0;
    restart();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    return nor_store_close(&flash) ? 0 : -1;
}

/* Some time passes: the owner's loop, each second. */
static void pass(otter_ms delay)
{
    for (const otter_ms end = w.now + delay; w.now < end;) {
        defender_tick(&defender, w.now);
        exchange();
        run(1000);
    }
    defender_tick(&defender, w.now);
    exchange();
}

static void answer(const char *ending, const char *text)
{
    char topic[80];
    snprintf(topic, sizeof topic, "$aws/things/t/defender/metrics/%s", ending);
    broker_publish(&w.b, topic, 0, 0, text, strlen(text));
    exchange();
}

static void accept_report(void)
{
    char text[64];
    snprintf(text, sizeof text, "{\"reportId\":%lu,\"timestamp\":1700000000123}",
             (unsigned long)defender.id);
    answer("json/accepted", text);
}

static struct json json;
static uint32_t number(const char *path)
{
    uint32_t value = 0;
    assert_int_equal(json_get_uint(&json, json_find(&json, 0, path), UINT32_MAX, &value), OTTER_OK);
    return value;
}

static void parse_report(void)
{
    static jsmntok_t of_report[96];
    assert_int_equal(json_parse(&json, (const char *)report, report_length, of_report, 96),
                     OTTER_OK);
}

/* ---- promises ---- */

static void a_report_goes_out_once_on_line_and_then_each_period(void **state)
{
    (void)state;
    start("json-long");
    pass(1000);
    assert_int_equal(reports, 1);
    parse_report();
    assert_true(json_equals(&json, json_find(&json, 0, "header.version"), "1.0"));
    assert_int_equal(number("metrics.network_stats.bytes_out"), 200);
    assert_int_equal(number("metrics.listening_udp_ports.ports[0].port"), 68);
    assert_int_equal(number("metrics.listening_tcp_ports.total"), 0);
    assert_true(json_equals(
        &json,
        json_find(&json, 0,
                  "metrics.tcp_connections.established_connections.connections[0].remote_addr"),
        "192.0.2.1:8883"));
    assert_int_equal(number("custom_metrics.battery[0].number"), 42);
    accept_report();
    assert_int_equal(defender.accepted, 1);
    assert_true(told_ms == 1700000000123u);
    pass(PERIOD_MS - 2000);
    assert_int_equal(reports, 1);
    pass(3000);
    assert_int_equal(reports, 2);
}

static void short_names_and_cbor_say_the_same(void **state)
{
    (void)state;
    struct cbor_reader r;
    struct cbor_container map, header;
    start("cbor");
    pass(1000);
    cbor_reader_init(&r, report, report_length);
    cbor_read_map(&r, &map);
    assert_true(cbor_next(&r, &map));
    assert_true(cbor_text_is(cbor_read_key(&r), "hed"));
    cbor_read_map(&r, &header);
    assert_true(cbor_next(&r, &header));
    assert_true(cbor_text_is(cbor_read_key(&r), "rid"));
    assert_int_equal(cbor_read_uint(&r, UINT32_MAX), defender.id);
    assert_true(cbor_next(&r, &header));
    assert_true(cbor_text_is(cbor_read_key(&r), "v"));
    assert_true(cbor_text_is(cbor_read_text(&r), "1.0"));
    assert_false(cbor_next(&r, &header));
    while (cbor_next(&r, &map)) {
        (void)cbor_read_key(&r);
        cbor_skip(&r);
    }
    assert_int_equal(cbor_finish(&r), OTTER_OK);
    assert_true(strstr(w.b.filters, "defender/metrics/cbor/rejected") != NULL);
}

static void counts_are_what_passed_since_the_last_report_that_was_accepted(void **state)
{
    (void)state;
    start("json");
    pass(1000);
    accept_report();
    counts.bytes_in = 110;
    pass(PERIOD_MS + 1000);
    parse_report();
    assert_int_equal(number("met.ns.bi"), 10);
    pass(DEFENDER_ANSWER_MS + 2000); /* nobody answers */
    assert_int_equal(defender.unanswered, 1);
    counts.bytes_in = 5; /* wrapped around */
    pass(PERIOD_MS + 1000);
    parse_report();
    assert_int_equal(number("met.ns.bi"), UINT32_MAX - 100 + 5 + 1);
}

static void a_refusal_makes_it_pause_longer_each_time_and_start_anew_after_acceptance(void **state)
{
    (void)state;
    start("json");
    pass(1000);
    answer("json/rejected", "{\"status\":\"REJECTED\",\"statusDetails\":{\"ErrorCode\":"
                            "\"InvalidPayload\",\"ErrorMessage\":\"m\"}}");
    assert_int_equal(defender.rejected, 1);
    pass(2 * PERIOD_MS - 2000);
    assert_int_equal(reports, 1);
    pass(3000);
    assert_int_equal(reports, 2);
    answer("json/rejected", "{}");
    pass(4 * PERIOD_MS - 2000);
    assert_int_equal(reports, 2);
    pass(3000);
    assert_int_equal(reports, 3);
    accept_report();
    pass(PERIOD_MS + 1000);
    assert_int_equal(reports, 4);
}

static void numbers_grow_over_resets_without_a_clock(void **state)
{
    (void)state;
    uint32_t last = 0;
    for (unsigned boot = 1; boot <= 3; boot++) {
        restart();
        start("json");
        pass(1000);
        assert_int_equal(defender.resets, boot);
        assert_true(defender.id > last);
        accept_report();
        pass(PERIOD_MS + 1000);
        assert_true(defender.id > last);
        last = defender.id;
    }
}

static void numbers_follow_the_time_where_it_is_known(void **state)
{
    (void)state;
    clock_s = 1700000000;
    start("json");
    pass(1000);
    assert_int_equal(defender.id, 1700000000);
    accept_report();
    clock_s = 5; /* set back: still above the last */
    pass(PERIOD_MS + 1000);
    assert_int_equal(defender.id, 1700000001);
}

static void after_a_refusal_numbers_go_on_from_the_clouds_time(void **state)
{
    (void)state;
    start("json");
    pass(1000);
    answer("json/rejected", "{\"timestamp\":1700000000123}");
    pass(2 * PERIOD_MS + 1000);
    assert_int_equal(defender.id, 1700000001);
}

static void a_lost_connection_sends_the_same_report_again(void **state)
{
    (void)state;
    start("json");
    w.b.holds_pubacks = true;
    pass(1000);
    const uint32_t id = defender.id;
    lose_connection();
    w.b.holds_pubacks = false;
    pass(20000);
    assert_int_equal(reports, 2);
    assert_int_equal(defender.id, id);
    accept_report();
    assert_int_equal(defender.accepted, 1);
}

static void answers_to_others_are_passed_over(void **state)
{
    (void)state;
    start("json");
    pass(1000);
    answer("json/accepted", "{\"reportId\":77}");
    answer("json/accepted", "{}");
    answer("json/accepted", "nonsense");
    answer("cbor/accepted", "{\"reportId\":1}");
    assert_int_equal(defender.accepted, 0);
    accept_report();
    assert_int_equal(defender.accepted, 1);
    accept_report(); /* once more */
    assert_int_equal(defender.accepted, 1);
}

static void it_is_off_with_a_period_of_zero_and_when_stopped(void **state)
{
    (void)state;
    assert_int_equal(config_set_text(&kv, CONFIG_DEFENDER_PERIOD, "0"), OTTER_OK);
    start("json");
    pass(PERIOD_MS);
    assert_int_equal(reports, 0);
    assert_true(defender_deadline(&defender) == OTTER_NEVER);
    assert_int_equal(config_set_text(&kv, CONFIG_DEFENDER_PERIOD, "10"), OTTER_OK);
    defender_stop(&defender);
    assert_int_equal(config_set_text(&kv, CONFIG_DEFENDER_FORM, "json-long"), OTTER_OK);
    assert_int_equal(defender_start(&defender, &config, w.now), OTTER_OK);
    pass(1000);
    assert_int_equal(reports, 1);
    accept_report();
    defender_stop(&defender);
    pass(PERIOD_MS);
    assert_int_equal(reports, 1);
    assert_int_equal(config_set_text(&kv, CONFIG_DEFENDER_FORM, "xml"), OTTER_OK);
    assert_int_equal(defender_start(&defender, &config, w.now), OTTER_E_ARGUMENT);
}

static void a_cbor_answer_is_read(void **state)
{
    static const uint8_t rejected[] = "\xa3\x68reportId\x07\x69timestamp\x1b\0\0\1\x8b\xcf\xe5\x68"
                                      "\x7b\x6dstatusDetails\xa2\x69"
                                      "ErrorCode\x63"
                                      "Bad\x6c"
                                      "ErrorMessage\x63x\ny";
    struct defender_reply reply;
    (void)state;
    assert_int_equal(defender_reply_read(&reply, false, rejected, sizeof rejected - 1, tokens, 32),
                     OTTER_OK);
    assert_int_equal(reply.id, 7);
    assert_true(reply.timestamp_ms == 1700000000123u);
    assert_string_equal(reply.code, "Bad");
    assert_string_equal(reply.message, "x?y");
    for (size_t cut = 0; cut < sizeof rejected - 1; cut++)
        assert_int_equal(defender_reply_read(&reply, false, rejected, cut, tokens, 32),
                         OTTER_E_MALFORMED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_report_goes_out_once_on_line_and_then_each_period),
        TEST(short_names_and_cbor_say_the_same),
        TEST(counts_are_what_passed_since_the_last_report_that_was_accepted),
        TEST(a_refusal_makes_it_pause_longer_each_time_and_start_anew_after_acceptance),
        TEST(numbers_grow_over_resets_without_a_clock),
        TEST(numbers_follow_the_time_where_it_is_known),
        TEST(after_a_refusal_numbers_go_on_from_the_clouds_time),
        TEST(a_lost_connection_sends_the_same_report_again),
        TEST(answers_to_others_are_passed_over),
        TEST(it_is_off_with_a_period_of_zero_and_when_stopped),
        TEST(a_cbor_answer_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
