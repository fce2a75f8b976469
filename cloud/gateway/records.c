/* Keys out of a handshake; sealing and opening with them. */
#include "cloud/gateway/records.h"

#include <event2/buffer.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/loop/tls_library.h"

#define HEADER        5u
#define TAG           16u
#define EXPLICIT      8u /* of a nonce of AES-GCM in TLS 1.2 */
#define NONCE         12u
#define SALT          4u /* of that nonce */
#define KEY_MAX       32u
#define SECRET_MAX    48u
#define PLAIN_MAX     16384u
#define PARTS_MAX     16u
#define SILENT_MAX    32u /* records in a row that say nothing, as OpenSSL has it */
#define VERSION       0x0303u
#define MASTER_SECRET 48u

enum content { CHANGE_CIPHER = 20, ALERT = 21, HANDSHAKE = 22, DATA = 23 };

enum alert {
    CLOSE_NOTIFY = 0,
    UNEXPECTED_MESSAGE = 10,
    BAD_RECORD_MAC = 20,
    RECORD_OVERFLOW = 22,
    DECODE_ERROR = 50,
    INTERNAL_ERROR = 80,
    USER_CANCELED = 90,
    NO_RENEGOTIATION = 100
};

/* Messages of a handshake. */
#define CLIENT_HELLO 1u
#define KEY_UPDATE   24u

static struct suite {
    int nid;
    const char *name;
    size_t key;
    bool has_explicit; /* nonces, in TLS 1.2 */
    EVP_CIPHER *cipher;
} suites[] = {
    {NID_aes_128_gcm, "AES-128-GCM", 16, true, NULL},
    {NID_aes_256_gcm, "AES-256-GCM", 32, true, NULL},
    {NID_chacha20_poly1305, "ChaCha20-Poly1305", 32, false, NULL},
};

/* One direction. */
struct way {
    EVP_CIPHER_CTX *context; /* NULL: to be made of the key */
    uint64_t number;         /* of the next record */
    uint8_t secret[SECRET_MAX], key[KEY_MAX], nonce[NONCE];
};

struct records {
    const struct suite *suite;
    const EVP_MD *digest;
    bool is_1_3;
    uint8_t silent; /* records that said nothing, since one did */
    uint8_t alert;  /* for records_close */
    uint16_t piece; /* bytes in a record, at most */
    size_t explicit_size;
    struct way in, out;
};

/* ---- keys ---- */

static bool derive(const char *kind, const OSSL_PARAM *parts, uint8_t *key, size_t size)
{
    EVP_KDF *function = EVP_KDF_fetch(tls_library(), kind, NULL);
    EVP_KDF_CTX *context = EVP_KDF_CTX_new(function);
    const bool derived = context && EVP_KDF_derive(context, key, size, parts) == 1;
    EVP_KDF_CTX_free(context);
    EVP_KDF_free(function);
    return derived;
}

static OSSL_PARAM octets(const char *name, const void *bytes, size_t size)
{
    return OSSL_PARAM_construct_octet_string(name, (void *)bytes, size);
}

static OSSL_PARAM digest_of(const struct records *records)
{
    return OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST,
                                            (char *)EVP_MD_get0_name(records->digest), 0);
}

/* HKDF-Expand-Label with an empty context (RFC 8446, 7.1). */
static bool expand(const struct records *records, const uint8_t *secret, const char *label,
                   uint8_t *out, size_t size)
{
    uint8_t info[32] = {(uint8_t)(size >> 8), (uint8_t)size, (uint8_t)(6 + strlen(label))};
    int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
    snprintf((char *)info + 3, sizeof info - 3, "tls13 %s", label);
    const OSSL_PARAM parts[] = {
        OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode), digest_of(records),
        octets(OSSL_KDF_PARAM_KEY, secret, (size_t)EVP_MD_get_size(records->digest)),
        octets(OSSL_KDF_PARAM_INFO, info, 10 + strlen(label)), OSSL_PARAM_construct_end()};
    return derive(OSSL_KDF_NAME_HKDF, parts, out, size);
}

static void rest(struct way *way)
{
    EVP_CIPHER_CTX_free(way->context);
    way->context = NULL;
}

static bool begin_1_3(const struct records *records, struct way *way)
{
    rest(way);
    way->number = 0;
    return expand(records, way->secret, "key", way->key, records->suite->key) &&
           expand(records, way->secret, "iv", way->nonce, NONCE);
}

