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

/* Of the key that is in use, with its public half. */
static otter_status find(const struct pki_object *object, psa_key_id_t *id, uint8_t point[65])
{
    size_t length;
    otter_status status = OTTER_E_NOT_FOUND;
    for (unsigned i = 0; i < 2 && status == OTTER_E_NOT_FOUND; i++) {
        *id = first_id(object->label) + i;
        status = status_of(psa_export_public_key(*id, point, 65, &length));
    }
    return status;
}

static otter_status vault_length(void *ctx, const struct pki_object *object, uint32_t *length)
{
    psa_key_id_t id;
    uint8_t point[65];
    (void)ctx;
    *length = NUMBER_SIZE;
    return find(object, &id, point);
}

static otter_status vault_public_key(void *ctx, const struct pki_object *object,
                                     struct pki_public *key)
{
    psa_key_id_t id;
    uint8_t point[65];
    (void)ctx;
    const otter_status status = find(object, &id, point);
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
    (void)ctx;
    otter_status status = find(object, &id, numbers);
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
    psa_set_key_usage_flags(&wanted, PSA_KEY_USAGE_SIGN_HASH);
    psa_set_key_algorithm(&wanted, PSA_ALG_ECDSA(PSA_ALG_ANY_HASH));
    return wanted;
}

/* Makes a key, or takes the one given, under the number that is free; then the other one goes. */
static otter_status replace(const struct pki_object *object, const uint8_t *number)
{
    uint8_t point[65];
    psa_key_id_t old, id;
    const psa_key_id_t first = first_id(object->label);
    const bool had = find(object, &old, point) == OTTER_OK;
    const psa_key_id_t next = had && old == first ? first + 1 : first;
    const psa_key_attributes_t wanted = attributes(next);
    psa_status_t result = psa_destroy_key(next); /* of an exchange that was cut */
    if (result == PSA_SUCCESS || result == PSA_ERROR_INVALID_HANDLE)
        result = number == NULL ? psa_generate_key(&wanted, &id)
                                : psa_import_key(&wanted, number, NUMBER_SIZE, &id);
    if (result == PSA_SUCCESS && had)
        result = psa_destroy_key(old);
    return status_of(result);
}

static otter_status vault_generate(void *ctx, const struct pki_object *object,
                                   enum pki_algorithm algorithm, struct pki_public *key)
{
    if (algorithm != PKI_P256)
        return OTTER_E_UNSUPPORTED;
    const otter_status status = replace(object, NULL);
    return status == OTTER_OK ? vault_public_key(ctx, object, key) : status;
}

static otter_status vault_import(void *ctx, const struct pki_object *object, const uint8_t *der,
                                 uint32_t length, const struct pki_public *key)
{
    (void)ctx;
    (void)key;
    return length == PKI_PRIVATE_P256_SIZE ? replace(object, der + PKI_PRIVATE_P256_NUMBER)
                                           : OTTER_E_KEY;
}

static otter_status vault_remove(void *ctx, const struct pki_object *object)
{
    otter_status status = OTTER_OK;
    (void)ctx;
    for (unsigned i = 0; i < 2 && (status == OTTER_OK || status == OTTER_E_NOT_FOUND); i++)
        status = status_of(psa_destroy_key(first_id(object->label) + i));
    return status == OTTER_E_NOT_FOUND ? OTTER_OK : status;
}

const struct pki_keys psa_keys = {
    .length = vault_length,
    .public_key = vault_public_key,
    .sign = vault_sign,
    .generate = vault_generate,
    .import = vault_import,
    .remove = vault_remove,
};
