/* The MQTT session: subscriptions, publishes, and packets that are too long. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "mqtt_world.h"

/* ---- Subscriptions --------------------------------------------------------------------------- */

static void a_subscription_is_made_and_its_messages_handled(void **state)
{
    (void)state;
    connect_now();
    assert_int_equal(subscribe("a/+/c"), OTTER_OK);
    assert_false(mqtt_subscribed(&w.s, "a/+/c"));
    assert_int_equal(mqtt_subscription_status(&w.s, "a/+/c"), OTTER_E_AGAIN);
    run(1);
    assert_true(mqtt_subscribed(&w.s, "a/+/c"));
    broker_publish(&w.b, "a/b/c", 1, 77, "text", 4);
    broker_publish(&w.b, "a/b/x", 0, 0, "else", 4);
    run(1);
    assert_int_equal(w.messages, 1);
    assert_int_equal(w.others, 1);
    assert_int_equal(w.b.last_ack, 77);
    assert_string_equal(w.topic, "a/b/x");
    assert_string_equal(w.payload, "else");
    assert_int_equal(w.s.stats.messages_in, 2);
}

static void subscriptions_made_off_line_are_made_on_connecting(void **state)
{
    (void)state;
    assert_int_equal(subscribe("one"), OTTER_OK);
    assert_int_equal(subscribe("two"), OTTER_OK);
    connect_now();
    assert_string_equal(w.b.filters, "one two ");
    assert_true(mqtt_subscribed(&w.s, "one"));
}

static void subscriptions_are_made_again_after_a_reconnect(void **state)
{
    (void)state;
    connect_now();
    subscribe("one");
    subscribe("two");
    run(1);
    lose_connection();
    assert_false(mqtt_subscribed(&w.s, "one"));
    run(1);
    assert_string_equal(w.b.filters, "one two ");
    assert_true(mqtt_subscribed(&w.s, "two"));
}

static void more_subscriptions_than_fit_the_output_are_sent_one_after_the_other(void **state)
{
    (void)state;
    static char filters[MQTT_SUBSCRIPTIONS_MAX][201];
    for (size_t i = 0; i < MQTT_SUBSCRIPTIONS_MAX; i++) {
        memset(filters[i], 'a' + (int)i, 200);
        assert_int_equal(subscribe(filters[i]), OTTER_OK);
    }
    run(1);
    for (size_t i = 0; i < MQTT_SUBSCRIPTIONS_MAX; i++)
        assert_true(mqtt_subscribed(&w.s, filters[i]));
    assert_int_equal(w.b.seen[MQTT_PACKET_SUBSCRIBE], MQTT_SUBSCRIPTIONS_MAX);
    assert_int_equal(subscribe("one more"), OTTER_E_NO_SPACE);
}

static void a_subscription_that_found_no_room_is_made_when_the_puback_makes_it(void **state)
{
    (void)state;
    static char payload[401];
    static char filter[101];
    memset(payload, 'p', sizeof payload - 1);
    memset(filter, 'f', sizeof filter - 1);
    connect_now();
    assert_int_equal(publish("t", 1, payload), OTTER_OK);
    assert_int_equal(subscribe(filter), OTTER_OK);
    run(1);
    assert_int_equal(w.b.seen[MQTT_PACKET_PINGREQ], 0);
    assert_true(mqtt_subscribed(&w.s, filter));
}

static void a_refused_subscription_says_so_and_the_connection_stays(void **state)
{
    (void)state;
    connect_now();
    w.b.grant = MQTT_GRANT_REFUSED;
    subscribe("forbidden");
    run(1);
    assert_false(mqtt_subscribed(&w.s, "forbidden"));
    assert_int_equal(mqtt_subscription_status(&w.s, "forbidden"), OTTER_E_REFUSED);
    assert_int_equal(w.s.state, MQTT_CONNECTED);
    w.b.grant = 0;
    subscribe("forbidden"); /* asking again asks the broker again */
    run(1);
    assert_true(mqtt_subscribed(&w.s, "forbidden"));
}

static void a_missing_suback_ends_the_connection_and_is_made_good(void **state)
{
    (void)state;
    connect_now();
    w.b.lose_in = w.b.packets_in;
    subscribe("t");
    run(ACK_MS - 2);
    assert_int_equal(w.b.connections, 1);
    run(10);
    assert_int_equal(w.b.connections, 2);
    assert_true(mqtt_subscribed(&w.s, "t"));
}

