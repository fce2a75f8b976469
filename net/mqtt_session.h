/* Private to net/: what the files of the MQTT session need of each other. */
#ifndef OTTER_NET_MQTT_SESSION_H
#define OTTER_NET_MQTT_SESSION_H

#include "net/mqtt.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Of the output, for packets that must not be lost: PUBACK, PINGREQ, DISCONNECT. */
#define MQTT_RESERVE (MQTT_OUTPUT_OVERHEAD - MQTT_HEADER_MAX - 4u)

/* ---- mqtt.c: the connection ------------------------------------------------------------------ */

struct mqtt_text mqtt_text_of(const char *s);
/* Gives the connection up: nothing more is sent or read on it, mqtt_should_close turns true. */
void mqtt_give_up(struct mqtt_session *s, otter_status error);
/* Packets may come and go; or, connected, those of services may. */
bool mqtt_is_live(const struct mqtt_session *s);
bool mqtt_is_up(const struct mqtt_session *s);
/* Queues a packet of at most 4 bytes that must not be lost; gives the connection up without room.
 */
void mqtt_queue_small(struct mqtt_session *s, const uint8_t *packet, int length);
void mqtt_send_ping(struct mqtt_session *s, otter_ms now);
/* Room for packets that can wait: what must not be lost has its reserve. */
uint8_t *mqtt_space(struct mqtt_session *s, size_t *size);
/* A packet identifier that nothing in flight has. */
uint16_t mqtt_new_packet_id(struct mqtt_session *s);
/* Queues what was waiting for a connection, for room or for a slot. */
void mqtt_pump(struct mqtt_session *s, otter_ms now);

/* ---- mqtt_input.c ---------------------------------------------------------------------------- */

/* What the code of a CONNACK says. */
const char *mqtt_refusal_text(uint8_t code);
/* A packet with its header in `gather.header` has come, whole. */
void mqtt_handle_packet(struct mqtt_session *s, otter_ms now, const uint8_t *body, size_t length);

/* ---- mqtt_services.c: who gets what, and subscriptions --------------------------------------- */

/* The full topic or filter in `out`, which has MQTT_TOPIC_MAX bytes; 0 for one that is longer. */
size_t mqtt_full_topic(const struct mqtt_service *service, const char *rest, char *out);
void mqtt_deliver(struct mqtt_session *s, otter_ms now, const struct mqtt_publish *publish);
void mqtt_deliver_oversized(struct mqtt_session *s, otter_ms now, struct mqtt_text topic,
                            uint32_t length);
bool mqtt_is_asked_with(const struct mqtt_session *s, uint16_t packet);
void mqtt_queue_subscribes(struct mqtt_session *s, otter_ms now);
/* False when another one is still to come. */
void mqtt_subscription_answered(struct mqtt_session *s, otter_ms now, uint16_t packet,
                                bool granted);
/* Calls on_online of those that have become so; on_offline of all that were. */
void mqtt_go_online(struct mqtt_session *s, otter_ms now);
void mqtt_go_offline(struct mqtt_session *s, otter_ms now);

/* ---- mqtt_publish.c: publishes, tickets, and whom a lost connection is charged to ------------ */

bool mqtt_is_sent_with(const struct mqtt_session *s, uint16_t packet);
void mqtt_launch_tickets(struct mqtt_session *s, otter_ms now);
/* The payload that was leaving is out. */
void mqtt_ticket_left(struct mqtt_session *s, otter_ms now);
/* Some of it is. */
void mqtt_payload_moves(struct mqtt_session *s, otter_ms now);
/* Nothing leaves any more on this connection. */
void mqtt_stop_leaving(struct mqtt_session *s);
/* `status` OTTER_E_REFUSED: it does not want it. */
void mqtt_ticket_acknowledged(struct mqtt_session *s, otter_ms now, uint16_t packet,
                              otter_status status);
/* A PINGREQ is on its way; its PINGRESP has come: what went before it, the broker let pass. */
void mqtt_ask_for_proof(struct mqtt_session *s);
void mqtt_proof_has_come(struct mqtt_session *s, otter_ms now);
/* The connection is gone: finds out whom to suspect, and gives results. */
void mqtt_charge_loss(struct mqtt_session *s, otter_ms now);
/* When a ticket's PUBACK is due, a turn ends, or a pause. */
otter_ms mqtt_publish_deadline(const struct mqtt_session *s);
void mqtt_end_pauses(struct mqtt_session *s, otter_ms now);
/* A PUBACK should have come by now; remembered until mqtt_charge_loss. */
bool mqtt_find_late_tickets(struct mqtt_session *s, otter_ms now);

#ifdef __cplusplus
}
#endif

#endif
