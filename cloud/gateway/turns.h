/* What thousands of connections may need at the same moment, a step of a TLS handshake, an
 * answer of the cloud or an end, is done in turns: of each turn of the loop it gets a few
 * milliseconds, in the order in which it was asked for, so that nobody else is kept waiting by a
 * fleet that comes, asks or goes at once. */
#ifndef OTTER_CLOUD_GATEWAY_TURNS_H
#define OTTER_CLOUD_GATEWAY_TURNS_H

struct client;
struct event_base;
struct turns;

struct turns *turns_new(struct event_base *base); /* NULL: out of memory */
void turns_free(struct turns *turns);             /* nobody may wait any more */

/* client_turn is called soon, once; who waits already, waits on. */
void turns_add(struct turns *turns, struct client *client);
void turns_remove(struct turns *turns, struct client *client);

#endif