static void unsubscribing_stops_the_handler_and_tells_the_broker(void **state)
{
    (void)state;
    connect_now();
    subscribe("t");
    run(1);
    assert_int_equal(mqtt_unsubscribe(&w.s, w.now, "t"), OTTER_OK);
    assert_int_equal(mqtt_unsubscribe(&w.s, w.now, "t"), OTTER_E_NOT_FOUND);
    broker_publish(&w.b, "t", 0, 0, "late", 4);
    run(1);
    assert_int_equal(w.b.seen[MQTT_PACKET_UNSUBSCRIBE], 1);
    assert_int_equal(w.messages, 0);
    assert_int_equal(w.others, 1);
    lose_connection();
    run(1);
    assert_string_equal(w.b.filters, "");
}

static void subscribing_again_replaces_the_handler(void **state)
{
    (void)state;
    connect_now();
    subscribe("t");
    run(1);
    assert_int_equal(mqtt_subscribe(&w.s, w.now, "t", 1, on_message, &w.others), OTTER_OK);
    assert_true(mqtt_subscribed(&w.s, "t"));
    broker_publish(&w.b, "t", 0, 0, "x", 1);
    run(1);
    assert_int_equal(w.messages, 0);
    assert_int_equal(w.others, 1);
    assert_int_equal(w.b.seen[MQTT_PACKET_SUBSCRIBE], 1);
}

static void invalid_filters_are_refused(void **state)
{
    (void)state;
    static char long_filter[MQTT_FILTER_MAX + 2];
    memset(long_filter, 'x', MQTT_FILTER_MAX + 1);
    assert_int_equal(subscribe(""), OTTER_E_ARGUMENT);
    assert_int_equal(subscribe("a/#/b"), OTTER_E_ARGUMENT);
    assert_int_equal(subscribe(long_filter), OTTER_E_TOO_LONG);
    assert_int_equal(mqtt_subscribe(&w.s, w.now, "t", 2, on_message, NULL), OTTER_E_ARGUMENT);
}

static void reply_from_handler(void *ctx, otter_ms now, const struct mqtt_message *message)
{
    (void)message;
    w.messages++;
    assert_int_equal(mqtt_publish(ctx, now, "reply", 0, "r", 1), OTTER_OK);
    assert_int_equal(mqtt_unsubscribe(ctx, now, "ask"), OTTER_OK);
    assert_int_equal(mqtt_subscribe(ctx, now, "other", 0, on_message, &w.others), OTTER_OK);
}

static void a_handler_may_publish_subscribe_and_unsubscribe(void **state)
{
    (void)state;
    connect_now();
    mqtt_subscribe(&w.s, w.now, "ask", 1, reply_from_handler, &w.s);
    run(1);
    broker_publish(&w.b, "ask", 1, 9, "?", 1);
    run(1);
    assert_int_equal(w.messages, 1);
    assert_string_equal(w.b.last_topic, "reply");
    assert_int_equal(w.b.last_ack, 9);
    assert_true(mqtt_subscribed(&w.s, "other"));
    assert_int_equal(w.b.connections, 1);
}

static void disconnect_from_handler(void *ctx, otter_ms now, const struct mqtt_message *message)
{
    (void)message;
    w.messages++;
    mqtt_disconnect(ctx, now);
}

static void a_handler_may_disconnect_and_nothing_follows(void **state)
{
    (void)state;
    connect_now();
    mqtt_subscribe(&w.s, w.now, "ask", 1, disconnect_from_handler, &w.s);
    run(1);
    broker_publish(&w.b, "ask", 1, 9, "?", 1);
    broker_publish(&w.b, "ask", 1, 10, "?", 1);
    w.network_down = true;
    w.random = UINT32_MAX;
    run(1);
    assert_int_equal(w.messages, 1);
    assert_int_equal(w.b.seen[MQTT_PACKET_DISCONNECT], 1);
    assert_int_equal(w.b.seen[MQTT_PACKET_PUBACK], 0);
    assert_int_equal(w.s.state, MQTT_WAITING);
}

/* ---- Publishing ------------------------------------------------------------------------------ */

static void a_qos_0_publish_is_sent_once(void **state)
{
    (void)state;
    assert_int_equal(publish("t", 0, "early"), OTTER_E_STATE);
    connect_now();
    assert_int_equal(publish("t", 0, "x"), OTTER_OK);
    assert_false(mqtt_publish_pending(&w.s));
    run(1);
    assert_string_equal(w.b.last_payload, "x");
    assert_int_equal(w.b.last_qos, 0);
    assert_int_equal(w.s.stats.messages_out, 1);
}

