/* What a listening socket needs to stay calm in a crowd, for MQTT and HTTP alike.
 *
 * A connection is not accepted before its peer has sent a byte (both protocols begin with the
 * client), or has stayed silent for some ten seconds. When nothing can be accepted, for want of
 * file descriptors or memory, the socket rests a moment: without that the loop would spin, and say
 * so each time. */
#ifndef OTTER_CLOUD_LOOP_DOOR_H
#define OTTER_CLOUD_LOOP_DOOR_H

#include <stdbool.h>

struct door;
struct event_base;
struct evconnlistener;

/* Raises the process's limit of open files to all that it may have; returns it. Children inherit.
 */
unsigned door_raise_descriptors(void);

/* How many of them devices' connections leave to all else: the database, the broker, and the APIs,
 * which may have door_for_apis of these. */
unsigned door_kept_back(unsigned descriptors);
unsigned door_for_apis(unsigned descriptors);

/* Takes care of `listener`, which stays the caller's and lives longer. `area` is for the log, as in
 * cloud_log, and outlives the door. NULL: out of memory. */
struct door *door_new(struct event_base *base, struct evconnlistener *listener, const char *area);
void door_free(struct door *door);

/* While it is shut nobody is accepted; those who come wait in the kernel's queue. Open at first. */
void door_shut(struct door *door, bool shut);

#endif
