/* Private keys in a PSA implementation; see keys_elsewhere.h. The calls are those that a secure
 * world offers to the other (PSA Crypto 1.0). */
#include <string.h>

#include <psa/crypto.h>

#include "pki/pki.h"
#include "tests/unit/pki/keys_elsewhere.h"

static otter_status status_of(psa_status_t result)
{
    switch (result) {
    case PSA_SUCCESS:
        return OTTER_OK;
    case PSA_ERROR_INSUFFICIENT_MEMORY:
        return OTTER_E_MEMORY;
    case PSA_ERROR_INSUFFICIENT_STORAGE:
        return OTTER_E_NO_SPACE;
    default:
        return OTTER_E_CRYPTO;
    }
}

/* The place of the object's key, or of none when `object` is NULL. */
static int place_of(const struct psa_vault *vault, const struct pki_object *object)
{
    for (int i = 0; i < (int)PSA_VAULT_KEYS; i++) {
        if (vault->keys[i].object == object)
            return i;
    }
    return -1;
}

static psa_key_attributes_t attributes(void)
{
    psa_key_attributes_t wanted = PSA_KEY_ATTRIBUTES_INIT;
    psa_set_key_type(&wanted, PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1));
    psa_set_key_bits(&wanted, 256);
    psa_set_key_usage_flags(&wanted, PSA_KEY_USAGE_SIGN_HASH);
    psa_set_key_algorithm(&wanted, PSA_ALG_ECDSA(PSA_ALG_ANY_HASH));
    return wanted;
}

/* A new key takes the place of the old one. */
static otter_status settle(struct psa_vault *vault, const struct pki_object *object,
                           psa_status_t made, psa_key_id_t id)
{
    int place = place_of(vault, object);
    if (made != PSA_SUCCESS)
        return status_of(made);
    if (place >= 0)
        psa_destroy_key(vault->keys[place].id);
    else
        place = place_of(vault, NULL);
    if (place < 0) {
        psa_destroy_key(id);
        return OTTER_E_NO_SPACE;
    }
    vault->keys[place].object = object;
    vault->keys[place].id = id;
    return OTTER_OK;
}

static otter_status vault_length(void *ctx, const struct pki_object *object, uint32_t *length)
{
    *length = 32;
    return place_of(ctx, object) >= 0 ? OTTER_OK : OTTER_E_NOT_FOUND;
}

static otter_status vault_public_key(void *ctx, const struct pki_object *object,
                                     struct pki_public *key)
{
    struct psa_vault *vault = ctx;
    uint8_t point[65];
    size_t length;
    const int place = place_of(vault, object);
    if (place < 0)
        return OTTER_E_NOT_FOUND;
    const psa_status_t result =
        psa_export_public_key(vault->keys[place].id, point, sizeof point, &length);
    if (result == PSA_SUCCESS)
        pki_public_from_point(key, point + 1);
    return status_of(result);
}

static otter_status vault_sign(void *ctx, const struct pki_object *object, const uint8_t *digest,
                               size_t length, struct pki_signature *signature)
{
    struct psa_vault *vault = ctx;
    uint8_t numbers[64];
    size_t written;
    const psa_algorithm_t hash = length == 32   ? PSA_ALG_SHA_256
                                 : length == 48 ? PSA_ALG_SHA_384
                                                : PSA_ALG_SHA_512;
    const int place = place_of(vault, object);
    if (place < 0)
        return OTTER_E_NOT_FOUND;
    const psa_status_t result = psa_sign_hash(vault->keys[place].id, PSA_ALG_ECDSA(hash), digest,
                                              length, numbers, sizeof numbers, &written);
    if (result == PSA_SUCCESS)
        pki_signature_from_numbers(signature, numbers);
    return status_of(result);
}

static otter_status vault_generate(void *ctx, const struct pki_object *object,
                                   enum pki_algorithm algorithm, struct pki_public *key)
{
    const psa_key_attributes_t wanted = attributes();
    psa_key_id_t id = 0;
    if (algorithm != PKI_P256)
        return OTTER_E_UNSUPPORTED;
    psa_status_t result = psa_crypto_init();
    if (result == PSA_SUCCESS)
        result = psa_generate_key(&wanted, &id);
    const otter_status status = settle(ctx, object, result, id);
    return status == OTTER_OK ? vault_public_key(ctx, object, key) : status;
}

static otter_status vault_remove(void *ctx, const struct pki_object *object)
{
    struct psa_vault *vault = ctx;
    const int place = place_of(vault, object);
    if (place < 0)
        return OTTER_OK;
    const psa_status_t result = psa_destroy_key(vault->keys[place].id);
    if (result == PSA_SUCCESS)
        vault->keys[place].object = NULL;
    return status_of(result);
}

void psa_vault_empty(struct psa_vault *vault)
{
    memset(vault, 0, sizeof *vault);
    mbedtls_psa_crypto_free();
}

/* A vault that is sealed: it makes keys, and takes none. */
const struct pki_keys psa_keys = {
    .length = vault_length,
    .public_key = vault_public_key,
    .sign = vault_sign,
    .generate = vault_generate,
    .remove = vault_remove,
};
