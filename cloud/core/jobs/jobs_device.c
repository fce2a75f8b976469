/* What devices ask about their executions, and report. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/core/ground/names.h"
#include "cloud/core/ground/words.h"
#include "cloud/core/jobs/jobs_internal.h"
#include "cloud/core/registry/registry.h"

/* ---- answers -------------------------------------------------------------------------------- */

static json_t *execution_state(const struct execution *execution)
{
    json_t *details = execution_details(execution);
    if (!details)
        details = json_object();
    return json_pack("{s:s, s:o, s:I}", "status", execution->status, "statusDetails", details,
                     "versionNumber", (json_int_t)execution->version);
}

/* {"execution":{...}} as start-next and get answer. */
static json_t *execution_reply(struct cloud *cloud, const struct execution *execution,
                               bool with_document)
{
    json_t *json = execution_json(cloud, execution);
    json_object_set_new(json, "thingName", json_string(execution->thing));
    if (with_document)
        json_object_set_new(json, "jobDocument", job_document(cloud, execution));
    return json_pack("{s:o}", "execution", json);
}

/* ---- checking requests ---------------------------------------------------------------------- */

static bool detail_valid(const char *key, const json_t *value)
{
    const char *text = json_string_value(value);
    return name_valid(key, 128, ":_-") && text && strlen(text) == json_string_length(value) &&
           words_valid(text, WORDS_SOME, 1024);
}

bool details_valid(const json_t *details, struct answer *answer)
{
    const char *key;
    json_t *value;
    if (!details)
        return true;
    if (!json_is_object(details) || json_object_size(details) > JOBS_DETAILS_MAX) {
        answer_refuse(answer, CORE_INVALID_REQUEST,
                      "statusDetails must be an object of at most %d pairs", JOBS_DETAILS_MAX);
        return false;
    }
    json_object_foreach((json_t *)details, key, value)
    {
        if (detail_valid(key, value))
            continue;
        answer_refuse(answer, CORE_INVALID_REQUEST,
                      "statusDetails: '%.60s' needs a name of 1..128 letters, digits, ':_-' and a "
                      "text of 1..1024 characters, none of them a control or format character",
                      key);
        return false;
    }
    return true;
}

/* Reads an optional integer member; one written as text is taken where `or_text`. Leaves *value
 * alone when it is absent. */
static bool read_integer(const json_t *request, const char *name, bool or_text, int64_t *value,
                         struct answer *answer)
{
    const json_t *member = json_object_get(request, name);
    const char *text = or_text ? json_string_value(member) : NULL;
    char *end = NULL;
    if (!member)
        return true;
    if (json_is_integer(member)) {
        *value = json_integer_value(member);
        return true;
    }
    if (text && *text)
        *value = strtoll(text, &end, 10);
    if (end && !*end)
        return true;
    answer_refuse(answer, CORE_INVALID_REQUEST, "%s must be an integer", name);
    return false;
}

static bool read_bool(const json_t *request, const char *name, bool *value, struct answer *answer)
{
    const json_t *member = json_object_get(request, name);
    if (!member)
        return true;
    *value = json_is_true(member);
    if (json_is_boolean(member))
        return true;
    answer_refuse(answer, CORE_INVALID_REQUEST, "%s must be true or false", name);
    return false;
}

/* *minutes: 0 when absent, -1 when the timer is to stop. */
static bool read_step_timeout(const json_t *request, bool may_stop, int *minutes,
                              struct answer *answer)
{
    int64_t value = 0;
    *minutes = 0;
    if (!json_object_get(request, "stepTimeoutInMinutes"))
        return true;
    if (!read_integer(request, "stepTimeoutInMinutes", false, &value, answer))
        return false;
    if ((value < 1 || value > JOBS_MINUTES_MAX) && !(may_stop && value == -1)) {
        answer_refuse(answer, CORE_INVALID_REQUEST, "stepTimeoutInMinutes must be 1..%d%s",
                      JOBS_MINUTES_MAX, may_stop ? ", or -1 to stop the timer" : "");
        return false;
    }
    *minutes = (int)value;
    return true;
}

static enum core_error check_thing(struct cloud *cloud, const char *thing, struct answer *answer)
{
    if (thing_exists(cloud, thing))
        return CORE_OK;
    return answer_refuse(answer, CORE_NOT_FOUND, "there is no thing '%.128s'", thing);
}

/* ---- what devices ask ----------------------------------------------------------------------- */

static json_t *summaries(struct cloud *cloud, const char *thing, const char *status)
{
    struct execution execution;
    json_t *list = json_array();
    struct db_rows *rows =
        db_select(cloud->db,
                  "SELECT " EXECUTION_COLUMNS " FROM job_executions WHERE thing = ? AND status = ?"
                  " ORDER BY queued, id LIMIT 250",
                  "ss", thing, status);
    while (db_next(rows)) {
        execution_read(rows, &execution);
        json_array_append_new(list, execution_summary(&execution));
        execution_free(&execution);
    }
    db_done(rows);
    return list;
}

enum core_error jobs_get_pending(struct cloud *cloud, const char *thing, const json_t *request,
                                 struct answer *answer)
{
    (void)request; /* nothing in it but the client's token */
    enum core_error error = check_thing(cloud, thing, answer);
    if (error == CORE_OK)
        answer->body =
            json_pack("{s:o, s:o}", "inProgressJobs", summaries(cloud, thing, "IN_PROGRESS"),
                      "queuedJobs", summaries(cloud, thing, "QUEUED"));
    return error;
}

enum core_error jobs_start_next(struct cloud *cloud, const char *thing, const json_t *request,
                                struct answer *answer)
{
    struct execution execution;
    int step_minutes;
    const json_t *details = json_object_get(request, "statusDetails");
    enum core_error error = check_thing(cloud, thing, answer);

