/* The update agent against a cloud that says no for ever, offers what is over, or has jobs that are
 * not for this device: on virtual time, often a week of it. What is counted are the requests, which
 * somebody pays for, and the sectors erased, which wear out. */
#include <stdio.h>
#include <string.h>

#include "tests/sim/ota/sim_port.h"

#define DAY  (24 * HOUR)
#define WEEK (7 * DAY)
/* Agent and session ask for news once an hour. */
#define ASKS_PER_WEEK 200u

static int set_up(void **state)
{
    static const struct trouble none = {.window = 4};
    (void)state;
    world_create(&world, 1, &none);
    sim_count("");
    return 0;
}

/* Another world, in the middle of a test. */
static void renew(void)
{
    sim_tear_down(NULL);
    set_up(NULL);
}

static void next_update_works(const char *id, uint8_t version)
{
    world_add_update(&world, id, world_image(version, 7000, true));
    assert_true(world_run(&world, world_at_rest, 6 * HOUR));
    sim_expect(id, CLOUD_SUCCEEDED, "accepted v");
    assert_int_equal(world.running, version);
}

/* --- refusals --- */

struct refusal {
    const char *name;
    const char *code;
    const char *tokens; /* of the updates that are refused: a(ccept) r(eady) t(rying) f(inal) */
    enum cloud_status status;
    const char *words;
    uint8_t firmware;
    uint32_t updates_max;
};

/* For a week. Where the code says that it may pass, the agent has to go on trying, in moderation.
 */
static const struct refusal refusals[] = {
    {"accept", "InvalidRequest", "a", CLOUD_REJECTED, "does not take the update to 'in progress'",
     1, 10},
    {"ready", "InvalidRequest", "r", CLOUD_FAILED, "does not take the update to 'ready'", 1, 30},
    {"trying", "InvalidRequest", "t", CLOUD_SUCCEEDED, "accepted v2.0.0", 2, 30},
    {"final", "InvalidRequest", "f", CLOUD_IN_PROGRESS, "", 2, 30},
    {"all", "InvalidJson", "artf", CLOUD_QUEUED, "", 1, 10},
    {"topic", "InvalidTopic", "af", CLOUD_QUEUED, "", 1, 10},
    {"gone", "ResourceNotFound", "a", CLOUD_QUEUED, "", 1, 10},
    {"over", "TerminalStateReached", "a", CLOUD_QUEUED, "", 1, 10},
    {"throttled", "RequestThrottled", "a", CLOUD_QUEUED, "", 1, 4000},
    {"broken", "InternalError", "f", CLOUD_IN_PROGRESS, "", 2, 4000},
    {"conflict", "VersionMismatch", "a", CLOUD_QUEUED, "", 1, 4000},
};

static void a_refusal_that_cannot_change_ends_the_job(void **state)
{
    (void)state;
    for (unsigned i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        const struct refusal *refusal = &refusals[i];
        renew();
        sim_come_on_line();
        const uint32_t erases = world.nor.erase_count;
        world.cloud.refusal = refusal->code;
        world.cloud.refused_tokens = refusal->tokens;
        world_add_update(&world, "job", world_image(2, 11000, true));
        (void)world_run(&world, sim_never, WEEK);
        printf("%-9s %-20s %u updates, %u asks, %u erases in a week\n", refusal->name,
               refusal->code, world.cloud.updates, world.cloud.asks,
               world.nor.erase_count - erases);
        sim_expect("job", refusal->status, refusal->words);
        assert_int_equal(world.running, refusal->firmware);
        assert_in_range(world.cloud.updates, 1, refusal->updates_max);
        assert_in_range(world.cloud.asks, 1, ASKS_PER_WEEK + 20);
        if (refusal->firmware == 1)
            assert_in_range(world.nor.erase_count - erases, 0, 20);
        world.cloud.refusal = NULL;
        sim_cloud_cancel(&world.cloud, "job");
        next_update_works("next", 9);
    }
}

