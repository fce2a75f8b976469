/* Private keys in a PKCS#11 module; see pkcs11_keys.h. */
#include "ports/posix/pkcs11_keys.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mbedtls/platform_util.h>
#include <mbedtls/x509_crt.h>
#include <p11-kit/pkcs11.h>

#include "pki/pki.h"
#include "port/log.h"

#define TAG "PKCS11"

#define SLOTS_MAX   16u
#define MATCHES     8u
#define PIN_MAX     255u
#define ID_MAX      128u
#define NUMBER_SIZE 32u
#define SCALAR_AT   7u  /* in the ECPrivateKey of a P-256 key */
#define POINT_AT    27u /* in its SubjectPublicKeyInfo */

static CK_BYTE p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;

static void *library;
static CK_FUNCTION_LIST *module;
static CK_SESSION_HANDLE session; /* CK_INVALID_HANDLE: none */

/* ---- The module ------------------------------------------------------------------------------ */

static const char *setting(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && *value != '\0' ? value : NULL;
}

bool pkcs11_keys_wanted(void)
{
    return setting("OTTER_PKCS11_MODULE") != NULL;
}

static const char *module_path(void)
{
    const char *path = setting("OTTER_PKCS11_MODULE");
    return path != NULL ? path : "OTTER_PKCS11_MODULE";
}

static void end_session(void)
{
    if (session != CK_INVALID_HANDLE)
        module->C_CloseSession(session);
    session = CK_INVALID_HANDLE;
}

void pkcs11_keys_close(void)
{
    if (module != NULL)
        module->C_Finalize(NULL);
    if (library != NULL)
        dlclose(library);
    library = NULL;
    module = NULL;
    session = CK_INVALID_HANDLE;
}

/* What went wrong with the module or its token, with Cryptoki's number for it. */
static otter_status failed(const char *what, CK_RV result)
{
    LOG_ERR(TAG, "%s: %s failed (0x%lx)", module_path(), what, (unsigned long)result);
    return result == CKR_HOST_MEMORY     ? OTTER_E_MEMORY
           : result == CKR_DEVICE_MEMORY ? OTTER_E_NO_SPACE
                                         : OTTER_E_CRYPTO;
}

static bool is_lost(CK_RV result)
{
    return result == CKR_SESSION_HANDLE_INVALID || result == CKR_SESSION_CLOSED ||
           result == CKR_DEVICE_REMOVED || result == CKR_TOKEN_NOT_PRESENT ||
           result == CKR_DEVICE_ERROR || result == CKR_USER_NOT_LOGGED_IN ||
           result == CKR_CRYPTOKI_NOT_INITIALIZED;
}

/* The result of an operation with a key. After one that says that the token has gone, the next use
 * looks for it anew. */
static otter_status status_of(const char *what, CK_RV result)
{
    if (result == CKR_OK)
        return OTTER_OK;
    const otter_status status = failed(what, result);
    if (is_lost(result))
        end_session();
    return status;
}

static bool load_module(void)
{
    CK_C_GetFunctionList get_list;
    library = dlopen(module_path(), RTLD_NOW | RTLD_LOCAL);
    void *symbol = library != NULL ? dlsym(library, "C_GetFunctionList") : NULL;
    if (symbol == NULL) {
        const char *reason = dlerror();
        LOG_ERR(TAG, "cannot load the module: %s", reason != NULL ? reason : module_path());
        pkcs11_keys_close();
        return false;
    }
    memcpy(&get_list, &symbol, sizeof get_list);
    CK_RV result = get_list(&module);
    if (result == CKR_OK)
        result = module->C_Initialize(NULL);
    if (result == CKR_OK || result == CKR_CRYPTOKI_ALREADY_INITIALIZED)
        return true;
    (void)failed("C_Initialize", result);
    module = NULL;
    pkcs11_keys_close();
    return false;
}

static bool is_wanted(CK_SLOT_ID slot, const char *label)
{
    CK_TOKEN_INFO info;
    const size_t length = label != NULL ? strlen(label) : 0;
    if (module->C_GetTokenInfo(slot, &info) != CKR_OK ||
        (info.flags & CKF_TOKEN_INITIALIZED) == 0 || length > sizeof info.label)
        return false;
    for (size_t i = length; label != NULL && i < sizeof info.label; i++) {
        if (info.label[i] != ' ') /* its padding */
            return false;
    }
    return label == NULL || memcmp(info.label, label, length) == 0;
}

