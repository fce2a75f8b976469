/* The server: takes requests from evhttp, lets in what is signed, hands over to the services. A
 * large body is checked on the worker's thread, so that no device waits for its digests. */
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/http_struct.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "cloud/api/api_internal.h"
#include "cloud/api/checksum.h"
#include "cloud/api/chunked.h"
#include "cloud/loop/delay.h"
#include "cloud/loop/door.h"
#include "cloud/store/db.h"

#define BODY_SMALL  32768u /* checked on the loop */
#define HEADERS_MAX 65536
#define IDLE_S      60
#define PATIENCE_S  20

/* ---- checking a request: touches nothing but the exchange, whatever thread it runs on ---- */

/* Takes the chunks' framing off the body; the trailer's headers join those of the request. */
static enum sigv4_verdict unwrap_body(struct call *call, struct evhttp_request *request,
                                      struct sigv4_result *result)
{
    size_t decoded = 0;
    if (result->payload == SIGV4_PAYLOAD_PLAIN)
        return SIGV4_OK;
    enum sigv4_verdict verdict =
        chunked_decode((char *)call->body, call->body_size, result,
                       evhttp_request_get_input_headers(request), &decoded);
    const char *length = call_header(call, "X-Amz-Decoded-Content-Length");
    call->body_size = decoded;
    if (verdict == SIGV4_INCOMPLETE ||
        (verdict == SIGV4_OK && length && strtoull(length, NULL, 10) != decoded)) {
        snprintf(result->message, sizeof result->message, "The aws-chunked body is malformed.");
        return SIGV4_INCOMPLETE;
    }
    return verdict;
}

static struct sigv4_request view_of(const struct call *call)
{
    return (struct sigv4_request){.method = call_method(call),
                                  .target = call->target,
                                  .headers = call->headers,
                                  .body = call->body,
                                  .body_size = call->body_size};
}

static enum sigv4_verdict authenticate(struct exchange *exchange)
{
    const struct api *api = exchange->call.api;
    struct call *call = &exchange->call;
    struct sigv4_keys keys = {exchange->key.pair.key_id, exchange->key.pair.secret,
                              api->cloud->region};
    struct sigv4_request view = view_of(call);
    enum sigv4_verdict verdict = sigv4_check(&view, &keys, exchange->now, &exchange->result);
    return verdict == SIGV4_OK ? unwrap_body(call, exchange->request, &exchange->result) : verdict;
}

static void check(void *context)
{
    struct exchange *exchange = context;
    struct call *call = &exchange->call;
    struct evbuffer *input = evhttp_request_get_input_buffer(exchange->request);
    if (call->body_size > 0)
        call->body = (const char *)evbuffer_pullup(input, -1);
    exchange->verdict = authenticate(exchange);
}

static void check_large(void *context)
{
    struct exchange *exchange = context;
    check(exchange);
    if (exchange->verdict != SIGV4_OK)
        return;
    if (exchange->result.payload == SIGV4_PAYLOAD_PLAIN)
        memcpy(exchange->call.facts.sha256, exchange->result.body_hash,
               sizeof exchange->call.facts.sha256);
    checksum_facts(&exchange->call);
}

static void on_checked(void *context)
{
    exchange_answer(context);
}

/* Who is let in by other means than a signature is the account's owner. */
static void on_passed(struct api *api, struct evhttp_request *request)
{
    const char *service = "", *target = "";
    if (!api->pass.lets_in(api->pass.context, request, &service, &target))
        return;
    struct exchange *exchange = exchange_new(api, request);
    struct call *call = &exchange->call;
    call->target = target;
    call->user = exchange->key.user;
    snprintf(exchange->result.service, sizeof exchange->result.service, "%s", service);
    exchange->verdict = SIGV4_OK;
    if (call->body_size > 0)
        call->body = (const char *)evbuffer_pullup(evhttp_request_get_input_buffer(request), -1);
    exchange_answer(exchange);
}

static void on_request(struct evhttp_request *request, void *context)
{
    struct api *api = context;
    if (api->pass.lets_in) {
        on_passed(api, request);
        return;
    }
    if (!api->downloads && watch_is_asked(request)) {
        watch_answer(api, request);
        return;
    }
    struct exchange *exchange = exchange_new(api, request);
    const struct sigv4_request view = view_of(&exchange->call);
    char key_id[SIGV4_KEY_ID_SIZE];
    if (sigv4_key_id(&view, key_id))
        access_key_find(api->cloud, key_id, &exchange->key);
    exchange->call.user = exchange->key.user;
    if (exchange->call.body_size > BODY_SMALL) {
        worker_do(api->loop->worker, check_large, on_checked, exchange);
        return;
    }
    check(exchange);
    exchange_answer(exchange);
}

/* ---- start and stop ---- */

