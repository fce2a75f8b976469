/* What the device library asks Mbed TLS for and costs most, by OpenSSL in the same process: the
 * functions here take the place of those of libmbedcrypto. A thousand devices in one thread would
 * otherwise measure a C implementation of P-256. */
#define OPENSSL_SUPPRESS_DEPRECATED /* the block function and bare numbers have no successor */

#include <mbedtls/ecdsa.h>
#include <mbedtls/sha256.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/obj_mac.h>
#include <openssl/sha.h>
#include <stdbool.h>

int mbedtls_internal_sha256_process(mbedtls_sha256_context *context, const unsigned char block[64])
{
    SHA256_CTX own;
    SHA256_Init(&own);
    for (size_t i = 0; i < 8; i++)
        own.h[i] = context->state[i];
    SHA256_Transform(&own, block);
    for (size_t i = 0; i < 8; i++)
        context->state[i] = own.h[i];
    return 0;
}

static BIGNUM *number(const mbedtls_mpi *from)
{
    unsigned char bytes[32];
    return mbedtls_mpi_write_binary(from, bytes, sizeof bytes) == 0
               ? BN_bin2bn(bytes, sizeof bytes, NULL)
               : NULL;
}

/* P-256 only: what devices verify here. Takes the signature. */
static int verify(const mbedtls_ecp_group *group, const unsigned char *hash, size_t length,
                  const mbedtls_ecp_point *point, ECDSA_SIG *signature)
{
    static EC_KEY *key; /* its tables are made once; the point changes */
    BIGNUM *x = number(&point->X), *y = number(&point->Y);
    if (!key)
        key = EC_KEY_new_by_curve_name(NID_X9_62_prime256v1);
    const bool good = group->id == MBEDTLS_ECP_DP_SECP256R1 && key && signature && x && y &&
                      EC_KEY_set_public_key_affine_coordinates(key, x, y) == 1 &&
                      ECDSA_do_verify(hash, (int)length, signature, key) == 1;
    ECDSA_SIG_free(signature);
    BN_free(x);
    BN_free(y);
    return good ? 0 : MBEDTLS_ERR_ECP_VERIFY_FAILED;
}

int mbedtls_ecdsa_verify(mbedtls_ecp_group *group, const unsigned char *hash, size_t length,
                         const mbedtls_ecp_point *point, const mbedtls_mpi *r, const mbedtls_mpi *s)
{
    ECDSA_SIG *signature = ECDSA_SIG_new();
    if (signature)
        ECDSA_SIG_set0(signature, number(r), number(s));
    return verify(group, hash, length, point, signature);
}

int mbedtls_ecdsa_read_signature(mbedtls_ecdsa_context *context, const unsigned char *hash,
                                 size_t length, const unsigned char *der, size_t size)
{
    return verify(&context->grp, hash, length, &context->Q, d2i_ECDSA_SIG(NULL, &der, (long)size));
}
