/* Thing groups: static, nested, with things in them; and the tags of resources (registry_tags.c).
 *
 * A group has one parent, given when it is made, or none. A thing is a member of the groups that it
 * was added to, and with that of all groups above them; it is in at most 10, and in no two of one
 * hierarchy (of one root). Groups are addressed as `thinggroup/NAME` in ARNs.
 *
 * Answers and refusals are as in registry.h. */
#ifndef OTTER_CLOUD_CORE_REGISTRY_GROUPS_H
#define OTTER_CLOUD_CORE_REGISTRY_GROUPS_H

#include "cloud/core/ground/cloud.h"

#define GROUPS_OF_THING_MAX  10
#define GROUP_DEPTH_MAX      7
#define GROUP_CHILDREN_MAX   100
#define GROUP_ATTRIBUTES_MAX 50
#define TAGS_MAX             50 /* of a resource */

/* The groups at and above the one that is the statement's parameter ?1, as table `up(name)`; and
 * those at and below it, as `down(name)`: to stand before a SELECT. */
#define GROUPS_UP                                                                                  \
    "WITH RECURSIVE up(name) AS (VALUES(?1) UNION SELECT g.parent FROM thing_groups g"             \
    " JOIN up ON g.name = up.name WHERE g.parent IS NOT NULL) "
#define GROUPS_DOWN                                                                                \
    "WITH RECURSIVE down(name) AS (VALUES(?1) UNION SELECT g.name FROM thing_groups g"             \
    " JOIN down ON g.parent = down.name) "

bool group_exists(struct cloud *cloud, const char *name);

/* `members`: parentGroupName, thingGroupProperties{thingGroupDescription,attributePayload}, tags.
 * The same once more is no error. {"thingGroupName","thingGroupArn","thingGroupId"} */
enum core_error group_create(struct cloud *cloud, const char *name, const json_t *members,
                             struct answer *answer);
/* The members of DescribeThingGroup, of a static group. */
enum core_error group_describe(struct cloud *cloud, const char *name, struct answer *answer);
/* `members`: thingGroupProperties, expectedVersion. {"version"} */
enum core_error group_update(struct cloud *cloud, const char *name, const json_t *members,
                             struct answer *answer);
/* `version` < 0: whatever the version. Its things leave it first. CORE_INVALID_REQUEST while it has
 * groups below it; no error when there is no such group. */
enum core_error group_delete(struct cloud *cloud, const char *name, int64_t version,
                             struct answer *answer);

/* {"thingGroups":[{"groupName","groupArn"}...]} by name. NULL: any. Without `recursive` and with a
 * parent, only its children; without both, all groups, or (`recursive` false asked for, which is
 * what `roots` says) those without a parent. */
struct groups_filter {
    const char *parent, *prefix;
    bool recursive, roots;
};
enum core_error group_list(struct cloud *cloud, const struct groups_filter *filter,
                           struct answer *answer);
/* The same list: the groups that a thing was added to. */
enum core_error group_list_of_thing(struct cloud *cloud, const char *thing, struct answer *answer);
/* {"things":[name...]} by name; `recursive`: those of the groups below, too. */
enum core_error group_things(struct cloud *cloud, const char *name, bool recursive,
                             struct answer *answer);

/* Both may be repeated. They tell cloud->watch, in the same transaction. */
enum core_error group_add_thing(struct cloud *cloud, const char *group, const char *thing,
                                struct answer *answer);
enum core_error group_remove_thing(struct cloud *cloud, const char *group, const char *thing,
                                   struct answer *answer);

/* ---- tags ---- */

/* Takes [{"Key","Value"}...], which may be NULL, in the place of older values of the same keys.
 * `resource` is the part of its ARN after the account: job/fix-1. CORE_LIMIT. */
enum core_error tags_add(struct cloud *cloud, const char *resource, const json_t *tags,
                         struct answer *answer);
/* The same by ARN: CORE_NOT_FOUND unless it is a job, job template, thing group, policy, stream or
 * OTA update that is there. */
enum core_error resource_tag(struct cloud *cloud, const char *arn, const json_t *tags,
                             struct answer *answer);
/* `keys`: an array of texts; those that are not there are no error. */
enum core_error resource_untag(struct cloud *cloud, const char *arn, const json_t *keys,
                               struct answer *answer);
/* {"tags":[{"Key","Value"}...]} by key */
enum core_error resource_tags(struct cloud *cloud, const char *arn, struct answer *answer);

#endif
