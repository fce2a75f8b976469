/* What goes through the door: messages, subscriptions, requests to the cloud, streams. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cloud/core/account/objects.h"
#include "cloud/core/jobs/jobs.h"
#include "cloud/core/registry/registry.h"
#include "cloud/core/streams/streams.h"
#include "codec/cbor.h"
#include "scene.h"

#define ARN  "arn:aws:iot:" CLOUD_REGION ":" CLOUD_ACCOUNT ":"
#define JOBS "$aws/things/t1/jobs/"

static bool payload_is(const struct mqtt_publish *message, const char *expected)
{
    return message->payload.length == strlen(expected) &&
           memcmp(message->payload.data, expected, message->payload.length) == 0;
}

/* ---- messages ------------------------------------------------------------------------------- */

static void messages_go_both_ways_at_both_qualities(void **state)
{
    (void)state;
    struct mqtt_publish message;
    const uint8_t *body;
    struct mqtt_header header;
    uint16_t packet_id;
    uint8_t ack[4];
    connect_both();
    assert_int_equal(subscribe(&scene.b, "up/#", 1), 1);
    publish(&scene.a, "up/0", "zero", 4, 0);
    assert_true(receive(&scene.b, &message, 5000));
    assert_true(text_is(message.topic, "up/0") && payload_is(&message, "zero"));
    publish(&scene.a, "up/1", "one", 3, 1);
    assert_true(device_read(&scene.a, &header, &body, 5000));
    assert_int_equal(header.type, MQTT_PACKET_PUBACK);
    assert_int_equal(mqtt_decode_ack(body, header.body_length, &packet_id), OTTER_OK);
    assert_int_equal(packet_id, 77);
    assert_true(receive(&scene.b, &message, 5000));
    assert_true(text_is(message.topic, "up/1") && payload_is(&message, "one"));
    assert_int_equal(message.qos, 1);
    int length = mqtt_encode_ack(ack, sizeof ack, MQTT_PACKET_PUBACK, message.packet_id);
    assert_true(device_send(&scene.b, ack, (size_t)length));
}

static void a_qos_1_message_waits_for_a_persistent_session(void **state)
{
    (void)state;
    struct mqtt_publish message;
    struct mqtt_connect connect = {.keep_alive_s = 60, .client_id = {"keeper", 6}};
    assert_true(scene_open(&scene.a, &scene.credentials));
    assert_int_equal(scene_send_connect(&scene.a, &connect), 0);
    assert_int_equal(subscribe(&scene.a, "mail", 1), 1);
    assert_true(device_send(&scene.a, "\xe0\x00", 2));
    assert_true(device_is_closed(&scene.a));
    assert_int_equal(scene_connect(&scene.b, &scene.credentials, "t2"), 0);
    publish(&scene.b, "mail", "letter", 6, 1);
    turn(scene.base, 100);
    assert_true(scene_open(&scene.a, &scene.credentials));
    assert_int_equal(scene_send_connect(&scene.a, &connect), 0);
    assert_true(receive(&scene.a, &message, 5000));
    assert_true(payload_is(&message, "letter"));
}

static void a_will_is_sent_when_the_connection_is_lost_and_not_after_goodbye(void **state)
{
    (void)state;
    struct mqtt_publish message;
    struct mqtt_connect connect = {.clean_session = true,
                                   .keep_alive_s = 60,
                                   .client_id = {"mortal", 6},
                                   .will_topic = {"will", 4},
                                   .will_payload = {(const uint8_t *)"gone", 4}};
    assert_int_equal(scene_connect(&scene.b, &scene.credentials, "t2"), 0);
    assert_int_equal(subscribe(&scene.b, "will", 0), 0);
    assert_true(scene_open(&scene.a, &scene.credentials));
    assert_int_equal(scene_send_connect(&scene.a, &connect), 0);
    assert_true(device_send(&scene.a, "\xe0\x00", 2));
    assert_true(device_is_closed(&scene.a));
    assert_false(receive(&scene.b, &message, 300));
    assert_true(scene_open(&scene.a, &scene.credentials));
    assert_int_equal(scene_send_connect(&scene.a, &connect), 0);
    scene.a_open = false;
    device_close(&scene.a);
    assert_true(receive(&scene.b, &message, 5000));
    assert_true(payload_is(&message, "gone"));
}

/* ---- where AWS is not the standard ---------------------------------------------------------- */

