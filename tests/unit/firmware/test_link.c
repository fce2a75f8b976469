/* The link between session and transport, over a transport in memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "codec/mqtt_packet.h"
#include "firmware/link.h"
#include "port/socket.h"

#define MESSAGES                                                                                   \
    600u /* of 12 bytes: a turn's reads, and more acknowledgements than the output takes */

static uint8_t incoming[16384];
static size_t incoming_start, incoming_end;
static unsigned acknowledged;
static size_t written;

otter_ms port_now(void)
{
    return 1000;
}

void port_log_write(const char *line, size_t length)
{
    (void)line, (void)length;
}

otter_status port_random(void *data, size_t length)
{
    memset(data, 0, length);
    return OTTER_OK;
}

otter_status port_network_status(void)
{
    return OTTER_OK;
}

otter_status tls_open(struct tls *tls, otter_ms now, struct pki *pki, const char *host,
                      uint16_t port, uint32_t timeout_ms)
{
    (void)now, (void)pki, (void)host, (void)port, (void)timeout_ms;
    tls->state = TLS_HANDSHAKE;
    return OTTER_OK;
}

enum tls_state tls_step(struct tls *tls, otter_ms now)
{
    (void)now;
    tls->state = TLS_OPEN;
    return tls->state;
}

int tls_read(struct tls *tls, void *data, size_t size)
{
    (void)tls;
    const size_t there = incoming_end - incoming_start;
    const size_t take = size < there ? size : there;
    memcpy(data, incoming + incoming_start, take);
    incoming_start += take;
    return (int)take;
}

int tls_write(struct tls *tls, const void *data, size_t length)
{
    static const uint8_t puback[] = {MQTT_PACKET_PUBACK << 4, 2};
    const uint8_t *bytes = data;
    (void)tls;
    for (size_t i = 0; i + sizeof puback <= length; i++)
        acknowledged += memcmp(bytes + i, puback, sizeof puback) == 0;
    written += length;
    return (int)length;
}

void tls_close(struct tls *tls)
{
    tls->state = TLS_IDLE;
}

static void come_in(const void *data, size_t length)
{
    assert_true(incoming_end + length <= sizeof incoming);
    memcpy(incoming + incoming_end, data, length);
    incoming_end += length;
}

/* As a broker sends what has waited for the device. */
static void messages_that_come_all_at_once_are_acknowledged_as_they_are_read(void **state)
{
    static struct link link;
    const struct link_config config = {.client_id = "lamp", .host = "localhost", .port = 8883};
    (void)state;
    link_init(&link, NULL, &config, port_now());
    for (int i = 0; i < 3; i++)
        link_tick(&link, port_now());
    assert_int_equal(link.mqtt.state, MQTT_CONNECTING);
    come_in("\x20\x02\x00\x00", 4);
    for (unsigned i = 0; i < MESSAGES; i++) {
        const uint8_t message[] = {0x32, 10,  0,  3, 't', '/', 't', 0x70, (uint8_t)(1 + i % 200),
                                   'a',  'b', 'c'};
        come_in(message, sizeof message);
    }
    link_tick(&link, port_now());
    assert_int_equal(link.mqtt.state, MQTT_CONNECTED);
    assert_int_equal(acknowledged, MESSAGES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_that_come_all_at_once_are_acknowledged_as_they_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
