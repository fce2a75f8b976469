/* Certificates with their private keys, as ACM keeps imported ones. */
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/core/account/signing.h"
#include "cloud/core/account/signing_internal.h"
#include "cloud/core/ground/names.h"
#include "cloud/core/ground/x509.h"
#include "cloud/store/db.h"

#define KEY_MAX 5120

static enum core_error need_arn(struct cloud *cloud, const char *arn, const char **id,
                                struct answer *answer)
{
    *id = arn_name(cloud, arn, "acm", "certificate");
    if (*id)
        return CORE_OK;
    return answer_refuse(answer, CORE_INVALID_ARN,
                         "%.120s is not the ARN of a certificate of this account and region.",
                         arn ? arn : "(none)");
}

static enum core_error not_found(const char *arn, struct answer *answer)
{
    return answer_refuse(answer, CORE_NOT_FOUND, "Could not find certificate %.150s.", arn);
}

/* ---- import ---- */

static enum core_error check_pair(const char *certificate_pem, const char *key_pem,
                                  const char *chain_pem, struct answer *answer)
{
    X509 *certificate = certificate_pem ? x509_read(certificate_pem) : NULL;
    EVP_PKEY *key = key_pem && strlen(key_pem) <= KEY_MAX ? x509_read_key(key_pem) : NULL;
    X509 *chain = chain_pem ? x509_read(chain_pem) : NULL;
    char algorithm[64] = "";
    enum core_error error = CORE_OK;

    if (key)
        x509_key_algorithm(key, algorithm, sizeof algorithm);
    if (!certificate)
        error = answer_refuse(answer, CORE_INVALID_REQUEST,
                              "The certificate field contains no certificate in PEM form.");
    else if (!key)
        error = answer_refuse(answer, CORE_INVALID_REQUEST,
                              "The private key must be one unencrypted key in PEM form of at most "
                              "%d bytes.",
                              KEY_MAX);
    else if (!*algorithm)
        error = answer_refuse(answer, CORE_INVALID_REQUEST, "The key must be RSA or ECDSA.");
    else if (X509_check_private_key(certificate, key) != 1)
        error = answer_refuse(answer, CORE_INVALID_REQUEST,
                              "The certificate and the private key do not match.");
    else if (chain_pem && !chain)
        error = answer_refuse(answer, CORE_INVALID_REQUEST,
                              "The certificate chain contains no certificate in PEM form.");
    X509_free(certificate);
    X509_free(chain);
    EVP_PKEY_free(key);
    return error;
}

static enum core_error insert(struct cloud *cloud, const char *certificate, const char *key,
                              const char *chain, struct answer *answer)
{
    char id[UUID_SIZE];
    int64_t now = cloud_now(cloud);
    uuid_make(id);
    if (db_run(cloud->db,
               "INSERT INTO acm_certificates(id, certificate_pem, chain_pem, key_pem, created,"
               " imported) VALUES(?, ?, ?, ?, ?, ?)",
               "ssssii", id, certificate, chain, key, now, now) != OTTER_OK)
        return answer_db_failed(cloud, answer);
    answer->body =
        json_pack("{s:s}", "CertificateArn", arn_make(cloud, "acm", "certificate/%s", id).text);
    return CORE_OK;
}

static enum core_error replace(struct cloud *cloud, const char *certificate, const char *key,
                               const char *chain, const char *arn, struct answer *answer)
{
    const char *id = NULL;
    enum core_error error = need_arn(cloud, arn, &id, answer);
    if (error)
        return error;
    if (db_run(cloud->db,
               "UPDATE acm_certificates SET certificate_pem = ?, chain_pem = ?, key_pem = ?,"
               " imported = ? WHERE id = ?",
               "sssis", certificate, chain, key, cloud_now(cloud), id) != OTTER_OK)
        return answer_db_failed(cloud, answer);
    if (db_changes(cloud->db) == 0)
        return not_found(arn, answer);
    answer->body = json_pack("{s:s}", "CertificateArn", arn);
    return CORE_OK;
}

enum core_error acm_import(struct cloud *cloud, const char *certificate, const char *key,
                           const char *chain, const char *arn, struct answer *answer)
{
    enum core_error error = check_pair(certificate, key, chain, answer);
    if (error)
        return error;
    return arn ? replace(cloud, certificate, key, chain, arn, answer)
               : insert(cloud, certificate, key, chain, answer);
}

/* ---- describe ---- */

