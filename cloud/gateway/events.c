/* Lifecycle events, as ordinary messages of the cloud. */
#include "cloud/gateway/events.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/broker/broker.h"
#include "cloud/core/rules/topic_rules.h"
#include "cloud/gateway/client.h"
#include "cloud/gateway/presence_notes.h"

/* What all events have. `type` is also the last but one level of the topic. */
static json_t *begin(const struct client *client, const char *type)
{
    return json_pack("{s:s, s:I, s:s, s:s, s:s}", "clientId", client->id, "timestamp",
                     (json_int_t)cloud_now_ms(client->cloud), "eventType", type,
                     "sessionIdentifier", client->connection_id, "principalIdentifier",
                     client->principal.id);
}

static void run_rules(const struct client *client, const char *topic, const void *payload,
                      size_t length)
{
    topic_rules_run(client->cloud,
                    &(struct topic_rules_message){.topic = topic,
                                                  .payload = payload,
                                                  .length = length,
                                                  .client_id = client->id,
                                                  .principal = client->principal.id});
}

static void publish(const struct client *client, const char *area, const char *type, json_t *event)
{
    char topic[64 + CLIENT_ID_MAX];
    snprintf(topic, sizeof topic, "$aws/events/%s/%s/%s", area, type, client->id);
    char *text = event && !strpbrk(client->id, "+#") ? json_dumps(event, JSON_COMPACT) : NULL;
    if (text) {
        broker_publish(client->gateway->broker, topic, text, strlen(text));
        run_rules(client, topic, text, strlen(text));
    }
    free(text);
    json_decref(event);
}

void events_connected(struct client *client)
{
    json_t *event = begin(client, "connected");
    client->version = client->session->connects++;
    client->was_announced = true;
    presence_note(client->gateway->presence, client->id, true, NULL);
    json_object_set_new(event, "ipAddress", json_string(client->address));
    json_object_set_new(event, "versionNumber", json_integer(client->version));
    publish(client, "presence", "connected", event);
}

/* Another connection has come with its client id. */
static bool has_successor(const struct client *client)
{
    const struct client *present = client->session ? client->session->client : NULL;
    return present && present != client && present->was_announced;
}

void events_disconnected(const struct client *client)
{
    const char *why = client->why ? client->why : WHY_CLIENT;
    if (!client->was_announced)
        return;
    if (!has_successor(client))
        presence_note(client->gateway->presence, client->id, false, why);
    json_t *event = begin(client, "disconnected");
    json_object_set_new(event, "clientInitiatedDisconnect",
                        json_boolean(strcmp(why, WHY_GOODBYE) == 0));
    json_object_set_new(event, "disconnectReason", json_string(why));
    json_object_set_new(event, "versionNumber", json_integer(client->version));
    publish(client, "presence", "disconnected", event);
    /* the broker sends the will to those who have subscribed; rules hear of it here */
    if (client->will_topic && strcmp(why, WHY_GOODBYE) != 0)
        run_rules(client, client->will_topic, client->will_payload, client->will_length);
}

void events_connect_failed(struct client *client)
{
    json_t *event = begin(client, "connect_failed");
    json_object_set_new(event, "connectFailureReason", json_string("AUTHORIZATION_FAILED"));
    json_object_set_new(event, "ipAddress", json_string(client->address));
    publish(client, "presence", "connect_failed", event);
}

static void publish_filters(const struct client *client, const char *type,
                            const struct mqtt_filter *filters, size_t count)
{
    json_t *event = begin(client, type), *topics = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(topics, json_stringn(filters[i].text.data, filters[i].text.length));
    json_object_set_new(event, "topics", topics);
    publish(client, "subscriptions", type, event);
}

void events_subscribed(const struct client *client, const struct mqtt_filter *filters, size_t count)
{
    publish_filters(client, "subscribed", filters, count);
}

void events_unsubscribed(const struct client *client, const struct mqtt_filter *filters,
                         size_t count)
{
    publish_filters(client, "unsubscribed", filters, count);
}
