/* Encrypted images: ECIES on P-256 and AES-128-CTR (docs/formats.md section 6). Only the payload
 * is encrypted, with a key of its own that travels in an ENC_EC256 TLV, wrapped for the device.
 *
 * Linked from room_image_enc (BearSSL, constant time: these are secrets). */
#ifndef OTTER_IMAGE_ENCRYPTED_H
#define OTTER_IMAGE_ENCRYPTED_H

#include <stdint.h>

#include "port/status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define IMAGE_AES_KEY_SIZE   16u
#define IMAGE_ENC_EC256_SIZE 113u /* ephemeral key 65, tag 32, wrapped key 16 */

/* Unwraps the image's key with the device's private key, 32 bytes big-endian. OTTER_E_KEY if the
 * TLV was not made for this device, or changed. */
otter_status image_key_unwrap(const uint8_t secret[32], const uint8_t tlv[IMAGE_ENC_EC256_SIZE],
                              uint8_t key[IMAGE_AES_KEY_SIZE]);

/* Encrypts or decrypts in place; `offset` counts from the start of the payload. */
void image_payload_crypt(const uint8_t key[IMAGE_AES_KEY_SIZE], uint32_t offset, uint8_t *data,
                         uint32_t length);

#ifdef __cplusplus
}
#endif

#endif
