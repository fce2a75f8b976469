/* Values of options in the image tool's syntax. Each parser returns false for anything else and
 * leaves the result alone. */
#ifndef OTTER_TOOL_VALUES_H
#define OTTER_TOOL_VALUES_H

#include <stdbool.h>
#include <stdint.h>

#include "image/image.h"
#include "tool/bytes.h"

/* "1234", "0x4d2", "0o2322" or "0b10011010010", up to `most`. */
bool value_number(const char *text, uint32_t most, uint32_t *number);

/* "1", "1.2", "1.2.3" or "1.2.3+4", no leading zeros. */
bool value_version(const char *text, struct image_version *version);

/* "(1, 1.2.3+0), (2, 2.0)" as pairs, of which the first `most` are stored; the count of all, or
 * -1. */
int value_dependencies(const char *text, struct image_dependency *dependencies, int most);

/* Bytes of a custom TLV: "0x1234abcd" as hex digits in the order written, else the text itself.
 * Appended to `bytes`. */
bool value_bytes(const char *text, struct bytes *bytes);

/* "a1b2..." to exactly `size` bytes. */
bool value_hex(const char *text, uint8_t *bytes, size_t size);

/* A UUID as it is written: 8-4-4-4-12 hex digits, or 32 without hyphens. */
bool value_uuid(const char *text, uint8_t uuid[16]);

/* A name becomes the UUID of version 5: SHA-1 of the name space's UUID and the name (RFC 4122). */
void value_name_uuid(const uint8_t space[16], const char *name, uint8_t uuid[16]);
extern const uint8_t value_uuid_dns[16]; /* the name space of domain names, for vendors */

/* "1.2.3+4", the build number always there, as imgtool prints it. */
#define VALUE_VERSION_TEXT_SIZE IMAGE_VERSION_TEXT_SIZE
void value_version_text(const struct image_version *version, char text[VALUE_VERSION_TEXT_SIZE]);

#endif
