/* SPI and EXTI of the STM32U585 and the STM32H573, used step by step as the register tables say,
 * and each of their rules broken once. */
#include "tests/unit/twin/stm32_bench.h"
#include "twin/stm32/spi.h"

#define U5_EXTI 0x46022000u
#define H5_EXTI 0x44022000u

#define CR1  0x00u
#define CR2  0x04u
#define CFG1 0x08u
#define CFG2 0x0cu
#define SR   0x14u
#define IFCR 0x18u
#define TXDR 0x20u
#define RXDR 0x30u

#define SPE    1u
#define CSTART (1u << 9)
#define SSI    (1u << 12)
#define RXP    1u
#define TXP    2u
#define EOT    8u
#define TXTF   0x10u
#define OVR    0x40u
#define MODF   0x200u
#define SUSP   0x800u
#define MASTER (1u << 22 | 1u << 26 | 1u << 31) /* with SSM and AFCNTR */

static uint32_t SPI;
static uint8_t sent[64];
static unsigned sent_count;
static uint32_t sent_hz;

static uint8_t echo(void *ctx, uint8_t out, uint32_t hz)
{
    (void)ctx;
    if (sent_count < sizeof sent)
        sent[sent_count] = out;
    sent_count++;
    sent_hz = hz;
    return (uint8_t)~out;
}

