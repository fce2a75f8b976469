/* One side of a connection: the bytes to and from a socket, with TLS or without.
 *
 * What is written leaves when side_flush is called, or else before the loop waits again, in as few
 * pieces as it fits in; the loop is asked about the socket only when that takes no more. What comes
 * is read in large pieces. Everything here is told from the loop, never from within a call. */
#ifndef OTTER_CLOUD_GATEWAY_SIDE_H
#define OTTER_CLOUD_GATEWAY_SIDE_H

#include <event2/buffer.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>

struct db;
struct event_base;
struct side;
struct sides;

/* All sides of one loop. NULL: out of memory. */
struct sides *sides_new(struct event_base *base);
void sides_free(struct sides *sides);

struct side_calls {
    void (*input)(void *context); /* something came */
    void (*room)(void *context);  /* the socket takes bytes again, or side_await_room's moment */
    void (*end)(void *context);   /* once: closed or broken; what came before was told before */
};

/* Takes over the socket, and `ssl` (NULL: none), when hands were shaken on it just now; mostly
 * frees it and goes on by records.h. Reads nothing until it is told to. NULL: out of memory; both
 * stay the caller's. */
struct side *side_new(struct sides *sides, int fd, SSL *ssl, const struct side_calls *calls,
                      void *context);
/* With a goodbye where there is TLS. */
void side_free(struct side *side);

/* What has come; whoever reads it drains it. */
struct evbuffer *side_input(struct side *side);
/* What is to be sent, to be added to. */
struct evbuffer *side_output(struct side *side);
void side_write(struct side *side, const void *data, size_t length);
/* Bytes that wait; 0 for NULL. */
size_t side_unsent(const struct side *side);

/* Sends what the socket takes now. False: nothing. */
bool side_flush(struct side *side);
/* Calls `room` when at most `low` bytes wait: in the loop's next round, or when they do. */
void side_await_room(struct side *side);
void side_set_low(struct side *side, size_t low);

void side_read(struct side *side, bool on);
bool side_reads(const struct side *side);

/* It has what side_rest gives back, and makes again when it is needed. */
bool side_awake(const struct side *side);
void side_rest(struct side *side);

/* Keeps what lies in the output until what is written to the database so far is on the disk; if it
 * cannot be, the side is broken and nothing of it is sent. To be called after an answer was put
 * there, so that nothing is acknowledged that a power cut could undo. */
void side_hold(struct side *side, struct db *db);

#endif