struct usage {
    uint32_t bit;
    const char *name, *oid; /* oid: of extended usages only */
};

static const struct usage key_usages[] = {
    {KU_DIGITAL_SIGNATURE, "DIGITAL_SIGNATURE", NULL},
    {KU_NON_REPUDIATION, "NON_REPUDIATION", NULL},
    {KU_KEY_ENCIPHERMENT, "KEY_ENCIPHERMENT", NULL},
    {KU_DATA_ENCIPHERMENT, "DATA_ENCIPHERMENT", NULL},
    {KU_KEY_AGREEMENT, "KEY_AGREEMENT", NULL},
    {KU_KEY_CERT_SIGN, "CERTIFICATE_SIGNING", NULL},
    {KU_CRL_SIGN, "CRL_SIGNING", NULL},
};
static const struct usage extended_usages[] = {
    {XKU_SSL_SERVER, "TLS_WEB_SERVER_AUTHENTICATION", "1.3.6.1.5.5.7.3.1"},
    {XKU_SSL_CLIENT, "TLS_WEB_CLIENT_AUTHENTICATION", "1.3.6.1.5.5.7.3.2"},
    {XKU_CODE_SIGN, "CODE_SIGNING", "1.3.6.1.5.5.7.3.3"},
    {XKU_SMIME, "EMAIL_PROTECTION", "1.3.6.1.5.5.7.3.4"},
    {XKU_TIMESTAMP, "TIME_STAMPING", "1.3.6.1.5.5.7.3.8"},
    {XKU_OCSP_SIGN, "OCSP_SIGNING", "1.3.6.1.5.5.7.3.9"},
};

static json_t *usages_of(uint32_t bits, const struct usage *usages, size_t count)
{
    json_t *names = json_array();
    for (size_t i = 0; i < count; i++) {
        if (bits & usages[i].bit)
            json_array_append_new(
                names, json_pack("{s:s,s:s*}", "Name", usages[i].name, "OID", usages[i].oid));
    }
    return names;
}

/* X509_get_*_usage give all bits when the extension is absent. */
static void add_usages(json_t *body, X509 *certificate)
{
    uint32_t flags = X509_get_extension_flags(certificate);
    uint32_t usage = flags & EXFLAG_KUSAGE ? X509_get_key_usage(certificate) : 0;
    uint32_t extended = flags & EXFLAG_XKUSAGE ? X509_get_extended_key_usage(certificate) : 0;
    json_object_set_new(body, "KeyUsages",
                        usages_of(usage, key_usages, sizeof key_usages / sizeof *key_usages));
    json_object_set_new(
        body, "ExtendedKeyUsages",
        usages_of(extended, extended_usages, sizeof extended_usages / sizeof *extended_usages));
}

static void add_names(json_t *body, X509 *certificate)
{
    char *subject = x509_subject(certificate), *issuer = x509_issuer(certificate);
    char *serial = x509_serial(certificate);
    char digest[32] = "", signature[64];
    int hash = NID_undef, key = NID_undef;
    if (OBJ_find_sigid_algs(X509_get_signature_nid(certificate), &hash, &key) == 1)
        strncpy(digest, OBJ_nid2sn(hash), sizeof digest - 1);
    snprintf(signature, sizeof signature, "%sWITH%s", digest,
             key == NID_rsaEncryption ? "RSA" : "ECDSA");
    json_object_update_new(body,
                           json_pack("{s:s,s:s,s:s,s:s}", "Subject", subject, "Issuer", issuer,
                                     "Serial", serial, "SignatureAlgorithm", signature));
    OPENSSL_free(subject);
    OPENSSL_free(issuer);
    free(serial);
}

/* Columns: id, certificate_pem, created, imported. What describe and list have in common. */
static json_t *summary(struct cloud *cloud, struct db_rows *rows, X509 *certificate)
{
    char domain[256], algorithm[64];
    x509_common_name(certificate, domain, sizeof domain);
    x509_key_algorithm(X509_get0_pubkey(certificate), algorithm, sizeof algorithm);
    int64_t expiry = x509_not_after(certificate);
    json_t *body =
        json_pack("{s:s,s:s,s:s,s:s,s:s,s:I,s:I,s:I,s:I,s:s}", "CertificateArn",
                  arn_make(cloud, "acm", "certificate/%s", db_text(rows, 0)).text, "DomainName",
                  domain, "Status", expiry < cloud_now(cloud) ? "EXPIRED" : "ISSUED", "Type",
                  "IMPORTED", "KeyAlgorithm", algorithm, "CreatedAt", db_int(rows, 2), "ImportedAt",
                  db_int(rows, 3), "NotBefore", x509_not_before(certificate), "NotAfter", expiry,
                  "RenewalEligibility", "INELIGIBLE");
    return body;
}

