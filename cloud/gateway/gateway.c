/* The listener, and the parts that connections meet in. */
#include "cloud/gateway/gateway.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/core/fleet/fleet.h"
#include "cloud/gateway/client.h"
#include "cloud/gateway/crowd.h"
#include "cloud/loop/delay.h"
#include "cloud/gateway/events.h"
#include "cloud/gateway/join.h"
#include "cloud/gateway/presence_notes.h"
#include "cloud/gateway/principals.h"
#include "cloud/gateway/turns.h"
#include "cloud/loop/door.h"
#include "cloud/store/db.h"

#define REST_MS    100 /* between two looks at who says nothing */
#define REST_ROOM  100u
#define TRIM_RESTS 50u

#define BACKLOG 4096 /* of the listening socket: a fleet that comes back comes at once */

/* ---- connections ---------------------------------------------------------------------------- */

bool gateway_drops_block(struct gateway *gateway, unsigned number)
{
    return gateway->drop_blocks && number % gateway->drop_blocks == 0;
}

void gateway_wake(struct gateway *gateway, struct client *client)
{
    if (!client->is_awake)
        TAILQ_INSERT_TAIL(&gateway->awake, client, as_awake);
    client->is_awake = true;
}

void gateway_sleep(struct gateway *gateway, struct client *client)
{
    if (client->is_awake)
        TAILQ_REMOVE(&gateway->awake, client, as_awake);
    client->is_awake = false;
}

static void on_identity_changed(void *context, const char *certificate)
{
    struct gateway *gateway = context;
    if (certificate)
        principals_check(gateway->principals, PRINCIPAL_CERTIFICATE, certificate);
    else
        gateway->identity_number++;
}

static void on_user_changed(void *context, const char *user)
{
    (void)user; /* they are few, and their rights are read again at the next packet */
    ((struct gateway *)context)->identity_number++;
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *peer,
                      int length, void *context)
{
    const struct door_listener *door = context;
    (void)listener, (void)length;
    client_new(door->gateway, fd, peer, door->kind);
}

/* ---- start and stop ------------------------------------------------------------------------- */

static bool listen_on(struct gateway *gateway, enum door_kind kind, const char *address,
                      uint16_t port)
{
    struct door_listener *door = &gateway->doors[kind];
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    if (inet_pton(AF_INET, address, &to.sin_addr) != 1) {
        errno = EADDRNOTAVAIL;
        return false;
    }
    *door = (struct door_listener){.gateway = gateway, .kind = kind};
    door->listener =
        evconnlistener_new_bind(gateway->loop->base, on_accept, door,
                                LEV_OPT_CLOSE_ON_FREE | LEV_OPT_REUSEABLE | LEV_OPT_CLOSE_ON_EXEC,
                                BACKLOG, (struct sockaddr *)&to, sizeof to);
    return door->listener != NULL;
}

static uint16_t listener_port(const struct gateway *gateway, enum door_kind kind)
{
    struct sockaddr_in address;
    socklen_t length = sizeof address;
    getsockname(evconnlistener_get_fd(gateway->doors[kind].listener), (struct sockaddr *)&address,
                &length);
    return ntohs(address.sin_port);
}

static bool listen_or_free(struct gateway *gateway, enum door_kind kind, const char *address,
                           uint16_t port, bool or_free)
{
    return listen_on(gateway, kind, address, port) ||
           (or_free && listen_on(gateway, kind, address, 0));
}

/* On a slow network the relay has the door, and the gateway a port of its own behind it. */
static bool open_door(struct gateway *gateway, const struct gateway_config *config)
{
    const char *address = config->address ? config->address : "127.0.0.1";
    if (!config->delay_ms && !config->rate_kib)
        return listen_or_free(gateway, DOOR_MQTT, address, config->port, config->or_free);
    if (!listen_on(gateway, DOOR_MQTT, "127.0.0.1", 0))
        return false;
    struct delay_config delay = {.address = address,
                                 .port = config->port,
                                 .to_port = listener_port(gateway, DOOR_MQTT),
                                 .each_way_us = config->delay_ms * 1000 / 2,
                                 .bytes_per_second = config->rate_kib * 1024};
    gateway->delay = delay_start(gateway->loop->base, &delay);
    if (!gateway->delay && config->or_free) {
        delay.port = 0;
        gateway->delay = delay_start(gateway->loop->base, &delay);
    }
    return gateway->delay != NULL;
}

/* Most devices say nothing most of the time: what can be had again is given back, by a few of them
 * at a time. */
static void rest_some(struct gateway *gateway)
{
    struct client *client, *last = TAILQ_LAST(&gateway->awake, client_queue);
    for (unsigned i = 0; i < REST_ROOM && (client = TAILQ_FIRST(&gateway->awake)) != NULL; i++) {
        gateway_sleep(gateway, client);
        if (client_rest(client))
            gateway->given = true;
        else
            gateway_wake(gateway, client);
        if (client == last)
            break;
    }
}

/* What a crowd that came left in the heap's holes goes back as well: the C library keeps it
 * otherwise. */
static void on_rest(evutil_socket_t fd, short what, void *context)
{
    struct gateway *gateway = context;
    (void)fd, (void)what;
    rest_some(gateway);
    if (++gateway->rests % TRIM_RESTS != 0)
        return;
    if (gateway->given && !gateway->came) { /* while they come it would be for nothing */
        malloc_trim(0);
        gateway->given = false;
    }
    gateway->came = false;
}

