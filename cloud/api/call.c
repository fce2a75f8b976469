/* Calls: what handlers ask of them, and how they wait for what would keep the loop busy. */
#include <event2/buffer.h>
#include <event2/event.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "cloud/api/api_internal.h"
#include "cloud/api/router.h"
#include "cloud/core/account/contents.h"
#include "cloud/core/ground/names.h"
#include "cloud/store/db.h"

#define STAGE_ABOVE ((size_t)1 << 20) /* smaller bodies are written in one go */
#define STAGE_STEP  ((size_t)1 << 18) /* written in one turn of the loop */

/* ---- what handlers ask ---- */

const char *call_query(const struct call *call, const char *name)
{
    return json_text(call->query, name);
}

const char *call_header(const struct call *call, const char *name)
{
    return evhttp_find_header(call->headers, name);
}

const char *call_method(const struct call *call)
{
    switch (call->method) {
    case EVHTTP_REQ_GET:
        return "GET";
    case EVHTTP_REQ_HEAD:
        return "HEAD";
    case EVHTTP_REQ_POST:
        return "POST";
    case EVHTTP_REQ_PUT:
        return "PUT";
    case EVHTTP_REQ_PATCH:
        return "PATCH";
    default:
        return "DELETE"; /* no other is let in, see api_start */
    }
}

bool call_flag(const struct call *call, const char *name)
{
    const char *value = call_query(call, name);
    return value && strcmp(value, "true") == 0;
}

int call_number(const struct call *call, const char *name, int most, int absent)
{
    const char *value = call_query(call, name);
    long number = value ? strtol(value, NULL, 10) : 0;
    if (number < 1)
        return absent;
    return number > most ? most : (int)number;
}

void call_reply_header(struct call *call, const char *name, const char *value)
{
    evhttp_add_header(&call->reply_headers, name, value);
}

/* ---- waiting ---- */

static void make(void *context)
{
    struct call *call = context;
    call->made = call->make();
}

void call_again(void *call)
{
    exchange_answer(call);
}

void call_wait(struct call *call, void *made, void (*unmake)(void *made))
{
    call->made = made;
    call->unmake = unmake;
    call->waits = true;
}

bool call_prepare(struct call *call, void *(*make_it)(void), void (*unmake)(void *made))
{
    if (call->make)
        return true;
    call->make = make_it;
    call->unmake = unmake;
    call->waits = true;
    if (!call->api->stopping)
        worker_do(call->api->loop->worker, make, call_again, call);
    return false;
}

static void next_step(struct call *call);

static void on_step(evutil_socket_t fd, short what, void *context)
{
    struct call *call = context;
    size_t left = call->body_size - call->staged_size;
    size_t size = left < STAGE_STEP ? left : STAGE_STEP;
    (void)fd, (void)what;
    otter_status status = content_add(call->cloud, call->staged, (int64_t)call->staged_size,
                                      call->body + call->staged_size, size);
    call->staged_size += size;
    if (status != OTTER_OK) { /* the handler meets the same failure when it writes the row */
        content_drop(call->cloud, call->staged);
        call->staged = 0;
        call->staged_size = call->body_size;
    }
    if (call->staged_size < call->body_size)
        next_step(call);
    else
        exchange_answer((struct exchange *)call);
}

static void next_step(struct call *call)
{
    const struct timeval soon = {0, 1}; /* 0 would come before the loop looks at anybody else */
    event_base_once(call->api->loop->base, -1, EV_TIMEOUT, on_step, call, &soon);
}

bool call_stage(struct call *call)
{
    if (call->body_size <= STAGE_ABOVE || call->staged_size == call->body_size)
        return true;
    call->staged = content_begin(call->cloud);
    if (!call->staged)
        return true;
    call->waits = true;
    if (!call->api->stopping)
        next_step(call);
    return false;
}

/* ---- life ---- */

