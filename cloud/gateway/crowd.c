/* Counting who is at the door. */
#include "cloud/gateway/crowd.h"

#include <event2/event.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "cloud/gateway/client.h"
#include "cloud/loop/door.h"
#include "cloud/loop/log_limit.h"

#define STRANGERS_MAX 200u /* handshakes at once: more would all end late, not sooner */
#define PATIENCE_MS   6000 /* with a stranger, when others wait */
#define LOOK_MS       500

struct crowd {
    struct door *doors[CROWD_DOORS_MAX];
    unsigned door_count;
    struct event *look;
    struct client_queue strangers; /* the oldest first */
    unsigned stranger_count, count;
    unsigned strangers_max, max;
    struct log_limit limit, full_limit;
};

static void on_look(evutil_socket_t fd, short what, void *context);

struct crowd *crowd_new(struct event_base *base, unsigned descriptors)
{
    struct crowd *crowd = calloc(1, sizeof *crowd);
    const unsigned reserve = door_kept_back(descriptors);
    if (!crowd)
        return NULL;
    crowd->max = descriptors > reserve + 8 ? (descriptors - reserve) / 2 : 4;
    crowd->strangers_max = crowd->max / 2 < STRANGERS_MAX ? crowd->max / 2 : STRANGERS_MAX;
    TAILQ_INIT(&crowd->strangers);
    crowd->look = evtimer_new(base, on_look, crowd);
    if (crowd->look)
        return crowd;
    crowd_free(crowd);
    return NULL;
}

bool crowd_watch(struct crowd *crowd, struct event_base *base, struct evconnlistener *listener)
{
    struct door *door = door_new(base, listener, "gateway");
    if (door)
        crowd->doors[crowd->door_count++] = door;
    return door != NULL;
}

void crowd_free(struct crowd *crowd)
{
    if (!crowd)
        return;
    for (unsigned i = 0; i < crowd->door_count; i++)
        door_free(crowd->doors[i]);
    if (crowd->look)
        event_free(crowd->look);
    free(crowd);
}

static void consider(struct crowd *crowd)
{
    const struct timeval soon = {0, LOOK_MS * 1000L};
    bool full = crowd->count >= crowd->max;
    bool crowded = full || crowd->stranger_count >= crowd->strangers_max;
    for (unsigned i = 0; i < crowd->door_count; i++)
        door_shut(crowd->doors[i], crowded);
    if (crowded && !evtimer_pending(crowd->look, NULL))
        event_add(crowd->look, &soon);
    if (full)
        log_limited(&crowd->full_limit, "gateway",
                    "%u connections, as many as the limit on open files allows (ulimit -n): "
                    "others must wait",
                    crowd->count);
}

/* It has sent more than was read yet. */
static bool waits_for_us(const struct client *client)
{
    int unread = 0;
    return client->is_waiting || (ioctl(client->fd, FIONREAD, &unread) == 0 && unread > 0);
}

static void on_look(evutil_socket_t fd, short what, void *context)
{
    struct crowd *crowd = context;
    struct client *client;
    (void)fd, (void)what;
    TAILQ_FOREACH(client, &crowd->strangers, as_stranger)
    {
        if (client_age_ms(client) < PATIENCE_MS)
            break;
        if (!waits_for_us(client))
            client_end(client, "it takes its time to CONNECT, and others wait");
    }
    consider(crowd);
}

void crowd_enter(struct crowd *crowd, struct client *client)
{
    TAILQ_INSERT_TAIL(&crowd->strangers, client, as_stranger);
    client->is_stranger = true;
    crowd->stranger_count++;
    crowd->count++;
    consider(crowd);
}

void crowd_know(struct crowd *crowd, struct client *client)
{
    if (!client->is_stranger)
        return;
    TAILQ_REMOVE(&crowd->strangers, client, as_stranger);
    client->is_stranger = false;
    crowd->stranger_count--;
    consider(crowd);
}

void crowd_leave(struct crowd *crowd, struct client *client)
{
    crowd_know(crowd, client);
    crowd->count--;
    consider(crowd);
}

void crowd_log(struct crowd *crowd, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    log_limited(&crowd->limit, "gateway", "%s", text);
}
