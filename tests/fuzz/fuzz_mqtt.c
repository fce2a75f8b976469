/* MQTT from the wire: what decodes must encode to the same bytes, and a session that is fed
 * anything, split anywhere, must stay within its buffers and its states.
 *
 * The first byte of the input chooses how the stream is split; the rest is the stream. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "codec/mqtt_packet.h"
#include "net/mqtt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

otter_ms port_now(void)
{
    return 0;
}

void port_log_write(const char *line, size_t length)
{
    (void)line;
    (void)length;
}

/* ---- Packets --------------------------------------------------------------------------------- */

/* Encoding what was decoded gives the bytes again: they are the body's only form. */
static void assert_same(int length, const uint8_t *encoded, const uint8_t *body, size_t body_length)
{
    struct mqtt_header header;
    assert(length > 0);
    assert(mqtt_decode_header(encoded, (size_t)length, &header) == OTTER_OK);
    assert(header.body_length == body_length);
    assert(memcmp(encoded + header.size, body, body_length) == 0);
}

static void check_connect(const uint8_t *body, size_t length, uint8_t *out, size_t size)
{
    struct mqtt_connect connect;
    if (mqtt_decode_connect(body, length, &connect) == OTTER_OK)
        assert_same(mqtt_encode_connect(out, size, &connect), out, body, length);
}

static void check_publish(uint8_t flags, const uint8_t *body, size_t length, uint8_t *out,
                          size_t size)
{
    struct mqtt_publish publish;
    if (mqtt_decode_publish(flags, body, length, &publish) == OTTER_OK)
        assert_same(mqtt_encode_publish(out, size, &publish), out, body, length);
}

static void check_filters(enum mqtt_packet_type type, const uint8_t *body, size_t length,
                          uint8_t *out, size_t size)
{
    struct mqtt_filter filters[64];
    struct mqtt_filter_list list;
    if (mqtt_decode_filters(type, body, length, &list) != OTTER_OK)
        return;
    size_t count = 0;
    struct mqtt_filter filter;
    while (mqtt_next_filter(&list, &filter)) {
        assert(mqtt_filter_valid(filter.text));
        if (mqtt_topic_valid(filter.text) && filter.text.data[0] != '$')
            assert(mqtt_filter_matches(filter.text, filter.text) &&
                   mqtt_filter_matches((struct mqtt_text){"#", 1}, filter.text));
        (void)mqtt_filter_matches(filter.text, (struct mqtt_text){"a/b/", 4});
        if (count < 64)
            filters[count] = filter;
        count++;
    }
    assert(count == list.count && count > 0);
    if (count <= 64)
        assert_same(mqtt_encode_filters(out, size, type, list.packet_id, filters, count), out, body,
                    length);
}

static void check_small(enum mqtt_packet_type type, const uint8_t *body, size_t length,
                        uint8_t *out, size_t size)
{
    struct mqtt_connack connack;
    struct mqtt_suback suback;
    uint16_t packet_id;
    if (type == MQTT_PACKET_CONNACK && mqtt_decode_connack(body, length, &connack) == OTTER_OK)
        assert_same(mqtt_encode_connack(out, size, &connack), out, body, length);
    if (type == MQTT_PACKET_SUBACK && mqtt_decode_suback(body, length, &suback) == OTTER_OK)
        assert_same(mqtt_encode_suback(out, size, &suback), out, body, length);
    if (type == MQTT_PACKET_PUBACK && mqtt_decode_ack(body, length, &packet_id) == OTTER_OK)
        assert_same(mqtt_encode_ack(out, size, type, packet_id), out, body, length);
}

static void check_packet(const struct mqtt_header *header, const uint8_t *body)
{
    const size_t size = header->body_length + MQTT_HEADER_MAX;
    uint8_t *out = malloc(size);
    if (header->type == MQTT_PACKET_CONNECT)
        check_connect(body, header->body_length, out, size);
    else if (header->type == MQTT_PACKET_PUBLISH)
        check_publish(header->flags, body, header->body_length, out, size);
    else if (header->type == MQTT_PACKET_SUBSCRIBE || header->type == MQTT_PACKET_UNSUBSCRIBE)
        check_filters(header->type, body, header->body_length, out, size);
    else
        check_small(header->type, body, header->body_length, out, size);
    free(out);
}

static void check_packets(const uint8_t *data, size_t size)
{
    struct mqtt_header header;
    while (mqtt_decode_header(data, size, &header) == OTTER_OK) {
        assert(header.size >= 2 && header.size <= MQTT_HEADER_MAX);
        if (header.body_length > size - header.size)
            return;
        check_packet(&header, data + header.size);
        data += header.size + header.body_length;
        size -= header.size + header.body_length;
    }
}

/* ---- A session ------------------------------------------------------------------------------- */

static otter_status no_jitter(void *ctx, uint32_t *bits)
{
    (void)ctx;
    *bits = 0;
    return OTTER_OK;
}

/* Two services with one prefix below the other's; what comes decides what they do. */
static struct mqtt_session session;
static struct mqtt_service services[2];
static struct mqtt_subscription filters[3];
static struct mqtt_ticket tickets[8];
static unsigned results, sends;

