/* The Jobs client: which job is in hand, who does it, and what is waited for.
 *
 *   ASKING -> WAITING                 nothing for us, or a job that is left for now
 *     |  \
 *     |   ENDING -> ASKING            nobody takes it: refused
 *     |
 *    HELD (<-> STARTING) -> ENDING -> ASKING      a handler does it
 *
 * From HELD on `execution` is the job in hand and `holder` its handler; without a holder the job is
 * one that is refused. Off line the state stays and its deadline stands still; on line again its
 * message goes out anew, and whether the job is still ours is asked for. */
#include "services/jobs/jobs.h"

#include <stdio.h>
#include <string.h>

#include "port/log.h"
#include "services/jobs/jobs_mqtt.h"

#define REPLY_TIMEOUT_MS      10000u
#define POLL_MS               3600000u
#define WARN_AGAIN_MS         600000u /* at least, between two warnings of the same job */
#define RETRY_DOUBLINGS_MAX   4u
#define OFFERED_DOUBLINGS_MAX 9u
#define REFUSALS_FREE         32u /* none of them costs more than its share of a rest */

enum { TOKEN_START = 's', TOKEN_END = 'f' };

/* Why a job that is first in the list stays there. */
enum jobs_hold { HOLD_NONE, HOLD_LATER, HOLD_OVER, HOLD_RESTING, HOLD_UNREADABLE };

static const char *hold_text(uint8_t hold)
{
    static const char *const texts[] = {
        [HOLD_NONE] = "",
        [HOLD_LATER] = "it waits for another service of this firmware",
        [HOLD_OVER] = "it is over for this device but still offered: cancel it in the cloud",
        [HOLD_RESTING] = "jobs before it came to nothing; it is taken up later",
        [HOLD_UNREADABLE] = "its description cannot be read even without the job document",
    };
    return texts[hold];
}

/* --- states --- */

static bool in_hand(const struct jobs *jobs)
{
    return jobs->state >= JOBS_HELD;
}

/* A job that is over may still be offered for a short time, or for ever. */
static uint32_t poll_ms(const struct jobs *jobs)
{
    const unsigned doublings =
        jobs->offered_again < OFFERED_DOUBLINGS_MAX ? jobs->offered_again : OFFERED_DOUBLINGS_MAX;
    const uint32_t wait = jobs->config.reply_timeout_ms << doublings;
    return jobs->offered_again == 0 || wait > jobs->config.poll_ms ? jobs->config.poll_ms : wait;
}

static void send_again(struct jobs *jobs, otter_ms now)
{
    const unsigned doublings =
        jobs->retries < RETRY_DOUBLINGS_MAX ? jobs->retries : RETRY_DOUBLINGS_MAX;
    jobs->send_due = jobs->state != JOBS_WAITING && jobs->state != JOBS_HELD;
    jobs->deadline = now + (jobs->config.reply_timeout_ms << doublings);
    if (jobs->state == JOBS_WAITING)
        jobs->deadline = now + poll_ms(jobs);
    if (jobs->state == JOBS_HELD)
        jobs->deadline = OTTER_NEVER;
    jobs->wake = 0;
}

static void retry(struct jobs *jobs, otter_ms now)
{
    if (jobs->retries < UINT8_MAX)
        jobs->retries++;
    send_again(jobs, now);
}

static void enter(struct jobs *jobs, otter_ms now, enum jobs_state state)
{
    jobs->state = state;
    jobs->retries = 0;
    if (state == JOBS_ASKING) {
        jobs->brief = false;
        jobs->suspect[0] = '\0';
    }
    send_again(jobs, now);
}

/* --- what holds up the list --- */

/* What is first in the list and stays there holds up what is behind it: that has to be seen. */
static void held_up(struct jobs *jobs, otter_ms now, const char *job_id, enum jobs_hold hold)
{
    const bool known = hold == jobs->hold && strcmp(jobs->held_by, job_id) == 0;
    if (known && now - jobs->warned_at < WARN_AGAIN_MS)
        return;
    jobs->hold = (uint8_t)hold;
    snprintf(jobs->held_by, sizeof jobs->held_by, "%s", job_id);
    jobs->warned_at = now;
    LOG_WRN(JOBS_TAG, "job %s may hold up others: %s", job_id, hold_text(jobs->hold));
}

