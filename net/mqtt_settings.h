/* The settings of the connection to the cloud. */
#ifndef OTTER_NET_MQTT_SETTINGS_H
#define OTTER_NET_MQTT_SETTINGS_H

#include "store/config.h"

#ifdef __cplusplus
extern "C" {
#endif

extern const struct config_table mqtt_settings;
extern const struct config_setting mqtt_setting[];
#define CONFIG_MQTT_ENDPOINT  (&mqtt_setting[0])
#define CONFIG_MQTT_PORT      (&mqtt_setting[1])
#define CONFIG_CONNECT_SPREAD (&mqtt_setting[2])
#define CONFIG_MQTT_VERSION   (&mqtt_setting[3]) /* with OTTER_MQTT5 */

#ifdef __cplusplus
}
#endif

#endif
