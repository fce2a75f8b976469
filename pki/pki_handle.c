/* A private key as Mbed TLS's users see it; see pki_open_key.
 *
 * Mbed TLS asks a key of its own to sign in the middle of a handshake or of writing a certificate.
 * What gets there is an EC key whose private half is missing and whose signing is ours. Of the ways
 * that the 2.28 library offers for a key that lies elsewhere only this one works unchanged with
 * Debian's library on the host and with our build for Cortex-M:
 *   - mbedtls_pk_setup_rsa_alt is for RSA;
 *   - mbedtls_pk_setup_opaque needs MBEDTLS_USE_PSA_CRYPTO, which Debian's library is built
 *     without, and a whole PSA core beside the TLS client: 16 KB of flash;
 *   - MBEDTLS_ECDSA_SIGN_ALT needs a library of one's own, and replaces all signing;
 *   - the asynchronous private-key callbacks are for servers.
 * The type behind mbedtls_pk_setup is declared in an installed header, pk_internal.h, for such
 * keys; from 3.0 on it is not, and there mbedtls_pk_setup_opaque takes this file's place. */
#include <string.h>

#include <mbedtls/ecdsa.h>
#include <mbedtls/pk.h>
#include <mbedtls/pk_internal.h>
#include <mbedtls/platform.h>
#if OTTER_KEYS_RSA2048
#include <mbedtls/rsa.h>
#endif
#include <mbedtls/version.h>

#include "pki/pki_inner.h"

#if MBEDTLS_VERSION_MAJOR != 2
#error "Mbed TLS 3 and later take a key by handle with mbedtls_pk_setup_opaque: write this for it"
#endif

/* Whose key it is. */
struct owner {
    struct pki *pki;
    const struct pki_object *object;
    size_t bits;
};

struct handle {
    mbedtls_ecp_keypair public; /* first: what asks for the EC key in the context gets this */
    struct owner owner;
};

static void *handle_alloc(void)
{
    struct handle *handle = mbedtls_calloc(1, sizeof *handle);
    if (handle != NULL)
        mbedtls_ecp_keypair_init(&handle->public);
    return handle;
}

static void handle_free(void *ctx)
{
    struct handle *handle = ctx;
    mbedtls_ecp_keypair_free(&handle->public);
    mbedtls_free(handle);
}

static size_t handle_bitlen(const void *ctx)
{
    return ((const struct handle *)ctx)->owner.bits;
}

static int handle_can_do(mbedtls_pk_type_t type)
{
    return type == MBEDTLS_PK_ECKEY || type == MBEDTLS_PK_ECDSA;
}

static int sign_for(const struct owner *owner, const unsigned char *digest, size_t length,
                    unsigned char *signature, size_t *written)
{
    struct pki_signature made;
    const otter_status status = pki_sign(owner->pki, owner->object->label, digest, length, &made);
    if (status != OTTER_OK)
        return status == OTTER_E_MEMORY ? MBEDTLS_ERR_PK_ALLOC_FAILED
                                        : MBEDTLS_ERR_PLATFORM_HW_ACCEL_FAILED;
    memcpy(signature, made.der, made.length);
    *written = made.length;
    return 0;
}

static int handle_sign(void *ctx, mbedtls_md_type_t hash, const unsigned char *digest,
                       size_t length, unsigned char *signature, size_t *written,
                       int (*random)(void *, unsigned char *, size_t), void *random_ctx)
{
    (void)hash;
    (void)random;
    (void)random_ctx;
    return sign_for(&((const struct handle *)ctx)->owner, digest, length, signature, written);
}

static const mbedtls_pk_info_t handle_info = {
    .type = MBEDTLS_PK_ECKEY,
    .name = "pki",
    .get_bitlen = handle_bitlen,
    .can_do = handle_can_do,
    .sign_func = handle_sign,
    .ctx_alloc_func = handle_alloc,
    .ctx_free_func = handle_free,
};

#if OTTER_KEYS_RSA2048
struct rsa_handle {
    mbedtls_rsa_context public; /* first, as above */
    struct owner owner;
};

static void *rsa_alloc(void)
{
    struct rsa_handle *handle = mbedtls_calloc(1, sizeof *handle);
    if (handle != NULL)
        mbedtls_rsa_init(&handle->public, MBEDTLS_RSA_PKCS_V15, 0);
    return handle;
}

static void rsa_free(void *ctx)
{
    struct rsa_handle *handle = ctx;
    mbedtls_rsa_free(&handle->public);
    mbedtls_free(handle);
}

static size_t rsa_bitlen(const void *ctx)
{
    return ((const struct rsa_handle *)ctx)->owner.bits;
}

static int rsa_can_do(mbedtls_pk_type_t type)
{
    return type == MBEDTLS_PK_RSA;
}

static int rsa_sign(void *ctx, mbedtls_md_type_t hash, const unsigned char *digest, size_t length,
                    unsigned char *signature, size_t *written,
                    int (*random)(void *, unsigned char *, size_t), void *random_ctx)
{
    (void)hash;
    (void)random;
    (void)random_ctx;
    return sign_for(&((const struct rsa_handle *)ctx)->owner, digest, length, signature, written);
}

static const mbedtls_pk_info_t rsa_info = {
    .type = MBEDTLS_PK_RSA,
    .name = "pki",
    .get_bitlen = rsa_bitlen,
    .can_do = rsa_can_do,
    .sign_func = rsa_sign,
    .ctx_alloc_func = rsa_alloc,
    .ctx_free_func = rsa_free,
};
#endif

/* The context of a key by handle, with a copy of the public half. */
static int set_up(mbedtls_pk_context *key, const mbedtls_pk_context *parsed, struct owner owner)
{
#if OTTER_KEYS_RSA2048
    if (mbedtls_pk_can_do(parsed, MBEDTLS_PK_RSA)) {
        const int failed = mbedtls_pk_setup(key, &rsa_info);
        if (failed != 0)
            return failed;
        struct rsa_handle *handle = (struct rsa_handle *)mbedtls_pk_rsa(*key);
        handle->owner = owner;
        return mbedtls_rsa_copy(&handle->public, mbedtls_pk_rsa(*parsed));
    }
#endif
    const int error = mbedtls_pk_setup(key, &handle_info);
    if (error != 0)
        return error;
    struct handle *handle = (struct handle *)mbedtls_pk_ec(*key);
    handle->owner = owner;
    return mbedtls_ecdsa_from_keypair(&handle->public, mbedtls_pk_ec(*parsed));
}

static otter_status open_private(struct pki *pki, const struct pki_object *object,
                                 const struct pki_public *public, mbedtls_pk_context *key)
{
    mbedtls_pk_context parsed;
    mbedtls_pk_init(&parsed);
    int error = mbedtls_pk_parse_public_key(&parsed, public->der, public->length);
    if (error == 0)
        error = set_up(key, &parsed, (struct owner){pki, object, mbedtls_pk_get_bitlen(&parsed)});
    mbedtls_pk_free(&parsed);
    return pki_status(error);
}

otter_status pki_open_key(struct pki *pki, const char *label, mbedtls_pk_context *key)
{
    const struct pki_object *object = pki_find(pki, label);
    struct pki_public public;
    if (object != NULL && object->type == PKI_PRIVATE_KEY) {
        const otter_status status = pki_public_key(pki, label, &public);
        return status == OTTER_OK ? open_private(pki, object, &public, key) : status;
    }
    size_t length;
    const otter_status status = pki_load(pki, label, public.der, sizeof public.der, &length);
    return status == OTTER_OK ? pki_status(mbedtls_pk_parse_public_key(key, public.der, length))
                              : status;
}
