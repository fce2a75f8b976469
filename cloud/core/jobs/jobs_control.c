/* What operators do with jobs that are there: look at, cancel, delete. Lists are in jobs_list.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/core/ground/names.h"
#include "cloud/core/ground/words.h"
#include "cloud/core/jobs/jobs_internal.h"
#include "cloud/core/jobs/schedule.h"
#include "cloud/core/registry/registry.h"

enum core_error job_missing(struct answer *answer, const char *job)
{
    return answer_refuse(answer, CORE_NOT_FOUND, "there is no job '%.64s'", job);
}

static enum core_error no_execution(struct answer *answer, const char *thing, const char *job)
{
    return answer_refuse(answer, CORE_NOT_FOUND, "%.128s has no execution of job '%.64s'", thing,
                         job);
}

/* The members that CreateJob and CancelJob answer with. */
json_t *job_names(struct cloud *cloud, const char *id, const char *description)
{
    json_t *body =
        json_pack("{s:s, s:s}", "jobArn", arn_make(cloud, "iot", "job/%s", id).text, "jobId", id);
    if (description)
        json_object_set_new(body, "description", json_string(description));
    return body;
}

/* ---- describe ------------------------------------------------------------------------------- */

static void set_text(json_t *object, const char *name, const char *text)
{
    if (text)
        json_object_set_new(object, name, json_string(text));
}

static void set_stored(json_t *object, const char *name, const char *text)
{
    json_t *value = text ? json_loads(text, 0, NULL) : NULL;
    if (value)
        json_object_set_new(object, name, value);
}

static json_t *process_details(struct cloud *cloud, const char *job)
{
    static const struct {
        const char *status, *name;
    } counts[] = {
        {"QUEUED", "numberOfQueuedThings"},       {"IN_PROGRESS", "numberOfInProgressThings"},
        {"SUCCEEDED", "numberOfSucceededThings"}, {"FAILED", "numberOfFailedThings"},
        {"REJECTED", "numberOfRejectedThings"},   {"CANCELED", "numberOfCanceledThings"},
        {"REMOVED", "numberOfRemovedThings"},     {"TIMED_OUT", "numberOfTimedOutThings"},
    };
    json_t *details = json_object();
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        json_object_set_new(
            details, counts[i].name,
            json_integer(db_number(cloud->db,
                                   "SELECT COUNT(*) FROM job_executions AS e WHERE job = ? AND"
                                   " status = ? AND number = (SELECT MAX(number) FROM"
                                   " job_executions WHERE job = e.job AND thing = e.thing)",
                                   "ss", job, counts[i].status)));
    return details;
}

/* The next starts of its maintenance windows. */
static json_t *coming_windows(struct cloud *cloud, const json_t *scheduling)
{
    json_t *list = json_array();
    int64_t at = cloud_now(cloud);
    for (int i = 0; i < SCHEDULE_SHOWN && (at = schedule_next(scheduling, at)) > 0; i++) {
        char text[SCHEDULE_TIME_SIZE];
        schedule_time_text(at, text);
        json_array_append_new(list, json_pack("{s:s}", "startTime", text));
    }
    return list;
}

static void set_scheduling(struct cloud *cloud, json_t *job, const char *text)
{
    set_stored(job, "schedulingConfig", text);
    const json_t *scheduling = json_object_get(job, "schedulingConfig");
    if (json_array_size(json_object_get(scheduling, "maintenanceWindows")) > 0)
        json_object_set_new(job, "scheduledJobRollouts", coming_windows(cloud, scheduling));
}

