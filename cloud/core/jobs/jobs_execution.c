/* Executions: how they are stored and shown, how they change, and when they time out. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/core/ground/names.h"
#include "cloud/core/jobs/jobs_internal.h"

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
        .attempt = db_int(rows, 13),
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
        retried = retried || (covered && execution->attempt < most);
    }
    json_decref(retry);
    return retried;
}

/* A snapshot, and a job whose end has come, is over when nothing of it is open or waits. */
otter_status job_complete(struct cloud *cloud, const char *job)
{
    int64_t now = cloud_now(cloud);
    otter_status status =
        db_run(cloud->db,
               "UPDATE jobs SET status = 'COMPLETED', updated = ?1, completed = ?1, due = 0"
               " WHERE id = ?2 AND status = 'IN_PROGRESS' AND (selection = 'SNAPSHOT' OR ended)"
               " AND NOT EXISTS (SELECT 1 FROM job_executions WHERE job = ?2"
               "  AND status IN ('QUEUED', 'IN_PROGRESS'))"
               " AND NOT EXISTS (SELECT 1 FROM job_waiting WHERE job = ?2)",
               "is", now, job);
    if (status == OTTER_OK && db_changes(cloud->db) > 0)
        event_of_job(cloud, job, "completed");
    return status;
}

otter_status execution_queue(struct cloud *cloud, const char *job, const char *thing,
                             int64_t number, int64_t attempt)
{
    int64_t now = cloud_now(cloud);
    return db_run(cloud->db,
                  "INSERT INTO job_executions(job, thing, number, attempt, status, queued, updated)"
                  " VALUES(?, ?, ?, ?, 'QUEUED', ?, ?)",
                  "ssiiii", job, thing, number, attempt, now, now);
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

bool status_set_by_device(const char *status)
{
    static const char *const statuses[] = {"IN_PROGRESS", "SUCCEEDED", "FAILED", "REJECTED"};
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
        if (strcmp(statuses[i], status) == 0)
            return true;
    return false;
}

static bool failed(const char *status)
{
    return strcmp(status, "FAILED") == 0 || strcmp(status, "REJECTED") == 0 ||
           strcmp(status, "TIMED_OUT") == 0;
}

static otter_status store_change(struct cloud *cloud, const struct execution *execution)
{
    return db_run(
        cloud->db,
        "UPDATE job_executions SET status = ?, details_json = ?, version = ?, force_canceled = ?,"
        " started = NULLIF(?, 0), updated = ?, deadline = ?, step_deadline = ? WHERE id = ?",
        "ssiiiiiii", execution->status, execution->details, execution->version,
        (int64_t)execution->force_canceled, execution->started, execution->updated,
        execution->deadline, execution->step_deadline, execution->id);
}

/* A report that changes nothing that an index stands on: those are most of all. */
static otter_status store_progress(struct cloud *cloud, const struct execution *execution)
{
    return db_run(cloud->db,
                  "UPDATE job_executions SET details_json = ?, version = ?, updated = ?"
                  " WHERE id = ?",
                  "siii", execution->details, execution->version, execution->updated,
                  execution->id);
}

otter_status execution_set(struct cloud *cloud, struct execution *execution, const char *status,
                           const json_t *details, int step_minutes)
{
    bool starts = !execution->started && status_set_by_device(status);
    bool progress =
        !starts && !step_minutes && status_is(execution, status) && !status_is_terminal(status);

    copy_text(execution->status, sizeof execution->status, status);
    if (details) {
        free(execution->details);
        execution->details = json_dumps(details, JSON_COMPACT);
    }
    execution->version++;
    execution->updated = cloud_now(cloud);
    if (progress)
        return store_progress(cloud, execution);
    start_timers(cloud, execution, starts, step_minutes);
    otter_status stored = store_change(cloud, execution);
    if (stored != OTTER_OK || !status_is_terminal(status))
        return stored;
    event_of_execution(cloud, execution, status);
    if (may_retry(cloud, execution))
        return execution_queue(cloud, execution->job, execution->thing, execution->number + 1,
                               execution->attempt + 1);
    if (failed(status))
        stored = job_abort_if_reached(cloud, execution->job);
    return stored == OTTER_OK ? job_complete(cloud, execution->job) : stored;
}

enum core_error execution_change(struct cloud *cloud, struct execution *execution,
                                 const char *status, const json_t *details, int step_minutes,
                                 struct answer *answer)
{
    /* A report of progress, the most frequent one, leaves the thing's list as it is. */
    const bool moves = !status_is(execution, status);
    const int64_t first = moves ? pending_first(cloud, execution->thing) : 0;
    if (db_begin(cloud->db) != OTTER_OK)
        return answer_db_failed(cloud, answer);
    otter_status stored = execution_set(cloud, execution, status, details, step_minutes);
    if (db_finish(cloud->db, stored) != OTTER_OK)
        return answer_db_failed(cloud, answer);
    if (moves)
        pending_notify(cloud, execution->thing, first, status_is_terminal(status));
    return CORE_OK;
}

enum core_error execution_restart_step(struct cloud *cloud, struct execution *execution,
                                       int step_minutes, struct answer *answer)
{
    start_timers(cloud, execution, false, step_minutes);
    return db_run(cloud->db, "UPDATE job_executions SET step_deadline = ? WHERE id = ?", "ii",
                  execution->step_deadline, execution->id) == OTTER_OK
               ? CORE_OK
               : answer_db_failed(cloud, answer);
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
        error = execution_change(cloud, &execution, "TIMED_OUT", NULL, 0, &answer);
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
