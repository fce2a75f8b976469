/* The Cryptoki face as a module: its functions, processes and threads that share it, sessions and
 * the PIN. */
#define _GNU_SOURCE /* F_OFD_SETLKW */
#include "tests/unit/pkcs11/bench.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

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
    };
    return cmocka_run_group_tests_name("pkcs11_module", tests, make_file, remove_file);
}
