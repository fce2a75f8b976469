/* pki's table of functions over PSA Crypto; see psa_keys.h. */
#include "secure/psa_keys.h"

#include <string.h>

#include <psa/crypto.h>

#include "codec/crc32.h"
#include "pki/pki.h"

#define NUMBER_SIZE 32u

static otter_status status_of(psa_status_t result)
{
    switch (result) {
    case PSA_SUCCESS:
        return OTTER_OK;
    case PSA_ERROR_INVALID_HANDLE:
    case PSA_ERROR_DOES_NOT_EXIST:
        return OTTER_E_NOT_FOUND;
    case PSA_ERROR_INSUFFICIENT_MEMORY:
        return OTTER_E_MEMORY;
    case PSA_ERROR_INSUFFICIENT_STORAGE:
        return OTTER_E_NO_SPACE;
    case PSA_ERROR_NOT_PERMITTED:
        return OTTER_E_UNSUPPORTED;
    case PSA_ERROR_INVALID_ARGUMENT:
        return OTTER_E_KEY;
    case PSA_ERROR_STORAGE_FAILURE:
        return OTTER_E_FLASH;
    default:
        return OTTER_E_CRYPTO;
    }
}

/* The first of the two numbers of the label's keys. */
static psa_key_id_t first_id(const char *label)
{
    static const char *const known[] = {PKI_TLS_KEY_PRIV, PKI_CLAIM_KEY, PKI_NEXT_KEY};
    for (unsigned i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(label, known[i]) == 0)
            return PSA_KEYS_FIRST + 2u * i;
    }
    return 0x10000u + (crc32_update(0, label, strlen(label)) & 0xffffffu) * 2u;
}

/* What the other world's store says of a label: which of its two numbers is in use. So this changes
 * in one step with the certificate, wherever power fails. */
struct mark {
    char key[KV_KEY_MAX + 1];
    uint8_t second; /* 0 or 1 */
};

static struct kv_item item_of(struct mark *mark, const char *label)
{
    memcpy(mark->key, "psa/", 5);
    strncat(mark->key, label, PKI_LABEL_MAX);
    return (struct kv_item){mark->key, &mark->second, 1};
}

/* The first, if it says nothing. */
static uint8_t marked(struct kv *kv, const char *label)
{
    struct mark mark = {.second = 0};
    uint32_t length;
    (void)item_of(&mark, label);
    return kv != NULL && kv_get(kv, mark.key, &mark.second, 1, &length) == OTTER_OK && length == 1
               ? mark.second & 1u
               : 0;
}

static otter_status set_mark(struct kv *kv, const char *label, psa_key_id_t id)
{
    struct mark mark = {.second = (uint8_t)(id - first_id(label))};
    const struct kv_item item = item_of(&mark, label);
    return kv == NULL ? OTTER_OK : kv_set_all(kv, &item, 1);
}

/* Of the key that is in use, with its public half: that of the mark, or else the only one. */
static otter_status find(struct kv *kv, const struct pki_object *object, psa_key_id_t *id,
                         uint8_t point[65])
{
    size_t length;
    otter_status status = OTTER_E_NOT_FOUND;
    const unsigned second = marked(kv, object->label);
    for (unsigned i = 0; i < 2 && status == OTTER_E_NOT_FOUND; i++) {
        *id = first_id(object->label) + (i ^ second);
        status = status_of(psa_export_public_key(*id, point, 65, &length));
    }
    return status;
}

static otter_status vault_length(void *ctx, const struct pki_object *object, uint32_t *length)
{
    psa_key_id_t id;
    uint8_t point[65];
    *length = NUMBER_SIZE;
    return find(ctx, object, &id, point);
}

static otter_status vault_public_key(void *ctx, const struct pki_object *object,
                                     struct pki_public *key)
{
    psa_key_id_t id;
    uint8_t point[65];
    const otter_status status = find(ctx, object, &id, point);
    if (status == OTTER_OK)
        pki_public_from_point(key, point + 1);
    return status;
}

static otter_status vault_sign(void *ctx, const struct pki_object *object, const uint8_t *digest,
                               size_t length, struct pki_signature *signature)
{
    psa_key_id_t id;
    uint8_t numbers[65]; /* the point at first */
    size_t written;
    const psa_algorithm_t hash = length == 32   ? PSA_ALG_SHA_256
                                 : length == 48 ? PSA_ALG_SHA_384
                                                : PSA_ALG_SHA_512;
    otter_status status = find(ctx, object, &id, numbers);
    if (status == OTTER_OK)
        status = status_of(psa_sign_hash(id, PSA_ALG_ECDSA(hash), digest, length, numbers,
                                         sizeof numbers, &written));
    if (status == OTTER_OK)
        pki_signature_from_numbers(signature, numbers);
    return status;
}

