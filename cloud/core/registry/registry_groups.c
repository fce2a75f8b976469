/* Thing groups: made, shown, changed, deleted, listed. Who is in them: registry_members.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/core/ground/names.h"
#include "cloud/core/ground/words.h"
#include "cloud/core/registry/groups.h"
#include "cloud/core/registry/registry_internal.h"
#include "cloud/store/db.h"

#define DESCRIPTION_MAX 2028

#define REFUSE(...) answer_refuse(answer, CORE_INVALID_REQUEST, __VA_ARGS__)

static struct arn group_arn(struct cloud *cloud, const char *name)
{
    return arn_make(cloud, "iot", "thinggroup/%s", name);
}

bool group_exists(struct cloud *cloud, const char *name)
{
    return name &&
           db_number(cloud->db, "SELECT COUNT(*) FROM thing_groups WHERE name = ?", "s", name) > 0;
}

static enum core_error need_group(struct cloud *cloud, const char *name, struct answer *answer)
{
    if (group_exists(cloud, name))
        return CORE_OK;
    return answer_refuse(answer, CORE_NOT_FOUND, "Thing group %.128s cannot be found.", name);
}

/* ---- what is asked for ---- */

static enum core_error check_properties(const json_t *properties, struct answer *answer)
{
    const json_t *payload = json_object_get(properties, "attributePayload");
    json_t *attributes = json_object_get(payload, "attributes"), *value;
    const char *key;
    enum core_error error =
        words_check(properties, "thingGroupDescription", WORDS_PRINTABLE, DESCRIPTION_MAX, answer);
    if (error)
        return error;
    if (json_object_size(attributes) > GROUP_ATTRIBUTES_MAX)
        return REFUSE("A thing group has at most %d attributes.", GROUP_ATTRIBUTES_MAX);
    json_object_foreach(attributes, key, value)
    {
        if (!attribute_valid(key, value))
            return REFUSE("Attribute %.60s has a name or value that is not allowed.", key);
    }
    return CORE_OK;
}

static enum core_error check_parent(struct cloud *cloud, const char *parent, struct answer *answer)
{
    if (!parent)
        return CORE_OK;
    if (!group_exists(cloud, parent))
        return answer_refuse(answer, CORE_NOT_FOUND, "Parent group %.128s cannot be found.",
                             parent);
    if (db_number(cloud->db, GROUPS_UP "SELECT COUNT(*) FROM up", "s", parent) >= GROUP_DEPTH_MAX)
        return REFUSE("Groups nest at most %d deep.", GROUP_DEPTH_MAX);
    if (db_number(cloud->db, "SELECT COUNT(*) FROM thing_groups WHERE parent = ?", "s", parent) >=
        GROUP_CHILDREN_MAX)
        return REFUSE("A group has at most %d groups right below it.", GROUP_CHILDREN_MAX);
    return CORE_OK;
}

/* ---- create ---- */

static void answer_group(struct cloud *cloud, const char *name, struct answer *answer)
{
    struct db_rows *rows =
        db_select(cloud->db, "SELECT id FROM thing_groups WHERE name = ?", "s", name);
    if (db_next(rows))
        answer->body = json_pack("{s:s,s:s,s:s}", "thingGroupName", name, "thingGroupArn",
                                 group_arn(cloud, name).text, "thingGroupId", db_text(rows, 0));
    db_done(rows);
}

/* The same name with the same content is answered as if it were new (the client may be retrying).
 */
static enum core_error answer_existing(struct cloud *cloud, const char *name, const char *parent,
                                       const char *description, const char *attributes,
                                       struct answer *answer)
{
    if (db_number(cloud->db,
                  "SELECT parent IS ? AND description IS ? AND attributes_json = ?"
                  " FROM thing_groups WHERE name = ?",
                  "ssss", parent, description, attributes, name) == 1) {
        answer_group(cloud, name, answer);
        return CORE_OK;
    }
    struct arn arn = group_arn(cloud, name);
    answer_refuse(answer, CORE_EXISTS,
                  "Thing Group %s already exists in current account with different properties",
                  name);
    answer->body = json_pack("{s:s,s:s}", "resourceId", name, "resourceArn", arn.text);
    return CORE_EXISTS;
}

static enum core_error insert(struct cloud *cloud, const char *name, const json_t *members,
                              struct answer *answer)
{
    const json_t *properties = json_object_get(members, "thingGroupProperties");
    const char *parent = json_text(members, "parentGroupName");
    const char *description = json_text(properties, "thingGroupDescription");
    json_t *given = json_object_get(json_object_get(properties, "attributePayload"), "attributes");
    char *attributes = given ? json_dumps(given, JSON_COMPACT | JSON_SORT_KEYS) : strdup("{}");
    char id[UUID_SIZE], resource[160];
    enum core_error error = CORE_OK;
    uuid_make(id);
    snprintf(resource, sizeof resource, "thinggroup/%s", name);
    otter_status status =
        db_run(cloud->db,
               "INSERT INTO thing_groups(name, id, parent, description,"
               " attributes_json, created) VALUES(?, ?, ?, ?, ?, ?)",
               "sssssi", name, id, parent, description, attributes, cloud_now(cloud));
    if (status == OTTER_E_STATE)
        error = answer_existing(cloud, name, parent, description, attributes, answer);
    else if (status != OTTER_OK)
        error = answer_db_failed(cloud, answer);
    else
        error = tags_add(cloud, resource, json_object_get(members, "tags"), answer);
    if (status == OTTER_OK && !error)
        answer_group(cloud, name, answer);
    free(attributes);
    return error;
}

