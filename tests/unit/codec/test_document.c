/* The same calls write and read JSON and CBOR (codec/document.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "codec/document.h"

#define TOKENS 32u
static jsmntok_t tokens[TOKENS];

static int write_sample(bool cbor, char *out, size_t size)
{
    struct document_writer w;
    document_write(&w, cbor, out, size);
    document_open_map(&w, NULL);
    document_put_number(&w, "reportId", 4294967295u);
    document_open_map(&w, "statusDetails");
    document_put_text(&w, "ErrorCode", "Throttled");
    document_close_map(&w);
    document_open_list(&w, "list");
    document_put_number(&w, NULL, 7);
    document_close_list(&w);
    document_put_text(&w, "name", "a\"b\nc");
    document_close_map(&w);
    return document_written(&w);
}

static struct document read_sample(bool cbor, char *message)
{
    struct document doc;
    const int length = write_sample(cbor, message, 256);
    assert_true(length > 0);
    assert_int_equal(document_read(&doc, cbor, message, (size_t)length, tokens, TOKENS), OTTER_OK);
    return doc;
}

static void what_is_written_is_read_in_either_form(void **state)
{
    (void)state;
    for (int cbor = 0; cbor < 2; cbor++) {
        char message[256], text[16];
        const struct document doc = read_sample(cbor, message);
        assert_true(document_number(&doc, "reportId") == 4294967295u);
        assert_int_equal(document_text(&doc, "statusDetails.ErrorCode", text, sizeof text),
                         OTTER_OK);
        assert_string_equal(text, "Throttled");
        assert_int_equal(document_text(&doc, "name", text, sizeof text), OTTER_OK);
        assert_string_equal(text, "a\"b\nc");
    }
}

static void what_is_not_there_or_of_another_type_is_an_error_in_either_form(void **state)
{
    static const struct {
        const char *path;
        otter_status status;
    } cases[] = {
        {"nobody", OTTER_E_NOT_FOUND},     {"statusDetails.nobody", OTTER_E_NOT_FOUND},
        {"reportId", OTTER_E_MALFORMED},   {"statusDetails", OTTER_E_MALFORMED},
        {"name.below", OTTER_E_NOT_FOUND},
    };
    (void)state;
    for (int cbor = 0; cbor < 2; cbor++) {
        char message[256], text[16];
        const char *raw;
        size_t length;
        const struct document doc = read_sample(cbor, message);
        for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
            assert_int_equal(document_text(&doc, cases[i].path, text, sizeof text),
                             cases[i].status);
            assert_string_equal(text, "");
            assert_int_equal(document_raw_text(&doc, cases[i].path, &raw, &length),
                             cases[i].status);
        }
        assert_int_equal(document_text(&doc, "statusDetails.ErrorCode", text, 9), OTTER_E_TOO_LONG);
        assert_true(document_number(&doc, "name") == 0);
        assert_true(document_number(&doc, "statusDetails.nobody") == 0);
    }
}

static void a_message_that_is_cut_anywhere_is_refused(void **state)
{
    (void)state;
    for (int cbor = 0; cbor < 2; cbor++) {
        char message[256];
        struct document doc;
        const int whole = write_sample(cbor, message, sizeof message);
        for (int length = 0; length < whole; length++)
            assert_int_not_equal(document_read(&doc, cbor, message, (size_t)length, tokens, TOKENS),
                                 OTTER_OK);
    }
}

static void what_does_not_fit_is_an_error(void **state)
{
    (void)state;
    for (int cbor = 0; cbor < 2; cbor++) {
        char message[256];
        const int whole = write_sample(cbor, message, sizeof message);
        for (int size = 0; size < whole; size++)
            assert_int_equal(write_sample(cbor, message, (size_t)size), OTTER_E_TOO_LONG);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_in_either_form),
        cmocka_unit_test(what_is_not_there_or_of_another_type_is_an_error_in_either_form),
        cmocka_unit_test(a_message_that_is_cut_anywhere_is_refused),
        cmocka_unit_test(what_does_not_fit_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
