/* Restarts and settings by job; see operations.h.
 *
 * A restart:  STARTING (IN_PROGRESS is told) -> READY (recorded, asks for the reset) -> reset ->
 *             RETURNED (resumed from the record) -> the job is described as ours: SUCCEEDED.
 * The record goes with the job's end, in one change of the store. */
#include "services/operations/operations.h"

#include <stdio.h>
#include <string.h>

#include "port/log.h"

#define TAG "OPERATION"

#define TEXT_SIZE 256u /* of all values of a job, each with a NUL */

enum state { IDLE, STARTING, READY, RETURNED, ENDING };

/* --- settings --- */

/* The way to the cloud; a mark that is ahead bars it too (services/time/wall_clock.h). */
static const char *const kept[] = {"thing_name", "mqtt_endpoint",   "mqtt_port",
                                   "wifi_ssid",  "wifi_credential", "time_hwm"};

/* What a job asks for, while it is read; the values lie in `text`, one after the other. */
struct wanted {
    struct kv_item items[OPERATIONS_SETTINGS_MAX];
    unsigned count;
    char text[TEXT_SIZE];
    size_t used;
    char reason[JOBS_REASON_MAX + 1];
};

static bool is_kept(const char *name)
{
    for (unsigned i = 0; i < sizeof kept / sizeof *kept; i++) {
        if (strcmp(kept[i], name) == 0)
            return true;
    }
    return false;
}

/* A setting's value as text: strings and whole numbers are taken, null is "". */
static bool read_value(const struct json *json, int index, char *text, size_t size)
{
    const char *raw;
    size_t length;
    if (json_type(json, index) == JSON_STRING)
        return json_get_string(json, index, text, size) == OTTER_OK;
    text[0] = '\0';
    if (json_type(json, index) == JSON_NULL)
        return true;
    if (json_type(json, index) != JSON_NUMBER ||
        json_get_raw(json, index, &raw, &length) != OTTER_OK || length >= size)
        return false;
    memcpy(text, raw, length);
    text[length] = '\0';
    return true;
}

static bool refuse(struct wanted *wanted, const char *format, const char *name)
{
    snprintf(wanted->reason, sizeof wanted->reason, format, name);
    return false;
}

static bool refuse_range(struct wanted *wanted, const struct config_setting *setting)
{
    snprintf(wanted->reason, sizeof wanted->reason, "setting %s must be %u to %lu%s",
             config_name(setting), (unsigned)setting->min, (unsigned long)setting->max,
             config_range_text(setting));
    return false;
}

static bool has_setting(const struct wanted *wanted, const struct config_setting *setting)
{
    for (unsigned i = 0; i < wanted->count; i++) {
        if (wanted->items[i].key == setting->key)
            return true;
    }
    return false;
}

static bool add_setting(const struct operations *operations, struct wanted *wanted,
                        const struct json *json, int index)
{
    char name[KV_KEY_MAX + 1] = "?";
    char *value = wanted->text + wanted->used;
    (void)json_get_string(json, index, name, sizeof name);
    const struct config_setting *setting = config_find(operations->config.settings, name);
    if (setting == NULL)
        return refuse(wanted, "there is no setting '%s'", name);
    if (is_kept(name))
        return refuse(wanted, "setting %s cannot be changed by a job", name);
    if (wanted->count == OPERATIONS_SETTINGS_MAX || has_setting(wanted, setting))
        return refuse(wanted, "setting %s is one too many, or there twice", name);
    if (!read_value(json, index + 1, value, sizeof wanted->text - wanted->used))
        return refuse(wanted, "the value of setting %s is no text or number, or too long", name);
    if (value[0] != '\0' && config_check(setting, value) != OTTER_OK)
        return refuse_range(wanted, setting);
    const uint32_t length = (uint32_t)strlen(value);
    wanted->items[wanted->count++] =
        (struct kv_item){setting->key, length > 0 ? value : NULL, length};
    wanted->used += length + 1u;
    return true;
}

static bool read_settings(const struct operations *operations, struct wanted *wanted,
                          const struct jobs_offer *offer)
{
    const struct json *json = offer->json;
    const int settings = json_find(json, offer->document, "settings");
    if (json_type(json, settings) != JSON_OBJECT || json_count(json, settings) == 0)
        return refuse(wanted, "job document: %s is missing, empty or no object", "settings");
    for (int i = json_first(json, settings); i >= 0; i = json_next(json, i)) {
        if (!add_setting(operations, wanted, json, i))
            return false;
    }
    return true;
}