static void retain(const char *topic, const char *payload)
{
    uint8_t packet[256];
    struct mqtt_publish message = {.topic = {topic, strlen(topic)},
                                   .payload = {(const uint8_t *)payload, strlen(payload)},
                                   .packet_id = 78,
                                   .qos = 1,
                                   .retain = true};
    const uint8_t *body;
    struct mqtt_header header;
    int length = mqtt_encode_publish(packet, sizeof packet, &message);
    assert_true(device_send(&scene.b, packet, (size_t)length));
    assert_true(device_read(&scene.b, &header, &body, 5000)); /* its PUBACK */
}

static void wildcards_bring_no_retained_messages(void **state)
{
    struct gateway_config relaxed = {.rules = {.relaxed = RULE_RETAINED}}, normal = {0};
    struct mqtt_publish message;
    connect_both();
    retain("kept/1", "still here");
    assert_int_equal(subscribe(&scene.a, "kept/+", 1), 1);
    assert_false(receive(&scene.a, &message, 300));
    publish(&scene.b, "kept/2", "live", 4, 0);
    assert_true(receive(&scene.a, &message, 5000));
    assert_true(text_is(message.topic, "kept/2"));
    assert_int_equal(subscribe(&scene.a, "kept/1", 1), 1);
    assert_true(receive(&scene.a, &message, 5000));
    assert_true(message.retain && payload_is(&message, "still here"));
    scene_clear(state);
    scene_restart_gateway(&relaxed);
    connect_both();
    assert_int_equal(subscribe(&scene.a, "kept/+", 1), 1);
    assert_true(receive(&scene.a, &message, 5000));
    retain("kept/1", "");
    scene_clear(state);
    scene_restart_gateway(&normal);
}

/* Both are read before the broker has answered the first: `mosquitto_sub -U` asks so for a retained
 * message. */
static void a_filter_that_ends_at_once_brings_its_retained_message(void **state)
{
    (void)state;
    const struct mqtt_filter filter = {.text = {"kept/1", 6}, .qos = 1};
    struct mqtt_publish message;
    uint8_t packets[64];
    connect_both();
    retain("kept/1", "still here");
    assert_int_equal(subscribe(&scene.a, "other", 1), 1);
    int length = mqtt_encode_filters(packets, sizeof packets, MQTT_PACKET_SUBSCRIBE, 5, &filter, 1);
    length += mqtt_encode_filters(packets + length, sizeof packets - (size_t)length,
                                  MQTT_PACKET_UNSUBSCRIBE, 6, &filter, 1);
    assert_true(device_send(&scene.a, packets, (size_t)length));
    assert_true(receive(&scene.a, &message, 5000));
    assert_true(message.retain && payload_is(&message, "still here"));
    retain("kept/1", "");
}

static void a_parent_is_not_covered_by_its_children(void **state)
{
    struct gateway_config relaxed = {.rules = {.relaxed = RULE_PARENT}}, normal = {0};
    struct mqtt_publish message;
    connect_both();
    assert_int_equal(subscribe(&scene.a, "par/#", 1), 1);
    publish(&scene.b, "par", "parent", 6, 0);
    publish(&scene.b, "par/1", "child", 5, 0);
    assert_true(receive(&scene.a, &message, 5000));
    assert_true(payload_is(&message, "child"));
    assert_int_equal(subscribe(&scene.a, "+", 1), 1);
    publish(&scene.b, "par", "by another filter", 17, 0);
    assert_true(receive(&scene.a, &message, 5000));
    scene_clear(state);
    scene_restart_gateway(&relaxed);
    connect_both();
    assert_int_equal(subscribe(&scene.a, "par/#", 1), 1);
    publish(&scene.b, "par", "parent", 6, 0);
    assert_true(receive(&scene.a, &message, 5000));
    scene_clear(state);
    scene_restart_gateway(&normal);
}

static unsigned acknowledged(struct device *device, int ms)
{
    const uint8_t *body;
    struct mqtt_header header;
    unsigned count = 0;
    while (device_read(device, &header, &body, ms))
        count += header.type == MQTT_PACKET_PUBACK;
    return count;
}

static void messages_above_the_rate_are_lost_and_not_acknowledged(void **state)
{
    struct gateway_config limited = {.rules = {.publish = 10}}, normal = {0};
    scene_restart_gateway(&limited);
    assert_int_equal(scene_connect(&scene.a, &scene.credentials, "t1"), 0);
    for (int i = 0; i < 200; i++)
        publish(&scene.a, "fast", "x", 1, 1);
    unsigned count = acknowledged(&scene.a, 500);
    assert_in_range(count, 10, 199);
    assert_int_equal(subscribe(&scene.a, "still/here", 0), 0);
    scene_clear(state);
    scene_restart_gateway(&normal);
}

