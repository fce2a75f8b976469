/* The MQTT session: connecting, back-off, keep-alive, disconnecting, and recovery from losses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "mqtt_world.h"

/* ---- Connecting ------------------------------------------------------------------------------ */

static void a_connection_is_wanted_at_once_and_made(void **state)
{
    (void)state;
    assert_true(mqtt_wants_transport(&w.s, w.now));
    connect_now();
    assert_string_equal(w.b.client_id, "thing-1");
    assert_string_equal(w.b.user_name, "?SDK=otter");
    assert_int_equal(w.b.keep_alive_s, KEEP_ALIVE_S);
    assert_true(w.b.clean_session);
    assert_int_equal(w.s.stats.connects, 1);
    assert_false(mqtt_wants_transport(&w.s, w.now));
}

static void a_missing_connack_ends_the_connection_at_its_deadline(void **state)
{
    (void)state;
    w.b.mute = 1u << MQTT_PACKET_CONNECT;
    w.random = UINT32_MAX;
    run(CONNACK_MS - 1);
    assert_int_equal(w.s.state, MQTT_CONNECTING);
    run(1);
    assert_int_equal(w.s.state, MQTT_WAITING);
    assert_int_equal(w.s.error, OTTER_E_TIMEOUT);
    w.b.mute = 0;
    run(BACKOFF_BASE_MS);
    assert_int_equal(w.s.state, MQTT_CONNECTED);
}

static void a_refusing_connack_is_named_and_retried_later(void **state)
{
    (void)state;
    w.b.connack_code = NOT_AUTHORIZED;
    w.random = UINT32_MAX;
    run(1);
    assert_int_equal(w.s.state, MQTT_WAITING);
    assert_int_equal(w.s.error, OTTER_E_REFUSED);
    assert_int_equal(w.s.refusal, NOT_AUTHORIZED);
    assert_int_equal(w.s.stats.connects, 0);
    w.b.connack_code = 0;
    run(BACKOFF_BASE_MS);
    assert_int_equal(w.s.state, MQTT_CONNECTED);
}

static void anything_before_the_connack_is_a_protocol_error(void **state)
{
    (void)state;
    w.b.mute = 1u << MQTT_PACKET_CONNECT;
    run(1);
    static const uint8_t pingresp[] = {0xd0, 0};
    assert_int_equal(mqtt_input(&w.s, w.now, pingresp, 2), OTTER_E_MALFORMED);
    assert_true(mqtt_should_close(&w.s));
}

static void packets_that_no_broker_sends_are_protocol_errors(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t length;
    } bad[] = {
        {"\x20\x02\x00\x00", 4},              /* a second CONNACK */
        {"\xc0\x00", 2},                      /* PINGREQ */
        {"\x82\x06\x00\x01\x00\x01t\x00", 8}, /* SUBSCRIBE */
        {"\x34\x05\x00\x01t\x00\x01", 7},     /* QoS 2 */
        {"\x62\x02\x00\x01", 4},              /* PUBREL */
        {"\x00\x00", 2},
        {"\xf0\x00", 2},
        {"\x30\xff\xff\xff\xff\x7f", 6}, /* five bytes of length */
        {"\x30\x03\x00\x01#", 5},        /* a topic with a wildcard */
        {"\x40\x02\x00\x00", 4},         /* packet identifier 0 */
#if WORLD_VERSION == 5
        {"\x90\x05\x00\x01\x00\x00\x00", 7}, /* two codes for one filter */
        {"\x90\x04\x00\x01\x01\x00", 6},     /* half a property */
        {"\x40\x05\x00\x01\x87\x01\x1f", 7}, /* the same */
        {"\xe0\x03\x87\x05\x1f", 5},         /* properties that go on behind the end */
        {"\x30\x04\x00\x01t\x01", 6},        /* the same */
        {"\xe0\x04\x87\x02\x05\x00", 6},     /* a property that there is not */
#else
        {"\xe0\x00", 2},                 /* DISCONNECT */
        {"\x90\x04\x00\x01\x00\x00", 6}, /* two codes for one filter */
#endif
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        world_set_up(NULL);
        connect_now();
        assert_int_equal(mqtt_input(&w.s, w.now, (const uint8_t *)bad[i].bytes, bad[i].length),
                         OTTER_E_MALFORMED);
        assert_true(mqtt_should_close(&w.s));
        assert_int_equal(publish("t", 0, "x"), OTTER_E_STATE);
        run(1);
        assert_int_equal(w.s.state, MQTT_CONNECTED); /* on the next connection */
        assert_int_equal(w.b.connections, 2);
    }
}

