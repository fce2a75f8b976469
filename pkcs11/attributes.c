/* Attributes: what an object says of itself, and what a template asks for. */
#include <string.h>

#include <mbedtls/asn1.h>
#include <mbedtls/x509_crt.h>

#include "pkcs11/module.h"

/* ---- What an object says --------------------------------------------------------------------- */

struct bytes {
    const uint8_t *at;
    size_t length;
};

/* What attributes are taken from. */
struct facts {
    const struct object *object;
    CK_RV damage; /* of the key or certificate: CKR_OK when it could be read */
    uint8_t spki[PKI_DER_MAX];
    uint8_t cert[PKI_DER_MAX];
    uint8_t point[3 + 255];
    uint8_t id[ID_MAX];
    struct bytes info, certificate, identifier;
    struct bytes curve, key; /* parameters of the algorithm in DER, and what the BIT STRING holds */
    struct bytes modulus, exponent;
    struct bytes subject, issuer, serial;
    bool is_ec;
    CK_ULONG number; /* scratch */
    CK_BBOOL truth;
};

static const uint8_t ec_algorithm[] = {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01};

static bool take(unsigned char **at, const unsigned char *end, int tag, struct bytes *part)
{
    if (mbedtls_asn1_get_tag(at, end, &part->length, tag) != 0)
        return false;
    part->at = *at;
    *at += part->length;
    return true;
}

static void read_rsa(struct facts *facts)
{
    unsigned char *at = (unsigned char *)facts->key.at;
    const unsigned char *end = at + facts->key.length;
    size_t length;
    if (mbedtls_asn1_get_tag(&at, end, &length, MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE) !=
            0 ||
        !take(&at, end, MBEDTLS_ASN1_INTEGER, &facts->modulus) ||
        !take(&at, end, MBEDTLS_ASN1_INTEGER, &facts->exponent) || facts->modulus.length == 0)
        facts->damage = CKR_DEVICE_ERROR;
    else if (facts->modulus.at[0] == 0) {
        facts->modulus.at++; /* a sign, which Cryptoki does not show */
        facts->modulus.length--;
    }
}

/* Of SubjectPublicKeyInfo. */
static void read_key(struct facts *facts)
{
    unsigned char *at = facts->spki;
    const unsigned char *end = at + facts->info.length;
    const int sequence = MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE;
    struct bytes all, algorithm, name;
    size_t length;
    unsigned char *inner;
    facts->damage = CKR_DEVICE_ERROR;
    if (mbedtls_asn1_get_tag(&at, end, &all.length, sequence) != 0 ||
        !take(&at, end, sequence, &algorithm) ||
        mbedtls_asn1_get_bitstring_null(&at, end, &length) != 0)
        return;
    facts->key = (struct bytes){at, length};
    inner = (unsigned char *)algorithm.at;
    if (!take(&inner, algorithm.at + algorithm.length, MBEDTLS_ASN1_OID, &name))
        return;
    facts->damage = CKR_OK;
    facts->curve = (struct bytes){inner, (size_t)(algorithm.at + algorithm.length - inner)};
    facts->is_ec = name.length == sizeof ec_algorithm &&
                   memcmp(name.at, ec_algorithm, sizeof ec_algorithm) == 0;
    if (!facts->is_ec)
        read_rsa(facts);
}

static void read_cert(struct facts *facts)
{
    mbedtls_x509_crt cert;
    size_t length;
    mbedtls_x509_crt_init(&cert);
    facts->damage = module_error(
        pki_load(token_pki(), facts->object->row->label, facts->cert, sizeof facts->cert, &length));
    if (facts->damage == CKR_OK &&
        mbedtls_x509_crt_parse_der_nocopy(&cert, facts->cert, length) != 0)
        facts->damage = CKR_DEVICE_ERROR;
    if (facts->damage == CKR_OK) {
        facts->certificate = (struct bytes){facts->cert, length};
        facts->subject = (struct bytes){cert.subject_raw.p, cert.subject_raw.len};
        facts->issuer = (struct bytes){cert.issuer_raw.p, cert.issuer_raw.len};
        /* Mbed TLS gives the number without its head; it is shorter than 128 bytes. */
        facts->serial = (struct bytes){cert.serial.p - 2, cert.serial.len + 2};
        if (cert.serial.len > 127)
            facts->damage = CKR_DEVICE_ERROR;
    }
    mbedtls_x509_crt_free(&cert);
}

