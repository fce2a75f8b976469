/* Sensors of a board that has none: values that move slowly and evenly, for tests and
 * demonstrations. */
#include "services/telemetry/sensors.h"

/* Up and down between -size and size, once in `period_ms`. */
static int32_t wave(otter_ms now, uint32_t period_ms, int32_t size)
{
    const int32_t at = (int32_t)(now % period_ms * 4000u / period_ms); /* 0 to 3999 */
    return (at < 2000 ? at - 1000 : 3000 - at) * size / 1000;
}

void sensors_tick(otter_ms now)
{
    (void)now;
}

otter_ms sensors_deadline(void)
{
    return OTTER_NEVER;
}

otter_status sensors_environment(otter_ms now, struct environment *values)
{
    *values = (struct environment){.temperature_0_mc = 21500 + wave(now, 600000u, 2000),
                                   .humidity_mpct = 45000 + wave(now, 900000u, 5000),
                                   .temperature_1_mc = 21700 + wave(now, 600000u, 2000),
                                   .pressure_umbar = 1013250 + wave(now, 3600000u, 4000)};
    return OTTER_OK;
}

otter_status sensors_motion(otter_ms now, struct motion *values)
{
    *values = (struct motion){
        .acceleration_mg = {wave(now, 2000u, 20), wave(now, 3000u, 20), 1000},
        .rotation_mdps = {wave(now, 2500u, 150), wave(now, 3500u, 150), wave(now, 4500u, 150)},
        .magnetic_mgauss = {210, wave(now, 60000u, 30), -420}};
    return OTTER_OK;
}
