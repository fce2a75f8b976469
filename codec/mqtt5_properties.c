/* Properties of MQTT 5 packets. Numbers in brackets are those of the OASIS specification. */
#include "codec/mqtt5_properties.h"

#include "codec/mqtt5_wire.h"

#define ID_MAX 42u

enum kind { KIND_NONE, KIND_U8, KIND_U16, KIND_U32, KIND_VARINT, KIND_BYTES, KIND_TEXT, KIND_PAIR };

/* Which packets may have it: a bit for each type, bit 0 for a will. */
#define IN(type)  (1u << MQTT_PACKET_##type)
#define WILL      1u
#define MESSAGE   (IN(PUBLISH) | WILL)
#define ACKS      (IN(PUBACK) | IN(PUBREC) | IN(PUBREL) | IN(PUBCOMP) | IN(SUBACK) | IN(UNSUBACK))
#define HANDSHAKE (IN(CONNECT) | IN(CONNACK))
#define ANSWERS   (IN(CONNACK) | ACKS | IN(DISCONNECT) | IN(AUTH))

/* Table 2-4, and the ranges of the properties' own sections. */
static const struct rule {
    uint8_t kind;
    uint16_t packets;
    uint32_t least, most; /* of a number */
} rules[ID_MAX + 1] = {
    [MQTT5_PAYLOAD_FORMAT] = {KIND_U8, MESSAGE, 0, 1},
    [MQTT5_MESSAGE_EXPIRY] = {KIND_U32, MESSAGE, 0, UINT32_MAX},
    [MQTT5_CONTENT_TYPE] = {KIND_TEXT, MESSAGE, 0, 0},
    [MQTT5_RESPONSE_TOPIC] = {KIND_TEXT, MESSAGE, 0, 0},
    [MQTT5_CORRELATION_DATA] = {KIND_BYTES, MESSAGE, 0, 0},
    [MQTT5_SUBSCRIPTION_ID] = {KIND_VARINT, IN(PUBLISH) | IN(SUBSCRIBE), 1, MQTT_BODY_MAX},
    [MQTT5_SESSION_EXPIRY] = {KIND_U32, HANDSHAKE | IN(DISCONNECT), 0, UINT32_MAX},
    [MQTT5_ASSIGNED_CLIENT_ID] = {KIND_TEXT, IN(CONNACK), 0, 0},
    [MQTT5_SERVER_KEEP_ALIVE] = {KIND_U16, IN(CONNACK), 0, UINT16_MAX},
    [MQTT5_AUTH_METHOD] = {KIND_TEXT, HANDSHAKE | IN(AUTH), 0, 0},
    [MQTT5_AUTH_DATA] = {KIND_BYTES, HANDSHAKE | IN(AUTH), 0, 0},
    [MQTT5_REQUEST_PROBLEM_INFO] = {KIND_U8, IN(CONNECT), 0, 1},
    [MQTT5_WILL_DELAY] = {KIND_U32, WILL, 0, UINT32_MAX},
    [MQTT5_REQUEST_RESPONSE_INFO] = {KIND_U8, IN(CONNECT), 0, 1},
    [MQTT5_RESPONSE_INFO] = {KIND_TEXT, IN(CONNACK), 0, 0},
    [MQTT5_SERVER_REFERENCE] = {KIND_TEXT, IN(CONNACK) | IN(DISCONNECT), 0, 0},
    [MQTT5_REASON_STRING] = {KIND_TEXT, ANSWERS, 0, 0},
    [MQTT5_RECEIVE_MAX] = {KIND_U16, HANDSHAKE, 1, UINT16_MAX},
    [MQTT5_TOPIC_ALIAS_MAX] = {KIND_U16, HANDSHAKE, 0, UINT16_MAX},
    [MQTT5_TOPIC_ALIAS] = {KIND_U16, IN(PUBLISH), 1, UINT16_MAX},
    [MQTT5_MAX_QOS] = {KIND_U8, IN(CONNACK), 0, 1},
    [MQTT5_RETAIN_AVAILABLE] = {KIND_U8, IN(CONNACK), 0, 1},
    [MQTT5_USER_PROPERTY] = {KIND_PAIR,
                             IN(CONNECT) | MESSAGE | ANSWERS | IN(SUBSCRIBE) | IN(UNSUBSCRIBE), 0,
                             0},
    [MQTT5_MAX_PACKET_SIZE] = {KIND_U32, HANDSHAKE, 1, UINT32_MAX},
    [MQTT5_WILDCARD_AVAILABLE] = {KIND_U8, IN(CONNACK), 0, 1},
    [MQTT5_SUBSCRIPTION_ID_AVAILABLE] = {KIND_U8, IN(CONNACK), 0, 1},
    [MQTT5_SHARED_AVAILABLE] = {KIND_U8, IN(CONNACK), 0, 1},
};

static enum kind kind_of(unsigned id)
{
    return id <= ID_MAX ? (enum kind)rules[id].kind : KIND_NONE;
}

