/* What the user who signed may do: asked before an operation runs, and refused as each service of
 * AWS words it. Actions have the names of operations ("iot:CreateThing"); those of S3 are IAM's. */
#ifndef OTTER_CLOUD_API_RIGHTS_H
#define OTTER_CLOUD_API_RIGHTS_H

#include "cloud/api/errors.h"
#include "cloud/api/router.h"

/* False: the reply says that it may not. */
bool rights_check(struct call *call, enum protocol protocol, const char *action,
                  const char *resource);
/* The same for a route, whose resource is in its path; `prefix` of the action: "iot". */
bool rights_check_route(struct call *call, enum protocol protocol, const char *prefix,
                        const struct route *route);

#endif
