/* Where the Nuvoton parts' random numbers come from besides the TRNG: the PRNG of CRPT, and the
 * noise of the M487's ADC. */
#include "tests/unit/twin/nuvoton_bench.h"

#define M487_CRPT 0x50080000u
#define CRPT      0x40032000u
#define EADC      0x40043000u
#define RTC       0x40041000u

static int switch_on(void **state)
{
    (void)state;
    return bench_on(&nuvoton_m487, NULL);
}

static int switch_m467_on(void **state)
{
    (void)state;
    return bench_on(&nuvoton_m467, NULL);
}

static int switch_m2354_on(void **state)
{
    (void)state;
    return bench_on(&nuvoton_m2354, NULL);
}

/* ---- the PRNG ---- */

static void open_crpt(void)
{
    unlock();
    put(CLK + 0x04, get(CLK + 0x04) | 1u << 12);
}

static void keys_follow_from_the_seed(void **state)
{
    (void)state;
    open_crpt();
    uint32_t keys[3];
    for (unsigned i = 0; i < 3; i++) {
        put(M487_CRPT + 0x0c, i < 2 ? 77 : 78);
        put(M487_CRPT + 0x08, 3 | 3u << 2);
        assert_int_equal(get(M487_CRPT + 0x08) & 0x100, 0x100);
        assert_true(comes(M487_CRPT + 0x08, 0x100, 0));
        keys[i] = get(M487_CRPT + 0x2c);
    }
    assert_int_equal(keys[0], keys[1]);
    assert_int_not_equal(keys[0], keys[2]);
    assert_no_fault();
}

static void without_a_reload_the_next_key_differs(void **state)
{
    (void)state;
    open_crpt();
    put(M487_CRPT + 0x0c, 77);
    put(M487_CRPT + 0x08, 3 | 3u << 2);
    assert_true(comes(M487_CRPT + 0x08, 0x100, 0));
    const uint32_t first = get(M487_CRPT + 0x10);
    put(M487_CRPT + 0x08, 1 | 3u << 2);
    assert_true(comes(M487_CRPT + 0x08, 0x100, 0));
    assert_int_not_equal(get(M487_CRPT + 0x10), first);
    assert_no_fault();
}

static void an_unseeded_prng_is_named(void **state)
{
    (void)state;
    open_crpt();
    put(M487_CRPT + 0x08, 1 | 3u << 2);
    assert_fault("without a seed");
}

static void a_key_of_another_size_is_named(void **state)
{
    (void)state;
    open_crpt();
    put(M487_CRPT + 0x08, 3 | 6u << 2);
    assert_fault("PRNG_CTL.KEYSZ is 6; only keys of 256 bits, 3,");
}

static void a_key_is_waited_for(void **state)
{
    (void)state;
    open_crpt();
    put(M487_CRPT + 0x08, 3 | 3u << 2);
    get(M487_CRPT + 0x10);
    assert_fault("reads PRNG_KEY while the PRNG is busy");
}

static void bits_of_a_sibling_are_named(void **state)
{
    (void)state;
    open_crpt();
    put(M487_CRPT + 0x08, 0x10003 | 3u << 2);
    assert_fault("bits that M487JIDAE does not have");
}

static void the_m467_takes_prng_seed_only_when_told(void **state)
{
    (void)state;
    open_crpt();
    put(CRPT + 0x0c, 77);
    put(CRPT + 0x08, 0x10003 | 6u << 2);
    assert_true(comes(CRPT + 0x08, 0x100, 0));
    assert_no_fault();
    put(CRPT + 0x08, 3 | 6u << 2);
    assert_fault("the TRNG, which then seeds, is not ready");
}

static void the_m2354s_crypto_needs_power(void **state)
{
    (void)state;
    open_crpt();
    get(CRPT + 0x08);
    assert_fault("CRPT.PRNG_CTL while it has no power");
}

