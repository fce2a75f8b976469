/* Thing types: what kind of product a thing is. */
#include <stdlib.h>
#include <string.h>

#include "cloud/core/ground/names.h"
#include "cloud/core/ground/words.h"
#include "cloud/core/registry/registry.h"
#include "cloud/store/db.h"

#define DESCRIPTION_MAX 2028
#define SEARCHABLE_MAX  3

static enum core_error need_type(struct cloud *cloud, const char *name, struct answer *answer)
{
    if (db_number(cloud->db, "SELECT COUNT(*) FROM thing_types WHERE name = ?", "s", name) > 0)
        return CORE_OK;
    return answer_refuse(answer, CORE_NOT_FOUND, "Thing type %.128s cannot be found.", name);
}

enum core_error type_check(struct cloud *cloud, const char *name, struct answer *answer)
{
    enum core_error error = need_type(cloud, name, answer);
    if (error)
        return error;
    if (db_number(cloud->db, "SELECT deprecated FROM thing_types WHERE name = ?", "s", name) == 0)
        return CORE_OK;
    return answer_refuse(answer, CORE_INVALID_REQUEST, "Thing type %.128s is deprecated.", name);
}

/* ---- create ---- */

static enum core_error check_properties(const char *name, const json_t *properties,
                                        struct answer *answer)
{
    const char *key;
    const json_t *searchable = json_object_get(properties, "searchableAttributes");
    json_t *value;
    if (!name_valid(name, THING_NAME_MAX, ":_-"))
        return answer_refuse(answer, CORE_INVALID_REQUEST,
                             "thingTypeName must be 1 to 128 of a-z A-Z 0-9 : _ -");
    enum core_error error =
        words_check(properties, "thingTypeDescription", WORDS_PRINTABLE, DESCRIPTION_MAX, answer);
    if (error)
        return error;
    if (json_array_size(searchable) > SEARCHABLE_MAX)
        return answer_refuse(answer, CORE_INVALID_REQUEST,
                             "there are at most %d searchableAttributes", SEARCHABLE_MAX);
    json_object_foreach((json_t *)properties, key, value)
    {
        if (strcmp(key, "thingTypeDescription") != 0 && strcmp(key, "searchableAttributes") != 0)
            return answer_refuse(answer, CORE_INVALID_REQUEST,
                                 "thingTypeProperties.%.60s is not offered here: leave it out.",
                                 key);
    }
    return CORE_OK;
}

static struct arn arn_of(const struct cloud *cloud, const char *name)
{
    return arn_make(cloud, "iot", "thingtype/%s", name);
}

static enum core_error answer_type(struct cloud *cloud, const char *name, const char *properties,
                                   struct answer *answer)
{
    struct db_rows *rows = db_select(
        cloud->db, "SELECT id, properties_json FROM thing_types WHERE name = ?", "s", name);
    bool found = db_next(rows), same = found && strcmp(db_text(rows, 1), properties) == 0;
    if (same)
        answer->body = json_pack("{s:s,s:s,s:s}", "thingTypeName", name, "thingTypeArn",
                                 arn_of(cloud, name).text, "thingTypeId", db_text(rows, 0));
    db_done(rows);
    if (!found)
        return answer_db_failed(cloud, answer);
    if (same)
        return CORE_OK;
    answer_refuse(answer, CORE_EXISTS, "Thing type %s already exists with other properties.", name);
    answer->body =
        json_pack("{s:s,s:s}", "resourceId", name, "resourceArn", arn_of(cloud, name).text);
    return CORE_EXISTS;
}

