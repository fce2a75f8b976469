/* Updates by bootloaders that move nothing back: overwrite-only, which has no way back, and direct
 * XIP, where the slot that runs changes. Linked once with each. */
#include <stdio.h>
#include <string.h>

#include "tests/sim/ota/sim_port.h"

#define IMAGE_SIZE 9000u

static struct trouble trouble;

static int set_up(void **state)
{
    (void)state;
    trouble = (struct trouble){.window = 4};
    sim_count("");
    world_create(&world, 1, &trouble);
    return 0;
}

static void update_to(const char *id, uint8_t version)
{
    world_add_update(&world, id, world_image(version, IMAGE_SIZE, true));
    assert_true(world_run(&world, world_at_rest, 6 * HOUR));
}

static void one_update_follows_the_other(void **state)
{
    (void)state;
    update_to("first", 2);
    sim_expect("first", CLOUD_SUCCEEDED, "accepted v2.0.0");
    assert_int_equal(world.running, 2);
    assert_int_equal(world.in_secondary, WORLD_XIP_BASE != 0);
    update_to("second", 3);
    sim_expect("second", CLOUD_SUCCEEDED, "accepted v3.0.0");
    assert_int_equal(world.running, 3);
    assert_false(world.in_secondary);
}

#if WORLD_XIP_BASE != 0

static void a_failed_self_test_brings_the_old_firmware_back(void **state)
{
    (void)state;
    world.behaviour[2] = FAILS_ITS_TEST;
    update_to("job", 2);
    sim_expect("job", CLOUD_FAILED, "rolled back: 2.0.0 was not confirmed (its self-test failed)");
    assert_int_equal(world.running, 1);
    update_to("next", 4);
    sim_expect("next", CLOUD_SUCCEEDED, "accepted v4.0.0");
}

/* Odd versions are linked for the primary slot, which runs. */
static void an_image_for_the_slot_that_runs_is_refused_before_its_download(void **state)
{
    (void)state;
    update_to("job", 3);
    sim_expect("job", CLOUD_REJECTED, "not linked for the slot that is free");
    assert_int_equal(world.running, 1);
}

#else

static void a_firmware_that_fails_its_self_test_stays_and_its_job_fails(void **state)
{
    (void)state;
    world.behaviour[2] = FAILS_ITS_TEST;
    update_to("job", 2);
    sim_expect("job", CLOUD_FAILED,
               "self-test failed (input/output failed); 2.0.0 stays, this device has no way back");
    assert_int_equal(world.running, 2);
    update_to("next", 3);
    sim_expect("next", CLOUD_SUCCEEDED, "accepted v3.0.0");
}

/* Nobody can be told, and nothing is gained by restarting. */
static void a_firmware_that_is_off_line_for_long_succeeds_once_it_is_on_line(void **state)
{
    (void)state;
    world.behaviour[2] = NEVER_CONNECTS;
    world_add_update(&world, "job", world_image(2, IMAGE_SIZE, true));
    (void)world_run(&world, sim_never, HOUR);
    assert_int_equal(world.running, 2);
    const uint32_t resets = world.resets;
    (void)world_run(&world, sim_never, HOUR);
    assert_int_equal(world.resets, resets + 1); /* each run begins with one */
    world.behaviour[2] = BEHAVES;
    assert_true(world_run(&world, world_at_rest, 6 * HOUR));
    sim_expect("job", CLOUD_SUCCEEDED, "accepted v2.0.0");
}

#endif

static bool is_over(struct world *w)
{
    if (w->cloud.job_count == 0 && w->ota.state == OTA_IDLE && jobs_idle(&w->jobs))
        world_add_update(w, "job", world_image(2, IMAGE_SIZE, true));
    return w->cloud.job_count > 0 && world_at_rest(w);
}

/* Only a cut on trial, where there is one, costs the update; and what runs is what the job says. */
static void a_power_cut_at_any_operation_ends_well(void **state)
{
    unsigned cuts = 0, rolled_back = 0;
    for (uint32_t at = 1;; at += 3) {
        sim_tear_down(state);
        trouble = (struct trouble){
            .window = 4, .cut_at = at, .cut = (enum nor_cut)(at / 3 % NOR_CUT_KINDS)};
        world_create(&world, 1, &trouble);
        assert_true(world_run(&world, is_over, 6 * HOUR));
        if (world.operations < at)
            break;
        cuts++;
        const bool updated = sim_cloud_job(&world.cloud, 0)->status == CLOUD_SUCCEEDED;
        assert_int_equal(world.running, updated ? 2 : 1);
        if (!updated)
            sim_expect("job", CLOUD_FAILED, "rolled back: 2.0.0 was not confirmed");
        rolled_back += !updated;
    }
    printf("%u cuts, %u of them on trial\n", cuts, rolled_back);
    assert_true(cuts > 20);
    assert_true(rolled_back <= (WORLD_XIP_BASE != 0 ? 4u : 0u));
}

#define PROMISE(name) cmocka_unit_test_setup_teardown(name, set_up, sim_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROMISE(one_update_follows_the_other),
#if WORLD_XIP_BASE != 0
        PROMISE(a_failed_self_test_brings_the_old_firmware_back),
        PROMISE(an_image_for_the_slot_that_runs_is_refused_before_its_download),
#else
        PROMISE(a_firmware_that_fails_its_self_test_stays_and_its_job_fails),
        PROMISE(a_firmware_that_is_off_line_for_long_succeeds_once_it_is_on_line),
#endif
        PROMISE(a_power_cut_at_any_operation_ends_well),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
