/* What breaks MCUboot's swap by move and swap by offset (docs/formats.md 4.2, 4.3, 8.4). */
#include "tests/sim/mcuboot/rig.h"

static const struct rig_layout small_sectors = {.name = "64 and 65 x 512",
                                                .runs = {{{129, 0x200}}},
                                                .place = {{{0, 0x8000, 0}, {0x8000, 0x8200, 0}}},
                                                .max_sectors = 65};
static const struct rig_layout small_sectors_move = {
    .name = "65 and 64 x 512",
    .runs = {{{129, 0x200}}},
    .place = {{{0, 0x8200, 0}, {0x8200, 0x8000, 0}}},
    .max_sectors = 65};
static const struct rig_layout large_sectors = {.name = "9 and 10 x 4K",
                                                .runs = {{{19, 0x1000}}},
                                                .place = {{{0, 0x9000, 0}, {0x9000, 0xa000, 0}}},
                                                .max_sectors = 10};
static const struct rig_layout large_sectors_move = {
    .name = "10 and 9 x 4K",
    .runs = {{{19, 0x1000}}},
    .place = {{{0, 0xa000, 0}, {0xa000, 0x9000, 0}}},
    .max_sectors = 10};

static struct rig rig;

static void set_up(const struct rig_layout *layout, uint32_t old, uint32_t new, bool permanent)
{
    rig_create(&rig, layout, &rig_plain);
    rig_make(OLD, old);
    rig_make(NEW, new);
    rig_make(NEXT, old);
    rig_flash(&rig, PRIMARY, OLD);
    rig_download(&rig, NEW);
    rig_ask(&rig, permanent);
}

/* --- offset: both images in one sector, a plain reset right after the erase of primary sector 0 */

static uint32_t erase_of_primary_0(void)
{
    for (uint32_t i = 0; i < rig.logged; i++) {
        if (rig.log[i].is_erase && rig.log[i].offset == rig.area[0][PRIMARY].offset)
            return i + 1;
    }
    fail_msg("primary sector 0 is never erased: the trap is not there");
    return 0;
}

static void reset_after_erase(void (*check)(struct rig *rig, bool ends))
{
    struct rig_snapshot start = {0};
    rig_save(&rig, &start);
    rig_boot(&rig);
    const uint32_t at = erase_of_primary_0();
    rig_restore(&rig, &start);
    assert_true(rig_boot_cut(&rig, at, NOR_CUT_DONE));
    assert_int_equal(flash_is_erased(&rig.area[0][PRIMARY], 0, rig_sector(&rig)), 1);
    rig_boot(&rig);
    check(&rig, false);
    rig_restore(&rig, &start);
    rig_snapshot_free(&start);
}

static void reset_in_one_sector(uint32_t old, uint32_t new)
{
    set_up(rig_traced_layout(1), old, new, false);
    reset_after_erase(rig_check_trial);
    rig_cut_each(&rig, &rig_every_cut, rig_check_trial);
    reset_after_erase(rig_check_revert);
    rig_cut_each(&rig, &rig_every_cut, rig_check_revert);
    rig_destroy(&rig);
    set_up(rig_traced_layout(1), old, new, true);
    reset_after_erase(rig_check_permanent);
    rig_cut_each(&rig, &rig_every_cut, rig_check_permanent);
    rig_destroy(&rig);
}

static void
images_of_one_sector_survive_a_reset_right_after_the_erase_of_primary_sector_0(void **state)
{
    (void)state;
    reset_in_one_sector(SIM_IMAGE_MIN, SIM_IMAGE_MIN);
    reset_in_one_sector(4096, 1000);
    reset_in_one_sector(1000, 4096);
    reset_in_one_sector(4096, 4096);
}

/* --- offset: 29,000 -> 2,000 bytes, permanent ------------------------------------------------- */

