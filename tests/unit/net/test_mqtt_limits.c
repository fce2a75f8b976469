/* What MQTT 5 changes in the session: limits of the broker, aliases, reasons. That all else stays
 * as it is, the session's other tests show, which run in both versions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "mqtt_world.h"
#include "net/mqtt5.h"

static uint8_t told[64];

static void tell(enum mqtt5_property_id id, uint32_t number)
{
    const struct mqtt5_property property = {.id = (uint8_t)id, .number = number};
    const size_t at = w.b.connack_properties.length;
    const int length = mqtt5_put_property(told + at, sizeof told - at, &property);
    assert_true(length > 0);
    w.b.connack_properties = (struct mqtt_bytes){told, at + (size_t)length};
}

static void as_aws_iot(void)
{
    tell(MQTT5_RECEIVE_MAX, 100);
    tell(MQTT5_MAX_QOS, 1);
    tell(MQTT5_MAX_PACKET_SIZE, 149504);
    tell(MQTT5_TOPIC_ALIAS_MAX, 8);
    tell(MQTT5_SUBSCRIPTION_ID_AVAILABLE, 0);
}

/* ---- aliases of the broker ------------------------------------------------------------------- */

static void hear(const char *topic, uint16_t alias, const char *payload)
{
    uint8_t packet[512], property[3] = {MQTT5_TOPIC_ALIAS, 0, (uint8_t)alias};
    const struct mqtt_publish message = {.topic = {topic, strlen(topic)},
                                         .payload = {(const uint8_t *)payload, strlen(payload)},
                                         .properties = {property, sizeof property}};
    const int size = mqtt5_encode_publish(packet, sizeof packet, &message);
    assert_true(size > 0);
    broker_send(&w.b, packet, (size_t)size);
    run(1);
}

static void the_broker_may_say_a_topic_once_and_then_its_alias(void **state)
{
    (void)state;
    connect_now();
    assert_int_equal(w.b.alias_max, 2);
    subscribe("blocks/#");
    run(1);
    hear("blocks/1", 1, "one");
    hear("blocks/2", 2, "two");
    hear("", 1, "three");
    assert_string_equal(w.topic, "blocks/1");
    assert_string_equal(w.payload, "three");
    hear("blocks/3", 1, "four"); /* it stands for another one from here on */
    hear("", 2, "five");
    assert_string_equal(w.topic, "blocks/2");
    hear("", 1, "six");
    assert_string_equal(w.topic, "blocks/3");
    assert_string_equal(w.payload, "six");
    assert_int_equal(w.messages, 6);
    assert_int_equal(w.b.connections, 1);
}

static void a_message_too_long_for_the_buffer_says_a_topic_too(void **state)
{
    (void)state;
    char payload[300];
    memset(payload, 'x', sizeof payload - 1);
    payload[sizeof payload - 1] = '\0';
    connect_now();
    subscribe("blocks/#");
    run(1);
    hear("blocks/1", 1, payload);
    assert_int_equal(w.oversized, 1);
    hear("", 1, "shorter");
    assert_string_equal(w.topic, "blocks/1");
    assert_string_equal(w.payload, "shorter");
    hear("", 1, payload);
    assert_int_equal(w.oversized, 2);
    assert_string_equal(w.topic, "blocks/1");
}

/* Properties that the buffer has not room for: what has come of them is read, the message is
 * acknowledged. */
static void a_message_with_more_properties_than_fit_is_acknowledged_and_its_alias_kept(void **state)
{
    (void)state;
    uint8_t packet[600], properties[400];
    char value[350];
    memset(value, 'x', sizeof value);
    const struct mqtt5_property alias = {.id = MQTT5_TOPIC_ALIAS, .number = 1},
                                user = {.id = MQTT5_USER_PROPERTY,
                                        .bytes = {(const uint8_t *)value, 1},
                                        .value = {value, sizeof value}};
    for (unsigned alias_first = 0; alias_first < 2; alias_first++) {
        world_set_up(NULL);
        connect_now();
        subscribe("blocks/#");
        run(1);
        hear("blocks/1", 1, "one");
        const int first =
            mqtt5_put_property(properties, sizeof properties, alias_first ? &alias : &user);
        const int second = mqtt5_put_property(properties + first, sizeof properties - (size_t)first,
                                              alias_first ? &user : &alias);
        const struct mqtt_publish message = {.topic = {"blocks/2", 8},
                                             .qos = 1,
                                             .packet_id = 77,
                                             .properties = {properties, (size_t)(first + second)}};
        const int size = mqtt5_encode_publish(packet, sizeof packet, &message);
        assert_true(size > 0);
        broker_send(&w.b, packet, (size_t)size);
        run(1);
        assert_int_equal(w.oversized, 1);
        assert_int_equal(w.b.last_ack, 77);
        assert_int_equal(w.b.connections, 1);
        hear("", 1, "two");
        if (alias_first)
            assert_string_equal(w.topic, "blocks/2");
        else /* what the alias stands for is not known: the next connection begins anew */
            assert_int_equal(w.b.connections, 2);
    }
}

