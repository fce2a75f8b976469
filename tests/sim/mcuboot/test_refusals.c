/* Candidates that must not come in, and boards without an image: the rows of MCUboot's simulator
 * where the primary stays what it is (docs/formats.md 8.3). */
#include "tests/sim/mcuboot/rig.h"

#include <stdio.h>
#include <string.h>

#include "image/bytes.h"

static void set_up(struct rig *rig, unsigned turn)
{
    rig_make_pair(rig, turn);
    rig_flash(rig, PRIMARY, OLD);
}

static void expect_nothing_happened(struct rig *rig)
{
    rig_boot(rig);
    rig_expect_running(rig, OLD);
    rig_expect_trailer(rig, SECONDARY, TRAILER_UNSET, TRAILER_UNSET, TRAILER_UNSET);
    rig_boot(rig);
    rig_expect_running(rig, OLD);
    rig_check(rig, rig->logged == 0, "the flash is changed at each boot");
}

/* --- bad_secondary_slot ----------------------------------------------------------------------- */

static void offer_bad_signature(struct rig *rig, unsigned turn)
{
    set_up(rig, turn);
    rig_pad(rig, PRIMARY, PAD_MAGIC | PAD_IMAGE_OK);
    sim_image_make(rig_bytes(NEW), rig_end(NEW), NEW, SIM_KEY + 1);
    rig_download(rig, NEW);
    rig_ask(rig, true);
    expect_nothing_happened(rig);
    rig_expect_trailer(rig, PRIMARY, TRAILER_GOOD, TRAILER_SET, TRAILER_UNSET);
}

static void a_candidate_with_a_bad_signature_is_refused(void **state)
{
    (void)state;
    rig_for_each(offer_bad_signature);
}

/* --- secondary_trailer_leftover --------------------------------------------------------------- */

static void leave_a_request_without_image(struct rig *rig, unsigned turn)
{
    set_up(rig, turn);
    rig_pad(rig, SECONDARY, PAD_MAGIC | PAD_IMAGE_OK);
    expect_nothing_happened(rig);
    rig_expect_trailer(rig, PRIMARY, TRAILER_UNSET, TRAILER_UNSET, TRAILER_UNSET);
}

static void a_request_without_an_image_is_withdrawn(void **state)
{
    (void)state;
    rig_for_each(leave_a_request_without_image);
}

/* --- oversized_secondary_slot ----------------------------------------------------------------- */

static uint32_t up(uint32_t value, uint32_t unit)
{
    return (value + unit - 1) / unit * unit;
}

/* The sector of the primary in which the trailer starts; a common border of both slots ends it. */
static uint32_t trailer_room_in_first_sector(const struct rig *rig, uint32_t trailer)
{
    const struct flash_area *primary = &rig->area[0][PRIMARY];
    const struct flash_area *secondary = &rig->area[0][SECONDARY];
    const uint32_t start = primary->size - trailer;
    const struct flash_sector a = flash_sector_at(primary, start);
    const struct flash_sector b = flash_sector_at(secondary, start);
    const uint32_t end =
        a.offset + a.size > b.offset + b.size ? a.offset + a.size : b.offset + b.size;
    return end - start;
}

/* What MCUboot's validator allows (docs/formats.md 2.5, 2.6). */
static uint32_t limit_of_mcuboot(const struct rig *rig)
{
    const uint32_t w = rig->variant.write_size;
    const uint32_t info = 4u * rig->variant.max_align + up(16, rig->variant.max_align);
    const uint32_t a = rig->area[0][PRIMARY].size;
    const uint32_t b = rig->area[0][SECONDARY].size;
    const uint32_t s = rig_sector(rig);
    const uint32_t three = up(rig->layout->max_sectors * 3 * w + info, s);
    const uint32_t two = up(rig->layout->max_sectors * 2 * w + info + rig->variant.max_align, s);
    if (rig_is_mode("move"))
        return a - three - s < b - three ? a - three - s : b - three;
    if (rig_is_mode("offset"))
        return a - two < b - two - s ? a - two : b - two - s;
    if (rig_is_mode("overwrite"))
        return a - (info - rig->variant.max_align);
    const uint32_t trailer = rig->layout->max_sectors * 3 * w + info;
    const uint32_t room = trailer_room_in_first_sector(rig, trailer);
    const uint32_t in_scratch = 3 * w + info;
    return a - trailer - (in_scratch > room ? in_scratch - room : 0);
}

static void compare_limits(struct rig *rig, unsigned turn)
{
    (void)turn;
    const uint32_t limit = rig_limit(rig);
    snprintf(rig->note, sizeof rig->note, "Otter %u, MCUboot %u", limit, limit_of_mcuboot(rig));
    rig_check(rig, limit == limit_of_mcuboot(rig), "the largest image is another one");
}

static void the_largest_image_is_mcuboots(void **state)
{
    (void)state;
    rig_for_each(compare_limits);
}

