/* The STM32U585 with TZEN: what of registers, flash and RAM is whose (RM0456: GTZC, FLASH, RCC,
 * GPIO, EXTI). What needs a running core is asked of a program (guest_stm32_worlds.c). */
#include "tests/unit/twin/guest.h"
#include "tests/unit/twin/stm32_bench.h"

#define SECURE       0x10000000u
#define GTZC1        0x50032400u
#define EXTI         0x46022000u
#define SAU          0xe000edd0u
#define OPTIONS_BOOT 0x0c000000u

static const struct stm32_secure_options options = {OPTIONS_BOOT, {0x003f0000u, 0x0000007fu}};

/* Peripherals at their non-secure addresses are the other world's; all of GTZC's say so. */
static int switch_on(void **state)
{
    (void)state;
    (void)bench_on_with(&stm32_u585, &options, NULL);
    put(SAU + 8, 0);
    put(SAU + 12, 0x40000000u);
    put(SAU + 16, 0x4fffffe1u);
    put(SAU, 1);
    set(SECURE + RCC + 0x88, 1u << 24);
    set(SECURE + RCC + 0x8c, 0x1ffu);
    return 0;
}

static void the_options_of_the_secure_world_are_shown_and_not_the_programs(void **state)
{
    (void)state;
    assert_int_equal(get(SECURE + FLASH + 0x40) >> 31, 1);
    assert_int_equal(get(SECURE + FLASH + 0x4c), OPTIONS_BOOT);
    assert_int_equal(get(SECURE + FLASH + 0x50), 0x003f0000u);
    assert_int_equal(get(SECURE + FLASH + 0x60), 0x7fu);
    put(SECURE + FLASH + 0x50, 0);
    assert_fault("writes FLASH.SECWM1R1, which a programmer sets here");
}

static void a_peripheral_that_is_kept_does_not_answer_the_other_world(void **state)
{
    (void)state;
    put(GTZC1 + 0x10, 1u << 7);
    assert_int_equal(get(IWDG + SECURE + 0x0c), 0);
    assert_no_fault();
    (void)get(IWDG + 0x0c);
    assert_fault("IWDG.SR, but GTZC1_TZSC keeps it secure");
}

static void one_that_is_given_answers_both(void **state)
{
    (void)state;
    put(GTZC1 + 0x10, 0x1fffffu & ~1u);
    set(SECURE + RCC + 0x9c, 1);
    put(TIM2 + 0x28, 159);
    assert_int_equal(get(SECURE + TIM2 + 0x28), 159);
    assert_no_fault();
}

static void the_other_world_sets_no_border(void **state)
{
    (void)state;
    put(GTZC1 - SECURE + 0x10, 0);
    assert_fault("GTZC1_TZSC.SECCFGR1, but it is the secure world's");
}

static void the_other_world_has_no_register_of_secure_flash(void **state)
{
    (void)state;
    assert_int_equal(get(FLASH + 0x28), 0xc0000000u);
    assert_no_fault();
    put(FLASH + 0x2c, 0);
    assert_fault("FLASH.SECCR, but it is a register of the secure world");
}

static void unlock(uint32_t key)
{
    put(key, 0x45670123u);
    put(key, 0xcdef89abu);
}

/* They are not the secure world's: who keeps banks in their places is who locks the controller. */
static void the_other_world_has_options(void **state)
{
    (void)state;
    unlock(FLASH + 0x08);
    put(FLASH + 0x10, 0x08192a3bu);
    put(FLASH + 0x10, 0x4c5d6e7fu);
    put(FLASH + 0x40, get(FLASH + 0x40) | 1u << 20);
    assert_int_equal(get(SECURE + FLASH + 0x40) >> 20 & 1u, 1);
    assert_no_fault();
    put(FLASH + 0x50, 0);
    assert_fault("FLASH.SECWM1R1, but it is a register of the secure world");
}

