/* Status records that cannot be written: MCUboot's "bad regions" (docs/formats.md 8.1, 8.3). */
#include "tests/sim/mcuboot/rig.h"

static uint32_t record_size(const struct rig *rig)
{
    const uint32_t per_sector = rig_is_mode("offset") ? 2 : 3;
    return per_sector * rig->layout->max_sectors * rig->variant.write_size;
}

/* The records alone, not the fields behind them: these hold what the swap cannot do without. */
static void spoil_records(struct rig *rig, unsigned percent)
{
    const struct flash_area *slot = &rig->area[0][PRIMARY];
    uint32_t info = trailer_info_size(rig->variant.max_align);
    if (rig_is_mode("offset"))
        info += rig->variant.max_align;
    rig->bad_end = slot->offset + slot->size - info;
    rig->bad_start = rig->bad_end - record_size(rig);
    rig->bad_percent = percent;
}

static void set_up(struct rig *rig, unsigned turn)
{
    rig_make_pair(rig, turn);
    rig_flash(rig, PRIMARY, OLD);
    rig_download(rig, NEW);
    rig_ask(rig, true);
}

static void fail_all(struct rig *rig, unsigned turn)
{
    set_up(rig, turn);
    spoil_records(rig, 100);
    rig_boot(rig);
    rig_expect_permanent(rig);
    rig_boot(rig);
    rig_expect_permanent(rig);
    rig_check(rig, rig->logged == 0, "the flash was changed at the second boot");
}

static void a_swap_completes_though_every_status_write_fails(void **state)
{
    (void)state;
    rig_for_each(fail_all);
}

/* Half of the records fail, or all, and power does, half way. What has been done follows from the
 * data, so the swap goes on. Only if all records are lost, a swap that has come to its end looks
 * like one that has not begun, and may be made once more, the other way. */
static void check_what_runs(struct rig *rig)
{
    rig_try_boot(rig);
    rig_check(rig,
              rig->status == OTTER_OK &&
                  (rig_holds(rig, PRIMARY, 0, NEW) || rig_holds(rig, PRIMARY, 0, OLD)),
              "neither image is started");
    rig_check(rig, rig->device[0].rule_breaks == 0, "a flash rule was broken");
}

static void fail_half_with_reset(struct rig *rig, unsigned turn)
{
    struct rig_snapshot start = {0};
    set_up(rig, turn);
    rig_save(rig, &start);
    rig_boot(rig);
    const uint32_t operations = rig->power.operations;
    for (uint32_t at = operations / 2 + turn % 3; at < operations; at += 1 + operations / 8) {
        rig_restore(rig, &start);
        spoil_records(rig, turn % 2 == 0 ? 50 : 100);
        rig_boot_cut(rig, at, NOR_CUT_BEFORE);
        check_what_runs(rig);
    }
    rig_snapshot_free(&start);
}

static void a_swap_goes_on_after_a_reset_though_status_writes_fail(void **state)
{
    (void)state;
    rig_for_each(fail_half_with_reset);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_swap_completes_though_every_status_write_fails),
        cmocka_unit_test(a_swap_goes_on_after_a_reset_though_status_writes_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
