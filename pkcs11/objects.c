/* Cryptoki's objects over the labels of pki/.
 *
 * An object lies in the store under its label, if that is in one of the device's tables or free.
 * Cryptoki lets a key, its public half and its certificate have one label, the store does not: what
 * comes second lies under the label with ".key", ".pub" or ".crt", which no tool sees. Labels that
 * no table here has, such as those of a product, are told by the form of what lies there. */
#include <stdio.h>
#include <string.h>

#include <mbedtls/asn1.h>
#include <mbedtls/platform_util.h>
#include <mbedtls/sha1.h>
#include <mbedtls/x509_crt.h>

#include "pkcs11/module.h"

#define PKI_PREFIX    "pki/"
#define ID_PREFIX     "p11/"
#define SUFFIX_LENGTH 4u
#define SHA1_SIZE     20u

struct name {
    char text[PKI_LABEL_MAX + 1];
};

/* What the store holds, for as long as one call. */
static struct name names[OBJECTS_MAX];
static unsigned name_count;
static struct pki_object rows[OBJECTS_MAX]; /* of labels that no table has */
static struct pki_table row_table = {rows, 0};
static struct pki_part row_part;
static struct object objects[OBJECTS_MAX];
static unsigned object_count;

/* The row of an object to come. */
static struct name placed_name, placed_public;
static struct pki_object placed;
static const struct pki_table placed_table = {&placed, 1};
static struct pki_part placed_part;

/* Handles for as long as their objects are there. */
static struct {
    struct name name;
    CK_OBJECT_CLASS class;
    bool derived;
    CK_OBJECT_HANDLE handle; /* 0: free */
    bool seen;
} handles[OBJECTS_MAX];
static CK_OBJECT_HANDLE last_handle;

/* ---- What lies there ------------------------------------------------------------------------- */

static int collect(void *ctx, const char *key, uint32_t length)
{
    (void)ctx;
    (void)length;
    if (strncmp(key, PKI_PREFIX, strlen(PKI_PREFIX)) == 0 && name_count < OBJECTS_MAX)
        snprintf(names[name_count++].text, sizeof names->text, "%s", key + strlen(PKI_PREFIX));
    return 0;
}

/* By the form of its DER: a version first is a private key's, an object identifier in a sequence a
 * public key's, all else is a certificate's. False when it is none of these. */
static bool type_of(const uint8_t *der, size_t length, enum pki_type *type)
{
    unsigned char *at = (unsigned char *)der;
    const unsigned char *end = der + length;
    const int sequence = MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE;
    size_t size;
    if (mbedtls_asn1_get_tag(&at, end, &size, sequence) != 0 || at == end)
        return false;
    if (*at == MBEDTLS_ASN1_INTEGER) {
        *type = PKI_PRIVATE_KEY;
        return true;
    }
    if (mbedtls_asn1_get_tag(&at, end, &size, sequence) != 0 || at == end)
        return false;
    *type = *at == MBEDTLS_ASN1_OID ? PKI_PUBLIC_KEY : PKI_CERTIFICATE;
    return true;
}

/* The row of a stored object; NULL for what is nothing that we know. */
static const struct pki_object *row_of(const char *name)
{
    uint8_t der[KV_VALUE_MAX];
    char key[KV_KEY_MAX + 1];
    uint32_t length;
    enum pki_type type;
    const struct pki_object *row = pki_find(token_pki(), name);
    if (row != NULL)
        return row;
    snprintf(key, sizeof key, PKI_PREFIX "%s", name);
    const bool known = row_table.count < OBJECTS_MAX &&
                       kv_get(token_kv(), key, der, sizeof der, &length) == OTTER_OK &&
                       type_of(der, length, &type);
    mbedtls_platform_zeroize(der, sizeof der); /* it may be a private key */
    if (!known)
        return NULL;
    rows[row_table.count] = (struct pki_object){name, type, NULL, NULL};
    return &rows[row_table.count++];
}