static json_t *users_of(struct cloud *cloud, const char *arn)
{
    json_t *users = json_array();
    struct db_rows *rows = db_select(
        cloud->db, "SELECT name FROM signing_profiles WHERE certificate_arn = ?", "s", arn);
    while (db_next(rows))
        json_array_append_new(
            users,
            json_string(arn_make(cloud, "signer", "/signing-profiles/%s", db_text(rows, 0)).text));
    db_done(rows);
    return users;
}

enum core_error acm_describe(struct cloud *cloud, const char *arn, struct answer *answer)
{
    const char *id = NULL;
    enum core_error error = need_arn(cloud, arn, &id, answer);
    if (error)
        return error;
    struct db_rows *rows = db_select(
        cloud->db,
        "SELECT id, certificate_pem, created, imported FROM acm_certificates WHERE id = ?", "s",
        id);
    X509 *certificate = db_next(rows) ? x509_read(db_text(rows, 1)) : NULL;
    if (certificate) {
        json_t *body = summary(cloud, rows, certificate);
        json_object_set_new(body, "SubjectAlternativeNames",
                            json_pack("[O]", json_object_get(body, "DomainName")));
        json_object_set_new(body, "InUseBy", users_of(cloud, arn));
        json_object_set_new(
            body, "Options",
            json_pack("{s:s}", "CertificateTransparencyLoggingPreference", "DISABLED"));
        add_usages(body, certificate);
        add_names(body, certificate);
        answer->body = json_pack("{s:o}", "Certificate", body);
    }
    X509_free(certificate);
    db_done(rows);
    return answer->body ? CORE_OK : not_found(arn, answer);
}

/* ---- list and delete ---- */

static bool type_wanted(const json_t *summary, const json_t *key_types)
{
    const char *algorithm = json_text(summary, "KeyAlgorithm");
    if (!key_types)
        return strcmp(algorithm, "RSA_1024") == 0 || strcmp(algorithm, "RSA_2048") == 0;
    for (size_t i = 0; i < json_array_size(key_types); i++) {
        const char *wanted = json_string_value(json_array_get(key_types, i));
        if (wanted && strcmp(wanted, algorithm) == 0)
            return true;
    }
    return false;
}

enum core_error acm_list(struct cloud *cloud, const json_t *key_types, struct answer *answer)
{
    json_t *list = json_array();
    struct db_rows *rows = db_select(
        cloud->db,
        "SELECT id, certificate_pem, created, imported FROM acm_certificates ORDER BY created, id",
        "");
    while (db_next(rows)) {
        X509 *certificate = x509_read(db_text(rows, 1));
        json_t *body = certificate ? summary(cloud, rows, certificate) : NULL;
        if (body && type_wanted(body, key_types))
            json_array_append(list, body);
        json_decref(body);
        X509_free(certificate);
    }
    db_done(rows);
    answer->body = json_pack("{s:o}", "CertificateSummaryList", list);
    return CORE_OK;
}

enum core_error acm_delete(struct cloud *cloud, const char *arn, struct answer *answer)
{
    const char *id = NULL;
    enum core_error error = need_arn(cloud, arn, &id, answer);
    if (error)
        return error;
    if (db_number(cloud->db, "SELECT COUNT(*) FROM signing_profiles WHERE certificate_arn = ?", "s",
                  arn) > 0)
        return answer_refuse(answer, CORE_DELETE_CONFLICT,
                             "The certificate is in use by a signing profile.");
    if (db_run(cloud->db, "DELETE FROM acm_certificates WHERE id = ?", "s", id) != OTTER_OK)
        return answer_db_failed(cloud, answer);
    return db_changes(cloud->db) ? CORE_OK : not_found(arn, answer);
}

EVP_PKEY *signing_key_load(struct cloud *cloud, const char *arn)
{
    const char *id = arn_name(cloud, arn, "acm", "certificate");
    struct db_rows *rows =
        db_select(cloud->db, "SELECT key_pem FROM acm_certificates WHERE id = ?", "s", id);
    EVP_PKEY *key = id && db_next(rows) ? x509_read_key(db_text(rows, 0)) : NULL;
    db_done(rows);
    return key;
}
