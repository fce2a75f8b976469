/* What goes through a connection: packets both ways, blocks of streams, and the pauses that a slow
 * side or a limit makes. */
#ifndef OTTER_CLOUD_GATEWAY_FLOW_H
#define OTTER_CLOUD_GATEWAY_FLOW_H

#include <event2/util.h>
#include <stdbool.h>

struct client;

/* Makes that side of the client, and takes packets from it from now on. False: out of memory. */
bool flow_device(struct client *client);
bool flow_broker(struct client *client, int fd);

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
