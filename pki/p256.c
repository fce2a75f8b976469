/* P-256 keys and signatures: their DER forms (keys.h), and what is done with a private key's number
 * (pki_inner.h). */
#include <string.h>

#include <mbedtls/asn1.h>
#include <mbedtls/ecdsa.h>
#include <mbedtls/ecp.h>
#include <mbedtls/platform_util.h>

#include "pki/keys.h"
#include "pki/pki_inner.h"

#define NUMBER_SIZE ((size_t)PKI_NUMBER_SIZE)

/* ---- Public keys ----------------------------------------------------------------------------- */

/* id-ecPublicKey, prime256v1, and the mark of an uncompressed point. */
static const uint8_t spki_head[] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
                                    0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
                                    0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04};
#define ALGORITHM (spki_head + 4)  /* both object identifiers */
#define CURVE     (spki_head + 13) /* the second */

#define ALGORITHM_SIZE 19u
#define CURVE_SIZE     10u

bool pki_is_p256(const uint8_t *der, size_t length)
{
    return length == sizeof spki_head + 2 * NUMBER_SIZE &&
           memcmp(der, spki_head, sizeof spki_head) == 0;
}

void pki_public_from_point(struct pki_public *key, const uint8_t point[64])
{
    memcpy(key->der, spki_head, sizeof spki_head);
    memcpy(key->der + sizeof spki_head, point, 2 * NUMBER_SIZE);
    key->length = (uint32_t)(sizeof spki_head + 2 * NUMBER_SIZE);
}

/* ---- Signatures ------------------------------------------------------------------------------ */

/* As short as it can be, and positive; returns its end. */
static uint8_t *put_integer(uint8_t *at, const uint8_t number[PKI_NUMBER_SIZE])
{
    size_t skip = 0;
    while (skip < NUMBER_SIZE - 1 && number[skip] == 0)
        skip++;
    const uint8_t pad = number[skip] >> 7;
    *at++ = MBEDTLS_ASN1_INTEGER;
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
    signature->der[0] = MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE;
    signature->der[1] = (uint8_t)(signature->length - 2);
}

/* Without its padding, if there is one, and behind zeros. Returns its end. */
static const uint8_t *get_integer(const uint8_t *at, uint8_t number[PKI_NUMBER_SIZE])
{
    const size_t pad = at[1] > NUMBER_SIZE ? 1 : 0;
    const size_t length = at[1] - pad;
    memset(number, 0, NUMBER_SIZE - length);
    memcpy(number + NUMBER_SIZE - length, at + 2 + pad, length);
    return at + 2 + pad + length;
}

void pki_numbers_from_signature(uint8_t numbers[64], const struct pki_signature *signature)
{
    (void)get_integer(get_integer(signature->der + 2, numbers), numbers + NUMBER_SIZE);
}

/* ---- Private keys in DER --------------------------------------------------------------------- */

/* ECPrivateKey (RFC 5915), with the curve and the public half. */
static const uint8_t private_head[] = {0x30, 0x77, 0x02, 0x01, 0x01, 0x04, 0x20};
static const uint8_t public_head[] = {0xa1, 0x44, 0x03, 0x42, 0x00};

#define PARAMETERS (MBEDTLS_ASN1_CONTEXT_SPECIFIC | MBEDTLS_ASN1_CONSTRUCTED | 0)
#define SEQUENCE   (MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE)

void pki_private_write(uint8_t der[PKI_PRIVATE_SIZE], const uint8_t number[PKI_NUMBER_SIZE],
                       const struct pki_public *key)
{
    uint8_t *at = der;
    memcpy(at, private_head, sizeof private_head);
    at += sizeof private_head;
    memcpy(at, number, NUMBER_SIZE);
    at += NUMBER_SIZE;
    *at++ = PARAMETERS;
    *at++ = CURVE_SIZE;
    memcpy(at, CURVE, CURVE_SIZE);
    at += CURVE_SIZE;
    memcpy(at, public_head, sizeof public_head);
    at += sizeof public_head;
    memcpy(at, key->der + sizeof spki_head - 1, 1 + 2 * NUMBER_SIZE);
}

/* What is left of an object's contents. */
struct cursor {
    unsigned char *at;
    const unsigned char *end;
};

static bool take(struct cursor *cursor, int tag, struct cursor *contents)
{
    size_t length;
    if (mbedtls_asn1_get_tag(&cursor->at, cursor->end, &length, tag) != 0)
        return false;
    *contents = (struct cursor){cursor->at, cursor->at + length};
    cursor->at += length;
    return true;
}

static bool take_version(struct cursor *cursor, int *version)
{
    return mbedtls_asn1_get_int(&cursor->at, cursor->end, version) == 0;
}

static bool is(const struct cursor *contents, const uint8_t *bytes, size_t size)
{
    return (size_t)(contents->end - contents->at) == size && memcmp(contents->at, bytes, size) == 0;
}

/* What follows the version of an ECPrivateKey. `named`: the curve is known from around it. The
 * public half, if it is there, is not believed. */
static bool read_number(struct cursor *key, bool named, uint8_t number[PKI_NUMBER_SIZE])
{
    struct cursor octets, curve;
    if (!take(key, MBEDTLS_ASN1_OCTET_STRING, &octets))
        return false;
    const size_t length = (size_t)(octets.end - octets.at);
    if (length > NUMBER_SIZE)
        return false;
    if (take(key, PARAMETERS, &curve))
        named = is(&curve, CURVE, CURVE_SIZE);
    memset(number, 0, NUMBER_SIZE);
    memcpy(number + NUMBER_SIZE - length, octets.at, length);
    return named;
}

