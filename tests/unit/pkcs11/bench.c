/* A flash file, blank; sessions, keys and searches. */
#include "tests/unit/pkcs11/bench.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "boards/board.h"
#include "boards/map.h"

char path[] = "/tmp/otter-pkcs11-XXXXXX";
CK_SESSION_HANDLE session;
CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
CK_BYTE p256[P256_SIZE] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
CK_OBJECT_CLASS private_class = CKO_PRIVATE_KEY, public_class = CKO_PUBLIC_KEY,
                cert_class = CKO_CERTIFICATE;
CK_KEY_TYPE ec = CKK_EC;
CK_CERTIFICATE_TYPE x509 = CKC_X_509;

void blank_flash(void)
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

CK_SESSION_HANDLE opened(CK_FLAGS flags)
{
    CK_SESSION_HANDLE handle = 0;
    assert_int_equal(C_OpenSession(0, flags, NULL, NULL, &handle), CKR_OK);
    assert_int_not_equal(handle, CK_INVALID_HANDLE);
    return handle;
}

int set_up(void **state)
{
    (void)state;
    setenv("OTTER_PKCS11_FLASH", path, 1);
    blank_flash();
    assert_int_equal(C_Initialize(NULL), CKR_OK);
    session = opened(RW);
    assert_int_equal(C_Login(session, CKU_USER, PIN, 6), CKR_OK);
    return 0;
}

int tear_down(void **state)
{
    (void)state;
    return C_Finalize(NULL) != CKR_OK;
}

int make_file(void **state)
{
    (void)state;
    const int file = mkstemp(path);
    return file < 0 || close(file) != 0;
}

int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

CK_RV generate(const char *label, CK_OBJECT_HANDLE *public, CK_OBJECT_HANDLE *private)
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

CK_ULONG find(CK_SESSION_HANDLE in, CK_OBJECT_CLASS *class, const char *label,
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
