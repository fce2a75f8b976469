/* S3: what is kept beside an object's content: headers, x-amz-meta-*, tags. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>

#include "cloud/api/router.h"
#include "cloud/api/s3_internal.h"
#include "cloud/api/xml.h"
#include "cloud/core/ground/names.h"

#define META         "x-amz-meta-"
#define USER_MAX     2048 /* names and values of x-amz-meta-*, by S3's count */
#define CODING_PLAIN "aws-chunked"

/* Headers that are given back as they came, each with the parameter that puts another value there.
 */
static const struct {
    const char *name, *parameter;
} kept[] = {
    {"Cache-Control", "response-cache-control"},
    {"Content-Disposition", "response-content-disposition"},
    {"Content-Encoding", "response-content-encoding"},
    {"Content-Language", "response-content-language"},
    {"Expires", "response-expires"},
    {"Content-Type", "response-content-type"}, /* the stored one lies in a column of its own */
};
#define KEPT (sizeof kept / sizeof *kept)

/* ---- headers in ---- */

/* Of a Content-Encoding, what remains when the framing of the upload is taken off. */
static void strip_framing(char *value)
{
    char *at = strstr(value, CODING_PLAIN);
    if (!at)
        return;
    char *rest = at + strlen(CODING_PLAIN);
    rest += strspn(rest, ", ");
    memmove(at, rest, strlen(rest) + 1);
    for (size_t length = strlen(value); length > 0 && strchr(", ", value[length - 1]); length--)
        value[length - 1] = 0;
}

static bool take_kept(json_t *metadata, const struct call *call)
{
    bool taken = true;
    for (size_t i = 0; i < KEPT && taken; i++) {
        const char *given = call_header(call, kept[i].name);
        if (!given || strcmp(kept[i].name, "Content-Type") == 0)
            continue;
        char *value = strdup(given);
        strip_framing(value);
        if (*value)
            taken = json_object_set_new(metadata, kept[i].name, json_string(value)) == 0;
        free(value);
    }
    return taken;
}

/* False when a value is no UTF-8. */
static bool take_user(json_t *metadata, const struct call *call, size_t *size)
{
    const struct evkeyval *header;
    bool taken = true;
    *size = 0;
    TAILQ_FOREACH(header, call->headers, next)
    {
        if (strncasecmp(header->key, META, sizeof META - 1) != 0)
            continue;
        char *name = strdup(header->key + sizeof META - 1);
        for (char *c = name; c && *c; c++)
            *c = *c >= 'A' && *c <= 'Z' ? (char)(*c + 'a' - 'A') : *c;
        taken = taken && json_object_set_new(metadata, name, json_string(header->value)) == 0;
        *size += strlen(name) + strlen(header->value);
        free(name);
    }
    return taken;
}

char *s3_metadata(struct s3_call *s3)
{
    size_t size;
    json_t *metadata = json_object();
    bool sound = take_user(metadata, s3->call, &size) && take_kept(metadata, s3->call);
    char *text = sound ? json_dumps(metadata, JSON_COMPACT) : NULL;
    json_decref(metadata);
    if (text && size <= USER_MAX && strlen(text) < OBJECT_METADATA_MAX)
        return text;
    free(text);
    if (sound)
        s3_error(s3, "MetadataTooLarge", 400,
                 "Your metadata headers exceed the maximum allowed metadata size of 2 KB.");
    else
        s3_error(s3, "InvalidArgument", 400, "The metadata headers are not UTF-8.");
    return NULL;
}

/* ---- headers out ---- */

void s3_reply_metadata(struct s3_call *s3, const struct object *object)
{
    const char *name;
    char header[160];
    json_t *value, *metadata = json_stored(object->metadata, "{}");
    for (size_t i = 0; i < KEPT; i++) {
        const char *instead = call_query(s3->call, kept[i].parameter);
        const char *stored = json_text(metadata, kept[i].name);
        if (instead || stored)
            call_reply_header(s3->call, kept[i].name, instead ? instead : stored);
        json_object_del(metadata, kept[i].name);
    }
    json_object_foreach(metadata, name, value)
    {
        snprintf(header, sizeof header, META "%.140s", name);
        call_reply_header(s3->call, header, json_string_value(value));
    }
    json_decref(metadata);
    json_t *tags = object_tags(s3->call->cloud, object->id);
    if (json_object_size(tags) > 0) {
        snprintf(header, sizeof header, "%zu", json_object_size(tags));
        call_reply_header(s3->call, "x-amz-tagging-count", header);
    }
    json_decref(tags);
}

