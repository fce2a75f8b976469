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
    assert_false(subscribed("a/+/c"));
    assert_int_equal(mqtt_subscription_status(subscription("a/+/c")), OTTER_E_AGAIN);
    run(1);
    assert_true(subscribed("a/+/c"));
    broker_publish(&w.b, "a/b/c", 1, 77, "text", 4);
    broker_publish(&w.b, "a/b/x", 0, 0, "else", 4);
    run(1);
    assert_int_equal(w.messages, 2);
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
    assert_true(subscribed("one"));
}

static void subscriptions_are_made_again_after_a_reconnect(void **state)
{
    (void)state;
    connect_now();
    subscribe("one");
    subscribe("two");
    run(1);
    lose_connection();
    assert_false(subscribed("one"));
    run(1);
    assert_string_equal(w.b.filters, "one two ");
    assert_true(subscribed("two"));
}

static void more_subscriptions_than_fit_the_output_are_sent_one_after_the_other(void **state)
{
    (void)state;
    static char filters[MQTT_SUBSCRIPTIONS_MAX][201];
    for (size_t i = 0; i < MQTT_SUBSCRIPTIONS_MAX; i++) {
        memset(filters[i], 'a' + (int)(i % 26), 200);
        filters[i][0] = (char)('A' + i / 26);
        assert_int_equal(subscribe(filters[i]), OTTER_OK);
    }
    run(1);
    for (size_t i = 0; i < MQTT_SUBSCRIPTIONS_MAX; i++)
        assert_true(subscribed(filters[i]));
    assert_int_equal(w.b.seen[MQTT_PACKET_SUBSCRIBE], MQTT_SUBSCRIPTIONS_MAX);
    assert_int_equal(subscribe("one more"), OTTER_E_NO_SPACE);
}

static void a_subscription_that_found_no_room_is_made_when_there_is(void **state)
{
    (void)state;
    static char payload[401];
    static char filter[101];
    memset(payload, 'p', sizeof payload - 1);
    memset(filter, 'f', sizeof filter - 1);
    connect_now();
    assert_int_equal(publish("t", 0, payload), OTTER_OK);
    assert_int_equal(subscribe(filter), OTTER_OK);
    run(1);
    assert_int_equal(w.b.seen[MQTT_PACKET_PINGREQ], 0);
    assert_true(subscribed(filter));
}

static void a_refused_subscription_says_so_and_the_connection_stays(void **state)
{
    (void)state;
    connect_now();
    w.b.grant = MQTT_GRANT_REFUSED;
    subscribe("forbidden");
    run(1);
    assert_false(subscribed("forbidden"));
    assert_int_equal(mqtt_subscription_status(subscription("forbidden")), OTTER_E_REFUSED);
    assert_int_equal(w.s.state, MQTT_CONNECTED);
    w.b.grant = 0;
    subscribe("forbidden"); /* asking again asks the broker again */
    run(1);
    assert_true(subscribed("forbidden"));
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
    assert_true(subscribed("t"));
}

static void unsubscribing_tells_the_broker_and_lasts(void **state)
{
    (void)state;
    connect_now();
    subscribe("t");
    run(1);
    assert_int_equal(unsubscribe("t"), OTTER_OK);
    assert_int_equal(unsubscribe("t"), OTTER_E_NOT_FOUND);
    run(1);
    assert_int_equal(w.b.seen[MQTT_PACKET_UNSUBSCRIBE], 1);
    lose_connection();
    run(1);
    assert_string_equal(w.b.filters, "");
}

static void a_filter_that_two_hold_is_kept_until_both_have_let_go(void **state)
{
    (void)state;
    struct mqtt_service other = {.prefix = ""};
    struct mqtt_subscription same = {.filter = "t"};
    mqtt_register(&w.s, &other);
    connect_now();
    subscribe("t");
    assert_int_equal(mqtt_subscribe(&w.s, w.now, &other, &same), OTTER_OK);
    run(1);
    assert_int_equal(unsubscribe("t"), OTTER_OK);
    run(1);
    assert_int_equal(w.b.seen[MQTT_PACKET_UNSUBSCRIBE], 0);
    assert_int_equal(mqtt_subscription_status(&same), OTTER_OK);
    assert_int_equal(mqtt_unsubscribe(&w.s, &same), OTTER_OK);
    run(1);
    assert_int_equal(w.b.seen[MQTT_PACKET_UNSUBSCRIBE], 1);
}

