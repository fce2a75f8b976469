/* Device certificates: registered as they come, or issued by the cloud's own authority. */
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/core/ground/names.h"
#include "cloud/core/ground/x509.h"
#include "cloud/core/registry/registry.h"
#include "cloud/store/db.h"

#define ISSUED_NAME    "AWS IoT Certificate"
#define AUTHORITY_NAME "Otter local cloud"
#define ISSUED_YEARS   25
#define REQUEST_MAX    4096

enum certificate_state certificate_state_of(struct cloud *cloud, const char *id)
{
    enum certificate_state state = CERTIFICATE_UNKNOWN;
    struct db_rows *rows =
        db_select(cloud->db, "SELECT status = 'ACTIVE' FROM certificates WHERE id = ?", "s", id);
    if (db_next(rows))
        state = db_int(rows, 0) ? CERTIFICATE_ACTIVE : CERTIFICATE_NOT_ACTIVE;
    db_done(rows);
    return state;
}

bool certificate_is_pending(struct cloud *cloud, const char *id)
{
    return db_number(cloud->db,
                     "SELECT status = 'PENDING_ACTIVATION' FROM certificates WHERE id = ?", "s",
                     id) != 0;
}

bool certificate_needs_name(struct cloud *cloud, const char *id)
{
    return db_number(cloud->db, "SELECT mode = 'SNI_ONLY' FROM certificates WHERE id = ?", "s",
                     id) != 0;
}

static enum core_error need_certificate(struct cloud *cloud, const char *id, struct answer *answer)
{
    if (certificate_state_of(cloud, id) != CERTIFICATE_UNKNOWN)
        return CORE_OK;
    return answer_refuse(answer, CORE_NOT_FOUND, "Certificate %.64s cannot be found.", id);
}

static bool status_settable(const char *status)
{
    return strcmp(status, "ACTIVE") == 0 || strcmp(status, "INACTIVE") == 0 ||
           strcmp(status, "REVOKED") == 0;
}

/* ---- storing ---- */

static otter_status insert(struct cloud *cloud, X509 *certificate, const char *id,
                           const char *status, const char *mode)
{
    char *pem = x509_text(certificate);
    int64_t now = cloud_now(cloud);
    otter_status result =
        db_run(cloud->db,
               "INSERT INTO certificates(id, pem, status, mode, not_before, not_after, created,"
               " modified) VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
               "ssssiiii", id, pem, status, mode, x509_not_before(certificate),
               x509_not_after(certificate), now, now);
    free(pem);
    return result;
}

/* Stores it and begins the reply with what all ways of registration tell. */
static enum core_error keep(struct cloud *cloud, X509 *certificate, const char *status,
                            const char *mode, struct answer *answer)
{
    char id[CERTIFICATE_ID_LENGTH + 1];
    x509_id(certificate, id);
    struct arn arn = arn_make(cloud, "iot", "cert/%s", id);
    otter_status result = insert(cloud, certificate, id, status, mode);
    if (result == OTTER_E_STATE) {
        answer_refuse(answer, CORE_EXISTS, "The certificate is already registered.");
        answer->body = json_pack("{s:s,s:s}", "resourceId", id, "resourceArn", arn.text);
        return CORE_EXISTS;
    }
    if (result != OTTER_OK)
        return answer_db_failed(cloud, answer);
    cloud_certificate_changed(cloud, id);
    answer->body = json_pack("{s:s,s:s}", "certificateArn", arn.text, "certificateId", id);
    return CORE_OK;
}

/* ---- registering ---- */

enum core_error certificate_register(struct cloud *cloud, const char *pem, const char *status,
                                     struct answer *answer)
{
    X509 *certificate = pem ? x509_read(pem) : NULL;
    if (!certificate)
        return answer_refuse(answer, CORE_CERTIFICATE_INVALID,
                             "certificatePem is not a certificate in PEM form.");
    enum core_error error = CORE_OK;
    if (status && !status_settable(status))
        error = answer_refuse(answer, CORE_INVALID_REQUEST,
                              "status must be ACTIVE or INACTIVE, not %.40s", status);
    else if (!X509_get0_pubkey(certificate) || !x509_key_accepted(X509_get0_pubkey(certificate)))
        error = answer_refuse(answer, CORE_CERTIFICATE_INVALID,
                              "The key must be RSA of at least 2048 bits, or ECC P-256, P-384 or "
                              "P-521.");
    else
        error = keep(cloud, certificate, status ? status : "INACTIVE", "SNI_ONLY", answer);
    X509_free(certificate);
    return error;
}

