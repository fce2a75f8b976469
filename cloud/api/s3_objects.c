/* S3: put, get, head and delete object. */
#define _GNU_SOURCE /* strptime */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <strings.h>
#include <time.h>

#include "cloud/api/checksum.h"
#include "cloud/api/s3_internal.h"
#include "cloud/api/xml.h"
#include "cloud/core/ground/names.h"

#define DELETE_MAX 1000 /* objects in one request */

/* ---- checks of a body ---- */

bool s3_check_body(struct s3_call *s3, char crc32[16])
{
    struct call *call = s3->call;
    const struct body_facts *facts = &call->facts;
    const char *md5 = call_header(call, "Content-MD5");
    char message[120];
    if (!facts->known)
        checksum_facts(call);
    snprintf(crc32, 16, "%s", facts->crc32);
    if (md5 && strcmp(md5, facts->md5_base64) != 0) {
        bool sound = strlen(md5) == 24 && strcmp(md5 + 22, "==") == 0;
        s3_error(s3, sound ? "BadDigest" : "InvalidDigest", 400,
                 sound ? "The Content-MD5 you specified did not match what we received."
                       : "The Content-MD5 you specified is not valid.");
        return false;
    }
    if (!*facts->wrong)
        return true;
    snprintf(message, sizeof message, "The checksum in %s did not match the one calculated.",
             facts->wrong);
    s3_error(s3, "BadDigest", 400, message);
    return false;
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
    json_t *tags = NULL;
    char *metadata = s3_check_body(s3, crc32) && s3_header_tags(s3, &tags) ? s3_metadata(s3) : NULL;
    if (metadata && call_stage(s3->call)) {
        struct object_upload upload = {.bucket = s3->bucket,
                                       .key = s3->key,
                                       .content = s3->call->body,
                                       .size = s3->call->body_size,
                                       .staged = s3->call->staged,
                                       .md5 = s3->call->facts.md5,
                                       .sha256 = s3->call->facts.sha256,
                                       .content_type = call_header(s3->call, "Content-Type"),
                                       .metadata = metadata,
                                       .checksum = crc32,
                                       .tags = tags,
                                       .condition = s3_condition(s3)};
        enum core_error error = object_put(s3->call->cloud, &upload, &object, &answer);
        if (error)
            s3_refuse(s3, error, &answer);
        else
            reply_stored(s3, &object);
    }
    free(metadata);
    json_decref(tags);
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
    char *end;
    *range = (struct range){0, size - 1, false};
    if (!text || strncmp(text, "bytes=", 6) != 0 || strchr(text, ','))
        return true;
    if (text[6] == '-') {
        const int64_t count = strtoll(text + 7, &end, 10);
        if (end == text + 7 || count < 0)
            return true;
        *range = (struct range){count < size ? size - count : 0, size - 1, true};
    } else {
        const int64_t first = strtoll(text + 6, &end, 10);
        const char *behind = *end == '-' ? end + 1 : end;
        int64_t last = strtoll(behind, &end, 10);
        if (behind == text + 6 || first < 0 || (end != behind && last < first))
            return true;
        if (end == behind || last >= size)
            last = size - 1;
        *range = (struct range){first, last, true};
    }
    return range->first < size && range->first <= range->last;
}

/* An HTTP date in seconds since 1970; -1 when it is none. */
static int64_t date_of(const char *text)
{
    struct tm parts = {0};
    const char *end = text ? strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &parts) : NULL;
    return end && !*end ? (int64_t)timegm(&parts) : -1;
}

/* 200, 304 or 412 as RFC 9110 orders the four conditions: tags count before dates. */
static int condition_status(const struct call *call, const struct object *object)
{
    const char *match = call_header(call, "If-Match"), *none = call_header(call, "If-None-Match");
    int64_t since = date_of(call_header(call, "If-Modified-Since"));
    int64_t before = date_of(call_header(call, "If-Unmodified-Since"));
    int64_t modified = object->modified_ms / 1000;
    if (match ? !object_tag_matches(match, object->etag) : before >= 0 && modified > before)
        return 412;
    if (none ? object_tag_matches(none, object->etag) : since >= 0 && modified <= since)
        return 304;
    return 200;
}

