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

#define SLOTS_MAX       16u
#define MATCHES         8u
#define PIN_MAX         255u
#define ID_MAX          128u
#define NUMBER_SIZE     ((size_t)32) /* of P-256 */
#define NUMBER_SIZE_384 ((size_t)48)
#define RSA_SIZE        ((size_t)256)
#define SCALAR_AT       7u  /* in the ECPrivateKey of a P-256 key */
#define POINT_AT        27u /* in its SubjectPublicKeyInfo */

static CK_BYTE p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
static CK_BYTE p384[] = {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22};
static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;

static void *library;
static CK_FUNCTION_LIST *module;
static CK_SESSION_HANDLE session; /* CK_INVALID_HANDLE: none */
static CK_SLOT_ID slot;           /* of the session */
static bool is_stale;             /* what the module knows of its tokens */
static char refused[PIN_MAX + 1]; /* the PIN that the token did not take */

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
    mbedtls_platform_zeroize(refused, sizeof refused);
}

/* What went wrong with the module or its token, with Cryptoki's number for it. */
static otter_status failed(const char *what, CK_RV result)
{
    LOG_ERR(TAG, "%s: %s failed (0x%lx)", module_path(), what, (unsigned long)result);
    return result == CKR_HOST_MEMORY     ? OTTER_E_MEMORY
           : result == CKR_DEVICE_MEMORY ? OTTER_E_NO_SPACE
                                         : OTTER_E_CRYPTO;
}

/* The result of an operation with a key. After an error the next use looks for the token anew and
 * logs in: modules differ in what they say of a session that has died. */
static otter_status status_of(const char *what, CK_RV result)
{
    if (result == CKR_OK)
        return OTTER_OK;
    const otter_status status = failed(what, result);
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
    is_stale = true;
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

/* A token that has refused a PIN a few times locks itself, and a device that tries to connect asks
 * for its key again and again: so each is tried once. */
static bool try_pin(const char *pin)
{
    if (strcmp(pin, refused) == 0) {
        LOG_ERR(TAG, "the token has refused this PIN, so it is not tried again: put the right one "
                     "in its place, or start this process anew");
        return false;
    }
    const CK_RV result = module->C_Login(session, CKU_USER, (CK_UTF8CHAR *)pin, strlen(pin));
    if (result == CKR_OK || result == CKR_USER_ALREADY_LOGGED_IN)
        return true;
    if (result == CKR_PIN_INCORRECT || result == CKR_PIN_INVALID || result == CKR_PIN_LEN_RANGE)
        LOG_ERR(TAG, "the token refuses the PIN; too many wrong ones may lock it");
    else
        (void)failed("C_Login", result);
    if (result != CKR_TOKEN_NOT_PRESENT && result != CKR_DEVICE_REMOVED)
        memcpy(refused, pin, sizeof refused);
    return false;
}

static bool log_in(CK_SLOT_ID slot)
{
    char pin[PIN_MAX + 1] = "";
    if (!read_pin(pin))
        return false;
    const CK_RV result =
        module->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session);
    if (result != CKR_OK) {
        session = CK_INVALID_HANDLE;
        (void)failed("C_OpenSession", result);
    } else if (pin[0] != '\0' && !try_pin(pin)) { /* a token without a PIN needs none */
        end_session();
    }
    mbedtls_platform_zeroize(pin, sizeof pin);
    return session != CK_INVALID_HANDLE;
}

/* SoftHSM, for one, knows the tokens that were there when it was initialized, and none that came or
 * came back later. */
static void look_anew(void)
{
    is_stale = false;
    module->C_Finalize(NULL);
    if (module->C_Initialize(NULL) != CKR_OK)
        pkcs11_keys_close();
}

static bool is_open(void)
{
    if (session != CK_INVALID_HANDLE)
        return true;
    if (module != NULL && is_stale)
        look_anew();
    return (module != NULL || load_module()) && find_token(&slot) && log_in(slot);
}

/* A token that was taken away may leave a session that finds nothing: without this its keys would
 * be told as never made, and a person would make others. */
