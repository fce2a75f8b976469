/* S3: list-objects-v2 and list-object-versions. */
#include <stdlib.h>
#include <string.h>

#include "cloud/api/s3.h"
#include "cloud/api/xml.h"
#include "cloud/core/names.h"

#define KEYS_MAX  1000
#define AFTER_ALL "\xF4\x8F\xBF\xBF" /* U+10FFFF: behind every key with the same beginning */

/* One list being written. */
struct listing {
    struct text *out;
    const char *prefix, *delimiter; /* delimiter "": none */
    bool encode, versions;
    int most, count;
    bool truncated;
    struct text last;   /* the last key or common prefix that was written */
    struct text common; /* the last common prefix */
    char last_version[64];
};

static void add_key(const struct listing *listing, const char *name, const char *key)
{
    struct text encoded = {0};
    if (listing->encode)
        text_add_encoded(&encoded, key, "/");
    else
        text_add(&encoded, key);
    xml_add(listing->out, name, text_get(&encoded));
    text_free(&encoded);
}

static void remember(struct text *text, const char *value, size_t size)
{
    text_free(text);
    text_add_bytes(text, value, size);
}

/* ---- one entry ---- */

static void add_version(struct listing *listing, const char *key, const struct object *object)
{
    const char *kind = object->delete_marker ? "DeleteMarker" : "Version";
    xml_begin(listing->out, kind);
    add_key(listing, "Key", key);
    xml_add(listing->out, "VersionId", object->version);
    xml_add(listing->out, "IsLatest", object->latest ? "true" : "false");
    xml_add_time(listing->out, "LastModified", object->modified_ms);
    if (!object->delete_marker) {
        text_format(listing->out, "<ETag>&quot;%s&quot;</ETag>", object->etag);
        xml_add_number(listing->out, "Size", object->size);
        xml_add(listing->out, "StorageClass", "STANDARD");
    }
    xml_end(listing->out, kind);
    strcpy(listing->last_version, object->version);
}

static void add_object(struct listing *listing, const char *key, const struct object *object)
{
    xml_begin(listing->out, "Contents");
    add_key(listing, "Key", key);
    xml_add_time(listing->out, "LastModified", object->modified_ms);
    text_format(listing->out, "<ETag>&quot;%s&quot;</ETag>", object->etag);
    xml_add_number(listing->out, "Size", object->size);
    xml_add(listing->out, "StorageClass", "STANDARD");
    xml_end(listing->out, "Contents");
}

/* Length of the common prefix that stands for this key, 0 when the key stands for itself. */
static size_t common_size(const struct listing *listing, const char *key)
{
    const char *found =
        *listing->delimiter ? strstr(key + strlen(listing->prefix), listing->delimiter) : NULL;
    return found ? (size_t)(found - key) + strlen(listing->delimiter) : 0;
}

static bool same_common(const struct listing *listing, const char *key, size_t size)
{
    return listing->common.length == size && strncmp(text_get(&listing->common), key, size) == 0;
}

/* Versions of one key stay on one page, so that a page can go on behind its last key. */
static bool full(struct listing *listing, const char *key)
{
    bool same_key = listing->versions && strcmp(text_get(&listing->last), key) == 0;
    listing->truncated = listing->count >= listing->most && !same_key;
    return listing->truncated;
}

static bool on_object(void *context, const char *key, const struct object *object)
{
    struct listing *listing = context;
    size_t common = common_size(listing, key);
    if (common && same_common(listing, key, common))
        return true;
    if (full(listing, key))
        return false;
    if (common) {
        remember(&listing->common, key, common);
        remember(&listing->last, key, common);
        text_add(&listing->last, AFTER_ALL);
    } else {
        remember(&listing->last, key, strlen(key));
        if (listing->versions)
            add_version(listing, key, object);
        else
            add_object(listing, key, object);
    }
    if (common) {
        xml_begin(listing->out, "CommonPrefixes");
        add_key(listing, "Prefix", text_get(&listing->common));
        xml_end(listing->out, "CommonPrefixes");
    }
    listing->count++;
    return true;
}

/* ---- the whole ---- */

static const char *query_or_empty(const struct call *call, const char *name)
{
    const char *value = call_query(call, name);
    return value ? value : "";
}

static void run(struct s3_call *s3, struct listing *listing, const char *root, const char *after)
{
    const struct call *call = s3->call;
    const char *most = call_query(call, "max-keys");
    listing->out = s3_xml(s3, root);
    listing->prefix = query_or_empty(call, "prefix");
    listing->delimiter = query_or_empty(call, "delimiter");
    listing->encode = strcmp(query_or_empty(call, "encoding-type"), "url") == 0;
    listing->most =
        most && strcmp(most, "0") == 0 ? 0 : call_number(call, "max-keys", KEYS_MAX, KEYS_MAX);
    struct object_list list = {.bucket = s3->bucket,
                               .prefix = listing->prefix,
                               .after = after,
                               .versions = listing->versions,
                               .each = on_object,
                               .context = listing};
    object_list(call->cloud, &list);
    xml_add(listing->out, "Name", s3->bucket);
    add_key(listing, "Prefix", listing->prefix);
    if (*listing->delimiter)
        add_key(listing, "Delimiter", listing->delimiter);
    if (listing->encode)
        xml_add(listing->out, "EncodingType", "url");
    xml_add_number(listing->out, "MaxKeys", listing->most);
    /* a page of no keys has nothing to go on from */
    xml_add(listing->out, "IsTruncated",
            listing->truncated && listing->most > 0 ? "true" : "false");
}

static void end(struct listing *listing, const char *root)
{
    xml_end(listing->out, root);
    text_free(&listing->last);
    text_free(&listing->common);
}

static bool bucket_exists(struct s3_call *s3)
{
    struct answer answer = ANSWER_INIT;
    enum core_error error = bucket_check(s3->call->cloud, s3->bucket, &answer);
    if (error)
        s3_refuse(s3, error, &answer);
    answer_free(&answer);
    return error == CORE_OK;
}

void s3_list_objects(struct s3_call *s3)
{
    struct listing listing = {.versions = false};
    const char *token = call_query(s3->call, "continuation-token");
    size_t size;
    char *after = token ? base64_bytes(token, &size) : NULL;
    if (!bucket_exists(s3)) {
        free(after);
        return;
    }
    /* version 1 of the operation has a marker for the same purpose */
    const char *start = query_or_empty(s3->call, "start-after");
    run(s3, &listing, "ListBucketResult",
        after    ? after
        : *start ? start
                 : query_or_empty(s3->call, "marker"));
    xml_add_number(listing.out, "KeyCount", listing.count);
    if (token)
        xml_add(listing.out, "ContinuationToken", token);
    if (listing.truncated && listing.most > 0) {
        char *next = base64_new(text_get(&listing.last), listing.last.length);
        xml_add(listing.out, "NextContinuationToken", next);
        free(next);
    }
    end(&listing, "ListBucketResult");
    free(after);
}

void s3_list_versions(struct s3_call *s3)
{
    struct listing listing = {.versions = true};
    if (!bucket_exists(s3))
        return;
    run(s3, &listing, "ListVersionsResult", query_or_empty(s3->call, "key-marker"));
    add_key(&listing, "KeyMarker", query_or_empty(s3->call, "key-marker"));
    if (listing.truncated && listing.most > 0) {
        add_key(&listing, "NextKeyMarker", text_get(&listing.last));
        xml_add(listing.out, "NextVersionIdMarker", listing.last_version);
    }
    end(&listing, "ListVersionsResult");
}
