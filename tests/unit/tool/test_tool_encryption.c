/* Wrapped image keys and encrypted payloads (docs/formats.md 6). */
#include "golden.h"

#include "tool/encryption.h"
#include "tool/image_view.h"
#include "tool/tlv.h"

#define EPHEMERAL_P256   "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20"
#define EPHEMERAL_X25519 "77076d0a7318a57d3c16c17251b26645df4c87ebc0992af177fba51db92c2c2a"
#define PUBLIC_P256                                                                                \
    "04515c3d6eb9e396b904d3feca7f54fdcd0cc1e997bf375dca515ad0a6c3b4035f"                           \
    "4536be3a50f318fbf9a5475902a221502bef0d57e08c53b2cc0a56f17d9f9354"
#define PUBLIC_X25519 "991d3bb51c88f9d014d04f5a2334d16b814e573cc2589b5e421aa7aa262a243d"

static struct image_cipher_key counting_key(size_t size)
{
    struct image_cipher_key key = {.size = size};

    for (size_t i = 0; i < size; i++)
        key.data[i] = (uint8_t)i;
    return key;
}

static void check_wrapping(enum key_type type, const char *device_secret, const char *ephemeral,
                           bool sha512, size_t key_size, uint16_t tlv_type, const char *expected)
{
    struct key device = golden_key(type, device_secret);
    struct key sender = golden_key(type, ephemeral);
    struct image_cipher_key key = counting_key(key_size);
    struct image_cipher_key unwrapped = {.size = 0};
    struct bytes tlv = {0};
    struct failure failure;
    uint16_t got_type;

    assert_int_equal(image_key_wrap(&key, &device, &sender, sha512, &got_type, &tlv, &failure),
                     OTTER_OK);
    assert_int_equal(got_type, tlv_type);
    assert_int_equal(tlv.size, strlen(expected) / 2);
    assert_hex(tlv.data, expected);
    assert_int_equal(image_key_unwrap(&unwrapped, &device, tlv_type, tlv.data, tlv.size, &failure),
                     OTTER_OK);
    assert_int_equal(unwrapped.size, key_size);
    assert_memory_equal(unwrapped.data, key.data, key_size);
    for (size_t i = 0; i < tlv.size; i += 7) { /* any change is noticed */
        tlv.data[i] ^= 0x10;
        assert_int_equal(
            image_key_unwrap(&unwrapped, &device, tlv_type, tlv.data, tlv.size, &failure),
            OTTER_E_KEY);
        tlv.data[i] ^= 0x10;
    }
    bytes_free(&tlv);
    key_free(&device);
    key_free(&sender);
}

static void a_p256_wrapping_is_imgtools(void **state)
{
    (void)state;
    check_wrapping(KEY_P256, GOLDEN_P256, EPHEMERAL_P256, false, 16, IMAGE_TLV_ENC_EC256,
                   PUBLIC_P256 "cfa15d7ea9ebe45c26a732eb7524d6c58c0945e4bf03d482e54550d19458da17"
                               "9e44503cbd7a4089cbaf09c11a9c7434");
}

static void an_aes256_wrapping_is_imgtools(void **state)
{
    (void)state;
    check_wrapping(KEY_P256, GOLDEN_P256, EPHEMERAL_P256, false, 32, IMAGE_TLV_ENC_EC256,
                   PUBLIC_P256 "1b00dd6937fb2f5263b67cbd63e545857d93730b7903fd4187947d4763db8260"
                               "1835ce314a7d4d84f93ddfdfa4e224247d2588650144ba7bbb5151813fa95aa2");
}

static void an_x25519_wrapping_is_imgtools(void **state)
{
    (void)state;
    check_wrapping(KEY_X25519, GOLDEN_X25519, EPHEMERAL_X25519, false, 16, TLV_ENC_X25519,
                   PUBLIC_X25519 "ff68745c9bca0644d6eb5443bd666c17f0d5f6410e7a4f0527f6c367dcb0f7d0"
                                 "d275388372cb40f1ff4554a1aca48aea");
}

static void an_x25519_sha512_wrapping_is_imgtools(void **state)
{
    (void)state;
    check_wrapping(KEY_X25519, GOLDEN_X25519, EPHEMERAL_X25519, true, 16, TLV_ENC_X25519_SHA512,
                   PUBLIC_X25519 "a05bccde1dcd46ffc3644f1309b117c7e5b44d721d1b4a23a495a9af351a5b50"
                                 "3c2554466bd6d7b731ce74ff201275811cd2757a7f644dcb38d058e5bf85247c"
                                 "1004214662c11a66c7b9341288579e45");
}

static void the_payload_cipher_is_ctr_from_zero(void **state)
{
    struct image_cipher_key key = counting_key(16);
    uint8_t payload[GOLDEN_PROGRAM_SIZE];
    struct failure failure;

    (void)state;
    golden_program(payload);
    assert_int_equal(image_key_crypt(&key, payload, sizeof payload, &failure), OTTER_OK);
    assert_hex(payload, "c6a03934838a5d8567468b69adc5d6766357018681d5a2095162a7f879e93315"
                        "69f7a570bdbe80abcba050434cac9eb2899c191d005ff40f68640c65a08ac269");
}

