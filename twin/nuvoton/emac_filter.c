/* Which frames EMAC takes, and their checksum. */
#include <string.h>

#include "twin/nuvoton/nuvoton.h"

#define CAMCTL 0x000u
#define CAMEN  0x004u
#define CAM    0x008u /* CAMnM, CAMnL in turn */

#define AUP   0x01u
#define AMP   0x02u
#define ABP   0x04u
#define CMPEN 0x10u

#define ENTRIES 15u

bool emac_accepts(struct device *emac, const uint8_t to[6])
{
    static const uint8_t all[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    const uint32_t control = *device_reg(emac, CAMCTL), enabled = *device_reg(emac, CAMEN);
    if (memcmp(to, all, 6) == 0)
        return control & ABP;
    if (to[0] & 1u)
        return control & AMP;
    if (control & AUP)
        return true;
    const uint32_t high =
        (uint32_t)to[0] << 24 | (uint32_t)to[1] << 16 | (uint32_t)to[2] << 8 | to[3];
    const uint32_t low = (uint32_t)to[4] << 24 | (uint32_t)to[5] << 16;
    for (unsigned n = 0; n < ENTRIES && control & CMPEN; n++)
        if (enabled >> n & 1u && *device_reg(emac, CAM + 8u * n) == high &&
            *device_reg(emac, CAM + 8u * n + 4u) == low)
            return true;
    return false;
}

uint32_t emac_crc(const uint8_t *bytes, uint32_t size)
{
    uint32_t crc = UINT32_MAX;
    for (uint32_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        for (unsigned bit = 0; bit < 8; bit++)
            crc = crc & 1u ? crc >> 1 ^ 0xedb88320u : crc >> 1;
    }
    return ~crc;
}
