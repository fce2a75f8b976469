/* Start of the services, and what they share; see secure.h. */
#include "secure/secure.h"

#define SEALED "sealed"

const struct secure_config *secure;

psa_status_t secure_result(otter_status status)
{
    switch (status) {
    case OTTER_OK:
        return PSA_SUCCESS;
    case OTTER_E_NOT_FOUND:
        return PSA_ERROR_DOES_NOT_EXIST;
    case OTTER_E_ARGUMENT:
    case OTTER_E_BOUNDS:
        return PSA_ERROR_INVALID_ARGUMENT;
    case OTTER_E_TOO_LONG:
        return PSA_ERROR_BUFFER_TOO_SMALL;
    case OTTER_E_NO_SPACE:
        return PSA_ERROR_INSUFFICIENT_STORAGE;
    case OTTER_E_MEMORY:
        return PSA_ERROR_INSUFFICIENT_MEMORY;
    case OTTER_E_CORRUPT:
    case OTTER_E_MALFORMED:
        return PSA_ERROR_DATA_CORRUPT;
    case OTTER_E_STATE:
        return PSA_ERROR_BAD_STATE;
    case OTTER_E_UNSUPPORTED:
        return PSA_ERROR_NOT_SUPPORTED;
    case OTTER_E_KEY:
        return PSA_ERROR_INVALID_ARGUMENT;
    case OTTER_E_FLASH:
    case OTTER_E_IO:
        return PSA_ERROR_STORAGE_FAILURE;
    default:
        return PSA_ERROR_GENERIC_ERROR;
    }
}

void secure_name(char text[9], uint32_t number)
{
    for (unsigned i = 0; i < 8; i++)
        text[i] = (char)('a' + (number >> (28u - 4u * i) & 15u));
    text[8] = '\0';
}

psa_status_t secure_seal(void)
{
    return secure_result(kv_set(secure->kv, SEALED, "", 0));
}

/* What cannot be read is taken for sealed. */
bool secure_is_sealed(void)
{
    uint32_t length;
    return kv_get(secure->kv, SEALED, NULL, 0, &length) != OTTER_E_NOT_FOUND;
}

void secure_start(const struct secure_config *config)
{
    secure = config;
    secure_start_update();
}
