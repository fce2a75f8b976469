/* MQTT 5 packets, and the table by which a connection speaks its version. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "codec/mqtt_version.h"
#include "tests/any_packet.h"

static uint8_t in[1024], out[1024];

static struct mqtt_text text(const char *s)
{
    return (struct mqtt_text){s, strlen(s)};
}

static struct mqtt_bytes bytes(const char *s)
{
    return (struct mqtt_bytes){(const uint8_t *)s, strlen(s)};
}

static void assert_text(const void *data, size_t length, const char *expected)
{
    assert_int_equal(length, strlen(expected));
    assert_memory_equal(data, expected, length);
}

static size_t from_hex(uint8_t *to, const char *hex)
{
    size_t length = 0;
    unsigned byte;
    for (; sscanf(hex, "%2x", &byte) == 1; hex += 2)
        to[length++] = (uint8_t)byte;
    return length;
}

/* ---- What mosquitto's clients and its broker sent each other --------------------------------- */

/* Recorded between mosquitto_pub, mosquitto_sub -V 5 and mosquitto 2.0.11: wills, shared
 * subscriptions, QoS 0 to 2, properties in every packet that takes them. */
static const char *const recorded[] = {
    "104200044d515454050c003c0f2100142600016b000176110000003c00086c697374656e"
    "657212180000000503000a746578742f706c61696e0003772f740004676f6e65",
    "200900000622000a210014",
    "82210001090b07260001730001740003612f230a000c2473686172652f672f622f2b0a",
    "90050001000202",
    "a20f000207260001750001770003612f62",
    "b00400020011",
    "102a00044d51545405c2003c0f110000000a270000fde817012100140002703100026d65"
    "0006736563726574",
    "323d0003612f7800013003000a746578742f706c61696e080003722f7409000263300200"
    "00006301012600016e0001312600016e00013223000368656c6c6f",
    "40020001",
    "323c0003612f7800012f0b0703000a746578742f706c61696e080003722f740900026330"
    "01012600016e0001312600016e000132020000006368656c6c6f",
    "e000",
    "101200044d5154540502003c0321001400027032",
    "340b0003622f7800010074776f",
    "50020001",
    "62020001",
    "70020001",
    "340d0003622f780002020b0774776f",
    "50020002",
    "62020002",
    "70020002",
    "101000044d5154540502003c032100140000",
    "203500003222000a1200296175746f2d35343230374632332d463633372d324633462d42"
    "3344462d433444363239333346414442210014",
    "321000076e6f2f626f64790001006e6f6e65",
    "4003000110",
    "203500003222000a1200296175746f2d38413233463637382d303842372d413446312d34"
    "3045362d463344413942414633383646210014",
    "310a0003612f79007a65726f",
    "310c0003612f79020b077a65726f",
    "e00700051100000003",
};

static void what_mosquitto_sends_is_understood_and_written_back_byte_for_byte(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof recorded / sizeof *recorded; i++) {
        struct mqtt_header header;
        union any_packet packet;
        const size_t length = from_hex(in, recorded[i]);
        assert_int_equal(mqtt5_decode_header(in, length, &header), OTTER_OK);
        assert_int_equal(header.size + header.body_length, length);
        assert_int_equal(any_decode(&mqtt_5, &header, in + header.size, &packet), OTTER_OK);
        assert_int_equal(any_encode(&mqtt_5, &header, out, sizeof out, &packet), length);
        assert_memory_equal(in, out, length);
    }
}

static void a_packet_that_is_cut_anywhere_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof recorded / sizeof *recorded; i++) {
        struct mqtt_header header;
        const size_t length = from_hex(in, recorded[i]);
        assert_int_equal(mqtt5_decode_header(in, length, &header), OTTER_OK);
        /* A payload, codes and what acknowledgements may leave out end where the packet ends. */
        const enum mqtt_packet_type type = header.type;
        if (type != MQTT_PACKET_CONNECT && type != MQTT_PACKET_CONNACK)
            continue;
        for (const uint32_t whole = header.body_length; header.body_length-- > 0;) {
            union any_packet packet;
            uint8_t body[1024]; /* so that reading on is seen */
            memcpy(body, in + header.size, header.body_length);
            memset(body + header.body_length, 0xff, whole - header.body_length);
            assert_int_equal(any_decode(&mqtt_5, &header, body, &packet), OTTER_E_MALFORMED);
        }
    }
}

