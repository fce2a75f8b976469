/* What pki promises of private keys, wherever they lie: in the store, in a PKCS#11 module
 * (SoftHSM), in a PSA implementation. */
#define _GNU_SOURCE /* memmem */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include <cmocka.h>
#include <mbedtls/pk.h>
#include <mbedtls/x509_crt.h>
#include <mbedtls/x509_csr.h>

#include "pki/pki.h"
#include "port/port.h"
#include "ports/posix/pkcs11_keys.h"
#include "tests/sim/nor_store.h"
#include "tests/unit/pki/keys_elsewhere.h"
#include "tests/unit/pki/soft_token.h"

#define LAMP_KEY  "lamp_key"
#define LAMP_PUB  "lamp_pub"
#define LAMP_CERT "lamp_cert"

static char imported_pem[500]; /* a key that was made elsewhere */

/* Labels that a service of a product brings. */
static const struct pki_object lamp_objects[] = {
    {LAMP_KEY, PKI_PRIVATE_KEY, LAMP_PUB, LAMP_CERT},
    {LAMP_PUB, PKI_PUBLIC_KEY, NULL, NULL},
    {LAMP_CERT, PKI_CERTIFICATE, NULL, NULL},
};
static const struct pki_table lamp_labels = {lamp_objects, 3};

static const char *const labels[] = {PKI_TLS_KEY_PRIV, LAMP_KEY};
static const char *const public_labels[] = {PKI_TLS_KEY_PUB, LAMP_PUB};
static const char *const cert_labels[] = {PKI_TLS_CERT, LAMP_CERT};
#define LABELS 2

static struct nor_store store;
static struct kv kv;
static struct pki pki;
static struct pki_part lamp_part;
static struct psa_vault vault;
static const struct pki_keys *place; /* NULL: the store */

otter_ms port_now(void)
{
    return 0;
}

otter_status port_random(void *data, size_t length)
{
    return getrandom(data, length, 0) == (ssize_t)length ? OTTER_OK : OTTER_E_CRYPTO;
}

void port_log_write(const char *line, size_t length)
{
    printf("%.*s\n", (int)length, line);
}

static int give_random(void *unused, unsigned char *data, size_t length)
{
    (void)unused;
    return port_random(data, length);
}

static int make_imported_pem(void **state)
{
    (void)state;
    mbedtls_pk_context key;
    mbedtls_pk_init(&key);
    int error = mbedtls_pk_setup(&key, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY));
    if (error == 0)
        error =
            mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(key), give_random, NULL);
    if (error == 0)
        error = mbedtls_pk_write_key_pem(&key, (unsigned char *)imported_pem, sizeof imported_pem);
    mbedtls_pk_free(&key);
    return error;
}

static int set_up(void **state)
{
    (void)state;
    assert_int_equal(nor_store_open(&store, NOR_STORE_SECTORS, &kv), OTTER_OK);
    pki_init(&pki, &kv, place, &vault);
    pki_add(&pki, &lamp_part, &lamp_labels);
    for (int i = 0; i < LABELS; i++)
        assert_int_equal(pki_delete(&pki, labels[i]), OTTER_OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    psa_vault_empty(&vault);
    return !nor_store_close(&store);
}

static bool is_there(const char *label)
{
    uint32_t length;
    const otter_status status = pki_length(&pki, label, &length);
    assert_true(status == OTTER_OK || status == OTTER_E_NOT_FOUND);
    return status == OTTER_OK;
}

static struct pki_public public_half(const char *label)
{
    struct pki_public key;
    assert_int_equal(pki_public_key(&pki, label, &key), OTTER_OK);
    return key;
}

static bool same(const struct pki_public *a, const struct pki_public *b)
{
    return a->length == b->length && memcmp(a->der, b->der, a->length) == 0;
}

/* With the public half alone, by Mbed TLS. */
static int verify(const struct pki_public *key, mbedtls_md_type_t hash, const uint8_t *digest,
                  size_t length, const struct pki_signature *signature)
{
    mbedtls_pk_context context;
    mbedtls_pk_init(&context);
    assert_int_equal(mbedtls_pk_parse_public_key(&context, key->der, key->length), 0);
    const int error =
        mbedtls_pk_verify(&context, hash, digest, length, signature->der, signature->length);
    mbedtls_pk_free(&context);
    return error;
}

static void assert_signs_as(const char *label, const struct pki_public *key)
{
    static const struct {
        mbedtls_md_type_t hash;
        size_t length;
    } kinds[] = {{MBEDTLS_MD_SHA256, 32}, {MBEDTLS_MD_SHA384, 48}, {MBEDTLS_MD_SHA512, 64}};
    uint8_t digest[64];
    struct pki_signature signature;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        assert_int_equal(port_random(digest, sizeof digest), OTTER_OK);
        assert_int_equal(pki_sign(&pki, label, digest, kinds[i].length, &signature), OTTER_OK);
        assert_int_equal(verify(key, kinds[i].hash, digest, kinds[i].length, &signature), 0);
        digest[0] ^= 1;
        assert_int_not_equal(verify(key, kinds[i].hash, digest, kinds[i].length, &signature), 0);
    }
}

