/* A connection's life: states, deadlines, flow control, the two buffers. */
#include "cloud/gateway/client.h"

#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cloud/broker/broker.h"
#include "cloud/gateway/crowd.h"
#include "cloud/gateway/events.h"
#include "cloud/gateway/join.h"
#include "cloud/gateway/principals.h"

#define GREETING_MS     15000 /* TLS and CONNECT: an emulated or small board needs seconds */
#define JOINING_MS      20000 /* a broker that is started again, and a fleet before it */
#define LEAVING_MS      2000
#define BROKER_BODY_MAX (1024u * 1024u)

static void flow(struct client *client);

/* ---- ending --------------------------------------------------------------------------------- */

/* Ends for the reason that is known already. */
static void finish(struct client *client)
{
    if (client->ending)
        return;
    client->ending = true;
    event_active(client->timer, EV_TIMEOUT, 0);
}

void client_blame(struct client *client, const char *why)
{
    if (!client->ending)
        client->why = why;
}

void client_end(struct client *client, const char *format, ...)
{
    va_list args;
    if (client->ending)
        return;
    va_start(args, format);
    vsnprintf(client->reason, sizeof client->reason, format, args);
    va_end(args);
    finish(client);
}

static const char *display_name(const struct client *client)
{
    return client->id[0] ? client->id : client->address;
}

static void free_contents(struct client *client)
{
    identity_free(client->identity);
    json_decref(client->names);
    free(client->will_topic);
    free(client->connect_packet);
    for (size_t i = 0; i < client->transfer_count; i++)
        streams_transfer_free(client->transfers[i]);
}

static void tell_end(const struct client *client)
{
    if (!client->reason[0])
        return;
    if (client->session)
        cloud_log("gateway", "%s disconnected: %s", display_name(client), client->reason);
    else
        crowd_log(client->gateway->crowd, "%s disconnected: %s", display_name(client),
                  client->reason);
}

void client_free(struct client *client)
{
    tell_end(client);
    LIST_REMOVE(client, all);
    crowd_leave(client->gateway->crowd, client);
    joiners_remove(client->gateway->joiners, client);
    principals_remove(client->gateway->principals, client);
    events_disconnected(client);
    if (client->session && client->session->client == client)
        session_leave(client->session);
    if (client->broker)
        bufferevent_free(client->broker);
    if (client->device) {
        /* Says goodbye in TLS without waiting for the other side's. */
        SSL *ssl = bufferevent_openssl_get_ssl(client->device);
        SSL_set_shutdown(ssl, SSL_RECEIVED_SHUTDOWN);
        SSL_shutdown(ssl);
        ERR_clear_error();
        bufferevent_free(client->device);
    }
    if (client->timer)
        event_free(client->timer);
    if (client->resume)
        event_free(client->resume);
    free_contents(client);
    free(client);
}

/* ---- deadlines ------------------------------------------------------------------------------ */

static int64_t allowed_ms(const struct client *client)
{
    switch (client->state) {
    case CLIENT_HANDSHAKE:
    case CLIENT_GREETING:
        return GREETING_MS;
    case CLIENT_JOINING:
        return JOINING_MS;
    case CLIENT_LEAVING:
        return LEAVING_MS;
    case CLIENT_OPEN:
        break;
    }
    return (int64_t)client->keep_alive_s * 1500;
}

static int64_t monotonic_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void touch(struct client *client)
{
    client->active_ms = monotonic_ms();
}

static int64_t idle_ms(const struct client *client)
{
    return monotonic_ms() - client->active_ms;
}

int64_t client_age_ms(const struct client *client)
{
    return monotonic_ms() - client->came_ms;
}

static void arm(struct client *client)
{
    int64_t left = allowed_ms(client) - idle_ms(client);
    if (left < 1)
        left = 1;
    struct timeval delay = {left / 1000, left % 1000 * 1000};
    event_add(client->timer, &delay);
}

static void enter(struct client *client, enum client_state state)
{
    client->state = state;
    touch(client);
    arm(client);
}

