/* Requests with evhttp; see post.h. */
#include "cloud/loop/post.h"

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

struct one {
    LIST_ENTRY(one) all;
    struct posts *posts;
    struct evhttp_uri *uri;
    struct evhttp_connection *connection;
    struct event *later; /* what evhttp must not be asked in its own callback */
    json_t *headers;
    bool json;
    struct evbuffer *body;
    unsigned tries;
    const char *why;
    char words[64];
    void (*done)(void *of, const char *why);
    void *of;
};

struct posts {
    struct event_base *base;
    LIST_HEAD(all_of, one) all;
    unsigned count;
};

struct posts *posts_new(struct event_base *base)
{
    struct posts *posts = calloc(1, sizeof *posts);
    if (!posts)
        return NULL;
    posts->base = base;
    LIST_INIT(&posts->all);
    return posts;
}

static void end(struct one *one, const char *why)
{
    LIST_REMOVE(one, all);
    one->posts->count--;
    if (one->connection)
        evhttp_connection_free(one->connection);
    one->done(one->of, why);
    event_free(one->later);
    evhttp_uri_free(one->uri);
    evbuffer_free(one->body);
    json_decref(one->headers);
    free(one);
}

void posts_free(struct posts *posts)
{
    if (!posts)
        return;
    while (!LIST_EMPTY(&posts->all))
        end(LIST_FIRST(&posts->all), "the cloud is stopping");
    free(posts);
}

static void again(struct one *one)
{
    event_active(one->later, EV_TIMEOUT, 0);
}

static void on_reply(struct evhttp_request *request, void *context)
{
    struct one *one = context;
    int code = request ? evhttp_request_get_response_code(request) : 0;
    one->why = NULL;
    if (code == 0)
        one->why = "the server cannot be reached, or does not answer in 3 s";
    else if (code >= 300) {
        snprintf(one->words, sizeof one->words, "the server answered %d", code);
        one->why = one->words;
    }
    if (code != 429 && code < 500)
        one->tries = POSTS_TRIES;
    again(one);
}

static struct evhttp_request *request_of(struct one *one)
{
    struct evhttp_request *request = evhttp_request_new(on_reply, one);
    const json_t *header;
    char host[300];
    size_t i;
    if (!request)
        return NULL;
    struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
    snprintf(host, sizeof host, "%.255s:%d", evhttp_uri_get_host(one->uri),
             evhttp_uri_get_port(one->uri) > 0 ? evhttp_uri_get_port(one->uri) : 80);
    evhttp_add_header(headers, "Host", host);
    evhttp_add_header(headers, "Content-Type",
                      one->json ? "application/json" : "application/octet-stream");
    evhttp_add_header(headers, "Connection", "close");
    json_array_foreach(one->headers, i, header)
    {
        const char *key = json_string_value(json_object_get(header, "key"));
        evhttp_remove_header(headers, key);
        evhttp_add_header(headers, key, json_string_value(json_object_get(header, "value")));
    }
    evbuffer_add(evhttp_request_get_output_buffer(request), evbuffer_pullup(one->body, -1),
                 evbuffer_get_length(one->body));
    return request;
}

static bool start(struct one *one)
{
    const char *host = evhttp_uri_get_host(one->uri), *path = evhttp_uri_get_path(one->uri);
    const char *query = evhttp_uri_get_query(one->uri);
    int port = evhttp_uri_get_port(one->uri);
    char target[2048], address[64];
    if (one->connection)
        evhttp_connection_free(one->connection);
    /* no resolver: loopback has a name and two addresses */
    snprintf(address, sizeof address, "%s",
             strcmp(host, "localhost") == 0 ? "127.0.0.1"
             : strcmp(host, "[::1]") == 0   ? "::1"
                                            : host);
    one->connection = evhttp_connection_base_new(one->posts->base, NULL, address,
                                                 (uint16_t)(port > 0 ? port : 80));
    struct evhttp_request *request = one->connection ? request_of(one) : NULL;
    if (!request)
        return false;
    evhttp_connection_set_timeout(one->connection, POSTS_TIMEOUT_S);
    snprintf(target, sizeof target, "%s%s%s", path && *path ? path : "/", query ? "?" : "",
             query ? query : "");
    return evhttp_make_request(one->connection, request, EVHTTP_REQ_POST, target) == 0;
}

static void on_later(evutil_socket_t fd, short what, void *context)
{
    struct one *one = context;
    (void)fd, (void)what;
    if (one->tries++ >= POSTS_TRIES)
        end(one, one->why);
    else if (!start(one))
        end(one, "it could not be sent");
}

void posts_send(struct posts *posts, const struct cloud_post *post)
{
    struct evhttp_uri *uri = evhttp_uri_parse(post->url);
    struct one *one = uri && evhttp_uri_get_host(uri) && posts && posts->count < POSTS_MAX
                          ? calloc(1, sizeof *one)
                          : NULL;
    if (!one) {
        post->done(post->of,
                   !uri ? "its URL cannot be read" : "too many requests are under way already");
        if (uri)
            evhttp_uri_free(uri);
        return;
    }
    *one = (struct one){.posts = posts,
                        .uri = uri,
                        .headers = json_deep_copy(post->headers),
                        .json = post->json,
                        .body = evbuffer_new(),
                        .done = post->done,
                        .of = post->of};
    one->later = evtimer_new(posts->base, on_later, one);
    if (!one->body || !one->later || evbuffer_add(one->body, post->body, post->length) != 0)
        abort(); /* nothing sensible can follow on the host */
    LIST_INSERT_HEAD(&posts->all, one, all);
    posts->count++;
    again(one);
}
