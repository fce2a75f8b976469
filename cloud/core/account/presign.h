/* Presigned URLs of objects: whoever has one may GET, or PUT, that object for a while, without
 * keys. */
#ifndef OTTER_CLOUD_CORE_ACCOUNT_PRESIGN_H
#define OTTER_CLOUD_CORE_ACCOUNT_PRESIGN_H

#include "cloud/core/account/objects.h"

#define PRESIGN_BUCKET_SIZE  64
#define PRESIGN_VERSION_SIZE 64

struct object_place {
    char bucket[PRESIGN_BUCKET_SIZE], key[OBJECT_KEY_MAX + 1];
    char version[PRESIGN_VERSION_SIZE]; /* "": the latest */
};

/* Reads an S3 URL of AWS's forms, https://s3[.REGION].amazonaws.com/BUCKET/KEY or
 * https://BUCKET.s3[.REGION].amazonaws.com/KEY, perhaps with ?versionId=V: the URL is `size`
 * bytes. False: it is none. */
bool object_place_read(const char *url, size_t size, struct object_place *place);

/* Such a URL, with the key encoded; freed by the caller. */
char *object_place_write(const struct cloud *cloud, const struct object_place *place);

/* The URL under cloud->downloads that stands for AWS's own, valid for `method`, "GET" or "PUT", for
 * `expires_s` seconds from now; freed by the caller. NULL when the cloud has no access keys. */
char *presign(const struct cloud *cloud, const char *method, const struct object_place *place,
              int64_t expires_s);

#endif
