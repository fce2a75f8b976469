/* The API's connections before their requests are known to be signed by somebody we know.
 *
 * A signature can be checked only when the whole body is there, and bodies are large; but whose
 * signature it claims to be stands in the first lines. So the body of a request without a key id
 * that we know is taken only if it is small, else it is refused at once and what still comes is
 * thrown away. A request that comes drop by drop is ended; one whose head can be read in two ways
 * (head.h), or whose body is too large, is refused before evhttp sees it, in a way that its client
 * can read. Beyond loopback, connections speak TLS. */
#ifndef OTTER_CLOUD_API_GUESTS_H
#define OTTER_CLOUD_API_GUESTS_H

#include <openssl/types.h>
#include <stdbool.h>

#define GUESTS_BODY_MAX ((64 << 20) + 65536) /* a part or object, and its framing */

struct bufferevent;
struct door;
struct event_base;
struct guests;

struct guests_config {
    bool (*knows)(void *context, const char *key_id); /* whether it is an access key's */
    void *context;
    bool (*admits)(void *context, const char *head); /* in place of keys; NULL: keys */
    void *admits_context;
    SSL_CTX *tls;        /* NULL: plain HTTP; a reference is taken */
    unsigned patience_s; /* for the head of a request, and before a body must keep a pace */
};

/* NULL: out of memory. */
struct guests *guests_new(struct event_base *base, const struct guests_config *config);
/* Lets in no more than `max` at a time: `door` is shut meanwhile. NULL: everybody, and whoever
 * frees the door says so first. */
void guests_watch_door(struct guests *guests, struct door *door, unsigned max);
/* After the last connection has ended. */
void guests_free(struct guests *guests);

/* For evhttp_set_bevcb: a connection, watched. */
struct bufferevent *guests_connection(struct event_base *base, void *guests);

#endif