static void every_split_of_the_stream_gives_the_same(void **state)
{
    (void)state;
    for (size_t once = 1; once <= 64; once++) {
        struct mqtt_service second = {
            .prefix = "down/", .on_message = on_message, .ctx = &w.messages};
        world_set_up(NULL);
        mqtt_register(&w.s, &second);
        w.bytes_once = once;
        w.b.sends_on = "down/t";
        assert_int_equal(subscribe("down/+"), OTTER_OK);
        assert_int_equal(subscribe("down/t"), OTTER_OK);
        run(1);
        assert_int_equal(publish("up/t", 1, "hello"), OTTER_OK);
        run(1);
        assert_true(subscribed("down/+"));
        assert_false(pending());
        assert_string_equal(w.b.last_payload, "hello");
        assert_true(w.b.message_acked);
        assert_int_equal(w.messages, 2); /* one for each service */
        assert_int_equal(w.b.connections, 1);
    }
}

/* ---- Back-off -------------------------------------------------------------------------------- */

static otter_ms failing_attempt(void)
{
    mqtt_transport_down(&w.s, w.now);
    const otter_ms wait = mqtt_deadline(&w.s) - w.now;
    assert_true(wait == 0 || !mqtt_wants_transport(&w.s, w.now + wait - 1));
    w.now += wait;
    assert_true(mqtt_wants_transport(&w.s, w.now));
    return wait;
}

static void back_off_doubles_up_to_its_cap(void **state)
{
    (void)state;
    w.random = UINT32_MAX;
    for (unsigned i = 0; i < 300; i++) {
        const uint32_t expected = i < 4 ? BACKOFF_BASE_MS << i : BACKOFF_CAP_MS;
        assert_int_equal(failing_attempt(), expected);
    }
}

static void back_off_is_spread_over_the_whole_range(void **state)
{
    (void)state;
    w.random = 0;
    assert_int_equal(failing_attempt(), 0);
    w.random = UINT32_MAX / 2;
    assert_in_range(failing_attempt(), BACKOFF_BASE_MS - 1, BACKOFF_BASE_MS + 1);
    w.random = UINT32_MAX / 4;
    assert_in_range(failing_attempt(), BACKOFF_BASE_MS - 1, BACKOFF_BASE_MS + 1);
}

static void back_off_starts_anew_only_after_a_stable_connection(void **state)
{
    (void)state;
    w.random = UINT32_MAX;
    for (int i = 0; i < 3; i++)
        failing_attempt();
    connect_now();
    run(BACKOFF_CAP_MS - 100);
    assert_int_equal(failing_attempt(), 8 * BACKOFF_BASE_MS); /* did not last */
    w.up = false;
    connect_now();
    run(BACKOFF_CAP_MS);
    assert_int_equal(failing_attempt(), BACKOFF_BASE_MS); /* did last */
}

static void back_off_starts_anew_after_a_useful_connection(void **state)
{
    (void)state;
    w.random = UINT32_MAX;
    for (int i = 0; i < 6; i++)
        failing_attempt();
    connect_now();
    mqtt_connection_useful(&w.s, &w.service);
    assert_int_equal(failing_attempt(), BACKOFF_BASE_MS);
    w.up = false;
    connect_now(); /* of no use */
    assert_int_equal(failing_attempt(), 2 * BACKOFF_BASE_MS);
}

static void without_randomness_the_back_off_is_not_shortened(void **state)
{
    (void)state;
    w.random = 0;
    w.no_entropy = true;
    for (unsigned i = 0; i < 10; i++)
        assert_int_equal(failing_attempt(), i < 4 ? BACKOFF_BASE_MS << i : BACKOFF_CAP_MS);
}

static void the_first_connection_can_be_spread_over_a_time(void **state)
{
    (void)state;
    static const uint32_t draws[] = {0, UINT32_MAX / 2, UINT32_MAX};
    for (unsigned i = 0; i < 3; i++) {
        world_set_up(NULL);
        w.random = draws[i];
        mqtt_delay_start(&w.s, w.now, 60000);
        const otter_ms wanted = w.now + i * 30000;
        assert_in_range(mqtt_deadline(&w.s), wanted - 1, wanted);
        run_until(wanted + 1);
        assert_int_equal(w.b.connections, 1);
    }
    world_set_up(NULL);
    w.random = UINT32_MAX;
    mqtt_delay_start(&w.s, w.now, 60000);
    run(59999);
    assert_int_equal(w.b.connections, 0);
}