/* The client tells a FAILED as REJECTED where the job has not begun. */
static void configure(struct operations *operations, otter_ms now, const struct jobs_offer *offer)
{
    struct wanted wanted;
    enum jobs_result result = JOBS_FAILED;
    wanted.count = 0;
    wanted.used = 0;
    if (read_settings(operations, &wanted, offer)) {
        const otter_status status = kv_set_all(operations->config.kv, wanted.items, wanted.count);
        snprintf(wanted.reason, sizeof wanted.reason, "%u settings changed", wanted.count);
        if (status == OTTER_OK)
            result = JOBS_SUCCEEDED;
        else
            (void)refuse(&wanted, "the settings cannot be stored: %s", otter_status_text(status));
    }
    LOG_INF(TAG, "job %s: %s", offer->execution->id, wanted.reason);
    operations->state = ENDING;
    jobs_finish(operations->config.jobs, now, result, wanted.reason);
}

/* --- a restart --- */

/* From here on the device has restarted for this job, whoever switches it off. */
static void record(struct operations *operations, otter_ms now)
{
    struct jobs *jobs = operations->config.jobs;
    const otter_status status = kv_set(operations->config.kv, OPERATIONS_REBOOT_KEY,
                                       &operations->execution, sizeof operations->execution);
    operations->state = READY;
    if (status == OTTER_OK)
        return;
    operations->state = ENDING; /* without a record it would restart again and again */
    jobs_finish(jobs, now, JOBS_FAILED, "the restart cannot be recorded in the store");
}

/* --- the handler --- */

static enum jobs_answer on_offer(void *ctx, otter_ms now, const struct jobs_offer *offer)
{
    struct operations *operations = ctx;
    const int operation = json_find(offer->json, offer->document, "operation");
    if (json_equals(offer->json, operation, "reboot")) {
        operations->state = STARTING;
        operations->execution = *offer->execution;
        jobs_start(operations->config.jobs, now, "restarting");
        return JOBS_TAKEN;
    }
    if (!json_equals(offer->json, operation, "configure"))
        return JOBS_NOT_MINE;
    configure(operations, now, offer);
    return JOBS_TAKEN;
}

static void on_event(void *ctx, otter_ms now, enum jobs_event event)
{
    struct operations *operations = ctx;
    if (operations->state == STARTING && event == JOBS_ACCEPTED) {
        record(operations, now);
    } else if (operations->state == STARTING && (event == JOBS_BARRED || event == JOBS_INVALID)) {
        operations->state = ENDING;
        jobs_finish(operations->config.jobs, now, JOBS_FAILED,
                    "the job service does not let the job start");
    } else if (operations->state == RETURNED && event == JOBS_DESCRIBED) {
        operations->state = ENDING;
        jobs_finish(operations->config.jobs, now, JOBS_SUCCEEDED, "restarted");
    }
}

static void on_close(void *ctx, const struct jobs_past *past)
{
    struct operations *operations = ctx;
    uint8_t form[JOBS_PAST_SIZE];
    jobs_past_form(past, form);
    const struct kv_item items[] = {{OPERATIONS_REBOOT_KEY, NULL, 0},
                                    {JOBS_PAST_KEY, form, sizeof form}};
    const otter_status status =
        kv_set_all(operations->config.kv, items, sizeof items / sizeof *items);
    operations->state = IDLE;
    if (status == OTTER_OK)
        return;
    LOG_ERR(TAG, "cannot record the end of a job: %s", otter_status_text(status));
    (void)kv_delete(operations->config.kv, OPERATIONS_REBOOT_KEY);
}

static void resume(struct operations *operations)
{
    struct jobs_execution execution;
    uint32_t length = 0;
    const otter_status status =
        kv_get(operations->config.kv, OPERATIONS_REBOOT_KEY, &execution, sizeof execution, &length);
    if (status != OTTER_OK || length != sizeof execution)
        return;
    execution.id[JOBS_ID_MAX] = '\0';
    operations->state = RETURNED;
    jobs_resume(operations->config.jobs, &operations->handler, &execution);
}

void operations_init(struct operations *operations, const struct operations_config *config)
{
    if (operations->config.jobs != NULL)
        return;
    operations->config = *config;
    operations->handler = (struct jobs_handler){
        .on_offer = on_offer, .on_event = on_event, .on_close = on_close, .ctx = operations};
    jobs_add(config->jobs, &operations->handler);
    resume(operations);
}

bool operations_wants_reset(const struct operations *operations)
{
    return operations->state == READY;
}
