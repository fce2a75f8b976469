/* The M467's models, used as the register tables say: what is right works, what is wrong is named.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "twin/nuvoton/nuvoton.h"

#define SYS  0x40000000u
#define CLK  0x40000200u
#define FMC  0x4000c000u
#define UART 0x40070000u
#define TRNG 0x400b9000u
#define WDT  0x40040000u

static struct nuvoton *soc;
static uint8_t heard[64];
static unsigned heard_count;

static void hear(void *ctx, uint8_t byte)
{
    (void)ctx;
    assert_in_range(heard_count, 0, sizeof heard - 1);
    heard[heard_count++] = byte;
}

static struct serial peer = {
    .name = "the console", .baud = 115200, .take = hear, .clear_to_send = true};

static int switch_on(void **state)
{
    /* Vectors: a stack and `b .` at 0x100; the core sleeps while the test uses the bus. */
    static const uint8_t program[0x104] = {
        [3] = 0x20,     [4] = 0x01,     [5] = 0x01,    [0x100] = 0x30,
        [0x101] = 0xbf, [0x102] = 0xfd, [0x103] = 0xe7};
    (void)state;
    soc = nuvoton_new(&nuvoton_m467, NULL);
    assert_non_null(soc);
    twin_hurry(soc->twin);
    assert_true(nuvoton_program(soc, 0, program, sizeof program));
    uart_connect(&soc->uarts[0], &peer);
    soc->uarts[0].rx_pin = (struct nuvoton_pin){1, 12, 6};
    soc->uarts[0].tx_pin = (struct nuvoton_pin){1, 13, 6};
    heard_count = 0;
    twin_reset(soc->twin, TWIN_RESET_POWER);
    return 0;
}

static int switch_off(void **state)
{
    (void)state;
    nuvoton_free(soc);
    return 0;
}

static void pass(twin_ns time)
{
    assert_int_equal(twin_run(soc->twin, twin_now(soc->twin) + time), TWIN_STOPPED);
}

static void unlock(void)
{
    twin_store(soc->twin, SYS + 0x100, 0x59);
    twin_store(soc->twin, SYS + 0x100, 0x16);
    twin_store(soc->twin, SYS + 0x100, 0x88);
    assert_int_equal(twin_load(soc->twin, SYS + 0x100), 1);
}

static void assert_fault(const char *part)
{
    const char *text = twin_fault_text(soc->twin);
    if (!strstr(text, part))
        fail_msg("the fault says \"%s\", not \"%s\"", text, part);
}

static void assert_no_fault(void)
{
    assert_string_equal(twin_fault_text(soc->twin), "");
}

/* ---- the lock, clocks ---- */

static void a_protected_register_takes_nothing_while_locked(void **state)
{
    (void)state;
    twin_store(soc->twin, CLK + 0x40, 0x00080417);
    assert_fault("CLK.PLLCTL, which is protected");
}

static void a_broken_unlock_sequence_unlocks_nothing(void **state)
{
    (void)state;
    twin_store(soc->twin, SYS + 0x100, 0x59);
    twin_store(soc->twin, SYS + 0x100, 0x88);
    twin_store(soc->twin, SYS + 0x100, 0x16);
    assert_int_equal(twin_load(soc->twin, SYS + 0x100), 0);
}

static void to_200_mhz(uint32_t cycle)
{
    unlock();
    twin_store(soc->twin, CLK + 0x40, 0x00080417 | 0x10000);
    twin_store(soc->twin, CLK + 0x40, 0x00080417);
    assert_int_equal(twin_load(soc->twin, CLK + 0x50) & 4, 0);
    pass(TWIN_MS);
    assert_int_equal(twin_load(soc->twin, CLK + 0x50) & 4, 4);
    twin_store(soc->twin, SYS + 0x1f8, 0);
    twin_store(soc->twin, CLK + 0x04, twin_load(soc->twin, CLK + 0x04) | 4);
    twin_store(soc->twin, FMC + 0x4c, cycle);
    twin_store(soc->twin, CLK + 0x34, 0x11);
    twin_store(soc->twin, CLK + 0x10, (twin_load(soc->twin, CLK + 0x10) & ~7u) | 2);
}

static void the_core_comes_to_200_mhz_by_the_tables_steps(void **state)
{
    (void)state;
    to_200_mhz(8);
    assert_no_fault();
    assert_int_equal(twin_hz(soc->twin), 200000000);
}

static void too_few_wait_states_are_named(void **state)
{
    (void)state;
    to_200_mhz(7);
    assert_fault("FMC.CYCCTL is 7; flash needs 8 at 200000000 Hz");
}

