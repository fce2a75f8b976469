/* In the place of Mbed TLS's oid.c, whose tables carry two texts for each object identifier that
 * nobody here shows: what a certificate's identifiers mean, as far as the configuration has the
 * algorithm (otter_mbedtls_config.h). The functions are the library's (mbedtls/oid.h); those that
 * describe are not here, and those that writing needs only in a build that writes keys. 1 KB less.
 */
#include <mbedtls/oid.h>
#include <string.h>

enum { EXTENSION, SIGNATURE, KEY, CURVE, HASH };

struct identifier {
    uint8_t of;
    uint8_t first; /* of an extension: the number of its bit */
    uint8_t second;
    uint8_t length;
    char oid[9];
};

#define OF(kind, first, second, oid)                                                               \
    {                                                                                              \
        kind, first, second, MBEDTLS_OID_SIZE(oid), oid                                            \
    }

static const struct identifier identifiers[] = {
    OF(EXTENSION, 8, 0, MBEDTLS_OID_BASIC_CONSTRAINTS),
    OF(EXTENSION, 2, 0, MBEDTLS_OID_KEY_USAGE),
    OF(EXTENSION, 11, 0, MBEDTLS_OID_EXTENDED_KEY_USAGE),
    OF(EXTENSION, 5, 0, MBEDTLS_OID_SUBJECT_ALT_NAME),
    OF(EXTENSION, 16, 0, MBEDTLS_OID_NS_CERT_TYPE),
    OF(EXTENSION, 3, 0, MBEDTLS_OID_CERTIFICATE_POLICIES),
    OF(SIGNATURE, MBEDTLS_MD_SHA224, MBEDTLS_PK_RSA, MBEDTLS_OID_PKCS1_SHA224),
    OF(SIGNATURE, MBEDTLS_MD_SHA256, MBEDTLS_PK_RSA, MBEDTLS_OID_PKCS1_SHA256),
    OF(SIGNATURE, MBEDTLS_MD_SHA224, MBEDTLS_PK_ECDSA, MBEDTLS_OID_ECDSA_SHA224),
    OF(SIGNATURE, MBEDTLS_MD_SHA256, MBEDTLS_PK_ECDSA, MBEDTLS_OID_ECDSA_SHA256),
    OF(SIGNATURE, MBEDTLS_MD_NONE, MBEDTLS_PK_RSASSA_PSS, MBEDTLS_OID_RSASSA_PSS),
    OF(KEY, MBEDTLS_PK_RSA, 0, MBEDTLS_OID_PKCS1_RSA),
    OF(KEY, MBEDTLS_PK_ECKEY, 0, MBEDTLS_OID_EC_ALG_UNRESTRICTED),
    OF(KEY, MBEDTLS_PK_ECKEY_DH, 0, MBEDTLS_OID_EC_ALG_ECDH),
    OF(CURVE, MBEDTLS_ECP_DP_SECP256R1, 0, MBEDTLS_OID_EC_GRP_SECP256R1),
    OF(HASH, MBEDTLS_MD_SHA224, 0, MBEDTLS_OID_DIGEST_ALG_SHA224),
    OF(HASH, MBEDTLS_MD_SHA256, 0, MBEDTLS_OID_DIGEST_ALG_SHA256),
#ifdef MBEDTLS_SHA512_C
    OF(SIGNATURE, MBEDTLS_MD_SHA384, MBEDTLS_PK_RSA, MBEDTLS_OID_PKCS1_SHA384),
    OF(SIGNATURE, MBEDTLS_MD_SHA512, MBEDTLS_PK_RSA, MBEDTLS_OID_PKCS1_SHA512),
    OF(SIGNATURE, MBEDTLS_MD_SHA384, MBEDTLS_PK_ECDSA, MBEDTLS_OID_ECDSA_SHA384),
    OF(SIGNATURE, MBEDTLS_MD_SHA512, MBEDTLS_PK_ECDSA, MBEDTLS_OID_ECDSA_SHA512),
    OF(HASH, MBEDTLS_MD_SHA384, 0, MBEDTLS_OID_DIGEST_ALG_SHA384),
    OF(HASH, MBEDTLS_MD_SHA512, 0, MBEDTLS_OID_DIGEST_ALG_SHA512),
#endif
#ifdef MBEDTLS_ECP_DP_SECP384R1_ENABLED
    OF(CURVE, MBEDTLS_ECP_DP_SECP384R1, 0, MBEDTLS_OID_EC_GRP_SECP384R1),
#endif
};
#define COUNT (sizeof identifiers / sizeof *identifiers)

