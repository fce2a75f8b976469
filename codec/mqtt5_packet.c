/* MQTT 5 packets to and from bytes. Numbers in brackets are those of the OASIS specification. */
#include "codec/mqtt5_packet.h"

#include <string.h>

#include "codec/mqtt5_wire.h"
#include "codec/mqtt_flags.h"

#define OPTIONS_RESERVED 0xc0u

/* What the fixed header of each type must say: table 2-2, and the body lengths of chapter 3. */
static const struct shape {
    uint8_t flags;
    uint8_t body_min;
    bool empty; /* it has no body at all */
} shapes[] = {
    [MQTT_PACKET_CONNECT] = {0, 13, false}, [MQTT_PACKET_CONNACK] = {0, 3, false},
    [MQTT_PACKET_PUBLISH] = {0, 3, false},  [MQTT_PACKET_PUBACK] = {0, 2, false},
    [MQTT_PACKET_PUBREC] = {0, 2, false},   [MQTT_PACKET_PUBREL] = {2, 2, false},
    [MQTT_PACKET_PUBCOMP] = {0, 2, false},  [MQTT_PACKET_SUBSCRIBE] = {2, 7, false},
    [MQTT_PACKET_SUBACK] = {0, 4, false},   [MQTT_PACKET_UNSUBSCRIBE] = {2, 6, false},
    [MQTT_PACKET_UNSUBACK] = {0, 4, false}, [MQTT_PACKET_PINGREQ] = {0, 0, true},
    [MQTT_PACKET_PINGRESP] = {0, 0, true},  [MQTT_PACKET_DISCONNECT] = {0, 0, false},
    [MQTT_PACKET_AUTH] = {0, 0, false},
};

/* [MQTT-2.1.3-1], [MQTT-3.3.1-2], [MQTT-3.3.1-4] */
static bool flags_valid(enum mqtt_packet_type type, uint8_t flags)
{
    if (type != MQTT_PACKET_PUBLISH)
        return flags == shapes[type].flags;
    return mqtt_publish_flags_valid(flags);
}

/* ---- Field types ----------------------------------------------------------------------------- */

uint32_t mqtt5_take_varint(struct mqtt_cursor *c)
{
    uint32_t value = 0;
    for (unsigned i = 0; i < 4; i++) {
        const unsigned byte = mqtt_take_u8(c);
        value |= (byte & 0x7fu) << 7 * i;
        if (byte & 0x80u)
            continue;
        if (i > 0 && byte == 0)
            c->failed = true;
        return value;
    }
    c->failed = true;
    return 0;
}

size_t mqtt5_varint_size(size_t value)
{
    return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x200000 ? 3 : 4;
}

void mqtt5_put_varint(struct mqtt_writer *w, size_t value)
{
    if (value > MQTT_BODY_MAX)
        w->error = OTTER_E_TOO_LONG;
    for (size_t left = mqtt5_varint_size(value); left > 0; left--) {
        mqtt_put_u8(w, (unsigned)(value & 0x7f) | (left > 1 ? 0x80u : 0));
        value >>= 7;
    }
}

struct mqtt_bytes mqtt5_take_properties(struct mqtt_cursor *c, enum mqtt_packet_type type)
{
    const size_t length = mqtt5_take_varint(c);
    if (c->failed || length > (size_t)(c->end - c->next)) {
        c->failed = true;
        return (struct mqtt_bytes){NULL, 0};
    }
    const struct mqtt_bytes properties = {c->next, length};
    c->next += length;
    if (mqtt5_check_properties(type, properties) != OTTER_OK)
        c->failed = true;
    return properties;
}

void mqtt5_put_properties(struct mqtt_writer *w, struct mqtt_bytes properties)
{
    mqtt5_put_varint(w, properties.length);
    mqtt_put(w, properties.data, properties.length);
}

static size_t properties_size(struct mqtt_bytes properties)
{
    return mqtt5_varint_size(properties.length) + properties.length;
}

static bool properties_valid(enum mqtt_packet_type type, struct mqtt_bytes properties)
{
    return mqtt5_check_properties(type, properties) == OTTER_OK;
}

