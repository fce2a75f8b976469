/* What Mbed TLS reports, in our status codes and in words for the log. */
#include "net/tls_reason.h"

#include <stddef.h>

#include <mbedtls/net_sockets.h>
#include <mbedtls/pk.h>
#include <mbedtls/platform.h>
#include <mbedtls/ssl.h>
#include <mbedtls/x509.h>

static const struct {
    int error;
    otter_status status;
    const char *text; /* NULL: that of the status */
} errors[] = {
    {MBEDTLS_ERR_SSL_CONN_EOF, OTTER_E_CLOSED, NULL},
    {MBEDTLS_ERR_NET_CONN_RESET, OTTER_E_RESET, NULL},
    {MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY, OTTER_E_CLOSED, "the server closed it"},
    {MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE, OTTER_E_REFUSED, NULL},
    {MBEDTLS_ERR_X509_CERT_VERIFY_FAILED, OTTER_E_CERTIFICATE, NULL},
    {MBEDTLS_ERR_SSL_ALLOC_FAILED, OTTER_E_MEMORY, "TLS arena too small"},
    {MBEDTLS_ERR_X509_ALLOC_FAILED, OTTER_E_MEMORY, "TLS arena too small"},
    {MBEDTLS_ERR_PK_ALLOC_FAILED, OTTER_E_MEMORY, "TLS arena too small"},
    {MBEDTLS_ERR_MPI_ALLOC_FAILED, OTTER_E_MEMORY, "TLS arena too small"},
    {MBEDTLS_ERR_ECP_RANDOM_FAILED, OTTER_E_CRYPTO, "no random bytes from the board"},
    {MBEDTLS_ERR_PLATFORM_HW_ACCEL_FAILED, OTTER_E_CRYPTO, "tls_key_priv does not sign"},
    {MBEDTLS_ERR_SSL_BAD_HS_PROTOCOL_VERSION, OTTER_E_UNSUPPORTED, "the server has no TLS 1.2"},
    {MBEDTLS_ERR_SSL_INVALID_RECORD, OTTER_E_MALFORMED, "the server does not speak TLS"},
};

static size_t find(int error)
{
    size_t i = 0;
    while (i < sizeof errors / sizeof *errors && errors[i].error != error)
        i++;
    return i;
}

otter_status tls_error_status(int error)
{
    const size_t i = find(error);
    return i < sizeof errors / sizeof *errors ? errors[i].status : OTTER_E_CRYPTO;
}

const char *tls_error_text(int error)
{
    const size_t i = find(error);
    if (i < sizeof errors / sizeof *errors && errors[i].text)
        return errors[i].text;
    return otter_status_text(tls_error_status(error));
}

const char *tls_flag_text(uint32_t flag)
{
    switch (flag) {
    case MBEDTLS_X509_BADCERT_CN_MISMATCH:
        return "it is for another server name; check mqtt_endpoint";
    case MBEDTLS_X509_BADCERT_NOT_TRUSTED:
        return "neither root_ca_cert nor what it signed has signed it";
    case MBEDTLS_X509_BADCERT_BAD_MD:
    case MBEDTLS_X509_BADCERT_BAD_PK:
    case MBEDTLS_X509_BADCERT_BAD_KEY:
        return "its algorithm or key size is too weak or unknown";
    case MBEDTLS_X509_BADCERT_KEY_USAGE:
    case MBEDTLS_X509_BADCERT_EXT_KEY_USAGE:
        return "it is not meant for servers";
    default:
        return "it breaks a rule of X.509";
    }
}

const char *tls_alert_text(unsigned alert)
{
    switch (alert) {
    case MBEDTLS_SSL_ALERT_MSG_HANDSHAKE_FAILURE:
        return "nothing in common (version, cipher), or tls_cert not accepted";
    case MBEDTLS_SSL_ALERT_MSG_BAD_CERT:
    case MBEDTLS_SSL_ALERT_MSG_UNSUPPORTED_CERT:
    case MBEDTLS_SSL_ALERT_MSG_CERT_UNKNOWN:
    case MBEDTLS_SSL_ALERT_MSG_UNKNOWN_CA:
    case MBEDTLS_SSL_ALERT_MSG_ACCESS_DENIED:
        return "tls_cert not accepted; is it registered and ACTIVE?";
    case MBEDTLS_SSL_ALERT_MSG_CERT_EXPIRED:
        return "tls_cert has expired";
    case MBEDTLS_SSL_ALERT_MSG_CERT_REVOKED:
        return "tls_cert is revoked; is it ACTIVE?";
    case MBEDTLS_SSL_ALERT_MSG_DECRYPT_ERROR:
        return "tls_key_priv does not belong to tls_cert";
    case MBEDTLS_SSL_ALERT_MSG_PROTOCOL_VERSION:
        return "the server does not speak TLS 1.2";
    case MBEDTLS_SSL_ALERT_MSG_UNRECOGNIZED_NAME:
        return "the server does not know this name; check mqtt_endpoint";
    default:
        return "see RFC 5246 section 7.2";
    }
}
