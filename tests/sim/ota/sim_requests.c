/* What a device asks of the simulated cloud, and what that answers: by the rules, or against them
 * where a test wants so. */
#define _GNU_SOURCE /* memmem */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/ota/sim_cloud_internal.h"

/* ---- answers --------------------------------------------------------------------------------- */

struct held {
    struct sim_cloud *cloud;
    uint32_t connection;
    char topic[257];
    size_t length;
    uint8_t payload[];
};

static void on_settled(void *context, otter_status status)
{
    struct held *held = context;
    struct sim_cloud *cloud = held->cloud;
    if (status == OTTER_OK && !cloud->core->dying)
        cloud->send(cloud->ctx, held->connection, held->topic, held->payload, held->length);
    free(held);
}

/* Refusals that say that the device does not know the interface. */
static bool blames_the_device(const char *topic, const void *payload, size_t length)
{
    static const char *const codes[] = {"InvalidTopic",
                                        "InvalidJson",
                                        "InvalidCbor",
                                        "InvalidRequest",
                                        "BlockSizeOutOfBounds",
                                        "BlockCountLimitExceeded",
                                        "BlockBitmapLimitExceeded"};
    if (!strstr(topic, "/rejected"))
        return false;
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (memmem(payload, length, codes[i], strlen(codes[i])))
            return true;
    return false;
}

static void reply(void *context, const struct reserved_message *message)
{
    struct sim_cloud *cloud = context;
    struct held *held = malloc(sizeof *held + message->length);
    sim_must(held && strlen(message->topic) < sizeof held->topic, "an answer does not fit");
    held->cloud = cloud;
    held->connection = cloud->core->asking;
    held->length = message->length;
    strcpy(held->topic, message->topic);
    memcpy(held->payload, message->payload, message->length);
    cloud->violations += blames_the_device(message->topic, message->payload, message->length);
    db_after_commit(cloud->core->cloud.db, on_settled, held);
}

static void publish_answer(void *context, const struct reserved_message *message)
{
    (void)message;
    ((struct sim_cloud *)context)->violations++; /* of services that are not simulated */
}

static void send_blocks(void *context, struct reserved_blocks *blocks)
{
    struct reserved_message message;
    while (reserved_blocks_next(blocks, &message))
        reply(context, &message);
    reserved_blocks_free(blocks);
}

/* ---- against the rules ----------------------------------------------------------------------- */

struct request {
    const char *topic, *job, *operation; /* of jobs: "update", "get"; "" of other topics */
    json_t *body;
    char token[65];
};

static void read_request(const struct sim_cloud *cloud, const char *topic, const uint8_t *payload,
                         size_t length, char *parts, struct request *request)
{
    char prefix[128];
    const int size = snprintf(prefix, sizeof prefix, "$aws/things/%s/jobs/", cloud->thing);
    *request = (struct request){.topic = topic, .job = "", .operation = ""};
    request->body = json_loadb((const char *)payload, length, 0, NULL);
    const char *token = json_string_value(json_object_get(request->body, "clientToken"));
    snprintf(request->token, sizeof request->token, "%s", token ? token : "");
    if (strncmp(topic, prefix, (size_t)size) != 0)
        return;
    strcpy(parts, topic + size);
    char *slash = strchr(parts, '/');
    if (!slash)
        return;
    *slash = '\0';
    request->job = parts;
    request->operation = slash + 1;
}

/* `body` is stolen. */
static void answer_with(struct sim_cloud *cloud, const struct request *request, const char *how,
                        json_t *body)
{
    char topic[257];
    if (request->token[0])
        json_object_set_new(body, "clientToken", json_string(request->token));
    json_object_set_new(body, "timestamp", json_integer(sim_clock_ms(cloud) / 1000));
    char *text = json_dumps(body, JSON_COMPACT);
    snprintf(topic, sizeof topic, "%s/%s", request->topic, how);
    cloud->send(cloud->ctx, cloud->core->asking, topic, text, strlen(text));
    free(text);
    json_decref(body);
}

