/* TLS after the handshake: records, without what OpenSSL keeps for a connection.
 *
 * An SSL of OpenSSL 3.0 takes 16 KiB and more for as long as the connection lasts; what its records
 * still need are two keys. records_take makes these of it, by what OpenSSL offers for that (its key
 * log, the session's secret), and the SSL can be freed. Ciphers are OpenSSL's all the same.
 *
 * TLS 1.3 (RFC 8446, 5 and 4.6.3) and 1.2 (RFC 5246, 5288, 7905), server's side, with AES-GCM
 * and ChaCha20-Poly1305. For anything else records_take says no, and OpenSSL goes on. */
#ifndef OTTER_CLOUD_GATEWAY_RECORDS_H
#define OTTER_CLOUD_GATEWAY_RECORDS_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* No record is longer. */
#define RECORDS_MAX (5u + 8u + 16384u + 256u)

struct evbuffer;
struct records;

/* Before the first SSL of that context is made. False: out of memory. */
bool records_prepare(SSL_CTX *context);

/* Hands were shaken, and nothing was read or written since: no tickets either. NULL: OpenSSL must
 * go on with it. */
struct records *records_take(SSL *ssl);
void records_free(struct records *records);

enum records_end {
    RECORDS_OPEN,   /* more may come */
    RECORDS_CLOSED, /* the other side has said so */
    RECORDS_WRONG   /* what came is not what TLS allows; records_close says so to the other side */
};

/* Opens the records that begin `bytes`; `used` is how many bytes they had, the rest is
 * the beginning of one that is not there whole. What they hold is added to `to`, answers that TLS
 * wants to `answers`. After an end nothing more is opened. */
enum records_end records_open(struct records *records, const uint8_t *bytes, size_t length,
                              size_t *used, struct evbuffer *to, struct evbuffer *answers);
/* Moves the first bytes of `from`, at most so many, sealed to `to`. False: out of memory. */
bool records_seal(struct records *records, struct evbuffer *from, size_t most, struct evbuffer *to);
/* The last record: that no more comes, or what was wrong. */
void records_close(struct records *records, struct evbuffer *to);

/* It has what records_rest gives back, and makes again from the keys when it is needed. */
bool records_awake(const struct records *records);
void records_rest(struct records *records);

#endif
