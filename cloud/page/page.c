/* Who is let in, and what a request is for: a file of the page, an AWS service, or one of the
 * page's own questions. */
#include "cloud/page/page.h"

#include <event2/buffer.h>
#include <event2/keyvalq_struct.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cloud/api/router.h"
#include "cloud/page/assets.h"
#include "cloud/loop/worker.h"
#include "cloud/page/page_internal.h"
#include "cloud/store/db.h"

#define COOKIE_HEADER_MAX 4096

/* ---- replies ---- */

/* Nothing from elsewhere is loaded, nothing of ours is shown elsewhere, nothing is kept. */
static void guard_reply(struct evhttp_request *request)
{
    static const char *const headers[][2] = {
        {"Content-Security-Policy",
         "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
         "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
        {"X-Content-Type-Options", "nosniff"},
        {"X-Frame-Options", "DENY"},
        {"Referrer-Policy", "no-referrer"},
        {"Cross-Origin-Opener-Policy", "same-origin"},
        {"Cross-Origin-Resource-Policy", "same-origin"},
        {"Cache-Control", "no-store"},
    };
    struct evkeyvalq *out = evhttp_request_get_output_headers(request);
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++)
        evhttp_add_header(out, headers[i][0], headers[i][1]);
}

static void reply(struct evhttp_request *request, int status, const char *type, const void *bytes,
                  size_t size)
{
    struct evbuffer *body = evbuffer_new();
    struct evkeyvalq *out = evhttp_request_get_output_headers(request);
    if (!evhttp_find_header(out, "Content-Type"))
        evhttp_add_header(out, "Content-Type", type);
    if (body && evhttp_request_get_command(request) != EVHTTP_REQ_HEAD)
        evbuffer_add(body, bytes, size);
    evhttp_send_reply(request, status, NULL, body);
    if (body)
        evbuffer_free(body);
}

void question_answer(struct evhttp_request *request, int status, json_t *body)
{
    char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    reply(request, status, "application/json", text ? text : "{}", text ? strlen(text) : 2);
    free(text);
    json_decref(body);
}

void question_refuse(struct evhttp_request *request, int status, const char *message)
{
    question_answer(request, status, json_pack("{s:s}", "message", message));
}

/* A page of a few words, for whoever is not logged in. */
static void reply_notice(struct evhttp_request *request, int status, const char *head,
                         const char *words)
{
    char page[1200];
    const int size =
        snprintf(page, sizeof page,
                 "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
                 "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">%s"
                 "<title>Otter</title><link rel=\"stylesheet\" href=\"/style.css\">"
                 "<link rel=\"icon\" href=\"/icon.svg\"></head>\n"
                 "<body class=\"notice\"><main><h1>Otter</h1>%s</main></body></html>\n",
                 head, words);
    reply(request, status, "text/html; charset=utf-8", page, (size_t)size);
}

/* ---- who ---- */

static const char *header_of(struct evhttp_request *request, const char *name)
{
    return evhttp_find_header(evhttp_request_get_input_headers(request), name);
}

static bool knows_cookie(struct page *page, const char *header)
{
    char secret[VISITOR_SECRET_SIZE];
    return visitor_cookie(header, page->cookie, secret) &&
           logins_know(&page->logins, secret, cloud_now(page->cloud));
}

/* For bodies that are larger than a stranger may bring. */
static bool knows(void *context, const char *head)
{
    char cookies[COOKIE_HEADER_MAX];
    return visitor_header(head, "Cookie", cookies, sizeof cookies) &&
           knows_cookie(context, cookies);
}

/* A browser says where a request began in Origin, or, where it sends none, in Sec-Fetch-Site. */
static bool began_here(struct page *page, struct evhttp_request *request)
{
    const char *origin = header_of(request, "Origin"), *site = header_of(request, "Sec-Fetch-Site");
    if (origin && !visitor_origin_ours(origin, page->port))
        return false;
    return !site || strcmp(site, "same-origin") == 0 || strcmp(site, "none") == 0;
}

/* Other sites cannot set it without asking, and nobody answers them. */
static bool has_mark(struct evhttp_request *request)
{
    return header_of(request, "X-Otter-Page") != NULL;
}

/* ---- logging in and out ---- */

static void set_cookie(struct page *page, struct evhttp_request *request, const char *secret)
{
    char cookie[256];
    snprintf(cookie, sizeof cookie, "%s=%s; Path=/; HttpOnly; SameSite=Strict%s", page->cookie,
             secret, *secret ? "" : "; Max-Age=0");
    evhttp_add_header(evhttp_request_get_output_headers(request), "Set-Cookie", cookie);
}

/* The next page is asked for by this one, so that a SameSite cookie comes along. */
static void log_in(struct page *page, struct evhttp_request *request, const char *query)
{
    char secret[VISITOR_SECRET_SIZE];
    json_t *names = router_parse_query(query);
    const char *token = json_string_value(json_object_get(names, "token"));
    if (token && logins_begin(&page->logins, token, cloud_now(page->cloud), secret)) {
        cloud_log("page", "a browser has logged in");
        set_cookie(page, request, secret);
        reply_notice(request, HTTP_OK, "<meta http-equiv=\"refresh\" content=\"0;url=/\">",
                     "<p>Welcome. <a href=\"/\">Go on to the console</a></p>");
    } else {
        log_limited(&page->refused, "page", "a link that is not, or no longer, good was refused");
        reply_notice(request, 403, "",
                     "<p role=\"alert\">This link has been used before, is older than 15 "
                     "minutes, or a newer one has taken its place.</p><p>For a new one: "
                     "<code>otter cloud page --dir DIR</code></p>");
    }
    json_decref(names);
}