static const char *overdue_text(const struct client *client)
{
    switch (client->state) {
    case CLIENT_HANDSHAKE:
        return "the TLS handshake took too long";
    case CLIENT_GREETING:
        return "no CONNECT came";
    case CLIENT_JOINING:
        return "the broker does not answer";
    case CLIENT_LEAVING:
        return "";
    case CLIENT_OPEN:
        break;
    }
    return "nothing came within 1.5 times the keep alive";
}

static void on_timer(evutil_socket_t fd, short what, void *context)
{
    struct client *client = context;
    (void)fd, (void)what;
    if (!client->ending && idle_ms(client) < allowed_ms(client)) {
        arm(client);
        return;
    }
    if (!client->ending && client->state == CLIENT_JOINING) {
        client_refuse(client, MQTT_CONNACK_SERVER_UNAVAILABLE, "%s", overdue_text(client));
        flow(client);
        return;
    }
    if (!client->ending && client->state == CLIENT_OPEN)
        client->why = WHY_SILENT;
    if (!client->ending && client->state != CLIENT_LEAVING)
        snprintf(client->reason, sizeof client->reason, "%s", overdue_text(client));
    client_free(client);
}

/* ---- packets -------------------------------------------------------------------------------- */

static size_t unsent(struct bufferevent *to)
{
    return to ? evbuffer_get_length(bufferevent_get_output(to)) : 0;
}

bool client_is_full(const struct client *client)
{
    return unsent(client->device) >= OUTPUT_HIGH;
}

/* OTTER_E_AGAIN until a whole packet has arrived, OTTER_E_TOO_LONG for one that never will. */
static otter_status head_packet(struct evbuffer *input, uint32_t body_max, struct packet *packet)
{
    size_t length = evbuffer_get_length(input);
    size_t peek = length < MQTT_HEADER_MAX ? length : MQTT_HEADER_MAX;
    otter_status status =
        mqtt_decode_header(evbuffer_pullup(input, (ssize_t)peek), peek, &packet->header);
    if (status != OTTER_OK)
        return status;
    if (packet->header.body_length > body_max)
        return OTTER_E_TOO_LONG;
    packet->size = packet->header.size + packet->header.body_length;
    if (length < packet->size)
        return OTTER_E_AGAIN;
    packet->bytes = evbuffer_pullup(input, (ssize_t)packet->size);
    packet->body = packet->bytes + packet->header.size;
    return packet->bytes ? OTTER_OK : OTTER_E_MEMORY;
}

static bool has_bytes(const struct client *client, const struct bucket *bucket)
{
    return bucket_wait_us(bucket, client->gateway->rules.bytes) == 0;
}

static bool may_read_device(const struct client *client)
{
    return has_bytes(client, &client->bytes_from) &&
           (client->state == CLIENT_GREETING || client->state == CLIENT_OPEN) &&
           client->transfer_count < TRANSFERS_MAX &&
           client->subscribes_pending < SUBSCRIBES_PENDING &&
           unsent(client->broker) < OUTPUT_HIGH && unsent(client->device) < 2 * OUTPUT_HIGH;
}

static void read_device(struct client *client)
{
    struct evbuffer *input = bufferevent_get_input(client->device);
    struct packet packet;
    while (!client->ending && may_read_device(client)) {
        otter_status status = head_packet(input, MQTT_BODY_LIMIT, &packet);
        if (status == OTTER_E_AGAIN)
            return;
        if (status != OTTER_OK) {
            client_end(client, "its packet is %s (at most %u KiB of payload)",
                       otter_status_text(status), MQTT_PAYLOAD_MAX / 1024);
            return;
        }
        touch(client);
        bucket_spend(&client->bytes_from, client->gateway->rules.bytes, packet.size);
        from_device(client, &packet);
        evbuffer_drain(input, packet.size);
    }
}

/* QoS 1 is a promise: what comes too fast waits at the broker, which keeps it until it is
 * acknowledged. */
static bool must_wait(const struct client *client, const struct packet *packet)
{
    return packet->header.type == MQTT_PACKET_PUBLISH && (packet->header.flags & 0x06) != 0 &&
           bucket_next_us(&client->received, client->gateway->rules.publish) > 0;
}

