/* SHA-256 (FIPS 180-4), written for size: the message schedule lives in the 16 words of the block.
 */
#include <string.h>

#include "image/sha256_small.h"

_Static_assert(sizeof(struct image_sha256_small) <= sizeof(struct image_sha256),
               "enlarge image_sha256");

static const uint32_t round_constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static struct image_sha256_small *state_of(struct image_sha256 *sha)
{
    return (struct image_sha256_small *)(void *)sha;
}

static uint32_t rotate(uint32_t word, unsigned bits)
{
    return word >> bits | word << (32 - bits);
}

static uint32_t swap_bytes(uint32_t word)
{
    const uint8_t *bytes = (const uint8_t *)&word;
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* The schedule's word of round `i`; from round 16 on it takes the place of the word 16 rounds ago.
 */
static uint32_t schedule(uint32_t *w, unsigned i)
{
    if (i < 16)
        return w[i] = swap_bytes(w[i]);
    const uint32_t a = w[(i + 1) & 15];
    const uint32_t b = w[(i + 14) & 15];
    return w[i & 15] += (rotate(a, 7) ^ rotate(a, 18) ^ a >> 3) + w[(i + 9) & 15] +
                        (rotate(b, 17) ^ rotate(b, 19) ^ b >> 10);
}

static void compress(struct image_sha256_small *sha)
{
    uint32_t v[8];
    memcpy(v, sha->hash, sizeof v);
    for (unsigned i = 0; i < 64; i++) {
        const uint32_t a = v[0];
        const uint32_t e = v[4];
        const uint32_t t = v[7] + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) +
                           ((e & v[5]) ^ (~e & v[6])) + round_constants[i] +
                           schedule(sha->block, i);
        const uint32_t next = t + (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) +
                              ((a & v[1]) ^ (a & v[2]) ^ (v[1] & v[2]));
        for (unsigned k = 7; k > 0; k--)
            v[k] = v[k - 1];
        v[4] += t;
        v[0] = next;
    }
    for (unsigned i = 0; i < 8; i++)
        sha->hash[i] += v[i];
}

void image_sha256_init(struct image_sha256 *opaque)
{
    static const uint32_t start[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    struct image_sha256_small *sha = state_of(opaque);
    memcpy(sha->hash, start, sizeof start);
    sha->length = 0;
}

void image_sha256_update(struct image_sha256 *opaque, const void *data, size_t length)
{
    struct image_sha256_small *sha = state_of(opaque);
    const uint8_t *bytes = data;
    while (length-- > 0) {
        ((uint8_t *)sha->block)[sha->length++ & 63] = *bytes++;
        if ((sha->length & 63) == 0)
            compress(sha);
    }
}

void image_sha256_finish(struct image_sha256 *opaque, uint8_t hash[32])
{
    struct image_sha256_small *sha = state_of(opaque);
    uint64_t bits = sha->length * 8;
    uint8_t tail = 0x80;
    uint8_t length[8];
    for (unsigned i = 8; i > 0; i--, bits >>= 8)
        length[i - 1] = (uint8_t)bits;
    do {
        image_sha256_update(opaque, &tail, 1);
        tail = 0;
    } while ((sha->length & 63) != 56);
    image_sha256_update(opaque, length, sizeof length);
    for (unsigned i = 0; i < 8; i++)
        sha->hash[i] = swap_bytes(sha->hash[i]);
    memcpy(hash, sha->hash, 32);
}
