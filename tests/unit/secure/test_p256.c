/* The secure program's arithmetic: the vectors of RFC 6979, and Mbed TLS for all that they leave
 * out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <mbedtls/ecdsa.h>
#include <mbedtls/hmac_drbg.h>
#include <mbedtls/sha256.h>

#include "image/crypto.h"
#include "image/sha256_class.h"
#include "secure/p256.h"

static mbedtls_ecp_group group;

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

static int fixed_random(void *context, unsigned char *bytes, size_t length)
{
    static uint64_t last = 1;
    (void)context;
    for (size_t i = 0; i < length; i++) {
        last = last * 6364136223846793005u + 1442695040888963407u;
        bytes[i] = (unsigned char)(last >> 56);
    }
    return 0;
}

static void from_hex(uint8_t *bytes, const char *hex)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; hex[2 * i] != '\0'; i++)
        bytes[i] = (uint8_t)((strchr(digits, hex[2 * i]) - digits) << 4 |
                             (strchr(digits, hex[2 * i + 1]) - digits));
}

/* ---- Keys and signatures ----------------------------------------------------------------------
 */

/* RFC 6979, A.2.5, with SHA-256. */
static void signatures_are_those_of_rfc_6979(void **state)
{
    static const struct {
        const char *message, *r_s;
    } vectors[] = {
        {"sample", "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716"
                   "F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8"},
        {"test", "F1ABB023518351CD71D881567B1EA663ED3EFCF6C5132B354F28D3B0B7D38367"
                 "019F4113742A2B14BD25926B49C649155F267E60D3814B4C0CC84250E46F0083"},
    };
    uint8_t number[32], expected[65] = {4}, point[65], hash[32], signature[64];
    (void)state;
    from_hex(number, "C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721");
    from_hex(expected + 1, "60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6"
                           "7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299");
    assert_true(p256_public(point, number));
    assert_memory_equal(point, expected, sizeof point);
    for (unsigned i = 0; i < 2; i++) {
        const char *message = vectors[i].message;
        mbedtls_sha256_ret((const uint8_t *)message, strlen(message), hash, 0);
        from_hex(expected, vectors[i].r_s);
        assert_true(p256_sign(signature, number, hash));
        assert_memory_equal(signature, expected, sizeof signature);
    }
}

static void numbers_that_are_no_keys_are_refused(void **state)
{
    uint8_t number[32] = {0}, point[65], generator[65];
    size_t length;
    mbedtls_mpi key;
    (void)state;
    assert_false(p256_public(point, number));
    number[31] = 1;
    assert_true(p256_public(generator, number));
    mbedtls_mpi_init(&key);
    for (int off = -2; off < 3; off++) { /* around the order */
        mbedtls_mpi_add_int(&key, &group.N, off);
        mbedtls_mpi_write_binary(&key, number, sizeof number);
        assert_int_equal(p256_public(point, number), off < 0);
        if (off == -1) /* the generator's negative */
            assert_memory_equal(point, generator, 33);
    }
    mbedtls_mpi_free(&key);
    memset(number, 0xff, sizeof number);
    assert_false(p256_public(point, number));
    assert_int_equal(mbedtls_ecp_point_write_binary(&group, &group.G, MBEDTLS_ECP_PF_UNCOMPRESSED,
                                                    &length, point, sizeof point),
                     0);
    assert_memory_equal(point, generator, sizeof point);
}

static void expect_valid(const mbedtls_ecp_point *public, const uint8_t hash[32],
                         const uint8_t signature[64])
{
    mbedtls_mpi r, s;
    mbedtls_mpi_init(&r);
    mbedtls_mpi_init(&s);
    mbedtls_mpi_read_binary(&r, signature, 32);
    mbedtls_mpi_read_binary(&s, signature + 32, 32);
    assert_int_equal(mbedtls_ecdsa_verify(&group, hash, 32, public, &r, &s), 0);
    mbedtls_mpi_free(&s);
    mbedtls_mpi_free(&r);
}

