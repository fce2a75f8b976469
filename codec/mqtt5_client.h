/* MQTT 5 as a small client speaks it: what it says, with the few properties that it has to say, and
 * of what it hears, what it acts on. Less code than mqtt5_packet.h, and less strict: of a server's
 * properties only the lengths are checked, not which of them may stand where. Specification: OASIS
 * MQTT 5.0.
 *
 * Headers are read with mqtt_decode_loose_header. What else has no function here is as in 3.1.1:
 * PINGREQ, PINGRESP, and PUBACK and DISCONNECT without a reason, as this client says them. */
#ifndef OTTER_CODEC_MQTT5_CLIENT_H
#define OTTER_CODEC_MQTT5_CLIENT_H

#include "codec/mqtt5_properties.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Clean Start, without will and password; `receive_max` is how many messages of QoS 1 may be on
 * their way here, `aliases` how many topics the server may give an alias. */
int mqtt5_client_connect(uint8_t *out, size_t size, const struct mqtt_connect *connect,
                         uint16_t receive_max, uint16_t aliases);
/* The head of a PUBLISH (mqtt_encode_publish_head), with an alias unless that is 0; the topic may
 * then be empty. Topic and QoS are not checked. */
int mqtt5_client_publish(uint8_t *out, size_t size, const struct mqtt_publish *publish,
                         uint8_t alias);
/* SUBSCRIBE or UNSUBSCRIBE of one filter, which is not checked. */
int mqtt5_client_filter(uint8_t *out, size_t size, enum mqtt_packet_type type, uint16_t packet_id,
                        const struct mqtt_filter *filter);

/* What a server answers. */
struct mqtt5_answer {
    uint16_t packet_id;     /* of PUBACK and SUBACK */
    uint8_t code;           /* enum mqtt5_reason; of a SUBACK that for its filter */
    struct mqtt_text words; /* of the reason, as they came */
    /* By enum mqtt5_property_id. Those of a limit that the server leaves out have their value by
     * the specification, all others 0. */
    uint32_t number[MQTT5_SHARED_AVAILABLE + 1];
};

/* Of a CONNACK, PUBACK, DISCONNECT, or SUBACK for one filter. */
otter_status mqtt5_client_answer(enum mqtt_packet_type type, const uint8_t *body, size_t length,
                                 struct mqtt5_answer *answer);

/* Takes the properties off the front of what mqtt_decode_loose_publish takes for the payload;
 * `alias` is the topic's, or 0 for none; that of properties that are cut short, too. */
otter_status mqtt5_client_payload(struct mqtt_bytes *payload, uint32_t *alias);

#ifdef __cplusplus
}
#endif

#endif
