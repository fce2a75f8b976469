/* MQTT 3.1.1 packets to and from bytes, for both ends: the device's client and the cloud's gateway.
 * Specification: OASIS MQTT 3.1.1; its conformance numbers stand in mqtt_packet.c.
 *
 * Decoding gives views into the caller's buffer: nothing is copied, a view lives as long as the
 * buffer, and no view is NUL-terminated. An absent optional field has `data == NULL`; a present
 * empty one has length 0. Everything the specification lets a receiver check about one packet alone
 * is checked: UTF-8, topic names and filters, reserved flags, packet identifiers of 0, lengths that
 * do not add up. What is wrong is OTTER_E_MALFORMED.
 *
 * Encoding writes one whole packet to `out` and returns its length, or OTTER_E_TOO_LONG when it
 * does not fit into `size` (or a field into its 16-bit length), or OTTER_E_ARGUMENT when the values
 * would make an invalid packet. Nothing useful is in `out` after an error.
 *
 * Reading a stream: mqtt_decode_header on what has arrived; once `size + body_length` bytes are
 * there, the decoder for `type` on the body (`body_length` bytes after the header).
 *
 * MQTT 5 and MQTT 3.1 are refused: mqtt_decode_connect returns OTTER_E_UNSUPPORTED. QoS 2 packets
 * decode and encode (they are part of 3.1.1); whether to speak QoS 2 is the caller's choice.
 *
 * The structs are those of MQTT 5 too (mqtt5_packet.h; mqtt_version.h chooses): what only it has is
 * marked so. Encoding here does not read these members; decoding promises
 * nothing about them, the table of mqtt_version.h leaves them empty. */
#ifndef OTTER_CODEC_MQTT_PACKET_H
#define OTTER_CODEC_MQTT_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "port/status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define MQTT_HEADER_MAX     5u
#define MQTT_BODY_MAX       268435455u /* largest remaining length */
#define MQTT_PROTOCOL_3_1_1 4u
#define MQTT_GRANT_REFUSED  0x80u /* code in a SUBACK */

struct mqtt_text {
    const char *data;
    size_t length;
};

struct mqtt_bytes {
    const uint8_t *data;
    size_t length;
};

enum mqtt_packet_type {
    MQTT_PACKET_CONNECT = 1,
    MQTT_PACKET_CONNACK,
    MQTT_PACKET_PUBLISH,
    MQTT_PACKET_PUBACK,
    MQTT_PACKET_PUBREC,
    MQTT_PACKET_PUBREL,
    MQTT_PACKET_PUBCOMP,
    MQTT_PACKET_SUBSCRIBE,
    MQTT_PACKET_SUBACK,
    MQTT_PACKET_UNSUBSCRIBE,
    MQTT_PACKET_UNSUBACK,
    MQTT_PACKET_PINGREQ,
    MQTT_PACKET_PINGRESP,
    MQTT_PACKET_DISCONNECT,
    MQTT_PACKET_AUTH /* MQTT 5 */
};

struct mqtt_header {
    enum mqtt_packet_type type;
    uint8_t flags;        /* low half of the first byte, checked against the type */
    uint8_t size;         /* bytes of the fixed header, 2..5 */
    uint32_t body_length; /* the remaining length: bytes after the fixed header */
};

/* OTTER_E_AGAIN when `length` bytes do not yet hold a whole fixed header. A packet that may have no
 * body (PINGREQ, DISCONNECT, ...) or has one of fixed length is refused here when it says
 * otherwise, so a peer cannot make the reader wait for bytes that mean nothing. */
otter_status mqtt_decode_header(const uint8_t *data, size_t length, struct mqtt_header *header);

/* The same for MQTT 5, where bodies that 3.1.1 knows the length of may be longer. */
otter_status mqtt_decode_loose_header(const uint8_t *data, size_t length,
                                      struct mqtt_header *header);

/* "PUBLISH" and so on, for logs; "?" for a number that is no type. */
const char *mqtt_packet_name(enum mqtt_packet_type type);

enum mqtt_connack_code {
    MQTT_CONNACK_ACCEPTED = 0,
    MQTT_CONNACK_PROTOCOL_VERSION = 1,
    MQTT_CONNACK_IDENTIFIER_REJECTED = 2,
    MQTT_CONNACK_SERVER_UNAVAILABLE = 3,
    MQTT_CONNACK_BAD_USER_OR_PASSWORD = 4,
    MQTT_CONNACK_NOT_AUTHORIZED = 5
};

struct mqtt_connect {
    uint8_t protocol_level; /* set by decoding, ignored by encoding (always 4) */
    bool clean_session;
    uint16_t keep_alive_s; /* 0: none */
    struct mqtt_text client_id;
    struct mqtt_text will_topic; /* NULL: no will, and the other will fields mean nothing */
    struct mqtt_bytes will_payload;
    uint8_t will_qos;
    bool will_retain;
    struct mqtt_text user_name;
    struct mqtt_bytes password;
    struct mqtt_bytes properties, will_properties; /* MQTT 5 */
};

