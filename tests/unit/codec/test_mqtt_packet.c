/* MQTT packets: bytes as the specification shows them, round trips, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "codec/mqtt_packet.h"

static uint8_t out[512];

static struct mqtt_text text(const char *s)
{
    return (struct mqtt_text){s, strlen(s)};
}

static struct mqtt_bytes bytes(const char *s)
{
    return (struct mqtt_bytes){(const uint8_t *)s, strlen(s)};
}

static void assert_text(struct mqtt_text view, const char *expected)
{
    assert_non_null(view.data);
    assert_int_equal(view.length, strlen(expected));
    assert_memory_equal(view.data, expected, view.length);
}

/* Decodes the header of what was encoded into `out` and gives the body. */
static const uint8_t *body_of(int length, enum mqtt_packet_type type, struct mqtt_header *header)
{
    assert_true(length > 0);
    assert_int_equal(mqtt_decode_header(out, (size_t)length, header), OTTER_OK);
    assert_int_equal(header->type, type);
    assert_int_equal(header->size + header->body_length, length);
    return out + header->size;
}

static void assert_bytes(int length, const char *expected, size_t expected_length)
{
    assert_int_equal(length, expected_length);
    assert_memory_equal(out, expected, expected_length);
}

/* ---- The fixed header ------------------------------------------------------------------------ */

static void the_remaining_length_has_the_values_of_table_2_4(void **state)
{
    (void)state;
    static const struct {
        uint8_t data[5];
        uint8_t size;
        uint32_t length;
    } cases[] = {{{0x30, 0x7f}, 2, 127},
                 {{0x30, 0x80, 0x01}, 3, 128},
                 {{0x30, 0xff, 0x7f}, 3, 16383},
                 {{0x30, 0x80, 0x80, 0x01}, 4, 16384},
                 {{0x30, 0xff, 0xff, 0x7f}, 4, 2097151},
                 {{0x30, 0x80, 0x80, 0x80, 0x01}, 5, 2097152},
                 {{0x30, 0xff, 0xff, 0xff, 0x7f}, 5, MQTT_BODY_MAX}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct mqtt_header header;
        for (size_t have = 0; have < cases[i].size; have++)
            assert_int_equal(mqtt_decode_header(cases[i].data, have, &header), OTTER_E_AGAIN);
        assert_int_equal(mqtt_decode_header(cases[i].data, 5, &header), OTTER_OK);
        assert_int_equal(header.size, cases[i].size);
        assert_int_equal(header.body_length, cases[i].length);
    }
}

static void a_fifth_byte_of_length_is_refused(void **state)
{
    (void)state;
    struct mqtt_header header;
    const uint8_t data[] = {0x30, 0xff, 0xff, 0xff, 0xff};
    assert_int_equal(mqtt_decode_header(data, sizeof data, &header), OTTER_E_MALFORMED);
}

static void unknown_types_and_wrong_flags_are_refused_by_the_first_byte(void **state)
{
    (void)state;
    static const uint8_t good[] = {0x10, 0x20, 0x30, 0x31, 0x32, 0x33, 0x34, 0x35,
                                   0x3a, 0x3b, 0x3c, 0x3d, 0x40, 0x50, 0x62, 0x70,
                                   0x82, 0x90, 0xa2, 0xb0, 0xc0, 0xd0, 0xe0};
    struct mqtt_header header;
    size_t accepted = 0;
    for (unsigned first = 0; first < 256; first++) {
        const uint8_t data[1] = {(uint8_t)first};
        const otter_status status = mqtt_decode_header(data, 1, &header);
        const bool valid = memchr(good, (int)first, sizeof good) != NULL;
        assert_int_equal(status, valid ? OTTER_E_AGAIN : OTTER_E_MALFORMED);
        accepted += valid;
    }
    assert_int_equal(accepted, sizeof good);
}

static void a_packet_of_fixed_length_with_another_length_is_refused(void **state)
{
    (void)state;
    static const uint8_t bad[][2] = {{0x20, 1}, {0x20, 3}, {0x40, 0}, {0x40, 3}, {0xb0, 1},
                                     {0xc0, 1}, {0xd0, 2}, {0xe0, 1}, {0x10, 5}, {0x82, 2},
                                     {0xa2, 4}, {0x90, 2}, {0x30, 2}, {0x62, 1}};
    struct mqtt_header header;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(mqtt_decode_header(bad[i], 2, &header), OTTER_E_MALFORMED);
}