/* As when a session comes back to all that has waited for it. */
static void messages_to_a_device_at_qos_1_come_later_when_they_are_above_the_rate(void **state)
{
    enum { COUNT = 30 };
    struct gateway_config limited = {.rules = {.publish = 10}}, normal = {0};
    struct mqtt_publish message;
    int received = 0;
    scene_restart_gateway(&limited);
    assert_int_equal(scene_connect(&scene.a, &scene.credentials, "t1"), 0);
    assert_int_equal(subscribe(&scene.a, "backlog", 1), 1);
    for (int i = 0; i < COUNT; i++)
        broker_publish(scene.broker, "backlog", "x", 1);
    while (received < COUNT && receive(&scene.a, &message, 5000))
        received++;
    assert_int_equal(received, COUNT);
    scene_clear(state);
    scene_restart_gateway(&normal);
}

static void bytes_above_the_rate_come_later(void **state)
{
    static uint8_t payload[30000];
    struct gateway_config limited = {.rules = {.bytes = 20000}}, normal = {0};
    struct timespec from, to;
    scene_restart_gateway(&limited);
    assert_int_equal(scene_connect(&scene.a, &scene.credentials, "t1"), 0);
    clock_gettime(CLOCK_MONOTONIC, &from);
    for (int i = 0; i < 3; i++)
        publish(&scene.a, "much", payload, sizeof payload, 1);
    for (int i = 0; i < 3; i++) {
        const uint8_t *body;
        struct mqtt_header header;
        assert_true(device_read(&scene.a, &header, &body, 8000));
        assert_int_equal(header.type, MQTT_PACKET_PUBACK);
    }
    clock_gettime(CLOCK_MONOTONIC, &to);
    assert_true((to.tv_sec - from.tv_sec) * 1000 + (to.tv_nsec - from.tv_nsec) / 1000000 > 1500);
    scene_clear(state);
    scene_restart_gateway(&normal);
}

/* Another device sends it 64 MiB, which neither gateway nor broker may keep. */
static void a_subscriber_that_does_not_read_loses_messages_at_qos_0(void **state)
{
    (void)state;
    enum { COUNT = 512 };
    static uint8_t payload[131072];
    struct mqtt_publish message;
    unsigned received = 0;
    connect_both();
    assert_int_equal(subscribe(&scene.a, "flood", 0), 0);
    for (int i = 0; i < COUNT; i++)
        publish(&scene.b, "flood", payload, sizeof payload, 0);
    assert_int_equal(subscribe(&scene.b, "sent", 0), 0);
    while (received < COUNT && receive(&scene.a, &message, 1000))
        received++;
    assert_in_range(received, 1, COUNT / 2);
    publish(&scene.b, "flood", "later", 5, 0);
    assert_true(receive(&scene.a, &message, 5000));
    assert_true(payload_is(&message, "later"));
}

/* ---- events --------------------------------------------------------------------------------- */

/* The next event of that kind about that client, of those that device b hears. */
static json_t *event_of(const char *kind, const char *id)
{
    char topic[128];
    struct mqtt_publish message;
    snprintf(topic, sizeof topic, "$aws/events/%s/%s", kind, id);
    do
        assert_true(receive(&scene.b, &message, 5000));
    while (!text_is(message.topic, topic));
    return json_loadb((const char *)message.payload.data, message.payload.length, 0, NULL);
}

static const char *text_of(const json_t *event, const char *name)
{
    const char *text = json_string_value(json_object_get(event, name));
    return text ? text : "";
}

