/* The network and a minimal broker between device and cloud: what is under way, and what becomes of
 * it as the world's trouble has it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/mqtt_packet.h"
#include "tests/sim/ota/world_internal.h"

#define CLOUD_START_MS 2000u
#define HANG_UP_MS     50u

static void post(struct world *world, struct world_event event, const void *bytes)
{
    world_must(world->event_count < WORLD_EVENTS_MAX, "too many messages under way");
    event.bytes = malloc(event.length + 1);
    world_must(event.bytes != NULL, "out of memory");
    memcpy(event.bytes, bytes, event.length);
    world->events[world->event_count++] = event;
}

static otter_ms some_delay(struct world *world)
{
    const uint32_t most = world->trouble.delay_ms;
    return 5 + (most > 5 ? world_random(world, most - 4) : 0);
}

/* Lets a publish have its share of trouble; returns how often it arrives. */
static unsigned pass(struct world *world)
{
    const struct trouble *trouble = &world->trouble;
    if (++world->messages == trouble->lose_message || world_happens(world, trouble->lost))
        return 0;
    return world_happens(world, trouble->repeated) ? 2 : 1;
}

void broker_drop(struct world *world)
{
    world->connected = false;
    world->hang_up_at = OTTER_NEVER;
    world->received = 0;
    world->connect_at = OTTER_NEVER;
    world->stream_length = 0;
    memset(world->filters, 0, sizeof world->filters);
}

static void to_device(struct world *world, const uint8_t *packet, int length, otter_ms delay)
{
    world_must(length > 0, "the broker made a packet that does not fit");
    const struct world_event event = {.at = world->now + delay,
                                      .connection = world->connection,
                                      .type = TO_DEVICE,
                                      .length = (uint32_t)length};
    post(world, event, packet);
}

static bool granted(const struct world *world, const char *topic)
{
    const struct mqtt_text text = {topic, strlen(topic)};
    for (unsigned i = 0; i < 8; i++) {
        const struct mqtt_text filter = {world->filters[i], strlen(world->filters[i])};
        if (filter.length > 0 && mqtt_filter_matches(filter, text))
            return true;
    }
    return false;
}

void broker_send(void *ctx, uint32_t connection, const char *topic, const void *payload,
                 size_t length)
{
    struct world *world = ctx;
    uint8_t packet[8192];
    const bool unheard = world->trouble.cancel_unheard && strstr(topic, "notify") != NULL &&
                         (world->visited >> world->trouble.cancel_in & 1u) != 0;
    const bool for_it = connection == 0 ? granted(world, topic) : connection == world->connection;
    if (!world->connected || world->connection <= world->dead_connection || unheard || !for_it ||
        !sim_cloud_may(&world->cloud, "iot:Receive", "topic", topic))
        return;
    const struct mqtt_publish publish = {.topic = {topic, strlen(topic)},
                                         .payload = {payload, length}};
    const int size = mqtt_encode_publish(packet, sizeof packet, &publish);
    for (unsigned times = pass(world); times > 0; times--)
        to_device(world, packet, size, some_delay(world));
}

void broker_hang_up(struct world *world)
{
    world->dead_connection = world->connection;
    world->hang_up_at = world->connected ? world->now + HANG_UP_MS : OTTER_NEVER;
}

static void broker_publish(struct world *world, const struct mqtt_publish *publish)
{
    uint8_t ack[8];
    struct world_event event = {.connection = world->connection,
                                .type = TO_CLOUD,
                                .length = (uint32_t)publish->payload.length};
    snprintf(event.topic, sizeof event.topic, "%.*s", (int)publish->topic.length,
             publish->topic.data);
    if (!sim_cloud_may(&world->cloud, "iot:Publish", "topic", event.topic)) {
        broker_hang_up(world);
        return;
    }
    if (publish->qos == 1)
        to_device(world, ack,
                  mqtt_encode_ack(ack, sizeof ack, MQTT_PACKET_PUBACK, publish->packet_id), 5);
    world->streamed += strstr(event.topic, "/streams/") != NULL;
    for (unsigned times = pass(world); times > 0; times--) {
        event.at = world->now + some_delay(world);
        post(world, event, publish->payload.data);
    }
}

/* Where a filter is kept, or NULL. */
static char *place_of(struct world *world, struct mqtt_text filter)
{
    for (unsigned i = 0; i < 8; i++) {
        if (strlen(world->filters[i]) == filter.length &&
            memcmp(world->filters[i], filter.data, filter.length) == 0)
            return world->filters[i];
    }
    return NULL;
}

/* The code of the SUBACK for it. */
static uint8_t subscribe(struct world *world, const struct mqtt_filter *filter)
{
    char text[257];
    char *place = place_of(world, filter->text);
    snprintf(text, sizeof text, "%.*s", (int)filter->text.length, filter->text.data);
    if (!sim_cloud_may(&world->cloud, "iot:Subscribe", "topicfilter", text))
        return MQTT_GRANT_REFUSED;
    for (unsigned i = 0; i < 8 && place == NULL; i++) {
        if (world->filters[i][0] == '\0')
            place = world->filters[i];
    }
    world_must(place != NULL, "the device has more subscriptions than this broker keeps");
    strcpy(place, text);
    return filter->qos;
}