static void a_qos_1_publish_is_pending_until_its_puback(void **state)
{
    (void)state;
    connect_now();
    assert_int_equal(publish("t", 1, "one"), OTTER_OK);
    assert_true(mqtt_publish_pending(&w.s));
    assert_int_equal(publish("t", 1, "two"), OTTER_E_AGAIN);
    assert_int_equal(publish("t", 0, "zero"), OTTER_OK);
    run(1);
    assert_false(mqtt_publish_pending(&w.s));
    assert_int_equal(w.b.seen[MQTT_PACKET_PUBLISH], 2);
    assert_int_equal(publish("t", 1, "two"), OTTER_OK);
    run(1);
    assert_string_equal(w.b.last_payload, "two");
    assert_int_equal(w.b.duplicates, 0);
}

static void publishes_leave_in_the_order_they_were_made(void **state)
{
    (void)state;
    connect_now();
    publish("t", 0, "1");
    publish("t", 1, "2");
    publish("t", 0, "3");
    mqtt_disconnect(&w.s, w.now);
    static const char *const order[] = {"1", "2", "3"};
    for (size_t i = 0; i < 3; i++) {
        const uint8_t *data;
        const unsigned before = w.b.seen[MQTT_PACKET_PUBLISH];
        while (w.b.seen[MQTT_PACKET_PUBLISH] == before) {
            assert_true(mqtt_output(&w.s, &data) > 0);
            broker_input(&w.b, data, 1);
            mqtt_sent(&w.s, w.now, 1);
        }
        assert_string_equal(w.b.last_payload, order[i]);
        assert_int_equal(w.b.seen[MQTT_PACKET_DISCONNECT], 0);
    }
}

static void an_unacknowledged_publish_is_repeated_with_dup_after_a_reconnect(void **state)
{
    (void)state;
    connect_now();
    w.b.lose_out = w.b.packets_out; /* the PUBACK */
    publish("t", 1, "once more");
    run(1);
    const uint16_t packet_id = w.b.last_packet_id;
    assert_true(mqtt_publish_pending(&w.s));
    lose_connection();
    assert_true(mqtt_publish_pending(&w.s));
    run(1);
    assert_false(mqtt_publish_pending(&w.s));
    assert_int_equal(w.b.duplicates, 1);
    assert_int_equal(w.b.last_packet_id, packet_id);
    assert_string_equal(w.b.last_payload, "once more");
    assert_int_equal(w.s.stats.repeated, 1);
}

static void a_publish_that_never_left_is_sent_without_dup(void **state)
{
    (void)state;
    connect_now();
    publish("t", 1, "first time");
    lose_connection();
    run(1);
    assert_int_equal(w.b.duplicates, 0);
    assert_string_equal(w.b.last_payload, "first time");
    assert_false(mqtt_publish_pending(&w.s));
}

static void a_missing_puback_ends_the_connection_at_its_deadline(void **state)
{
    (void)state;
    connect_now();
    w.b.lose_in = w.b.packets_in;
    publish("t", 1, "x");
    run(ACK_MS - 2);
    assert_int_equal(w.b.connections, 1);
    run(10);
    assert_int_equal(w.b.connections, 2);
    assert_false(mqtt_publish_pending(&w.s));
    assert_int_equal(w.b.duplicates, 1);
}

static void a_publish_that_makes_the_broker_close_is_dropped_in_the_end(void **state)
{
    (void)state;
    connect_now();
    w.b.closes_on = "forbidden";
    publish("forbidden", 1, "x");
    run(1);
    assert_false(mqtt_publish_pending(&w.s));
    assert_int_equal(w.s.stats.dropped, 1);
    assert_int_equal(w.b.seen[MQTT_PACKET_PUBLISH], MQTT_REPEATS_MAX + 1);
    assert_int_equal(w.s.state, MQTT_CONNECTED);
    publish("allowed", 1, "y");
    run(1);
    assert_string_equal(w.b.last_payload, "y");
    assert_int_equal(w.s.stats.dropped, 1);
}

