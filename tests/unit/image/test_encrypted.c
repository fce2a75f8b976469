/* Keys of encrypted images are unwrapped as MCUboot wraps them, and nothing else is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "image/encrypted.h"

/* Vectors made with other people's implementations: device key of RFC 6979, ephemeral key 01 .. 20,
 * image key 00 .. 0f. */
static const char secret_hex[] = "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721";
static const char tlv_hex[] = "04515c3d6eb9e396b904d3feca7f54fdcd0cc1e997bf375dca515ad0a6c3b4035f"
                              "4536be3a50f318fbf9a5475902a221502bef0d57e08c53b2cc0a56f17d9f9354"
                              "cfa15d7ea9ebe45c26a732eb7524d6c58c0945e4bf03d482e54550d19458da17"
                              "9e44503cbd7a4089cbaf09c11a9c7434";
static const char cipher_hex[] = "c6a03934838a5d8567468b69adc5d6766357018681d5a2095162a7f879e93315"
                                 "69f7a570bdbe80abcba050434cac9eb2899c191d005ff40f68640c65a08ac269";

static uint8_t secret[32];
static uint8_t tlv[IMAGE_ENC_EC256_SIZE];
static uint8_t image_key[IMAGE_AES_KEY_SIZE];

static void from_hex(const char *hex, uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        const char digits[3] = {hex[2 * i], hex[2 * i + 1], '\0'};
        bytes[i] = (uint8_t)strtoul(digits, NULL, 16);
    }
}

static int set_up(void **state)
{
    (void)state;
    from_hex(secret_hex, secret, sizeof secret);
    from_hex(tlv_hex, tlv, sizeof tlv);
    for (unsigned i = 0; i < sizeof image_key; i++)
        image_key[i] = (uint8_t)i;
    return 0;
}

static void a_wrapped_key_is_unwrapped(void **state)
{
    (void)state;
    uint8_t key[IMAGE_AES_KEY_SIZE];
    assert_int_equal(image_key_unwrap(secret, tlv, key), OTTER_OK);
    assert_memory_equal(key, image_key, sizeof key);
}

static void a_changed_bit_of_the_wrapped_key_is_noticed(void **state)
{
    (void)state;
    uint8_t key[IMAGE_AES_KEY_SIZE];
    for (unsigned i = 0; i < sizeof tlv; i += 3) {
        tlv[i] ^= 0x10;
        assert_int_equal(image_key_unwrap(secret, tlv, key), OTTER_E_KEY);
        tlv[i] ^= 0x10;
    }
}

static void the_key_of_another_device_does_not_fit(void **state)
{
    (void)state;
    uint8_t key[IMAGE_AES_KEY_SIZE];
    secret[31] ^= 1;
    assert_int_equal(image_key_unwrap(secret, tlv, key), OTTER_E_KEY);
}

static void a_payload_is_decrypted_in_any_pieces(void **state)
{
    (void)state;
    for (uint32_t cut = 0; cut <= 64; cut++) {
        uint8_t payload[64];
        from_hex(cipher_hex, payload, sizeof payload);
        image_payload_crypt(image_key, 0, payload, cut);
        image_payload_crypt(image_key, cut, payload + cut, 64 - cut);
        for (unsigned i = 0; i < 64; i++)
            assert_int_equal(payload[i], i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_wrapped_key_is_unwrapped, set_up),
        cmocka_unit_test_setup(a_changed_bit_of_the_wrapped_key_is_noticed, set_up),
        cmocka_unit_test_setup(the_key_of_another_device_does_not_fit, set_up),
        cmocka_unit_test_setup(a_payload_is_decrypted_in_any_pieces, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
