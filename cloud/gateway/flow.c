/* Flow control of a connection: what is read, when, and what has to wait. */
#include "cloud/gateway/flow.h"

#include <event2/buffer.h>
#include <event2/event.h>

#include "cloud/broker/broker.h"
#include "cloud/gateway/client.h"
#include "cloud/gateway/turns.h"

#define BROKER_BODY_MAX (1024u * 1024u)

bool client_is_full(const struct client *client)
{
    return side_unsent(client->device) >= OUTPUT_HIGH;
}

static bool has_bytes(const struct client *client, const struct rate_bucket *bucket)
{
    return rate_wait_us(bucket, client->gateway->rules.bytes) == 0;
}

static bool may_read_device(const struct client *client)
{
    return !client->is_waiting && has_bytes(client, &client->bytes_from) &&
           (client->state == CLIENT_GREETING || client->state == CLIENT_OPEN) &&
           client->blocks_waiting < BLOCKS_WAITING &&
           client->subscribes_pending < SUBSCRIBES_PENDING &&
           side_unsent(client->broker) < OUTPUT_HIGH &&
           side_unsent(client->device) < 2 * OUTPUT_HIGH;
}

/* In MQTT 5 what CONNACK says counts, and with it properties. */
static uint32_t body_limit(const struct client *client)
{
    return client->mqtt5 ? MQTT5_PACKET_LIMIT - 4u : MQTT_BODY_LIMIT;
}

/* What the cloud itself has to answer, mostly from the database, takes some hundred times as long
 * as a packet that is passed on: it is answered in turns (turns.h). */
static bool is_request(const struct client *client, const struct packet *packet)
{
    return client->state == CLIENT_OPEN && packet->header.type == MQTT_PACKET_PUBLISH &&
           packet->seen > 2 && packet->body[2] == '$'; /* behind the topic's length */
}

static void read_device(struct client *client)
{
    struct evbuffer *input;
    struct packet packet;
    if (!may_read_device(client))
        return;
    input = client->web ? web_input(client) : side_input(client->device);
    while (input && !client->ending && may_read_device(client)) {
        otter_status status = packet_peek(input, client->mqtt, body_limit(client), &packet);
        if (status == OTTER_E_AGAIN)
            return;
        if (status != OTTER_OK) {
            client_fail(client,
                        status == OTTER_E_TOO_LONG ? MQTT5_PACKET_TOO_LARGE
                                                   : MQTT5_MALFORMED_PACKET,
                        "its packet is %s (at most %u KiB of payload)", otter_status_text(status),
                        MQTT_PAYLOAD_MAX / 1024);
            return;
        }
        if (is_request(client, &packet) && !client->has_turn) {
            turns_add(client->gateway->turns, client);
            return;
        }
        client->has_turn = false;
        client_touch(client);
        rate_spend(&client->bytes_from, client->gateway->rules.bytes, packet.size);
        from_device(client, &packet);
        packet_done(&packet);
    }
}

/* QoS 1 is a promise: what comes too fast waits at the broker, which keeps it until it is
 * acknowledged. */
static bool must_wait(const struct client *client, const struct packet *packet)
{
    return packet->header.type == MQTT_PACKET_PUBLISH && (packet->header.flags & 0x06) != 0 &&
           rate_next_us(&client->received, client->gateway->rules.publish) > 0;
}

static void read_broker(struct client *client)
{
    struct evbuffer *input = side_input(client->broker);
    struct packet packet;
    client->broker_held = false;
    while (!client->ending && client->state != CLIENT_LEAVING &&
           side_unsent(client->device) < OUTPUT_MAX && has_bytes(client, &client->bytes_to)) {
        otter_status status = packet_peek(input, client->mqtt, BROKER_BODY_MAX, &packet);
        if (status == OTTER_E_AGAIN)
            return;
        if (status != OTTER_OK) {
            client_end(client, "the broker sent a packet that is %s", otter_status_text(status));
            return;
        }
        client->broker_held = must_wait(client, &packet);
        if (client->broker_held)
            return;
        from_broker(client, &packet);
        if (client->state == CLIENT_JOINING && packet.header.type == MQTT_PACKET_CONNACK)
            client_open(client);
        packet_done(&packet);
    }
}

