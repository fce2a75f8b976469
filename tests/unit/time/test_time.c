/* The wall clock: SNTP's packets, what moves the mark, and which certificates are taken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "mqtt_world.h"
#include "services/time/wall_clock.h"
#include "tests/sim/nor_store.h"

#define Y2024 1704067200u
#define Y2025 1735689600u
#define Y2026 1767225600u
#define Y2090 3786912000u
#define DAY   CLOCK_DAY_S

static struct nor_store flash;
static struct kv kv;
static struct wall_clock wall_clock;
static jsmntok_t tokens[32];

/* ---- a server on the network ---- */

static uint8_t request[SNTP_PACKET_SIZE], reply[SNTP_PACKET_SIZE];
static unsigned opened, requests;
static bool is_open, has_reply, silent, unsupported;
static unsigned looking_up; /* turns that it takes */

static otter_status packets_open(const char *host, uint16_t port)
{
    if (unsupported)
        return OTTER_E_UNSUPPORTED;
    assert_string_equal(host, "time.example");
    assert_int_equal(port, 123);
    opened++;
    is_open = true;
    return OTTER_OK;
}

static void make_reply(uint32_t time_s)
{
    const uint32_t ntp = time_s + 2208988800u;
    memset(reply, 0, sizeof reply);
    reply[0] = 0x24;
    reply[1] = 2;
    memcpy(reply + 24, request + 40, 8);
    for (unsigned i = 0; i < 4; i++)
        reply[40 + i] = (uint8_t)(ntp >> (24 - 8 * i));
}

static otter_status packets_send(const void *data, size_t length)
{
    assert_true(is_open);
    if (looking_up > 0 && looking_up--)
        return OTTER_E_AGAIN;
    assert_int_equal(length, sizeof request);
    memcpy(request, data, length);
    requests++;
    make_reply(Y2025);
    has_reply = !silent;
    return OTTER_OK;
}

static size_t packets_receive(void *data, size_t size)
{
    if (!has_reply)
        return 0;
    has_reply = false;
    memcpy(data, reply, size < sizeof reply ? size : sizeof reply);
    return sizeof reply;
}

static void packets_close(void)
{
    is_open = false;
}

static otter_status packets_random(void *data, size_t length)
{
    memset(data, 0x5a, length);
    return OTTER_OK;
}

static const struct wall_clock_packets packets = {packets_open, packets_send, packets_receive,
                                                  packets_close, packets_random};
static const struct wall_clock_config config = {
    .mqtt = &w.s, .kv = &kv, .tokens = tokens, .token_count = 32, .packets = &packets};

static void set_mark(const char *mark)
{
    assert_int_equal(config_set_text(&kv, CONFIG_TIME_HWM, mark), OTTER_OK);
}

static uint64_t mark(void)
{
    return config_get_u64(&kv, CONFIG_TIME_HWM);
}

static void start(void)
{
    memset(&wall_clock, 0, sizeof wall_clock);
    assert_int_equal(wall_clock_start(&wall_clock, &config, w.now), OTTER_OK);
}

static int set_up(void **state)
{
    opened = requests = looking_up = 0;
    is_open = has_reply = silent = unsupported = false;
    world_set_up(state);
    return nor_store_open(&flash, 4, &kv) == OTTER_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    return nor_store_close(&flash) ? 0 : -1;
}

static void pass(otter_ms delay)
{
    for (const otter_ms end = w.now + delay; w.now < end; w.now += 500)
        wall_clock_tick(&wall_clock, w.now);
}

static void cloud_says(const char *topic, const char *text)
{
    broker_publish(&w.b, topic, 0, 0, text, strlen(text));
    exchange();
}

/* ---- SNTP ---- */

