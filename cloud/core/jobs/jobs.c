/* Executions: how they are stored and change, and what devices ask and report. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/core/jobs/jobs_internal.h"
#include "cloud/core/ground/names.h"
#include "cloud/core/registry/registry.h"

/* ---- one execution as stored ---------------------------------------------------------------- */

static void copy_text(char *out, size_t size, const char *text)
{
    snprintf(out, size, "%s", text ? text : "");
}

void execution_read(struct db_rows *rows, struct execution *execution)
{
    const char *details = db_text(rows, 5);
    *execution = (struct execution){
        .id = db_int(rows, 0),
        .number = db_int(rows, 3),
        .version = db_int(rows, 6),
        .force_canceled = db_int(rows, 7) != 0,
        .queued = db_int(rows, 8),
        .started = db_int(rows, 9),
        .updated = db_int(rows, 10),
        .deadline = db_int(rows, 11),
        .step_deadline = db_int(rows, 12),
        .details = details ? strdup(details) : NULL,
    };
    copy_text(execution->job, sizeof execution->job, db_text(rows, 1));
    copy_text(execution->thing, sizeof execution->thing, db_text(rows, 2));
    copy_text(execution->status, sizeof execution->status, db_text(rows, 4));
}

void execution_free(struct execution *execution)
{
    free(execution->details);
    execution->details = NULL;
}

static bool read_only_row(struct db_rows *rows, struct execution *execution)
{
    bool found = db_next(rows);
    if (found)
        execution_read(rows, execution);
    else
        *execution = (struct execution){0};
    db_done(rows);
    return found;
}

bool execution_find(struct cloud *cloud, const char *thing, const char *job, int64_t number,
                    struct execution *execution)
{
    return read_only_row(db_select(cloud->db,
                                   "SELECT " EXECUTION_COLUMNS
                                   " FROM job_executions WHERE job = ? AND thing = ?"
                                   " AND (? = 0 OR number = ?) ORDER BY number DESC LIMIT 1",
                                   "ssii", job, thing, number, number),
                         execution);
}

bool execution_first_pending(struct cloud *cloud, const char *thing, struct execution *execution)
{
    return read_only_row(
        db_select(cloud->db,
                  "SELECT " EXECUTION_COLUMNS
                  " FROM job_executions INDEXED BY executions_pending WHERE thing = ?"
                  " AND status IN ('IN_PROGRESS', 'QUEUED')"
                  " ORDER BY status = 'QUEUED', queued, id LIMIT 1",
                  "s", thing),
        execution);
}

bool status_is(const struct execution *execution, const char *status)
{
    return strcmp(execution->status, status) == 0;
}

bool status_is_terminal(const char *status)
{
    return strcmp(status, "QUEUED") != 0 && strcmp(status, "IN_PROGRESS") != 0;
}

bool jobs_id_valid(const char *job)
{
    return name_valid(job, JOBS_ID_MAX, "_-");
}

/* ---- JSON of an execution ------------------------------------------------------------------- */

json_t *execution_details(const struct execution *execution)
{
    return execution->details ? json_loads(execution->details, 0, NULL) : NULL;
}

json_t *job_document(struct cloud *cloud, const char *job)
{
    struct db_rows *rows = db_select(cloud->db, "SELECT document FROM jobs WHERE id = ?", "s", job);
    json_t *document = NULL;
    if (db_next(rows))
        document = json_loads(db_text(rows, 0), JSON_DECODE_ANY, NULL);
    db_done(rows);
    return document;
}

static void set_time(json_t *object, const char *name, int64_t seconds)
{
    if (seconds)
        json_object_set_new(object, name, json_integer(seconds));
}

json_t *execution_summary(const struct execution *execution)
{
    json_t *summary =
        json_pack("{s:s, s:I, s:I, s:I, s:I}", "jobId", execution->job, "queuedAt",
                  (json_int_t)execution->queued, "lastUpdatedAt", (json_int_t)execution->updated,
                  "executionNumber", (json_int_t)execution->number, "versionNumber",
                  (json_int_t)execution->version);
    set_time(summary, "startedAt", execution->started);
    return summary;
}

static int64_t earlier(int64_t a, int64_t b)
{
    if (!a || !b)
        return a ? a : b;
    return a < b ? a : b;
}

json_t *execution_json(const struct cloud *cloud, const struct execution *execution)
{
    json_t *json = execution_summary(execution);
    json_t *details = execution_details(execution);
    int64_t deadline = earlier(execution->deadline, execution->step_deadline);

    json_object_set_new(json, "status", json_string(execution->status));
    if (details)
        json_object_set_new(json, "statusDetails", details);
    if (deadline) {
        int64_t left = deadline - cloud_now(cloud);
        json_object_set_new(json, "approximateSecondsBeforeTimedOut",
                            json_integer(left > 0 ? left : 0));
    }
    return json;
}

