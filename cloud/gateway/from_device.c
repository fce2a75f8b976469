/* Packets from a device: checked against limits and policies, then relayed. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/core/messages/messages.h"
#include "cloud/core/rules/topic_rules.h"
#include "cloud/gateway/client.h"
#include "cloud/gateway/events.h"
#include "cloud/loop/metrics.h"

#define KEEP_ALIVE_MIN_S 30
#define KEEP_ALIVE_MAX_S 1200
#define BROKER_ID_PREFIX "device:"

/* ---- names and limits ----------------------------------------------------------------------- */

/* U+0001..U+001F and U+007F..U+009F: the broker would just hang up. */
static bool has_control(struct mqtt_text text)
{
    for (size_t i = 0; i < text.length; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c < 0x20 || c == 0x7f ||
            (c == 0xc2 && i + 1 < text.length && (unsigned char)text.data[i + 1] < 0xa0))
            return true;
    }
    return false;
}

/* Copies a topic or filter that keeps the service's limits; if it does not, says why. */
static const char *take_topic(struct mqtt_text text, char topic[TOPIC_MAX + 1])
{
    unsigned slashes = 0;
    topic[0] = '\0';
    if (has_control(text))
        return "it uses a topic with control characters";
    /* The prefix of a reserved topic, `$aws/things/{t}`, does not count. */
    unsigned allowed = text.length && text.data[0] == '$' ? SLASHES_MAX + 3 : SLASHES_MAX;
    for (size_t i = 0; i < text.length; i++)
        slashes += text.data[i] == '/';
    if (text.length > TOPIC_MAX)
        return "it uses a topic longer than 256 bytes";
    if (slashes > allowed)
        return "it uses a topic with more than 7 '/'";
    memcpy(topic, text.data, text.length);
    topic[text.length] = '\0';
    return NULL;
}

/* The same for a filter, of which a group may share what comes. */
static const char *take_filter(struct mqtt_text text, char filter[FILTER_MAX + 1])
{
    static const char share[] = "$share/";
    const size_t prefix = sizeof share - 1;
    if (text.length < prefix || memcmp(text.data, share, prefix) != 0)
        return take_topic(text, filter);
    const char *slash = memchr(text.data + prefix, '/', text.length - prefix);
    const size_t name = slash ? (size_t)(slash - text.data) - prefix : 0;
    if (name == 0 || name > SHARE_MAX || memchr(text.data + prefix, '+', name) ||
        memchr(text.data + prefix, '#', name) || prefix + name + 1 == text.length)
        return "a shared subscription is $share/NAME/FILTER, NAME of 1..128 bytes without + and #";
    const struct mqtt_text rest = {slash + 1, text.length - prefix - name - 1};
    const char *fault = take_topic(rest, filter + prefix + name + 1);
    memcpy(filter, text.data, prefix + name + 1);
    return has_control(text) ? "it uses a filter with control characters" : fault;
}

/* ---- CONNECT -------------------------------------------------------------------------------- */

static unsigned clamp_keep_alive(unsigned seconds)
{
    if (seconds == 0 || seconds > KEEP_ALIVE_MAX_S)
        return KEEP_ALIVE_MAX_S;
    return seconds < KEEP_ALIVE_MIN_S ? KEEP_ALIVE_MIN_S : seconds;
}

static bool take_will(struct client *client, const struct mqtt_connect *connect)
{
    char topic[TOPIC_MAX + 1];
    if (!connect->will_topic.data)
        return true;
    const char *fault = take_topic(connect->will_topic, topic);
    if (fault && client->mqtt5) {
        client_refuse(client, MQTT5_TOPIC_INVALID, "%s, for its will", fault);
        return false;
    }
    if (fault) {
        client_end(client, "%s, for its will", fault);
        return false;
    }
    if (client->mqtt5 && connect->will_qos > 1) {
        client_refuse(client, MQTT5_QOS_NOT_SUPPORTED, "its will has QoS 2");
        return false;
    }
    client->will_topic = strdup(topic);
    client->will_payload = malloc(connect->will_payload.length + 1);
    client->will_length = client->will_payload ? connect->will_payload.length : 0;
    if (client->will_length > 0)
        memcpy(client->will_payload, connect->will_payload.data, client->will_length);
    if (topic[0] != '$' && connect->will_payload.length <= MQTT_PAYLOAD_MAX)
        return true;
    client_refuse(client, MQTT5_TOPIC_INVALID,
                  "a will must not go to a reserved topic or be longer than %u KiB",
                  MQTT_PAYLOAD_MAX / 1024);
    return false;
}

