/* Job templates: what a job may take over. A template made from a job copies what that job has now.
 */
#include "cloud/core/jobs/templates.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/core/ground/names.h"
#include "cloud/core/ground/words.h"
#include "cloud/core/jobs/jobs_internal.h"
#include "cloud/core/jobs/schedule.h"
#include "cloud/core/registry/groups.h"

#define REFUSE(...) answer_refuse(answer, CORE_INVALID_REQUEST, __VA_ARGS__)

/* What a job takes over under the same name. */
static const char *const members_of_job[] = {
    "document",    "presignedUrlConfig", "jobExecutionsRolloutConfig",
    "abortConfig", "timeoutConfig",      "jobExecutionsRetryConfig"};

#define MEMBERS (sizeof members_of_job / sizeof *members_of_job)

static struct arn template_arn(struct cloud *cloud, const char *id)
{
    return arn_make(cloud, "iot", "jobtemplate/%s", id);
}

static enum core_error missing(const char *id, struct answer *answer)
{
    return answer_refuse(answer, CORE_NOT_FOUND, "there is no job template '%.64s'", id);
}

static bool exists(struct cloud *cloud, const char *id)
{
    return db_number(cloud->db, "SELECT COUNT(*) FROM job_templates WHERE id = ?", "s", id) > 0;
}

/* ---- create --------------------------------------------------------------------------------- */

static void copy(json_t *to, const json_t *from, const char *name)
{
    json_t *value = json_object_get(from, name);
    if (value && !json_object_get(to, name))
        json_object_set(to, name, value);
}

/* What the job of jobArn has, where the request says nothing else. */
static enum core_error copy_job(struct cloud *cloud, const json_t *members, json_t *kept,
                                struct answer *answer)
{
    const char *arn = json_text(members, "jobArn"), *job = arn_name(cloud, arn, "iot", "job");
    struct answer found = ANSWER_INIT, document = ANSWER_INIT;
    if (!arn)
        return CORE_OK;
    if (!job || jobs_describe_job(cloud, job, &found) != CORE_OK)
        return answer_refuse(answer, CORE_NOT_FOUND, "jobArn %.160s is none of a job here", arn);
    const json_t *its = json_object_get(found.body, "job");
    jobs_document(cloud, job, &document);
    copy(kept, document.body, "document");
    for (size_t i = 0; i < MEMBERS; i++)
        copy(kept, its, members_of_job[i]);
    copy(kept, json_object_get(its, "schedulingConfig"), "maintenanceWindows");
    answer_free(&found);
    answer_free(&document);
    return CORE_OK;
}

static enum core_error fetch(struct cloud *cloud, const json_t *members, json_t *kept,
                             struct answer *answer)
{
    const char *source = json_text(members, "documentSource");
    char *document = NULL;
    if (!source)
        return CORE_OK;
    enum core_error error = document_of_source(cloud, source, &document, answer);
    if (!error) {
        json_object_set_new(kept, "document", json_string(document));
        copy(kept, members, "documentSource");
    }
    free(document);
    return error;
}

/* Everything that the template keeps, in `kept`. */
static enum core_error gather(struct cloud *cloud, const json_t *members, json_t *kept,
                              struct answer *answer)
{
    int given = !!json_object_get(members, "jobArn") + !!json_object_get(members, "document") +
                !!json_object_get(members, "documentSource");
    if (given != 1)
        return REFUSE("a job template needs exactly one of jobArn, document and documentSource");
    for (size_t i = 0; i < MEMBERS; i++)
        copy(kept, members, members_of_job[i]);
    copy(kept, members, "maintenanceWindows");
    enum core_error error = copy_job(cloud, members, kept, answer);
    if (!error)
        error = fetch(cloud, members, kept, answer);
    if (!error)
        error = job_check_document(json_text(kept, "document"), answer);
    if (!error)
        error = job_check_placeholders(cloud, json_text(kept, "document"), kept, answer);
    if (!error)
        error = job_check_configs(kept, answer);
    if (!error)
        error = schedule_check_windows(json_object_get(kept, "maintenanceWindows"), answer);
    return error;
}

static enum core_error store(struct cloud *cloud, const char *id, const json_t *members,
                             const json_t *kept, struct answer *answer)
{
    char *text = json_dumps(kept, JSON_COMPACT), resource[JOBS_ID_MAX + 16];
    enum core_error error = CORE_OK;
    snprintf(resource, sizeof resource, "jobtemplate/%s", id);
    otter_status status = db_begin(cloud->db);
    if (status == OTTER_OK) {
        status = db_run(cloud->db,
                        "INSERT INTO job_templates(id, description, members_json, created)"
                        " VALUES(?, ?, ?, ?)",
                        "sssi", id, json_text(members, "description"), text, cloud_now(cloud));
        if (status == OTTER_OK)
            error = tags_add(cloud, resource, json_object_get(members, "tags"), answer);
        status = db_finish(cloud->db, error ? OTTER_E_REFUSED : status);
    }
    free(text);
    return status == OTTER_OK || error ? error : answer_db_failed(cloud, answer);
}

