/* PSA Crypto for the keys of a device: pairs on P-256 that sign digests, in the store under their
 * number, by pki's own code. Their attributes are always the same and are not stored. */
#include <psa/crypto.h>

#include <string.h>

#include <mbedtls/platform_util.h>

#include "pki/pki.h"
#include "port/port.h"
#include "secure/secure.h"

#define NUMBER_SIZE    32u
#define POINT_SIZE     65u /* with the mark of an uncompressed one */
#define SIGNATURE_SIZE 64u

/* A key as pki knows it. */
struct named {
    char label[9];
    struct pki_object object;
};

static void name(struct named *key, psa_key_id_t id)
{
    secure_name(key->label, id);
    key->object = (struct pki_object){.label = key->label, .type = PKI_PRIVATE_KEY};
}

static bool is_there(const struct named *key)
{
    uint32_t length;
    return pki_store.length(secure->kv, &key->object, &length) != OTTER_E_NOT_FOUND;
}

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
    /* The headers of Mbed TLS take the second along with the first. */
    return (psa_get_key_usage_flags(wanted) & ~PSA_KEY_USAGE_SIGN_MESSAGE) ==
                   PSA_KEY_USAGE_SIGN_HASH
               ? PSA_SUCCESS
               : PSA_ERROR_NOT_PERMITTED;
}

static psa_status_t new_key(const psa_key_attributes_t *attributes, bool bits_may_be_0,
                            struct named *key)
{
    const psa_status_t result = check_attributes(attributes, bits_may_be_0);
    if (result != PSA_SUCCESS)
        return result;
    name(key, psa_get_key_id(attributes));
    return is_there(key) ? PSA_ERROR_ALREADY_EXISTS : PSA_SUCCESS;
}

psa_status_t psa_generate_key(const psa_key_attributes_t *attributes, mbedtls_svc_key_id_t *key)
{
    struct named made;
    struct pki_public public;
    psa_status_t result = new_key(attributes, false, &made);
    if (result != PSA_SUCCESS)
        return result;
    result = secure_result(pki_store.generate(secure->kv, &made.object, PKI_P256, &public));
    if (result == PSA_SUCCESS)
        *key = psa_get_key_id(attributes);
    return result;
}

psa_status_t psa_import_key(const psa_key_attributes_t *attributes, const uint8_t *data,
                            size_t data_length, mbedtls_svc_key_id_t *key)
{
    struct named made;
    struct pki_public public;
    uint8_t der[PKI_PRIVATE_P256_SIZE];
    if (secure_is_sealed())
        return PSA_ERROR_NOT_PERMITTED;
    psa_status_t result = new_key(attributes, true, &made);
    if (result == PSA_SUCCESS && data_length != NUMBER_SIZE)
        result = PSA_ERROR_INVALID_ARGUMENT;
    if (result == PSA_SUCCESS)
        result = secure_result(pki_private_from_number(der, data, &public));
    if (result == PSA_SUCCESS)
        result =
            secure_result(pki_store.import(secure->kv, &made.object, der, sizeof der, &public));
    mbedtls_platform_zeroize(der, sizeof der);
    if (result == PSA_SUCCESS)
        *key = psa_get_key_id(attributes);
    return result;
}

psa_status_t psa_destroy_key(mbedtls_svc_key_id_t key)
{
    struct named gone;
    if (key == 0)
        return PSA_SUCCESS;
    name(&gone, key);
    if (!is_there(&gone))
        return PSA_ERROR_INVALID_HANDLE;
    return secure_result(pki_store.remove(secure->kv, &gone.object));
}

static psa_status_t result_of_use(otter_status status)
{
    return status == OTTER_E_NOT_FOUND ? PSA_ERROR_INVALID_HANDLE : secure_result(status);
}

psa_status_t psa_export_public_key(mbedtls_svc_key_id_t key, uint8_t *data, size_t data_size,
                                   size_t *data_length)
{
    struct named used;
    struct pki_public public;
    name(&used, key);
    const otter_status status = pki_store.public_key(secure->kv, &used.object, &public);
    if (status != OTTER_OK)
        return result_of_use(status);
    if (data_size < POINT_SIZE)
        return PSA_ERROR_BUFFER_TOO_SMALL;
    memcpy(data, public.der + public.length - POINT_SIZE, POINT_SIZE);
    *data_length = POINT_SIZE;
    return PSA_SUCCESS;
}

/* Of a longer digest ECDSA on this curve takes as many bits as the curve has, from the left. So no
 * longer hash is needed here, the nonce's included. */
psa_status_t psa_sign_hash(mbedtls_svc_key_id_t key, psa_algorithm_t alg, const uint8_t *hash,
                           size_t hash_length, uint8_t *signature, size_t signature_size,
                           size_t *signature_length)
{
    struct named used;
    struct pki_signature made;
    if (!PSA_ALG_IS_ECDSA(alg))
        return PSA_ERROR_NOT_SUPPORTED;
    if (hash_length != 32 && hash_length != 48 && hash_length != 64)
        return PSA_ERROR_INVALID_ARGUMENT;
    if (signature_size < SIGNATURE_SIZE)
        return PSA_ERROR_BUFFER_TOO_SMALL;
    name(&used, key);
    const otter_status status = pki_store.sign(secure->kv, &used.object, hash, NUMBER_SIZE, &made);
    if (status != OTTER_OK)
        return result_of_use(status);
    pki_numbers_from_signature(signature, &made);
    *signature_length = SIGNATURE_SIZE;
    return PSA_SUCCESS;
}

psa_status_t psa_generate_random(uint8_t *output, size_t output_size)
{
    return port_random(output, output_size) == OTTER_OK ? PSA_SUCCESS
                                                        : PSA_ERROR_INSUFFICIENT_ENTROPY;
}
