/* A PKCS#11 token of SoftHSM in a folder of its own; for tests. */
#ifndef OTTER_TESTS_SOFT_TOKEN_H
#define OTTER_TESTS_SOFT_TOKEN_H

#include <stdbool.h>

/* Makes an empty token and points pkcs11_keys at it. False, with a message, without SoftHSM
 * (Debian: softhsm2). */
bool soft_token_make(void);
void soft_token_remove(void);

#endif
