/* MQTT session: the life of a connection, its deadlines, and what the application asks for.
 * Numbers in brackets are those of the OASIS specification. */
#include "net/mqtt.h"

#include <string.h>

#include "net/mqtt_fifo.h"
#include "net/mqtt_session.h"
#include "port/log.h"

#define TAG "MQTT"

/* Of the output, for packets that must not be lost: PUBACK, PINGREQ, DISCONNECT. */
#define RESERVE (MQTT_OUTPUT_OVERHEAD - MQTT_HEADER_MAX - 4u)

static const char *const wait_names[MQTT_WAIT_COUNT] = {
    [MQTT_WAIT_CONNACK] = "CONNACK",
    [MQTT_WAIT_SUBACK] = "SUBACK",
    [MQTT_WAIT_PUBACK] = "PUBACK",
    [MQTT_WAIT_PINGRESP] = "PINGRESP",
    [MQTT_WAIT_DISCONNECT] = "way out for DISCONNECT",
};

static otter_ms later(otter_ms now, uint32_t delay_ms)
{
    return now + delay_ms;
}

static void wait_for_nothing(struct mqtt_session *s)
{
    for (int i = 0; i < MQTT_WAIT_COUNT; i++)
        s->waits[i] = OTTER_NEVER;
}

void mqtt_init(struct mqtt_session *s, const struct mqtt_config *config)
{
    memset(s, 0, sizeof *s);
    s->config = *config;
    s->state = MQTT_NO_TRANSPORT;
    s->fifo = (struct mqtt_fifo){.data = config->output, .size = config->output_size};
    wait_for_nothing(s);
}

/* An even choice in [0, most]; all of it where there is no randomness. */
static uint32_t up_to(const struct mqtt_session *s, uint32_t most)
{
    uint32_t bits;
    if (s->config.random(s->config.ctx, &bits) != OTTER_OK)
        return most;
    return (uint32_t)(bits * ((uint64_t)most + 1) >> 32);
}

void mqtt_delay_start(struct mqtt_session *s, otter_ms now, uint32_t spread_ms)
{
    s->state = MQTT_WAITING;
    s->retry_at = later(now, up_to(s, spread_ms));
}

/* ---- The life of a connection ---------------------------------------------------------------- */

bool mqtt_is_live(const struct mqtt_session *s)
{
    return (s->state == MQTT_CONNECTING || s->state == MQTT_CONNECTED) && !s->closing;
}

/* The connection is lost or given up. A publish that was out and brought no PUBACK may be the
 * reason: it is repeated, but not for ever. */
static void count_loss(struct mqtt_session *s)
{
    if (!mqtt_fifo_kept_is_out(&s->fifo) || ++s->kept_losses <= MQTT_REPEATS_MAX)
        return;
    LOG_WRN(TAG, "dropped a publish: the connection was lost %u times before its PUBACK",
            MQTT_REPEATS_MAX + 1);
    mqtt_fifo_forget(&s->fifo);
    s->stats.dropped++;
}

void mqtt_give_up(struct mqtt_session *s, otter_status error)
{
    s->error = error;
    s->closing = true;
    count_loss(s);
    mqtt_fifo_restart(&s->fifo);
    wait_for_nothing(s);
}

bool mqtt_wants_transport(struct mqtt_session *s, otter_ms now)
{
    if (s->state == MQTT_WAITING && now >= s->retry_at)
        s->state = MQTT_NO_TRANSPORT;
    return s->state == MQTT_NO_TRANSPORT;
}

static struct mqtt_text text_of(const char *s)
{
    return (struct mqtt_text){s, s ? strlen(s) : 0};
}

void mqtt_transport_up(struct mqtt_session *s, otter_ms now)
{
    const struct mqtt_connect connect = {
        .clean_session = true,
        .keep_alive_s = s->config.keep_alive_s,
        .client_id = text_of(s->config.client_id),
        .user_name = text_of(s->config.user_name),
    };
    s->state = MQTT_CONNECTING;
    s->closing = false;
    s->error = OTTER_OK;
    s->refusal = 0;
    s->gather = (struct mqtt_gather){0};
    s->last_sent = s->last_received = s->last_ping = now;
    mqtt_fifo_restart(&s->fifo);
    wait_for_nothing(s);

    size_t size;
    uint8_t *space = mqtt_fifo_space(&s->fifo, &size);
    const int length = mqtt_encode_connect(space, size, &connect);
    if (length < 0) {
        LOG_ERR(TAG, "cannot make a CONNECT for client \"%s\": %s", s->config.client_id,
                otter_status_text((otter_status)length));
        mqtt_give_up(s, (otter_status)length);
        return;
    }
    mqtt_fifo_queue(&s->fifo, (size_t)length);
    s->waits[MQTT_WAIT_CONNACK] = later(now, s->config.connack_timeout_ms);
}

