/* A bootloader whose keys are of Ed25519, and one that goes over from P-256 to it: real images of
 * imgtool on a small layout. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "boot/boot.h"
#include "tests/unit/image/support.h"

#define SLOT 0x3000u

static struct flash_area primary;
static struct flash_area secondary;
static struct flash_area scratch;
static struct boot_slots slots;
static struct boot_result result;

static int board_set_up(void **state)
{
    flash_set_up(state);
    primary = (struct flash_area){&flash_device.flash, 0x1000, SLOT};
    secondary = (struct flash_area){&flash_device.flash, 0x5000, SLOT};
    scratch = (struct flash_area){&flash_device.flash, 0x9000, 0x1000};
    slots = (struct boot_slots){.primary = &primary, .secondary = &secondary};
    return 0;
}

static otter_status boot(const struct image_key *keys, unsigned count)
{
    const struct boot_config config = {.images = &slots,
                                       .image_count = 1,
                                       .scratch = &scratch,
                                       .max_sectors = 8,
                                       .max_align = 8,
                                       .rescue = true,
                                       .policy = {keys, count, 0}};
    const otter_status status = boot_go(&config, &result);
    assert_int_equal(flash_device.rule_breaks, 0);
    return status;
}

static void load_p256(const struct flash_area *slot)
{
    nor_load(&flash_device, slot->offset, golden, GOLDEN_SIZE);
}

static void load_ed25519(const struct flash_area *slot)
{
    nor_load(&flash_device, slot->offset, golden_ed25519, GOLDEN_ED25519_SIZE);
}

/* Only the image signed with P-256 has protected TLVs. */
static bool runs_ed25519(void)
{
    return result.header.protected_size == 0;
}

static void an_image_signed_with_ed25519_boots(void **state)
{
    (void)state;
    load_ed25519(&primary);
    assert_int_equal(boot(&golden_key_ed25519, 1), OTTER_OK);
    assert_ptr_equal(result.slot, &primary);
    assert_true(runs_ed25519());
}

static void a_changed_signature_is_not_started(void **state)
{
    (void)state;
    uint8_t last = golden_ed25519[GOLDEN_ED25519_SIZE - 1] ^ 1;
    load_ed25519(&primary);
    nor_load(&flash_device, primary.offset + GOLDEN_ED25519_SIZE - 1, &last, 1);
    assert_int_equal(boot(&golden_key_ed25519, 1), OTTER_E_SIGNATURE);
}

static void an_update_from_p256_to_ed25519_is_tried_and_reverted(void **state)
{
    (void)state;
    const struct image_key keys[2] = {golden_key, golden_key_ed25519};
    load_p256(&primary);
    load_ed25519(&secondary);
    assert_int_equal(trailer_request(&secondary, 8, false), OTTER_OK);
    assert_int_equal(boot(keys, 2), OTTER_OK);
    assert_int_equal(result.swap_type, SWAP_TEST);
    assert_true(runs_ed25519());
    assert_int_equal(boot(keys, 2), OTTER_OK);
    assert_int_equal(result.swap_type, SWAP_REVERT);
    assert_false(runs_ed25519());
}

static void a_scheme_without_a_key_is_not_started(void **state)
{
    (void)state;
    load_p256(&primary);
    assert_int_equal(boot(&golden_key_ed25519, 1), OTTER_E_KEY);
    load_ed25519(&secondary); /* but one with a key, in the other slot, comes in */
    assert_int_equal(boot(&golden_key_ed25519, 1), OTTER_OK);
    assert_true(runs_ed25519());
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, board_set_up, flash_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_image_signed_with_ed25519_boots),
        TEST(a_changed_signature_is_not_started),
        TEST(an_update_from_p256_to_ed25519_is_tried_and_reverted),
        TEST(a_scheme_without_a_key_is_not_started),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
