/* What the application writes, and power cuts in that: requests and confirmations, torn, stale or
 * of another build. MCUboot's simulator interrupts neither (docs/formats.md 8.1, 3.3). */
#include "tests/sim/mcuboot/rig.h"

#include <stdio.h>
#include <string.h>

static void set_up(struct rig *rig, unsigned turn)
{
    rig_make_pair(rig, turn);
    rig_flash(rig, PRIMARY, OLD);
    rig_download(rig, NEW);
}

static struct trailer trailer_of(const struct rig *rig, enum rig_area area)
{
    struct trailer trailer;
    trailer_read(&rig->area[0][area], rig->variant.max_align, &trailer);
    return trailer;
}

/* --- requests --------------------------------------------------------------------------------- */

static bool wish_is_permanent;

static void request_body(void *context)
{
    struct rig *rig = context;
    rig->status =
        trailer_request(&rig->area[0][SECONDARY], rig->variant.max_align, wish_is_permanent);
}

static void confirm_body(void *context)
{
    struct rig *rig = context;
    rig->status = trailer_confirm(&rig->area[0][PRIMARY], rig->variant.max_align);
}

static bool write_cut(struct rig *rig, void (*body)(void *context), uint32_t at, enum nor_cut cut)
{
    rig->power.seed = at * 31u + rig->variant.write_size;
    snprintf(rig->note, sizeof rig->note, "the application's write %u cut (%s)", at,
             nor_cut_name(cut));
    nor_power_plan(&rig->power, at, cut);
    return nor_power_run(&rig->power, body, rig) == NOR_RUN_CUT;
}

/* As the update agent does it: where a request cannot be made, the download starts again. */
static void ask_again(struct rig *rig)
{
    request_body(rig);
    if (rig->status == OTTER_E_STATE) {
        rig_download(rig, NEW);
        request_body(rig);
    }
    rig_check(rig, rig->status == OTTER_OK, "the request cannot be made again");
    rig_boot(rig);
    if (wish_is_permanent)
        rig_expect_permanent(rig);
    else
        rig_expect_running(rig, NEW);
}

/* The request was cut: there is none, or the very one that was asked for. */
static void check_request(struct rig *rig, const struct rig_snapshot *after_cut)
{
    rig_boot(rig);
    if (rig_holds(rig, PRIMARY, 0, NEW)) {
        rig_expect_running(rig, NEW);
        const struct trailer primary = trailer_of(rig, PRIMARY);
        rig_check(rig, !rig_reverts() || trailer_on_trial(&primary) != wish_is_permanent,
                  "what was asked for is not what was done");
    } else {
        rig_expect_running(rig, OLD);
    }
    rig_restore(rig, after_cut);
    ask_again(rig);
}

static void cut_requests(struct rig *rig, unsigned turn)
{
    struct rig_snapshot start = {0};
    struct rig_snapshot after_cut = {0};
    if (turn % 3 != 0 && !rig_is_full())
        return;
    set_up(rig, turn);
    rig_save(rig, &start);
    for (unsigned wish = 0; wish < 2; wish++) {
        wish_is_permanent = wish == 1;
        for (uint32_t at = 1; at <= (wish_is_permanent ? 3u : 2u); at++) {
            for (enum nor_cut cut = NOR_CUT_BEFORE; cut < NOR_CUT_KINDS; cut++) {
                rig_restore(rig, &start);
                rig_check(rig, write_cut(rig, request_body, at, cut), "a request has fewer writes");
                rig_save(rig, &after_cut);
                check_request(rig, &after_cut);
            }
        }
    }
    rig_snapshot_free(&start);
    rig_snapshot_free(&after_cut);
}

static void a_torn_request_is_none_or_the_one_that_was_made(void **state)
{
    (void)state;
    rig_for_each(cut_requests);
}

