/* S3: buckets, and the only two of their settings that are kept: versioning and location. */
#include <stdio.h>
#include <string.h>

#include "cloud/api/s3_internal.h"
#include "cloud/api/xml.h"
#include "cloud/core/ground/names.h"

void s3_list_buckets(struct s3_call *s3)
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

/* The first member of a request's body beside the one that is kept; NULL: none. */
static const char *foreign_member(json_t *body, const char *kept)
{
    const char *name;
    json_t *value;
    json_object_foreach(body, name, value)
    {
        if (strcmp(name, kept) != 0)
            return name;
    }
    return NULL;
}

static void refuse_member(struct s3_call *s3, const char *name)
{
    char message[160];
    snprintf(message, sizeof message,
             "This cloud does not offer %.60s of S3 here: nothing was done.", name);
    s3_error(s3, "NotImplemented", 501, message);
}

void s3_create_bucket(struct s3_call *s3)
{
    struct answer answer = ANSWER_INIT;
    char location[80];
    json_t *body = s3->call->body_size ? s3_read_xml(s3) : json_object();
    const char *constraint = json_text(body, "LocationConstraint");
    const char *foreign = foreign_member(body, "LocationConstraint");
    if (foreign) {
        refuse_member(s3, foreign);
    } else if (body && constraint && strcmp(constraint, s3->call->cloud->region) != 0) {
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

void s3_head_bucket(struct s3_call *s3)
{
    struct answer answer = ANSWER_INIT;
    enum core_error error = bucket_check(s3->call->cloud, s3->bucket, &answer);
    if (error)
        s3_refuse(s3, error, &answer);
    else
        call_reply_header(s3->call, "x-amz-bucket-region", s3->call->cloud->region);
    answer_free(&answer);
}

void s3_delete_bucket(struct s3_call *s3)
{
    struct answer answer = ANSWER_INIT;
    enum core_error error = bucket_delete(s3->call->cloud, s3->bucket, &answer);
    if (error)
        s3_refuse(s3, error, &answer);
    else
        s3->call->status = 204;
    answer_free(&answer);
}

void s3_put_versioning(struct s3_call *s3)
{
    struct answer answer = ANSWER_INIT;
    char crc32[16];
    json_t *body = s3_check_body(s3, crc32) ? s3_read_xml(s3) : NULL;
    if (body) {
        const char *status = json_text(body, "Status"), *mfa = json_text(body, "MfaDelete");
        enum core_error error = CORE_OK;
        if (mfa && strcmp(mfa, "Disabled") != 0)
            refuse_member(s3, "MfaDelete");
        else
            error =
                bucket_set_versioning(s3->call->cloud, s3->bucket, status ? status : "", &answer);
        if (error)
            s3_refuse(s3, error, &answer);
    }
    json_decref(body);
    answer_free(&answer);
}

void s3_get_versioning(struct s3_call *s3)
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

void s3_get_location(struct s3_call *s3)
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
