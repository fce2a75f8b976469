/* Mosquitto behind the gateway: kept alive here, reachable only through a Unix socket in the
 * cloud's folder, and the cloud's own connection to it.
 *
 * Jobs and streams are in the database; persistent sessions, what waits for them, and retained
 * messages are Mosquitto's, which saves them to DIR/broker/mosquitto.db: when it ends, also when
 * the cloud is killed, and a second after a change (broker_changed). So only a kill -9 of Mosquitto
 * itself, or of the machine, can lose any, of the last second, or of longer when there are many
 * MiB; retained messages then come back from the database (broker_on_start).
 *
 * When it dies, hangs or loses its socket it is started again, and every connection through the
 * gateway ends and comes back. */
#ifndef OTTER_CLOUD_BROKER_BROKER_H
#define OTTER_CLOUD_BROKER_BROKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "port/status.h"

struct broker;
struct event_base;

/* Starts Mosquitto with its files in `dir`/broker, where sessions of MQTT 3.1.1 outlive their
 * connection by `session_s` (in whole hours, rounded up), and waits, running `base`, until a
 * message of its own has come back through it: from then on devices can publish. NULL after saying
 * on stderr what is wrong and what to do. */
struct broker *broker_start(struct event_base *base, const char *dir, unsigned session_s);
void broker_stop(struct broker *broker);

/* Has `started` called whenever a Mosquitto has come up, and now for the one that has: to say again
 * what it may have lost. `saved_ms`: when the state that it began with was saved, in milliseconds
 * since 1970; 0: it began with none. One at a time. */
void broker_on_start(struct broker *broker, void (*started)(void *context, int64_t saved_ms),
                     void *context);

/* Whether it has relayed a message of ours lately. */
bool broker_is_up(const struct broker *broker);

/* Where clients are relayed to. */
void broker_address(const struct broker *broker, struct sockaddr_un *address);

/* ---- the cloud's own connection ---- */

/* A message as it came, or as it goes; all of it is the giver's, for the time of the call. */
struct broker_message {
    const char *topic;
    const void *payload;
    size_t length;
};

/* QoS 1. Messages wait, up to a bound, while the broker is away; past it the oldest go. */
void broker_publish(struct broker *broker, const char *topic, const void *payload, size_t length);
/* The same at a QoS of 0 or 1, and perhaps retained. */
void broker_send(struct broker *broker, const struct broker_message *message, int qos, bool retain);
typedef void broker_listener(void *context, const struct broker_message *message);

struct broker_subscription;

/* Has `listener` called for each message to a topic that matches `filter` (a valid one; QoS 1), in
 * the order of their arrival, until broker_unsubscribe. It lasts when the broker is started again,
 * but what is published while the link is away is not seen. Several may have the same filter, or
 * overlapping ones: each sees a message once. A listener may publish, subscribe and unsubscribe,
 * itself included. NULL: out of memory. Subscriptions end with the broker. */
struct broker_subscription *broker_subscribe(struct broker *broker, const char *filter,
                                             broker_listener *listener, void *context);
void broker_unsubscribe(struct broker_subscription *subscription); /* NULL is fine */

/* Something was said to the broker that must outlive it: it is made to save within a second or so.
 */
void broker_changed(struct broker *broker);

#endif