/* However each has divided it into prefix and rest, and whatever QoS each wants. */
static void a_filter_held_under_two_prefixes_is_one_to_the_broker(void **state)
{
    (void)state;
    struct mqtt_service other = {.prefix = "shadow/"};
    struct mqtt_subscription same = {.filter = "get", .qos = 0};
    mqtt_register(&w.s, &other);
    connect_now();
    subscribe("shadow/get");
    run(1);
    assert_int_equal(mqtt_subscribe(&w.s, w.now, &other, &same), OTTER_OK);
    run(1);
    assert_int_equal(w.b.last_filter_qos, 1);
    assert_int_equal(mqtt_unsubscribe(&w.s, &same), OTTER_OK);
    run(1);
    assert_int_equal(w.b.seen[MQTT_PACKET_UNSUBSCRIBE], 0);
    assert_true(subscribed("shadow/get"));
    assert_int_equal(unsubscribe("shadow/get"), OTTER_OK);
    run(1);
    assert_int_equal(w.b.seen[MQTT_PACKET_UNSUBSCRIBE], 1);
}

static void subscribing_again_changes_nothing(void **state)
{
    (void)state;
    connect_now();
    subscribe("t");
    run(1);
    assert_int_equal(subscribe("t"), OTTER_OK);
    assert_true(subscribed("t"));
    broker_publish(&w.b, "t", 0, 0, "x", 1);
    run(1);
    assert_int_equal(w.messages, 1);
    assert_int_equal(w.b.seen[MQTT_PACKET_SUBSCRIBE], 1);
}

static void invalid_filters_are_refused(void **state)
{
    (void)state;
    static char long_filter[MQTT_TOPIC_MAX + 2];
    struct mqtt_subscription qos_2 = {.filter = "t", .qos = 2};
    memset(long_filter, 'x', MQTT_TOPIC_MAX + 1);
    assert_int_equal(subscribe(""), OTTER_E_ARGUMENT);
    assert_int_equal(subscribe("a/#/b"), OTTER_E_ARGUMENT);
    assert_int_equal(subscribe(long_filter), OTTER_E_TOO_LONG);
    assert_int_equal(mqtt_subscribe(&w.s, w.now, &w.service, &qos_2), OTTER_E_ARGUMENT);
}

static void reply_from_handler(void *ctx, otter_ms now, const struct mqtt_message *message)
{
    (void)ctx, (void)message, (void)now;
    if (w.messages++ > 0)
        return;
    assert_int_equal(publish("reply", 0, "r"), OTTER_OK);
    assert_int_equal(publish("reply", 1, "R"), OTTER_OK);
    assert_int_equal(unsubscribe("ask"), OTTER_OK);
    assert_int_equal(subscribe("other"), OTTER_OK);
}

static void a_handler_may_publish_subscribe_and_unsubscribe(void **state)
{
    (void)state;
    w.service.on_message = reply_from_handler;
    connect_now();
    subscribe("ask");
    run(1);
    broker_publish(&w.b, "ask", 1, 9, "?", 1);
    run(1);
    assert_int_equal(w.messages, 1);
    assert_string_equal(w.b.last_topic, "reply");
    assert_int_equal(w.b.last_ack, 9);
    assert_int_equal(w.accepted, 1);
    assert_true(subscribed("other"));
    assert_int_equal(w.b.connections, 1);
}

static void disconnect_from_handler(void *ctx, otter_ms now, const struct mqtt_message *message)
{
    (void)ctx, (void)message;
    w.messages++;
    mqtt_disconnect(&w.s, now);
}