static void an_alias_that_stands_for_nothing_is_a_protocol_error(void **state)
{
    (void)state;
    static const uint16_t wrong[] = {1, 3, 255}; /* not said yet; above what is taken */
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        world_set_up(NULL);
        connect_now();
        subscribe("blocks/#");
        run(1);
        hear(wrong[i] == 1 ? "" : "blocks/1", wrong[i], "?");
        assert_int_equal(w.messages, 0);
        assert_int_equal(w.b.connections, 2);
    }
    world_set_up(NULL);
    connect_now();
    subscribe("blocks/#");
    run(1);
    hear("blocks/1", 1, "!");
    lose_connection();
    run(BACKOFF_CAP_MS);
    hear("", 1, "?"); /* it was the last connection's */
    assert_int_equal(w.messages, 1);
}

/* ---- aliases --------------------------------------------------------------------------------- */

static void a_topic_is_sent_once_and_then_its_alias(void **state)
{
    (void)state;
    as_aws_iot();
    connect_now();
    for (int i = 0; i < 3; i++) {
        assert_int_equal(publish("things/lamp/get", 0, "block"), OTTER_OK);
        assert_int_equal(publish("things/lamp/state", 1, "on"), OTTER_OK);
        run(1);
        assert_string_equal(w.b.last_topic, "things/lamp/state");
        assert_string_equal(w.b.last_payload, "on");
        assert_int_equal(w.b.alias_of_last, 2);
        assert_int_equal(w.b.last_topic_length, i == 0 ? 17 : 0);
    }
    assert_int_equal(w.accepted, 3);
}

static void aliases_end_with_the_connection(void **state)
{
    (void)state;
    as_aws_iot();
    connect_now();
    assert_int_equal(publish("a/topic", 0, "1"), OTTER_OK);
    run(1);
    lose_connection();
    run(BACKOFF_CAP_MS);
    assert_int_equal(publish("a/topic", 0, "2"), OTTER_OK);
    run(1);
    assert_int_equal(w.b.last_topic_length, 7);
    assert_string_equal(w.b.last_topic, "a/topic");
}

static void there_are_as_many_aliases_as_the_broker_takes(void **state)
{
    (void)state;
    char topic[16];
    tell(MQTT5_TOPIC_ALIAS_MAX, 2);
    connect_now();
    for (int i = 0; i < 20; i++) {
        snprintf(topic, sizeof topic, "topic/%d", i % 3);
        assert_int_equal(publish(topic, 0, "x"), OTTER_OK);
        run(1);
        assert_in_range(w.b.alias_of_last, 1, 2);
        assert_string_equal(w.b.last_topic, topic);
    }
    lose_connection();
    w.b.connack_properties.length = 0;
    run(BACKOFF_CAP_MS);
    assert_int_equal(publish("topic/1", 0, "x"), OTTER_OK);
    run(1);
    assert_int_equal(w.b.alias_of_last, 0);
}

static void a_topic_too_long_to_be_remembered_has_no_alias(void **state)
{
    (void)state;
    static char topic[129];
    memset(topic, 't', sizeof topic - 1);
    as_aws_iot();
    connect_now();
    for (int i = 0; i < 2; i++) {
        assert_int_equal(publish(topic, 0, "x"), OTTER_OK);
        run(1);
        assert_int_equal(w.b.alias_of_last, 0);
        assert_int_equal(w.b.last_topic_length, 128);
    }
}

/* ---- limits ---------------------------------------------------------------------------------- */

static void no_more_are_in_flight_than_the_broker_takes(void **state)
{
    (void)state;
    tell(MQTT5_RECEIVE_MAX, 2);
    w.b.holds_pubacks = true;
    connect_now();
    for (int i = 0; i < 4; i++)
        assert_int_equal(publish("t", 1, "x"), OTTER_OK);
    run(1);
    assert_int_equal(w.b.seen[MQTT_PACKET_PUBLISH], 2);
}

