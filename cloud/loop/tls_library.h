/* OpenSSL for connections that come in thousands. */
#ifndef OTTER_CLOUD_LOOP_TLS_LIBRARY_H
#define OTTER_CLOUD_LOOP_TLS_LIBRARY_H

#include <openssl/types.h>

/* A library context for SSL_CTX_new_ex that has all that TLS needs of the default provider, and of
 * its decoders the few that read public keys out of certificates. OpenSSL 3.0 walks through every
 * decoder for every kind of key when it reads a certificate: of the some hundred there are, that
 * is more than a fifth of a handshake. Keys: RSA, EC, Ed25519, Ed448. A peer's key on an elliptic
 * curve is looked at as SP 800-56A asks for such a curve, without a multiplication: a sixth of it.
 *
 * One for the process, kept to its end. NULL, the default context, when it cannot be made. */
OSSL_LIB_CTX *tls_library(void);

#endif
