#include "tests/sim/ota/cloud_model.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/cbor.h"
#include "codec/json.h"

#define REQUEST_DATA_MAX 131072u

static const char *const names[] = {"QUEUED", "IN_PROGRESS", "SUCCEEDED",
                                    "FAILED", "REJECTED",    "CANCELED"};

const char *cloud_status_name(enum cloud_status status)
{
    return names[status];
}

static bool terminal(const struct cloud_job *job)
{
    return job->status >= CLOUD_SUCCEEDED;
}

struct cloud_job *cloud_find(struct cloud *cloud, const char *id)
{
    for (uint32_t i = 0; i < cloud->job_count; i++) {
        if (strcmp(cloud->jobs[i].id, id) == 0)
            return &cloud->jobs[i];
    }
    return NULL;
}

static struct cloud_job *first_pending(struct cloud *cloud)
{
    for (enum cloud_status wanted = CLOUD_IN_PROGRESS;; wanted = CLOUD_QUEUED) {
        for (uint32_t i = 0; i < cloud->job_count; i++) {
            if (cloud->jobs[i].status == wanted)
                return &cloud->jobs[i];
        }
        if (wanted == CLOUD_QUEUED)
            return NULL;
    }
}

__attribute__((format(printf, 3, 4))) static void reply(struct cloud *cloud, const char *topic,
                                                        const char *format, ...)
{
    static char body[8192];
    char full[256];
    va_list arguments;
    va_start(arguments, format);
    const int length = vsnprintf(body, sizeof body, format, arguments);
    va_end(arguments);
    snprintf(full, sizeof full, "$aws/things/%s/%s", cloud->thing, topic);
    cloud->send(cloud->ctx, full, body, (size_t)length);
}

static const char *execution_json(const struct cloud_job *job, enum cloud_status status,
                                  bool with_document)
{
    static char text[6144];
    int at = snprintf(text, sizeof text,
                      "{\"jobId\":\"%s\",\"status\":\"%s\",\"queuedAt\":1700000000,"
                      "\"lastUpdatedAt\":1700000001,\"versionNumber\":%u,\"executionNumber\":%u",
                      job->id, names[status], (unsigned)job->version, (unsigned)job->execution);
    if (job->details[0] != '\0')
        at += snprintf(text + at, sizeof text - (size_t)at, ",\"statusDetails\":%s", job->details);
    if (with_document)
        at += snprintf(text + at, sizeof text - (size_t)at, ",\"jobDocument\":%s", job->document);
    snprintf(text + at, sizeof text - (size_t)at, "}");
    return text;
}

static void announce(struct cloud *cloud)
{
    const struct cloud_job *job = first_pending(cloud);
    const char *id = job == NULL ? "" : job->id;
    if (strcmp(cloud->announced, id) == 0)
        return;
    snprintf(cloud->announced, sizeof cloud->announced, "%s", id);
    if (job == NULL)
        reply(cloud, "jobs/notify-next", "{\"timestamp\":1700000000}");
    else
        reply(cloud, "jobs/notify-next", "{\"timestamp\":1700000000,\"execution\":%s}",
              execution_json(job, job->status, true));
}

struct cloud_job *cloud_create(struct cloud *cloud, const char *id, const char *document,
                               const char *stream, const uint8_t *data, uint32_t size)
{
    if (cloud->job_count == CLOUD_JOBS_MAX)
        abort();
    struct cloud_stream *source = &cloud->streams[cloud->job_count];
    struct cloud_job *job = &cloud->jobs[cloud->job_count++];
    memset(job, 0, sizeof *job);
    snprintf(job->id, sizeof job->id, "%s", id);
    snprintf(job->document, sizeof job->document, "%s", document);
    job->version = 1;
    job->execution = 1;
    snprintf(source->name, sizeof source->name, "%s", stream);
    source->data = data;
    source->size = size;
    announce(cloud);
    return job;
}

void cloud_cancel(struct cloud *cloud, const char *id)
{
    struct cloud_job *job = cloud_find(cloud, id);
    if (job == NULL || terminal(job))
        return;
    job->status = CLOUD_CANCELED;
    job->version++;
    announce(cloud);
}

void cloud_requeue(struct cloud *cloud, const char *id)
{
    struct cloud_job *job = cloud_find(cloud, id);
    job->status = CLOUD_QUEUED;
    job->details[0] = '\0';
    job->version = 1;
    job->execution++;
    announce(cloud);
}

