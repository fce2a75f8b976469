/* The agent's messages: requests out, replies turned into events of the table. */
#include <stdio.h>
#include <string.h>

#include "port/log.h"
#include "services/ota/agent.h"
#include "services/ota/job_document.h"

#define WARN_AGAIN_MS 600000u /* at least, between two warnings of the same job */

_Static_assert(OTA_MQTT_OUTPUT_MIN == OTA_PREFIX_MAX + sizeof("jobs//update") - 1 + OTA_JOB_ID_MAX +
                                          OTA_REPORT_MAX + MQTT_OUTPUT_OVERHEAD,
               "the longest message that goes out is the update of a job");

/* clientTokens: replies to updates are told apart by a letter, as an old one is as good as a new
 * one; those to get requests by letter and number. */
enum token {
    TOKEN_ASK = 'g',
    TOKEN_DESCRIBE = 'd',
    TOKEN_ACCEPT = 'a',
    TOKEN_PROGRESS = 'p',
    TOKEN_READY = 'r',
    TOKEN_TRYING = 't',
    TOKEN_FINAL = 'f'
};

/* --- out --- */

static void on_result(void *ctx, otter_ms now, struct mqtt_ticket *ticket, otter_status status)
{
    (void)now, (void)ticket, (void)status; /* without an answer the state sends again */
    ((struct ota *)ctx)->wake = 0;
}

/* One at a time: the next one waits for the PUBACK. */
static otter_status send(struct ota *ota, otter_ms now, const char *topic_format, const char *name,
                         const char *payload, int length)
{
    struct mqtt_ticket *ticket = &ota->ticket;
    if (length < 0)
        return (otter_status)length;
    if (mqtt_ticket_held(ticket))
        return OTTER_E_AGAIN;
    snprintf(ota->topic, sizeof ota->topic, topic_format, name);
    memcpy(ota->payload, payload, (size_t)length);
    *ticket = (struct mqtt_ticket){.topic = ota->topic,
                                   .payload = ota->payload,
                                   .length = (size_t)length,
                                   .on_result = on_result};
    return mqtt_send(ota->config.mqtt, now, &ota->service, ticket);
}

otter_status ota_send_ask(struct ota *ota, otter_ms now)
{
    char payload[72];
    const int length = snprintf(payload, sizeof payload, "{%s\"clientToken\":\"%c%lu\"}",
                                ota->brief ? "\"includeJobDocument\":false," : "", TOKEN_ASK,
                                (unsigned long)++ota->counter);
    return send(ota, now, "jobs/%s/get", "$next", payload, length);
}

otter_status ota_send_describe(struct ota *ota, otter_ms now)
{
    char payload[72];
    const int length = snprintf(payload, sizeof payload,
                                "{\"includeJobDocument\":false,\"clientToken\":\"%c%lu\"}",
                                TOKEN_DESCRIBE, (unsigned long)++ota->counter);
    return send(ota, now, "jobs/%s/get", ota->record.job.id, payload, length);
}

static otter_status send_report(struct ota *ota, otter_ms now, const struct ota_report *report)
{
    char payload[OTA_REPORT_MAX + 1];
    const int length = ota_report_write(report, payload, sizeof payload);
    return send(ota, now, "jobs/%s/update", ota->record.job.id, payload, length);
}

static struct ota_report report_of(const struct ota *ota, enum token token)
{
    static const struct image_version unknown = {0, 0, 0, 0};
    const struct ota_record *record = &ota->record;
    const bool known = image_version_compare(&record->version, &unknown) != 0;
    return (struct ota_report){
        .token = (char)token,
        .status = "IN_PROGRESS",
        .phase = ota_phase_text(ota_phase_of(ota)),
        .version = known ? &record->version : NULL,
        .running = &ota->running,
        .execution = record->job.execution,
    };
}

