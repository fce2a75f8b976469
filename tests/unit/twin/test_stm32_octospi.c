/* OCTOSPI and the MX25LM51245G behind it, used as the register tables and the flash's data sheet
 * say, and each of their rules broken once. */
#include "tests/unit/twin/stm32_bench.h"
#include "twin/stm32/octospi.h"

#define CR   (OCTOSPI + 0x000)
#define DCR1 (OCTOSPI + 0x008)
#define DCR2 (OCTOSPI + 0x00c)
#define SR   (OCTOSPI + 0x020)
#define FCR  (OCTOSPI + 0x024)
#define DLR  (OCTOSPI + 0x040)
#define AR   (OCTOSPI + 0x048)
#define DR   (OCTOSPI + 0x050)
#define CCR  (OCTOSPI + 0x100)
#define TCR  (OCTOSPI + 0x108)
#define IR   (OCTOSPI + 0x110)

#define TCF  2u
#define FTF  4u
#define BUSY 0x20u

#define READ    (1u << 28) /* FMODE */
#define COMMAND 1u         /* IMODE */
#define ADDRESS (1u << 8 | 3u << 12)
#define DATA    (1u << 24)
#define OCTAL   (4u | 1u << 4)
#define DTR     8u

static uint32_t OCTOSPI;
static struct spi_nor *nor;

static const struct stm32_pin u5_pins[] = {{8, 5, 5},  {5, 4, 5}, {5, 0, 5}, {5, 1, 5},
                                           {5, 2, 5},  {5, 3, 5}, {7, 9, 5}, {7, 10, 5},
                                           {7, 11, 5}, {7, 12, 5}};
static const struct stm32_pin h5_pins[] = {{6, 6, 10}, {5, 10, 9}, {1, 1, 6}, {3, 12, 9},
                                           {2, 2, 9},  {3, 13, 9}, {7, 2, 9}, {7, 3, 9},
                                           {6, 9, 9},  {2, 0, 10}};

static bool is_u5(void)
{
    return soc->part->family == STM32_U5;
}

