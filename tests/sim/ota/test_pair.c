/* Two images in one job: downloaded and checked one after the other, tried, confirmed and taken
 * back as one, with the power cut at every flash operation (--full: in every way). At each boot the
 * world looks whether both images are of one version. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/ota/sim_port.h"

#define FIRST_SIZE  9500u
#define SECOND_SIZE 7000u

static bool full;

static void begin(const struct trouble *trouble)
{
    world_create(&world, 1, trouble);
    world_add_partner(&world);
}

static int set_up(void **state)
{
    static const struct trouble none = {.window = 4};
    (void)state;
    begin(&none);
    sim_count("");
    return 0;
}

static int tear_down(void **state)
{
    assert_int_equal(world.mixed, 0);
    return sim_tear_down(state);
}

static void renew(const struct trouble *trouble)
{
    tear_down(NULL);
    begin(trouble);
}

static void add_pair(const char *id, uint8_t version, uint8_t first_needs, uint8_t second_needs)
{
    world_add_pair(&world, id, world_image_needing(version, FIRST_SIZE, 1, first_needs),
                   world_image_needing(version, SECOND_SIZE, 0, second_needs));
}

static void expect_in_place(uint8_t first, uint8_t second)
{
    assert_int_equal(world.running, first);
    assert_int_equal(world_partner_version(&world), second);
}

static void both_images_come_with_one_job(void **state)
{
    (void)state;
    add_pair("job", 2, 2, 2);
    assert_true(world_run(&world, world_at_rest, HOUR));
    sim_expect("job", CLOUD_SUCCEEDED, "accepted v2.0.0");
    expect_in_place(2, 2);
    assert_int_equal(world.resets, 1);
    add_pair("next", 3, 3, 3);
    assert_true(world_run(&world, world_at_rest, HOUR));
    sim_expect("next", CLOUD_SUCCEEDED, "accepted v3.0.0");
    expect_in_place(3, 3);
}

static bool never_beyond_its_file(struct world *w)
{
    const struct ota_status status = ota_status(&w->ota);
    assert_true(status.blocks_received <= status.blocks_total);
    return world_at_rest(w);
}

static void progress_is_that_of_the_file_at_work(void **state)
{
    (void)state;
    add_pair("job", 2, 2, 2);
    assert_true(world_run(&world, never_beyond_its_file, HOUR));
    sim_expect("job", CLOUD_SUCCEEDED, "accepted v2.0.0");
}

static void images_that_could_be_tried_without_each_other_are_not_tried(void **state)
{
    (void)state;
    const uint8_t needs[][2] = {{0, 0}, {2, 0}, {0, 2}, {1, 2}};
    for (unsigned i = 0; i < sizeof needs / sizeof needs[0]; i++) {
        char id[8];
        snprintf(id, sizeof id, "job%u", i);
        add_pair(id, 2, needs[i][0], needs[i][1]);
        assert_true(world_run(&world, world_at_rest, 6 * HOUR));
        sim_expect(id, CLOUD_FAILED, "do not need each other");
        expect_in_place(1, 1);
    }
    assert_int_equal(world.resets, 0);
    assert_int_equal(world_run(&world, sim_never, 6 * HOUR), false);
    add_pair("right", 2, 2, 2);
    assert_true(world_run(&world, world_at_rest, 6 * HOUR));
    sim_expect("right", CLOUD_SUCCEEDED, "accepted v2.0.0");
}

static void what_an_image_needs_and_will_not_find_is_said(void **state)
{
    (void)state;
    add_pair("job", 2, 3, 2);
    assert_true(world_run(&world, world_at_rest, HOUR));
    sim_expect("job", CLOUD_FAILED, "image 0 needs image 1 to be at least 3.0.0");
    expect_in_place(1, 1);
    assert_int_equal(world.resets, 0);
}

static void either_image_is_updated_alone(void **state)
{
    (void)state;
    world_add_update(&world, "first", world_image(2, FIRST_SIZE, true));
    assert_true(world_run(&world, world_at_rest, HOUR));
    sim_expect("first", CLOUD_SUCCEEDED, "accepted v2.0.0");
    expect_in_place(2, 1);
    world_add_update_with(&world, "second", world_image(2, SECOND_SIZE, true), "\"fileType\":0",
                          "\"fileType\":1");
    assert_true(world_run(&world, world_at_rest, HOUR));
    sim_expect("second", CLOUD_SUCCEEDED, "accepted v2.0.0");
    expect_in_place(2, 2);
    world.behaviour[2] = FAILS_ITS_TEST;
    world_add_update_with(&world, "third", world_image(3, SECOND_SIZE, true), "\"fileType\":0",
                          "\"fileType\":1");
    assert_true(world_run(&world, world_at_rest, HOUR));
    sim_expect("third", CLOUD_FAILED, "rolled back: 3.0.0");
    expect_in_place(2, 2);
    world.mixed = 0; /* as it was meant */
}

