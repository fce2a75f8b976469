/* A tree by client id (tsearch of the C library). Changes are written together, a second after the
 * first of them: a fleet that comes at once must not wait for the disk thousands of times. */
#define _GNU_SOURCE /* twalk_r, tdestroy */

#include "cloud/gateway/sessions.h"

#include <event2/event.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cloud/core/ground/cloud.h"
#include "cloud/core/registry/session_store.h"
#include "cloud/loop/loop.h"

#define WRITE_S  1
#define FORGET_S 3600 /* what else is known of who has no session */
#define SWEEP_S  60

struct sessions {
    void *tree; /* of struct session */
    struct cloud *cloud;
    uint32_t expiry_s;
    struct event *write, *sweep;
};

static int64_t monotonic_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* ---- filters -------------------------------------------------------------------------------- */

static void clear(struct session *session)
{
    for (size_t i = 0; i < session->filter_count; i++)
        free(session->filters[i]);
    free(session->filters);
    session->filters = NULL;
    session->filter_count = 0;
}

static void changed(struct sessions *sessions, struct session *session)
{
    const struct timeval delay = {WRITE_S, 0};
    session->changed = true;
    if (!evtimer_pending(sessions->write, NULL))
        event_add(sessions->write, &delay);
}

static size_t find_filter(const struct session *session, const char *filter)
{
    size_t i = 0;
    while (i < session->filter_count && strcmp(session->filters[i], filter) != 0)
        i++;
    return i;
}

static bool session_has(const struct session *session, const char *filter)
{
    return find_filter(session, filter) < session->filter_count;
}

static bool add_filter(struct session *session, const char *filter)
{
    size_t count = session->filter_count;
    if (count == SUBSCRIPTIONS_MAX)
        return false;
    char **filters = realloc(session->filters, (count + 1) * sizeof *filters);
    if (!filters)
        return false;
    session->filters = filters;
    filters[count] = strdup(filter);
    session->filter_count += filters[count] != NULL;
    return filters[count] != NULL;
}

bool session_subscribe(struct sessions *sessions, struct session *session, const char *filter)
{
    if (session_has(session, filter))
        return true;
    if (!add_filter(session, filter))
        return false;
    if (session->persistent)
        changed(sessions, session);
    return true;
}

void session_unsubscribe(struct sessions *sessions, struct session *session, const char *filter)
{
    size_t i = find_filter(session, filter);
    if (i == session->filter_count)
        return;
    free(session->filters[i]);
    session->filters[i] = session->filters[--session->filter_count];
    if (session->persistent)
        changed(sessions, session);
}

const char *filter_of_share(const char *filter)
{
    if (strncmp(filter, "$share/", 7) != 0)
        return filter;
    const char *slash = strchr(filter + 7, '/');
    return slash ? slash + 1 : filter;
}

void session_expire(struct sessions *sessions, struct session *session, uint32_t expiry_s)
{
    if (session->persistent != (expiry_s > 0))
        changed(sessions, session);
    session->persistent = expiry_s > 0;
    session->expiry_s = expiry_s;
}

void session_begin(struct sessions *sessions, struct session *session, uint32_t expiry_s,
                   bool resumed)
{
    if (!resumed && session->filter_count > 0) {
        clear(session);
        changed(sessions, session);
    }
    session_expire(sessions, session, expiry_s);
}

void session_leave(struct session *session)
{
    session->client = NULL;
    session->left_ms = monotonic_ms();
    if (!session->persistent)
        clear(session);
}

/* ---- the database --------------------------------------------------------------------------- */

static void write_one(struct sessions *sessions, const struct session *session)
{
    size_t count = session->persistent ? session->filter_count : 0;
    if (!session_store_write(sessions->cloud, session->id, session->filters, count))
        cloud_log("gateway", "the filters of %s cannot be written", session->id);
}

