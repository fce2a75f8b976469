/* CRC-32 of IEEE 802.3 (reflected polynomial 0xEDB88320), as in zlib, PNG and S3's
 * x-amz-checksum-crc32. Start with 0 and feed the result back for further pieces. */
#ifndef OTTER_CODEC_CRC32_H
#define OTTER_CODEC_CRC32_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CRC32_POLYNOMIAL 0xedb88320u

uint32_t crc32_update(uint32_t crc, const void *data, size_t length);

#ifdef __cplusplus
}
#endif

#endif
