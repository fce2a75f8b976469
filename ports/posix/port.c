/* port/port.h on POSIX: time, console, randomness, reset, watchdog, the idle wait. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "port/handover.h"
#include "port/port.h"
#include "ports/posix/flash_file.h"
#include "ports/posix/port_posix.h"
#include "ports/posix/socket.h"

#define WATCHDOG_S 60

static bool console_closed;

static otter_ms monotonic_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (otter_ms)now.tv_sec * 1000 + (otter_ms)now.tv_nsec / 1000000;
}

otter_ms port_now(void)
{
    static otter_ms boot_time;
    if (boot_time == 0)
        boot_time = monotonic_ms();
    return monotonic_ms() - boot_time;
}

static void write_all(const void *data, size_t length)
{
    const char *next = data;
    while (length > 0) {
        const ssize_t written = write(STDOUT_FILENO, next, length);
        if (written < 0 && errno == EAGAIN) {
            struct pollfd writable = {STDOUT_FILENO, POLLOUT, 0};
            poll(&writable, 1, -1);
        } else if (written < 0 && errno != EINTR) {
            return; /* nobody reads the console any more: the device lives on without it */
        } else if (written > 0) {
            next += written;
            length -= (size_t)written;
        }
    }
}

void port_log_write(const char *line, size_t length)
{
    write_all(line, length);
    write_all("\r\n", 2);
}

void port_console_write(const void *data, size_t length)
{
    write_all(data, length);
}

size_t port_console_read(void *data, size_t size)
{
    struct pollfd readable = {STDIN_FILENO, POLLIN, 0};
    if (console_closed || poll(&readable, 1, 0) <= 0)
        return 0;
    const ssize_t received = read(STDIN_FILENO, data, size);
    if (received == 0)
        console_closed = true;
    return received > 0 ? (size_t)received : 0;
}

otter_status port_random(void *data, size_t length)
{
    return getrandom(data, length, 0) == (ssize_t)length ? OTTER_OK : OTTER_E_CRYPTO;
}

otter_status port_unique_id(uint32_t id[PORT_UNIQUE_ID_WORDS])
{
    (void)id; /* a host has many devices */
    return OTTER_E_NOT_FOUND;
}

static void restart(const char *reason)
{
    const char *boot = getenv("OTTER_BOOT");
    if (boot == NULL)
        _exit(3);
    setenv("OTTER_RESET_REASON", reason, 1);
    execl(boot, boot, (char *)NULL);
    _exit(3);
}

_Noreturn void port_reset(void)
{
    restart("software");
    _exit(3);
}

static void watchdog_bites(int signal_number)
{
    (void)signal_number;
    restart("watchdog");
}

void port_watchdog_feed(void)
{
    const struct itimerval left = {.it_value.tv_sec = WATCHDOG_S};
    setitimer(ITIMER_REAL, &left, NULL);
}

void port_idle(otter_ms deadline)
{
    struct pollfd wait[2] = {{console_closed ? -1 : STDIN_FILENO, POLLIN, 0}, {-1, 0, 0}};
    wait[1].fd = socket_poll_descriptor(&wait[1].events);
    const otter_ms now = port_now();
    const otter_ms left = deadline > now ? deadline - now : 0;
    poll(wait, 2, left > 1000 ? 1000 : (int)left);
    socket_poll_done();
}

const struct handover *port_handover(void)
{
    static struct handover handover;
    uint32_t *const numbers[] = {&handover.reset_reason, &handover.swap_type, &handover.boot_ms,
                                 &handover.bytes_copied, &handover.slot};
    const char *text = getenv("OTTER_HANDOVER");
    for (unsigned i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        char *end;
        if (text == NULL)
            return NULL;
        *numbers[i] = (uint32_t)strtoul(text, &end, 10);
        if (end == text)
            return NULL;
        text = *end == ',' ? end + 1 : end;
    }
    handover.magic = HANDOVER_MAGIC;
    return &handover;
}

size_t port_ram_used(void)
{
    return 0;
}

size_t port_stack_size(void)
{
    return 0;
}

size_t port_stack_used(void)
{
    return 0;
}

void port_start(void)
{
    port_posix_start();
    if (!flash_file_open(""))
        _exit(1);
}

void port_posix_start(void)
{
    /* The alarm may have been blocked or ignored by the program before this one. */
    struct sigaction bite = {.sa_handler = watchdog_bites, .sa_flags = SA_NODEFER};
    sigaction(SIGALRM, &bite, NULL);
    sigset_t alarm_only;
    sigemptyset(&alarm_only);
    sigaddset(&alarm_only, SIGALRM);
    sigprocmask(SIG_UNBLOCK, &alarm_only, NULL);
    signal(SIGPIPE, SIG_IGN);
    port_now();
    port_watchdog_feed();
}
