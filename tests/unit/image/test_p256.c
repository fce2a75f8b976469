/* The small P-256 against Mbed TLS: random signatures, and the values where implementations go
 * wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <mbedtls/ecdsa.h>

#include "image/crypto.h"

static mbedtls_ecp_group group;

static int fixed_random(void *context, unsigned char *bytes, size_t length)
{
    uint64_t *state = context;
    for (size_t i = 0; i < length; i++) {
        *state = *state * 6364136223846793005u + 1442695040888963407u;
        bytes[i] = (unsigned char)(*state >> 56);
    }
    return 0;
}

static uint64_t seed = 1;

struct pair {
    mbedtls_mpi secret;
    mbedtls_ecp_point public;
    uint8_t point[65];
};

static void export_point(struct pair *pair)
{
    size_t length = 0;
    assert_int_equal(mbedtls_ecp_point_write_binary(&group, &pair->public,
                                                    MBEDTLS_ECP_PF_UNCOMPRESSED, &length,
                                                    pair->point, sizeof pair->point),
                     0);
}

static void make_pair(struct pair *pair)
{
    mbedtls_mpi_init(&pair->secret);
    mbedtls_ecp_point_init(&pair->public);
    assert_int_equal(
        mbedtls_ecp_gen_keypair(&group, &pair->secret, &pair->public, fixed_random, &seed), 0);
    export_point(pair);
}

static void free_pair(struct pair *pair)
{
    mbedtls_mpi_free(&pair->secret);
    mbedtls_ecp_point_free(&pair->public);
}

static bool verify(const uint8_t point[65], const uint8_t hash[32], const mbedtls_mpi *r,
                   const mbedtls_mpi *s)
{
    uint8_t signature[64];
    assert_int_equal(mbedtls_mpi_write_binary(r, signature, 32), 0);
    assert_int_equal(mbedtls_mpi_write_binary(s, signature + 32, 32), 0);
    return image_p256_verify(point, hash, signature);
}

static bool verify_mbedtls(const struct pair *pair, const uint8_t hash[32], const mbedtls_mpi *r,
                           const mbedtls_mpi *s)
{
    return mbedtls_ecdsa_verify(&group, hash, 32, &pair->public, r, s) == 0;
}

static void sign(const struct pair *pair, const uint8_t hash[32], mbedtls_mpi *r, mbedtls_mpi *s)
{
    assert_int_equal(mbedtls_ecdsa_sign(&group, r, s, &pair->secret, hash, 32, fixed_random, &seed),
                     0);
}

static void what_mbedtls_signs_is_valid_and_a_changed_bit_makes_it_invalid(void **state)
{
    (void)state;
    mbedtls_mpi r, s;
    mbedtls_mpi_init(&r);
    mbedtls_mpi_init(&s);
    for (unsigned i = 0; i < 40; i++) {
        struct pair pair;
        uint8_t hash[32];
        make_pair(&pair);
        fixed_random(&seed, hash, sizeof hash);
        sign(&pair, hash, &r, &s);
        assert_true(verify(pair.point, hash, &r, &s));
        hash[i % 32] ^= (uint8_t)(1u << i % 8);
        assert_false(verify(pair.point, hash, &r, &s));
        hash[i % 32] ^= (uint8_t)(1u << i % 8);
        mbedtls_mpi *changed = i % 2 != 0 ? &r : &s;
        mbedtls_mpi_set_bit(changed, i * 5, !mbedtls_mpi_get_bit(changed, i * 5));
        assert_false(verify(pair.point, hash, &r, &s));
        free_pair(&pair);
    }
    mbedtls_mpi_free(&r);
    mbedtls_mpi_free(&s);
}

static void extreme_hashes_are_checked_as_mbedtls_does(void **state)
{
    (void)state;
    mbedtls_mpi r, s;
    struct pair pair;
    uint8_t hash[32];
    mbedtls_mpi_init(&r);
    mbedtls_mpi_init(&s);
    make_pair(&pair);
    memset(hash, 0, sizeof hash); /* u1 is 0 */
    sign(&pair, hash, &r, &s);
    assert_true(verify(pair.point, hash, &r, &s));
    memset(hash, 0xff, sizeof hash); /* above n */
    sign(&pair, hash, &r, &s);
    assert_true(verify(pair.point, hash, &r, &s));
    mbedtls_mpi_write_binary(&group.N, hash, 32); /* n itself counts as 0 */
    sign(&pair, hash, &r, &s);
    assert_true(verify(pair.point, hash, &r, &s));
    memset(hash, 0, sizeof hash);
    assert_int_equal(verify(pair.point, hash, &r, &s), verify_mbedtls(&pair, hash, &r, &s));
    free_pair(&pair);
    mbedtls_mpi_free(&r);
    mbedtls_mpi_free(&s);
}