static CK_OBJECT_CLASS class_of(enum pki_type type)
{
    return type == PKI_CERTIFICATE  ? CKO_CERTIFICATE
           : type == PKI_PUBLIC_KEY ? CKO_PUBLIC_KEY
                                    : CKO_PRIVATE_KEY;
}

static const char *suffix_of(CK_OBJECT_CLASS class)
{
    return class == CKO_CERTIFICATE ? ".crt" : class == CKO_PUBLIC_KEY ? ".pub" : ".key";
}

static void add_object(CK_OBJECT_CLASS class, const struct pki_object *row, bool derived)
{
    if (object_count == OBJECTS_MAX)
        return;
    size_t length = strlen(row->label);
    if (length > SUFFIX_LENGTH &&
        strcmp(row->label + length - SUFFIX_LENGTH, suffix_of(class_of(row->type))) == 0)
        length -= SUFFIX_LENGTH;
    objects[object_count++] = (struct object){.class = class,
                                              .label = row->label,
                                              .label_length = length,
                                              .row = row,
                                              .derived = derived};
}

/* A private key has a public half even where none is stored. */
static void add_public_half(const struct pki_object *row)
{
    struct pki_public key;
    uint8_t der[KV_VALUE_MAX];
    size_t length;
    if (pki_public_key(token_pki(), row->label, &key) != OTTER_OK)
        return;
    for (unsigned i = 0; i < object_count; i++) {
        if (objects[i].class == CKO_PUBLIC_KEY && !objects[i].derived &&
            pki_load(token_pki(), objects[i].row->label, der, sizeof der, &length) == OTTER_OK &&
            length == key.length && memcmp(der, key.der, length) == 0)
            return;
    }
    add_object(CKO_PUBLIC_KEY, row, true);
}

static bool has_handle(unsigned index, const struct object *object)
{
    return handles[index].handle != 0 && handles[index].class == object->class &&
           handles[index].derived == object->derived &&
           strcmp(handles[index].name.text, object->row->label) == 0;
}

static void find_handles(void)
{
    for (unsigned i = 0; i < OBJECTS_MAX; i++)
        handles[i].seen = false;
    for (unsigned i = 0; i < object_count; i++) {
        for (unsigned j = 0; j < OBJECTS_MAX; j++) {
            if (has_handle(j, &objects[i])) {
                handles[j].seen = true;
                objects[i].handle = handles[j].handle;
            }
        }
    }
    for (unsigned j = 0; j < OBJECTS_MAX; j++) {
        if (!handles[j].seen)
            handles[j].handle = 0;
    }
}

static void give_handles(void)
{
    unsigned next = 0;
    find_handles();
    for (unsigned i = 0; i < object_count; i++) {
        if (objects[i].handle != 0)
            continue;
        while (handles[next].handle != 0)
            next++; /* there are as many as objects can be */
        handles[next].handle = objects[i].handle = ++last_handle;
        handles[next].class = objects[i].class;
        handles[next].derived = objects[i].derived;
        snprintf(handles[next].name.text, sizeof handles[next].name.text, "%s",
                 objects[i].row->label);
    }
}

CK_RV objects_list(const struct object **list, unsigned *count)
{
    name_count = 0;
    object_count = 0;
    row_table.count = 0;
    CK_RV result = token_open();
    if (result == CKR_OK)
        result = module_error(kv_each(token_kv(), collect, NULL));
    if (result == CKR_OK)
        result = module_error(pki_add(token_pki(), &row_part, &row_table));
    if (result != CKR_OK)
        return result;
    for (unsigned i = 0; i < name_count; i++) {
        const struct pki_object *row = row_of(names[i].text);
        if (row != NULL)
            add_object(class_of(row->type), row, false);
    }
    const unsigned stored = object_count;
    for (unsigned i = 0; i < stored; i++) {
        if (objects[i].class == CKO_PRIVATE_KEY)
            add_public_half(objects[i].row);
    }
    give_handles();
    *list = objects;
    *count = object_count;
    return CKR_OK;
}

