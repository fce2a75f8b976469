/* MQTT file streams: files of a bucket, given to devices in blocks on request, in CBOR or JSON.
 *
 * A GetStream request may ask for up to 128 KiB. It is answered block by block: streams_answer
 * checks the request and gives a transfer, which makes one message each time it is asked, reading
 * only that block of the object. So whoever sends decides the pace, and nothing piles up. */
#ifndef OTTER_CLOUD_CORE_STREAMS_STREAMS_H
#define OTTER_CLOUD_CORE_STREAMS_STREAMS_H

#include "cloud/core/ground/cloud.h"

#define STREAMS_FILES_MAX      50
#define STREAMS_BLOCK_MIN      256u
#define STREAMS_BLOCK_MAX      131072u
#define STREAMS_JSON_BLOCK_MAX 98112u  /* in base64, with token and numbers, 128 KiB */
#define STREAMS_REQUEST_MAX    131072u /* bytes of data that one request may bring */
#define STREAMS_BLOCKS_MAX     98304u
#define STREAMS_FILE_MAX       25165824u /* bytes of a file: 98304 blocks of 256 */
#define STREAMS_BITMAP_MAX     12288u    /* exclusive */
#define STREAMS_TOKEN_MAX      64u

/* ---- what operators do ---------------------------------------------------------------------- */

/* Members of CreateStream: files[]{fileId, s3Location{bucket,key,version?}}, roleArn, description.
 * {"streamId","streamArn","description","streamVersion"}; without version the object's latest is
 * taken and remembered. CORE_EXISTS, CORE_NOT_FOUND (object), CORE_INVALID_REQUEST. */
enum core_error streams_create(struct cloud *cloud, const char *stream, const json_t *members,
                               struct answer *answer);
/* Replaces description and files where given; the version grows by one. */
enum core_error streams_update(struct cloud *cloud, const char *stream, const json_t *members,
                               struct answer *answer);
/* {"streamInfo":{...}} */
enum core_error streams_describe(struct cloud *cloud, const char *stream, struct answer *answer);
/* {"streams":[...],"nextToken"?}; token NULL starts at the beginning, limit 0 takes 250. */
enum core_error streams_list(struct cloud *cloud, const char *token, int limit, bool ascending,
                             struct answer *answer);
enum core_error streams_delete(struct cloud *cloud, const char *stream, struct answer *answer);

/* ---- what devices do ------------------------------------------------------------------------ */

enum streams_format { STREAMS_CBOR, STREAMS_JSON };
enum streams_request_kind { STREAMS_GET, STREAMS_DESCRIBE };

/* A thing asks: `payload` is the request's body as it came, in `format`. `thing` is for the log:
 * any thing may read any stream that its policies let it ask for. Names have 1..128 bytes. */
struct streams_request {
    enum streams_request_kind kind;
    enum streams_format format;
    const char *thing, *stream;
    const void *payload;
    size_t length;
};

/* One message to the thing, in the request's format; valid until the transfer's next call. */
enum streams_message_kind { STREAMS_DATA, STREAMS_DESCRIPTION, STREAMS_REJECTED };
struct streams_message {
    enum streams_message_kind kind;
    const uint8_t *payload;
    size_t length;
};

struct streams_transfer;

/* The answer to a request, freed by the caller: it yields every message (blocks, a description or a
 * refusal). NULL when out of memory. */
struct streams_transfer *streams_answer(struct cloud *cloud, const struct streams_request *request);

/* The next message; false when there is none left. */
bool streams_transfer_next(struct streams_transfer *transfer, struct streams_message *message);
void streams_transfer_free(struct streams_transfer *transfer);

#endif