/* The remains of a torn permanent request do not make the next test request permanent. */
static void ask_for_a_test_on_remains(struct rig *rig, unsigned turn)
{
    set_up(rig, turn);
    wish_is_permanent = true;
    write_cut(rig, request_body, 2, NOR_CUT_BEFORE); /* image_ok is written, no more */
    wish_is_permanent = false;
    request_body(rig);
    rig_check(rig, rig->status == OTTER_E_STATE, "a request was made on top of another's remains");
    ask_again(rig);
    if (rig_reverts())
        rig_expect_trial(rig);
}

static void a_stale_image_ok_does_not_turn_a_test_into_a_permanent_update(void **state)
{
    (void)state;
    rig_for_each(ask_for_a_test_on_remains);
}

/* --- confirmations ---------------------------------------------------------------------------- */

/* Torn, the flag counts or does not, but the same way from then on. */
static void check_confirmation(struct rig *rig)
{
    rig_boot(rig);
    const enum version runs = rig_holds(rig, PRIMARY, 0, NEW) ? NEW : OLD;
    rig_expect_running(rig, runs);
    for (unsigned i = 0; i < 2; i++) {
        rig_boot(rig);
        rig_expect_running(rig, runs);
    }
    rig_expect_next_update(rig, runs);
}

static void cut_confirmation(struct rig *rig, unsigned turn)
{
    struct rig_snapshot start = {0};
    if (turn % 3 != 1 && !rig_is_full())
        return;
    set_up(rig, turn);
    rig_ask(rig, false);
    rig_boot(rig);
    rig_save(rig, &start);
    for (enum nor_cut cut = NOR_CUT_BEFORE; cut < NOR_CUT_KINDS; cut++) {
        rig_restore(rig, &start);
        rig_check(rig, write_cut(rig, confirm_body, 1, cut), "nothing was written to confirm");
        check_confirmation(rig);
    }
    rig_snapshot_free(&start);
}

static void a_torn_confirmation_counts_or_not_but_nothing_breaks(void **state)
{
    (void)state;
    rig_for_each(cut_confirmation);
}

/* --- requests written by MCUboot's library, magic first --------------------------------------- */

static void write_like_mcuboot(struct rig *rig, bool permanent, unsigned writes)
{
    const struct flash_area *slot = &rig->area[0][SECONDARY];
    const uint32_t align = rig->variant.max_align;
    otter_status status = OTTER_OK;
    if (writes > 0)
        status = trailer_write_magic(slot, align);
    if (writes > 1 && permanent)
        status = trailer_write_flag(slot, align, TRAILER_IMAGE_OK, 1);
    if (writes > (permanent ? 2u : 1u))
        status =
            trailer_write_flag(slot, align, TRAILER_SWAP_INFO, permanent ? SWAP_PERM : SWAP_TEST);
    rig_check(rig, status == OTTER_OK, "the request could not be written");
}

static void take_mcuboots_request(struct rig *rig, bool permanent, unsigned writes)
{
    rig_wipe(rig);
    rig_flash(rig, PRIMARY, OLD);
    rig_download(rig, NEW);
    write_like_mcuboot(rig, permanent, writes);
    rig_boot(rig);
    if (writes == 0)
        rig_expect_running(rig, OLD);
    else if (permanent && writes > 1)
        rig_expect_permanent(rig);
    else if (rig_reverts())
        rig_expect_trial(rig);
}

static void take_mcuboots_requests(struct rig *rig, unsigned turn)
{
    if (turn % 2 != 0 && !rig_is_full())
        return;
    rig_make_pair(rig, turn);
    for (unsigned writes = 0; writes <= 3; writes++) {
        take_mcuboots_request(rig, true, writes);
        take_mcuboots_request(rig, false, writes < 2 ? writes : 2);
    }
}

static void a_request_of_mcuboots_library_is_understood_at_each_of_its_writes(void **state)
{
    (void)state;
    rig_for_each(take_mcuboots_requests);
}

/* --- trailers of another build, and worse ----------------------------------------------------- */

static uint32_t other_align(const struct rig *rig)
{
    return rig->variant.max_align == 16 ? 32 : 16;
}

