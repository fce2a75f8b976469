/* ports/cortex-m/divide.c under another name, against the host's division. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

uint64_t divide(uint64_t number, uint64_t by, uint64_t *rest);

static void quotient_and_rest_are_those_of_the_host(void **state)
{
    static const uint64_t edges[] = {1,          2,
                                     3,          10,
                                     1000,       0x7fffffffu,
                                     0xffffffff, 0x100000000,
                                     1ull << 63, (1ull << 63) + 1,
                                     UINT64_MAX, 0x123456789abcdef0};
    enum { EDGES = sizeof edges / sizeof *edges };
    uint64_t random = 1;
    (void)state;
    for (unsigned i = 0; i < 20000; i++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        const uint64_t number = i < EDGES * EDGES ? edges[i / EDGES] : random >> i % 61;
        const uint64_t by = i < EDGES * EDGES ? edges[i % EDGES] : (random * 31u >> i % 59) | 1u;
        uint64_t rest;
        assert_true(divide(number, by, &rest) == number / by);
        assert_true(rest == number % by);
        assert_true(divide(number, by, NULL) == number / by);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quotient_and_rest_are_those_of_the_host),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
