/* OpenSSL's objects, made and read; see x509.h. */
#include "cloud/core/ground/x509.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cloud/core/ground/names.h"

#define RSA_BITS     2048
#define SERIAL_BYTES 19 /* positive and below the 20 bytes of RFC 5280 */

/* ---- reading ---- */

static int no_passphrase(char *text, int size, int writing, void *context)
{
    (void)text, (void)size, (void)writing, (void)context;
    return 0; /* an encrypted key is refused instead of asked about at the terminal */
}

X509 *x509_read(const char *pem)
{
    BIO *text = BIO_new_mem_buf(pem, -1);
    X509 *certificate = PEM_read_bio_X509(text, NULL, no_passphrase, NULL);
    BIO_free(text);
    return certificate;
}

EVP_PKEY *x509_read_key(const char *pem)
{
    BIO *text = BIO_new_mem_buf(pem, -1);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(text, NULL, no_passphrase, NULL);
    BIO_free(text);
    return key;
}

X509_REQ *x509_read_request(const char *pem)
{
    BIO *text = BIO_new_mem_buf(pem, -1);
    X509_REQ *request = PEM_read_bio_X509_REQ(text, NULL, no_passphrase, NULL);
    BIO_free(text);
    return request;
}

/* ---- looking ---- */

void x509_id(X509 *certificate, char id[65])
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    X509_digest(certificate, EVP_sha256(), digest, &size);
    hex_encode(id, digest, 32);
}

static int64_t seconds_of(const ASN1_TIME *time)
{
    struct tm parts;
    return ASN1_TIME_to_tm(time, &parts) ? (int64_t)timegm(&parts) : 0;
}

int64_t x509_not_before(X509 *certificate)
{
    return seconds_of(X509_get0_notBefore(certificate));
}

int64_t x509_not_after(X509 *certificate)
{
    return seconds_of(X509_get0_notAfter(certificate));
}

void x509_common_name(X509 *certificate, char *text, size_t size)
{
    text[0] = 0;
    X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, text, (int)size);
}

static char *name_text(const X509_NAME *name)
{
    BIO *out = BIO_new(BIO_s_mem());
    char *text = NULL;
    X509_NAME_print_ex(out, name, 0, XN_FLAG_RFC2253);
    BIO_write(out, "", 1);
    BIO_get_mem_data(out, &text);
    text = OPENSSL_strdup(text);
    BIO_free(out);
    return text;
}

char *x509_subject(X509 *certificate)
{
    return name_text(X509_get_subject_name(certificate));
}

char *x509_issuer(X509 *certificate)
{
    return name_text(X509_get_issuer_name(certificate));
}

char *x509_serial(X509 *certificate)
{
    const ASN1_INTEGER *serial = X509_get0_serialNumber(certificate);
    int size = ASN1_STRING_length(serial);
    const unsigned char *bytes = ASN1_STRING_get0_data(serial);
    char *text = calloc(1, (size_t)size * 3 + 1);
    for (int i = 0; text && i < size; i++)
        sprintf(text + (size_t)3 * i, "%02x%s", bytes[i], i + 1 < size ? ":" : "");
    return text;
}

static const char *curve_of(EVP_PKEY *key, char *name, size_t size)
{
    size_t length = 0;
    if (EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, name, size, &length) != 1)
        name[0] = 0;
    return name;
}

void x509_key_algorithm(EVP_PKEY *key, char *text, size_t size)
{
    char curve[40];
    text[0] = 0;
    if (EVP_PKEY_base_id(key) == EVP_PKEY_RSA)
        snprintf(text, size, "RSA_%d", EVP_PKEY_bits(key));
    else if (EVP_PKEY_base_id(key) == EVP_PKEY_EC)
        snprintf(text, size, "EC_%s", curve_of(key, curve, sizeof curve));
}

/* On the curve, and not its point at infinity: a signature that fits that one anybody can make. */
static bool is_on_curve(EVP_PKEY *key)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    const bool is_on = context && EVP_PKEY_public_check_quick(context) == 1;
    EVP_PKEY_CTX_free(context);
    return is_on;
}

bool x509_key_accepted(EVP_PKEY *key)
{
    char algorithm[64];
    if (EVP_PKEY_base_id(key) == EVP_PKEY_RSA)
        return EVP_PKEY_bits(key) >= 2048;
    x509_key_algorithm(key, algorithm, sizeof algorithm);
    return (strcmp(algorithm, "EC_prime256v1") == 0 || strcmp(algorithm, "EC_secp384r1") == 0 ||
            strcmp(algorithm, "EC_secp521r1") == 0) &&
           is_on_curve(key);
}

/* ---- writing ---- */

static char *text_of(BIO *out, int written)
{
    char *bytes = NULL;
    long size = BIO_get_mem_data(out, &bytes);
    char *text = written == 1 ? strndup(bytes, (size_t)size) : NULL;
    BIO_free(out);
    return text;
}

char *x509_text(X509 *certificate)
{
    BIO *out = BIO_new(BIO_s_mem());
    return text_of(out, PEM_write_bio_X509(out, certificate));
}

char *x509_key_text(EVP_PKEY *key)
{
    BIO *out = BIO_new(BIO_s_mem());
    return text_of(out, PEM_write_bio_PrivateKey_traditional(out, key, NULL, NULL, 0, NULL, NULL));
}

char *x509_public_key_text(EVP_PKEY *key)
{
    BIO *out = BIO_new(BIO_s_mem());
    return text_of(out, PEM_write_bio_PUBKEY(out, key));
}

/* ---- making ---- */

EVP_PKEY *x509_make_rsa(void)
{
    return EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)RSA_BITS);
}

static bool set_serial(X509 *certificate)
{
    unsigned char bytes[SERIAL_BYTES];
    if (RAND_bytes(bytes, sizeof bytes) != 1)
        return false;
    bytes[0] |= 0x40;
    BIGNUM *number = BN_bin2bn(bytes, sizeof bytes, NULL);
    bool set = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
    BN_free(number);
    return set;
}

static bool add_extension(X509 *certificate, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    bool added = extension && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return added;
}

bool x509_set_validity(X509 *certificate, const struct x509_validity *validity)
{
    time_t now = (time_t)validity->now;
    return X509_time_adj_ex(X509_getm_notBefore(certificate), -validity->days_before,
                            -validity->seconds_before, &now) &&
           X509_time_adj_ex(X509_getm_notAfter(certificate), validity->days_after, 0, &now);
}

static bool fill(X509 *certificate, const char *name, EVP_PKEY *key, X509 *issuer)
{
    X509_NAME *subject = X509_get_subject_name(certificate);
    return X509_set_version(certificate, X509_VERSION_3) && set_serial(certificate) &&
           X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)name, -1,
                                      -1, 0) &&
           X509_set_issuer_name(certificate, issuer ? X509_get_subject_name(issuer) : subject) &&
           X509_set_pubkey(certificate, key) &&
           add_extension(certificate, NID_basic_constraints,
                         issuer ? "critical,CA:FALSE" : "critical,CA:TRUE") &&
           add_extension(certificate, NID_key_usage,
                         issuer ? "critical,digitalSignature" : "critical,keyCertSign,cRLSign");
}

X509 *x509_issue(const char *name, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key, int64_t now,
                 int years)
{
    const struct x509_validity validity = {now, 0, 120, years * 365};
    X509 *certificate = X509_new();
    if (certificate && fill(certificate, name, key, issuer) &&
        x509_set_validity(certificate, &validity) &&
        X509_sign(certificate, issuer_key, EVP_sha256()) > 0)
        return certificate;
    X509_free(certificate);
    return NULL;
}
