/* Upgrades, frames and requests; see web.h. */
#define _GNU_SOURCE /* memmem, strcasestr */
#include "cloud/gateway/web.h"

#include <event2/buffer.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cloud/core/account/users.h"
#include "cloud/core/messages/messages.h"
#include "cloud/gateway/client.h"
#include "cloud/gateway/events.h"
#include "cloud/gateway/principals.h"
#include "cloud/gateway/request.h"
#include "cloud/gateway/websocket.h"
#include "cloud/sigv4/sigv4.h"
#include "cloud/sigv4/text.h"

#define LIFE_MS      ((int64_t)24 * 3600 * 1000) /* of a WebSocket, as AWS has it */
#define SERVICE      "iotdevicegateway"
#define CONNECT_LOOK 12 /* bytes of a CONNECT up to its version, at least */

struct web {
    enum web_kind kind;
    bool open, closed; /* the upgrade is done; a close frame was written */
    struct websocket socket;
    struct evbuffer *plain; /* bytes of MQTT */
};

struct web *web_new(enum web_kind kind)
{
    struct web *web = calloc(1, sizeof *web);
    if (!web)
        return NULL;
    web->kind = kind;
    web->plain = evbuffer_new();
    if (web->plain)
        return web;
    free(web);
    return NULL;
}

void web_free(struct web *web)
{
    if (!web)
        return;
    evbuffer_free(web->plain);
    free(web);
}

bool web_has_certificate(const struct web *web)
{
    return web->kind == WEB_PUBLISH;
}

/* ---- replies ---- */

static void write_reply(struct client *client, const char *status, const char *headers,
                        const char *body)
{
    struct evbuffer *output = side_output(client->device);
    evbuffer_add_printf(output,
                        "HTTP/1.1 %s\r\nContent-Type: application/json\r\n%sContent-Length: "
                        "%zu\r\n\r\n%s",
                        status, headers, strlen(body), body);
}

/* Says so to both sides, and is done. */
static void refuse(struct client *client, const char *status, const char *name, const char *why)
{
    char headers[128];
    json_t *body = json_pack("{s:s}", "message", why);
    char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    snprintf(headers, sizeof headers, "x-amzn-ErrorType: %s\r\nConnection: close\r\n", name);
    write_reply(client, status, headers, text ? text : "{}");
    client_leave(client, why);
    free(text);
    json_decref(body);
}

/* ---- the signature of an upgrade ---- */

/* The target without its session token, which clients add after they have signed. */
static char *without_token(const char *target)
{
    static const char name[] = "X-Amz-Security-Token=";
    const char *at = strstr(target, name);
    if (!at || (at[-1] != '&' && at[-1] != '?'))
        return NULL;
    size_t before = (size_t)(at - target), length = strcspn(at, "&");
    struct text text = {0};
    text_add_bytes(&text, target, at[length] ? before : before - 1);
    text_add(&text, at[length] ? at + length + 1 : "");
    return text.data;
}

/* As it came and, where that is not what was signed, with the host alone, without its port. */
static enum sigv4_verdict check_hosts(struct client *client, struct request *request,
                                      const char *target, const struct sigv4_keys *keys,
                                      struct sigv4_result *result)
{
    struct sigv4_request view = {
        .method = request->method, .target = target, .headers = &request->headers, .body = ""};
    enum sigv4_verdict verdict = sigv4_check(&view, keys, cloud_now(client->cloud), result);
    const char *host = request_header(request, "Host"), *port = host ? strrchr(host, ':') : NULL;
    if (verdict != SIGV4_MISMATCH || !port)
        return verdict;
    char *whole = strdup(host), *alone = strndup(host, (size_t)(port - host));
    evhttp_remove_header(&request->headers, "Host");
    evhttp_add_header(&request->headers, "Host", alone ? alone : "");
    verdict = sigv4_check(&view, keys, cloud_now(client->cloud), result);
    evhttp_remove_header(&request->headers, "Host");
    evhttp_add_header(&request->headers, "Host", whole ? whole : "");
    free(whole);
    free(alone);
    return verdict;
}

