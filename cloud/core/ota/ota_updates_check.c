/* The shape of a create-ota-update request. What needs S3, Signer or roles is told later, in the
 * update's errorInfo, as AWS does. */
#include <stdlib.h>
#include <string.h>

#include "cloud/core/ground/names.h"
#include "cloud/core/ground/words.h"
#include "cloud/core/jobs/rollout.h"
#include "cloud/core/ota/ota_updates_internal.h"

#define DESCRIPTION_MAX 2028
#define FILES_MAX       50

#define REFUSE(...) answer_refuse(answer, CORE_INVALID_REQUEST, __VA_ARGS__)

/* An integer member of a configuration object: absent is fine. */
static enum core_error check_range(const json_t *members, const char *config, const char *name,
                                   int64_t least, int64_t most, struct answer *answer)
{
    const json_t *value = json_object_get(json_object_get(members, config), name);
    if (!value || (json_is_integer(value) && json_integer_value(value) >= least &&
                   json_integer_value(value) <= most))
        return CORE_OK;
    return REFUSE("%s.%s must be %lld to %lld.", config, name, (long long)least, (long long)most);
}

static enum core_error check_targets(const json_t *targets, struct answer *answer)
{
    if (json_array_size(targets) == 0)
        return REFUSE("targets must name at least one thing or thing group by ARN.");
    for (size_t i = 0; i < json_array_size(targets); i++) {
        const char *target = json_string_value(json_array_get(targets, i));
        if (!target || strncmp(target, "arn:aws:iot:", 12) != 0)
            return REFUSE("Target %.120s is not the ARN of a thing or thing group.",
                          target ? target : "(none)");
    }
    return CORE_OK;
}

static enum core_error check_protocols(const json_t *protocols, struct answer *answer)
{
    if (!protocols)
        return CORE_OK;
    if (json_array_size(protocols) == 0)
        return REFUSE("protocols must not be empty.");
    bool sound = json_array_size(protocols) <= 2 &&
                 !json_equal(json_array_get(protocols, 0), json_array_get(protocols, 1));
    for (size_t i = 0; i < json_array_size(protocols) && sound; i++) {
        const char *name = json_string_value(json_array_get(protocols, i));
        sound = name && (strcmp(name, "MQTT") == 0 || strcmp(name, "HTTP") == 0);
    }
    return sound ? CORE_OK : REFUSE("protocols must hold MQTT, HTTP, or both.");
}

static enum core_error check_selection(const json_t *members, struct answer *answer)
{
    const char *selection = json_text(members, "targetSelection");
    if (!selection || strcmp(selection, "SNAPSHOT") == 0 || strcmp(selection, "CONTINUOUS") == 0)
        return CORE_OK;
    return REFUSE("targetSelection must be SNAPSHOT or CONTINUOUS.");
}

/* ---- files ---- */

static enum core_error check_start(const json_t *start, const json_t *s3, struct answer *answer)
{
    const json_t *destination =
        json_object_get(json_object_get(start, "destination"), "s3Destination");
    if (!json_text(start, "signingProfileName"))
        return REFUSE("startSigningJobParameter needs signingProfileName.");
    if (!json_text(destination, "bucket"))
        return REFUSE("startSigningJobParameter needs destination.s3Destination.bucket.");
    if (!json_text(s3, "version"))
        return REFUSE("A file that is to be signed needs fileLocation.s3Location with bucket, key "
                      "and version: switch on the bucket's versioning.");
    return CORE_OK;
}

static enum core_error check_custom(const json_t *custom, struct answer *answer)
{
    const char *signature = json_text(json_object_get(custom, "signature"), "inlineDocument");
    size_t size = 0;
    void *bytes = signature ? base64_bytes(signature, &size) : NULL;
    bool filled = bytes && size > 0;
    free(bytes);
    if (!filled)
        return REFUSE("customCodeSigning.signature.inlineDocument must hold the signature.");
    if (!name_valid(json_text(custom, "hashAlgorithm"), 32, "-") ||
        !name_valid(json_text(custom, "signatureAlgorithm"), 32, "-"))
        return REFUSE(
            "customCodeSigning needs hashAlgorithm and signatureAlgorithm, such as SHA256 "
            "and ECDSA.");
    if (!json_text(json_object_get(custom, "certificateChain"), "certificateName"))
        return REFUSE("customCodeSigning needs certificateChain.certificateName, the name of the "
                      "key on the device.");
    return CORE_OK;
}

/* An empty object stands for an absent one: get-ota-update shows it that way. */
static const json_t *given(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    return json_is_object(value) && json_object_size(value) == 0 ? NULL : value;
}