static void encoding_says_when_a_packet_does_not_fit(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof recorded / sizeof *recorded; i++) {
        struct mqtt_header header;
        union any_packet packet;
        const size_t length = from_hex(in, recorded[i]);
        mqtt5_decode_header(in, length, &header);
        any_decode(&mqtt_5, &header, in + header.size, &packet);
        for (size_t size = 0; size < length; size++)
            assert_int_equal(any_encode(&mqtt_5, &header, out, size, &packet), OTTER_E_TOO_LONG);
    }
}

static void fields_and_properties_of_a_message_are_found(void **state)
{
    (void)state;
    static const char *const names[] = {"n", "n"}, *const values[] = {"1", "2"};
    struct mqtt_header header;
    struct mqtt_publish publish;
    struct mqtt5_property property;
    size_t users = 0;
    const size_t length =
        from_hex(in, "323d0003612f7800013003000a746578742f706c61696e080003722f740900026330020000"
                     "006301012600016e0001312600016e00013223000368656c6c6f");
    assert_int_equal(mqtt5_decode_header(in, length, &header), OTTER_OK);
    assert_int_equal(
        mqtt5_decode_publish(header.flags, in + header.size, header.body_length, &publish),
        OTTER_OK);
    assert_text(publish.topic.data, publish.topic.length, "a/x");
    assert_text(publish.payload.data, publish.payload.length, "hello");
    assert_int_equal(publish.qos, 1);
    assert_int_equal(publish.packet_id, 1);
    assert_true(mqtt5_find_property(publish.properties, MQTT5_MESSAGE_EXPIRY, &property));
    assert_int_equal(property.number, 99);
    assert_true(mqtt5_find_property(publish.properties, MQTT5_TOPIC_ALIAS, &property));
    assert_int_equal(property.number, 3);
    assert_true(mqtt5_find_property(publish.properties, MQTT5_CORRELATION_DATA, &property));
    assert_text(property.bytes.data, property.bytes.length, "c0");
    assert_false(mqtt5_find_property(publish.properties, MQTT5_SUBSCRIPTION_ID, &property));
    struct mqtt_bytes rest = publish.properties;
    while (mqtt5_next_property(&rest, &property)) {
        if (property.id != MQTT5_USER_PROPERTY)
            continue;
        assert_text(property.bytes.data, property.bytes.length, names[users]);
        assert_text(property.value.data, property.value.length, values[users++]);
    }
    assert_int_equal(users, 2);
}

/* ---- The fixed header ------------------------------------------------------------------------ */

static void a_header_is_waited_for_and_checked(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        otter_status status;
    } cases[] = {
        {"", OTTER_E_AGAIN},
        {"30", OTTER_E_AGAIN},
        {"3080", OTTER_E_AGAIN},
        {"30ffffff", OTTER_E_AGAIN},
        {"30ffffff7f", OTTER_OK},
        {"30ffffffff", OTTER_E_MALFORMED},
        {"308000", OTTER_E_MALFORMED}, /* not the shortest form: [MQTT-1.5.5-1] */
        {"0000", OTTER_E_MALFORMED},
        {"f000", OTTER_OK}, /* AUTH */
        {"f100", OTTER_E_MALFORMED},
        {"e000", OTTER_OK},
        {"e003", OTTER_OK},
        {"c001", OTTER_E_MALFORMED},
        {"4001", OTTER_E_MALFORMED},
        {"400a", OTTER_OK},
        {"6002", OTTER_E_MALFORMED}, /* PUBREL without its flag */
        {"3602", OTTER_E_MALFORMED}, /* QoS 3 */
        {"3803", OTTER_E_MALFORMED}, /* a duplicate of QoS 0 */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct mqtt_header header;
        const size_t length = from_hex(in, cases[i].hex);
        assert_int_equal(mqtt5_decode_header(in, length, &header), cases[i].status);
    }
}

/* ---- Properties ------------------------------------------------------------------------------ */

static otter_status check(enum mqtt_packet_type type, const char *hex)
{
    const size_t length = from_hex(in, hex);
    return mqtt5_check_properties(type, (struct mqtt_bytes){in, length});
}

/* Table 2-4, column by column: a value of each property, and a letter for each packet (Publish,
 * Will, Connect, conn-Ack, Subscribe, Unsubscribe, Disconnect, aUth "H", the acknowledgements "K").
 */