static void read_facts(struct facts *facts, const struct object *object)
{
    memset(facts, 0, sizeof *facts);
    facts->object = object;
    if (object->class == CKO_CERTIFICATE) {
        read_cert(facts);
    } else {
        facts->damage = object_public(object, facts->spki, sizeof facts->spki, &facts->info.length);
        facts->info.at = facts->spki;
        if (facts->damage == CKR_OK)
            read_key(facts);
    }
    if (object_id(object, facts->id, &facts->identifier.length) == CKR_OK)
        facts->identifier.at = facts->id;
    else
        facts->identifier.length = 0;
}

static CK_RV give(struct bytes *value, struct bytes from)
{
    *value = from;
    return CKR_OK;
}

static CK_RV give_bool(struct facts *facts, struct bytes *value, bool truth)
{
    facts->truth = truth ? CK_TRUE : CK_FALSE;
    return give(value, (struct bytes){&facts->truth, sizeof facts->truth});
}

static CK_RV give_number(struct facts *facts, struct bytes *value, CK_ULONG number)
{
    facts->number = number;
    return give(value, (struct bytes){(const uint8_t *)&facts->number, sizeof facts->number});
}

/* An OCTET STRING around the point. */
static CK_RV give_point(struct facts *facts, struct bytes *value)
{
    uint8_t *at = facts->point;
    if (facts->key.length > 255)
        return CKR_DEVICE_ERROR;
    *at++ = MBEDTLS_ASN1_OCTET_STRING;
    if (facts->key.length > 127)
        *at++ = 0x81;
    *at++ = (uint8_t)facts->key.length;
    memcpy(at, facts->key.at, facts->key.length);
    return give(value,
                (struct bytes){facts->point, (size_t)(at - facts->point) + facts->key.length});
}

static const struct bytes nothing = {(const uint8_t *)"", 0};

static CK_RV private_value(struct facts *facts, CK_ATTRIBUTE_TYPE type, struct bytes *value)
{
    switch (type) {
    case CKA_VALUE:
    case CKA_PRIVATE_EXPONENT:
    case CKA_PRIME_1:
    case CKA_PRIME_2:
    case CKA_EXPONENT_1:
    case CKA_EXPONENT_2:
    case CKA_COEFFICIENT:
        return facts->is_ec == (type == CKA_VALUE) ? CKR_ATTRIBUTE_SENSITIVE
                                                   : CKR_ATTRIBUTE_TYPE_INVALID;
    case CKA_SENSITIVE:
    case CKA_SIGN:
        return give_bool(facts, value, true);
    case CKA_EXTRACTABLE:
    case CKA_ALWAYS_SENSITIVE: /* for all that is known: it may have been imported */
    case CKA_NEVER_EXTRACTABLE:
    case CKA_DECRYPT:
    case CKA_SIGN_RECOVER:
    case CKA_UNWRAP:
    case CKA_WRAP_WITH_TRUSTED:
    case CKA_ALWAYS_AUTHENTICATE:
        return give_bool(facts, value, false);
    case CKA_SUBJECT:
        return give(value, nothing);
    default:
        return CKR_ATTRIBUTE_TYPE_INVALID;
    }
}

static CK_RV public_value(struct facts *facts, CK_ATTRIBUTE_TYPE type, struct bytes *value)
{
    switch (type) {
    case CKA_VERIFY:
        return give_bool(facts, value, true);
    case CKA_ENCRYPT:
    case CKA_VERIFY_RECOVER:
    case CKA_WRAP:
    case CKA_TRUSTED:
        return give_bool(facts, value, false);
    case CKA_SUBJECT:
        return give(value, nothing);
    case CKA_EC_POINT:
        return facts->is_ec ? give_point(facts, value) : CKR_ATTRIBUTE_TYPE_INVALID;
    case CKA_MODULUS_BITS:
        return facts->is_ec ? CKR_ATTRIBUTE_TYPE_INVALID
                            : give_number(facts, value, 8 * facts->modulus.length);
    default:
        return CKR_ATTRIBUTE_TYPE_INVALID;
    }
}

