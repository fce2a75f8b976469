/* AES for Mbed TLS (MBEDTLS_AES_..._ALT) by BearSSL's small implementation, which has one table of
 * 256 bytes: 1.8 KB less than Mbed TLS's own, for some milliseconds per 100 KB. GCM and CTR run AES
 * forwards in both directions: the inverse cipher stays out, and whoever asks for it is told so. */
#include <inner.h>
#include <mbedtls/aes.h>
#include <mbedtls/platform.h>
#include <string.h>

int mbedtls_aes_setkey_enc(mbedtls_aes_context *ctx, const unsigned char *key, unsigned int keybits)
{
    if (keybits != 128 && keybits != 192 && keybits != 256)
        return MBEDTLS_ERR_AES_INVALID_KEY_LENGTH;
    ctx->rk = ctx->buf;
    ctx->nr = (int)br_aes_keysched(ctx->rk, key, keybits / 8);
    return 0;
}

int mbedtls_internal_aes_encrypt(mbedtls_aes_context *ctx, const unsigned char input[16],
                                 unsigned char output[16])
{
    memmove(output, input, 16);
    br_aes_small_encrypt((unsigned)ctx->nr, ctx->rk, output);
    return 0;
}

int mbedtls_aes_setkey_dec(mbedtls_aes_context *ctx, const unsigned char *key, unsigned int keybits)
{
    (void)ctx;
    (void)key;
    (void)keybits;
    return MBEDTLS_ERR_PLATFORM_FEATURE_UNSUPPORTED;
}

int mbedtls_internal_aes_decrypt(mbedtls_aes_context *ctx, const unsigned char input[16],
                                 unsigned char output[16])
{
    (void)ctx;
    (void)input;
    (void)output;
    return MBEDTLS_ERR_PLATFORM_FEATURE_UNSUPPORTED;
}
