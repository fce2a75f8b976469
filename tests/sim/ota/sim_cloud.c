#define _GNU_SOURCE /* memmem */
#include "tests/sim/ota/sim_cloud.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cloud/core/account/objects.h"
#include "cloud/core/core.h"
#include "cloud/core/ground/x509.h"
#include "cloud/core/jobs/jobs_internal.h"
#include "cloud/core/registry/identity.h"
#include "cloud/core/registry/registry.h"
#include "cloud/core/streams/streams.h"
#include "cloud/reserved/reserved.h"
#include "cloud/store/db.h"

#define EPOCH_MS  1700000000000
#define COMMIT_MS 4 /* from the first change of a group to its commit */
#define TEND_MS   60000
#define FILE_MAX  ((size_t)4 << 20)
#define ARN(what) "arn:aws:" what ":" CLOUD_REGION ":" CLOUD_ACCOUNT ":"
#define BUCKET    "images"
#define DIR_SIZE  64

bool sim_cloud_verbose;

struct sim_core {
    struct cloud cloud;
    struct reserved_publisher publisher;
    char dir[DIR_SIZE + 8];
    unsigned generation; /* of dir */
    uint32_t asking;     /* connection that is being answered */
    otter_ms flush_at, tend_at;
    bool dying;
    struct principal principal;
    struct identity *identity; /* NULL: to be read again */
};

static const char *const names[] = {"QUEUED",   "IN_PROGRESS", "SUCCEEDED", "FAILED",
                                    "REJECTED", "CANCELED",    "TIMED_OUT"};

const char *sim_cloud_status_name(enum cloud_status status)
{
    return names[status];
}

static void must(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "cloud: %s\n", what);
    abort();
}

/* ---- files ----------------------------------------------------------------------------------- */

/* One folder for the process, in memory where there is such a place: nothing here measures disks.
 */
static char folder[DIR_SIZE];

static void remove_folder(void)
{
    static const char *const parts[] = {"/t/otter.db",
                                        "/t/otter.db-wal",
                                        "/t/otter.db-shm",
                                        "/t",
                                        "/0/otter.db",
                                        "/0/otter.db-wal",
                                        "/0/otter.db-shm",
                                        "/0",
                                        "/1/otter.db",
                                        "/1/otter.db-wal",
                                        "/1/otter.db-shm",
                                        "/1",
                                        ""};
    char path[DIR_SIZE + 32];
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        snprintf(path, sizeof path, "%s%s", folder, parts[i]);
        (void)remove(path);
    }
}

static void make_subfolder(const char *name)
{
    char path[DIR_SIZE + 8];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    must(mkdir(path, 0700) == 0 || errno == EEXIST, "cannot make a folder");
}

static void make_folder(void)
{
    if (folder[0])
        return;
    strcpy(folder,
           access("/dev/shm", W_OK) == 0 ? "/dev/shm/otter-sim-XXXXXX" : "/tmp/otter-sim-XXXXXX");
    must(mkdtemp(folder) != NULL, "cannot make a folder");
    atexit(remove_folder);
    make_subfolder("t");
    make_subfolder("0");
    make_subfolder("1");
}

static size_t read_file(const char *dir, const char *name, uint8_t *bytes)
{
    char path[DIR_SIZE + 32];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *file = fopen(path, "rb");
    const size_t size = file ? fread(bytes, 1, FILE_MAX, file) : 0;
    if (file)
        fclose(file);
    must(size < FILE_MAX, "the database is too large");
    return size;
}

static void write_file(const char *dir, const char *name, const uint8_t *bytes, size_t size)
{
    char path[DIR_SIZE + 32];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    (void)remove(path);
    if (size == 0)
        return;
    FILE *file = fopen(path, "wb");
    must(file && fwrite(bytes, 1, size, file) == size && fclose(file) == 0, "cannot write a file");
}

/* ---- rights ---------------------------------------------------------------------------------- */

#define POLICY "device"