static void files_that_are_no_pair_are_refused_before_the_start(void **state)
{
    (void)state;
    const struct {
        const char *piece, *instead, *words;
    } bad[] = {
        {"\"fileType\":0", "\"fileType\":1", "two files of fileType 1"},
        {"\"fileType\":0", "\"fileType\":2", "fileType 2"},
        {"\"files\":[{", "\"files\":[{},{", "job has 3 files: this device takes at most 2"},
    };
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char id[8];
        snprintf(id, sizeof id, "job%u", i);
        add_pair(id, 2, 2, 2);
        char document[4096], changed[4096];
        snprintf(document, sizeof document, "%s", sim_cloud_find(&world.cloud, id)->document);
        const char *at = strstr(document, bad[i].piece);
        snprintf(changed, sizeof changed, "%.*s%s%s", (int)(at - document), document,
                 bad[i].instead, at + strlen(bad[i].piece));
        sim_cloud_set_document(&world.cloud, id, changed);
        assert_true(world_run(&world, world_at_rest, HOUR));
        sim_expect(id, CLOUD_REJECTED, bad[i].words);
    }
    world_add_pair(&world, "old", world_image_needing(2, FIRST_SIZE, 1, 1),
                   world_image_needing(1, SECOND_SIZE, 0, 1));
    assert_true(world_run(&world, world_at_rest, 6 * HOUR));
    sim_expect("old", CLOUD_REJECTED, "version 1.0.0 is not above the running 1.0.0");
}

static void a_failed_trial_takes_both_back(void **state)
{
    static const struct trouble none = {.window = 4};
    static const enum behaviour behaviours[] = {CRASHES, NEVER_CONNECTS, FAILS_ITS_TEST};
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        renew(&none);
        world.behaviour[2] = behaviours[i];
        add_pair("job", 2, 2, 2);
        assert_true(world_run(&world, world_at_rest, HOUR));
        sim_expect("job", CLOUD_FAILED, "rolled back: 2.0.0");
        expect_in_place(1, 1);
        world.behaviour[3] = BEHAVES;
        add_pair("next", 3, 3, 3);
        assert_true(world_run(&world, world_at_rest, HOUR));
        sim_expect("next", CLOUD_SUCCEEDED, "accepted v3.0.0");
        expect_in_place(3, 3);
    }
}

/* One image of the two is not as signed: neither is tried, and its partner's request does not lie
 * in wait for a later update. */
static void an_image_that_the_bootloader_refuses_takes_its_partner_along(void **state)
{
    (void)state;
    struct world_image second = *world_image_needing(2, SECOND_SIZE, 0, 2);
    second.bytes[second.size - 1] ^=
        1; /* the image's own signature, which this agent cannot check */
    world_sign(&second);
    world_add_pair(&world, "job", world_image_needing(2, FIRST_SIZE, 1, 2), &second);
    assert_true(world_run(&world, world_at_rest, 6 * HOUR));
    sim_expect("job", CLOUD_FAILED, "rolled back: 2.0.0 was not confirmed (did not start)");
    expect_in_place(1, 1);
    world_add_update_with(&world, "alone", world_image(3, SECOND_SIZE, true), "\"fileType\":0",
                          "\"fileType\":1");
    assert_true(world_run(&world, world_at_rest, 6 * HOUR));
    sim_expect("alone", CLOUD_SUCCEEDED, "accepted v3.0.0");
    expect_in_place(1, 3);
    world.mixed = 0; /* as it was meant */
}

