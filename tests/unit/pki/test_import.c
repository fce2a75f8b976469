/* Keys and certificates that come as text from outside, made by the openssl program: what is taken,
 * what is refused, and that damaged text never harms. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <mbedtls/sha256.h>

#include "pki/pem.h"
#include "pki/pki_inner.h"
#include "pki_bench.h"

static void assert_signature_of_image_verifies(void)
{
    uint8_t digest[32];
    char signature[200];
    const size_t length = read_file("image.sig", signature, sizeof signature);
    const uint8_t *bytes = (const uint8_t *)signature;
    mbedtls_sha256_ret((const unsigned char *)"the image", 9, digest, 0);
    assert_int_equal(pki_verify(&pki, PKI_OTA_SIGNER, digest, bytes, length), OTTER_OK);
    assert_int_equal(pki_verify(&pki, PKI_OTA_SIGNER, digest, bytes, length - 1),
                     OTTER_E_SIGNATURE);
    assert_int_equal(pki_verify(&pki, PKI_OTA_SIGNER, digest, bytes, 0), OTTER_E_SIGNATURE);
    digest[31] ^= 1;
    assert_int_equal(pki_verify(&pki, PKI_OTA_SIGNER, digest, bytes, length), OTTER_E_SIGNATURE);
}

static void a_signature_of_openssl_verifies_with_the_imported_public_key(void **state)
{
    (void)state;
    char pem[PKI_PEM_MAX];
    const uint8_t digest[32] = {0};
    make_signer();
    assert_int_equal(pki_verify(&pki, PKI_OTA_SIGNER, digest, digest, 32), OTTER_E_NOT_FOUND);
    read_file("pub.pem", pem, sizeof pem);
    assert_int_equal(import(PKI_OTA_SIGNER, PKI_PUBLIC_KEY, pem), OTTER_OK);
    assert_string_equal(exported(PKI_OTA_SIGNER), pem);
    assert_signature_of_image_verifies();
}

static void a_certificate_under_a_key_label_stores_its_public_key(void **state)
{
    (void)state;
    char pem[PKI_PEM_MAX];
    char pub[PKI_PEM_MAX];
    make_signer();
    read_file("signer.pem", pem, sizeof pem);
    read_file("pub.pem", pub, sizeof pub);
    assert_int_equal(import(PKI_OTA_SIGNER, PKI_CERTIFICATE, pem), OTTER_OK);
    assert_string_equal(exported(PKI_OTA_SIGNER), pub);
    assert_signature_of_image_verifies();
}

static void a_public_key_may_be_imported_by_the_word_cert(void **state)
{
    (void)state;
    char pem[PKI_PEM_MAX];
    make_signer();
    read_file("pub.pem", pem, sizeof pem);
    assert_int_equal(import(PKI_OTA_SIGNER, PKI_CERTIFICATE, pem), OTTER_OK);
    assert_signature_of_image_verifies();
}

static void an_imported_private_key_brings_its_public_half(void **state)
{
    (void)state;
    static const char *const forms[] = {
        "cat key.pem",
        "openssl ec -in key.pem 2>/dev/null",
        "tr -d '\\n' <key.pem",
        "sed 's/^/    /' key.pem",
        "{ openssl ecparam -name prime256v1; openssl ec -in key.pem 2>/dev/null; }",
        "openssl ec -in key.pem -no_public 2>/dev/null",
        "openssl pkcs8 -topk8 -nocrypt -in key.pem",
    };
    char pem[PKI_PEM_MAX];
    char pub[PKI_PEM_MAX];
    make_signer();
    read_file("pub.pem", pub, sizeof pub);
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        shell(forms[i], pem, sizeof pem);
        assert_int_equal(import(PKI_TLS_KEY_PRIV, PKI_PRIVATE_KEY, pem), OTTER_OK);
        assert_string_equal(exported(PKI_TLS_KEY_PUB), pub);
        assert_int_equal(pki_generate_key(&pki, PKI_TLS_KEY_PRIV), OTTER_OK);
    }
}

static void a_root_certificate_comes_back_as_it_was(void **state)
{
    (void)state;
    char pem[PKI_PEM_MAX];
    make_signer();
    read_file("signer.pem", pem, sizeof pem);
    assert_int_equal(import(PKI_ROOT_CA, PKI_CERTIFICATE, pem), OTTER_OK);
    assert_string_equal(exported(PKI_ROOT_CA), pem);
}

static void private_keys_of_the_kinds_that_the_build_has_are_taken(void **state)
{
    (void)state;
    static const struct {
        const char *make;
        uint32_t public_length;
    } kinds[] = {{"openssl ecparam -genkey -name secp384r1 -noout", 120},
                 {"openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384", 120},
                 {"openssl genrsa -traditional 2048 2>/dev/null", 294},
                 {"openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 2>/dev/null", 294}};
    char pem[PKI_PEM_MAX];
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        static const uint8_t digest[32] = {1};
        struct pki_public key;
        struct pki_signature signature;
        shell(kinds[i].make, pem, sizeof pem);
        assert_int_equal(import(PKI_TLS_KEY_PRIV, PKI_PRIVATE_KEY, pem), OTTER_OK);
        assert_int_equal(pki_public_key(&pki, PKI_TLS_KEY_PRIV, &key), OTTER_OK);
        assert_int_equal(key.length, kinds[i].public_length);
        assert_true(is_there(PKI_TLS_KEY_PUB));
        assert_int_equal(pki_sign(&pki, PKI_TLS_KEY_PRIV, digest, 32, &signature), OTTER_OK);
    }
}

/* What earlier firmware has stored: the same bytes as openssl writes. */
static void a_stored_key_has_the_bytes_that_openssl_writes(void **state)
{
    (void)state;
    char pem[PKI_PEM_MAX];
    char expected[PKI_PEM_MAX];
    uint8_t stored[200];
    uint32_t length;
    make_signer();
    read_file("key.pem", pem, sizeof pem);
    assert_int_equal(import(PKI_TLS_KEY_PRIV, PKI_PRIVATE_KEY, pem), OTTER_OK);
    assert_int_equal(kv_get(&kv, "pki/" PKI_TLS_KEY_PRIV, stored, sizeof stored, &length),
                     OTTER_OK);
    const size_t size =
        shell("openssl ec -in key.pem -outform DER 2>/dev/null", expected, sizeof expected);
    assert_int_equal(length, size);
    assert_memory_equal(stored, expected, size);
}

