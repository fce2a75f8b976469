/* iot and iot-jobs-data: jobs and their executions over HTTP. */
#include <stdlib.h>
#include <string.h>

#include "cloud/api/services_internal.h"
#include "cloud/core/ground/names.h"
#include "cloud/core/jobs/jobs.h"

#define LIST_MAX 250

static struct jobs_page page_of(const struct call *call)
{
    return (struct jobs_page){.status = call_query(call, "status"),
                              .selection = call_query(call, "targetSelection"),
                              .group = call_query(call, "thingGroupName"),
                              .group_id = call_query(call, "thingGroupId"),
                              .token = call_query(call, "nextToken"),
                              .limit = call_number(call, "maxResults", LIST_MAX, 0)};
}

/* An execution's number: absent is 0, the latest. */
static enum core_error number_of(const char *text, int64_t *number, struct answer *answer)
{
    size_t length = text ? strlen(text) : 0;
    *number = length ? strtoll(text, NULL, 10) : 0;
    if (!text || (length < 19 && strspn(text, "0123456789") == length && *number > 0))
        return CORE_OK;
    return answer_refuse(answer, CORE_INVALID_REQUEST,
                         "executionNumber must be a number from 1, not '%.40s'", text);
}

/* ---- iot: what operators do ---- */

static enum core_error create_job(struct call *call, const json_t *body, struct answer *answer)
{
    return jobs_create(call->cloud, call->parameters[0], body, answer);
}

static enum core_error describe_job(struct call *call, const json_t *body, struct answer *answer)
{
    (void)body;
    return jobs_describe_job(call->cloud, call->parameters[0], answer);
}

static enum core_error get_document(struct call *call, const json_t *body, struct answer *answer)
{
    (void)body;
    return jobs_document(call->cloud, call->parameters[0], answer);
}

static enum core_error update_job(struct call *call, const json_t *body, struct answer *answer)
{
    return jobs_change(call->cloud, call->parameters[0], body, answer);
}

static enum core_error associate(struct call *call, const json_t *body, struct answer *answer)
{
    return jobs_associate(call->cloud, call->parameters[0], body, answer);
}

static enum core_error cancel_job(struct call *call, const json_t *body, struct answer *answer)
{
    return jobs_cancel(call->cloud, call->parameters[0], call_flag(call, "force"), body, answer);
}

static enum core_error delete_job(struct call *call, const json_t *body, struct answer *answer)
{
    (void)body;
    return jobs_delete(call->cloud, call->parameters[0], call_flag(call, "force"), answer);
}

static enum core_error list_jobs(struct call *call, const json_t *body, struct answer *answer)
{
    struct jobs_page page = page_of(call);
    (void)body;
    return jobs_list(call->cloud, &page, answer);
}

static enum core_error list_for_job(struct call *call, const json_t *body, struct answer *answer)
{
    struct jobs_page page = page_of(call);
    (void)body;
    return jobs_list_for_job(call->cloud, call->parameters[0], &page, answer);
}

static enum core_error list_for_thing(struct call *call, const json_t *body, struct answer *answer)
{
    struct jobs_page page = page_of(call);
    (void)body;
    return jobs_list_for_thing(call->cloud, call->parameters[0], &page, answer);
}

static enum core_error describe_execution(struct call *call, const json_t *body,
                                          struct answer *answer)
{
    int64_t number;
    enum core_error error = number_of(call_query(call, "executionNumber"), &number, answer);
    (void)body;
    if (error)
        return error;
    return jobs_describe_execution(call->cloud, call->parameters[0], call->parameters[1], number,
                                   answer);
}

static enum core_error cancel_execution(struct call *call, const json_t *body,
                                        struct answer *answer)
{
    return jobs_cancel_execution(call->cloud, call->parameters[0], call->parameters[1],
                                 call_flag(call, "force"), body, answer);
}

static enum core_error delete_execution(struct call *call, const json_t *body,
                                        struct answer *answer)
{
    int64_t number;
    enum core_error error = number_of(call->parameters[2], &number, answer);
    (void)body;
    if (error)
        return error;
    return jobs_delete_execution(call->cloud, call->parameters[0], call->parameters[1], number,
                                 call_flag(call, "force"), answer);
}

static enum core_error update_events(struct call *call, const json_t *body, struct answer *answer)
{
    return events_configure(call->cloud, body, answer);
}

static enum core_error describe_events(struct call *call, const json_t *body, struct answer *answer)
{
    (void)body;
    events_describe(call->cloud, answer);
    return CORE_OK;
}

