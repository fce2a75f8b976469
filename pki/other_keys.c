/* Keys besides P-256, for builds that have them (OTTER_KEYS): P-384 and RSA with 2048 bits, in the
 * forms that Mbed TLS reads and writes. A private key is here for the time of one call only. */
#include <string.h>

#include <mbedtls/asn1write.h>
#include <mbedtls/ecp.h>
#include <mbedtls/pk.h>
#include <mbedtls/platform_util.h>
#include <mbedtls/rsa.h>

#include "pki/keys.h"
#include "pki/pki_inner.h"

#define RSA_BITS 2048u

struct pki_other pki_other_work;

#if OTTER_KEYS_P384
/* id-ecPublicKey, secp384r1, and the mark of an uncompressed point. */
static const uint8_t p384_head[] = {0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86,
                                    0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b,
                                    0x81, 0x04, 0x00, 0x22, 0x03, 0x62, 0x00, 0x04};
#define P384_LENGTH (sizeof p384_head + 96)
#endif

static bool is_p384(const uint8_t *der, size_t length)
{
#if OTTER_KEYS_P384
    return length == P384_LENGTH && memcmp(der, p384_head, sizeof p384_head) == 0;
#else
    (void)der;
    (void)length;
    return false;
#endif
}

static bool is_rsa2048(const uint8_t *der, size_t length)
{
#if OTTER_KEYS_RSA2048
    mbedtls_pk_context key;
    mbedtls_pk_init(&key);
    const bool is_one =
        length <= PKI_PUBLIC_MAX && mbedtls_pk_parse_public_key(&key, der, length) == 0 &&
        mbedtls_pk_can_do(&key, MBEDTLS_PK_RSA) && mbedtls_pk_get_bitlen(&key) == RSA_BITS;
    mbedtls_pk_free(&key);
    return is_one;
#else
    (void)der;
    (void)length;
    return false;
#endif
}

bool pki_is_other(const uint8_t *der, size_t length)
{
    return is_p384(der, length) || is_rsa2048(der, length);
}

/* Mbed TLS writes to the end of a buffer. */
static otter_status write_public(mbedtls_pk_context *key, struct pki_public *public)
{
    const int length = mbedtls_pk_write_pubkey_der(key, public->der, sizeof public->der);
    if (length <= 0)
        return OTTER_E_KEY;
    public->length = (uint32_t)length;
    memmove(public->der, public->der + sizeof public->der - (size_t)length, (size_t)length);
    return pki_is_other(public->der, public->length) ? OTTER_OK : OTTER_E_KEY;
}

static otter_status write_private(mbedtls_pk_context *key, struct pki_other *private)
{
    const int length = mbedtls_pk_write_key_der(key, private->der, sizeof private->der);
    if (length <= 0)
        return OTTER_E_KEY;
    private->length = (uint32_t)length;
    memmove(private->der, private->der + sizeof private->der - (size_t)length, (size_t)length);
    return OTTER_OK;
}

static otter_status write_pair(mbedtls_pk_context *key, struct pki_other *private,
                               struct pki_public *public)
{
    const otter_status status = write_public(key, public);
    return status == OTTER_OK ? write_private(key, private) : status;
}

/* The low half of an error of RSA's says what happened below it. */
static otter_status made_status(int error)
{
    switch (error) {
    case 0:
        return OTTER_OK;
    case MBEDTLS_ERR_PK_ALLOC_FAILED:
    case MBEDTLS_ERR_MPI_ALLOC_FAILED:
    case MBEDTLS_ERR_RSA_BAD_INPUT_DATA + MBEDTLS_ERR_MPI_ALLOC_FAILED:
        return OTTER_E_MEMORY;
    default:
        return OTTER_E_CRYPTO;
    }
}

#if OTTER_KEYS_P384
static int make_p384(mbedtls_pk_context *key)
{
    const int error = mbedtls_pk_setup(key, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY));
    return error != 0 ? error
                      : mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP384R1, mbedtls_pk_ec(*key),
                                            pki_random, NULL);
}

#endif

#if OTTER_KEYS_RSA2048
#define DISTANCE_MIN 925u /* FIPS 186-4 B.3.3: the primes differ in their first 100 bits */

