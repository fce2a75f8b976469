/* Private to net/: the bytes that an MQTT session has to send, in one buffer.
 *
 * At its front lies a queue of finished packets; at its end, while there is one, the QoS 1 publish
 * in flight, which is kept until it is acknowledged so that it can go out again after a reconnect:
 *
 *   | sent | queued packets |      room      | kept publish |
 *          start            end              size - kept_length
 *
 * Packets leave in the order they came, the kept one included: `kept_ahead` counts the queued bytes
 * before it, so it is never copied into the queue and never cuts a packet in two. */
#ifndef OTTER_NET_MQTT_FIFO_H
#define OTTER_NET_MQTT_FIFO_H

#include "net/mqtt.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A new connection: the queue is empty; a kept publish stays, and waits for mqtt_fifo_repeat. */
void mqtt_fifo_restart(struct mqtt_fifo *f);

/* Free bytes in one piece (moving the queue to the front for it), to encode a packet into; then
 * either of the two below says what became of it. */
uint8_t *mqtt_fifo_space(struct mqtt_fifo *f, size_t *size);
void mqtt_fifo_queue(struct mqtt_fifo *f, size_t length);
void mqtt_fifo_keep(struct mqtt_fifo *f, size_t length);

/* Lets the kept publish go out again, with DUP if some of it went out before. */
void mqtt_fifo_repeat(struct mqtt_fifo *f);
/* All of the kept publish has gone out on this connection. */
bool mqtt_fifo_kept_is_out(const struct mqtt_fifo *f);
void mqtt_fifo_forget(struct mqtt_fifo *f);

size_t mqtt_fifo_front(const struct mqtt_fifo *f, const uint8_t **data);
void mqtt_fifo_sent(struct mqtt_fifo *f, size_t length);

#ifdef __cplusplus
}
#endif

#endif