static void each_property_stands_where_the_specification_has_it(void **state)
{
    (void)state;
    static const struct {
        const char *hex, *packets;
    } cases[] = {
        {"0101", "PW"},        {"0200000001", "PW"},
        {"03000161", "PW"},    {"08000161", "PW"},
        {"09000161", "PW"},    {"0b01", "PS"},
        {"1100000001", "CAD"}, {"12000161", "A"},
        {"130001", "A"},       {"15000161", "CAH"},
        {"1701", "C"},         {"1800000001", "W"},
        {"1901", "C"},         {"1a000161", "A"},
        {"1c000161", "AD"},    {"1f000161", "ADHK"},
        {"210001", "CA"},      {"220001", "CA"},
        {"230001", "P"},       {"2401", "A"},
        {"2501", "A"},         {"26000161000162", "PWCASUDHK"},
        {"2700000001", "CA"},  {"2801", "A"},
        {"2901", "A"},         {"2a01", "A"},
    };
    static const char letters[] = "WCAPKKKKSKUK??DH"; /* by packet type */
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (unsigned type = 0; type < 16; type++) {
            const bool allowed = strchr(cases[i].packets, letters[type]) != NULL;
            assert_int_equal(check((enum mqtt_packet_type)type, cases[i].hex),
                             allowed ? OTTER_OK : OTTER_E_MALFORMED);
        }
    }
}

