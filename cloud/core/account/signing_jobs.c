/* Signing jobs as records: asked for, signed (signing_work.c), recorded, shown. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/core/account/objects.h"
#include "cloud/core/account/signing.h"
#include "cloud/core/account/signing_work_internal.h"
#include "cloud/core/ground/names.h"
#include "cloud/store/db.h"

/* One job on its way from request to row. Strings belong to the request or to `profile`. */
struct signing {
    struct cloud *cloud;
    json_t *request;
    char id[UUID_SIZE];
    const char *bucket, *key, *version;
    const char *to_bucket, *prefix, *token;
    json_t *profile;
    const struct signing_platform *platform;
    const char *certificate_arn;
    char signed_key[OBJECT_KEY_MAX + UUID_SIZE];
    char reason[256]; /* why it failed; "" while it has not */
    struct signing_work *work;
};

/* ---- the request ---- */

static enum core_error read_locations(struct signing *job, const json_t *members,
                                      struct answer *answer)
{
    const json_t *source = json_object_get(json_object_get(members, "source"), "s3");
    const json_t *destination = json_object_get(json_object_get(members, "destination"), "s3");
    job->bucket = json_text(source, "bucketName");
    job->key = json_text(source, "key");
    job->version = json_text(source, "version");
    job->to_bucket = json_text(destination, "bucketName");
    job->prefix = json_text(destination, "prefix");
    job->token = json_text(members, "clientRequestToken");
    if (!job->bucket || !job->key || !job->version)
        return answer_refuse(answer, CORE_INVALID_REQUEST,
                             "source.s3 needs bucketName, key and version: the bucket must have "
                             "versioning.");
    if (!job->to_bucket)
        return answer_refuse(answer, CORE_INVALID_REQUEST, "destination.s3 needs bucketName.");
    if (job->prefix && strlen(job->prefix) > OBJECT_KEY_MAX - UUID_SIZE)
        return answer_refuse(answer, CORE_INVALID_REQUEST, "destination.s3.prefix is too long.");
    return CORE_OK;
}

static enum core_error read_profile(struct signing *job, const json_t *members,
                                    struct answer *answer)
{
    const char *name = json_text(members, "profileName");
    if (!name)
        return answer_refuse(answer, CORE_INVALID_REQUEST, "profileName is required.");
    enum core_error error = profile_get(job->cloud, name, answer);
    if (error)
        return error;
    job->profile = answer->body;
    answer->body = NULL;
    if (strcmp(json_text(job->profile, "status"), "Active") != 0)
        return answer_refuse(answer, CORE_INVALID_REQUEST, "Profile %s is not active.", name);
    job->platform = signing_platform_find(json_text(job->profile, "platformId"));
    job->certificate_arn =
        json_text(json_object_get(job->profile, "signingMaterial"), "certificateArn");
    return job->platform ? CORE_OK
                         : answer_refuse(answer, CORE_INVALID_REQUEST,
                                         "The profile's platform is not known here.");
}

/* ---- start ---- */

static void answer_job(struct cloud *cloud, const char *id, struct answer *answer)
{
    answer->body = json_pack("{s:s,s:s}", "jobId", id, "jobOwner", cloud->account);
}

static bool answer_same_token(struct cloud *cloud, const char *token, struct answer *answer)
{
    struct db_rows *rows =
        db_select(cloud->db, "SELECT id FROM signing_jobs WHERE token = ?", "s", token);
    bool found = db_next(rows);
    if (found)
        answer_job(cloud, db_text(rows, 0), answer);
    db_done(rows);
    return found;
}

/* What can be told of a failure before the object is read; the job is begun in any case, and fails.
 */
