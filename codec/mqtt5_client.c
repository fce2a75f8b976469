/* MQTT 5 for a small client. Numbers in brackets are those of the OASIS specification. */
#include "codec/mqtt5_client.h"

#include <string.h>

#include "codec/mqtt5_properties.h"
#include "codec/mqtt_cursor.h"
#include "codec/mqtt_flags.h"

#define LEVEL 5u

/* ---- saying ---------------------------------------------------------------------------------- */

int mqtt5_client_connect(uint8_t *out, size_t size, const struct mqtt_connect *connect,
                         uint16_t receive_max, uint16_t aliases)
{
    const size_t user = connect->user_name.data ? 2 + connect->user_name.length : 0;
    struct mqtt_writer w = mqtt_begin(out, size, MQTT_PACKET_CONNECT, 0,
                                      10 + 7 + 2 + connect->client_id.length + user);
    mqtt_put_string(&w, "MQTT", 4);
    mqtt_put_u8(&w, LEVEL);
    mqtt_put_u8(&w, CONNECT_CLEAN_SESSION | (user > 0 ? CONNECT_USER_NAME : 0));
    mqtt_put_u16(&w, connect->keep_alive_s);
    mqtt_put_u16(&w, 6 << 8 | MQTT5_RECEIVE_MAX); /* length of the properties, and the first */
    mqtt_put_u16(&w, receive_max);
    mqtt_put_u8(&w, MQTT5_TOPIC_ALIAS_MAX);
    mqtt_put_u16(&w, aliases);
    mqtt_put_string(&w, connect->client_id.data, connect->client_id.length);
    if (user > 0)
        mqtt_put_string(&w, connect->user_name.data, connect->user_name.length);
    return mqtt_end(&w);
}

int mqtt5_client_publish(uint8_t *out, size_t size, const struct mqtt_publish *publish,
                         uint8_t alias)
{
    const unsigned flags =
        (unsigned)publish->qos << PUBLISH_QOS | (publish->duplicate ? PUBLISH_DUPLICATE : 0);
    const uint8_t properties[4] = {alias ? 3 : 0, MQTT5_TOPIC_ALIAS, 0, alias};
    const size_t head = 2 + publish->topic.length + (publish->qos ? 2 : 0) + (alias ? 4 : 1);
    struct mqtt_writer w =
        mqtt_begin(out, size, MQTT_PACKET_PUBLISH, flags, head + publish->payload.length);
    mqtt_put_string(&w, publish->topic.data, publish->topic.length);
    if (publish->qos)
        mqtt_put_u16(&w, publish->packet_id);
    mqtt_put(&w, properties, alias ? sizeof properties : 1);
    return mqtt_end(&w);
}

int mqtt5_client_filter(uint8_t *out, size_t size, enum mqtt_packet_type type, uint16_t packet_id,
                        const struct mqtt_filter *filter)
{
    const unsigned with_qos = type == MQTT_PACKET_SUBSCRIBE;
    struct mqtt_writer w =
        mqtt_begin(out, size, type, 2, 2 + 1 + 2 + filter->text.length + with_qos);
    mqtt_put_u16(&w, packet_id);
    mqtt_put_u8(&w, 0);
    mqtt_put_string(&w, filter->text.data, filter->text.length);
    if (with_qos)
        mqtt_put_u8(&w, filter->qos);
    return mqtt_end(&w);
}

/* ---- hearing --------------------------------------------------------------------------------- */

static uint32_t take_varint(struct mqtt_cursor *c)
{
    uint32_t value = 0;
    for (unsigned shift = 0; shift < 28; shift += 7) {
        const unsigned byte = mqtt_take_u8(c);
        value |= (byte & 0x7fu) << shift;
        if (!(byte & 0x80u))
            return value;
    }
    c->failed = true;
    return 0;
}

/* Bytes of a number; TEXT is one text, PAIR two, VARINT one number of its own kind. */
enum { TEXT = 5, PAIR, VARINT };

