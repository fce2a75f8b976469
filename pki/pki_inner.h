/* What the files of this room share; for this room only. */
#ifndef OTTER_PKI_PKI_INNER_H
#define OTTER_PKI_PKI_INNER_H

#include <mbedtls/pk.h>

#include "pki/pki.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PKI_NUMBER_SIZE   32u                   /* of a P-256 private key: its secret */
#define PKI_PRIVATE_SIZE  PKI_PRIVATE_P256_SIZE /* ECPrivateKey (RFC 5915), with both below */
#define PKI_PRIVATE_POINT 57u                   /* where x and y are in it */

/* One for the room: certificates are too long for the stack. */
extern uint8_t pki_work[PKI_DER_MAX];

/* The key in the store, "pki/<label>". */
struct pki_name {
    char text[KV_KEY_MAX + 1];
};
struct pki_name pki_name(const char *label);

/* What is stored with a private key, as items of one change; NULL as `key`: the public half goes.
 * Returns how many there are. */
#define PKI_COMPANIONS_MAX 2u
struct pki_companions {
    struct pki_name names[PKI_COMPANIONS_MAX];
    struct kv_item items[PKI_COMPANIONS_MAX];
    uint32_t count;
};
void pki_companions(struct pki_companions *with, const struct pki_object *object,
                    const struct pki_public *key, bool drop_cert);

/* The row of a private key's label, or NULL. */
const struct pki_object *pki_find_private(const struct pki *pki, const char *label);

/* From ECPrivateKey, or the PrivateKeyInfo (RFC 5208) around it: false for what is no P-256 key.
 * Does not say whether the number can be one: pki_number_... do, with OTTER_E_KEY. */
bool pki_private_read(uint8_t *der, size_t length, uint8_t number[PKI_NUMBER_SIZE]);
void pki_private_write(uint8_t der[PKI_PRIVATE_SIZE], const uint8_t number[PKI_NUMBER_SIZE],
                       const struct pki_public *key);
otter_status pki_number_make(uint8_t number[PKI_NUMBER_SIZE], struct pki_public *key);
otter_status pki_number_public(const uint8_t number[PKI_NUMBER_SIZE], struct pki_public *key);
otter_status pki_number_sign(const uint8_t number[PKI_NUMBER_SIZE], const uint8_t *digest,
                             size_t length, struct pki_signature *signature);

/* Of a SubjectPublicKeyInfo: that it names P-256 and has an uncompressed point. */
bool pki_is_p256(const uint8_t *der, size_t length);

/* Keys besides P-256 (other_keys.c), in DER. `pki_other_read` takes any form that Mbed TLS knows
 * and leaves ours, OTTER_E_KEY for what the build does not have. */
#if OTTER_KEYS_P384 || OTTER_KEYS_RSA2048
struct pki_other {
    uint8_t der[PKI_PRIVATE_MAX];
    uint32_t length;
};
extern struct pki_other pki_other_work; /* too long for a board's stack; who fills it wipes it */
bool pki_is_other(const uint8_t *der, size_t length); /* of a SubjectPublicKeyInfo */
otter_status pki_other_make(enum pki_algorithm algorithm, struct pki_other *key,
                            struct pki_public *public);
#if OTTER_KEYS_RSA2048
#define PKI_PRIME_SIZE   128u
#define PKI_RSA_EXPONENT 65537
/* OTTER_E_AGAIN for two primes that are too close to each other. */
otter_status pki_other_from_primes(const uint8_t p[PKI_PRIME_SIZE], const uint8_t q[PKI_PRIME_SIZE],
                                   struct pki_other *key, struct pki_public *public);

/* The search for them (rsa_search.c), one at a time: `begin` also gives one up. A step gives
 * OTTER_E_AGAIN, OTTER_OK with the key, or OTTER_E_CRYPTO, which ends it. */
void pki_rsa_begin(void);
otter_status pki_rsa_step(struct pki_other *key, struct pki_public *public);
#endif
otter_status pki_other_read(const uint8_t *der, size_t length, struct pki_other *key,
                            struct pki_public *public);
otter_status pki_other_public(const uint8_t *der, size_t length, struct pki_public *public);
/* `digest_length` 32, 48 or 64; with `raw` any, and an RSA key signs what it is handed. */
otter_status pki_other_sign(const uint8_t *der, size_t length, const uint8_t *digest,
                            size_t digest_length, bool raw, struct pki_signature *signature);
#endif

/* Of a public key that this build makes; of RSA. */
static inline bool pki_is_known(const uint8_t *der, size_t length)
{
#if OTTER_KEYS_P384 || OTTER_KEYS_RSA2048
    return pki_is_p256(der, length) || pki_is_other(der, length);
#else
    return pki_is_p256(der, length);
#endif
}
static inline bool pki_is_rsa(const struct pki_public *key)
{
#if OTTER_KEYS_RSA2048
    return key->length > 128; /* no other is so long */
#else
    (void)key;
    return false;
#endif
}

/* Our status for an error of Mbed TLS met in reading an object. */
otter_status pki_status(int error);

/* Randomness for Mbed TLS: the port's. */
int pki_random(void *unused, unsigned char *data, size_t length);

#ifdef __cplusplus
}
#endif

#endif
