/* Making a self-signed certificate (RFC 5280), or a request for one (RFC 2986); see pki.h. All of
 * either but name, serial number, key and signature is the same in each, so it is put together
 * here: what Mbed TLS brings to write any certificate takes 4 KB. */
#include <string.h>

#include <mbedtls/asn1.h>
#include <mbedtls/sha256.h>

#include "pki/pem.h"
#include "pki/pki.h"
#include "pki/pki_inner.h"

#define SERIAL_SIZE 16u

#define SEQUENCE (MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE)
#define SET      (MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SET)

static const uint8_t version_3[] = {0xa0, 0x03, 0x02, 0x01, 0x02};
static const uint8_t ecdsa_with_sha256[] = {0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86,
                                            0x48, 0xce, 0x3d, 0x04, 0x03, 0x02};
static const uint8_t rsa_with_sha256[] = {0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
                                          0xf7, 0x0d, 0x01, 0x01, 0x0b, 0x05, 0x00};
static const uint8_t common_name_type[] = {0x06, 0x03, 0x55, 0x04, 0x03};
/* The device may have no clock when it makes its certificate, and AWS IoT knows a device by the
 * registered certificate itself: so a fixed start that lies behind every device, and the last end
 * that an X.509 UTCTime can say. */
static const char validity[] = "\x30\x1e\x17\x0d"
                               "200101000000Z"
                               "\x17\x0d"
                               "491231235959Z";
/* Basic constraints: no authority. Key usage, critical: digital signature. */
static const uint8_t extensions[] = {
    0xa3, 0x1d, 0x30, 0x1b, 0x30, 0x09, 0x06, 0x03, 0x55, 0x1d, 0x13, 0x04, 0x02, 0x30, 0x00, 0x30,
    0x0e, 0x06, 0x03, 0x55, 0x1d, 0x0f, 0x01, 0x01, 0xff, 0x04, 0x04, 0x03, 0x02, 0x07, 0x80};
/* Of a request: version 1; and as its one attribute the extension (extensionRequest, RFC 2985) that
 * the certificate is to have: the same key usage. */
static const uint8_t version_1[] = {0x02, 0x01, 0x00};
static const uint8_t attributes[] = {0xa0, 0x21, 0x30, 0x1f, 0x06, 0x09, 0x2a, 0x86, 0x48,
                                     0x86, 0xf7, 0x0d, 0x01, 0x09, 0x0e, 0x31, 0x12, 0x30,
                                     0x10, 0x30, 0x0e, 0x06, 0x03, 0x55, 0x1d, 0x0f, 0x01,
                                     0x01, 0xff, 0x04, 0x04, 0x03, 0x02, 0x07, 0x80};

/* Also keeps out what could have a meaning where a name is read as text. */
static bool name_is_valid(const char *name)
{
    const size_t length = strlen(name);
    return length > 0 && length <= PKI_COMMON_NAME_MAX &&
           strspn(name, ":abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") ==
               length;
}

static uint8_t *put(uint8_t *at, const void *bytes, size_t size)
{
    memcpy(at, bytes, size);
    return at + size;
}

/* Of contents below 128 bytes. */
static uint8_t *put_head(uint8_t *at, uint8_t tag, size_t length)
{
    *at++ = tag;
    *at++ = (uint8_t)length;
    return at;
}

static uint8_t *put_name(uint8_t *at, const char *name)
{
    const size_t length = strlen(name);
    const size_t type_and_value = sizeof common_name_type + 2 + length;
    at = put_head(at, SEQUENCE, type_and_value + 4);
    at = put_head(at, SET, type_and_value + 2);
    at = put_head(at, SEQUENCE, type_and_value);
    at = put(at, common_name_type, sizeof common_name_type);
    at = put_head(at, MBEDTLS_ASN1_UTF8_STRING, length);
    return put(at, name, length);
}

/* RFC 5280 4.1.2.2: positive, at most 20 bytes; without a leading zero byte to stay exact. */
static uint8_t *put_serial(uint8_t *at, otter_status *status)
{
    at = put_head(at, MBEDTLS_ASN1_INTEGER, SERIAL_SIZE);
    if (pki_random(NULL, at, SERIAL_SIZE) != 0)
        *status = OTTER_E_CRYPTO;
    at[0] = (uint8_t)((at[0] & 0x3f) | 0x40);
    return at + SERIAL_SIZE;
}

#define HEAD_SIZE 4u /* the most that wrap writes */