static void a_handler_may_disconnect_and_nothing_follows(void **state)
{
    (void)state;
    w.service.on_message = disconnect_from_handler;
    connect_now();
    subscribe("ask");
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
    assert_false(pending());
    run(1);
    assert_string_equal(w.b.last_payload, "x");
    assert_int_equal(w.b.last_qos, 0);
    assert_int_equal(w.s.stats.messages_out, 1);
}

static void a_ticket_is_held_until_its_puback(void **state)
{
    (void)state;
    connect_now();
    assert_int_equal(publish("t", 1, "one"), OTTER_OK);
    assert_true(pending());
    assert_int_equal(mqtt_send(&w.s, w.now, &w.service, &w.tickets[0]), OTTER_E_STATE);
    assert_int_equal(publish("t", 0, "zero"), OTTER_OK);
    run(1);
    assert_false(pending());
    assert_int_equal(w.accepted, 1);
    assert_int_equal(w.b.seen[MQTT_PACKET_PUBLISH], 2);
    assert_int_equal(publish("t", 1, "two"), OTTER_OK);
    run(1);
    assert_string_equal(w.b.last_payload, "two");
    assert_int_equal(w.b.duplicates, 0);
}

static void a_ticket_handed_over_off_line_leaves_on_connecting(void **state)
{
    (void)state;
    assert_int_equal(publish("t", 1, "early"), OTTER_OK);
    connect_now();
    run(1);
    assert_string_equal(w.b.last_payload, "early");
    assert_int_equal(w.accepted, 1);
}

/* Its payload is longer than the session's whole output. */
static void a_ticket_is_not_copied(void **state)
{
    (void)state;
    static char payload[1500];
    memset(payload, 'x', sizeof payload - 1);
    connect_now();
    assert_int_equal(publish("t", 1, payload), OTTER_OK);
    run(1);
    assert_int_equal(w.accepted, 1);
    w.bytes_once = 7;
    publish("t", 0, "before");
    publish("t", 1, payload);
    publish("t", 0, "after");
    run(1);
    assert_string_equal(w.b.last_payload, "after");
    assert_int_equal(w.accepted, 2);
    assert_int_equal(w.b.seen[MQTT_PACKET_PUBLISH], 4);
}

static void a_ticket_without_payload_is_sent(void **state)
{
    (void)state;
    connect_now();
    publish("t", 1, "");
    publish("t", 1, "next");
    run(1);
    assert_int_equal(w.accepted, 2);
    assert_string_equal(w.b.last_payload, "next");
}

static void a_ticket_can_be_withdrawn(void **state)
{
    (void)state;
    connect_now();
    w.b.mute = 1u << MQTT_PACKET_PUBLISH;
    publish("t", 1, "leaving");
    assert_int_equal(mqtt_withdraw(&w.s, &w.tickets[0]), OTTER_E_AGAIN);
    publish("t", 1, "queued");
    assert_int_equal(mqtt_withdraw(&w.s, &w.tickets[1]), OTTER_OK);
    assert_int_equal(mqtt_withdraw(&w.s, &w.tickets[1]), OTTER_E_NOT_FOUND);
    run(1);
    assert_int_equal(mqtt_withdraw(&w.s, &w.tickets[0]), OTTER_OK);
    lose_connection();
    w.b.mute = 0;
    run(1);
    assert_int_equal(w.b.seen[MQTT_PACKET_PUBLISH], 1); /* neither again */
    assert_int_equal(w.accepted + w.refused + w.timed_out, 0);
    publish("t", 1, "other");
    run(1);
    assert_int_equal(w.accepted, 1);
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
    assert_true(pending());
    lose_connection();
    assert_true(pending());
    run(1);
    assert_false(pending());
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
    assert_false(pending());
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
    assert_false(pending());
    assert_int_equal(w.b.duplicates, 1);
}

static void a_publish_that_makes_the_broker_close_is_dropped_in_the_end(void **state)
{
    (void)state;
    connect_now();
    w.b.closes_on = "forbidden";
    publish("forbidden", 1, "x");
    run(1);
    assert_false(pending());
    assert_int_equal(w.refused, 1);
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
    assert_true(pending());
}