/* ---- The fixed header ------------------------------------------------------------------------ */

otter_status mqtt5_decode_header(const uint8_t *data, size_t length, struct mqtt_header *header)
{
    if (length == 0)
        return OTTER_E_AGAIN;
    header->type = (enum mqtt_packet_type)(data[0] >> 4);
    header->flags = data[0] & 0x0f;
    if (header->type < MQTT_PACKET_CONNECT || !flags_valid(header->type, header->flags))
        return OTTER_E_MALFORMED;

    const size_t peek = length < MQTT_HEADER_MAX ? length : MQTT_HEADER_MAX;
    struct mqtt_cursor c = {data + 1, data + peek, false};
    const uint32_t body = mqtt5_take_varint(&c);
    if (c.failed && peek < MQTT_HEADER_MAX && (peek == 1 || (data[peek - 1] & 0x80)))
        return OTTER_E_AGAIN;
    const struct shape *shape = &shapes[header->type];
    if (c.failed || body < shape->body_min || (shape->empty && body > 0))
        return OTTER_E_MALFORMED;
    header->size = (uint8_t)(c.next - data);
    header->body_length = body;
    return OTTER_OK;
}

/* ---- Reason codes ---------------------------------------------------------------------------- */

#define IN(type) (1u << MQTT_PACKET_##type)
#define RECEIVED (IN(PUBACK) | IN(PUBREC))
#define GRANTED  (IN(SUBACK) | IN(UNSUBACK))
#define ENDS     (IN(CONNACK) | IN(DISCONNECT))

/* Table 2-6, from 0x80. */
static const uint16_t failures[] = {
    [MQTT5_UNSPECIFIED_ERROR - 0x80] = ENDS | RECEIVED | GRANTED,
    [MQTT5_MALFORMED_PACKET - 0x80] = ENDS,
    [MQTT5_PROTOCOL_ERROR - 0x80] = ENDS,
    [MQTT5_IMPLEMENTATION_ERROR - 0x80] = ENDS | RECEIVED | GRANTED,
    [MQTT5_UNSUPPORTED_VERSION - 0x80] = IN(CONNACK),
    [MQTT5_CLIENT_ID_INVALID - 0x80] = IN(CONNACK),
    [MQTT5_BAD_USER_OR_PASSWORD - 0x80] = IN(CONNACK),
    [MQTT5_NOT_AUTHORIZED - 0x80] = ENDS | RECEIVED | GRANTED,
    [MQTT5_SERVER_UNAVAILABLE - 0x80] = IN(CONNACK),
    [MQTT5_SERVER_BUSY - 0x80] = ENDS,
    [MQTT5_BANNED - 0x80] = IN(CONNACK),
    [MQTT5_SERVER_SHUTTING_DOWN - 0x80] = IN(DISCONNECT),
    [MQTT5_BAD_AUTH_METHOD - 0x80] = ENDS,
    [MQTT5_KEEP_ALIVE_TIMEOUT - 0x80] = IN(DISCONNECT),
    [MQTT5_SESSION_TAKEN_OVER - 0x80] = IN(DISCONNECT),
    [MQTT5_FILTER_INVALID - 0x80] = IN(DISCONNECT) | GRANTED,
    [MQTT5_TOPIC_INVALID - 0x80] = ENDS | RECEIVED,
    [MQTT5_PACKET_ID_IN_USE - 0x80] = RECEIVED | GRANTED,
    [MQTT5_PACKET_ID_NOT_FOUND - 0x80] = IN(PUBREL) | IN(PUBCOMP),
    [MQTT5_RECEIVE_MAX_EXCEEDED - 0x80] = IN(DISCONNECT),
    [MQTT5_TOPIC_ALIAS_INVALID - 0x80] = IN(DISCONNECT),
    [MQTT5_PACKET_TOO_LARGE - 0x80] = ENDS,
    [MQTT5_RATE_TOO_HIGH - 0x80] = IN(DISCONNECT),
    [MQTT5_QUOTA_EXCEEDED - 0x80] = ENDS | RECEIVED | IN(SUBACK),
    [MQTT5_ADMINISTRATIVE - 0x80] = IN(DISCONNECT),
    [MQTT5_PAYLOAD_FORMAT_INVALID - 0x80] = ENDS | RECEIVED,
    [MQTT5_RETAIN_NOT_SUPPORTED - 0x80] = ENDS,
    [MQTT5_QOS_NOT_SUPPORTED - 0x80] = ENDS,
    [MQTT5_USE_ANOTHER_SERVER - 0x80] = ENDS,
    [MQTT5_SERVER_MOVED - 0x80] = ENDS,
    [MQTT5_SHARED_NOT_SUPPORTED - 0x80] = IN(DISCONNECT) | IN(SUBACK),
    [MQTT5_RATE_EXCEEDED - 0x80] = ENDS,
    [MQTT5_CONNECT_TIME_EXCEEDED - 0x80] = IN(DISCONNECT),
    [MQTT5_SUBSCRIPTION_IDS_NOT_SUPPORTED - 0x80] = IN(DISCONNECT) | IN(SUBACK),
    [MQTT5_WILDCARDS_NOT_SUPPORTED - 0x80] = IN(DISCONNECT) | IN(SUBACK),
};

