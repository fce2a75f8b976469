/* OTA updates as records: created, shown, listed, deleted. The work is in ota_updates_create.c. */
#include "cloud/core/ota/ota_updates.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/core/ground/names.h"
#include "cloud/core/jobs/jobs.h"
#include "cloud/core/ota/ota_updates_internal.h"
#include "cloud/core/registry/groups.h"
#include "cloud/core/streams/streams.h"
#include "cloud/store/db.h"

static enum core_error not_found(const char *id, struct answer *answer)
{
    return answer_refuse(answer, CORE_NOT_FOUND, "OTA update %.128s cannot be found.", id);
}

/* ---- create ---- */

static void take_up(void *cloud)
{
    ota_resume(cloud);
}

/* The rest is done when the reply is on its way; every pending update is then taken up. */
static void schedule(struct cloud *cloud)
{
    cloud_do_later(cloud, take_up, cloud);
}

static otter_status insert(struct cloud *cloud, const char *id, const json_t *members)
{
    char *request = json_dumps(members, JSON_COMPACT);
    char *files = json_dumps(json_object_get(members, "files"), JSON_COMPACT);
    int64_t now = cloud_now(cloud);
    otter_status status =
        db_run(cloud->db,
               "INSERT INTO ota_updates(id, status, request_json, files_json, created, modified)"
               " VALUES(?, 'CREATE_PENDING', ?, ?, ?, ?)",
               "sssii", id, request, files, now, now);
    free(request);
    free(files);
    return status;
}

/* The update with its tags, or nothing; OTTER_E_STATE when there is one of that name. */
static enum core_error insert_tagged(struct cloud *cloud, const char *id, const json_t *members,
                                     otter_status *status, struct answer *answer)
{
    char resource[160];
    snprintf(resource, sizeof resource, "otaupdate/%s", id);
    *status = db_begin(cloud->db);
    if (*status != OTTER_OK)
        return CORE_OK;
    *status = insert(cloud, id, members);
    enum core_error error =
        *status == OTTER_OK ? tags_add(cloud, resource, json_object_get(members, "tags"), answer)
                            : CORE_OK;
    otter_status finished = db_finish(cloud->db, error ? OTTER_E_REFUSED : *status);
    if (*status == OTTER_OK && !error)
        *status = finished;
    return error;
}

enum core_error ota_create(struct cloud *cloud, const char *id, const json_t *members,
                           struct answer *answer)
{
    struct arn arn = arn_make(cloud, "iot", "otaupdate/%s", id);
    enum core_error error = ota_check_request(cloud, id, members, answer);
    if (error)
        return error;
    otter_status status;
    error = insert_tagged(cloud, id, members, &status, answer);
    if (error)
        return error;
    if (status == OTTER_E_STATE) {
        answer_refuse(answer, CORE_EXISTS, "OTA update %s already exists.", id);
        answer->body = json_pack("{s:s,s:s}", "resourceId", id, "resourceArn", arn.text);
        return CORE_EXISTS;
    }
    if (status != OTTER_OK)
        return answer_db_failed(cloud, answer);
    schedule(cloud);
    answer->body = json_pack("{s:s,s:s,s:s}", "otaUpdateId", id, "otaUpdateArn", arn.text,
                             "otaUpdateStatus", "CREATE_PENDING");
    return CORE_OK;
}

void ota_resume(struct cloud *cloud)
{
    json_t *ids = ota_pending(cloud);
    for (size_t i = 0; i < json_array_size(ids); i++)
        ota_finish(cloud, json_string_value(json_array_get(ids, i)));
    json_decref(ids);
}

void ota_stop(struct cloud *cloud)
{
    ota_forget(cloud, NULL);
}

/* ---- get ---- */

/* AWS shows what is unused as empty objects. */
static void fill_up(json_t *file)
{
    json_t *signing = json_object_get(file, "codeSigning");
    json_t *start = json_object_get(signing, "startSigningJobParameter");
    if (!signing)
        return;
    if (!json_object_get(signing, "customCodeSigning"))
        json_object_set_new(signing, "customCodeSigning", json_object());
    if (start && !json_object_get(start, "signingProfileParameter"))
        json_object_set_new(start, "signingProfileParameter", json_object());
}

static json_t *shown_files(const char *text)
{
    json_t *files = json_stored(text, "[]");
    for (size_t i = 0; i < json_array_size(files); i++)
        fill_up(json_array_get(files, i));
    return files;
}

static void copy_members(json_t *info, const json_t *request)
{
    static const char *const names[] = {"description", "targets", "awsJobExecutionsRolloutConfig",
                                        "awsJobPresignedUrlConfig", "additionalParameters"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        json_t *value = json_object_get(request, names[i]);
        if (value)
            json_object_set(info, names[i], value);
    }
    const char *selection = json_text(request, "targetSelection");
    json_t *protocols = json_object_get(request, "protocols");
    json_object_set_new(info, "targetSelection", json_string(selection ? selection : "SNAPSHOT"));
    json_object_set_new(info, "protocols",
                        protocols ? json_incref(protocols) : json_pack("[s]", "MQTT"));
}

