/* Any MQTT packet of either version through decoding and encoding, for tests that take packets as
 * they come. */
#ifndef TEST_ANY_PACKET_H
#define TEST_ANY_PACKET_H

#include "codec/mqtt_version.h"

#define ANY_FILTERS 64u

union any_packet {
    struct mqtt_connect connect;
    struct mqtt_connack connack;
    struct mqtt_publish publish;
    struct mqtt_ack ack;
    struct mqtt_filter_list list;
    struct mqtt_suback suback;
    struct mqtt_reason reason;
};

static inline otter_status any_decode(const struct mqtt_version *v, const struct mqtt_header *h,
                                      const uint8_t *body, union any_packet *packet)
{
    const size_t length = h->body_length;
    switch (h->type) {
    case MQTT_PACKET_CONNECT:
        return v->decode_connect(body, length, &packet->connect);
    case MQTT_PACKET_CONNACK:
        return v->decode_connack(body, length, &packet->connack);
    case MQTT_PACKET_PUBLISH:
        return v->decode_publish(h->flags, body, length, &packet->publish);
    case MQTT_PACKET_SUBSCRIBE:
    case MQTT_PACKET_UNSUBSCRIBE:
        return v->decode_filters(h->type, body, length, &packet->list);
    case MQTT_PACKET_SUBACK:
    case MQTT_PACKET_UNSUBACK:
        return v->decode_grants(h->type, body, length, &packet->suback);
    case MQTT_PACKET_DISCONNECT:
    case MQTT_PACKET_AUTH:
        return v->decode_reason(h->type, body, length, &packet->reason);
    case MQTT_PACKET_PINGREQ:
    case MQTT_PACKET_PINGRESP:
        return OTTER_OK;
    default:
        return v->decode_ack(h->type, body, length, &packet->ack);
    }
}

/* At most ANY_FILTERS filters. */
static inline int any_encode_filters(const struct mqtt_version *v, const struct mqtt_header *h,
                                     uint8_t *out, size_t size, const struct mqtt_filter_list *list)
{
    struct mqtt_filter_list rest = *list;
    struct mqtt_filter filters[ANY_FILTERS];
    size_t count = 0;
    while (count < ANY_FILTERS && mqtt_next_filter(&rest, &filters[count]))
        count++;
    return v->encode_filters(out, size, h->type, list, filters, count);
}

static inline int any_encode(const struct mqtt_version *v, const struct mqtt_header *h,
                             uint8_t *out, size_t size, const union any_packet *packet)
{
    switch (h->type) {
    case MQTT_PACKET_CONNECT:
        return v->encode_connect(out, size, &packet->connect);
    case MQTT_PACKET_CONNACK:
        return v->encode_connack(out, size, &packet->connack);
    case MQTT_PACKET_PUBLISH:
        return v->encode_publish(out, size, &packet->publish);
    case MQTT_PACKET_SUBSCRIBE:
    case MQTT_PACKET_UNSUBSCRIBE:
        return any_encode_filters(v, h, out, size, &packet->list);
    case MQTT_PACKET_SUBACK:
    case MQTT_PACKET_UNSUBACK:
        return v->encode_grants(out, size, h->type, &packet->suback);
    case MQTT_PACKET_DISCONNECT:
    case MQTT_PACKET_AUTH:
        return v->encode_reason(out, size, h->type, &packet->reason);
    case MQTT_PACKET_PINGREQ:
    case MQTT_PACKET_PINGRESP:
        return mqtt_encode_empty(out, size, h->type);
    default:
        return v->encode_ack(out, size, h->type, &packet->ack);
    }
}

#endif