static void add_progress(const struct ota *ota, struct ota_report *report)
{
    const struct ota_status status = ota_status(ota);
    report->phase = ota_phase_text(OTA_PHASE_DOWNLOAD);
    report->blocks_received = status.blocks_received;
    report->blocks_total = status.blocks_total;
    report->bytes_received = status.bytes_received;
    report->bytes_total = status.bytes_total;
}

otter_status ota_send_progress(struct ota *ota, otter_ms now)
{
    struct ota_report report = report_of(ota, TOKEN_PROGRESS);
    char payload[OTA_REPORT_MAX + 1];
    char topic[sizeof ota->topic];
    add_progress(ota, &report);
    const int length = ota_report_write(&report, payload, sizeof payload);
    if (length < 0)
        return (otter_status)length;
    snprintf(topic, sizeof topic, "jobs/%s/update", ota->record.job.id);
    return mqtt_publish(ota->config.mqtt, now, &ota->service, topic, payload, (size_t)length);
}

static struct ota_report final_report(const struct ota *ota)
{
    static const char *const results[] = {"FAILED", "SUCCEEDED", "FAILED", "REJECTED"};
    struct ota_report report = report_of(ota, TOKEN_FINAL);
    report.status = results[ota->record.result];
    report.phase = "done";
    report.reason = ota->record.reason;
    if (ota->record.result == OTA_SUCCEEDED)
        report.updated_by = &ota->record.previous;
    if (ota->plain)
        report.phase = NULL;
    return report;
}

static struct ota_report self_test_report(const struct ota *ota, enum token token, const char *word)
{
    struct ota_report report = report_of(ota, token);
    report.self_test = word;
    report.updated_by = &ota->running;
    return report;
}

otter_status ota_send_update(struct ota *ota, otter_ms now)
{
    struct ota_report report = {0};
    switch (ota->state) {
    case OTA_ACCEPTING:
        report = report_of(ota, TOKEN_ACCEPT);
        add_progress(ota, &report);
        report.expected_version = ota->version;
        break;
    case OTA_READYING:
        report = self_test_report(ota, TOKEN_READY, "ready");
        break;
    case OTA_TRYING:
        report = self_test_report(ota, TOKEN_TRYING, "active");
        break;
    default:
        report = final_report(ota);
        break;
    }
    return send_report(ota, now, &report);
}

/* --- in --- */

static bool reply_to_get(const struct ota *ota, const struct ota_reply *reply, enum token token)
{
    return reply->token == '\0' || (reply->token == (char)token && reply->counter == ota->counter);
}

const char *ota_hold_text(enum ota_hold hold)
{
    static const char *const texts[] = {
        [OTA_HOLD_NONE] = "",
        [OTA_HOLD_CLAIMED] = "it waits for another service of this firmware",
        [OTA_HOLD_OVER] = "it is over for this device but still offered: cancel it in the cloud",
        [OTA_HOLD_RESTING] = "jobs before it came to nothing; it is taken up later",
        [OTA_HOLD_UNREADABLE] = "its description cannot be read even without the job document",
    };
    return texts[hold];
}

/* What is first in the list and stays there holds up what is behind it: that has to be seen. */
static void held_up(struct ota *ota, otter_ms now, const char *job_id, enum ota_hold hold)
{
    const bool known = hold == ota->hold && strcmp(ota->held_by, job_id) == 0;
    if (known && now - ota->warned_at < WARN_AGAIN_MS)
        return;
    ota->hold = (uint8_t)hold;
    snprintf(ota->held_by, sizeof ota->held_by, "%s", job_id);
    ota->warned_at = now;
    LOG_WRN(OTA_TAG, "job %s may hold up updates: %s", job_id, ota_hold_text(hold));
}

static void no_hold(struct ota *ota)
{
    ota->hold = OTA_HOLD_NONE;
    ota->held_by[0] = '\0';
    ota->offered_again = 0;
}

