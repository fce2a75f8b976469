/* MQTT 3.1.1 packets to and from bytes. Numbers in brackets are those of the OASIS specification.
 */
#include "codec/mqtt_packet.h"

#include <string.h>

#include "codec/mqtt_flags.h"

/* What the fixed header of each type must say: table 2.2, and the body lengths of chapter 3. */
struct shape {
    char name[12];
    unsigned char flags : 2;
    unsigned char body_min : 4;
    unsigned char body_exact : 1; /* the body has exactly body_min bytes */
};

static const struct shape shapes[] = {
    [MQTT_PACKET_CONNECT] = {"CONNECT", 0, 12, 0},
    [MQTT_PACKET_CONNACK] = {"CONNACK", 0, 2, 1},
    [MQTT_PACKET_PUBLISH] = {"PUBLISH", 0, 3, 0}, /* its flags have meaning */
    [MQTT_PACKET_PUBACK] = {"PUBACK", 0, 2, 1},
    [MQTT_PACKET_PUBREC] = {"PUBREC", 0, 2, 1},
    [MQTT_PACKET_PUBREL] = {"PUBREL", 2, 2, 1},
    [MQTT_PACKET_PUBCOMP] = {"PUBCOMP", 0, 2, 1},
    [MQTT_PACKET_SUBSCRIBE] = {"SUBSCRIBE", 2, 6, 0},
    [MQTT_PACKET_SUBACK] = {"SUBACK", 0, 3, 0},
    [MQTT_PACKET_UNSUBSCRIBE] = {"UNSUBSCRIBE", 2, 5, 0},
    [MQTT_PACKET_UNSUBACK] = {"UNSUBACK", 0, 2, 1},
    [MQTT_PACKET_PINGREQ] = {"PINGREQ", 0, 0, 1},
    [MQTT_PACKET_PINGRESP] = {"PINGRESP", 0, 0, 1},
    [MQTT_PACKET_DISCONNECT] = {"DISCONNECT", 0, 0, 1},
};

static bool type_known(unsigned type)
{
    return type >= MQTT_PACKET_CONNECT && type <= MQTT_PACKET_DISCONNECT;
}

const char *mqtt_packet_name(enum mqtt_packet_type type)
{
    return type_known(type) ? shapes[type].name : "?";
}

/* [MQTT-2.2.2-2], [MQTT-3.3.1-2], [MQTT-3.3.1-4] */
static bool flags_valid(enum mqtt_packet_type type, uint8_t flags)
{
    if (type != MQTT_PACKET_PUBLISH)
        return flags == shapes[type].flags;
    return mqtt_publish_flags_valid(flags);
}

/* ---- The fixed header ------------------------------------------------------------------------ */

static otter_status decode_header(const uint8_t *data, size_t length, struct mqtt_header *header,
                                  bool loose)
{
    if (length == 0)
        return OTTER_E_AGAIN;
    header->type = (enum mqtt_packet_type)(data[0] >> 4);
    header->flags = data[0] & 0x0f;
    if (!type_known(header->type) || !flags_valid(header->type, header->flags))
        return OTTER_E_MALFORMED;

    uint32_t value = 0;
    for (unsigned i = 1; i < MQTT_HEADER_MAX; i++) {
        if (i >= length)
            return OTTER_E_AGAIN;
        value |= (uint32_t)(data[i] & 0x7f) << 7 * (i - 1);
        if (data[i] & 0x80)
            continue;
        const struct shape *shape = &shapes[header->type];
        if (value < shape->body_min || (shape->body_exact && !loose && value > shape->body_min))
            return OTTER_E_MALFORMED;
        header->size = (uint8_t)(i + 1);
        header->body_length = value;
        return OTTER_OK;
    }
    return OTTER_E_MALFORMED; /* a fifth byte of length */
}

otter_status mqtt_decode_header(const uint8_t *data, size_t length, struct mqtt_header *header)
{
    return decode_header(data, length, header, false);
}

otter_status mqtt_decode_loose_header(const uint8_t *data, size_t length,
                                      struct mqtt_header *header)
{
    return decode_header(data, length, header, true);
}

/* ---- CONNECT and CONNACK --------------------------------------------------------------------- */

/* Beside what both versions ask for: no password without a user name [MQTT-3.1.2-22]. */
static bool connect_flags_valid(unsigned flags)
{
    return mqtt_connect_flags_valid(flags) &&
           (!(flags & CONNECT_PASSWORD) || (flags & CONNECT_USER_NAME));
}

