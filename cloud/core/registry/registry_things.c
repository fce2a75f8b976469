/* Things, and the certificates attached to them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/core/ground/names.h"
#include "cloud/core/registry/registry_internal.h"
#include "cloud/store/db.h"

#define ATTRIBUTES_MAX       3 /* without a thing type */
#define TYPED_ATTRIBUTES_MAX 50

bool thing_exists(struct cloud *cloud, const char *name)
{
    return db_number(cloud->db, "SELECT COUNT(*) FROM things WHERE name = ?", "s", name) > 0;
}

bool thing_has_certificate(struct cloud *cloud, const char *thing, const char *certificate_id)
{
    return db_number(cloud->db,
                     "SELECT COUNT(*) FROM thing_principals WHERE thing = ? AND certificate = ?",
                     "ss", thing, certificate_id) > 0;
}

enum core_error need_thing(struct cloud *cloud, const char *name, struct answer *answer)
{
    if (thing_exists(cloud, name))
        return CORE_OK;
    return answer_refuse(answer, CORE_NOT_FOUND, "Thing %s cannot be found.", name);
}

/* ---- create ---- */

bool attribute_valid(const char *name, const json_t *value)
{
    const char *text = json_string_value(value);
    return text && name_valid(name, 128, "_.,@/:#-") &&
           (!*text || name_valid(text, 800, "_.,@/:#=[]-"));
}

static enum core_error check_count(const json_t *attributes, const char *type,
                                   struct answer *answer)
{
    size_t most = type ? TYPED_ATTRIBUTES_MAX : ATTRIBUTES_MAX;
    return json_object_size(attributes) <= most
               ? CORE_OK
               : answer_refuse(answer, CORE_INVALID_REQUEST,
                               "A thing with%s a type has at most %zu attributes.",
                               type ? "" : "out", most);
}

static enum core_error check_members(struct cloud *cloud, const char *name, const json_t *members,
                                     struct answer *answer)
{
    const json_t *attributes =
        json_object_get(json_object_get(members, "attributePayload"), "attributes");
    const char *type = json_text(members, "thingTypeName"), *key;
    json_t *value;

    if (!name_valid(name, THING_NAME_MAX, ":_-"))
        return answer_refuse(answer, CORE_INVALID_REQUEST,
                             "thingName must be 1 to 128 of a-z A-Z 0-9 : _ -");
    if (type && type_check(cloud, type, answer) != CORE_OK)
        return type_check(cloud, type, answer);
    json_object_foreach((json_t *)attributes, key, value)
    {
        if (!attribute_valid(key, value))
            return answer_refuse(answer, CORE_INVALID_REQUEST,
                                 "Attribute %.60s has a name or value that is not allowed.", key);
    }
    return CORE_OK;
}

static void answer_thing(struct cloud *cloud, const char *name, struct answer *answer)
{
    struct db_rows *rows = db_select(cloud->db, "SELECT id FROM things WHERE name = ?", "s", name);
    if (db_next(rows))
        answer->body =
            json_pack("{s:s,s:s,s:s}", "thingName", name, "thingArn",
                      arn_make(cloud, "iot", "thing/%s", name).text, "thingId", db_text(rows, 0));
    db_done(rows);
}

static enum core_error refuse_existing(struct cloud *cloud, const char *name, struct answer *answer)
{
    struct arn arn = arn_make(cloud, "iot", "thing/%s", name);
    answer_refuse(answer, CORE_EXISTS,
                  "Thing %s already exists in account with different attributes", name);
    answer->body = json_pack("{s:s,s:s}", "resourceId", name, "resourceArn", arn.text);
    return CORE_EXISTS;
}

/* The same name with the same content is answered as if it were new (the client may be retrying).
 */
static enum core_error answer_existing(struct cloud *cloud, const char *name,
                                       const char *attributes, const char *type,
                                       struct answer *answer)
{
    if (db_number(cloud->db, "SELECT attributes_json = ? AND type IS ? FROM things WHERE name = ?",
                  "sss", attributes, type, name) != 1)
        return refuse_existing(cloud, name, answer);
    answer_thing(cloud, name, answer);
    return CORE_OK;
}

enum core_error thing_create(struct cloud *cloud, const char *name, const json_t *members,
                             struct answer *answer)
{
    const char *type = json_text(members, "thingTypeName");
    json_t *given = json_object_get(json_object_get(members, "attributePayload"), "attributes");
    enum core_error error = check_members(cloud, name, members, answer);
    if (!error)
        error = check_count(given, type, answer);
    if (error)
        return error;
    char *attributes = given ? json_dumps(given, JSON_COMPACT | JSON_SORT_KEYS) : strdup("{}");
    char id[UUID_SIZE];
    uuid_make(id);
    otter_status status =
        db_run(cloud->db,
               "INSERT INTO things(name, id, type, attributes_json, created) VALUES(?, ?, ?, ?, ?)",
               "ssssi", name, id, type, attributes, cloud_now(cloud));
    if (status == OTTER_E_STATE)
        error = answer_existing(cloud, name, attributes, type, answer);
    else if (status != OTTER_OK)
        error = answer_db_failed(cloud, answer);
    else
        answer_thing(cloud, name, answer);
    free(attributes);
    return error;
}

