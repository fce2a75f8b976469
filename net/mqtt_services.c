/* MQTT session: the services on it, who gets which message, and their subscriptions. Each SUBSCRIBE
 * has one filter, so that a refusal hits that one alone (AWS IoT allows eight). */
#include <string.h>

#include "net/mqtt5.h"
#include "net/mqtt_fifo.h"
#include "net/mqtt_session.h"
#include "port/log.h"

#define TAG "MQTT"

enum mqtt_subscription_progress {
    WANTED = 0, /* SUBSCRIBE has still to be queued */
    ASKED,
    GRANTED,
    REFUSED
};

/* ---- Services -------------------------------------------------------------------------------- */

void mqtt_register(struct mqtt_session *s, struct mqtt_service *service)
{
    struct mqtt_service **last = &s->p.services;
    while (*last && *last != service)
        last = &(*last)->p.next;
    if (*last)
        return;
    service->p = (struct mqtt_service_state){0};
    *last = service;
}

size_t mqtt_full_topic(const struct mqtt_service *service, const char *rest, char *out)
{
    const size_t prefix = strlen(service->prefix);
    const size_t length = strlen(rest);
    if (prefix > MQTT_TOPIC_MAX || length > MQTT_TOPIC_MAX - prefix)
        return 0;
    memcpy(out, service->prefix, prefix);
    for (size_t i = 0; i < length; i++) /* no string: its end is its length */
        out[prefix + i] = rest[i];
    return prefix + length;
}

static bool take_prefix(const struct mqtt_service *service, struct mqtt_text *topic)
{
    const size_t length = strlen(service->prefix);
    if (topic->length < length || memcmp(topic->data, service->prefix, length) != 0)
        return false;
    topic->data += length;
    topic->length -= length;
    return true;
}

void mqtt_deliver(struct mqtt_session *s, otter_ms now, const struct mqtt_publish *publish)
{
    for (struct mqtt_service *service = s->p.services; service; service = service->p.next) {
        struct mqtt_text topic = publish->topic;
        if (!service->on_message || !take_prefix(service, &topic))
            continue;
        const struct mqtt_message message = {
            .topic = topic.data,
            .topic_length = topic.length,
            .payload = publish->payload.data,
            .payload_length = publish->payload.length,
            .qos = publish->qos,
            .retain = publish->retain,
            .duplicate = publish->duplicate,
        };
        service->on_message(service->ctx, now, &message);
    }
}

void mqtt_deliver_oversized(struct mqtt_session *s, otter_ms now, struct mqtt_text topic,
                            uint32_t length)
{
    for (struct mqtt_service *service = s->p.services; service; service = service->p.next) {
        struct mqtt_text rest = topic;
        if (service->on_oversized && take_prefix(service, &rest))
            service->on_oversized(service->ctx, now, rest.data, rest.length, length);
    }
}

/* ---- Online and offline ---------------------------------------------------------------------- */

/* OTTER_E_AGAIN while the broker has still to answer. */
static otter_status grants(const struct mqtt_session *s, const struct mqtt_service *service)
{
    otter_status granted = OTTER_OK;
    for (const struct mqtt_subscription *sub = s->p.subscriptions; sub; sub = sub->p.next) {
        if (sub->p.service != service || sub->p.state == GRANTED)
            continue;
        if (sub->p.state != REFUSED)
            return OTTER_E_AGAIN;
        granted = OTTER_E_REFUSED;
    }
    return granted;
}

void mqtt_go_online(struct mqtt_session *s, otter_ms now)
{
    for (struct mqtt_service *service = s->p.services; service; service = service->p.next) {
        if (service->p.online || !mqtt_is_up(s))
            continue;
        const otter_status granted = grants(s, service);
        if (granted == OTTER_E_AGAIN)
            continue;
        service->p.online = true;
        if (service->on_online)
            service->on_online(service->ctx, now, granted);
    }
}

void mqtt_go_offline(struct mqtt_session *s, otter_ms now)
{
    for (struct mqtt_subscription *sub = s->p.subscriptions; sub; sub = sub->p.next)
        sub->p.state = WANTED;
    for (struct mqtt_service *service = s->p.services; service; service = service->p.next) {
        const bool was_online = service->p.online;
        service->p.online = false;
        if (was_online && service->on_offline)
            service->on_offline(service->ctx, now);
    }
}

/* ---- Subscriptions --------------------------------------------------------------------------- */

bool mqtt_is_asked_with(const struct mqtt_session *s, uint16_t packet)
{
    for (const struct mqtt_subscription *sub = s->p.subscriptions; sub; sub = sub->p.next) {
        if (sub->p.state == ASKED && sub->p.packet == packet)
            return true;
    }
    return false;
}

/* The broker knows one subscription to a filter, whoever made it, and however each has divided it
 * into prefix and rest. How many hold this one, and the highest QoS that they want. */
static unsigned count_holders(const struct mqtt_session *s, struct mqtt_filter *filter)
{
    unsigned count = 0;
    filter->qos = 0;
    for (const struct mqtt_subscription *sub = s->p.subscriptions; sub; sub = sub->p.next) {
        struct mqtt_text rest = filter->text;
        if (!take_prefix(sub->p.service, &rest) || rest.length != strlen(sub->filter) ||
            memcmp(rest.data, sub->filter, rest.length) != 0)
            continue;
        count++;
        if (sub->qos > filter->qos)
            filter->qos = sub->qos;
    }
    return count;
}

