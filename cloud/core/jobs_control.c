/* What operators do with jobs: create, look at, cancel, delete. Lists are in jobs_list.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/core/jobs_internal.h"
#include "cloud/core/names.h"
#include "cloud/core/registry.h"

static enum core_error no_job(struct answer *answer, const char *job)
{
    return answer_refuse(answer, CORE_NOT_FOUND, "there is no job '%.64s'", job);
}

static enum core_error no_execution(struct answer *answer, const char *thing, const char *job)
{
    return answer_refuse(answer, CORE_NOT_FOUND, "%.128s has no execution of job '%.64s'", thing,
                         job);
}

/* ---- create --------------------------------------------------------------------------------- */

struct new_job {
    const char *id, *document, *description, *selection;
    const json_t *members, *targets;
    int64_t timeout_minutes;
};

static enum core_error check_document(const char *document, struct answer *answer)
{
    json_error_t error;
    if (!document)
        return answer_refuse(answer, CORE_INVALID_REQUEST, "the job needs a document");
    if (strlen(document) > JOBS_DOCUMENT_MAX)
        return answer_refuse(answer, CORE_INVALID_REQUEST,
                             "the document is longer than %d characters", JOBS_DOCUMENT_MAX);
    json_t *json = json_loads(document, 0, &error);
    if (!json)
        return answer_refuse(answer, CORE_INVALID_REQUEST, "the document is not JSON: %s",
                             error.text);
    json_decref(json);
    if (strstr(document, "${aws:iot:"))
        return answer_refuse(answer, CORE_INVALID_REQUEST,
                             "the document holds a placeholder ${aws:iot:...}: this cloud does not "
                             "offer presignedUrlConfig and document parameters for now");
    return CORE_OK;
}

enum core_error jobs_check_rollout(const char *name, const json_t *config, size_t targets,
                                   struct answer *answer)
{
    const json_t *rate = json_object_get(config, "exponentialRate");
    const json_t *most = json_object_get(config, "maximumPerMinute");
    int64_t first = json_integer_value(rate ? json_object_get(rate, "baseRatePerMinute") : most);
    if (!config || (!rate && !most))
        return CORE_OK;
    if (first < 1 || first > JOBS_RATE_MAX || (most && json_integer_value(most) > JOBS_RATE_MAX))
        return answer_refuse(answer, CORE_INVALID_REQUEST,
                             "%s: maximumPerMinute and baseRatePerMinute must be 1..%d", name,
                             JOBS_RATE_MAX);
    if ((int64_t)targets > first)
        return answer_refuse(answer, CORE_INVALID_REQUEST,
                             "%s: this cloud rolls out to all %zu targets at once and does not "
                             "offer %lld per minute for now",
                             name, targets, (long long)first);
    return CORE_OK;
}

static enum core_error check_timeout(const json_t *config, int64_t *minutes, struct answer *answer)
{
    const json_t *value = json_object_get(config, "inProgressTimeoutInMinutes");
    *minutes = json_integer_value(value);
    if (value && (*minutes < 1 || *minutes > JOBS_MINUTES_MAX))
        return answer_refuse(answer, CORE_INVALID_REQUEST,
                             "inProgressTimeoutInMinutes must be 1..%d", JOBS_MINUTES_MAX);
    return CORE_OK;
}

static bool retry_sound(const json_t *criterion)
{
    static const char *const types[] = {"FAILED", "TIMED_OUT", "ALL"};
    const char *type = json_text(criterion, "failureType");
    const json_t *retries = json_object_get(criterion, "numberOfRetries");
    for (size_t i = 0; type && i < sizeof types / sizeof *types; i++)
        if (strcmp(types[i], type) == 0)
            return json_is_integer(retries) && json_integer_value(retries) >= 0 &&
                   json_integer_value(retries) <= JOBS_RETRIES_MAX;
    return false;
}

static enum core_error check_retry(const json_t *config, struct answer *answer)
{
    const json_t *list = json_object_get(config, "criteriaList");
    int64_t total = 0;
    bool sound = !config || json_array_size(list) > 0;
    for (size_t i = 0; sound && i < json_array_size(list); i++) {
        const json_t *criterion = json_array_get(list, i);
        sound = retry_sound(criterion);
        total += json_integer_value(json_object_get(criterion, "numberOfRetries"));
    }
    if (sound && total <= JOBS_RETRIES_MAX)
        return CORE_OK;
    return answer_refuse(answer, CORE_INVALID_REQUEST,
                         "jobExecutionsRetryConfig needs a criteriaList of failureType (FAILED, "
                         "TIMED_OUT or ALL) and numberOfRetries, %d retries in all",
                         JOBS_RETRIES_MAX);
}

