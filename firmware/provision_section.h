/* What lies behind an image for a device's first boot: lines for its console, as a person would
 * type them, each ended by \n; PEM text among them. Written by `otter provision --to-image`, read
 * by firmware/with_provision.c. For development only.
 *
 *   at the first multiple of 16 at or behind the image's end:
 *   | "OTTERDEV" | length of the text u32 | its CRC-32 u32 | text |      little-endian */
#ifndef OTTER_FIRMWARE_PROVISION_SECTION_H
#define OTTER_FIRMWARE_PROVISION_SECTION_H

#include <stdint.h>

#define PROVISION_SECTION_MAGIC   "OTTERDEV"
#define PROVISION_SECTION_MAX     16384u
#define PROVISION_SECTION_AT(end) (((end) + 15u) & ~15u)

struct provision_section {
    char magic[8];
    uint32_t length;
    uint32_t crc; /* codec/crc32.h */
};

#endif
