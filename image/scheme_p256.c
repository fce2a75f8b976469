/* ECDSA on P-256 over the image hash, its signature in DER. */
#include <string.h>

#include "image/crypto.h"
#include "image/scheme.h"

#define SPKI_SIZE    91u
#define POINT_OFFSET 26u  /* of the point in its SubjectPublicKeyInfo */
#define DER_MAX      128u /* of a signature; the bytes behind it in the buffer take r s */
_Static_assert(DER_MAX + 64 <= IMAGE_SIGNATURE_MAX, "r s fit behind the signature");

/* One INTEGER of a signature, right-aligned into 32 bytes; returns what it takes up, or 0. */
static size_t read_integer(const uint8_t *der, size_t left, uint8_t number[32])
{
    if (left < 3 || der[0] != 0x02 || der[1] == 0 || der[1] > left - 2)
        return 0;
    const uint8_t *digits = der + 2;
    size_t length = der[1];
    if (digits[0] == 0) { /* keeps the number positive */
        digits++;
        length--;
    }
    if (length > 32)
        return 0;
    memset(number, 0, 32 - length);
    memcpy(number + 32 - length, digits, length);
    return (size_t)2 + der[1];
}

otter_status image_ecdsa_signature(const uint8_t *der, size_t length, uint8_t signature[64])
{
    if (length < 2 || der[0] != 0x30 || der[1] > length - 2 || der[1] > 70)
        return OTTER_E_MALFORMED;
    const size_t end = (size_t)2 + der[1];
    for (size_t i = end; i < length; i++) {
        if (der[i] != 0)
            return OTTER_E_MALFORMED;
    }
    size_t at = 2;
    for (unsigned i = 0; i < 2; i++) {
        const size_t used = read_integer(der + at, end - at, signature + (size_t)32 * i);
        if (used == 0)
            return OTTER_E_MALFORMED;
        at += used;
    }
    return at == end ? OTTER_OK : OTTER_E_MALFORMED;
}

static otter_status verify_p256(const struct image_key *key, const uint8_t hash[IMAGE_HASH_SIZE],
                                uint8_t *buffer, uint16_t length)
{
    uint8_t *signature = buffer + DER_MAX;
    if (key->der_length != SPKI_SIZE)
        return OTTER_E_SIGNATURE;
    const otter_status status = image_ecdsa_signature(buffer, length, signature);
    if (status != OTTER_OK)
        return status;
    return image_p256_verify(key->der + POINT_OFFSET, hash, signature) ? OTTER_OK
                                                                       : OTTER_E_SIGNATURE;
}

const struct image_scheme image_ecdsa_p256 = {IMAGE_TLV_ECDSA_SIG, DER_MAX, verify_p256};
