/* Key pairs and public keys in PEM files, and the forms in which images carry them.
 * (docs/formats.md 1.6, 1.7) */
#ifndef OTTER_TOOL_KEYS_H
#define OTTER_TOOL_KEYS_H

#include <openssl/evp.h>
#include <stdbool.h>

#include "tool/bytes.h"
#include "tool/failure.h"

enum key_type { KEY_P256, KEY_P384, KEY_ED25519, KEY_RSA_2048, KEY_RSA_3072, KEY_X25519 };

struct key {
    EVP_PKEY *pkey; /* owned; NULL = no key */
    enum key_type type;
    bool is_private;
};

/* "ecdsa-p256" and so on, as in `otter keygen -t`. */
const char *key_type_name(enum key_type type);
bool key_type_parse(const char *name, enum key_type *type);

/* The name in code: "ecdsa", "ecdsap384", "ed25519", "rsa", "x25519". */
const char *key_short_name(enum key_type type);

/* "ECDSA256_SHA256" and so on: what imgtool's keyinfo calls it. */
const char *key_signature_name(enum key_type type);

/* All names that key_type_parse takes, "a, b or c", for messages. */
#define KEY_TYPE_NAMES "ecdsa-p256, ecdsa-p384, ed25519, rsa-2048, rsa-3072 or x25519"

otter_status key_generate(struct key *key, enum key_type type, struct failure *failure);

/* Reads a PEM file with a private or a public key; a pass phrase is asked for at the terminal. */
otter_status key_read(struct key *key, const char *path, struct failure *failure);

/* PKCS#8 PEM of the private key. With a `lock_path` it is locked with a pass phrase, which is asked
 * for at the terminal in the name of that file. */
otter_status key_private_pem(const struct key *key, const char *lock_path, struct bytes *pem,
                             struct failure *failure);
otter_status key_public_pem(const struct key *key, struct bytes *pem, struct failure *failure);

/* The DER that KEYHASH and PUBKEY are made of: SubjectPublicKeyInfo, of RSA RSAPublicKey. */
otter_status key_public_der(const struct key *key, struct bytes *der, struct failure *failure);

/* The private key as a bootloader holds it: PKCS#8, or the key type's own form (`traditional`; not
 * for X25519 and Ed25519). `minimal` leaves out the public part of an ECDSA key, and of a
 * traditional RSA key all but n, e, d, p and q; of RSA in PKCS#8 it is refused. */
otter_status key_private_der(const struct key *key, bool traditional, bool minimal,
                             struct bytes *der, struct failure *failure);

void key_free(struct key *key);

#endif
