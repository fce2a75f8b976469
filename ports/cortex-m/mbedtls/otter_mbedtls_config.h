/* Mbed TLS 2.28 on the boards: a TLS 1.2 client with a client certificate, and what the pki room
 * needs to make keys and to read certificates. Chosen for size; each group says why.
 * There is no clock: certificates are not checked against dates. */
#ifndef OTTER_MBEDTLS_CONFIG_H
#define OTTER_MBEDTLS_CONFIG_H

/* Platform: no heap but the arena that net/tls hands over, no files, no clock, no entropy pool
 * (randomness comes from port_random). */
#define MBEDTLS_HAVE_ASM
#define MBEDTLS_PLATFORM_C
#define MBEDTLS_PLATFORM_MEMORY
#define MBEDTLS_MEMORY_BUFFER_ALLOC_C
#define MBEDTLS_MEMORY_DEBUG /* for the high-water mark */
#define MBEDTLS_PLATFORM_NO_STD_FUNCTIONS /* before the arena is given, allocation fails */
#include <stdio.h>
#define MBEDTLS_PLATFORM_SNPRINTF_MACRO snprintf
#define MBEDTLS_PLATFORM_FPRINTF_MACRO(...) ((void)0)
/* A damaged arena: the fault handler logs the place and resets. */
#define MBEDTLS_PLATFORM_EXIT_MACRO(status) __builtin_trap()
#define MBEDTLS_NO_PLATFORM_ENTROPY
#define MBEDTLS_ERROR_STRERROR_DUMMY

/* TLS: ECDHE with AES-GCM, as AWS IoT offers it. The server name goes out as SNI; ALPN, for MQTT on
 * port 443, comes in with who asks for it. The peer's certificate is not kept after the handshake. */
#define MBEDTLS_SSL_TLS_C
#define MBEDTLS_SSL_CLI_C
#define MBEDTLS_SSL_PROTO_TLS1_2
#define MBEDTLS_SSL_SERVER_NAME_INDICATION
#define MBEDTLS_SSL_EXTENDED_MASTER_SECRET
#define MBEDTLS_KEY_EXCHANGE_ECDHE_ECDSA_ENABLED
#define MBEDTLS_KEY_EXCHANGE_ECDHE_RSA_ENABLED
#ifdef OTTER_TLS_384
#define MBEDTLS_SSL_CIPHERSUITES                                                                   \
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, \
        MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,                                           \
        MBEDTLS_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384
#define MBEDTLS_SHA512_C /* SHA-384 */
#define MBEDTLS_SHA512_SMALLER
#define MBEDTLS_ECP_DP_SECP384R1_ENABLED
#else /* BOARD_TLS_384 (boards/README.md): 4 KB less, and all that AWS IoT asks for */
#define MBEDTLS_SSL_CIPHERSUITES                                                                   \
    MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256
#endif
/* A server may send records of 16 KiB whatever we would like. What we send is cut to records as long as
 * these; the longest that must be whole is the device's certificate (PKI_DER_MAX). */
#define MBEDTLS_SSL_IN_CONTENT_LEN 16384
#define MBEDTLS_SSL_OUT_CONTENT_LEN 2048

/* Symmetric. */
#define MBEDTLS_AES_C
#define MBEDTLS_AES_SETKEY_ENC_ALT /* aes_small.c */
#define MBEDTLS_AES_ENCRYPT_ALT
#define MBEDTLS_AES_SETKEY_DEC_ALT
#define MBEDTLS_AES_DECRYPT_ALT
#define MBEDTLS_GCM_C
#define MBEDTLS_CIPHER_C
#define MBEDTLS_MD_C
#define MBEDTLS_SHA256_C
#define MBEDTLS_SHA256_SMALLER
#define MBEDTLS_HMAC_DRBG_C /* for deterministic ECDSA */
#define MBEDTLS_CTR_DRBG_C  /* port_random */

/* Public key: P-256, P-384 (above), RSA only to verify servers' certificates. Small windows cost time in
 * a handshake and spare RAM; the NIST reduction is worth its code many times over. */
#define MBEDTLS_BIGNUM_C
#define MBEDTLS_MPI_MAX_SIZE 512
#define MBEDTLS_MPI_WINDOW_SIZE 1
#define MBEDTLS_ECP_C
#define MBEDTLS_ECP_DP_SECP256R1_ENABLED
#define MBEDTLS_ECP_NIST_OPTIM
#define MBEDTLS_ECP_WINDOW_SIZE 2
#define MBEDTLS_ECP_FIXED_POINT_OPTIM 0
#define MBEDTLS_ECP_NO_INTERNAL_RNG /* who multiplies with a secret brings randomness */
#define MBEDTLS_ECDH_C
#define MBEDTLS_ECDSA_C
#define MBEDTLS_ECDSA_DETERMINISTIC
#define MBEDTLS_RSA_C
#define MBEDTLS_PKCS1_V15
#define MBEDTLS_PK_C
#define MBEDTLS_PK_PARSE_C
#if OTTER_KEYS_P384 || OTTER_KEYS_RSA2048 /* pki/other_keys.c; primes are made nowhere here */
#define MBEDTLS_PK_WRITE_C
#endif

/* X.509, in DER: pki/ has PEM of its own. */
#define MBEDTLS_ASN1_PARSE_C
#define MBEDTLS_ASN1_WRITE_C
#define MBEDTLS_OID_C
#define MBEDTLS_X509_USE_C
#define MBEDTLS_X509_CRT_PARSE_C
#define MBEDTLS_X509_CHECK_KEY_USAGE
#define MBEDTLS_X509_CHECK_EXTENDED_KEY_USAGE
#define MBEDTLS_X509_MAX_INTERMEDIATE_CA 4

#include "mbedtls/check_config.h"

#endif
