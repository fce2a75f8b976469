/* MQTT session: the life of a connection and its deadlines.
 * Numbers in brackets are those of the OASIS specification. */
#include "net/mqtt.h"

#include <string.h>

#include "net/mqtt5.h"
#include "net/mqtt_fifo.h"
#include "net/mqtt_session.h"
#include "port/log.h"

#define TAG "MQTT"

static const char *const wait_names[MQTT_WAIT_COUNT] = {
    [MQTT_WAIT_CONNACK] = "CONNACK",
    [MQTT_WAIT_SUBACK] = "SUBACK",
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
        s->p.waits[i] = OTTER_NEVER;
}

void mqtt_init(struct mqtt_session *s, const struct mqtt_config *config)
{
    memset(s, 0, sizeof *s);
    s->config = *config;
    s->state = MQTT_NO_TRANSPORT;
    s->p.turn_until = OTTER_NEVER;
    s->p.fifo = (struct mqtt_fifo){.data = config->output, .size = config->output_size};
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
    s->p.retry_at = later(now, up_to(s, spread_ms));
}

/* ---- The life of a connection ---------------------------------------------------------------- */

bool mqtt_is_live(const struct mqtt_session *s)
{
    return (s->state == MQTT_CONNECTING || s->state == MQTT_CONNECTED) && !s->p.closing;
}

void mqtt_give_up(struct mqtt_session *s, otter_status error)
{
    s->error = error;
    s->p.closing = true;
    mqtt_stop_leaving(s);
    mqtt_fifo_restart(&s->p.fifo);
    wait_for_nothing(s);
}

bool mqtt_is_up(const struct mqtt_session *s)
{
    return s->state == MQTT_CONNECTED && !s->p.closing;
}

bool mqtt_wants_transport(struct mqtt_session *s, otter_ms now)
{
    if (s->state == MQTT_WAITING && now >= s->p.retry_at)
        s->state = MQTT_NO_TRANSPORT;
    return s->state == MQTT_NO_TRANSPORT;
}

struct mqtt_text mqtt_text_of(const char *s)
{
    return (struct mqtt_text){s, s ? strlen(s) : 0};
}

void mqtt_transport_up(struct mqtt_session *s, otter_ms now)
{
    const struct mqtt_connect connect = {
        .clean_session = true,
        .keep_alive_s = s->config.keep_alive_s,
        .client_id = mqtt_text_of(s->config.client_id),
        .user_name = mqtt_text_of(s->config.user_name),
    };
    s->state = MQTT_CONNECTING;
    s->p.closing = false;
    s->error = OTTER_OK;
    s->refusal = 0;
    s->p.gather = (struct mqtt_gather){0};
    s->p.last_sent = s->p.last_received = s->p.last_ping = now;
    mqtt_fifo_restart(&s->p.fifo);
    wait_for_nothing(s);

    size_t size;
    uint8_t *space = mqtt_fifo_space(&s->p.fifo, &size);
#if OTTER_MQTT5
    s->p.five.on = mqtt_may_speak_5(s);
#endif
    const int length = mqtt_speaks_5(s) ? mqtt5_begin(s, &connect, space, size)
                                        : mqtt_encode_connect(space, size, &connect);
    if (length < 0) {
        LOG_ERR(TAG, "cannot make a CONNECT for client \"%s\": %s", s->config.client_id,
                otter_status_text((otter_status)length));
        mqtt_give_up(s, (otter_status)length);
        return;
    }
    mqtt_fifo_queue(&s->p.fifo, (size_t)length);
    s->p.waits[MQTT_WAIT_CONNACK] = later(now, s->config.connack_timeout_ms);
}

/* Full jitter: an even choice in [0, min(cap, base * 2^failures)]. */
static uint32_t backoff_ms(const struct mqtt_session *s)
{
    uint64_t ceiling = s->config.backoff_base_ms;
    for (unsigned i = 0; i < s->p.failures && ceiling < s->config.backoff_cap_ms; i++)
        ceiling *= 2;
    if (ceiling > s->config.backoff_cap_ms)
        ceiling = s->config.backoff_cap_ms;
    return up_to(s, (uint32_t)ceiling);
}

void mqtt_transport_down(struct mqtt_session *s, otter_ms now)
{
    if (s->state == MQTT_WAITING)
        return;
    if (!s->p.closing)
        s->error = OTTER_E_CLOSED;
    if (s->state == MQTT_CONNECTED && now - s->p.connected_at >= s->config.backoff_cap_ms)
        s->p.failures = 0;
    const uint32_t delay = backoff_ms(s);
    if (s->p.failures < UINT8_MAX && s->error != OTTER_OK) /* else we have closed it ourselves */
        s->p.failures++;
    mqtt_stop_leaving(s);
    s->state = MQTT_WAITING;
    s->p.closing = false;
    s->p.retry_at = later(now, delay);
    wait_for_nothing(s);
    mqtt_fifo_restart(&s->p.fifo);
    LOG_INF(TAG, "off line (%s); next try in %u ms", otter_status_text(s->error), (unsigned)delay);
    mqtt_go_offline(s, now);
    mqtt_charge_loss(s, now);
}