static enum sigv4_verdict check_signature(struct client *client, struct request *request,
                                          struct access_key *key, struct sigv4_result *result)
{
    const struct sigv4_request view = {.target = request->target, .headers = &request->headers};
    char id[SIGV4_KEY_ID_SIZE];
    *key = (struct access_key){.user = ""};
    if (sigv4_key_id(&view, id))
        access_key_find(client->cloud, id, key);
    const struct sigv4_keys keys = {key->pair.key_id, key->pair.secret, client->cloud->region};
    enum sigv4_verdict verdict = check_hosts(client, request, request->target, &keys, result);
    char *bare = verdict == SIGV4_MISMATCH ? without_token(request->target) : NULL;
    if (bare)
        verdict = check_hosts(client, request, bare, &keys, result);
    free(bare);
    return verdict;
}

static const char *verdict_text(enum sigv4_verdict verdict, const struct sigv4_result *result)
{
    switch (verdict) {
    case SIGV4_OK:
        return "it is signed for another service than " SERVICE;
    case SIGV4_MISSING:
        return "its upgrade is not signed (SigV4 in the query, service " SERVICE ")";
    case SIGV4_UNKNOWN_KEY:
        return "its upgrade is signed with an access key that nobody here has, or that is not "
               "active";
    case SIGV4_SKEWED:
        return "its upgrade was signed at a time more than 5 minutes from this clock's";
    case SIGV4_EXPIRED:
        return "its signature has expired";
    case SIGV4_INCOMPLETE:
    case SIGV4_REGION:
        return result->message[0] ? result->message : "its signature is incomplete";
    default:
        return "its signature is not that of this request";
    }
}

/* ---- custom authorizers ---- */

#define NO_AUTHORIZERS                                                                             \
    "custom authorizers are not offered here: sign with an access key (SigV4), or bring a "        \
    "certificate"

/* With ALPN mqtt AWS has MQTT here whose CONNECT an authorizer (Lambda) judges. A request's first
 * byte is a letter, that of a CONNECT is none. */
static bool is_connect(const char *bytes, size_t size)
{
    return size > 0 && bytes[0] == (char)(MQTT_PACKET_CONNECT << 4);
}

static void refuse_connect(struct client *client, const char *bytes, size_t size)
{
    static const uint8_t refusal[] = {MQTT_PACKET_CONNACK << 4, 2, 0, 5};
    static const uint8_t refusal_5[] = {MQTT_PACKET_CONNACK << 4, 3, 0, 0x87, 0};
    const char *name = memmem(bytes, size, "MQTT", 4);
    if (name && name + 4 < bytes + size && name[4] == 5)
        side_write(client->device, refusal_5, sizeof refusal_5);
    else
        side_write(client->device, refusal, sizeof refusal);
    client_leave(client, "it spoke MQTT without a certificate: " NO_AUTHORIZERS);
}

static bool names_authorizer(const struct request *request)
{
    static const char name[] = "x-amz-customauthorizer-name";
    return request_header(request, name) || strcasestr(request->target, name);
}

/* ---- the upgrade ---- */

static bool is_path(const char *target, const char *path)
{
    size_t size = strcspn(target, "?");
    return size == strlen(path) && strncmp(target, path, size) == 0;
}

/* AWS's older SDKs (aws-iot-device-sdk for JavaScript) offer mqttv3.1 and speak 3.1.1. NULL:
 * neither is among those that the client offers. */
static const char *choose_protocol(const struct request *request)
{
    static const char *const known[] = {"mqtt", "mqttv3.1"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (request_names(request, "Sec-WebSocket-Protocol", known[i]))
            return known[i];
    }
    return request_header(request, "Sec-WebSocket-Protocol") ? NULL : known[0];
}

static void accept_upgrade(struct client *client, const struct request *request,
                           const struct access_key *key)
{
    char accept[WEBSOCKET_ACCEPT_SIZE];
    const char *nonce = request_header(request, "Sec-WebSocket-Key");
    if (!nonce || !websocket_accept(nonce, accept)) {
        refuse(client, "400 Bad Request", "InvalidRequestException",
               "its Sec-WebSocket-Key is not 16 bytes in Base64");
        return;
    }
    user_principal(client->cloud, key->user, &client->principal);
    if (!principals_add(client->gateway->principals, client)) {
        client_end(client, "out of memory");
        return;
    }
    evbuffer_add_printf(side_output(client->device),
                        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                        "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n"
                        "Sec-WebSocket-Protocol: %s\r\n\r\n",
                        accept, choose_protocol(request));
    client->web->open = true;
}

