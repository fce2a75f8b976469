/* Signature schemes. Each trusted key names the scheme that it verifies with, so a program holds
 * the code of those schemes that its keys name, and no other. (docs/formats.md 1.6, 1.7) */
#ifndef OTTER_IMAGE_SCHEME_H
#define OTTER_IMAGE_SCHEME_H

#include "image/image.h"

#ifdef __cplusplus
extern "C" {
#endif

#define IMAGE_SIGNATURE_MAX 384u

struct image_scheme;

/* A signing key that this device accepts. */
struct image_key {
    /* The DER that an image's KEYHASH is made of: SubjectPublicKeyInfo, 91 bytes for P-256 and 44
     * for Ed25519; of RSA the RSAPublicKey of PKCS#1, 270 or 398 bytes, with the exponent 65537. */
    const uint8_t *der;
    uint16_t der_length;
    /* From this value of the device's security counter on the key is refused; 0 = never. */
    uint32_t retired_at;
    const struct image_scheme *scheme;
};

struct image_scheme {
    uint16_t tlv;           /* the type of the TLVs that hold its signatures */
    uint16_t signature_max; /* of their lengths; not above IMAGE_SIGNATURE_MAX */
    /* Do the first `length` bytes of `buffer`, 1 to signature_max, sign the image hash? OTTER_OK,
     * OTTER_E_SIGNATURE, or OTTER_E_MALFORMED for what is no signature at all. Works in the buffer,
     * which has IMAGE_SIGNATURE_MAX bytes, to be sparing with the stack. */
    otter_status (*verify)(const struct image_key *key, const uint8_t hash[IMAGE_HASH_SIZE],
                           uint8_t *buffer, uint16_t length);
};

extern const struct image_scheme image_ecdsa_p256; /* room_image, by image/crypto.h */
extern const struct image_scheme image_ed25519;    /* room_image_ed25519, by libsodium */
extern const struct image_scheme image_rsa_2048;   /* room_image_rsa: PSS, by BearSSL */
extern const struct image_scheme image_rsa_3072;

/* Bounded reading of an ECDSA signature: SEQUENCE { INTEGER r, INTEGER s }, each at most 32 bytes
 * after one leading zero; what follows the SEQUENCE must be zero bytes (imgtool --pad-sig).
 * Writes r s. OTTER_E_MALFORMED otherwise. */
otter_status image_ecdsa_signature(const uint8_t *der, size_t length, uint8_t signature[64]);

#ifdef __cplusplus
}
#endif

#endif
