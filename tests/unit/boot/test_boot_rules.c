/* What the bootloader decides, says, and does not put up with. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "image/bytes.h"
#include "port/port.h"
#include "tests/sim/boot/board.h"
#include "tests/sim/boot/sim_image.h"

static const struct geometry layout = {
    "8 x 512", {{{8, 512}}, {{8, 512}}, {{1, 512}}}, {4, 4, 4}, 0xff, 8, 8, false};

#define END 1500u

static struct board board;
static uint8_t image[4096];
static char text[4000];
static unsigned feeds;

otter_ms port_now(void)
{
    return 0;
}

void port_log_write(const char *line, size_t length)
{
    (void)line;
    (void)length;
}

static void note(void *ctx, const struct boot_event *event)
{
    char line[160];
    (void)ctx;
    if (boot_event_text(event, line, sizeof line))
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s\n", line);
}

static void feed(void *ctx)
{
    (void)ctx;
    feeds++;
}

static int set_up(void **state)
{
    (void)state;
    board_create(&board, &layout);
    board.config.hooks = (struct boot_hooks){.feed = feed, .report = note};
    text[0] = '\0';
    feeds = 0;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    board_destroy(&board);
    return 0;
}

static void load_primary(uint8_t version)
{
    sim_image_make(image, END, version, SIM_KEY);
    board_load(&board, BOARD_PRIMARY, image, END);
}

static void ask(uint8_t version, bool permanent)
{
    sim_image_make(image, END, version, SIM_KEY);
    board_download(&board, image, END);
    assert_int_equal(board_request(&board, permanent), OTTER_OK);
}

static unsigned boot_version(void)
{
    assert_true(board_boot(&board));
    assert_int_equal(board.status, OTTER_OK);
    assert_int_equal(board_rule_breaks(&board), 0);
    return board.result.header.version.major;
}

static void it_says_what_mcuboot_says(void **state)
{
    (void)state;
    load_primary(1);
    ask(2, false);
    assert_int_equal(boot_version(), 2);
    assert_string_equal(text,
                        "Starting bootloader\n"
                        "Primary image: magic=unset, swap_type=0x1, copy_done=0x3, image_ok=0x3\n"
                        "Scratch: magic=unset, swap_type=0x1, copy_done=0x3, image_ok=0x3\n"
                        "Boot source: none\n"
                        "Image index: 0, Swap type: test\n"
                        "Starting swap using scratch algorithm.\n"
                        "Image version: v2.0.0\n");
    text[0] = '\0';
    assert_int_equal(boot_version(), 1);
    assert_non_null(strstr(text, "Primary image: magic=good, swap_type=0x2, copy_done=0x1, "
                                 "image_ok=0x3\n"));
    assert_non_null(strstr(text, "Swap type: revert\n"));
}

static void the_watchdog_is_fed_in_a_swap(void **state)
{
    (void)state;
    load_primary(1);
    ask(2, false);
    boot_version();
    assert_true(feeds > 20);
}

static void a_downgrade_is_refused_where_the_product_says_so(void **state)
{
    (void)state;
    board.config.refuse_downgrade = true;
    load_primary(3);
    ask(2, true);
    assert_int_equal(boot_version(), 3);
    assert_int_equal(board.result.swap_type, SWAP_FAIL);
    assert_non_null(strstr(text, "not valid! (version not accepted)"));
    board.config.refuse_downgrade = false;
    ask(2, true);
    assert_int_equal(boot_version(), 2);
}

static void a_revert_to_an_older_version_is_no_downgrade(void **state)
{
    (void)state;
    board.config.refuse_downgrade = true;
    load_primary(1);
    ask(2, false);
    assert_int_equal(boot_version(), 2);
    assert_int_equal(boot_version(), 1);
    assert_int_equal(board.result.swap_type, SWAP_REVERT);
}

static void nothing_is_started_from_empty_flash(void **state)
{
    (void)state;
    assert_true(board_boot(&board));
    assert_int_equal(board.status, OTTER_E_NOT_FOUND);
    assert_non_null(strstr(text, "Image in the primary slot is not valid! (not found)"));
}

static void an_image_not_meant_to_be_started_is_not(void **state)
{
    (void)state;
    sim_image_make(image, END, 1, SIM_KEY);
    image[16] = IMAGE_FLAG_NON_BOOTABLE;
    board_load(&board, BOARD_PRIMARY, image, END);
    assert_true(board_boot(&board));
    assert_int_equal(board.status, OTTER_E_UNSUPPORTED);
}

static void a_good_image_in_the_other_slot_replaces_a_broken_one(void **state)
{
    (void)state;
    load_primary(1);
    board.device[BOARD_PRIMARY].data[100] ^= 4;
    sim_image_make(image, END, 2, SIM_KEY);
    board_download(&board, image, END); /* nobody asked for it */
    assert_int_equal(boot_version(), 2);
    assert_int_equal(board.result.swap_type, SWAP_REVERT);
    assert_int_equal(boot_version(), 2);
    assert_int_equal(board.result.swap_type, SWAP_NONE);
}