/* ---- CONNECT --------------------------------------------------------------------------------- */

static void a_plain_connect_has_the_bytes_of_the_specification(void **state)
{
    (void)state;
    const struct mqtt_connect connect = {
        .clean_session = true, .keep_alive_s = 60, .client_id = text("dev")};
    assert_bytes(mqtt_encode_connect(out, sizeof out, &connect),
                 "\x10\x0f\x00\x04MQTT\x04\x02\x00\x3c\x00\x03"
                 "dev",
                 17);
}

static void a_connect_with_everything_survives_the_round_trip(void **state)
{
    (void)state;
    const struct mqtt_connect sent = {.keep_alive_s = 1200,
                                      .client_id = text("thing-1"),
                                      .will_topic = text("last/will"),
                                      .will_payload = bytes("gone"),
                                      .will_qos = 1,
                                      .will_retain = true,
                                      .user_name = text("?SDK=otter"),
                                      .password = bytes("pw")};
    struct mqtt_header header;
    struct mqtt_connect got;
    const int length = mqtt_encode_connect(out, sizeof out, &sent);
    const uint8_t *body = body_of(length, MQTT_PACKET_CONNECT, &header);
    assert_int_equal(mqtt_decode_connect(body, header.body_length, &got), OTTER_OK);
    assert_int_equal(got.protocol_level, MQTT_PROTOCOL_3_1_1);
    assert_false(got.clean_session);
    assert_int_equal(got.keep_alive_s, 1200);
    assert_text(got.client_id, "thing-1");
    assert_text(got.will_topic, "last/will");
    assert_int_equal(got.will_payload.length, 4);
    assert_memory_equal(got.will_payload.data, "gone", 4);
    assert_int_equal(got.will_qos, 1);
    assert_true(got.will_retain);
    assert_text(got.user_name, "?SDK=otter");
    assert_memory_equal(got.password.data, "pw", 2);
    for (size_t cut = 0; cut < header.body_length; cut++)
        assert_int_equal(mqtt_decode_connect(body, cut, &got), OTTER_E_MALFORMED);
    assert_int_equal(mqtt_decode_connect(body, header.body_length + 1, &got), OTTER_E_MALFORMED);
}

static void absent_fields_of_a_connect_are_null_and_empty_ones_are_not(void **state)
{
    (void)state;
    struct mqtt_connect got;
    const uint8_t body[] = "\x00\x04MQTT\x04\x82\x00\x00\x00\x00\x00\x00";
    assert_int_equal(mqtt_decode_connect(body, sizeof body - 1, &got), OTTER_OK);
    assert_int_equal(got.client_id.length, 0);
    assert_non_null(got.user_name.data);
    assert_null(got.password.data);
    assert_null(got.will_topic.data);
}

static void other_protocol_versions_are_refused_as_unsupported(void **state)
{
    (void)state;
    struct mqtt_connect got;
    const uint8_t five[] = "\x00\x04MQTT\x05\x02\x00\x3c\x00\x00\x01x";
    assert_int_equal(mqtt_decode_connect(five, sizeof five - 1, &got), OTTER_E_UNSUPPORTED);
    assert_int_equal(got.protocol_level, 5);
    const uint8_t three[] = "\x00\x06MQIsdp\x03\x02\x00\x3c\x00\x01x";
    assert_int_equal(mqtt_decode_connect(three, sizeof three - 1, &got), OTTER_E_UNSUPPORTED);
    const uint8_t other[] = "\x00\x04HTTP\x04\x02\x00\x3c\x00\x01x";
    assert_int_equal(mqtt_decode_connect(other, sizeof other - 1, &got), OTTER_E_MALFORMED);
}

