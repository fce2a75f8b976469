/* Base64 and CRC-32 against the vectors of RFC 4648 and of the CRC catalogue. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "codec/base64.h"
#include "codec/crc32.h"

static const struct {
    const char *plain;
    const char *coded;
} vectors[] = {
    {"", ""},
    {"f", "Zg=="},
    {"fo", "Zm8="},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy"},
};

static void the_vectors_of_rfc_4648_encode_and_decode(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        char text[16];
        uint8_t bytes[16];
        const size_t length = strlen(vectors[i].coded);
        assert_int_equal(
            base64_encode(text, sizeof text, vectors[i].plain, strlen(vectors[i].plain)), length);
        assert_string_equal(text, vectors[i].coded);
        assert_int_equal(base64_decode(bytes, sizeof bytes, vectors[i].coded, length),
                         strlen(vectors[i].plain));
        assert_memory_equal(bytes, vectors[i].plain, strlen(vectors[i].plain));
    }
}

static void every_byte_value_survives_base64(void **state)
{
    (void)state;
    uint8_t all[256], back[256];
    char text[BASE64_LENGTH(256) + 1];
    for (unsigned i = 0; i < 256; i++)
        all[i] = (uint8_t)i;
    for (size_t length = 250; length <= 256; length++) {
        const int coded = base64_encode(text, sizeof text, all, length);
        assert_int_equal(coded, BASE64_LENGTH(length));
        assert_int_equal(base64_decode(back, sizeof back, text, (size_t)coded), length);
        assert_memory_equal(all, back, length);
    }
}

static void anything_but_strict_base64_is_malformed(void **state)
{
    (void)state;
    static const char *const bad[] = {"Z",    "Zg",       "Zg=",     "Zh==", "Zm9=",
                                      "=Zg=", "Zg==Zg==", "Z===",    "====", "Zm9v\n",
                                      "Zm 9", "Zm-_",     "Zm9vZ=g="};
    uint8_t out[32];
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(base64_decode(out, sizeof out, bad[i], strlen(bad[i])), OTTER_E_MALFORMED);
}

static void base64_that_does_not_fit_is_refused(void **state)
{
    (void)state;
    char text[8];
    uint8_t bytes[3];
    assert_int_equal(base64_encode(text, 8, "foobar", 6), OTTER_E_TOO_LONG); /* no room for NUL */
    assert_int_equal(base64_encode(text, 5, "foo", 3), 4);
    assert_int_equal(base64_decode(bytes, 2, "Zm9v", 4), OTTER_E_TOO_LONG);
    assert_int_equal(base64_decode(bytes, 3, "Zm9v", 4), 3);
}

static void base64_decodes_in_place(void **state)
{
    (void)state;
    char text[] = "Zm9vYmFy";
    assert_int_equal(base64_decode(text, sizeof text, text, 8), 6);
    assert_memory_equal(text, "foobar", 6);
}

static void crc32_has_its_check_value(void **state)
{
    (void)state;
    assert_int_equal(crc32_update(0, "123456789", 9), 0xcbf43926);
    assert_int_equal(crc32_update(0, "", 0), 0);
}

static void crc32_in_pieces_equals_crc32_at_once(void **state)
{
    (void)state;
    const uint32_t part = crc32_update(0, "1234", 4);
    assert_int_equal(crc32_update(part, "56789", 5), 0xcbf43926);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vectors_of_rfc_4648_encode_and_decode),
        cmocka_unit_test(every_byte_value_survives_base64),
        cmocka_unit_test(anything_but_strict_base64_is_malformed),
        cmocka_unit_test(base64_that_does_not_fit_is_refused),
        cmocka_unit_test(base64_decodes_in_place),
        cmocka_unit_test(crc32_has_its_check_value),
        cmocka_unit_test(crc32_in_pieces_equals_crc32_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