static void offer_one_byte_too_much(struct rig *rig, unsigned turn)
{
    if (turn % 3 != 0 && !rig_is_full())
        return;
    const uint32_t limit = rig_limit(rig);
    rig_make(OLD, SIM_IMAGE_MIN);
    rig_flash(rig, PRIMARY, OLD);
    rig_make(NEW, limit + 1);
    rig_download(rig, NEW);
    if (trailer_request(&rig->area[0][SECONDARY], rig->variant.max_align, true) != OTTER_OK)
        return; /* the image reaches into the fields: the application is told at once */
    expect_nothing_happened(rig);
    rig_expect_trailer(rig, PRIMARY, TRAILER_UNSET, TRAILER_UNSET, TRAILER_UNSET);
}

static void a_candidate_one_byte_above_the_limit_is_refused(void **state)
{
    (void)state;
    rig_for_each(offer_one_byte_too_much);
}

static void bring_in_the_largest(struct rig *rig, unsigned turn)
{
    if (turn % 3 != 0 && !rig_is_full())
        return;
    rig_make(NEW, rig_limit(rig));
    rig_make(OLD, SIM_IMAGE_MIN);
    rig_make(NEXT, rig_end(NEW) - 1);
    rig_flash(rig, PRIMARY, OLD);
    rig_download(rig, NEW);
    rig_ask(rig, true);
    rig_boot(rig);
    rig_expect_permanent(rig);
    rig_expect_next_update(rig, NEW);
}

static void a_candidate_of_exactly_the_limit_comes_in(void **state)
{
    (void)state;
    rig_for_each(bring_in_the_largest);
}

/* --- bootstrap -------------------------------------------------------------------------------- */

static void start_from_the_secondary(struct rig *rig, unsigned turn)
{
    rig_make_pair(rig, turn);
    rig_download(rig, NEW);
    if (rig_is_mode("offset")) { /* there, the place of a backup */
        rig_wipe(rig);
        rig_flash(rig, SECONDARY, NEW);
    }
    rig_boot(rig);
    rig_expect_running(rig, NEW);
    if (rig_reverts())
        rig_expect_trailer(rig, PRIMARY, TRAILER_GOOD, TRAILER_SET, TRAILER_SET);
    rig_boot(rig);
    rig_expect_running(rig, NEW);
    rig_check(rig, rig->logged == 0, "the flash is changed at each boot");
}

static void an_empty_primary_is_filled_from_a_good_secondary(void **state)
{
    (void)state;
    rig_for_each(start_from_the_secondary);
}

/* As a request for a permanent swap, what a factory line may leave. */
static void start_from_a_request(struct rig *rig, unsigned turn)
{
    rig_make_pair(rig, turn);
    rig_download(rig, NEW);
    rig_ask(rig, turn % 2 == 0);
    rig_boot(rig);
    rig_expect_running(rig, NEW);
    rig_boot(rig);
    rig_expect_running(rig, NEW);
}

static void an_empty_primary_takes_what_was_asked_for_and_keeps_it(void **state)
{
    (void)state;
    rig_for_each(start_from_a_request);
}

/* --- oversized_bootstrap ---------------------------------------------------------------------- */

static void offer_too_much_to_an_empty_primary(struct rig *rig, unsigned turn)
{
    if (turn % 3 != 0 && !rig_is_full())
        return;
    const uint32_t limit = rig_limit(rig);
    rig_make(NEW, limit + 1);
    rig_flash(rig, SECONDARY, NEW);
    rig_try_boot(rig);
    rig_check(rig, rig->status != OTTER_OK, "an image was started");
    const int erased = flash_is_erased(&rig->area[0][PRIMARY], 0, rig->area[0][PRIMARY].size);
    rig_check(rig, erased == 1, "the primary was written");
}

static void an_empty_primary_is_not_filled_with_an_image_above_the_limit(void **state)
{
    (void)state;
    rig_for_each(offer_too_much_to_an_empty_primary);
}

/* --- downgrade_prevention --------------------------------------------------------------------- */

static void offer_an_older_version(struct rig *rig, unsigned turn)
{
    rig_make_pair(rig, turn);
    rig_make(OLDER, rig_end(NEW));
    rig->config.refuse_downgrade = true;
    rig_flash(rig, PRIMARY, OLD);
    rig_download(rig, OLDER);
    rig_ask(rig, turn % 2 == 0);
    expect_nothing_happened(rig);
    rig_download(rig, NEW);
    rig_ask(rig, true);
    rig_boot(rig);
    rig_expect_running(rig, NEW);
}

static void a_lower_version_is_refused_where_downgrades_are(void **state)
{
    (void)state;
    rig_for_each(offer_an_older_version);
}

/* --- hw_prot_missing_security_cnt, hw_prot_failed_security_cnt_check -------------------------- */

static void make_with_counter(enum version version, uint32_t counter)
{
    const struct sim_image_options options = {.counter = counter};
    sim_image_make_with(rig_bytes(version), rig_end(version), (uint8_t)version, SIM_KEY, &options);
}

static void offer_counter(struct rig *rig, uint32_t counter)
{
    if (counter != 0)
        make_with_counter(NEW, counter);
    else
        rig_make(NEW, rig_end(NEW));
    rig_download(rig, NEW);
    rig_ask(rig, true);
    rig_boot(rig);
}

