/* Private to the codec: reading and writing the field types of MQTT 3.1.1 section 1.5, with an
 * error that sticks, so that packets are read and written as straight lists of fields. */
#ifndef OTTER_CODEC_MQTT_CURSOR_H
#define OTTER_CODEC_MQTT_CURSOR_H

#include "codec/mqtt_packet.h"

#ifdef __cplusplus
extern "C" {
#endif

struct mqtt_cursor {
    const uint8_t *next;
    const uint8_t *end;
    bool failed; /* the packet ended too early or a field was invalid: reads give 0 and NULL */
};

uint8_t mqtt_take_u8(struct mqtt_cursor *c);
uint16_t mqtt_take_u16(struct mqtt_cursor *c);
uint16_t mqtt_take_packet_id(struct mqtt_cursor *c); /* fails on 0 */
struct mqtt_bytes mqtt_take_bytes(struct mqtt_cursor *c);
struct mqtt_text mqtt_take_text(struct mqtt_cursor *c); /* fails on invalid UTF-8 */
/* Everything was read, and rightly. */
bool mqtt_cursor_done(const struct mqtt_cursor *c);

struct mqtt_writer {
    uint8_t *start;
    uint8_t *next;
    size_t left;
    otter_status error;
};

/* Begins a packet in `out` whose body will have `body_length` bytes; mqtt_end gives its length or
 * the first error. */
struct mqtt_writer mqtt_begin(uint8_t *out, size_t size, unsigned type, unsigned flags,
                              size_t body_length);
int mqtt_end(const struct mqtt_writer *w);
void mqtt_put(struct mqtt_writer *w, const void *data, size_t length);
void mqtt_put_u8(struct mqtt_writer *w, unsigned value);
void mqtt_put_u16(struct mqtt_writer *w, unsigned value);
/* Length and bytes; more than 65535 is OTTER_E_TOO_LONG. */
void mqtt_put_string(struct mqtt_writer *w, const void *data, size_t length);

#ifdef __cplusplus
}
#endif

#endif
