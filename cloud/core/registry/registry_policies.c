/* IoT policies: documents by name, attached to certificates. The gateway evaluates them. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "cloud/core/ground/names.h"
#include "cloud/core/registry/registry.h"
#include "cloud/store/db.h"

#define DOCUMENT_MAX 2048 /* characters, white space not counted */
#define ATTACHED_MAX 10

/* ---- the shape of a document ---- */

static size_t length_without_blanks(const char *text)
{
    size_t length = 0;
    for (; *text; text++)
        length += !strchr(" \t\r\n", *text);
    return length;
}

/* A string or a non-empty array of strings, each beginning with `prefix`, in any case, or being
 * "*". */
static bool strings_valid(const json_t *value, const char *prefix)
{
    const char *text = json_string_value(value);
    if (text)
        return strcmp(text, "*") == 0 || strncasecmp(text, prefix, strlen(prefix)) == 0;
    if (json_array_size(value) == 0)
        return false;
    for (size_t i = 0; i < json_array_size(value); i++) {
        const json_t *item = json_array_get(value, i);
        if (!json_is_string(item) || !strings_valid(item, prefix))
            return false;
    }
    return true;
}

static const char *statement_fault(const json_t *statement)
{
    const char *effect = json_text(statement, "Effect");
    if (!json_is_object(statement))
        return "a Statement must be an object";
    if (!effect || (strcmp(effect, "Allow") != 0 && strcmp(effect, "Deny") != 0))
        return "Effect must be Allow or Deny";
    if (!strings_valid(json_object_get(statement, "Action"), "iot"))
        return "Action must be iot:... or *, or an array of these";
    if (!strings_valid(json_object_get(statement, "Resource"), "arn:"))
        return "Resource must be an ARN or *, or an array of these";
    if (json_object_get(statement, "Condition") &&
        !json_is_object(json_object_get(statement, "Condition")))
        return "Condition must be an object";
    return NULL;
}

static const char *document_fault(const json_t *document)
{
    const char *version = json_text(document, "Version");
    const json_t *statements = json_object_get(document, "Statement");
    if (!json_is_object(document))
        return "it must be a JSON object";
    if (!version || (strcmp(version, "2012-10-17") != 0 && strcmp(version, "2008-10-17") != 0))
        return "Version must be 2012-10-17";
    if (json_is_object(statements))
        return statement_fault(statements);
    if (json_array_size(statements) == 0)
        return "Statement is missing";
    for (size_t i = 0; i < json_array_size(statements); i++) {
        const char *fault = statement_fault(json_array_get(statements, i));
        if (fault)
            return fault;
    }
    return NULL;
}

enum core_error policy_check(const char *text, struct answer *answer)
{
    json_error_t where;
    json_t *document = text ? json_loads(text, JSON_REJECT_DUPLICATES, &where) : NULL;
    if (!text)
        return answer_refuse(answer, CORE_INVALID_REQUEST, "policyDocument is required");
    if (!document)
        return answer_refuse(answer, CORE_POLICY_MALFORMED,
                             "The policy is not JSON: %s in line %d, column %d", where.text,
                             where.line, where.column);
    const char *fault = document_fault(document);
    json_decref(document);
    if (fault)
        return answer_refuse(answer, CORE_POLICY_MALFORMED, "The policy is malformed: %s", fault);
    if (length_without_blanks(text) > DOCUMENT_MAX)
        return answer_refuse(answer, CORE_POLICY_MALFORMED,
                             "The policy is longer than %d characters", DOCUMENT_MAX);
    return CORE_OK;
}

/* ---- create, get, list, delete ---- */

enum core_error policy_need(struct cloud *cloud, const char *name, struct answer *answer)
{
    if (db_number(cloud->db, "SELECT COUNT(*) FROM policies WHERE name = ?", "s", name) > 0)
        return CORE_OK;
    return answer_refuse(answer, CORE_NOT_FOUND, "Policy %s cannot be found.", name);
}

