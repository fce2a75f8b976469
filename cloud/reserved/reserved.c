/* The table of reserved topics, and what all requests have in common. */
#include "cloud/reserved/reserved.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/core/ground/cbor_json.h"
#include "cloud/reserved/reserved_internal.h"

#define CBOR_MAX 16384

#define THING "$aws/things/+/"

static const struct row rows[] = {
    {THING "jobs/get", RESERVED_JOBS, {128}, &envelope_jobs, handle_jobs_get_pending},
    {THING "jobs/start-next", RESERVED_JOBS, {128}, &envelope_jobs, handle_jobs_start_next},
    {THING "jobs/+/get", RESERVED_JOBS, {128}, &envelope_jobs, handle_jobs_describe},
    {THING "jobs/+/update", RESERVED_JOBS, {128}, &envelope_jobs, handle_jobs_update},

    {THING "streams/+/get/cbor", RESERVED_STREAMS, {128, 128}, NULL, handle_streams_get},
    {THING "streams/+/get/json", RESERVED_STREAMS, {128, 128}, NULL, handle_streams_get},
    {THING "streams/+/describe/cbor", RESERVED_STREAMS, {128, 128}, NULL, handle_streams_describe},
    {THING "streams/+/describe/json", RESERVED_STREAMS, {128, 128}, NULL, handle_streams_describe},

#define SHADOW(topic, handler)                                                                     \
    {THING "shadow/" topic, RESERVED_SHADOW, {128}, &envelope_shadow, handler},                    \
    {                                                                                              \
        THING "shadow/name/+/" topic, RESERVED_SHADOW, {128, 64}, &envelope_shadow, handler        \
    }
    SHADOW("get", handle_shadow_get),
    SHADOW("update", handle_shadow_update),
    SHADOW("delete", handle_shadow_delete),

    {THING "defender/metrics/json", RESERVED_DEFENDER, {128}, &envelope_defender, handle_defender},
    {THING "defender/metrics/cbor", RESERVED_DEFENDER, {128}, &envelope_defender, handle_defender},

#define PROVISIONING(topic, handler)                                                               \
    {topic "/json", RESERVED_PROVISIONING, {36}, &envelope_provisioning, handler},                 \
    {                                                                                              \
        topic "/cbor", RESERVED_PROVISIONING, {36}, &envelope_provisioning, handler                \
    }
    PROVISIONING("$aws/certificates/create", handle_certificate_create),
    PROVISIONING("$aws/certificates/create-from-csr", handle_certificate_from_csr),
    PROVISIONING("$aws/provisioning-templates/+/provision", handle_provision),

    /* On AWS a message to a rule that is not there is taken, and goes nowhere. */
    {"$aws/rules/+/#", RESERVED_INGEST, {128}, NULL, handle_ingest},
};

/* ---- matching ------------------------------------------------------------------------------- */

/* One level of a topic or filter, and where the next begins (NULL: there is none). */
static size_t level(const char *text, const char **next)
{
    size_t length = strcspn(text, "/");
    *next = text[length] ? text + length + 1 : NULL;
    return length;
}

static bool keep_part(const struct row *row, struct call *call, size_t part, const char *text,
                      size_t length)
{
    if (part >= PARTS_MAX)
        return true;
    if (length >= PART_SIZE || (row->part_max[part] && (!length || length > row->part_max[part])))
        return false;
    memcpy(call->parts[part], text, length);
    call->parts[part][length] = '\0';
    return true;
}

/* Whether the topic is the row's; then the parts are there. */
static bool matches(const struct row *row, const char *topic, struct call *call)
{
    const char *filter = row->filter, *filter_next, *topic_next;
    size_t part = 0;
    for (; filter && topic; filter = filter_next, topic = topic_next) {
        size_t wanted = level(filter, &filter_next), length = level(topic, &topic_next);
        if (*filter == '#')
            return true;
        if (*filter == '+' ? !keep_part(row, call, part++, topic, length)
                           : wanted != length || memcmp(filter, topic, length) != 0)
            return false;
    }
    return !topic && (!filter || *filter == '#'); /* `#` also stands for nothing */
}

/* ---- answers -------------------------------------------------------------------------------- */

static void send(const struct call *call, const struct reserved_message *message)
{
    if (call->row->envelope->to_subscribers)
        call->answers->publish(call->answers->context, message);
    else
        call->answers->reply(call->answers->context, message);
}

