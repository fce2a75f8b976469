/* Labels, and what is done with the objects under them; see pki.h. */
#include "pki/pki.h"

#include <string.h>

#include <mbedtls/ecp.h>
#include <mbedtls/pk.h>
#include <mbedtls/platform_util.h>
#include <mbedtls/x509_crt.h>

#include "pki/pem.h"
#include "pki/pki_inner.h"
#include "port/port.h"

#define PREFIX "pki/"

#if OTTER_KEYS_RSA2048
#define OTTER_HAS_RSA true
#else
#define OTTER_HAS_RSA false
#endif

uint8_t pki_work[PKI_DER_MAX];

/* ---- Labels ---------------------------------------------------------------------------------- */

static const struct pki_object tls_labels[] = {
    {PKI_ROOT_CA, PKI_CERTIFICATE, NULL, NULL},
    {PKI_TLS_CERT, PKI_CERTIFICATE, NULL, NULL},
    {PKI_TLS_KEY_PRIV, PKI_PRIVATE_KEY, PKI_TLS_KEY_PUB, PKI_TLS_CERT},
    {PKI_TLS_KEY_PUB, PKI_PUBLIC_KEY, NULL, NULL},
};
static const struct pki_table tls_table = {tls_labels, sizeof tls_labels / sizeof *tls_labels};

static const struct pki_object ota_labels[] = {{PKI_OTA_SIGNER, PKI_PUBLIC_KEY, NULL, NULL}};
const struct pki_table pki_ota_labels = {ota_labels, sizeof ota_labels / sizeof *ota_labels};

static const struct pki_object claim_labels[] = {
    {PKI_CLAIM_CERT, PKI_CERTIFICATE, NULL, NULL},
    {PKI_CLAIM_KEY, PKI_PRIVATE_KEY, NULL, NULL},
};
const struct pki_table pki_claim_labels = {claim_labels,
                                           sizeof claim_labels / sizeof *claim_labels};

static const struct pki_object next_labels[] = {
    {PKI_NEXT_CERT, PKI_CERTIFICATE, NULL, NULL},
    {PKI_NEXT_KEY, PKI_PRIVATE_KEY, NULL, PKI_NEXT_CERT},
};
const struct pki_table pki_next_labels = {next_labels, sizeof next_labels / sizeof *next_labels};

void pki_init(struct pki *pki, struct kv *kv, const struct pki_keys *keys, void *keys_ctx)
{
    *pki = (struct pki){.kv = kv,
                        .keys = keys != NULL ? keys : &pki_store,
                        .keys_ctx = keys != NULL && keys_ctx != NULL ? keys_ctx : kv,
                        .identity = {PKI_TLS_KEY_PRIV, PKI_TLS_CERT},
                        .tls = {&tls_table, NULL}};
}

/* A longer one would be cut, and lie where another lies. */
static bool fits(const char *label)
{
    return label == NULL || strlen(label) <= PKI_LABEL_MAX;
}

otter_status pki_add(struct pki *pki, struct pki_part *part, const struct pki_table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct pki_object *object = &table->objects[i];
        if (!fits(object->label) || !fits(object->public_label) || !fits(object->cert_label))
            return OTTER_E_ARGUMENT;
    }
    struct pki_part **end = &pki->tls.next;
    while (*end != NULL && *end != part)
        end = &(*end)->next;
    if (*end == part)
        return OTTER_OK;
    *part = (struct pki_part){.table = table};
    *end = part;
    return OTTER_OK;
}

const struct pki_object *pki_object(const struct pki *pki, unsigned index)
{
    for (const struct pki_part *part = &pki->tls; part != NULL; part = part->next) {
        if (index < part->table->count)
            return &part->table->objects[index];
        index -= (unsigned)part->table->count;
    }
    return NULL;
}

const struct pki_object *pki_find(const struct pki *pki, const char *label)
{
    const struct pki_object *object;
    for (unsigned i = 0; (object = pki_object(pki, i)) != NULL; i++) {
        if (strcmp(object->label, label) == 0)
            return object;
    }
    return NULL;
}

const struct pki_object *pki_find_private(const struct pki *pki, const char *label)
{
    const struct pki_object *object = pki_find(pki, label);
    return object != NULL && object->type == PKI_PRIVATE_KEY ? object : NULL;
}