static void malformed_properties_are_refused(void **state)
{
    (void)state;
    static const struct {
        enum mqtt_packet_type type;
        const char *hex;
    } cases[] = {
        {MQTT_PACKET_PUBLISH, "00"}, /* no such property */
        {MQTT_PACKET_PUBLISH, "2b"},
        {MQTT_PACKET_PUBLISH, "7f01"},
        {MQTT_PACKET_PUBLISH, "8101"}, /* 1 in two bytes */
        {MQTT_PACKET_PUBLISH, "810001"},
        {MQTT_PACKET_PUBLISH, "01"}, /* cut */
        {MQTT_PACKET_PUBLISH, "02000000"},
        {MQTT_PACKET_PUBLISH, "03000261"},
        {MQTT_PACKET_PUBLISH, "26000161"},
        {MQTT_PACKET_PUBLISH, "0102"}, /* out of range */
        {MQTT_PACKET_PUBLISH, "230000"},
        {MQTT_PACKET_PUBLISH, "0b00"},
        {MQTT_PACKET_PUBLISH, "0b8080808001"},
        {MQTT_PACKET_CONNECT, "210000"},
        {MQTT_PACKET_CONNECT, "2700000000"},
        {MQTT_PACKET_CONNACK, "2402"},
        {MQTT_PACKET_PUBLISH, "01010101"}, /* twice */
        {MQTT_PACKET_SUBSCRIBE, "0b010b02"},
        {MQTT_PACKET_PUBLISH, "030001ff"}, /* no UTF-8 */
        {MQTT_PACKET_PUBLISH, "0300020061"},
        {MQTT_PACKET_PUBLISH, "08000161080001"},
        {MQTT_PACKET_PUBLISH, "0800012b"}, /* a wildcard in a response topic */
        {MQTT_PACKET_PUBLISH, "080000"},
        {MQTT_PACKET_CONNECT, "16000161"}, /* data without a method */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(check(cases[i].type, cases[i].hex), OTTER_E_MALFORMED);
    assert_int_equal(check(MQTT_PACKET_PUBLISH, "0b010b02"), OTTER_OK);
    assert_int_equal(check(MQTT_PACKET_CONNECT, "1500016116000161"), OTTER_OK);
    assert_int_equal(check(MQTT_PACKET_PUBLISH, ""), OTTER_OK);
}

static void properties_are_written_as_they_are_read(void **state)
{
    (void)state;
    const struct mqtt5_property each[] = {
        {.id = MQTT5_PAYLOAD_FORMAT, .number = 1},
        {.id = MQTT5_MESSAGE_EXPIRY, .number = 0x01020304},
        {.id = MQTT5_CONTENT_TYPE, .bytes = bytes("text")},
        {.id = MQTT5_CORRELATION_DATA, .bytes = {(const uint8_t *)"\0\xff", 2}},
        {.id = MQTT5_SUBSCRIPTION_ID, .number = MQTT_BODY_MAX},
        {.id = MQTT5_TOPIC_ALIAS, .number = 0xfffe},
        {.id = MQTT5_USER_PROPERTY, .bytes = bytes("name"), .value = text("value")},
    };
    size_t used = 0;
    for (size_t i = 0; i < sizeof each / sizeof *each; i++) {
        const int length = mqtt5_put_property(in + used, sizeof in - used, &each[i]);
        assert_true(length > 0);
        assert_int_equal(mqtt5_put_property(out, (size_t)length - 1, &each[i]), OTTER_E_TOO_LONG);
        used += (size_t)length;
    }
    struct mqtt_bytes rest = {in, used};
    assert_int_equal(mqtt5_check_properties(MQTT_PACKET_PUBLISH, rest), OTTER_OK);
    for (size_t i = 0; i < sizeof each / sizeof *each; i++) {
        struct mqtt5_property got;
        assert_true(mqtt5_next_property(&rest, &got));
        assert_int_equal(got.id, each[i].id);
        assert_int_equal(got.number, each[i].number);
        assert_int_equal(got.bytes.length, each[i].bytes.length);
        assert_int_equal(got.value.length, each[i].value.length);
    }
    assert_int_equal(rest.length, 0);
    const struct mqtt5_property none = {.id = 5},
                                high = {.id = MQTT5_PAYLOAD_FORMAT, .number = 257};
    assert_int_equal(mqtt5_put_property(out, sizeof out, &none), OTTER_E_ARGUMENT);
    assert_int_equal(mqtt5_put_property(out, sizeof out, &high), OTTER_E_ARGUMENT);
}

/* ---- What only one packet has ---------------------------------------------------------------- */

static otter_status decode_hex(const char *hex, union any_packet *packet)
{
    struct mqtt_header header;
    const size_t length = from_hex(in, hex);
    assert_int_equal(mqtt5_decode_header(in, length, &header), OTTER_OK);
    assert_int_equal(header.size + header.body_length, length);
    return any_decode(&mqtt_5, &header, in + header.size, packet);
}

static void packets_against_the_specification_are_refused(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "100d00044d5154540503003c000000",             /* CONNECT: its reserved bit */
        "100d00044d5154540518003c000000",             /* QoS of a will that is not there */
        "101200044d5154540506003c0000000000002b0000", /* a will's topic with a wildcard */
        "2003010500",                                 /* CONNACK: a session with a refusal */
        "2003020000",                                 /* a reserved bit */
        "2003000100",                                 /* no reason code of a CONNACK */
        "30040000006e",                               /* PUBLISH: neither topic nor alias */
        "300600012b000061",                           /* a wildcard */
        "32060001610000006e",                         /* packet identifier 0 */
        "4003000192",                                 /* PUBACK: a reason of PUBREL */
        "4003000001",
        "62030001ff",
        "820700010000016103",                 /* SUBSCRIBE: QoS 3 */
        "820700010000016130",                 /* retain handling 3 */
        "820700010000016140",                 /* a reserved bit */
        "820e00010000082473686172652f2f6100", /* a share without name */
        "820e00010000082473686172652f6700",
        "820f00010000092473686172652f672f00",
        "8210000100000a2473686172652f672f6104", /* no local in a shared subscription */
        "9004000100ff",                         /* SUBACK */
        "900400010004",
        "b00400010001", /* UNSUBACK: a QoS */
        "e00101",       /* DISCONNECT: no reason of it */
        "e002000500",
        "f00104", /* AUTH */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        union any_packet packet;
        struct mqtt_header header;
        const size_t length = from_hex(in, cases[i]);
        in[1] = (uint8_t)(length - 2); /* whatever the case says */
        assert_int_equal(mqtt5_decode_header(in, length, &header), OTTER_OK);
        if (any_decode(&mqtt_5, &header, in + 2, &packet) != OTTER_E_MALFORMED)
            fail_msg("%s is taken", cases[i]);
    }
}

static void what_may_be_left_out_is_understood_and_left_out(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to;
    } cases[] = {
        {"40020001", "40020001"},
        {"4003000100", "40020001"},
        {"400400010000", "40020001"},
        {"4003000187", "4003000187"},
        {"400400018700", "4003000187"},
        {"e000", "e000"},
        {"e00100", "e000"},
        {"e0020000", "e000"},
        {"e0020400", "e00104"},
        {"f000", "f000"},
        {"f006180415000161", "f006180415000161"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct mqtt_header header;
        union any_packet packet;
        uint8_t expected[32];
        const size_t length = from_hex(expected, cases[i].to);
        assert_int_equal(decode_hex(cases[i].from, &packet), OTTER_OK);
        assert_int_equal(mqtt5_decode_header(in, 32, &header), OTTER_OK);
        assert_int_equal(any_encode(&mqtt_5, &header, out, sizeof out, &packet), length);
        assert_memory_equal(out, expected, length);
    }
}

