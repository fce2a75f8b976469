/* MQTT 5 where it differs. */
#include "cloud/gateway/mqtt5.h"

#include <stdlib.h>
#include <string.h>

#include "cloud/gateway/client.h"

/* ---- properties ------------------------------------------------------------------------------ */

static uint32_t number_of(struct mqtt_bytes properties, enum mqtt5_property_id id,
                          uint32_t otherwise)
{
    struct mqtt5_property found;
    return mqtt5_find_property(properties, id, &found) ? found.number : otherwise;
}

static size_t put(uint8_t *out, size_t size, size_t at, enum mqtt5_property_id id, uint32_t number)
{
    const struct mqtt5_property property = {.id = (uint8_t)id, .number = number};
    const int length = mqtt5_put_property(out + at, size - at, &property);
    return length > 0 ? at + (size_t)length : at;
}

static size_t put_text(uint8_t *out, size_t size, size_t at, enum mqtt5_property_id id,
                       const char *text)
{
    const struct mqtt5_property property = {.id = (uint8_t)id,
                                            .bytes = {(const uint8_t *)text, strlen(text)}};
    const int length = mqtt5_put_property(out + at, size - at, &property);
    return length > 0 ? at + (size_t)length : at;
}

size_t mqtt5_reason(const struct client *client, const char *text, uint8_t out[MQTT5_REASON_SIZE])
{
    const struct mqtt5 *mqtt5 = client->mqtt5;
    const struct mqtt_text view = {text, text ? strlen(text) : 0};
    if (!mqtt5 || !mqtt5->tells_reasons || view.length == 0 || !mqtt_text_valid(view) ||
        mqtt5->packet_max < MQTT5_REASON_SIZE + 16)
        return 0;
    return put_text(out, MQTT5_REASON_SIZE, 0, MQTT5_REASON_STRING, text);
}

size_t mqtt5_message_properties(struct mqtt_bytes properties, uint8_t *out, bool *changed)
{
    struct mqtt5_property property;
    const size_t size = properties.length;
    size_t length = 0;
    *changed = false;
    while (mqtt5_next_property(&properties, &property)) {
        const uint32_t number = property.number;
        if (property.id == MQTT5_TOPIC_ALIAS) {
            *changed = true;
            continue;
        }
        if (property.id == MQTT5_MESSAGE_EXPIRY && number == 0)
            property.number = 1;
        if (property.id == MQTT5_MESSAGE_EXPIRY && number > MESSAGE_EXPIRY_MAX_S)
            property.number = MESSAGE_EXPIRY_MAX_S;
        *changed |= property.number != number;
        const int one = mqtt5_put_property(out + length, size - length, &property);
        length += one > 0 ? (size_t)one : 0;
    }
    return length;
}

/* ---- CONNECT and CONNACK --------------------------------------------------------------------- */

bool mqtt5_begin(struct client *client, const struct mqtt_connect *connect)
{
    const struct mqtt_bytes said = connect->properties;
    struct mqtt5_property method;
    struct mqtt5 *mqtt5 = calloc(1, sizeof *mqtt5);
    client->mqtt5 = mqtt5;
    if (!mqtt5) {
        client_end(client, "out of memory");
        return false;
    }
    const uint32_t expiry = number_of(said, MQTT5_SESSION_EXPIRY, 0);
    const uint32_t receive = number_of(said, MQTT5_RECEIVE_MAX, UINT16_MAX);
    const uint32_t aliases = number_of(said, MQTT5_TOPIC_ALIAS_MAX, 0);
    mqtt5->packet_max = number_of(said, MQTT5_MAX_PACKET_SIZE, UINT32_MAX);
    mqtt5->tells_reasons = number_of(said, MQTT5_REQUEST_PROBLEM_INFO, 1) != 0;
    mqtt5->expiry_s = expiry < rules_session_s(&client->gateway->rules)
                          ? expiry
                          : rules_session_s(&client->gateway->rules);
    mqtt5->shorter_expiry = mqtt5->expiry_s != expiry;
    mqtt5->receive_max = (uint16_t)(receive < RECEIVE_MAX ? receive : RECEIVE_MAX);
    mqtt5->aliases = (uint16_t)(aliases < ALIASES_MAX ? aliases : ALIASES_MAX);
    mqtt5->other_keep_alive = client->keep_alive_s != connect->keep_alive_s;
    client->persistent = mqtt5->expiry_s > 0;
    if (!mqtt5_find_property(said, MQTT5_AUTH_METHOD, &method))
        return true;
    client_refuse(client, MQTT5_BAD_AUTH_METHOD, "enhanced authentication is not offered");
    return false;
}

static void free_topics(char *topics[ALIASES_MAX])
{
    for (size_t i = 0; i < ALIASES_MAX; i++)
        free(topics[i]);
}

