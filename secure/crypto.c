/* PSA Crypto for the keys of a device: pairs on P-256 that sign digests. Their attributes are
 * always the same and are not stored; a key lies in the store as README.md says. */
#include <psa/crypto.h>

#include <string.h>

#include "port/port.h"
#include "port/wipe.h"
#include "secure/p256.h"
#include "secure/secure.h"

/* ---- In the store -----------------------------------------------------------------------------
 */

#define KEY_SIZE 121u
#define NUMBER   7u /* where it is in a key */
#define POINT    (KEY_SIZE - P256_POINT_SIZE)

struct key {
    char name[13];
    uint8_t der[KEY_SIZE];
};

static void name(struct key *key, psa_key_id_t id)
{
    memcpy(key->name, "pki/", 4);
    secure_name(key->name + 4, id);
}

static psa_status_t load(struct key *key, psa_key_id_t id)
{
    uint32_t length;
    name(key, id);
    const otter_status status = kv_get(secure->kv, key->name, key->der, sizeof key->der, &length);
    if (status == OTTER_E_NOT_FOUND)
        return PSA_ERROR_INVALID_HANDLE;
    if (status == OTTER_E_TOO_LONG || (status == OTTER_OK && length != KEY_SIZE))
        return PSA_ERROR_DATA_CORRUPT;
    return secure_result(status);
}

/* What lies there; without `der` nothing. */
static psa_status_t store(const struct key *key, const uint8_t *der)
{
    const struct kv_item item = {key->name, der, der != NULL ? KEY_SIZE : 0};
    return secure_result(kv_replace_secret(secure->kv, &item, 1));
}

/* ECPrivateKey of RFC 5915 around the number that is there. */
static psa_status_t complete(struct key *key)
{
    static const uint8_t head[NUMBER] = {0x30, 0x77, 0x02, 0x01, 0x01, 0x04, 0x20};
    static const uint8_t curve[] = {0xa0, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d,
                                    0x03, 0x01, 0x07, 0xa1, 0x44, 0x03, 0x42, 0x00};
    _Static_assert(NUMBER + P256_NUMBER_SIZE + sizeof curve == POINT, "nothing between");
    memcpy(key->der, head, sizeof head);
    memcpy(key->der + NUMBER + P256_NUMBER_SIZE, curve, sizeof curve);
    return p256_public(key->der + POINT, key->der + NUMBER) ? PSA_SUCCESS
                                                            : PSA_ERROR_INVALID_ARGUMENT;
}

/* ---- Making keys ------------------------------------------------------------------------------
 */

/* The one kind of key that there is, which may do nothing but sign. */
static psa_status_t check_attributes(const psa_key_attributes_t *wanted, bool bits_may_be_0)
{
    const size_t bits = psa_get_key_bits(wanted);
    const psa_key_id_t id = psa_get_key_id(wanted);
    if (id < PSA_KEY_ID_USER_MIN || id > PSA_KEY_ID_USER_MAX)
        return PSA_ERROR_INVALID_ARGUMENT;
    if (psa_get_key_type(wanted) != PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1) ||
        !(bits == 256 || (bits == 0 && bits_may_be_0)) ||
        !PSA_ALG_IS_ECDSA(psa_get_key_algorithm(wanted)))
        return PSA_ERROR_NOT_SUPPORTED;
    /* The headers of Mbed TLS take the first along; a copy goes nowhere but to another number. */
    return (psa_get_key_usage_flags(wanted) & ~(PSA_KEY_USAGE_SIGN_MESSAGE | PSA_KEY_USAGE_COPY)) ==
                   PSA_KEY_USAGE_SIGN_HASH
               ? PSA_SUCCESS
               : PSA_ERROR_NOT_PERMITTED;
}

static psa_status_t new_key(const psa_key_attributes_t *attributes, bool bits_may_be_0,
                            struct key *key)
{
    const psa_status_t result = check_attributes(attributes, bits_may_be_0);
    if (result != PSA_SUCCESS)
        return result;
    return load(key, psa_get_key_id(attributes)) == PSA_ERROR_INVALID_HANDLE
               ? PSA_SUCCESS
               : PSA_ERROR_ALREADY_EXISTS;
}

/* The end of making one, however it came so far. */
static psa_status_t keep(struct key *key, psa_status_t result,
                         const psa_key_attributes_t *attributes, psa_key_id_t *id)
{
    if (result == PSA_SUCCESS)
        result = store(key, key->der);
    port_wipe(key->der, sizeof key->der);
    if (result == PSA_SUCCESS)
        *id = psa_get_key_id(attributes);
    return result;
}

