/* What the secure services promise of keys, called as PSA Crypto, and by pki through psa_keys. */
#define _GNU_SOURCE /* memmem */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <mbedtls/pk.h>
#include <mbedtls/x509_crt.h>
#include <psa/crypto.h>

#include "pki/pki.h"
#include "secure/p256.h"
#include "secure/psa_keys.h"
#include "secure/secure_console.h"
#include "tests/sim/nor_store.h"
#include "tests/unit/secure/bench.h"

static struct pki pki;
static struct nor_store store; /* of the other world */
static struct kv settings;

static int set_up(void **state)
{
    bench_set_up(state);
    assert_int_equal(nor_store_open(&store, NOR_STORE_SECTORS, &settings), OTTER_OK);
    pki_init(&pki, &settings, &psa_keys, NULL);
    return 0;
}

static int tear_down(void **state)
{
    bench_tear_down(state);
    return !nor_store_close(&store);
}

static psa_key_attributes_t attributes(psa_key_id_t id)
{
    psa_key_attributes_t wanted = PSA_KEY_ATTRIBUTES_INIT;
    psa_set_key_id(&wanted, id);
    psa_set_key_type(&wanted, PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1));
    psa_set_key_bits(&wanted, 256);
    psa_set_key_usage_flags(&wanted, PSA_KEY_USAGE_SIGN_HASH);
    psa_set_key_algorithm(&wanted, PSA_ALG_ECDSA(PSA_ALG_ANY_HASH));
    return wanted;
}

static psa_status_t generate(psa_key_id_t id)
{
    const psa_key_attributes_t wanted = attributes(id);
    psa_key_id_t made = 0;
    const psa_status_t result = psa_generate_key(&wanted, &made);
    assert_int_equal(made, result == PSA_SUCCESS ? id : 0);
    return result;
}

static psa_status_t import(psa_key_id_t id, const uint8_t *number, size_t length)
{
    const psa_key_attributes_t wanted = attributes(id);
    psa_key_id_t made;
    return psa_import_key(&wanted, number, length, &made);
}

static void a_signature_fits_the_public_half(void **state)
{
    static const size_t lengths[] = {32, 48, 64};
    uint8_t point[65], digest[64] = {1, 2, 3}, numbers[64];
    size_t length;
    (void)state;
    assert_int_equal(generate(5), PSA_SUCCESS);
    assert_int_equal(psa_export_public_key(5, point, sizeof point, &length), PSA_SUCCESS);
    assert_int_equal(length, 65);
    for (unsigned i = 0; i < 3; i++) {
        struct pki_public public;
        struct pki_signature signature;
        mbedtls_pk_context key;
        assert_int_equal(psa_sign_hash(5, PSA_ALG_ECDSA(PSA_ALG_SHA_256), digest, lengths[i],
                                       numbers, sizeof numbers, &length),
                         PSA_SUCCESS);
        assert_int_equal(length, 64);
        pki_public_from_point(&public, point + 1);
        pki_signature_from_numbers(&signature, numbers);
        mbedtls_pk_init(&key);
        assert_int_equal(mbedtls_pk_parse_public_key(&key, public.der, public.length), 0);
        assert_int_equal(mbedtls_pk_verify(&key, MBEDTLS_MD_NONE, digest, lengths[i], signature.der,
                                           signature.length),
                         0);
        mbedtls_pk_free(&key);
    }
}

static void numbers_of_a_signature_survive_its_der_form(void **state)
{
    struct pki_signature signature;
    uint8_t numbers[64], again[64];
    (void)state;
    for (unsigned high = 0; high < 256; high += 0x40) {
        for (unsigned zeros = 0; zeros < 3; zeros++) {
            memset(numbers, 0x11, sizeof numbers);
            memset(numbers + 32, 0, zeros);
            numbers[0] = (uint8_t)high;
            numbers[32 + zeros] = (uint8_t)(high ^ 0x80);
            pki_signature_from_numbers(&signature, numbers);
            pki_numbers_from_signature(again, &signature);
            assert_memory_equal(again, numbers, sizeof numbers);
        }
    }
}

