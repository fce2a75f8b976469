/* Sessions and the login, which all of an application's sessions share. */
#include <string.h>

#include <mbedtls/md.h>
#include <mbedtls/pkcs5.h>
#include <mbedtls/platform_util.h>

#include "pkcs11/module.h"
#include "port/port.h"

static struct session sessions[SESSIONS_MAX];
static CK_SESSION_HANDLE last_handle; /* a handle is not given twice */
static bool logged_in;

struct session *session_find(CK_SESSION_HANDLE handle)
{
    for (unsigned i = 0; handle != 0 && i < SESSIONS_MAX; i++) {
        if (sessions[i].handle == handle)
            return &sessions[i];
    }
    return NULL;
}

bool session_logged_in(void)
{
    return logged_in;
}

void sessions_count(CK_ULONG *all, CK_ULONG *read_write)
{
    *all = 0;
    *read_write = 0;
    for (unsigned i = 0; i < SESSIONS_MAX; i++) {
        *all += sessions[i].handle != 0;
        *read_write += sessions[i].handle != 0 && (sessions[i].flags & CKF_RW_SESSION) != 0;
    }
}

void operation_end(struct operation *operation)
{
    if (operation->active)
        mbedtls_sha256_free(&operation->hash);
    memset(operation, 0, sizeof *operation);
}

static void close_session(struct session *session)
{
    CK_ULONG left, unused;
    for (int i = 0; i < OPERATIONS; i++)
        operation_end(&session->operations[i]);
    memset(session, 0, sizeof *session);
    sessions_count(&left, &unused);
    if (left == 0)
        logged_in = false;
}

void sessions_close(void)
{
    for (unsigned i = 0; i < SESSIONS_MAX; i++)
        close_session(&sessions[i]);
}

CK_RV session_may_write(const struct session *session)
{
    if ((session->flags & CKF_RW_SESSION) == 0)
        return CKR_SESSION_READ_ONLY;
    return logged_in ? CKR_OK : CKR_USER_NOT_LOGGED_IN;
}

static CK_RV open_session(CK_FLAGS flags, CK_SESSION_HANDLE *handle)
{
    if ((flags & CKF_SERIAL_SESSION) == 0)
        return CKR_SESSION_PARALLEL_NOT_SUPPORTED;
    const CK_RV result = token_open();
    if (result != CKR_OK)
        return result;
    for (unsigned i = 0; i < SESSIONS_MAX; i++) {
        if (sessions[i].handle == 0) {
            sessions[i].handle = *handle = ++last_handle;
            sessions[i].flags = flags & (CKF_RW_SESSION | CKF_SERIAL_SESSION);
            return CKR_OK;
        }
    }
    return CKR_SESSION_COUNT;
}

CK_RV C_OpenSession(CK_SLOT_ID slot, CK_FLAGS flags, void *application, CK_NOTIFY notify,
                    CK_SESSION_HANDLE *handle)
{
    (void)application;
    (void)notify;
    const CK_RV result = module_enter();
    if (result != CKR_OK)
        return result;
    if (handle == NULL || slot != SLOT_ID)
        return module_leave(handle == NULL ? CKR_ARGUMENTS_BAD : CKR_SLOT_ID_INVALID);
    return module_leave(open_session(flags, handle));
}

CK_RV C_CloseSession(CK_SESSION_HANDLE handle)
{
    const CK_RV result = module_enter();
    if (result != CKR_OK)
        return result;
    struct session *session = session_find(handle);
    if (session == NULL)
        return module_leave(CKR_SESSION_HANDLE_INVALID);
    close_session(session);
    return module_leave(CKR_OK);
}

CK_RV C_CloseAllSessions(CK_SLOT_ID slot)
{
    const CK_RV result = module_enter();
    if (result != CKR_OK)
        return result;
    if (slot != SLOT_ID)
        return module_leave(CKR_SLOT_ID_INVALID);
    sessions_close();
    return module_leave(CKR_OK);
}

CK_RV C_GetSessionInfo(CK_SESSION_HANDLE handle, CK_SESSION_INFO *info)
{
    const CK_RV result = module_enter();
    if (result != CKR_OK)
        return result;
    const struct session *session = session_find(handle);
    if (session == NULL || info == NULL)
        return module_leave(session == NULL ? CKR_SESSION_HANDLE_INVALID : CKR_ARGUMENTS_BAD);
    const bool writes = (session->flags & CKF_RW_SESSION) != 0;
    *info = (CK_SESSION_INFO){
        .slotID = SLOT_ID,
        .state = logged_in ? (writes ? CKS_RW_USER_FUNCTIONS : CKS_RO_USER_FUNCTIONS)
                           : (writes ? CKS_RW_PUBLIC_SESSION : CKS_RO_PUBLIC_SESSION),
        .flags = session->flags,
    };
    return module_leave(CKR_OK);
}

/* ---- The PIN --------------------------------------------------------------------------------- */

/* PBKDF2 of it in the store; without one it is that of a new device (README.md). */
#define PIN_KEY        "p11.pin"
#define PIN_NEW        "123456"
#define PIN_ITERATIONS 20000u
#define SALT_SIZE      16u
#define HASH_SIZE      32u