static unsigned packets_of(unsigned code)
{
    if (code >= 0x80)
        return code - 0x80 < sizeof failures / sizeof *failures ? failures[code - 0x80] : 0;
    switch (code) {
    case MQTT5_SUCCESS:
        return ENDS | RECEIVED | IN(PUBREL) | IN(PUBCOMP) | GRANTED | IN(AUTH);
    case 1: /* granted QoS 1 and 2 */
    case 2:
        return IN(SUBACK);
    case MQTT5_DISCONNECT_WITH_WILL:
        return IN(DISCONNECT);
    case MQTT5_NO_MATCHING_SUBSCRIBERS:
        return RECEIVED;
    case MQTT5_NO_SUBSCRIPTION_EXISTED:
        return IN(UNSUBACK);
    case MQTT5_CONTINUE_AUTHENTICATION:
    case MQTT5_REAUTHENTICATE:
        return IN(AUTH);
    default:
        return 0;
    }
}

bool mqtt5_reason_valid(enum mqtt_packet_type type, unsigned code)
{
    return packets_of(code) >> type & 1;
}

/* ---- CONNECT and CONNACK --------------------------------------------------------------------- */

otter_status mqtt5_decode_connect(const uint8_t *body, size_t length, struct mqtt_connect *connect)
{
    struct mqtt_cursor c = {body, body + length, false};
    memset(connect, 0, sizeof *connect);
    const otter_status status = mqtt_take_protocol(&c, MQTT_PROTOCOL_5, connect);
    if (status)
        return status;
    const unsigned flags = mqtt_take_u8(&c);
    connect->clean_session = flags & CONNECT_CLEAN_SESSION;
    connect->keep_alive_s = mqtt_take_u16(&c);
    connect->properties = mqtt5_take_properties(&c, MQTT_PACKET_CONNECT);
    connect->client_id = mqtt_take_text(&c);
    if (flags & CONNECT_WILL) {
        connect->will_properties = mqtt5_take_properties(&c, MQTT5_WILL);
        mqtt_take_will(&c, flags, connect);
    }
    mqtt_take_credentials(&c, flags, connect);
    return mqtt_connect_flags_valid(flags) && mqtt_cursor_done(&c) ? OTTER_OK : OTTER_E_MALFORMED;
}

static bool connect_valid(const struct mqtt_connect *connect)
{
    const bool will_valid =
        !connect->will_topic.data || (mqtt_topic_valid(connect->will_topic) &&
                                      properties_valid(MQTT5_WILL, connect->will_properties));
    return mqtt_text_valid(connect->client_id) && mqtt_text_valid(connect->user_name) &&
           will_valid && properties_valid(MQTT_PACKET_CONNECT, connect->properties) &&
           connect->will_qos <= QOS_MAX && mqtt_connect_flags_valid(mqtt_connect_flags(connect));
}