static void log_out(struct page *page, struct evhttp_request *request)
{
    char secret[VISITOR_SECRET_SIZE];
    if (visitor_cookie(header_of(request, "Cookie"), page->cookie, secret))
        logins_end(&page->logins, secret);
    set_cookie(page, request, "");
    question_answer(request, HTTP_OK, NULL);
}

static void refuse_stranger(struct evhttp_request *request, bool is_page)
{
    if (is_page)
        reply_notice(request, 401, "",
                     "<p>To see the console, follow the link that <code>otter cloud</code> printed "
                     "when it started, or ask for a new one:</p>"
                     "<p><code>otter cloud page --dir DIR</code></p>");
    else
        question_refuse(request, 401, "not logged in: otter cloud page prints a link");
}

/* ---- what ---- */

static bool starts(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* "/aws/iot/things/x": the service iot, its own target /things/x. */
static bool names_service(const char *target, const char **service, const char **rest)
{
    static const char *const services[] = {"iot", "iotdata", "signer"};
    for (size_t i = 0; i < sizeof services / sizeof *services; i++) {
        const size_t length = strlen(services[i]);
        if (starts(target, "/aws/") && starts(target + 5, services[i]) &&
            target[5 + length] == '/') {
            *service = services[i];
            *rest = target + 5 + length;
            return true;
        }
    }
    return false;
}

static void send_asset(struct evhttp_request *request, const struct asset *asset)
{
    if (evhttp_request_get_command(request) == EVHTTP_REQ_GET ||
        evhttp_request_get_command(request) == EVHTTP_REQ_HEAD)
        reply(request, HTTP_OK, asset->type, asset->bytes, asset->size);
    else
        question_refuse(request, 405, "this is a file: GET it");
}

static void open_stream(struct page *page, struct evhttp_request *request)
{
    if (evhttp_request_get_command(request) != EVHTTP_REQ_GET)
        question_refuse(request, 405, "these are events: GET them");
    else if (!live_listen(page->live, request))
        question_refuse(request, 503, "too many pages are open: close some");
}

/* For those who are logged in. True: it is for a service. */
static bool answer(struct page *page, struct evhttp_request *request, const char *path,
                   const char **service, const char **target)
{
    if (strcmp(path, "/") == 0)
        send_asset(request, asset_find("/index.html"));
    else if (strcmp(path, "/page/events") == 0)
        open_stream(page, request);
    else if (!has_mark(request))
        question_refuse(request, 403, "requests must carry the header X-Otter-Page");
    else if (names_service(evhttp_request_get_uri(request), service, target))
        return true;
    else if (strcmp(path, "/page/logout") == 0)
        log_out(page, request);
    else
        questions_answer(page, request);
    return false;
}

static bool lets_in(void *context, struct evhttp_request *request, const char **service,
                    const char **target)
{
    struct page *page = context;
    const char *uri = evhttp_request_get_uri(request);
    const size_t length = strcspn(uri, "?");
    char path[64] = "";
    snprintf(path, sizeof path, "%.*s", (int)(length < 63 ? length : 63), uri);
    const struct asset *asset = asset_find(path);
    guard_reply(request);
    if (!visitor_host_ours(header_of(request, "Host"), page->port))
        question_refuse(request, 421, "this server is http://127.0.0.1 and no other name");
    else if (strcmp(path, "/login") == 0 && evhttp_request_get_command(request) == EVHTTP_REQ_GET)
        log_in(page, request, uri[length] ? uri + length + 1 : "");
    else if (asset && strcmp(path, "/index.html") != 0)
        send_asset(request, asset); /* no secrets, and the notices want them */
    else if (!began_here(page, request))
        question_refuse(request, 403, "this request began at another site");
    else if (!knows_cookie(page, header_of(request, "Cookie")))
        refuse_stranger(request, strcmp(path, "/") == 0);
    else
        return answer(page, request, path, service, target);
    return false;
}

/* ---- start and stop ---- */

static bool start(struct page *page, struct broker *broker, char *reason, size_t size)
{
    const struct api_config config = {.port = page->config.port,
                                      .iot_endpoint = page->config.mqtt_host,
                                      .pass = {knows, lets_in, page}};
    snprintf(reason, size, "out of memory");
    page->live = live_new(page->loop, broker);
    page->api = page->live ? api_start(page->loop, &config, reason, size) : NULL;
    if (!page->api)
        return false;
    page->port = api_port(page->api);
    snprintf(page->cookie, sizeof page->cookie, "otter-%u", page->port);
    return true;
}

struct page *page_start(struct loop *loop, struct broker *broker, const struct page_config *config,
                        char *reason, size_t size)
{
    struct page *page = calloc(1, sizeof *page);
    if (!page)
        abort(); /* nothing sensible can follow on the host */
    page->loop = loop;
    page->cloud = loop->cloud;
    page->config = *config;
    logins_open(&page->logins, config->dir);
    if (start(page, broker, reason, size))
        return page;
    page_stop(page);
    return NULL;
}

uint16_t page_port(const struct page *page)
{
    return page->port;
}

void page_stop(struct page *page)
{
    if (!page)
        return;
    worker_settle(page->loop->worker); /* images that are looked at */
    db_flush(page->cloud->db);
    live_free(page->live);
    api_stop(page->api);
    free(page);
}

bool page_link(const char *dir, uint16_t port, char link[PAGE_LINK_SIZE])
{
    char token[VISITOR_SECRET_SIZE];
    if (!logins_new_token(dir, time(NULL), token))
        return false;
    snprintf(link, PAGE_LINK_SIZE, "http://127.0.0.1:%u/login?token=%s", port, token);
    return true;
}