static void a_publish_longer_than_the_broker_takes_comes_back(void **state)
{
    (void)state;
    static char payload[300];
    memset(payload, 'x', sizeof payload - 1);
    tell(MQTT5_MAX_PACKET_SIZE, 200);
    connect_now();
    assert_int_equal(mqtt_output_max(&w.s), 200 - 16);
    assert_int_equal(publish("t", 0, payload), OTTER_E_TOO_LONG);
    assert_int_equal(publish("t", 1, payload), OTTER_OK);
    assert_int_equal(publish("t", 1, "short"), OTTER_OK);
    run(1);
    assert_int_equal(w.s.stats.dropped, 1);
    assert_int_equal(w.accepted, 1);
    assert_false(pending());
    assert_int_equal(w.b.seen[MQTT_PACKET_PUBLISH], 1);
}

static void a_filter_longer_than_the_broker_takes_is_not_sent_and_refused(void **state)
{
    (void)state;
    tell(MQTT5_MAX_PACKET_SIZE, 40);
    subscribe("a/filter/that/no/packet/of/40/bytes/has/room/for");
    subscribe("short");
    connect_now();
    assert_int_equal(w.b.seen[MQTT_PACKET_SUBSCRIBE], 1);
    assert_true(subscribed("short"));
    assert_int_equal(w.online, 1);
    assert_int_equal(w.granted, OTTER_E_REFUSED);
    lose_connection();
    w.b.connack_properties.length = 0;
    run(BACKOFF_CAP_MS);
    assert_int_equal(w.b.seen[MQTT_PACKET_SUBSCRIBE], 3);
    assert_int_equal(w.granted, OTTER_OK);
}

static void a_broker_of_qos_0_gets_nothing_else(void **state)
{
    (void)state;
    tell(MQTT5_MAX_QOS, 0);
    w.b.grant = 0;
    subscribe("s");
    connect_now();
    assert_int_equal(w.b.last_filter_qos, 0);
    assert_int_equal(publish("t", 1, "x"), OTTER_OK);
    run(1);
    assert_int_equal(w.b.last_qos, 0);
    assert_int_equal(w.accepted, 1);
    assert_false(pending());
}

static void a_shorter_keep_alive_of_the_broker_is_kept(void **state)
{
    (void)state;
    tell(MQTT5_SERVER_KEEP_ALIVE, 10);
    connect_now();
    run(9000);
    assert_int_equal(w.b.seen[MQTT_PACKET_PINGREQ], 1);
    lose_connection();
    run(BACKOFF_CAP_MS);
    assert_int_equal(w.b.keep_alive_s, 10);
}

static void limits_that_the_specification_forbids_are_protocol_errors(void **state)
{
    static const char *const bad[] = {"\x20\x06\x00\x00\x03\x21\x00", /* a receive maximum of 0 */
                                      "\x20\x08\x00\x00\x05\x27\x00\x00\x00"}; /* and no packets */
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        world_set_up(NULL);
        w.b.mute = 1u << MQTT_PACKET_CONNECT;
        run(1);
        assert_int_equal(mqtt_input(&w.s, w.now, (const uint8_t *)bad[i], 8 + 2 * i),
                         OTTER_E_MALFORMED);
    }
}

/* ---- refusals -------------------------------------------------------------------------------- */

static void a_refused_publish_comes_back_and_the_connection_stays(void **state)
{
    (void)state;
    as_aws_iot();
    w.b.puback_code = MQTT5_NOT_AUTHORIZED;
    connect_now();
    assert_int_equal(publish("forbidden", 1, "x"), OTTER_OK);
    run(1);
    assert_int_equal(w.refused, 1);
    assert_int_equal(w.s.state, MQTT_CONNECTED);
    w.b.puback_code = MQTT5_NO_MATCHING_SUBSCRIBERS; /* is no refusal */
    assert_int_equal(publish("nobody/listens", 1, "x"), OTTER_OK);
    run(1);
    assert_int_equal(w.accepted, 1);
    assert_int_equal(w.b.connections, 1);
}

static void who_is_refused_again_and_again_has_to_pause(void **state)
{
    (void)state;
    w.b.puback_code = MQTT5_QUOTA_EXCEEDED;
    connect_now();
    for (int i = 0; i < 4; i++)
        assert_int_equal(publish("t", 1, "x"), OTTER_OK);
    run(1000);
    assert_in_range(w.b.seen[MQTT_PACKET_PUBLISH], 2, 4);
    const unsigned sent = w.b.seen[MQTT_PACKET_PUBLISH];
    assert_int_equal(publish("t", 1, "x"), OTTER_OK);
    run(1000);
    assert_int_equal(w.b.seen[MQTT_PACKET_PUBLISH], sent);
}