static bool is_there_still(void)
{
    const char *label = setting("OTTER_PKCS11_TOKEN");
    if (session == CK_INVALID_HANDLE)
        return false;
    if (is_wanted(slot, label))
        return true;
    is_stale = true;
    LOG_ERR(TAG, "the token%s%s has gone; its keys are back with it", label != NULL ? " " : "",
            label != NULL ? label : "");
    end_session();
    return false;
}

/* ---- Objects --------------------------------------------------------------------------------- */

static const char *label_of(const struct pki_object *object)
{
    const char *key = setting("OTTER_PKCS11_KEY");
    return key != NULL && strcmp(object->label, PKI_TLS_KEY_PRIV) == 0 ? key : object->label;
}

/* None is OTTER_OK with `count` 0: that the token cannot say is an error. */
static otter_status search(CK_ATTRIBUTE *wanted, CK_ULONG size, CK_OBJECT_HANDLE found[MATCHES],
                           CK_ULONG *count)
{
    CK_RV result = module->C_FindObjectsInit(session, wanted, size);
    *count = 0;
    if (result == CKR_OK) {
        result = module->C_FindObjects(session, found, MATCHES, count);
        (void)module->C_FindObjectsFinal(session);
    }
    return status_of("C_FindObjects", result);
}

/* All objects of a class with the label. */
static otter_status find(CK_OBJECT_CLASS class, const struct pki_object *object,
                         CK_OBJECT_HANDLE found[MATCHES], CK_ULONG *count)
{
    const char *label = label_of(object);
    CK_ATTRIBUTE wanted[] = {
        {CKA_CLASS, &class, sizeof class},
        {CKA_LABEL, (void *)label, strlen(label)},
    };
    return search(wanted, 2, found, count);
}

/* The private key: OTTER_E_NOT_FOUND tells that there is none from that the token cannot be asked.
 */
static otter_status find_private(const struct pki_object *object, CK_OBJECT_HANDLE *key)
{
    CK_OBJECT_HANDLE found[MATCHES];
    CK_ULONG count;
    if (!is_open() || find(CKO_PRIVATE_KEY, object, found, &count) != OTTER_OK)
        return OTTER_E_CRYPTO;
    if (count == 0)
        return is_there_still() ? OTTER_E_NOT_FOUND : OTTER_E_CRYPTO;
    *key = found[0];
    return OTTER_OK;
}

/* What belongs to the private key: with its label, or else with its CKA_ID. OTTER_E_NOT_FOUND. */
static otter_status find_beside(CK_OBJECT_CLASS class, const struct pki_object *object,
                                CK_OBJECT_HANDLE key, CK_OBJECT_HANDLE *beside)
{
    CK_OBJECT_HANDLE found[MATCHES];
    CK_BYTE id[ID_MAX];
    CK_ATTRIBUTE wanted[] = {{CKA_CLASS, &class, sizeof class}, {CKA_ID, id, sizeof id}};
    CK_ULONG count;
    otter_status status = find(class, object, found, &count);
    if (status == OTTER_OK && count == 0 &&
        module->C_GetAttributeValue(session, key, &wanted[1], 1) == CKR_OK &&
        wanted[1].ulValueLen > 0 && wanted[1].ulValueLen <= sizeof id)
        status = search(wanted, 2, found, &count);
    if (status != OTTER_OK || count == 0)
        return status != OTTER_OK ? status : OTTER_E_NOT_FOUND;
    *beside = found[0];
    return OTTER_OK;
}

/* All of the label but the objects given. */
static otter_status destroy_others(const struct pki_object *object, CK_OBJECT_HANDLE public,
                                   CK_OBJECT_HANDLE private)
{
    static const CK_OBJECT_CLASS classes[] = {CKO_PRIVATE_KEY, CKO_PUBLIC_KEY};
    CK_OBJECT_HANDLE found[MATCHES];
    CK_ULONG count;
    otter_status status = OTTER_OK;
    for (int i = 0; i < 2 && status == OTTER_OK; i++) {
        status = find(classes[i], object, found, &count);
        for (CK_ULONG j = 0; status == OTTER_OK && j < count; j++) {
            if (found[j] != public && found[j] != private)
                status = status_of("C_DestroyObject", module->C_DestroyObject(session, found[j]));
        }
    }
    return status;
}