/* --- Jobs --- */

struct request {
    struct json json;
    jsmntok_t tokens[64];
    char token[65];
};

static bool read_request(struct request *request, const uint8_t *payload, size_t length)
{
    request->token[0] = '\0';
    if (json_parse(&request->json, (const char *)payload, length, request->tokens, 64) != OTTER_OK)
        return false;
    (void)json_get_string(&request->json, json_find(&request->json, 0, "clientToken"),
                          request->token, sizeof request->token);
    return true;
}

static void get_next(struct cloud *cloud, const struct request *request)
{
    const bool turn = cloud->undead_too[0] != '\0' && cloud->asks % 2 != 0;
    const struct cloud_job *undead = cloud_find(cloud, turn ? cloud->undead_too : cloud->undead);
    const struct cloud_job *job = undead == NULL ? first_pending(cloud) : undead;
    bool with_document = true;
    (void)json_get_bool(&request->json, json_find(&request->json, 0, "includeJobDocument"),
                        &with_document);
    cloud->asks++;
    if (job == NULL)
        reply(cloud, "jobs/$next/get/accepted", "{\"clientToken\":\"%s\",\"timestamp\":1700000000}",
              request->token);
    else
        reply(cloud, "jobs/$next/get/accepted",
              "{\"clientToken\":\"%s\",\"timestamp\":1700000000,\"execution\":%s}", request->token,
              execution_json(job, undead == NULL ? job->status : CLOUD_QUEUED, with_document));
    if (cloud->asks == cloud->cancel_at_ask)
        cloud_cancel(cloud, cloud->jobs[0].id);
}

static void refuse(struct cloud *cloud, const char *topic, const struct request *request,
                   const char *code, const struct cloud_job *job)
{
    if (job == NULL)
        reply(cloud, topic,
              "{\"code\":\"%s\",\"message\":\"no\",\"clientToken\":\"%s\",\"timestamp\":1}", code,
              request->token);
    else
        reply(cloud, topic,
              "{\"code\":\"%s\",\"message\":\"no\",\"clientToken\":\"%s\",\"timestamp\":1,"
              "\"executionState\":{\"status\":\"%s\",\"versionNumber\":%u}}",
              code, request->token, names[job->status], (unsigned)job->version);
}

static void get_job(struct cloud *cloud, const char *id, const struct request *request)
{
    char topic[160];
    const struct cloud_job *job = cloud_find(cloud, id);
    bool with_document = true;
    (void)json_get_bool(&request->json, json_find(&request->json, 0, "includeJobDocument"),
                        &with_document);
    snprintf(topic, sizeof topic, "jobs/%s/get/rejected", id);
    if (job == NULL) {
        refuse(cloud, topic, request, "ResourceNotFound", NULL);
    } else if (terminal(job)) {
        refuse(cloud, topic, request, "TerminalStateReached", NULL);
    } else {
        snprintf(topic, sizeof topic, "jobs/%s/get/accepted", id);
        reply(cloud, topic, "{\"clientToken\":\"%s\",\"timestamp\":1700000000,\"execution\":%s}",
              request->token, execution_json(job, job->status, with_document));
    }
}

static int wanted_status(const struct request *request)
{
    const int at = json_find(&request->json, 0, "status");
    for (int i = CLOUD_IN_PROGRESS; i <= CLOUD_REJECTED; i++) {
        if (json_equals(&request->json, at, names[i]))
            return i;
    }
    return -1;
}

/* Limits of statusDetails: at most 10 pairs, keys and values of a bounded length and alphabet. */
static bool details_valid(const struct json *json, int details)
{
    if (details < 0)
        return true;
    if (json_type(json, details) != JSON_OBJECT || json_count(json, details) > 10)
        return false;
    for (int i = json_first(json, details); i >= 0; i = json_next(json, i)) {
        char value[1025];
        if (json_get_string(json, i + 1, value, sizeof value) != OTTER_OK || value[0] == '\0')
            return false;
    }
    return true;
}

