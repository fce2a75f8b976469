/* Objects that come, change and go. */
#include <string.h>

#include <mbedtls/asn1.h>
#include <mbedtls/platform_util.h>

#include "pkcs11/module.h"
#include "pki/pem.h"

#define SEQUENCE     (MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE)
#define CURVE_MAX    16u  /* longest name of a curve, DER */
#define POINT_MAX    133u /* uncompressed, of the longest curve there is */
#define NUMBER_MAX   66u
#define OVERHEAD_MAX 48u

/* ---- From attributes to DER ------------------------------------------------------------------ */

static uint8_t *put(uint8_t *at, const void *bytes, size_t size)
{
    if (size > 0) /* of no bytes there may be no place */
        memcpy(at, bytes, size);
    return at + size;
}

static uint8_t *put_head(uint8_t *at, uint8_t tag, size_t length)
{
    *at++ = tag;
    if (length > 127)
        *at++ = 0x81;
    *at++ = (uint8_t)length;
    return at;
}

static size_t head_size(size_t length)
{
    return length > 127 ? 3 : 2;
}

/* The point, out of the OCTET STRING around it; some give it without one. */
static bool read_point(const CK_ATTRIBUTE *from, const uint8_t **point, size_t *length)
{
    if (from->ulValueLen == 0)
        return false;
    unsigned char *at = from->pValue;
    const unsigned char *end = at + from->ulValueLen;
    if (mbedtls_asn1_get_tag(&at, end, length, MBEDTLS_ASN1_OCTET_STRING) != 0 ||
        at + *length != end) {
        at = from->pValue;
        *length = from->ulValueLen;
    }
    *point = at;
    return *length > 0 && *length <= POINT_MAX;
}

static CK_RV encode_public(const struct template *from, uint8_t *der, size_t size, size_t *length)
{
    static const uint8_t algorithm[] = {0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01};
    const uint8_t *point;
    size_t point_length;
    if (from->params == NULL || from->point == NULL)
        return CKR_TEMPLATE_INCOMPLETE;
    const size_t curve = from->params->ulValueLen;
    if (curve > CURVE_MAX || !read_point(from->point, &point, &point_length))
        return CKR_ATTRIBUTE_VALUE_INVALID;
    if (size < OVERHEAD_MAX + curve + point_length)
        return CKR_DEVICE_MEMORY;
    const size_t names = sizeof algorithm + curve, bits = 1 + point_length;
    uint8_t *at = put_head(der, SEQUENCE, head_size(names) + names + head_size(bits) + bits);
    at = put_head(at, SEQUENCE, names);
    at = put(at, algorithm, sizeof algorithm);
    at = put(at, from->params->pValue, curve);
    at = put_head(at, MBEDTLS_ASN1_BIT_STRING, bits);
    *at++ = 0; /* unused bits */
    at = put(at, point, point_length);
    *length = (size_t)(at - der);
    return CKR_OK;
}

static CK_RV encode_private(const struct template *from, uint8_t *der, size_t size, size_t *length)
{
    static const uint8_t version[] = {0x02, 0x01, 0x01};
    const uint8_t parameters = MBEDTLS_ASN1_CONTEXT_SPECIFIC | MBEDTLS_ASN1_CONSTRUCTED;
    if (from->params == NULL || from->value == NULL)
        return CKR_TEMPLATE_INCOMPLETE;
    const size_t curve = from->params->ulValueLen, number = from->value->ulValueLen;
    if (curve > CURVE_MAX || number > NUMBER_MAX || number == 0)
        return CKR_ATTRIBUTE_VALUE_INVALID;
    if (size < OVERHEAD_MAX + curve + number)
        return CKR_DEVICE_MEMORY;
    uint8_t *at = put_head(der, SEQUENCE, sizeof version + 2 + number + 2 + curve);
    at = put(at, version, sizeof version);
    at = put_head(at, MBEDTLS_ASN1_OCTET_STRING, number);
    at = put(at, from->value->pValue, number);
    at = put_head(at, parameters, curve);
    at = put(at, from->params->pValue, curve);
    *length = (size_t)(at - der);
    return CKR_OK;
}

