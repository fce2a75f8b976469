/* ECDSA verification of images by BearSSL: 15-bit integers, whose code is the smallest on cores
 * with a fast 32-bit multiply. */
#include <bearssl.h>
#include <string.h>

#include "image/crypto.h"

bool image_p256_verify(const uint8_t point[65], const uint8_t hash[32], const uint8_t signature[64])
{
    uint8_t copy[65];
    memcpy(copy, point, sizeof copy); /* the type is not const, the use is */
    const br_ec_public_key key = {BR_EC_secp256r1, copy, sizeof copy};
    return br_ecdsa_i15_vrfy_raw(&br_ec_prime_i15, hash, 32, &key, signature, 64) == 1;
}
