/* Finishing an OTA update: sign each file where asked, make the stream, write the job document,
 * create the job. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/core/jobs/jobs.h"
#include "cloud/core/ground/names.h"
#include "cloud/core/account/objects.h"
#include "cloud/core/ota/ota_updates_internal.h"
#include "cloud/core/account/roles.h"
#include "cloud/core/account/signing.h"
#include "cloud/core/streams/streams.h"
#include "cloud/store/db.h"

#define SERVICE   "iot.amazonaws.com"
#define FILES_MAX 50

/* One file of the update, as the job document needs it. */
struct source {
    char bucket[64], key[OBJECT_KEY_MAX + 1], version[64];
    int64_t size, file_id;
    char signature[1400];    /* base64; "" when the file is not signed */
    char signature_name[80]; /* sig-sha256-ecdsa */
    char certificate[256];
    struct signing *signing; /* NULL: nothing is to be signed */
};

struct ota_work {
    struct ota_work *next, **link;
    struct cloud *cloud;
    char *id;
    json_t *request;
    json_t *files; /* of the request; gains awsSignerJobId */
    struct source *sources;
    char stream[64];
    bool own_stream; /* made for this update */
    size_t waiting;  /* for so many files to be signed */
    struct answer said, *answer;
};

#define REFUSE(...) answer_refuse(work->answer, CORE_INVALID_REQUEST, __VA_ARGS__)

static void copy(char *text, size_t size, const char *source)
{
    snprintf(text, size, "%s", source ? source : "");
}

/* ---- where a file lies ---- */

static enum core_error locate_s3(struct ota_work *work, struct source *source, const json_t *s3)
{
    struct object object;
    copy(source->bucket, sizeof source->bucket, json_text(s3, "bucket"));
    copy(source->key, sizeof source->key, json_text(s3, "key"));
    copy(source->version, sizeof source->version, json_text(s3, "version"));
    enum core_error error = object_find(work->cloud, source->bucket, source->key, source->version,
                                        &object, work->answer);
    if (error)
        return answer_refuse(work->answer, error, "S3 object s3://%.63s/%.100s%s%.40s: %s",
                             source->bucket, source->key, *source->version ? " version " : "",
                             source->version, core_error_text(error));
    copy(source->version, sizeof source->version, object.version);
    source->size = object.size;
    return CORE_OK;
}

static const json_t *file_of_stream(const json_t *info, int64_t file_id)
{
    const json_t *files = json_object_get(info, "files");
    for (size_t i = 0; i < json_array_size(files); i++) {
        const json_t *file = json_array_get(files, i);
        if (json_integer_value(json_object_get(file, "fileId")) == file_id)
            return file;
    }
    return NULL;
}

static enum core_error locate_stream(struct ota_work *work, struct source *source,
                                     const json_t *location)
{
    const char *stream = json_text(location, "streamId");
    source->file_id = json_integer_value(json_object_get(location, "fileId"));
    copy(work->stream, sizeof work->stream, stream);
    enum core_error error = streams_describe(work->cloud, stream, work->answer);
    if (error)
        return error;
    json_t *described = work->answer->body;
    work->answer->body = NULL;
    const json_t *file = file_of_stream(json_object_get(described, "streamInfo"), source->file_id);
    if (file)
        error = locate_s3(work, source, json_object_get(file, "s3Location"));
    else
        error = answer_refuse(work->answer, CORE_NOT_FOUND, "Stream %.60s has no file %lld.",
                              stream, (long long)source->file_id);
    json_decref(described);
    return error;
}

static enum core_error locate(struct ota_work *work, struct source *source, const json_t *file)
{
    const json_t *location = json_object_get(file, "fileLocation");
    const json_t *stream = json_object_get(location, "stream");
    const json_t *s3 = json_object_get(location, "s3Location");
    if (stream)
        return locate_stream(work, source, stream);
    return s3 ? locate_s3(work, source, s3) : CORE_OK; /* else the signing job tells */
}

/* ---- how it is signed ---- */

