/* Tags of objects: a few names with values on each version. */
#include <stdlib.h>
#include <string.h>

#include "cloud/core/account/objects_internal.h"
#include "cloud/core/ground/names.h"
#include "cloud/store/db.h"

#define NAME_MAX_LENGTH  128
#define VALUE_MAX_LENGTH 256

/* Characters, not bytes, of UTF-8. */
static size_t length_of(const char *text)
{
    size_t length = 0;
    for (; *text; text++)
        length += ((unsigned char)*text & 0xc0) != 0x80;
    return length;
}

enum core_error object_check_tags(const json_t *tags, struct answer *answer)
{
    const char *name;
    json_t *value;
    if (json_object_size(tags) > OBJECT_TAGS_MAX)
        return answer_refuse(answer, CORE_INVALID_TAG, "An object has at most %d tags.",
                             OBJECT_TAGS_MAX);
    json_object_foreach((json_t *)tags, name, value)
    {
        const char *text = json_string_value(value);
        if (!*name || length_of(name) > NAME_MAX_LENGTH || !text ||
            length_of(text) > VALUE_MAX_LENGTH)
            return answer_refuse(answer, CORE_INVALID_TAG,
                                 "A tag has a name of 1 to %d characters and a value of up to %d: "
                                 "%.60s",
                                 NAME_MAX_LENGTH, VALUE_MAX_LENGTH, name);
    }
    return CORE_OK;
}

otter_status object_store_tags(struct cloud *cloud, int64_t id, const json_t *tags)
{
    if (json_object_size(tags) == 0)
        return db_run(cloud->db, "DELETE FROM object_tags WHERE object = ?", "i", id);
    char *text = json_dumps(tags, JSON_COMPACT);
    otter_status status =
        db_run(cloud->db, "INSERT OR REPLACE INTO object_tags(object, tags_json) VALUES(?, ?)",
               "is", id, text);
    free(text);
    return status;
}

enum core_error object_set_tags(struct cloud *cloud, int64_t id, const json_t *tags,
                                struct answer *answer)
{
    enum core_error error = object_check_tags(tags, answer);
    if (!error && object_store_tags(cloud, id, tags) != OTTER_OK)
        error = answer_db_failed(cloud, answer);
    return error;
}

json_t *object_tags(struct cloud *cloud, int64_t id)
{
    struct db_rows *rows =
        db_select(cloud->db, "SELECT tags_json FROM object_tags WHERE object = ?", "i", id);
    json_t *tags = json_stored(db_next(rows) ? db_text(rows, 0) : NULL, "{}");
    db_done(rows);
    return tags;
}
