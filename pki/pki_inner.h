/* What pki.c and pki_generate.c share; for this room only. */
#ifndef OTTER_PKI_PKI_INNER_H
#define OTTER_PKI_PKI_INNER_H

#include <mbedtls/pk.h>

#include "pki/pki.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PKI_KEY_DER_MAX 160u /* a P-256 key, private or public, in DER */
#define PKI_PREFIX      "pki/"

/* One for the room: certificates are too long for the stack. */
extern uint8_t pki_work[PKI_DER_MAX];

/* A private key and its public half, in DER, ready to be stored together. */
struct pki_pair {
    uint8_t private_der[PKI_KEY_DER_MAX];
    uint8_t public_der[PKI_KEY_DER_MAX];
    uint32_t private_length;
    uint32_t public_length;
};

/* Both to the starts of their buffers. */
otter_status pki_encode_public(mbedtls_pk_context *key, uint8_t *der, uint32_t *length);
otter_status pki_encode_pair(mbedtls_pk_context *key, struct pki_pair *pair);

/* Our status for an error of Mbed TLS met in reading an object. */
otter_status pki_status(int error);

/* Randomness for Mbed TLS: the port's. */
int pki_random(void *unused, unsigned char *data, size_t length);

#ifdef __cplusplus
}
#endif

#endif
