/* TLS of a listening socket: a context with a certificate of this cloud's authority. */
#ifndef OTTER_CLOUD_LOOP_SERVER_TLS_H
#define OTTER_CLOUD_LOOP_SERVER_TLS_H

#include <openssl/ssl.h>
#include <stddef.h>

#include "cloud/core/ground/cloud.h"

/* TLS 1.2 and 1.3; asks for no client certificate. The certificate is of the cloud's authority
 * (root_ca.pem and its key, made when missing); `names` are further names for the certificate, as
 * in cloud/core/registry/authority.h. Freed by the caller; NULL with the reason. */
SSL_CTX *server_tls_new(const struct cloud *cloud, const char *names, char *reason, size_t size);

#endif
