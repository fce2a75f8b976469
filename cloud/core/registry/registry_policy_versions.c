/* Versions of IoT policies: up to five documents under one name, one of them the default. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/core/ground/names.h"
#include "cloud/core/registry/registry.h"
#include "cloud/store/db.h"

/* The number in a version's id; 0 when it is none. */
static int64_t number_of(const char *version)
{
    size_t length = strlen(version);
    return length > 0 && length < 10 && strspn(version, "0123456789") == length
               ? strtoll(version, NULL, 10)
               : 0;
}

static int64_t default_of(struct cloud *cloud, const char *name)
{
    return db_number(cloud->db, "SELECT default_version FROM policies WHERE name = ?", "s", name);
}

static enum core_error need_version(struct cloud *cloud, const char *name, const char *version,
                                    struct answer *answer)
{
    enum core_error error = policy_need(cloud, name, answer);
    if (error)
        return error;
    if (number_of(version) == 0)
        return answer_refuse(answer, CORE_INVALID_REQUEST,
                             "policyVersionId must be a number, not %.40s", version);
    if (db_number(cloud->db,
                  "SELECT COUNT(*) FROM policy_versions WHERE policy = ? AND version = ?", "si",
                  name, number_of(version)) > 0)
        return CORE_OK;
    return answer_refuse(answer, CORE_NOT_FOUND, "Policy %s has no version %s.", name, version);
}

/* ---- create ---- */

/* One above all that there ever were. Policies older than the table have no row in it. */
static int64_t next_number(struct cloud *cloud, const char *name)
{
    return 1 + db_number(cloud->db,
                         "SELECT MAX(n) FROM (SELECT last AS n FROM policy_version_numbers WHERE"
                         " policy = ?1 UNION ALL SELECT version FROM policy_versions WHERE"
                         " policy = ?1)",
                         "s", name);
}

static otter_status set_default(struct cloud *cloud, const char *name, int64_t number)
{
    return db_run(cloud->db, "UPDATE policies SET default_version = ?, modified = ? WHERE name = ?",
                  "iis", number, cloud_now(cloud), name);
}

static otter_status insert(struct cloud *cloud, const char *name, const char *document,
                           int64_t number, bool as_default)
{
    otter_status status = db_run(cloud->db,
                                 "INSERT INTO policy_versions(policy, version, document, created)"
                                 " VALUES(?, ?, ?, ?)",
                                 "sisi", name, number, document, cloud_now(cloud));
    if (status == OTTER_OK)
        status = db_run(cloud->db,
                        "INSERT OR REPLACE INTO policy_version_numbers(policy, last) VALUES(?, ?)",
                        "si", name, number);
    return status == OTTER_OK && as_default ? set_default(cloud, name, number) : status;
}

enum core_error policy_version_create(struct cloud *cloud, const char *name, const char *document,
                                      bool as_default, struct answer *answer)
{
    enum core_error error = policy_need(cloud, name, answer);
    if (!error)
        error = policy_check(document, answer);
    if (error)
        return error;
    if (db_number(cloud->db, "SELECT COUNT(*) FROM policy_versions WHERE policy = ?", "s", name) >=
        POLICY_VERSIONS_MAX)
        return answer_refuse(
            answer, CORE_VERSIONS_LIMIT,
            "The policy %s already has the maximum number of versions (%d): delete "
            "one first",
            name, POLICY_VERSIONS_MAX);
    int64_t number = next_number(cloud, name);
    if (db_begin(cloud->db) != OTTER_OK ||
        db_finish(cloud->db, insert(cloud, name, document, number, as_default)) != OTTER_OK)
        return answer_db_failed(cloud, answer);
    char id[24];
    snprintf(id, sizeof id, "%lld", (long long)number);
    answer->body = json_pack("{s:s,s:s,s:s,s:b}", "policyArn",
                             arn_make(cloud, "iot", "policy/%s", name).text, "policyDocument",
                             document, "policyVersionId", id, "isDefaultVersion", (int)as_default);
    if (as_default)
        cloud_identity_changed(cloud);
    return CORE_OK;
}

/* ---- list and get ---- */

enum core_error policy_version_list(struct cloud *cloud, const char *name, struct answer *answer)
{
    enum core_error error = policy_need(cloud, name, answer);
    if (error)
        return error;
    json_t *versions = json_array();
    struct db_rows *rows =
        db_select(cloud->db,
                  "SELECT CAST(v.version AS TEXT), v.version = p.default_version, v.created"
                  " FROM policy_versions v JOIN policies p ON p.name = v.policy"
                  " WHERE v.policy = ? ORDER BY v.version DESC",
                  "s", name);
    while (db_next(rows))
        json_array_append_new(versions, json_pack("{s:s,s:b,s:I}", "versionId", db_text(rows, 0),
                                                  "isDefaultVersion", (int)db_int(rows, 1),
                                                  "createDate", (json_int_t)db_int(rows, 2)));
    db_done(rows);
    answer->body = json_pack("{s:o}", "policyVersions", versions);
    return CORE_OK;
}

enum core_error policy_version_get(struct cloud *cloud, const char *name, const char *version,
                                   struct answer *answer)
{
    enum core_error error = need_version(cloud, name, version, answer);
    if (error)
        return error;
    struct db_rows *rows = db_select(
        cloud->db, "SELECT document, created FROM policy_versions WHERE policy = ? AND version = ?",
        "si", name, number_of(version));
    if (db_next(rows))
        answer->body =
            json_pack("{s:s,s:s,s:s,s:s,s:b,s:I,s:I,s:s}", "policyArn",
                      arn_make(cloud, "iot", "policy/%s", name).text, "policyName", name,
                      "policyDocument", db_text(rows, 0), "policyVersionId", version,
                      "isDefaultVersion", (int)(number_of(version) == default_of(cloud, name)),
                      "creationDate", (json_int_t)db_int(rows, 1), "lastModifiedDate",
                      (json_int_t)db_int(rows, 1), "generationId", version);
    db_done(rows);
    return answer->body ? CORE_OK : answer_db_failed(cloud, answer);
}

/* ---- set default, delete ---- */

enum core_error policy_version_set_default(struct cloud *cloud, const char *name,
                                           const char *version, struct answer *answer)
{
    enum core_error error = need_version(cloud, name, version, answer);
    if (error)
        return error;
    if (set_default(cloud, name, number_of(version)) != OTTER_OK)
        return answer_db_failed(cloud, answer);
    cloud_identity_changed(cloud);
    return CORE_OK;
}

enum core_error policy_version_delete(struct cloud *cloud, const char *name, const char *version,
                                      struct answer *answer)
{
    enum core_error error = need_version(cloud, name, version, answer);
    if (error)
        return error;
    if (number_of(version) == default_of(cloud, name))
        return answer_refuse(answer, CORE_DELETE_CONFLICT,
                             "Cannot delete the default version of a policy (name=%s, version=%s): "
                             "make another one the default first",
                             name, version);
    if (db_run(cloud->db, "DELETE FROM policy_versions WHERE policy = ? AND version = ?", "si",
               name, number_of(version)) != OTTER_OK)
        return answer_db_failed(cloud, answer);
    return CORE_OK;
}
