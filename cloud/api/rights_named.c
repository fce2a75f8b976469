/* What a request names beside its path, as AWS's table of actions and resources has it
 * (Service Authorization Reference: AWS IoT, AWS Signer). */
#include "cloud/api/rights_named.h"

#include <string.h>

#include "cloud/core/ground/names.h"

enum where { BODY, QUERY, HEADER, PATH /* its second name, as no first is without a type */ };

/* INSTEAD: what the path names is no resource of the action. */
enum weight { ALSO, INSTEAD };

#define JOIN_GROUP "AddThingToThingGroup RemoveThingFromThingGroup "
#define SEARCH     "SearchIndex GetStatistics GetCardinality GetPercentiles GetBucketsAggregation"
#define PROFILE    "AttachSecurityProfile DetachSecurityProfile "
#define EXECUTION  "DescribeJobExecution CancelJobExecution DeleteJobExecution"
#define CERTIFIED  "AttachThingPrincipal DetachThingPrincipal ListPrincipalThings"

#define ARN ""

/* A value is a name of the type, or an ARN, or an array of such. */
static const struct place {
    const char *operations, *name, *type;
    enum where where;
    enum weight weight;
} places[] = {
    {JOIN_GROUP "UpdateThingGroupsForThing", "thingName", "thing", BODY, ALSO},
    {JOIN_GROUP, "thingArn", ARN, BODY, ALSO},
    {JOIN_GROUP, "thingGroupName", "thinggroup", BODY, ALSO},
    {JOIN_GROUP, "thingGroupArn", ARN, BODY, ALSO},
    {"UpdateThingGroupsForThing", "thingGroupsToAdd", "thinggroup", BODY, ALSO},
    {"UpdateThingGroupsForThing", "thingGroupsToRemove", "thinggroup", BODY, ALSO},
    {"CreateThingGroup", "parentGroupName", "thinggroup", BODY, ALSO},
    {"CreateJob AssociateTargetsWithJob", "targets", ARN, BODY, ALSO},
    {"CreateJob", "jobTemplateArn", ARN, BODY, ALSO},
    {"CreateJobTemplate", "jobArn", ARN, BODY, ALSO},
    {"AttachPolicy DetachPolicy", "target", ARN, BODY, INSTEAD},
    {CERTIFIED, "x-amzn-principal", ARN, HEADER, INSTEAD},
    {"TagResource UntagResource", "resourceArn", ARN, BODY, ALSO},
    {"ListTagsForResource", "resourceArn", ARN, QUERY, ALSO},
    {SEARCH, "indexName", "index", BODY, ALSO},
    {PROFILE "ListSecurityProfilesForTarget", "securityProfileTargetArn", ARN, QUERY, ALSO},
    {"ListActiveViolations ListViolationEvents ListMetricValues", "thingName", "thing", QUERY,
     ALSO},
    {"ListActiveViolations ListViolationEvents", "securityProfileName", "securityprofile", QUERY,
     ALSO},
    {"ListJobs", "thingGroupName", "thinggroup", QUERY, ALSO},
    {EXECUTION, "job", "job", PATH, ALSO},
    {"StartSigningJob", "profileName", "/signing-profiles", BODY, ALSO},
};

/* Roles are handed to the service by these: wherever their bodies name one, but for what is the
 * caller's own text. */
static const char passing[] =
    "CreateJob UpdateJob CreateJobTemplate CreateOTAUpdate CreateStream UpdateStream "
    "CreateTopicRule ReplaceTopicRule CreateProvisioningTemplate UpdateProvisioningTemplate "
    "CreateSecurityProfile UpdateSecurityProfile RegisterCACertificate UpdateCACertificate";
static const char free_text[] = "attributes additionalParameters document tags";

struct walk {
    struct call *call;
    const char *service;
    named_resource *each;
    void *context;
};

static bool tell(const struct walk *walk, const char *type, const char *name)
{
    struct arn resource;
    if (!name || !*name)
        return true;
    if (strcmp(type, ARN) == 0)
        return walk->each(walk->context, name);
    resource = arn_make(walk->call->cloud, walk->service, "%s/%.256s", type, name);
    return walk->each(walk->context, resource.text);
}

static bool tell_all(const struct walk *walk, const char *type, const json_t *value)
{
    const json_t *one;
    size_t i;
    if (json_is_string(value))
        return tell(walk, type, json_string_value(value));
    json_array_foreach(value, i, one)
    {
        if (!tell(walk, type, json_string_value(one)))
            return false;
    }
    return true;
}

/* "all things" is a target, too, but no resource. */
static bool is_resource(const char *text)
{
    return text && strstr(text, ":all/") == NULL;
}

static bool tell_place(const struct walk *walk, const struct place *place, const json_t *body)
{
    const char *text = NULL;
    switch (place->where) {
    case BODY:
        return tell_all(walk, place->type, json_object_get(body, place->name));
    case QUERY:
        text = call_query(walk->call, place->name);
        return !is_resource(text) || tell(walk, place->type, text);
    case HEADER:
        return tell(walk, place->type, call_header(walk->call, place->name));
    case PATH:
        return tell(walk, place->type, walk->call->parameters[1]);
    }
    return true;
}

bool named_replaces_path(const char *operation)
{
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        if (places[i].weight == INSTEAD && text_lists(places[i].operations, operation))
            return true;
    }
    return false;
}

bool named_resources(struct call *call, const char *service, const char *operation,
                     const json_t *body, named_resource *each, void *context)
{
    const struct walk walk = {call, service, each, context};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        if (text_lists(places[i].operations, operation) && !tell_place(&walk, &places[i], body))
            return false;
    }
    if (text_lists(SEARCH, operation) && !json_object_get(body, "indexName"))
        return tell(&walk, "index", "AWS_Things");
    return true;
}

/* ---- roles ---- */

static bool roles_below(const json_t *value, named_resource *each, void *context)
{
    const char *name;
    json_t *inner;
    size_t i;
    json_array_foreach((json_t *)value, i, inner)
    {
        if (!roles_below(inner, each, context))
            return false;
    }
    json_object_foreach((json_t *)value, name, inner)
    {
        const char *text = json_string_value(inner);
        bool is_role = strcmp(name, "roleArn") == 0 || strcmp(name, "provisioningRoleArn") == 0;
        if (text ? is_role && !each(context, text)
                 : !text_lists(free_text, name) && !roles_below(inner, each, context))
            return false;
    }
    return true;
}

bool named_roles(const char *operation, const json_t *body, named_resource *each, void *context)
{
    return !text_lists(passing, operation) || roles_below(body, each, context);
}