static void begin_work(struct signing *job, void (*ready)(void *context), void *context)
{
    struct answer answer = ANSWER_INIT;
    struct object object;
    EVP_PKEY *key = signing_key_load(job->cloud, job->certificate_arn);
    if (object_find(job->cloud, job->bucket, job->key, job->version, &object, &answer))
        snprintf(job->reason, sizeof job->reason, "%s", answer.message);
    else if (!key || !signing_platform_takes(job->platform, key))
        snprintf(job->reason, sizeof job->reason,
                 "The profile's certificate is gone or its key does not suit the platform.");
    job->work =
        signing_work_begin(&(struct signing_order){.cloud = job->cloud,
                                                   .object = object.id,
                                                   .size = object.size,
                                                   .platform = job->platform,
                                                   .key = key,
                                                   .failure = *job->reason ? job->reason : NULL,
                                                   .ended = ready,
                                                   .context = context});
    EVP_PKEY_free(key);
    answer_free(&answer);
}

enum core_error signing_start(struct cloud *cloud, const json_t *members,
                              void (*ready)(void *context), void *context, struct signing **signing,
                              struct answer *answer)
{
    struct signing *job = calloc(1, sizeof *job);
    if (!job)
        abort(); /* nothing sensible can follow on the host */
    *signing = NULL;
    job->cloud = cloud;
    job->request = json_incref((json_t *)members);
    enum core_error error = read_locations(job, members, answer);
    bool there = !error && answer_same_token(cloud, job->token, answer);
    if (!error && !there)
        error = read_profile(job, members, answer);
    if (error || there) {
        signing_free(job);
        return error;
    }
    uuid_make(job->id);
    snprintf(job->signed_key, sizeof job->signed_key, "%s%s", job->prefix ? job->prefix : "",
             job->id);
    begin_work(job, ready, context);
    *signing = job;
    return CORE_OK;
}

void signing_free(struct signing *signing)
{
    if (!signing)
        return;
    signing_work_free(signing->work);
    json_decref(signing->profile);
    json_decref(signing->request);
    free(signing);
}

/* ---- finish ---- */

static void put_signed(struct signing *job, const struct signing_outcome *outcome)
{
    struct answer answer = ANSWER_INIT;
    struct object stored;
    struct object_upload upload = {.bucket = job->to_bucket,
                                   .key = job->signed_key,
                                   .staged = outcome->staged,
                                   .size = outcome->size,
                                   .md5 = outcome->md5,
                                   .content_type = "application/json"};
    if (object_put(job->cloud, &upload, &stored, &answer) != CORE_OK)
        snprintf(job->reason, sizeof job->reason, "%s", answer.message);
    answer_free(&answer);
}

static otter_status record(const struct signing *job, const char *signature)
{
    char *parameters = json_dumps(json_object_get(job->profile, "signingParameters"), JSON_COMPACT);
    int64_t now = cloud_now(job->cloud);
    bool done = !*job->reason;
    otter_status status = db_run(
        job->cloud->db,
        "INSERT INTO signing_jobs(id, token, profile, profile_version, platform, certificate_arn,"
        " parameters_json, source_bucket, source_key, source_version, signed_bucket, signed_key,"
        " status, reason, signature, created, completed)"
        " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        "sssssssssssssssii", job->id, job->token, json_text(job->profile, "profileName"),
        json_text(job->profile, "profileVersion"), job->platform->id, job->certificate_arn,
        parameters, job->bucket, job->key, job->version, job->to_bucket, job->signed_key,
        done ? "Succeeded" : "Failed", done ? NULL : job->reason, signature, now, now);
    free(parameters);
    return status;
}

/* The signed object and the job's record are there, or neither; a job that failed has a record too.
 */
enum core_error signing_finish(struct signing *job, struct answer *answer)
{
    struct signing_outcome outcome = signing_work_outcome(job->work);
    if (answer_same_token(job->cloud, job->token, answer)) /* the other one was faster */
        return CORE_OK;
    if (outcome.failure && !*job->reason)
        snprintf(job->reason, sizeof job->reason, "%s", outcome.failure);
    if (db_begin(job->cloud->db) != OTTER_OK)
        return answer_db_failed(job->cloud, answer);
    if (!*job->reason)
        put_signed(job, &outcome);
    if (db_finish(job->cloud->db, record(job, outcome.signature)) != OTTER_OK)
        return answer_db_failed(job->cloud, answer);
    answer_job(job->cloud, job->id, answer);
    return CORE_OK;
}