static bool start_rest(struct gateway *gateway)
{
    const struct timeval period = {0, REST_MS * 1000L};
    gateway->rest = event_new(gateway->loop->base, -1, EV_PERSIST, on_rest, gateway);
    return gateway->rest && event_add(gateway->rest, &period) == 0;
}

static bool make_parts(struct gateway *gateway)
{
    gateway->turns = turns_new(gateway->loop->base);
    gateway->sides = sides_new(gateway->loop->base);
    gateway->joiners = joiners_new(gateway);
    gateway->sessions = sessions_new(gateway->loop, rules_session_s(&gateway->rules));
    gateway->principals = principals_new();
    gateway->presence = presence_notes_new(gateway->loop);
    return start_rest(gateway) && gateway->turns && gateway->sides && gateway->joiners &&
           gateway->sessions && gateway->principals && gateway->presence;
}

static bool open_web_doors(struct gateway *gateway, const struct gateway_config *config,
                           char *reason, size_t size)
{
    const char *address = config->address ? config->address : "127.0.0.1";
    if (!listen_or_free(gateway, DOOR_WEB, address, config->web_port, config->web_or_free))
        snprintf(reason, size, "cannot listen on %s port %u for MQTT over WebSockets: %s", address,
                 config->web_port, strerror(errno));
    else if (!listen_or_free(gateway, DOOR_PUBLISH, address, config->publish_port,
                             config->publish_or_free))
        snprintf(reason, size, "cannot listen on %s port %u for messages by HTTPS: %s", address,
                 config->publish_port, strerror(errno));
    else
        return true;
    return false;
}

static bool watch_doors(struct gateway *gateway)
{
    gateway->crowd = crowd_new(gateway->loop->base, door_raise_descriptors());
    bool watched = gateway->crowd != NULL;
    for (int i = 0; watched && i < DOORS; i++)
        watched = crowd_watch(gateway->crowd, gateway->loop->base, gateway->doors[i].listener);
    return watched;
}

static bool start(struct gateway *gateway, const struct gateway_config *config, char *reason,
                  size_t size)
{
    snprintf(reason, size, "out of memory");
    if (!make_parts(gateway))
        return false;
    gateway->tls = tls_context(gateway->cloud, config->names, reason, size);
    if (!gateway->tls)
        return false;
    if (!open_door(gateway, config)) {
        snprintf(reason, size, "cannot listen on %s port %u for MQTT: %s",
                 config->address ? config->address : "127.0.0.1", config->port, strerror(errno));
        return false;
    }
    return open_web_doors(gateway, config, reason, size) && watch_doors(gateway);
}

struct gateway *gateway_start(struct loop *loop, struct broker *broker,
                              const struct gateway_config *config, char *reason, size_t size)
{
    struct gateway *gateway = calloc(1, sizeof *gateway);
    if (!gateway) {
        snprintf(reason, size, "out of memory");
        return NULL;
    }
    gateway->loop = loop;
    gateway->broker = broker;
    gateway->cloud = loop->cloud;
    gateway->drop_blocks = config->drop_blocks;
    gateway->rules = config->rules;
    gateway->identity_number = 1;
    LIST_INIT(&gateway->clients);
    TAILQ_INIT(&gateway->awake);
    if (start(gateway, config, reason, size)) {
        gateway->cloud->watch.identity_changed = on_identity_changed;
        gateway->cloud->watch.user_changed = on_user_changed;
        gateway->cloud->watch.identity_context = gateway;
        return gateway;
    }
    gateway_stop(gateway);
    return NULL;
}

uint16_t gateway_port(const struct gateway *gateway)
{
    return gateway->delay ? delay_port(gateway->delay) : listener_port(gateway, DOOR_MQTT);
}

uint16_t gateway_web_port(const struct gateway *gateway)
{
    return listener_port(gateway, DOOR_WEB);
}

uint16_t gateway_publish_port(const struct gateway *gateway)
{
    return listener_port(gateway, DOOR_PUBLISH);
}

void gateway_stop(struct gateway *gateway)
{
    if (!gateway)
        return;
    db_flush(gateway->cloud->db); /* what waits for the commit still leaves */
    if (gateway->cloud->watch.identity_context == gateway)
        gateway->cloud->watch =
            (struct cloud_watch){.thing_removed = gateway->cloud->watch.thing_removed};
    fleet_forget_waiting(gateway->cloud); /* their answers go through here */
    while (!LIST_EMPTY(&gateway->clients)) {
        client_blame(LIST_FIRST(&gateway->clients), WHY_STOPPING);
        client_farewell(LIST_FIRST(&gateway->clients), MQTT5_SERVER_SHUTTING_DOWN);
        client_free(LIST_FIRST(&gateway->clients));
    }
    delay_stop(gateway->delay);
    crowd_free(gateway->crowd);
    for (int i = 0; i < DOORS; i++)
        if (gateway->doors[i].listener)
            evconnlistener_free(gateway->doors[i].listener);
    if (gateway->rest)
        event_free(gateway->rest);
    turns_free(gateway->turns);
    sides_free(gateway->sides);
    joiners_free(gateway->joiners);
    sessions_free(gateway->sessions);
    principals_free(gateway->principals);
    presence_notes_free(gateway->presence);
    SSL_CTX_free(gateway->tls);
    free(gateway);
}
