/* The update agent's state machine: one table of state, event, action and next state. A row for
 * OTA_EV_TIMEOUT carries the state's deadline, so that a wait without one shows at a glance.
 *
 *   OFFLINE -> IDLE                      nothing to do
 *                |
 *              PROBING -> ACCEPTING -> PREPARING -> DOWNLOADING -> VERIFYING -> READYING
 *                                                                                  |
 *   RESETTING <- INSTALLED <- ACTIVATING <-----------------------------------------+
 *
 *   VERIFYING -> PATCHING -> VERIFYING   of a patch or a compressed file, then of what it became
 *   VERIFYING -> PREPARING               of one file of several: the next one
 *
 *   OFFLINE -> DESCRIBING                after a reset with a job in the record: to any of the
 *                 |                      states above, or
 *              TRYING -> TESTING -> REPORTING -> IDLE
 *
 * From every state: a job that is gone leads to IDLE, a failure to REPORTING, a trial that may
 * not go on to RESETTING.
 *
 * Order of an event: the row's action, then its next state is entered, then the event that the
 * action returned is dispatched, in that state. So an action still sees the state that it ends, and
 * what it returns is looked up in the one that follows.
 *
 * What holds in each state, beside the table's rows; "the job" is that of `record`, its phase the
 * one that flash has (record.h):
 *   OFFLINE      nothing was heard from the cloud in this life; a job may be in the record
 *   IDLE         no job: record.job.id is "" and the phase NONE, in flash too
 *   DESCRIBING   the job is in flash; whether it is still ours, the cloud has been asked
 *   PROBING      the job is in RAM only (phase NONE), QUEUED as far as we know
 *   ACCEPTING    phase ACCEPT; nothing of the slots has been touched
 *   PREPARING    phase DOWNLOAD from here to READYING; the secondary's trailer asks for nothing, or
 *                is being erased; `starting` counts the steps
 *   DOWNLOADING  the journal is open: its blocks, and only they, are on flash (work.download)
 *   VERIFYING    all blocks are on flash and none is written any more (work.verify)
 *   PATCHING     the file has passed its checks; the secondary is being made from it
 *   READYING     the secondary holds a verified image, its trailer asks for nothing
 *   ACTIVATING   phase INSTALL: the request is being written, may be torn or whole
 *   INSTALLED    phase TRIAL: the request is whole; a reset at any time is right
 *   TRYING       on trial, phase TRIAL: this firmware is the job's; the primary is not confirmed
 *   TESTING      as TRYING, and the cloud knows
 *   REPORTING    phase FINISHED with result and reason; neither slot is touched any more
 *   RESETTING    nothing is dispatched any more
 * On trial no state is entered in which the secondary is written: it holds the way back. */
#include "services/ota/ota.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "image/trailer.h"
#include "port/log.h"
#include "services/ota/agent.h"

#define OFFLINE_NEWS_MS     60000u
#define ASK_APPLICATION_MS  1000u
#define SELF_TEST_AGAIN_MS  200u
#define SEND_AGAIN_MS       20u
#define CONFLICTS_MAX       3u
#define RETRY_DOUBLINGS_MAX 4u

/* --- small helpers that the other files use too --- */

bool ota_has_job(const struct ota *ota)
{
    return ota->record.job.id[0] != '\0';
}

bool ota_ours_is_new(const struct ota *ota)
{
    for (unsigned i = 0; i < ota_files(ota); i++) {
        const struct image_version running = ota_version_in_place(ota, ota_file_image(ota, i));
        const struct image_version offered = ota_file_version(ota, i);
        if (image_version_compare(&running, &offered) != 0)
            return false;
    }
    return true;
}

uint32_t ota_trailer_align(const struct ota *ota)
{
    return ota->config.trailer_align;
}

bool ota_save(struct ota *ota)
{
    const otter_status status = ota_record_save(ota->config.kv, &ota->record);
    if (status != OTTER_OK)
        LOG_ERR(OTA_TAG, "cannot record the update: %s", otter_status_text(status));
    return status == OTTER_OK;
}