psa_status_t psa_generate_key(const psa_key_attributes_t *attributes, mbedtls_svc_key_id_t *key)
{
    struct key made;
    psa_status_t result = new_key(attributes, false, &made);
    if (result == PSA_SUCCESS)
        result = psa_generate_random(made.der + NUMBER, P256_NUMBER_SIZE);
    /* One number in 2^32 is none: that is not worth a loop. */
    if (result == PSA_SUCCESS && complete(&made) != PSA_SUCCESS)
        result = PSA_ERROR_GENERIC_ERROR;
    return keep(&made, result, attributes, key);
}

psa_status_t psa_import_key(const psa_key_attributes_t *attributes, const uint8_t *data,
                            size_t data_length, mbedtls_svc_key_id_t *key)
{
    struct key made;
    if (secure_is_sealed())
        return PSA_ERROR_NOT_PERMITTED;
    psa_status_t result = new_key(attributes, true, &made);
    if (result == PSA_SUCCESS && data_length != P256_NUMBER_SIZE)
        result = PSA_ERROR_INVALID_ARGUMENT;
    if (result == PSA_SUCCESS) {
        memcpy(made.der + NUMBER, data, P256_NUMBER_SIZE);
        result = complete(&made);
    }
    return keep(&made, result, attributes, key);
}

psa_status_t psa_copy_key(mbedtls_svc_key_id_t source_key, const psa_key_attributes_t *attributes,
                          mbedtls_svc_key_id_t *target_key)
{
    struct key made;
    psa_status_t result = new_key(attributes, true, &made);
    if (result == PSA_SUCCESS)
        result = load(&made, source_key);
    name(&made, psa_get_key_id(attributes));
    return keep(&made, result, attributes, target_key);
}

psa_status_t psa_destroy_key(mbedtls_svc_key_id_t key)
{
    struct key gone;
    if (key == 0)
        return PSA_SUCCESS;
    const psa_status_t result = load(&gone, key);
    port_wipe(gone.der, sizeof gone.der);
    return result == PSA_ERROR_INVALID_HANDLE ? result : store(&gone, NULL);
}

/* ---- Using them -------------------------------------------------------------------------------
 */

psa_status_t psa_export_public_key(mbedtls_svc_key_id_t key, uint8_t *data, size_t data_size,
                                   size_t *data_length)
{
    struct key used;
    psa_status_t result = load(&used, key);
    if (result == PSA_SUCCESS && data_size < P256_POINT_SIZE)
        result = PSA_ERROR_BUFFER_TOO_SMALL;
    if (result == PSA_SUCCESS) {
        memcpy(data, used.der + POINT, P256_POINT_SIZE);
        *data_length = P256_POINT_SIZE;
    }
    port_wipe(used.der, sizeof used.der);
    return result;
}

/* Of a longer digest ECDSA on this curve takes as many bits as the curve has, from the left. So no
 * longer hash is needed here, the nonce's included. */
psa_status_t psa_sign_hash(mbedtls_svc_key_id_t key, psa_algorithm_t alg, const uint8_t *hash,
                           size_t hash_length, uint8_t *signature, size_t signature_size,
                           size_t *signature_length)
{
    struct key used;
    if (!PSA_ALG_IS_ECDSA(alg))
        return PSA_ERROR_NOT_SUPPORTED;
    if (hash_length != 32 && hash_length != 48 && hash_length != 64)
        return PSA_ERROR_INVALID_ARGUMENT;
    if (signature_size < P256_SIGNATURE_SIZE)
        return PSA_ERROR_BUFFER_TOO_SMALL;
    psa_status_t result = load(&used, key);
    if (result == PSA_SUCCESS && !p256_sign(signature, used.der + NUMBER, hash))
        result = PSA_ERROR_DATA_CORRUPT; /* no such number was ever stored */
    port_wipe(used.der, sizeof used.der);
    if (result == PSA_SUCCESS)
        *signature_length = P256_SIGNATURE_SIZE;
    return result;
}

psa_status_t psa_generate_random(uint8_t *output, size_t output_size)
{
    return port_random(output, output_size) == OTTER_OK ? PSA_SUCCESS
                                                        : PSA_ERROR_INSUFFICIENT_ENTROPY;
}
