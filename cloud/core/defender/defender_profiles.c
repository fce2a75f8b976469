/* Security profiles: what is normal, and of which metrics values are kept. */
#include <stdlib.h>
#include <string.h>

#include "cloud/core/ground/words.h"
#include "cloud/core/defender/defender_internal.h"

#define DESCRIPTION_MAX 1000
#define BEHAVIORS_MAX   100

/* ---- what is asked for ---------------------------------------------------------------------- */

static void check_behaviors(struct cloud *cloud, const json_t *behaviors, json_t *faults)
{
    json_t *behavior, *names = json_object();
    size_t i;
    if (behaviors && !json_is_array(behaviors))
        json_array_append_new(faults,
                              json_pack("{s:s}", "errorMessage", "behaviors must be a list"));
    if (json_array_size(behaviors) > BEHAVIORS_MAX)
        json_array_append_new(faults, json_pack("{s:s}", "errorMessage",
                                                "A security profile has at most 100 behaviors"));
    json_array_foreach((json_t *)behaviors, i, behavior)
    {
        const char *name = json_text(behavior, "name");
        behavior_check(cloud, behavior, faults);
        if (name && json_object_get(names, name))
            json_array_append_new(
                faults, json_pack("{s:s}", "errorMessage", "Two behaviors have the same name"));
        if (name)
            json_object_set_new(names, name, json_true());
    }
    json_decref(names);
}

enum core_error defender_behaviors_validate(struct cloud *cloud, const json_t *behaviors,
                                            struct answer *answer)
{
    json_t *faults = json_array();
    if (!json_is_array(behaviors)) {
        json_decref(faults);
        return answer_refuse(answer, CORE_INVALID_REQUEST, "behaviors must be a list");
    }
    check_behaviors(cloud, behaviors, faults);
    answer->body =
        json_pack("{s:b, s:o}", "valid", json_array_size(faults) == 0, "validationErrors", faults);
    return CORE_OK;
}

static enum core_error check_retained(struct cloud *cloud, const char *metric,
                                      struct answer *answer)
{
    if (metric && metric_find(cloud, metric).kind != VALUE_NONE)
        return CORE_OK;
    return answer_refuse(answer, CORE_INVALID_REQUEST,
                         "There is no metric %.80s to retain: neither a registered custom metric "
                         "nor one that devices report",
                         metric ? metric : "(none)");
}

static enum core_error check_retain(struct cloud *cloud, const json_t *members,
                                    struct answer *answer)
{
    json_t *item;
    size_t i;
    enum core_error error = CORE_OK;
    json_array_foreach(json_object_get(members, "additionalMetricsToRetain"), i, item)
    {
        error = error ? error : check_retained(cloud, json_string_value(item), answer);
    }
    json_array_foreach(json_object_get(members, "additionalMetricsToRetainV2"), i, item)
    {
        if (!error && json_object_size(item) > 1)
            error = answer_refuse(answer, CORE_INVALID_REQUEST,
                                  "This cloud retains metrics whole: leave metricDimension and "
                                  "exportMetric out");
        error = error ? error : check_retained(cloud, json_text(item, "metric"), answer);
    }
    return error;
}

static enum core_error check_members(struct cloud *cloud, const char *name, const json_t *members,
                                     struct answer *answer)
{
    json_t *faults = json_array();
    enum core_error error = CORE_OK;
    check_behaviors(cloud, json_object_get(members, "behaviors"), faults);
    const char *first = json_text(json_array_get(faults, 0), "errorMessage");
    if (!name_valid(name, PROFILE_NAME_MAX, NAME_OTHERS))
        error = answer_refuse(answer, CORE_INVALID_REQUEST,
                              "securityProfileName must be 1 to 128 of a-z A-Z 0-9 : _ -");
    else
        error = words_check(members, "securityProfileDescription", WORDS_PRINTABLE, DESCRIPTION_MAX,
                            answer);
    if (!error && first)
        error = answer_refuse(answer, CORE_INVALID_REQUEST, "%s", first);
    json_decref(faults);
    return error ? error : check_retain(cloud, members, answer);
}

/* ---- how it is stored: its members as one object -------------------------------------------- */

