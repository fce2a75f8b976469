/* Where private keys lie and what signs with them: flash (pki_store), or whatever a product has
 * for it, a PSA implementation, a secure world, a PKCS#11 module. The rest of the room works
 * through this table and never sees a private key, but for one that a person imports.
 *
 * A function gets the `ctx` that pki_init got, and the row of the label's table. Keys are P-256,
 * and what else the build has (OTTER_KEYS). Errors: OTTER_E_NOT_FOUND when there is no key under
 * the label, OTTER_E_CRYPTO when the operation failed or there is no entropy, OTTER_E_NO_SPACE, or
 * that of the medium. After an error nothing has changed. A public key or signature in another form
 * is taken for OTTER_E_CRYPTO. Nothing may block for longer than one operation with a key takes. */
#ifndef OTTER_PKI_KEYS_H
#define OTTER_PKI_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "port/status.h"

/* What a key can be. All builds have P-256; P-384 and RSA with 2048 bits where OTTER_KEYS names
 * them (README.md says where that is, and why). */
enum pki_algorithm { PKI_P256, PKI_P384, PKI_RSA2048 };

/* In bytes: a public key, a signature, and a private key as `import` gets it. */
#if OTTER_KEYS_RSA2048
#define PKI_PUBLIC_MAX    296u
#define PKI_SIGNATURE_MAX 256u
#define PKI_PRIVATE_MAX   1216u
#elif OTTER_KEYS_P384
#define PKI_PUBLIC_MAX    120u
#define PKI_SIGNATURE_MAX 104u
#define PKI_PRIVATE_MAX   168u
#else
#define PKI_PUBLIC_MAX    96u
#define PKI_SIGNATURE_MAX 72u
#define PKI_PRIVATE_MAX   121u
#endif

#ifdef __cplusplus
extern "C" {
#endif

struct kv;
struct kv_item;
struct pki_object;

/* A public key: SubjectPublicKeyInfo in DER (RFC 5480, RFC 3279). */
struct pki_public {
    uint8_t der[PKI_PUBLIC_MAX];
    uint32_t length;
};

/* A signature: ECDSA-Sig-Value in DER (RFC 3279), or of RSA the number as PKCS#1 v1.5 makes it (RFC
 * 8017 8.2). */
struct pki_signature {
    uint8_t der[PKI_SIGNATURE_MAX];
    uint32_t length;
};

struct pki_keys {
    /* What the key takes where it lies, in bytes; for a list. Cheap: it asks whether there is one.
     */
    otter_status (*length)(void *ctx, const struct pki_object *object, uint32_t *length);
    otter_status (*public_key)(void *ctx, const struct pki_object *object, struct pki_public *key);
    /* `digest` has 32, 48 or 64 bytes; ECDSA takes as many from the left as its numbers have. */
    otter_status (*sign)(void *ctx, const struct pki_object *object, const uint8_t *digest,
                         size_t length, struct pki_signature *signature);
    /* Makes a pair in the place of the one there. What goes along in pki's store (public_label,
     * cert_label) pki changes afterwards; a backend that lies in that store does it itself, as one
     * atomic change with the key. OTTER_E_UNSUPPORTED for an algorithm that it does not have;
     * OTTER_E_AGAIN for RSA where `go_on` is there. */
    otter_status (*generate)(void *ctx, const struct pki_object *object,
                             enum pki_algorithm algorithm, struct pki_public *key);
#if OTTER_KEYS_RSA2048
    /* The next step of what `generate` has begun with OTTER_E_AGAIN: that again, or how it ended.
     * `object` NULL gives it up. NULL where `generate` always ends it. */
    otter_status (*go_on)(void *ctx, const struct pki_object *object, struct pki_public *key);
#endif
    /* Takes a key that was made elsewhere, ECPrivateKey of RFC 5915 with its public half, which
     * `key` holds too, or RSAPrivateKey of RFC 8017; a kind that it does not have is OTTER_E_KEY;
     * what goes along as in `generate`, but the certificate stays. NULL where keys are only made.
     */
    otter_status (*import)(void *ctx, const struct pki_object *object, const uint8_t *der,
                           uint32_t length, const struct pki_public *key);
    /* Takes the key from one label into the place of the one under the other, and sets `with` in
     * the store in the same atomic change. NULL where that cannot be. */
    otter_status (*move)(void *ctx, const struct pki_object *from, const struct pki_object *to,
                         const struct kv_item *with, uint32_t with_count);
    /* No copy may be left. An absent key is no error. */
    otter_status (*remove)(void *ctx, const struct pki_object *object);
};

/* In the key-value store, in the form that `import` gets, under "pki/<label>"; `ctx` is the struct
 * kv. One that is replaced or removed is erased from flash (kv_replace_secret). */
extern const struct pki_keys pki_store;

/* PKCS#1 v1.5 over data that is no digest of ours, with an RSA key in the store: what CKM_RSA_PKCS
 * of a token (pkcs11/) is. OTTER_E_ARGUMENT for more than PKI_RSA_DATA_MAX bytes, OTTER_E_KEY for a
 * key of another kind.
 */
#if OTTER_KEYS_RSA2048
#define PKI_RSA_DATA_MAX 245u
otter_status pki_store_sign_data(struct kv *kv, const struct pki_object *object,
                                 const uint8_t *data, size_t length,
                                 struct pki_signature *signature);
#endif

/* For backends that know a key of P-256 by its point (x and y, 32 bytes each), and a signature by
 * its numbers (r and s, 32 bytes each), as PSA and PKCS#11 do. */
void pki_public_from_point(struct pki_public *key, const uint8_t point[64]);
void pki_signature_from_numbers(struct pki_signature *signature, const uint8_t numbers[64]);
/* The other way round, of a signature that was made here. */
void pki_numbers_from_signature(uint8_t numbers[64], const struct pki_signature *signature);

/* A private key of P-256 as `import` gets it, and where its number lies in it (32 bytes); made of
 * the number alone, with the public half: OTTER_E_KEY for a number that is no key. */
#define PKI_PRIVATE_P256_SIZE   121u
#define PKI_PRIVATE_P256_NUMBER 7u
otter_status pki_private_from_number(uint8_t der[PKI_PRIVATE_P256_SIZE], const uint8_t number[32],
                                     struct pki_public *key);

/* The same for P-384 (48 bytes each), and for an RSA key by its modulus and exponent: OTTER_E_KEY
 * for one that is not of 2048 bits. */
#if OTTER_KEYS_P384
void pki_public_from_p384(struct pki_public *key, const uint8_t point[96]);
otter_status pki_signature_from_p384(struct pki_signature *signature, const uint8_t numbers[96]);
#endif
#if OTTER_KEYS_RSA2048
otter_status pki_public_from_rsa(struct pki_public *key, const uint8_t *modulus, size_t length,
                                 const uint8_t *exponent, size_t exponent_length);
#endif

#ifdef __cplusplus
}
#endif

#endif