static bool change_key(const struct records *records, struct way *way)
{
    uint8_t next[SECRET_MAX];
    const size_t size = (size_t)EVP_MD_get_size(records->digest);
    const bool made = expand(records, way->secret, "traffic upd", next, size);
    memcpy(way->secret, next, size);
    OPENSSL_cleanse(next, sizeof next);
    return made && begin_1_3(records, way);
}

/* The key block (RFC 5246, 6.3): the client's key, the server's, and what their nonces begin with.
 */
static bool begin_1_2(struct records *records, const SSL *ssl)
{
    uint8_t block[2 * (KEY_MAX + NONCE)], master[MASTER_SECRET], seed[13 + 2 * SSL3_RANDOM_SIZE];
    const size_t key = records->suite->key, salt = records->suite->has_explicit ? SALT : NONCE;
    snprintf((char *)seed, sizeof seed, "key expansion");
    SSL_get_server_random(ssl, seed + 13, SSL3_RANDOM_SIZE);
    SSL_get_client_random(ssl, seed + 13 + SSL3_RANDOM_SIZE, SSL3_RANDOM_SIZE);
    const OSSL_PARAM parts[] = {
        digest_of(records), octets(OSSL_KDF_PARAM_SECRET, master, sizeof master),
        octets(OSSL_KDF_PARAM_SEED, seed, sizeof seed), OSSL_PARAM_construct_end()};
    const bool made =
        SSL_SESSION_get_master_key(SSL_get_session(ssl), master, sizeof master) == sizeof master &&
        derive(OSSL_KDF_NAME_TLS1_PRF, parts, block, 2 * (key + salt));
    memcpy(records->in.key, block, key);
    memcpy(records->out.key, block + key, key);
    memcpy(records->in.nonce, block + 2 * key, salt);
    memcpy(records->out.nonce, block + 2 * key + salt, salt);
    records->in.number = records->out.number = 1; /* Finished was the first */
    records->explicit_size = records->suite->has_explicit ? EXPLICIT : 0;
    OPENSSL_cleanse(block, sizeof block);
    OPENSSL_cleanse(master, sizeof master);
    return made;
}

/* ---- from a handshake ---- */

/* Secrets of TLS 1.3, kept with the SSL until they are taken. */
struct noted {
    bool has_in, has_out;
    uint8_t in[SECRET_MAX], out[SECRET_MAX];
};

static int noted_index = -1;

static void free_noted(void *parent, void *noted, CRYPTO_EX_DATA *data, int index, long number,
                       void *pointer)
{
    (void)parent, (void)data, (void)index, (void)number, (void)pointer;
    OPENSSL_clear_free(noted, sizeof(struct noted));
}

/* A line of the key log: LABEL, the client's random number, the secret; in hex. */
static bool read_secret(const char *line, const char *label, uint8_t *secret)
{
    size_t size;
    if (strncmp(line, label, strlen(label)) != 0)
        return false;
    const char *hex = strrchr(line, ' ');
    return hex && OPENSSL_hexstr2buf_ex(secret, SECRET_MAX, &size, hex + 1, 0) == 1;
}

static void note(const SSL *ssl, const char *line)
{
    struct noted *noted = SSL_get_ex_data(ssl, noted_index);
    if (SSL_version(ssl) != TLS1_3_VERSION)
        return;
    if (!noted) {
        noted = OPENSSL_zalloc(sizeof *noted);
        if (!noted || SSL_set_ex_data((SSL *)ssl, noted_index, noted) != 1) {
            OPENSSL_free(noted);
            return;
        }
    }
    noted->has_in |= read_secret(line, "CLIENT_TRAFFIC_SECRET_0 ", noted->in);
    noted->has_out |= read_secret(line, "SERVER_TRAFFIC_SECRET_0 ", noted->out);
}

bool records_prepare(SSL_CTX *context)
{
    if (noted_index < 0)
        noted_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, free_noted);
    for (size_t i = 0; i < sizeof suites / sizeof *suites; i++)
        if (!suites[i].cipher)
            suites[i].cipher = EVP_CIPHER_fetch(tls_library(), suites[i].name, NULL);
    SSL_CTX_set_keylog_callback(context, note);
    return noted_index >= 0;
}

static bool take_secrets(struct records *records, const SSL *ssl)
{
    struct noted *noted = SSL_get_ex_data(ssl, noted_index);
    if (!noted || !noted->has_in || !noted->has_out)
        return false;
    memcpy(records->in.secret, noted->in, SECRET_MAX);
    memcpy(records->out.secret, noted->out, SECRET_MAX);
    return begin_1_3(records, &records->in) && begin_1_3(records, &records->out);
}

