/* Other handlers of jobs beside the update agent, on its session and in its store: that of
 * services/operations, which restarts the device, and one that sets a value, as short as a product
 * would write it. What is about the first alone: test_operations.c. */
#include <stdio.h>
#include <string.h>

#include "tests/sim/ota/sim_operations.h"

/* ---- Configuration: ends in the call that brings it -------------------------------------------
 */

static struct jobs_handler configuration;
static char colour[16];
static unsigned ends;

static enum jobs_answer offer_configuration(void *ctx, otter_ms now, const struct jobs_offer *offer)
{
    char wanted[sizeof colour];
    (void)ctx;
    const int value = json_find(offer->json, offer->document, "colour");
    if (value < 0)
        return JOBS_NOT_MINE;
    if (json_get_string(offer->json, value, wanted, sizeof wanted) != OTTER_OK) {
        jobs_finish(&world.jobs, now, JOBS_FAILED, "colour: at most 15 characters");
        return JOBS_TAKEN;
    }
    memcpy(colour, wanted, sizeof colour);
    jobs_finish(&world.jobs, now, JOBS_SUCCEEDED, "set");
    return JOBS_TAKEN;
}

static void on_configuration_event(void *ctx, otter_ms now, enum jobs_event event)
{
    (void)ctx, (void)now;
    ends += event == JOBS_ENDED;
}

static void add_colour(void *ctx, struct json_writer *w)
{
    (void)ctx;
    json_write_string(w, "colour", colour);
}

/* ---- The device -------------------------------------------------------------------------------
 */

static void start_others(struct world *w)
{
    sim_operations_start(w);
    configuration = (struct jobs_handler){.on_offer = offer_configuration,
                                          .on_event = on_configuration_event,
                                          .add_details = add_colour};
    jobs_add(&world.jobs, &configuration);
}

static void create(uint32_t seed, const struct trouble *trouble)
{
    sim_operations_create(seed, trouble, start_others);
    strcpy(colour, "none");
    ends = 0;
}

static int set_up(void **state)
{
    static const struct trouble none = {.window = 4};
    (void)state;
    create(1, &none);
    sim_count("");
    return 0;
}

static void rest(void)
{
    assert_true(world_run(&world, world_at_rest, 6 * HOUR));
}

/* ---- Promises ---------------------------------------------------------------------------------
 */

static void each_job_goes_to_its_handler_in_the_clouds_order(void **state)
{
    (void)state;
    sim_come_on_line();
    sim_add_job("first", "{\"operation\":\"reboot\"}");
    sim_add_job("second", "{\"colour\":\"green\"}");
    world_add_update(&world, "third", world_image(2, 7000, true));
    sim_add_job("fourth", "{\"operation\":\"reboot\"}");
    sim_add_job("fifth", "{\"operation\":\"dance\"}");
    const uint32_t resets = world.resets;
    rest();
    sim_expect("first", CLOUD_SUCCEEDED, "restarted");
    sim_expect("second", CLOUD_SUCCEEDED, "set");
    sim_expect("third", CLOUD_SUCCEEDED, "accepted v2.0.0");
    sim_expect("fourth", CLOUD_SUCCEEDED, "restarted");
    sim_expect("fifth", CLOUD_REJECTED, "no service of this device takes the job");
    assert_int_equal(world.resets - resets, 3); /* two restarts, one trial */
    assert_string_equal(colour, "green");
    assert_int_equal(ends, 1);
    assert_non_null(
        strstr(sim_cloud_find(&world.cloud, "second")->details, "\"colour\":\"green\""));
}

static void a_job_that_its_handler_cannot_do_is_rejected_with_its_reason(void **state)
{
    (void)state;
    sim_come_on_line();
    sim_add_job("job", "{\"colour\":\"as long as a sentence\"}");
    rest();
    sim_expect("job", CLOUD_REJECTED, "colour: at most 15 characters");
    assert_string_equal(colour, "none");
}

static bool downloading(struct world *w)
{
    return w->ota.state == OTA_DOWNLOADING && ota_status(&w->ota).blocks_received > 1;
}

static void an_update_given_up_at_the_device_fails_its_job(void **state)
{
    (void)state;
    sim_come_on_line();
    assert_int_equal(ota_abort(&world.ota, world.now, "no"), OTTER_E_STATE);
    world_add_update(&world, "job", world_image(2, 7000, true));
    assert_true(world_run(&world, downloading, HOUR));
    assert_int_equal(ota_abort(&world.ota, world.now, "aborted at the device's console"), OTTER_OK);
    assert_int_equal(ota_abort(&world.ota, world.now, "again"), OTTER_E_STATE);
    rest();
    sim_expect("job", CLOUD_FAILED, "aborted at the device's console");
    world_add_update(&world, "next", world_image(2, 7000, true));
    rest();
    sim_expect("next", CLOUD_SUCCEEDED, "accepted v2.0.0");
}

static void an_end_that_is_refused_is_told_without_details(void **state)
{
    (void)state;
    sim_come_on_line();
    world.cloud.refusal = "InvalidRequest";
    world.cloud.refused_tokens = "f";
    world.cloud.refuses_details_only = true;
    sim_add_job("job", "{\"colour\":\"blue\"}");
    rest();
    assert_int_equal(sim_cloud_find(&world.cloud, "job")->status, CLOUD_SUCCEEDED);
}

static void jobs_of_all_kinds_end_well_through_trouble(void **state)
{
    (void)state;
    unsigned updates = 0;
    for (uint32_t seed = 1; seed <= 12; seed++) {
        const struct trouble trouble = sim_trouble(seed);
        sim_tear_down(NULL);
        create(seed, &trouble);
        sim_add_job("restart", "{\"operation\":\"reboot\"}");
        sim_add_job("colour", "{\"colour\":\"green\"}");
        world_add_update(&world, "update", world_image(2, 7000, true));
        sim_add_job("again", "{\"operation\":\"reboot\"}");
        assert_true(world_run(&world, world_at_rest, 24 * HOUR));
        sim_expect("restart", CLOUD_SUCCEEDED, "restarted");
        sim_expect("colour", CLOUD_SUCCEEDED, "set");
        if (world.running == 2) /* else the trial's time was up before an answer came through */
            sim_expect("update", CLOUD_SUCCEEDED, "accepted v2.0.0");
        else
            sim_expect("update", CLOUD_FAILED, "rolled back: 2.0.0 did not confirm");
        updates += world.running == 2;
        sim_expect("again", CLOUD_SUCCEEDED, "restarted");
    }
    assert_in_range(updates, 9, 12);
}

#define PROMISE(name) cmocka_unit_test_setup_teardown(name, set_up, sim_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROMISE(each_job_goes_to_its_handler_in_the_clouds_order),
        PROMISE(a_job_that_its_handler_cannot_do_is_rejected_with_its_reason),
        PROMISE(an_update_given_up_at_the_device_fails_its_job),
        PROMISE(an_end_that_is_refused_is_told_without_details),
        PROMISE(jobs_of_all_kinds_end_well_through_trouble),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