CK_RV object_find(CK_OBJECT_HANDLE handle, const struct object **object)
{
    const struct object *list;
    unsigned count;
    const CK_RV result = objects_list(&list, &count);
    if (result != CKR_OK)
        return result;
    for (unsigned i = 0; i < count; i++) {
        *object = &list[i];
        if (list[i].handle == handle)
            return list[i].class != CKO_PRIVATE_KEY || session_logged_in()
                       ? CKR_OK
                       : CKR_OBJECT_HANDLE_INVALID;
    }
    return CKR_OBJECT_HANDLE_INVALID;
}

CK_RV object_of(CK_OBJECT_CLASS class, const struct pki_object *row, const struct object **object)
{
    const struct object *list;
    unsigned count;
    CK_RV result = objects_list(&list, &count);
    for (unsigned i = 0; result == CKR_OK && i < count; i++) {
        *object = &list[i];
        if (list[i].class != class)
            continue;
        if (strcmp(list[i].row->label, row->label) == 0 ||
            (class == CKO_PUBLIC_KEY && row->public_label != NULL &&
             strcmp(list[i].row->label, row->public_label) == 0))
            return CKR_OK;
    }
    return result == CKR_OK ? CKR_DEVICE_ERROR : result;
}

/* ---- Where a new one lies -------------------------------------------------------------------- */

static bool is_stored(const char *name)
{
    for (unsigned i = 0; i < name_count; i++) {
        if (strcmp(names[i].text, name) == 0)
            return true;
    }
    return false;
}

static bool is_text(const char *label, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (label[i] <= ' ' || label[i] > '~')
            return false;
    }
    return length > 0;
}

/* Of the tables, not of what lies there under names of its own. */
static const struct pki_object *table_row(const char *name)
{
    const struct pki_object *row = pki_find(token_pki(), name);
    return row >= rows && row < rows + OBJECTS_MAX ? NULL : row;
}

static CK_RV refuse(const char *label, size_t length, const char *why)
{
    module_say("label '%.*s': %s", (int)(length < 64 ? length : 64), label, why);
    return CKR_ATTRIBUTE_VALUE_INVALID;
}

static enum pki_type type_for(CK_OBJECT_CLASS class)
{
    return class == CKO_CERTIFICATE  ? PKI_CERTIFICATE
           : class == CKO_PUBLIC_KEY ? PKI_PUBLIC_KEY
                                     : PKI_PRIVATE_KEY;
}

CK_RV object_place(CK_OBJECT_CLASS class, const char *label, size_t length,
                   const char *public_label, const struct pki_object **row)
{
    const struct object *list;
    unsigned count;
    const CK_RV result = objects_list(&list, &count);
    if (result != CKR_OK)
        return result;
    if (count + 2 > OBJECTS_MAX) /* a pair */
        return CKR_DEVICE_MEMORY;
    if (length > PKI_LABEL_MAX || !is_text(label, length))
        return refuse(label, length, "one of 1 to 27 letters, digits and signs is needed");
    for (unsigned i = 0; i < count; i++) {
        if (list[i].class == class && list[i].label_length == length &&
            memcmp(list[i].label, label, length) == 0)
            return refuse(label, length, "there is such an object already; destroy it first");
    }
    snprintf(placed_name.text, sizeof placed_name.text, "%.*s", (int)length, label);
    *row = table_row(placed_name.text);
    if (*row != NULL && (*row)->type == type_for(class))
        return CKR_OK;
    if (*row != NULL || is_stored(placed_name.text)) {
        if (length + SUFFIX_LENGTH > PKI_LABEL_MAX)
            return refuse(label, length, "too long beside another object with it");
        memcpy(placed_name.text + length, suffix_of(class), SUFFIX_LENGTH + 1);
        if (is_stored(placed_name.text))
            return refuse(label, length, "an object of another kind lies there");
    }
    placed = (struct pki_object){placed_name.text, type_for(class), NULL, NULL};
    if (public_label != NULL && strcmp(public_label, placed_name.text) != 0 &&
        strlen(public_label) <= PKI_LABEL_MAX && table_row(public_label) == NULL &&
        !is_stored(public_label)) {
        snprintf(placed_public.text, sizeof placed_public.text, "%s", public_label);
        placed.public_label = placed_public.text;
    }
    *row = &placed;
    return module_error(pki_add(token_pki(), &placed_part, &placed_table));
}