static uint32_t take_u32(struct mqtt_cursor *c)
{
    const uint32_t high = mqtt_take_u16(c);
    const uint32_t low = mqtt_take_u16(c);
    return high << 16 | low;
}

static struct mqtt_bytes as_bytes(struct mqtt_text text)
{
    return (struct mqtt_bytes){(const uint8_t *)text.data, text.length};
}

static void take_value(struct mqtt_cursor *c, struct mqtt5_property *property)
{
    switch (kind_of(property->id)) {
    case KIND_U8:
        property->number = mqtt_take_u8(c);
        break;
    case KIND_U16:
        property->number = mqtt_take_u16(c);
        break;
    case KIND_U32:
        property->number = take_u32(c);
        break;
    case KIND_VARINT:
        property->number = mqtt5_take_varint(c);
        break;
    case KIND_BYTES:
        property->bytes = mqtt_take_bytes(c);
        break;
    case KIND_PAIR:
        property->bytes = as_bytes(mqtt_take_text(c));
        property->value = mqtt_take_text(c);
        break;
    case KIND_TEXT:
        property->bytes = as_bytes(mqtt_take_text(c));
        break;
    case KIND_NONE:
        c->failed = true;
        break;
    }
}

static struct mqtt5_property take_property(struct mqtt_cursor *c)
{
    struct mqtt5_property property = {0};
    const uint32_t id = mqtt5_take_varint(c);
    property.id = id <= ID_MAX ? (uint8_t)id : 0;
    take_value(c, &property);
    return property;
}

static bool value_valid(const struct mqtt5_property *property)
{
    const struct rule *rule = &rules[property->id];
    if (rule->most > 0 && (property->number < rule->least || property->number > rule->most))
        return false;
    const struct mqtt_text topic = {(const char *)property->bytes.data, property->bytes.length};
    return property->id != MQTT5_RESPONSE_TOPIC || mqtt_topic_valid(topic); /* [MQTT-3.3.2-14] */
}

static bool may_repeat(enum mqtt_packet_type type, unsigned id)
{
    return id == MQTT5_USER_PROPERTY ||
           (id == MQTT5_SUBSCRIPTION_ID && type == MQTT_PACKET_PUBLISH);
}

otter_status mqtt5_check_properties(enum mqtt_packet_type type, struct mqtt_bytes properties)
{
    uint64_t seen = 0;
    if (properties.length == 0)
        return OTTER_OK;
    struct mqtt_cursor c = {properties.data, properties.data + properties.length, false};
    while (c.next < c.end) {
        const struct mqtt5_property property = take_property(&c);
        const uint64_t bit = 1ull << property.id;
        if (c.failed || !(rules[property.id].packets >> type & 1) || !value_valid(&property) ||
            ((seen & bit) && !may_repeat(type, property.id)))
            return OTTER_E_MALFORMED;
        seen |= bit;
    }
    const bool data = seen >> MQTT5_AUTH_DATA & 1, method = seen >> MQTT5_AUTH_METHOD & 1;
    return data && !method ? OTTER_E_MALFORMED : OTTER_OK;
}

bool mqtt5_next_property(struct mqtt_bytes *rest, struct mqtt5_property *property)
{
    if (rest->length == 0)
        return false;
    struct mqtt_cursor c = {rest->data, rest->data + rest->length, false};
    *property = take_property(&c);
    *rest = (struct mqtt_bytes){c.next, (size_t)(c.end - c.next)};
    return !c.failed;
}

bool mqtt5_find_property(struct mqtt_bytes properties, enum mqtt5_property_id id,
                         struct mqtt5_property *property)
{
    while (mqtt5_next_property(&properties, property))
        if (property->id == id)
            return true;
    return false;
}

static void put_value(struct mqtt_writer *w, const struct mqtt5_property *property)
{
    switch (kind_of(property->id)) {
    case KIND_U8:
        mqtt_put_u8(w, property->number);
        break;
    case KIND_U32:
        mqtt_put_u16(w, property->number >> 16);
        mqtt_put_u16(w, property->number);
        break;
    case KIND_U16:
        mqtt_put_u16(w, property->number);
        break;
    case KIND_VARINT:
        mqtt5_put_varint(w, property->number);
        break;
    case KIND_BYTES:
    case KIND_TEXT:
        mqtt_put_string(w, property->bytes.data, property->bytes.length);
        break;
    case KIND_PAIR:
        mqtt_put_string(w, property->bytes.data, property->bytes.length);
        mqtt_put_string(w, property->value.data, property->value.length);
        break;
    case KIND_NONE:
        break;
    }
}

int mqtt5_put_property(uint8_t *out, size_t size, const struct mqtt5_property *property)
{
    struct mqtt_writer w = {out, out, size, OTTER_OK};
    if (kind_of(property->id) == KIND_NONE || !value_valid(property))
        return OTTER_E_ARGUMENT;
    mqtt_put_u8(&w, property->id);
    put_value(&w, property);
    return mqtt_end(&w);
}
