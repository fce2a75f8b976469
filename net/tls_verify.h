/* What the device adds to Mbed TLS's check of the server's certificates: addresses as server names,
 * and a reason that names the certificate. For this room only. */
#ifndef OTTER_NET_TLS_VERIFY_H
#define OTTER_NET_TLS_VERIFY_H

#include "net/tls.h"

#ifdef __cplusplus
extern "C" {
#endif

/* For mbedtls_ssl_conf_verify, with the struct tls as context: called for each certificate of the
 * chain, the server's own last. */
int tls_verify(void *context, mbedtls_x509_crt *certificate, int depth, uint32_t *flags);

#ifdef __cplusplus
}
#endif

#endif
