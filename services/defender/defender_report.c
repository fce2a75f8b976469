/* A report's bytes: the same members in JSON or CBOR, under their long or their short names. */
#include <string.h>

#include "codec/document.h"
#include "services/defender/defender.h"

#define CONNECTIONS_MAX 4u
#define PORTS_MAX       8u

struct report {
    bool brief;
    struct document_writer w;
};

/* "header\0hed": both names of a member, as one text. NULL: an entry of a list, or the root. */
static const char *name_of(const struct report *r, const char *names)
{
    return names != NULL && r->brief ? names + strlen(names) + 1 : names;
}

static void open_map(struct report *r, const char *names)
{
    document_open_map(&r->w, name_of(r, names));
}

static void open_list(struct report *r, const char *names)
{
    document_open_list(&r->w, name_of(r, names));
}

static void put_number(struct report *r, const char *names, uint32_t value)
{
    document_put_number(&r->w, name_of(r, names), value);
}

static void put_text(struct report *r, const char *names, const char *value)
{
    document_put_text(&r->w, name_of(r, names), value);
}

static void close_map(struct report *r)
{
    document_close_map(&r->w);
}

static void close_list(struct report *r)
{
    document_close_list(&r->w);
}

/* ---- the members ---- */

static void put_traffic(struct report *r, const struct traffic *counts)
{
    open_map(r, "network_stats\0ns");
    put_number(r, "bytes_in\0bi", counts->bytes_in);
    put_number(r, "bytes_out\0bo", counts->bytes_out);
    put_number(r, "packets_in\0pi", counts->packets_in);
    put_number(r, "packets_out\0po", counts->packets_out);
    close_map(r);
}

static void put_ports(struct report *r, const char *names, const struct defender_config *config,
                      bool udp)
{
    uint16_t port;
    uint32_t total = 0;
    open_map(r, names);
    open_list(r, "ports\0pts");
    while (total < PORTS_MAX && (port = config->hooks->listening(config->ctx, udp, total)) != 0) {
        open_map(r, NULL);
        put_number(r, "port\0pt", port);
        close_map(r);
        total++;
    }
    close_list(r);
    put_number(r, "total\0t", total);
    close_map(r);
}

static void put_connections(struct report *r, const struct defender_config *config)
{
    struct traffic_peer peer;
    uint32_t total = 0;
    open_map(r, "tcp_connections\0tc");
    open_map(r, "established_connections\0ec");
    open_list(r, "connections\0cs");
    for (; total < CONNECTIONS_MAX && config->hooks->connection(config->ctx, total, &peer);
         total++) {
        if (peer.remote[0] == '\0')
            continue;
        open_map(r, NULL);
        put_text(r, "remote_addr\0rad", peer.remote);
        if (peer.local_port != 0)
            put_number(r, "local_port\0lp", peer.local_port);
        close_map(r);
    }
    close_list(r);
    put_number(r, "total\0t", total);
    close_map(r);
    close_map(r);
}

/* [{"number": value}] */
static void put_custom(struct report *r, const struct defender_metric *metric, void *ctx)
{
    document_open_list(&r->w, metric->name);
    open_map(r, NULL);
    put_number(r, "number\0number", metric->read(ctx));
    close_map(r);
    close_list(r);
}

int defender_report_write(const struct defender_config *config, struct defender_form form,
                          uint32_t id, const struct traffic *counts, uint8_t *out, size_t size)
{
    struct report r = {.brief = form.brief};
    const struct defender_hooks *hooks = config->hooks;
    document_write(&r.w, !form.json, out, size);
    open_map(&r, NULL);
    open_map(&r, "header\0hed");
    put_number(&r, "report_id\0rid", id);
    put_text(&r, "version\0v", "1.0");
    close_map(&r);
    open_map(&r, "metrics\0met");
    put_traffic(&r, counts);
    put_ports(&r, "listening_tcp_ports\0tp", config, false);
    put_ports(&r, "listening_udp_ports\0up", config, true);
    put_connections(&r, config);
    close_map(&r);
    if (hooks->metric_count > 0)
        open_map(&r, "custom_metrics\0cmet");
    for (size_t i = 0; i < hooks->metric_count; i++)
        put_custom(&r, &hooks->metrics[i], config->ctx);
    if (hooks->metric_count > 0)
        close_map(&r);
    close_map(&r);
    return document_written(&r.w);
}
