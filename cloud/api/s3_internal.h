/* Between the files of S3: a call with its bucket and key. */
#ifndef OTTER_CLOUD_API_S3_INTERNAL_H
#define OTTER_CLOUD_API_S3_INTERNAL_H

#include "cloud/api/services_internal.h"
#include "cloud/core/account/objects.h"

#define S3_SPACE "http://s3.amazonaws.com/doc/2006-03-01/"

struct s3_call {
    struct call *call;
    const char *bucket; /* "" for the service itself */
    const char *key;    /* "" for the bucket */
};

typedef void s3_handler(struct s3_call *s3);

/* Begins the XML of a reply, with its declaration and namespace; s3_xml_end closes it. */
struct text *s3_xml(struct s3_call *s3, const char *root);
void s3_refuse(struct s3_call *s3, enum core_error error, const struct answer *answer);
void s3_error(struct s3_call *s3, const char *name, int status, const char *message);
/* "2a" etag in quotes as reply header. */
void s3_reply_etag(struct s3_call *s3, const char *etag);
/* The XML of the request's body; NULL after having answered MalformedXML. */
json_t *s3_read_xml(struct s3_call *s3);

/* Whether the user may delete this object (`version` NULL: none named); if not, why. */
bool s3_may_delete(struct s3_call *s3, const char *key, const char *version, char *message,
                   size_t size);

/* s3_buckets.c */
void s3_list_buckets(struct s3_call *s3);
void s3_create_bucket(struct s3_call *s3);
void s3_head_bucket(struct s3_call *s3);
void s3_delete_bucket(struct s3_call *s3);
void s3_put_versioning(struct s3_call *s3);
void s3_get_versioning(struct s3_call *s3);
void s3_get_location(struct s3_call *s3);
/* s3_lists.c */
void s3_list_objects(struct s3_call *s3);
void s3_list_versions(struct s3_call *s3);
/* s3_objects.c */
void s3_put_object(struct s3_call *s3);
void s3_get_object(struct s3_call *s3); /* HEAD too */
void s3_delete_object(struct s3_call *s3);
void s3_delete_objects(struct s3_call *s3);
/* Checks Content-MD5 and x-amz-checksum-*; false after having answered. The CRC32 of the body, in
 * base64, is always put into `crc32`. */
bool s3_check_body(struct s3_call *s3, char crc32[16]);
/* If-Match and If-None-Match of a write. */
struct object_condition s3_condition(const struct s3_call *s3);
/* s3_metadata.c */
/* What struct object_upload calls metadata, freed by the caller; NULL after having answered. */
char *s3_metadata(struct s3_call *s3);
/* Puts it, and the number of tags, on the reply. */
void s3_reply_metadata(struct s3_call *s3, const struct object *object);
/* x-amz-tagging: NULL when absent. False after having answered. */
bool s3_header_tags(struct s3_call *s3, json_t **tags);
void s3_get_tagging(struct s3_call *s3);
void s3_put_tagging(struct s3_call *s3);
void s3_delete_tagging(struct s3_call *s3);
/* s3_uploads.c */
void s3_create_upload(struct s3_call *s3);
void s3_upload_part(struct s3_call *s3);
void s3_complete_upload(struct s3_call *s3);
void s3_abort_upload(struct s3_call *s3);

#endif
