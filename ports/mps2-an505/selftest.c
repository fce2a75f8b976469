/* Test program for the port on QEMU; tests/e2e/port_mps2.sh drives it over the console.
 *
 * It goes through its stages by resetting: a count of programmed words in flash says which is next.
 * Each check prints "ok ..." or "FAIL ..."; the last line is "selftest done: N failed". Input, one
 * line: the TCP port of an echo server on the host. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "port/flash.h"
#include "port/handover.h"
#include "port/log.h"
#include "port/port.h"
#include "port/socket.h"
#include "ports/mps2-an505/mps2.h"
#include "ports/cortex-m/system.h"

#define AREA_OFFSET 0x200000u /* beyond the board's map */
#define SECTOR      0x1000u
#define ECHO_BYTES  0x100000u
#define WAIT_MS     20000u

static struct flash_area rules_area = {NULL, AREA_OFFSET, 2 * SECTOR};
static struct flash_area stage_area = {NULL, AREA_OFFSET + 2 * SECTOR, SECTOR};
static struct flash_area result_area = {NULL, AREA_OFFSET + 3 * SECTOR, SECTOR};

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *format, ...)
{
    char line[128];
    va_list args;
    va_start(args, format);
    const int length = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    port_log_write(line, (size_t)length);
}

/* Words programmed in an area count up and survive resets. */
static uint32_t count_of(const struct flash_area *area)
{
    uint32_t count = 0;
    while (flash_is_erased(area, 4 * count, 4) == 0)
        count++;
    return count;
}

static void count_up(const struct flash_area *area)
{
    const uint32_t mark = 0x12345678;
    flash_program(area, 4 * count_of(area), &mark, sizeof mark);
}

static void check(bool good, const char *what)
{
    say("%s %s", good ? "ok" : "FAIL", what);
    if (!good)
        count_up(&result_area);
}

static void check_flash(void)
{
    static const uint8_t data[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    uint8_t back[8] = {0};
    check(flash_erase(&rules_area, 0, SECTOR) == OTTER_OK, "a sector is erased");
    check(flash_is_erased(&rules_area, 0, SECTOR) == 1, "an erased sector reads as ff");
    check(flash_program(&rules_area, 16, data, 8) == OTTER_OK, "erased units are programmed");
    check(flash_read(&rules_area, 16, back, 8) == OTTER_OK && memcmp(back, data, 8) == 0,
          "what was programmed reads back");
    check(flash_program(&rules_area, 12, data, 8) == OTTER_E_FLASH,
          "a programmed unit is not programmed again");
    check(flash_is_erased(&rules_area, 12, 4) == 1, "a refused program changes nothing");
    check(flash_program(&rules_area, 2, data, 8) == OTTER_E_ARGUMENT, "alignment is checked");
    check(flash_program(&rules_area, 32, data, 6) == OTTER_E_ARGUMENT, "length is checked");
    check(flash_program(&rules_area, 2 * SECTOR - 4, data, 8) == OTTER_E_BOUNDS,
          "the end of the area is checked");
}

static void check_time(void)
{
    const otter_ms start = port_now();
    const otter_ms deadline = start + 300;
    while (port_now() < deadline)
        port_idle(deadline);
    const otter_ms took = port_now() - start;
    say("slept %lu ms of 300", (unsigned long)took);
    check(took >= 300, "idle sleeps until its deadline");
}

static void check_random(void)
{
    uint8_t one[16], two[16];
    const otter_status status = port_random(one, sizeof one);
    if (status != OTTER_OK) {
        say("random: %s", otter_status_text(status));
        return;
    }
    check(port_random(two, sizeof two) == OTTER_OK && memcmp(one, two, sizeof one) != 0,
          "random bytes differ");
    say("random: %02x%02x%02x%02x%02x%02x%02x%02x", one[0], one[1], one[2], one[3], one[4], one[5],
        one[6], one[7]);
}

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

static void first_boot(void)
{
    flash_erase(&stage_area, 0, SECTOR);
    flash_erase(&result_area, 0, SECTOR);
}

int main(void)
{
    port_start();
    rules_area.flash = stage_area.flash = result_area.flash = &port_flash[0];
    const uint32_t reason = port_handover()->reset_reason;
    if (reason == RESET_POWER_ON)
        first_boot();
    const uint32_t stage = count_of(&stage_area);
    count_up(&stage_area);
    say("selftest stage %lu, reset reason %lu", (unsigned long)stage, (unsigned long)reason);
    switch (stage) {
    case 0:
        check(reason == RESET_POWER_ON, "power-on is told");
        check_early_input();
        check_flash();
        check_time();
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
        check_network();
    }
    say("stack: %lu of %lu bytes used, RAM: %lu bytes", (unsigned long)port_stack_used(),
        (unsigned long)port_stack_size(), (unsigned long)port_ram_used());
    say("selftest done: %lu failed", (unsigned long)count_of(&result_area));
    for (;;) {
        port_watchdog_feed();
        port_idle(OTTER_NEVER);
    }
}
