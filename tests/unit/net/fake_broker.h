/* An MQTT broker in memory for one client, made with the codec, for tests: it answers as a broker
 * does, counts what it sees, and can be told to lose a packet, stay silent, or refuse. */
#ifndef OTTER_TESTS_FAKE_BROKER_H
#define OTTER_TESTS_FAKE_BROKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "codec/mqtt_version.h"

#define BROKER_NONE SIZE_MAX

struct fake_broker {
    /* how to behave; set by the test */
    size_t lose_in;  /* number of the incoming packet that never arrives, or BROKER_NONE */
    size_t lose_out; /* number of the outgoing packet that never arrives */
    uint32_t mute;   /* bit N set: does not answer packets of type N */
    uint8_t connack_code;
    uint8_t grant;         /* for each filter */
    const char *closes_on; /* closes the connection at a publish on this topic */
    bool closes_hard;      /* ... and what it has answered before is lost */
    const char *sends_on;  /* has a QoS 1 message for whoever subscribes to this topic */
    const char *refuses;   /* a filter that is not granted */
    bool holds_pubacks;    /* publishes are taken but not acknowledged */
    struct mqtt_bytes connack_properties; /* MQTT 5, as is what follows */
    uint8_t puback_code;
    bool knows_3_1_1_alone;
    /* Called for each publish that it takes; may be NULL. */
    void (*on_publish)(const struct mqtt_publish *publish);

    /* what happened, over all connections */
    size_t packets_in;
    size_t packets_out;
    unsigned seen[16]; /* by type */
    unsigned connections;
    unsigned duplicates; /* publishes with DUP */
    bool message_acked;  /* the message for `sends_on` */
    uint16_t last_ack;   /* packet identifier of the last PUBACK */
    char client_id[32];
    char user_name[32];
    uint16_t alias_max; /* of the last CONNECT: aliases that it takes */
    uint16_t keep_alive_s;
    bool clean_session;
    char last_topic[160];
    char last_payload[64];
    uint8_t last_qos;
    uint16_t last_packet_id;
    uint8_t last_filter_qos; /* that it was asked for */
    char filters[2400];      /* on the present connection, each followed by a blank */

    uint16_t alias_of_last;   /* 0: none; last_topic is whole in any case */
    size_t last_topic_length; /* on the wire */

    /* the connection */
    const struct mqtt_version *version; /* that its CONNECT asked for */
    char aliases[16][160];
    bool wants_close;
    bool malformed; /* the client sent something invalid */
    uint8_t in[2048];
    size_t in_length;
    uint8_t out[70000];
    size_t out_length;
};

void broker_init(struct fake_broker *b);
/* A new connection: nothing on it yet. */
void broker_accept(struct fake_broker *b);
void broker_input(struct fake_broker *b, const uint8_t *data, size_t length);
/* Queues one packet for the client. */
void broker_send(struct fake_broker *b, const void *packet, size_t length);
void broker_publish(struct fake_broker *b, const char *topic, uint8_t qos, uint16_t packet_id,
                    const void *payload, size_t length);
/* Takes up to `size` bytes of what is for the client. */
size_t broker_output(struct fake_broker *b, uint8_t *data, size_t size);

#endif