static CK_RV key_value(struct facts *facts, CK_ATTRIBUTE_TYPE type, struct bytes *value)
{
    switch (type) {
    case CKA_KEY_TYPE:
        return give_number(facts, value, facts->is_ec ? CKK_EC : CKK_RSA);
    case CKA_KEY_GEN_MECHANISM:
        return give_number(facts, value, CK_UNAVAILABLE_INFORMATION);
    case CKA_LOCAL: /* nobody has noted it */
    case CKA_DERIVE:
        return give_bool(facts, value, false);
    case CKA_START_DATE:
    case CKA_END_DATE:
        return give(value, nothing);
    case CKA_EC_PARAMS:
        return facts->is_ec ? give(value, facts->curve) : CKR_ATTRIBUTE_TYPE_INVALID;
    case CKA_MODULUS:
        return facts->is_ec ? CKR_ATTRIBUTE_TYPE_INVALID : give(value, facts->modulus);
    case CKA_PUBLIC_EXPONENT:
        return facts->is_ec ? CKR_ATTRIBUTE_TYPE_INVALID : give(value, facts->exponent);
    case CKA_PUBLIC_KEY_INFO:
        return give(value, facts->info);
    default:
        return facts->object->class == CKO_PRIVATE_KEY ? private_value(facts, type, value)
                                                       : public_value(facts, type, value);
    }
}

static CK_RV cert_value(struct facts *facts, CK_ATTRIBUTE_TYPE type, struct bytes *value)
{
    switch (type) {
    case CKA_CERTIFICATE_TYPE:
        return give_number(facts, value, CKC_X_509);
    case CKA_CERTIFICATE_CATEGORY:
        return give_number(facts, value, 0);
    case CKA_TRUSTED:
        return give_bool(facts, value, false);
    case CKA_VALUE:
        return give(value, facts->certificate);
    case CKA_SUBJECT:
        return give(value, facts->subject);
    case CKA_ISSUER:
        return give(value, facts->issuer);
    case CKA_SERIAL_NUMBER:
        return give(value, facts->serial);
    case CKA_START_DATE:
    case CKA_END_DATE:
    case CKA_URL:
        return give(value, nothing);
    default:
        return CKR_ATTRIBUTE_TYPE_INVALID;
    }
}

static CK_RV value_of(struct facts *facts, CK_ATTRIBUTE_TYPE type, struct bytes *value)
{
    const struct object *object = facts->object;
    switch (type) {
    case CKA_CLASS:
        return give_number(facts, value, object->class);
    case CKA_TOKEN:
    case CKA_MODIFIABLE:
        return give_bool(facts, value, true);
    case CKA_PRIVATE:
        return give_bool(facts, value, object->class == CKO_PRIVATE_KEY);
    case CKA_LABEL:
        return give(value, (struct bytes){(const uint8_t *)object->label, object->label_length});
    case CKA_ID:
        return give(value, facts->identifier.length > 0 ? facts->identifier : nothing);
    default:
        if (facts->damage != CKR_OK)
            return facts->damage;
        return object->class == CKO_CERTIFICATE ? cert_value(facts, type, value)
                                                : key_value(facts, type, value);
    }
}

static CK_RV copy_value(CK_ATTRIBUTE *to, struct bytes value)
{
    CK_RV result = CKR_OK;
    if (to->pValue != NULL && to->ulValueLen < value.length) {
        to->ulValueLen = CK_UNAVAILABLE_INFORMATION;
        return CKR_BUFFER_TOO_SMALL;
    }
    if (to->pValue != NULL && value.length > 0)
        memcpy(to->pValue, value.at, value.length);
    to->ulValueLen = value.length;
    return result;
}

/* All are answered, whatever one of them fails at. */
CK_RV attributes_get(const struct object *object, CK_ATTRIBUTE *wanted, CK_ULONG count)
{
    struct facts facts;
    CK_RV result = CKR_OK;
    read_facts(&facts, object);
    for (CK_ULONG i = 0; i < count; i++) {
        struct bytes value;
        CK_RV error = value_of(&facts, wanted[i].type, &value);
        if (error == CKR_OK)
            error = copy_value(&wanted[i], value);
        else
            wanted[i].ulValueLen = CK_UNAVAILABLE_INFORMATION;
        if (error != CKR_OK)
            result = error;
    }
    return result;
}

bool attributes_match(const struct object *object, const CK_ATTRIBUTE *wanted, CK_ULONG count)
{
    struct facts facts;
    if (count > 0)
        read_facts(&facts, object);
    for (CK_ULONG i = 0; i < count; i++) {
        struct bytes value;
        if (value_of(&facts, wanted[i].type, &value) != CKR_OK ||
            value.length != wanted[i].ulValueLen ||
            (value.length > 0 &&
             (wanted[i].pValue == NULL || memcmp(value.at, wanted[i].pValue, value.length) != 0)))
            return false;
    }
    return true;
}

/* ---- What a template asks for ---------------------------------------------------------------- */

#define VALUE_MAX 4096u /* no value of ours is longer */