static void a_puback_for_something_else_is_passed_over(void **state)
{
    (void)state;
    connect_now();
    static const uint8_t puback[] = {0x40, 2, 0x12, 0x34};
    assert_int_equal(mqtt_input(&w.s, w.now, puback, 4), OTTER_OK);
    w.b.mute = 1u << MQTT_PACKET_PUBLISH;
    publish("t", 1, "x");
    run(1);
    assert_int_equal(mqtt_input(&w.s, w.now, puback, 4), OTTER_OK);
    assert_true(mqtt_publish_pending(&w.s));
}

static void a_puback_for_a_publish_that_has_not_left_is_passed_over(void **state)
{
    (void)state;
    connect_now();
    publish("t", 1, "x");
    const uint8_t puback[] = {0x40, 2, 0, 1};
    assert_int_equal(mqtt_input(&w.s, w.now, puback, 4), OTTER_OK);
    assert_true(mqtt_publish_pending(&w.s));
    run(1);
    assert_false(mqtt_publish_pending(&w.s));
    assert_string_equal(w.b.last_payload, "x");
}

static void packet_identifiers_in_flight_are_not_given_out_again(void **state)
{
    (void)state;
    connect_now();
    w.b.mute = 1u << MQTT_PACKET_PUBLISH;
    publish("t", 1, "x"); /* identifier 1 */
    exchange();
    for (unsigned i = 0; i < 65535; i++) {
        assert_int_equal(subscribe("s"), OTTER_OK);
        exchange();
        assert_int_not_equal(w.s.packet_id, 0);
        assert_int_not_equal(w.s.packet_id, 1);
        assert_int_equal(mqtt_unsubscribe(&w.s, w.now, "s"), OTTER_OK);
        exchange();
    }
}

static void a_publish_that_can_never_fit_is_told_from_one_that_must_wait(void **state)
{
    (void)state;
    static char payload[512];
    memset(payload, 'x', sizeof payload);
    const size_t most = sizeof w.output - MQTT_OUTPUT_OVERHEAD - 1;
    connect_now();
    assert_int_equal(mqtt_publish(&w.s, w.now, "t", 1, payload, most + 1), OTTER_E_TOO_LONG);
    assert_int_equal(mqtt_publish(&w.s, w.now, "t", 0, payload, 100), OTTER_OK);
    assert_int_equal(mqtt_publish(&w.s, w.now, "t", 1, payload, most), OTTER_E_AGAIN);
    run(1);
    assert_int_equal(mqtt_publish(&w.s, w.now, "t", 1, payload, most), OTTER_OK);
    run(1);
    assert_false(mqtt_publish_pending(&w.s));
    assert_int_equal(mqtt_publish(&w.s, w.now, "a/#", 0, payload, 1), OTTER_E_ARGUMENT);
    assert_int_equal(mqtt_publish(&w.s, w.now, "t", 2, payload, 1), OTTER_E_UNSUPPORTED);
}

static void acknowledgements_find_room_when_publishes_have_filled_the_output(void **state)
{
    (void)state;
    connect_now();
    w.blocked = true;
    while (publish("t", 0, "fill it up") == OTTER_OK)
        ;
    for (uint16_t i = 1; i <= 10; i++)
        broker_publish(&w.b, "down", 1, i, "x", 1);
    run(1);
    assert_int_equal(w.others, 10);
    w.blocked = false;
    run(1);
    assert_int_equal(w.b.seen[MQTT_PACKET_PUBACK], 10);
    assert_int_equal(w.b.connections, 1);
}

static void a_transport_that_takes_no_output_ends_in_a_named_error(void **state)
{
    (void)state;
    connect_now();
    w.blocked = true;
    w.random = UINT32_MAX;
    for (uint16_t i = 1; i <= 1000; i++)
        broker_publish(&w.b, "down", 1, i, "x", 1);
    run(1);
    assert_int_equal(w.s.error, OTTER_E_NO_SPACE);
    assert_int_equal(w.s.state, MQTT_WAITING);
}

/* ---- Oversized packets ----------------------------------------------------------------------- */

static void an_oversized_message_is_skipped_acknowledged_and_counted(void **state)
{
    (void)state;
    static uint8_t big[60000];
    for (size_t once = 1; once < 100000; once = once * 3 + 1) {
        world_set_up(NULL);
        connect_now();
        w.bytes_once = once;
        broker_publish(&w.b, "big", 1, 321, big, sizeof big);
        broker_publish(&w.b, "small", 1, 322, "after", 5);
        run(1);
        assert_int_equal(w.s.stats.oversized, 1);
        assert_int_equal(w.b.seen[MQTT_PACKET_PUBACK], 2);
        assert_int_equal(w.b.last_ack, 322);
        assert_string_equal(w.topic, "small");
        assert_int_equal(w.others, 1);
        assert_int_equal(w.b.connections, 1);
    }
}

