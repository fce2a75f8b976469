/* TLS of the gateway: a server context that accepts exactly the registered, ACTIVE certificates. */
#ifndef OTTER_CLOUD_GATEWAY_TLS_H
#define OTTER_CLOUD_GATEWAY_TLS_H

#include <openssl/ssl.h>

#include "cloud/core/registry/principal.h"

/* NULL with the reason. `cloud` answers which certificates are registered; `names` are further
 * names for the server's certificate, as in authority.h. */
SSL_CTX *tls_context(struct cloud *cloud, const char *names, char *reason, size_t size);

struct client;

enum tls_speech { TLS_MQTT, TLS_WEBSOCKET, TLS_PUBLISH };

/* What goes through a connection that came by this door (enum door_kind), after the handshake. */
enum tls_speech tls_speech(const SSL *ssl, int door);

/* The server's side of the client's connection. */
SSL *tls_connection(SSL_CTX *context, struct client *client);

/* After the handshake: who the peer is by its certificate. False without a certificate. `principal`
 * was nobody, and is freed by the caller. */
bool tls_peer(SSL *ssl, struct principal *principal);
/* The names in its certificate, as policies know them, in JSON:
 * {"Subject.CommonName":[...],"SerialNumber":[...],...}. Freed with free; NULL: it has none, or out
 * of memory. */
char *tls_peer_names(SSL *ssl);

#endif