static const char *const members_kept[] = {"securityProfileDescription", "behaviors",
                                           "additionalMetricsToRetain",
                                           "additionalMetricsToRetainV2"};

/* Takes over what is given, and leaves the rest as it is. */
static void merge(json_t *kept, const json_t *given)
{
    for (size_t i = 0; i < sizeof members_kept / sizeof *members_kept; i++) {
        json_t *value = json_object_get(given, members_kept[i]);
        if (value && !json_is_null(value))
            json_object_set(kept, members_kept[i], value);
    }
}

static enum core_error answer_exists(struct cloud *cloud, const char *name, struct answer *answer)
{
    answer_refuse(answer, CORE_EXISTS, "Security profile %.128s already exists.", name);
    answer->body = json_pack("{s:s, s:s}", "resourceId", name, "resourceArn",
                             arn_make(cloud, "iot", "securityprofile/%s", name).text);
    return CORE_EXISTS;
}

enum core_error defender_profile_create(struct cloud *cloud, const char *name,
                                        const json_t *members, struct answer *answer)
{
    enum core_error error = check_members(cloud, name, members, answer);
    if (error)
        return error;
    json_t *kept = json_object();
    merge(kept, members);
    char *text = json_dumps(kept, JSON_COMPACT);
    int64_t now = cloud_now(cloud);
    otter_status status = db_run(cloud->db, "INSERT INTO defender_profiles VALUES(?, 1, ?, ?, ?)",
                                 "ssii", name, text, now, now);
    free(text);
    json_decref(kept);
    if (status == OTTER_E_STATE)
        return answer_exists(cloud, name, answer);
    if (status != OTTER_OK)
        return answer_db_failed(cloud, answer);
    answer->body = json_pack("{s:s, s:s}", "securityProfileName", name, "securityProfileArn",
                             arn_make(cloud, "iot", "securityprofile/%s", name).text);
    return CORE_OK;
}

enum core_error defender_profile_describe(struct cloud *cloud, const char *name,
                                          struct answer *answer)
{
    struct db_rows *rows = db_select(
        cloud->db,
        "SELECT members_json, version, created, modified FROM defender_profiles WHERE name = ?",
        "s", name);
    if (db_next(rows)) {
        answer->body = json_stored(db_text(rows, 0), "{}");
        json_object_update_new(answer->body,
                               json_pack("{s:s, s:s, s:I, s:I, s:I}", "securityProfileName", name,
                                         "securityProfileArn",
                                         arn_make(cloud, "iot", "securityprofile/%s", name).text,
                                         "version", (json_int_t)db_int(rows, 1), "creationDate",
                                         (json_int_t)db_int(rows, 2), "lastModifiedDate",
                                         (json_int_t)db_int(rows, 3)));
    }
    db_done(rows);
    return answer->body ? CORE_OK : profile_need(cloud, name, answer);
}

/* ---- changes -------------------------------------------------------------------------------- */

static enum core_error check_version(struct cloud *cloud, const char *name, int64_t expected,
                                     struct answer *answer)
{
    int64_t version =
        db_number(cloud->db, "SELECT version FROM defender_profiles WHERE name = ?", "s", name);
    if (expected < 0 || version == expected)
        return CORE_OK;
    return answer_refuse(answer, CORE_VERSION_CONFLICT,
                         "Security profile %.80s has version %lld, not %lld", name,
                         (long long)version, (long long)expected);
}

static void delete_asked(json_t *kept, const json_t *members)
{
    if (json_is_true(json_object_get(members, "deleteBehaviors")))
        json_object_del(kept, "behaviors");
    if (json_is_true(json_object_get(members, "deleteAdditionalMetricsToRetain"))) {
        json_object_del(kept, "additionalMetricsToRetain");
        json_object_del(kept, "additionalMetricsToRetainV2");
    }
}

static const json_t *behavior_named(const json_t *behaviors, const char *name)
{
    for (size_t i = 0; i < json_array_size(behaviors); i++) {
        const json_t *behavior = json_array_get(behaviors, i);
        const char *other = json_text(behavior, "name");
        if (other && name && strcmp(other, name) == 0)
            return behavior;
    }
    return NULL;
}

