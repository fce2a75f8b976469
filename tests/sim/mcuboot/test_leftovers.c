/* Boards with a past: what programmers, old trailers and half-done things leave behind. MCUboot's
 * simulator starts from clean flash (docs/formats.md 8.1, 8.4). */
#include "tests/sim/mcuboot/rig.h"

#include <string.h>

#include "image/bytes.h"

static struct rig_cuts sample(unsigned turn)
{
    const uint32_t stride = rig_is_full() ? 1 : turn % 12 == 5 ? 149 : 23;
    return (struct rig_cuts){1 + turn * 7 % stride, stride, CUT_ALL_KINDS, true};
}

static void set_up(struct rig *rig, unsigned turn)
{
    rig_make_pair(rig, turn);
    rig_flash(rig, PRIMARY, OLD);
}

/* An update on trial and its revert, each with power cuts, from what is there now. */
static void expect_updates_work(struct rig *rig, unsigned turn)
{
    const struct rig_cuts cuts = sample(turn);
    rig_boot(rig);
    rig_expect_running(rig, OLD);
    rig_download(rig, NEW);
    rig_ask(rig, !rig_reverts());
    rig_cut_each(rig, &cuts, rig_reverts() ? rig_check_trial : rig_check_permanent);
    if (rig_reverts())
        rig_cut_each(rig, &cuts, rig_check_revert);
    rig_expect_next_update(rig, rig_reverts() ? OLD : NEW);
}

/* --- the primary as a programmer leaves it ---------------------------------------------------- */

static void update_padded(struct rig *rig, unsigned turn)
{
    static const unsigned pads[] = {PAD_MAGIC, PAD_MAGIC | PAD_IMAGE_OK,
                                    PAD_MAGIC | PAD_IMAGE_OK | PAD_COPY_DONE};
    set_up(rig, turn);
    rig_pad(rig, PRIMARY, pads[turn % 3]);
    expect_updates_work(rig, turn);
}

static void a_primary_made_with_pad_or_confirm_updates_and_reverts(void **state)
{
    (void)state;
    rig_for_each(update_padded);
}

/* A note of a swap whose size was never written: erased, it reads as four gigabytes (issue 829). */
static void update_without_swap_size(struct rig *rig, unsigned turn)
{
    set_up(rig, turn);
    const struct flash_area *slot = &rig->area[0][PRIMARY];
    trailer_write_flag(slot, rig->variant.max_align, TRAILER_SWAP_INFO,
                       turn % 2 == 0 ? SWAP_TEST : SWAP_PERM);
    rig_pad(rig, PRIMARY, turn % 3 == 0 ? PAD_MAGIC | PAD_IMAGE_OK : PAD_MAGIC);
    expect_updates_work(rig, turn);
}

static void a_primary_trailer_without_swap_size_begins_no_swap(void **state)
{
    (void)state;
    rig_for_each(update_without_swap_size);
}

/* --- magic and flags that are neither set nor erased ------------------------------------------ */

static void update_with_bad_magic(struct rig *rig, unsigned turn)
{
    static const uint8_t bad[32] = {1, 2, 3, 4, 5, 6, 7, 8};
    set_up(rig, turn);
    const struct flash_area *slot = &rig->area[0][turn % 2 == 0 ? PRIMARY : SECONDARY];
    const uint32_t size = round_up(TRAILER_MAGIC_SIZE, rig->variant.write_size);
    assert_int_equal(flash_program(slot, slot->size - size, bad, size), OTTER_OK);
    expect_updates_work(rig, turn);
}

static void a_bad_magic_in_either_slot_does_not_stop_boots_or_updates(void **state)
{
    (void)state;
    rig_for_each(update_with_bad_magic);
}

static void boot_with_bad_flags(struct rig *rig, unsigned turn)
{
    static const enum trailer_field fields[] = {TRAILER_IMAGE_OK, TRAILER_COPY_DONE,
                                                TRAILER_SWAP_INFO};
    set_up(rig, turn);
    const struct flash_area *slot = &rig->area[0][PRIMARY];
    trailer_write_flag(slot, rig->variant.max_align, fields[turn % 3], 0x5a);
    rig_pad(rig, PRIMARY, PAD_MAGIC | (turn % 3 == 1 ? PAD_IMAGE_OK : 0));
    expect_updates_work(rig, turn);
}

static void bad_flags_in_the_primary_do_not_stop_boots_or_updates(void **state)
{
    (void)state;
    rig_for_each(boot_with_bad_flags);
}

/* --- the status of a swap that went with the slots it belonged to ----------------------------- */

static void write_note(struct rig *rig, const struct flash_area *area, unsigned turn)
{
    const uint32_t align = rig->variant.max_align;
    const bool offset = rig_is_mode("offset");
    trailer_write_flag(area, align, TRAILER_SWAP_INFO, (uint8_t)(SWAP_TEST + turn % 3));
    trailer_write_number(area, align, offset ? TRAILER_OFFSET_SWAP_SIZE : TRAILER_SWAP_SIZE,
                         rig_end(OLD));
    trailer_write_magic(area, align);
}

/* The first `done` of `count` records in front of a trailer's fields. */
static void write_records(struct rig *rig, const struct flash_area *area, uint32_t count,
                          uint32_t done)
{
    const uint32_t unit = rig->variant.write_size;
    uint32_t info = trailer_info_size(rig->variant.max_align);
    if (rig_is_mode("offset"))
        info += rig->variant.max_align;
    for (uint32_t i = 0; i < done; i++)
        trailer_write_unit(area, area->size - info - (count - i) * unit, (uint8_t)(i % 3 + 1));
}

