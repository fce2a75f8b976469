/* Whole updates by the real update agent, from the cloud's job to the confirmed firmware, through a
 * PSA Firmware Update implementation that is not Otter's: none of its slots or trailers is within
 * the agent's reach. */
#include "tests/sim/ota/sim_port.h"

#include <string.h>

#include "boards/board.h"
#include "secure/slot.h"
#include "tests/sim/boot/sim_image.h"
#include "tests/unit/secure/foreign.h"

#define IMAGE_SIZE 9001u /* whole units of no flash */

/* ---- A board ----------------------------------------------------------------------------------
 */

static uint32_t sector_size = WORLD_BLOCK;
const struct flash port_flash[] = {{.ops = &foreign_slot_ops,
                                    .ctx = &sector_size,
                                    .size = WORLD_SLOT_SIZE,
                                    .write_size = 1,
                                    .erased_value = 0xff}};
const struct board_secure board_secure; /* none */
const struct board board = {.name = "foreign", .secondary = {&port_flash[0], 0, WORLD_SLOT_SIZE}};

/* In place of Otter's bootloader. */
otter_status boot_go(const struct boot_config *config, struct boot_result *result)
{
    static uint8_t running[FOREIGN_SIZE];
    const struct flash_area *primary = config->images[0].primary;
    assert_int_equal(flash_read(primary, 0, running, sizeof running), OTTER_OK);
    secure_slot_forget();
    foreign_reset(running);
    nor_load(&world.nor, primary->offset, running, sizeof running);
    result->slot = primary;
    return image_header_read(primary, &result->header);
}

static void start_with(const struct trouble *trouble)
{
    sim_count("going on at block");
    foreign_init();
    foreign.policy = &sim_policy;
    world_create(&world, 1, trouble);
    world.secondary = board.secondary;
}

static int set_up(void **state)
{
    static const struct trouble none = {.window = 4};
    (void)state;
    start_with(&none);
    return 0;
}

static void update(const char *id, const struct world_image *image)
{
    world_add_update(&world, id, image);
    assert_true(world_run(&world, world_at_rest, 6 * HOUR));
}

/* ---- Promises ---------------------------------------------------------------------------------
 */

static void an_update_runs_from_the_job_to_the_accepted_trial(void **state)
{
    (void)state;
    update("first", world_image(2, IMAGE_SIZE, true));
    sim_expect("first", CLOUD_SUCCEEDED, "accepted v2.0.0");
    assert_int_equal(world.running, 2);
    assert_int_equal(foreign.state, PSA_FWU_UPDATED);
    assert_int_equal(foreign.accepts, 1);
    assert_int_equal(foreign.starts, 1);
    update("second", world_image(3, IMAGE_SIZE, true));
    sim_expect("second", CLOUD_SUCCEEDED, "accepted v3.0.0");
    assert_int_equal(foreign.accepts, 2);
}

static void blocks_may_come_in_any_order_where_the_candidate_has_a_digest(void **state)
{
    static const struct trouble poor = {
        .window = 8, .lost = 100, .repeated = 100, .delay_ms = 400, .disconnects = 20};
    (void)state;
    world_destroy(&world);
    start_with(&poor);
    update("first", world_image(2, IMAGE_SIZE, true));
    sim_expect("first", CLOUD_SUCCEEDED, "accepted v2.0.0");
    assert_int_equal(foreign.starts, 1);
}

static void blocks_in_order_are_hashed_where_it_has_none(void **state)
{
    static const struct trouble poor = {.window = 1, .lost = 100, .repeated = 100, .delay_ms = 400};
    (void)state;
    world_destroy(&world);
    start_with(&poor);
    foreign.no_digest = true;
    update("first", world_image(2, IMAGE_SIZE, true));
    sim_expect("first", CLOUD_SUCCEEDED, "accepted v2.0.0");
    assert_int_equal(foreign.starts, 1);
}