static otter_status insert_policy(struct cloud *cloud, const char *name, const char *document)
{
    int64_t now = cloud_now(cloud);
    otter_status status = db_begin(cloud->db);
    if (status != OTTER_OK)
        return status;
    status = db_run(cloud->db, "INSERT INTO policies(name, created, modified) VALUES(?, ?, ?)",
                    "sii", name, now, now);
    if (status == OTTER_OK)
        status = db_run(cloud->db,
                        "INSERT INTO policy_versions(policy, version, document, created)"
                        " VALUES(?, 1, ?, ?)",
                        "ssi", name, document, now);
    return db_finish(cloud->db, status);
}

enum core_error policy_create(struct cloud *cloud, const char *name, const char *document,
                              struct answer *answer)
{
    struct arn arn = arn_make(cloud, "iot", "policy/%s", name);
    if (!name_valid(name, POLICY_NAME_MAX, "_+=,.@-"))
        return answer_refuse(answer, CORE_INVALID_REQUEST,
                             "policyName must be 1 to 128 of a-z A-Z 0-9 _ + = , . @ -");
    enum core_error error = policy_check(document, answer);
    if (error)
        return error;
    otter_status status = insert_policy(cloud, name, document);
    if (status == OTTER_E_STATE) {
        answer_refuse(answer, CORE_EXISTS,
                      "Policy cannot be created - name already exists (name=%s)", name);
        answer->body = json_pack("{s:s,s:s}", "resourceId", name, "resourceArn", arn.text);
        return CORE_EXISTS;
    }
    if (status != OTTER_OK)
        return answer_db_failed(cloud, answer);
    answer->body = json_pack("{s:s,s:s,s:s,s:s}", "policyName", name, "policyArn", arn.text,
                             "policyDocument", document, "policyVersionId", "1");
    return CORE_OK;
}

enum core_error policy_get(struct cloud *cloud, const char *name, struct answer *answer)
{
    struct db_rows *rows =
        db_select(cloud->db,
                  "SELECT v.document, v.version, p.created, p.modified FROM policies p"
                  " JOIN policy_versions v ON v.policy = p.name AND v.version = p.default_version"
                  " WHERE p.name = ?",
                  "s", name);
    if (db_next(rows)) {
        char version[24];
        snprintf(version, sizeof version, "%lld", (long long)db_int(rows, 1));
        answer->body = json_pack("{s:s,s:s,s:s,s:s,s:I,s:I,s:s}", "policyName", name, "policyArn",
                                 arn_make(cloud, "iot", "policy/%s", name).text, "policyDocument",
                                 db_text(rows, 0), "defaultVersionId", version, "creationDate",
                                 db_int(rows, 2), "lastModifiedDate", db_int(rows, 3),
                                 "generationId", version);
    }
    db_done(rows);
    return answer->body ? CORE_OK : policy_need(cloud, name, answer);
}

/* Names from the first column, as list-policies shows them. */
static void answer_policies(struct cloud *cloud, struct db_rows *rows, struct answer *answer)
{
    json_t *policies = json_array();
    while (db_next(rows)) {
        const char *name = db_text(rows, 0);
        json_array_append_new(policies, json_pack("{s:s,s:s}", "policyName", name, "policyArn",
                                                  arn_make(cloud, "iot", "policy/%s", name).text));
    }
    db_done(rows);
    answer->body = json_pack("{s:o}", "policies", policies);
}

enum core_error policy_list(struct cloud *cloud, bool ascending, struct answer *answer)
{
    const char *sql = ascending ? "SELECT name FROM policies ORDER BY created, name"
                                : "SELECT name FROM policies ORDER BY created DESC, name DESC";
    answer_policies(cloud, db_select(cloud->db, sql, ""), answer);
    return CORE_OK;
}

enum core_error policy_delete(struct cloud *cloud, const char *name, struct answer *answer)
{
    enum core_error error = policy_need(cloud, name, answer);
    if (error)
        return error;
    if (db_number(cloud->db, "SELECT COUNT(*) FROM policy_versions WHERE policy = ?", "s", name) >
        1)
        return answer_refuse(answer, CORE_DELETE_CONFLICT,
                             "Cannot delete the policy because it has one or more policy versions "
                             "attached to it (name=%s)",
                             name);
    otter_status status = db_run(cloud->db, "DELETE FROM policies WHERE name = ?", "s", name);
    if (status == OTTER_E_STATE)
        return answer_refuse(answer, CORE_DELETE_CONFLICT,
                             "Policy cannot be deleted as the policy is still attached to one or "
                             "more principals (name=%s)",
                             name);
    return status == OTTER_OK ? CORE_OK : answer_db_failed(cloud, answer);
}

