/* Read before Mbed TLS's rsa.c: rsa_verifies_only.c takes the place of this function. */
#ifndef OTTER_RSA_PRIVATE_IS_WEAK_H
#define OTTER_RSA_PRIVATE_IS_WEAK_H

#ifdef __cplusplus
extern "C" {
#endif

#pragma weak mbedtls_rsa_private

#ifdef __cplusplus
}
#endif

#endif