static bool take(struct records *records, const SSL *ssl)
{
    const SSL_CIPHER *cipher = SSL_get_current_cipher(ssl);
    const int nid = SSL_CIPHER_get_cipher_nid(cipher), version = SSL_version(ssl);
    const unsigned shorter = SSL_SESSION_get_max_fragment_length(SSL_get_session(ssl));
    for (size_t i = 0; i < sizeof suites / sizeof *suites; i++)
        if (suites[i].nid == nid && suites[i].cipher)
            records->suite = &suites[i];
    records->digest = SSL_CIPHER_get_handshake_digest(cipher);
    records->is_1_3 = version == TLS1_3_VERSION;
    records->piece = (uint16_t)(shorter ? 256u << shorter : PLAIN_MAX); /* RFC 6066, 4 */
    if (!records->suite || !records->digest || SSL_has_pending(ssl))
        return false;
    return records->is_1_3 ? take_secrets(records, ssl)
                           : version == TLS1_2_VERSION && begin_1_2(records, ssl);
}

struct records *records_take(SSL *ssl)
{
    struct records *records = calloc(1, sizeof *records);
    if (records && take(records, ssl))
        return records;
    records_free(records);
    ERR_clear_error();
    return NULL;
}

void records_free(struct records *records)
{
    if (!records)
        return;
    records_rest(records);
    OPENSSL_cleanse(records, sizeof *records);
    free(records);
}

bool records_awake(const struct records *records)
{
    return records->in.context || records->out.context;
}

void records_rest(struct records *records)
{
    rest(&records->in);
    rest(&records->out);
}

/* ---- one record ---- */

static void put_number(uint8_t *at, uint64_t number)
{
    for (int i = 7; i >= 0; i--, number >>= 8)
        at[i] = (uint8_t)number;
}

static void put_header(uint8_t *at, unsigned content, size_t length)
{
    at[0] = (uint8_t)content;
    at[1] = VERSION >> 8;
    at[2] = VERSION & 0xff;
    at[3] = (uint8_t)(length >> 8);
    at[4] = (uint8_t)length;
}

/* What is authenticated beside the bytes: in TLS 1.3 the header, before it the record's number and
 * the length of what is inside. */
static size_t additional(const struct records *records, const struct way *way, unsigned content,
                         size_t plain, uint8_t *at)
{
    if (records->is_1_3) {
        put_header(at, content, plain + TAG);
        return HEADER;
    }
    put_number(at, way->number);
    put_header(at + 8, content, plain);
    return 8 + HEADER;
}

static void make_nonce(const struct way *way, const uint8_t *explicit, uint8_t *nonce)
{
    uint8_t number[8];
    memcpy(nonce, way->nonce, NONCE);
    if (explicit) {
        memcpy(nonce + SALT, explicit, EXPLICIT);
        return;
    }
    put_number(number, way->number);
    for (size_t i = 0; i < sizeof number; i++)
        nonce[NONCE - sizeof number + i] ^= number[i];
}

static bool has_context(const struct records *records, struct way *way, int sealing)
{
    if (way->context)
        return true;
    way->context = EVP_CIPHER_CTX_new();
    if (way->context &&
        EVP_CipherInit_ex(way->context, records->suite->cipher, NULL, way->key, NULL, sealing) == 1)
        return true;
    rest(way);
    return false;
}

/* What is sealed or opened: parts of it, one after the other, which are not changed. */
struct parts {
    struct evbuffer_iovec at[PARTS_MAX];
    int count;
    size_t length;
};

static void add_part(struct parts *parts, const void *bytes, size_t length)
{
    parts->at[parts->count++] = (struct evbuffer_iovec){(void *)bytes, length};
    parts->length += length;
}

static bool update(EVP_CIPHER_CTX *context, const struct parts *from, uint8_t *to)
{
    bool updated = true;
    for (int i = 0, done; updated && i < from->count; i++) {
        updated = EVP_CipherUpdate(context, to, &done, from->at[i].iov_base,
                                   (int)from->at[i].iov_len) == 1;
        to += from->at[i].iov_len;
    }
    return updated;
}

