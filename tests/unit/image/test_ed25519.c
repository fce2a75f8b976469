/* Images signed with Ed25519: those of a trusted key are accepted, and no other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/image/support.h"

/* Offsets in the golden image: of its TLV area's size, and of the signature's TLV. */
#define AREA_SIZE 0x62u
#define SIGNATURE (GOLDEN_ED25519_SIZE - 68u)

static uint8_t file[FLASH_BYTES];
static uint8_t copy[GOLDEN_ED25519_SIZE + 1];
static uint8_t buffer[512];
static uint32_t verdict;

/* The public half of ed25519.pem of the imgtool vectors. */
static const uint8_t vector_spki[44] = {
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00, 0x52, 0x25, 0x85,
    0x6a, 0x36, 0xee, 0x5b, 0x72, 0xb0, 0x0c, 0xdc, 0xa7, 0xb9, 0x90, 0x2a, 0x6a, 0xfa, 0xdd,
    0x9c, 0xd9, 0x39, 0xe5, 0x58, 0x56, 0x77, 0x57, 0x4c, 0xb7, 0x3b, 0xba, 0x28, 0xf3};
static const struct image_key vector_key = {vector_spki, sizeof vector_spki, 0, &image_ed25519};

/* The bootloader's way: checked twice. */
static otter_status check_bytes(const void *image, uint32_t length, const struct image_key *keys,
                                unsigned count)
{
    const struct image_policy policy = {keys, count, 0};
    struct image_check check;
    verdict = 0;
    flash_put(image, length);
    otter_status status = image_check_init(&check, &flash_slot, FLASH_BYTES, &policy);
    if (status != OTTER_OK)
        return status;
    do
        status = image_check_step(&check, buffer, sizeof buffer);
    while (status == OTTER_E_AGAIN);
    if (status == OTTER_OK)
        status = image_check_again(&check, buffer);
    verdict = check.verdict;
    return status;
}

/* The golden image with `change` XORed into the byte at `offset`, and its own key. */
static otter_status check_changed(uint32_t offset, uint8_t change)
{
    memcpy(copy, golden_ed25519, GOLDEN_ED25519_SIZE);
    copy[offset] ^= change;
    return check_bytes(copy, GOLDEN_ED25519_SIZE, &golden_key_ed25519, 1);
}

static void an_image_of_imgtool_is_accepted(void **state)
{
    (void)state;
    assert_int_equal(check_changed(0, 0), OTTER_OK);
    assert_int_equal(verdict, IMAGE_ACCEPTED_TWICE);
}

static void no_image_with_one_bit_changed_is_accepted(void **state)
{
    (void)state;
    for (uint32_t bit = 0; bit < GOLDEN_ED25519_SIZE * 8; bit++) {
        assert_int_not_equal(check_changed(bit / 8, (uint8_t)(1u << bit % 8)), OTTER_OK);
        assert_int_not_equal(verdict, IMAGE_ACCEPTED);
        assert_int_not_equal(verdict, IMAGE_ACCEPTED_TWICE);
    }
}

static void a_second_check_verifies_the_signature_again(void **state)
{
    (void)state;
    const struct image_policy policy = {&golden_key_ed25519, 1, 0};
    for (uint32_t offset = SIGNATURE + 4; offset < GOLDEN_ED25519_SIZE; offset++) {
        struct image_check check;
        flash_put(golden_ed25519, GOLDEN_ED25519_SIZE);
        assert_int_equal(image_check_init(&check, &flash_slot, FLASH_BYTES, &policy), OTTER_OK);
        while (image_check_step(&check, buffer, sizeof buffer) == OTTER_E_AGAIN)
            ;
        assert_int_equal(check.verdict, IMAGE_ACCEPTED);
        memcpy(copy, golden_ed25519, GOLDEN_ED25519_SIZE);
        copy[offset] ^= 1;
        flash_put(copy, GOLDEN_ED25519_SIZE);
        assert_int_equal(image_check_again(&check, buffer), OTTER_E_SIGNATURE);
        assert_int_not_equal(check.verdict, IMAGE_ACCEPTED_TWICE);
    }
}

static void each_reason_for_refusal_has_its_name(void **state)
{
    (void)state;
    assert_int_equal(check_changed(0x20, 1), OTTER_E_HASH);
    assert_int_equal(check_changed(GOLDEN_ED25519_SIZE - 1, 1), OTTER_E_SIGNATURE);
    assert_int_equal(check_bytes(golden_ed25519, GOLDEN_ED25519_SIZE, &vector_key, 1), OTTER_E_KEY);
}

