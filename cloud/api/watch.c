/* For who watches the cloud: GET /health and GET /metrics, not signed, and only from this machine.
 * S3's buckets of these names are reached as ever: those requests are signed. */
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/http.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "cloud/api/api_internal.h"
#include "cloud/core/overview/counts.h"
#include "cloud/loop/metrics.h"

static bool is_local(struct evhttp_request *request)
{
    struct sockaddr_storage peer;
    socklen_t size = sizeof peer;
    int fd = bufferevent_getfd(
        evhttp_connection_get_bufferevent(evhttp_request_get_connection(request)));
    if (getpeername(fd, (struct sockaddr *)&peer, &size) != 0)
        return false;
    if (peer.ss_family == AF_INET6)
        return IN6_IS_ADDR_LOOPBACK(&((struct sockaddr_in6 *)&peer)->sin6_addr);
    return ntohl(((struct sockaddr_in *)&peer)->sin_addr.s_addr) >> 24 == 127;
}

bool watch_is_asked(struct evhttp_request *request)
{
    const char *target = evhttp_request_get_uri(request);
    enum evhttp_cmd_type method = evhttp_request_get_command(request);
    return (method == EVHTTP_REQ_GET || method == EVHTTP_REQ_HEAD) &&
           (strcmp(target, "/health") == 0 || strcmp(target, "/metrics") == 0) &&
           !evhttp_find_header(evhttp_request_get_input_headers(request), "Authorization") &&
           is_local(request);
}

/* ---- metrics ---- */

struct gauges {
    struct evbuffer *to;
    char last[16];
};

static void add_gauge(void *context, const char *what, const char *status, int64_t number)
{
    static const struct {
        const char *what, *help;
    } helps[] = {{"things", "Things in the registry"},
                 {"jobs", "Jobs by status"},
                 {"executions", "Job executions by status"}};
    struct gauges *gauges = context;
    char name[48], labels[48] = "";
    const char *help = NULL;
    for (size_t i = 0; i < sizeof helps / sizeof *helps; i++)
        if (strcmp(what, helps[i].what) == 0 && strcmp(what, gauges->last) != 0)
            help = helps[i].help;
    snprintf(gauges->last, sizeof gauges->last, "%s", what);
    snprintf(name, sizeof name, "otter_cloud_%s", what);
    if (*status)
        snprintf(labels, sizeof labels, "{status=\"%s\"}", status);
    metrics_gauge(gauges->to, name, labels, (double)number, help);
}

static bool is_broker_up(const struct api *api)
{
    return !api->watched.is_broker_up || api->watched.is_broker_up(api->watched.context);
}

static void write_metrics(struct api *api, struct evbuffer *body)
{
    struct gauges gauges = {.to = body};
    metrics_write(body);
    metrics_gauge(body, "otter_cloud_broker_up", "", is_broker_up(api),
                  "Whether the broker relays messages");
    overview_counts(api->cloud, add_gauge, &gauges);
}

/* ---- health ---- */

static void ignore(void *context, const char *what, const char *status, int64_t number)
{
    (void)context, (void)what, (void)status, (void)number;
}

static bool write_health(struct api *api, struct evbuffer *body)
{
    bool broker = is_broker_up(api);
    bool database = overview_counts(api->cloud, ignore, NULL);
    evbuffer_add_printf(body, "{\"status\":\"%s\",\"broker\":\"%s\",\"database\":\"%s\"}\n",
                        broker && database ? "ok" : "failing", broker ? "ok" : "down",
                        database ? "ok" : "failing");
    return broker && database;
}

void watch_answer(struct api *api, struct evhttp_request *request)
{
    struct evbuffer *body = evbuffer_new();
    struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
    bool metrics = strcmp(evhttp_request_get_uri(request), "/metrics") == 0;
    bool well = true;
    evhttp_add_header(headers, "Content-Type",
                      metrics ? "text/plain; version=0.0.4" : "application/json");
    if (metrics)
        write_metrics(api, body);
    else
        well = write_health(api, body);
    evhttp_send_reply(request, well ? 200 : 503, well ? "OK" : "Service Unavailable", body);
    evbuffer_free(body);
}