static void an_alias_stands_for_a_topic(void **state)
{
    (void)state;
    union any_packet packet;
    assert_int_equal(decode_hex("30070000032300016e", &packet), OTTER_OK);
    assert_int_equal(packet.publish.topic.length, 0);
    assert_text(packet.publish.payload.data, packet.publish.payload.length, "n");
}

static void a_password_needs_no_user_name(void **state)
{
    (void)state;
    union any_packet packet;
    assert_int_equal(decode_hex("101000044d5154540542003c00000000017a", &packet), OTTER_OK);
    assert_null(packet.connect.user_name.data);
    assert_text(packet.connect.password.data, packet.connect.password.length, "z");
}

static void options_of_a_subscription_are_kept(void **state)
{
    (void)state;
    union any_packet packet;
    struct mqtt_filter filter;
    assert_int_equal(decode_hex("82070001000001612d", &packet), OTTER_OK);
    assert_true(mqtt_next_filter(&packet.list, &filter));
    assert_int_equal(filter.qos, 1);
    assert_int_equal(filter.options,
                     MQTT5_NO_LOCAL | MQTT5_RETAIN_AS_PUBLISHED | 2u << MQTT5_RETAIN_HANDLING);
}

static void nothing_invalid_is_encoded(void **state)
{
    (void)state;
    const struct mqtt_bytes alias = {(const uint8_t *)"\x23\0\1", 3};
    const struct mqtt_ack acks[] = {
        {.packet_id = 0}, {.packet_id = 1, .reason = 0x8d}, {.packet_id = 1, .properties = alias}};
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(mqtt5_encode_ack(out, sizeof out, MQTT_PACKET_PUBACK, &acks[i]),
                         OTTER_E_ARGUMENT);
    assert_int_equal(
        mqtt5_encode_ack(out, sizeof out, MQTT_PACKET_SUBACK, &(struct mqtt_ack){.packet_id = 1}),
        OTTER_E_ARGUMENT);
    const struct mqtt_publish publishes[] = {{.payload = bytes("p")},
                                             {.topic = text("a"), .qos = 1},
                                             {.topic = text("a/#")},
                                             {.topic = text("a"), .properties = bytes("x")}};
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(mqtt5_encode_publish(out, sizeof out, &publishes[i]), OTTER_E_ARGUMENT);
    const struct mqtt_filter filters[] = {{.text = text("a/#/b")},
                                          {.text = text("a"), .qos = 3},
                                          {.text = text("a"), .options = 0x30},
                                          {.text = text("a"), .options = 1},
                                          {.text = text("$share/a")}};
    const struct mqtt_filter_list list = {.packet_id = 1};
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(
            mqtt5_encode_filters(out, sizeof out, MQTT_PACKET_SUBSCRIBE, &list, &filters[i], 1),
            OTTER_E_ARGUMENT);
    const struct mqtt_connack connacks[] = {
        {.code = 1}, {.session_present = true, .code = MQTT5_BANNED}, {.properties = alias}};
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(mqtt5_encode_connack(out, sizeof out, &connacks[i]), OTTER_E_ARGUMENT);
    const struct mqtt_connect connects[] = {
        {.client_id = text("\xff")},
        {.client_id = text("c"), .properties = alias},
        {.client_id = text("c"), .will_topic = text("w"), .will_properties = alias},
        {.client_id = text("c"), .will_topic = text("w"), .will_qos = 3}};
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(mqtt5_encode_connect(out, sizeof out, &connects[i]), OTTER_E_ARGUMENT);
}

/* ---- By version ------------------------------------------------------------------------------ */

static void a_connect_says_its_version(void **state)
{
    (void)state;
    static const uint8_t of_3_1_1[] = "\0\4MQTT\4", of_5[] = "\0\4MQTT\5", of_6[] = "\0\4MQTT\6",
                         of_3_1[] = "\0\6MQIsdp\3";
    assert_ptr_equal(mqtt_version_of(of_3_1_1, 7), &mqtt_3_1_1);
    assert_ptr_equal(mqtt_version_of(of_5, 7), &mqtt_5);
    assert_null(mqtt_version_of(of_6, 7));
    assert_null(mqtt_version_of(of_3_1, 9));
    assert_null(mqtt_version_of(of_5, 6));
    struct mqtt_connect connect;
    assert_int_equal(mqtt5_decode_connect(of_3_1_1, 7, &connect), OTTER_E_UNSUPPORTED);
    assert_int_equal(connect.protocol_level, 4);
}

