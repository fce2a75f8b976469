/* Objects in buckets, as S3 keeps them: versions, delete markers, MD5 entity tags.
 *
 * Content lies in a BLOB and is read piece by piece, so that a block of a stream costs a block.
 *
 * Errors are named as S3's (CORE_NO_BUCKET, CORE_NO_KEY, ...); CORE_INTERNAL when the database
 * fails. A refusal changes nothing. What is passed in stays the caller's, and is not kept. */
#ifndef OTTER_CLOUD_CORE_ACCOUNT_OBJECTS_H
#define OTTER_CLOUD_CORE_ACCOUNT_OBJECTS_H

#include "cloud/core/ground/cloud.h"

#define OBJECT_KEY_MAX      1024
#define OBJECT_SIZE_MAX     ((size_t)512 << 20)
#define OBJECT_PART_MIN     ((int64_t)5 << 20) /* of every part but the last */
#define OBJECT_PARTS_MAX    10000
#define OBJECT_METADATA_MAX 4096
#define OBJECT_TAGS_MAX     10
#define UPLOAD_ID_SIZE      37

struct object {
    int64_t id; /* stays the same for as long as this version exists */
    int64_t size;
    int64_t modified_ms;
    bool latest, delete_marker;
    char version[64];  /* "null" when written to a bucket without versioning */
    char etag[48];     /* without quotes */
    char checksum[32]; /* base64 of the CRC32, "" when not known */
    char content_type[128];
    char metadata[OBJECT_METADATA_MAX]; /* see struct object_upload */
};

/* `version` NULL or "": the latest. CORE_NO_BUCKET, CORE_NO_KEY (a delete marker is on top),
 * CORE_NO_VERSION, or CORE_DELETE_MARKER when the version asked for is one. */
enum core_error object_find(struct cloud *cloud, const char *bucket, const char *key,
                            const char *version, struct object *object, struct answer *answer);

/* The content that has its bytes, see contents.h; 0: they are in its row, or it is gone. */
int64_t object_content(struct cloud *cloud, int64_t id);
/* Reads part of the content; false beyond the end or when the version has been deleted. */
bool object_read(struct cloud *cloud, int64_t id, size_t offset, void *bytes, size_t size);

/* HTTP's conditions, checked against the current version. NULL: none. A tag may be quoted; "*" is
 * any. */
struct object_condition {
    const char *match;      /* must be there with this tag: else CORE_NO_KEY, CORE_PRECONDITION */
    const char *none_match; /* "*": must not be there, else CORE_PRECONDITION */
    const char *size;       /* of all parts, in digits: else CORE_VALIDATION */
};

/* Whether a condition's text names this tag. */
bool object_tag_matches(const char *condition, const char *etag);

/* All but bucket, key and content may be NULL. `metadata` is a JSON object: names in lower case are
 * those of x-amz-meta-*, others are headers such as Cache-Control. `tags` is one of names to
 * values. */
struct object_upload {
    const char *bucket, *key;
    const void *content;
    size_t size;
    int64_t staged;  /* not 0: `size` bytes lie there already (contents.h); `content` is not read */
    const char *md5; /* of the content, in hex; NULL: computed here */
    const char *sha256; /* the same; NULL or "": computed here */
    const char *content_type, *metadata, *checksum;
    const json_t *tags;
    struct object_condition condition;
};

/* Writes a new version (or, without versioning, takes the place of the "null" version). */
enum core_error object_put(struct cloud *cloud, const struct object_upload *upload,
                           struct object *object, struct answer *answer);

struct object_deletion {
    bool marker;      /* a delete marker was made or removed */
    char version[64]; /* of the marker, or of the version that is gone; "" when none */
};

/* Without `version` in a bucket that has versioning: puts a delete marker on top. `match` is an
 * If-Match, or NULL. */
enum core_error object_delete(struct cloud *cloud, const char *bucket, const char *key,
                              const char *version, const char *match,
                              struct object_deletion *deletion, struct answer *answer);

/* ---- tags ---- */

/* CORE_INVALID_TAG unless there are at most 10, with names of 1 to 128 and values of up to 256
 * characters. */
enum core_error object_check_tags(const json_t *tags, struct answer *answer);
/* Takes the place of all tags of this version; NULL or {}: none are left. */
enum core_error object_set_tags(struct cloud *cloud, int64_t id, const json_t *tags,
                                struct answer *answer);
/* An object of names to values, freed by the caller. */
json_t *object_tags(struct cloud *cloud, int64_t id);

/* ---- lists, in S3's order: keys ascending, newest version first ---- */

struct object_list {
    const char *bucket, *prefix; /* prefix "": all */
    const char *after;           /* keys above this one; "": from the first */
    const char *after_version;   /* and this key's versions that are older; NULL: none of its */
    bool versions;               /* every version and marker, else the live latest ones */
    bool (*each)(void *context, const char *key, const struct object *object); /* false: enough */
    void *context;
};
void object_list(struct cloud *cloud, const struct object_list *list);

/* ---- buckets ---- */

enum core_error bucket_create(struct cloud *cloud, const char *name, struct answer *answer);
enum core_error bucket_check(struct cloud *cloud, const char *name, struct answer *answer);
enum core_error bucket_delete(struct cloud *cloud, const char *name, struct answer *answer);
/* status: "Enabled" or "Suspended". */
enum core_error bucket_set_versioning(struct cloud *cloud, const char *name, const char *status,
                                      struct answer *answer);
/* "" when it was never set. */
void bucket_versioning(struct cloud *cloud, const char *name, char status[16]);
/* An array of {"name", "created"}, freed by the caller. */
json_t *bucket_list(struct cloud *cloud);

/* ---- uploads in parts ---- */

/* An upload is found by its id together with the bucket and key that it was begun for; else
 * CORE_NO_UPLOAD. */
struct upload_name {
    const char *bucket, *key, *id;
};

/* Content of `what` is not looked at. */
enum core_error upload_begin(struct cloud *cloud, const struct object_upload *what,
                             char id[UPLOAD_ID_SIZE], struct answer *answer);
/* The part's tag, without quotes, into `etag`. Of `content` only what tells of content is read. */
enum core_error upload_part(struct cloud *cloud, const struct upload_name *name, int64_t number,
                            const struct object_upload *content, char etag[33],
                            struct answer *answer);
/* `parts`: an array of {"number", "etag"}, ascending. */
enum core_error upload_complete(struct cloud *cloud, const struct upload_name *name,
                                const json_t *parts, const struct object_condition *condition,
                                struct object *object, struct answer *answer);
enum core_error upload_abort(struct cloud *cloud, const struct upload_name *name,
                             struct answer *answer);

#endif
