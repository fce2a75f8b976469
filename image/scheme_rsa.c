/* RSA by BearSSL, with the PSS padding of RFC 8017 9.1.2 over the image hash: SHA-256, MGF1 with
 * SHA-256, salt of 32 bytes. BearSSL 0.6 has no PSS of its own. */
#include <bearssl.h>
#include <string.h>

#include "image/crypto.h"
#include "image/scheme.h"

#define HASH_SIZE IMAGE_HASH_SIZE
#define SALT_SIZE 32u

/* RSAPublicKey: SEQUENCE { INTEGER modulus, INTEGER 65537 }. The modulus has its highest bit set,
 * so a byte of zero stands before it. */
#define MODULUS_OFFSET 9u
static const uint8_t exponent[] = {0x02, 0x03, 0x01, 0x00, 0x01};
#define EXPONENT_HEAD 2u /* bytes of `exponent` before the number */

/* XORs the mask that MGF1 makes of `seed` into `data`. */
static void unmask(uint8_t *data, size_t length, const uint8_t seed[HASH_SIZE])
{
    uint8_t mask[HASH_SIZE];
    for (size_t at = 0; at < length; at++) {
        if (at % HASH_SIZE == 0) {
            const uint8_t counter[4] = {0, 0, 0, (uint8_t)(at / HASH_SIZE)};
            struct image_sha256 sha;
            image_sha256_init(&sha);
            image_sha256_update(&sha, seed, HASH_SIZE);
            image_sha256_update(&sha, counter, sizeof counter);
            image_sha256_finish(&sha, mask);
        }
        data[at] ^= mask[at % HASH_SIZE];
    }
}

/* Before the salt stand zeros and a one. */
static bool salt_is_framed(const uint8_t *block, size_t zeros)
{
    uint8_t sum = 0;
    for (size_t i = 0; i < zeros; i++)
        sum |= block[i];
    return sum == 0 && block[zeros] == 0x01;
}

/* `encoded` is | salt block, masked | hash | bc |; the number has one bit less than its bytes. */
static bool is_encoding_of(uint8_t *encoded, size_t length, const uint8_t hash[HASH_SIZE])
{
    static const uint8_t zeros[8] = {0};
    const size_t block_size = length - HASH_SIZE - 1;
    const uint8_t *salt = encoded + block_size - SALT_SIZE;
    const uint8_t *claimed = encoded + block_size;
    uint8_t expected[HASH_SIZE];
    struct image_sha256 sha;
    if (encoded[length - 1] != 0xbc || (encoded[0] & 0x80) != 0)
        return false;
    unmask(encoded, block_size, claimed);
    encoded[0] &= 0x7f;
    image_sha256_init(&sha);
    image_sha256_update(&sha, zeros, sizeof zeros);
    image_sha256_update(&sha, hash, HASH_SIZE);
    image_sha256_update(&sha, salt, SALT_SIZE);
    image_sha256_finish(&sha, expected);
    return salt_is_framed(encoded, block_size - SALT_SIZE - 1) &&
           memcmp(expected, claimed, HASH_SIZE) == 0;
}

static otter_status verify_rsa(const struct image_key *key, const uint8_t hash[IMAGE_HASH_SIZE],
                               uint8_t *buffer, uint16_t length)
{
    const uint16_t size = key->scheme->signature_max;
    const uint8_t *tail = key->der + MODULUS_OFFSET + size;
    uint8_t e[sizeof exponent - EXPONENT_HEAD];
    if (length != size || key->der_length != MODULUS_OFFSET + size + sizeof exponent ||
        memcmp(tail, exponent, sizeof exponent) != 0)
        return OTTER_E_SIGNATURE;
    memcpy(e, exponent + EXPONENT_HEAD, sizeof e);
    /* The type of the modulus is not const, the use is. */
    const br_rsa_public_key rsa = {(unsigned char *)(uintptr_t)(key->der + MODULUS_OFFSET), size, e,
                                   sizeof e};
    return br_rsa_i15_public(buffer, size, &rsa) == 1 && is_encoding_of(buffer, size, hash)
               ? OTTER_OK
               : OTTER_E_SIGNATURE;
}

const struct image_scheme image_rsa_2048 = {IMAGE_TLV_RSA2048_PSS, 256, verify_rsa};
const struct image_scheme image_rsa_3072 = {IMAGE_TLV_RSA3072_PSS, 384, verify_rsa};