static enum core_error check_description(const char *description, struct answer *answer)
{
    if (!description || strlen(description) <= JOBS_DESCRIPTION_MAX)
        return CORE_OK;
    return answer_refuse(answer, CORE_INVALID_REQUEST,
                         "the description is longer than %d characters", JOBS_DESCRIPTION_MAX);
}

static enum core_error check_target(struct cloud *cloud, const char *target, struct answer *answer)
{
    const char *thing = target ? arn_name(cloud, target, "iot", "thing") : NULL;
    if (!thing || !registry_thing_exists(cloud, thing))
        return answer_refuse(answer, CORE_NOT_FOUND,
                             "the target '%.160s' is not the ARN of a thing of this account",
                             target ? target : "");
    return CORE_OK;
}

static enum core_error check_targets(struct cloud *cloud, const json_t *targets,
                                     struct answer *answer)
{
    enum core_error error = CORE_OK;
    if (!json_is_array(targets) || json_array_size(targets) == 0)
        return answer_refuse(answer, CORE_INVALID_REQUEST, "the job needs at least one target");
    if (json_array_size(targets) > JOBS_TARGETS_MAX)
        return answer_refuse(answer, CORE_INVALID_REQUEST, "a job has at most %d targets",
                             JOBS_TARGETS_MAX);
    for (size_t i = 0; i < json_array_size(targets) && error == CORE_OK; i++)
        error = check_target(cloud, json_string_value(json_array_get(targets, i)), answer);
    return error;
}

static enum core_error check_new_job(struct cloud *cloud, const char *id, const json_t *members,
                                     struct new_job *job, struct answer *answer)
{
    *job = (struct new_job){
        .id = id,
        .document = json_text(members, "document"),
        .description = json_text(members, "description"),
        .selection = json_text(members, "targetSelection"),
        .members = members,
        .targets = json_object_get(members, "targets"),
    };
    if (!job->selection)
        job->selection = "SNAPSHOT";
    if (!job_id_valid(id))
        return answer_refuse(answer, CORE_INVALID_REQUEST,
                             "a job id is 1..%d letters, digits, '_' and '-'", JOBS_ID_MAX);
    if (strcmp(job->selection, "SNAPSHOT") != 0 && strcmp(job->selection, "CONTINUOUS") != 0)
        return answer_refuse(answer, CORE_INVALID_REQUEST,
                             "targetSelection must be SNAPSHOT or CONTINUOUS");
    enum core_error error = check_document(job->document, answer);
    if (error == CORE_OK)
        error = check_description(job->description, answer);
    if (error == CORE_OK)
        error = check_retry(json_object_get(members, "jobExecutionsRetryConfig"), answer);
    if (error == CORE_OK)
        error =
            check_timeout(json_object_get(members, "timeoutConfig"), &job->timeout_minutes, answer);
    if (error == CORE_OK)
        error = check_targets(cloud, job->targets, answer);
    if (error == CORE_OK)
        error = jobs_check_rollout("jobExecutionsRolloutConfig",
                                   json_object_get(members, "jobExecutionsRolloutConfig"),
                                   json_array_size(job->targets), answer);
    if (error == CORE_OK &&
        db_number(cloud->db, "SELECT COUNT(*) FROM jobs WHERE id = ?", "s", id) > 0)
        error = answer_refuse(answer, CORE_EXISTS, "job '%s' exists already", id);
    return error;
}

static otter_status insert_job(struct cloud *cloud, const struct new_job *job)
{
    static const char *const names[] = {"presignedUrlConfig", "jobExecutionsRolloutConfig",
                                        "abortConfig", "timeoutConfig", "jobExecutionsRetryConfig"};
    char *texts[5], *targets = json_dumps(job->targets, JSON_COMPACT);
    int64_t now = cloud_now(cloud);
    for (size_t i = 0; i < 5; i++) {
        const json_t *member = json_object_get(job->members, names[i]);
        texts[i] = member ? json_dumps(member, JSON_COMPACT) : NULL;
    }
    otter_status status =
        db_run(cloud->db,
               "INSERT INTO jobs(id, status, document, document_source, description, targets_json,"
               " selection, presigned_json, rollout_json, abort_json, timeout_json, retry_json,"
               " timeout_minutes, created, updated)"
               " VALUES(?, 'IN_PROGRESS', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
               "sssssssssssiii", job->id, job->document, json_text(job->members, "documentSource"),
               job->description, targets, job->selection, texts[0], texts[1], texts[2], texts[3],
               texts[4], job->timeout_minutes, now, now);
    for (size_t i = 0; i < 5; i++)
        free(texts[i]);
    free(targets);
    return status;
}