static void wire(void)
{
    static const struct stm32_spi_slave slave = {NULL, echo};
    static const struct stm32_pin u5_pins[] = {{3, 1, 5}, {3, 3, 5}, {3, 4, 5}};
    static const struct stm32_pin h5_pins[] = {{5, 7, 5}, {5, 8, 5}, {5, 9, 5}};
    const bool u5 = soc->part->family == STM32_U5;
    SPI = u5 ? 0x40003800u : 0x44002000u;
    stm32_spi_connect(soc->spi, &slave, u5 ? u5_pins : h5_pins);
    sent_count = 0;
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

/* ---- the sequence ---- */

static void open_pins(void)
{
    if (soc->part->family == STM32_U5) {
        set(RCC + 0x9c, 1u << 14);
        set(RCC + 0x8c, 1u << 3);
        put(GPIO + 0x400 * 3 + 0x20, 0x00055050);
        put(GPIO + 0x400 * 3,
            (0xffffffffu & ~(3u << 2 | 3u << 6 | 3u << 8)) | (2u << 2 | 2u << 6 | 2u << 8));
    } else {
        set(RCC + 0xa8, 1u << 5);
        set(RCC + 0x8c, 1u << 5);
        put(GPIO + 0x400 * 5 + 0x20, 5u << 28);
        put(GPIO + 0x400 * 5 + 0x24, 0x55);
        put(GPIO + 0x400 * 5, (0xffffffffu & ~(0x3fu << 14)) | (0x2au << 14));
    }
}

static void set_up_spi(uint32_t config, uint32_t mode)
{
    put(SPI + CR1, SSI);
    put(SPI + CFG1, config);
    put(SPI + CFG2, mode);
}

static void open_spi(void)
{
    open_pins();
    set_up_spi(7u | 0u << 28, MASTER);
}

static void begin(uint32_t size)
{
    put(SPI + CR2, size);
    put(SPI + CR1, SSI | SPE);
    put(SPI + CR1, SSI | SPE | CSTART);
}

static void put_byte(uint8_t byte)
{
    twin_store_byte(soc->twin, SPI + TXDR, byte);
}

static uint8_t get_byte(void)
{
    return twin_load_byte(soc->twin, SPI + RXDR);
}

static void end(void)
{
    put(SPI + IFCR, 0xfff);
    put(SPI + CR1, SSI);
}

static void bytes_go_out_and_come_in(void **state)
{
    (void)state;
    open_spi();
    begin(3);
    for (uint8_t i = 0; i < 3; i++) {
        assert_int_equal(get(SPI + SR) & TXP, TXP);
        put_byte((uint8_t)(0x10 + i));
        assert_true(comes(SPI + SR, RXP, RXP));
        assert_int_equal(get_byte(), (uint8_t) ~(0x10 + i));
    }
    assert_true(comes(SPI + SR, EOT | TXTF, EOT | TXTF));
    assert_int_equal(get(SPI + SR) & (RXP | TXP | OVR), 0);
    assert_int_equal(get(SPI + CR1) & CSTART, 0);
    end();
    assert_int_equal(get(SPI + SR) & (EOT | TXTF), 0);
    assert_int_equal(sent_count, 3);
    assert_int_equal(sent[2], 0x12);
    assert_no_fault();
}

static void the_clock_is_divided_as_mbr_says(void **state)
{
    (void)state;
    open_pins();
    set_up_spi(7u | 2u << 28, MASTER);
    begin(1);
    put_byte(1);
    assert_true(comes(SPI + SR, EOT, EOT));
    assert_int_equal(sent_hz, 500000);
    assert_no_fault();
}

static void a_word_is_four_bytes(void **state)
{
    (void)state;
    open_spi();
    begin(4);
    put(SPI + TXDR, 0x04030201);
    assert_true(comes(SPI + SR, EOT, EOT));
    assert_int_equal(sent[0], 1);
    assert_int_equal(sent[3], 4);
    assert_int_equal(get(SPI + RXDR), 0xfbfcfdfe);
    assert_no_fault();
}

static void a_second_transfer_follows_the_first(void **state)
{
    (void)state;
    open_spi();
    for (unsigned i = 0; i < 2; i++) {
        begin(1);
        put_byte(7);
        assert_true(comes(SPI + SR, EOT, EOT));
        (void)get_byte();
        end();
    }
    assert_int_equal(sent_count, 2);
    assert_no_fault();
}

static void the_clock_waits_for_bytes(void **state)
{
    (void)state;
    open_spi();
    begin(2);
    put_byte(1);
    pass(TWIN_MS);
    assert_int_equal(sent_count, 1);
    assert_int_equal(get(SPI + SR) >> 16, 1);
    put_byte(2);
    assert_true(comes(SPI + SR, EOT, EOT));
    assert_no_fault();
}

static void what_nobody_takes_overruns(void **state)
{
    (void)state;
    open_spi();
    begin(17);
    for (unsigned i = 0; i < 17; i++) {
        assert_true(comes(SPI + SR, TXP, TXP));
        put_byte((uint8_t)i);
    }
    assert_true(comes(SPI + SR, EOT, EOT));
    assert_int_equal(get(SPI + SR) & OVR, OVR);
    for (unsigned i = 0; i < 16; i++)
        assert_int_equal(get_byte(), (uint8_t)~i);
    assert_int_equal(get(SPI + SR) & RXP, 0);
    assert_no_fault();
}

static void the_h5s_fifo_takes_eight(void **state)
{
    (void)state;
    open_spi();
    put(SPI + CR2, 64);
    put(SPI + CR1, SSI | SPE);
    for (unsigned i = 0; i < 8; i++)
        put_byte((uint8_t)i);
    assert_no_fault();
    assert_int_equal(get(SPI + SR) & TXP, 0);
    put_byte(8);
    assert_fault("writes 1 bytes to SPI5.TXDR, which takes 0");
}

static void the_u5s_fifo_takes_sixteen(void **state)
{
    (void)state;
    open_spi();
    put(SPI + CR2, 64);
    put(SPI + CR1, SSI | SPE);
    for (unsigned i = 0; i < 16; i++)
        put_byte((uint8_t)i);
    assert_no_fault();
    put_byte(16);
    assert_fault("writes 1 bytes to SPI2.TXDR, which takes 0");
}

static void more_bytes_than_tsize_are_wrong(void **state)
{
    (void)state;
    open_spi();
    begin(1);
    put_byte(1);
    assert_int_equal(get(SPI + SR) & (TXP | TXTF), TXTF);
    put_byte(2);
    assert_fault("writes 1 bytes to SPI2.TXDR, which takes 0");
}

static void a_read_of_an_empty_fifo_is_wrong(void **state)
{
    (void)state;
    open_spi();
    begin(1);
    (void)get_byte();
    assert_fault("reads 1 bytes from SPI2.RXDR, which holds 0");
}

static void set_up_while_it_is_on_is_wrong(void **state)
{
    (void)state;
    open_spi();
    begin(1);
    put(SPI + CR2, 2);
    assert_fault("writes SPI2.CR2 while SPE is 1");
}

static void a_start_before_spe_is_wrong(void **state)
{
    (void)state;
    open_spi();
    put(SPI + CR2, 1);
    put(SPI + CR1, SSI | CSTART);
    assert_fault("starts a transfer of SPI2 while SPE is 0");
}

static void a_start_without_a_size_is_wrong(void **state)
{
    (void)state;
    open_spi();
    begin(0);
    assert_fault("without an end (CR2.TSIZE is 0)");
}

static void a_wrong_mode_is_named(void **state)
{
    static const struct {
        uint32_t config, mode;
        const char *why;
    } cases[] = {{7, MASTER | 1u << 24, "in the slave's mode 0"},
                 {7, MASTER | 1u << 25, "in the slave's mode 0"},
                 {7, MASTER | 1u << 23, "the highest bit first"},
                 {7, MASTER | 1u << 17, "full duplex"},
                 {7, MASTER & ~(1u << 31), "pins that float"},
                 {7, MASTER & ~(1u << 22), "not as the master"},
                 {15, MASTER, "other than by 8 bits"},
                 {7 | 1u << 15, MASTER, "other than by 8 bits"}};
    (void)state;
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (i > 0) {
            (void)switch_off(state);
            (void)switch_on(state);
        }
        open_pins();
        set_up_spi(cases[i].config, cases[i].mode);
        begin(1);
        assert_fault(cases[i].why);
    }
}

