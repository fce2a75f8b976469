/* PEM text in and out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "pki/pem.h"

static otter_status decode(const char *text, struct pem *pem, uint8_t *der, size_t size)
{
    return pem_decode(pem, der, size, text, strlen(text));
}

static otter_status try(const char *text)
{
    struct pem pem;
    uint8_t der[64];
    return decode(text, &pem, der, sizeof der);
}

static void what_is_encoded_is_decoded_again(void **state)
{
    (void)state;
    uint8_t der[200];
    uint8_t back[200];
    char text[400];
    struct pem pem;
    for (size_t i = 0; i < sizeof der; i++)
        der[i] = (uint8_t)(i * 31);
    for (size_t length = 1; length <= sizeof der; length++) {
        assert_int_equal(pem_encode(text, sizeof text, "PUBLIC KEY", der, length), OTTER_OK);
        assert_int_equal(decode(text, &pem, back, sizeof back), OTTER_OK);
        assert_int_equal(pem.length, length);
        assert_memory_equal(der, back, length);
        assert_true(pem_label_is(&pem, "PUBLIC KEY"));
        assert_false(pem_label_is(&pem, "PUBLIC"));
    }
}

static void lines_are_64_characters(void **state)
{
    (void)state;
    const uint8_t der[49] = {0};
    char text[200];
    assert_int_equal(pem_encode(text, sizeof text, "X", der, sizeof der), OTTER_OK);
    assert_string_equal(text, "-----BEGIN X-----\n"
                              "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"
                              "AA==\n"
                              "-----END X-----\n");
}

static void a_text_buffer_of_any_size_is_never_overrun(void **state)
{
    (void)state;
    const uint8_t der[49] = {0};
    char text[200];
    char whole[200];
    pem_encode(whole, sizeof whole, "X", der, sizeof der);
    for (size_t size = 0; size < sizeof text; size++) {
        memset(text, 'z', sizeof text);
        const otter_status status = pem_encode(text, size, "X", der, sizeof der);
        assert_int_equal(status, size > strlen(whole) ? OTTER_OK : OTTER_E_TOO_LONG);
        assert_int_equal(text[size], 'z');
    }
}

static void blanks_line_ends_and_text_around_do_not_matter(void **state)
{
    (void)state;
    assert_int_equal(try("-----BEGIN X-----\r\nAA\r\nAA\r\n-----END X-----\r\n"), OTTER_OK);
    assert_int_equal(try("-----BEGIN X-----AAAA-----END X-----"), OTTER_OK);
    assert_int_equal(try("subject: me\n-----BEGIN X-----\n A A\tA A\n-----END X-----\nend"),
                     OTTER_OK);
}

static void broken_text_is_malformed(void **state)
{
    (void)state;
    static const char *const broken[] = {
        "",
        "hello",
        "-----BEGIN ",
        "-----BEGIN X",
        "-----BEGIN X-----",
        "-----BEGIN X-----\n-----END X-----\n",
        "-----BEGIN X-----\nAAA\n-----END X-----\n",
        "-----BEGIN X-----\nAAAA\n",
        "-----BEGIN X-----\nAAAA\n-----END Y-----\n",
        "-----BEGIN X-----\nAAAA\n-----END X----\n",
        "-----BEGIN X-----\nAA!A\n-----END X-----\n",
        "-----BEGIN X-----\nAA==\nAAAA\n-----END X-----\n",
        "-----BEGIN X----\nAAAA\n-----END X-----\n",
        "-----END X-----\nAAAA\n-----BEGIN X-----\n",
    };
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++)
        assert_int_equal(try(broken[i]), OTTER_E_MALFORMED);
}

static void an_object_that_does_not_fit_is_too_long(void **state)
{
    (void)state;
    struct pem pem;
    uint8_t der[6];
    const char *text = "-----BEGIN X-----\nAAAAAAAA\n-----END X-----\n";
    assert_int_equal(decode(text, &pem, der, 6), OTTER_OK);
    assert_int_equal(decode(text, &pem, der, 5), OTTER_E_TOO_LONG);
}

static void text_on_one_line_and_indented_text_are_read(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "-----BEGIN X-----AQIDBAUG-----END X-----",
        "-----BEGIN X----- AQID BAUG -----END X-----",
        "    -----BEGIN X-----\n    AQID\n\tBAUG\n    -----END X-----\n",
        "\"-----BEGIN X-----\\nAQID\\nBAUG\\n-----END X-----\\n\"",
        "-----BEGIN X-----\\r\\nAQIDBAUG\\r\\n-----END X-----",
    };
    static const uint8_t expected[] = {1, 2, 3, 4, 5, 6};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct pem pem;
        uint8_t der[16];
        assert_int_equal(decode(texts[i], &pem, der, sizeof der), OTTER_OK);
        assert_int_equal(pem.length, sizeof expected);
        assert_memory_equal(der, expected, sizeof expected);
        assert_false(pem.more);
    }
    assert_int_equal(try("-----BEGIN X-----\\tAQID-----END X-----"), OTTER_E_MALFORMED);
    assert_int_equal(try("-----BEGIN X-----AQID\\"), OTTER_E_MALFORMED);
}

static void the_parameters_before_a_key_are_passed_over(void **state)
{
    (void)state;
    struct pem pem;
    uint8_t der[16];
    assert_int_equal(decode("-----BEGIN EC PARAMETERS-----\nBggq\n-----END EC PARAMETERS-----\n"
                            "-----BEGIN EC PRIVATE KEY-----\nAQID\n-----END EC PRIVATE KEY-----\n",
                            &pem, der, sizeof der),
                     OTTER_OK);
    assert_true(pem_label_is(&pem, "EC PRIVATE KEY"));
    assert_int_equal(pem.length, 3);
    assert_false(pem.more);
    assert_int_equal(try("-----BEGIN EC PARAMETERS-----\nBggq\n-----END EC PARAMETERS-----\n"),
                     OTTER_E_MALFORMED);
}

static void what_follows_an_object_is_told(void **state)
{
    (void)state;
    struct pem pem;
    uint8_t der[16];
    assert_int_equal(
        decode("-----BEGIN X-----AQID-----END X-----\n-----BEGIN X-----", &pem, der, sizeof der),
        OTTER_OK);
    assert_true(pem.more);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_encoded_is_decoded_again),
        cmocka_unit_test(lines_are_64_characters),
        cmocka_unit_test(a_text_buffer_of_any_size_is_never_overrun),
        cmocka_unit_test(blanks_line_ends_and_text_around_do_not_matter),
        cmocka_unit_test(broken_text_is_malformed),
        cmocka_unit_test(an_object_that_does_not_fit_is_too_long),
        cmocka_unit_test(text_on_one_line_and_indented_text_are_read),
        cmocka_unit_test(the_parameters_before_a_key_are_passed_over),
        cmocka_unit_test(what_follows_an_object_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