static void wire(void)
{
    struct stm32_octospi_board board;
    OCTOSPI = is_u5() ? 0x420d2400u : 0x47001400u;
    nor = spi_nor_new(soc->twin, &spi_nor_mx25lm51245g, NULL);
    assert_non_null(nor);
    board.nor = nor;
    memcpy(board.pins, is_u5() ? u5_pins : h5_pins, sizeof board.pins);
    stm32_octospi_connect(soc->octospi, &board);
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

static int switch_nor_off(void **state)
{
    const int result = switch_off(state);
    spi_nor_free(nor);
    return result;
}

/* ---- the sequence ---- */

static void open_pins(void)
{
    const struct stm32_pin *pins = is_u5() ? u5_pins : h5_pins;
    set(RCC + 0x8c, 0x1ff);
    for (unsigned i = 0; i < STM32_OCTOSPI_PINS; i++) {
        const uint32_t at = GPIO + 0x400 * pins[i].port, pin = pins[i].pin;
        set(at + 0x20 + 4 * (pin / 8), (uint32_t)pins[i].function << (4 * (pin % 8)));
        put(at, (get(at) & ~(3u << (2 * pin))) | 2u << (2 * pin));
    }
}

static void open_controller(void)
{
    put(DCR1, 1u << 24 | 25u << 16);
    put(DCR2, 3);
    put(TCR, 1u << 30);
    put(CR, 1);
}

static void open_all(void)
{
    open_pins();
    if (is_u5()) {
        set(RCC + 0x8c, 1u << 21);
        set(RCC + 0x90, 1u << 8);
    } else {
        set(RCC + 0x94, 1u << 20);
    }
    open_controller();
}

static void finish(void)
{
    assert_true(comes(SR, TCF, TCF));
    put(FCR, TCF);
    assert_true(comes(SR, BUSY, 0));
}

static void command(uint8_t code)
{
    put(CR, 1);
    put(TCR, 1u << 30);
    put(CCR, COMMAND);
    put(IR, code);
    finish();
}

static void read_by(uint8_t code, uint32_t format, uint32_t address, uint32_t dummies, uint8_t *to,
                    uint32_t length)
{
    put(CR, 1 | READ);
    put(DLR, length - 1);
    put(TCR, 1u << 30 | dummies);
    put(CCR, COMMAND | DATA | format);
    put(IR, code);
    if (format)
        put(AR, address);
    for (uint32_t i = 0; i < length; i++) {
        assert_true(comes(SR, FTF, FTF));
        to[i] = twin_load_byte(soc->twin, DR);
    }
    finish();
}

static uint8_t flash_status(void)
{
    uint8_t status;
    read_by(0x05, 0, 0, 0, &status, 1);
    return status;
}

static void wait_for_flash(void)
{
    for (unsigned i = 0; i < 20000 && flash_status() & 1; i++)
        pass(100 * TWIN_US);
    assert_int_equal(flash_status() & 1, 0);
}

static void write_by(uint8_t code, uint32_t address, const uint8_t *from, uint32_t length)
{
    put(CR, 1);
    put(DLR, length - 1);
    put(TCR, 1u << 30);
    put(CCR, COMMAND | ADDRESS | DATA);
    put(IR, code);
    put(AR, address);
    for (uint32_t i = 0; i < length; i++) {
        assert_true(comes(SR, FTF, FTF));
        twin_store_byte(soc->twin, DR, from[i]);
    }
    finish();
}

static void program(uint32_t address, const uint8_t *from, uint32_t length)
{
    command(0x06);
    write_by(0x12, address, from, length);
}

static void erase(uint8_t code, uint32_t address)
{
    command(0x06);
    put(CR, 1);
    put(CCR, COMMAND | ADDRESS);
    put(IR, code);
    put(AR, address);
    finish();
}

static void expect_id(void)
{
    uint8_t id[3];
    read_by(0x9f, 0, 0, 0, id, 3);
    assert_memory_equal(id, "\xc2\x85\x3a", 3);
}

/* ---- the flash ---- */

static void the_flash_says_who_it_is(void **state)
{
    (void)state;
    open_all();
    expect_id();
    assert_no_fault();
}

static void what_is_programmed_is_read(void **state)
{
    uint8_t data[256], got[256];
    (void)state;
    open_all();
    for (unsigned i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 3);
    program(0x1200, data, sizeof data);
    assert_int_equal(flash_status() & 3, 3);
    wait_for_flash();
    read_by(0x13, ADDRESS, 0x1200, 0, got, sizeof got);
    assert_memory_equal(got, data, sizeof got);
    read_by(0x0c, ADDRESS, 0x1210, 8, got, 16);
    assert_memory_equal(got, data + 16, 16);
    assert_no_fault();
}

static void erases_are_of_4_and_of_64_kib(void **state)
{
    uint8_t *flash = spi_nor_bytes(nor);
    (void)state;
    open_all();
    memset(flash, 0, 0x40000);
    erase(0x21, 0x5678);
    wait_for_flash();
    assert_int_equal(flash[0x4fff], 0);
    assert_int_equal(flash[0x5000], 0xff);
    assert_int_equal(flash[0x5fff], 0xff);
    assert_int_equal(flash[0x6000], 0);
    erase(0xdc, 0x2ffff);
    wait_for_flash();
    assert_int_equal(flash[0x1ffff], 0);
    assert_int_equal(flash[0x20000], 0xff);
    assert_int_equal(flash[0x2ffff], 0xff);
    assert_int_equal(flash[0x30000], 0);
    assert_no_fault();
}

static void a_cut_in_an_erase_leaves_it_torn(void **state)
{
    unsigned ones = 0, zeros = 0;
    (void)state;
    open_all();
    memset(spi_nor_bytes(nor), 0, 0x1000);
    command(0x06);
    twin_cut_in_operation(soc->twin, 1);
    put(CR, 1);
    put(CCR, COMMAND | ADDRESS);
    put(IR, 0x21);
    put(AR, 0);
    assert_int_equal(twin_run(soc->twin, twin_now(soc->twin) + TWIN_MS), TWIN_CUT);
    for (unsigned i = 0; i < 0x1000; i++) {
        ones += spi_nor_bytes(nor)[i] == 0xff;
        zeros += spi_nor_bytes(nor)[i] == 0;
    }
    assert_in_range(ones, 0, 0x800);
    assert_in_range(zeros, 0, 0x800);
}

static void a_program_without_write_enable_is_wrong(void **state)
{
    (void)state;
    open_all();
    write_by(0x12, 0, (const uint8_t[]){0}, 1);
    assert_fault("0x12 without WREN");
}

static void a_command_while_it_is_busy_is_wrong(void **state)
{
    (void)state;
    open_all();
    erase(0x21, 0);
    command(0x06);
    assert_fault("0x06 while it is busy");
}

static void a_plain_read_is_slow(void **state)
{
    uint8_t byte;
    (void)state;
    u5_voltage();
    u5_pll(4);
    open_all();
    put(DCR2, 2);
    read_by(0x13, ADDRESS, 0, 0, &byte, 1);
    assert_fault("0x13 at 53333333 Hz; it takes 50000000");
}

static void behind_what_it_keeps_it_is_not_used(void **state)
{
    uint8_t byte;
    (void)state;
    open_all();
    read_by(0x13, ADDRESS, 0x800000, 0, &byte, 1);
    assert_fault("is used at 0x00800000; its twin keeps 0x800000");
}

/* ---- eight lines ---- */

static void octal_command(uint16_t code, uint32_t rate)
{
    put(CR, 1);
    put(TCR, 0);
    put(CCR, OCTAL | rate);
    put(IR, code);
    finish();
}

static void leave_in_octal(uint8_t lines)
{
    command(0x06);
    write_by(0x72, 0, &lines, 1);
}

static void a_flash_left_in_octal_mode_hears_nothing_until_its_reset(void **state)
{
    (void)state;
    for (unsigned lines = 0; lines <= 2; lines++) {
        uint8_t id[3];
        if (lines > 0) {
            (void)switch_nor_off(state);
            (void)switch_on(state);
        }
        open_all();
        leave_in_octal((uint8_t)lines);
        twin_request_reset(soc->twin, TWIN_RESET_SYSTEM);
        pass(TWIN_MS);
        open_all();
        read_by(0x9f, 0, 0, 0, id, 3);
        assert_int_equal(id[0], lines == 0 ? 0xc2 : 0xff);
        command(0x66);
        command(0x99);
        octal_command(0x6699, 0);
        octal_command(0x9966, 0);
        octal_command(0x6699, DTR);
        octal_command(0x9966, DTR);
        pass(100 * TWIN_MS);
        expect_id();
        assert_no_fault();
    }
}

static void it_is_not_awake_right_behind_its_reset(void **state)
{
    uint8_t id[3];
    (void)state;
    open_all();
    erase(0x21, 0);
    command(0x66);
    command(0x99);
    pass(50 * TWIN_MS);
    assert_int_equal(flash_status(), 0xff);
    read_by(0x9f, 0, 0, 0, id, 3);
    assert_int_equal(id[0], 0xff);
    assert_no_fault();
    command(0x06);
    assert_fault("0x06 before it is awake");
}

static void cr2_says_its_lines(void **state)
{
    uint8_t lines;
    (void)state;
    open_all();
    read_by(0x71, ADDRESS, 0, 0, &lines, 1);
    assert_int_equal(lines, 0);
    assert_no_fault();
}

/* ---- the controller ---- */

static void data_waits_in_the_fifo_until_it_is_taken(void **state)
{
    (void)state;
    open_all();
    for (unsigned i = 0; i < 40; i++)
        spi_nor_bytes(nor)[i] = (uint8_t)i;
    put(CR, 1 | READ);
    put(DLR, 39);
    put(CCR, COMMAND | ADDRESS | DATA);
    put(IR, 0x13);
    put(AR, 0);
    pass(TWIN_MS);
    assert_int_equal(get(SR) >> 8 & 0x3f, 32);
    assert_int_equal(get(SR) & (TCF | FTF | BUSY), FTF | BUSY);
    for (unsigned i = 0; i < 10; i++) {
        if (i == 8)
            pass(TWIN_MS); /* the last eight come when there is room for them */
        assert_int_equal(get(DR) & 0xff, 4 * i);
    }
    assert_int_equal(get(SR) & (TCF | BUSY), TCF);
    assert_no_fault();
}

static void an_abort_ends_a_read(void **state)
{
    (void)state;
    open_all();
    put(CR, 1 | READ);
    put(DLR, 1000);
    put(CCR, COMMAND | ADDRESS | DATA);
    put(IR, 0x13);
    put(AR, 0);
    pass(TWIN_MS);
    put(CR, 1 | READ | 2);
    assert_true(comes(SR, BUSY, 0));
    put(FCR, TCF);
    expect_id();
    assert_no_fault();
}

static void an_empty_fifo_is_not_read(void **state)
{
    (void)state;
    open_all();
    put(CR, 1 | READ);
    put(CCR, COMMAND | DATA);
    put(IR, 0x9f);
    (void)twin_load_byte(soc->twin, DR);
    assert_fault("reads 1 bytes from OCTOSPI2.DR, which holds 0");
}

static void more_data_than_dlr_says_is_wrong(void **state)
{
    (void)state;
    open_all();
    command(0x06);
    put(CR, 1);
    put(DLR, 0);
    put(CCR, COMMAND | ADDRESS | DATA);
    put(IR, 0x12);
    put(AR, 0);
    twin_store_byte(soc->twin, DR, 1);
    twin_store_byte(soc->twin, DR, 2);
    assert_fault("writes 1 bytes to OCTOSPI2.DR, which takes 0");
}

static void a_set_up_while_it_is_busy_is_wrong(void **state)
{
    (void)state;
    open_all();
    put(CR, 1);
    put(CCR, COMMAND);
    put(IR, 0x06);
    put(CCR, COMMAND);
    assert_fault("writes OCTOSPI2.CCR while SR.BUSY is 1");
}

static void a_command_before_it_is_enabled_is_wrong(void **state)
{
    (void)state;
    open_all();
    put(CR, 0);
    put(CCR, COMMAND);
    put(IR, 0x06);
    assert_fault("writes OCTOSPI2.IR while CR.EN is 0");
}

static void wrong_formats_are_named(void **state)
{
    static const struct {
        uint32_t dcr1, tcr, ccr;
        const char *why;
    } cases[] = {
        {1u << 24 | 25u << 16, 1u << 30, 2, "other than by one line"},
        {1u << 24 | 25u << 16, 1u << 30, COMMAND | 4u << 24, "other than by one line"},
        {1u << 24 | 25u << 16, 1u << 30, COMMAND | 1u << 16, "without alternate bytes"},
        {1u << 24 | 25u << 16, 1u << 30, COMMAND | 1u << 8, "an address of less than 24 bits"},
        {1u << 24 | 22u << 16, 1u << 30, COMMAND | ADDRESS, "another size than the flash has"},
        {1u << 24 | 25u << 16, 6, COMMAND, "dummy cycles that are no whole bytes"},
        {1u << 24 | 25u << 16, 1u << 28, COMMAND, "its data rate does not have"},
        {1u << 24 | 25u << 16, 1u << 30, OCTAL | DTR, "its data rate does not have"},
        {4u << 24 | 25u << 16, 1u << 30, COMMAND, "a memory of another kind"},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (i > 0) {
            (void)switch_nor_off(state);
            (void)switch_on(state);
        }
        open_all();
        put(DCR1, cases[i].dcr1);
        put(CR, 1 | READ);
        put(TCR, cases[i].tcr);
        put(CCR, cases[i].ccr);
        put(IR, 0x06);
        put(AR, 0);
        assert_fault(cases[i].why);
    }
}

static void mapped_mode_is_not_modelled(void **state)
{
    (void)state;
    open_all();
    put(CR, 1 | 3u << 28);
    assert_fault("for polling by hardware or mapped mode");
}

static void the_pins_need_their_function(void **state)
{
    (void)state;
    open_all();
    put(GPIO + 0x400 * 5 + 0x20, 0x00050054);
    put(CCR, COMMAND);
    put(IR, 0x06);
    assert_fault("OCTOSPI2 works, but PF0 has function AF4, not AF5");
}

static void the_u5_leads_port_2_to_its_pins(void **state)
{
    (void)state;
    open_all();
    put(0x420c4008, 0x03010111);
    put(CCR, COMMAND);
    put(IR, 0x06);
    assert_fault("OCTOSPIM.P2CR 0x03010111 leads it elsewhere");
}

static void without_its_clock_the_manager_leads_nowhere(void **state)
{
    (void)state;
    open_all();
    put(RCC + 0x8c, get(RCC + 0x8c) & ~(1u << 21));
    put(CCR, COMMAND);
    put(IR, 0x06);
    assert_fault("OCTOSPIM leads it nowhere while its clock is off");
}

#undef TEST
#define TEST(name) cmocka_unit_test_setup_teardown(name, switch_on, switch_nor_off)
#define H5(name)   cmocka_unit_test_setup_teardown(name, switch_h5_on, switch_nor_off)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_flash_says_who_it_is),
        H5(the_flash_says_who_it_is),
        TEST(what_is_programmed_is_read),
        H5(what_is_programmed_is_read),
        TEST(erases_are_of_4_and_of_64_kib),
        TEST(a_cut_in_an_erase_leaves_it_torn),
        TEST(a_program_without_write_enable_is_wrong),
        TEST(a_command_while_it_is_busy_is_wrong),
        TEST(a_plain_read_is_slow),
        TEST(behind_what_it_keeps_it_is_not_used),
        TEST(a_flash_left_in_octal_mode_hears_nothing_until_its_reset),
        TEST(it_is_not_awake_right_behind_its_reset),
        TEST(cr2_says_its_lines),
        TEST(data_waits_in_the_fifo_until_it_is_taken),
        TEST(an_abort_ends_a_read),
        TEST(an_empty_fifo_is_not_read),
        TEST(more_data_than_dlr_says_is_wrong),
        TEST(a_set_up_while_it_is_busy_is_wrong),
        TEST(a_command_before_it_is_enabled_is_wrong),
        TEST(wrong_formats_are_named),
        TEST(mapped_mode_is_not_modelled),
        TEST(the_pins_need_their_function),
        TEST(the_u5_leads_port_2_to_its_pins),
        TEST(without_its_clock_the_manager_leads_nowhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