static void what_the_service_cannot_do_now_is_done_when_it_can(void **state)
{
    (void)state;
    static const char *const codes[] = {"RequestThrottled", "InternalError", "VersionMismatch"};
    for (unsigned i = 0; i < 3; i++) {
        renew();
        world.cloud.refusal = codes[i];
        world.cloud.refused_tokens = "artf";
        world_add_update(&world, "job", world_image(2, 11000, true));
        (void)world_run(&world, sim_never, DAY);
        world.cloud.refusal = NULL;
        assert_true(world_run(&world, world_at_rest, HOUR));
        sim_expect("job", CLOUD_SUCCEEDED, "accepted v2.0.0");
    }
}

/* The report's details may be what the service does not like. */
static void an_end_that_is_refused_is_told_without_details(void **state)
{
    (void)state;
    const struct sim_job *job;
    world_add_update_with(&world, "job", world_image(2, 11000, true), "\"MQTT\"", "\"HTTP\"");
    world.cloud.refusal = "InvalidRequest";
    world.cloud.refused_tokens = "f";
    world.cloud.refuses_details_only = true;
    assert_true(world_run(&world, world_at_rest, HOUR));
    job = sim_cloud_find(&world.cloud, "job");
    assert_int_equal(job->status, CLOUD_REJECTED);
    assert_string_equal(job->details, "");
    assert_int_equal(world.cloud.updates, 2);
}

/* --- jobs that are over but still offered --- */

static bool held_up(struct world *w)
{
    return ota_status(&w->ota).held_by[0] != '\0';
}

static void offer_for_a_day(const char *name, uint32_t updates_max)
{
    const uint32_t erases = world.nor.erase_count;
    const uint32_t updates = world.cloud.updates;
    const uint32_t asks = world.cloud.asks;
    for (unsigned boots = 0; boots < 24; boots++)
        (void)world_run(&world, sim_never, HOUR);
    printf("%-9s %u updates, %u asks, %u erases in a day with 24 resets\n", name,
           world.cloud.updates - updates, world.cloud.asks - asks, world.nor.erase_count - erases);
    assert_in_range(world.cloud.updates - updates, 0, updates_max);
    assert_in_range(world.cloud.asks - asks, 1, 24 * 12);
    assert_in_range(world.nor.erase_count - erases, 0, 3); /* of the store */
}

static void a_job_that_is_over_but_still_offered_is_left_alone(void **state)
{
    (void)state;
    static const enum cloud_status ends[] = {CLOUD_CANCELED, CLOUD_REJECTED, CLOUD_FAILED,
                                             CLOUD_SUCCEEDED};
    for (unsigned i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        renew();
        sim_come_on_line();
        world_add_update(&world, "job", world_image(2, 11000, true));
        sim_cloud_bring_to(&world.cloud, "job", ends[i]);
        snprintf(world.cloud.undead, sizeof world.cloud.undead, "job");
        offer_for_a_day(sim_cloud_status_name(ends[i]), 1);
        assert_true(world_run(&world, held_up, HOUR));
        assert_string_equal(ota_status(&world.ota).held_by, "job");
        world.cloud.undead[0] = '\0';
        next_update_works("next", 9);
        assert_string_equal(ota_status(&world.ota).held_by, "");
    }
}

/* The memory for one job is not enough then. In each way in which a job can come to nothing:
 * refused by the cloud before and after its start, and refused by the device. */
static void jobs_that_are_over_and_take_turns_wear_out_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *name, *tokens, *piece, *instead;
        uint32_t erases_max;
    } ways[] = {{"accept", "a", "", "", 250},
                {"started", "prtf", "", "", 250},
                {"trial", "t", "", "", 2500}, /* each is a swap and the way back */
                {"document", "f", "\"MQTT\"", "\"HTTP\"", 250}};
    for (unsigned i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        renew();
        sim_come_on_line();
        world.cloud.refusal = "TerminalStateReached";
        world.cloud.refused_tokens = ways[i].tokens;
        snprintf(world.cloud.undead, sizeof world.cloud.undead, "one");
        snprintf(world.cloud.undead_too, sizeof world.cloud.undead_too, "two");
        world_add_update_with(&world, "one", world_image(2, 11000, true), ways[i].piece,
                              ways[i].instead);
        world_add_update_with(&world, "two", world_image(2, 11000, true), ways[i].piece,
                              ways[i].instead);
        const uint32_t erases = world.nor.erase_count;
        (void)world_run(&world, sim_never, DAY);
        printf("%-9s %u updates, %u asks, %u erases in a day of two jobs in turn\n", ways[i].name,
               world.cloud.updates, world.cloud.asks, world.nor.erase_count - erases);
        assert_in_range(world.cloud.updates, 2, 250);
        assert_in_range(world.nor.erase_count - erases, 0, ways[i].erases_max);
    }
}

