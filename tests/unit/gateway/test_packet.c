/* Packets where they lie: what is looked at, what is copied, what is moved. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cloud/gateway/packet.h"

#define PIECE 4096u

static uint8_t bytes[140000];

static size_t make_publish(const char *topic, size_t payload)
{
    static uint8_t content[131072];
    for (size_t i = 0; i < payload; i++)
        content[i] = (uint8_t)(i * 7 + (i >> 8));
    const struct mqtt_publish publish = {
        .topic = {topic, strlen(topic)}, .payload = {content, payload}, .packet_id = 9, .qos = 1};
    const int length = mqtt_encode_publish(bytes, sizeof bytes, &publish);
    assert_true(length > 0);
    return (size_t)length;
}

static void release(const void *data, size_t length, void *context)
{
    (void)data, (void)length, (void)context;
}

/* `length` bytes in pieces of memory of their own, as TLS records leave them. */
static struct evbuffer *in_pieces(size_t length)
{
    struct evbuffer *buffer = evbuffer_new();
    for (size_t at = 0; at < length; at += PIECE) {
        const size_t piece = length - at < PIECE ? length - at : PIECE;
        assert_int_equal(evbuffer_add_reference(buffer, bytes + at, piece, release, NULL), 0);
    }
    return buffer;
}

static void assert_holds(struct evbuffer *buffer, size_t length)
{
    assert_int_equal(evbuffer_get_length(buffer), length);
    assert_memory_equal(evbuffer_pullup(buffer, -1), bytes, length);
}

/* Bytes of the buffer that still lie where they arrived. */
static size_t in_place(struct evbuffer *buffer)
{
    struct evbuffer_iovec pieces[64];
    const int count = evbuffer_peek(buffer, -1, NULL, pieces, 64);
    size_t total = 0;
    for (int i = 0; i < count; i++) {
        const uint8_t *at = pieces[i].iov_base;
        if (at >= bytes && at < bytes + sizeof bytes)
            total += pieces[i].iov_len;
    }
    return total;
}

static void a_large_message_is_relayed_without_a_copy_of_it(void **state)
{
    const size_t length = make_publish("a/b", 131072);
    struct evbuffer *from = in_pieces(length), *to = evbuffer_new();
    struct packet packet;
    struct mqtt_publish publish;
    (void)state;
    assert_int_equal(packet_peek(from, &mqtt_3_1_1, 140000, &packet), OTTER_OK);
    assert_int_equal(packet_publish(&packet, false, &publish), OTTER_OK);
    assert_memory_equal(publish.topic.data, "a/b", 3);
    assert_int_equal(publish.packet_id, 9);
    assert_int_equal(publish.payload.length, 131072);
    assert_null(publish.payload.data);
    assert_true(packet_move(&packet, to));
    packet_done(&packet);
    assert_int_equal(evbuffer_get_length(from), 0);
    assert_true(in_place(to) >= length - 2 * PIECE); /* the first piece was looked at */
    assert_holds(to, length);
    evbuffer_free(from);
    evbuffer_free(to);
}

static void a_message_that_is_read_is_in_one_piece(void **state)
{
    const size_t length = make_publish("a/b", 20000);
    struct evbuffer *from = in_pieces(length);
    struct packet packet;
    struct mqtt_publish publish;
    (void)state;
    assert_int_equal(packet_peek(from, &mqtt_3_1_1, 140000, &packet), OTTER_OK);
    assert_int_equal(packet_publish(&packet, true, &publish), OTTER_OK);
    assert_int_equal(publish.payload.length, 20000);
    assert_memory_equal(publish.payload.data, bytes + length - 20000, 20000);
    packet_done(&packet);
    assert_int_equal(evbuffer_get_length(from), 0);
    evbuffer_free(from);
}

static void a_topic_longer_than_the_first_look_is_found(void **state)
{
    static char topic[9001];
    memset(topic, 't', sizeof topic - 1);
    const size_t length = make_publish(topic, 100);
    struct evbuffer *from = in_pieces(length);
    struct packet packet;
    struct mqtt_publish publish;
    (void)state;
    assert_int_equal(packet_peek(from, &mqtt_3_1_1, 140000, &packet), OTTER_OK);
    assert_int_equal(packet_publish(&packet, false, &publish), OTTER_OK);
    assert_int_equal(publish.topic.length, 9000);
    assert_memory_equal(publish.topic.data, topic, 9000);
    assert_int_equal(publish.payload.length, 100);
    evbuffer_free(from);
}

