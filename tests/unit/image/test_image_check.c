/* Which images are accepted: those whole and signed by a trusted key, and no other. Run with either
 * cryptography. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/image/support.h"

static uint8_t file[FLASH_BYTES];
static uint32_t verdict;

static otter_status check_slot(uint32_t limit, const struct image_policy *policy)
{
    struct image_check check;
    uint8_t buffer[512];
    otter_status status = image_check_init(&check, &flash_slot, limit, policy);
    verdict = 0;
    if (status != OTTER_OK)
        return status;
    do
        status = image_check_step(&check, buffer, sizeof buffer);
    while (status == OTTER_E_AGAIN);
    verdict = check.verdict;
    return status;
}

static otter_status check_bytes(const void *image, uint32_t length,
                                const struct image_policy *policy)
{
    flash_put(image, length);
    return check_slot(FLASH_BYTES, policy);
}

static const struct image_policy *golden_policy(void)
{
    static struct image_policy policy;
    policy = (struct image_policy){&golden_key, 1, 0};
    return &policy;
}

static void an_image_of_imgtool_is_accepted(void **state)
{
    (void)state;
    assert_int_equal(check_bytes(golden, GOLDEN_SIZE, golden_policy()), OTTER_OK);
    assert_int_equal(verdict, IMAGE_ACCEPTED);
}

/* Takes the golden image through the first check; then the byte at `offset` changes. */
static otter_status check_again(uint32_t offset, uint8_t change)
{
    struct image_check check;
    uint8_t buffer[512];
    uint8_t copy[GOLDEN_SIZE];
    flash_put(golden, GOLDEN_SIZE);
    assert_int_equal(image_check_init(&check, &flash_slot, FLASH_BYTES, golden_policy()), OTTER_OK);
    while (image_check_step(&check, buffer, sizeof buffer) == OTTER_E_AGAIN)
        ;
    assert_int_equal(check.verdict, IMAGE_ACCEPTED);
    memcpy(copy, golden, sizeof copy);
    copy[offset] ^= change;
    flash_put(copy, sizeof copy);
    const otter_status status = image_check_again(&check, buffer);
    verdict = check.verdict;
    return status;
}

static void a_second_check_accepts_what_the_first_did(void **state)
{
    (void)state;
    assert_int_equal(check_again(0, 0), OTTER_OK);
    assert_int_equal(verdict, IMAGE_ACCEPTED_TWICE);
}

static void a_second_check_trusts_nothing_of_the_first(void **state)
{
    (void)state;
    assert_int_equal(check_again(16, IMAGE_FLAG_NON_BOOTABLE), OTTER_E_FLASH);
    assert_int_not_equal(verdict, IMAGE_ACCEPTED_TWICE);
    for (uint32_t offset = 134; offset < GOLDEN_SIZE; offset++) { /* hash, key, signature */
        assert_int_not_equal(check_again(offset, 1), OTTER_OK);
        assert_int_not_equal(verdict, IMAGE_ACCEPTED_TWICE);
    }
}

static void no_image_with_one_bit_changed_is_accepted(void **state)
{
    (void)state;
    uint8_t copy[GOLDEN_SIZE];
    for (uint32_t bit = 0; bit < GOLDEN_SIZE * 8; bit++) {
        memcpy(copy, golden, sizeof copy);
        copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_not_equal(check_bytes(copy, sizeof copy, golden_policy()), OTTER_OK);
        assert_int_not_equal(verdict, IMAGE_ACCEPTED);
    }
}

static void no_shortened_image_is_accepted(void **state)
{
    (void)state;
    for (uint32_t length = 0; length < GOLDEN_SIZE; length++) {
        assert_int_not_equal(check_bytes(golden, length, golden_policy()), OTTER_OK);
        assert_int_not_equal(verdict, IMAGE_ACCEPTED);
    }
}

static void each_reason_for_refusal_has_its_name(void **state)
{
    (void)state;
    struct image_policy policy = *golden_policy();
    uint8_t copy[GOLDEN_SIZE];
    memcpy(copy, golden, sizeof copy);
    copy[0x20] ^= 1;
    assert_int_equal(check_bytes(copy, sizeof copy, &policy), OTTER_E_HASH);
    memcpy(copy, golden, sizeof copy);
    copy[GOLDEN_SIZE - 1] ^= 1;
    assert_int_equal(check_bytes(copy, sizeof copy, &policy), OTTER_E_SIGNATURE);
    policy.keys = &image_keys[0];
    assert_int_equal(check_bytes(golden, GOLDEN_SIZE, &policy), OTTER_E_KEY);
    policy = *golden_policy();
    policy.security_counter = 8;
    assert_int_equal(check_bytes(golden, GOLDEN_SIZE, &policy), OTTER_E_VERSION);
    policy.security_counter = 7;
    assert_int_equal(check_bytes(golden, GOLDEN_SIZE, &policy), OTTER_OK);
    flash_device.fail_reads = true;
    assert_int_equal(check_slot(FLASH_BYTES, &policy), OTTER_E_FLASH);
    flash_device.fail_reads = false;
}

