/* One thread and two queues; see worker.h. */
#include "cloud/loop/worker.h"

#include <event2/event.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct task {
    struct task *next;
    void (*work)(void *context);
    void (*done)(void *context);
    void *context;
};

struct queue {
    struct task *first, **last;
};

struct worker {
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t asked;
    struct queue open, finished; /* both under the mutex */
    bool ends;
    size_t under_way; /* the loop's: asked for and not finished */
    int signal;       /* an eventfd: something is finished */
    struct event *event;
};

static void push(struct queue *queue, struct task *task)
{
    task->next = NULL;
    *queue->last = task;
    queue->last = &task->next;
}

static struct task *pop(struct queue *queue)
{
    struct task *task = queue->first;
    if (task)
        queue->first = task->next;
    if (!queue->first)
        queue->last = &queue->first;
    return task;
}

/* ---- the thread ---- */

static void *run(void *context)
{
    struct worker *worker = context;
    uint64_t one = 1;
    struct task *task;
    pthread_mutex_lock(&worker->mutex);
    while (!worker->ends) {
        if (!(task = pop(&worker->open))) {
            pthread_cond_wait(&worker->asked, &worker->mutex);
            continue;
        }
        pthread_mutex_unlock(&worker->mutex);
        task->work(task->context);
        pthread_mutex_lock(&worker->mutex);
        push(&worker->finished, task);
        if (write(worker->signal, &one, sizeof one) != sizeof one)
            abort(); /* an eventfd takes 2^64 of these */
    }
    pthread_mutex_unlock(&worker->mutex);
    return NULL;
}

/* ---- the loop's side ---- */

static void finish(struct worker *worker)
{
    struct task *task;
    do {
        pthread_mutex_lock(&worker->mutex);
        task = pop(&worker->finished);
        pthread_mutex_unlock(&worker->mutex);
        if (task) {
            worker->under_way--;
            task->done(task->context);
        }
        free(task);
    } while (task);
}

static void on_finished(evutil_socket_t fd, short what, void *context)
{
    uint64_t count;
    (void)what;
    if (read(fd, &count, sizeof count) == sizeof count)
        finish(context);
}

void worker_do(struct worker *worker, void (*work)(void *context), void (*done)(void *context),
               void *context)
{
    struct task *task = malloc(sizeof *task);
    if (!task)
        abort(); /* nothing sensible can follow on the host */
    *task = (struct task){.work = work, .done = done, .context = context};
    worker->under_way++;
    pthread_mutex_lock(&worker->mutex);
    push(&worker->open, task);
    pthread_cond_signal(&worker->asked);
    pthread_mutex_unlock(&worker->mutex);
}

/* ---- start and stop ---- */

/* Signals are the loop's. */
static bool start_thread(struct worker *worker)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = pthread_create(&worker->thread, NULL, run, worker) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

struct worker *worker_start(struct event_base *base)
{
    struct worker *worker = calloc(1, sizeof *worker);
    if (!worker)
        return NULL;
    worker->open.last = &worker->open.first;
    worker->finished.last = &worker->finished.first;
    pthread_mutex_init(&worker->mutex, NULL);
    pthread_cond_init(&worker->asked, NULL);
    worker->signal = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    worker->event = event_new(base, worker->signal, EV_READ | EV_PERSIST, on_finished, worker);
    if (worker->signal >= 0 && worker->event && event_add(worker->event, NULL) == 0 &&
        start_thread(worker))
        return worker;
    if (worker->event)
        event_free(worker->event);
    close(worker->signal);
    free(worker);
    return NULL;
}

void worker_settle(struct worker *worker)
{
    struct pollfd finished = {.fd = worker->signal, .events = POLLIN};
    while (worker->under_way) {
        poll(&finished, 1, -1);
        on_finished(worker->signal, EV_READ, worker);
    }
}

void worker_stop(struct worker *worker)
{
    if (!worker)
        return;
    worker_settle(worker);
    pthread_mutex_lock(&worker->mutex);
    worker->ends = true;
    pthread_cond_signal(&worker->asked);
    pthread_mutex_unlock(&worker->mutex);
    pthread_join(worker->thread, NULL);
    event_free(worker->event);
    close(worker->signal);
    pthread_mutex_destroy(&worker->mutex);
    pthread_cond_destroy(&worker->asked);
    free(worker);
}