/* ---- Promises -------------------------------------------------------------------------------- */

static void an_absent_key_is_told_as_such(void **state)
{
    (void)state;
    const uint8_t digest[32] = {0};
    struct pki_signature signature;
    struct pki_public key;
    mbedtls_pk_context context;
    mbedtls_pk_init(&context);
    for (int i = 0; i < LABELS; i++) {
        assert_false(is_there(labels[i]));
        assert_int_equal(pki_public_key(&pki, labels[i], &key), OTTER_E_NOT_FOUND);
        assert_int_equal(pki_sign(&pki, labels[i], digest, 32, &signature), OTTER_E_NOT_FOUND);
        assert_int_equal(pki_open_key(&pki, labels[i], &context), OTTER_E_NOT_FOUND);
        assert_int_equal(pki_generate_cert(&pki, labels[i], "a"), OTTER_E_NOT_FOUND);
    }
}

static void a_key_that_was_made_signs_for_its_public_half(void **state)
{
    (void)state;
    for (int i = 0; i < LABELS; i++) {
        uint8_t stored[PKI_DER_MAX];
        size_t length;
        assert_int_equal(pki_generate_key(&pki, labels[i]), OTTER_OK);
        assert_true(is_there(labels[i]));
        const struct pki_public key = public_half(labels[i]);
        assert_signs_as(labels[i], &key);
        assert_int_equal(pki_load(&pki, public_labels[i], stored, sizeof stored, &length),
                         OTTER_OK);
        assert_int_equal(length, key.length);
        assert_memory_equal(stored, key.der, length);
    }
    const struct pki_public first = public_half(labels[0]), second = public_half(labels[1]);
    assert_false(same(&first, &second));
}

static void a_new_key_takes_the_place_of_the_old_and_of_its_certificate(void **state)
{
    (void)state;
    for (int i = 0; i < LABELS; i++) {
        assert_int_equal(pki_generate_key(&pki, labels[i]), OTTER_OK);
        assert_int_equal(pki_generate_cert(&pki, labels[i], "a"), OTTER_OK);
        const struct pki_public old = public_half(labels[i]);
        assert_int_equal(pki_generate_key(&pki, labels[i]), OTTER_OK);
        const struct pki_public new = public_half(labels[i]);
        assert_false(same(&old, &new));
        assert_signs_as(labels[i], &new);
        assert_false(is_there(cert_labels[i]));
    }
}

static void a_deleted_key_is_gone_with_its_public_half(void **state)
{
    (void)state;
    for (int i = 0; i < LABELS; i++) {
        assert_int_equal(pki_generate_key(&pki, labels[i]), OTTER_OK);
        assert_int_equal(pki_generate_cert(&pki, labels[i], "a"), OTTER_OK);
        assert_int_equal(pki_delete(&pki, labels[i]), OTTER_OK);
        assert_false(is_there(labels[i]));
        assert_false(is_there(public_labels[i]));
        assert_true(is_there(cert_labels[i]));
        assert_int_equal(pki_delete(&pki, cert_labels[i]), OTTER_OK);
        assert_false(is_there(cert_labels[i]));
    }
}

static void its_certificate_is_self_signed(void **state)
{
    (void)state;
    for (int i = 0; i < LABELS; i++) {
        mbedtls_x509_crt cert;
        uint32_t flags;
        uint8_t spki[PKI_PUBLIC_MAX];
        assert_int_equal(pki_generate_key(&pki, labels[i]), OTTER_OK);
        assert_int_equal(pki_generate_cert(&pki, labels[i], "lamp"), OTTER_OK);
        const struct pki_public key = public_half(labels[i]);
        mbedtls_x509_crt_init(&cert);
        assert_int_equal(pki_load_cert(&pki, cert_labels[i], &cert), OTTER_OK);
        assert_int_equal(mbedtls_x509_crt_verify(&cert, &cert, NULL, NULL, &flags, NULL, NULL), 0);
        assert_int_equal(mbedtls_pk_write_pubkey_der(&cert.pk, spki, sizeof spki), key.length);
        assert_memory_equal(spki + sizeof spki - key.length, key.der, key.length);
        mbedtls_x509_crt_free(&cert);
    }
}

