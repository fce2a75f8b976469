/* ECIES on P-256 and X25519, RSA-OAEP, AES-CTR: how the image tool of MCUboot uses them. */
#include "tool/encryption.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/kdf.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <string.h>

#include "tool/tlv.h"

#define SECRET_SIZE 32u

/* One ECIES scheme: what its TLV is made of. */
struct scheme {
    uint16_t tlv_type;
    enum key_type key_type;
    const char *hash;
    size_t public_size;
    size_t tag_size;
};

static const struct scheme schemes[] = {
    {IMAGE_TLV_ENC_EC256, KEY_P256, "SHA256", 65, 32},
    {TLV_ENC_X25519, KEY_X25519, "SHA256", 32, 32},
    {TLV_ENC_X25519_SHA512, KEY_X25519, "SHA512", 32, 64},
};

/* What HKDF makes of the shared secret. */
struct session {
    uint8_t keys[IMAGE_KEY_SIZE_MAX + 64];
    size_t cipher_size;
    size_t mac_size;
};

otter_status image_key_generate(struct image_cipher_key *key, size_t size, struct failure *failure)
{
    key->size = size;
    return RAND_priv_bytes(key->data, (int)size) == 1
               ? OTTER_OK
               : failed_openssl(failure, "no random numbers");
}

otter_status image_key_crypt(const struct image_cipher_key *key, uint8_t *payload, size_t size,
                             struct failure *failure)
{
    static const uint8_t zero_counter[16];
    const EVP_CIPHER *cipher = key->size == 32 ? EVP_aes_256_ctr() : EVP_aes_128_ctr();
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    int done = 0;
    bool good = context &&
                EVP_EncryptInit_ex(context, cipher, NULL, key->data, zero_counter) == 1 &&
                EVP_EncryptUpdate(context, payload, &done, payload, (int)size) == 1;

    EVP_CIPHER_CTX_free(context);
    return good ? OTTER_OK : failed_openssl(failure, "cannot run AES-CTR");
}

static bool agree(EVP_PKEY *mine, EVP_PKEY *theirs, uint8_t secret[SECRET_SIZE])
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(mine, NULL);
    size_t size = SECRET_SIZE;
    bool done = context && EVP_PKEY_derive_init(context) > 0 &&
                EVP_PKEY_derive_set_peer(context, theirs) > 0 &&
                EVP_PKEY_derive(context, secret, &size) > 0 && size == SECRET_SIZE;

    EVP_PKEY_CTX_free(context);
    return done;
}

static bool expand(const struct scheme *scheme, uint8_t secret[SECRET_SIZE],
                   struct session *session)
{
    static char info[] = "MCUBoot_ECIES_v1";
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)scheme->hash, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, secret, SECRET_SIZE),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info, strlen(info)),
        OSSL_PARAM_construct_end(),
    };
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    EVP_KDF_CTX *context = EVP_KDF_CTX_new(kdf);
    bool done = context && EVP_KDF_derive(context, session->keys,
                                          session->cipher_size + session->mac_size, parameters) > 0;

    EVP_KDF_CTX_free(context);
    EVP_KDF_free(kdf);
    return done;
}

static bool start_session(const struct scheme *scheme, EVP_PKEY *mine, EVP_PKEY *theirs,
                          size_t cipher_size, struct session *session)
{
    uint8_t secret[SECRET_SIZE];
    bool done;

    session->cipher_size = cipher_size;
    session->mac_size = scheme->tag_size;
    done = agree(mine, theirs, secret) && expand(scheme, secret, session);
    OPENSSL_cleanse(secret, sizeof secret);
    return done;
}

static bool make_tag(const struct scheme *scheme, const struct session *session,
                     const uint8_t *wrapped, uint8_t tag[64])
{
    return EVP_Q_mac(NULL, "HMAC", NULL, scheme->hash, NULL, session->keys + session->cipher_size,
                     session->mac_size, wrapped, session->cipher_size, tag, 64, NULL) != NULL;
}

static otter_status crypt_image_key(const struct session *session, uint8_t *image_key,
                                    struct failure *failure)
{
    struct image_cipher_key wrapping = {.size = session->cipher_size};

    memcpy(wrapping.data, session->keys, session->cipher_size);
    return image_key_crypt(&wrapping, image_key, session->cipher_size, failure);
}

static bool append_public(EVP_PKEY *pkey, size_t size, struct bytes *tlv)
{
    unsigned char *encoded = NULL;
    size_t encoded_size = EVP_PKEY_get1_encoded_public_key(pkey, &encoded);

    if (encoded_size == size)
        bytes_append(tlv, encoded, size);
    OPENSSL_free(encoded);
    return encoded_size == size;
}

static otter_status wrap_ecies(const struct scheme *scheme, const struct image_cipher_key *key,
                               EVP_PKEY *ephemeral, EVP_PKEY *recipient, struct bytes *tlv,
                               struct failure *failure)
{
    struct session session = {0};
    struct image_cipher_key wrapped = *key;
    uint8_t tag[64];
    otter_status status;

    if (!start_session(scheme, ephemeral, recipient, key->size, &session))
        return failed_openssl(failure, "cannot agree on a key with the device's");
    status = crypt_image_key(&session, wrapped.data, failure);
    if (status != OTTER_OK)
        return status;
    if (!make_tag(scheme, &session, wrapped.data, tag) ||
        !append_public(ephemeral, scheme->public_size, tlv))
        return failed_openssl(failure, "cannot wrap the image's key");
    bytes_append(tlv, tag, scheme->tag_size);
    bytes_append(tlv, wrapped.data, wrapped.size);
    OPENSSL_cleanse(&session, sizeof session);
    return OTTER_OK;
}