/* ---- What is stored -------------------------------------------------------------------------- */

struct pki_name pki_name(const char *label)
{
    struct pki_name name = {PREFIX};
    strncat(name.text, label, sizeof name.text - sizeof PREFIX);
    return name;
}

static void add_companion(struct pki_companions *with, const char *label, const void *value,
                          uint32_t length)
{
    struct pki_name *name = &with->names[with->count];
    *name = pki_name(label);
    with->items[with->count++] = (struct kv_item){name->text, value, length};
}

void pki_companions(struct pki_companions *with, const struct pki_object *object,
                    const struct pki_public *key, bool drop_cert)
{
    with->count = 0;
    if (object->public_label != NULL)
        add_companion(with, object->public_label, key != NULL ? key->der : NULL,
                      key != NULL ? key->length : 0);
    if (drop_cert && object->cert_label != NULL)
        add_companion(with, object->cert_label, NULL, 0);
}

static otter_status store(struct pki *pki, const struct pki_object *object, const uint8_t *der,
                          size_t length)
{
    return kv_set(pki->kv, pki_name(object->label).text, der, (uint32_t)length);
}

otter_status pki_length(struct pki *pki, const char *label, uint32_t *length)
{
    const struct pki_object *object = pki_find(pki, label);
    *length = 0;
    if (object == NULL)
        return OTTER_E_ARGUMENT;
    if (object->type == PKI_PRIVATE_KEY)
        return pki->keys->length(pki->keys_ctx, object, length);
    const otter_status status = kv_get(pki->kv, pki_name(label).text, NULL, 0, length);
    return status == OTTER_E_TOO_LONG ? OTTER_OK : status;
}

otter_status pki_load(struct pki *pki, const char *label, uint8_t *der, size_t size, size_t *length)
{
    uint32_t found = 0;
    otter_status status = pki_length(pki, label, &found);
    if (status == OTTER_OK && pki_find_private(pki, label) != NULL)
        status = OTTER_E_REFUSED;
    else if (status == OTTER_OK)
        status = kv_get(pki->kv, pki_name(label).text, der, (uint32_t)size, &found);
    *length = found;
    return status;
}

/* ---- Mbed TLS -------------------------------------------------------------------------------- */

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

/* ---- Import ---------------------------------------------------------------------------------- */

/* What Mbed TLS has found to be a key. Of P-256 it knows the one form in which we keep it. */
static otter_status store_public(struct pki *pki, const struct pki_object *object,
                                 const uint8_t *der, size_t length)
{
    return pki_is_p256(der, length) ? store(pki, object, der, length) : OTTER_E_KEY;
}

static otter_status import_cert(struct pki *pki, const struct pki_object *object, size_t length)
{
    mbedtls_x509_crt cert;
    mbedtls_x509_crt_init(&cert);
    otter_status status = pki_status(mbedtls_x509_crt_parse_der_nocopy(&cert, pki_work, length));
    if (status == OTTER_OK && cert.raw.len != length)
        status = OTTER_E_MALFORMED; /* something follows the certificate */
    if (status == OTTER_OK)
        status = object->type == PKI_PUBLIC_KEY
                     ? store_public(pki, object, cert.pk_raw.p, cert.pk_raw.len)
                     : store(pki, object, pki_work, length);
    mbedtls_x509_crt_free(&cert);
    return status;
}

/* The text is whole, or PEM and base64 would have said so: what is in it is another kind of key. */
static otter_status key_status(int error)
{
    const otter_status status = pki_status(error);
    return status == OTTER_E_MALFORMED ? OTTER_E_KEY : status;
}

static otter_status import_public(struct pki *pki, const struct pki_object *object, size_t length)
{
    mbedtls_pk_context key;
    mbedtls_pk_init(&key);
    otter_status status = key_status(mbedtls_pk_parse_public_key(&key, pki_work, length));
    if (status == OTTER_OK)
        status = store_public(pki, object, pki_work, length);
    mbedtls_pk_free(&key);
    return status;
}

