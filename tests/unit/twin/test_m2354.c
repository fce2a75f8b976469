/* The M2354's clocks, UARTs, flash and random numbers, as its register tables have them. */
#include "tests/unit/twin/nuvoton_bench.h"
#include "tests/unit/twin/peer.h"

#define RTC   0x40041000u
#define UART4 0x40074000u

static void wire(void)
{
    heard_count = 0;
    peer.name = "the modem";
    uart_connect(&soc->uarts[4], &peer);
    soc->uarts[4].rx_pin = (struct nuvoton_pin){2, 6, 5};
    soc->uarts[4].tx_pin = (struct nuvoton_pin){2, 7, 5};
}

static int switch_on(void **state)
{
    (void)state;
    return bench_on(&nuvoton_m2354, wire);
}

static void to_96_mhz(uint32_t cycle)
{
    unlock();
    put(CLK + 0x40, 0x0008420e | 0x10000);
    put(CLK + 0x40, 0x0008420e);
    assert_true(comes(CLK + 0x50, 4, 4));
    assert_true(comes(SYS + 0x1f8, 0x80, 0));
    put(SYS + 0x1f8, 0);
    assert_true(comes(SYS + 0x1fc, 1, 0));
    put(FMC + 0x4c, cycle);
    put(CLK + 0x10, (get(CLK + 0x10) & ~7u) | 2);
}

static void the_core_comes_to_96_mhz_by_the_tables_steps(void **state)
{
    (void)state;
    to_96_mhz(0x104);
    assert_no_fault();
    assert_int_equal(twin_hz(soc->twin), 96000000);
}

static void wait_states_tune_themselves_unless_told_not_to(void **state)
{
    (void)state;
    to_96_mhz(0x001);
    assert_no_fault();
    put(FMC + 0x4c, 0x103);
    assert_fault("FMC.CYCCTL is 3; flash needs 4 at 96000000 Hz");
}

static void each_speed_has_its_power_level(void **state)
{
    (void)state;
    unlock();
    put(CLK + 0x40, 0x0008420e);
    assert_true(comes(CLK + 0x50, 4, 4));
    put(CLK + 0x10, (get(CLK + 0x10) & ~7u) | 2);
    assert_fault("SYS.PLCTL is at level 2, which 96000000 Hz is too fast for");
}

static void open_uart4(uint32_t select)
{
    unlock();
    put(CLK + 0x04, get(CLK + 0x04) | 1u << 26);
    put(CLK + 0x08, 1u << 20);
    put(CLK + 0x1c, select << 24);
    put(SYS + 0x30 + 8 * 2, 0x55000000);
    put(UART4 + 0x0c, 3);
    put(UART4 + 0x24, 3u << 28 | 102);
}

static void a_uarts_selector_has_three_bits(void **state)
{
    (void)state;
    open_uart4(3);
    put(UART4, 'A');
    pass(TWIN_MS);
    assert_int_equal(heard_count, 1);
    put(CLK + 0x1c, 5u << 24);
    put(UART4, 'A');
    assert_fault("UART4 runs at 0 bit/s");
}

#define TIMER0 0x40050000u
#define TIMER2 0x40051000u

static void start_timer(uint32_t timer)
{
    put(timer + 0x04, 0xffffff);
    put(timer, 1u << 30 | 3u << 27 | 11);
}

/* TIMER0 from HIRC, TIMER2 from LIRC: each has a selector, a gate and a reset bit of its own. */
static void two_timers_count_by_themselves(void **state)
{
    (void)state;
    unlock();
    put(CLK, get(CLK) | 8u);
    put(CLK + 0x14, 7u << 8 | 5u << 16);
    put(CLK + 0x08, 1u << 2 | 1u << 4);
    start_timer(TIMER0);
    start_timer(TIMER2);
    const uint32_t first = get(TIMER0 + 0x0c), second = get(TIMER2 + 0x0c);
    pass(300 * TWIN_MS);
    assert_in_range(get(TIMER0 + 0x0c) - first, 299990, 300010);
    assert_in_range(get(TIMER2 + 0x0c) - second, 799, 801); /* 32 kHz / 12 */
    put(SYS + 0x0c, 1u << 4);
    put(SYS + 0x0c, 0);
    assert_int_equal(get(TIMER2 + 0x0c), 0);
    assert_in_range(get(TIMER0 + 0x0c) - first, 299990, 300100);
    assert_no_fault();
    put(CLK + 0x08, 1u << 2);
    (void)get(TIMER2 + 0x0c);
    assert_fault("TIMER2");
}

static void a_page_is_two_kib(void **state)
{
    static const uint8_t zeros[0x1000];
    (void)state;
    assert_true(nuvoton_program(soc, 0x80000, zeros, sizeof zeros));
    unlock();
    put(FMC, 0x09);
    put(FMC + 0x0c, 0x22);
    put(FMC + 0x04, 0x80800);
    put(FMC + 0x10, 1);
    pass(100 * TWIN_MS);
    assert_int_equal(soc->aprom.bytes[0x807ff], 0x00);
    assert_int_equal(soc->aprom.bytes[0x80800], 0xff);
}

static void there_are_no_erase_blocks(void **state)
{
    (void)state;
    unlock();
    put(FMC, 0x09);
    put(FMC + 0x0c, 0x25);
    put(FMC + 0x04, 0x80000);
    put(FMC + 0x10, 1);
    assert_fault("M2354KJFAE has no FMC command 0x25");
}

static void bits_that_ispctl_lacks_are_named(void **state)
{
    (void)state;
    unlock();
    put(FMC, 0x0b);
    assert_fault("bits that M2354KJFAE does not have");
}

