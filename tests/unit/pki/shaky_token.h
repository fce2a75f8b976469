/* What a test tells the module of shaky_token.c, which it loads itself to find this. */
#ifndef OTTER_TESTS_SHAKY_TOKEN_H
#define OTTER_TESTS_SHAKY_TOKEN_H

#include <p11-kit/pkcs11.h>

struct shaky_token {
    unsigned logins;           /* that were tried */
    CK_SESSION_HANDLE session; /* the last that was opened */
    CK_SESSION_HANDLE dead;    /* this one gives the errors below */
    CK_RV find_init_error, find_error, sign_error;
};
extern struct shaky_token shaky_token;

#endif