/* What goes along with a private key; the backend has done it already if it lies in the store. */
static otter_status follow(struct pki *pki, const struct pki_object *object,
                           const struct pki_public *key, bool drop_cert)
{
    struct pki_companions with;
    pki_companions(&with, object, key, drop_cert);
    return kv_set_all(pki->kv, with.items, with.count);
}

/* Hands over a key in the one form that backends take. */
static otter_status hand_over(struct pki *pki, const struct pki_object *object,
                              const uint8_t number[PKI_NUMBER_SIZE])
{
    uint8_t der[PKI_PRIVATE_SIZE];
    struct pki_public public;
    otter_status status = pki_number_public(number, &public);
    if (status != OTTER_OK)
        return status;
    pki_private_write(der, number, &public);
    status = pki->keys->import(pki->keys_ctx, object, der, sizeof der, &public);
    mbedtls_platform_zeroize(der, sizeof der);
    return status == OTTER_OK ? follow(pki, object, &public, false) : status;
}

/* The same with a key that is none of P-256. */
static otter_status hand_over_other(struct pki *pki, const struct pki_object *object, size_t length)
{
#if OTTER_KEYS_P384 || OTTER_KEYS_RSA2048
    struct pki_other *const key = &pki_other_work;
    struct pki_public public;
    otter_status status = pki_other_read(pki_work, length, key, &public);
    if (status == OTTER_OK)
        status = pki->keys->import(pki->keys_ctx, object, key->der, key->length, &public);
    mbedtls_platform_zeroize(key, sizeof *key);
    return status == OTTER_OK ? follow(pki, object, &public, false) : status;
#else
    (void)pki;
    (void)object;
    (void)length;
    return OTTER_E_KEY;
#endif
}

static otter_status import_private(struct pki *pki, const struct pki_object *object, size_t length)
{
    uint8_t number[PKI_NUMBER_SIZE];
    if (pki->keys->import == NULL)
        return OTTER_E_UNSUPPORTED;
    const otter_status status = pki_private_read(pki_work, length, number)
                                    ? hand_over(pki, object, number)
                                    : hand_over_other(pki, object, length);
    mbedtls_platform_zeroize(number, sizeof number);
    return status;
}

/* What pki_work holds, found in a text. */
static otter_status take(struct pki *pki, const struct pki_object *object, const struct pem *found)
{
    if (pem_label_is(found, "CERTIFICATE") && object->type != PKI_PRIVATE_KEY)
        return import_cert(pki, object, found->length);
    if (pem_label_is(found, "PUBLIC KEY") && object->type == PKI_PUBLIC_KEY)
        return import_public(pki, object, found->length);
    if ((pem_label_is(found, "EC PRIVATE KEY") || pem_label_is(found, "PRIVATE KEY") ||
         (OTTER_HAS_RSA && pem_label_is(found, "RSA PRIVATE KEY"))) &&
        object->type == PKI_PRIVATE_KEY)
        return import_private(pki, object, found->length);
    return OTTER_E_KEY;
}

otter_status pki_import(struct pki *pki, const char *label, enum pki_type type, const char *pem,
                        size_t length)
{
    const struct pki_object *object = pki_find(pki, label);
    struct pem found;
    if (object == NULL || (object->type == PKI_CERTIFICATE) > (type == PKI_CERTIFICATE))
        return OTTER_E_ARGUMENT;
    otter_status status = pem_decode(&found, pki_work, sizeof pki_work, pem, length);
    if (status == OTTER_OK)
        status = found.more ? OTTER_E_REFUSED : take(pki, object, &found);
    mbedtls_platform_zeroize(pki_work, sizeof pki_work);
    return status;
}

/* ---- Use ------------------------------------------------------------------------------------- */

otter_status pki_export(struct pki *pki, const char *label, char *pem, size_t size)
{
    size_t length;
    const otter_status status = pki_load(pki, label, pki_work, sizeof pki_work, &length);
    if (status != OTTER_OK)
        return status;
    const bool is_cert = pki_find(pki, label)->type == PKI_CERTIFICATE;
    return pem_encode(pem, size, is_cert ? "CERTIFICATE" : "PUBLIC KEY", pki_work, length);
}