enum ota_event ota_fail(struct ota *ota, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(ota->record.reason, sizeof ota->record.reason, format, arguments);
    va_end(arguments);
    ota->record.result = jobs_queued(ota->config.jobs) ? OTA_REJECTED : OTA_FAILED;
    return OTA_EV_FAIL;
}

void ota_notify(struct ota *ota)
{
    if (ota->config.on_event == NULL)
        return;
    const struct ota_status status = ota_status(ota);
    ota->config.on_event(ota->config.ctx, &status);
}

/* --- actions that are not part of an update's own steps --- */

static enum ota_event begin(struct ota *ota, otter_ms now)
{
    (void)now;
    return ota_has_job(ota) ? OTA_EV_DESCRIBE : OTA_EV_NO_JOB;
}

static enum ota_event still_offline(struct ota *ota, otter_ms now)
{
    LOG_WRN(OTA_TAG, "no connection to the cloud yet");
    ota_restart_deadline(ota, now);
    return OTA_EV_NONE;
}

static enum ota_event again(struct ota *ota, otter_ms now)
{
    ota_retry(ota, now);
    return OTA_EV_NONE;
}

static enum ota_event probe_again(struct ota *ota, otter_ms now)
{
    ota->silent_ms += ota->wait_ms;
    if (ota->silent_ms >= ota->config.stall_timeout_ms)
        return ota_give_up_source(ota, now,
                                  ota_fail(ota, "no data from stream %.50s within %lu s",
                                           ota->record.job.stream,
                                           (unsigned long)(ota->silent_ms / 1000u)));
    jobs_recheck(ota->config.jobs);
    ota_retry(ota, now);
    return OTA_EV_NONE;
}

/* What was on its way when the connection broke is lost, and so may be a notification. */
static enum ota_event back_online(struct ota *ota, otter_ms now)
{
    if (ota->state == OTA_DOWNLOADING)
        ota_download_lost(&ota->work.download, false);
    ota->retries = 0;
    ota_send_again(ota, now);
    return OTA_EV_NONE;
}

static enum ota_event ask_application(struct ota *ota, otter_ms now)
{
    const struct ota_config *config = &ota->config;
    ota_restart_deadline(ota, now);
    if (config->may_reset == NULL || config->may_reset(config->ctx))
        return OTA_EV_RESET;
    return OTA_EV_NONE;
}

/* The job ends here even though the cloud will not hear of it; it is not begun again. */
static enum ota_event unreportable(struct ota *ota)
{
    LOG_ERR(OTA_TAG, "the job service does not take the end of job %s; cancel the job there",
            ota->record.job.id);
    return OTA_EV_GONE;
}

static enum ota_event close_job(struct ota *ota, otter_ms now)
{
    struct ota_record *record = &ota->record;
    LOG_ERR(OTA_TAG, "update %s: %s", record->result == OTA_REJECTED ? "refused" : "failed",
            record->reason);
    record->phase = OTA_RECORD_FINISHED;
    (void)now;
    (void)ota_save(ota); /* even when it fails the report can go out */
    return OTA_EV_NONE;
}

/* The cloud has no rule against it in writing, but some do not let a started job be rejected. */
static enum ota_event fail_instead(struct ota *ota, otter_ms now)
{
    if (ota->record.result != OTA_REJECTED)
        return unreportable(ota);
    ota->record.result = OTA_FAILED;
    (void)ota_save(ota);
    ota_retry(ota, now);
    return OTA_EV_NONE;
}

/* What is wrong with the report may be in its details: it goes once more without them. */
static enum ota_event report_plainly(struct ota *ota, otter_ms now)
{
    if (ota->plain)
        return unreportable(ota);
    ota->plain = true;
    ota_retry(ota, now);
    return OTA_EV_NONE;
}

/* Asking again would bring the same answer for ever. */
static enum ota_event refused_for_good(struct ota *ota, otter_ms now)
{
    (void)now;
    return ota_fail(ota, "the job service does not take the update to '%s'",
                    ota->state == OTA_READYING ? "ready" : "in progress");
}

