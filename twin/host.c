/* The host's side of a twin: file descriptors that devices watch, and sleep. */
#include <errno.h>
#include <poll.h>
#include <time.h>

#include "twin/private.h"

#define POLL_EVERY  (TWIN_MS / 5u) /* of virtual time */
#define POLLERS_MAX 4u
#define LEAD_MAX    (3u * TWIN_MS) /* how far virtual time may run ahead of the host's */
#define SLEEP_MAX   (100u * TWIN_MS)
#define PAUSE_MAX   50000000 /* ns */

static twin_ns host_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (twin_ns)now.tv_sec * 1000000000ull + (twin_ns)now.tv_nsec;
}

void twin_watch(struct twin *twin, int fd, void (*ready)(void *ctx), void *ctx)
{
    struct watch *free_watch = NULL;
    for (unsigned i = 0; i < TWIN_WATCHES; i++) {
        struct watch *watch = &twin->watches[i];
        if (watch->fd >= 0 && watch->ctx == ctx && watch->ready == ready) {
            watch->fd = fd;
            return;
        }
        if (watch->fd < 0 && !free_watch)
            free_watch = watch;
    }
    if (fd < 0)
        return;
    if (free_watch)
        *free_watch = (struct watch){fd, ready, ctx};
    else
        twin_fault(twin, "the twin watches %u files already", TWIN_WATCHES);
}

void host_add_poller(struct twin *twin, struct poller *poller)
{
    poller->next = twin->pollers;
    twin->pollers = poller;
}

void host_remove_poller(struct twin *twin, struct poller *poller)
{
    for (struct poller **link = &twin->pollers; *link; link = &(*link)->next)
        if (*link == poller) {
            *link = poller->next;
            return;
        }
}

#define POLLS_MAX 256u

/* Each watch once, in order, as far as it is still the same when its turn comes. */
static void serve_watches(struct twin *twin, const struct pollfd *polls, const unsigned *which,
                          nfds_t count)
{
    for (nfds_t i = 0; i < count; i++) {
        const struct watch watch = twin->watches[which[i]];
        if (polls[i].revents && watch.fd == polls[i].fd)
            watch.ready(watch.ctx);
    }
}

/* Waits for the host, but no longer than `left` of virtual time, which goes on meanwhile: what
 * comes in has come when the wait was over. */
static void look(struct twin *twin, int wait_ms, twin_ns left)
{
    const twin_ns before = host_now();
    twin->polled = twin->now;
    struct pollfd polls[POLLS_MAX];
    unsigned which[TWIN_WATCHES];
    nfds_t watched = 0;
    for (unsigned i = 0; i < TWIN_WATCHES; i++)
        if (twin->watches[i].fd >= 0) {
            which[watched] = i;
            polls[watched++] = (struct pollfd){twin->watches[i].fd, POLLIN, 0};
        }
    nfds_t starts[POLLERS_MAX + 1] = {watched};
    unsigned pollers = 0;
    for (struct poller *p = twin->pollers; p && pollers < POLLERS_MAX; p = p->next, pollers++)
        starts[pollers + 1] = starts[pollers] + p->fill(p->ctx, polls + starts[pollers],
                                                        POLLS_MAX - starts[pollers], &wait_ms);
    const int ready = poll(polls, starts[pollers], wait_ms);
    const twin_ns gone = left ? host_now() - before + 1u : 0;
    twin->now += gone < left ? gone : left;
    if (ready < 0)
        return; /* a signal */
    serve_watches(twin, polls, which, watched);
    unsigned i = 0;
    for (struct poller *p = twin->pollers; p && i < pollers; p = p->next, i++)
        p->done(p->ctx, polls + starts[i], starts[i + 1] - starts[i]);
}

void host_poll(struct twin *twin)
{
    if (twin->now - twin->polled >= POLL_EVERY)
        look(twin, 0, 0);
}

/* How far virtual time is ahead of the host's, counted from where the core last was the slower of
 * the two: a busy core falls behind, and what was lost is not made up for. */
static int64_t lead_of(struct twin *twin)
{
    const int64_t offset = (int64_t)(twin->now - host_now());
    if (!twin->anchored || offset < twin->anchor) {
        twin->anchor = offset;
        twin->anchored = true;
    }
    return offset - twin->anchor;
}

/* The core sleeps until an event of virtual time, or of the host. Short sleeps only move virtual
 * time ahead, as far as it may go: the host's clock is too coarse for the bits of a serial line. */
void host_sleep(struct twin *twin, twin_ns until)
{
    if (until != TWIN_NEVER && until <= twin->now)
        return;
    if (twin->hurry) {
        if (until == TWIN_NEVER)
            twin_fault(twin, "the core sleeps and nothing can wake it");
        else
            twin->now = until;
        return;
    }
    const twin_ns left = until == TWIN_NEVER ? SLEEP_MAX : until - twin->now;
    const twin_ns wait = left < SLEEP_MAX ? left : SLEEP_MAX;
    if (wait + (twin_ns)lead_of(twin) <= LEAD_MAX) {
        twin->now += wait;
        return;
    }
    look(twin, (int)((wait + TWIN_MS - 1) / TWIN_MS), wait);
}

/* A busy core does not run ahead of the host: whom it talks to lives there. */
void host_keep_pace(struct twin *twin)
{
    if (twin->hurry)
        return;
    const int64_t lead = lead_of(twin);
    if (lead > (int64_t)LEAD_MAX) {
        const struct timespec pause = {.tv_nsec = (long)(lead < PAUSE_MAX ? lead : PAUSE_MAX)};
        nanosleep(&pause, NULL);
    }
}
