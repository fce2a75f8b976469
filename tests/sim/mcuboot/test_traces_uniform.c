/* Swap by move and swap by offset beside MCUboot: the same bytes on the flash, and a swap begun by
 * MCUboot is finished by Otter, from each of its operations (docs/formats.md 9, 4.2, 4.3).
 * Images of 9,072 and 5,072 bytes: three sectors are exchanged. */
#include "tests/sim/mcuboot/traces.h"

#define SECTOR  0x1000u
#define SECTORS 3u

static struct rig rig;
static struct trace trace;

static bool is_move(void)
{
    return rig_is_mode("move");
}

/* Fields count from the end of their slot; the status from its start. */
static uint32_t slot_end(enum rig_area area)
{
    return (area == PRIMARY) == is_move() ? 0x7000 : 0x6000;
}

static uint32_t info(enum rig_area area)
{
    return slot_end(area) - 0x28;
}

static uint32_t trailer_sector(enum rig_area area)
{
    return slot_end(area) - SECTOR;
}

static uint32_t status_at(uint32_t record)
{
    return (is_move() ? 0x6f70u : 0x5f88u) + record * 4;
}

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

/* MCUboot's own images in the measured trace had 0x28 bytes of TLVs, these have 0x96. */
static void note(enum rig_area area, enum swap_type type)
{
    trace_flag(&trace, area, info(area), (uint8_t)type);
    if (type == SWAP_PERM)
        trace_flag(&trace, area, info(area) + 0x10, 1);
    trace_number(&trace, area, info(area) - (is_move() ? 8 : 16), 9072);
    if (!is_move())
        trace_number(&trace, area, info(area) - 8, 0x00960096);
    trace_magic(&trace, area, info(area) + 0x18);
}

/* Before a revert the secondary is made to ask for it. */
static void note_revert(void)
{
    trace_erase(&trace, SECONDARY, trailer_sector(SECONDARY));
    if (!is_move())
        trace_flag(&trace, SECONDARY, info(SECONDARY) + 8, 1);
    note(SECONDARY, is_move() ? SWAP_PERM : SWAP_REVERT);
}

static void begin(enum swap_type type)
{
    trace_erase(&trace, PRIMARY, trailer_sector(PRIMARY));
    note(PRIMARY, type);
    trace_erase(&trace, SECONDARY, trailer_sector(SECONDARY));
}

static void copy_sector(enum rig_area from, uint32_t from_sector, enum rig_area to,
                        uint32_t to_sector, uint32_t record, uint8_t value)
{
    trace_erase(&trace, to, to_sector * SECTOR);
    trace_copy(&trace, from, from_sector * SECTOR, to, to_sector * SECTOR, SECTOR);
    trace_flag(&trace, PRIMARY, status_at(record), value);
}

static void exchange_by_move(void)
{
    for (uint32_t i = SECTORS; i > 0; i--)
        copy_sector(PRIMARY, i - 1, PRIMARY, i, SECTORS - i, 1);
    for (uint32_t i = 0; i < SECTORS; i++) {
        copy_sector(SECONDARY, i, PRIMARY, i, 8 + 2 * i, 1);
        copy_sector(PRIMARY, i + 1, SECONDARY, i, 8 + 2 * i + 1, 2);
    }
}

static void exchange_by_offset(void)
{
    for (uint32_t i = 0; i < SECTORS; i++) {
        copy_sector(PRIMARY, i, SECONDARY, i, 2 * i, 1);
        copy_sector(SECONDARY, i + 1, PRIMARY, i, 2 * i + 1, 2);
    }
}

static void exchange_back_by_offset(void)
{
    for (uint32_t i = 0; i < SECTORS; i++) {
        const uint32_t sector = SECTORS - 1 - i;
        copy_sector(PRIMARY, sector, SECONDARY, sector + 1, 2 * i, 1);
        copy_sector(SECONDARY, sector, PRIMARY, sector, 2 * i + 1, 2);
    }
    trace_erase(&trace, SECONDARY, 0);
    trace_erase(&trace, SECONDARY, trailer_sector(SECONDARY));
}

static void trace_swap(enum swap_type type)
{
    if (type == SWAP_REVERT)
        note_revert();
    begin(type);
    if (is_move())
        exchange_by_move();
    else if (type == SWAP_REVERT)
        exchange_back_by_offset();
    else
        exchange_by_offset();
    if (type == SWAP_REVERT)
        trace_flag(&trace, PRIMARY, info(PRIMARY) + 0x10, 1);
    trace_flag(&trace, PRIMARY, info(PRIMARY) + 8, 1);
}

static void the_traces_have_the_measured_number_of_operations(void **state)
{
    (void)state;
    trace_swap(SWAP_TEST);
    assert_int_equal(trace.count, is_move() ? 60 : 43);
    assert_int_equal(trace.erases, is_move() ? 11 : 8);
    trace = (struct trace){.count = 0};
    trace_swap(SWAP_REVERT);
    if (!is_move())
        assert_int_equal(trace.count, 52);
}

static void a_trial_leaves_the_bytes_that_mcuboot_leaves(void **state)
{
    (void)state;
    set_up_update(9072, 5072, false);
    trace_swap(SWAP_TEST);
    trace_compare_with_boot(&rig, &trace);
    rig_expect_trial(&rig);
}

static void a_permanent_swap_leaves_the_bytes_that_mcuboot_leaves(void **state)
{
    (void)state;
    set_up_update(5072, 9072, true);
    trace_swap(SWAP_PERM);
    trace_compare_with_boot(&rig, &trace);
    rig_expect_permanent(&rig);
}

static void otter_finishes_a_trial_that_mcuboot_began(void **state)
{
    (void)state;
    set_up_update(9072, 5072, false);
    trace_swap(SWAP_TEST);
    trace_finish_each(&rig, &trace, trace.count, rig_check_trial);
}

static void otter_finishes_a_permanent_swap_that_mcuboot_began(void **state)
{
    (void)state;
    set_up_update(5072, 9072, true);
    trace_swap(SWAP_PERM);
    trace_finish_each(&rig, &trace, trace.count, rig_check_permanent);
}

/* `ends`: image_ok may have been written before the swap, by its own note, or at its end. */
static void otter_finishes_a_revert_that_mcuboot_began(void **state)
{
    (void)state;
    set_up_update(9072, 5072, false);
    rig_boot(&rig);
    trace_swap(SWAP_REVERT);
    trace_finish_each(&rig, &trace, trace.count, rig_check_revert);
}

static void what_mcuboot_finished_otter_takes_as_finished(void **state)
{
    (void)state;
    set_up_update(9072, 5072, true);
    trace_swap(SWAP_PERM);
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
        TEST(the_traces_have_the_measured_number_of_operations),
        TEST(a_trial_leaves_the_bytes_that_mcuboot_leaves),
        TEST(a_permanent_swap_leaves_the_bytes_that_mcuboot_leaves),
        TEST(otter_finishes_a_trial_that_mcuboot_began),
        TEST(otter_finishes_a_permanent_swap_that_mcuboot_began),
        TEST(otter_finishes_a_revert_that_mcuboot_began),
        TEST(what_mcuboot_finished_otter_takes_as_finished),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
