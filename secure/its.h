/* Internal trusted storage: small values that only the secure world reads, by number (PSA Storage
 * API 1.0, section 5.3; names and shapes are that specification's).
 *
 * Values lie in the secure world's key-value store, so each change is atomic over a power cut.
 * PSA_ERROR_INVALID_ARGUMENT for a uid of 0 or flags that are not known, _DOES_NOT_EXIST,
 * _NOT_PERMITTED for one that was written once and for all, _INSUFFICIENT_STORAGE, _DATA_CORRUPT,
 * _STORAGE_FAILURE. */
#ifndef OTTER_SECURE_ITS_H
#define OTTER_SECURE_ITS_H

#include <stddef.h>
#include <stdint.h>

#include <psa/crypto.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PSA_ITS_VALUE_MAX 256u /* bytes: implementation defined */

typedef uint64_t psa_storage_uid_t;
typedef uint32_t psa_storage_create_flags_t;
#define PSA_STORAGE_FLAG_NONE       0u
#define PSA_STORAGE_FLAG_WRITE_ONCE 1u

struct psa_storage_info_t {
    size_t capacity;
    size_t size;
    psa_storage_create_flags_t flags;
};

psa_status_t psa_its_set(psa_storage_uid_t uid, size_t data_length, const void *p_data,
                         psa_storage_create_flags_t create_flags);
psa_status_t psa_its_get(psa_storage_uid_t uid, size_t data_offset, size_t data_size, void *p_data,
                         size_t *p_data_length);
psa_status_t psa_its_get_info(psa_storage_uid_t uid, struct psa_storage_info_t *p_info);
psa_status_t psa_its_remove(psa_storage_uid_t uid);

#ifdef __cplusplus
}
#endif

#endif
