/* Signing jobs: hash an object, sign the hash, write the signed object.
 *
 * The signed object is JSON: rawPayloadSize, signature (base64 of the DER ECDSA-Sig-Value),
 * signatureAlgorithm, payload (base64). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/core/names.h"
#include "cloud/core/objects.h"
#include "cloud/core/signing.h"
#include "cloud/core/signing_keys.h"
#include "cloud/store/db.h"

#define SIGNATURE_MAX 1024 /* RSA of 8192 bits */

/* One job on its way from request to row. Strings belong to the request or to `profile`. */
struct task {
    char id[UUID_SIZE];
    const char *bucket, *key, *version;
    const char *to_bucket, *prefix, *token;
    json_t *profile;
    const struct signing_platform *platform;
    const char *certificate_arn;
    char signed_key[OBJECT_KEY_MAX + UUID_SIZE];
    char *signature; /* base64 */
    char reason[256];
};

/* ---- the request ---- */

static enum core_error read_locations(struct task *task, const json_t *members,
                                      struct answer *answer)
{
    const json_t *source = json_object_get(json_object_get(members, "source"), "s3");
    const json_t *destination = json_object_get(json_object_get(members, "destination"), "s3");
    task->bucket = json_text(source, "bucketName");
    task->key = json_text(source, "key");
    task->version = json_text(source, "version");
    task->to_bucket = json_text(destination, "bucketName");
    task->prefix = json_text(destination, "prefix");
    task->token = json_text(members, "clientRequestToken");
    if (!task->bucket || !task->key || !task->version)
        return answer_refuse(answer, CORE_INVALID_REQUEST,
                             "source.s3 needs bucketName, key and version: the bucket must have "
                             "versioning.");
    if (!task->to_bucket)
        return answer_refuse(answer, CORE_INVALID_REQUEST, "destination.s3 needs bucketName.");
    if (task->prefix && strlen(task->prefix) > OBJECT_KEY_MAX - UUID_SIZE)
        return answer_refuse(answer, CORE_INVALID_REQUEST, "destination.s3.prefix is too long.");
    return CORE_OK;
}

static enum core_error read_profile(struct cloud *cloud, struct task *task, const json_t *members,
                                    struct answer *answer)
{
    const char *name = json_text(members, "profileName");
    if (!name)
        return answer_refuse(answer, CORE_INVALID_REQUEST, "profileName is required.");
    enum core_error error = profile_get(cloud, name, answer);
    if (error)
        return error;
    task->profile = answer->body;
    answer->body = NULL;
    if (strcmp(json_text(task->profile, "status"), "Active") != 0)
        return answer_refuse(answer, CORE_INVALID_REQUEST, "Profile %s is not active.", name);
    task->platform = signing_platform_find(json_text(task->profile, "platformId"));
    task->certificate_arn =
        json_text(json_object_get(task->profile, "signingMaterial"), "certificateArn");
    return task->platform ? CORE_OK
                          : answer_refuse(answer, CORE_INVALID_REQUEST,
                                          "The profile's platform is not known here.");
}

/* ---- signing: false with task->reason when it cannot be done ---- */

static bool fail(struct task *task, const char *reason)
{
    snprintf(task->reason, sizeof task->reason, "%s", reason);
    return false;
}

static bool sign(struct task *task, EVP_PKEY *key, const void *content, size_t size)
{
    unsigned char signature[SIGNATURE_MAX];
    size_t length = sizeof signature;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool done =
        context &&
        EVP_DigestSignInit_ex(context, NULL, task->platform->digest, NULL, NULL, key, NULL) == 1 &&
        EVP_DigestSign(context, signature, &length, content, size) == 1;
    EVP_MD_CTX_free(context);
    if (!done)
        return fail(task, "The signature could not be computed.");
    task->signature = base64_new(signature, length);
    return true;
}