/* Takes what a finished signing job has; a file without location lies where the job found it. */
static enum core_error use_job(struct ota_work *work, struct source *source, const char *job)
{
    struct signing_result result;
    enum core_error error = signing_result(work->cloud, job, &result, work->answer);
    if (error)
        return error;
    copy(source->signature, sizeof source->signature, result.signature);
    copy(source->certificate, sizeof source->certificate, result.certname);
    snprintf(source->signature_name, sizeof source->signature_name, "sig-%s-%s", result.hash,
             result.algorithm);
    if (*source->bucket)
        return CORE_OK;
    json_t *s3 = json_pack("{s:s,s:s,s:s}", "bucket", result.bucket, "key", result.key, "version",
                           result.version);
    error = locate_s3(work, source, s3);
    json_decref(s3);
    return error;
}

/* Whether there is such a profile already, with this platform and certificate. */
static bool profile_there(struct ota_work *work, const char *name, const json_t *members)
{
    struct answer answer = ANSWER_INIT;
    bool there = profile_get(work->cloud, name, &answer) == CORE_OK &&
                 json_equal(json_object_get(answer.body, "platformId"),
                            json_object_get(members, "platformId")) &&
                 json_equal(json_object_get(answer.body, "signingMaterial"),
                            json_object_get(members, "signingMaterial"));
    answer_free(&answer);
    return there;
}

/* The profile may be described in the request itself; then it is made first. */
static enum core_error make_profile(struct ota_work *work, const json_t *start)
{
    const json_t *parameter = json_object_get(start, "signingProfileParameter");
    const char *path = json_text(parameter, "certificatePathOnDevice");
    if (json_object_size(parameter) == 0)
        return CORE_OK;
    json_t *members =
        json_pack("{s:s*,s:{s:s*},s:{s:s*}}", "platformId", json_text(parameter, "platform"),
                  "signingMaterial", "certificateArn", json_text(parameter, "certificateArn"),
                  "signingParameters", "certname", path);
    const char *name = json_text(start, "signingProfileName");
    enum core_error error = profile_there(work, name, members)
                                ? CORE_OK
                                : profile_put(work->cloud, name, members, work->answer);
    json_decref(members);
    if (!error)
        answer_free(work->answer);
    return error;
}

static void on_signed(void *context);

static enum core_error start_signing(struct ota_work *work, struct source *source,
                                     const json_t *start)
{
    const json_t *destination =
        json_object_get(json_object_get(start, "destination"), "s3Destination");
    enum core_error error = make_profile(work, start);
    if (error)
        return error;
    json_t *members = json_pack(
        "{s:{s:{s:s,s:s,s:s}},s:{s:{s:s,s:s*}},s:s}", "source", "s3", "bucketName", source->bucket,
        "key", source->key, "version", source->version, "destination", "s3", "bucketName",
        json_text(destination, "bucket"), "prefix", json_text(destination, "prefix"), "profileName",
        json_text(start, "signingProfileName"));
    error = signing_start(work->cloud, members, on_signed, work, &source->signing, work->answer);
    json_decref(members);
    if (!error)
        work->waiting++;
    return error;
}

static enum core_error finish_signing(struct ota_work *work, struct source *source,
                                      const json_t *file)
{
    json_t *signing = json_object_get(file, "codeSigning");
    const json_t *start = json_object_get(signing, "startSigningJobParameter");
    const char *path =
        json_text(json_object_get(start, "signingProfileParameter"), "certificatePathOnDevice");
    char job[SIGNING_JOB_ID_SIZE];
    enum core_error error = signing_finish(source->signing, work->answer);
    if (error)
        return error;
    copy(job, sizeof job, json_text(work->answer->body, "jobId"));
    answer_free(work->answer);
    json_object_set_new(signing, "awsSignerJobId", json_string(job));
    error = use_job(work, source, job);
    if (!error && path)
        copy(source->certificate, sizeof source->certificate, path);
    return error;
}

/* When all are ready, so that the jobs' records and the roll-out share a turn of the loop, and with
 * that a commit. */
static enum core_error finish_signings(struct ota_work *work)
{
    enum core_error error = CORE_OK;
    for (size_t i = 0; i < json_array_size(work->files) && !error; i++) {
        if (work->sources[i].signing)
            error = finish_signing(work, &work->sources[i], json_array_get(work->files, i));
    }
    return error;
}

/* Signatures are short; anything that reads as base64 of a DER SEQUENCE is base64 of a signature:
 * some clients encode once more what their user had encoded already. */
