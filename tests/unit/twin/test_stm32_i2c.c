/* I2C2 of the STM32U585 with sensors behind it, used step by step as the register tables say, and
 * each of its rules broken once. */
#include "tests/unit/twin/stm32_bench.h"
#include "twin/parts/mems.h"
#include "twin/stm32/i2c.h"

#define I2C     0x40005800u
#define CR1     (I2C + 0x00u)
#define CR2     (I2C + 0x04u)
#define TIMINGR (I2C + 0x10u)
#define ISR     (I2C + 0x18u)
#define ICR     (I2C + 0x1cu)
#define RXDR    (I2C + 0x24u)
#define TXDR    (I2C + 0x28u)

#define PE      1u
#define READ    (1u << 10)
#define START   (1u << 13)
#define AUTOEND (1u << 25)
#define TXIS    0x02u
#define RXNE    0x04u
#define NACKF   0x10u
#define STOPF   0x20u
#define TC      0x40u
#define BUSY    0x8000u

#define HTS221  0x5fu
#define LPS22HH 0x5du
#define IMU     0x6bu
#define MAGNET  0x1eu

#define PORT_H (GPIO + 0x400u * 7u)

static const struct mems_world world = {23400,          51200,           987600,
                                        {12, -34, 998}, {140, -70, 210}, {-150, 300, 450}};
static struct mems mems[MEMS_KINDS];

static void wire(void)
{
    static const struct stm32_pin pins[] = {{7, 4, 4}, {7, 5, 4}};
    stm32_i2c_connect(soc->i2c, pins);
    for (unsigned i = 0; i < MEMS_KINDS; i++) {
        mems_start(&mems[i], (enum mems_kind)i, soc->twin, &world);
        stm32_i2c_add(soc->i2c, &mems[i].slave);
    }
}

static int switch_on(void **state)
{
    (void)state;
    return bench_on(&stm32_u585, wire);
}

/* ---- the sequence ---- */

static void open_clock(void)
{
    set(RCC, 1u << 8); /* HSI16 */
    assert_true(comes(RCC, 1u << 10, 1u << 10));
    put(RCC + 0xe0, 2u << 12);
    set(RCC + 0x9c, 1u << 22);
    set(RCC + 0x8c, 1u << 7);
}

static void open_pins(void)
{
    put(PORT_H + 0x04, 3u << 4);
    put(PORT_H + 0x20, 4u << 16 | 4u << 20);
    put(PORT_H, (0xffffffffu & ~(0xfu << 8)) | 0xau << 8);
}

static void open_bus(void)
{
    open_clock();
    open_pins();
    put(TIMINGR, 0x30420f13);
    put(CR1, PE);
}

static void begin(uint32_t address, uint32_t size, uint32_t flags)
{
    put(CR2, address << 1 | size << 16 | START | flags);
}

static void send(uint8_t byte)
{
    assert_true(comes(ISR, TXIS, TXIS));
    put(TXDR, byte);
}

static void stop(void)
{
    assert_true(comes(ISR, STOPF, STOPF));
    put(ICR, STOPF);
    assert_int_equal(get(ISR) & BUSY, 0);
}

static void write_reg(uint32_t address, uint8_t reg, uint8_t value)
{
    begin(address, 2, AUTOEND);
    send(reg);
    send(value);
    stop();
}

static void read_regs(uint32_t address, uint8_t reg, uint8_t *data, uint8_t size)
{
    begin(address, 1, 0);
    send(reg);
    assert_true(comes(ISR, TC, TC));
    begin(address, size, READ | AUTOEND);
    for (unsigned i = 0; i < size; i++) {
        assert_true(comes(ISR, RXNE, RXNE));
        data[i] = (uint8_t)get(RXDR);
    }
    stop();
}

static uint8_t read_reg(uint32_t address, uint8_t reg)
{
    uint8_t value = 0;
    read_regs(address, reg, &value, 1);
    return value;
}

static int16_t word(const uint8_t *at)
{
    return (int16_t)(at[0] | at[1] << 8);
}

/* ---- promises ---- */