/* No answer to the acceptance, or one that only a look at the job explains. */
static enum ota_event look_again(struct ota *ota, otter_ms now)
{
    (void)now;
    if (ota->rounds < UINT8_MAX)
        ota->rounds++;
    return OTA_EV_DESCRIBE;
}

/* Somebody else may change the job once or twice; then there is no more hurry. */
static enum ota_event conflict(struct ota *ota, otter_ms now)
{
    return ota->rounds < CONFLICTS_MAX ? look_again(ota, now) : OTA_EV_NONE;
}

static void forget_job(struct ota *ota, otter_ms now, bool heard)
{
    static const uint8_t results[] = {[OTA_RESULT_NONE] = JOBS_FAILED,
                                      [OTA_SUCCEEDED] = JOBS_SUCCEEDED,
                                      [OTA_FAILED] = JOBS_FAILED,
                                      [OTA_REJECTED] = JOBS_REJECTED};
    jobs_release(ota->config.jobs, now, (enum jobs_result)results[ota->record.result], heard);
    ota->rounds = 0;
    ota->plain = false;
    ota->silent_ms = 0;
    ota->progress.stored = 0;
    if (!ota->on_trial)
        ota->trial_deadline = OTTER_NEVER;
}

static void done_with(struct ota *ota, otter_ms now, bool heard)
{
    LOG_INF(OTA_TAG, "job %s is done: %s", ota->record.job.id, ota->record.reason);
    memcpy(ota->last_reason, ota->record.reason, sizeof ota->last_reason);
    forget_job(ota, now, heard);
}

static enum ota_event finished(struct ota *ota, otter_ms now)
{
    done_with(ota, now, true);
    return OTA_EV_NONE;
}

static enum ota_event finished_unheard(struct ota *ota, otter_ms now)
{
    done_with(ota, now, false);
    return OTA_EV_NONE;
}

static enum ota_event drop(struct ota *ota, otter_ms now)
{
    LOG_WRN(OTA_TAG, "job %s was cancelled or is over; its update ends here", ota->record.job.id);
    snprintf(ota->last_reason, sizeof ota->last_reason, "cancelled by the cloud");
    const uint8_t phase = ota->record.phase;
    if (!ota->on_trial && (phase == OTA_RECORD_INSTALL || phase == OTA_RECORD_TRIAL) &&
        ota_withdraw(ota) != OTTER_OK)
        LOG_ERR(OTA_TAG, "cannot take back the request to install");
    ota->record.result = OTA_FAILED;
    forget_job(ota, now, false);
    return ota->on_trial ? OTA_EV_GIVE_UP : OTA_EV_NONE;
}

/* --- the table --- */

typedef enum ota_event action(struct ota *ota, otter_ms now);

enum wait { NO_WAIT, REPLY, BLOCK, NEWS, APPLICATION, SELF_TEST };

enum { ANY = OTA_STATE_COUNT, SAME = OTA_STATE_COUNT };

struct row {
    uint8_t state;
    uint8_t event;
    uint8_t wait; /* of OTA_EV_TIMEOUT */
    uint8_t next;
    action *act;
};

#define ON(state, event, act, next)                                                                \
    {                                                                                              \
        OTA_##state, OTA_EV_##event, NO_WAIT, next, act                                            \
    }
#define AFTER(state, wait, act, next)                                                              \
    {                                                                                              \
        OTA_##state, OTA_EV_TIMEOUT, wait, next, act                                               \
    }
#define ANYWHERE(event, act, next)                                                                 \
    {                                                                                              \
        ANY, OTA_EV_##event, NO_WAIT, next, act                                                    \
    }

