/* See cmocka.h. Prints a line for each test that fails, and one with their number. */
#include "tests/core/cmocka.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

static jmp_buf failed;

void print_message(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
}

void cmocka_core_fail(const char *file, int line, const char *format, ...)
{
    va_list arguments;
    printf("%s:%d: ", file, line);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
    longjmp(failed, 1);
}

void cmocka_core_check(bool good, const char *what, const char *file, int line)
{
    if (!good)
        cmocka_core_fail(file, line, "not so: %s", what);
}

void cmocka_core_equal(uintmax_t a, uintmax_t b, bool wanted, const char *what, const char *file,
                       int line)
{
    if ((a == b) != wanted)
        cmocka_core_fail(file, line, "not so: %s (0x%lx, 0x%lx)", what, (unsigned long)a,
                         (unsigned long)b);
}

void cmocka_core_in_range(uintmax_t value, uintmax_t low, uintmax_t high, const char *what,
                          const char *file, int line)
{
    if (value < low || value > high)
        cmocka_core_fail(file, line, "not so: %s (0x%lx)", what, (unsigned long)value);
}

static bool passes(const struct CMUnitTest *test)
{
    void *state = NULL;
    if (setjmp(failed) != 0)
        return false;
    if (test->setup != NULL && test->setup(&state) != 0)
        cmocka_core_fail(test->name, 0, "its setup failed");
    test->test(&state);
    if (test->teardown != NULL)
        (void)test->teardown(&state);
    return true;
}

int cmocka_core_run(const struct CMUnitTest *tests, size_t count, int (*setup)(void **state),
                    int (*teardown)(void **state))
{
    static int failures; /* kept over longjmp */
    void *state = NULL;
    failures = 0;
    if (setup != NULL && setup(&state) != 0)
        return 1;
    for (size_t i = 0; i < count; i++) {
        const struct CMUnitTest *const test = &tests[i];
        if (passes(test))
            continue;
        failures++;
        printf("FAIL %s\n", test->name);
    }
    if (teardown != NULL)
        (void)teardown(&state);
    printf("%u tests, %d failed\n", (unsigned)count, failures);
    return failures;
}
