/* What all TLS servers of the cloud have in common. */
#include "cloud/loop/server_tls.h"

#include <stdbool.h>
#include <stdio.h>

/* In the order of AWS IoT's policies; OpenSSL's own begins with the one whose keys cost most. */
#define SUITES_TLS13 "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"

#include "cloud/core/registry/authority.h"
#include "cloud/loop/tls_library.h"

static bool set_certificate(SSL_CTX *context, const struct cloud *cloud, const char *names,
                            char *reason, size_t size)
{
    X509 *certificate = NULL;
    EVP_PKEY *key = NULL;
    bool done = authority_issue(cloud, names, &certificate, &key, reason, size) &&
                SSL_CTX_use_certificate(context, certificate) == 1 &&
                SSL_CTX_use_PrivateKey(context, key) == 1;
    X509_free(certificate);
    EVP_PKEY_free(key);
    return done;
}

SSL_CTX *server_tls_new(const struct cloud *cloud, const char *names, char *reason, size_t size)
{
    SSL_CTX *context = SSL_CTX_new_ex(tls_library(), NULL, TLS_server_method());
    snprintf(reason, size, "OpenSSL cannot make a TLS context");
    if (!context)
        return NULL;
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                     SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_ciphersuites(context, SUITES_TLS13);
    if (set_certificate(context, cloud, names, reason, size))
        return context;
    SSL_CTX_free(context);
    return NULL;
}
