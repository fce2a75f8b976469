/* Trusted storage over the key-value store: a value under "its/" or "pst/" and its number, behind
 * one byte of flags. On flash inside of the chip protected storage is the same as the internal one.
 */
#include "secure/its.h"

#include <stdbool.h>
#include <string.h>

#include "secure/ps.h"
#include "secure/secure.h"

#define PS_FLAGS                                                                                   \
    (PSA_STORAGE_FLAG_WRITE_ONCE | PSA_STORAGE_FLAG_NO_CONFIDENTIALITY |                           \
     PSA_STORAGE_FLAG_NO_REPLAY_PROTECTION)

struct value {
    char key[24];
    uint32_t length; /* with its flags */
    uint8_t bytes[1 + PSA_ITS_VALUE_MAX];
};

static void name(struct value *value, enum secure_space space, psa_storage_uid_t uid)
{
    memcpy(value->key, space == SECURE_PS ? "pst/" : "its/", 4);
    secure_name(value->key + 4, (uint32_t)(uid >> 32));
    secure_name(value->key + 12, (uint32_t)uid);
}

static psa_status_t load(struct value *value, enum secure_space space, psa_storage_uid_t uid)
{
    if (uid == 0)
        return PSA_ERROR_INVALID_ARGUMENT;
    name(value, space, uid);
    const otter_status status =
        kv_get(secure->kv, value->key, value->bytes, sizeof value->bytes, &value->length);
    if (status == OTTER_OK && value->length == 0)
        return PSA_ERROR_DATA_CORRUPT;
    return secure_result(status);
}

static psa_status_t may_change(struct value *value, enum secure_space space, psa_storage_uid_t uid)
{
    const psa_status_t result = load(value, space, uid);
    if (result == PSA_SUCCESS && (value->bytes[0] & PSA_STORAGE_FLAG_WRITE_ONCE) != 0)
        return PSA_ERROR_NOT_PERMITTED;
    return result;
}

psa_status_t secure_storage_set(enum secure_space space, psa_storage_uid_t uid, size_t data_length,
                                const void *p_data, psa_storage_create_flags_t create_flags)
{
    struct value value;
    if ((create_flags & ~(space == SECURE_PS ? PS_FLAGS : PSA_STORAGE_FLAG_WRITE_ONCE)) != 0)
        return PSA_ERROR_NOT_SUPPORTED;
    if (data_length > PSA_ITS_VALUE_MAX)
        return PSA_ERROR_INSUFFICIENT_STORAGE;
    const psa_status_t result = may_change(&value, space, uid);
    if (result != PSA_SUCCESS && result != PSA_ERROR_DOES_NOT_EXIST &&
        result != PSA_ERROR_DATA_CORRUPT)
        return result;
    value.bytes[0] = (uint8_t)create_flags;
    if (data_length > 0)
        memcpy(value.bytes + 1, p_data, data_length);
    return secure_result(kv_set(secure->kv, value.key, value.bytes, 1u + (uint32_t)data_length));
}

psa_status_t secure_storage_get(enum secure_space space, psa_storage_uid_t uid, size_t data_offset,
                                size_t data_size, void *p_data, size_t *p_data_length)
{
    struct value value;
    const psa_status_t result = load(&value, space, uid);
    if (result != PSA_SUCCESS)
        return result;
    const size_t size = value.length - 1u;
    if (data_offset > size)
        return PSA_ERROR_INVALID_ARGUMENT;
    const size_t left = size - data_offset;
    *p_data_length = left < data_size ? left : data_size;
    if (*p_data_length > 0)
        memcpy(p_data, value.bytes + 1 + data_offset, *p_data_length);
    return PSA_SUCCESS;
}

psa_status_t secure_storage_get_info(enum secure_space space, psa_storage_uid_t uid,
                                     struct psa_storage_info_t *p_info)
{
    struct value value;
    const psa_status_t result = load(&value, space, uid);
    if (result != PSA_SUCCESS)
        return result;
    *p_info = (struct psa_storage_info_t){
        .capacity = value.length - 1u, .size = value.length - 1u, .flags = value.bytes[0]};
    return PSA_SUCCESS;
}

psa_status_t secure_storage_remove(enum secure_space space, psa_storage_uid_t uid)
{
    struct value value;
    const psa_status_t result = may_change(&value, space, uid);
    return result == PSA_SUCCESS || result == PSA_ERROR_DATA_CORRUPT
               ? secure_result(kv_delete(secure->kv, value.key))
               : result;
}

/* ---- By PSA's names ---------------------------------------------------------------------------
 */

psa_status_t psa_its_set(psa_storage_uid_t uid, size_t data_length, const void *p_data,
                         psa_storage_create_flags_t create_flags)
{
    return secure_storage_set(SECURE_ITS, uid, data_length, p_data, create_flags);
}

psa_status_t psa_its_get(psa_storage_uid_t uid, size_t data_offset, size_t data_size, void *p_data,
                         size_t *p_data_length)
{
    return secure_storage_get(SECURE_ITS, uid, data_offset, data_size, p_data, p_data_length);
}

psa_status_t psa_its_get_info(psa_storage_uid_t uid, struct psa_storage_info_t *p_info)
{
    return secure_storage_get_info(SECURE_ITS, uid, p_info);
}

psa_status_t psa_its_remove(psa_storage_uid_t uid)
{
    return secure_storage_remove(SECURE_ITS, uid);
}

psa_status_t psa_ps_set(psa_storage_uid_t uid, size_t data_length, const void *p_data,
                        psa_storage_create_flags_t create_flags)
{
    return secure_storage_set(SECURE_PS, uid, data_length, p_data, create_flags);
}

psa_status_t psa_ps_get(psa_storage_uid_t uid, size_t data_offset, size_t data_size, void *p_data,
                        size_t *p_data_length)
{
    return secure_storage_get(SECURE_PS, uid, data_offset, data_size, p_data, p_data_length);
}

psa_status_t psa_ps_get_info(psa_storage_uid_t uid, struct psa_storage_info_t *p_info)
{
    return secure_storage_get_info(SECURE_PS, uid, p_info);
}

psa_status_t psa_ps_remove(psa_storage_uid_t uid)
{
    return secure_storage_remove(SECURE_PS, uid);
}
