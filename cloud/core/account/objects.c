/* Buckets and objects in versions; see objects.h. */
#include "cloud/core/account/objects.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "cloud/core/account/contents.h"
#include "cloud/core/account/objects_internal.h"
#include "cloud/core/ground/names.h"
#include "cloud/store/db.h"

#define VERSION_LENGTH   32
#define VERSION_ALPHABET "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
#define COLUMNS                                                                                    \
    "id, size, modified_ms, latest, delete_marker, version_id, etag, checksum, content_type,"      \
    " metadata_json"

/* ---- finding and reading ---- */

static void copy(char *text, size_t size, const char *source)
{
    snprintf(text, size, "%s", source ? source : "");
}

static void object_of_row(struct db_rows *rows, struct object *object)
{
    object->id = db_int(rows, 0);
    object->size = db_int(rows, 1);
    object->modified_ms = db_int(rows, 2);
    object->latest = db_int(rows, 3);
    object->delete_marker = db_int(rows, 4);
    copy(object->version, sizeof object->version, db_text(rows, 5));
    copy(object->etag, sizeof object->etag, db_text(rows, 6));
    copy(object->checksum, sizeof object->checksum, db_text(rows, 7));
    copy(object->content_type, sizeof object->content_type, db_text(rows, 8));
    copy(object->metadata, sizeof object->metadata, db_text(rows, 9));
}

static bool load(struct cloud *cloud, const char *bucket, const char *key, const char *version,
                 struct object *object)
{
    struct db_rows *rows =
        version && *version ? db_select(cloud->db,
                                        "SELECT " COLUMNS " FROM objects"
                                        " WHERE bucket = ? AND key = ? AND version_id = ?",
                                        "sss", bucket, key, version)
                            : db_select(cloud->db,
                                        "SELECT " COLUMNS
                                        " FROM objects WHERE bucket = ? AND key = ? AND latest = 1",
                                        "ss", bucket, key);
    bool found = db_next(rows);
    if (found)
        object_of_row(rows, object);
    db_done(rows);
    return found;
}

enum core_error object_find(struct cloud *cloud, const char *bucket, const char *key,
                            const char *version, struct object *object, struct answer *answer)
{
    bool by_version = version && *version;
    memset(object, 0, sizeof *object);
    enum core_error error = bucket_check(cloud, bucket, answer);
    if (error)
        return error;
    bool found = load(cloud, bucket, key, version, object);
    if (!found && by_version)
        return answer_refuse(answer, CORE_NO_VERSION, "The specified version does not exist.");
    if (found && by_version && object->delete_marker)
        return answer_refuse(answer, CORE_DELETE_MARKER,
                             "The specified method is not allowed against this resource.");
    if (!found || object->delete_marker)
        return answer_refuse(answer, CORE_NO_KEY, "The specified key does not exist.");
    return CORE_OK;
}

int64_t object_content(struct cloud *cloud, int64_t id)
{
    return db_number(cloud->db, "SELECT content_id FROM objects WHERE id = ?", "i", id);
}

bool object_read(struct cloud *cloud, int64_t id, size_t offset, void *bytes, size_t size)
{
    int64_t content = object_content(cloud, id);
    if (content)
        return content_read(cloud, content, (int64_t)offset, bytes, size);
    struct db_blob *blob = db_blob_open(cloud->db, "objects", "content", id);
    bool read = blob && db_blob_read(blob, offset, bytes, size) == OTTER_OK;
    db_blob_close(blob);
    return read;
}

/* ---- conditions ---- */

bool object_tag_matches(const char *condition, const char *etag)
{
    size_t length = strlen(etag);
    if (strcmp(condition, "*") == 0)
        return true;
    if (*condition == '"')
        return strncmp(condition + 1, etag, length) == 0 &&
               strcmp(condition + 1 + length, "\"") == 0;
    return strcmp(condition, etag) == 0;
}

