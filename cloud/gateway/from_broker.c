/* Packets from the broker: relayed as they are, but for what the policies keep from the device. */
#include <string.h>

#include "cloud/gateway/client.h"
#include "cloud/gateway/events.h"
#include "cloud/loop/metrics.h"

static void on_connack(struct client *client, struct packet *packet)
{
    struct mqtt_connack connack;
    if (client->mqtt->decode_connack(packet->body, packet->header.body_length, &connack) !=
            OTTER_OK ||
        connack.code != MQTT5_SUCCESS) {
        client_refuse(client, MQTT5_SERVER_UNAVAILABLE, "the broker does not take it");
        return;
    }
    session_begin(client->gateway->sessions, client->session, client_expiry_s(client),
                  connack.session_present);
    const char *thing = identity_thing(client->identity);
    char label[PRINCIPAL_LABEL];
    principal_label(&client->principal, label);
    cloud_log("gateway", "%s connected from %s, %s%s%s%s%s", client->id, client->address, label,
              thing ? ", thing " : "", thing ? thing : "", client->mqtt5 ? ", MQTT 5" : "",
              connack.session_present ? ", session resumed" : "");
    if (client->mqtt5)
        mqtt5_send_connack(client, connack.session_present);
    else
        client_relay_device(client, packet);
    events_connected(client);
}

static bool matches(const char *filter, const struct mqtt_publish *publish)
{
    filter = filter_of_share(filter);
    return mqtt_filter_matches((struct mqtt_text){filter, strlen(filter)}, publish->topic);
}

/* `par/#`, and the message is for `par`. */
static bool is_parent(const char *filter, const struct mqtt_publish *publish)
{
    filter = filter_of_share(filter);
    size_t length = strlen(filter);
    return length == publish->topic.length + 2 && memcmp(filter + length - 2, "/#", 2) == 0;
}

static bool has_wildcard(const char *filter, const struct mqtt_publish *publish)
{
    (void)publish;
    return strpbrk(filter, "+#") != NULL;
}

/* The session has filters that brought the message, but all are of a kind that would not on AWS.
 * What the gateway does not know the reason of is let through: a filter may have ended while the
 * message was under way. */
static bool only_by(bool (*kind)(const char *filter, const struct mqtt_publish *publish),
                    const struct session *session, const struct mqtt_publish *publish)
{
    bool any = false;
    for (size_t i = 0; i < session->filter_count; i++) {
        const char *filter = session->filters[i];
        if (!matches(filter, publish))
            continue;
        if (!kind(filter, publish))
            return false;
        any = true;
    }
    return any;
}

static bool is_too_fast(struct client *client)
{
    const unsigned rate = client->gateway->rules.publish;
    if (rate_take(&client->received, rate, rate))
        return false;
    if (!client->told_slow)
        cloud_log("gateway", "%s would have more than %u messages a second: some are lost",
                  client->id, rate);
    client->told_slow = true;
    return true;
}

/* A device that does not read is sent no more at QoS 0; QoS 1 stops by itself, unacknowledged. */
static bool is_too_slow(struct client *client, const struct mqtt_publish *publish)
{
    if (publish->qos > 0 || !client_is_full(client))
        return false;
    if (!client->told_slow)
        cloud_log("gateway", "%s does not read what it is sent: some messages are lost",
                  client->id);
    client->told_slow = true;
    return true;
}

static bool may_have(struct client *client, const struct mqtt_publish *publish, const char *topic)
{
    const unsigned relaxed = client->gateway->rules.relaxed;
    /* The retain flag marks what a new subscription brings; wildcards bring none of it. */
    if (!(relaxed & RULE_RETAINED) && publish->retain &&
        only_by(has_wildcard, client->session, publish))
        return false;
    /* Unlike in the standard, `par/#` does not cover `par`. */
    if (!(relaxed & RULE_PARENT) && only_by(is_parent, client->session, publish))
        return false;
    return client_may_receive(client, topic) && !is_too_slow(client, publish) &&
           !is_too_fast(client);
}

