/* The drivers of B-U585I-IOT02A's sensors against sensors that the twin has by their register
 * tables: what they measure is what is told, and one that is absent or fails costs its own values
 * only. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "port/port.h"
#include "ports/stm32/i2c.h"
#include "services/telemetry/sensors.h"
#include "twin/parts/mems.h"
#include "twin/stm32/stm32.h"

static struct mems_world world;
static struct mems mems[MEMS_KINDS];
static struct twin *twin;
static otter_ms now;
static char logged[4096];

void port_log_write(const char *line, size_t length)
{
    const size_t at = strlen(logged);
    assert_true(at + length < sizeof logged);
    memcpy(logged + at, line, length);
    logged[at + length] = '\0';
}

otter_ms port_now(void)
{
    return now;
}

/* ---- the bus: a transfer in one piece, after some turns ---- */

static struct {
    unsigned turns;
    uint8_t address, reg, value, size;
    uint8_t *data;
    bool silent;
} bus;
static unsigned starts, transfers;

void i2c_start(void)
{
    starts++;
}

void i2c_read(otter_ms at, uint8_t address, uint8_t reg, uint8_t *data, uint8_t size)
{
    (void)at;
    assert_int_equal(bus.turns, 0);
    bus.turns = 3u + size;
    bus.address = address;
    bus.reg = reg;
    bus.data = data;
    bus.size = size;
}

void i2c_write(otter_ms at, uint8_t address, uint8_t reg, uint8_t value)
{
    i2c_read(at, address, reg, NULL, 1);
    bus.value = value;
}

static struct i2c_slave *find(void)
{
    for (unsigned i = 0; i < MEMS_KINDS; i++)
        if (mems[i].slave.address == bus.address && !mems[i].slave.absent)
            return &mems[i].slave;
    return NULL;
}

otter_status i2c_step(otter_ms at)
{
    (void)at;
    assert_true(bus.turns > 0);
    if (--bus.turns > 0)
        return OTTER_E_AGAIN;
    transfers++;
    struct i2c_slave *slave = find();
    if (bus.silent || !slave)
        return bus.silent ? OTTER_E_TIMEOUT : OTTER_E_NOT_FOUND;
    slave->begin(slave->ctx, false);
    slave->put(slave->ctx, bus.reg);
    if (!bus.data)
        slave->put(slave->ctx, bus.value);
    else
        slave->begin(slave->ctx, true);
    for (unsigned i = 0; bus.data && i < bus.size; i++)
        bus.data[i] = slave->get(slave->ctx);
    slave->end(slave->ctx);
    return OTTER_OK;
}

/* ---- the bench ---- */

static void start_sensor(enum mems_kind kind)
{
    mems_start(&mems[kind], kind, twin, &world);
}

/* The drivers keep their state from test to test, as in a device that runs: each test begins with
 * sensors that had their power taken and are found again. */
static void pass(otter_ms time)
{
    for (const otter_ms end = now + time; now < end; now++) {
        sensors_tick(now);
        assert_int_equal(twin_run(twin, now * TWIN_MS), TWIN_STOPPED);
    }
    assert_string_equal(twin_fault_text(twin), "");
}

static int switch_on(void **state)
{
    (void)state;
    bus.silent = false;
    world = (struct mems_world){23400,          51200,           987600,
                                {12, -34, 998}, {140, -70, 210}, {-150, 300, 450}};
    for (unsigned i = 0; i < MEMS_KINDS; i++)
        start_sensor((enum mems_kind)i);
    return 0;
}

static void settle(void)
{
    pass(8000);
    logged[0] = '\0';
}

static int count(const char *word)
{
    int times = 0;
    for (const char *at = logged; (at = strstr(at, word)) != NULL; at++)
        times++;
    return times;
}

static void near(int32_t is, int32_t wanted, int32_t by)
{
    if (abs(is - wanted) > by)
        fail_msg("%d is not within %d of %d", (int)is, (int)by, (int)wanted);
}

/* ---- promises ---- */