static void a_puback_for_a_publish_that_has_not_left_is_passed_over(void **state)
{
    (void)state;
    connect_now();
    publish("t", 1, "x");
    const uint8_t puback[] = {0x40, 2, 0, 1};
    assert_int_equal(mqtt_input(&w.s, w.now, puback, 4), OTTER_OK);
    assert_true(pending());
    run(1);
    assert_false(pending());
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
        assert_int_not_equal(w.s.p.packet_id, 0);
        assert_int_not_equal(w.s.p.packet_id, 1);
        assert_int_equal(unsubscribe("s"), OTTER_OK);
        exchange();
    }
}

static void a_publish_that_can_never_fit_is_told_from_one_that_must_wait(void **state)
{
    (void)state;
    static char payload[512];
    static char topic[MQTT_TOPIC_MAX + 2];
    memset(payload, 'x', sizeof payload);
    memset(topic, 't', MQTT_TOPIC_MAX + 1);
    const size_t most = mqtt_output_max(&w.s) - 1;
    struct mqtt_service *me = &w.service;
    connect_now();
    assert_int_equal(mqtt_publish(&w.s, w.now, me, "t", payload, most + 1), OTTER_E_TOO_LONG);
    assert_int_equal(mqtt_publish(&w.s, w.now, me, "t", payload, 100), OTTER_OK);
    assert_int_equal(mqtt_publish(&w.s, w.now, me, "t", payload, most), OTTER_E_AGAIN);
    run(1);
    assert_int_equal(mqtt_publish(&w.s, w.now, me, "t", payload, most), OTTER_OK);
    run(1);
    assert_int_equal(mqtt_publish(&w.s, w.now, me, "a/#", payload, 1), OTTER_E_ARGUMENT);
    assert_int_equal(publish("a/#", 1, "x"), OTTER_E_ARGUMENT);
    assert_int_equal(publish(topic, 1, "x"), OTTER_E_TOO_LONG);
    assert_false(pending());
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
    assert_int_equal(w.messages, 10);
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
        assert_int_equal(w.messages, 1);
        assert_int_equal(w.b.connections, 1);
    }
}

static void the_longest_packet_that_fits_is_delivered_and_one_more_byte_is_skipped(void **state)
{
    (void)state;
    static uint8_t payload[300];
    const size_t most = sizeof w.input - 3 - 2 - 1 - PROPERTIES; /* header, topic */
    connect_now();
    broker_publish(&w.b, "t", 0, 0, payload, most);
    run(1);
    assert_int_equal(w.messages, 1);
    assert_int_equal(w.last.payload_length, most);
    broker_publish(&w.b, "t", 0, 0, payload, most + 1);
    run(1);
    assert_int_equal(w.messages, 1);
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
        assert_int_equal(w.oversized_length, 3 + 2 + 8 + 2 * qos + PROPERTIES + sizeof big);
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
        WORLD_TEST(a_subscription_that_found_no_room_is_made_when_there_is),
        WORLD_TEST(a_refused_subscription_says_so_and_the_connection_stays),
        WORLD_TEST(a_missing_suback_ends_the_connection_and_is_made_good),
        WORLD_TEST(unsubscribing_tells_the_broker_and_lasts),
        WORLD_TEST(a_filter_that_two_hold_is_kept_until_both_have_let_go),
        WORLD_TEST(a_filter_held_under_two_prefixes_is_one_to_the_broker),
        WORLD_TEST(subscribing_again_changes_nothing),
        WORLD_TEST(invalid_filters_are_refused),
        WORLD_TEST(a_handler_may_publish_subscribe_and_unsubscribe),
        WORLD_TEST(a_handler_may_disconnect_and_nothing_follows),
        WORLD_TEST(a_qos_0_publish_is_sent_once),
        WORLD_TEST(a_ticket_is_held_until_its_puback),
        WORLD_TEST(a_ticket_handed_over_off_line_leaves_on_connecting),
        WORLD_TEST(a_ticket_is_not_copied),
        WORLD_TEST(a_ticket_without_payload_is_sent),
        WORLD_TEST(a_ticket_can_be_withdrawn),
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
