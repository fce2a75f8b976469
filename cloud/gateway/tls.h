/* TLS of the gateway: a server context that accepts exactly the registered, ACTIVE certificates. */
#ifndef OTTER_CLOUD_GATEWAY_TLS_H
#define OTTER_CLOUD_GATEWAY_TLS_H

#include <openssl/ssl.h>

#include "cloud/core/ground/cloud.h"

#define TLS_ID_SIZE 65 /* hex SHA-256 of a certificate's DER form, and a NUL */

/* NULL with the reason. `cloud` answers which certificates are registered; `names` are further
 * names for the server's certificate, as in authority.h. */
SSL_CTX *tls_context(struct cloud *cloud, const char *names, char *reason, size_t size);
/* The same server for clients without certificates: the HTTP APIs beyond loopback. */
SSL_CTX *tls_server_context(struct cloud *cloud, const char *names, char *reason, size_t size);

struct client;

/* The server's side of the client's connection. */
SSL *tls_connection(SSL_CTX *context, struct client *client);

/* After the handshake: the peer's certificate id, and its names for policies (new reference):
 * {"Subject.CommonName":[...],"SerialNumber":[...],...}. */
bool tls_peer(SSL *ssl, char id[TLS_ID_SIZE], json_t **names);

#endif