static void contradictory_connect_flags_are_refused(void **state)
{
    (void)state;
    /* reserved; password without user; will QoS 3; will QoS and retain without a will */
    static const uint8_t flags[] = {0x03, 0x42, 0x1e, 0x0a, 0x22};
    for (size_t i = 0; i < sizeof flags; i++) {
        uint8_t body[] = "\x00\x04MQTT\x04\x00\x00\x3c\x00\x01x\x00\x01w\x00\x01m\x00\x01u";
        struct mqtt_connect got;
        body[7] = flags[i];
        for (size_t length = 12; length < sizeof body; length++)
            assert_int_equal(mqtt_decode_connect(body, length, &got), OTTER_E_MALFORMED);
    }
    const struct mqtt_connect no_user = {.client_id = text("x"), .password = bytes("p")};
    assert_int_equal(mqtt_encode_connect(out, sizeof out, &no_user), OTTER_E_ARGUMENT);
}

static void a_will_topic_with_a_wildcard_is_refused(void **state)
{
    (void)state;
    const uint8_t body[] = "\x00\x04MQTT\x04\x06\x00\x3c\x00\x01x\x00\x01#\x00\x01m";
    struct mqtt_connect got;
    assert_int_equal(mqtt_decode_connect(body, sizeof body - 1, &got), OTTER_E_MALFORMED);
}

static void connack_goes_both_ways(void **state)
{
    (void)state;
    struct mqtt_connack got;
    assert_bytes(
        mqtt_encode_connack(out, sizeof out, &(struct mqtt_connack){.session_present = true}),
        "\x20\x02\x01\x00", 4);
    assert_int_equal(mqtt_decode_connack(out + 2, 2, &got), OTTER_OK);
    assert_true(got.session_present);
    assert_int_equal(
        mqtt_encode_connack(
            out, sizeof out,
            &(struct mqtt_connack){.session_present = true, .code = MQTT_CONNACK_NOT_AUTHORIZED}),
        OTTER_E_ARGUMENT);
    assert_int_equal(mqtt_decode_connack((const uint8_t *)"\x02\x00", 2, &got), OTTER_E_MALFORMED);
    assert_int_equal(mqtt_decode_connack((const uint8_t *)"\x01\x05", 2, &got), OTTER_E_MALFORMED);
    assert_int_equal(mqtt_decode_connack((const uint8_t *)"\x00\x07", 2, &got), OTTER_OK);
    assert_int_equal(got.code, 7);
}

/* ---- PUBLISH --------------------------------------------------------------------------------- */

static void a_publish_has_the_bytes_of_the_specification(void **state)
{
    (void)state;
    const struct mqtt_publish publish = {
        .topic = text("a/b"), .payload = bytes("hi"), .packet_id = 10, .qos = 1, .retain = true};
    assert_bytes(mqtt_encode_publish(out, sizeof out, &publish),
                 "\x33\x09\x00\x03"
                 "a/b\x00\x0ahi",
                 11);
}

static void publishes_of_each_kind_survive_the_round_trip(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < 12; kind++) {
        const struct mqtt_publish sent = {.topic = text("$aws/things/t/jobs/notify"),
                                          .payload = bytes(kind & 1 ? "payload" : ""),
                                          .qos = (uint8_t)(kind / 4),
                                          .packet_id = kind / 4 ? 0xabcd : 0,
                                          .duplicate = kind / 4 && (kind & 2),
                                          .retain = kind & 2};
        struct mqtt_header header;
        struct mqtt_publish got;
        const int length = mqtt_encode_publish(out, sizeof out, &sent);
        const uint8_t *body = body_of(length, MQTT_PACKET_PUBLISH, &header);
        assert_int_equal(mqtt_decode_publish(header.flags, body, header.body_length, &got),
                         OTTER_OK);
        assert_text(got.topic, "$aws/things/t/jobs/notify");
        assert_int_equal(got.payload.length, sent.payload.length);
        assert_memory_equal(got.payload.data, sent.payload.data, sent.payload.length);
        assert_int_equal(got.qos, sent.qos);
        assert_int_equal(got.packet_id, sent.packet_id);
        assert_int_equal(got.duplicate, sent.duplicate);
        assert_int_equal(got.retain, sent.retain);
    }
}

static void a_publish_head_is_the_publish_without_its_payload(void **state)
{
    (void)state;
    uint8_t head[64];
    static uint8_t payload[300];
    const struct mqtt_publish publish = {.topic = text("t"), .payload = {payload, 300}};
    const int whole = mqtt_encode_publish(out, sizeof out, &publish);
    const int length = mqtt_encode_publish_head(head, sizeof head, &publish);
    assert_int_equal(whole, length + 300);
    assert_memory_equal(head, out, (size_t)length);
}