static bool find_token(CK_SLOT_ID *slot)
{
    CK_SLOT_ID slots[SLOTS_MAX];
    CK_ULONG count = SLOTS_MAX;
    const char *label = setting("OTTER_PKCS11_TOKEN");
    const CK_RV result = module->C_GetSlotList(CK_TRUE, slots, &count);
    if (result != CKR_OK) {
        (void)failed("C_GetSlotList", result);
        return false;
    }
    for (CK_ULONG i = 0; i < count; i++) {
        *slot = slots[i];
        if (is_wanted(slots[i], label))
            return true;
    }
    LOG_ERR(TAG, "%s has no token %s%s; `pkcs11-tool --module … -L` lists them", module_path(),
            label != NULL ? "labelled " : "that is initialized", label != NULL ? label : "");
    return false;
}

static bool read_pin(char pin[PIN_MAX + 1])
{
    const char *path = setting("OTTER_PKCS11_PIN_FILE"), *given = setting("OTTER_PKCS11_PIN");
    FILE *file = path != NULL ? fopen(path, "r") : NULL;
    pin[0] = '\0';
    if (file != NULL) {
        if (fgets(pin, PIN_MAX + 1, file) == NULL)
            pin[0] = '\0';
        fclose(file);
    } else if (path != NULL) {
        LOG_ERR(TAG, "cannot read the PIN from %s: %s", path, strerror(errno));
        return false;
    } else if (given != NULL) {
        snprintf(pin, PIN_MAX + 1, "%s", given);
    }
    pin[strcspn(pin, "\r\n")] = '\0';
    return true;
}

static bool log_in(CK_SLOT_ID slot)
{
    char pin[PIN_MAX + 1];
    if (!read_pin(pin))
        return false;
    CK_RV result =
        module->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session);
    if (result != CKR_OK) {
        session = CK_INVALID_HANDLE;
        (void)failed("C_OpenSession", result);
        return false;
    }
    /* A token without a PIN needs none. */
    if (pin[0] != '\0')
        result = module->C_Login(session, CKU_USER, (CK_UTF8CHAR *)pin, strlen(pin));
    mbedtls_platform_zeroize(pin, sizeof pin);
    if (result == CKR_OK || result == CKR_USER_ALREADY_LOGGED_IN)
        return true;
    if (result == CKR_PIN_INCORRECT)
        LOG_ERR(TAG, "the token refuses the PIN; too many wrong ones may lock it");
    else
        (void)failed("C_Login", result);
    end_session();
    return false;
}

static bool is_open(void)
{
    CK_SLOT_ID slot;
    if (session != CK_INVALID_HANDLE)
        return true;
    return (module != NULL || load_module()) && find_token(&slot) && log_in(slot);
}

/* ---- Objects --------------------------------------------------------------------------------- */

static const char *label_of(const struct pki_object *object)
{
    const char *key = setting("OTTER_PKCS11_KEY");
    return key != NULL && strcmp(object->label, PKI_TLS_KEY_PRIV) == 0 ? key : object->label;
}

static CK_ULONG search(CK_ATTRIBUTE *wanted, CK_ULONG size, CK_OBJECT_HANDLE found[MATCHES])
{
    CK_ULONG count = 0;
    const CK_RV result = module->C_FindObjectsInit(session, wanted, size);
    if (result != CKR_OK) {
        (void)status_of("C_FindObjectsInit", result);
        return 0;
    }
    if (module->C_FindObjects(session, found, MATCHES, &count) != CKR_OK)
        count = 0;
    module->C_FindObjectsFinal(session);
    return count;
}

/* All objects of a class with the label. */
static CK_ULONG find(CK_OBJECT_CLASS class, const struct pki_object *object,
                     CK_OBJECT_HANDLE found[MATCHES])
{
    const char *label = label_of(object);
    CK_ATTRIBUTE wanted[] = {
        {CKA_CLASS, &class, sizeof class},
        {CKA_LABEL, (void *)label, strlen(label)},
    };
    return search(wanted, 2, found);
}

/* The private key: OTTER_E_NOT_FOUND tells that there is none from that the token cannot be asked.
 */
static otter_status find_private(const struct pki_object *object, CK_OBJECT_HANDLE *key)
{
    CK_OBJECT_HANDLE found[MATCHES];
    if (!is_open())
        return OTTER_E_CRYPTO;
    if (find(CKO_PRIVATE_KEY, object, found) == 0)
        return session != CK_INVALID_HANDLE ? OTTER_E_NOT_FOUND : OTTER_E_CRYPTO;
    *key = found[0];
    return OTTER_OK;
}