static enum core_error check_condition(struct cloud *cloud, const char *bucket, const char *key,
                                       const struct object_condition *condition,
                                       struct answer *answer)
{
    struct object now;
    if (!condition->match && !condition->none_match)
        return CORE_OK;
    if (condition->none_match && strcmp(condition->none_match, "*") != 0)
        return answer_refuse(answer, CORE_NOT_IMPLEMENTED,
                             "If-None-Match of a write must be *: S3 offers no other.");
    bool there = load(cloud, bucket, key, NULL, &now) && !now.delete_marker;
    if (condition->match && !there)
        return answer_refuse(answer, CORE_NO_KEY, "The specified key does not exist.");
    if (condition->match && !object_tag_matches(condition->match, now.etag))
        return answer_refuse(answer, CORE_PRECONDITION,
                             "If-Match does not hold: the object's ETag is \"%s\".", now.etag);
    if (condition->none_match && there)
        return answer_refuse(answer, CORE_PRECONDITION,
                             "If-None-Match does not hold: the object exists.");
    return CORE_OK;
}

/* ---- writing ---- */

void object_md5(const struct object_upload *upload, char text[33])
{
    unsigned char digest[16];
    if (upload->md5) {
        snprintf(text, 33, "%s", upload->md5);
        return;
    }
    EVP_Q_digest(NULL, "MD5", NULL, upload->content, upload->size, digest, NULL);
    hex_encode(text, digest, sizeof digest);
}

/* The id of the next version; the version that it replaces for good, if any, goes. */
static otter_status make_room(struct cloud *cloud, const char *bucket, const char *key,
                              char version[64])
{
    char versioning[16];
    bucket_versioning(cloud, bucket, versioning);
    otter_status status = db_run(
        cloud->db, "UPDATE objects SET latest = 0 WHERE bucket = ? AND key = ? AND latest = 1",
        "ss", bucket, key);
    if (strcmp(versioning, "Enabled") == 0) {
        random_text(version, VERSION_LENGTH, VERSION_ALPHABET);
        return status;
    }
    strcpy(version, "null");
    return status == OTTER_OK
               ? db_run(cloud->db,
                        "DELETE FROM objects WHERE bucket = ? AND key = ? AND version_id = 'null'",
                        "ss", bucket, key)
               : status;
}

otter_status object_place_content(struct cloud *cloud, const struct object_upload *upload,
                                  struct placed_content *placed)
{
    *placed = (struct placed_content){.content = upload->staged};
    if (!upload->staged && upload->size <= CONTENT_INLINE) {
        placed->bytes = upload->content;
        placed->size = upload->size;
        return OTTER_OK;
    }
    if (!placed->content && !(placed->content = content_begin(cloud)))
        return OTTER_E_IO;
    otter_status status = OTTER_OK;
    const bool known = upload->sha256 && *upload->sha256 && upload->size <= CONTENT_PIECE;
    if (!upload->staged)
        status = known ? content_add_known(cloud, placed->content, upload->content, upload->size,
                                           upload->sha256)
                       : content_add(cloud, placed->content, 0, upload->content, upload->size);
    return status == OTTER_OK ? content_keep(cloud, placed->content) : status;
}

static otter_status insert(struct cloud *cloud, const struct object_upload *upload,
                           const char *etag, struct object *object)
{
    char version[64];
    struct placed_content placed;
    otter_status status = object_place_content(cloud, upload, &placed);
    if (status == OTTER_OK)
        status = make_room(cloud, upload->bucket, upload->key, version);
    if (status == OTTER_OK)
        status =
            db_run(cloud->db,
                   "INSERT INTO objects(bucket, key, version_id, latest, etag, size,"
                   " content_type, metadata_json, checksum, modified_ms, content, content_id)"
                   " VALUES(?, ?, ?, 1, ?, ?, ?, ?, ?, ?, ?, NULLIF(?, 0))",
                   "ssssisssibi", upload->bucket, upload->key, version, etag, (int64_t)upload->size,
                   upload->content_type, upload->metadata, upload->checksum, cloud_now_ms(cloud),
                   placed.bytes, placed.size, placed.content);
    if (status == OTTER_OK && !load(cloud, upload->bucket, upload->key, version, object))
        status = OTTER_E_INTERNAL;
    return status == OTTER_OK && upload->tags ? object_store_tags(cloud, object->id, upload->tags)
                                              : status;
}