static void connections_and_subscriptions_are_told(void **state)
{
    (void)state;
    struct mqtt_connect connect = {.clean_session = true, .client_id = {"seen", 4}};
    assert_int_equal(scene_connect(&scene.b, &scene.credentials, "watcher"), 0);
    assert_int_equal(subscribe(&scene.b, "$aws/events/#", 0), 0);
    assert_true(scene_open(&scene.a, &scene.credentials));
    assert_int_equal(scene_send_connect(&scene.a, &connect), 0);
    json_t *came = event_of("presence/connected", "seen");
    assert_string_equal(text_of(came, "eventType"), "connected");
    assert_string_equal(text_of(came, "clientId"), "seen");
    assert_string_equal(text_of(came, "ipAddress"), "127.0.0.1");
    assert_int_equal(strlen(text_of(came, "principalIdentifier")), 64);
    assert_int_equal(json_integer_value(json_object_get(came, "versionNumber")), 0);
    assert_int_equal(subscribe(&scene.a, "one/+", 1), 1);
    json_t *subscribed = event_of("subscriptions/subscribed", "seen");
    assert_string_equal(json_string_value(json_array_get(json_object_get(subscribed, "topics"), 0)),
                        "one/+");
    assert_true(device_send(&scene.a, "\xe0\x00", 2));
    json_t *left = event_of("presence/disconnected", "seen");
    assert_string_equal(text_of(left, "disconnectReason"), "CLIENT_INITIATED_DISCONNECT");
    assert_true(json_is_true(json_object_get(left, "clientInitiatedDisconnect")));
    assert_string_equal(text_of(left, "sessionIdentifier"), text_of(came, "sessionIdentifier"));
    assert_int_equal(json_integer_value(json_object_get(left, "versionNumber")), 0);
    json_decref(came);
    json_decref(subscribed);
    json_decref(left);
}

static const char *reason_of_end(void)
{
    static char reason[64];
    json_t *event = event_of("presence/disconnected", "seen");
    snprintf(reason, sizeof reason, "%s", text_of(event, "disconnectReason"));
    json_decref(event);
    return reason;
}

static void each_end_has_its_reason(void **state)
{
    (void)state;
    static const uint8_t qos_2[] = {0x34, 5, 0, 1, 'x', 0, 1};
    char id[65];
    struct credentials poor = credentials_make("nobody");
    assert_int_equal(scene_connect(&scene.b, &scene.credentials, "watcher"), 0);
    assert_int_equal(subscribe(&scene.b, "$aws/events/#", 0), 0);
    assert_int_equal(scene_connect(&scene.a, &scene.credentials, "seen"), 0);
    device_close(&scene.a);
    scene.a_open = false;
    assert_string_equal(reason_of_end(), "CONNECTION_LOST");
    assert_int_equal(scene_connect(&scene.a, &scene.credentials, "seen"), 0);
    assert_true(device_send(&scene.a, qos_2, sizeof qos_2));
    assert_string_equal(reason_of_end(), "CLIENT_ERROR");
    scene_register(&poor, "ACTIVE", id);
    assert_int_equal(scene_connect(&scene.a, &poor, "poor"), MQTT_CONNACK_NOT_AUTHORIZED);
    json_t *failed = event_of("presence/connect_failed", "poor");
    assert_string_equal(text_of(failed, "connectFailureReason"), "AUTHORIZATION_FAILED");
    json_decref(failed);
    credentials_free(&poor);
}

/* ---- policies ------------------------------------------------------------------------------- */

static void publish_subscribe_and_receive_need_policies(void **state)
{
    (void)state;
    char id[65];
    struct mqtt_publish message;
    struct credentials limited = credentials_make("limited");
    scene_register(&limited, "ACTIVE", id);
    scene_policy("limited",
                 "{'Effect':'Allow','Action':'iot:Connect','Resource':'*'},"
                 "{'Effect':'Allow','Action':'iot:Publish','Resource':'" ARN "topic/mine'},"
                 "{'Effect':'Allow','Action':'iot:Subscribe','Resource':'" ARN
                 "topicfilter/news/*'},"
                 "{'Effect':'Allow','Action':'iot:Receive','Resource':'" ARN "topic/news/open'}",
                 id);
    assert_int_equal(scene_connect(&scene.a, &limited, "limited"), 0);
    assert_int_equal(scene_connect(&scene.b, &scene.credentials, "t2"), 0);
    assert_int_equal(subscribe(&scene.a, "other", 0), MQTT_GRANT_REFUSED);
    assert_int_equal(subscribe(&scene.a, "news/#", 1), 1);
    publish(&scene.b, "news/secret", "s", 1, 1);
    publish(&scene.b, "news/open", "o", 1, 1);
    assert_true(receive(&scene.a, &message, 5000));
    assert_true(text_is(message.topic, "news/open"));
    publish(&scene.a, "mine", "x", 1, 0);
    assert_false(receive(&scene.a, &message, 200));
    publish(&scene.a, "yours", "x", 1, 0);
    assert_true(device_is_closed(&scene.a));
    credentials_free(&limited);
}

