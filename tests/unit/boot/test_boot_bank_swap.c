/* Bank swap: when the banks are exchanged, and when not. */
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
    put_version(BOARD_PRIMARY, 1);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    board_end();
    return 0;
}

static void an_update_flips_and_an_unconfirmed_one_flips_back(void **state)
{
    (void)state;
    put_version(BOARD_SECONDARY, 2);
    board_request(&board, false);
    assert_int_equal(boot_version(), 2);
    assert_non_null(strstr(said, "Starting swap using bank swap algorithm."));
    assert_int_equal(boot_version(), 1);
    assert_int_equal(boot_version(), 1);
}

static void a_trial_whose_backup_failed_too_stays(void **state)
{
    (void)state;
    put_version(BOARD_SECONDARY, 2);
    board_request(&board, false);
    assert_int_equal(boot_version(), 2);
    assert_int_equal(flash_erase(&board.area[BOARD_SECONDARY], 0, 2048), OTTER_OK);
    assert_int_equal(boot_version(), 2);
    assert_int_equal(board.result.swap_type, SWAP_FAIL);
    assert_int_equal(board_confirm(&board), OTTER_OK);
    assert_int_equal(boot_version(), 2);
    assert_int_equal(board.result.swap_type, SWAP_NONE);
}

static void a_broken_candidate_is_erased(void **state)
{
    (void)state;
    put_version(BOARD_SECONDARY, 2)[100] ^= 1;
    board_request(&board, true);
    assert_int_equal(boot_version(), 1);
    assert_int_equal(board.result.swap_type, SWAP_FAIL);
    assert_int_equal(flash_is_erased(&board.area[BOARD_SECONDARY], 0, 2048), 1);
}

static void a_broken_primary_gives_way_to_a_good_image(void **state)
{
    (void)state;
    board.device[BOARD_PRIMARY].data[100] ^= 1;
    put_version(BOARD_SECONDARY, 2);
    assert_int_equal(boot_version(), 2);
    assert_int_equal(boot_version(), 2);
}

static void a_port_that_cannot_flip_says_so_and_starts_the_primary(void **state)
{
    (void)state;
    board.config.hooks.swap_banks = NULL;
    put_version(BOARD_SECONDARY, 2);
    board_request(&board, false);
    assert_int_equal(boot_version(), 1);
    assert_int_equal(board.result.swap_type, SWAP_FAIL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_update_flips_and_an_unconfirmed_one_flips_back),
        TEST(a_trial_whose_backup_failed_too_stays),
        TEST(a_broken_candidate_is_erased),
        TEST(a_broken_primary_gives_way_to_a_good_image),
        TEST(a_port_that_cannot_flip_says_so_and_starts_the_primary),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
