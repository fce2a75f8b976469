/* MQTT 5 in the session: reasons by name, the server's limits, aliases of topics.
 * Specification: OASIS MQTT 5.0. */
#include "net/mqtt5.h"

#include <string.h>

#include "codec/mqtt5_packet.h"
#include "net/mqtt_session.h"
#include "port/log.h"

#define TAG         "MQTT"
#define RECEIVE_MAX 16u /* messages whose PUBACKs always have room: MQTT_RESERVE */
#define HEAD_MAX    16u /* of a PUBLISH beside its topic */
#define REFUSED     0x80u

/* ---- reasons --------------------------------------------------------------------------------- */

/* Each code and its name, section 2.4: those that AWS IoT has, but for those of 3.1.1. */
static const char reasons[] = "\x80unspecified error\0"
                              "\x81malformed packet\0"
                              "\x82protocol error\0"
                              "\x8bserver shutting down\0"
                              "\x8dkeep alive\0"
                              "\x8esession taken over\0"
                              "\x8f"
                              "filter invalid\0"
                              "\x90topic invalid\0"
                              "\x91packet id in use\0"
                              "\x93receive maximum\0"
                              "\x94topic alias\0"
                              "\x95packet too large\0"
                              "\x97quota exceeded\0"
                              "\x98"
                              "administrative\0"
                              "\x9bQoS\0";

const char *mqtt5_reason_text(uint8_t code)
{
    static const uint8_t of_3_1_1[] = {
        MQTT_CONNACK_PROTOCOL_VERSION, MQTT_CONNACK_IDENTIFIER_REJECTED,
        MQTT_CONNACK_BAD_USER_OR_PASSWORD, MQTT_CONNACK_NOT_AUTHORIZED,
        MQTT_CONNACK_SERVER_UNAVAILABLE};
    const unsigned known = code - MQTT5_UNSUPPORTED_VERSION;
    const char *at = reasons;
    if (known < sizeof of_3_1_1)
        code = of_3_1_1[known];
    while (*at != '\0' && (uint8_t)*at != code)
        at += strlen(at) + 1;
    return *at != '\0' ? at + 1 : mqtt_refusal_text(code);
}

static void log_reason(const char *what, const struct mqtt5_answer *answer)
{
    LOG_WRN(TAG, "broker %s: code 0x%02x, %s %.*s", what, answer->code,
            mqtt5_reason_text(answer->code), (int)answer->words.length, answer->words.data);
}

/* ---- CONNECT and CONNACK --------------------------------------------------------------------- */

int mqtt5_begin(struct mqtt_session *s, const struct mqtt_connect *connect, uint8_t *space,
                size_t size)
{
    struct mqtt5_state *five = &s->p.five;
    memset(five, 0, sizeof *five);
    five->on = true;
    five->limits = (struct mqtt5_limits){UINT32_MAX, UINT16_MAX, .qos_max = 2};
    return mqtt5_client_connect(space, size, connect, RECEIVE_MAX, MQTT5_ALIASES_IN);
}

otter_status mqtt5_take_connack(struct mqtt_session *s, const uint8_t *body, size_t length,
                                struct mqtt_connack *connack)
{
    struct mqtt5_answer answer;
    const uint32_t *said = answer.number;
    if (mqtt5_client_answer(MQTT_PACKET_CONNACK, body, length, &answer) ||
        said[MQTT5_RECEIVE_MAX] == 0 || said[MQTT5_MAX_PACKET_SIZE] == 0)
        return OTTER_E_MALFORMED;
    const uint32_t packet_max = said[MQTT5_MAX_PACKET_SIZE];
    const uint32_t aliases = said[MQTT5_TOPIC_ALIAS_MAX],
                   keep_alive = said[MQTT5_SERVER_KEEP_ALIVE];
    s->p.five.limits = (struct mqtt5_limits){
        .room = packet_max > HEAD_MAX ? packet_max - HEAD_MAX : 0,
        .receive_max = (uint16_t)said[MQTT5_RECEIVE_MAX],
        .qos_max = (uint8_t)said[MQTT5_MAX_QOS],
        .aliases = (uint8_t)(aliases < MQTT5_ALIASES ? aliases : MQTT5_ALIASES),
    };
    if (keep_alive > 0 && keep_alive < s->config.keep_alive_s)
        s->config.keep_alive_s = (uint16_t)keep_alive; /* more often than asked for never hurts */
    connack->code = answer.code;
    if (answer.code == MQTT5_SUCCESS)
        LOG_INF(TAG, "MQTT 5, packets of %lu bytes, %u aliases",
                (unsigned long)said[MQTT5_MAX_PACKET_SIZE], (unsigned)aliases);
    else
        log_reason("refuses this client", &answer);
    if (answer.code == MQTT_CONNACK_PROTOCOL_VERSION || answer.code == MQTT5_UNSUPPORTED_VERSION)
        s->config.version = MQTT_PROTOCOL_3_1_1; /* from the next connection on */
    return OTTER_OK;
}