static CK_RV encode_cert(const struct template *from, uint8_t *der, size_t size, size_t *length)
{
    if (from->value == NULL)
        return CKR_TEMPLATE_INCOMPLETE;
    if (from->value->ulValueLen > size)
        return CKR_DEVICE_MEMORY;
    if (from->value->ulValueLen == 0)
        return CKR_ATTRIBUTE_VALUE_INVALID;
    *length = (size_t)(put(der, from->value->pValue, from->value->ulValueLen) - der);
    return CKR_OK;
}

CK_RV template_encode(const struct template *from, uint8_t *der, size_t size, size_t *length,
                      const char **pem_label)
{
    if (!from->has_class || !from->has_type || !from->has_token)
        return CKR_TEMPLATE_INCOMPLETE;
    if (!from->token) /* objects of a session, which there are none of */
        return CKR_ATTRIBUTE_VALUE_INVALID;
    switch (from->class) {
    case CKO_CERTIFICATE:
        *pem_label = "CERTIFICATE";
        return from->type == CKC_X_509 ? encode_cert(from, der, size, length)
                                       : CKR_ATTRIBUTE_VALUE_INVALID;
    case CKO_PUBLIC_KEY:
        *pem_label = "PUBLIC KEY";
        return from->type == CKK_EC ? encode_public(from, der, size, length)
                                    : CKR_ATTRIBUTE_VALUE_INVALID;
    case CKO_PRIVATE_KEY:
        *pem_label = "EC PRIVATE KEY";
        if (from->readable)
            return CKR_TEMPLATE_INCONSISTENT;
        return from->type == CKK_EC ? encode_private(from, der, size, length)
                                    : CKR_ATTRIBUTE_VALUE_INVALID;
    default:
        return CKR_ATTRIBUTE_VALUE_INVALID;
    }
}

/* ---- C_CreateObject -------------------------------------------------------------------------- */

static CK_RV import(const struct pki_object *row, const uint8_t *der, size_t length,
                    const char *pem_label)
{
    static char pem[PKI_PEM_MAX];
    otter_status status = pem_encode(pem, sizeof pem, pem_label, der, length);
    if (status == OTTER_OK)
        status = pki_import(token_pki(), row->label, row->type, pem, strlen(pem));
    mbedtls_platform_zeroize(pem, sizeof pem);
    return module_error(status);
}

/* What was named there before has gone. */
static CK_RV set_id(const struct pki_object *row, const CK_ATTRIBUTE *id)
{
    return object_set_id(row, id != NULL ? id->pValue : NULL, id != NULL ? id->ulValueLen : 0);
}

static CK_RV create(const CK_ATTRIBUTE *wanted, CK_ULONG count, CK_OBJECT_HANDLE *handle)
{
    static uint8_t der[PKI_DER_MAX];
    struct template template;
    size_t length;
    const char *pem_label;
    const struct pki_object *row;
    const struct object *object;
    CK_RV result = template_read(&template, wanted, count);
    if (result == CKR_OK)
        result = template_encode(&template, der, sizeof der, &length, &pem_label);
    if (result == CKR_OK && template.label == NULL)
        result = CKR_TEMPLATE_INCOMPLETE;
    if (result == CKR_OK)
        result = object_place(template.class, template.label->pValue, template.label->ulValueLen,
                              NULL, &row);
    if (result == CKR_OK)
        result = import(row, der, length, pem_label);
    mbedtls_platform_zeroize(der, sizeof der);
    if (result == CKR_OK)
        result = set_id(row, template.id);
    if (result == CKR_OK)
        result = object_of(template.class, row, &object);
    if (result == CKR_OK)
        *handle = object->handle;
    return result;
}

CK_RV C_CreateObject(CK_SESSION_HANDLE handle, CK_ATTRIBUTE *wanted, CK_ULONG count,
                     CK_OBJECT_HANDLE *object)
{
    CK_RV result = module_enter();
    if (result != CKR_OK)
        return result;
    const struct session *session = session_find(handle);
    if (session == NULL || object == NULL)
        return module_leave(session == NULL ? CKR_SESSION_HANDLE_INVALID : CKR_ARGUMENTS_BAD);
    result = session_may_write(session);
    return module_leave(result == CKR_OK ? create(wanted, count, object) : result);
}

