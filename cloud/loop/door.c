/* Listening sockets in a crowd. */
#include "cloud/loop/door.h"

#include <event2/event.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "cloud/loop/log_limit.h"

#define REST_MS  200
#define SILENT_S 10

struct door {
    struct door *next;
    struct evconnlistener *listener;
    struct event *rested;
    const char *area;
    bool shut;
    struct log_limit limit;
};

/* A listener has one context for both of its callbacks, and that is its owner's. */
static struct door *doors;

unsigned door_raise_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 256;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        getrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur < 1u << 20 ? (unsigned)limit.rlim_cur : 1u << 20;
}

unsigned door_kept_back(unsigned descriptors)
{
    return 40 + descriptors / 16; /* some, and more where there are more */
}

unsigned door_for_apis(unsigned descriptors)
{
    return door_kept_back(descriptors) - 24;
}

static void on_rested(evutil_socket_t fd, short what, void *context)
{
    struct door *door = context;
    (void)fd, (void)what;
    if (!door->shut)
        evconnlistener_enable(door->listener);
}

static void on_error(struct evconnlistener *listener, void *context)
{
    struct door *door = doors;
    const struct timeval rest = {0, REST_MS * 1000L};
    const char *reason = evutil_socket_error_to_string(EVUTIL_SOCKET_ERROR());
    (void)context;
    while (door && door->listener != listener)
        door = door->next;
    if (!door)
        return;
    log_limited(&door->limit, door->area,
                "cannot accept connections: %s; trying again (see ulimit -n)", reason);
    evconnlistener_disable(listener);
    event_add(door->rested, &rest);
}

struct door *door_new(struct event_base *base, struct evconnlistener *listener, const char *area)
{
    const int silent_s = SILENT_S;
    struct door *door = calloc(1, sizeof *door);
    if (!door)
        return NULL;
    door->listener = listener;
    door->area = area;
    door->rested = evtimer_new(base, on_rested, door);
    if (!door->rested) {
        free(door);
        return NULL;
    }
    /* A kernel that does not know it accepts at once: that is only less calm. */
    setsockopt(evconnlistener_get_fd(listener), IPPROTO_TCP, TCP_DEFER_ACCEPT, &silent_s,
               sizeof silent_s);
    evconnlistener_set_error_cb(listener, on_error);
    door->next = doors;
    doors = door;
    return door;
}

void door_free(struct door *door)
{
    struct door **link = &doors;
    if (!door)
        return;
    while (*link != door)
        link = &(*link)->next;
    *link = door->next;
    event_free(door->rested);
    free(door);
}

void door_shut(struct door *door, bool shut)
{
    if (door->shut == shut)
        return;
    door->shut = shut;
    if (shut)
        evconnlistener_disable(door->listener);
    else if (!evtimer_pending(door->rested, NULL))
        evconnlistener_enable(door->listener);
}
