/* Mosquitto behind the gateway: kept alive here, reachable only through a Unix socket in the
 * cloud's folder, and core's own connection to it.
 *
 * Nothing is lost with it that must last: jobs and streams are in the database; sessions and
 * retained messages live as long as the process. When it dies it is started again, and every
 * connection through the gateway ends and comes back. */
#ifndef OTTER_CLOUD_CORE_BROKER_H
#define OTTER_CLOUD_CORE_BROKER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "port/status.h"

struct broker;
struct event_base;

/* Starts Mosquitto with its files in `dir`/broker and waits, running `base`, until core is connected. NULL
 * after saying on stderr what is wrong and what to do. */
struct broker *broker_start(struct event_base *base, const char *dir);
void broker_stop(struct broker *broker);

/* Where clients are relayed to. */
void broker_address(const struct broker *broker, struct sockaddr_un *address);

/* QoS 1. Messages wait, up to a bound, while the broker is away; past it the oldest go. */
void broker_publish(struct broker *broker, const char *topic, const void *payload, size_t length);

/* ---- shared by broker.c and broker_process.c ----------------------------------------------- */

struct broker_process;

/* NULL after saying on stderr what is wrong. */
struct broker_process *broker_process_start(struct event_base *base, const char *dir);
void broker_process_stop(struct broker_process *process);
void broker_process_address(const struct broker_process *process, struct sockaddr_un *address);
/* False when Mosquitto ended again and again right after its start. */
bool broker_process_healthy(const struct broker_process *process);
const char *broker_process_log(const struct broker_process *process); /* path */

#endif