/* ---- Keep-alive ------------------------------------------------------------------------------ */

static void an_idle_connection_is_kept_alive(void **state)
{
    (void)state;
    connect_now();
    run(10 * KEEP_ALIVE_S * 1000);
    assert_int_equal(w.b.connections, 1);
    assert_in_range(w.b.seen[MQTT_PACKET_PINGREQ], 10, 12);
}

static void a_ping_goes_out_before_the_keep_alive_has_passed(void **state)
{
    (void)state;
    connect_now();
    run(KEEP_ALIVE_S * 1000 - 1000);
    assert_int_equal(w.b.seen[MQTT_PACKET_PINGREQ], 1);
}

static void traffic_both_ways_makes_pings_needless(void **state)
{
    (void)state;
    connect_now();
    for (int i = 0; i < 20; i++) {
        run(KEEP_ALIVE_S * 500);
        assert_int_equal(publish("t", 1, "x"), OTTER_OK);
    }
    assert_int_equal(w.b.seen[MQTT_PACKET_PINGREQ], 0);
}

static void a_silent_broker_is_noticed_even_while_we_send(void **state)
{
    (void)state;
    connect_now();
    w.b.mute = UINT32_MAX;
    w.random = UINT32_MAX;
    for (int i = 0; i < KEEP_ALIVE_S + ACK_MS / 1000; i++) {
        publish("t", 0, "x");
        run(1000);
    }
    assert_int_equal(w.s.error, OTTER_E_TIMEOUT);
    assert_true(w.b.connections > 1 || !w.up);
}

static void a_missing_pingresp_ends_the_connection_at_its_deadline(void **state)
{
    (void)state;
    connect_now();
    w.b.mute = 1u << MQTT_PACKET_PINGREQ;
    w.random = UINT32_MAX;
    while (w.b.seen[MQTT_PACKET_PINGREQ] == 0)
        run(1);
    run(ACK_MS - 2);
    assert_int_equal(w.s.state, MQTT_CONNECTED);
    run(2);
    assert_int_equal(w.s.state, MQTT_WAITING);
    assert_int_equal(w.s.error, OTTER_E_TIMEOUT);
}

/* ---- Disconnecting and losing ---------------------------------------------------------------- */

static void disconnect_is_sent_before_the_transport_is_closed(void **state)
{
    (void)state;
    connect_now();
    publish("t", 0, "last words");
    mqtt_disconnect(&w.s, w.now);
    assert_false(mqtt_should_close(&w.s));
    assert_int_equal(publish("t", 0, "too late"), OTTER_E_STATE);
    w.network_down = true;
    run(1);
    assert_string_equal(w.b.last_payload, "last words");
    assert_int_equal(w.b.seen[MQTT_PACKET_DISCONNECT], 1);
    assert_false(w.up);
    assert_int_equal(w.s.error, OTTER_OK);
}

static void disconnect_does_not_wait_for_a_blocked_transport_for_ever(void **state)
{
    (void)state;
    connect_now();
    w.blocked = true;
    w.network_down = true;
    w.random = UINT32_MAX;
    mqtt_disconnect(&w.s, w.now);
    run(ACK_MS - 1);
    assert_true(w.up);
    run(1);
    assert_false(w.up);
}

static void input_without_a_transport_is_refused(void **state)
{
    (void)state;
    assert_int_equal(mqtt_input(&w.s, w.now, (const uint8_t *)"\xd0\x00", 2), OTTER_E_STATE);
}

