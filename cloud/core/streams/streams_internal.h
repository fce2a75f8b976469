/* What the files of streams share: one file of a stream as stored, and a request as it was read. */
#ifndef OTTER_CLOUD_CORE_STREAMS_STREAMS_INTERNAL_H
#define OTTER_CLOUD_CORE_STREAMS_STREAMS_INTERNAL_H

#include "cloud/core/streams/streams.h"

/* A stream's file, found: what a block is read from. */
struct stream_file {
    int64_t object; /* id of the object version */
    int64_t size;
    int64_t stream_version;
};

/* CORE_NOT_FOUND (stream, file, object), CORE_ETAG_MISMATCH: the object was replaced since. */
enum core_error stream_file_find(struct cloud *cloud, const char *stream, int file_id,
                                 struct stream_file *file, struct answer *answer);

/* {"s":version,"d":description,"r":[{"f":id,"z":size}...]}, as DescribeStream answers. */
enum core_error stream_summary(struct cloud *cloud, const char *stream, json_t **summary,
                               struct answer *answer);

/* GetStream or DescribeStream; numbers are as sent, not yet checked. Absent: the has_ flag is
 * false. */
struct stream_fields {
    char token[STREAMS_TOKEN_MAX + 1];
    bool has_token, has_version, has_file, has_size, has_offset, has_count, has_bitmap;
    int64_t version, file, size, offset, count;
    uint8_t *bitmap; /* owned; NULL if longer than allowed */
    size_t bitmap_length;
};

/* CORE_INVALID_JSON or CORE_INVALID_CBOR when it does not parse, CORE_INVALID_REQUEST when a field
 * is of the wrong type. The token is kept where it could be read. */
enum core_error stream_fields_read(enum streams_format format, const void *payload, size_t length,
                                   struct stream_fields *request, struct answer *answer);
void stream_fields_free(struct stream_fields *request);

#endif