/* The cloud has heard of each failure, and orders the same update again at once: a retry rule, or
 * a script. The device's flash must outlast it, whatever the update fails at, and over resets. */
static void an_update_that_fails_and_is_ordered_again_for_ever_wears_out_little(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool good_key;
        enum behaviour behaviour;
        uint32_t erases_max;
    } ways[] = {{"signature", false, BEHAVES, 600}, {"self-test", true, FAILS_ITS_TEST, 2500}};
    for (unsigned i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        renew();
        world.behaviour[2] = ways[i].behaviour;
        world.trouble.check_signature = true;
        sim_come_on_line();
        world.cloud.retries = true;
        world_add_update(&world, "job", world_image(2, 11000, ways[i].good_key));
        const uint32_t erases = world.nor.erase_count;
        (void)world_run(&world, sim_never, DAY);
        const uint32_t tries = sim_cloud_find(&world.cloud, "job")->execution;
        printf("%-9s %u tries, %u erases in a day of an update that fails\n", ways[i].name, tries,
               world.nor.erase_count - erases);
        assert_in_range(tries, 10, 60);
        assert_in_range(world.nor.erase_count - erases, 0, ways[i].erases_max);
        world.cloud.retries = false;
        sim_cloud_cancel(&world.cloud, "job");
        next_update_works("next", 9);
    }
}

static void add_job(const char *id, const char *document);

/* A long list of jobs that are refused is worked off at once; one without end is not. */
static void jobs_that_are_refused_without_end_wear_out_little(void **state)
{
    (void)state;
    sim_come_on_line();
    world.cloud.retries = true;
    add_job("reboot", "{\"operation\":\"reboot\"}");
    const uint32_t erases = world.nor.erase_count;
    (void)world_run(&world, sim_never, 60000);
    assert_in_range(sim_cloud_find(&world.cloud, "reboot")->execution, 32, 200);
    (void)world_run(&world, sim_never, DAY);
    printf("refused   %u times, %u erases in a day\n",
           sim_cloud_find(&world.cloud, "reboot")->execution, world.nor.erase_count - erases);
    assert_in_range(world.nor.erase_count - erases, 0, 600);
}

static void a_job_that_this_device_has_ended_is_not_begun_again(void **state)
{
    (void)state;
    sim_come_on_line();
    snprintf(world.cloud.undead, sizeof world.cloud.undead, "job");
    world_add_update(&world, "job", world_image(2, 11000, true));
    (void)world_run(&world, sim_never, HOUR);
    sim_expect("job", CLOUD_SUCCEEDED, "accepted v2.0.0");
    offer_for_a_day("ended", 0);
}

static void a_retry_of_a_job_that_was_ended_is_done(void **state)
{
    (void)state;
    sim_come_on_line();
    world_add_update_with(&world, "job", world_image(2, 11000, true), "\"MQTT\"", "\"HTTP\"");
    assert_true(world_run(&world, world_at_rest, HOUR));
    sim_expect("job", CLOUD_REJECTED, "do not offer MQTT");
    char document[sizeof world.cloud.jobs->document];
    snprintf(document, sizeof document, "%s", sim_cloud_find(&world.cloud, "job")->document);
    memcpy(strstr(document, "HTTP"), "MQTT", 4);
    sim_cloud_set_document(&world.cloud, "job", document);
    sim_cloud_requeue(&world.cloud, "job");
    assert_true(world_run(&world, world_at_rest, HOUR));
    sim_expect("job", CLOUD_SUCCEEDED, "accepted v2.0.0");
}

