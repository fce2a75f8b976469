/* Test program for the port on QEMU; tests/e2e/port_mps2.sh drives it over the console.
 *
 * It goes through its stages by resetting (ports/cortex-m/selftest.h). Input, one line: the TCP
 * port of an echo server on the host. */
#include <stdlib.h>
#include <string.h>

#include "port/handover.h"
#include "port/port.h"
#include "port/socket.h"
#include "ports/cortex-m/selftest.h"
#include "ports/mps2-an505/mps2.h"

#define AREA_OFFSET 0x200000u /* beyond the board's map */
#define SECTOR      0x1000u
#define ECHO_BYTES  0x100000u
#define WAIT_MS     20000u

static void hang(void)
{
    WATCHDOG_LOAD = CORE_CLOCK_HZ / 2; /* half a second */
    for (;;) {
    }
}

static int overflow(int depth)
{
    volatile char frame[256];
    frame[0] = (char)depth;
    return depth < 1000000 ? overflow(depth + 1) + frame[0] : 0;
}

static void crash(void)
{
    (void)REG32(0xf0000000u); /* nothing is there */
}

/* Reads a line from the console into `line`. */
static void read_line(char *line, size_t size)
{
    size_t length = 0;
    for (;;) {
        char c;
        while (port_console_read(&c, 1) == 1) {
            if (c == '\n' || c == '\r') {
                line[length] = '\0';
                return;
            }
            if (length + 1 < size)
                line[length++] = c;
        }
        port_watchdog_feed();
        port_idle(port_now() + 100);
    }
}

static void wait_while_connecting(struct socket *socket)
{
    const otter_ms deadline = port_now() + WAIT_MS;
    while (socket->state < SOCKET_OPEN && port_now() < deadline)
        port_idle(deadline);
}

static uint8_t pattern(uint32_t i)
{
    return (uint8_t)(i * 7 + (i >> 9));
}

static uint32_t send_some(struct socket *socket, uint32_t sent, uint32_t total)
{
    uint8_t out[512];
    const uint32_t length = total - sent < sizeof out ? total - sent : sizeof out;
    for (uint32_t i = 0; i < length; i++)
        out[i] = pattern(sent + i);
    const int moved = socket_send(socket, out, length);
    return moved > 0 ? (uint32_t)moved : 0;
}

/* Returns bytes taken, or UINT32_MAX when they are wrong or the connection has ended. */
static uint32_t receive_some(struct socket *socket, uint32_t received, size_t size)
{
    uint8_t in[1024];
    const int moved = socket_receive(socket, in, size);
    if (moved < 0)
        return UINT32_MAX;
    for (uint32_t i = 0; i < (uint32_t)moved; i++)
        if (in[i] != pattern(received + i))
            return UINT32_MAX;
    return (uint32_t)moved;
}

/* Sends `total` bytes and takes them back, `pause` milliseconds between two reads. */
static bool echo(struct socket *socket, uint32_t total, uint32_t pause)
{
    uint32_t sent = 0, received = 0;
    otter_ms progress = port_now(), next_read = 0;
    while (received < total && port_now() < progress + WAIT_MS) {
        const uint32_t out = sent < total ? send_some(socket, sent, total) : 0;
        const uint32_t in = port_now() >= next_read ? receive_some(socket, received, 1024) : 0;
        if (in == UINT32_MAX)
            return false;
        sent += out;
        received += in;
        if (in > 0) {
            progress = port_now();
            next_read = progress + pause;
        }
        port_watchdog_feed();
        port_idle(out + in > 0 ? 0 : port_now() + (pause > 0 ? pause : 1000));
    }
    return received == total;
}

static void check_echo(uint16_t port)
{
    struct socket socket;
    check(socket_connect(&socket, "localhost", port) == OTTER_OK, "a connection is started");
    wait_while_connecting(&socket);
    check(socket.state == SOCKET_OPEN, "localhost is reached");
    const otter_ms start = port_now();
    check(echo(&socket, ECHO_BYTES, 0), "1 MiB goes there and back unharmed");
    const uint32_t took = (uint32_t)(port_now() - start);
    say("echo: %lu bytes each way in %lu ms, %lu KiB/s", (unsigned long)socket.bytes_in,
        (unsigned long)took, (unsigned long)(ECHO_BYTES / 1024 * 1000 / (took + 1)));
    check(echo(&socket, 65536, 5), "a slow reader loses nothing");
    socket_close(&socket);
}

