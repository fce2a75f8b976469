/* The module as a whole: C_GetFunctionList, C_Initialize, slot, token and mechanisms. */
#include "pkcs11/module.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "boards/board.h"
#include "store/config.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pid_t
    owner; /* that has called C_Initialize; 0: nobody. A child by fork has to do so itself. */

CK_RV module_enter(void)
{
    pthread_mutex_lock(&lock);
    if (owner != 0 && owner == getpid())
        return CKR_OK;
    pthread_mutex_unlock(&lock);
    return CKR_CRYPTOKI_NOT_INITIALIZED;
}

CK_RV module_leave(CK_RV result)
{
    token_close();
    pthread_mutex_unlock(&lock);
    return result;
}

void module_say(const char *format, ...)
{
    static char said[512];
    char text[sizeof said];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (strcmp(text, said) == 0)
        return;
    memcpy(said, text, sizeof said);
    fprintf(stderr, "otter-pkcs11: %s\n", text);
}

CK_RV module_error(otter_status status)
{
    switch (status) {
    case OTTER_OK:
        return CKR_OK;
    case OTTER_E_NO_SPACE:
    case OTTER_E_TOO_LONG:
        return CKR_DEVICE_MEMORY;
    case OTTER_E_MEMORY:
        return CKR_HOST_MEMORY;
    case OTTER_E_MALFORMED:
    case OTTER_E_KEY:
        return CKR_ATTRIBUTE_VALUE_INVALID;
    case OTTER_E_NOT_FOUND:
        return CKR_OBJECT_HANDLE_INVALID;
    case OTTER_E_UNSUPPORTED: /* a kind of key that this build does not have */
        return CKR_MECHANISM_INVALID;
    case OTTER_E_CRYPTO:
        return CKR_FUNCTION_FAILED;
    default:
        return CKR_DEVICE_ERROR;
    }
}

/* ---- Start and end --------------------------------------------------------------------------- */

static CK_RV check_arguments(const CK_C_INITIALIZE_ARGS *arguments)
{
    if (arguments == NULL)
        return CKR_OK;
    const unsigned given = (arguments->CreateMutex != NULL) + (arguments->DestroyMutex != NULL) +
                           (arguments->LockMutex != NULL) + (arguments->UnlockMutex != NULL);
    if (arguments->pReserved != NULL || (given != 0 && given != 4))
        return CKR_ARGUMENTS_BAD;
    /* Locks of the application's alone are not for us: ours is the system's. */
    return given == 4 && (arguments->flags & CKF_OS_LOCKING_OK) == 0 ? CKR_CANT_LOCK : CKR_OK;
}

/* A fork waits for the call of another thread: else the child would have a lock that nobody gives
 * back, and the lock of the flash file, too, for as long as it lives. */
static void before_fork(void)
{
    pthread_mutex_lock(&lock);
}

static void after_fork(void)
{
    pthread_mutex_unlock(&lock);
}

static void watch_forks(void)
{
    pthread_atfork(before_fork, after_fork, after_fork);
}

CK_RV C_Initialize(void *arguments)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    CK_RV result = check_arguments(arguments);
    if (result != CKR_OK)
        return result;
    pthread_once(&once, watch_forks);
    pthread_mutex_lock(&lock);
    if (owner == getpid())
        result = CKR_CRYPTOKI_ALREADY_INITIALIZED;
    else
        sessions_close();
    owner = getpid();
    pthread_mutex_unlock(&lock);
    return result;
}

CK_RV C_Finalize(void *reserved)
{
    if (reserved != NULL)
        return CKR_ARGUMENTS_BAD;
    const CK_RV result = module_enter();
    if (result != CKR_OK)
        return result;
    sessions_close();
    owner = 0;
    return module_leave(CKR_OK);
}

/* ---- Slot and token -------------------------------------------------------------------------- */

/* Cryptoki pads texts with blanks. */
static void put_text(CK_UTF8CHAR *to, size_t size, const char *text)
{
    const size_t length = strnlen(text, size);
    memset(to, ' ', size);
    memcpy(to, text, length);
}

CK_RV C_GetInfo(CK_INFO *info)
{
    const CK_RV result = module_enter();
    if (result != CKR_OK)
        return result;
    if (info == NULL)
        return module_leave(CKR_ARGUMENTS_BAD);
    *info = (CK_INFO){.cryptokiVersion = {2, 40}, .libraryVersion = {0, 1}};
    put_text(info->manufacturerID, sizeof info->manufacturerID, "Otter");
    put_text(info->libraryDescription, sizeof info->libraryDescription, "keys in a device's flash");
    return module_leave(CKR_OK);
}

CK_RV C_GetSlotList(CK_BBOOL with_token, CK_SLOT_ID *slots, CK_ULONG *count)
{
    CK_RV result = module_enter();
    if (result != CKR_OK)
        return result;
    if (count == NULL)
        return module_leave(CKR_ARGUMENTS_BAD);
    const CK_ULONG found = !with_token || token_open() == CKR_OK;
    if (slots != NULL && *count < found)
        result = CKR_BUFFER_TOO_SMALL;
    else if (slots != NULL && found > 0)
        slots[0] = SLOT_ID;
    *count = found;
    return module_leave(result);
}

CK_RV C_GetSlotInfo(CK_SLOT_ID slot, CK_SLOT_INFO *info)
{
    const CK_RV result = module_enter();
    if (result != CKR_OK)
        return result;
    if (info == NULL || slot != SLOT_ID)
        return module_leave(info == NULL ? CKR_ARGUMENTS_BAD : CKR_SLOT_ID_INVALID);
    *info = (CK_SLOT_INFO){.flags = CKF_REMOVABLE_DEVICE};
    if (token_open() == CKR_OK)
        info->flags |= CKF_TOKEN_PRESENT;
    put_text(info->slotDescription, sizeof info->slotDescription, "flash file OTTER_PKCS11_FLASH");
    put_text(info->manufacturerID, sizeof info->manufacturerID, "Otter");
    return module_leave(CKR_OK);
}