static void write_changed(const void *node, VISIT visit, void *context)
{
    struct session *session = *(struct session *const *)node;
    struct sessions *sessions = context;
    if ((visit != postorder && visit != leaf) || !session->changed)
        return;
    session->changed = false;
    write_one(sessions, session);
}

static void write_all(struct sessions *sessions)
{
    if (!session_store_begin(sessions->cloud))
        return;
    twalk_r(sessions->tree, write_changed, sessions);
    session_store_end(sessions->cloud);
}

static void on_write(evutil_socket_t fd, short what, void *context)
{
    (void)fd, (void)what;
    write_all(context);
}

static void take_filter(void *context, const char *client, const char *filter)
{
    struct session *session = sessions_get(context, client);
    if (!session)
        return;
    session->persistent = true;
    session->expiry_s = ((struct sessions *)context)->expiry_s;
    add_filter(session, filter);
}

/* ---- the tree ------------------------------------------------------------------------------- */

struct session *sessions_find(struct sessions *sessions, const char *id)
{
    void *found = tfind(id, &sessions->tree, compare);
    return found ? *(struct session **)found : NULL;
}

struct session *sessions_get(struct sessions *sessions, const char *id)
{
    struct session *session = sessions_find(sessions, id);
    if (session)
        return session;
    session = calloc(1, sizeof *session);
    if (!session || strlen(id) > CLIENT_ID_MAX) {
        free(session);
        return NULL;
    }
    strcpy(session->id, id);
    session->left_ms = monotonic_ms();
    if (tsearch(session, &sessions->tree, compare))
        return session;
    free(session);
    return NULL;
}

static void free_session(void *node)
{
    clear(node);
    free(node);
}

struct sweep {
    struct session *found;
    int64_t now_ms;
};

static void find_old(const void *node, VISIT visit, void *context)
{
    struct session *session = *(struct session *const *)node;
    struct sweep *sweep = context;
    const int64_t kept_s =
        session->persistent && session->expiry_s > FORGET_S ? session->expiry_s : FORGET_S;
    if ((visit == postorder || visit == leaf) && !sweep->found && !session->client &&
        session->left_ms + kept_s * 1000 < sweep->now_ms)
        sweep->found = session;
}

/* One at a time, since a walk may not change the tree: there are few that are old and not swept. */
static void on_sweep(evutil_socket_t fd, short what, void *context)
{
    struct sessions *sessions = context;
    (void)fd, (void)what;
    for (int i = 0; i < 100; i++) {
        struct sweep sweep = {NULL, monotonic_ms()};
        twalk_r(sessions->tree, find_old, &sweep);
        if (!sweep.found)
            return;
        if (sweep.found->persistent) {
            sweep.found->persistent = false;
            write_one(sessions, sweep.found);
        }
        tdelete(sweep.found, &sessions->tree, compare);
        free_session(sweep.found);
    }
}

struct sessions *sessions_new(struct loop *loop, uint32_t expiry_s)
{
    const struct timeval period = {SWEEP_S, 0};
    struct sessions *sessions = calloc(1, sizeof *sessions);
    if (!sessions)
        return NULL;
    sessions->cloud = loop->cloud;
    sessions->expiry_s = expiry_s;
    sessions->write = evtimer_new(loop->base, on_write, sessions);
    sessions->sweep = event_new(loop->base, -1, EV_PERSIST, on_sweep, sessions);
    if (!sessions->write || !sessions->sweep || event_add(sessions->sweep, &period) != 0) {
        sessions_free(sessions);
        return NULL;
    }
    session_store_read(loop->cloud, take_filter, sessions);
    return sessions;
}

void sessions_free(struct sessions *sessions)
{
    if (!sessions)
        return;
    write_all(sessions);
    if (sessions->write)
        event_free(sessions->write);
    if (sessions->sweep)
        event_free(sessions->sweep);
    tdestroy(sessions->tree, free_session);
    free(sessions);
}
