/* Private to net/, though callers own the memory: what the session keeps of itself, of services,
 * subscriptions and tickets. Nobody else reads these fields. */
#ifndef OTTER_NET_MQTT_PRIVATE_H
#define OTTER_NET_MQTT_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "codec/mqtt_packet.h"
#include "port/port.h"

#ifdef __cplusplus
extern "C" {
#endif

struct mqtt_service;
struct mqtt_subscription;
struct mqtt_ticket;

struct mqtt_service_state {
    struct mqtt_service *next;
    otter_ms struck_at; /* when a publish of the service was given up last */
    otter_ms rests_until;
    uint8_t strikes;
    uint8_t in_flight; /* tickets */
    uint8_t proof;     /* enum mqtt_proof, of QoS 0 publishes */
    uint8_t losses;    /* connections in a row lost by its QoS 0 publishes alone */
    bool suspect;      /* ... perhaps not by it: they go out one at a time */
    bool online;
};

struct mqtt_subscription_state {
    struct mqtt_subscription *next;
    struct mqtt_service *service; /* NULL: not held */
    uint16_t packet;
    uint8_t state; /* enum mqtt_subscription_progress */
};

struct mqtt_ticket_state {
    struct mqtt_ticket *next;
    struct mqtt_service *service; /* NULL: not held */
    otter_ms due;                 /* of its PUBACK */
    uint16_t packet;              /* 0 before it has left first */
    uint8_t losses;               /* connections lost by it alone */
    bool in_flight;
    bool out;     /* all of it has left, on this connection; once that is lost: some of it had */
    bool begun;   /* some of it has left, on this connection or an earlier one */
    bool suspect; /* a connection was lost by it or others: it goes alone */
    bool late;    /* its PUBACK is */
};

/* Outgoing bytes: see mqtt_fifo.h. */
struct mqtt_fifo {
    uint8_t *data;
    size_t size;
    size_t start; /* queued bytes: [start, end) */
    size_t end;
    const uint8_t *body; /* bytes elsewhere that go out in their midst */
    size_t body_length;
    size_t body_sent;
    size_t ahead;   /* queued bytes that go out before the body */
    size_t head;    /* the last of them, which begin its packet */
    bool body_left; /* there is a body, and it is not out */
};

/* Incoming bytes: the packet that is being gathered. */
struct mqtt_gather {
    struct mqtt_header header;
    bool header_known;
    size_t length;      /* bytes in `config.input` */
    uint32_t skip_left; /* bytes of an oversized packet that are still to come */
    uint16_t skip_ack;  /* its packet identifier, 0 when it needs no PUBACK */
};

/* What a session may wait for, each with its own deadline. */
enum mqtt_wait {
    MQTT_WAIT_CONNACK,
    MQTT_WAIT_SUBACK,
    MQTT_WAIT_PINGRESP,
    MQTT_WAIT_DISCONNECT, /* to be sent */
    MQTT_WAIT_COUNT
};

#if OTTER_MQTT5
#define MQTT5_ALIASES 6u /* at most, for the topics that were published to last */
#define MQTT5_ALIASES_IN                                                                           \
    2u /* of the broker: blocks come on one, what comes between them on the other */

struct mqtt5_alias {
    uint8_t length; /* 0: free */
    char topic[127];
};

/* What the server said in its CONNACK. */
struct mqtt5_limits {
    uint32_t room; /* for topic and payload in the longest packet */
    uint16_t receive_max;
    uint8_t aliases; /* MQTT5_ALIASES at most */
    uint8_t qos_max;
};

struct mqtt5_state {
    bool on; /* on this connection */
    uint8_t turn;
    struct mqtt5_limits limits;
    struct mqtt5_alias aliases[MQTT5_ALIASES];
    struct {
        uint16_t length; /* 0: not said yet */
        char topic[256]; /* MQTT_TOPIC_MAX */
    } heard[MQTT5_ALIASES_IN];
};
#endif

struct mqtt_private {
    struct mqtt_service *services; /* in the order they came */
    struct mqtt_subscription *subscriptions;
    struct mqtt_ticket *tickets;
    struct mqtt_ticket *leaving;     /* the one whose payload is the fifo's body */
    const struct mqtt_service *turn; /* under suspicion, waits to publish with QoS 0 ... */
    otter_ms turn_until;             /* ... until then; OTTER_NEVER: nobody does */
    struct mqtt_fifo fifo;
    struct mqtt_gather gather;
    bool closing;       /* gave up, or DISCONNECT is on its way */
    uint16_t packet_id; /* the last one given out */
    uint8_t failures;   /* connections in a row that did not last */
    otter_ms retry_at;
    otter_ms connected_at;
    otter_ms last_sent;
    otter_ms last_received;
    otter_ms last_ping;
    otter_ms waits[MQTT_WAIT_COUNT]; /* deadlines; OTTER_NEVER when not waiting */
#if OTTER_MQTT5
    struct mqtt5_state five;
#endif
};

#ifdef __cplusplus
}
#endif

#endif