/* ---- attachments ---- */

static enum core_error need_target(struct cloud *cloud, const char *target, struct answer *answer)
{
    const char *certificate = arn_name(cloud, target, "iot", "cert");
    if (!certificate)
        return answer_refuse(answer, CORE_INVALID_REQUEST,
                             "The target must be the ARN of a certificate of this account: %.120s",
                             target ? target : "(none)");
    if (certificate_state_of(cloud, certificate) == CERTIFICATE_UNKNOWN)
        return answer_refuse(answer, CORE_NOT_FOUND, "Certificate %s cannot be found.",
                             certificate);
    return CORE_OK;
}

enum core_error policy_attach(struct cloud *cloud, const char *name, const char *target,
                              struct answer *answer)
{
    enum core_error error = policy_need(cloud, name, answer);
    if (!error)
        error = need_target(cloud, target, answer);
    if (error)
        return error;
    if (db_number(cloud->db, "SELECT COUNT(*) FROM policy_targets WHERE target = ? AND policy <> ?",
                  "ss", target, name) >= ATTACHED_MAX)
        return answer_refuse(answer, CORE_LIMIT, "At most %d policies can be attached to a target",
                             ATTACHED_MAX);
    if (db_run(cloud->db, "INSERT OR IGNORE INTO policy_targets(policy, target) VALUES(?, ?)", "ss",
               name, target) != OTTER_OK)
        return answer_db_failed(cloud, answer);
    cloud_certificate_changed(cloud, target);
    return CORE_OK;
}

enum core_error policy_detach(struct cloud *cloud, const char *name, const char *target,
                              struct answer *answer)
{
    enum core_error error = policy_need(cloud, name, answer);
    if (!error)
        error = need_target(cloud, target, answer);
    if (error)
        return error;
    if (db_run(cloud->db, "DELETE FROM policy_targets WHERE policy = ? AND target = ?", "ss", name,
               target) != OTTER_OK)
        return answer_db_failed(cloud, answer);
    cloud_certificate_changed(cloud, target);
    return CORE_OK;
}

enum core_error policy_list_attached(struct cloud *cloud, const char *target, struct answer *answer)
{
    enum core_error error = need_target(cloud, target, answer);
    if (!error)
        answer_policies(cloud,
                        db_select(cloud->db,
                                  "SELECT policy FROM policy_targets WHERE target = ?"
                                  " ORDER BY policy",
                                  "s", target),
                        answer);
    return error;
}

enum core_error policy_targets(struct cloud *cloud, const char *name, struct answer *answer)
{
    enum core_error error = policy_need(cloud, name, answer);
    if (error)
        return error;
    json_t *targets = json_array();
    struct db_rows *rows = db_select(
        cloud->db, "SELECT target FROM policy_targets WHERE policy = ? ORDER BY target", "s", name);
    while (db_next(rows))
        json_array_append_new(targets, json_string(db_text(rows, 0)));
    db_done(rows);
    answer->body = json_pack("{s:o}", "targets", targets);
    return CORE_OK;
}

json_t *certificate_policy_documents(struct cloud *cloud, const char *certificate_id)
{
    json_t *documents = json_array();
    struct db_rows *rows =
        db_select(cloud->db,
                  "SELECT v.document FROM policy_targets t JOIN policies p ON p.name = t.policy"
                  " JOIN policy_versions v ON v.policy = p.name AND v.version = p.default_version"
                  " WHERE t.target = ? UNION ALL"
                  " SELECT document FROM provisioning_claims WHERE certificate = ?",
                  "ss", arn_make(cloud, "iot", "cert/%s", certificate_id).text, certificate_id);
    while (db_next(rows))
        json_array_append_new(documents, json_string(db_text(rows, 0)));
    db_done(rows);
    return documents;
}
