/* What a bootloader lends its secure program: the table's form, which is for good, and that the
 * borrower's functions are those of the bootloader. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <mbedtls/sha256.h>

#include "image/lent.h"
#include "image/sha256_class.h"
#include "image/sha256_small.h"
#include "tests/unit/image/support.h"

const struct image_lent *const image_lent_vector = &image_lent;

/* The bootloader's. */
const struct image_key image_keys[] = {{golden_spki, GOLDEN_SPKI_SIZE, 0, &image_ecdsa_p256}};
const unsigned image_key_count = 1;

/* As bootloaders in the field have it. */
static void the_table_stays_as_it_is(void **state)
{
    const size_t word = sizeof(void *);
    (void)state;
    assert_int_equal(offsetof(struct image_lent, magic), 0);
    assert_int_equal(offsetof(struct image_lent, count), 4);
    assert_int_equal(offsetof(struct image_lent, sha256_init), 8);
    assert_int_equal(offsetof(struct image_lent, sha256_update), 8 + word);
    assert_int_equal(offsetof(struct image_lent, sha256_finish), 8 + 2 * word);
    assert_int_equal(offsetof(struct image_lent, p256_verify), 8 + 3 * word);
    assert_int_equal(offsetof(struct image_lent, check), 8 + 4 * word);
    assert_int_equal(sizeof(struct image_sha256), 120);
    assert_int_equal(offsetof(struct image_sha256_small, hash), 0);
    assert_int_equal(offsetof(struct image_sha256_small, block), 32);
    assert_int_equal(offsetof(struct image_sha256_small, length), 96);
}

static void an_older_bootloader_lends_nothing(void **state)
{
    struct image_lent lent = image_lent;
    (void)state;
    assert_true(image_lends(&lent));
    assert_false(image_lends(NULL));
    lent.count = IMAGE_LENT_COUNT - 1;
    assert_false(image_lends(&lent));
    lent.count = IMAGE_LENT_COUNT + 1; /* a newer one */
    assert_true(image_lends(&lent));
    lent.magic ^= 1;
    assert_false(image_lends(&lent));
}

static void the_borrowed_hash_is_sha_256(void **state)
{
    uint8_t text[150], expected[32], hash[32];
    struct image_sha256 running;
    br_hash_compat_context context;
    (void)state;
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (uint8_t)(i * 7);
    mbedtls_sha256_ret(text, sizeof text, expected, 0);
    image_sha256_init(&running);
    image_sha256_update(&running, text, 70);
    image_sha256_update(&running, text + 70, sizeof text - 70);
    image_sha256_finish(&running, hash);
    assert_memory_equal(hash, expected, sizeof hash);
    image_sha256_class.init(&context.vtable); /* what signs has it, too */
    image_sha256_class.update(&context.vtable, text, sizeof text);
    image_sha256_class.out(&context.vtable, hash);
    assert_memory_equal(hash, expected, sizeof hash);
}

/* A signature of the private number 1 with the nonce 1: the public half is the generator, r its x,
 * and s is (hash + r) mod the order. */
static void the_borrowed_verification_tells_right_from_wrong(void **state)
{
    static const uint8_t generator[65] = {
        0x04, 0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5,
        0x63, 0xa4, 0x40, 0xf2, 0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4,
        0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96, 0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a,
        0x7f, 0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16, 0x2b, 0xce, 0x33,
        0x57, 0x6b, 0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5};
    uint8_t hash[32] = {0}, signature[64];
    (void)state;
    hash[31] = 1;
    memcpy(signature, generator + 1, 32);
    memcpy(signature + 32, generator + 1, 32);
    signature[63]++;
    assert_true(image_p256_verify(generator, hash, signature));
    hash[31] = 2;
    assert_false(image_p256_verify(generator, hash, signature));
}

static unsigned turns;

static void turn(void)
{
    turns++;
}

/* By the bootloader's keys and no others. */
static void the_borrowed_check_takes_what_the_bootloader_would_start(void **state)
{
    static const struct image_policy nobody = {NULL, 0, 0};
    uint8_t copy[GOLDEN_SIZE];
    (void)state;
    flash_put(golden, GOLDEN_SIZE);
    turns = 0;
    assert_int_equal(image_check_whole(&flash_slot, FLASH_BYTES, &nobody, turn), OTTER_OK);
    assert_true(turns > 0);
    assert_int_not_equal(image_check_whole(&flash_slot, GOLDEN_SIZE - 1, NULL, turn), OTTER_OK);
    for (uint32_t i = 0; i < GOLDEN_SIZE; i++) {
        memcpy(copy, golden, sizeof copy);
        copy[i] ^= 0x10;
        flash_put(copy, sizeof copy);
        assert_int_not_equal(image_check_whole(&flash_slot, FLASH_BYTES, NULL, turn), OTTER_OK);
    }
    nor_wipe(&flash_device);
    assert_int_not_equal(image_check_whole(&flash_slot, FLASH_BYTES, NULL, turn), OTTER_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_stays_as_it_is),
        cmocka_unit_test(an_older_bootloader_lends_nothing),
        cmocka_unit_test(the_borrowed_hash_is_sha_256),
        cmocka_unit_test(the_borrowed_verification_tells_right_from_wrong),
        cmocka_unit_test_setup_teardown(the_borrowed_check_takes_what_the_bootloader_would_start,
                                        flash_set_up, flash_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
