/* The shared ground: database, clock, turns, and notices after the commit. */
#include "cloud/core/ground/cloud.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cloud/store/db.h"

/* ---- time ----------------------------------------------------------------------------------- */

static int64_t system_ms(void *context)
{
    struct timespec now;
    (void)context;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t cloud_now_ms(const struct cloud *cloud)
{
    return cloud->now_ms(cloud->now_context);
}

int64_t cloud_now(const struct cloud *cloud)
{
    return cloud_now_ms(cloud) / 1000;
}

/* ---- open and close ------------------------------------------------------------------------- */

static void log_failure(void *context, const char *text)
{
    (void)context;
    cloud_log("store", "database: %s", text);
}

otter_status cloud_open(struct cloud *cloud, const struct cloud_config *config)
{
    char reason[256];
    *cloud = (struct cloud){.now_ms = config->now_ms ? config->now_ms : system_ms,
                            .now_context = config->now_context,
                            .credentials = config->credentials,
                            .strict = config->strict,
                            .keep_values_days = config->keep_values_days,
                            .keep_events_days = config->keep_events_days};
    snprintf(cloud->dir, sizeof cloud->dir, "%s", config->dir);
    snprintf(cloud->region, sizeof cloud->region, "%s",
             config->region ? config->region : CLOUD_REGION);
    snprintf(cloud->account, sizeof cloud->account, "%s",
             config->account ? config->account : CLOUD_ACCOUNT);
    cloud->db = db_open(config->dir, reason, sizeof reason);
    if (cloud->db) {
        db_on_failure(cloud->db, log_failure, NULL);
        return OTTER_OK;
    }
    fprintf(stderr, "otter cloud: cannot open the database in %s: %s\n", config->dir, reason);
    return OTTER_E_IO;
}

/* ---- turns ---------------------------------------------------------------------------------- */

struct cloud_later {
    struct cloud_later *next;
    uint64_t turn; /* the first that it may be done in */
    void (*what)(void *of);
    void *of;
};

void cloud_run(struct cloud *cloud, void (*work)(void *of), void (*done)(void *of), void *of)
{
    if (cloud->host.run) {
        cloud->host.run(cloud->host.context, work, done, of);
        return;
    }
    work(of);
    done(of);
}

void cloud_do_later(struct cloud *cloud, void (*what)(void *of), void *of)
{
    struct cloud_later **last = &cloud->later;
    struct cloud_later *item = malloc(sizeof *item);
    if (!item)
        abort(); /* nothing sensible can follow on the host */
    *item = (struct cloud_later){NULL, cloud->turn + 1, what, of};
    while (*last)
        last = &(*last)->next;
    *last = item;
    if (cloud->host.turn_soon)
        cloud->host.turn_soon(cloud->host.context);
}

void cloud_forget_later(struct cloud *cloud, void (*what)(void *of), void *of)
{
    struct cloud_later **link = &cloud->later;
    while (*link) {
        struct cloud_later *item = *link;
        if (item->what == what && item->of == of) {
            *link = item->next;
            free(item);
        } else {
            link = &item->next;
        }
    }
}

bool cloud_waits(const struct cloud *cloud)
{
    return cloud->later != NULL;
}

bool cloud_turn(struct cloud *cloud)
{
    uint64_t turn = ++cloud->turn;
    while (cloud->later && cloud->later->turn <= turn) {
        struct cloud_later item = *cloud->later;
        free(cloud->later);
        cloud->later = item.next;
        item.what(item.of);
    }
    return cloud_waits(cloud);
}

void cloud_close(struct cloud *cloud)
{
    while (cloud->later) {
        struct cloud_later *item = cloud->later;
        cloud->later = item->next;
        free(item);
    }
    if (cloud->db)
        db_close(cloud->db);
    cloud->db = NULL;
}

/* ---- notices -------------------------------------------------------------------------------- */

struct waiting_notice {
    struct cloud *cloud;
    enum notice_kind kind;
    json_t *body;
    const char *name; /* behind the thing; NULL: none */
    unsigned hops;
    char thing[];
};

static void on_settled(void *context, otter_status status)
{
    struct waiting_notice *waiting = context;
    const struct notify *notify = &waiting->cloud->notify;
    const struct notice notice = {waiting->kind, waiting->thing, waiting->name, waiting->body};
    const unsigned hops = waiting->cloud->hops;
    waiting->cloud->hops = waiting->hops;
    if (status == OTTER_OK && notify->send)
        notify->send(notify->context, &notice);
    waiting->cloud->hops = hops;
    json_decref(waiting->body);
    free(waiting);
}

void cloud_notify_named(struct cloud *cloud, enum notice_kind kind, const char *thing,
                        const char *name, json_t *body)
{
    size_t size = strlen(thing) + 1;
    struct waiting_notice *waiting = malloc(sizeof *waiting + size + (name ? strlen(name) + 1 : 0));
    if (!waiting)
        abort(); /* nothing sensible can follow on the host */
    *waiting =
        (struct waiting_notice){.cloud = cloud, .kind = kind, .body = body, .hops = cloud->hops};
    strcpy(waiting->thing, thing);
    if (name)
        waiting->name = strcpy(waiting->thing + size, name);
    json_object_set_new(body, "timestamp", json_integer(cloud_now(cloud)));
    db_after_commit(cloud->db, on_settled, waiting);
}

void cloud_notify(struct cloud *cloud, enum notice_kind kind, const char *thing, json_t *body)
{
    cloud_notify_named(cloud, kind, thing, NULL, body);
}

struct waiting_message {
    struct cloud *cloud;
    struct message message;
    char bytes[]; /* topic and payload */
};

static void on_message_settled(void *context, otter_status status)
{
    struct waiting_message *waiting = context;
    const struct outlet *outlet = &waiting->cloud->outlet;
    if (status == OTTER_OK && outlet->publish)
        outlet->publish(outlet->context, &waiting->message);
    free(waiting);
}

void cloud_publish(struct cloud *cloud, const struct message *message)
{
    size_t topic_size = strlen(message->topic) + 1;
    struct waiting_message *waiting = malloc(sizeof *waiting + topic_size + message->length);
    if (!waiting)
        abort(); /* nothing sensible can follow on the host */
    *waiting = (struct waiting_message){.cloud = cloud, .message = *message};
    if (waiting->message.hops < cloud->hops)
        waiting->message.hops = cloud->hops;
    waiting->message.topic = memcpy(waiting->bytes, message->topic, topic_size);
    if (message->length > 0)
        waiting->message.payload =
            memcpy(waiting->bytes + topic_size, message->payload, message->length);
    db_after_commit(cloud->db, on_message_settled, waiting);
}

/* ---- changes of identities ------------------------------------------------------------------ */

static void send_identity_changed(struct cloud *cloud, const char *certificate)
{
    if (cloud->watch.identity_changed)
        cloud->watch.identity_changed(cloud->watch.identity_context, certificate);
}

void cloud_identity_changed(struct cloud *cloud)
{
    send_identity_changed(cloud, NULL);
}

void cloud_certificate_changed(struct cloud *cloud, const char *certificate)
{
    const char *slash = strrchr(certificate, '/');
    send_identity_changed(cloud, slash ? slash + 1 : certificate);
}

void cloud_user_changed(struct cloud *cloud, const char *user)
{
    if (cloud->watch.user_changed)
        cloud->watch.user_changed(cloud->watch.identity_context, user);
}