static void no_hold(struct jobs *jobs)
{
    jobs->hold = HOLD_NONE;
    jobs->held_by[0] = '\0';
    jobs->offered_again = 0;
}

/* For now; it is asked for again, ever more rarely. */
static void leave(struct jobs *jobs, otter_ms now, enum jobs_hold hold)
{
    held_up(jobs, now, jobs->execution.id, hold);
    if (hold != HOLD_LATER && jobs->offered_again < UINT8_MAX)
        jobs->offered_again++;
    jobs->execution.id[0] = '\0';
    enter(jobs, now, JOBS_WAITING);
}

/* --- the end of a job --- */

static void rest(struct jobs *jobs, otter_ms now)
{
    const unsigned barren = jobs->past.barren;
    if (barren < 2)
        return;
    const unsigned doublings =
        barren - 1u < OFFERED_DOUBLINGS_MAX ? barren - 1u : OFFERED_DOUBLINGS_MAX;
    const uint32_t wait = jobs->config.reply_timeout_ms << doublings;
    jobs->rests_until = now + (wait < jobs->config.poll_ms ? wait : jobs->config.poll_ms);
}

/* A job came to nothing: it failed, or the cloud takes it for over. Once is an accident; a cloud
 * that goes on ordering such jobs must not wear out the flash, which each may cost some erases, an
 * update that came to a trial most. So the count outlasts a reset. */
static void came_to_nothing(struct jobs *jobs, otter_ms now)
{
    if (jobs->past.barren < UINT8_MAX)
        jobs->past.barren++;
    rest(jobs, now);
}

static void count_end(struct jobs *jobs, otter_ms now, enum jobs_result result, bool heard)
{
    if (result == JOBS_SUCCEEDED) {
        if (heard)
            jobs->past.barren = jobs->refusals = 0;
    } else if (!heard || result == JOBS_FAILED || ++jobs->refusals % REFUSALS_FREE == 0) {
        came_to_nothing(jobs, now);
    }
}

/* What was refused leaves nothing in the store: after a reset it would be refused again. */
static void close_job(struct jobs *jobs)
{
    struct jobs_handler *holder = jobs->holder;
    jobs_mark(&jobs->execution, jobs->past.mark);
    if (holder == NULL)
        return;
    if (holder->on_close != NULL) {
        holder->on_close(holder->ctx, &jobs->past);
        return;
    }
    const otter_status status = jobs_past_save(jobs->config.kv, &jobs->past);
    if (status != OTTER_OK)
        LOG_ERR(JOBS_TAG, "cannot record the end of a job: %s", otter_status_text(status));
}

void jobs_release(struct jobs *jobs, otter_ms now, enum jobs_result result, bool heard)
{
    if (!in_hand(jobs))
        return;
    count_end(jobs, now, result, heard);
    close_job(jobs);
    jobs->holder = NULL;
    jobs->execution.id[0] = '\0';
    jobs->recheck = jobs->whole = jobs->plain = false;
    jobs->recheck_deadline = OTTER_NEVER;
    jobs->version = 0;
    enter(jobs, now, JOBS_ASKING);
}

static void end(struct jobs *jobs, otter_ms now, bool heard)
{
    struct jobs_handler *holder = jobs->holder;
    LOG_INF(JOBS_TAG, "job %s is done: %s", jobs->execution.id, jobs->reason);
    jobs_release(jobs, now, (enum jobs_result)jobs->result, heard);
    if (holder != NULL && holder->on_event != NULL)
        holder->on_event(holder->ctx, now, JOBS_ENDED);
}

void jobs_finish(struct jobs *jobs, otter_ms now, enum jobs_result result, const char *reason)
{
    jobs->result = (uint8_t)(result == JOBS_FAILED && jobs->queued ? JOBS_REJECTED : result);
    snprintf(jobs->reason, sizeof jobs->reason, "%s", reason);
    enter(jobs, now, JOBS_ENDING);
}

void jobs_start(struct jobs *jobs, otter_ms now, const char *phase)
{
    jobs->phase = phase;
    enter(jobs, now, JOBS_STARTING);
}

/* --- the next job --- */

static void refuse(struct jobs *jobs, otter_ms now, const char *reason)
{
    LOG_WRN(JOBS_TAG, "job %s is refused: %s", jobs->execution.id, reason);
    jobs->holder = NULL;
    jobs_finish(jobs, now, JOBS_FAILED, reason);
}