void mqtt5_free(struct mqtt5 *mqtt5)
{
    if (!mqtt5)
        return;
    free_topics(mqtt5->from);
    free_topics(mqtt5->to);
    free(mqtt5);
}

size_t mqtt5_for_broker(const struct client *client, uint8_t out[32])
{
    const struct mqtt5 *mqtt5 = client->mqtt5;
    size_t length = 0;
    if (!mqtt5)
        return 0;
    length = put(out, 32, length, MQTT5_SESSION_EXPIRY, mqtt5->expiry_s);
    length = put(out, 32, length, MQTT5_RECEIVE_MAX, mqtt5->receive_max);
    if (mqtt5->packet_max < UINT32_MAX)
        length = put(out, 32, length, MQTT5_MAX_PACKET_SIZE, mqtt5->packet_max);
    return length;
}

void mqtt5_send_connack(struct client *client, bool session_present)
{
    const struct mqtt5 *mqtt5 = client->mqtt5;
    uint8_t properties[64 + CLIENT_ID_MAX], packet[96 + CLIENT_ID_MAX];
    const size_t size = sizeof properties;
    size_t at = 0;
    at = put(properties, size, at, MQTT5_RECEIVE_MAX, RECEIVE_MAX);
    at = put(properties, size, at, MQTT5_MAX_QOS, 1);
    at = put(properties, size, at, MQTT5_RETAIN_AVAILABLE, 1);
    at = put(properties, size, at, MQTT5_MAX_PACKET_SIZE, MQTT5_PACKET_LIMIT);
    at = put(properties, size, at, MQTT5_TOPIC_ALIAS_MAX, ALIASES_MAX);
    at = put(properties, size, at, MQTT5_WILDCARD_AVAILABLE, 1);
    at = put(properties, size, at, MQTT5_SUBSCRIPTION_ID_AVAILABLE, 0);
    at = put(properties, size, at, MQTT5_SHARED_AVAILABLE, 1);
    if (mqtt5->shorter_expiry)
        at = put(properties, size, at, MQTT5_SESSION_EXPIRY, mqtt5->expiry_s);
    if (mqtt5->other_keep_alive)
        at = put(properties, size, at, MQTT5_SERVER_KEEP_ALIVE, client->keep_alive_s);
    if (mqtt5->assigned_id)
        at = put_text(properties, size, at, MQTT5_ASSIGNED_CLIENT_ID, client->id);
    const struct mqtt_connack connack = {.session_present = session_present,
                                         .properties = {properties, at}};
    const int length = mqtt5_encode_connack(packet, sizeof packet, &connack);
    if (length > 0)
        client_send_device(client, packet, (size_t)length);
}

/* ---- messages from the device ---------------------------------------------------------------- */

static uint32_t alias_of(const struct mqtt_publish *publish)
{
    return number_of(publish->properties, MQTT5_TOPIC_ALIAS, 0);
}

bool mqtt5_resolve(struct client *client, struct mqtt_publish *publish)
{
    struct mqtt5_property identifier;
    if (!client->mqtt5)
        return true;
    const uint32_t alias = alias_of(publish);
    if (mqtt5_find_property(publish->properties, MQTT5_SUBSCRIPTION_ID, &identifier)) {
        client_fail(client, MQTT5_PROTOCOL_ERROR, "it published with a subscription identifier");
        return false;
    }
    if (alias == 0)
        return true;
    const char *topic = alias <= ALIASES_MAX ? client->mqtt5->from[alias - 1] : NULL;
    if (alias > ALIASES_MAX || (publish->topic.length == 0 && !topic)) {
        client_fail(client, MQTT5_TOPIC_ALIAS_INVALID,
                    alias > ALIASES_MAX ? "its topic alias %u is above %u"
                                        : "its topic alias %u of %u stands for no topic",
                    (unsigned)alias, ALIASES_MAX);
        return false;
    }
    if (publish->topic.length == 0)
        publish->topic = (struct mqtt_text){topic, strlen(topic)};
    return true;
}

void mqtt5_remember(struct client *client, const struct mqtt_publish *publish, const char *topic)
{
    const uint32_t alias = client->mqtt5 ? alias_of(publish) : 0;
    if (alias == 0)
        return;
    char **place = &client->mqtt5->from[alias - 1];
    if (*place && strcmp(*place, topic) == 0)
        return;
    char *copy = strdup(topic);
    if (!copy) {
        client_end(client, "out of memory");
        return;
    }
    free(*place);
    *place = copy;
}

bool mqtt5_count(struct client *client)
{
    return !client->mqtt5 || ++client->mqtt5->unacknowledged <= RECEIVE_MAX;
}

