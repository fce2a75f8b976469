/* The resources that a request names in its body, query and headers: each is asked for, too. */
#ifndef OTTER_CLOUD_API_RIGHTS_NAMED_H
#define OTTER_CLOUD_API_RIGHTS_NAMED_H

#include <jansson.h>
#include <stdbool.h>

#include "cloud/api/call.h"

/* Called with each ARN; false ends the walk. */
typedef bool named_resource(void *context, const char *arn);

/* Whether the resource of the operation is named there alone, and not in the path. */
bool named_replaces_path(const char *operation);
/* False: one of the calls said so. `service` as in ARNs. */
bool named_resources(struct call *call, const char *service, const char *operation,
                     const json_t *body, named_resource *each, void *context);
/* The roles that the operation hands to the service (iam:PassRole). */
bool named_roles(const char *operation, const json_t *body, named_resource *each, void *context);

#endif