/* Full jitter: an even choice in [0, min(cap, base * 2^failures)]. */
static uint32_t backoff_ms(const struct mqtt_session *s)
{
    uint64_t ceiling = s->config.backoff_base_ms;
    for (unsigned i = 0; i < s->failures && ceiling < s->config.backoff_cap_ms; i++)
        ceiling *= 2;
    if (ceiling > s->config.backoff_cap_ms)
        ceiling = s->config.backoff_cap_ms;
    return up_to(s, (uint32_t)ceiling);
}

void mqtt_connection_useful(struct mqtt_session *s)
{
    s->failures = 0;
}

void mqtt_transport_down(struct mqtt_session *s, otter_ms now)
{
    if (s->state == MQTT_WAITING)
        return;
    if (!s->closing)
        s->error = OTTER_E_CLOSED;
    if (s->state == MQTT_CONNECTED && now - s->connected_at >= s->config.backoff_cap_ms)
        s->failures = 0;
    const uint32_t delay = backoff_ms(s);
    if (s->failures < UINT8_MAX)
        s->failures++;
    count_loss(s);
    s->state = MQTT_WAITING;
    s->closing = false;
    s->retry_at = later(now, delay);
    wait_for_nothing(s);
    mqtt_fifo_restart(&s->fifo);
    for (size_t i = 0; i < MQTT_SUBSCRIPTIONS_MAX; i++)
        s->subscriptions[i].state = MQTT_SUBSCRIPTION_WANTED;
    LOG_INF(TAG, "off line (%s); next try in %u ms", otter_status_text(s->error), (unsigned)delay);
}

bool mqtt_should_close(const struct mqtt_session *s)
{
    const uint8_t *data;
    return s->closing && mqtt_fifo_front(&s->fifo, &data) == 0;
}

void mqtt_disconnect(struct mqtt_session *s, otter_ms now)
{
    uint8_t packet[2];
    if (!mqtt_is_live(s))
        return;
    if (s->state != MQTT_CONNECTED) { /* [MQTT-3.1.0-1]: nothing may overtake CONNECT */
        mqtt_give_up(s, OTTER_OK);
        return;
    }
    mqtt_queue_small(s, packet, mqtt_encode_empty(packet, sizeof packet, MQTT_PACKET_DISCONNECT));
    if (s->closing)
        return;
    wait_for_nothing(s);
    s->closing = true;
    s->waits[MQTT_WAIT_DISCONNECT] = later(now, s->config.ack_timeout_ms);
}

/* ---- Output and deadlines -------------------------------------------------------------------- */

void mqtt_queue_small(struct mqtt_session *s, const uint8_t *packet, int length)
{
    size_t size;
    uint8_t *space = mqtt_fifo_space(&s->fifo, &size);
    if (length < 0 || (size_t)length > size) {
        LOG_ERR(TAG, "no room for an acknowledgement: the transport takes no output");
        mqtt_give_up(s, OTTER_E_NO_SPACE);
        return;
    }
    memcpy(space, packet, (size_t)length);
    mqtt_fifo_queue(&s->fifo, (size_t)length);
}

size_t mqtt_output(const struct mqtt_session *s, const uint8_t **data)
{
    return mqtt_fifo_front(&s->fifo, data);
}

void mqtt_sent(struct mqtt_session *s, otter_ms now, size_t length)
{
    if (length == 0)
        return;
    const bool was_out = mqtt_fifo_kept_is_out(&s->fifo);
    mqtt_fifo_sent(&s->fifo, length);
    s->last_sent = now;
    if (!mqtt_is_live(s))
        return;
    if (!was_out && mqtt_fifo_kept_is_out(&s->fifo)) /* a slow link is not the broker's delay */
        s->waits[MQTT_WAIT_PUBACK] = later(now, s->config.ack_timeout_ms);
    mqtt_queue_subscribes(s, now);
}

/* [MQTT-3.1.2-23] asks for a packet within each keep-alive interval; an eighth of it is left for
 * the way. Silence of the broker is asked after as well, so that a dead connection is noticed even
 * while we have something to send. */
static otter_ms ping_due(const struct mqtt_session *s)
{
    if (s->state != MQTT_CONNECTED || s->closing || s->config.keep_alive_s == 0)
        return OTTER_NEVER;
    const uint32_t interval_ms = s->config.keep_alive_s * 875u;
    const otter_ms quiet = s->last_sent < s->last_received ? s->last_sent : s->last_received;
    return later(quiet > s->last_ping ? quiet : s->last_ping, interval_ms);
}

static void send_ping(struct mqtt_session *s, otter_ms now)
{
    uint8_t packet[2];
    mqtt_queue_small(s, packet, mqtt_encode_empty(packet, sizeof packet, MQTT_PACKET_PINGREQ));
    if (s->closing)
        return;
    s->last_ping = now;
    if (s->waits[MQTT_WAIT_PINGRESP] == OTTER_NEVER)
        s->waits[MQTT_WAIT_PINGRESP] = later(now, s->config.ack_timeout_ms);
}

