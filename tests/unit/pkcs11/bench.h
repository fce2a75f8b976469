/* A token on a flash file, for tests of the module: made anew for each, with a user logged in. */
#ifndef OTTER_TESTS_UNIT_PKCS11_BENCH_H
#define OTTER_TESTS_UNIT_PKCS11_BENCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pkcs11/module.h"

#define PIN       ((CK_UTF8CHAR *)"123456")
#define RW        (CKF_SERIAL_SESSION | CKF_RW_SESSION)
#define P256_SIZE 10u

extern char path[];               /* of the file */
extern CK_SESSION_HANDLE session; /* may write */
/* Values of attributes: the interface wants them where they could be changed. */
extern CK_BBOOL yes, no;
extern CK_BYTE p256[P256_SIZE];
extern CK_OBJECT_CLASS private_class, public_class, cert_class;
extern CK_KEY_TYPE ec;
extern CK_CERTIFICATE_TYPE x509;

void blank_flash(void);
CK_SESSION_HANDLE opened(CK_FLAGS flags);

int set_up(void **state);
int tear_down(void **state);
/* Of a group. */
int make_file(void **state);
int remove_file(void **state);
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

CK_RV generate(const char *label, CK_OBJECT_HANDLE *public, CK_OBJECT_HANDLE *private);
/* How many there are; the first is found. */
CK_ULONG find(CK_SESSION_HANDLE in, CK_OBJECT_CLASS *class, const char *label,
              CK_OBJECT_HANDLE *found);

#endif
