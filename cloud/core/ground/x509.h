/* Certificates and keys as OpenSSL has them, for registry and signing: reading PEM, making pairs,
 * the cloud's own certificate authority. Every object returned is freed by the caller with
 * OpenSSL's own function. */
#ifndef OTTER_CLOUD_CORE_GROUND_X509_H
#define OTTER_CLOUD_CORE_GROUND_X509_H

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The first object of its kind in the text; NULL when there is none or it is broken. */
X509 *x509_read(const char *pem);
EVP_PKEY *x509_read_key(const char *pem); /* private, not encrypted */
X509_REQ *x509_read_request(const char *pem);

/* Lower-case hex SHA-256 of the DER form. */
void x509_id(X509 *certificate, char id[65]);

/* Seconds since 1970. */
int64_t x509_not_before(X509 *certificate);
int64_t x509_not_after(X509 *certificate);

/* The first common name, "" when there is none; the whole name in RFC 2253 form, freed by the
 * caller with OPENSSL_free. */
void x509_common_name(X509 *certificate, char *text, size_t size);
char *x509_subject(X509 *certificate);
char *x509_issuer(X509 *certificate);
/* Upper-case hex, bytes parted by colons. Freed with free. */
char *x509_serial(X509 *certificate);

/* "EC_prime256v1", "RSA_2048" ...; "" for another kind. */
void x509_key_algorithm(EVP_PKEY *key, char *text, size_t size);
/* Whether AWS IoT takes it: RSA of at least 2048 bits, P-256, P-384, P-521. */
bool x509_key_accepted(EVP_PKEY *key);

/* In PEM, freed with free. */
char *x509_text(X509 *certificate);
char *x509_key_text(EVP_PKEY *key); /* traditional form, as AWS IoT gives it */
char *x509_public_key_text(EVP_PKEY *key);

EVP_PKEY *x509_make_rsa(void);
/* A certificate for `key`, subject CN=`name`, signed with `issuer_key`; without `issuer`
 * self-signed as an authority. Valid for `years` from `now` (seconds since 1970), and a little
 * before, for clocks that are behind. */
X509 *x509_issue(const char *name, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key, int64_t now,
                 int years);
/* The dates alone: so many days before and after `now`, and as many seconds before. */
struct x509_validity {
    int64_t now;
    int days_before, seconds_before, days_after;
};
bool x509_set_validity(X509 *certificate, const struct x509_validity *validity);

#endif
