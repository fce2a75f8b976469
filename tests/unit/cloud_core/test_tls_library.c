/* The library context of the cloud's TLS servers, by handshakes in memory: what is left out of it
 * must be missed by nobody. */
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cloud/loop/tls_library.h"

struct identity {
    EVP_PKEY *key;
    X509 *certificate;
};

static struct identity make(EVP_PKEY *key)
{
    struct identity made = {key, X509_new()};
    const EVP_MD *digest =
        EVP_PKEY_is_a(key, "ED25519") || EVP_PKEY_is_a(key, "ED448") ? NULL : EVP_sha256();
    assert_non_null(key);
    X509_set_version(made.certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(made.certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(made.certificate), 0);
    X509_gmtime_adj(X509_getm_notAfter(made.certificate), 3600);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(made.certificate), "CN", MBSTRING_ASC,
                               (const unsigned char *)"one", -1, -1, 0);
    X509_set_issuer_name(made.certificate, X509_get_subject_name(made.certificate));
    X509_set_pubkey(made.certificate, key);
    assert_true(X509_sign(made.certificate, key, digest) > 0);
    return made;
}

static void discard(struct identity *identity)
{
    EVP_PKEY_free(identity->key);
    X509_free(identity->certificate);
}

static int take_all(X509_STORE_CTX *store, void *context)
{
    (void)context;
    return X509_STORE_CTX_get0_cert(store) != NULL;
}

static SSL_CTX *context_of(OSSL_LIB_CTX *library, const SSL_METHOD *method,
                           const struct identity *identity)
{
    SSL_CTX *context = SSL_CTX_new_ex(library, NULL, method);
    assert_non_null(context);
    assert_int_equal(SSL_CTX_use_certificate(context, identity->certificate), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(context, identity->key), 1);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    SSL_CTX_set_cert_verify_callback(context, take_all, NULL);
    return context;
}

static bool shake_hands(SSL *server, SSL *client)
{
    int done_server = 0, done_client = 0;
    for (int i = 0; i < 20 && !(done_server == 1 && done_client == 1); i++) {
        done_client = SSL_do_handshake(client);
        done_server = SSL_do_handshake(server);
    }
    return done_server == 1 && done_client == 1;
}

/* A device's handshake with a gateway, in version, cipher and group of the device's choice. */
static bool meet(struct identity *gateway, struct identity *device, int version, const char *cipher,
                 const char *group)
{
    SSL_CTX *at_gateway = context_of(tls_library(), TLS_server_method(), gateway);
    SSL_CTX *at_device = context_of(NULL, TLS_client_method(), device);
    SSL *server = SSL_new(at_gateway), *client = SSL_new(at_device);
    BIO *up = NULL, *down = NULL;
    char got[4] = "";
    BIO_new_bio_pair(&up, 0, &down, 0);
    SSL_set_bio(server, up, up);
    SSL_set_bio(client, down, down);
    SSL_set_accept_state(server);
    SSL_set_connect_state(client);
    SSL_set_max_proto_version(client, version);
    if (version == TLS1_3_VERSION)
        assert_int_equal(SSL_set_ciphersuites(client, cipher), 1);
    else
        assert_int_equal(SSL_set_cipher_list(client, cipher), 1);
    assert_int_equal(SSL_set1_groups_list(client, group), 1);
    bool met = shake_hands(server, client) && SSL_write(client, "hey", 3) == 3 &&
               SSL_read(server, got, 3) == 3 && strcmp(got, "hey") == 0 &&
               EVP_PKEY_eq(X509_get0_pubkey(SSL_get0_peer_certificate(server)), device->key) == 1;
    SSL_free(server);
    SSL_free(client);
    SSL_CTX_free(at_gateway);
    SSL_CTX_free(at_device);
    ERR_clear_error();
    return met;
}

static void it_is_one_of_its_own_and_always_the_same(void **state)
{
    (void)state;
    assert_non_null(tls_library());
    assert_ptr_equal(tls_library(), tls_library());
}

