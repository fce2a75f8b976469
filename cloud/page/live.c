/* Streams of events; see live.h. */
#include "cloud/page/live.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/broker/broker.h"
#include "cloud/core/ground/names.h"
#include "cloud/store/db.h"
#include "codec/mqtt_packet.h"

#define TICK_MS 250
#define BEAT_S  15 /* an empty line, for whoever takes silence for an end */

struct listener {
    struct listener *next, **link;
    struct live *live;
    struct evhttp_request *request;
    char id[UUID_SIZE];
    struct subscription {
        struct broker_subscription *at_broker;
        char *filter;
    } subscriptions[LIVE_FILTERS_MAX];
    size_t count;
    unsigned lost;
    int64_t beat; /* seconds */
};

struct live {
    struct loop *loop;
    struct broker *broker;
    struct event *tick;
    struct listener *first;
    unsigned count;
    int64_t changes;
};

/* ---- sending ---- */

static size_t backlog(const struct listener *listener)
{
    struct evhttp_connection *connection = evhttp_request_get_connection(listener->request);
    return evbuffer_get_length(
        bufferevent_get_output(evhttp_connection_get_bufferevent(connection)));
}

static void send_text(struct listener *listener, const char *event, const char *data)
{
    struct evbuffer *chunk = evbuffer_new();
    if (chunk && evbuffer_add_printf(chunk, "event: %s\ndata: %s\n\n", event, data) > 0)
        evhttp_send_reply_chunk(listener->request, chunk);
    if (chunk)
        evbuffer_free(chunk);
    listener->beat = cloud_now(listener->live->loop->cloud);
}

/* Steals `data`. False: the browser is too slow. */
static bool send_event(struct listener *listener, const char *event, json_t *data)
{
    const bool fits = backlog(listener) <= LIVE_BACKLOG;
    char *text = fits && data ? json_dumps(data, JSON_COMPACT) : NULL;
    if (text)
        send_text(listener, event, text);
    free(text);
    json_decref(data);
    return fits;
}

/* As much as is shown, without the half of a character at the end: text that is cut is text. */
static size_t shown_size(const struct broker_message *message)
{
    if (message->length <= LIVE_PAYLOAD_MAX)
        return message->length;
    const uint8_t *bytes = message->payload;
    size_t size = LIVE_PAYLOAD_MAX;
    while (size > LIVE_PAYLOAD_MAX - 3 && (bytes[size] & 0xc0) == 0x80)
        size--;
    return size;
}

static json_t *payload_json(const struct broker_message *message, int64_t now_ms)
{
    const size_t size = shown_size(message);
    json_t *text = json_stringn(message->payload ? message->payload : "", size);
    char *base64 = text ? NULL : base64_new(message->payload, size);
    json_t *event = json_pack("{s:s, s:I, s:I}", "topic", message->topic, "size",
                              (json_int_t)message->length, "atMs", (json_int_t)now_ms);
    if (text)
        json_object_set_new(event, "payload", text);
    else
        json_object_set_new(event, "base64", json_string(base64));
    if (size < message->length)
        json_object_set_new(event, "cut", json_true());
    free(base64);
    return event;
}

static void on_message(void *context, const struct broker_message *message)
{
    struct listener *listener = context;
    if (backlog(listener) > LIVE_BACKLOG) {
        listener->lost++;
        return;
    }
    json_t *event = payload_json(message, cloud_now_ms(listener->live->loop->cloud));
    if (event)
        send_event(listener, "message", event);
}

/* ---- time ---- */

static void look_after(struct listener *listener, bool changed)
{
    const int64_t now = cloud_now(listener->live->loop->cloud);
    if (changed)
        send_event(listener, "changed", json_object());
    if (listener->lost > 0 && backlog(listener) <= LIVE_BACKLOG / 2) {
        send_event(listener, "lost", json_pack("{s:i}", "messages", (int)listener->lost));
        listener->lost = 0;
    }
    if (now - listener->beat >= BEAT_S)
        send_text(listener, "beat", "{}");
}

static void on_tick(evutil_socket_t fd, short what, void *context)
{
    struct live *live = context;
    const int64_t changes = db_total_changes(live->loop->cloud->db);
    const bool changed = changes != live->changes;
    (void)fd, (void)what;
    live->changes = changes;
    for (struct listener *listener = live->first, *next; listener; listener = next) {
        next = listener->next;
        look_after(listener, changed);
    }
}

/* ---- filters ---- */

static void unsubscribe(struct listener *listener, size_t i)
{
    broker_unsubscribe(listener->subscriptions[i].at_broker);
    free(listener->subscriptions[i].filter);
    listener->subscriptions[i] = listener->subscriptions[--listener->count];
}

