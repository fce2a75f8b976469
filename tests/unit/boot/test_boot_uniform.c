/* Swap by move and by offset: which of two trailers counts when one of them is torn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/sim/nor_cut.h"
#include "tests/unit/boot/mode_board.h"

static const struct geometry small = {"", {{{5, 512}}, {{5, 512}}}, {4, 4}, 0xff, 8, 8, false};

/* False if the update came to its end before operation `cut_at`. */
static bool cut_update(uint32_t cut_at, bool permanent)
{
    uint8_t image[END];
    board_begin(&small);
    put_version(BOARD_PRIMARY, 1);
    sim_image_make(image, END, 2, SIM_KEY);
    board_download(&board, image, END);
    assert_int_equal(board_request(&board, permanent), OTTER_OK);
    nor_power_plan(&board.power, cut_at, NOR_CUT_DONE);
    return board_boot(&board) == false;
}

/* The swap is noted in the primary's trailer, and still asked for in the secondary's. */
static bool is_noted_and_asked_for(void)
{
    const struct trailer primary = board_trailer(&board, BOARD_PRIMARY);
    return primary.magic == TRAILER_GOOD && primary.copy_done == TRAILER_UNSET &&
           board_trailer(&board, BOARD_SECONDARY).magic == TRAILER_GOOD;
}

static void boot_with_cut(uint32_t cut_at)
{
    nor_power_plan(&board.power, cut_at, NOR_CUT_DONE);
    board_boot(&board);
}

static void a_half_erased_permanent_request_does_not_turn_into_a_trial(void **state)
{
    (void)state;
    unsigned tried = 0;
    for (uint32_t cut_at = 1; cut_update(cut_at, true); cut_at++, board_end()) {
        if (!is_noted_and_asked_for())
            continue;
        const uint32_t image_ok =
            trailer_field_offset(board.area[BOARD_SECONDARY].size, 8, TRAILER_IMAGE_OK);
        nor_erase_bytes(&board.device[BOARD_SECONDARY], image_ok, 8);
        boot_with_cut(0);
        assert_int_equal(boot_version(), 2); /* the second boot would take a trial back */
        tried++;
    }
    board_end();
    assert_int_not_equal(tried, 0);
}

/* From now on the magic reads as written at some boots, as erased at others. */
static void make_magic_drift(unsigned slot)
{
    struct nor_device *device = &board.device[slot];
    const uint32_t magic = trailer_magic_offset(board.area[slot].size);
    for (uint32_t at = magic; at < magic + TRAILER_MAGIC_SIZE; at++) {
        nor_set_unstable(device, at, device->data[at] ^ device->flash.erased_value);
        nor_set_unit(device, at / device->flash.write_size, UNIT_DRIFTING);
    }
}

static void a_note_that_is_not_read_again_at_the_next_boot_loses_no_update(void **state)
{
    (void)state;
    static struct board_snapshot noted;
    unsigned tried = 0;
    for (uint32_t cut_at = 1; cut_update(cut_at, false); cut_at++, board_end()) {
        if (!is_noted_and_asked_for())
            continue;
        make_magic_drift(BOARD_PRIMARY);
        board_save(&board, &noted);
        for (uint32_t second = 1; second < 12 * 16; second++) {
            board_restore(&board, &noted);
            nor_power_cycle(&board.power);
            boot_with_cut(1 + second % 12);
            boot_with_cut(0);
            assert_int_equal(board.status, OTTER_OK);
            assert_int_equal(board.result.header.version.major, 2);
            assert_true(board_confirm(&board) == OTTER_OK);
            tried++;
        }
        board_snapshot_free(&noted);
    }
    board_end();
    assert_int_not_equal(tried, 0);
}

/* The trial is still in the primary's trailer, and the secondary's notes that it is taken back. */
static bool is_trial_and_its_revert(void)
{
    const struct trailer primary = board_trailer(&board, BOARD_PRIMARY);
    return trailer_on_trial(&primary) &&
           board_trailer(&board, BOARD_SECONDARY).magic == TRAILER_GOOD;
}

static void a_note_of_a_revert_that_is_not_read_again_keeps_no_trial(void **state)
{
    (void)state;
    static struct board_snapshot trial, noted;
    unsigned tried = 0;
    (void)cut_update(0, false);
    board_save(&board, &trial);
    for (uint32_t cut_at = 1; cut_at <= 8; cut_at++) {
        board_restore(&board, &trial);
        boot_with_cut(cut_at);
        if (!is_trial_and_its_revert())
            continue;
        make_magic_drift(BOARD_SECONDARY);
        board_save(&board, &noted);
        for (uint32_t second = 1; second < 12 * 16; second++) {
            board_restore(&board, &noted);
            nor_power_cycle(&board.power);
            boot_with_cut(1 + second % 12);
            assert_int_equal(boot_version(), 1);
            tried++;
        }
    }
    board_snapshot_free(&trial);
    board_snapshot_free(&noted);
    board_end();
    assert_int_not_equal(tried, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_half_erased_permanent_request_does_not_turn_into_a_trial),
        cmocka_unit_test(a_note_that_is_not_read_again_at_the_next_boot_loses_no_update),
        cmocka_unit_test(a_note_of_a_revert_that_is_not_read_again_keeps_no_trial),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