/* --- jobs of others, and jobs that are too large --- */

static void add_job(const char *id, const char *document)
{
    sim_cloud_create(&world.cloud, id, document, NULL, NULL, 0);
}

static const char *long_text(void)
{
    static char document[sizeof world.input + 176u];
    const int at = snprintf(document, sizeof document, "{\"afr_ota\":{},\"text\":\"");
    memset(document + at, 'x', sizeof document - (size_t)at);
    strcpy(document + sizeof document - 3, "\"}");
    return document;
}

static const char *many_parts(void)
{
    static char document[2 * JOBS_TOKENS_MIN + 32u];
    strcpy(document, "{\"list\":[1");
    for (unsigned i = 0; i < JOBS_TOKENS_MIN; i++)
        strcat(document, ",1");
    strcat(document, "]}");
    return document;
}

static void a_job_that_nobody_claims_is_rejected_and_holds_up_nothing(void **state)
{
    (void)state;
    sim_come_on_line();
    add_job("reboot", "{\"operation\":\"reboot\"}");
    add_job("empty", "{}");
    next_update_works("job", 2);
    sim_expect("reboot", CLOUD_REJECTED, "no service of this device takes the job");
    sim_expect("empty", CLOUD_REJECTED, "no service of this device takes the job");
}

static void a_started_job_that_nobody_claims_fails(void **state)
{
    (void)state;
    add_job("reboot", "{\"operation\":\"reboot\"}");
    sim_cloud_bring_to(&world.cloud, "reboot", CLOUD_IN_PROGRESS);
    next_update_works("job", 2);
    sim_expect("reboot", CLOUD_FAILED, "no service of this device takes the job");
}

static void a_job_that_another_service_claims_is_left_and_shown(void **state)
{
    (void)state;
    world.trouble.claims = true;
    sim_count("may hold up others");
    sim_come_on_line();
    add_job("reboot", "{\"operation\":\"reboot\"}");
    world_add_update(&world, "job", world_image(2, 11000, true));
    (void)world_run(&world, sim_never, 10 * HOUR);
    assert_int_equal(sim_cloud_find(&world.cloud, "reboot")->status, CLOUD_QUEUED);
    assert_in_range(sim_counted(), 9, 12); /* with each poll, once an hour */
    assert_true(world_run(&world, held_up, HOUR));
    assert_string_equal(ota_status(&world.ota).held_by, "reboot");
    sim_cloud_cancel(&world.cloud, "reboot"); /* or done by its service */
    assert_true(world_run(&world, world_at_rest, HOUR));
    sim_expect("job", CLOUD_SUCCEEDED, "accepted v2.0.0");
}

static void a_job_too_large_to_be_read_is_rejected_and_holds_up_nothing(void **state)
{
    (void)state;
    sim_come_on_line();
    add_job("long", long_text());
    add_job("wide", many_parts());
    const otter_ms before = world.now;
    next_update_works("job", 2);
    assert_in_range(world.now - before, 0, 5000);
    sim_expect("long", CLOUD_REJECTED, "too large to be read");
    sim_expect("wide", CLOUD_REJECTED, "too large to be read");
}

/* Messages get lost while the agent finds out which job it cannot read: a good one must not be
 * taken for it. */
static void only_the_job_that_cannot_be_read_is_rejected(void **state)
{
    (void)state;
    for (uint32_t lost = 1; lost <= 24; lost++) {
        const struct trouble trouble = {.window = 4, .lose_message = lost};
        sim_tear_down(NULL);
        world_create(&world, lost, &trouble);
        sim_come_on_line();
        add_job("long", long_text());
        world_add_update(&world, "job", world_image(2, 7000, true));
        if (lost % 2 == 0) /* it goes while its description is on its way */
            sim_cloud_cancel(&world.cloud, "long");
        assert_true(world_run(&world, world_at_rest, 6 * HOUR));
        sim_expect("job", CLOUD_SUCCEEDED, "accepted v2.0.0");
    }
}