static size_t connect_length(const struct mqtt_connect *connect)
{
    size_t length = 10 + properties_size(connect->properties) + 2 + connect->client_id.length;
    if (connect->will_topic.data)
        length += properties_size(connect->will_properties) + 2 + connect->will_topic.length + 2 +
                  connect->will_payload.length;
    if (connect->user_name.data)
        length += 2 + connect->user_name.length;
    if (connect->password.data)
        length += 2 + connect->password.length;
    return length;
}

int mqtt5_encode_connect(uint8_t *out, size_t size, const struct mqtt_connect *connect)
{
    if (!connect_valid(connect))
        return OTTER_E_ARGUMENT;
    struct mqtt_writer w = mqtt_begin(out, size, MQTT_PACKET_CONNECT, 0, connect_length(connect));
    mqtt_put_string(&w, "MQTT", 4);
    mqtt_put_u8(&w, MQTT_PROTOCOL_5);
    mqtt_put_u8(&w, mqtt_connect_flags(connect));
    mqtt_put_u16(&w, connect->keep_alive_s);
    mqtt5_put_properties(&w, connect->properties);
    mqtt_put_string(&w, connect->client_id.data, connect->client_id.length);
    if (connect->will_topic.data) {
        mqtt5_put_properties(&w, connect->will_properties);
        mqtt_put_string(&w, connect->will_topic.data, connect->will_topic.length);
        mqtt_put_string(&w, connect->will_payload.data, connect->will_payload.length);
    }
    if (connect->user_name.data)
        mqtt_put_string(&w, connect->user_name.data, connect->user_name.length);
    if (connect->password.data)
        mqtt_put_string(&w, connect->password.data, connect->password.length);
    return mqtt_end(&w);
}

static bool connack_valid(const struct mqtt_connack *connack)
{
    /* [MQTT-3.2.2-6]: no session with a refusal */
    return mqtt5_reason_valid(MQTT_PACKET_CONNACK, connack->code) &&
           !(connack->session_present && connack->code != MQTT5_SUCCESS);
}

otter_status mqtt5_decode_connack(const uint8_t *body, size_t length, struct mqtt_connack *connack)
{
    struct mqtt_cursor c = {body, body + length, false};
    const unsigned flags = mqtt_take_u8(&c);
    connack->session_present = flags & 1;
    connack->code = mqtt_take_u8(&c);
    connack->properties = mqtt5_take_properties(&c, MQTT_PACKET_CONNACK);
    return mqtt_cursor_done(&c) && flags <= 1 && connack_valid(connack) ? OTTER_OK
                                                                        : OTTER_E_MALFORMED;
}

int mqtt5_encode_connack(uint8_t *out, size_t size, const struct mqtt_connack *connack)
{
    if (!connack_valid(connack) || !properties_valid(MQTT_PACKET_CONNACK, connack->properties))
        return OTTER_E_ARGUMENT;
    struct mqtt_writer w =
        mqtt_begin(out, size, MQTT_PACKET_CONNACK, 0, 2 + properties_size(connack->properties));
    mqtt_put_u8(&w, connack->session_present);
    mqtt_put_u8(&w, connack->code);
    mqtt5_put_properties(&w, connack->properties);
    return mqtt_end(&w);
}

/* ---- PUBLISH and its acknowledgements -------------------------------------------------------- */

/* Section 3.3.2.3.4: a topic, or an alias in its place. */
static bool names_topic(const struct mqtt_publish *publish)
{
    struct mqtt5_property alias;
    if (publish->topic.length > 0)
        return mqtt_topic_valid(publish->topic);
    return mqtt5_find_property(publish->properties, MQTT5_TOPIC_ALIAS, &alias);
}

