/* Swap using scratch beside MCUboot: the same bytes on the flash, and a swap begun by MCUboot is
 * finished by Otter, from each of its operations (docs/formats.md 9). */
#include "tests/sim/mcuboot/traces.h"

#define SECTOR      0x1000u
#define STATUS      0x5f70u
#define SWAP_SIZE   0x5fd0u
#define SWAP_INFO   0x5fd8u
#define COPY_DONE   0x5fe0u
#define IMAGE_OK    0x5fe8u
#define MAGIC       0x5ff0u
#define IN_SCRATCH  0x5000u /* what the scratch area's fields lie lower */
#define SHARED_DATA 3952u   /* of the sector that holds the trailer */

static struct rig rig;
static struct trace trace;

static int set_up(void **state)
{
    (void)state;
    rig_create(&rig, rig_traced_layout(1), &rig_plain);
    trace = (struct trace){.count = 0};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rig_destroy(&rig);
    return 0;
}

static void set_up_update(uint32_t old, uint32_t new, bool permanent)
{
    rig_make(OLD, old);
    rig_make(NEW, new);
    rig_make(NEXT, old);
    rig_flash(&rig, PRIMARY, OLD);
    rig_download(&rig, NEW);
    rig_ask(&rig, permanent);
}

static void note(enum rig_area area, enum swap_type type, uint32_t size)
{
    const uint32_t lower = area == SCRATCH ? IN_SCRATCH : 0;
    trace_flag(&trace, area, SWAP_INFO - lower, (uint8_t)type);
    if (type == SWAP_PERM)
        trace_flag(&trace, area, IMAGE_OK - lower, 1);
    trace_number(&trace, area, SWAP_SIZE - lower, size);
    trace_magic(&trace, area, MAGIC - lower);
}

/* A region of one sector whose status is in the primary. */
static void region(uint32_t number, uint32_t start, bool fill_first)
{
    const uint32_t records = STATUS + number * 3 * 4;
    if (fill_first)
        trace_erase(&trace, SCRATCH, 0);
    trace_copy(&trace, SECONDARY, start, SCRATCH, 0, SECTOR);
    trace_flag(&trace, PRIMARY, records, 1);
    if (number == 0)
        trace_erase(&trace, SECONDARY, 0x5000);
    trace_erase(&trace, SECONDARY, start);
    trace_copy(&trace, PRIMARY, start, SECONDARY, start, SECTOR);
    trace_flag(&trace, PRIMARY, records + 4, 2);
    trace_erase(&trace, PRIMARY, start);
    trace_copy(&trace, SCRATCH, 0, PRIMARY, start, SECTOR);
    trace_flag(&trace, PRIMARY, records + 8, 3);
}

/* Images of 9,072 and 5,072 bytes: the trailer has a sector of its own. */
static void trace_small(enum swap_type type)
{
    trace_erase(&trace, SCRATCH, 0);
    note(SCRATCH, type, 9072);
    trace_erase(&trace, PRIMARY, 0x5000);
    note(PRIMARY, type, 9072);
    for (uint32_t i = 0; i < 3; i++)
        region(i, (2 - i) * SECTOR, true);
    if (type == SWAP_REVERT)
        trace_flag(&trace, PRIMARY, IMAGE_OK, 1);
    trace_flag(&trace, PRIMARY, COPY_DONE, 1);
}

/* Region 0 holds the trailer. */
static void shared_region(enum swap_type type, uint32_t size)
{
    trace_erase(&trace, SCRATCH, 0);
    note(SCRATCH, type, size);
    trace_copy(&trace, SECONDARY, 0x5000, SCRATCH, 0, SHARED_DATA);
    trace_flag(&trace, SCRATCH, 0xfc4, 1);
    trace_erase(&trace, SECONDARY, 0x5000);
    trace_copy(&trace, PRIMARY, 0x5000, SECONDARY, 0x5000, SHARED_DATA);
    trace_flag(&trace, SCRATCH, 0xfc8, 2);
    trace_erase(&trace, PRIMARY, 0x5000);
    trace_copy(&trace, SCRATCH, 0, PRIMARY, 0x5000, SHARED_DATA);
    trace_flag(&trace, PRIMARY, STATUS, 1);
    trace_flag(&trace, PRIMARY, STATUS + 4, 2);
    note(PRIMARY, type, size);
    trace_flag(&trace, PRIMARY, STATUS + 8, 3);
    trace_erase(&trace, SCRATCH, 0);
}

