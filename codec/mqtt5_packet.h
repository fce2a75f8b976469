/* MQTT 5 packets to and from bytes. Specification: OASIS MQTT 5.0.
 *
 * What mqtt_packet.h says of views, errors and reading a stream holds here, and its structs are
 * used with the members that only MQTT 5 has: properties (mqtt5_properties.h), options of a
 * subscription, reason codes. Everything that a receiver can check about one packet alone is
 * checked: beside what 3.1.1 has, which properties and reason codes may stand in it, their ranges
 * and their number, shortest forms of lengths, shared subscriptions. What depends on the side (a
 * subscription identifier sent by a client) or on other packets (topic aliases) is the caller's.
 *
 * Of the forms that say the same, encoding chooses the shortest. */
#ifndef OTTER_CODEC_MQTT5_PACKET_H
#define OTTER_CODEC_MQTT5_PACKET_H

#include "codec/mqtt5_properties.h"
#include "codec/mqtt_packet.h"

#ifdef __cplusplus
extern "C" {
#endif

#define MQTT_PROTOCOL_5 5u

/* Section 2.4. Those of a SUBACK below 0x80 are the granted QoS. */
enum mqtt5_reason {
    MQTT5_SUCCESS = 0x00,
    MQTT5_DISCONNECT_WITH_WILL = 0x04,
    MQTT5_NO_MATCHING_SUBSCRIBERS = 0x10,
    MQTT5_NO_SUBSCRIPTION_EXISTED = 0x11,
    MQTT5_CONTINUE_AUTHENTICATION = 0x18,
    MQTT5_REAUTHENTICATE = 0x19,
    MQTT5_UNSPECIFIED_ERROR = 0x80,
    MQTT5_MALFORMED_PACKET = 0x81,
    MQTT5_PROTOCOL_ERROR = 0x82,
    MQTT5_IMPLEMENTATION_ERROR = 0x83,
    MQTT5_UNSUPPORTED_VERSION = 0x84,
    MQTT5_CLIENT_ID_INVALID = 0x85,
    MQTT5_BAD_USER_OR_PASSWORD = 0x86,
    MQTT5_NOT_AUTHORIZED = 0x87,
    MQTT5_SERVER_UNAVAILABLE = 0x88,
    MQTT5_SERVER_BUSY = 0x89,
    MQTT5_BANNED = 0x8a,
    MQTT5_SERVER_SHUTTING_DOWN = 0x8b,
    MQTT5_BAD_AUTH_METHOD = 0x8c,
    MQTT5_KEEP_ALIVE_TIMEOUT = 0x8d,
    MQTT5_SESSION_TAKEN_OVER = 0x8e,
    MQTT5_FILTER_INVALID = 0x8f,
    MQTT5_TOPIC_INVALID = 0x90,
    MQTT5_PACKET_ID_IN_USE = 0x91,
    MQTT5_PACKET_ID_NOT_FOUND = 0x92,
    MQTT5_RECEIVE_MAX_EXCEEDED = 0x93,
    MQTT5_TOPIC_ALIAS_INVALID = 0x94,
    MQTT5_PACKET_TOO_LARGE = 0x95,
    MQTT5_RATE_TOO_HIGH = 0x96,
    MQTT5_QUOTA_EXCEEDED = 0x97,
    MQTT5_ADMINISTRATIVE = 0x98,
    MQTT5_PAYLOAD_FORMAT_INVALID = 0x99,
    MQTT5_RETAIN_NOT_SUPPORTED = 0x9a,
    MQTT5_QOS_NOT_SUPPORTED = 0x9b,
    MQTT5_USE_ANOTHER_SERVER = 0x9c,
    MQTT5_SERVER_MOVED = 0x9d,
    MQTT5_SHARED_NOT_SUPPORTED = 0x9e,
    MQTT5_RATE_EXCEEDED = 0x9f,
    MQTT5_CONNECT_TIME_EXCEEDED = 0xa0,
    MQTT5_SUBSCRIPTION_IDS_NOT_SUPPORTED = 0xa1,
    MQTT5_WILDCARDS_NOT_SUPPORTED = 0xa2
};

/* True when a packet of that type may carry the code: table 2-6. */
bool mqtt5_reason_valid(enum mqtt_packet_type type, unsigned code);

/* `options` of struct mqtt_filter. */
#define MQTT5_NO_LOCAL            0x04u
#define MQTT5_RETAIN_AS_PUBLISHED 0x08u
#define MQTT5_RETAIN_HANDLING     4u /* position of two bits: 0..2 */

otter_status mqtt5_decode_header(const uint8_t *data, size_t length, struct mqtt_header *header);

/* OTTER_E_UNSUPPORTED as in 3.1.1, for every level but 5. A password may come without user name. */
otter_status mqtt5_decode_connect(const uint8_t *body, size_t length, struct mqtt_connect *connect);
int mqtt5_encode_connect(uint8_t *out, size_t size, const struct mqtt_connect *connect);

otter_status mqtt5_decode_connack(const uint8_t *body, size_t length, struct mqtt_connack *connack);
int mqtt5_encode_connack(uint8_t *out, size_t size, const struct mqtt_connack *connack);

otter_status mqtt5_decode_publish(uint8_t flags, const uint8_t *body, size_t length,
                                  struct mqtt_publish *publish);
int mqtt5_encode_publish(uint8_t *out, size_t size, const struct mqtt_publish *publish);
int mqtt5_encode_publish_head(uint8_t *out, size_t size, const struct mqtt_publish *publish);

/* PUBACK, PUBREC, PUBREL, PUBCOMP. 3.1.1 has the packet identifier alone. */
struct mqtt_ack {
    uint16_t packet_id;
    uint8_t reason; /* enum mqtt5_reason */
    struct mqtt_bytes properties;
};

otter_status mqtt5_decode_ack(enum mqtt_packet_type type, const uint8_t *body, size_t length,
                              struct mqtt_ack *ack);
int mqtt5_encode_ack(uint8_t *out, size_t size, enum mqtt_packet_type type,
                     const struct mqtt_ack *ack);

/* Walked over with mqtt_next_filter. */
otter_status mqtt5_decode_filters(enum mqtt_packet_type type, const uint8_t *body, size_t length,
                                  struct mqtt_filter_list *list);
/* Of `list` the packet identifier and the properties are read. */
int mqtt5_encode_filters(uint8_t *out, size_t size, enum mqtt_packet_type type,
                         const struct mqtt_filter_list *list, const struct mqtt_filter *filters,
                         size_t count);

/* SUBACK and UNSUBACK: a code for each filter. In 3.1.1 an UNSUBACK has none. */
otter_status mqtt5_decode_grants(enum mqtt_packet_type type, const uint8_t *body, size_t length,
                                 struct mqtt_suback *suback);
int mqtt5_encode_grants(uint8_t *out, size_t size, enum mqtt_packet_type type,
                        const struct mqtt_suback *suback);

/* DISCONNECT and AUTH. In 3.1.1 a DISCONNECT has no body, and there is no AUTH. */
struct mqtt_reason {
    uint8_t code; /* enum mqtt5_reason */
    struct mqtt_bytes properties;
};

otter_status mqtt5_decode_reason(enum mqtt_packet_type type, const uint8_t *body, size_t length,
                                 struct mqtt_reason *reason);
int mqtt5_encode_reason(uint8_t *out, size_t size, enum mqtt_packet_type type,
                        const struct mqtt_reason *reason);

#ifdef __cplusplus
}
#endif

#endif
