/* One thread beside the event loop, for work that would keep every device waiting: digests of large
 * bodies, signatures, keys. Work takes bytes in and gives bytes out: it touches neither the
 * database nor anything else that the loop uses in the meantime. One after the other, in order of
 * asking. */
#ifndef OTTER_CLOUD_LOOP_WORKER_H
#define OTTER_CLOUD_LOOP_WORKER_H

struct event_base;
struct worker;

struct worker *worker_start(struct event_base *base); /* NULL: no thread to be had */
/* Waits until all that was asked for is finished, `done` included. */
void worker_settle(struct worker *worker);
/* Settles and ends. NULL is fine. */
void worker_stop(struct worker *worker);

/* Calls `work` on the thread, and when it has returned `done` on the loop. */
void worker_do(struct worker *worker, void (*work)(void *context), void (*done)(void *context),
               void *context);

#endif