static void a_wrong_key_of_the_secure_world_locks_the_other_half(void **state)
{
    (void)state;
    put(SECURE + FLASH + 0x08, 0);
    unlock(FLASH + 0x08);
    assert_int_equal(get(FLASH + 0x28), 0xc0000000u);
    unlock(SECURE + FLASH + 0x0c);
    assert_int_equal(get(SECURE + FLASH + 0x2c), 0);
    assert_no_fault();
    put(FLASH + 0x10, 0x08192a3bu);
    assert_fault("writes FLASH.OPTKEYR while NSCR.LOCK is 1");
}

static void a_pin_is_one_worlds(void **state)
{
    (void)state;
    put(GPIO + SECURE + 0x30, 0xfdffu); /* PA9 is given */
    put(GPIO + SECURE, 0xffffffffu);
    assert_int_equal(get(GPIO), 3u << 18);
    put(GPIO, 0);
    assert_int_equal(get(GPIO + SECURE), ~(3u << 18));
    put(GPIO + 0x18, 0xffffu);
    assert_int_equal(get(GPIO + SECURE + 0x14), 1u << 9);
    put(GPIO + 0x24, 0xffffffffu);
    assert_int_equal(get(GPIO + SECURE + 0x24), 0xfu << 4);
    assert_int_equal(get(GPIO + 0x30), 0);
    put(GPIO + 0x30, 0);
    assert_int_equal(get(GPIO + SECURE + 0x30), 0xfdffu);
    assert_no_fault();
}

static void a_line_of_exti_is_one_worlds(void **state)
{
    (void)state;
    put(EXTI + SECURE + 0x14, 0xbfffu);
    put(EXTI, 0xffffu);
    put(EXTI + 0x6c, 0x03030303u);
    assert_int_equal(get(EXTI + SECURE), 1u << 14);
    assert_int_equal(get(EXTI + SECURE + 0x6c), 0x00030000u);
    put(EXTI + SECURE + 0x80, 0xffffu);
    assert_int_equal(get(EXTI + 0x80), 1u << 14);
    assert_no_fault();
}

static void a_clock_gate_is_that_worlds_which_has_the_module(void **state)
{
    (void)state;
    put(GTZC1 + 0x10, 0x1fffffu & ~1u); /* TIM2 is given, */
    put(SECURE + RCC + 0x9c, 1u << 14); /* SPI2 is not */
    put(RCC + 0x9c, 1);
    assert_int_equal(get(SECURE + RCC + 0x9c), 1u << 14 | 1);
    assert_int_equal(get(RCC + 0x9c), 1);
    put(RCC + 0x8c, 0);
    assert_int_equal(get(SECURE + RCC + 0x8c) & 0x1ffu, 0x1ffu);
    assert_no_fault();
}

static void clocks_are_the_secure_worlds_where_it_keeps_them(void **state)
{
    (void)state;
    put(SECURE + RCC + 0x110, 0x1ffe); /* all but HSI16 */
    set(RCC, 1u << 8 | 1u << 12);
    assert_int_equal(get(SECURE + RCC) & (1u << 8 | 1u << 12), 1u << 8);
    put(SECURE + RCC + 0x110, 0);
    set(RCC, 1u << 12);
    assert_int_equal(get(SECURE + RCC) & 1u << 12, 1u << 12);
    assert_no_fault();
}

static int switch_one_world_on(void **state)
{
    (void)state;
    return bench_on(&stm32_u585, NULL);
}

static void without_tzen_there_is_no_secure_half(void **state)
{
    (void)state;
    put(FLASH + 0x2c, 1);
    assert_fault("writes FLASH's secure half while TZEN is 0");
}

/* ---- with a program ---- */

static void wire(void)
{
    add_mailbox(soc->twin, 0x4fff0000u);
    assert_true(stm32_program(soc, OPTIONS_BOOT, guest, (uint32_t)guest_size));
}

static int start_program(void **state)
{
    (void)state;
    return bench_on_with(&stm32_u585, &options, wire);
}

static enum twin_end run(char what)
{
    scenario = (uint32_t)what;
    return twin_run(soc->twin, twin_now(soc->twin) + 100u * TWIN_MS);
}

