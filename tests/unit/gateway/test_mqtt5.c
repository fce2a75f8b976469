/* The door in MQTT 5, with AWS IoT's limits and reason codes, and beside it 3.1.1. */
#define _GNU_SOURCE /* memmem */
#include <stdio.h>
#include <string.h>

#include "cloud/gateway/client.h"
#include "cloud/store/db.h"
#include "scene.h"

/* ---- speaking MQTT 5 ------------------------------------------------------------------------- */

struct properties {
    uint8_t data[512];
    size_t length;
};

static struct properties none;

static void add(struct properties *properties, const struct mqtt5_property *property)
{
    const int length = mqtt5_put_property(properties->data + properties->length,
                                          sizeof properties->data - properties->length, property);
    assert_true(length > 0);
    properties->length += (size_t)length;
}

static struct properties number(enum mqtt5_property_id id, uint32_t value)
{
    struct properties properties = {.length = 0};
    add(&properties, &(struct mqtt5_property){.id = (uint8_t)id, .number = value});
    return properties;
}

static void add_text(struct properties *properties, enum mqtt5_property_id id, const char *text)
{
    add(properties, &(struct mqtt5_property){.id = (uint8_t)id,
                                             .bytes = {(const uint8_t *)text, strlen(text)}});
}

static struct mqtt_bytes view(const struct properties *properties)
{
    return (struct mqtt_bytes){properties->data, properties->length};
}

static struct mqtt_connack greeting; /* the last CONNACK */
static uint8_t greeting_properties[512];

static int send_connect(struct device *device, const struct mqtt_connect *connect)
{
    uint8_t packet[2048];
    const uint8_t *body;
    struct mqtt_header header;
    const int length = mqtt5_encode_connect(packet, sizeof packet, connect);
    assert_true(length > 0);
    device->mqtt = &mqtt_5;
    if (!device_send(device, packet, (size_t)length) || !device_read(device, &header, &body, 5000))
        return -1;
    assert_int_equal(header.type, MQTT_PACKET_CONNACK);
    assert_int_equal(mqtt5_decode_connack(body, header.body_length, &greeting), OTTER_OK);
    memcpy(greeting_properties, greeting.properties.data, greeting.properties.length);
    greeting.properties.data = greeting_properties;
    return greeting.code;
}

static int connect_5(struct device *device, const char *id, bool clean,
                     const struct properties *properties)
{
    const struct mqtt_connect connect = {.clean_session = clean,
                                         .keep_alive_s = 60,
                                         .client_id = {id, strlen(id)},
                                         .properties = view(properties)};
    if (!scene_open(device, &scene.credentials))
        return -1;
    return send_connect(device, &connect);
}

/* -1 when the CONNACK does not say. */
static long told(enum mqtt5_property_id id)
{
    struct mqtt5_property property;
    return mqtt5_find_property(greeting.properties, id, &property) ? (long)property.number : -1;
}

static void publish_5(struct device *device, const char *topic, const char *payload,
                      struct mqtt_publish message, const struct properties *properties)
{
    uint8_t packet[2048];
    message.topic = (struct mqtt_text){topic, strlen(topic)};
    message.payload = (struct mqtt_bytes){(const uint8_t *)payload, strlen(payload)};
    message.properties = view(properties);
    const int length = mqtt5_encode_publish(packet, sizeof packet, &message);
    assert_true(length > 0);
    assert_true(device_send(device, packet, (size_t)length));
}

#define AT_0 ((struct mqtt_publish){.qos = 0})
#define AT_1 ((struct mqtt_publish){.qos = 1, .packet_id = 9})

/* The code of the next PUBACK; -1 when something else or nothing comes. */
static int acknowledged(struct device *device)
{
    const uint8_t *body;
    struct mqtt_header header;
    struct mqtt_ack ack;
    if (!device_read(device, &header, &body, 5000) || header.type != MQTT_PACKET_PUBACK)
        return -1;
    assert_int_equal(mqtt5_decode_ack(header.type, body, header.body_length, &ack), OTTER_OK);
    assert_int_equal(ack.packet_id, 9);
    return ack.reason;
}

static struct mqtt_filter filter_of(const char *text)
{
    return (struct mqtt_filter){.text = {text, strlen(text)}, .qos = 1};
}