/* The tag stands behind what is sealed, at `tag`. Takes a number. */
static bool transform(const struct records *records, struct way *way, int sealing, unsigned content,
                      const uint8_t *explicit, const struct parts *from, uint8_t *to, uint8_t *tag)
{
    uint8_t nonce[NONCE], beside[8 + HEADER];
    int done = 0, last = 0;
    if (!has_context(records, way, sealing))
        return false;
    const size_t beside_size = additional(records, way, content, from->length, beside);
    make_nonce(way, explicit, nonce);
    way->number++;
    EVP_CIPHER_CTX *context = way->context;
    return EVP_CipherInit_ex(context, NULL, NULL, NULL, nonce, sealing) == 1 &&
           (sealing || EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, TAG, tag)) &&
           EVP_CipherUpdate(context, NULL, &done, beside, (int)beside_size) == 1 &&
           update(context, from, to) &&
           EVP_CipherFinal_ex(context, to + from->length, &last) == 1 &&
           (!sealing || EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, TAG, tag));
}

/* ---- sealing ---- */

/* In TLS 1.3 all records are DATA from outside, and end with their kind. */
static bool seal(struct records *records, enum content content, struct parts *parts,
                 struct evbuffer *to)
{
    struct evbuffer_iovec room;
    const uint8_t kind = (uint8_t)content;
    const size_t before = records->explicit_size;
    const unsigned outside = records->is_1_3 ? DATA : content;
    if (records->is_1_3)
        add_part(parts, &kind, 1);
    const size_t total = HEADER + before + parts->length + TAG;
    if (evbuffer_reserve_space(to, (ev_ssize_t)total, &room, 1) != 1)
        return false;
    uint8_t *record = room.iov_base, *body = record + HEADER + before;
    put_header(record, outside, total - HEADER);
    if (before) /* OpenSSL began Finished's, the only one before these, with a random number */
        put_number(record + HEADER, records->out.number);
    room.iov_len = total;
    return transform(records, &records->out, 1, outside, before ? record + HEADER : NULL, parts,
                     body, body + parts->length) &&
           evbuffer_commit_space(to, &room, 1) == 0;
}

static bool seal_bytes(struct records *records, enum content content, const void *bytes,
                       size_t length, struct evbuffer *to)
{
    struct parts parts = {.count = 0};
    add_part(&parts, bytes, length);
    return seal(records, content, &parts, to);
}

/* What `from` begins with: `most` bytes, or fewer where they lie in many parts. */
static void find_parts(struct evbuffer *from, size_t most, struct parts *parts)
{
    struct evbuffer_iovec at[PARTS_MAX - 1]; /* with room for one more */
    const int there = evbuffer_peek(from, (ev_ssize_t)most, NULL, at, PARTS_MAX - 1);
    for (int i = 0; i < there && i < (int)PARTS_MAX - 1 && parts->length < most; i++) {
        const size_t left = most - parts->length;
        add_part(parts, at[i].iov_base, at[i].iov_len < left ? at[i].iov_len : left);
    }
}

bool records_seal(struct records *records, struct evbuffer *from, size_t most, struct evbuffer *to)
{
    const size_t there = evbuffer_get_length(from);
    for (size_t left = there < most ? there : most, piece; left > 0; left -= piece) {
        struct parts parts = {.count = 0};
        find_parts(from, left < records->piece ? left : records->piece, &parts);
        piece = parts.length;
        if (!seal(records, DATA, &parts, to) || evbuffer_drain(from, piece) != 0)
            return false;
    }
    return true;
}

void records_close(struct records *records, struct evbuffer *to)
{
    const uint8_t alert[2] = {records->alert == CLOSE_NOTIFY ? 1 : 2, records->alert};
    seal_bytes(records, ALERT, alert, sizeof alert, to);
}

/* ---- opening ---- */

static enum records_end wrong(struct records *records, enum alert alert)
{
    records->alert = (uint8_t)alert;
    ERR_clear_error();
    return RECORDS_WRONG;
}

static enum records_end on_alert(struct records *records, const uint8_t *bytes, size_t length)
{
    if (length != 2)
        return wrong(records, DECODE_ERROR);
    if (bytes[1] == CLOSE_NOTIFY)
        return RECORDS_CLOSED;
    const bool goes_on = records->is_1_3 ? bytes[1] == USER_CANCELED : bytes[0] == 1;
    return goes_on ? RECORDS_OPEN : RECORDS_CLOSED;
}

/* It wants to shake hands again in TLS 1.2: it may go on without (RFC 5246, 7.2.2). */
static enum records_end refuse_hello(struct records *records, struct evbuffer *answers)
{
    static const uint8_t refusal[] = {1, NO_RENEGOTIATION};
    return seal_bytes(records, ALERT, refusal, sizeof refusal, answers)
               ? RECORDS_OPEN
               : wrong(records, INTERNAL_ERROR);
}