static CK_RV read_number(const CK_ATTRIBUTE *from, CK_ULONG *number)
{
    if (from->pValue == NULL || from->ulValueLen != sizeof *number)
        return CKR_ATTRIBUTE_VALUE_INVALID;
    memcpy(number, from->pValue, sizeof *number);
    return CKR_OK;
}

static CK_RV read_bool(const CK_ATTRIBUTE *from, bool *truth)
{
    CK_BBOOL given;
    if (from->pValue == NULL || from->ulValueLen != sizeof given)
        return CKR_ATTRIBUTE_VALUE_INVALID;
    memcpy(&given, from->pValue, sizeof given);
    if (given != CK_TRUE && given != CK_FALSE)
        return CKR_ATTRIBUTE_VALUE_INVALID;
    *truth = given == CK_TRUE;
    return CKR_OK;
}

/* What is only checked for its form: whatever it says changes nothing here. */
static CK_RV pass_bool(const CK_ATTRIBUTE *from)
{
    bool unused;
    return read_bool(from, &unused);
}

static CK_RV read_bytes(const CK_ATTRIBUTE *from, const CK_ATTRIBUTE **bytes)
{
    if (from->ulValueLen > VALUE_MAX || (from->pValue == NULL && from->ulValueLen > 0))
        return CKR_ATTRIBUTE_VALUE_INVALID;
    *bytes = from;
    return CKR_OK;
}

/* A private key here is sensitive, not extractable, and private. */
static CK_RV read_protection(struct template *template, const CK_ATTRIBUTE *from)
{
    bool truth;
    const CK_RV result = read_bool(from, &truth);
    if (result == CKR_OK && truth == (from->type == CKA_EXTRACTABLE))
        template->readable = true;
    return result;
}

static CK_RV read_one(struct template *template, const CK_ATTRIBUTE *from)
{
    const CK_ATTRIBUTE *unused;
    switch (from->type) {
    case CKA_CLASS:
        template->has_class = true;
        return read_number(from, &template->class);
    case CKA_KEY_TYPE:
    case CKA_CERTIFICATE_TYPE:
        template->has_type = true;
        return read_number(from, &template->type);
    case CKA_MODULUS_BITS:
        return read_number(from, &template->bits);
    case CKA_TOKEN:
        template->has_token = true;
        return read_bool(from, &template->token);
    case CKA_SENSITIVE:
    case CKA_EXTRACTABLE:
        return read_protection(template, from);
    case CKA_LABEL:
        return read_bytes(from, &template->label);
    case CKA_ID:
        return read_bytes(from, &template->id);
    case CKA_VALUE:
        return read_bytes(from, &template->value);
    case CKA_EC_PARAMS:
        return read_bytes(from, &template->params);
    case CKA_EC_POINT:
        return read_bytes(from, &template->point);
    case CKA_PRIVATE:
    case CKA_MODIFIABLE:
    case CKA_SIGN:
    case CKA_VERIFY:
    case CKA_ENCRYPT:
    case CKA_DECRYPT:
    case CKA_WRAP:
    case CKA_UNWRAP:
    case CKA_DERIVE:
    case CKA_SIGN_RECOVER:
    case CKA_VERIFY_RECOVER:
    case CKA_TRUSTED:
    case CKA_ALWAYS_AUTHENTICATE:
    case CKA_WRAP_WITH_TRUSTED:
        return pass_bool(from);
    case CKA_SUBJECT:
    case CKA_ISSUER:
    case CKA_SERIAL_NUMBER:
    case CKA_START_DATE:
    case CKA_END_DATE:
    case CKA_URL:
    case CKA_CERTIFICATE_CATEGORY:
    case CKA_ALLOWED_MECHANISMS:
    case CKA_PUBLIC_EXPONENT:
    case CKA_PUBLIC_KEY_INFO:
        return read_bytes(from, &unused);
    default:
        return CKR_ATTRIBUTE_TYPE_INVALID;
    }
}

CK_RV template_read(struct template *template, const CK_ATTRIBUTE *wanted, CK_ULONG count)
{
    memset(template, 0, sizeof *template);
    if (wanted == NULL && count > 0)
        return CKR_ARGUMENTS_BAD;
    for (CK_ULONG i = 0; i < count; i++) {
        const CK_RV result = read_one(template, &wanted[i]);
        if (result != CKR_OK)
            return result;
    }
    if (template->id != NULL && template->id->ulValueLen > ID_MAX)
        return CKR_ATTRIBUTE_VALUE_INVALID;
    return CKR_OK;
}
