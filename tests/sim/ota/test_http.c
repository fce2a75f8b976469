/* Updates from a server of ranges that answers otherwise than it should, or not at all. */
#include <stdio.h>
#include <string.h>

#include "tests/sim/ota/sim_port.h"

static int set_up(void **state)
{
    static struct trouble trouble;
    (void)state;
    trouble = (struct trouble){.window = 4, .by_range = true};
    sim_count("off line");
    world_create(&world, 1, &trouble);
    return 0;
}

static void run_update(void)
{
    world_add_update(&world, "job", world_image(2, 11000, true));
    assert_true(world_run(&world, world_at_rest, 12 * HOUR));
}

/* What follows is asked for at the first request, which is before the job's start, or at the third,
 * in mid-download. */
static const struct {
    const char *answer, *reason;
} wrong[] = {
    {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "files: HTTP 200, no ranges there"},
    {"HTTP/1.1 307 Temporary Redirect\r\nLocation: https://other/x\r\nContent-Length: 0\r\n\r\n",
     "files: HTTP 307, redirects are not followed"},
    {"HTTP/1.1 206 P\r\nContent-Range: bytes 0-255/11000\r\nTransfer-Encoding: "
     "chunked\r\n\r\n0\r\n\r\n",
     "files: HTTP 206, in chunks, which are not taken"},
    {"HTTP/1.1 206 P\r\nContent-Range: bytes 1-256/11000\r\nContent-Length: 256\r\n\r\n",
     "files: HTTP 206, not the range that was asked for"},
    {"HTTP/1.1 206 P\r\nContent-Length: 256\r\n\r\n",
     "files: HTTP 206, not the range that was asked for"},
    {"HTTP/1.1 416 R\r\nContent-Range: bytes */99\r\nContent-Length: 0\r\n\r\n",
     "files: HTTP 416, the file is shorter than filesize"},
    {"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
     "files: HTTP 404, has the URL expired?"},
};

static void a_wrong_answer_ends_the_update_with_its_reason(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2 * sizeof wrong / sizeof *wrong; i++) {
        sim_tear_down(NULL);
        set_up(NULL);
        world.trouble.answer = wrong[i / 2].answer;
        world.trouble.answer_from = i % 2 == 0 ? 1 : 3;
        run_update();
        sim_expect("job", i % 2 == 0 ? CLOUD_REJECTED : CLOUD_FAILED, wrong[i / 2].reason);
        assert_int_equal(world.streamed, 0);
    }
}

/* The whole of what was asked for, but of another file. */
static void a_file_of_another_length_is_refused(void **state)
{
    (void)state;
    world.trouble.answer =
        "HTTP/1.1 206 P\r\nContent-Range: bytes 0-255/11001\r\nContent-Length: 256\r\n\r\n";
    run_update();
    sim_expect("job", CLOUD_REJECTED, "files: HTTP 206, the file has not filesize bytes");
}

static void a_server_that_cannot_be_reached_is_given_up_within_minutes(void **state)
{
    (void)state;
    world.trouble.unreachable = true;
    const otter_ms before = world.now;
    run_update();
    sim_expect("job", CLOUD_REJECTED, "files: refused by the other side");
    printf("given up after %u s, with %u sessions\n", (unsigned)((world.now - before) / 1000u),
           world.connection);
    assert_in_range(world.now - before, 60000, 600000);
    assert_in_range(world.connection, 3, 20);
}

static void a_server_that_never_answers_is_given_up(void **state)
{
    (void)state;
    world.trouble.answer = "";
    run_update();
    sim_expect("job", CLOUD_REJECTED, "files: timed out");
}

static void a_server_that_is_busy_for_a_while_is_waited_for(void **state)
{
    (void)state;
    world.trouble.range_errors = 2; /* every second one */
    run_update();
    sim_expect("job", CLOUD_SUCCEEDED, "accepted v2.0.0");
}

/* Pieces take up to 25 s each: the session comes back for messages now and then, and each time with
 * a fresh address. */
static void the_session_comes_back_while_a_slow_download_goes_on(void **state)
{
    (void)state;
    world.trouble.piece_ms = 25000;
    const otter_ms before = world.now;
    run_update();
    sim_expect("job", CLOUD_SUCCEEDED, "accepted v2.0.0");
    printf("%u sessions, %u addresses, %u reports of progress in %u s\n", world.connection,
           world.addresses, world.cloud.progressions, (unsigned)((world.now - before) / 1000u));
    assert_in_range(world.now - before, 2 * OTA_HTTP_APART_MS, HOUR);
    assert_in_range(world.connection, 5, 10);
    assert_in_range(world.cloud.progressions, 1, 10);
}

static void a_cancelled_job_is_noticed_when_the_session_comes_back(void **state)
{
    (void)state;
    world.trouble.piece_ms = 25000;
    world.trouble.cancel_at_range = 2; /* the session is away, and hears nothing */
    run_update();
    sim_expect("job", CLOUD_CANCELED, "");
    assert_in_range(world.ranges, 2, 9); /* of 11 and one before the start */
    world.trouble.piece_ms = 0;
    world_add_update(&world, "next", world_image(2, 11000, true));
    assert_true(world_run(&world, world_at_rest, HOUR));
    sim_expect("next", CLOUD_SUCCEEDED, "accepted v2.0.0");
}

/* A byte now and then is no silence. */
static void a_cancelled_job_is_noticed_although_a_range_comes_by_drops(void **state)
{
    (void)state;
    world.trouble.drops_from = 2;
    world.trouble.cancel_at_range = 2;
    const otter_ms before = world.now;
    run_update();
    sim_expect("job", CLOUD_CANCELED, "");
    printf("at rest after %u s\n", (unsigned)((world.now - before) / 1000u));
    assert_in_range(world.now - before, OTA_HTTP_APART_MS, 2 * OTA_HTTP_APART_MS);
    world.trouble.drops_from = 0;
    world_add_update(&world, "next", world_image(2, 11000, true));
    assert_true(world_run(&world, world_at_rest, HOUR));
    sim_expect("next", CLOUD_SUCCEEDED, "accepted v2.0.0");
}

/* The session is ours to end: it comes back without the back-off of one that is lost. */
static void the_session_does_not_come_back_more_slowly_each_time(void **state)
{
    (void)state;
    world.trouble.address_uses = 1;
    world.trouble.window = 1;
    const otter_ms before = world.now;
    run_update();
    sim_expect("job", CLOUD_SUCCEEDED, "accepted v2.0.0");
    printf("%u sessions in %u ms\n", world.connection, (unsigned)(world.now - before));
    assert_in_range(world.connection, 11, 40);
    assert_in_range(world.now - before, 0, 1000u * world.connection);
}

#define PROMISE(name) cmocka_unit_test_setup_teardown(name, set_up, sim_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROMISE(a_wrong_answer_ends_the_update_with_its_reason),
        PROMISE(a_file_of_another_length_is_refused),
        PROMISE(a_server_that_cannot_be_reached_is_given_up_within_minutes),
        PROMISE(a_server_that_never_answers_is_given_up),
        PROMISE(a_server_that_is_busy_for_a_while_is_waited_for),
        PROMISE(the_session_comes_back_while_a_slow_download_goes_on),
        PROMISE(a_cancelled_job_is_noticed_when_the_session_comes_back),
        PROMISE(a_cancelled_job_is_noticed_although_a_range_comes_by_drops),
        PROMISE(the_session_does_not_come_back_more_slowly_each_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
