/* Work beside the loop. */
#include <event2/event.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cloud/loop/worker.h"

struct scene {
    struct event_base *base;
    sem_t loop_turned;
    pthread_t loop, worked_on, done_on;
    char order[16];
};

static void wait_for_the_loop(void *context)
{
    struct scene *scene = context;
    sem_wait(&scene->loop_turned); /* for ever, if the loop itself were here */
    scene->worked_on = pthread_self();
}

static void leave(void *context)
{
    struct scene *scene = context;
    scene->done_on = pthread_self();
    event_base_loopbreak(scene->base);
}

static void on_turn(evutil_socket_t fd, short what, void *context)
{
    (void)fd, (void)what;
    sem_post(&((struct scene *)context)->loop_turned);
}

static void the_loop_turns_while_work_is_done(void **state)
{
    struct scene scene = {.base = event_base_new(), .loop = pthread_self()};
    struct timeval soon = {0, 10000};
    (void)state;
    alarm(60);
    sem_init(&scene.loop_turned, 0, 0);
    struct worker *worker = worker_start(scene.base);
    worker_do(worker, wait_for_the_loop, leave, &scene);
    event_base_once(scene.base, -1, EV_TIMEOUT, on_turn, &scene, &soon);
    event_base_dispatch(scene.base);
    assert_false(pthread_equal(scene.worked_on, scene.loop));
    assert_true(pthread_equal(scene.done_on, scene.loop));
    worker_stop(worker);
    event_base_free(scene.base);
    alarm(0);
}

static struct scene shared;

static void work_a(void *context)
{
    usleep(20000);
    strcat(context, "a");
}

static void work_b(void *context)
{
    strcat(context, "b");
}

static void finish(void *context)
{
    strcat(context, ".");
}

static void what_was_asked_for_is_finished_in_order_before_the_end(void **state)
{
    (void)state;
    shared.base = event_base_new();
    struct worker *worker = worker_start(shared.base);
    char a[8] = "", b[8] = "";
    worker_do(worker, work_a, finish, a);
    worker_do(worker, work_b, finish, b);
    worker_stop(worker);
    assert_string_equal(a, "a.");
    assert_string_equal(b, "b.");
    worker_stop(NULL);
    event_base_free(shared.base);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_loop_turns_while_work_is_done),
        cmocka_unit_test(what_was_asked_for_is_finished_in_order_before_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