/* clang-format off */
static const struct row table[] = {
    /* state,       event,         action,            next */
    ON(OFFLINE,     ONLINE,        begin,             SAME),
    ON(OFFLINE,     NO_JOB,        NULL,              OTA_IDLE),
    ON(OFFLINE,     DESCRIBE,      NULL,              OTA_DESCRIBING),
    AFTER(OFFLINE,  NEWS,          still_offline,     SAME),

    ON(IDLE,        SUITABLE,      NULL,              OTA_PROBING),

    ON(DESCRIBING,  DESCRIBED,     ota_reconcile,     SAME),
    ON(DESCRIBING,  TAKE,          NULL,              OTA_ACCEPTING),
    ON(DESCRIBING,  FETCH,         NULL,              OTA_PREPARING),
    ON(DESCRIBING,  AWAIT_RESET,   NULL,              OTA_INSTALLED),
    ON(DESCRIBING,  TRY,           NULL,              OTA_TRYING),
    ON(DESCRIBING,  REPORT,        NULL,              OTA_REPORTING),
    AFTER(DESCRIBING, REPLY,       again,             SAME),

    ON(PROBING,     HEADER,        ota_take_job,      OTA_ACCEPTING),
#if OTA_SOURCES_MAX > 1
    ON(PROBING,     FETCH,         NULL,              OTA_PROBING),
    ON(DOWNLOADING, FETCH,         NULL,              OTA_PREPARING),
#endif
    AFTER(PROBING,  REPLY,         probe_again,       SAME),

    ON(ACCEPTING,   ACCEPTED,      ota_job_accepted,  OTA_PREPARING),
    ON(ACCEPTING,   CONFLICT,      conflict,          SAME),
    ON(ACCEPTING,   INVALID,       refused_for_good,  SAME),
    ON(ACCEPTING,   DESCRIBE,      NULL,              OTA_DESCRIBING),
    AFTER(ACCEPTING, REPLY,        look_again,        SAME),

    ON(PREPARING,   STEP,          ota_prepare,       SAME),
    ON(PREPARING,   PREPARED,      NULL,              OTA_DOWNLOADING),

    ON(DOWNLOADING, STEP,          ota_work_download, SAME),
    ON(DOWNLOADING, COMPLETE,      ota_begin_verify,  OTA_VERIFYING),
    ON(DOWNLOADING, START_OVER,    ota_start_over,    OTA_PREPARING),
    ON(VERIFYING,   START_OVER,    ota_start_over,    OTA_PREPARING),
    AFTER(DOWNLOADING, BLOCK,      ota_stalled,       SAME),

    ON(VERIFYING,   STEP,          ota_work_verify,   SAME),
    ON(VERIFYING,   VERIFIED,      NULL,              OTA_READYING),
#if OTA_IMAGES_MAX > 1
    ON(VERIFYING,   FETCH,         NULL,              OTA_PREPARING),
#endif
#if OTA_STAGING
    ON(VERIFYING,   PATCH,         ota_begin_patch,   OTA_PATCHING),
    ON(PATCHING,    STEP,          ota_work_patch,    SAME),
    ON(PATCHING,    PATCHED,       ota_verify_patched, OTA_VERIFYING),
#endif

    ON(READYING,    ACCEPTED,      ota_note_install,  OTA_ACTIVATING),
    ON(READYING,    INVALID,       refused_for_good,  SAME),
    AFTER(READYING, REPLY,         again,             SAME),

    ON(ACTIVATING,  STEP,          ota_activate,      SAME),
    ON(ACTIVATING,  ACTIVATED,     NULL,              OTA_INSTALLED),
#if !OTA_SLOTS_KEPT
    ON(ACTIVATING,  REPAIR,        ota_repair,        OTA_PREPARING),
#endif

    AFTER(INSTALLED, APPLICATION,  ask_application,   SAME),
    ON(INSTALLED,   RESET,         NULL,              OTA_RESETTING),

    ON(TRYING,      ACCEPTED,      NULL,              OTA_TESTING),
    ON(TRYING,      INVALID,       NULL,              OTA_TESTING), /* it has been answered */
    AFTER(TRYING,   REPLY,         again,             SAME),

    AFTER(TESTING,  SELF_TEST,     ota_run_self_test, SAME),
    ON(TESTING,     PASSED,        ota_confirm,       OTA_REPORTING),

    ON(REPORTING,   ACCEPTED,      finished,          OTA_IDLE),
    ON(REPORTING,   GONE,          finished_unheard,  OTA_IDLE),
    ON(REPORTING,   BARRED,        fail_instead,      SAME),
    ON(REPORTING,   INVALID,       report_plainly,    SAME),
    AFTER(REPORTING, REPLY,        again,             SAME),

    ANYWHERE(ONLINE,               back_online,       SAME),
    ANYWHERE(GONE,                 drop,              OTA_IDLE),
    ANYWHERE(FAIL,                 close_job,         OTA_REPORTING),
    ANYWHERE(GIVE_UP,              NULL,              OTA_RESETTING),
    ANYWHERE(TRIAL_EXPIRED,        ota_trial_expired, SAME),
};