otter_status mqtt_take_protocol(struct mqtt_cursor *c, unsigned level, struct mqtt_connect *connect)
{
    const struct mqtt_text name = mqtt_take_text(c);
    connect->protocol_level = mqtt_take_u8(c);
    if (c->failed)
        return OTTER_E_MALFORMED;
    if (name.length == 6 && memcmp(name.data, "MQIsdp", 6) == 0)
        return OTTER_E_UNSUPPORTED;
    if (name.length != 4 || memcmp(name.data, "MQTT", 4) != 0)
        return OTTER_E_MALFORMED;
    return connect->protocol_level == level ? OTTER_OK : OTTER_E_UNSUPPORTED;
}

void mqtt_take_will(struct mqtt_cursor *c, unsigned flags, struct mqtt_connect *connect)
{
    connect->will_topic = mqtt_take_text(c);
    connect->will_payload = mqtt_take_bytes(c);
    connect->will_qos = flags >> CONNECT_WILL_QOS & QOS_MASK;
    connect->will_retain = flags & CONNECT_WILL_RETAIN;
    if (!c->failed && !mqtt_topic_valid(connect->will_topic))
        c->failed = true;
}

void mqtt_take_credentials(struct mqtt_cursor *c, unsigned flags, struct mqtt_connect *connect)
{
    if (flags & CONNECT_USER_NAME)
        connect->user_name = mqtt_take_text(c);
    if (flags & CONNECT_PASSWORD)
        connect->password = mqtt_take_bytes(c);
}

otter_status mqtt_decode_connect(const uint8_t *body, size_t length, struct mqtt_connect *connect)
{
    struct mqtt_cursor c = {body, body + length, false};
    memset(connect, 0, sizeof *connect);
    const otter_status status = mqtt_take_protocol(&c, MQTT_PROTOCOL_3_1_1, connect);
    if (status)
        return status;
    const unsigned flags = mqtt_take_u8(&c);
    connect->clean_session = flags & CONNECT_CLEAN_SESSION;
    connect->keep_alive_s = mqtt_take_u16(&c);
    connect->client_id = mqtt_take_text(&c);
    if (flags & CONNECT_WILL)
        mqtt_take_will(&c, flags, connect);
    mqtt_take_credentials(&c, flags, connect);
    return connect_flags_valid(flags) && mqtt_cursor_done(&c) ? OTTER_OK : OTTER_E_MALFORMED;
}

static bool connect_valid(const struct mqtt_connect *connect)
{
    return mqtt_text_valid(connect->client_id) && mqtt_text_valid(connect->user_name) &&
           (!connect->will_topic.data || mqtt_topic_valid(connect->will_topic)) &&
           connect->will_qos <= QOS_MAX && connect_flags_valid(mqtt_connect_flags(connect));
}

int mqtt_encode_connect(uint8_t *out, size_t size, const struct mqtt_connect *connect)
{
    if (!connect_valid(connect))
        return OTTER_E_ARGUMENT;
    size_t length = 10 + 2 + connect->client_id.length;
    if (connect->will_topic.data)
        length += 2 + connect->will_topic.length + 2 + connect->will_payload.length;
    if (connect->user_name.data)
        length += 2 + connect->user_name.length;
    if (connect->password.data)
        length += 2 + connect->password.length;

    struct mqtt_writer w = mqtt_begin(out, size, MQTT_PACKET_CONNECT, 0, length);
    mqtt_put_string(&w, "MQTT", 4);
    mqtt_put_u8(&w, MQTT_PROTOCOL_3_1_1);
    mqtt_put_u8(&w, mqtt_connect_flags(connect));
    mqtt_put_u16(&w, connect->keep_alive_s);
    mqtt_put_string(&w, connect->client_id.data, connect->client_id.length);
    if (connect->will_topic.data) {
        mqtt_put_string(&w, connect->will_topic.data, connect->will_topic.length);
        mqtt_put_string(&w, connect->will_payload.data, connect->will_payload.length);
    }
    if (connect->user_name.data)
        mqtt_put_string(&w, connect->user_name.data, connect->user_name.length);
    if (connect->password.data)
        mqtt_put_string(&w, connect->password.data, connect->password.length);
    return mqtt_end(&w);
}

otter_status mqtt_decode_connack(const uint8_t *body, size_t length, struct mqtt_connack *connack)
{
    /* [MQTT-3.2.2-4]: no session with a refusal */
    if (length != 2 || body[0] > 1 || (body[0] && body[1]))
        return OTTER_E_MALFORMED;
    connack->session_present = body[0];
    connack->code = body[1];
    return OTTER_OK;
}

