/* The MQTT session against a broker in memory, in virtual time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "fake_broker.h"
#include "net/mqtt.h"

#define KEEP_ALIVE_S    60
#define CONNACK_MS      5000
#define ACK_MS          8000
#define BACKOFF_BASE_MS 1000
#define BACKOFF_CAP_MS  16000

/* A session, its broker, and the wire between them. */
struct world {
    struct mqtt_session s;
    struct fake_broker b;
    otter_ms now;
    bool up;           /* the transport */
    bool network_down; /* transports never come up */
    bool blocked;      /* the transport takes no output */
    size_t bytes_once; /* at most so many at a time, each way */
    uint32_t random;   /* what the session draws; 0 gives no delay */
    uint8_t input[256];
    uint8_t output[512];
    unsigned messages;
    unsigned others; /* messages without a subscription */
    char topic[64];
    char payload[64];
    struct mqtt_message last;
    otter_ms message_deadline; /* the broker's, for its own message */
};

static struct world w;

otter_ms port_now(void)
{
    return w.now;
}

void port_log_write(const char *line, size_t length)
{
    (void)line;
    (void)length;
}

static uint32_t draw(void *ctx)
{
    (void)ctx;
    return w.random;
}

static void on_message(void *ctx, otter_ms now, const struct mqtt_message *message)
{
    assert_int_equal(now, w.now);
    w.last = *message;
    snprintf(w.topic, sizeof w.topic, "%.*s", (int)message->topic_length, message->topic);
    snprintf(w.payload, sizeof w.payload, "%.*s", (int)message->payload_length,
             (const char *)message->payload);
    ++*(unsigned *)ctx;
}

static void on_other(void *ctx, otter_ms now, const struct mqtt_message *message)
{
    (void)ctx;
    on_message(&w.others, now, message);
}

static int set_up(void **state)
{
    (void)state;
    memset(&w, 0, sizeof w);
    w.now = 1000;
    w.bytes_once = SIZE_MAX;
    w.message_deadline = OTTER_NEVER;
    broker_init(&w.b);
    const struct mqtt_config config = {
        .client_id = "thing-1",
        .user_name = "?SDK=otter",
        .keep_alive_s = KEEP_ALIVE_S,
        .backoff_base_ms = BACKOFF_BASE_MS,
        .backoff_cap_ms = BACKOFF_CAP_MS,
        .connack_timeout_ms = CONNACK_MS,
        .ack_timeout_ms = ACK_MS,
        .random = draw,
        .on_message = on_other,
        .input = w.input,
        .input_size = sizeof w.input,
        .output = w.output,
        .output_size = sizeof w.output,
    };
    mqtt_init(&w.s, &config);
    return 0;
}

static void lose_connection(void)
{
    w.up = false;
    mqtt_transport_down(&w.s, w.now);
}

/* Moves bytes both ways until nothing moves; opens and closes transports as the session asks. */
static void exchange(void)
{
    static uint8_t buffer[70000];
    for (bool moved = true; moved;) {
        moved = false;
        if (!w.up && !w.network_down && mqtt_wants_transport(&w.s, w.now)) {
            w.up = moved = true;
            broker_accept(&w.b);
            mqtt_transport_up(&w.s, w.now);
        }
        const uint8_t *data;
        size_t length = w.up && !w.blocked ? mqtt_output(&w.s, &data) : 0;
        if (length > 0) {
            length = length < w.bytes_once ? length : w.bytes_once;
            broker_input(&w.b, data, length);
            mqtt_sent(&w.s, w.now, length);
            moved = true;
        }
        size_t wanted = w.bytes_once < sizeof buffer ? w.bytes_once : sizeof buffer;
        length = w.up ? broker_output(&w.b, buffer, wanted) : 0;
        if (length > 0) {
            mqtt_input(&w.s, w.now, buffer, length);
            moved = true;
        }
        if (w.up && (mqtt_should_close(&w.s) || (w.b.wants_close && w.b.out_length == 0))) {
            lose_connection();
            moved = true;
        }
    }
    assert_false(w.b.malformed);
}