/* False without room. Nobody else's subscription is taken away. */
static bool queue_filter(struct mqtt_session *s, struct mqtt_subscription *sub,
                         enum mqtt_packet_type type)
{
    char text[MQTT_TOPIC_MAX];
    size_t size;
    struct mqtt_filter filter = {
        .text = {text, mqtt_full_topic(sub->p.service, sub->filter, text)}};
    if (count_holders(s, &filter) > 1 && type == MQTT_PACKET_UNSUBSCRIBE)
        return true;
    uint8_t *space = mqtt_space(s, &size);
    sub->p.packet = mqtt_new_packet_id(s);
    if (mqtt_speaks_5(s))
        filter.qos = mqtt5_qos(s, filter.qos);
    const int length = mqtt_speaks_5(s)
                           ? mqtt5_client_filter(space, size, type, sub->p.packet, &filter)
                           : mqtt_encode_filters(space, size, type, sub->p.packet, &filter, 1);
    if (length < 0)
        return false;
    mqtt_fifo_queue(&s->p.fifo, (size_t)length);
    return true;
}

/* For this broker, which has said how long a packet may be. */
static bool is_too_long(const struct mqtt_session *s, const struct mqtt_subscription *sub)
{
    return mqtt_speaks_5(s) &&
           strlen(sub->p.service->prefix) + strlen(sub->filter) > mqtt5_output_max(s, SIZE_MAX);
}

void mqtt_queue_subscribes(struct mqtt_session *s, otter_ms now)
{
    for (struct mqtt_subscription *sub = s->p.subscriptions; sub; sub = sub->p.next) {
        if (sub->p.state != WANTED)
            continue;
        if (is_too_long(s, sub)) {
            LOG_WRN(TAG, "broker's packets are too short to subscribe to %s%s",
                    sub->p.service->prefix, sub->filter);
            sub->p.state = REFUSED;
            continue;
        }
        if (!queue_filter(s, sub, MQTT_PACKET_SUBSCRIBE))
            return; /* room comes with what is sent */
        sub->p.state = ASKED;
        s->p.waits[MQTT_WAIT_SUBACK] = now + s->config.ack_timeout_ms;
    }
}

void mqtt_subscription_answered(struct mqtt_session *s, otter_ms now, uint16_t packet, bool granted)
{
    bool others_wait = false;
    for (struct mqtt_subscription *sub = s->p.subscriptions; sub; sub = sub->p.next) {
        if (sub->p.state != ASKED)
            continue;
        if (sub->p.packet != packet) {
            others_wait = true;
            continue;
        }
        sub->p.state = granted ? GRANTED : REFUSED;
        if (!granted)
            LOG_WRN(TAG, "broker refused the subscription to %s%s", sub->p.service->prefix,
                    sub->filter);
    }
    s->p.waits[MQTT_WAIT_SUBACK] = others_wait ? now + s->config.ack_timeout_ms : OTTER_NEVER;
    mqtt_go_online(s, now);
}

static otter_status check_filter(const struct mqtt_session *s, const struct mqtt_service *service,
                                 const struct mqtt_subscription *sub)
{
    char text[MQTT_TOPIC_MAX];
    const size_t length = mqtt_full_topic(service, sub->filter, text);
    if (length == 0)
        return sub->filter[0] == '\0' ? OTTER_E_ARGUMENT : OTTER_E_TOO_LONG;
    if (sub->qos > 1 || !mqtt_filter_valid((struct mqtt_text){text, length}))
        return OTTER_E_ARGUMENT;
    return length <= mqtt_output_max(s) ? OTTER_OK : OTTER_E_TOO_LONG;
}

otter_status mqtt_subscribe(struct mqtt_session *s, otter_ms now, struct mqtt_service *service,
                            struct mqtt_subscription *sub)
{
    const otter_status status = check_filter(s, service, sub);
    if (status)
        return status;
    if (!sub->p.service) {
        struct mqtt_subscription **last = &s->p.subscriptions;
        unsigned count = 0;
        for (; *last; last = &(*last)->p.next)
            count++;
        if (count == MQTT_SUBSCRIPTIONS_MAX)
            return OTTER_E_NO_SPACE;
        sub->p = (struct mqtt_subscription_state){.service = service};
        *last = sub;
    } else if (sub->p.state == REFUSED) {
        sub->p.state = WANTED;
    }
    mqtt_pump(s, now);
    return OTTER_OK;
}

otter_status mqtt_unsubscribe(struct mqtt_session *s, struct mqtt_subscription *sub)
{
    if (!sub->p.service)
        return OTTER_E_NOT_FOUND;
    const bool known = mqtt_is_up(s) && sub->p.state != WANTED;
    if (known && !queue_filter(s, sub, MQTT_PACKET_UNSUBSCRIBE))
        return OTTER_E_AGAIN;
    struct mqtt_subscription **at = &s->p.subscriptions;
    while (*at != sub)
        at = &(*at)->p.next;
    *at = sub->p.next;
    sub->p = (struct mqtt_subscription_state){0}; /* nobody waits for the UNSUBACK */
    return OTTER_OK;
}

otter_status mqtt_subscription_status(const struct mqtt_subscription *sub)
{
    if (!sub->p.service)
        return OTTER_E_NOT_FOUND;
    if (sub->p.state == REFUSED)
        return OTTER_E_REFUSED;
    return sub->p.state == GRANTED ? OTTER_OK : OTTER_E_AGAIN;
}
