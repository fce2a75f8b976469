/* Asking for rights; see rights.h. */
#include "cloud/api/rights.h"

#include <stdio.h>
#include <string.h>

#include "cloud/api/rights_named.h"
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
    {"policy-targets", "policy"},
    {"attached-policies", ""}, /* an ARN */
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
    {"api/things/shadow/ListNamedShadowsForThing", "thing"},
    {"signing-profiles", "/signing-profiles"},
    {"signing-jobs", "/signing-jobs"},
};

static const char *type_of(const char *pattern)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        size_t size = strlen(types[i].segment);
        if (strncmp(types[i].segment, pattern + 1, size) == 0 &&
            strncmp(pattern + 1 + size, "/{}", 3) == 0)
            return types[i].type;
    }
    return NULL;
}

bool rights_have(struct call *call, const char *action, const char *resource, char *message,
                 size_t size)
{
    char user[200];
    if (user_may(call->cloud, call->user, action, resource))
        return true;
    user_arn(call->cloud, call->user, user);
    snprintf(message, size,
             "User: %s is not authorized to perform: %s on resource: %s because no identity-based "
             "policy allows the %s action",
             user, action, resource, action);
    return false;
}

static void refuse(struct call *call, enum protocol protocol, const char *message)
{
    static const char *const names[] = {
        [PROTOCOL_IOT] = "AccessDeniedException",   [PROTOCOL_JOBS_DATA] = "AccessDeniedException",
        [PROTOCOL_IOT_DATA] = "ForbiddenException", [PROTOCOL_SIGNER] = "AccessDeniedException",
        [PROTOCOL_ACM] = "AccessDeniedException",   [PROTOCOL_S3] = "AccessDenied",
        [PROTOCOL_QUERY] = "AccessDenied",
    };
    error_reply(call, protocol, names[protocol], protocol == PROTOCOL_ACM ? 400 : 403, message,
                NULL);
}

bool rights_check(struct call *call, enum protocol protocol, const char *action,
                  const char *resource)
{
    char message[2048];
    if (rights_have(call, action, resource, message, sizeof message))
        return true;
    refuse(call, protocol, message);
    return false;
}

/* ---- routes ---- */

struct question {
    struct call *call;
    enum protocol protocol;
    const char *action;
    unsigned asked;
};

static bool ask(void *context, const char *resource)
{
    struct question *question = context;
    char other[96];
    question->asked++;
    /* of jobs that devices ask for, IAM has a prefix of its own */
    if (question->protocol == PROTOCOL_JOBS_DATA) {
        snprintf(other, sizeof other, "iotjobsdata:%s", strchr(question->action, ':') + 1);
        if (user_may(question->call->cloud, question->call->user, other, resource))
            return true;
    }
    return rights_check(question->call, question->protocol, question->action, resource);
}

static bool ask_path(struct question *question, const char *prefix, const struct route *route)
{
    const char *type = type_of(route->pattern), *name = question->call->parameters[0];
    if (!type || !name || named_replaces_path(route->name))
        return true;
    if (!*type)
        return ask(question, name);
    return ask(question, arn_make(question->call->cloud, prefix, "%s/%.256s", type, name).text);
}

/* An update makes a job of its own for its targets. */
static bool ask_targets(struct question *question, const struct route *route, const json_t *body)
{
    struct question job = *question;
    const json_t *target;
    size_t i;
    if (strcmp(route->name, "CreateOTAUpdate") != 0)
        return true;
    job.action = "iot:CreateJob";
    json_array_foreach(json_object_get(body, "targets"), i, target)
    {
        if (json_is_string(target) && !ask(&job, json_string_value(target)))
            return false;
    }
    return true;
}

bool rights_check_route(struct call *call, enum protocol protocol, const char *prefix,
                        const struct route *route, const json_t *body)
{
    char action[96];
    struct question question = {call, protocol, action, 0};
    struct question pass = {call, protocol, "iam:PassRole", 0};
    bool is_of_jobs_data = protocol == PROTOCOL_JOBS_DATA; /* only the thing is asked for */
    if (!*call->user)
        return true;
    snprintf(action, sizeof action, "%s:%s", prefix, route->name);
    return ask_path(&question, prefix, route) &&
           (is_of_jobs_data || named_resources(call, prefix, route->name, body, ask, &question)) &&
           (question.asked > 0 || ask(&question, "*")) && ask_targets(&question, route, body) &&
           named_roles(route->name, body, ask, &pass);
}
