/* Keys in and out of files. */
#include "tool/keys.h"

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/encoder.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>

#include "tool/file.h"

static const struct {
    const char *name;
    const char *short_name;
    const char *algorithm;
    int bits;
} types[] = {
    [KEY_P256] = {"ecdsa-p256", "ecdsa", "EC", 256},
    [KEY_ED25519] = {"ed25519", "ed25519", "ED25519", 0},
    [KEY_RSA_2048] = {"rsa-2048", "rsa", "RSA", 2048},
    [KEY_RSA_3072] = {"rsa-3072", "rsa", "RSA", 3072},
    [KEY_X25519] = {"x25519", "x25519", "X25519", 0},
};

enum { TYPE_COUNT = sizeof types / sizeof *types };

const char *key_type_name(enum key_type type)
{
    return types[type].name;
}

const char *key_short_name(enum key_type type)
{
    return types[type].short_name;
}

bool key_type_parse(const char *name, enum key_type *type)
{
    for (int i = 0; i < TYPE_COUNT; i++) {
        if (strcmp(types[i].name, name) == 0) {
            *type = (enum key_type)i;
            return true;
        }
    }
    return false;
}

otter_status key_generate(struct key *key, enum key_type type, struct failure *failure)
{
    *key = (struct key){.type = type, .is_private = true};
    switch (type) {
    case KEY_P256:
        key->pkey = EVP_EC_gen("P-256");
        break;
    case KEY_RSA_2048:
    case KEY_RSA_3072:
        key->pkey = EVP_RSA_gen((unsigned)types[type].bits);
        break;
    default:
        key->pkey = EVP_PKEY_Q_keygen(NULL, NULL, types[type].algorithm);
        break;
    }
    return key->pkey ? OTTER_OK : failed_openssl(failure, "cannot make a key");
}

static bool is_p256(const EVP_PKEY *pkey)
{
    char group[32];

    return EVP_PKEY_get_group_name(pkey, group, sizeof group, NULL) == 1 &&
           (strcmp(group, "prime256v1") == 0 || strcmp(group, "P-256") == 0);
}

static otter_status find_type(struct key *key, struct failure *failure)
{
    for (int i = 0; i < TYPE_COUNT; i++) {
        if (!EVP_PKEY_is_a(key->pkey, types[i].algorithm))
            continue;
        if (i == KEY_P256 ? !is_p256(key->pkey)
                          : types[i].bits != 0 && EVP_PKEY_get_bits(key->pkey) != types[i].bits)
            continue;
        key->type = (enum key_type)i;
        return OTTER_OK;
    }
    return failed(
        failure, OTTER_E_UNSUPPORTED,
        "the key is of a kind that images do not use; use ECDSA P-256, Ed25519, RSA-2048, "
        "RSA-3072 or X25519");
}

otter_status key_parse(struct key *key, const void *pem, size_t size, struct failure *failure)
{
    BIO *bio = BIO_new_mem_buf(pem, (int)size);

    *key = (struct key){0};
    key->pkey = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    key->is_private = key->pkey != NULL;
    if (!key->pkey) {
        (void)BIO_reset(bio);
        key->pkey = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
    }
    BIO_free(bio);
    if (!key->pkey)
        return failed_openssl(failure, "not a PEM file with a key, or a wrong pass phrase");
    if (find_type(key, failure) == OTTER_OK)
        return OTTER_OK;
    key_free(key);
    return OTTER_E_UNSUPPORTED;
}

otter_status key_read(struct key *key, const char *path, struct failure *failure)
{
    struct bytes pem = {0};
    struct failure reason;
    otter_status status = file_read(path, &pem, failure);

    *key = (struct key){0};
    if (status == OTTER_OK) {
        status = key_parse(key, pem.data, pem.size, &reason);
        if (status != OTTER_OK)
            failed(failure, status, "key '%s': %.400s", path, reason.text);
    }
    if (pem.data)
        OPENSSL_cleanse(pem.data, pem.size);
    bytes_free(&pem);
    return status;
}

