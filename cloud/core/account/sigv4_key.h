/* The arithmetic of AWS Signature Version 4 that whoever signs and whoever checks shares. */
#ifndef OTTER_CLOUD_CORE_ACCOUNT_SIGV4_KEY_H
#define OTTER_CLOUD_CORE_ACCOUNT_SIGV4_KEY_H

#include <stddef.h>

#define SIGV4_ALGORITHM "AWS4-HMAC-SHA256"

void sigv4_hmac(const void *key, size_t key_size, const void *data, size_t size,
                unsigned char mac[32]);
/* The signing key; `date` is yyyymmdd. */
void sigv4_key(const char *secret, const char *date, const char *region, const char *service,
               unsigned char key[32]);
/* Lower-case hex SHA-256. */
void sigv4_hash(const void *data, size_t size, char hex[65]);

#endif
