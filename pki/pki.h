/* Keys and certificates by label, kept in the key-value store, and what is done with them.
 *
 * Labels (the reference integrations' names): tls_key_priv, tls_key_pub, tls_cert, root_ca_cert,
 * ota_signer_pub. Objects are stored in DER under the key "pki/<label>". Private keys never leave
 * this room except as an Mbed TLS context for the TLS transport. Built on Mbed TLS 2.28.
 * The caller owns all memory; nothing here blocks for longer than one P-256 operation. */
#ifndef OTTER_PKI_PKI_H
#define OTTER_PKI_PKI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/kv.h"

#define PKI_TLS_KEY_PRIV "tls_key_priv"
#define PKI_TLS_KEY_PUB "tls_key_pub"
#define PKI_TLS_CERT "tls_cert"
#define PKI_ROOT_CA "root_ca_cert"
#define PKI_OTA_SIGNER "ota_signer_pub"

#define PKI_DER_MAX 1536u /* longest certificate or key in DER */
#define PKI_PEM_MAX 2200u /* the same in PEM with its lines and marks */

enum pki_type { PKI_CERTIFICATE, PKI_PUBLIC_KEY, PKI_PRIVATE_KEY };

/* Parses one PEM object, checks that it is of `type` and well formed, stores it under `label`.
 * A certificate imported under a key label stores its public key. OTTER_E_MALFORMED with nothing
 * stored when the text is broken, OTTER_E_KEY for an unsupported kind of key,
 * OTTER_E_ARGUMENT for an unknown label. */
otter_status pki_import(struct kv *kv, const char *label, enum pki_type type, const char *pem,
                        size_t length);

/* PEM with a terminating NUL into `pem`. Refuses private keys with OTTER_E_REFUSED. */
otter_status pki_export(struct kv *kv, const char *label, char *pem, size_t size);

/* Makes a P-256 pair, stores it as tls_key_priv and tls_key_pub (one atomic change). */
otter_status pki_generate_key(struct kv *kv);

/* Makes a self-signed certificate for tls_key_priv with CN=`common_name`, stores it as tls_cert. */
otter_status pki_generate_cert(struct kv *kv, const char *common_name);

/* DER of an object; *length is its size. */
otter_status pki_load(struct kv *kv, const char *label, uint8_t *der, size_t size, size_t *length);

/* ECDSA P-256 over a SHA-256 digest with the public key under `label`; `signature` is the DER
 * SEQUENCE. OTTER_E_NOT_FOUND without the key, OTTER_E_SIGNATURE when it does not verify. */
otter_status pki_verify(struct kv *kv, const char *label, const uint8_t digest[32],
                        const uint8_t *signature, size_t length);

#endif
