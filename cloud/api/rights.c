/* Asking for rights; see rights.h. */
#include "cloud/api/rights.h"

#include <stdio.h>
#include <string.h>

#include "cloud/core/account/users.h"
#include "cloud/core/ground/names.h"

/* The first segment of a path, and what its second one names. */
static const struct {
    const char *segment, *type;
} types[] = {
    {"things", "thing"},
    {"thing-types", "thingtype"},
    {"thing-groups", "thinggroup"},
    {"policies", "policy"},
    {"target-policies", "policy"},
    {"jobs", "job"},
    {"job-templates", "jobtemplate"},
    {"streams", "stream"},
    {"otaUpdates", "otaupdate"},
    {"certificates", "cert"},
    {"cacertificate", "cacert"},
    {"topics", "topic"},
    {"retainedMessage", "topic"},
    {"rules", "rule"},
    {"indices", "index"},
    {"security-profiles", "securityprofile"},
    {"custom-metric", "custommetric"},
    {"provisioning-templates", "provisioningtemplate"},
};

static const char *type_of(const char *pattern)
{
    size_t size = strcspn(pattern + 1, "/");
    if (strncmp(pattern + 1 + size, "/{}", 3) != 0)
        return NULL;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (strlen(types[i].segment) == size && strncmp(pattern + 1, types[i].segment, size) == 0)
            return types[i].type;
    }
    return NULL;
}

static void refuse(struct call *call, enum protocol protocol, const char *action,
                   const char *resource)
{
    static const char *const names[] = {
        [PROTOCOL_IOT] = "AccessDeniedException",   [PROTOCOL_JOBS_DATA] = "AccessDeniedException",
        [PROTOCOL_IOT_DATA] = "ForbiddenException", [PROTOCOL_SIGNER] = "AccessDeniedException",
        [PROTOCOL_ACM] = "AccessDeniedException",   [PROTOCOL_S3] = "AccessDenied",
        [PROTOCOL_QUERY] = "AccessDenied",
    };
    char message[1024], user[200];
    user_arn(call->cloud, call->user, user);
    snprintf(message, sizeof message,
             "User: %s is not authorized to perform: %s on resource: %s because no identity-based "
             "policy allows the %s action",
             user, action, resource, action);
    error_reply(call, protocol, names[protocol], protocol == PROTOCOL_ACM ? 400 : 403, message,
                NULL);
}

bool rights_check(struct call *call, enum protocol protocol, const char *action,
                  const char *resource)
{
    if (user_may(call->cloud, call->user, action, resource))
        return true;
    refuse(call, protocol, action, resource);
    return false;
}

bool rights_check_route(struct call *call, enum protocol protocol, const char *prefix,
                        const struct route *route)
{
    char action[96];
    struct arn resource = {"*"};
    const char *type = type_of(route->pattern);
    if (!*call->user)
        return true;
    if (type && call->parameters[0])
        resource = arn_make(call->cloud, prefix, "%s/%.256s", type, call->parameters[0]);
    snprintf(action, sizeof action, "%s:%s", prefix, route->name);
    /* of jobs that devices ask for, IAM has a prefix of its own */
    if (protocol == PROTOCOL_JOBS_DATA) {
        char other[96];
        snprintf(other, sizeof other, "iotjobsdata:%s", route->name);
        if (user_may(call->cloud, call->user, other, resource.text))
            return true;
    }
    return rights_check(call, protocol, action, resource.text);
}
