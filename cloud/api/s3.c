/* S3 with paths /bucket/key: which operation a request is, and the buckets. */
#include "cloud/api/s3.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/api/xml.h"
#include "cloud/core/names.h"

/* ---- what all operations share ---- */

struct text *s3_xml(struct s3_call *s3, const char *root)
{
    text_format(&s3->call->reply,
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<%s xmlns=\"" S3_SPACE "\">", root);
    s3->call->content_type = "application/xml";
    return &s3->call->reply;
}

void s3_refuse(struct s3_call *s3, enum core_error error, const struct answer *answer)
{
    error_reply_core(s3->call, PROTOCOL_S3, error, answer);
}

void s3_error(struct s3_call *s3, const char *name, int status, const char *message)
{
    error_reply(s3->call, PROTOCOL_S3, name, status, message, NULL);
}

void s3_reply_etag(struct s3_call *s3, const char *etag)
{
    char quoted[64];
    snprintf(quoted, sizeof quoted, "\"%s\"", etag);
    call_reply_header(s3->call, "ETag", quoted);
}

json_t *s3_read_xml(struct s3_call *s3)
{
    json_t *body = xml_read(s3->call->body, s3->call->body_size);
    if (!body)
        s3_error(s3, "MalformedXML", 400, "The XML you provided was not well-formed.");
    return body;
}

/* ---- buckets ---- */

static void list_buckets(struct s3_call *s3)
{
    json_t *buckets = bucket_list(s3->call->cloud);
    struct text *out = s3_xml(s3, "ListAllMyBucketsResult");
    text_add(out, "<Owner>");
    xml_add(out, "ID", s3->call->cloud->account);
    text_add(out, "</Owner><Buckets>");
    for (size_t i = 0; i < json_array_size(buckets); i++) {
        const json_t *bucket = json_array_get(buckets, i);
        xml_begin(out, "Bucket");
        xml_add(out, "Name", json_text(bucket, "name"));
        xml_add_time(out, "CreationDate",
                     json_integer_value(json_object_get(bucket, "created")) * 1000);
        xml_end(out, "Bucket");
    }
    text_add(out, "</Buckets></ListAllMyBucketsResult>");
    json_decref(buckets);
}

static void create_bucket(struct s3_call *s3)
{
    struct answer answer = ANSWER_INIT;
    char location[80];
    json_t *body = s3->call->body_size ? s3_read_xml(s3) : json_object();
    const char *constraint = json_text(body, "LocationConstraint");
    if (body && constraint && strcmp(constraint, s3->call->cloud->region) != 0) {
        s3_error(s3, "IllegalLocationConstraintException", 400,
                 "This cloud is one region: leave the location constraint out.");
    } else if (body) {
        enum core_error error = bucket_create(s3->call->cloud, s3->bucket, &answer);
        snprintf(location, sizeof location, "/%.63s", s3->bucket);
        if (error)
            s3_refuse(s3, error, &answer);
        else
            call_reply_header(s3->call, "Location", location);
    }
    json_decref(body);
    answer_free(&answer);
}

static void head_bucket(struct s3_call *s3)
{
    struct answer answer = ANSWER_INIT;
    enum core_error error = bucket_check(s3->call->cloud, s3->bucket, &answer);
    if (error)
        s3_refuse(s3, error, &answer);
    else
        call_reply_header(s3->call, "x-amz-bucket-region", s3->call->cloud->region);
    answer_free(&answer);
}

static void delete_bucket(struct s3_call *s3)
{
    struct answer answer = ANSWER_INIT;
    enum core_error error = bucket_delete(s3->call->cloud, s3->bucket, &answer);
    if (error)
        s3_refuse(s3, error, &answer);
    else
        s3->call->status = 204;
    answer_free(&answer);
}

static void put_versioning(struct s3_call *s3)
{
    struct answer answer = ANSWER_INIT;
    char crc32[16];
    json_t *body = s3_check_body(s3, crc32) ? s3_read_xml(s3) : NULL;
    if (body) {
        const char *status = json_text(body, "Status");
        enum core_error error =
            bucket_set_versioning(s3->call->cloud, s3->bucket, status ? status : "", &answer);
        if (error)
            s3_refuse(s3, error, &answer);
    }
    json_decref(body);
    answer_free(&answer);
}

static void get_versioning(struct s3_call *s3)
{
    struct answer answer = ANSWER_INIT;
    char status[16];
    enum core_error error = bucket_check(s3->call->cloud, s3->bucket, &answer);
    if (error) {
        s3_refuse(s3, error, &answer);
    } else {
        struct text *out = s3_xml(s3, "VersioningConfiguration");
        bucket_versioning(s3->call->cloud, s3->bucket, status);
        if (*status)
            xml_add(out, "Status", status);
        xml_end(out, "VersioningConfiguration");
    }
    answer_free(&answer);
}