static bool subscribe_all(struct device *device, const struct mqtt_filter *filters, size_t count,
                          const struct properties *properties, uint8_t *codes)
{
    uint8_t packet[4096];
    const uint8_t *body;
    struct mqtt_header header;
    struct mqtt_suback suback;
    const struct mqtt_filter_list list = {.packet_id = 5, .properties = view(properties)};
    const int length =
        mqtt5_encode_filters(packet, sizeof packet, MQTT_PACKET_SUBSCRIBE, &list, filters, count);
    assert_true(length > 0 && device_send(device, packet, (size_t)length));
    if (!device_read(device, &header, &body, 5000) || header.type != MQTT_PACKET_SUBACK)
        return false;
    assert_int_equal(mqtt5_decode_grants(MQTT_PACKET_SUBACK, body, header.body_length, &suback),
                     OTTER_OK);
    assert_int_equal(suback.codes.length, count);
    memcpy(codes, suback.codes.data, count);
    return true;
}

static int subscribe_5(struct device *device, const char *text)
{
    const struct mqtt_filter filter = filter_of(text);
    uint8_t code;
    return subscribe_all(device, &filter, 1, &none, &code) ? code : -1;
}

static bool receive_5(struct device *device, struct mqtt_publish *message, size_t *size, int ms)
{
    const uint8_t *body;
    struct mqtt_header header;
    while (device_read(device, &header, &body, ms)) {
        if (header.type != MQTT_PACKET_PUBLISH)
            continue;
        assert_int_equal(mqtt5_decode_publish(header.flags, body, header.body_length, message),
                         OTTER_OK);
        if (size)
            *size = header.size + header.body_length;
        return true;
    }
    return false;
}

/* The code of the DISCONNECT that ends the connection, and why in words; -1 for a bare end. */
static int farewell(struct device *device, char why[256])
{
    const uint8_t *body;
    struct mqtt_header header;
    struct mqtt_reason reason;
    struct mqtt5_property words = {.id = 0};
    while (device_read(device, &header, &body, 5000)) {
        if (header.type != MQTT_PACKET_DISCONNECT)
            continue;
        assert_int_equal(mqtt5_decode_reason(header.type, body, header.body_length, &reason),
                         OTTER_OK);
        mqtt5_find_property(reason.properties, MQTT5_REASON_STRING, &words);
        if (why)
            memcpy(why, words.bytes.data ? (const char *)words.bytes.data : "", words.bytes.length);
        if (why)
            why[words.bytes.length] = '\0';
        assert_true(device_is_closed(device));
        return reason.code;
    }
    return -1;
}

static bool has(const struct mqtt_publish *message, enum mqtt5_property_id id, const char *text)
{
    struct mqtt5_property property;
    return mqtt5_find_property(message->properties, id, &property) &&
           property.bytes.length == strlen(text) &&
           memcmp(property.bytes.data, text, strlen(text)) == 0;
}

static bool says(const struct mqtt_publish *message, const char *payload)
{
    return message->payload.length == strlen(payload) &&
           memcmp(message->payload.data, payload, strlen(payload)) == 0;
}

static uint32_t alias_of(const struct mqtt_publish *message)
{
    struct mqtt5_property property;
    return mqtt5_find_property(message->properties, MQTT5_TOPIC_ALIAS, &property) ? property.number
                                                                                  : 0;
}

/* ---- CONNECT --------------------------------------------------------------------------------- */

static void connack_tells_the_limits_of_the_service(void **state)
{
    (void)state;
    assert_int_equal(connect_5(&scene.a, "t1", true, &none), 0);
    assert_int_equal(told(MQTT5_RECEIVE_MAX), 100);
    assert_int_equal(told(MQTT5_MAX_QOS), 1);
    assert_int_equal(told(MQTT5_RETAIN_AVAILABLE), 1);
    assert_int_equal(told(MQTT5_MAX_PACKET_SIZE), 149504);
    assert_int_equal(told(MQTT5_TOPIC_ALIAS_MAX), 8);
    assert_int_equal(told(MQTT5_WILDCARD_AVAILABLE), 1);
    assert_int_equal(told(MQTT5_SUBSCRIPTION_ID_AVAILABLE), 0);
    assert_int_equal(told(MQTT5_SHARED_AVAILABLE), 1);
    assert_int_equal(told(MQTT5_SERVER_KEEP_ALIVE), -1);
    assert_int_equal(told(MQTT5_SESSION_EXPIRY), -1);
}