/* ---- issuing ---- */

struct device_ca {
    X509 *certificate;
    EVP_PKEY *key;
};

static void device_ca_free(struct device_ca *ca)
{
    X509_free(ca->certificate);
    EVP_PKEY_free(ca->key);
}

static bool device_ca_load(struct cloud *cloud, struct device_ca *ca)
{
    struct db_rows *rows =
        db_select(cloud->db, "SELECT certificate_pem, key_pem FROM authority", "");
    if (db_next(rows)) {
        ca->certificate = x509_read(db_text(rows, 0));
        ca->key = x509_read_key(db_text(rows, 1));
    }
    db_done(rows);
    return ca->certificate && ca->key;
}

static bool device_ca_make(struct cloud *cloud, struct device_ca *ca)
{
    device_ca_free(ca); /* half of one that is damaged */
    ca->key = EVP_EC_gen("P-256");
    ca->certificate =
        ca->key ? x509_issue(AUTHORITY_NAME, ca->key, NULL, ca->key, cloud_now(cloud), 30) : NULL;
    if (!ca->certificate)
        return false;
    char *pem = x509_text(ca->certificate), *key = x509_key_text(ca->key);
    otter_status status =
        db_run(cloud->db, "INSERT INTO authority(one, certificate_pem, key_pem) VALUES(1, ?, ?)",
               "ss", pem, key);
    free(pem);
    free(key);
    return status == OTTER_OK;
}

/* Issues for `key` and stores; the reply gains certificatePem. */
static enum core_error issue(struct cloud *cloud, EVP_PKEY *key, const char *status,
                             struct answer *answer)
{
    struct device_ca ca = {NULL, NULL};
    X509 *certificate = NULL;
    enum core_error error = CORE_INTERNAL;

    if (device_ca_load(cloud, &ca) || device_ca_make(cloud, &ca))
        certificate =
            x509_issue(ISSUED_NAME, key, ca.certificate, ca.key, cloud_now(cloud), ISSUED_YEARS);
    if (certificate)
        error = keep(cloud, certificate, status, "DEFAULT", answer);
    else
        answer_refuse(
            answer, error,
            "The certificate could not be issued: the cloud's own authority for devices "
            "(table authority in %s/otter.db) is damaged. Restore that file, or delete the "
            "row to have a new authority.",
            cloud->dir);
    if (error == CORE_OK) {
        char *pem = x509_text(certificate);
        json_object_set_new(answer->body, "certificatePem", json_string(pem));
        free(pem);
    }
    X509_free(certificate);
    device_ca_free(&ca);
    return error;
}

static enum core_error issue_pair(struct cloud *cloud, EVP_PKEY *key, const char *status,
                                  struct answer *answer)
{
    if (!key)
        return answer_refuse(answer, CORE_INTERNAL, "The key pair could not be made.");
    enum core_error error = issue(cloud, key, status, answer);
    if (error == CORE_OK) {
        char *private = x509_key_text(key), *public = x509_public_key_text(key);
        json_object_set_new(answer->body, "keyPair",
                            json_pack("{s:s,s:s}", "PublicKey", public, "PrivateKey", private));
        free(private);
        free(public);
    }
    return error;
}

static enum core_error issue_from_csr(struct cloud *cloud, const char *csr_pem, const char *status,
                                      struct answer *answer)
{
    X509_REQ *request =
        csr_pem && strlen(csr_pem) <= REQUEST_MAX ? x509_read_request(csr_pem) : NULL;
    EVP_PKEY *key = request ? X509_REQ_get0_pubkey(request) : NULL;
    enum core_error error;