static void get_location(struct s3_call *s3)
{
    struct answer answer = ANSWER_INIT;
    const char *region = s3->call->cloud->region;
    enum core_error error = bucket_check(s3->call->cloud, s3->bucket, &answer);
    if (error)
        s3_refuse(s3, error, &answer);
    else /* the first region has no name here */
        text_format(s3_xml(s3, "LocationConstraint"), "%s</LocationConstraint>",
                    strcmp(region, "us-east-1") == 0 ? "" : region);
    answer_free(&answer);
}

/* ---- which operation ---- */

enum level { SERVICE, BUCKET, OBJECT };

struct operation {
    enum evhttp_cmd_type method;
    enum level level;
    const char *query; /* a parameter that must be there; NULL: none */
    s3_handler *handler;
};

/* The first that fits: those with a query parameter stand before those without. */
static const struct operation operations[] = {
    {EVHTTP_REQ_GET, SERVICE, NULL, list_buckets},
    {EVHTTP_REQ_PUT, BUCKET, "versioning", put_versioning},
    {EVHTTP_REQ_GET, BUCKET, "versioning", get_versioning},
    {EVHTTP_REQ_GET, BUCKET, "location", get_location},
    {EVHTTP_REQ_GET, BUCKET, "versions", s3_list_versions},
    {EVHTTP_REQ_POST, BUCKET, "delete", s3_delete_objects},
    {EVHTTP_REQ_PUT, BUCKET, NULL, create_bucket},
    {EVHTTP_REQ_HEAD, BUCKET, NULL, head_bucket},
    {EVHTTP_REQ_GET, BUCKET, NULL, s3_list_objects},
    {EVHTTP_REQ_DELETE, BUCKET, NULL, delete_bucket},
    {EVHTTP_REQ_POST, OBJECT, "uploads", s3_create_upload},
    {EVHTTP_REQ_PUT, OBJECT, "uploadId", s3_upload_part},
    {EVHTTP_REQ_POST, OBJECT, "uploadId", s3_complete_upload},
    {EVHTTP_REQ_DELETE, OBJECT, "uploadId", s3_abort_upload},
    {EVHTTP_REQ_PUT, OBJECT, NULL, s3_put_object},
    {EVHTTP_REQ_GET, OBJECT, NULL, s3_get_object},
    {EVHTTP_REQ_HEAD, OBJECT, NULL, s3_get_object},
    {EVHTTP_REQ_DELETE, OBJECT, NULL, s3_delete_object},
};

/* Sub-resources that we do not have; the bare operation would do something else. */
static const char *foreign_resource(const struct call *call)
{
    static const char *const names[] = {
        "acl",       "attributes",        "cors",         "encryption",  "legal-hold",
        "lifecycle", "logging",           "notification", "object-lock", "ownershipControls",
        "policy",    "publicAccessBlock", "replication",  "restore",     "retention",
        "tagging",   "torrent",           "website"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (call_query(call, names[i]))
            return names[i];
    }
    return call_header(call, "x-amz-copy-source") ? "copy" : NULL;
}

static s3_handler *find_handler(const struct call *call, enum level level)
{
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) {
        const struct operation *operation = &operations[i];
        if (operation->method == call->method && operation->level == level &&
            (!operation->query || call_query(call, operation->query)))
            return operation->handler;
    }
    return NULL;
}

/* Splits "/bucket/key/with/slashes?query" and decodes both parts. */
static bool split_target(const char *target, char **bucket, char **key)
{
    size_t size = strcspn(target, "?");
    size_t begin = size > 0 && target[0] == '/' ? 1 : 0;
    size_t bucket_size = strcspn(target + begin, "/?");
    size_t rest = begin + bucket_size + (target[begin + bucket_size] == '/');
    *bucket = text_decode(target + begin, bucket_size, 0);
    *key = text_decode(target + rest, size - rest, 0);
    return *bucket && *key;
}

static void answer_split(struct s3_call *s3)
{
    enum level level = !*s3->bucket ? SERVICE : !*s3->key ? BUCKET : OBJECT;
    s3_handler *handler = find_handler(s3->call, level);
    if (foreign_resource(s3->call) || !handler)
        s3_error(s3, "NotImplemented", 501, "This cloud does not offer this operation of S3.");
    else
        handler(s3);
}

void s3_answer(struct call *call)
{
    char *bucket = NULL, *key = NULL;
    struct s3_call s3 = {.call = call};
    if (split_target(call->target, &bucket, &key)) {
        s3.bucket = bucket;
        s3.key = key;
        answer_split(&s3);
    } else {
        s3_error(&s3, "InvalidURI", 400, "The path is not properly percent-encoded.");
    }
    free(bucket);
    free(key);
}