static void r_and_s_out_of_range_are_refused(void **state)
{
    (void)state;
    mbedtls_mpi r, s, bad;
    struct pair pair;
    uint8_t hash[32] = {1};
    mbedtls_mpi_init(&r);
    mbedtls_mpi_init(&s);
    mbedtls_mpi_init(&bad);
    make_pair(&pair);
    sign(&pair, hash, &r, &s);
    mbedtls_mpi_lset(&bad, 0);
    assert_false(verify(pair.point, hash, &bad, &s));
    assert_false(verify(pair.point, hash, &r, &bad));
    mbedtls_mpi_copy(&bad, &group.N);
    assert_false(verify(pair.point, hash, &bad, &s));
    assert_false(verify(pair.point, hash, &r, &bad));
    mbedtls_mpi_sub_int(&bad, &group.N, 1);
    assert_false(verify(pair.point, hash, &bad, &s));
    mbedtls_mpi_sub_mpi(&bad, &group.N, &s); /* the other of each pair of signatures */
    assert_true(verify(pair.point, hash, &r, &bad));
    free_pair(&pair);
    mbedtls_mpi_free(&r);
    mbedtls_mpi_free(&s);
    mbedtls_mpi_free(&bad);
}

/* Signatures by secret 1 and n-1, whose public keys are the base point and its negative: sums meet
 * in doublings and at infinity. */
static void keys_at_the_base_point_work(void **state)
{
    (void)state;
    mbedtls_mpi r, s;
    mbedtls_mpi_init(&r);
    mbedtls_mpi_init(&s);
    for (int secret = 1; secret >= -1; secret -= 2) {
        struct pair pair;
        make_pair(&pair);
        mbedtls_mpi_lset(&pair.secret, secret);
        if (secret < 0)
            mbedtls_mpi_add_mpi(&pair.secret, &pair.secret, &group.N);
        mbedtls_ecp_mul(&group, &pair.public, &pair.secret, &group.G, fixed_random, &seed);
        export_point(&pair);
        for (unsigned i = 0; i < 10; i++) {
            uint8_t hash[32];
            fixed_random(&seed, hash, sizeof hash);
            sign(&pair, hash, &r, &s);
            assert_true(verify(pair.point, hash, &r, &s));
            /* u1 = u2: with the negative key the sum is infinity */
            mbedtls_mpi_write_binary(&r, hash, 32);
            assert_int_equal(verify(pair.point, hash, &r, &s), verify_mbedtls(&pair, hash, &r, &s));
        }
        free_pair(&pair);
    }
    mbedtls_mpi_free(&r);
    mbedtls_mpi_free(&s);
}

static void a_point_off_the_curve_or_out_of_range_is_refused(void **state)
{
    (void)state;
    mbedtls_mpi r, s;
    struct pair pair;
    const uint8_t hash[32] = {1};
    mbedtls_mpi_init(&r);
    mbedtls_mpi_init(&s);
    make_pair(&pair);
    sign(&pair, hash, &r, &s);
    pair.point[0] = 2;
    assert_false(verify(pair.point, hash, &r, &s));
    pair.point[0] = 4;
    pair.point[64] ^= 1;
    assert_false(verify(pair.point, hash, &r, &s));
    pair.point[64] ^= 1;
    memset(pair.point + 1, 0xff, 32);
    assert_false(verify(pair.point, hash, &r, &s));
    free_pair(&pair);
    mbedtls_mpi_free(&r);
    mbedtls_mpi_free(&s);
}

