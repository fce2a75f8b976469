/* An MQTT broker in memory for one client. */
#include "fake_broker.h"

#include <stdio.h>
#include <string.h>

#define MESSAGE_ID 4711

void broker_init(struct fake_broker *b)
{
    memset(b, 0, sizeof *b);
    b->lose_in = BROKER_NONE;
    b->lose_out = BROKER_NONE;
    b->grant = 1;
    b->version = &mqtt_3_1_1;
}

void broker_accept(struct fake_broker *b)
{
    b->in_length = 0;
    b->out_length = 0;
    b->wants_close = false;
    b->filters[0] = '\0';
    b->connections++;
}

void broker_send(struct fake_broker *b, const void *packet, size_t length)
{
    if (b->packets_out++ == b->lose_out || length > sizeof b->out - b->out_length)
        return;
    memcpy(b->out + b->out_length, packet, length);
    b->out_length += length;
}

size_t broker_output(struct fake_broker *b, uint8_t *data, size_t size)
{
    const size_t length = size < b->out_length ? size : b->out_length;
    memcpy(data, b->out, length);
    memmove(b->out, b->out + length, b->out_length - length);
    b->out_length -= length;
    return length;
}

void broker_publish(struct fake_broker *b, const char *topic, uint8_t qos, uint16_t packet_id,
                    const void *payload, size_t length)
{
    static uint8_t packet[66000];
    const struct mqtt_publish publish = {.topic = {topic, strlen(topic)},
                                         .payload = {payload, length},
                                         .packet_id = packet_id,
                                         .qos = qos};
    const int size = b->version->encode_publish(packet, sizeof packet, &publish);
    if (size > 0)
        broker_send(b, packet, (size_t)size);
}

static void copy(char *out, size_t size, const void *data, size_t length)
{
    snprintf(out, size, "%.*s", (int)length, data ? (const char *)data : "");
}

static void on_connect(struct fake_broker *b, const uint8_t *body, size_t length)
{
    struct mqtt_connect connect;
    uint8_t packet[256];
    b->version = mqtt_version_of(body, length);
    if (b->knows_3_1_1_alone && b->version != &mqtt_3_1_1) {
        b->version = &mqtt_3_1_1;
        broker_send(b, "\x20\x02\x00\x01", 4);
        return;
    }
    if (!b->version || b->version->decode_connect(body, length, &connect)) {
        b->malformed = true;
        return;
    }
    memset(b->aliases, 0, sizeof b->aliases);
    copy(b->client_id, sizeof b->client_id, connect.client_id.data, connect.client_id.length);
    copy(b->user_name, sizeof b->user_name, connect.user_name.data, connect.user_name.length);
    b->keep_alive_s = connect.keep_alive_s;
    b->clean_session = connect.clean_session;
    struct mqtt5_property said;
    const bool takes_aliases =
        mqtt5_find_property(connect.properties, MQTT5_TOPIC_ALIAS_MAX, &said);
    b->alias_max = takes_aliases ? (uint16_t)said.number : 0;
    const struct mqtt_connack connack = {.code = b->connack_code,
                                         .properties = b->connack_properties};
    const int size = b->version->encode_connack(packet, sizeof packet, &connack);
    broker_send(b, packet, (size_t)size);
}

static void resolve(struct fake_broker *b, struct mqtt_publish *publish)
{
    struct mqtt5_property alias;
    b->alias_of_last = 0;
    if (!mqtt5_find_property(publish->properties, MQTT5_TOPIC_ALIAS, &alias))
        return;
    if (alias.number >= sizeof b->aliases / sizeof *b->aliases) {
        b->malformed = true;
        return;
    }
    char *known = b->aliases[alias.number];
    b->alias_of_last = (uint16_t)alias.number;
    if (publish->topic.length > 0)
        copy(known, sizeof *b->aliases, publish->topic.data, publish->topic.length);
    else
        publish->topic = (struct mqtt_text){known, strlen(known)};
    b->malformed |= publish->topic.length == 0;
}

static void on_publish(struct fake_broker *b, uint8_t flags, const uint8_t *body, size_t length)
{
    struct mqtt_publish publish;
    uint8_t packet[8];
    if (b->version->decode_publish(flags, body, length, &publish)) {
        b->malformed = true;
        return;
    }
    b->last_topic_length = publish.topic.length;
    resolve(b, &publish);
    copy(b->last_topic, sizeof b->last_topic, publish.topic.data, publish.topic.length);
    copy(b->last_payload, sizeof b->last_payload, publish.payload.data, publish.payload.length);
    b->last_qos = publish.qos;
    b->last_packet_id = publish.packet_id;
    b->duplicates += publish.duplicate;
    b->wants_close = b->closes_on && strcmp(b->closes_on, b->last_topic) == 0;
    if (b->wants_close && b->closes_hard)
        b->out_length = 0;
    if (b->on_publish && !b->wants_close)
        b->on_publish(&publish);
    if (publish.qos == 0 || b->wants_close || b->holds_pubacks)
        return;
    const struct mqtt_ack ack = {.packet_id = publish.packet_id, .reason = b->puback_code};
    const int size = b->version->encode_ack(packet, sizeof packet, MQTT_PACKET_PUBACK, &ack);
    broker_send(b, packet, (size_t)size);
}

