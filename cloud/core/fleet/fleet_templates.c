/* Provisioning templates: made, shown, changed, deleted; claims for them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/core/account/roles.h"
#include "cloud/core/fleet/fleet_internal.h"
#include "cloud/core/ground/names.h"
#include "cloud/core/ground/words.h"
#include "cloud/core/registry/registry.h"
#include "cloud/store/db.h"

#define DESCRIPTION_MAX 500
#define FLEET           "FLEET_PROVISIONING"
#define JITP            "JITP"
#define SERVICE         "iot.amazonaws.com"

enum core_error template_need(struct cloud *cloud, const char *name, struct answer *answer)
{
    if (db_number(cloud->db, "SELECT COUNT(*) FROM provisioning_templates WHERE name = ?", "s",
                  name) > 0)
        return CORE_OK;
    return answer_refuse(answer, CORE_NOT_FOUND, "Provisioning template %.60s cannot be found.",
                         name);
}

static struct arn arn_of(const struct cloud *cloud, const char *name)
{
    return arn_make(cloud, "iot", "provisioningtemplate/%s", name);
}

/* ---- create --------------------------------------------------------------------------------- */

static enum core_error check_new(struct cloud *cloud, const json_t *members, struct answer *answer)
{
    const char *name = json_text(members, "templateName"), *type = json_text(members, "type");
    const char *role = json_text(members, "provisioningRoleArn");
    enum core_error error = CORE_OK;
    if (!name || !name_valid(name, TEMPLATE_NAME_MAX, "_-"))
        return answer_refuse(answer, CORE_INVALID_REQUEST,
                             "templateName must be 1 to %d of a-z A-Z 0-9 _ -", TEMPLATE_NAME_MAX);
    if (type && strcmp(type, FLEET) != 0 && strcmp(type, JITP) != 0)
        return answer_refuse(answer, CORE_INVALID_REQUEST,
                             "type must be FLEET_PROVISIONING or JITP, not %.40s", type);
    if (!role)
        return answer_refuse(answer, CORE_INVALID_REQUEST, "provisioningRoleArn is missing");
    error = words_check(members, "description", WORDS_ANY, DESCRIPTION_MAX, answer);
    if (error == CORE_OK)
        error = body_check(json_text(members, "templateBody"), answer);
    return error == CORE_OK ? role_check_trust(cloud, role, SERVICE, answer) : error;
}

static otter_status insert(struct cloud *cloud, const json_t *members)
{
    const char *name = json_text(members, "templateName"), *type = json_text(members, "type");
    int64_t now = cloud_now(cloud);
    otter_status status = db_run(
        cloud->db,
        "INSERT INTO provisioning_templates(name, type, description, enabled, role_arn, created,"
        " modified) VALUES(?, ?, ?, ?, ?, ?, ?)",
        "sssisii", name, type ? type : FLEET, json_text(members, "description"),
        (int64_t)json_is_true(json_object_get(members, "enabled")),
        json_text(members, "provisioningRoleArn"), now, now);
    if (status != OTTER_OK)
        return status;
    return db_run(cloud->db,
                  "INSERT INTO provisioning_versions(template, version, body, created)"
                  " VALUES(?, 1, ?, ?)",
                  "ssi", name, json_text(members, "templateBody"), now);
}

enum core_error template_create(struct cloud *cloud, const json_t *members, struct answer *answer)
{
    enum core_error error = check_new(cloud, members, answer);
    if (error)
        return error;
    const char *name = json_text(members, "templateName");
    struct arn arn = arn_of(cloud, name);
    if (db_begin(cloud->db) != OTTER_OK)
        return answer_db_failed(cloud, answer);
    otter_status status = db_finish(cloud->db, insert(cloud, members));
    if (status == OTTER_E_STATE) {
        answer_refuse(answer, CORE_EXISTS, "Provisioning template %s already exists.", name);
        answer->body = json_pack("{s:s,s:s}", "resourceId", name, "resourceArn", arn.text);
        return CORE_EXISTS;
    }
    if (status != OTTER_OK)
        return answer_db_failed(cloud, answer);
    answer->body = json_pack("{s:s,s:s,s:i}", "templateArn", arn.text, "templateName", name,
                             "defaultVersionId", 1);
    fleet_keys_prepare(cloud);
    return CORE_OK;
}

/* ---- describe and list ---------------------------------------------------------------------- */