static json_t *job_json(struct cloud *cloud, struct db_rows *rows)
{
    const char *id = db_text(rows, 0);
    json_t *job = job_names(cloud, id, db_text(rows, 2));
    set_text(job, "status", db_text(rows, 1));
    set_stored(job, "targets", db_text(rows, 3));
    set_text(job, "targetSelection", db_text(rows, 4));
    set_stored(job, "presignedUrlConfig", db_text(rows, 5));
    set_stored(job, "jobExecutionsRolloutConfig", db_text(rows, 6));
    set_stored(job, "abortConfig", db_text(rows, 7));
    set_stored(job, "timeoutConfig", db_text(rows, 8));
    set_stored(job, "jobExecutionsRetryConfig", db_text(rows, 9));
    if (db_int(rows, 10))
        json_object_set_new(job, "forceCanceled", json_true());
    set_text(job, "reasonCode", db_text(rows, 11));
    set_text(job, "comment", db_text(rows, 12));
    json_object_set_new(job, "createdAt", json_integer(db_int(rows, 13)));
    json_object_set_new(job, "lastUpdatedAt", json_integer(db_int(rows, 14)));
    if (!db_null(rows, 15))
        json_object_set_new(job, "completedAt", json_integer(db_int(rows, 15)));
    json_object_set_new(job, "jobProcessDetails", process_details(cloud, id));
    set_scheduling(cloud, job, db_text(rows, 17));
    set_text(job, "jobTemplateArn", db_text(rows, 18));
    bool waits = job_waits(cloud, id);
    json_object_set_new(job, "isConcurrent", json_boolean(waits));
    if (waits)
        json_object_set(json_object_get(job, "jobProcessDetails"), "processingTargets",
                        json_object_get(job, "targets"));
    return job;
}

enum core_error jobs_describe_job(struct cloud *cloud, const char *job, struct answer *answer)
{
    struct db_rows *rows = db_select(
        cloud->db,
        "SELECT id, status, description, targets_json, selection, presigned_json, rollout_json,"
        " abort_json, timeout_json, retry_json, force_canceled, reason_code, comment, created,"
        " updated, completed, document_source, scheduling_json, template_arn FROM jobs"
        " WHERE id = ?",
        "s", job);
    if (db_next(rows)) {
        answer->body = json_pack("{s:o}", "job", job_json(cloud, rows));
        set_text(answer->body, "documentSource", db_text(rows, 16));
    }
    db_done(rows);
    return answer->body ? CORE_OK : job_missing(answer, job);
}

enum core_error jobs_document(struct cloud *cloud, const char *job, struct answer *answer)
{
    struct db_rows *rows = db_select(cloud->db, "SELECT document FROM jobs WHERE id = ?", "s", job);
    if (db_next(rows))
        answer->body = json_pack("{s:s}", "document", db_text(rows, 0));
    db_done(rows);
    return answer->body ? CORE_OK : job_missing(answer, job);
}

/* A job's status and description; false if it is not there. */
bool job_find(struct cloud *cloud, const char *job, char status[24], json_t **names)
{
    struct db_rows *rows =
        db_select(cloud->db, "SELECT status, description FROM jobs WHERE id = ?", "s", job);
    bool found = db_next(rows);
    if (found) {
        snprintf(status, 24, "%s", db_text(rows, 0));
        if (names)
            *names = job_names(cloud, job, db_text(rows, 1));
    }
    db_done(rows);
    return found;
}

/* ---- cancel and delete ---------------------------------------------------------------------- */

otter_status job_cancel(struct cloud *cloud, const char *job, bool force, const char *reason,
                        const char *comment)
{
    int64_t now = cloud_now(cloud);
    event_of_job(cloud, job, "cancellation_in_progress");
    events_of_executions(cloud, job, force, "CANCELED");
    otter_status status =
        db_run(cloud->db,
               "UPDATE jobs SET status = 'CANCELED', force_canceled = ?,"
               " reason_code = COALESCE(?, reason_code), comment = COALESCE(?, comment),"
               " updated = ?, completed = COALESCE(completed, ?), due = 0 WHERE id = ?",
               "issiis", (int64_t)force, reason, comment, now, now, job);
    if (status == OTTER_OK)
        status = db_run(cloud->db, "DELETE FROM job_waiting WHERE job = ?", "s", job);
    if (status == OTTER_OK)
        status = db_run(cloud->db,
                        "UPDATE job_executions SET status = 'CANCELED', version = version + 1,"
                        " force_canceled = ?, updated = ?, deadline = 0, step_deadline = 0"
                        " WHERE job = ? AND (status = 'QUEUED' OR (? AND status = 'IN_PROGRESS'))",
                        "iisi", (int64_t)force, now, job, (int64_t)force);
    if (status == OTTER_OK)
        event_of_job(cloud, job, "canceled");
    return status;
}

