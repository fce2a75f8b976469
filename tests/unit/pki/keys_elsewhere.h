/* A place for private keys that is not the store, as products have them; for tests. Another one is
 * ports/posix/pkcs11_keys.h. */
#ifndef OTTER_TESTS_KEYS_ELSEWHERE_H
#define OTTER_TESTS_KEYS_ELSEWHERE_H

#include "pki/keys.h"

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
