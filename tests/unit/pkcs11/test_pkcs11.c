/* The Cryptoki face: that it keeps to PKCS #11 v2.40 over a device's flash file, and lives through
 * what no application should hand it. */
#define _GNU_SOURCE /* F_OFD_SETLKW */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <mbedtls/ecdsa.h>
#include <mbedtls/pk.h>

#include "boards/board.h"
#include "boards/map.h"
#include "pkcs11/module.h"

#define PIN ((CK_UTF8CHAR *)"123456")
#define RW  (CKF_SERIAL_SESSION | CKF_RW_SESSION)

static char path[] = "/tmp/otter-pkcs11-XXXXXX";
static CK_SESSION_HANDLE session;
static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
static CK_BYTE p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
static CK_OBJECT_CLASS private_class = CKO_PRIVATE_KEY, public_class = CKO_PUBLIC_KEY,
                       cert_class = CKO_CERTIFICATE;
static CK_KEY_TYPE ec = CKK_EC;
static CK_CERTIFICATE_TYPE x509 = CKC_X_509;

static void blank_flash(void)
{
    static uint8_t blank[65536];
    memset(blank, 0xff, sizeof blank);
    const int file = open(path, O_WRONLY | O_TRUNC);
    assert_true(file >= 0);
    for (size_t left = BOARD_FILE_SIZE; left > 0;) {
        const size_t part = left < sizeof blank ? left : sizeof blank;
        assert_int_equal(write(file, blank, part), part);
        left -= part;
    }
    close(file);
}

static CK_SESSION_HANDLE opened(CK_FLAGS flags)
{
    CK_SESSION_HANDLE handle = 0;
    assert_int_equal(C_OpenSession(0, flags, NULL, NULL, &handle), CKR_OK);
    assert_int_not_equal(handle, CK_INVALID_HANDLE);
    return handle;
}

