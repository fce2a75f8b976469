/* Connecting a device's connection to the broker. Its socket takes only so many at once; whom it
 * does not take yet, or not while it is started again, waits here, in the order of coming. */
#ifndef OTTER_CLOUD_GATEWAY_JOIN_H
#define OTTER_CLOUD_GATEWAY_JOIN_H

struct client;
struct gateway;
struct joiners;

struct joiners *joiners_new(struct gateway *gateway); /* NULL: out of memory */
void joiners_free(struct joiners *joiners);           /* nobody may wait any more */

/* Calls client_joined with the connected socket, or -1 and errno, now or later. */
void joiners_add(struct joiners *joiners, struct client *client);
void joiners_remove(struct joiners *joiners, struct client *client);

#endif
