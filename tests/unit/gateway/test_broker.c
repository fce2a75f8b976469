/* The cloud's own connection to a real Mosquitto: who subscribes there hears. */
#include <event2/event.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cloud/broker/broker.h"
#include "cloud/loop/log.h"

#define LARGE 131072

struct world {
    struct event_base *base;
    struct broker *broker;
    char dir[64];
};

struct ear {
    struct world *world;
    int heard;
    size_t length;
    char topic[64];
    unsigned char last;
    struct broker_subscription *subscription;
};

static void hear(void *context, const struct broker_message *message)
{
    struct ear *ear = context;
    ear->heard++;
    ear->length = message->length;
    snprintf(ear->topic, sizeof ear->topic, "%s", message->topic);
    if (message->length > 0)
        ear->last = ((const unsigned char *)message->payload)[message->length - 1];
}

static void hear_once(void *context, const struct broker_message *message)
{
    struct ear *ear = context;
    hear(ear, message);
    broker_unsubscribe(ear->subscription);
}

static void listen_to(struct world *world, const char *filter, struct ear *ear)
{
    *ear = (struct ear){.world = world};
    ear->subscription = broker_subscribe(world->broker, filter, hear, ear);
    assert_non_null(ear->subscription);
}

static void say(struct world *world, const char *topic)
{
    broker_publish(world->broker, topic, "x", 1);
}

/* Turns the loop until so many were heard; alarm() ends a wait for ever. */
static void expect(const struct ear *ear, int heard)
{
    while (ear->heard < heard)
        event_base_loop(ear->world->base, EVLOOP_ONCE);
    assert_int_equal(ear->heard, heard);
}

/* All that was said before has come when a message that was said last has. */
static void let_all_come(struct world *world)
{
    struct ear end;
    listen_to(world, "end", &end);
    say(world, "end");
    expect(&end, 1);
    broker_unsubscribe(end.subscription);
}

static void a_subscriber_hears_what_matches_its_filter(void **state)
{
    struct world *world = *state;
    struct ear ear;
    listen_to(world, "a/+/c", &ear);
    say(world, "a/b/d");
    say(world, "a/b/c");
    expect(&ear, 1);
    assert_string_equal(ear.topic, "a/b/c");
    assert_int_equal(ear.length, 1);
    broker_unsubscribe(ear.subscription);
}

static void overlapping_subscribers_hear_a_message_once_each(void **state)
{
    struct world *world = *state;
    struct ear one, same, wide;
    listen_to(world, "o/x", &one);
    listen_to(world, "o/x", &same);
    listen_to(world, "o/#", &wide);
    say(world, "o/x");
    let_all_come(world);
    assert_int_equal(one.heard, 1);
    assert_int_equal(same.heard, 1);
    assert_int_equal(wide.heard, 1);
    broker_unsubscribe(one.subscription); /* the other of the same filter stays */
    say(world, "o/x");
    let_all_come(world);
    assert_int_equal(one.heard, 1);
    assert_int_equal(same.heard, 2);
    broker_unsubscribe(same.subscription);
    broker_unsubscribe(wide.subscription);
}

static void a_listener_may_end_its_own_subscription(void **state)
{
    struct world *world = *state;
    struct ear ear = {.world = world}, after;
    ear.subscription = broker_subscribe(world->broker, "self", hear_once, &ear);
    listen_to(world, "self", &after);
    say(world, "self");
    say(world, "self");
    let_all_come(world);
    assert_int_equal(ear.heard, 1);
    assert_int_equal(after.heard, 2);
    broker_unsubscribe(after.subscription);
}

static void a_large_message_comes_whole(void **state)
{
    struct world *world = *state;
    struct ear ear;
    unsigned char *payload = calloc(1, LARGE);
    payload[LARGE - 1] = 0x5a;
    listen_to(world, "large", &ear);
    broker_publish(world->broker, "large", payload, LARGE);
    expect(&ear, 1);
    assert_int_equal(ear.length, LARGE);
    assert_int_equal(ear.last, 0x5a);
    broker_unsubscribe(ear.subscription);
    free(payload);
}

static void a_subscription_lasts_when_the_broker_is_started_again(void **state)
{
    struct world *world = *state;
    struct ear ear;
    struct sockaddr_un before;
    listen_to(world, "again", &ear);
    let_all_come(world);
    broker_address(world->broker, &before);
    assert_int_equal(unlink(before.sun_path), 0); /* noticed within seconds */
    while (access(before.sun_path, F_OK) != 0)
        event_base_loop(world->base, EVLOOP_ONCE);
    while (ear.heard == 0) {
        say(world, "again");
        event_base_loop(world->base, EVLOOP_ONCE);
    }
    broker_unsubscribe(ear.subscription);
}

static int setup(void **state)
{
    static struct world world;
    strcpy(world.dir, "/tmp/otter-broker-XXXXXX");
    if (!mkdtemp(world.dir))
        return -1;
    world.base = event_base_new();
    loop_log(world.base);
    world.broker = broker_start(world.base, world.dir, 3600);
    *state = &world;
    return world.broker ? 0 : -1;
}

static int teardown(void **state)
{
    struct world *world = *state;
    char command[128];
    broker_stop(world->broker);
    loop_log(NULL);
    event_base_free(world->base);
    snprintf(command, sizeof command, "rm -rf %s", world->dir);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_subscriber_hears_what_matches_its_filter),
        cmocka_unit_test(overlapping_subscribers_hear_a_message_once_each),
        cmocka_unit_test(a_listener_may_end_its_own_subscription),
        cmocka_unit_test(a_large_message_comes_whole),
        cmocka_unit_test(a_subscription_lasts_when_the_broker_is_started_again),
    };
    signal(SIGPIPE, SIG_IGN);
    alarm(100);
    if (access("/usr/sbin/mosquitto", X_OK) != 0) {
        printf("skipped: Mosquitto is not installed (apt-get install mosquitto)\n");
        return 77;
    }
    return cmocka_run_group_tests(tests, setup, teardown);
}
