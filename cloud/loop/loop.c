/* Turns, timers and groups of commits. A change that is rolled back, or that the disk refuses, is
 * told to nobody. */
#include "cloud/loop/loop.h"

#include <event2/event.h>
#include <malloc.h>

#include "cloud/core/core.h"
#include "cloud/loop/log.h"
#include "cloud/loop/metrics.h"
#include "cloud/loop/post.h"
#include "cloud/loop/worker.h"
#include "cloud/store/db.h"

/* ---- what the core needs ---- */

static void run_beside(void *context, void (*work)(void *of), void (*done)(void *of), void *of)
{
    struct loop *loop = context;
    worker_do(loop->worker, work, done, of);
}

static void turn_soon(void *context)
{
    const struct timeval soon = {0, 1}; /* 0 would come before the loop looks at anybody else */
    struct loop *loop = context;
    event_add(loop->turn, &soon);
}

static void on_turn(evutil_socket_t fd, short what, void *context)
{
    struct loop *loop = context;
    (void)fd, (void)what;
    if (cloud_turn(loop->cloud))
        turn_soon(loop);
}

static void on_tend(evutil_socket_t fd, short what, void *context)
{
    struct loop *loop = context;
    (void)fd, (void)what;
    unsigned ms = core_tend(loop->cloud);
    const struct timeval next = {ms / 1000, ms % 1000 * 1000L};
    event_add(loop->tend, &next);
}

/* ---- groups of commits ---- */

#define PATIENCE_MS 3 /* about what a sync of the disk takes */

/* Whether callers are still to come who came together with these before. */
static bool is_early(const struct loop *loop)
{
    return loop->callers.now > 0 && loop->callers.now < loop->callers.before;
}

/* At the end of the turn, and, where that was too early, once more when the patience has ended. */
static void on_turn_end(evutil_socket_t fd, short what, void *context)
{
    struct loop *loop = context;
    struct timeval patience = {loop->callers.patience_ms / 1000,
                               loop->callers.patience_ms % 1000 * 1000L};
    (void)fd;
    if (is_early(loop) && !(what & EV_TIMEOUT)) {
        if (!event_pending(loop->turn_end, EV_TIMEOUT, NULL))
            event_add(loop->turn_end, &patience);
        return;
    }
    event_del(loop->turn_end);
    if (loop->callers.now > 0) /* one that stays away is not waited for again and again */
        loop->callers.before = loop->callers.now >= loop->callers.before ? loop->callers.now
                                                                         : loop->callers.before - 1;
    loop->callers.now = 0;
    bool done = db_flush(loop->cloud->db) == OTTER_OK;
    metric_add(done ? METRIC_COMMITS : METRIC_COMMITS_FAILED);
    if (!done)
        cloud_log("store", "changes were lost, and nobody was told otherwise: %s",
                  db_error(loop->cloud->db));
}

/* The first write of a turn: the commit goes to the end of what the loop does in this turn. */
static void on_group(void *context)
{
    event_active(context, EV_WRITE, 0);
}

void loop_answer_after_commit(struct loop *loop,
                              void (*settled)(void *context, otter_status status), void *context)
{
    if (loop->turn_end && db_dirty(loop->cloud->db)) {
        loop->callers.now++;
        event_active(loop->turn_end, EV_WRITE, 0);
    }
    db_after_commit(loop->cloud->db, settled, context);
}

/* ---- memory ---- */

#define KEPT      (64 << 20) /* at the top of the heap */
#define OWN_PAGES (1 << 20)  /* a piece as large gets pages of its own, which go with it */

void loop_keep_memory(void)
{
    mallopt(M_TRIM_THRESHOLD, KEPT);
    mallopt(M_MMAP_THRESHOLD, OWN_PAGES);
}

/* ---- start and stop ---- */

static bool start_events(struct loop *loop)
{
    const struct timeval now = {0, 0};
    loop->turn = evtimer_new(loop->base, on_turn, loop);
    loop->tend = evtimer_new(loop->base, on_tend, loop);
    return loop->turn && loop->tend && event_add(loop->tend, &now) == 0;
}

static void post(void *context, const struct cloud_post *request)
{
    posts_send(((struct loop *)context)->posts, request);
}

static bool start_groups(struct loop *loop)
{
    loop->callers.patience_ms = PATIENCE_MS;
    loop->turn_end = event_new(loop->base, -1, 0, on_turn_end, loop);
    if (loop->turn_end)
        db_group(loop->cloud->db, on_group, loop->turn_end);
    return loop->turn_end != NULL;
}

bool loop_start(struct loop *loop, struct event_base *base, struct cloud *cloud, bool group_commits)
{
    *loop = (struct loop){.base = base, .cloud = cloud};
    loop_log(base);
    loop->worker = worker_start(base);
    if (!loop->worker || !start_events(loop) || (group_commits && !start_groups(loop))) {
        loop_stop(loop);
        return false;
    }
    loop->posts = posts_new(base);
    cloud->host = (struct cloud_host){run_beside, turn_soon, post, loop};
    if (cloud_waits(cloud))
        turn_soon(loop);
    return true;
}

static void free_event(struct event *event)
{
    if (event)
        event_free(event);
}

void loop_stop(struct loop *loop)
{
    if (!loop->base)
        return;
    worker_stop(loop->worker);
    posts_free(loop->posts);
    loop->cloud->host = (struct cloud_host){0};
    db_flush(loop->cloud->db);
    db_group(loop->cloud->db, NULL, NULL);
    loop_log(NULL);
    free_event(loop->turn);
    free_event(loop->tend);
    free_event(loop->turn_end);
    *loop = (struct loop){0};
}
