/* A device for tests: MQTT packets over OpenSSL, on the same thread as the gateway. Every wait
 * turns the event loop, up to a few seconds. */
#ifndef TEST_GATEWAY_DEVICE_H
#define TEST_GATEWAY_DEVICE_H

#include <event2/event.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>

#include "codec/mqtt_version.h"

struct credentials {
    EVP_PKEY *key;
    X509 *certificate;
    char *pem; /* of the certificate */
};

/* A fresh P-256 key and a self-signed certificate. */
struct credentials credentials_make(const char *common_name);
/* Valid from and to so many seconds from now. */
struct credentials credentials_make_dated(const char *common_name, long from_s, long to_s);
void credentials_free(struct credentials *credentials);

struct device {
    struct event_base *base;
    SSL_CTX *context;
    SSL *ssl;
    int fd;
    const struct mqtt_version *mqtt; /* 3.1.1 until it is changed */
    uint8_t buffer[600000]; /* what has arrived; `used` of it is the packet that was read last */
    size_t length, used;
};

struct device_options {
    const struct credentials *credentials; /* NULL: none */
    int tls_version;                       /* 0: any */
    const char *cipher;                    /* of TLS 1.2; NULL: any */
    const char *alpn;                      /* one protocol, or NULL */
    const char *root_ca;                   /* path; the server's name is checked */
    const char *server_name;               /* asked for in TLS; NULL: localhost, "": none */
};

/* TCP and TLS. True when both sides are content, which TLS 1.3 tells a client only later: the
 * gateway is given time to object. */
bool device_open(struct device *device, struct event_base *base, uint16_t port,
                 const struct device_options *options);
void device_close(struct device *device); /* without a DISCONNECT */

bool device_send(struct device *device, const void *data, size_t length);
/* As much as the connection takes now; bytes taken, or -1 when it is closed. */
int device_try_send(struct device *device, const void *data, size_t length);

/* The next packet; its body lies in the buffer until the next call. False: none within `ms`. */
bool device_read(struct device *device, struct mqtt_header *header, const uint8_t **body, int ms);
/* True when the gateway ends the connection within a few seconds; packets before that are dropped.
 */
bool device_is_closed(struct device *device);

/* Turns the event loop for `ms`. */
void turn(struct event_base *base, int ms);

#endif