static void a_key_is_refused_from_its_retirement_on(void **state)
{
    (void)state;
    struct image_key key = golden_key;
    struct image_policy policy = {&key, 1, 5};
    key.retired_at = 6;
    assert_int_equal(check_bytes(golden, GOLDEN_SIZE, &policy), OTTER_OK);
    policy.security_counter = 6;
    assert_int_equal(check_bytes(golden, GOLDEN_SIZE, &policy), OTTER_E_KEY);
}

static void any_of_several_trusted_keys_will_do(void **state)
{
    (void)state;
    const struct image_key keys[3] = {image_keys[0], image_keys[1], golden_key};
    const struct image_policy policy = {keys, 3, 0};
    assert_int_equal(check_bytes(golden, GOLDEN_SIZE, &policy), OTTER_OK);
}

static void a_padded_signature_is_accepted(void **state)
{
    (void)state;
    uint8_t copy[GOLDEN_SIZE + 1];
    memcpy(copy, golden, GOLDEN_SIZE);
    copy[GOLDEN_SIZE] = 0;
    copy[0x84] += 1;             /* area */
    copy[GOLDEN_SIZE - 73] += 1; /* entry */
    assert_int_equal(check_bytes(copy, sizeof copy, golden_policy()), OTTER_OK);
    copy[GOLDEN_SIZE] = 1;
    assert_int_equal(check_bytes(copy, sizeof copy, golden_policy()), OTTER_E_MALFORMED);
}

static void an_unknown_unprotected_tlv_is_refused(void **state)
{
    (void)state;
    uint8_t copy[GOLDEN_SIZE + 6];
    memcpy(copy, golden, GOLDEN_SIZE);
    memcpy(copy + GOLDEN_SIZE, "\xa0\x00\x02\x00\x11\x22", 6);
    copy[0x84] += 6;
    assert_int_equal(check_bytes(copy, sizeof copy, golden_policy()), OTTER_E_MALFORMED);
}

static otter_status read_der(const char *hex, uint8_t signature[64])
{
    uint8_t der[128];
    size_t length = 0;
    for (; hex[2 * length] != '\0'; length++) {
        const char digits[3] = {hex[2 * length], hex[2 * length + 1], '\0'};
        der[length] = (uint8_t)strtoul(digits, NULL, 16);
    }
    return image_ecdsa_signature(der, length, signature);
}

static void signatures_are_read_within_bounds(void **state)
{
    (void)state;
    static const char *const refused[] = {
        "",
        "30",
        "3000",
        "3007020101020102",   /* SEQUENCE longer than the data */
        "3106020101020102",   /* not a SEQUENCE */
        "3006030101020102",   /* not an INTEGER */
        "3006020001020102",   /* empty INTEGER */
        "3006020501020102",   /* first one runs over */
        "3006020101020202",   /* second one runs over */
        "300702010102010200", /* something after the second */
        "300602010102010201", /* something after the SEQUENCE */
        "308106020101020102", /* long form of a length */
        "3003020101",         /* only one */
    };
    uint8_t signature[64];
    for (unsigned i = 0; i < sizeof refused / sizeof *refused; i++)
        assert_int_equal(read_der(refused[i], signature), OTTER_E_MALFORMED);
    assert_int_equal(read_der("3006020101020102", signature), OTTER_OK);
    assert_int_equal(signature[31], 1);
    assert_int_equal(signature[63], 2);
    assert_int_equal(read_der("30060201010201020000", signature), OTTER_OK);
}

static void an_integer_of_more_than_32_bytes_is_refused(void **state)
{
    (void)state;
    uint8_t der[72] = {0x30, 38, 0x02, 33, 0x01};
    uint8_t signature[64];
    der[37] = 0x02;
    der[38] = 1;
    der[39] = 1;
    assert_int_equal(image_ecdsa_signature(der, 40, signature), OTTER_E_MALFORMED);
    der[4] = 0; /* a leading zero is no digit */
    assert_int_equal(image_ecdsa_signature(der, 40, signature), OTTER_OK);
}

static void signatures_of_zero_are_not_valid(void **state)
{
    (void)state;
    const uint8_t zeros[64] = {0};
    assert_false(image_p256_verify(golden_key.der + 26, zeros, zeros));
}