/* ---- Public halves --------------------------------------------------------------------------- */

/* An OCTET STRING with an uncompressed point, `size` bytes each number; some modules leave the
 * string out. */
static const CK_BYTE *point_in(const CK_ATTRIBUTE *from, size_t size)
{
    const CK_BYTE *at = from->pValue;
    const size_t length = 1 + 2 * size;
    if (from->ulValueLen == length + 2 && at[0] == 4 && at[1] == length)
        at += 2;
    else if (from->ulValueLen != length)
        return NULL;
    return at[0] == 4 ? at + 1 : NULL;
}

static otter_status read_ec(CK_OBJECT_HANDLE handle, struct pki_public *key)
{
    CK_BYTE bytes[160];
    const CK_BYTE *point;
    CK_ATTRIBUTE wanted = {CKA_EC_POINT, bytes, sizeof bytes};
    const CK_RV result = module->C_GetAttributeValue(session, handle, &wanted, 1);
    if (result == CKR_BUFFER_TOO_SMALL)
        return OTTER_E_KEY;
    if (result != CKR_OK)
        return status_of("C_GetAttributeValue", result);
    if ((point = point_in(&wanted, NUMBER_SIZE)) != NULL) {
        pki_public_from_point(key, point);
        return OTTER_OK;
    }
#if OTTER_KEYS_P384
    if ((point = point_in(&wanted, NUMBER_SIZE_384)) != NULL) {
        pki_public_from_p384(key, point);
        return OTTER_OK;
    }
#endif
    return OTTER_E_KEY;
}

static otter_status read_rsa(CK_OBJECT_HANDLE handle, struct pki_public *key)
{
#if OTTER_KEYS_RSA2048
    CK_BYTE modulus[RSA_SIZE + 1], exponent[16];
    CK_ATTRIBUTE wanted[] = {{CKA_MODULUS, modulus, sizeof modulus},
                             {CKA_PUBLIC_EXPONENT, exponent, sizeof exponent}};
    const CK_RV result = module->C_GetAttributeValue(session, handle, wanted, 2);
    if (result == CKR_BUFFER_TOO_SMALL)
        return OTTER_E_KEY;
    if (result != CKR_OK)
        return status_of("C_GetAttributeValue", result);
    return pki_public_from_rsa(key, modulus, wanted[0].ulValueLen, exponent, wanted[1].ulValueLen);
#else
    (void)handle;
    (void)key;
    return OTTER_E_KEY;
#endif
}

static otter_status read_type(CK_OBJECT_HANDLE handle, CK_KEY_TYPE *type)
{
    CK_ATTRIBUTE wanted = {CKA_KEY_TYPE, type, sizeof *type};
    return status_of("C_GetAttributeValue",
                     module->C_GetAttributeValue(session, handle, &wanted, 1));
}

static otter_status read_public(CK_OBJECT_HANDLE handle, struct pki_public *key)
{
    CK_KEY_TYPE type;
    const otter_status status = read_type(handle, &type);
    if (status != OTTER_OK)
        return status;
    return type == CKK_EC    ? read_ec(handle, key)
           : type == CKK_RSA ? read_rsa(handle, key)
                             : OTTER_E_KEY;
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
    otter_status status = find_private(object, &private);
    if (status != OTTER_OK)
        return status;
    status = find_beside(CKO_PUBLIC_KEY, object, private, &beside);
    if (status == OTTER_OK)
        return read_public(beside, key);
    if (status == OTTER_E_NOT_FOUND)
        status = find_beside(CKO_CERTIFICATE, object, private, &beside);
    if (status != OTTER_E_NOT_FOUND)
        return status == OTTER_OK ? read_certified(beside, key) : status;
    LOG_ERR(TAG, "the token has neither a public key nor a certificate for the private key %s",
            label_of(object));
    return OTTER_E_KEY;
}

/* ---- Private keys ---------------------------------------------------------------------------- */

