/* How many may be at the door: connections in all, as the limit on open files allows, and
 * strangers, which have not yet been allowed to CONNECT. While there are too many, others wait in
 * the kernel's queue, and strangers that take their time lose their place to them. */
#ifndef OTTER_CLOUD_GATEWAY_CROWD_H
#define OTTER_CLOUD_GATEWAY_CROWD_H

#include <stdbool.h>

#define CROWD_DOORS_MAX 3

struct client;
struct crowd;
struct event_base;
struct evconnlistener;

/* `descriptors` is the limit on open files. NULL: out of memory. */
struct crowd *crowd_new(struct event_base *base, unsigned descriptors);
/* One of the doors that are shut while there are too many; at most CROWD_DOORS_MAX. False: out of
 * memory. */
bool crowd_watch(struct crowd *crowd, struct event_base *base, struct evconnlistener *listener);
void crowd_free(struct crowd *crowd);

void crowd_enter(struct crowd *crowd, struct client *client); /* accepted: a stranger */
void crowd_know(struct crowd *crowd, struct client *client);  /* it may CONNECT */
void crowd_leave(struct crowd *crowd, struct client *client);
/* cloud_log, but limited: for what strangers can cause. */
void crowd_log(struct crowd *crowd, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