/* What belongs to the private key: with its label, or else with its CKA_ID. */
static bool find_beside(CK_OBJECT_CLASS class, const struct pki_object *object,
                        CK_OBJECT_HANDLE key, CK_OBJECT_HANDLE *beside)
{
    CK_OBJECT_HANDLE found[MATCHES];
    CK_BYTE id[ID_MAX];
    CK_ATTRIBUTE wanted[] = {{CKA_CLASS, &class, sizeof class}, {CKA_ID, id, sizeof id}};
    CK_ULONG count = find(class, object, found);
    if (count == 0 && module->C_GetAttributeValue(session, key, &wanted[1], 1) == CKR_OK &&
        wanted[1].ulValueLen > 0 && wanted[1].ulValueLen <= sizeof id)
        count = search(wanted, 2, found);
    *beside = found[0];
    return count > 0;
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

/* ---- Public halves --------------------------------------------------------------------------- */

static otter_status read_public(CK_OBJECT_HANDLE handle, struct pki_public *key)
{
    CK_BYTE point[80]; /* 04 65 04 x y: an OCTET STRING with an uncompressed point */
    CK_ATTRIBUTE wanted = {CKA_EC_POINT, point, sizeof point};
    const CK_RV result = module->C_GetAttributeValue(session, handle, &wanted, 1);
    if (result == CKR_BUFFER_TOO_SMALL || result == CKR_ATTRIBUTE_TYPE_INVALID)
        return OTTER_E_KEY;
    if (result != CKR_OK)
        return status_of("C_GetAttributeValue", result);
    const CK_BYTE *at =
        wanted.ulValueLen == 67 && point[0] == 4 && point[1] == 65 ? point + 2 : point;
    if ((wanted.ulValueLen != 67 && wanted.ulValueLen != 65) || at[0] != 4)
        return OTTER_E_KEY;
    pki_public_from_point(key, at + 1);
    return OTTER_OK;
}

static otter_status read_certified(CK_OBJECT_HANDLE handle, struct pki_public *key)
{
    static CK_BYTE der[PKI_DER_MAX];
    CK_ATTRIBUTE wanted = {CKA_VALUE, der, sizeof der};
    mbedtls_x509_crt cert;
    const CK_RV result = module->C_GetAttributeValue(session, handle, &wanted, 1);
    if (result != CKR_OK)
        return status_of("C_GetAttributeValue", result);
    mbedtls_x509_crt_init(&cert);
    otter_status status = OTTER_E_KEY;
    if (mbedtls_x509_crt_parse_der(&cert, der, wanted.ulValueLen) == 0 &&
        cert.pk_raw.len <= sizeof key->der) {
        memcpy(key->der, cert.pk_raw.p, cert.pk_raw.len);
        key->length = (uint32_t)cert.pk_raw.len;
        status = OTTER_OK;
    }
    mbedtls_x509_crt_free(&cert);
    return status;
}

static otter_status token_public_key(void *ctx, const struct pki_object *object,
                                     struct pki_public *key)
{
    CK_OBJECT_HANDLE private, beside;
    (void)ctx;
    const otter_status status = find_private(object, &private);
    if (status != OTTER_OK)
        return status;
    if (find_beside(CKO_PUBLIC_KEY, object, private, &beside))
        return read_public(beside, key);
    if (find_beside(CKO_CERTIFICATE, object, private, &beside))
        return read_certified(beside, key);
    LOG_ERR(TAG, "the token has neither a public key nor a certificate for the private key %s",
            label_of(object));
    return OTTER_E_KEY;
}

/* ---- Private keys ---------------------------------------------------------------------------- */

static otter_status token_length(void *ctx, const struct pki_object *object, uint32_t *length)
{
    CK_OBJECT_HANDLE private;
    (void)ctx;
    *length = NUMBER_SIZE;
    return find_private(object, &private);
}

static otter_status token_sign(void *ctx, const struct pki_object *object, const uint8_t *digest,
                               size_t length, struct pki_signature *signature)
{
    CK_MECHANISM mechanism = {CKM_ECDSA, NULL, 0};
    CK_OBJECT_HANDLE private;
    CK_BYTE numbers[2 * NUMBER_SIZE];
    CK_ULONG written = sizeof numbers;
    (void)ctx;
    (void)length; /* at least 32, and modules differ in what they make of more */
    const otter_status status = find_private(object, &private);
    if (status != OTTER_OK)
        return status;
    CK_RV result = module->C_SignInit(session, &mechanism, private);
    if (result == CKR_OK)
        result = module->C_Sign(session, (CK_BYTE *)digest, NUMBER_SIZE, numbers, &written);
    if (result == CKR_OK && written != sizeof numbers)
        result = CKR_GENERAL_ERROR;
    if (result == CKR_OK)
        pki_signature_from_numbers(signature, numbers);
    return status_of("C_Sign", result);
}

static otter_status token_generate(void *ctx, const struct pki_object *object,
                                   struct pki_public *key)
{
    const char *label = label_of(object);
    CK_MECHANISM mechanism = {CKM_EC_KEY_PAIR_GEN, NULL, 0};
    CK_ATTRIBUTE public_half[] = {
        {CKA_EC_PARAMS, p256, sizeof p256},
        {CKA_TOKEN, &yes, sizeof yes},
        {CKA_VERIFY, &yes, sizeof yes},
        {CKA_LABEL, (void *)label, strlen(label)},
    };
    CK_ATTRIBUTE private_half[] = {
        {CKA_TOKEN, &yes, sizeof yes},     {CKA_PRIVATE, &yes, sizeof yes},
        {CKA_SENSITIVE, &yes, sizeof yes}, {CKA_EXTRACTABLE, &no, sizeof no},
        {CKA_SIGN, &yes, sizeof yes},      {CKA_LABEL, (void *)label, strlen(label)},
    };
    CK_OBJECT_HANDLE public, private;
    (void)ctx;
    if (!is_open())
        return OTTER_E_CRYPTO;
    const CK_RV result = module->C_GenerateKeyPair(session, &mechanism, public_half, 4,
                                                   private_half, 6, &public, &private);
    if (result != CKR_OK)
        return status_of("C_GenerateKeyPair", result);
    const otter_status status = read_public(public, key);
    return status == OTTER_OK
               ? status_of("C_DestroyObject", destroy_others(object, public, private))
               : status;
}

static otter_status token_import(void *ctx, const struct pki_object *object, const uint8_t *der,
                                 uint32_t length, const struct pki_public *key)
{
    const char *label = label_of(object);
    CK_OBJECT_CLASS private_class = CKO_PRIVATE_KEY, public_class = CKO_PUBLIC_KEY;
    CK_KEY_TYPE type = CKK_EC;
    CK_BYTE point[67] = {4, 65, 4};
    CK_ATTRIBUTE private_half[] = {
        {CKA_CLASS, &private_class, sizeof private_class},
        {CKA_KEY_TYPE, &type, sizeof type},
        {CKA_EC_PARAMS, p256, sizeof p256},
        {CKA_VALUE, (void *)(der + SCALAR_AT), NUMBER_SIZE},
        {CKA_TOKEN, &yes, sizeof yes},
        {CKA_SENSITIVE, &yes, sizeof yes},
        {CKA_EXTRACTABLE, &no, sizeof no},
        {CKA_LABEL, (void *)label, strlen(label)},
    };
    CK_ATTRIBUTE public_half[] = {
        {CKA_CLASS, &public_class, sizeof public_class},
        {CKA_KEY_TYPE, &type, sizeof type},
        {CKA_EC_PARAMS, p256, sizeof p256},
        {CKA_EC_POINT, point, sizeof point},
        {CKA_TOKEN, &yes, sizeof yes},
        {CKA_LABEL, (void *)label, strlen(label)},
    };
    CK_OBJECT_HANDLE public = 0, private = 0;
    (void)ctx;
    if (length < SCALAR_AT + NUMBER_SIZE)
        return OTTER_E_KEY;
    if (!is_open())
        return OTTER_E_CRYPTO;
    memcpy(point + 3, key->der + POINT_AT, 64);
    CK_RV result = module->C_CreateObject(session, private_half, 8, &private);
    if (result == CKR_OK)
        result = module->C_CreateObject(session, public_half, 6, &public);
    return status_of("C_CreateObject",
                     result == CKR_OK ? destroy_others(object, public, private) : result);
}

static otter_status token_remove(void *ctx, const struct pki_object *object)
{
    (void)ctx;
    return is_open() ? status_of("C_DestroyObject", destroy_others(object, 0, 0)) : OTTER_E_CRYPTO;
}

const struct pki_keys pkcs11_keys = {
    .length = token_length,
    .public_key = token_public_key,
    .sign = token_sign,
    .generate = token_generate,
    .import = token_import,
    .remove = token_remove,
};
