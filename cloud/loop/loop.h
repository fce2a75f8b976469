/* What runs the core in `otter cloud`: an event loop, a thread beside it, and commits in groups.
 *
 * The gateway and the APIs live on the same loop: they get a `struct loop` and find the core in
 * it. What leaves the cloud leaves after the commit that it tells of (db_after_commit,
 * loop_answer_after_commit). */
#ifndef OTTER_CLOUD_LOOP_LOOP_H
#define OTTER_CLOUD_LOOP_LOOP_H

#include "cloud/core/ground/cloud.h"

struct event;
struct event_base;
struct posts;
struct worker;

struct loop {
    struct event_base *base;
    struct cloud *cloud;
    struct worker *worker;
    struct posts *posts; /* requests that the cloud makes */

    /* private */
    struct event *turn, *tend;
    struct event *turn_end; /* commits; NULL: each change is committed on its own */
    struct {
        size_t now, before;   /* callers of the open group, and of those that went before */
        unsigned patience_ms; /* the longest that a group waits for as many as before */
    } callers;
};

/* Runs a core that has been started, until loop_stop; both `base` and `cloud` stay the caller's.
 * With `group_commits` there is one commit for each turn of the loop. False: out of memory or
 * threads; then there is nothing to stop. The core tells its listeners from the loop's next turn
 * on: they are to be set before (core.h). */
bool loop_start(struct loop *loop, struct event_base *base, struct cloud *cloud,
                bool group_commits);
/* Waits for the thread and commits what is open; the core then lives on without the loop. Gateway
 * and APIs must have ended. Does nothing to one that is not started (all 0). */
void loop_stop(struct loop *loop);

/* For the process: memory that is freed is kept for the next who needs some, and goes back to the
 * system when the gateway rests. Else each large message takes new pages and gives them back. */
void loop_keep_memory(void);

/* db_after_commit for a client that asks nothing more before it has its answer. Where several do so
 * at once, a commit waits a moment for as many of them as had their answers last, so that they
 * share the next one too; a client alone never waits. */
void loop_answer_after_commit(struct loop *loop,
                              void (*settled)(void *context, otter_status status), void *context);

#endif
