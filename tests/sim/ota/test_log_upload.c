/* The log by job (services/log/log_upload.h) to a server of files, beside the update agent. */
#include <stdio.h>
#include <string.h>

#include "services/log/log_upload.h"
#include "tests/sim/ota/sim_port.h"

static struct log_ring ring;
static struct log_upload upload;
static bool keeps_log, held;
static unsigned holds;

static void hold(bool on)
{
    held = on;
    holds += on;
}

static void start_others(struct world *w)
{
    const struct log_upload_config config = {
        .jobs = &w->jobs, .http = &w->files.client, .ring = keeps_log ? &ring : NULL, .hold = hold};
    assert_int_equal(log_ring_open(&ring, &w->spare), OTTER_OK);
    memset(&upload, 0, sizeof upload);
    held = false;
    log_upload_init(&upload, &config);
}

static void tick_others(struct world *w)
{
    log_upload_tick(&upload, w->now);
}

static int set_up(void **state)
{
    static struct trouble trouble;
    (void)state;
    trouble = (struct trouble){.window = 4};
    sim_count("");
    world_create(&world, 1, &trouble);
    world.start_others = start_others;
    world.tick_others = tick_others;
    keeps_log = true;
    holds = 0;
    return 0;
}

static void run_job(const char *url)
{
    char document[200];
    sim_come_on_line();
    snprintf(document, sizeof document, "{\"operation\":\"upload-log\",\"url\":\"%s\"}", url);
    sim_cloud_create(&world.cloud, "job", document, NULL, NULL, 0);
    assert_true(world_run(&world, world_at_rest, HOUR));
    assert_false(held);
}

static void append(const char *text)
{
    assert_int_equal(log_ring_append(&ring, text, (uint32_t)strlen(text)), OTTER_OK);
}

/* As `log show` prints them; a gap that a start leaves in the ring is none in the object. */
static void the_object_is_the_log_line_by_line(void **state)
{
    (void)state;
    sim_come_on_line();
    append("<WRN>  1 first");
    char longest[LOG_RING_TEXT_MAX + 1];
    memset(longest, 'x', sizeof longest);
    longest[LOG_RING_TEXT_MAX] = '\0';
    append(longest);
    assert_int_equal(log_ring_open(&ring, &world.spare), OTTER_OK);
    append("<ERR> 99 last");
    run_job("https://files/logs/1?X-Amz-Signature=aaa");
    char wanted[400];
    const int length =
        snprintf(wanted, sizeof wanted, "<WRN>  1 first\n%s\n<ERR> 99 last\n", longest);
    char reason[40];
    snprintf(reason, sizeof reason, "%d bytes of log", length);
    sim_expect("job", CLOUD_SUCCEEDED, reason);
    assert_int_equal(world.files.puts, 1);
    assert_int_equal(world.files.stored_length, length);
    assert_memory_equal(world.files.stored, wanted, (size_t)length);
    assert_int_equal(holds, 1);
}

static void an_empty_log_is_an_empty_object(void **state)
{
    (void)state;
    run_job("https://files/logs/1");
    sim_expect("job", CLOUD_SUCCEEDED, "0 bytes of log");
    assert_int_equal(world.files.puts, 1);
}

static void what_the_server_says_is_the_reason(void **state)
{
    (void)state;
    world.trouble.answer = "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n";
    run_job("https://files/logs/1");
    sim_expect("job", CLOUD_FAILED, "files: HTTP 403, the log is not taken");
}

static void a_server_that_is_not_there_ends_the_job(void **state)
{
    (void)state;
    world.trouble.unreachable = true;
    run_job("https://files/logs/1");
    sim_expect("job", CLOUD_FAILED, "files: refused by the other side");
}

static void a_server_that_answers_by_drops_ends_the_job_too(void **state)
{
    (void)state;
    world.trouble.drops_from = 1;
    const otter_ms before = world.now;
    run_job("https://files/logs/1");
    sim_expect("job", CLOUD_FAILED, "files: timed out");
    assert_in_range(world.now - before, LOG_UPLOAD_MS, 2 * LOG_UPLOAD_MS);
}

static void a_url_that_is_none_and_a_device_without_log_are_refused(void **state)
{
    (void)state;
    run_job("http://files/logs/1");
    sim_expect("job", CLOUD_REJECTED, "job document: url: no https URL");
    sim_tear_down(NULL);
    set_up(NULL);
    keeps_log = false;
    run_job("https://files/logs/1");
    sim_expect("job", CLOUD_REJECTED, "this device keeps no log");
}

#define PROMISE(name) cmocka_unit_test_setup_teardown(name, set_up, sim_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROMISE(the_object_is_the_log_line_by_line),
        PROMISE(an_empty_log_is_an_empty_object),
        PROMISE(what_the_server_says_is_the_reason),
        PROMISE(a_server_that_is_not_there_ends_the_job),
        PROMISE(a_server_that_answers_by_drops_ends_the_job_too),
        PROMISE(a_url_that_is_none_and_a_device_without_log_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