static json_t *execution_state(const struct execution *execution)
{
    json_t *details = execution_details(execution);
    if (!details)
        details = json_object();
    return json_pack("{s:s, s:o, s:I}", "status", execution->status, "statusDetails", details,
                     "versionNumber", (json_int_t)execution->version);
}

/* {"execution":{...}} as start-next and get answer. */
static json_t *execution_reply(struct cloud *cloud, const struct execution *execution,
                               bool with_document)
{
    json_t *json = execution_json(cloud, execution);
    json_object_set_new(json, "thingName", json_string(execution->thing));
    if (with_document)
        json_object_set_new(json, "jobDocument", job_document(cloud, execution->job));
    return json_pack("{s:o}", "execution", json);
}

/* ---- checking requests ---------------------------------------------------------------------- */

static bool detail_valid(const char *key, const json_t *value)
{
    const char *text = json_string_value(value);
    size_t length = json_string_length(value);
    if (!name_valid(key, 128, ":_-") || !text || length < 1 || length > 1024)
        return false;
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
            return false;
    return true;
}

bool details_valid(const json_t *details, struct answer *answer)
{
    const char *key;
    json_t *value;
    if (!details)
        return true;
    if (!json_is_object(details) || json_object_size(details) > JOBS_DETAILS_MAX) {
        answer_refuse(answer, CORE_INVALID_REQUEST,
                      "statusDetails must be an object of at most %d pairs", JOBS_DETAILS_MAX);
        return false;
    }
    json_object_foreach((json_t *)details, key, value)
    {
        if (detail_valid(key, value))
            continue;
        answer_refuse(answer, CORE_INVALID_REQUEST,
                      "statusDetails: '%.60s' needs a name of 1..128 letters, digits, ':_-' and a "
                      "text of 1..1024 characters without control characters",
                      key);
        return false;
    }
    return true;
}

/* Reads an optional integer member; one written as text is taken where `or_text`. Leaves *value
 * alone when it is absent. */
static bool read_integer(const json_t *request, const char *name, bool or_text, int64_t *value,
                         struct answer *answer)
{
    const json_t *member = json_object_get(request, name);
    const char *text = or_text ? json_string_value(member) : NULL;
    char *end = NULL;
    if (!member)
        return true;
    if (json_is_integer(member)) {
        *value = json_integer_value(member);
        return true;
    }
    if (text && *text)
        *value = strtoll(text, &end, 10);
    if (end && !*end)
        return true;
    answer_refuse(answer, CORE_INVALID_REQUEST, "%s must be an integer", name);
    return false;
}

static bool read_bool(const json_t *request, const char *name, bool *value, struct answer *answer)
{
    const json_t *member = json_object_get(request, name);
    if (!member)
        return true;
    *value = json_is_true(member);
    if (json_is_boolean(member))
        return true;
    answer_refuse(answer, CORE_INVALID_REQUEST, "%s must be true or false", name);
    return false;
}

/* *minutes: 0 when absent, -1 when the timer is to stop. */
static bool read_step_timeout(const json_t *request, bool may_stop, int *minutes,
                              struct answer *answer)
{
    int64_t value = 0;
    *minutes = 0;
    if (!json_object_get(request, "stepTimeoutInMinutes"))
        return true;
    if (!read_integer(request, "stepTimeoutInMinutes", false, &value, answer))
        return false;
    if ((value < 1 || value > JOBS_MINUTES_MAX) && !(may_stop && value == -1)) {
        answer_refuse(answer, CORE_INVALID_REQUEST, "stepTimeoutInMinutes must be 1..%d%s",
                      JOBS_MINUTES_MAX, may_stop ? ", or -1 to stop the timer" : "");
        return false;
    }
    *minutes = (int)value;
    return true;
}

static enum core_error check_thing(struct cloud *cloud, const char *thing, struct answer *answer)
{
    if (registry_thing_exists(cloud, thing))
        return CORE_OK;
    return answer_refuse(answer, CORE_NOT_FOUND, "there is no thing '%.128s'", thing);
}

/* ---- changing an execution ------------------------------------------------------------------ */

