/* What the secure services promise of small values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "secure/ps.h"
#include "tests/unit/secure/bench.h"

static void a_value_is_read_back_in_parts_and_over_a_reset(void **state)
{
    char text[16] = "";
    size_t length;
    (void)state;
    assert_int_equal(psa_its_set(0x100000002, 5, "otter", 0), PSA_SUCCESS);
    bench_restart();
    assert_int_equal(psa_its_get(0x100000002, 1, 3, text, &length), PSA_SUCCESS);
    assert_int_equal(length, 3);
    assert_string_equal(text, "tte");
    assert_int_equal(psa_its_get(0x100000002, 4, sizeof text, text, &length), PSA_SUCCESS);
    assert_int_equal(length, 1);
    assert_int_equal(psa_its_get(0x100000002, 6, 1, text, &length), PSA_ERROR_INVALID_ARGUMENT);
    assert_int_equal(psa_its_get(2, 0, 1, text, &length), PSA_ERROR_DOES_NOT_EXIST);
}

static void a_value_is_replaced_and_removed(void **state)
{
    struct psa_storage_info_t info;
    (void)state;
    assert_int_equal(psa_its_set(1, 5, "otter", 0), PSA_SUCCESS);
    assert_int_equal(psa_its_set(1, 2, "ab", 0), PSA_SUCCESS);
    assert_int_equal(psa_its_get_info(1, &info), PSA_SUCCESS);
    assert_int_equal(info.size, 2);
    assert_int_equal(psa_its_remove(1), PSA_SUCCESS);
    assert_int_equal(psa_its_remove(1), PSA_ERROR_DOES_NOT_EXIST);
    assert_int_equal(psa_its_get_info(1, &info), PSA_ERROR_DOES_NOT_EXIST);
}

static void what_is_written_once_stays(void **state)
{
    struct psa_storage_info_t info;
    (void)state;
    assert_int_equal(psa_its_set(1, 0, NULL, PSA_STORAGE_FLAG_WRITE_ONCE), PSA_SUCCESS);
    assert_int_equal(psa_its_set(1, 1, "x", 0), PSA_ERROR_NOT_PERMITTED);
    assert_int_equal(psa_its_remove(1), PSA_ERROR_NOT_PERMITTED);
    assert_int_equal(psa_its_get_info(1, &info), PSA_SUCCESS);
    assert_int_equal(info.flags, PSA_STORAGE_FLAG_WRITE_ONCE);
}

static void what_does_not_fit_is_refused(void **state)
{
    static uint8_t value[PSA_ITS_VALUE_MAX + 1];
    (void)state;
    assert_int_equal(psa_its_set(0, 1, "x", 0), PSA_ERROR_INVALID_ARGUMENT);
    assert_int_equal(psa_its_set(1, 1, "x", 2), PSA_ERROR_NOT_SUPPORTED);
    assert_int_equal(psa_its_set(1, PSA_ITS_VALUE_MAX + 1, value, 0),
                     PSA_ERROR_INSUFFICIENT_STORAGE);
    assert_int_equal(psa_its_set(1, PSA_ITS_VALUE_MAX, value, 0), PSA_SUCCESS);
}

/* Protected storage: the same, in numbers of its own. */
static void protected_values_are_others_than_internal_ones(void **state)
{
    struct psa_storage_info_t info;
    char text[8] = "";
    size_t length;
    const uint32_t flags =
        PSA_STORAGE_FLAG_NO_CONFIDENTIALITY | PSA_STORAGE_FLAG_NO_REPLAY_PROTECTION;
    (void)state;
    assert_int_equal(psa_its_set(1, 1, "i", 0), PSA_SUCCESS);
    assert_int_equal(psa_ps_get(1, 0, sizeof text, text, &length), PSA_ERROR_DOES_NOT_EXIST);
    assert_int_equal(psa_ps_set(1, 5, "otter", flags), PSA_SUCCESS);
    bench_restart();
    assert_int_equal(psa_ps_get(1, 1, 3, text, &length), PSA_SUCCESS);
    assert_int_equal(length, 3);
    assert_string_equal(text, "tte");
    assert_int_equal(psa_ps_get_info(1, &info), PSA_SUCCESS);
    assert_int_equal(info.size, 5);
    assert_int_equal(info.flags, flags);
    assert_int_equal(psa_ps_set(1, 1, "x", 8), PSA_ERROR_NOT_SUPPORTED);
    assert_int_equal(psa_ps_remove(1), PSA_SUCCESS);
    assert_int_equal(psa_ps_remove(1), PSA_ERROR_DOES_NOT_EXIST);
    assert_int_equal(psa_its_get(1, 0, 1, text, &length), PSA_SUCCESS);
    assert_int_equal(psa_ps_set(1, 1, "x", PSA_STORAGE_FLAG_WRITE_ONCE), PSA_SUCCESS);
    assert_int_equal(psa_ps_remove(1), PSA_ERROR_NOT_PERMITTED);
    assert_int_equal(psa_ps_get_support(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_value_is_read_back_in_parts_and_over_a_reset,
                                        bench_set_up, bench_tear_down),
        cmocka_unit_test_setup_teardown(a_value_is_replaced_and_removed, bench_set_up,
                                        bench_tear_down),
        cmocka_unit_test_setup_teardown(what_is_written_once_stays, bench_set_up, bench_tear_down),
        cmocka_unit_test_setup_teardown(what_does_not_fit_is_refused, bench_set_up,
                                        bench_tear_down),
        cmocka_unit_test_setup_teardown(protected_values_are_others_than_internal_ones,
                                        bench_set_up, bench_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
