/* The files of an OTA update: where each lies, and its signature, which is made where asked. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/core/account/objects.h"
#include "cloud/core/account/signing.h"
#include "cloud/core/ground/names.h"
#include "cloud/core/ota/ota_updates_internal.h"
#include "cloud/core/streams/streams.h"

#define REFUSE(...) answer_refuse(work->answer, CORE_INVALID_REQUEST, __VA_ARGS__)

static void copy(char *text, size_t size, const char *source)
{
    snprintf(text, size, "%s", source ? source : "");
}

/* ---- where a file lies ---- */

static enum core_error locate_s3(struct ota_work *work, struct ota_source *source, const json_t *s3)
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

static enum core_error locate_stream(struct ota_work *work, struct ota_source *source,
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

static enum core_error locate(struct ota_work *work, struct ota_source *source, const json_t *file)
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
static enum core_error use_job(struct ota_work *work, struct ota_source *source, const char *job)
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

static enum core_error start_signing(struct ota_work *work, struct ota_source *source,
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
    error =
        signing_start(work->cloud, members, ota_file_signed, work, &source->signing, work->answer);
    json_decref(members);
    if (!error)
        work->waiting++;
    return error;
}

static enum core_error finish_signing(struct ota_work *work, struct ota_source *source,
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

enum core_error ota_files_finish(struct ota_work *work)
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

static enum core_error use_custom(struct ota_work *work, struct ota_source *source,
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

static enum core_error prepare_file(struct ota_work *work, struct ota_source *source, json_t *file)
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

enum core_error ota_files_prepare(struct ota_work *work)
{
    enum core_error error = CORE_OK;
    for (size_t i = 0; i < json_array_size(work->files) && !error; i++) {
        work->sources[i].file_id = (int64_t)i;
        error = prepare_file(work, &work->sources[i], json_array_get(work->files, i));
    }
    return error;
}
