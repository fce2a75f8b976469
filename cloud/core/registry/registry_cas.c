/* Registered authorities; see ca.h. */
#include "cloud/core/registry/ca.h"

#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/core/ground/names.h"
#include "cloud/core/ground/x509.h"
#include "cloud/core/registry/registry.h"
#include "cloud/store/db.h"

#define CODE_BYTES 32

static enum core_error need_ca(struct cloud *cloud, const char *id, struct answer *answer)
{
    if (db_number(cloud->db, "SELECT COUNT(*) FROM ca_certificates WHERE id = ?", "s", id) > 0)
        return CORE_OK;
    return answer_refuse(answer, CORE_NOT_FOUND, "CA certificate %.64s cannot be found.", id);
}

/* ---- the registration code ---- */

enum core_error ca_code(struct cloud *cloud, struct answer *answer)
{
    char code[2 * CODE_BYTES + 1];
    random_text(code, 2 * (size_t)CODE_BYTES, "0123456789abcdef");
    if (db_run(cloud->db, "INSERT OR IGNORE INTO registration_code(one, code) VALUES(1, ?)", "s",
               code) != OTTER_OK)
        return answer_db_failed(cloud, answer);
    struct db_rows *rows = db_select(cloud->db, "SELECT code FROM registration_code", "");
    if (db_next(rows))
        answer->body = json_pack("{s:s}", "registrationCode", db_text(rows, 0));
    db_done(rows);
    return answer->body ? CORE_OK : answer_db_failed(cloud, answer);
}

enum core_error ca_code_delete(struct cloud *cloud, struct answer *answer)
{
    return db_run(cloud->db, "DELETE FROM registration_code", "") == OTTER_OK
               ? CORE_OK
               : answer_db_failed(cloud, answer);
}

/* ---- register ---- */

static bool in_date(struct cloud *cloud, X509 *certificate)
{
    int64_t now = cloud_now(cloud);
    return x509_not_before(certificate) <= now && now <= x509_not_after(certificate);
}

/* Signed by it, under its name. */
static bool signed_by(X509 *certificate, X509 *ca)
{
    return X509_NAME_cmp(X509_get_issuer_name(certificate), X509_get_subject_name(ca)) == 0 &&
           X509_verify(certificate, X509_get0_pubkey(ca)) == 1;
}

static enum core_error check_verification(struct cloud *cloud, X509 *ca, const char *pem,
                                          struct answer *answer)
{
    X509 *verification = pem ? x509_read(pem) : NULL;
    struct answer code = ANSWER_INIT;
    char name[80] = "";
    enum core_error error = ca_code(cloud, &code);
    if (verification)
        x509_common_name(verification, name, sizeof name);
    if (error)
        answer_refuse(answer, error, "%s", code.message);
    else if (!verification)
        error = answer_refuse(answer, pem ? CORE_CERTIFICATE_INVALID : CORE_INVALID_REQUEST,
                              pem ? "verificationCertificate is not a certificate in PEM form."
                                  : "verificationCertificate is required in the mode DEFAULT.");
    else if (!signed_by(verification, ca))
        error = answer_refuse(answer, CORE_CERTIFICATE_INVALID,
                              "The verification certificate is not signed by the CA certificate.");
    else if (strcmp(name, json_text(code.body, "registrationCode")) != 0)
        error = answer_refuse(answer, CORE_REGISTRATION_CODE,
                              "The common name of the verification certificate is '%.64s', not the "
                              "registration code (aws iot get-registration-code).",
                              name);
    answer_free(&code);
    X509_free(verification);
    return error;
}

