/* S3: put, get, head and delete object. */
#include <event2/buffer.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <strings.h>
#include <time.h>

#include "cloud/api/checksum.h"
#include "cloud/api/s3.h"
#include "cloud/api/xml.h"
#include "cloud/core/names.h"

#define PIECE 65536

/* ---- checks of a body ---- */

bool s3_check_body(struct s3_call *s3, char crc32[16])
{
    const struct call *call = s3->call;
    const char *md5 = call_header(call, "Content-MD5");
    char wrong[48];
    checksum_text(CHECKSUM_CRC32, call->body, call->body_size, crc32, 16);
    if (md5) {
        char actual[32];
        checksum_text(CHECKSUM_MD5, call->body, call->body_size, actual, sizeof actual);
        if (strcmp(md5, actual) != 0) {
            s3_error(s3, "BadDigest", 400, "The Content-MD5 does not match the body.");
            return false;
        }
    }
    if (checksum_headers_match(call->headers, call->body, call->body_size, wrong, sizeof wrong))
        return true;
    char message[120];
    snprintf(message, sizeof message, "The checksum in %s does not match the body.", wrong);
    s3_error(s3, "XAmzContentChecksumMismatch", 400, message);
    return false;
}

char *s3_metadata(struct s3_call *s3)
{
    static const char prefix[] = "x-amz-meta-";
    const struct evkeyval *header;
    json_t *metadata = json_object();
    TAILQ_FOREACH(header, s3->call->headers, next)
    {
        if (strncasecmp(header->key, prefix, sizeof prefix - 1) == 0) {
            char *name = strdup(header->key + sizeof prefix - 1);
            for (char *c = name; c && *c; c++)
                *c = *c >= 'A' && *c <= 'Z' ? (char)(*c + 'a' - 'A') : *c;
            json_object_set_new(metadata, name, json_string(header->value));
            free(name);
        }
    }
    char *text = json_dumps(metadata, JSON_COMPACT);
    json_decref(metadata);
    if (text && strlen(text) < sizeof((struct object *)0)->metadata)
        return text;
    free(text);
    s3_error(s3, "MetadataTooLarge", 400, "The metadata is larger than 2 KB.");
    return NULL;
}

/* ---- put ---- */

static void reply_stored(struct s3_call *s3, const struct object *object)
{
    s3_reply_etag(s3, object->etag);
    if (strcmp(object->version, "null") != 0)
        call_reply_header(s3->call, "x-amz-version-id", object->version);
    if (*object->checksum) {
        call_reply_header(s3->call, "x-amz-checksum-crc32", object->checksum);
        call_reply_header(s3->call, "x-amz-checksum-type", "FULL_OBJECT");
    }
}

struct object_condition s3_condition(const struct s3_call *s3)
{
    return (struct object_condition){.match = call_header(s3->call, "If-Match"),
                                     .none_match = call_header(s3->call, "If-None-Match")};
}

void s3_put_object(struct s3_call *s3)
{
    struct answer answer = ANSWER_INIT;
    struct object object;
    char crc32[16];
    char *metadata = s3_check_body(s3, crc32) ? s3_metadata(s3) : NULL;
    if (!metadata)
        return;
    struct object_upload upload = {.bucket = s3->bucket,
                                   .key = s3->key,
                                   .content = s3->call->body,
                                   .size = s3->call->body_size,
                                   .content_type = call_header(s3->call, "Content-Type"),
                                   .metadata = metadata,
                                   .checksum = crc32,
                                   .condition = s3_condition(s3)};
    enum core_error error = object_put(s3->call->cloud, &upload, &object, &answer);
    if (error)
        s3_refuse(s3, error, &answer);
    else
        reply_stored(s3, &object);
    free(metadata);
    answer_free(&answer);
}

/* ---- get and head ---- */

struct range {
    int64_t first, last; /* inclusive */
    bool partial;
};

/* "bytes=a-b", "a-", "-n"; anything else means the whole. False beyond the end. */
static bool read_range(const char *text, int64_t size, struct range *range)
{
    long long first = -1, last = -1;
    *range = (struct range){0, size - 1, false};
    if (!text || strncmp(text, "bytes=", 6) != 0 || strchr(text, ','))
        return true;
    if (text[6] == '-') {
        if (sscanf(text + 7, "%lld", &last) != 1 || last < 0)
            return true;
        first = last < size ? size - last : 0;
        last = size - 1;
    } else {
        int count = sscanf(text + 6, "%lld-%lld", &first, &last);
        if (count < 1 || first < 0 || (count == 2 && last < first))
            return true;
        if (count == 1 || last >= size)
            last = size - 1;
    }
    *range = (struct range){first, last, true};
    return first < size && first <= last;
}

/* True when the answer is given without a body. */
static bool answered_by_condition(struct s3_call *s3, const struct object *object)
{
    const char *match = call_header(s3->call, "If-Match");
    const char *none = call_header(s3->call, "If-None-Match");
    if (match && !object_tag_matches(match, object->etag)) {
        s3_error(s3, "PreconditionFailed", 412, "The ETag is another.");
        return true;
    }
    if (none && object_tag_matches(none, object->etag)) {
        s3_reply_etag(s3, object->etag);
        s3->call->status = 304;
        return true;
    }
    return false;
}

static void reply_metadata(struct s3_call *s3, const struct object *object)
{
    const char *name;
    char header[160];
    json_t *value, *metadata = json_stored(object->metadata, "{}");
    json_object_foreach(metadata, name, value)
    {
        snprintf(header, sizeof header, "x-amz-meta-%.140s", name);
        call_reply_header(s3->call, header, json_string_value(value));
    }
    json_decref(metadata);
}

