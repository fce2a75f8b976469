/* A session, a broker in memory, the wire between them, and virtual time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "mqtt_world.h"

struct world w;

otter_ms port_now(void)
{
    return w.now;
}

void port_log_write(const char *line, size_t length)
{
    (void)line;
    (void)length;
}

static otter_status draw(void *ctx, uint32_t *bits)
{
    (void)ctx;
    *bits = w.random;
    return w.no_entropy ? OTTER_E_CRYPTO : OTTER_OK;
}

void on_message(void *ctx, otter_ms now, const struct mqtt_message *message)
{
    assert_int_equal(now, w.now);
    w.last = *message;
    snprintf(w.topic, sizeof w.topic, "%.*s", (int)message->topic_length, message->topic);
    snprintf(w.payload, sizeof w.payload, "%.*s", (int)message->payload_length,
             (const char *)message->payload);
    ++*(unsigned *)ctx;
}

static void on_any(void *ctx, otter_ms now, const struct mqtt_message *message)
{
    (void)ctx;
    on_message(&w.messages, now, message);
}

void on_result(void *ctx, otter_ms now, struct mqtt_ticket *ticket, otter_status status)
{
    (void)ctx;
    assert_int_equal(now, w.now);
    assert_false(mqtt_ticket_held(ticket));
    w.accepted += status == OTTER_OK;
    w.refused += status == OTTER_E_REFUSED;
    w.timed_out += status == OTTER_E_TIMEOUT;
}

static void on_online(void *ctx, otter_ms now, otter_status granted)
{
    (void)ctx;
    assert_int_equal(now, w.now);
    w.online++;
    w.granted = granted;
}

static void on_offline(void *ctx, otter_ms now)
{
    (void)ctx, (void)now;
    w.offline++;
    assert_in_range(w.online - w.offline, 0, 1);
}

static void on_oversized(void *ctx, otter_ms now, const char *topic, size_t topic_length,
                         uint32_t length)
{
    (void)ctx;
    assert_int_equal(now, w.now);
    snprintf(w.topic, sizeof w.topic, "%.*s", (int)topic_length, topic);
    w.oversized_length = length;
    w.oversized++;
}

int world_set_up(void **state)
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
        .version = WORLD_VERSION,
        .keep_alive_s = KEEP_ALIVE_S,
        .backoff_base_ms = BACKOFF_BASE_MS,
        .backoff_cap_ms = BACKOFF_CAP_MS,
        .connack_timeout_ms = CONNACK_MS,
        .ack_timeout_ms = ACK_MS,
        .random = draw,
        .input = w.input,
        .input_size = sizeof w.input,
        .output = w.output,
        .output_size = sizeof w.output,
    };
    mqtt_init(&w.s, &config);
    w.service = (struct mqtt_service){.prefix = "",
                                      .on_message = on_any,
                                      .on_oversized = on_oversized,
                                      .on_online = on_online,
                                      .on_offline = on_offline};
    mqtt_register(&w.s, &w.service);
    return 0;
}

void lose_connection(void)
{
    w.up = false;
    mqtt_transport_down(&w.s, w.now);
}

void exchange(void)
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
        if (length > 0 && w.far_away)
            continue;
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

void run_until(otter_ms end)
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

void run(otter_ms delay)
{
    run_until(w.now + delay);
}

void connect_now(void)
{
    run(1);
    assert_int_equal(w.s.state, MQTT_CONNECTED);
}

struct mqtt_subscription *subscription(const char *filter)
{
    for (size_t i = 0; i < sizeof w.subscriptions / sizeof *w.subscriptions; i++) {
        struct mqtt_subscription *sub = &w.subscriptions[i];
        if (sub->filter && strcmp(sub->filter, filter) == 0)
            return sub;
    }
    for (size_t i = 0; i < sizeof w.subscriptions / sizeof *w.subscriptions; i++) {
        if (mqtt_subscription_status(&w.subscriptions[i]) == OTTER_E_NOT_FOUND)
            return &w.subscriptions[i];
    }
    fail();
    return NULL;
}

otter_status subscribe(const char *filter)
{
    struct mqtt_subscription *sub = subscription(filter);
    sub->filter = filter;
    sub->qos = 1;
    return mqtt_subscribe(&w.s, w.now, &w.service, sub);
}

bool subscribed(const char *filter)
{
    return mqtt_subscription_status(subscription(filter)) == OTTER_OK;
}

otter_status unsubscribe(const char *filter)
{
    return mqtt_unsubscribe(&w.s, subscription(filter));
}

otter_status publish(const char *topic, uint8_t qos, const char *payload)
{
    if (qos == 0)
        return mqtt_publish(&w.s, w.now, &w.service, topic, payload, strlen(payload));
    size_t i = 0;
    while (mqtt_ticket_held(&w.tickets[i]))
        assert_true(++i < sizeof w.tickets / sizeof *w.tickets);
    w.tickets[i] = (struct mqtt_ticket){
        .topic = topic, .payload = payload, .length = strlen(payload), .on_result = on_result};
    return mqtt_send(&w.s, w.now, &w.service, &w.tickets[i]);
}

bool pending(void)
{
    bool any = false;
    for (size_t i = 0; i < sizeof w.tickets / sizeof *w.tickets; i++)
        any |= mqtt_ticket_held(&w.tickets[i]);
    return any;
}