bool mqtt_should_close(const struct mqtt_session *s)
{
    const uint8_t *data;
    return s->p.closing && mqtt_fifo_front(&s->p.fifo, &data) == 0;
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
    if (s->p.closing)
        return;
    wait_for_nothing(s);
    s->p.closing = true;
    s->p.waits[MQTT_WAIT_DISCONNECT] = later(now, s->config.ack_timeout_ms);
}

/* ---- Output and deadlines -------------------------------------------------------------------- */

void mqtt_queue_small(struct mqtt_session *s, const uint8_t *packet, int length)
{
    size_t size;
    uint8_t *space = mqtt_fifo_space(&s->p.fifo, &size);
    if (length < 0 || (size_t)length > size) {
        LOG_ERR(TAG, "no room for an acknowledgement: the transport takes no output");
        mqtt_give_up(s, OTTER_E_NO_SPACE);
        return;
    }
    memcpy(space, packet, (size_t)length);
    mqtt_fifo_queue(&s->p.fifo, (size_t)length);
}

size_t mqtt_output(const struct mqtt_session *s, const uint8_t **data)
{
    return mqtt_fifo_front(&s->p.fifo, data);
}

void mqtt_sent(struct mqtt_session *s, otter_ms now, size_t length)
{
    if (length == 0)
        return;
    mqtt_fifo_sent(&s->p.fifo, length);
    s->p.last_sent = now;
    if (s->p.leaving && !s->p.fifo.body_left)
        mqtt_ticket_left(s, now);
    else if (s->p.leaving)
        mqtt_payload_moves(s, now);
    mqtt_pump(s, now);
}

/* [MQTT-3.1.2-23] asks for a packet within each keep-alive interval; an eighth of it is left for
 * the way. Silence of the broker is asked after as well, so that a dead connection is noticed even
 * while we have something to send. */
static otter_ms ping_due(const struct mqtt_session *s)
{
    if (s->state != MQTT_CONNECTED || s->p.closing || s->config.keep_alive_s == 0)
        return OTTER_NEVER;
    const uint32_t interval_ms = s->config.keep_alive_s * 875u;
    const otter_ms quiet =
        s->p.last_sent < s->p.last_received ? s->p.last_sent : s->p.last_received;
    return later(quiet > s->p.last_ping ? quiet : s->p.last_ping, interval_ms);
}

void mqtt_send_ping(struct mqtt_session *s, otter_ms now)
{
    uint8_t packet[2];
    mqtt_queue_small(s, packet, mqtt_encode_empty(packet, sizeof packet, MQTT_PACKET_PINGREQ));
    if (s->p.closing)
        return;
    s->p.last_ping = now;
    if (s->p.waits[MQTT_WAIT_PINGRESP] != OTTER_NEVER)
        return;
    s->p.waits[MQTT_WAIT_PINGRESP] = later(now, s->config.ack_timeout_ms);
    mqtt_ask_for_proof(s);
}

static void time_out(struct mqtt_session *s, const char *what, uint32_t limit_ms)
{
    LOG_WRN(TAG, "no %s within %u ms", what, (unsigned)limit_ms);
    mqtt_give_up(s, OTTER_E_TIMEOUT);
}

void mqtt_tick(struct mqtt_session *s, otter_ms now)
{
    for (int i = 0; i < MQTT_WAIT_COUNT; i++) {
        if (now < s->p.waits[i])
            continue;
        time_out(s, wait_names[i],
                 i == MQTT_WAIT_CONNACK ? s->config.connack_timeout_ms : s->config.ack_timeout_ms);
        return;
    }
    if (mqtt_is_up(s) && mqtt_find_late_tickets(s, now)) {
        time_out(s, "PUBACK", s->config.ack_timeout_ms);
        return;
    }
    if (now >= ping_due(s))
        mqtt_send_ping(s, now);
    mqtt_wants_transport(s, now);
    mqtt_end_pauses(s, now);
    mqtt_pump(s, now);
    mqtt_go_online(s, now);
}

otter_ms mqtt_deadline(const struct mqtt_session *s)
{
    otter_ms deadline = s->state == MQTT_WAITING ? s->p.retry_at : ping_due(s);
    for (int i = 0; i < MQTT_WAIT_COUNT; i++) {
        if (s->p.waits[i] < deadline)
            deadline = s->p.waits[i];
    }
    const otter_ms publish = mqtt_publish_deadline(s);
    return publish < deadline ? publish : deadline;
}

/* ---- Room and identifiers for the other files ------------------------------------------------ */

uint8_t *mqtt_space(struct mqtt_session *s, size_t *size)
{
    uint8_t *space = mqtt_fifo_space(&s->p.fifo, size);
    *size = *size > MQTT_RESERVE ? *size - MQTT_RESERVE : 0;
    return space;
}

/* [MQTT-2.3.1-2]. Ends, since fewer are in flight than there are. */
uint16_t mqtt_new_packet_id(struct mqtt_session *s)
{
    do {
        s->p.packet_id++;
    } while (s->p.packet_id == 0 || mqtt_is_asked_with(s, s->p.packet_id) ||
             mqtt_is_sent_with(s, s->p.packet_id));
    return s->p.packet_id;
}

void mqtt_pump(struct mqtt_session *s, otter_ms now)
{
    if (!mqtt_is_up(s))
        return;
    mqtt_queue_subscribes(s, now);
    mqtt_launch_tickets(s, now);
}
