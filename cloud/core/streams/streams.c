/* Streams as operators see them, and the files behind them. */
#include "cloud/core/streams/streams.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/core/account/objects.h"
#include "cloud/core/ground/names.h"
#include "cloud/core/ground/words.h"
#include "cloud/core/streams/streams_internal.h"
#include "cloud/store/db.h"

#define PAGE_MAX 250

static enum core_error no_stream(struct answer *answer, const char *stream)
{
    return answer_refuse(answer, CORE_NOT_FOUND, "there is no stream '%.128s'", stream);
}

static bool stream_exists(struct cloud *cloud, const char *stream)
{
    return db_number(cloud->db, "SELECT COUNT(*) FROM streams WHERE id = ?", "s", stream) > 0;
}

/* ---- create, update ------------------------------------------------------------------------- */

/* The object that a file entry names, as it is now. */
static enum core_error find_object(struct cloud *cloud, const json_t *location,
                                   struct object *object, struct answer *answer)
{
    const char *bucket = json_text(location, "bucket"), *key = json_text(location, "key");
    if (!bucket || !key)
        return answer_refuse(answer, CORE_INVALID_REQUEST, "s3Location needs bucket and key");
    struct answer detail = ANSWER_INIT;
    enum core_error error =
        object_find(cloud, bucket, key, json_text(location, "version"), object, &detail);
    if (error != CORE_OK)
        answer_refuse(answer, CORE_NOT_FOUND, "there is no object s3://%.63s/%.120s%s", bucket, key,
                      json_text(location, "version") ? " in that version" : "");
    answer_free(&detail);
    if (error != CORE_OK)
        return CORE_NOT_FOUND;
    if (object->size > STREAMS_FILE_MAX)
        return answer_refuse(answer, CORE_INVALID_REQUEST,
                             "s3://%.63s/%.120s has %lld bytes, a stream's file at most %u", bucket,
                             key, (long long)object->size, STREAMS_FILE_MAX);
    return CORE_OK;
}

static enum core_error insert_file(struct cloud *cloud, const char *stream, const json_t *file,
                                   struct answer *answer)
{
    struct object object;
    const json_t *id = json_object_get(file, "fileId");
    const json_t *location = json_object_get(file, "s3Location");
    if (!json_is_integer(id) || json_integer_value(id) < 0 || json_integer_value(id) > 255)
        return answer_refuse(answer, CORE_INVALID_REQUEST, "fileId must be 0..255");
    enum core_error error = find_object(cloud, location, &object, answer);
    if (error != CORE_OK)
        return error;
    otter_status status =
        db_run(cloud->db,
               "INSERT INTO stream_files(stream, file_id, bucket, key, version)"
               " VALUES(?, ?, ?, ?, ?)",
               "sisss", stream, (int64_t)json_integer_value(id), json_text(location, "bucket"),
               json_text(location, "key"), object.version);
    if (status == OTTER_E_STATE)
        return answer_refuse(answer, CORE_INVALID_REQUEST, "fileId %lld is there twice",
                             (long long)json_integer_value(id));
    return status == OTTER_OK ? CORE_OK : answer_db_failed(cloud, answer);
}

static enum core_error insert_files(struct cloud *cloud, const char *stream, const json_t *files,
                                    struct answer *answer)
{
    size_t count = json_array_size(files);
    enum core_error error = CORE_OK;
    if (count < 1 || count > STREAMS_FILES_MAX)
        return answer_refuse(answer, CORE_INVALID_REQUEST, "a stream has 1..%d files",
                             STREAMS_FILES_MAX);
    for (size_t i = 0; i < count && error == CORE_OK; i++)
        error = insert_file(cloud, stream, json_array_get(files, i), answer);
    return error;
}

static json_t *stream_names(struct cloud *cloud, const char *stream, int64_t version,
                            const char *description)
{
    json_t *body = json_pack("{s:s, s:s, s:I}", "streamId", stream, "streamArn",
                             arn_make(cloud, "iot", "stream/%s", stream).text, "streamVersion",
                             (json_int_t)version);
    if (description)
        json_object_set_new(body, "description", json_string(description));
    return body;
}

static enum core_error insert_stream(struct cloud *cloud, const char *stream, const json_t *members,
                                     struct answer *answer)
{
    int64_t now = cloud_now(cloud);
    if (db_run(cloud->db,
               "INSERT INTO streams(id, version, description, role_arn, created, updated)"
               " VALUES(?, 1, ?, ?, ?, ?)",
               "sssii", stream, json_text(members, "description"), json_text(members, "roleArn"),
               now, now) != OTTER_OK)
        return answer_db_failed(cloud, answer);
    return insert_files(cloud, stream, json_object_get(members, "files"), answer);
}

/* Ends the transaction as `error` demands. */
static enum core_error finish(struct cloud *cloud, enum core_error error, struct answer *answer)
{
    if (db_finish(cloud->db, error == CORE_OK ? OTTER_OK : OTTER_E_STATE) != OTTER_OK &&
        error == CORE_OK)
        return answer_db_failed(cloud, answer);
    return error;
}