/* The broker closes when its own message is not acknowledged in 30 s. */
static void broker_timer(void)
{
    if (!w.b.sends_on || w.b.message_acked) {
        w.message_deadline = OTTER_NEVER;
    } else if (w.message_deadline == OTTER_NEVER) {
        w.message_deadline = w.now + 30000;
    } else if (w.now >= w.message_deadline) {
        w.message_deadline = w.now + 30000;
        if (w.up)
            lose_connection();
    }
}

static void run_until(otter_ms end)
{
    exchange();
    while (w.now < end) {
        broker_timer();
        otter_ms next = mqtt_deadline(&w.s);
        next = next < w.message_deadline ? next : w.message_deadline;
        next = next < end ? next : end;
        if (next > w.now)
            w.now = next;
        mqtt_tick(&w.s, w.now);
        exchange();
        assert_true(mqtt_deadline(&w.s) > w.now); /* or the owner's loop would spin */
    }
}

static void run(otter_ms delay)
{
    run_until(w.now + delay);
}

static void connect_now(void)
{
    run(1);
    assert_int_equal(w.s.state, MQTT_CONNECTED);
}

static otter_status subscribe(const char *filter)
{
    return mqtt_subscribe(&w.s, w.now, filter, 1, on_message, &w.messages);
}

static otter_status publish(const char *topic, uint8_t qos, const char *payload)
{
    return mqtt_publish(&w.s, w.now, topic, qos, payload, strlen(payload));
}

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
    w.b.connack_code = MQTT_CONNACK_NOT_AUTHORIZED;
    w.random = UINT32_MAX;
    run(1);
    assert_int_equal(w.s.state, MQTT_WAITING);
    assert_int_equal(w.s.error, OTTER_E_REFUSED);
    assert_int_equal(w.s.refusal, MQTT_CONNACK_NOT_AUTHORIZED);
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
        {"\xe0\x00", 2},                      /* DISCONNECT */
        {"\x82\x06\x00\x01\x00\x01t\x00", 8}, /* SUBSCRIBE */
        {"\x34\x05\x00\x01t\x00\x01", 7},     /* QoS 2 */
        {"\x62\x02\x00\x01", 4},              /* PUBREL */
        {"\x00\x00", 2},
        {"\xf0\x00", 2},
        {"\x30\xff\xff\xff\xff\x7f", 6}, /* five bytes of length */
        {"\x30\x03\x00\x01#", 5},        /* a topic with a wildcard */
        {"\x40\x02\x00\x00", 4},         /* packet identifier 0 */
        {"\x90\x04\x00\x01\x00\x00", 6}, /* two codes for one filter */
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        set_up(NULL);
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
        set_up(NULL);
        w.bytes_once = once;
        w.b.sends_on = "down/t";
        assert_int_equal(subscribe("down/+"), OTTER_OK);
        assert_int_equal(subscribe("down/t"), OTTER_OK);
        run(1);
        assert_int_equal(publish("up/t", 1, "hello"), OTTER_OK);
        run(1);
        assert_true(mqtt_subscribed(&w.s, "down/+"));
        assert_false(mqtt_publish_pending(&w.s));
        assert_string_equal(w.b.last_payload, "hello");
        assert_true(w.b.message_acked);
        assert_int_equal(w.messages, 2); /* one for each subscription that matches */
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
        set_up(NULL);
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

static void an_oversized_packet_in_place_of_the_connack_is_a_protocol_error(void **state)
{
    (void)state;
    static uint8_t big[300] = {0x30, 0xff, 0x7f, 0, 1, 't'};
    w.b.mute = 1u << MQTT_PACKET_CONNECT;
    run(1);
    assert_int_equal(mqtt_input(&w.s, w.now, big, sizeof big), OTTER_E_MALFORMED);
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
    set_up(NULL);
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
    assert_true(mqtt_subscribed(&w.s, "down/t"));
    assert_true(mqtt_subscribed(&w.s, "down/u"));
    assert_false(mqtt_publish_pending(&w.s));
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
        set_up(NULL);
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
        assert_true(mqtt_subscribed(&w.s, "down/t"));
        assert_false(mqtt_publish_pending(&w.s));
        assert_int_equal(published, w.b.seen[MQTT_PACKET_PUBLISH] > 0);
    }
}

