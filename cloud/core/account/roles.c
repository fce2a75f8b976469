/* Roles and managed policies; see roles.h. */
#include "cloud/core/account/roles.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/core/account/iam_internal.h"
#include "cloud/core/ground/names.h"
#include "cloud/store/db.h"

#define SESSION_DEFAULT_S 3600

/* ---- roles ---- */

enum core_error role_get(struct cloud *cloud, const char *name, struct answer *answer)
{
    struct db_rows *rows =
        db_select(cloud->db,
                  "SELECT id, path, trust_json, description, session_s, created FROM roles"
                  " WHERE name = ?",
                  "s", name);
    if (db_next(rows))
        answer->body =
            json_pack("{s:{s:s,s:s,s:s,s:s,s:I,s:s,s:s*,s:I}}", "Role", "Path", db_text(rows, 1),
                      "RoleName", name, "RoleId", db_text(rows, 0), "Arn",
                      iam_arn(cloud, "role", db_text(rows, 1), name).text, "CreateDate",
                      db_int(rows, 5), "AssumeRolePolicyDocument", db_text(rows, 2), "Description",
                      db_text(rows, 3), "MaxSessionDuration", db_int(rows, 4));
    db_done(rows);
    if (answer->body)
        return CORE_OK;
    return answer_refuse(answer, CORE_NOT_FOUND, "The role with name %.64s cannot be found.",
                         name ? name : "(none)");
}

enum core_error role_create(struct cloud *cloud, const struct role_request *request,
                            struct answer *answer)
{
    char id[32];
    const char *path = request->path ? request->path : "/";
    enum core_error error = iam_check_names(request->name, 64, path, answer);
    if (!error)
        error = iam_check_document(request->trust, answer);
    if (error)
        return error;
    iam_id(id, "AROA");
    otter_status status =
        db_run(cloud->db,
               "INSERT INTO roles(name, id, path, trust_json, description, session_s, created)"
               " VALUES(?, ?, ?, ?, ?, ?, ?)",
               "sssssii", request->name, id, path, request->trust, request->description,
               (int64_t)(request->session ? strtol(request->session, NULL, 10) : SESSION_DEFAULT_S),
               cloud_now(cloud));
    if (status == OTTER_E_STATE)
        return answer_refuse(answer, CORE_EXISTS, "Role with name %s already exists.",
                             request->name);
    return status == OTTER_OK ? role_get(cloud, request->name, answer)
                              : answer_db_failed(cloud, answer);
}

static enum core_error need_role(struct cloud *cloud, const char *name, struct answer *answer)
{
    enum core_error error = role_get(cloud, name, answer);
    answer_free(answer);
    return error ? answer_refuse(answer, error, "The role with name %.64s cannot be found.",
                                 name ? name : "(none)")
                 : CORE_OK;
}

enum core_error role_delete(struct cloud *cloud, const char *name, struct answer *answer)
{
    enum core_error error = need_role(cloud, name, answer);
    if (error)
        return error;
    if (db_number(cloud->db, "SELECT COUNT(*) FROM role_policies WHERE role = ?", "s", name) > 0)
        return answer_refuse(answer, CORE_DELETE_CONFLICT,
                             "Cannot delete entity, must detach all policies first.");
    if (db_run(cloud->db, "DELETE FROM roles WHERE name = ?", "s", name) != OTTER_OK)
        return answer_db_failed(cloud, answer);
    return CORE_OK;
}

/* ---- policies of a role ---- */

static enum core_error need_managed(struct cloud *cloud, const char *arn, struct answer *answer)
{
    static const char aws[] = "arn:aws:iam::aws:policy/";
    bool known = arn && strncmp(arn, aws, sizeof aws - 1) == 0 && arn[sizeof aws - 1];
    if (!known && arn)
        known = db_number(cloud->db, "SELECT COUNT(*) FROM managed_policies WHERE arn = ?", "s",
                          arn) > 0;
    if (known)
        return CORE_OK;
    return answer_refuse(answer, CORE_NOT_FOUND, "Policy %.150s does not exist.",
                         arn ? arn : "(none)");
}

static enum core_error put_role_policy(struct cloud *cloud, const char *name, const char *policy,
                                       const char *document, struct answer *answer)
{
    if (db_run(cloud->db,
               "INSERT OR REPLACE INTO role_policies(role, policy, document) VALUES(?, ?, ?)",
               "sss", name, policy, document) != OTTER_OK)
        return answer_db_failed(cloud, answer);
    return CORE_OK;
}

enum core_error role_attach(struct cloud *cloud, const char *name, const char *arn,
                            struct answer *answer)
{
    enum core_error error = need_role(cloud, name, answer);
    if (!error)
        error = need_managed(cloud, arn, answer);
    return error ? error : put_role_policy(cloud, name, arn, NULL, answer);
}