static int set_up(void **state)
{
    (void)state;
    setenv("OTTER_PKCS11_FLASH", path, 1);
    blank_flash();
    assert_int_equal(C_Initialize(NULL), CKR_OK);
    session = opened(RW);
    assert_int_equal(C_Login(session, CKU_USER, PIN, 6), CKR_OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    return C_Finalize(NULL) != CKR_OK;
}

static int make_file(void **state)
{
    (void)state;
    const int file = mkstemp(path);
    return file < 0 || close(file) != 0;
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

static CK_RV generate(const char *label, CK_OBJECT_HANDLE *public, CK_OBJECT_HANDLE *private)
{
    CK_MECHANISM mechanism = {CKM_EC_KEY_PAIR_GEN, NULL, 0};
    CK_ATTRIBUTE public_half[] = {{CKA_EC_PARAMS, p256, sizeof p256},
                                  {CKA_TOKEN, &yes, sizeof yes},
                                  {CKA_LABEL, (void *)label, strlen(label)}};
    CK_ATTRIBUTE private_half[] = {{CKA_TOKEN, &yes, sizeof yes},
                                   {CKA_SENSITIVE, &yes, sizeof yes},
                                   {CKA_EXTRACTABLE, &no, sizeof no},
                                   {CKA_LABEL, (void *)label, strlen(label)}};
    return C_GenerateKeyPair(session, &mechanism, public_half, 3, private_half, 4, public, private);
}

static CK_ULONG find(CK_SESSION_HANDLE in, CK_OBJECT_CLASS *class, const char *label,
                     CK_OBJECT_HANDLE *found)
{
    CK_ATTRIBUTE wanted[] = {{CKA_CLASS, class, sizeof *class},
                             {CKA_LABEL, (void *)label, strlen(label)}};
    CK_OBJECT_HANDLE handles[4];
    CK_ULONG count = 0;
    assert_int_equal(C_FindObjectsInit(in, wanted, 2), CKR_OK);
    assert_int_equal(C_FindObjects(in, handles, 4, &count), CKR_OK);
    assert_int_equal(C_FindObjectsFinal(in), CKR_OK);
    if (count > 0)
        *found = handles[0];
    return count;
}

/* ---- The module ------------------------------------------------------------------------------ */

static void the_list_has_every_function(void **state)
{
    (void)state;
    CK_FUNCTION_LIST *list = NULL;
    assert_int_equal(C_GetFunctionList(NULL), CKR_ARGUMENTS_BAD);
    assert_int_equal(C_GetFunctionList(&list), CKR_OK);
    assert_int_equal(list->version.major, 2);
    assert_int_equal(list->version.minor, 40);
    for (size_t at = offsetof(CK_FUNCTION_LIST, C_Initialize); at < sizeof *list;
         at += sizeof(void *)) {
        void *function;
        memcpy(&function, (uint8_t *)list + at, sizeof function);
        assert_non_null(function);
    }
}

static CK_RV no_mutex(void *mutex)
{
    (void)mutex;
    return CKR_OK;
}

static CK_RV no_new_mutex(void **mutex)
{
    (void)mutex;
    return CKR_OK;
}

static void it_is_initialized_once_and_says_when_it_is_not(void **state)
{
    (void)state;
    CK_C_INITIALIZE_ARGS some = {.LockMutex = no_mutex};
    CK_C_INITIALIZE_ARGS own = {no_new_mutex, no_mutex, no_mutex, no_mutex, 0, NULL};
    CK_SESSION_INFO info;
    assert_int_equal(C_Initialize(NULL), CKR_CRYPTOKI_ALREADY_INITIALIZED);
    assert_int_equal(C_Finalize(&info), CKR_ARGUMENTS_BAD);
    assert_int_equal(C_Finalize(NULL), CKR_OK);
    assert_int_equal(C_Finalize(NULL), CKR_CRYPTOKI_NOT_INITIALIZED);
    assert_int_equal(C_GetSessionInfo(session, &info), CKR_CRYPTOKI_NOT_INITIALIZED);
    assert_int_equal(C_Initialize(&some), CKR_ARGUMENTS_BAD);
    assert_int_equal(C_Initialize(&own), CKR_CANT_LOCK);
    own.flags = CKF_OS_LOCKING_OK;
    assert_int_equal(C_Initialize(&own), CKR_OK);
    assert_int_equal(C_GetSessionInfo(session, &info), CKR_SESSION_HANDLE_INVALID);
}

static void a_child_process_has_to_initialize_itself(void **state)
{
    (void)state;
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        CK_SESSION_INFO info;
        bool good = C_GetSessionInfo(session, &info) == CKR_CRYPTOKI_NOT_INITIALIZED;
        good = good && C_Initialize(NULL) == CKR_OK &&
               C_GetSessionInfo(session, &info) == CKR_SESSION_HANDLE_INVALID;
        _exit(good ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void *ask_all_the_time(void *end)
{
    CK_TOKEN_INFO info;
    while (!__atomic_load_n((bool *)end, __ATOMIC_RELAXED))
        (void)C_GetTokenInfo(0, &info);
    return NULL;
}

/* Another thread is nearly always in a call, and so has the module's lock and that of the file. */
static void a_child_that_is_forked_during_a_call_can_work_and_so_can_its_parent(void **state)
{
    (void)state;
    bool end = false;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, ask_all_the_time, &end), 0);
    for (int i = 0; i < 8; i++) {
        int status, alive[2];
        assert_int_equal(pipe(alive), 0);
        const pid_t child = fork();
        if (child == 0) {
            CK_ULONG count = 0;
            char byte;
            alarm(20);
            close(alive[1]);
            const bool works = C_Initialize(NULL) == CKR_OK &&
                               C_GetSlotList(CK_TRUE, NULL, &count) == CKR_OK && count == 1;
            _exit(works && read(alive[0], &byte, 1) == 1 ? 0 : 1);
        }
        CK_ULONG count = 0;
        assert_int_equal(C_GetSlotList(CK_TRUE, NULL, &count), CKR_OK);
        assert_int_equal(count, 1);
        assert_int_equal(write(alive[1], "", 1), 1);
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        close(alive[0]);
        close(alive[1]);
    }
    __atomic_store_n(&end, true, __ATOMIC_RELAXED);
    pthread_join(thread, NULL);
}

static void a_file_that_a_device_has_or_that_is_none_is_no_token(void **state)
{
    (void)state;
    CK_SLOT_ID slot;
    CK_ULONG count = 1;
    CK_SLOT_INFO info;
    CK_OBJECT_HANDLE public, private;
    const int file = open(path, O_RDWR);
    assert_int_equal(C_GetSlotList(CK_TRUE, &slot, &count), CKR_OK);
    assert_int_equal(count, 1);
    assert_int_equal(flock(file, LOCK_EX), 0);
    assert_int_equal(C_GetSlotList(CK_TRUE, &slot, &count), CKR_OK);
    assert_int_equal(count, 0);
    count = 1;
    assert_int_equal(C_GetSlotList(CK_FALSE, &slot, &count), CKR_OK);
    assert_int_equal(count, 1);
    assert_int_equal(C_GetSlotInfo(0, &info), CKR_OK);
    assert_int_equal(info.flags & CKF_TOKEN_PRESENT, 0);
    assert_int_equal(generate("a", &public, &private), CKR_TOKEN_NOT_PRESENT);
    close(file);
    assert_int_equal(C_GetSlotInfo(0, &info), CKR_OK);
    assert_int_not_equal(info.flags & CKF_TOKEN_PRESENT, 0);
    assert_int_equal(truncate(path, 4096), 0);
    assert_int_equal(generate("a", &public, &private), CKR_TOKEN_NOT_PRESENT);
    setenv("OTTER_PKCS11_FLASH", "", 1);
    assert_int_equal(generate("a", &public, &private), CKR_TOKEN_NOT_PRESENT);
}

/* However long that takes: a key of RSA, with others that wait before. */
static void a_call_waits_for_that_of_another_program(void **state)
{
    (void)state;
    CK_ULONG count = 0;
    int status, ready[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    const pid_t other = fork();
    if (other == 0) {
        struct flock turn = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
        const int file = open(path, O_RDWR);
        const bool has_it = fcntl(file, F_OFD_SETLKW, &turn) == 0 && flock(file, LOCK_EX) == 0 &&
                            write(ready[1], "", 1) == 1;
        usleep(1500000);
        _exit(!has_it);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(C_GetSlotList(CK_TRUE, NULL, &count), CKR_OK);
    assert_int_equal(count, 1);
    assert_int_equal(waitpid(other, &status, 0), other);
    assert_int_equal(status, 0);
    close(ready[0]);
    close(ready[1]);
}

/* ---- Sessions and the PIN -------------------------------------------------------------------- */

static void all_sessions_share_the_login_until_the_last_one_closes(void **state)
{
    (void)state;
    CK_SESSION_INFO info;
    const CK_SESSION_HANDLE reader = opened(CKF_SERIAL_SESSION);
    assert_int_equal(C_GetSessionInfo(reader, &info), CKR_OK);
    assert_int_equal(info.state, CKS_RO_USER_FUNCTIONS);
    assert_int_equal(C_Login(reader, CKU_USER, PIN, 6), CKR_USER_ALREADY_LOGGED_IN);
    assert_int_equal(C_Logout(reader), CKR_OK);
    assert_int_equal(C_GetSessionInfo(session, &info), CKR_OK);
    assert_int_equal(info.state, CKS_RW_PUBLIC_SESSION);
    assert_int_equal(C_Logout(session), CKR_USER_NOT_LOGGED_IN);
    assert_int_equal(C_Login(session, CKU_USER, PIN, 6), CKR_OK);
    assert_int_equal(C_CloseSession(session), CKR_OK);
    assert_int_equal(C_CloseSession(session), CKR_SESSION_HANDLE_INVALID);
    assert_int_equal(C_GetSessionInfo(reader, &info), CKR_OK);
    assert_int_equal(info.state, CKS_RO_USER_FUNCTIONS);
    assert_int_equal(C_CloseAllSessions(0), CKR_OK);
    session = opened(RW);
    assert_int_equal(C_GetSessionInfo(session, &info), CKR_OK);
    assert_int_equal(info.state, CKS_RW_PUBLIC_SESSION);
}

static void there_are_as_many_sessions_as_the_token_says(void **state)
{
    (void)state;
    CK_SESSION_HANDLE handle;
    CK_TOKEN_INFO info;
    assert_int_equal(C_GetTokenInfo(0, &info), CKR_OK);
    for (CK_ULONG i = 1; i < info.ulMaxSessionCount; i++)
        opened(CKF_SERIAL_SESSION);
    assert_int_equal(C_OpenSession(0, RW, NULL, NULL, &handle), CKR_SESSION_COUNT);
    assert_int_equal(C_GetTokenInfo(0, &info), CKR_OK);
    assert_int_equal(info.ulSessionCount, info.ulMaxSessionCount);
    assert_int_equal(info.ulRwSessionCount, 1);
    assert_int_equal(C_OpenSession(0, CKF_RW_SESSION, NULL, NULL, &handle),
                     CKR_SESSION_PARALLEL_NOT_SUPPORTED);
    assert_int_equal(C_OpenSession(1, RW, NULL, NULL, &handle), CKR_SLOT_ID_INVALID);
}

static void a_wrong_pin_is_refused_and_a_changed_one_stays(void **state)
{
    (void)state;
    CK_UTF8CHAR *const new = (CK_UTF8CHAR *)"a longer one";
    assert_int_equal(C_SetPIN(session, (CK_UTF8CHAR *)"123457", 6, new, 12), CKR_PIN_INCORRECT);
    assert_int_equal(C_SetPIN(session, PIN, 6, new, 3), CKR_PIN_LEN_RANGE);
    assert_int_equal(C_SetPIN(session, PIN, 6, new, 12), CKR_OK);
    assert_int_equal(C_Finalize(NULL), CKR_OK);
    assert_int_equal(C_Initialize(NULL), CKR_OK);
    session = opened(RW);
    assert_int_equal(C_Login(session, CKU_USER, PIN, 6), CKR_PIN_INCORRECT);
    assert_int_equal(C_Login(session, CKU_USER, NULL, 6), CKR_ARGUMENTS_BAD);
    assert_int_equal(C_Login(session, CKU_USER, new, 0), CKR_PIN_INCORRECT);
    assert_int_equal(C_Login(session, CKU_SO, new, 12), CKR_USER_TYPE_INVALID);
    assert_int_equal(C_Login(session, CKU_USER, new, 12), CKR_OK);
}

static void who_is_not_logged_in_changes_nothing_and_sees_no_private_key(void **state)
{
    (void)state;
    CK_OBJECT_HANDLE public, private, other;
    CK_MECHANISM ecdsa = {CKM_ECDSA, NULL, 0};
    assert_int_equal(generate("a", &public, &private), CKR_OK);
    assert_int_equal(C_Logout(session), CKR_OK);
    assert_int_equal(find(session, &private_class, "a", &other), 0);
    assert_int_equal(find(session, &public_class, "a", &other), 1);
    assert_int_equal(other, public);
    assert_int_equal(C_SignInit(session, &ecdsa, private), CKR_KEY_HANDLE_INVALID);
    assert_int_equal(C_DestroyObject(session, private), CKR_USER_NOT_LOGGED_IN);
    assert_int_equal(generate("b", &public, &private), CKR_USER_NOT_LOGGED_IN);
    const CK_SESSION_HANDLE reader = opened(CKF_SERIAL_SESSION);
    assert_int_equal(C_Login(session, CKU_USER, PIN, 6), CKR_OK);
    assert_int_equal(C_DestroyObject(reader, private), CKR_SESSION_READ_ONLY);
}

/* ---- Objects --------------------------------------------------------------------------------- */

static void no_byte_of_a_private_key_comes_out(void **state)
{
    (void)state;
    CK_OBJECT_HANDLE public, private;
    CK_BYTE value[64];
    CK_BBOOL sensitive = 2, extractable = 2;
    memset(value, 0x5a, sizeof value);
    CK_ATTRIBUTE wanted[] = {{CKA_VALUE, value, sizeof value},
                             {CKA_SENSITIVE, &sensitive, sizeof sensitive},
                             {CKA_EXTRACTABLE, &extractable, sizeof extractable}};
    assert_int_equal(generate(PKI_TLS_KEY_PRIV, &public, &private), CKR_OK);
    assert_int_equal(C_GetAttributeValue(session, private, wanted, 3), CKR_ATTRIBUTE_SENSITIVE);
    assert_int_equal(wanted[0].ulValueLen, CK_UNAVAILABLE_INFORMATION);
    for (size_t i = 0; i < sizeof value; i++)
        assert_int_equal(value[i], 0x5a);
    assert_int_equal(sensitive, CK_TRUE);
    assert_int_equal(extractable, CK_FALSE);
}

static void attributes_say_their_lengths_and_each_its_own_error(void **state)
{
    (void)state;
    CK_OBJECT_HANDLE public, private;
    CK_BYTE id[20], label[2];
    CK_ATTRIBUTE wanted[] = {{CKA_ID, NULL, 0},
                             {CKA_MODULUS, NULL, 0},
                             {CKA_LABEL, label, sizeof label},
                             {CKA_EC_PARAMS, NULL, 0}};
    assert_int_equal(generate("lamp", &public, &private), CKR_OK);
    const CK_RV result = C_GetAttributeValue(session, public, wanted, 4);
    assert_true(result == CKR_ATTRIBUTE_TYPE_INVALID || result == CKR_BUFFER_TOO_SMALL);
    assert_int_equal(wanted[0].ulValueLen, sizeof id);
    assert_int_equal(wanted[1].ulValueLen, CK_UNAVAILABLE_INFORMATION);
    assert_int_equal(wanted[2].ulValueLen, CK_UNAVAILABLE_INFORMATION);
    assert_int_equal(wanted[3].ulValueLen, sizeof p256);
    CK_ATTRIBUTE same = {CKA_ID, id, sizeof id};
    assert_int_equal(C_GetAttributeValue(session, private, &same, 1), CKR_OK);
    CK_ATTRIBUTE changed = {CKA_ID, "key 1", 5}, label_now = {CKA_LABEL, "torch", 5};
    assert_int_equal(C_SetAttributeValue(session, private, &changed, 1), CKR_OK);
    assert_int_equal(C_SetAttributeValue(session, private, &label_now, 1), CKR_ATTRIBUTE_READ_ONLY);
    same.ulValueLen = sizeof id;
    assert_int_equal(C_GetAttributeValue(session, private, &same, 1), CKR_OK);
    assert_int_equal(same.ulValueLen, 5);
    assert_memory_equal(id, "key 1", 5);
}

static void handles_stay_the_same_and_are_never_given_again(void **state)
{
    (void)state;
    CK_OBJECT_HANDLE public, private, found, other_public, other_private;
    assert_int_equal(generate("a", &public, &private), CKR_OK);
    assert_int_equal(generate("b", &other_public, &other_private), CKR_OK);
    const CK_SESSION_HANDLE second = opened(CKF_SERIAL_SESSION);
    assert_int_equal(find(second, &private_class, "a", &found), 1);
    assert_int_equal(found, private);
    assert_int_equal(C_DestroyObject(session, private), CKR_OK);
    assert_int_equal(find(second, &private_class, "a", &found), 0);
    assert_int_equal(find(second, &public_class, "a", &found), 0);
    assert_int_equal(C_DestroyObject(session, private), CKR_OBJECT_HANDLE_INVALID);
    assert_int_equal(generate("a", &public, &found), CKR_OK);
    assert_int_not_equal(found, private);
    assert_int_equal(find(second, &private_class, "b", &found), 1);
    assert_int_equal(found, other_private);
}

/* Its own is the same for both halves: the key's hash. */
static void a_new_key_has_no_id_of_one_that_has_gone(void **state)
{
    (void)state;
    static const char *const labels[] = {PKI_TLS_KEY_PRIV, "lamp"};
    for (int i = 0; i < 2; i++) {
        CK_OBJECT_HANDLE public, private;
        uint8_t name[] = {7}, ids[2][ID_MAX];
        assert_int_equal(generate(labels[i], &public, &private), CKR_OK);
        CK_ATTRIBUTE id = {CKA_ID, name, sizeof name};
        assert_int_equal(C_SetAttributeValue(session, public, &id, 1), CKR_OK);
        assert_int_equal(C_SetAttributeValue(session, private, &id, 1), CKR_OK);
        assert_int_equal(C_DestroyObject(session, private), CKR_OK);
        assert_int_equal(generate(labels[i], &public, &private), CKR_OK);
        CK_ATTRIBUTE of_public = {CKA_ID, ids[0], ID_MAX}, of_private = {CKA_ID, ids[1], ID_MAX};
        assert_int_equal(C_GetAttributeValue(session, public, &of_public, 1), CKR_OK);
        assert_int_equal(C_GetAttributeValue(session, private, &of_private, 1), CKR_OK);
        assert_int_equal(of_public.ulValueLen, 20);
        assert_int_equal(of_private.ulValueLen, 20);
        assert_memory_equal(ids[0], ids[1], 20);
    }
}

static void a_label_takes_one_object_of_a_kind(void **state)
{
    (void)state;
    CK_OBJECT_HANDLE public, private;
    assert_int_equal(generate("lamp", &public, &private), CKR_OK);
    assert_int_equal(generate("lamp", &public, &private), CKR_ATTRIBUTE_VALUE_INVALID);
    assert_int_equal(generate("", &public, &private), CKR_ATTRIBUTE_VALUE_INVALID);
    assert_int_equal(generate("a b", &public, &private), CKR_ATTRIBUTE_VALUE_INVALID);
    assert_int_equal(generate("abcdefghijklmnopqrstuvwxyz01", &public, &private),
                     CKR_ATTRIBUTE_VALUE_INVALID);
    assert_int_equal(generate("abcdefghijklmnopqrstuvwxyz0", &public, &private), CKR_OK);
}

/* A certificate that the device made for the key, written under the key's own label. */
static void a_certificate_may_have_its_keys_label(void **state)
{
    (void)state;
    CK_OBJECT_HANDLE public, private, cert, found;
    uint8_t der[PKI_DER_MAX], key_id[20], cert_id[20];
    size_t length;
    assert_int_equal(generate(PKI_TLS_KEY_PRIV, &public, &private), CKR_OK);
    assert_int_equal(module_enter(), CKR_OK);
    assert_int_equal(token_open(), CKR_OK);
    assert_int_equal(pki_generate_cert(token_pki(), PKI_TLS_KEY_PRIV, "lamp"), OTTER_OK);
    assert_int_equal(pki_load(token_pki(), PKI_TLS_CERT, der, sizeof der, &length), OTTER_OK);
    module_leave(CKR_OK);
    CK_ATTRIBUTE wanted[] = {{CKA_CLASS, &cert_class, sizeof cert_class},
                             {CKA_CERTIFICATE_TYPE, &x509, sizeof x509},
                             {CKA_TOKEN, &yes, sizeof yes},
                             {CKA_LABEL, PKI_TLS_KEY_PRIV, strlen(PKI_TLS_KEY_PRIV)},
                             {CKA_VALUE, der, length}};
    assert_int_equal(C_CreateObject(session, wanted, 5, &cert), CKR_OK);
    assert_int_equal(find(session, &cert_class, PKI_TLS_KEY_PRIV, &found), 1);
    assert_int_equal(found, cert);
    assert_int_equal(find(session, &private_class, PKI_TLS_KEY_PRIV, &found), 1);
    assert_int_equal(found, private);
    CK_ATTRIBUTE id = {CKA_ID, key_id, sizeof key_id};
    assert_int_equal(C_GetAttributeValue(session, private, &id, 1), CKR_OK);
    id.pValue = cert_id;
    assert_int_equal(C_GetAttributeValue(session, cert, &id, 1), CKR_OK);
    assert_memory_equal(key_id, cert_id, sizeof key_id);
    wanted[4].ulValueLen--;
    wanted[3] = (CK_ATTRIBUTE){CKA_LABEL, "torn", 4};
    assert_int_equal(C_CreateObject(session, wanted, 5, &cert), CKR_ATTRIBUTE_VALUE_INVALID);
}

static void a_key_made_elsewhere_is_taken_and_its_public_half_shown(void **state)
{
    (void)state;
    CK_OBJECT_HANDLE key, public;
    uint8_t number[32] = {[31] = 1}, point[67];
    CK_ATTRIBUTE wanted[] = {{CKA_CLASS, &private_class, sizeof private_class},
                             {CKA_KEY_TYPE, &ec, sizeof ec},
                             {CKA_EC_PARAMS, p256, sizeof p256},
                             {CKA_VALUE, number, sizeof number},
                             {CKA_TOKEN, &yes, sizeof yes},
                             {CKA_LABEL, "one", 3}};
    const uint8_t generator[] = {4, 65, 4, 0x6b, 0x17, 0xd1, 0xf2}; /* of P-256, where x begins */
    assert_int_equal(C_CreateObject(session, wanted, 6, &key), CKR_OK);
    assert_int_equal(find(session, &public_class, "one", &public), 1);
    CK_ATTRIBUTE shown = {CKA_EC_POINT, point, sizeof point};
    assert_int_equal(C_GetAttributeValue(session, public, &shown, 1), CKR_OK);
    assert_memory_equal(point, generator, sizeof generator);
    assert_int_equal(C_DestroyObject(session, public), CKR_ACTION_PROHIBITED);
    number[31] = 0;
    wanted[5] = (CK_ATTRIBUTE){CKA_LABEL, "zero", 4};
    assert_int_equal(C_CreateObject(session, wanted, 6, &key), CKR_ATTRIBUTE_VALUE_INVALID);
    wanted[4].pValue = &no;
    assert_int_equal(C_CreateObject(session, wanted, 6, &key), CKR_ATTRIBUTE_VALUE_INVALID);
    assert_int_equal(C_CreateObject(session, wanted, 3, &key), CKR_TEMPLATE_INCOMPLETE);
    wanted[4] = (CK_ATTRIBUTE){CKA_EXTRACTABLE, &yes, sizeof yes};
    wanted[5] = (CK_ATTRIBUTE){CKA_TOKEN, &yes, sizeof yes};
    assert_int_equal(C_CreateObject(session, wanted, 6, &key), CKR_TEMPLATE_INCONSISTENT);
}

/* ---- Signatures ------------------------------------------------------------------------------ */

static void signatures_are_r_and_s_and_verify(void **state)
{
    (void)state;
    CK_OBJECT_HANDLE public, private;
    CK_MECHANISM raw = {CKM_ECDSA, NULL, 0}, hashed = {CKM_ECDSA_SHA256, NULL, 0},
                 sha256 = {CKM_SHA256, NULL, 0};
    CK_BYTE digest[32], signature[64], small[63];
    CK_BYTE text[] = "what is signed";
    CK_ULONG size = sizeof digest;
    assert_int_equal(generate("lamp", &public, &private), CKR_OK);
    assert_int_equal(C_DigestInit(session, &sha256), CKR_OK);
    assert_int_equal(C_Digest(session, text, sizeof text, digest, &size), CKR_OK);
    assert_int_equal(C_SignInit(session, &hashed, private), CKR_OK);
    assert_int_equal(C_SignInit(session, &hashed, private), CKR_OPERATION_ACTIVE);
    assert_int_equal(C_Sign(session, text, sizeof text, NULL, &size), CKR_OK);
    assert_int_equal(size, 64);
    size = sizeof small;
    assert_int_equal(C_Sign(session, text, sizeof text, small, &size), CKR_BUFFER_TOO_SMALL);
    assert_int_equal(size, 64);
    assert_int_equal(C_Sign(session, text, sizeof text, signature, &size), CKR_OK);
    assert_int_equal(C_Sign(session, text, sizeof text, signature, &size),
                     CKR_OPERATION_NOT_INITIALIZED);
    /* Over the digest itself, and part by part, it is the same signature. */
    assert_int_equal(C_VerifyInit(session, &raw, public), CKR_OK);
    assert_int_equal(C_Verify(session, digest, sizeof digest, signature, 64), CKR_OK);
    assert_int_equal(C_VerifyInit(session, &hashed, public), CKR_OK);
    assert_int_equal(C_VerifyUpdate(session, text, 5), CKR_OK);
    assert_int_equal(C_VerifyUpdate(session, text + 5, sizeof text - 5), CKR_OK);
    assert_int_equal(C_VerifyFinal(session, signature, 64), CKR_OK);
    assert_int_equal(C_SignInit(session, &hashed, private), CKR_OK);
    assert_int_equal(C_SignUpdate(session, text, sizeof text), CKR_OK);
    assert_int_equal(C_SignFinal(session, signature, &size), CKR_OK);
    assert_int_equal(C_VerifyInit(session, &raw, public), CKR_OK);
    assert_int_equal(C_Verify(session, digest, sizeof digest, signature, 64), CKR_OK);
    signature[40] ^= 1;
    assert_int_equal(C_VerifyInit(session, &raw, public), CKR_OK);
    assert_int_equal(C_Verify(session, digest, sizeof digest, signature, 64),
                     CKR_SIGNATURE_INVALID);
    assert_int_equal(C_VerifyInit(session, &raw, public), CKR_OK);
    assert_int_equal(C_Verify(session, digest, sizeof digest, signature, 63),
                     CKR_SIGNATURE_LEN_RANGE);
}

/* SHA-1's is shorter than the curve's numbers, SHA-512's longer. */
static void digests_of_any_length_are_signed_as_ecdsa_says(void **state)
{
    (void)state;
    CK_OBJECT_HANDLE public, private;
    CK_MECHANISM raw = {CKM_ECDSA, NULL, 0};
    CK_BYTE digest[64], signature[64], point[67];
    CK_ATTRIBUTE wanted = {CKA_EC_POINT, point, sizeof point};
    assert_int_equal(generate("lamp", &public, &private), CKR_OK);
    assert_int_equal(C_GetAttributeValue(session, public, &wanted, 1), CKR_OK);
    assert_int_equal(C_GenerateRandom(session, digest, sizeof digest), CKR_OK);
    for (CK_ULONG length = 1; length <= sizeof digest; length++) {
        CK_ULONG size = sizeof signature;
        mbedtls_ecp_group curve;
        mbedtls_ecp_point key;
        mbedtls_mpi r, s;
        mbedtls_ecp_group_init(&curve);
        mbedtls_ecp_point_init(&key);
        mbedtls_mpi_init(&r);
        mbedtls_mpi_init(&s);
        assert_int_equal(C_SignInit(session, &raw, private), CKR_OK);
        assert_int_equal(C_Sign(session, digest, length, signature, &size), CKR_OK);
        assert_int_equal(mbedtls_ecp_group_load(&curve, MBEDTLS_ECP_DP_SECP256R1), 0);
        assert_int_equal(mbedtls_ecp_point_read_binary(&curve, &key, point + 2, 65), 0);
        assert_int_equal(mbedtls_mpi_read_binary(&r, signature, 32), 0);
        assert_int_equal(mbedtls_mpi_read_binary(&s, signature + 32, 32), 0);
        assert_int_equal(mbedtls_ecdsa_verify(&curve, digest, length, &key, &r, &s), 0);
        mbedtls_mpi_free(&r);
        mbedtls_mpi_free(&s);
        mbedtls_ecp_point_free(&key);
        mbedtls_ecp_group_free(&curve);
    }
}

/* Of the kinds that this build has besides P-256. */
static void keys_of_other_kinds_sign_too(void **state)
{
    (void)state;
    static CK_BYTE p384[] = {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22}, exponent[] = {1, 0, 1};
    static CK_ULONG bits = 2048;
    static const struct {
        CK_MECHANISM_TYPE make, hashed;
        CK_ATTRIBUTE wanted[2];
        CK_ULONG count, size;
        const char *label;
    } kinds[] = {
        {CKM_EC_KEY_PAIR_GEN,
         CKM_ECDSA_SHA256,
         {{CKA_EC_PARAMS, p384, sizeof p384}},
         1,
         96,
         "p384"},
        {CKM_RSA_PKCS_KEY_PAIR_GEN,
         CKM_SHA256_RSA_PKCS,
         {{CKA_MODULUS_BITS, &bits, sizeof bits}, {CKA_PUBLIC_EXPONENT, exponent, sizeof exponent}},
         2,
         256,
         "rsa"},
    };
    for (size_t i = 0; i < 2; i++) {
        CK_MECHANISM make = {kinds[i].make, NULL, 0}, hashed = {kinds[i].hashed, NULL, 0};
        CK_ATTRIBUTE public_half[2],
            private_half[] = {{CKA_TOKEN, &yes, sizeof yes},
                              {CKA_LABEL, (void *)kinds[i].label, strlen(kinds[i].label)}};
        CK_OBJECT_HANDLE public, private;
        CK_BYTE signature[256], text[] = "what is signed";
        CK_ULONG size = sizeof signature;
        memcpy(public_half, kinds[i].wanted, sizeof public_half);
        assert_int_equal(C_GenerateKeyPair(session, &make, public_half, kinds[i].count,
                                           private_half, 2, &public, &private),
                         CKR_OK);
        assert_int_equal(C_SignInit(session, &hashed, private), CKR_OK);
        assert_int_equal(C_Sign(session, text, sizeof text, signature, &size), CKR_OK);
        assert_int_equal(size, kinds[i].size);
        assert_int_equal(C_VerifyInit(session, &hashed, public), CKR_OK);
        assert_int_equal(C_Verify(session, text, sizeof text, signature, size), CKR_OK);
        signature[size - 1] ^= 1;
        assert_int_equal(C_VerifyInit(session, &hashed, public), CKR_OK);
        assert_int_equal(C_Verify(session, text, sizeof text, signature, size),
                         CKR_SIGNATURE_INVALID);
        hashed.mechanism = kinds[1 - i].hashed;
        assert_int_equal(C_SignInit(session, &hashed, private), CKR_KEY_TYPE_INCONSISTENT);
        CK_ATTRIBUTE secret = {i == 0 ? CKA_VALUE : CKA_PRIVATE_EXPONENT, NULL, 0};
        assert_int_equal(C_GetAttributeValue(session, private, &secret, 1),
                         CKR_ATTRIBUTE_SENSITIVE);
    }
    bits = 1024;
    CK_MECHANISM make = {CKM_RSA_PKCS_KEY_PAIR_GEN, NULL, 0};
    CK_ATTRIBUTE weak = {CKA_MODULUS_BITS, &bits, sizeof bits},
                 label[] = {{CKA_LABEL, "weak", 4}, {CKA_TOKEN, &yes, sizeof yes}};
    CK_OBJECT_HANDLE public, private;
    assert_int_equal(C_GenerateKeyPair(session, &make, &weak, 1, label, 2, &public, &private),
                     CKR_KEY_SIZE_RANGE);
}

/* OpenSSL hands a DigestInfo, others any text; both are padded and signed as they are. */
static void rsa_signs_what_it_is_handed_if_there_is_room_for_padding(void **state)
{
    (void)state;
    static CK_ULONG bits = 2048;
    CK_MECHANISM make = {CKM_RSA_PKCS_KEY_PAIR_GEN, NULL, 0}, raw = {CKM_RSA_PKCS, NULL, 0},
                 hashed = {CKM_SHA256_RSA_PKCS, NULL, 0}, sha256 = {CKM_SHA256, NULL, 0};
    CK_ATTRIBUTE public_half = {CKA_MODULUS_BITS, &bits, sizeof bits},
                 private_half[] = {{CKA_LABEL, "rsa", 3}, {CKA_TOKEN, &yes, sizeof yes}};
    CK_OBJECT_HANDLE public, private;
    CK_BYTE info[19 + 32] = {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                             0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20};
    CK_BYTE signature[256], text[246] = "what is signed";
    CK_ULONG size = 32;
    assert_int_equal(
        C_GenerateKeyPair(session, &make, &public_half, 1, private_half, 2, &public, &private),
        CKR_OK);
    assert_int_equal(C_DigestInit(session, &sha256), CKR_OK);
    assert_int_equal(C_Digest(session, text, sizeof text, info + 19, &size), CKR_OK);
    size = sizeof signature;
    assert_int_equal(C_SignInit(session, &raw, private), CKR_OK);
    assert_int_equal(C_Sign(session, info, sizeof info, signature, &size), CKR_OK);
    assert_int_equal(C_VerifyInit(session, &hashed, public), CKR_OK);
    assert_int_equal(C_Verify(session, text, sizeof text, signature, size), CKR_OK);
    for (CK_ULONG length = 32; length <= 245; length += 71) {
        assert_int_equal(C_SignInit(session, &raw, private), CKR_OK);
        assert_int_equal(C_Sign(session, text, length, signature, &size), CKR_OK);
        assert_int_equal(C_VerifyInit(session, &raw, public), CKR_OK);
        assert_int_equal(C_Verify(session, text, length, signature, size), CKR_OK);
        assert_int_equal(C_VerifyInit(session, &raw, public), CKR_OK);
        assert_int_equal(C_Verify(session, text, length - 1, signature, size),
                         CKR_SIGNATURE_INVALID);
    }
    assert_int_equal(C_SignInit(session, &raw, private), CKR_OK);
    assert_int_equal(C_Sign(session, text, 246, signature, &size), CKR_DATA_LEN_RANGE);
}

static void wrong_keys_and_mechanisms_are_told_apart(void **state)
{
    (void)state;
    CK_OBJECT_HANDLE public, private;
    CK_MECHANISM raw = {CKM_ECDSA, NULL, 0}, rsa = {CKM_RSA_X_509, NULL, 0},
                 with = {CKM_ECDSA, &raw, sizeof raw}, sha1 = {CKM_SHA_1, NULL, 0};
    CK_MECHANISM_INFO info;
    assert_int_equal(generate("lamp", &public, &private), CKR_OK);
    assert_int_equal(C_SignInit(session, &rsa, private), CKR_MECHANISM_INVALID);
    assert_int_equal(C_SignInit(session, &with, private), CKR_MECHANISM_PARAM_INVALID);
    assert_int_equal(C_SignInit(session, &raw, public), CKR_KEY_TYPE_INCONSISTENT);
    assert_int_equal(C_VerifyInit(session, &raw, private), CKR_KEY_TYPE_INCONSISTENT);
    assert_int_equal(C_SignInit(session, &raw, 9999), CKR_KEY_HANDLE_INVALID);
    assert_int_equal(C_DigestInit(session, &sha1), CKR_MECHANISM_INVALID);
    assert_int_equal(C_GetMechanismInfo(0, CKM_RSA_X_509, &info), CKR_MECHANISM_INVALID);
    assert_int_equal(C_GetMechanismInfo(0, CKM_ECDSA, &info), CKR_OK);
    assert_int_equal(info.ulMinKeySize, 256);
}

/* ---- What no application should do ----------------------------------------------------------- */

static void null_pointers_and_foreign_handles_get_an_error(void **state)
{
    (void)state;
    CK_OBJECT_HANDLE public, private;
    CK_ULONG count = 0;
    CK_BYTE byte = 0;
    CK_MECHANISM raw = {CKM_ECDSA, NULL, 0};
    CK_ATTRIBUTE hollow = {CKA_LABEL, NULL, 5}, short_class = {CKA_CLASS, &byte, 1};
    assert_int_equal(C_GetInfo(NULL), CKR_ARGUMENTS_BAD);
    assert_int_equal(C_GetSlotList(CK_TRUE, NULL, NULL), CKR_ARGUMENTS_BAD);
    assert_int_equal(C_GetTokenInfo(0, NULL), CKR_ARGUMENTS_BAD);
    assert_int_equal(C_GetMechanismList(0, NULL, NULL), CKR_ARGUMENTS_BAD);
    assert_int_equal(C_OpenSession(0, RW, NULL, NULL, NULL), CKR_ARGUMENTS_BAD);
    assert_int_equal(C_FindObjectsInit(session, NULL, 1), CKR_ARGUMENTS_BAD);
    assert_int_equal(C_FindObjects(session, &public, 1, &count), CKR_OPERATION_NOT_INITIALIZED);
    assert_int_equal(C_FindObjectsInit(session, &hollow, 1), CKR_OK);
    assert_int_equal(C_FindObjects(session, NULL, 1, &count), CKR_ARGUMENTS_BAD);
    assert_int_equal(C_FindObjectsFinal(session), CKR_OK);
    assert_int_equal(C_CreateObject(session, NULL, 3, &public), CKR_ARGUMENTS_BAD);
    assert_int_equal(C_CreateObject(session, &hollow, 1, &public), CKR_ATTRIBUTE_VALUE_INVALID);
    assert_int_equal(C_CreateObject(session, &short_class, 1, &public),
                     CKR_ATTRIBUTE_VALUE_INVALID);
    assert_int_equal(C_CreateObject(session, &hollow, 1, NULL), CKR_ARGUMENTS_BAD);
    assert_int_equal(C_GenerateKeyPair(session, NULL, NULL, 0, NULL, 0, &public, &private),
                     CKR_ARGUMENTS_BAD);
    assert_int_equal(generate("lamp", &public, &private), CKR_OK);
    assert_int_equal(C_GetAttributeValue(session, public, NULL, 1), CKR_ARGUMENTS_BAD);
    assert_int_equal(C_SignInit(session, NULL, private), CKR_ARGUMENTS_BAD);
    assert_int_equal(C_SignInit(session, &raw, private), CKR_OK);
    assert_int_equal(C_Sign(session, NULL, 32, &byte, &count), CKR_ARGUMENTS_BAD);
    assert_int_equal(C_SignInit(session, &raw, private), CKR_OK);
    assert_int_equal(C_Sign(session, &byte, 1, &byte, NULL), CKR_ARGUMENTS_BAD);
    assert_int_equal(C_GenerateRandom(session, NULL, 1), CKR_ARGUMENTS_BAD);
    assert_int_equal(C_SeedRandom(session, &byte, 1), CKR_RANDOM_SEED_NOT_SUPPORTED);
    for (CK_SESSION_HANDLE foreign = 0; foreign < 200; foreign += 199) {
        assert_int_equal(C_SignInit(foreign, &raw, private), CKR_SESSION_HANDLE_INVALID);
        assert_int_equal(C_FindObjectsInit(foreign, NULL, 0), CKR_SESSION_HANDLE_INVALID);
        assert_int_equal(C_Login(foreign, CKU_USER, PIN, 6), CKR_SESSION_HANDLE_INVALID);
    }
}

/* The store says so; nothing that was there has changed. */
static void a_full_token_says_so(void **state)
{
    (void)state;
    CK_OBJECT_HANDLE public, private;
    CK_RV result = CKR_OK;
    unsigned made = 0;
    for (; made < 200 && result == CKR_OK; made++) {
        char label[8];
        snprintf(label, sizeof label, "k%u", made);
        result = generate(label, &public, &private);
    }
    assert_true(result != CKR_OK);
    assert_in_range(made, 10, OBJECTS_MAX);
    assert_int_equal(result, CKR_DEVICE_MEMORY);
    assert_int_equal(find(session, &private_class, "k0", &private), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_list_has_every_function),
        TEST(it_is_initialized_once_and_says_when_it_is_not),
        TEST(a_child_process_has_to_initialize_itself),
        TEST(a_child_that_is_forked_during_a_call_can_work_and_so_can_its_parent),
        TEST(a_file_that_a_device_has_or_that_is_none_is_no_token),
        TEST(a_call_waits_for_that_of_another_program),
        TEST(all_sessions_share_the_login_until_the_last_one_closes),
        TEST(there_are_as_many_sessions_as_the_token_says),
        TEST(a_wrong_pin_is_refused_and_a_changed_one_stays),
        TEST(who_is_not_logged_in_changes_nothing_and_sees_no_private_key),
        TEST(no_byte_of_a_private_key_comes_out),
        TEST(attributes_say_their_lengths_and_each_its_own_error),
        TEST(handles_stay_the_same_and_are_never_given_again),
        TEST(a_new_key_has_no_id_of_one_that_has_gone),
        TEST(a_label_takes_one_object_of_a_kind),
        TEST(a_certificate_may_have_its_keys_label),
        TEST(a_key_made_elsewhere_is_taken_and_its_public_half_shown),
        TEST(signatures_are_r_and_s_and_verify),
        TEST(digests_of_any_length_are_signed_as_ecdsa_says),
        TEST(keys_of_other_kinds_sign_too),
        TEST(rsa_signs_what_it_is_handed_if_there_is_room_for_padding),
        TEST(wrong_keys_and_mechanisms_are_told_apart),
        TEST(null_pointers_and_foreign_handles_get_an_error),
        TEST(a_full_token_says_so),
    };
    return cmocka_run_group_tests_name("pkcs11", tests, make_file, remove_file);
}