static void a_disconnect_of_the_broker_ends_the_connection(void **state)
{
    (void)state;
    static const uint8_t taken_over[] = {0xe0, 1, MQTT5_SESSION_TAKEN_OVER};
    static const uint8_t plain[] = {0xe0, 0};
    connect_now();
    assert_int_equal(mqtt_input(&w.s, w.now, taken_over, sizeof taken_over), OTTER_E_CLOSED);
    assert_true(mqtt_should_close(&w.s));
    run(BACKOFF_CAP_MS);
    assert_int_equal(w.s.state, MQTT_CONNECTED);
    assert_int_equal(mqtt_input(&w.s, w.now, plain, sizeof plain), OTTER_E_CLOSED);
}

static void a_broker_of_3_1_1_alone_is_spoken_to_in_3_1_1(void **state)
{
    (void)state;
    w.b.knows_3_1_1_alone = true;
    w.random = UINT32_MAX;
    subscribe("s");
    run(1);
    assert_int_equal(w.s.error, OTTER_E_REFUSED);
    assert_int_equal(w.s.refusal, MQTT_CONNACK_PROTOCOL_VERSION);
    run(BACKOFF_CAP_MS);
    assert_int_equal(w.s.state, MQTT_CONNECTED);
    assert_ptr_equal(w.b.version, &mqtt_3_1_1);
    assert_int_equal(publish("t", 1, "x"), OTTER_OK);
    run(1);
    assert_int_equal(w.accepted, 1);
    lose_connection();
    run(BACKOFF_CAP_MS);
    assert_int_equal(w.s.state, MQTT_CONNECTED);
    assert_int_equal(w.b.connections, 3); /* it does not ask for 5 again */
}

static void each_reason_has_its_name(void **state)
{
    (void)state;
    assert_string_equal(mqtt5_reason_text(0x80), "unspecified error");
    assert_string_equal(mqtt5_reason_text(0x97), "quota exceeded");
    assert_string_equal(mqtt5_reason_text(0x9b), "QoS");
    assert_string_equal(mqtt5_reason_text(0x87),
                        "not authorised: check the policy of the certificate");
    assert_string_equal(mqtt5_reason_text(0x88), "service not available");
    assert_string_equal(mqtt5_reason_text(0x84), "protocol version not accepted");
    assert_string_equal(mqtt5_reason_text(0x00), "reason unknown");
    assert_string_equal(mqtt5_reason_text(0xff), "reason unknown");
    assert_string_equal(mqtt5_reason_text('t'), "reason unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(the_broker_may_say_a_topic_once_and_then_its_alias),
        WORLD_TEST(a_message_too_long_for_the_buffer_says_a_topic_too),
        WORLD_TEST(a_message_with_more_properties_than_fit_is_acknowledged_and_its_alias_kept),
        WORLD_TEST(an_alias_that_stands_for_nothing_is_a_protocol_error),
        WORLD_TEST(a_topic_is_sent_once_and_then_its_alias),
        WORLD_TEST(aliases_end_with_the_connection),
        WORLD_TEST(there_are_as_many_aliases_as_the_broker_takes),
        WORLD_TEST(a_topic_too_long_to_be_remembered_has_no_alias),
        WORLD_TEST(no_more_are_in_flight_than_the_broker_takes),
        WORLD_TEST(a_publish_longer_than_the_broker_takes_comes_back),
        WORLD_TEST(a_filter_longer_than_the_broker_takes_is_not_sent_and_refused),
        WORLD_TEST(a_broker_of_qos_0_gets_nothing_else),
        WORLD_TEST(a_shorter_keep_alive_of_the_broker_is_kept),
        WORLD_TEST(limits_that_the_specification_forbids_are_protocol_errors),
        WORLD_TEST(a_refused_publish_comes_back_and_the_connection_stays),
        WORLD_TEST(who_is_refused_again_and_again_has_to_pause),
        WORLD_TEST(a_disconnect_of_the_broker_ends_the_connection),
        WORLD_TEST(a_broker_of_3_1_1_alone_is_spoken_to_in_3_1_1),
        WORLD_TEST(each_reason_has_its_name),
    };
    return cmocka_run_group_tests_name("mqtt_limits", tests, NULL, NULL);
}
