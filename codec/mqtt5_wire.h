/* Private to the codec: the field types that MQTT 5 adds to those of mqtt_cursor.h. */
#ifndef OTTER_CODEC_MQTT5_WIRE_H
#define OTTER_CODEC_MQTT5_WIRE_H

#include "codec/mqtt_cursor.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Section 1.5.5; fails on a form that is longer than it must be [MQTT-1.5.5-1]. */
uint32_t mqtt5_take_varint(struct mqtt_cursor *c);
size_t mqtt5_varint_size(size_t value);
/* Above MQTT_BODY_MAX it is OTTER_E_TOO_LONG. */
void mqtt5_put_varint(struct mqtt_writer *w, size_t value);

/* Length and properties; takes them checked against the type, MQTT5_WILL for a will's. */
struct mqtt_bytes mqtt5_take_properties(struct mqtt_cursor *c, enum mqtt_packet_type type);
void mqtt5_put_properties(struct mqtt_writer *w, struct mqtt_bytes properties);

#ifdef __cplusplus
}
#endif

#endif
