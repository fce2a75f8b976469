/* Private keys on P-256 by BearSSL; see p256.h. Integers of 15 bits, as the image check has. */
#include "secure/p256.h"

#include <bearssl.h>

#include "image/sha256_class.h"

#ifdef P256_ALONE
#include <inner.h>

/* Of BearSSL's, which its code for curves of primes names and nothing here asks for: in the place
 * of its own, whose numbers are not linked then. */
const br_ec_curve_def br_secp384r1 = {0};
const br_ec_curve_def br_secp521r1 = {0};
#endif

/* The same steps for every number. */
static bool is_key(const uint8_t number[P256_NUMBER_SIZE])
{
    size_t length;
    const uint8_t *order = br_ec_prime_i15.order(BR_EC_secp256r1, &length);
    uint32_t borrow = 0;
    uint32_t bits = 0;
    for (unsigned i = P256_NUMBER_SIZE; i > 0; i--) {
        borrow = ((uint32_t)number[i - 1] - order[i - 1] - borrow) >> 31;
        bits |= number[i - 1];
    }
    return (borrow & (bits + 0xffu) >> 8) != 0;
}

bool p256_public(uint8_t point[P256_POINT_SIZE], const uint8_t number[P256_NUMBER_SIZE])
{
    return is_key(number) && br_ec_prime_i15.mulgen(point, number, P256_NUMBER_SIZE,
                                                    BR_EC_secp256r1) == P256_POINT_SIZE;
}

bool p256_sign(uint8_t signature[P256_SIGNATURE_SIZE], const uint8_t number[P256_NUMBER_SIZE],
               const uint8_t hash[32])
{
    /* The type is not const, the use is. */
    const br_ec_private_key key = {BR_EC_secp256r1, (uint8_t *)(uintptr_t)number, P256_NUMBER_SIZE};
    return br_ecdsa_i15_sign_raw(&br_ec_prime_i15, &image_sha256_class, hash, &key, signature) ==
           P256_SIGNATURE_SIZE;
}
