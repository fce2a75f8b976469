/* A queue, and an eventfd that is readable while somebody is in it: so the loop looks at all others
 * between two turns. */
#include "cloud/gateway/turns.h"

#include <event2/event.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "cloud/gateway/client.h"

#define TURN_US 4000

struct turns {
    struct client_queue waiting;
    int signal;
    struct event *event;
};

static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

void turns_add(struct turns *turns, struct client *client)
{
    const uint64_t one = 1;
    if (client->is_waiting)
        return;
    if (TAILQ_EMPTY(&turns->waiting) && write(turns->signal, &one, sizeof one) != sizeof one)
        abort(); /* an eventfd takes 2^64 of these */
    TAILQ_INSERT_TAIL(&turns->waiting, client, as_waiting);
    client->is_waiting = true;
}

void turns_remove(struct turns *turns, struct client *client)
{
    uint64_t count;
    if (!client->is_waiting)
        return;
    TAILQ_REMOVE(&turns->waiting, client, as_waiting);
    client->is_waiting = false;
    if (TAILQ_EMPTY(&turns->waiting) && read(turns->signal, &count, sizeof count) != sizeof count)
        abort(); /* it was written to when the first one came */
}

static void on_turn(evutil_socket_t fd, short what, void *context)
{
    struct turns *turns = context;
    const int64_t end = now_us() + TURN_US;
    struct client *client;
    (void)fd, (void)what;
    while ((client = TAILQ_FIRST(&turns->waiting)) != NULL && now_us() < end) {
        turns_remove(turns, client);
        client_turn(client);
    }
}

struct turns *turns_new(struct event_base *base)
{
    struct turns *turns = calloc(1, sizeof *turns);
    if (!turns)
        return NULL;
    TAILQ_INIT(&turns->waiting);
    turns->signal = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (turns->signal >= 0)
        turns->event = event_new(base, turns->signal, EV_READ | EV_PERSIST, on_turn, turns);
    if (turns->event && event_add(turns->event, NULL) == 0)
        return turns;
    turns_free(turns);
    return NULL;
}

void turns_free(struct turns *turns)
{
    if (!turns)
        return;
    if (turns->event)
        event_free(turns->event);
    if (turns->signal >= 0)
        close(turns->signal);
    free(turns);
}
