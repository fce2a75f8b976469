/* Keys and certificates that pki makes, keeps and hands out, checked against what the openssl
 * program says of them; test_import.c has those that come from outside. */
#define _GNU_SOURCE /* memmem */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <mbedtls/pk.h>
#include <mbedtls/x509_crt.h>

#include "pki/pki_inner.h"
#include "pki_bench.h"

static void a_new_key_takes_the_place_of_the_old_one_with_its_certificate(void **state)
{
    static struct pki_part next_part;
    uint8_t before[PKI_DER_MAX], after[PKI_DER_MAX];
    size_t length, now_length;
    struct pki_public key, own, stored;
    uint32_t size;
    const struct kv_item with = {"mark", "x", 1};
    (void)state;
    pki_add(&pki, &next_part, &pki_next_labels);
    assert_int_equal(pki_generate_key(&pki, PKI_TLS_KEY_PRIV), OTTER_OK);
    assert_int_equal(pki_generate_cert(&pki, PKI_TLS_KEY_PRIV, "old"), OTTER_OK);
    assert_int_equal(pki_adopt(&pki, PKI_NEXT_KEY, PKI_TLS_KEY_PRIV, &with, 1), OTTER_E_NOT_FOUND);
    assert_int_equal(pki_generate_key(&pki, PKI_NEXT_KEY), OTTER_OK);
    assert_int_equal(pki_adopt(&pki, PKI_NEXT_KEY, PKI_TLS_KEY_PRIV, &with, 1), OTTER_E_NOT_FOUND);
    assert_int_equal(kv_get(&kv, "mark", NULL, 0, &size), OTTER_E_NOT_FOUND);
    assert_int_equal(pki_generate_cert(&pki, PKI_NEXT_KEY, "new"), OTTER_OK);
    assert_int_equal(pki_load(&pki, PKI_NEXT_CERT, before, sizeof before, &length), OTTER_OK);
    assert_int_equal(pki_public_key(&pki, PKI_NEXT_KEY, &key), OTTER_OK);
    assert_int_equal(pki_adopt(&pki, PKI_NEXT_KEY, PKI_NEXT_CERT, &with, 1), OTTER_E_ARGUMENT);
    assert_int_equal(pki_adopt(&pki, PKI_NEXT_KEY, PKI_TLS_KEY_PRIV, &with, 1), OTTER_OK);
    assert_int_equal(pki_public_key(&pki, PKI_TLS_KEY_PRIV, &own), OTTER_OK);
    assert_memory_equal(own.der, key.der, key.length);
    assert_int_equal(pki_load(&pki, PKI_TLS_KEY_PUB, stored.der, sizeof stored.der, &now_length),
                     OTTER_OK);
    assert_memory_equal(stored.der, key.der, key.length);
    assert_int_equal(pki_load(&pki, PKI_TLS_CERT, after, sizeof after, &now_length), OTTER_OK);
    assert_int_equal(now_length, length);
    assert_memory_equal(after, before, length);
    assert_int_equal(pki_length(&pki, PKI_NEXT_KEY, &size), OTTER_E_NOT_FOUND);
    assert_int_equal(pki_length(&pki, PKI_NEXT_CERT, &size), OTTER_E_NOT_FOUND);
    assert_int_equal(kv_get(&kv, "mark", NULL, 0, &size), OTTER_E_TOO_LONG);
}

static void each_label_is_found(void **state)
{
    (void)state;
    unsigned count = 0;
    for (; pki_object(&pki, count) != NULL; count++)
        assert_ptr_equal(pki_find(&pki, pki_object(&pki, count)->label), pki_object(&pki, count));
    assert_int_equal(count, 7);
    assert_null(pki_find(&pki, "tls_key"));
}

