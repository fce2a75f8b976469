/* Texts for people: what is let in, and what would deceive them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cloud/core/ground/words.h"

static void words_of_all_languages_are_let_in(void **state)
{
    static const char *const good[] = {"a b", "Grüße, 世界", "שלום", "\xf0\x9f\xa6\xa6", " "};
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(words_valid(good[i], WORDS_SOME, 20));
}

static void what_nobody_sees_or_turns_text_around_is_not(void **state)
{
    static const char *const bad[] = {
        "a\nb",
        "a\x7f",
        "\xc2\x85",
        "a\xc2\xad"
        "b",
        "\xe2\x80\x8b",
        "x\xe2\x80\xae",
        "\xe2\x81\xa6",
        "\xef\xbb\xbf",
        "\xee\x80\x80",
        "\xf3\xa0\x81\x81",
        "\xf4\x8f\xbf\xbd",
        "\xef\xbf\xbf",
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(words_valid(bad[i], WORDS_SOME, 20));
        assert_false(words_valid(bad[i], WORDS_ANY, 20));
        assert_false(words_valid(bad[i], WORDS_PRINTABLE, 20));
    }
}

static void lengths_are_counted_in_characters(void **state)
{
    (void)state;
    assert_true(words_valid("äöü", WORDS_SOME, 3));
    assert_false(words_valid("äöüß", WORDS_SOME, 3));
    assert_false(words_valid("", WORDS_SOME, 3));
    assert_true(words_valid("", WORDS_ANY, 3));
}

static void printable_is_ascii_and_codes_are_capitals(void **state)
{
    (void)state;
    assert_true(words_valid("a ~b", WORDS_PRINTABLE, 20));
    assert_false(words_valid("ä", WORDS_PRINTABLE, 20));
    assert_true(words_valid("NOT_WANTED_2", WORDS_CODE, 20));
    assert_false(words_valid("not wanted", WORDS_CODE, 20));
}

static void a_refusal_names_the_member(void **state)
{
    struct answer answer = ANSWER_INIT;
    json_t *members = json_pack("{s:s,s:i,s:n}", "comment", "x\xe2\x80\xaey", "other", 5, "none");
    (void)state;
    assert_int_equal(words_check(members, "comment", WORDS_SOME, 20, &answer),
                     CORE_INVALID_REQUEST);
    assert_non_null(strstr(answer.message, "comment"));
    assert_int_equal(words_check(members, "other", WORDS_SOME, 20, &answer), CORE_INVALID_REQUEST);
    assert_int_equal(words_check(members, "none", WORDS_SOME, 20, &answer), CORE_OK);
    assert_int_equal(words_check(members, "absent", WORDS_SOME, 20, &answer), CORE_OK);
    answer_free(&answer);
    json_decref(members);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_of_all_languages_are_let_in),
        cmocka_unit_test(what_nobody_sees_or_turns_text_around_is_not),
        cmocka_unit_test(lengths_are_counted_in_characters),
        cmocka_unit_test(printable_is_ascii_and_codes_are_capitals),
        cmocka_unit_test(a_refusal_names_the_member),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
