/* A PKCS#11 module for tests: SoftHSM, which fails as it is told to. */
#include <dlfcn.h>
#include <stddef.h>

#include "tests/unit/pki/shaky_token.h"

struct shaky_token shaky_token;

static CK_FUNCTION_LIST *real, list;

static CK_RV log_in(CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR *pin, CK_ULONG length)
{
    shaky_token.logins++;
    return real->C_Login(session, user, pin, length);
}

static CK_RV open_session(CK_SLOT_ID slot, CK_FLAGS flags, void *application, CK_NOTIFY notify,
                          CK_SESSION_HANDLE *session)
{
    const CK_RV result = real->C_OpenSession(slot, flags, application, notify, session);
    if (result == CKR_OK)
        shaky_token.session = *session;
    return result;
}

static CK_RV find_init(CK_SESSION_HANDLE session, CK_ATTRIBUTE *wanted, CK_ULONG count)
{
    if (session == shaky_token.dead && shaky_token.find_init_error != CKR_OK)
        return shaky_token.find_init_error;
    return real->C_FindObjectsInit(session, wanted, count);
}

static CK_RV find(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE *found, CK_ULONG size,
                  CK_ULONG *count)
{
    if (session == shaky_token.dead && shaky_token.find_error != CKR_OK)
        return shaky_token.find_error;
    return real->C_FindObjects(session, found, size, count);
}

static CK_RV sign(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG length, CK_BYTE *signature,
                  CK_ULONG *size)
{
    if (session == shaky_token.dead && shaky_token.sign_error != CKR_OK)
        return shaky_token.sign_error;
    return real->C_Sign(session, data, length, signature, size);
}

CK_RV C_GetFunctionList(CK_FUNCTION_LIST **functions)
{
    void *library = dlopen("/usr/lib/softhsm/libsofthsm2.so", RTLD_NOW | RTLD_LOCAL);
    CK_C_GetFunctionList get_list =
        library != NULL ? (CK_C_GetFunctionList)dlsym(library, "C_GetFunctionList") : NULL;
    const CK_RV result = get_list != NULL ? get_list(&real) : CKR_GENERAL_ERROR;
    if (result != CKR_OK)
        return result;
    list = *real;
    list.C_Login = log_in;
    list.C_OpenSession = open_session;
    list.C_FindObjectsInit = find_init;
    list.C_FindObjects = find;
    list.C_Sign = sign;
    *functions = &list;
    return CKR_OK;
}