static void a_master_without_ssi_is_a_mode_fault(void **state)
{
    (void)state;
    open_pins();
    put(SPI + CFG1, 7);
    put(SPI + CFG2, MASTER);
    assert_int_equal(get(SPI + SR) & MODF, MODF);
    assert_int_equal(get(SPI + CFG2) >> 22 & 1, 0);
    put(SPI + IFCR, MODF);
    assert_int_equal(get(SPI + SR) & MODF, 0);
    assert_no_fault();
}

static void wrong_pins_are_named(void **state)
{
    (void)state;
    set(RCC + 0x9c, 1u << 14);
    set_up_spi(7, MASTER);
    begin(1);
    assert_fault("SPI2 works, but PD1 is in mode 3");
}

static void without_its_clock_it_does_not_answer(void **state)
{
    (void)state;
    put(SPI + CR1, SSI);
    assert_fault("SPI2.CR1 while its clock is off");
}

static void a_byte_access_to_a_control_register_is_wrong(void **state)
{
    (void)state;
    open_spi();
    twin_store_byte(soc->twin, SPI + CR1, 1);
    assert_fault("writes SPI2.CR1 by 1 bytes");
}

static void its_end_in_the_middle_of_a_byte_is_wrong(void **state)
{
    (void)state;
    open_spi();
    begin(2);
    put_byte(1);
    put(SPI + CR1, SSI);
    assert_fault("clears SPI2.CR1.SPE in the middle of a byte");
}

static void a_suspension_stops_behind_the_byte(void **state)
{
    (void)state;
    open_spi();
    begin(4);
    put(SPI + TXDR, 0x04030201);
    put(SPI + CR1, SSI | SPE | 1u << 10);
    assert_true(comes(SPI + SR, SUSP, SUSP));
    pass(TWIN_MS);
    assert_int_equal(sent_count, 1);
    put(SPI + CR1, SSI);
    assert_no_fault();
}

/* ---- EXTI ---- */

static void choose_port(uint32_t exti, unsigned line, uint32_t port)
{
    put(exti + 0x60 + 4 * (line / 4), port << (8 * (line % 4)));
}

/* As an input: PD14. */
static void open_input(void)
{
    set(RCC + 0x8c, 1u << 3);
    put(GPIO + 0x400 * 3, get(GPIO + 0x400 * 3) & ~(3u << 28));
}

