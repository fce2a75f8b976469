/* TLS without an SSL: OpenSSL's client on the other side, in memory. */
#include <event2/buffer.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cloud/gateway/records.h"
#include "cloud/loop/tls_library.h"

#define ROOM  (1u << 20)
#define BYTES 40000u

static EVP_PKEY *key;
static X509 *certificate;
static uint8_t noise[BYTES];

/* A client, and what is left of the server. */
struct pair {
    SSL_CTX *at_server, *at_client;
    SSL *server, *client;
    BIO *socket; /* the server's end */
    struct records *records;
    struct evbuffer *in, *out, *sealed;
    uint8_t begun[RECORDS_MAX + ROOM];
    size_t begun_size;
};

static int make_identity(void **state)
{
    (void)state;
    key = EVP_EC_gen("P-256");
    certificate = X509_new();
    X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    X509_sign(certificate, key, EVP_sha256());
    for (size_t i = 0; i < sizeof noise; i++)
        noise[i] = (uint8_t)(i * 7 + i / 256);
    return 0;
}

static int free_identity(void **state)
{
    (void)state;
    EVP_PKEY_free(key);
    X509_free(certificate);
    return 0;
}

static void shake_hands(struct pair *pair)
{
    int server = 0, client = 0;
    for (int i = 0; i < 20 && !(server == 1 && client == 1); i++) {
        client = SSL_do_handshake(pair->client);
        server = SSL_do_handshake(pair->server);
    }
    assert_int_equal(server, 1);
    assert_int_equal(client, 1);
}

static void connect_pair(struct pair *pair, int version, const char *cipher, unsigned shorter)
{
    BIO *down = NULL;
    memset(pair, 0, sizeof *pair);
    pair->at_server = SSL_CTX_new_ex(tls_library(), NULL, TLS_server_method());
    pair->at_client = SSL_CTX_new(TLS_client_method());
    SSL_CTX_use_certificate(pair->at_server, certificate);
    SSL_CTX_use_PrivateKey(pair->at_server, key);
    SSL_CTX_set_num_tickets(pair->at_server, 0);
    assert_true(records_prepare(pair->at_server));
    SSL_CTX_set_max_proto_version(pair->at_client, version);
    if (version == TLS1_3_VERSION)
        SSL_CTX_set_ciphersuites(pair->at_client, cipher);
    else
        SSL_CTX_set_cipher_list(pair->at_client, cipher);
    SSL_CTX_set_tlsext_max_fragment_length(pair->at_client, (uint8_t)shorter);
    pair->server = SSL_new(pair->at_server);
    pair->client = SSL_new(pair->at_client);
    assert_int_equal(BIO_new_bio_pair(&pair->socket, ROOM, &down, ROOM), 1);
    BIO_up_ref(pair->socket);
    SSL_set_bio(pair->server, pair->socket, pair->socket);
    SSL_set_bio(pair->client, down, down);
    SSL_set_accept_state(pair->server);
    SSL_set_connect_state(pair->client);
    shake_hands(pair);
    pair->in = evbuffer_new();
    pair->out = evbuffer_new();
    pair->sealed = evbuffer_new();
}

static void begin(struct pair *pair, int version, const char *cipher)
{
    connect_pair(pair, version, cipher, 0);
    pair->records = records_take(pair->server);
    assert_non_null(pair->records);
    SSL_free(pair->server);
    pair->server = NULL;
}

static void end(struct pair *pair)
{
    records_free(pair->records);
    evbuffer_free(pair->in);
    evbuffer_free(pair->out);
    evbuffer_free(pair->sealed);
    SSL_free(pair->server);
    SSL_free(pair->client);
    BIO_free(pair->socket);
    SSL_CTX_free(pair->at_server);
    SSL_CTX_free(pair->at_client);
    ERR_clear_error();
}

