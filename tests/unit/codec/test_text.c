/* Numbers and words in text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/text.h"

static void a_number_ends_at_the_first_other_character(void **state)
{
    const char *at = "4294967295-7";
    uint32_t value;
    (void)state;
    assert_true(text_number(&at, UINT32_MAX, &value));
    assert_int_equal(value, UINT32_MAX);
    assert_string_equal(at, "-7");
    at = "00012";
    assert_true(text_number(&at, 12, &value));
    assert_int_equal(value, 12);
}

static void no_number_and_one_that_is_too_large_are_refused(void **state)
{
    static const char *const wrong[] = {
        "", "-1", "+1", " 1", "a", "4294967296", "99999999999999999999"};
    uint32_t value;
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const char *at = wrong[i];
        assert_false(text_number(&at, UINT32_MAX, &value));
    }
    const char *at = "13";
    assert_false(text_number(&at, 12, &value));
}

static void a_word_is_found_in_any_case(void **state)
{
    (void)state;
    assert_string_equal(text_after("Content-LENGTH: 1", "content-length:"), " 1");
    assert_string_equal(text_after("SIGhup", "sig"), "hup");
    assert_string_equal(text_after("x", ""), "x");
    assert_null(text_after("conte", "content"));
    assert_null(text_after("", "a"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_number_ends_at_the_first_other_character),
        cmocka_unit_test(no_number_and_one_that_is_too_large_are_refused),
        cmocka_unit_test(a_word_is_found_in_any_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