void client_send_device_parts(struct client *client, const void *head, size_t head_length,
                              const void *data, size_t length)
{
    web_frame(client, head_length + length);
    side_write(client->device, head, head_length);
    if (length > 0)
        side_write(client->device, data, length);
    rate_spend(&client->bytes_to, client->gateway->rules.bytes, head_length + length);
}

void client_send_device(struct client *client, const void *data, size_t length)
{
    client_send_device_parts(client, data, length, NULL, 0);
}

void client_relay_device(struct client *client, struct packet *packet)
{
    web_frame(client, packet->size);
    if (!packet_move(packet, side_output(client->device)))
        client_end(client, "out of memory");
    rate_spend(&client->bytes_to, client->gateway->rules.bytes, packet->size);
}

void client_relay_device_as(struct client *client, struct packet *packet,
                            const struct mqtt_bytes *head, size_t payload)
{
    web_frame(client, head->length + payload);
    if (!packet_move_as(packet, head, payload, side_output(client->device)))
        client_end(client, "out of memory");
    rate_spend(&client->bytes_to, client->gateway->rules.bytes, head->length + payload);
}

/* All but a plain QoS 0 message may change what the broker has to keep. */
static bool may_last(unsigned type, unsigned flags)
{
    return type != MQTT_PACKET_PUBLISH || (flags & 0x07) != 0;
}

void client_send_broker(struct client *client, const void *data, size_t length)
{
    const uint8_t first = *(const uint8_t *)data;
    if (!client->broker)
        return;
    side_write(client->broker, data, length);
    if (may_last(first >> 4, first & 0x0f))
        broker_changed(client->gateway->broker);
}

void client_relay_broker(struct client *client, struct packet *packet)
{
    if (!client->broker)
        return;
    if (!packet_move(packet, side_output(client->broker)))
        client_end(client, "out of memory");
    if (may_last(packet->header.type, packet->header.flags))
        broker_changed(client->gateway->broker);
}

void client_relay_broker_as(struct client *client, struct packet *packet,
                            const struct mqtt_bytes *head, size_t payload)
{
    if (!client->broker)
        return;
    if (!packet_move_as(packet, head, payload, side_output(client->broker)))
        client_end(client, "out of memory");
    if (may_last(packet->header.type, packet->header.flags))
        broker_changed(client->gateway->broker);
}

/* ---- flow control --------------------------------------------------------------------------- */

void client_queue_blocks(struct client *client, struct reserved_blocks *blocks)
{
    client->blocks[client->blocks_waiting++] = blocks; /* may_read_device keeps room */
}

static void drop_blocks(struct client *client)
{
    reserved_blocks_free(client->blocks[0]);
    client->blocks_waiting--;
    for (unsigned i = 0; i < client->blocks_waiting; i++)
        client->blocks[i] = client->blocks[i + 1];
}

/* Makes blocks as long as the device takes them. */
static void pump_blocks(struct client *client)
{
    struct reserved_message message;
    while (client->blocks_waiting > 0 && side_unsent(client->device) < OUTPUT_HIGH &&
           has_bytes(client, &client->bytes_to)) {
        if (!reserved_blocks_next(client->blocks[0], &message))
            drop_blocks(client);
        else if (!gateway_drops_block(client->gateway, ++client->blocks_sent))
            client_deliver(client, message.topic, message.payload, message.length);
    }
}

/* While the broker is joined, or its turn has not come, nothing is taken, but a device that goes
 * away should be noticed. */
static bool may_wait(const struct client *client)
{
    return (client->state == CLIENT_JOINING || client->is_waiting) &&
           evbuffer_get_length(side_input(client->device)) < OUTPUT_LOW;
}

/* Something waits until a side has taken what it was sent. */
static bool is_held_up(const struct client *client)
{
    return client->blocks_waiting > 0 || client->state == CLIENT_LEAVING ||
           !side_reads(client->device) || (client->broker && !side_reads(client->broker));
}

