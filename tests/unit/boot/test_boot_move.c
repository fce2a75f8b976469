/* Swap by move: layouts that it refuses, and what MCUboot was bitten by. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/sim/nor_fault.h"
#include "tests/unit/boot/mode_board.h"

static const struct geometry good = {"", {{{5, 512}}, {{5, 512}}}, {4, 4}, 0xff, 8, 8, false};

static const char *fault_of(const struct geometry *geometry)
{
    board_begin(geometry);
    put_version(BOARD_PRIMARY, 1);
    put_version(BOARD_SECONDARY, 2);
    board_request(&board, false);
    assert_int_equal(boot_version(), 1);
    board_end();
    return said;
}

static void layouts_that_cannot_be_moved_still_boot(void **state)
{
    (void)state;
    static const struct geometry sectors_differ = {
        "", {{{5, 512}}, {{3, 1024}}}, {4, 4}, 0xff, 8, 8, false};
    static const struct geometry sectors_unequal = {
        "", {{{4, 512}, {1, 1024}}, {{5, 512}}}, {4, 4}, 0xff, 8, 8, false};
    static const struct geometry units_differ = {"",   {{{5, 512}}, {{5, 512}}}, {4, 8}, 0xff, 8, 8,
                                                 false};
    static const struct geometry too_many = {"",   {{{9, 512}}, {{9, 512}}}, {4, 4}, 0xff, 8, 8,
                                             false};
    assert_non_null(strstr(fault_of(&sectors_differ), "slots have non-compatible sectors"));
    assert_non_null(strstr(fault_of(&sectors_unequal), "slots have non-compatible sectors"));
    assert_non_null(strstr(fault_of(&units_differ), "slot write sizes are not compatible"));
    assert_non_null(strstr(fault_of(&too_many), "more sectors than allowed"));
}

/* imgtool --pad leaves a magic and no swap_size: MCUboot took 0xffffffff for one. */
static void a_padded_primary_is_no_swap_in_progress(void **state)
{
    (void)state;
    board_begin(&good);
    put_version(BOARD_PRIMARY, 1);
    board_pad(&board, BOARD_PRIMARY, false);
    assert_int_equal(boot_version(), 1);
    assert_non_null(strstr(said, "Boot source: none"));
    assert_int_equal(board.power.operations, 0);
    board_end();
}

/* MCUboot warns, swaps nothing and still marks the swap as done. */
static void an_image_too_large_to_move_is_refused(void **state)
{
    (void)state;
    static uint8_t image[2560];
    board_begin(&good);
    put_version(BOARD_PRIMARY, 1);
    sim_image_make(image, 2200, 2, SIM_KEY);
    board_download(&board, image, 2200);
    board_request(&board, false);
    assert_int_equal(boot_version(), 1);
    assert_int_equal(board.result.swap_type, SWAP_FAIL);
    assert_int_equal(board_trailer(&board, BOARD_PRIMARY).copy_done, TRAILER_UNSET);
    board_end();
}

static void reprogramming_in_the_middle_of_a_swap_leaves_an_image_that_boots(void **state)
{
    (void)state;
    unsigned programmed = 0;
    for (uint32_t cut_at = 1;; cut_at++) {
        board_begin(&good);
        put_version(BOARD_PRIMARY, 1);
        put_version(BOARD_SECONDARY, 2);
        board_request(&board, false);
        nor_power_plan(&board.power, cut_at, NOR_CUT_DONE);
        if (board_boot(&board))
            break;
        assert_int_equal(flash_erase(&board.area[BOARD_PRIMARY], 0, 1024), OTTER_OK);
        put_version(BOARD_PRIMARY, 9);
        programmed += boot_version() == 9;
        assert_int_not_equal(boot_version(), 0);
        board_end();
    }
    assert_true(programmed > 3);
    board_end();
}

/* An encrypted image in place of another, both `end` bytes, with a flash that loses write number
 * `at` of a unit in [start, start + length) of the primary and says nothing. False if the boot
 * ended before power was cut. */
static bool update_with_loss(uint32_t end, uint32_t start, uint32_t length, uint32_t at,
                             uint32_t cut_at)
{
    static const struct geometry units_of_16 = {
        "", {{{5, 512}}, {{5, 512}}}, {16, 16}, 0xff, 16, 8, false};
    const struct sim_image_options options = {.encrypted = true};
    static struct nor_fault fault;
    uint8_t image[END];
    board_begin(&units_of_16);
    board.config.encryption = &sim_encryption;
    sim_image_make_with(image, end, 1, SIM_KEY, &options);
    board_load(&board, BOARD_PRIMARY, image, end);
    sim_image_make_with(image, end, 2, SIM_KEY, &options);
    sim_image_encrypt(image);
    board_download(&board, image, end);
    board_request(&board, true);
    fault = (struct nor_fault){
        .kind = NOR_FAULT_LOST, .start = start, .end = start + length, .at = at, .silent = true};
    nor_fault_install(&board.device[BOARD_PRIMARY], &fault);
    nor_power_plan(&board.power, cut_at, NOR_CUT_BEFORE);
    const bool done = board_boot(&board);
    nor_power_plan(&board.power, 0, NOR_CUT_BEFORE);
    assert_int_equal(boot_version(), 2);
    sim_image_make_with(image, end, 2, SIM_KEY, &options);
    assert_true(board_holds(&board, BOARD_PRIMARY, 0, image, end));
    sim_image_make_with(image, end, 1, SIM_KEY, &options);
    sim_image_encrypt(image);
    assert_true(board_holds(&board, BOARD_SECONDARY, 0, image, end));
    board_end();
    return !done;
}

static uint32_t offset_of_key(unsigned key)
{
    return trailer_field_offset(5 * 512, 16, TRAILER_SWAP_SIZE) - (key + 1) * 16u;
}

static void a_key_whose_write_is_lost_costs_no_image(void **state)
{
    (void)state;
    for (unsigned key = 0; key < 2; key++) {
        for (uint32_t cut_at = 1; update_with_loss(END, offset_of_key(key), 16, 1, cut_at);
             cut_at++)
            ;
    }
}

/* The second sector holds nothing but the wrapped key, which the signature does not cover. */
static void a_record_that_is_lost_costs_no_wrapped_key(void **state)
{
    (void)state;
    const uint32_t records = 3 * 8 * 16;
    for (uint32_t at = 1; at <= 6; at++) {
        for (uint32_t cut_at = 1;
             update_with_loss(572, offset_of_key(1) - records, records, at, cut_at); cut_at++)
            ;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layouts_that_cannot_be_moved_still_boot),
        cmocka_unit_test(a_padded_primary_is_no_swap_in_progress),
        cmocka_unit_test(an_image_too_large_to_move_is_refused),
        cmocka_unit_test(reprogramming_in_the_middle_of_a_swap_leaves_an_image_that_boots),
        cmocka_unit_test(a_key_whose_write_is_lost_costs_no_image),
        cmocka_unit_test(a_record_that_is_lost_costs_no_wrapped_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