static void a_key_outlives_a_reset_and_goes_when_it_is_destroyed(void **state)
{
    uint8_t before[65], after[65];
    size_t length;
    (void)state;
    assert_int_equal(generate(5), PSA_SUCCESS);
    assert_int_equal(psa_export_public_key(5, before, sizeof before, &length), PSA_SUCCESS);
    bench_restart();
    assert_int_equal(psa_export_public_key(5, after, sizeof after, &length), PSA_SUCCESS);
    assert_memory_equal(before, after, sizeof before);
    assert_int_equal(psa_destroy_key(5), PSA_SUCCESS);
    assert_int_equal(psa_export_public_key(5, after, sizeof after, &length),
                     PSA_ERROR_INVALID_HANDLE);
    assert_int_equal(psa_destroy_key(5), PSA_ERROR_INVALID_HANDLE);
    assert_null(memmem(bench_flash.data, 4 * BENCH_SECTOR, before + 1, 64)); /* nor its copy */
}

/* As README.md says, and as keys of earlier versions lie: a newer secure program finds them. */
static void a_key_lies_in_the_store_as_an_ec_private_key(void **state)
{
    uint8_t der[200], point[65], known[65];
    uint32_t length;
    size_t point_length;
    mbedtls_pk_context key;
    (void)state;
    assert_int_equal(generate(0x2a), PSA_SUCCESS);
    assert_int_equal(psa_export_public_key(0x2a, point, sizeof point, &point_length), PSA_SUCCESS);
    assert_int_equal(kv_get(&bench_kv, "pki/aaaaaack", der, sizeof der, &length), OTTER_OK);
    assert_int_equal(length, 121);
    mbedtls_pk_init(&key);
    assert_int_equal(mbedtls_pk_parse_key(&key, der, length, NULL, 0), 0);
    assert_int_equal(mbedtls_ecp_point_write_binary(
                         &mbedtls_pk_ec(key)->grp, &mbedtls_pk_ec(key)->Q,
                         MBEDTLS_ECP_PF_UNCOMPRESSED, &point_length, known, sizeof known),
                     0);
    assert_memory_equal(point, known, sizeof known);
    assert_int_equal(mbedtls_pk_write_key_der(&key, der, sizeof der), 121);
    assert_memory_equal(der + sizeof der - 65, point, 65);
    mbedtls_pk_free(&key);
}

static void a_key_is_never_replaced_under_its_number(void **state)
{
    (void)state;
    assert_int_equal(generate(5), PSA_SUCCESS);
    assert_int_equal(generate(5), PSA_ERROR_ALREADY_EXISTS);
}

static void keys_of_other_kinds_or_that_may_leave_are_refused(void **state)
{
    psa_key_id_t id;
    psa_key_attributes_t wanted = attributes(5);
    (void)state;
    psa_set_key_usage_flags(&wanted, PSA_KEY_USAGE_SIGN_HASH | PSA_KEY_USAGE_EXPORT);
    assert_int_equal(psa_generate_key(&wanted, &id), PSA_ERROR_NOT_PERMITTED);
    wanted = attributes(5);
    psa_set_key_bits(&wanted, 384);
    assert_int_equal(psa_generate_key(&wanted, &id), PSA_ERROR_NOT_SUPPORTED);
    wanted = attributes(5);
    psa_set_key_algorithm(&wanted, PSA_ALG_ECDH);
    assert_int_equal(psa_generate_key(&wanted, &id), PSA_ERROR_NOT_SUPPORTED);
    assert_int_equal(generate(PSA_KEY_ID_USER_MAX + 1), PSA_ERROR_INVALID_ARGUMENT);
}

static void arguments_that_do_not_fit_are_refused(void **state)
{
    uint8_t digest[32] = {0}, out[65];
    size_t length;
    (void)state;
    assert_int_equal(generate(5), PSA_SUCCESS);
    assert_int_equal(psa_export_public_key(5, out, 64, &length), PSA_ERROR_BUFFER_TOO_SMALL);
    assert_int_equal(psa_sign_hash(5, PSA_ALG_ECDSA(PSA_ALG_SHA_256), digest, 31, out, 64, &length),
                     PSA_ERROR_INVALID_ARGUMENT);
    assert_int_equal(psa_sign_hash(5, PSA_ALG_ECDSA(PSA_ALG_SHA_256), digest, 32, out, 63, &length),
                     PSA_ERROR_BUFFER_TOO_SMALL);
    assert_int_equal(
        psa_sign_hash(5, PSA_ALG_RSA_PKCS1V15_SIGN(PSA_ALG_SHA_256), digest, 32, out, 64, &length),
        PSA_ERROR_NOT_SUPPORTED);
    assert_int_equal(psa_sign_hash(6, PSA_ALG_ECDSA(PSA_ALG_SHA_256), digest, 32, out, 64, &length),
                     PSA_ERROR_INVALID_HANDLE);
}