/* As TLS does it with SHA-384. */
static void mbed_tls_signs_with_the_handle_and_takes_it_for_an_ec_key(void **state)
{
    (void)state;
    uint8_t digest[48];
    uint8_t spki[PKI_PUBLIC_MAX];
    struct pki_signature signature;
    uint8_t made[MBEDTLS_PK_SIGNATURE_MAX_SIZE];
    size_t length;
    mbedtls_pk_context context;
    mbedtls_pk_init(&context);
    assert_int_equal(pki_generate_key(&pki, LAMP_KEY), OTTER_OK);
    assert_int_equal(pki_open_key(&pki, LAMP_KEY, &context), OTTER_OK);
    assert_int_equal(port_random(digest, sizeof digest), OTTER_OK);
    assert_int_equal(mbedtls_pk_get_bitlen(&context), 256);
    assert_true(mbedtls_pk_can_do(&context, MBEDTLS_PK_ECDSA));
    assert_false(mbedtls_pk_can_do(&context, MBEDTLS_PK_RSA));
    assert_int_equal(mbedtls_pk_sign(&context, MBEDTLS_MD_SHA384, digest, sizeof digest, made,
                                     &length, NULL, NULL),
                     0);
    assert_in_range(length, 1, sizeof signature.der);
    memcpy(signature.der, made, length);
    signature.length = (uint32_t)length;
    const struct pki_public key = public_half(LAMP_KEY);
    assert_int_equal(verify(&key, MBEDTLS_MD_SHA384, digest, sizeof digest, &signature), 0);
    assert_int_equal(mbedtls_pk_write_pubkey_der(&context, spki, sizeof spki), key.length);
    assert_memory_equal(spki + sizeof spki - key.length, key.der, key.length);
    assert_int_equal(pki_delete(&pki, LAMP_KEY), OTTER_OK);
    assert_int_not_equal(mbedtls_pk_sign(&context, MBEDTLS_MD_SHA384, digest, sizeof digest, made,
                                         &length, NULL, NULL),
                         0);
    mbedtls_pk_free(&context);
}

static void an_imported_key_signs_or_is_refused_where_keys_are_only_made(void **state)
{
    (void)state;
    const otter_status expected = place == &psa_keys ? OTTER_E_UNSUPPORTED : OTTER_OK;
    for (int i = 0; i < LABELS; i++) {
        assert_int_equal(
            pki_import(&pki, labels[i], PKI_PRIVATE_KEY, imported_pem, strlen(imported_pem)),
            expected);
        assert_int_equal(is_there(labels[i]), expected == OTTER_OK);
        assert_int_equal(is_there(public_labels[i]), expected == OTTER_OK);
        if (expected == OTTER_OK) {
            const struct pki_public key = public_half(labels[i]);
            assert_signs_as(labels[i], &key);
        }
    }
}

/* ---- Kinds besides P-256 --------------------------------------------------------------------- */

static const enum pki_algorithm others[] = {PKI_P384, PKI_RSA2048};
#define OTHERS 2

/* False where the place has no such keys: it has said so, and changed nothing. */
static bool made(const char *label, enum pki_algorithm algorithm)
{
    otter_status status = pki_generate_pair(&pki, label, algorithm);
    assert_int_equal(status == OTTER_E_AGAIN, place == NULL && algorithm == PKI_RSA2048);
    while (status == OTTER_E_AGAIN)
        status = pki_generate_more(&pki);
    if (place == &psa_keys) {
        assert_int_equal(status, OTTER_E_UNSUPPORTED);
        assert_false(is_there(label));
        return false;
    }
    assert_int_equal(status, OTTER_OK);
    return true;
}

static void a_key_of_another_kind_signs_for_its_public_half(void **state)
{
    (void)state;
    for (int i = 0; i < OTHERS; i++) {
        uint8_t stored[PKI_DER_MAX];
        size_t length;
        mbedtls_pk_context context;
        if (!made(LAMP_KEY, others[i]))
            return;
        const struct pki_public key = public_half(LAMP_KEY);
        mbedtls_pk_init(&context);
        assert_int_equal(mbedtls_pk_parse_public_key(&context, key.der, key.length), 0);
        assert_int_equal(mbedtls_pk_get_bitlen(&context), others[i] == PKI_P384 ? 384 : 2048);
        mbedtls_pk_free(&context);
        for (int repeat = 0; repeat < 8; repeat++) /* numbers of each length */
            assert_signs_as(LAMP_KEY, &key);
        assert_int_equal(pki_load(&pki, LAMP_PUB, stored, sizeof stored, &length), OTTER_OK);
        assert_int_equal(length, key.length);
        assert_memory_equal(stored, key.der, length);
        assert_int_equal(pki_generate_key(&pki, LAMP_KEY), OTTER_OK); /* and back to P-256 */
        assert_int_equal(public_half(LAMP_KEY).length, 91);
        assert_int_equal(pki_delete(&pki, LAMP_KEY), OTTER_OK);
    }
}

