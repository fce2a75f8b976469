/* Keys and certificates by label, kept in the key-value store, and what is done with them.
 *
 * Labels are the reference integrations' names. Objects are stored in DER under the key
 * "pki/<label>": certificates as X.509, public keys as SubjectPublicKeyInfo, private keys as the
 * ECPrivateKey of RFC 5915. Keys are P-256; a root certificate may be of any kind that Mbed TLS is
 * built with. Private keys never leave this room except as an Mbed TLS context, and one that is
 * replaced is erased from flash (kv_replace_secret; call kv_purge at start).
 *
 * Built on Mbed TLS 2.28. One static work buffer of PKI_DER_MAX bytes, so one call at a time; heap
 * only inside of Mbed TLS, freed before return. Nothing blocks for longer than one P-256 operation.
 * An unknown label gives OTTER_E_ARGUMENT everywhere, an absent object OTTER_E_NOT_FOUND. */
#ifndef OTTER_PKI_PKI_H
#define OTTER_PKI_PKI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/kv.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PKI_TLS_KEY_PRIV "tls_key_priv"
#define PKI_TLS_KEY_PUB  "tls_key_pub"
#define PKI_TLS_CERT     "tls_cert"
#define PKI_ROOT_CA      "root_ca_cert"
#define PKI_OTA_SIGNER   "ota_signer_pub"
#define PKI_CLAIM_CERT   "fleetprov_claim_cert"
#define PKI_CLAIM_KEY    "fleetprov_claim_key"

#define PKI_DER_MAX 1536u /* longest certificate or key in DER */
#define PKI_PEM_MAX 2200u /* the same in PEM with its lines and marks */

/* The upper bound of a common name in X.520. */
#define PKI_COMMON_NAME_MAX 64u

enum pki_type { PKI_CERTIFICATE, PKI_PUBLIC_KEY, PKI_PRIVATE_KEY };

struct pki_object {
    const char *label;
    enum pki_type type;
};
/* All labels there are, in the order to show them; NULL after the last. */
const struct pki_object *pki_object(unsigned index);
/* NULL for an unknown label. */
const struct pki_object *pki_find(const char *label);
/* The object's length in DER; OTTER_E_NOT_FOUND when it is absent. */
otter_status pki_length(struct kv *kv, const char *label, uint32_t *length);

/* Parses the PEM object in the text, checks that it is well formed and fits the label, and stores
 * it. A label holds one object, so that a text with several is refused: tls_cert is the device's
 * certificate without those of its issuers, since AWS IoT knows a device by what was registered.
 * A certificate under a label for public keys stores its public key; a private key under
 * tls_key_priv stores tls_key_pub with it. `type` is what the caller believes to import: a key
 * under a certificate's label is OTTER_E_ARGUMENT. Nothing is stored on any error:
 * OTTER_E_MALFORMED for broken text, OTTER_E_REFUSED for several objects, OTTER_E_KEY for a kind of
 * object or key that the label does not take. */
otter_status pki_import(struct kv *kv, const char *label, enum pki_type type, const char *pem,
                        size_t length);

/* PEM with a terminating NUL into `pem`. Refuses private keys with OTTER_E_REFUSED. */
otter_status pki_export(struct kv *kv, const char *label, char *pem, size_t size);

/* Makes a P-256 pair, stores it as tls_key_priv and tls_key_pub and removes tls_cert, which was for
 * the old key, as one atomic change. OTTER_E_CRYPTO when there is no entropy. */
otter_status pki_generate_key(struct kv *kv);

/* Makes a self-signed certificate for tls_key_priv with CN=`common_name` (1 to PKI_COMMON_NAME_MAX
 * of a-z A-Z 0-9 : _ -, or OTTER_E_ARGUMENT), stores it as tls_cert. */
otter_status pki_generate_cert(struct kv *kv, const char *common_name);

/* DER of an object; *length is its size. Refuses private keys with OTTER_E_REFUSED when there is
 * one (use pki_load_key). To ask only whether an object is there, use pki_length. */
otter_status pki_load(struct kv *kv, const char *label, uint8_t *der, size_t size, size_t *length);

/* The objects as Mbed TLS has them, for the TLS transport. The context must be initialized, and is
 * freed by the caller. */
struct mbedtls_pk_context;
struct mbedtls_x509_crt;
otter_status pki_load_key(struct kv *kv, const char *label, struct mbedtls_pk_context *key);
otter_status pki_load_cert(struct kv *kv, const char *label, struct mbedtls_x509_crt *cert);

/* ECDSA P-256 over a SHA-256 digest with the public key under `label`; `signature` is the DER
 * SEQUENCE. OTTER_E_NOT_FOUND without the key, OTTER_E_SIGNATURE when it does not verify. */
otter_status pki_verify(struct kv *kv, const char *label, const uint8_t digest[32],
                        const uint8_t *signature, size_t length);

#ifdef __cplusplus
}
#endif

#endif