int mqtt_encode_connack(uint8_t *out, size_t size, const struct mqtt_connack *connack)
{
    if (connack->session_present && connack->code != MQTT_CONNACK_ACCEPTED)
        return OTTER_E_ARGUMENT;
    struct mqtt_writer w = mqtt_begin(out, size, MQTT_PACKET_CONNACK, 0, 2);
    mqtt_put_u8(&w, connack->session_present);
    mqtt_put_u8(&w, connack->code);
    return mqtt_end(&w);
}

/* ---- PUBLISH and acknowledgements ------------------------------------------------------------ */

otter_status mqtt_decode_loose_publish(uint8_t flags, const uint8_t *body, size_t length,
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
    if (c.failed || (publish->topic.length > 0 && !mqtt_topic_valid(publish->topic)))
        return OTTER_E_MALFORMED;
    publish->payload = (struct mqtt_bytes){c.next, (size_t)(c.end - c.next)};
    return OTTER_OK;
}

otter_status mqtt_decode_publish(uint8_t flags, const uint8_t *body, size_t length,
                                 struct mqtt_publish *publish)
{
    const otter_status status = mqtt_decode_loose_publish(flags, body, length, publish);
    return status == OTTER_OK && publish->topic.length == 0 ? OTTER_E_MALFORMED : status;
}

int mqtt_encode_publish_head(uint8_t *out, size_t size, const struct mqtt_publish *publish)
{
    const unsigned flags = (publish->duplicate ? PUBLISH_DUPLICATE : 0) |
                           (unsigned)publish->qos << PUBLISH_QOS |
                           (publish->retain ? PUBLISH_RETAIN : 0);
    if (publish->qos > QOS_MAX || !flags_valid(MQTT_PACKET_PUBLISH, (uint8_t)flags) ||
        !publish->packet_id != !publish->qos || !mqtt_topic_valid(publish->topic))
        return OTTER_E_ARGUMENT;
    if (publish->payload.length > MQTT_BODY_MAX)
        return OTTER_E_TOO_LONG;
    const size_t head = 2 + publish->topic.length + (publish->qos ? 2 : 0);
    struct mqtt_writer w =
        mqtt_begin(out, size, MQTT_PACKET_PUBLISH, flags, head + publish->payload.length);
    mqtt_put_string(&w, publish->topic.data, publish->topic.length);
    if (publish->qos)
        mqtt_put_u16(&w, publish->packet_id);
    return mqtt_end(&w);
}

int mqtt_encode_publish(uint8_t *out, size_t size, const struct mqtt_publish *publish)
{
    const int head = mqtt_encode_publish_head(out, size, publish);
    const size_t payload = publish->payload.length;
    if (head < 0)
        return head;
    if (payload > size - (size_t)head)
        return OTTER_E_TOO_LONG;
    if (payload > 0)
        memcpy(out + head, publish->payload.data, payload);
    return head + (int)payload;
}

otter_status mqtt_decode_ack(const uint8_t *body, size_t length, uint16_t *packet_id)
{
    struct mqtt_cursor c = {body, body + length, false};
    *packet_id = mqtt_take_packet_id(&c);
    return mqtt_cursor_done(&c) ? OTTER_OK : OTTER_E_MALFORMED;
}

int mqtt_encode_ack(uint8_t *out, size_t size, enum mqtt_packet_type type, uint16_t packet_id)
{
    const bool fits =
        (type >= MQTT_PACKET_PUBACK && type <= MQTT_PACKET_PUBCOMP) || type == MQTT_PACKET_UNSUBACK;
    if (!fits || packet_id == 0)
        return OTTER_E_ARGUMENT;
    struct mqtt_writer w = mqtt_begin(out, size, type, shapes[type].flags, 2);
    mqtt_put_u16(&w, packet_id);
    return mqtt_end(&w);
}

int mqtt_encode_empty(uint8_t *out, size_t size, enum mqtt_packet_type type)
{
    if (type < MQTT_PACKET_PINGREQ || type > MQTT_PACKET_DISCONNECT)
        return OTTER_E_ARGUMENT;
    struct mqtt_writer w = mqtt_begin(out, size, type, 0, 0);
    return mqtt_end(&w);
}

/* ---- SUBSCRIBE, UNSUBSCRIBE and SUBACK ------------------------------------------------------- */

