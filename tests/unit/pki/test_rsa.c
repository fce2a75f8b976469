/* Keys of RSA that are made in steps (pki/rsa_search.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <mbedtls/bignum.h>
#include <mbedtls/pk.h>
#include <mbedtls/rsa.h>

#include "pki_bench.h"
#include "port/port.h"

#define PRIME_SIZE 128

/* A key takes some 700 steps; one that takes so many never ends. */
#define STEPS_MAX 20000

static uint32_t finish(void)
{
    otter_status status = OTTER_E_AGAIN;
    uint32_t steps = 0;
    for (; status == OTTER_E_AGAIN && steps < STEPS_MAX; steps++)
        status = pki_generate_more(&pki);
    assert_int_equal(status, OTTER_OK);
    return steps;
}

static void begin(void)
{
    assert_int_equal(pki_generate_pair(&pki, PKI_TLS_KEY_PRIV, PKI_RSA2048), OTTER_E_AGAIN);
}

static void some_steps(void)
{
    for (int i = 0; i < 40; i++)
        assert_int_equal(pki_generate_more(&pki), OTTER_E_AGAIN);
}

/* Those of the key in the store. */
struct primes {
    uint8_t p[PRIME_SIZE], q[PRIME_SIZE];
};

static struct primes stored_primes(void)
{
    struct primes primes;
    uint8_t der[PKI_PRIVATE_MAX];
    uint32_t length;
    mbedtls_pk_context key;
    assert_int_equal(kv_get(&kv, "pki/" PKI_TLS_KEY_PRIV, der, sizeof der, &length), OTTER_OK);
    save("key.der", der, length);
    mbedtls_pk_init(&key);
    assert_int_equal(mbedtls_pk_parse_key(&key, der, length, NULL, 0), 0);
    assert_int_equal(mbedtls_rsa_export_raw(mbedtls_pk_rsa(key), NULL, 0, primes.p, PRIME_SIZE,
                                            primes.q, PRIME_SIZE, NULL, 0, NULL, 0),
                     0);
    mbedtls_pk_free(&key);
    return primes;
}

static void a_key_made_in_steps_is_one_for_openssl(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        char text[8192];
        begin();
        assert_true(finish() > 12); /* six rounds for each prime */
        const struct primes primes = stored_primes();
        shell("openssl rsa -inform DER -in key.der -check -noout -text", text, sizeof text);
        assert_non_null(strstr(text, "RSA key ok"));
        assert_non_null(strstr(text, "2048 bit"));
        assert_non_null(strstr(text, "publicExponent: 65537"));
        assert_true(primes.p[0] >= 0xc0 && primes.q[0] >= 0xc0);
        assert_true(memcmp(primes.p, primes.q, PRIME_SIZE) > 0);
        save("pub.pem", exported(PKI_TLS_KEY_PUB), strlen(exported(PKI_TLS_KEY_PUB)));
        run("openssl rsa -inform DER -in key.der -pubout -out own.pem && cmp own.pem pub.pem");
    }
}

static void until_the_last_step_flash_is_as_it_was(void **state)
{
    (void)state;
    char before[PKI_PEM_MAX];
    assert_int_equal(pki_generate_key(&pki, PKI_TLS_KEY_PRIV), OTTER_OK);
    assert_int_equal(pki_generate_cert(&pki, PKI_TLS_KEY_PRIV, "a"), OTTER_OK);
    strcpy(before, exported(PKI_TLS_KEY_PUB));
    const size_t size = store.device.flash.size;
    uint8_t *const flash = malloc(size);
    assert_non_null(flash);
    memcpy(flash, store.device.data, size);
    begin();
    while (pki_generate_more(&pki) == OTTER_E_AGAIN)
        assert_memory_equal(flash, store.device.data, size);
    assert_string_not_equal(exported(PKI_TLS_KEY_PUB), before);
    assert_false(is_there(PKI_TLS_CERT));
    free(flash);
}