/* Whether a job that was cancelled without force left executions running. */
static bool has_running(struct cloud *cloud, const char *job)
{
    return db_number(cloud->db,
                     "SELECT COUNT(*) FROM job_executions WHERE job = ? AND status = 'IN_PROGRESS'",
                     "s", job) > 0;
}

enum core_error jobs_cancel(struct cloud *cloud, const char *job, bool force, const json_t *members,
                            struct answer *answer)
{
    char status[24];
    struct pending_watch watch = {0};
    json_t *names = NULL;

    if (!job_find(cloud, job, status, &names))
        return job_missing(answer, job);
    enum core_error error = words_check(members, "comment", WORDS_SOME, 2028, answer);
    if (!error)
        error = words_check(members, "reasonCode", WORDS_CODE, 128, answer);
    if (error) {
        json_decref(names);
        return error;
    }
    bool again = force && strcmp(status, "CANCELED") == 0 && has_running(cloud, job);
    if (strcmp(status, "IN_PROGRESS") != 0 && strcmp(status, "SCHEDULED") != 0 && !again) {
        json_decref(names);
        return answer_refuse(answer, CORE_INVALID_REQUEST, "job '%s' is already %s", job, status);
    }
    pending_watch_job(cloud, job, force, &watch);
    otter_status done = watch.failed ? OTTER_E_MEMORY : db_begin(cloud->db);
    if (done == OTTER_OK)
        done = db_finish(cloud->db, job_cancel(cloud, job, force, json_text(members, "reasonCode"),
                                               json_text(members, "comment")));
    pending_watch_end(cloud, &watch, done == OTTER_OK);
    if (done != OTTER_OK) {
        json_decref(names);
        return answer_db_failed(cloud, answer);
    }
    cloud_log("jobs", "%s cancelled%s", job, force ? ", running executions too" : "");
    answer->body = names;
    return CORE_OK;
}

static otter_status delete_job(struct cloud *cloud, const char *job)
{
    event_of_job(cloud, job, "deletion_in_progress");
    event_of_job(cloud, job, "deleted");
    otter_status status = db_run(cloud->db, "DELETE FROM job_executions WHERE job = ?", "s", job);
    if (status == OTTER_OK)
        status = db_run(cloud->db, "DELETE FROM jobs WHERE id = ?", "s", job);
    return status;
}

enum core_error jobs_delete(struct cloud *cloud, const char *job, bool force, struct answer *answer)
{
    char status[24];
    struct pending_watch watch = {0};

    if (!job_find(cloud, job, status, NULL))
        return job_missing(answer, job);
    if (!force && (strcmp(status, "IN_PROGRESS") == 0 || strcmp(status, "SCHEDULED") == 0))
        return answer_refuse(answer, CORE_INVALID_STATE,
                             "job '%s' is %s: cancel it first, or delete with force", job, status);
    pending_watch_job(cloud, job, true, &watch);
    otter_status done = watch.failed ? OTTER_E_MEMORY : db_begin(cloud->db);
    if (done == OTTER_OK)
        done = db_finish(cloud->db, delete_job(cloud, job));
    pending_watch_end(cloud, &watch, done == OTTER_OK);
    if (done != OTTER_OK)
        return answer_db_failed(cloud, answer);
    cloud_log("jobs", "%s deleted", job);
    return CORE_OK;
}

/* ---- one execution -------------------------------------------------------------------------- */