/* ---- what the server says -------------------------------------------------------------------- */

otter_status mqtt5_handle_puback(struct mqtt_session *s, otter_ms now, const uint8_t *body,
                                 size_t length)
{
    struct mqtt5_answer answer;
    const otter_status status = mqtt5_client_answer(MQTT_PACKET_PUBACK, body, length, &answer);
    if (status != OTTER_OK)
        return status;
    const bool refused = answer.code >= REFUSED;
    if (refused) {
        log_reason("refuses a message", &answer);
        memset(&s->p.five.aliases, 0, sizeof s->p.five.aliases); /* who knows what it has kept */
    }
    mqtt_ticket_acknowledged(s, now, answer.packet_id, refused ? OTTER_E_REFUSED : OTTER_OK);
    return OTTER_OK;
}

otter_status mqtt5_take_suback(const uint8_t *body, size_t length, uint16_t *packet_id,
                               bool *granted)
{
    struct mqtt5_answer answer;
    const otter_status status = mqtt5_client_answer(MQTT_PACKET_SUBACK, body, length, &answer);
    *packet_id = answer.packet_id;
    *granted = answer.code < REFUSED;
    if (!*granted)
        log_reason("refuses a filter", &answer);
    return status;
}

otter_status mqtt5_handle_disconnect(struct mqtt_session *s, const uint8_t *body, size_t length)
{
    struct mqtt5_answer answer;
    const otter_status status = mqtt5_client_answer(MQTT_PACKET_DISCONNECT, body, length, &answer);
    if (status != OTTER_OK)
        return status;
    log_reason("ends the connection", &answer);
    mqtt_give_up(s, OTTER_E_CLOSED);
    return OTTER_OK;
}

otter_status mqtt5_take_publish(struct mqtt_session *s, struct mqtt_publish *publish)
{
    struct mqtt_text *topic = &publish->topic;
    uint32_t alias;
    const otter_status status = mqtt5_client_payload(&publish->payload, &alias);
    if (alias > MQTT5_ALIASES_IN)
        return OTTER_E_MALFORMED;
    if (status != OTTER_OK && alias == 0) /* it may be in what does not fit */
        memset(s->p.five.heard, 0, sizeof s->p.five.heard);
    if (alias > 0 && topic->length > 0) {
        const bool fits =
            topic->length <= sizeof s->p.five.heard->topic; /* all do that AWS IoT has */
        s->p.five.heard[alias - 1].length = fits ? (uint16_t)topic->length : 0;
        if (fits)
            memcpy(s->p.five.heard[alias - 1].topic, topic->data, topic->length);
    } else if (alias > 0) {
        *topic =
            (struct mqtt_text){s->p.five.heard[alias - 1].topic, s->p.five.heard[alias - 1].length};
    }
    return topic->length > 0 ? status : OTTER_E_MALFORMED;
}

/* ---- what is published ----------------------------------------------------------------------- */

static bool is_alias_of(const struct mqtt5_alias *alias, struct mqtt_text topic)
{
    return alias->length == topic.length && memcmp(alias->topic, topic.data, topic.length) == 0;
}

/* That of the topic, or the next one in turn; NULL without. */
static struct mqtt5_alias *find_alias(struct mqtt_session *s, struct mqtt_text topic)
{
    struct mqtt5_state *five = &s->p.five;
    if (five->limits.aliases == 0 || topic.length > sizeof five->aliases[0].topic)
        return NULL;
    for (unsigned i = 0; i < five->limits.aliases; i++) {
        if (is_alias_of(&five->aliases[i], topic))
            return &five->aliases[i];
    }
    return &five->aliases[five->turn++ % five->limits.aliases];
}

int mqtt5_publish_head(struct mqtt_session *s, uint8_t *space, size_t size,
                       const struct mqtt_publish *publish)
{
    struct mqtt_publish shorter = *publish;
    struct mqtt5_alias *alias = find_alias(s, publish->topic);
    if (alias && is_alias_of(alias, publish->topic))
        shorter.topic.length = 0;
    const int head = mqtt5_client_publish(space, size, &shorter,
                                          alias ? (uint8_t)(alias - s->p.five.aliases + 1) : 0);
    if (head >= 0 && alias && shorter.topic.length > 0) {
        alias->length = (uint8_t)publish->topic.length;
        memcpy(alias->topic, publish->topic.data, publish->topic.length);
    }
    return head;
}

size_t mqtt5_output_max(const struct mqtt_session *s, size_t most)
{
    const uint32_t room = s->p.five.limits.room;
    return room < most ? room : most;
}

unsigned mqtt5_in_flight_max(const struct mqtt_session *s)
{
    const unsigned most = s->p.five.limits.receive_max;
    return most < MQTT_IN_FLIGHT_MAX ? most : MQTT_IN_FLIGHT_MAX;
}

uint8_t mqtt5_qos(const struct mqtt_session *s, uint8_t qos)
{
    return qos < s->p.five.limits.qos_max ? qos : s->p.five.limits.qos_max;
}
