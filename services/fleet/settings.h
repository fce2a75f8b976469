/* The settings of fleet provisioning, as `conf` shows them. */
#ifndef OTTER_SERVICES_FLEET_SETTINGS_H
#define OTTER_SERVICES_FLEET_SETTINGS_H

#include "store/config.h"

#ifdef __cplusplus
extern "C" {
#endif

extern const struct config_table fleet_settings;
extern const struct config_setting fleet_setting[];
#define CONFIG_FLEET_TEMPLATE (&fleet_setting[0]) /* the provisioning template's name */
#define CONFIG_FLEET_SERIAL   (&fleet_setting[1]) /* its parameter SerialNumber */
#define CONFIG_FLEET_CBOR     (&fleet_setting[2]) /* 1: requests in CBOR, 0: in JSON */

#define FLEET_TEMPLATE_MAX 36u
#define FLEET_SERIAL_MAX   36u /* a UUID */

/* The serial number into `serial` (FLEET_SERIAL_MAX + 1 bytes): the one that the device was given;
 * or its chip's unique number in hex, which is asked for each time, so that a copy of the flash in
 * another chip is another device; or, from a chip that has none, a random one, which is kept.
 * OTTER_E_CRYPTO without entropy, or the store's error. */
otter_status fleet_serial(struct kv *kv, char *serial);

#ifdef __cplusplus
}
#endif

#endif