static void what_the_service_does_not_grant_is_told_in_the_connack(void **state)
{
    struct gateway_config hour = {.rules = {.session = 3600}}, normal = {0};
    const struct properties week = number(MQTT5_SESSION_EXPIRY, 604800 + 1);
    struct mqtt_connect connect = {.clean_session = true, .keep_alive_s = 5};
    struct mqtt5_property id;
    (void)state;
    assert_true(scene_open(&scene.a, &scene.credentials));
    assert_int_equal(send_connect(&scene.a, &connect), 0);
    assert_int_equal(told(MQTT5_SERVER_KEEP_ALIVE), 30);
    assert_true(mqtt5_find_property(greeting.properties, MQTT5_ASSIGNED_CLIENT_ID, &id));
    assert_memory_equal(id.bytes.data, "$GEN/", 5);
    assert_int_equal(connect_5(&scene.b, "t2", true, &week), 0);
    assert_int_equal(told(MQTT5_SESSION_EXPIRY), 604800);
    scene_clear(state);
    scene_restart_gateway(&hour);
    assert_int_equal(connect_5(&scene.b, "t2", true, &week), 0);
    assert_int_equal(told(MQTT5_SESSION_EXPIRY), 3600);
    scene_clear(state);
    scene_restart_gateway(&normal);
}

static void a_connect_that_is_refused_says_why(void **state)
{
    struct properties method = {.length = 0};
    struct mqtt5_property words;
    struct mqtt_connect will = {.clean_session = true,
                                .keep_alive_s = 60,
                                .client_id = {"t1", 2},
                                .will_topic = {"a/b", 3},
                                .will_qos = 2};
    char id[PRINCIPAL_ID_SIZE];
    static bool registered;
    (void)state;
    add_text(&method, MQTT5_AUTH_METHOD, "SCRAM");
    assert_int_equal(connect_5(&scene.a, "t1", true, &method), MQTT5_BAD_AUTH_METHOD);
    assert_int_equal(connect_5(&scene.a, "$t1", true, &none), MQTT5_CLIENT_ID_INVALID);
    assert_true(scene_open(&scene.a, &scene.credentials));
    assert_int_equal(send_connect(&scene.a, &will), MQTT5_QOS_NOT_SUPPORTED);
    will.will_qos = 1;
    will.will_topic = (struct mqtt_text){"$aws/x", 6};
    assert_true(scene_open(&scene.a, &scene.credentials));
    assert_int_equal(send_connect(&scene.a, &will), MQTT5_TOPIC_INVALID);
    if (!registered)
        scene_register(&scene.other, "ACTIVE", id);
    registered = true;
    assert_true(scene_open(&scene.a, &scene.other)); /* no policy */
    will.will_topic = (struct mqtt_text){NULL, 0};
    will.will_qos = 0;
    assert_int_equal(send_connect(&scene.a, &will), MQTT5_NOT_AUTHORIZED);
    assert_true(mqtt5_find_property(greeting.properties, MQTT5_REASON_STRING, &words));
    assert_non_null(memmem(words.bytes.data, words.bytes.length, "iot:Connect", 11));
}

/* ---- messages -------------------------------------------------------------------------------- */

static void properties_of_a_message_go_through(void **state)
{
    struct properties all = number(MQTT5_PAYLOAD_FORMAT, 1);
    struct mqtt_publish message;
    struct mqtt5_property expiry, pair;
    (void)state;
    add(&all, &(struct mqtt5_property){.id = MQTT5_MESSAGE_EXPIRY, .number = 10000000});
    add_text(&all, MQTT5_CONTENT_TYPE, "text/plain");
    add_text(&all, MQTT5_RESPONSE_TOPIC, "answers/1");
    add_text(&all, MQTT5_CORRELATION_DATA, "c-7");
    add(&all, &(struct mqtt5_property){.id = MQTT5_USER_PROPERTY,
                                       .bytes = {(const uint8_t *)"k", 1},
                                       .value = {"v", 1}});
    assert_int_equal(connect_5(&scene.a, "t1", true, &none), 0);
    assert_int_equal(connect_5(&scene.b, "t2", true, &none), 0);
    assert_int_equal(subscribe_5(&scene.b, "asked/+"), 1);
    publish_5(&scene.a, "asked/x", "what?", AT_1, &all);
    assert_int_equal(acknowledged(&scene.a), 0);
    assert_true(receive_5(&scene.b, &message, NULL, 5000));
    assert_true(text_is(message.topic, "asked/x") && says(&message, "what?"));
    assert_true(has(&message, MQTT5_CONTENT_TYPE, "text/plain"));
    assert_true(has(&message, MQTT5_RESPONSE_TOPIC, "answers/1"));
    assert_true(has(&message, MQTT5_CORRELATION_DATA, "c-7"));
    assert_true(mqtt5_find_property(message.properties, MQTT5_USER_PROPERTY, &pair));
    assert_true(text_is(pair.value, "v"));
    assert_true(mqtt5_find_property(message.properties, MQTT5_MESSAGE_EXPIRY, &expiry));
    assert_in_range(expiry.number, MESSAGE_EXPIRY_MAX_S - 5, MESSAGE_EXPIRY_MAX_S);
}

