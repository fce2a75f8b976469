/* Overwrite-only: what is copied, what is refused, and what brings a broken board back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/sim/nor_fault.h"
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

static void a_request_is_answered_once_and_for_good(void **state)
{
    (void)state;
    put_version(BOARD_SECONDARY, 2);
    assert_int_equal(board_request(&board, false), OTTER_OK);
    assert_int_equal(boot_version(), 2);
    assert_int_equal(board.result.swap_type, SWAP_PERM);
    assert_non_null(strstr(said, "Secondary image: magic=good, "));
    assert_non_null(strstr(said, "Starting swap using overwrite algorithm.\n"));
    assert_int_equal(boot_version(), 2);
    assert_int_equal(board.result.swap_type, SWAP_NONE);
    assert_int_equal(board.power.operations, 0);
    assert_int_equal(board_rule_breaks(&board), 0);
}

static void a_broken_candidate_is_erased_and_named(void **state)
{
    (void)state;
    put_version(BOARD_SECONDARY, 2)[100] ^= 1;
    assert_int_equal(board_request(&board, true), OTTER_OK);
    assert_int_equal(boot_version(), 1);
    assert_int_equal(board.result.swap_type, SWAP_FAIL);
    assert_non_null(strstr(said, "Image in the secondary slot is not valid!"));
    assert_int_equal(flash_is_erased(&board.area[BOARD_SECONDARY], 0, 2048), 1);
}

static void a_broken_primary_is_replaced_by_a_good_image_that_nobody_asked_for(void **state)
{
    (void)state;
    put_version(BOARD_SECONDARY, 2);
    board.device[BOARD_PRIMARY].data[100] ^= 1;
    assert_int_equal(boot_version(), 2);
    assert_non_null(strstr(said, "Image in the primary slot is not valid!"));
    assert_int_equal(board.running, BOARD_PRIMARY);
    assert_int_equal(boot_version(), 2);
    assert_int_equal(board.power.operations, 0);
}

static void a_board_that_wants_no_rescue_does_not_start_what_nobody_asked_for(void **state)
{
    (void)state;
    board.config.rescue = false;
    put_version(BOARD_SECONDARY, 2);
    board.device[BOARD_PRIMARY].data[100] ^= 1;
    assert_int_equal(boot_version(), 0);
    assert_int_equal(board.status, OTTER_E_HASH);
    assert_int_equal(board.power.operations, 0);
}

static void a_rescue_is_no_way_past_the_rule_against_downgrades(void **state)
{
    (void)state;
    board.config.refuse_downgrade = true;
    flash_erase(&board.area[BOARD_PRIMARY], 0, 2048);
    put_version(BOARD_PRIMARY, 3)[100] ^= 1;
    put_version(BOARD_SECONDARY, 2);
    assert_int_equal(boot_version(), 0);
    assert_int_equal(board.power.operations, 0);
    flash_erase(&board.area[BOARD_SECONDARY], 0, 2048);
    put_version(BOARD_SECONDARY, 3);
    assert_int_equal(boot_version(), 3);
}

static void an_empty_primary_has_no_version_that_a_rescue_must_keep(void **state)
{
    (void)state;
    board.config.refuse_downgrade = true;
    flash_erase(&board.area[BOARD_PRIMARY], 0, 2048);
    put_version(BOARD_SECONDARY, 2);
    assert_int_equal(boot_version(), 2);
}

static void a_rescue_keeps_the_security_counter(void **state)
{
    (void)state;
    board.slots.security_counter = 1; /* the image comes without one */
    put_version(BOARD_SECONDARY, 2);
    board.device[BOARD_PRIMARY].data[100] ^= 1;
    assert_int_equal(boot_version(), 0);
    assert_int_equal(board.power.operations, 0);
}

static void a_request_that_cannot_be_withdrawn_is_answered_once_all_the_same(void **state)
{
    (void)state;
    struct nor_fault worn = {.kind = NOR_FAULT_NO_ERASE, .start = 2047, .end = 2048};
    put_version(BOARD_SECONDARY, 2);
    assert_int_equal(board_request(&board, false), OTTER_OK);
    nor_fault_install(&board.device[BOARD_SECONDARY], &worn);
    assert_int_equal(boot_version(), 2);
    assert_int_equal(board.result.swap_type, SWAP_FAIL);
    assert_non_null(strstr(said, "Update given up"));
    assert_int_equal(boot_version(), 2);
    assert_int_equal(board.power.operations, 0);
}

/* Asks for an image that ends in the sector of the request, and boots; the operations done. */
static uint32_t update_to_large_image(uint32_t cut_at)
{
    uint8_t image[1900];
    sim_image_make(image, sizeof image, 2, SIM_KEY);
    board_wipe(&board);
    put_version(BOARD_PRIMARY, 1);
    board_load(&board, BOARD_SECONDARY, image, sizeof image);
    assert_int_equal(board_request(&board, false), OTTER_OK);
    nor_power_plan(&board.power, cut_at, NOR_CUT_BEFORE);
    board_boot(&board);
    return board.power.operations;
}

/* From then on the candidate may be torn. */
static void once_a_request_is_being_withdrawn_the_primary_is_not_erased_for_it(void **state)
{
    (void)state;
    const uint32_t last = update_to_large_image(0);
    assert_int_equal(update_to_large_image(last), last);
    const uint32_t erases = board.device[BOARD_PRIMARY].erase_count;
    assert_int_equal(boot_version(), 2);
    assert_int_equal(board.device[BOARD_PRIMARY].erase_count, erases);
    assert_int_equal(board.power.operations, 1);
}

static void with_two_broken_images_nothing_starts_and_nothing_is_lost(void **state)
{
    (void)state;
    put_version(BOARD_SECONDARY, 2)[100] ^= 1;
    board.device[BOARD_PRIMARY].data[100] ^= 1;
    assert_int_equal(boot_version(), 0);
    assert_int_equal(board.status, OTTER_E_HASH);
    assert_int_equal(board.power.operations, 0);
}

/* A bit between programmed and erased may pass the hash once and not when the program is run. */
static void an_image_that_reads_differently_each_time_does_not_start(void **state)
{
    (void)state;
    board.device[BOARD_PRIMARY].unstable[300] = 0xff;
    board.device[BOARD_PRIMARY].unstable_bytes = 1;
    assert_int_equal(boot_version(), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_request_is_answered_once_and_for_good),
        TEST(a_broken_candidate_is_erased_and_named),
        TEST(a_broken_primary_is_replaced_by_a_good_image_that_nobody_asked_for),
        TEST(a_board_that_wants_no_rescue_does_not_start_what_nobody_asked_for),
        TEST(a_rescue_is_no_way_past_the_rule_against_downgrades),
        TEST(an_empty_primary_has_no_version_that_a_rescue_must_keep),
        TEST(a_rescue_keeps_the_security_counter),
        TEST(a_request_that_cannot_be_withdrawn_is_answered_once_all_the_same),
        TEST(once_a_request_is_being_withdrawn_the_primary_is_not_erased_for_it),
        TEST(with_two_broken_images_nothing_starts_and_nothing_is_lost),
        TEST(an_image_that_reads_differently_each_time_does_not_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
