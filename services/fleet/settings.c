/* Settings of fleet provisioning; see settings.h. */
#include "services/fleet/settings.h"

#include "port/port.h"

#define RANDOM_BYTES 8u

const struct config_setting fleet_setting[] = {
    {CONFIG_KEY_PREFIX "fleet_template", "provisioning template for the claim certificate", NULL,
     FLEET_TEMPLATE_MAX, 1, CONFIG_NAME, false},
    {CONFIG_KEY_PREFIX "fleet_serial", "the template's SerialNumber; made up when there is none",
     NULL, FLEET_SERIAL_MAX, 1, CONFIG_NAME, false},
    {CONFIG_KEY_PREFIX "fleet_cbor", "provisioning speaks CBOR (1) or JSON (0)", "1", 1, 0,
     CONFIG_NUMBER, false},
};
const struct config_table fleet_settings = {fleet_setting,
                                            sizeof fleet_setting / sizeof *fleet_setting};

otter_status fleet_serial(struct kv *kv, char *serial)
{
    static const char digits[] = "0123456789abcdef";
    uint8_t bytes[RANDOM_BYTES];
    otter_status status = config_get_text(kv, CONFIG_FLEET_SERIAL, serial, FLEET_SERIAL_MAX + 1);
    if (status != OTTER_E_NOT_FOUND)
        return status;
    status = port_random(bytes, sizeof bytes);
    if (status != OTTER_OK)
        return status;
    for (size_t i = 0; i < sizeof bytes; i++) {
        serial[2 * i] = digits[bytes[i] >> 4];
        serial[2 * i + 1] = digits[bytes[i] & 15];
    }
    serial[2 * sizeof bytes] = '\0';
    return config_set_text(kv, CONFIG_FLEET_SERIAL, serial);
}
