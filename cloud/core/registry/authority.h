/* The cloud's own certificate authority, which devices trust as `root_ca_cert`. */
#ifndef OTTER_CLOUD_CORE_REGISTRY_AUTHORITY_H
#define OTTER_CLOUD_CORE_REGISTRY_AUTHORITY_H

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>

#include "cloud/core/ground/cloud.h"

/* A key and a certificate for the server, signed by the root in the cloud's folder (root_ca.pem,
 * root_ca.key; made when neither is there). Valid, from a year before the cloud's time on, for
 * localhost, 127.0.0.1, 10.0.2.2 (the host, seen from QEMU), this host's name, and `names` (parted
 * by commas; NULL: none). Both are the caller's. False with the reason. */
bool authority_issue(const struct cloud *cloud, const char *names, X509 **certificate,
                     EVP_PKEY **key, char *reason, size_t size);

#endif
