/* MQTT session, incoming side: from the byte stream to packets, and what each packet does. */
#include <string.h>

#include "net/mqtt5.h"
#include "net/mqtt_session.h"
#include "port/log.h"

#define TAG "MQTT"

static void protocol_error(struct mqtt_session *s, const char *what)
{
    LOG_ERR(TAG, "protocol error by the broker: %s %s", mqtt_packet_name(s->p.gather.header.type),
            what);
    mqtt_give_up(s, OTTER_E_MALFORMED);
}

static void acknowledge(struct mqtt_session *s, uint16_t packet_id)
{
    uint8_t packet[4];
    if (s->state == MQTT_CONNECTED && !s->p.closing)
        mqtt_queue_small(s, packet,
                         mqtt_encode_ack(packet, sizeof packet, MQTT_PACKET_PUBACK, packet_id));
}

/* ---- Packets --------------------------------------------------------------------------------- */

const char *mqtt_refusal_text(uint8_t code)
{
    static const char *const texts[] = {
        [MQTT_CONNACK_PROTOCOL_VERSION] = "protocol version not accepted",
        [MQTT_CONNACK_IDENTIFIER_REJECTED] = "client identifier not accepted",
        [MQTT_CONNACK_SERVER_UNAVAILABLE] = "service not available",
        [MQTT_CONNACK_BAD_USER_OR_PASSWORD] = "wrong user name or password",
        [MQTT_CONNACK_NOT_AUTHORIZED] = "not authorised: check the policy of the certificate",
    };
    return code > 0 && code < sizeof texts / sizeof *texts ? texts[code] : "reason unknown";
}

static otter_status decode_connack(struct mqtt_session *s, const uint8_t *body, size_t length,
                                   struct mqtt_connack *connack)
{
    return mqtt_speaks_5(s) ? mqtt5_take_connack(s, body, length, connack)
                            : mqtt_decode_connack(body, length, connack);
}

static void handle_connack(struct mqtt_session *s, otter_ms now, const uint8_t *body, size_t length)
{
    struct mqtt_connack connack;
    if (s->state != MQTT_CONNECTING || decode_connack(s, body, length, &connack)) {
        protocol_error(s, "out of place or malformed");
        return;
    }
    if (connack.code != MQTT_CONNACK_ACCEPTED) {
        if (!mqtt_speaks_5(s)) /* which has said so */
            LOG_ERR(TAG, "broker refused client \"%s\": code %u, %s", s->config.client_id,
                    connack.code, mqtt_refusal_text(connack.code));
        s->refusal = connack.code;
        mqtt_give_up(s, OTTER_E_REFUSED);
        return;
    }
    s->state = MQTT_CONNECTED;
    s->p.connected_at = now;
    s->stats.connects++;
    s->p.waits[MQTT_WAIT_CONNACK] = OTTER_NEVER;
    LOG_INF(TAG, "connected as \"%s\"", s->config.client_id);
    mqtt_pump(s, now);
    mqtt_go_online(s, now); /* services without subscriptions */
}

static otter_status decode_publish(struct mqtt_session *s, const uint8_t *body, size_t length,
                                   struct mqtt_publish *publish)
{
    const uint8_t flags = s->p.gather.header.flags;
    if (!mqtt_speaks_5(s))
        return mqtt_decode_publish(flags, body, length, publish);
    const otter_status status = mqtt_decode_loose_publish(flags, body, length, publish);
    return status == OTTER_OK ? mqtt5_take_publish(s, publish) : status;
}

static void handle_publish(struct mqtt_session *s, otter_ms now, const uint8_t *body, size_t length)
{
    struct mqtt_publish publish;
    if (decode_publish(s, body, length, &publish)) {
        protocol_error(s, "malformed");
        return;
    }
    if (publish.qos > 1) { /* never asked for, [MQTT-3.8.4-6] */
        protocol_error(s, "with QoS 2");
        return;
    }
    s->stats.messages_in++;
    mqtt_deliver(s, now, &publish);
    if (publish.qos == 1)
        acknowledge(s, publish.packet_id);
}

/* One for a publish that is not in flight (any more) is passed over. */
static void handle_puback(struct mqtt_session *s, otter_ms now, const uint8_t *body, size_t length)
{
    uint16_t packet_id;
    if (mqtt_speaks_5(s)) {
        if (mqtt5_handle_puback(s, now, body, length))
            protocol_error(s, "malformed");
        return;
    }
    if (mqtt_decode_ack(body, length, &packet_id)) {
        protocol_error(s, "malformed");
        return;
    }
    mqtt_ticket_acknowledged(s, now, packet_id, OTTER_OK);
}

static otter_status decode_suback(const struct mqtt_session *s, const uint8_t *body, size_t length,
                                  uint16_t *packet_id, bool *granted)
{
    struct mqtt_suback suback;
    if (mqtt_speaks_5(s))
        return mqtt5_take_suback(body, length, packet_id, granted);
    if (mqtt_decode_suback(body, length, &suback) || suback.codes.length != 1)
        return OTTER_E_MALFORMED;
    *packet_id = suback.packet_id;
    *granted = suback.codes.data[0] != MQTT_GRANT_REFUSED;
    return OTTER_OK;
}

static void handle_suback(struct mqtt_session *s, otter_ms now, const uint8_t *body, size_t length)
{
    uint16_t packet_id;
    bool granted;
    if (decode_suback(s, body, length, &packet_id, &granted))
        protocol_error(s, "malformed");
    else
        mqtt_subscription_answered(s, now, packet_id, granted);
}