static void before_the_first_round_there_are_no_values(void **state)
{
    (void)state;
    struct environment environment;
    struct motion motion;
    assert_int_equal(sensors_environment(now, &environment), OTTER_E_AGAIN);
    assert_int_equal(sensors_motion(now, &motion), OTTER_E_AGAIN);
    sensors_tick(now);
    assert_int_equal(starts, 1);
    assert_true(sensors_deadline() <= now + 1);
}

static void what_is_measured_is_told(void **state)
{
    (void)state;
    struct environment environment;
    struct motion motion;
    settle();
    assert_int_equal(sensors_environment(now, &environment), OTTER_OK);
    near(environment.temperature_0_mc, 23400, 20); /* a count is 15 */
    near(environment.humidity_mpct, 51200, 5);
    near(environment.temperature_1_mc, 23400, 10);
    near(environment.pressure_umbar, 987600, 1);
    assert_int_equal(sensors_motion(now, &motion), OTTER_OK);
    near(motion.acceleration_mg.x, 12, 1);
    near(motion.acceleration_mg.y, -34, 1);
    near(motion.acceleration_mg.z, 998, 1);
    near(motion.rotation_mdps.x, 140, 70);
    near(motion.rotation_mdps.y, -70, 70);
    near(motion.rotation_mdps.z, 210, 70);
    near(motion.magnetic_mgauss.x, -150, 2);
    near(motion.magnetic_mgauss.y, 300, 2);
    near(motion.magnetic_mgauss.z, 450, 2);
    assert_int_equal(count("SENSORS"), 0);
}

static void frost_and_what_a_sensor_says_beyond_its_range_are_told(void **state)
{
    (void)state;
    struct environment environment;
    struct motion motion;
    world.temperature_mc = -12300;
    world.humidity_mpct = 103000;
    world.acceleration_mg[2] = -3990;
    world.rotation_mdps[0] = -1999000;
    settle();
    assert_int_equal(sensors_environment(now, &environment), OTTER_OK);
    near(environment.temperature_0_mc, -12300, 20);
    near(environment.temperature_1_mc, -12300, 10);
    assert_int_equal(environment.humidity_mpct, 100000);
    assert_int_equal(sensors_motion(now, &motion), OTTER_OK);
    near(motion.acceleration_mg.z, -3990, 1);
    near(motion.rotation_mdps.x, -1999000, 70);
}

static void values_are_taken_once_a_second(void **state)
{
    (void)state;
    struct environment environment;
    settle();
    const unsigned before = transfers;
    world.pressure_umbar = 1001000;
    pass(4000);
    assert_in_range(transfers - before, 12, 20); /* 4 sensors, 3 to 5 rounds */
    assert_int_equal(sensors_environment(now, &environment), OTTER_OK);
    near(environment.pressure_umbar, 1001000, 1);
}

static void an_absent_sensor_costs_its_values_and_one_line(void **state)
{
    (void)state;
    struct environment environment;
    struct motion motion;
    settle();
    mems[MEMS_LPS22HH].slave.absent = mems[MEMS_IIS2MDC].slave.absent = true;
    pass(20000);
    assert_int_equal(sensors_environment(now, &environment), OTTER_OK);
    assert_int_equal(environment.pressure_umbar, SENSOR_NONE);
    assert_int_equal(environment.temperature_1_mc, SENSOR_NONE);
    near(environment.humidity_mpct, 51200, 5);
    assert_int_equal(sensors_motion(now, &motion), OTTER_OK);
    assert_int_equal(motion.magnetic_mgauss.x, SENSOR_NONE);
    near(motion.acceleration_mg.z, 998, 1);
    assert_int_equal(count("LPS22HH at address 0x5d: not found; its values are left out"), 1);
    assert_int_equal(count("SENSORS"), 2);
}

static void a_sensor_that_comes_back_is_set_up_again(void **state)
{
    (void)state;
    struct environment environment;
    settle();
    mems[MEMS_HTS221].slave.absent = true;
    pass(3000);
    start_sensor(MEMS_HTS221); /* without its settings */
    pass(4000);
    assert_int_equal(sensors_environment(now, &environment), OTTER_OK);
    near(environment.humidity_mpct, 51200, 5);
    assert_int_equal(count("HTS221 is back"), 1);
    assert_int_equal(count("SENSORS"), 2);
}

