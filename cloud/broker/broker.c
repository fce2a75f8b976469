/* The cloud's own connection to the broker: it publishes, listens, and comes back when the broker
 * was away. A message to itself, the probe, shows every second or two that the broker still
 * relays. */
#include "cloud/broker/broker_internal.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <time.h>

#include "cloud/core/ground/log.h"
#include "codec/mqtt_packet.h"

#define CLIENT_ID    "otter-core" /* devices' ids reach the broker with a prefix of their own */
#define RECONNECT_MS 50
#define START_S      30 /* much state to read, on a slow machine */
#define PROBE_TOPIC  "$otter/probe"
#define PROBE_MS     2000
#define SILENCE_S    15 /* without the probe's return: the broker hangs */
#define WAITING_MAX  1000u
#define PACKET_MAX   ((size_t)256 * 1024)

struct waiting {
    struct waiting *next;
    size_t length;
    uint8_t packet[];
};

struct broker_subscription {
    LIST_ENTRY(broker_subscription) all;
    struct broker *broker;
    broker_listener *listener; /* NULL: it has ended, and is freed when nobody walks the list */
    void *context;
    char filter[];
};

LIST_HEAD(subscription_list, broker_subscription);

struct broker {
    struct event_base *base;
    struct broker_process *process;
    struct bufferevent *link;
    struct event *reconnect, *probe;
    bool connected; /* CONNACK has come */
    bool ready;     /* a probe has come back on this connection */
    time_t heard;   /* when the last one did; monotonic */
    uint16_t packet_id;
    struct waiting *first, **last;
    size_t waiting;
    struct subscription_list subscriptions;
    unsigned walks; /* of the list, by those who call listeners */
    void (*started)(void *context, int64_t saved_ms);
    void *started_context;
};

static void connect_link(struct broker *broker);

static void drop_first(struct broker *broker)
{
    struct waiting *first = broker->first;
    broker->first = first->next;
    if (!broker->first)
        broker->last = &broker->first;
    broker->waiting--;
    free(first);
}

static void send_waiting(struct broker *broker)
{
    while (broker->first) {
        bufferevent_write(broker->link, broker->first->packet, broker->first->length);
        drop_first(broker);
    }
}

static void lose_link(struct broker *broker)
{
    struct timeval delay = {0, RECONNECT_MS * 1000L};
    if (broker->link)
        bufferevent_free(broker->link);
    broker->link = NULL;
    broker->connected = broker->ready = false;
    event_add(broker->reconnect, &delay);
}

/* ---- subscriptions -------------------------------------------------------------------------- */

static struct mqtt_text view(const char *text)
{
    return (struct mqtt_text){text, strlen(text)};
}

static void send_filter(struct broker *broker, enum mqtt_packet_type type, const char *text)
{
    const struct mqtt_filter filter = {.text = view(text), .qos = 1};
    size_t size = strlen(text) + 16;
    uint8_t *packet = broker->connected ? malloc(size) : NULL;
    int length = packet ? mqtt_encode_filters(packet, size, type, UINT16_MAX, &filter, 1) : 0;
    if (length > 0)
        bufferevent_write(broker->link, packet, (size_t)length);
    free(packet);
}

static bool is_wanted(const struct broker *broker, const char *filter)
{
    const struct broker_subscription *subscription;
    LIST_FOREACH(subscription, &broker->subscriptions, all)
    if (subscription->listener && strcmp(subscription->filter, filter) == 0)
        return true;
    return false;
}

/* At the head: who is added while a message is handed out does not see it. */
struct broker_subscription *broker_subscribe(struct broker *broker, const char *filter,
                                             broker_listener *listener, void *context)
{
    struct broker_subscription *subscription = malloc(sizeof *subscription + strlen(filter) + 1);
    if (!subscription)
        return NULL;
    subscription->broker = broker;
    subscription->listener = listener;
    subscription->context = context;
    strcpy(subscription->filter, filter);
    LIST_INSERT_HEAD(&broker->subscriptions, subscription, all);
    send_filter(broker, MQTT_PACKET_SUBSCRIBE, filter);
    return subscription;
}

static void sweep_subscriptions(struct broker *broker)
{
    struct broker_subscription *at = LIST_FIRST(&broker->subscriptions), *next;
    for (; at && broker->walks == 0; at = next) {
        next = LIST_NEXT(at, all);
        if (at->listener)
            continue;
        LIST_REMOVE(at, all);
        free(at);
    }
}

void broker_unsubscribe(struct broker_subscription *subscription)
{
    if (!subscription)
        return;
    struct broker *broker = subscription->broker;
    subscription->listener = NULL;
    if (!is_wanted(broker, subscription->filter))
        send_filter(broker, MQTT_PACKET_UNSUBSCRIBE, subscription->filter);
    sweep_subscriptions(broker);
}