/* ---- update ---- */

static json_t *attributes_of(struct cloud *cloud, const char *name)
{
    struct db_rows *rows =
        db_select(cloud->db, "SELECT attributes_json FROM things WHERE name = ?", "s", name);
    json_t *attributes = json_stored(db_next(rows) ? db_text(rows, 0) : NULL, "{}");
    db_done(rows);
    return attributes;
}

json_t *attributes_updated(json_t *attributes, const json_t *payload)
{
    json_t *given = json_object_get(payload, "attributes"), *value;
    bool merge = json_is_true(json_object_get(payload, "merge"));
    const char *key;
    if (given && !merge)
        json_object_clear(attributes);
    json_object_foreach(given, key, value)
    {
        if (merge && json_string_length(value) == 0)
            json_object_del(attributes, key);
        else
            json_object_set(attributes, key, value);
    }
    return attributes;
}

static enum core_error check_version(struct cloud *cloud, const char *name, int64_t expected,
                                     struct answer *answer)
{
    int64_t version = db_number(cloud->db, "SELECT version FROM things WHERE name = ?", "s", name);
    if (expected < 0 || expected == version)
        return CORE_OK;
    return answer_refuse(answer, CORE_VERSION_CONFLICT,
                         "The version of thing %s is %lld, not the expected %lld.", name,
                         (long long)version, (long long)expected);
}

/* The type after an update: the given one, none, or as it was. NULL: none; freed by the caller. */
static char *new_type(struct cloud *cloud, const char *name, const json_t *members)
{
    const char *given = json_text(members, "thingTypeName");
    char *type = given ? strdup(given) : NULL;
    if (given || json_is_true(json_object_get(members, "removeThingType")))
        return type;
    struct db_rows *rows =
        db_select(cloud->db, "SELECT type FROM things WHERE name = ?", "s", name);
    if (db_next(rows) && !db_null(rows, 0))
        type = strdup(db_text(rows, 0));
    db_done(rows);
    return type;
}

enum core_error thing_update(struct cloud *cloud, const char *name, const json_t *members,
                             struct answer *answer)
{
    const json_t *expected = json_object_get(members, "expectedVersion");
    enum core_error error = need_thing(cloud, name, answer);
    if (!error)
        error = check_members(cloud, name, members, answer);
    if (!error && expected)
        error = check_version(cloud, name, json_integer_value(expected), answer);
    if (error)
        return error;
    json_t *attributes = attributes_updated(attributes_of(cloud, name),
                                            json_object_get(members, "attributePayload"));
    char *text = json_dumps(attributes, JSON_COMPACT | JSON_SORT_KEYS);
    char *type = new_type(cloud, name, members);
    error = check_count(attributes, type, answer);
    if (error == CORE_OK && db_run(cloud->db,
                                   "UPDATE things SET attributes_json = ?, type = ?,"
                                   " version = version + 1 WHERE name = ?",
                                   "sss", text, type, name) != OTTER_OK)
        error = answer_db_failed(cloud, answer);
    if (error == CORE_OK)
        cloud_identity_changed(cloud); /* policies may look at attributes and type */
    free(type);
    free(text);
    json_decref(attributes);
    return error;
}

/* ---- describe, list, delete ---- */

enum core_error thing_describe(struct cloud *cloud, const char *name, struct answer *answer)
{
    struct db_rows *rows =
        db_select(cloud->db, "SELECT id, attributes_json, version, type FROM things WHERE name = ?",
                  "s", name);
    if (db_next(rows))
        answer->body = json_pack("{s:s,s:s,s:s,s:s,s:s*,s:o,s:I}", "defaultClientId", name,
                                 "thingName", name, "thingId", db_text(rows, 0), "thingArn",
                                 arn_make(cloud, "iot", "thing/%s", name).text, "thingTypeName",
                                 db_text(rows, 3), "attributes",
                                 json_stored(db_text(rows, 1), "{}"), "version", db_int(rows, 2));
    db_done(rows);
    return answer->body ? CORE_OK : need_thing(cloud, name, answer);
}

static json_t *thing_entry(struct cloud *cloud, struct db_rows *rows)
{
    const char *name = db_text(rows, 0);
    return json_pack("{s:s,s:s,s:s*,s:o,s:I}", "thingName", name, "thingArn",
                     arn_make(cloud, "iot", "thing/%s", name).text, "thingTypeName",
                     db_text(rows, 3), "attributes", json_stored(db_text(rows, 1), "{}"), "version",
                     db_int(rows, 2));
}