static enum core_error check_ca(struct cloud *cloud, X509 *ca, const struct ca_request *request,
                                struct answer *answer)
{
    bool by_name = request->mode && strcmp(request->mode, "SNI_ONLY") == 0;
    if (request->mode && !by_name && strcmp(request->mode, "DEFAULT") != 0)
        return answer_refuse(answer, CORE_INVALID_REQUEST,
                             "certificateMode must be DEFAULT or SNI_ONLY, not %.40s",
                             request->mode);
    if (!ca)
        return answer_refuse(answer, CORE_CERTIFICATE_INVALID,
                             "caCertificate is not a certificate in PEM form.");
    if (X509_check_ca(ca) != 1)
        return answer_refuse(answer, CORE_CERTIFICATE_INVALID,
                             "caCertificate is not that of an authority: basic constraints with "
                             "CA:TRUE are missing.");
    if (!X509_get0_pubkey(ca) || !x509_key_accepted(X509_get0_pubkey(ca)) || !in_date(cloud, ca))
        return answer_refuse(answer, CORE_CERTIFICATE_INVALID,
                             "caCertificate is outside its dates, or its key is not RSA of at "
                             "least 2048 bits, P-256, P-384 or P-521.");
    if (by_name && request->verification)
        return answer_refuse(answer, CORE_INVALID_REQUEST,
                             "verificationCertificate is not taken in the mode SNI_ONLY.");
    return by_name ? CORE_OK : check_verification(cloud, ca, request->verification, answer);
}

static otter_status insert(struct cloud *cloud, X509 *ca, const char *id,
                           const struct ca_request *request)
{
    char *pem = x509_text(ca), *subject = x509_subject(ca);
    char *config = request->config ? json_dumps(request->config, JSON_COMPACT) : NULL;
    int64_t now = cloud_now(cloud);
    otter_status status =
        db_run(cloud->db,
               "INSERT INTO ca_certificates(id, pem, subject, status, mode, auto_registration,"
               " config_json, not_before, not_after, created, modified)"
               " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
               "sssssssiiii", id, pem, subject, request->active ? "ACTIVE" : "INACTIVE",
               request->mode ? request->mode : "DEFAULT",
               request->auto_registration ? "ENABLE" : "DISABLE", config, x509_not_before(ca),
               x509_not_after(ca), now, now);
    free(pem);
    free(config);
    OPENSSL_free(subject);
    return status;
}

static enum core_error keep(struct cloud *cloud, X509 *ca, const struct ca_request *request,
                            struct answer *answer)
{
    char id[CERTIFICATE_ID_LENGTH + 1];
    x509_id(ca, id);
    struct arn arn = arn_make(cloud, "iot", "cacert/%s", id);
    otter_status status = insert(cloud, ca, id, request);
    if (status == OTTER_E_STATE) {
        answer_refuse(answer, CORE_EXISTS, "The CA certificate is already registered.");
        answer->body = json_pack("{s:s,s:s}", "resourceId", id, "resourceArn", arn.text);
        return CORE_EXISTS;
    }
    if (status != OTTER_OK)
        return answer_db_failed(cloud, answer);
    answer->body = json_pack("{s:s,s:s}", "certificateArn", arn.text, "certificateId", id);
    return CORE_OK;
}

enum core_error ca_register(struct cloud *cloud, const struct ca_request *request,
                            struct answer *answer)
{
    X509 *ca = request->pem ? x509_read(request->pem) : NULL;
    enum core_error error = check_ca(cloud, ca, request, answer);
    if (error == CORE_OK)
        error = keep(cloud, ca, request, answer);
    X509_free(ca);
    return error;
}

/* ---- describe and list ---- */

enum core_error ca_describe(struct cloud *cloud, const char *id, struct answer *answer)
{
    struct db_rows *rows = db_select(
        cloud->db,
        "SELECT pem, status, mode, auto_registration, config_json, not_before, not_after, created,"
        " modified FROM ca_certificates WHERE id = ?",
        "s", id);
    if (db_next(rows)) {
        answer->body = json_pack(
            "{s:{s:s,s:s,s:s,s:s,s:s,s:I,s:s,s:I,s:i,s:s,s:{s:I,s:I},s:s}}",
            "certificateDescription", "certificateArn",
            arn_make(cloud, "iot", "cacert/%s", id).text, "certificateId", id, "status",
            db_text(rows, 1), "certificatePem", db_text(rows, 0), "ownedBy", cloud->account,
            "creationDate", (json_int_t)db_int(rows, 7), "autoRegistrationStatus", db_text(rows, 3),
            "lastModifiedDate", (json_int_t)db_int(rows, 8), "customerVersion", 1, "generationId",
            "1", "validity", "notBefore", (json_int_t)db_int(rows, 5), "notAfter",
            (json_int_t)db_int(rows, 6), "certificateMode", db_text(rows, 2));
        if (!db_null(rows, 4))
            json_object_set_new(answer->body, "registrationConfig",
                                json_stored(db_text(rows, 4), "{}"));
    }
    db_done(rows);
    return answer->body ? CORE_OK : need_ca(cloud, id, answer);
}

