/* The firmware's telemetry, for other services that set its period (the shadow). */
#ifndef OTTER_FIRMWARE_WITH_TELEMETRY_H
#define OTTER_FIRMWARE_WITH_TELEMETRY_H

#include "services/telemetry/telemetry.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Zero before its start. */
struct telemetry *with_telemetry(void);

#ifdef __cplusplus
}
#endif

#endif
