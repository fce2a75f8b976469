/* An HTTP/1.1 client for files behind presigned URLs: one exchange at a time, over a connection
 * that it is lent.
 *
 * Who uses it fills in the target (http_target_read), asks, and is told
 * the head, the body piece by piece, and the end. The connection is taken from its owner at the
 * first request, stays for the next ones to the same target, and goes back by http_close; between
 * two requests the server may close it, which costs the next one a new connection and nobody else
 * anything. Redirects, transfer codings and bodies of unknown length are the user's to refuse.
 *
 * Sans-IO but for the functions of the line, which do not wait. The caller owns everything. */
#ifndef OTTER_NET_HTTP_H
#define OTTER_NET_HTTP_H

#include "net/http_head.h"
#include "port/port.h"

#ifdef __cplusplus
extern "C" {
#endif

#define HTTP_SILENCE_MS 30000u /* without a byte either way, and to connect */

/* The connection. */
struct http_line {
    /* Takes it, and begins to connect; an error closes it again. `host` outlives it. */
    otter_status (*open)(void *ctx, otter_ms now, const char *host, uint16_t port);
    /* OTTER_E_AGAIN on its way, OTTER_OK open, or why not. */
    otter_status (*step)(void *ctx, otter_ms now);
    /* Bytes moved, 0 for none now, or an error. */
    int (*read)(void *ctx, void *data, size_t size);
    int (*write)(void *ctx, const void *data, size_t length);
    /* `back`: its owner may have it. Else it is opened anew soon. */
    void (*close)(void *ctx, otter_ms now, bool back);
    void *ctx;
};

struct http_user {
    /* False: the user has seen enough; the connection is closed, and on_end does not come. */
    bool (*on_head)(void *ctx, otter_ms now, const struct http_head *head);
    void (*on_body)(void *ctx, otter_ms now, const uint8_t *data, size_t length);
    /* OTTER_OK after the whole body; else why there is none, or not all of it. */
    void (*on_end)(void *ctx, otter_ms now, otter_status status);
    /* Of a request with a body: the bytes of it from `offset` on, some at least; they stay until
     * the next call, whose offset is not behind theirs. */
    size_t (*give)(void *ctx, uint32_t offset, const uint8_t **data);
};

enum http_state {
    HTTP_CLOSED,
    HTTP_OPENING,
    HTTP_OPEN, /* nothing is asked for */
    HTTP_SENDING,
    HTTP_HEAD,
    HTTP_BODY
};

/* Zeroed memory with its line filled in. All else but the target is private. */
struct http_client {
    const struct http_line *line;
    const struct http_user *user;
    void *ctx;
    struct http_target target;
    struct http_head_reader reader;
    uint8_t state;
    bool lent;     /* the connection is not its owner's */
    bool reused;   /* ... and has brought an answer before */
    bool more;     /* the last turn read its share, and more may wait */
    uint32_t body; /* of the request */
    uint32_t sent; /* of the request, with its body */
    uint32_t left; /* of the answer's body */
    otter_ms silent_at;
};

/* Sends the target's request (http_target_end), and `body` bytes behind it. Only when nothing is
 * asked for (http_idle). The user's functions may call http_close, and on_end this again. */
void http_ask(struct http_client *http, otter_ms now, const struct http_user *user, void *ctx,
              uint32_t body);
bool http_idle(const struct http_client *http);
/* Gives the connection back; what was asked for is forgotten. */
void http_close(struct http_client *http, otter_ms now);

/* What went wrong, for a person: "HOST: WHAT", or "HOST: HTTP STATUS, WHAT". */
void http_explain(const struct http_client *http, unsigned status, const char *what, char *text,
                  size_t size);

void http_tick(struct http_client *http, otter_ms now);
/* When http_tick is due at the latest, apart from what comes in. */
otter_ms http_deadline(const struct http_client *http, otter_ms now);

#ifdef __cplusplus
}
#endif

#endif