CK_RV C_GetTokenInfo(CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
    char name[CONFIG_TEXT_MAX + 1];
    CK_RV result = module_enter();
    if (result != CKR_OK)
        return result;
    if (info == NULL || slot != SLOT_ID)
        return module_leave(info == NULL ? CKR_ARGUMENTS_BAD : CKR_SLOT_ID_INVALID);
    result = token_open();
    if (result != CKR_OK)
        return module_leave(result);
    *info = (CK_TOKEN_INFO){
        .flags = CKF_RNG | CKF_LOGIN_REQUIRED | CKF_USER_PIN_INITIALIZED | CKF_TOKEN_INITIALIZED,
        .ulMaxSessionCount = SESSIONS_MAX,
        .ulMaxRwSessionCount = SESSIONS_MAX,
        .ulMaxPinLen = PIN_MAX,
        .ulMinPinLen = PIN_MIN,
        .ulTotalPrivateMemory = CK_UNAVAILABLE_INFORMATION,
        .ulFreePrivateMemory = CK_UNAVAILABLE_INFORMATION,
        .ulTotalPublicMemory = CK_UNAVAILABLE_INFORMATION,
        .ulFreePublicMemory = CK_UNAVAILABLE_INFORMATION,
    };
    sessions_count(&info->ulSessionCount, &info->ulRwSessionCount);
    struct kv_usage usage;
    if (kv_usage(token_kv(), &usage) == OTTER_OK) {
        info->ulTotalPublicMemory = usage.capacity_bytes;
        info->ulFreePublicMemory = usage.capacity_bytes - usage.live_bytes;
    }
    if (config_get_text(token_kv(), CONFIG_THING_NAME, name, sizeof name) != OTTER_OK)
        name[0] = '\0';
    put_text(info->label, sizeof info->label, "otter");
    put_text(info->manufacturerID, sizeof info->manufacturerID, "Otter");
    put_text(info->model, sizeof info->model, board.name);
    put_text(info->serialNumber, sizeof info->serialNumber, name);
    memset(info->utcTime, ' ', sizeof info->utcTime);
    return module_leave(CKR_OK);
}

CK_RV C_WaitForSlotEvent(CK_FLAGS flags, CK_SLOT_ID *slot, void *reserved)
{
    const CK_RV result = module_enter();
    if (result != CKR_OK)
        return result;
    if (slot == NULL || reserved != NULL)
        return module_leave(CKR_ARGUMENTS_BAD);
    /* Whether a device process has the file is not watched. */
    return module_leave((flags & CKF_DONT_BLOCK) != 0 ? CKR_NO_EVENT : CKR_FUNCTION_NOT_SUPPORTED);
}

/* ---- Mechanisms ------------------------------------------------------------------------------ */

#if OTTER_KEYS_P384
#define EC_BITS 384
#else
#define EC_BITS 256
#endif
#define EC_FLAGS (CKF_EC_F_P | CKF_EC_NAMEDCURVE | CKF_EC_UNCOMPRESS)

static const struct {
    CK_MECHANISM_TYPE type;
    CK_MECHANISM_INFO info;
} mechanisms[] = {
    {CKM_EC_KEY_PAIR_GEN, {256, EC_BITS, CKF_GENERATE_KEY_PAIR | EC_FLAGS}},
    {CKM_ECDSA, {256, EC_BITS, CKF_SIGN | CKF_VERIFY | EC_FLAGS}},
    {CKM_ECDSA_SHA256, {256, EC_BITS, CKF_SIGN | CKF_VERIFY | EC_FLAGS}},
#if OTTER_KEYS_RSA2048
    {CKM_RSA_PKCS_KEY_PAIR_GEN, {2048, 2048, CKF_GENERATE_KEY_PAIR}},
    {CKM_RSA_PKCS, {2048, 2048, CKF_SIGN | CKF_VERIFY}},
    {CKM_SHA256_RSA_PKCS, {2048, 2048, CKF_SIGN | CKF_VERIFY}},
#endif
    {CKM_SHA256, {0, 0, CKF_DIGEST}},
};
#define MECHANISMS (sizeof mechanisms / sizeof *mechanisms)

CK_RV C_GetMechanismList(CK_SLOT_ID slot, CK_MECHANISM_TYPE *list, CK_ULONG *count)
{
    CK_RV result = module_enter();
    if (result != CKR_OK)
        return result;
    if (count == NULL || slot != SLOT_ID)
        return module_leave(count == NULL ? CKR_ARGUMENTS_BAD : CKR_SLOT_ID_INVALID);
    if (list != NULL && *count < MECHANISMS)
        result = CKR_BUFFER_TOO_SMALL;
    for (size_t i = 0; list != NULL && result == CKR_OK && i < MECHANISMS; i++)
        list[i] = mechanisms[i].type;
    *count = MECHANISMS;
    return module_leave(result);
}

CK_RV C_GetMechanismInfo(CK_SLOT_ID slot, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO *info)
{
    const CK_RV result = module_enter();
    if (result != CKR_OK)
        return result;
    if (info == NULL || slot != SLOT_ID)
        return module_leave(info == NULL ? CKR_ARGUMENTS_BAD : CKR_SLOT_ID_INVALID);
    for (size_t i = 0; i < MECHANISMS; i++) {
        if (mechanisms[i].type == type) {
            *info = mechanisms[i].info;
            return module_leave(CKR_OK);
        }
    }
    return module_leave(CKR_MECHANISM_INVALID);
}
