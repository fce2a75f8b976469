/* The sensors of B-U585I-IOT02A: HTS221 (humidity, temperature), LPS22HH (pressure, temperature),
 * ISM330DHCX (acceleration, rotation), IIS2MDC (magnetic field). A table says how each is set up
 * and read; one machine does it with all, a step in each turn: identity, settings, the calibration
 * that the HTS221 has, and then, once a second, the status with the values behind it.
 *
 * From the parts' data sheets. Run in the twin, not on silicon. Not checked there: the addresses
 * (they hang on how the board ties SA0 pins), that the IIS2MDC counts registers on by itself in a
 * read of several (the others say how they are told to), how its axes and the ISM330DHCX's lie on
 * the board (they are sent as the parts have them), and that register 1Fh of the ISM330DHCX, which
 * has no name, may be read over. */
#include "services/telemetry/sensors.h"

#include <stddef.h>

#include "port/log.h"
#include "ports/stm32/i2c.h"

#define TAG "SENSORS"

#define ROUND_MS  1000u
#define STEP_MS   1u
#define STALE_MAX 3u    /* rounds without a new value */
#define COUNTS_ON 0x80u /* HTS221: with a register's number, a read goes on to the next ones */
#define DATA_MAX  16u
#define SETUP_MAX 4u
#define HUMID_MAX 100000

struct setting {
    uint8_t reg, value;
};

struct sensor {
    const char *name;
    uint8_t address;
    uint8_t identity_reg, identity;
    struct setting setup[SETUP_MAX];
    uint8_t setup_count;
    uint8_t calibration, calibration_size; /* 0: it has none */
    uint8_t data, data_size;               /* the status, and what follows it */
    uint8_t ready;                         /* status: all values are new */
    /* NULL of `data`: there are none. False when they cannot be believed. */
    bool (*take)(const uint8_t *data);
};

static struct environment environment;
static struct motion motion;
static uint8_t calibration[DATA_MAX]; /* of the HTS221 */

static int32_t word(const uint8_t *at)
{
    return (int16_t)(at[0] | at[1] << 8);
}

/* ---- values ---- */

/* The line through two points that the factory measured; false when they are one. */
static bool on_line(int32_t at, int32_t at0, int32_t at1, int32_t value0, int32_t value1,
                    int32_t *value)
{
    if (at0 == at1)
        return false;
    *value = (int32_t)(value0 + (int64_t)(value1 - value0) * (at - at0) / (at1 - at0));
    return true;
}

/* Registers 30h to 3Fh: percent x 2, degrees x 8 with two bits more in 35h, and what was read
 * there. */
static bool take_hts221(const uint8_t *data)
{
    const uint8_t *c = calibration;
    environment.temperature_0_mc = environment.humidity_mpct = SENSOR_NONE;
    if (!data)
        return true;
    int32_t humidity, temperature;
    if (!on_line(word(data + 1), word(c + 6), word(c + 10), c[0] * 500, c[1] * 500, &humidity) ||
        !on_line(word(data + 3), word(c + 12), word(c + 14), (c[2] | (c[5] & 3) << 8) * 125,
                 (c[3] | (c[5] & 12) << 6) * 125, &temperature))
        return false;
    environment.humidity_mpct = humidity < 0 ? 0 : humidity > HUMID_MAX ? HUMID_MAX : humidity;
    environment.temperature_0_mc = temperature;
    return true;
}

/* 4096 of 24 bits are a millibar, 100 a degree. */
static bool take_lps22hh(const uint8_t *data)
{
    environment.pressure_umbar = environment.temperature_1_mc = SENSOR_NONE;
    if (!data)
        return true;
    const int32_t raw = data[1] | data[2] << 8 | (int8_t)data[3] * 65536;
    environment.pressure_umbar = (int32_t)((int64_t)raw * 1000 / 4096);
    environment.temperature_1_mc = word(data + 4) * 10;
    return true;
}

static struct vector vector(const uint8_t *at, int32_t times, int32_t parts)
{
    return at ? (struct vector){word(at) * times / parts, word(at + 2) * times / parts,
                                word(at + 4) * times / parts}
              : (struct vector){SENSOR_NONE, SENSOR_NONE, SENSOR_NONE};
}

/* 70 mdps at 2000 dps, 0.122 mg at 4 g. Between the status and the rotation: 1Fh, and the
 * temperature, which nobody asks for. */
static bool take_ism330dhcx(const uint8_t *data)
{
    motion.rotation_mdps = vector(data ? data + 4 : NULL, 70, 1);
    motion.acceleration_mg = vector(data ? data + 10 : NULL, 122, 1000);
    return true;
}

/* 1.5 mgauss. */
static bool take_iis2mdc(const uint8_t *data)
{
    motion.magnetic_mgauss = vector(data ? data + 1 : NULL, 3, 2);
    return true;
}

