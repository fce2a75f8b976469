/* RSA signatures, by BearSSL and our PSS, against those that OpenSSL makes: with the padding that
 * imgtool uses they are accepted, and with no other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "tests/unit/image/support.h"

struct signer {
    EVP_PKEY *pair;
    uint8_t der[512];
    struct image_key key;
};

static struct signer rsa_2048;
static struct signer rsa_3072;
static const uint8_t hash[32] = {1, 2, 3, 4, 5, 6, 7, 8};
static uint8_t signature[IMAGE_SIGNATURE_MAX];
static uint8_t buffer[IMAGE_SIGNATURE_MAX];
static uint8_t file[FLASH_BYTES];

/* The public key as a device holds it: RSAPublicKey of PKCS#1. */
static void take_pair(struct signer *signer, EVP_PKEY *pair, const struct image_scheme *scheme)
{
    unsigned char *end = signer->der;
    signer->pair = pair;
    const int length = i2d_PublicKey(pair, NULL);
    assert_in_range(length, 1, sizeof signer->der);
    i2d_PublicKey(pair, &end);
    signer->key = (struct image_key){signer->der, (uint16_t)length, 0, scheme};
}

static int make_keys(void **state)
{
    take_pair(&rsa_2048, EVP_RSA_gen(2048), &image_rsa_2048);
    take_pair(&rsa_3072, EVP_RSA_gen(3072), &image_rsa_3072);
    return flash_set_up(state);
}

static int free_keys(void **state)
{
    EVP_PKEY_free(rsa_2048.pair);
    EVP_PKEY_free(rsa_3072.pair);
    return flash_tear_down(state);
}

static uint16_t sign(const struct signer *signer, int padding, int salt, const EVP_MD *mask)
{
    size_t length = sizeof signature;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(signer->pair, NULL);
    assert_true(EVP_PKEY_sign_init(context) > 0 &&
                EVP_PKEY_CTX_set_rsa_padding(context, padding) > 0 &&
                EVP_PKEY_CTX_set_signature_md(context, EVP_sha256()) > 0);
    if (padding == RSA_PKCS1_PSS_PADDING)
        assert_true(EVP_PKEY_CTX_set_rsa_pss_saltlen(context, salt) > 0 &&
                    EVP_PKEY_CTX_set_rsa_mgf1_md(context, mask) > 0);
    assert_true(EVP_PKEY_sign(context, signature, &length, hash, sizeof hash) > 0);
    EVP_PKEY_CTX_free(context);
    return (uint16_t)length;
}

static uint16_t sign_as_imgtool(const struct signer *signer)
{
    return sign(signer, RSA_PKCS1_PSS_PADDING, 32, EVP_sha256());
}

static otter_status verify(const struct image_key *key, uint16_t length)
{
    memcpy(buffer, signature, sizeof buffer); /* the check works in it */
    return key->scheme->verify(key, hash, buffer, length);
}

static void signatures_of_both_sizes_are_accepted(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(verify(&rsa_2048.key, sign_as_imgtool(&rsa_2048)), OTTER_OK);
        assert_int_equal(verify(&rsa_3072.key, sign_as_imgtool(&rsa_3072)), OTTER_OK);
    }
}