static void a_source_that_does_not_run_is_named(void **state)
{
    (void)state;
    unlock();
    twin_store(soc->twin, CLK + 0x10, 0x003f0038);
    assert_fault("source 0, which does not run");
}

static void the_clock_stays_over_a_system_reset(void **state)
{
    (void)state;
    to_200_mhz(8);
    twin_reset(soc->twin, TWIN_RESET_SYSTEM);
    assert_int_equal(twin_hz(soc->twin), 200000000);
    assert_int_equal(twin_load(soc->twin, SYS + 0x004) & 0x20, 0x20);
    unlock();
    twin_store(soc->twin, CLK + 0x40, 0x00080417);
    assert_fault("while the core runs on it");
}

/* ---- flash ---- */

static void open_flash(void)
{
    unlock();
    twin_store(soc->twin, CLK + 0x04, 4);
    twin_store(soc->twin, FMC, 0x09);
}

static void command(uint32_t code, uint32_t address, uint32_t data)
{
    twin_store(soc->twin, FMC + 0x0c, code);
    twin_store(soc->twin, FMC + 0x04, address);
    twin_store(soc->twin, FMC + 0x08, data);
    twin_store(soc->twin, FMC + 0x10, 1);
}

static uint32_t word_at(uint32_t address)
{
    uint32_t word;
    assert_true(twin_read_memory(soc->twin, address, &word, sizeof word));
    return word;
}

static void a_word_is_programmed_once_after_an_erase(void **state)
{
    (void)state;
    open_flash();
    command(0x21, 0x80010, 0x12345678);
    assert_int_equal(twin_load(soc->twin, FMC + 0x40) & 1, 1);
    pass(TWIN_MS);
    assert_int_equal(twin_load(soc->twin, FMC + 0x10), 0);
    assert_int_equal(word_at(0x80010), 0x12345678);
    command(0x22, 0x80000, 0);
    pass(100 * TWIN_MS);
    assert_int_equal(word_at(0x80010), 0xffffffff);
    command(0x21, 0x80010, 0x11111111);
    pass(TWIN_MS);
    command(0x21, 0x80010, 0x11111110);
    assert_fault("flash at 0x00080010, which is not erased");
}

static void a_command_into_the_running_bank_holds_the_core_up(void **state)
{
    (void)state;
    open_flash();
    const twin_ns before = twin_now(soc->twin);
    command(0x22, 0x1000, 0);
    assert_int_equal(twin_load(soc->twin, FMC + 0x10), 0);
    assert_true(twin_now(soc->twin) - before >= 10 * TWIN_MS);
}

static void without_the_right_to_update_a_command_fails(void **state)
{
    (void)state;
    open_flash();
    twin_store(soc->twin, FMC, 0x01);
    command(0x22, 0x80000, 0);
    assert_int_equal(twin_load(soc->twin, FMC) & 0x40, 0x40);
    assert_int_equal(twin_load(soc->twin, FMC + 0x08), 0xffffffff);
    command(0x22, 0x80000, 0);
    assert_fault("with ISPFF of the last one set");
}

static void registers_stay_untouched_while_a_command_runs(void **state)
{
    (void)state;
    open_flash();
    command(0x22, 0x80000, 0);
    twin_store(soc->twin, FMC + 0x04, 0x81000);
    assert_fault("FMC.ISPADDR while a command runs");
}

static void power_cut_in_an_erase_leaves_a_torn_page(void **state)
{
    (void)state;
    uint8_t page[0x1000];
    memset(page, 0x00, sizeof page);
    assert_true(nuvoton_program(soc, 0x90000, page, sizeof page));
    open_flash();
    twin_cut_in_operation(soc->twin, 1);
    command(0x22, 0x90000, 0);
    assert_int_equal(twin_run(soc->twin, TWIN_NEVER), TWIN_CUT);
    unsigned set = 0, clear = 0;
    for (unsigned i = 0; i < sizeof page; i++) {
        set += soc->aprom.bytes[0x90000 + i] == 0xff;
        clear += soc->aprom.bytes[0x90000 + i] == 0x00;
    }
    assert_true(set + clear < sizeof page);
}

/* ---- UART ---- */

static void open_uart(uint32_t baud)
{
    unlock();
    twin_store(soc->twin, CLK + 0x08, 1u << 16);
    twin_store(soc->twin, SYS + 0x51c, 0x00000606);
    twin_store(soc->twin, UART + 0x30, 0);
    twin_store(soc->twin, UART + 0x0c, 3);
    twin_store(soc->twin, UART + 0x24, 3u << 28 | baud);
}