enum core_error streams_create(struct cloud *cloud, const char *stream, const json_t *members,
                               struct answer *answer)
{
    if (!name_valid(stream, 128, "_-"))
        return answer_refuse(answer, CORE_INVALID_REQUEST,
                             "a stream id is 1..128 letters, digits, '_' and '-'");
    if (stream_exists(cloud, stream))
        return answer_refuse(answer, CORE_EXISTS, "stream '%s' exists already", stream);
    enum core_error error = words_check(members, "description", WORDS_SOME, 2028, answer);
    if (error)
        return error;
    if (db_begin(cloud->db) != OTTER_OK)
        return answer_db_failed(cloud, answer);
    error = finish(cloud, insert_stream(cloud, stream, members, answer), answer);
    if (error == CORE_OK)
        answer->body = stream_names(cloud, stream, 1, json_text(members, "description"));
    return error;
}

static enum core_error replace_members(struct cloud *cloud, const char *stream,
                                       const json_t *members, struct answer *answer)
{
    const json_t *files = json_object_get(members, "files");
    if (db_run(cloud->db,
               "UPDATE streams SET version = version + 1, description = IFNULL(?, description),"
               " role_arn = IFNULL(?, role_arn), updated = ? WHERE id = ?",
               "ssis", json_text(members, "description"), json_text(members, "roleArn"),
               cloud_now(cloud), stream) != OTTER_OK)
        return answer_db_failed(cloud, answer);
    if (!files)
        return CORE_OK;
    if (db_run(cloud->db, "DELETE FROM stream_files WHERE stream = ?", "s", stream) != OTTER_OK)
        return answer_db_failed(cloud, answer);
    return insert_files(cloud, stream, files, answer);
}

enum core_error streams_update(struct cloud *cloud, const char *stream, const json_t *members,
                               struct answer *answer)
{
    if (!stream_exists(cloud, stream))
        return no_stream(answer, stream);
    enum core_error error = words_check(members, "description", WORDS_SOME, 2028, answer);
    if (error)
        return error;
    if (db_begin(cloud->db) != OTTER_OK)
        return answer_db_failed(cloud, answer);
    error = finish(cloud, replace_members(cloud, stream, members, answer), answer);
    if (error != CORE_OK)
        return error;
    struct db_rows *rows =
        db_select(cloud->db, "SELECT version, description FROM streams WHERE id = ?", "s", stream);
    if (db_next(rows))
        answer->body = stream_names(cloud, stream, db_int(rows, 0), db_text(rows, 1));
    db_done(rows);
    return CORE_OK;
}

/* ---- describe, list, delete ----------------------------------------------------------------- */

static json_t *files_json(struct cloud *cloud, const char *stream)
{
    json_t *files = json_array();
    struct db_rows *rows = db_select(cloud->db,
                                     "SELECT file_id, bucket, key, version FROM stream_files"
                                     " WHERE stream = ? ORDER BY file_id",
                                     "s", stream);
    while (db_next(rows))
        json_array_append_new(files, json_pack("{s:I, s:{s:s, s:s, s:s*}}", "fileId",
                                               (json_int_t)db_int(rows, 0), "s3Location", "bucket",
                                               db_text(rows, 1), "key", db_text(rows, 2), "version",
                                               db_text(rows, 3)));
    db_done(rows);
    return files;
}

enum core_error streams_describe(struct cloud *cloud, const char *stream, struct answer *answer)
{
    struct db_rows *rows = db_select(
        cloud->db,
        "SELECT version, description, role_arn, created, updated FROM streams WHERE id = ?", "s",
        stream);
    if (db_next(rows)) {
        json_t *info = stream_names(cloud, stream, db_int(rows, 0), db_text(rows, 1));
        if (!db_null(rows, 2))
            json_object_set_new(info, "roleArn", json_string(db_text(rows, 2)));
        json_object_set_new(info, "createdAt", json_integer(db_int(rows, 3)));
        json_object_set_new(info, "lastUpdatedAt", json_integer(db_int(rows, 4)));
        json_object_set_new(info, "files", files_json(cloud, stream));
        answer->body = json_pack("{s:o}", "streamInfo", info);
    }
    db_done(rows);
    return answer->body ? CORE_OK : no_stream(answer, stream);
}

enum core_error streams_list(struct cloud *cloud, const char *token, int limit, bool ascending,
                             struct answer *answer)
{
    char *end = NULL, next[24];
    int64_t offset = token ? strtoll(token, &end, 10) : 0;
    int64_t most = limit > 0 && limit < PAGE_MAX ? limit : PAGE_MAX;
    if (token && (!*token || *end || offset < 0))
        return answer_refuse(answer, CORE_INVALID_REQUEST,
                             "nextToken is not one that was given out");

