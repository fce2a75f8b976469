/* Versions of a provisioning template: up to five bodies under one name, one of them the default.
 */
#include <stdlib.h>
#include <string.h>

#include "cloud/core/fleet/fleet_internal.h"
#include "cloud/core/ground/names.h"
#include "cloud/store/db.h"

static int64_t default_of(struct cloud *cloud, const char *name)
{
    return db_number(cloud->db, "SELECT default_version FROM provisioning_templates WHERE name = ?",
                     "s", name);
}

static enum core_error need_version(struct cloud *cloud, const char *name, const char *version,
                                    struct answer *answer)
{
    enum core_error error = template_need(cloud, name, answer);
    if (error)
        return error;
    size_t length = strlen(version);
    bool number = length > 0 && length < 10 && strspn(version, "0123456789") == length;
    if (number &&
        db_number(cloud->db,
                  "SELECT COUNT(*) FROM provisioning_versions WHERE template = ? AND version = ?",
                  "si", name, (int64_t)strtoll(version, NULL, 10)) > 0)
        return CORE_OK;
    return answer_refuse(answer, number ? CORE_NOT_FOUND : CORE_INVALID_REQUEST,
                         "Provisioning template %s has no version %.20s.", name, version);
}

static otter_status insert(struct cloud *cloud, const char *name, const char *body, int64_t number,
                           bool as_default)
{
    otter_status status = db_run(cloud->db,
                                 "INSERT INTO provisioning_versions(template, version, body,"
                                 " created) VALUES(?, ?, ?, ?)",
                                 "sisi", name, number, body, cloud_now(cloud));
    if (status != OTTER_OK)
        return status;
    return db_run(cloud->db,
                  "UPDATE provisioning_templates SET last_version = ?1, modified = ?2,"
                  " default_version = CASE WHEN ?3 THEN ?1 ELSE default_version END"
                  " WHERE name = ?4",
                  "iiis", number, cloud_now(cloud), (int64_t)as_default, name);
}

enum core_error template_version_create(struct cloud *cloud, const char *name, const char *body,
                                        bool as_default, struct answer *answer)
{
    enum core_error error = template_need(cloud, name, answer);
    if (!error)
        error = body_check(body, answer);
    if (error)
        return error;
    if (db_number(cloud->db, "SELECT COUNT(*) FROM provisioning_versions WHERE template = ?", "s",
                  name) >= TEMPLATE_VERSIONS_MAX)
        return answer_refuse(answer, CORE_VERSIONS_LIMIT,
                             "Provisioning template %s already has the maximum number of versions "
                             "(%d): delete one first",
                             name, TEMPLATE_VERSIONS_MAX);
    int64_t number =
        1 + db_number(cloud->db, "SELECT last_version FROM provisioning_templates WHERE name = ?",
                      "s", name);
    if (db_begin(cloud->db) != OTTER_OK ||
        db_finish(cloud->db, insert(cloud, name, body, number, as_default)) != OTTER_OK)
        return answer_db_failed(cloud, answer);
    answer->body =
        json_pack("{s:s,s:s,s:I,s:b}", "templateArn",
                  arn_make(cloud, "iot", "provisioningtemplate/%s", name).text, "templateName",
                  name, "versionId", (json_int_t)number, "isDefaultVersion", (int)as_default);
    return CORE_OK;
}

enum core_error template_version_list(struct cloud *cloud, const char *name, struct answer *answer)
{
    enum core_error error = template_need(cloud, name, answer);
    if (error)
        return error;
    json_t *versions = json_array();
    int64_t chosen = default_of(cloud, name);
    struct db_rows *rows = db_select(cloud->db,
                                     "SELECT version, created FROM provisioning_versions"
                                     " WHERE template = ? ORDER BY version DESC",
                                     "s", name);
    while (db_next(rows))
        json_array_append_new(versions,
                              json_pack("{s:I,s:I,s:b}", "versionId", (json_int_t)db_int(rows, 0),
                                        "creationDate", (json_int_t)db_int(rows, 1),
                                        "isDefaultVersion", (int)(db_int(rows, 0) == chosen)));
    db_done(rows);
    answer->body = json_pack("{s:o}", "versions", versions);
    return CORE_OK;
}

enum core_error template_version_describe(struct cloud *cloud, const char *name,
                                          const char *version, struct answer *answer)
{
    enum core_error error = need_version(cloud, name, version, answer);
    if (error)
        return error;
    int64_t number = strtoll(version, NULL, 10), chosen = default_of(cloud, name);
    struct db_rows *rows = db_select(cloud->db,
                                     "SELECT body, created FROM provisioning_versions"
                                     " WHERE template = ? AND version = ?",
                                     "si", name, number);
    if (db_next(rows))
        answer->body = json_pack("{s:I,s:I,s:s,s:b}", "versionId", (json_int_t)number,
                                 "creationDate", (json_int_t)db_int(rows, 1), "templateBody",
                                 db_text(rows, 0), "isDefaultVersion", (int)(number == chosen));
    db_done(rows);
    return answer->body ? CORE_OK : answer_db_failed(cloud, answer);
}

enum core_error template_version_delete(struct cloud *cloud, const char *name, const char *version,
                                        struct answer *answer)
{
    enum core_error error = need_version(cloud, name, version, answer);
    if (error)
        return error;
    int64_t number = strtoll(version, NULL, 10);
    if (number == default_of(cloud, name))
        return answer_refuse(answer, CORE_DELETE_CONFLICT,
                             "The default version of a provisioning template cannot be deleted: "
                             "make another one the default first");
    return db_run(cloud->db, "DELETE FROM provisioning_versions WHERE template = ? AND version = ?",
                  "si", name, number) == OTTER_OK
               ? CORE_OK
               : answer_db_failed(cloud, answer);
}