void mqtt_tick(struct mqtt_session *s, otter_ms now)
{
    for (int i = 0; i < MQTT_WAIT_COUNT; i++) {
        if (now < s->waits[i])
            continue;
        LOG_WRN(TAG, "no %s within %u ms", wait_names[i],
                (unsigned)(i == MQTT_WAIT_CONNACK ? s->config.connack_timeout_ms
                                                  : s->config.ack_timeout_ms));
        mqtt_give_up(s, OTTER_E_TIMEOUT);
        return;
    }
    if (now >= ping_due(s))
        send_ping(s, now);
    mqtt_wants_transport(s, now);
}

otter_ms mqtt_deadline(const struct mqtt_session *s)
{
    otter_ms deadline = s->state == MQTT_WAITING ? s->retry_at : ping_due(s);
    for (int i = 0; i < MQTT_WAIT_COUNT; i++) {
        if (s->waits[i] < deadline)
            deadline = s->waits[i];
    }
    return deadline;
}

/* ---- Publishing ------------------------------------------------------------------------------ */

static const struct mqtt_subscription *asked_with(const struct mqtt_session *s, uint16_t packet)
{
    for (size_t i = 0; i < MQTT_SUBSCRIPTIONS_MAX; i++) {
        const struct mqtt_subscription *sub = &s->subscriptions[i];
        if (sub->filter && sub->state == MQTT_SUBSCRIPTION_ASKED && sub->packet == packet)
            return sub;
    }
    return NULL;
}

/* A packet identifier that nothing in flight has: [MQTT-2.3.1-2]. Ends, since fewer are in flight
 * than there are. */
static uint16_t new_packet_id(struct mqtt_session *s)
{
    do {
        s->packet_id++;
    } while (s->packet_id == 0 || asked_with(s, s->packet_id) ||
             (mqtt_publish_pending(s) && s->packet_id == s->kept_packet));
    return s->packet_id;
}

/* Room for packets that can wait: what must not be lost has its reserve. */
static uint8_t *space_behind_reserve(struct mqtt_session *s, size_t *size)
{
    uint8_t *space = mqtt_fifo_space(&s->fifo, size);
    *size = *size > RESERVE ? *size - RESERVE : 0;
    return space;
}

bool mqtt_publish_pending(const struct mqtt_session *s)
{
    return s->fifo.kept_length > 0;
}

static otter_status check_publish(const struct mqtt_session *s, size_t topic_length, uint8_t qos,
                                  size_t length)
{
    if (qos > 1)
        return OTTER_E_UNSUPPORTED;
    const size_t usable = s->config.output_size - MQTT_OUTPUT_OVERHEAD;
    if (s->config.output_size < MQTT_OUTPUT_OVERHEAD || topic_length > usable ||
        length > usable - topic_length)
        return OTTER_E_TOO_LONG;
    if (s->state != MQTT_CONNECTED || s->closing)
        return OTTER_E_STATE;
    return qos == 1 && mqtt_publish_pending(s) ? OTTER_E_AGAIN : OTTER_OK;
}

otter_status mqtt_publish(struct mqtt_session *s, otter_ms now, const char *topic, uint8_t qos,
                          const void *payload, size_t length)
{
    struct mqtt_publish publish = {
        .topic = text_of(topic), .payload = {payload, length}, .qos = qos};
    const otter_status status = check_publish(s, publish.topic.length, qos, length);
    if (status)
        return status;
    if (qos == 1)
        publish.packet_id = new_packet_id(s);

    size_t size;
    uint8_t *space = space_behind_reserve(s, &size);
    const int encoded = mqtt_encode_publish(space, size, &publish);
    if (encoded < 0) /* that it fits an empty buffer is known */
        return encoded == OTTER_E_TOO_LONG ? OTTER_E_AGAIN : (otter_status)encoded;
    if (qos == 0) {
        mqtt_fifo_queue(&s->fifo, (size_t)encoded);
    } else {
        mqtt_fifo_keep(&s->fifo, (size_t)encoded);
        s->kept_packet = publish.packet_id;
        s->kept_losses = 0;
        s->waits[MQTT_WAIT_PUBACK] = later(now, s->config.ack_timeout_ms);
    }
    s->stats.messages_out++;
    return OTTER_OK;
}

/* ---- Subscribing ----------------------------------------------------------------------------- */

/* Index of the entry with this filter, or of a free one for NULL; -1 for none. */
static int find_subscription(const struct mqtt_session *s, const char *filter)
{
    for (unsigned i = 0; i < MQTT_SUBSCRIPTIONS_MAX; i++) {
        const char *there = s->subscriptions[i].filter;
        if (filter && there ? strcmp(there, filter) == 0 : filter == there)
            return (int)i;
    }
    return -1;
}