enum core_error group_create(struct cloud *cloud, const char *name, const json_t *members,
                             struct answer *answer)
{
    if (!name_valid(name, THING_NAME_MAX, ":_-"))
        return REFUSE("thingGroupName must be 1 to 128 of a-z A-Z 0-9 : _ -");
    enum core_error error =
        check_properties(json_object_get(members, "thingGroupProperties"), answer);
    if (!error && !group_exists(cloud, name))
        error = check_parent(cloud, json_text(members, "parentGroupName"), answer);
    if (error)
        return error;
    if (db_begin(cloud->db) != OTTER_OK)
        return answer_db_failed(cloud, answer);
    error = insert(cloud, name, members, answer);
    if (db_finish(cloud->db, error ? OTTER_E_REFUSED : OTTER_OK) != OTTER_OK && !error)
        error = answer_db_failed(cloud, answer);
    return error;
}

/* ---- describe ---- */

/* From the root down to the parent. */
static json_t *ancestors(struct cloud *cloud, const char *name)
{
    json_t *list = json_array();
    struct db_rows *rows = db_select(
        cloud->db,
        "WITH RECURSIVE up(name, level) AS (SELECT parent, 1 FROM thing_groups WHERE name = ?"
        " UNION SELECT g.parent, level + 1 FROM thing_groups g JOIN up ON g.name = up.name)"
        " SELECT name FROM up WHERE name IS NOT NULL ORDER BY level DESC",
        "s", name);
    while (db_next(rows))
        json_array_append_new(list, json_pack("{s:s,s:s}", "groupName", db_text(rows, 0),
                                              "groupArn", group_arn(cloud, db_text(rows, 0)).text));
    db_done(rows);
    return list;
}

static json_t *description_of_row(struct cloud *cloud, const char *name, struct db_rows *rows)
{
    json_t *properties = json_object(), *metadata = json_object();
    json_t *attributes = json_stored(db_text(rows, 3), "{}");
    if (db_text(rows, 2))
        json_object_set_new(properties, "thingGroupDescription", json_string(db_text(rows, 2)));
    json_object_set_new(properties, "attributePayload",
                        json_pack("{s:o}", "attributes", attributes));
    if (db_text(rows, 1)) {
        json_object_set_new(metadata, "parentGroupName", json_string(db_text(rows, 1)));
        json_object_set_new(metadata, "rootToParentThingGroups", ancestors(cloud, name));
    }
    json_object_set_new(metadata, "creationDate", json_integer(db_int(rows, 5)));
    return json_pack("{s:s,s:s,s:s,s:I,s:o,s:o}", "thingGroupName", name, "thingGroupId",
                     db_text(rows, 0), "thingGroupArn", group_arn(cloud, name).text, "version",
                     (json_int_t)db_int(rows, 4), "thingGroupProperties", properties,
                     "thingGroupMetadata", metadata);
}

enum core_error group_describe(struct cloud *cloud, const char *name, struct answer *answer)
{
    struct db_rows *rows =
        db_select(cloud->db,
                  "SELECT id, parent, description, attributes_json, version, created"
                  " FROM thing_groups WHERE name = ?",
                  "s", name);
    if (db_next(rows))
        answer->body = description_of_row(cloud, name, rows);
    db_done(rows);
    return answer->body ? CORE_OK : need_group(cloud, name, answer);
}

/* ---- update and delete ---- */

static enum core_error check_version(struct cloud *cloud, const char *name, int64_t expected,
                                     struct answer *answer)
{
    int64_t version =
        db_number(cloud->db, "SELECT version FROM thing_groups WHERE name = ?", "s", name);
    if (expected < 0 || expected == version)
        return CORE_OK;
    return answer_refuse(answer, CORE_VERSION_CONFLICT,
                         "The version of thing group %s is %lld, not the expected %lld.", name,
                         (long long)version, (long long)expected);
}

static json_t *attributes_of(struct cloud *cloud, const char *name)
{
    struct db_rows *rows =
        db_select(cloud->db, "SELECT attributes_json FROM thing_groups WHERE name = ?", "s", name);
    json_t *attributes = json_stored(db_next(rows) ? db_text(rows, 0) : NULL, "{}");
    db_done(rows);
    return attributes;
}

