/* Image cryptography by BearSSL: 15-bit integers, whose code is the smallest on cores with a fast
 * 32-bit multiply. */
#include <bearssl.h>
#include <string.h>

#include "image/crypto.h"

_Static_assert(sizeof(br_sha256_context) <= sizeof(struct image_sha256), "enlarge image_sha256");

static br_sha256_context *context_of(struct image_sha256 *sha)
{
    return (br_sha256_context *)(void *)sha->state;
}

void image_sha256_init(struct image_sha256 *sha)
{
    br_sha256_init(context_of(sha));
}

void image_sha256_update(struct image_sha256 *sha, const void *data, size_t length)
{
    br_sha256_update(context_of(sha), data, length);
}

void image_sha256_finish(struct image_sha256 *sha, uint8_t hash[32])
{
    br_sha256_out(context_of(sha), hash);
}

bool image_p256_verify(const uint8_t point[65], const uint8_t hash[32], const uint8_t signature[64])
{
    uint8_t copy[65];
    memcpy(copy, point, sizeof copy); /* the type is not const, the use is */
    const br_ec_public_key key = {BR_EC_secp256r1, copy, sizeof copy};
    return br_ecdsa_i15_vrfy_raw(&br_ec_prime_i15, hash, 32, &key, signature, 64) == 1;
}
