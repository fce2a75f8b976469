/* MQTT client session, 3.1.1 or 5, sans-IO: bytes and `now` come in by call, bytes go out by call.
 *
 * Several services share it. Each registers a `struct mqtt_service`: what its topics begin with,
 * and what it wants to hear of. It holds subscriptions, and publishes with QoS 0 (sent once,
 * copied) or with QoS 1 by a ticket (repeated until the broker has it, never copied). Everything
 * that a service hands over it owns, and leaves alone while the session holds it; nothing
 * allocates. Specification: OASIS MQTT 3.1.1; section numbers in mqtt.c.
 *
 * MQTT 5 (build option OTTER_MQTT5, then config.version) differs for services in one thing: what
 * the broker refuses by a PUBACK comes back at once, without the connection being lost. The session
 * keeps the limits of the broker's CONNACK (in flight, packet size, QoS, keep-alive), has aliases
 * for the topics that it publishes to, takes two of the broker's, and says reasons by name in the
 * log. It asks for no session that outlives the connection and for no wills or properties. A broker that does not
 * speak MQTT 5 is spoken to in 3.1.1 from the next connection on.
 *
 * The owner's loop:
 *   if (mqtt_wants_transport(s, now))  open TCP and TLS, then mqtt_transport_up(s, now)
 *   bytes from the transport        -> mqtt_input(s, now, ...)
 *   mqtt_output(s, &p)              -> bytes to send; mqtt_sent(s, n) says how many went out
 *   mqtt_tick(s, now)               -> keep-alive, retries, time-outs
 *   transport failed or closed      -> mqtt_transport_down(s, now), also when it never came up
 *   mqtt_should_close(s)            -> the session gave up on this connection: close the transport,
 *                                      then mqtt_transport_down
 *   mqtt_deadline(s)                -> when mqtt_tick is due at the latest
 *
 * Connections have cleanSession 1. After a reconnect the session subscribes again by itself and
 * repeats unacknowledged tickets with DUP. Reconnects back off exponentially with full jitter
 * (random in [0, min(cap, base * 2^n)], the whole of it without randomness); n starts anew after a
 * connection that lasted for `backoff_cap_ms`, or that a service calls useful: a poor link whose
 * connections each bring an update forward is not waited for as one that brings nothing. Every wait
 * has a deadline.
 *
 * What services owe each other is seen to here (mqtt_publish.c): slots in flight are shared out,
 * and a publish that makes the broker close the connection, as AWS IoT does when a policy forbids
 * it, is found out by sending those under suspicion one at a time. It comes back refused, the
 * others go through; who does it again and again has to pause. */
#ifndef OTTER_NET_MQTT_H
#define OTTER_NET_MQTT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/mqtt_private.h"
#include "port/port.h"
#include "port/status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define MQTT_SUBSCRIPTIONS_MAX 50u    /* AWS IoT limit for a connection */
#define MQTT_TOPIC_MAX         256u   /* AWS IoT limit for topics and filters, bytes without NUL */
#define MQTT_IN_FLIGHT_MAX     4u     /* tickets that wait for their PUBACK */
#define MQTT_IN_FLIGHT_OF_ONE  3u     /* ... of one service: there is always a slot for another */
#define MQTT_REPEATS_MAX       5u     /* of a publish that loses the connection each time */
#define MQTT_PAUSE_MS          60000u /* of a service with two such; twice as long with each more */
#define MQTT_PAUSE_MAX_MS      3600000u
#define MQTT_OUTPUT_OVERHEAD   80u /* of `output_size`, for headers and acknowledgements */
#define MQTT_INPUT_SIZE_MIN    64u

struct mqtt_session;

struct mqtt_message {
    const char *topic; /* behind the service's prefix; not NUL-terminated */
    size_t topic_length;
    const uint8_t *payload;
    size_t payload_length;
    uint8_t qos;
    bool retain;
    bool duplicate;
};

/* A user of the session. Callbacks may be NULL; all get `ctx`. They may publish, send, withdraw,
 * subscribe, unsubscribe and disconnect, and register services; they must not call mqtt_input or
 * mqtt_transport_*. */
