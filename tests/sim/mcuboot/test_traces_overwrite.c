/* Overwrite-only beside MCUboot (docs/formats.md 9): an overwrite begun by MCUboot is finished
 * by Otter, and the new image stands where MCUboot puts it. Unlike MCUboot, Otter keeps the image
 * in the secondary (it can mend a primary gone bad) and copies no trailer along. */
#include "tests/sim/mcuboot/traces.h"

#include <string.h>

#define SECTOR 0x1000u

static struct rig rig;
static struct trace trace;

static int set_up(void **state)
{
    (void)state;
    rig_create(&rig, rig_traced_layout(1), &rig_plain);
    trace = (struct trace){.count = 0};
    rig_make(OLD, 9072);
    rig_make(NEW, 5072);
    rig_make(NEXT, 9000);
    rig_flash(&rig, PRIMARY, OLD);
    rig_download(&rig, NEW);
    rig_ask(&rig, true);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rig_destroy(&rig);
    return 0;
}

static void trace_overwrite(void)
{
    for (uint32_t i = 0; i < 6; i++)
        trace_erase(&trace, PRIMARY, i * SECTOR);
    trace_copy(&trace, SECONDARY, 0, PRIMARY, 0, 6 * SECTOR);
    trace_erase(&trace, SECONDARY, 0);
    trace_erase(&trace, SECONDARY, 0x5000);
}

static void check(struct rig *board, bool ends)
{
    (void)ends;
    rig_expect_running(board, NEW);
    rig_expect_trailer(board, SECONDARY, TRAILER_UNSET, TRAILER_UNSET, TRAILER_UNSET);
}

static void otter_finishes_an_overwrite_that_mcuboot_began(void **state)
{
    (void)state;
    trace_overwrite();
    assert_int_equal(trace.count, 32);
    trace_finish_each(&rig, &trace, trace.count + 1, check);
}

/* The whole image, and erased flash behind it up to the end of its last sector. */
static void the_image_stands_where_mcuboot_puts_it(void **state)
{
    (void)state;
    static uint8_t theirs[2 * SECTOR];
    struct rig_snapshot start = {0};
    rig_save(&rig, &start);
    trace_overwrite();
    trace_apply(&rig, &trace, trace.count);
    memcpy(theirs, rig_data(&rig, PRIMARY), sizeof theirs);
    rig_restore(&rig, &start);
    rig_boot(&rig);
    assert_memory_equal(rig_data(&rig, PRIMARY), theirs, sizeof theirs);
    rig_snapshot_free(&start);
}

static void what_mcuboot_finished_otter_takes_as_finished(void **state)
{
    (void)state;
    trace_overwrite();
    trace_apply(&rig, &trace, trace.count);
    rig_boot(&rig);
    rig_expect_running(&rig, NEW);
    assert_int_equal(rig.logged, 0);
    rig_expect_next_update(&rig, NEW);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(otter_finishes_an_overwrite_that_mcuboot_began),
        TEST(the_image_stands_where_mcuboot_puts_it),
        TEST(what_mcuboot_finished_otter_takes_as_finished),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