static void the_longest_packet_that_fits_is_delivered_and_one_more_byte_is_skipped(void **state)
{
    (void)state;
    static uint8_t payload[300];
    const size_t most = sizeof w.input - 3 - 2 - 1; /* header, topic length, topic */
    connect_now();
    broker_publish(&w.b, "t", 0, 0, payload, most);
    run(1);
    assert_int_equal(w.others, 1);
    assert_int_equal(w.last.payload_length, most);
    broker_publish(&w.b, "t", 0, 0, payload, most + 1);
    run(1);
    assert_int_equal(w.others, 1);
    assert_int_equal(w.s.stats.oversized, 1);
    assert_int_equal(w.b.seen[MQTT_PACKET_PUBACK], 0);
}

static void an_oversized_message_is_told_of_by_its_topic(void **state)
{
    (void)state;
    static uint8_t big[1000];
    for (uint8_t qos = 0; qos <= 1; qos++) {
        world_set_up(NULL);
        connect_now();
        broker_publish(&w.b, "down/big", qos, qos ? 7 : 0, big, sizeof big);
        run(1);
        assert_int_equal(w.oversized, 1);
        assert_string_equal(w.topic, "down/big");
        assert_int_equal(w.oversized_length, 3 + 2 + 8 + 2 * qos + sizeof big);
    }
}

static void an_oversized_packet_in_place_of_the_connack_is_a_protocol_error(void **state)
{
    (void)state;
    static uint8_t big[300] = {0x30, 0xff, 0x7f, 0, 1, 't'};
    w.b.mute = 1u << MQTT_PACKET_CONNECT;
    run(1);
    assert_int_equal(mqtt_input(&w.s, w.now, big, sizeof big), OTTER_E_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(a_subscription_is_made_and_its_messages_handled),
        WORLD_TEST(subscriptions_made_off_line_are_made_on_connecting),
        WORLD_TEST(subscriptions_are_made_again_after_a_reconnect),
        WORLD_TEST(more_subscriptions_than_fit_the_output_are_sent_one_after_the_other),
        WORLD_TEST(a_subscription_that_found_no_room_is_made_when_the_puback_makes_it),
        WORLD_TEST(a_refused_subscription_says_so_and_the_connection_stays),
        WORLD_TEST(a_missing_suback_ends_the_connection_and_is_made_good),
        WORLD_TEST(unsubscribing_stops_the_handler_and_tells_the_broker),
        WORLD_TEST(subscribing_again_replaces_the_handler),
        WORLD_TEST(invalid_filters_are_refused),
        WORLD_TEST(a_handler_may_publish_subscribe_and_unsubscribe),
        WORLD_TEST(a_handler_may_disconnect_and_nothing_follows),
        WORLD_TEST(a_qos_0_publish_is_sent_once),
        WORLD_TEST(a_qos_1_publish_is_pending_until_its_puback),
        WORLD_TEST(publishes_leave_in_the_order_they_were_made),
        WORLD_TEST(an_unacknowledged_publish_is_repeated_with_dup_after_a_reconnect),
        WORLD_TEST(a_publish_that_never_left_is_sent_without_dup),
        WORLD_TEST(a_missing_puback_ends_the_connection_at_its_deadline),
        WORLD_TEST(a_publish_that_makes_the_broker_close_is_dropped_in_the_end),
        WORLD_TEST(a_puback_for_something_else_is_passed_over),
        WORLD_TEST(a_puback_for_a_publish_that_has_not_left_is_passed_over),
        WORLD_TEST(packet_identifiers_in_flight_are_not_given_out_again),
        WORLD_TEST(a_publish_that_can_never_fit_is_told_from_one_that_must_wait),
        WORLD_TEST(acknowledgements_find_room_when_publishes_have_filled_the_output),
        WORLD_TEST(a_transport_that_takes_no_output_ends_in_a_named_error),
        WORLD_TEST(an_oversized_message_is_skipped_acknowledged_and_counted),
        WORLD_TEST(the_longest_packet_that_fits_is_delivered_and_one_more_byte_is_skipped),
        WORLD_TEST(an_oversized_message_is_told_of_by_its_topic),
        WORLD_TEST(an_oversized_packet_in_place_of_the_connack_is_a_protocol_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