/* ---- C_GenerateKeyPair ----------------------------------------------------------------------- */

static bool is_curve(const CK_ATTRIBUTE *params, const uint8_t *curve, size_t size)
{
    return params->ulValueLen == size && memcmp(params->pValue, curve, size) == 0;
}

/* What is to be made: pki has the last word on what this build can make. */
static CK_RV read_algorithm(const CK_MECHANISM *mechanism, const struct template *public,
                            CK_KEY_TYPE *type, enum pki_algorithm *algorithm)
{
    static const uint8_t p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
    static const uint8_t p384[] = {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22};
    if (mechanism->mechanism != CKM_EC_KEY_PAIR_GEN &&
        mechanism->mechanism != CKM_RSA_PKCS_KEY_PAIR_GEN)
        return CKR_MECHANISM_INVALID;
    if (mechanism->ulParameterLen != 0)
        return CKR_MECHANISM_PARAM_INVALID;
    const bool is_rsa = mechanism->mechanism == CKM_RSA_PKCS_KEY_PAIR_GEN;
    *type = is_rsa ? CKK_RSA : CKK_EC;
    *algorithm = PKI_RSA2048;
    if (is_rsa)
        return public->bits == 2048 ? CKR_OK
               : public->bits == 0  ? CKR_TEMPLATE_INCOMPLETE
                                    : CKR_KEY_SIZE_RANGE;
    if (public->params == NULL)
        return CKR_TEMPLATE_INCOMPLETE;
    *algorithm = is_curve(public->params, p384, sizeof p384) ? PKI_P384 : PKI_P256;
    return *algorithm == PKI_P384 || is_curve(public->params, p256, sizeof p256)
               ? CKR_OK
               : CKR_CURVE_NOT_SUPPORTED;
}

static CK_RV check_pair(CK_KEY_TYPE type, const struct template *public,
                        const struct template *private)
{
    if ((public->has_class && public->class != CKO_PUBLIC_KEY) ||
        (private->has_class && private->class != CKO_PRIVATE_KEY) ||
        (public->has_type && public->type != type) ||
        (private->has_type && private->type != type) || private->readable ||
        private->value != NULL || public->point != NULL)
        return CKR_TEMPLATE_INCONSISTENT;
    if ((private->label == NULL && public->label == NULL) || !private->has_token)
        return CKR_TEMPLATE_INCOMPLETE;
    return private->token ? CKR_OK : CKR_ATTRIBUTE_VALUE_INVALID;
}

static CK_RV place_pair(const struct template *public, const struct template *private,
                        const struct pki_object **row)
{
    char public_label[PKI_LABEL_MAX + 1] = "";
    const CK_ATTRIBUTE *label = private->label != NULL ? private->label : public->label;
    if (public->label != NULL && public->label->ulValueLen <= PKI_LABEL_MAX)
        memcpy(public_label, public->label->pValue, public->label->ulValueLen);
    return object_place(CKO_PRIVATE_KEY, label->pValue, label->ulValueLen,
                        public_label[0] != '\0' ? public_label : NULL, row);
}

/* CKA_ID of both; one is enough. */
static CK_RV name_pair(const struct template *public, const struct template *private,
                       const struct object *public_key, const struct object *private_key)
{
    const CK_ATTRIBUTE *const id = private->id != NULL ? private->id : public->id;
    const CK_RV result = set_id(private_key->row, id);
    if (result != CKR_OK || public_key->row == private_key->row)
        return result;
    return set_id(public_key->row, public->id != NULL ? public->id : id);
}

/* Other calls wait for it, as for any other. */
static CK_RV make(const char *label, enum pki_algorithm algorithm)
{
    otter_status status = pki_generate_pair(token_pki(), label, algorithm);
#if OTTER_KEYS_RSA2048
    while (status == OTTER_E_AGAIN)
        status = pki_generate_more(token_pki());
#endif
    return module_error(status);
}

