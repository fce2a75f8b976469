/* HTTP in front of a device's connection, on the ports that AWS IoT has for it:
 *
 *   443   without ALPN: an upgrade at /mqtt, signed with an access key, then MQTT in WebSockets;
 *         ALPN x-amzn-mqtt-ca: MQTT with a client certificate, as on 8883;
 *         ALPN x-amzn-http-ca: as 8443
 *   8443  POST /topics/TOPIC?qos=N with a client certificate
 *
 * What comes out of a WebSocket is read as MQTT by the rest of the gateway, and what goes into it
 * is framed, packet by packet. A close frame counts as DISCONNECT. */
#ifndef OTTER_CLOUD_GATEWAY_WEB_H
#define OTTER_CLOUD_GATEWAY_WEB_H

#include <stdbool.h>
#include <stddef.h>

struct client;
struct evbuffer;
struct web;

enum web_kind {
    WEB_SOCKET, /* a WebSocket of a user who signs */
    WEB_PUBLISH /* requests of a device with a certificate */
};

/* NULL: out of memory. */
struct web *web_new(enum web_kind kind);
void web_free(struct web *web);

/* Whether a certificate has said who speaks; else the upgrade does. */
bool web_has_certificate(const struct web *web);

/* Takes what has come, answers what is HTTP, and gives the bytes of MQTT that are not read yet;
 * NULL: there is nothing of MQTT (yet). May end the client. */
struct evbuffer *web_input(struct client *client);

/* Before `size` bytes are written to the client's device. */
void web_frame(struct client *client, size_t size);
/* When nothing more will be written. */
void web_close(struct client *client);

#endif
