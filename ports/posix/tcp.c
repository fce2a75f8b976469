/* tcp_* of port/port.h over non-blocking sockets. The name look-up is the system's and may block:
 * on a host that is acceptable, the device's own port never does. */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "port/port.h"
#include "ports/posix/tcp.h"

static struct tcp *watched;

bool port_network_up(void)
{
    return true;
}

static void fail(struct tcp *tcp, otter_status error)
{
    if (tcp->port.fd >= 0)
        close(tcp->port.fd);
    tcp->port.fd = -1;
    tcp->state = TCP_CLOSED;
    tcp->error = error;
    if (watched == tcp)
        watched = NULL;
}

otter_status tcp_connect(struct tcp *tcp, const char *host, uint16_t port)
{
    memset(tcp, 0, sizeof *tcp);
    tcp->port.fd = -1;
    char service[8];
    snprintf(service, sizeof service, "%u", port);
    const struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
    struct addrinfo *address;
    /* RFC 6761: this name is the loopback, also where no hosts file says so. */
    if (strcmp(host, "localhost") == 0)
        host = "127.0.0.1";
    if (getaddrinfo(host, service, &hints, &address) != 0) {
        fail(tcp, OTTER_E_NOT_FOUND);
        return OTTER_E_NOT_FOUND;
    }
    tcp->port.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const int on = 1;
    setsockopt(tcp->port.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    const int result = connect(tcp->port.fd, address->ai_addr, address->ai_addrlen);
    freeaddrinfo(address);
    if (result != 0 && errno != EINPROGRESS) {
        fail(tcp, OTTER_E_REFUSED);
        return OTTER_E_REFUSED;
    }
    tcp->state = TCP_CONNECTING;
    watched = tcp;
    return OTTER_OK;
}

static void finish_connect(struct tcp *tcp)
{
    struct pollfd ready = {tcp->port.fd, POLLOUT, 0};
    if (poll(&ready, 1, 0) <= 0)
        return;
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(tcp->port.fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0)
        fail(tcp, OTTER_E_REFUSED);
    else
        tcp->state = TCP_OPEN;
}

static bool would_block(void)
{
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

int tcp_send(struct tcp *tcp, const void *data, size_t length)
{
    if (tcp->state != TCP_OPEN)
        return tcp->state == TCP_CLOSED ? OTTER_E_CLOSED : 0;
    const ssize_t sent = send(tcp->port.fd, data, length, MSG_NOSIGNAL);
    if (sent < 0 && would_block())
        return 0;
    if (sent < 0) {
        fail(tcp, OTTER_E_CLOSED);
        return OTTER_E_CLOSED;
    }
    tcp->bytes_out += (uint32_t)sent;
    return (int)sent;
}

int tcp_receive(struct tcp *tcp, void *data, size_t size)
{
    if (tcp->state != TCP_OPEN)
        return tcp->state == TCP_CLOSED ? OTTER_E_CLOSED : 0;
    const ssize_t received = recv(tcp->port.fd, data, size, 0);
    if (received < 0 && would_block())
        return 0;
    if (received <= 0) {
        fail(tcp, OTTER_E_CLOSED);
        return OTTER_E_CLOSED;
    }
    tcp->bytes_in += (uint32_t)received;
    return (int)received;
}

void tcp_close(struct tcp *tcp)
{
    if (tcp->state != TCP_IDLE && tcp->port.fd >= 0)
        close(tcp->port.fd);
    tcp->port.fd = -1;
    tcp->state = TCP_IDLE;
    if (watched == tcp)
        watched = NULL;
}

int tcp_poll_descriptor(short *events)
{
    if (watched == NULL)
        return -1;
    *events = watched->state == TCP_CONNECTING ? POLLOUT : POLLIN;
    return watched->port.fd;
}

void tcp_poll_done(void)
{
    if (watched != NULL && watched->state == TCP_CONNECTING)
        finish_connect(watched);
}