enum core_error job_template_create(struct cloud *cloud, const char *id, const json_t *members,
                                    struct answer *answer)
{
    const char *description = json_text(members, "description");
    if (!jobs_id_valid(id))
        return REFUSE("a job template id is 1..%d letters, digits, '_' and '-'", JOBS_ID_MAX);
    if (!description || !words_valid(description, WORDS_SOME, JOBS_DESCRIPTION_MAX))
        return REFUSE("a job template needs a description of 1 to %d characters, none of them a "
                      "control or format character",
                      JOBS_DESCRIPTION_MAX);
    if (exists(cloud, id))
        return answer_refuse(answer, CORE_CONFLICT, "job template '%s' exists already", id);
    json_t *kept = json_object();
    enum core_error error = gather(cloud, members, kept, answer);
    if (!error)
        error = store(cloud, id, members, kept, answer);
    json_decref(kept);
    if (!error)
        answer->body = json_pack("{s:s,s:s}", "jobTemplateArn", template_arn(cloud, id).text,
                                 "jobTemplateId", id);
    return error;
}

/* ---- show and delete ------------------------------------------------------------------------ */

static json_t *head(struct cloud *cloud, struct db_rows *rows)
{
    return json_pack("{s:s,s:s,s:s,s:I}", "jobTemplateArn",
                     template_arn(cloud, db_text(rows, 0)).text, "jobTemplateId", db_text(rows, 0),
                     "description", db_text(rows, 1), "createdAt", (json_int_t)db_int(rows, 2));
}

enum core_error job_template_describe(struct cloud *cloud, const char *id, struct answer *answer)
{
    struct db_rows *rows = db_select(
        cloud->db, "SELECT id, description, created, members_json FROM job_templates WHERE id = ?",
        "s", id);
    if (db_next(rows)) {
        answer->body = head(cloud, rows);
        json_object_update_new(answer->body, json_stored(db_text(rows, 3), "{}"));
    }
    db_done(rows);
    return answer->body ? CORE_OK : missing(id, answer);
}

enum core_error job_template_list(struct cloud *cloud, struct answer *answer)
{
    json_t *list = json_array();
    struct db_rows *rows = db_select(
        cloud->db, "SELECT id, description, created FROM job_templates ORDER BY created DESC, id",
        "");
    while (db_next(rows))
        json_array_append_new(list, head(cloud, rows));
    db_done(rows);
    answer->body = json_pack("{s:o}", "jobTemplates", list);
    return CORE_OK;
}

enum core_error job_template_delete(struct cloud *cloud, const char *id, struct answer *answer)
{
    if (!exists(cloud, id))
        return missing(id, answer);
    return db_run(cloud->db, "DELETE FROM job_templates WHERE id = ?", "s", id) == OTTER_OK
               ? CORE_OK
               : answer_db_failed(cloud, answer);
}

/* ---- use ------------------------------------------------------------------------------------ */

/* The windows are part of the schedule in a job. */
static void add_windows(json_t *merged, const json_t *kept)
{
    json_t *windows = json_object_get(kept, "maintenanceWindows");
    json_t *scheduling = json_object_get(merged, "schedulingConfig");
    if (!windows || json_object_get(scheduling, "maintenanceWindows"))
        return;
    scheduling = scheduling ? json_copy(scheduling) : json_object();
    json_object_set(scheduling, "maintenanceWindows", windows);
    json_object_set_new(merged, "schedulingConfig", scheduling);
}

static void merge(json_t *merged, const json_t *kept)
{
    bool document =
        json_object_get(merged, "document") || json_object_get(merged, "documentSource");
    for (size_t i = 0; i < MEMBERS; i++)
        if (i > 0 || !document) /* the document is the first of them */
            copy(merged, kept, members_of_job[i]);
    add_windows(merged, kept);
}

enum core_error job_template_apply(struct cloud *cloud, const json_t *members, json_t **merged,
                                   struct answer *answer)
{
    const char *arn = json_text(members, "jobTemplateArn");
    const char *id = arn_name(cloud, arn, "iot", "jobtemplate");
    struct answer found = ANSWER_INIT;
    *merged = json_copy((json_t *)members);
    if (!arn)
        return CORE_OK;
    if (!id || job_template_describe(cloud, id, &found) != CORE_OK)
        return answer_refuse(answer, CORE_NOT_FOUND,
                             "jobTemplateArn %.160s is none of a job template here", arn);
    merge(*merged, found.body);
    copy(*merged, found.body, "description");
    answer_free(&found);
    return CORE_OK;
}