/* The answer to a brief request, after a description that could not be read. Only a job that was
 * the next one before and after such a description has it for sure. */
static void examine_briefly(struct jobs *jobs, otter_ms now)
{
    char reason[JOBS_REASON_MAX + 1];
    if (strcmp(jobs->suspect, jobs->execution.id) == 0) {
        snprintf(reason, sizeof reason,
                 "the job is too large to be read: at most %lu bytes in %u parts with topic and "
                 "status",
                 (unsigned long)mqtt_input_max(jobs->config.mqtt),
                 (unsigned)jobs->config.token_count);
        refuse(jobs, now, reason);
        return;
    }
    memcpy(jobs->suspect, jobs->execution.id, sizeof jobs->suspect);
    jobs->execution.id[0] = '\0';
    jobs->brief = false;
    send_again(jobs, now);
}

/* A handler may start or finish the job in the call. */
static void offer(struct jobs *jobs, otter_ms now, const struct json *json, int document)
{
    const struct jobs_offer offer = {&jobs->execution, json, document};
    for (struct jobs_handler *handler = jobs->handlers; handler != NULL; handler = handler->next) {
        jobs->holder = handler;
        enter(jobs, now, JOBS_HELD);
        switch (handler->on_offer(handler->ctx, now, &offer)) {
        case JOBS_TAKEN:
            return;
        case JOBS_LATER:
            jobs->holder = NULL;
            leave(jobs, now, HOLD_LATER);
            return;
        case JOBS_NOT_MINE:
            break;
        }
    }
    refuse(jobs, now, "no service of this device takes the job");
}

static void examine(struct jobs *jobs, otter_ms now, const struct jobs_reply *reply,
                    const struct json *json)
{
    uint8_t mark[JOBS_MARK_SIZE];
    jobs->execution = reply->execution;
    jobs->version = reply->version;
    jobs->queued = reply->queued;
    jobs_mark(&jobs->execution, mark);
    if (memcmp(mark, jobs->past.mark, sizeof mark) == 0) {
        leave(jobs, now, HOLD_OVER);
    } else if (now < jobs->rests_until) {
        leave(jobs, now, HOLD_RESTING);
    } else {
        no_hold(jobs);
        if (jobs->brief)
            examine_briefly(jobs, now);
        else
            offer(jobs, now, json, reply->document);
    }
}

static bool may_begin(const struct jobs *jobs)
{
    bool may = true;
    for (const struct jobs_handler *i = jobs->handlers; i != NULL; i = i->next) {
        if (i->may_begin != NULL)
            may &= i->may_begin(i->ctx);
    }
    return may;
}

void jobs_on_next(struct jobs *jobs, otter_ms now, const struct jobs_reply *reply,
                  const struct json *json)
{
    if (jobs->state != JOBS_ASKING || !may_begin(jobs))
        return;
    if (reply->queued || reply->in_progress) {
        examine(jobs, now, reply, json);
        return;
    }
    no_hold(jobs);
    enter(jobs, now, JOBS_WAITING);
}

/* A description that cannot be read: who the job is can be asked for without its document. */
void jobs_on_unreadable(struct jobs *jobs, otter_ms now, uint32_t length)
{
    if (jobs->state != JOBS_ASKING || !may_begin(jobs))
        return;
    if (jobs->brief) { /* asked again by and by */
        held_up(jobs, now, "(unknown)", HOLD_UNREADABLE);
        return;
    }
    LOG_WRN(JOBS_TAG, "the next job's description (%lu bytes) cannot be read",
            (unsigned long)length);
    jobs->brief = true;
    send_again(jobs, now);
}

void jobs_on_notified(struct jobs *jobs, otter_ms now)
{
    if (in_hand(jobs))
        jobs->recheck = true;
    else if (jobs->state == JOBS_ASKING)
        retry(jobs, now);
    else
        enter(jobs, now, JOBS_ASKING);
}

/* --- the job in hand --- */

/* The job ends here even though the cloud will not hear of it; it is not begun again. */
static void unreportable(struct jobs *jobs, otter_ms now)
{
    LOG_ERR(JOBS_TAG, "the job service does not take the end of job %s; cancel the job there",
            jobs->execution.id);
    end(jobs, now, false);
}