static void openssl_accepts_the_certificate_that_was_made(void **state)
{
    (void)state;
    char text[8192];
    char pub[PKI_PEM_MAX];
    assert_int_equal(pki_generate_key(&pki, PKI_TLS_KEY_PRIV), OTTER_OK);
    assert_int_equal(pki_generate_cert(&pki, PKI_TLS_KEY_PRIV, "otter:thing_1-A"), OTTER_OK);
    save("cert.pem", exported(PKI_TLS_CERT), strlen(exported(PKI_TLS_CERT)));
    shell("openssl verify -x509_strict -check_ss_sig -CAfile cert.pem cert.pem || "
          "openssl verify -partial_chain -check_ss_sig -trusted cert.pem cert.pem",
          text, sizeof text);
    assert_non_null(strstr(text, "cert.pem: OK"));
    shell("openssl x509 -in cert.pem -noout -text -nameopt RFC2253", text, sizeof text);
    assert_non_null(strstr(text, "Subject: CN=otter:thing_1-A\n"));
    assert_non_null(strstr(text, "Issuer: CN=otter:thing_1-A\n"));
    assert_non_null(strstr(text, "Version: 3"));
    assert_non_null(strstr(text, "prime256v1"));
    assert_non_null(strstr(text, "ecdsa-with-SHA256"));
    assert_non_null(strstr(text, "Not Before: Jan  1 00:00:00 2020 GMT"));
    assert_non_null(strstr(text, "Not After : Dec 31 23:59:59 2049 GMT"));
    assert_non_null(strstr(text, "CA:FALSE"));
    assert_non_null(strstr(text, "Digital Signature"));
    assert_null(strstr(text, "Negative"));
    shell("openssl x509 -in cert.pem -noout -pubkey", pub, sizeof pub);
    assert_string_equal(pub, exported(PKI_TLS_KEY_PUB));
}

static void two_certificates_have_different_serials(void **state)
{
    (void)state;
    uint8_t first[PKI_DER_MAX];
    uint8_t second[PKI_DER_MAX];
    size_t length;
    assert_int_equal(pki_generate_key(&pki, PKI_TLS_KEY_PRIV), OTTER_OK);
    assert_int_equal(pki_generate_cert(&pki, PKI_TLS_KEY_PRIV, "a"), OTTER_OK);
    assert_int_equal(pki_load(&pki, PKI_TLS_CERT, first, sizeof first, &length), OTTER_OK);
    assert_int_equal(pki_generate_cert(&pki, PKI_TLS_KEY_PRIV, "a"), OTTER_OK);
    assert_int_equal(pki_load(&pki, PKI_TLS_CERT, second, sizeof second, &length), OTTER_OK);
    assert_memory_not_equal(first + 8, second + 8, 24);
}

static void a_new_key_replaces_the_pair_and_drops_its_certificate(void **state)
{
    (void)state;
    char before[PKI_PEM_MAX];
    assert_int_equal(pki_generate_key(&pki, PKI_TLS_KEY_PRIV), OTTER_OK);
    assert_int_equal(pki_generate_cert(&pki, PKI_TLS_KEY_PRIV, "a"), OTTER_OK);
    strcpy(before, exported(PKI_TLS_KEY_PUB));
    assert_int_equal(pki_generate_key(&pki, PKI_TLS_KEY_PRIV), OTTER_OK);
    assert_string_not_equal(before, exported(PKI_TLS_KEY_PUB));
    assert_false(is_there(PKI_TLS_CERT));
}

static bool flash_holds(const struct scalar *scalar)
{
    return memmem(store.device.data, store.device.flash.size, scalar->bytes,
                  sizeof scalar->bytes) != NULL;
}

static void a_replaced_private_key_is_gone_from_flash(void **state)
{
    (void)state;
    static const char *const labels[] = {PKI_TLS_KEY_PRIV, PKI_CLAIM_KEY};
    char pem[PKI_PEM_MAX];
    assert_int_equal(pki_generate_key(&pki, PKI_TLS_KEY_PRIV), OTTER_OK);
    const struct scalar first = private_scalar(PKI_TLS_KEY_PRIV);
    assert_true(flash_holds(&first));
    assert_int_equal(pki_generate_key(&pki, PKI_TLS_KEY_PRIV), OTTER_OK);
    assert_false(flash_holds(&first));
    for (int i = 0; i < 4; i++) {
        const char *label = labels[i % 2];
        shell("openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256", pem, sizeof pem);
        assert_int_equal(import(label, PKI_PRIVATE_KEY, pem), OTTER_OK);
        const struct scalar old = private_scalar(label);
        shell("openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256", pem, sizeof pem);
        assert_int_equal(import(label, PKI_PRIVATE_KEY, pem), OTTER_OK);
        assert_false(flash_holds(&old));
        const struct scalar new = private_scalar(label);
        assert_true(flash_holds(&new));
    }
    static struct pki_part next_part;
    const struct scalar last = private_scalar(PKI_TLS_KEY_PRIV);
    pki_add(&pki, &next_part, &pki_next_labels);
    assert_int_equal(pki_generate_key(&pki, PKI_NEXT_KEY), OTTER_OK);
    assert_int_equal(pki_generate_cert(&pki, PKI_NEXT_KEY, "new"), OTTER_OK);
    assert_true(flash_holds(&last));
    assert_int_equal(pki_adopt(&pki, PKI_NEXT_KEY, PKI_TLS_KEY_PRIV, NULL, 0), OTTER_OK);
    assert_false(flash_holds(&last));
}