static bool lists(const json_t *filters, const char *filter)
{
    size_t i;
    json_t *entry;
    json_array_foreach(filters, i, entry)
    {
        if (strcmp(json_string_value(entry), filter) == 0)
            return true;
    }
    return false;
}

static bool has(const struct listener *listener, const char *filter)
{
    for (size_t i = 0; i < listener->count; i++) {
        if (strcmp(listener->subscriptions[i].filter, filter) == 0)
            return true;
    }
    return false;
}

static bool subscribe(struct listener *listener, const char *filter)
{
    struct subscription *own = &listener->subscriptions[listener->count];
    *own = (struct subscription){.filter = strdup(filter)};
    if (own->filter)
        own->at_broker = broker_subscribe(listener->live->broker, filter, on_message, listener);
    if (own->at_broker) {
        listener->count++;
        return true;
    }
    free(own->filter);
    return false;
}

static const char *fault_of(const json_t *filters)
{
    size_t i;
    json_t *entry;
    if (!json_is_array(filters) || json_array_size(filters) > LIVE_FILTERS_MAX)
        return "filters must be an array of at most 20 topic filters";
    json_array_foreach(filters, i, entry)
    {
        const char *text = json_string_value(entry);
        const size_t length = json_string_length(entry);
        if (!text || length > 256 || !mqtt_filter_valid((struct mqtt_text){text, (uint16_t)length}))
            return "a topic filter has 1 to 256 bytes; + stands alone between slashes, # alone at "
                   "the end";
    }
    return NULL;
}

static struct listener *find(const struct live *live, const char *id)
{
    struct listener *listener = live->first;
    while (listener && strcmp(listener->id, id) != 0)
        listener = listener->next;
    return listener;
}

const char *live_set_filters(struct live *live, const char *id, const json_t *filters)
{
    struct listener *listener = id ? find(live, id) : NULL;
    const char *fault = fault_of(filters);
    if (fault || !listener)
        return fault ? fault : "there is no such listener: load the page again";
    for (size_t i = listener->count; i > 0; i--) {
        if (!lists(filters, listener->subscriptions[i - 1].filter))
            unsubscribe(listener, i - 1);
    }
    size_t i;
    json_t *entry;
    json_array_foreach(filters, i, entry)
    {
        if (!has(listener, json_string_value(entry)) &&
            !subscribe(listener, json_string_value(entry)))
            return "out of memory";
    }
    return NULL;
}

/* ---- life ---- */

static void listener_free(struct listener *listener)
{
    while (listener->count > 0)
        unsubscribe(listener, 0);
    *listener->link = listener->next;
    if (listener->next)
        listener->next->link = listener->link;
    listener->live->count--;
    free(listener);
}

static void on_closed(struct evhttp_connection *connection, void *context)
{
    struct listener *listener = context;
    struct evhttp_request *request = listener->request;
    (void)connection;
    listener_free(listener);
    evhttp_send_reply_end(request); /* which frees it */
}

bool live_listen(struct live *live, struct evhttp_request *request)
{
    struct evhttp_connection *connection = evhttp_request_get_connection(request);
    struct listener *listener = live->count < LIVE_MAX ? calloc(1, sizeof *listener) : NULL;
    if (!listener)
        return false;
    *listener = (struct listener){.live = live, .request = request, .link = &live->first};
    uuid_make(listener->id);
    listener->next = live->first;
    if (live->first)
        live->first->link = &listener->next;
    live->first = listener;
    live->count++;
    bufferevent_set_timeouts(evhttp_connection_get_bufferevent(connection), NULL, NULL);
    evhttp_connection_set_closecb(connection, on_closed, listener);
    evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Type",
                      "text/event-stream");
    evhttp_send_reply_start(request, HTTP_OK, "OK");
    send_event(listener, "hello", json_pack("{s:s}", "listener", listener->id));
    return true;
}

struct live *live_new(struct loop *loop, struct broker *broker)
{
    const struct timeval period = {0, TICK_MS * 1000L};
    struct live *live = calloc(1, sizeof *live);
    if (!live)
        return NULL;
    live->loop = loop;
    live->broker = broker;
    live->changes = db_total_changes(loop->cloud->db);
    live->tick = event_new(loop->base, -1, EV_PERSIST, on_tick, live);
    if (live->tick && event_add(live->tick, &period) == 0)
        return live;
    live_free(live);
    return NULL;
}

void live_free(struct live *live)
{
    if (!live)
        return;
    while (live->first) { /* whose connection ends with the server */
        evhttp_connection_set_closecb(evhttp_request_get_connection(live->first->request), NULL,
                                      NULL);
        listener_free(live->first);
    }
    if (live->tick)
        event_free(live->tick);
    free(live);
}
