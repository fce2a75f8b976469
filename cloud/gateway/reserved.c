/* What devices publish below `$`: requests to the cloud, answered through cloud/reserved/; nothing
 * of it reaches the broker, so no device can speak in the cloud's name. */
#include "cloud/broker/broker.h"
#include "cloud/gateway/client.h"

struct asking {
    struct client *client;
    const char *topic;
};

static void reply(void *context, const struct reserved_message *message)
{
    struct client *client = ((struct asking *)context)->client;
    client_deliver(client, message->topic, message->payload, message->length);
    loop_hold_output(client->gateway->loop, client->device);
}

static void publish_answer(void *context, const struct reserved_message *message)
{
    struct client *client = ((struct asking *)context)->client;
    broker_publish(client->gateway->broker, message->topic, message->payload, message->length);
}

static void take_blocks(void *context, struct reserved_blocks *blocks)
{
    client_queue_blocks(((struct asking *)context)->client, blocks);
}

/* Said once for each client and service. */
static void on_unoffered(void *context, enum reserved_service service, const char *name)
{
    struct client *client = ((struct asking *)context)->client;
    unsigned bit = 1u << service;
    if (!(client->told_unoffered & bit))
        cloud_log("gateway", "%s: %s is not offered by this cloud yet; %s %s", client->id, name,
                  ((struct asking *)context)->topic,
                  service == RESERVED_INGEST ? "goes nowhere"
                                             : "is answered on its rejected topic");
    client->told_unoffered |= bit;
}

static void acknowledge(struct client *client, uint16_t packet_id)
{
    uint8_t packet[8];
    const struct mqtt_ack ack = {.packet_id = packet_id};
    int length = client->mqtt->encode_ack(packet, sizeof packet, MQTT_PACKET_PUBACK, &ack);
    if (length > 0)
        client_send_device(client, packet, (size_t)length);
}

void from_device_reserved(struct client *client, const char *topic,
                          const struct mqtt_publish *publish)
{
    struct asking asking = {client, topic};
    const struct reserved_request request = {topic, publish->payload.data, publish->payload.length};
    const struct reserved_answers answers = {reply, publish_answer, take_blocks, on_unoffered,
                                             &asking};
    if (publish->retain) {
        client_end(client, "it published a retained message on the reserved topic %s", topic);
        return;
    }
    if (publish->qos == 1)
        acknowledge(client, publish->packet_id);
    if (!reserved_publish(client->cloud, &request, &answers))
        client_end(client, "%s is not a reserved topic that this cloud takes requests on", topic);
}
