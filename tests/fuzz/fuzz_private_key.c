/* Private keys in DER from anywhere: what is accepted comes back the same from what we write. */
#include <stdlib.h>
#include <string.h>

#include "pki/pki_inner.h"
#include "port/port.h"

#define INPUT_MAX 512u

otter_status port_random(void *data, size_t length)
{
    memset(data, 0x5a, length);
    return OTTER_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t point[64] = {1};
    uint8_t number[PKI_NUMBER_SIZE], again[PKI_NUMBER_SIZE];
    uint8_t der[PKI_PRIVATE_SIZE];
    struct pki_public key;
    if (size == 0 || size > INPUT_MAX)
        return 0;
    uint8_t *input = malloc(size); /* so that one byte too far is seen */
    if (input == NULL)
        return 0;
    memcpy(input, data, size);
    pki_public_from_point(&key, point);
    if (pki_private_read(input, size, number)) {
        pki_private_write(der, number, &key);
        if (!pki_private_read(der, sizeof der, again) || memcmp(number, again, sizeof number) != 0)
            abort();
    }
    free(input);
    return 0;
}