static void hand_out(struct broker *broker, const struct mqtt_publish *publish)
{
    char *topic = strndup(publish->topic.data, publish->topic.length);
    const struct broker_message message = {topic, publish->payload.data, publish->payload.length};
    struct broker_subscription *subscription;
    if (!topic)
        return;
    broker->walks++;
    LIST_FOREACH(subscription, &broker->subscriptions, all)
    if (subscription->listener && mqtt_filter_matches(view(subscription->filter), publish->topic))
        subscription->listener(subscription->context, &message);
    broker->walks--;
    sweep_subscriptions(broker);
    free(topic);
}

static void on_publish(struct broker *broker, uint8_t flags, const uint8_t *body, size_t length)
{
    struct mqtt_publish publish;
    uint8_t ack[8];
    if (mqtt_decode_publish(flags, body, length, &publish) != OTTER_OK)
        return;
    hand_out(broker, &publish);
    int size = publish.qos == 1
                   ? mqtt_encode_ack(ack, sizeof ack, MQTT_PACKET_PUBACK, publish.packet_id)
                   : 0;
    if (size > 0 && broker->link)
        bufferevent_write(broker->link, ack, (size_t)size);
}

/* ---- the probe ------------------------------------------------------------------------------ */

static time_t monotonic(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

static void send_probe(struct broker *broker)
{
    uint8_t packet[64];
    const struct mqtt_publish probe = {.topic = {PROBE_TOPIC, sizeof PROBE_TOPIC - 1}};
    int length = mqtt_encode_publish(packet, sizeof packet, &probe);
    if (length > 0)
        bufferevent_write(broker->link, packet, (size_t)length);
}

static void on_probe_time(evutil_socket_t fd, short what, void *context)
{
    struct broker *broker = context;
    (void)fd, (void)what;
    if (!broker->connected)
        return;
    if (monotonic() - broker->heard > SILENCE_S) {
        broker->heard = monotonic();
        broker_process_replace(broker->process, "Mosquitto does not answer");
    }
    send_probe(broker);
}

static void tell_started(struct broker *broker)
{
    if (broker->started)
        broker->started(broker->started_context, broker_process_saved_ms(broker->process));
}

static void on_probe(void *context, const struct broker_message *message)
{
    struct broker *broker = context;
    (void)message;
    broker->heard = monotonic();
    if (broker->ready)
        return;
    broker_process_reached(broker->process);
    broker->ready = true;
    tell_started(broker);
}

void broker_on_start(struct broker *broker, void (*started)(void *context, int64_t saved_ms),
                     void *context)
{
    broker->started = started;
    broker->started_context = context;
    if (broker->ready)
        tell_started(broker);
}

/* ---- the connection ------------------------------------------------------------------------- */

static void subscribe_all(struct broker *broker)
{
    const struct broker_subscription *subscription;
    LIST_FOREACH(subscription, &broker->subscriptions, all)
    send_filter(broker, MQTT_PACKET_SUBSCRIBE, subscription->filter);
}

static void on_connack(struct broker *broker, const uint8_t *body, size_t length)
{
    struct mqtt_connack connack;
    if (mqtt_decode_connack(body, length, &connack) == OTTER_OK &&
        connack.code == MQTT_CONNACK_ACCEPTED) {
        broker->connected = true;
        subscribe_all(broker);
        send_waiting(broker);
        broker->heard = monotonic();
        send_probe(broker);
    }
}

/* CONNACK, messages, and answers that ask for nothing. */
static void on_readable(struct bufferevent *link, void *context)
{
    struct broker *broker = context;
    struct evbuffer *input = bufferevent_get_input(link);
    struct mqtt_header header;
    for (;;) {
        uint8_t *data = evbuffer_pullup(input, -1);
        size_t length = evbuffer_get_length(input);
        otter_status status = mqtt_decode_header(data, length, &header);
        if (status == OTTER_E_AGAIN ||
            (status == OTTER_OK && header.body_length > length - header.size))
            return;
        if (status != OTTER_OK) {
            lose_link(broker);
            return;
        }
        if (header.type == MQTT_PACKET_CONNACK)
            on_connack(broker, data + header.size, header.body_length);
        else if (header.type == MQTT_PACKET_PUBLISH)
            on_publish(broker, header.flags, data + header.size, header.body_length);
        evbuffer_drain(input, header.size + header.body_length);
    }
}

static void on_event(struct bufferevent *link, short what, void *context)
{
    struct broker *broker = context;
    struct mqtt_connect connect = {.clean_session = true,
                                   .client_id = {CLIENT_ID, sizeof CLIENT_ID - 1}};
    uint8_t packet[64];
    if (!(what & BEV_EVENT_CONNECTED)) {
        lose_link(broker);
        return;
    }
    int length = mqtt_encode_connect(packet, sizeof packet, &connect);
    bufferevent_write(link, packet, (size_t)length);
}

static void connect_link(struct broker *broker)
{
    struct sockaddr_un address;
    broker_process_address(broker->process, &address);
    broker->link = bufferevent_socket_new(broker->base, -1, BEV_OPT_CLOSE_ON_FREE);
    bufferevent_setcb(broker->link, on_readable, NULL, on_event, broker);
    bufferevent_enable(broker->link, EV_READ | EV_WRITE);
    /* A socket that is not there yet is told by the result alone, other failures by on_event. */
    if (bufferevent_socket_connect(broker->link, (struct sockaddr *)&address, sizeof address) !=
            0 &&
        broker->link)
        lose_link(broker);
}

static void on_reconnect(evutil_socket_t fd, short what, void *context)
{
    (void)fd, (void)what;
    connect_link(context);
}

static struct broker *give_up(struct broker *broker)
{
    fprintf(stderr,
            "otter cloud: the MQTT broker Mosquitto does not come up. What it said is in %s\n",
            broker_process_log(broker->process));
    broker_stop(broker);
    return NULL;
}

struct broker *broker_start(struct event_base *base, const char *dir, unsigned session_s)
{
    const struct timeval period = {PROBE_MS / 1000, PROBE_MS % 1000 * 1000L};
    struct broker *broker = calloc(1, sizeof *broker);
    if (!broker)
        return NULL;
    broker->base = base;
    broker->last = &broker->first;
    LIST_INIT(&broker->subscriptions);
    broker->process = broker_process_start(base, dir, session_s);
    if (!broker->process) {
        free(broker);
        return NULL;
    }
    time_t end = monotonic() + START_S;
    broker->reconnect = evtimer_new(base, on_reconnect, broker);
    broker->probe = event_new(base, -1, EV_PERSIST, on_probe_time, broker);
    event_add(broker->probe, &period);
    if (broker_subscribe(broker, PROBE_TOPIC, on_probe, broker))
        connect_link(broker);
    while (!broker->ready && monotonic() < end && broker_process_healthy(broker->process))
        event_base_loop(base, EVLOOP_ONCE);
    return broker->ready ? broker : give_up(broker);
}

void broker_stop(struct broker *broker)
{
    if (!broker)
        return;
    if (broker->link)
        bufferevent_free(broker->link);
    event_free(broker->reconnect);
    event_free(broker->probe);
    broker_process_stop(broker->process);
    while (broker->first)
        drop_first(broker);
    while (!LIST_EMPTY(&broker->subscriptions)) {
        struct broker_subscription *subscription = LIST_FIRST(&broker->subscriptions);
        LIST_REMOVE(subscription, all);
        free(subscription);
    }
    free(broker);
}

void broker_address(const struct broker *broker, struct sockaddr_un *address)
{
    broker_process_address(broker->process, address);
}

bool broker_is_up(const struct broker *broker)
{
    return broker->ready && monotonic() - broker->heard <= SILENCE_S;
}

void broker_changed(struct broker *broker)
{
    broker_process_save(broker->process);
}

static void wait_for_link(struct broker *broker, const uint8_t *packet, size_t length)
{
    struct waiting *item = malloc(sizeof *item + length);
    if (!item)
        return;
    if (broker->waiting == WAITING_MAX)
        drop_first(broker);
    item->next = NULL;
    item->length = length;
    memcpy(item->packet, packet, length);
    *broker->last = item;
    broker->last = &item->next;
    broker->waiting++;
}

static uint16_t next_packet_id(struct broker *broker)
{
    broker->packet_id = broker->packet_id == UINT16_MAX ? 1 : broker->packet_id + 1;
    return broker->packet_id;
}

void broker_send(struct broker *broker, const struct broker_message *message, int qos, bool retain)
{
    size_t size = message->length + strlen(message->topic) + 16;
    uint8_t *packet = size <= PACKET_MAX ? malloc(size) : NULL;
    if (!packet)
        return;
    struct mqtt_publish publish = {.topic = view(message->topic),
                                   .payload = {message->payload, message->length},
                                   .packet_id = qos ? next_packet_id(broker) : 0,
                                   .qos = qos ? 1 : 0,
                                   .retain = retain};
    int written = mqtt_encode_publish(packet, size, &publish);
    if (written < 0)
        cloud_log("broker", "cannot publish on %s: %s", message->topic,
                  otter_status_text((otter_status)written));
    else if (broker->connected)
        bufferevent_write(broker->link, packet, (size_t)written);
    else
        wait_for_link(broker, packet, (size_t)written);
    free(packet);
    broker_changed(broker); /* it may be kept for a session */
}

void broker_publish(struct broker *broker, const char *topic, const void *payload, size_t length)
{
    broker_send(broker, &(struct broker_message){topic, payload, length}, 1, false);
}
