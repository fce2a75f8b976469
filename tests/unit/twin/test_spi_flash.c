/* The SPI flash behind SPIM (M487) and QSPI0 (M467), used as the register tables and the flash's
 * data sheet say, and each of their rules broken once. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/unit/twin/nuvoton_bench.h"

#define SPIM 0x40007000u
#define QSPI 0x40060000u

enum { C = 2, I = 8, J = 9 };

static const struct nuvoton_flash_pins m487_pins = {
    .pins = {{C, 3, 0}, {C, 2, 0}, {C, 0, 0}, {C, 1, 0}},
    .high = {{C, 4, 0}, {C, 5, 0}},
    .spim_function = 3,
    .qspi_function = 4};
static const struct nuvoton_flash_pins m467_pins = {
    .pins = {{I, 14, 0}, {I, 15, 0}, {J, 1, 0}, {J, 0, 0}},
    .high = {{I, 13, 0}, {I, 12, 0}},
    .qspi_function = 4};

static const char *folder;

static void wire_m487(void)
{
    soc->flash_pins = m487_pins;
    soc->nor = spi_nor_new(soc->twin, &spi_nor_w25q32, folder);
    assert_non_null(soc->nor);
}

static void wire_m467(void)
{
    soc->flash_pins = m467_pins;
    soc->nor = spi_nor_new(soc->twin, &spi_nor_w25q32, NULL);
    assert_non_null(soc->nor);
}

static int switch_on(void **state)
{
    (void)state;
    return bench_on(&nuvoton_m487, wire_m487);
}

static int switch_m467_on(void **state)
{
    (void)state;
    return bench_on(&nuvoton_m467, wire_m467);
}

/* ---- SPIM, as the sequence has it ---- */

static void pins_to_spim(void)
{
    put(SYS + 0x30 + 8 * 2, 0x00003333);
    put(GPIO + 0x80 + 0x08, 0x0030);
    put(GPIO + 0x80 + 0x00, 1u << 8 | 1u << 10);
}

static void open_spim(void)
{
    unlock();
    put(CLK + 0x04, get(CLK + 0x04) | 1u << 14);
    pins_to_spim();
    put(SPIM + 0x00, 0x00000001);
    put(SPIM + 0x04, 4u << 16 | 0x10);
}

static void select_flash(bool on)
{
    put(SPIM + 0x04, (get(SPIM + 0x04) & ~0x11u) | (on ? 0 : 0x10));
}

static void transfer(bool out, unsigned bits, unsigned words)
{
    put(SPIM + 0x00, 1u | (bits - 1) << 8 | (words - 1) << 13 | (uint32_t)out << 15);
    put(SPIM + 0x04, get(SPIM + 0x04) | 1);
    assert_true(comes(SPIM + 0x04, 1, 0));
}

static void send_byte(uint8_t byte)
{
    put(SPIM + 0x20, byte);
    transfer(true, 8, 1);
}

static uint8_t receive_byte(void)
{
    transfer(false, 8, 1);
    return (uint8_t)get(SPIM + 0x10);
}

static void send_address(uint32_t address)
{
    put(SPIM + 0x20, (address >> 16 & 0xff) | (address & 0xff00) | (address & 0xff) << 16);
    transfer(true, 24, 1);
}

static void command(uint8_t code)
{
    select_flash(true);
    send_byte(code);
    select_flash(false);
}

static uint8_t flash_status(void)
{
    select_flash(true);
    send_byte(0x05);
    const uint8_t status = receive_byte();
    select_flash(false);
    return status;
}

static void wait_for_flash(void)
{
    for (unsigned i = 0; i < 20000 && flash_status() & 1; i++)
        pass(100 * TWIN_US);
    assert_int_equal(flash_status() & 1, 0);
}

static void erase(uint8_t code, uint32_t address)
{
    command(0x06);
    select_flash(true);
    send_byte(code);
    send_address(address);
    select_flash(false);
}

static void program(uint32_t address, const uint8_t *data, unsigned size)
{
    command(0x06);
    select_flash(true);
    send_byte(0x02);
    send_address(address);
    for (unsigned i = 0; i < size; i++)
        send_byte(data[i]);
    select_flash(false);
}

static void the_flash_says_who_it_is(void **state)
{
    (void)state;
    open_spim();
    select_flash(true);
    send_byte(0x9f);
    assert_int_equal(receive_byte(), 0xef);
    assert_int_equal(receive_byte(), 0x40);
    assert_int_equal(receive_byte(), 0x16);
    select_flash(false);
    assert_no_fault();
}

