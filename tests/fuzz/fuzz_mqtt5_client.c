/* What a server of MQTT 5 may send a client, read by the client's codec and by the whole one: what
 * the whole one takes, the client takes too, and hears the same. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "codec/mqtt5_client.h"
#include "codec/mqtt5_packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void same_number(const struct mqtt5_answer *answer, struct mqtt_bytes properties,
                        enum mqtt5_property_id id)
{
    struct mqtt5_property property;
    if (mqtt5_find_property(properties, id, &property))
        assert(answer->number[id] == property.number);
}

static void same_answer(const struct mqtt5_answer *answer, uint8_t code,
                        struct mqtt_bytes properties)
{
    struct mqtt5_property words;
    assert(answer->code == code);
    same_number(answer, properties, MQTT5_RECEIVE_MAX);
    same_number(answer, properties, MQTT5_MAX_PACKET_SIZE);
    same_number(answer, properties, MQTT5_TOPIC_ALIAS_MAX);
    same_number(answer, properties, MQTT5_SERVER_KEEP_ALIVE);
    same_number(answer, properties, MQTT5_MAX_QOS);
    if (mqtt5_find_property(properties, MQTT5_REASON_STRING, &words))
        assert(answer->words.length == words.bytes.length &&
               (const uint8_t *)answer->words.data == words.bytes.data);
}

static void check_answer(enum mqtt_packet_type type, const uint8_t *body, size_t length)
{
    struct mqtt5_answer answer;
    struct mqtt_connack connack;
    struct mqtt_ack ack;
    struct mqtt_suback suback;
    struct mqtt_reason reason;
    const otter_status status = mqtt5_client_answer(type, body, length, &answer);
    if (type == MQTT_PACKET_CONNACK && mqtt5_decode_connack(body, length, &connack) == OTTER_OK) {
        assert(status == OTTER_OK);
        same_answer(&answer, connack.code, connack.properties);
    } else if (type == MQTT_PACKET_PUBACK &&
               mqtt5_decode_ack(type, body, length, &ack) == OTTER_OK) {
        assert(status == OTTER_OK && answer.packet_id == ack.packet_id);
        same_answer(&answer, ack.reason, ack.properties);
    } else if (type == MQTT_PACKET_SUBACK &&
               mqtt5_decode_grants(type, body, length, &suback) == OTTER_OK &&
               suback.codes.length == 1) {
        assert(status == OTTER_OK && answer.packet_id == suback.packet_id);
        same_answer(&answer, suback.codes.data[0], suback.properties);
    } else if (type == MQTT_PACKET_DISCONNECT &&
               mqtt5_decode_reason(type, body, length, &reason) == OTTER_OK) {
        assert(status == OTTER_OK);
        same_answer(&answer, reason.code, reason.properties);
    }
}

static void check_publish(uint8_t flags, const uint8_t *body, size_t length)
{
    struct mqtt_publish publish, whole;
    uint32_t alias;
    if (mqtt_decode_loose_publish(flags, body, length, &publish) != OTTER_OK)
        return;
    const otter_status status = mqtt5_client_payload(&publish.payload, &alias);
    if (mqtt5_decode_publish(flags, body, length, &whole) == OTTER_OK) {
        struct mqtt5_property said;
        assert(status == OTTER_OK);
        assert(alias ==
               (mqtt5_find_property(whole.properties, MQTT5_TOPIC_ALIAS, &said) ? said.number : 0));
        assert(publish.payload.length == whole.payload.length);
        assert(publish.packet_id == whole.packet_id);
    }
    if (status == OTTER_OK)
        assert(publish.payload.data + publish.payload.length == body + length);
}

/* What the client says, the whole codec understands. */
static void check_said(const uint8_t *text, size_t length)
{
    uint8_t out[512];
    struct mqtt_header header;
    struct mqtt_publish publish = {.topic = {(const char *)text, length}, .qos = 1, .packet_id = 7};
    struct mqtt_publish heard;
    if (length > 200 || !mqtt_topic_valid(publish.topic))
        return;
    for (unsigned alias = 0; alias < 3; alias++) {
        if (alias == 2)
            publish.topic.length = 0;
        const int written = mqtt5_client_publish(out, sizeof out, &publish, (uint8_t)alias);
        assert(written > 0);
        assert(mqtt5_decode_header(out, (size_t)written, &header) == OTTER_OK);
        assert(header.size + header.body_length == (size_t)written);
        assert(mqtt5_decode_publish(header.flags, out + header.size, header.body_length, &heard) ==
               OTTER_OK);
        assert(heard.topic.length == publish.topic.length && heard.packet_id == 7);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mqtt_header header, strict;
    const otter_status status = mqtt_decode_loose_header(data, size, &header);
    if (mqtt5_decode_header(data, size, &strict) == OTTER_OK && strict.type != MQTT_PACKET_AUTH &&
        strict.type != MQTT_PACKET_CONNECT)
        assert(status == OTTER_OK && header.body_length == strict.body_length);
    check_said(data, size);
    if (status != OTTER_OK || header.body_length > size - header.size)
        return 0;
    uint8_t *body = malloc(header.body_length + 1u); /* so that reading past it is seen */
    memcpy(body, data + header.size, header.body_length);
    if (header.type == MQTT_PACKET_PUBLISH)
        check_publish(header.flags, body, header.body_length);
    else if (header.type == MQTT_PACKET_CONNACK || header.type == MQTT_PACKET_PUBACK ||
             header.type == MQTT_PACKET_SUBACK || header.type == MQTT_PACKET_DISCONNECT)
        check_answer(header.type, body, header.body_length);
    free(body);
    return 0;
}