static void the_core_says_which_it_is(void **state)
{
    (void)state;
    assert_int_equal(get(0xe000ed00) >> 4 & 0xfff, 0xd20);
}

static void the_cycle_counter_is_missing(void **state)
{
    (void)state;
    get(0xe0001004);
    assert_fault("0xe0001004, where no peripheral is modelled");
}

static void start_generator(void)
{
    unlock();
    put(CLK + 0x08, 2);
    put(CLK + 0x0c, 1u << 25);
    put(RTC + 0x100, get(RTC + 0x100) | 0x41);
    assert_true(comes(CLK + 0x50, 0x200, 0x200));
    put(TRNG + 0x0c, 0x80);
}

static void random_bytes_come_on_the_rtcs_32_khz(void **state)
{
    (void)state;
    start_generator();
    assert_true(comes(TRNG, 0x80, 0x80));
    put(TRNG, 1);
    assert_true(comes(TRNG, 2, 2));
    get(TRNG + 4);
    assert_int_equal(get(TRNG) & 2, 0);
    assert_no_fault();
}

static void the_generator_without_the_rtcs_clock_is_named(void **state)
{
    (void)state;
    unlock();
    put(CLK + 0x0c, 1u << 25);
    put(CLK + 0x08, 2);
    put(TRNG + 0x0c, 0x80);
    assert_fault("without the RTC's LIRC32");
}

static void a_seed_is_made_once_and_ends_itself(void **state)
{
    (void)state;
    start_generator();
    assert_true(comes(TRNG, 0x80, 0x80));
    put(TRNG, 0x100);
    assert_int_equal(get(TRNG) & 0x300, 0x100);
    assert_true(comes(TRNG, 0x300, 0x200));
    assert_no_fault();
}

/* Runs one instruction, or two halfwords of one, at 0x100, then sleeps. */
static enum twin_end run_code(uint16_t first, uint16_t second)
{
    const uint16_t code[] = {first, second, 0xbf30, 0xe7fd};
    assert_true(nuvoton_program(soc, 0x100, (const uint8_t *)code, sizeof code));
    twin_reset(soc->twin, TWIN_RESET_POWER);
    return twin_run(soc->twin, twin_now(soc->twin) + TWIN_MS);
}

static void instructions_of_the_m33_alone_are_named(void **state)
{
    (void)state;
    assert_int_equal(run_code(0xf240, 0x1034), TWIN_STOPPED); /* movw r0, #0x134 */
    assert_int_equal(run_code(0xfbb1, 0xf0f0), TWIN_STOPPED); /* udiv r0, r1, r0 */
    assert_int_equal(run_code(0xf3bf, 0x8f4f), TWIN_STOPPED); /* dsb */
    assert_int_equal(run_code(0xbf00, 0xbf00), TWIN_STOPPED); /* nop */
    assert_int_equal(run_code(0xfb01, 0xf000), TWIN_FAULT);   /* mul.w r0, r1, r0 */
    assert_fault("executes fb01 f000 at 0x00000100, which a Cortex-M23 has not");
}

static void an_access_that_is_not_aligned_is_named(void **state)
{
    /* adr r0, .+4; adds r0, #1; ldr r1, [r0]; wfi; b .-2 */
    static const uint16_t code[] = {0xa000, 0x3001, 0x6801, 0xbf30, 0xe7fd};
    (void)state;
    assert_true(nuvoton_program(soc, 0x100, (const uint8_t *)code, sizeof code));
    twin_reset(soc->twin, TWIN_RESET_POWER);
    assert_int_equal(twin_run(soc->twin, twin_now(soc->twin) + TWIN_MS), TWIN_FAULT);
    assert_fault("reads 4 bytes at 0x00000105, not aligned: a Cortex-M23 traps");
}

static void an_access_that_is_trusted_is_not_looked_at(void **state)
{
    static const uint16_t code[] = {0xa000, 0x3001, 0x6801, 0xbf30, 0xe7fd};
    (void)state;
    twin_trust_alignment(soc->twin);
    assert_true(nuvoton_program(soc, 0x100, (const uint8_t *)code, sizeof code));
    twin_reset(soc->twin, TWIN_RESET_POWER);
    assert_int_equal(twin_run(soc->twin, twin_now(soc->twin) + TWIN_MS), TWIN_STOPPED);
    assert_int_equal(run_code(0xfb01, 0xf000), TWIN_FAULT); /* what the core has not stays named */
}

static void an_it_block_is_named(void **state)
{
    (void)state;
    assert_int_equal(run_code(0xbf08, 0xbf00), TWIN_FAULT);
    assert_fault("which a Cortex-M23 has not");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_core_comes_to_96_mhz_by_the_tables_steps),
        TEST(wait_states_tune_themselves_unless_told_not_to),
        TEST(each_speed_has_its_power_level),
        TEST(a_uarts_selector_has_three_bits),
        TEST(two_timers_count_by_themselves),
        TEST(a_page_is_two_kib),
        TEST(there_are_no_erase_blocks),
        TEST(bits_that_ispctl_lacks_are_named),
        TEST(the_core_says_which_it_is),
        TEST(the_cycle_counter_is_missing),
        TEST(random_bytes_come_on_the_rtcs_32_khz),
        TEST(the_generator_without_the_rtcs_clock_is_named),
        TEST(a_seed_is_made_once_and_ends_itself),
        TEST(instructions_of_the_m33_alone_are_named),
        TEST(an_it_block_is_named),
        TEST(an_access_that_is_not_aligned_is_named),
        TEST(an_access_that_is_trusted_is_not_looked_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
