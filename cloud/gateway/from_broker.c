/* Packets from the broker: relayed as they are, but for what the policies keep from the device. */
#include <string.h>

#include "cloud/gateway/client.h"

static void on_connack(struct client *client, const struct packet *packet)
{
    struct mqtt_connack connack;
    if (mqtt_decode_connack(packet->body, packet->header.body_length, &connack) != OTTER_OK ||
        connack.code != MQTT_CONNACK_ACCEPTED) {
        client_refuse(client, MQTT_CONNACK_SERVER_UNAVAILABLE, "the broker does not take it");
        return;
    }
    session_begin(client->gateway->sessions, client->session, client->persistent,
                  connack.session_present);
    const char *thing = identity_thing(client->identity);
    cloud_log("gateway", "%s connected from %s, certificate %.8s...%s%s%s", client->id,
              client->address, client->certificate, thing ? ", thing " : "", thing ? thing : "",
              connack.session_present ? ", session resumed" : "");
    client_send_device(client, packet->bytes, packet->size);
}

/* A message that the device may not have is acknowledged in its place. */
static void on_publish(struct client *client, const struct packet *packet)
{
    struct mqtt_publish publish;
    char topic[1024];
    uint8_t ack[8];
    if (mqtt_decode_publish(packet->header.flags, packet->body, packet->header.body_length,
                            &publish) != OTTER_OK ||
        publish.topic.length >= sizeof topic) {
        client_end(client, "the broker sent a malformed PUBLISH");
        return;
    }
    memcpy(topic, publish.topic.data, publish.topic.length);
    topic[publish.topic.length] = '\0';
    if (client_may_receive(client, topic)) {
        client_send_device(client, packet->bytes, packet->size);
    } else if (publish.qos > 0) {
        int length = mqtt_encode_ack(ack, sizeof ack, MQTT_PACKET_PUBACK, publish.packet_id);
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
static size_t merge_codes(const struct pending_subscribe *pending, struct mqtt_bytes granted,
                          uint8_t codes[FILTERS_MAX])
{
    size_t taken = 0;
    for (size_t i = 0; i < pending->count; i++) {
        bool refused = pending->refused[i] || taken == granted.length;
        codes[i] = refused ? MQTT_GRANT_REFUSED : granted.data[taken++];
    }
    return pending->count;
}

static void on_suback(struct client *client, const struct packet *packet)
{
    struct mqtt_suback suback;
    uint8_t codes[FILTERS_MAX], out[MQTT_HEADER_MAX + 2 + FILTERS_MAX];
    if (mqtt_decode_suback(packet->body, packet->header.body_length, &suback) != OTTER_OK)
        return;
    struct pending_subscribe *pending = find_pending(client, suback.packet_id);
    if (!pending)
        return;
    suback.codes.length = merge_codes(pending, suback.codes, codes);
    suback.codes.data = codes;
    int length = mqtt_encode_suback(out, sizeof out, &suback);
    if (length > 0)
        client_send_device(client, out, (size_t)length);
    pending->packet_id = 0;
    client->subscribes_pending--;
}

void from_broker(struct client *client, const struct packet *packet)
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
    default: /* PUBACK, UNSUBACK */
        client_send_device(client, packet->bytes, packet->size);
        break;
    }
}