static void read_broker(struct client *client)
{
    struct evbuffer *input = bufferevent_get_input(client->broker);
    struct packet packet;
    client->broker_held = false;
    while (!client->ending && client->state != CLIENT_LEAVING &&
           unsent(client->device) < OUTPUT_MAX && has_bytes(client, &client->bytes_to)) {
        otter_status status = head_packet(input, BROKER_BODY_MAX, &packet);
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
            enter(client, CLIENT_OPEN);
        evbuffer_drain(input, packet.size);
    }
}

void client_send_device(struct client *client, const void *data, size_t length)
{
    bufferevent_write(client->device, data, length);
    bucket_spend(&client->bytes_to, client->gateway->rules.bytes, length);
}

/* All but a plain QoS 0 message may change what the broker has to keep. */
static bool may_last(const uint8_t *packet)
{
    return packet[0] >> 4 != MQTT_PACKET_PUBLISH || (packet[0] & 0x07) != 0;
}

void client_send_broker(struct client *client, const void *data, size_t length)
{
    if (!client->broker)
        return;
    bufferevent_write(client->broker, data, length);
    if (may_last(data))
        broker_changed(client->cloud->broker);
}

/* ---- flow control --------------------------------------------------------------------------- */

void client_queue_transfer(struct client *client, struct streams_transfer *transfer)
{
    client->transfers[client->transfer_count++] = transfer; /* may_read_device keeps room */
}

static void drop_transfer(struct client *client)
{
    streams_transfer_free(client->transfers[0]);
    client->transfer_count--;
    for (unsigned i = 0; i < client->transfer_count; i++)
        client->transfers[i] = client->transfers[i + 1];
}

/* Makes blocks as long as the device takes them. */
static void pump_transfers(struct client *client)
{
    struct streams_message message;
    while (client->transfer_count > 0 && unsent(client->device) < OUTPUT_HIGH &&
           has_bytes(client, &client->bytes_to)) {
        if (!streams_transfer_next(client->transfers[0], &message))
            drop_transfer(client);
        else if (!gateway_drops_block(client->gateway, ++client->blocks_sent))
            client_deliver(client, message.topic, message.payload, message.length);
    }
}

static void set_reading(struct bufferevent *from, bool on)
{
    bool is_on = (bufferevent_get_enabled(from) & EV_READ) != 0;
    if (on && !is_on)
        bufferevent_enable(from, EV_READ);
    else if (!on && is_on)
        bufferevent_disable(from, EV_READ);
}

/* While the broker is joined nothing is taken, but a device that goes away should be noticed. */
static bool may_wait(const struct client *client)
{
    return client->state == CLIENT_JOINING &&
           evbuffer_get_length(bufferevent_get_input(client->device)) < OUTPUT_LOW;
}

/* Reads on, so that closing the socket does not take the last answer with it. */
static void leave(struct client *client)
{
    struct evbuffer *input = bufferevent_get_input(client->device);
    evbuffer_drain(input, evbuffer_get_length(input));
    if (unsent(client->device) == 0 && unsent(client->broker) == 0)
        finish(client);
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
    int64_t wait_us = sooner(bucket_wait_us(&client->bytes_from, rules->bytes),
                             bucket_wait_us(&client->bytes_to, rules->bytes));
    if (client->broker_held)
        wait_us = sooner(wait_us, bucket_next_us(&client->received, rules->publish) + 1);
    const struct timeval delay = {wait_us / 1000000, wait_us % 1000000};
    if (wait_us > 0 && !evtimer_pending(client->resume, NULL))
        event_add(client->resume, &delay);
}

/* Does all that can be done now, and asks for input where there is room for its consequences.
 * Called at the end of every callback. What was read before a pause is taken before more is asked
 * for: the TLS buffer has no bytes of its own left at that point, so no wake-up can be missed. */
static void flow(struct client *client)
{
    enum client_state before;
    bool held; /* the device was not read from, until the broker answered */
    if (client->ending)
        return;
    do {
        before = client->state;
        pump_transfers(client);
        read_device(client);
        held = !may_read_device(client);
        if (client->broker)
            read_broker(client);
    } while (!client->ending && (client->state != before || (held && may_read_device(client))));
    pump_transfers(client);
    if (client->ending)
        return;
    if (client->state == CLIENT_LEAVING) {
        leave(client);
        return;
    }
    if (client->state != CLIENT_HANDSHAKE)
        set_reading(client->device, may_read_device(client) || may_wait(client));
    if (client->broker)
        set_reading(client->broker, !client->broker_held && unsent(client->device) < OUTPUT_MAX &&
                                        has_bytes(client, &client->bytes_to));
    resume_later(client);
}

