/* Jobs over MQTT: JSON in and out, clientToken and timestamp. */
#include <stdio.h>
#include <string.h>

#include "cloud/core/jobs/jobs.h"
#include "cloud/reserved/reserved_internal.h"

#define TOKEN_MAX 64

/* ---- the envelope --------------------------------------------------------------------------- */

static enum core_error read_body(struct call *call)
{
    json_error_t error;
    call->body = call->request->length ? json_loadb(call->request->payload, call->request->length,
                                                    JSON_DECODE_ANY, &error)
                                       : json_object();
    if (!call->body)
        return answer_refuse(&call->answer, CORE_INVALID_JSON, "%s at byte %d", error.text,
                             error.position);
    if (!json_is_object(call->body))
        return answer_refuse(&call->answer, CORE_INVALID_REQUEST,
                             "the request must be a JSON object");
    const json_t *token = json_object_get(call->body, "clientToken");
    if (token && (!json_is_string(token) || json_string_length(token) > TOKEN_MAX))
        return answer_refuse(&call->answer, CORE_INVALID_REQUEST,
                             "clientToken must be a text of at most %d characters", TOKEN_MAX);
    return CORE_OK;
}

static void refuse(const struct call *call, enum core_error error, json_t *body)
{
    json_object_set_new(body, "code", json_string(core_error_text(error)));
    json_object_set_new(body, "message", json_string(call->answer.message));
    cloud_log("jobs", "%s: %s refused: %s, %s", call->parts[0],
              strstr(call->request->topic, "/jobs/") + strlen("/jobs/"), core_error_text(error),
              call->answer.message);
}

static void address(const struct call *call, json_t *body)
{
    const json_t *token = json_object_get(call->body, "clientToken");
    if (json_is_string(token) && json_string_length(token) <= TOKEN_MAX)
        json_object_set(body, "clientToken", (json_t *)token);
    json_object_set_new(body, "timestamp", json_integer(cloud_now(call->cloud)));
}

const struct envelope envelope_jobs = {.read = read_body, .refuse = refuse, .address = address};

/* ---- the four requests ---------------------------------------------------------------------- */

enum core_error handle_jobs_get_pending(struct call *call)
{
    return jobs_get_pending(call->cloud, call->parts[0], call->body, &call->answer);
}

enum core_error handle_jobs_start_next(struct call *call)
{
    return jobs_start_next(call->cloud, call->parts[0], call->body, &call->answer);
}

static enum core_error check_job(struct call *call, bool or_next)
{
    if (jobs_id_valid(call->parts[1]) || (or_next && strcmp(call->parts[1], "$next") == 0))
        return CORE_OK;
    return answer_refuse(&call->answer, CORE_INVALID_TOPIC,
                         "a job id is 1..%d letters, digits, '_' and '-'", JOBS_ID_MAX);
}

enum core_error handle_jobs_describe(struct call *call)
{
    enum core_error error = check_job(call, true);
    return error ? error
                 : jobs_describe(call->cloud, call->parts[0], call->parts[1], call->body,
                                 &call->answer);
}

enum core_error handle_jobs_update(struct call *call)
{
    enum core_error error = check_job(call, false);
    return error ? error
                 : jobs_update(call->cloud, call->parts[0], call->parts[1], call->body,
                               &call->answer);
}
