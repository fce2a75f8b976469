/* Uploads in parts: each part lies in a row of its own until they are joined. */
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/core/account/contents.h"
#include "cloud/core/account/objects.h"
#include "cloud/core/account/objects_internal.h"
#include "cloud/core/ground/names.h"
#include "cloud/store/db.h"

static enum core_error need_upload(struct cloud *cloud, const struct upload_name *name,
                                   struct answer *answer)
{
    if (db_number(cloud->db, "SELECT COUNT(*) FROM uploads WHERE id = ? AND bucket = ? AND key = ?",
                  "sss", name->id, name->bucket, name->key) > 0)
        return CORE_OK;
    return answer_refuse(
        answer, CORE_NO_UPLOAD,
        "The specified upload does not exist. It may have been aborted or completed.");
}

enum core_error upload_begin(struct cloud *cloud, const struct object_upload *what,
                             char id[UPLOAD_ID_SIZE], struct answer *answer)
{
    enum core_error error = bucket_check(cloud, what->bucket, answer);
    if (error)
        return error;
    if (strlen(what->key) > OBJECT_KEY_MAX)
        return answer_refuse(answer, CORE_KEY_TOO_LONG, "Your key is too long: at most %d bytes.",
                             OBJECT_KEY_MAX);
    uuid_make(id);
    if (db_run(cloud->db,
               "INSERT INTO uploads(id, bucket, key, content_type, metadata_json, created)"
               " VALUES(?, ?, ?, ?, ?, ?)",
               "sssssi", id, what->bucket, what->key, what->content_type, what->metadata,
               cloud_now(cloud)) != OTTER_OK)
        return answer_db_failed(cloud, answer);
    return CORE_OK;
}

static otter_status store_part(struct cloud *cloud, const char *upload, int64_t number,
                               const struct object_upload *content, const char *etag)
{
    struct placed_content placed;
    otter_status status =
        db_run(cloud->db, "DELETE FROM upload_parts WHERE upload = ? AND number = ?", "si", upload,
               number);
    if (status == OTTER_OK)
        status = object_place_content(cloud, content, &placed);
    if (status != OTTER_OK)
        return status;
    return db_run(cloud->db,
                  "INSERT INTO upload_parts(upload, number, etag, size, content, content_id)"
                  " VALUES(?, ?, ?, ?, ?, NULLIF(?, 0))",
                  "sisibi", upload, number, etag, (int64_t)content->size, placed.bytes, placed.size,
                  placed.content);
}

enum core_error upload_part(struct cloud *cloud, const struct upload_name *name, int64_t number,
                            const struct object_upload *content, char etag[33],
                            struct answer *answer)
{
    enum core_error error = need_upload(cloud, name, answer);
    if (error)
        return error;
    if (number < 1 || number > OBJECT_PARTS_MAX)
        return answer_refuse(answer, CORE_INVALID_REQUEST, "partNumber must be 1 to %d.",
                             OBJECT_PARTS_MAX);
    object_md5(content, etag);
    if (db_begin(cloud->db) != OTTER_OK ||
        db_finish(cloud->db, store_part(cloud, name->id, number, content, etag)) != OTTER_OK)
        return answer_db_failed(cloud, answer);
    return CORE_OK;
}

/* ---- joining: first the parts are checked, then their pieces become the object's ---- */

struct join {
    size_t size;
    unsigned char *digests; /* MD5 of each part, for the object's tag */
    size_t parts;
    int64_t number; /* of the part being joined */
};

static void strip_quotes(char *etag, size_t size, const char *text)
{
    size_t length = strlen(text);
    bool quoted = length >= 2 && text[0] == '"' && text[length - 1] == '"';
    snprintf(etag, size, "%.*s", (int)(quoted ? length - 2 : length), quoted ? text + 1 : text);
}

/* `rows` stands on the part: etag, size. */
static enum core_error join_row(struct join *join, struct db_rows *rows, const json_t *part,
                                bool last, struct answer *answer)
{
    char etag[40];
    size_t size = (size_t)db_int(rows, 1);
    strip_quotes(etag, sizeof etag, json_string_value(json_object_get(part, "etag")));
    if (strcmp(etag, db_text(rows, 0)) != 0)
        return answer_refuse(answer, CORE_PART_INVALID, "The tag of part %lld does not match.",
                             (long long)join->number);
    if (!last && (int64_t)size < OBJECT_PART_MIN)
        return answer_refuse(answer, CORE_TOO_SMALL,
                             "Part %lld is smaller than 5 MiB and not the last.",
                             (long long)join->number);
    if (size > OBJECT_SIZE_MAX - join->size)
        return answer_refuse(answer, CORE_TOO_LARGE, "The object would be too large.");
    join->digests = realloc(join->digests, (join->parts + 1) * 16);
    if (!join->digests)
        abort();
    hex_decode(join->digests + 16 * join->parts++, etag, 16);
    join->size += size;
    return CORE_OK;
}

static enum core_error join_part(struct cloud *cloud, struct join *join, const char *upload,
                                 const json_t *part, bool last, struct answer *answer)
{
    int64_t number = json_integer_value(json_object_get(part, "number"));
    enum core_error error = CORE_PART_INVALID;
    join->number = number;
    struct db_rows *rows =
        db_select(cloud->db, "SELECT etag, size FROM upload_parts WHERE upload = ? AND number = ?",
                  "si", upload, number);
    if (db_next(rows))
        error = join_row(join, rows, part, last, answer);
    else
        answer_refuse(answer, error, "Part %lld was not uploaded.", (long long)number);
    db_done(rows);
    return error;
}

