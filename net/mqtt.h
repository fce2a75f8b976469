/* MQTT 3.1.1 client session, sans-IO: bytes and `now` come in by call, bytes go out by call.
 *
 * It keeps one connection's protocol state and what outlives a connection: subscriptions, the QoS 1
 * publish in flight, and the back-off. Specification: OASIS MQTT 3.1.1; section numbers in mqtt.c.
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
 * repeats an unacknowledged QoS 1 publish with DUP. Reconnects back off exponentially with full
 * jitter (random in [0, min(cap, base * 2^n)], the whole of it without randomness); n starts anew
 * after a connection that lasted for `backoff_cap_ms`, or that its owner calls useful: a poor link
 * whose connections each bring an update forward is not waited for as one that brings nothing.
 * Every wait has a deadline. Nothing allocates; the caller owns all buffers. */
#ifndef OTTER_NET_MQTT_H
#define OTTER_NET_MQTT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "codec/mqtt_packet.h"
#include "port/port.h"
#include "port/status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define MQTT_SUBSCRIPTIONS_MAX 8u
#define MQTT_FILTER_MAX        256u /* AWS IoT limit, bytes without NUL */
#define MQTT_REPEATS_MAX       5u   /* of one QoS 1 publish: AWS IoT answers one that a policy */
/* forbids by closing, so without a limit it would close for ever */
#define MQTT_OUTPUT_OVERHEAD 80u /* of `output_size`, for headers and acknowledgements */
#define MQTT_INPUT_SIZE_MIN  64u

struct mqtt_message {
    const char *topic; /* not NUL-terminated */
    size_t topic_length;
    const uint8_t *payload;
    size_t payload_length;
    uint8_t qos;
    bool retain;
    bool duplicate;
};

/* Called from mqtt_input for each message whose topic matches the subscription, and, for messages
 * that match none (AWS IoT sends replies unasked), the session's `on_message`. The message is valid
 * during the call only; a QoS 1 message is acknowledged after it. The handler may publish,
 * subscribe, unsubscribe and disconnect; it must not call mqtt_input or mqtt_transport_*. */
typedef void (*mqtt_handler)(void *ctx, otter_ms now, const struct mqtt_message *message);

/* Called for each message that was skipped because it does not fit the input buffer; `length` is
 * that of the packet. Under the same rules as an mqtt_handler. */
typedef void (*mqtt_oversized_handler)(void *ctx, otter_ms now, const char *topic,
                                       size_t topic_length, uint32_t length);

/* All pointers must outlive the session. */
struct mqtt_config {
    const char *client_id;
    const char *user_name; /* NULL for none; AWS IoT ignores it (SDK metrics) */
    uint16_t keep_alive_s; /* AWS IoT: 30..1200; 0 for none, and then a dead peer goes unnoticed */
    uint32_t backoff_base_ms;
    uint32_t backoff_cap_ms;
    uint32_t connack_timeout_ms;
    uint32_t ack_timeout_ms; /* PUBACK, SUBACK, PINGRESP; after it the connection is given up */
    /* For the jitter: 32 even bits. After an error the back-off is as long as it can be. */
    otter_status (*random)(void *ctx, uint32_t *bits);
    mqtt_handler on_message;             /* messages that no subscription matches; may be NULL */
    mqtt_oversized_handler on_oversized; /* may be NULL */
    void *ctx;
    uint8_t *input;    /* one packet must fit; a longer one is skipped, acknowledged and counted */
    size_t input_size; /* at least MQTT_INPUT_SIZE_MIN */
    uint8_t *output;
    size_t output_size; /* longest topic + payload, or filter, + MQTT_OUTPUT_OVERHEAD; or more */
};

enum mqtt_state {
    MQTT_WAITING,      /* for the back-off to pass */
    MQTT_NO_TRANSPORT, /* wants one now */
    MQTT_CONNECTING,   /* CONNECT sent */
    MQTT_CONNECTED
};

struct mqtt_subscription {
    const char *filter; /* owned by the caller, must outlive the subscription; NULL: free entry */
    uint8_t qos;
    uint8_t state;   /* private */
    uint16_t packet; /* private */
    mqtt_handler handler;
    void *ctx;
};

struct mqtt_stats {
    uint32_t connects;
    uint32_t messages_in;
    uint32_t messages_out;
    uint32_t oversized; /* incoming packets that did not fit and were skipped */
    uint32_t repeated;  /* QoS 1 publishes sent once more after a reconnect */
    uint32_t dropped;   /* QoS 1 publishes given up after MQTT_REPEATS_MAX repeats */
};

struct mqtt_session; /* shape below; fields are private except `state`, `stats`, `error`, `refusal`
                      */

/* The first connection is wanted at once. */
void mqtt_init(struct mqtt_session *s, const struct mqtt_config *config);
/* Before the first connection: it is wanted at a random time within `spread_ms`, so that devices
 * that get their power back together do not all come at once. */
void mqtt_delay_start(struct mqtt_session *s, otter_ms now, uint32_t spread_ms);
/* The present connection has brought its owner forward: the back-off starts anew. To be called for
 * what cannot happen for ever, such as a new block of a file; not for each reply, or two devices
 * with one client id would throw each other out without a pause. */