static otter_status queue_targets(struct cloud *cloud, const struct new_job *job)
{
    otter_status status = OTTER_OK;
    for (size_t i = 0; i < json_array_size(job->targets) && status == OTTER_OK; i++) {
        const char *target = json_string_value(json_array_get(job->targets, i));
        const char *thing = arn_name(cloud, target, "iot", "thing");
        struct execution there; /* a target named twice has one execution */
        if (!execution_find(cloud, thing, job->id, 0, &there))
            status = execution_queue(cloud, job->id, thing, 1);
        execution_free(&there);
    }
    return status;
}

/* The members that CreateJob and CancelJob answer with. */
static json_t *job_names(struct cloud *cloud, const char *id, const char *description)
{
    json_t *body =
        json_pack("{s:s, s:s}", "jobArn", arn_make(cloud, "iot", "job/%s", id).text, "jobId", id);
    if (description)
        json_object_set_new(body, "description", json_string(description));
    return body;
}

enum core_error jobs_create(struct cloud *cloud, const char *id, const json_t *members,
                            struct answer *answer)
{
    struct new_job job;
    struct pending_watch watch = {0};
    enum core_error error = check_new_job(cloud, id, members, &job, answer);
    if (error != CORE_OK)
        return error;

    for (size_t i = 0; i < json_array_size(job.targets); i++)
        pending_watch_add(
            cloud,
            arn_name(cloud, json_string_value(json_array_get(job.targets, i)), "iot", "thing"),
            &watch);
    otter_status status = watch.failed ? OTTER_E_MEMORY : db_begin(cloud->db);
    if (status == OTTER_OK) {
        status = insert_job(cloud, &job);
        if (status == OTTER_OK)
            status = queue_targets(cloud, &job);
        status = db_finish(cloud->db, status);
    }
    size_t count = watch.count;
    pending_watch_end(cloud, &watch, status == OTTER_OK);
    if (status != OTTER_OK)
        return answer_db_failed(cloud, answer);
    cloud_log("jobs", "%s created for %zu thing%s", id, count, count == 1 ? "" : "s");
    answer->body = job_names(cloud, id, job.description);
    return CORE_OK;
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
    return job;
}

enum core_error jobs_describe_job(struct cloud *cloud, const char *job, struct answer *answer)
{
    struct db_rows *rows = db_select(
        cloud->db,
        "SELECT id, status, description, targets_json, selection, presigned_json, rollout_json,"
        " abort_json, timeout_json, retry_json, force_canceled, reason_code, comment, created,"
        " updated, completed, document_source FROM jobs WHERE id = ?",
        "s", job);
    if (db_next(rows)) {
        answer->body = json_pack("{s:o}", "job", job_json(cloud, rows));
        set_text(answer->body, "documentSource", db_text(rows, 16));
    }
    db_done(rows);
    return answer->body ? CORE_OK : no_job(answer, job);
}

enum core_error jobs_document(struct cloud *cloud, const char *job, struct answer *answer)
{
    struct db_rows *rows = db_select(cloud->db, "SELECT document FROM jobs WHERE id = ?", "s", job);
    if (db_next(rows))
        answer->body = json_pack("{s:s}", "document", db_text(rows, 0));
    db_done(rows);
    return answer->body ? CORE_OK : no_job(answer, job);
}

/* A job's status and description; false if it is not there. */
static bool find_job(struct cloud *cloud, const char *job, char status[24], json_t **names)
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

/* ---- change -------------------------------------------------------------------------------- */

static otter_status change_job(struct cloud *cloud, const char *job, const json_t *members,
                               int64_t minutes)
{
    json_t *timeout = json_object_get(members, "timeoutConfig");
    json_t *retry = json_object_get(members, "jobExecutionsRetryConfig");
    char *timeout_text = timeout ? json_dumps(timeout, JSON_COMPACT) : NULL;
    char *retry_text = retry ? json_dumps(retry, JSON_COMPACT) : NULL;
    otter_status status =
        db_run(cloud->db,
               "UPDATE jobs SET description = COALESCE(?1, description),"
               " timeout_minutes = CASE WHEN ?2 IS NULL THEN timeout_minutes ELSE ?3 END,"
               " timeout_json = COALESCE(?2, timeout_json), retry_json = COALESCE(?4, retry_json),"
               " updated = ?5 WHERE id = ?6",
               "ssisis", json_text(members, "description"), timeout_text, minutes, retry_text,
               cloud_now(cloud), job);
    free(timeout_text);
    free(retry_text);
    return status;
}