static void a_trial_with_no_way_back_goes_on(void **state)
{
    (void)state;
    load_primary(1);
    ask(2, false);
    assert_int_equal(boot_version(), 2);
    assert_int_equal(flash_erase(&board.area[BOARD_SECONDARY], 0, 4096), OTTER_OK);
    assert_int_equal(boot_version(), 2);
    assert_int_equal(board.result.swap_type, SWAP_FAIL);
    assert_int_equal(board_confirm(&board), OTTER_OK);
    assert_int_equal(boot_version(), 2);
    assert_int_equal(board.result.swap_type, SWAP_NONE);
}

static void an_unreadable_secondary_counts_as_empty(void **state)
{
    (void)state;
    load_primary(1);
    ask(2, false);
    board.device[BOARD_SECONDARY].fail_reads = true;
    assert_int_equal(boot_version(), 1);
    board.device[BOARD_SECONDARY].fail_reads = false;
    assert_int_equal(boot_version(), 2);
}

static void the_number_of_status_writes_that_fail_does_not_matter(void **state)
{
    (void)state;
    load_primary(1);
    ask(2, false);
    const uint32_t status = 4096 - (8 * 3 * 4 + 48);
    for (uint32_t i = 0; i < 8 * 3; i += 2) /* every second record cannot be programmed */
        board.device[BOARD_PRIMARY].written[status / 4 + i] = 1;
    assert_true(board_boot(&board));
    assert_int_equal(board.status, OTTER_OK);
    assert_int_equal(board.result.header.version.major, 2);
}

#if !BOOT_MAP_IS_CHECKED /* else such a board is not compiled: boards/board.c */
static const char *layout_fault(const struct geometry *geometry)
{
    board_destroy(&board);
    board_create(&board, geometry);
    board.config.hooks.report = note;
    text[0] = '\0';
    load_primary(1);
    ask(2, false);
    assert_int_equal(boot_version(), 1);
    return text;
}

static void slots_that_cannot_be_swapped_still_boot(void **state)
{
    (void)state;
    static const struct geometry small_scratch = {
        "", {{{2, 2048}}, {{2, 2048}}, {{1, 1024}}}, {4, 4, 4}, 0xff, 8, 8, false};
    static const struct geometry sizes_differ = {
        "", {{{8, 512}}, {{9, 512}}, {{1, 512}}}, {4, 4, 4}, 0xff, 8, 16, false};
    static const struct geometry many_sectors = {
        "", {{{8, 512}}, {{8, 512}}, {{1, 512}}}, {4, 4, 4}, 0xff, 8, 7, false};
    assert_non_null(
        strstr(layout_fault(&small_scratch), "Cannot upgrade: not all sectors fit inside scratch"));
    assert_non_null(
        strstr(layout_fault(&sizes_differ), "Cannot upgrade: slots are not compatible"));
    assert_non_null(
        strstr(layout_fault(&many_sectors), "Cannot upgrade: more sectors than allowed"));
}
#endif

static void a_configuration_that_cannot_work_is_refused(void **state)
{
    (void)state;
    load_primary(1);
    struct boot_config good = board.config;
    board.config.image_count = 0;
    board_boot(&board);
    assert_int_equal(board.status, OTTER_E_ARGUMENT);
    board.config = good;
    board.config.max_align = 4;
    board_boot(&board);
    assert_int_equal(board.status, OTTER_E_ARGUMENT);
    board.config = good;
    board.config.max_sectors = 0;
    board_boot(&board);
    assert_int_equal(board.status, OTTER_E_ARGUMENT);
}

/* Somebody programs the primary slot by other means, and knows nothing of trailers and scratch. */
static void program_primary(uint8_t version, uint32_t end)
{
    assert_int_equal(flash_erase(&board.area[BOARD_PRIMARY], 0, round_up(end, 512)), OTTER_OK);
    sim_image_make(image, end, version, SIM_KEY);
    board_load(&board, BOARD_PRIMARY, image, end);
}