static void keys_are_imported_until_the_device_is_sealed(void **state)
{
    static const uint8_t number[32] = {[31] = 1}; /* its public half is the curve's generator */
    static const uint8_t zero[32];
    uint8_t point[65];
    size_t length;
    (void)state;
    assert_int_equal(import(5, zero, 32), PSA_ERROR_INVALID_ARGUMENT);
    assert_int_equal(import(5, number, 31), PSA_ERROR_INVALID_ARGUMENT);
    assert_int_equal(import(5, number, 32), PSA_SUCCESS);
    assert_int_equal(psa_export_public_key(5, point, sizeof point, &length), PSA_SUCCESS);
    assert_int_equal(point[1], 0x6b);
    assert_false(secure_is_sealed());
    assert_int_equal(secure_seal(), PSA_SUCCESS);
    bench_restart();
    assert_true(secure_is_sealed());
    assert_int_equal(import(6, number, 32), PSA_ERROR_NOT_PERMITTED);
    assert_int_equal(generate(6), PSA_SUCCESS);
}

static psa_status_t copy(psa_key_id_t from, psa_key_id_t to, psa_key_usage_t usage)
{
    psa_key_attributes_t wanted = attributes(to);
    psa_key_id_t made;
    psa_set_key_usage_flags(&wanted, usage);
    return psa_copy_key(from, &wanted, &made);
}

static void a_copy_is_the_key_under_another_number(void **state)
{
    const psa_key_usage_t usage = PSA_KEY_USAGE_SIGN_HASH | PSA_KEY_USAGE_COPY;
    uint8_t first[65], second[65];
    size_t length;
    (void)state;
    assert_int_equal(copy(5, 6, usage), PSA_ERROR_INVALID_HANDLE);
    assert_int_equal(generate(5), PSA_SUCCESS);
    assert_int_equal(secure_seal(), PSA_SUCCESS); /* it comes from within */
    assert_int_equal(copy(5, 6, usage | PSA_KEY_USAGE_EXPORT), PSA_ERROR_NOT_PERMITTED);
    assert_int_equal(copy(5, 5, usage), PSA_ERROR_ALREADY_EXISTS);
    assert_int_equal(copy(5, 6, usage), PSA_SUCCESS);
    assert_int_equal(copy(5, 6, usage), PSA_ERROR_ALREADY_EXISTS);
    assert_int_equal(psa_export_public_key(5, first, sizeof first, &length), PSA_SUCCESS);
    assert_int_equal(psa_destroy_key(5), PSA_SUCCESS);
    bench_restart();
    assert_int_equal(psa_export_public_key(6, second, sizeof second, &length), PSA_SUCCESS);
    assert_memory_equal(first, second, sizeof first);
}

static void without_entropy_there_are_no_keys(void **state)
{
    uint8_t byte;
    (void)state;
    bench_random_fails = true;
    assert_int_not_equal(generate(5), PSA_SUCCESS);
    assert_int_equal(psa_generate_random(&byte, 1), PSA_ERROR_INSUFFICIENT_ENTROPY);
    bench_random_fails = false;
    assert_int_equal(generate(5), PSA_SUCCESS);
    assert_int_equal(psa_generate_random(&byte, 1), PSA_SUCCESS);
}

/* ---- The self-test of a secure program --------------------------------------------------------
 */

static bool signs_wrongly;

bool __real_p256_sign(uint8_t signature[P256_SIGNATURE_SIZE],
                      const uint8_t number[P256_NUMBER_SIZE], const uint8_t hash[32]);
bool __wrap_p256_sign(uint8_t signature[P256_SIGNATURE_SIZE],
                      const uint8_t number[P256_NUMBER_SIZE], const uint8_t hash[32]);
bool __wrap_p256_sign(uint8_t signature[P256_SIGNATURE_SIZE],
                      const uint8_t number[P256_NUMBER_SIZE], const uint8_t hash[32])
{
    const bool done = __real_p256_sign(signature, number, hash);
    signature[P256_SIGNATURE_SIZE - 1] ^= signs_wrongly;
    return done;
}

static void the_self_test_asks_for_signatures_and_randomness(void **state)
{
    (void)state;
    assert_true(secure_self_test());
    signs_wrongly = true;
    assert_false(secure_self_test());
    signs_wrongly = false;
    bench_random_fails = true;
    assert_false(secure_self_test());
    bench_random_fails = false;
}