static bool encoded_twice(const char *bytes)
{
    size_t size = 0;
    unsigned char *inner = base64_bytes(bytes, &size);
    bool twice = inner && size > 2 && inner[0] == 0x30 && (size_t)inner[1] + 2 == size;
    free(inner);
    return twice;
}

static void lower(char *text)
{
    for (; *text; text++)
        *text = (char)tolower((unsigned char)*text);
}

static enum core_error use_custom(struct ota_work *work, struct source *source,
                                  const json_t *custom)
{
    const char *document = json_text(json_object_get(custom, "signature"), "inlineDocument");
    size_t size = 0;
    char *bytes = base64_bytes(document, &size);
    if (!bytes || strlen(document) >= sizeof source->signature) {
        free(bytes);
        return REFUSE("The signature in customCodeSigning is too long.");
    }
    copy(source->signature, sizeof source->signature, encoded_twice(bytes) ? bytes : document);
    free(bytes);
    copy(source->certificate, sizeof source->certificate,
         json_text(json_object_get(custom, "certificateChain"), "certificateName"));
    snprintf(source->signature_name, sizeof source->signature_name, "sig-%.32s-%.32s",
             json_text(custom, "hashAlgorithm"), json_text(custom, "signatureAlgorithm"));
    lower(source->signature_name);
    return CORE_OK;
}

static enum core_error prepare_file(struct ota_work *work, struct source *source, json_t *file)
{
    json_t *signing = json_object_get(file, "codeSigning");
    const json_t *start = json_object_get(signing, "startSigningJobParameter");
    const json_t *custom = json_object_get(signing, "customCodeSigning");
    const char *job = json_text(signing, "awsSignerJobId");
    enum core_error error = locate(work, source, file);
    if (error)
        return error;
    if (job) /* also when the cloud stopped after signing and takes the update up again */
        return use_job(work, source, job);
    if (json_object_size(start) > 0)
        return start_signing(work, source, start);
    return json_object_size(custom) > 0 ? use_custom(work, source, custom) : CORE_OK;
}

static enum core_error prepare_files(struct ota_work *work)
{
    enum core_error error = CORE_OK;
    for (size_t i = 0; i < json_array_size(work->files) && !error; i++) {
        work->sources[i].file_id = (int64_t)i;
        error = prepare_file(work, &work->sources[i], json_array_get(work->files, i));
    }
    return error;
}

/* ---- stream ---- */

static enum core_error make_stream(struct ota_work *work)
{
    json_t *files = json_array();
    char uuid[UUID_SIZE];
    if (*work->stream) {
        json_decref(files);
        return CORE_OK;
    }
    for (size_t i = 0; i < json_array_size(work->files); i++) {
        const struct source *source = &work->sources[i];
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

static json_t *document_file(const struct source *source, const json_t *file)
{
    const json_t *type = json_object_get(file, "fileType");
    json_t *entry =
        json_pack("{s:s,s:I,s:I,s:s}", "filepath", json_text(file, "fileName"), "filesize",
                  source->size, "fileid", source->file_id, "certfile", source->certificate);
    if (type)
        json_object_set(entry, "fileType", (json_t *)type);
    if (*source->signature)
        json_object_set_new(entry, source->signature_name, json_string(source->signature));
    return entry;
}

/* Compact: a device has small buffers. Freed by the caller. */
static char *document_text(const struct ota_work *work)
{
    json_t *files = json_array();
    for (size_t i = 0; i < json_array_size(work->files); i++)
        json_array_append_new(files,
                              document_file(&work->sources[i], json_array_get(work->files, i)));
    json_t *document = json_pack("{s:{s:[s],s:s,s:o}}", "afr_ota", "protocols", "MQTT",
                                 "streamname", work->stream, "files", files);
    char *text = json_dumps(document, JSON_COMPACT);
    json_decref(document);
    return text;
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
    json_object_set_new(members, "presignedUrlConfig",
                        json_pack("{s:s}", "roleArn", json_text(request, "roleArn")));
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
        error = finish_signings(work);
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
    for (size_t i = 0; i < FILES_MAX; i++)
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
        !(work->sources = calloc(FILES_MAX, sizeof *work->sources)))
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

static void on_signed(void *context)
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
        error = prepare_files(work);
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
