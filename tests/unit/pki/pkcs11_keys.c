/* Private keys in a PKCS#11 module (Cryptoki 2.40); see keys_elsewhere.h. */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include <p11-kit/pkcs11.h>

#include "pki/pki.h"
#include "tests/unit/pki/keys_elsewhere.h"

#define SCALAR_AT 7u  /* in the ECPrivateKey of a P-256 key */
#define POINT_AT  27u /* in its SubjectPublicKeyInfo */
#define MATCHES   8u

static CK_BYTE p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;

static void *library;
static CK_FUNCTION_LIST *module;
static CK_SESSION_HANDLE session;

static otter_status status_of(CK_RV result)
{
    switch (result) {
    case CKR_OK:
        return OTTER_OK;
    case CKR_DEVICE_MEMORY:
        return OTTER_E_NO_SPACE;
    case CKR_HOST_MEMORY:
        return OTTER_E_MEMORY;
    default:
        return OTTER_E_CRYPTO;
    }
}

static bool load_module(void)
{
    CK_C_GetFunctionList get_list;
    const char *path = getenv("OTTER_PKCS11_MODULE");
    library = path != NULL ? dlopen(path, RTLD_NOW) : NULL;
    void *symbol = library != NULL ? dlsym(library, "C_GetFunctionList") : NULL;
    memcpy(&get_list, &symbol, sizeof get_list);
    return symbol != NULL && get_list(&module) == CKR_OK && module->C_Initialize(NULL) == CKR_OK;
}

static CK_RV log_in(void)
{
    CK_SLOT_ID slots[8];
    CK_ULONG count = sizeof slots / sizeof *slots;
    const char *pin = getenv("OTTER_PKCS11_PIN");
    CK_RV result = module->C_GetSlotList(CK_TRUE, slots, &count);
    if (result == CKR_OK && (count == 0 || pin == NULL))
        return CKR_TOKEN_NOT_PRESENT;
    if (result == CKR_OK)
        result = module->C_OpenSession(slots[0], CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL,
                                       &session);
    if (result == CKR_OK)
        result = module->C_Login(session, CKU_USER, (CK_UTF8CHAR *)pin, strlen(pin));
    return result;
}

static bool is_open(void)
{
    if (session != 0)
        return true;
    if (module == NULL && !load_module())
        return false;
    return log_in() == CKR_OK;
}

void pkcs11_keys_close(void)
{
    if (module != NULL)
        module->C_Finalize(NULL);
    if (library != NULL)
        dlclose(library);
    library = NULL;
    module = NULL;
    session = 0;
}

/* All objects of a class with the label. */
static CK_ULONG find(CK_OBJECT_CLASS class, const struct pki_object *object,
                     CK_OBJECT_HANDLE found[MATCHES])
{
    CK_ATTRIBUTE wanted[] = {
        {CKA_CLASS, &class, sizeof class},
        {CKA_LABEL, (void *)object->label, strlen(object->label)},
    };
    CK_ULONG count = 0;
    if (module->C_FindObjectsInit(session, wanted, 2) != CKR_OK)
        return 0;
    module->C_FindObjects(session, found, MATCHES, &count);
    module->C_FindObjectsFinal(session);
    return count;
}

/* All of the label but the objects given. */
static CK_RV destroy_others(const struct pki_object *object, CK_OBJECT_HANDLE public,
                            CK_OBJECT_HANDLE private)
{
    static const CK_OBJECT_CLASS classes[] = {CKO_PRIVATE_KEY, CKO_PUBLIC_KEY};
    CK_RV result = CKR_OK;
    for (int i = 0; i < 2; i++) {
        CK_OBJECT_HANDLE found[MATCHES];
        const CK_ULONG count = find(classes[i], object, found);
        for (CK_ULONG j = 0; j < count && result == CKR_OK; j++) {
            if (found[j] != public && found[j] != private)
                result = module->C_DestroyObject(session, found[j]);
        }
    }
    return result;
}

static otter_status read_public(CK_OBJECT_HANDLE handle, struct pki_public *key)
{
    CK_BYTE point[80]; /* 04 65 04 x y: an OCTET STRING with an uncompressed point */
    CK_ATTRIBUTE wanted = {CKA_EC_POINT, point, sizeof point};
    const CK_RV result = module->C_GetAttributeValue(session, handle, &wanted, 1);
    if (result != CKR_OK)
        return status_of(result);
    if (wanted.ulValueLen != 67 || point[0] != 4 || point[1] != 65 || point[2] != 4)
        return OTTER_E_KEY;
    pki_public_from_point(key, point + 3);
    return OTTER_OK;
}

static otter_status token_length(void *ctx, const struct pki_object *object, uint32_t *length)
{
    CK_OBJECT_HANDLE found[MATCHES];
    (void)ctx;
    if (!is_open())
        return OTTER_E_CRYPTO;
    *length = 32;
    return find(CKO_PRIVATE_KEY, object, found) > 0 ? OTTER_OK : OTTER_E_NOT_FOUND;
}

