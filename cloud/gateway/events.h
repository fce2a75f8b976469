/* What AWS IoT tells about connections, below $aws/events: presence/connected, disconnected and
 * connect_failed, subscriptions/subscribed and unsubscribed, each with the client id at the end.
 * Not for client ids with `+` or `#`, which no topic can hold. */
#ifndef OTTER_CLOUD_GATEWAY_EVENTS_H
#define OTTER_CLOUD_GATEWAY_EVENTS_H

#include <stddef.h>

struct client;
struct mqtt_filter;

/* disconnectReason */
#define WHY_CLIENT    "CLIENT_ERROR"
#define WHY_GOODBYE   "CLIENT_INITIATED_DISCONNECT"
#define WHY_LOST      "CONNECTION_LOST"
#define WHY_SILENT    "MQTT_KEEP_ALIVE_TIMEOUT"
#define WHY_DUPLICATE "DUPLICATE_CLIENTID"
#define WHY_RIGHTS    "AUTH_ERROR"
#define WHY_SERVER    "SERVER_ERROR"
#define WHY_STOPPING  "SERVER_INITIATED_DISCONNECT"

void events_connected(struct client *client);
/* For a connection that events_connected told of; nothing for others. */
void events_disconnected(const struct client *client);
/* No policy allows CONNECT or its will. */
void events_connect_failed(struct client *client);
void events_subscribed(const struct client *client, const struct mqtt_filter *filters,
                       size_t count);
void events_unsubscribed(const struct client *client, const struct mqtt_filter *filters,
                         size_t count);

#endif