static void shrink_or_grow(const struct rig_layout *layout, uint32_t old, uint32_t new)
{
    const struct rig_cuts before = {1, 1, 1u << NOR_CUT_BEFORE, false};
    const struct rig_cuts torn = {1, 3, CUT_ALL_KINDS, true};
    set_up(layout, old, new, true);
    rig_cut_each(&rig, &before, rig_check_permanent);
    rig_destroy(&rig);
    set_up(layout, old, new, true);
    rig_cut_each(&rig, &torn, rig_check_permanent);
    rig_expect_next_update(&rig, NEW);
    rig_destroy(&rig);
}

static void a_much_smaller_image_leaves_a_whole_backup_after_any_reset(void **state)
{
    (void)state;
    shrink_or_grow(rig_is_mode("move") ? &small_sectors_move : &small_sectors, 29000, 2000);
    shrink_or_grow(rig_is_mode("move") ? &large_sectors_move : &large_sectors, 29000, 2000);
}

static void a_much_larger_image_leaves_a_whole_backup_after_any_reset(void **state)
{
    (void)state;
    shrink_or_grow(rig_is_mode("move") ? &large_sectors_move : &large_sectors, 2000, 29000);
}

/* The same around the very operations at which MCUboot loses the backup. */
static void the_backup_is_whole_after_cuts_at_operations_240_to_252(void **state)
{
    (void)state;
    struct rig_cuts one = {240, UINT16_MAX, CUT_ALL_KINDS, false};
    set_up(rig_is_mode("move") ? &small_sectors_move : &small_sectors, 29000, 2000, true);
    struct rig_snapshot start = {0};
    rig_save(&rig, &start);
    for (; one.first <= 252; one.first++) {
        rig_restore(&rig, &start);
        rig_cut_each(&rig, &one, rig_check_permanent);
    }
    rig_snapshot_free(&start);
    rig_destroy(&rig);
}

/* --- move: not enough free space -------------------------------------------------------------- */

/* An image that leaves no sector free to move into. MCUboot skips the swap, and yet writes
 * copy_done at every boot. */
static void without_a_free_sector_the_candidate_goes_and_no_flag_is_written(void **state)
{
    (void)state;
    set_up(rig_traced_layout(1), 4000, 5 * 4096 + 8, true);
    rig_boot(&rig);
    rig_expect_running(&rig, OLD);
    for (unsigned i = 0; i < 3; i++) {
        rig_expect_trailer(&rig, PRIMARY, TRAILER_UNSET, TRAILER_UNSET, TRAILER_UNSET);
        rig_expect_trailer(&rig, SECONDARY, TRAILER_UNSET, TRAILER_UNSET, TRAILER_UNSET);
        rig_boot(&rig);
        rig_expect_running(&rig, OLD);
        assert_int_equal(rig.logged, 0);
    }
    rig_expect_next_update(&rig, OLD);
    rig_destroy(&rig);
}

static void an_image_above_the_limit_in_the_primary_gives_way_and_never_comes_back(void **state)
{
    (void)state;
    set_up(rig_traced_layout(1), 5 * 4096 + 8, 9000, false);
    for (unsigned i = 0; i < 3; i++) {
        rig_boot(&rig);
        rig_expect_running(&rig, NEW);
    }
    rig_make(NEXT, 5000);
    rig_expect_next_update(&rig, NEW);
    rig_destroy(&rig);
}

/* --- move: one brick in fifty cuts, in the move phase (issue 1588) ---------------------------- */

static void every_cut_of_every_phase_is_survived(void **state)
{
    (void)state;
    set_up(rig_traced_layout(1), 9072, 5072, false);
    rig_cut_each(&rig, &rig_every_cut, rig_check_trial);
    rig_cut_each(&rig, &rig_every_cut, rig_check_revert);
    rig_expect_next_update(&rig, OLD);
    rig_destroy(&rig);
}

/* --- the request of a swap that has begun, half erased -----------------------------------------
 */

