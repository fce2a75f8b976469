/* What the gateway remembers of a client id, connected or not: the connection, the filters of its
 * session, how often it came. As long as the broker keeps a session: by its
 * expiry, in 3.1.1 as rules.h has it. Filters of persistent sessions are kept in the database as
 * well, since the broker's sessions outlive the cloud. */
#ifndef OTTER_CLOUD_GATEWAY_SESSIONS_H
#define OTTER_CLOUD_GATEWAY_SESSIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cloud/gateway/rules.h"

#define CLIENT_ID_MAX     128u
#define SUBSCRIPTIONS_MAX 50u /* of one session */

struct client;
struct loop;
struct sessions;

struct session {
    char id[CLIENT_ID_MAX + 1]; /* first: what the tree compares */
    struct client *client;      /* the connection that has it, or NULL */
    bool persistent;
    uint32_t expiry_s; /* how long it outlives the connection, if it does */
    char **filters;    /* as many as there are; NULL: none */
    size_t filter_count;
    int64_t connects;         /* connections before this one, for events */
    struct rate_bucket tried; /* CONNECTs */
    int64_t left_ms;          /* since when it has no connection; monotonic */
    bool changed;             /* the database does not have it yet */
};

/* `loop` must live longer; `expiry_s` is that of sessions from before the start. NULL: out of
 * memory. */
struct sessions *sessions_new(struct loop *loop, uint32_t expiry_s);
/* Writes what is not yet written. */
void sessions_free(struct sessions *sessions);

/* The session of that client id, made when there is none. NULL: out of memory. */
struct session *sessions_get(struct sessions *sessions, const char *id);
/* The same, but NULL when there is none. */
struct session *sessions_find(struct sessions *sessions, const char *id);

/* CONNECT: the session begins anew, or goes on when the broker had one. `expiry_s` 0: it ends with
 * the connection. */
void session_begin(struct sessions *sessions, struct session *session, uint32_t expiry_s,
                   bool resumed);
/* DISCONNECT of MQTT 5: that has changed. */
void session_expire(struct sessions *sessions, struct session *session, uint32_t expiry_s);
/* What `$share/group/` is in front of; of another filter, all of it. */
const char *filter_of_share(const char *filter);
/* False when it has as many as it may, or no memory. */
bool session_subscribe(struct sessions *sessions, struct session *session, const char *filter);
void session_unsubscribe(struct sessions *sessions, struct session *session, const char *filter);
/* The connection has ended. */
void session_leave(struct session *session);

#endif