enum core_error role_detach(struct cloud *cloud, const char *name, const char *arn,
                            struct answer *answer)
{
    enum core_error error = need_role(cloud, name, answer);
    if (error)
        return error;
    if (db_run(cloud->db, "DELETE FROM role_policies WHERE role = ? AND policy = ?", "ss", name,
               arn) != OTTER_OK)
        return answer_db_failed(cloud, answer);
    return db_changes(cloud->db) ? CORE_OK
                                 : answer_refuse(answer, CORE_NOT_FOUND,
                                                 "Policy %.150s was not found.", arn ? arn : "");
}

enum core_error role_put_policy(struct cloud *cloud, const char *name, const char *policy,
                                const char *document, struct answer *answer)
{
    enum core_error error = need_role(cloud, name, answer);
    if (!error)
        error = iam_check_names(policy, 128, "/", answer);
    if (!error)
        error = iam_check_document(document, answer);
    return error ? error : put_role_policy(cloud, name, policy, document, answer);
}

enum core_error managed_policy_create(struct cloud *cloud, const char *name, const char *path,
                                      const char *document, const char *description,
                                      struct answer *answer)
{
    char id[32];
    const char *where = path ? path : "/";
    enum core_error error = iam_check_names(name, 128, where, answer);
    if (!error)
        error = iam_check_document(document, answer);
    if (error)
        return error;
    struct arn arn = iam_arn(cloud, "policy", where, name);
    int64_t now = cloud_now(cloud);
    iam_id(id, "ANPA");
    otter_status status =
        db_run(cloud->db,
               "INSERT INTO managed_policies(arn, name, id, path, document, description, created)"
               " VALUES(?, ?, ?, ?, ?, ?, ?)",
               "ssssssi", arn.text, name, id, where, document, description, now);
    if (status == OTTER_E_STATE)
        return answer_refuse(answer, CORE_EXISTS, "A policy called %s already exists.", name);
    if (status != OTTER_OK)
        return answer_db_failed(cloud, answer);
    answer->body =
        json_pack("{s:{s:s,s:s,s:s,s:s,s:s,s:i,s:i,s:b,s:I,s:I}}", "Policy", "PolicyName", name,
                  "PolicyId", id, "Arn", arn.text, "Path", where, "DefaultVersionId", "v1",
                  "AttachmentCount", 0, "PermissionsBoundaryUsageCount", 0, "IsAttachable", 1,
                  "CreateDate", now, "UpdateDate", now);
    return CORE_OK;
}

/* ---- trust ---- */

/* Whether a member, a string or an array of strings, holds `text` or "*". */
static bool holds(const json_t *value, const char *text)
{
    const char *single = json_string_value(value);
    if (single)
        return strcmp(single, text) == 0 || strcmp(single, "*") == 0;
    for (size_t i = 0; i < json_array_size(value); i++) {
        const char *item = json_string_value(json_array_get(value, i));
        if (item && strcmp(item, text) == 0)
            return true;
    }
    return false;
}

static bool statement_trusts(const json_t *statement, const char *service)
{
    const char *effect = json_text(statement, "Effect");
    const json_t *principal = json_object_get(statement, "Principal");
    return effect && strcmp(effect, "Allow") == 0 &&
           (holds(principal, "*") || holds(json_object_get(principal, "Service"), service)) &&
           (holds(json_object_get(statement, "Action"), "sts:AssumeRole") ||
            holds(json_object_get(statement, "Action"), "sts:*"));
}

static bool document_trusts(const char *text, const char *service)
{
    json_t *document = json_stored(text, "{}");
    const json_t *statements = json_object_get(document, "Statement");
    bool trusts = statement_trusts(statements, service);
    for (size_t i = 0; i < json_array_size(statements) && !trusts; i++)
        trusts = statement_trusts(json_array_get(statements, i), service);
    json_decref(document);
    return trusts;
}

enum core_error role_check_trust(struct cloud *cloud, const char *arn, const char *service,
                                 struct answer *answer)
{
    struct arn prefix = iam_arn(cloud, "role", "/", "");
    const char *name =
        arn && strncmp(arn, prefix.text, strlen(prefix.text)) == 0 ? strrchr(arn, '/') : NULL;
    if (!name)
        return answer_refuse(answer, CORE_INVALID_REQUEST,
                             "roleArn %.120s is not a role of this account: create one with iam "
                             "create-role.",
                             arn ? arn : "(none)");
    enum core_error error = role_get(cloud, name + 1, answer);
    if (error)
        return error;
    bool trusts = document_trusts(
        json_text(json_object_get(answer->body, "Role"), "AssumeRolePolicyDocument"), service);
    answer_free(answer);
    if (trusts)
        return CORE_OK;
    return answer_refuse(answer, CORE_INVALID_REQUEST,
                         "Role %.64s cannot be assumed by %s: its trust policy must allow "
                         "sts:AssumeRole to that service.",
                         name + 1, service);
}