static void a_wrong_code_signature_is_never_installed(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        static struct world_image image;
        memcpy(&image, world_image(2, IMAGE_SIZE, true), sizeof image);
        memcpy(image.signature, world_image(3, IMAGE_SIZE, true)->signature,
               sizeof image.signature);
        image.signature_length = world_image(3, IMAGE_SIZE, true)->signature_length;
        const uint32_t resets = world.resets;
        update(i == 0 ? "digest" : "hash", &image);
        sim_expect(i == 0 ? "digest" : "hash", CLOUD_FAILED, "code signature check failed");
        assert_int_equal(foreign.state, PSA_FWU_FAILED);
        assert_int_equal(world.resets, resets);
        foreign.no_digest = true;
        world.trouble.window = 1;
    }
    foreign.no_digest = false;
    update("next", world_image(2, IMAGE_SIZE, true));
    sim_expect("next", CLOUD_SUCCEEDED, "accepted v2.0.0");
}

static void an_image_of_an_unknown_key_fails_at_finish(void **state)
{
    (void)state;
    update("first", world_image(2, IMAGE_SIZE, false));
    sim_expect("first", CLOUD_FAILED, "image check failed");
    assert_int_equal(foreign.state, PSA_FWU_FAILED);
    assert_int_equal(world.running, 1);
}

static void a_failed_self_test_brings_the_old_image_back(void **state)
{
    (void)state;
    world.behaviour[2] = FAILS_ITS_TEST;
    update("first", world_image(2, IMAGE_SIZE, true));
    sim_expect("first", CLOUD_FAILED, "rolled back");
    assert_int_equal(world.running, 1);
    assert_int_equal(foreign.accepts, 0);
    assert_int_equal(foreign.state, PSA_FWU_FAILED);
    update("next", world_image(3, IMAGE_SIZE, true));
    sim_expect("next", CLOUD_SUCCEEDED, "accepted v3.0.0");
}

/* A cut at each of the device's own flash operations, under implementations that forget or keep
 * what was written, with and without a digest. */
static void a_power_cut_anywhere_ends_in_the_update(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < 4; kind++) {
        uint32_t at = 1, resumed = 0, anew = 0, taken_back = 0;
        bool was_cut = true;
        for (; was_cut; at++) {
            const struct trouble cut = {.window = kind < 2 ? 4 : 1, .cut_at = at};
            world_destroy(&world);
            start_with(&cut);
            foreign.keeps_writing = kind % 2 != 0;
            foreign.no_digest = kind >= 2;
            update("first", world_image(2, IMAGE_SIZE, true));
            if (world.running == 2) {
                sim_expect("first", CLOUD_SUCCEEDED, "accepted v2.0.0");
            } else { /* amid the trial */
                sim_expect("first", CLOUD_FAILED, "rolled back: 2.0.0 was not confirmed");
                assert_int_equal(foreign.state, PSA_FWU_FAILED);
                taken_back++;
            }
            assert_int_equal(foreign.accepts, world.running == 2);
            resumed += foreign.starts == 1 && sim_counted() > 0;
            anew += foreign.starts > 1;
            was_cut = world.operations >= at;
        }
        assert_true(at > 20);
        assert_true(anew > 0 && taken_back > 0 && taken_back < at / 4u);
        assert_int_equal(resumed > 0, kind == 1);
    }
}

static void a_write_that_fails_in_its_own_life_is_tried_again(void **state)
{
    (void)state;
    foreign.refuses = 3;
    update("first", world_image(2, IMAGE_SIZE, true));
    sim_expect("first", CLOUD_SUCCEEDED, "accepted v2.0.0");
    assert_int_equal(foreign.starts, 1);
}

#define PROMISE(name) cmocka_unit_test_setup_teardown(name, set_up, sim_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROMISE(an_update_runs_from_the_job_to_the_accepted_trial),
        PROMISE(blocks_may_come_in_any_order_where_the_candidate_has_a_digest),
        PROMISE(blocks_in_order_are_hashed_where_it_has_none),
        PROMISE(a_wrong_code_signature_is_never_installed),
        PROMISE(an_image_of_an_unknown_key_fails_at_finish),
        PROMISE(a_failed_self_test_brings_the_old_image_back),
        PROMISE(a_power_cut_anywhere_ends_in_the_update),
        PROMISE(a_write_that_fails_in_its_own_life_is_tried_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