void mqtt5_relay_broker(struct client *client, struct packet *packet, const char *topic)
{
    struct mqtt_publish publish;
    bool changed = true;
    if (packet_publish(packet, false, &publish) != OTTER_OK)
        return;
    const size_t size = publish.properties.length;
    uint8_t *room = malloc(2 * size + TOPIC_MAX + 32);
    if (!room) {
        client_end(client, "out of memory");
        return;
    }
    publish.topic = (struct mqtt_text){topic, strlen(topic)};
    publish.properties.length = mqtt5_message_properties(publish.properties, room, &changed);
    publish.properties.data = room;
    const int head =
        changed ? mqtt5_encode_publish_head(room + size, size + TOPIC_MAX + 32, &publish) : 0;
    if (changed && head > 0)
        client_relay_broker_as(client, packet, &(struct mqtt_bytes){room + size, (size_t)head},
                               publish.payload.length);
    else
        client_relay_broker(client, packet);
    free(room);
}

/* ---- messages to the device ------------------------------------------------------------------ */

static bool is_at(const char *known, struct mqtt_text topic)
{
    return known && strlen(known) == topic.length && memcmp(known, topic.data, topic.length) == 0;
}

/* The place of that topic, or of the one that was not used for longest. */
static size_t place_of(const struct mqtt5 *mqtt5, struct mqtt_text topic)
{
    size_t oldest = 0;
    for (size_t i = 0; i < mqtt5->aliases; i++) {
        if (is_at(mqtt5->to[i], topic))
            return i;
        if (mqtt5->used[i] < mqtt5->used[oldest])
            oldest = i;
    }
    return oldest;
}

static size_t length_with(const struct mqtt_publish *publish, size_t more)
{
    return MQTT_HEADER_MAX + 2 + publish->topic.length + 2 + 4 + publish->properties.length + more +
           publish->payload.length;
}

bool mqtt5_shorten(struct client *client, struct mqtt_publish *publish, uint8_t property[3])
{
    struct mqtt5 *mqtt5 = client->mqtt5;
    if (!mqtt5)
        return true;
    if (length_with(publish, 3) > mqtt5->packet_max) /* nearly: then without, or not at all */
        return length_with(publish, 0) <= mqtt5->packet_max;
    if (mqtt5->aliases == 0 || publish->properties.length > 0)
        return true;
    const size_t place = place_of(mqtt5, publish->topic);
    if (is_at(mqtt5->to[place], publish->topic)) {
        publish->topic.length = 0;
    } else {
        char *copy = strndup(publish->topic.data, publish->topic.length);
        if (!copy)
            return true;
        free(mqtt5->to[place]);
        mqtt5->to[place] = copy;
    }
    mqtt5->used[place] = ++mqtt5->uses;
    publish->properties.data = property;
    publish->properties.length = put(property, 3, 0, MQTT5_TOPIC_ALIAS, (uint32_t)place + 1);
    return true;
}

/* The broker has left out what the device does not take: only an alias must not make it longer. */
void mqtt5_relay_device(struct client *client, struct packet *packet, struct mqtt_publish *publish)
{
    const struct mqtt_bytes said = publish->properties;
    const size_t size = said.length + 3 + publish->topic.length + 32;
    uint8_t *room = client->mqtt5->aliases > 0 ? malloc(size + said.length + 3) : NULL;
    if (!room || length_with(publish, 3) > client->mqtt5->packet_max) {
        free(room);
        client_relay_device(client, packet);
        return;
    }
    publish->properties.length = 0;
    mqtt5_shorten(client, publish, room);
    if (said.length > 0)
        memcpy(room + publish->properties.length, said.data, said.length);
    publish->properties = (struct mqtt_bytes){room, publish->properties.length + said.length};
    const int head = mqtt5_encode_publish_head(room + said.length + 3, size, publish);
    if (head > 0)
        client_relay_device_as(client, packet,
                               &(struct mqtt_bytes){room + said.length + 3, (size_t)head},
                               publish->payload.length);
    free(room);
}

/* ---- the end --------------------------------------------------------------------------------- */

bool mqtt5_expire(struct client *client, const struct mqtt_reason *reason, uint8_t out[8],
                  struct mqtt_bytes *properties)
{
    struct mqtt5 *mqtt5 = client->mqtt5;
    struct mqtt5_property expiry;
    const struct mqtt_bytes said = reason->properties; /* which may be *properties */
    *properties = (struct mqtt_bytes){NULL, 0};
    if (!mqtt5 || !mqtt5_find_property(said, MQTT5_SESSION_EXPIRY, &expiry))
        return true;
    if (mqtt5->expiry_s == 0 && expiry.number > 0) {
        client_fail(
            client, MQTT5_PROTOCOL_ERROR,
            "its session was to end with the connection, and its DISCONNECT says otherwise");
        return false;
    }
    mqtt5->expiry_s = expiry.number < rules_session_s(&client->gateway->rules)
                          ? expiry.number
                          : rules_session_s(&client->gateway->rules);
    *properties = (struct mqtt_bytes){out, put(out, 8, 0, MQTT5_SESSION_EXPIRY, mqtt5->expiry_s)};
    return true;
}
