/* Encrypted images: the payload under an AES key of its own, that key wrapped for the device.
 * (docs/formats.md section 6) */
#ifndef OTTER_TOOL_ENCRYPTION_H
#define OTTER_TOOL_ENCRYPTION_H

#include "tool/keys.h"

#define IMAGE_KEY_SIZE_MAX 32u

struct image_cipher_key {
    uint8_t data[IMAGE_KEY_SIZE_MAX];
    size_t size; /* 16 or 32 */
};

/* A fresh random key of `size` bytes. */
otter_status image_key_generate(struct image_cipher_key *key, size_t size, struct failure *failure);

/* AES-CTR with a counter that starts at zero, in place: encrypts and decrypts. */
otter_status image_key_crypt(const struct image_cipher_key *key, uint8_t *payload, size_t size,
                             struct failure *failure);

/* Wraps the key for `recipient` (P-256, X25519 or RSA-2048): sets the type and appends the data of
 * the TLV. `ephemeral` is the sender's half of the ECIES exchange, NULL for a fresh one; `sha512`
 * chooses the X25519 variant with SHA-512. */
otter_status image_key_wrap(const struct image_cipher_key *key, const struct key *recipient,
                            const struct key *ephemeral, bool sha512, uint16_t *tlv_type,
                            struct bytes *tlv, struct failure *failure);

/* The way back with the device's private key. OTTER_E_KEY if the TLV was made for another one. */
otter_status image_key_unwrap(struct image_cipher_key *key, const struct key *device,
                              uint16_t tlv_type, const uint8_t *tlv, size_t size,
                              struct failure *failure);

#endif
