/* Private to net/: the bytes that an MQTT session has to send.
 *
 * A queue of packets lies in one buffer. The payload of a ticket stays where its publisher has it,
 * and goes out behind its head as if it lay in the queue; only one at a time:
 *
 *   | sent | packets | head |          | more packets |    room |
 *        start             ^-- body --^              end
 *            `----- ahead -----`
 */
#ifndef OTTER_NET_MQTT_FIFO_H
#define OTTER_NET_MQTT_FIFO_H

#include "net/mqtt.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A new connection: nothing is queued. */
void mqtt_fifo_restart(struct mqtt_fifo *f);

/* Free bytes in one piece (moving the queue to the front for it), to encode a packet into; then
 * mqtt_fifo_queue says how long it became. */
uint8_t *mqtt_fifo_space(struct mqtt_fifo *f, size_t *size);
void mqtt_fifo_queue(struct mqtt_fifo *f, size_t length);

/* Behind what is queued now, of which the last `head` bytes begin its packet; when there is no
 * other body left. */
void mqtt_fifo_body(struct mqtt_fifo *f, size_t head, const uint8_t *body, size_t length);
/* Some of the body's packet has gone out. */
bool mqtt_fifo_body_begun(const struct mqtt_fifo *f);

size_t mqtt_fifo_front(const struct mqtt_fifo *f, const uint8_t **data);
void mqtt_fifo_sent(struct mqtt_fifo *f, size_t length);

#ifdef __cplusplus
}
#endif

#endif
