/* The M487's clocks, pins and missing generator, as its register tables have them. */
#include "tests/unit/twin/nuvoton_bench.h"

static int switch_on(void **state)
{
    (void)state;
    return bench_on(&nuvoton_m487, NULL);
}

static void to_192_mhz(uint32_t bias)
{
    unlock();
    put(FMC + 0x4c, 8);
    put(CLK + 0x98, bias);
    put(CLK + 0x40, 0x0008421e | 0x10000);
    put(CLK + 0x40, 0x0008421e);
    assert_true(comes(CLK + 0x50, 4, 4));
    put(SYS + 0x1f8, 0);
    assert_true(comes(SYS + 0x1fc, 1, 0));
    put(CLK + 0x34, 0x11);
    put(CLK + 0x10, (get(CLK + 0x10) & ~7u) | 2);
}

static void the_core_comes_to_192_mhz_by_the_tables_steps(void **state)
{
    (void)state;
    to_192_mhz(0x40000);
    assert_no_fault();
    assert_int_equal(twin_hz(soc->twin), 192000000);
}

static void full_speed_needs_the_regulators_bias(void **state)
{
    (void)state;
    to_192_mhz(0);
    assert_fault("CLK.LDOCTL.PDBIASEN is off, which 192000000 Hz needs");
}

static void ports_need_no_clock(void **state)
{
    (void)state;
    put(GPIO + 0x1c0 + 0x08, 0xfffe);
    put(GPIO + 0x1c0 + 0x00, 1);
    assert_int_equal(get(GPIO + 0x1c0 + 0x10) & 1, 0);
    put(GPIO + 0x800 + 0x1c0, 1);
    assert_int_equal(get(GPIO + 0x1c0 + 0x10) & 1, 1);
    assert_no_fault();
}

static void there_is_no_port_i(void **state)
{
    (void)state;
    put(GPIO + 0x208, 0);
    assert_fault("M487JIDAE has no port PI");
}

static void pins_have_functions_of_four_bits(void **state)
{
    (void)state;
    put(SYS + 0x30 + 8 * 7 + 4, 0x000000aa); /* PH8, PH9: UART1 */
    assert_int_equal(pin_function(soc, 7, 8), 10);
    assert_int_equal(pin_function(soc, 7, 9), 10);
    put(SYS + 0x500, 0);
    assert_fault("SYS +0x500, a register that is not modelled");
}

static void the_banks_are_of_256_kib(void **state)
{
    (void)state;
    unlock();
    put(FMC, 0x09);
    put(FMC + 0x0c, 0x21);
    put(FMC + 0x04, 0x40000);
    put(FMC + 0x08, 0x12345678);
    put(FMC + 0x10, 1);
    assert_int_equal(get(FMC + 0x40) & 1, 1); /* the core runs from the other one */
    pass(TWIN_MS);
    uint32_t word;
    assert_true(twin_read_memory(soc->twin, 0x40000, &word, sizeof word));
    assert_int_equal(word, 0x12345678);
}

static void a_block_is_four_pages(void **state)
{
    static const uint8_t zeros[0x5000];
    (void)state;
    assert_true(nuvoton_program(soc, 0x44000, zeros, sizeof zeros));
    unlock();
    put(FMC, 0x09);
    put(FMC + 0x0c, 0x25);
    put(FMC + 0x04, 0x46000);
    put(FMC + 0x10, 1);
    pass(200 * TWIN_MS);
    assert_int_equal(soc->aprom.bytes[0x44000], 0xff);
    assert_int_equal(soc->aprom.bytes[0x47fff], 0xff);
    assert_int_equal(soc->aprom.bytes[0x48000], 0x00);
}

static void the_trng_that_only_the_header_has_never_gets_ready(void **state)
{
    (void)state;
    unlock();
    put(CLK + 0x0c, 1u << 25);
    put(TRNG + 0x0c, 0x80);
    assert_false(comes(TRNG, 0x80, 0x80));
    assert_no_fault();
}

static void banks_are_not_remapped(void **state)
{
    (void)state;
    unlock();
    put(FMC, 0x09);
    put(FMC + 0x0c, 0x2c);
    put(FMC + 0x10, 1);
    assert_fault("FMC command 0x2c");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_core_comes_to_192_mhz_by_the_tables_steps),
        TEST(full_speed_needs_the_regulators_bias),
        TEST(ports_need_no_clock),
        TEST(there_is_no_port_i),
        TEST(pins_have_functions_of_four_bits),
        TEST(the_banks_are_of_256_kib),
        TEST(a_block_is_four_pages),
        TEST(the_trng_that_only_the_header_has_never_gets_ready),
        TEST(banks_are_not_remapped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