static void reply_headers(struct s3_call *s3, const struct object *object,
                          const struct range *range)
{
    char text[80];
    time_t modified = (time_t)(object->modified_ms / 1000);
    struct tm parts;
    gmtime_r(&modified, &parts);
    strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts);
    call_reply_header(s3->call, "Last-Modified", text);
    call_reply_header(s3->call, "Accept-Ranges", "bytes");
    call_reply_header(s3->call, "Content-Type",
                      *object->content_type ? object->content_type : "binary/octet-stream");
    snprintf(text, sizeof text, "%lld", (long long)(range->last - range->first + 1));
    call_reply_header(s3->call, "Content-Length", text);
    s3_reply_etag(s3, object->etag);
    if (strcmp(object->version, "null") != 0)
        call_reply_header(s3->call, "x-amz-version-id", object->version);
    if (range->partial) {
        snprintf(text, sizeof text, "bytes %lld-%lld/%lld", (long long)range->first,
                 (long long)range->last, (long long)object->size);
        call_reply_header(s3->call, "Content-Range", text);
        s3->call->status = 206;
    } else if (call_header(s3->call, "x-amz-checksum-mode") && *object->checksum) {
        call_reply_header(s3->call, "x-amz-checksum-crc32", object->checksum);
        call_reply_header(s3->call, "x-amz-checksum-type", "FULL_OBJECT");
    }
    reply_metadata(s3, object);
}

static bool read_content(struct s3_call *s3, const struct object *object, const struct range *range)
{
    char piece[PIECE];
    s3->call->content = evbuffer_new();
    for (int64_t at = range->first; at <= range->last;) {
        int64_t left = range->last - at + 1;
        size_t size = left < PIECE ? (size_t)left : PIECE;
        if (!object_read(s3->call->cloud, object->id, (size_t)at, piece, size))
            return false;
        evbuffer_add(s3->call->content, piece, size);
        at += (int64_t)size;
    }
    return true;
}

static void send_object(struct s3_call *s3, const struct object *object)
{
    struct range range;
    char text[40];
    if (answered_by_condition(s3, object))
        return;
    if (!read_range(call_header(s3->call, "Range"), object->size, &range)) {
        snprintf(text, sizeof text, "bytes */%lld", (long long)object->size);
        call_reply_header(s3->call, "Content-Range", text);
        s3_error(s3, "InvalidRange", 416, "The requested range is not satisfiable");
        return;
    }
    if (s3->call->method == EVHTTP_REQ_GET && !read_content(s3, object, &range)) {
        evbuffer_free(s3->call->content);
        s3->call->content = NULL;
        s3_error(s3, "InternalError", 500, "The content could not be read.");
        return;
    }
    reply_headers(s3, object, &range);
}

void s3_get_object(struct s3_call *s3)
{
    struct answer answer = ANSWER_INIT;
    struct object object;
    enum core_error error = object_find(s3->call->cloud, s3->bucket, s3->key,
                                        call_query(s3->call, "versionId"), &object, &answer);
    if (error && object.delete_marker)
        call_reply_header(s3->call, "x-amz-delete-marker", "true");
    if (error)
        s3_refuse(s3, error, &answer);
    else
        send_object(s3, &object);
    answer_free(&answer);
}

/* ---- delete ---- */

void s3_delete_object(struct s3_call *s3)
{
    struct answer answer = ANSWER_INIT;
    struct object_deletion deletion;
    enum core_error error =
        object_delete(s3->call->cloud, s3->bucket, s3->key, call_query(s3->call, "versionId"),
                      call_header(s3->call, "If-Match"), &deletion, &answer);
    if (error) {
        s3_refuse(s3, error, &answer);
    } else {
        s3->call->status = 204;
        if (deletion.marker)
            call_reply_header(s3->call, "x-amz-delete-marker", "true");
        if (*deletion.version)
            call_reply_header(s3->call, "x-amz-version-id", deletion.version);
    }
    answer_free(&answer);
}

static void delete_one(struct s3_call *s3, struct text *out, const json_t *entry)
{
    struct answer answer = ANSWER_INIT;
    struct object_deletion deletion;
    const char *key = json_text(entry, "Key"), *version = json_text(entry, "VersionId");
    enum core_error error = object_delete(s3->call->cloud, s3->bucket, key ? key : "", version,
                                          json_text(entry, "ETag"), &deletion, &answer);
    xml_begin(out, error ? "Error" : "Deleted");
    xml_add(out, "Key", key ? key : "");
    if (version)
        xml_add(out, "VersionId", version);
    if (error)
        xml_add(out, "Code", core_error_text(error));
    if (!error && deletion.marker) {
        xml_add(out, "DeleteMarker", "true");
        xml_add(out, "DeleteMarkerVersionId", deletion.version);
    }
    xml_end(out, error ? "Error" : "Deleted");
    answer_free(&answer);
}

void s3_delete_objects(struct s3_call *s3)
{
    char crc32[16];
    json_t *body = s3_check_body(s3, crc32) ? s3_read_xml(s3) : NULL;
    if (!body)
        return;
    json_t *entries = xml_list(body, "Object");
    struct text *out = s3_xml(s3, "DeleteResult");
    for (size_t i = 0; i < json_array_size(entries); i++)
        delete_one(s3, out, json_array_get(entries, i));
    xml_end(out, "DeleteResult");
    json_decref(entries);
    json_decref(body);
}
