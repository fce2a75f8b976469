/* The cryptography that an image check needs. Implementations, chosen when a program is linked:
 * room_image_small (bootloader), room_image_bearssl, room_image_mbedtls (firmware, which has Mbed
 * TLS anyway), room_image_signing (a secure program, which has BearSSL's P-256 to sign with). No
 * operation depends on secrets; all inputs are public, but for SHA-256 of room_image_signing. */
#ifndef OTTER_IMAGE_CRYPTO_H
#define OTTER_IMAGE_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Room for the running hash of either library; it may be copied, which copies the hash. */
struct image_sha256 {
    uint64_t state[15];
};

void image_sha256_init(struct image_sha256 *sha);
void image_sha256_update(struct image_sha256 *sha, const void *data, size_t length);
void image_sha256_finish(struct image_sha256 *sha, uint8_t hash[32]);

/* ECDSA on P-256. `point` is the uncompressed public key 04 x y, `signature` is r s, each 32 bytes,
 * big-endian. */
bool image_p256_verify(const uint8_t point[65], const uint8_t hash[32],
                       const uint8_t signature[64]);

#ifdef __cplusplus
}
#endif

#endif
