/* What the user who signed may do: asked before an operation runs, and refused as each service of
 * AWS words it. Actions have the names of operations ("iot:CreateThing"); those of S3 are IAM's. */
#ifndef OTTER_CLOUD_API_RIGHTS_H
#define OTTER_CLOUD_API_RIGHTS_H

#include "cloud/api/errors.h"
#include "cloud/api/router.h"

/* False: the reply says that it may not. */
bool rights_check(struct call *call, enum protocol protocol, const char *action,
                  const char *resource);
/* The same for a route: for each resource in its path and elsewhere (rights_named.h), and for the
 * roles that it hands on; `prefix` of the action: "iot". */
bool rights_check_route(struct call *call, enum protocol protocol, const char *prefix,
                        const struct route *route, const json_t *body);
/* Whether the user may, and if not, why: AWS's words. */
bool rights_have(struct call *call, const char *action, const char *resource, char *message,
                 size_t size);

#endif