enum core_error jobs_change(struct cloud *cloud, const char *job, const json_t *members,
                            struct answer *answer)
{
    char status[24];
    int64_t minutes = 0;
    if (!find_job(cloud, job, status, NULL))
        return no_job(answer, job);
    enum core_error error = check_description(json_text(members, "description"), answer);
    if (error == CORE_OK)
        error = check_timeout(json_object_get(members, "timeoutConfig"), &minutes, answer);
    if (error == CORE_OK)
        error = check_retry(json_object_get(members, "jobExecutionsRetryConfig"), answer);
    if (error == CORE_OK && strcmp(status, "IN_PROGRESS") != 0)
        error = answer_refuse(answer, CORE_INVALID_REQUEST, "job '%s' is %s and cannot change", job,
                              status);
    if (error == CORE_OK && change_job(cloud, job, members, minutes) != OTTER_OK)
        error = answer_db_failed(cloud, answer);
    return error;
}

/* ---- cancel and delete ---------------------------------------------------------------------- */

static otter_status cancel_job(struct cloud *cloud, const char *job, bool force,
                               const json_t *members)
{
    int64_t now = cloud_now(cloud);
    otter_status status =
        db_run(cloud->db,
               "UPDATE jobs SET status = 'CANCELED', force_canceled = ?,"
               " reason_code = COALESCE(?, reason_code), comment = COALESCE(?, comment),"
               " updated = ?, completed = COALESCE(completed, ?) WHERE id = ?",
               "issiis", (int64_t)force, json_text(members, "reasonCode"),
               json_text(members, "comment"), now, now, job);
    if (status != OTTER_OK)
        return status;
    return db_run(cloud->db,
                  "UPDATE job_executions SET status = 'CANCELED', version = version + 1,"
                  " force_canceled = ?, updated = ?, deadline = 0, step_deadline = 0"
                  " WHERE job = ? AND (status = 'QUEUED' OR (? AND status = 'IN_PROGRESS'))",
                  "iisi", (int64_t)force, now, job, (int64_t)force);
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

    if (!find_job(cloud, job, status, &names))
        return no_job(answer, job);
    bool again = force && strcmp(status, "CANCELED") == 0 && has_running(cloud, job);
    if (strcmp(status, "IN_PROGRESS") != 0 && !again) {
        json_decref(names);
        return answer_refuse(answer, CORE_INVALID_REQUEST, "job '%s' is already %s", job, status);
    }
    pending_watch_job(cloud, job, force, &watch);
    otter_status done = watch.failed ? OTTER_E_MEMORY : db_begin(cloud->db);
    if (done == OTTER_OK)
        done = db_finish(cloud->db, cancel_job(cloud, job, force, members));
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
    otter_status status = db_run(cloud->db, "DELETE FROM job_executions WHERE job = ?", "s", job);
    if (status == OTTER_OK)
        status = db_run(cloud->db, "DELETE FROM jobs WHERE id = ?", "s", job);
    return status;
}

enum core_error jobs_delete(struct cloud *cloud, const char *job, bool force, struct answer *answer)
{
    char status[24];
    struct pending_watch watch = {0};

    if (!find_job(cloud, job, status, NULL))
        return no_job(answer, job);
    if (!force && strcmp(status, "IN_PROGRESS") == 0)
        return answer_refuse(answer, CORE_INVALID_STATE,
                             "job '%s' is IN_PROGRESS: cancel it first, or delete with force", job);
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

static otter_status delete_execution(struct cloud *cloud, int64_t id, const char *job)
{
    otter_status status = db_run(cloud->db, "DELETE FROM job_executions WHERE id = ?", "i", id);
    return status == OTTER_OK ? job_complete(cloud, job) : status;
}

enum core_error jobs_delete_execution(struct cloud *cloud, const char *thing, const char *job,
                                      int64_t number, bool force, struct answer *answer)
{
    struct execution execution;
    if (!execution_find(cloud, thing, job, number, &execution))
        return no_execution(answer, thing, job);
    bool pending = !status_is_terminal(execution.status);
    int64_t id = execution.id, first = pending_first(cloud, thing);
    if (pending && !force)
        answer_refuse(answer, CORE_INVALID_STATE,
                      "job execution %.64s is %s: cancel it first, or delete it with force", job,
                      execution.status);
    execution_free(&execution);
    if (pending && !force)
        return CORE_INVALID_STATE;
    if (db_begin(cloud->db) != OTTER_OK ||
        db_finish(cloud->db, delete_execution(cloud, id, job)) != OTTER_OK)
        return answer_db_failed(cloud, answer);
    pending_notify(cloud, thing, first, pending);
    return CORE_OK;
}

void jobs_thing_removed(struct cloud *cloud, const char *thing)
{
    struct execution execution;
    while (execution_first_pending(cloud, thing, &execution)) {
        int64_t first = execution.id;
        otter_status status = db_begin(cloud->db);
        if (status == OTTER_OK)
            status = db_finish(cloud->db, execution_set(cloud, &execution, "REMOVED", NULL, 0));
        execution_free(&execution);
        if (status != OTTER_OK)
            return;
        pending_notify(cloud, thing, first, true);
    }
}