/* For now; it is asked for again, ever more rarely. */
static enum ota_event leave(struct ota *ota, otter_ms now, const char *job_id, enum ota_hold hold)
{
    memset(&ota->record, 0, sizeof ota->record);
    held_up(ota, now, job_id, hold);
    if (ota->offered_again < UINT8_MAX)
        ota->offered_again++;
    return OTA_EV_LEFT;
}

/* A job of somebody else: left to whoever claims it, else refused. */
static enum ota_event examine_foreign(struct ota *ota, otter_ms now, const struct ota_reply *reply,
                                      const struct json *json)
{
    const struct ota_config *config = &ota->config;
    if (config->claims == NULL ||
        !config->claims(config->ctx, reply->job_id, json, reply->document))
        return ota_fail(ota, "no service of this device takes the job (no afr_ota in it)");
    memset(&ota->record, 0, sizeof ota->record);
    held_up(ota, now, reply->job_id, OTA_HOLD_CLAIMED);
    return OTA_EV_LEFT;
}

/* The answer to a brief request, after a description that could not be read. Only a job that was
 * the next one before and after such a description has it for sure. */
static enum ota_event examine_briefly(struct ota *ota, otter_ms now, const struct ota_reply *reply)
{
    if (strcmp(ota->suspect, reply->job_id) == 0)
        return ota_fail(ota,
                        "the job is too large to be read: at most %lu bytes in %u parts with topic "
                        "and status",
                        (unsigned long)mqtt_input_max(ota->config.mqtt),
                        (unsigned)ota->config.token_count);
    memcpy(ota->suspect, reply->job_id, sizeof ota->suspect);
    memset(&ota->record, 0, sizeof ota->record);
    ota->brief = false;
    ota_send_again(ota, now);
    return OTA_EV_NONE;
}

static enum ota_event examine(struct ota *ota, otter_ms now, const struct ota_reply *reply,
                              const struct json *json)
{
    uint8_t mark[OTA_MARK_SIZE];
    const struct ota_job_limits limits = {
        .file_size_max = ota->config.image_size_max,
        .block_size = ota->config.block_size,
        .sources = ota->config.sources,
        .source_count = ota->config.source_count,
#if OTA_IMAGES_MAX > 1
        .partners = ota->config.partners,
        .partner_count = ota->config.partner_count,
#endif
    };
    struct ota_record *record = &ota->record;
    memset(record, 0, sizeof *record);
    memcpy(record->job.id, reply->job_id, sizeof record->job.id);
    record->job.execution = reply->execution;
    record->job.queued_at = reply->queued_at;
    record->previous = ota->running;
    ota->version = reply->version;
    ota->queued = reply->queued;
    ota_job_mark(&record->job, mark);
    if (memcmp(mark, ota->past.mark, sizeof mark) == 0)
        return leave(ota, now, reply->job_id, OTA_HOLD_OVER);
    if (now < ota->rest_until)
        return leave(ota, now, reply->job_id, OTA_HOLD_RESTING);
    no_hold(ota);
    if (ota->brief)
        return examine_briefly(ota, now, reply);
    switch (ota_job_document(json, reply->document, &limits, &record->job, record->reason)) {
    case OTA_DOCUMENT_FOREIGN:
        return examine_foreign(ota, now, reply, json);
    case OTA_DOCUMENT_REFUSED:
        record->result = ota->queued ? OTA_REJECTED : OTA_FAILED;
        return OTA_EV_FAIL;
    case OTA_DOCUMENT_OK:
        break;
    }
    ota_choose_source(ota);
    LOG_INF(OTA_TAG, "job %s: firmware of %lu bytes", reply->job_id,
            (unsigned long)record->job.file_size);
    return OTA_EV_SUITABLE;
}

/* The job service has answered. Before the confirmation the secondary slot holds the way back. */
static bool may_take_a_job(struct ota *ota)
{
    ota_trial_reached_cloud(ota);
    return !ota->on_trial;
}