static const char *check_update(const struct cloud *cloud, const struct request *request,
                                const struct cloud_job *job)
{
    const struct json *json = &request->json;
    const int status = wanted_status(request);
    uint32_t number = 0;
    if (status < 0 || !details_valid(json, json_find(json, 0, "statusDetails")))
        return "InvalidRequest";
    if (job == NULL)
        return "ResourceNotFound";
    if (json_get_uint(json, json_find(json, 0, "executionNumber"), UINT32_MAX, &number) ==
            OTTER_OK &&
        number != job->execution)
        return "ResourceNotFound";
    if (terminal(job))
        return "InvalidStateTransition";
    if (json_get_uint(json, json_find(json, 0, "expectedVersion"), UINT32_MAX, &number) ==
            OTTER_OK &&
        number != job->version)
        return "VersionMismatch";
    if (cloud->rejects_late_rejection && status == CLOUD_REJECTED &&
        job->status == CLOUD_IN_PROGRESS)
        return "InvalidStateTransition";
    return NULL;
}

static void update_job(struct cloud *cloud, const char *id, const struct request *request)
{
    char topic[160];
    struct cloud_job *job = cloud_find(cloud, id);
    const char *code = check_update(cloud, request, job);
    cloud->updates++;
    cloud->progressions += request->token[0] == 'p';
    const bool detailed = json_find(&request->json, 0, "statusDetails") >= 0;
    if (cloud->refusal != NULL && (detailed || !cloud->refuses_details_only) &&
        strchr(cloud->refused_tokens, request->token[0]) != NULL) {
        snprintf(topic, sizeof topic, "jobs/%s/update/rejected", id);
        refuse(cloud, topic, request, cloud->refusal, NULL);
        return;
    }
    if (code != NULL) {
        snprintf(topic, sizeof topic, "jobs/%s/update/rejected", id);
        const bool with_state =
            strcmp(code, "InvalidStateTransition") == 0 || strcmp(code, "VersionMismatch") == 0;
        if (strcmp(code, "InvalidRequest") == 0)
            cloud->violations++;
        refuse(cloud, topic, request, code, with_state ? job : NULL);
        return;
    }
    const char *details;
    size_t length;
    if (json_get_raw(&request->json, json_find(&request->json, 0, "statusDetails"), &details,
                     &length) == OTTER_OK)
        snprintf(job->details, sizeof job->details, "%.*s", (int)length, details);
    job->status = (enum cloud_status)wanted_status(request);
    job->version++;
    snprintf(topic, sizeof topic, "jobs/%s/update/accepted", id);
    reply(cloud, topic, "{\"clientToken\":\"%s\",\"timestamp\":1700000000}", request->token);
    if (cloud->retries && (job->status == CLOUD_FAILED || job->status == CLOUD_REJECTED))
        cloud_requeue(cloud, id);
    else
        announce(cloud);
}

static void receive_jobs(struct cloud *cloud, char *rest, const uint8_t *payload, size_t length)
{
    struct request request;
    char *operation = strchr(rest, '/');
    if (operation == NULL || !read_request(&request, payload, length)) {
        cloud->violations++;
        return;
    }
    *operation++ = '\0';
    if (strcmp(rest, "$next") == 0 && strcmp(operation, "get") == 0)
        get_next(cloud, &request);
    else if (strcmp(operation, "get") == 0)
        get_job(cloud, rest, &request);
    else if (strcmp(operation, "update") == 0)
        update_job(cloud, rest, &request);
    else
        cloud->violations++;
}

void cloud_reason(const struct cloud_job *job, char *out, size_t size)
{
    jsmntok_t tokens[32];
    struct json json;
    out[0] = '\0';
    if (json_parse(&json, job->details, strlen(job->details), tokens, 32) == OTTER_OK)
        (void)json_get_string(&json, json_find(&json, 0, "reason"), out, size);
}

/* --- streams --- */

struct stream_request {
    uint32_t file, length, offset, count;
    struct cbor_bytes bitmap;
};

static bool read_stream_request(struct stream_request *request, const uint8_t *payload,
                                size_t length)
{
    struct cbor_reader r;
    struct cbor_container map;
    memset(request, 0, sizeof *request);
    cbor_reader_init(&r, payload, length);
    cbor_read_map(&r, &map);
    while (cbor_next(&r, &map)) {
        const struct cbor_text key = cbor_read_key(&r);
        if (cbor_text_is(key, "f"))
            request->file = (uint32_t)cbor_read_uint(&r, 255);
        else if (cbor_text_is(key, "l"))
            request->length = (uint32_t)cbor_read_uint(&r, 131072);
        else if (cbor_text_is(key, "o"))
            request->offset = (uint32_t)cbor_read_uint(&r, 98304);
        else if (cbor_text_is(key, "n"))
            request->count = (uint32_t)cbor_read_uint(&r, 98304);
        else if (cbor_text_is(key, "b"))
            request->bitmap = cbor_read_bytes(&r);
        else
            cbor_skip(&r);
    }
    return cbor_finish(&r) == OTTER_OK && request->length >= 256 && request->bitmap.length < 12288;
}

