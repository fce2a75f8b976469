/* A connection's life: its states, their deadlines, who it is, how it begins and ends. */
#include "cloud/gateway/client.h"

#include <arpa/inet.h>
#include <event2/event.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cloud/core/account/users.h"
#include "cloud/gateway/crowd.h"
#include "cloud/gateway/events.h"
#include "cloud/gateway/flow.h"
#include "cloud/gateway/handshake.h"
#include "cloud/gateway/join.h"
#include "cloud/gateway/principals.h"
#include "cloud/gateway/turns.h"
#include "cloud/loop/metrics.h"

#define PATIENT_MS 86400000 /* a limit that is off */
#define JOINING_MS 20000    /* a broker that is started again, and a fleet before it */
#define LEAVING_MS 2000
#define REST_MS    5000

/* ---- ending --------------------------------------------------------------------------------- */

void client_finish(struct client *client)
{
    if (client->ending)
        return;
    client->ending = true;
    turns_add(client->gateway->turns, client);
}

void client_blame(struct client *client, const char *why)
{
    if (!client->ending)
        client->why = why;
}

static void say_goodbye(struct client *client, enum mqtt5_reason reason, const char *text,
                        void send(struct client *client, const void *data, size_t length))
{
    uint8_t words[MQTT5_REASON_SIZE], packet[MQTT5_REASON_SIZE + 16];
    const struct mqtt_reason why = {(uint8_t)reason, {words, mqtt5_reason(client, text, words)}};
    const int length =
        client->mqtt->encode_reason(packet, sizeof packet, MQTT_PACKET_DISCONNECT, &why);
    if (length > 0)
        send(client, packet, (size_t)length);
}

static bool may_be_told(const struct client *client)
{
    return client->mqtt5 && client->state == CLIENT_OPEN && !client->ending;
}

void client_fail(struct client *client, enum mqtt5_reason reason, const char *format, ...)
{
    va_list args;
    if (client->ending || client->state == CLIENT_LEAVING)
        return;
    va_start(args, format);
    vsnprintf(client->reason, sizeof client->reason, format, args);
    va_end(args);
    if (!may_be_told(client)) {
        client_finish(client);
        return;
    }
    say_goodbye(client, reason, client->reason, client_send_device);
    client_leave(client, client->reason);
}

/* Nobody turns the loop any more for what lies in a buffer. */
static void send_now(struct client *client, const void *data, size_t length)
{
    side_write(client->device, data, length);
    side_flush(client->device);
}

void client_farewell(struct client *client, enum mqtt5_reason reason)
{
    while (client->device && side_flush(client->device))
        ;
    if (may_be_told(client) && !client->web && /* a WebSocket's end says it */
        side_unsent(client->device) == 0)
        say_goodbye(client, reason, NULL, send_now);
}

void client_acknowledge(struct client *client, uint16_t packet_id, enum mqtt5_reason reason,
                        const char *why)
{
    uint8_t words[MQTT5_REASON_SIZE], packet[MQTT5_REASON_SIZE + 16];
    const struct mqtt_ack ack = {.packet_id = packet_id,
                                 .reason = (uint8_t)reason,
                                 .properties = {words, mqtt5_reason(client, why, words)}};
    if (client->mqtt5 && client->mqtt5->unacknowledged > 0)
        client->mqtt5->unacknowledged--;
    const int length = client->mqtt->encode_ack(packet, sizeof packet, MQTT_PACKET_PUBACK, &ack);
    if (length > 0)
        client_send_device(client, packet, (size_t)length);
}

void client_end(struct client *client, const char *format, ...)
{
    va_list args;
    if (client->ending)
        return;
    va_start(args, format);
    vsnprintf(client->reason, sizeof client->reason, format, args);
    va_end(args);
    client_finish(client);
}

static const char *display_name(const struct client *client)
{
    return client->id[0] ? client->id : client->address;
}

static void free_contents(struct client *client)
{
    identity_free(client->identity);
    principal_free(&client->principal);
    web_free(client->web);
    free(client->names);
    free(client->will_topic);
    free(client->will_payload);
    free(client->connect_packet);
    mqtt5_free(client->mqtt5);
    for (size_t i = 0; i < client->blocks_waiting; i++)
        reserved_blocks_free(client->blocks[i]);
}

static void log_end(const struct client *client)
{
    if (!client->reason[0])
        return;
    if (client->session)
        cloud_log("gateway", "%s disconnected: %s", display_name(client), client->reason);
    else
        crowd_log(client->gateway->crowd, "%s disconnected: %s", display_name(client),
                  client->reason);
}

static void end_tls(struct client *client)
{
    turns_remove(client->gateway->turns, client);
    handshake_end(client);
    side_free(client->device);
    if (client->ssl) { /* no side has it yet */
        evutil_closesocket(client->fd);
        SSL_free(client->ssl);
    }
}

