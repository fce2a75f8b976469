/* Keys and certificates, checked against what the openssl program says of them. */
#define _GNU_SOURCE /* memmem */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include <cmocka.h>
#include <mbedtls/pk.h>
#include <mbedtls/sha256.h>
#include <mbedtls/x509_crt.h>

#include "pki/pem.h"
#include "pki/pki.h"
#include "pki/pki_inner.h"
#include "port/port.h"
#include "tests/sim/nor_sim.h"

static struct nor_power power;
static struct nor_device device;
static struct flash_sector sectors[5];
static struct flash_area area;
static struct kv kv;
static struct pki pki;
static struct pki_part ota_part;
static struct pki_part claim_part;
static bool no_entropy;
static char folder[] = "/tmp/otter-pki-XXXXXX";

otter_status port_random(void *data, size_t length)
{
    if (no_entropy || getrandom(data, length, 0) != (ssize_t)length)
        return OTTER_E_CRYPTO;
    return OTTER_OK;
}

static int set_up(void **state)
{
    (void)state;
    no_entropy = false;
    nor_power_init(&power, 1);
    nor_uniform_sectors(sectors, 5, 4096);
    nor_create(&device, &power, sectors, 5, 4, 0xff);
    area = (struct flash_area){&device.flash, 0, 5 * 4096};
    pki_init(&pki, &kv, NULL, NULL);
    pki_add(&pki, &ota_part, &pki_ota_labels);
    pki_add(&pki, &claim_part, &pki_claim_labels);
    return kv_open(&kv, &area);
}

static int tear_down(void **state)
{
    (void)state;
    const bool broken = device.rule_breaks != 0;
    nor_destroy(&device);
    return broken;
}

/* Runs a shell command in the folder; its output, up to `size`, is the result. */
static size_t shell(const char *command, char *output, size_t size)
{
    char line[1024];
    snprintf(line, sizeof line, "cd %s && { %s; } 2>&1", folder, command);
    FILE *pipe = popen(line, "r");
    assert_non_null(pipe);
    const size_t length = fread(output, 1, size - 1, pipe);
    output[length] = '\0';
    if (pclose(pipe) != 0)
        fail_msg("%s: %s", command, output);
    return length;
}

static void run(const char *command)
{
    char output[4096];
    shell(command, output, sizeof output);
}

static void save(const char *name, const void *data, size_t length)
{
    char path[100];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
}

static const char *exported(const char *label)
{
    static char pem[PKI_PEM_MAX];
    assert_int_equal(pki_export(&pki, label, pem, sizeof pem), OTTER_OK);
    return pem;
}

static otter_status import(const char *label, enum pki_type type, const char *pem)
{
    return pki_import(&pki, label, type, pem, strlen(pem));
}

static bool is_there(const char *label)
{
    uint32_t length;
    return pki_length(&pki, label, &length) == OTTER_OK;
}

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

struct scalar {
    uint8_t bytes[32];
};

/* Out of the ECPrivateKey that lies in the store. */
static struct scalar private_scalar(const char *label)
{
    static const uint8_t head[] = {0x30, 0x77, 0x02, 0x01, 0x01, 0x04, 0x20};
    char name[KV_KEY_MAX + 1];
    uint8_t der[200];
    uint32_t length;
    struct scalar scalar;
    snprintf(name, sizeof name, "pki/%s", label);
    assert_int_equal(kv_get(&kv, name, der, sizeof der, &length), OTTER_OK);
    assert_int_equal(length, 121);
    assert_memory_equal(der, head, sizeof head);
    memcpy(scalar.bytes, der + sizeof head, sizeof scalar.bytes);
    return scalar;
}

static bool flash_holds(const struct scalar *scalar)
{
    return memmem(device.data, device.flash.size, scalar->bytes, sizeof scalar->bytes) != NULL;
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

static void make_signer(void)
{
    run("openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem && "
        "openssl ec -in key.pem -pubout -out pub.pem && "
        "openssl req -new -x509 -key key.pem -subj /CN=signer -days 365 -out signer.pem && "
        "printf 'the image' > image && "
        "openssl dgst -sha256 -sign key.pem -out image.sig image");
}

static size_t read_file(const char *name, char *data, size_t size)
{
    char command[100];
    snprintf(command, sizeof command, "cat %s", name);
    return shell(command, data, size);
}

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

/* ---- A place for keys that answers with nonsense ------------------------------------------------
 */

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

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL;
}

static int remove_folder(void **state)
{
    (void)state;
    char command[100];
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
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
        TEST(a_signature_of_openssl_verifies_with_the_imported_public_key),
        TEST(a_certificate_under_a_key_label_stores_its_public_key),
        TEST(a_public_key_may_be_imported_by_the_word_cert),
        TEST(an_imported_private_key_brings_its_public_half),
        TEST(a_root_certificate_comes_back_as_it_was),
        TEST(what_does_not_fit_the_label_is_refused),
        TEST(text_damaged_at_any_place_never_harms),
        TEST(a_truncated_text_stores_nothing),
        TEST(a_refused_text_leaves_no_byte_of_a_key_behind),
        TEST(what_a_place_for_keys_says_in_another_form_is_refused),
        TEST(labels_too_long_to_be_told_apart_are_left_out),
        TEST(bytes_after_the_certificate_are_malformed),
        TEST(a_key_in_a_form_not_known_here_is_told_from_a_torn_text),
        TEST(private_keys_of_other_kinds_are_refused),
        TEST(private_keys_of_the_kinds_that_the_build_has_are_taken),
        TEST(a_private_key_is_a_number_of_the_curve_and_nothing_follows_it),
        TEST(a_public_half_that_is_of_another_key_is_not_believed),
        TEST(a_stored_key_has_the_bytes_that_openssl_writes),
        TEST(a_bundle_is_refused_whole),
        TEST(a_full_store_keeps_the_old_key),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
