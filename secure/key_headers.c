/* What PSA's own headers want from behind them, in each world. */
#include <psa/crypto.h>

/* What the headers' psa_set_key_type calls, where the compiler does not see that nothing is set. */
psa_status_t psa_set_key_domain_parameters(psa_key_attributes_t *attributes, psa_key_type_t type,
                                           const uint8_t *data, size_t data_length)
{
    (void)attributes;
    (void)type;
    (void)data;
    (void)data_length;
    return PSA_ERROR_NOT_SUPPORTED;
}