static void both_versions_exchange_messages(void **state)
{
    struct properties type = {.length = 0};
    struct mqtt_publish message;
    (void)state;
    add_text(&type, MQTT5_CONTENT_TYPE, "text/plain");
    assert_int_equal(connect_5(&scene.a, "t1", true, &none), 0);
    assert_int_equal(scene_connect(&scene.b, &scene.credentials, "t2"), 0);
    assert_int_equal(subscribe(&scene.b, "to/3", 1), 1);
    assert_int_equal(subscribe_5(&scene.a, "to/5"), 1);
    publish_5(&scene.a, "to/3", "from 5", AT_0, &type);
    assert_true(receive(&scene.b, &message, 5000));
    assert_true(says(&message, "from 5"));
    publish(&scene.b, "to/5", "from 3", 6, 0);
    assert_true(receive_5(&scene.a, &message, NULL, 5000));
    assert_true(says(&message, "from 3") && message.properties.length == 0);
}

static void topic_aliases_of_a_device_are_resolved(void **state)
{
    const struct properties third = number(MQTT5_TOPIC_ALIAS, 3);
    struct mqtt_publish message;
    char why[256];
    (void)state;
    assert_int_equal(connect_5(&scene.a, "t1", true, &none), 0);
    assert_int_equal(scene_connect(&scene.b, &scene.credentials, "t2"), 0);
    assert_int_equal(subscribe(&scene.b, "long/#", 0), 0);
    publish_5(&scene.a, "long/one", "1", AT_0, &third);
    publish_5(&scene.a, "", "2", AT_1, &third);
    publish_5(&scene.a, "long/two", "3", AT_0, &third);
    publish_5(&scene.a, "", "4", AT_0, &third);
    static const char *const topics[4] = {"long/one", "long/one", "long/two", "long/two"};
    static const char *const payloads[4] = {"1", "2", "3", "4"};
    for (int i = 0; i < 4; i++) {
        assert_true(receive(&scene.b, &message, 5000));
        assert_true(text_is(message.topic, topics[i]) && says(&message, payloads[i]));
    }
    const struct properties unknown = number(MQTT5_TOPIC_ALIAS, 4);
    publish_5(&scene.a, "", "5", AT_0, &unknown);
    assert_int_equal(farewell(&scene.a, why), MQTT5_TOPIC_ALIAS_INVALID);
    assert_non_null(strstr(why, "alias 4"));
    assert_int_equal(connect_5(&scene.a, "t1", true, &none), 0);
    const struct properties ninth = number(MQTT5_TOPIC_ALIAS, 9);
    publish_5(&scene.a, "long/nine", "9", AT_0, &ninth);
    assert_int_equal(farewell(&scene.a, NULL), MQTT5_TOPIC_ALIAS_INVALID);
}

static void a_device_that_takes_aliases_gets_them(void **state)
{
    const struct properties two = number(MQTT5_TOPIC_ALIAS_MAX, 2);
    struct mqtt_publish message;
    size_t whole, shorter;
    (void)state;
    assert_int_equal(connect_5(&scene.a, "t1", true, &two), 0);
    assert_int_equal(scene_connect(&scene.b, &scene.credentials, "t2"), 0);
    assert_int_equal(subscribe_5(&scene.a, "many/+"), 1);
    publish(&scene.b, "many/1", "same", 4, 0);
    publish(&scene.b, "many/1", "same", 4, 0);
    publish(&scene.b, "many/2", "same", 4, 0);
    publish(&scene.b, "many/3", "same", 4, 0); /* in the place of many/1 */
    publish(&scene.b, "many/2", "same", 4, 0);
    assert_true(receive_5(&scene.a, &message, &whole, 5000));
    assert_true(text_is(message.topic, "many/1") && alias_of(&message) == 1);
    assert_true(receive_5(&scene.a, &message, &shorter, 5000));
    assert_true(message.topic.length == 0 && alias_of(&message) == 1 && says(&message, "same"));
    assert_int_equal(shorter, whole - 6);
    assert_true(receive_5(&scene.a, &message, NULL, 5000));
    assert_true(text_is(message.topic, "many/2") && alias_of(&message) == 2);
    assert_true(receive_5(&scene.a, &message, NULL, 5000));
    assert_true(text_is(message.topic, "many/3") && alias_of(&message) == 1);
    assert_true(receive_5(&scene.a, &message, NULL, 5000));
    assert_true(message.topic.length == 0 && alias_of(&message) == 2);
}