/* Two that are too close give OTTER_E_AGAIN: another is to be found. */
static otter_status make_rsa(mbedtls_pk_context *key, const mbedtls_mpi *p, const mbedtls_mpi *q)
{
    mbedtls_mpi other; /* the distance, then the exponent */
    mbedtls_mpi_init(&other);
    int error = mbedtls_mpi_sub_mpi(&other, p, q);
    const bool close = error == 0 && mbedtls_mpi_bitlen(&other) < DISTANCE_MIN;
    if (error == 0)
        error = mbedtls_mpi_lset(&other, PKI_RSA_EXPONENT);
    if (error == 0)
        error = mbedtls_pk_setup(key, mbedtls_pk_info_from_type(MBEDTLS_PK_RSA));
    if (error == 0)
        error = mbedtls_rsa_import(mbedtls_pk_rsa(*key), NULL, p, q, NULL, &other);
    if (error == 0)
        error = mbedtls_rsa_complete(mbedtls_pk_rsa(*key));
    if (error == 0)
        error = mbedtls_rsa_check_privkey(mbedtls_pk_rsa(*key));
    mbedtls_mpi_free(&other);
    return close ? OTTER_E_AGAIN : made_status(error);
}

otter_status pki_other_from_primes(const uint8_t p[PKI_PRIME_SIZE], const uint8_t q[PKI_PRIME_SIZE],
                                   struct pki_other *private, struct pki_public *public)
{
    mbedtls_pk_context key;
    mbedtls_mpi larger, smaller;
    mbedtls_pk_init(&key);
    mbedtls_mpi_init(&larger);
    mbedtls_mpi_init(&smaller);
    int error = mbedtls_mpi_read_binary(&larger, p, PKI_PRIME_SIZE);
    if (error == 0)
        error = mbedtls_mpi_read_binary(&smaller, q, PKI_PRIME_SIZE);
    if (mbedtls_mpi_cmp_mpi(&larger, &smaller) < 0)
        mbedtls_mpi_swap(&larger, &smaller);
    otter_status status = made_status(error);
    if (status == OTTER_OK)
        status = make_rsa(&key, &larger, &smaller);
    if (status == OTTER_OK)
        status = write_pair(&key, private, public);
    mbedtls_mpi_free(&larger);
    mbedtls_mpi_free(&smaller);
    mbedtls_pk_free(&key);
    return status;
}
#endif

otter_status pki_other_make(enum pki_algorithm algorithm, struct pki_other *private,
                            struct pki_public *public)
{
#if OTTER_KEYS_P384
    mbedtls_pk_context key;
    if (algorithm != PKI_P384)
        return OTTER_E_UNSUPPORTED;
    mbedtls_pk_init(&key);
    otter_status status = made_status(make_p384(&key));
    if (status == OTTER_OK)
        status = write_pair(&key, private, public);
    mbedtls_pk_free(&key);
    return status;
#else
    (void)algorithm;
    (void)private;
    (void)public;
    return OTTER_E_UNSUPPORTED;
#endif
}

otter_status pki_other_read(const uint8_t *der, size_t length, struct pki_other *private,
                            struct pki_public *public)
{
    mbedtls_pk_context key;
    mbedtls_pk_init(&key);
    otter_status status = mbedtls_pk_parse_key(&key, der, length, NULL, 0) == 0
                              ? write_public(&key, public)
                              : OTTER_E_KEY;
#if OTTER_KEYS_RSA2048
    if (status == OTTER_OK && mbedtls_pk_can_do(&key, MBEDTLS_PK_RSA) &&
        mbedtls_rsa_check_privkey(mbedtls_pk_rsa(key)) != 0)
        status = OTTER_E_KEY;
#endif
    if (status == OTTER_OK)
        status = write_private(&key, private);
    mbedtls_pk_free(&key);
    return status;
}

/* What lies in the store: another form is damage. */
static otter_status open_key(mbedtls_pk_context *key, const uint8_t *der, size_t length)
{
    mbedtls_pk_init(key);
    return mbedtls_pk_parse_key(key, der, length, NULL, 0) == 0 ? OTTER_OK : OTTER_E_MALFORMED;
}