enum core_error type_create(struct cloud *cloud, const char *name, const json_t *members,
                            struct answer *answer)
{
    json_t *given = json_object_get(members, "thingTypeProperties");
    enum core_error error = check_properties(name, given, answer);
    if (error)
        return error;
    char *properties = given ? json_dumps(given, JSON_COMPACT | JSON_SORT_KEYS) : strdup("{}");
    char id[UUID_SIZE];
    uuid_make(id);
    otter_status status = db_run(
        cloud->db, "INSERT INTO thing_types(name, id, properties_json, created) VALUES(?, ?, ?, ?)",
        "sssi", name, id, properties, cloud_now(cloud));
    error = status == OTTER_OK || status == OTTER_E_STATE
                ? answer_type(cloud, name, properties, answer)
                : answer_db_failed(cloud, answer);
    free(properties);
    return error;
}

/* ---- describe and list ---- */

static json_t *entry(struct cloud *cloud, struct db_rows *rows)
{
    const char *name = db_text(rows, 0);
    json_t *metadata = json_pack("{s:b,s:I}", "deprecated", (int)(db_int(rows, 3) != 0),
                                 "creationDate", (json_int_t)db_int(rows, 4));
    if (db_int(rows, 3) != 0)
        json_object_set_new(metadata, "deprecationDate", json_integer(db_int(rows, 3)));
    return json_pack("{s:s,s:s,s:o,s:o}", "thingTypeName", name, "thingTypeArn",
                     arn_of(cloud, name).text, "thingTypeProperties",
                     json_stored(db_text(rows, 2), "{}"), "thingTypeMetadata", metadata);
}

#define COLUMNS "SELECT name, id, properties_json, deprecated, created FROM thing_types "

enum core_error type_describe(struct cloud *cloud, const char *name, struct answer *answer)
{
    struct db_rows *rows = db_select(cloud->db, COLUMNS "WHERE name = ?", "s", name);
    if (db_next(rows)) {
        answer->body = entry(cloud, rows);
        json_object_set_new(answer->body, "thingTypeId", json_string(db_text(rows, 1)));
    }
    db_done(rows);
    return answer->body ? CORE_OK : need_type(cloud, name, answer);
}

enum core_error type_list(struct cloud *cloud, const char *name, struct answer *answer)
{
    json_t *types = json_array();
    struct db_rows *rows =
        db_select(cloud->db, COLUMNS "WHERE ?1 IS NULL OR name = ?1 ORDER BY name", "s", name);
    while (db_next(rows))
        json_array_append_new(types, entry(cloud, rows));
    db_done(rows);
    answer->body = json_pack("{s:o}", "thingTypes", types);
    return CORE_OK;
}

/* ---- deprecate and delete ---- */

enum core_error type_deprecate(struct cloud *cloud, const char *name, bool undo,
                               struct answer *answer)
{
    enum core_error error = need_type(cloud, name, answer);
    if (error)
        return error;
    return db_run(cloud->db,
                  "UPDATE thing_types SET deprecated = CASE WHEN ?1 THEN 0 WHEN deprecated THEN"
                  " deprecated ELSE ?2 END WHERE name = ?3",
                  "iis", (int64_t)undo, cloud_now(cloud), name) == OTTER_OK
               ? CORE_OK
               : answer_db_failed(cloud, answer);
}

enum core_error type_delete(struct cloud *cloud, const char *name, struct answer *answer)
{
    enum core_error error = need_type(cloud, name, answer);
    if (error)
        return error;
    int64_t since =
        db_number(cloud->db, "SELECT deprecated FROM thing_types WHERE name = ?", "s", name);
    if (since == 0 || cloud_now(cloud) < since + TYPE_REST_S)
        return answer_refuse(answer, CORE_INVALID_REQUEST,
                             "Thing type %s can be deleted %d minutes after it was deprecated "
                             "(aws iot deprecate-thing-type).",
                             name, TYPE_REST_S / 60);
    if (db_number(cloud->db, "SELECT COUNT(*) FROM things WHERE type = ?", "s", name) > 0)
        return answer_refuse(answer, CORE_INVALID_REQUEST,
                             "Thing type %s is still that of some things.", name);
    return db_run(cloud->db, "DELETE FROM thing_types WHERE name = ?", "s", name) == OTTER_OK
               ? CORE_OK
               : answer_db_failed(cloud, answer);
}