static void upgrade(struct client *client, struct request *request)
{
    struct access_key key;
    struct sigv4_result result;
    const char *version = request_header(request, "Sec-WebSocket-Version");
    if (!is_path(request->target, "/mqtt")) {
        refuse(client, "404 Not Found", "ResourceNotFoundException",
               "this port has MQTT over WebSockets at /mqtt, and nothing else");
        return;
    }
    enum sigv4_verdict verdict = check_signature(client, request, &key, &result);
    if (verdict == SIGV4_MISSING && names_authorizer(request))
        refuse(client, "403 Forbidden", "ForbiddenException", NO_AUTHORIZERS);
    else if (verdict != SIGV4_OK || strcmp(result.service, SERVICE) != 0)
        refuse(client, "403 Forbidden", "ForbiddenException", verdict_text(verdict, &result));
    else if (strcmp(request->method, "GET") != 0 ||
             !request_names(request, "Upgrade", "websocket") ||
             !request_names(request, "Connection", "upgrade") || !version ||
             strcmp(version, "13") != 0)
        refuse(client, "426 Upgrade Required", "InvalidRequestException",
               "it asks for no upgrade to a WebSocket of version 13");
    else if (!choose_protocol(request))
        refuse(client, "400 Bad Request", "InvalidRequestException",
               "its Sec-WebSocket-Protocol offers neither mqtt nor mqttv3.1");
    else
        accept_upgrade(client, request, &key);
}

/* ---- POST /topics/TOPIC ---- */

static enum core_error publish(struct client *client, const struct message *message,
                               struct answer *answer)
{
    const struct reserved_request request = {message->topic, message->payload, message->length};
    if (*message->topic == '$' && !message->retain &&
        reserved_publish_alone(client->cloud, &request, client->principal.id))
        return CORE_OK;
    return message_publish(client->cloud, message, answer);
}

static void answer_publish(struct client *client, const char *topic, const char *query,
                           const void *body, size_t size)
{
    struct answer answer = ANSWER_INIT;
    char trace[UUID_SIZE], reply[96];
    const struct message message = {.topic = topic,
                                    .payload = body,
                                    .length = size,
                                    .qos = strstr(query, "qos=1") != NULL,
                                    .retain = strstr(query, "retain=true") != NULL};
    client->identity_number = 0; /* the rights of now */
    if (!client_may(client, "iot:Publish", "topic", topic) ||
        (message.retain && !client_may(client, "iot:RetainPublish", "topic", topic))) {
        refuse(client, "403 Forbidden", "ForbiddenException",
               "no policy of its certificate allows iot:Publish on the topic");
        return;
    }
    if (publish(client, &message, &answer) != CORE_OK) {
        refuse(client, "400 Bad Request", "InvalidRequestException", answer.message);
        answer_free(&answer);
        return;
    }
    uuid_make(trace);
    snprintf(reply, sizeof reply, "{\"message\":\"OK\",\"traceId\":\"%s\"}", trace);
    write_reply(client, "200 OK", "", reply);
}

/* Whole requests only; false: more must come, or the client has ended. */
static bool take_request(struct client *client, struct evbuffer *input, size_t head,
                         const struct request *request)
{
    static const char prefix[] = "/topics/";
    const char *length = request_header(request, "Content-Length");
    const char *query = strchr(request->target, '?');
    size_t size = length ? strtoul(length, NULL, 10) : 0;
    char *topic = NULL;
    if (strcmp(request->method, "POST") != 0 ||
        strncmp(request->target, prefix, sizeof prefix - 1) != 0) {
        refuse(client, "404 Not Found", "ResourceNotFoundException",
               "this port takes POST /topics/TOPIC, and nothing else");
    } else if (request_header(request, "Transfer-Encoding") || !length || *length < '0' ||
               *length > '9' || size > MQTT_PAYLOAD_MAX) {
        refuse(client, "413 Request Entity Too Large", "RequestEntityTooLargeException",
               "a message needs a Content-Length of at most 131072");
    } else if (evbuffer_get_length(input) < head + size) {
        return false;
    } else {
        const char *path = request->target + sizeof prefix - 1;
        topic = text_decode(path, strcspn(path, "?"), 0);
        if (!topic || !*topic)
            refuse(client, "400 Bad Request", "InvalidRequestException",
                   "its topic is not percent-encoded UTF-8");
        else
            answer_publish(client, topic, query ? query + 1 : "",
                           evbuffer_pullup(input, (ssize_t)(head + size)) + head, size);
        evbuffer_drain(input, head + size);
        free(topic);
    }
    return client->state != CLIENT_LEAVING && !client->ending;
}