static unsigned kind_of(unsigned id)
{
    static const uint8_t kinds[MQTT5_SHARED_AVAILABLE + 1] = {
        [MQTT5_PAYLOAD_FORMAT] = 1,
        [MQTT5_MESSAGE_EXPIRY] = 4,
        [MQTT5_CONTENT_TYPE] = TEXT,
        [MQTT5_RESPONSE_TOPIC] = TEXT,
        [MQTT5_CORRELATION_DATA] = TEXT,
        [MQTT5_SUBSCRIPTION_ID] = VARINT,
        [MQTT5_SESSION_EXPIRY] = 4,
        [MQTT5_ASSIGNED_CLIENT_ID] = TEXT,
        [MQTT5_SERVER_KEEP_ALIVE] = 2,
        [MQTT5_AUTH_METHOD] = TEXT,
        [MQTT5_AUTH_DATA] = TEXT,
        [MQTT5_REQUEST_PROBLEM_INFO] = 1,
        [MQTT5_WILL_DELAY] = 4,
        [MQTT5_REQUEST_RESPONSE_INFO] = 1,
        [MQTT5_RESPONSE_INFO] = TEXT,
        [MQTT5_SERVER_REFERENCE] = TEXT,
        [MQTT5_REASON_STRING] = TEXT,
        [MQTT5_RECEIVE_MAX] = 2,
        [MQTT5_TOPIC_ALIAS_MAX] = 2,
        [MQTT5_TOPIC_ALIAS] = 2,
        [MQTT5_MAX_QOS] = 1,
        [MQTT5_RETAIN_AVAILABLE] = 1,
        [MQTT5_USER_PROPERTY] = PAIR,
        [MQTT5_MAX_PACKET_SIZE] = 4,
        [MQTT5_WILDCARD_AVAILABLE] = 1,
        [MQTT5_SUBSCRIPTION_ID_AVAILABLE] = 1,
        [MQTT5_SHARED_AVAILABLE] = 1,
    };
    return id < sizeof kinds ? kinds[id] : 0;
}

static void take_property(struct mqtt_cursor *c, struct mqtt5_answer *answer)
{
    const unsigned id = mqtt_take_u8(c);
    unsigned kind = kind_of(id);
    uint32_t number = 0;
    if (kind == 0)
        c->failed = true;
    if (kind == VARINT)
        (void)take_varint(c);
    if (kind == PAIR)
        (void)mqtt_take_bytes(c);
    if (kind == PAIR || kind == TEXT) {
        const struct mqtt_bytes text = mqtt_take_bytes(c);
        if (id == MQTT5_REASON_STRING)
            answer->words = (struct mqtt_text){(const char *)text.data, text.length};
    }
    if (kind >= TEXT || c->failed)
        return;
    while (kind-- > 0)
        number = number << 8 | mqtt_take_u8(c);
    answer->number[id] = number;
}

/* The bytes of the properties, as far as they have come; what follows them is left. */
static struct mqtt_cursor take_properties(struct mqtt_cursor *c)
{
    const uint32_t length = take_varint(c);
    const uint8_t *const begin = c->next;
    if (length > (size_t)(c->end - begin))
        c->failed = true;
    c->next = c->failed ? c->end : begin + length;
    return (struct mqtt_cursor){begin, c->next, false};
}

static void take_all(struct mqtt_cursor *c, struct mqtt5_answer *answer)
{
    struct mqtt_cursor properties = take_properties(c);
    while (!properties.failed && properties.next < properties.end)
        take_property(&properties, answer);
    c->failed |= properties.failed;
}

otter_status mqtt5_client_answer(enum mqtt_packet_type type, const uint8_t *body, size_t length,
                                 struct mqtt5_answer *answer)
{
    struct mqtt_cursor c = {body, body + length, false};
    *answer = (struct mqtt5_answer){.number = {[MQTT5_MAX_PACKET_SIZE] = UINT32_MAX,
                                               [MQTT5_RECEIVE_MAX] = UINT16_MAX,
                                               [MQTT5_MAX_QOS] = QOS_MAX}};
    if (type == MQTT_PACKET_CONNACK)
        (void)mqtt_take_u8(&c); /* no session was asked for */
    else if (type != MQTT_PACKET_DISCONNECT)
        answer->packet_id = mqtt_take_packet_id(&c);
    if (type != MQTT_PACKET_SUBACK && c.next < c.end)
        answer->code = mqtt_take_u8(&c);
    if (c.next < c.end)
        take_all(&c, answer);
    if (type == MQTT_PACKET_SUBACK)
        answer->code = mqtt_take_u8(&c);
    return mqtt_cursor_done(&c) ? OTTER_OK : OTTER_E_MALFORMED;
}

otter_status mqtt5_client_payload(struct mqtt_bytes *payload, uint32_t *alias)
{
    struct mqtt_cursor c = {payload->data, payload->data + payload->length, false};
    struct mqtt5_answer said = {0};
    take_all(&c, &said);
    *alias = said.number[MQTT5_TOPIC_ALIAS];
    *payload = (struct mqtt_bytes){c.next, (size_t)(c.end - c.next)};
    return c.failed ? OTTER_E_MALFORMED : OTTER_OK;
}
