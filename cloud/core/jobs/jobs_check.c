/* What a job may be asked to do: its document and its configurations, alike for jobs, their changes
 * and job templates. Nothing is done here. */
#include <string.h>

#include "cloud/core/account/roles.h"
#include "cloud/core/ground/names.h"
#include "cloud/core/ground/words.h"
#include "cloud/core/jobs/jobs_internal.h"
#include "cloud/core/jobs/schedule.h"

#define ROLE_MIN    20
#define ROLE_MAX    2048
#define EXPIRES_MIN 60
#define EXPIRES_MAX 3600
#define SERVICE     "iot.amazonaws.com"

enum core_error job_check_document(const char *document, struct answer *answer)
{
    json_error_t error;
    if (!document)
        return answer_refuse(answer, CORE_INVALID_REQUEST,
                             "the job needs a document or a documentSource");
    if (strlen(document) > JOBS_DOCUMENT_MAX)
        return answer_refuse(answer, CORE_INVALID_REQUEST,
                             "the document is longer than %d characters", JOBS_DOCUMENT_MAX);
    json_t *json = json_loads(document, 0, &error);
    if (!json)
        return answer_refuse(answer, CORE_INVALID_REQUEST, "the document is not JSON: %s",
                             error.text);
    json_decref(json);
    return CORE_OK;
}

enum core_error job_check_timeout(const json_t *config, int64_t *minutes, struct answer *answer)
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

static enum core_error check_presigned(const json_t *config, struct answer *answer)
{
    const char *role = json_text(config, "roleArn");
    const json_t *expires = json_object_get(config, "expiresInSec");
    if (role && (strlen(role) < ROLE_MIN || strlen(role) > ROLE_MAX))
        return answer_refuse(answer, CORE_INVALID_REQUEST,
                             "presignedUrlConfig.roleArn must have %d to %d characters", ROLE_MIN,
                             ROLE_MAX);
    if (expires && (!json_is_integer(expires) || json_integer_value(expires) < EXPIRES_MIN ||
                    json_integer_value(expires) > EXPIRES_MAX))
        return answer_refuse(answer, CORE_INVALID_REQUEST,
                             "presignedUrlConfig.expiresInSec must be %d..%d", EXPIRES_MIN,
                             EXPIRES_MAX);
    return CORE_OK;
}

enum core_error job_check_placeholders(struct cloud *cloud, const char *document,
                                       const json_t *members, struct answer *answer)
{
    const char *role = json_text(json_object_get(members, "presignedUrlConfig"), "roleArn");
    enum core_error error = placeholders_check(cloud, document, answer);
    if (error || !strstr(document, ANY_PLACEHOLDER))
        return error;
    if (!role)
        return answer_refuse(answer, CORE_INVALID_REQUEST,
                             "a document with " PLACEHOLDER
                             "...} needs presignedUrlConfig.roleArn");
    return role_check_trust(cloud, role, SERVICE, answer);
}

enum core_error job_check_configs(const json_t *members, struct answer *answer)
{
    struct rollout rollout;
    int64_t minutes;
    enum core_error error =
        words_check(members, "description", WORDS_SOME, JOBS_DESCRIPTION_MAX, answer);
    if (!error)
        error = check_retry(json_object_get(members, "jobExecutionsRetryConfig"), answer);
    if (!error)
        error = job_check_timeout(json_object_get(members, "timeoutConfig"), &minutes, answer);
    if (!error)
        error = check_presigned(json_object_get(members, "presignedUrlConfig"), answer);
    if (!error)
        error = rollout_read(json_object_get(members, "jobExecutionsRolloutConfig"),
                             "jobExecutionsRolloutConfig", &rollout, answer);
    if (!error)
        error = abort_check(json_object_get(members, "abortConfig"), "criteriaList", answer);
    return error;
}