/* ---- describe ---- */

static json_t *job_of_row(struct cloud *cloud, struct db_rows *rows)
{
    const struct signing_platform *platform = signing_platform_find(db_text(rows, 3));
    const char *status = db_text(rows, 10);
    json_t *body = json_pack(
        "{s:s,s:{s:{s:s,s:s,s:s}},s:{s:s},s:s,s:s,s:s,s:s,s:o,s:I,s:I,s:s,s:s,s:s*,s:s,s:s}",
        "jobId", db_text(rows, 0), "source", "s3", "bucketName", db_text(rows, 6), "key",
        db_text(rows, 7), "version", db_text(rows, 8), "signingMaterial", "certificateArn",
        db_text(rows, 4), "platformId", db_text(rows, 3), "platformDisplayName",
        platform ? platform->display_name : db_text(rows, 3), "profileName", db_text(rows, 1),
        "profileVersion", db_text(rows, 2), "signingParameters",
        json_stored(db_text(rows, 5), "{}"), "createdAt", db_int(rows, 12), "completedAt",
        db_int(rows, 13), "requestedBy", cloud->account, "status", status, "statusReason",
        db_text(rows, 11), "jobOwner", cloud->account, "jobInvoker", cloud->account);
    if (strcmp(status, "Succeeded") == 0)
        json_object_set_new(body, "signedObject",
                            json_pack("{s:{s:s,s:s}}", "s3", "bucketName", db_text(rows, 9), "key",
                                      db_text(rows, 14)));
    return body;
}

enum core_error signing_describe(struct cloud *cloud, const char *job, struct answer *answer)
{
    struct db_rows *rows = db_select(
        cloud->db,
        "SELECT id, profile, profile_version, platform, certificate_arn, parameters_json,"
        " source_bucket, source_key, source_version, signed_bucket, status, reason, created,"
        " completed, signed_key FROM signing_jobs WHERE id = ?",
        "s", job);
    if (db_next(rows))
        answer->body = job_of_row(cloud, rows);
    db_done(rows);
    if (answer->body)
        return CORE_OK;
    return answer_refuse(answer, CORE_NOT_FOUND, "Job not found with the given id: %.64s", job);
}

/* ---- result ---- */

static void read_result(struct db_rows *rows, struct signing_result *result)
{
    const struct signing_platform *platform = signing_platform_find(db_text(rows, 3));
    json_t *parameters = json_stored(db_text(rows, 4), "{}");
    const char *certname = json_text(parameters, "certname");
    snprintf(result->bucket, sizeof result->bucket, "%s", db_text(rows, 0));
    snprintf(result->key, sizeof result->key, "%s", db_text(rows, 1));
    snprintf(result->version, sizeof result->version, "%s", db_text(rows, 2));
    snprintf(result->signature, sizeof result->signature, "%s", db_text(rows, 5));
    snprintf(result->hash, sizeof result->hash, "%s", platform ? platform->hash : "");
    snprintf(result->algorithm, sizeof result->algorithm, "%s",
             platform ? platform->algorithm : "");
    snprintf(result->certname, sizeof result->certname, "%s", certname ? certname : "");
    json_decref(parameters);
}

enum core_error signing_result(struct cloud *cloud, const char *job, struct signing_result *result,
                               struct answer *answer)
{
    enum core_error error = CORE_OK;
    struct db_rows *rows =
        db_select(cloud->db,
                  "SELECT source_bucket, source_key, source_version, platform, parameters_json,"
                  " signature, status, reason FROM signing_jobs WHERE id = ?",
                  "s", job);
    memset(result, 0, sizeof *result);
    if (!db_next(rows))
        error = answer_refuse(answer, CORE_NOT_FOUND, "Signing job %.64s does not exist.", job);
    else if (strcmp(db_text(rows, 6), "Succeeded") != 0)
        error = answer_refuse(answer, CORE_INVALID_STATE, "Signing job %.64s failed: %s", job,
                              db_text(rows, 7));
    else
        read_result(rows, result);
    db_done(rows);
    return error;
}