static const struct identifier *find(uint8_t kind, const mbedtls_asn1_buf *oid)
{
    for (size_t i = 0; i < COUNT; i++) {
        if (identifiers[i].of == kind && identifiers[i].length == oid->len &&
            memcmp(identifiers[i].oid, oid->p, oid->len) == 0)
            return &identifiers[i];
    }
    return NULL;
}

/* What no table of the library has reads 0 there, too: MBEDTLS_PK_NONE, MBEDTLS_ECP_DP_NONE. */
static int first_of(uint8_t kind, const mbedtls_asn1_buf *oid)
{
    const struct identifier *found = find(kind, oid);
    return found != NULL ? found->first : 0;
}

int mbedtls_oid_get_x509_ext_type(const mbedtls_asn1_buf *oid, int *type)
{
    const int bit = first_of(EXTENSION, oid);
    if (bit != 0)
        *type = 1 << bit;
    return bit != 0 ? 0 : MBEDTLS_ERR_OID_NOT_FOUND;
}

int mbedtls_oid_get_sig_alg(const mbedtls_asn1_buf *oid, mbedtls_md_type_t *hash,
                            mbedtls_pk_type_t *key)
{
    const struct identifier *found = find(SIGNATURE, oid);
    if (found == NULL)
        return MBEDTLS_ERR_OID_NOT_FOUND;
    *hash = (mbedtls_md_type_t)found->first;
    *key = (mbedtls_pk_type_t)found->second;
    return 0;
}

int mbedtls_oid_get_pk_alg(const mbedtls_asn1_buf *oid, mbedtls_pk_type_t *key)
{
    *key = (mbedtls_pk_type_t)first_of(KEY, oid);
    return *key != MBEDTLS_PK_NONE ? 0 : MBEDTLS_ERR_OID_NOT_FOUND;
}

int mbedtls_oid_get_ec_grp(const mbedtls_asn1_buf *oid, mbedtls_ecp_group_id *curve)
{
    *curve = (mbedtls_ecp_group_id)first_of(CURVE, oid);
    return *curve != MBEDTLS_ECP_DP_NONE ? 0 : MBEDTLS_ERR_OID_NOT_FOUND;
}

static int oid_of(uint8_t kind, int first, const char **oid, size_t *length)
{
    for (size_t i = 0; i < COUNT; i++) {
        if (identifiers[i].of == kind && identifiers[i].first == first) {
            *oid = identifiers[i].oid;
            *length = identifiers[i].length;
            return 0;
        }
    }
    return MBEDTLS_ERR_OID_NOT_FOUND;
}

int mbedtls_oid_get_oid_by_md(mbedtls_md_type_t hash, const char **oid, size_t *length)
{
    return oid_of(HASH, hash, oid, length);
}

#ifdef MBEDTLS_PK_WRITE_C
int mbedtls_oid_get_oid_by_pk_alg(mbedtls_pk_type_t key, const char **oid, size_t *length)
{
    return oid_of(KEY, key, oid, length);
}

int mbedtls_oid_get_oid_by_ec_grp(mbedtls_ecp_group_id curve, const char **oid, size_t *length)
{
    return oid_of(CURVE, curve, oid, length);
}
#endif
