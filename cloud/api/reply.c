/* Sending replies: whole, or the content of an object piece by piece as it is taken. */
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/keyvalq_struct.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "cloud/api/api_internal.h"
#include "cloud/core/account/objects.h"
#include "cloud/loop/metrics.h"

#define PIECE     262144
#define TRIES_MAX 8 /* of finding an object that is replaced all the time */

static const char *reason_of(int status)
{
    static const struct {
        int status;
        const char *reason;
    } reasons[] = {{200, "OK"},
                   {204, "No Content"},
                   {206, "Partial Content"},
                   {304, "Not Modified"},
                   {400, "Bad Request"},
                   {403, "Forbidden"},
                   {404, "Not Found"},
                   {405, "Method Not Allowed"},
                   {409, "Conflict"},
                   {412, "Precondition Failed"},
                   {413, "Payload Too Large"},
                   {415, "Unsupported Media Type"}};
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        if (reasons[i].status == status)
            return reasons[i].reason;
    }
    return status < 500 ? "Refused" : "Internal Server Error";
}

static void copy_headers(const struct call *call, struct evhttp_request *request)
{
    struct evkeyvalq *out = evhttp_request_get_output_headers(request);
    const struct evkeyval *header;
    TAILQ_FOREACH(header, &call->reply_headers, next)
    {
        evhttp_add_header(out, header->key, header->value);
    }
    evhttp_add_header(out, "x-amzn-RequestId", call->request_id);
    evhttp_add_header(out, "x-amz-request-id", call->request_id);
    if (!evhttp_find_header(out, "Content-Type"))
        evhttp_add_header(out, "Content-Type",
                          call->content_type ? call->content_type : "application/xml");
}

/* ---- contents ---- */

/* Ends the request too; if `whole` is false the client must not take what it got for all there is.
 */
static void end_stream(struct exchange *exchange, bool whole)
{
    struct evhttp_request *request = exchange->request;
    struct evhttp_connection *connection = evhttp_request_get_connection(request);
    if (connection)
        evhttp_connection_set_closecb(connection, NULL, NULL);
    if (connection && !whole)
        shutdown(bufferevent_getfd(evhttp_connection_get_bufferevent(connection)), SHUT_RDWR);
    exchange_free(exchange);
    evhttp_send_reply_end(request);
}

/* What an object consists of is held while it is sent: a new version does not cut an old one's
 * readers off. What lies in its row is sent in one piece. */
static bool read_piece(const struct exchange *exchange, void *bytes, size_t size)
{
    const struct call *call = &exchange->call;
    if (exchange->held.content)
        return content_read(call->cloud, exchange->held.content, call->at, bytes, size);
    return object_read(call->cloud, call->object, (size_t)call->at, bytes, size);
}

static void send_piece(struct evhttp_connection *connection, void *context)
{
    struct exchange *exchange = context;
    struct call *call = &exchange->call;
    struct evbuffer *piece = evbuffer_new();
    struct evbuffer_iovec space;
    (void)connection;
    size_t size = call->end - call->at < PIECE ? (size_t)(call->end - call->at) : PIECE;
    if (size == 0 || !piece || evbuffer_reserve_space(piece, PIECE, &space, 1) != 1 ||
        !read_piece(exchange, space.iov_base, size)) {
        evbuffer_free(piece);
        end_stream(exchange, size == 0);
        return;
    }
    space.iov_len = size;
    evbuffer_commit_space(piece, &space, 1);
    call->at += (int64_t)size;
    evhttp_send_reply_chunk_with_cb(exchange->request, piece, send_piece, exchange);
    evbuffer_free(piece);
}

/* The client has gone: nobody calls send_piece again. */
static void on_closed(struct evhttp_connection *connection, void *context)
{
    struct exchange *exchange = context;
    struct evhttp_request *request = exchange->request;
    (void)connection;
    if (exchange->call.api->stopping)
        return;
    exchange_free(exchange);
    evhttp_send_reply_end(request); /* which frees it */
}

static void stream(struct exchange *exchange, struct evhttp_connection *connection)
{
    struct call *call = &exchange->call;
    int64_t content = object_content(call->cloud, call->object);
    if (content)
        content_hold(call->cloud, &exchange->held, content);
    exchange->streams = true;
    evhttp_connection_set_closecb(connection, on_closed, exchange);
    evhttp_send_reply_start(exchange->request, exchange->call.status,
                            reason_of(exchange->call.status));
    send_piece(connection, exchange);
}

/* ---- all ---- */

static bool sends_object(const struct call *call)
{
    return call->object && call->method == EVHTTP_REQ_GET && call->at < call->end;
}

/* Whether the object was replaced or deleted while the reply waited for its commit. */
static bool lost_object(const struct call *call)
{
    char first;
    return !object_read(call->cloud, call->object, (size_t)call->at, &first, 1);
}

/* evhttp leaves "100 Continue" out when the body is empty. botocore then takes the reply for the
 * answer to its question, which is allowed, but reads the connection's next reply wrongly. */
static void go_on(const struct call *call, struct evhttp_connection *connection)
{
    static const char line[] = "HTTP/1.1 100 Continue\r\n\r\n";
    const char *expected = call_header(call, "Expect");
    const char *length = call_header(call, "Content-Length");
    if (expected && strcasecmp(expected, "100-continue") == 0 && length &&
        strtoull(length, NULL, 10) == 0)
        bufferevent_write(evhttp_connection_get_bufferevent(connection), line, sizeof line - 1);
}

static void count(int status)
{
    metric_add(status < 300   ? METRIC_API_2XX
               : status < 400 ? METRIC_API_3XX
               : status < 500 ? METRIC_API_4XX
                              : METRIC_API_5XX);
}

void exchange_send(struct exchange *exchange)
{
    struct call *call = &exchange->call;
    struct evhttp_request *request = exchange->request;
    struct evhttp_connection *connection = evhttp_request_get_connection(request);
    if (connection && sends_object(call) && lost_object(call) && exchange->tries < TRIES_MAX) {
        exchange_answer_anew(exchange);
        return;
    }
    count(call->status);
    if (connection) {
        go_on(call, connection);
        copy_headers(call, request);
    }
    if (connection && sends_object(call)) {
        stream(exchange, connection);
        return;
    }
    struct evbuffer *body = evbuffer_new();
    if (call->method != EVHTTP_REQ_HEAD) /* an object's length was set by its handler */
        evbuffer_add(body, text_get(&call->reply), call->reply.length);
    int status = call->status;
    exchange_free(exchange);
    evhttp_send_reply(request, status, reason_of(status), body); /* frees it if nobody is there */
    evbuffer_free(body);
}
