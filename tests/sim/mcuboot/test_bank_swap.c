/* The rows of MCUboot's simulator for bank swap, which MCUboot does not have: on the dual-bank
 * layout of its Stm32f769, the banks exchanged by an option bit. Each image keeps its trailer. */
#include "tests/sim/mcuboot/rig.h"

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

static void expect_slots(const struct rig *rig, enum version primary, enum version secondary)
{
    rig_expect_running(rig, primary);
    rig_check(rig, rig_holds(rig, SECONDARY, 0, secondary), "the other image is not whole");
}

static void boot_padded(struct rig *rig, unsigned turn)
{
    set_up(rig, turn);
    rig_pad(rig, PRIMARY, PAD_MAGIC);
    for (unsigned i = 0; i < 3; i++) {
        rig_boot(rig);
        rig_expect_running(rig, OLD);
    }
}

static void a_padded_image_from_a_programmer_boots_and_stays(void **state)
{
    (void)state;
    rig_for_each(boot_padded);
}

static void check_trial(struct rig *rig, bool ends)
{
    if (ends && rig_holds(rig, PRIMARY, 0, OLD))
        expect_slots(rig, OLD, NEW);
    else
        expect_slots(rig, NEW, OLD);
}

static void check_revert(struct rig *rig, bool ends)
{
    (void)ends;
    expect_slots(rig, OLD, NEW);
    rig_boot(rig);
    expect_slots(rig, OLD, NEW);
}

static void try_and_revert(struct rig *rig, unsigned turn)
{
    set_up_update(rig, turn, false);
    rig_cut_each(rig, &rig_every_cut, check_trial);
    expect_slots(rig, NEW, OLD);
    rig_cut_each(rig, &rig_every_cut, check_revert);
    for (unsigned i = 0; i < 2; i++) {
        rig_boot(rig);
        expect_slots(rig, OLD, NEW);
    }
    rig_check(rig, rig->logged == 0, "the flash is changed at each boot");
}

static void a_trial_and_its_revert_survive_any_cut(void **state)
{
    (void)state;
    rig_for_each(try_and_revert);
}

static void check_permanent(struct rig *rig, bool ends)
{
    (void)ends;
    expect_slots(rig, NEW, OLD);
    rig_boot(rig);
    expect_slots(rig, NEW, OLD);
}

static void upgrade_for_good(struct rig *rig, unsigned turn)
{
    set_up_update(rig, turn, true);
    rig_cut_each(rig, &rig_every_cut, check_permanent);
    rig_expect_next_update(rig, NEW);
}

static void a_permanent_upgrade_survives_any_cut(void **state)
{
    (void)state;
    rig_for_each(upgrade_for_good);
}

static void confirm(struct rig *rig, unsigned turn)
{
    set_up_update(rig, turn, false);
    rig_boot(rig);
    rig_confirm(rig);
    for (unsigned i = 0; i < 2; i++) {
        rig_boot(rig);
        expect_slots(rig, NEW, OLD);
    }
    rig_expect_next_update(rig, NEW);
}

static void a_confirmed_image_stays(void **state)
{
    (void)state;
    rig_for_each(confirm);
}

static void offer_bad_signature(struct rig *rig, unsigned turn)
{
    set_up(rig, turn);
    sim_image_make(rig_bytes(NEW), rig_end(NEW), NEW, SIM_KEY + 1);
    rig_download(rig, NEW);
    rig_ask(rig, true);
    for (unsigned i = 0; i < 2; i++) {
        rig_boot(rig);
        rig_expect_running(rig, OLD);
    }
    rig_expect_trailer(rig, SECONDARY, TRAILER_UNSET, TRAILER_UNSET, TRAILER_UNSET);
}

static void a_candidate_with_a_bad_signature_is_refused(void **state)
{
    (void)state;
    rig_for_each(offer_bad_signature);
}

static void start_from_the_other_bank(struct rig *rig, unsigned turn)
{
    rig_make_pair(rig, turn);
    rig_download(rig, NEW);
    for (unsigned i = 0; i < 2; i++) {
        rig_boot(rig);
        rig_expect_running(rig, NEW);
    }
}

static void an_empty_bank_gives_way_to_the_other(void **state)
{
    (void)state;
    rig_for_each(start_from_the_other_bank);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_padded_image_from_a_programmer_boots_and_stays),
        cmocka_unit_test(a_trial_and_its_revert_survive_any_cut),
        cmocka_unit_test(a_permanent_upgrade_survives_any_cut),
        cmocka_unit_test(a_confirmed_image_stays),
        cmocka_unit_test(a_candidate_with_a_bad_signature_is_refused),
        cmocka_unit_test(an_empty_bank_gives_way_to_the_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