/* A key of nobody. */
static const char made_elsewhere[] =
    "-----BEGIN EC PRIVATE KEY-----\n"
    "MHcCAQEEIJcE4uSgJx3zrvsaYGg0+cIfvPPGcE5PotV249VELRsyoAoGCCqGSM49\n"
    "AwEHoUQDQgAE8z4fDF4Bc1/U5iLi4Jv3GiGjldpe/K8RoN2ZB3tYvCJcT8jrNPlj\n"
    "L0SiwUE1HeeUz4sltdZpgJxY08tmNdMSWQ==\n"
    "-----END EC PRIVATE KEY-----\n";

/* ---- pki over PSA -----------------------------------------------------------------------------
 */

static void pki_makes_a_key_in_the_vault_and_certifies_it(void **state)
{
    struct pki_public public, again;
    uint32_t length;
    (void)state;
    assert_int_equal(pki_length(&pki, PKI_TLS_KEY_PRIV, &length), OTTER_E_NOT_FOUND);
    assert_int_equal(pki_generate_key(&pki, PKI_TLS_KEY_PRIV), OTTER_OK);
    assert_int_equal(pki_length(&pki, PKI_TLS_KEY_PRIV, &length), OTTER_OK);
    assert_int_equal(pki_public_key(&pki, PKI_TLS_KEY_PRIV, &public), OTTER_OK);
    assert_int_equal(pki_generate_cert(&pki, PKI_TLS_KEY_PRIV, "lamp-1"), OTTER_OK);
    bench_restart();
    assert_int_equal(pki_public_key(&pki, PKI_TLS_KEY_PRIV, &again), OTTER_OK);
    assert_memory_equal(public.der, again.der, public.length);
}

static void a_new_key_takes_the_place_of_the_old_one(void **state)
{
    struct pki_public first, second;
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(pki_generate_key(&pki, PKI_TLS_KEY_PRIV), OTTER_OK);
        assert_int_equal(pki_public_key(&pki, PKI_TLS_KEY_PRIV, &first), OTTER_OK);
        bench_random_fails = true; /* one that cannot be made leaves the old one */
        assert_int_not_equal(pki_generate_key(&pki, PKI_TLS_KEY_PRIV), OTTER_OK);
        bench_random_fails = false;
        assert_int_equal(pki_public_key(&pki, PKI_TLS_KEY_PRIV, &second), OTTER_OK);
        assert_memory_equal(first.der, second.der, first.length);
        assert_int_equal(pki_generate_key(&pki, PKI_TLS_KEY_PRIV), OTTER_OK);
        assert_int_equal(pki_public_key(&pki, PKI_TLS_KEY_PRIV, &second), OTTER_OK);
        assert_memory_not_equal(first.der, second.der, first.length);
    }
    assert_int_equal(secure_seal(), PSA_SUCCESS); /* nor does one that may not be taken */
    assert_int_equal(
        pki_import(&pki, PKI_TLS_KEY_PRIV, PKI_PRIVATE_KEY, made_elsewhere, strlen(made_elsewhere)),
        OTTER_E_UNSUPPORTED);
    assert_int_equal(pki_public_key(&pki, PKI_TLS_KEY_PRIV, &first), OTTER_OK);
    assert_memory_equal(first.der, second.der, first.length);
    assert_int_equal(pki_delete(&pki, PKI_TLS_KEY_PRIV), OTTER_OK);
    assert_int_equal(pki_public_key(&pki, PKI_TLS_KEY_PRIV, &first), OTTER_E_NOT_FOUND);
}

/* ---- A change of certificate --------------------------------------------------------------- */

/* The store of the other world on the same power as the vault, where the update slot is else. */
static int set_up_on_one_power(void **state)
{
    bench_set_up(state);
    assert_int_equal(kv_open(&settings, &bench_secondary), OTTER_OK);
    pki_init(&pki, &settings, &psa_keys, NULL);
    static struct pki_part next;
    next = (struct pki_part){0};
    assert_int_equal(pki_add(&pki, &next, &pki_next_labels), OTTER_OK);
    return 0;
}

static void all_restarts(void)
{
    bench_restart();
    assert_int_equal(kv_open(&settings, &bench_secondary), OTTER_OK);
    assert_int_equal(kv_purge(&settings), OTTER_OK);
}

/* Both keys with their certificates. `again`: of the one in use an earlier one was there before, so
 * that it has the second number, and nothing says so, as before there were marks. */
