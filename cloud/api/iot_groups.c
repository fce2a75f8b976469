/* iot: thing groups and tags over HTTP. */
#include <stdlib.h>
#include <string.h>

#include "cloud/api/services_internal.h"
#include "cloud/core/ground/names.h"
#include "cloud/core/registry/groups.h"

/* ---- groups ---- */

static enum core_error create_group(struct call *call, const json_t *body, struct answer *answer)
{
    return group_create(call->cloud, call->parameters[0], body, answer);
}

static enum core_error describe_group(struct call *call, const json_t *body, struct answer *answer)
{
    (void)body;
    return group_describe(call->cloud, call->parameters[0], answer);
}

static enum core_error update_group(struct call *call, const json_t *body, struct answer *answer)
{
    return group_update(call->cloud, call->parameters[0], body, answer);
}

static enum core_error delete_group(struct call *call, const json_t *body, struct answer *answer)
{
    const char *version = call_query(call, "expectedVersion");
    (void)body;
    return group_delete(call->cloud, call->parameters[0], version ? strtoll(version, NULL, 10) : -1,
                        answer);
}

static enum core_error list_groups(struct call *call, const json_t *body, struct answer *answer)
{
    const char *recursive = call_query(call, "recursive");
    struct groups_filter filter = {.parent = call_query(call, "parentGroup"),
                                   .prefix = call_query(call, "namePrefixFilter"),
                                   .recursive = call_flag(call, "recursive"),
                                   .roots = recursive && strcmp(recursive, "false") == 0};
    (void)body;
    enum core_error error = group_list(call->cloud, &filter, answer);
    if (!error)
        services_page(call, answer, "thingGroups", &paging_by_token);
    return error;
}

static enum core_error list_of_thing(struct call *call, const json_t *body, struct answer *answer)
{
    (void)body;
    enum core_error error = group_list_of_thing(call->cloud, call->parameters[0], answer);
    if (!error)
        services_page(call, answer, "thingGroups", &paging_by_token);
    return error;
}

static enum core_error list_things(struct call *call, const json_t *body, struct answer *answer)
{
    (void)body;
    enum core_error error =
        group_things(call->cloud, call->parameters[0], call_flag(call, "recursive"), answer);
    if (!error)
        services_page(call, answer, "things", &paging_by_token);
    return error;
}

/* ---- who is in them ---- */

/* Both may be given by name or by ARN. NULL: neither, or another account's. */
static const char *named(const struct call *call, const json_t *body, const char *name,
                         const char *arn, const char *type)
{
    const char *text = json_text(body, name);
    return text ? text : arn_name(call->cloud, json_text(body, arn), "iot", type);
}

static const char *group_of(const struct call *call, const json_t *body)
{
    return named(call, body, "thingGroupName", "thingGroupArn", "thinggroup");
}

static const char *thing_of(const struct call *call, const json_t *body)
{
    return named(call, body, "thingName", "thingArn", "thing");
}

static enum core_error add_thing(struct call *call, const json_t *body, struct answer *answer)
{
    return group_add_thing(call->cloud, group_of(call, body), thing_of(call, body), answer);
}

static enum core_error remove_thing(struct call *call, const json_t *body, struct answer *answer)
{
    return group_remove_thing(call->cloud, group_of(call, body), thing_of(call, body), answer);
}

static enum core_error for_each(struct call *call, const json_t *groups, const char *thing,
                                enum core_error (*what)(struct cloud *, const char *, const char *,
                                                        struct answer *),
                                struct answer *answer)
{
    enum core_error error = CORE_OK;
    for (size_t i = 0; i < json_array_size(groups) && !error; i++)
        error = what(call->cloud, json_string_value(json_array_get(groups, i)), thing, answer);
    return error;
}

static enum core_error update_of_thing(struct call *call, const json_t *body, struct answer *answer)
{
    const char *thing = json_text(body, "thingName");
    enum core_error error = for_each(call, json_object_get(body, "thingGroupsToRemove"), thing,
                                     group_remove_thing, answer);
    if (!error)
        error = for_each(call, json_object_get(body, "thingGroupsToAdd"), thing, group_add_thing,
                         answer);
    return error;
}

/* ---- tags ---- */

static enum core_error tag(struct call *call, const json_t *body, struct answer *answer)
{
    return resource_tag(call->cloud, json_text(body, "resourceArn"), json_object_get(body, "tags"),
                        answer);
}

static enum core_error untag(struct call *call, const json_t *body, struct answer *answer)
{
    return resource_untag(call->cloud, json_text(body, "resourceArn"),
                          json_object_get(body, "tagKeys"), answer);
}

static enum core_error list_tags(struct call *call, const json_t *body, struct answer *answer)
{
    (void)body;
    return resource_tags(call->cloud, call_query(call, "resourceArn"), answer);
}

/* The fixed paths come before the one that takes any name. */
const struct route iot_groups_routes[] = {
    {"AddThingToThingGroup", EVHTTP_REQ_PUT, "/thing-groups/addThingToThingGroup", add_thing,
     "thingGroupName thingGroupArn thingName thingArn"},
    {"RemoveThingFromThingGroup", EVHTTP_REQ_PUT, "/thing-groups/removeThingFromThingGroup",
     remove_thing, "thingGroupName thingGroupArn thingName thingArn"},
    {"UpdateThingGroupsForThing", EVHTTP_REQ_PUT, "/thing-groups/updateThingGroupsForThing",
     update_of_thing, "thingName thingGroupsToAdd thingGroupsToRemove"},
    {"CreateThingGroup", EVHTTP_REQ_POST, "/thing-groups/{}", create_group,
     "parentGroupName thingGroupProperties tags"},
    {"DescribeThingGroup", EVHTTP_REQ_GET, "/thing-groups/{}", describe_group, NULL},
    {"UpdateThingGroup", EVHTTP_REQ_PATCH, "/thing-groups/{}", update_group,
     "thingGroupProperties expectedVersion"},
    {"DeleteThingGroup", EVHTTP_REQ_DELETE, "/thing-groups/{}", delete_group, "expectedVersion"},
    {"ListThingGroups", EVHTTP_REQ_GET, "/thing-groups", list_groups,
     "parentGroup namePrefixFilter recursive nextToken maxResults"},
    {"ListThingsInThingGroup", EVHTTP_REQ_GET, "/thing-groups/{}/things", list_things,
     "recursive nextToken maxResults"},
    {"ListThingGroupsForThing", EVHTTP_REQ_GET, "/things/{}/thing-groups", list_of_thing,
     "nextToken maxResults"},
    {"TagResource", EVHTTP_REQ_POST, "/tags", tag, "resourceArn tags"},
    {"UntagResource", EVHTTP_REQ_POST, "/untag", untag, "resourceArn tagKeys"},
    {"ListTagsForResource", EVHTTP_REQ_GET, "/tags", list_tags, "resourceArn nextToken"},
    {NULL, 0, NULL, NULL, NULL},
};