static void a_uart_sends_at_the_lines_rate(void **state)
{
    (void)state;
    open_uart(102);
    twin_store(soc->twin, UART, 'h');
    twin_store(soc->twin, UART, 'i');
    pass(50 * TWIN_US);
    assert_int_equal(heard_count, 0);
    pass(150 * TWIN_US);
    assert_memory_equal(heard, "hi", 2);
    assert_int_equal(twin_load(soc->twin, UART + 0x18) >> 28 & 1, 1);
}

static void a_wrong_rate_is_named(void **state)
{
    (void)state;
    open_uart(50);
    twin_store(soc->twin, UART, 'h');
    assert_fault("UART0 runs at 230769 bit/s; the other end, the console, at 115200");
}

static void a_pin_without_its_function_is_named(void **state)
{
    (void)state;
    open_uart(102);
    twin_store(soc->twin, SYS + 0x51c, 0x00000006);
    twin_store(soc->twin, UART, 'h');
    assert_fault("UART0 sends, but PB13 has function 0, not 6");
}

static void seventeen_bytes_that_nobody_reads_overflow(void **state)
{
    (void)state;
    open_uart(102);
    assert_true(serial_give(&peer, "0123456789abcdefg", 17));
    pass(2 * TWIN_MS);
    assert_int_equal(twin_load(soc->twin, UART + 0x18) & 1, 1);
    for (unsigned i = 0; i < 16; i++)
        assert_int_equal(twin_load(soc->twin, UART), "0123456789abcdef"[i]);
    assert_int_equal(twin_load(soc->twin, UART + 0x18) >> 14 & 1, 1);
}

static void a_uart_without_clock_does_not_answer(void **state)
{
    (void)state;
    twin_store(soc->twin, UART + 0x0c, 3);
    assert_fault("UART0.LINE while its clock is off");
}

/* ---- the rest ---- */

static void the_trng_must_be_ready_before_it_is_enabled(void **state)
{
    (void)state;
    unlock();
    twin_store(soc->twin, CLK + 0x00, 0x1c);
    twin_store(soc->twin, CLK + 0x18, 1u << 27);
    twin_store(soc->twin, CLK + 0x0c, 1u << 25);
    pass(TWIN_MS);
    twin_store(soc->twin, TRNG + 0x0c, 0x80);
    twin_store(soc->twin, TRNG, 1);
    assert_fault("TRNGEN is set before READY");
}

static void an_unfed_watchdog_resets(void **state)
{
    (void)state;
    unlock();
    twin_store(soc->twin, CLK + 0x00, 0x1c);
    twin_store(soc->twin, CLK + 0x08, 1);
    pass(TWIN_MS);
    twin_store(soc->twin, WDT, 0x80 | 0x02 | 6u << 8);
    pass(6000 * TWIN_MS);
    twin_store(soc->twin, WDT + 8, 0x5aa5);
    pass(6000 * TWIN_MS);
    assert_int_equal(twin_last_reset(soc->twin), TWIN_RESET_POWER);
    pass(1000 * TWIN_MS);
    assert_int_equal(twin_last_reset(soc->twin), TWIN_RESET_WATCHDOG);
}

static void what_is_not_modelled_is_named(void **state)
{
    (void)state;
    twin_load(soc->twin, 0x40007000);
    assert_fault("0x40007000, where no peripheral is modelled");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, switch_on, switch_off)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_protected_register_takes_nothing_while_locked),
        TEST(a_broken_unlock_sequence_unlocks_nothing),
        TEST(the_core_comes_to_200_mhz_by_the_tables_steps),
        TEST(too_few_wait_states_are_named),
        TEST(a_source_that_does_not_run_is_named),
        TEST(the_clock_stays_over_a_system_reset),
        TEST(a_word_is_programmed_once_after_an_erase),
        TEST(a_command_into_the_running_bank_holds_the_core_up),
        TEST(without_the_right_to_update_a_command_fails),
        TEST(registers_stay_untouched_while_a_command_runs),
        TEST(power_cut_in_an_erase_leaves_a_torn_page),
        TEST(a_uart_sends_at_the_lines_rate),
        TEST(a_wrong_rate_is_named),
        TEST(a_pin_without_its_function_is_named),
        TEST(seventeen_bytes_that_nobody_reads_overflow),
        TEST(a_uart_without_clock_does_not_answer),
        TEST(the_trng_must_be_ready_before_it_is_enabled),
        TEST(an_unfed_watchdog_resets),
        TEST(what_is_not_modelled_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
