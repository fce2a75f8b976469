/* Private to net/: what MQTT 5 changes in the session. Without the build option OTTER_MQTT5 none of
 * it is in a program: mqtt_speaks_5 is then false, and whoever asks it leaves the rest out, which
 * is not linked. */
#ifndef OTTER_NET_MQTT5_H
#define OTTER_NET_MQTT5_H

#include "codec/mqtt5_client.h"
#include "net/mqtt.h"

#ifdef __cplusplus
extern "C" {
#endif

#define MQTT5_LEVEL 5u
#ifndef OTTER_MQTT5
#define OTTER_MQTT5 0
#endif

/* It is asked for, and no broker has refused it. */
static inline bool mqtt_may_speak_5(const struct mqtt_session *s)
{
    return OTTER_MQTT5 && s->config.version == MQTT5_LEVEL;
}

/* On this connection. */
static inline bool mqtt_speaks_5(const struct mqtt_session *s)
{
#if OTTER_MQTT5
    return s->p.five.on;
#else
    (void)s;
    return false;
#endif
}

/* A connection begins: in MQTT 5 if that is configured, and the server has not said no to it. */
int mqtt5_begin(struct mqtt_session *s, const struct mqtt_connect *connect, uint8_t *space,
                size_t size);
/* The CONNACK and the limits in it. Another version than 5 is spoken next, if the server knows
 * none. */
otter_status mqtt5_take_connack(struct mqtt_session *s, const uint8_t *body, size_t length,
                                struct mqtt_connack *connack);
otter_status mqtt5_handle_puback(struct mqtt_session *s, otter_ms now, const uint8_t *body,
                                 size_t length);
/* The code for the filter, 0x80 and above a refusal. */
otter_status mqtt5_take_suback(const uint8_t *body, size_t length, uint16_t *packet_id,
                               bool *granted);
otter_status mqtt5_handle_disconnect(struct mqtt_session *s, const uint8_t *body, size_t length);
const char *mqtt5_reason_text(uint8_t code);

/* Of a PUBLISH that mqtt_decode_loose_publish took: the properties go, and the topic that an alias
 * stands for comes in its place, there until the next PUBLISH. Of one whose properties are cut
 * short too, with OTTER_E_MALFORMED. */
otter_status mqtt5_take_publish(struct mqtt_session *s, struct mqtt_publish *publish);

/* A PUBLISH without its payload; an alias takes the place of a topic that it has sent before. */
int mqtt5_publish_head(struct mqtt_session *s, uint8_t *space, size_t size,
                       const struct mqtt_publish *publish);
/* The server's limits. */
size_t mqtt5_output_max(const struct mqtt_session *s, size_t most);
unsigned mqtt5_in_flight_max(const struct mqtt_session *s);
uint8_t mqtt5_qos(const struct mqtt_session *s, uint8_t qos);

#ifdef __cplusplus
}
#endif

#endif