otter_status pki_delete(struct pki *pki, const char *label)
{
    const struct pki_object *object = pki_find(pki, label);
    if (object == NULL)
        return OTTER_E_ARGUMENT;
    if (object->type != PKI_PRIVATE_KEY)
        return kv_delete(pki->kv, pki_name(label).text);
    const otter_status status = pki->keys->remove(pki->keys_ctx, object);
    return status == OTTER_OK ? follow(pki, object, NULL, false) : status;
}

otter_status pki_generate_key(struct pki *pki, const char *label)
{
    return pki_generate_pair(pki, label, PKI_P256);
}

/* What goes along with a key that a backend has made. */
static otter_status made(struct pki *pki, const struct pki_object *object, otter_status status,
                         const struct pki_public *public)
{
    if (status == OTTER_OK && !pki_is_known(public->der, public->length))
        return OTTER_E_CRYPTO;
    return status == OTTER_OK ? follow(pki, object, public, true) : status;
}

otter_status pki_generate_pair(struct pki *pki, const char *label, enum pki_algorithm algorithm)
{
    const struct pki_object *object = pki_find_private(pki, label);
    struct pki_public public;
    if (object == NULL)
        return OTTER_E_ARGUMENT;
    const otter_status status = pki->keys->generate(pki->keys_ctx, object, algorithm, &public);
#if OTTER_KEYS_RSA2048
    if (status == OTTER_E_AGAIN)
        pki->making = object;
#endif
    return made(pki, object, status, &public);
}

#if OTTER_KEYS_RSA2048
otter_status pki_generate_more(struct pki *pki)
{
    const struct pki_object *object = pki->making;
    struct pki_public public;
    if (object == NULL)
        return OTTER_E_STATE;
    const otter_status status = pki->keys->go_on(pki->keys_ctx, object, &public);
    if (status == OTTER_E_AGAIN)
        return status;
    pki->making = NULL;
    return made(pki, object, status, &public);
}

void pki_generate_stop(struct pki *pki)
{
    if (pki->making != NULL)
        (void)pki->keys->go_on(pki->keys_ctx, NULL, NULL);
    pki->making = NULL;
}
#endif

otter_status pki_public_key(struct pki *pki, const char *label, struct pki_public *key)
{
    const struct pki_object *object = pki_find_private(pki, label);
    if (object == NULL)
        return OTTER_E_ARGUMENT;
    const otter_status status = pki->keys->public_key(pki->keys_ctx, object, key);
    return status == OTTER_OK && !pki_is_known(key->der, key->length) ? OTTER_E_CRYPTO : status;
}

/* Its length is one of ECDSA-Sig-Value, or of RSA: what a place for keys says goes into buffers of
 * TLS. */
static bool is_signature(const struct pki_signature *signature)
{
    if (OTTER_HAS_RSA && signature->length == PKI_SIGNATURE_MAX)
        return true;
    return signature->length > 2 && signature->length <= PKI_SIGNATURE_MAX &&
           signature->der[1] + 2u == signature->length;
}

otter_status pki_sign(struct pki *pki, const char *label, const uint8_t *digest, size_t length,
                      struct pki_signature *signature)
{
    const struct pki_object *object = pki_find_private(pki, label);
    if (object == NULL || (length != 32 && length != 48 && length != 64))
        return OTTER_E_ARGUMENT;
    const otter_status status = pki->keys->sign(pki->keys_ctx, object, digest, length, signature);
    return status == OTTER_OK && !is_signature(signature) ? OTTER_E_CRYPTO : status;
}

otter_status pki_load_cert(struct pki *pki, const char *label, mbedtls_x509_crt *cert)
{
    size_t length;
    const otter_status status = pki_load(pki, label, pki_work, sizeof pki_work, &length);
    if (status != OTTER_OK)
        return status;
    return pki_status(mbedtls_x509_crt_parse_der(cert, pki_work, length));
}

otter_status pki_verify(struct pki *pki, const char *label, const uint8_t digest[32],
                        const uint8_t *signature, size_t length)
{
    mbedtls_pk_context key;
    mbedtls_pk_init(&key);
    otter_status status = pki_open_key(pki, label, &key);
    if (status == OTTER_OK &&
        mbedtls_pk_verify(&key, MBEDTLS_MD_SHA256, digest, 32, signature, length) != 0)
        status = OTTER_E_SIGNATURE;
    mbedtls_pk_free(&key);
    return status;
}