static void each_sensor_says_who_it_is(void **state)
{
    (void)state;
    open_bus();
    assert_int_equal(read_reg(HTS221, 0x0f), 0xbc);
    assert_int_equal(read_reg(LPS22HH, 0x0f), 0xb3);
    assert_int_equal(read_reg(IMU, 0x0f), 0x6b);
    assert_int_equal(read_reg(MAGNET, 0x4f), 0x40);
    assert_no_fault();
}

static void a_byte_takes_nine_clocks_of_timingr(void **state)
{
    (void)state;
    open_bus();
    begin(LPS22HH, 1, 0);
    const twin_ns start = twin_now(soc->twin);
    pass(10 * 8500); /* 16 MHz / 4 / 36: 111 kHz; the START and the address are ten */
    assert_int_equal(get(ISR) & TXIS, 0);
    pass(10 * 1000);
    assert_int_equal(get(ISR) & TXIS, TXIS);
    assert_true(twin_now(soc->twin) - start < 100 * TWIN_US);
    assert_no_fault();
}

static void nobody_at_the_address_is_a_nack_and_a_stop(void **state)
{
    (void)state;
    open_bus();
    begin(0x29, 1, 0);
    assert_true(comes(ISR, NACKF, NACKF));
    assert_int_equal(get(ISR) & TXIS, 0);
    stop();
    put(ICR, NACKF);
    assert_int_equal(get(ISR) & NACKF, 0);
    assert_int_equal(read_reg(LPS22HH, 0x0f), 0xb3);
    assert_no_fault();
}

static void a_barometer_measures_once_it_is_on(void **state)
{
    (void)state;
    uint8_t data[6];
    open_bus();
    pass(300 * TWIN_MS);
    assert_int_equal(read_reg(LPS22HH, 0x27), 0);
    write_reg(LPS22HH, 0x10, 0x22); /* 10 Hz */
    assert_int_equal(read_reg(LPS22HH, 0x27), 0);
    pass(110 * TWIN_MS);
    read_regs(LPS22HH, 0x27, data, sizeof data);
    assert_int_equal(data[0], 3);
    assert_int_equal(data[1] | data[2] << 8 | data[3] << 16, 987600ll * 4096 / 1000);
    assert_int_equal(word(data + 4), 2340);
    assert_int_equal(read_reg(LPS22HH, 0x27), 0); /* read; the next is not there */
    assert_no_fault();
}

static void the_hygrometer_counts_on_only_when_told_so(void **state)
{
    (void)state;
    uint8_t data[16];
    open_bus();
    read_regs(HTS221, 0x30, data, 2);
    assert_int_equal(data[0], data[1]);
    read_regs(HTS221, 0xb0, data, sizeof data);
    assert_int_equal(data[0], 60);
    assert_int_equal(data[1], 150);
    assert_int_equal(word(data + 12), -200);
    write_reg(HTS221, 0x20, 0x86);
    pass(200 * TWIN_MS);
    read_regs(HTS221, 0xa7, data, 5);
    assert_int_equal(data[0], 3);
    assert_int_equal(word(data + 3), -200 + (23400 - 20000) * 1000 / 15000);
    assert_no_fault();
}

static void ranges_are_those_of_the_control_registers(void **state)
{
    (void)state;
    uint8_t data[16];
    open_bus();
    write_reg(IMU, 0x10, 0x20); /* 2 g */
    write_reg(IMU, 0x11, 0x20); /* 250 dps */
    pass(100 * TWIN_MS);
    read_regs(IMU, 0x1e, data, sizeof data);
    assert_int_equal(data[0] & 3, 3);
    assert_int_equal(word(data + 4), 140000 / 8750);
    assert_int_equal(word(data + 14), 998000 / 61);
    write_reg(MAGNET, 0x60, 0x80);
    pass(200 * TWIN_MS);
    read_regs(MAGNET, 0x67, data, 7);
    assert_int_equal(data[0] & 8, 8);
    assert_int_equal(word(data + 3), 200);
    assert_no_fault();
}

