/* Read before Mbed TLS's pkparse.c, which has mbedtls_rsa_complete work out a key's private half
 * where it can. Of a public key nothing is worked out, and mbedtls_rsa_check_pubkey, which it asks
 * next, checks what it has; so nobody needs it but a build whose device key can be RSA (OTTER_KEYS
 * of pki/). By its name in this one file: the linker's --wrap is passed over by link-time
 * optimisation. */
#ifndef OTTER_RSA_PUBLIC_ONLY_H
#define OTTER_RSA_PUBLIC_ONLY_H

#include <mbedtls/rsa.h>

#if !OTTER_KEYS_RSA2048
#define mbedtls_rsa_complete(key) ((void)(key), 0)
#endif

#endif