static bool write_signed(struct cloud *cloud, struct task *task, const void *content, size_t size)
{
    struct answer answer = ANSWER_INIT;
    struct object stored;
    char *payload = base64_new(content, size);
    json_t *body = json_pack("{s:I,s:s,s:s,s:s}", "rawPayloadSize", (json_int_t)size, "signature",
                             task->signature, "signatureAlgorithm",
                             task->platform->signature_algorithm, "payload", payload);
    char *text = json_dumps(body, JSON_COMPACT);
    struct object_upload upload = {.bucket = task->to_bucket,
                                   .key = task->signed_key,
                                   .content = text,
                                   .size = strlen(text),
                                   .content_type = "application/json"};
    bool written = object_put(cloud, &upload, &stored, &answer) == CORE_OK;
    if (!written)
        fail(task, answer.message);
    answer_free(&answer);
    json_decref(body);
    free(payload);
    free(text);
    return written;
}

static bool sign_content(struct cloud *cloud, struct task *task, const struct object *object,
                         EVP_PKEY *key)
{
    size_t size = (size_t)object->size;
    void *content = malloc(size + 1);
    bool done = content && object_read(cloud, object->id, 0, content, size);
    if (!done)
        fail(task, "The source object could not be read.");
    done = done && sign(task, key, content, size) && write_signed(cloud, task, content, size);
    free(content);
    return done;
}

static bool carry_out(struct cloud *cloud, struct task *task)
{
    struct answer answer = ANSWER_INIT;
    struct object object;
    bool done = false;
    EVP_PKEY *key = signing_key_load(cloud, task->certificate_arn);
    if (object_find(cloud, task->bucket, task->key, task->version, &object, &answer))
        fail(task, answer.message);
    else if (!key || !signing_platform_takes(task->platform, key))
        fail(task, "The profile's certificate is gone or its key does not suit the platform.");
    else
        done = sign_content(cloud, task, &object, key);
    EVP_PKEY_free(key);
    answer_free(&answer);
    return done;
}

/* ---- start ---- */

static otter_status record(struct cloud *cloud, const struct task *task, bool done)
{
    char *parameters =
        json_dumps(json_object_get(task->profile, "signingParameters"), JSON_COMPACT);
    int64_t now = cloud_now(cloud);
    otter_status status = db_run(
        cloud->db,
        "INSERT INTO signing_jobs(id, token, profile, profile_version, platform, certificate_arn,"
        " parameters_json, source_bucket, source_key, source_version, signed_bucket, signed_key,"
        " status, reason, signature, created, completed)"
        " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        "sssssssssssssssii", task->id, task->token, json_text(task->profile, "profileName"),
        json_text(task->profile, "profileVersion"), task->platform->id, task->certificate_arn,
        parameters, task->bucket, task->key, task->version, task->to_bucket, task->signed_key,
        done ? "Succeeded" : "Failed", done ? NULL : task->reason, task->signature, now, now);
    free(parameters);
    return status;
}

/* The signed object and the job's record are there, or neither; a job that failed has a record too.
 */
static otter_status carry_out_and_record(struct cloud *cloud, struct task *task)
{
    otter_status status = db_begin(cloud->db);
    if (status != OTTER_OK)
        return status;
    bool done = carry_out(cloud, task);
    return db_finish(cloud->db, record(cloud, task, done));
}

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

enum core_error signing_start(struct cloud *cloud, const json_t *members, struct answer *answer)
{
    struct task task = {.reason = ""};
    enum core_error error = read_locations(&task, members, answer);
    if (error || answer_same_token(cloud, task.token, answer))
        return error;
    error = read_profile(cloud, &task, members, answer);
    if (!error) {
        uuid_make(task.id);
        snprintf(task.signed_key, sizeof task.signed_key, "%s%s", task.prefix ? task.prefix : "",
                 task.id);
        if (carry_out_and_record(cloud, &task) == OTTER_OK)
            answer_job(cloud, task.id, answer);
        else
            error = answer_db_failed(cloud, answer);
    }
    json_decref(task.profile);
    free(task.signature);
    return error;
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