static void given_up_the_old_key_stays(void **state)
{
    (void)state;
    char before[PKI_PEM_MAX];
    assert_int_equal(pki_generate_key(&pki, PKI_TLS_KEY_PRIV), OTTER_OK);
    strcpy(before, exported(PKI_TLS_KEY_PUB));
    assert_int_equal(pki_generate_more(&pki), OTTER_E_STATE);
    begin();
    some_steps();
    pki_generate_stop(&pki);
    assert_int_equal(pki_generate_more(&pki), OTTER_E_STATE);
    assert_string_equal(exported(PKI_TLS_KEY_PUB), before);
    begin();
    finish();
    assert_string_not_equal(exported(PKI_TLS_KEY_PUB), before);
}

static void other_keys_are_made_and_sign_meanwhile(void **state)
{
    (void)state;
    static const uint8_t digest[32] = {1};
    struct pki_signature signature;
    begin();
    some_steps();
    assert_int_equal(pki_generate_key(&pki, PKI_CLAIM_KEY), OTTER_OK);
    assert_int_equal(pki_sign(&pki, PKI_CLAIM_KEY, digest, sizeof digest, &signature), OTTER_OK);
    some_steps();
    assert_int_equal(pki_generate_pair(&pki, PKI_CLAIM_KEY, PKI_P384), OTTER_OK);
    assert_int_equal(pki_sign(&pki, PKI_CLAIM_KEY, digest, sizeof digest, &signature), OTTER_OK);
    finish();
    assert_int_equal(pki_sign(&pki, PKI_TLS_KEY_PRIV, digest, sizeof digest, &signature), OTTER_OK);
    assert_int_equal(signature.length, 256);
    assert_int_equal(pki_sign(&pki, PKI_CLAIM_KEY, digest, sizeof digest, &signature), OTTER_OK);
}

static void without_entropy_it_ends_and_the_old_key_stays(void **state)
{
    (void)state;
    otter_status status = OTTER_E_AGAIN;
    char before[PKI_PEM_MAX];
    assert_int_equal(pki_generate_key(&pki, PKI_TLS_KEY_PRIV), OTTER_OK);
    strcpy(before, exported(PKI_TLS_KEY_PUB));
    begin();
    some_steps();
    no_entropy = true;
    for (int i = 0; status == OTTER_E_AGAIN && i < STEPS_MAX; i++)
        status = pki_generate_more(&pki);
    assert_int_equal(status, OTTER_E_CRYPTO);
    assert_int_equal(pki_generate_more(&pki), OTTER_E_STATE);
    assert_string_equal(exported(PKI_TLS_KEY_PUB), before);
}

/* ---- Numbers that are drawn -------------------------------------------------------------------
 */

static int give_random(void *unused, unsigned char *data, size_t length)
{
    (void)unused;
    return port_random(data, length) == OTTER_OK ? 0 : -1;
}

/* Mbed TLS finds none in a number with room for more than it has: a copy has no more. */
static bool is_prime(const mbedtls_mpi *number)
{
    mbedtls_mpi copy;
    mbedtls_mpi_init(&copy);
    assert_int_equal(mbedtls_mpi_copy(&copy, number), 0);
    const int error = mbedtls_mpi_is_prime_ext(&copy, 10, give_random, NULL);
    mbedtls_mpi_free(&copy);
    return error == 0;
}

/* A prime of as many bits, the highest two of them set. */
static void make_prime(mbedtls_mpi *prime, size_t bits)
{
    do
        assert_int_equal(mbedtls_mpi_gen_prime(prime, bits, 0, give_random, NULL), 0);
    while (mbedtls_mpi_get_bit(prime, bits - 2) == 0);
}

/* Without a divisor that the search knows, and no prime. */
static void make_composite(mbedtls_mpi *number)
{
    mbedtls_mpi factor;
    mbedtls_mpi_init(&factor);
    do {
        make_prime(number, 512);
        make_prime(&factor, 512);
        assert_int_equal(mbedtls_mpi_mul_mpi(number, number, &factor), 0);
    } while (mbedtls_mpi_get_bit(number, 1022) == 0 || mbedtls_mpi_bitlen(number) != 1024);
    mbedtls_mpi_free(&factor);
}