static void on_resume(evutil_socket_t fd, short what, void *context)
{
    (void)fd, (void)what;
    flow(context);
}

static void on_io(struct bufferevent *bev, void *context)
{
    (void)bev;
    flow(context);
}

/* While nothing is read from the device, that it takes what it is sent shows that it is alive. */
static void on_device_drained(struct bufferevent *bev, void *context)
{
    struct client *client = context;
    if (client->state == CLIENT_OPEN && !(bufferevent_get_enabled(bev) & EV_READ))
        touch(client);
    flow(client);
}

/* ---- identity ------------------------------------------------------------------------------- */

void client_check_identity(struct client *client)
{
    client->identity_number = 0;
    if (identity_is_active(client->cloud, client->certificate))
        return;
    client_blame(client, WHY_RIGHTS);
    client_end(client, "its certificate %.8s... is no longer ACTIVE", client->certificate);
}

static void load_identity(struct client *client)
{
    struct identity_request request = {
        .certificate = client->certificate,
        .client_id = client->id,
        .source_ip = client->address,
        .names = client->names,
        .persistent_connect = client->persistent,
        .last_will = client->will_topic != NULL,
        .will_topic = client->will_topic,
    };
    identity_free(client->identity);
    client->identity = identity_load(client->cloud, &request);
    client->identity_number = client->gateway->identity_number;
}

bool client_may(struct client *client, const char *action, const char *type, const char *name)
{
    if (client->identity_number != client->gateway->identity_number || !client->identity)
        load_identity(client);
    return client->identity && identity_allows(client->identity, action, type, name);
}

bool client_may_receive(struct client *client, const char *topic)
{
    if (client_may(client, "iot:Receive", "topic", topic))
        return true;
    if (!client->told_receive_denied)
        cloud_log("gateway", "%s may not receive %s: its policies lack iot:Receive on it",
                  client->id, topic);
    client->told_receive_denied = true;
    return false;
}

void client_deliver(struct client *client, const char *topic, const void *payload, size_t length)
{
    uint8_t head[MQTT_HEADER_MAX + 2 + 512];
    struct mqtt_publish publish = {.topic = {topic, strlen(topic)}, .payload = {payload, length}};
    int size = mqtt_encode_publish_head(head, sizeof head, &publish);
    if (size < 0 || !client_may_receive(client, topic))
        return;
    client_send_device(client, head, (size_t)size);
    client_send_device(client, payload, length);
}

/* ---- joining the broker --------------------------------------------------------------------- */

void client_leave(struct client *client, const char *reason)
{
    if (reason != client->reason)
        snprintf(client->reason, sizeof client->reason, "%s", reason);
    bufferevent_setwatermark(client->device, EV_WRITE, 0, 0);
    if (client->broker)
        bufferevent_setwatermark(client->broker, EV_WRITE, 0, 0);
    joiners_remove(client->gateway->joiners, client);
    enter(client, CLIENT_LEAVING);
}

void client_refuse(struct client *client, uint8_t code, const char *format, ...)
{
    uint8_t packet[8];
    struct mqtt_connack connack = {false, code};
    va_list args;
    va_start(args, format);
    vsnprintf(client->reason, sizeof client->reason, format, args);
    va_end(args);
    int length = mqtt_encode_connack(packet, sizeof packet, &connack);
    if (length > 0)
        client_send_device(client, packet, (size_t)length);
    client_leave(client, client->reason);
}

static void on_broker_event(struct bufferevent *bev, short what, void *context)
{
    struct client *client = context;
    (void)bev;
    if (client->ending)
        return;
    (void)what;
    if (client->state == CLIENT_JOINING) {
        client_refuse(client, MQTT_CONNACK_SERVER_UNAVAILABLE, "the broker does not take it");
        flow(client);
    } else if (client->state == CLIENT_LEAVING) {
        flow(client);
    } else {
        client_blame(client, WHY_SERVER);
        client_end(client, "the broker closed its connection");
    }
}

