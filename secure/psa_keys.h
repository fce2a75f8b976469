/* A device's private keys in a PSA implementation: that of this room, or a board's own (TF-M). Only
 * the public halves, signatures, and a key that a person imports pass through here. */
#ifndef OTTER_SECURE_PSA_KEYS_H
#define OTTER_SECURE_PSA_KEYS_H

#include "pki/keys.h"

#ifdef __cplusplus
extern "C" {
#endif

/* `ctx` is not used. Keys are persistent; each label has two numbers, of which one is in use, so
 * that a new key is there before the old one goes: those of PSA_KEYS_FIRST + 2 * place for the
 * labels of pki.h, for others by their CRC-32. P-256 only. Keys cannot be moved (pki_adopt says
 * OTTER_E_UNSUPPORTED), and a sealed implementation imports none (OTTER_E_UNSUPPORTED, too). */
#define PSA_KEYS_FIRST 0x10u
extern const struct pki_keys psa_keys;

#ifdef __cplusplus
}
#endif

#endif