static void send_body(const struct call *call, const char *topic, const json_t *body)
{
    struct reserved_message message = {topic, NULL, 0};
    uint8_t *cbor = call->in_cbor ? malloc(CBOR_MAX) : NULL;
    char *text = call->in_cbor ? NULL : json_dumps(body, JSON_COMPACT);
    message.payload = call->in_cbor ? (const void *)cbor : text;
    if (cbor)
        message.length = cbor_from_json(body, cbor, CBOR_MAX);
    else if (text)
        message.length = strlen(text);
    if (message.length > 0)
        send(call, &message);
    free(cbor);
    free(text);
}

static void answer(struct call *call, enum core_error error)
{
    const struct envelope *envelope = call->row->envelope;
    char topic[TOPIC_SIZE];
    json_t *body = call->answer.body ? json_incref(call->answer.body) : json_object();
    if (error != CORE_OK)
        envelope->refuse(call, error, body);
    if (envelope->address)
        envelope->address(call, body);
    snprintf(topic, sizeof topic, "%s/%s", call->request->topic,
             error == CORE_OK ? "accepted" : "rejected");
    if (!call->told)
        send_body(call, topic, body);
    json_decref(body);
}

/* ---- answers that come later ------------------------------------------------------------------
 */

struct late_call {
    struct cloud *cloud;
    const struct row *row;
    struct reserved_answers answers; /* its context: what was kept */
    bool in_cbor;
    char topic[];
};

struct late_call *call_later(struct call *call)
{
    size_t size = strlen(call->request->topic) + 1;
    struct late_call *late = call->answers->keep ? malloc(sizeof *late + size) : NULL;
    void *kept = late ? call->answers->keep(call->answers->context) : NULL;
    if (!kept) {
        free(late);
        return NULL;
    }
    *late = (struct late_call){.cloud = call->cloud,
                               .row = call->row,
                               .answers = {.reply = call->answers->late, .context = kept},
                               .in_cbor = call->in_cbor};
    memcpy(late->topic, call->request->topic, size);
    call->told = true;
    return late;
}

/* `late` has to be called once, with or without a message. */
struct once {
    const struct late_call *late;
    bool done;
};

static void reply_once(void *context, const struct reserved_message *message)
{
    struct once *once = context;
    if (!once->done)
        once->late->answers.reply(once->late->answers.context, message);
    once->done = true;
}

void late_call_answer(struct late_call *late, enum core_error (*handle)(struct call *call),
                      enum core_error error, const char *message)
{
    struct once once = {late, false};
    const struct reserved_request request = {late->topic, NULL, 0};
    const struct reserved_answers answers = {.reply = reply_once, .context = &once};
    struct call call = {.cloud = late->cloud,
                        .row = late->row,
                        .request = &request,
                        .answers = &answers,
                        .in_cbor = late->in_cbor};
    answer(&call, handle ? handle(&call) : answer_refuse(&call.answer, error, "%s", message));
    reply_once(&once, NULL);
    answer_free(&call.answer);
    free(late);
}

void late_call_cancel(struct late_call *late, struct call *call)
{
    late->answers.reply(late->answers.context, NULL);
    free(late);
    call->told = false;
}

/* ---- requests ------------------------------------------------------------------------------- */

static enum core_error read_and_handle(struct call *call)
{
    enum core_error error = CORE_OK;
    if (call->row->envelope->read)
        error = call->row->envelope->read(call);
    else
        call->body = json_loadb(call->request->payload, call->request->length, 0, NULL);
    return error == CORE_OK ? call->row->handle(call) : error;
}

bool reserved_publish(struct cloud *cloud, const struct reserved_request *request,
                      const struct reserved_answers *answers)
{
    struct call call = {.cloud = cloud, .request = request, .answers = answers};
    const char *last = strrchr(request->topic, '/');
    for (size_t i = 0; i < sizeof rows / sizeof *rows && !call.row; i++)
        if (matches(&rows[i], request->topic, &call))
            call.row = &rows[i];
    if (!call.row)
        return false;
    call.in_cbor = strcmp(last, "/cbor") == 0;
    if (call.row->envelope)
        answer(&call, read_and_handle(&call));
    else
        call.row->handle(&call);
    json_decref(call.body);
    answer_free(&call.answer);
    return true;
}