/* ---- What all kinds have --------------------------------------------------------------------- */

static CK_RV certified_key(const struct object *object, uint8_t *der, size_t size, size_t *length)
{
    mbedtls_x509_crt cert;
    mbedtls_x509_crt_init(&cert);
    CK_RV result = module_error(pki_load_cert(token_pki(), object->row->label, &cert));
    if (result == CKR_OK && cert.pk_raw.len > size)
        result = CKR_DEVICE_ERROR;
    if (result == CKR_OK) {
        *length = cert.pk_raw.len;
        memcpy(der, cert.pk_raw.p, cert.pk_raw.len);
    }
    mbedtls_x509_crt_free(&cert);
    return result;
}

CK_RV object_public(const struct object *object, uint8_t *der, size_t size, size_t *length)
{
    struct pki_public key;
    if (object->class == CKO_CERTIFICATE)
        return certified_key(object, der, size, length);
    if (object->class == CKO_PUBLIC_KEY && !object->derived)
        return module_error(pki_load(token_pki(), object->row->label, der, size, length));
    const CK_RV result = module_error(pki_public_key(token_pki(), object->row->label, &key));
    if (result != CKR_OK || key.length > size)
        return result != CKR_OK ? result : CKR_DEVICE_ERROR;
    memcpy(der, key.der, key.length);
    *length = key.length;
    return CKR_OK;
}

static void id_key(char key[KV_KEY_MAX + 1], const struct pki_object *row)
{
    snprintf(key, KV_KEY_MAX + 1, ID_PREFIX "%s", row->label);
}

/* The key itself, without the algorithm before it. */
static CK_RV hash_key(uint8_t *der, size_t size, uint8_t id[ID_MAX], size_t *length)
{
    unsigned char *at = der;
    const unsigned char *end = der + size;
    const int sequence = MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE;
    size_t part;
    if (mbedtls_asn1_get_tag(&at, end, &part, sequence) != 0 ||
        mbedtls_asn1_get_tag(&at, end, &part, sequence) != 0)
        return CKR_DEVICE_ERROR;
    at += part;
    if (mbedtls_asn1_get_bitstring_null(&at, end, &part) != 0 ||
        mbedtls_sha1_ret(at, part, id) != 0)
        return CKR_DEVICE_ERROR;
    *length = SHA1_SIZE;
    return CKR_OK;
}

CK_RV object_id(const struct object *object, uint8_t id[ID_MAX], size_t *length)
{
    char key[KV_KEY_MAX + 1];
    uint8_t der[PKI_DER_MAX];
    uint32_t found;
    size_t size;
    id_key(key, object->row);
    const otter_status status = kv_get(token_kv(), key, id, ID_MAX, &found);
    *length = found;
    if (status != OTTER_E_NOT_FOUND)
        return module_error(status);
    const CK_RV result = object_public(object, der, sizeof der, &size);
    return result == CKR_OK ? hash_key(der, size, id, length) : result;
}

CK_RV object_set_id(const struct pki_object *row, const void *id, size_t length)
{
    char key[KV_KEY_MAX + 1];
    if (length > ID_MAX)
        return CKR_ATTRIBUTE_VALUE_INVALID;
    id_key(key, row);
    return module_error(length > 0 ? kv_set(token_kv(), key, id, (uint32_t)length)
                                   : kv_delete(token_kv(), key));
}
