/* Who this side of a TLS connection is and whom it trusts: root_ca_cert, and the private key of
 * pki_identity (tls_key_priv, if nobody says otherwise) with its certificate, as Mbed TLS takes
 * them. The private key is a handle that signs where the key lies. For this room only. */
#ifndef OTTER_NET_TLS_IDENTITY_H
#define OTTER_NET_TLS_IDENTITY_H

#include <mbedtls/pk.h>
#include <mbedtls/ssl.h>
#include <mbedtls/x509_crt.h>

#include "pki/pki.h"

#ifdef __cplusplus
extern "C" {
#endif

struct tls_identity {
    mbedtls_x509_crt root;
    mbedtls_x509_crt certificate;
    mbedtls_pk_context key;
};

/* OTTER_E_NOT_FOUND when an object is missing; the log names it and says what to do. To be closed
 * after an error too. `pki` must outlive it. */
otter_status tls_identity_open(struct tls_identity *identity, struct pki *pki);
/* Zero, or an error of Mbed TLS. The configuration must not outlive the identity. */
int tls_identity_configure(struct tls_identity *identity, mbedtls_ssl_config *config);
void tls_identity_close(struct tls_identity *identity);

#ifdef __cplusplus
}
#endif

#endif