struct exchange *exchange_new(struct api *api, struct evhttp_request *request)
{
    struct exchange *exchange = calloc(1, sizeof *exchange);
    if (!exchange)
        abort(); /* nothing sensible can follow on the host */
    exchange->call = (struct call){.cloud = api->cloud,
                                   .api = api,
                                   .iot_endpoint = api->iot_endpoint,
                                   .method = evhttp_request_get_command(request),
                                   .target = evhttp_request_get_uri(request),
                                   .headers = evhttp_request_get_input_headers(request),
                                   .status = HTTP_OK};
    struct call *call = &exchange->call;
    const char *query = strchr(call->target, '?');
    call->query = router_parse_query(query ? query + 1 : "");
    call->body_size = evbuffer_get_length(evhttp_request_get_input_buffer(request));
    call->body = "";
    TAILQ_INIT(&call->reply_headers);
    uuid_make(call->request_id);
    exchange->request = request;
    exchange->now = cloud_now(api->cloud);
    exchange->next = api->exchanges;
    exchange->link = &api->exchanges;
    if (exchange->next)
        exchange->next->link = &exchange->next;
    api->exchanges = exchange;
    return exchange;
}

static void clear_parameters(struct call *call)
{
    for (int i = 0; i < CALL_PARAMETERS_MAX; i++) {
        free(call->parameters[i]);
        call->parameters[i] = NULL;
    }
}

void exchange_free(struct exchange *exchange)
{
    struct call *call = &exchange->call;
    clear_parameters(call);
    content_release(&exchange->held);
    evhttp_clear_headers(&call->reply_headers);
    json_decref(call->query);
    text_free(&call->reply);
    if (call->unmake)
        call->unmake(call->made);
    OPENSSL_cleanse(&exchange->result, sizeof exchange->result);
    *exchange->link = exchange->next;
    if (exchange->next)
        exchange->next->link = exchange->link;
    free(exchange);
}

/* ---- answering ---- */

/* A door for devices: they bring a URL that somebody with keys has signed, and no keys. */
static bool is_presigned(const struct exchange *exchange)
{
    const struct call *call = &exchange->call;
    return strcmp(exchange->result.service, "s3") == 0 && call_query(call, "X-Amz-Signature") &&
           (call->method == EVHTTP_REQ_GET || call->method == EVHTTP_REQ_HEAD ||
            call->method == EVHTTP_REQ_PUT);
}

static void answer_call(struct exchange *exchange)
{
    struct call *call = &exchange->call;
    const char *service = exchange->result.service;
    if (exchange->verdict == SIGV4_MISSING && services_refuse_unsigned(call))
        return; /* operations that nobody signs */
    if (exchange->verdict != SIGV4_OK)
        error_reply_sigv4(call, services_protocol(call, service), exchange->verdict,
                          &exchange->result);
    else if (!call->query)
        error_reply(call, services_protocol(call, service), "InvalidURI", 400,
                    "The query is not percent-encoded UTF-8.", NULL);
    else if (call->api->downloads && !is_presigned(exchange))
        error_reply(call, PROTOCOL_S3, "AccessDenied", 403,
                    "This port gives out and takes objects by presigned URLs, and nothing else.",
                    NULL);
    else
        services_answer(call, service);
}

/* The reply tells of something that is on the disk, or, with the reason, that it is not. */
static void on_settled(void *context, otter_status status)
{
    struct exchange *exchange = context;
    struct call *call = &exchange->call;
    struct answer answer = ANSWER_INIT;
    if (status != OTTER_OK && call->status < 400) {
        evhttp_clear_headers(&call->reply_headers);
        call->object = 0;
        answer_db_failed(call->cloud, &answer);
        error_reply_core(call, services_protocol(call, exchange->result.service), CORE_INTERNAL,
                         &answer);
        answer_free(&answer);
    }
    exchange_send(exchange);
}

void exchange_answer(struct exchange *exchange)
{
    struct call *call = &exchange->call;
    call->waits = false;
    clear_parameters(call);
    answer_call(exchange);
    if (call->waits)
        return;
    if (call->staged) /* kept by now, or not wanted */
        content_drop(call->cloud, call->staged);
    loop_answer_after_commit(call->api->loop, on_settled, exchange);
}

void exchange_answer_anew(struct exchange *exchange)
{
    struct call *call = &exchange->call;
    exchange->tries++;
    evhttp_clear_headers(&call->reply_headers);
    text_free(&call->reply);
    call->content_type = NULL;
    call->status = HTTP_OK;
    call->object = 0;
    exchange_answer(exchange);
}