otter_status mqtt5_decode_publish(uint8_t flags, const uint8_t *body, size_t length,
                                  struct mqtt_publish *publish)
{
    struct mqtt_cursor c = {body, body + length, false};
    if (!flags_valid(MQTT_PACKET_PUBLISH, flags))
        return OTTER_E_MALFORMED;
    memset(publish, 0, sizeof *publish);
    publish->qos = flags >> PUBLISH_QOS & QOS_MASK;
    publish->retain = flags & PUBLISH_RETAIN;
    publish->duplicate = flags & PUBLISH_DUPLICATE;
    publish->topic = mqtt_take_text(&c);
    if (publish->qos > 0)
        publish->packet_id = mqtt_take_packet_id(&c);
    publish->properties = mqtt5_take_properties(&c, MQTT_PACKET_PUBLISH);
    if (c.failed || !names_topic(publish))
        return OTTER_E_MALFORMED;
    publish->payload = (struct mqtt_bytes){c.next, (size_t)(c.end - c.next)};
    return OTTER_OK;
}

int mqtt5_encode_publish_head(uint8_t *out, size_t size, const struct mqtt_publish *publish)
{
    const unsigned flags = (publish->duplicate ? PUBLISH_DUPLICATE : 0) |
                           (unsigned)publish->qos << PUBLISH_QOS |
                           (publish->retain ? PUBLISH_RETAIN : 0);
    if (publish->qos > QOS_MAX || !flags_valid(MQTT_PACKET_PUBLISH, (uint8_t)flags) ||
        !publish->packet_id != !publish->qos ||
        !properties_valid(MQTT_PACKET_PUBLISH, publish->properties) || !names_topic(publish))
        return OTTER_E_ARGUMENT;
    if (publish->payload.length > MQTT_BODY_MAX)
        return OTTER_E_TOO_LONG;
    const size_t head =
        2 + publish->topic.length + (publish->qos ? 2 : 0) + properties_size(publish->properties);
    struct mqtt_writer w =
        mqtt_begin(out, size, MQTT_PACKET_PUBLISH, flags, head + publish->payload.length);
    mqtt_put_string(&w, publish->topic.data, publish->topic.length);
    if (publish->qos)
        mqtt_put_u16(&w, publish->packet_id);
    mqtt5_put_properties(&w, publish->properties);
    return mqtt_end(&w);
}

int mqtt5_encode_publish(uint8_t *out, size_t size, const struct mqtt_publish *publish)
{
    const int head = mqtt5_encode_publish_head(out, size, publish);
    const size_t payload = publish->payload.length;
    if (head < 0)
        return head;
    if (payload > size - (size_t)head)
        return OTTER_E_TOO_LONG;
    if (payload > 0)
        memcpy(out + head, publish->payload.data, payload);
    return head + (int)payload;
}

/* A reason code and properties at the end of a packet, each left out when nothing follows that is
 * not empty: sections 3.4.2.1 and 3.14.2.1. */
static void take_reason(struct mqtt_cursor *c, enum mqtt_packet_type type,
                        struct mqtt_reason *reason)
{
    *reason = (struct mqtt_reason){0};
    if (c->next < c->end)
        reason->code = mqtt_take_u8(c);
    if (c->next < c->end)
        reason->properties = mqtt5_take_properties(c, type);
    if (!mqtt5_reason_valid(type, reason->code))
        c->failed = true;
}

static size_t reason_size(const struct mqtt_reason *reason)
{
    if (reason->properties.length > 0)
        return 1 + properties_size(reason->properties);
    return reason->code != MQTT5_SUCCESS;
}

static void put_reason(struct mqtt_writer *w, const struct mqtt_reason *reason)
{
    if (reason_size(reason) > 0)
        mqtt_put_u8(w, reason->code);
    if (reason->properties.length > 0)
        mqtt5_put_properties(w, reason->properties);
}

static bool reason_fits(enum mqtt_packet_type type, const struct mqtt_reason *reason)
{
    return mqtt5_reason_valid(type, reason->code) && properties_valid(type, reason->properties);
}

static bool is_ack(enum mqtt_packet_type type)
{
    return type >= MQTT_PACKET_PUBACK && type <= MQTT_PACKET_PUBCOMP;
}