/* ---- tags ---- */

bool s3_header_tags(struct s3_call *s3, json_t **tags)
{
    struct answer answer = ANSWER_INIT;
    const char *header = call_header(s3->call, "x-amz-tagging");
    *tags = NULL;
    if (!header)
        return true;
    *tags = router_parse_query(header);
    enum core_error error = *tags ? object_check_tags(*tags, &answer)
                                  : answer_refuse(&answer, CORE_INVALID_TAG,
                                                  "x-amz-tagging must be encoded as a query.");
    if (error) {
        s3_refuse(s3, error, &answer);
        json_decref(*tags);
        *tags = NULL;
    }
    answer_free(&answer);
    return !error;
}

/* The version that the request names; false after having answered. */
static bool find(struct s3_call *s3, struct object *object)
{
    struct answer answer = ANSWER_INIT;
    enum core_error error = object_find(s3->call->cloud, s3->bucket, s3->key,
                                        call_query(s3->call, "versionId"), object, &answer);
    if (error)
        s3_refuse(s3, error, &answer);
    else if (strcmp(object->version, "null") != 0)
        call_reply_header(s3->call, "x-amz-version-id", object->version);
    answer_free(&answer);
    return !error;
}

void s3_get_tagging(struct s3_call *s3)
{
    struct object object;
    const char *name;
    json_t *value;
    if (!find(s3, &object))
        return;
    json_t *tags = object_tags(s3->call->cloud, object.id);
    struct text *out = s3_xml(s3, "Tagging");
    xml_begin(out, "TagSet");
    json_object_foreach(tags, name, value)
    {
        xml_begin(out, "Tag");
        xml_add(out, "Key", name);
        xml_add(out, "Value", json_string_value(value));
        xml_end(out, "Tag");
    }
    xml_end(out, "TagSet");
    xml_end(out, "Tagging");
    json_decref(tags);
}

/* From <TagSet><Tag><Key/><Value/></Tag>...; NULL when a tag lacks something or comes twice. */
static json_t *tags_of(const json_t *body)
{
    json_t *list = xml_list(json_object_get(body, "TagSet"), "Tag"), *tags = json_object();
    bool sound = true;
    for (size_t i = 0; sound && i < json_array_size(list); i++) {
        const json_t *tag = json_array_get(list, i);
        const char *name = json_text(tag, "Key"), *value = json_text(tag, "Value");
        sound = name && value && !json_object_get(tags, name) &&
                json_object_set_new(tags, name, json_string(value)) == 0;
    }
    json_decref(list);
    if (sound)
        return tags;
    json_decref(tags);
    return NULL;
}

static void set_tags(struct s3_call *s3, const json_t *tags)
{
    struct answer answer = ANSWER_INIT;
    struct object object;
    enum core_error error =
        find(s3, &object) ? object_set_tags(s3->call->cloud, object.id, tags, &answer) : CORE_OK;
    if (error)
        s3_refuse(s3, error, &answer);
    answer_free(&answer);
}

void s3_put_tagging(struct s3_call *s3)
{
    char crc32[16];
    json_t *body = s3_check_body(s3, crc32) ? s3_read_xml(s3) : NULL;
    if (!body)
        return;
    json_t *tags = tags_of(body);
    if (tags)
        set_tags(s3, tags);
    else
        s3_error(s3, "InvalidTag", 400, "Each Tag needs a Key of its own and a Value.");
    json_decref(tags);
    json_decref(body);
}

void s3_delete_tagging(struct s3_call *s3)
{
    s3->call->status = 204;
    set_tags(s3, NULL);
}