static otter_status token_length(void *ctx, const struct pki_object *object, uint32_t *length)
{
    CK_OBJECT_HANDLE private;
    (void)ctx;
    *length = (uint32_t)NUMBER_SIZE;
    return find_private(object, &private);
}

/* One signature, of exactly the length that is expected. */
static otter_status sign(CK_OBJECT_HANDLE key, CK_MECHANISM_TYPE type, const void *data,
                         size_t length, CK_BYTE *signature, CK_ULONG expected)
{
    CK_MECHANISM mechanism = {type, NULL, 0};
    CK_ULONG written = expected;
    CK_RV result = module->C_SignInit(session, &mechanism, key);
    if (result == CKR_OK)
        result = module->C_Sign(session, (CK_BYTE *)data, length, signature, &written);
    if (result == CKR_OK && written != expected)
        result = CKR_GENERAL_ERROR;
    return status_of("C_Sign", result);
}

static otter_status sign_ec(CK_OBJECT_HANDLE key, const uint8_t *digest, size_t length,
                            struct pki_signature *signature)
{
    CK_BYTE curve[16], numbers[2 * NUMBER_SIZE_384];
    CK_ATTRIBUTE wanted = {CKA_EC_PARAMS, curve, sizeof curve};
    const CK_RV result = module->C_GetAttributeValue(session, key, &wanted, 1);
    if (result != CKR_OK)
        return status_of("C_GetAttributeValue", result);
    /* Modules differ in what they make of a digest that is longer than the curve's numbers. */
    if (wanted.ulValueLen == sizeof p256 && memcmp(curve, p256, sizeof p256) == 0) {
        const otter_status status =
            sign(key, CKM_ECDSA, digest, NUMBER_SIZE, numbers, 2 * NUMBER_SIZE);
        if (status == OTTER_OK)
            pki_signature_from_numbers(signature, numbers);
        return status;
    }
#if OTTER_KEYS_P384
    if (wanted.ulValueLen == sizeof p384 && memcmp(curve, p384, sizeof p384) == 0) {
        const size_t used = length < NUMBER_SIZE_384 ? length : NUMBER_SIZE_384;
        const otter_status status =
            sign(key, CKM_ECDSA, digest, used, numbers, 2 * NUMBER_SIZE_384);
        return status == OTTER_OK ? pki_signature_from_p384(signature, numbers) : status;
    }
#endif
    (void)length;
    return OTTER_E_KEY;
}

/* The padding is the module's, what says which hash it was is ours (RFC 8017 9.2, DigestInfo). */
static otter_status sign_rsa(CK_OBJECT_HANDLE key, const uint8_t *digest, size_t length,
                             struct pki_signature *signature)
{
#if OTTER_KEYS_RSA2048
    const CK_BYTE hash = length == 32   ? 1
                         : length == 48 ? 2
                                        : 3; /* of id-sha256, -sha384, -sha512 */
    const CK_BYTE head[] = {0x30,           (CK_BYTE)(17 + length),
                            0x30,           0x0d,
                            0x06,           0x09,
                            0x60,           0x86,
                            0x48,           0x01,
                            0x65,           0x03,
                            0x04,           0x02,
                            hash,           0x05,
                            0x00,           0x04,
                            (CK_BYTE)length};
    CK_BYTE info[sizeof head + 64];
    memcpy(info, head, sizeof head);
    memcpy(info + sizeof head, digest, length);
    signature->length = RSA_SIZE;
    return sign(key, CKM_RSA_PKCS, info, sizeof head + length, signature->der, RSA_SIZE);
#else
    (void)key;
    (void)digest;
    (void)length;
    (void)signature;
    return OTTER_E_KEY;
#endif
}

static otter_status token_sign(void *ctx, const struct pki_object *object, const uint8_t *digest,
                               size_t length, struct pki_signature *signature)
{
    CK_OBJECT_HANDLE private;
    CK_KEY_TYPE type = CKK_EC;
    (void)ctx;
    otter_status status = find_private(object, &private);
    if (status == OTTER_OK)
        status = read_type(private, &type);
    if (status != OTTER_OK)
        return status;
    return type == CKK_EC    ? sign_ec(private, digest, length, signature)
           : type == CKK_RSA ? sign_rsa(private, digest, length, signature)
                             : OTTER_E_KEY;
}