static void devices_with_every_kind_of_key_that_AWS_takes_are_met(void **state)
{
    struct identity gateway = make(EVP_EC_gen("P-256"));
    struct identity devices[] = {make(EVP_EC_gen("P-256")), make(EVP_EC_gen("P-384")),
                                 make(EVP_EC_gen("P-521")), make(EVP_RSA_gen(2048)),
                                 make(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"))};
    (void)state;
    for (size_t i = 0; i < sizeof devices / sizeof *devices; i++) {
        assert_true(
            meet(&gateway, &devices[i], TLS1_3_VERSION, "TLS_AES_128_GCM_SHA256", "X25519"));
        assert_true(meet(&gateway, &devices[i], TLS1_2_VERSION, "ECDHE-ECDSA-AES128-GCM-SHA256",
                         "P-256:P-384:P-521"));
        discard(&devices[i]);
    }
    discard(&gateway);
}

static void every_cipher_and_group_that_AWS_offers_can_be_chosen(void **state)
{
    static const char *const old[] = {
        "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-SHA256", "ECDHE-RSA-AES256-GCM-SHA384",
        "ECDHE-RSA-AES256-SHA384",     "AES128-GCM-SHA256",       "AES128-SHA256",
        "AES256-GCM-SHA384",           "AES256-SHA256",           "ECDHE-RSA-CHACHA20-POLY1305"};
    static const char *const now[] = {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384",
                                      "TLS_CHACHA20_POLY1305_SHA256"};
    static const char *const groups[] = {"X25519", "P-256", "P-384", "P-521", "X448"};
    struct identity gateway = make(EVP_RSA_gen(2048)), device = make(EVP_EC_gen("P-256"));
    (void)state;
    for (size_t i = 0; i < sizeof old / sizeof *old; i++)
        assert_true(meet(&gateway, &device, TLS1_2_VERSION, old[i], "P-256"));
    for (size_t i = 0; i < sizeof now / sizeof *now; i++)
        assert_true(meet(&gateway, &device, TLS1_3_VERSION, now[i], "X25519"));
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
        assert_true(meet(&gateway, &device, TLS1_3_VERSION, now[0], groups[i]));
    discard(&gateway);
    discard(&device);
}

/* A peer's key of P-256 as TLS has it, taken and looked at as for a handshake. */
static bool is_taken(const unsigned char *point, size_t length)
{
    char curve[] = "P-256";
    OSSL_PARAM parts[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, curve, 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)point, length),
        OSSL_PARAM_construct_end()};
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *from = EVP_PKEY_CTX_new_from_name(tls_library(), "EC", NULL);
    assert_int_equal(EVP_PKEY_fromdata_init(from), 1);
    bool taken = EVP_PKEY_fromdata(from, &key, EVP_PKEY_PUBLIC_KEY, parts) == 1;
    EVP_PKEY_CTX *look = taken ? EVP_PKEY_CTX_new_from_pkey(tls_library(), key, NULL) : NULL;
    taken = taken && EVP_PKEY_public_check(look) == 1;
    EVP_PKEY_CTX_free(look);
    EVP_PKEY_CTX_free(from);
    EVP_PKEY_free(key);
    ERR_clear_error();
    return taken;
}

static void a_key_that_is_no_point_of_its_curve_is_refused(void **state)
{
    static const unsigned char nowhere[1] = {0}; /* the point at infinity */
    unsigned char *point = NULL;
    EVP_PKEY *key = EVP_EC_gen("P-256");
    const size_t length = EVP_PKEY_get1_encoded_public_key(key, &point);
    (void)state;
    assert_int_equal(length, 65);
    assert_true(is_taken(point, length));
    assert_false(is_taken(nowhere, sizeof nowhere));
    point[64] ^= 1;
    assert_false(is_taken(point, length));
    point[64] ^= 1;
    memset(point + 1, 0xff, 32); /* x is not below the field's prime */
    assert_false(is_taken(point, length));
    OPENSSL_free(point);
    EVP_PKEY_free(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_one_of_its_own_and_always_the_same),
        cmocka_unit_test(devices_with_every_kind_of_key_that_AWS_takes_are_met),
        cmocka_unit_test(every_cipher_and_group_that_AWS_offers_can_be_chosen),
        cmocka_unit_test(a_key_that_is_no_point_of_its_curve_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
