/* A device's private keys in a PSA implementation: that of this room, or a board's own (TF-M). Only
 * the public halves, signatures, and a key that a person imports pass through here. */
#ifndef OTTER_SECURE_PSA_KEYS_H
#define OTTER_SECURE_PSA_KEYS_H

#include "pki/keys.h"

#ifdef __cplusplus
extern "C" {
#endif

/* `ctx` is pki's own store, a struct kv (pki_init's default); under "psa/<label>" it says which of
 * a label's two numbers is in use, 0 or 1. So a new key is there before the old one goes, and comes
 * into use in one step with its certificate (pki_adopt). The numbers are PSA_KEYS_FIRST + 2 * place
 * for the labels of pki.h, for others by their CRC-32. Keys are persistent, P-256 only, and may be
 * copied inside of the implementation; where it refuses that, pki_adopt says OTTER_E_UNSUPPORTED,
 * as pki_import does where it is sealed. */
#define PSA_KEYS_FIRST 0x10u
extern const struct pki_keys psa_keys;

#ifdef __cplusplus
}
#endif

#endif
