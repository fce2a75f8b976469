/* The board's own keys are P-256; of RSA it needs what verifies a server's certificate. The rest, 2
 * KB, stays out: the linker gives these to Mbed TLS's key types in its place (--wrap), and whoever
 * asks is told so. A build with RSA device keys leaves this file and its link options out. */
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
