/* What seeds the generator is watched: the tests of NIST SP 800-90B, section 4.4, with cut-offs
 * that are computed here from its formulas, and no random bytes from a source that fails them. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "port/log.h"
#include "port/port.h"
#include "ports/cortex-m/entropy.h"

/* ---- the source and the rest of a port ---- */

static enum { GOOD, STUCK, BIASED, SILENT } kind;
static unsigned asked, good_for; /* bytes before it goes wrong */
static uint64_t noise;
static char last_line[LOG_LINE_MAX];

bool chip_entropy_byte(uint8_t *byte)
{
    noise = noise * 6364136223846793005ull + 1442695040888963407ull;
    *byte = (uint8_t)(noise >> 56);
    if (asked++ < good_for || kind == GOOD)
        return true;
    if (kind == STUCK)
        *byte = 0x5a;
    else if (kind == BIASED && (noise >> 50 & 3) != 0)
        *byte = 0x5a;
    return kind != SILENT;
}

void port_log_write(const char *line, size_t length)
{
    memcpy(last_line, line, length);
    last_line[length] = '\0';
}

otter_ms port_now(void)
{
    return 0;
}

static int fresh(void **state)
{
    (void)state;
    kind = GOOD;
    asked = good_for = 0;
    noise = 1;
    last_line[0] = '\0';
    return 0;
}

/* ---- cut-offs ---- */

#define ENTROPY_BITS 4.0
#define ALPHA_BITS   20.0

static void the_cut_offs_are_those_of_the_standard(void **state)
{
    (void)state;
    assert_int_equal(ENTROPY_REPEATS_MAX, 1 + (int)ceil(ALPHA_BITS / ENTROPY_BITS));
    const double p = pow(2, -ENTROPY_BITS), alpha = pow(2, -ALPHA_BITS);
    double chance = pow(1 - p, ENTROPY_WINDOW), sum = chance; /* of exactly k, of up to k */
    unsigned k = 0;
    for (; sum < 1 - alpha; sum += chance, k++)
        chance *= (double)(ENTROPY_WINDOW - k) / (k + 1) * p / (1 - p);
    assert_int_equal(ENTROPY_SEEN_MAX, 1 + k);
}

static void five_bytes_alike_pass_and_six_do_not(void **state)
{
    struct entropy_health health = {0};
    (void)state;
    for (unsigned i = 0; i < ENTROPY_REPEATS_MAX - 1; i++)
        assert_true(entropy_is_healthy(&health, 7));
    assert_true(entropy_is_healthy(&health, 8));
    for (unsigned i = 0; i < ENTROPY_REPEATS_MAX - 1; i++)
        assert_true(entropy_is_healthy(&health, 7));
    assert_false(entropy_is_healthy(&health, 7));
}

/* True if a window in which its first byte comes `count` times passes. */
static bool window_passes(struct entropy_health *health, unsigned count)
{
    bool passes = true;
    for (unsigned i = 0; i < ENTROPY_WINDOW; i++) {
        const bool again = i % 4 == 0 && i / 4 < count;
        passes = entropy_is_healthy(health, again ? 1 : (uint8_t)(2 + i % 200)) && passes;
    }
    return passes;
}

static void a_byte_that_comes_too_often_in_a_window_fails(void **state)
{
    struct entropy_health health = {0};
    (void)state;
    assert_true(window_passes(&health, ENTROPY_SEEN_MAX - 1));
    assert_true(window_passes(&health, ENTROPY_SEEN_MAX - 1)); /* counted anew */
    assert_false(window_passes(&health, ENTROPY_SEEN_MAX));
}

/* ---- the generator ---- */

static void a_good_source_seeds_the_generator(void **state)
{
    uint8_t one[4000], two[sizeof one]; /* more than one request of the generator */
    (void)state;
    assert_int_equal(entropy_start(), OTTER_OK);
    assert_int_equal(port_random(one, sizeof one), OTTER_OK);
    assert_int_equal(port_random(two, sizeof two), OTTER_OK);
    assert_memory_not_equal(one, two, sizeof one);
    assert_string_equal(last_line, "");
}

static void assert_refused(void)
{
    uint8_t bytes[16];
    assert_int_not_equal(entropy_start(), OTTER_OK);
    assert_int_equal(port_random(bytes, sizeof bytes), OTTER_E_CRYPTO);
    assert_non_null(strstr(last_line, "keys and connections are refused"));
}

static void a_stuck_source_gives_no_random_bytes(void **state)
{
    (void)state;
    kind = STUCK;
    assert_refused();
    assert_int_equal(asked, ENTROPY_REPEATS_MAX); /* at once */
}

static void a_biased_source_gives_no_random_bytes(void **state)
{
    (void)state;
    kind = BIASED;
    assert_refused();
}

static void a_source_without_bytes_gives_no_random_bytes(void **state)
{
    (void)state;
    kind = SILENT;
    assert_refused();
    assert_int_equal(asked, 1);
}

static void a_source_that_fails_while_it_seeds_gives_no_random_bytes(void **state)
{
    (void)state;
    kind = SILENT;
    good_for = 260; /* the start-up test is through */
    assert_refused();
}

/* A request more or less: when the generator asks again is its own affair. */
static void a_source_that_fails_later_is_not_used_again(void **state)
{
    uint8_t bytes[16];
    unsigned requests = 0;
    (void)state;
    kind = STUCK;
    good_for = 600;
    assert_int_equal(entropy_start(), OTTER_OK);
    while (requests < 60000 && port_random(bytes, sizeof bytes) == OTTER_OK)
        requests++;
    assert_in_range(requests, 1, 59999);
    kind = GOOD;
    assert_int_equal(port_random(bytes, sizeof bytes), OTTER_E_CRYPTO);
}

static void a_source_that_has_failed_works_after_a_restart(void **state)
{
    uint8_t bytes[16];
    (void)state;
    kind = STUCK;
    assert_refused();
    kind = GOOD;
    assert_int_equal(entropy_start(), OTTER_OK);
    assert_int_equal(port_random(bytes, sizeof bytes), OTTER_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_cut_offs_are_those_of_the_standard),
        cmocka_unit_test(five_bytes_alike_pass_and_six_do_not),
        cmocka_unit_test(a_byte_that_comes_too_often_in_a_window_fails),
        cmocka_unit_test_setup(a_good_source_seeds_the_generator, fresh),
        cmocka_unit_test_setup(a_stuck_source_gives_no_random_bytes, fresh),
        cmocka_unit_test_setup(a_biased_source_gives_no_random_bytes, fresh),
        cmocka_unit_test_setup(a_source_without_bytes_gives_no_random_bytes, fresh),
        cmocka_unit_test_setup(a_source_that_fails_while_it_seeds_gives_no_random_bytes, fresh),
        cmocka_unit_test_setup(a_source_that_fails_later_is_not_used_again, fresh),
        cmocka_unit_test_setup(a_source_that_has_failed_works_after_a_restart, fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
