/* Image cryptography for simulations: fast, and of no strength. The hash is a 64-bit FNV-1a, spread
 * over 32 bytes; a signature is made from the hash and one byte of the key. */
#include <string.h>

#include "tests/sim/boot/sim_image.h"

void image_sha256_init(struct image_sha256 *sha)
{
    sha->state[0] = 0xcbf29ce484222325u;
}

void image_sha256_update(struct image_sha256 *sha, const void *data, size_t length)
{
    const uint8_t *bytes = data;
    uint64_t sum = sha->state[0];
    for (size_t i = 0; i < length; i++)
        sum = (sum ^ bytes[i]) * 0x100000001b3u;
    sha->state[0] = sum;
}

void image_sha256_finish(struct image_sha256 *sha, uint8_t hash[32])
{
    for (unsigned i = 0; i < 4; i++) {
        const uint64_t part = (sha->state[0] + i) * 0x9e3779b97f4a7c15u;
        memcpy(hash + (size_t)8 * i, &part, sizeof part);
    }
}

void sim_sign(const uint8_t hash[32], uint8_t key, uint8_t signature[64])
{
    for (unsigned i = 0; i < 32; i++) {
        signature[i] = (uint8_t)((hash[i] ^ key) & 0x7f);
        signature[32 + i] = (uint8_t)((hash[i] + key) & 0x7f);
    }
    signature[0] |= 1; /* so that both numbers take 32 bytes in DER */
    signature[32] |= 1;
}

bool image_p256_verify(const uint8_t point[65], const uint8_t hash[32], const uint8_t signature[64])
{
    uint8_t expected[64];
    sim_sign(hash, point[1], expected);
    return memcmp(expected, signature, sizeof expected) == 0;
}