static bool set_oaep(EVP_PKEY_CTX *context)
{
    return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) > 0 &&
           EVP_PKEY_CTX_set_rsa_oaep_md(context, EVP_sha256()) > 0 &&
           EVP_PKEY_CTX_set_rsa_mgf1_md(context, EVP_sha256()) > 0;
}

static otter_status wrap_rsa(const struct image_cipher_key *key, EVP_PKEY *recipient,
                             struct bytes *tlv, struct failure *failure)
{
    uint8_t out[256];
    size_t size = sizeof out;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(recipient, NULL);
    bool done = context && EVP_PKEY_encrypt_init(context) > 0 && set_oaep(context) &&
                EVP_PKEY_encrypt(context, out, &size, key->data, key->size) > 0;

    EVP_PKEY_CTX_free(context);
    if (!done)
        return failed_openssl(failure, "cannot wrap the image's key");
    bytes_append(tlv, out, size);
    return OTTER_OK;
}

static const struct scheme *scheme_for_key(enum key_type type, bool sha512)
{
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
        if (schemes[i].key_type == type && (schemes[i].tag_size == 64) == sha512)
            return &schemes[i];
    return NULL;
}

otter_status image_key_wrap(const struct image_cipher_key *key, const struct key *recipient,
                            const struct key *ephemeral, bool sha512, uint16_t *tlv_type,
                            struct bytes *tlv, struct failure *failure)
{
    const struct scheme *scheme = scheme_for_key(recipient->type, sha512);
    struct key fresh = {0};
    otter_status status = OTTER_OK;

    if (recipient->type == KEY_RSA_2048 && !sha512) {
        *tlv_type = TLV_ENC_RSA2048;
        return wrap_rsa(key, recipient->pkey, tlv, failure);
    }
    if (!scheme)
        return failed(failure, OTTER_E_UNSUPPORTED,
                      "images cannot be encrypted for a key of type %s%s",
                      key_type_name(recipient->type), sha512 ? " with HMAC-SHA512" : "");
    if (!ephemeral) {
        status = key_generate(&fresh, recipient->type, failure);
        ephemeral = &fresh;
    }
    *tlv_type = scheme->tlv_type;
    if (status == OTTER_OK)
        status = wrap_ecies(scheme, key, ephemeral->pkey, recipient->pkey, tlv, failure);
    key_free(&fresh);
    return status;
}

static EVP_PKEY *import_public(const struct key *like, const uint8_t *encoded, size_t size)
{
    EVP_PKEY *pkey;

    if (like->type == KEY_X25519)
        return EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, encoded, size);
    pkey = EVP_PKEY_new();
    if (pkey && EVP_PKEY_copy_parameters(pkey, like->pkey) > 0 &&
        EVP_PKEY_set1_encoded_public_key(pkey, encoded, size) > 0)
        return pkey;
    EVP_PKEY_free(pkey);
    return NULL;
}

static otter_status unwrap_ecies(struct image_cipher_key *key, const struct scheme *scheme,
                                 const struct key *device, const uint8_t *tlv,
                                 struct failure *failure)
{
    const uint8_t *tag = tlv + scheme->public_size;
    const uint8_t *wrapped = tag + scheme->tag_size;
    struct session session = {0};
    uint8_t expected[64];
    EVP_PKEY *theirs = import_public(device, tlv, scheme->public_size);
    bool good = theirs && start_session(scheme, device->pkey, theirs, key->size, &session) &&
                make_tag(scheme, &session, wrapped, expected) &&
                CRYPTO_memcmp(expected, tag, scheme->tag_size) == 0;

    EVP_PKEY_free(theirs);
    ERR_clear_error();
    if (!good)
        return failed(failure, OTTER_E_KEY, "the image is encrypted for another key");
    memcpy(key->data, wrapped, key->size);
    return crypt_image_key(&session, key->data, failure);
}

static otter_status unwrap_rsa(struct image_cipher_key *key, const struct key *device,
                               const uint8_t *tlv, size_t size, struct failure *failure)
{
    uint8_t out[256];
    size_t out_size = sizeof out;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(device->pkey, NULL);
    bool good = context && EVP_PKEY_decrypt_init(context) > 0 && set_oaep(context) &&
                EVP_PKEY_decrypt(context, out, &out_size, tlv, size) > 0 &&
                (out_size == 16 || out_size == 32);

    EVP_PKEY_CTX_free(context);
    ERR_clear_error();
    if (!good)
        return failed(failure, OTTER_E_KEY, "the image is encrypted for another key");
    key->size = out_size;
    memcpy(key->data, out, out_size);
    return OTTER_OK;
}

otter_status image_key_unwrap(struct image_cipher_key *key, const struct key *device,
                              uint16_t tlv_type, const uint8_t *tlv, size_t size,
                              struct failure *failure)
{
    if (!device->is_private)
        return failed(failure, OTTER_E_KEY, "a public key cannot decrypt; give the private key");
    if (tlv_type == TLV_ENC_RSA2048 && device->type == KEY_RSA_2048)
        return unwrap_rsa(key, device, tlv, size, failure);
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        size_t fixed = schemes[i].public_size + schemes[i].tag_size;
        if (schemes[i].tlv_type != tlv_type || schemes[i].key_type != device->type)
            continue;
        key->size = size > fixed ? size - fixed : 0;
        if (key->size != 16 && key->size != 32)
            return failed(failure, OTTER_E_MALFORMED, "the %s TLV has a wrong length (%zu bytes)",
                          tlv_name(tlv_type), size);
        return unwrap_ecies(key, &schemes[i], device, tlv, failure);
    }
    return failed(failure, OTTER_E_KEY, "a key of type %s cannot open the image's %s TLV",
                  key_type_name(device->type), tlv_name(tlv_type) ? tlv_name(tlv_type) : "unknown");
}