static void reprogramming_in_the_middle_of_a_swap_leaves_an_image_that_boots(void **state)
{
    (void)state;
    unsigned programmed = 0;
    static const uint32_t ends[] = {600, END, 3800}; /* the last shares a sector with the trailer */
    for (unsigned i = 0; i < 3; i++) {
        for (uint32_t cut_at = 1;; cut_at++) {
            board_wipe(&board);
            sim_image_make(image, ends[i], 1, SIM_KEY);
            board_load(&board, BOARD_PRIMARY, image, ends[i]);
            sim_image_make(image, ends[i], 2, SIM_KEY);
            board_download(&board, image, ends[i]);
            board_request(&board, false);
            nor_power_plan(&board.power, cut_at, NOR_CUT_DONE);
            if (board_boot(&board))
                break;
            program_primary(9, ends[i]);
            /* the programmed image, or the one whose request was not answered yet or is complete */
            const unsigned booted = boot_version();
            programmed += booted == 9;
            assert_int_not_equal(boot_version(), 0);
        }
    }
    assert_true(programmed > 20);
}

static void every_event_but_progress_has_a_line(void **state)
{
    (void)state;
    const struct trailer trailer = {TRAILER_BAD, TRAILER_BAD, TRAILER_BAD, SWAP_NONE, 0, 0};
    const struct image_header header = {.version = {1, 2, 3, 4}};
    static const char *const lines[] = {
        [BOOT_EVENT_START] = "Starting bootloader",
        [BOOT_EVENT_PRIMARY] =
            "Primary image: magic=bad, swap_type=0x1, copy_done=0x2, image_ok=0x2",
        [BOOT_EVENT_SECONDARY] =
            "Secondary image: magic=bad, swap_type=0x1, copy_done=0x2, image_ok=0x2",
        [BOOT_EVENT_SCRATCH] = "Scratch: magic=bad, swap_type=0x1, copy_done=0x2, image_ok=0x2",
        [BOOT_EVENT_SOURCE] = "Boot source: primary slot",
        [BOOT_EVENT_SWAP_TYPE] = "Image index: 1, Swap type: test",
        [BOOT_EVENT_SWAP_STARTS] = "Starting swap using scratch algorithm.",
        [BOOT_EVENT_PROGRESS] = NULL,
#if !BOOT_MAP_IS_CHECKED
        [BOOT_EVENT_LAYOUT] = "Cannot upgrade: slots have non-compatible sectors",
#endif
        [BOOT_EVENT_STALE] = "Swap status ignored, it does not fit the slots (unknown status)",
        [BOOT_EVENT_REFUSED] = "Image in the secondary slot is not valid! (unknown status)",
        [BOOT_EVENT_GIVEN_UP] = "Update given up (unknown status)",
#if BOOT_IMAGES_MAX > 1 /* else there is none to wait for */
        [BOOT_EVENT_HELD] = "Image index: 1, update waits: dependencies are not met",
#endif
        [BOOT_EVENT_INVALID] = "Image in the primary slot is not valid! (unknown status)",
        [BOOT_EVENT_BOOT] = "Image version: v1.2.3+4",
    };
    for (int type = BOOT_EVENT_START; type <= BOOT_EVENT_BOOT; type++) {
        char line[96];
        const struct boot_event event = {(enum boot_event_type)type, 1, 2, 0, &trailer, &header};
        assert_int_equal(boot_event_text(&event, line, sizeof line), lines[type] != NULL);
        if (lines[type] != NULL)
            assert_string_equal(line, lines[type]);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_says_what_mcuboot_says),
        TEST(the_watchdog_is_fed_in_a_swap),
        TEST(a_downgrade_is_refused_where_the_product_says_so),
        TEST(a_revert_to_an_older_version_is_no_downgrade),
        TEST(nothing_is_started_from_empty_flash),
        TEST(an_image_not_meant_to_be_started_is_not),
        TEST(a_good_image_in_the_other_slot_replaces_a_broken_one),
        TEST(a_trial_with_no_way_back_goes_on),
        TEST(an_unreadable_secondary_counts_as_empty),
        TEST(the_number_of_status_writes_that_fail_does_not_matter),
#if !BOOT_MAP_IS_CHECKED
        TEST(slots_that_cannot_be_swapped_still_boot),
#endif
        TEST(a_configuration_that_cannot_work_is_refused),
        TEST(reprogramming_in_the_middle_of_a_swap_leaves_an_image_that_boots),
        TEST(every_event_but_progress_has_a_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
