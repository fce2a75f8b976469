/* What comes after a handshake, from a client whom the network may do anything to. The input says
 * what the client does and what becomes of it on the way; whatever that is, nothing is heard but
 * what the client said, from its beginning on, and however it is cut, the same. */
#include <event2/buffer.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/gateway/records.h"
#include "cloud/loop/tls_library.h"

#define ROOM (1 << 16)

static SSL_CTX *at_server, *at_client;

static void prepare(void)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    X509_sign(certificate, key, EVP_sha256());
    at_server = SSL_CTX_new_ex(tls_library(), NULL, TLS_server_method());
    at_client = SSL_CTX_new(TLS_client_method());
    SSL_CTX_use_certificate(at_server, certificate);
    SSL_CTX_use_PrivateKey(at_server, key);
    SSL_CTX_set_num_tickets(at_server, 0);
    if (!records_prepare(at_server))
        abort();
    EVP_PKEY_free(key);
    X509_free(certificate);
}

/* The client, and the server's end of its socket. */
static SSL *meet(int version, BIO **socket, struct records *records[2])
{
    SSL *server = SSL_new(at_server), *client = SSL_new(at_client);
    BIO *down = NULL;
    BIO_new_bio_pair(socket, ROOM, &down, ROOM);
    BIO_up_ref(*socket);
    SSL_set_bio(server, *socket, *socket);
    SSL_set_bio(client, down, down);
    SSL_set_max_proto_version(client, version);
    SSL_set_accept_state(server);
    SSL_set_connect_state(client);
    for (int i = 0; i < 4; i++) {
        SSL_do_handshake(client);
        SSL_do_handshake(server);
    }
    records[0] = records_take(server);
    records[1] = records_take(server); /* for the same bytes, cut otherwise */
    SSL_free(server);
    if (!records[0] || !records[1])
        abort();
    return client;
}

/* Each two bytes of the input: what the client does, and how much. Gives what it said. */
static size_t act(SSL *client, const uint8_t *data, size_t size, uint8_t *said)
{
    size_t length = 0;
    for (size_t i = 0; i + 1 < size && length < 8192; i += 2) {
        for (size_t k = 0; k < data[i + 1]; k++)
            said[length + k] = (uint8_t)(length + k);
        if (data[i] % 4 == 0 && data[i + 1] > 0 &&
            SSL_write(client, said + length, data[i + 1]) == data[i + 1])
            length += data[i + 1];
        else if (data[i] % 4 == 1)
            SSL_key_update(client, SSL_KEY_UPDATE_NOT_REQUESTED);
        else if (data[i] % 4 == 2)
            SSL_key_update(client, SSL_KEY_UPDATE_REQUESTED);
        else if (data[i] == 3)
            SSL_shutdown(client);
    }
    ERR_clear_error();
    return length;
}

/* Each three bytes: where, and what is changed there. The last says how much is lost at the end. */
static size_t harm(uint8_t *bytes, size_t size, const uint8_t *data, size_t count)
{
    for (size_t i = 0; size > 0 && i + 2 < count; i += 3)
        bytes[((size_t)data[i] << 8 | data[i + 1]) % size] ^= data[i + 2];
    return size > 0 && count % 3 == 1 ? size - data[count - 1] % size : size;
}

static enum records_end hear(struct records *records, const uint8_t *bytes, size_t size,
                             size_t step, struct evbuffer *heard)
{
    struct evbuffer *answers = evbuffer_new();
    enum records_end end = RECORDS_OPEN;
    uint8_t *copy = malloc(size + 1);
    size_t used, begin = 0;
    memcpy(copy, bytes, size);
    for (size_t at = 0; at < size && end == RECORDS_OPEN; begin += used) {
        at = size - at < step ? size : at + step;
        end = records_open(records, copy + begin, at - begin, &used, heard, answers);
        if (begin + used > at)
            abort();
    }
    free(copy);
    evbuffer_free(answers);
    return end;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t said[16384], bytes[2 * ROOM];
    BIO *socket = NULL;
    struct records *records[2];
    if (!at_server)
        prepare();
    if (size < 2)
        return 0;
    const size_t acts = data[1] % (size - 1);
    SSL *client = meet(data[0] % 2 ? TLS1_2_VERSION : TLS1_3_VERSION, &socket, records);
    const size_t length = act(client, data + 2, acts, said);
    const int got = BIO_read(socket, bytes, sizeof bytes);
    const size_t there = harm(bytes, got > 0 ? (size_t)got : 0, data + 2 + acts, size - 2 - acts);
    struct evbuffer *whole = evbuffer_new(), *parts = evbuffer_new();
    const enum records_end end = hear(records[0], bytes, there, there, whole);
    const size_t heard = evbuffer_get_length(whole);
    if (hear(records[1], bytes, there, 7, parts) != end || evbuffer_get_length(parts) != heard)
        abort();
    if (heard > length || (heard > 0 && memcmp(evbuffer_pullup(whole, -1), said, heard) != 0))
        abort();
    records_free(records[0]);
    records_free(records[1]);
    evbuffer_free(whole);
    evbuffer_free(parts);
    SSL_free(client);
    BIO_free(socket);
    return 0;
}