static CK_RV generate(enum pki_algorithm algorithm, const struct template *public,
                      const struct template *private, CK_OBJECT_HANDLE *public_handle,
                      CK_OBJECT_HANDLE *private_handle)
{
    const struct pki_object *row;
    const struct object *public_key, *private_key;
    CK_RV result = place_pair(public, private, &row);
    if (result == CKR_OK)
        result = make(row->label, algorithm);
    if (result == CKR_OK)
        result = object_of(CKO_PUBLIC_KEY, row, &public_key);
    if (result != CKR_OK)
        return result;
    *public_handle = public_key->handle;
    result = object_of(CKO_PRIVATE_KEY, row, &private_key); /* of the same list as before */
    if (result == CKR_OK) {
        *private_handle = private_key->handle;
        result = name_pair(public, private, public_key, private_key);
    }
    return result;
}

CK_RV C_GenerateKeyPair(CK_SESSION_HANDLE handle, CK_MECHANISM *mechanism,
                        CK_ATTRIBUTE *public_template, CK_ULONG public_count,
                        CK_ATTRIBUTE *private_template, CK_ULONG private_count,
                        CK_OBJECT_HANDLE *public_key, CK_OBJECT_HANDLE *private_key)
{
    struct template public, private;
    enum pki_algorithm algorithm;
    CK_KEY_TYPE type;
    CK_RV result = module_enter();
    if (result != CKR_OK)
        return result;
    const struct session *session = session_find(handle);
    if (session == NULL)
        return module_leave(CKR_SESSION_HANDLE_INVALID);
    if (mechanism == NULL || public_key == NULL || private_key == NULL)
        return module_leave(CKR_ARGUMENTS_BAD);
    result = session_may_write(session);
    if (result == CKR_OK)
        result = template_read(&public, public_template, public_count);
    if (result == CKR_OK)
        result = template_read(&private, private_template, private_count);
    if (result == CKR_OK)
        result = read_algorithm(mechanism, &public, &type, &algorithm);
    if (result == CKR_OK)
        result = check_pair(type, &public, &private);
    if (result == CKR_OK)
        result = generate(algorithm, &public, &private, public_key, private_key);
    return module_leave(result);
}

/* ---- What is there --------------------------------------------------------------------------- */

static CK_RV destroy(CK_OBJECT_HANDLE handle)
{
    const struct object *object, *list;
    unsigned count;
    CK_RV result = object_find(handle, &object);
    if (result == CKR_OK && object->derived)
        result = CKR_ACTION_PROHIBITED; /* it goes with its private key */
    if (result == CKR_OK)
        result = object_set_id(object->row, NULL, 0);
    if (result == CKR_OK)
        result = module_error(pki_delete(token_pki(), object->row->label));
    if (result == CKR_OK)
        result = objects_list(&list, &count); /* its handle is no longer one */
    return result;
}

CK_RV C_DestroyObject(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE object)
{
    CK_RV result = module_enter();
    if (result != CKR_OK)
        return result;
    const struct session *session = session_find(handle);
    if (session == NULL)
        return module_leave(CKR_SESSION_HANDLE_INVALID);
    result = session_may_write(session);
    return module_leave(result == CKR_OK ? destroy(object) : result);
}

/* The label is where an object lies; CKA_ID may be anything. */
static CK_RV change(const struct object *object, const CK_ATTRIBUTE *wanted, CK_ULONG count)
{
    CK_RV result = CKR_OK;
    for (CK_ULONG i = 0; i < count && result == CKR_OK; i++) {
        if (wanted[i].type == CKA_ID && (wanted[i].pValue != NULL || wanted[i].ulValueLen == 0))
            result = object_set_id(object->row, wanted[i].pValue, wanted[i].ulValueLen);
        else if (wanted[i].type == CKA_ID)
            result = CKR_ATTRIBUTE_VALUE_INVALID;
        else if (!attributes_match(object, &wanted[i], 1))
            result = CKR_ATTRIBUTE_READ_ONLY;
    }
    return result;
}