static void update_over_a_status(struct rig *rig, unsigned turn)
{
    const uint32_t per_sector = rig_is_mode("offset") ? 2 : 3;
    const struct flash_area *primary = &rig->area[0][PRIMARY];
    set_up(rig, turn);
    write_note(rig, primary, turn);
    write_records(rig, primary, per_sector * rig->layout->max_sectors, turn / 3 % 5);
    expect_updates_work(rig, turn);
}

static void a_forgotten_status_in_the_primary_does_no_harm(void **state)
{
    (void)state;
    rig_for_each(update_over_a_status);
}

/* --- scratch ---------------------------------------------------------------------------------- */

static void fill_scratch(struct rig *rig, const uint8_t *pattern, uint32_t length)
{
    const struct rig_place *place = &rig->layout->place[0][SCRATCH];
    for (uint32_t at = 0; at < place->size; at += length)
        nor_load(&rig->device[place->device], place->offset + at, pattern, length);
}

static void update_over_magic(struct rig *rig, unsigned turn)
{
    uint8_t magic[TRAILER_MAGIC_SIZE];
    set_up(rig, turn);
    trailer_magic_bytes(rig->variant.max_align, magic);
    fill_scratch(rig, magic, sizeof magic);
    expect_updates_work(rig, turn);
}

static void a_scratch_full_of_magic_does_no_harm(void **state)
{
    (void)state;
    rig_for_each(update_over_magic);
}

/* One trailer behind the other, of swaps long past: larger than the slot, or of another image. */
static void update_over_old_trailers(struct rig *rig, unsigned turn)
{
    uint8_t old[256];
    const uint32_t align = rig->variant.max_align;
    set_up(rig, turn);
    memset(old, rig->variant.erased_value, sizeof old);
    const bool other_image = turn % 2 == 1;
    old[trailer_field_offset(sizeof old, align, TRAILER_SWAP_INFO)] =
        (uint8_t)((SWAP_TEST + turn % 3) | (other_image ? 0x10 : 0));
    put_le32(old + trailer_field_offset(sizeof old, align, TRAILER_SWAP_SIZE),
             other_image ? 4096 : rig->area[0][PRIMARY].size);
    trailer_magic_bytes(align, old + sizeof old - TRAILER_MAGIC_SIZE);
    fill_scratch(rig, old, sizeof old);
    expect_updates_work(rig, turn);
}

static void a_scratch_full_of_old_trailers_does_no_harm(void **state)
{
    (void)state;
    rig_for_each(update_over_old_trailers);
}

/* A swap was noted in scratch, and perhaps begun, then the slots were filled anew by a programmer.
 */
static void update_over_a_note(struct rig *rig, unsigned turn)
{
    const struct flash_area *scratch = &rig->area[0][SCRATCH];
    set_up(rig, turn);
    write_note(rig, scratch, turn);
    write_records(rig, scratch, 3, turn / 3 % 3);
    expect_updates_work(rig, turn);
}

static void a_forgotten_note_in_scratch_does_no_harm(void **state)
{
    (void)state;
    rig_for_each(update_over_a_note);
}

/* --- reset between copy_done and confirmation ------------------------------------------------- */

/* As with MCUboot, by design: the image had its chance. Both images are whole. */
static void reset_before_the_first_start(struct rig *rig, unsigned turn)
{
    struct rig_snapshot start = {0};
    set_up(rig, turn);
    rig_download(rig, NEW);
    rig_ask(rig, false);
    rig_save(rig, &start);
    rig_boot(rig);
    const uint32_t operations = rig->power.operations;
    rig_restore(rig, &start);
    rig_check(rig, rig_boot_cut(rig, operations, NOR_CUT_DONE), "the boot was not cut at its end");
    rig_expect_trailer(rig, PRIMARY, TRAILER_GOOD, TRAILER_UNSET, TRAILER_SET);
    rig_boot(rig);
    rig_expect_reverted(rig);
    rig_download(rig, NEW);
    rig_ask(rig, false);
    rig_boot(rig);
    rig_expect_trial(rig);
    rig_snapshot_free(&start);
}

static void a_reset_after_copy_done_takes_the_trial_back_and_it_can_be_made_again(void **state)
{
    (void)state;
    rig_for_each(reset_before_the_first_start);
}

int main(void)
{
    const struct CMUnitTest always[] = {
        cmocka_unit_test(a_primary_made_with_pad_or_confirm_updates_and_reverts),
        cmocka_unit_test(a_primary_trailer_without_swap_size_begins_no_swap),
        cmocka_unit_test(a_bad_magic_in_either_slot_does_not_stop_boots_or_updates),
        cmocka_unit_test(bad_flags_in_the_primary_do_not_stop_boots_or_updates),
    };
    const struct CMUnitTest with_revert[] = {
        cmocka_unit_test(a_forgotten_status_in_the_primary_does_no_harm),
        cmocka_unit_test(a_reset_after_copy_done_takes_the_trial_back_and_it_can_be_made_again),
    };
    const struct CMUnitTest with_scratch[] = {
        cmocka_unit_test(a_scratch_full_of_magic_does_no_harm),
        cmocka_unit_test(a_scratch_full_of_old_trailers_does_no_harm),
        cmocka_unit_test(a_forgotten_note_in_scratch_does_no_harm),
    };
    int failures = cmocka_run_group_tests(always, NULL, NULL);
    if (rig_reverts())
        failures += cmocka_run_group_tests(with_revert, NULL, NULL);
    if (rig_is_mode("scratch"))
        failures += cmocka_run_group_tests(with_scratch, NULL, NULL);
    return failures;
}