static enum core_error check_upload(struct cloud *cloud, const struct object_upload *upload,
                                    struct answer *answer)
{
    size_t length = strlen(upload->key);
    enum core_error error = bucket_check(cloud, upload->bucket, answer);
    if (error)
        return error;
    if (length == 0 || length > OBJECT_KEY_MAX)
        return answer_refuse(answer, CORE_KEY_TOO_LONG,
                             "Your key is too long: it must be 1 to %d bytes, and has %zu.",
                             OBJECT_KEY_MAX, length);
    if (upload->size > OBJECT_SIZE_MAX)
        return answer_refuse(answer, CORE_TOO_LARGE,
                             "The object is larger than the %zu bytes kept here.", OBJECT_SIZE_MAX);
    return check_condition(cloud, upload->bucket, upload->key, &upload->condition, answer);
}

enum core_error object_store(struct cloud *cloud, const struct object_upload *upload,
                             const char *etag, struct object *object, struct answer *answer)
{
    enum core_error error = check_upload(cloud, upload, answer);
    if (error)
        return error;
    if (db_begin(cloud->db) != OTTER_OK ||
        db_finish(cloud->db, insert(cloud, upload, etag, object)) != OTTER_OK)
        return answer_db_failed(cloud, answer);
    return CORE_OK;
}

enum core_error object_put(struct cloud *cloud, const struct object_upload *upload,
                           struct object *object, struct answer *answer)
{
    char etag[33];
    object_md5(upload, etag);
    return object_store(cloud, upload, etag, object, answer);
}

/* ---- deleting ---- */

static otter_status insert_marker(struct cloud *cloud, const char *bucket, const char *key,
                                  char version[64])
{
    otter_status status = make_room(cloud, bucket, key, version);
    if (status != OTTER_OK)
        return status;
    return db_run(cloud->db,
                  "INSERT INTO objects(bucket, key, version_id, latest, delete_marker, modified_ms)"
                  " VALUES(?, ?, ?, 1, 1, ?)",
                  "sssi", bucket, key, version, cloud_now_ms(cloud));
}

/* Takes one version away; the newest of the others is then the latest. */
static otter_status erase(struct cloud *cloud, const char *bucket, const char *key,
                          const struct object *object)
{
    otter_status status = db_run(cloud->db, "DELETE FROM objects WHERE id = ?", "i", object->id);
    if (status == OTTER_OK && object->latest)
        status = db_run(cloud->db,
                        "UPDATE objects SET latest = 1 WHERE id ="
                        " (SELECT MAX(id) FROM objects WHERE bucket = ? AND key = ?)",
                        "ss", bucket, key);
    return status;
}

static otter_status delete_version(struct cloud *cloud, const char *bucket, const char *key,
                                   const char *version, struct object_deletion *deletion)
{
    struct object object;
    snprintf(deletion->version, sizeof deletion->version, "%s", version);
    if (!load(cloud, bucket, key, version, &object))
        return OTTER_OK;
    deletion->marker = object.delete_marker;
    return erase(cloud, bucket, key, &object);
}

static otter_status delete_latest(struct cloud *cloud, const char *bucket, const char *key,
                                  struct object_deletion *deletion)
{
    struct object object;
    char versioning[16];
    bucket_versioning(cloud, bucket, versioning);
    if (*versioning) {
        deletion->marker = true;
        return insert_marker(cloud, bucket, key, deletion->version);
    }
    return load(cloud, bucket, key, NULL, &object) ? erase(cloud, bucket, key, &object) : OTTER_OK;
}

enum core_error object_delete(struct cloud *cloud, const char *bucket, const char *key,
                              const char *version, const char *match,
                              struct object_deletion *deletion, struct answer *answer)
{
    struct object_condition condition = {.match = match};
    memset(deletion, 0, sizeof *deletion);
    enum core_error error = bucket_check(cloud, bucket, answer);
    if (!error)
        error = check_condition(cloud, bucket, key, &condition, answer);
    if (error)
        return error;
    otter_status status = db_begin(cloud->db);
    if (status == OTTER_OK)
        status = db_finish(cloud->db, version && *version
                                          ? delete_version(cloud, bucket, key, version, deletion)
                                          : delete_latest(cloud, bucket, key, deletion));
    return status == OTTER_OK ? CORE_OK : answer_db_failed(cloud, answer);
}

/* ---- lists ---- */

