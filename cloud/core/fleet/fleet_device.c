/* What a device asks with its claim certificate: a certificate of its own, and to be registered
 * with it. */
#include <openssl/evp.h>
#include <string.h>

#include "cloud/core/fleet/fleet_internal.h"
#include "cloud/core/ground/names.h"
#include "cloud/core/registry/registry.h"
#include "cloud/store/db.h"

#define TOKEN_SIZE     64 /* characters, each of 6 bits */
#define TOKEN_LONGEST  2048
#define TOKEN_ALPHABET "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

/* ---- tokens --------------------------------------------------------------------------------- */

/* What the database knows a token by, so that its file does not give any away. */
static void digest_of(const char *token, char digest[65])
{
    unsigned char bytes[32];
    EVP_Digest(token, strlen(token), bytes, NULL, EVP_sha256(), NULL);
    hex_encode(digest, bytes, sizeof bytes);
}

/* Turns the answer about a new certificate into the device's. */
static enum core_error hand_over(struct cloud *cloud, struct answer *answer)
{
    char token[TOKEN_SIZE + 1], digest[65];
    random_text(token, TOKEN_SIZE, TOKEN_ALPHABET);
    digest_of(token, digest);
    if (db_run(cloud->db,
               "INSERT INTO provisioning_tokens(token, certificate, expires) VALUES(?, ?, ?)",
               "ssi", digest, json_text(answer->body, "certificateId"),
               cloud_now(cloud) + FLEET_TOKEN_S) != OTTER_OK)
        return answer_db_failed(cloud, answer);
    json_t *pair = json_object_get(answer->body, "keyPair");
    if (pair)
        json_object_set(answer->body, "privateKey", json_object_get(pair, "PrivateKey"));
    json_object_del(answer->body, "keyPair");
    json_object_del(answer->body, "certificateArn");
    json_object_set_new(answer->body, "certificateOwnershipToken", json_string(token));
    return CORE_OK;
}

/* The new certificate and its token come together or not at all. */
static enum core_error end_issue(struct cloud *cloud, enum core_error error, struct answer *answer)
{
    if (error == CORE_OK)
        error = hand_over(cloud, answer);
    if (db_finish(cloud->db, error == CORE_OK ? OTTER_OK : OTTER_E_STATE) != OTTER_OK &&
        error == CORE_OK)
        error = answer_db_failed(cloud, answer);
    return error;
}

enum core_error fleet_create_keys(struct cloud *cloud, struct answer *answer)
{
    EVP_PKEY *key = fleet_key(cloud);
    enum core_error error =
        db_begin(cloud->db) != OTTER_OK
            ? answer_db_failed(cloud, answer)
            : end_issue(cloud, certificate_issue_pending(cloud, key, answer), answer);
    EVP_PKEY_free(key);
    return error;
}

enum core_error fleet_create_from_csr(struct cloud *cloud, const json_t *body,
                                      struct answer *answer)
{
    const char *csr = json_text(body, "certificateSigningRequest");
    if (!csr)
        return answer_refuse(answer, CORE_INVALID_REQUEST,
                             "certificateSigningRequest is missing, or no text");
    if (db_begin(cloud->db) != OTTER_OK)
        return answer_db_failed(cloud, answer);
    return end_issue(cloud, certificate_issue_pending_csr(cloud, csr, answer), answer);
}

/* ---- registration --------------------------------------------------------------------------- */

static enum core_error own(struct cloud *cloud, const char *token, char digest[65],
                           char certificate[65], struct answer *answer)
{
    certificate[0] = '\0';
    if (token && strlen(token) <= TOKEN_LONGEST) {
        digest_of(token, digest);
        struct db_rows *rows =
            db_select(cloud->db,
                      "SELECT certificate FROM provisioning_tokens WHERE token = ? AND expires > ?",
                      "si", digest, cloud_now(cloud));
        if (db_next(rows))
            memcpy(certificate, db_text(rows, 0), 65);
        db_done(rows);
    }
    return certificate[0] ? CORE_OK
                          : answer_refuse(answer, CORE_OWNERSHIP_TOKEN,
                                          "The certificate ownership token is missing, used up, or "
                                          "older than %d minutes.",
                                          FLEET_TOKEN_S / 60);
}

/* Applies the template, with its parameters complete, and words what the device is told. */
static enum core_error apply(struct provision *provision, struct answer *answer)
{
    enum core_error error = provision_apply(provision, answer);
    if (error != CORE_OK)
        return error;
    json_t *configuration = body_texts(
        &provision->scope, json_object_get(provision->scope.body, "DeviceConfiguration"), answer);
    if (!configuration)
        return CORE_INVALID_REQUEST;
    answer->body = json_pack("{s:o}", "deviceConfiguration", configuration);
    if (provision->thing[0])
        json_object_set_new(answer->body, "thingName", json_string(provision->thing));
    return CORE_OK;
}

