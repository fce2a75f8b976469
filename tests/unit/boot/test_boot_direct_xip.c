/* Direct XIP: which of two images is started where it lies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/boot/mode_board.h"

static const struct geometry layout = {"", {{{4, 512}}, {{4, 512}}}, {4, 4}, 0xff, 8, 4, false};

static int set_up(void **state)
{
    (void)state;
    board_begin(&layout);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    board_end();
    return 0;
}

static void the_newer_of_two_confirmed_images_starts(void **state)
{
    (void)state;
    put_version(BOARD_PRIMARY, 2);
    put_version(BOARD_SECONDARY, 3);
    board_pad(&board, BOARD_PRIMARY, true);
    board_pad(&board, BOARD_SECONDARY, true);
    assert_int_equal(boot_version(), 3);
    assert_ptr_equal(board.result.slot, &board.area[BOARD_SECONDARY]);
}

static void equal_versions_start_the_primary(void **state)
{
    (void)state;
    put_version(BOARD_PRIMARY, 2);
    put_version(BOARD_SECONDARY, 2);
    assert_int_equal(boot_version(), 2);
    assert_ptr_equal(board.result.slot, &board.area[BOARD_PRIMARY]);
}

static void a_newer_image_that_nobody_asked_for_does_not_start(void **state)
{
    (void)state;
    put_version(BOARD_PRIMARY, 2);
    board_pad(&board, BOARD_PRIMARY, true);
    put_version(BOARD_SECONDARY, 9);
    assert_int_equal(boot_version(), 2);
}

static void a_broken_image_gives_way_to_the_other(void **state)
{
    (void)state;
    put_version(BOARD_PRIMARY, 2);
    board_pad(&board, BOARD_PRIMARY, true);
    put_version(BOARD_SECONDARY, 3)[200] ^= 1;
    board_pad(&board, BOARD_SECONDARY, false);
    assert_int_equal(boot_version(), 2);
    assert_int_equal(board.result.swap_type, SWAP_REVERT);
    board.device[BOARD_PRIMARY].data[200] ^= 1;
    assert_int_equal(boot_version(), 0);
    assert_int_equal(board.status, OTTER_E_HASH);
}

static void a_failed_trial_is_better_than_nothing(void **state)
{
    (void)state;
    put_version(BOARD_SECONDARY, 3);
    board_pad(&board, BOARD_SECONDARY, false);
    assert_int_equal(boot_version(), 3);
    assert_int_equal(boot_version(), 3);
    assert_int_equal(board_rule_breaks(&board), 0);
}

static void an_image_linked_for_another_address_does_not_start(void **state)
{
    (void)state;
    uint8_t *image = put_version(BOARD_PRIMARY, 2);
    image[17] = IMAGE_FLAG_ROM_FIXED >> 8;
    image[7] = 0x08; /* linked for 0x08000000 */
    board.config.flash_base = 0x10000000;
    put_version(BOARD_SECONDARY, 1);
    assert_int_equal(boot_version(), 1);
}

/* Version 2 was linked for the primary slot, all others for the slot that they lie in. */
static bool is_linked_for(void *ctx, const struct flash_area *slot,
                          const struct image_header *header)
{
    (void)ctx;
    return header->version.major != 2 || slot == &board.area[BOARD_PRIMARY];
}

/* Whatever its header says: its vectors lead into the other slot, which was not verified. */
static void an_image_whose_program_starts_in_the_other_slot_does_not_start(void **state)
{
    (void)state;
    board.config.hooks.is_linked_for = is_linked_for;
    put_version(BOARD_PRIMARY, 1);
    put_version(BOARD_SECONDARY, 2);
    board_pad(&board, BOARD_SECONDARY, true);
    assert_int_equal(boot_version(), 1);
    put_version(BOARD_PRIMARY, 2);
    assert_int_equal(boot_version(), 2);
    assert_ptr_equal(board.result.slot, &board.area[BOARD_PRIMARY]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_newer_of_two_confirmed_images_starts),
        TEST(equal_versions_start_the_primary),
        TEST(a_newer_image_that_nobody_asked_for_does_not_start),
        TEST(a_broken_image_gives_way_to_the_other),
        TEST(a_failed_trial_is_better_than_nothing),
        TEST(an_image_linked_for_another_address_does_not_start),
        TEST(an_image_whose_program_starts_in_the_other_slot_does_not_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
