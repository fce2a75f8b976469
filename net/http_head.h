/* What HTTP/1.1 puts before a body, for a client that fetches ranges of a file and stores one
 * (RFC 9112): where a URL leads, the request, and the head of the answer.
 *
 * The head comes in pieces that may end at any byte. Bounded: of each line the first HTTP_LINE_MAX
 * bytes count, all lines together have at most HTTP_HEAD_MAX. Of the fields only those are kept
 * that say where the body ends and what it is; one that says it twice in two ways, or that cannot
 * be a number, makes the head malformed. Sans-IO; the caller owns everything. */
#ifndef OTTER_NET_HTTP_HEAD_H
#define OTTER_NET_HTTP_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "codec/json.h"
#include "port/status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define HTTP_HOST_MAX 128u  /* with the port */
#define HTTP_URL_MAX  2048u /* a presigned one with a session's token has about 1,500 */
#define HTTP_LINE_MAX 79u
#define HTTP_HEAD_MAX 8192u
/* Method, version, Host with its port; then one field with numbers, and the empty line. */
#define HTTP_REQUEST_MAX (HTTP_URL_MAX + HTTP_HOST_MAX + 96u)

/* For who has to say what is wrong with a URL. */
#define HTTP_URL_WANTED "no https URL of at most 2048 characters"

/* Where a URL leads, and the request for it. */
struct http_target {
    uint16_t port;
    uint16_t begin;  /* of the last field, the one that differs each time */
    uint16_t length; /* of the whole request */
    char host[HTTP_HOST_MAX + 1];
    char request[HTTP_REQUEST_MAX + 1];
};

/* Reads the string at `index` as https://HOST[:PORT]/PATH[?QUERY]; `method` has three letters and a
 * space. OTTER_E_MALFORMED for any other text (an address in brackets, user names and fragments
 * too), OTTER_E_TOO_LONG. */
otter_status http_target_read(struct http_target *target, const char *method,
                              const struct json *json, int index);
/* Ends the request with the last field, such as "Range: bytes=%lu-%lu" and its two numbers. */
void http_target_end(struct http_target *target, const char *field, uint32_t first,
                     uint32_t second);

struct http_head {
    uint16_t status;
    bool has_length;
    bool has_range;    /* Content-Range: bytes first-last/size */
    bool coded;        /* Transfer-Encoding: where the body ends cannot be told here */
    bool ends;         /* the connection is not kept after the body */
    uint32_t length;   /* Content-Length */
    uint32_t range[3]; /* first, last, size of the file: UINT32_MAX, where it is not told */
};

struct http_head_reader {
    struct http_head head;
    uint16_t total;
    uint8_t used;
    char line[HTTP_LINE_MAX + 1];
};

/* Zeroed memory is the begin of a head. Takes what belongs to it: *taken bytes. OTTER_E_AGAIN until
 * the head is whole, then OTTER_OK; OTTER_E_MALFORMED. Answers of 100 to 199 are passed over. */
otter_status http_head_read(struct http_head_reader *reader, const uint8_t *data, size_t length,
                            size_t *taken);

#ifdef __cplusplus
}
#endif

#endif