/* A byte `D` and a size makes the server send that many: the way a download goes. */
static void check_download(uint16_t port)
{
    static const char request[] = "D4194304\n";
    struct socket socket;
    socket_connect(&socket, "10.0.2.2", port);
    wait_while_connecting(&socket);
    socket_send(&socket, request, sizeof request - 1);
    const otter_ms start = port_now();
    otter_ms progress = start;
    uint32_t received = 0;
    while (socket.state == SOCKET_OPEN && port_now() < progress + WAIT_MS) {
        uint8_t in[1460];
        const int moved = socket_receive(&socket, in, sizeof in);
        if (moved > 0)
            progress = port_now();
        received += moved > 0 ? (uint32_t)moved : 0;
        port_watchdog_feed();
        port_idle(moved > 0 ? 0 : port_now() + 1000);
    }
    const uint32_t took = (uint32_t)(port_now() - start);
    check(received == 4194304 && socket.error == OTTER_E_CLOSED, "4 MiB come down, then the end");
    say("download: %lu bytes in %lu ms, %lu KiB/s", (unsigned long)received, (unsigned long)took,
        (unsigned long)(received / 1024 * 1000 / (took + 1)));
    socket_close(&socket);
}

/* A reader that takes all there is and then computes for a while, as TLS does with its records. */
static void check_busy_reader(uint16_t port)
{
    static const char request[] = "D4194304\n";
    struct socket socket;
    socket_connect(&socket, "localhost", port);
    wait_while_connecting(&socket);
    socket_send(&socket, request, sizeof request - 1);
    const otter_ms start = port_now();
    otter_ms progress = start;
    uint32_t received = 0;
    while (socket.state == SOCKET_OPEN && port_now() < progress + WAIT_MS) {
        uint8_t in[1460];
        port_idle(port_now() + 1000);
        for (int moved; (moved = socket_receive(&socket, in, sizeof in)) > 0; progress = port_now())
            received += (uint32_t)moved;
        for (volatile uint32_t work = 0; work < 200000; work++) {
        }
        port_watchdog_feed();
    }
    const uint32_t took = (uint32_t)(port_now() - start);
    say("busy reader: %lu bytes in %lu ms", (unsigned long)received, (unsigned long)took);
    check(received == 4194304, "a busy reader gets all of it");
    socket_close(&socket);
}

static void check_refusals(void)
{
    struct socket socket;
    socket_connect(&socket, "localhost", 1);
    wait_while_connecting(&socket);
    check(socket.state == SOCKET_CLOSED && socket.error == OTTER_E_REFUSED,
          "a closed port is refused");
    socket_close(&socket);
    socket_connect(&socket, "no-such-host.invalid", 1);
    wait_while_connecting(&socket);
    check(socket.state == SOCKET_CLOSED && socket.error == OTTER_E_NAME,
          "an unknown name is named so");
    socket_close(&socket);
    struct socket none;
    for (int i = 0; i < 8; i++) { /* connections are given back */
        socket_connect(&none, "localhost", 1);
        socket_close(&none);
    }
    check(socket_connect(&none, "localhost", 1) == OTTER_OK, "closed connections make room");
    socket_close(&none);
}

static void check_network(void)
{
    char line[32];
    const otter_ms deadline = port_now() + WAIT_MS;
    while (port_network_status() != OTTER_OK && port_now() < deadline)
        port_idle(deadline);
    check(port_network_status() == OTTER_OK, "an address comes by DHCP");
    say("echo server port?");
    read_line(line, sizeof line);
    const uint16_t port = (uint16_t)strtoul(line, NULL, 10);
    say("console: %s", line);
    for (int i = 0; i < 4; i++)
        check_echo(port);
    check_download(port);
    check_busy_reader(port);
    check_refusals();
}

static void check_early_input(void)
{
    char byte = '\0';
    check(port_console_read(&byte, 1) == 1 && byte == '!',
          "a byte that came before the firmware started is taken");
}

int main(void)
{
    uint32_t reason;
    const uint32_t stage = selftest_begin(AREA_OFFSET, SECTOR, &reason);
    switch (stage) {
    case 0:
        check(reason == RESET_POWER_ON, "power-on is told");
        check_early_input();
        check_flash(&selftest_area);
        check_time(UINT32_MAX);
        port_reset();
    case 1:
        check(reason == RESET_SOFTWARE, "a software reset is told");
        hang();
        break;
    case 2:
        check(reason == RESET_WATCHDOG, "a watchdog reset is told");
        crash();
        break;
    case 3:
        check(reason == RESET_SOFTWARE, "a fault resets");
        (void)overflow(0);
        break;
    default:
        check(reason == RESET_SOFTWARE, "a stack overflow resets");
        check_random();
        check_crypto();
        check_network();
    }
    selftest_end();
}