static bool is_turn_of(enum nor_cut cut, uint32_t at)
{
    return full || cut == at * 2654435761u % NOR_CUT_ALL_KINDS;
}

/* Both new, or both old. */
static void expect_one_version(enum behaviour behaviour, unsigned *rolled_back)
{
    const struct sim_job *job = sim_cloud_find(&world.cloud, "job");
    assert_int_equal(world.mixed, 0);
    if (behaviour == BEHAVES && job->status == CLOUD_SUCCEEDED) {
        expect_in_place(2, 2);
        return;
    }
    sim_expect("job", CLOUD_FAILED, "rolled back: 2.0.0");
    expect_in_place(1, 1);
    (*rolled_back)++;
}

static void cut_everywhere(enum behaviour behaviour, uint32_t every)
{
    unsigned rolled_back = 0;
    unsigned cases = 0;
    uint32_t at = 1;
    for (bool over = false; !over; at++) {
        for (enum nor_cut cut = 0; cut < NOR_CUT_ALL_KINDS; cut++) {
            const struct trouble trouble = {.cut_at = at, .cut = cut, .window = 4};
            if (!is_turn_of(cut, at) || (!full && at % every != 0))
                continue;
            renew(&trouble);
            world.behaviour[2] = behaviour;
            add_pair("job", 2, 2, 2);
            const bool at_rest = world_run(&world, world_at_rest, 6 * HOUR);
            if (!at_rest || world.mixed != 0)
                printf("cut at %u, %s\n", at, nor_cut_name(cut));
            assert_true(at_rest);
            over = world.operations < at;
            if (getenv("OTTER_TEST_LOG") != NULL)
                printf("cut at %u, %s\n", at, nor_cut_name(cut));
            expect_one_version(behaviour, &rolled_back);
            /* and so it stays */
            world.behaviour[1] = BEHAVES;
            (void)world_run(&world, sim_never, 1);
            (void)world_run(&world, sim_never, 1);
            assert_int_equal(world.mixed, 0);
            cases++;
        }
    }
    printf("%u cuts at %u operations, %u taken back\n", cases, at, rolled_back);
}

static void a_cut_at_any_operation_never_parts_the_images(void **state)
{
    (void)state;
    cut_everywhere(BEHAVES, 1);
    cut_everywhere(FAILS_ITS_TEST, 3);
}

/* Write-once flash: what a cut left of a confirmation is refused for ever. */
static void a_confirmation_that_flash_refuses_does_not_part_the_images(void **state)
{
    static const struct trouble none = {.window = 4};
    unsigned rolled_back = 0;
    (void)state;
    renew(&none);
    add_pair("job", 2, 2, 2);
    assert_true(world_run(&world, world_at_rest, HOUR));
    const uint32_t last = world.operations;
    for (uint32_t at = last - 20; at <= last; at++) {
        const struct trouble trouble = {.cut_at = at, .cut = NOR_CUT_SEALED, .window = 4};
        renew(&trouble);
        add_pair("job", 2, 2, 2);
        assert_true(world_run(&world, world_at_rest, 6 * HOUR));
        expect_one_version(BEHAVES, &rolled_back);
        (void)world_run(&world, sim_never, 1);
        assert_int_equal(world.mixed, 0);
        add_pair("next", 3, 3, 3);
        assert_true(world_run(&world, world_at_rest, 6 * HOUR));
        sim_expect("next", CLOUD_SUCCEEDED, "accepted v3.0.0");
        expect_in_place(3, 3);
    }
    printf("%u taken back\n", rolled_back);
}