/* The CONNECT for the broker: the gateway keeps the keep alive, and the names of users say nothing.
 */
static bool make_broker_connect(struct client *client, const struct mqtt_connect *from)
{
    char id[sizeof BROKER_ID_PREFIX + CLIENT_ID_MAX];
    uint8_t properties[32];
    struct mqtt_connect connect = *from;
    const size_t will = from->will_properties.length;
    size_t size = from->will_payload.length + TOPIC_MAX + CLIENT_ID_MAX + 128 + will;
    bool changed;

    connect.keep_alive_s = 0;
    connect.user_name = (struct mqtt_text){NULL, 0};
    connect.password = (struct mqtt_bytes){NULL, 0};
    if (connect.will_qos > 1)
        connect.will_qos = 1;
    connect.client_id.data = id;
    connect.client_id.length = (size_t)snprintf(id, sizeof id, BROKER_ID_PREFIX "%s", client->id);
    client->connect_packet = malloc(size + will);
    if (!client->connect_packet)
        return false;
    uint8_t *room = client->connect_packet + size;
    connect.properties = (struct mqtt_bytes){properties, mqtt5_for_broker(client, properties)};
    connect.will_properties =
        (struct mqtt_bytes){room, mqtt5_message_properties(from->will_properties, room, &changed)};
    int length = client->mqtt->encode_connect(client->connect_packet, size, &connect);
    client->connect_length = length > 0 ? (size_t)length : 0;
    return length > 0;
}

static bool allowed_to_connect(struct client *client, const struct mqtt_connect *connect)
{
    char label[PRINCIPAL_LABEL];
    if (!client_may(client, "iot:Connect", "client", client->id)) {
        principal_label(&client->principal, label);
        client_refuse(client, MQTT5_NOT_AUTHORIZED,
                      "no policy of its %s allows iot:Connect on client/%s", label, client->id);
        return false;
    }
    if (client->will_topic &&
        (!client_may(client, "iot:Publish", "topic", client->will_topic) ||
         (connect->will_retain &&
          !client_may(client, "iot:RetainPublish", "topic", client->will_topic)))) {
        client_refuse(client, MQTT5_NOT_AUTHORIZED,
                      "no policy allows iot:Publish of its will on topic/%s", client->will_topic);
        return false;
    }
    return true;
}

static bool take_client_id(struct client *client, struct mqtt_text id)
{
    if (has_control(id)) {
        client_refuse(client, MQTT5_CLIENT_ID_INVALID, "its client id has control characters");
        return false;
    }
    if (id.length > 0 && id.data[0] == '$') {
        client_refuse(client, MQTT5_CLIENT_ID_INVALID, "client ids that begin with $ are reserved");
        return false;
    }
    if (id.length == 0 && client->mqtt5) {
        char uuid[UUID_SIZE];
        uuid_make(uuid);
        snprintf(client->id, sizeof client->id, "$GEN/%s", uuid);
        client->mqtt5->assigned_id = true;
        return true;
    }
    if (id.length < 1 || id.length > CLIENT_ID_MAX) {
        client_refuse(client, MQTT5_CLIENT_ID_INVALID, "a client id of 1..%u bytes is required",
                      CLIENT_ID_MAX);
        return false;
    }
    memcpy(client->id, id.data, id.length);
    client->id[id.length] = '\0';
    return true;
}

static void replace(struct client *client)
{
    static const char why[] = "another connection came with the same client id";
    if (client->state == CLIENT_LEAVING)
        client_end(client, why);
    else
        client_fail(client, MQTT5_SESSION_TAKEN_OVER, why);
}