static void malformed_publishes_are_refused(void **state)
{
    (void)state;
    static const struct {
        uint8_t flags;
        const char *body;
        size_t length;
    } bad[] = {
        {0, "\x00\x00x", 3}, /* empty topic */
        {0,
         "\x00\x03" /* topic longer than the packet */
         "ab",
         4},
        {0,
         "\x00\x03"
         "a/+",
         5},
        {0, "\x00\x01#", 3},
        {0, "\x00\x02\xc0\x80", 4}, /* overlong NUL */
        {0,
         "\x00\x02" /* NUL */
         "a\x00",
         4},
        {2, "\x00\x01t", 3}, /* no packet identifier */
        {2, "\x00\x01t\x00", 4},
        {2, "\x00\x01t\x00\x00", 5}, /* packet identifier 0 */
        {6, "\x00\x01t\x00\x01", 5}, /* QoS 3 */
        {8, "\x00\x01t", 3},         /* DUP with QoS 0 */
        {0, "\x00", 1},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct mqtt_publish got;
        assert_int_equal(
            mqtt_decode_publish(bad[i].flags, (const uint8_t *)bad[i].body, bad[i].length, &got),
            OTTER_E_MALFORMED);
    }
}

static void a_publish_that_would_be_invalid_is_not_encoded(void **state)
{
    (void)state;
    const struct mqtt_publish bad[] = {
        {.topic = text("")},
        {.topic = text("a/#")},
        {.topic = text("t"), .qos = 1},
        {.topic = text("t"), .packet_id = 1},
        {.topic = text("t"), .qos = 3, .packet_id = 1},
        {.topic = text("t"), .duplicate = true},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(mqtt_encode_publish(out, sizeof out, &bad[i]), OTTER_E_ARGUMENT);
}

/* ---- Acknowledgements and the empty packets -------------------------------------------------- */

static void acknowledgements_go_both_ways(void **state)
{
    (void)state;
    static const struct {
        enum mqtt_packet_type type;
        uint8_t first;
    } acks[] = {{MQTT_PACKET_PUBACK, 0x40},
                {MQTT_PACKET_PUBREC, 0x50},
                {MQTT_PACKET_PUBREL, 0x62},
                {MQTT_PACKET_PUBCOMP, 0x70},
                {MQTT_PACKET_UNSUBACK, 0xb0}};
    for (size_t i = 0; i < sizeof acks / sizeof *acks; i++) {
        uint16_t id;
        assert_int_equal(mqtt_encode_ack(out, sizeof out, acks[i].type, 0x1234), 4);
        assert_int_equal(out[0], acks[i].first);
        assert_int_equal(mqtt_decode_ack(out + 2, 2, &id), OTTER_OK);
        assert_int_equal(id, 0x1234);
        assert_int_equal(mqtt_encode_ack(out, sizeof out, acks[i].type, 0), OTTER_E_ARGUMENT);
        assert_int_equal(mqtt_encode_ack(out, 3, acks[i].type, 1), OTTER_E_TOO_LONG);
    }
    uint16_t id;
    assert_int_equal(mqtt_decode_ack((const uint8_t *)"\0\0", 2, &id), OTTER_E_MALFORMED);
    assert_int_equal(mqtt_decode_ack((const uint8_t *)"\0\1\0", 3, &id), OTTER_E_MALFORMED);
    assert_int_equal(mqtt_encode_ack(out, sizeof out, MQTT_PACKET_SUBACK, 1), OTTER_E_ARGUMENT);
}

static void packets_without_a_body_are_two_bytes(void **state)
{
    (void)state;
    assert_bytes(mqtt_encode_empty(out, sizeof out, MQTT_PACKET_PINGREQ), "\xc0\x00", 2);
    assert_bytes(mqtt_encode_empty(out, sizeof out, MQTT_PACKET_PINGRESP), "\xd0\x00", 2);
    assert_bytes(mqtt_encode_empty(out, sizeof out, MQTT_PACKET_DISCONNECT), "\xe0\x00", 2);
    assert_int_equal(mqtt_encode_empty(out, 1, MQTT_PACKET_PINGREQ), OTTER_E_TOO_LONG);
    assert_int_equal(mqtt_encode_empty(out, 2, MQTT_PACKET_CONNACK), OTTER_E_ARGUMENT);
}

/* ---- SUBSCRIBE, UNSUBSCRIBE, SUBACK ---------------------------------------------------------- */

static void a_subscribe_has_the_bytes_of_the_specification(void **state)
{
    (void)state;
    const struct mqtt_filter filters[] = {{.text = text("a/b"), .qos = 1}, {.text = text("c/d"), .qos = 2}};
    assert_bytes(mqtt_encode_filters(out, sizeof out, MQTT_PACKET_SUBSCRIBE, 10, filters, 2),
                 "\x82\x0e\x00\x0a\x00\x03"
                 "a/b\x01\x00\x03"
                 "c/d\x02",
                 16);
    assert_bytes(mqtt_encode_filters(out, sizeof out, MQTT_PACKET_UNSUBSCRIBE, 10, filters, 2),
                 "\xa2\x0c\x00\x0a\x00\x03"
                 "a/b\x00\x03"
                 "c/d",
                 14);
}

static void the_filters_of_a_subscribe_can_be_walked(void **state)
{
    (void)state;
    for (enum mqtt_packet_type type = MQTT_PACKET_SUBSCRIBE; type <= MQTT_PACKET_UNSUBSCRIBE;
         type += 2) {
        const struct mqtt_filter filters[] = {
{.text = text("#")}, {.text = text("a/+/c"), .qos = 1}, {.text = text("/"), .qos = 2}};
        struct mqtt_header header;
        struct mqtt_filter_list list;
        struct mqtt_filter filter;
        const int length = mqtt_encode_filters(out, sizeof out, type, 77, filters, 3);
        const uint8_t *body = body_of(length, type, &header);
        assert_int_equal(mqtt_decode_filters(type, body, header.body_length, &list), OTTER_OK);
        assert_int_equal(list.packet_id, 77);
        assert_int_equal(list.count, 3);
        for (size_t i = 0; i < 3; i++) {
            assert_true(mqtt_next_filter(&list, &filter));
            assert_text(filter.text, filters[i].text.data);
            assert_int_equal(filter.qos, type == MQTT_PACKET_SUBSCRIBE ? filters[i].qos : 0);
        }
        assert_false(mqtt_next_filter(&list, &filter));
    }
}

static void malformed_filter_lists_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *body;
        size_t length;
    } bad[] = {
        {"\x00\x01", 2},                  /* none */
        {"\x00\x00\x00\x01t\x00", 6},     /* packet identifier 0 */
        {"\x00\x01\x00\x01t", 5},         /* no QoS */
        {"\x00\x01\x00\x01t\x03", 6},     /* QoS 3 */
        {"\x00\x01\x00\x00\x00", 5},      /* empty filter */
        {"\x00\x01\x00\x02t", 5},         /* cut */
        {"\x00\x01\x00\x01t\x00\x00", 7}, /* rest */
        {"\x00\x01\x00\x02"
         "a#\x00",
         7},
        {"\x00\x01\x00\x02\xff\xfe\x00", 7}, /* no UTF-8 */
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct mqtt_filter_list list;
        assert_int_equal(mqtt_decode_filters(MQTT_PACKET_SUBSCRIBE, (const uint8_t *)bad[i].body,
                                             bad[i].length, &list),
                         OTTER_E_MALFORMED);
    }
    const struct mqtt_filter filter = {.text = text("a/#/b")};
    assert_int_equal(mqtt_encode_filters(out, sizeof out, MQTT_PACKET_SUBSCRIBE, 1, &filter, 1),
                     OTTER_E_ARGUMENT);
    assert_int_equal(mqtt_encode_filters(out, sizeof out, MQTT_PACKET_SUBSCRIBE, 1, &filter, 0),
                     OTTER_E_ARGUMENT);
}

