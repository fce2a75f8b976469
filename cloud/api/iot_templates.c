/* iot: job templates over HTTP. */
#include "cloud/api/services_internal.h"
#include "cloud/core/jobs/templates.h"

static enum core_error create(struct call *call, const json_t *body, struct answer *answer)
{
    return job_template_create(call->cloud, call->parameters[0], body, answer);
}

static enum core_error describe(struct call *call, const json_t *body, struct answer *answer)
{
    (void)body;
    return job_template_describe(call->cloud, call->parameters[0], answer);
}

static enum core_error delete_one(struct call *call, const json_t *body, struct answer *answer)
{
    (void)body;
    return job_template_delete(call->cloud, call->parameters[0], answer);
}

static enum core_error list(struct call *call, const json_t *body, struct answer *answer)
{
    (void)body;
    enum core_error error = job_template_list(call->cloud, answer);
    if (!error)
        services_page(call, answer, "jobTemplates", &paging_by_token);
    return error;
}

const struct route iot_templates_routes[] = {
    {"CreateJobTemplate", EVHTTP_REQ_PUT, "/job-templates/{}", create,
     "jobArn documentSource document description presignedUrlConfig jobExecutionsRolloutConfig "
     "abortConfig timeoutConfig jobExecutionsRetryConfig maintenanceWindows tags"},
    {"DescribeJobTemplate", EVHTTP_REQ_GET, "/job-templates/{}", describe, NULL},
    {"DeleteJobTemplate", EVHTTP_REQ_DELETE, "/job-templates/{}", delete_one, NULL},
    {"ListJobTemplates", EVHTTP_REQ_GET, "/job-templates", list, "maxResults nextToken"},
    {NULL, 0, NULL, NULL, NULL},
};
