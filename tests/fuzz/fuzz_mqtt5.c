/* Packets of either version of MQTT through its table: what decodes must encode, to no more bytes
 * than it had, and what was encoded must decode to the same again.
 *
 * The first byte of the input chooses the version; the rest is a stream of packets. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "tests/any_packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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

static void walk_all(const struct mqtt_header *header, const union any_packet *packet)
{
    switch (header->type) {
    case MQTT_PACKET_CONNECT:
        walk(packet->connect.properties);
        walk(packet->connect.will_properties);
        break;
    case MQTT_PACKET_PUBLISH:
        walk(packet->publish.properties);
        break;
    case MQTT_PACKET_SUBSCRIBE:
        walk(packet->list.properties);
        break;
    case MQTT_PACKET_CONNACK:
        walk(packet->connack.properties);
        break;
    default:
        break;
    }
}

/* Decodes and encodes; 0 for what is refused. */
static int pass(const struct mqtt_version *v, const struct mqtt_header *h, const uint8_t *body,
                uint8_t *out, size_t size)
{
    union any_packet packet;
    if (any_decode(v, h, body, &packet) != OTTER_OK)
        return 0;
    const bool lists = h->type == MQTT_PACKET_SUBSCRIBE || h->type == MQTT_PACKET_UNSUBSCRIBE;
    if (lists && packet.list.count > ANY_FILTERS)
        return 0;
    walk_all(h, &packet);
    return any_encode(v, h, out, size, &packet);
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
