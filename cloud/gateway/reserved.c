/* What devices publish below `$`: requests to the cloud, answered through cloud/reserved/; nothing
 * of it reaches the broker, so no device can speak in the cloud's name. */
#include <stdlib.h>
#include <string.h>

#include "cloud/broker/broker.h"
#include "cloud/gateway/client.h"
#include "cloud/store/db.h"

struct asking {
    struct client *client;
    const char *topic;
};

static void reply(void *context, const struct reserved_message *message)
{
    struct client *client = ((struct asking *)context)->client;
    client_deliver(client, message->topic, message->payload, message->length);
    side_hold(client->device, client->cloud->db);
}

/* For all: waits for the commit of what it may tell of, whatever becomes of who asked. */
struct late_answer {
    struct broker *broker;
    size_t length;
    const char *topic;
    unsigned char payload[];
};

static void publish_late(void *context, otter_status status)
{
    struct late_answer *late = context;
    if (status == OTTER_OK)
        broker_publish(late->broker, late->topic, late->payload, late->length);
    free(late);
}

static void publish_answer(void *context, const struct reserved_message *message)
{
    struct client *client = ((struct asking *)context)->client;
    size_t topic_size = strlen(message->topic) + 1;
    struct late_answer *late = malloc(sizeof *late + message->length + topic_size);
    if (!late)
        return;
    late->broker = client->gateway->broker;
    late->length = message->length;
    if (message->length > 0)
        memcpy(late->payload, message->payload, message->length);
    late->topic = memcpy(late->payload + message->length, message->topic, topic_size);
    db_after_commit(client->cloud->db, publish_late, late);
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
        cloud_log("gateway", "%s: there is no rule %s that is enabled; %s goes nowhere", client->id,
                  name, ((struct asking *)context)->topic);
    client->told_unoffered |= bit;
}

/* Who asked, for an answer that is made later: the connection may be gone by then. */
struct kept {
    struct gateway *gateway;
    char connection_id[UUID_SIZE];
    char id[CLIENT_ID_MAX + 1];
};

static void *keep(void *context)
{
    const struct client *client = ((struct asking *)context)->client;
    struct kept *kept = malloc(sizeof *kept);
    if (!kept)
        return NULL;
    kept->gateway = client->gateway;
    memcpy(kept->connection_id, client->connection_id, sizeof kept->connection_id);
    memcpy(kept->id, client->id, sizeof kept->id);
    return kept;
}

static void reply_late(void *context, const struct reserved_message *message)
{
    struct kept *kept = context;
    const struct session *session = sessions_find(kept->gateway->sessions, kept->id);
    struct client *client = session ? session->client : NULL;
    if (message && client && client->state == CLIENT_OPEN && !client->ending &&
        strcmp(client->connection_id, kept->connection_id) == 0) {
        struct asking asking = {client, message->topic};
        reply(&asking, message);
    }
    free(kept);
}

void from_device_reserved(struct client *client, const char *topic,
                          const struct mqtt_publish *publish)
{
    struct asking asking = {client, topic};
    const struct reserved_request request = {topic, publish->payload.data, publish->payload.length};
    const struct reserved_answers answers = {.reply = reply,
                                             .publish = publish_answer,
                                             .blocks = take_blocks,
                                             .unoffered = on_unoffered,
                                             .client_id = client->id,
                                             .principal = client->principal.id,
                                             .context = &asking,
                                             .keep = keep,
                                             .late = reply_late};
    if (publish->retain) {
        client_fail(client, MQTT5_TOPIC_INVALID,
                    "it published a retained message on the reserved topic %s", topic);
        return;
    }
    if (publish->qos == 1)
        client_acknowledge(client, publish->packet_id, MQTT5_SUCCESS, NULL);
    if (!reserved_publish(client->cloud, &request, &answers))
        client_fail(client, MQTT5_TOPIC_INVALID,
                    "%s is not a reserved topic that this cloud takes requests on", topic);
    else
        side_hold(client->device, client->cloud->db); /* the PUBACK, too */
}
