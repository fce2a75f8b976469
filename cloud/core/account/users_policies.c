/* What users may do; see users.h. */
#include <stdio.h>
#include <string.h>

#include "cloud/core/account/iam_internal.h"
#include "cloud/core/account/users_internal.h"
#include "cloud/core/registry/policy.h"
#include "cloud/store/db.h"

#define AWS_PREFIX "arn:aws:iam::aws:policy/"
#define ALLOW(actions)                                                                             \
    "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":[" actions        \
    "],\"Resource\":\"*\"}]}"
#define IOT_READ                                                                                   \
    "\"iot:Describe*\",\"iot:Get*\",\"iot:List*\",\"iot:SearchIndex\","                            \
    "\"iot:ValidateSecurityProfileBehaviors\""
#define S3_READ  "\"s3:Get*\",\"s3:List*\""
#define IAM_READ "\"iam:Get*\",\"iam:List*\""

/* Policies of AWS that a user can have here, as far as this cloud has what they speak of. */
static const struct {
    const char *name, *document;
} managed[] = {
    {"AdministratorAccess", ALLOW("\"*\"")},
    {"ReadOnlyAccess",
     ALLOW(IOT_READ "," S3_READ "," IAM_READ ",\"acm:Describe*\",\"acm:List*\",\"signer:Get*\","
                    "\"signer:List*\",\"signer:Describe*\",\"sts:Get*\"")},
    {"AWSIoTFullAccess", ALLOW("\"iot:*\",\"iotjobsdata:*\"")},
    {"AWSIoTReadOnlyAccess", ALLOW(IOT_READ)},
    {"AWSIoTConfigAccess",
     ALLOW(IOT_READ ",\"iot:A*\",\"iot:Cancel*\",\"iot:Clear*\",\"iot:Create*\",\"iot:Delete*\","
                    "\"iot:Deprecate*\",\"iot:Detach*\",\"iot:Disable*\",\"iot:Enable*\","
                    "\"iot:Register*\",\"iot:Reject*\",\"iot:Remove*\",\"iot:Replace*\","
                    "\"iot:Set*\",\"iot:Start*\",\"iot:Stop*\",\"iot:Tag*\",\"iot:Transfer*\","
                    "\"iot:Untag*\",\"iot:Update*\",\"iot:PutVerification*\"")},
    {"AWSIoTConfigReadOnlyAccess", ALLOW(IOT_READ)},
    {"AWSIoTDataAccess",
     ALLOW("\"iot:Connect\",\"iot:Publish\",\"iot:Subscribe\",\"iot:Receive\","
           "\"iot:RetainPublish\",\"iot:GetRetainedMessage\",\"iot:ListRetainedMessages\","
           "\"iot:GetThingShadow\",\"iot:UpdateThingShadow\",\"iot:DeleteThingShadow\","
           "\"iot:ListNamedShadowsForThing\"")},
    {"AmazonS3FullAccess", ALLOW("\"s3:*\"")},
    {"AmazonS3ReadOnlyAccess", ALLOW(S3_READ)},
    {"IAMFullAccess", ALLOW("\"iam:*\"")},
    {"IAMReadOnlyAccess", ALLOW(IAM_READ)},
};

/* ---- documents ---- */

static const char *managed_document(const char *arn)
{
    if (!arn || strncmp(arn, AWS_PREFIX, sizeof AWS_PREFIX - 1) != 0)
        return NULL;
    for (size_t i = 0; i < sizeof managed / sizeof *managed; i++) {
        if (strcmp(arn + sizeof AWS_PREFIX - 1, managed[i].name) == 0)
            return managed[i].document;
    }
    return NULL;
}