void client_free(struct client *client)
{
    log_end(client);
    metric_add(client->was_open ? METRIC_DISCONNECTED : METRIC_STRANGERS_ENDED);
    LIST_REMOVE(client, all);
    gateway_sleep(client->gateway, client);
    crowd_leave(client->gateway->crowd, client);
    joiners_remove(client->gateway->joiners, client);
    principals_remove(client->gateway->principals, client);
    events_disconnected(client);
    if (client->session && client->session->client == client)
        session_leave(client->session);
    if (client->was_open)
        flow_end(client);
    side_free(client->broker);
    end_tls(client);
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
        return client->gateway->rules.greeting > 0 ? (int64_t)client->gateway->rules.greeting * 1000
                                                   : PATIENT_MS;
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

void client_touch(struct client *client)
{
    client->active_ms = monotonic_ms();
}

static int64_t idle_ms(const struct client *client)
{
    return monotonic_ms() - client->active_ms;
}

uint32_t client_expiry_s(const struct client *client)
{
    if (client->mqtt5)
        return client->mqtt5->expiry_s;
    return client->persistent ? rules_session_s(&client->gateway->rules) : 0;
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

void client_enter(struct client *client, enum client_state state)
{
    client->state = state;
    client_touch(client);
    arm(client);
}

void client_open(struct client *client)
{
    client_enter(client, CLIENT_OPEN);
    client->was_open = true;
    metric_add(METRIC_CONNECTED);
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
        client_refuse(client, MQTT5_SERVER_UNAVAILABLE, "%s", overdue_text(client));
        flow_run(client);
        return;
    }
    if (!client->ending && client->state == CLIENT_OPEN) {
        client_blame(client, WHY_SILENT);
        client_fail(client, MQTT5_KEEP_ALIVE_TIMEOUT, "%s", overdue_text(client));
        flow_run(client);
        return;
    }
    if (!client->ending && client->state != CLIENT_LEAVING)
        snprintf(client->reason, sizeof client->reason, "%s", overdue_text(client));
    client_free(client);
}

/* ---- identity ------------------------------------------------------------------------------- */

void client_check_identity(struct client *client)
{
    char label[PRINCIPAL_LABEL];
    client->identity_number = 0;
    if (client->principal.kind == PRINCIPAL_NONE)
        return;
    if (principal_is_active(client->cloud, &client->principal))
        return;
    principal_label(&client->principal, label);
    client_blame(client, WHY_RIGHTS);
    client_fail(client, MQTT5_ADMINISTRATIVE, "its %s is no longer ACTIVE", label);
    flow_run(client);
}

static void load_identity(struct client *client)
{
    struct identity_request request = {
        .principal = &client->principal,
        .client_id = client->id,
        .source_ip = client->address,
        .persistent_connect = client->persistent,
        .last_will = client->will_topic != NULL,
        .will_topic = client->will_topic,
    };
    if (client->principal.kind == PRINCIPAL_USER)
        user_principal_again(client->cloud, &client->principal);
    else
        client->principal.names = client->names ? json_loads(client->names, 0, NULL) : NULL;
    identity_free(client->identity);
    client->identity = identity_load(client->cloud, &request);
    gateway_wake(client->gateway, client);
    json_decref(client->principal.names); /* the identity has them now */
    client->principal.names = NULL;
    client->identity_number = client->gateway->identity_number;
}

bool client_rest(struct client *client)
{
    if (client->state != CLIENT_OPEN || client->ending || idle_ms(client) < REST_MS)
        return false;
    const bool had = client->identity || side_awake(client->device);
    identity_free(client->identity);
    client->identity = NULL;
    side_rest(client->device);
    return had;
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
    uint8_t head[MQTT_HEADER_MAX + 2 + 512], property[3];
    struct mqtt_publish publish = {.topic = {topic, strlen(topic)}, .payload = {payload, length}};
    if (!client_may_receive(client, topic))
        return;
    metric_add(METRIC_MESSAGES_OUT);
    if (!mqtt5_shorten(client, &publish, property)) {
        cloud_log("gateway", "%s takes packets of %u bytes: a longer one on %s is lost", client->id,
                  (unsigned)client->mqtt5->packet_max, topic);
        return;
    }
    int size = client->mqtt->encode_publish_head(head, sizeof head, &publish);
    if (size < 0)
        return;
    client_send_device_parts(client, head, (size_t)size, payload, length);
}

/* ---- joining the broker --------------------------------------------------------------------- */

void client_leave(struct client *client, const char *reason)
{
    if (reason != client->reason)
        snprintf(client->reason, sizeof client->reason, "%s", reason);
    side_set_low(client->device, 0);
    if (client->broker)
        side_set_low(client->broker, 0);
    joiners_remove(client->gateway->joiners, client);
    client_enter(client, CLIENT_LEAVING);
}

void client_refuse(struct client *client, enum mqtt5_reason reason, const char *format, ...)
{
    uint8_t words[MQTT5_REASON_SIZE], packet[MQTT5_REASON_SIZE + 16];
    va_list args;
    va_start(args, format);
    vsnprintf(client->reason, sizeof client->reason, format, args);
    va_end(args);
    const struct mqtt_connack connack = {
        .code = client->mqtt->code(MQTT_PACKET_CONNACK, reason),
        .properties = {words, mqtt5_reason(client, client->reason, words)}};
    int length = client->mqtt->encode_connack(packet, sizeof packet, &connack);
    if (length > 0)
        client_send_device(client, packet, (size_t)length);
    client_leave(client, client->reason);
}

void client_lost_broker(struct client *client)
{
    if (client->ending)
        return;
    if (client->state == CLIENT_JOINING) {
        client_refuse(client, MQTT5_SERVER_UNAVAILABLE, "the broker does not take it");
        flow_run(client);
    } else if (client->state == CLIENT_LEAVING) {
        flow_run(client);
    } else {
        client_blame(client, WHY_SERVER);
        client_fail(client, MQTT5_SERVER_SHUTTING_DOWN, "the broker closed its connection");
        flow_run(client);
    }
}

void client_join(struct client *client)
{
    crowd_know(client->gateway->crowd, client);
    client_enter(client, CLIENT_JOINING);
    joiners_add(client->gateway->joiners, client);
}

void client_joined(struct client *client, int fd)
{
    if (fd < 0 || !flow_broker(client, fd)) {
        int reason = errno;
        if (fd >= 0)
            evutil_closesocket(fd);
        client_refuse(client, MQTT5_SERVER_UNAVAILABLE, "the broker cannot be reached: %s",
                      strerror(reason));
        return;
    }
    client_send_broker(client, client->connect_packet, client->connect_length);
    free(client->connect_packet);
    client->connect_packet = NULL;
}

/* ---- beginning ------------------------------------------------------------------------------ */

/* Whether HTTP comes first, says the door and what was agreed on in TLS. */
static bool choose_web(struct client *client)
{
    enum tls_speech speech = tls_speech(client->ssl, client->door);
    if (speech != TLS_MQTT)
        client->web = web_new(speech == TLS_WEBSOCKET ? WEB_SOCKET : WEB_PUBLISH);
    return speech == TLS_MQTT || client->web;
}

static bool learn_principal(struct client *client)
{
    if (client->web && !web_has_certificate(client->web))
        return true; /* who signs the upgrade says it */
    if (!tls_peer(client->ssl, &client->principal)) {
        client_end(client, "it has no certificate");
        return false;
    }
    client->names = tls_peer_names(client->ssl);
    if (client->names && principals_add(client->gateway->principals, client))
        return true;
    client_end(client, "out of memory");
    return false;
}

void client_lost_device(struct client *client)
{
    if (client->ending)
        return;
    if (client->state == CLIENT_LEAVING) {
        client_finish(client);
    } else if (client->state == CLIENT_OPEN && client->is_waiting) {
        client->is_lost = true;
    } else {
        client_blame(client, WHY_LOST);
        client_end(client, "connection lost");
    }
}

void client_met(struct client *client)
{
    if (!choose_web(client)) {
        client_end(client, "out of memory");
        return;
    }
    if (!learn_principal(client))
        return;
    if (!flow_device(client)) {
        client_end(client, "out of memory");
        return;
    }
    client->state = CLIENT_GREETING; /* the deadline began with the connection */
    flow_run(client);
}

void client_not_met(struct client *client, const char *why)
{
    client_end(client, "TLS: %s", why ? why : "closed during the handshake");
}

void client_turn(struct client *client)
{
    if (client->ending) {
        client_free(client);
    } else if (client->state == CLIENT_HANDSHAKE) {
        handshake_step(client);
    } else {
        flow_turn(client);
        if (client->is_lost && !client->is_waiting)
            client_lost_device(client);
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

/* Takes over the socket if true. */
static bool open_tls(struct client *client, int fd)
{
    int on = 1;
    client->timer = evtimer_new(client->gateway->loop->base, on_timer, client);
    client->resume = evtimer_new(client->gateway->loop->base, flow_on_resume, client);
    client->ssl = tls_connection(client->gateway->tls, client);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (client->timer && client->resume && client->ssl && SSL_set_fd(client->ssl, fd) == 1 &&
        handshake_begin(client))
        return true;
    SSL_free(client->ssl);
    client->ssl = NULL;
    return false;
}

void client_new(struct gateway *gateway, int fd, const struct sockaddr *peer, enum door_kind door)
{
    struct client *client = calloc(1, sizeof *client);
    if (!client) {
        evutil_closesocket(fd);
        return;
    }
    client->gateway = gateway;
    client->cloud = gateway->cloud;
    client->door = door;
    client->fd = fd;
    client->mqtt = &mqtt_3_1_1; /* until it says */
    client->came_ms = monotonic_ms();
    uuid_make(client->connection_id);
    set_address(client, peer);
    LIST_INSERT_HEAD(&gateway->clients, client, all);
    gateway->came = true;
    crowd_enter(gateway->crowd, client);
    if (!open_tls(client, fd)) {
        evutil_closesocket(fd);
        client_free(client);
        return;
    }
    client_enter(client, CLIENT_HANDSHAKE);
}
