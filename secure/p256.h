/* P-256 with secrets, by BearSSL, which takes as long for one number as for another. */
#ifndef OTTER_SECURE_P256_H
#define OTTER_SECURE_P256_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define P256_NUMBER_SIZE    32u
#define P256_POINT_SIZE     65u /* 04 x y */
#define P256_SIGNATURE_SIZE 64u /* r s */

/* The public half of a private number; false for one that is no key: 0, or not below the order. */
bool p256_public(uint8_t point[P256_POINT_SIZE], const uint8_t number[P256_NUMBER_SIZE]);

/* ECDSA with the nonce of RFC 6979 by SHA-256, of a number that p256_public has taken. */
bool p256_sign(uint8_t signature[P256_SIGNATURE_SIZE], const uint8_t number[P256_NUMBER_SIZE],
               const uint8_t hash[32]);

#ifdef __cplusplus
}
#endif

#endif
