/* Who runs the simulated cloud: devices and rights, jobs, and what has become of them. */
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/core/account/objects.h"
#include "cloud/core/ground/x509.h"
#include "cloud/core/jobs/jobs_internal.h"
#include "cloud/core/registry/registry.h"
#include "cloud/core/streams/streams.h"
#include "tests/sim/ota/sim_cloud_internal.h"

#define ARN(what) "arn:aws:" what ":" CLOUD_REGION ":" CLOUD_ACCOUNT ":"

static const char *const names[] = {"QUEUED",   "IN_PROGRESS", "SUCCEEDED", "FAILED",
                                    "REJECTED", "CANCELED",    "TIMED_OUT"};

const char *sim_cloud_status_name(enum cloud_status status)
{
    return names[status];
}

/* ---- rights ---------------------------------------------------------------------------------- */

#define POLICY "device"
#define REST   "device-that-subscribes-to-nothing"

/* What the README gives a device. */
static const char rights[] =
    "{\"Version\":\"2012-10-17\",\"Statement\":["
    "{\"Effect\":\"Allow\",\"Action\":\"iot:Connect\","
    "\"Resource\":\"arn:aws:iot:*:*:client/${iot:Connection.Thing.ThingName}\"},"
    "{\"Effect\":\"Allow\",\"Action\":[\"iot:Publish\",\"iot:Receive\"],"
    "\"Resource\":\"arn:aws:iot:*:*:topic/$aws/things/${iot:Connection.Thing.ThingName}/*\"},"
    "{\"Effect\":\"Allow\",\"Action\":\"iot:Subscribe\",\"Resource\":"
    "\"arn:aws:iot:*:*:topicfilter/$aws/things/${iot:Connection.Thing.ThingName}/*\"}]}";

static const char rest[] = "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\","
                           "\"Action\":[\"iot:Connect\",\"iot:Publish\",\"iot:Receive\"],"
                           "\"Resource\":\"*\"}]}";

static char certificate_id[PRINCIPAL_ID_SIZE]; /* of the one in all databases */