/* A prime of which one less is a multiple of the exponent: k * 2 * 65537 + 1. */
static void make_unsuitable(mbedtls_mpi *prime)
{
    do {
        assert_int_equal(mbedtls_mpi_fill_random(prime, PRIME_SIZE, give_random, NULL), 0);
        assert_int_equal(mbedtls_mpi_set_bit(prime, 1023, 1), 0);
        assert_int_equal(mbedtls_mpi_set_bit(prime, 1022, 1), 0);
        assert_int_equal(mbedtls_mpi_div_int(prime, NULL, prime, 2 * 65537), 0);
        assert_int_equal(mbedtls_mpi_mul_int(prime, prime, 2 * 65537), 0);
        assert_int_equal(mbedtls_mpi_add_int(prime, prime, 1), 0);
    } while (!is_prime(prime));
}

static void draw_next(const mbedtls_mpi *number)
{
    static uint8_t bytes[PRIME_SIZE];
    assert_int_equal(mbedtls_mpi_write_binary(number, bytes, sizeof bytes), 0);
    drawn = bytes;
}

/* The key that comes of it when this is the first number that is looked at. */
static struct primes primes_after(const mbedtls_mpi *number, uint8_t bytes[PRIME_SIZE])
{
    assert_int_equal(mbedtls_mpi_write_binary(number, bytes, PRIME_SIZE), 0);
    draw_next(number);
    begin();
    finish();
    assert_null(drawn);
    return stored_primes();
}

static void a_prime_that_is_drawn_is_taken_and_others_are_not(void **state)
{
    (void)state;
    uint8_t bytes[PRIME_SIZE];
    mbedtls_mpi number;
    mbedtls_mpi_init(&number);
    make_prime(&number, 1024);
    struct primes primes = primes_after(&number, bytes);
    assert_true(memcmp(primes.p, bytes, PRIME_SIZE) == 0 ||
                memcmp(primes.q, bytes, PRIME_SIZE) == 0);
    static void (*const others[])(mbedtls_mpi *) = {make_composite, make_unsuitable};
    for (int i = 0; i < 2; i++) {
        others[i](&number);
        primes = primes_after(&number, bytes);
        assert_memory_not_equal(primes.p, bytes, PRIME_SIZE);
        assert_memory_not_equal(primes.q, bytes, PRIME_SIZE);
    }
    mbedtls_mpi_free(&number);
}

/* The first number passes six rounds, then the second is drawn: the same, and one that is close. */
static void primes_that_are_close_make_no_key(void **state)
{
    (void)state;
    for (int far = 0; far < 2; far++) {
        uint8_t first[PRIME_SIZE];
        mbedtls_mpi number;
        mbedtls_mpi_init(&number);
        make_prime(&number, 1024);
        assert_int_equal(mbedtls_mpi_write_binary(&number, first, sizeof first), 0);
        draw_next(&number);
        begin();
        for (int i = 0; i < 7; i++)
            assert_int_equal(pki_generate_more(&pki), OTTER_E_AGAIN);
        for (bool more = far > 0; more; more = !is_prime(&number))
            assert_int_equal(mbedtls_mpi_add_int(&number, &number, 2), 0);
        draw_next(&number);
        for (int i = 0; i < 8; i++) /* and the last finds them too close */
            assert_int_equal(pki_generate_more(&pki), OTTER_E_AGAIN);
        assert_null(drawn);
        finish();
        const struct primes primes = stored_primes();
        assert_true(memcmp(primes.p, first, PRIME_SIZE) == 0 ||
                    memcmp(primes.q, first, PRIME_SIZE) == 0);
        assert_memory_not_equal(primes.p, primes.q, 13);
        mbedtls_mpi_free(&number);
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_set_up, bench_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_key_made_in_steps_is_one_for_openssl),
        TEST(until_the_last_step_flash_is_as_it_was),
        TEST(given_up_the_old_key_stays),
        TEST(other_keys_are_made_and_sign_meanwhile),
        TEST(without_entropy_it_ends_and_the_old_key_stays),
        TEST(a_prime_that_is_drawn_is_taken_and_others_are_not),
        TEST(primes_that_are_close_make_no_key),
    };
    return cmocka_run_group_tests(tests, bench_make_folder, bench_remove_folder);
}