/* As one change: what the template makes, and the end of the token. */
static enum core_error register_owner(struct provision *provision, const char *digest,
                                      struct answer *answer)
{
    struct cloud *cloud = provision->cloud;
    if (db_begin(cloud->db) != OTTER_OK)
        return answer_db_failed(cloud, answer);
    enum core_error error = apply(provision, answer);
    if (error == CORE_OK && db_run(cloud->db, "DELETE FROM provisioning_tokens WHERE token = ?",
                                   "s", digest) != OTTER_OK)
        error = answer_db_failed(cloud, answer);
    if (db_finish(cloud->db, error == CORE_OK ? OTTER_OK : OTTER_E_STATE) != OTTER_OK &&
        error == CORE_OK)
        error = answer_db_failed(cloud, answer);
    return error;
}

enum core_error fleet_register(struct cloud *cloud, const char *name, const json_t *body,
                               struct answer *answer)
{
    struct provision provision = {.cloud = cloud};
    char digest[65];
    json_t *template = template_body(cloud, name, "FLEET_PROVISIONING", answer);
    if (!template)
        return template_need(cloud, name, answer) ? CORE_NOT_FOUND : CORE_INVALID_REQUEST;
    enum core_error error = own(cloud, json_text(body, "certificateOwnershipToken"), digest,
                                provision.certificate, answer);
    json_t *parameters = error ? NULL
                               : provision_parameters(template, json_object_get(body, "parameters"),
                                                      provision.certificate, answer);
    if (parameters) {
        provision.scope = (struct scope){template, parameters};
        error = register_owner(&provision, digest, answer);
    } else if (error == CORE_OK) {
        error = CORE_INVALID_REQUEST;
    }
    json_decref(parameters);
    json_decref(template);
    if (error == CORE_OK)
        cloud_log("fleet", "%s provisioned by the template %s, certificate %.8s...",
                  provision.thing[0] ? provision.thing : "a device without a thing", name,
                  provision.certificate);
    return error;
}

/* ---- over HTTP ------------------------------------------------------------------------------ */

static enum core_error tell_certificate(struct provision *provision, struct answer *answer)
{
    struct answer shown = ANSWER_INIT;
    enum core_error error = certificate_describe(provision->cloud, provision->certificate, &shown);
    const json_t *description = json_object_get(shown.body, "certificateDescription");
    if (error == CORE_OK)
        answer->body =
            json_pack("{s:O,s:o}", "certificatePem", json_object_get(description, "certificatePem"),
                      "resourceArns", provision->arns);
    else
        json_decref(provision->arns);
    answer_free(&shown);
    return error;
}

enum core_error fleet_register_thing(struct cloud *cloud, const json_t *body, struct answer *answer)
{
    struct provision provision = {.cloud = cloud};
    enum core_error error = body_check(json_text(body, "templateBody"), answer);
    if (error)
        return error;
    json_t *template = json_stored(json_text(body, "templateBody"), "{}");
    json_t *parameters =
        provision_parameters(template, json_object_get(body, "parameters"), "", answer);
    provision.scope = (struct scope){template, parameters};
    provision.arns = json_object();
    error = parameters ? provision_apply(&provision, answer) : CORE_INVALID_REQUEST;
    if (error == CORE_OK)
        error = tell_certificate(&provision, answer);
    else
        json_decref(provision.arns);
    json_decref(parameters);
    json_decref(template);
    return error;
}

/* ---- by the clock --------------------------------------------------------------------------- */

/* Ends a certificate whatever its state. */
static void end_certificate(struct cloud *cloud, const char *id)
{
    struct answer answer = ANSWER_INIT;
    if (certificate_settle(cloud, id, "INACTIVE", &answer) != CORE_OK ||
        certificate_delete(cloud, id, true, &answer) != CORE_OK)
        cloud_log("fleet", "certificate %.8s... has run out and cannot be deleted: %s", id,
                  answer.message);
    answer_free(&answer);
}

void fleet_expire(struct cloud *cloud)
{
    json_t *ids = json_array(), *id;
    size_t i;
    struct db_rows *rows =
        db_select(cloud->db,
                  "SELECT certificate FROM provisioning_tokens WHERE expires <= ?1 UNION"
                  " SELECT certificate FROM provisioning_claims WHERE expires <= ?1",
                  "i", cloud_now(cloud));
    while (db_next(rows))
        json_array_append_new(ids, json_string(db_text(rows, 0)));
    db_done(rows);
    json_array_foreach(ids, i, id) end_certificate(cloud, json_string_value(id));
    json_decref(ids);
}