/* While nothing is read from the device, that it takes what it is sent shows that it is alive. */
static void send_all(struct client *client)
{
    const bool to_device = side_flush(client->device);
    const bool to_broker = client->broker && side_flush(client->broker);
    if (side_awake(client->device))
        gateway_wake(client->gateway, client);
    if (to_device && client->state == CLIENT_OPEN && !side_reads(client->device))
        client_touch(client);
    if (!is_held_up(client))
        return;
    if (to_device)
        side_await_room(client->device);
    if (to_broker)
        side_await_room(client->broker);
}

/* Reads on, so that closing the socket does not take the last answer with it. */
static void leave(struct client *client)
{
    struct evbuffer *input = side_input(client->device);
    evbuffer_drain(input, evbuffer_get_length(input));
    web_close(client);
    send_all(client);
    if (side_unsent(client->device) == 0 && side_unsent(client->broker) == 0)
        client_finish(client);
}

/* The shorter of two waits; 0 is none. */
static int64_t sooner(int64_t a_us, int64_t b_us)
{
    return a_us == 0 || (b_us > 0 && b_us < a_us) ? b_us : a_us;
}

/* Too much went by: the rest goes on when its time has come. */
static void resume_later(struct client *client)
{
    const struct rules *rules = &client->gateway->rules;
    int64_t wait_us = sooner(rate_wait_us(&client->bytes_from, rules->bytes),
                             rate_wait_us(&client->bytes_to, rules->bytes));
    if (client->broker_held)
        wait_us = sooner(wait_us, rate_next_us(&client->received, rules->publish) + 1);
    const struct timeval delay = {wait_us / 1000000, wait_us % 1000000};
    if (wait_us > 0 && !evtimer_pending(client->resume, NULL))
        event_add(client->resume, &delay);
}

static void set_reading(struct client *client)
{
    if (client->state != CLIENT_HANDSHAKE)
        side_read(client->device, may_read_device(client) || may_wait(client));
    if (client->broker)
        side_read(client->broker, !client->broker_held &&
                                      side_unsent(client->device) < OUTPUT_MAX &&
                                      has_bytes(client, &client->bytes_to));
}

/* Does all that can be done now, and asks for input where there is room for its consequences.
 * Called at the end of every callback. What was read before a pause is taken before more is asked
 * for. */
void flow_run(struct client *client)
{
    enum client_state before;
    bool held; /* the device was not read from, until the broker answered */
    if (client->ending)
        return;
    do {
        before = client->state;
        pump_blocks(client);
        read_device(client);
        held = !may_read_device(client);
        if (client->broker)
            read_broker(client);
    } while (!client->ending && (client->state != before || (held && may_read_device(client))));
    pump_blocks(client);
    if (client->ending)
        return;
    if (client->state == CLIENT_LEAVING) {
        leave(client);
        return;
    }
    set_reading(client);
    send_all(client);
    resume_later(client);
}

void flow_turn(struct client *client)
{
    client->has_turn = true;
    flow_run(client);
    client->has_turn = false;
}

void flow_on_resume(evutil_socket_t fd, short what, void *context)
{
    (void)fd, (void)what;
    flow_run(context);
}

/* ---- the sides ------------------------------------------------------------------------------ */

static void on_flow(void *context)
{
    flow_run(context);
}

static void on_device_end(void *context)
{
    client_lost_device(context);
}

static void on_broker_end(void *context)
{
    client_lost_broker(context);
}

bool flow_device(struct client *client)
{
    static const struct side_calls calls = {on_flow, on_flow, on_device_end};
    client->device = side_new(client->gateway->sides, client->fd, client->ssl, &calls, client);
    if (!client->device)
        return false;
    client->ssl = NULL;
    side_set_low(client->device, OUTPUT_LOW);
    side_read(client->device, true);
    return true;
}

bool flow_broker(struct client *client, int fd)
{
    static const struct side_calls calls = {on_flow, on_flow, on_broker_end};
    client->broker = side_new(client->gateway->sides, fd, NULL, &calls, client);
    if (!client->broker)
        return false;
    side_set_low(client->broker, OUTPUT_LOW);
    side_read(client->broker, true);
    return true;
}

void flow_end(struct client *client)
{
    while (client->broker && side_flush(client->broker))
        ;
}
