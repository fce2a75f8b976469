/* The settings of the connection to the cloud. */
#include "net/mqtt_settings.h"

const struct config_setting mqtt_setting[] = {
    {.key = CONFIG_KEY_PREFIX "mqtt_endpoint",
     .help = "host name or address of the cloud",
     .kind = CONFIG_HOST,
     .min = 1,
     .max = CONFIG_TEXT_MAX},
    {.key = CONFIG_KEY_PREFIX "mqtt_port",
     .help = "its TCP port",
     .fallback = "8883",
     .kind = CONFIG_NUMBER,
     .min = 1,
     .max = UINT16_MAX},
    {.key = CONFIG_KEY_PREFIX "connect_spread_s",
     .help = "seconds in which the first connection after power-on comes at random",
     .kind = CONFIG_NUMBER,
     .max = 9999},
#if OTTER_MQTT5
    {.key = CONFIG_KEY_PREFIX "mqtt_version",
     .help = "5 for MQTT 5, 3 for 3.1.1",
     .fallback = "3",
     .kind = CONFIG_NUMBER,
     .min = 3,
     .max = 5},
#endif
};
const struct config_table mqtt_settings = {mqtt_setting,
                                           sizeof mqtt_setting / sizeof *mqtt_setting};