static void a_sensor_that_lost_its_settings_is_noticed(void **state)
{
    (void)state;
    struct motion motion;
    settle();
    start_sensor(MEMS_ISM330DHCX);
    pass(3500);
    assert_int_equal(count("ISM330DHCX at address 0x6b: it measures nothing"), 1);
    pass(4000);
    assert_int_equal(sensors_motion(now, &motion), OTTER_OK);
    near(motion.acceleration_mg.z, 998, 1);
    assert_int_equal(count("ISM330DHCX is back"), 1);
}

static void a_sensor_that_sticks_is_left_out(void **state)
{
    (void)state;
    struct motion motion;
    settle();
    mems[MEMS_IIS2MDC].stuck = true;
    pass(10000);
    assert_int_equal(sensors_motion(now, &motion), OTTER_OK);
    assert_int_equal(motion.magnetic_mgauss.x, SENSOR_NONE);
    assert_int_equal(count("SENSORS"), 1);
}

static void another_part_at_the_address_is_not_believed(void **state)
{
    (void)state;
    struct environment environment;
    settle();
    start_sensor(MEMS_LPS22HH);
    mems[MEMS_LPS22HH].regs[0x0f] = 0xb1;
    pass(10000);
    assert_int_equal(sensors_environment(now, &environment), OTTER_OK);
    assert_int_equal(environment.pressure_umbar, SENSOR_NONE);
    assert_int_equal(count("SENSORS"), 1); /* one outage, whatever the reason is then */
}

static void a_calibration_of_one_point_is_not_divided_by(void **state)
{
    (void)state;
    struct environment environment;
    settle();
    start_sensor(MEMS_HTS221);
    memset(mems[MEMS_HTS221].regs + 0x30, 0, 16);
    pass(10000);
    assert_int_equal(sensors_environment(now, &environment), OTTER_OK);
    assert_int_equal(environment.humidity_mpct, SENSOR_NONE);
    assert_int_equal(environment.temperature_0_mc, SENSOR_NONE);
    near(environment.pressure_umbar, 987600, 1);
}

static void a_dead_bus_is_an_error_and_four_lines(void **state)
{
    (void)state;
    struct environment environment;
    struct motion motion;
    settle();
    bus.silent = true;
    pass(20000);
    assert_int_equal(sensors_environment(now, &environment), OTTER_E_IO);
    assert_int_equal(sensors_motion(now, &motion), OTTER_E_IO);
    assert_int_equal(count("timed out; its values are left out"), 4);
    assert_int_equal(count("SENSORS"), 4);
}

#define PROMISE(name) cmocka_unit_test_setup(name, switch_on)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROMISE(before_the_first_round_there_are_no_values),
        PROMISE(what_is_measured_is_told),
        PROMISE(frost_and_what_a_sensor_says_beyond_its_range_are_told),
        PROMISE(values_are_taken_once_a_second),
        PROMISE(an_absent_sensor_costs_its_values_and_one_line),
        PROMISE(a_sensor_that_comes_back_is_set_up_again),
        PROMISE(a_sensor_that_lost_its_settings_is_noticed),
        PROMISE(a_sensor_that_sticks_is_left_out),
        PROMISE(another_part_at_the_address_is_not_believed),
        PROMISE(a_calibration_of_one_point_is_not_divided_by),
        PROMISE(a_dead_bus_is_an_error_and_four_lines),
    };
    /* A core that sleeps, for the twin's time: a stack, and `wfi; b .` at 0x100. */
    static const uint8_t program[0x104] = {
        [3] = 0x20,     [4] = 0x01,     [5] = 0x01,     [7] = 0x08,
        [0x100] = 0x30, [0x101] = 0xbf, [0x102] = 0xfd, [0x103] = 0xe7};
    struct stm32 *soc = stm32_new(&stm32_u585, NULL);
    if (!soc || !stm32_program(soc, 0x08000000u, program, sizeof program))
        return 1;
    twin = soc->twin;
    twin_hurry(twin);
    twin_reset(twin, TWIN_RESET_POWER);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    stm32_free(soc);
    return failed;
}