/* Opens what the client sent, `step` bytes of it at a time. */
static enum records_end hear(struct pair *pair, size_t step)
{
    enum records_end end = RECORDS_OPEN;
    size_t used;
    int got;
    while (end == RECORDS_OPEN &&
           (got = BIO_read(pair->socket, pair->begun + pair->begun_size, (int)step)) > 0) {
        pair->begun_size += (size_t)got;
        end = records_open(pair->records, pair->begun, pair->begun_size, &used, pair->in,
                           pair->sealed);
        pair->begun_size -= used;
        memmove(pair->begun, pair->begun + used, pair->begun_size);
    }
    return end;
}

static void send_sealed(struct pair *pair)
{
    const size_t length = evbuffer_get_length(pair->sealed);
    if (length > 0)
        assert_int_equal(BIO_write(pair->socket, evbuffer_pullup(pair->sealed, -1), (int)length),
                         length);
    evbuffer_drain(pair->sealed, length);
}

static void assert_heard(struct pair *pair, size_t size, size_t step)
{
    assert_int_equal(SSL_write(pair->client, noise, (int)size), size);
    assert_int_equal(hear(pair, step), RECORDS_OPEN);
    assert_int_equal(evbuffer_get_length(pair->in), size);
    assert_memory_equal(evbuffer_pullup(pair->in, -1), noise, size);
    evbuffer_drain(pair->in, size);
}

static void assert_told(struct pair *pair, size_t size)
{
    static uint8_t got[BYTES];
    size_t at = 0;
    evbuffer_add(pair->out, noise, size);
    assert_true(records_seal(pair->records, pair->out, SIZE_MAX, pair->sealed));
    assert_int_equal(evbuffer_get_length(pair->out), 0);
    send_sealed(pair);
    for (int more; at < size && (more = SSL_read(pair->client, got + at, (int)(size - at))) > 0;)
        at += (size_t)more;
    assert_int_equal(at, size);
    assert_memory_equal(got, noise, size);
}

static const struct {
    int version;
    const char *cipher;
} kinds[] = {
    {TLS1_3_VERSION, "TLS_AES_128_GCM_SHA256"},
    {TLS1_3_VERSION, "TLS_AES_256_GCM_SHA384"},
    {TLS1_3_VERSION, "TLS_CHACHA20_POLY1305_SHA256"},
    {TLS1_2_VERSION, "ECDHE-ECDSA-AES128-GCM-SHA256"},
    {TLS1_2_VERSION, "ECDHE-ECDSA-AES256-GCM-SHA384"},
    {TLS1_2_VERSION, "ECDHE-ECDSA-CHACHA20-POLY1305"},
};
#define KINDS (sizeof kinds / sizeof *kinds)

static struct pair pair;

static void what_is_said_and_told_arrives_in_every_cipher(void **state)
{
    static const size_t steps[] = {1, 1000, ROOM};
    (void)state;
    for (size_t i = 0; i < KINDS; i++) {
        begin(&pair, kinds[i].version, kinds[i].cipher);
        for (size_t step = 0; step < 3; step++) {
            assert_heard(&pair, step == 0 ? 300 : BYTES, steps[step]);
            assert_told(&pair, 1);
            assert_told(&pair, BYTES);
        }
        end(&pair);
    }
}

static void it_goes_on_after_a_rest(void **state)
{
    (void)state;
    for (size_t i = 0; i < KINDS; i++) {
        begin(&pair, kinds[i].version, kinds[i].cipher);
        assert_false(records_awake(pair.records));
        for (int round = 0; round < 3; round++) {
            assert_heard(&pair, 100, 1000);
            assert_told(&pair, 100);
            assert_true(records_awake(pair.records));
            records_rest(pair.records);
            assert_false(records_awake(pair.records));
        }
        end(&pair);
    }
}

static void other_ciphers_stay_with_OpenSSL(void **state)
{
    char got[4] = "";
    (void)state;
    connect_pair(&pair, TLS1_2_VERSION, "ECDHE-ECDSA-AES128-SHA256", 0);
    assert_null(records_take(pair.server));
    assert_int_equal(SSL_write(pair.client, "hey", 3), 3);
    assert_int_equal(SSL_read(pair.server, got, 3), 3);
    assert_string_equal(got, "hey");
    end(&pair);
}