    if (!key || X509_REQ_verify(request, key) != 1)
        error = answer_refuse(answer, CORE_INVALID_REQUEST,
                              "The CSR is not valid: it must be PEM and signed with its own key.");
    else if (!x509_key_accepted(key))
        error =
            answer_refuse(answer, CORE_INVALID_REQUEST,
                          "The CSR's key must be RSA of at least 2048 bits, or ECC P-256, P-384 "
                          "or P-521.");
    else
        error = issue(cloud, key, status, answer);
    X509_REQ_free(request);
    return error;
}

enum core_error certificate_create(struct cloud *cloud, EVP_PKEY *key, bool active,
                                   struct answer *answer)
{
    return issue_pair(cloud, key, active ? "ACTIVE" : "INACTIVE", answer);
}

enum core_error certificate_create_from_csr(struct cloud *cloud, const char *csr_pem, bool active,
                                            struct answer *answer)
{
    return issue_from_csr(cloud, csr_pem, active ? "ACTIVE" : "INACTIVE", answer);
}

enum core_error certificate_issue_pending(struct cloud *cloud, EVP_PKEY *key, struct answer *answer)
{
    return issue_pair(cloud, key, "PENDING_ACTIVATION", answer);
}

enum core_error certificate_issue_pending_csr(struct cloud *cloud, const char *csr_pem,
                                              struct answer *answer)
{
    return issue_from_csr(cloud, csr_pem, "PENDING_ACTIVATION", answer);
}

/* ---- registering with an authority ---- */

enum core_error certificate_register_with_ca(struct cloud *cloud, const char *pem, const char *ca,
                                             const char *status, struct answer *answer)
{
    X509 *certificate = x509_read(pem);
    if (!certificate)
        return answer_refuse(answer, CORE_CERTIFICATE_INVALID,
                             "certificatePem is not a certificate in PEM form.");
    otter_status begun = db_begin(cloud->db);
    enum core_error error = begun == OTTER_OK ? keep(cloud, certificate, status, "DEFAULT", answer)
                                              : answer_db_failed(cloud, answer);
    if (error == CORE_OK &&
        db_run(cloud->db, "INSERT INTO certificate_issuers(certificate, ca) VALUES(?, ?)", "ss",
               json_text(answer->body, "certificateId"), ca) != OTTER_OK)
        error = answer_db_failed(cloud, answer);
    if (begun == OTTER_OK &&
        db_finish(cloud->db, error == CORE_OK ? OTTER_OK : OTTER_E_STATE) != OTTER_OK &&
        error == CORE_OK)
        error = answer_db_failed(cloud, answer);
    X509_free(certificate);
    return error;
}

/* ---- describe and list ---- */

static json_t *description(struct cloud *cloud, struct db_rows *rows)
{
    return json_pack("{s:s,s:s,s:s,s:s,s:s,s:I,s:I,s:i,s:{},s:s,s:{s:I,s:I},s:s}", "certificateArn",
                     arn_make(cloud, "iot", "cert/%s", db_text(rows, 0)).text, "certificateId",
                     db_text(rows, 0), "status", db_text(rows, 2), "certificatePem",
                     db_text(rows, 1), "ownedBy", cloud->account, "creationDate", db_int(rows, 6),
                     "lastModifiedDate", db_int(rows, 7), "customerVersion", 1, "transferData",
                     "generationId", "1", "validity", "notBefore", db_int(rows, 4), "notAfter",
                     db_int(rows, 5), "certificateMode", db_text(rows, 3));
}

static void add_issuer(struct cloud *cloud, const char *id, json_t *description)
{
    struct db_rows *rows =
        db_select(cloud->db, "SELECT ca FROM certificate_issuers WHERE certificate = ?", "s", id);
    if (db_next(rows))
        json_object_set_new(description, "caCertificateId", json_string(db_text(rows, 0)));
    db_done(rows);
}

enum core_error certificate_describe(struct cloud *cloud, const char *id, struct answer *answer)
{
    struct db_rows *rows =
        db_select(cloud->db,
                  "SELECT id, pem, status, mode, not_before, not_after, created, modified"
                  " FROM certificates WHERE id = ?",
                  "s", id);
    if (db_next(rows))
        answer->body = json_pack("{s:o}", "certificateDescription", description(cloud, rows));
    db_done(rows);
    if (answer->body)
        add_issuer(cloud, id, json_object_get(answer->body, "certificateDescription"));
    return answer->body ? CORE_OK : need_certificate(cloud, id, answer);
}

