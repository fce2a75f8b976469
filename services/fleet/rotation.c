/* The job that changes the certificate; see rotation.h. */
#include "services/fleet/rotation.h"

#include <string.h>

#include "port/log.h"

#define RECORD_SIZE (ROTATION_HEAD + JOBS_ID_MAX)

static const struct pki_identity old_one = {PKI_TLS_KEY_PRIV, PKI_TLS_CERT},
                                 new_one = {PKI_NEXT_KEY, PKI_NEXT_CERT};

/* ---- The record ------------------------------------------------------------------------------ */

static void put_u32(uint8_t *at, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> 8 * i);
}

static uint32_t get_u32(const uint8_t *at)
{
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static struct kv_item form(const struct rotation *rotation, uint8_t bytes[RECORD_SIZE])
{
    const size_t length = strlen(rotation->execution.id);
    bytes[0] = rotation->phase;
    bytes[1] = rotation->trials;
    put_u32(bytes + 2, rotation->execution.number);
    put_u32(bytes + 6, rotation->execution.queued_at);
    memcpy(bytes + ROTATION_HEAD, rotation->execution.id, length);
    return (struct kv_item){ROTATION_KEY, bytes, (uint32_t)(ROTATION_HEAD + length)};
}

static void save(struct rotation *rotation, enum rotation_phase phase)
{
    uint8_t bytes[RECORD_SIZE];
    rotation->phase = (uint8_t)phase;
    const struct kv_item item = form(rotation, bytes);
    const otter_status status = kv_set_all(rotation->config.kv, &item, 1);
    if (status != OTTER_OK)
        LOG_ERR("FLEET", "the rotation cannot be noted: %s", otter_status_text(status));
}

static bool load(struct rotation *rotation)
{
    uint8_t bytes[RECORD_SIZE];
    uint32_t length;
    if (kv_get(rotation->config.kv, ROTATION_KEY, bytes, sizeof bytes, &length) != OTTER_OK ||
        length <= ROTATION_HEAD)
        return false;
    rotation->phase = bytes[0];
    rotation->trials = bytes[1];
    rotation->execution =
        (struct jobs_execution){.number = get_u32(bytes + 2), .queued_at = get_u32(bytes + 6)};
    memcpy(rotation->execution.id, bytes + ROTATION_HEAD, length - ROTATION_HEAD);
    return true;
}

/* ---- Ends ------------------------------------------------------------------------------------ */

static void drop_next(struct rotation *rotation)
{
    struct pki *pki = rotation->config.enrolment.pki;
    uint32_t length;
    if (pki_length(pki, PKI_NEXT_KEY, &length) !=
        OTTER_E_NOT_FOUND) /* it costs an erase of each sector */
        (void)pki_delete(pki, PKI_NEXT_KEY);
    (void)pki_delete(pki, PKI_NEXT_CERT);
}

/* Back to the old certificate, on a connection of its own. */
static void go_back(struct rotation *rotation, otter_ms now)
{
    struct pki *pki = rotation->config.enrolment.pki;
    const bool was_new = strcmp(pki_identity(pki).key, PKI_NEXT_KEY) == 0;
    enrol_stop(&rotation->enrol);
    pki_use(pki, old_one);
    drop_next(rotation);
    if (was_new)
        rotation->config.reconnect(rotation->config.ctx, now);
}

static void finish(struct rotation *rotation, otter_ms now)
{
    rotation->state = ROTATION_ENDS;
    if (rotation->phase == ROTATION_DONE)
        jobs_finish(rotation->config.jobs, now, JOBS_SUCCEEDED,
                    "connected with the new certificate");
    else
        jobs_finish(rotation->config.jobs, now, JOBS_FAILED,
                    rotation->reason != NULL ? rotation->reason
                                             : "the new certificate brought no connection");
}

static void fail(struct rotation *rotation, otter_ms now, const char *reason)
{
    LOG_ERR("FLEET", "the certificate stays the old one: %s", reason);
    rotation->reason = reason;
    save(rotation, ROTATION_FAILED);
    go_back(rotation, now);
    finish(rotation, now);
}

/* ---- The trial ------------------------------------------------------------------------------- */

static void try_it(struct rotation *rotation, otter_ms now)
{
    rotation->trials++;
    save(rotation, ROTATION_TRYING);
    rotation->state = ROTATION_TRIAL;
    rotation->on_trial_line = false;
    rotation->deadline = now + rotation->config.trial_ms;
    LOG_INF("FLEET", "trying the new certificate");
    pki_use(rotation->config.enrolment.pki, new_one);
}

static void adopt(struct rotation *rotation, otter_ms now)
{
    struct pki *pki = rotation->config.enrolment.pki;
    uint8_t bytes[RECORD_SIZE];
    rotation->phase = ROTATION_DONE;
    const struct kv_item record = form(rotation, bytes);
    const otter_status status = pki_adopt(pki, PKI_NEXT_KEY, PKI_TLS_KEY_PRIV, &record, 1);
    if (status != OTTER_OK) {
        LOG_ERR("FLEET", "the new key: %s", otter_status_text(status));
        fail(rotation, now, "the new key could not be stored");
        return;
    }
    pki_use(pki, old_one);
    LOG_INF("FLEET", "the new certificate has taken the place of the old one");
    finish(rotation, now);
}

/* ---- The enrolment --------------------------------------------------------------------------- */

static otter_status on_done(void *ctx, otter_ms now, const char *thing_name)
{
    struct rotation *rotation = ctx;
    if (strcmp(thing_name, rotation->config.thing_name) != 0) {
        fail(rotation, now, "the template gives another thing name");
        return OTTER_OK; /* to be told, not tried again */
    }
    try_it(rotation, now);
    rotation->config.reconnect(rotation->config.ctx, now);
    return OTTER_OK;
}

static void on_failure(void *ctx, otter_ms now, const char *reason)
{
    struct rotation *rotation = ctx;
    (void)reason;
    if (rotation->enrol.failures >= ROTATION_FAILURES)
        fail(rotation, now, "no new certificate: see the device's log");
}

static void enrol(struct rotation *rotation, otter_ms now)
{
    struct enrol_config config = rotation->config.enrolment;
    config.key_label = PKI_NEXT_KEY;
    config.on_done = on_done;
    config.on_failure = on_failure;
    config.ctx = rotation;
    rotation->state = ROTATION_ENROLS;
    if (enrol_start(&rotation->enrol, &config, now) != OTTER_OK)
        fail(rotation, now, "cannot subscribe");
}

/* ---- The job --------------------------------------------------------------------------------- */

static enum jobs_answer on_offer(void *ctx, otter_ms now, const struct jobs_offer *offer)
{
    struct rotation *rotation = ctx;
    if (!json_equals(offer->json, json_find(offer->json, offer->document, "operation"),
                     ROTATION_OPERATION))
        return JOBS_NOT_MINE;
    rotation->execution = *offer->execution;
    rotation->trials = 0;
    rotation->reason = NULL;
    drop_next(rotation);
    if (rotation->config.enrolment.template_name[0] == '\0') {
        rotation->reason = "fleet_template is not set";
        save(rotation, ROTATION_FAILED);
        finish(rotation, now);
        return JOBS_TAKEN;
    }
    save(rotation, ROTATION_MAKING);
    rotation->state = ROTATION_WAITS;
    jobs_start(rotation->config.jobs, now, "rotating");
    return JOBS_TAKEN;
}

/* The job is ours: goes on where it stands. */
static void go_on(struct rotation *rotation, otter_ms now)
{
    if (rotation->state == ROTATION_TRIAL) {
        if (rotation->on_trial_line) /* not an answer that the old connection still brought */
            adopt(rotation, now);
    } else if (rotation->state == ROTATION_WAITS && rotation->phase == ROTATION_MAKING) {
        enrol(rotation, now);
    } else if (rotation->state == ROTATION_WAITS) {
        finish(rotation, now);
    }
}

/* After a cut before this the cloud says that the job is over, which leads here again. */
static void forget(struct rotation *rotation, otter_ms now)
{
    if (rotation->phase == ROTATION_MAKING || rotation->phase == ROTATION_TRYING)
        go_back(rotation, now);
    rotation->state = ROTATION_IDLE;
    (void)kv_delete(rotation->config.kv, ROTATION_KEY);
}

static void on_event(void *ctx, otter_ms now, enum jobs_event event)
{
    struct rotation *rotation = ctx;
    if (rotation->state == ROTATION_IDLE)
        return;
    switch (event) {
    case JOBS_ONLINE:
        rotation->on_trial_line = rotation->state == ROTATION_TRIAL;
        if (rotation->state == ROTATION_TRIAL || rotation->state == ROTATION_WAITS)
            jobs_recheck(rotation->config.jobs);
        break;
    case JOBS_ACCEPTED:
    case JOBS_DESCRIBED:
        go_on(rotation, now);
        break;
    case JOBS_GONE:
    case JOBS_ENDED:
        forget(rotation, now);
        break;
    default:
        break;
    }
}

/* ---- Start and turns ------------------------------------------------------------------------- */

static void resume(struct rotation *rotation, otter_ms now)
{
    rotation->state = ROTATION_WAITS;
    jobs_resume(rotation->config.jobs, &rotation->handler, &rotation->execution);
    if (rotation->phase == ROTATION_TRYING && rotation->trials < ROTATION_TRIALS_MAX)
        try_it(rotation, now);
    else if (rotation->phase == ROTATION_TRYING)
        save(rotation, ROTATION_FAILED);
    if (rotation->phase == ROTATION_FAILED)
        drop_next(rotation);
}

void rotation_start(struct rotation *rotation, const struct rotation_config *config, otter_ms now)
{
    rotation->config = *config;
    rotation->handler = (struct jobs_handler){.on_offer = on_offer,
                                              .on_event = on_event,
                                              .ctx = rotation,
                                              .next = rotation->handler.next};
    jobs_add(config->jobs, &rotation->handler);
    if (load(rotation))
        resume(rotation, now);
}

void rotation_tick(struct rotation *rotation, otter_ms now)
{
    if (rotation->state == ROTATION_ENROLS)
        enrol_tick(&rotation->enrol, now);
    else if (rotation->state == ROTATION_TRIAL && now >= rotation->deadline)
        fail(rotation, now, "the new certificate brought no connection");
}

otter_ms rotation_deadline(const struct rotation *rotation)
{
    if (rotation->state == ROTATION_ENROLS)
        return enrol_deadline(&rotation->enrol);
    return rotation->state == ROTATION_TRIAL ? rotation->deadline : OTTER_NEVER;
}
