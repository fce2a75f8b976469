/* Image cryptography by Mbed TLS, for programs that link it anyway. */
#include <mbedtls/ecdsa.h>
#include <mbedtls/sha256.h>

#include "image/crypto.h"

_Static_assert(sizeof(mbedtls_sha256_context) <= sizeof(struct image_sha256),
               "enlarge image_sha256");

static mbedtls_sha256_context *context_of(struct image_sha256 *sha)
{
    return (mbedtls_sha256_context *)(void *)sha->state;
}

void image_sha256_init(struct image_sha256 *sha)
{
    mbedtls_sha256_init(context_of(sha));
    mbedtls_sha256_starts_ret(context_of(sha), 0);
}

void image_sha256_update(struct image_sha256 *sha, const void *data, size_t length)
{
    mbedtls_sha256_update_ret(context_of(sha), data, length);
}

void image_sha256_finish(struct image_sha256 *sha, uint8_t hash[32])
{
    mbedtls_sha256_finish_ret(context_of(sha), hash);
}

bool image_p256_verify(const uint8_t point[65], const uint8_t hash[32], const uint8_t signature[64])
{
    mbedtls_ecp_group group;
    mbedtls_ecp_point key;
    mbedtls_mpi r;
    mbedtls_mpi s;
    mbedtls_ecp_group_init(&group);
    mbedtls_ecp_point_init(&key);
    mbedtls_mpi_init(&r);
    mbedtls_mpi_init(&s);
    const bool valid = mbedtls_ecp_group_load(&group, MBEDTLS_ECP_DP_SECP256R1) == 0 &&
                       mbedtls_ecp_point_read_binary(&group, &key, point, 65) == 0 &&
                       mbedtls_ecp_check_pubkey(&group, &key) == 0 &&
                       mbedtls_mpi_read_binary(&r, signature, 32) == 0 &&
                       mbedtls_mpi_read_binary(&s, signature + 32, 32) == 0 &&
                       mbedtls_ecdsa_verify(&group, hash, 32, &key, &r, &s) == 0;
    mbedtls_mpi_free(&s);
    mbedtls_mpi_free(&r);
    mbedtls_ecp_point_free(&key);
    mbedtls_ecp_group_free(&group);
    return valid;
}
