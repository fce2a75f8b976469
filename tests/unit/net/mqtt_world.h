/* The world of the MQTT session's tests: a session, a broker in memory, the wire between them, and
 * virtual time. One world, made anew by world_set_up before each test. */
#ifndef OTTER_TESTS_MQTT_WORLD_H
#define OTTER_TESTS_MQTT_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fake_broker.h"
#include "net/mqtt.h"

#ifndef WORLD_VERSION
#define WORLD_VERSION 3 /* of MQTT */
#endif
#define PROPERTIES      (WORLD_VERSION == 5) /* bytes of a length of properties */
#define NOT_AUTHORIZED  (WORLD_VERSION == 5 ? MQTT5_NOT_AUTHORIZED : MQTT_CONNACK_NOT_AUTHORIZED)
#define KEEP_ALIVE_S    60
#define CONNACK_MS      5000
#define ACK_MS          8000
#define BACKOFF_BASE_MS 1000
#define BACKOFF_CAP_MS  16000

/* A session, its broker, and the wire between them. */
struct world {
    struct mqtt_session s;
    struct fake_broker b;
    otter_ms now;
    bool up;           /* the transport */
    bool network_down; /* transports never come up */
    bool blocked;      /* the transport takes no output */
    bool far_away;     /* all that waits is sent before the first answer comes */
    size_t bytes_once; /* at most so many at a time, each way */
    uint32_t random;   /* what the session draws; 0 gives no delay */
    bool no_entropy;   /* it draws nothing */
    uint8_t input[256];
    uint8_t output[512];
    struct mqtt_service service; /* gets everything */
    struct mqtt_subscription subscriptions[MQTT_SUBSCRIPTIONS_MAX + 1];
    struct mqtt_ticket tickets[32];
    unsigned messages;
    unsigned accepted; /* results of tickets */
    unsigned refused;
    unsigned timed_out;
    unsigned online;
    unsigned offline;
    otter_status granted; /* of the last on_online */
    unsigned oversized;
    uint32_t oversized_length; /* of the last one; its topic is in `topic` */
    char topic[64];
    char payload[64];
    struct mqtt_message last;
    otter_ms message_deadline; /* the broker's, for its own message */
};

extern struct world w;

int world_set_up(void **state);

/* Moves bytes both ways until nothing moves; opens and closes transports as the session asks. */
void exchange(void);
void run_until(otter_ms end);
void run(otter_ms delay);
/* Runs until just after connecting. */
void connect_now(void);
void lose_connection(void);

/* Records the message in the world; `ctx` is the counter to raise. */
void on_message(void *ctx, otter_ms now, const struct mqtt_message *message);
/* Counts the result in the world. */
void on_result(void *ctx, otter_ms now, struct mqtt_ticket *ticket, otter_status status);

/* By the world's service, with structs of the world; a filter or text must outlive its use. */
otter_status subscribe(const char *filter); /* QoS 1 */
struct mqtt_subscription *subscription(const char *filter);
bool subscribed(const char *filter);
otter_status unsubscribe(const char *filter);
otter_status publish(const char *topic, uint8_t qos, const char *payload);
bool pending(void); /* some ticket has no result yet */

#define WORLD_TEST(name) cmocka_unit_test_setup(name, world_set_up)

#endif
