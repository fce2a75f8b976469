/* An update of 160 KiB, in blocks of 4 KiB, over a link that is slow or that breaks all the time,
 * or into flash that does not answer: on virtual time, with the firmware's own back-off. */
#include <stdio.h>

#include "tests/sim/ota/sim_port.h"

#define IMAGE_SIZE (160u * 1024u)
#define BLOCKS     (IMAGE_SIZE / WORLD_BLOCK)

static struct trouble trouble;

static int set_up(void **state)
{
    (void)state;
    trouble = (struct trouble){.window = 4, .delay_ms = 200, .backoff_cap_ms = 60000};
    sim_count("");
    world_create(&world, 1, &trouble);
    return 0;
}

static uint32_t update_s(void)
{
    const otter_ms before = world.now;
    world_add_update(&world, "job", world_image(2, IMAGE_SIZE, true));
    assert_true(world_run(&world, world_at_rest, 12 * HOUR));
    sim_expect("job", CLOUD_SUCCEEDED, "accepted v2.0.0");
    return (uint32_t)((world.now - before) / 1000u);
}

/* Each connection brings a few messages and then breaks: the time goes into blocks, not into
 * waiting as long as if the cloud were down. */
static void connections_that_bring_blocks_are_made_again_at_once(void **state)
{
    (void)state;
    for (uint32_t messages = 2; messages <= 4; messages++) {
        sim_tear_down(NULL);
        set_up(NULL);
        world.trouble.messages_per_connection = messages;
        const uint32_t taken_s = update_s();
        printf("a connection lost after every %u messages: %u s, %u connections\n", messages,
               taken_s, world.connection);
        assert_true(world.connection > BLOCKS / messages);
        assert_in_range(taken_s, 1, 60);
    }
}

/* Without an update they bring nothing. */
static void connections_that_bring_nothing_are_made_ever_more_rarely(void **state)
{
    (void)state;
    world.trouble.messages_per_connection = 1;
    (void)world_run(&world, sim_never, HOUR);
    printf("a connection lost after 1 message, nothing to do: %u connections in an hour\n",
           world.connection);
    assert_in_range(world.connection, 2, 3600 / 20);
}

/* Each block takes seconds; nobody needs a report of each. */
static void progress_is_reported_once_in_a_tenth_or_in_30_s(void **state)
{
    (void)state;
    world.trouble.delay_ms = 6000;
    world.trouble.window = 1;
    const uint32_t taken_s = update_s();
    printf("a slow link: %u s, %u blocks, %u reports of progress\n", taken_s, BLOCKS,
           world.cloud.progressions);
    assert_in_range(world.cloud.progressions, 5, 10 + taken_s / 30);
}

static bool half_done(struct world *w)
{
    return w->ota.state == OTA_DOWNLOADING && w->ota.progress.stored >= BLOCKS / 2;
}

/* From the middle of an update on. */
static void silence_the_slot(void)
{
    world_add_update(&world, "job", world_image(2, IMAGE_SIZE, true));
    assert_true(world_run(&world, half_done, HOUR));
    world.nor.silent_offset = world.secondary.offset;
    world.nor.silent_size = world.secondary.size;
}

static void flash_that_is_busy_for_seconds_is_waited_for(void **state)
{
    (void)state;
    silence_the_slot();
    (void)world_run(&world, sim_never, 20000);
    world.nor.silent_size = 0;
    assert_true(world_run(&world, world_at_rest, HOUR));
    sim_expect("job", CLOUD_SUCCEEDED, "accepted v2.0.0");
}

static void flash_that_is_busy_for_ever_ends_the_job_with_that_reason(void **state)
{
    (void)state;
    silence_the_slot();
    assert_true(world_run(&world, world_at_rest, HOUR));
    sim_expect("job", CLOUD_FAILED, "the new image's flash did not answer for 30 s");
}

#define PROMISE(name) cmocka_unit_test_setup_teardown(name, set_up, sim_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROMISE(connections_that_bring_blocks_are_made_again_at_once),
        PROMISE(connections_that_bring_nothing_are_made_ever_more_rarely),
        PROMISE(progress_is_reported_once_in_a_tenth_or_in_30_s),
        PROMISE(flash_that_is_busy_for_seconds_is_waited_for),
        PROMISE(flash_that_is_busy_for_ever_ends_the_job_with_that_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