static void an_answer_to_the_request_gives_the_time(void **state)
{
    (void)state;
    static const uint8_t nonce[8] = {1, 2, 3, 4, 5, 6, 7, 8}, other[8] = {1};
    uint32_t time_s = 0;
    sntp_request_write(request, nonce);
    assert_int_equal(request[0], 0x23);
    make_reply(Y2025);
    assert_int_equal(sntp_reply_read(reply, 48, nonce, &time_s), OTTER_OK);
    assert_int_equal(time_s, Y2025);
    make_reply(Y2090); /* after the era's end in 2036 */
    assert_int_equal(sntp_reply_read(reply, 48, nonce, &time_s), OTTER_OK);
    assert_int_equal(time_s, Y2090);
    assert_int_equal(sntp_reply_read(reply, 48, other, &time_s), OTTER_E_NOT_FOUND);
    assert_int_equal(sntp_reply_read(reply, 47, nonce, &time_s), OTTER_E_MALFORMED);
    assert_int_equal(sntp_reply_read(request, 48, nonce, &time_s), OTTER_E_MALFORMED);
    reply[1] = 0; /* kiss of death */
    assert_int_equal(sntp_reply_read(reply, 48, nonce, &time_s), OTTER_E_REFUSED);
    make_reply(Y2025);
    reply[0] |= 0xc0; /* not synchronized */
    assert_int_equal(sntp_reply_read(reply, 48, nonce, &time_s), OTTER_E_REFUSED);
    make_reply((uint32_t)-2208988800u);
    assert_int_equal(sntp_reply_read(reply, 48, nonce, &time_s), OTTER_E_REFUSED);
}

static void the_server_is_asked_once_a_day_and_less_often_while_it_is_silent(void **state)
{
    (void)state;
    assert_int_equal(config_set_text(&kv, CONFIG_SNTP_SERVER, "time.example"), OTTER_OK);
    start();
    silent = true;
    looking_up = 2;
    pass(60000);
    assert_in_range(opened, 2, 3);
    assert_int_equal(wall_clock.claims, 0);
    pass(3600000);
    assert_in_range(opened, 6, 9);
    silent = false;
    pass(2 * 3600000);
    assert_int_equal(wall_clock.claims, 1);
    assert_false(is_open);
    const unsigned before = opened;
    pass(21 * 3600000u);
    assert_int_equal(opened, before);
    pass(4 * 3600000u);
    assert_int_equal(opened, before + 1);
}

static void without_a_server_or_udp_nobody_is_asked(void **state)
{
    (void)state;
    start();
    pass(3600000);
    assert_int_equal(opened, 0);
    assert_true(wall_clock_deadline(&wall_clock) == OTTER_NEVER);
    assert_int_equal(config_set_text(&kv, CONFIG_SNTP_SERVER, "time.example"), OTTER_OK);
    unsupported = true;
    start();
    pass(3600000);
    assert_true(wall_clock_deadline(&wall_clock) == OTTER_NEVER);
}

/* ---- the mark ---- */

static void a_claim_alone_never_moves_the_mark(void **state)
{
    (void)state;
    set_mark("1704067200");
    start();
    wall_clock_claim(&wall_clock, w.now, Y2090);
    wall_clock_claim(&wall_clock, w.now, 5);
    assert_int_equal(mark(), Y2024);
    assert_int_equal(wall_clock_now_s(&wall_clock, w.now + 10000), Y2024 + 10);
    assert_int_equal(wall_clock_sure_s(&wall_clock, w.now), 0);
}

static void the_clouds_answer_moves_it_once_a_day_and_gives_the_time(void **state)
{
    (void)state;
    set_mark("1704067200");
    start();
    connect_now();
    cloud_says("$aws/things/t/jobs/$next/get/accepted", "{\"timestamp\":1735689600}");
    assert_int_equal(mark(), Y2025);
    assert_int_equal(wall_clock_sure_s(&wall_clock, w.now + 10000), Y2025 + 10);
    w.now += CLOCK_LISTEN_MS;
    cloud_says("$aws/things/t/defender/metrics/json/rejected", "{\"timestamp\":1735693200123}");
    assert_int_equal(mark(), Y2025);
    assert_int_equal(wall_clock_sure_s(&wall_clock, w.now), Y2025 + 3600);
    wall_clock_told(&wall_clock, w.now, Y2025 - 100); /* back, but within the day */
    assert_int_equal(mark(), Y2025);
    wall_clock_told(&wall_clock, w.now, Y2025 + DAY + 1);
    assert_int_equal(mark(), Y2025 + DAY + 1);
}

static void what_is_no_answer_of_the_cloud_is_passed_over(void **state)
{
    (void)state;
    set_mark("1704067200");
    start();
    connect_now();
    cloud_says("t/jobs/get/accepted", "{\"timestamp\":1735689600}");
    cloud_says("$aws/things/t/jobs/notify-next", "{\"timestamp\":1735689600}");
    cloud_says("$aws/things/t/jobs/get/accepted", "{\"timestamp\":\"soon\"}");
    cloud_says("$aws/things/t/jobs/get/accepted", "{\"timestamp\":-1}");
    cloud_says("$aws/things/t/jobs/get/accepted", "{\"a\":{\"timestamp\":1735689600}}");
    cloud_says("$aws/things/t/jobs/get/accepted", "nonsense");
    assert_int_equal(mark(), Y2024);
    assert_int_equal(wall_clock_sure_s(&wall_clock, w.now), 0);
}