static void the_first_bytes_are_in_the_highest_word(void **state)
{
    static const uint8_t data[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
    (void)state;
    open_spim();
    memcpy(spi_nor_bytes(soc->nor) + 0x12340, data, sizeof data);
    select_flash(true);
    send_byte(0x03);
    send_address(0x12340);
    transfer(false, 32, 4);
    select_flash(false);
    assert_int_equal(get(SPIM + 0x1c), 0x04030201);
    assert_int_equal(get(SPIM + 0x18), 0x08070605);
    assert_int_equal(get(SPIM + 0x10), 0x100f0e0d);
    command(0x06);
    select_flash(true);
    send_byte(0x02);
    send_address(0x400);
    put(SPIM + 0x24, 0xd4c3b2a1);
    put(SPIM + 0x20, 0x18f7e6e5);
    transfer(true, 32, 2);
    select_flash(false);
    wait_for_flash();
    static const uint8_t written[] = {0xa1, 0xb2, 0xc3, 0xd4, 0xe5, 0xe6, 0xf7, 0x18};
    assert_memory_equal(spi_nor_bytes(soc->nor) + 0x400, written, sizeof written);
    assert_no_fault();
}

static void a_program_only_clears_bits_and_takes_its_time(void **state)
{
    (void)state;
    open_spim();
    program(0x1000, (const uint8_t[]){0xf0}, 1);
    assert_int_equal(flash_status(), 3);
    wait_for_flash();
    assert_int_equal(flash_status(), 0);
    program(0x1000, (const uint8_t[]){0x3c}, 1);
    wait_for_flash();
    assert_int_equal(spi_nor_bytes(soc->nor)[0x1000], 0x30);
    assert_no_fault();
}

static void a_page_wraps_at_its_end(void **state)
{
    (void)state;
    open_spim();
    program(0x20fe, (const uint8_t[]){1, 2, 3, 4}, 4);
    wait_for_flash();
    const uint8_t *flash = spi_nor_bytes(soc->nor);
    assert_int_equal(flash[0x20fe], 1);
    assert_int_equal(flash[0x20ff], 2);
    assert_int_equal(flash[0x2000], 3);
    assert_int_equal(flash[0x2001], 4);
    assert_int_equal(flash[0x2100], 0xff);
    assert_no_fault();
}

static void erases_are_of_4_and_of_64_kib(void **state)
{
    (void)state;
    open_spim();
    uint8_t *flash = spi_nor_bytes(soc->nor);
    memset(flash, 0, 0x40000);
    erase(0x20, 0x11234);
    wait_for_flash();
    assert_int_equal(flash[0x10fff], 0x00);
    assert_int_equal(flash[0x11000], 0xff);
    assert_int_equal(flash[0x11fff], 0xff);
    assert_int_equal(flash[0x12000], 0x00);
    erase(0xd8, 0x21234);
    wait_for_flash();
    assert_int_equal(flash[0x1ffff], 0x00);
    assert_int_equal(flash[0x20000], 0xff);
    assert_int_equal(flash[0x2ffff], 0xff);
    assert_int_equal(flash[0x30000], 0x00);
    assert_no_fault();
}

static void without_write_enable_nothing_is_erased(void **state)
{
    (void)state;
    open_spim();
    select_flash(true);
    send_byte(0x20);
    send_address(0);
    select_flash(false);
    assert_fault("the command 0x20 without WREN (0x06) before");
}

static void a_busy_flash_takes_only_questions(void **state)
{
    (void)state;
    open_spim();
    erase(0x20, 0);
    command(0x06);
    assert_fault("the command 0x06 while it is busy");
}

static void a_reset_needs_its_first_half_and_leaves_an_erase_torn(void **state)
{
    (void)state;
    open_spim();
    memset(spi_nor_bytes(soc->nor), 0, 0x1000);
    erase(0x20, 0);
    command(0x66);
    command(0x99);
    pass(TWIN_MS);
    assert_int_equal(flash_status(), 0);
    unsigned erased = 0;
    for (unsigned i = 0; i < 0x1000; i++)
        erased += spi_nor_bytes(soc->nor)[i] == 0xff;
    assert_in_range(erased, 0, 0xfff);
    assert_no_fault();
    command(0x99);
    assert_fault("the reset 0x99 without 0x66 before");
}

static void an_unknown_command_is_named(void **state)
{
    (void)state;
    open_spim();
    command(0x77);
    assert_fault("the command 0x77, which is not modelled");
}

static void a_plain_read_has_its_highest_clock(void **state)
{
    (void)state;
    open_spim();
    twin_set_hz(soc->twin, 192000000);
    put(SPIM + 0x04, 1u << 16 | 0x10);
    put(SPIM + 0x0c, 1u << 20);
    select_flash(true);
    send_byte(0x03);
    assert_fault("the command 0x03 at 96000000 Hz; it takes 50000000");
}

static void data_that_is_sampled_too_early_is_shifted(void **state)
{
    (void)state;
    open_spim();
    twin_set_hz(soc->twin, 192000000);
    put(SPIM + 0x04, 1u << 16 | 0x10);
    select_flash(true);
    send_byte(0x9f);
    assert_int_equal(receive_byte(), 0xef >> 1);
    put(SPIM + 0x0c, 1u << 20);
    assert_int_equal(receive_byte(), 0x40);
    assert_no_fault();
}

static void erase_sector(uint32_t address)
{
    command(0x06);
    select_flash(true);
    send_byte(0x20);
    send_address(address);
    select_flash(false);
}

static void a_cut_before_an_erase_of_that_name_changes_nothing_and_one_within_tears(void **state)
{
    uint8_t *bytes = spi_nor_bytes(soc->nor);
    uint32_t offset = 0;
    (void)state;
    memset(bytes + 0x3000, 0, 0x1000);
    open_spim();
    twin_cut_at(soc->twin, "nor-erase", 1);
    twin_cut_in(soc->twin, "nor-erase", 2);
    erase_sector(0x3000);
    assert_int_equal(twin_run(soc->twin, TWIN_NEVER), TWIN_CUT);
    for (unsigned i = 0; i < 0x1000; i++)
        assert_int_equal(bytes[0x3000 + i], 0);
    assert_true(twin_power_again(soc->twin));
    open_spim();
    erase_sector(0x3000);
    assert_int_equal(twin_run(soc->twin, TWIN_NEVER), TWIN_CUT);
    unsigned set = 0;
    for (unsigned i = 0; i < 0x1000; i++)
        set += bytes[0x3000 + i] == 0xff;
    assert_true(memchr(bytes + 0x3000, 0, 0x1000) != NULL && set < 0x1000);
    assert_string_equal(twin_last_operation(soc->twin, &offset), "nor-erase");
    assert_int_equal(offset, 0x3000);
}

static void power_cut_in_a_program_leaves_a_torn_page_in_the_file(void **state)
{
    static const uint8_t zeros[256];
    char path[] = "/tmp/spi_flash.XXXXXX", file[64];
    nuvoton_free(soc);
    folder = mkdtemp(path);
    assert_non_null(folder);
    (void)bench_on(&nuvoton_m487, wire_m487);
    open_spim();
    twin_cut_in_operation(soc->twin, 1);
    command(0x06);
    select_flash(true);
    send_byte(0x02);
    send_address(0x3000);
    for (unsigned i = 0; i < sizeof zeros; i++)
        send_byte(zeros[i]);
    select_flash(false);
    assert_int_equal(twin_run(soc->twin, TWIN_NEVER), TWIN_CUT);
    nuvoton_free(soc);
    (void)bench_on(&nuvoton_m487, wire_m487); /* the power is back */
    unsigned changed = 0, zero = 0;
    for (unsigned i = 0; i < sizeof zeros; i++) {
        changed += spi_nor_bytes(soc->nor)[0x3000 + i] != 0xff;
        zero += spi_nor_bytes(soc->nor)[0x3000 + i] == 0x00;
    }
    snprintf(file, sizeof file, "%s/spi-flash.bin", folder);
    unlink(file);
    rmdir(folder);
    folder = NULL;
    (void)state;
    assert_true(changed > 0);
    assert_true(zero < sizeof zeros);
}

static void an_erase_goes_on_over_a_reset_of_the_core(void **state)
{
    (void)state;
    open_spim();
    memset(spi_nor_bytes(soc->nor), 0, 0x1000);
    erase(0x20, 0);
    twin_reset(soc->twin, TWIN_RESET_SYSTEM);
    open_spim();
    assert_int_equal(flash_status() & 1, 1);
    wait_for_flash();
    assert_int_equal(spi_nor_bytes(soc->nor)[0xfff], 0xff);
    assert_no_fault();
}

static void a_reset_within_a_command_ends_it(void **state)
{
    (void)state;
    open_spim();
    command(0x06);
    select_flash(true);
    send_byte(0x20);
    twin_reset(soc->twin, TWIN_RESET_SYSTEM);
    assert_no_fault();
    open_spim();
    assert_int_equal(flash_status() & 1, 0);
}

static void the_cipher_must_be_off(void **state)
{
    (void)state;
    open_spim();
    select_flash(true);
    put(SPIM + 0x00, 7u << 8 | 1u << 15);
    put(SPIM + 0x04, get(SPIM + 0x04) | 1);
    assert_fault("with the cipher on");
}

static void the_mapped_mode_after_reset_is_no_io_mode(void **state)
{
    (void)state;
    unlock();
    put(CLK + 0x04, get(CLK + 0x04) | 1u << 14);
    pins_to_spim();
    put(SPIM + 0x04, 1);
    assert_fault("in a mode other than I/O");
}

static void a_transfer_without_chip_select_is_named(void **state)
{
    (void)state;
    open_spim();
    put(SPIM + 0x00, 1u | 7u << 8 | 1u << 15);
    put(SPIM + 0x04, get(SPIM + 0x04) | 1);
    assert_fault("while the chip select is not active");
}

static void a_width_of_half_bytes_is_named(void **state)
{
    (void)state;
    open_spim();
    select_flash(true);
    put(SPIM + 0x00, 1u | 3u << 8 | 1u << 15);
    put(SPIM + 0x04, get(SPIM + 0x04) | 1);
    assert_fault("no whole bytes");
}

static void nothing_is_written_while_a_transfer_runs(void **state)
{
    (void)state;
    open_spim();
    select_flash(true);
    put(SPIM + 0x20, 0x05);
    put(SPIM + 0x00, 1u | 7u << 8 | 1u << 15);
    put(SPIM + 0x04, get(SPIM + 0x04) | 1);
    put(SPIM + 0x20, 0);
    assert_fault("writes SPIM.TX while a transfer runs");
}

static void hold_must_be_high(void **state)
{
    (void)state;
    open_spim();
    put(GPIO + 0x80 + 0x08, 0x0020);
    select_flash(true);
    put(SPIM + 0x00, 1u | 7u << 8 | 1u << 15);
    put(SPIM + 0x04, get(SPIM + 0x04) | 1);
    assert_fault("PC4 (WP or HOLD of the flash) is not driven high");
}

static void the_pins_need_spims_function(void **state)
{
    (void)state;
    open_spim();
    put(SYS + 0x30 + 8 * 2, 0x00004444);
    select_flash(true);
    put(SPIM + 0x00, 1u | 7u << 8 | 1u << 15);
    put(SPIM + 0x04, get(SPIM + 0x04) | 1);
    assert_fault("SPIM works, but PC3 has function 4, not 3");
}

static void spim_without_clock_does_not_answer(void **state)
{
    (void)state;
    get(SPIM);
    assert_fault("SPIM.CTL0 while its clock is off");
}

/* ---- QSPI0 ---- */

static void open_qspi(void)
{
    unlock();
    put(CLK + 0x04, get(CLK + 0x04) | 1u << 4 | 0xff000000);
    put(CLK + 0x58, 0x03000000);
    put(CLK + 0x08, get(CLK + 0x08) | 1u << 12);
    put(CLK + 0x18, 8);
    put(SYS + 0x500 + 0x80 + 0xc, 0x04040000); /* PI14, PI15 */
    put(SYS + 0x500 + 0x90, 0x00000404);       /* PJ0, PJ1 */
    put(GPIO + 0x200, 1u << 24 | 1u << 26);
    put(QSPI + 0x00, 0);
    assert_true(comes(QSPI + 0x14, 1u << 15, 0));
    put(QSPI + 0x04, 1);
    put(QSPI + 0x00, 0x804);
    put(QSPI + 0x08, 0);
    put(QSPI + 0x10, get(QSPI + 0x10) | 0x300);
    put(QSPI + 0x00, 0x805);
    assert_true(comes(QSPI + 0x14, 1u << 15, 1u << 15));
}

static uint8_t swap_byte(uint8_t byte)
{
    put(QSPI + 0x20, byte);
    assert_true(comes(QSPI + 0x14, 1u << 8, 0));
    return (uint8_t)get(QSPI + 0x30);
}

static void the_flash_answers_to_qspi0(void **state)
{
    (void)state;
    open_qspi();
    put(QSPI + 0x08, 1);
    swap_byte(0x9f);
    assert_int_equal(swap_byte(0), 0xef);
    assert_int_equal(swap_byte(0), 0x40);
    assert_int_equal(swap_byte(0), 0x16);
    put(QSPI + 0x08, 0);
    put(QSPI + 0x08, 1);
    assert_int_equal(swap_byte(0x05), 0xff);
    assert_int_equal(swap_byte(0), 0);
    assert_no_fault();
}

static void its_fifo_loses_the_ninth_byte(void **state)
{
    (void)state;
    open_qspi();
    put(QSPI + 0x08, 1);
    for (unsigned i = 0; i < 9; i++) {
        put(QSPI + 0x20, i == 0 ? 0x9f : 0);
        pass(100 * TWIN_US);
    }
    assert_int_equal(get(QSPI + 0x14) >> 11 & 1, 1);
    put(QSPI + 0x14, 1u << 11);
    assert_int_equal(get(QSPI + 0x14) >> 11 & 1, 0);
}

static void an_empty_fifo_is_not_read(void **state)
{
    (void)state;
    open_qspi();
    get(QSPI + 0x30);
    assert_fault("reads QSPI0.RX while RXEMPTY is 1");
}

static void a_full_fifo_is_not_written(void **state)
{
    (void)state;
    open_qspi();
    put(QSPI + 0x08, 1);
    for (unsigned i = 0; i < 10; i++)
        put(QSPI + 0x20, 0);
    assert_fault("writes QSPI0.TX while TXFULL is 1");
}

static void the_chip_select_waits_for_the_last_bit(void **state)
{
    (void)state;
    open_qspi();
    put(QSPI + 0x08, 1);
    put(QSPI + 0x20, 0x06);
    put(QSPI + 0x08, 0);
    assert_fault("writes QSPI0.SSCTL while BUSY is 1");
}

static void the_set_up_stays_while_it_is_enabled(void **state)
{
    (void)state;
    open_qspi();
    put(QSPI + 0x04, 7);
    assert_fault("changes QSPI0.CLKDIV while SPIEN is 1");
}

static void a_wrong_mode_is_named(void **state)
{
    (void)state;
    open_qspi();
    put(QSPI + 0x00, 0x804);
    put(QSPI + 0x00, 0x80c);
    put(QSPI + 0x00, 0x80d);
    pass(TWIN_MS);
    put(QSPI + 0x20, 0x9f);
    assert_fault("neither of the flash's SPI modes");
}

#define TEST_M467(name) cmocka_unit_test_setup_teardown(name, switch_m467_on, switch_off)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_flash_says_who_it_is),
        TEST(the_first_bytes_are_in_the_highest_word),
        TEST(a_program_only_clears_bits_and_takes_its_time),
        TEST(a_page_wraps_at_its_end),
        TEST(erases_are_of_4_and_of_64_kib),
        TEST(without_write_enable_nothing_is_erased),
        TEST(a_busy_flash_takes_only_questions),
        TEST(a_reset_needs_its_first_half_and_leaves_an_erase_torn),
        TEST(an_unknown_command_is_named),
        TEST(a_plain_read_has_its_highest_clock),
        TEST(data_that_is_sampled_too_early_is_shifted),
        TEST(power_cut_in_a_program_leaves_a_torn_page_in_the_file),
        TEST(a_cut_before_an_erase_of_that_name_changes_nothing_and_one_within_tears),
        TEST(an_erase_goes_on_over_a_reset_of_the_core),
        TEST(a_reset_within_a_command_ends_it),
        TEST(the_cipher_must_be_off),
        TEST(the_mapped_mode_after_reset_is_no_io_mode),
        TEST(a_transfer_without_chip_select_is_named),
        TEST(a_width_of_half_bytes_is_named),
        TEST(nothing_is_written_while_a_transfer_runs),
        TEST(hold_must_be_high),
        TEST(the_pins_need_spims_function),
        TEST(spim_without_clock_does_not_answer),
        TEST_M467(the_flash_answers_to_qspi0),
        TEST_M467(its_fifo_loses_the_ninth_byte),
        TEST_M467(an_empty_fifo_is_not_read),
        TEST_M467(a_full_fifo_is_not_written),
        TEST_M467(the_chip_select_waits_for_the_last_bit),
        TEST_M467(the_set_up_stays_while_it_is_enabled),
        TEST_M467(a_wrong_mode_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
