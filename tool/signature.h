/* Hashes of images and signatures over them. (docs/formats.md 1.5, 1.6) */
#ifndef OTTER_TOOL_SIGNATURE_H
#define OTTER_TOOL_SIGNATURE_H

#include "tool/keys.h"

enum hash_type { HASH_SHA256, HASH_SHA384, HASH_SHA512 };

#define HASH_SIZE_MAX 64u

size_t hash_size(enum hash_type type);
const char *hash_name(enum hash_type type);              /* "SHA256" */
bool hash_parse(const char *bits, enum hash_type *type); /* "256", "384" or "512" */
otter_status hash_bytes(enum hash_type type, const void *data, size_t size,
                        uint8_t hash[HASH_SIZE_MAX], struct failure *failure);

/* The hash that images signed with such a key have unless another is asked for. */
enum hash_type hash_of_key(enum key_type type);

/* ECDSA takes the message as the digest itself, DER out; Ed25519 takes it as its message, 64 bytes
 * out; RSA takes it as the SHA-256 digest of PSS with a salt of 32 bytes. X25519 keys cannot sign.
 * So `message` is an image's hash, or, of Ed25519 "pure", the hashed bytes themselves. */
otter_status signature_make(const struct key *key, const void *message, size_t size,
                            struct bytes *signature, struct failure *failure);

/* OTTER_OK, or OTTER_E_SIGNATURE. An ECDSA signature may have imgtool's padding behind it. */
otter_status signature_verify(const struct key *key, const void *message, size_t size,
                              const uint8_t *signature, size_t signature_size);

/* The most bytes that a signature with such a key has. */
size_t signature_size_max(const struct key *key);

/* The TLV that carries signatures of such keys; 0 for X25519. */
uint16_t signature_tlv(enum key_type type);

#endif