static void on_subscribe(struct fake_broker *b, const uint8_t *body, size_t length)
{
    struct mqtt_filter_list list;
    struct mqtt_filter filter;
    uint8_t codes[16], packet[32];
    if (b->version->decode_filters(MQTT_PACKET_SUBSCRIBE, body, length, &list)) {
        b->malformed = true;
        return;
    }
    memset(codes, b->grant, sizeof codes);
    struct mqtt_filter_list first = list;
    if (b->refuses && mqtt_next_filter(&first, &filter) &&
        filter.text.length == strlen(b->refuses) &&
        memcmp(filter.text.data, b->refuses, filter.text.length) == 0)
        codes[0] = MQTT_GRANT_REFUSED;
    const struct mqtt_suback suback = {.packet_id = list.packet_id, .codes = {codes, list.count}};
    const int size = b->version->encode_grants(packet, sizeof packet, MQTT_PACKET_SUBACK, &suback);
    broker_send(b, packet, (size_t)size);
    while (mqtt_next_filter(&list, &filter)) {
        b->last_filter_qos = filter.qos;
        const size_t used = strlen(b->filters);
        snprintf(b->filters + used, sizeof b->filters - used, "%.*s ", (int)filter.text.length,
                 filter.text.data);
        if (b->sends_on && !b->message_acked && filter.text.length == strlen(b->sends_on) &&
            memcmp(filter.text.data, b->sends_on, filter.text.length) == 0)
            broker_publish(b, b->sends_on, 1, MESSAGE_ID, "for you", 7);
    }
}

static void on_unsubscribe(struct fake_broker *b, const uint8_t *body, size_t length)
{
    struct mqtt_filter_list list;
    static const uint8_t codes[16];
    uint8_t packet[32];
    if (b->version->decode_filters(MQTT_PACKET_UNSUBSCRIBE, body, length, &list)) {
        b->malformed = true;
        return;
    }
    const struct mqtt_suback answer = {.packet_id = list.packet_id, .codes = {codes, list.count}};
    const int size =
        b->version->encode_grants(packet, sizeof packet, MQTT_PACKET_UNSUBACK, &answer);
    broker_send(b, packet, (size_t)size);
}

static void on_packet(struct fake_broker *b, const struct mqtt_header *header, const uint8_t *body)
{
    struct mqtt_ack ack;
    uint8_t packet[2];
    b->seen[header->type]++;
    if (b->mute & 1u << header->type)
        return;
    switch (header->type) {
    case MQTT_PACKET_CONNECT:
        on_connect(b, body, header->body_length);
        break;
    case MQTT_PACKET_PUBLISH:
        on_publish(b, header->flags, body, header->body_length);
        break;
    case MQTT_PACKET_SUBSCRIBE:
        on_subscribe(b, body, header->body_length);
        break;
    case MQTT_PACKET_UNSUBSCRIBE:
        on_unsubscribe(b, body, header->body_length);
        break;
    case MQTT_PACKET_PUBACK:
        b->version->decode_ack(MQTT_PACKET_PUBACK, body, header->body_length, &ack);
        b->last_ack = ack.packet_id;
        b->message_acked |= b->last_ack == MESSAGE_ID;
        break;
    case MQTT_PACKET_PINGREQ:
        mqtt_encode_empty(packet, sizeof packet, MQTT_PACKET_PINGRESP);
        broker_send(b, packet, 2);
        break;
    case MQTT_PACKET_DISCONNECT:
        b->wants_close = true;
        break;
    default:
        b->malformed = true;
    }
}

/* Handles the first packet of what has come; false when it is not there whole. */
static bool take_packet(struct fake_broker *b)
{
    struct mqtt_header header;
    const otter_status status = b->version->decode_header(b->in, b->in_length, &header);
    if (status == OTTER_E_MALFORMED) {
        b->malformed = true;
        b->in_length = 0;
    }
    if (status || b->in_length < header.size + header.body_length)
        return false;
    if (b->packets_in++ != b->lose_in && !b->wants_close) /* deaf once it has decided to close */
        on_packet(b, &header, b->in + header.size);
    const size_t whole = header.size + header.body_length;
    memmove(b->in, b->in + whole, b->in_length - whole);
    b->in_length -= whole;
    return true;
}

void broker_input(struct fake_broker *b, const uint8_t *data, size_t length)
{
    while (length > 0) {
        const size_t room = sizeof b->in - b->in_length;
        const size_t step = length < room ? length : room;
        memcpy(b->in + b->in_length, data, step);
        b->in_length += step;
        data += step;
        length -= step;
        while (take_packet(b))
            ;
        if (step == 0) {
            b->malformed = true;
            return;
        }
    }
}