static void reserved_topics_answer_in_mqtt_5(void **state)
{
    const struct properties aliases = number(MQTT5_TOPIC_ALIAS_MAX, 8);
    const struct properties alias = number(MQTT5_TOPIC_ALIAS, 1);
    struct mqtt_publish message;
    (void)state;
    assert_int_equal(connect_5(&scene.a, "t1", true, &aliases), 0);
    assert_int_equal(subscribe_5(&scene.a, "$aws/things/t1/jobs/get/+"), 1);
    publish_5(&scene.a, "$aws/things/t1/jobs/get", "{\"clientToken\":\"a\"}", AT_1, &alias);
    assert_int_equal(acknowledged(&scene.a), 0);
    assert_true(receive_5(&scene.a, &message, NULL, 5000));
    assert_true(text_is(message.topic, "$aws/things/t1/jobs/get/accepted"));
    publish_5(&scene.a, "", "{\"clientToken\":\"b\"}", AT_0, &alias);
    assert_true(receive_5(&scene.a, &message, NULL, 5000));
    assert_true(message.topic.length == 0 && alias_of(&message) == 1);
    assert_non_null(memmem(message.payload.data, message.payload.length, "\"b\"", 3));
    publish_5(&scene.a, "$aws/things/t1/nothing", "x", AT_0, &none);
    assert_int_equal(farewell(&scene.a, NULL), MQTT5_TOPIC_INVALID);
}

static void a_packet_that_the_device_cannot_take_is_not_sent(void **state)
{
    const struct properties small = number(MQTT5_MAX_PACKET_SIZE, 100);
    struct mqtt_publish message;
    char payload[200];
    (void)state;
    memset(payload, 'x', sizeof payload);
    assert_int_equal(connect_5(&scene.a, "t1", true, &small), 0);
    assert_int_equal(scene_connect(&scene.b, &scene.credentials, "t2"), 0);
    assert_int_equal(subscribe_5(&scene.a, "$aws/things/t1/jobs/get/+"), 1);
    assert_int_equal(subscribe_5(&scene.a, "large"), 1);
    publish_5(&scene.a, "$aws/things/t1/jobs/get",
              "{\"clientToken\":\"a token that makes the answer longer than one hundred bytes\"}",
              AT_0, &none);
    publish(&scene.b, "large", payload, sizeof payload, 0);
    publish(&scene.b, "large", "small", 5, 0);
    assert_true(receive_5(&scene.a, &message, NULL, 5000));
    assert_true(says(&message, "small"));
}

/* ---- limits ---------------------------------------------------------------------------------- */

static void what_must_not_be_published_ends_with_its_code(void **state)
{
    static uint8_t large[160000];
    struct properties identifier = number(MQTT5_SUBSCRIPTION_ID, 7);
    (void)state;
    assert_int_equal(connect_5(&scene.a, "t1", true, &none), 0);
    publish_5(&scene.a, "a", "x", (struct mqtt_publish){.qos = 2, .packet_id = 9}, &none);
    assert_int_equal(farewell(&scene.a, NULL), MQTT5_QOS_NOT_SUPPORTED);

    assert_int_equal(connect_5(&scene.a, "t1", true, &none), 0);
    publish_5(&scene.a, "a", "x", AT_0, &identifier);
    assert_int_equal(farewell(&scene.a, NULL), MQTT5_PROTOCOL_ERROR);

    assert_int_equal(connect_5(&scene.a, "t1", true, &none), 0);
    publish_5(&scene.a, "$aws/things/t1/jobs/get", "", (struct mqtt_publish){.retain = true},
              &none);
    assert_int_equal(farewell(&scene.a, NULL), MQTT5_TOPIC_INVALID);

    /* One byte of payload more than 128 KiB; then a packet longer than CONNACK allows. */
    for (int i = 0; i < 2; i++) {
        const struct mqtt_publish message = {
            .topic = {"a", 1}, .payload = {large, i == 0 ? MQTT_PAYLOAD_MAX + 1 : 149504}};
        uint8_t head[16];
        assert_int_equal(connect_5(&scene.a, "t1", true, &none), 0);
        const int length = mqtt5_encode_publish_head(head, sizeof head, &message);
        assert_true(device_send(&scene.a, head, (size_t)length));
        device_send(&scene.a, large, message.payload.length);
        assert_int_equal(farewell(&scene.a, NULL), MQTT5_PACKET_TOO_LARGE);
    }
}

