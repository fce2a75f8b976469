/* What the update agent brings to the console: the command `ota`. */
#ifndef OTTER_SERVICES_OTA_OTA_CONSOLE_H
#define OTTER_SERVICES_OTA_OTA_CONSOLE_H

#include "cli/cli.h"

#ifdef __cplusplus
extern "C" {
#endif

extern const struct cli_table ota_console; /* its context: the struct ota, after ota_init */

#ifdef __cplusplus
}
#endif

#endif
