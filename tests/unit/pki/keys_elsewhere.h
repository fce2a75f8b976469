/* Places for private keys that are not the store, as products have them; for tests. */
#ifndef OTTER_TESTS_KEYS_ELSEWHERE_H
#define OTTER_TESTS_KEYS_ELSEWHERE_H

#include "pki/keys.h"

/* A PKCS#11 module, opened at the first use: environment OTTER_PKCS11_MODULE names its file,
 * OTTER_PKCS11_PIN its user's PIN. Keys lie in its first token, under CKA_LABEL; one that is made
 * there is sensitive and not extractable. `ctx` is not used. */
extern const struct pki_keys pkcs11_keys;
/* Before the token is made anew. */
void pkcs11_keys_close(void);

/* The PSA implementation in Mbed TLS, with volatile keys. `ctx` is a struct psa_vault, zeroed. */
#define PSA_VAULT_KEYS 4u
struct psa_vault {
    struct {
        const struct pki_object *object;
        uint32_t id;
    } keys[PSA_VAULT_KEYS];
};
extern const struct pki_keys psa_keys;
void psa_vault_empty(struct psa_vault *vault);

#endif