static void what_no_policy_allows_is_refused_message_by_message(void **state)
{
    char why[256];
    const uint8_t *body;
    struct mqtt_header header;
    struct mqtt_ack ack;
    struct mqtt5_property words;
    struct properties quiet = number(MQTT5_REQUEST_PROBLEM_INFO, 0);
    struct credentials few = credentials_make("few");
    char id[PRINCIPAL_ID_SIZE];
    const struct mqtt_connect connect = {
        .clean_session = true, .keep_alive_s = 60, .client_id = {"few", 3}};
    const struct mqtt_connect quietly = {.clean_session = true,
                                         .keep_alive_s = 60,
                                         .client_id = {"few", 3},
                                         .properties = view(&quiet)};
    (void)state;
    scene_register(&few, "ACTIVE", id);
    scene_policy("few", "{'Effect':'Allow','Action':'iot:Connect','Resource':'*'}", id);
    assert_true(scene_open(&scene.a, &few));
    assert_int_equal(send_connect(&scene.a, &connect), 0);
    publish_5(&scene.a, "a", "x", AT_1, &none);
    assert_true(device_read(&scene.a, &header, &body, 5000));
    assert_int_equal(mqtt5_decode_ack(MQTT_PACKET_PUBACK, body, header.body_length, &ack),
                     OTTER_OK);
    assert_int_equal(ack.reason, MQTT5_NOT_AUTHORIZED);
    assert_true(mqtt5_find_property(ack.properties, MQTT5_REASON_STRING, &words));
    assert_int_equal(subscribe_5(&scene.a, "a"), MQTT5_NOT_AUTHORIZED);
    publish_5(&scene.a, "a", "x", AT_0, &none);
    assert_int_equal(farewell(&scene.a, why), MQTT5_NOT_AUTHORIZED);
    assert_non_null(strstr(why, "iot:Publish"));
    assert_true(scene_open(&scene.a, &few));
    assert_int_equal(send_connect(&scene.a, &quietly), 0);
    publish_5(&scene.a, "a", "x", AT_0, &none);
    assert_int_equal(farewell(&scene.a, why), MQTT5_NOT_AUTHORIZED);
    assert_string_equal(why, "");
    credentials_free(&few);
}

static void a_topic_of_nine_levels_is_refused(void **state)
{
    (void)state;
    assert_int_equal(connect_5(&scene.a, "t1", true, &none), 0);
    publish_5(&scene.a, "1/2/3/4/5/6/7/8/9", "x", AT_1, &none);
    assert_int_equal(acknowledged(&scene.a), MQTT5_TOPIC_INVALID);
    assert_int_equal(subscribe_5(&scene.a, "1/2/3/4/5/6/7/8/9"), MQTT5_FILTER_INVALID);
    assert_int_equal(subscribe_5(&scene.a, "$SYS/#"), MQTT5_FILTER_INVALID);
}

static void more_than_receive_maximum_end_the_connection(void **state)
{
    static uint8_t packets[200 * 16];
    size_t length = 0;
    (void)state;
    assert_int_equal(connect_5(&scene.a, "t1", true, &none), 0);
    for (uint16_t i = 1; i <= 101; i++) {
        const struct mqtt_publish message = {.topic = {"a", 1}, .qos = 1, .packet_id = i};
        const int one = mqtt5_encode_publish(packets + length, sizeof packets - length, &message);
        assert_true(one > 0);
        length += (size_t)one;
    }
    assert_int_equal(device_try_send(&scene.a, packets, length), length); /* in one record */
    assert_int_equal(farewell(&scene.a, NULL), MQTT5_RECEIVE_MAX_EXCEEDED);
}

static void too_many_messages_a_second_are_refused_by_their_puback(void **state)
{
    struct gateway_config limited = {.rules = {.publish = 10}}, normal = {0};
    int refused = 0;
    scene_restart_gateway(&limited);
    assert_int_equal(connect_5(&scene.a, "t1", true, &none), 0);
    for (int i = 0; i < 30; i++)
        publish_5(&scene.a, "a", "x", AT_1, &none);
    for (int i = 0; i < 30; i++) {
        const int code = acknowledged(&scene.a);
        assert_true(code == MQTT5_SUCCESS || code == MQTT5_QUOTA_EXCEEDED);
        refused += code == MQTT5_QUOTA_EXCEEDED;
    }
    assert_in_range(refused, 1, 20);
    scene_clear(state);
    scene_restart_gateway(&normal);
}