static void check_edges(uint32_t exti)
{
    open_input();
    stm32_pin_drive(soc, 3, 14, false);
    choose_port(exti, 14, 3);
    put(exti, 1u << 14);
    stm32_pin_drive(soc, 3, 14, true);
    stm32_pin_drive(soc, 3, 14, false);
    assert_int_equal(get(exti + 0x0c), 1u << 14);
    assert_int_equal(get(exti + 0x10), 0);
    put(exti + 0x0c, 1u << 14);
    assert_int_equal(get(exti + 0x0c), 0);
    put(exti + 4, 1u << 14);
    stm32_pin_drive(soc, 3, 14, true);
    stm32_pin_drive(soc, 3, 14, false);
    assert_int_equal(get(exti + 0x10), 1u << 14);
    assert_no_fault();
}

static void an_edge_stays_pending_until_it_is_cleared(void **state)
{
    (void)state;
    check_edges(U5_EXTI);
}

static void the_h5s_edges_do_so_too(void **state)
{
    (void)state;
    check_edges(H5_EXTI);
}

static void an_edge_of_another_port_is_none(void **state)
{
    (void)state;
    open_input();
    stm32_pin_drive(soc, 3, 14, false);
    choose_port(U5_EXTI, 14, 4);
    put(U5_EXTI, 1u << 14);
    stm32_pin_drive(soc, 3, 14, true);
    assert_int_equal(get(U5_EXTI + 0x0c), 0);
    assert_no_fault();
}

static void an_edge_of_an_analog_pin_is_none(void **state)
{
    (void)state;
    stm32_pin_drive(soc, 3, 14, false);
    choose_port(U5_EXTI, 14, 3);
    put(U5_EXTI, 1u << 14);
    stm32_pin_drive(soc, 3, 14, true);
    assert_int_equal(get(U5_EXTI + 0x0c), 0);
}

static void an_edge_that_is_asked_for_interrupts(void **state)
{
    (void)state;
    open_input();
    stm32_pin_drive(soc, 3, 14, false);
    choose_port(U5_EXTI, 14, 3);
    put(U5_EXTI, 1u << 14);
    put(U5_EXTI + 0x80, 1u << 14);
    stm32_pin_drive(soc, 3, 14, true);
    assert_int_equal(get(0xe000e200) >> 25 & 1, 1); /* 11 + 14 pends */
    put(U5_EXTI + 0x0c, 1u << 14);
    put(0xe000e280, 1u << 25);
    assert_int_equal(get(0xe000e200) >> 25 & 1, 0);
    assert_no_fault();
}

static void a_line_without_a_pin_is_wrong(void **state)
{
    (void)state;
    put(U5_EXTI, 1u << 16);
    assert_fault("uses EXTI.RTSR1 for 0x00010000");
}

#define H5(name) cmocka_unit_test_setup_teardown(name, switch_h5_on, switch_off)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(bytes_go_out_and_come_in),
        H5(bytes_go_out_and_come_in),
        TEST(the_clock_is_divided_as_mbr_says),
        TEST(a_word_is_four_bytes),
        TEST(a_second_transfer_follows_the_first),
        TEST(the_clock_waits_for_bytes),
        TEST(what_nobody_takes_overruns),
        H5(the_h5s_fifo_takes_eight),
        TEST(the_u5s_fifo_takes_sixteen),
        TEST(more_bytes_than_tsize_are_wrong),
        TEST(a_read_of_an_empty_fifo_is_wrong),
        TEST(set_up_while_it_is_on_is_wrong),
        TEST(a_start_before_spe_is_wrong),
        TEST(a_start_without_a_size_is_wrong),
        TEST(a_wrong_mode_is_named),
        TEST(a_master_without_ssi_is_a_mode_fault),
        TEST(wrong_pins_are_named),
        TEST(without_its_clock_it_does_not_answer),
        TEST(a_byte_access_to_a_control_register_is_wrong),
        TEST(its_end_in_the_middle_of_a_byte_is_wrong),
        TEST(a_suspension_stops_behind_the_byte),
        TEST(an_edge_stays_pending_until_it_is_cleared),
        H5(the_h5s_edges_do_so_too),
        TEST(an_edge_of_another_port_is_none),
        TEST(an_edge_of_an_analog_pin_is_none),
        TEST(an_edge_that_is_asked_for_interrupts),
        TEST(a_line_without_a_pin_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
