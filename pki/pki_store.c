/* Private keys in the key-value store; see keys.h. */
#include <string.h>

#include <mbedtls/ecp.h>
#include <mbedtls/pk.h>
#include <mbedtls/platform_util.h>

#include "pki/keys.h"
#include "pki/pki_inner.h"

/* Reads the key for the time of one operation; the caller frees it. */
static otter_status read_key(struct kv *kv, const struct pki_object *object,
                             mbedtls_pk_context *key)
{
    uint8_t der[PKI_PRIVATE_MAX];
    uint32_t length;
    mbedtls_pk_init(key);
    otter_status status = kv_get(kv, pki_name(object->label).text, der, sizeof der, &length);
    if (status == OTTER_OK)
        status = pki_status(mbedtls_pk_parse_key(key, der, length, NULL, 0));
    mbedtls_platform_zeroize(der, sizeof der);
    return status;
}

/* The key and what goes along with it, as one atomic change. */
static otter_status replace(struct kv *kv, const struct pki_object *object, const uint8_t *der,
                            uint32_t length, const struct pki_public *key, bool drop_cert)
{
    struct pki_companions with;
    struct kv_item items[1 + PKI_COMPANIONS_MAX];
    const struct pki_name name = pki_name(object->label);
    pki_companions(&with, object, key, drop_cert);
    items[0] = (struct kv_item){name.text, der, length};
    memcpy(items + 1, with.items, sizeof with.items);
    return kv_replace_secret(kv, items, 1 + with.count);
}

static otter_status store_length(void *ctx, const struct pki_object *object, uint32_t *length)
{
    const otter_status status = kv_get(ctx, pki_name(object->label).text, NULL, 0, length);
    return status == OTTER_E_TOO_LONG ? OTTER_OK : status;
}

static otter_status store_public_key(void *ctx, const struct pki_object *object,
                                     struct pki_public *public)
{
    mbedtls_pk_context key;
    otter_status status = read_key(ctx, object, &key);
    if (status == OTTER_OK)
        status = pki_encode_public(&key, public);
    mbedtls_pk_free(&key);
    return status;
}

/* Deterministic ECDSA (RFC 6979) derives its nonce with the hash that made the digest. */
static mbedtls_md_type_t hash_of(size_t length)
{
    return length == 32 ? MBEDTLS_MD_SHA256 : length == 48 ? MBEDTLS_MD_SHA384 : MBEDTLS_MD_SHA512;
}

static otter_status store_sign(void *ctx, const struct pki_object *object, const uint8_t *digest,
                               size_t length, struct pki_signature *signature)
{
    mbedtls_pk_context key;
    size_t written = 0;
    otter_status status = read_key(ctx, object, &key);
    if (status == OTTER_OK && mbedtls_pk_sign(&key, hash_of(length), digest, length, signature->der,
                                              &written, pki_random, NULL) != 0)
        status = OTTER_E_CRYPTO;
    signature->length = (uint32_t)written;
    mbedtls_pk_free(&key);
    return status;
}

static otter_status make_key(mbedtls_pk_context *key)
{
    if (mbedtls_pk_setup(key, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY)) != 0)
        return OTTER_E_MEMORY;
    const int error =
        mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(*key), pki_random, NULL);
    return error == 0 ? OTTER_OK : OTTER_E_CRYPTO;
}

static otter_status store_generate(void *ctx, const struct pki_object *object,
                                   struct pki_public *public)
{
    uint8_t der[PKI_PRIVATE_MAX];
    mbedtls_pk_context key;
    int written = 0;
    mbedtls_pk_init(&key);
    otter_status status = make_key(&key);
    if (status == OTTER_OK)
        status = pki_encode_public(&key, public);
    if (status == OTTER_OK && (written = mbedtls_pk_write_key_der(&key, der, sizeof der)) <= 0)
        status = OTTER_E_CRYPTO;
    mbedtls_pk_free(&key);
    if (status == OTTER_OK) /* Mbed TLS writes DER to the end of a buffer */
        status = replace(ctx, object, der + sizeof der - written, (uint32_t)written, public, true);
    mbedtls_platform_zeroize(der, sizeof der);
    return status;
}

static otter_status store_import(void *ctx, const struct pki_object *object, const uint8_t *der,
                                 uint32_t length, const struct pki_public *public)
{
    return replace(ctx, object, der, length, public, false);
}

static otter_status store_remove(void *ctx, const struct pki_object *object)
{
    return replace(ctx, object, NULL, 0, NULL, false);
}

const struct pki_keys pki_store = {
    .length = store_length,
    .public_key = store_public_key,
    .sign = store_sign,
    .generate = store_generate,
    .import = store_import,
    .remove = store_remove,
};