/* OTTER_E_UNSUPPORTED for another protocol level or the name "MQIsdp"; `protocol_level` is then set
 * and nothing else: answer with MQTT_CONNACK_PROTOCOL_VERSION and close. */
otter_status mqtt_decode_connect(const uint8_t *body, size_t length, struct mqtt_connect *connect);
int mqtt_encode_connect(uint8_t *out, size_t size, const struct mqtt_connect *connect);

struct mqtt_connack {
    bool session_present;
    uint8_t code; /* enum mqtt_connack_code; AWS IoT also sends others. MQTT 5: enum mqtt_reason */
    struct mqtt_bytes properties; /* MQTT 5 */
};

otter_status mqtt_decode_connack(const uint8_t *body, size_t length, struct mqtt_connack *connack);
int mqtt_encode_connack(uint8_t *out, size_t size, const struct mqtt_connack *connack);

struct mqtt_publish {
    struct mqtt_text topic; /* no wildcards; empty only in MQTT 5, with a topic alias */
    struct mqtt_bytes payload;
    uint16_t packet_id; /* 0 exactly for QoS 0 */
    uint8_t qos;        /* 0..2 */
    bool retain;
    bool duplicate;               /* never with QoS 0 */
    struct mqtt_bytes properties; /* MQTT 5 */
};

/* `flags` is that of the header. */
otter_status mqtt_decode_publish(uint8_t flags, const uint8_t *body, size_t length,
                                 struct mqtt_publish *publish);
/* The same for MQTT 5: the topic may be empty, and the properties are left in the payload. */
otter_status mqtt_decode_loose_publish(uint8_t flags, const uint8_t *body, size_t length,
                                       struct mqtt_publish *publish);
int mqtt_encode_publish(uint8_t *out, size_t size, const struct mqtt_publish *publish);
/* Only what comes before the payload: the caller sends `payload.length` bytes after it, from where
 * they are. `payload.data` is not read. */
int mqtt_encode_publish_head(uint8_t *out, size_t size, const struct mqtt_publish *publish);

/* PUBACK, PUBREC, PUBREL, PUBCOMP and UNSUBACK: a packet identifier and nothing else. */
otter_status mqtt_decode_ack(const uint8_t *body, size_t length, uint16_t *packet_id);
int mqtt_encode_ack(uint8_t *out, size_t size, enum mqtt_packet_type type, uint16_t packet_id);

/* The filters of a SUBSCRIBE or UNSUBSCRIBE; decoding has checked all of them (at least one), so
 * that walking over them cannot fail:
 *   struct mqtt_filter filter;
 *   while (mqtt_next_filter(&list, &filter)) ... */
struct mqtt_filter_list {
    uint16_t packet_id;
    uint16_t count;
    struct mqtt_bytes properties; /* MQTT 5 */
    bool with_qos;                /* private: SUBSCRIBE, not UNSUBSCRIBE */
    struct mqtt_bytes rest;       /* private */
};

struct mqtt_filter {
    struct mqtt_text text;
    uint8_t qos;     /* 0..2 asked for; 0 in an UNSUBSCRIBE */
    uint8_t options; /* MQTT 5: MQTT_NO_LOCAL and so on of a SUBSCRIBE */
};

/* `type` is MQTT_PACKET_SUBSCRIBE or MQTT_PACKET_UNSUBSCRIBE, in decoding and encoding. */
otter_status mqtt_decode_filters(enum mqtt_packet_type type, const uint8_t *body, size_t length,
                                 struct mqtt_filter_list *list);
bool mqtt_next_filter(struct mqtt_filter_list *list, struct mqtt_filter *filter);
int mqtt_encode_filters(uint8_t *out, size_t size, enum mqtt_packet_type type, uint16_t packet_id,
                        const struct mqtt_filter *filters, size_t count);

struct mqtt_suback {
    uint16_t packet_id;
    struct mqtt_bytes codes; /* each 0, 1, 2 or MQTT_GRANT_REFUSED, in the order of the filters */
    struct mqtt_bytes properties; /* MQTT 5, where the codes are those of enum mqtt_reason */
};

otter_status mqtt_decode_suback(const uint8_t *body, size_t length, struct mqtt_suback *suback);
int mqtt_encode_suback(uint8_t *out, size_t size, const struct mqtt_suback *suback);

/* PINGREQ, PINGRESP and DISCONNECT. In 3.1.1 they have no body, so there is nothing to decode. */
int mqtt_encode_empty(uint8_t *out, size_t size, enum mqtt_packet_type type);

/* Section 1.5.3: well-formed UTF-8 without U+0000 and surrogates, at most 65535 bytes. */
bool mqtt_text_valid(struct mqtt_text text);
/* Section 4.7: a valid text of at least one byte; a topic has no wildcard, in a filter `+` stands
 * alone in its level and `#` alone in the last. */
bool mqtt_topic_valid(struct mqtt_text topic);
bool mqtt_filter_valid(struct mqtt_text filter);
/* Section 4.7, with its rule that a leading wildcard does not match a topic that begins with $.
 * Both must be valid. */
bool mqtt_filter_matches(struct mqtt_text filter, struct mqtt_text topic);

#ifdef __cplusplus
}
#endif

#endif