static json_t *info_of_row(struct cloud *cloud, const char *id, struct db_rows *rows)
{
    const char *job = db_text(rows, 3);
    json_t *request = json_stored(db_text(rows, 1), "{}");
    json_t *info =
        json_pack("{s:s,s:s,s:I,s:I,s:s,s:o}", "otaUpdateId", id, "otaUpdateArn",
                  arn_make(cloud, "iot", "otaupdate/%s", id).text, "creationDate", db_int(rows, 6),
                  "lastModifiedDate", db_int(rows, 7), "otaUpdateStatus", db_text(rows, 0),
                  "otaUpdateFiles", shown_files(db_text(rows, 2)));
    copy_members(info, request);
    json_decref(request);
    if (job)
        json_object_update_new(info, json_pack("{s:s,s:s}", "awsIotJobId", job, "awsIotJobArn",
                                               arn_make(cloud, "iot", "job/%s", job).text));
    if (db_text(rows, 4))
        json_object_set_new(
            info, "errorInfo",
            json_pack("{s:s,s:s}", "code", db_text(rows, 4), "message", db_text(rows, 5)));
    return info;
}

enum core_error ota_get(struct cloud *cloud, const char *id, struct answer *answer)
{
    struct db_rows *rows = db_select(
        cloud->db,
        "SELECT status, request_json, files_json, job, error_code, error_message, created,"
        " modified FROM ota_updates WHERE id = ?",
        "s", id);
    if (db_next(rows))
        answer->body = json_pack("{s:o}", "otaUpdateInfo", info_of_row(cloud, id, rows));
    db_done(rows);
    return answer->body ? CORE_OK : not_found(id, answer);
}

enum core_error ota_list(struct cloud *cloud, const char *status, struct answer *answer)
{
    if (check_filter("otaUpdateStatus", status,
                     "CREATE_PENDING CREATE_IN_PROGRESS CREATE_COMPLETE CREATE_FAILED"
                     " DELETE_IN_PROGRESS DELETE_FAILED",
                     answer))
        return CORE_INVALID_REQUEST;
    json_t *updates = json_array();
    struct db_rows *rows =
        db_select(cloud->db,
                  "SELECT id, created FROM ota_updates WHERE ? IS NULL OR status = ?"
                  " ORDER BY created DESC, id",
                  "ss", status, status);
    while (db_next(rows))
        json_array_append_new(
            updates, json_pack("{s:s,s:s,s:I}", "otaUpdateId", db_text(rows, 0), "otaUpdateArn",
                               arn_make(cloud, "iot", "otaupdate/%s", db_text(rows, 0)).text,
                               "creationDate", db_int(rows, 1)));
    db_done(rows);
    answer->body = json_pack("{s:o}", "otaUpdates", updates);
    return CORE_OK;
}

/* ---- delete ---- */

/* A job or stream that is gone already is as good as deleted. */
static enum core_error delete_parts(struct cloud *cloud, const char *job, const char *stream,
                                    bool force_job, struct answer *answer)
{
    enum core_error error = job ? jobs_delete(cloud, job, force_job, answer) : CORE_OK;
    if (error == CORE_INVALID_STATE)
        return answer_refuse(answer, CORE_INVALID_REQUEST,
                             "Job %s is not finished: cancel it, or delete it with "
                             "--force-delete-aws-job.",
                             job);
    if (error && error != CORE_NOT_FOUND)
        return error;
    answer_free(answer);
    error = stream ? streams_delete(cloud, stream, answer) : CORE_OK;
    if (error && error != CORE_NOT_FOUND)
        return error;
    answer_free(answer);
    return CORE_OK;
}

/* All of it or nothing. */
static enum core_error delete_all(struct cloud *cloud, const char *id, const char *job,
                                  const char *stream, bool force_job, struct answer *answer)
{
    if (db_begin(cloud->db) != OTTER_OK)
        return answer_db_failed(cloud, answer);
    enum core_error error = delete_parts(cloud, job, stream, force_job, answer);
    if (!error && db_run(cloud->db, "DELETE FROM ota_updates WHERE id = ?", "s", id) != OTTER_OK)
        error = answer_db_failed(cloud, answer);
    if (db_finish(cloud->db, error ? OTTER_E_REFUSED : OTTER_OK) != OTTER_OK && !error)
        error = answer_db_failed(cloud, answer);
    return error;
}

enum core_error ota_delete(struct cloud *cloud, const char *id, bool delete_stream, bool force_job,
                           struct answer *answer)
{
    enum core_error error = CORE_NOT_FOUND;
    struct db_rows *rows =
        db_select(cloud->db, "SELECT job, stream FROM ota_updates WHERE id = ?", "s", id);
    char *job = NULL, *stream = NULL;
    if (db_next(rows)) {
        job = db_text(rows, 0) ? strdup(db_text(rows, 0)) : NULL;
        stream = delete_stream && db_text(rows, 1) ? strdup(db_text(rows, 1)) : NULL;
        error = CORE_OK;
    }
    db_done(rows);
    error = error ? not_found(id, answer) : delete_all(cloud, id, job, stream, force_job, answer);
    if (!error)
        ota_forget(cloud, id);
    free(job);
    free(stream);
    return error;
}