/* ---- certificates ---- */

static void without_a_mark_and_a_claim_every_date_is_taken(void **state)
{
    (void)state;
    start();
    assert_true(wall_clock_accepts(&wall_clock, w.now, 0, 1));
}

static void a_certificate_that_ended_before_the_mark_is_refused(void **state)
{
    (void)state;
    set_mark("1735689600");
    start();
    assert_false(wall_clock_accepts(&wall_clock, w.now, Y2024, Y2025 - 1));
    assert_true(wall_clock_accepts(&wall_clock, w.now, Y2024, Y2025 + 5));
    assert_false(wall_clock_accepts(&wall_clock, w.now + 6000, Y2024, Y2025 + 5));
}

static void a_claim_can_refuse_but_not_for_longer_than_it_stands(void **state)
{
    (void)state;
    set_mark("1704067200");
    start();
    wall_clock_claim(&wall_clock, w.now, Y2090);
    assert_false(wall_clock_accepts(&wall_clock, w.now, Y2024, Y2026));
    wall_clock_claim(&wall_clock, w.now, Y2025);
    assert_true(wall_clock_accepts(&wall_clock, w.now, Y2024, Y2026));
}

static void a_mark_that_is_ahead_is_put_right_by_the_cloud_on_probation(void **state)
{
    (void)state;
    set_mark("3786912000");
    start();
    assert_false(wall_clock_accepts(&wall_clock, w.now, Y2024, Y2026));
    wall_clock_claim(&wall_clock, w.now, Y2025);
    assert_true(wall_clock_accepts(&wall_clock, w.now, Y2024, Y2026));
    assert_int_equal(mark(), Y2090);            /* not by the packet */
    wall_clock_told(&wall_clock, w.now, Y2090); /* outside of that certificate */
    assert_int_equal(mark(), Y2090);
    wall_clock_told(&wall_clock, w.now, Y2025 + 60);
    assert_int_equal(mark(), Y2025 + 60);
    assert_true(wall_clock_accepts(&wall_clock, w.now, Y2024, Y2026));
}

static void
probation_needs_a_claim_within_that_very_certificate_and_ends_with_the_cloud(void **state)
{
    (void)state;
    set_mark("3786912000");
    start();
    wall_clock_claim(&wall_clock, w.now, Y2024 - 1);
    assert_false(wall_clock_accepts(&wall_clock, w.now, Y2024, Y2026));
    wall_clock_claim(&wall_clock, w.now, Y2026 + 1);
    assert_false(wall_clock_accepts(&wall_clock, w.now, Y2024, Y2026));
    wall_clock_told(&wall_clock, w.now, Y2026 + DAY); /* a connection of before */
    wall_clock_claim(&wall_clock, w.now, Y2025);      /* cannot undo it */
    assert_false(wall_clock_accepts(&wall_clock, w.now, Y2024, Y2026));
}

static void a_reset_brings_the_mark_back_into_force(void **state)
{
    (void)state;
    set_mark("3786912000");
    start();
    wall_clock_claim(&wall_clock, w.now, Y2025);
    assert_true(wall_clock_accepts(&wall_clock, w.now, Y2024, Y2026));
    world_set_up(state);
    start();
    assert_false(wall_clock_accepts(&wall_clock, w.now, Y2024, Y2026));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_answer_to_the_request_gives_the_time),
        TEST(the_server_is_asked_once_a_day_and_less_often_while_it_is_silent),
        TEST(without_a_server_or_udp_nobody_is_asked),
        TEST(a_claim_alone_never_moves_the_mark),
        TEST(the_clouds_answer_moves_it_once_a_day_and_gives_the_time),
        TEST(what_is_no_answer_of_the_cloud_is_passed_over),
        TEST(without_a_mark_and_a_claim_every_date_is_taken),
        TEST(a_certificate_that_ended_before_the_mark_is_refused),
        TEST(a_claim_can_refuse_but_not_for_longer_than_it_stands),
        TEST(a_mark_that_is_ahead_is_put_right_by_the_cloud_on_probation),
        TEST(probation_needs_a_claim_within_that_very_certificate_and_ends_with_the_cloud),
        TEST(a_reset_brings_the_mark_back_into_force),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
