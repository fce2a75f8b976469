/* The DER forms of P-256 keys and signatures; see keys.h. */
#include <string.h>

#include "pki/keys.h"
#include "pki/pki_inner.h"

#define NUMBER_SIZE  ((size_t)32)
#define DER_INTEGER  0x02u
#define DER_SEQUENCE 0x30u

/* id-ecPublicKey, prime256v1, and the mark of an uncompressed point. */
static const uint8_t spki_head[] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
                                    0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
                                    0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04};

bool pki_is_p256(const struct pki_public *key)
{
    return key->length == sizeof spki_head + 2 * NUMBER_SIZE &&
           memcmp(key->der, spki_head, sizeof spki_head) == 0;
}

void pki_public_from_point(struct pki_public *key, const uint8_t point[64])
{
    memcpy(key->der, spki_head, sizeof spki_head);
    memcpy(key->der + sizeof spki_head, point, 2 * NUMBER_SIZE);
    key->length = (uint32_t)(sizeof spki_head + 2 * NUMBER_SIZE);
}

/* As short as it can be, and positive; returns its end. */
static uint8_t *put_integer(uint8_t *at, const uint8_t number[NUMBER_SIZE])
{
    size_t skip = 0;
    while (skip < NUMBER_SIZE - 1 && number[skip] == 0)
        skip++;
    const uint8_t pad = number[skip] >> 7;
    *at++ = DER_INTEGER;
    *at++ = (uint8_t)(NUMBER_SIZE - skip + pad);
    if (pad)
        *at++ = 0;
    memcpy(at, number + skip, NUMBER_SIZE - skip);
    return at + (NUMBER_SIZE - skip);
}

void pki_signature_from_numbers(struct pki_signature *signature, const uint8_t numbers[64])
{
    uint8_t *end = put_integer(signature->der + 2, numbers);
    end = put_integer(end, numbers + NUMBER_SIZE);
    signature->length = (uint32_t)(end - signature->der);
    signature->der[0] = DER_SEQUENCE;
    signature->der[1] = (uint8_t)(signature->length - 2);
}
