/* What was found, as it is asked for: violations, their events, values. */
#include <string.h>

#include "cloud/core/ground/words.h"
#include "cloud/core/defender/defender_internal.h"

#define VERIFICATIONS "FALSE_POSITIVE BENIGN_POSITIVE TRUE_POSITIVE UNKNOWN"

static enum core_error check(const struct defender_filter *filter, struct answer *answer)
{
    enum core_error error = check_filter("behaviorCriteriaType", filter->criteria,
                                         "STATIC STATISTICAL MACHINE_LEARNING", answer);
    return error ? error
                 : check_filter("verificationState", filter->verification, VERIFICATIONS, answer);
}

/* Each is judged by static thresholds. */
static bool wanted(const struct defender_filter *filter, const json_t *behavior)
{
    bool suppressed = json_is_true(json_object_get(behavior, "suppressAlerts"));
    if (filter->criteria && strcmp(filter->criteria, "STATIC") != 0)
        return false;
    return !filter->suppressed || suppressed == (strcmp(filter->suppressed, "true") == 0);
}

static json_t *seconds(int64_t ms)
{
    return json_real((double)ms / 1000);
}

/* Columns: violation, thing, profile, behavior_json, value_json, verification, description. */
static json_t *read_violation(struct db_rows *rows, const char *value_name)
{
    return json_pack("{s:s, s:s, s:s, s:o, s:o, s:s, s:s*}", "violationId", db_text(rows, 0),
                     "thingName", db_text(rows, 1), "securityProfileName", db_text(rows, 2),
                     "behavior", json_stored(db_text(rows, 3), "{}"), value_name,
                     json_stored(db_text(rows, 4), "{}"), "verificationState", db_text(rows, 5),
                     "verificationStateDescription", db_text(rows, 6));
}

#define COLUMNS "violation, thing, profile, behavior_json, value_json, verification, description"
#define CHOSEN                                                                                     \
    " WHERE thing = IFNULL(?1, thing) AND profile = IFNULL(?2, profile)"                           \
    " AND verification = IFNULL(?3, verification)"

enum core_error defender_active_violations(struct cloud *cloud,
                                           const struct defender_filter *filter,
                                           struct answer *answer)
{
    enum core_error error = check(filter, answer);
    if (error)
        return error;
    json_t *list = json_array();
    struct db_rows *rows =
        db_select(cloud->db,
                  "SELECT " COLUMNS ", last_ms, started_ms FROM defender_states" CHOSEN
                  " AND violation IS NOT NULL ORDER BY started_ms DESC, violation",
                  "sss", filter->thing, filter->profile, filter->verification);
    while (db_next(rows)) {
        json_t *violation = read_violation(rows, "lastViolationValue");
        json_object_set_new(violation, "lastViolationTime", seconds(db_int(rows, 7)));
        json_object_set_new(violation, "violationStartTime", seconds(db_int(rows, 8)));
        if (wanted(filter, json_object_get(violation, "behavior")))
            json_array_append(list, violation);
        json_decref(violation);
    }
    db_done(rows);
    answer->body = json_pack("{s:o}", "activeViolations", list);
    return CORE_OK;
}

enum core_error defender_violation_events(struct cloud *cloud, const struct defender_filter *filter,
                                          struct answer *answer)
{
    enum core_error error = check(filter, answer);
    if (error)
        return error;
    json_t *list = json_array();
    struct db_rows *rows = db_select(cloud->db,
                                     "SELECT " COLUMNS ", at_ms, type FROM defender_events" CHOSEN
                                     " AND at_ms BETWEEN ?4 AND ?5 ORDER BY at_ms DESC, id DESC",
                                     "sssii", filter->thing, filter->profile, filter->verification,
                                     filter->from_ms, filter->to_ms);
    while (db_next(rows)) {
        json_t *event = read_violation(rows, "metricValue");
        json_object_set_new(event, "violationEventTime", seconds(db_int(rows, 7)));
        json_object_set_new(event, "violationEventType", json_string(db_text(rows, 8)));
        if (wanted(filter, json_object_get(event, "behavior")))
            json_array_append(list, event);
        json_decref(event);
    }
    db_done(rows);
    answer->body = json_pack("{s:o}", "violationEvents", list);
    return CORE_OK;
}

enum core_error defender_metric_values(struct cloud *cloud, const char *metric,
                                       const struct defender_filter *filter, struct answer *answer)
{
    json_t *list = json_array();
    struct db_rows *rows = db_select(cloud->db,
                                     "SELECT at_ms, value_json FROM defender_values WHERE thing = ?"
                                     " AND metric = ? AND at_ms BETWEEN ? AND ? ORDER BY at_ms, id",
                                     "ssii", filter->thing, metric, filter->from_ms, filter->to_ms);
    while (db_next(rows))
        json_array_append_new(list, json_pack("{s:o, s:o}", "timestamp", seconds(db_int(rows, 0)),
                                              "value", json_stored(db_text(rows, 1), "{}")));
    db_done(rows);
    answer->body = json_pack("{s:o}", "metricDatumList", list);
    return CORE_OK;
}

enum core_error defender_verify_violation(struct cloud *cloud, const char *violation,
                                          const json_t *members, struct answer *answer)
{
    const char *state = json_text(members, "verificationState");
    const char *description = json_text(members, "verificationStateDescription");
    enum core_error error =
        state ? check_filter("verificationState", state, VERIFICATIONS, answer)
              : answer_refuse(answer, CORE_INVALID_REQUEST, "verificationState is required");
    if (!error)
        error = words_check(members, "verificationStateDescription", WORDS_ANY, 1000, answer);
    if (error)
        return error;
    otter_status status = db_begin(cloud->db);
    if (status != OTTER_OK)
        return answer_db_failed(cloud, answer);
    status = db_run(cloud->db,
                    "UPDATE defender_states SET verification = ?, description = ?"
                    " WHERE violation = ?",
                    "sss", state, description, violation);
    if (status == OTTER_OK)
        status = db_run(cloud->db,
                        "UPDATE defender_events SET verification = ?, description = ?"
                        " WHERE violation = ?",
                        "sss", state, description, violation);
    int64_t known = db_changes(cloud->db);
    if (db_finish(cloud->db, status) != OTTER_OK)
        return answer_db_failed(cloud, answer);
    return known ? CORE_OK
                 : answer_refuse(answer, CORE_INVALID_REQUEST, "There is no violation %.64s",
                                 violation);
}