struct state {
    const char *name;
    uint8_t phase;
    bool needs_cloud; /* its deadline stands still without a connection */
    bool needs_source;
    otter_status (*send)(struct ota *ota, otter_ms now);
};

static const struct state states[OTA_STATE_COUNT] = {
    [OTA_OFFLINE]     = {"offline",     OTA_PHASE_OFFLINE,   false, false, NULL},
    [OTA_IDLE]        = {"idle",        OTA_PHASE_IDLE,      true,  false, NULL},
    [OTA_DESCRIBING]  = {"describing",  OTA_PHASE_CHECK,     true,  false, ota_send_describe},
    [OTA_PROBING]     = {"probing",     OTA_PHASE_CHECK,     true,  true,  ota_send_probe},
    [OTA_ACCEPTING]   = {"accepting",   OTA_PHASE_CHECK,     true,  true,  ota_send_update},
    [OTA_PREPARING]   = {"preparing",   OTA_PHASE_DOWNLOAD,  false, true,  NULL},
    [OTA_DOWNLOADING] = {"downloading", OTA_PHASE_DOWNLOAD,  true,  true,  NULL},
    [OTA_VERIFYING]   = {"verifying",   OTA_PHASE_VERIFY,    false, false, NULL},
#if OTA_STAGING
    [OTA_PATCHING]    = {"patching",    OTA_PHASE_PATCH,     false, false, NULL},
#endif
    [OTA_READYING]    = {"readying",    OTA_PHASE_INSTALL,   true,  false, ota_send_update},
    [OTA_ACTIVATING]  = {"activating",  OTA_PHASE_INSTALL,   false, false, NULL},
    [OTA_INSTALLED]   = {"installed",   OTA_PHASE_INSTALL,   false, false, NULL},
    [OTA_TRYING]      = {"trying",      OTA_PHASE_SELF_TEST, true,  false, ota_send_update},
    [OTA_TESTING]     = {"testing",     OTA_PHASE_SELF_TEST, false, false, NULL},
    [OTA_REPORTING]   = {"reporting",   OTA_PHASE_REPORT,    true,  false, ota_send_update},
    [OTA_RESETTING]   = {"resetting",   OTA_PHASE_INSTALL,   false, false, NULL},
};
/* clang-format on */

static const struct row *find_row(uint8_t state, enum ota_event event)
{
    const struct row *found = NULL;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (table[i].event != event)
            continue;
        if (table[i].state == state)
            return &table[i];
        if (table[i].state == ANY)
            found = &table[i];
    }
    return found;
}

static uint32_t wait_ms(const struct ota *ota, enum wait wait)
{
    const struct ota_config *config = &ota->config;
    switch (wait) {
    case REPLY:
        return jobs_reply_timeout_ms(config->jobs);
    case BLOCK:
        return ota->source->block_timeout_ms;
    case NEWS:
        return OFFLINE_NEWS_MS;
    case APPLICATION:
        return ASK_APPLICATION_MS;
    case SELF_TEST:
        return SELF_TEST_AGAIN_MS;
    case NO_WAIT:
        break;
    }
    return 0;
}

