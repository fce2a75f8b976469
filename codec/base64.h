/* Base64 (RFC 4648 section 4), strict: no line breaks, no blanks, padding required, unused bits 0.
 */
#ifndef OTTER_CODEC_BASE64_H
#define OTTER_CODEC_BASE64_H

#include <stddef.h>
#include <stdint.h>

#include "port/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Characters for `length` bytes, without a NUL. */
#define BASE64_LENGTH(length) (((length) + 2u) / 3u * 4u)

/* Writes the text and a NUL; returns the text's length, or OTTER_E_TOO_LONG. */
int base64_encode(char *out, size_t size, const void *data, size_t length);

/* Returns the number of bytes, OTTER_E_MALFORMED, or OTTER_E_TOO_LONG. `out` may be `text`. */
int base64_decode(void *out, size_t size, const char *text, size_t length);

#ifdef __cplusplus
}
#endif

#endif