/* What the README gives a device. */
static const char rights[] =
    "{\"Version\":\"2012-10-17\",\"Statement\":["
    "{\"Effect\":\"Allow\",\"Action\":\"iot:Connect\","
    "\"Resource\":\"arn:aws:iot:*:*:client/${iot:Connection.Thing.ThingName}\"},"
    "{\"Effect\":\"Allow\",\"Action\":[\"iot:Publish\",\"iot:Receive\"],"
    "\"Resource\":\"arn:aws:iot:*:*:topic/$aws/things/${iot:Connection.Thing.ThingName}/*\"},"
    "{\"Effect\":\"Allow\",\"Action\":\"iot:Subscribe\",\"Resource\":"
    "\"arn:aws:iot:*:*:topicfilter/$aws/things/${iot:Connection.Thing.ThingName}/*\"}]}";

static char certificate_id[PRINCIPAL_ID_SIZE]; /* of the one in all databases */

static void forget_identity(struct sim_cloud *cloud)
{
    identity_free(cloud->core->identity);
    cloud->core->identity = NULL;
}

static void on_identity_changed(void *context, const char *certificate)
{
    (void)certificate;
    forget_identity(context);
}

bool sim_cloud_may(struct sim_cloud *cloud, const char *action, const char *type, const char *name)
{
    struct sim_core *core = cloud->core;
    core->principal.kind = PRINCIPAL_CERTIFICATE;
    strcpy(core->principal.id, certificate_id);
    const struct identity_request request = {
        .principal = &core->principal, .client_id = cloud->thing, .source_ip = "127.0.0.1"};
    if (!core->identity)
        core->identity = identity_load(&core->cloud, &request);
    const bool may = core->identity && identity_allows(core->identity, action, type, name);
    cloud->denials += !may;
    return may;
}

static void certificate_arn(char arn[160])
{
    snprintf(arn, 160, ARN("iot") "cert/%s", certificate_id);
}

/* ---- start and stop -------------------------------------------------------------------------- */

static int64_t clock_ms(void *context)
{
    return EPOCH_MS + (int64_t) * ((struct sim_cloud *)context)->now;
}

static void publish(void *context, const char *topic, const void *payload, size_t length)
{
    struct sim_cloud *cloud = context;
    if (!cloud->core->dying)
        cloud->send(cloud->ctx, 0, topic, payload, length);
}

static void on_group(void *context)
{
    struct sim_cloud *cloud = context;
    cloud->core->flush_at = *cloud->now + COMMIT_MS;
}

static void write_log(void *context, const char *area, const char *text)
{
    static int wanted = -1;
    (void)context;
    if (wanted < 0)
        wanted = getenv("OTTER_TEST_LOG") != NULL;
    if (wanted || sim_cloud_verbose)
        printf("             %-8s %s\n", area, text);
}

static void open_core(struct sim_cloud *cloud)
{
    struct sim_core *core = cloud->core;
    const struct cloud_config config = {.dir = core->dir, .now_ms = clock_ms, .now_context = cloud};
    must(core_start(&core->cloud, &config) == OTTER_OK, "the core does not start");
    core->publisher = (struct reserved_publisher){publish, cloud};
    core->cloud.notify = (struct notify){reserved_notify, &core->publisher};
    core->cloud.watch.identity_changed = on_identity_changed;
    core->cloud.watch.identity_context = cloud;
    forget_identity(cloud);
    db_group(core->cloud.db, on_group, cloud);
    core->flush_at = OTTER_NEVER;
    core->tend_at = 0;
    cloud->stale = true;
}

static void accepted(enum core_error error, struct answer *answer)
{
    if (error != CORE_OK)
        fprintf(stderr, "cloud: %s: %s\n", core_error_text(error), answer->message);
    must(error == CORE_OK, "what an operator asks for is refused");
    answer_free(answer);
}