static bool carries_qos(enum mqtt_packet_type type)
{
    return type == MQTT_PACKET_SUBSCRIBE;
}

static struct mqtt_filter take_filter(struct mqtt_cursor *c, bool with_qos)
{
    struct mqtt_filter filter = {.text = mqtt_take_text(c)};
    if (with_qos)
        filter.qos = mqtt_take_u8(c);
    if (!c->failed && (filter.qos > QOS_MAX || !mqtt_filter_valid(filter.text)))
        c->failed = true; /* [MQTT-3-8.3-4], section 4.7 */
    return filter;
}

otter_status mqtt_decode_filters(enum mqtt_packet_type type, const uint8_t *body, size_t length,
                                 struct mqtt_filter_list *list)
{
    struct mqtt_cursor c = {body, body + length, false};
    memset(list, 0, sizeof *list);
    list->packet_id = mqtt_take_packet_id(&c);
    list->with_qos = carries_qos(type);
    list->rest = (struct mqtt_bytes){c.next, (size_t)(c.end - c.next)};
    do { /* at least one: [MQTT-3.8.3-3], [MQTT-3.10.3-2] */
        take_filter(&c, list->with_qos);
        if (list->count++ == UINT16_MAX)
            return OTTER_E_MALFORMED;
    } while (!c.failed && c.next < c.end);
    return c.failed ? OTTER_E_MALFORMED : OTTER_OK;
}

bool mqtt_next_filter(struct mqtt_filter_list *list, struct mqtt_filter *filter)
{
    if (list->rest.length == 0)
        return false;
    struct mqtt_cursor c = {list->rest.data, list->rest.data + list->rest.length, false};
    filter->text = mqtt_take_text(&c);
    const unsigned options = list->with_qos ? mqtt_take_u8(&c) : 0;
    filter->qos = options & QOS_MASK;
    filter->options = (uint8_t)(options & ~QOS_MASK); /* 0 in 3.1.1 */
    list->rest = (struct mqtt_bytes){c.next, (size_t)(c.end - c.next)};
    return true;
}

int mqtt_encode_filters(uint8_t *out, size_t size, enum mqtt_packet_type type, uint16_t packet_id,
                        const struct mqtt_filter *filters, size_t count)
{
    const bool with_qos = carries_qos(type);
    if ((!with_qos && type != MQTT_PACKET_UNSUBSCRIBE) || packet_id == 0 || count == 0)
        return OTTER_E_ARGUMENT;
    size_t length = 2;
    for (size_t i = 0; i < count; i++) {
        if (!mqtt_filter_valid(filters[i].text) || filters[i].qos > QOS_MAX)
            return OTTER_E_ARGUMENT;
        length += 2 + filters[i].text.length + (with_qos ? 1 : 0);
    }
    struct mqtt_writer w = mqtt_begin(out, size, type, shapes[type].flags, length);
    mqtt_put_u16(&w, packet_id);
    for (size_t i = 0; i < count; i++) {
        mqtt_put_string(&w, filters[i].text.data, filters[i].text.length);
        if (with_qos)
            mqtt_put_u8(&w, filters[i].qos);
    }
    return mqtt_end(&w);
}

static bool grants_valid(struct mqtt_bytes codes)
{
    for (size_t i = 0; i < codes.length; i++) {
        if (codes.data[i] > QOS_MAX && codes.data[i] != MQTT_GRANT_REFUSED)
            return false; /* [MQTT-3.9.3-2] */
    }
    return codes.length > 0;
}

otter_status mqtt_decode_suback(const uint8_t *body, size_t length, struct mqtt_suback *suback)
{
    struct mqtt_cursor c = {body, body + length, false};
    suback->packet_id = mqtt_take_packet_id(&c);
    suback->codes = (struct mqtt_bytes){c.next, (size_t)(c.end - c.next)};
    return !c.failed && grants_valid(suback->codes) ? OTTER_OK : OTTER_E_MALFORMED;
}

int mqtt_encode_suback(uint8_t *out, size_t size, const struct mqtt_suback *suback)
{
    if (suback->packet_id == 0 || !grants_valid(suback->codes))
        return OTTER_E_ARGUMENT;
    struct mqtt_writer w = mqtt_begin(out, size, MQTT_PACKET_SUBACK, 0, 2 + suback->codes.length);
    mqtt_put_u16(&w, suback->packet_id);
    mqtt_put(&w, suback->codes.data, suback->codes.length);
    return mqtt_end(&w);
}
