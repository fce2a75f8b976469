/* Hashes and signatures, by OpenSSL. */
#include "tool/signature.h"

#include <openssl/err.h>
#include <openssl/rsa.h>
#include <string.h>

#include "tool/tlv.h"

static const struct {
    const char *name;
    size_t size;
} hashes[] = {
    [HASH_SHA256] = {"SHA256", 32},
    [HASH_SHA384] = {"SHA384", 48},
    [HASH_SHA512] = {"SHA512", 64},
};

size_t hash_size(enum hash_type type)
{
    return hashes[type].size;
}

const char *hash_name(enum hash_type type)
{
    return hashes[type].name;
}

bool hash_parse(const char *bits, enum hash_type *type)
{
    for (int i = HASH_SHA256; i <= HASH_SHA512; i++) {
        if (strcmp(bits, hashes[i].name + strlen("SHA")) == 0) {
            *type = (enum hash_type)i;
            return true;
        }
    }
    return false;
}

enum hash_type hash_of_key(enum key_type type)
{
    return type == KEY_P384 ? HASH_SHA384 : HASH_SHA256;
}

otter_status hash_bytes(enum hash_type type, const void *data, size_t size,
                        uint8_t hash[HASH_SIZE_MAX], struct failure *failure)
{
    const char *name = hashes[type].name;

    if (EVP_Q_digest(NULL, name, NULL, data, size, hash, NULL) == 1)
        return OTTER_OK;
    return failed_openssl(failure, "cannot hash");
}

uint16_t signature_tlv(enum key_type type)
{
    switch (type) {
    case KEY_P256:
    case KEY_P384:
        return IMAGE_TLV_ECDSA_SIG;
    case KEY_ED25519:
        return IMAGE_TLV_ED25519;
    case KEY_RSA_2048:
        return TLV_RSA2048_PSS;
    case KEY_RSA_3072:
        return TLV_RSA3072_PSS;
    default:
        return 0;
    }
}

size_t signature_size_max(const struct key *key)
{
    int size = EVP_PKEY_get_size(key->pkey);
    return size > 0 ? (size_t)size : 0;
}

static bool is_rsa(const struct key *key)
{
    return key->type == KEY_RSA_2048 || key->type == KEY_RSA_3072;
}

static bool set_pss(const struct key *key, EVP_PKEY_CTX *context)
{
    if (!is_rsa(key))
        return true;
    return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) > 0 &&
           EVP_PKEY_CTX_set_signature_md(context, EVP_sha256()) > 0 &&
           EVP_PKEY_CTX_set_rsa_mgf1_md(context, EVP_sha256()) > 0 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(context, 32) > 0;
}

static bool sign_ed25519(const struct key *key, const void *message, size_t size, uint8_t *out,
                         size_t *out_size)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool done = context && EVP_DigestSignInit(context, NULL, NULL, NULL, key->pkey) > 0 &&
                EVP_DigestSign(context, out, out_size, message, size) > 0;

    EVP_MD_CTX_free(context);
    return done;
}

static bool sign_digest(const struct key *key, const void *digest, size_t size, uint8_t *out,
                        size_t *out_size)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key->pkey, NULL);
    bool done = context && EVP_PKEY_sign_init(context) > 0 && set_pss(key, context) &&
                EVP_PKEY_sign(context, out, out_size, digest, size) > 0;

    EVP_PKEY_CTX_free(context);
    return done;
}

otter_status signature_make(const struct key *key, const void *message, size_t size,
                            struct bytes *signature, struct failure *failure)
{
    uint8_t out[512];
    size_t out_size = sizeof out;
    bool done;

    if (!key->is_private)
        return failed(failure, OTTER_E_KEY, "a public key cannot sign; give the private key");
    if (key->type == KEY_X25519)
        return failed(failure, OTTER_E_KEY,
                      "X25519 keys encrypt and cannot sign; "
                      "make another with `otter keygen -t ed25519`");
    done = key->type == KEY_ED25519 ? sign_ed25519(key, message, size, out, &out_size)
                                    : sign_digest(key, message, size, out, &out_size);
    if (!done)
        return failed_openssl(failure, "cannot sign");
    bytes_append(signature, out, out_size);
    return OTTER_OK;
}

/* The DER sequence without what --pad-sig put behind it. */
static size_t without_padding(const uint8_t *der, size_t size)
{
    size_t length = size >= 2 && der[0] == 0x30 && der[1] < 0x80 ? 2u + der[1] : size;

    if (length > size)
        return size;
    for (size_t i = length; i < size; i++)
        if (der[i] != 0)
            return size;
    return length;
}

static bool verify_ed25519(const struct key *key, const void *message, size_t size,
                           const uint8_t *signature, size_t signature_size)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool good = context && EVP_DigestVerifyInit(context, NULL, NULL, NULL, key->pkey) > 0 &&
                EVP_DigestVerify(context, signature, signature_size, message, size) == 1;

    EVP_MD_CTX_free(context);
    return good;
}

static bool verify_digest(const struct key *key, const void *digest, size_t size,
                          const uint8_t *signature, size_t signature_size)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key->pkey, NULL);
    bool good = context && EVP_PKEY_verify_init(context) > 0 && set_pss(key, context) &&
                EVP_PKEY_verify(context, signature, signature_size, digest, size) == 1;

    EVP_PKEY_CTX_free(context);
    return good;
}

otter_status signature_verify(const struct key *key, const void *message, size_t size,
                              const uint8_t *signature, size_t signature_size)
{
    bool good;

    if (key->type == KEY_X25519)
        return OTTER_E_SIGNATURE;
    if (key->type == KEY_P256 || key->type == KEY_P384)
        signature_size = without_padding(signature, signature_size);
    good = key->type == KEY_ED25519 ? verify_ed25519(key, message, size, signature, signature_size)
                                    : verify_digest(key, message, size, signature, signature_size);
    ERR_clear_error();
    return good ? OTTER_OK : OTTER_E_SIGNATURE;
}
