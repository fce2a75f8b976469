/* Mosquitto behind the gateway: kept alive here, reachable only through a Unix socket in the
 * cloud's folder, and core's own connection to it.
 *
 * Jobs and streams are in the database; persistent sessions, what waits for them, and retained
 * messages are Mosquitto's, which saves them to DIR/broker/mosquitto.db: when it ends, also when
 * the cloud is killed, and a second after a change (broker_changed). So only a kill -9 of Mosquitto
 * itself, or of the machine, can lose any, of the last second, or of longer when there are many
 * MiB.
 *
 * When it dies, hangs or loses its socket it is started again, and every connection through the
 * gateway ends and comes back. */
#ifndef OTTER_CLOUD_BROKER_BROKER_H
#define OTTER_CLOUD_BROKER_BROKER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "port/status.h"

struct broker;
struct event_base;

/* Starts Mosquitto with its files in `dir`/broker and waits, running `base`, until a message of
 * core's has come back through it: from then on devices can publish. NULL after saying on stderr
 * what is wrong and what to do. */
struct broker *broker_start(struct event_base *base, const char *dir);
void broker_stop(struct broker *broker);

/* Where clients are relayed to. */
void broker_address(const struct broker *broker, struct sockaddr_un *address);

/* QoS 1. Messages wait, up to a bound, while the broker is away; past it the oldest go. */
void broker_publish(struct broker *broker, const char *topic, const void *payload, size_t length);

/* Something was said to the broker that must outlive it: it is made to save within a second or so.
 */
void broker_changed(struct broker *broker);

/* ---- shared by broker.c and broker_process.c ----------------------------------------------- */

struct broker_process;

/* NULL after saying on stderr what is wrong. */
struct broker_process *broker_process_start(struct event_base *base, const char *dir);
void broker_process_stop(struct broker_process *process);
void broker_process_address(const struct broker_process *process, struct sockaddr_un *address);
/* False when Mosquitto ended again and again right after its start. */
bool broker_process_healthy(const struct broker_process *process);
/* Core has been answered through the socket that is there now; it is watched from here on. */
void broker_process_reached(struct broker_process *process);
/* Ends it, for the reason that is logged; it is started again as after any death. */
void broker_process_replace(struct broker_process *process, const char *why);
/* Makes it save, once, within a second or a little more. */
void broker_process_save(struct broker_process *process);
const char *broker_process_log(const struct broker_process *process); /* path */

#endif