/* The session changes hands: whoever had it is out. */
static bool take_session(struct client *client)
{
    struct session *session = sessions_get(client->gateway->sessions, client->id);
    if (!session) {
        client_end(client, "out of memory");
        return false;
    }
    /* Two at once, since a device may be reset right after it came. */
    if (!rate_take(&session->tried, client->gateway->rules.connects,
                   2 * client->gateway->rules.connects)) {
        client_refuse(client, MQTT5_QUOTA_EXCEEDED,
                      "CONNECT comes more than %u times a second from this client id",
                      client->gateway->rules.connects);
        return false;
    }
    if (session->client) {
        client_blame(session->client, WHY_DUPLICATE);
        replace(session->client);
    }
    session->client = client;
    client->session = session;
    return true;
}

static bool is_allowed(struct client *client, const struct mqtt_connect *connect)
{
    bool allowed = allowed_to_connect(client, connect);
    if (!allowed)
        events_connect_failed(client);
    return allowed;
}

static void choose_version(struct client *client, const struct packet *packet)
{
    const struct mqtt_version *asked = mqtt_version_of(packet->body, packet->header.body_length);
    if (asked)
        client->mqtt = asked;
}

static void on_connect(struct client *client, struct packet *packet)
{
    struct mqtt_connect connect;
    choose_version(client, packet);
    otter_status status =
        client->mqtt->decode_connect(packet->body, packet->header.body_length, &connect);
    if (status == OTTER_E_UNSUPPORTED) {
        client_refuse(client, MQTT5_UNSUPPORTED_VERSION,
                      "it speaks MQTT protocol level %u, this gateway 3.1.1 (level 4) and 5",
                      connect.protocol_level);
        return;
    }
    if (status != OTTER_OK) {
        client_end(client, "its CONNECT is malformed");
        return;
    }
    client->persistent = !connect.clean_session;
    client->keep_alive_s = clamp_keep_alive(connect.keep_alive_s);
    if (client->mqtt == &mqtt_5 && !mqtt5_begin(client, &connect))
        return;
    if (!take_client_id(client, connect.client_id) || !take_will(client, &connect) ||
        !is_allowed(client, &connect))
        return;
    if (!take_session(client))
        return;
    if (make_broker_connect(client, &connect))
        client_join(client);
    else
        client_end(client, "out of memory");
}

/* ---- PUBLISH -------------------------------------------------------------------------------- */

/* A message that goes nowhere: in MQTT 5 its PUBACK can say so, else the connection ends. */
__attribute__((format(printf, 4, 5))) static void refuse_publish(struct client *client,
                                                                 const struct mqtt_publish *p,
                                                                 enum mqtt5_reason reason,
                                                                 const char *format, ...)
{
    char why[200];
    va_list args;
    va_start(args, format);
    vsnprintf(why, sizeof why, format, args);
    va_end(args);
    if (!client->mqtt5 || p->qos == 0) {
        client_blame(client, reason == MQTT5_NOT_AUTHORIZED ? WHY_RIGHTS : WHY_CLIENT);
        client_fail(client, reason, "%s", why);
        return;
    }
    cloud_log("gateway", "%s: a message is refused: %s", client->id, why);
    client_acknowledge(client, p->packet_id, reason, why);
}

static bool may_publish(struct client *client, const char *topic, const struct mqtt_publish *p)
{
    if (p->payload.length > MQTT_PAYLOAD_MAX) {
        client_fail(client, MQTT5_PACKET_TOO_LARGE,
                    "it published %zu bytes on %s, at most %u are allowed", p->payload.length,
                    topic, MQTT_PAYLOAD_MAX);
        return false;
    }
    if (!client_may(client, "iot:Publish", "topic", topic) ||
        (p->retain && !client_may(client, "iot:RetainPublish", "topic", topic))) {
        refuse_publish(client, p, MQTT5_NOT_AUTHORIZED,
                       "no policy allows iot:%sPublish on topic/%s", p->retain ? "Retain" : "",
                       topic);
        return false;
    }
    return true;
}

/* What comes too fast is lost, and not acknowledged; MQTT 5 has a code for it. */
static bool is_too_fast(struct client *client, const struct mqtt_publish *p)
{
    const unsigned rate = client->gateway->rules.publish;
    if (rate_take(&client->published, rate, rate))
        return false;
    if (!client->told_fast)
        cloud_log("gateway", "%s publishes more than %u messages a second: some are lost",
                  client->id, rate);
    client->told_fast = true;
    if (client->mqtt5 && p->qos > 0)
        client_acknowledge(client, p->packet_id, MQTT5_QUOTA_EXCEEDED,
                           "more messages a second than a connection may publish");
    return true;
}