static void what_does_not_fit_the_label_is_refused(void **state)
{
    (void)state;
    char cert[PKI_PEM_MAX];
    char pub[PKI_PEM_MAX];
    char other[4096];
    make_signer();
    read_file("signer.pem", cert, sizeof cert);
    read_file("pub.pem", pub, sizeof pub);
    assert_int_equal(import("no_such_label", PKI_CERTIFICATE, cert), OTTER_E_ARGUMENT);
    assert_int_equal(import(PKI_ROOT_CA, PKI_PUBLIC_KEY, cert), OTTER_E_ARGUMENT);
    assert_int_equal(import(PKI_ROOT_CA, PKI_CERTIFICATE, pub), OTTER_E_KEY);
    assert_int_equal(import(PKI_TLS_KEY_PRIV, PKI_PRIVATE_KEY, pub), OTTER_E_KEY);
    assert_int_equal(import(PKI_TLS_KEY_PRIV, PKI_CERTIFICATE, cert), OTTER_E_KEY);
    shell("openssl ecparam -name secp384r1 -genkey -noout | openssl ec -pubout 2>/dev/null", other,
          sizeof other);
    assert_int_equal(import(PKI_OTA_SIGNER, PKI_PUBLIC_KEY, other), OTTER_E_KEY);
    shell("openssl genrsa 2048 2>/dev/null | openssl rsa -pubout 2>/dev/null", other, sizeof other);
    assert_int_equal(import(PKI_OTA_SIGNER, PKI_PUBLIC_KEY, other), OTTER_E_KEY);
    for (unsigned i = 0; pki_object(&pki, i) != NULL; i++)
        assert_false(is_there(pki_object(&pki, i)->label));
}

static void private_keys_of_other_kinds_are_refused(void **state)
{
    (void)state;
    static const char *const kinds[] = {
        "openssl ecparam -genkey -name brainpoolP384r1 -noout",
        "openssl ecparam -genkey -name secp256k1 -noout",
        "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:secp256k1",
        "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-521",
        "openssl genpkey -algorithm ED25519",
        "openssl genpkey -algorithm X25519",
        "openssl genrsa 1024 2>/dev/null",
        "openssl ecparam -genkey -name prime256v1 -noout | openssl pkcs8 -topk8 -passout pass:x",
    };
    char pem[PKI_PEM_MAX];
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        shell(kinds[i], pem, sizeof pem);
        assert_int_equal(import(PKI_TLS_KEY_PRIV, PKI_PRIVATE_KEY, pem), OTTER_E_KEY);
        assert_false(is_there(PKI_TLS_KEY_PRIV));
    }
}