struct mqtt_service {
    const char *prefix; /* of all its topics and filters, such as "$aws/things/lamp/"; may be "" */
    /* A message whose topic begins with the prefix: all services with such a prefix get it, whether
     * it was subscribed to or came unasked, as AWS IoT's replies do. What is not its own a service
     * passes over. Valid during the call; a QoS 1 message is acknowledged after it. */
    void (*on_message)(void *ctx, otter_ms now, const struct mqtt_message *message);
    /* Such a message was skipped, because its packet of `length` bytes does not fit the input. */
    void (*on_oversized)(void *ctx, otter_ms now, const char *topic, size_t topic_length,
                         uint32_t length);
    /* Connected, and the broker has answered for all subscriptions of the service: OTTER_OK when it
     * granted them, OTTER_E_REFUSED when not all. Once for each connection. */
    void (*on_online)(void *ctx, otter_ms now, otter_status granted);
    void (*on_offline)(void *ctx, otter_ms now); /* after an on_online: the connection is gone */
    void *ctx;
    struct mqtt_service_state p; /* private: zeros at first */
};

struct mqtt_subscription {
    const char *filter;               /* behind the service's prefix */
    uint8_t qos;                      /* 0 or 1 */
    struct mqtt_subscription_state p; /* private: zeros at first */
};

/* A QoS 1 publish. Topic and payload stay where they are until the result. */
struct mqtt_ticket {
    const char *topic; /* behind the service's prefix */
    const void *payload;
    size_t length;
    /* OTTER_OK: the broker has it. OTTER_E_REFUSED: the connection was lost each time that it was
     * sent, or the broker's PUBACK refused it (MQTT 5). OTTER_E_TIMEOUT: it never brought a PUBACK.
     * OTTER_E_TOO_LONG: for the broker (MQTT 5). The ticket is the service's again and may
     * be sent anew in the call. May be NULL; `ctx` is the service's. */
    void (*on_result)(void *ctx, otter_ms now, struct mqtt_ticket *ticket, otter_status status);
    struct mqtt_ticket_state p; /* private: zeros at first */
};

/* All pointers must outlive the session. */
struct mqtt_config {
    const char *client_id;
    const char *user_name; /* NULL for none; AWS IoT ignores it (SDK metrics) */
    uint8_t version;       /* 5: MQTT 5, where it is built in; else 3.1.1 */
    uint16_t keep_alive_s; /* AWS IoT: 30..1200; 0 for none, and then a dead peer goes unnoticed */
    uint32_t backoff_base_ms;
    uint32_t backoff_cap_ms;
    uint32_t connack_timeout_ms;
    uint32_t ack_timeout_ms; /* PUBACK, SUBACK, PINGRESP; after it the connection is given up */
    /* For the jitter: 32 even bits. After an error the back-off is as long as it can be. */
    otter_status (*random)(void *ctx, uint32_t *bits);
    void *ctx;         /* of `random` */
    uint8_t *input;    /* one packet must fit; a longer one is skipped, acknowledged and counted */
    size_t input_size; /* at least MQTT_INPUT_SIZE_MIN */
    uint8_t *output;
    size_t output_size; /* longest topic, or topic + payload of QoS 0, or filter, +
                           MQTT_OUTPUT_OVERHEAD; or more */
};

enum mqtt_state {
    MQTT_WAITING,      /* for the back-off to pass */
    MQTT_NO_TRANSPORT, /* wants one now */
    MQTT_CONNECTING,   /* CONNECT sent */
    MQTT_CONNECTED
};

struct mqtt_stats {
    uint32_t connects;
    uint32_t messages_in;
    uint32_t messages_out;
    uint32_t oversized; /* incoming packets that did not fit and were skipped */
    uint32_t repeated;  /* tickets sent once more after a reconnect */
    uint32_t dropped;   /* tickets that came back as refused or timed out */
};

struct mqtt_session {
    enum mqtt_state state;
    otter_status error; /* why the last connection ended; OTTER_OK after mqtt_disconnect */
    uint8_t refusal;    /* code of the CONNACK when that is OTTER_E_REFUSED */
    struct mqtt_stats stats;
    struct mqtt_config config; /* private, and what follows */
    struct mqtt_private p;
};

/* ---- For the owner --------------------------------------------------------------------------- */

/* The first connection is wanted at once. */
void mqtt_init(struct mqtt_session *s, const struct mqtt_config *config);
/* Before the first connection: it is wanted at a random time within `spread_ms`, so that devices
 * that get their power back together do not all come at once. */
void mqtt_delay_start(struct mqtt_session *s, otter_ms now, uint32_t spread_ms);

bool mqtt_wants_transport(struct mqtt_session *s, otter_ms now);
void mqtt_transport_up(struct mqtt_session *s, otter_ms now);
/* Tells services that they are off line, and of tickets that are given up. */
void mqtt_transport_down(struct mqtt_session *s, otter_ms now);
bool mqtt_should_close(const struct mqtt_session *s);