/* A sequence of what lies between HEAD_SIZE bytes behind `at` and `end`; returns its end. */
static uint8_t *wrap(uint8_t *at, const uint8_t *end)
{
    const uint8_t *contents = at + HEAD_SIZE;
    const size_t length = (size_t)(end - contents);
    *at++ = SEQUENCE;
    *at++ = length > 0xff ? 0x82 : 0x81; /* none is below 128 */
    if (length > 0xff)
        *at++ = (uint8_t)(length >> 8);
    *at++ = (uint8_t)length;
    memmove(at, contents, length);
    return at + length;
}

/* P-384 signs a SHA-256 too. */
static uint8_t *put_algorithm(uint8_t *at, const struct pki_public *key)
{
    if (pki_is_rsa(key))
        return put(at, rsa_with_sha256, sizeof rsa_with_sha256);
    return put(at, ecdsa_with_sha256, sizeof ecdsa_with_sha256);
}

static uint8_t *put_certificate(uint8_t *at, const char *name, const struct pki_public *key,
                                otter_status *status)
{
    at = put(at, version_3, sizeof version_3);
    at = put_serial(at, status);
    at = put_algorithm(at, key);
    at = put_name(at, name);
    at = put(at, validity, sizeof validity - 1);
    at = put_name(at, name);
    at = put(at, key->der, key->length);
    return put(at, extensions, sizeof extensions);
}

static uint8_t *put_request(uint8_t *at, const char *name, const struct pki_public *key,
                            otter_status *status)
{
    (void)status;
    at = put(at, version_1, sizeof version_1);
    at = put_name(at, name);
    at = put(at, key->der, key->length);
    return put(at, attributes, sizeof attributes);
}

static uint8_t *put_signature(uint8_t *at, const struct pki_public *key,
                              const struct pki_signature *signature)
{
    at = put_algorithm(at, key);
    if (pki_is_rsa(key)) { /* the one long head */
        *at++ = MBEDTLS_ASN1_BIT_STRING;
        *at++ = 0x82;
        *at++ = (uint8_t)((1 + signature->length) >> 8);
        *at++ = (uint8_t)(1 + signature->length);
    } else {
        at = put_head(at, MBEDTLS_ASN1_BIT_STRING, 1 + signature->length);
    }
    *at++ = 0; /* unused bits */
    return put(at, signature->der, signature->length);
}

typedef uint8_t *put_contents(uint8_t *at, const char *name, const struct pki_public *key,
                              otter_status *status);

/* Into pki_work, signed with the key under the label; `end` is behind it. */
static otter_status make(struct pki *pki, const char *label, const char *name,
                         put_contents *contents, const uint8_t **end)
{
    struct pki_public key;
    struct pki_signature signature;
    uint8_t digest[32];
    if (!name_is_valid(name))
        return OTTER_E_ARGUMENT;
    otter_status status = pki_public_key(pki, label, &key);
    if (status != OTTER_OK)
        return status;
    uint8_t *const signed_part = pki_work + HEAD_SIZE;
    uint8_t *at = wrap(signed_part, contents(signed_part + HEAD_SIZE, name, &key, &status));
    if (mbedtls_sha256_ret(signed_part, (size_t)(at - signed_part), digest, 0) != 0)
        return OTTER_E_CRYPTO;
    if (status == OTTER_OK)
        status = pki_sign(pki, label, digest, sizeof digest, &signature);
    if (status == OTTER_OK)
        *end = wrap(pki_work, put_signature(at, &key, &signature));
    return status;
}

otter_status pki_generate_cert(struct pki *pki, const char *label, const char *common_name)
{
    const struct pki_object *object = pki_find_private(pki, label);
    const uint8_t *end;
    if (object == NULL || object->cert_label == NULL)
        return OTTER_E_ARGUMENT;
    const otter_status status = make(pki, label, common_name, put_certificate, &end);
    if (status != OTTER_OK)
        return status;
    return kv_set(pki->kv, pki_name(object->cert_label).text, pki_work, (uint32_t)(end - pki_work));
}

otter_status pki_generate_csr(struct pki *pki, const char *label, const char *common_name,
                              char *pem, size_t size)
{
    const uint8_t *end;
    const otter_status status = make(pki, label, common_name, put_request, &end);
    if (status != OTTER_OK)
        return status;
    return pem_encode(pem, size, "CERTIFICATE REQUEST", pki_work, (size_t)(end - pki_work));
}
