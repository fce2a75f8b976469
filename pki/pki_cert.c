/* Making a self-signed certificate; see pki.h. */
#include <string.h>

#include <mbedtls/pk.h>
#include <mbedtls/x509_crt.h>

#include "pki/pki.h"
#include "pki/pki_inner.h"

/* The device may have no clock when it makes its certificate, and AWS IoT knows a device by the
 * registered certificate itself: so a fixed start that lies behind every device, and the last end
 * that an X.509 UTCTime can say. */
#define NOT_BEFORE "20200101000000"
#define NOT_AFTER  "20491231235959"

#define SERIAL_SIZE 16u

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

static otter_status write_cert(struct pki *pki, const char *label, mbedtls_pk_context *key,
                               const char *name)
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
    return kv_set(pki->kv, pki_name(label).text, pki_work + sizeof pki_work - length, length);
}

otter_status pki_generate_cert(struct pki *pki, const char *label, const char *common_name)
{
    char name[sizeof "CN=" + PKI_COMMON_NAME_MAX] = "CN=";
    const struct pki_object *object = pki_find_private(pki, label);
    mbedtls_pk_context key;
    if (object == NULL || object->cert_label == NULL || !name_is_valid(common_name))
        return OTTER_E_ARGUMENT;
    strcat(name, common_name);
    mbedtls_pk_init(&key);
    otter_status status = pki_open_key(pki, label, &key);
    if (status == OTTER_OK)
        status = write_cert(pki, object->cert_label, &key, name);
    mbedtls_pk_free(&key);
    return status;
}