otter_status pki_other_public(const uint8_t *der, size_t length, struct pki_public *public)
{
    mbedtls_pk_context key;
    otter_status status = open_key(&key, der, length);
    if (status == OTTER_OK)
        status = write_public(&key, public);
    mbedtls_pk_free(&key);
    return status;
}

otter_status pki_other_sign(const uint8_t *der, size_t length, const uint8_t *digest,
                            size_t digest_length, bool raw, struct pki_signature *signature)
{
    const mbedtls_md_type_t hash = raw                   ? MBEDTLS_MD_NONE
                                   : digest_length == 32 ? MBEDTLS_MD_SHA256
                                   : digest_length == 48 ? MBEDTLS_MD_SHA384
                                                         : MBEDTLS_MD_SHA512;
    uint8_t made[MBEDTLS_PK_SIGNATURE_MAX_SIZE];
    size_t made_length = 0;
    mbedtls_pk_context key;
    otter_status status = open_key(&key, der, length);
    if (status == OTTER_OK && raw && !mbedtls_pk_can_do(&key, MBEDTLS_PK_RSA))
        status = OTTER_E_KEY;
    if (status == OTTER_OK && mbedtls_pk_sign(&key, hash, digest, digest_length, made, &made_length,
                                              pki_random, NULL) != 0)
        status = OTTER_E_CRYPTO;
    mbedtls_pk_free(&key);
    if (status != OTTER_OK || made_length > sizeof signature->der)
        return status != OTTER_OK ? status : OTTER_E_CRYPTO;
    memcpy(signature->der, made, made_length);
    signature->length = (uint32_t)made_length;
    return OTTER_OK;
}

/* ---- For backends ---------------------------------------------------------------------------- */

#if OTTER_KEYS_P384
#define P384_SIZE 48u

void pki_public_from_p384(struct pki_public *key, const uint8_t point[96])
{
    memcpy(key->der, p384_head, sizeof p384_head);
    memcpy(key->der + sizeof p384_head, point, 96);
    key->length = P384_LENGTH;
}

otter_status pki_signature_from_p384(struct pki_signature *signature, const uint8_t numbers[96])
{
    uint8_t *const end = signature->der + sizeof signature->der, *at = end;
    mbedtls_mpi number;
    mbedtls_mpi_init(&number);
    int error = 0;
    for (int i = 1; i >= 0 && error >= 0; i--) { /* from the end to the start */
        error = mbedtls_mpi_read_binary(&number, numbers + (size_t)i * P384_SIZE, P384_SIZE);
        if (error == 0)
            error = mbedtls_asn1_write_mpi(&at, signature->der, &number);
    }
    if (error >= 0)
        error = mbedtls_asn1_write_len(&at, signature->der, (size_t)(end - at));
    if (error >= 0)
        error = mbedtls_asn1_write_tag(&at, signature->der,
                                       MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE);
    mbedtls_mpi_free(&number);
    if (error < 0)
        return OTTER_E_CRYPTO;
    signature->length = (uint32_t)(end - at);
    memmove(signature->der, at, signature->length);
    return OTTER_OK;
}
#endif

#if OTTER_KEYS_RSA2048
otter_status pki_public_from_rsa(struct pki_public *key, const uint8_t *modulus, size_t length,
                                 const uint8_t *exponent, size_t exponent_length)
{
    mbedtls_pk_context rsa;
    mbedtls_pk_init(&rsa);
    int error = mbedtls_pk_setup(&rsa, mbedtls_pk_info_from_type(MBEDTLS_PK_RSA));
    if (error == 0)
        error = mbedtls_rsa_import_raw(mbedtls_pk_rsa(rsa), modulus, length, NULL, 0, NULL, 0, NULL,
                                       0, exponent, exponent_length);
    if (error == 0)
        error = mbedtls_rsa_complete(mbedtls_pk_rsa(rsa));
    const otter_status status = error == 0 ? write_public(&rsa, key) : OTTER_E_KEY;
    mbedtls_pk_free(&rsa);
    return status;
}
#endif