#define ASSERT_SAID(...)                                                                           \
    do {                                                                                           \
        static const uint32_t words[] = {__VA_ARGS__};                                             \
        assert_int_equal(said_count, sizeof words / sizeof *words);                                \
        assert_memory_equal(said, words, sizeof words);                                            \
    } while (0)
#define RUNS(what)                                                                                 \
    do {                                                                                           \
        if (run(what) != TWIN_STOPPED)                                                             \
            fail_msg("%s", twin_fault_text(bench));                                                \
    } while (0)

#define BLANK 0xffffffffu

static void a_secure_page_is_written_and_erased_by_the_secure_registers(void **state)
{
    (void)state;
    RUNS('w');
    ASSERT_SAID(0, 1, 2, 3, 4, BLANK, BLANK, BLANK, BLANK, 'z');
    assert_int_equal(twin_operations(bench), 2);
}

static void registers_of_the_wrong_world_change_no_page(void **state)
{
    (void)state;
    RUNS('r'); /* PGSERR of a store without PG, WRPERR of two erases */
    ASSERT_SAID(1u << 7, 1u << 4, 1u << 4, 'z');
    assert_int_equal(twin_operations(bench), 0);
}

static void a_page_that_was_given_is_written_by_the_other_registers(void **state)
{
    (void)state;
    RUNS('p');
    ASSERT_SAID(0, 1, 2, 3, 4, 'z');
}

static void its_secure_address_then_answers_no_more(void **state)
{
    (void)state;
    assert_int_equal(run('P'), TWIN_FAULT);
    assert_fault("reaches for 0x0c100400, but SECBB has given it away");
}

static void a_page_that_sau_alone_gives_away_is_kept(void **state)
{
    (void)state;
    assert_int_equal(run('k'), TWIN_FAULT);
    assert_fault("reaches for 0x08100400, but SECWM or SECBB keeps it secure");
}

static void ram_that_was_given_is_reached_by_its_other_address_alone(void **state)
{
    (void)state;
    RUNS('m');
    ASSERT_SAID(7, 'z');
}

static void the_secure_address_of_given_ram_answers_no_more(void **state)
{
    (void)state;
    assert_int_equal(run('M'), TWIN_FAULT);
    assert_fault("reaches for 0x30000000, but GTZC1_MPCBB1 has given it away");
}

#define PROGRAM(name) cmocka_unit_test_setup_teardown(name, start_program, switch_off)

int main(void)
{
    const struct CMUnitTest bare[] = {
        TEST(the_options_of_the_secure_world_are_shown_and_not_the_programs),
        TEST(a_peripheral_that_is_kept_does_not_answer_the_other_world),
        TEST(one_that_is_given_answers_both),
        TEST(the_other_world_sets_no_border),
        TEST(the_other_world_has_no_register_of_secure_flash),
        TEST(the_other_world_has_options),
        TEST(a_wrong_key_of_the_secure_world_locks_the_other_half),
        TEST(a_pin_is_one_worlds),
        TEST(a_line_of_exti_is_one_worlds),
        TEST(a_clock_gate_is_that_worlds_which_has_the_module),
        TEST(clocks_are_the_secure_worlds_where_it_keeps_them),
        cmocka_unit_test_setup_teardown(without_tzen_there_is_no_secure_half, switch_one_world_on,
                                        switch_off),
    };
    const struct CMUnitTest programs[] = {
        PROGRAM(a_secure_page_is_written_and_erased_by_the_secure_registers),
        PROGRAM(registers_of_the_wrong_world_change_no_page),
        PROGRAM(a_page_that_was_given_is_written_by_the_other_registers),
        PROGRAM(its_secure_address_then_answers_no_more),
        PROGRAM(a_page_that_sau_alone_gives_away_is_kept),
        PROGRAM(ram_that_was_given_is_reached_by_its_other_address_alone),
        PROGRAM(the_secure_address_of_given_ram_answers_no_more),
    };
    const int failed = cmocka_run_group_tests(bare, NULL, NULL);
    if (!load_guest()) {
        puts("skipped in part: the guest program needs gcc-arm-none-eabi");
        return failed;
    }
    return failed + cmocka_run_group_tests(programs, NULL, NULL);
}
