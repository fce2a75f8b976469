/* Job templates: documents and configurations that jobs take over by jobTemplateArn.
 *
 * CORE_NOT_FOUND, CORE_CONFLICT for an id that is taken, CORE_INVALID_REQUEST; a refusal changes
 * nothing. */
#ifndef OTTER_CLOUD_CORE_JOBS_TEMPLATES_H
#define OTTER_CLOUD_CORE_JOBS_TEMPLATES_H

#include "cloud/core/ground/cloud.h"

/* `members`: description; one of jobArn, document, documentSource; presignedUrlConfig, the
 * configurations of a job, maintenanceWindows, tags. {"jobTemplateArn","jobTemplateId"} */
enum core_error job_template_create(struct cloud *cloud, const char *id, const json_t *members,
                                    struct answer *answer);
/* The members of DescribeJobTemplate. */
enum core_error job_template_describe(struct cloud *cloud, const char *id, struct answer *answer);
/* {"jobTemplates":[...]}, newest first */
enum core_error job_template_list(struct cloud *cloud, struct answer *answer);
enum core_error job_template_delete(struct cloud *cloud, const char *id, struct answer *answer);

/* The members of CreateJob with those that the template of its jobTemplateArn has and they have
 * not; *merged is the caller's, also when it is refused. */
enum core_error job_template_apply(struct cloud *cloud, const json_t *members, json_t **merged,
                                   struct answer *answer);

#endif