/* `twice`: as MCUboot does, scratch is erased behind the shared region and at once again. */
static void trace_large(enum swap_type type, bool twice)
{
    shared_region(type, 24072);
    for (uint32_t i = 1; i < 6; i++)
        region(i, (5 - i) * SECTOR, twice || i > 1);
    if (type == SWAP_REVERT)
        trace_flag(&trace, PRIMARY, IMAGE_OK, 1);
    trace_flag(&trace, PRIMARY, COPY_DONE, 1);
}

static void the_small_traces_have_the_measured_number_of_operations(void **state)
{
    (void)state;
    trace_small(SWAP_TEST);
    assert_int_equal(trace.count, 64);
    assert_int_equal(trace.erases, 12);
    trace = (struct trace){.count = 0};
    trace_small(SWAP_REVERT);
    assert_int_equal(trace.count, 65);
    trace = (struct trace){.count = 0};
    trace_large(SWAP_PERM, true);
    assert_int_equal(trace.count, 119 + 1); /* the two records in one write are two here */
}

static void a_trial_leaves_the_bytes_that_mcuboot_leaves(void **state)
{
    (void)state;
    set_up_update(9072, 5072, false);
    trace_small(SWAP_TEST);
    trace_compare_with_boot(&rig, &trace);
    rig_expect_trial(&rig);
    trace = (struct trace){.count = 0};
    trace_small(SWAP_REVERT);
    trace_compare_with_boot(&rig, &trace);
    rig_expect_reverted(&rig);
}

static void
a_permanent_swap_of_large_images_leaves_mcuboots_bytes_and_erases_scratch_once_less(void **state)
{
    (void)state;
    set_up_update(24072, 22072, true);
    trace_large(SWAP_PERM, false);
    trace_compare_with_boot(&rig, &trace);
    rig_expect_permanent(&rig);
}

static void otter_finishes_a_trial_that_mcuboot_began(void **state)
{
    (void)state;
    set_up_update(9072, 5072, false);
    trace_small(SWAP_TEST);
    trace_finish_each(&rig, &trace, trace.count, rig_check_trial);
}

static void otter_finishes_a_permanent_swap_that_mcuboot_began(void **state)
{
    (void)state;
    set_up_update(5072, 9072, true);
    trace_small(SWAP_PERM);
    trace_finish_each(&rig, &trace, trace.count, rig_check_permanent);
}

static void otter_finishes_a_revert_that_mcuboot_began(void **state)
{
    (void)state;
    set_up_update(9072, 5072, false);
    rig_boot(&rig);
    trace_small(SWAP_REVERT);
    trace_finish_each(&rig, &trace, trace.count, rig_check_revert);
}

static void finish_large(enum swap_type type, void (*check)(struct rig *rig, bool ends))
{
    set_up_update(24072, 22072, type == SWAP_PERM);
    if (type == SWAP_REVERT)
        rig_boot(&rig);
    trace_large(type, true);
    trace_finish_each(&rig, &trace, trace.count, check);
}

static void otter_finishes_a_trial_of_large_images_that_mcuboot_began(void **state)
{
    (void)state;
    finish_large(SWAP_TEST, rig_check_trial);
}

static void otter_finishes_a_permanent_swap_of_large_images_that_mcuboot_began(void **state)
{
    (void)state;
    finish_large(SWAP_PERM, rig_check_permanent);
}

static void otter_finishes_a_revert_of_large_images_that_mcuboot_began(void **state)
{
    (void)state;
    finish_large(SWAP_REVERT, rig_check_revert);
}

/* All of MCUboot's operations, then Otter: the end states are the same. */
static void what_mcuboot_finished_otter_takes_as_finished(void **state)
{
    (void)state;
    set_up_update(24072, 22072, true);
    trace_large(SWAP_PERM, true);
    trace_apply(&rig, &trace, trace.count);
    rig_boot(&rig);
    rig_expect_permanent(&rig);
    assert_int_equal(rig.logged, 0);
    rig_expect_next_update(&rig, NEW);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_small_traces_have_the_measured_number_of_operations),
        TEST(a_trial_leaves_the_bytes_that_mcuboot_leaves),
        TEST(a_permanent_swap_of_large_images_leaves_mcuboots_bytes_and_erases_scratch_once_less),
        TEST(otter_finishes_a_trial_that_mcuboot_began),
        TEST(otter_finishes_a_permanent_swap_that_mcuboot_began),
        TEST(otter_finishes_a_revert_that_mcuboot_began),
        TEST(otter_finishes_a_trial_of_large_images_that_mcuboot_began),
        TEST(otter_finishes_a_permanent_swap_of_large_images_that_mcuboot_began),
        TEST(otter_finishes_a_revert_of_large_images_that_mcuboot_began),
        TEST(what_mcuboot_finished_otter_takes_as_finished),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