static void try_counters(struct rig *rig, unsigned turn)
{
    rig_make_pair(rig, turn);
    rig->slots[0].security_counter = 30;
    make_with_counter(OLD, 30);
    rig_flash(rig, PRIMARY, OLD);
    offer_counter(rig, 0);
    rig_expect_running(rig, OLD);
    offer_counter(rig, 29);
    rig_expect_running(rig, OLD);
    rig_check(rig, rig->slots[0].security_counter == 30, "the stored counter changed");
    offer_counter(rig, 30);
    rig_expect_running(rig, NEW);
    rig_check(rig, rig->raised[0] == 0, "the counter was stored again");
}

static void an_image_without_counter_or_below_the_stored_one_is_refused(void **state)
{
    (void)state;
    rig_for_each(try_counters);
}

static void raise(struct rig *rig, unsigned turn)
{
    rig_make_pair(rig, turn);
    rig->slots[0].security_counter = 3;
    make_with_counter(OLD, 3);
    make_with_counter(NEW, 4);
    rig_flash(rig, PRIMARY, OLD);
    rig_download(rig, NEW);
    rig_ask(rig, false);
    rig_boot(rig);
    rig_expect_running(rig, NEW);
    rig_check(rig, rig->raised[0] == (rig_reverts() ? 0 : 4), "the counter went with the trial");
    rig_confirm(rig);
    rig_boot(rig);
    rig_check(rig, rig->slots[0].security_counter == 4, "the counter was not raised");
}

static void the_stored_counter_rises_when_no_revert_can_follow(void **state)
{
    (void)state;
    rig_for_each(raise);
}

/* --- logical_sectors_reject_incompatible_devices ---------------------------------------------- */

static void expect_refused_layout(const struct rig_layout *layout)
{
    static struct rig rig;
    static uint8_t before[0x80000];
    rig_create(&rig, layout, &rig_plain);
    rig_make(OLD, 2000);
    rig_make(NEW, 3000);
    rig_flash(&rig, PRIMARY, OLD);
    rig_download(&rig, NEW);
    rig_ask(&rig, true);
    memcpy(before, rig.device[0].data, rig.device[0].flash.size);
    rig_boot(&rig);
    rig_expect_running(&rig, OLD);
    rig_check(&rig, memcmp(before, rig.device[0].data, rig.device[0].flash.size) == 0,
              "the flash was changed");
    rig_destroy(&rig);
}

static const struct rig_layout too_many_pages = {
    .name = "SmallPages, 128 sectors allowed",
    .runs = {{{1024, 0x200}}},
    .place = {{{0x20000, 0x20000, 0}, {0x40000, 0x20000, 0}, {0x60000, 0x4000, 0}}},
    .max_sectors = 128};
static const struct rig_layout no_common_borders = {
    .name = "slots without common borders",
    .runs = {{{1, 0x3000}, {1, 0x5000}, {1, 0x5000}, {1, 0x3000}, {1, 0x6000}}},
    .place = {{{0, 0x8000, 0}, {0x8000, 0x8000, 0}, {0x10000, 0x6000, 0}}},
    .max_sectors = 8};
static const struct rig_layout slots_differ = {
    .name = "a secondary three sectors larger",
    .runs = {{{32, 0x1000}}},
    .place = {{{0, 0x8000, 0}, {0x8000, 0xb000, 0}, {0x18000, 0x2000, 0}}},
    .max_sectors = 16};

static void a_layout_that_does_not_fit_is_left_as_it_is_and_boots(void **state)
{
    (void)state;
    expect_refused_layout(&too_many_pages);
    expect_refused_layout(&no_common_borders);
    if (rig_is_mode("scratch"))
        expect_refused_layout(&slots_differ);
}

int main(void)
{
    const struct CMUnitTest always[] = {
        cmocka_unit_test(a_candidate_with_a_bad_signature_is_refused),
        cmocka_unit_test(a_request_without_an_image_is_withdrawn),
        cmocka_unit_test(the_largest_image_is_mcuboots),
        cmocka_unit_test(a_candidate_one_byte_above_the_limit_is_refused),
        cmocka_unit_test(a_candidate_of_exactly_the_limit_comes_in),
        cmocka_unit_test(an_empty_primary_is_filled_from_a_good_secondary),
        cmocka_unit_test(an_empty_primary_takes_what_was_asked_for_and_keeps_it),
        cmocka_unit_test(an_empty_primary_is_not_filled_with_an_image_above_the_limit),
        cmocka_unit_test(a_lower_version_is_refused_where_downgrades_are),
        cmocka_unit_test(an_image_without_counter_or_below_the_stored_one_is_refused),
        cmocka_unit_test(the_stored_counter_rises_when_no_revert_can_follow),
    };
    const struct CMUnitTest with_status[] = {
        cmocka_unit_test(a_layout_that_does_not_fit_is_left_as_it_is_and_boots),
    };
    const int failures = cmocka_run_group_tests(always, NULL, NULL);
    return rig_reverts() ? failures + cmocka_run_group_tests(with_status, NULL, NULL) : failures;
}