/* How often more this execution may be tried after ending with `status`. */
static bool may_retry(struct cloud *cloud, const struct execution *execution)
{
    struct db_rows *rows =
        db_select(cloud->db, "SELECT retry_json FROM jobs WHERE id = ? AND status = 'IN_PROGRESS'",
                  "s", execution->job);
    json_t *retry =
        db_next(rows) && db_text(rows, 0) ? json_loads(db_text(rows, 0), 0, NULL) : NULL;
    db_done(rows);

    bool retried = false;
    size_t i;
    json_t *criterion;
    json_array_foreach(json_object_get(retry, "criteriaList"), i, criterion)
    {
        const char *type = json_text(criterion, "failureType");
        int64_t most = json_integer_value(json_object_get(criterion, "numberOfRetries"));
        bool covered = type && (strcmp(type, "ALL") == 0 || strcmp(type, execution->status) == 0) &&
                       (status_is(execution, "FAILED") || status_is(execution, "TIMED_OUT"));
        retried = retried || (covered && execution->number <= most);
    }
    json_decref(retry);
    return retried;
}

/* A snapshot job is over when none of its executions is open. */
otter_status job_complete(struct cloud *cloud, const char *job)
{
    int64_t now = cloud_now(cloud);
    return db_run(cloud->db,
                  "UPDATE jobs SET status = 'COMPLETED', updated = ?, completed = ? WHERE id = ?"
                  " AND status = 'IN_PROGRESS' AND selection = 'SNAPSHOT' AND NOT EXISTS"
                  " (SELECT 1 FROM job_executions WHERE job = ?"
                  "  AND status IN ('QUEUED', 'IN_PROGRESS'))",
                  "iiss", now, now, job, job);
}

otter_status execution_queue(struct cloud *cloud, const char *job, const char *thing,
                             int64_t number)
{
    int64_t now = cloud_now(cloud);
    return db_run(cloud->db,
                  "INSERT INTO job_executions(job, thing, number, status, queued, updated)"
                  " VALUES(?, ?, ?, 'QUEUED', ?, ?)",
                  "ssiii", job, thing, number, now, now);
}

static void start_timers(struct cloud *cloud, struct execution *execution, bool starts,
                         int step_minutes)
{
    int64_t now = cloud_now(cloud);
    if (starts) {
        int64_t minutes = db_number(cloud->db, "SELECT timeout_minutes FROM jobs WHERE id = ?", "s",
                                    execution->job);
        execution->started = now;
        execution->deadline = minutes ? now + minutes * 60 : 0;
    }
    if (step_minutes)
        execution->step_deadline = step_minutes > 0 ? now + step_minutes * 60L : 0;
    if (status_is_terminal(execution->status))
        execution->deadline = execution->step_deadline = 0;
}

static bool set_by_device(const char *status)
{
    static const char *const statuses[] = {"IN_PROGRESS", "SUCCEEDED", "FAILED", "REJECTED"};
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
        if (strcmp(statuses[i], status) == 0)
            return true;
    return false;
}

otter_status execution_set(struct cloud *cloud, struct execution *execution, const char *status,
                           const json_t *details, int step_minutes)
{
    bool starts = !execution->started && set_by_device(status);

    copy_text(execution->status, sizeof execution->status, status);
    if (details) {
        free(execution->details);
        execution->details = json_dumps(details, JSON_COMPACT);
    }
    execution->version++;
    execution->updated = cloud_now(cloud);
    start_timers(cloud, execution, starts, step_minutes);

    otter_status stored = db_run(
        cloud->db,
        "UPDATE job_executions SET status = ?, details_json = ?, version = ?, force_canceled = ?,"
        " started = NULLIF(?, 0), updated = ?, deadline = ?, step_deadline = ? WHERE id = ?",
        "ssiiiiiii", execution->status, execution->details, execution->version,
        (int64_t)execution->force_canceled, execution->started, execution->updated,
        execution->deadline, execution->step_deadline, execution->id);
    if (stored != OTTER_OK || !status_is_terminal(status))
        return stored;
    if (may_retry(cloud, execution))
        return execution_queue(cloud, execution->job, execution->thing, execution->number + 1);
    return job_complete(cloud, execution->job);
}

/* One change of one execution as a transaction of its own, with its notifications. */
static enum core_error change(struct cloud *cloud, struct execution *execution, const char *status,
                              const json_t *details, int step_minutes, struct answer *answer)
{
    int64_t first = pending_first(cloud, execution->thing);
    if (db_begin(cloud->db) != OTTER_OK)
        return answer_db_failed(cloud, answer);
    otter_status stored = execution_set(cloud, execution, status, details, step_minutes);
    if (db_finish(cloud->db, stored) != OTTER_OK)
        return answer_db_failed(cloud, answer);
    pending_notify(cloud, execution->thing, first, status_is_terminal(status));
    return CORE_OK;
}

/* ---- what devices ask ----------------------------------------------------------------------- */

