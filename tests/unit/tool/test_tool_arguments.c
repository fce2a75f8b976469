/* Command lines and the values on them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tool/arguments.h"
#include "tool/nearest.h"
#include "tool/values.h"

enum { OPTION_PAIR = 256, OPTION_LONG };

static const struct option options[] = {
    {'k', "key", "FILE", "a key"},
    {'c', "clear", NULL, "a flag"},
    {'p', "pad", NULL, "a flag"},
    {OPTION_PAIR, "pair", "TAG VALUE", "two values"},
    {OPTION_LONG, "long-only", "N", "no letter"},
    {0},
};
static const struct usage usage = {"test", "", "", options, ""};

struct got {
    int what;
    const char *value;
    const char *second;
};

/* Reads the words (which end in NULL) and compares. */
static void check_line(char **words, const struct got *expected)
{
    struct arguments arguments;
    int argc = 0;

    while (words[argc])
        argc++;
    arguments_start(&arguments, &usage, argc, words);
    for (;; expected++) {
        int what = arguments_next(&arguments);
        assert_int_equal(what, expected->what);
        if (what == ARGUMENTS_END || what == ARGUMENTS_WRONG)
            return;
        if (expected->value)
            assert_string_equal(arguments.value, expected->value);
        if (expected->second)
            assert_string_equal(arguments.second, expected->second);
    }
}

#define LINE(...)     ((char *[]){"test", __VA_ARGS__, NULL})
#define EXPECTED(...) ((const struct got[]){__VA_ARGS__, {ARGUMENTS_END, NULL, NULL}})

static void options_are_taken_in_every_usual_form(void **state)
{
    (void)state;
    check_line(LINE("-k", "a", "--key", "b", "--key=c", "-kd", "--key="),
               EXPECTED({'k', "a", NULL}, {'k', "b", NULL}, {'k', "c", NULL}, {'k', "d", NULL},
                        {'k', "", NULL}));
    check_line(LINE("in", "-cpk", "a", "out"),
               EXPECTED({ARGUMENTS_OPERAND, "in", NULL}, {'c', NULL, NULL}, {'p', NULL, NULL},
                        {'k', "a", NULL}, {ARGUMENTS_OPERAND, "out", NULL}));
    check_line(LINE("--pair", "0xa0", "-1", "--long-only", "-2"),
               EXPECTED({OPTION_PAIR, "0xa0", "-1"}, {OPTION_LONG, "-2", NULL}));
    check_line(LINE("--", "-k", "--"),
               EXPECTED({ARGUMENTS_OPERAND, "-k", NULL}, {ARGUMENTS_OPERAND, "--", NULL}));
    check_line(LINE("-"), EXPECTED({ARGUMENTS_OPERAND, "-", NULL}));
}

static void wrong_options_are_wrong(void **state)
{
    static const struct got wrong[] = {{ARGUMENTS_WRONG, NULL, NULL}};

    (void)state;
    check_line(LINE("--kez", "x"), wrong);
    check_line(LINE("-z"), wrong);
    check_line(LINE("-k"), wrong);
    check_line(LINE("--pair", "1"), wrong);
    check_line(LINE("--clear=1"), wrong);
    check_line(LINE("--a-very-long-option-that-nobody-has-ever-thought-of-naming-so=1"), wrong);
}

static void the_nearest_word_is_found(void **state)
{
    (void)state;
    assert_int_equal(nearest_distance("sing", "sign"), 2);
    assert_int_equal(nearest_distance("slotsize", "slot-size"), 1);
    assert_int_equal(nearest_distance("", "merge"), 5);
    assert_true(nearest_is_close(1, "sign"));
    assert_false(nearest_is_close(3, "aws"));
}

static void numbers_are_decimal_hex_octal_or_binary(void **state)
{
    static const struct {
        const char *text;
        uint32_t value;
    } good[] = {
        {"0", 0},     {"471040", 471040}, {"0x73000", 0x73000},       {"0X1f", 0x1f},
        {"0o17", 15}, {"0b101", 5},       {"4294967295", UINT32_MAX}, {"0xffffffff", UINT32_MAX}};
    static const char *const bad[] = {"",           "x",          "0x",  "010",
                                      "-1",         "1 ",         " 1",  "1k",
                                      "0b2",        "4294967296", "0xg", "99999999999999999999999",
                                      "0x1ffffffff"};
    uint32_t number = 0;

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(value_number(good[i].text, UINT32_MAX, &number));
        assert_int_equal(number, good[i].value);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(value_number(bad[i], UINT32_MAX, &number));
    assert_false(value_number("256", 255, &number));
}

