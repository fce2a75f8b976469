/* What the board's sensors measure. The port of a board with sensors brings these functions, in its
 * room_port_sensors (BOARD_SENSORS in the board's board.cmake names the drivers: those of
 * B-U585I-IOT02A are ports/stm32/sensors.c); a board without has firmware/sensors_emulated.c. */
#ifndef OTTER_SERVICES_TELEMETRY_SENSORS_H
#define OTTER_SERVICES_TELEMETRY_SENSORS_H

#include <stdint.h>

#include "port/port.h"
#include "port/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A value that is not there, as its sensor is absent or fails: messages leave it out. */
#define SENSOR_NONE INT32_MIN

/* In thousandths; each SENSOR_NONE or a value. */
struct environment {
    int32_t temperature_0_mc; /* of the humidity sensor, degrees Celsius */
    int32_t humidity_mpct;    /* relative */
    int32_t temperature_1_mc; /* of the barometer */
    int32_t pressure_umbar;   /* thousandths of a millibar */
};

/* All three are SENSOR_NONE, or none. */
struct vector {
    int32_t x, y, z;
};
struct motion {
    struct vector acceleration_mg;
    struct vector rotation_mdps;
    struct vector magnetic_mgauss;
};

/* Turns of the drivers while somebody wants values: each does one step and never waits. The next is
 * due at sensors_deadline. */
void sensors_tick(otter_ms now);
otter_ms sensors_deadline(void);

/* Neither waits: the last values, or OTTER_E_AGAIN before the first ones; OTTER_E_IO when no sensor
 * of them answers. */
otter_status sensors_environment(otter_ms now, struct environment *values);
otter_status sensors_motion(otter_ms now, struct motion *values);

#ifdef __cplusplus
}
#endif

#endif
