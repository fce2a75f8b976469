/* What the cloud says: topics and bodies of Jobs replies and notifications.
 * Replies count whether they were subscribed to or come unasked. */
#ifndef OTTER_SERVICES_JOBS_JOBS_REPLY_H
#define OTTER_SERVICES_JOBS_JOBS_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "codec/json.h"
#include "services/jobs/jobs_past.h"

#ifdef __cplusplus
extern "C" {
#endif

enum jobs_topic {
    JOBS_TOPIC_OTHER,
    JOBS_TOPIC_NOTIFY_NEXT,
    JOBS_TOPIC_NEXT,          /* $next/get/accepted */
    JOBS_TOPIC_NEXT_REJECTED, /* $next/get/rejected */
    JOBS_TOPIC_DESCRIBED,     /* {job}/get/accepted */
    JOBS_TOPIC_NOT_DESCRIBED, /* {job}/get/rejected */
    JOBS_TOPIC_UPDATED,       /* {job}/update/accepted */
    JOBS_TOPIC_NOT_UPDATED    /* {job}/update/rejected */
};

/* What a topic behind "$aws/things/{thing}/" is about. A job other than the one given is OTHER. */
enum jobs_topic jobs_topic_read(const char *topic, size_t length, const char *job_id);

/* One Jobs message. What is absent is 0 or empty. */
struct jobs_reply {
    char token;       /* first character of the clientToken; '\0' without one */
    uint32_t counter; /* the number behind it */
    bool has_execution;
    int document;     /* index of the job document, or negative */
    bool queued;      /* status QUEUED, else */
    bool in_progress; /* status IN_PROGRESS, else another status or none */
    struct jobs_execution execution;
    uint32_t version;
    bool terminal; /* rejected: the job is over or gone */
    bool invalid;  /* rejected: the request itself, which would never be taken */
    bool conflict; /* rejected: VersionMismatch */
    bool barred;   /* rejected: InvalidStateTransition although still IN_PROGRESS */
    char code[28]; /* rejected: the code, for the log */
};

/* False when the message is no JSON object, has more parts than there are tokens, or an execution
 * without a usable id. `json` stays usable while message and tokens are. */
bool jobs_reply_read(struct jobs_reply *reply, struct json *json, jsmntok_t *tokens,
                     size_t token_count, const uint8_t *message, size_t length);

/* What AWS IoT allows in job and stream ids; so they can stand in a topic. */
bool jobs_is_name(const char *text);

/* Replaces what does not belong on one line of text or hurts the JSON it may travel in. */
void jobs_make_printable(char *text);

#ifdef __cplusplus
}
#endif

#endif