static void the_hash_is_sha_256(void **state)
{
    (void)state;
    static const uint8_t expected[4] = {0xba, 0x78, 0x16, 0xbf}; /* FIPS 180, "abc" */
    struct image_sha256 sha;
    uint8_t hash[32];
    image_sha256_init(&sha);
    image_sha256_update(&sha, "a", 1);
    image_sha256_update(&sha, "bc", 2);
    image_sha256_finish(&sha, hash);
    assert_memory_equal(hash, expected, sizeof expected);
}

/* The hash of the hashes of messages of 0 to 199 bytes, made with another implementation. */
static void the_hash_is_right_for_every_length_of_the_last_block(void **state)
{
    (void)state;
    static const uint8_t expected[8] = {0x0a, 0x71, 0x6d, 0xcd, 0x52, 0xeb, 0xb4, 0x5d};
    struct image_sha256 all;
    uint8_t message[200];
    uint8_t hash[32];
    image_sha256_init(&all);
    for (unsigned length = 0; length < sizeof message; length++) {
        struct image_sha256 sha;
        message[length] = (uint8_t)(length * 7);
        image_sha256_init(&sha);
        image_sha256_update(&sha, message, length / 2);
        image_sha256_update(&sha, message + length / 2, length - length / 2);
        image_sha256_finish(&sha, hash);
        image_sha256_update(&all, hash, sizeof hash);
    }
    image_sha256_finish(&all, hash);
    assert_memory_equal(hash, expected, sizeof expected);
}

static void images_of_the_imgtool_vectors_are_accepted(void **state)
{
    (void)state;
    static const char *const names[] = {"m467-1.0.0.signed.bin",       "m467-1.0.1.signed.bin",
                                        "align16.signed.bin",          "padded-test.signed.bin",
                                        "padded-confirmed.signed.bin", "overwrite.signed.bin",
                                        "protected-tlvs.signed.bin"};
    const struct image_policy policy = {image_keys, 1, 0};
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        const uint32_t length = vector_load(names[i], file, sizeof file);
        if (length == 0)
            skip();
        assert_int_equal(check_bytes(file, length, &policy), OTTER_OK);
    }
}

static void images_of_another_key_or_scheme_are_refused(void **state)
{
    (void)state;
    static const char *const names[] = {"wrong-key.signed.bin", "ed25519.signed.bin",
                                        "rsa2048.signed.bin"};
    const struct image_policy policy = {image_keys, 1, 0};
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        const uint32_t length = vector_load(names[i], file, sizeof file);
        if (length == 0)
            skip();
        assert_int_equal(check_bytes(file, length, &policy), OTTER_E_KEY);
    }
    const struct image_policy other = {&image_keys[1], 1, 0};
    const uint32_t length = vector_load(names[0], file, sizeof file);
    assert_int_equal(check_bytes(file, length, &other), OTTER_OK);
}

static void half_an_image_of_the_vectors_is_refused(void **state)
{
    (void)state;
    const struct image_policy policy = {image_keys, 1, 0};
    const uint32_t length = vector_load("m467-1.0.1.signed.bin", file, sizeof file);
    if (length == 0)
        skip();
    assert_int_not_equal(check_bytes(file, length / 2, &policy), OTTER_OK);
    assert_int_not_equal(check_bytes(file, length - 1, &policy), OTTER_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_image_of_imgtool_is_accepted),
        cmocka_unit_test(a_second_check_accepts_what_the_first_did),
        cmocka_unit_test(a_second_check_trusts_nothing_of_the_first),
        cmocka_unit_test(no_image_with_one_bit_changed_is_accepted),
        cmocka_unit_test(no_shortened_image_is_accepted),
        cmocka_unit_test(each_reason_for_refusal_has_its_name),
        cmocka_unit_test(a_key_is_refused_from_its_retirement_on),
        cmocka_unit_test(any_of_several_trusted_keys_will_do),
        cmocka_unit_test(a_padded_signature_is_accepted),
        cmocka_unit_test(an_unknown_unprotected_tlv_is_refused),
        cmocka_unit_test(signatures_are_read_within_bounds),
        cmocka_unit_test(an_integer_of_more_than_32_bytes_is_refused),
        cmocka_unit_test(signatures_of_zero_are_not_valid),
        cmocka_unit_test(the_hash_is_sha_256),
        cmocka_unit_test(the_hash_is_right_for_every_length_of_the_last_block),
        cmocka_unit_test(images_of_the_imgtool_vectors_are_accepted),
        cmocka_unit_test(images_of_another_key_or_scheme_are_refused),
        cmocka_unit_test(half_an_image_of_the_vectors_is_refused),
    };
    return cmocka_run_group_tests(tests, flash_set_up, flash_tear_down);
}