/* Its own policies, those of the account, those of AWS: an array of texts. */
static json_t *documents_of(struct cloud *cloud, const char *user)
{
    json_t *documents = json_array();
    struct db_rows *rows =
        db_select(cloud->db,
                  "SELECT u.policy, COALESCE(u.document, m.document) FROM user_policies u"
                  " LEFT JOIN managed_policies m ON m.arn = u.policy WHERE u.user = ?",
                  "s", user);
    while (db_next(rows)) {
        const char *document = db_text(rows, 1);
        if (!document)
            document = managed_document(db_text(rows, 0));
        if (document)
            json_array_append_new(documents, json_string(document));
    }
    db_done(rows);
    return documents;
}

bool user_may(struct cloud *cloud, const char *user, const char *action, const char *resource)
{
    const struct policy_context known = {
        .negations = true,
        .passed_to = strcmp(action, "iam:PassRole") == 0 ? "iot.amazonaws.com" : NULL};
    char reason[160];
    const json_t *document;
    size_t i;
    if (!*user)
        return true;
    struct policy_set *set = policy_set_new();
    json_t *documents = documents_of(cloud, user);
    json_array_foreach(documents, i, document)
    {
        if (set)
            policy_set_add(set, json_string_value(document), reason, sizeof reason);
    }
    bool may = set && policy_allows(set, &known, action, resource);
    policy_set_free(set);
    json_decref(documents);
    return may;
}

void user_principal(struct cloud *cloud, const char *user, struct principal *principal)
{
    if (!*user) {
        credentials_principal(cloud, principal);
        return;
    }
    *principal = (struct principal){.kind = PRINCIPAL_USER, .documents = documents_of(cloud, user)};
    struct db_rows *rows = db_select(cloud->db, "SELECT id FROM users WHERE name = ?", "s", user);
    if (db_next(rows))
        snprintf(principal->id, sizeof principal->id, "%s", db_text(rows, 0));
    db_done(rows);
}

void user_principal_again(struct cloud *cloud, struct principal *principal)
{
    struct db_rows *rows;
    if (strcmp(principal->id, cloud->account) == 0)
        return; /* the owner */
    rows = db_select(cloud->db, "SELECT name FROM users WHERE id = ?", "s", principal->id);
    json_decref(principal->documents);
    principal->documents = db_next(rows) ? documents_of(cloud, db_text(rows, 0)) : NULL;
    db_done(rows);
}

/* ---- what is attached ---- */

static enum core_error need_managed(struct cloud *cloud, const char *arn, struct answer *answer)
{
    if (managed_document(arn) ||
        (arn &&
         db_number(cloud->db, "SELECT COUNT(*) FROM managed_policies WHERE arn = ?", "s", arn) > 0))
        return CORE_OK;
    return answer_refuse(
        answer, CORE_NOT_FOUND,
        arn && strncmp(arn, AWS_PREFIX, sizeof AWS_PREFIX - 1) == 0
            ? "Policy %.150s is none that this cloud has: cloud/core/account/users.h lists those "
              "of AWS; iam create-policy makes others."
            : "Policy %.150s does not exist or is not attachable.",
        arn ? arn : "(none)");
}

static enum core_error put(struct cloud *cloud, const char *name, const char *policy,
                           const char *document, struct answer *answer)
{
    if (db_run(cloud->db,
               "INSERT OR REPLACE INTO user_policies(user, policy, document) VALUES(?, ?, ?)",
               "sss", name, policy, document) != OTTER_OK)
        return answer_db_failed(cloud, answer);
    cloud_user_changed(cloud, name);
    return CORE_OK;
}

enum core_error user_attach(struct cloud *cloud, const char *name, const char *arn,
                            struct answer *answer)
{
    enum core_error error = users_need(cloud, name, answer);
    if (!error)
        error = need_managed(cloud, arn, answer);
    return error ? error : put(cloud, name, arn, NULL, answer);
}

/* What cannot be judged is not kept: a Deny that nobody understands would deny nothing. */
static enum core_error check_statements(const char *document, struct answer *answer)
{
    char reason[160] = "out of memory";
    struct policy_set *set = policy_set_new();
    bool sound = set && policy_set_add(set, document, reason, sizeof reason);
    policy_set_free(set);
    return sound ? CORE_OK
                 : answer_refuse(answer, CORE_POLICY_MALFORMED, "The policy is malformed: %s",
                                 reason);
}

