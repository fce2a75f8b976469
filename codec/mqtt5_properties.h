/* Properties of MQTT 5 packets: section 2.2.2 of OASIS MQTT 5.0.
 *
 * The properties of a packet are a view: the bytes after their length, in the order of the wire, as
 * the packet's decoder has checked them. Encoding a packet takes such a view, from a packet that
 * was decoded (they go on unchanged) or from mqtt5_put_property, and checks it again.
 *
 *   struct mqtt_bytes rest = publish.properties;
 *   struct mqtt5_property property;
 *   while (mqtt5_next_property(&rest, &property)) ... */
#ifndef OTTER_CODEC_MQTT5_PROPERTIES_H
#define OTTER_CODEC_MQTT5_PROPERTIES_H

#include "codec/mqtt_packet.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Table 2-4. */
enum mqtt5_property_id {
    MQTT5_PAYLOAD_FORMAT = 1, /* number, 0 or 1: the payload is UTF-8 */
    MQTT5_MESSAGE_EXPIRY = 2, /* number, seconds */
    MQTT5_CONTENT_TYPE = 3,
    MQTT5_RESPONSE_TOPIC = 8, /* a topic without wildcards */
    MQTT5_CORRELATION_DATA = 9,
    MQTT5_SUBSCRIPTION_ID = 11, /* number, 1..MQTT_BODY_MAX; may repeat in a PUBLISH */
    MQTT5_SESSION_EXPIRY = 17,  /* number, seconds */
    MQTT5_ASSIGNED_CLIENT_ID = 18,
    MQTT5_SERVER_KEEP_ALIVE = 19, /* number, seconds */
    MQTT5_AUTH_METHOD = 21,
    MQTT5_AUTH_DATA = 22,             /* only beside a method */
    MQTT5_REQUEST_PROBLEM_INFO = 23,  /* number, 0 or 1 */
    MQTT5_WILL_DELAY = 24,            /* number, seconds */
    MQTT5_REQUEST_RESPONSE_INFO = 25, /* number, 0 or 1 */
    MQTT5_RESPONSE_INFO = 26,
    MQTT5_SERVER_REFERENCE = 28,
    MQTT5_REASON_STRING = 31,
    MQTT5_RECEIVE_MAX = 33,     /* number, 1..65535 */
    MQTT5_TOPIC_ALIAS_MAX = 34, /* number, 0..65535 */
    MQTT5_TOPIC_ALIAS = 35,     /* number, 1..65535 */
    MQTT5_MAX_QOS = 36,         /* number, 0 or 1 */
    MQTT5_RETAIN_AVAILABLE = 37,
    MQTT5_USER_PROPERTY = 38,   /* a pair; may repeat */
    MQTT5_MAX_PACKET_SIZE = 39, /* number, above 0 */
    MQTT5_WILDCARD_AVAILABLE = 40,
    MQTT5_SUBSCRIPTION_ID_AVAILABLE = 41,
    MQTT5_SHARED_AVAILABLE = 42
};

/* What its kind is made of has a value, the rest is empty. */
struct mqtt5_property {
    uint8_t id; /* enum mqtt5_property_id */
    uint32_t number;
    struct mqtt_bytes bytes; /* texts too; the name of a pair */
    struct mqtt_text value;  /* of a pair */
};

/* The properties of the will inside a CONNECT, where a packet type is asked for. */
#define MQTT5_WILL ((enum mqtt_packet_type)0)

/* OTTER_OK when each may stand in such a packet, is well-formed, in its range, and there once. */
otter_status mqtt5_check_properties(enum mqtt_packet_type type, struct mqtt_bytes properties);

/* Takes the first one off; false when there is none left. `rest` must have been checked. */
bool mqtt5_next_property(struct mqtt_bytes *rest, struct mqtt5_property *property);
/* The first with that id. */
bool mqtt5_find_property(struct mqtt_bytes properties, enum mqtt5_property_id id,
                         struct mqtt5_property *property);

/* Writes one property and returns its length, or OTTER_E_TOO_LONG, or OTTER_E_ARGUMENT for an id
 * or number that is none. Several beside each other are the properties of a packet. */
int mqtt5_put_property(uint8_t *out, size_t size, const struct mqtt5_property *property);

#ifdef __cplusplus
}
#endif

#endif
