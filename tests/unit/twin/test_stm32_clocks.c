/* Clocks, voltages and resets of the STM32U585 and the STM32H573, used as the register tables say.
 */
#include "tests/unit/twin/stm32_bench.h"

static void wire(void)
{
    if (soc->part->family == STM32_H5)
        soc->hse_hz = 25000000u;
}

static int switch_on(void **state)
{
    (void)state;
    return bench_on(&stm32_u585, wire);
}

static int switch_h5_on(void **state)
{
    (void)state;
    return bench_on(&stm32_h573, wire);
}

/* ---- clocks ---- */

static void the_u5_comes_to_160_mhz_by_the_tables_steps(void **state)
{
    (void)state;
    u5_voltage();
    u5_pll(4);
    assert_no_fault();
    assert_int_equal(get(RCC + 0x1c) >> 2 & 3, 3);
    assert_int_equal(twin_hz(soc->twin), 160000000);
    assert_int_equal(stm32_clock_hz(soc, STM32_PLL1Q), 0);
}

static void the_h5_comes_to_250_mhz_by_the_tables_steps(void **state)
{
    (void)state;
    h5_pll(5 | 2u << 4 | 1u << 8);
    assert_no_fault();
    assert_int_equal(get(RCC + 0x1c) >> 3 & 3, 3);
    assert_int_equal(twin_hz(soc->twin), 250000000);
    assert_int_equal(stm32_clock_hz(soc, STM32_PLL1Q), 250000000);
}

static void too_few_wait_states_are_named(void **state)
{
    (void)state;
    u5_voltage();
    u5_pll(3);
    assert_fault("FLASH.ACR.LATENCY is 3; 160000000 Hz needs 4 at voltage scale 3");
}

static void the_h5s_write_delay_belongs_to_its_wait_states(void **state)
{
    (void)state;
    h5_pll(5 | 1u << 4);
    assert_fault("FLASH.ACR.WRHIGHFREQ is 1; 250000000 Hz needs 2");
}

static void the_voltage_comes_before_the_clock(void **state)
{
    (void)state;
    set(RCC + 0x94, 1u << 2);
    put(FLASH, 4);
    put(RCC + 0x08, 1u << 23);
    assert_fault("the core goes to 48000000 Hz at PWR's voltage scale 0");
}

static void above_55_mhz_the_booster_is_there(void **state)
{
    (void)state;
    u5_voltage();
    put(FLASH, 4);
    put(RCC + 0x08, 1u << 23);
    put(RCC + 0x28, 1 | 3u << 2 | 2u << 8 | 1u << 18);
    put(RCC + 0x34, 9);
    set(RCC, 1u << 24);
    assert_true(comes(RCC, 1u << 25, 1u << 25));
    assert_no_fault();
    put(RCC + 0x1c, 3);
    assert_fault("before PWR.VOSR.BOOSTRDY");
}

static void the_pll_stays_as_it_is_while_it_runs(void **state)
{
    (void)state;
    h5_pll(5 | 2u << 4);
    put(RCC + 0x34, 98);
    assert_fault("changes RCC.PLL1DIVR (to 0x00000062) while PLL1ON is 1");
}

static void a_range_that_does_not_fit_the_reference_is_named(void **state)
{
    (void)state;
    set(RCC, 1u << 18 | 1u << 16);
    assert_true(comes(RCC, 1u << 17, 1u << 17));
    put(RCC + 0x28, 3 | 3u << 2 | 5u << 8);
    set(RCC, 1u << 24);
    assert_fault("PLL1RGE does not fit 5000000 Hz");
}

static void without_its_bypass_the_oscillator_never_gets_ready(void **state)
{
    (void)state;
    set(RCC, 1u << 16);
    pass(100 * TWIN_MS);
    assert_int_equal(get(RCC) >> 17 & 1, 0);
}

static void a_source_that_does_not_run_is_named(void **state)
{
    (void)state;
    put(RCC + 0x1c, 3);
    assert_fault("RCC.CFGR1.SW is 3: that source does not run");
}

static void the_clock_that_the_core_runs_on_is_not_stopped(void **state)
{
    (void)state;
    put(RCC, 0);
    assert_fault("stops the clock that the core runs on");
}

static void a_reset_brings_the_clocks_back(void **state)
{
    (void)state;
    h5_pll(5 | 2u << 4);
    twin_reset(soc->twin, TWIN_RESET_SYSTEM);
    assert_int_equal(twin_hz(soc->twin), 32000000);
    assert_int_equal(get(RCC) >> 24 & 1, 0);
    assert_no_fault();
}

static void reset_flags_tell_why_until_they_are_cleared(void **state)
{
    (void)state;
    assert_int_equal(get(RCC + 0xf4), 0x0c000000);
    put(RCC + 0xf4, 1u << 23);
    assert_int_equal(get(RCC + 0xf4), 0);
    put(0xe000ed0c, 0x05fa0004);
    pass(TWIN_MS);
    assert_int_equal(get(RCC + 0xf4), 0x14000000);
    twin_reset(soc->twin, TWIN_RESET_WATCHDOG);
    assert_int_equal(get(RCC + 0xf4), 0x34000000);
}