static void packets_that_follow_each_other_keep_their_bounds(void **state)
{
    static const uint8_t ping[] = {0xc0, 0};
    const size_t length = make_publish("a", 10000);
    struct evbuffer *from = in_pieces(length), *to = evbuffer_new();
    struct packet packet;
    (void)state;
    evbuffer_add(from, ping, 2);
    evbuffer_add(from, bytes, length - 1);
    assert_int_equal(packet_peek(from, &mqtt_3_1_1, 140000, &packet), OTTER_OK);
    packet_move(&packet, to);
    packet_done(&packet);
    assert_holds(to, length);
    assert_int_equal(packet_peek(from, &mqtt_3_1_1, 140000, &packet), OTTER_OK);
    assert_int_equal(packet.header.type, MQTT_PACKET_PINGREQ);
    packet_done(&packet);
    assert_int_equal(packet_peek(from, &mqtt_3_1_1, 140000, &packet), OTTER_E_AGAIN);
    assert_int_equal(packet_peek(from, &mqtt_3_1_1, 9999, &packet), OTTER_E_TOO_LONG);
    evbuffer_add(from, bytes + length - 1, 1);
    assert_int_equal(packet_peek(from, &mqtt_3_1_1, 140000, &packet), OTTER_OK);
    evbuffer_free(from);
    evbuffer_free(to);
}

static void a_length_that_points_past_what_was_looked_at_is_checked(void **state)
{
    struct evbuffer *from;
    struct packet packet;
    struct mqtt_publish publish;
    const size_t length = make_publish("a", 5000);
    (void)state;
    bytes[3] = 0xff; /* the topic's length */
    from = in_pieces(length);
    assert_int_equal(packet_peek(from, &mqtt_3_1_1, 140000, &packet), OTTER_OK);
    assert_int_equal(packet_publish(&packet, false, &publish), OTTER_E_MALFORMED);
    evbuffer_free(from);
}

/* The properties of a message of MQTT 5 are part of its head, however long they are. */
static void a_message_of_mqtt_5_is_looked_at_and_relayed_the_same_way(void **state)
{
    static uint8_t properties[6000], content[50000];
    static char words[5000];
    struct packet packet;
    struct mqtt_publish publish;
    struct mqtt5_property property = {.id = MQTT5_USER_PROPERTY,
                                      .bytes = {(const uint8_t *)"k", 1},
                                      .value = {words, sizeof words}};
    (void)state;
    memset(words, 'w', sizeof words);
    const int used = mqtt5_put_property(properties, sizeof properties, &property);
    const struct mqtt_publish sent = {.topic = {"a/b", 3},
                                      .payload = {content, sizeof content},
                                      .properties = {properties, (size_t)used}};
    const int length = mqtt5_encode_publish(bytes, sizeof bytes, &sent);
    assert_true(length > 0);
    struct evbuffer *from = in_pieces((size_t)length), *to = evbuffer_new();
    assert_int_equal(packet_peek(from, &mqtt_5, 140000, &packet), OTTER_OK);
    assert_int_equal(packet_publish(&packet, false, &publish), OTTER_OK);
    assert_int_equal(publish.payload.length, sizeof content);
    assert_true(mqtt5_find_property(publish.properties, MQTT5_USER_PROPERTY, &property));
    assert_int_equal(property.value.length, sizeof words);
    assert_true(packet_move(&packet, to));
    packet_done(&packet);
    assert_holds(to, (size_t)length);
    evbuffer_free(from);
    evbuffer_free(to);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_large_message_is_relayed_without_a_copy_of_it),
        cmocka_unit_test(a_message_that_is_read_is_in_one_piece),
        cmocka_unit_test(a_topic_longer_than_the_first_look_is_found),
        cmocka_unit_test(packets_that_follow_each_other_keep_their_bounds),
        cmocka_unit_test(a_message_of_mqtt_5_is_looked_at_and_relayed_the_same_way),
        cmocka_unit_test(a_length_that_points_past_what_was_looked_at_is_checked),
    };
    return cmocka_run_group_tests_name("packet", tests, NULL, NULL);
}