static bool queue_subscribe(struct mqtt_session *s, struct mqtt_subscription *sub)
{
    const struct mqtt_filter filter = {.text = text_of(sub->filter), .qos = sub->qos};
    size_t size;
    uint8_t *space = space_behind_reserve(s, &size);
    const uint16_t packet = new_packet_id(s);
    const int length = mqtt_encode_filters(space, size, MQTT_PACKET_SUBSCRIBE, packet, &filter, 1);
    if (length < 0)
        return false;
    mqtt_fifo_queue(&s->fifo, (size_t)length);
    sub->state = MQTT_SUBSCRIPTION_ASKED;
    sub->packet = packet;
    return true;
}

void mqtt_queue_subscribes(struct mqtt_session *s, otter_ms now)
{
    if (s->state != MQTT_CONNECTED || s->closing)
        return;
    for (size_t i = 0; i < MQTT_SUBSCRIPTIONS_MAX; i++) {
        struct mqtt_subscription *sub = &s->subscriptions[i];
        if (!sub->filter || sub->state != MQTT_SUBSCRIPTION_WANTED)
            continue;
        if (!queue_subscribe(s, sub))
            return; /* room comes with what is sent, or with a PUBACK */
        s->waits[MQTT_WAIT_SUBACK] = later(now, s->config.ack_timeout_ms);
    }
}

static otter_status check_filter(const struct mqtt_session *s, const char *filter, uint8_t qos)
{
    const struct mqtt_text text = text_of(filter);
    if (qos > 1 || !mqtt_filter_valid(text))
        return OTTER_E_ARGUMENT;
    const bool fits = text.length + MQTT_OUTPUT_OVERHEAD <= s->config.output_size;
    return text.length > MQTT_FILTER_MAX || !fits ? OTTER_E_TOO_LONG : OTTER_OK;
}

otter_status mqtt_subscribe(struct mqtt_session *s, otter_ms now, const char *filter, uint8_t qos,
                            mqtt_handler handler, void *ctx)
{
    const otter_status status = check_filter(s, filter, qos);
    if (status)
        return status;
    const int found = find_subscription(s, filter);
    const int index = found >= 0 ? found : find_subscription(s, NULL);
    if (index < 0)
        return OTTER_E_NO_SPACE;
    struct mqtt_subscription *sub = &s->subscriptions[index];
    const bool stands = found >= 0 && sub->qos == qos && sub->state != MQTT_SUBSCRIPTION_REFUSED;
    *sub = (struct mqtt_subscription){
        .filter = filter,
        .qos = qos,
        .state = stands ? sub->state : (uint8_t)MQTT_SUBSCRIPTION_WANTED,
        .packet = sub->packet,
        .handler = handler,
        .ctx = ctx,
    };
    mqtt_queue_subscribes(s, now);
    return OTTER_OK;
}

otter_status mqtt_unsubscribe(struct mqtt_session *s, otter_ms now, const char *filter)
{
    (void)now;
    const int index = find_subscription(s, filter);
    if (index < 0)
        return OTTER_E_NOT_FOUND;
    struct mqtt_subscription *sub = &s->subscriptions[index];
    if (mqtt_is_live(s) && sub->state != MQTT_SUBSCRIPTION_WANTED) {
        const struct mqtt_filter item = {.text = text_of(filter)};
        size_t size;
        uint8_t *space = space_behind_reserve(s, &size);
        const int length =
            mqtt_encode_filters(space, size, MQTT_PACKET_UNSUBSCRIBE, new_packet_id(s), &item, 1);
        if (length < 0)
            return OTTER_E_AGAIN;
        mqtt_fifo_queue(&s->fifo, (size_t)length);
    }
    *sub = (struct mqtt_subscription){0}; /* nobody waits for the UNSUBACK */
    return OTTER_OK;
}

otter_status mqtt_subscription_status(const struct mqtt_session *s, const char *filter)
{
    const int index = find_subscription(s, filter);
    if (index < 0)
        return OTTER_E_NOT_FOUND;
    const uint8_t state = s->subscriptions[index].state;
    if (state == MQTT_SUBSCRIPTION_REFUSED)
        return OTTER_E_REFUSED;
    return state == MQTT_SUBSCRIPTION_GRANTED ? OTTER_OK : OTTER_E_AGAIN;
}

bool mqtt_subscribed(const struct mqtt_session *s, const char *filter)
{
    return mqtt_subscription_status(s, filter) == OTTER_OK;
}

bool mqtt_topic_matches(const char *filter, const char *topic, size_t topic_length)
{
    return mqtt_filter_matches(text_of(filter), (struct mqtt_text){topic, topic_length});
}