static void on_event_in_ending(struct jobs *jobs, otter_ms now, enum jobs_event event)
{
    if (event == JOBS_ACCEPTED || event == JOBS_GONE) {
        end(jobs, now, event == JOBS_ACCEPTED);
    } else if (event == JOBS_BARRED && jobs->result == JOBS_REJECTED) {
        jobs->result = JOBS_FAILED; /* some do not let a started job be rejected */
        retry(jobs, now);
    } else if (event == JOBS_INVALID && !jobs->plain) {
        jobs->plain = true; /* what is wrong may be in the details: once more without them */
        retry(jobs, now);
    } else if (event == JOBS_BARRED || event == JOBS_INVALID) {
        unreportable(jobs, now);
    }
}

static void notify_holder(struct jobs *jobs, otter_ms now, enum jobs_event event)
{
    struct jobs_handler *holder = jobs->holder;
    if (holder != NULL && holder->on_event != NULL)
        holder->on_event(holder->ctx, now, event);
    if (event == JOBS_GONE && jobs->holder == holder)
        jobs_release(jobs, now, JOBS_FAILED, false);
}

void jobs_on_event(struct jobs *jobs, otter_ms now, enum jobs_event event)
{
    if (!in_hand(jobs))
        return;
    if (jobs->state == JOBS_ENDING) {
        on_event_in_ending(jobs, now, event);
        return;
    }
    if (jobs->state == JOBS_STARTING && event == JOBS_CONFLICT) {
        jobs->recheck = true; /* brings the version; then the deadline sends it anew */
        return;
    }
    if (jobs->state == JOBS_STARTING && event != JOBS_DESCRIBED)
        enter(jobs, now, JOBS_HELD);
    notify_holder(jobs, now, event);
}

void jobs_resume(struct jobs *jobs, struct jobs_handler *handler,
                 const struct jobs_execution *execution)
{
    jobs->execution = *execution;
    jobs->holder = handler;
    jobs->queued = false;
    enter(jobs, 0, JOBS_HELD);
}

static void add_details(void *ctx, struct json_writer *w)
{
    struct jobs *jobs = ctx;
    const struct jobs_handler *holder = jobs->holder;
    const bool ending = jobs->state == JOBS_ENDING;
    json_write_string(w, "phase", ending ? "done" : jobs->phase);
    if (holder != NULL && holder->add_details != NULL)
        holder->add_details(holder->ctx, w);
    if (ending)
        json_write_string(w, "reason", jobs->reason);
}

static otter_status send_state(struct jobs *jobs, otter_ms now)
{
    static const char *const results[] = {
        [JOBS_SUCCEEDED] = "SUCCEEDED", [JOBS_FAILED] = "FAILED", [JOBS_REJECTED] = "REJECTED"};
    const bool ending = jobs->state == JOBS_ENDING;
    const struct jobs_update update = {
        .token = ending ? TOKEN_END : TOKEN_START,
        .status = ending ? results[jobs->result] : "IN_PROGRESS",
        .add_details = ending && jobs->plain ? NULL : add_details,
        .ctx = jobs,
        .expected_version = ending ? 0 : jobs->version,
    };
    return jobs->state == JOBS_ASKING ? jobs_mqtt_ask(jobs, now)
                                      : jobs_send_update(jobs, now, &update);
}

/* --- the loop's side --- */

static const char *find_fault(const struct jobs_config *config)
{
    if (config->mqtt == NULL)
        return "mqtt: missing";
    if (config->kv == NULL)
        return "kv: missing";
    if (config->tokens == NULL || config->token_count < JOBS_TOKENS_MIN)
        return "tokens: fewer than JOBS_TOKENS_MIN";
    if (config->thing_name == NULL || config->thing_name[0] == '\0')
        return "thing_name: missing";
    if (strlen(config->thing_name) > JOBS_THING_NAME_MAX)
        return "thing_name: longer than 128 characters";
    if (mqtt_output_max(config->mqtt) + MQTT_OUTPUT_OVERHEAD < JOBS_MQTT_OUTPUT_MIN)
        return "mqtt: output buffer smaller than JOBS_MQTT_OUTPUT_MIN";
    return NULL;
}