static void pass_over(void *ctx, otter_ms now, const char *topic, size_t length, uint32_t size)
{
    uint8_t sum = 0;
    (void)ctx, (void)now, (void)size;
    for (size_t i = 0; i < length; i++)
        sum ^= (uint8_t)topic[i]; /* all of it must be readable */
    (void)sum;
}

static void on_result(void *ctx, otter_ms now, struct mqtt_ticket *ticket, otter_status status)
{
    (void)ctx, (void)now;
    assert(!mqtt_ticket_held(ticket));
    assert(status == OTTER_OK || status == OTTER_E_REFUSED || status == OTTER_E_TIMEOUT);
    results++;
}

static void send(struct mqtt_service *service, otter_ms now, struct mqtt_ticket *ticket)
{
    static const uint8_t payload[200] = "payload";
    if (mqtt_ticket_held(ticket)) {
        sends -= mqtt_withdraw(&session, ticket) == OTTER_OK;
        return;
    }
    *ticket = (struct mqtt_ticket){.topic = "answer",
                                   .payload = payload,
                                   .length = (size_t)(ticket - tickets) * 20u,
                                   .on_result = on_result};
    sends += mqtt_send(&session, now, service, ticket) == OTTER_OK;
}

static void answer(void *ctx, otter_ms now, const struct mqtt_message *message)
{
    struct mqtt_service *service = ctx;
    uint8_t sum = 0;
    for (size_t i = 0; i < message->topic_length; i++)
        sum ^= (uint8_t)message->topic[i];
    for (size_t i = 0; i < message->payload_length; i++)
        sum ^= message->payload[i];
    if (sum & 1)
        send(service, now, &tickets[sum % 8u]);
    else
        mqtt_publish(&session, now, service, "answer", message->payload,
                     message->payload_length < 16 ? message->payload_length : 16);
    if (sum == 0x55)
        mqtt_disconnect(&session, now);
    if (sum % 16u == 6)
        mqtt_unsubscribe(&session, &filters[sum % 3u]);
    if (sum % 16u == 4)
        mqtt_subscribe(&session, now, service, &filters[sum % 3u]);
}

static void send_output(struct mqtt_session *s, otter_ms now, size_t most)
{
    const uint8_t *data;
    const size_t length = mqtt_output(s, &data);
    uint8_t sum = 0;
    for (size_t i = 0; i < length; i++)
        sum ^= data[i]; /* all of it must be readable */
    mqtt_sent(s, now + (sum & 0), length < most ? length : most);
}

static void start_services(void)
{
    static const char *const texts[] = {"a/+", "#", "b"};
    memset(tickets, 0, sizeof tickets);
    results = sends = 0;
    for (size_t i = 0; i < 2; i++) {
        services[i] = (struct mqtt_service){.prefix = i ? "a/" : "",
                                            .on_message = answer,
                                            .on_oversized = pass_over,
                                            .ctx = &services[i]};
        mqtt_register(&session, &services[i]);
    }
    for (size_t i = 0; i < 3; i++) {
        filters[i] = (struct mqtt_subscription){.filter = texts[i], .qos = i & 1};
        mqtt_subscribe(&session, 0, &services[i & 1], &filters[i]);
    }
}

/* Each ticket has its result, or is held; what is in flight keeps to its limits. */
static void check_tickets(void)
{
    unsigned held = 0, in_flight = 0;
    for (size_t i = 0; i < 8; i++) {
        held += mqtt_ticket_held(&tickets[i]);
        in_flight += tickets[i].p.in_flight;
    }
    assert(held + results == sends);
    assert(in_flight <= MQTT_IN_FLIGHT_MAX);
    assert(in_flight == (unsigned)services[0].p.in_flight + services[1].p.in_flight);
    assert(services[0].p.in_flight <= MQTT_IN_FLIGHT_OF_ONE);
}

static void check_session(const uint8_t *data, size_t size, size_t step)
{
    static uint8_t input[96], output[192];
    struct mqtt_session *s = &session;
    const struct mqtt_config config = {.client_id = "c",
                                       .keep_alive_s = 30,
                                       .backoff_base_ms = 10,
                                       .backoff_cap_ms = 1000,
                                       .connack_timeout_ms = 100,
                                       .ack_timeout_ms = 100,
                                       .random = no_jitter,
                                       .input = input,
                                       .input_size = sizeof input,
                                       .output = output,
                                       .output_size = sizeof output};
    otter_ms now = 0;
    mqtt_init(s, &config);
    start_services();
    while (size > 0) {
        if (mqtt_wants_transport(s, now))
            mqtt_transport_up(s, now);
        const size_t length = size < step ? size : step;
        mqtt_input(s, now, data, length);
        data += length;
        size -= length;
        send_output(s, now, step);
        mqtt_tick(s, ++now);
        if (mqtt_should_close(s))
            mqtt_transport_down(s, now);
        assert(s->p.fifo.start <= s->p.fifo.end && s->p.fifo.end <= sizeof output);
        assert(s->p.gather.length <= sizeof input);
        check_tickets();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    check_packets(data + 1, size - 1);
    check_session(data + 1, size - 1, 1 + data[0] % 64u);
    return 0;
}