static otter_status take_bio(BIO *bio, int written, struct bytes *bytes, struct failure *failure)
{
    char *data;
    long size = BIO_get_mem_data(bio, &data);

    if (written == 1)
        bytes_append(bytes, data, (size_t)size);
    BIO_free(bio);
    return written == 1 ? OTTER_OK : failed_openssl(failure, "cannot write the key");
}

otter_status key_private_pem(const struct key *key, bool with_password, struct bytes *pem,
                             struct failure *failure)
{
    BIO *bio = BIO_new(BIO_s_mem());
    const EVP_CIPHER *lock = with_password ? EVP_aes_256_cbc() : NULL;
    int written;

    if (!key->is_private) {
        BIO_free(bio);
        return failed(failure, OTTER_E_KEY, "this is a public key; the private one is needed");
    }
    written = PEM_write_bio_PKCS8PrivateKey(bio, key->pkey, lock, NULL, 0, NULL, NULL);
    return take_bio(bio, written, pem, failure);
}

otter_status key_public_pem(const struct key *key, struct bytes *pem, struct failure *failure)
{
    BIO *bio = BIO_new(BIO_s_mem());
    return take_bio(bio, PEM_write_bio_PUBKEY(bio, key->pkey), pem, failure);
}

static otter_status take_der(unsigned char *encoded, int size, struct bytes *der,
                             struct failure *failure)
{
    if (size <= 0)
        return failed_openssl(failure, "cannot encode the key");
    bytes_append(der, encoded, (size_t)size);
    OPENSSL_clear_free(encoded, (size_t)size);
    return OTTER_OK;
}

otter_status key_public_der(const struct key *key, struct bytes *der, struct failure *failure)
{
    unsigned char *encoded = NULL;
    bool rsa = key->type == KEY_RSA_2048 || key->type == KEY_RSA_3072;
    int size = rsa ? i2d_PublicKey(key->pkey, &encoded) : i2d_PUBKEY(key->pkey, &encoded);

    return take_der(encoded, size, der, failure);
}

static otter_status encode_private(EVP_PKEY *pkey, const char *structure, struct bytes *der,
                                   struct failure *failure)
{
    unsigned char *encoded = NULL;
    size_t size = 0;
    OSSL_ENCODER_CTX *encoder =
        OSSL_ENCODER_CTX_new_for_pkey(pkey, EVP_PKEY_KEYPAIR, "DER", structure, NULL);
    int written = encoder && OSSL_ENCODER_to_data(encoder, &encoded, &size);

    OSSL_ENCODER_CTX_free(encoder);
    return take_der(encoded, written ? (int)size : 0, der, failure);
}

otter_status key_private_der(const struct key *key, bool traditional, bool minimal,
                             struct bytes *der, struct failure *failure)
{
    otter_status status;
    EVP_PKEY *copy;

    if (!key->is_private)
        return failed(failure, OTTER_E_KEY, "this is a public key; the private one is needed");
    if (traditional && (key->type == KEY_X25519 || key->type == KEY_ED25519))
        return failed(failure, OTTER_E_UNSUPPORTED,
                      "%s keys have no form of their own; use `-f pkcs8`",
                      key_type_name(key->type));
    copy = EVP_PKEY_dup(key->pkey);
    if (!copy)
        return failed_openssl(failure, "cannot copy the key");
    if (minimal && key->type == KEY_P256)
        EVP_PKEY_set_int_param(copy, OSSL_PKEY_PARAM_EC_INCLUDE_PUBLIC, 0);
    status = encode_private(copy, traditional ? "type-specific" : "PrivateKeyInfo", der, failure);
    EVP_PKEY_free(copy);
    return status;
}

void key_free(struct key *key)
{
    EVP_PKEY_free(key->pkey);
    *key = (struct key){0};
}