static void a_subscribe_keeps_its_limits(void **state)
{
    const struct properties identifier = number(MQTT5_SUBSCRIPTION_ID, 7);
    struct mqtt_filter nine[9];
    uint8_t codes[9];
    (void)state;
    for (int i = 0; i < 9; i++)
        nine[i] = filter_of("a");
    assert_int_equal(connect_5(&scene.a, "t1", true, &none), 0);
    nine[0].qos = 2;
    assert_true(subscribe_all(&scene.a, nine, 8, &none, codes));
    assert_int_equal(codes[0], 1);
    assert_false(subscribe_all(&scene.a, nine, 9, &none, codes));
    assert_int_equal(connect_5(&scene.a, "t1", true, &none), 0);
    assert_false(subscribe_all(&scene.a, nine, 1, &identifier, codes));
    assert_true(device_is_closed(&scene.a));
    assert_int_equal(connect_5(&scene.a, "t1", true, &none), 0);
    char filter[16];
    for (int i = 0; i < 50; i++) {
        snprintf(filter, sizeof filter, "s/%d", i);
        assert_int_equal(subscribe_5(&scene.a, filter), 1);
    }
    assert_int_equal(subscribe_5(&scene.a, "s/50"), MQTT5_QUOTA_EXCEEDED);
}

/* ---- groups ---------------------------------------------------------------------------------- */

static void a_group_shares_what_comes(void **state)
{
    struct mqtt_publish message;
    int of_a = 0, of_b = 0;
    (void)state;
    assert_int_equal(connect_5(&scene.a, "t1", true, &none), 0);
    assert_int_equal(scene_connect(&scene.b, &scene.credentials, "t2"), 0); /* 3.1.1 may, too */
    assert_int_equal(subscribe_5(&scene.a, "$share/workers/tasks/#"), 1);
    assert_int_equal(subscribe(&scene.b, "$share/workers/tasks/#", 0), 0);
    for (int i = 0; i < 10; i++)
        broker_publish(scene.broker, "tasks/item", "do", 2);
    for (int tries = 0; of_a + of_b < 10; tries++) {
        assert_true(tries < 150); /* half a minute */
        of_a += receive_5(&scene.a, &message, NULL, 100);
        of_b += receive(&scene.b, &message, 100);
    }
    assert_false(receive_5(&scene.a, &message, NULL, 100) || receive(&scene.b, &message, 100));
    assert_true(of_a > 0 && of_b > 0);
    static const char long_name[] =
        "$share/"
        "123456789012345678901234567890123456789012345678901234567890123456789012345678901234"
        "567890123456789012345678901234567890123456789/x";
    assert_int_equal(subscribe_5(&scene.a, long_name), MQTT5_FILTER_INVALID);
}

/* ---- sessions and ends ----------------------------------------------------------------------- */

static void a_session_lasts_as_long_as_it_was_asked_to(void **state)
{
    const struct properties hour = number(MQTT5_SESSION_EXPIRY, 3600);
    const struct properties gone = number(MQTT5_SESSION_EXPIRY, 0);
    struct mqtt_publish message;
    uint8_t packet[16];
    (void)state;
    assert_int_equal(connect_5(&scene.a, "keeper5", true, &hour), 0);
    assert_int_equal(subscribe_5(&scene.a, "mail"), 1);
    assert_true(device_send(&scene.a, "\xe0\x00", 2));
    assert_true(device_is_closed(&scene.a));
    broker_publish(scene.broker, "mail", "letter", 6);
    assert_int_equal(connect_5(&scene.a, "keeper5", false, &hour), 0);
    assert_true(greeting.session_present);
    assert_true(receive_5(&scene.a, &message, NULL, 5000));
    assert_true(says(&message, "letter"));
    const struct mqtt_reason now = {0, view(&gone)};
    const int length = mqtt5_encode_reason(packet, sizeof packet, MQTT_PACKET_DISCONNECT, &now);
    assert_true(device_send(&scene.a, packet, (size_t)length));
    assert_true(device_is_closed(&scene.a));
    assert_int_equal(connect_5(&scene.a, "keeper5", false, &none), 0);
    assert_false(greeting.session_present);
    /* What was to end with the connection cannot be made to last. */
    const struct mqtt_reason later = {0, view(&hour)};
    const int longer = mqtt5_encode_reason(packet, sizeof packet, MQTT_PACKET_DISCONNECT, &later);
    assert_true(device_send(&scene.a, packet, (size_t)longer));
    assert_int_equal(farewell(&scene.a, NULL), MQTT5_PROTOCOL_ERROR);
}

