/* Objects in buckets, as S3 keeps them: versions, delete markers, MD5 entity tags.
 *
 * Content lies in a BLOB and is read piece by piece, so that a block of a stream costs a block. */
#ifndef OTTER_CLOUD_CORE_OBJECTS_H
#define OTTER_CLOUD_CORE_OBJECTS_H

#include "cloud/core/account.h"

#define OBJECT_KEY_MAX 1024
#define OBJECT_SIZE_MAX ((size_t)512 << 20)

struct object {
    int64_t id; /* stays the same for as long as this version exists */
    int64_t size;
    int64_t modified_ms;
    bool latest, delete_marker;
    char version[64]; /* "null" when written to a bucket without versioning */
    char etag[48];    /* without quotes */
    char checksum[32]; /* base64 CRC32, "" when not given */
    char content_type[128];
    char metadata[2048]; /* JSON object of x-amz-meta-* */
};

/* `version` NULL or "": the latest. OTTER_E_NOT_FOUND without such a bucket, key or version; a
 * delete marker is found (look at delete_marker). */
otter_status object_find(const struct account *account, const char *bucket, const char *key,
                         const char *version, struct object *object);

/* Reads part of the content; OTTER_E_BOUNDS beyond the end, OTTER_E_NOT_FOUND when the version has
 * been deleted. */
otter_status object_read(const struct account *account, int64_t id, size_t offset, void *bytes,
                         size_t size);

/* The whole content, freed by the caller, for objects that are small by nature. */
void *object_load(const struct account *account, const struct object *object);

struct object_upload {
    const char *bucket, *key;
    const void *content;
    size_t size;
    const char *content_type, *metadata, *checksum; /* NULL when not given */
    const char *etag;                               /* NULL: the content's MD5 */
};

/* Writes a new version (or, without versioning, in place of the "null" version). `object` is filled
 * with what was stored. Problems carry S3's names. */
otter_status object_put(const struct account *account, const struct object_upload *upload,
                        struct object *object, struct problem *problem);

struct object_deletion {
    bool marker;      /* a delete marker was made or removed */
    char version[64]; /* of the marker, or of the version that is gone; "" when none */
};
otter_status object_delete(const struct account *account, const char *bucket, const char *key,
                           const char *version, struct object_deletion *deletion,
                           struct problem *problem);

/* ---- lists: calls `each` in S3's order (keys ascending, newest version first) ---- */

typedef void object_visitor(void *context, const char *key, const struct object *object);

struct object_range {
    const char *bucket, *prefix; /* prefix "" = all */
    const char *after;           /* keys above this one, "" = from the first */
    bool versions;               /* all versions and markers, else only live latest ones */
};
void object_list(const struct account *account, const struct object_range *range,
                 object_visitor *each, void *context);

/* ---- buckets ---- */

otter_status bucket_create(const struct account *account, const char *name,
                           struct problem *problem);
/* OTTER_E_REFUSED with NoSuchBucket when it does not exist. */
otter_status bucket_check(const struct account *account, const char *name,
                          struct problem *problem);
otter_status bucket_delete(const struct account *account, const char *name,
                           struct problem *problem);
/* status: "Enabled" or "Suspended". */
otter_status bucket_set_versioning(const struct account *account, const char *name,
                                   const char *status, struct problem *problem);
/* "" when it was never set. */
void bucket_versioning(const struct account *account, const char *name, char status[16]);
/* An array of {"name", "created"}. */
json_t *bucket_list(const struct account *account);

/* ---- uploads in parts ---- */

otter_status upload_begin(const struct account *account, const struct object_upload *what,
                          char id[UUID_SIZE], struct problem *problem);
/* The part's etag, without quotes, into `etag`. */
otter_status upload_part(const struct account *account, const char *id, int64_t number,
                         const void *content, size_t size, char etag[33], struct problem *problem);
/* `parts`: an array of {"number", "etag"} in the order the caller wants them. */
otter_status upload_complete(const struct account *account, const char *bucket, const char *key,
                             const char *id, const json_t *parts, struct object *object,
                             struct problem *problem);
otter_status upload_abort(const struct account *account, const char *id, struct problem *problem);

#endif