void mqtt_connection_useful(struct mqtt_session *s);

bool mqtt_wants_transport(struct mqtt_session *s, otter_ms now);
void mqtt_transport_up(struct mqtt_session *s, otter_ms now);
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

/* OTTER_E_AGAIN when the output buffer has no room now (QoS 0, or QoS 1 with another QoS 1 publish
 * in flight), OTTER_E_STATE when not connected, OTTER_E_TOO_LONG when it can never fit,
 * OTTER_E_ARGUMENT for an invalid topic, OTTER_E_UNSUPPORTED for QoS 2. The payload is copied. */
otter_status mqtt_publish(struct mqtt_session *s, otter_ms now, const char *topic, uint8_t qos,
                          const void *payload, size_t length);
/* True while a QoS 1 publish waits for its PUBACK. When it turns false the broker has it, unless
 * `stats.dropped` has grown. */
bool mqtt_publish_pending(const struct mqtt_session *s);

/* Remembered until mqtt_unsubscribe and made anew after each reconnect. Subscribing to the same
 * filter again replaces handler and QoS. OTTER_E_NO_SPACE when MQTT_SUBSCRIPTIONS_MAX are in use,
 * OTTER_E_ARGUMENT for an invalid filter or QoS, OTTER_E_TOO_LONG. May be called in any state. */
otter_status mqtt_subscribe(struct mqtt_session *s, otter_ms now, const char *filter, uint8_t qos,
                            mqtt_handler handler, void *ctx);
/* The handler is not called any more. OTTER_E_NOT_FOUND; OTTER_E_AGAIN (and nothing is done) when
 * the output buffer has no room now. */
otter_status mqtt_unsubscribe(struct mqtt_session *s, otter_ms now, const char *filter);
/* On the present connection: OTTER_OK once the broker has granted the filter, OTTER_E_AGAIN before,
 * OTTER_E_REFUSED when it said no, OTTER_E_NOT_FOUND for a filter that was not subscribed to. */
otter_status mqtt_subscription_status(const struct mqtt_session *s, const char *filter);
/* True once the broker has granted the filter on the present connection. */
bool mqtt_subscribed(const struct mqtt_session *s, const char *filter);

/* Sends DISCONNECT; once it is out (or ack_timeout_ms have passed) the session wants its transport
 * closed. It then connects again as after a loss: an owner that wants to stay off line opens no
 * transport. A QoS 1 publish still in flight is repeated on the next connection. */
void mqtt_disconnect(struct mqtt_session *s, otter_ms now);

/* Topic filter match with + and #, MQTT 3.1.1 section 4.7. */
bool mqtt_topic_matches(const char *filter, const char *topic, size_t topic_length);

/* What a session may wait for, each with its own deadline. */
enum mqtt_wait {
    MQTT_WAIT_CONNACK,
    MQTT_WAIT_SUBACK,
    MQTT_WAIT_PUBACK,
    MQTT_WAIT_PINGRESP,
    MQTT_WAIT_DISCONNECT, /* to be sent */
    MQTT_WAIT_COUNT
};

/* Outgoing bytes: see mqtt_fifo.h. */
struct mqtt_fifo {
    uint8_t *data;
    size_t size;
    size_t start; /* queued bytes: [start, end) */
    size_t end;
    size_t kept_length; /* the QoS 1 publish in flight: the last bytes of the buffer */
    size_t kept_sent;
    size_t kept_ahead; /* queued bytes that go out before it */
    bool kept_due;     /* it has to go out on this connection; if not, it waits for the next */
    bool kept_begun;   /* some of it has gone out, on this connection or an earlier one */
};

/* Incoming bytes: the packet that is being gathered. */
struct mqtt_gather {
    struct mqtt_header header;
    bool header_known;
    size_t length;      /* bytes in `config.input` */
    uint32_t skip_left; /* bytes of an oversized packet that are still to come */
    uint16_t skip_ack;  /* its packet identifier, 0 when it needs no PUBACK */
};

struct mqtt_session {
    enum mqtt_state state;
    otter_status error; /* why the last connection ended; OTTER_OK after mqtt_disconnect */
    uint8_t refusal;    /* code of the CONNACK when that is OTTER_E_REFUSED */
    struct mqtt_stats stats;
    /* private from here */
    struct mqtt_config config;
    struct mqtt_subscription subscriptions[MQTT_SUBSCRIPTIONS_MAX];
    struct mqtt_fifo fifo;
    struct mqtt_gather gather;
    bool closing;         /* gave up, or DISCONNECT is on its way */
    uint16_t packet_id;   /* the last one given out */
    uint16_t kept_packet; /* of the QoS 1 publish in flight */
    uint8_t kept_losses;  /* connections lost after it went out */
    uint8_t failures;     /* connections in a row that did not last */
    otter_ms retry_at;
    otter_ms connected_at;
    otter_ms last_sent;
    otter_ms last_received;
    otter_ms last_ping;
    otter_ms waits[MQTT_WAIT_COUNT]; /* deadlines; OTTER_NEVER when not waiting */
};

#ifdef __cplusplus
}
#endif

#endif
