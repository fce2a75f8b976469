/* The two versions of MQTT, behind one table each. */
#include "codec/mqtt_version.h"

#include <string.h>

#include "codec/mqtt_cursor.h"

/* ---- 3.1.1 in the shapes of 5 ---------------------------------------------------------------- */

static otter_status decode_connack(const uint8_t *body, size_t length, struct mqtt_connack *connack)
{
    memset(connack, 0, sizeof *connack);
    return mqtt_decode_connack(body, length, connack);
}

static bool is_ack(enum mqtt_packet_type type)
{
    return type >= MQTT_PACKET_PUBACK && type <= MQTT_PACKET_PUBCOMP;
}

static otter_status decode_ack(enum mqtt_packet_type type, const uint8_t *body, size_t length,
                               struct mqtt_ack *ack)
{
    *ack = (struct mqtt_ack){0};
    return is_ack(type) ? mqtt_decode_ack(body, length, &ack->packet_id) : OTTER_E_MALFORMED;
}

static int encode_ack(uint8_t *out, size_t size, enum mqtt_packet_type type,
                      const struct mqtt_ack *ack)
{
    return is_ack(type) ? mqtt_encode_ack(out, size, type, ack->packet_id) : OTTER_E_ARGUMENT;
}

static int encode_filters(uint8_t *out, size_t size, enum mqtt_packet_type type,
                          const struct mqtt_filter_list *list, const struct mqtt_filter *filters,
                          size_t count)
{
    return mqtt_encode_filters(out, size, type, list->packet_id, filters, count);
}

static otter_status decode_grants(enum mqtt_packet_type type, const uint8_t *body, size_t length,
                                  struct mqtt_suback *suback)
{
    memset(suback, 0, sizeof *suback);
    if (type == MQTT_PACKET_SUBACK)
        return mqtt_decode_suback(body, length, suback);
    return type == MQTT_PACKET_UNSUBACK ? mqtt_decode_ack(body, length, &suback->packet_id)
                                        : OTTER_E_MALFORMED;
}

static int encode_grants(uint8_t *out, size_t size, enum mqtt_packet_type type,
                         const struct mqtt_suback *suback)
{
    if (type == MQTT_PACKET_SUBACK)
        return mqtt_encode_suback(out, size, suback);
    return type == MQTT_PACKET_UNSUBACK ? mqtt_encode_ack(out, size, type, suback->packet_id)
                                        : OTTER_E_ARGUMENT;
}

static otter_status decode_reason(enum mqtt_packet_type type, const uint8_t *body, size_t length,
                                  struct mqtt_reason *reason)
{
    (void)body;
    *reason = (struct mqtt_reason){0};
    return type == MQTT_PACKET_DISCONNECT && length == 0 ? OTTER_OK : OTTER_E_MALFORMED;
}

static int encode_reason(uint8_t *out, size_t size, enum mqtt_packet_type type,
                         const struct mqtt_reason *reason)
{
    (void)reason;
    return type == MQTT_PACKET_DISCONNECT ? mqtt_encode_empty(out, size, type) : OTTER_E_ARGUMENT;
}

static uint8_t connack_code(enum mqtt5_reason reason)
{
    switch (reason) {
    case MQTT5_SUCCESS:
        return MQTT_CONNACK_ACCEPTED;
    case MQTT5_UNSUPPORTED_VERSION:
        return MQTT_CONNACK_PROTOCOL_VERSION;
    case MQTT5_CLIENT_ID_INVALID:
        return MQTT_CONNACK_IDENTIFIER_REJECTED;
    case MQTT5_BAD_USER_OR_PASSWORD:
    case MQTT5_BAD_AUTH_METHOD:
        return MQTT_CONNACK_BAD_USER_OR_PASSWORD;
    case MQTT5_SERVER_UNAVAILABLE:
    case MQTT5_SERVER_BUSY:
    case MQTT5_QUOTA_EXCEEDED:
    case MQTT5_RATE_EXCEEDED:
    case MQTT5_USE_ANOTHER_SERVER:
    case MQTT5_SERVER_MOVED:
        return MQTT_CONNACK_SERVER_UNAVAILABLE;
    default:
        return MQTT_CONNACK_NOT_AUTHORIZED;
    }
}

static uint8_t code(enum mqtt_packet_type type, enum mqtt5_reason reason)
{
    if (type == MQTT_PACKET_CONNACK)
        return connack_code(reason);
    if (type == MQTT_PACKET_SUBACK)
        return (unsigned)reason < MQTT5_UNSPECIFIED_ERROR ? (uint8_t)reason : MQTT_GRANT_REFUSED;
    return 0;
}

const struct mqtt_version mqtt_3_1_1 = {
    .level = MQTT_PROTOCOL_3_1_1,
    .name = "3.1.1",
    .decode_header = mqtt_decode_header,
    .decode_connect = mqtt_decode_connect,
    .encode_connect = mqtt_encode_connect,
    .decode_connack = decode_connack,
    .encode_connack = mqtt_encode_connack,
    .decode_publish = mqtt_decode_publish,
    .encode_publish = mqtt_encode_publish,
    .encode_publish_head = mqtt_encode_publish_head,
    .decode_ack = decode_ack,
    .encode_ack = encode_ack,
    .decode_filters = mqtt_decode_filters,
    .encode_filters = encode_filters,
    .decode_grants = decode_grants,
    .encode_grants = encode_grants,
    .decode_reason = decode_reason,
    .encode_reason = encode_reason,
    .code = code,
};

/* ---- 5 --------------------------------------------------------------------------------------- */

static uint8_t code_of_5(enum mqtt_packet_type type, enum mqtt5_reason reason)
{
    return mqtt5_reason_valid(type, reason) ? (uint8_t)reason : MQTT5_UNSPECIFIED_ERROR;
}

const struct mqtt_version mqtt_5 = {
    .level = MQTT_PROTOCOL_5,
    .name = "5",
    .decode_header = mqtt5_decode_header,
    .decode_connect = mqtt5_decode_connect,
    .encode_connect = mqtt5_encode_connect,
    .decode_connack = mqtt5_decode_connack,
    .encode_connack = mqtt5_encode_connack,
    .decode_publish = mqtt5_decode_publish,
    .encode_publish = mqtt5_encode_publish,
    .encode_publish_head = mqtt5_encode_publish_head,
    .decode_ack = mqtt5_decode_ack,
    .encode_ack = mqtt5_encode_ack,
    .decode_filters = mqtt5_decode_filters,
    .encode_filters = mqtt5_encode_filters,
    .decode_grants = mqtt5_decode_grants,
    .encode_grants = mqtt5_encode_grants,
    .decode_reason = mqtt5_decode_reason,
    .encode_reason = mqtt5_encode_reason,
    .code = code_of_5,
};

const struct mqtt_version *mqtt_version_of(const uint8_t *body, size_t length)
{
    struct mqtt_cursor c = {body, body + length, false};
    const struct mqtt_text name = mqtt_take_text(&c);
    const unsigned level = mqtt_take_u8(&c);
    if (c.failed || name.length != 4 || memcmp(name.data, "MQTT", 4) != 0)
        return NULL;
    return level == MQTT_PROTOCOL_3_1_1 ? &mqtt_3_1_1 : level == MQTT_PROTOCOL_5 ? &mqtt_5 : NULL;
}
