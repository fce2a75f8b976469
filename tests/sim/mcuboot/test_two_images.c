/* Two images that need each other, on MCUboot's K64fMulti: its dependency combinations, and
 * upgrades of both with power cuts (docs/formats.md 4.8, 5.3, 8.3). */
#include "tests/sim/mcuboot/rig.h"

#include <stdio.h>
#include <string.h>

#define END 6000u

/* What a new image asks of the other one. */
enum need { NOTHING, THE_NEW, THE_OLD, TOO_NEW, NO_UPGRADE };
enum outcome { UPGRADED, HELD };

struct combination {
    enum need need[RIG_IMAGES];
    enum outcome outcome[RIG_IMAGES];
};

static const struct combination combinations[] = {
    {{NOTHING, NOTHING}, {UPGRADED, UPGRADED}}, {{NOTHING, THE_NEW}, {UPGRADED, UPGRADED}},
    {{THE_NEW, THE_NEW}, {UPGRADED, UPGRADED}}, {{THE_OLD, THE_NEW}, {UPGRADED, UPGRADED}},
    {{THE_OLD, NO_UPGRADE}, {UPGRADED, HELD}},  {{NO_UPGRADE, THE_OLD}, {HELD, UPGRADED}},
    {{THE_NEW, NO_UPGRADE}, {HELD, HELD}},      {{NO_UPGRADE, THE_NEW}, {HELD, HELD}},
    {{TOO_NEW, NOTHING}, {HELD, HELD}},         {{NOTHING, TOO_NEW}, {HELD, HELD}},
    {{TOO_NEW, TOO_NEW}, {HELD, HELD}},
};
#define COMBINATIONS (sizeof combinations / sizeof combinations[0])

static const struct rig_layout *k64f_multi(void)
{
    const struct rig_layout *layout = rig_layouts;
    while (strcmp(layout->name, "K64fMulti") != 0)
        layout++;
    return layout;
}

static uint8_t version_needed(enum need need)
{
    static const uint8_t versions[] = {
        [NOTHING] = 0, [THE_NEW] = NEW, [THE_OLD] = OLD, [TOO_NEW] = NEXT, [NO_UPGRADE] = 0};
    return versions[need];
}

static void install(struct rig *rig, uint8_t image, enum need need, bool permanent)
{
    rig->image = image;
    rig_make(OLD, END);
    rig_flash(rig, PRIMARY, OLD);
    if (need == NO_UPGRADE)
        return;
    const struct sim_image_options options = {.needs_image = (uint8_t)(1 - image),
                                              .needs_version = version_needed(need)};
    rig_make(NEW, END);
    sim_image_make_with(rig_bytes(NEW), END, NEW, SIM_KEY, &options);
    rig_download(rig, NEW);
    rig_ask(rig, permanent);
}

static unsigned version_in_primary(const struct rig *rig, unsigned image)
{
    struct image_header header;
    const otter_status status = image_header_read(&rig->area[image][PRIMARY], &header);
    return status == OTTER_OK ? header.version.major : 0;
}

static void expect_versions(const struct rig *rig, unsigned first, unsigned second)
{
    rig_check(rig, version_in_primary(rig, 0) == first, "image 0 is of the wrong version");
    rig_check(rig, version_in_primary(rig, 1) == second, "image 1 is of the wrong version");
}

static unsigned expected(enum outcome outcome)
{
    return outcome == UPGRADED ? NEW : OLD;
}

static bool asks(const struct rig *rig, unsigned image)
{
    struct trailer trailer;
    trailer_read(&rig->area[image][SECONDARY], rig->variant.max_align, &trailer);
    return trailer.magic == TRAILER_GOOD;
}

static void try_combination(struct rig *rig, const struct combination *combination)
{
    rig_wipe(rig);
    for (uint8_t i = 0; i < RIG_IMAGES; i++)
        install(rig, i, combination->need[i], true);
    snprintf(rig->note, sizeof rig->note, "combination %u",
             (unsigned)(combination - combinations) + 1);
    rig_boot(rig);
    expect_versions(rig, expected(combination->outcome[0]), expected(combination->outcome[1]));
    for (unsigned i = 0; i < RIG_IMAGES; i++) {
        const bool held = combination->need[i] != NO_UPGRADE && combination->outcome[i] == HELD;
        rig_check(rig, asks(rig, i) == held, "a held request must stay, a met one go");
    }
    rig_boot(rig);
    expect_versions(rig, expected(combination->outcome[0]), expected(combination->outcome[1]));
    rig->note[0] = '\0';
}

static void each_combination_of_dependencies_upgrades_or_holds_as_listed(void **state)
{
    static const struct rig_variant variants[] = {{4, 8, 0xff}, {1, 8, 0x00},   {8, 8, 0xff},
                                                  {2, 8, 0x00}, {16, 16, 0xff}, {32, 32, 0x00}};
    static struct rig rig;
    (void)state;
    for (unsigned v = 0; v < sizeof variants / sizeof variants[0]; v++) {
        rig_create(&rig, k64f_multi(), &variants[v]);
        for (unsigned i = 0; i < COMBINATIONS; i++)
            try_combination(&rig, &combinations[i]);
        rig_destroy(&rig);
    }
}

/* --- both upgraded, with cuts ----------------------------------------------------------------- */

static void check_both_new(struct rig *rig, bool ends)
{
    const bool back = ends && version_in_primary(rig, 0) == OLD;
    expect_versions(rig, back ? OLD : NEW, back ? OLD : NEW);
}

static void check_both_old(struct rig *rig, bool ends)
{
    (void)ends;
    expect_versions(rig, OLD, OLD);
}

static void upgrade_both(bool permanent, uint32_t first)
{
    static struct rig rig;
    const uint32_t stride = rig_is_full() ? 1 : 5;
    const struct rig_cuts cuts = {first, stride, CUT_ALL_KINDS, !rig_is_full()};
    rig_create(&rig, k64f_multi(), &rig_plain);
    install(&rig, 0, THE_NEW, permanent);
    install(&rig, 1, THE_NEW, permanent);
    rig_cut_each(&rig, &cuts, check_both_new);
    expect_versions(&rig, NEW, NEW);
    if (!permanent) {
        rig_cut_each(&rig, &cuts, check_both_old);
        expect_versions(&rig, OLD, OLD);
    }
    rig_destroy(&rig);
}

static void images_that_need_each_other_come_in_together_through_any_cut(void **state)
{
    (void)state;
    for (uint32_t first = 1; first <= 5; first++)
        upgrade_both(true, first);
}

static void images_that_need_each_other_go_back_together_through_any_cut(void **state)
{
    (void)state;
    if (!rig_reverts())
        skip();
    for (uint32_t first = 1; first <= 5; first++)
        upgrade_both(false, first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_combination_of_dependencies_upgrades_or_holds_as_listed),
        cmocka_unit_test(images_that_need_each_other_come_in_together_through_any_cut),
        cmocka_unit_test(images_that_need_each_other_go_back_together_through_any_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
