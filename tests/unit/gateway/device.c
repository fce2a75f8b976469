/* Connects the device, sends packets, and waits for what comes. */
#include "device.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_MS 8000

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void turn(struct event_base *base, int ms)
{
    int64_t end = now_ms() + ms;
    do {
        event_base_loop(base, EVLOOP_NONBLOCK);
        usleep(500);
    } while (now_ms() < end);
}

/* ---- credentials ---------------------------------------------------------------------------- */

struct credentials credentials_make(const char *common_name)
{
    return credentials_make_dated(common_name, -60, 3600);
}

struct credentials credentials_make_dated(const char *common_name, long from_s, long to_s)
{
    struct credentials c = {EVP_EC_gen("P-256"), X509_new(), NULL};
    X509_NAME *name = X509_get_subject_name(c.certificate);
    BIO *bio = BIO_new(BIO_s_mem());
    char *text;
    ASN1_INTEGER_set(X509_get_serialNumber(c.certificate), 7);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)common_name, -1,
                               -1, 0);
    X509_set_issuer_name(c.certificate, name);
    X509_gmtime_adj(X509_getm_notBefore(c.certificate), from_s);
    X509_gmtime_adj(X509_getm_notAfter(c.certificate), to_s);
    X509_set_pubkey(c.certificate, c.key);
    X509_sign(c.certificate, c.key, EVP_sha256());
    PEM_write_bio_X509(bio, c.certificate);
    long length = BIO_get_mem_data(bio, &text);
    c.pem = strndup(text, (size_t)length);
    BIO_free(bio);
    return c;
}

void credentials_free(struct credentials *c)
{
    EVP_PKEY_free(c->key);
    X509_free(c->certificate);
    free(c->pem);
}

/* ---- connection ----------------------------------------------------------------------------- */

/* After an SSL call that did not succeed: true if it is worth another try. */
static bool may_retry(struct device *device, int result)
{
    int error = SSL_get_error(device->ssl, result);
    ERR_clear_error();
    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
}

static bool open_tcp(struct device *device, uint16_t port)
{
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    device->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(device->fd, (struct sockaddr *)&to, sizeof to) != 0)
        return false;
    return fcntl(device->fd, F_SETFL, O_NONBLOCK) == 0;
}

static void set_options(struct device *device, const struct device_options *options)
{
    unsigned char alpn[32];
    SSL_CTX_load_verify_locations(device->context, options->root_ca, NULL);
    SSL_CTX_set_verify(device->context, SSL_VERIFY_PEER, NULL);
    if (options->tls_version) {
        SSL_CTX_set_min_proto_version(device->context, options->tls_version);
        SSL_CTX_set_max_proto_version(device->context, options->tls_version);
    }
    if (options->cipher)
        SSL_CTX_set_cipher_list(device->context, options->cipher);
    if (options->credentials) {
        SSL_CTX_use_certificate(device->context, options->credentials->certificate);
        SSL_CTX_use_PrivateKey(device->context, options->credentials->key);
    }
    device->ssl = SSL_new(device->context);
    const char *name = options->server_name ? options->server_name : "localhost";
    if (*name)
        SSL_set_tlsext_host_name(device->ssl, name);
    SSL_set1_host(device->ssl, "localhost");
    if (options->alpn) {
        alpn[0] = (unsigned char)strlen(options->alpn);
        memcpy(alpn + 1, options->alpn, alpn[0]);
        SSL_set_alpn_protos(device->ssl, alpn, alpn[0] + 1u);
    }
}

bool device_open(struct device *device, struct event_base *base, uint16_t port,
                 const struct device_options *options)
{
    int result;
    int64_t end = now_ms() + PATIENCE_MS;
    memset(device, 0, offsetof(struct device, buffer));
    device->length = device->used = 0;
    device->base = base;
    device->mqtt = &mqtt_3_1_1;
    device->context = SSL_CTX_new(TLS_client_method());
    set_options(device, options);
    if (!open_tcp(device, port))
        return false;
    SSL_set_fd(device->ssl, device->fd);
    while ((result = SSL_connect(device->ssl)) != 1) {
        if (!may_retry(device, result) || now_ms() > end)
            return false;
        turn(base, 1);
    }
    uint8_t byte;
    turn(base, 50);
    result = SSL_peek(device->ssl, &byte, 1);
    return result == 1 || may_retry(device, result);
}

void device_close(struct device *device)
{
    SSL_free(device->ssl);
    SSL_CTX_free(device->context);
    close(device->fd);
}

int device_try_send(struct device *device, const void *data, size_t length)
{
    size_t sent = 0;
    while (sent < length) {
        int result = SSL_write(device->ssl, (const uint8_t *)data + sent, (int)(length - sent));
        if (result <= 0)
            return may_retry(device, result) ? (int)sent : -1;
        sent += (size_t)result;
    }
    return (int)sent;
}

bool device_send(struct device *device, const void *data, size_t length)
{
    int64_t end = now_ms() + PATIENCE_MS;
    size_t sent = 0;
    SSL_set_mode(device->ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    while (sent < length && now_ms() < end) {
        int result = device_try_send(device, (const uint8_t *)data + sent, length - sent);
        if (result < 0)
            return false;
        sent += (size_t)result;
        turn(device->base, 0);
    }
    return sent == length;
}

/* True when something came; *closed when nothing will any more. */
static bool fill(struct device *device, bool *closed)
{
    int result = SSL_read(device->ssl, device->buffer + device->length,
                          (int)(sizeof device->buffer - device->length));
    *closed = result <= 0 && !may_retry(device, result);
    if (result > 0)
        device->length += (size_t)result;
    return result > 0;
}

static void drop_used(struct device *device)
{
    memmove(device->buffer, device->buffer + device->used, device->length - device->used);
    device->length -= device->used;
    device->used = 0;
}

bool device_read(struct device *device, struct mqtt_header *header, const uint8_t **body, int ms)
{
    int64_t end = now_ms() + ms;
    bool closed = false;
    drop_used(device);
    for (;;) {
        if (device->mqtt->decode_header(device->buffer, device->length, header) == OTTER_OK &&
            device->length >= header->size + header->body_length) {
            *body = device->buffer + header->size;
            device->used = header->size + header->body_length;
            return true;
        }
        if (closed || now_ms() > end)
            return false;
        turn(device->base, 0);
        fill(device, &closed);
    }
}

bool device_is_closed(struct device *device)
{
    int64_t end = now_ms() + PATIENCE_MS;
    bool closed = false;
    while (!closed && now_ms() < end) {
        turn(device->base, 0);
        device->length = device->used = 0;
        fill(device, &closed);
    }
    return closed;
}