/* True when the answer is given without a body. */
static bool answered_by_condition(struct s3_call *s3, const struct object *object)
{
    int status = condition_status(s3->call, object);
    if (status == 412)
        s3_error(s3, "PreconditionFailed", 412,
                 "At least one of the pre-conditions you specified did not hold");
    if (status == 304) {
        s3_reply_etag(s3, object->etag);
        s3->call->status = 304;
    }
    return status != 200;
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
    if (!call_query(s3->call, "response-content-type"))
        call_reply_header(s3->call, "Content-Type",
                          *object->content_type ? object->content_type : "binary/octet-stream");
    snprintf(text, sizeof text, "%" PRId64, range->last - range->first + 1);
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
    s3_reply_metadata(s3, object);
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
    s3->call->object = object->id;
    s3->call->at = range.first;
    s3->call->end = range.last + 1;
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

static void add_deleted(struct text *out, const char *version,
                        const struct object_deletion *deletion)
{
    if (version)
        xml_add(out, "VersionId", version);
    if (deletion->marker) {
        xml_add(out, "DeleteMarker", "true");
        xml_add(out, "DeleteMarkerVersionId", deletion->version);
    }
}

static void add_refused(struct text *out, const char *version, const char *code,
                        const char *message)
{
    if (version)
        xml_add(out, "VersionId", version);
    xml_add(out, "Code", code);
    xml_add(out, "Message", message);
}

/* Quiet tells of what failed only. */
static void delete_one(struct s3_call *s3, struct text *out, const json_t *entry, bool quiet)
{
    struct answer answer = ANSWER_INIT;
    struct object_deletion deletion;
    enum core_error error = CORE_OK;
    const char *key = json_text(entry, "Key"), *version = json_text(entry, "VersionId");
    char why[2048];
    bool may = s3_may_delete(s3, key, version, why, sizeof why);
    if (may)
        error = object_delete(s3->call->cloud, s3->bucket, key, version, json_text(entry, "ETag"),
                              &deletion, &answer);
    if (!may || error || !quiet) {
        const char *kind = !may || error ? "Error" : "Deleted";
        xml_begin(out, kind);
        xml_add(out, "Key", key);
        if (!may)
            add_refused(out, version, "AccessDenied", why);
        else if (error)
            add_refused(out, version, error_name(PROTOCOL_S3, error), answer.message);
        else
            add_deleted(out, version, &deletion);
        xml_end(out, kind);
    }
    answer_free(&answer);
}

/* 1 to 1000 objects, each with its key; of the elements of the list only those that we obey. */
static bool deletion_sound(const json_t *entries)
{
    size_t count = json_array_size(entries);
    bool sound = count > 0 && count <= DELETE_MAX;
    for (size_t i = 0; sound && i < count; i++) {
        const json_t *entry = json_array_get(entries, i);
        const char *key = json_text(entry, "Key");
        sound = key && *key && !json_object_get(entry, "Size") &&
                !json_object_get(entry, "LastModifiedTime");
    }
    return sound;
}

static void delete_all(struct s3_call *s3, const json_t *body, const json_t *entries)
{
    const char *quiet = json_text(body, "Quiet");
    struct text *out = s3_xml(s3, "DeleteResult");
    for (size_t i = 0; i < json_array_size(entries); i++)
        delete_one(s3, out, json_array_get(entries, i), quiet && strcmp(quiet, "true") == 0);
    xml_end(out, "DeleteResult");
}

void s3_delete_objects(struct s3_call *s3)
{
    struct answer answer = ANSWER_INIT;
    char crc32[16];
    json_t *body = s3_check_body(s3, crc32) ? s3_read_xml(s3) : NULL;
    if (!body)
        return;
    json_t *entries = xml_list(body, "Object");
    enum core_error error = bucket_check(s3->call->cloud, s3->bucket, &answer);
    if (error)
        s3_refuse(s3, error, &answer);
    else if (!deletion_sound(entries))
        s3_error(
            s3, "MalformedXML", 400,
            "The XML does not fit the schema: 1 to 1000 Objects with Key, VersionId and ETag.");
    else
        delete_all(s3, body, entries);
    answer_free(&answer);
    json_decref(entries);
    json_decref(body);
}