/* Several cuts, each at any time, also in what the one before left to be done. */
static void several_cuts_never_part_the_images(void **state)
{
    unsigned rolled_back = 0;
    (void)state;
    for (uint32_t seed = 1; seed < (full ? 400u : 40u); seed++) {
        const struct trouble trouble = {.window = 4, .power_cuts = 6};
        tear_down(NULL);
        world_create(&world, seed, &trouble);
        world_add_partner(&world);
        add_pair("job", 2, 2, 2);
        assert_true(world_run(&world, world_at_rest, 6 * HOUR));
        if (sim_cloud_find(&world.cloud, "job")->status == CLOUD_FAILED)
            rolled_back++;
        assert_true(world.running == world_partner_version(&world));
        assert_int_equal(world.mixed, 0);
    }
    printf("%u taken back\n", rolled_back);
}

/* The record holds no address, and the document of the job another one for each file. */
static void each_file_of_a_pair_has_an_address_of_its_own(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed < (full ? 400u : 20u); seed++) {
        const struct trouble trouble = {
            .by_range = true, .address_uses = seed % 4, .window = 4, .power_cuts = seed % 6};
        renew(&trouble);
        world.random += seed;
        add_pair("job", 2, 2, 2);
        assert_true(world_run(&world, world_at_rest, 6 * HOUR));
        if (trouble.power_cuts == 0)
            sim_expect("job", CLOUD_SUCCEEDED, "accepted v2.0.0");
        assert_true(world.running == world_partner_version(&world));
        assert_true(world.ranges > 0 && world.streamed == 0);
        assert_int_equal(world.mixed, 0);
    }
}

static void a_cancelled_job_never_parts_the_images(void **state)
{
    (void)state;
    for (unsigned in = OTA_DESCRIBING; in < OTA_STATE_COUNT; in++) {
        const struct trouble trouble = {
            .cancels = true, .cancel_in = (enum ota_state)in, .window = 4};
        renew(&trouble);
        sim_come_on_line();
        add_pair("job", 2, 2, 2);
        assert_true(world_run(&world, world_at_rest, 6 * HOUR));
        assert_int_equal(world.mixed, 0);
        assert_true(world.running == world_partner_version(&world));
    }
}

static bool is_downloading(struct world *w)
{
    return w->ota.state == OTA_DOWNLOADING && w->ota.record.job.image == 0;
}

/* A firmware with fewer partners came by cable, and finds the record. */
static void a_job_for_a_partner_that_is_gone_fails_with_the_reason(void **state)
{
    (void)state;
    add_pair("job", 2, 2, 2);
    assert_true(world_run(&world, is_downloading, HOUR));
    world.pair = false;
    assert_true(world_run(&world, world_at_rest, HOUR));
    sim_expect("job", CLOUD_FAILED, "job has 2 files: this device takes exactly one");
    assert_int_equal(world.running, 1);
}

#define PROMISE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    full = argc > 1 && strcmp(argv[1], "--full") == 0;
    const struct CMUnitTest tests[] = {
        PROMISE(both_images_come_with_one_job),
        PROMISE(progress_is_that_of_the_file_at_work),
        PROMISE(images_that_could_be_tried_without_each_other_are_not_tried),
        PROMISE(what_an_image_needs_and_will_not_find_is_said),
        PROMISE(either_image_is_updated_alone),
        PROMISE(files_that_are_no_pair_are_refused_before_the_start),
        PROMISE(a_failed_trial_takes_both_back),
        PROMISE(an_image_that_the_bootloader_refuses_takes_its_partner_along),
        PROMISE(a_cut_at_any_operation_never_parts_the_images),
        PROMISE(a_confirmation_that_flash_refuses_does_not_part_the_images),
        PROMISE(several_cuts_never_part_the_images),
        PROMISE(each_file_of_a_pair_has_an_address_of_its_own),
        PROMISE(a_cancelled_job_never_parts_the_images),
        PROMISE(a_job_for_a_partner_that_is_gone_fails_with_the_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