static void what_OpenSSL_has_read_already_stays_with_it(void **state)
{
    char got;
    (void)state;
    connect_pair(&pair, TLS1_3_VERSION, kinds[0].cipher, 0);
    SSL_write(pair.client, "hey", 3);
    assert_int_equal(SSL_read(pair.server, &got, 1), 1);
    assert_null(records_take(pair.server));
    end(&pair);
}

static void both_sides_change_their_keys_when_asked(void **state)
{
    (void)state;
    for (size_t i = 0; kinds[i].version == TLS1_3_VERSION; i++) {
        begin(&pair, kinds[i].version, kinds[i].cipher);
        for (int round = 0; round < 40; round++) {
            SSL_key_update(pair.client,
                           round % 2 ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED);
            assert_heard(&pair, 100, 1000);
            assert_int_equal(evbuffer_get_length(pair.sealed) > 0, round % 2);
            assert_told(&pair, 100);
        }
        end(&pair);
    }
}

static void records_that_say_nothing_without_end_end_it(void **state)
{
    enum records_end last = RECORDS_OPEN;
    int changes = 0;
    (void)state;
    begin(&pair, TLS1_3_VERSION, kinds[0].cipher);
    while (last == RECORDS_OPEN && changes++ < 100) {
        SSL_key_update(pair.client, SSL_KEY_UPDATE_NOT_REQUESTED);
        SSL_do_handshake(pair.client);
        last = hear(&pair, ROOM);
    }
    assert_int_equal(last, RECORDS_WRONG);
    assert_int_equal(changes, 33);
    end(&pair);
}

static void a_changed_byte_is_found_and_the_client_is_told(void **state)
{
    char got;
    (void)state;
    for (size_t i = 0; i < KINDS; i++) {
        begin(&pair, kinds[i].version, kinds[i].cipher);
        SSL_write(pair.client, noise, 100);
        pair.begun_size = (size_t)BIO_read(pair.socket, pair.begun, (int)ROOM);
        pair.begun[pair.begun_size - 30] ^= 1;
        size_t used;
        assert_int_equal(
            records_open(pair.records, pair.begun, pair.begun_size, &used, pair.in, pair.sealed),
            RECORDS_WRONG);
        assert_int_equal(evbuffer_get_length(pair.in), 0);
        records_close(pair.records, pair.sealed);
        send_sealed(&pair);
        assert_true(SSL_read(pair.client, &got, 1) <= 0);
        assert_int_equal(ERR_GET_REASON(ERR_peek_error()), SSL_R_SSLV3_ALERT_BAD_RECORD_MAC);
        end(&pair);
    }
}

static void a_record_that_comes_twice_or_not_at_all_is_found(void **state)
{
    size_t used;
    (void)state;
    for (size_t i = 0; i < KINDS; i++) {
        begin(&pair, kinds[i].version, kinds[i].cipher);
        SSL_write(pair.client, noise, 100);
        BIO_read(pair.socket, pair.begun, (int)ROOM); /* lost */
        SSL_write(pair.client, noise, 100);
        assert_int_equal(hear(&pair, ROOM), RECORDS_WRONG);
        end(&pair);
        begin(&pair, kinds[i].version, kinds[i].cipher);
        static uint8_t once[1000], twice[1000];
        SSL_write(pair.client, noise, 100);
        const size_t size = (size_t)BIO_read(pair.socket, once, sizeof once);
        memcpy(twice, once, size);
        assert_int_equal(records_open(pair.records, once, size, &used, pair.in, pair.sealed),
                         RECORDS_OPEN);
        assert_int_equal(records_open(pair.records, twice, size, &used, pair.in, pair.sealed),
                         RECORDS_WRONG);
        end(&pair);
    }
}