static void the_backup_domain_is_locked_at_first(void **state)
{
    (void)state;
    put(PWR + 0x24, 1);
    put(RCC + 0xf0, 1u << 26);
    assert_true(comes(RCC + 0xf0, 1u << 27, 1u << 27));
    put(PWR + 0x24, 0);
    put(RCC + 0xf0, 0);
    assert_fault("writes RCC.BDCR while PWR's DBP is 0");
}

static void a_source_of_the_pll_runs_before_it(void **state)
{
    (void)state;
    put(RCC + 0x28, 2 | 3u << 2); /* HSI */
    set(RCC, 1u << 24);
    assert_fault("PLL1ON is set while PLL1CFGR 0x0000000e has no source that runs");
}

static void a_vco_out_of_its_range_is_named(void **state)
{
    (void)state;
    set(RCC, 1u << 18 | 1u << 16);
    assert_true(comes(RCC, 1u << 17, 1u << 17));
    put(RCC + 0x28, 3 | 2u << 2 | 5u << 8);
    put(RCC + 0x34, 150);
    set(RCC, 1u << 24);
    assert_fault("the VCO would run at 755000000 Hz");
}

static void the_boosters_clock_is_in_its_range(void **state)
{
    (void)state;
    u5_voltage();
    put(FLASH, 1);
    put(RCC + 0x08, 1u << 23);
    put(RCC + 0x28, 1 | 3u << 2 | 2u << 8);
    set(PWR + 0x0c, 1u << 18);
    assert_fault("gives the booster 48000000 Hz, not 4 to 16 MHz");
}

static void the_booster_needs_a_fast_voltage_range(void **state)
{
    (void)state;
    set(RCC + 0x94, 1u << 2);
    put(RCC + 0x28, 1);
    set(PWR + 0x0c, 1u << 18);
    assert_fault("BOOSTEN is set at voltage range 4");
}

static void msis_is_left_alone_until_it_is_ready(void **state)
{
    (void)state;
    put(RCC + 0x08, 1u << 23 | 5u << 28);
    soc->stable_at[STM32_MSIS] = twin_now(soc->twin) + TWIN_MS;
    put(RCC + 0x08, 1u << 23 | 4u << 28);
    assert_fault("RCC.ICSCR1 while MSIS is on and not ready");
}

static void a_clock_beyond_the_voltages_reach_is_named(void **state)
{
    (void)state;
    put(FLASH, 5 | 2u << 4);
    set(RCC, 1u << 18 | 1u << 16);
    assert_true(comes(RCC, 1u << 17, 1u << 17));
    put(RCC + 0x28, 3 | 2u << 2 | 5u << 8 | 1u << 16);
    put(RCC + 0x34, 99 | 1u << 9);
    set(RCC, 1u << 24);
    assert_true(comes(RCC, 1u << 25, 1u << 25));
    put(RCC + 0x1c, 3);
    assert_fault("the core goes to 250000000 Hz at PWR's voltage scale 0");
}

static void wait_states_stay_while_the_clock_needs_them(void **state)
{
    (void)state;
    u5_voltage();
    u5_pll(4);
    put(FLASH, 0);
    assert_fault("FLASH.ACR.LATENCY is 0; 160000000 Hz needs 4");
}

static void prescalers_divide_the_buses(void **state)
{
    (void)state;
    u5_voltage();
    u5_pll(4);
    put(RCC + 0x20, 4u << 4 | 5u << 8);
    assert_int_equal(stm32_clock_hz(soc, STM32_PCLK1), 80000000);
    assert_int_equal(stm32_clock_hz(soc, STM32_PCLK2), 40000000);
    put(RCC + 0x20, 8);
    assert_int_equal(twin_hz(soc->twin), 80000000);
    assert_no_fault();
}

int main(void)
{
#define H5(name) cmocka_unit_test_setup_teardown(name, switch_h5_on, switch_off)
    const struct CMUnitTest tests[] = {
        TEST(the_u5_comes_to_160_mhz_by_the_tables_steps),
        H5(the_h5_comes_to_250_mhz_by_the_tables_steps),
        TEST(too_few_wait_states_are_named),
        H5(the_h5s_write_delay_belongs_to_its_wait_states),
        TEST(the_voltage_comes_before_the_clock),
        TEST(above_55_mhz_the_booster_is_there),
        H5(the_pll_stays_as_it_is_while_it_runs),
        H5(a_range_that_does_not_fit_the_reference_is_named),
        H5(without_its_bypass_the_oscillator_never_gets_ready),
        TEST(a_source_that_does_not_run_is_named),
        TEST(the_clock_that_the_core_runs_on_is_not_stopped),
        H5(a_reset_brings_the_clocks_back),
        H5(reset_flags_tell_why_until_they_are_cleared),
        H5(the_backup_domain_is_locked_at_first),
        TEST(a_source_of_the_pll_runs_before_it),
        H5(a_vco_out_of_its_range_is_named),
        TEST(the_boosters_clock_is_in_its_range),
        TEST(the_booster_needs_a_fast_voltage_range),
        TEST(msis_is_left_alone_until_it_is_ready),
        H5(a_clock_beyond_the_voltages_reach_is_named),
        TEST(wait_states_stay_while_the_clock_needs_them),
        TEST(prescalers_divide_the_buses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
