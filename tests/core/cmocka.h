/* As much of CMocka as the board-independent unit tests use, for a core without an operating system
 * (tests/core/README.md). A test that fails ends there, by longjmp; the group goes on. */
#ifndef OTTER_TESTS_CORE_CMOCKA_H
#define OTTER_TESTS_CORE_CMOCKA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct CMUnitTest {
    const char *name;
    void (*test)(void **state);
    int (*setup)(void **state);
    int (*teardown)(void **state);
    void *initial_state;
};

#define cmocka_unit_test(f)                                                                        \
    {                                                                                              \
#f, f, NULL, NULL, NULL                                                                    \
    }
#define cmocka_unit_test_setup(f, s)                                                               \
    {                                                                                              \
#f, f, s, NULL, NULL                                                                       \
    }
#define cmocka_unit_test_teardown(f, t)                                                            \
    {                                                                                              \
#f, f, NULL, t, NULL                                                                       \
    }
#define cmocka_unit_test_setup_teardown(f, s, t)                                                   \
    {                                                                                              \
#f, f, s, t, NULL                                                                          \
    }
#define cmocka_run_group_tests(tests, setup, teardown)                                             \
    cmocka_core_run(tests, sizeof(tests) / sizeof *(tests), setup, teardown)
#define cmocka_run_group_tests_name(name, tests, setup, teardown)                                  \
    cmocka_run_group_tests(tests, setup, teardown)

/* The number of tests that failed. */
int cmocka_core_run(const struct CMUnitTest *tests, size_t count, int (*setup)(void **state),
                    int (*teardown)(void **state));
/* Ends the present test when `good` is false. */
void cmocka_core_check(bool good, const char *what, const char *file, int line);
void cmocka_core_equal(uintmax_t a, uintmax_t b, bool wanted, const char *what, const char *file,
                       int line);
void cmocka_core_in_range(uintmax_t value, uintmax_t low, uintmax_t high, const char *what,
                          const char *file, int line);
_Noreturn void cmocka_core_fail(const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void print_message(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* CMocka widens the two as this does. */
#define CORE_NUMBER(a)     ((uintmax_t)(a))
#define assert_true(c)     cmocka_core_check((c) ? true : false, #c, __FILE__, __LINE__)
#define assert_false(c)    cmocka_core_check((c) ? false : true, "!(" #c ")", __FILE__, __LINE__)
#define assert_null(p)     cmocka_core_check((p) == NULL, #p " is NULL", __FILE__, __LINE__)
#define assert_non_null(p) cmocka_core_check((p) != NULL, #p " is not NULL", __FILE__, __LINE__)
#define assert_ptr_equal(a, b)                                                                     \
    cmocka_core_check((const void *)(a) == (const void *)(b), #a " is " #b, __FILE__, __LINE__)
#define assert_int_equal(a, b)                                                                     \
    cmocka_core_equal(CORE_NUMBER(a), CORE_NUMBER(b), true, #a " is " #b, __FILE__, __LINE__)
#define assert_int_not_equal(a, b)                                                                 \
    cmocka_core_equal(CORE_NUMBER(a), CORE_NUMBER(b), false, #a " is not " #b, __FILE__, __LINE__)
#define assert_in_range(v, low, high)                                                              \
    cmocka_core_in_range(CORE_NUMBER(v), CORE_NUMBER(low), CORE_NUMBER(high),                      \
                         #v " is in " #low " to " #high, __FILE__, __LINE__)
#define assert_string_equal(a, b)                                                                  \
    cmocka_core_check(strcmp(a, b) == 0, #a " reads " #b, __FILE__, __LINE__)
#define assert_string_not_equal(a, b)                                                              \
    cmocka_core_check(strcmp(a, b) != 0, #a " does not read " #b, __FILE__, __LINE__)
#define assert_memory_equal(a, b, size)                                                            \
    cmocka_core_check(memcmp(a, b, size) == 0, #a " holds " #b, __FILE__, __LINE__)
#define fail_msg(...) cmocka_core_fail(__FILE__, __LINE__, __VA_ARGS__)
#define fail()        fail_msg("it must not come here")

#endif
