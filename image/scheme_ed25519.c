/* Ed25519, by libsodium: the image hash is the message. */
#include <sodium/crypto_sign_ed25519.h>

#include "image/scheme.h"

#define SPKI_SIZE    44u
#define POINT_OFFSET 12u /* of the public key in its SubjectPublicKeyInfo */

static otter_status verify_ed25519(const struct image_key *key, const uint8_t hash[IMAGE_HASH_SIZE],
                                   uint8_t *buffer, uint16_t length)
{
    if (length != crypto_sign_ed25519_BYTES || key->der_length != SPKI_SIZE)
        return OTTER_E_SIGNATURE;
    return crypto_sign_ed25519_verify_detached(buffer, hash, IMAGE_HASH_SIZE,
                                               key->der + POINT_OFFSET) == 0
               ? OTTER_OK
               : OTTER_E_SIGNATURE;
}

const struct image_scheme image_ed25519 = {IMAGE_TLV_ED25519, crypto_sign_ed25519_BYTES,
                                           verify_ed25519};