    if (error != CORE_OK)
        return error;
    if (!details_valid(details, answer) ||
        !read_step_timeout(request, false, &step_minutes, answer))
        return CORE_INVALID_REQUEST;
    if (!execution_first_pending(cloud, thing, &execution)) {
        answer->body = json_object();
        return CORE_OK;
    }
    if (status_is(&execution, "QUEUED")) {
        error = execution_change(cloud, &execution, "IN_PROGRESS", details, step_minutes, answer);
        cloud_log("jobs", "%s started %s", thing, execution.job);
    } else if (step_minutes) { /* already running: the timer is new, the version is not */
        error = execution_restart_step(cloud, &execution, step_minutes, answer);
    }
    if (error == CORE_OK)
        answer->body = execution_reply(cloud, &execution, true);
    execution_free(&execution);
    return error;
}

static enum core_error describe_found(struct cloud *cloud, const struct execution *execution,
                                      bool with_document, struct answer *answer)
{
    if (status_is_terminal(execution->status))
        return answer_refuse(answer, CORE_TERMINAL_STATE, "job execution %s of %s is %s",
                             execution->job, execution->thing, execution->status);
    answer->body = execution_reply(cloud, execution, with_document);
    return CORE_OK;
}

enum core_error jobs_describe(struct cloud *cloud, const char *thing, const char *job,
                              const json_t *request, struct answer *answer)
{
    struct execution execution;
    int64_t number = 0;
    bool with_document = true;
    bool next = strcmp(job, "$next") == 0;
    enum core_error error = check_thing(cloud, thing, answer);

    if (error != CORE_OK)
        return error;
    if (!read_integer(request, "executionNumber", false, &number, answer) ||
        !read_bool(request, "includeJobDocument", &with_document, answer))
        return CORE_INVALID_REQUEST;
    bool found = next ? execution_first_pending(cloud, thing, &execution)
                      : execution_find(cloud, thing, job, number, &execution);
    if (found)
        error = describe_found(cloud, &execution, with_document, answer);
    else if (next)
        answer->body = json_object();
    else
        error =
            answer_refuse(answer, CORE_NOT_FOUND, "%s has no execution of job '%.64s'", thing, job);
    execution_free(&execution);
    return error;
}

/* ---- what devices report -------------------------------------------------------------------- */

struct update {
    const char *status;
    const json_t *details;
    int64_t expected_version, number;
    int step_minutes;
    bool with_state, with_document, checks_version;
};

static bool read_update(const json_t *request, struct update *update, struct answer *answer)
{
    *update = (struct update){
        .status = json_text(request, "status"),
        .details = json_object_get(request, "statusDetails"),
        .checks_version = json_object_get(request, "expectedVersion") != NULL,
    };
    if (!update->status || !status_set_by_device(update->status)) {
        answer_refuse(answer, CORE_INVALID_REQUEST,
                      "status must be IN_PROGRESS, FAILED, SUCCEEDED or REJECTED");
        return false;
    }
    return details_valid(update->details, answer) &&
           read_integer(request, "expectedVersion", true, &update->expected_version, answer) &&
           read_integer(request, "executionNumber", false, &update->number, answer) &&
           read_bool(request, "includeJobExecutionState", &update->with_state, answer) &&
           read_bool(request, "includeJobDocument", &update->with_document, answer) &&
           read_step_timeout(request, true, &update->step_minutes, answer);
}

/* Refuses with what is stored, so that the device can catch up. */
static enum core_error refuse_with_state(const struct execution *execution, enum core_error error,
                                         const char *what, struct answer *answer)
{
    answer_refuse(answer, error, "job execution %s is %s, version %lld: %s", execution->job,
                  execution->status, (long long)execution->version, what);
    answer->body = json_pack("{s:o}", "executionState", execution_state(execution));
    return error;
}

static enum core_error update_found(struct cloud *cloud, struct execution *execution,
                                    const struct update *update, struct answer *answer)
{
    if (status_is_terminal(execution->status))
        return refuse_with_state(execution, CORE_INVALID_STATE, "it cannot change any more",
                                 answer);
    if (cloud->strict && execution->started && strcmp(update->status, "REJECTED") == 0)
        return refuse_with_state(execution, CORE_INVALID_STATE,
                                 "a device rejects before it starts (strict)", answer);
    if (update->checks_version && update->expected_version != execution->version)
        return refuse_with_state(execution, CORE_VERSION_MISMATCH, "expectedVersion differs",
                                 answer);
    enum core_error error = execution_change(cloud, execution, update->status, update->details,
                                             update->step_minutes, answer);
    if (error != CORE_OK)
        return error;
    cloud_log("jobs", "%s reports %s %s %s", execution->thing, execution->job, execution->status,
              execution->details ? execution->details : "");
    answer->body = json_object();
    if (update->with_state)
        json_object_set_new(answer->body, "executionState", execution_state(execution));
    if (update->with_document)
        json_object_set_new(answer->body, "jobDocument", job_document(cloud, execution));
    return CORE_OK;
}

enum core_error jobs_update(struct cloud *cloud, const char *thing, const char *job,
                            const json_t *request, struct answer *answer)
{
    struct update update;
    struct execution execution;
    enum core_error error = check_thing(cloud, thing, answer);

    if (error != CORE_OK)
        return error;
    if (!read_update(request, &update, answer))
        return CORE_INVALID_REQUEST;
    if (execution_find(cloud, thing, job, update.number, &execution))
        error = update_found(cloud, &execution, &update, answer);
    else
        error =
            answer_refuse(answer, CORE_NOT_FOUND, "%s has no execution of job '%.64s'", thing, job);
    execution_free(&execution);
    return error;
}
