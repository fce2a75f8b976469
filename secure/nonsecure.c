/* The services of secure.h as a non-secure program has them: each hands its call through a gate.
 * And what such a program has from the other world beside them: random numbers and the watchdog. */
#include <string.h>

#include <psa/crypto.h>

#include "port/port.h"
#include "secure/gate.h"
#include "secure/ps.h"
#include "secure/secure.h"

static struct gate_attributes of(const psa_key_attributes_t *attributes)
{
    return (struct gate_attributes){
        .id = psa_get_key_id(attributes),
        .usage = psa_get_key_usage_flags(attributes),
        .algorithm = psa_get_key_algorithm(attributes),
        .type = psa_get_key_type(attributes),
        .bits = (uint16_t)psa_get_key_bits(attributes),
    };
}

/* A negative result as it is, else the length. */
static psa_status_t split(int32_t result, size_t *length)
{
    if (result < 0)
        return result;
    *length = (size_t)result;
    return PSA_SUCCESS;
}

psa_status_t psa_generate_key(const psa_key_attributes_t *attributes, mbedtls_svc_key_id_t *key)
{
    const struct gate_attributes wanted = of(attributes);
    *key = wanted.id;
    return gate_make_key(&wanted, NULL, 0);
}

psa_status_t psa_import_key(const psa_key_attributes_t *attributes, const uint8_t *data,
                            size_t data_length, mbedtls_svc_key_id_t *key)
{
    const struct gate_attributes wanted = of(attributes);
    *key = wanted.id;
    return data == NULL ? PSA_ERROR_INVALID_ARGUMENT : gate_make_key(&wanted, data, data_length);
}

psa_status_t psa_copy_key(mbedtls_svc_key_id_t source_key, const psa_key_attributes_t *attributes,
                          mbedtls_svc_key_id_t *target_key)
{
    const struct gate_attributes wanted = of(attributes);
    *target_key = wanted.id;
    return source_key == 0 ? PSA_ERROR_INVALID_HANDLE : gate_make_key(&wanted, NULL, source_key);
}

psa_status_t psa_export_public_key(mbedtls_svc_key_id_t key, uint8_t *data, size_t data_size,
                                   size_t *data_length)
{
    return split(gate_export_public_key(key, data, data_size), data_length);
}

psa_status_t psa_destroy_key(mbedtls_svc_key_id_t key)
{
    return gate_destroy_key(key);
}

psa_status_t psa_sign_hash(mbedtls_svc_key_id_t key, psa_algorithm_t alg, const uint8_t *hash,
                           size_t hash_length, uint8_t *signature, size_t signature_size,
                           size_t *signature_length)
{
    const struct gate_sign call = {.id = key,
                                   .algorithm = alg,
                                   .hash = hash,
                                   .hash_length = hash_length,
                                   .signature = signature,
                                   .signature_size = signature_size};
    return split(gate_sign_hash(&call), signature_length);
}

psa_status_t psa_generate_random(uint8_t *output, size_t output_size)
{
    psa_status_t result = PSA_SUCCESS;
    while (output_size > 0 && result == PSA_SUCCESS) {
        const size_t piece = output_size < GATE_RANDOM_MAX ? output_size : GATE_RANDOM_MAX;
        result = gate_generate_random(output, piece);
        output += piece;
        output_size -= piece;
    }
    return result;
}

psa_status_t secure_seal(void)
{
    return gate_seal();
}

/* A key without a number is refused in any case; the word for it tells. */
bool secure_is_sealed(void)
{
    const struct gate_attributes nobody = {0};
    const uint8_t data = 0;
    return gate_make_key(&nobody, &data, sizeof data) == PSA_ERROR_NOT_PERMITTED;
}

psa_status_t psa_its_set(psa_storage_uid_t uid, size_t data_length, const void *p_data,
                         psa_storage_create_flags_t create_flags)
{
    const struct gate_its call = {uid, create_flags, data_length, (void *)(uintptr_t)p_data};
    return gate_its(GATE_ITS_SET, &call);
}