static void mbedtls_takes_all_signatures(void **state)
{
    uint8_t number[32], point[65], known[65], hash[32], signature[64];
    size_t length;
    (void)state;
    for (unsigned i = 0; i < 40; i++) {
        mbedtls_mpi key;
        mbedtls_ecp_point public;
        mbedtls_mpi_init(&key);
        mbedtls_ecp_point_init(&public);
        mbedtls_ecp_gen_keypair(&group, &key, &public, fixed_random, NULL);
        mbedtls_mpi_write_binary(&key, number, sizeof number);
        mbedtls_ecp_point_write_binary(&group, &public, MBEDTLS_ECP_PF_UNCOMPRESSED, &length, known,
                                       sizeof known);
        assert_true(p256_public(point, number));
        assert_memory_equal(point, known, sizeof point);
        fixed_random(NULL, hash, sizeof hash);
        if (i < 3) /* 0, the order, more than that */
            memset(hash, i == 0 ? 0 : 0xff, sizeof hash);
        if (i == 1)
            mbedtls_mpi_write_binary(&group.N, hash, sizeof hash);
        assert_true(p256_sign(signature, number, hash));
        expect_valid(&public, hash, signature);
        /* BearSSL verifies nothing over 0, which no image has for its hash. */
        assert_int_equal(image_p256_verify(point, hash, signature), i >= 2);
        hash[i % 32] ^= (uint8_t)(1u << i % 8);
        assert_false(image_p256_verify(point, hash, signature));
        mbedtls_ecp_point_free(&public);
        mbedtls_mpi_free(&key);
    }
}

static void one_digest_has_one_signature(void **state)
{
    const uint8_t number[32] = {[31] = 7}, hash[32] = {1};
    uint8_t first[64], second[64];
    (void)state;
    assert_true(p256_sign(first, number, hash));
    assert_true(p256_sign(second, number, hash));
    assert_memory_equal(first, second, sizeof first);
}

/* ---- The hash that BearSSL works with ---------------------------------------------------------
 */

static void the_hash_is_sha_256_in_any_pieces(void **state)
{
    uint8_t text[200], expected[32], hash[32], after_block[32];
    br_hash_compat_context running, other;
    (void)state;
    fixed_random(NULL, text, sizeof text);
    for (size_t length = 0; length <= sizeof text; length++) {
        const size_t half = length / 3;
        mbedtls_sha256_ret(text, length, expected, 0);
        image_sha256_class.init(&running.vtable);
        image_sha256_class.update(&running.vtable, text, half);
        running.vtable->out(&running.vtable, hash); /* and goes on */
        running.vtable->update(&running.vtable, text + half, length - half);
        running.vtable->out(&running.vtable, hash);
        assert_memory_equal(hash, expected, sizeof hash);
    }
    image_sha256_class.init(&running.vtable);
    image_sha256_class.update(&running.vtable, text, 128);
    assert_int_equal(image_sha256_class.state(&running.vtable, after_block), 128);
    image_sha256_class.init(&other.vtable);
    image_sha256_class.set_state(&other.vtable, after_block, 128);
    image_sha256_class.update(&other.vtable, text + 128, 72);
    image_sha256_class.out(&other.vtable, hash);
    assert_memory_equal(hash, expected, sizeof hash);
}

static void the_generator_is_mbedtls_s_hmac_drbg(void **state)
{
    uint8_t seed[32], more[32], expected[100], bytes[100];
    br_hmac_drbg_context ours;
    mbedtls_hmac_drbg_context theirs;
    (void)state;
    fixed_random(NULL, seed, sizeof seed);
    fixed_random(NULL, more, sizeof more);
    mbedtls_hmac_drbg_init(&theirs);
    assert_int_equal(mbedtls_hmac_drbg_seed_buf(
                         &theirs, mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), seed, sizeof seed),
                     0);
    br_hmac_drbg_init(&ours, &image_sha256_class, seed, sizeof seed);
    for (size_t length = 1; length <= sizeof bytes; length++) {
        assert_int_equal(mbedtls_hmac_drbg_random(&theirs, expected, length), 0);
        br_hmac_drbg_generate(&ours, bytes, length);
        assert_memory_equal(bytes, expected, length);
        if (length % 10 == 0) {
            assert_int_equal(mbedtls_hmac_drbg_update_ret(&theirs, more, sizeof more), 0);
            br_hmac_drbg_update(&ours, more, sizeof more);
        }
    }
    mbedtls_hmac_drbg_free(&theirs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signatures_are_those_of_rfc_6979),
        cmocka_unit_test(numbers_that_are_no_keys_are_refused),
        cmocka_unit_test(mbedtls_takes_all_signatures),
        cmocka_unit_test(one_digest_has_one_signature),
        cmocka_unit_test(the_hash_is_sha_256_in_any_pieces),
        cmocka_unit_test(the_generator_is_mbedtls_s_hmac_drbg),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
