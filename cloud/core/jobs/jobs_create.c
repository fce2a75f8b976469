/* Creating jobs and changing them: what is asked for is checked as a whole before anything is done.
 */
#include <stdlib.h>
#include <string.h>

#include "cloud/core/ground/names.h"
#include "cloud/core/jobs/jobs_internal.h"
#include "cloud/core/registry/registry.h"

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
    if (!thing || !thing_exists(cloud, thing))
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
    if (!jobs_id_valid(id))
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
    if (!job_find(cloud, job, status, NULL))
        return job_missing(answer, job);
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