CK_RV C_SetAttributeValue(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE object_handle,
                          CK_ATTRIBUTE *wanted, CK_ULONG count)
{
    const struct object *object;
    CK_RV result = module_enter();
    if (result != CKR_OK)
        return result;
    const struct session *session = session_find(handle);
    if (session == NULL || (wanted == NULL && count > 0))
        return module_leave(session == NULL ? CKR_SESSION_HANDLE_INVALID : CKR_ARGUMENTS_BAD);
    result = session_may_write(session);
    if (result == CKR_OK)
        result = object_find(object_handle, &object);
    return module_leave(result == CKR_OK ? change(object, wanted, count) : result);
}

CK_RV C_GetAttributeValue(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE object_handle,
                          CK_ATTRIBUTE *wanted, CK_ULONG count)
{
    const struct object *object;
    CK_RV result = module_enter();
    if (result != CKR_OK)
        return result;
    if (session_find(handle) == NULL || wanted == NULL)
        return module_leave(wanted == NULL ? CKR_ARGUMENTS_BAD : CKR_SESSION_HANDLE_INVALID);
    result = object_find(object_handle, &object);
    return module_leave(result == CKR_OK ? attributes_get(object, wanted, count) : result);
}

CK_RV C_GetObjectSize(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE object_handle, CK_ULONG *size)
{
    const struct object *object;
    uint32_t length = 0;
    CK_RV result = module_enter();
    if (result != CKR_OK)
        return result;
    if (session_find(handle) == NULL || size == NULL)
        return module_leave(size == NULL ? CKR_ARGUMENTS_BAD : CKR_SESSION_HANDLE_INVALID);
    result = object_find(object_handle, &object);
    if (result == CKR_OK)
        result = module_error(pki_length(token_pki(), object->row->label, &length));
    *size = result == CKR_OK ? length : CK_UNAVAILABLE_INFORMATION;
    return module_leave(result);
}

/* ---- Finding --------------------------------------------------------------------------------- */

static CK_RV find(struct session *session, const CK_ATTRIBUTE *wanted, CK_ULONG count)
{
    const struct object *list;
    unsigned found;
    const CK_RV result = objects_list(&list, &found);
    if (result != CKR_OK)
        return result;
    session->found_count = session->found_next = 0;
    for (unsigned i = 0; i < found; i++) {
        if ((list[i].class != CKO_PRIVATE_KEY || session_logged_in()) &&
            attributes_match(&list[i], wanted, count))
            session->found[session->found_count++] = list[i].handle;
    }
    session->finding = true;
    return CKR_OK;
}

CK_RV C_FindObjectsInit(CK_SESSION_HANDLE handle, CK_ATTRIBUTE *wanted, CK_ULONG count)
{
    const CK_RV result = module_enter();
    if (result != CKR_OK)
        return result;
    struct session *session = session_find(handle);
    if (session == NULL || (wanted == NULL && count > 0))
        return module_leave(session == NULL ? CKR_SESSION_HANDLE_INVALID : CKR_ARGUMENTS_BAD);
    if (session->finding)
        return module_leave(CKR_OPERATION_ACTIVE);
    return module_leave(find(session, wanted, count));
}

CK_RV C_FindObjects(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE *found, CK_ULONG size,
                    CK_ULONG *count)
{
    const CK_RV result = module_enter();
    if (result != CKR_OK)
        return result;
    struct session *session = session_find(handle);
    if (session == NULL || count == NULL || (found == NULL && size > 0))
        return module_leave(session == NULL ? CKR_SESSION_HANDLE_INVALID : CKR_ARGUMENTS_BAD);
    if (!session->finding)
        return module_leave(CKR_OPERATION_NOT_INITIALIZED);
    for (*count = 0; *count < size && session->found_next < session->found_count; ++*count)
        found[*count] = session->found[session->found_next++];
    return module_leave(CKR_OK);
}

CK_RV C_FindObjectsFinal(CK_SESSION_HANDLE handle)
{
    const CK_RV result = module_enter();
    if (result != CKR_OK)
        return result;
    struct session *session = session_find(handle);
    if (session == NULL || !session->finding)
        return module_leave(session == NULL ? CKR_SESSION_HANDLE_INVALID
                                            : CKR_OPERATION_NOT_INITIALIZED);
    session->finding = false;
    return module_leave(CKR_OK);
}
