/* What devices publish below `$`: requests to the cloud, answered here; nothing of it reaches the
 * broker, so no device can speak in the cloud's name. */
#include <stdio.h>
#include <string.h>

#include "cloud/core/jobs/jobs.h"
#include "cloud/gateway/client.h"

static void deliver(void *context, const char *topic, const void *payload, size_t length)
{
    struct client *client = context;
    client_deliver(client, topic, payload, length);
    cloud_hold_output(client->cloud, client->device);
}

/* Splits `$aws/things/{t}/{service}/{rest}`; `topic` is cut into pieces. */
static bool split(char *topic, const char **thing, const char **service, const char **rest)
{
    static const char prefix[] = "$aws/things/";
    if (strncmp(topic, prefix, sizeof prefix - 1) != 0)
        return false;
    char *part = topic + sizeof prefix - 1;
    char *first = strchr(part, '/');
    char *second = first ? strchr(first + 1, '/') : NULL;
    if (!second || first == part || first - part > 128)
        return false;
    *first = *second = '\0';
    *thing = part;
    *service = first + 1;
    *rest = second + 1;
    return true;
}

static bool request_stream(struct client *client, const char *thing, const char *rest,
                           struct mqtt_bytes payload)
{
    struct streams_transfer *transfer;
    if (!streams_mqtt_request(client->cloud, thing, rest, payload.data, payload.length, &transfer))
        return false;
    if (transfer)
        client_queue_transfer(client, transfer);
    return true;
}

static bool request(struct client *client, const char *topic, struct mqtt_bytes payload)
{
    char parts[TOPIC_MAX + 1];
    const char *thing, *service, *rest;
    snprintf(parts, sizeof parts, "%s", topic);
    if (!split(parts, &thing, &service, &rest))
        return false;
    if (strcmp(service, "jobs") == 0)
        return jobs_mqtt_request(client->cloud, thing, rest, payload.data, payload.length, deliver,
                                 client);
    if (strcmp(service, "streams") == 0)
        return request_stream(client, thing, rest, payload);
    return false;
}

static void acknowledge(struct client *client, uint16_t packet_id)
{
    uint8_t packet[8];
    const struct mqtt_ack ack = {.packet_id = packet_id};
    int length = client->mqtt->encode_ack(packet, sizeof packet, MQTT_PACKET_PUBACK, &ack);
    if (length > 0)
        client_send_device(client, packet, (size_t)length);
}

void reserved_publish(struct client *client, const char *topic, const struct mqtt_publish *publish)
{
    if (publish->retain) {
        client_end(client, "it published a retained message on the reserved topic %s", topic);
        return;
    }
    if (publish->qos == 1)
        acknowledge(client, publish->packet_id);
    if (!request(client, topic, publish->payload) &&
        !unoffered_publish(client, topic, publish->payload))
        client_end(client, "%s is not a reserved topic that this cloud takes requests on", topic);
}
