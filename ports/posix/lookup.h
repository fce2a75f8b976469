/* Name look-ups that the loop need not wait for: getaddrinfo in a thread of its own. */
#ifndef OTTER_PORTS_POSIX_LOOKUP_H
#define OTTER_PORTS_POSIX_LOOKUP_H

#include <netdb.h>
#include <stdbool.h>
#include <stdint.h>

struct lookup;

/* For stream sockets. NULL when the system has no thread or no memory left. */
struct lookup *lookup_start(const char *host, uint16_t port);
/* Becomes readable when the look-up is done. */
int lookup_descriptor(const struct lookup *lookup);
/* False while it goes on. Then *addresses is for the caller to free; NULL when none was found. */
bool lookup_take(struct lookup *lookup, struct addrinfo **addresses);
/* At any time. A thread that still waits for an answer ends by itself. */
void lookup_drop(struct lookup *lookup);

#endif