static json_t *control_execution(struct cloud *cloud, const struct execution *execution)
{
    json_t *json = execution_json(cloud, execution);
    json_t *details = json_object_get(json, "statusDetails");
    details = details ? json_incref(details) : json_object();
    json_object_set_new(json, "statusDetails", json_pack("{s:o}", "detailsMap", details));
    json_object_set_new(json, "forceCanceled", json_boolean(execution->force_canceled));
    set_text(json, "thingArn", arn_make(cloud, "iot", "thing/%s", execution->thing).text);
    return json_pack("{s:o}", "execution", json);
}

enum core_error jobs_describe_execution(struct cloud *cloud, const char *thing, const char *job,
                                        int64_t number, struct answer *answer)
{
    struct execution execution;
    if (!execution_find(cloud, thing, job, number, &execution))
        return no_execution(answer, thing, job);
    answer->body = control_execution(cloud, &execution);
    execution_free(&execution);
    return CORE_OK;
}

static enum core_error check_cancel(const struct execution *execution, bool force,
                                    const json_t *members, struct answer *answer)
{
    const json_t *expected = json_object_get(members, "expectedVersion");
    if (!details_valid(json_object_get(members, "statusDetails"), answer))
        return CORE_INVALID_REQUEST;
    if (status_is_terminal(execution->status) || (status_is(execution, "IN_PROGRESS") && !force))
        return answer_refuse(answer, CORE_INVALID_STATE, "job execution %s is %s%s", execution->job,
                             execution->status,
                             status_is(execution, "IN_PROGRESS") ? ": cancel it with force" : "");
    if (expected && json_integer_value(expected) != execution->version)
        return answer_refuse(answer, CORE_VERSION_MISMATCH, "the version is %lld",
                             (long long)execution->version);
    return CORE_OK;
}

static enum core_error cancel_found(struct cloud *cloud, struct execution *execution,
                                    const json_t *details, bool force, struct answer *answer)
{
    int64_t first = pending_first(cloud, execution->thing);
    execution->force_canceled = force;
    otter_status status = db_begin(cloud->db);
    if (status == OTTER_OK)
        status = db_finish(cloud->db, execution_set(cloud, execution, "CANCELED", details, 0));
    if (status != OTTER_OK)
        return answer_db_failed(cloud, answer);
    cloud_log("jobs", "%s: %s cancelled", execution->thing, execution->job);
    pending_notify(cloud, execution->thing, first, true);
    return CORE_OK;
}

enum core_error jobs_cancel_execution(struct cloud *cloud, const char *thing, const char *job,
                                      bool force, const json_t *members, struct answer *answer)
{
    struct execution execution;
    if (!execution_find(cloud, thing, job, 0, &execution))
        return no_execution(answer, thing, job);
    enum core_error error = check_cancel(&execution, force, members, answer);
    if (error == CORE_OK)
        error = cancel_found(cloud, &execution, json_object_get(members, "statusDetails"), force,
                             answer);
    execution_free(&execution);
    return error;
}

static otter_status delete_execution(struct cloud *cloud, const struct execution *execution)
{
    event_of_execution(cloud, execution, "DELETED");
    otter_status status =
        db_run(cloud->db, "DELETE FROM job_executions WHERE id = ?", "i", execution->id);
    return status == OTTER_OK ? job_complete(cloud, execution->job) : status;
}

enum core_error jobs_delete_execution(struct cloud *cloud, const char *thing, const char *job,
                                      int64_t number, bool force, struct answer *answer)
{
    struct execution execution;
    if (!execution_find(cloud, thing, job, number, &execution))
        return no_execution(answer, thing, job);
    bool pending = !status_is_terminal(execution.status);
    int64_t first = pending_first(cloud, thing);
    enum core_error error = CORE_OK;
    if (pending && !force)
        error = answer_refuse(answer, CORE_INVALID_STATE,
                              "job execution %.64s is %s: cancel it first, or delete it with force",
                              job, execution.status);
    else if (db_begin(cloud->db) != OTTER_OK ||
             db_finish(cloud->db, delete_execution(cloud, &execution)) != OTTER_OK)
        error = answer_db_failed(cloud, answer);
    execution_free(&execution);
    if (!error)
        pending_notify(cloud, thing, first, pending);
    return error;
}