static void nothing_is_made_without_entropy(void **state)
{
    (void)state;
    no_entropy = true;
    assert_int_equal(pki_generate_key(&pki, PKI_TLS_KEY_PRIV), OTTER_E_CRYPTO);
    assert_false(is_there(PKI_TLS_KEY_PRIV));
    no_entropy = false;
    assert_int_equal(pki_generate_key(&pki, PKI_TLS_KEY_PRIV), OTTER_OK);
    no_entropy = true;
    assert_int_equal(pki_generate_cert(&pki, PKI_TLS_KEY_PRIV, "a"), OTTER_E_CRYPTO);
    assert_false(is_there(PKI_TLS_CERT));
}

static void a_certificate_needs_a_key_and_a_plain_name(void **state)
{
    (void)state;
    char name[PKI_COMMON_NAME_MAX + 2];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    assert_int_equal(pki_generate_cert(&pki, PKI_TLS_KEY_PRIV, "a"), OTTER_E_NOT_FOUND);
    assert_int_equal(pki_generate_key(&pki, PKI_TLS_KEY_PRIV), OTTER_OK);
    assert_int_equal(pki_generate_cert(&pki, PKI_TLS_KEY_PRIV, ""), OTTER_E_ARGUMENT);
    assert_int_equal(pki_generate_cert(&pki, PKI_TLS_KEY_PRIV, "a,O=evil"), OTTER_E_ARGUMENT);
    assert_int_equal(pki_generate_cert(&pki, PKI_TLS_KEY_PRIV, name), OTTER_E_ARGUMENT);
    assert_int_equal(pki_generate_cert(&pki, PKI_TLS_KEY_PRIV, name + 1), OTTER_OK);
}

static void openssl_accepts_the_request_that_was_made(void **state)
{
    (void)state;
    char text[8192];
    char csr[PKI_CSR_PEM_MAX];
    char pub[PKI_PEM_MAX];
    char name[PKI_COMMON_NAME_MAX + 1];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    assert_int_equal(pki_generate_key(&pki, PKI_TLS_KEY_PRIV), OTTER_OK);
    const char *const names[] = {"a", "otter:thing_1-A", name};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_int_equal(pki_generate_csr(&pki, PKI_TLS_KEY_PRIV, names[i], csr, sizeof csr),
                         OTTER_OK);
        save("csr.pem", csr, strlen(csr));
        shell("openssl req -in csr.pem -noout -verify -text -nameopt RFC2253 2>&1", text,
              sizeof text);
        assert_non_null(strstr(text, "verify OK"));
        assert_non_null(strstr(text, "Version: 1"));
        const char *subject = strstr(text, "Subject: CN=");
        assert_non_null(subject);
        assert_memory_equal(subject + 12, names[i], strlen(names[i]));
        assert_int_equal(subject[12 + strlen(names[i])], '\n');
        assert_non_null(strstr(text, "Key Usage: critical\n"));
        assert_non_null(strstr(text, "Digital Signature\n"));
    }
    shell("openssl req -in csr.pem -noout -pubkey", pub, sizeof pub);
    assert_string_equal(pub, exported(PKI_TLS_KEY_PUB));
    assert_false(is_there(PKI_TLS_CERT));
}

