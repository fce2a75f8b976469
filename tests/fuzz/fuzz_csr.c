/* Any name in a certificate request: it is refused, or Mbed TLS's reader finds in the request the
 * same name and a signature of the key. The signature is not made anew each time: ECDSA would take
 * most of the time. */
#include <stdlib.h>
#include <string.h>

#include <mbedtls/x509_csr.h>

#include "pki/pki.h"
#include "port/port.h"

#define INPUT_MAX 200u

otter_status port_random(void *data, size_t length)
{
    memset(data, 0x5a, length);
    return OTTER_OK;
}

/* The generator of P-256: a point that the reader takes. */
static const uint8_t point[64] = {
    0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4, 0x40, 0xf2,
    0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96,
    0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16,
    0x2b, 0xce, 0x33, 0x57, 0x6b, 0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5};

static uint8_t numbers[64]; /* of the signature, as short and as long as the input says */

static otter_status public_key(void *ctx, const struct pki_object *object, struct pki_public *key)
{
    (void)ctx;
    (void)object;
    pki_public_from_point(key, point);
    return OTTER_OK;
}

static otter_status sign(void *ctx, const struct pki_object *object, const uint8_t *digest,
                         size_t length, struct pki_signature *signature)
{
    (void)ctx;
    (void)object;
    (void)digest;
    (void)length;
    pki_signature_from_numbers(signature, numbers);
    return OTTER_OK;
}

static const struct pki_keys keys = {.public_key = public_key, .sign = sign};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct kv kv;
    struct pki pki;
    char name[INPUT_MAX + 1];
    char pem[PKI_CSR_PEM_MAX];
    if (size < 2 || size > INPUT_MAX)
        return 0;
    memset(numbers, 0, sizeof numbers);
    memset(numbers + data[0] % 32, data[0] | 1, 32u - data[0] % 32);
    memset(numbers + 32 + data[1] % 32, data[1] | 1, 32u - data[1] % 32);
    memcpy(name, data + 2, size - 2);
    name[size - 2] = '\0';
    pki_init(&pki, &kv, &keys, NULL);
    const otter_status status = pki_generate_csr(&pki, PKI_TLS_KEY_PRIV, name, pem, sizeof pem);
    if (status == OTTER_E_ARGUMENT)
        return 0;
    if (status != OTTER_OK)
        abort(); /* it always fits */
    mbedtls_x509_csr csr;
    mbedtls_x509_csr_init(&csr);
    if (mbedtls_x509_csr_parse(&csr, (const uint8_t *)pem, strlen(pem) + 1) != 0)
        abort();
    const mbedtls_x509_buf *found = &csr.subject.val;
    if (csr.subject.next != NULL || found->len != strlen(name) ||
        memcmp(found->p, name, found->len) != 0)
        abort();
    mbedtls_x509_csr_free(&csr);
    return 0;
}