void client_join(struct client *client)
{
    crowd_know(client->gateway->crowd, client);
    enter(client, CLIENT_JOINING);
    joiners_add(client->gateway->joiners, client);
}

void client_joined(struct client *client, int fd)
{
    client->broker =
        fd >= 0 ? bufferevent_socket_new(client->cloud->base, fd, BEV_OPT_CLOSE_ON_FREE) : NULL;
    if (!client->broker) {
        int reason = errno;
        if (fd >= 0)
            evutil_closesocket(fd);
        client_refuse(client, MQTT_CONNACK_SERVER_UNAVAILABLE, "the broker cannot be reached: %s",
                      strerror(reason));
        return;
    }
    bufferevent_setcb(client->broker, on_io, on_io, on_broker_event, client);
    bufferevent_setwatermark(client->broker, EV_WRITE, OUTPUT_LOW, 0);
    bufferevent_enable(client->broker, EV_READ | EV_WRITE);
    client_send_broker(client, client->connect_packet, client->connect_length);
    free(client->connect_packet);
    client->connect_packet = NULL;
}

/* ---- beginning ------------------------------------------------------------------------------ */

static void shaken_hands(struct client *client)
{
    SSL *ssl = bufferevent_openssl_get_ssl(client->device);
    if (!tls_peer(ssl, client->certificate, &client->names)) {
        client_end(client, "it has no certificate");
        return;
    }
    if (!principals_add(client->gateway->principals, client)) {
        client_end(client, "out of memory");
        return;
    }
    client->state = CLIENT_GREETING; /* the deadline began with the connection */
    bufferevent_enable(client->device, EV_READ | EV_WRITE);
    flow(client);
}

static void on_device_event(struct bufferevent *device, short what, void *context)
{
    struct client *client = context;
    unsigned long error = bufferevent_get_openssl_error(device);
    if (client->ending)
        return;
    if (what & BEV_EVENT_CONNECTED)
        shaken_hands(client);
    else if (client->state == CLIENT_HANDSHAKE)
        client_end(client, "TLS: %s",
                   error ? ERR_reason_error_string(error) : "closed during the handshake");
    else if (client->state == CLIENT_LEAVING)
        finish(client);
    else {
        client_blame(client, WHY_LOST);
        client_end(client, "connection lost");
    }
}

static void set_address(struct client *client, const struct sockaddr *peer)
{
    if (peer->sa_family == AF_INET)
        inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)peer)->sin_addr,
                  client->address, sizeof client->address);
    else if (peer->sa_family == AF_INET6)
        inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)peer)->sin6_addr,
                  client->address, sizeof client->address);
}

static bool open_tls(struct client *client, int fd)
{
    int on = 1;
    SSL *ssl = tls_connection(client->gateway->tls, client);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    client->timer = evtimer_new(client->cloud->base, on_timer, client);
    client->resume = evtimer_new(client->cloud->base, on_resume, client);
    if (ssl && client->timer && client->resume)
        client->device = bufferevent_openssl_socket_new(
            client->cloud->base, fd, ssl, BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
    else
        SSL_free(ssl);
    return client->device != NULL;
}

void client_new(struct gateway *gateway, int fd, const struct sockaddr *peer)
{
    struct client *client = calloc(1, sizeof *client);
    if (!client) {
        evutil_closesocket(fd);
        return;
    }
    client->gateway = gateway;
    client->cloud = gateway->cloud;
    client->came_ms = monotonic_ms();
    uuid_make(client->connection_id);
    set_address(client, peer);
    LIST_INSERT_HEAD(&gateway->clients, client, all);
    crowd_enter(gateway->crowd, client);
    if (!open_tls(client, fd)) {
        evutil_closesocket(fd);
        client_free(client);
        return;
    }
    /* A peer that just closes loses nothing we care about: MQTT has its own end. */
    bufferevent_openssl_set_allow_dirty_shutdown(client->device, 1);
    bufferevent_setcb(client->device, on_io, on_device_drained, on_device_event, client);
    bufferevent_setwatermark(client->device, EV_WRITE, OUTPUT_LOW, 0);
    bufferevent_enable(client->device, EV_READ | EV_WRITE);
    enter(client, CLIENT_HANDSHAKE);
}
