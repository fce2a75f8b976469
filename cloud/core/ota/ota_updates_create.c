/* Finishing an OTA update: when its files are ready, make the stream, write the job document,
 * create the job. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/core/account/presign.h"
#include "cloud/core/account/roles.h"
#include "cloud/core/account/signing.h"
#include "cloud/core/ground/names.h"
#include "cloud/core/jobs/jobs.h"
#include "cloud/core/ota/ota_updates_internal.h"
#include "cloud/core/streams/streams.h"
#include "cloud/store/db.h"

#define SERVICE "iot.amazonaws.com"

/* ---- stream ---- */

/* Without a list, MQTT alone. */
static bool has_protocol(const struct ota_work *work, const char *name)
{
    const json_t *list = json_object_get(work->request, "protocols");
    bool found = !list && strcmp(name, "MQTT") == 0;
    for (size_t i = 0; i < json_array_size(list); i++)
        found = found || strcmp(json_string_value(json_array_get(list, i)), name) == 0;
    return found;
}

static enum core_error make_stream(struct ota_work *work)
{
    char uuid[UUID_SIZE];
    if (*work->stream || !has_protocol(work, "MQTT"))
        return CORE_OK;
    json_t *files = json_array();
    for (size_t i = 0; i < json_array_size(work->files); i++) {
        const struct ota_source *source = &work->sources[i];
        json_array_append_new(files, json_pack("{s:I,s:{s:s,s:s,s:s}}", "fileId", source->file_id,
                                               "s3Location", "bucket", source->bucket, "key",
                                               source->key, "version", source->version));
    }
    uuid_make(uuid);
    snprintf(work->stream, sizeof work->stream, OTA_JOB_PREFIX "%s", uuid);
    work->own_stream = true;
    json_t *members =
        json_pack("{s:o,s:s}", "files", files, "roleArn", json_text(work->request, "roleArn"));
    enum core_error error = streams_create(work->cloud, work->stream, members, work->answer);
    json_decref(members);
    if (!error)
        answer_free(work->answer);
    return error;
}

/* ---- job ---- */

/* Where a device gets the file over HTTP: the job fills in a presigned URL when it asks. */
static void add_url(json_t *entry, struct cloud *cloud, const struct ota_source *source)
{
    struct object_place place = {0};
    snprintf(place.bucket, sizeof place.bucket, "%s", source->bucket);
    snprintf(place.key, sizeof place.key, "%s", source->key);
    snprintf(place.version, sizeof place.version, "%s", source->version);
    char *url = object_place_write(cloud, &place);
    json_object_set_new(entry, "update_data_url",
                        json_sprintf("${aws:iot:s3-presigned-url:%s}", url));
    json_object_set_new(entry, "auth_scheme", json_string("aws.s3.presigned"));
    free(url);
}

static json_t *document_file(const struct ota_work *work, const struct ota_source *source,
                             const json_t *file)
{
    const json_t *type = json_object_get(file, "fileType");
    json_t *entry =
        json_pack("{s:s,s:I,s:I,s:s}", "filepath", json_text(file, "fileName"), "filesize",
                  source->size, "fileid", source->file_id, "certfile", source->certificate);
    if (type)
        json_object_set(entry, "fileType", (json_t *)type);
    if (has_protocol(work, "HTTP"))
        add_url(entry, work->cloud, source);
    if (*source->signature)
        json_object_set_new(entry, source->signature_name, json_string(source->signature));
    return entry;
}

/* Compact: a device has small buffers. Freed by the caller. */
static char *document_text(const struct ota_work *work)
{
    json_t *files = json_array(), *ota = json_object();
    json_t *protocols = json_object_get(work->request, "protocols");
    for (size_t i = 0; i < json_array_size(work->files); i++)
        json_array_append_new(
            files, document_file(work, &work->sources[i], json_array_get(work->files, i)));
    json_object_set_new(ota, "protocols",
                        protocols ? json_incref(protocols) : json_pack("[s]", "MQTT"));
    if (has_protocol(work, "MQTT"))
        json_object_set_new(ota, "streamname", json_string(work->stream));
    json_object_set_new(ota, "files", files);
    json_t *document = json_pack("{s:o}", "afr_ota", ota);
    char *text = json_dumps(document, JSON_COMPACT);
    json_decref(document);
    return text;
}