static void an_rsa_wrapping_comes_back(void **state)
{
    struct key device, other;
    struct image_cipher_key key = counting_key(32);
    struct image_cipher_key unwrapped;
    struct bytes tlv = {0};
    struct failure failure;
    uint16_t type;

    (void)state;
    assert_int_equal(key_generate(&device, KEY_RSA_2048, &failure), OTTER_OK);
    assert_int_equal(key_generate(&other, KEY_RSA_2048, &failure), OTTER_OK);
    assert_int_equal(image_key_wrap(&key, &device, NULL, false, &type, &tlv, &failure), OTTER_OK);
    assert_int_equal(type, TLV_ENC_RSA2048);
    assert_int_equal(tlv.size, 256);
    assert_int_equal(image_key_unwrap(&unwrapped, &device, type, tlv.data, tlv.size, &failure),
                     OTTER_OK);
    assert_memory_equal(unwrapped.data, key.data, 32);
    assert_int_equal(image_key_unwrap(&unwrapped, &other, type, tlv.data, tlv.size, &failure),
                     OTTER_E_KEY);
    bytes_free(&tlv);
    key_free(&device);
    key_free(&other);
}

static void wrappings_of_a_wrong_length_are_refused(void **state)
{
    struct key device = golden_key(KEY_P256, GOLDEN_P256);
    struct image_cipher_key key;
    uint8_t tlv[160] = {4};
    struct failure failure;

    (void)state;
    for (size_t size = 0; size <= sizeof tlv; size++)
        assert_int_not_equal(
            image_key_unwrap(&key, &device, IMAGE_TLV_ENC_EC256, tlv, size, &failure), OTTER_OK);
    assert_int_equal(image_key_unwrap(&key, &device, TLV_ENC_KW, tlv, 24, &failure), OTTER_E_KEY);
    key_free(&device);
}

static void check_image(enum key_type type, size_t cipher_key_size, bool in_clear)
{
    struct key device, other;
    struct image_spec spec = golden_spec();
    uint8_t program[61];
    struct image_file file;
    struct image_view view;
    struct image_verdict verdict = {0};
    struct failure failure;

    memset(program, 0x5a, sizeof program);
    assert_int_equal(key_generate(&device, type, &failure), OTTER_OK);
    assert_int_equal(key_generate(&other, type, &failure), OTTER_OK);
    spec.encrypt_for = &device;
    spec.cipher_key_size = cipher_key_size;
    spec.payload_in_clear = in_clear;
    spec.has_security_counter = true; /* protected TLVs are hashed, but stay in clear */
    spec.security_counter = 0x12345678;
    assert_int_equal(image_file_build(&spec, program, sizeof program, &file, &failure), OTTER_OK);
    /* Padded to whole blocks with zeros before hashing. */
    assert_int_equal(file.image.data[12], 64);
    assert_int_equal(memcmp(file.image.data + 0x20, program, 61) == 0, in_clear);
    assert_int_equal(image_view_open(&view, file.image.data, file.image.size, &failure), OTTER_OK);
    assert_int_equal(image_view_check(&view, NULL, in_clear ? NULL : &device, &verdict, &failure),
                     OTTER_OK);
    assert_memory_equal(verdict.plain.data + 0x20, program, 61);
    assert_hex(file.image.data + 0x60, "08690c005000040078563412");
    assert_int_equal(verdict.decrypted, !in_clear);
    image_verdict_free(&verdict);
    verdict = (struct image_verdict){0};
    if (!in_clear)
        assert_int_equal(image_view_check(&view, NULL, &other, &verdict, &failure), OTTER_E_KEY);
    image_verdict_free(&verdict);
    image_file_free(&file);
    key_free(&device);
    key_free(&other);
}

static void an_encrypted_image_opens_with_the_devices_key_alone(void **state)
{
    (void)state;
    check_image(KEY_P256, 16, false);
    check_image(KEY_P256, 32, false);
    check_image(KEY_X25519, 16, false);
    check_image(KEY_RSA_2048, 16, false);
}

static void a_factory_image_is_marked_encrypted_but_in_clear(void **state)
{
    (void)state;
    check_image(KEY_P256, 16, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_p256_wrapping_is_imgtools),
        cmocka_unit_test(an_aes256_wrapping_is_imgtools),
        cmocka_unit_test(an_x25519_wrapping_is_imgtools),
        cmocka_unit_test(an_x25519_sha512_wrapping_is_imgtools),
        cmocka_unit_test(the_payload_cipher_is_ctr_from_zero),
        cmocka_unit_test(an_rsa_wrapping_comes_back),
        cmocka_unit_test(wrappings_of_a_wrong_length_are_refused),
        cmocka_unit_test(an_encrypted_image_opens_with_the_devices_key_alone),
        cmocka_unit_test(a_factory_image_is_marked_encrypted_but_in_clear),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