static void a_will_waits_for_its_delay(void **state)
{
    const struct properties minute = number(MQTT5_SESSION_EXPIRY, 60);
    const struct properties delay = number(MQTT5_WILL_DELAY, 1);
    struct mqtt_connect connect = {.clean_session = true,
                                   .keep_alive_s = 60,
                                   .client_id = {"mortal5", 7},
                                   .will_topic = {"will5", 5},
                                   .will_payload = {(const uint8_t *)"gone", 4},
                                   .properties = view(&minute),
                                   .will_properties = view(&delay)};
    struct mqtt_publish message;
    (void)state;
    assert_int_equal(scene_connect(&scene.b, &scene.credentials, "t2"), 0);
    assert_int_equal(subscribe(&scene.b, "will5", 0), 0);
    assert_true(scene_open(&scene.a, &scene.credentials));
    assert_int_equal(send_connect(&scene.a, &connect), 0);
    scene.a_open = false;
    device_close(&scene.a);
    turn(scene.base, 50);
    assert_true(scene_open(&scene.a, &scene.credentials)); /* back in time: it lives */
    connect.clean_session = false;
    assert_int_equal(send_connect(&scene.a, &connect), 0);
    assert_true(greeting.session_present);
    assert_false(receive(&scene.b, &message, 1500));
    scene.a_open = false;
    device_close(&scene.a);
    assert_true(receive(&scene.b, &message, 5000));
    assert_true(says(&message, "gone"));
}

static void who_is_replaced_or_shut_out_is_told_so(void **state)
{
    struct gateway_config normal = {0};
    (void)state;
    assert_int_equal(connect_5(&scene.a, "t1", true, &none), 0);
    assert_int_equal(connect_5(&scene.b, "t1", true, &none), 0);
    assert_int_equal(farewell(&scene.a, NULL), MQTT5_SESSION_TAKEN_OVER);
    scene_restart_gateway(&normal);
    assert_int_equal(farewell(&scene.b, NULL), MQTT5_SERVER_SHUTTING_DOWN);
    assert_int_equal(connect_5(&scene.b, "t1", true, &none), 0);
    assert_true(device_send(&scene.b, "\xf0\x00", 2)); /* AUTH */
    assert_int_equal(farewell(&scene.b, NULL), MQTT5_PROTOCOL_ERROR);
    assert_int_equal(connect_5(&scene.b, "t1", true, &none), 0);
    assert_true(device_send(&scene.b, "\x00\x00", 2));
    assert_int_equal(farewell(&scene.b, NULL), MQTT5_MALFORMED_PACKET);
}

/* The commit of a group that somebody else ends. */
static void wait_for_others(void *context)
{
    (void)context;
}

static void what_waits_for_its_commit_comes_before_the_goodbye(void **state)
{
    struct gateway_config normal = {0};
    (void)state;
    assert_int_equal(connect_5(&scene.a, "t1", true, &none), 0);
    db_group(scene.cloud.db, wait_for_others, NULL);
    publish_5(&scene.a, "$aws/things/t1/shadow/name/late/update", "{\"state\":{}}", AT_1, &none);
    for (int i = 0; i < 100 && !db_dirty(scene.cloud.db); i++)
        turn(scene.base, 50);
    assert_true(db_dirty(scene.cloud.db));
    scene_restart_gateway(&normal);
    db_flush(scene.cloud.db);
    db_group(scene.cloud.db, NULL, NULL);
    assert_int_equal(acknowledged(&scene.a), MQTT5_SUCCESS);
    assert_int_equal(farewell(&scene.a, NULL), MQTT5_SERVER_SHUTTING_DOWN);
}

int run_mqtt5_tests(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, scene_clear)
    const struct CMUnitTest tests[] = {
        TEST(connack_tells_the_limits_of_the_service),
        TEST(what_the_service_does_not_grant_is_told_in_the_connack),
        TEST(a_connect_that_is_refused_says_why),
        TEST(properties_of_a_message_go_through),
        TEST(both_versions_exchange_messages),
        TEST(topic_aliases_of_a_device_are_resolved),
        TEST(a_device_that_takes_aliases_gets_them),
        TEST(reserved_topics_answer_in_mqtt_5),
        TEST(a_packet_that_the_device_cannot_take_is_not_sent),
        TEST(what_must_not_be_published_ends_with_its_code),
        TEST(what_no_policy_allows_is_refused_message_by_message),
        TEST(a_topic_of_nine_levels_is_refused),
        TEST(more_than_receive_maximum_end_the_connection),
        TEST(too_many_messages_a_second_are_refused_by_their_puback),
        TEST(a_subscribe_keeps_its_limits),
        TEST(a_group_shares_what_comes),
        TEST(a_session_lasts_as_long_as_it_was_asked_to),
        TEST(a_will_waits_for_its_delay),
        TEST(who_is_replaced_or_shut_out_is_told_so),
        TEST(what_waits_for_its_commit_comes_before_the_goodbye),
    };
    return cmocka_run_group_tests_name("mqtt5", tests, scene_setup, scene_teardown);
}
