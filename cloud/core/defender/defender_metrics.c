/* Custom metrics: what devices may report besides the standard metrics. */
#include <string.h>

#include "cloud/core/ground/words.h"
#include "cloud/core/defender/defender_internal.h"

#define DISPLAY_MAX 128
#define METRICS_MAX 100

static enum core_error missing(const char *name, struct answer *answer)
{
    return answer_refuse(answer, CORE_NOT_FOUND, "Custom metric %.128s cannot be found.", name);
}

static void answer_names(struct cloud *cloud, const char *name, struct answer *answer)
{
    answer->body = json_pack("{s:s, s:s}", "metricName", name, "metricArn",
                             arn_make(cloud, "iot", "custommetric/%s", name).text);
}

static enum core_error check_display(const json_t *members, struct answer *answer)
{
    return words_check(members, "displayName", WORDS_PRINTABLE, DISPLAY_MAX, answer);
}

static enum core_error check_new(struct cloud *cloud, const char *name, const json_t *members,
                                 struct answer *answer)
{
    const char *token = json_text(members, "clientRequestToken");
    if (!name_valid(name, METRIC_NAME_MAX, NAME_OTHERS) || strncmp(name, "aws:", 4) == 0)
        return answer_refuse(answer, CORE_INVALID_REQUEST,
                             "metricName must be 1 to 128 of a-z A-Z 0-9 : _ -, and not begin with "
                             "aws:");
    if (metric_kind_of_type(json_text(members, "metricType")) == VALUE_NONE)
        return answer_refuse(answer, CORE_INVALID_REQUEST,
                             "metricType must be string-list, ip-address-list, number-list or "
                             "number");
    if (!token || !name_valid(token, 64, "_-"))
        return answer_refuse(answer, CORE_INVALID_REQUEST,
                             "clientRequestToken must be 1 to 64 of a-z A-Z 0-9 _ -");
    if (db_number(cloud->db, "SELECT COUNT(*) FROM defender_metrics WHERE name <> ?", "s", name) >=
        METRICS_MAX)
        return answer_refuse(answer, CORE_LIMIT, "An account has at most %d custom metrics",
                             METRICS_MAX);
    return check_display(members, answer);
}

/* Again the same: the client may be retrying. */
static enum core_error answer_existing(struct cloud *cloud, const char *name, const char *type,
                                       const char *token, struct answer *answer)
{
    if (db_number(cloud->db, "SELECT type = ? AND token = ? FROM defender_metrics WHERE name = ?",
                  "sss", type, token, name) != 1) {
        answer_refuse(answer, CORE_EXISTS, "Custom metric %.128s already exists.", name);
        answer->body = json_pack("{s:s, s:s}", "resourceId", name, "resourceArn",
                                 arn_make(cloud, "iot", "custommetric/%s", name).text);
        return CORE_EXISTS;
    }
    answer_names(cloud, name, answer);
    return CORE_OK;
}

enum core_error defender_metric_create(struct cloud *cloud, const char *name, const json_t *members,
                                       struct answer *answer)
{
    const char *type = json_text(members, "metricType");
    const char *token = json_text(members, "clientRequestToken");
    enum core_error error = check_new(cloud, name, members, answer);
    if (error)
        return error;
    int64_t now = cloud_now(cloud);
    otter_status status =
        db_run(cloud->db, "INSERT INTO defender_metrics VALUES(?, ?, ?, ?, ?, ?)", "ssssii", name,
               type, json_text(members, "displayName"), token, now, now);
    if (status == OTTER_E_STATE)
        return answer_existing(cloud, name, type, token, answer);
    if (status != OTTER_OK)
        return answer_db_failed(cloud, answer);
    answer_names(cloud, name, answer);
    return CORE_OK;
}

enum core_error defender_metric_describe(struct cloud *cloud, const char *name,
                                         struct answer *answer)
{
    struct db_rows *rows = db_select(
        cloud->db, "SELECT type, display, created, modified FROM defender_metrics WHERE name = ?",
        "s", name);
    if (db_next(rows)) {
        answer_names(cloud, name, answer);
        json_object_update_new(answer->body,
                               json_pack("{s:s, s:s*, s:I, s:I}", "metricType", db_text(rows, 0),
                                         "displayName", db_text(rows, 1), "creationDate",
                                         (json_int_t)db_int(rows, 2), "lastModifiedDate",
                                         (json_int_t)db_int(rows, 3)));
    }
    db_done(rows);
    return answer->body ? CORE_OK : missing(name, answer);
}

enum core_error defender_metric_update(struct cloud *cloud, const char *name, const json_t *members,
                                       struct answer *answer)
{
    const char *display = json_text(members, "displayName");
    enum core_error error =
        display ? check_display(members, answer)
                : answer_refuse(answer, CORE_INVALID_REQUEST, "displayName is required");
    if (error)
        return error;
    if (db_run(cloud->db, "UPDATE defender_metrics SET display = ?, modified = ? WHERE name = ?",
               "sis", display, cloud_now(cloud), name) != OTTER_OK)
        return answer_db_failed(cloud, answer);
    return defender_metric_describe(cloud, name, answer);
}

enum core_error defender_metric_delete(struct cloud *cloud, const char *name, struct answer *answer)
{
    struct answer users = ANSWER_INIT;
    defender_profile_list(cloud, name, &users);
    json_t *list = json_object_get(users.body, "securityProfileIdentifiers");
    const char *user = json_text(json_array_get(list, 0), "name");
    enum core_error error = CORE_OK;
    if (user)
        error = answer_refuse(answer, CORE_INVALID_REQUEST,
                              "Custom metric %.80s is used by the security profile %.80s: take it "
                              "out there first",
                              name, user);
    else if (db_run(cloud->db, "DELETE FROM defender_metrics WHERE name = ?", "s", name) !=
             OTTER_OK)
        error = answer_db_failed(cloud, answer);
    answer_free(&users);
    return error;
}

enum core_error defender_metric_list(struct cloud *cloud, struct answer *answer)
{
    json_t *names = json_array();
    struct db_rows *rows =
        db_select(cloud->db, "SELECT name FROM defender_metrics ORDER BY name", "");
    while (db_next(rows))
        json_array_append_new(names, json_string(db_text(rows, 0)));
    db_done(rows);
    answer->body = json_pack("{s:o}", "metricNames", names);
    return CORE_OK;
}