static void suback_goes_both_ways(void **state)
{
    (void)state;
    struct mqtt_header header;
    struct mqtt_suback got;
    const struct mqtt_suback sent = {.packet_id = 258,
                                     .codes = {(const uint8_t *)"\x00\x01\x80", 3}};
    const int length = mqtt_encode_suback(out, sizeof out, &sent);
    const uint8_t *body = body_of(length, MQTT_PACKET_SUBACK, &header);
    assert_int_equal(mqtt_decode_suback(body, header.body_length, &got), OTTER_OK);
    assert_int_equal(got.packet_id, 258);
    assert_int_equal(got.codes.length, 3);
    assert_memory_equal(got.codes.data, "\x00\x01\x80", 3);
    assert_int_equal(mqtt_decode_suback((const uint8_t *)"\0\1\3", 3, &got), OTTER_E_MALFORMED);
    assert_int_equal(mqtt_decode_suback((const uint8_t *)"\0\1", 2, &got), OTTER_E_MALFORMED);
}

static void no_encoder_writes_past_its_buffer(void **state)
{
    (void)state;
    const struct mqtt_connect connect = {.client_id = text("dev"), .user_name = text("u")};
    const struct mqtt_publish publish = {
        .topic = text("t"), .payload = bytes("x"), .qos = 1, .packet_id = 1};
    const struct mqtt_filter filter = {.text = text("t")};
    const struct mqtt_suback suback = {.packet_id = 1, .codes = {(const uint8_t *)"\0", 1}};
    for (size_t size = 0; size < 64; size++) {
        int lengths[4];
        for (int i = 0; i < 4; i++) {
            memset(out, 0x55, sizeof out);
            lengths[i] = i == 0   ? mqtt_encode_connect(out, size, &connect)
                         : i == 1 ? mqtt_encode_publish(out, size, &publish)
                         : i == 2
                             ? mqtt_encode_filters(out, size, MQTT_PACKET_SUBSCRIBE, 1, &filter, 1)
                             : mqtt_encode_suback(out, size, &suback);
            assert_int_equal(out[size], 0x55);
            assert_true(lengths[i] == OTTER_E_TOO_LONG || (size_t)lengths[i] <= size);
        }
        assert_int_equal(lengths[1] > 0, size >= 8);
    }
}

