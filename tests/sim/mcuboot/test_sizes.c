/* Image sizes that MCUboot's simulator never tries: tiny, of one sector, at a sector's border, one
 * byte below and exactly at the limit; old and new in all pairs, with all kinds of cuts. */
#include "tests/sim/mcuboot/rig.h"

#define SIZES 8u

static struct rig rig;
static uint32_t sizes[SIZES];
static unsigned pairs;

static void find_sizes(void)
{
    const uint32_t limit = rig_limit(&rig);
    const uint32_t sector = rig_sector(&rig);
    const uint32_t wanted[SIZES] = {SIM_IMAGE_MIN,  sector - 1,     sector,    sector + 1,
                                    2 * sector - 1, 3 * sector + 7, limit - 1, limit};
    for (unsigned i = 0; i < SIZES; i++)
        sizes[i] = wanted[i];
}

static void set_up(uint32_t old, uint32_t new, bool permanent)
{
    rig_wipe(&rig);
    rig_make(OLD, old);
    rig_make(NEW, new);
    rig_make(NEXT, old);
    rig_flash(&rig, PRIMARY, OLD);
    rig_download(&rig, NEW);
    rig_ask(&rig, permanent);
}

static void try_pair(uint32_t old, uint32_t new)
{
    const uint32_t stride = rig_is_full() ? 1 : 7;
    const struct rig_cuts cuts = {1 + pairs++ % stride, stride, CUT_ALL_KINDS, !rig_is_full()};
    set_up(old, new, true);
    rig_cut_each(&rig, &cuts, rig_check_permanent);
    rig_expect_next_update(&rig, NEW);
    if (!rig_reverts())
        return;
    set_up(old, new, false);
    rig_cut_each(&rig, &cuts, rig_check_trial);
    rig_cut_each(&rig, &cuts, rig_check_revert);
    rig_expect_next_update(&rig, OLD);
}

static void try_all_pairs(const struct rig_layout *layout, const struct rig_variant *variant)
{
    rig_create(&rig, layout, variant);
    find_sizes();
    for (unsigned old = 0; old < SIZES; old++) {
        for (unsigned new = 0; new < SIZES; new ++)
            try_pair(sizes[old], sizes[new]);
    }
    rig_destroy(&rig);
}

static void all_pairs_of_sizes_survive_cuts(void **state)
{
    (void)state;
    try_all_pairs(rig_traced_layout(1), &rig_plain);
}

static void all_pairs_of_sizes_survive_cuts_on_flash_that_erases_to_zero(void **state)
{
    static const struct rig_variant zero = {8, 8, 0x00};
    (void)state;
    try_all_pairs(rig_traced_layout(2), &zero);
}

static void all_pairs_of_sizes_survive_cuts_with_write_units_of_32(void **state)
{
    static const struct rig_variant wide = {32, 32, 0xff};
    (void)state;
    try_all_pairs(rig_traced_layout(3), &wide);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_pairs_of_sizes_survive_cuts),
        cmocka_unit_test(all_pairs_of_sizes_survive_cuts_on_flash_that_erases_to_zero),
        cmocka_unit_test(all_pairs_of_sizes_survive_cuts_with_write_units_of_32),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
