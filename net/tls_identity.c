/* Who this side of a TLS connection is; see tls_identity.h. */
#include "net/tls_identity.h"

#include "port/log.h"

/* The hint is for what is not there or no longer whole: one that cannot be reached just now, as in
 * a token that is pulled out, is not to be replaced. */
static otter_status named(const char *label, const char *hint, otter_status status)
{
    if (status == OTTER_E_NOT_FOUND || status == OTTER_E_MALFORMED)
        LOG_ERR("TLS", "%s: %s; %s", label, otter_status_text(status), hint);
    else if (status)
        LOG_ERR("TLS", "%s: %s", label, otter_status_text(status));
    return status;
}

otter_status tls_identity_open(struct tls_identity *identity, struct pki *pki)
{
    mbedtls_x509_crt_init(&identity->root);
    mbedtls_x509_crt_init(&identity->certificate);
    mbedtls_pk_init(&identity->key);
    otter_status status = named(PKI_ROOT_CA, "import the root of the server's certificate",
                                pki_load_cert(pki, PKI_ROOT_CA, &identity->root));
    if (status)
        return status;
    const struct pki_identity own = pki_identity(pki);
    status = named(own.key, "generate a key", pki_open_key(pki, own.key, &identity->key));
    if (status)
        return status;
    return named(own.cert, "generate or import a certificate for its key",
                 pki_load_cert(pki, own.cert, &identity->certificate));
}

int tls_identity_configure(struct tls_identity *identity, mbedtls_ssl_config *config)
{
    mbedtls_ssl_conf_ca_chain(config, &identity->root, NULL);
    return mbedtls_ssl_conf_own_cert(config, &identity->certificate, &identity->key);
}

void tls_identity_close(struct tls_identity *identity)
{
    mbedtls_x509_crt_free(&identity->root);
    mbedtls_x509_crt_free(&identity->certificate);
    mbedtls_pk_free(&identity->key);
}