/* The next boot is cut where the primary has the note and the secondary still the request. */
static void cut_before_the_request_goes(struct rig *r)
{
    struct rig_snapshot start = {0};
    struct trailer primary;
    struct trailer secondary;
    uint32_t at = 0;
    rig_save(r, &start);
    do {
        rig_restore(r, &start);
        rig_check(r, rig_boot_cut(r, ++at, NOR_CUT_BEFORE), "the swap is noted before it ends");
        trailer_read(&r->area[0][PRIMARY], r->variant.max_align, &primary);
        trailer_read(&r->area[0][SECONDARY], r->variant.max_align, &secondary);
    } while (primary.magic != TRAILER_GOOD || primary.copy_done != TRAILER_UNSET ||
             secondary.magic != TRAILER_GOOD);
    rig_snapshot_free(&start);
}

/* An erase that comes as far as each field, and one that spoils image_ok besides. */
static void tear_the_request(struct rig *r, void (*check)(struct rig *rig, bool ends))
{
    const struct flash_area *slot = &r->area[0][SECONDARY];
    const struct flash_sector last = flash_sector_at(slot, slot->size - 1);
    const uint32_t align = r->variant.max_align;
    struct nor_device *device = &r->device[r->layout->place[0][SECONDARY].device];
    struct rig_snapshot torn = {0};
    cut_before_the_request_goes(r);
    rig_save(r, &torn);
    for (unsigned i = 0; i < 2 * TRAILER_OFFSET_SWAP_SIZE; i++) {
        rig_restore(r, &torn);
        const uint32_t end = trailer_field_offset(slot->size, align, i / 2) & ~(align - 1u);
        nor_erase_bytes(device, slot->offset + last.offset, end - last.offset);
        if (i % 2 == 1)
            rig_data(r, SECONDARY)[trailer_field_offset(slot->size, align, TRAILER_IMAGE_OK)] =
                0xa5;
        rig_boot(r);
        check(r, false);
    }
    rig_snapshot_free(&torn);
}

static void a_swap_goes_on_whatever_a_torn_erase_leaves_of_its_request(void **state)
{
    (void)state;
    set_up(rig_traced_layout(1), 9072, 5072, true);
    tear_the_request(&rig, rig_check_permanent);
    rig_destroy(&rig);
    set_up(rig_traced_layout(1), 5072, 9072, false);
    rig_boot(&rig);
    tear_the_request(&rig, rig_check_revert);
    rig_destroy(&rig);
}

/* --- a copy_done that cannot be written ----------------------------------------------------------
 */

static void boots_after_a_revert_that_cannot_be_marked_as_done_erase_nothing(void **state)
{
    (void)state;
    set_up(rig_traced_layout(1), 5072, 9072, false);
    rig_boot(&rig);
    const struct flash_area *slot = &rig.area[0][PRIMARY];
    rig.bad_start = slot->offset + trailer_field_offset(slot->size, 8, TRAILER_COPY_DONE);
    rig.bad_end = rig.bad_start + 1;
    rig.bad_percent = 100;
    rig_boot(&rig);
    for (unsigned i = 0; i < 3; i++) {
        rig_expect_running(&rig, OLD);
        rig_boot(&rig);
        for (uint32_t at = 0; at < rig.logged; at++)
            assert_false(rig.log[at].is_erase);
    }
    rig_expect_running(&rig, OLD);
    rig_expect_other(&rig, NEW, true);
    rig_destroy(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            images_of_one_sector_survive_a_reset_right_after_the_erase_of_primary_sector_0),
        cmocka_unit_test(a_much_smaller_image_leaves_a_whole_backup_after_any_reset),
        cmocka_unit_test(a_much_larger_image_leaves_a_whole_backup_after_any_reset),
        cmocka_unit_test(the_backup_is_whole_after_cuts_at_operations_240_to_252),
        cmocka_unit_test(without_a_free_sector_the_candidate_goes_and_no_flag_is_written),
        cmocka_unit_test(an_image_above_the_limit_in_the_primary_gives_way_and_never_comes_back),
        cmocka_unit_test(every_cut_of_every_phase_is_survived),
        cmocka_unit_test(a_swap_goes_on_whatever_a_torn_erase_leaves_of_its_request),
        cmocka_unit_test(boots_after_a_revert_that_cannot_be_marked_as_done_erase_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
