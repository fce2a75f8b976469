/* The M467's models, used as the register tables say: what is right works, what is wrong is named.
 */
#include "tests/unit/twin/nuvoton_bench.h"
#include "tests/unit/twin/peer.h"

static void wire(void)
{
    uart_connect(&soc->uarts[0], &peer);
    soc->uarts[0].rx_pin = (struct nuvoton_pin){1, 12, 6};
    soc->uarts[0].tx_pin = (struct nuvoton_pin){1, 13, 6};
    soc->uarts[0].rts_pin = (struct nuvoton_pin){1, 10, 6};
    heard_count = 0;
}

static int switch_on(void **state)
{
    (void)state;
    return bench_on(&nuvoton_m467, wire);
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
    assert_int_equal(twin_load(soc->twin, SYS + 0x1fc) & 1, 1);
    pass(TWIN_MS);
    assert_int_equal(twin_load(soc->twin, SYS + 0x1fc), 0);
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

static void a_cut_before_a_command_leaves_all_as_it_was(void **state)
{
    (void)state;
    open_flash();
    command(0x21, 0x80010, 0x12345678);
    pass(TWIN_MS);
    twin_cut_at(soc->twin, "erase", 1);
    command(0x21, 0x80020, 0x12345678);
    pass(TWIN_MS);
    command(0x22, 0x80000, 0);
    assert_int_equal(twin_run(soc->twin, TWIN_NEVER), TWIN_CUT);
    assert_int_equal(word_at(0x80010), 0x12345678);
    assert_int_equal(word_at(0x80020), 0x12345678);
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
    twin_load(soc->twin, 0x4000b000);
    assert_fault("0x4000b000, where no peripheral is modelled");
}

static void the_watchdogs_control_is_left_alone_until_it_is_in_step(void **state)
{
    (void)state;
    unlock();
    put(CLK + 0x00, 0x1c);
    put(CLK + 0x08, 1);
    pass(TWIN_MS);
    put(WDT, 0x80 | 0x02 | 6u << 8);
    assert_int_equal(get(WDT) >> 30 & 1, 1);
    put(WDT, 0x80 | 0x02 | 5u << 8);
    assert_fault("WDT.CTL while its SYNC is 1");
}

static void a_port_without_its_clock_is_named(void **state)
{
    (void)state;
    unlock();
    put(CLK + 0x04, 1u << 24 | 4);
    put(GPIO + 0x08, 0);
    put(GPIO + 0x48, 0);
    assert_fault("uses PB while its clock is off");
}

static void a_module_held_in_reset_does_not_answer(void **state)
{
    (void)state;
    open_uart(102);
    put(SYS + 0x0c, 1u << 16);
    put(UART + 0x0c, 3);
    assert_fault("UART0.LINE while its reset bit is set");
}

static void the_power_level_is_there_before_the_clock(void **state)
{
    (void)state;
    unlock();
    put(CLK + 0x40, 0x00080417);
    pass(TWIN_MS);
    put(FMC + 0x4c, 8);
    put(SYS + 0x1f8, 0);
    put(CLK + 0x10, (get(CLK + 0x10) & ~7u) | 2);
    assert_fault("before SYS.PLSTS.PLCBUSY is 0");
}

static void a_word_that_does_not_take_its_bits_is_flagged(void **state)
{
    (void)state;
    open_flash();
    soc->bad_word = 0x80020;
    command(0x21, 0x80020, 0x12345678);
    pass(TWIN_MS);
    assert_int_equal(get(FMC + 0x40) & 0x20, 0x20);
    command(0x22, 0x80000, 0);
    pass(100 * TWIN_MS);
    assert_int_equal(get(FMC + 0x40) & 0x20, 0);
}

static void rts_needs_its_pin(void **state)
{
    (void)state;
    open_uart(102);
    put(UART + 0x04, 1u << 12);
    assert_fault("UART0 drives RTS, but PB10 has function 0, not 6");
}

static void active_levels_stay_while_the_uart_is_on(void **state)
{
    (void)state;
    open_uart(102);
    put(UART + 0x10, 0);
    assert_fault("active levels are changed while FUNCSEL.TXRXDIS is 0");
}

static void the_transmit_fifo_is_not_reset_while_it_sends(void **state)
{
    (void)state;
    open_uart(102);
    put(UART, 'h');
    put(UART + 0x08, 4);
    assert_fault("UART0.FIFO.TXRST before TXEMPTYF");
}

static void each_byte_of_the_trng_is_asked_for(void **state)
{
    (void)state;
    unlock();
    put(CLK + 0x00, 0x1c);
    put(CLK + 0x18, 1u << 27);
    put(CLK + 0x0c, 1u << 25);
    pass(TWIN_MS);
    put(TRNG + 0x0c, 0x80);
    pass(TWIN_MS);
    put(TRNG, 1);
    assert_true(comes(TRNG, 2, 2));
    get(TRNG + 4);
    assert_int_equal(get(TRNG) & 2, 0);
    pass(10 * TWIN_MS);
    assert_int_equal(get(TRNG) & 2, 0);
    put(TRNG, 1);
    assert_true(comes(TRNG, 2, 2));
}

static void the_core_alone_restarts_with_its_own_flag(void **state)
{
    (void)state;
    unlock();
    put(SYS + 0x04, 0x1ff);
    put(SYS + 0x08, 2);
    pass(TWIN_MS);
    assert_int_equal(twin_last_reset(soc->twin), TWIN_RESET_CORE);
    assert_int_equal(get(SYS + 0x04), 0x80);
}

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
        TEST(a_cut_before_a_command_leaves_all_as_it_was),
        TEST(a_uart_sends_at_the_lines_rate),
        TEST(a_wrong_rate_is_named),
        TEST(a_pin_without_its_function_is_named),
        TEST(seventeen_bytes_that_nobody_reads_overflow),
        TEST(a_uart_without_clock_does_not_answer),
        TEST(the_trng_must_be_ready_before_it_is_enabled),
        TEST(an_unfed_watchdog_resets),
        TEST(what_is_not_modelled_is_named),
        TEST(the_watchdogs_control_is_left_alone_until_it_is_in_step),
        TEST(a_port_without_its_clock_is_named),
        TEST(a_module_held_in_reset_does_not_answer),
        TEST(the_power_level_is_there_before_the_clock),
        TEST(a_word_that_does_not_take_its_bits_is_flagged),
        TEST(rts_needs_its_pin),
        TEST(active_levels_stay_while_the_uart_is_on),
        TEST(the_transmit_fifo_is_not_reset_while_it_sends),
        TEST(each_byte_of_the_trng_is_asked_for),
        TEST(the_core_alone_restarts_with_its_own_flag),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
