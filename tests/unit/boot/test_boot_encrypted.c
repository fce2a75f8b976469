/* An encrypted image of imgtool, with real cryptography: it lies in clear in the primary slot, and
 * encrypted as it came in the secondary once it has been taken back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "boot/boot.h"
#include "image/encrypted.h"
#include "tests/unit/image/support.h"

#define SLOT   0x10000u
#define HEADER 0x200u

/* Private half of the vectors' encryption key, a test key. */
static const uint8_t secret[32] = {0x6c, 0x1a, 0xff, 0x47, 0x5c, 0x29, 0xee, 0xb5, 0x50, 0x94, 0x62,
                                   0xcd, 0x88, 0x1e, 0xce, 0x8f, 0x9a, 0xd7, 0x58, 0x21, 0xa4, 0x96,
                                   0x8a, 0x3e, 0xe0, 0xa0, 0x56, 0x09, 0x0e, 0xd3, 0x55, 0x30};

static const struct boot_encryption encryption = {secret, image_key_unwrap, image_payload_crypt};
static const struct image_policy policy = {image_keys, 1, 0};
static uint8_t candidate[SLOT];
static uint8_t payload[SLOT];

static struct boot_result result;

static otter_status boot(const struct boot_encryption *with)
{
    const struct flash_area primary = {&flash_device.flash, 0, SLOT};
    const struct flash_area secondary = {&flash_device.flash, SLOT, SLOT};
    const struct flash_area scratch = {&flash_device.flash, 2 * SLOT, 4096};
    const struct boot_slots slots = {.primary = &primary, .secondary = &secondary};
    const struct boot_config config = {.images = &slots,
                                       .image_count = 1,
                                       .scratch = &scratch,
                                       .max_sectors = 16,
                                       .max_align = 8,
                                       .encryption = with,
                                       .rescue = true,
                                       .policy = policy};
    return boot_go(&config, &result);
}

static void request(void)
{
    const struct flash_area secondary = {&flash_device.flash, SLOT, SLOT};
    assert_int_equal(trailer_request(&secondary, 8, false), OTTER_OK);
}

static void replace_candidate(const uint8_t *image, uint32_t length)
{
    const struct flash_area secondary = {&flash_device.flash, SLOT, SLOT};
    assert_int_equal(flash_erase(&secondary, 0, SLOT), OTTER_OK);
    nor_load(&flash_device, SLOT, image, length);
}

static void an_encrypted_image_is_decrypted_into_the_primary_and_back(void **state)
{
    (void)state;
    const uint32_t length = vector_load("encrypted-p256.signed.bin", candidate, SLOT);
    const uint32_t payload_size = vector_load("payload-a.bin", payload, SLOT);
    if (length == 0 || payload_size == 0)
        skip();
    nor_load(&flash_device, SLOT, candidate, length);
    request();
    assert_int_equal(boot(&encryption), OTTER_OK);
    assert_int_equal(result.swap_type, SWAP_TEST);
    assert_memory_equal(flash_device.data + HEADER, payload, payload_size);
    const uint32_t other = vector_load("protected-tlvs.signed.bin", payload, SLOT);
    replace_candidate(payload, other);
    request();
    assert_int_equal(boot(&encryption), OTTER_OK);
    assert_memory_equal(flash_device.data, payload, other);
    assert_memory_equal(flash_device.data + SLOT, candidate, length);
    assert_int_equal(flash_device.rule_breaks, 0);
}

static void an_encrypted_image_is_refused_without_the_right_key(void **state)
{
    (void)state;
    const uint8_t wrong_secret[32] = {1};
    const struct boot_encryption wrong = {wrong_secret, image_key_unwrap, image_payload_crypt};
    const struct boot_encryption *const cases[] = {&wrong, NULL};
    const uint32_t length = vector_load("encrypted-p256.signed.bin", candidate, SLOT);
    if (length == 0)
        skip();
    for (unsigned i = 0; i < 2; i++) {
        nor_wipe(&flash_device);
        nor_load(&flash_device, SLOT, candidate, length);
        request();
        assert_int_not_equal(boot(cases[i]), OTTER_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_encrypted_image_is_decrypted_into_the_primary_and_back,
                                        flash_set_up, flash_tear_down),
        cmocka_unit_test_setup_teardown(an_encrypted_image_is_refused_without_the_right_key,
                                        flash_set_up, flash_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