/* Cut at the moment when the agent has asked: the head of the list changes under its questions. */
static void a_job_that_takes_the_place_of_a_large_one_is_not_rejected_for_it(void **state)
{
    (void)state;
    for (unsigned asks = 1; asks <= 5; asks++) {
        renew();
        sim_come_on_line();
        add_job("long", long_text());
        world_add_update(&world, "job", world_image(2, 7000, true));
        world.cloud.cancel_at_ask = world.cloud.asks + asks;
        assert_true(world_run(&world, world_at_rest, 6 * HOUR));
        sim_expect("job", CLOUD_SUCCEEDED, "accepted v2.0.0");
    }
}

/* --- blocks --- */

static bool refused_many(struct world *w)
{
    return ota_status(&w->ota).blocks_refused >= 8;
}

static void refused_blocks_are_counted_logged_and_told(void **state)
{
    (void)state;
    sim_come_on_line();
    sim_count("a block was refused: another file, or a wrong number or length");
    world_add_update_with(&world, "job", world_image(2, 11000, true), "11000", "11200");
    assert_true(world_run(&world, refused_many, HOUR));
    assert_int_equal(sim_counted(), 4); /* the first, second, fourth and eighth */
    assert_true(world_run(&world, world_at_rest, HOUR));
    sim_expect("job", CLOUD_FAILED, "were refused");
}

/* --- restarts --- */

static bool in_mid_download(struct world *w)
{
    return w->ota.state == OTA_DOWNLOADING && w->ota.progress.stored >= 2;
}

static void restarts_without_a_connection_do_not_count_against_the_job(void **state)
{
    (void)state;
    world_add_update(&world, "job", world_image(2, 11000, true));
    assert_true(world_run(&world, in_mid_download, HOUR));
    world.behaviour[1] = NEVER_CONNECTS;
    for (unsigned i = 0; i < 20; i++)
        (void)world_run(&world, sim_never, 60000);
    world.behaviour[1] = BEHAVES;
    assert_true(world_run(&world, world_at_rest, HOUR));
    sim_expect("job", CLOUD_SUCCEEDED, "accepted v2.0.0");
}

static bool downloading(struct world *w)
{
    return w->ota.state == OTA_PREPARING || w->ota.state == OTA_DOWNLOADING;
}

static void restarts_on_line_without_progress_end_the_job(void **state)
{
    (void)state;
    world_add_update(&world, "job", world_image(2, 11000, true));
    for (unsigned i = 0; i < 8; i++)
        (void)world_run(&world, downloading, HOUR);
    assert_true(world_run(&world, world_at_rest, HOUR));
    sim_expect("job", CLOUD_FAILED, "no progress after 5 restarts");
}

#define PROMISE(name) cmocka_unit_test_setup_teardown(name, set_up, sim_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROMISE(a_refusal_that_cannot_change_ends_the_job),
        PROMISE(what_the_service_cannot_do_now_is_done_when_it_can),
        PROMISE(an_end_that_is_refused_is_told_without_details),
        PROMISE(a_job_that_is_over_but_still_offered_is_left_alone),
        PROMISE(jobs_that_are_over_and_take_turns_wear_out_nothing),
        PROMISE(an_update_that_fails_and_is_ordered_again_for_ever_wears_out_little),
        PROMISE(jobs_that_are_refused_without_end_wear_out_little),
        PROMISE(a_job_that_this_device_has_ended_is_not_begun_again),
        PROMISE(a_retry_of_a_job_that_was_ended_is_done),
        PROMISE(a_job_that_nobody_claims_is_rejected_and_holds_up_nothing),
        PROMISE(a_started_job_that_nobody_claims_fails),
        PROMISE(a_job_that_another_service_claims_is_left_and_shown),
        PROMISE(a_job_too_large_to_be_read_is_rejected_and_holds_up_nothing),
        PROMISE(only_the_job_that_cannot_be_read_is_rejected),
        PROMISE(a_job_that_takes_the_place_of_a_large_one_is_not_rejected_for_it),
        PROMISE(refused_blocks_are_counted_logged_and_told),
        PROMISE(restarts_without_a_connection_do_not_count_against_the_job),
        PROMISE(restarts_on_line_without_progress_end_the_job),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