static void open_m2354(void)
{
    open_crpt();
    put(SYS + 0x1f4, 0x1000);
    put(CLK + 0x08, 2);
    put(CLK + 0x0c, 1u << 25);
    put(RTC + 0x100, get(RTC + 0x100) | 0x41);
    assert_true(comes(CLK + 0x50, 0x200, 0x200));
    put(TRNG + 0x0c, 0x80);
    assert_true(comes(TRNG, 0x80, 0x80));
}

static void the_m2354s_trng_seeds_its_prng(void **state)
{
    (void)state;
    open_m2354();
    put(TRNG, 0x100);
    assert_true(comes(TRNG, 0x200, 0x200));
    put(CRPT + 0x08, 0x40);
    assert_int_equal(get(CRPT + 0x08) & 0x80, 0x80);
    put(CRPT + 0x08, 0x5b);
    assert_true(comes(CRPT + 0x08, 0x100, 0));
    const uint32_t first = get(CRPT + 0x10);
    put(CRPT + 0x08, 0x5b);
    assert_true(comes(CRPT + 0x08, 0x100, 0));
    assert_int_not_equal(get(CRPT + 0x10), first);
    assert_no_fault();
}

static void seedsel_waits_for_the_seed(void **state)
{
    (void)state;
    open_m2354();
    put(CRPT + 0x08, 0x40);
    assert_fault("SEEDSEL is set before TRNG.CTL.SEEDRDY");
}

/* ---- the ADC ---- */

static void open_eadc(void)
{
    unlock();
    put(CLK + 0x08, get(CLK + 0x08) | 1u << 28);
    put(CLK + 0x20, 254u << 16);
    put(EADC + 0x50, 1);
    assert_true(comes(EADC + 0x110, 1, 1));
    put(EADC + 0x80 + 4 * 16, 15u << 24);
}

static uint32_t convert(void)
{
    put(EADC + 0x54, 1u << 16);
    for (unsigned i = 0; i < 10000; i++) {
        const uint32_t data = get(EADC + 4 * 16);
        if (data >> 17 & 1)
            return data & 0xfff;
        pass(100 * TWIN_US);
    }
    fail_msg("no result");
    return 0;
}

static void the_band_gaps_low_bits_are_noise(void **state)
{
    (void)state;
    open_eadc();
    unsigned odd = 0, different = 0;
    uint32_t last = 0;
    for (unsigned i = 0; i < 1000; i++) {
        const uint32_t value = convert();
        assert_in_range(value, 1400, 1600);
        odd += value & 1;
        different += value != last;
        last = value;
    }
    assert_in_range(odd, 400, 600);
    assert_in_range(different, 500, 1000);
    soc->random_stuck = true;
    last = convert();
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(convert(), last);
    assert_no_fault();
}

static void the_adc_has_power_before_it_converts(void **state)
{
    (void)state;
    unlock();
    put(CLK + 0x08, get(CLK + 0x08) | 1u << 28);
    put(EADC + 0x50, 1);
    put(EADC + 0x54, 1u << 16);
    assert_fault("EADC is triggered before PWRM.PWUPRDY is 1");
}

static void a_conversion_is_waited_for(void **state)
{
    (void)state;
    open_eadc();
    put(EADC + 0x54, 1u << 16);
    put(EADC + 0x54, 1u << 16);
    assert_fault("EADC is triggered while it converts");
}

#define TEST_M467(name)  cmocka_unit_test_setup_teardown(name, switch_m467_on, switch_off)
#define TEST_M2354(name) cmocka_unit_test_setup_teardown(name, switch_m2354_on, switch_off)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(keys_follow_from_the_seed),
        TEST(without_a_reload_the_next_key_differs),
        TEST(an_unseeded_prng_is_named),
        TEST(a_key_of_another_size_is_named),
        TEST(a_key_is_waited_for),
        TEST(bits_of_a_sibling_are_named),
        TEST_M467(the_m467_takes_prng_seed_only_when_told),
        TEST_M2354(the_m2354s_crypto_needs_power),
        TEST_M2354(the_m2354s_trng_seeds_its_prng),
        TEST_M2354(seedsel_waits_for_the_seed),
        TEST(the_band_gaps_low_bits_are_noise),
        TEST(the_adc_has_power_before_it_converts),
        TEST(a_conversion_is_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