/* A message from a connection of MQTT 5 for one of 3.1.1, and back: properties stay behind, the
 * rest goes over, through the same structs. */
static void a_packet_goes_from_one_version_to_the_other(void **state)
{
    (void)state;
    size_t carried = 0;
    for (size_t i = 0; i < sizeof recorded / sizeof *recorded; i++) {
        struct mqtt_header header, again;
        union any_packet packet, got;
        const size_t length = from_hex(in, recorded[i]);
        assert_int_equal(mqtt5_decode_header(in, length, &header), OTTER_OK);
        assert_int_equal(any_decode(&mqtt_5, &header, in + header.size, &packet), OTTER_OK);
        const int written = any_encode(&mqtt_3_1_1, &header, out, sizeof out, &packet);
        assert_true(written >= 2);
        assert_int_equal(mqtt_3_1_1.decode_header(out, (size_t)written, &again), OTTER_OK);
        assert_int_equal(again.type, header.type);
        assert_int_equal(any_decode(&mqtt_3_1_1, &again, out + again.size, &got), OTTER_OK);
        if (header.type == MQTT_PACKET_PUBLISH) {
            assert_int_equal(got.publish.payload.length, packet.publish.payload.length);
            assert_int_equal(got.publish.packet_id, packet.publish.packet_id);
            assert_int_equal(got.publish.properties.length, 0);
            carried++;
        }
        if (header.type == MQTT_PACKET_SUBSCRIBE)
            assert_int_equal(got.list.count, packet.list.count);
    }
    assert_true(carried > 5);
}

static void reasons_become_codes_of_the_version(void **state)
{
    (void)state;
    assert_int_equal(mqtt_3_1_1.code(MQTT_PACKET_CONNACK, MQTT5_NOT_AUTHORIZED),
                     MQTT_CONNACK_NOT_AUTHORIZED);
    assert_int_equal(mqtt_3_1_1.code(MQTT_PACKET_CONNACK, MQTT5_UNSUPPORTED_VERSION),
                     MQTT_CONNACK_PROTOCOL_VERSION);
    assert_int_equal(mqtt_3_1_1.code(MQTT_PACKET_CONNACK, MQTT5_QUOTA_EXCEEDED),
                     MQTT_CONNACK_SERVER_UNAVAILABLE);
    assert_int_equal(mqtt_3_1_1.code(MQTT_PACKET_SUBACK, MQTT5_NOT_AUTHORIZED), MQTT_GRANT_REFUSED);
    assert_int_equal(mqtt_5.code(MQTT_PACKET_CONNACK, MQTT5_NOT_AUTHORIZED), MQTT5_NOT_AUTHORIZED);
    assert_int_equal(mqtt_5.code(MQTT_PACKET_SUBACK, MQTT5_QUOTA_EXCEEDED), MQTT5_QUOTA_EXCEEDED);
    assert_int_equal(mqtt_5.code(MQTT_PACKET_UNSUBACK, MQTT5_QUOTA_EXCEEDED),
                     MQTT5_UNSPECIFIED_ERROR);
}

#define TEST(name) cmocka_unit_test(name)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_mosquitto_sends_is_understood_and_written_back_byte_for_byte),
        TEST(a_packet_that_is_cut_anywhere_is_refused),
        TEST(encoding_says_when_a_packet_does_not_fit),
        TEST(fields_and_properties_of_a_message_are_found),
        TEST(a_header_is_waited_for_and_checked),
        TEST(each_property_stands_where_the_specification_has_it),
        TEST(malformed_properties_are_refused),
        TEST(properties_are_written_as_they_are_read),
        TEST(packets_against_the_specification_are_refused),
        TEST(what_may_be_left_out_is_understood_and_left_out),
        TEST(an_alias_stands_for_a_topic),
        TEST(a_password_needs_no_user_name),
        TEST(options_of_a_subscription_are_kept),
        TEST(nothing_invalid_is_encoded),
        TEST(a_connect_says_its_version),
        TEST(a_packet_goes_from_one_version_to_the_other),
        TEST(reasons_become_codes_of_the_version),
    };
    return cmocka_run_group_tests_name("mqtt 5", tests, NULL, NULL);
}