/* y with y^2 = x^3 - 3x + b, if there is one: the field's p is 3 mod 4. */
static bool lift_x(mbedtls_mpi *y, const mbedtls_mpi *x)
{
    mbedtls_mpi square, exponent, check;
    mbedtls_mpi_init(&square);
    mbedtls_mpi_init(&exponent);
    mbedtls_mpi_init(&check);
    mbedtls_mpi_mul_mpi(&square, x, x);
    mbedtls_mpi_sub_int(&square, &square, 3);
    mbedtls_mpi_mul_mpi(&square, &square, x);
    mbedtls_mpi_add_mpi(&square, &square, &group.B);
    mbedtls_mpi_mod_mpi(&square, &square, &group.P);
    mbedtls_mpi_add_int(&exponent, &group.P, 1);
    mbedtls_mpi_shift_r(&exponent, 2);
    mbedtls_mpi_exp_mod(y, &square, &exponent, &group.P, NULL);
    mbedtls_mpi_mul_mpi(&check, y, y);
    mbedtls_mpi_mod_mpi(&check, &check, &group.P);
    const bool found = mbedtls_mpi_cmp_mpi(&check, &square) == 0;
    mbedtls_mpi_free(&square);
    mbedtls_mpi_free(&exponent);
    mbedtls_mpi_free(&check);
    return found;
}

/* A signature whose point has an x between n and p, so that r is x - n: with u1 = u2 = 1 the key is
 * that point minus the base point, s = r and hash = r. One in 2^128 by chance. */
static void an_x_above_n_is_reduced(void **state)
{
    (void)state;
    struct pair pair;
    mbedtls_ecp_point sum;
    mbedtls_mpi r, plus, minus;
    uint8_t hash[32];
    make_pair(&pair);
    mbedtls_ecp_point_init(&sum);
    mbedtls_mpi_init(&r);
    mbedtls_mpi_init(&plus);
    mbedtls_mpi_init(&minus);
    mbedtls_mpi_lset(&r, 5);
    do {
        mbedtls_mpi_add_int(&r, &r, 1);
        mbedtls_mpi_add_mpi(&sum.X, &group.N, &r);
    } while (!lift_x(&sum.Y, &sum.X));
    mbedtls_mpi_lset(&sum.Z, 1);
    mbedtls_mpi_lset(&plus, 1);
    mbedtls_mpi_sub_int(&minus, &group.N, 1);
    assert_int_equal(mbedtls_ecp_muladd(&group, &pair.public, &plus, &sum, &minus, &group.G), 0);
    export_point(&pair);
    mbedtls_mpi_write_binary(&r, hash, 32);
    assert_true(verify_mbedtls(&pair, hash, &r, &r));
    assert_true(verify(pair.point, hash, &r, &r));
    mbedtls_ecp_point_free(&sum);
    mbedtls_mpi_free(&r);
    mbedtls_mpi_free(&plus);
    mbedtls_mpi_free(&minus);
    free_pair(&pair);
}

static int set_up(void **state)
{
    (void)state;
    mbedtls_ecp_group_init(&group);
    return mbedtls_ecp_group_load(&group, MBEDTLS_ECP_DP_SECP256R1);
}

static int tear_down(void **state)
{
    (void)state;
    mbedtls_ecp_group_free(&group);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_mbedtls_signs_is_valid_and_a_changed_bit_makes_it_invalid),
        cmocka_unit_test(extreme_hashes_are_checked_as_mbedtls_does),
        cmocka_unit_test(r_and_s_out_of_range_are_refused),
        cmocka_unit_test(keys_at_the_base_point_work),
        cmocka_unit_test(a_point_off_the_curve_or_out_of_range_is_refused),
        cmocka_unit_test(an_x_above_n_is_reduced),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
