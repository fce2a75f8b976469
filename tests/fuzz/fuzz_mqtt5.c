/* Packets of either version of MQTT through its table: what decodes must encode, to no more bytes
 * than it had, and what was encoded must decode to the same again.
 *
 * The first byte of the input chooses the version; the rest is a stream of packets. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "codec/mqtt_version.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FILTERS 64u

/* Reads every byte of the properties. */
static void walk(struct mqtt_bytes rest)
{
    struct mqtt5_property property;
    size_t left = rest.length;
    while (mqtt5_next_property(&rest, &property)) {
        uint8_t one[8], *copy = malloc(left + 8);
        assert(rest.length < left);
        const int length = mqtt5_put_property(copy, left + 8, &property);
        assert(length > 0 && (size_t)length == left - rest.length);
        assert(mqtt5_put_property(one, 0, &property) == OTTER_E_TOO_LONG);
        left = rest.length;
        free(copy);
    }
    assert(left == 0);
}

static int pass_filters(const struct mqtt_version *v, const struct mqtt_header *h,
                        const uint8_t *body, uint8_t *out, size_t size)
{
    struct mqtt_filter filters[FILTERS];
    struct mqtt_filter_list list;
    size_t count = 0;
    if (v->decode_filters(h->type, body, h->body_length, &list) != OTTER_OK || list.count > FILTERS)
        return 0;
    walk(list.properties);
    struct mqtt_filter_list rest = list;
    while (mqtt_next_filter(&rest, &filters[count]))
        count++;
    assert(count == list.count);
    return v->encode_filters(out, size, h->type, &list, filters, count);
}

/* Decodes and encodes; 0 for what is refused. */
static int pass(const struct mqtt_version *v, const struct mqtt_header *h, const uint8_t *body,
                uint8_t *out, size_t size)
{
    struct mqtt_connect connect;
    struct mqtt_connack connack;
    struct mqtt_publish publish;
    struct mqtt_suback suback;
    struct mqtt_reason reason;
    struct mqtt_ack ack;
    const size_t length = h->body_length;
    switch (h->type) {
    case MQTT_PACKET_CONNECT:
        if (v->decode_connect(body, length, &connect) != OTTER_OK)
            return 0;
        walk(connect.properties);
        walk(connect.will_properties);
        return v->encode_connect(out, size, &connect);
    case MQTT_PACKET_CONNACK:
        if (v->decode_connack(body, length, &connack) != OTTER_OK)
            return 0;
        walk(connack.properties);
        return v->encode_connack(out, size, &connack);
    case MQTT_PACKET_PUBLISH:
        if (v->decode_publish(h->flags, body, length, &publish) != OTTER_OK)
            return 0;
        walk(publish.properties);
        return v->encode_publish(out, size, &publish);
    case MQTT_PACKET_SUBSCRIBE:
    case MQTT_PACKET_UNSUBSCRIBE:
        return pass_filters(v, h, body, out, size);
    case MQTT_PACKET_SUBACK:
    case MQTT_PACKET_UNSUBACK:
        if (v->decode_grants(h->type, body, length, &suback) != OTTER_OK)
            return 0;
        return v->encode_grants(out, size, h->type, &suback);
    case MQTT_PACKET_DISCONNECT:
    case MQTT_PACKET_AUTH:
        if (v->decode_reason(h->type, body, length, &reason) != OTTER_OK)
            return 0;
        return v->encode_reason(out, size, h->type, &reason);
    case MQTT_PACKET_PINGREQ:
    case MQTT_PACKET_PINGRESP:
        return 0;
    default:
        if (v->decode_ack(h->type, body, length, &ack) != OTTER_OK)
            return 0;
        return v->encode_ack(out, size, h->type, &ack);
    }
}

static void check_packet(const struct mqtt_version *v, const struct mqtt_header *header,
                         const uint8_t *body)
{
    const size_t whole = header->size + header->body_length, size = whole + MQTT_HEADER_MAX;
    uint8_t *once = malloc(size), *twice = malloc(size);
    struct mqtt_header again;
    const int length = pass(v, header, body, once, size);
    if (length != 0) {
        assert(length > 0 && (size_t)length <= whole);
        assert(v->decode_header(once, (size_t)length, &again) == OTTER_OK);
        assert(again.type == header->type && again.flags == header->flags);
        assert(again.size + again.body_length == (size_t)length);
        assert(pass(v, &again, once + again.size, twice, size) == length);
        assert(memcmp(once, twice, (size_t)length) == 0);
    }
    free(once);
    free(twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mqtt_header header;
    if (size == 0)
        return 0;
    const struct mqtt_version *version = *data & 1 ? &mqtt_3_1_1 : &mqtt_5;
    data++;
    size--;
    while (version->decode_header(data, size, &header) == OTTER_OK) {
        assert(header.size >= 2 && header.size <= MQTT_HEADER_MAX);
        if (header.body_length > size - header.size)
            break;
        uint8_t *body = malloc(header.body_length + 1u); /* so that reading past it is seen */
        memcpy(body, data + header.size, header.body_length);
        (void)mqtt_version_of(body, header.body_length);
        check_packet(version, &header, body);
        free(body);
        data += header.size + header.body_length;
        size -= header.size + header.body_length;
    }
    return 0;
}