/* For who asks by HTTP; the message itself is the broker's. */
static void note_retained(struct client *client, const char *topic, struct packet *packet)
{
    struct mqtt_publish publish;
    if (packet_publish(packet, true, &publish) == OTTER_OK)
        message_retained(client->cloud, &(struct message){.topic = topic,
                                                          .payload = publish.payload.data,
                                                          .length = publish.payload.length,
                                                          .qos = publish.qos,
                                                          .retain = true});
}

static void relay_publish(struct client *client, const char *topic, struct packet *packet,
                          bool retain)
{
    if (retain)
        note_retained(client, topic, packet);
    if (client->mqtt5)
        mqtt5_relay_broker(client, packet, topic);
    else
        client_relay_broker(client, packet);
}

/* What holds for the message whatever its topic may be. */
static bool is_fit(struct client *client, const struct mqtt_publish *p)
{
    if (p->qos > 1)
        client_fail(client, MQTT5_QOS_NOT_SUPPORTED, "it published with QoS 2");
    else if (p->qos == 1 && !mqtt5_count(client))
        client_fail(client, MQTT5_RECEIVE_MAX_EXCEEDED,
                    "it published more than %u messages before they were acknowledged",
                    RECEIVE_MAX);
    return !client->ending && client->state == CLIENT_OPEN;
}

/* What topic rules do with it; reserved topics have rules of their own (Basic Ingest). */
static void run_rules(struct client *client, const char *topic, struct packet *packet)
{
    struct mqtt_publish publish;
    if (topic[0] == '$' || !topic_rules_hear(client->cloud, topic) ||
        packet_publish(packet, true, &publish) != OTTER_OK)
        return;
    topic_rules_run(client->cloud,
                    &(struct topic_rules_message){.topic = topic,
                                                  .payload = publish.payload.data,
                                                  .length = publish.payload.length,
                                                  .client_id = client->id,
                                                  .principal = client->principal.id});
}

static void on_publish(struct client *client, struct packet *packet)
{
    struct mqtt_publish publish;
    char topic[TOPIC_MAX + 1];
    if (packet_publish(packet, false, &publish) != OTTER_OK) {
        client_fail(client, MQTT5_MALFORMED_PACKET, "its PUBLISH is malformed");
        return;
    }
    if (!is_fit(client, &publish) || !mqtt5_resolve(client, &publish))
        return;
    const char *fault = take_topic(publish.topic, topic);
    if (fault) {
        refuse_publish(client, &publish, MQTT5_TOPIC_INVALID, "%s", fault);
        return;
    }
    mqtt5_remember(client, &publish, topic);
    if (!may_publish(client, topic, &publish) || is_too_fast(client, &publish))
        return;
    metric_add(METRIC_MESSAGES_IN);
    run_rules(client, topic, packet);
    if (topic[0] != '$')
        relay_publish(client, topic, packet, publish.retain);
    else if (packet_publish(packet, true, &publish) == OTTER_OK)
        from_device_reserved(client, topic, &publish);
    else
        client_end(client, "out of memory");
}

/* ---- SUBSCRIBE, UNSUBSCRIBE ----------------------------------------------------------------- */

/* False when the session has as many as it may. */
static bool add_subscription(struct client *client, const char *filter)
{
    if (session_subscribe(client->gateway->sessions, client->session, filter))
        return true;
    cloud_log("gateway", "%s: subscription to %s refused, it has %zu already", client->id, filter,
              client->session->filter_count);
    return false;
}

/* The refusal, 0 when there is none. */
static enum mqtt5_reason try_subscribe(struct client *client, const char *filter)
{
    if (!client_may(client, "iot:Subscribe", "topicfilter", filter)) {
        cloud_log("gateway", "%s: no policy allows iot:Subscribe on topicfilter/%s", client->id,
                  filter);
        return MQTT5_NOT_AUTHORIZED;
    }
    return add_subscription(client, filter) ? MQTT5_SUCCESS : MQTT5_QUOTA_EXCEEDED;
}

