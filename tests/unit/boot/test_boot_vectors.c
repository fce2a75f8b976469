/* The bootloader with real cryptography takes images of imgtool through an update, also when power
 * fails, and refuses those it must. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "boot/boot.h"
#include "tests/unit/image/support.h"

#define SLOT    0x73000u
#define SCRATCH 0x2000u

static struct flash_sector sectors[256];
static struct nor_power power;
static struct nor_device device;
static struct flash_area primary;
static struct flash_area secondary;
static struct flash_area scratch;
static struct boot_slots slots;
static struct boot_result result;
static otter_status status;
static uint8_t file[SLOT];
static const struct image_policy policy = {image_keys, 1, 0};

static int board_set_up(void **state)
{
    (void)state;
    nor_uniform_sectors(sectors, 256, 4096);
    nor_power_init(&power, 1);
    nor_create(&device, &power, sectors, 256, 4, 0xff);
    primary = (struct flash_area){&device.flash, 0x10000, SLOT};
    secondary = (struct flash_area){&device.flash, 0x83000, SLOT};
    scratch = (struct flash_area){&device.flash, 0xfd000, SCRATCH};
    slots = (struct boot_slots){.primary = &primary, .secondary = &secondary};
    return 0;
}

static int board_tear_down(void **state)
{
    (void)state;
    nor_destroy(&device);
    return 0;
}

static void boot_body(void *context)
{
    (void)context;
    const struct boot_config config = {.images = &slots,
                                       .image_count = 1,
                                       .scratch = &scratch,
                                       .max_sectors = 115,
                                       .max_align = 8,
                                       .rescue = true,
                                       .policy = policy};
    status = boot_go(&config, &result);
}

static enum nor_run boot_with_cut(uint32_t cut_at, enum nor_cut cut)
{
    nor_power_plan(&power, cut_at, cut);
    return nor_power_run(&power, boot_body, NULL);
}

static uint32_t boot_revision(void)
{
    boot_with_cut(0, NOR_CUT_BEFORE);
    assert_int_equal(status, OTTER_OK);
    assert_int_equal(device.rule_breaks, 0);
    return result.header.version.revision;
}

/* Puts a file of the vectors into a slot, or ends the test where they are absent. */
static void load(const struct flash_area *slot, const char *name)
{
    const uint32_t length = vector_load(name, file, sizeof file);
    if (length == 0)
        skip();
    assert_int_equal(flash_erase(slot, 0, slot->size), OTTER_OK);
    nor_load(&device, slot->offset, file, length);
}

static void an_image_of_imgtool_boots(void **state)
{
    (void)state;
    load(&primary, "m467-1.0.0.signed.bin");
    assert_int_equal(boot_revision(), 0);
    assert_ptr_equal(result.slot, &primary);
    assert_int_equal(result.header.header_size, 4096);
    assert_int_equal(result.swap_type, SWAP_NONE);
}

static void an_update_reverts_unless_confirmed(void **state)
{
    (void)state;
    load(&primary, "m467-1.0.0.signed.bin");
    load(&secondary, "m467-1.0.1.signed.bin");
    assert_int_equal(trailer_request(&secondary, 8, false), OTTER_OK);
    assert_int_equal(boot_revision(), 1);
    assert_int_equal(result.swap_type, SWAP_TEST);
    assert_int_equal(boot_revision(), 0);
    assert_int_equal(result.swap_type, SWAP_REVERT);
    assert_int_equal(boot_revision(), 0);
    assert_int_equal(result.swap_type, SWAP_NONE);
}

static void a_confirmed_update_stays(void **state)
{
    (void)state;
    load(&primary, "m467-1.0.0.signed.bin");
    load(&secondary, "m467-1.0.1.signed.bin");
    trailer_request(&secondary, 8, false);
    assert_int_equal(boot_revision(), 1);
    assert_int_equal(trailer_confirm(&primary, 8), OTTER_OK);
    assert_int_equal(boot_revision(), 1);
    assert_int_equal(boot_revision(), 1);
}

static void an_update_survives_power_cuts(void **state)
{
    (void)state;
    uint32_t cut_at = 3;
    load(&primary, "m467-1.0.0.signed.bin");
    load(&secondary, "m467-1.0.1.signed.bin");
    trailer_request(&secondary, 8, false);
    for (unsigned i = 0; boot_with_cut(cut_at, (enum nor_cut)(i % NOR_CUT_KINDS)) == NOR_RUN_CUT;
         i++)
        cut_at = 3 + (cut_at * 7 + i) % 23;
    assert_int_equal(status, OTTER_OK);
    assert_int_equal(result.header.version.revision, 1);
    assert_int_equal(device.rule_breaks, 0);
}

static void an_image_of_another_key_is_refused_and_erased(void **state)
{
    (void)state;
    load(&primary, "m467-1.0.0.signed.bin");
    load(&secondary, "wrong-key.signed.bin");
    trailer_request(&secondary, 8, false);
    assert_int_equal(boot_revision(), 0);
    assert_int_equal(result.swap_type, SWAP_FAIL);
    assert_int_equal(flash_is_erased(&secondary, 0, SLOT), 1);
    assert_int_equal(boot_revision(), 0);
    assert_int_equal(result.swap_type, SWAP_NONE);
}

static void a_primary_of_another_key_is_never_started(void **state)
{
    (void)state;
    load(&primary, "wrong-key.signed.bin");
    boot_with_cut(0, NOR_CUT_BEFORE);
    assert_int_equal(status, OTTER_E_KEY);
    load(&secondary, "m467-1.0.1.signed.bin"); /* but a good one in the other slot comes in */
    assert_int_equal(boot_revision(), 1);
    assert_int_equal(boot_revision(), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, board_set_up, board_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_image_of_imgtool_boots),
        TEST(an_update_reverts_unless_confirmed),
        TEST(a_confirmed_update_stays),
        TEST(an_update_survives_power_cuts),
        TEST(an_image_of_another_key_is_refused_and_erased),
        TEST(a_primary_of_another_key_is_never_started),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