static void versions_are_imgtools(void **state)
{
    static const char *const bad[] = {"",          "1.",     "1.2.3+",          "1+2",
                                      "1.2+3",     "01.2.3", "1.2.3.4",         "256.0.0",
                                      "1.2.65536", "v1.2",   "1.2.3+4294967296"};
    struct image_version version;
    char text[VALUE_VERSION_TEXT_SIZE];

    (void)state;
    assert_true(value_version("255.255.65535+4294967295", &version));
    value_version_text(&version, text);
    assert_string_equal(text, "255.255.65535+4294967295");
    assert_true(value_version("1.0.1+0", &version));
    assert_true(value_version("3", &version));
    value_version_text(&version, text);
    assert_string_equal(text, "3.0.0+0");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(value_version(bad[i], &version));
}

static void dependencies_are_imgtools(void **state)
{
    static const char *const bad[] = {"",          "1, 1.2.3",   "(1)",       "(1, )",
                                      "(1, 1.2.3", "(256, 1.0)", "(1, 1.2),", "(1, 1.2) x"};
    struct image_dependency dependencies[2];

    (void)state;
    assert_int_equal(value_dependencies("(1, 1.2.3+0)", dependencies, 2), 1);
    assert_int_equal(dependencies[0].image, 1);
    assert_int_equal(dependencies[0].version.revision, 3);
    assert_int_equal(value_dependencies(" ( 0 ,1.0 ) , (2,3.4.5+6)", dependencies, 2), 2);
    assert_int_equal(dependencies[1].version.build, 6);
    /* Too many to be stored are counted. */
    assert_int_equal(value_dependencies("(1, 1.0), (2, 1.0), (3, 1.0)", dependencies, 2), 3);
    assert_int_equal(dependencies[1].image, 2);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(value_dependencies(bad[i], dependencies, 2), -1);
}

static void custom_values_are_hex_or_text(void **state)
{
    struct bytes bytes = {0};
    uint8_t uuid[16];

    (void)state;
    assert_true(value_bytes("0x1234aBcd", &bytes));
    assert_int_equal(bytes.size, 4);
    assert_memory_equal(bytes.data, "\x12\x34\xab\xcd", 4);
    bytes_free(&bytes);
    assert_true(value_bytes("plain text", &bytes));
    assert_int_equal(bytes.size, 10);
    bytes_free(&bytes);
    assert_false(value_bytes("0x123", &bytes));
    bytes_free(&bytes);
    assert_false(value_bytes("0x12g4", &bytes));
    bytes_free(&bytes);
    assert_true(value_uuid("6ba7b810-9dad-11d1-80b4-00c04fd430c8", uuid));
    assert_int_equal(uuid[15], 0xc8);
    assert_false(value_uuid("6ba7b810-9dad-11d1-80b4-00c04fd430c", uuid));
    assert_false(value_uuid("example.com", uuid));
    assert_true(value_uuid("6BA7B8109DAD11D180B400C04FD430C8", uuid));
    assert_int_equal(uuid[0], 0x6b);
    assert_false(value_uuid("6ba7b810-9dad-11d1-80b4-00c04fd430c8a", uuid));
    assert_false(value_uuid("6ba7b8109-dad-11d1-80b4-00c04fd430c8", uuid));
    assert_false(value_uuid("6ba7b810-9dad-11d1-80b400c04fd430c8", uuid));
    assert_false(value_uuid("6ba7b810-9dad-11d1-80b4-00c04fd430g8", uuid));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_are_taken_in_every_usual_form),
        cmocka_unit_test(wrong_options_are_wrong),
        cmocka_unit_test(the_nearest_word_is_found),
        cmocka_unit_test(numbers_are_decimal_hex_octal_or_binary),
        cmocka_unit_test(versions_are_imgtools),
        cmocka_unit_test(dependencies_are_imgtools),
        cmocka_unit_test(custom_values_are_hex_or_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