/* By a policy that is attached (one certificate), and by a new version of it (whomever). */
static void changed_policies_hold_from_the_next_packet_on(void **state)
{
    (void)state;
    char id[65];
    struct answer answer = ANSWER_INIT;
    struct credentials growing = credentials_make("growing");
    scene_register(&growing, "ACTIVE", id);
    scene_policy("grow-1", "{'Effect':'Allow','Action':'iot:Connect','Resource':'*'}", id);
    assert_int_equal(scene_connect(&scene.a, &growing, "growing"), 0);
    assert_int_equal(subscribe(&scene.a, "x", 0), MQTT_GRANT_REFUSED);
    scene_policy("grow-2", "{'Effect':'Allow','Action':'iot:Subscribe','Resource':'*'}", id);
    assert_int_equal(subscribe(&scene.a, "x", 0), 0);
    assert_int_equal(policy_version_create(&scene.cloud, "grow-2",
                                           "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":"
                                           "\"Deny\",\"Action\":\"iot:*\",\"Resource\":\"*\"}]}",
                                           true, &answer),
                     CORE_OK);
    answer_free(&answer);
    assert_int_equal(subscribe(&scene.a, "y", 0), MQTT_GRANT_REFUSED);
    credentials_free(&growing);
}

static void refused_filters_keep_their_place_in_the_suback(void **state)
{
    (void)state;
    char id[65];
    uint8_t packet[256];
    const uint8_t *body;
    struct mqtt_header header;
    struct mqtt_suback suback;
    struct credentials some = credentials_make("some");
    struct mqtt_filter filters[] = {{.text = {"no/1", 4}},
                                    {.text = {"yes/1", 5}, .qos = 1},
                                    {.text = {"no/2", 4}},
                                    {.text = {"yes/2", 5}, .qos = 2}};
    scene_register(&some, "ACTIVE", id);
    scene_policy("some",
                 "{'Effect':'Allow','Action':'iot:Connect','Resource':'*'},"
                 "{'Effect':'Allow','Action':'iot:Subscribe','Resource':'" ARN
                 "topicfilter/yes/*'}",
                 id);
    assert_int_equal(scene_connect(&scene.a, &some, "some"), 0);
    int length = mqtt_encode_filters(packet, sizeof packet, MQTT_PACKET_SUBSCRIBE, 3, filters, 4);
    assert_true(device_send(&scene.a, packet, (size_t)length));
    assert_true(device_read(&scene.a, &header, &body, 5000));
    assert_int_equal(mqtt_decode_suback(body, header.body_length, &suback), OTTER_OK);
    assert_int_equal(suback.codes.length, 4);
    assert_memory_equal(suback.codes.data, "\x80\x01\x80\x01", 4);
    credentials_free(&some);
}

/* ---- limits --------------------------------------------------------------------------------- */

static void payloads_end_at_128_kib(void **state)
{
    (void)state;
    static uint8_t payload[131073];
    struct mqtt_publish message;
    connect_both();
    assert_int_equal(subscribe(&scene.b, "big", 0), 0);
    publish(&scene.a, "big", payload, 131072, 0);
    assert_true(receive(&scene.b, &message, 5000));
    assert_int_equal(message.payload.length, 131072);
    publish(&scene.a, "big", payload, 131073, 0);
    assert_true(device_is_closed(&scene.a));
}

static void topics_have_eight_levels(void **state)
{
    (void)state;
    assert_int_equal(scene_connect(&scene.a, &scene.credentials, "t1"), 0);
    assert_int_equal(subscribe(&scene.a, "1/2/3/4/5/6/7/8", 0), 0);
    publish(&scene.a, "1/2/3/4/5/6/7/8/9", "x", 1, 0);
    assert_true(device_is_closed(&scene.a));
}

static void a_subscribe_has_eight_filters_and_a_connection_fifty(void **state)
{
    (void)state;
    char texts[9][16];
    uint8_t packet[256];
    struct mqtt_filter filters[9];
    assert_int_equal(scene_connect(&scene.a, &scene.credentials, "t1"), 0);
    for (int i = 0; i < 50; i++) {
        char filter[16];
        snprintf(filter, sizeof filter, "f/%d", i);
        assert_int_equal(subscribe(&scene.a, filter, 0), 0);
    }
    assert_int_equal(subscribe(&scene.a, "f/50", 0), MQTT_GRANT_REFUSED);
    assert_int_equal(subscribe(&scene.a, "f/7", 1), 1); /* it has that one */
    for (int i = 0; i < 9; i++) {
        snprintf(texts[i], sizeof texts[i], "g/%d", i);
        filters[i] = (struct mqtt_filter){.text = {texts[i], strlen(texts[i])}};
    }
    int length = mqtt_encode_filters(packet, sizeof packet, MQTT_PACKET_SUBSCRIBE, 3, filters, 9);
    assert_true(device_send(&scene.a, packet, (size_t)length));
    assert_true(device_is_closed(&scene.a));
}

