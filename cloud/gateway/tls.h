/* TLS of the gateway: a server context that accepts exactly the registered, ACTIVE certificates. */
#ifndef OTTER_CLOUD_GATEWAY_TLS_H
#define OTTER_CLOUD_GATEWAY_TLS_H

#include <openssl/ssl.h>

#include "cloud/core/cloud.h"

#define TLS_ID_SIZE 65 /* hex SHA-256 of a certificate's DER form, and a NUL */

/* NULL with the reason. `cloud` answers which certificates are registered. */
SSL_CTX *tls_context(struct cloud *cloud, const char *address, char *reason, size_t size);

struct client;

/* The server's side of the client's connection. */
SSL *tls_connection(SSL_CTX *context, struct client *client);

/* After the handshake: the peer's certificate id, and its names for policies (new reference):
 * {"Subject.CommonName":[...],"SerialNumber":[...],...}. */
bool tls_peer(SSL *ssl, char id[TLS_ID_SIZE], json_t **names);

#endif
