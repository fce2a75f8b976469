/* Private to net/: what mqtt.c and mqtt_input.c need of each other. */
#ifndef OTTER_NET_MQTT_SESSION_H
#define OTTER_NET_MQTT_SESSION_H

#include "net/mqtt.h"

#ifdef __cplusplus
extern "C" {
#endif

enum mqtt_subscription_state {
    MQTT_SUBSCRIPTION_WANTED = 0, /* SUBSCRIBE has still to be queued */
    MQTT_SUBSCRIPTION_ASKED,
    MQTT_SUBSCRIPTION_GRANTED,
    MQTT_SUBSCRIPTION_REFUSED
};

/* Gives the connection up: nothing more is sent or read on it, mqtt_should_close turns true. */
void mqtt_give_up(struct mqtt_session *s, otter_status error);

/* True while packets may come and go. */
bool mqtt_is_live(const struct mqtt_session *s);

/* Queues a packet of at most 4 bytes that must not be lost; gives the connection up without room.
 */
void mqtt_queue_small(struct mqtt_session *s, const uint8_t *packet, int length);

/* Queues a SUBSCRIBE for each subscription that wants one, as far as there is room. */
void mqtt_queue_subscribes(struct mqtt_session *s, otter_ms now);

/* A packet with its header in `gather.header` has come, whole. */
void mqtt_handle_packet(struct mqtt_session *s, otter_ms now, const uint8_t *body, size_t length);

#ifdef __cplusplus
}
#endif

#endif