enum core_error ca_list(struct cloud *cloud, bool ascending, const char *template,
                        struct answer *answer)
{
    const char *sql = ascending
                          ? "SELECT id, status, created FROM ca_certificates WHERE ?1 IS NULL OR"
                            " json_extract(config_json, '$.templateName') = ?1 ORDER BY created, id"
                          : "SELECT id, status, created FROM ca_certificates WHERE ?1 IS NULL OR"
                            " json_extract(config_json, '$.templateName') = ?1"
                            " ORDER BY created DESC, id DESC";
    json_t *list = json_array();
    struct db_rows *rows = db_select(cloud->db, sql, "s", template);
    while (db_next(rows))
        json_array_append_new(
            list, json_pack("{s:s,s:s,s:s,s:I}", "certificateArn",
                            arn_make(cloud, "iot", "cacert/%s", db_text(rows, 0)).text,
                            "certificateId", db_text(rows, 0), "status", db_text(rows, 1),
                            "creationDate", (json_int_t)db_int(rows, 2)));
    db_done(rows);
    answer->body = json_pack("{s:o}", "certificates", list);
    return CORE_OK;
}

enum core_error ca_list_certificates(struct cloud *cloud, const char *id, bool ascending,
                                     struct answer *answer)
{
    const char *sql = ascending
                          ? "SELECT c.id, c.status, c.mode, c.created FROM certificate_issuers i"
                            " JOIN certificates c ON c.id = i.certificate WHERE i.ca = ?"
                            " ORDER BY c.created, c.id"
                          : "SELECT c.id, c.status, c.mode, c.created FROM certificate_issuers i"
                            " JOIN certificates c ON c.id = i.certificate WHERE i.ca = ?"
                            " ORDER BY c.created DESC, c.id DESC";
    json_t *list = json_array();
    struct db_rows *rows = db_select(cloud->db, sql, "s", id);
    while (db_next(rows))
        json_array_append_new(list,
                              json_pack("{s:s,s:s,s:s,s:s,s:I}", "certificateArn",
                                        arn_make(cloud, "iot", "cert/%s", db_text(rows, 0)).text,
                                        "certificateId", db_text(rows, 0), "status",
                                        db_text(rows, 1), "certificateMode", db_text(rows, 2),
                                        "creationDate", (json_int_t)db_int(rows, 3)));
    db_done(rows);
    answer->body = json_pack("{s:o}", "certificates", list);
    return CORE_OK;
}

/* ---- update and delete ---- */

static bool one_of(const char *value, const char *first, const char *second)
{
    return !value || strcmp(value, first) == 0 || strcmp(value, second) == 0;
}

enum core_error ca_update(struct cloud *cloud, const char *id, const struct ca_change *change,
                          struct answer *answer)
{
    enum core_error error = need_ca(cloud, id, answer);
    if (error)
        return error;
    if (!one_of(change->status, "ACTIVE", "INACTIVE") ||
        !one_of(change->auto_registration, "ENABLE", "DISABLE"))
        return answer_refuse(answer, CORE_INVALID_REQUEST,
                             "newStatus is ACTIVE or INACTIVE, newAutoRegistrationStatus ENABLE or "
                             "DISABLE");
    char *config = change->config ? json_dumps(change->config, JSON_COMPACT) : NULL;
    otter_status status =
        db_run(cloud->db,
               "UPDATE ca_certificates SET status = COALESCE(?1, status), auto_registration ="
               " COALESCE(?2, auto_registration), config_json = CASE WHEN ?4 THEN NULL ELSE"
               " COALESCE(?3, config_json) END, modified = ?5 WHERE id = ?6",
               "sssiis", change->status, change->auto_registration, config,
               (int64_t)change->remove_config, cloud_now(cloud), id);
    free(config);
    return status == OTTER_OK ? CORE_OK : answer_db_failed(cloud, answer);
}