void mqtt_handle_packet(struct mqtt_session *s, otter_ms now, const uint8_t *body, size_t length)
{
    const enum mqtt_packet_type type = s->p.gather.header.type;
    if (s->state == MQTT_CONNECTING && type != MQTT_PACKET_CONNACK) {
        protocol_error(s, "before CONNACK"); /* [MQTT-3.2.0-1] */
        return;
    }
    switch (type) {
    case MQTT_PACKET_CONNACK:
        handle_connack(s, now, body, length);
        break;
    case MQTT_PACKET_PUBLISH:
        handle_publish(s, now, body, length);
        break;
    case MQTT_PACKET_PUBACK:
        handle_puback(s, now, body, length);
        break;
    case MQTT_PACKET_SUBACK:
        handle_suback(s, now, body, length);
        break;
    case MQTT_PACKET_PINGRESP:
        s->p.waits[MQTT_WAIT_PINGRESP] = OTTER_NEVER;
        mqtt_proof_has_come(s, now);
        mqtt_pump(s, now);
        break;
    case MQTT_PACKET_UNSUBACK:
        break;
    case MQTT_PACKET_DISCONNECT:
        if (mqtt_speaks_5(s) && mqtt5_handle_disconnect(s, body, length) == OTTER_OK)
            break;
        /* fallthrough */
    default:
        protocol_error(s, "is not for clients");
    }
}

/* ---- From bytes to packets ------------------------------------------------------------------- */

/* Tells of an oversized publish, if its beginning has come so far. Returns its packet identifier if
 * it has QoS 1: without its PUBACK the broker would hold it, and in the end all others, back for
 * us.
 */
static uint16_t pass_over(struct mqtt_session *s, otter_ms now)
{
    const struct mqtt_gather *g = &s->p.gather;
    const size_t have = g->length - g->header.size;
    const uint8_t *body = s->config.input + g->header.size;
    struct mqtt_publish publish = {.payload = {NULL, 0}};
    if (g->header.type == MQTT_PACKET_PUBLISH)
        (void)decode_publish(s, body, have, &publish); /* its properties may be longer */
    if (publish.payload.data == NULL)
        return 0;
    LOG_WRN(TAG, "skipped a message of %u bytes on %.*s: the input buffer has %u",
            (unsigned)g->header.body_length, (int)publish.topic.length, publish.topic.data,
            (unsigned)s->config.input_size);
    mqtt_deliver_oversized(s, now, publish.topic, g->header.size + g->header.body_length);
    return publish.qos == 1 ? publish.packet_id : 0;
}

static void begin_skip(struct mqtt_session *s, otter_ms now)
{
    struct mqtt_gather *g = &s->p.gather;
    if (s->state != MQTT_CONNECTED) {
        protocol_error(s, "before CONNACK");
        return;
    }
    s->stats.oversized++;
    g->skip_ack = pass_over(s, now);
    g->skip_left = g->header.size + g->header.body_length - (uint32_t)g->length;
}

static size_t skip(struct mqtt_session *s, size_t length)
{
    struct mqtt_gather *g = &s->p.gather;
    const uint32_t step = length < g->skip_left ? (uint32_t)length : g->skip_left;
    g->skip_left -= step;
    if (g->skip_left == 0) {
        if (g->skip_ack)
            acknowledge(s, g->skip_ack);
        *g = (struct mqtt_gather){0};
    }
    return step;
}

/* Bytes to gather before something can be decided: one, while the header is not known. */
static size_t wanted(const struct mqtt_session *s, bool *oversized)
{
    const struct mqtt_gather *g = &s->p.gather;
    *oversized = false;
    if (!g->header_known)
        return g->length + 1;
    const size_t whole = (size_t)g->header.size + g->header.body_length;
    *oversized = whole > s->config.input_size;
    return *oversized ? s->config.input_size : whole;
}

static void decode_header(struct mqtt_session *s)
{
    struct mqtt_gather *g = &s->p.gather;
    const otter_status status =
        mqtt_speaks_5(s) ? mqtt_decode_loose_header(s->config.input, g->length, &g->header)
                         : mqtt_decode_header(s->config.input, g->length, &g->header);
    if (status == OTTER_OK)
        g->header_known = true;
    else if (status != OTTER_E_AGAIN)
        protocol_error(s, "with a malformed header");
}

/* Takes some of the bytes, at least one. */
static size_t gather(struct mqtt_session *s, otter_ms now, const uint8_t *data, size_t length)
{
    struct mqtt_gather *g = &s->p.gather;
    bool oversized;
    const size_t missing = wanted(s, &oversized) - g->length;
    const size_t step = length < missing ? length : missing;
    memcpy(s->config.input + g->length, data, step);
    g->length += step;
    if (!g->header_known)
        decode_header(s);
    if (!g->header_known || g->length < wanted(s, &oversized))
        return step;
    if (oversized) {
        begin_skip(s, now);
        return step;
    }
    mqtt_handle_packet(s, now, s->config.input + g->header.size, g->header.body_length);
    *g = (struct mqtt_gather){0};
    return step;
}

otter_status mqtt_input(struct mqtt_session *s, otter_ms now, const uint8_t *data, size_t length)
{
    if (s->state != MQTT_CONNECTING && s->state != MQTT_CONNECTED)
        return OTTER_E_STATE;
    if (length > 0)
        s->p.last_received = now;
    /* A long message in front of a PINGRESP is a sign of life too. */
    if (length > 0 && s->p.waits[MQTT_WAIT_PINGRESP] != OTTER_NEVER)
        s->p.waits[MQTT_WAIT_PINGRESP] = now + s->config.ack_timeout_ms;
    while (length > 0 && !s->p.closing) {
        const size_t step =
            s->p.gather.skip_left > 0 ? skip(s, length) : gather(s, now, data, length);
        data += step;
        length -= step;
    }
    return s->p.closing ? s->error : OTTER_OK;
}
