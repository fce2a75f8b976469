/* Import, export and use of keys and certificates; see pki.h. */
#include "pki/pki.h"

#include <string.h>

#include <mbedtls/ecp.h>
#include <mbedtls/pk.h>
#include <mbedtls/platform_util.h>
#include <mbedtls/x509_crt.h>

#include "pki/pem.h"
#include "pki/pki_inner.h"
#include "port/port.h"

uint8_t pki_work[PKI_DER_MAX];

static const struct pki_object objects[] = {
    {PKI_ROOT_CA, PKI_CERTIFICATE},      {PKI_TLS_CERT, PKI_CERTIFICATE},
    {PKI_TLS_KEY_PRIV, PKI_PRIVATE_KEY}, {PKI_TLS_KEY_PUB, PKI_PUBLIC_KEY},
    {PKI_OTA_SIGNER, PKI_PUBLIC_KEY},    {PKI_CLAIM_CERT, PKI_CERTIFICATE},
    {PKI_CLAIM_KEY, PKI_PRIVATE_KEY},
};

const struct pki_object *pki_object(unsigned index)
{
    return index < sizeof objects / sizeof *objects ? &objects[index] : NULL;
}

const struct pki_object *pki_find(const char *label)
{
    const struct pki_object *object;
    for (unsigned i = 0; (object = pki_object(i)) != NULL; i++) {
        if (strcmp(object->label, label) == 0)
            return object;
    }
    return NULL;
}

/* The key in the store, "pki/<label>". */
struct store_key {
    char text[KV_KEY_MAX + 1];
};

static struct store_key store_key(const struct pki_object *object)
{
    struct store_key key = {PKI_PREFIX};
    strncat(key.text, object->label, sizeof key.text - sizeof PKI_PREFIX);
    return key;
}

static otter_status load(struct kv *kv, const char *label, void *der, size_t size, size_t *length)
{
    const struct pki_object *object = pki_find(label);
    uint32_t found = 0;
    if (object == NULL)
        return OTTER_E_ARGUMENT;
    const otter_status status = kv_get(kv, store_key(object).text, der, (uint32_t)size, &found);
    *length = found;
    return status;
}

otter_status pki_length(struct kv *kv, const char *label, uint32_t *length)
{
    size_t found = 0;
    const otter_status status = load(kv, label, NULL, 0, &found);
    *length = (uint32_t)found;
    return status == OTTER_E_TOO_LONG ? OTTER_OK : status;
}

otter_status pki_load(struct kv *kv, const char *label, uint8_t *der, size_t size, size_t *length)
{
    const struct pki_object *object = pki_find(label);
    uint32_t there;
    if (object == NULL || object->type != PKI_PRIVATE_KEY)
        return load(kv, label, der, size, length);
    *length = 0;
    const otter_status status = pki_length(kv, label, &there);
    return status == OTTER_OK ? OTTER_E_REFUSED : status;
}

otter_status pki_status(int error)
{
    switch (-error & 0xff80) { /* the high-level part of the code */
    case -MBEDTLS_ERR_X509_UNKNOWN_SIG_ALG:
    case -MBEDTLS_ERR_PK_UNKNOWN_PK_ALG:
    case -MBEDTLS_ERR_PK_UNKNOWN_NAMED_CURVE:
    case -MBEDTLS_ERR_PK_FEATURE_UNAVAILABLE:
        return OTTER_E_KEY;
    case -MBEDTLS_ERR_X509_ALLOC_FAILED:
    case -MBEDTLS_ERR_PK_ALLOC_FAILED:
        return OTTER_E_MEMORY;
    default:
        return error == 0 ? OTTER_OK : OTTER_E_MALFORMED;
    }
}

int pki_random(void *unused, unsigned char *data, size_t length)
{
    (void)unused;
    return port_random(data, length) == OTTER_OK ? 0 : MBEDTLS_ERR_ECP_RANDOM_FAILED;
}

static bool is_p256(const mbedtls_pk_context *key)
{
    return mbedtls_pk_get_type(key) == MBEDTLS_PK_ECKEY &&
           mbedtls_pk_ec(*key)->grp.id == MBEDTLS_ECP_DP_SECP256R1;
}

/* Mbed TLS writes DER to the end of a buffer. */
static otter_status move_to_start(uint8_t *der, int written, uint32_t *length)
{
    if (written <= 0)
        return OTTER_E_CRYPTO;
    *length = (uint32_t)written;
    memmove(der, der + PKI_KEY_DER_MAX - *length, *length);
    return OTTER_OK;
}

otter_status pki_encode_public(mbedtls_pk_context *key, uint8_t *der, uint32_t *length)
{
    if (!is_p256(key))
        return OTTER_E_KEY;
    return move_to_start(der, mbedtls_pk_write_pubkey_der(key, der, PKI_KEY_DER_MAX), length);
}

otter_status pki_encode_pair(mbedtls_pk_context *key, struct pki_pair *pair)
{
    const otter_status status = pki_encode_public(key, pair->public_der, &pair->public_length);
    if (status != OTTER_OK)
        return status;
    return move_to_start(pair->private_der,
                         mbedtls_pk_write_key_der(key, pair->private_der, PKI_KEY_DER_MAX),
                         &pair->private_length);
}

static otter_status store(struct kv *kv, const struct pki_object *object, const uint8_t *der,
                          size_t length)
{
    return kv_set(kv, store_key(object).text, der, (uint32_t)length);
}