static void a_signature_in_the_tlv_of_another_scheme_is_none(void **state)
{
    (void)state;
    assert_int_equal(check_changed(SIGNATURE, IMAGE_TLV_ED25519 ^ IMAGE_TLV_ECDSA_SIG),
                     OTTER_E_KEY);
}

static void a_signature_has_64_bytes(void **state)
{
    (void)state;
    memcpy(copy, golden_ed25519, GOLDEN_ED25519_SIZE);
    copy[AREA_SIZE]--;
    copy[SIGNATURE + 2]--;
    assert_int_equal(check_bytes(copy, GOLDEN_ED25519_SIZE - 1, &golden_key_ed25519, 1),
                     OTTER_E_SIGNATURE);
    copy[AREA_SIZE] += 2;
    copy[SIGNATURE + 2] += 2;
    copy[GOLDEN_ED25519_SIZE] = 0;
    assert_int_equal(check_bytes(copy, GOLDEN_ED25519_SIZE + 1, &golden_key_ed25519, 1),
                     OTTER_E_SIGNATURE);
}

/* S and S + L sign the same (RFC 8032 5.1.7): only the smaller one may count. */
static void a_second_form_of_a_signature_is_refused(void **state)
{
    (void)state;
    static const uint8_t order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58,       0xd6,
                                      0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, [31] = 0x10};
    unsigned carry = 0;
    memcpy(copy, golden_ed25519, GOLDEN_ED25519_SIZE);
    uint8_t *s = copy + GOLDEN_ED25519_SIZE - 32;
    for (unsigned i = 0; i < 32; i++) {
        carry += (unsigned)s[i] + order[i];
        s[i] = (uint8_t)carry;
        carry >>= 8;
    }
    assert_int_equal(check_bytes(copy, GOLDEN_ED25519_SIZE, &golden_key_ed25519, 1),
                     OTTER_E_SIGNATURE);
}

static void a_key_of_another_length_is_refused(void **state)
{
    (void)state;
    struct image_key key = golden_key_ed25519;
    key.der_length = 43;
    memcpy(buffer, golden_ed25519 + GOLDEN_ED25519_SIZE - 64, 64);
    const uint8_t *hash = golden_ed25519 + 0x68;
    assert_int_equal(image_ed25519.verify(&golden_key_ed25519, hash, buffer, 64), OTTER_OK);
    assert_int_equal(image_ed25519.verify(&key, hash, buffer, 64), OTTER_E_SIGNATURE);
}

static void keys_of_two_schemes_can_be_trusted_at_once(void **state)
{
    (void)state;
    const struct image_key keys[2] = {golden_key, golden_key_ed25519};
    assert_int_equal(check_bytes(golden, GOLDEN_SIZE, keys, 2), OTTER_OK);
    assert_int_equal(check_bytes(golden_ed25519, GOLDEN_ED25519_SIZE, keys, 2), OTTER_OK);
    assert_int_equal(check_bytes(golden_ed25519, GOLDEN_ED25519_SIZE, keys, 1), OTTER_E_KEY);
    assert_int_equal(check_bytes(golden, GOLDEN_SIZE, keys + 1, 1), OTTER_E_KEY);
}

static void the_image_of_the_imgtool_vectors_is_accepted(void **state)
{
    (void)state;
    const uint32_t length = vector_load("ed25519.signed.bin", file, sizeof file);
    if (length == 0)
        skip();
    assert_int_equal(check_bytes(file, length, &vector_key, 1), OTTER_OK);
    assert_int_equal(check_bytes(file, length, &golden_key_ed25519, 1), OTTER_E_KEY);
    file[length - 1] ^= 1;
    assert_int_equal(check_bytes(file, length, &vector_key, 1), OTTER_E_SIGNATURE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_image_of_imgtool_is_accepted),
        cmocka_unit_test(no_image_with_one_bit_changed_is_accepted),
        cmocka_unit_test(a_second_check_verifies_the_signature_again),
        cmocka_unit_test(each_reason_for_refusal_has_its_name),
        cmocka_unit_test(a_signature_in_the_tlv_of_another_scheme_is_none),
        cmocka_unit_test(a_signature_has_64_bytes),
        cmocka_unit_test(a_second_form_of_a_signature_is_refused),
        cmocka_unit_test(a_key_of_another_length_is_refused),
        cmocka_unit_test(keys_of_two_schemes_can_be_trusted_at_once),
        cmocka_unit_test(the_image_of_the_imgtool_vectors_is_accepted),
    };
    return cmocka_run_group_tests(tests, flash_set_up, flash_tear_down);
}
