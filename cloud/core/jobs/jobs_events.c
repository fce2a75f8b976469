/* Events of jobs and executions, for whoever has switched them on (update-event-configurations):
 * `$aws/events/job/ID/WORD` and `$aws/events/jobExecution/ID/WORD`. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "cloud/core/ground/names.h"
#include "cloud/core/jobs/jobs_internal.h"

#define JOB       "JOB"
#define EXECUTION "JOB_EXECUTION"

/* AWS's list, of which this cloud has the first two. */
static const char *const types[] = {JOB,
                                    EXECUTION,
                                    "THING",
                                    "THING_GROUP",
                                    "THING_TYPE",
                                    "THING_GROUP_MEMBERSHIP",
                                    "THING_GROUP_HIERARCHY",
                                    "THING_TYPE_ASSOCIATION",
                                    "POLICY",
                                    "CERTIFICATE",
                                    "CA_CERTIFICATE"};

#define TYPES   (sizeof types / sizeof *types)
#define OFFERED 2

/* ---- which are on --------------------------------------------------------------------------- */

static bool is_on(struct cloud *cloud, const char *type)
{
    return db_number(cloud->db, "SELECT enabled FROM event_configurations WHERE type = ?", "s",
                     type) > 0;
}

static bool wants(const json_t *configurations, const char *type)
{
    return json_is_true(json_object_get(json_object_get(configurations, type), "Enabled"));
}

static bool is_type(const char *name, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(types[i], name) == 0)
            return true;
    return false;
}

static enum core_error check_configurations(const json_t *configurations, struct answer *answer)
{
    const char *name;
    json_t *value;
    if (!json_is_object(configurations))
        return answer_refuse(answer, CORE_INVALID_REQUEST, "eventConfigurations is required");
    json_object_foreach((json_t *)configurations, name, value)
    {
        if (!is_type(name, TYPES))
            return answer_refuse(answer, CORE_INVALID_REQUEST, "there is no event type '%.60s'",
                                 name);
        if (!is_type(name, OFFERED) && wants(configurations, name))
            return answer_refuse(answer, CORE_INVALID_REQUEST,
                                 "This cloud does not offer events of type %.60s for now", name);
    }
    return CORE_OK;
}

static otter_status store_configurations(struct cloud *cloud, const json_t *configurations)
{
    const char *name;
    json_t *value;
    int64_t now = cloud_now(cloud);
    otter_status status = OTTER_OK;
    json_object_foreach((json_t *)configurations, name, value)
    {
        if (status == OTTER_OK)
            status = db_run(cloud->db,
                            "INSERT INTO event_configurations(type, enabled, created, modified)"
                            " VALUES(?1, ?2, ?3, ?3) ON CONFLICT(type) DO UPDATE SET"
                            " enabled = ?2, modified = ?3",
                            "sii", name, (int64_t)wants(configurations, name), now);
    }
    return status;
}

enum core_error events_configure(struct cloud *cloud, const json_t *members, struct answer *answer)
{
    const json_t *configurations = json_object_get(members, "eventConfigurations");
    enum core_error error = check_configurations(configurations, answer);
    if (error)
        return error;
    otter_status status = db_begin(cloud->db);
    if (status == OTTER_OK)
        status = db_finish(cloud->db, store_configurations(cloud, configurations));
    return status == OTTER_OK ? CORE_OK : answer_db_failed(cloud, answer);
}

void events_describe(struct cloud *cloud, struct answer *answer)
{
    json_t *configurations = json_object();
    for (size_t i = 0; i < TYPES; i++)
        json_object_set_new(configurations, types[i],
                            json_pack("{s:b}", "Enabled", (int)is_on(cloud, types[i])));
    answer->body = json_pack("{s:o}", "eventConfigurations", configurations);
    int64_t created = db_number(cloud->db, "SELECT MIN(created) FROM event_configurations", "");
    if (created)
        json_object_update_new(
            answer->body,
            json_pack("{s:I,s:I}", "creationDate", (json_int_t)created, "lastModifiedDate",
                      (json_int_t)db_number(cloud->db,
                                            "SELECT MAX(modified) FROM event_configurations", "")));
}

/* ---- sending -------------------------------------------------------------------------------- */

static json_t *event(const char *type, const char *word, const char *job)
{
    char id[UUID_SIZE];
    uuid_make(id);
    return json_pack("{s:s,s:s,s:s,s:s}", "eventType", type, "eventId", id, "operation", word,
                     "jobId", job);
}

/* Times are milliseconds in events. */
static void copy_time(json_t *body, const json_t *job, const char *name)
{
    const json_t *value = json_object_get(job, name);
    if (value)
        json_object_set_new(body, name, json_integer(json_integer_value(value) * 1000));
}

static void copy(json_t *body, const json_t *job, const char *name)
{
    json_t *value = json_object_get(job, name);
    if (value)
        json_object_set(body, name, value);
}

void event_of_job(struct cloud *cloud, const char *job, const char *word)
{
    struct answer answer = ANSWER_INIT;
    if (!is_on(cloud, JOB) || jobs_describe_job(cloud, job, &answer) != CORE_OK)
        return;
    const json_t *shown = json_object_get(answer.body, "job");
    json_t *body = event(JOB, word, job);
    copy(body, shown, "status");
    copy(body, shown, "targetSelection");
    copy(body, shown, "targets");
    copy(body, shown, "description");
    copy(body, shown, "comment");
    copy_time(body, shown, "createdAt");
    copy_time(body, shown, "lastUpdatedAt");
    copy_time(body, shown, "completedAt");
    if (strcmp(word, "completed") == 0)
        copy(body, shown, "jobProcessDetails");
    else if (strcmp(word, "cancellation_in_progress") == 0)
        json_object_set_new(body, "status", json_string("CANCELLATION_IN_PROGRESS"));
    else if (strcmp(word, "deletion_in_progress") == 0)
        json_object_set_new(body, "status", json_string("DELETION_IN_PROGRESS"));
    else if (strcmp(word, "deleted") == 0)
        json_object_set_new(body, "status", json_string("DELETED"));
    cloud_notify_named(cloud, NOTICE_JOB_EVENT, job, word, body);
    answer_free(&answer);
}

void event_of_execution(struct cloud *cloud, const struct execution *execution, const char *status)
{
    char word[16];
    size_t i = 0;
    if (!is_on(cloud, EXECUTION))
        return;
    for (; status[i] && i + 1 < sizeof word; i++)
        word[i] = (char)tolower((unsigned char)status[i]);
    word[i] = 0;
    json_t *body = event(EXECUTION, word, execution->job), *details = execution_details(execution);
    json_object_set_new(body, "status", json_string(status));
    json_object_set_new(body, "thingArn",
                        json_string(arn_make(cloud, "iot", "thing/%s", execution->thing).text));
    json_object_set_new(body, "statusDetails", details ? details : json_object());
    cloud_notify_named(cloud, NOTICE_EXECUTION_EVENT, execution->job, word, body);
}

void events_of_executions(struct cloud *cloud, const char *job, bool running_too,
                          const char *status)
{
    if (!is_on(cloud, EXECUTION))
        return;
    struct db_rows *rows =
        db_select(cloud->db,
                  "SELECT " EXECUTION_COLUMNS " FROM job_executions WHERE job = ?"
                  " AND (status = 'QUEUED' OR (? AND status = 'IN_PROGRESS')) ORDER BY id",
                  "si", job, (int64_t)running_too);
    while (db_next(rows)) {
        struct execution execution;
        execution_read(rows, &execution);
        event_of_execution(cloud, &execution, status);
        execution_free(&execution);
    }
    db_done(rows);
}
