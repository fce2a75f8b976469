/* The bootloader's printf writes what the C library's writes, for the conversions that it has. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

int boot_snprintf(char *text, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Both are given the same; the buffer is filled before, to see what is left alone. */
#define assert_same_text(size, ...)                                                                \
    do {                                                                                           \
        char ours[64], theirs[64];                                                                 \
        memset(ours, '#', sizeof ours);                                                            \
        memset(theirs, '#', sizeof theirs);                                                        \
        const int our_length = boot_snprintf(ours, (size), __VA_ARGS__);                           \
        const int their_length = snprintf(theirs, (size), __VA_ARGS__);                            \
        assert_int_equal(our_length, their_length);                                                \
        assert_memory_equal(ours, theirs, sizeof ours);                                            \
    } while (0)

static void text_without_conversions_is_copied(void **state)
{
    (void)state;
    assert_same_text(64, "Starting bootloader");
}

static void numbers_are_written(void **state)
{
    (void)state;
    assert_same_text(64, "%d %d %d %d", 0, -1, INT_MAX, INT_MIN);
    assert_same_text(64, "%u %u %lu", 0u, UINT_MAX, 4096ul);
    assert_same_text(64, "0x%x %lx", 0xffu, 0xdeadbeeful);
}

static void widths_are_kept_on_both_sides(void **state)
{
    (void)state;
    assert_same_text(64, "%8lu|%6d|%-6d|%1u", 15487ul, -12, -12, 1234u);
    assert_same_text(64, "%5s|%-5s|", "ab", "ab");
}

static void the_log_line_looks_as_everywhere(void **state)
{
    (void)state;
    assert_same_text(64, "<%s> %8lu [%-10.10s] ", "INF", 77ul, "BOOT");
    assert_same_text(64, "[%-10.10s]", "LONGER THAN TEN");
}

static const char *volatile too_long = "a text that does not fit";

static void what_does_not_fit_is_cut_and_counted(void **state)
{
    (void)state;
    assert_same_text(12, "%s", too_long);
    assert_same_text(1, "%s", too_long);
    assert_same_text(0, "%s", too_long);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_without_conversions_is_copied),
        cmocka_unit_test(numbers_are_written),
        cmocka_unit_test(widths_are_kept_on_both_sides),
        cmocka_unit_test(the_log_line_looks_as_everywhere),
        cmocka_unit_test(what_does_not_fit_is_cut_and_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