static void broker_filters(struct world *world, bool subscribes, const uint8_t *body, size_t length)
{
    struct mqtt_filter_list list;
    struct mqtt_filter filter;
    uint8_t packet[32];
    uint8_t codes[8] = {0};
    size_t count = 0;
    world_must(mqtt_decode_filters(subscribes ? MQTT_PACKET_SUBSCRIBE : MQTT_PACKET_UNSUBSCRIBE,
                                   body, length, &list) == OTTER_OK,
               "the device sent broken filters");
    while (mqtt_next_filter(&list, &filter)) {
        char *place = place_of(world, filter.text);
        if (subscribes)
            codes[count] = subscribe(world, &filter);
        else if (place != NULL)
            place[0] = '\0';
        count++;
    }
    const struct mqtt_suback suback = {.packet_id = list.packet_id, .codes = {codes, count}};
    to_device(world, packet,
              subscribes
                  ? mqtt_encode_suback(packet, sizeof packet, &suback)
                  : mqtt_encode_ack(packet, sizeof packet, MQTT_PACKET_UNSUBACK, list.packet_id),
              5);
}

static void broker_packet(struct world *world, const struct mqtt_header *header,
                          const uint8_t *body)
{
    struct mqtt_connack connack = {.code = MQTT_CONNACK_ACCEPTED};
    struct mqtt_publish publish;
    uint8_t packet[8];
    switch (header->type) {
    case MQTT_PACKET_CONNECT:
        if (!sim_cloud_may(&world->cloud, "iot:Connect", "client", WORLD_THING))
            connack.code = MQTT_CONNACK_NOT_AUTHORIZED;
        to_device(world, packet, mqtt_encode_connack(packet, sizeof packet, &connack), 5);
        if (connack.code != MQTT_CONNACK_ACCEPTED)
            broker_hang_up(world);
        break;
    case MQTT_PACKET_PUBLISH:
        world_must(mqtt_decode_publish(header->flags, body, header->body_length, &publish) ==
                       OTTER_OK,
                   "the device sent a broken publish");
        broker_publish(world, &publish);
        break;
    case MQTT_PACKET_SUBSCRIBE:
    case MQTT_PACKET_UNSUBSCRIBE:
        broker_filters(world, header->type == MQTT_PACKET_SUBSCRIBE, body, header->body_length);
        break;
    case MQTT_PACKET_PINGREQ:
        to_device(world, packet, mqtt_encode_empty(packet, sizeof packet, MQTT_PACKET_PINGRESP), 5);
        break;
    default:
        break;
    }
}

void broker_input(struct world *world, const uint8_t *data, size_t length)
{
    if (world->connection <= world->dead_connection)
        return;
    world_must(world->stream_length + length <= sizeof world->stream,
               "the broker's buffer is full");
    memcpy(world->stream + world->stream_length, data, length);
    world->stream_length += (uint32_t)length;
    for (;;) {
        struct mqtt_header header;
        const otter_status status =
            mqtt_decode_header(world->stream, world->stream_length, &header);
        if (status != OTTER_OK || world->stream_length < header.size + header.body_length ||
            world->connection <= world->dead_connection)
            return;
        broker_packet(world, &header, world->stream + header.size);
        const uint32_t size = header.size + header.body_length;
        world->stream_length -= size;
        memmove(world->stream, world->stream + size, world->stream_length);
    }
}

int broker_next(const struct world *world)
{
    int next = -1;
    for (uint32_t i = 0; i < world->event_count; i++) {
        if (next < 0 || world->events[i].at < world->events[next].at)
            next = (int)i;
    }
    return next;
}

/* The cloud dies, and with it what it has not read yet. */
static void may_kill_cloud(struct world *world)
{
    const struct trouble *trouble = &world->trouble;
    if (world->cloud.requests != trouble->kill_at && !world_happens(world, trouble->cloud_kills))
        return;
    if (trouble->kill_after_commit || (trouble->cloud_kills > 0 && world_random(world, 2) == 0))
        sim_cloud_commit(&world->cloud);
    sim_cloud_kill(&world->cloud);
    broker_hang_up(world);
    world->cloud_back_at = world->now + CLOUD_START_MS;
}

/* Taken out before anything is done with it: a power cut may end the call. */
void broker_deliver(struct world *world, int index)
{
    static uint8_t bytes[8192];
    struct world_event event = world->events[index];
    world->events[index] = world->events[--world->event_count];
    world_must(event.length <= sizeof bytes, "a message is too long");
    memcpy(bytes, event.bytes, event.length);
    free(event.bytes);
    event.bytes = bytes;
    if (event.type == TO_CLOUD && event.connection <= world->dead_connection)
        return;
    if (event.type == TO_CLOUD) {
        sim_cloud_receive(&world->cloud, event.connection, event.topic, event.bytes, event.length);
        may_kill_cloud(world);
    } else if (world->connected && event.connection == world->connection) {
        world->received += event.bytes[0] >> 4 == MQTT_PACKET_PUBLISH;
        (void)mqtt_input(&world->mqtt, world->now, event.bytes, event.length);
    }
}