static void make_identities(bool again, struct pki_public *old, struct pki_public *new)
{
    assert_int_equal(pki_generate_key(&pki, PKI_TLS_KEY_PRIV), OTTER_OK);
    if (again) {
        assert_int_equal(pki_generate_key(&pki, PKI_TLS_KEY_PRIV), OTTER_OK);
        assert_int_equal(kv_delete(&settings, "psa/tls_key_priv"), OTTER_OK);
    }
    assert_int_equal(pki_generate_cert(&pki, PKI_TLS_KEY_PRIV, "old"), OTTER_OK);
    assert_int_equal(pki_generate_key(&pki, PKI_NEXT_KEY), OTTER_OK);
    assert_int_equal(pki_generate_cert(&pki, PKI_NEXT_KEY, "new"), OTTER_OK);
    assert_int_equal(pki_public_key(&pki, PKI_TLS_KEY_PRIV, old), OTTER_OK);
    assert_int_equal(pki_public_key(&pki, PKI_NEXT_KEY, new), OTTER_OK);
}

static const struct kv_item record = {"record", "done", 4};

static void adopt(void *result)
{
    *(otter_status *)result = pki_adopt(&pki, PKI_NEXT_KEY, PKI_TLS_KEY_PRIV, &record, 1);
}

/* Key, its public half in the store, certificate and record are all of one time. */
static bool expect_one_identity(const struct pki_public *old, const struct pki_public *new)
{
    struct pki_public used;
    uint8_t stored[PKI_DER_MAX];
    size_t size;
    uint32_t length;
    mbedtls_x509_crt cert;
    const bool is_new = kv_get(&settings, "record", stored, sizeof stored, &length) == OTTER_OK;
    const struct pki_public *expected = is_new ? new : old;
    assert_int_equal(pki_public_key(&pki, PKI_TLS_KEY_PRIV, &used), OTTER_OK);
    assert_memory_equal(used.der, expected->der, used.length);
    assert_int_equal(pki_load(&pki, PKI_TLS_KEY_PUB, stored, sizeof stored, &size), OTTER_OK);
    assert_memory_equal(stored, expected->der, expected->length);
    mbedtls_x509_crt_init(&cert);
    assert_int_equal(pki_load_cert(&pki, PKI_TLS_CERT, &cert), OTTER_OK);
    assert_int_equal(cert.pk_raw.len, expected->length);
    assert_memory_equal(cert.pk_raw.p, expected->der, expected->length);
    mbedtls_x509_crt_free(&cert);
    assert_int_equal(pki_length(&pki, PKI_NEXT_CERT, &length),
                     is_new ? OTTER_E_NOT_FOUND : OTTER_OK);
    return is_new;
}

static unsigned keys_in_vault(void)
{
    unsigned keys = 0;
    for (psa_key_id_t id = PSA_KEYS_FIRST; id < PSA_KEYS_FIRST + 6; id++) {
        uint8_t point[65];
        size_t length;
        keys += psa_export_public_key(id, point, sizeof point, &length) == PSA_SUCCESS;
    }
    return keys;
}

static void a_new_key_is_adopted_with_its_certificate(void **state)
{
    struct pki_public old, new, other;
    otter_status status;
    (void)state;
    make_identities(false, &old, &new);
    assert_int_equal(secure_seal(), PSA_SUCCESS);
    for (unsigned i = 0; i < 3; i++) { /* from and to either number */
        adopt(&status);
        assert_int_equal(status, OTTER_OK);
        assert_true(expect_one_identity(&old, &new));
        assert_int_equal(keys_in_vault(), 1);
        adopt(&status);
        assert_int_equal(status, OTTER_E_NOT_FOUND);
        assert_true(expect_one_identity(&old, &new));
        all_restarts();
        assert_true(expect_one_identity(&old, &new));
        assert_int_equal(pki_generate_key(&pki, PKI_NEXT_KEY), OTTER_OK);
        assert_int_equal(pki_generate_cert(&pki, PKI_NEXT_KEY, "new"), OTTER_OK);
        assert_int_equal(pki_public_key(&pki, PKI_NEXT_KEY, &new), OTTER_OK);
    }
    adopt(&status);
    assert_int_equal(status, OTTER_OK);
    assert_int_equal(pki_generate_key(&pki, PKI_TLS_KEY_PRIV), OTTER_OK); /* over the mark */
    assert_int_equal(pki_public_key(&pki, PKI_TLS_KEY_PRIV, &other), OTTER_OK);
    assert_memory_not_equal(other.der, new.der, other.length);
    assert_int_equal(keys_in_vault(), 1);
}