static void send_block(struct cloud *cloud, const struct cloud_stream *stream, uint32_t block,
                       uint32_t block_size, uint32_t file)
{
    static uint8_t message[131072 + 64];
    char topic[200];
    struct cbor_writer w;
    const uint32_t begin = block * block_size;
    const uint32_t left = stream->size - begin;
    const uint32_t length = left < block_size ? left : block_size;
    cbor_writer_init(&w, message, sizeof message);
    cbor_write_map(&w, 5);
    cbor_write_text(&w, "c");
    cbor_write_text(&w, "rdy");
    cbor_write_text(&w, "f");
    cbor_write_uint(&w, file);
    cbor_write_text(&w, "l");
    cbor_write_uint(&w, length);
    cbor_write_text(&w, "i");
    cbor_write_uint(&w, block);
    cbor_write_text(&w, "p");
    cbor_write_bytes(&w, stream->data + begin, length);
    snprintf(topic, sizeof topic, "$aws/things/%s/streams/%s/data/cbor", cloud->thing,
             stream->name);
    cloud->send(cloud->ctx, topic, message, (size_t)cbor_written(&w));
}

static void refuse_stream(struct cloud *cloud, const char *name, const char *code)
{
    uint8_t message[128];
    char topic[200];
    struct cbor_writer w;
    cbor_writer_init(&w, message, sizeof message);
    cbor_write_map(&w, 2);
    cbor_write_text(&w, "o");
    cbor_write_text(&w, code);
    cbor_write_text(&w, "m");
    cbor_write_text(&w, "no");
    snprintf(topic, sizeof topic, "$aws/things/%s/streams/%s/rejected/cbor", cloud->thing, name);
    cloud->send(cloud->ctx, topic, message, (size_t)cbor_written(&w));
}

static const struct cloud_stream *find_stream(const struct cloud *cloud, const char *name)
{
    for (uint32_t i = 0; i < cloud->job_count; i++) {
        if (strcmp(cloud->streams[i].name, name) == 0 && cloud->streams[i].data != NULL)
            return &cloud->streams[i];
    }
    return NULL;
}

static void receive_stream(struct cloud *cloud, char *name, const uint8_t *payload, size_t length)
{
    struct stream_request request;
    char *operation = strchr(name, '/');
    if (operation == NULL || strcmp(operation, "/get/cbor") != 0 ||
        !read_stream_request(&request, payload, length)) {
        cloud->violations++;
        return;
    }
    *operation = '\0';
    const struct cloud_stream *stream = find_stream(cloud, name);
    if (stream == NULL || request.file != 0) {
        refuse_stream(cloud, name, "ResourceNotFound");
        return;
    }
    const uint32_t blocks = (stream->size + request.length - 1) / request.length;
    uint32_t sent = 0;
    for (uint32_t bit = 0; bit < request.bitmap.length * 8 && sent < request.count; bit++) {
        const uint32_t block = request.offset + bit;
        if ((request.bitmap.data[bit / 8] >> (bit % 8) & 1) == 0 || block >= blocks)
            continue;
        if ((sent + 1) * request.length > REQUEST_DATA_MAX)
            break;
        send_block(cloud, stream, block, request.length, request.file);
        sent++;
    }
}

void cloud_receive(struct cloud *cloud, const char *topic, const uint8_t *payload, size_t length)
{
    char copy[257];
    char prefix[160];
    snprintf(prefix, sizeof prefix, "$aws/things/%s/", cloud->thing);
    snprintf(copy, sizeof copy, "%s", topic);
    char *rest = copy + strlen(prefix);
    if (strncmp(copy, prefix, strlen(prefix)) != 0)
        cloud->violations++;
    else if (strncmp(rest, "jobs/", 5) == 0)
        receive_jobs(cloud, rest + 5, payload, length);
    else if (strncmp(rest, "streams/", 8) == 0)
        receive_stream(cloud, rest + 8, payload, length);
    else
        cloud->violations++;
}