static void on_unreadable(struct ota *ota, otter_ms now, uint32_t length)
{
    if (!may_take_a_job(ota))
        return;
    if (ota->brief) { /* asked again by and by */
        held_up(ota, now, "(unknown)", OTA_HOLD_UNREADABLE);
        return;
    }
    LOG_WRN(OTA_TAG, "the next job's description (%lu bytes) cannot be read",
            (unsigned long)length);
    ota_dispatch(ota, now, OTA_EV_UNREADABLE);
}

static void on_next(struct ota *ota, otter_ms now, const struct mqtt_message *message)
{
    struct ota_reply reply;
    struct json json;
    if (ota->state != OTA_ASKING)
        return;
    const bool readable = ota_reply_read(&reply, &json, ota->config.tokens, ota->config.token_count,
                                         message->payload, message->payload_length);
    if (readable && !reply_to_get(ota, &reply, TOKEN_ASK))
        return;
    if (!readable) {
        on_unreadable(ota, now, (uint32_t)message->payload_length);
        return;
    }
    if (!may_take_a_job(ota))
        return;
    if (!reply.queued && !reply.in_progress) {
        no_hold(ota);
        ota_dispatch(ota, now, OTA_EV_NO_JOB);
        return;
    }
    ota_dispatch(ota, now, examine(ota, now, &reply, &json));
}

static void on_described(struct ota *ota, otter_ms now, const struct ota_reply *reply)
{
    const uint32_t execution = ota->record.job.execution;
    if (!reply_to_get(ota, reply, TOKEN_DESCRIBE) || !reply->has_execution)
        return;
    ota->doubt_deadline = OTTER_NEVER;
    if ((!reply->queued && !reply->in_progress) ||
        (execution != 0 && reply->execution != 0 && execution != reply->execution)) {
        ota_dispatch(ota, now, OTA_EV_GONE);
        return;
    }
    ota->queued = reply->queued;
    ota->version = reply->version;
    ota_dispatch(ota, now, OTA_EV_DESCRIBED);
}

static void on_not_described(struct ota *ota, otter_ms now, const struct ota_reply *reply)
{
    if (!reply_to_get(ota, reply, TOKEN_DESCRIBE))
        return;
    ota->doubt_deadline = OTTER_NEVER;
    if (reply->terminal)
        ota_dispatch(ota, now, OTA_EV_GONE);
    else
        LOG_WRN(OTA_TAG, "the job's description was refused: %s", reply->code);
}

static char token_of_state(const struct ota *ota)
{
    switch (ota->state) {
    case OTA_ACCEPTING:
        return TOKEN_ACCEPT;
    case OTA_READYING:
        return TOKEN_READY;
    case OTA_TRYING:
        return TOKEN_TRYING;
    case OTA_REPORTING:
        return TOKEN_FINAL;
    default:
        return '?';
    }
}

static void on_updated(struct ota *ota, otter_ms now, const struct ota_reply *reply)
{
    if (reply->token != '\0' && reply->token != token_of_state(ota))
        return;
    mqtt_connection_useful(ota->config.mqtt, &ota->service);
    ota_dispatch(ota, now, OTA_EV_ACCEPTED);
}

static void on_not_updated(struct ota *ota, otter_ms now, const struct ota_reply *reply)
{
    const bool ours = reply->token == '\0' || reply->token == token_of_state(ota);
    LOG_WRN(OTA_TAG, "an update of job %s was refused: %s", ota->record.job.id, reply->code);
    if (reply->terminal)
        ota_dispatch(ota, now, OTA_EV_GONE);
    else if (ours && reply->invalid)
        ota_dispatch(ota, now, OTA_EV_INVALID);
    else if (ours && reply->conflict)
        ota_dispatch(ota, now, OTA_EV_CONFLICT);
    else if (ours && reply->barred)
        ota_dispatch(ota, now, OTA_EV_BARRED);
}

