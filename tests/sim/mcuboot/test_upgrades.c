/* Upgrades, reverts and what comes before them: the rows of MCUboot's simulator for a slot pair
 * (docs/formats.md 8.3), on its layouts. */
#include "tests/sim/mcuboot/rig.h"

#include <stdio.h>

static struct rig_cuts before_some(unsigned turn)
{
    const uint32_t stride = rig_is_full() ? 1 : turn % 12 == 5 ? 61 : 9;
    return (struct rig_cuts){1 + turn % stride, stride, 1u << NOR_CUT_BEFORE, false};
}

static void set_up(struct rig *rig, unsigned turn)
{
    rig_make_pair(rig, turn);
    rig_flash(rig, PRIMARY, OLD);
}

static void set_up_update(struct rig *rig, unsigned turn, bool permanent)
{
    set_up(rig, turn);
    rig_download(rig, NEW);
    rig_ask(rig, permanent);
}

/* --- norevert_newimage ------------------------------------------------------------------------ */

static void boot_padded(struct rig *rig, unsigned turn)
{
    set_up(rig, turn);
    rig_pad(rig, PRIMARY, PAD_MAGIC);
    rig_boot(rig);
    rig_expect_running(rig, OLD);
    rig_expect_trailer(rig, PRIMARY, TRAILER_GOOD, TRAILER_UNSET, TRAILER_UNSET);
    rig_expect_trailer(rig, SECONDARY, TRAILER_UNSET, TRAILER_UNSET, TRAILER_UNSET);
    rig_check(rig, rig->logged == 0, "the flash was changed");
}

static void a_padded_image_from_a_programmer_boots_and_stays_as_it_is(void **state)
{
    (void)state;
    rig_for_each(boot_padded);
}

/* --- basic_revert ----------------------------------------------------------------------------- */

static void boot_without_confirming(struct rig *rig, unsigned turn)
{
    set_up_update(rig, turn, false);
    rig_boot(rig);
    rig_expect_trial(rig);
    for (unsigned i = 0; i < 3; i++) {
        rig_boot(rig);
        rig_expect_reverted(rig);
    }
    rig_check(rig, rig->logged == 0, "the flash was changed after the revert");
}

static void an_unconfirmed_image_runs_once_and_never_again(void **state)
{
    (void)state;
    rig_for_each(boot_without_confirming);
}

/* --- norevert --------------------------------------------------------------------------------- */

static void boot_and_confirm(struct rig *rig, unsigned turn)
{
    set_up_update(rig, turn, false);
    rig_boot(rig);
    rig_expect_trial(rig);
    rig_confirm(rig);
    rig_boot(rig);
    rig_expect_permanent(rig);
    rig_check(rig, rig->logged == 0, "the flash was changed after the confirmation");
    rig_expect_next_update(rig, NEW);
}

static void a_confirmed_image_stays(void **state)
{
    (void)state;
    rig_for_each(boot_and_confirm);
}

/* --- revert_with_fails ------------------------------------------------------------------------ */

static void check_strictly(struct rig *rig, bool ends)
{
    (void)ends;
    rig_expect_trial(rig);
}

static void check_revert_strictly(struct rig *rig, bool ends)
{
    (void)ends;
    rig_expect_reverted(rig);
    rig_boot(rig);
    rig_expect_reverted(rig);
    rig_check(rig, rig->logged == 0, "the flash was changed after the revert");
}

static void cut_trial_and_revert(struct rig *rig, unsigned turn)
{
    const struct rig_cuts cuts = before_some(turn);
    set_up_update(rig, turn, false);
    rig_cut_each(rig, &cuts, check_strictly);
    rig_cut_each(rig, &cuts, check_revert_strictly);
    rig_expect_next_update(rig, OLD);
}

static void a_trial_and_its_revert_survive_a_cut_before_any_operation(void **state)
{
    (void)state;
    rig_for_each(cut_trial_and_revert);
}

