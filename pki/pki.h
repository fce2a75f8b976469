/* Keys and certificates by label, and what is done with them.
 *
 * Labels are the reference integrations' names; a service brings its own as a table. Certificates
 * (X.509) and public keys (SubjectPublicKeyInfo) lie in DER in the key-value store, under the key
 * "pki/<label>". Private keys lie where `struct pki_keys` puts them (keys.h), and are used by
 * handle: to sign a digest, to get the public half. No byte of one comes out of here, not even for
 * TLS. Keys are P-256, or what else the build has (enum pki_algorithm); a root certificate may be
 * of any kind that Mbed TLS is built with.
 *
 * Built on Mbed TLS 2.28. One static work buffer of PKI_DER_MAX bytes, so one call at a time; heap
 * only inside of Mbed TLS, freed before return. Nothing blocks for longer than one operation with a
 * key.
 * An unknown label gives OTTER_E_ARGUMENT everywhere, as does one of the wrong type; an absent
 * object OTTER_E_NOT_FOUND. */
#ifndef OTTER_PKI_PKI_H
#define OTTER_PKI_PKI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pki/keys.h"
#include "store/kv.h"

#define PKI_TLS_KEY_PRIV "tls_key_priv"
#define PKI_TLS_KEY_PUB  "tls_key_pub"
#define PKI_TLS_CERT     "tls_cert"
#define PKI_ROOT_CA      "root_ca_cert"
#define PKI_OTA_SIGNER   "ota_signer_pub"
#define PKI_CLAIM_CERT   "fleetprov_claim_cert"
#define PKI_CLAIM_KEY    "fleetprov_claim_key"
/* What shall take the place of tls_key_priv and tls_cert. */
#define PKI_NEXT_KEY  "tls_key_next"
#define PKI_NEXT_CERT "tls_cert_next"

#define PKI_DER_MAX   1536u             /* longest certificate or key in DER */
#define PKI_PEM_MAX   2200u             /* the same in PEM with its lines and marks */
#define PKI_LABEL_MAX (KV_KEY_MAX - 4u) /* "pki/" comes before it */

/* Of a request, with its NUL. */
#if OTTER_KEYS_RSA2048
#define PKI_CSR_PEM_MAX 1200u
#elif OTTER_KEYS_P384
#define PKI_CSR_PEM_MAX 660u
#else
#define PKI_CSR_PEM_MAX 560u
#endif

/* The upper bound of a common name in X.520. */
#define PKI_COMMON_NAME_MAX 64u