void ota_restart_deadline(struct ota *ota, otter_ms now)
{
    const struct row *row = find_row((uint8_t)ota->state, OTA_EV_TIMEOUT);
    ota->deadline = OTTER_NEVER;
    if (row == NULL)
        return;
    const uint32_t wait = wait_ms(ota, (enum wait)row->wait);
    const bool patient = row->wait == REPLY || row->wait == BLOCK;
    const unsigned doublings =
        ota->retries < RETRY_DOUBLINGS_MAX ? ota->retries : RETRY_DOUBLINGS_MAX;
    ota->wait_ms = patient ? wait << doublings : wait;
    ota->deadline = now + ota->wait_ms;
}

void ota_send_again(struct ota *ota, otter_ms now)
{
    ota->send_due = states[ota->state].send != NULL;
    ota_restart_deadline(ota, now);
}

void ota_retry(struct ota *ota, otter_ms now)
{
    if (ota->retries < UINT8_MAX)
        ota->retries++;
    ota_send_again(ota, now);
}

static void enter(struct ota *ota, otter_ms now, enum ota_state state)
{
    const enum ota_phase before = ota_phase_of(ota);
    ota->state = state;
    ota->retries = state == OTA_ACCEPTING ? ota->rounds : 0;
    ota->starting = 0;
    ota_send_again(ota, now);
    if (state == OTA_INSTALLED || state == OTA_TESTING)
        ota->deadline = now;
    ota->wake = 0;
    LOG_DBG(OTA_TAG, "%s", states[state].name);
    if (ota_phase_of(ota) != before)
        ota_notify(ota);
}

void ota_dispatch(struct ota *ota, otter_ms now, enum ota_event event)
{
    while (event != OTA_EV_NONE && ota->state != OTA_RESETTING) {
        const struct row *row = find_row((uint8_t)ota->state, event);
        if (row == NULL)
            return;
        event = row->act == NULL ? OTA_EV_NONE : row->act(ota, now);
        if (row->next != SAME)
            enter(ota, now, (enum ota_state)row->next);
    }
}

/* --- the loop's side --- */

static otter_status start(struct ota *ota, otter_ms now)
{
    struct image_header header;
    ota->fault = ota_check_config(&ota->config);
    if (ota->fault != NULL) {
        LOG_ERR(OTA_TAG, "configuration, %s", ota->fault);
        return OTTER_E_ARGUMENT;
    }
    otter_status status = image_header_read(ota->config.primary, &header);
    if (status != OTTER_OK)
        return status;
    ota->running = header.version;
    status = ota_record_load(ota->config.kv, &ota->record);
    if (status != OTTER_OK)
        LOG_ERR(OTA_TAG, "the record of an update cannot be read: %s", otter_status_text(status));
#if OTA_IMAGES_MAX > 1
    if (!ota_set_known(ota)) { /* the cloud offers it again, and hears why not */
        LOG_ERR(OTA_TAG, "the record is of an update of images that this firmware does not know");
        memset(&ota->record, 0, sizeof ota->record);
    }
#endif
    ota_choose_source(ota);
    ota_trial_init(ota, now);
    ota_recall_download(ota);
    ota_restart_deadline(ota, now);
    ota_register(ota);
    return OTTER_OK;
}

otter_status ota_init(struct ota *ota, const struct ota_config *config, otter_ms now)
{
    memset(ota, 0, sizeof *ota);
    ota->config = *config;
    ota->state = OTA_OFFLINE;
    ota->trial_deadline = OTTER_NEVER;
    ota->fault = config->off;
    if (ota->fault != NULL)
        return OTTER_E_STATE;
    const otter_status status = start(ota, now);
    if (status != OTTER_OK && ota->fault == NULL)
        ota->fault = otter_status_text(status);
    return status;
}

const char *ota_config_fault(const struct ota *ota)
{
    return ota->fault == NULL ? "" : ota->fault;
}

bool ota_needs_source(const struct ota *ota)
{
    return states[ota->state].needs_source;
}