otter_status jobs_init(struct jobs *jobs, const struct jobs_config *config, otter_ms now)
{
    memset(jobs, 0, sizeof *jobs);
    jobs->config = *config;
    jobs->recheck_deadline = OTTER_NEVER;
    jobs->fault = find_fault(config);
    if (jobs->fault != NULL) {
        LOG_ERR(JOBS_TAG, "configuration, %s", jobs->fault);
        return OTTER_E_ARGUMENT;
    }
    if (config->reply_timeout_ms == 0)
        jobs->config.reply_timeout_ms = REPLY_TIMEOUT_MS;
    if (config->poll_ms == 0)
        jobs->config.poll_ms = POLL_MS;
    jobs_past_load(config->kv, &jobs->past);
    rest(jobs, now);
    enter(jobs, now, JOBS_ASKING);
    return jobs_mqtt_register(jobs, now);
}

const char *jobs_fault(const struct jobs *jobs)
{
    return jobs->fault == NULL ? "" : jobs->fault;
}

void jobs_add(struct jobs *jobs, struct jobs_handler *handler)
{
    struct jobs_handler **last = &jobs->handlers;
    while (*last != NULL && *last != handler)
        last = &(*last)->next;
    if (*last == handler)
        return;
    handler->next = NULL;
    *last = handler;
}

/* What was on its way when the connection broke is lost, and so may be a notification. */
static void go_online(struct jobs *jobs, otter_ms now)
{
    jobs->online = true;
    jobs->recheck = in_hand(jobs);
    jobs->retries = 0;
    if (in_hand(jobs))
        send_again(jobs, now);
    else
        enter(jobs, now, JOBS_ASKING);
    for (struct jobs_handler *handler = jobs->handlers; handler != NULL; handler = handler->next) {
        if (handler->on_event != NULL)
            handler->on_event(handler->ctx, now, JOBS_ONLINE);
    }
}

static void on_deadline(struct jobs *jobs, otter_ms now)
{
    if (jobs->state == JOBS_WAITING)
        enter(jobs, now, JOBS_ASKING);
    else
        retry(jobs, now);
}

static void send_what_is_due(struct jobs *jobs, otter_ms now)
{
    if (jobs->send_due && send_state(jobs, now) == OTTER_OK)
        jobs->send_due = false;
    if (now >= jobs->recheck_deadline)
        jobs->recheck = true;
    jobs->recheck &= in_hand(jobs);
    if (!jobs->recheck || jobs_mqtt_describe(jobs, now) != OTTER_OK)
        return;
    jobs->recheck = false;
    jobs->recheck_deadline = now + (otter_ms)2 * jobs->config.reply_timeout_ms;
}

/* What waits for its turn behind another message goes out when that one's result wakes us. */
void jobs_tick(struct jobs *jobs, otter_ms now)
{
    jobs->wake = OTTER_NEVER;
    if (jobs->connected && !jobs->online)
        go_online(jobs, now);
    if (!jobs->online)
        return;
    if (now >= jobs->deadline)
        on_deadline(jobs, now);
    send_what_is_due(jobs, now);
    jobs->wake = jobs->deadline < jobs->recheck_deadline ? jobs->deadline : jobs->recheck_deadline;
}

otter_ms jobs_deadline(const struct jobs *jobs)
{
    return jobs->wake;
}

void jobs_recheck(struct jobs *jobs)
{
    jobs->recheck = true;
    jobs->wake = 0;
}

void jobs_want_document(struct jobs *jobs)
{
    if (!jobs->whole)
        jobs_recheck(jobs);
    jobs->whole = true;
}

bool jobs_online(const struct jobs *jobs)
{
    return jobs->online;
}

bool jobs_idle(const struct jobs *jobs)
{
    return jobs->state == JOBS_WAITING;
}

bool jobs_come_first(const struct jobs *jobs)
{
    return in_hand(jobs) || !jobs->online || (jobs->state == JOBS_ASKING && jobs->retries == 0);
}

bool jobs_queued(const struct jobs *jobs)
{
    return jobs->queued;
}

uint32_t jobs_version(const struct jobs *jobs)
{
    return jobs->version;
}

uint32_t jobs_reply_timeout_ms(const struct jobs *jobs)
{
    return jobs->config.reply_timeout_ms;
}

const char *jobs_held_by(const struct jobs *jobs)
{
    return jobs->held_by;
}

const char *jobs_held_why(const struct jobs *jobs)
{
    return hold_text(jobs->hold);
}
