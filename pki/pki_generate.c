/* Making the device's key pair and its self-signed certificate; see pki.h. */
#include <string.h>

#include <mbedtls/ecp.h>
#include <mbedtls/pk.h>
#include <mbedtls/platform_util.h>
#include <mbedtls/x509_crt.h>

#include "pki/pki.h"
#include "pki/pki_inner.h"

/* The device may have no clock when it makes its certificate, and AWS IoT knows a device by the
 * registered certificate itself: so a fixed start that lies behind every device, and the last end
 * that an X.509 UTCTime can say. */
#define NOT_BEFORE "20200101000000"
#define NOT_AFTER  "20491231235959"

#define SERIAL_SIZE 16u

static int make_key(mbedtls_pk_context *key)
{
    const int error = mbedtls_pk_setup(key, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY));
    if (error != 0)
        return error;
    return mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(*key), pki_random, NULL);
}

otter_status pki_generate_key(struct kv *kv)
{
    struct pki_pair pair;
    mbedtls_pk_context key;
    mbedtls_pk_init(&key);
    otter_status status = make_key(&key) == 0 ? OTTER_OK : OTTER_E_CRYPTO;
    if (status == OTTER_OK)
        status = pki_encode_pair(&key, &pair);
    mbedtls_pk_free(&key);
    if (status == OTTER_OK) {
        const struct kv_item items[] = {
            {PKI_PREFIX PKI_TLS_KEY_PRIV, pair.private_der, pair.private_length},
            {PKI_PREFIX PKI_TLS_KEY_PUB, pair.public_der, pair.public_length},
            {PKI_PREFIX PKI_TLS_CERT, NULL, 0},
        };
        status = kv_replace_secret(kv, items, 3);
    }
    mbedtls_platform_zeroize(&pair, sizeof pair);
    return status;
}

/* Also keeps out what has a meaning in the text of a distinguished name. */
static bool name_is_valid(const char *name)
{
    const size_t length = strlen(name);
    return length > 0 && length <= PKI_COMMON_NAME_MAX &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789:_-") ==
               length;
}

/* RFC 5280 4.1.2.2: positive, at most 20 bytes; without a leading zero byte to stay exact. */
static int set_serial(mbedtls_x509write_cert *cert)
{
    uint8_t bytes[SERIAL_SIZE];
    mbedtls_mpi serial;
    mbedtls_mpi_init(&serial);
    int error = pki_random(NULL, bytes, sizeof bytes);
    bytes[0] = (uint8_t)((bytes[0] & 0x3f) | 0x40);
    if (error == 0)
        error = mbedtls_mpi_read_binary(&serial, bytes, sizeof bytes);
    if (error == 0)
        error = mbedtls_x509write_crt_set_serial(cert, &serial);
    mbedtls_mpi_free(&serial);
    return error;
}

static int fill_cert(mbedtls_x509write_cert *cert, mbedtls_pk_context *key, const char *name)
{
    int error;
    mbedtls_x509write_crt_set_version(cert, MBEDTLS_X509_CRT_VERSION_3);
    mbedtls_x509write_crt_set_md_alg(cert, MBEDTLS_MD_SHA256);
    mbedtls_x509write_crt_set_subject_key(cert, key);
    mbedtls_x509write_crt_set_issuer_key(cert, key);
    if ((error = mbedtls_x509write_crt_set_subject_name(cert, name)) != 0 ||
        (error = mbedtls_x509write_crt_set_issuer_name(cert, name)) != 0 ||
        (error = mbedtls_x509write_crt_set_validity(cert, NOT_BEFORE, NOT_AFTER)) != 0 ||
        (error = mbedtls_x509write_crt_set_basic_constraints(cert, 0, -1)) != 0 ||
        (error = mbedtls_x509write_crt_set_key_usage(cert, MBEDTLS_X509_KU_DIGITAL_SIGNATURE)) != 0)
        return error;
    return set_serial(cert);
}

static otter_status write_cert(struct kv *kv, mbedtls_pk_context *key, const char *name)
{
    mbedtls_x509write_cert cert;
    mbedtls_x509write_crt_init(&cert);
    int result = fill_cert(&cert, key, name);
    if (result == 0)
        result = mbedtls_x509write_crt_der(&cert, pki_work, sizeof pki_work, pki_random, NULL);
    mbedtls_x509write_crt_free(&cert);
    if (result <= 0)
        return OTTER_E_CRYPTO;
    const uint32_t length = (uint32_t)result; /* at the end of the buffer */
    return kv_set(kv, PKI_PREFIX PKI_TLS_CERT, pki_work + sizeof pki_work - length, length);
}

otter_status pki_generate_cert(struct kv *kv, const char *common_name)
{
    char name[sizeof "CN=" + PKI_COMMON_NAME_MAX] = "CN=";
    mbedtls_pk_context key;
    if (!name_is_valid(common_name))
        return OTTER_E_ARGUMENT;
    strcat(name, common_name);
    mbedtls_pk_init(&key);
    otter_status status = pki_load_key(kv, PKI_TLS_KEY_PRIV, &key);
    if (status == OTTER_OK)
        status = write_cert(kv, &key, name);
    mbedtls_pk_free(&key);
    return status;
}