static struct pending_subscribe *new_pending(struct client *client, uint16_t packet_id)
{
    struct pending_subscribe *pending = client->subscribes;
    while (pending->packet_id) /* client.c reads none while all are taken */
        pending++;
    *pending = (struct pending_subscribe){.packet_id = packet_id};
    client->subscribes_pending++;
    return pending;
}

/* Sorts the filters: allowed ones into `kept`, refusals into `pending`. False: the client ended. */
static bool sort_filters(struct client *client, struct mqtt_filter_list *list,
                         struct pending_subscribe *pending, struct mqtt_filter *kept,
                         size_t *kept_count)
{
    struct mqtt_filter filter;
    char text[FILTER_MAX + 1];
    while (mqtt_next_filter(list, &filter)) {
        const char *fault = take_filter(filter.text, text);
        const char *plain = filter_of_share(text);
        if (!fault && plain[0] == '$' && strncmp(plain, "$aws/", 5) != 0)
            fault = "it subscribed to a topic that begins with $";
        if (fault && !client->mqtt5) {
            client_end(client, "%s", fault);
            return false;
        }
        if (fault)
            cloud_log("gateway", "%s: a subscription is refused: %s", client->id, fault);
        const enum mqtt5_reason refused =
            fault ? MQTT5_FILTER_INVALID : try_subscribe(client, text);
        pending->refused[pending->count++] = (uint8_t)refused;
        if (filter.qos > 1)
            filter.qos = 1;
        if (!refused)
            kept[(*kept_count)++] = filter;
    }
    return true;
}

static void refuse_all(struct client *client, struct pending_subscribe *pending)
{
    uint8_t codes[FILTERS_MAX], packet[MQTT_HEADER_MAX + 3 + FILTERS_MAX];
    for (size_t i = 0; i < pending->count; i++)
        codes[i] = client->mqtt->code(MQTT_PACKET_SUBACK, pending->refused[i]);
    struct mqtt_suback suback = {.packet_id = pending->packet_id, .codes = {codes, pending->count}};
    int length = client->mqtt->encode_grants(packet, sizeof packet, MQTT_PACKET_SUBACK, &suback);
    if (length > 0)
        client_send_device(client, packet, (size_t)length);
    pending->packet_id = 0;
    client->subscribes_pending--;
}

static void on_subscribe(struct client *client, struct packet *packet)
{
    struct mqtt_filter_list list;
    struct mqtt_filter kept[FILTERS_MAX];
    struct mqtt5_property identifier;
    size_t count = 0;

    if (client->mqtt->decode_filters(MQTT_PACKET_SUBSCRIBE, packet->body,
                                     packet->header.body_length, &list) != OTTER_OK) {
        client_fail(client, MQTT5_MALFORMED_PACKET, "its SUBSCRIBE is malformed");
        return;
    }
    if (list.count > FILTERS_MAX) {
        client_fail(client, MQTT5_QUOTA_EXCEEDED,
                    "its SUBSCRIBE has %u filters, at most %u are allowed", list.count,
                    FILTERS_MAX);
        return;
    }
    if (client->mqtt5 && mqtt5_find_property(list.properties, MQTT5_SUBSCRIPTION_ID, &identifier)) {
        client_fail(client, MQTT5_SUBSCRIPTION_IDS_NOT_SUPPORTED,
                    "its SUBSCRIBE has a subscription identifier");
        return;
    }
    struct pending_subscribe *pending = new_pending(client, list.packet_id);
    if (!sort_filters(client, &list, pending, kept, &count))
        return;
    if (count == 0) {
        refuse_all(client, pending);
        return;
    }
    uint8_t *out = malloc(packet->size); /* no filters are added */
    int length = out ? client->mqtt->encode_filters(out, packet->size, MQTT_PACKET_SUBSCRIBE, &list,
                                                    kept, count)
                     : OTTER_E_MEMORY;
    if (length > 0) {
        client_send_broker(client, out, (size_t)length);
        events_subscribed(client, kept, count);
    } else {
        client_fail(client, MQTT5_MALFORMED_PACKET, "its SUBSCRIBE cannot go on: %s",
                    otter_status_text(length));
    }
    free(out);
}

