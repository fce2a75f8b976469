/* The server: takes requests from evhttp, lets in what is signed, hands over to the services. */
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/http_struct.h>
#include <netinet/in.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "cloud/api/api.h"
#include "cloud/api/chunked.h"
#include "cloud/api/services.h"
#include "cloud/core/door.h"
#include "cloud/core/names.h"
#include "cloud/core/ota_updates.h"

#define BODY_MAX    ((ev_ssize_t)(64 << 20) + 65536) /* a part or object, and its framing */
#define HEADERS_MAX 65536
#define IDLE_S      60

struct api {
    struct cloud *cloud;
    struct evhttp *http;
    struct evhttp_bound_socket *socket;
    struct door *door;
    char *key_id, *secret, *iot_endpoint;
};

/* ---- call ---- */

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

static void call_begin(struct call *call, struct api *api, struct evhttp_request *request)
{
    struct evbuffer *input = evhttp_request_get_input_buffer(request);
    *call = (struct call){.cloud = api->cloud,
                          .iot_endpoint = api->iot_endpoint,
                          .method = evhttp_request_get_command(request),
                          .target = evhttp_request_get_uri(request),
                          .headers = evhttp_request_get_input_headers(request),
                          .status = HTTP_OK};
    const char *query = strchr(call->target, '?');
    call->query = router_parse_query(query ? query + 1 : "");
    call->body_size = evbuffer_get_length(input);
    call->body = call->body_size ? (const char *)evbuffer_pullup(input, -1) : "";
    TAILQ_INIT(&call->reply_headers);
    uuid_make(call->request_id);
}

static void call_end(struct call *call)
{
    for (int i = 0; i < CALL_PARAMETERS_MAX; i++)
        free(call->parameters[i]);
    evhttp_clear_headers(&call->reply_headers);
    json_decref(call->query);
    text_free(&call->reply);
    if (call->content)
        evbuffer_free(call->content);
}

/* ---- reply ---- */

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
                   {412, "Precondition Failed"}};
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

static void send_reply(struct call *call, struct evhttp_request *request)
{
    struct evbuffer *body = evbuffer_new();
    struct evhttp_connection *connection = evhttp_request_get_connection(request);
    struct bufferevent *output = evhttp_connection_get_bufferevent(connection);
    copy_headers(call, request);
    if (call->method == EVHTTP_REQ_HEAD) {
        /* headers only: an error has no body, an object's length is set by its handler */
    } else if (call->content) {
        evbuffer_add_buffer(body, call->content);
    } else {
        evbuffer_add(body, text_get(&call->reply), call->reply.length);
    }
    evhttp_send_reply(request, call->status, reason_of(call->status), body);
    cloud_hold_output(call->cloud, output);
    evbuffer_free(body);
}

/* ---- request ---- */

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

static enum sigv4_verdict authenticate(const struct api *api, struct call *call,
                                       struct evhttp_request *request, struct sigv4_result *result)
{
    struct sigv4_keys keys = {api->key_id, api->secret, api->cloud->region};
    struct sigv4_request view = {.method = call_method(call),
                                 .target = call->target,
                                 .headers = call->headers,
                                 .body = call->body,
                                 .body_size = call->body_size};
    enum sigv4_verdict verdict = sigv4_check(&view, &keys, cloud_now(api->cloud), result);
    return verdict == SIGV4_OK ? unwrap_body(call, request, result) : verdict;
}

static void on_request(struct evhttp_request *request, void *context)
{
    struct api *api = context;
    struct call call;
    struct sigv4_result result;
    call_begin(&call, api, request);
    enum sigv4_verdict verdict = authenticate(api, &call, request, &result);
    if (verdict != SIGV4_OK)
        error_reply_sigv4(&call, services_protocol(&call, result.service), verdict, &result);
    else if (!call.query)
        error_reply(&call, services_protocol(&call, result.service), "InvalidURI", 400,
                    "The query is not percent-encoded UTF-8.", NULL);
    else
        services_answer(&call, result.service);
    OPENSSL_cleanse(&result, sizeof result);
    send_reply(&call, request);
    call_end(&call);
}

/* ---- start and stop ---- */

static bool listen_on(struct api *api, const struct api_config *config)
{
    const char *address = config->address ? config->address : "127.0.0.1";
    evhttp_set_allowed_methods(api->http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_POST |
                                              EVHTTP_REQ_PUT | EVHTTP_REQ_PATCH |
                                              EVHTTP_REQ_DELETE);
    evhttp_set_max_body_size(api->http, BODY_MAX);
    evhttp_set_max_headers_size(api->http, HEADERS_MAX);
    evhttp_set_timeout(api->http, IDLE_S);
    evhttp_set_gencb(api->http, on_request, api);
    api->socket = evhttp_bind_socket_with_handle(api->http, address, config->port);
    if (api->socket)
        api->door =
            door_new(api->cloud->base, evhttp_bound_socket_get_listener(api->socket), "api");
    return api->door != NULL;
}

static char *copy(const char *text, const char *fallback)
{
    char *result = strdup(text ? text : fallback);
    if (!result)
        abort();
    return result;
}

struct api *api_start(struct cloud *cloud, const struct api_config *config, char *reason,
                      size_t size)
{
    if (!config->access_key_id || !*config->access_key_id || !config->secret_access_key ||
        !*config->secret_access_key) {
        snprintf(reason, size, "the HTTP API needs an access key id and a secret access key");
        return NULL;
    }
    struct api *api = calloc(1, sizeof *api);
    if (!api)
        abort();
    api->cloud = cloud;
    api->key_id = copy(config->access_key_id, "");
    api->secret = copy(config->secret_access_key, "");
    api->iot_endpoint = copy(config->iot_endpoint, "localhost");
    api->http = evhttp_new(cloud->base);
    if (api->http && listen_on(api, config)) {
        ota_resume(cloud); /* updates that were asked for before the last stop */
        return api;
    }
    snprintf(reason, size, "cannot listen for HTTP on %s port %u: %s",
             config->address ? config->address : "127.0.0.1", config->port,
             evutil_socket_error_to_string(EVUTIL_SOCKET_ERROR()));
    api_stop(api);
    return NULL;
}

uint16_t api_port(const struct api *api)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    if (getsockname(evhttp_bound_socket_get_fd(api->socket), (struct sockaddr *)&address, &size))
        return 0;
    return ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port
                                               : ((struct sockaddr_in *)&address)->sin_port);
}

void api_stop(struct api *api)
{
    if (!api)
        return;
    door_free(api->door);
    if (api->http)
        evhttp_free(api->http);
    OPENSSL_cleanse(api->secret, strlen(api->secret));
    free(api->key_id);
    free(api->secret);
    free(api->iot_endpoint);
    free(api);
}