/* --- the same where older versions are refused: the image that comes back is one -------------- */

static void cut_revert_to_older(struct rig *rig, unsigned turn)
{
    struct rig_cuts cuts = before_some(turn);
    cuts.kinds = CUT_ALL_KINDS;
    cuts.rotate = true;
    rig->config.refuse_downgrade = true;
    set_up_update(rig, turn, false);
    rig_boot(rig);
    rig_expect_trial(rig);
    rig_cut_each(rig, &cuts, rig_check_revert);
    rig_expect_next_update(rig, OLD);
}

static void a_cut_revert_is_not_refused_as_a_downgrade(void **state)
{
    (void)state;
    rig_for_each(cut_revert_to_older);
}

/* --- perm_with_fails -------------------------------------------------------------------------- */

static void check_permanent_strictly(struct rig *rig, bool ends)
{
    (void)ends;
    rig_expect_permanent(rig);
}

static void cut_permanent(struct rig *rig, unsigned turn)
{
    const struct rig_cuts cuts = before_some(turn);
    set_up_update(rig, turn, true);
    rig_cut_each(rig, &cuts, check_permanent_strictly);
    rig_expect_next_update(rig, NEW);
}

static void a_permanent_upgrade_survives_a_cut_before_any_operation(void **state)
{
    (void)state;
    rig_for_each(cut_permanent);
}

/* --- perm_with_random_fails, in several series and all kinds ---------------------------------- */

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

/* Five cuts in a row, each somewhere in the boot that recovers from the one before. The operations
 * left are not known, so a boot may end uncut. */
static void cut_five_times(struct rig *rig, uint32_t operations, uint32_t series)
{
    uint32_t random = series * 7919u + rig->variant.write_size;
    snprintf(rig->note, sizeof rig->note, "random cut series %u", series);
    for (unsigned i = 0; i < 5; i++) {
        const uint32_t at = 1 + next_random(&random) % operations;
        const enum nor_cut kind = (enum nor_cut)(next_random(&random) % NOR_CUT_KINDS);
        if (!rig_boot_cut(rig, at, kind))
            rig_check(rig, rig->status == OTTER_OK, "a boot between cuts failed");
    }
    rig_boot(rig);
    rig_check_permanent(rig, true);
    rig->note[0] = '\0';
}

static void cut_at_random(struct rig *rig, unsigned turn)
{
    struct rig_snapshot start = {0};
    set_up_update(rig, turn, true);
    rig_save(rig, &start);
    rig_boot(rig);
    const uint32_t operations = rig->power.operations;
    const uint32_t count = rig_is_full() ? 200 : 6;
    for (uint32_t series = 0; series < count; series++) {
        rig_restore(rig, &start);
        cut_five_times(rig, operations, turn * count + series);
    }
    rig_expect_next_update(rig, NEW);
    rig_snapshot_free(&start);
}

static void a_permanent_upgrade_survives_five_cuts_in_a_row(void **state)
{
    (void)state;
    rig_for_each(cut_at_random);
}

int main(void)
{
    const struct CMUnitTest always[] = {
        cmocka_unit_test(a_padded_image_from_a_programmer_boots_and_stays_as_it_is),
        cmocka_unit_test(a_permanent_upgrade_survives_a_cut_before_any_operation),
        cmocka_unit_test(a_permanent_upgrade_survives_five_cuts_in_a_row),
    };
    const struct CMUnitTest with_revert[] = {
        cmocka_unit_test(an_unconfirmed_image_runs_once_and_never_again),
        cmocka_unit_test(a_confirmed_image_stays),
        cmocka_unit_test(a_trial_and_its_revert_survive_a_cut_before_any_operation),
        cmocka_unit_test(a_cut_revert_is_not_refused_as_a_downgrade),
    };
    const int failures = cmocka_run_group_tests(always, NULL, NULL);
    return rig_reverts() ? failures + cmocka_run_group_tests(with_revert, NULL, NULL) : failures;
}