static void on_jobs_message(struct ota *ota, otter_ms now, enum ota_topic topic,
                            const struct mqtt_message *message)
{
    struct ota_reply reply;
    struct json json;
    const bool readable = ota_reply_read(&reply, &json, ota->config.tokens, ota->config.token_count,
                                         message->payload, message->payload_length);
    if (topic == OTA_TOPIC_NOTIFY_NEXT) {
        const bool ours = readable && reply.has_execution && ota_has_job(ota) &&
                          strcmp(reply.job_id, ota->record.job.id) == 0;
        if (!ours)
            ota_dispatch(ota, now, OTA_EV_NOTIFIED);
        return;
    }
    if (!readable)
        LOG_WRN(OTA_TAG, "a reply of the job service cannot be read");
    else if (topic == OTA_TOPIC_DESCRIBED)
        on_described(ota, now, &reply);
    else if (topic == OTA_TOPIC_NOT_DESCRIBED)
        on_not_described(ota, now, &reply);
    else if (topic == OTA_TOPIC_UPDATED)
        on_updated(ota, now, &reply);
    else if (topic == OTA_TOPIC_NOT_UPDATED)
        on_not_updated(ota, now, &reply);
    else
        LOG_WRN(OTA_TAG, "the request for a job was refused: %s", reply.code);
}

static void on_message(void *ctx, otter_ms now, const struct mqtt_message *message)
{
    struct ota *ota = ctx;
    const enum ota_topic topic =
        ota_topic_read(message->topic, message->topic_length, &ota->record.job);
    if (topic == OTA_TOPIC_OTHER)
        return;
    ota->wake = 0;
    if (topic == OTA_TOPIC_NEXT)
        on_next(ota, now, message);
    else
        on_jobs_message(ota, now, topic, message);
}

static void on_oversized(void *ctx, otter_ms now, const char *topic, size_t topic_length,
                         uint32_t length)
{
    struct ota *ota = ctx;
    const enum ota_topic about = ota_topic_read(topic, topic_length, &ota->record.job);
    if (about == OTA_TOPIC_OTHER)
        return;
    ota->wake = 0;
    if (about == OTA_TOPIC_NOTIFY_NEXT)
        ota_dispatch(ota, now, OTA_EV_NOTIFIED);
    else if (about == OTA_TOPIC_NEXT && ota->state == OTA_ASKING)
        on_unreadable(ota, now, length);
}

/* --- on the session --- */

static void on_online(void *ctx, otter_ms now, otter_status granted)
{
    struct ota *ota = ctx;
    (void)now;
    if (granted != OTTER_OK)
        LOG_WRN(OTA_TAG,
                "subscriptions to $aws/things/%s/jobs/... are not granted (policy?); "
                "going on without",
                ota->config.thing_name);
    ota->connected = true;
    ota->wake = 0;
}

static void on_offline(void *ctx, otter_ms now)
{
    struct ota *ota = ctx;
    (void)now;
    ota->connected = ota->online = false;
    ota->doubt_deadline = OTTER_NEVER;
    ota->wake = 0;
}

otter_status ota_register(struct ota *ota, otter_ms now)
{
    static const char *const filters[OTA_JOB_FILTERS] = {"jobs/notify-next", "jobs/+/get/+",
                                                         "jobs/+/update/+"};
    snprintf(ota->prefix, sizeof ota->prefix, "$aws/things/%s/", ota->config.thing_name);
    ota->service = (struct mqtt_service){.prefix = ota->prefix,
                                         .on_message = on_message,
                                         .on_oversized = on_oversized,
                                         .on_online = on_online,
                                         .on_offline = on_offline,
                                         .ctx = ota};
    mqtt_register(ota->config.mqtt, &ota->service);
    for (size_t i = 0; i < OTA_JOB_FILTERS; i++) {
        ota->jobs[i] = (struct mqtt_subscription){.filter = filters[i], .qos = 1};
        const otter_status status =
            mqtt_subscribe(ota->config.mqtt, now, &ota->service, &ota->jobs[i]);
        if (status != OTTER_OK)
            return status;
    }
    return OTTER_OK;
}
