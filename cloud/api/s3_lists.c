/* S3: list-objects, list-objects-v2 and list-object-versions. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/api/s3_internal.h"
#include "cloud/api/xml.h"
#include "cloud/core/ground/names.h"

#define KEYS_MAX  1000
#define AFTER_ALL "\xF4\x8F\xBF\xBF" /* U+10FFFF: behind every key with the same beginning */

/* One list being written. */
struct listing {
    struct text *out;
    const char *account;
    const char *prefix, *delimiter; /* delimiter "": none */
    bool encode, versions, owners;
    int most, count;
    bool truncated;
    struct text last;      /* the last key or common prefix that was written */
    bool last_is_common;   /* it is a prefix, so that a next page goes on behind all of its keys */
    char last_version[64]; /* of the last key; "" behind a common prefix */
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

static void add_owner(const struct listing *listing, const char *account)
{
    if (!listing->owners)
        return;
    xml_begin(listing->out, "Owner");
    xml_add(listing->out, "ID", account);
    xml_end(listing->out, "Owner");
}

static void add_content(const struct listing *listing, const struct object *object)
{
    text_format(listing->out, "<ETag>&quot;%s&quot;</ETag>", object->etag);
    xml_add_number(listing->out, "Size", object->size);
    xml_add(listing->out, "StorageClass", "STANDARD");
}

static void add_version(struct listing *listing, const char *key, const struct object *object)
{
    const char *kind = object->delete_marker ? "DeleteMarker" : "Version";
    xml_begin(listing->out, kind);
    add_key(listing, "Key", key);
    xml_add(listing->out, "VersionId", object->version);
    xml_add(listing->out, "IsLatest", object->latest ? "true" : "false");
    xml_add_time(listing->out, "LastModified", object->modified_ms);
    if (!object->delete_marker)
        add_content(listing, object);
    add_owner(listing, listing->account);
    xml_end(listing->out, kind);
}

static void add_object(struct listing *listing, const char *key, const struct object *object)
{
    xml_begin(listing->out, "Contents");
    add_key(listing, "Key", key);
    xml_add_time(listing->out, "LastModified", object->modified_ms);
    add_content(listing, object);
    add_owner(listing, listing->account);
    xml_end(listing->out, "Contents");
}

static void add_common(struct listing *listing)
{
    xml_begin(listing->out, "CommonPrefixes");
    add_key(listing, "Prefix", text_get(&listing->last));
    xml_end(listing->out, "CommonPrefixes");
}

/* Length of the common prefix that stands for this key, 0 when the key stands for itself. */
static size_t common_size(const struct listing *listing, const char *key)
{
    size_t prefix = strlen(listing->prefix);
    if (!*listing->delimiter || strncmp(key, listing->prefix, prefix) != 0)
        return 0;
    const char *found = strstr(key + prefix, listing->delimiter);
    return found ? (size_t)(found - key) + strlen(listing->delimiter) : 0;
}

static bool stands_for(const struct listing *listing, const char *key, size_t common)
{
    return common && listing->last_is_common && listing->last.length == common &&
           strncmp(text_get(&listing->last), key, common) == 0;
}

static bool on_object(void *context, const char *key, const struct object *object)
{
    struct listing *listing = context;
    size_t common = common_size(listing, key);
    if (stands_for(listing, key, common))
        return true;
    listing->truncated = listing->count >= listing->most;
    if (listing->truncated)
        return false;
    remember(&listing->last, key, common ? common : strlen(key));
    listing->last_is_common = common > 0;
    strcpy(listing->last_version, common ? "" : object->version);
    if (common)
        add_common(listing);
    else if (listing->versions)
        add_version(listing, key, object);
    else
        add_object(listing, key, object);
    listing->count++;
    return true;
}

/* ---- the whole ---- */

static const char *query_or_empty(const struct call *call, const char *name)
{
    const char *value = call_query(call, name);
    return value ? value : "";
}

static bool refuse_argument(struct s3_call *s3, const char *name, const char *value)
{
    char message[160];
    snprintf(message, sizeof message, "%s is not valid here: %.60s", name, value);
    s3_error(s3, "InvalidArgument", 400, message);
    return false;
}

/* Takes the arguments that all lists have; false after having answered. */
static bool begin(struct s3_call *s3, struct listing *listing)
{
    const struct call *call = s3->call;
    struct answer answer = ANSWER_INIT;
    const char *most = call_query(call, "max-keys"), *encoding = call_query(call, "encoding-type");
    enum core_error error = bucket_check(call->cloud, s3->bucket, &answer);
    if (error)
        s3_refuse(s3, error, &answer);
    answer_free(&answer);
    if (error)
        return false;
    if (most && (!*most || strlen(most) > 9 || strspn(most, "0123456789") != strlen(most)))
        return refuse_argument(s3, "max-keys", most);
    if (encoding && strcmp(encoding, "url") != 0)
        return refuse_argument(s3, "encoding-type", encoding);
    listing->prefix = query_or_empty(call, "prefix");
    listing->delimiter = query_or_empty(call, "delimiter");
    listing->encode = encoding != NULL;
    listing->account = call->cloud->account;
    listing->most = most ? (int)strtol(most, NULL, 10) : KEYS_MAX;
    if (listing->most > KEYS_MAX)
        listing->most = KEYS_MAX;
    return true;
}

/* Writes the entries behind `after` (and, of that key, behind `version`). */
static void run(struct s3_call *s3, struct listing *listing, const char *root, const char *after,
                const char *version)
{
    struct text behind = {0};
    size_t common = common_size(listing, after);
    text_add(&behind, after);
    if (common && common == strlen(after))
        text_add(&behind, AFTER_ALL); /* a common prefix: all of its keys are behind us */
    listing->out = s3_xml(s3, root);
    struct object_list list = {.bucket = s3->bucket,
                               .prefix = listing->prefix,
                               .after = text_get(&behind),
                               .after_version = version,
                               .versions = listing->versions,
                               .each = on_object,
                               .context = listing};
    object_list(s3->call->cloud, &list);
    text_free(&behind);
    listing->truncated =
        listing->truncated && listing->most > 0; /* else there is nothing to go on from */
    xml_add(listing->out, "Name", s3->bucket);
    add_key(listing, "Prefix", listing->prefix);
    if (*listing->delimiter)
        add_key(listing, "Delimiter", listing->delimiter);
    if (listing->encode)
        xml_add(listing->out, "EncodingType", "url");
    xml_add_number(listing->out, "MaxKeys", listing->most);
    xml_add(listing->out, "IsTruncated", listing->truncated ? "true" : "false");
}

static void end(struct listing *listing, const char *root)
{
    xml_end(listing->out, root);
    text_free(&listing->last);
}

/* Version 1: a marker is a key or a common prefix, and the next one is told when there are such. */
static void list_1(struct s3_call *s3, struct listing *listing)
{
    const char *marker = query_or_empty(s3->call, "marker");
    listing->owners = true;
    run(s3, listing, "ListBucketResult", marker, NULL);
    add_key(listing, "Marker", marker);
    if (listing->truncated && *listing->delimiter)
        add_key(listing, "NextMarker", text_get(&listing->last));
    end(listing, "ListBucketResult");
}

/* Version 2: a token is the last entry's name in base64. */
static void list_2(struct s3_call *s3, struct listing *listing)
{
    const char *token = call_query(s3->call, "continuation-token");
    const char *start = call_query(s3->call, "start-after");
    size_t size;
    char *after = token ? base64_bytes(token, &size) : NULL;
    if (token && !after) {
        refuse_argument(s3, "continuation-token", token);
        return;
    }
    listing->owners = call_flag(s3->call, "fetch-owner");
    run(s3, listing, "ListBucketResult", after ? after : start ? start : "", NULL);
    xml_add_number(listing->out, "KeyCount", listing->count);
    if (start)
        add_key(listing, "StartAfter", start);
    if (token)
        xml_add(listing->out, "ContinuationToken", token);
    if (listing->truncated) {
        char *next = base64_new(text_get(&listing->last), listing->last.length);
        xml_add(listing->out, "NextContinuationToken", next);
        free(next);
    }
    end(listing, "ListBucketResult");
    free(after);
}

void s3_list_objects(struct s3_call *s3)
{
    struct listing listing = {.versions = false};
    const char *type = call_query(s3->call, "list-type");
    if (type && strcmp(type, "2") != 0)
        refuse_argument(s3, "list-type", type);
    else if (begin(s3, &listing))
        (type ? list_2 : list_1)(s3, &listing);
}

void s3_list_versions(struct s3_call *s3)
{
    struct listing listing = {.versions = true, .owners = true};
    const char *key = query_or_empty(s3->call, "key-marker");
    const char *version = call_query(s3->call, "version-id-marker");
    if (version && !*key) {
        refuse_argument(s3, "version-id-marker (without key-marker)", version);
        return;
    }
    if (!begin(s3, &listing))
        return;
    run(s3, &listing, "ListVersionsResult", key, version);
    add_key(&listing, "KeyMarker", key);
    xml_add(listing.out, "VersionIdMarker", version ? version : "");
    if (listing.truncated) {
        add_key(&listing, "NextKeyMarker", text_get(&listing.last));
        if (*listing.last_version)
            xml_add(listing.out, "NextVersionIdMarker", listing.last_version);
    }
    end(&listing, "ListVersionsResult");
}
