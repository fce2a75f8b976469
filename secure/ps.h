/* Protected storage: small values by number, in a space of their own beside its.h (PSA Storage API
 * 1.0, section 5.4; names and shapes are that specification's).
 *
 * The secure world's store is inside of the chip, where nobody else reads or winds back: values lie
 * there as those of its.h do, with the same errors and sizes, and without encryption. */
#ifndef OTTER_SECURE_PS_H
#define OTTER_SECURE_PS_H

#include "secure/its.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Taken and given back; the store is what it is. */
#define PSA_STORAGE_FLAG_NO_CONFIDENTIALITY   2u
#define PSA_STORAGE_FLAG_NO_REPLAY_PROTECTION 4u

psa_status_t psa_ps_set(psa_storage_uid_t uid, size_t data_length, const void *p_data,
                        psa_storage_create_flags_t create_flags);
psa_status_t psa_ps_get(psa_storage_uid_t uid, size_t data_offset, size_t data_size, void *p_data,
                        size_t *p_data_length);
psa_status_t psa_ps_get_info(psa_storage_uid_t uid, struct psa_storage_info_t *p_info);
psa_status_t psa_ps_remove(psa_storage_uid_t uid);

/* 0: none of what is optional there, which are psa_ps_create and psa_ps_set_extended. */
uint32_t psa_ps_get_support(void);

#ifdef __cplusplus
}
#endif

#endif
