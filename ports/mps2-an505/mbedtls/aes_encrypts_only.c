/* AES decryption, which no cipher mode of this build uses: GCM and CTR encrypt both ways. Who asks
 * for it all the same is told. */
#include <mbedtls/aes.h>
#include <mbedtls/platform.h>

int mbedtls_aes_setkey_dec(mbedtls_aes_context *ctx, const unsigned char *key, unsigned int bits)
{
    (void)ctx, (void)key, (void)bits;
    return MBEDTLS_ERR_PLATFORM_FEATURE_UNSUPPORTED;
}

int mbedtls_internal_aes_decrypt(mbedtls_aes_context *ctx, const unsigned char input[16],
                                 unsigned char output[16])
{
    (void)ctx, (void)input, (void)output;
    return MBEDTLS_ERR_PLATFORM_FEATURE_UNSUPPORTED;
}