static otter_status import_cert(struct kv *kv, const struct pki_object *object, size_t length)
{
    mbedtls_x509_crt cert;
    mbedtls_x509_crt_init(&cert);
    otter_status status = pki_status(mbedtls_x509_crt_parse_der_nocopy(&cert, pki_work, length));
    if (status == OTTER_OK && cert.raw.len != length)
        status = OTTER_E_MALFORMED; /* something follows the certificate */
    if (status == OTTER_OK && object->type == PKI_PUBLIC_KEY) {
        uint8_t der[PKI_KEY_DER_MAX];
        uint32_t der_length;
        status = pki_encode_public(&cert.pk, der, &der_length);
        if (status == OTTER_OK)
            status = store(kv, object, der, der_length);
    } else if (status == OTTER_OK) {
        status = store(kv, object, pki_work, length);
    }
    mbedtls_x509_crt_free(&cert);
    return status;
}

/* The text is whole, or PEM and base64 would have said so: what is in it is another kind of key. */
static otter_status key_status(int error)
{
    const otter_status status = pki_status(error);
    return status == OTTER_E_MALFORMED ? OTTER_E_KEY : status;
}

static otter_status import_public(struct kv *kv, const struct pki_object *object, size_t length)
{
    uint8_t der[PKI_KEY_DER_MAX];
    uint32_t der_length = 0;
    mbedtls_pk_context key;
    mbedtls_pk_init(&key);
    otter_status status = key_status(mbedtls_pk_parse_public_key(&key, pki_work, length));
    if (status == OTTER_OK)
        status = pki_encode_public(&key, der, &der_length);
    mbedtls_pk_free(&key);
    return status == OTTER_OK ? store(kv, object, der, der_length) : status;
}

static otter_status store_private(struct kv *kv, const struct pki_object *object,
                                  const struct pki_pair *pair)
{
    const struct store_key key = store_key(object);
    const struct kv_item items[] = {
        {key.text, pair->private_der, pair->private_length},
        {PKI_PREFIX PKI_TLS_KEY_PUB, pair->public_der, pair->public_length},
    };
    return kv_replace_secret(kv, items, strcmp(object->label, PKI_TLS_KEY_PRIV) == 0 ? 2 : 1);
}

static otter_status import_private(struct kv *kv, const struct pki_object *object, size_t length)
{
    struct pki_pair pair;
    mbedtls_pk_context key;
    mbedtls_pk_init(&key);
    otter_status status = key_status(mbedtls_pk_parse_key(&key, pki_work, length, NULL, 0));
    if (status == OTTER_OK)
        status = pki_encode_pair(&key, &pair);
    mbedtls_pk_free(&key);
    if (status == OTTER_OK)
        status = store_private(kv, object, &pair);
    mbedtls_platform_zeroize(&pair, sizeof pair);
    return status;
}

otter_status pki_import(struct kv *kv, const char *label, enum pki_type type, const char *pem,
                        size_t length)
{
    const struct pki_object *object = pki_find(label);
    struct pem found;
    if (object == NULL || (object->type == PKI_CERTIFICATE) > (type == PKI_CERTIFICATE))
        return OTTER_E_ARGUMENT;
    otter_status status = pem_decode(&found, pki_work, sizeof pki_work, pem, length);
    if (status != OTTER_OK)
        return status;
    if (found.more)
        status = OTTER_E_REFUSED;
    else if (pem_label_is(&found, "CERTIFICATE") && object->type != PKI_PRIVATE_KEY)
        status = import_cert(kv, object, found.length);
    else if (pem_label_is(&found, "PUBLIC KEY") && object->type == PKI_PUBLIC_KEY)
        status = import_public(kv, object, found.length);
    else if ((pem_label_is(&found, "EC PRIVATE KEY") || pem_label_is(&found, "PRIVATE KEY")) &&
             object->type == PKI_PRIVATE_KEY)
        status = import_private(kv, object, found.length);
    else
        status = OTTER_E_KEY;
    mbedtls_platform_zeroize(pki_work, sizeof pki_work);
    return status;
}

otter_status pki_export(struct kv *kv, const char *label, char *pem, size_t size)
{
    size_t length;
    const otter_status status = pki_load(kv, label, pki_work, sizeof pki_work, &length);
    if (status != OTTER_OK)
        return status;
    const bool is_cert = pki_find(label)->type == PKI_CERTIFICATE;
    return pem_encode(pem, size, is_cert ? "CERTIFICATE" : "PUBLIC KEY", pki_work, length);
}

otter_status pki_load_key(struct kv *kv, const char *label, mbedtls_pk_context *key)
{
    uint8_t der[PKI_KEY_DER_MAX];
    size_t length;
    otter_status status = load(kv, label, der, sizeof der, &length);
    if (status == OTTER_OK) {
        const bool is_private = pki_find(label)->type == PKI_PRIVATE_KEY;
        status = pki_status(is_private ? mbedtls_pk_parse_key(key, der, length, NULL, 0)
                                       : mbedtls_pk_parse_public_key(key, der, length));
    }
    mbedtls_platform_zeroize(der, sizeof der);
    return status;
}

otter_status pki_load_cert(struct kv *kv, const char *label, mbedtls_x509_crt *cert)
{
    size_t length;
    const otter_status status = load(kv, label, pki_work, sizeof pki_work, &length);
    if (status != OTTER_OK)
        return status;
    return pki_status(mbedtls_x509_crt_parse_der(cert, pki_work, length));
}

otter_status pki_verify(struct kv *kv, const char *label, const uint8_t digest[32],
                        const uint8_t *signature, size_t length)
{
    mbedtls_pk_context key;
    mbedtls_pk_init(&key);
    otter_status status = pki_load_key(kv, label, &key);
    if (status == OTTER_OK &&
        mbedtls_pk_verify(&key, MBEDTLS_MD_SHA256, digest, 32, signature, length) != 0)
        status = OTTER_E_SIGNATURE;
    mbedtls_pk_free(&key);
    return status;
}