enum core_error certificate_list(struct cloud *cloud, bool ascending, struct answer *answer)
{
    const char *sql = ascending ? "SELECT id, status, mode, created FROM certificates"
                                  " ORDER BY created, id"
                                : "SELECT id, status, mode, created FROM certificates"
                                  " ORDER BY created DESC, id DESC";
    json_t *certificates = json_array();
    struct db_rows *rows = db_select(cloud->db, sql, "");
    while (db_next(rows))
        json_array_append_new(certificates,
                              json_pack("{s:s,s:s,s:s,s:s,s:I}", "certificateArn",
                                        arn_make(cloud, "iot", "cert/%s", db_text(rows, 0)).text,
                                        "certificateId", db_text(rows, 0), "status",
                                        db_text(rows, 1), "certificateMode", db_text(rows, 2),
                                        "creationDate", db_int(rows, 3)));
    db_done(rows);
    answer->body = json_pack("{s:o}", "certificates", certificates);
    return CORE_OK;
}

/* ---- update and delete ---- */

enum core_error certificate_update(struct cloud *cloud, const char *id, const char *status,
                                   struct answer *answer)
{
    enum core_error error = need_certificate(cloud, id, answer);
    if (error)
        return error;
    if (!status || !status_settable(status))
        return answer_refuse(answer, CORE_INVALID_REQUEST,
                             "newStatus must be ACTIVE, INACTIVE or REVOKED");
    if (db_run(cloud->db, "UPDATE certificates SET status = ?, modified = ? WHERE id = ?", "sis",
               status, cloud_now(cloud), id) != OTTER_OK)
        return answer_db_failed(cloud, answer);
    cloud_certificate_changed(cloud, id);
    return CORE_OK;
}

enum core_error certificate_settle(struct cloud *cloud, const char *id, const char *status,
                                   struct answer *answer)
{
    if (db_run(cloud->db, "UPDATE certificates SET status = ?, modified = ? WHERE id = ?", "sis",
               status, cloud_now(cloud), id) != OTTER_OK)
        return answer_db_failed(cloud, answer);
    cloud_certificate_changed(cloud, id);
    return CORE_OK;
}

static int64_t attachments(struct cloud *cloud, const char *id, const char *arn)
{
    return db_number(cloud->db,
                     "SELECT (SELECT COUNT(*) FROM thing_principals WHERE certificate = ?)"
                     " + (SELECT COUNT(*) FROM policy_targets WHERE target = ?)",
                     "ss", id, arn);
}

static otter_status erase(struct cloud *cloud, const char *id, const char *arn)
{
    otter_status status = db_begin(cloud->db);
    if (status != OTTER_OK)
        return status;
    status = db_run(cloud->db, "DELETE FROM policy_targets WHERE target = ?", "s", arn);
    if (status == OTTER_OK)
        status = db_run(cloud->db, "DELETE FROM thing_principals WHERE certificate = ?", "s", id);
    if (status == OTTER_OK)
        status = db_run(cloud->db, "DELETE FROM certificates WHERE id = ?", "s", id);
    return db_finish(cloud->db, status);
}

enum core_error certificate_delete(struct cloud *cloud, const char *id, bool force,
                                   struct answer *answer)
{
    struct arn arn = arn_make(cloud, "iot", "cert/%s", id);
    enum core_error error = need_certificate(cloud, id, answer);
    if (error)
        return error;
    if (certificate_state_of(cloud, id) == CERTIFICATE_ACTIVE)
        return answer_refuse(answer, CORE_CERTIFICATE_STATE,
                             "Certificate must be deactivated (not ACTIVE) before deletion.");
    if (!force && attachments(cloud, id, arn.text) > 0)
        return answer_refuse(answer, CORE_DELETE_CONFLICT,
                             "Things or policies must be detached before deletion (arn: %s)",
                             arn.text);
    if (erase(cloud, id, arn.text) != OTTER_OK)
        return answer_db_failed(cloud, answer);
    cloud_certificate_changed(cloud, id);
    return CORE_OK;
}