static void a_key_of_another_kind_has_its_certificate_request_and_handle(void **state)
{
    (void)state;
    for (int i = 0; i < OTHERS; i++) {
        static const uint8_t digest[32] = {1};
        mbedtls_x509_crt cert;
        mbedtls_x509_csr csr;
        mbedtls_pk_context context;
        uint32_t flags;
        char pem[PKI_CSR_PEM_MAX];
        char name[PKI_COMMON_NAME_MAX + 1];
        struct pki_signature signature;
        size_t length;
        memset(name, 'a', sizeof name - 1);
        name[sizeof name - 1] = '\0';
        if (!made(LAMP_KEY, others[i]))
            return;
        const struct pki_public key = public_half(LAMP_KEY);
        mbedtls_x509_crt_init(&cert);
        assert_int_equal(pki_generate_cert(&pki, LAMP_KEY, name), OTTER_OK);
        assert_int_equal(pki_load_cert(&pki, LAMP_CERT, &cert), OTTER_OK);
        assert_int_equal(mbedtls_x509_crt_verify(&cert, &cert, NULL, NULL, &flags, NULL, NULL), 0);
        mbedtls_x509_crt_free(&cert);
        mbedtls_x509_csr_init(&csr);
        assert_int_equal(pki_generate_csr(&pki, LAMP_KEY, name, pem, sizeof pem), OTTER_OK);
        assert_int_equal(mbedtls_x509_csr_parse(&csr, (const unsigned char *)pem, strlen(pem) + 1),
                         0);
        mbedtls_x509_csr_free(&csr);
        mbedtls_pk_init(&context);
        assert_int_equal(pki_open_key(&pki, LAMP_KEY, &context), OTTER_OK);
        assert_int_equal(mbedtls_pk_can_do(&context, MBEDTLS_PK_RSA), others[i] == PKI_RSA2048);
        assert_int_equal(mbedtls_pk_can_do(&context, MBEDTLS_PK_ECDSA), others[i] == PKI_P384);
        assert_int_equal(mbedtls_pk_sign(&context, MBEDTLS_MD_SHA256, digest, sizeof digest,
                                         signature.der, &length, NULL, NULL),
                         0);
        signature.length = (uint32_t)length;
        assert_int_equal(verify(&key, MBEDTLS_MD_SHA256, digest, sizeof digest, &signature), 0);
        mbedtls_pk_free(&context);
        assert_int_equal(pki_delete(&pki, LAMP_KEY), OTTER_OK);
    }
}

/* The store of a device whose keys lie elsewhere may be read by anybody. */
static void flash_holds_a_key_only_where_that_is_its_place(void **state)
{
    (void)state;
    uint8_t scalar[32];
    mbedtls_pk_context parsed;
    mbedtls_pk_init(&parsed);
    assert_int_equal(mbedtls_pk_parse_key(&parsed, (const unsigned char *)imported_pem,
                                          strlen(imported_pem) + 1, NULL, 0),
                     0);
    assert_int_equal(mbedtls_ecp_write_key(mbedtls_pk_ec(parsed), scalar, sizeof scalar), 0);
    mbedtls_pk_free(&parsed);
    (void)pki_import(&pki, LAMP_KEY, PKI_PRIVATE_KEY, imported_pem, strlen(imported_pem));
    const bool found =
        memmem(store.device.data, store.device.flash.size, scalar, sizeof scalar) != NULL;
    assert_int_equal(found, place == NULL);
    assert_int_equal(pki_delete(&pki, LAMP_KEY), OTTER_OK);
    assert_null(memmem(store.device.data, store.device.flash.size, scalar, sizeof scalar));
}