const struct route iot_jobs_routes[] = {
    {"UpdateEventConfigurations", EVHTTP_REQ_PATCH, "/event-configurations", update_events,
     "eventConfigurations"},
    {"DescribeEventConfigurations", EVHTTP_REQ_GET, "/event-configurations", describe_events, NULL},
    {"CreateJob", EVHTTP_REQ_PUT, "/jobs/{}", create_job,
     "targets document documentSource description targetSelection timeoutConfig "
     "jobExecutionsRetryConfig jobExecutionsRolloutConfig abortConfig schedulingConfig "
     "presignedUrlConfig jobTemplateArn tags"},
    {"DescribeJob", EVHTTP_REQ_GET, "/jobs/{}", describe_job, "beforeSubstitution"},
    {"UpdateJob", EVHTTP_REQ_PATCH, "/jobs/{}", update_job,
     "description timeoutConfig jobExecutionsRetryConfig jobExecutionsRolloutConfig abortConfig "
     "presignedUrlConfig"},
    {"AssociateTargetsWithJob", EVHTTP_REQ_POST, "/jobs/{}/targets", associate, "targets comment"},
    {"GetJobDocument", EVHTTP_REQ_GET, "/jobs/{}/job-document", get_document, "beforeSubstitution"},
    {"CancelJob", EVHTTP_REQ_PUT, "/jobs/{}/cancel", cancel_job, "reasonCode comment force"},
    {"DeleteJob", EVHTTP_REQ_DELETE, "/jobs/{}", delete_job, "force"},
    {"ListJobs", EVHTTP_REQ_GET, "/jobs", list_jobs,
     "status targetSelection thingGroupName thingGroupId maxResults nextToken"},
    {"ListJobExecutionsForJob", EVHTTP_REQ_GET, "/jobs/{}/things", list_for_job,
     "status maxResults nextToken"},
    {"ListJobExecutionsForThing", EVHTTP_REQ_GET, "/things/{}/jobs", list_for_thing,
     "status maxResults nextToken"},
    {"DescribeJobExecution", EVHTTP_REQ_GET, "/things/{}/jobs/{}", describe_execution,
     "executionNumber"},
    {"CancelJobExecution", EVHTTP_REQ_PUT, "/things/{}/jobs/{}/cancel", cancel_execution,
     "force expectedVersion statusDetails"},
    {"DeleteJobExecution", EVHTTP_REQ_DELETE, "/things/{}/jobs/{}/executionNumber/{}",
     delete_execution, "force"},
    {NULL, 0, NULL, NULL, NULL},
};

/* ---- iot-jobs-data: what devices do ---- */

/* The job document is text here, an object over MQTT. */
static void document_to_text(json_t *holder)
{
    json_t *document = json_object_get(holder, "jobDocument");
    char *text = json_is_object(document) ? json_dumps(document, JSON_COMPACT) : NULL;
    if (text)
        json_object_set_new(holder, "jobDocument", json_string(text));
    free(text);
}

static enum core_error get_pending(struct call *call, const json_t *body, struct answer *answer)
{
    (void)body;
    return jobs_get_pending(call->cloud, call->parameters[0], NULL, answer);
}

static enum core_error start_next(struct call *call, const json_t *body, struct answer *answer)
{
    enum core_error error = jobs_start_next(call->cloud, call->parameters[0], body, answer);
    document_to_text(json_object_get(answer->body, "execution"));
    return error;
}

static enum core_error describe_own(struct call *call, const json_t *body, struct answer *answer)
{
    const char *include = call_query(call, "includeJobDocument");
    const char *number = call_query(call, "executionNumber");
    int64_t value;
    enum core_error error = number_of(number, &value, answer);
    (void)body;
    if (error)
        return error;
    json_t *request = json_object();
    if (include)
        json_object_set_new(request, "includeJobDocument",
                            json_boolean(strcmp(include, "false") != 0));
    if (number)
        json_object_set_new(request, "executionNumber", json_integer(value));
    error = jobs_describe(call->cloud, call->parameters[0], call->parameters[1], request, answer);
    json_decref(request);
    document_to_text(json_object_get(answer->body, "execution"));
    return error;
}

static enum core_error update_own(struct call *call, const json_t *body, struct answer *answer)
{
    enum core_error error =
        jobs_update(call->cloud, call->parameters[0], call->parameters[1], body, answer);
    document_to_text(answer->body);
    return error;
}

const struct route jobs_data_routes[] = {
    {"ListJobExecutionsForThing", EVHTTP_REQ_GET, "/things/{}/jobs", get_pending, NULL},
    {"StartNextPendingJobExecution", EVHTTP_REQ_PUT, "/things/{}/jobs/$next", start_next,
     "statusDetails stepTimeoutInMinutes"},
    {"DescribeJobExecution", EVHTTP_REQ_GET, "/things/{}/jobs/{}", describe_own,
     "includeJobDocument executionNumber"},
    {"UpdateJobExecution", EVHTTP_REQ_POST, "/things/{}/jobs/{}", update_own,
     "status statusDetails expectedVersion includeJobExecutionState includeJobDocument "
     "stepTimeoutInMinutes executionNumber"},
    {NULL, 0, NULL, NULL, NULL},
};