enum core_error user_put_policy(struct cloud *cloud, const char *name, const char *policy,
                                const char *document, struct answer *answer)
{
    enum core_error error = users_need(cloud, name, answer);
    if (!error)
        error = iam_check_names(policy, 128, "/", answer);
    if (!error)
        error = iam_check_document(document, answer);
    if (!error)
        error = check_statements(document, answer);
    return error ? error : put(cloud, name, policy, document, answer);
}

static enum core_error take(struct cloud *cloud, const char *name, const char *policy,
                            const char *sql, struct answer *answer)
{
    enum core_error error = users_need(cloud, name, answer);
    if (error)
        return error;
    if (db_run(cloud->db, sql, "ss", name, policy) != OTTER_OK)
        return answer_db_failed(cloud, answer);
    if (db_changes(cloud->db) == 0)
        return answer_refuse(answer, CORE_NOT_FOUND, "Policy %.150s was not found.",
                             policy ? policy : "(none)");
    cloud_user_changed(cloud, name);
    return CORE_OK;
}

enum core_error user_detach(struct cloud *cloud, const char *name, const char *arn,
                            struct answer *answer)
{
    return take(cloud, name, arn,
                "DELETE FROM user_policies WHERE user = ? AND policy = ? AND document IS NULL",
                answer);
}

enum core_error user_delete_policy(struct cloud *cloud, const char *name, const char *policy,
                                   struct answer *answer)
{
    return take(cloud, name, policy,
                "DELETE FROM user_policies WHERE user = ? AND policy = ? AND document IS NOT NULL",
                answer);
}

enum core_error user_get_policy(struct cloud *cloud, const char *name, const char *policy,
                                struct answer *answer)
{
    enum core_error error = users_need(cloud, name, answer);
    if (error)
        return error;
    struct db_rows *rows =
        db_select(cloud->db,
                  "SELECT document FROM user_policies WHERE user = ? AND policy = ?"
                  " AND document IS NOT NULL",
                  "ss", name, policy);
    if (db_next(rows))
        answer->body = json_pack("{s:s,s:s,s:s}", "UserName", name, "PolicyName", policy,
                                 "PolicyDocument", db_text(rows, 0));
    db_done(rows);
    return answer->body ? CORE_OK
                        : answer_refuse(answer, CORE_NOT_FOUND,
                                        "The user policy with name %.128s cannot be found.",
                                        policy ? policy : "(none)");
}

enum core_error user_list_attached(struct cloud *cloud, const char *name, struct answer *answer)
{
    enum core_error error = users_need(cloud, name, answer);
    if (error)
        return error;
    json_t *policies = json_array();
    struct db_rows *rows =
        db_select(cloud->db, "SELECT policy FROM user_policies WHERE user = ? AND document IS NULL",
                  "s", name);
    while (db_next(rows))
        json_array_append_new(policies, json_pack("{s:s,s:s}", "PolicyName",
                                                  strrchr(db_text(rows, 0), '/') + 1, "PolicyArn",
                                                  db_text(rows, 0)));
    db_done(rows);
    answer->body = json_pack("{s:o,s:b}", "AttachedPolicies", policies, "IsTruncated", 0);
    return CORE_OK;
}

enum core_error user_list_policies(struct cloud *cloud, const char *name, struct answer *answer)
{
    enum core_error error = users_need(cloud, name, answer);
    if (error)
        return error;
    json_t *policies = json_array();
    struct db_rows *rows = db_select(
        cloud->db, "SELECT policy FROM user_policies WHERE user = ? AND document IS NOT NULL", "s",
        name);
    while (db_next(rows))
        json_array_append_new(policies, json_string(db_text(rows, 0)));
    db_done(rows);
    answer->body = json_pack("{s:o,s:b}", "PolicyNames", policies, "IsTruncated", 0);
    return CORE_OK;
}