static json_t *summaries(struct cloud *cloud, const char *thing, const char *status)
{
    struct execution execution;
    json_t *list = json_array();
    struct db_rows *rows =
        db_select(cloud->db,
                  "SELECT " EXECUTION_COLUMNS " FROM job_executions WHERE thing = ? AND status = ?"
                  " ORDER BY queued, id LIMIT 250",
                  "ss", thing, status);
    while (db_next(rows)) {
        execution_read(rows, &execution);
        json_array_append_new(list, execution_summary(&execution));
        execution_free(&execution);
    }
    db_done(rows);
    return list;
}

enum core_error jobs_get_pending(struct cloud *cloud, const char *thing, const json_t *request,
                                 struct answer *answer)
{
    (void)request; /* nothing in it but the client's token */
    enum core_error error = check_thing(cloud, thing, answer);
    if (error == CORE_OK)
        answer->body =
            json_pack("{s:o, s:o}", "inProgressJobs", summaries(cloud, thing, "IN_PROGRESS"),
                      "queuedJobs", summaries(cloud, thing, "QUEUED"));
    return error;
}

enum core_error jobs_start_next(struct cloud *cloud, const char *thing, const json_t *request,
                                struct answer *answer)
{
    struct execution execution;
    int step_minutes;
    const json_t *details = json_object_get(request, "statusDetails");
    enum core_error error = check_thing(cloud, thing, answer);

    if (error != CORE_OK)
        return error;
    if (!details_valid(details, answer) ||
        !read_step_timeout(request, false, &step_minutes, answer))
        return CORE_INVALID_REQUEST;
    if (!execution_first_pending(cloud, thing, &execution)) {
        answer->body = json_object();
        return CORE_OK;
    }
    if (status_is(&execution, "QUEUED")) {
        error = change(cloud, &execution, "IN_PROGRESS", details, step_minutes, answer);
        cloud_log("jobs", "%s started %s", thing, execution.job);
    } else if (step_minutes) { /* already running: the timer is new, the version is not */
        start_timers(cloud, &execution, false, step_minutes);
        if (db_run(cloud->db, "UPDATE job_executions SET step_deadline = ? WHERE id = ?", "ii",
                   execution.step_deadline, execution.id) != OTTER_OK)
            error = answer_db_failed(cloud, answer);
    }
    if (error == CORE_OK)
        answer->body = execution_reply(cloud, &execution, true);
    execution_free(&execution);
    return error;
}

static enum core_error describe_found(struct cloud *cloud, const struct execution *execution,
                                      bool with_document, struct answer *answer)
{
    if (status_is_terminal(execution->status))
        return answer_refuse(answer, CORE_TERMINAL_STATE, "job execution %s of %s is %s",
                             execution->job, execution->thing, execution->status);
    answer->body = execution_reply(cloud, execution, with_document);
    return CORE_OK;
}

enum core_error jobs_describe(struct cloud *cloud, const char *thing, const char *job,
                              const json_t *request, struct answer *answer)
{
    struct execution execution;
    int64_t number = 0;
    bool with_document = true;
    bool next = strcmp(job, "$next") == 0;
    enum core_error error = check_thing(cloud, thing, answer);

    if (error != CORE_OK)
        return error;
    if (!read_integer(request, "executionNumber", false, &number, answer) ||
        !read_bool(request, "includeJobDocument", &with_document, answer))
        return CORE_INVALID_REQUEST;
    bool found = next ? execution_first_pending(cloud, thing, &execution)
                      : execution_find(cloud, thing, job, number, &execution);
    if (found)
        error = describe_found(cloud, &execution, with_document, answer);
    else if (next)
        answer->body = json_object();
    else
        error =
            answer_refuse(answer, CORE_NOT_FOUND, "%s has no execution of job '%.64s'", thing, job);
    execution_free(&execution);
    return error;
}

/* ---- what devices report -------------------------------------------------------------------- */

struct update {
    const char *status;
    const json_t *details;
    int64_t expected_version, number;
    int step_minutes;
    bool with_state, with_document, checks_version;
};

static bool read_update(const json_t *request, struct update *update, struct answer *answer)
{
    *update = (struct update){
        .status = json_text(request, "status"),
        .details = json_object_get(request, "statusDetails"),
        .checks_version = json_object_get(request, "expectedVersion") != NULL,
    };
    if (!update->status || !set_by_device(update->status)) {
        answer_refuse(answer, CORE_INVALID_REQUEST,
                      "status must be IN_PROGRESS, FAILED, SUCCEEDED or REJECTED");
        return false;
    }
    return details_valid(update->details, answer) &&
           read_integer(request, "expectedVersion", true, &update->expected_version, answer) &&
           read_integer(request, "executionNumber", false, &update->number, answer) &&
           read_bool(request, "includeJobExecutionState", &update->with_state, answer) &&
           read_bool(request, "includeJobDocument", &update->with_document, answer) &&
           read_step_timeout(request, true, &update->step_minutes, answer);
}

