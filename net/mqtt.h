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
 *   transport failed or closed      -> mqtt_transport_down(s, now)
 *   mqtt_should_close(s)            -> the session gave up on this connection: close the transport
 *   mqtt_deadline(s)                -> when mqtt_tick is due at the latest
 *
 * After a reconnect the session subscribes again by itself and repeats an unacknowledged QoS 1
 * publish with DUP. Reconnects back off exponentially with full jitter
 * (random in [0, min(cap, base * 2^n)]). Nothing allocates; the caller owns all buffers. */
#ifndef OTTER_NET_MQTT_H
#define OTTER_NET_MQTT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "port/port.h"
#include "port/status.h"

#define MQTT_SUBSCRIPTIONS_MAX 8u
#define MQTT_FILTER_MAX 256u /* AWS IoT limit, bytes without NUL */

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
 * during the call only. The handler may publish. */
typedef void (*mqtt_handler)(void *ctx, otter_ms now, const struct mqtt_message *message);

struct mqtt_config {
    const char *client_id;
    const char *user_name; /* NULL for none; AWS IoT ignores it (SDK metrics) */
    uint16_t keep_alive_s; /* AWS IoT: 30..1200 */
    uint32_t backoff_base_ms;
    uint32_t backoff_cap_ms;
    uint32_t connack_timeout_ms;
    uint32_t ack_timeout_ms; /* PUBACK and SUBACK; after it the connection is given up */
    uint32_t (*random)(void *ctx); /* for the jitter */
    mqtt_handler on_message;       /* messages that no subscription matches; may be NULL */
    void *ctx;
    uint8_t *input; /* one packet must fit; a longer one is skipped and counted */
    size_t input_size;
    uint8_t *output;
    size_t output_size;
};

enum mqtt_state {
    MQTT_WAITING,    /* for the back-off to pass */
    MQTT_NO_TRANSPORT, /* wants one now */
    MQTT_CONNECTING, /* CONNECT sent */
    MQTT_CONNECTED
};

struct mqtt_subscription {
    const char *filter; /* owned by the caller, must outlive the subscription */
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
};

struct mqtt_session; /* shape below; fields are private except `state` and `stats` */

void mqtt_init(struct mqtt_session *s, const struct mqtt_config *config);

bool mqtt_wants_transport(struct mqtt_session *s, otter_ms now);
void mqtt_transport_up(struct mqtt_session *s, otter_ms now);
void mqtt_transport_down(struct mqtt_session *s, otter_ms now);
bool mqtt_should_close(const struct mqtt_session *s);

/* Takes all of `length` bytes. OTTER_E_MALFORMED on a protocol error: the session then wants its
 * transport closed. */
otter_status mqtt_input(struct mqtt_session *s, otter_ms now, const uint8_t *data, size_t length);
size_t mqtt_output(const struct mqtt_session *s, const uint8_t **data);
void mqtt_sent(struct mqtt_session *s, otter_ms now, size_t length);
void mqtt_tick(struct mqtt_session *s, otter_ms now);
otter_ms mqtt_deadline(const struct mqtt_session *s);

/* OTTER_E_AGAIN when the output buffer has no room now (QoS 0, or QoS 1 with another QoS 1 publish
 * in flight), OTTER_E_STATE when not connected, OTTER_E_TOO_LONG when it can never fit. */
otter_status mqtt_publish(struct mqtt_session *s, otter_ms now, const char *topic, uint8_t qos,
                          const void *payload, size_t length);
/* True while a QoS 1 publish waits for its PUBACK. */
bool mqtt_publish_pending(const struct mqtt_session *s);

/* Remembered until mqtt_unsubscribe and made anew after each reconnect. OTTER_E_NO_SPACE when
 * MQTT_SUBSCRIPTIONS_MAX are in use. May be called in any state. */
otter_status mqtt_subscribe(struct mqtt_session *s, otter_ms now, const char *filter, uint8_t qos,
                            mqtt_handler handler, void *ctx);
otter_status mqtt_unsubscribe(struct mqtt_session *s, otter_ms now, const char *filter);
/* True once the broker has granted the filter on the present connection. */
bool mqtt_subscribed(const struct mqtt_session *s, const char *filter);

/* Sends DISCONNECT; the session then wants its transport closed. */
void mqtt_disconnect(struct mqtt_session *s, otter_ms now);

/* Topic filter match with + and #, MQTT 3.1.1 section 4.7. */
bool mqtt_topic_matches(const char *filter, const char *topic, size_t topic_length);

struct mqtt_session {
    enum mqtt_state state;
    struct mqtt_stats stats;
    struct mqtt_config config;
    struct mqtt_subscription subscriptions[MQTT_SUBSCRIPTIONS_MAX];
    /* The room's helper completes the private state. */
};

#endif