#ifdef __cplusplus
extern "C" {
#endif

enum pki_type { PKI_CERTIFICATE, PKI_PUBLIC_KEY, PKI_PRIVATE_KEY };

struct pki_object {
    const char *label; /* 1 to PKI_LABEL_MAX characters */
    enum pki_type type;
    /* Of a private key; NULL: none. */
    const char *public_label; /* its public half is stored there with it */
    const char *cert_label;   /* the certificate for it, which a new key drops */
};

/* The labels of one part of the firmware, which owns them. Those of TLS are there from the start.
 */
struct pki_table {
    const struct pki_object *objects;
    size_t count;
};
extern const struct pki_table pki_ota_labels;   /* the signer of updates */
extern const struct pki_table pki_claim_labels; /* fleet provisioning by claim */
extern const struct pki_table pki_next_labels;  /* certificates to come */

/* A table's place in a device's list. */
struct pki_part {
    const struct pki_table *table;
    struct pki_part *next;
};

/* The labels of a private key and of its certificate. */
struct pki_identity {
    const char *key;
    const char *cert;
};

/* All fields are private. */
struct pki {
    struct kv *kv;
    const struct pki_keys *keys;
    void *keys_ctx;
    struct pki_identity identity;
    struct pki_part tls; /* the first of the list */
#if OTTER_KEYS_RSA2048
    const struct pki_object *making; /* by steps; NULL: none */
#endif
};

/* `keys` NULL: private keys lie in the store too (pki_store of keys.h); `keys_ctx` NULL: the store
 * is what they are called with. Everything must outlive the struct. Call kv_purge after kv_open: it
 * ends the erasing of a replaced key that a power cut has stopped. */
void pki_init(struct pki *pki, struct kv *kv, const struct pki_keys *keys, void *keys_ctx);

/* `part` and `table` must outlive `pki`, and `part` is used for nothing else. A label that is there
 * already stays what it is. OTTER_E_ARGUMENT, and the whole table is left out, when one is too
 * long. Again does nothing. */
otter_status pki_add(struct pki *pki, struct pki_part *part, const struct pki_table *table);
/* All labels, in the order of their tables; NULL behind the last. */
const struct pki_object *pki_object(const struct pki *pki, unsigned index);
/* NULL for an unknown label. */
const struct pki_object *pki_find(const struct pki *pki, const char *label);
/* The object's length in DER; OTTER_E_NOT_FOUND when it is absent. */
otter_status pki_length(struct pki *pki, const char *label, uint32_t *length);

/* Parses the PEM object in the text, checks that it is well formed and fits the label, and stores
 * it. A label holds one object, so that a text with several is refused: tls_cert is the device's
 * certificate without those of its issuers, since AWS IoT knows a device by what was registered.
 * A certificate under a label for public keys stores its public key; a private key is stored with
 * its public half where its label has a public_label. `type` is what the caller believes to import:
 * a key under a certificate's label is OTTER_E_ARGUMENT. Nothing is stored on any error:
 * OTTER_E_MALFORMED for broken text, OTTER_E_REFUSED for several objects, OTTER_E_KEY for a kind of
 * object or key that the label does not take, OTTER_E_UNSUPPORTED where private keys are only made
 * and not taken. */
otter_status pki_import(struct pki *pki, const char *label, enum pki_type type, const char *pem,
                        size_t length);

/* PEM with a terminating NUL into `pem`. Refuses private keys with OTTER_E_REFUSED. */
otter_status pki_export(struct pki *pki, const char *label, char *pem, size_t size);

/* DER of an object; *length is its size. Refuses private keys with OTTER_E_REFUSED when there is
 * one. To ask only whether an object is there, use pki_length. */
otter_status pki_load(struct pki *pki, const char *label, uint8_t *der, size_t size,
                      size_t *length);

/* Takes an object away; a private key with its public half, and so that no copy of it is left.
 * Deleting an absent object succeeds. */
otter_status pki_delete(struct pki *pki, const char *label);

/* Moves a certificate, or a private key with its public half and its certificate, into the place of
 * those under `to` (a label of the same type), and sets up to PKI_WITH_MAX items of the store, all
 * as one atomic change; of a private key that was there no copy is left. OTTER_E_NOT_FOUND without
 * the key or certificate; OTTER_E_UNSUPPORTED where private keys cannot be moved. */
#define PKI_WITH_MAX 2u
otter_status pki_adopt(struct pki *pki, const char *from, const char *to,
                       const struct kv_item *with, uint32_t with_count);

/* Who this device is in TLS from the next connection on: tls_key_priv and tls_cert at first. Not
 * kept over a restart; the labels must outlive `pki`. */
void pki_use(struct pki *pki, struct pki_identity identity);
struct pki_identity pki_identity(const struct pki *pki);

/* ---- Private keys ---------------------------------------------------------------------------- */

/* Makes a pair in the place of the one under this label, stores its public half under the
 * label's public_label and removes the certificate under its cert_label, which was for the old key.
 * In the store this is one atomic change; elsewhere the key comes first. OTTER_E_CRYPTO when there
 * is no entropy; OTTER_E_UNSUPPORTED, and nothing has changed, for an algorithm that the build or
 * the place of the key does not have; OTTER_E_AGAIN for RSA in the store, see below. */
otter_status pki_generate_pair(struct pki *pki, const char *label, enum pki_algorithm algorithm);
#if OTTER_KEYS_RSA2048
/* A key of RSA is made in steps, none longer than an operation with it: pki_generate_pair gives
 * OTTER_E_AGAIN, and so does this, some hundred times, until the key is there and has taken the
 * place of the old one, or it failed. A step for which there is no memory is done later.
 * OTTER_E_STATE when none is being made. A second one that is begun ends the first. */
otter_status pki_generate_more(struct pki *pki);
/* Gives it up, if one is being made; nothing has changed. */
void pki_generate_stop(struct pki *pki);
#endif
/* The same with P-256, which is there in any case. */
otter_status pki_generate_key(struct pki *pki, const char *label);

/* Makes a self-signed certificate for the key under `label` with CN=`common_name` (1 to
 * PKI_COMMON_NAME_MAX of a-z A-Z 0-9 : _ -, or OTTER_E_ARGUMENT), stores it under the label's
 * cert_label. */
otter_status pki_generate_cert(struct pki *pki, const char *label, const char *common_name);

/* Makes a certificate request (PKCS#10, RFC 2986) for the key under `label`, with the same rule for
 * the name, as PEM with a terminating NUL into `pem`; OTTER_E_TOO_LONG when that is too small:
 * PKI_CSR_PEM_MAX suffices. Nothing is stored. */
otter_status pki_generate_csr(struct pki *pki, const char *label, const char *common_name,
                              char *pem, size_t size);

/* Over a digest of 32, 48 or 64 bytes (SHA-256, SHA-384, SHA-512), with the key's handle. */
otter_status pki_sign(struct pki *pki, const char *label, const uint8_t *digest, size_t length,
                      struct pki_signature *signature);

/* The public half, from where the key lies. */
otter_status pki_public_key(struct pki *pki, const char *label, struct pki_public *key);

/* ---- For users of Mbed TLS ------------------------------------------------------------------- */

/* The contexts must be initialized, and are freed by the caller. A private key becomes one
 * that has its public half only and signs by pki_sign: for TLS, certificates and requests. `pki`
 * must outlive it. */
struct mbedtls_pk_context;
struct mbedtls_x509_crt;
otter_status pki_open_key(struct pki *pki, const char *label, struct mbedtls_pk_context *key);
otter_status pki_load_cert(struct pki *pki, const char *label, struct mbedtls_x509_crt *cert);

/* ECDSA P-256 over a SHA-256 digest with the public key under `label`; `signature` is the DER
 * SEQUENCE. OTTER_E_NOT_FOUND without the key, OTTER_E_SIGNATURE when it does not verify. */
otter_status pki_verify(struct pki *pki, const char *label, const uint8_t digest[32],
                        const uint8_t *signature, size_t length);

#ifdef __cplusplus
}
#endif

#endif