/* The mechanism and what it is told, which is in the template of the public half. */
static CK_ULONG describe(enum pki_algorithm algorithm, CK_MECHANISM *mechanism,
                         CK_ATTRIBUTE *public)
{
    static CK_ULONG bits = 8 * RSA_SIZE;
    static CK_BYTE exponent[] = {1, 0, 1};
    *mechanism = (CK_MECHANISM){CKM_EC_KEY_PAIR_GEN, NULL, 0};
    if (algorithm == PKI_RSA2048) {
        mechanism->mechanism = CKM_RSA_PKCS_KEY_PAIR_GEN;
        public[0] = (CK_ATTRIBUTE){CKA_MODULUS_BITS, &bits, sizeof bits};
        public[1] = (CK_ATTRIBUTE){CKA_PUBLIC_EXPONENT, exponent, sizeof exponent};
        return 2;
    }
    public[0] = algorithm == PKI_P384 ? (CK_ATTRIBUTE){CKA_EC_PARAMS, p384, sizeof p384}
                                      : (CK_ATTRIBUTE){CKA_EC_PARAMS, p256, sizeof p256};
    return 1;
}

static bool is_built_in(enum pki_algorithm algorithm)
{
#if OTTER_KEYS_P384
    if (algorithm == PKI_P384)
        return true;
#endif
#if OTTER_KEYS_RSA2048
    if (algorithm == PKI_RSA2048)
        return true;
#endif
    return algorithm == PKI_P256;
}

/* Halves that are of no use: they would lie beside the old ones. */
static void discard(CK_OBJECT_HANDLE public, CK_OBJECT_HANDLE private)
{
    if (session == CK_INVALID_HANDLE)
        return;
    if (public != CK_INVALID_HANDLE)
        (void)module->C_DestroyObject(session, public);
    if (private != CK_INVALID_HANDLE)
        (void)module->C_DestroyObject(session, private);
}

static otter_status token_generate(void *ctx, const struct pki_object *object,
                                   enum pki_algorithm algorithm, struct pki_public *key)
{
    const char *label = label_of(object);
    CK_MECHANISM mechanism;
    CK_ATTRIBUTE public_half[5] = {
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
    if (!is_built_in(algorithm))
        return OTTER_E_UNSUPPORTED;
    if (!is_open())
        return OTTER_E_CRYPTO;
    const CK_ULONG count = 3 + describe(algorithm, &mechanism, public_half + 3);
    const CK_RV result = module->C_GenerateKeyPair(session, &mechanism, public_half, count,
                                                   private_half, 6, &public, &private);
    if (result == CKR_MECHANISM_INVALID)
        return OTTER_E_UNSUPPORTED;
    if (result != CKR_OK)
        return status_of("C_GenerateKeyPair", result);
    const otter_status status = read_public(public, key);
    if (status == OTTER_OK)
        return destroy_others(object, public, private);
    discard(public, private);
    return status;
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
    (void)length;
    if (key->length != POINT_AT + 2 * NUMBER_SIZE)
        return OTTER_E_KEY;
    if (!is_open())
        return OTTER_E_CRYPTO;
    memcpy(point + 3, key->der + POINT_AT, 64);
    CK_RV result = module->C_CreateObject(session, private_half, 8, &private);
    if (result == CKR_OK)
        result = module->C_CreateObject(session, public_half, 6, &public);
    if (result == CKR_OK)
        return destroy_others(object, public, private);
    discard(public, private);
    return status_of("C_CreateObject", result);
}

static otter_status token_remove(void *ctx, const struct pki_object *object)
{
    (void)ctx;
    return is_open() ? destroy_others(object, 0, 0) : OTTER_E_CRYPTO;
}

const struct pki_keys pkcs11_keys = {
    .length = token_length,
    .public_key = token_public_key,
    .sign = token_sign,
    .generate = token_generate,
    .import = token_import,
    .remove = token_remove,
};