static bool ascending(const json_t *parts)
{
    int64_t before = 0;
    for (size_t i = 0; i < json_array_size(parts); i++) {
        int64_t number = json_integer_value(json_object_get(json_array_get(parts, i), "number"));
        if (number <= before)
            return false;
        before = number;
    }
    return true;
}

static enum core_error join_all(struct cloud *cloud, struct join *join, const char *upload,
                                const json_t *parts, struct answer *answer)
{
    size_t count = json_array_size(parts);
    enum core_error error = CORE_OK;
    if (count == 0)
        return answer_refuse(answer, CORE_MALFORMED_XML,
                             "The XML does not fit the schema: at least one Part is needed.");
    if (!ascending(parts))
        return answer_refuse(answer, CORE_PART_ORDER, "The parts must be in ascending order.");
    for (size_t i = 0; i < count && !error; i++)
        error = join_part(cloud, join, upload, json_array_get(parts, i), i + 1 == count, answer);
    return error;
}

/* Adds a part: its pieces, or the bytes of its row. */
static otter_status add_part(struct cloud *cloud, const char *upload, int64_t number,
                             int64_t content, int64_t *size)
{
    otter_status status = OTTER_E_INTERNAL;
    size_t length;
    struct db_rows *rows = db_select(
        cloud->db,
        "SELECT content_id, content, size FROM upload_parts WHERE upload = ? AND number = ?", "si",
        upload, number);
    if (db_next(rows)) {
        const void *bytes = db_bytes(rows, 1, &length);
        status = db_null(rows, 0) ? content_add(cloud, content, *size, bytes, length)
                                  : content_join(cloud, content, *size, db_int(rows, 0));
        *size += db_int(rows, 2);
    }
    db_done(rows);
    return status;
}

/* The content of all parts in a row; 0 when the database failed. */
static int64_t join_contents(struct cloud *cloud, const char *upload, const json_t *parts)
{
    int64_t content = content_begin(cloud), size = 0;
    otter_status status = content ? OTTER_OK : OTTER_E_IO;
    for (size_t i = 0; i < json_array_size(parts) && status == OTTER_OK; i++)
        status = add_part(cloud, upload,
                          json_integer_value(json_object_get(json_array_get(parts, i), "number")),
                          content, &size);
    return status == OTTER_OK ? content : 0;
}

static enum core_error store_joined(struct cloud *cloud, const struct join *join,
                                    const struct upload_name *name, const json_t *parts,
                                    const struct object_condition *condition, struct object *object,
                                    struct answer *answer)
{
    unsigned char digest[16];
    char etag[48];
    EVP_Q_digest(NULL, "MD5", NULL, join->digests, join->parts * 16, digest, NULL);
    hex_encode(etag, digest, sizeof digest);
    snprintf(etag + 32, sizeof etag - 32, "-%zu", join->parts);

    int64_t content = join_contents(cloud, name->id, parts);
    if (!content)
        return answer_db_failed(cloud, answer);
    enum core_error error = CORE_NO_UPLOAD;
    struct db_rows *rows = db_select(
        cloud->db, "SELECT content_type, metadata_json FROM uploads WHERE id = ?", "s", name->id);
    if (db_next(rows)) {
        struct object_upload upload = {.bucket = name->bucket,
                                       .key = name->key,
                                       .staged = content,
                                       .size = join->size,
                                       .content_type = db_text(rows, 0),
                                       .metadata = db_text(rows, 1)};
        if (condition)
            upload.condition = *condition;
        error = object_store(cloud, &upload, etag, object, answer);
    }
    db_done(rows);
    return error;
}

/* The object is there and the upload gone, or neither. */
static enum core_error replace_parts(struct cloud *cloud, const struct join *join,
                                     const struct upload_name *name, const json_t *parts,
                                     const struct object_condition *condition,
                                     struct object *object, struct answer *answer)
{
    if (db_begin(cloud->db) != OTTER_OK)
        return answer_db_failed(cloud, answer);
    enum core_error error = store_joined(cloud, join, name, parts, condition, object, answer);
    if (!error)
        error = upload_abort(cloud, name, answer);
    if (db_finish(cloud->db, error ? OTTER_E_REFUSED : OTTER_OK) != OTTER_OK && !error)
        error = answer_db_failed(cloud, answer);
    return error;
}

static bool is_number(const char *text, size_t number)
{
    char digits[24];
    snprintf(digits, sizeof digits, "%zu", number);
    return strcmp(text, digits) == 0;
}

enum core_error upload_complete(struct cloud *cloud, const struct upload_name *name,
                                const json_t *parts, const struct object_condition *condition,
                                struct object *object, struct answer *answer)
{
    struct join join = {0};
    enum core_error error = need_upload(cloud, name, answer);
    if (!error)
        error = join_all(cloud, &join, name->id, parts, answer);
    if (!error && condition && condition->size && !is_number(condition->size, join.size))
        error = answer_refuse(answer, CORE_VALIDATION, "The parts have %zu bytes, not %.20s.",
                              join.size, condition->size);
    if (!error)
        error = replace_parts(cloud, &join, name, parts, condition, object, answer);
    free(join.digests);
    return error;
}

enum core_error upload_abort(struct cloud *cloud, const struct upload_name *name,
                             struct answer *answer)
{
    enum core_error error = need_upload(cloud, name, answer);
    if (!error && db_run(cloud->db, "DELETE FROM uploads WHERE id = ?", "s", name->id) != OTTER_OK)
        error = answer_db_failed(cloud, answer);
    return error;
}