static uint16_t port_of(struct evhttp_bound_socket *socket)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    if (getsockname(evhttp_bound_socket_get_fd(socket), (struct sockaddr *)&address, &size))
        return 0;
    return ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port
                                               : ((struct sockaddr_in *)&address)->sin_port);
}

/* On a slow network the relay has the door, and the API a port of its own behind it. */
static struct evhttp_bound_socket *bind_door(struct api *api, const struct api_config *config)
{
    const char *address = config->address ? config->address : "127.0.0.1";
    const bool slow = config->delay_ms || config->rate_kib;
    struct evhttp_bound_socket *bound = evhttp_bind_socket_with_handle(
        api->http, slow ? "127.0.0.1" : address, slow ? 0 : config->port);
    if (!bound || !slow)
        return bound;
    api->delay = delay_start(api->loop->base,
                             &(struct delay_config){.address = address,
                                                    .port = config->port,
                                                    .to_port = port_of(bound),
                                                    .each_way_us = config->delay_ms * 1000 / 2,
                                                    .bytes_per_second = config->rate_kib * 1024});
    return api->delay ? bound : NULL;
}

static bool listen_on(struct api *api, const struct api_config *config)
{
    evhttp_set_allowed_methods(api->http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_POST |
                                              EVHTTP_REQ_PUT | EVHTTP_REQ_PATCH |
                                              EVHTTP_REQ_DELETE);
    evhttp_set_max_body_size(api->http, GUESTS_BODY_MAX);
    evhttp_set_max_headers_size(api->http, HEADERS_MAX);
    evhttp_set_timeout(api->http, IDLE_S);
    evhttp_set_gencb(api->http, on_request, api);
    evhttp_set_bevcb(api->http, guests_connection, api->guests);
    api->socket = bind_door(api, config);
    if (api->socket) /* inherited: the head of a reply must not wait for its content */
        setsockopt(evhttp_bound_socket_get_fd(api->socket), IPPROTO_TCP, TCP_NODELAY, &(int){1},
                   sizeof(int));
    if (api->socket)
        api->door = door_new(api->loop->base, evhttp_bound_socket_get_listener(api->socket), "api");
    if (api->door)
        guests_watch_door(api->guests, api->door, door_for_apis(door_raise_descriptors()));
    return api->door != NULL;
}

static char *copy(const char *text, const char *fallback)
{
    char *result = strdup(text ? text : fallback);
    if (!result)
        abort();
    return result;
}

static bool knows_key(void *cloud, const char *key_id)
{
    struct access_key key;
    return access_key_find(cloud, key_id, &key);
}

struct api *api_start(struct loop *loop, const struct api_config *config, char *reason, size_t size)
{
    if (!loop->cloud->credentials) {
        snprintf(reason, size, "the HTTP API needs credentials that requests are signed with");
        return NULL;
    }
    struct api *api = calloc(1, sizeof *api);
    if (!api)
        abort();
    api->loop = loop;
    api->cloud = loop->cloud;
    api->downloads = config->downloads;
    api->pass = config->pass;
    api->watched = config->watched;
    api->iot_endpoint = copy(config->iot_endpoint, "localhost");
    api->http = evhttp_new(loop->base);
    api->guests = guests_new(
        loop->base, &(struct guests_config){.knows = knows_key,
                                            .context = loop->cloud,
                                            .admits = config->pass.knows,
                                            .admits_context = config->pass.context,
                                            .tls = config->tls,
                                            .patience_s = config->patience_s ? config->patience_s
                                                                             : PATIENCE_S});
    if (api->http && api->guests && listen_on(api, config))
        return api;
    snprintf(reason, size, "cannot listen for HTTP on %s port %u: %s",
             config->address ? config->address : "127.0.0.1", config->port,
             evutil_socket_error_to_string(EVUTIL_SOCKET_ERROR()));
    api_stop(api);
    return NULL;
}

uint16_t api_port(const struct api *api)
{
    return api->delay ? delay_port(api->delay) : port_of(api->socket);
}

/* What waits is given up; a request that has lost its connection belongs to nobody else. */
static void drop_exchanges(struct api *api)
{
    while (api->exchanges) {
        struct evhttp_request *request = api->exchanges->request;
        exchange_free(api->exchanges);
        if (!evhttp_request_get_connection(request))
            evhttp_request_free(request);
    }
}

void api_stop(struct api *api)
{
    if (!api)
        return;
    api->stopping = true;
    if (api->guests)
        guests_watch_door(api->guests, NULL, 0);
    delay_stop(api->delay);
    door_free(api->door);
    worker_settle(api->loop->worker);
    db_flush(api->cloud->db);
    drop_exchanges(api);
    if (api->http)
        evhttp_free(api->http);
    guests_free(api->guests);
    free(api->iot_endpoint);
    free(api);
}
