/* One device connection, as the files of the gateway share it.
 *
 *   HANDSHAKE --TLS done--> GREETING --CONNECT allowed--> JOINING --broker's CONNACK--> OPEN
 *
 * Each state but OPEN has a deadline; OPEN ends after 1.5 keep-alives without a packet. DISCONNECT
 * and a refused CONNECT lead to LEAVING: what is still to be written is written, then the
 * connection ends.
 *
 * Ending: client_end marks the connection and says why; it is taken down by the event loop, so that
 * nobody on the stack is left with a pointer to nothing. Code that may end it looks at `ending`. */
#ifndef OTTER_CLOUD_GATEWAY_CLIENT_H
#define OTTER_CLOUD_GATEWAY_CLIENT_H

#include <openssl/ssl.h>
#include <sys/queue.h>

#include "cloud/core/ground/cloud.h"
#include "cloud/core/ground/names.h"
#include "cloud/core/registry/identity.h"
#include "cloud/core/registry/principal.h"
#include "cloud/gateway/mqtt5.h"
#include "cloud/gateway/packet.h"
#include "cloud/gateway/rules.h"
#include "cloud/gateway/sessions.h"
#include "cloud/gateway/side.h"
#include "cloud/gateway/tls.h"
#include "cloud/gateway/web.h"
#include "cloud/loop/loop.h"
#include "cloud/reserved/reserved.h"

#define MQTT_PAYLOAD_MAX   131072u
#define MQTT_BODY_LIMIT    (MQTT_PAYLOAD_MAX + 4096u) /* payload, topic and the small fields */
#define TOPIC_MAX          256u
#define SLASHES_MAX        7u
#define SHARE_MAX          128u /* name of a group */
#define FILTER_MAX         (sizeof "$share/" + SHARE_MAX + TOPIC_MAX)
#define FILTERS_MAX        8u  /* of one SUBSCRIBE */
#define BLOCKS_WAITING     16u /* requests for blocks that wait for their answer */
#define SUBSCRIBES_PENDING 16u /* SUBSCRIBEs that do; others are read later */

#define OUTPUT_HIGH ((size_t)256 * 1024) /* unsent bytes above which nothing is added */
#define OUTPUT_LOW  ((size_t)64 * 1024)  /* and below which it goes on */
#define OUTPUT_MAX                                                                                 \
    ((size_t)4096 * 1024) /* more is not read; QoS 1 is bounded by broker_process.c */

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
    uint8_t refused[FILTERS_MAX]; /* enum mqtt5_reason; 0: it went on */
};

/* The ports of AWS IoT: 8883, 443 and 8443. */
enum door_kind { DOOR_MQTT, DOOR_WEB, DOOR_PUBLISH, DOORS };

LIST_HEAD(client_list, client);
TAILQ_HEAD(client_queue, client);

struct client {
    LIST_ENTRY(client) all, of_principal; /* the gateway's, and those of its principal */
    TAILQ_ENTRY(client) as_stranger, as_joiner, as_waiting; /* crowd.h, join.h, turns.h */
    TAILQ_ENTRY(client) as_awake;                           /* has something to give back */
    bool is_known, is_stranger, is_joiner, is_waiting, is_awake;
    bool has_turn; /* it may ask the cloud for something now */
    bool is_lost;  /* the connection is gone; what was said before still has its turn */
    struct gateway *gateway;
    struct cloud *cloud;
    enum client_state state;
    const struct mqtt_version *mqtt; /* what both of its sides speak; its CONNECT says */
    struct mqtt5 *mqtt5;             /* NULL in 3.1.1 */
    bool ending, was_open;
    char reason[200]; /* for the log */
    const char *why;  /* for the event: one of events.h; NULL: it did wrong */
    bool was_announced;
    char connection_id[UUID_SIZE];
    int64_t version; /* of the events */

    enum door_kind door;          /* it came by */
    struct web *web;              /* what speaks HTTP first; NULL: plain MQTT */
    int fd;                       /* the device's */
    SSL *ssl;                     /* until hands are shaken; then `device` has it, or needs none */
    struct event *io;             /* of the handshake */
    struct side *device, *broker; /* NULL until hands are shaken, until it may CONNECT */
    struct event *timer;
    int64_t active_ms; /* last packet from the device, or start of the state */
    int64_t came_ms;
    unsigned keep_alive_s;

    char address[64];
    struct principal principal; /* who it is; nobody before TLS is done */
    char *names;                /* of its certificate, as tls.h has them; NULL: it has none */
    char id[CLIENT_ID_MAX + 1];
    struct identity *identity;
    unsigned identity_number; /* the gateway's when it was read: another one means read again */
    struct session *session;  /* NULL before CONNECT was allowed */
    bool persistent, told_receive_denied;
    unsigned told_unoffered; /* a bit for each kind of service */
    bool told_slow, told_fast;
    bool broker_held; /* at the head of its input waits a message that may not go out yet */
    struct rate_bucket published, received; /* messages from and to the device */
    struct rate_bucket bytes_from, bytes_to;
    struct event *resume; /* when there is room in these again */
    char *will_topic;
    void *will_payload; /* for topic rules; the broker has its own */
    size_t will_length;
    uint8_t *connect_packet; /* for the broker; freed once sent */
    size_t connect_length;

    struct pending_subscribe subscribes[SUBSCRIBES_PENDING];
    unsigned subscribes_pending;
    struct reserved_blocks *blocks[BLOCKS_WAITING]; /* a queue of answers, first at 0 */
    size_t blocks_waiting;
    unsigned blocks_sent;
};