static void a_request_needs_a_key_a_plain_name_and_room(void **state)
{
    (void)state;
    char csr[PKI_CSR_PEM_MAX];
    assert_int_equal(pki_generate_csr(&pki, PKI_TLS_KEY_PRIV, "a", csr, sizeof csr),
                     OTTER_E_NOT_FOUND);
    assert_int_equal(pki_generate_csr(&pki, PKI_TLS_CERT, "a", csr, sizeof csr), OTTER_E_ARGUMENT);
    assert_int_equal(pki_generate_key(&pki, PKI_TLS_KEY_PRIV), OTTER_OK);
    assert_int_equal(pki_generate_csr(&pki, PKI_TLS_KEY_PRIV, "a,O=b", csr, sizeof csr),
                     OTTER_E_ARGUMENT);
    assert_int_equal(pki_generate_csr(&pki, PKI_TLS_KEY_PRIV, "a", csr, 100), OTTER_E_TOO_LONG);
}

static void private_keys_are_not_given_out(void **state)
{
    (void)state;
    char pem[PKI_PEM_MAX];
    uint8_t der[PKI_DER_MAX];
    size_t length;
    assert_int_equal(pki_load(&pki, PKI_TLS_KEY_PRIV, der, sizeof der, &length), OTTER_E_NOT_FOUND);
    assert_int_equal(pki_generate_key(&pki, PKI_TLS_KEY_PRIV), OTTER_OK);
    assert_int_equal(pki_export(&pki, PKI_TLS_KEY_PRIV, pem, sizeof pem), OTTER_E_REFUSED);
    assert_int_equal(pki_load(&pki, PKI_TLS_KEY_PRIV, der, sizeof der, &length), OTTER_E_REFUSED);
}

static void key_and_certificate_load_for_tls_and_belong_together(void **state)
{
    (void)state;
    static const uint8_t digest[48] = {1, 2, 3};
    uint8_t signature[MBEDTLS_PK_SIGNATURE_MAX_SIZE];
    size_t length;
    mbedtls_pk_context key;
    mbedtls_x509_crt cert;
    mbedtls_pk_init(&key);
    mbedtls_x509_crt_init(&cert);
    assert_int_equal(pki_open_key(&pki, PKI_TLS_KEY_PRIV, &key), OTTER_E_NOT_FOUND);
    assert_int_equal(pki_generate_key(&pki, PKI_TLS_KEY_PRIV), OTTER_OK);
    assert_int_equal(pki_generate_cert(&pki, PKI_TLS_KEY_PRIV, "a"), OTTER_OK);
    assert_int_equal(pki_open_key(&pki, PKI_TLS_KEY_PRIV, &key), OTTER_OK);
    assert_int_equal(pki_load_cert(&pki, PKI_TLS_CERT, &cert), OTTER_OK);
    assert_int_equal(mbedtls_pk_sign(&key, MBEDTLS_MD_SHA384, digest, sizeof digest, signature,
                                     &length, NULL, NULL),
                     0);
    assert_int_equal(
        mbedtls_pk_verify(&cert.pk, MBEDTLS_MD_SHA384, digest, sizeof digest, signature, length),
        0);
    mbedtls_pk_free(&key);
    mbedtls_x509_crt_free(&cert);
}

/* ---- A place for keys that answers with nonsense ---- */

static struct pki_public said_key;
static struct pki_signature said_signature;

static otter_status say_key(void *ctx, const struct pki_object *object, struct pki_public *key)
{
    (void)ctx;
    (void)object;
    *key = said_key;
    return OTTER_OK;
}

static otter_status say_made(void *ctx, const struct pki_object *object,
                             enum pki_algorithm algorithm, struct pki_public *key)
{
    (void)algorithm;
    return say_key(ctx, object, key);
}

static otter_status say_signature(void *ctx, const struct pki_object *object, const uint8_t *digest,
                                  size_t length, struct pki_signature *signature)
{
    (void)ctx;
    (void)object;
    (void)digest;
    (void)length;
    *signature = said_signature;
    return OTTER_OK;
}

static const struct pki_keys liar = {
    .public_key = say_key, .sign = say_signature, .generate = say_made};