static otter_status token_public_key(void *ctx, const struct pki_object *object,
                                     struct pki_public *key)
{
    CK_OBJECT_HANDLE found[MATCHES];
    (void)ctx;
    if (!is_open())
        return OTTER_E_CRYPTO;
    if (find(CKO_PUBLIC_KEY, object, found) == 0)
        return OTTER_E_NOT_FOUND;
    return read_public(found[0], key);
}

static otter_status token_sign(void *ctx, const struct pki_object *object, const uint8_t *digest,
                               size_t length, struct pki_signature *signature)
{
    CK_MECHANISM mechanism = {CKM_ECDSA, NULL, 0};
    CK_OBJECT_HANDLE found[MATCHES];
    CK_BYTE numbers[64];
    CK_ULONG written = sizeof numbers;
    (void)ctx;
    (void)length; /* at least 32, and modules differ in what they make of more */
    if (!is_open())
        return OTTER_E_CRYPTO;
    if (find(CKO_PRIVATE_KEY, object, found) == 0)
        return OTTER_E_NOT_FOUND;
    CK_RV result = module->C_SignInit(session, &mechanism, found[0]);
    if (result == CKR_OK)
        result = module->C_Sign(session, (CK_BYTE *)digest, 32, numbers, &written);
    if (result != CKR_OK || written != sizeof numbers)
        return status_of(result != CKR_OK ? result : CKR_GENERAL_ERROR);
    pki_signature_from_numbers(signature, numbers);
    return OTTER_OK;
}

static otter_status token_generate(void *ctx, const struct pki_object *object,
                                   struct pki_public *key)
{
    CK_MECHANISM mechanism = {CKM_EC_KEY_PAIR_GEN, NULL, 0};
    CK_ATTRIBUTE public_half[] = {
        {CKA_EC_PARAMS, p256, sizeof p256},
        {CKA_TOKEN, &yes, sizeof yes},
        {CKA_LABEL, (void *)object->label, strlen(object->label)},
    };
    CK_ATTRIBUTE private_half[] = {
        {CKA_TOKEN, &yes, sizeof yes},
        {CKA_SENSITIVE, &yes, sizeof yes},
        {CKA_EXTRACTABLE, &no, sizeof no},
        {CKA_SIGN, &yes, sizeof yes},
        {CKA_LABEL, (void *)object->label, strlen(object->label)},
    };
    CK_OBJECT_HANDLE public, private;
    (void)ctx;
    if (!is_open())
        return OTTER_E_CRYPTO;
    const CK_RV result = module->C_GenerateKeyPair(session, &mechanism, public_half, 3,
                                                   private_half, 5, &public, &private);
    if (result != CKR_OK)
        return status_of(result);
    const otter_status status = read_public(public, key);
    return status == OTTER_OK ? status_of(destroy_others(object, public, private)) : status;
}

static otter_status token_import(void *ctx, const struct pki_object *object, const uint8_t *der,
                                 uint32_t length, const struct pki_public *key)
{
    CK_OBJECT_CLASS private_class = CKO_PRIVATE_KEY, public_class = CKO_PUBLIC_KEY;
    CK_KEY_TYPE type = CKK_EC;
    CK_BYTE point[67] = {4, 65, 4};
    CK_ATTRIBUTE private_half[] = {
        {CKA_CLASS, &private_class, sizeof private_class},
        {CKA_KEY_TYPE, &type, sizeof type},
        {CKA_EC_PARAMS, p256, sizeof p256},
        {CKA_VALUE, (void *)(der + SCALAR_AT), 32},
        {CKA_TOKEN, &yes, sizeof yes},
        {CKA_SENSITIVE, &yes, sizeof yes},
        {CKA_EXTRACTABLE, &no, sizeof no},
        {CKA_LABEL, (void *)object->label, strlen(object->label)},
    };
    CK_ATTRIBUTE public_half[] = {
        {CKA_CLASS, &public_class, sizeof public_class},
        {CKA_KEY_TYPE, &type, sizeof type},
        {CKA_EC_PARAMS, p256, sizeof p256},
        {CKA_EC_POINT, point, sizeof point},
        {CKA_TOKEN, &yes, sizeof yes},
        {CKA_LABEL, (void *)object->label, strlen(object->label)},
    };
    CK_OBJECT_HANDLE public = 0, private = 0;
    (void)ctx;
    if (length < SCALAR_AT + 32)
        return OTTER_E_KEY;
    if (!is_open())
        return OTTER_E_CRYPTO;
    memcpy(point + 3, key->der + POINT_AT, 64);
    CK_RV result = module->C_CreateObject(session, private_half, 8, &private);
    if (result == CKR_OK)
        result = module->C_CreateObject(session, public_half, 6, &public);
    return status_of(result == CKR_OK ? destroy_others(object, public, private) : result);
}

static otter_status token_remove(void *ctx, const struct pki_object *object)
{
    (void)ctx;
    return is_open() ? status_of(destroy_others(object, 0, 0)) : OTTER_E_CRYPTO;
}

const struct pki_keys pkcs11_keys = {
    .length = token_length,
    .public_key = token_public_key,
    .sign = token_sign,
    .generate = token_generate,
    .import = token_import,
    .remove = token_remove,
};
