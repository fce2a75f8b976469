/* What goes through a connection: packets both ways, blocks of streams, and the pauses that a slow
 * side or a limit makes. */
#ifndef OTTER_CLOUD_GATEWAY_FLOW_H
#define OTTER_CLOUD_GATEWAY_FLOW_H

#include <event2/bufferevent.h>

struct client;

/* Packets are taken from this side from now on; `on_event` hears of its end. */
void flow_device(struct client *client, bufferevent_event_cb on_event);
void flow_broker(struct client *client, bufferevent_event_cb on_event);

/* Does all that can be done now, and asks for input where there is room for its consequences: to be
 * called when something else than input has changed that. */
void flow_run(struct client *client);
/* The same, when it may also ask the cloud for one thing (turns.h). */
void flow_turn(struct client *client);
/* Before the connection to the broker is closed: hands it what the device said, its goodbye too, as
 * far as that does not wait. */
void flow_end(struct client *client);
/* For the client's `resume` timer. */
void flow_on_resume(evutil_socket_t fd, short what, void *client);

#endif