/* One run of everything a session does; the n-th packet in one direction is lost on the way. */
static void run_with_loss(size_t lose_in, size_t lose_out)
{
    world_set_up(NULL);
    w.random = UINT32_MAX / 2;
    w.b.lose_in = lose_in;
    w.b.lose_out = lose_out;
    w.b.sends_on = "down/t";
    subscribe("down/t");
    subscribe("down/u");
    run(1);
    while (publish("up/t", 1, "hello") == OTTER_E_STATE)
        run(100);
    run(30000);
    const otter_status second = publish("up/t", 1, "again");
    assert_true(second == OTTER_OK || second == OTTER_E_STATE || second == OTTER_E_AGAIN);
    run(4 * KEEP_ALIVE_S * 1000);

    assert_int_equal(w.s.state, MQTT_CONNECTED);
    assert_true(subscribed("down/t"));
    assert_true(subscribed("down/u"));
    assert_false(pending());
    assert_true(w.b.message_acked);
    assert_true(w.messages >= 1);
    assert_string_equal(w.b.last_payload, second == OTTER_OK ? "again" : "hello");
    assert_int_equal(w.s.stats.dropped, 0);
}

static void the_loss_of_any_single_packet_is_recovered_from(void **state)
{
    (void)state;
    run_with_loss(BROKER_NONE, BROKER_NONE);
    const size_t packets_in = w.b.packets_in;
    const size_t packets_out = w.b.packets_out;
    assert_int_equal(w.b.connections, 1);
    assert_true(packets_in > 8 && packets_out > 8);
    for (size_t n = 0; n < packets_in; n++) {
        run_with_loss(n, BROKER_NONE);
        assert_true(w.b.packets_in > n);
    }
    for (size_t n = 0; n < packets_out; n++)
        run_with_loss(BROKER_NONE, n);
}

/* The connection ends after the n-th byte from the client. */
static void a_connection_lost_after_any_byte_is_recovered_from(void **state)
{
    (void)state;
    bool done = false;
    for (size_t limit = 1; !done; limit++) {
        world_set_up(NULL);
        subscribe("down/t");
        mqtt_wants_transport(&w.s, w.now);
        broker_accept(&w.b);
        mqtt_transport_up(&w.s, w.now);
        w.up = true;
        bool published = false;
        size_t moved = 0;
        for (; moved < limit; moved++) {
            const uint8_t *data;
            uint8_t reply[64];
            if (w.s.state == MQTT_CONNECTED && !published)
                published = publish("up/t", 1, "hello") == OTTER_OK;
            if (mqtt_output(&w.s, &data) == 0)
                break;
            broker_input(&w.b, data, 1);
            mqtt_sent(&w.s, w.now, 1);
            const size_t length = broker_output(&w.b, reply, sizeof reply);
            mqtt_input(&w.s, w.now, reply, length);
        }
        done = moved < limit;
        lose_connection();
        run(1);
        assert_int_equal(w.s.state, MQTT_CONNECTED);
        assert_true(subscribed("down/t"));
        assert_false(pending());
        assert_int_equal(published, w.b.seen[MQTT_PACKET_PUBLISH] > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_connection_is_wanted_at_once_and_made),
        WORLD_TEST(a_missing_connack_ends_the_connection_at_its_deadline),
        WORLD_TEST(a_refusing_connack_is_named_and_retried_later),
        WORLD_TEST(anything_before_the_connack_is_a_protocol_error),
        WORLD_TEST(packets_that_no_broker_sends_are_protocol_errors),
        WORLD_TEST(every_split_of_the_stream_gives_the_same),
        WORLD_TEST(back_off_doubles_up_to_its_cap),
        WORLD_TEST(back_off_is_spread_over_the_whole_range),
        WORLD_TEST(back_off_starts_anew_only_after_a_stable_connection),
        WORLD_TEST(back_off_starts_anew_after_a_useful_connection),
        WORLD_TEST(without_randomness_the_back_off_is_not_shortened),
        WORLD_TEST(the_first_connection_can_be_spread_over_a_time),
        WORLD_TEST(an_idle_connection_is_kept_alive),
        WORLD_TEST(a_ping_goes_out_before_the_keep_alive_has_passed),
        WORLD_TEST(traffic_both_ways_makes_pings_needless),
        WORLD_TEST(a_silent_broker_is_noticed_even_while_we_send),
        WORLD_TEST(a_missing_pingresp_ends_the_connection_at_its_deadline),
        WORLD_TEST(disconnect_is_sent_before_the_transport_is_closed),
        WORLD_TEST(disconnect_does_not_wait_for_a_blocked_transport_for_ever),
        WORLD_TEST(input_without_a_transport_is_refused),
        WORLD_TEST(the_loss_of_any_single_packet_is_recovered_from),
        WORLD_TEST(a_connection_lost_after_any_byte_is_recovered_from),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
