/* The TLS handshake of a connection; its steps are taken in turns (turns.h). */
#ifndef OTTER_CLOUD_GATEWAY_HANDSHAKE_H
#define OTTER_CLOUD_GATEWAY_HANDSHAKE_H

#include <stdbool.h>

struct client;

/* client->ssl has its socket. False: out of memory. */
bool handshake_begin(struct client *client);
/* Does what can be done now. Ends in client_met or client_not_met. */
void handshake_step(struct client *client);
void handshake_end(struct client *client);

#endif