enum core_error template_describe(struct cloud *cloud, const char *name, struct answer *answer)
{
    struct db_rows *rows = db_select(
        cloud->db,
        "SELECT t.type, t.description, t.enabled, t.role_arn, t.default_version, t.created,"
        " t.modified, v.body FROM provisioning_templates t JOIN provisioning_versions v"
        " ON v.template = t.name AND v.version = t.default_version WHERE t.name = ?",
        "s", name);
    if (db_next(rows))
        answer->body = json_pack(
            "{s:s,s:s,s:s*,s:b,s:s,s:I,s:I,s:I,s:s,s:s}", "templateArn", arn_of(cloud, name).text,
            "templateName", name, "description", db_text(rows, 1), "enabled", (int)db_int(rows, 2),
            "provisioningRoleArn", db_text(rows, 3), "defaultVersionId",
            (json_int_t)db_int(rows, 4), "creationDate", (json_int_t)db_int(rows, 5),
            "lastModifiedDate", (json_int_t)db_int(rows, 6), "templateBody", db_text(rows, 7),
            "type", db_text(rows, 0));
    db_done(rows);
    return answer->body ? CORE_OK : template_need(cloud, name, answer);
}

enum core_error template_list(struct cloud *cloud, struct answer *answer)
{
    json_t *list = json_array();
    struct db_rows *rows = db_select(
        cloud->db,
        "SELECT name, description, created, modified, enabled, type FROM provisioning_templates"
        " ORDER BY name",
        "");
    while (db_next(rows)) {
        const char *name = db_text(rows, 0);
        json_array_append_new(list, json_pack("{s:s,s:s,s:s*,s:I,s:I,s:b,s:s}", "templateArn",
                                              arn_of(cloud, name).text, "templateName", name,
                                              "description", db_text(rows, 1), "creationDate",
                                              (json_int_t)db_int(rows, 2), "lastModifiedDate",
                                              (json_int_t)db_int(rows, 3), "enabled",
                                              (int)db_int(rows, 4), "type", db_text(rows, 5)));
    }
    db_done(rows);
    answer->body = json_pack("{s:o}", "templates", list);
    return CORE_OK;
}

json_t *template_body(struct cloud *cloud, const char *name, const char *type,
                      struct answer *answer)
{
    json_t *body = NULL;
    if (template_need(cloud, name, answer) != CORE_OK)
        return NULL;
    struct db_rows *rows =
        db_select(cloud->db,
                  "SELECT v.body, t.enabled, t.type FROM provisioning_templates t"
                  " JOIN provisioning_versions v ON v.template = t.name"
                  " AND v.version = t.default_version WHERE t.name = ?",
                  "s", name);
    if (!db_next(rows))
        answer_db_failed(cloud, answer);
    else if (strcmp(db_text(rows, 2), type) != 0)
        answer_refuse(answer, CORE_INVALID_REQUEST, "Provisioning template %s is not of type %s.",
                      name, type);
    else if (!db_int(rows, 1))
        answer_refuse(answer, CORE_INVALID_REQUEST,
                      "Provisioning template %s is not enabled (aws iot "
                      "update-provisioning-template --enabled).",
                      name);
    else
        body = json_stored(db_text(rows, 0), "{}");
    db_done(rows);
    return body;
}

/* ---- update and delete ---------------------------------------------------------------------- */

static enum core_error check_change(struct cloud *cloud, const char *name, const json_t *members,
                                    struct answer *answer)
{
    const json_t *version = json_object_get(members, "defaultVersionId");
    const char *role = json_text(members, "provisioningRoleArn");
    enum core_error error = template_need(cloud, name, answer);
    if (!error)
        error = words_check(members, "description", WORDS_ANY, DESCRIPTION_MAX, answer);
    if (!error && version &&
        db_number(cloud->db,
                  "SELECT COUNT(*) FROM provisioning_versions WHERE template = ? AND version = ?",
                  "si", name, (int64_t)json_integer_value(version)) == 0)
        error = answer_refuse(answer, CORE_INVALID_REQUEST,
                              "Provisioning template %s has no version %lld.", name,
                              (long long)json_integer_value(version));
    return !error && role ? role_check_trust(cloud, role, SERVICE, answer) : error;
}