otter_status mqtt5_decode_ack(enum mqtt_packet_type type, const uint8_t *body, size_t length,
                              struct mqtt_ack *ack)
{
    struct mqtt_cursor c = {body, body + length, false};
    struct mqtt_reason reason;
    ack->packet_id = mqtt_take_packet_id(&c);
    take_reason(&c, type, &reason);
    ack->reason = reason.code;
    ack->properties = reason.properties;
    return is_ack(type) && mqtt_cursor_done(&c) ? OTTER_OK : OTTER_E_MALFORMED;
}

int mqtt5_encode_ack(uint8_t *out, size_t size, enum mqtt_packet_type type,
                     const struct mqtt_ack *ack)
{
    const struct mqtt_reason reason = {ack->reason, ack->properties};
    if (!is_ack(type) || ack->packet_id == 0 || !reason_fits(type, &reason))
        return OTTER_E_ARGUMENT;
    struct mqtt_writer w =
        mqtt_begin(out, size, type, shapes[type].flags, 2 + reason_size(&reason));
    mqtt_put_u16(&w, ack->packet_id);
    put_reason(&w, &reason);
    return mqtt_end(&w);
}

/* ---- SUBSCRIBE, UNSUBSCRIBE and their answers ------------------------------------------------ */

#define SHARE "$share/"

static bool is_shared(struct mqtt_text filter)
{
    return filter.length >= sizeof SHARE - 1 && memcmp(filter.data, SHARE, sizeof SHARE - 1) == 0;
}

/* [MQTT-4.8.2-1], [MQTT-4.8.2-2]: a name without wildcards, and a filter. */
static bool shared_valid(struct mqtt_text filter)
{
    const size_t prefix = sizeof SHARE - 1;
    const char *name = filter.data + prefix;
    const char *slash = memchr(name, '/', filter.length - prefix);
    if (!slash || slash == name)
        return false;
    const size_t length = (size_t)(slash - name);
    return !memchr(name, '+', length) && !memchr(name, '#', length) &&
           prefix + length + 1 < filter.length;
}

static bool filter_valid(const struct mqtt_filter *filter)
{
    const unsigned handling = filter->options >> MQTT5_RETAIN_HANDLING & 3u;
    if (!mqtt_filter_valid(filter->text) || filter->qos > QOS_MAX ||
        (filter->options & (OPTIONS_RESERVED | QOS_MASK)) || handling > 2)
        return false;
    if (!is_shared(filter->text))
        return true;
    return shared_valid(filter->text) && !(filter->options & MQTT5_NO_LOCAL); /* [MQTT-3.8.3-4] */
}

static struct mqtt_filter take_filter(struct mqtt_cursor *c, bool with_qos)
{
    struct mqtt_filter filter = {.text = mqtt_take_text(c)};
    const unsigned options = with_qos ? mqtt_take_u8(c) : 0;
    filter.qos = options & QOS_MASK;
    filter.options = (uint8_t)(options & ~QOS_MASK);
    if (!c->failed && !filter_valid(&filter))
        c->failed = true;
    return filter;
}

otter_status mqtt5_decode_filters(enum mqtt_packet_type type, const uint8_t *body, size_t length,
                                  struct mqtt_filter_list *list)
{
    struct mqtt_cursor c = {body, body + length, false};
    memset(list, 0, sizeof *list);
    list->packet_id = mqtt_take_packet_id(&c);
    list->properties = mqtt5_take_properties(&c, type);
    list->with_qos = type == MQTT_PACKET_SUBSCRIBE;
    list->rest = (struct mqtt_bytes){c.next, (size_t)(c.end - c.next)};
    do { /* at least one: [MQTT-3.8.3-2], [MQTT-3.10.3-2] */
        take_filter(&c, list->with_qos);
        if (list->count++ == UINT16_MAX)
            return OTTER_E_MALFORMED;
    } while (!c.failed && c.next < c.end);
    return c.failed ? OTTER_E_MALFORMED : OTTER_OK;
}

