/* Layouts in which MCUboot's swap using scratch is left unbootable (docs/formats.md 8.4): region
 * 0 shares a sector with the trailer, so the status is in scratch; at its end scratch is erased,
 * and power fails in that erase: data gone, trailer still readable. */
#include "tests/sim/mcuboot/rig.h"

#include <stdio.h>
#include <string.h>

#define SECTOR 0x1000u
#define MAGIC  0x5ff0u

static struct rig rig;

static void set_up(unsigned scratch_sectors, enum swap_type type, uint32_t old, uint32_t new)
{
    rig_create(&rig, rig_traced_layout(scratch_sectors), &rig_plain);
    rig_make(OLD, old);
    rig_make(NEW, new);
    rig_make(NEXT, new);
    rig_flash(&rig, PRIMARY, OLD);
    rig_download(&rig, NEW);
    rig_ask(&rig, type == SWAP_PERM);
    if (type == SWAP_REVERT)
        rig_boot(&rig);
}

static void check(enum swap_type type)
{
    if (type == SWAP_PERM)
        rig_expect_permanent(&rig);
    else if (type == SWAP_REVERT)
        rig_expect_reverted(&rig);
    else
        rig_expect_trial(&rig);
}

/* Number (from 1) of the first erase of scratch after the primary has got its trailer. */
static uint32_t erase_after_region_0(void)
{
    bool handed_over = false;
    for (uint32_t i = 0; i < rig.logged; i++) {
        const struct rig_op *op = &rig.log[i];
        handed_over = handed_over || (!op->is_erase && op->offset == MAGIC);
        if (handed_over && op->is_erase && op->offset >= rig.area[0][SCRATCH].offset)
            return i + 1;
    }
    fail_msg("scratch is never erased after region 0: the trap is not there");
    return 0;
}

/* Cuts before operation `at`, an erase, and does part of it by hand. */
static void tear_erase(const struct rig_snapshot *start, uint32_t at, uint32_t from, uint32_t to)
{
    rig_restore(&rig, start);
    rig_boot_cut(&rig, at, NOR_CUT_BEFORE);
    const struct rig_op *op = &rig.log[rig.logged - 1];
    assert_true(op->is_erase && op->offset >= rig.area[0][SCRATCH].offset);
    snprintf(rig.note, sizeof rig.note, "erase of scratch torn: bytes %x to %x of sector %x gone",
             from, to, op->offset);
    memset(rig.device[0].data + op->offset + from, 0xff, to - from);
}

static void boot_and_check(enum swap_type type)
{
    rig_boot(&rig);
    check(type);
    rig.note[0] = '\0';
}

static uint32_t step_at(uint32_t at)
{
    return at < SECTOR - 72 ? 250 : 4;
}

/* Every sector of that erase; its start gone or its end gone, by up to a sector. */
static void tear_at_each_length(unsigned scratch_sectors, enum swap_type type, uint32_t old,
                                uint32_t new)
{
    struct rig_snapshot start = {0};
    set_up(scratch_sectors, type, old, new);
    rig_save(&rig, &start);
    rig_boot(&rig);
    check(type);
    const uint32_t first = erase_after_region_0();
    for (uint32_t i = 0; i < scratch_sectors; i++) {
        for (uint32_t length = 0; length <= SECTOR; length += step_at(length)) {
            tear_erase(&start, first + i, 0, length);
            boot_and_check(type);
            tear_erase(&start, first + i, length, SECTOR);
            boot_and_check(type);
        }
    }
    rig_expect_next_update(&rig, type == SWAP_REVERT ? OLD : NEW);
    rig_snapshot_free(&start);
    rig_destroy(&rig);
}

static void tear_for_each_type(unsigned scratch_sectors)
{
    for (enum swap_type type = SWAP_TEST; type <= SWAP_REVERT; type++) {
        tear_at_each_length(scratch_sectors, type, 24072, 22072);
        tear_at_each_length(scratch_sectors, type, 5000, 24432);
    }
}

static void a_torn_erase_after_region_0_is_survived_with_one_scratch_sector(void **state)
{
    (void)state;
    tear_for_each_type(1);
}

static void a_torn_erase_after_region_0_is_survived_with_two_scratch_sectors(void **state)
{
    (void)state;
    tear_for_each_type(2);
}

static void a_torn_erase_after_region_0_is_survived_with_three_scratch_sectors(void **state)
{
    (void)state;
    tear_for_each_type(3);
}

/* Some bits erased and some not, some of them reading differently each time. */
static void garble(unsigned scratch_sectors, enum swap_type type)
{
    struct rig_snapshot start = {0};
    set_up(scratch_sectors, type, 24072, 22072);
    rig_save(&rig, &start);
    rig_boot(&rig);
    const uint32_t first = erase_after_region_0();
    for (uint32_t i = 0; i < 60; i++) {
        rig_restore(&rig, &start);
        rig.seed = i;
        rig_boot_cut(&rig, first + i % scratch_sectors, NOR_CUT_GARBLED);
        snprintf(rig.note, sizeof rig.note, "erase of scratch garbled, pattern %u", i);
        boot_and_check(type);
    }
    rig_snapshot_free(&start);
    rig_destroy(&rig);
}

static void a_garbled_erase_after_region_0_is_survived(void **state)
{
    (void)state;
    for (unsigned sectors = 1; sectors <= 3; sectors++) {
        for (enum swap_type type = SWAP_TEST; type <= SWAP_REVERT; type++)
            garble(sectors, type);
    }
}

/* The revert is the second of two swaps that share; each with all cuts, sampled. */
static void large_images_survive_every_other_cut_too(void **state)
{
    (void)state;
    for (unsigned sectors = 1; sectors <= 3; sectors++) {
        const struct rig_cuts cuts = {sectors, 3, CUT_ALL_KINDS, !rig_is_full()};
        set_up(sectors, SWAP_TEST, 24072, 22072);
        rig_cut_each(&rig, &cuts, rig_check_trial);
        rig_cut_each(&rig, &cuts, rig_check_revert);
        rig_expect_next_update(&rig, OLD);
        rig_destroy(&rig);
    }
}

/* An image in the primary above the limit (put there by a programmer) would lose its end to the
 * trailer: it is not started, and a good candidate takes its place for good. */
static void an_image_above_the_limit_in_the_primary_gives_way_and_never_comes_back(void **state)
{
    (void)state;
    rig_create(&rig, rig_traced_layout(1), &rig_plain);
    rig_make(OLD, 24432 + 40);
    rig_make(NEW, 9000);
    rig_make(NEXT, 5000);
    rig_flash(&rig, PRIMARY, OLD);
    rig_try_boot(&rig);
    assert_int_not_equal(rig.status, OTTER_OK);
    rig_download(&rig, NEW);
    rig_ask(&rig, false);
    for (unsigned i = 0; i < 3; i++) {
        rig_boot(&rig);
        rig_expect_running(&rig, NEW);
    }
    rig_expect_next_update(&rig, NEW);
    rig_destroy(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_torn_erase_after_region_0_is_survived_with_one_scratch_sector),
        cmocka_unit_test(a_torn_erase_after_region_0_is_survived_with_two_scratch_sectors),
        cmocka_unit_test(a_torn_erase_after_region_0_is_survived_with_three_scratch_sectors),
        cmocka_unit_test(a_garbled_erase_after_region_0_is_survived),
        cmocka_unit_test(large_images_survive_every_other_cut_too),
        cmocka_unit_test(an_image_above_the_limit_in_the_primary_gives_way_and_never_comes_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