static void fifty_subscribes_at_once_are_all_answered(void **state)
{
    (void)state;
    static uint8_t packets[50 * 32];
    bool answered[50] = {false};
    const uint8_t *body;
    struct mqtt_header header;
    struct mqtt_suback suback;
    int length = 0;
    assert_int_equal(scene_connect(&scene.a, &scene.credentials, "t1"), 0);
    for (uint16_t i = 0; i < 50; i++) {
        char text[16];
        snprintf(text, sizeof text, "at/once/%u", i);
        struct mqtt_filter filter = {.text = {text, strlen(text)}, .qos = 1};
        length += mqtt_encode_filters(packets + length, sizeof packets - (size_t)length,
                                      MQTT_PACKET_SUBSCRIBE, (uint16_t)(i + 1), &filter, 1);
    }
    assert_true(device_send(&scene.a, packets, (size_t)length));
    for (int i = 0; i < 50; i++) {
        assert_true(device_read(&scene.a, &header, &body, 5000));
        assert_int_equal(mqtt_decode_suback(body, header.body_length, &suback), OTTER_OK);
        assert_int_equal(suback.codes.data[0], 1);
        answered[suback.packet_id - 1] = true;
    }
    for (int i = 0; i < 50; i++)
        assert_true(answered[i]);
}

static void resume(const char *id, bool clean)
{
    struct mqtt_connect connect = {
        .clean_session = clean, .keep_alive_s = 60, .client_id = {id, strlen(id)}};
    assert_true(scene_open(&scene.a, &scene.credentials));
    assert_int_equal(scene_send_connect(&scene.a, &connect), 0);
}

static void a_session_that_goes_on_keeps_its_fifty(void **state)
{
    struct gateway_config normal = {0};
    resume("full", false);
    for (int i = 0; i < 50; i++) {
        char filter[16];
        snprintf(filter, sizeof filter, "f/%d", i);
        assert_int_equal(subscribe(&scene.a, filter, 1), 1);
    }
    resume("full", false);
    assert_int_equal(subscribe(&scene.a, "f/50", 1), MQTT_GRANT_REFUSED);
    scene_clear(state);
    scene_restart_gateway(&normal);
    resume("full", false);
    assert_int_equal(subscribe(&scene.a, "f/50", 1), MQTT_GRANT_REFUSED);
    assert_int_equal(subscribe(&scene.a, "f/7", 1), 1);
    resume("full", true);
    assert_int_equal(subscribe(&scene.a, "f/50", 1), 1);
}

int run_relay_tests(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, scene_clear)
    const struct CMUnitTest tests[] = {
        TEST(messages_go_both_ways_at_both_qualities),
        TEST(a_qos_1_message_waits_for_a_persistent_session),
        TEST(a_will_is_sent_when_the_connection_is_lost_and_not_after_goodbye),
        TEST(wildcards_bring_no_retained_messages),
        TEST(a_filter_that_ends_at_once_brings_its_retained_message),
        TEST(a_parent_is_not_covered_by_its_children),
        TEST(messages_above_the_rate_are_lost_and_not_acknowledged),
        TEST(messages_to_a_device_at_qos_1_come_later_when_they_are_above_the_rate),
        TEST(bytes_above_the_rate_come_later),
        TEST(a_subscriber_that_does_not_read_loses_messages_at_qos_0),
        TEST(connections_and_subscriptions_are_told),
        TEST(each_end_has_its_reason),
        TEST(publish_subscribe_and_receive_need_policies),
        TEST(changed_policies_hold_from_the_next_packet_on),
        TEST(refused_filters_keep_their_place_in_the_suback),
        TEST(payloads_end_at_128_kib),
        TEST(topics_have_eight_levels),
        TEST(a_subscribe_has_eight_filters_and_a_connection_fifty),
        TEST(fifty_subscribes_at_once_are_all_answered),
        TEST(a_session_that_goes_on_keeps_its_fifty),
    };
    return cmocka_run_group_tests_name("relay", tests, scene_setup, scene_teardown);
}