static void a_bundle_is_refused_whole(void **state)
{
    (void)state;
    char pem[2 * PKI_PEM_MAX];
    make_signer();
    shell("cat signer.pem signer.pem", pem, sizeof pem);
    assert_int_equal(import(PKI_ROOT_CA, PKI_CERTIFICATE, pem), OTTER_E_REFUSED);
    assert_int_equal(import(PKI_TLS_CERT, PKI_CERTIFICATE, pem), OTTER_E_REFUSED);
    assert_false(is_there(PKI_ROOT_CA));
}

/* One character wrong anywhere: refused, or (where X.509 does not mind) stored as a certificate. */
static void text_damaged_at_any_place_never_harms(void **state)
{
    (void)state;
    static const char replacements[] = {'\0', 'A', '/', '-', '\n', '=', '\x7f', '\x80'};
    char pem[PKI_PEM_MAX];
    make_signer();
    const char *const files[] = {"signer.pem", "pub.pem", "key.pem"};
    const char *const labels[] = {PKI_ROOT_CA, PKI_OTA_SIGNER, PKI_TLS_KEY_PRIV};
    for (int file = 0; file < 3; file++) {
        const size_t length = read_file(files[file], pem, sizeof pem);
        for (size_t at = 0; at < length; at++) {
            const char was = pem[at];
            for (size_t i = 0; i < sizeof replacements; i++) {
                pem[at] = replacements[i];
                const otter_status status =
                    pki_import(&pki, labels[file], PKI_CERTIFICATE, pem, length);
                assert_int_equal(is_there(labels[file]), status == OTTER_OK);
                pki_import(&pki, labels[file], PKI_CERTIFICATE, pem, at);
                assert_int_equal(kv_format(&kv), OTTER_OK);
            }
            pem[at] = was;
        }
    }
}

static void a_truncated_text_stores_nothing(void **state)
{
    (void)state;
    char pem[PKI_PEM_MAX];
    make_signer();
    const size_t length = read_file("signer.pem", pem, sizeof pem);
    for (size_t at = 0; at < length - 1; at++) {
        assert_int_equal(pki_import(&pki, PKI_ROOT_CA, PKI_CERTIFICATE, pem, at),
                         OTTER_E_MALFORMED);
        assert_false(is_there(PKI_ROOT_CA));
    }
}

static void a_refused_text_leaves_no_byte_of_a_key_behind(void **state)
{
    (void)state;
    char pem[PKI_PEM_MAX];
    shell("openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256", pem, sizeof pem);
    char *end = strstr(pem, "-----END");
    assert_non_null(end);
    *end = '*'; /* all of the key has been read by then */
    assert_int_equal(import(PKI_TLS_KEY_PRIV, PKI_PRIVATE_KEY, pem), OTTER_E_MALFORMED);
    for (size_t i = 0; i < sizeof pki_work; i++)
        assert_int_equal(pki_work[i], 0);
}

static void bytes_after_the_certificate_are_malformed(void **state)
{
    (void)state;
    char pem[PKI_PEM_MAX];
    make_signer();
    shell("{ openssl x509 -in signer.pem -outform DER; printf xyz; } | "
          "{ echo '-----BEGIN CERTIFICATE-----'; base64; echo '-----END CERTIFICATE-----'; }",
          pem, sizeof pem);
    assert_int_equal(import(PKI_ROOT_CA, PKI_CERTIFICATE, pem), OTTER_E_MALFORMED);
}

/* The text is whole: "copy all of it" would send people astray. */
static void a_key_in_a_form_not_known_here_is_told_from_a_torn_text(void **state)
{
    (void)state;
    char pem[PKI_PEM_MAX];
    shell("openssl ecparam -genkey -name prime256v1 -noout | "
          "openssl ec -pubout -conv_form compressed 2>/dev/null",
          pem, sizeof pem);
    assert_int_equal(import(PKI_OTA_SIGNER, PKI_PUBLIC_KEY, pem), OTTER_E_KEY);
    shell("openssl ecparam -genkey -name prime256v1 -noout -param_enc explicit", pem, sizeof pem);
    assert_int_equal(import(PKI_TLS_KEY_PRIV, PKI_PUBLIC_KEY, pem), OTTER_E_KEY);
}

