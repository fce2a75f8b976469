/* Tags of resources: keys and values that bills and policies of a real account look at; here they
 * are kept and shown. A resource's tags go with it (the triggers of cloud/store/schema.c). */
#include <stdio.h>
#include <string.h>

#include "cloud/core/ground/names.h"
#include "cloud/core/registry/groups.h"
#include "cloud/store/db.h"

#define KEY_MAX   128
#define VALUE_MAX 256

#define REFUSE(...) answer_refuse(answer, CORE_INVALID_REQUEST, __VA_ARGS__)

/* ---- which resource ---- */

static const struct {
    const char *type, *sql;
} types[] = {
    {"job", "SELECT COUNT(*) FROM jobs WHERE id = ?"},
    {"jobtemplate", "SELECT COUNT(*) FROM job_templates WHERE id = ?"},
    {"thinggroup", "SELECT COUNT(*) FROM thing_groups WHERE name = ?"},
    {"policy", "SELECT COUNT(*) FROM policies WHERE name = ?"},
    {"stream", "SELECT COUNT(*) FROM streams WHERE id = ?"},
    {"otaupdate", "SELECT COUNT(*) FROM ota_updates WHERE id = ?"},
};

/* The resource's TYPE/NAME, a part of `arn`; NULL with CORE_NOT_FOUND. */
static const char *find_resource(struct cloud *cloud, const char *arn, struct answer *answer)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        const char *name = arn_name(cloud, arn, "iot", types[i].type);
        if (name && db_number(cloud->db, types[i].sql, "s", name) > 0)
            return name - strlen(types[i].type) - 1;
    }
    answer_refuse(answer, CORE_NOT_FOUND, "Resource %.160s cannot be found, or has no tags here.",
                  arn ? arn : "(none)");
    return NULL;
}

/* ---- add ---- */

static enum core_error check_tag(const json_t *tag, struct answer *answer)
{
    const char *key = json_text(tag, "Key"), *value = json_text(tag, "Value");
    if (!key || !*key || strlen(key) > KEY_MAX)
        return REFUSE("A tag's Key has 1 to %d characters.", KEY_MAX);
    if (strncmp(key, "aws:", 4) == 0)
        return REFUSE("Tags that begin with aws: are AWS's own: %.60s", key);
    if (value && strlen(value) > VALUE_MAX)
        return REFUSE("The value of tag %.60s is longer than %d characters.", key, VALUE_MAX);
    return CORE_OK;
}

static enum core_error add_each(struct cloud *cloud, const char *resource, const json_t *tags,
                                struct answer *answer)
{
    size_t i;
    json_t *tag;
    json_array_foreach((json_t *)tags, i, tag)
    {
        const char *value = json_text(tag, "Value");
        enum core_error error = check_tag(tag, answer);
        if (error)
            return error;
        if (db_run(cloud->db, "INSERT OR REPLACE INTO tags(resource, key, value) VALUES(?, ?, ?)",
                   "sss", resource, json_text(tag, "Key"), value ? value : "") != OTTER_OK)
            return answer_db_failed(cloud, answer);
    }
    if (db_number(cloud->db, "SELECT COUNT(*) FROM tags WHERE resource = ?", "s", resource) >
        TAGS_MAX)
        return answer_refuse(answer, CORE_LIMIT, "A resource has at most %d tags.", TAGS_MAX);
    return CORE_OK;
}

enum core_error tags_add(struct cloud *cloud, const char *resource, const json_t *tags,
                         struct answer *answer)
{
    if (!tags)
        return CORE_OK;
    if (!json_is_array(tags))
        return REFUSE("tags must be a list of Key and Value.");
    if (db_begin(cloud->db) != OTTER_OK)
        return answer_db_failed(cloud, answer);
    enum core_error error = add_each(cloud, resource, tags, answer);
    if (db_finish(cloud->db, error ? OTTER_E_REFUSED : OTTER_OK) != OTTER_OK && !error)
        error = answer_db_failed(cloud, answer);
    return error;
}

enum core_error resource_tag(struct cloud *cloud, const char *arn, const json_t *tags,
                             struct answer *answer)
{
    const char *resource = find_resource(cloud, arn, answer);
    if (!resource)
        return CORE_NOT_FOUND;
    return tags ? tags_add(cloud, resource, tags, answer) : REFUSE("tags is required.");
}

/* ---- remove and show ---- */

enum core_error resource_untag(struct cloud *cloud, const char *arn, const json_t *keys,
                               struct answer *answer)
{
    const char *resource = find_resource(cloud, arn, answer);
    otter_status status = resource ? db_begin(cloud->db) : OTTER_OK;
    size_t i;
    json_t *key;
    if (!resource)
        return CORE_NOT_FOUND;
    if (status != OTTER_OK)
        return answer_db_failed(cloud, answer);
    json_array_foreach((json_t *)keys, i, key)
    {
        if (status == OTTER_OK)
            status = db_run(cloud->db, "DELETE FROM tags WHERE resource = ? AND key = ?", "ss",
                            resource, json_string_value(key));
    }
    return db_finish(cloud->db, status) == OTTER_OK ? CORE_OK : answer_db_failed(cloud, answer);
}

enum core_error resource_tags(struct cloud *cloud, const char *arn, struct answer *answer)
{
    const char *resource = find_resource(cloud, arn, answer);
    if (!resource)
        return CORE_NOT_FOUND;
    json_t *tags = json_array();
    struct db_rows *rows = db_select(
        cloud->db, "SELECT key, value FROM tags WHERE resource = ? ORDER BY key", "s", resource);
    while (db_next(rows))
        json_array_append_new(
            tags, json_pack("{s:s,s:s}", "Key", db_text(rows, 0), "Value", db_text(rows, 1)));
    db_done(rows);
    answer->body = json_pack("{s:o}", "tags", tags);
    return CORE_OK;
}
