/* All TLV types of MCUboot's format, as the image tool writes and names them; those that the device
 * acts on are in image/image.h. (docs/formats.md 1.4) */
#ifndef OTTER_TOOL_TLV_H
#define OTTER_TOOL_TLV_H

#include <stdbool.h>

#include "image/image.h"
#include "tool/bytes.h"

#define TLV_INFO_MAGIC           0x6907u
#define TLV_PROTECTED_INFO_MAGIC 0x6908u
#define TLV_INFO_SIZE            4u

enum tlv_type {
    TLV_PUBKEY = 0x02,
    TLV_SHA384 = 0x11,
    TLV_SHA512 = 0x12,
    TLV_RSA2048_PSS = 0x20,
    TLV_RSA3072_PSS = 0x23,
    TLV_SIG_PURE = 0x25,
    TLV_ENC_RSA2048 = 0x30,
    TLV_ENC_KW = 0x31,
    TLV_ENC_X25519 = 0x33,
    TLV_ENC_X25519_SHA512 = 0x34,
    TLV_BOOT_RECORD = 0x60,
    TLV_DECOMP_SIZE = 0x70,
    TLV_DECOMP_SHA = 0x71,
    TLV_DECOMP_SIGNATURE = 0x72,
    TLV_COMP_DEC_SIZE = 0x73,
    TLV_UUID_VID = 0x74,
};

/* A custom TLV may have a number from here up to 0xfffe. */
#define TLV_CUSTOM_FIRST 0xa0u
#define TLV_CUSTOM_LAST  0xfffeu

/* "SHA256", or NULL for a type that the format does not define. */
const char *tlv_name(uint16_t type);

bool tlv_is_encryption(uint16_t type);
bool tlv_is_signature(uint16_t type);

/* Appends one entry. As in imgtool, a type that the format defines is a byte and a zero byte in
 * both byte orders; custom types and lengths are in the order of `area`. */
void tlv_append(struct bytes *area, uint16_t type, const void *data, size_t size);

#endif
