/* What the files of this room share; for this room and its tests only.
 *
 * Each C_ function takes the module's lock, works, and gives it back by module_leave, which also
 * ends the use of the flash file. So the file is locked for one call at a time. */
#ifndef OTTER_PKCS11_MODULE_H
#define OTTER_PKCS11_MODULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mbedtls/sha256.h>
#include <p11-kit/pkcs11.h>

#include "pki/pki.h"

#define SLOT_ID      0u
#define SESSIONS_MAX 64u
#define OBJECTS_MAX  128u
#define ID_MAX       64u /* of CKA_ID, bytes */
#define PIN_MIN      4u
#define PIN_MAX      64u

/* ---- module.c -------------------------------------------------------------------------------- */

/* CKR_OK takes the lock; module_leave gives it back and returns its argument. */
CK_RV module_enter(void);
CK_RV module_leave(CK_RV result);
/* On stderr, for what no return code can say; each reason once. */
void module_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
CK_RV module_error(otter_status status);

/* ---- token.c: the flash file and the objects in it ------------------------------------------- */

/* Opens the store in the flash file, if this call has not done so: CKR_TOKEN_NOT_PRESENT without
 * the file, or while a device process has it. Ends with module_leave. */
CK_RV token_open(void);
void token_close(void);
struct pki *token_pki(void);
struct kv *token_kv(void);

/* ---- objects.c ------------------------------------------------------------------------------- */

struct object {
    CK_OBJECT_CLASS class;
    CK_OBJECT_HANDLE handle;
    const char *label; /* CKA_LABEL is the first `label_length` of it */
    size_t label_length;
    const struct pki_object
        *row;     /* where it lies; of a public key that lies nowhere, its private key */
    bool derived; /* the public half of a private key, from that */
};

/* All objects, after token_open; valid until module_leave. */
CK_RV objects_list(const struct object **objects, unsigned *count);
/* One of them, as this session may see it: CKR_OBJECT_HANDLE_INVALID. */
CK_RV object_find(CK_OBJECT_HANDLE handle, const struct object **object);
/* The row under which an object of the class and label shall lie: one of the device's tables, or a
 * new one. CKR_ATTRIBUTE_VALUE_INVALID for a label that is taken or too long, CKR_DEVICE_MEMORY
 * when there are as many objects as this module can show. */
CK_RV object_place(CK_OBJECT_CLASS class, const char *label, size_t length,
                   const char *public_label, const struct pki_object **row);
/* The object of the class under the row, after a change. */
CK_RV object_of(CK_OBJECT_CLASS class, const struct pki_object *row, const struct object **object);
/* A key's public half, or the certificate's, as SubjectPublicKeyInfo. */
CK_RV object_public(const struct object *object, uint8_t *der, size_t size, size_t *length);

/* CKA_ID; what is not set is the subject key identifier (RFC 5280 4.2.1.2, method 1). */
CK_RV object_id(const struct object *object, uint8_t id[ID_MAX], size_t *length);
CK_RV object_set_id(const struct pki_object *row, const void *id, size_t length);

/* ---- attributes.c ---------------------------------------------------------------------------- */

/* Of what Cryptoki asks for, one object's. */
CK_RV attributes_get(const struct object *object, CK_ATTRIBUTE *wanted, CK_ULONG count);
/* Whether the object has all of these values. */
bool attributes_match(const struct object *object, const CK_ATTRIBUTE *wanted, CK_ULONG count);

/* A template as whoever creates an object gives it, checked. */
struct template
{
    bool has_class, has_type, has_token, has_id;
    CK_OBJECT_CLASS class;
    CK_ULONG type; /* CKA_KEY_TYPE or CKA_CERTIFICATE_TYPE */
    CK_ULONG bits; /* CKA_MODULUS_BITS; 0: not given */
    bool token;
    bool readable; /* a private key that may be read is asked for, which there is not */
    const CK_ATTRIBUTE *label, *id, *value, *params, *point; /* NULL: not given */
};
/* NULL pointers and lengths that do not fit are CKR_ATTRIBUTE_VALUE_INVALID, what no object here
 * can be is CKR_TEMPLATE_INCONSISTENT, what nobody knows CKR_ATTRIBUTE_TYPE_INVALID. `wanted` NULL
 * with a count: CKR_ARGUMENTS_BAD. */
CK_RV template_read(struct template *template, const CK_ATTRIBUTE *wanted, CK_ULONG count);

/* ---- create.c -------------------------------------------------------------------------------- */

/* From a checked template to what pki_import takes: the object's DER in `der`, and its name in PEM.
 */
CK_RV template_encode(const struct template *template, uint8_t *der, size_t size, size_t *length,
                      const char **pem_label);

/* ---- session.c ------------------------------------------------------------------------------- */

enum operation_kind { OPERATION_DIGEST, OPERATION_SIGN, OPERATION_VERIFY, OPERATIONS };

struct operation {
    bool active;
    bool parts; /* begun by an Update: ends by a Final only */
    CK_MECHANISM_TYPE mechanism;
    CK_OBJECT_HANDLE key;
    mbedtls_sha256_context hash;
};

struct session {
    CK_SESSION_HANDLE handle; /* 0: free */
    CK_FLAGS flags;
    bool finding;
    unsigned found_count, found_next;
    CK_OBJECT_HANDLE found[OBJECTS_MAX];
    struct operation operations[OPERATIONS];
};

/* NULL: none, CKR_SESSION_HANDLE_INVALID. */
struct session *session_find(CK_SESSION_HANDLE handle);
bool session_logged_in(void);
void sessions_close(void);
void sessions_count(CK_ULONG *all, CK_ULONG *read_write);
void operation_end(struct operation *operation);
/* For a change of the token: CKR_OK for a logged-in read-write session. */
CK_RV session_may_write(const struct session *session);

#endif