/* AWS words the list of abort criteria otherwise in a job. */
static void copy_abort(const json_t *request, json_t *members)
{
    json_t *criteria =
        json_object_get(json_object_get(request, "awsJobAbortConfig"), "abortCriteriaList");
    if (criteria)
        json_object_set_new(members, "abortConfig", json_pack("{s:O}", "criteriaList", criteria));
}

#define EXPIRES_S 1800 /* AWS's own for OTA updates */

static json_t *presigned(const json_t *request)
{
    const json_t *expires =
        json_object_get(json_object_get(request, "awsJobPresignedUrlConfig"), "expiresInSec");
    return json_pack("{s:s,s:I}", "roleArn", json_text(request, "roleArn"), "expiresInSec",
                     expires ? json_integer_value(expires) : (json_int_t)EXPIRES_S);
}

/* The configurations have other names in a job. */
static void copy_configs(const json_t *request, json_t *members)
{
    static const char *const names[][2] = {
        {"awsJobExecutionsRolloutConfig", "jobExecutionsRolloutConfig"},
        {"awsJobTimeoutConfig", "timeoutConfig"},
        {"targetSelection", "targetSelection"},
        {"description", "description"},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        json_t *value = json_object_get(request, names[i][0]);
        if (value && !(json_is_object(value) && json_object_size(value) == 0))
            json_object_set(members, names[i][1], value);
    }
    json_object_set_new(members, "presignedUrlConfig", presigned(request));
    copy_abort(request, members);
}

static enum core_error make_job(struct ota_work *work)
{
    char job[OTA_ID_MAX + sizeof OTA_JOB_PREFIX];
    char *document = document_text(work);
    json_t *members = json_pack("{s:O,s:s}", "targets", json_object_get(work->request, "targets"),
                                "document", document);
    free(document);
    copy_configs(work->request, members);
    snprintf(job, sizeof job, OTA_JOB_PREFIX "%s", work->id);
    enum core_error error = jobs_create(work->cloud, job, members, work->answer);
    json_decref(members);
    return error;
}

/* ---- the whole ---- */

static otter_status save_files(struct ota_work *work)
{
    char *files = json_dumps(work->files, JSON_COMPACT);
    otter_status status =
        db_run(work->cloud->db, "UPDATE ota_updates SET files_json = ? WHERE id = ?", "ss", files,
               work->id);
    free(files);
    return status;
}

static enum core_error complete(struct ota_work *work)
{
    otter_status status =
        db_run(work->cloud->db,
               "UPDATE ota_updates SET status = 'CREATE_COMPLETE', job = ? || id, stream = ?,"
               " modified = ? WHERE id = ?",
               "ssis", OTA_JOB_PREFIX, work->own_stream ? work->stream : NULL,
               cloud_now(work->cloud), work->id);
    return status == OTTER_OK ? CORE_OK : answer_db_failed(work->cloud, work->answer);
}

/* Stream, job and the update's new status are one change: a stop in between leaves none of them. */
static enum core_error roll_out(struct ota_work *work)
{
    if (db_begin(work->cloud->db) != OTTER_OK)
        return answer_db_failed(work->cloud, work->answer);
    enum core_error error = make_stream(work);
    if (!error)
        error = make_job(work);
    if (!error)
        error = complete(work);
    otter_status status = db_finish(work->cloud->db, error ? OTTER_E_REFUSED : OTTER_OK);
    return !error && status != OTTER_OK ? CORE_INTERNAL : error;
}

static const char *error_code(enum core_error error)
{
    switch (error) {
    case CORE_NOT_FOUND:
    case CORE_NO_BUCKET:
    case CORE_NO_KEY:
    case CORE_NO_VERSION:
    case CORE_DELETE_MARKER:
        return "ResourceNotFoundException";
    case CORE_EXISTS:
        return "ResourceAlreadyExistsException";
    case CORE_LIMIT:
        return "LimitExceededException";
    case CORE_INTERNAL:
        return "InternalFailure";
    default:
        return "InvalidRequestException";
    }
}