static void make_device(struct sim_cloud *cloud)
{
    struct cloud *core = &cloud->core->cloud;
    struct answer answer = ANSWER_INIT;
    char arn[160];
    json_t *none = json_object();
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = x509_issue(cloud->thing, key, NULL, key, 1);
    char *pem = x509_text(certificate);
    must(pem != NULL, "no certificate can be made");
    accepted(thing_create(core, cloud->thing, none, &answer), &answer);
    const enum core_error error = certificate_register(core, pem, "ACTIVE", &answer);
    const char *id = json_string_value(json_object_get(answer.body, "certificateId"));
    snprintf(certificate_id, sizeof certificate_id, "%s", id ? id : "");
    accepted(error, &answer);
    certificate_arn(arn);
    accepted(thing_attach(core, cloud->thing, arn, &answer), &answer);
    accepted(policy_create(core, POLICY, rights, &answer), &answer);
    accepted(policy_attach(core, POLICY, arn, &answer), &answer);
    json_decref(none);
    free(pem);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

/* A database with the device and a bucket, made once and copied for each world. */
static size_t template(struct sim_cloud *cloud, uint8_t **bytes)
{
    static uint8_t made[FILE_MAX];
    static size_t size;
    struct answer answer = ANSWER_INIT;
    *bytes = made;
    if (size > 0)
        return size;
    cloud_log_to(write_log, NULL);
    snprintf(cloud->core->dir, sizeof cloud->core->dir, "%s/t", folder);
    open_core(cloud);
    make_device(cloud);
    accepted(bucket_create(&cloud->core->cloud, BUCKET, &answer), &answer);
    core_stop(&cloud->core->cloud);
    return size = read_file(cloud->core->dir, "otter.db", made);
}

static void next_dir(struct sim_core *core)
{
    snprintf(core->dir, sizeof core->dir, "%s/%u", folder, core->generation++ % 2);
}

void sim_cloud_start(struct sim_cloud *cloud)
{
    uint8_t *bytes;
    make_folder();
    cloud->core = calloc(1, sizeof *cloud->core);
    must(cloud->core != NULL, "out of memory");
    const size_t size = template(cloud, &bytes);
    next_dir(cloud->core);
    write_file(cloud->core->dir, "otter.db", bytes, size);
    write_file(cloud->core->dir, "otter.db-wal", NULL, 0);
    if (cloud->tend_every == 0)
        cloud->tend_every = TEND_MS;
    cloud->rights_back_at = OTTER_NEVER;
    open_core(cloud);
}

void sim_cloud_stop(struct sim_cloud *cloud)
{
    cloud->core->dying = true; /* nobody hears it any more */
    forget_identity(cloud);
    core_stop(&cloud->core->cloud);
    free(cloud->core);
    cloud->core = NULL;
}

void sim_cloud_kill(struct sim_cloud *cloud)
{
    static const char *const files[] = {"otter.db", "otter.db-wal"};
    static uint8_t bytes[2][FILE_MAX];
    size_t sizes[2];
    struct sim_core *core = cloud->core;
    for (size_t i = 0; i < 2; i++)
        sizes[i] = read_file(core->dir, files[i], bytes[i]);
    core->dying = true;
    core_stop(&core->cloud);
    core->dying = false;
    next_dir(core);
    for (size_t i = 0; i < 2; i++)
        write_file(core->dir, files[i], bytes[i], sizes[i]);
    memset(&core->cloud, 0, sizeof core->cloud);
    open_core(cloud);
    cloud->restarts++;
}

void sim_cloud_commit(struct sim_cloud *cloud)
{
    cloud->core->flush_at = OTTER_NEVER;
    must(db_flush(cloud->core->cloud.db) == OTTER_OK, "a commit failed");
}

void sim_cloud_take_rights(struct sim_cloud *cloud, otter_ms duration)
{
    struct answer answer = ANSWER_INIT;
    char arn[160];
    if (cloud->rights_back_at != OTTER_NEVER)
        return; /* they are away already */
    certificate_arn(arn);
    accepted(policy_detach(&cloud->core->cloud, POLICY, arn, &answer), &answer);
    cloud->rights_back_at = *cloud->now + duration;
    cloud->rights_taken++;
    sim_cloud_commit(cloud);
}

static void give_rights(struct sim_cloud *cloud)
{
    struct answer answer = ANSWER_INIT;
    char arn[160];
    certificate_arn(arn);
    accepted(policy_attach(&cloud->core->cloud, POLICY, arn, &answer), &answer);
    cloud->rights_back_at = OTTER_NEVER;
}

void sim_cloud_tick(struct sim_cloud *cloud)
{
    struct sim_core *core = cloud->core;
    if (cloud->rights_back_at <= *cloud->now)
        give_rights(cloud);
    while (cloud_turn(&core->cloud))
        ;
    if (core->tend_at <= *cloud->now) {
        const otter_ms wait = core_tend(&core->cloud);
        core->tend_at = *cloud->now + (wait > cloud->tend_every ? wait : cloud->tend_every);
        cloud->stale = true;
    }
    if (core->flush_at <= *cloud->now)
        sim_cloud_commit(cloud);
}

otter_ms sim_cloud_deadline(const struct sim_cloud *cloud)
{
    const struct sim_core *core = cloud->core;
    if (cloud_waits(&core->cloud))
        return *cloud->now;
    const otter_ms at = core->flush_at < core->tend_at ? core->flush_at : core->tend_at;
    return at < cloud->rights_back_at ? at : cloud->rights_back_at;
}

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
    must(held && strlen(message->topic) < sizeof held->topic, "an answer does not fit");
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
    json_object_set_new(body, "timestamp", json_integer(clock_ms(cloud) / 1000));
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
        (json_int_t)(EPOCH_MS / 1000), "lastUpdatedAt", (json_int_t)(EPOCH_MS / 1000),
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

/* ---- the operator ---------------------------------------------------------------------------- */

static json_t *put_file(struct sim_cloud *cloud, const char *id, int number, const uint8_t *data,
                        uint32_t size)
{
    struct answer answer = ANSWER_INIT;
    struct object object;
    char key[80];
    snprintf(key, sizeof key, "%s-%d", id, number);
    const struct object_upload upload = {
        .bucket = BUCKET, .key = key, .content = data, .size = size};
    accepted(object_put(&cloud->core->cloud, &upload, &object, &answer), &answer);
    return json_pack("{s:i,s:{s:s,s:s}}", "fileId", number, "s3Location", "bucket", BUCKET, "key",
                     key);
}

static void put_stream(struct sim_cloud *cloud, const char *id, const char *stream,
                       const uint8_t *data, uint32_t size)
{
    struct cloud *core = &cloud->core->cloud;
    struct answer answer = ANSWER_INIT;
    json_t *files = json_pack("[o]", put_file(cloud, id, 0, data, size));
    if (cloud->second)
        json_array_append_new(files, put_file(cloud, id, 1, cloud->second, cloud->second_size));
    cloud->second = NULL;
    json_t *members = json_pack("{s:o,s:s}", "files", files, "roleArn",
                                "arn:aws:iam::" CLOUD_ACCOUNT ":role/streams");
    accepted(streams_create(core, stream, members, &answer), &answer);
    json_decref(members);
}

/* `more` is stolen; NULL: nothing. */
static void put_job(struct sim_cloud *cloud, const char *id, const char *document, json_t *more)
{
    struct answer answer = ANSWER_INIT;
    char arn[160];
    must(cloud->job_count < SIM_CLOUD_JOBS_MAX, "too many jobs");
    snprintf(cloud->jobs[cloud->job_count].id, sizeof cloud->jobs->id, "%s", id);
    snprintf(cloud->jobs[cloud->job_count].document, sizeof cloud->jobs->document, "%s", document);
    must(strlen(document) < sizeof cloud->jobs->document, "the document is too long");
    snprintf(arn, sizeof arn, ARN("iot") "thing/%s", cloud->thing);
    json_t *members = json_pack("{s:[s],s:s}", "targets", arn, "document", document);
    if (more)
        json_object_update(members, more);
    accepted(jobs_create(&cloud->core->cloud, id, members, &answer), &answer);
    json_decref(members);
    json_decref(more);
    cloud->job_count++;
    cloud->stale = true;
    sim_cloud_commit(cloud);
}

void sim_cloud_create(struct sim_cloud *cloud, const char *id, const char *document,
                      const char *stream, const uint8_t *data, uint32_t size)
{
    if (stream)
        put_stream(cloud, id, stream, data, size);
    put_job(cloud, id, document, NULL);
    cloud->jobs[cloud->job_count - 1].data = data;
    cloud->jobs[cloud->job_count - 1].size = size;
}

void sim_cloud_create_timed(struct sim_cloud *cloud, const char *id, const char *document,
                            unsigned minutes)
{
    put_job(cloud, id, document,
            json_pack("{s:{s:i}}", "timeoutConfig", "inProgressTimeoutInMinutes", (int)minutes));
}

void sim_cloud_cancel(struct sim_cloud *cloud, const char *id)
{
    struct answer answer = ANSWER_INIT;
    const enum core_error error =
        jobs_cancel_execution(&cloud->core->cloud, cloud->thing, id, true, NULL, &answer);
    must(error == CORE_OK || error == CORE_INVALID_STATE, "a cancellation is refused");
    answer_free(&answer);
    cloud->stale = true;
    sim_cloud_commit(cloud);
}

void sim_cloud_requeue(struct sim_cloud *cloud, const char *id)
{
    struct cloud *core = &cloud->core->cloud;
    const struct sim_job *job = sim_cloud_find(cloud, id);
    const int64_t first = pending_first(core, cloud->thing);
    must(db_begin(core->db) == OTTER_OK &&
             db_run(core->db,
                    "UPDATE jobs SET status = 'IN_PROGRESS', completed = NULL WHERE id = ?", "s",
                    id) == OTTER_OK &&
             execution_queue(core, id, cloud->thing, (int64_t)job->execution + 1) == OTTER_OK &&
             db_commit(core->db) == OTTER_OK,
         "a job cannot be queued again");
    pending_notify(core, cloud->thing, first, true);
    cloud->stale = true;
    sim_cloud_commit(cloud);
}

static void other_agent(struct sim_cloud *cloud, const char *id, enum cloud_status status)
{
    struct answer answer = ANSWER_INIT;
    json_t *body = json_pack("{s:s}", "status", names[status]);
    accepted(jobs_update(&cloud->core->cloud, cloud->thing, id, body, &answer), &answer);
    json_decref(body);
}

void sim_cloud_bring_to(struct sim_cloud *cloud, const char *id, enum cloud_status status)
{
    if (status == CLOUD_CANCELED) {
        sim_cloud_cancel(cloud, id);
        return;
    }
    if (status == CLOUD_SUCCEEDED || status == CLOUD_FAILED)
        other_agent(cloud, id, CLOUD_IN_PROGRESS);
    other_agent(cloud, id, status);
    cloud->stale = true;
    sim_cloud_commit(cloud);
}

void sim_cloud_set_document(struct sim_cloud *cloud, const char *id, const char *document)
{
    must(db_run(cloud->core->cloud.db, "UPDATE jobs SET document = ? WHERE id = ?", "ss", document,
                id) == OTTER_OK,
         "a document cannot be changed");
    for (uint32_t i = 0; i < cloud->job_count; i++)
        if (strcmp(cloud->jobs[i].id, id) == 0)
            snprintf(cloud->jobs[i].document, sizeof cloud->jobs->document, "%s", document);
    sim_cloud_commit(cloud);
}

/* ---- what has become of it ------------------------------------------------------------------- */

static enum cloud_status status_of(const char *name)
{
    for (unsigned i = 0; i < CLOUD_STATUS_COUNT; i++)
        if (strcmp(names[i], name) == 0)
            return (enum cloud_status)i;
    must(false, "a status that nobody has heard of");
    return CLOUD_FAILED;
}

static void read_job(struct sim_cloud *cloud, struct sim_job *job)
{
    struct db_rows *rows = db_select(cloud->core->cloud.db,
                                     "SELECT status, version, number, details_json FROM "
                                     "job_executions WHERE thing = ? AND job = ? "
                                     "ORDER BY number DESC LIMIT 1",
                                     "ss", cloud->thing, job->id);
    must(db_next(rows), "a job has no execution");
    job->status = status_of(db_text(rows, 0));
    job->version = (uint32_t)db_int(rows, 1);
    job->execution = (uint32_t)db_int(rows, 2);
    const char *details = db_text(rows, 3);
    must(!details || strlen(details) < sizeof job->details, "statusDetails are too long");
    strcpy(job->details, details ? details : "");
    json_t *map = json_loads(job->details, 0, NULL);
    const char *reason = json_string_value(json_object_get(map, "reason"));
    snprintf(job->reason, sizeof job->reason, "%s", reason ? reason : "");
    json_decref(map);
    must(db_done(rows) == OTTER_OK, "the database cannot be read");
}

static void refresh(struct sim_cloud *cloud)
{
    for (uint32_t i = 0; cloud->stale && i < cloud->job_count; i++)
        read_job(cloud, &cloud->jobs[i]);
    cloud->stale = false;
}

const struct sim_job *sim_cloud_job(struct sim_cloud *cloud, uint32_t index)
{
    refresh(cloud);
    return index < cloud->job_count ? &cloud->jobs[index] : NULL;
}

const struct sim_job *sim_cloud_find(struct sim_cloud *cloud, const char *id)
{
    for (uint32_t i = 0; i < cloud->job_count; i++)
        if (strcmp(cloud->jobs[i].id, id) == 0)
            return sim_cloud_job(cloud, i);
    return NULL;
}