static void on_unsubscribe(struct client *client, struct packet *packet)
{
    struct mqtt_filter_list list;
    struct mqtt_filter filter, gone[FILTERS_MAX];
    size_t count = 0;
    char text[FILTER_MAX + 1];
    if (client->mqtt->decode_filters(MQTT_PACKET_UNSUBSCRIBE, packet->body,
                                     packet->header.body_length, &list) != OTTER_OK) {
        client_fail(client, MQTT5_MALFORMED_PACKET, "its UNSUBSCRIBE is malformed");
        return;
    }
    while (mqtt_next_filter(&list, &filter)) {
        const char *fault = take_filter(filter.text, text);
        if (fault) {
            client_fail(client, MQTT5_FILTER_INVALID, "%s", fault);
            return;
        }
        session_unsubscribe(client->gateway->sessions, client->session, text);
        gone[count++] = filter;
        if (count == FILTERS_MAX) {
            events_unsubscribed(client, gone, count);
            count = 0;
        }
    }
    if (count > 0)
        events_unsubscribed(client, gone, count);
    client_relay_broker(client, packet);
}

/* ---- the rest ------------------------------------------------------------------------------- */

static void on_pingreq(struct client *client)
{
    uint8_t packet[2];
    int length = mqtt_encode_empty(packet, sizeof packet, MQTT_PACKET_PINGRESP);
    if (length > 0)
        client_send_device(client, packet, (size_t)length);
}

static void on_puback(struct client *client, struct packet *packet)
{
    struct mqtt_ack ack;
    if (client->mqtt->decode_ack(MQTT_PACKET_PUBACK, packet->body, packet->header.body_length,
                                 &ack) == OTTER_OK)
        client_relay_broker(client, packet);
    else
        client_fail(client, MQTT5_MALFORMED_PACKET, "its PUBACK is malformed");
}

/* The broker must hear of it before its connection ends, or it would send the will. */
static void on_disconnect(struct client *client, const struct packet *packet)
{
    struct mqtt_reason reason;
    uint8_t packet_out[16], expiry[8];
    if (client->mqtt->decode_reason(MQTT_PACKET_DISCONNECT, packet->body,
                                    packet->header.body_length, &reason) != OTTER_OK) {
        client_fail(client, MQTT5_MALFORMED_PACKET, "its DISCONNECT is malformed");
        return;
    }
    if (!mqtt5_expire(client, &reason, expiry, &reason.properties))
        return;
    session_expire(client->gateway->sessions, client->session, client_expiry_s(client));
    const int length =
        client->mqtt->encode_reason(packet_out, sizeof packet_out, MQTT_PACKET_DISCONNECT, &reason);
    if (length > 0)
        client_send_broker(client, packet_out, (size_t)length);
    client_blame(client, WHY_GOODBYE);
    client_leave(client, "it said goodbye");
}

void from_device(struct client *client, struct packet *packet)
{
    if ((client->state == CLIENT_GREETING) != (packet->header.type == MQTT_PACKET_CONNECT)) {
        client_fail(client, MQTT5_PROTOCOL_ERROR, "it sent %s %s",
                    mqtt_packet_name(packet->header.type),
                    client->state == CLIENT_GREETING ? "before CONNECT" : "twice");
        return;
    }
    switch (packet->header.type) {
    case MQTT_PACKET_CONNECT:
        on_connect(client, packet);
        break;
    case MQTT_PACKET_PUBLISH:
        on_publish(client, packet);
        break;
    case MQTT_PACKET_PUBACK:
        on_puback(client, packet);
        break;
    case MQTT_PACKET_SUBSCRIBE:
        on_subscribe(client, packet);
        break;
    case MQTT_PACKET_UNSUBSCRIBE:
        on_unsubscribe(client, packet);
        break;
    case MQTT_PACKET_PINGREQ:
        on_pingreq(client);
        break;
    case MQTT_PACKET_DISCONNECT:
        on_disconnect(client, packet);
        break;
    default:
        client_fail(client, MQTT5_PROTOCOL_ERROR, "it sent %s",
                    mqtt_packet_name(packet->header.type));
        break;
    }
}