static void fail(struct ota_work *work, enum core_error error)
{
    db_run(work->cloud->db,
           "UPDATE ota_updates SET status = 'CREATE_FAILED', error_code = ?, error_message = ?,"
           " modified = ? WHERE id = ?",
           "ssis", error_code(error), work->answer->message, cloud_now(work->cloud), work->id);
    cloud_log("ota", "update %s failed: %s", work->id, work->answer->message);
}

static void conclude(struct ota_work *work, enum core_error error)
{
    if (!error)
        error = ota_files_finish(work);
    if (save_files(work) != OTTER_OK && !error)
        error = answer_db_failed(work->cloud, work->answer);
    if (!error)
        error = roll_out(work);
    if (error)
        fail(work, error);
    else
        cloud_log("ota", "update %s rolls out as job " OTA_JOB_PREFIX "%s", work->id, work->id);
}

/* ---- works: those that wait for signatures are in the cloud's list ---- */

static void work_free(struct ota_work *work)
{
    *work->link = work->next;
    if (work->next)
        work->next->link = work->link;
    for (size_t i = 0; i < OTA_FILES_MAX; i++)
        signing_free(work->sources[i].signing);
    json_decref(work->request);
    json_decref(work->files);
    answer_free(work->answer);
    free(work->sources);
    free(work->id);
    free(work);
}

static struct ota_work *work_new(struct cloud *cloud, const char *id)
{
    struct ota_work *work = calloc(1, sizeof *work);
    if (!work || !(work->id = strdup(id)) ||
        !(work->sources = calloc(OTA_FILES_MAX, sizeof *work->sources)))
        abort(); /* nothing sensible can follow on the host */
    work->cloud = cloud;
    work->answer = &work->said;
    work->next = cloud->updates;
    work->link = &cloud->updates;
    if (work->next)
        work->next->link = &work->next;
    cloud->updates = work;
    return work;
}

static struct ota_work *work_find(struct cloud *cloud, const char *id)
{
    struct ota_work *work = cloud->updates;
    while (work && strcmp(work->id, id) != 0)
        work = work->next;
    return work;
}

void ota_file_signed(void *context)
{
    struct ota_work *work = context;
    if (--work->waiting > 0)
        return;
    conclude(work, CORE_OK);
    work_free(work);
}

void ota_forget(struct cloud *cloud, const char *id)
{
    struct ota_work *work = id ? work_find(cloud, id) : NULL;
    if (work)
        work_free(work);
    while (!id && cloud->updates)
        work_free(cloud->updates);
}

static bool load(struct ota_work *work)
{
    struct db_rows *rows =
        db_select(work->cloud->db, "SELECT request_json, files_json FROM ota_updates WHERE id = ?",
                  "s", work->id);
    bool found = db_next(rows);
    if (found) {
        work->request = json_stored(db_text(rows, 0), "{}");
        work->files = json_stored(db_text(rows, 1), "[]");
    }
    db_done(rows);
    return found;
}

void ota_finish(struct cloud *cloud, const char *id)
{
    if (work_find(cloud, id))
        return;
    struct ota_work *work = work_new(cloud, id);
    enum core_error error = CORE_OK;
    bool there = load(work);
    if (there)
        error = role_check_trust(cloud, json_text(work->request, "roleArn"), SERVICE, work->answer);
    if (there && !error)
        error = ota_files_prepare(work);
    if (there && !error && work->waiting > 0)
        return;
    if (there)
        conclude(work, error);
    work_free(work);
}

json_t *ota_pending(struct cloud *cloud)
{
    json_t *ids = json_array();
    struct db_rows *rows = db_select(
        cloud->db,
        "SELECT id FROM ota_updates WHERE status = 'CREATE_PENDING' ORDER BY created, id", "");
    while (db_next(rows))
        json_array_append_new(ids, json_string(db_text(rows, 0)));
    db_done(rows);
    return ids;
}