/* As `imgtool --align` of another product leaves it. */
static void write_foreign(struct rig *rig, enum rig_area area)
{
    uint8_t end[128];
    const struct flash_area *slot = &rig->area[0][area];
    memset(end, rig->variant.erased_value, sizeof end);
    trailer_magic_bytes(other_align(rig), end + sizeof end - TRAILER_MAGIC_SIZE);
    end[trailer_field_offset(sizeof end, other_align(rig), TRAILER_IMAGE_OK)] = 1;
    rig_check(rig, flash_program(slot, slot->size - sizeof end, end, sizeof end) == OTTER_OK,
              "the foreign trailer could not be written");
}

static void meet_foreign_request(struct rig *rig, unsigned turn)
{
    set_up(rig, turn);
    if (rig_end(NEW) + rig_candidate_offset(rig) > rig->area[0][SECONDARY].size - 128)
        return; /* no room to write it beside the largest image */
    write_foreign(rig, SECONDARY);
    rig_boot(rig);
    rig_expect_running(rig, OLD);
    rig_check(rig, rig->logged == 0, "the flash was changed");
    wish_is_permanent = true;
    request_body(rig);
    rig_check(rig, rig->status == OTTER_E_STATE, "a request was made on a foreign trailer");
    ask_again(rig);
}

static void a_request_in_another_max_align_is_no_request_and_can_be_replaced(void **state)
{
    (void)state;
    rig_for_each(meet_foreign_request);
}

static void meet_foreign_primary(struct rig *rig, unsigned turn)
{
    set_up(rig, turn);
    if (rig_end(OLD) > rig->area[0][PRIMARY].size - 128)
        return;
    write_foreign(rig, PRIMARY);
    rig_boot(rig);
    rig_expect_running(rig, OLD);
    confirm_body(rig);
    rig_check(rig, rig->status == OTTER_E_STATE, "a foreign trailer was confirmed");
    rig_ask(rig, false);
    rig_boot(rig);
    if (rig_reverts())
        rig_expect_trial(rig);
    else
        rig_expect_running(rig, NEW);
}

static void a_primary_trailer_in_another_max_align_does_not_stop_boots_or_updates(void **state)
{
    (void)state;
    rig_for_each(meet_foreign_primary);
}

/* A secondary whose image_ok is neither erased nor set asks for nothing. */
static void meet_bad_image_ok(struct rig *rig, unsigned turn)
{
    set_up(rig, turn);
    const struct flash_area *slot = &rig->area[0][SECONDARY];
    const uint32_t align = rig->variant.max_align;
    trailer_write_flag(slot, align, TRAILER_IMAGE_OK, 0x54);
    trailer_write_magic(slot, align);
    rig_boot(rig);
    rig_expect_running(rig, rig_reverts() ? OLD : NEW); /* overwriting has one kind of request */
    wish_is_permanent = true;
    if (rig_reverts())
        ask_again(rig);
}

static void a_request_with_a_bad_flag_asks_for_nothing_and_can_be_replaced(void **state)
{
    (void)state;
    rig_for_each(meet_bad_image_ok);
}

int main(void)
{
    const struct CMUnitTest always[] = {
        cmocka_unit_test(a_torn_request_is_none_or_the_one_that_was_made),
        cmocka_unit_test(a_stale_image_ok_does_not_turn_a_test_into_a_permanent_update),
        cmocka_unit_test(a_request_of_mcuboots_library_is_understood_at_each_of_its_writes),
        cmocka_unit_test(a_request_in_another_max_align_is_no_request_and_can_be_replaced),
        cmocka_unit_test(a_primary_trailer_in_another_max_align_does_not_stop_boots_or_updates),
        cmocka_unit_test(a_request_with_a_bad_flag_asks_for_nothing_and_can_be_replaced),
    };
    const struct CMUnitTest with_revert[] = {
        cmocka_unit_test(a_torn_confirmation_counts_or_not_but_nothing_breaks),
    };
    const int failures = cmocka_run_group_tests(always, NULL, NULL);
    return rig_reverts() ? failures + cmocka_run_group_tests(with_revert, NULL, NULL) : failures;
}