/* ---- what comes ---- */

/* One request, if it is there whole. */
static bool take_http(struct client *client)
{
    struct evbuffer *input = side_input(client->device);
    size_t size = evbuffer_get_length(input);
    size_t look = size < REQUEST_HEAD_MAX ? size : REQUEST_HEAD_MAX;
    const char *bytes = (const char *)evbuffer_pullup(input, (ssize_t)look);
    size_t head = look ? request_head_size(bytes, look) : 0;
    struct request request;
    bool taken = false;
    if (is_connect(bytes, look)) {
        if (look >= CONNECT_LOOK)
            refuse_connect(client, bytes, look);
        return false;
    }
    if (head == 0 && look < REQUEST_HEAD_MAX)
        return false;
    const char *fault =
        head ? request_read(&request, bytes, head) : "the head of its request is too long";
    if (fault) {
        refuse(client, "400 Bad Request", "InvalidRequestException", fault);
        return false;
    }
    if (client->web->kind == WEB_PUBLISH) {
        taken = take_request(client, input, head, &request);
    } else {
        evbuffer_drain(input, head);
        upgrade(client, &request);
        taken = client->web->open;
    }
    request_free(&request);
    if (taken)
        client_touch(client);
    return taken;
}

static void write_control(struct client *client, enum websocket_opcode opcode, const void *bytes,
                          size_t size)
{
    uint8_t head[WEBSOCKET_HEAD_MAX];
    side_write(client->device, head, websocket_head(head, opcode, size));
    side_write(client->device, bytes, size);
}

static void write_close(struct client *client, enum websocket_code code)
{
    const uint8_t bytes[2] = {(uint8_t)(code >> 8), (uint8_t)code};
    if (client->web->open && !client->web->closed)
        write_control(client, WEBSOCKET_CLOSE, bytes, sizeof bytes);
    client->web->closed = true;
}

static void take_piece(struct client *client, const struct websocket_piece *piece)
{
    static const uint8_t disconnect[] = {MQTT_PACKET_DISCONNECT << 4, 0};
    switch (piece->found) {
    case WEBSOCKET_DATA:
        evbuffer_add(client->web->plain, piece->bytes, piece->size);
        break;
    case WEBSOCKET_PINGED:
        write_control(client, WEBSOCKET_PONG, piece->bytes, piece->size);
        break;
    case WEBSOCKET_CLOSED:
        write_close(client, WEBSOCKET_NORMAL);
        evbuffer_add(client->web->plain, disconnect, sizeof disconnect);
        break;
    case WEBSOCKET_WRONG:
        write_close(client, piece->code);
        client_blame(client, WHY_CLIENT);
        client_leave(client, piece->why);
        break;
    case WEBSOCKET_NOTHING:
        break;
    }
}

static void take_frames(struct client *client)
{
    struct evbuffer *input = side_input(client->device);
    struct websocket_piece piece;
    while (!client->web->closed && evbuffer_get_length(input) > 0) {
        size_t size = evbuffer_get_contiguous_space(input), at = 0;
        uint8_t *bytes = evbuffer_pullup(input, (ssize_t)size);
        do {
            at += websocket_take(&client->web->socket, bytes + at, size - at, &piece);
            take_piece(client, &piece);
        } while (piece.found != WEBSOCKET_NOTHING && !client->web->closed);
        evbuffer_drain(input, size);
    }
}

struct evbuffer *web_input(struct client *client)
{
    struct web *web = client->web;
    while (!web->open && take_http(client))
        ;
    if (!web->open)
        return NULL;
    if (client_age_ms(client) > LIFE_MS && evbuffer_get_length(web->plain) > 0) {
        client_blame(client, WHY_STOPPING);
        client_end(client, "its WebSocket is 24 hours old");
        return NULL;
    }
    take_frames(client);
    return client->state == CLIENT_LEAVING ? NULL : web->plain;
}

/* ---- what goes ---- */

void web_frame(struct client *client, size_t size)
{
    uint8_t head[WEBSOCKET_HEAD_MAX];
    if (client->web && client->web->open)
        side_write(client->device, head, websocket_head(head, WEBSOCKET_BINARY, size));
}

void web_close(struct client *client)
{
    if (client->web)
        write_close(client, WEBSOCKET_NORMAL);
}