static enum core_error store(struct cloud *cloud, const char *name, const json_t *properties,
                             struct answer *answer)
{
    json_t *attributes = attributes_updated(attributes_of(cloud, name),
                                            json_object_get(properties, "attributePayload"));
    char *text = json_dumps(attributes, JSON_COMPACT | JSON_SORT_KEYS);
    enum core_error error = CORE_OK;
    if (json_object_size(attributes) > GROUP_ATTRIBUTES_MAX)
        error = REFUSE("A thing group has at most %d attributes.", GROUP_ATTRIBUTES_MAX);
    else if (db_run(cloud->db,
                    "UPDATE thing_groups SET description = COALESCE(?, description),"
                    " attributes_json = ?, version = version + 1 WHERE name = ?",
                    "sss", json_text(properties, "thingGroupDescription"), text, name) != OTTER_OK)
        error = answer_db_failed(cloud, answer);
    free(text);
    json_decref(attributes);
    return error;
}

enum core_error group_update(struct cloud *cloud, const char *name, const json_t *members,
                             struct answer *answer)
{
    const json_t *properties = json_object_get(members, "thingGroupProperties");
    const json_t *expected = json_object_get(members, "expectedVersion");
    enum core_error error = need_group(cloud, name, answer);
    if (!error && !json_is_object(properties))
        error = REFUSE("thingGroupProperties is required.");
    if (!error)
        error = check_properties(properties, answer);
    if (!error && expected)
        error = check_version(cloud, name, json_integer_value(expected), answer);
    if (!error)
        error = store(cloud, name, properties, answer);
    if (!error)
        answer->body =
            json_pack("{s:I}", "version",
                      (json_int_t)db_number(
                          cloud->db, "SELECT version FROM thing_groups WHERE name = ?", "s", name));
    return error;
}

/* Its things leave before it is gone, so that whoever is told can still ask where it stood. */
static enum core_error empty_and_delete(struct cloud *cloud, const char *name,
                                        struct answer *answer)
{
    struct answer things = ANSWER_INIT;
    enum core_error error = group_things(cloud, name, false, &things);
    size_t i;
    json_t *thing;
    json_array_foreach(json_object_get(things.body, "things"), i, thing)
    {
        if (!error)
            error = group_remove_thing(cloud, name, json_string_value(thing), answer);
    }
    answer_free(&things);
    if (!error &&
        db_run(cloud->db, "DELETE FROM thing_groups WHERE name = ?", "s", name) != OTTER_OK)
        error = answer_db_failed(cloud, answer);
    return error;
}

enum core_error group_delete(struct cloud *cloud, const char *name, int64_t version,
                             struct answer *answer)
{
    if (!group_exists(cloud, name))
        return CORE_OK; /* as AWS: what is wanted is so already */
    enum core_error error = check_version(cloud, name, version, answer);
    if (error)
        return error;
    if (db_number(cloud->db, "SELECT COUNT(*) FROM thing_groups WHERE parent = ?", "s", name) > 0)
        return REFUSE("Cannot delete thing group %s: there are groups below it.", name);
    if (db_begin(cloud->db) != OTTER_OK)
        return answer_db_failed(cloud, answer);
    error = empty_and_delete(cloud, name, answer);
    if (db_finish(cloud->db, error ? OTTER_E_REFUSED : OTTER_OK) != OTTER_OK && !error)
        error = answer_db_failed(cloud, answer);
    return error;
}

/* ---- lists ---- */

static void take_groups(struct cloud *cloud, struct db_rows *rows, struct answer *answer)
{
    json_t *groups = json_array();
    while (db_next(rows))
        json_array_append_new(groups,
                              json_pack("{s:s,s:s}", "groupName", db_text(rows, 0), "groupArn",
                                        group_arn(cloud, db_text(rows, 0)).text));
    db_done(rows);
    answer->body = json_pack("{s:o}", "thingGroups", groups);
}

enum core_error group_list(struct cloud *cloud, const struct groups_filter *filter,
                           struct answer *answer)
{
    enum core_error error = filter->parent ? need_group(cloud, filter->parent, answer) : CORE_OK;
    if (error)
        return error;
    take_groups(cloud,
                db_select(cloud->db,
                          GROUPS_DOWN
                          "SELECT name FROM thing_groups WHERE"
                          " CASE WHEN ?1 IS NULL THEN (NOT ?4 OR parent IS NULL)"
                          " WHEN ?3 THEN name <> ?1 AND name IN (SELECT name FROM down)"
                          " ELSE parent = ?1 END"
                          " AND (?2 IS NULL OR substr(name, 1, length(?2)) = ?2) ORDER BY name",
                          "ssii", filter->parent, filter->prefix, (int64_t)filter->recursive,
                          (int64_t)filter->roots),
                answer);
    return CORE_OK;
}

enum core_error group_list_of_thing(struct cloud *cloud, const char *thing, struct answer *answer)
{
    enum core_error error = need_thing(cloud, thing, answer);
    if (!error)
        take_groups(cloud,
                    db_select(cloud->db,
                              "SELECT grp FROM thing_group_members WHERE thing = ? ORDER BY grp",
                              "s", thing),
                    answer);
    return error;
}
