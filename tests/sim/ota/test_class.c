/* Images that name the class of device that they are for (UUID_CID): one key may be trusted on
 * boards of several kinds, and none may take what is another's. */
#include "tests/sim/ota/sim_port.h"

#define IMAGE_SIZE 9000u

static int set_up(void **state)
{
    static const struct trouble none = {.window = 4};
    (void)state;
    sim_count("");
    world_create(&world, 1, &none);
    return 0;
}

static void update(const char *id, const struct world_image *image)
{
    world_add_update(&world, id, image);
    assert_true(world_run(&world, world_at_rest, 6 * HOUR));
}

static void a_firmware_without_a_class_takes_any(void **state)
{
    (void)state;
    update("first", world_image_of_class(2, IMAGE_SIZE, 0xa1));
    sim_expect("first", CLOUD_SUCCEEDED, "accepted v2.0.0");
}

static void what_is_for_another_kind_of_board_fails_and_is_never_started(void **state)
{
    (void)state;
    update("first", world_image_of_class(2, IMAGE_SIZE, 0xa1));
    const uint32_t resets = world.resets;
    update("other", world_image_of_class(3, IMAGE_SIZE, 0xb2));
    sim_expect("other", CLOUD_FAILED, "the image does not name this kind of board");
    update("none", world_image(3, IMAGE_SIZE, true));
    sim_expect("none", CLOUD_FAILED, "the image does not name this kind of board");
    assert_int_equal(world.resets, resets);
    assert_int_equal(world.running, 2);
    update("same", world_image_of_class(3, IMAGE_SIZE, 0xa1));
    sim_expect("same", CLOUD_SUCCEEDED, "accepted v3.0.0");
}

#define PROMISE(name) cmocka_unit_test_setup_teardown(name, set_up, sim_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROMISE(a_firmware_without_a_class_takes_any),
        PROMISE(what_is_for_another_kind_of_board_fails_and_is_never_started),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