static bool refuses(struct sim_cloud *cloud, const struct request *request)
{
    if (cloud->refusal == NULL || strcmp(request->operation, "update") != 0 ||
        (cloud->refuses_details_only && !json_object_get(request->body, "statusDetails")) ||
        !request->token[0] || !strchr(cloud->refused_tokens, request->token[0]))
        return false;
    answer_with(cloud, request, "rejected",
                json_pack("{s:s,s:s}", "code", cloud->refusal, "message", "no"));
    return true;
}

static bool offers_undead(struct sim_cloud *cloud, const struct request *request)
{
    const bool turn = cloud->undead_too[0] != '\0' && cloud->asks % 2 == 0;
    if (cloud->undead[0] == '\0' || strcmp(request->job, "$next") != 0)
        return false;
    const struct sim_job *job = sim_cloud_find(cloud, turn ? cloud->undead_too : cloud->undead);
    if (!job)
        return false;
    const json_t *wanted = json_object_get(request->body, "includeJobDocument");
    json_t *execution = json_pack(
        "{s:s,s:s,s:I,s:I,s:I,s:I}", "jobId", job->id, "status", "QUEUED", "queuedAt",
        (json_int_t)(SIM_EPOCH_MS / 1000), "lastUpdatedAt", (json_int_t)(SIM_EPOCH_MS / 1000),
        "versionNumber", (json_int_t)job->version, "executionNumber", (json_int_t)job->execution);
    if (job->details[0])
        json_object_set_new(execution, "statusDetails", json_loads(job->details, 0, NULL));
    if (!json_is_false(wanted))
        json_object_set_new(execution, "jobDocument", json_loads(job->document, 0, NULL));
    answer_with(cloud, request, "accepted", json_pack("{s:o}", "execution", execution));
    return true;
}

static bool stays_silent(const struct sim_cloud *cloud, const struct request *request)
{
    return cloud->silent_from > 0 && cloud->block_requests >= cloud->silent_from &&
           strstr(request->topic, "/streams/") != NULL;
}

static void count(struct sim_cloud *cloud, const struct request *request)
{
    const bool update = strcmp(request->operation, "update") == 0;
    cloud->requests++;
    cloud->block_requests += strstr(request->topic, "/streams/") != NULL;
    cloud->updates += update;
    cloud->progressions += update && request->token[0] == 'p';
    cloud->asks += strcmp(request->job, "$next") == 0;
}

static void after_request(struct sim_cloud *cloud, const struct request *request)
{
    const struct sim_job *job;
    if (cloud->asks == cloud->cancel_at_ask && strcmp(request->job, "$next") == 0)
        sim_cloud_cancel(cloud, cloud->jobs[0].id);
    if (!cloud->retries || strcmp(request->operation, "update") != 0)
        return;
    job = sim_cloud_find(cloud, request->job);
    if (job && (job->status == CLOUD_FAILED || job->status == CLOUD_REJECTED))
        sim_cloud_requeue(cloud, request->job);
}

void sim_cloud_receive(struct sim_cloud *cloud, uint32_t connection, const char *topic,
                       const uint8_t *payload, size_t length)
{
    char parts[257];
    struct request request;
    const struct reserved_request asked = {topic, payload, length};
    const struct reserved_answers answers = {
        .reply = reply, .publish = publish_answer, .blocks = send_blocks, .context = cloud};
    read_request(cloud, topic, payload, length, parts, &request);
    count(cloud, &request);
    cloud->core->asking = connection;
    cloud->core->cloud.strict = cloud->rejects_late_rejection;
    if (!refuses(cloud, &request) && !offers_undead(cloud, &request) &&
        !stays_silent(cloud, &request) && !reserved_publish(&cloud->core->cloud, &asked, &answers))
        cloud->violations++;
    cloud->stale = true;
    after_request(cloud, &request);
    json_decref(request.body);
}