/* A message that the device may not have is acknowledged in its place. */
static void on_publish(struct client *client, struct packet *packet)
{
    struct mqtt_publish publish;
    char topic[1024];
    uint8_t ack[8];
    if (packet_publish(packet, false, &publish) != OTTER_OK ||
        publish.topic.length >= sizeof topic) {
        client_end(client, "the broker sent a malformed PUBLISH");
        return;
    }
    memcpy(topic, publish.topic.data, publish.topic.length);
    topic[publish.topic.length] = '\0';
    if (may_have(client, &publish, topic)) {
        metric_add(METRIC_MESSAGES_OUT);
        if (client->mqtt5)
            mqtt5_relay_device(client, packet, &publish);
        else
            client_relay_device(client, packet);
    } else if (publish.qos > 0) {
        const struct mqtt_ack puback = {.packet_id = publish.packet_id};
        int length = client->mqtt->encode_ack(ack, sizeof ack, MQTT_PACKET_PUBACK, &puback);
        if (length > 0)
            client_send_broker(client, ack, (size_t)length);
    }
}

static struct pending_subscribe *find_pending(struct client *client, uint16_t packet_id)
{
    for (size_t i = 0; i < SUBSCRIBES_PENDING; i++)
        if (client->subscribes[i].packet_id == packet_id)
            return &client->subscribes[i];
    return NULL;
}

/* Puts the refusals back between the codes of the filters that went to the broker. */
static size_t merge_codes(const struct client *client, const struct pending_subscribe *pending,
                          struct mqtt_bytes granted, uint8_t codes[FILTERS_MAX])
{
    size_t taken = 0;
    for (size_t i = 0; i < pending->count; i++) {
        const enum mqtt5_reason refusal = pending->refused[i]      ? pending->refused[i]
                                          : taken < granted.length ? MQTT5_SUCCESS
                                                                   : MQTT5_UNSPECIFIED_ERROR;
        codes[i] =
            refusal ? client->mqtt->code(MQTT_PACKET_SUBACK, refusal) : granted.data[taken++];
    }
    return pending->count;
}

static void on_suback(struct client *client, struct packet *packet)
{
    struct mqtt_suback suback;
    uint8_t codes[FILTERS_MAX], out[MQTT_HEADER_MAX + 3 + FILTERS_MAX];
    if (client->mqtt->decode_grants(MQTT_PACKET_SUBACK, packet->body, packet->header.body_length,
                                    &suback) != OTTER_OK)
        return;
    struct pending_subscribe *pending = find_pending(client, suback.packet_id);
    if (!pending)
        return;
    suback.codes.length = merge_codes(client, pending, suback.codes, codes);
    suback.codes.data = codes;
    suback.properties = (struct mqtt_bytes){NULL, 0}; /* the broker's words are not for devices */
    int length = client->mqtt->encode_grants(out, sizeof out, MQTT_PACKET_SUBACK, &suback);
    if (length > 0)
        client_send_device(client, out, (size_t)length);
    pending->packet_id = 0;
    client->subscribes_pending--;
}

/* That nobody listens is not for devices, as AWS IoT has it. */
static void on_puback(struct client *client, struct packet *packet)
{
    struct mqtt_ack ack;
    if (!client->mqtt5)
        client_relay_device(client, packet);
    else if (client->mqtt->decode_ack(MQTT_PACKET_PUBACK, packet->body, packet->header.body_length,
                                      &ack) == OTTER_OK)
        client_acknowledge(client, ack.packet_id,
                           ack.reason < MQTT5_UNSPECIFIED_ERROR ? MQTT5_SUCCESS
                                                                : (enum mqtt5_reason)ack.reason,
                           NULL);
}

void from_broker(struct client *client, struct packet *packet)
{
    switch (packet->header.type) {
    case MQTT_PACKET_CONNACK:
        on_connack(client, packet);
        break;
    case MQTT_PACKET_PUBLISH:
        on_publish(client, packet);
        break;
    case MQTT_PACKET_SUBACK:
        on_suback(client, packet);
        break;
    case MQTT_PACKET_PUBACK:
        on_puback(client, packet);
        break;
    case MQTT_PACKET_DISCONNECT: /* MQTT 5 */
        client_blame(client, WHY_SERVER);
        client_fail(client, MQTT5_SERVER_SHUTTING_DOWN, "the broker ended its connection");
        break;
    default: /* UNSUBACK */
        client_relay_device(client, packet);
        break;
    }
}