int mqtt5_encode_filters(uint8_t *out, size_t size, enum mqtt_packet_type type,
                         const struct mqtt_filter_list *list, const struct mqtt_filter *filters,
                         size_t count)
{
    const bool with_qos = type == MQTT_PACKET_SUBSCRIBE;
    if ((!with_qos && type != MQTT_PACKET_UNSUBSCRIBE) || list->packet_id == 0 || count == 0 ||
        !properties_valid(type, list->properties))
        return OTTER_E_ARGUMENT;
    size_t length = 2 + properties_size(list->properties);
    for (size_t i = 0; i < count; i++) {
        if (!filter_valid(&filters[i]))
            return OTTER_E_ARGUMENT;
        length += 2 + filters[i].text.length + (with_qos ? 1 : 0);
    }
    struct mqtt_writer w = mqtt_begin(out, size, type, shapes[type].flags, length);
    mqtt_put_u16(&w, list->packet_id);
    mqtt5_put_properties(&w, list->properties);
    for (size_t i = 0; i < count; i++) {
        mqtt_put_string(&w, filters[i].text.data, filters[i].text.length);
        if (with_qos)
            mqtt_put_u8(&w, filters[i].options | filters[i].qos);
    }
    return mqtt_end(&w);
}

static bool is_grant(enum mqtt_packet_type type)
{
    return type == MQTT_PACKET_SUBACK || type == MQTT_PACKET_UNSUBACK;
}

static bool grants_valid(enum mqtt_packet_type type, struct mqtt_bytes codes)
{
    for (size_t i = 0; i < codes.length; i++) {
        if (!mqtt5_reason_valid(type, codes.data[i]))
            return false; /* [MQTT-3.9.3-2], [MQTT-3.11.3-2] */
    }
    return codes.length > 0;
}

otter_status mqtt5_decode_grants(enum mqtt_packet_type type, const uint8_t *body, size_t length,
                                 struct mqtt_suback *suback)
{
    struct mqtt_cursor c = {body, body + length, false};
    suback->packet_id = mqtt_take_packet_id(&c);
    suback->properties = mqtt5_take_properties(&c, type);
    suback->codes = (struct mqtt_bytes){c.next, (size_t)(c.end - c.next)};
    return is_grant(type) && !c.failed && grants_valid(type, suback->codes) ? OTTER_OK
                                                                            : OTTER_E_MALFORMED;
}

int mqtt5_encode_grants(uint8_t *out, size_t size, enum mqtt_packet_type type,
                        const struct mqtt_suback *suback)
{
    if (!is_grant(type) || suback->packet_id == 0 || !grants_valid(type, suback->codes) ||
        !properties_valid(type, suback->properties))
        return OTTER_E_ARGUMENT;
    struct mqtt_writer w = mqtt_begin(
        out, size, type, 0, 2 + properties_size(suback->properties) + suback->codes.length);
    mqtt_put_u16(&w, suback->packet_id);
    mqtt5_put_properties(&w, suback->properties);
    mqtt_put(&w, suback->codes.data, suback->codes.length);
    return mqtt_end(&w);
}

/* ---- DISCONNECT and AUTH --------------------------------------------------------------------- */

static bool is_reason(enum mqtt_packet_type type)
{
    return type == MQTT_PACKET_DISCONNECT || type == MQTT_PACKET_AUTH;
}

otter_status mqtt5_decode_reason(enum mqtt_packet_type type, const uint8_t *body, size_t length,
                                 struct mqtt_reason *reason)
{
    struct mqtt_cursor c = {body, body + length, false};
    take_reason(&c, type, reason);
    return is_reason(type) && mqtt_cursor_done(&c) ? OTTER_OK : OTTER_E_MALFORMED;
}

int mqtt5_encode_reason(uint8_t *out, size_t size, enum mqtt_packet_type type,
                        const struct mqtt_reason *reason)
{
    if (!is_reason(type) || !reason_fits(type, reason))
        return OTTER_E_ARGUMENT;
    struct mqtt_writer w = mqtt_begin(out, size, type, 0, reason_size(reason));
    put_reason(&w, reason);
    return mqtt_end(&w);
}
