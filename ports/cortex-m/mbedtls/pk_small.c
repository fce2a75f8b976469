/* In the place of Mbed TLS's pk_wrap.c: the kinds of keys behind mbedtls_pk_context, to verify
 * with. The device's own keys sign by the table of pki/pki_handle.c; only where that hands a key of
 * another kind than P-256 to Mbed TLS (OTTER_KEYS, pki/other_keys.c) does one of these sign. For
 * all else nobody signs, encrypts or decrypts here, and mbedtls_pk_sign and its like say so
 * (MBEDTLS_ERR_PK_TYPE_MISMATCH). That and what it calls would take 6 KB. */
#include <mbedtls/ecdsa.h>
#include <mbedtls/pk_internal.h>
#include <mbedtls/platform.h>
#include <mbedtls/rsa.h>

/* ---- RSA ---- */

static int rsa_can_do(mbedtls_pk_type_t type)
{
    return type == MBEDTLS_PK_RSA;
}

static size_t rsa_bits(const void *ctx)
{
    return 8 * mbedtls_rsa_get_len(ctx);
}

static int rsa_verify(void *ctx, mbedtls_md_type_t hash, const unsigned char *digest, size_t length,
                      const unsigned char *signature, size_t size)
{
    const size_t expected = mbedtls_rsa_get_len(ctx);
    if (length > UINT_MAX)
        return MBEDTLS_ERR_PK_BAD_INPUT_DATA;
    if (size < expected)
        return MBEDTLS_ERR_RSA_VERIFY_FAILED;
    const int error = mbedtls_rsa_rsassa_pkcs1_v15_verify(ctx, NULL, NULL, MBEDTLS_RSA_PUBLIC, hash,
                                                          (unsigned)length, digest, signature);
    return error == 0 && size > expected ? MBEDTLS_ERR_PK_SIG_LEN_MISMATCH : error;
}

#if OTTER_KEYS_RSA2048
static int rsa_sign(void *ctx, mbedtls_md_type_t hash, const unsigned char *digest, size_t length,
                    unsigned char *signature, size_t *written,
                    int (*random)(void *, unsigned char *, size_t), void *random_ctx)
{
    if (length > UINT_MAX)
        return MBEDTLS_ERR_PK_BAD_INPUT_DATA;
    *written = mbedtls_rsa_get_len(ctx);
    return mbedtls_rsa_pkcs1_sign(ctx, random, random_ctx, MBEDTLS_RSA_PRIVATE, hash,
                                  (unsigned)length, digest, signature);
}
#endif

static void *rsa_alloc(void)
{
    void *key = mbedtls_calloc(1, sizeof(mbedtls_rsa_context));
    if (key != NULL)
        mbedtls_rsa_init(key, MBEDTLS_RSA_PKCS_V15, 0);
    return key;
}

static void rsa_free(void *key)
{
    mbedtls_rsa_free(key);
    mbedtls_free(key);
}

const mbedtls_pk_info_t mbedtls_rsa_info = {
    .type = MBEDTLS_PK_RSA,
    .name = "RSA",
    .get_bitlen = rsa_bits,
    .can_do = rsa_can_do,
    .verify_func = rsa_verify,
#if OTTER_KEYS_RSA2048
    .sign_func = rsa_sign,
#endif
    .ctx_alloc_func = rsa_alloc,
    .ctx_free_func = rsa_free,
};

/* ---- EC ---- */

static int eckey_can_do(mbedtls_pk_type_t type)
{
    return type == MBEDTLS_PK_ECKEY || type == MBEDTLS_PK_ECKEY_DH || type == MBEDTLS_PK_ECDSA;
}

static int eckeydh_can_do(mbedtls_pk_type_t type)
{
    return type == MBEDTLS_PK_ECKEY || type == MBEDTLS_PK_ECKEY_DH;
}

static int ecdsa_can_do(mbedtls_pk_type_t type)
{
    return type == MBEDTLS_PK_ECDSA;
}

static size_t ec_bits(const void *ctx)
{
    const mbedtls_ecp_keypair *key = ctx;
    return key->grp.pbits;
}

/* An ECDSA context is a pair of keys under another name. */
static int ec_verify(void *ctx, mbedtls_md_type_t hash, const unsigned char *digest, size_t length,
                     const unsigned char *signature, size_t size)
{
    (void)hash;
    const int error = mbedtls_ecdsa_read_signature(ctx, digest, length, signature, size);
    return error == MBEDTLS_ERR_ECP_SIG_LEN_MISMATCH ? MBEDTLS_ERR_PK_SIG_LEN_MISMATCH : error;
}

#if OTTER_KEYS_P384
static int ec_sign(void *ctx, mbedtls_md_type_t hash, const unsigned char *digest, size_t length,
                   unsigned char *signature, size_t *written,
                   int (*random)(void *, unsigned char *, size_t), void *random_ctx)
{
    return mbedtls_ecdsa_write_signature(ctx, hash, digest, length, signature, written, random,
                                         random_ctx);
}
#endif

static void *ec_alloc(void)
{
    void *key = mbedtls_calloc(1, sizeof(mbedtls_ecp_keypair));
    if (key != NULL)
        mbedtls_ecp_keypair_init(key);
    return key;
}

static void ec_free(void *key)
{
    mbedtls_ecp_keypair_free(key);
    mbedtls_free(key);
}

const mbedtls_pk_info_t mbedtls_eckey_info = {
    .type = MBEDTLS_PK_ECKEY,
    .name = "EC",
    .get_bitlen = ec_bits,
    .can_do = eckey_can_do,
    .verify_func = ec_verify,
#if OTTER_KEYS_P384
    .sign_func = ec_sign,
#endif
    .ctx_alloc_func = ec_alloc,
    .ctx_free_func = ec_free,
};

const mbedtls_pk_info_t mbedtls_eckeydh_info = {
    .type = MBEDTLS_PK_ECKEY_DH,
    .name = "EC_DH",
    .get_bitlen = ec_bits,
    .can_do = eckeydh_can_do,
    .ctx_alloc_func = ec_alloc,
    .ctx_free_func = ec_free,
};

const mbedtls_pk_info_t mbedtls_ecdsa_info = {
    .type = MBEDTLS_PK_ECDSA,
    .name = "ECDSA",
    .get_bitlen = ec_bits,
    .can_do = ecdsa_can_do,
    .verify_func = ec_verify,
    .ctx_alloc_func = ec_alloc,
    .ctx_free_func = ec_free,
};