static const struct sensor sensors[] = {
    {.name = "HTS221",
     .address = 0x5f,
     .identity_reg = 0x0f,
     .identity = 0xbc,
     .setup = {{0x20, 0x86}}, /* on, a value stays while it is read, 7 Hz */
     .setup_count = 1,
     .calibration = 0x30 | COUNTS_ON,
     .calibration_size = 16,
     .data = 0x27 | COUNTS_ON,
     .data_size = 5,
     .ready = 3,
     .take = take_hts221},
    {.name = "LPS22HH",
     .address = 0x5d,
     .identity_reg = 0x0f,
     .identity = 0xb3,
     .setup = {{0x11, 0x10}, {0x10, 0x22}}, /* reads count on; 10 Hz, a value stays */
     .setup_count = 2,
     .data = 0x27,
     .data_size = 6,
     .ready = 3,
     .take = take_lps22hh},
    {.name = "ISM330DHCX",
     .address = 0x6b,
     .identity_reg = 0x0f,
     .identity = 0x6b,
     /* Values stay, reads count on; DEVICE_CONF; 26 Hz and 4 g; 26 Hz and 2000 dps. */
     .setup = {{0x12, 0x44}, {0x18, 0xe2}, {0x10, 0x28}, {0x11, 0x2c}},
     .setup_count = 4,
     .data = 0x1e,
     .data_size = 16,
     .ready = 3,
     .take = take_ism330dhcx},
    {.name = "IIS2MDC",
     .address = 0x1e,
     .identity_reg = 0x4f,
     .identity = 0x40,
     /* Values stay; offset cancellation; compensated, 10 Hz, continuous. */
     .setup = {{0x62, 0x10}, {0x61, 0x02}, {0x60, 0x80}},
     .setup_count = 3,
     .data = 0x67,
     .data_size = 7,
     .ready = 8,
     .take = take_iis2mdc},
};
#define SENSORS (sizeof sensors / sizeof *sensors)

/* ---- the machine ---- */

enum stage { IDENTITY, SETUP, CALIBRATION, DATA };

static struct {
    enum stage stage;
    uint8_t stale;
    bool failed; /* as last logged */
} states[SENSORS];

static struct {
    uint8_t data[DATA_MAX];
    otter_ms due; /* the next round, or step of this one */
    otter_ms began;
    uint8_t sensor, setting;
    bool started, asked; /* at all; a transfer */
    bool complete;       /* a round was, so that there are values or reasons */
} run;

static void ask(otter_ms now)
{
    const struct sensor *s = &sensors[run.sensor];
    switch (states[run.sensor].stage) {
    case IDENTITY:
        i2c_read(now, s->address, s->identity_reg, run.data, 1);
        break;
    case SETUP:
        i2c_write(now, s->address, s->setup[run.setting].reg, s->setup[run.setting].value);
        break;
    case CALIBRATION:
        i2c_read(now, s->address, s->calibration, calibration, s->calibration_size);
        break;
    case DATA:
        i2c_read(now, s->address, s->data, run.data, s->data_size);
        break;
    }
    run.asked = true;
}

static void next_sensor(otter_ms now)
{
    run.setting = 0;
    if (++run.sensor < SENSORS)
        return;
    run.sensor = 0;
    run.complete = true;
    run.due = run.began + ROUND_MS > now ? run.began + ROUND_MS : now + ROUND_MS;
}

/* Its values go, and it is set up anew in the next round. */
static void fail(otter_ms now, const char *why)
{
    const struct sensor *s = &sensors[run.sensor];
    if (!states[run.sensor].failed)
        LOG_WRN(TAG, "%s at address 0x%02x: %s; its values are left out", s->name, s->address, why);
    states[run.sensor].failed = true;
    states[run.sensor].stage = IDENTITY;
    (void)s->take(NULL);
    next_sensor(now);
}

static void take_values(otter_ms now)
{
    const struct sensor *s = &sensors[run.sensor];
    if ((run.data[0] & s->ready) != s->ready) {
        if (++states[run.sensor].stale >= STALE_MAX)
            fail(now, "it measures nothing");
        else
            next_sensor(now);
        return;
    }
    states[run.sensor].stale = 0;
    if (!s->take(run.data)) {
        fail(now, "its calibration makes no sense");
        return;
    }
    if (states[run.sensor].failed)
        LOG_INF(TAG, "%s is back", s->name);
    states[run.sensor].failed = false;
    next_sensor(now);
}

/* What follows a transfer that went well. */
static void go_on(otter_ms now)
{
    const struct sensor *s = &sensors[run.sensor];
    enum stage *stage = &states[run.sensor].stage;
    switch (*stage) {
    case IDENTITY:
        if (run.data[0] != s->identity) {
            fail(now, "another part answers");
            return;
        }
        *stage = SETUP;
        break;
    case SETUP:
        if (++run.setting == s->setup_count)
            *stage = s->calibration_size ? CALIBRATION : DATA;
        break;
    case CALIBRATION:
        *stage = DATA;
        break;
    case DATA:
        take_values(now);
        return;
    }
    if (*stage == DATA) { /* the first value is there in the next round */
        states[run.sensor].stale = 0;
        next_sensor(now);
    }
}

static void start(void)
{
    for (size_t i = 0; i < SENSORS; i++)
        (void)sensors[i].take(NULL);
    i2c_start();
    run.started = true;
}

void sensors_tick(otter_ms now)
{
    if (!run.started)
        start();
    if (now < run.due)
        return;
    if (run.sensor == 0 && !run.asked)
        run.began = now;
    run.due = now + STEP_MS;
    if (!run.asked)
        ask(now);
    const otter_status status = i2c_step(now);
    if (status == OTTER_E_AGAIN)
        return;
    run.asked = false;
    if (status == OTTER_OK)
        go_on(now);
    else
        fail(now, otter_status_text(status));
}

otter_ms sensors_deadline(void)
{
    return run.due;
}

otter_status sensors_environment(otter_ms now, struct environment *values)
{
    (void)now;
    *values = environment;
    if (!run.complete)
        return OTTER_E_AGAIN;
    return values->humidity_mpct == SENSOR_NONE && values->pressure_umbar == SENSOR_NONE
               ? OTTER_E_IO
               : OTTER_OK;
}

otter_status sensors_motion(otter_ms now, struct motion *values)
{
    (void)now;
    *values = motion;
    if (!run.complete)
        return OTTER_E_AGAIN;
    return values->acceleration_mg.x == SENSOR_NONE && values->magnetic_mgauss.x == SENSOR_NONE
               ? OTTER_E_IO
               : OTTER_OK;
}