    json_t *streams = json_array();
    struct db_rows *rows = db_select(cloud->db,
                                     ascending ? "SELECT id, version, description FROM streams"
                                                 " ORDER BY created, id LIMIT ? OFFSET ?"
                                               : "SELECT id, version, description FROM streams"
                                                 " ORDER BY created DESC, id DESC LIMIT ? OFFSET ?",
                                     "ii", most + 1, offset);
    bool more = db_next(rows);
    while (more && (int64_t)json_array_size(streams) < most) {
        json_array_append_new(
            streams, stream_names(cloud, db_text(rows, 0), db_int(rows, 1), db_text(rows, 2)));
        more = db_next(rows);
    }
    db_done(rows);
    answer->body = json_pack("{s:o}", "streams", streams);
    if (more) {
        snprintf(next, sizeof next, "%" PRId64, offset + most);
        json_object_set_new(answer->body, "nextToken", json_string(next));
    }
    return CORE_OK;
}

enum core_error streams_delete(struct cloud *cloud, const char *stream, struct answer *answer)
{
    if (!stream_exists(cloud, stream))
        return no_stream(answer, stream);
    if (db_begin(cloud->db) != OTTER_OK)
        return answer_db_failed(cloud, answer);
    otter_status status =
        db_run(cloud->db, "DELETE FROM stream_files WHERE stream = ?", "s", stream);
    if (status == OTTER_OK)
        status = db_run(cloud->db, "DELETE FROM streams WHERE id = ?", "s", stream);
    return db_finish(cloud->db, status) == OTTER_OK ? CORE_OK : answer_db_failed(cloud, answer);
}

/* ---- what devices read ---------------------------------------------------------------------- */

struct file_row {
    char bucket[64], key[1025], version[64];
    int64_t stream_version, updated;
};

static bool find_row(struct cloud *cloud, const char *stream, int file_id, struct file_row *row)
{
    struct db_rows *rows =
        db_select(cloud->db,
                  "SELECT f.bucket, f.key, IFNULL(f.version, ''), s.version, s.updated"
                  " FROM stream_files f JOIN streams s ON s.id = f.stream"
                  " WHERE f.stream = ? AND f.file_id = ?",
                  "si", stream, (int64_t)file_id);
    bool found = db_next(rows);
    if (found) {
        snprintf(row->bucket, sizeof row->bucket, "%s", db_text(rows, 0));
        snprintf(row->key, sizeof row->key, "%s", db_text(rows, 1));
        snprintf(row->version, sizeof row->version, "%s", db_text(rows, 2));
        row->stream_version = db_int(rows, 3);
        row->updated = db_int(rows, 4);
    }
    db_done(rows);
    return found;
}

enum core_error stream_file_find(struct cloud *cloud, const char *stream, int file_id,
                                 struct stream_file *file, struct answer *answer)
{
    struct file_row row;
    struct object object;
    struct answer detail = ANSWER_INIT;

    if (!find_row(cloud, stream, file_id, &row))
        return answer_refuse(answer, CORE_NOT_FOUND, "stream '%.128s' has no file %d", stream,
                             file_id);
    enum core_error error = object_find(cloud, row.bucket, row.key, row.version, &object, &detail);
    answer_free(&detail);
    if (error != CORE_OK)
        return answer_refuse(answer, CORE_NOT_FOUND, "the object s3://%s/%.120s is gone",
                             row.bucket, row.key);
    /* Without versioning an object can be replaced under its name; the second of the stream's own
     * last change is given to it. */
    if (strcmp(object.version, "null") == 0 && object.modified_ms / 1000 > row.updated)
        return answer_refuse(answer, CORE_ETAG_MISMATCH,
                             "s3://%s/%.120s was replaced after the stream was made", row.bucket,
                             row.key);
    *file = (struct stream_file){object.id, object.size, row.stream_version};
    return CORE_OK;
}

enum core_error stream_summary(struct cloud *cloud, const char *stream, json_t **summary,
                               struct answer *answer)
{
    enum core_error error = streams_describe(cloud, stream, answer);
    if (error != CORE_OK)
        return error;
    const json_t *info = json_object_get(answer->body, "streamInfo");
    const char *description = json_text(info, "description");
    json_t *files = json_array(), *entry;
    size_t i;
    json_array_foreach(json_object_get(info, "files"), i, entry)
    {
        int id = (int)json_integer_value(json_object_get(entry, "fileId"));
        struct stream_file file;
        struct answer detail = ANSWER_INIT;
        if (stream_file_find(cloud, stream, id, &file, &detail) == CORE_OK)
            json_array_append_new(files,
                                  json_pack("{s:i, s:I}", "f", id, "z", (json_int_t)file.size));
        answer_free(&detail);
    }
    *summary = json_pack("{s:O, s:s, s:o}", "s", json_object_get(info, "streamVersion"), "d",
                         description ? description : "", "r", files);
    return CORE_OK;
}