/* An ECPrivateKey without its public half, `more` bytes behind it. */
static otter_status import_number(const uint8_t *number, size_t length, size_t more)
{
    static const uint8_t curve[] = {0xa0, 0x0a, 0x06, 0x08, 0x2a, 0x86,
                                    0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
    uint8_t der[100] = {0x30, (uint8_t)(5 + length + sizeof curve), 2, 1, 1, 4, (uint8_t)length};
    char pem[PKI_PEM_MAX];
    memcpy(der + 7, number, length);
    memcpy(der + 7 + length, curve, sizeof curve);
    assert_int_equal(
        pem_encode(pem, sizeof pem, "EC PRIVATE KEY", der, 7 + length + sizeof curve + more),
        OTTER_OK);
    return import(PKI_TLS_KEY_PRIV, PKI_PRIVATE_KEY, pem);
}

static void a_private_key_is_a_number_of_the_curve_and_nothing_follows_it(void **state)
{
    (void)state;
    uint8_t order[33] = {0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff,
                         0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17,
                         0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};
    const uint8_t zero[32] = {0}, one[32] = {[31] = 1};
    assert_int_equal(import_number(order, 32, 0), OTTER_E_KEY);
    assert_int_equal(import_number(order, 33, 0), OTTER_E_KEY);
    assert_int_equal(import_number(zero, 32, 0), OTTER_E_KEY);
    assert_int_equal(import_number(zero, 0, 0), OTTER_E_KEY);
    assert_int_equal(import_number(one, 32, 1), OTTER_E_KEY);
    assert_false(is_there(PKI_TLS_KEY_PRIV));
    order[31]--;
    assert_int_equal(import_number(order, 32, 0), OTTER_OK);
    assert_int_equal(import_number(one, 32, 0), OTTER_OK);
    const struct scalar whole = private_scalar(PKI_TLS_KEY_PRIV);
    assert_memory_equal(whole.bytes, one, 32);
    assert_int_equal(import_number(one + 30, 2, 0), OTTER_OK);
    const struct scalar padded = private_scalar(PKI_TLS_KEY_PRIV);
    assert_memory_equal(padded.bytes, one, 32);
}

/* Who believed it would sign with one key and show another. */
static void a_public_half_that_is_of_another_key_is_not_believed(void **state)
{
    (void)state;
    char pem[PKI_PEM_MAX];
    char pub[PKI_PEM_MAX];
    run("openssl ecparam -genkey -name prime256v1 -noout -outform DER -out a.der && "
        "openssl ecparam -genkey -name prime256v1 -noout -outform DER -out b.der && "
        "{ head -c 57 a.der; tail -c 64 b.der; } >mixed.der");
    shell("openssl ec -inform DER -in a.der -pubout 2>/dev/null", pub, sizeof pub);
    shell("echo '-----BEGIN EC PRIVATE KEY-----'; base64 mixed.der; "
          "echo '-----END EC PRIVATE KEY-----'",
          pem, sizeof pem);
    assert_int_equal(import(PKI_TLS_KEY_PRIV, PKI_PRIVATE_KEY, pem), OTTER_OK);
    assert_string_equal(exported(PKI_TLS_KEY_PUB), pub);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_set_up, bench_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_signature_of_openssl_verifies_with_the_imported_public_key),
        TEST(a_certificate_under_a_key_label_stores_its_public_key),
        TEST(a_public_key_may_be_imported_by_the_word_cert),
        TEST(an_imported_private_key_brings_its_public_half),
        TEST(a_root_certificate_comes_back_as_it_was),
        TEST(private_keys_of_the_kinds_that_the_build_has_are_taken),
        TEST(a_stored_key_has_the_bytes_that_openssl_writes),
        TEST(what_does_not_fit_the_label_is_refused),
        TEST(private_keys_of_other_kinds_are_refused),
        TEST(a_bundle_is_refused_whole),
        TEST(text_damaged_at_any_place_never_harms),
        TEST(a_truncated_text_stores_nothing),
        TEST(a_refused_text_leaves_no_byte_of_a_key_behind),
        TEST(bytes_after_the_certificate_are_malformed),
        TEST(a_key_in_a_form_not_known_here_is_told_from_a_torn_text),
        TEST(a_private_key_is_a_number_of_the_curve_and_nothing_follows_it),
        TEST(a_public_half_that_is_of_another_key_is_not_believed),
    };
    return cmocka_run_group_tests(tests, bench_make_folder, bench_remove_folder);
}
