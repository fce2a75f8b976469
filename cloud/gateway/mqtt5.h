/* What a connection of MQTT 5 has beside one of 3.1.1: the limits that both sides have told each
 * other, topic aliases, reasons in words. Properties go through as they came, but for aliases
 * (each side has its own) and expiries (the service has a ceiling).
 *
 * Limits and codes are those of AWS IoT: no QoS 2, no subscription identifiers, no AUTH, no
 * response information. The broker behind resolves the rest: receive maximum and maximum packet
 * size of the device, expiry of messages, delay of wills. */
#ifndef OTTER_CLOUD_GATEWAY_MQTT5_H
#define OTTER_CLOUD_GATEWAY_MQTT5_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cloud/gateway/packet.h"

#define ALIASES_MAX          8u   /* each way */
#define RECEIVE_MAX          100u /* unacknowledged messages of QoS 1, each way */
#define MQTT5_PACKET_LIMIT   149504u
#define MESSAGE_EXPIRY_MAX_S 604800u
#define MQTT5_REASON_SIZE    256u /* of a property with a reason in words */

struct client;

struct mqtt5 {
    uint32_t packet_max;   /* that the device takes */
    uint32_t expiry_s;     /* of the session, once the connection has ended */
    uint16_t receive_max;  /* of the device */
    uint16_t aliases;      /* that it takes, ALIASES_MAX at most */
    bool tells_reasons;    /* in words, too */
    bool shorter_expiry;   /* than it asked for */
    bool other_keep_alive; /* than it asked for */
    bool assigned_id;
    unsigned unacknowledged; /* messages of the device */
    char *from[ALIASES_MAX]; /* topics of its aliases */
    char *to[ALIASES_MAX];   /* of ours */
    uint64_t used[ALIASES_MAX], uses;
};

/* Takes what CONNECT says into client->mqtt5. False: it was refused. */
bool mqtt5_begin(struct client *client, const struct mqtt_connect *connect);
void mqtt5_free(struct mqtt5 *mqtt5);
/* The properties of the CONNECT for the broker; their length. */
size_t mqtt5_for_broker(const struct client *client, uint8_t out[32]);
void mqtt5_send_connack(struct client *client, bool session_present);

/* The properties of a message or will as they go on, in `out`, which has as many bytes as they
 * have: without alias, the expiry in its range. Their length; *changed when they are others. */
size_t mqtt5_message_properties(struct mqtt_bytes properties, uint8_t *out, bool *changed);

/* Puts the topic of an alias in place. False: the client was told that there is none. */
bool mqtt5_resolve(struct client *client, struct mqtt_publish *publish);
/* Remembers the topic of an alias, once it is known that it is one. */
void mqtt5_remember(struct client *client, const struct mqtt_publish *publish, const char *topic);
/* Relays it, under its whole topic. */
void mqtt5_relay_broker(struct client *client, struct packet *packet, const char *topic);
/* The same to the device, which may have an alias for the topic. */
void mqtt5_relay_device(struct client *client, struct packet *packet, struct mqtt_publish *publish);
/* Has `publish` say an alias, if there is one to say: its property is put into `property`. False:
 * the device takes no packet that is so long. */
bool mqtt5_shorten(struct client *client, struct mqtt_publish *publish, uint8_t property[3]);

/* A message of QoS 1 has come. False: one more than may be. */
bool mqtt5_count(struct client *client);
/* DISCONNECT may change how long the session lasts; *properties is what the broker is told, in
 * `out`. False: the client was told that this cannot be. */
bool mqtt5_expire(struct client *client, const struct mqtt_reason *reason, uint8_t out[8],
                  struct mqtt_bytes *properties);
/* The property that says a reason in words: its length, 0 when the client wants none. */
size_t mqtt5_reason(const struct client *client, const char *text, uint8_t out[MQTT5_REASON_SIZE]);

#endif