static void send_what_is_due(struct ota *ota, otter_ms now)
{
    for (unsigned i = 0; i < ota_sources(ota); i++) {
        struct ota_source *source = ota->config.sources[i];
        const bool wanted =
            source == ota->source && ota_needs_source(ota) && !ota_stands_in_the_way(ota);
        (wanted ? source->ops->open : source->ops->close)(source, now);
        if (wanted && source->wants_document)
            jobs_want_document(ota->config.jobs);
    }
    if (ota->send_due && ota_can_ask(ota) && states[ota->state].send(ota, now) == OTTER_OK)
        ota->send_due = false;
}

static otter_ms earlier(otter_ms a, otter_ms b)
{
    return a < b ? a : b;
}

static otter_ms next_wake(const struct ota *ota, otter_ms now)
{
    if (ota->state == OTA_RESETTING)
        return OTTER_NEVER;
    otter_ms wake = ota->trial_deadline;
    if (ota->busy)
        return 0;
    if (ota_can_ask(ota) || !states[ota->state].needs_cloud)
        wake = earlier(wake, ota->deadline);
    if (ota_can_ask(ota) && ota->send_due)
        wake = earlier(wake, now + SEND_AGAIN_MS);
    return wake;
}

void ota_tick(struct ota *ota, otter_ms now)
{
    ota->wake = OTTER_NEVER;
    ota->busy = false;
    if (now >= ota->trial_deadline)
        ota_dispatch(ota, now, OTA_EV_TRIAL_EXPIRED);
    if (now >= ota->deadline && (ota_can_ask(ota) || !states[ota->state].needs_cloud))
        ota_dispatch(ota, now, OTA_EV_TIMEOUT);
    ota_dispatch(ota, now, OTA_EV_STEP);
    if (ota_can_ask(ota))
        send_what_is_due(ota, now);
    ota->wake = earlier(ota->wake, next_wake(ota, now));
}

otter_ms ota_deadline(const struct ota *ota)
{
    return ota->wake;
}

bool ota_wants_reset(const struct ota *ota)
{
    return ota->state == OTA_RESETTING;
}

enum ota_phase ota_phase_of(const struct ota *ota)
{
    return (enum ota_phase)states[ota->state].phase;
}

const char *ota_phase_text(enum ota_phase phase)
{
    static const char *const texts[] = {
        "offline",
        "idle",
        "check",
        "download",
        "verify",
        "install",
        "self_test",
        "report",
#if OTA_STAGING
        "patch"
#endif
    };
    return (size_t)phase < sizeof texts / sizeof texts[0] ? texts[phase] : "?";
}

otter_status ota_abort(struct ota *ota, otter_ms now, const char *reason)
{
    if (ota->fault != NULL || ota->state < OTA_PROBING || ota->state >= OTA_READYING)
        return OTTER_E_STATE;
    ota_dispatch(ota, now, ota_fail(ota, "%s", reason));
    return OTTER_OK;
}

struct ota_status ota_status(const struct ota *ota)
{
    struct ota_status status = {
        .phase = ota_phase_of(ota),
        .job_id = ota->record.job.id,
        .running = ota->running,
        .offered = ota->record.version,
        .reason = ota->last_reason,
        .held_by = jobs_held_by(ota->config.jobs),
        .held_why = jobs_held_why(ota->config.jobs),
        .on_trial = ota->on_trial,
        .blocks_duplicate = ota->blocks_duplicate,
        .blocks_refused = ota->source == NULL ? 0 : ota->source->blocks_refused,
        .requests_sent = ota->requests_sent,
        .window = ota->state == OTA_DOWNLOADING ? ota->work.download.window : 0,
    };
    if (ota_has_job(ota)) {
        const struct ota_file file = ota_job_file(ota);
        const uint32_t bytes = ota->progress.stored * file.block_size;
        status.blocks_total = ota_file_blocks(&file);
        status.bytes_total = file.size;
        status.blocks_received = ota->progress.stored;
        status.bytes_received = bytes < file.size ? bytes : file.size;
    }
    return status;
}
