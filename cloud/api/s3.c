/* S3 with paths /bucket/key: which operation a request is, and what all share. */
#include "cloud/api/s3_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>

#include "cloud/api/rights.h"
#include "cloud/api/xml.h"
#include "cloud/core/ground/names.h"

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

/* ---- which operation ---- */

enum level { SERVICE, BUCKET, OBJECT };

struct operation {
    const char *action; /* what IAM calls it; NULL: the handler asks, for each object */
    enum evhttp_cmd_type method;
    enum level level;
    const char *resource; /* the query parameter that names it; NULL: none does */
    const char *others;   /* further ones that it takes, between blanks */
    s3_handler *handler;
};

#define LIST_KEYS "prefix delimiter max-keys encoding-type "
#define OBJECT_KEYS                                                                                \
    "versionId response-cache-control response-content-disposition response-content-encoding "     \
    "response-content-language response-content-type response-expires"

/* A request is the first operation that fits: those named by a parameter stand before those that
 * are not. Each lists every parameter that it takes, so that one which it does not know is refused:
 * what is a sub-resource to AWS, now or tomorrow, must never run the bare operation. */
static const struct operation operations[] = {
    {"s3:ListAllMyBuckets", EVHTTP_REQ_GET, SERVICE, NULL, "", s3_list_buckets},
    {"s3:PutBucketVersioning", EVHTTP_REQ_PUT, BUCKET, "versioning", "", s3_put_versioning},
    {"s3:GetBucketVersioning", EVHTTP_REQ_GET, BUCKET, "versioning", "", s3_get_versioning},
    {"s3:GetBucketLocation", EVHTTP_REQ_GET, BUCKET, "location", "", s3_get_location},
    {"s3:ListBucketVersions", EVHTTP_REQ_GET, BUCKET, "versions",
     LIST_KEYS "key-marker version-id-marker", s3_list_versions},
    {"s3:ListBucket", EVHTTP_REQ_GET, BUCKET, "list-type",
     LIST_KEYS "continuation-token start-after fetch-owner", s3_list_objects},
    {NULL, EVHTTP_REQ_POST, BUCKET, "delete", "", s3_delete_objects},
    {"s3:CreateBucket", EVHTTP_REQ_PUT, BUCKET, NULL, "", s3_create_bucket},
    {"s3:ListBucket", EVHTTP_REQ_HEAD, BUCKET, NULL, "", s3_head_bucket},
    {"s3:ListBucket", EVHTTP_REQ_GET, BUCKET, NULL, LIST_KEYS "marker", s3_list_objects},
    {"s3:DeleteBucket", EVHTTP_REQ_DELETE, BUCKET, NULL, "", s3_delete_bucket},
    {"s3:PutObject", EVHTTP_REQ_POST, OBJECT, "uploads", "", s3_create_upload},
    {"s3:PutObject", EVHTTP_REQ_PUT, OBJECT, "uploadId", "partNumber", s3_upload_part},
    {"s3:PutObject", EVHTTP_REQ_POST, OBJECT, "uploadId", "", s3_complete_upload},
    {"s3:AbortMultipartUpload", EVHTTP_REQ_DELETE, OBJECT, "uploadId", "", s3_abort_upload},
    {"s3:GetObjectTagging", EVHTTP_REQ_GET, OBJECT, "tagging", "versionId", s3_get_tagging},
    {"s3:PutObjectTagging", EVHTTP_REQ_PUT, OBJECT, "tagging", "versionId", s3_put_tagging},
    {"s3:DeleteObjectTagging", EVHTTP_REQ_DELETE, OBJECT, "tagging", "versionId",
     s3_delete_tagging},
    {"s3:PutObject", EVHTTP_REQ_PUT, OBJECT, NULL, "", s3_put_object},
    {"s3:GetObject", EVHTTP_REQ_GET, OBJECT, NULL, OBJECT_KEYS, s3_get_object},
    {"s3:GetObject", EVHTTP_REQ_HEAD, OBJECT, NULL, OBJECT_KEYS, s3_get_object},
    {"s3:DeleteObject", EVHTTP_REQ_DELETE, OBJECT, NULL, "versionId", s3_delete_object},
};

static const struct operation *find_operation(const struct call *call, enum level level)
{
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) {
        const struct operation *operation = &operations[i];
        if (operation->method == call->method && operation->level == level &&
            (!operation->resource || call_query(call, operation->resource)))
            return operation;
    }
    return NULL;
}

/* ---- what is not offered ---- */

/* What a presigned URL carries, and the operation's name, which some SDKs add. */
static bool of_any_operation(const char *name)
{
    return strncasecmp(name, "X-Amz-", 6) == 0 || strcmp(name, "x-id") == 0;
}

/* The first query parameter that the operation (NULL: none) does not take; NULL: it takes them all.
 */
static const char *foreign_resource(const struct call *call, const struct operation *operation)
{
    const char *name;
    json_t *value;
    json_object_foreach(call->query, name, value)
    {
        bool taken =
            operation && ((operation->resource && strcmp(name, operation->resource) == 0) ||
                          text_lists(operation->others, name));
        if (!taken && !of_any_operation(name))
            return name;
    }
    return NULL;
}

