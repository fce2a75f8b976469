/* port/socket.h over a modem: the same promises that the other implementations keep, over a UART
 * whose other end is the model of the modem. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "port/port.h"
#include "ports/modem/modem.h"
#include "twin/modem/esp8266_model.h"

static otter_ms now = 1;
static struct esp8266_model model;
static bool pin;
static size_t fifo; /* bytes that the UART takes in one turn */
static uint8_t server_got[64], server_says[64];
static size_t server_got_length, server_says_length;
static bool server_ends;

otter_ms port_now(void)
{
    return now;
}

void port_log_write(const char *line, size_t length)
{
    (void)line;
    (void)length;
}

/* ---- The UART ---- */

size_t modem_uart_read(void *data, size_t size)
{
    return esp8266_model_output(&model, data, size);
}

size_t modem_uart_write(const void *data, size_t length)
{
    const size_t take = length < fifo ? length : fifo;
    fifo -= take;
    esp8266_model_input(&model, now, data, take);
    return take;
}

void modem_uart_control(bool reset, bool rts_cts)
{
    (void)rts_cts;
    if (reset && !pin)
        esp8266_model_reset(&model, now);
    pin = reset;
}

/* ---- The server ---- */

static bool look_up(void *ctx, const char *host, char address[16])
{
    (void)ctx;
    strcpy(address, "10.1.2.3");
    return strcmp(host, "server.test") == 0;
}

static bool server_connect(void *ctx, int link, const char *address, uint16_t port)
{
    (void)ctx, (void)link, (void)address;
    return port == 8883;
}

static bool server_take(void *ctx, int link, const void *data, size_t length)
{
    (void)ctx, (void)link;
    memcpy(server_got + server_got_length, data, length);
    server_got_length += length;
    return true;
}

static int server_give(void *ctx, int link, void *data, size_t size)
{
    (void)ctx, (void)link;
    const size_t take = server_says_length < size ? server_says_length : size;
    memcpy(data, server_says, take);
    server_says_length -= take;
    return take == 0 && server_ends ? -1 : (int)take;
}

static void server_close(void *ctx, int link)
{
    (void)ctx, (void)link;
}

static const struct model_network radio = {
    NULL, look_up, server_connect, server_take, server_give, server_close, NULL};

/* ---- The loop ---- */

static unsigned events;

static void run(unsigned ms)
{
    for (const otter_ms end = now + ms; now < end; now++) {
        fifo = 3;
        esp8266_model_tick(&model, now);
        events += modem_poll();
    }
}

static int set_up(void **state)
{
    static const struct model_config config = {
        .major = 2, .ssid = "net", .password = "secret", .delay_ms = 2};
    static const struct esp8266_wiring wiring = {.reset_pin = true};
    (void)state;
    server_got_length = server_says_length = 0;
    server_ends = false;
    esp8266_model_init(&model, &config, &radio, now);
    modem_start(&wiring);
    assert_int_equal(port_network_status(), OTTER_E_AGAIN);
    port_network_join("net", "secret");
    run(3000);
    assert_int_equal(port_network_status(), OTTER_OK);
    return 0;
}

static void a_connection_goes_through_its_states_and_carries_data(void **state)
{
    (void)state;
    struct socket socket;
    char text[16] = "";
    assert_int_equal(socket_connect(&socket, "server.test", 8883), OTTER_OK);
    assert_int_equal(socket.state, SOCKET_LOOKING_UP);
    assert_false(socket.secure);
    events = 0;
    for (unsigned i = 0; i < 1000 && socket.state == SOCKET_LOOKING_UP; i++)
        run(1);
    assert_int_equal(socket.state, SOCKET_CONNECTING);
    run(500);
    assert_int_equal(socket.state, SOCKET_OPEN);
    assert_true(events > 0);
    assert_int_equal(socket_send(&socket, "question", 8), 8);
    run(500);
    assert_memory_equal(server_got, "question", 8);
    memcpy(server_says, "answer", 6);
    server_says_length = 6;
    events = 0;
    run(500);
    assert_true(events > 0);
    assert_int_equal(socket_receive(&socket, text, sizeof text), 6);
    assert_string_equal(text, "answer");
    assert_int_equal(socket_receive(&socket, text, sizeof text), 0);
    assert_int_equal(socket.bytes_in, 6);
    assert_int_equal(socket.bytes_out, 8);
    server_ends = true;
    run(500);
    assert_int_equal(socket.state, SOCKET_CLOSED);
    assert_int_equal(socket.error, OTTER_E_CLOSED);
    assert_int_equal(socket_receive(&socket, text, sizeof text), OTTER_E_CLOSED);
    socket_close(&socket);
    assert_int_equal(socket.state, SOCKET_IDLE);
}

static void what_failed_is_named(void **state)
{
    (void)state;
    struct socket socket, second;
    assert_int_equal(socket_connect(&socket, "nowhere.test", 8883), OTTER_OK);
    assert_int_equal(socket_connect(&second, "server.test", 8883), OTTER_E_NO_SPACE);
    assert_int_equal(second.state, SOCKET_IDLE);
    assert_int_equal(socket_send(&second, "x", 1), OTTER_E_CLOSED);
    run(500);
    assert_int_equal(socket.state, SOCKET_CLOSED);
    assert_int_equal(socket.error, OTTER_E_NAME);
    assert_int_equal(socket_send(&socket, "x", 1), OTTER_E_NAME);
    socket_close(&socket);
    assert_int_equal(socket_connect(&socket, "server.test", 1), OTTER_OK);
    run(500);
    assert_int_equal(socket.error, OTTER_E_REFUSED);
    socket_close(&socket);
}

static void a_connection_may_be_closed_at_any_time(void **state)
{
    (void)state;
    struct socket socket;
    for (unsigned moment = 0; moment < 100; moment += 7) {
        assert_int_equal(socket_connect(&socket, "server.test", 8883), OTTER_OK);
        run(moment);
        socket_close(&socket);
        assert_int_equal(socket.state, SOCKET_IDLE);
    }
    assert_int_equal(socket_connect(&socket, "server.test", 8883), OTTER_OK);
    run(1000);
    assert_int_equal(socket.state, SOCKET_OPEN);
    socket_close(&socket);
}

static void it_tells_when_it_is_due(void **state)
{
    (void)state;
    run(1000);
    assert_int_equal(modem_deadline(), OTTER_NEVER); /* joined, and nobody wants anything */
    struct socket socket;
    assert_int_equal(socket_connect(&socket, "server.test", 8883), OTTER_OK);
    run(1000);
    assert_true(modem_deadline() > now);
    assert_true(modem_deadline() <= now + 5000); /* asks whether data waits */
    socket_close(&socket);
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_connection_goes_through_its_states_and_carries_data),
        TEST(what_failed_is_named),
        TEST(a_connection_may_be_closed_at_any_time),
        TEST(it_tells_when_it_is_due),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
