/* The arithmetic of AWS Signature Version 4; see sigv4_key.h. */
#include "cloud/core/account/sigv4_key.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>

#include "cloud/core/ground/names.h"

#define SECRET_MAX 256

void sigv4_hmac(const void *key, size_t key_size, const void *data, size_t size,
                unsigned char mac[32])
{
    unsigned length = 32;
    HMAC(EVP_sha256(), key, (int)key_size, data, size, mac, &length);
}

void sigv4_hash(const void *data, size_t size, char hex[65])
{
    unsigned char digest[32];
    EVP_Q_digest(NULL, "SHA256", NULL, data ? data : "", size, digest, NULL);
    hex_encode(hex, digest, sizeof digest);
}

void sigv4_key(const char *secret, const char *date, const char *region, const char *service,
               unsigned char key[32])
{
    char first[SECRET_MAX + 5];
    snprintf(first, sizeof first, "AWS4%s", secret);
    sigv4_hmac(first, strlen(first), date, strlen(date), key);
    sigv4_hmac(key, 32, region, strlen(region), key);
    sigv4_hmac(key, 32, service, strlen(service), key);
    sigv4_hmac(key, 32, "aws4_request", 12, key);
    OPENSSL_cleanse(first, sizeof first);
}