static void sda_that_is_held_is_free_after_clocks(void **state)
{
    (void)state;
    open_bus();
    stm32_i2c_hold(soc->i2c, 3);
    begin(LPS22HH, 1, 0);
    assert_false(comes(ISR, TXIS | NACKF, TXIS));
    put(CR1, 0);
    put(PORT_H + 0x18, 3u << 4);
    put(PORT_H, (0xffffffffu & ~(0xfu << 8)) | 5u << 8);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(get(PORT_H + 0x10) & 1u << 5, 0);
        put(PORT_H + 0x18, 1u << 20);
        put(PORT_H + 0x18, 1u << 4);
    }
    assert_int_equal(get(PORT_H + 0x10) & 1u << 5, 1u << 5);
    open_pins();
    put(CR1, PE);
    assert_int_equal(read_reg(LPS22HH, 0x0f), 0xb3);
    assert_no_fault();
}

/* ---- rules ---- */

static void the_clock_must_be_on(void **state)
{
    (void)state;
    (void)get(ISR);
    assert_fault("while its clock is off");
}

static void a_start_needs_a_kernel_clock(void **state)
{
    (void)state;
    open_bus();
    put(RCC, get(RCC) & ~(1u << 8));
    begin(LPS22HH, 1, 0);
    assert_fault("from a clock that does not run");
}

static void pins_must_be_open_drain(void **state)
{
    (void)state;
    open_bus();
    put(PORT_H + 0x04, 0);
    begin(LPS22HH, 1, 0);
    assert_fault("PH4 is not open drain");
}

static void timing_is_set_while_it_is_off(void **state)
{
    (void)state;
    open_bus();
    put(TIMINGR, 0x10320309);
    assert_fault("TIMINGR while PE is 1");
}

static void a_bus_is_no_faster_than_its_devices(void **state)
{
    (void)state;
    open_clock();
    open_pins();
    put(TIMINGR, 0x00000303);
    put(CR1, PE);
    begin(LPS22HH, 1, 0);
    (void)comes(ISR, TXIS, TXIS);
    assert_fault("goes to 400000");
}

static void a_transfer_is_not_started_within_another(void **state)
{
    (void)state;
    open_bus();
    begin(LPS22HH, 1, 0);
    begin(LPS22HH, 1, 0);
    assert_fault("in the middle of a transfer");
}

static void data_moves_only_when_it_is_wanted(void **state)
{
    (void)state;
    open_bus();
    put(TXDR, 1);
    assert_fault("TXDR while TXIS is 0");
}

static void nothing_is_read_that_has_not_come(void **state)
{
    (void)state;
    open_bus();
    (void)get(RXDR);
    assert_fault("RXDR while RXNE is 0");
}

static void registers_without_names_are_left_alone(void **state)
{
    (void)state;
    open_bus();
    begin(LPS22HH, 2, AUTOEND);
    send(0x20);
    send(1);
    (void)comes(ISR, STOPF, STOPF);
    assert_fault("register 0x20 of the LPS22HH");
}

static void what_is_read_only_is_not_written(void **state)
{
    (void)state;
    open_bus();
    begin(MAGNET, 2, AUTOEND);
    send(0x4f);
    send(1);
    (void)comes(ISR, STOPF, STOPF);
    assert_fault("read-only");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_sensor_says_who_it_is),
        TEST(a_byte_takes_nine_clocks_of_timingr),
        TEST(nobody_at_the_address_is_a_nack_and_a_stop),
        TEST(a_barometer_measures_once_it_is_on),
        TEST(the_hygrometer_counts_on_only_when_told_so),
        TEST(ranges_are_those_of_the_control_registers),
        TEST(sda_that_is_held_is_free_after_clocks),
        TEST(the_clock_must_be_on),
        TEST(a_start_needs_a_kernel_clock),
        TEST(pins_must_be_open_drain),
        TEST(timing_is_set_while_it_is_off),
        TEST(a_bus_is_no_faster_than_its_devices),
        TEST(a_transfer_is_not_started_within_another),
        TEST(data_moves_only_when_it_is_wanted),
        TEST(nothing_is_read_that_has_not_come),
        TEST(registers_without_names_are_left_alone),
        TEST(what_is_read_only_is_not_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
