/* One device connection, as the files of the gateway share it.
 *
 *   HANDSHAKE --TLS done--> GREETING --CONNECT allowed--> JOINING --broker's CONNACK--> OPEN
 *
 * Each state but OPEN has a deadline; OPEN ends after 1.5 keep-alives without a packet. DISCONNECT and
 * a refused CONNECT lead to LEAVING: what is still to be written is written, then the connection ends.
 *
 * Ending: client_end marks the connection and says why; it is taken down by the event loop, so that
 * nobody on the stack is left with a pointer to nothing. Code that may end it looks at `ending`. */
#ifndef OTTER_CLOUD_GATEWAY_CLIENT_H
#define OTTER_CLOUD_GATEWAY_CLIENT_H

#include <event2/bufferevent.h>
#include <openssl/ssl.h>

#include "cloud/core/cloud.h"
#include "cloud/core/identity.h"
#include "cloud/core/streams.h"
#include "cloud/gateway/tls.h"
#include "codec/mqtt_packet.h"

#define MQTT_PAYLOAD_MAX   131072u
#define MQTT_BODY_LIMIT    (MQTT_PAYLOAD_MAX + 4096u) /* payload, topic and the small fields */
#define TOPIC_MAX          256u
#define SLASHES_MAX        7u
#define CLIENT_ID_MAX      128u
#define FILTERS_MAX        8u  /* of one SUBSCRIBE */
#define SUBSCRIPTIONS_MAX  50u /* of one connection */
#define TRANSFERS_MAX      16u /* stream requests that wait for their answer */
#define SUBSCRIBES_PENDING 16u

#define OUTPUT_HIGH (256u * 1024u) /* unsent bytes above which nothing is added */
#define OUTPUT_LOW  (64u * 1024u)  /* and below which it goes on */

enum client_state {
    CLIENT_HANDSHAKE,
    CLIENT_GREETING,
    CLIENT_JOINING,
    CLIENT_OPEN,
    CLIENT_LEAVING
};

/* A SUBSCRIBE that went to the broker without the filters that are refused. */
struct pending_subscribe {
    uint16_t packet_id; /* 0: free */
    uint8_t count;
    bool refused[FILTERS_MAX];
};

struct client {
    struct client *next, **link; /* in the gateway's list */
    struct gateway *gateway;
    struct cloud *cloud;
    enum client_state state;
    bool ending;
    char reason[200];

    struct bufferevent *device, *broker; /* broker: NULL until CONNECT was allowed */
    struct event *timer;
    int64_t active_ms; /* last packet from the device, or start of the state */
    unsigned keep_alive_s;

    char address[64];
    char certificate[TLS_ID_SIZE];
    json_t *names;
    char id[CLIENT_ID_MAX + 1];
    struct identity *identity;
    bool identity_stale; /* policies changed: read again before they are used */
    bool persistent, told_receive_denied;
    char *will_topic;
    uint8_t *connect_packet; /* for the broker; freed once sent */
    size_t connect_length;

    char *subscriptions[SUBSCRIPTIONS_MAX];
    size_t subscription_count;
    struct pending_subscribe subscribes[SUBSCRIBES_PENDING];
    struct streams_transfer *transfers[TRANSFERS_MAX]; /* a queue, first at 0 */
    size_t transfer_count;
    unsigned blocks_sent;
};

/* One whole packet at the head of a buffer. */
struct packet {
    struct mqtt_header header;
    const uint8_t *bytes, *body; /* header included; after it */
    size_t size;
};

/* ---- client.c ------------------------------------------------------------------------------- */

/* Takes over the socket. NULL: out of memory, the socket is closed. */
struct client *client_new(struct gateway *gateway, struct cloud *cloud, SSL_CTX *tls, int fd,
                          const struct sockaddr *peer);
void client_free(struct client *client);
void client_end(struct client *client, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Looks again who the client is: ends it if its certificate is not ACTIVE any more. */
void client_check_identity(struct client *client);
bool client_may(struct client *client, const char *action, const char *type, const char *name);

/* Answers CONNECT with `code` and leaves. */
void client_refuse(struct client *client, uint8_t code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Reads no more, and ends when all has been written to both sides. */
void client_leave(struct client *client, const char *reason);
/* Opens the connection to the broker and sends connect_packet on it. */
void client_join(struct client *client);
void client_send_device(struct client *client, const void *data, size_t length);
void client_send_broker(struct client *client, const void *data, size_t length);
/* A message made here, at QoS 0, if the policy lets the client receive it. */
void client_deliver(struct client *client, const char *topic, const void *payload, size_t length);
/* Queues an answer from a stream; client_flow sends it. Takes `transfer`. */
void client_queue_transfer(struct client *client, struct streams_transfer *transfer);
/* True when the policy allows the delivery; tells once when it does not. */
bool client_may_receive(struct client *client, const char *topic);

/* ---- from_device.c, from_broker.c, reserved.c ---------------------------------------------- */

void from_device(struct client *client, const struct packet *packet);
void from_broker(struct client *client, const struct packet *packet);
/* A PUBLISH to a topic that begins with $. */
void reserved_publish(struct client *client, const char *topic, const struct mqtt_publish *publish);

/* ---- gateway.c ------------------------------------------------------------------------------ */

/* The connection of that client id other than `except`, or NULL. */
struct client *gateway_find(struct gateway *gateway, const char *id, const struct client *except);
void gateway_add(struct gateway *gateway, struct client *client);
/* True when this block is to be lost. */
bool gateway_drops_block(struct gateway *gateway, unsigned number);

#endif