struct pin_record {
    uint8_t salt[SALT_SIZE];
    uint8_t hash[HASH_SIZE];
};

static CK_RV hash_pin(const CK_UTF8CHAR *pin, CK_ULONG length, struct pin_record *record)
{
    mbedtls_md_context_t md;
    mbedtls_md_init(&md);
    int error = mbedtls_md_setup(&md, mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), 1);
    if (error == 0)
        error = mbedtls_pkcs5_pbkdf2_hmac(&md, pin, length, record->salt, SALT_SIZE, PIN_ITERATIONS,
                                          HASH_SIZE, record->hash);
    mbedtls_md_free(&md);
    return error == 0 ? CKR_OK : CKR_FUNCTION_FAILED;
}

static bool is_equal(const uint8_t *a, const uint8_t *b, size_t length)
{
    volatile uint8_t difference = 0;
    for (size_t i = 0; i < length; i++)
        difference |= a[i] ^ b[i];
    return difference == 0;
}

static CK_RV check_pin(const CK_UTF8CHAR *pin, CK_ULONG length)
{
    struct pin_record stored, given;
    uint32_t size;
    if (length < PIN_MIN || length > PIN_MAX)
        return CKR_PIN_INCORRECT;
    const otter_status status = kv_get(token_kv(), PIN_KEY, &stored, sizeof stored, &size);
    if (status == OTTER_E_NOT_FOUND)
        return length == strlen(PIN_NEW) && is_equal(pin, (const uint8_t *)PIN_NEW, strlen(PIN_NEW))
                   ? CKR_OK
                   : CKR_PIN_INCORRECT;
    if (status != OTTER_OK || size != sizeof stored)
        return CKR_DEVICE_ERROR;
    memcpy(given.salt, stored.salt, SALT_SIZE);
    const CK_RV result = hash_pin(pin, length, &given);
    if (result != CKR_OK)
        return result;
    return is_equal(stored.hash, given.hash, HASH_SIZE) ? CKR_OK : CKR_PIN_INCORRECT;
}

static CK_RV log_in(CK_USER_TYPE user, const CK_UTF8CHAR *pin, CK_ULONG length)
{
    if (user != CKU_USER)
        return CKR_USER_TYPE_INVALID;
    if (logged_in)
        return CKR_USER_ALREADY_LOGGED_IN;
    if (pin == NULL)
        return CKR_ARGUMENTS_BAD;
    CK_RV result = token_open();
    if (result == CKR_OK)
        result = check_pin(pin, length);
    logged_in = result == CKR_OK;
    return result;
}

CK_RV C_Login(CK_SESSION_HANDLE handle, CK_USER_TYPE user, CK_UTF8CHAR *pin, CK_ULONG length)
{
    const CK_RV result = module_enter();
    if (result != CKR_OK)
        return result;
    if (session_find(handle) == NULL)
        return module_leave(CKR_SESSION_HANDLE_INVALID);
    return module_leave(log_in(user, pin, length));
}

CK_RV C_Logout(CK_SESSION_HANDLE handle)
{
    const CK_RV result = module_enter();
    if (result != CKR_OK)
        return result;
    if (session_find(handle) == NULL)
        return module_leave(CKR_SESSION_HANDLE_INVALID);
    if (!logged_in)
        return module_leave(CKR_USER_NOT_LOGGED_IN);
    logged_in = false;
    for (unsigned i = 0; i < SESSIONS_MAX; i++) {
        sessions[i].finding = false; /* it may have found private keys */
        operation_end(&sessions[i].operations[OPERATION_SIGN]);
    }
    return module_leave(CKR_OK);
}

static CK_RV set_pin(const CK_UTF8CHAR *old, CK_ULONG old_length, const CK_UTF8CHAR *new,
                     CK_ULONG new_length)
{
    struct pin_record record;
    if (old == NULL || new == NULL)
        return CKR_ARGUMENTS_BAD;
    CK_RV result = token_open();
    if (result == CKR_OK)
        result = check_pin(old, old_length);
    if (result == CKR_OK && (new_length < PIN_MIN || new_length > PIN_MAX))
        result = CKR_PIN_LEN_RANGE;
    if (result == CKR_OK)
        result = module_error(port_random(record.salt, SALT_SIZE));
    if (result == CKR_OK)
        result = hash_pin(new, new_length, &record);
    if (result == CKR_OK)
        result = module_error(kv_set(token_kv(), PIN_KEY, &record, sizeof record));
    return result;
}

CK_RV C_SetPIN(CK_SESSION_HANDLE handle, CK_UTF8CHAR *old, CK_ULONG old_length, CK_UTF8CHAR *new,
               CK_ULONG new_length)
{
    const CK_RV result = module_enter();
    if (result != CKR_OK)
        return result;
    const struct session *session = session_find(handle);
    if (session == NULL || (session->flags & CKF_RW_SESSION) == 0)
        return module_leave(session == NULL ? CKR_SESSION_HANDLE_INVALID : CKR_SESSION_READ_ONLY);
    return module_leave(set_pin(old, old_length, new, new_length));
}
