/* Creating jobs and changing them: what is asked for is checked as a whole before anything is done.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/core/ground/names.h"
#include "cloud/core/jobs/jobs_internal.h"
#include "cloud/core/jobs/schedule.h"
#include "cloud/core/jobs/templates.h"
#include "cloud/core/registry/groups.h"

/* ---- what is asked for ---------------------------------------------------------------------- */

struct new_job {
    const char *id, *document, *description, *selection;
    char *fetched;   /* the document of a documentSource, owned */
    json_t *members; /* with those of its template, owned */
    const json_t *targets, *scheduling;
    int64_t timeout_minutes, start, end;
};

static void new_job_free(struct new_job *job)
{
    json_decref(job->members);
    free(job->fetched);
}

static enum core_error find_document(struct cloud *cloud, struct new_job *job,
                                     struct answer *answer)
{
    const char *source = json_text(job->members, "documentSource");
    enum core_error error = CORE_OK;
    job->document = json_text(job->members, "document");
    if (job->document && source)
        return answer_refuse(answer, CORE_INVALID_REQUEST,
                             "the job needs a document or a documentSource, not both");
    if (source)
        error = document_of_source(cloud, source, &job->fetched, answer);
    if (source)
        job->document = job->fetched;
    if (!error)
        error = job_check_document(job->document, answer);
    return error ? error : job_check_placeholders(cloud, job->document, job->members, answer);
}

static enum core_error check_names(struct new_job *job, struct answer *answer)
{
    job->description = json_text(job->members, "description");
    job->selection = json_text(job->members, "targetSelection");
    if (!job->selection)
        job->selection = "SNAPSHOT";
    if (!jobs_id_valid(job->id))
        return answer_refuse(answer, CORE_INVALID_REQUEST,
                             "a job id is 1..%d letters, digits, '_' and '-'", JOBS_ID_MAX);
    if (strcmp(job->selection, "SNAPSHOT") != 0 && strcmp(job->selection, "CONTINUOUS") != 0)
        return answer_refuse(answer, CORE_INVALID_REQUEST,
                             "targetSelection must be SNAPSHOT or CONTINUOUS");
    return CORE_OK;
}

static enum core_error check_new_job(struct cloud *cloud, struct new_job *job,
                                     struct answer *answer)
{
    enum core_error error = check_names(job, answer);
    job->targets = json_object_get(job->members, "targets");
    job->scheduling = json_object_get(job->members, "schedulingConfig");
    if (!error)
        error = find_document(cloud, job, answer);
    if (!error)
        error = job_check_configs(job->members, answer);
    if (!error)
        error = job_check_timeout(json_object_get(job->members, "timeoutConfig"),
                                  &job->timeout_minutes, answer);
    if (!error)
        error = schedule_check(job->scheduling, cloud_now(cloud), &job->start, &job->end, answer);
    if (!error)
        error = targets_check(cloud, job->targets, false, answer);
    if (!error && db_number(cloud->db, "SELECT COUNT(*) FROM jobs WHERE id = ?", "s", job->id) > 0)
        error = answer_refuse(answer, CORE_EXISTS, "job '%s' exists already", job->id);
    return error;
}

/* ---- create --------------------------------------------------------------------------------- */

#define CONFIGS 6

static otter_status insert_job(struct cloud *cloud, const struct new_job *job)
{
    static const char *const names[CONFIGS] = {
        "presignedUrlConfig", "jobExecutionsRolloutConfig", "abortConfig",
        "timeoutConfig",      "jobExecutionsRetryConfig",   "schedulingConfig"};
    char *texts[CONFIGS], *targets = json_dumps(job->targets, JSON_COMPACT);
    int64_t now = cloud_now(cloud);
    for (size_t i = 0; i < CONFIGS; i++) {
        const json_t *member = json_object_get(job->members, names[i]);
        texts[i] = member ? json_dumps(member, JSON_COMPACT) : NULL;
    }
    otter_status status =
        db_run(cloud->db,
               "INSERT INTO jobs(id, status, document, document_source, description, targets_json,"
               " selection, presigned_json, rollout_json, abort_json, timeout_json, retry_json,"
               " scheduling_json, template_arn, timeout_minutes, start_at, end_at, created,"
               " updated) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
               "ssssssssssssssiiiii", job->id, job->start ? "SCHEDULED" : "IN_PROGRESS",
               job->document, json_text(job->members, "documentSource"), job->description, targets,
               job->selection, texts[0], texts[1], texts[2], texts[3], texts[4], texts[5],
               json_text(job->members, "jobTemplateArn"), job->timeout_minutes, job->start,
               job->end, now, now);
    for (size_t i = 0; i < CONFIGS; i++)
        free(texts[i]);
    free(targets);
    return status;
}