/* Only the page is read, and one row more to know whether there is another. */
enum core_error thing_list(struct cloud *cloud, const struct things_page *page,
                           struct answer *answer)
{
    json_t *things = json_array();
    char next[24];
    struct db_rows *rows = db_select(
        cloud->db,
        "SELECT name, attributes_json, version, type FROM things WHERE (?1 IS NULL OR type = ?1)"
        " AND (?2 IS NULL OR EXISTS (SELECT 1 FROM json_each(attributes_json)"
        " WHERE key = ?2 AND (?3 IS NULL OR value = ?3))) ORDER BY name LIMIT ?4 OFFSET ?5",
        "sssii", page->type, page->attribute, page->value, (int64_t)page->most + 1,
        (int64_t)page->begin);
    bool more = db_next(rows);
    for (; more && json_array_size(things) < page->most; more = db_next(rows))
        json_array_append_new(things, thing_entry(cloud, rows));
    db_done(rows);
    answer->body = json_pack("{s:o}", "things", things);
    if (more) {
        snprintf(next, sizeof next, "%zu", page->begin + page->most);
        json_object_set_new(answer->body, "nextToken", json_string(next));
    }
    return CORE_OK;
}

enum core_error thing_delete(struct cloud *cloud, const char *name, int64_t version,
                             struct answer *answer)
{
    if (!thing_exists(cloud, name))
        return CORE_OK; /* as AWS: what is wanted is so already */
    enum core_error error = check_version(cloud, name, version, answer);
    if (error)
        return error;
    otter_status status = db_run(cloud->db, "DELETE FROM things WHERE name = ?", "s", name);
    if (status == OTTER_E_STATE)
        return answer_refuse(answer, CORE_INVALID_REQUEST,
                             "Cannot delete. Thing %s is still attached to one or more principals",
                             name);
    if (status != OTTER_OK)
        return answer_db_failed(cloud, answer);
    if (cloud->watch.thing_removed)
        cloud->watch.thing_removed(cloud, name);
    return CORE_OK;
}

/* ---- principals ---- */

static enum core_error need_pair(struct cloud *cloud, const char *thing, const char *principal,
                                 const char **certificate, struct answer *answer)
{
    enum core_error error = need_thing(cloud, thing, answer);
    if (error)
        return error;
    *certificate = arn_name(cloud, principal, "iot", "cert");
    if (!*certificate)
        return answer_refuse(
            answer, CORE_INVALID_REQUEST,
            "The principal must be the ARN of a certificate of this account: %.120s",
            principal ? principal : "(none)");
    if (certificate_state_of(cloud, *certificate) == CERTIFICATE_UNKNOWN)
        return answer_refuse(answer, CORE_NOT_FOUND, "Certificate %s cannot be found.",
                             *certificate);
    return CORE_OK;
}

static enum core_error changed(struct cloud *cloud, const char *certificate, otter_status status,
                               struct answer *answer)
{
    if (status != OTTER_OK)
        return answer_db_failed(cloud, answer);
    cloud_certificate_changed(cloud, certificate);
    return CORE_OK;
}

enum core_error thing_attach(struct cloud *cloud, const char *thing, const char *principal,
                             struct answer *answer)
{
    const char *certificate = NULL;
    enum core_error error = need_pair(cloud, thing, principal, &certificate, answer);
    if (error)
        return error;
    return changed(cloud, certificate,
                   db_run(cloud->db,
                          "INSERT OR IGNORE INTO thing_principals(thing, certificate) VALUES(?, ?)",
                          "ss", thing, certificate),
                   answer);
}

enum core_error thing_detach(struct cloud *cloud, const char *thing, const char *principal,
                             struct answer *answer)
{
    const char *certificate = NULL;
    enum core_error error = need_pair(cloud, thing, principal, &certificate, answer);
    if (error)
        return error;
    return changed(cloud, certificate,
                   db_run(cloud->db,
                          "DELETE FROM thing_principals WHERE thing = ? AND certificate = ?", "ss",
                          thing, certificate),
                   answer);
}

enum core_error thing_principals(struct cloud *cloud, const char *thing, struct answer *answer)
{
    enum core_error error = need_thing(cloud, thing, answer);
    if (error)
        return error;
    json_t *principals = json_array();
    struct db_rows *rows = db_select(
        cloud->db, "SELECT certificate FROM thing_principals WHERE thing = ?", "s", thing);
    while (db_next(rows))
        json_array_append_new(
            principals, json_string(arn_make(cloud, "iot", "cert/%s", db_text(rows, 0)).text));
    db_done(rows);
    answer->body = json_pack("{s:o}", "principals", principals);
    return CORE_OK;
}

enum core_error thing_list_of_principal(struct cloud *cloud, const char *principal,
                                        struct answer *answer)
{
    const char *certificate = arn_name(cloud, principal, "iot", "cert");
    if (!certificate || certificate_state_of(cloud, certificate) == CERTIFICATE_UNKNOWN)
        return answer_refuse(answer, CORE_NOT_FOUND, "Principal %.120s cannot be found.",
                             principal ? principal : "(none)");
    json_t *things = json_array();
    struct db_rows *rows = db_select(
        cloud->db, "SELECT thing FROM thing_principals WHERE certificate = ?", "s", certificate);
    while (db_next(rows))
        json_array_append_new(things, json_string(db_text(rows, 0)));
    db_done(rows);
    answer->body = json_pack("{s:o}", "things", things);
    return CORE_OK;
}