static psa_key_attributes_t attributes(psa_key_id_t id)
{
    psa_key_attributes_t wanted = PSA_KEY_ATTRIBUTES_INIT;
    psa_set_key_id(&wanted, id);
    psa_set_key_type(&wanted, PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1));
    psa_set_key_bits(&wanted, 256);
    psa_set_key_usage_flags(&wanted, PSA_KEY_USAGE_SIGN_HASH | PSA_KEY_USAGE_COPY);
    psa_set_key_algorithm(&wanted, PSA_ALG_ECDSA(PSA_ALG_ANY_HASH));
    return wanted;
}

/* Where a new key of a label comes from: it is made, taken, or a copy of another. */
struct origin {
    const uint8_t *number;
    psa_key_id_t other;
};

static psa_status_t put(psa_key_id_t id, const struct origin *origin)
{
    const psa_key_attributes_t wanted = attributes(id);
    psa_key_id_t made;
    const psa_status_t result = psa_destroy_key(id); /* of an exchange that was cut */
    if (result != PSA_SUCCESS && result != PSA_ERROR_INVALID_HANDLE)
        return result;
    if (origin->number != NULL)
        return psa_import_key(&wanted, origin->number, NUMBER_SIZE, &made);
    return origin->other != 0 ? psa_copy_key(origin->other, &wanted, &made)
                              : psa_generate_key(&wanted, &made);
}

/* Puts a key under the number that is free, has the store say so with what goes along, and takes
 * the old one away. Until the store says so the old one is marked; from then on the change is made,
 * and what could not be taken away goes with the next one. */
static otter_status replace(struct kv *kv, const struct pki_object *object,
                            const struct origin *origin, const struct kv_item *with,
                            uint32_t with_count)
{
    uint8_t point[65];
    psa_key_id_t old;
    struct mark mark;
    struct kv_item items[KV_BATCH_MAX];
    const psa_key_id_t first = first_id(object->label);
    const bool had = find(kv, object, &old, point) == OTTER_OK;
    const psa_key_id_t next = had && old == first ? first + 1 : first;
    otter_status status = had ? set_mark(kv, object->label, old) : OTTER_OK;
    if (status == OTTER_OK)
        status = status_of(put(next, origin));
    mark.second = (uint8_t)(next - first);
    items[0] = item_of(&mark, object->label);
    if (with_count > 0)
        memcpy(items + 1, with, with_count * sizeof *with);
    if (status == OTTER_OK && kv != NULL)
        status = kv_set_all(kv, items, 1 + with_count);
    if (status == OTTER_OK && had)
        (void)psa_destroy_key(old);
    return status;
}

static otter_status vault_generate(void *ctx, const struct pki_object *object,
                                   enum pki_algorithm algorithm, struct pki_public *key)
{
    if (algorithm != PKI_P256)
        return OTTER_E_UNSUPPORTED;
    const otter_status status = replace(ctx, object, &(struct origin){0}, NULL, 0);
    return status == OTTER_OK ? vault_public_key(ctx, object, key) : status;
}

static otter_status vault_import(void *ctx, const struct pki_object *object, const uint8_t *der,
                                 uint32_t length, const struct pki_public *key)
{
    const struct origin origin = {.number = der + PKI_PRIVATE_P256_NUMBER};
    (void)key;
    return length == PKI_PRIVATE_P256_SIZE ? replace(ctx, object, &origin, NULL, 0) : OTTER_E_KEY;
}

static otter_status vault_remove(void *ctx, const struct pki_object *object)
{
    otter_status status = OTTER_OK;
    (void)ctx; /* the mark may stay */
    for (unsigned i = 0; i < 2 && (status == OTTER_OK || status == OTTER_E_NOT_FOUND); i++)
        status = status_of(psa_destroy_key(first_id(object->label) + i));
    return status == OTTER_E_NOT_FOUND ? OTTER_OK : status;
}

static otter_status vault_move(void *ctx, const struct pki_object *from,
                               const struct pki_object *to, const struct kv_item *with,
                               uint32_t with_count)
{
    struct origin origin = {0};
    uint8_t point[65];
    if (ctx == NULL || with_count >= KV_BATCH_MAX)
        return OTTER_E_UNSUPPORTED;
    otter_status status = find(ctx, from, &origin.other, point);
    if (status == OTTER_OK)
        status = replace(ctx, to, &origin, with, with_count);
    if (status == OTTER_OK)
        (void)vault_remove(ctx, from);
    return status;
}

const struct pki_keys psa_keys = {
    .length = vault_length,
    .public_key = vault_public_key,
    .sign = vault_sign,
    .generate = vault_generate,
    .import = vault_import,
    .move = vault_move,
    .remove = vault_remove,
};
