/* Replies of the Jobs service, from topic and JSON to one struct. */
#include "services/jobs/jobs_reply.h"

#include <stdio.h>
#include <string.h>

/* --- topics --- */

struct view {
    const char *at;
    size_t length;
};

static bool skip(struct view *view, const char *text)
{
    const size_t length = strlen(text);
    if (view->length < length || memcmp(view->at, text, length) != 0)
        return false;
    view->at += length;
    view->length -= length;
    return true;
}

static bool is(const struct view *view, const char *text)
{
    return view->length == strlen(text) && memcmp(view->at, text, view->length) == 0;
}

struct ending {
    const char *text;
    enum jobs_topic topic;
};

static enum jobs_topic match(const struct view *view, const struct ending *endings, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (is(view, endings[i].text))
            return endings[i].topic;
    }
    return JOBS_TOPIC_OTHER;
}

static enum jobs_topic read_jobs_topic(struct view *view, const char *job_id)
{
    static const struct ending of_all[] = {{"notify-next", JOBS_TOPIC_NOTIFY_NEXT},
                                           {"$next/get/accepted", JOBS_TOPIC_NEXT},
                                           {"$next/get/rejected", JOBS_TOPIC_NEXT_REJECTED}};
    static const struct ending of_job[] = {{"/get/accepted", JOBS_TOPIC_DESCRIBED},
                                           {"/get/rejected", JOBS_TOPIC_NOT_DESCRIBED},
                                           {"/update/accepted", JOBS_TOPIC_UPDATED},
                                           {"/update/rejected", JOBS_TOPIC_NOT_UPDATED}};
    const enum jobs_topic topic = match(view, of_all, sizeof of_all / sizeof of_all[0]);
    if (topic != JOBS_TOPIC_OTHER || job_id[0] == '\0' || !skip(view, job_id))
        return topic;
    return match(view, of_job, sizeof of_job / sizeof of_job[0]);
}

enum jobs_topic jobs_topic_read(const char *topic, size_t length, const char *job_id)
{
    struct view view = {topic, length};
    return skip(&view, "jobs/") ? read_jobs_topic(&view, job_id) : JOBS_TOPIC_OTHER;
}

/* --- Jobs --- */

void jobs_make_printable(char *text)
{
    for (; *text != '\0'; text++) {
        if (*text < ' ' || *text > '~' || *text == '"' || *text == '\\')
            *text = '?';
    }
}

bool jobs_is_name(const char *text)
{
    const size_t length =
        strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");
    return length > 0 && text[length] == '\0';
}

static void read_token(struct jobs_reply *reply, const struct json *json)
{
    char token[16];
    if (json_get_string(json, json_find(json, 0, "clientToken"), token, sizeof token) != OTTER_OK)
        return;
    reply->token = token[0];
    for (const char *digit = token + 1; token[0] != '\0' && *digit >= '0' && *digit <= '9'; digit++)
        reply->counter = reply->counter * 10u + (uint32_t)(*digit - '0');
}

static bool read_execution(struct jobs_reply *reply, const struct json *json)
{
    const int execution = json_find(json, 0, "execution");
    reply->document = -1;
    if (execution < 0 || json_count(json, execution) == 0)
        return true; /* no job: AWS leaves it out, some emulators send {} */
    const int status = json_find(json, execution, "status");
    reply->has_execution = true;
    reply->document = json_find(json, execution, "jobDocument");
    reply->queued = json_equals(json, status, "QUEUED");
    reply->in_progress = json_equals(json, status, "IN_PROGRESS");
    (void)json_get_uint(json, json_find(json, execution, "executionNumber"), UINT32_MAX,
                        &reply->execution.number);
    (void)json_get_uint(json, json_find(json, execution, "versionNumber"), UINT32_MAX,
                        &reply->version);
    (void)json_get_uint(json, json_find(json, execution, "queuedAt"), UINT32_MAX,
                        &reply->execution.queued_at);
    return json_get_string(json, json_find(json, execution, "jobId"), reply->execution.id,
                           sizeof reply->execution.id) == OTTER_OK &&
           jobs_is_name(reply->execution.id);
}

static void read_rejection(struct jobs_reply *reply, const struct json *json)
{
    const int code = json_find(json, 0, "code");
    const int status = json_find(json, 0, "executionState.status");
    if (json_get_string(json, code, reply->code, sizeof reply->code) != OTTER_OK)
        snprintf(reply->code, sizeof reply->code, "without a code");
    jobs_make_printable(reply->code);
    const bool transition = json_equals(json, code, "InvalidStateTransition");
    reply->barred = transition && json_equals(json, status, "IN_PROGRESS");
    reply->conflict = json_equals(json, code, "VersionMismatch");
    reply->invalid = json_equals(json, code, "InvalidRequest") ||
                     json_equals(json, code, "InvalidJson") ||
                     json_equals(json, code, "InvalidTopic");
    reply->terminal = (transition && !reply->barred) ||
                      json_equals(json, code, "TerminalStateReached") ||
                      json_equals(json, code, "ResourceNotFound");
}

bool jobs_reply_read(struct jobs_reply *reply, struct json *json, jsmntok_t *tokens,
                     size_t token_count, const uint8_t *message, size_t length)
{
    memset(reply, 0, sizeof *reply);
    if (json_parse(json, (const char *)message, length, tokens, token_count) != OTTER_OK ||
        json_type(json, 0) != JSON_OBJECT)
        return false;
    read_token(reply, json);
    read_rejection(reply, json);
    return read_execution(reply, json);
}