static void no_signature_with_one_bit_changed_is_accepted(void **state)
{
    (void)state;
    const uint16_t length = sign_as_imgtool(&rsa_2048);
    for (unsigned bit = 0; bit < length * 8u; bit += 7) {
        signature[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(verify(&rsa_2048.key, length), OTTER_E_SIGNATURE);
        signature[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_int_equal(verify(&rsa_2048.key, length), OTTER_OK);
}

static void a_signature_of_another_hash_is_refused(void **state)
{
    (void)state;
    const uint8_t other[32] = {1, 2, 3, 4, 5, 6, 7, 9};
    const uint16_t length = sign_as_imgtool(&rsa_3072);
    memcpy(buffer, signature, sizeof buffer);
    assert_int_equal(image_rsa_3072.verify(&rsa_3072.key, other, buffer, length),
                     OTTER_E_SIGNATURE);
}

static void no_other_padding_is_accepted(void **state)
{
    (void)state;
    const EVP_MD *sha256 = EVP_sha256();
    assert_int_equal(verify(&rsa_2048.key, sign(&rsa_2048, RSA_PKCS1_PSS_PADDING, 20, sha256)),
                     OTTER_E_SIGNATURE);
    assert_int_equal(verify(&rsa_2048.key, sign(&rsa_2048, RSA_PKCS1_PSS_PADDING, 33, sha256)),
                     OTTER_E_SIGNATURE);
    assert_int_equal(verify(&rsa_2048.key, sign(&rsa_2048, RSA_PKCS1_PSS_PADDING, 32, EVP_sha1())),
                     OTTER_E_SIGNATURE);
    assert_int_equal(verify(&rsa_2048.key, sign(&rsa_2048, RSA_PKCS1_PADDING, 0, NULL)),
                     OTTER_E_SIGNATURE);
}

/* The encoded message itself, with one thing wrong, under the private key. */
static otter_status verify_spoilt(size_t offset, uint8_t change)
{
    uint8_t encoded[256];
    size_t length = sizeof encoded;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(rsa_2048.pair, NULL);
    sign_as_imgtool(&rsa_2048);
    assert_true(EVP_PKEY_verify_recover_init(context) > 0 &&
                EVP_PKEY_CTX_set_rsa_padding(context, RSA_NO_PADDING) > 0 &&
                EVP_PKEY_verify_recover(context, encoded, &length, signature, length) > 0);
    encoded[offset] ^= change;
    assert_true(EVP_PKEY_sign_init(context) > 0 &&
                EVP_PKEY_CTX_set_rsa_padding(context, RSA_NO_PADDING) > 0 &&
                EVP_PKEY_sign(context, signature, &length, encoded, sizeof encoded) > 0);
    EVP_PKEY_CTX_free(context);
    return verify(&rsa_2048.key, 256);
}

static void each_part_of_the_padding_counts(void **state)
{
    (void)state;
    assert_int_equal(verify_spoilt(255, 0), OTTER_OK);
    assert_int_equal(verify_spoilt(255, 0x01), OTTER_E_SIGNATURE); /* bc */
    assert_int_equal(verify_spoilt(223, 0x01), OTTER_E_SIGNATURE); /* hash */
    assert_int_equal(verify_spoilt(222, 0x01), OTTER_E_SIGNATURE); /* salt */
    assert_int_equal(verify_spoilt(190, 0x01), OTTER_E_SIGNATURE); /* the one before the salt */
    assert_int_equal(verify_spoilt(189, 0x80), OTTER_E_SIGNATURE); /* the last zero */
    assert_int_equal(verify_spoilt(1, 0x01), OTTER_E_SIGNATURE);   /* one of the first */
}

static void lengths_are_those_of_the_key(void **state)
{
    (void)state;
    struct image_key key = rsa_2048.key;
    const uint16_t length = sign_as_imgtool(&rsa_2048);
    assert_int_equal(verify(&key, (uint16_t)(length - 1)), OTTER_E_SIGNATURE);
    assert_int_equal(verify(&key, (uint16_t)(length + 1)), OTTER_E_SIGNATURE);
    key.der_length--;
    assert_int_equal(verify(&key, length), OTTER_E_SIGNATURE);
    key = rsa_2048.key;
    key.scheme = &image_rsa_3072;
    assert_int_equal(verify(&key, 384), OTTER_E_SIGNATURE);
}

static void a_key_with_another_exponent_is_refused(void **state)
{
    (void)state;
    const uint16_t length = sign_as_imgtool(&rsa_2048);
    rsa_2048.der[269] ^= 2;
    assert_int_equal(verify(&rsa_2048.key, length), OTTER_E_SIGNATURE);
    rsa_2048.der[269] ^= 2;
}

static void a_signature_not_below_the_modulus_is_refused(void **state)
{
    (void)state;
    memcpy(signature, rsa_2048.der + 9, 256);
    assert_int_equal(verify(&rsa_2048.key, 256), OTTER_E_SIGNATURE);
    memset(signature, 0xff, 256);
    assert_int_equal(verify(&rsa_2048.key, 256), OTTER_E_SIGNATURE);
    memset(signature, 0, 256);
    assert_int_equal(verify(&rsa_2048.key, 256), OTTER_E_SIGNATURE);
}

/* The public half of rsa2048.pem of the imgtool vectors. */
static const uint8_t vector_der[270] = {
    0x30, 0x82, 0x01, 0x0a, 0x02, 0x82, 0x01, 0x01, 0x00, 0xc2, 0x46, 0x5c, 0xe8, 0xb5, 0x6d, 0xef,
    0x32, 0x18, 0xba, 0xa6, 0xaf, 0xb4, 0x3c, 0x1d, 0x85, 0xfb, 0x06, 0x6b, 0x6d, 0xc6, 0xcb, 0xa9,
    0x65, 0xa3, 0x18, 0xf5, 0x48, 0x1c, 0xe4, 0x5d, 0xe7, 0x9c, 0xa8, 0xc4, 0x89, 0xc9, 0xb0, 0x1d,
    0x56, 0xd4, 0x82, 0x4d, 0x37, 0x27, 0xa3, 0x9f, 0x02, 0x59, 0xce, 0x87, 0xc4, 0x32, 0xa5, 0x04,
    0xeb, 0x63, 0xf1, 0x32, 0x9a, 0xb4, 0xa9, 0x2f, 0x82, 0x74, 0x29, 0xce, 0xe5, 0x56, 0x40, 0x5f,
    0x22, 0xcd, 0x4d, 0xd0, 0xd4, 0xcc, 0x1b, 0xc7, 0xa8, 0x6b, 0x7b, 0x0e, 0x91, 0x87, 0x0e, 0xb5,
    0x35, 0x17, 0xe5, 0xcf, 0x77, 0xc6, 0x47, 0x4b, 0x23, 0xab, 0x87, 0x9c, 0xd2, 0x6f, 0x4c, 0x90,
    0xc2, 0xc8, 0xe1, 0x06, 0x1d, 0x46, 0x0c, 0xcb, 0xef, 0xf1, 0x28, 0x6d, 0xac, 0xdb, 0xfa, 0x1b,
    0x67, 0xd0, 0x09, 0xd2, 0xe2, 0xba, 0xa1, 0x1b, 0x0a, 0xde, 0x86, 0x1e, 0x35, 0x51, 0x84, 0x1d,
    0x0b, 0x6c, 0x98, 0x3d, 0x07, 0x01, 0x6f, 0x14, 0x96, 0x3e, 0xa1, 0x18, 0x74, 0x4a, 0x94, 0x9b,
    0xbb, 0xcf, 0xdc, 0xe6, 0x97, 0x25, 0xca, 0x0c, 0x88, 0x84, 0x87, 0xb4, 0x4a, 0x44, 0x30, 0x8f,
    0xcc, 0x71, 0xf3, 0x25, 0x95, 0x4b, 0x04, 0x15, 0x09, 0x53, 0x56, 0x37, 0xf0, 0x31, 0xde, 0xb1,
    0x17, 0x35, 0x4f, 0x0c, 0x82, 0x1b, 0x4c, 0xf3, 0x26, 0xd7, 0xe5, 0xb7, 0x49, 0x9f, 0x51, 0x5e,
    0xc2, 0xfa, 0xbd, 0x4f, 0xb4, 0xac, 0x25, 0xc8, 0x82, 0x13, 0x00, 0x5b, 0x74, 0x3d, 0xee, 0x77,
    0xd3, 0x37, 0x2c, 0x4d, 0xc9, 0xad, 0x0c, 0xed, 0xe0, 0x66, 0x7f, 0x50, 0x4c, 0x16, 0x13, 0x38,
    0x92, 0xdd, 0x22, 0x33, 0x1c, 0xc6, 0x92, 0xed, 0xc1, 0x20, 0x0a, 0x74, 0xa8, 0x59, 0xd1, 0xe3,
    0x5c, 0xe3, 0xba, 0xa2, 0xf1, 0x32, 0x20, 0xba, 0x6b, 0x02, 0x03, 0x01, 0x00, 0x01};
static const struct image_key vector_key = {vector_der, sizeof vector_der, 0, &image_rsa_2048};

static otter_status check_file(uint32_t length, const struct image_key *key)
{
    const struct image_policy policy = {key, 1, 0};
    struct image_check check;
    flash_put(file, length);
    assert_int_equal(image_check_init(&check, &flash_slot, FLASH_BYTES, &policy), OTTER_OK);
    otter_status status = OTTER_E_AGAIN;
    while (status == OTTER_E_AGAIN)
        status = image_check_step(&check, buffer, sizeof buffer);
    if (status == OTTER_OK)
        status = image_check_again(&check, buffer);
    assert_int_equal(status == OTTER_OK, check.verdict == IMAGE_ACCEPTED_TWICE);
    return status;
}

static void the_image_of_the_imgtool_vectors_is_accepted(void **state)
{
    (void)state;
    const uint32_t length = vector_load("rsa2048.signed.bin", file, sizeof file);
    if (length == 0)
        skip();
    assert_int_equal(check_file(length, &vector_key), OTTER_OK);
    assert_int_equal(check_file(length, &rsa_2048.key), OTTER_E_KEY);
    file[length - 1] ^= 1;
    assert_int_equal(check_file(length, &vector_key), OTTER_E_SIGNATURE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signatures_of_both_sizes_are_accepted),
        cmocka_unit_test(no_signature_with_one_bit_changed_is_accepted),
        cmocka_unit_test(a_signature_of_another_hash_is_refused),
        cmocka_unit_test(no_other_padding_is_accepted),
        cmocka_unit_test(each_part_of_the_padding_counts),
        cmocka_unit_test(lengths_are_those_of_the_key),
        cmocka_unit_test(a_key_with_another_exponent_is_refused),
        cmocka_unit_test(a_signature_not_below_the_modulus_is_refused),
        cmocka_unit_test(the_image_of_the_imgtool_vectors_is_accepted),
    };
    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
