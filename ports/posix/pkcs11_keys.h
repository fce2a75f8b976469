/* Private keys in any PKCS#11 module (Cryptoki 2.40), for the device as a process: a place for keys
 * (pki/keys.h) that the environment names, as `otter device --pkcs11` sets it.
 *
 *   OTTER_PKCS11_MODULE     the module's file; without it keys lie in flash
 *   OTTER_PKCS11_TOKEN      the token's label; without it the first token there is
 *   OTTER_PKCS11_PIN_FILE   a file whose first line is the user's PIN
 *   OTTER_PKCS11_PIN        the PIN itself, where no file is named
 *   OTTER_PKCS11_KEY        CKA_LABEL of tls_key_priv; all other keys have their own labels
 *
 * The module is opened at the first use, and its token again after each error: one that was taken
 * away is found when it is back. A PIN that it has refused is not tried twice. What is wrong is
 * logged. A key that is made or imported there is sensitive and not extractable; of a kind besides
 * P-256 it is only made. A key that was there before is used as it is; its public half comes from
 * the public key or the certificate with its label or CKA_ID. Keys cannot be moved between labels,
 * so that a certificate's rotation ends with the old one. A module is asked in the loop, which
 * waits for it. */
#ifndef OTTER_PORTS_POSIX_PKCS11_KEYS_H
#define OTTER_PORTS_POSIX_PKCS11_KEYS_H

#include <stdbool.h>

#include "pki/keys.h"

/* `ctx` is not used: there is one module. */
extern const struct pki_keys pkcs11_keys;

/* Whether the environment names a module. */
bool pkcs11_keys_wanted(void);
/* Ends its use; the next use opens it anew. */
void pkcs11_keys_close(void);

#endif
