/* Between the files of the signing module only. */
#ifndef OTTER_CLOUD_CORE_ACCOUNT_SIGNING_INTERNAL_H
#define OTTER_CLOUD_CORE_ACCOUNT_SIGNING_INTERNAL_H

#include <openssl/evp.h>

#include "cloud/core/account/signing.h"

/* The private key of an imported certificate, freed by the caller; NULL when there is none. */
EVP_PKEY *signing_key_load(struct cloud *cloud, const char *arn);

/* A signing platform: what is signed how, and with which kind of key. */
struct signing_platform {
    const char *id, *display_name;
    const char *key_algorithm;       /* "EC_prime256v1", or the prefix "RSA_" */
    const char *digest;              /* OpenSSL's name */
    const char *hash, *algorithm;    /* parts of the job document's member "sig-sha256-ecdsa" */
    const char *signature_algorithm; /* in the signed object */
};
/* NULL when unknown. */
const struct signing_platform *signing_platform_find(const char *id);
bool signing_platform_takes(const struct signing_platform *platform, EVP_PKEY *key);

#endif
