/* S3: uploads in parts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/api/s3_internal.h"
#include "cloud/api/xml.h"
#include "cloud/core/ground/names.h"

static struct upload_name upload_of(const struct s3_call *s3)
{
    return (struct upload_name){s3->bucket, s3->key, call_query(s3->call, "uploadId")};
}

void s3_create_upload(struct s3_call *s3)
{
    struct answer answer = ANSWER_INIT;
    char id[UPLOAD_ID_SIZE];
    char *metadata = s3_metadata(s3);
    if (!metadata)
        return;
    struct object_upload what = {.bucket = s3->bucket,
                                 .key = s3->key,
                                 .content_type = call_header(s3->call, "Content-Type"),
                                 .metadata = metadata};
    enum core_error error = upload_begin(s3->call->cloud, &what, id, &answer);
    if (error) {
        s3_refuse(s3, error, &answer);
    } else {
        struct text *out = s3_xml(s3, "InitiateMultipartUploadResult");
        xml_add(out, "Bucket", s3->bucket);
        xml_add(out, "Key", s3->key);
        xml_add(out, "UploadId", id);
        xml_end(out, "InitiateMultipartUploadResult");
    }
    free(metadata);
    answer_free(&answer);
}

void s3_upload_part(struct s3_call *s3)
{
    struct answer answer = ANSWER_INIT;
    struct call *call = s3->call;
    struct upload_name upload = upload_of(s3);
    char etag[33], crc32[16];
    if (!s3_check_body(s3, crc32) || !call_stage(call))
        return;
    struct object_upload content = {.content = call->body,
                                    .size = call->body_size,
                                    .staged = call->staged,
                                    .md5 = call->facts.md5,
                                    .sha256 = call->facts.sha256};
    enum core_error error =
        upload_part(call->cloud, &upload, call_number(call, "partNumber", OBJECT_PARTS_MAX + 1, 0),
                    &content, etag, &answer);
    if (error) {
        s3_refuse(s3, error, &answer);
    } else {
        s3_reply_etag(s3, etag);
        call_reply_header(s3->call, "x-amz-checksum-crc32", crc32);
    }
    answer_free(&answer);
}

/* From S3's names and text to the core's and numbers. */
static json_t *parts_of(const json_t *body)
{
    json_t *given = xml_list(body, "Part"), *parts = json_array();
    for (size_t i = 0; i < json_array_size(given); i++) {
        const json_t *part = json_array_get(given, i);
        const char *number = json_text(part, "PartNumber"), *etag = json_text(part, "ETag");
        json_array_append_new(parts, json_pack("{s:I,s:s}", "number",
                                               (json_int_t)(number ? strtoll(number, NULL, 10) : 0),
                                               "etag", etag ? etag : ""));
    }
    json_decref(given);
    return parts;
}

static void reply_completed(struct s3_call *s3, const struct object *object)
{
    char location[OBJECT_KEY_MAX + 80];
    snprintf(location, sizeof location, "/%s/%s", s3->bucket, s3->key);
    struct text *out = s3_xml(s3, "CompleteMultipartUploadResult");
    xml_add(out, "Location", location);
    xml_add(out, "Bucket", s3->bucket);
    xml_add(out, "Key", s3->key);
    text_format(out, "<ETag>&quot;%s&quot;</ETag>", object->etag);
    xml_end(out, "CompleteMultipartUploadResult");
    if (strcmp(object->version, "null") != 0)
        call_reply_header(s3->call, "x-amz-version-id", object->version);
}

void s3_complete_upload(struct s3_call *s3)
{
    struct answer answer = ANSWER_INIT;
    struct object object;
    struct upload_name upload = upload_of(s3);
    struct object_condition condition = s3_condition(s3);
    condition.size = call_header(s3->call, "x-amz-mp-object-size");
    json_t *body = s3_read_xml(s3);
    if (!body)
        return;
    json_t *parts = parts_of(body);
    enum core_error error =
        upload_complete(s3->call->cloud, &upload, parts, &condition, &object, &answer);
    if (error)
        s3_refuse(s3, error, &answer);
    else
        reply_completed(s3, &object);
    json_decref(parts);
    json_decref(body);
    answer_free(&answer);
}

void s3_abort_upload(struct s3_call *s3)
{
    struct answer answer = ANSWER_INIT;
    struct upload_name upload = upload_of(s3);
    enum core_error error = upload_abort(s3->call->cloud, &upload, &answer);
    if (error)
        s3_refuse(s3, error, &answer);
    else
        s3->call->status = 204;
    answer_free(&answer);
}
