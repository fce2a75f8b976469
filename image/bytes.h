/* Little-endian numbers in byte arrays, and rounding. */
#ifndef OTTER_IMAGE_BYTES_H
#define OTTER_IMAGE_BYTES_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

static inline uint16_t get_le16(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] | bytes[1] << 8);
}

static inline uint32_t get_le32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
           (uint32_t)bytes[3] << 24;
}

static inline void put_le32(uint8_t *bytes, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        bytes[i] = (uint8_t)(value >> 8 * i);
}

/* `unit` is a power of two; `value` is far from the end of its range. */
static inline uint32_t round_up(uint32_t value, uint32_t unit)
{
    return (value + unit - 1) & ~(unit - 1);
}

#ifdef __cplusplus
}
#endif

#endif