static void topics_match_filters(void **state)
{
    (void)state;
    assert_true(mqtt_topic_matches("$aws/things/+/jobs/#", "$aws/things/t/jobs/notify", 25));
    assert_false(mqtt_topic_matches("$aws/things/+/jobs/#", "$aws/things/t/shadow", 20));
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_connection_is_wanted_at_once_and_made),
        TEST(a_missing_connack_ends_the_connection_at_its_deadline),
        TEST(a_refusing_connack_is_named_and_retried_later),
        TEST(anything_before_the_connack_is_a_protocol_error),
        TEST(packets_that_no_broker_sends_are_protocol_errors),
        TEST(every_split_of_the_stream_gives_the_same),
        TEST(back_off_doubles_up_to_its_cap),
        TEST(back_off_is_spread_over_the_whole_range),
        TEST(back_off_starts_anew_only_after_a_stable_connection),
        TEST(an_idle_connection_is_kept_alive),
        TEST(a_ping_goes_out_before_the_keep_alive_has_passed),
        TEST(traffic_both_ways_makes_pings_needless),
        TEST(a_silent_broker_is_noticed_even_while_we_send),
        TEST(a_missing_pingresp_ends_the_connection_at_its_deadline),
        TEST(a_subscription_is_made_and_its_messages_handled),
        TEST(subscriptions_made_off_line_are_made_on_connecting),
        TEST(subscriptions_are_made_again_after_a_reconnect),
        TEST(more_subscriptions_than_fit_the_output_are_sent_one_after_the_other),
        TEST(a_refused_subscription_says_so_and_the_connection_stays),
        TEST(a_missing_suback_ends_the_connection_and_is_made_good),
        TEST(unsubscribing_stops_the_handler_and_tells_the_broker),
        TEST(subscribing_again_replaces_the_handler),
        TEST(invalid_filters_are_refused),
        TEST(a_handler_may_publish_subscribe_and_unsubscribe),
        TEST(a_handler_may_disconnect_and_nothing_follows),
        TEST(a_qos_0_publish_is_sent_once),
        TEST(a_qos_1_publish_is_pending_until_its_puback),
        TEST(publishes_leave_in_the_order_they_were_made),
        TEST(an_unacknowledged_publish_is_repeated_with_dup_after_a_reconnect),
        TEST(a_publish_that_never_left_is_sent_without_dup),
        TEST(a_missing_puback_ends_the_connection_at_its_deadline),
        TEST(a_publish_that_makes_the_broker_close_is_dropped_in_the_end),
        TEST(a_puback_for_something_else_is_passed_over),
        TEST(a_puback_for_a_publish_that_has_not_left_is_passed_over),
        TEST(packet_identifiers_in_flight_are_not_given_out_again),
        TEST(a_publish_that_can_never_fit_is_told_from_one_that_must_wait),
        TEST(acknowledgements_find_room_when_publishes_have_filled_the_output),
        TEST(a_transport_that_takes_no_output_ends_in_a_named_error),
        TEST(an_oversized_message_is_skipped_acknowledged_and_counted),
        TEST(the_longest_packet_that_fits_is_delivered_and_one_more_byte_is_skipped),
        TEST(an_oversized_packet_in_place_of_the_connack_is_a_protocol_error),
        TEST(disconnect_is_sent_before_the_transport_is_closed),
        TEST(disconnect_does_not_wait_for_a_blocked_transport_for_ever),
        TEST(input_without_a_transport_is_refused),
        TEST(the_loss_of_any_single_packet_is_recovered_from),
        TEST(a_connection_lost_after_any_byte_is_recovered_from),
        TEST(topics_match_filters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