void sim_forget_identity(struct sim_cloud *cloud)
{
    identity_free(cloud->core->identity);
    cloud->core->identity = NULL;
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

void sim_make_device(struct sim_cloud *cloud)
{
    struct cloud *core = &cloud->core->cloud;
    struct answer answer = ANSWER_INIT;
    char arn[160];
    json_t *none = json_object();
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = x509_issue(cloud->thing, key, NULL, key, cloud_now(core), 1);
    char *pem = x509_text(certificate);
    sim_must(pem != NULL, "no certificate can be made");
    sim_accepted(thing_create(core, cloud->thing, none, &answer), &answer);
    const enum core_error error = certificate_register(core, pem, "ACTIVE", &answer);
    const char *id = json_string_value(json_object_get(answer.body, "certificateId"));
    snprintf(certificate_id, sizeof certificate_id, "%s", id ? id : "");
    sim_accepted(error, &answer);
    certificate_arn(arn);
    sim_accepted(thing_attach(core, cloud->thing, arn, &answer), &answer);
    sim_accepted(policy_create(core, POLICY, rights, &answer), &answer);
    sim_accepted(policy_attach(core, POLICY, arn, &answer), &answer);
    sim_accepted(policy_create(core, REST, rest, &answer), &answer);
    json_decref(none);
    free(pem);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

void sim_cloud_take_rights(struct sim_cloud *cloud, bool all, otter_ms duration)
{
    struct answer answer = ANSWER_INIT;
    char arn[160];
    if (cloud->rights_back_at != OTTER_NEVER)
        return; /* they are away already */
    certificate_arn(arn);
    sim_accepted(policy_detach(&cloud->core->cloud, POLICY, arn, &answer), &answer);
    if (!all)
        sim_accepted(policy_attach(&cloud->core->cloud, REST, arn, &answer), &answer);
    cloud->rights_back_at = *cloud->now + duration;
    cloud->rights_taken++;
    sim_cloud_commit(cloud);
}

void sim_give_rights(struct sim_cloud *cloud)
{
    struct answer answer = ANSWER_INIT;
    char arn[160];
    certificate_arn(arn);
    sim_accepted(policy_attach(&cloud->core->cloud, POLICY, arn, &answer), &answer);
    cloud->rights_back_at = OTTER_NEVER;
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
        .bucket = SIM_BUCKET, .key = key, .content = data, .size = size};
    sim_accepted(object_put(&cloud->core->cloud, &upload, &object, &answer), &answer);
    return json_pack("{s:i,s:{s:s,s:s}}", "fileId", number, "s3Location", "bucket", SIM_BUCKET,
                     "key", key);
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
    sim_accepted(streams_create(core, stream, members, &answer), &answer);
    json_decref(members);
}

/* `more` is stolen; NULL: nothing. */
static void put_job(struct sim_cloud *cloud, const char *id, const char *document, json_t *more)
{
    struct answer answer = ANSWER_INIT;
    char arn[160];
    sim_must(cloud->job_count < SIM_CLOUD_JOBS_MAX, "too many jobs");
    snprintf(cloud->jobs[cloud->job_count].id, sizeof cloud->jobs->id, "%s", id);
    snprintf(cloud->jobs[cloud->job_count].document, sizeof cloud->jobs->document, "%s", document);
    sim_must(strlen(document) < sizeof cloud->jobs->document, "the document is too long");
    snprintf(arn, sizeof arn, ARN("iot") "thing/%s", cloud->thing);
    json_t *members = json_pack("{s:[s],s:s}", "targets", arn, "document", document);
    if (more)
        json_object_update(members, more);
    sim_accepted(jobs_create(&cloud->core->cloud, id, members, &answer), &answer);
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
    sim_must(error == CORE_OK || error == CORE_INVALID_STATE, "a cancellation is refused");
    answer_free(&answer);
    cloud->stale = true;
    sim_cloud_commit(cloud);
}

void sim_cloud_requeue(struct sim_cloud *cloud, const char *id)
{
    struct cloud *core = &cloud->core->cloud;
    const struct sim_job *job = sim_cloud_find(cloud, id);
    const int64_t first = pending_first(core, cloud->thing);
    sim_must(db_begin(core->db) == OTTER_OK &&
                 db_run(core->db,
                        "UPDATE jobs SET status = 'IN_PROGRESS', completed = NULL WHERE id = ?",
                        "s", id) == OTTER_OK &&
                 execution_queue(core, id, cloud->thing, (int64_t)job->execution + 1, 0) ==
                     OTTER_OK &&
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
    sim_accepted(jobs_update(&cloud->core->cloud, cloud->thing, id, body, &answer), &answer);
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
    sim_must(db_run(cloud->core->cloud.db, "UPDATE jobs SET document = ? WHERE id = ?", "ss",
                    document, id) == OTTER_OK,
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
    sim_must(false, "a status that nobody has heard of");
    return CLOUD_FAILED;
}

static void read_job(struct sim_cloud *cloud, struct sim_job *job)
{
    struct db_rows *rows = db_select(cloud->core->cloud.db,
                                     "SELECT status, version, number, details_json FROM "
                                     "job_executions WHERE thing = ? AND job = ? "
                                     "ORDER BY number DESC LIMIT 1",
                                     "ss", cloud->thing, job->id);
    sim_must(db_next(rows), "a job has no execution");
    job->status = status_of(db_text(rows, 0));
    job->version = (uint32_t)db_int(rows, 1);
    job->execution = (uint32_t)db_int(rows, 2);
    const char *details = db_text(rows, 3);
    sim_must(!details || strlen(details) < sizeof job->details, "statusDetails are too long");
    strcpy(job->details, details ? details : "");
    json_t *map = json_loads(job->details, 0, NULL);
    const char *reason = json_string_value(json_object_get(map, "reason"));
    snprintf(job->reason, sizeof job->reason, "%s", reason ? reason : "");
    json_decref(map);
    sim_must(db_done(rows) == OTTER_OK, "the database cannot be read");
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
