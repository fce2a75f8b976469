/* The Jobs topics: grammar, JSON in and out, clientToken and timestamp.
 *
 *   get | start-next | {job}/get | {job}/update     each answered on .../accepted or .../rejected
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/core/jobs/jobs_internal.h"
#include "cloud/core/ground/names.h"

#define TOKEN_MAX 64

enum operation { GET_PENDING, START_NEXT, DESCRIBE, UPDATE };

struct request {
    enum operation operation;
    char job[JOBS_ID_MAX + 1];
    const char *thing;
    json_t *body; /* NULL: could not be read */
};

/* False if `rest` is none of the four topics. A job id outside its grammar leaves `job` empty. */
static bool parse_topic(const char *rest, struct request *request)
{
    const char *slash = strchr(rest, '/');
    if (!slash) {
        request->operation = strcmp(rest, "get") == 0 ? GET_PENDING : START_NEXT;
        return strcmp(rest, "get") == 0 || strcmp(rest, "start-next") == 0;
    }
    request->operation = strcmp(slash, "/get") == 0 ? DESCRIBE : UPDATE;
    if (strcmp(slash, "/get") != 0 && strcmp(slash, "/update") != 0)
        return false;
    size_t length = (size_t)(slash - rest);
    if (length <= JOBS_ID_MAX)
        snprintf(request->job, sizeof request->job, "%.*s", (int)length, rest);
    bool next = strcmp(request->job, "$next") == 0 && request->operation == DESCRIBE;
    if (!next && !job_id_valid(request->job))
        request->job[0] = '\0';
    return true;
}

static enum core_error parse_body(const void *payload, size_t length, struct request *request,
                                  struct answer *answer)
{
    json_error_t error;
    request->body = length ? json_loadb(payload, length, JSON_DECODE_ANY, &error) : json_object();
    if (!request->body)
        return answer_refuse(answer, CORE_INVALID_JSON, "%s at byte %d", error.text,
                             error.position);
    if (!json_is_object(request->body))
        return answer_refuse(answer, CORE_INVALID_REQUEST, "the request must be a JSON object");
    const json_t *token = json_object_get(request->body, "clientToken");
    if (token && (!json_is_string(token) || json_string_length(token) > TOKEN_MAX))
        return answer_refuse(answer, CORE_INVALID_REQUEST,
                             "clientToken must be a text of at most %d characters", TOKEN_MAX);
    return CORE_OK;
}

static enum core_error perform(struct cloud *cloud, const struct request *request,
                               struct answer *answer)
{
    switch (request->operation) {
    case GET_PENDING:
        return jobs_get_pending(cloud, request->thing, request->body, answer);
    case START_NEXT:
        return jobs_start_next(cloud, request->thing, request->body, answer);
    case DESCRIBE:
        return jobs_describe(cloud, request->thing, request->job, request->body, answer);
    case UPDATE:
        return jobs_update(cloud, request->thing, request->job, request->body, answer);
    }
    return CORE_INTERNAL;
}

static enum core_error answer_request(struct cloud *cloud, struct request *request,
                                      const void *payload, size_t length, struct answer *answer)
{
    enum core_error error = parse_body(payload, length, request, answer);
    if (error != CORE_OK)
        return error;
    if (request->operation >= DESCRIBE && !request->job[0])
        return answer_refuse(answer, CORE_INVALID_TOPIC,
                             "a job id is 1..%d letters, digits, '_' and '-'", JOBS_ID_MAX);
    return perform(cloud, request, answer);
}

static void add_common(struct cloud *cloud, const struct request *request, json_t *body)
{
    const json_t *token = json_object_get(request->body, "clientToken");
    if (json_is_string(token) && json_string_length(token) <= TOKEN_MAX)
        json_object_set(body, "clientToken", (json_t *)token);
    json_object_set_new(body, "timestamp", json_integer(cloud_now(cloud)));
}

bool jobs_mqtt_request(struct cloud *cloud, const char *thing, const char *rest,
                       const void *payload, size_t length, jobs_reply reply, void *context)
{
    struct request request = {.thing = thing};
    struct answer answer = ANSWER_INIT;
    char topic[512];

    if (!parse_topic(rest, &request))
        return false;
    enum core_error error = answer_request(cloud, &request, payload, length, &answer);
    json_t *body = answer.body ? json_incref(answer.body) : json_object();
    if (error != CORE_OK) {
        json_object_set_new(body, "code", json_string(core_error_text(error)));
        json_object_set_new(body, "message", json_string(answer.message));
        cloud_log("jobs", "%s: %s refused: %s, %s", thing, rest, core_error_text(error),
                  answer.message);
    }
    add_common(cloud, &request, body);
    snprintf(topic, sizeof topic, "$aws/things/%s/jobs/%s/%s", thing, rest,
             error == CORE_OK ? "accepted" : "rejected");
    char *text = json_dumps(body, JSON_COMPACT);
    reply(context, topic, text ? text : "", text ? strlen(text) : 0);
    free(text);
    json_decref(body);
    json_decref(request.body);
    answer_free(&answer);
    return true;
}
