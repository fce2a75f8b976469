/* The agent as a handler of jobs: takes those with afr_ota, hears what becomes of them, and tells
 * how the update goes. */
#include <string.h>

#include "port/log.h"
#include "services/ota/agent.h"
#include "services/ota/job_document.h"

/* clientTokens of the agent's updates. */
enum token {
    TOKEN_ACCEPT = 'a',
    TOKEN_PROGRESS = 'p',
    TOKEN_READY = 'r',
    TOKEN_TRYING = 't',
    TOKEN_FINAL = 'f'
};

/* --- out --- */

static struct ota_report report_of(const struct ota *ota)
{
    static const struct image_version unknown = {0, 0, 0, 0};
    const struct ota_record *record = &ota->record;
    const bool known = image_version_compare(&record->version, &unknown) != 0;
    return (struct ota_report){
        .phase = ota_phase_text(ota_phase_of(ota)),
        .version = known ? &record->version : NULL,
        .running = &ota->running,
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

static struct jobs_update update_of(enum token token, struct ota_report *report)
{
    return (struct jobs_update){.token = (char)token,
                                .status = "IN_PROGRESS",
                                .add_details = ota_report_details,
                                .ctx = report};
}

otter_status ota_send_progress(struct ota *ota, otter_ms now)
{
    struct ota_report report = report_of(ota);
    const struct jobs_update update = update_of(TOKEN_PROGRESS, &report);
    add_progress(ota, &report);
    return jobs_mention(ota->config.jobs, now, &update);
}

static void report_self_test(const struct ota *ota, struct ota_report *report, const char *word)
{
    report->self_test = word;
    report->updated_by = &ota->running;
}

static void report_end(const struct ota *ota, struct ota_report *report)
{
    report->phase = "done";
    report->reason = ota->record.reason;
    if (ota->record.result == OTA_SUCCEEDED)
        report->updated_by = &ota->record.previous;
}

otter_status ota_send_update(struct ota *ota, otter_ms now)
{
    static const char *const results[] = {"FAILED", "SUCCEEDED", "FAILED", "REJECTED"};
    struct ota_report report = report_of(ota);
    struct jobs_update update;
    switch (ota->state) {
    case OTA_ACCEPTING:
        update = update_of(TOKEN_ACCEPT, &report);
        add_progress(ota, &report);
        update.expected_version = jobs_version(ota->config.jobs);
        break;
    case OTA_READYING:
        update = update_of(TOKEN_READY, &report);
        report_self_test(ota, &report, "ready");
        break;
    case OTA_TRYING:
        update = update_of(TOKEN_TRYING, &report);
        report_self_test(ota, &report, "active");
        break;
    default:
        update = update_of(TOKEN_FINAL, &report);
        update.status = results[ota->record.result];
        report_end(ota, &report);
        if (ota->plain)
            update.add_details = NULL;
        break;
    }
    return jobs_send_update(ota->config.jobs, now, &update);
}

otter_status ota_send_describe(struct ota *ota, otter_ms now)
{
    (void)now;
    jobs_recheck(ota->config.jobs);
    return OTTER_OK;
}

/* --- in --- */

/* record.reason says why. */
static void refuse(struct ota *ota, otter_ms now)
{
    ota->record.result = jobs_queued(ota->config.jobs) ? OTA_REJECTED : OTA_FAILED;
    ota_dispatch(ota, now, OTA_EV_FAIL);
}

static enum jobs_answer on_offer(void *ctx, otter_ms now, const struct jobs_offer *offer)
{
    struct ota *ota = ctx;
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
    if (ota->state != OTA_IDLE)
        return JOBS_LATER; /* about to restart */
    memset(record, 0, sizeof *record);
    const enum ota_document document =
        ota_job_document(offer->json, offer->document, &limits, &record->job, record->reason);
    if (document == OTA_DOCUMENT_FOREIGN)
        return JOBS_NOT_MINE;
    memcpy(record->job.id, offer->execution->id, sizeof record->job.id);
    record->job.execution = offer->execution->number;
    record->job.queued_at = offer->execution->queued_at;
    record->previous = ota->running;
    ota->wake = 0;
    if (document == OTA_DOCUMENT_REFUSED) {
        refuse(ota, now);
        return JOBS_TAKEN;
    }
    ota_choose_source(ota);
    ota->source->wants_document &= ota_files(ota) > 1; /* of a set's it has read the last one */
    LOG_INF(OTA_TAG, "job %s: firmware of %lu bytes", record->job.id,
            (unsigned long)record->job.file_size);
    ota_dispatch(ota, now, OTA_EV_SUITABLE);
    return JOBS_TAKEN;
}

#if OTA_SOURCES_MAX > 1

/* The one at work has failed, and record.reason says how. */
static void next_source(struct ota *ota, otter_ms now, const struct jobs_offer *offer)
{
    const unsigned at = ota->source_at + 1u;
    char reason[OTA_REASON_MAX + 1];
    struct ota_job *job = &ota->record.job;
    struct ota_source *source = ota_job_source(
        offer->json, offer->document, ota->config.sources + at, ota->config.source_count - at);
    if (source == NULL || !ota_job_reread(offer->json, offer->document, source, job, reason)) {
        ota_dispatch(ota, now, OTA_EV_FAIL);
        return;
    }
    job->protocol = source->ops->protocol;
    ota_choose_source(ota);
    source->wants_document = false; /* it has just read it */
    ota->record.result = OTA_RESULT_NONE;
    if (ota->record.phase != OTA_RECORD_NONE)
        (void)ota_save(ota); /* else the next life comes here again */
    ota_dispatch(ota, now, OTA_EV_FETCH);
}

#endif

static void on_document(void *ctx, otter_ms now, const struct jobs_offer *offer)
{
    struct ota *ota = ctx;
    struct ota_record *record = &ota->record;
    struct ota_source *source = ota->source;
    if (!source->wants_document || !ota_needs_source(ota))
        return;
#if OTA_SOURCES_MAX > 1
    if (ota->gives_up) {
        next_source(ota, now, offer);
        return;
    }
#endif
    if (!ota_job_reread(offer->json, offer->document, source, &record->job, record->reason))
        refuse(ota, now);
}

static void on_event(void *ctx, otter_ms now, enum jobs_event event)
{
    static const uint8_t events[] = {
        [JOBS_ONLINE] = OTA_EV_ONLINE,       [JOBS_OFFLINE] = OTA_EV_NONE,
        [JOBS_DESCRIBED] = OTA_EV_DESCRIBED, [JOBS_GONE] = OTA_EV_GONE,
        [JOBS_ACCEPTED] = OTA_EV_ACCEPTED,   [JOBS_CONFLICT] = OTA_EV_CONFLICT,
        [JOBS_BARRED] = OTA_EV_BARRED,       [JOBS_INVALID] = OTA_EV_INVALID,
        [JOBS_ENDED] = OTA_EV_NONE,
    };
    struct ota *ota = ctx;
    ota->wake = 0;
    if (event == JOBS_OFFLINE)
        ota->online = false;
    if (event == JOBS_ONLINE) {
        if (!ota->was_online)
            ota_count_restart(ota);
        ota->online = ota->was_online = true;
    }
    ota_dispatch(ota, now, (enum ota_event)events[event]);
}

/* The job service has answered. Before the confirmation the secondary slot holds the way back. */
static bool may_begin(void *ctx)
{
    struct ota *ota = ctx;
    ota_trial_reached_cloud(ota);
    return !ota->on_trial;
}

static void on_close(void *ctx, const struct jobs_past *past)
{
    struct ota *ota = ctx;
    const otter_status status = ota_record_close(ota->config.kv, &ota->record, past);
    if (status != OTTER_OK)
        LOG_ERR(OTA_TAG, "cannot clear the update's record: %s", otter_status_text(status));
}

void ota_register(struct ota *ota)
{
    ota->handler = (struct jobs_handler){.on_offer = on_offer,
                                         .on_event = on_event,
                                         .on_document = on_document,
                                         .may_begin = may_begin,
                                         .on_close = on_close,
                                         .ctx = ota};
    jobs_add(ota->config.jobs, &ota->handler);
    if (!ota_has_job(ota))
        return;
    const struct jobs_execution execution = ota_job_execution(&ota->record.job);
    jobs_resume(ota->config.jobs, &ota->handler, &execution);
}
