/* The version of MQTT that a connection speaks, as a table of what is written differently. Whoever
 * serves several versions keeps a pointer for each connection and calls through it; whoever speaks
 * 3.1.1 alone, as the device does, calls mqtt_packet.h and has nothing of MQTT 5 in its program.
 *
 * Members mean what mqtt_packet.h and mqtt5_packet.h say. Through the 3.1.1 table, what only MQTT 5
 * has is empty after decoding and left out when encoding: that is how a packet is handed from a
 * connection of one version to one of the other. */
#ifndef OTTER_CODEC_MQTT_VERSION_H
#define OTTER_CODEC_MQTT_VERSION_H

#include "codec/mqtt5_packet.h"
#include "codec/mqtt_packet.h"

#ifdef __cplusplus
extern "C" {
#endif

struct mqtt_version {
    uint8_t level; /* in CONNECT */
    const char *name;
    otter_status (*decode_header)(const uint8_t *data, size_t length, struct mqtt_header *header);
    otter_status (*decode_connect)(const uint8_t *body, size_t length,
                                   struct mqtt_connect *connect);
    int (*encode_connect)(uint8_t *out, size_t size, const struct mqtt_connect *connect);
    otter_status (*decode_connack)(const uint8_t *body, size_t length,
                                   struct mqtt_connack *connack);
    int (*encode_connack)(uint8_t *out, size_t size, const struct mqtt_connack *connack);
    otter_status (*decode_publish)(uint8_t flags, const uint8_t *body, size_t length,
                                   struct mqtt_publish *publish);
    int (*encode_publish)(uint8_t *out, size_t size, const struct mqtt_publish *publish);
    int (*encode_publish_head)(uint8_t *out, size_t size, const struct mqtt_publish *publish);
    otter_status (*decode_ack)(enum mqtt_packet_type type, const uint8_t *body, size_t length,
                               struct mqtt_ack *ack);
    int (*encode_ack)(uint8_t *out, size_t size, enum mqtt_packet_type type,
                      const struct mqtt_ack *ack);
    otter_status (*decode_filters)(enum mqtt_packet_type type, const uint8_t *body, size_t length,
                                   struct mqtt_filter_list *list);
    int (*encode_filters)(uint8_t *out, size_t size, enum mqtt_packet_type type,
                          const struct mqtt_filter_list *list, const struct mqtt_filter *filters,
                          size_t count);
    otter_status (*decode_grants)(enum mqtt_packet_type type, const uint8_t *body, size_t length,
                                  struct mqtt_suback *suback);
    int (*encode_grants)(uint8_t *out, size_t size, enum mqtt_packet_type type,
                         const struct mqtt_suback *suback);
    otter_status (*decode_reason)(enum mqtt_packet_type type, const uint8_t *body, size_t length,
                                  struct mqtt_reason *reason);
    int (*encode_reason)(uint8_t *out, size_t size, enum mqtt_packet_type type,
                         const struct mqtt_reason *reason);
    /* The code that says `reason` in a packet of that type, as well as the version can. */
    uint8_t (*code)(enum mqtt_packet_type type, enum mqtt5_reason reason);
};

extern const struct mqtt_version mqtt_3_1_1, mqtt_5;

/* The version that the body of a CONNECT asks for; NULL for one that is neither, and for what is no
 * CONNECT at all. */
const struct mqtt_version *mqtt_version_of(const uint8_t *body, size_t length);

#ifdef __cplusplus
}
#endif

#endif