static void what_a_place_for_keys_says_in_another_form_is_refused(void **state)
{
    (void)state;
    static const uint8_t digest[32] = {1};
    static const uint8_t zeros[64];
    struct pki_public key;
    struct pki_signature signature;
    pki_init(&pki, &kv, &liar, NULL);

    pki_public_from_point(&said_key, zeros);
    assert_int_equal(pki_public_key(&pki, PKI_TLS_KEY_PRIV, &key), OTTER_OK);
    said_key.length = 5000;
    assert_int_equal(pki_public_key(&pki, PKI_TLS_KEY_PRIV, &key), OTTER_E_CRYPTO);
    assert_int_equal(pki_generate_key(&pki, PKI_TLS_KEY_PRIV), OTTER_E_CRYPTO);
    assert_false(is_there(PKI_TLS_KEY_PUB));

    pki_signature_from_numbers(&said_signature, zeros);
    assert_int_equal(pki_sign(&pki, PKI_TLS_KEY_PRIV, digest, 32, &signature), OTTER_OK);
    static const uint32_t lengths[] = {0, 7, 64, 72, 73, PKI_SIGNATURE_MAX + 1, 4000};
    for (unsigned i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        said_signature.length = lengths[i];
        assert_int_equal(pki_sign(&pki, PKI_TLS_KEY_PRIV, digest, 32, &signature), OTTER_E_CRYPTO);
    }
}

static void labels_too_long_to_be_told_apart_are_left_out(void **state)
{
    (void)state;
    struct pki_part part;
    static const struct pki_object objects[] = {
        {"a_label_as_long_as_may_be__", PKI_PUBLIC_KEY, NULL, NULL},
        {"a_label_longer_than_that_one", PKI_PUBLIC_KEY, NULL, NULL},
        {"short", PKI_PRIVATE_KEY, "a_label_longer_than_that_one", NULL},
    };
    assert_int_equal(pki_add(&pki, &part, &(struct pki_table){objects + 1, 1}), OTTER_E_ARGUMENT);
    assert_int_equal(pki_add(&pki, &part, &(struct pki_table){objects + 2, 1}), OTTER_E_ARGUMENT);
    assert_null(pki_object(&pki, 7));
    static const struct pki_table good = {objects, 1};
    assert_int_equal(pki_add(&pki, &part, &good), OTTER_OK);
    assert_ptr_equal(pki_find(&pki, objects[0].label), objects);
}

static void a_full_store_keeps_the_old_key(void **state)
{
    (void)state;
    static uint8_t filler[2000];
    char before[PKI_PEM_MAX];
    char name[] = "fill0";
    assert_int_equal(pki_generate_key(&pki, PKI_TLS_KEY_PRIV), OTTER_OK);
    strcpy(before, exported(PKI_TLS_KEY_PUB));
    for (uint32_t size = sizeof filler; size > 0; size /= 2) {
        while (kv_set(&kv, name, filler, size) == OTTER_OK)
            name[4]++;
    }
    assert_int_equal(pki_generate_key(&pki, PKI_TLS_KEY_PRIV), OTTER_E_NO_SPACE);
    assert_string_equal(exported(PKI_TLS_KEY_PUB), before);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_set_up, bench_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(each_label_is_found),
        TEST(a_new_key_takes_the_place_of_the_old_one_with_its_certificate),
        TEST(openssl_accepts_the_certificate_that_was_made),
        TEST(two_certificates_have_different_serials),
        TEST(a_new_key_replaces_the_pair_and_drops_its_certificate),
        TEST(a_replaced_private_key_is_gone_from_flash),
        TEST(nothing_is_made_without_entropy),
        TEST(a_certificate_needs_a_key_and_a_plain_name),
        TEST(openssl_accepts_the_request_that_was_made),
        TEST(a_request_needs_a_key_a_plain_name_and_room),
        TEST(private_keys_are_not_given_out),
        TEST(key_and_certificate_load_for_tls_and_belong_together),
        TEST(what_a_place_for_keys_says_in_another_form_is_refused),
        TEST(labels_too_long_to_be_told_apart_are_left_out),
        TEST(a_full_store_keeps_the_old_key),
    };
    return cmocka_run_group_tests(tests, bench_make_folder, bench_remove_folder);
}
