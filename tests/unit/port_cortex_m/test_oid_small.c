/* ports/cortex-m/mbedtls/oid_small.c, its functions under the names small_…, against the library.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <mbedtls/oid.h>

int small_ext(const mbedtls_asn1_buf *oid, int *type);
int small_sig(const mbedtls_asn1_buf *oid, mbedtls_md_type_t *hash, mbedtls_pk_type_t *key);
int small_pk(const mbedtls_asn1_buf *oid, mbedtls_pk_type_t *key);
int small_grp(const mbedtls_asn1_buf *oid, mbedtls_ecp_group_id *curve);
int small_by_md(mbedtls_md_type_t hash, const char **oid, size_t *length);
int small_by_pk(mbedtls_pk_type_t key, const char **oid, size_t *length);
int small_by_grp(mbedtls_ecp_group_id curve, const char **oid, size_t *length);

#define OID(text)                                                                                  \
    {                                                                                              \
        .p = (unsigned char *)(text), .len = MBEDTLS_OID_SIZE(text)                                \
    }

static const mbedtls_asn1_buf known[] = {
    OID(MBEDTLS_OID_BASIC_CONSTRAINTS),
    OID(MBEDTLS_OID_KEY_USAGE),
    OID(MBEDTLS_OID_EXTENDED_KEY_USAGE),
    OID(MBEDTLS_OID_SUBJECT_ALT_NAME),
    OID(MBEDTLS_OID_NS_CERT_TYPE),
    OID(MBEDTLS_OID_CERTIFICATE_POLICIES),
    OID(MBEDTLS_OID_PKCS1_SHA224),
    OID(MBEDTLS_OID_PKCS1_SHA256),
    OID(MBEDTLS_OID_PKCS1_SHA384),
    OID(MBEDTLS_OID_PKCS1_SHA512),
    OID(MBEDTLS_OID_ECDSA_SHA224),
    OID(MBEDTLS_OID_ECDSA_SHA256),
    OID(MBEDTLS_OID_ECDSA_SHA384),
    OID(MBEDTLS_OID_ECDSA_SHA512),
    OID(MBEDTLS_OID_RSASSA_PSS),
    OID(MBEDTLS_OID_PKCS1_RSA),
    OID(MBEDTLS_OID_EC_ALG_UNRESTRICTED),
    OID(MBEDTLS_OID_EC_ALG_ECDH),
    OID(MBEDTLS_OID_EC_GRP_SECP256R1),
    OID(MBEDTLS_OID_EC_GRP_SECP384R1),
    OID(MBEDTLS_OID_SUBJECT_KEY_IDENTIFIER), /* nobody's, here as there */
    OID(MBEDTLS_OID_PKCS9_EMAIL),
    {.p = (unsigned char *)"", .len = 0},
};

static void an_identifier_means_what_the_library_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        int type = -1, expected_type = -1;
        assert_int_equal(small_ext(&known[i], &type),
                         mbedtls_oid_get_x509_ext_type(&known[i], &expected_type));
        assert_int_equal(type, expected_type);

        mbedtls_md_type_t hash = 0, expected_hash = 0;
        mbedtls_pk_type_t key = 0, expected_key = 0;
        assert_int_equal(small_sig(&known[i], &hash, &key),
                         mbedtls_oid_get_sig_alg(&known[i], &expected_hash, &expected_key));
        assert_int_equal(hash, expected_hash);
        assert_int_equal(key, expected_key);

        key = expected_key = MBEDTLS_PK_NONE;
        assert_int_equal(small_pk(&known[i], &key),
                         mbedtls_oid_get_pk_alg(&known[i], &expected_key));
        assert_int_equal(key, expected_key);

        mbedtls_ecp_group_id curve = 0, expected_curve = 0;
        assert_int_equal(small_grp(&known[i], &curve),
                         mbedtls_oid_get_ec_grp(&known[i], &expected_curve));
        assert_int_equal(curve, expected_curve);
    }
}

static void a_hash_has_the_identifier_that_the_library_says(void **state)
{
    (void)state;
    for (mbedtls_md_type_t hash = MBEDTLS_MD_SHA224; hash <= MBEDTLS_MD_SHA512; hash++) {
        const char *oid, *expected;
        size_t length, expected_length;
        assert_int_equal(small_by_md(hash, &oid, &length), 0);
        assert_int_equal(mbedtls_oid_get_oid_by_md(hash, &expected, &expected_length), 0);
        assert_int_equal(length, expected_length);
        assert_memory_equal(oid, expected, length);
    }
    const char *oid;
    size_t length;
    assert_int_equal(small_by_md(MBEDTLS_MD_NONE, &oid, &length), MBEDTLS_ERR_OID_NOT_FOUND);
}

static void a_key_is_written_with_the_identifiers_that_the_library_says(void **state)
{
    (void)state;
    const char *oid, *expected;
    size_t length, expected_length;
    for (mbedtls_pk_type_t key = MBEDTLS_PK_RSA; key <= MBEDTLS_PK_ECKEY_DH; key++) {
        assert_int_equal(small_by_pk(key, &oid, &length), 0);
        assert_int_equal(mbedtls_oid_get_oid_by_pk_alg(key, &expected, &expected_length), 0);
        assert_int_equal(length, expected_length);
        assert_memory_equal(oid, expected, length);
    }
    const mbedtls_ecp_group_id curves[] = {MBEDTLS_ECP_DP_SECP256R1, MBEDTLS_ECP_DP_SECP384R1};
    for (size_t i = 0; i < sizeof curves / sizeof *curves; i++) {
        assert_int_equal(small_by_grp(curves[i], &oid, &length), 0);
        assert_int_equal(mbedtls_oid_get_oid_by_ec_grp(curves[i], &expected, &expected_length), 0);
        assert_int_equal(length, expected_length);
        assert_memory_equal(oid, expected, length);
    }
    assert_int_equal(small_by_pk(MBEDTLS_PK_ECDSA, &oid, &length), MBEDTLS_ERR_OID_NOT_FOUND);
    assert_int_equal(small_by_grp(MBEDTLS_ECP_DP_SECP521R1, &oid, &length),
                     MBEDTLS_ERR_OID_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_identifier_means_what_the_library_says),
        cmocka_unit_test(a_hash_has_the_identifier_that_the_library_says),
        cmocka_unit_test(a_key_is_written_with_the_identifiers_that_the_library_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