enum core_error ca_delete(struct cloud *cloud, const char *id, struct answer *answer)
{
    enum core_error error = need_ca(cloud, id, answer);
    if (error)
        return error;
    if (db_number(cloud->db, "SELECT status = 'ACTIVE' FROM ca_certificates WHERE id = ?", "s", id))
        return answer_refuse(answer, CORE_CERTIFICATE_STATE,
                             "The CA certificate must be INACTIVE before deletion.");
    return db_run(cloud->db, "DELETE FROM ca_certificates WHERE id = ?", "s", id) == OTTER_OK
               ? CORE_OK
               : answer_db_failed(cloud, answer);
}

/* ---- whose certificates ---- */

void ca_free(struct ca *ca)
{
    json_decref(ca->config);
    *ca = (struct ca){.config = NULL};
}

/* Whether the row's authority has signed it; several may have one name. */
static bool take_row(struct db_rows *rows, X509 *certificate, struct ca *ca)
{
    X509 *issuer = x509_read(db_text(rows, 1));
    bool found = issuer && signed_by(certificate, issuer);
    X509_free(issuer);
    if (!found)
        return false;
    *ca = (struct ca){.auto_registration = strcmp(db_text(rows, 2), "ENABLE") == 0};
    memcpy(ca->id, db_text(rows, 0), sizeof ca->id);
    if (!db_null(rows, 3))
        ca->config = json_stored(db_text(rows, 3), "{}");
    return true;
}

bool ca_of(struct cloud *cloud, X509 *certificate, struct ca *ca)
{
    char *issuer = x509_issuer(certificate);
    bool found = false;
    struct db_rows *rows =
        db_select(cloud->db,
                  "SELECT id, pem, auto_registration, config_json FROM ca_certificates"
                  " WHERE subject = ?1 AND status = 'ACTIVE' AND not_before <= ?2 AND"
                  " not_after >= ?2",
                  "si", issuer, cloud_now(cloud));
    while (!found && db_next(rows))
        found = take_row(rows, certificate, ca);
    db_done(rows);
    OPENSSL_free(issuer);
    return found;
}

static enum core_error check_pair(X509 *certificate, const char *ca_pem, struct answer *answer)
{
    X509 *ca = ca_pem ? x509_read(ca_pem) : NULL;
    bool fits = !ca_pem || (ca && signed_by(certificate, ca));
    X509_free(ca);
    return fits ? CORE_OK
                : answer_refuse(answer, CORE_CERTIFICATE_CONFLICT,
                                "caCertificatePem is not the CA certificate that has signed "
                                "certificatePem.");
}

enum core_error ca_register_certificate(struct cloud *cloud, const char *pem, const char *ca_pem,
                                        const char *status, struct answer *answer)
{
    X509 *certificate = pem ? x509_read(pem) : NULL;
    struct ca ca = {.config = NULL};
    enum core_error error;
    if (!certificate)
        return answer_refuse(answer, CORE_CERTIFICATE_INVALID,
                             "certificatePem is not a certificate in PEM form.");
    if (!one_of(status, "ACTIVE", "INACTIVE") && !one_of(status, "REVOKED", "PENDING_ACTIVATION"))
        error = answer_refuse(answer, CORE_INVALID_REQUEST,
                              "status must be ACTIVE or INACTIVE, not %.40s", status);
    else
        error = check_pair(certificate, ca_pem, answer);
    if (error == CORE_OK && !ca_of(cloud, certificate, &ca))
        error = answer_refuse(answer, CORE_CERTIFICATE_INVALID,
                              "The CA certificate that has signed it is not registered here and "
                              "ACTIVE (aws iot register-ca-certificate; without a CA: aws iot "
                              "register-certificate-without-ca).");
    if (error == CORE_OK)
        error =
            certificate_register_with_ca(cloud, pem, ca.id, status ? status : "INACTIVE", answer);
    ca_free(&ca);
    X509_free(certificate);
    return error;
}