psa_status_t psa_its_get(psa_storage_uid_t uid, size_t data_offset, size_t data_size, void *p_data,
                         size_t *p_data_length)
{
    const struct gate_its call = {uid, data_offset, data_size, p_data};
    return split(gate_its(GATE_ITS_GET, &call), p_data_length);
}

psa_status_t psa_its_get_info(psa_storage_uid_t uid, struct psa_storage_info_t *p_info)
{
    const struct gate_its call = {uid, 0, 0, p_info};
    return gate_its(GATE_ITS_GET_INFO, &call);
}

psa_status_t psa_its_remove(psa_storage_uid_t uid)
{
    const struct gate_its call = {uid, 0, 0, NULL};
    return gate_its(GATE_ITS_REMOVE, &call);
}

psa_status_t psa_ps_set(psa_storage_uid_t uid, size_t data_length, const void *p_data,
                        psa_storage_create_flags_t create_flags)
{
    const struct gate_its call = {uid, create_flags, data_length, (void *)(uintptr_t)p_data};
    return gate_its(GATE_PS | GATE_ITS_SET, &call);
}

psa_status_t psa_ps_get(psa_storage_uid_t uid, size_t data_offset, size_t data_size, void *p_data,
                        size_t *p_data_length)
{
    const struct gate_its call = {uid, data_offset, data_size, p_data};
    return split(gate_its(GATE_PS | GATE_ITS_GET, &call), p_data_length);
}

psa_status_t psa_ps_get_info(psa_storage_uid_t uid, struct psa_storage_info_t *p_info)
{
    const struct gate_its call = {uid, 0, 0, p_info};
    return gate_its(GATE_PS | GATE_ITS_GET_INFO, &call);
}

psa_status_t psa_ps_remove(psa_storage_uid_t uid)
{
    const struct gate_its call = {uid, 0, 0, NULL};
    return gate_its(GATE_PS | GATE_ITS_REMOVE, &call);
}

psa_status_t psa_fwu_query(psa_fwu_component_t component, psa_fwu_component_info_t *info)
{
    return gate_fwu_query(component, info);
}

psa_status_t psa_fwu_start(psa_fwu_component_t component, const void *manifest,
                           size_t manifest_size)
{
    (void)manifest;
    return gate_fwu(GATE_FWU_START, component, manifest_size);
}

psa_status_t psa_fwu_write(psa_fwu_component_t component, size_t image_offset, const void *block,
                           size_t block_size)
{
    return gate_fwu_write(component, image_offset, block, block_size);
}

psa_status_t psa_fwu_finish(psa_fwu_component_t component)
{
    return gate_fwu(GATE_FWU_FINISH, component, 0);
}

psa_status_t psa_fwu_cancel(psa_fwu_component_t component)
{
    return gate_fwu(GATE_FWU_CANCEL, component, 0);
}

psa_status_t psa_fwu_clean(psa_fwu_component_t component)
{
    return gate_fwu(GATE_FWU_CLEAN, component, 0);
}

psa_status_t psa_fwu_install(void)
{
    return gate_fwu(GATE_FWU_INSTALL, 0, 0);
}

psa_status_t psa_fwu_request_reboot(void)
{
    return gate_reboot();
}

psa_status_t psa_fwu_reject(psa_status_t error)
{
    return gate_fwu(GATE_FWU_REJECT, 0, (uint32_t)error);
}

psa_status_t psa_fwu_accept(void)
{
    return gate_fwu(GATE_FWU_ACCEPT, 0, 0);
}

otter_status port_random(void *data, size_t length)
{
    return psa_generate_random(data, length) == PSA_SUCCESS ? OTTER_OK : OTTER_E_CRYPTO;
}

void port_watchdog_feed(void)
{
    gate_feed();
}