/* ---- client.c ------------------------------------------------------------------------------- */

/* Takes over the socket; closes it when memory is out. */
void client_new(struct gateway *gateway, int fd, const struct sockaddr *peer, enum door_kind door);
void client_free(struct client *client);
void client_end(struct client *client, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Ends it for something that happened while it was open: in MQTT 5 with a DISCONNECT that says
 * `reason`, and why in words. In 3.1.1 the connection is just closed. */
void client_fail(struct client *client, enum mqtt5_reason reason, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* For who is about to be closed at once: what it was answered leaves, and to one of MQTT 5 why it is
 * closed, as far as that does not wait. */
void client_farewell(struct client *client, enum mqtt5_reason reason);
/* PUBACK; in MQTT 5 one that may refuse, and say why. */
void client_acknowledge(struct client *client, uint16_t packet_id, enum mqtt5_reason reason,
                        const char *why);

/* The same for the reason that is known already. */
void client_finish(struct client *client);
/* What it has waited for: a step of its handshake, a request, or its end. */
void client_turn(struct client *client);
/* The handshake is done, or failed for that reason (NULL: the connection was closed). */
void client_met(struct client *client);
void client_not_met(struct client *client, const char *why);
/* Begins a state, and its deadline. */
void client_enter(struct client *client, enum client_state state);
/* Gives back what can be had again, if nothing came for some seconds. False: nothing to give. */
bool client_rest(struct client *client);
/* Begins OPEN: the broker has taken it. */
void client_open(struct client *client);
/* The device has shown that it is alive: the deadline begins again. */
void client_touch(struct client *client);

/* Says what the event of the end will give as its reason, see events.h. */
void client_blame(struct client *client, const char *why);

/* Looks again who the client is: ends it if its principal may not speak any more. */
void client_check_identity(struct client *client);
bool client_may(struct client *client, const char *action, const char *type, const char *name);

/* Answers CONNECT with what says `reason` in the version spoken, and leaves. */
void client_refuse(struct client *client, enum mqtt5_reason reason, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Reads no more, and ends when all has been written to both sides. */
void client_leave(struct client *client, const char *reason);
/* Opens the connection to the broker and sends connect_packet on it. */
void client_join(struct client *client);
void client_joined(struct client *client, int fd); /* join.h */
/* That side has ended. One who just closes loses nothing we care about: MQTT has its own end. */
void client_lost_device(struct client *client);
void client_lost_broker(struct client *client);
/* How long its session outlives it; 0: not. */
uint32_t client_expiry_s(const struct client *client);
int64_t client_age_ms(const struct client *client);
/* A message made here, at QoS 0, if the policy lets the client receive it. */
void client_deliver(struct client *client, const char *topic, const void *payload, size_t length);
/* True when the policy allows the delivery; tells once when it does not. */
bool client_may_receive(struct client *client, const char *topic);

/* ---- flow.c, see also flow.h ---------------------------------------------------------------- */

/* One packet, in one part or two. */
void client_send_device(struct client *client, const void *data, size_t length);
void client_send_device_parts(struct client *client, const void *head, size_t head_length,
                              const void *data, size_t length);
void client_send_broker(struct client *client, const void *data, size_t length);
/* Sends a packet of the other side on as it is. */
void client_relay_device(struct client *client, struct packet *packet);
void client_relay_broker(struct client *client, struct packet *packet);
/* The same with other bytes than its own in front of the payload. */
void client_relay_device_as(struct client *client, struct packet *packet,
                            const struct mqtt_bytes *head, size_t payload);
void client_relay_broker_as(struct client *client, struct packet *packet,
                            const struct mqtt_bytes *head, size_t payload);
/* Queues an answer of blocks, to be sent as the device takes them. Takes `blocks`. */
void client_queue_blocks(struct client *client, struct reserved_blocks *blocks);
/* Unsent output is above OUTPUT_HIGH. */
bool client_is_full(const struct client *client);

/* ---- from_device.c, from_broker.c, reserved.c ---------------------------------------------- */

void from_device(struct client *client, struct packet *packet);
void from_broker(struct client *client, struct packet *packet);
/* A PUBLISH to a topic that begins with $. */
void from_device_reserved(struct client *client, const char *topic,
                          const struct mqtt_publish *publish);

/* ---- gateway.c ------------------------------------------------------------------------------ */

/* The parts that connections meet in. */
struct gateway {
    struct loop *loop;
    struct broker *broker;
    struct cloud *cloud; /* the loop's */
    SSL_CTX *tls;
    struct door_listener {
        struct gateway *gateway;
        struct evconnlistener *listener;
        enum door_kind kind;
    } doors[DOORS];
    struct crowd *crowd;
    struct turns *turns;
    struct sides *sides;
    struct joiners *joiners;
    struct sessions *sessions;
    struct principals *principals;
    struct presence_notes *presence;
    struct event *rest;        /* clients that say nothing give memory back */
    struct client_queue awake; /* those that have some, the longest first */
    unsigned rests;
    bool given, came;    /* since it went back to the system; since the last look: a client */
    struct delay *delay; /* NULL: none */
    struct client_list clients;
    struct rules rules;
    unsigned identity_number; /* grows with each change that may concern anybody */
    unsigned drop_blocks;
};

/* It has something that client_rest would give back; it has not. */
void gateway_wake(struct gateway *gateway, struct client *client);
void gateway_sleep(struct gateway *gateway, struct client *client);

/* True when this block is to be lost. */
bool gateway_drops_block(struct gateway *gateway, unsigned number);

#endif