static enum core_error check_signing(const json_t *file, const json_t *s3, struct answer *answer)
{
    const json_t *signing = json_object_get(file, "codeSigning");
    const json_t *start = given(signing, "startSigningJobParameter");
    const json_t *custom = given(signing, "customCodeSigning");
    const char *job = json_text(signing, "awsSignerJobId");
    if (!signing)
        return CORE_OK;
    if (!!start + !!custom + !!job != 1)
        return REFUSE("codeSigning must have exactly one of startSigningJobParameter, "
                      "awsSignerJobId and customCodeSigning.");
    if (start)
        return check_start(start, s3, answer);
    return custom ? check_custom(custom, answer) : CORE_OK;
}

static enum core_error check_file(const json_t *file, struct answer *answer)
{
    const json_t *location = json_object_get(file, "fileLocation");
    const json_t *s3 = json_object_get(location, "s3Location");
    const json_t *stream = json_object_get(location, "stream");
    const json_t *type = json_object_get(file, "fileType");
    bool by_job = json_text(json_object_get(file, "codeSigning"), "awsSignerJobId") != NULL;

    if (!json_text(file, "fileName"))
        return REFUSE("Each file needs a fileName.");
    if (type &&
        (!json_is_integer(type) || json_integer_value(type) < 0 || json_integer_value(type) > 255))
        return REFUSE("fileType must be 0 to 255.");
    if (s3 && stream)
        return REFUSE("fileLocation must have s3Location or stream, not both.");
    if (!s3 && !stream && !by_job)
        return REFUSE("Each file needs fileLocation.s3Location or fileLocation.stream.");
    if (s3 && (!json_text(s3, "bucket") || !json_text(s3, "key")))
        return REFUSE("fileLocation.s3Location needs bucket and key.");
    if (stream &&
        (!json_text(stream, "streamId") || !json_is_integer(json_object_get(stream, "fileId"))))
        return REFUSE("fileLocation.stream needs streamId and fileId.");
    return check_signing(file, s3, answer);
}

static const char *stream_of(const json_t *file)
{
    return json_text(json_object_get(json_object_get(file, "fileLocation"), "stream"), "streamId");
}

static enum core_error check_files(const json_t *files, struct answer *answer)
{
    size_t count = json_array_size(files);
    enum core_error error = CORE_OK;
    if (count == 0 || count > FILES_MAX)
        return REFUSE("files must hold 1 to %d files.", FILES_MAX);
    for (size_t i = 0; i < count && !error; i++) {
        const json_t *file = json_array_get(files, i);
        const char *first = stream_of(json_array_get(files, 0)), *stream = stream_of(file);
        error = check_file(file, answer);
        if (!error && (!first != !stream || (first && strcmp(first, stream) != 0)))
            error = REFUSE("All files must lie in one stream, or all be given by S3 location.");
    }
    return error;
}

/* ---- the whole ---- */

static enum core_error check_configs(const json_t *members, struct answer *answer)
{
    enum core_error error =
        check_range(members, "awsJobTimeoutConfig", "inProgressTimeoutInMinutes", 1, 10080, answer);
    struct rollout rollout;
    if (!error)
        error = rollout_read(json_object_get(members, "awsJobExecutionsRolloutConfig"),
                             "awsJobExecutionsRolloutConfig", &rollout, answer);
    if (!error)
        error =
            abort_check(json_object_get(members, "awsJobAbortConfig"), "abortCriteriaList", answer);
    if (!error)
        error = check_range(members, "awsJobPresignedUrlConfig", "expiresInSec", 60, 3600, answer);
    return error;
}

enum core_error ota_check_request(struct cloud *cloud, const char *id, const json_t *members,
                                  struct answer *answer)
{
    (void)cloud;
    const char *role = json_text(members, "roleArn");
    if (!name_valid(id, 128, "_-"))
        return REFUSE("otaUpdateId must be 1 to 128 of a-z A-Z 0-9 _ -");
    if (strlen(id) > OTA_ID_MAX)
        return REFUSE("otaUpdateId is longer than %d characters: the id of its job, " OTA_JOB_PREFIX
                      "{otaUpdateId}, would exceed 64.",
                      OTA_ID_MAX);
    if (!role || strlen(role) < 20 || strlen(role) > 2048)
        return REFUSE("roleArn is required, 20 to 2048 characters.");
    enum core_error error =
        words_check(members, "description", WORDS_SOME, DESCRIPTION_MAX, answer);
    if (!error)
        error = check_targets(json_object_get(members, "targets"), answer);
    if (!error)
        error = check_protocols(json_object_get(members, "protocols"), answer);
    if (!error)
        error = check_selection(members, answer);
    if (!error)
        error = check_configs(members, answer);
    if (!error)
        error = check_files(json_object_get(members, "files"), answer);
    return error;
}
