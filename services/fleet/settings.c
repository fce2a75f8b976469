/* Settings of fleet provisioning; see settings.h. */
#include "services/fleet/settings.h"

#include <stdio.h>

#include "port/port.h"

const struct config_setting fleet_setting[] = {
    {CONFIG_KEY_PREFIX "fleet_template", "provisioning template", NULL, FLEET_TEMPLATE_MAX, 1,
     CONFIG_NAME, false},
    {CONFIG_KEY_PREFIX "fleet_serial", "its SerialNumber, if not the chip's", NULL, FLEET_SERIAL_MAX,
     1, CONFIG_NAME, false},
    {CONFIG_KEY_PREFIX "fleet_cbor", "provisioning in CBOR (1) or JSON (0)", "1", 1, 0,
     CONFIG_NUMBER, false},
};
const struct config_table fleet_settings = {fleet_setting,
                                            sizeof fleet_setting / sizeof *fleet_setting};

otter_status fleet_serial(struct kv *kv, char *serial)
{
    uint32_t words[PORT_UNIQUE_ID_WORDS];
    otter_status status = config_get_text(kv, CONFIG_FLEET_SERIAL, serial, FLEET_SERIAL_MAX + 1);
    if (status != OTTER_E_NOT_FOUND)
        return status;
    const bool is_chips = port_unique_id(words) == OTTER_OK;
    status = is_chips ? OTTER_OK : port_random(words, sizeof words);
    if (status != OTTER_OK)
        return status;
    snprintf(serial, FLEET_SERIAL_MAX + 1, "%08lx%08lx%08lx", (unsigned long)words[0],
             (unsigned long)words[1], (unsigned long)words[2]);
    return is_chips ? OTTER_OK : config_set_text(kv, CONFIG_FLEET_SERIAL, serial);
}