void object_list(struct cloud *cloud, const struct object_list *list)
{
    struct db_rows *rows = db_select(
        cloud->db,
        "SELECT " COLUMNS ", key FROM objects WHERE bucket = ?1 AND key >= ?2"
        " AND (key > ?2 OR id < (SELECT id FROM objects WHERE bucket = ?1 AND key = ?2"
        "                        AND version_id = ?3))"
        " AND substr(key, 1, length(?4)) = ?4 AND (?5 OR (latest = 1 AND delete_marker = 0))"
        " ORDER BY key, id DESC",
        "ssssi", list->bucket, list->after, list->after_version, list->prefix,
        (int64_t)list->versions);
    struct object object;
    bool more = true;
    while (more && db_next(rows)) {
        object_of_row(rows, &object);
        more = list->each(list->context, db_text(rows, 10), &object);
    }
    db_done(rows);
}

/* ---- buckets ---- */

static bool bucket_name_valid(const char *name)
{
    size_t length = strlen(name);
    return length >= 3 && length <= 63 &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789.-") == length && name[0] != '.' &&
           name[0] != '-' && name[length - 1] != '.' && name[length - 1] != '-' &&
           !strstr(name, "..");
}

enum core_error bucket_check(struct cloud *cloud, const char *name, struct answer *answer)
{
    if (db_number(cloud->db, "SELECT COUNT(*) FROM buckets WHERE name = ?", "s", name) > 0)
        return CORE_OK;
    return answer_refuse(answer, CORE_NO_BUCKET, "The specified bucket does not exist: %.80s",
                         name);
}

enum core_error bucket_create(struct cloud *cloud, const char *name, struct answer *answer)
{
    if (!bucket_name_valid(name))
        return answer_refuse(answer, CORE_BUCKET_NAME,
                             "A bucket's name is 3 to 63 of a-z 0-9 . - and begins and ends with a "
                             "letter or digit.");
    /* the owner may create it again, as in us-east-1 */
    if (db_run(cloud->db, "INSERT OR IGNORE INTO buckets(name, created) VALUES(?, ?)", "si", name,
               cloud_now(cloud)) != OTTER_OK)
        return answer_db_failed(cloud, answer);
    return CORE_OK;
}

enum core_error bucket_delete(struct cloud *cloud, const char *name, struct answer *answer)
{
    enum core_error error = bucket_check(cloud, name, answer);
    if (error)
        return error;
    otter_status status = db_run(cloud->db, "DELETE FROM buckets WHERE name = ?", "s", name);
    if (status == OTTER_E_STATE)
        return answer_refuse(answer, CORE_BUCKET_NOT_EMPTY,
                             "The bucket you tried to delete is not empty: delete all versions, "
                             "markers and uploads first.");
    return status == OTTER_OK ? CORE_OK : answer_db_failed(cloud, answer);
}

enum core_error bucket_set_versioning(struct cloud *cloud, const char *name, const char *status,
                                      struct answer *answer)
{
    enum core_error error = bucket_check(cloud, name, answer);
    if (error)
        return error;
    if (strcmp(status, "Enabled") != 0 && strcmp(status, "Suspended") != 0)
        return answer_refuse(
            answer, CORE_MALFORMED_XML,
            "The XML does not fit the schema: Status must be Enabled or Suspended.");
    if (db_run(cloud->db, "UPDATE buckets SET versioning = ? WHERE name = ?", "ss", status, name) !=
        OTTER_OK)
        return answer_db_failed(cloud, answer);
    return CORE_OK;
}

void bucket_versioning(struct cloud *cloud, const char *name, char status[16])
{
    struct db_rows *rows =
        db_select(cloud->db, "SELECT versioning FROM buckets WHERE name = ?", "s", name);
    const char *text = db_next(rows) ? db_text(rows, 0) : NULL;
    copy(status, 16, text);
    db_done(rows);
}

json_t *bucket_list(struct cloud *cloud)
{
    json_t *buckets = json_array();
    struct db_rows *rows =
        db_select(cloud->db, "SELECT name, created FROM buckets ORDER BY name", "");
    while (db_next(rows))
        json_array_append_new(
            buckets, json_pack("{s:s,s:I}", "name", db_text(rows, 0), "created", db_int(rows, 1)));
    db_done(rows);
    return buckets;
}
