/* What `otter inspect` says of the next boot, by update mode. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tool/next_boot.h"

#define UNSET TRAILER_UNSET
#define SET   TRAILER_SET

static const struct trailer none = {UNSET, UNSET, UNSET, SWAP_NONE, 0, 0};

/* A slot with version `version`, 0 for none, and this trailer. */
static struct slot_state slot(uint8_t version, enum trailer_mark magic, enum trailer_mark copy_done,
                              enum trailer_mark image_ok)
{
    return (struct slot_state){
        .trailer = {magic, copy_done, image_ok, magic == SET ? SWAP_TEST : SWAP_NONE, 0, 0},
        .has_image = version != 0,
        .version = {version, 0, 0, 0}};
}

static void expect(enum update_mode update, struct slot_state primary, struct slot_state secondary,
                   enum swap_type type, bool from_secondary)
{
    const struct next_boot next = next_boot_of(update, &primary, &secondary, &none);
    assert_int_equal(next.type, type);
    assert_int_equal(next.from_secondary, from_secondary);
    assert_false(next.goes_on);
}

static void a_request_starts_a_swap_a_copy_or_the_other_bank(void **state)
{
    (void)state;
    const struct slot_state old = slot(1, UNSET, UNSET, UNSET);
    const struct slot_state new = slot(2, SET, UNSET, UNSET);
    expect(UPDATE_SWAP_SCRATCH, old, new, SWAP_TEST, false);
    expect(UPDATE_SWAP_MOVE, old, new, SWAP_TEST, false);
    expect(UPDATE_OVERWRITE, old, new, SWAP_PERM, false);
    expect(UPDATE_BANK_SWAP, old, new, SWAP_TEST, false);
    expect(UPDATE_DIRECT_XIP, old, new, SWAP_TEST, true);
    for (int update = 0; update <= UPDATE_BANK_SWAP; update++)
        expect((enum update_mode)update, old, slot(0, UNSET, UNSET, UNSET), SWAP_NONE, false);
}

static void a_trial_that_was_not_confirmed_ends_where_there_is_a_way_back(void **state)
{
    (void)state;
    const struct slot_state failed = slot(2, SET, SET, UNSET);
    const struct slot_state old = slot(1, UNSET, UNSET, UNSET);
    expect(UPDATE_SWAP_OFFSET, failed, old, SWAP_REVERT, false);
    expect(UPDATE_BANK_SWAP, failed, old, SWAP_REVERT, false);
    expect(UPDATE_BANK_SWAP, failed, slot(1, SET, SET, UNSET), SWAP_NONE, false); /* both failed */
    expect(UPDATE_DIRECT_XIP, old, failed, SWAP_NONE, false);
    expect(UPDATE_DIRECT_XIP, failed, old, SWAP_NONE, true);
}

static void direct_xip_starts_the_better_image_and_of_equals_the_newer(void **state)
{
    (void)state;
    expect(UPDATE_DIRECT_XIP, slot(1, SET, SET, SET), slot(2, UNSET, UNSET, UNSET), SWAP_NONE,
           false);
    expect(UPDATE_DIRECT_XIP, slot(1, UNSET, UNSET, UNSET), slot(2, UNSET, UNSET, UNSET), SWAP_NONE,
           true);
    expect(UPDATE_DIRECT_XIP, slot(2, SET, SET, SET), slot(1, SET, SET, SET), SWAP_NONE, false);
    expect(UPDATE_DIRECT_XIP, slot(0, UNSET, UNSET, UNSET), slot(1, SET, SET, UNSET), SWAP_NONE,
           true);
}

static void an_interrupted_swap_goes_on(void **state)
{
    (void)state;
    const struct slot_state begun = slot(2, SET, UNSET, UNSET);
    const struct slot_state other = slot(1, UNSET, UNSET, UNSET);
    const struct trailer in_scratch = {SET, UNSET, UNSET, SWAP_TEST, 0, 4096};
    assert_true(next_boot_of(UPDATE_SWAP_MOVE, &begun, &other, &none).goes_on);
    assert_true(next_boot_of(UPDATE_SWAP_SCRATCH, &other, &other, &in_scratch).goes_on);
    assert_false(next_boot_of(UPDATE_BANK_SWAP, &begun, &other, &none).goes_on);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_starts_a_swap_a_copy_or_the_other_bank),
        cmocka_unit_test(a_trial_that_was_not_confirmed_ends_where_there_is_a_way_back),
        cmocka_unit_test(direct_xip_starts_the_better_image_and_of_equals_the_newer),
        cmocka_unit_test(an_interrupted_swap_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
