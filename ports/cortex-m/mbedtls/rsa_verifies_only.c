/* The board's own keys are P-256; of RSA it needs what verifies a server's certificate. The rest, 4
 * KB, stays out: the linker gives these to Mbed TLS in its place, and whoever asks is told so. Where
 * the caller is in another file it is asked to (--wrap); mbedtls_rsa_private is called beside where it
 * is defined, by the check of a signature with a mode that nobody uses, so there the library's own is
 * made weak. A build with RSA device keys leaves this file and its link options out. */
#include <mbedtls/platform.h>
#include <mbedtls/rsa.h>

typedef int random_function(void *ctx, unsigned char *data, size_t length);

int __wrap_mbedtls_rsa_pkcs1_sign(mbedtls_rsa_context *key, random_function *random,
                                  void *random_ctx, int mode, mbedtls_md_type_t hash,
                                  unsigned int length, const unsigned char *digest,
                                  unsigned char *signature);
int __wrap_mbedtls_rsa_pkcs1_encrypt(mbedtls_rsa_context *key, random_function *random,
                                     void *random_ctx, int mode, size_t length,
                                     const unsigned char *input, unsigned char *output);
int __wrap_mbedtls_rsa_pkcs1_decrypt(mbedtls_rsa_context *key, random_function *random,
                                     void *random_ctx, int mode, size_t *length,
                                     const unsigned char *input, unsigned char *output,
                                     size_t size);
int __wrap_mbedtls_rsa_check_pub_priv(const mbedtls_rsa_context *public_half,
                                      const mbedtls_rsa_context *private_half);

int __wrap_mbedtls_rsa_pkcs1_sign(mbedtls_rsa_context *key, random_function *random,
                                  void *random_ctx, int mode, mbedtls_md_type_t hash,
                                  unsigned int length, const unsigned char *digest,
                                  unsigned char *signature)
{
    (void)key, (void)random, (void)random_ctx, (void)mode, (void)hash, (void)length;
    (void)digest, (void)signature;
    return MBEDTLS_ERR_PLATFORM_FEATURE_UNSUPPORTED;
}

int __wrap_mbedtls_rsa_pkcs1_encrypt(mbedtls_rsa_context *key, random_function *random,
                                     void *random_ctx, int mode, size_t length,
                                     const unsigned char *input, unsigned char *output)
{
    (void)key, (void)random, (void)random_ctx, (void)mode, (void)length, (void)input, (void)output;
    return MBEDTLS_ERR_PLATFORM_FEATURE_UNSUPPORTED;
}

int __wrap_mbedtls_rsa_pkcs1_decrypt(mbedtls_rsa_context *key, random_function *random,
                                     void *random_ctx, int mode, size_t *length,
                                     const unsigned char *input, unsigned char *output, size_t size)
{
    (void)key, (void)random, (void)random_ctx, (void)mode, (void)length, (void)input, (void)output;
    (void)size;
    return MBEDTLS_ERR_PLATFORM_FEATURE_UNSUPPORTED;
}

int __wrap_mbedtls_rsa_check_pub_priv(const mbedtls_rsa_context *public_half,
                                      const mbedtls_rsa_context *private_half)
{
    (void)public_half, (void)private_half;
    return MBEDTLS_ERR_PLATFORM_FEATURE_UNSUPPORTED;
}

/* What is missing in a key is never made up: public keys have all that they need. */
int __wrap_mbedtls_rsa_deduce_primes(const mbedtls_mpi *n, const mbedtls_mpi *e,
                                     const mbedtls_mpi *d, mbedtls_mpi *p, mbedtls_mpi *q);
int __wrap_mbedtls_rsa_deduce_private_exponent(const mbedtls_mpi *p, const mbedtls_mpi *q,
                                               const mbedtls_mpi *e, mbedtls_mpi *d);
int __wrap_mbedtls_rsa_deduce_crt(const mbedtls_mpi *p, const mbedtls_mpi *q, const mbedtls_mpi *d,
                                  mbedtls_mpi *dp, mbedtls_mpi *dq, mbedtls_mpi *qp);

int __wrap_mbedtls_rsa_deduce_primes(const mbedtls_mpi *n, const mbedtls_mpi *e,
                                     const mbedtls_mpi *d, mbedtls_mpi *p, mbedtls_mpi *q)
{
    (void)n, (void)e, (void)d, (void)p, (void)q;
    return MBEDTLS_ERR_PLATFORM_FEATURE_UNSUPPORTED;
}

int __wrap_mbedtls_rsa_deduce_private_exponent(const mbedtls_mpi *p, const mbedtls_mpi *q,
                                               const mbedtls_mpi *e, mbedtls_mpi *d)
{
    (void)p, (void)q, (void)e, (void)d;
    return MBEDTLS_ERR_PLATFORM_FEATURE_UNSUPPORTED;
}

int __wrap_mbedtls_rsa_deduce_crt(const mbedtls_mpi *p, const mbedtls_mpi *q, const mbedtls_mpi *d,
                                  mbedtls_mpi *dp, mbedtls_mpi *dq, mbedtls_mpi *qp)
{
    (void)p, (void)q, (void)d, (void)dp, (void)dq, (void)qp;
    return MBEDTLS_ERR_PLATFORM_FEATURE_UNSUPPORTED;
}

int mbedtls_rsa_private(mbedtls_rsa_context *key, random_function *random, void *random_ctx,
                        const unsigned char *input, unsigned char *output)
{
    (void)key, (void)random, (void)random_ctx, (void)input, (void)output;
    return MBEDTLS_ERR_PLATFORM_FEATURE_UNSUPPORTED;
}