static otter_status begin_job(struct cloud *cloud, const struct new_job *job,
                              struct pending_watch *watch)
{
    otter_status status = insert_job(cloud, job);
    if (status == OTTER_OK)
        status = targets_note(cloud, job->id, job->targets);
    if (status == OTTER_OK && !job->start)
        status = targets_resolve(cloud, job->id, job->targets);
    return status == OTTER_OK ? job_advance(cloud, job->id, watch) : status;
}

static enum core_error store_job(struct cloud *cloud, const struct new_job *job,
                                 struct pending_watch *watch, struct answer *answer)
{
    char resource[JOBS_ID_MAX + 8];
    snprintf(resource, sizeof resource, "job/%s", job->id);
    if (db_begin(cloud->db) != OTTER_OK)
        return answer_db_failed(cloud, answer);
    enum core_error error =
        tags_add(cloud, resource, json_object_get(job->members, "tags"), answer);
    if (!error && begin_job(cloud, job, watch) != OTTER_OK)
        error = answer_db_failed(cloud, answer);
    if (db_finish(cloud->db, error ? OTTER_E_REFUSED : OTTER_OK) != OTTER_OK && !error)
        error = answer_db_failed(cloud, answer);
    return error;
}

static enum core_error create(struct cloud *cloud, struct new_job *job, struct answer *answer)
{
    struct pending_watch watch = {0};
    enum core_error error = check_new_job(cloud, job, answer);
    if (error)
        return error;
    error = store_job(cloud, job, &watch, answer);
    size_t count = watch.count;
    pending_watch_end(cloud, &watch, !error);
    if (error)
        return error;
    cloud_log("jobs", "%s created for %zu thing%s%s", job->id, count, count == 1 ? "" : "s",
              job->start                  ? ", to begin later"
              : job_waits(cloud, job->id) ? " at first, more will follow"
                                          : "");
    answer->body = job_names(cloud, job->id, job->description);
    return CORE_OK;
}

enum core_error jobs_create(struct cloud *cloud, const char *id, const json_t *members,
                            struct answer *answer)
{
    struct new_job job = {.id = id};
    enum core_error error = job_template_apply(cloud, members, &job.members, answer);
    if (!error)
        error = create(cloud, &job, answer);
    new_job_free(&job);
    return error;
}

/* ---- change -------------------------------------------------------------------------------- */

static otter_status change_config(struct cloud *cloud, const char *job, const json_t *members,
                                  const char *name, const char *sql)
{
    const json_t *member = json_object_get(members, name);
    char *text = member ? json_dumps(member, JSON_COMPACT) : NULL;
    otter_status status = text ? db_run(cloud->db, sql, "ss", text, job) : OTTER_OK;
    free(text);
    return status;
}

static otter_status change_job(struct cloud *cloud, const char *job, const json_t *members,
                               int64_t minutes)
{
    static const struct {
        const char *name, *sql;
    } configs[] = {
        {"timeoutConfig", "UPDATE jobs SET timeout_json = ? WHERE id = ?"},
        {"jobExecutionsRetryConfig", "UPDATE jobs SET retry_json = ? WHERE id = ?"},
        {"jobExecutionsRolloutConfig", "UPDATE jobs SET rollout_json = ? WHERE id = ?"},
        {"abortConfig", "UPDATE jobs SET abort_json = ? WHERE id = ?"},
        {"presignedUrlConfig", "UPDATE jobs SET presigned_json = ? WHERE id = ?"},
    };
    otter_status status =
        db_run(cloud->db,
               "UPDATE jobs SET description = COALESCE(?, description), updated = ?,"
               " timeout_minutes = CASE WHEN ? THEN ? ELSE timeout_minutes END WHERE id = ?",
               "siiis", json_text(members, "description"), cloud_now(cloud),
               (int64_t)(json_object_get(members, "timeoutConfig") != NULL), minutes, job);
    for (size_t i = 0; i < sizeof configs / sizeof *configs && status == OTTER_OK; i++)
        status = change_config(cloud, job, members, configs[i].name, configs[i].sql);
    return status;
}

enum core_error jobs_change(struct cloud *cloud, const char *job, const json_t *members,
                            struct answer *answer)
{
    char status[24];
    int64_t minutes = 0;
    if (!job_find(cloud, job, status, NULL))
        return job_missing(answer, job);
    enum core_error error = job_check_configs(members, answer);
    if (!error)
        error = job_check_timeout(json_object_get(members, "timeoutConfig"), &minutes, answer);
    if (!error && strcmp(status, "IN_PROGRESS") != 0 && strcmp(status, "SCHEDULED") != 0)
        error = answer_refuse(answer, CORE_INVALID_REQUEST, "job '%s' is %s and cannot change", job,
                              status);
    if (error)
        return error;
    otter_status done = db_begin(cloud->db);
    if (done == OTTER_OK)
        done = db_finish(cloud->db, change_job(cloud, job, members, minutes));
    return done == OTTER_OK ? CORE_OK : answer_db_failed(cloud, answer);
}
