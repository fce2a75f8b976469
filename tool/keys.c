/* Keys in and out of files. */
#include "tool/keys.h"

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/encoder.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

#include "tool/file.h"

/* What OpenSSL's own programs ask for. */
#define PASS_PHRASE_MIN 4
#define PASS_PHRASE_MAX 1023

static const struct {
    const char *name;
    const char *short_name;
    const char *signature;
    const char *algorithm;
    int bits;           /* of RSA keys */
    const char *groups; /* of elliptic curves: OpenSSL's name, and the one it also takes */
} types[] = {
    [KEY_P256] = {"ecdsa-p256", "ecdsa", "ECDSA256_SHA256", "EC", 0, "prime256v1 P-256"},
    [KEY_P384] = {"ecdsa-p384", "ecdsap384", "ECDSA384_SHA384", "EC", 0, "secp384r1 P-384"},
    [KEY_ED25519] = {"ed25519", "ed25519", "ED25519", "ED25519", 0, NULL},
    [KEY_RSA_2048] = {"rsa-2048", "rsa", "PKCS1_PSS_RSA2048_SHA256", "RSA", 2048, NULL},
    [KEY_RSA_3072] = {"rsa-3072", "rsa", "PKCS1_PSS_RSA3072_SHA256", "RSA", 3072, NULL},
    [KEY_X25519] = {"x25519", "x25519", "X25519", "X25519", 0, NULL},
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

const char *key_signature_name(enum key_type type)
{
    return types[type].signature;
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

static bool is_rsa(enum key_type type)
{
    return type == KEY_RSA_2048 || type == KEY_RSA_3072;
}

otter_status key_generate(struct key *key, enum key_type type, struct failure *failure)
{
    *key = (struct key){.type = type, .is_private = true};
    switch (type) {
    case KEY_P256:
        key->pkey = EVP_EC_gen("P-256");
        break;
    case KEY_P384:
        key->pkey = EVP_EC_gen("P-384");
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

static bool is_of_group(const EVP_PKEY *pkey, const char *groups)
{
    char group[32];

    return EVP_PKEY_get_group_name(pkey, group, sizeof group, NULL) == 1 &&
           strstr(groups, group) != NULL;
}

static otter_status find_type(struct key *key, struct failure *failure)
{
    for (int i = 0; i < TYPE_COUNT; i++) {
        if (!EVP_PKEY_is_a(key->pkey, types[i].algorithm))
            continue;
        if (types[i].groups && !is_of_group(key->pkey, types[i].groups))
            continue;
        if (types[i].bits != 0 && EVP_PKEY_get_bits(key->pkey) != types[i].bits)
            continue;
        key->type = (enum key_type)i;
        return OTTER_OK;
    }
    return failed(
        failure, OTTER_E_UNSUPPORTED,
        "the key is of a kind that images do not use; use ECDSA P-256 or P-384, Ed25519, RSA-2048, "
        "RSA-3072 or X25519");
}

/* --- pass phrases ---------------------------------------------------------------------------- */

struct pass_phrase {
    const char *path;
    char text[PASS_PHRASE_MAX + 1];
    enum { NOT_ASKED, TYPED, NOT_TYPED } state;
};

static bool type_in(const char *prompt, const char *path, char text[PASS_PHRASE_MAX + 1])
{
    char line[512];

    snprintf(line, sizeof line, "%s '%.400s': ", prompt, path);
    return EVP_read_pw_string_min(text, 0, PASS_PHRASE_MAX, line, 0) == 0;
}

/* OpenSSL may ask more than once; the person is asked once. */
static int give_pass_phrase(char *buffer, int size, int writing, void *context)
{
    struct pass_phrase *phrase = context;
    size_t length;

    (void)writing;
    if (phrase->state == NOT_ASKED)
        phrase->state = type_in("Pass phrase of", phrase->path, phrase->text) ? TYPED : NOT_TYPED;
    length = strlen(phrase->text);
    if (phrase->state != TYPED || length > (size_t)size)
        return -1;
    memcpy(buffer, phrase->text, length);
    return (int)length;
}

static otter_status new_pass_phrase(struct pass_phrase *phrase, struct failure *failure)
{
    char again[PASS_PHRASE_MAX + 1];
    char prompt[64];
    bool typed, same;

    snprintf(prompt, sizeof prompt, "New pass phrase (%d characters or more) for", PASS_PHRASE_MIN);
    typed = type_in(prompt, phrase->path, phrase->text);
    if (typed && strlen(phrase->text) < PASS_PHRASE_MIN)
        return failed(failure, OTTER_E_ARGUMENT,
                      "the pass phrase for '%s' has %zu characters; it must have %d to %d",
                      phrase->path, strlen(phrase->text), PASS_PHRASE_MIN, PASS_PHRASE_MAX);
    typed = typed && type_in("The same again, for", phrase->path, again);
    same = typed && strcmp(phrase->text, again) == 0;
    OPENSSL_cleanse(again, sizeof again);
    ERR_clear_error();
    if (!typed)
        return failed(failure, OTTER_E_ARGUMENT, "no pass phrase for '%s' was typed", phrase->path);
    if (!same)
        return failed(failure, OTTER_E_ARGUMENT, "the two pass phrases for '%s' differ; try again",
                      phrase->path);
    phrase->state = TYPED;
    return OTTER_OK;
}

/* --- PEM ------------------------------------------------------------------------------------- */

static otter_status fail_read(const struct pass_phrase *phrase, struct failure *failure)
{
    if (phrase->state == NOT_ASKED)
        return failed_openssl(failure, "not a PEM file with a key");
    ERR_clear_error();
    return failed(failure, OTTER_E_KEY,
                  phrase->state == TYPED ? "wrong pass phrase"
                                         : "it is locked, and no pass phrase was typed");
}

static otter_status parse(struct key *key, const struct bytes *pem, struct pass_phrase *phrase,
                          struct failure *failure)
{
    BIO *bio = BIO_new_mem_buf(pem->data, (int)pem->size);

    *key = (struct key){0};
    key->pkey = PEM_read_bio_PrivateKey(bio, NULL, give_pass_phrase, phrase);
    key->is_private = key->pkey != NULL;
    if (!key->pkey && phrase->state == NOT_ASKED) {
        (void)BIO_reset(bio);
        key->pkey = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
    }
    BIO_free(bio);
    if (!key->pkey)
        return fail_read(phrase, failure);
    if (find_type(key, failure) == OTTER_OK)
        return OTTER_OK;
    key_free(key);
    return OTTER_E_UNSUPPORTED;
}

otter_status key_read(struct key *key, const char *path, struct failure *failure)
{
    struct bytes pem = {0};
    struct pass_phrase phrase = {.path = path};
    struct failure reason;
    otter_status status = file_read(path, &pem, failure);

    *key = (struct key){0};
    if (status == OTTER_OK) {
        status = parse(key, &pem, &phrase, &reason);
        if (status != OTTER_OK)
            failed(failure, status, "key '%s': %.400s", path, reason.text);
    }
    if (pem.data)
        OPENSSL_cleanse(pem.data, pem.size);
    OPENSSL_cleanse(&phrase, sizeof phrase);
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

otter_status key_private_pem(const struct key *key, const char *lock_path, struct bytes *pem,
                             struct failure *failure)
{
    struct pass_phrase phrase = {.path = lock_path};
    const EVP_CIPHER *lock = lock_path ? EVP_aes_256_cbc() : NULL;
    otter_status status = OTTER_OK;

    if (!key->is_private)
        return failed(failure, OTTER_E_KEY, "this is a public key; the private one is needed");
    if (lock_path)
        status = new_pass_phrase(&phrase, failure);
    if (status == OTTER_OK) {
        BIO *bio = BIO_new(BIO_s_mem());
        int written =
            PEM_write_bio_PKCS8PrivateKey(bio, key->pkey, lock, NULL, 0, give_pass_phrase, &phrase);
        status = take_bio(bio, written, pem, failure);
    }
    OPENSSL_cleanse(&phrase, sizeof phrase);
    return status;
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
    int size =
        is_rsa(key->type) ? i2d_PublicKey(key->pkey, &encoded) : i2d_PUBKEY(key->pkey, &encoded);

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

/* Of an RSAPrivateKey (RFC 8017, A.1.2) the version, n, e, d, p and q: what imgtool leaves. */
static otter_status cut_to_minimal_rsa(struct bytes *der, struct failure *failure)
{
    const unsigned char *next = der->data;
    const unsigned char *end = der->data + der->size;
    const unsigned char *first = NULL;
    struct bytes minimal = {0};
    long length;
    int tag, class;

    for (int i = 0; i <= 6; i++) { /* the sequence, then six integers */
        if (ASN1_get_object(&next, &length, &tag, &class, end - next) & 0x80)
            return failed_openssl(failure, "cannot read the key");
        if (i == 0)
            first = next;
        else
            next += length;
    }
    length = next - first;
    bytes_append(&minimal, (const uint8_t[]){0x30, 0x82, (uint8_t)(length >> 8), (uint8_t)length},
                 4);
    bytes_append(&minimal, first, (size_t)length);
    OPENSSL_cleanse(der->data, der->size);
    bytes_free(der);
    *der = minimal;
    return OTTER_OK;
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
    if (minimal && is_rsa(key->type) && !traditional)
        return failed(failure, OTTER_E_UNSUPPORTED,
                      "PKCS#8 holds a whole RSA key; `--minimal` goes with `-f openssl`");
    copy = EVP_PKEY_dup(key->pkey);
    if (!copy)
        return failed_openssl(failure, "cannot copy the key");
    if (minimal && types[key->type].groups)
        EVP_PKEY_set_int_param(copy, OSSL_PKEY_PARAM_EC_INCLUDE_PUBLIC, 0);
    status = encode_private(copy, traditional ? "type-specific" : "PrivateKeyInfo", der, failure);
    EVP_PKEY_free(copy);
    if (status == OTTER_OK && minimal && is_rsa(key->type))
        status = cut_to_minimal_rsa(der, failure);
    return status;
}

void key_free(struct key *key)
{
    EVP_PKEY_free(key->pkey);
    *key = (struct key){0};
}