bool pki_private_read(uint8_t *der, size_t length, uint8_t number[PKI_NUMBER_SIZE])
{
    struct cursor all = {der, der + length}, key, algorithm, octets;
    int version;
    if (!take(&all, SEQUENCE, &key) || all.at != all.end || !take_version(&key, &version))
        return false;
    if (version == 1)
        return read_number(&key, false, number);
    return version == 0 && take(&key, SEQUENCE, &algorithm) &&
           is(&algorithm, ALGORITHM, ALGORITHM_SIZE) &&
           take(&key, MBEDTLS_ASN1_OCTET_STRING, &octets) && take(&octets, SEQUENCE, &key) &&
           take_version(&key, &version) && version == 1 && read_number(&key, true, number);
}

/* ---- Use of a private key -------------------------------------------------------------------- */

struct private_key {
    mbedtls_ecp_group curve;
    mbedtls_mpi number;
};

/* To be closed in any case. */
static int open_key(struct private_key *key)
{
    mbedtls_mpi_init(&key->number);
    mbedtls_ecp_group_init(&key->curve);
    return mbedtls_ecp_group_load(&key->curve, MBEDTLS_ECP_DP_SECP256R1);
}

static int open_number(struct private_key *key, const uint8_t number[PKI_NUMBER_SIZE])
{
    int error = open_key(key);
    if (error == 0)
        error = mbedtls_mpi_read_binary(&key->number, number, NUMBER_SIZE);
    return error == 0 ? mbedtls_ecp_check_privkey(&key->curve, &key->number) : error;
}

static otter_status close_key(struct private_key *key, int error)
{
    mbedtls_ecp_group_free(&key->curve);
    mbedtls_mpi_free(&key->number);
    switch (error) {
    case 0:
        return OTTER_OK;
    case MBEDTLS_ERR_ECP_INVALID_KEY:
        return OTTER_E_KEY;
    case MBEDTLS_ERR_MPI_ALLOC_FAILED:
        return OTTER_E_MEMORY;
    default:
        return OTTER_E_CRYPTO;
    }
}

static int multiply(struct private_key *key, struct pki_public *public)
{
    uint8_t bytes[1 + 2 * PKI_NUMBER_SIZE];
    size_t length;
    mbedtls_ecp_point point;
    mbedtls_ecp_point_init(&point);
    int error = mbedtls_ecp_mul(&key->curve, &point, &key->number, &key->curve.G, pki_random, NULL);
    if (error == 0)
        error = mbedtls_ecp_point_write_binary(&key->curve, &point, MBEDTLS_ECP_PF_UNCOMPRESSED,
                                               &length, bytes, sizeof bytes);
    if (error == 0)
        pki_public_from_point(public, bytes + 1);
    mbedtls_ecp_point_free(&point);
    return error;
}

otter_status pki_number_make(uint8_t number[PKI_NUMBER_SIZE], struct pki_public *public)
{
    struct private_key key;
    int error = open_key(&key);
    if (error == 0)
        error = mbedtls_ecp_gen_privkey(&key.curve, &key.number, pki_random, NULL);
    if (error == 0)
        error = mbedtls_mpi_write_binary(&key.number, number, NUMBER_SIZE);
    if (error == 0)
        error = multiply(&key, public);
    return close_key(&key, error);
}

otter_status pki_number_public(const uint8_t number[PKI_NUMBER_SIZE], struct pki_public *public)
{
    struct private_key key;
    int error = open_number(&key, number);
    if (error == 0)
        error = multiply(&key, public);
    return close_key(&key, error);
}

otter_status pki_private_from_number(uint8_t der[PKI_PRIVATE_SIZE],
                                     const uint8_t number[PKI_NUMBER_SIZE],
                                     struct pki_public *public)
{
    const otter_status status = pki_number_public(number, public);
    if (status == OTTER_OK)
        pki_private_write(der, number, public);
    return status;
}

/* Deterministic ECDSA (RFC 6979) derives its nonce with the hash that made the digest. */
static mbedtls_md_type_t hash_of(size_t length)
{
    return length == 32 ? MBEDTLS_MD_SHA256 : length == 48 ? MBEDTLS_MD_SHA384 : MBEDTLS_MD_SHA512;
}

otter_status pki_number_sign(const uint8_t number[PKI_NUMBER_SIZE], const uint8_t *digest,
                             size_t length, struct pki_signature *signature)
{
    struct private_key key;
    mbedtls_mpi r, s;
    uint8_t numbers[2 * PKI_NUMBER_SIZE];
    mbedtls_mpi_init(&r);
    mbedtls_mpi_init(&s);
    int error = open_number(&key, number);
    if (error == 0)
        error = mbedtls_ecdsa_sign_det_ext(&key.curve, &r, &s, &key.number, digest, length,
                                           hash_of(length), pki_random, NULL);
    if (error == 0)
        error = mbedtls_mpi_write_binary(&r, numbers, NUMBER_SIZE);
    if (error == 0)
        error = mbedtls_mpi_write_binary(&s, numbers + NUMBER_SIZE, NUMBER_SIZE);
    if (error == 0)
        pki_signature_from_numbers(signature, numbers);
    mbedtls_mpi_free(&r);
    mbedtls_mpi_free(&s);
    return close_key(&key, error);
}