static void what_is_no_private_key_neither_signs_nor_is_made(void **state)
{
    (void)state;
    const uint8_t digest[64] = {0};
    struct pki_signature signature;
    struct pki_public key;
    assert_int_equal(pki_generate_key(&pki, LAMP_KEY), OTTER_OK);
    assert_int_equal(pki_generate_key(&pki, LAMP_PUB), OTTER_E_ARGUMENT);
    assert_int_equal(pki_generate_key(&pki, "unknown"), OTTER_E_ARGUMENT);
    assert_int_equal(pki_generate_cert(&pki, LAMP_CERT, "a"), OTTER_E_ARGUMENT);
    assert_int_equal(pki_public_key(&pki, LAMP_PUB, &key), OTTER_E_ARGUMENT);
    assert_int_equal(pki_sign(&pki, LAMP_PUB, digest, 32, &signature), OTTER_E_ARGUMENT);
    assert_int_equal(pki_sign(&pki, LAMP_KEY, digest, 31, &signature), OTTER_E_ARGUMENT);
    assert_int_equal(pki_sign(&pki, LAMP_KEY, digest, 65, &signature), OTTER_E_ARGUMENT);
}

/* ---- DER ------------------------------------------------------------------------------------- */

struct number {
    uint8_t bytes[32];
    uint8_t length; /* of its INTEGER's contents */
};

static void numbers_of_a_signature_become_the_shortest_positive_integers(void **state)
{
    (void)state;
    const struct number edges[] = {
        {{[31] = 0}, 1},    {{[31] = 1}, 1},    {{[31] = 0x7f}, 1}, {{[31] = 0x80}, 2},
        {{[30] = 0x80}, 3}, {{[0] = 0x7f}, 32}, {{[0] = 0x80}, 33}, {{[0] = 0xff}, 33},
        {{[1] = 0xff}, 32}, {{[1] = 1}, 31},
    };
    const size_t count = sizeof edges / sizeof *edges;
    for (size_t i = 0; i < count * count; i++) {
        const struct number *r = &edges[i / count], *s = &edges[i % count];
        struct pki_signature signature;
        uint8_t numbers[64];
        memcpy(numbers, r->bytes, 32);
        memcpy(numbers + 32, s->bytes, 32);
        pki_signature_from_numbers(&signature, numbers);
        unsigned char *at = signature.der;
        size_t length;
        mbedtls_mpi read_r, read_s, right;
        mbedtls_mpi_init(&read_r);
        mbedtls_mpi_init(&read_s);
        mbedtls_mpi_init(&right);
        assert_int_equal(signature.length, 6u + r->length + s->length);
        assert_int_equal(mbedtls_asn1_get_tag(&at, signature.der + signature.length, &length,
                                              MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE),
                         0);
        assert_int_equal(at[1], r->length);
        assert_int_equal(mbedtls_asn1_get_mpi(&at, signature.der + signature.length, &read_r), 0);
        assert_int_equal(at[1], s->length);
        assert_int_equal(mbedtls_asn1_get_mpi(&at, signature.der + signature.length, &read_s), 0);
        assert_ptr_equal(at, signature.der + signature.length);
        assert_int_equal(mbedtls_mpi_read_binary(&right, r->bytes, 32), 0);
        assert_int_equal(mbedtls_mpi_cmp_mpi(&right, &read_r), 0);
        assert_int_equal(mbedtls_mpi_read_binary(&right, s->bytes, 32), 0);
        assert_int_equal(mbedtls_mpi_cmp_mpi(&right, &read_s), 0);
        mbedtls_mpi_free(&read_r);
        mbedtls_mpi_free(&read_s);
        mbedtls_mpi_free(&right);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static int run(const char *name, const struct pki_keys *keys)
{
    const struct CMUnitTest tests[] = {
        TEST(an_absent_key_is_told_as_such),
        TEST(a_key_that_was_made_signs_for_its_public_half),
        TEST(a_new_key_takes_the_place_of_the_old_and_of_its_certificate),
        TEST(a_deleted_key_is_gone_with_its_public_half),
        TEST(its_certificate_is_self_signed),
        TEST(mbed_tls_signs_with_the_handle_and_takes_it_for_an_ec_key),
        TEST(an_imported_key_signs_or_is_refused_where_keys_are_only_made),
        TEST(flash_holds_a_key_only_where_that_is_its_place),
        TEST(a_key_of_another_kind_signs_for_its_public_half),
        TEST(a_key_of_another_kind_has_its_certificate_request_and_handle),
        TEST(what_is_no_private_key_neither_signs_nor_is_made),
    };
    place = keys;
    return cmocka_run_group_tests_name(name, tests, make_imported_pem, NULL);
}

int main(void)
{
    const struct CMUnitTest der[] = {
        cmocka_unit_test(numbers_of_a_signature_become_the_shortest_positive_integers)};
    int failed = cmocka_run_group_tests_name("der", der, NULL, NULL);
    failed += run("store", NULL);
    failed += run("psa", &psa_keys);
#ifdef OTTER_TEST_PKCS11
    if (soft_token_make()) {
        failed += run("pkcs11", &pkcs11_keys);
        soft_token_remove();
    }
#endif
    return failed;
}
