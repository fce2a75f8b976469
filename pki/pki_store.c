/* Private keys in the key-value store; see keys.h. */
#include <string.h>

#include <mbedtls/platform_util.h>

#include "pki/keys.h"
#include "pki/pki_inner.h"

/* For the time of one operation, which wipes it. One for the room: a key of RSA is too long for a
 * board's stack. */
static struct {
    uint8_t der[PKI_PRIVATE_MAX];
    uint8_t number[PKI_NUMBER_SIZE]; /* of P-256 */
    uint32_t length;
    bool other; /* none of P-256 */
} key;

static void wipe(void)
{
    mbedtls_platform_zeroize(&key, sizeof key);
}

#if OTTER_KEYS_P384 || OTTER_KEYS_RSA2048
#define OTHERS true
#else /* what is not there is not called */
#define OTHERS                                             false
#define pki_other_public(der, length, public)              OTTER_E_MALFORMED
#define pki_other_sign(der, length, digest, size, raw, to) OTTER_E_MALFORMED
#endif

static otter_status read_key(struct kv *kv, const struct pki_object *object)
{
    const otter_status status =
        kv_get(kv, pki_name(object->label).text, key.der, sizeof key.der, &key.length);
    if (status != OTTER_OK)
        return status;
    key.other =
        key.length != PKI_PRIVATE_SIZE || !pki_private_read(key.der, PKI_PRIVATE_SIZE, key.number);
    return OTHERS || !key.other ? OTTER_OK : OTTER_E_MALFORMED;
}

/* The key and what goes along with it, as one atomic change. */
static otter_status replace(struct kv *kv, const struct pki_object *object, const uint8_t *der,
                            uint32_t length, const struct pki_public *public, bool drop_cert)
{
    struct pki_companions with;
    struct kv_item items[1 + PKI_COMPANIONS_MAX];
    const struct pki_name name = pki_name(object->label);
    pki_companions(&with, object, public, drop_cert);
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
    otter_status status = read_key(ctx, object);
    if (OTHERS && status == OTTER_OK && key.other)
        status = pki_other_public(key.der, key.length, public);
    else if (status == OTTER_OK)
        pki_public_from_point(public, key.der + PKI_PRIVATE_POINT);
    wipe();
    return status;
}

static otter_status store_sign(void *ctx, const struct pki_object *object, const uint8_t *digest,
                               size_t length, struct pki_signature *signature)
{
    otter_status status = read_key(ctx, object);
    if (OTHERS && status == OTTER_OK && key.other)
        status = pki_other_sign(key.der, key.length, digest, length, false, signature);
    else if (status == OTTER_OK)
        status = pki_number_sign(key.number, digest, length, signature);
    wipe();
    return status;
}

#if OTTER_KEYS_RSA2048
otter_status pki_store_sign_data(struct kv *kv, const struct pki_object *object,
                                 const uint8_t *data, size_t length,
                                 struct pki_signature *signature)
{
    otter_status status = length <= PKI_RSA_DATA_MAX ? read_key(kv, object) : OTTER_E_ARGUMENT;
    if (status == OTTER_OK && !key.other)
        status = OTTER_E_KEY;
    if (status == OTTER_OK)
        status = pki_other_sign(key.der, key.length, data, length, true, signature);
    wipe();
    return status;
}
#endif

#if OTTER_KEYS_P384 || OTTER_KEYS_RSA2048
/* What was made, if it was. */
static otter_status take_other(struct kv *kv, const struct pki_object *object, otter_status status,
                               const struct pki_public *public)
{
    if (status == OTTER_OK)
        status = replace(kv, object, pki_other_work.der, pki_other_work.length, public, true);
    mbedtls_platform_zeroize(&pki_other_work, sizeof pki_other_work);
    return status;
}
#endif

#if OTTER_KEYS_RSA2048
static otter_status store_go_on(void *ctx, const struct pki_object *object,
                                struct pki_public *public)
{
    if (object != NULL)
        return take_other(ctx, object, pki_rsa_step(&pki_other_work, public), public);
    pki_rsa_begin();
    return OTTER_OK;
}
#endif

static otter_status generate_other(struct kv *kv, const struct pki_object *object,
                                   enum pki_algorithm algorithm, struct pki_public *public)
{
#if OTTER_KEYS_P384 || OTTER_KEYS_RSA2048
#if OTTER_KEYS_RSA2048
    if (algorithm == PKI_RSA2048) {
        pki_rsa_begin();
        return OTTER_E_AGAIN;
    }
#endif
    return take_other(kv, object, pki_other_make(algorithm, &pki_other_work, public), public);
#else
    (void)kv;
    (void)object;
    (void)algorithm;
    (void)public;
    return OTTER_E_UNSUPPORTED;
#endif
}

static otter_status store_generate(void *ctx, const struct pki_object *object,
                                   enum pki_algorithm algorithm, struct pki_public *public)
{
    if (algorithm != PKI_P256)
        return generate_other(ctx, object, algorithm, public);
    otter_status status = pki_number_make(key.number, public);
    if (status == OTTER_OK) {
        pki_private_write(key.der, key.number, public);
        status = replace(ctx, object, key.der, PKI_PRIVATE_SIZE, public, true);
    }
    wipe();
    return status;
}

static otter_status store_import(void *ctx, const struct pki_object *object, const uint8_t *der,
                                 uint32_t length, const struct pki_public *public)
{
    return replace(ctx, object, der, length, public, false);
}

static otter_status store_move(void *ctx, const struct pki_object *from,
                               const struct pki_object *to, const struct kv_item *with,
                               uint32_t with_count)
{
    struct kv_item items[KV_BATCH_MAX - 1];
    const struct pki_name old = pki_name(from->label), new = pki_name(to->label);
    otter_status status = with_count + 2 <= KV_BATCH_MAX - 1 ? OTTER_OK : OTTER_E_ARGUMENT;
    if (status == OTTER_OK)
        status = read_key(ctx, from);
    if (status == OTTER_OK) {
        items[0] = (struct kv_item){new.text, key.der, key.length};
        items[1] = (struct kv_item){old.text, NULL, 0};
        memcpy(items + 2, with, with_count * sizeof *with);
        status = kv_replace_secret(ctx, items, 2 + with_count);
    }
    wipe();
    return status;
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
#if OTTER_KEYS_RSA2048
    .go_on = store_go_on,
#endif
    .import = store_import,
    .move = store_move,
    .remove = store_remove,
};