/* Takes all of `length` bytes. On an error the session wants its transport closed, and takes no
 * notice of what follows: OTTER_E_MALFORMED on a protocol error, OTTER_E_REFUSED on a CONNACK that
 * refuses, OTTER_E_NO_SPACE when acknowledgements pile up because the output is not being sent,
 * OTTER_E_STATE without a transport. */
otter_status mqtt_input(struct mqtt_session *s, otter_ms now, const uint8_t *data, size_t length);
/* The bytes to send next; they stay the first ones, though perhaps at another place and with more
 * behind them, until mqtt_sent or mqtt_transport_down. 0 when there is nothing to send. */
size_t mqtt_output(const struct mqtt_session *s, const uint8_t **data);
void mqtt_sent(struct mqtt_session *s, otter_ms now, size_t length);
void mqtt_tick(struct mqtt_session *s, otter_ms now);
otter_ms mqtt_deadline(const struct mqtt_session *s);

/* Sends DISCONNECT; once it is out (or ack_timeout_ms have passed) the session wants its transport
 * closed. It then connects again as after a loss: an owner that wants to stay off line opens no
 * transport. Tickets still in flight are repeated on the next connection. */
void mqtt_disconnect(struct mqtt_session *s, otter_ms now);

/* ---- For services ---------------------------------------------------------------------------- */

/* In any state; again does nothing. A service stays for the life of the session. Its subscriptions
 * may be made before or after: on_online waits for those that are there. */
void mqtt_register(struct mqtt_session *s, struct mqtt_service *service);

/* The longest packet that can come in, and the most that topic and payload of a QoS 0 publish may
 * have together. */
size_t mqtt_input_max(const struct mqtt_session *s);
size_t mqtt_output_max(const struct mqtt_session *s);

/* The present connection has brought the service forward: the back-off starts anew, and what it has
 * published with QoS 0 is above suspicion. To be called for what cannot happen for ever, such as a
 * new block of a file; not for each reply, or two devices with one client id would throw each other
 * out without a pause. */
void mqtt_connection_useful(struct mqtt_session *s, struct mqtt_service *service);

/* Held until mqtt_unsubscribe and made anew after each reconnect; a refused one is asked for once
 * more. OTTER_E_NO_SPACE with MQTT_SUBSCRIPTIONS_MAX in use, OTTER_E_ARGUMENT for an invalid filter
 * or QoS, OTTER_E_TOO_LONG. In any state, after mqtt_register. */
otter_status mqtt_subscribe(struct mqtt_session *s, otter_ms now, struct mqtt_service *service,
                            struct mqtt_subscription *subscription);
/* OTTER_E_NOT_FOUND; OTTER_E_AGAIN (and nothing is done) when the output has no room now. */
otter_status mqtt_unsubscribe(struct mqtt_session *s, struct mqtt_subscription *subscription);
/* On the present connection: OTTER_OK once the broker has granted the filter, OTTER_E_AGAIN before,
 * OTTER_E_REFUSED when it said no, OTTER_E_NOT_FOUND for one that is not held. */
otter_status mqtt_subscription_status(const struct mqtt_subscription *subscription);

/* QoS 0, copied. OTTER_E_AGAIN when it is not the service's turn or the output has no room now,
 * OTTER_E_REFUSED while the service has to pause, OTTER_E_STATE when not connected,
 * OTTER_E_TOO_LONG when it can never fit, OTTER_E_ARGUMENT for an invalid topic. */
otter_status mqtt_publish(struct mqtt_session *s, otter_ms now, struct mqtt_service *service,
                          const char *topic, const void *payload, size_t length);

/* Queues the ticket, in any state of the connection. It leaves when a slot is free: that of the
 * service with the fewest in flight, among these the one that came first. OTTER_E_STATE when it is
 * held already, OTTER_E_ARGUMENT for an invalid topic, OTTER_E_TOO_LONG. */
otter_status mqtt_send(struct mqtt_session *s, otter_ms now, struct mqtt_service *service,
                       struct mqtt_ticket *ticket);
/* Takes it back; there will be no result, and the broker may have it or not. OTTER_E_NOT_FOUND for
 * one that is not held; OTTER_E_AGAIN (and nothing is done) while its bytes are going out. */
otter_status mqtt_withdraw(struct mqtt_session *s, struct mqtt_ticket *ticket);
bool mqtt_ticket_held(const struct mqtt_ticket *ticket);

#ifdef __cplusplus
}
#endif

#endif