/* Refuses with what is stored, so that the device can catch up. */
static enum core_error refuse_with_state(const struct execution *execution, enum core_error error,
                                         const char *what, struct answer *answer)
{
    answer_refuse(answer, error, "job execution %s is %s, version %lld: %s", execution->job,
                  execution->status, (long long)execution->version, what);
    answer->body = json_pack("{s:o}", "executionState", execution_state(execution));
    return error;
}

static enum core_error update_found(struct cloud *cloud, struct execution *execution,
                                    const struct update *update, struct answer *answer)
{
    if (status_is_terminal(execution->status))
        return refuse_with_state(execution, CORE_INVALID_STATE, "it cannot change any more",
                                 answer);
    if (cloud->strict && execution->started && strcmp(update->status, "REJECTED") == 0)
        return refuse_with_state(execution, CORE_INVALID_STATE,
                                 "a device rejects before it starts (strict)", answer);
    if (update->checks_version && update->expected_version != execution->version)
        return refuse_with_state(execution, CORE_VERSION_MISMATCH, "expectedVersion differs",
                                 answer);
    enum core_error error =
        change(cloud, execution, update->status, update->details, update->step_minutes, answer);
    if (error != CORE_OK)
        return error;
    cloud_log("jobs", "%s reports %s %s %s", execution->thing, execution->job, execution->status,
              execution->details ? execution->details : "");
    answer->body = json_object();
    if (update->with_state)
        json_object_set_new(answer->body, "executionState", execution_state(execution));
    if (update->with_document)
        json_object_set_new(answer->body, "jobDocument", job_document(cloud, execution->job));
    return CORE_OK;
}

enum core_error jobs_update(struct cloud *cloud, const char *thing, const char *job,
                            const json_t *request, struct answer *answer)
{
    struct update update;
    struct execution execution;
    enum core_error error = check_thing(cloud, thing, answer);

    if (error != CORE_OK)
        return error;
    if (!read_update(request, &update, answer))
        return CORE_INVALID_REQUEST;
    if (execution_find(cloud, thing, job, update.number, &execution))
        error = update_found(cloud, &execution, &update, answer);
    else
        error =
            answer_refuse(answer, CORE_NOT_FOUND, "%s has no execution of job '%.64s'", thing, job);
    execution_free(&execution);
    return error;
}

/* ---- timers --------------------------------------------------------------------------------- */

/* Each timer has an index of its own. */
static bool first_expired(struct cloud *cloud, int64_t now, struct execution *execution)
{
    return read_only_row(db_select(cloud->db,
                                   "SELECT " EXECUTION_COLUMNS
                                   " FROM job_executions INDEXED BY executions_deadline"
                                   " WHERE status = 'IN_PROGRESS'"
                                   " AND deadline > 0 AND deadline <= ? ORDER BY deadline LIMIT 1",
                                   "i", now),
                         execution) ||
           read_only_row(db_select(cloud->db,
                                   "SELECT " EXECUTION_COLUMNS
                                   " FROM job_executions INDEXED BY executions_step_deadline"
                                   " WHERE status = 'IN_PROGRESS'"
                                   " AND step_deadline > 0 AND step_deadline <= ?"
                                   " ORDER BY step_deadline LIMIT 1",
                                   "i", now),
                         execution);
}

int64_t jobs_expire(struct cloud *cloud)
{
    struct execution execution;
    enum core_error error = CORE_OK;
    while (error == CORE_OK && first_expired(cloud, cloud_now(cloud), &execution)) {
        struct answer answer = ANSWER_INIT;
        error = change(cloud, &execution, "TIMED_OUT", NULL, 0, &answer);
        cloud_log("jobs", "%s: %s timed out %s", execution.thing, execution.job, answer.message);
        answer_free(&answer);
        execution_free(&execution);
    }
    return earlier(db_number(cloud->db,
                             "SELECT MIN(deadline) FROM job_executions"
                             " INDEXED BY executions_deadline"
                             " WHERE status = 'IN_PROGRESS' AND deadline > 0",
                             ""),
                   db_number(cloud->db,
                             "SELECT MIN(step_deadline) FROM job_executions"
                             " INDEXED BY executions_step_deadline"
                             " WHERE status = 'IN_PROGRESS' AND step_deadline > 0",
                             ""));
}
