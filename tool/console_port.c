/* Opens each kind of port, and says what is wrong where it cannot. */
#define _DEFAULT_SOURCE /* cfmakeraw, speeds above 38400 */
#include "tool/console_port.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define SEND_TIMEOUT_MS 1000

static const struct {
    unsigned baud;
    speed_t speed;
} speeds[] = {
    {9600, B9600},     {19200, B19200},   {38400, B38400},     {57600, B57600},
    {115200, B115200}, {230400, B230400}, {460800, B460800},   {500000, B500000},
    {576000, B576000}, {921600, B921600}, {1000000, B1000000}, {2000000, B2000000},
};

static bool find_speed(unsigned baud, speed_t *speed)
{
    for (size_t i = 0; i < sizeof speeds / sizeof speeds[0]; i++) {
        if (speeds[i].baud == baud) {
            *speed = speeds[i].speed;
            return true;
        }
    }
    return false;
}

static otter_status set_terminal(int descriptor, const char *path, unsigned baud,
                                 struct failure *failure)
{
    struct termios mode;
    speed_t speed;
    if (!find_speed(baud, &speed))
        return failed(failure, OTTER_E_ARGUMENT,
                      "%u baud is not a rate that serial ports have; 115200 is the usual one",
                      baud);
    if (tcgetattr(descriptor, &mode) != 0)
        return failed(failure, OTTER_E_IO,
                      "'%s' is not a serial port: %s; for a socket write unix:%s", path,
                      strerror(errno), path);
    cfmakeraw(&mode);
    mode.c_cflag |= CLOCAL | CREAD;
    mode.c_cflag &= (tcflag_t) ~(CSTOPB | CRTSCTS);
    cfsetispeed(&mode, speed);
    cfsetospeed(&mode, speed);
    if (tcsetattr(descriptor, TCSANOW, &mode) != 0)
        return failed(failure, OTTER_E_IO, "cannot set '%s' to %u baud: %s", path, baud,
                      strerror(errno));
    ioctl(descriptor, TIOCEXCL);
    tcflush(descriptor, TCIFLUSH);
    return OTTER_OK;
}

static otter_status open_terminal(int *descriptor, const char *path, unsigned baud,
                                  struct failure *failure)
{
    *descriptor = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (*descriptor < 0)
        return failed(failure, OTTER_E_IO, "cannot open '%s': %s%s", path, strerror(errno),
                      errno == EBUSY    ? "; another program has it open"
                      : errno == EACCES ? "; may you use serial ports (group dialout)?"
                      : errno == ENXIO  ? "; for a socket write unix:PATH"
                      : errno == ENOENT ? "; is the board plugged in? (ls /dev/tty*)"
                                        : "");
    return set_terminal(*descriptor, path, baud, failure);
}

static otter_status open_unix(int *descriptor, const char *path, struct failure *failure)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path)
        return failed(failure, OTTER_E_ARGUMENT,
                      "the path of a socket has at most %zu characters: '%s'",
                      sizeof address.sun_path - 1, path);
    strcpy(address.sun_path, path);
    *descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (*descriptor < 0 ||
        connect(*descriptor, (const struct sockaddr *)&address, sizeof address) != 0)
        return failed(failure, OTTER_E_IO, "cannot connect to '%s': %s; is the emulator running?",
                      path, strerror(errno));
    return OTTER_OK;
}

static otter_status open_tcp(int *descriptor, const char *name, struct failure *failure)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found;
    char host[256];
    const char *colon = strrchr(name, ':');
    if (colon == NULL || colon == name || (size_t)(colon - name) >= sizeof host)
        return failed(failure, OTTER_E_ARGUMENT, "'tcp:%s' is not tcp:HOST:PORT", name);
    snprintf(host, sizeof host, "%.*s", (int)(colon - name), name);
    const int error = getaddrinfo(host, colon + 1, &hints, &found);
    if (error != 0)
        return failed(failure, OTTER_E_IO, "cannot find '%s': %s", name, gai_strerror(error));
    for (const struct addrinfo *each = found; each != NULL; each = each->ai_next) {
        *descriptor = socket(each->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (*descriptor >= 0 && connect(*descriptor, each->ai_addr, each->ai_addrlen) == 0)
            break;
        close(*descriptor);
        *descriptor = -1;
    }
    freeaddrinfo(found);
    return *descriptor >= 0
               ? OTTER_OK
               : failed(failure, OTTER_E_IO, "cannot connect to '%s': %s; is the emulator running?",
                        name, strerror(errno));
}

otter_status console_port_open(struct console_port *port, const char *name, unsigned baud,
                               struct failure *failure)
{
    otter_status status;
    port->descriptor = -1;
    if (strncmp(name, "unix:", 5) == 0)
        status = open_unix(&port->descriptor, name + 5, failure);
    else if (strncmp(name, "tcp:", 4) == 0)
        status = open_tcp(&port->descriptor, name + 4, failure);
    else
        status = open_terminal(&port->descriptor, name, baud, failure);
    if (status != OTTER_OK)
        console_port_close(port);
    else
        fcntl(port->descriptor, F_SETFL, O_NONBLOCK);
    return status;
}

void console_port_close(struct console_port *port)
{
    if (port->descriptor >= 0)
        close(port->descriptor);
    port->descriptor = -1;
}

static bool wait_for(int descriptor, short event, int timeout_ms)
{
    struct pollfd wait = {descriptor, event, 0};
    return poll(&wait, 1, timeout_ms) > 0;
}

otter_status console_port_send(void *port, const void *data, size_t length)
{
    const int descriptor = ((const struct console_port *)port)->descriptor;
    const char *next = data;
    while (length > 0) {
        if (!wait_for(descriptor, POLLOUT, SEND_TIMEOUT_MS))
            return OTTER_E_TIMEOUT;
        const ssize_t written = write(descriptor, next, length);
        if (written < 0 && errno != EAGAIN && errno != EINTR)
            return OTTER_E_IO;
        if (written > 0) {
            next += written;
            length -= (size_t)written;
        }
    }
    return OTTER_OK;
}

int console_port_receive(void *port, void *data, size_t size, unsigned timeout_ms)
{
    const int descriptor = ((const struct console_port *)port)->descriptor;
    if (!wait_for(descriptor, POLLIN, (int)timeout_ms))
        return 0;
    const ssize_t received = read(descriptor, data, size);
    if (received > 0)
        return (int)received;
    return received < 0 && (errno == EAGAIN || errno == EINTR) ? 0 : OTTER_E_CLOSED;
}

uint64_t console_port_now(void *port)
{
    struct timespec now;
    (void)port;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}