enum core_error template_update(struct cloud *cloud, const char *name, const json_t *members,
                                struct answer *answer)
{
    const json_t *enabled = json_object_get(members, "enabled");
    enum core_error error = check_change(cloud, name, members, answer);
    if (error)
        return error;
    if (db_run(cloud->db,
               "UPDATE provisioning_templates SET description = COALESCE(?, description),"
               " enabled = CASE WHEN ? THEN ? ELSE enabled END,"
               " default_version = COALESCE(NULLIF(?, 0), default_version),"
               " role_arn = COALESCE(?, role_arn), modified = ? WHERE name = ?",
               "siiisis", json_text(members, "description"), (int64_t)json_is_boolean(enabled),
               (int64_t)json_is_true(enabled),
               (int64_t)json_integer_value(json_object_get(members, "defaultVersionId")),
               json_text(members, "provisioningRoleArn"), cloud_now(cloud), name) != OTTER_OK)
        return answer_db_failed(cloud, answer);
    return CORE_OK;
}

enum core_error template_delete(struct cloud *cloud, const char *name, struct answer *answer)
{
    enum core_error error = template_need(cloud, name, answer);
    if (error)
        return error;
    if (db_number(cloud->db, "SELECT COUNT(*) FROM provisioning_versions WHERE template = ?", "s",
                  name) > 1)
        return answer_refuse(answer, CORE_DELETE_CONFLICT,
                             "Provisioning template %s has versions besides the default one.",
                             name);
    if (db_number(cloud->db,
                  "SELECT COUNT(*) FROM ca_certificates WHERE"
                  " json_extract(config_json, '$.templateName') = ?",
                  "s", name) > 0)
        return answer_refuse(answer, CORE_DELETE_CONFLICT,
                             "A CA certificate provisions by the template %s.", name);
    return db_run(cloud->db, "DELETE FROM provisioning_templates WHERE name = ?", "s", name) ==
                   OTTER_OK
               ? CORE_OK
               : answer_db_failed(cloud, answer);
}

/* ---- claims --------------------------------------------------------------------------------- */

/* Both kinds of topics that a claim is for, below "topic" or "topicfilter". */
static json_t *claim_topics(struct cloud *cloud, const char *type, const char *name)
{
    return json_pack(
        "[s,s]", arn_make(cloud, "iot", "%s/$aws/certificates/*", type).text,
        arn_make(cloud, "iot", "%s/$aws/provisioning-templates/%s/provision/*", type, name).text);
}

/* What a device needs to become itself by this template. */
static char *claim_policy(struct cloud *cloud, const char *name)
{
    json_t *document =
        json_pack("{s:s,s:[{s:s,s:s,s:s},{s:s,s:[s,s],s:o},{s:s,s:s,s:o}]}", "Version",
                  "2012-10-17", "Statement", "Effect", "Allow", "Action", "iot:Connect", "Resource",
                  "*", "Effect", "Allow", "Action", "iot:Publish", "iot:Receive", "Resource",
                  claim_topics(cloud, "topic", name), "Effect", "Allow", "Action", "iot:Subscribe",
                  "Resource", claim_topics(cloud, "topicfilter", name));
    char *text = json_dumps(document, JSON_COMPACT);
    json_decref(document);
    return text;
}

static enum core_error keep_claim(struct cloud *cloud, const char *name, int64_t expires,
                                  const json_t *made, struct answer *answer)
{
    char *policy = claim_policy(cloud, name);
    otter_status status =
        db_run(cloud->db,
               "INSERT INTO provisioning_claims(certificate, document, expires) VALUES(?, ?, ?)",
               "ssi", json_text(made, "certificateId"), policy, expires);
    free(policy);
    return status == OTTER_OK ? CORE_OK : answer_db_failed(cloud, answer);
}

enum core_error claim_create(struct cloud *cloud, const char *name, EVP_PKEY *key,
                             struct answer *answer)
{
    int64_t expires = cloud_now(cloud) + FLEET_CLAIM_S;
    json_t *body = template_body(cloud, name, FLEET, answer);
    if (!body)
        return template_need(cloud, name, answer) ? CORE_NOT_FOUND : CORE_INVALID_REQUEST;
    json_decref(body);
    if (db_begin(cloud->db) != OTTER_OK)
        return answer_db_failed(cloud, answer);
    enum core_error error = certificate_create(cloud, key, true, answer);
    if (error == CORE_OK)
        error = keep_claim(cloud, name, expires, answer->body, answer);
    if (db_finish(cloud->db, error == CORE_OK ? OTTER_OK : OTTER_E_STATE) != OTTER_OK &&
        error == CORE_OK)
        error = answer_db_failed(cloud, answer);
    if (error == CORE_OK) {
        json_object_del(answer->body, "certificateArn");
        json_object_set_new(answer->body, "expiration", json_integer(expires));
    }
    return error;
}