/* The other side has a new key, and may want one of us (RFC 8446, 4.6.3). Nothing else of a
 * handshake may come now: what is not asked for is not resumed, and no certificate is wanted twice.
 */
static enum records_end on_handshake(struct records *records, const uint8_t *bytes, size_t length,
                                     struct evbuffer *answers)
{
    static const uint8_t update[] = {KEY_UPDATE, 0, 0, 1, 0};
    if (!records->is_1_3 && length > 0 && bytes[0] == CLIENT_HELLO)
        return refuse_hello(records, answers);
    if (!records->is_1_3 || length != sizeof update || memcmp(bytes, update, 4) != 0 ||
        bytes[4] > 1)
        return wrong(records, UNEXPECTED_MESSAGE);
    if (!change_key(records, &records->in))
        return wrong(records, INTERNAL_ERROR);
    if (bytes[4] == 0)
        return RECORDS_OPEN;
    return seal_bytes(records, HANDSHAKE, update, sizeof update, answers) &&
                   change_key(records, &records->out)
               ? RECORDS_OPEN
               : wrong(records, INTERNAL_ERROR);
}

/* Its kind, in TLS 1.3, stands behind it, before zeros. */
static unsigned unpad(const uint8_t *bytes, size_t *length)
{
    while (*length > 0 && bytes[*length - 1] == 0)
        --*length;
    return *length > 0 ? bytes[--*length] : 0;
}

/* Opened where data goes, of which it is a part when it is said to be. */
static enum records_end on_record(struct records *records, const uint8_t *record, size_t length,
                                  struct evbuffer *to, struct evbuffer *answers)
{
    const size_t before = records->explicit_size;
    struct parts sealed = {.count = 0};
    struct evbuffer_iovec room;
    unsigned content = record[0];
    if (length < before + TAG + (records->is_1_3 ? 1 : 0))
        return wrong(records, DECODE_ERROR);
    length -= before + TAG;
    add_part(&sealed, record + HEADER + before, length);
    /* a byte more, since room for none is not given */
    if (evbuffer_reserve_space(to, (ev_ssize_t)length + 1, &room, 1) != 1)
        return wrong(records, INTERNAL_ERROR);
    uint8_t *body = room.iov_base, tag[TAG];
    memcpy(tag, record + HEADER + before + length, TAG);
    if (!transform(records, &records->in, 0, content, before ? record + HEADER : NULL, &sealed,
                   body, tag))
        return wrong(records, BAD_RECORD_MAC);
    if (records->is_1_3)
        content = unpad(body, &length);
    if (length > PLAIN_MAX)
        return wrong(records, RECORD_OVERFLOW);
    records->silent = content == DATA && length > 0 ? 0 : records->silent + 1;
    if (records->silent > SILENT_MAX)
        return wrong(records, UNEXPECTED_MESSAGE);
    if (content == ALERT)
        return on_alert(records, body, length);
    if (content == HANDSHAKE)
        return on_handshake(records, body, length, answers);
    if (content != DATA)
        return wrong(records, UNEXPECTED_MESSAGE);
    room.iov_len = length;
    return length == 0 || evbuffer_commit_space(to, &room, 1) == 0 ? RECORDS_OPEN
                                                                   : wrong(records, INTERNAL_ERROR);
}

/* Its length, from a header that may be; 0: it may not, for *why. */
static size_t record_length(const struct records *records, const uint8_t *header, enum alert *why)
{
    const size_t length = (size_t)header[3] << 8 | header[4];
    *why = length > RECORDS_MAX - HEADER ? RECORD_OVERFLOW : UNEXPECTED_MESSAGE;
    return header[1] == VERSION >> 8 && header[2] == (VERSION & 0xff) &&
                   (!records->is_1_3 || header[0] == DATA) && length <= RECORDS_MAX - HEADER
               ? length
               : 0;
}

enum records_end records_open(struct records *records, const uint8_t *bytes, size_t length,
                              size_t *used, struct evbuffer *to, struct evbuffer *answers)
{
    enum records_end end = RECORDS_OPEN;
    enum alert why;
    *used = 0;
    while (end == RECORDS_OPEN && length - *used >= HEADER) {
        const size_t size = record_length(records, bytes + *used, &why);
        if (size == 0)
            return wrong(records, why);
        if (length - *used < HEADER + size)
            break;
        end = on_record(records, bytes + *used, size, to, answers);
        *used += HEADER + size;
    }
    return end;
}