/* Headers that ask for more than is done here, each with the one value that asks for nothing. */
static const struct {
    const char *prefix, *harmless;
} demands[] = {
    {"x-amz-copy-source", NULL},
    {"x-amz-acl", "private"},
    {"x-amz-grant-", NULL},
    {"x-amz-server-side-encryption", NULL},
    {"x-amz-storage-class", "STANDARD"},
    {"x-amz-website-redirect-location", NULL},
    {"x-amz-object-lock-", NULL},
    {"x-amz-bucket-object-lock-enabled", "false"},
    {"x-amz-bypass-governance-retention", "false"},
    {"x-amz-mfa", NULL},
    {"x-amz-tagging", NULL},
    {"x-amz-write-offset-bytes", NULL},
    {"x-amz-if-match-", NULL},
    {"x-amz-object-ownership", "BucketOwnerEnforced"},
    {"x-amz-bucket-namespace", "global"},
    {"x-amz-checksum-md5", NULL}, /* checksum.c knows the others */
    {"x-amz-checksum-sha512", NULL},
    {"x-amz-checksum-xxhash", NULL},
};

/* A checksum of the whole object: its parts' are checked as they come, and their tags again. */
static bool sums_up_parts(const struct operation *operation, const char *name)
{
    return operation && operation->handler == s3_complete_upload &&
           strncasecmp(name, "x-amz-checksum-", 15) == 0 &&
           strcasecmp(name, "x-amz-checksum-type") != 0;
}

/* The first header whose demand would be ignored; NULL: none. */
static const char *foreign_header(const struct call *call, const struct operation *operation)
{
    const struct evkeyval *header;
    TAILQ_FOREACH(header, call->headers, next)
    {
        if (sums_up_parts(operation, header->key))
            return header->key;
        for (size_t i = 0; i < sizeof demands / sizeof *demands; i++) {
            const char *prefix = demands[i].prefix, *harmless = demands[i].harmless;
            bool obeyed = operation && operation->handler == s3_put_object &&
                          strcasecmp(header->key, "x-amz-tagging") == 0;
            if (strncasecmp(header->key, prefix, strlen(prefix)) == 0 && !obeyed &&
                !(harmless && strcmp(header->value, harmless) == 0))
                return header->key;
        }
    }
    return NULL;
}

static void refuse_foreign(struct s3_call *s3, const char *kind, const char *name)
{
    char message[200];
    snprintf(message, sizeof message,
             "This cloud does not offer the %s %.60s of S3 here: nothing was done.", kind, name);
    s3_error(s3, "NotImplemented", 501, message);
}

static bool owned_as_expected(const struct call *call)
{
    const char *owner = call_header(call, "x-amz-expected-bucket-owner");
    return !owner || strcmp(owner, call->cloud->account) == 0;
}

/* ---- the request ---- */

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

struct s3_arn {
    char text[1200];
};

static struct s3_arn arn_of(const struct s3_call *s3, const char *key)
{
    struct s3_arn arn;
    snprintf(arn.text, sizeof arn.text, "arn:aws:s3:::%.80s%s%.1024s", s3->bucket, *key ? "/" : "",
             key);
    return arn;
}

/* "s3:GetObjectTagging" of a version is s3:GetObjectVersionTagging. */
static void name_action(const char *action, bool of_version, char name[64])
{
    const char *object = of_version ? strstr(action, "Object") : NULL;
    size_t size = object ? (size_t)(object - action) + 6 : strlen(action);
    snprintf(name, 64, "%.*s%s%s", (int)size, action, object ? "Version" : "", action + size);
}

bool s3_may_delete(struct s3_call *s3, const char *key, const char *version, char *message,
                   size_t size)
{
    char action[64];
    name_action("s3:DeleteObject", version != NULL, action);
    return rights_have(s3->call, action, arn_of(s3, key).text, message, size);
}

static bool may_run(struct s3_call *s3, const struct operation *operation)
{
    char action[64];
    const struct s3_arn whole = arn_of(s3, s3->key);
    const char *resource = *s3->bucket ? whole.text : "*";
    if (!operation->action)
        return true;
    name_action(operation->action, call_query(s3->call, "versionId") != NULL, action);
    return rights_check(s3->call, PROTOCOL_S3, action, resource) &&
           (operation->handler != s3_put_object || !call_header(s3->call, "x-amz-tagging") ||
            rights_check(s3->call, PROTOCOL_S3, "s3:PutObjectTagging", resource));
}

static void answer_split(struct s3_call *s3)
{
    enum level level = !*s3->bucket ? SERVICE : !*s3->key ? BUCKET : OBJECT;
    const struct operation *operation = find_operation(s3->call, level);
    const char *resource = foreign_resource(s3->call, operation);
    const char *header = foreign_header(s3->call, operation);
    if (resource)
        refuse_foreign(s3, "query parameter", resource);
    else if (!operation)
        s3_error(s3, "NotImplemented", 501, "This cloud does not offer this operation of S3.");
    else if (header)
        refuse_foreign(s3, "header", header);
    else if (!owned_as_expected(s3->call))
        s3_error(s3, "AccessDenied", 403, "The bucket belongs to another account than expected.");
    else if (may_run(s3, operation))
        operation->handler(s3);
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
        s3_error(&s3, "InvalidURI", 400,
                 "Couldn't parse the path: it is not percent-encoded UTF-8.");
    }
    free(bucket);
    free(key);
}