/* Violations of behaviours that are gone or not the same any more end. */
static otter_status end_changed(struct cloud *cloud, const char *profile, const json_t *before,
                                const json_t *after)
{
    json_t *behavior;
    size_t i;
    otter_status status = OTTER_OK;
    json_array_foreach((json_t *)before, i, behavior)
    {
        const char *name = json_text(behavior, "name");
        const json_t *now = behavior_named(after, name);
        if (status == OTTER_OK && (!now || !json_equal(now, behavior)))
            status = violations_invalidate(cloud, NULL, profile, name);
    }
    return status;
}

static otter_status store(struct cloud *cloud, const char *name, const json_t *before,
                          const json_t *kept)
{
    char *text = json_dumps(kept, JSON_COMPACT);
    otter_status status = db_begin(cloud->db);
    if (status == OTTER_OK) {
        status = db_run(cloud->db,
                        "UPDATE defender_profiles SET members_json = ?, version = version + 1,"
                        " modified = ? WHERE name = ?",
                        "sis", text, cloud_now(cloud), name);
        if (status == OTTER_OK)
            status = end_changed(cloud, name, json_object_get(before, "behaviors"),
                                 json_object_get(kept, "behaviors"));
        status = db_finish(cloud->db, status);
    }
    free(text);
    return status;
}

enum core_error defender_profile_update(struct cloud *cloud, const char *name,
                                        const json_t *members, int64_t version,
                                        struct answer *answer)
{
    struct answer present = ANSWER_INIT;
    enum core_error error = profile_need(cloud, name, answer);
    if (!error)
        error = check_version(cloud, name, version, answer);
    if (!error)
        error = check_members(cloud, name, members, answer);
    if (error)
        return error;
    defender_profile_describe(cloud, name, &present);
    json_t *kept = json_object();
    merge(kept, present.body);
    delete_asked(kept, members);
    merge(kept, members);
    otter_status status = store(cloud, name, present.body, kept);
    json_decref(kept);
    answer_free(&present);
    return status == OTTER_OK ? defender_profile_describe(cloud, name, answer)
                              : answer_db_failed(cloud, answer);
}

enum core_error defender_profile_delete(struct cloud *cloud, const char *name, int64_t version,
                                        struct answer *answer)
{
    enum core_error error = check_version(cloud, name, version, answer);
    if (error)
        return error;
    otter_status status = db_begin(cloud->db);
    if (status == OTTER_OK) {
        status = violations_invalidate(cloud, NULL, name, NULL);
        if (status == OTTER_OK)
            status = db_run(cloud->db, "DELETE FROM defender_profiles WHERE name = ?", "s", name);
        status = db_finish(cloud->db, status);
    }
    return status == OTTER_OK ? CORE_OK : answer_db_failed(cloud, answer);
}

/* ---- lists ---------------------------------------------------------------------------------- */

static bool uses(const json_t *profile, const char *metric)
{
    static const char *const lists[] = {"behaviors", "additionalMetricsToRetain",
                                        "additionalMetricsToRetainV2"};
    json_t *item;
    size_t i;
    for (size_t list = 0; list < sizeof lists / sizeof *lists; list++) {
        json_array_foreach(json_object_get(profile, lists[list]), i, item)
        {
            const char *name =
                json_is_string(item) ? json_string_value(item) : json_text(item, "metric");
            if (name && strcmp(name, metric) == 0)
                return true;
        }
    }
    return false;
}

enum core_error defender_profile_list(struct cloud *cloud, const char *metric,
                                      struct answer *answer)
{
    json_t *list = json_array();
    struct db_rows *rows =
        db_select(cloud->db, "SELECT name, members_json FROM defender_profiles ORDER BY name", "");
    while (db_next(rows)) {
        json_t *profile = metric ? json_stored(db_text(rows, 1), "{}") : NULL;
        if (!metric || uses(profile, metric))
            json_array_append_new(list, profile_identifier(cloud, db_text(rows, 0)));
        json_decref(profile);
    }
    db_done(rows);
    answer->body = json_pack("{s:o}", "securityProfileIdentifiers", list);
    return CORE_OK;
}
