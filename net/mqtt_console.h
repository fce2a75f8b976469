/* What the MQTT session brings to the console: its line of `stat`. */
#ifndef OTTER_NET_MQTT_CONSOLE_H
#define OTTER_NET_MQTT_CONSOLE_H

#include "cli/cli.h"

#ifdef __cplusplus
extern "C" {
#endif

extern const struct cli_table mqtt_console; /* its context: the struct mqtt_session */

#ifdef __cplusplus
}
#endif

#endif
