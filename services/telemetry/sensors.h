/* What the board's sensors measure. A board with sensors brings these two functions
 * (BOARD_SENSORS in its board.cmake names the file, firmware/sensors_NAME.c); one without has
 * emulated ones, which say of themselves that they are. The place of the drivers for the HTS221,
 * LPS22HH, ISM330DHCX and IIS2MDC of B-U585I-IOT02A is firmware/sensors_iks.c on an I2C of
 * ports/stm32; neither is written yet. */
#ifndef OTTER_SERVICES_TELEMETRY_SENSORS_H
#define OTTER_SERVICES_TELEMETRY_SENSORS_H

#include <stdint.h>

#include "port/port.h"
#include "port/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* In thousandths. */
struct environment {
    int32_t temperature_0_mc; /* of the humidity sensor, degrees Celsius */
    int32_t humidity_mpct;    /* relative */
    int32_t temperature_1_mc; /* of the barometer */
    int32_t pressure_umbar;   /* thousandths of a millibar */
};

struct vector {
    int32_t x, y, z;
};
struct motion {
    struct vector acceleration_mg;
    struct vector rotation_mdps;
    struct vector magnetic_mgauss;
};

/* Neither waits: the last values, or OTTER_E_AGAIN before the first ones; OTTER_E_IO when the
 * sensor does not answer, OTTER_E_UNSUPPORTED when there is none. */
otter_status sensors_environment(otter_ms now, struct environment *values);
otter_status sensors_motion(otter_ms now, struct motion *values);

#ifdef __cplusplus
}
#endif

#endif