/* ---- Texts and topics ------------------------------------------------------------------------ */

static void only_well_formed_utf8_is_a_text(void **state)
{
    (void)state;
    static const char *const good[] = {"",
                                       "abc",
                                       "\xc3\xa9",
                                       "\xe2\x82\xac",
                                       "\xf0\x9f\x98\x80",
                                       "\xed\x9f\xbf",
                                       "\xee\x80\x80",
                                       "\xf4\x8f\xbf\xbf",
                                       "\xef\xbb\xbf",
                                       "\x01"};
    static const char *const bad[] = {"\x80",
                                      "\xc3",
                                      "\xc3x",
                                      "\xc0\xaf",
                                      "\xe0\x80\xaf",
                                      "\xe2\x82",
                                      "\xf0\x80\x80\x80",
                                      "\xed\xa0\x80",
                                      "\xed\xbf\xbf",
                                      "\xf4\x90\x80\x80",
                                      "\xf5\x80\x80\x80",
                                      "\xff",
                                      "a\xf0\x9f\x98",
                                      "\xe2\x82x"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(mqtt_text_valid(text(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(mqtt_text_valid(text(bad[i])));
    assert_false(mqtt_text_valid((struct mqtt_text){"a\0b", 3}));
    static char long_text[65536];
    memset(long_text, 'x', sizeof long_text);
    assert_true(mqtt_text_valid((struct mqtt_text){long_text, 65535}));
    assert_false(mqtt_text_valid((struct mqtt_text){long_text, 65536}));
}

static void filters_have_their_wildcards_in_the_right_places(void **state)
{
    (void)state;
    static const char *const good[] = {
        "#", "+", "a", "a/#", "+/#", "a/+/b", "/", "/+", "+/+", "a//b", "$aws/things/+/jobs/#"};
    static const char *const bad[] = {"",       "a#",   "#/a", "a/#/b", "a+",    "+a",
                                      "a/b+/c", "a/+b", "##",  "++",    "a/\xff"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(mqtt_filter_valid(text(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(mqtt_filter_valid(text(bad[i])));
}

static void filters_match_as_section_4_7_says(void **state)
{
    (void)state;
    static const struct {
        const char *filter;
        const char *topic;
        bool matches;
    } cases[] = {
        {"sport/tennis/player1/#", "sport/tennis/player1", true},
        {"sport/tennis/player1/#", "sport/tennis/player1/ranking", true},
        {"sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true},
        {"sport/tennis/player1/#", "sport/tennis/player2", false},
        {"sport/#", "sport", true},
        {"sport/#", "sports", false},
        {"#", "a/b/c", true},
        {"sport/tennis/+", "sport/tennis/player1", true},
        {"sport/tennis/+", "sport/tennis/player1/ranking", false},
        {"sport/+", "sport", false},
        {"sport/+", "sport/", true},
        {"+/+", "/finance", true},
        {"/+", "/finance", true},
        {"+", "/finance", false},
        {"+/tennis/#", "sport/tennis/x", true},
        {"#", "$SYS/x", false},
        {"+/monitor/Clients", "$SYS/monitor/Clients", false},
        {"$SYS/#", "$SYS/x", true},
        {"$SYS/monitor/+", "$SYS/monitor/Clients", true},
        {"$aws/things/+/jobs/notify", "$aws/things/t1/jobs/notify", true},
        {"a/b", "a/b", true},
        {"a/b", "a/bc", false},
        {"a/bc", "a/b", false},
        {"a/b", "a", false},
        {"a", "a/b", false},
        {"a/b", "A/b", false},
        {"a//b", "a//b", true},
        {"a/+/b", "a//b", true},
        {"a/", "a", false},
        {"a", "a/", false},
        {"/", "/", true},
        {"+/#", "a", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (mqtt_filter_matches(text(cases[i].filter), text(cases[i].topic)) != cases[i].matches)
            fail_msg("%s and %s", cases[i].filter, cases[i].topic);
    }
}

static void every_packet_type_has_a_name(void **state)
{
    (void)state;
    assert_string_equal(mqtt_packet_name(MQTT_PACKET_CONNECT), "CONNECT");
    assert_string_equal(mqtt_packet_name(MQTT_PACKET_UNSUBSCRIBE), "UNSUBSCRIBE");
    assert_string_equal(mqtt_packet_name((enum mqtt_packet_type)15), "?");
    assert_string_equal(mqtt_packet_name((enum mqtt_packet_type)0), "?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_remaining_length_has_the_values_of_table_2_4),
        cmocka_unit_test(a_fifth_byte_of_length_is_refused),
        cmocka_unit_test(unknown_types_and_wrong_flags_are_refused_by_the_first_byte),
        cmocka_unit_test(a_packet_of_fixed_length_with_another_length_is_refused),
        cmocka_unit_test(a_plain_connect_has_the_bytes_of_the_specification),
        cmocka_unit_test(a_connect_with_everything_survives_the_round_trip),
        cmocka_unit_test(absent_fields_of_a_connect_are_null_and_empty_ones_are_not),
        cmocka_unit_test(other_protocol_versions_are_refused_as_unsupported),
        cmocka_unit_test(contradictory_connect_flags_are_refused),
        cmocka_unit_test(a_will_topic_with_a_wildcard_is_refused),
        cmocka_unit_test(connack_goes_both_ways),
        cmocka_unit_test(a_publish_has_the_bytes_of_the_specification),
        cmocka_unit_test(publishes_of_each_kind_survive_the_round_trip),
        cmocka_unit_test(a_publish_head_is_the_publish_without_its_payload),
        cmocka_unit_test(malformed_publishes_are_refused),
        cmocka_unit_test(a_publish_that_would_be_invalid_is_not_encoded),
        cmocka_unit_test(acknowledgements_go_both_ways),
        cmocka_unit_test(packets_without_a_body_are_two_bytes),
        cmocka_unit_test(a_subscribe_has_the_bytes_of_the_specification),
        cmocka_unit_test(the_filters_of_a_subscribe_can_be_walked),
        cmocka_unit_test(malformed_filter_lists_are_refused),
        cmocka_unit_test(suback_goes_both_ways),
        cmocka_unit_test(no_encoder_writes_past_its_buffer),
        cmocka_unit_test(only_well_formed_utf8_is_a_text),
        cmocka_unit_test(filters_have_their_wildcards_in_the_right_places),
        cmocka_unit_test(filters_match_as_section_4_7_says),
        cmocka_unit_test(every_packet_type_has_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