static void what_is_no_record_ends_it(void **state)
{
    static const uint8_t wrong[][8] = {{23, 2, 0, 0, 20},         {20, 3, 3, 0, 1, 1},
                                       {23, 3, 3, 0xff, 0xff},    {23, 3, 3, 0, 0},
                                       {22, 3, 3, 0, 3, 1, 2, 3}, {71, 69, 84, 32, 47}};
    (void)state;
    for (size_t i = 0; i < KINDS; i++)
        for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++) {
            size_t used;
            uint8_t copy[8];
            begin(&pair, kinds[i].version, kinds[i].cipher);
            memcpy(copy, wrong[k], sizeof copy);
            assert_int_equal(
                records_open(pair.records, copy, sizeof copy, &used, pair.in, pair.sealed),
                RECORDS_WRONG);
            end(&pair);
        }
}

static void goodbyes_are_said_and_heard(void **state)
{
    char got;
    (void)state;
    for (size_t i = 0; i < KINDS; i++) {
        begin(&pair, kinds[i].version, kinds[i].cipher);
        SSL_write(pair.client, noise, 10);
        SSL_shutdown(pair.client);
        assert_int_equal(hear(&pair, ROOM), RECORDS_CLOSED);
        assert_int_equal(evbuffer_get_length(pair.in), 10);
        records_close(pair.records, pair.sealed);
        send_sealed(&pair);
        const int read = SSL_read(pair.client, &got, 1);
        assert_int_equal(SSL_get_error(pair.client, read), SSL_ERROR_ZERO_RETURN);
        end(&pair);
    }
}

static void no_record_is_longer_than_the_client_takes(void **state)
{
    (void)state;
    connect_pair(&pair, TLS1_2_VERSION, "ECDHE-ECDSA-AES128-GCM-SHA256",
                 TLSEXT_max_fragment_length_1024);
    pair.records = records_take(pair.server);
    assert_non_null(pair.records);
    evbuffer_add(pair.out, noise, 5000);
    assert_true(records_seal(pair.records, pair.out, SIZE_MAX, pair.sealed));
    assert_int_equal(evbuffer_get_length(pair.sealed), 5000 + 5 * (5 + 8 + 16));
    end(&pair);
}

static void hands_are_not_shaken_again_and_who_asks_is_told_so(void **state)
{
    char got;
    (void)state;
    for (size_t i = 3; i < KINDS; i++) {
        begin(&pair, kinds[i].version, kinds[i].cipher);
        SSL_renegotiate(pair.client);
        SSL_do_handshake(pair.client);
        assert_int_equal(hear(&pair, ROOM), RECORDS_OPEN); /* it may go on without */
        send_sealed(&pair);
        assert_true(SSL_read(pair.client, &got, 1) <= 0); /* OpenSSL's does not */
        assert_int_equal(ERR_GET_REASON(ERR_peek_error()), SSL_R_NO_RENEGOTIATION);
        end(&pair);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_said_and_told_arrives_in_every_cipher),
        cmocka_unit_test(it_goes_on_after_a_rest),
        cmocka_unit_test(other_ciphers_stay_with_OpenSSL),
        cmocka_unit_test(what_OpenSSL_has_read_already_stays_with_it),
        cmocka_unit_test(both_sides_change_their_keys_when_asked),
        cmocka_unit_test(records_that_say_nothing_without_end_end_it),
        cmocka_unit_test(a_changed_byte_is_found_and_the_client_is_told),
        cmocka_unit_test(a_record_that_comes_twice_or_not_at_all_is_found),
        cmocka_unit_test(what_is_no_record_ends_it),
        cmocka_unit_test(goodbyes_are_said_and_heard),
        cmocka_unit_test(no_record_is_longer_than_the_client_takes),
        cmocka_unit_test(hands_are_not_shaken_again_and_who_asks_is_told_so),
    };
    return cmocka_run_group_tests(tests, make_identity, free_identity);
}
