/* Random bytes from a generator of NIST SP 800-90A; see generator.h. */
#include "ports/cortex-m/generator.h"

#ifdef OTTER_SECURE
#include <bearssl.h>

#include "image/sha256_class.h"
#include "port/wipe.h"

#define SEED_SIZE 48u /* 256 bits of strength, and a nonce (section 8.6.7) */

static br_hmac_drbg_context generator;

bool generator_start(void)
{
    uint8_t seed[SEED_SIZE];
    if (!generator_entropy(seed, sizeof seed))
        return false;
    br_hmac_drbg_init(&generator, &image_sha256_class, seed, sizeof seed);
    port_wipe(seed, sizeof seed);
    return true;
}

bool generator_take(uint8_t *data, size_t length)
{
    uint8_t seed[SEED_SIZE];
    if (!generator_entropy(seed, sizeof seed))
        return false;
    br_hmac_drbg_update(&generator, seed, sizeof seed);
    port_wipe(seed, sizeof seed);
    br_hmac_drbg_generate(&generator, data, length);
    return true;
}
#else
#include <mbedtls/ctr_drbg.h>

static mbedtls_ctr_drbg_context generator;

static int take_entropy(void *ctx, unsigned char *out, size_t length)
{
    (void)ctx;
    return generator_entropy(out, length) ? 0 : MBEDTLS_ERR_CTR_DRBG_ENTROPY_SOURCE_FAILED;
}

bool generator_start(void)
{
    mbedtls_ctr_drbg_init(&generator);
    return mbedtls_ctr_drbg_seed(&generator, take_entropy, NULL, NULL, 0) == 0;
}

bool generator_take(uint8_t *data, size_t length)
{
    while (length > 0) {
        const size_t take =
            length < MBEDTLS_CTR_DRBG_MAX_REQUEST ? length : MBEDTLS_CTR_DRBG_MAX_REQUEST;
        if (mbedtls_ctr_drbg_random(&generator, data, take) != 0)
            return false;
        data += take;
        length -= take;
    }
    return true;
}
#endif