static void power_may_fail_at_each_operation_of_an_adoption(void **state)
{
    (void)state;
    for (unsigned again = 0; again < 2; again++) {
        struct nor_snapshot vault = {0}, store_before = {0};
        struct pki_public old, new;
        unsigned before = 0, after = 0;
        make_identities(again != 0, &old, &new);
        nor_snapshot_take(&bench_flash, &vault);
        nor_snapshot_take(&bench_flash_slot, &store_before);
        for (uint32_t at = 1;; at++) {
            otter_status status;
            nor_snapshot_restore(&bench_flash, &vault);
            nor_snapshot_restore(&bench_flash_slot, &store_before);
            all_restarts();
            nor_power_plan(&bench_power, at, at % 2 == 0 ? NOR_CUT_TORN : NOR_CUT_DONE);
            const bool done = nor_power_run(&bench_power, adopt, &status) == NOR_RUN_DONE;
            nor_power_plan(&bench_power, 0, NOR_CUT_BEFORE);
            if (done)
                break;
            all_restarts();
            const bool is_new = expect_one_identity(&old, &new);
            *(is_new ? &after : &before) += 1;
            if (!is_new) { /* and can be tried again */
                adopt(&status);
                assert_int_equal(status, OTTER_OK);
                assert_true(expect_one_identity(&old, &new));
                assert_int_equal(keys_in_vault(), 1);
            }
            /* What the cut has left goes with the next keys of both labels. */
            assert_int_equal(pki_generate_key(&pki, PKI_TLS_KEY_PRIV), OTTER_OK);
            assert_int_equal(pki_delete(&pki, PKI_NEXT_KEY), OTTER_OK);
            assert_int_equal(keys_in_vault(), 1);
        }
        assert_in_range(before, 3, 1000);
        assert_in_range(after, 3, 1000);
        nor_snapshot_free(&vault);
        nor_snapshot_free(&store_before);
        nor_wipe(&bench_flash);
        nor_wipe(&bench_flash_slot);
        all_restarts();
    }
}

/* ---- Console ----------------------------------------------------------------------------------
 */

static char said[2000];

static void hear(void *context, const char *text, size_t length)
{
    (void)context;
    strncat(said, text, length);
}

static const char *type(struct cli *cli, const char *line)
{
    said[0] = '\0';
    cli_input(cli, line, strlen(line));
    return said;
}

static void a_person_seals_the_device_at_the_console(void **state)
{
    static struct cli cli;
    static struct cli_part part;
    (void)state;
    cli_init(&cli, "> ", hear, NULL);
    cli_add(&cli, &part, &secure_console, NULL);
    assert_non_null(strstr(type(&cli, "secure\r"), "can be imported, until"));
    assert_non_null(strstr(said, "firmware   0.0.0, ready (0)"));
    assert_non_null(strstr(type(&cli, "secure sale\r"), "usage"));
    assert_false(secure_is_sealed());
    assert_non_null(strstr(type(&cli, "secure seal\r"), "Sealed"));
    assert_true(secure_is_sealed());
    assert_non_null(strstr(type(&cli, "secure\r"), "none can be imported"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_signature_fits_the_public_half, set_up, tear_down),
        cmocka_unit_test(numbers_of_a_signature_survive_its_der_form),
        cmocka_unit_test_setup_teardown(a_key_outlives_a_reset_and_goes_when_it_is_destroyed,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_key_lies_in_the_store_as_an_ec_private_key, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_key_is_never_replaced_under_its_number, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(keys_of_other_kinds_or_that_may_leave_are_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(arguments_that_do_not_fit_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(keys_are_imported_until_the_device_is_sealed, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_copy_is_the_key_under_another_number, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_entropy_there_are_no_keys, set_up, tear_down),
        cmocka_unit_test(the_self_test_asks_for_signatures_and_randomness),
        cmocka_unit_test_setup_teardown(pki_makes_a_key_in_the_vault_and_certifies_it, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_new_key_takes_the_place_of_the_old_one, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_new_key_is_adopted_with_its_certificate,
                                        set_up_on_one_power, bench_tear_down),
        cmocka_unit_test_setup_teardown(power_may_fail_at_each_operation_of_an_adoption,
                                        set_up_on_one_power, bench_tear_down),
        cmocka_unit_test_setup_teardown(a_person_seals_the_device_at_the_console, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
