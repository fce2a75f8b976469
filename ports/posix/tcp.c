/* tcp_* of port/port.h over non-blocking sockets. A name is looked up in a thread (lookup.h); of
 * its addresses, IPv6 or IPv4, the first that answers is taken. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "port/log.h"
#include "port/port.h"
#include "ports/posix/lookup.h"
#include "ports/posix/tcp.h"

/* Behind a struct tcp, from tcp_connect to tcp_close. */
struct connection {
    int fd;                     /* -1: none yet */
    struct lookup *lookup;      /* NULL once the name is known */
    struct addrinfo *addresses; /* of the name */
    struct addrinfo *next;      /* the one to try when the present one does not answer */
    char host[];
};

static struct tcp *watched;

bool port_network_up(void)
{
    return true;
}

static void close_socket(struct connection *connection)
{
    if (connection->fd >= 0)
        close(connection->fd);
    connection->fd = -1;
}

static void release(struct tcp *tcp)
{
    struct connection *connection = tcp->port.handle;
    tcp->port.handle = NULL;
    if (watched == tcp)
        watched = NULL;
    if (connection == NULL)
        return;
    close_socket(connection);
    if (connection->lookup != NULL)
        lookup_drop(connection->lookup);
    if (connection->addresses != NULL)
        freeaddrinfo(connection->addresses);
    free(connection);
}

static otter_status fail(struct tcp *tcp, otter_status error)
{
    release(tcp);
    tcp->state = TCP_CLOSED;
    tcp->error = error;
    return error;
}

static bool start_connect(struct connection *connection, const struct addrinfo *address)
{
    const int on = 1;
    connection->fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (connection->fd < 0)
        return false;
    setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(connection->fd, address->ai_addr, address->ai_addrlen) == 0 || errno == EINPROGRESS)
        return true;
    close_socket(connection);
    return false;
}

static otter_status try_next(struct tcp *tcp)
{
    struct connection *connection = tcp->port.handle;
    close_socket(connection);
    while (connection->next != NULL) {
        const struct addrinfo *address = connection->next;
        connection->next = address->ai_next;
        if (start_connect(connection, address))
            return OTTER_OK;
    }
    return fail(tcp, OTTER_E_REFUSED);
}

/* An address in text, for which there is nothing to look up. */
static struct addrinfo *numeric_address(const char *host, uint16_t port)
{
    const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
                                   .ai_family = AF_UNSPEC,
                                   .ai_socktype = SOCK_STREAM};
    struct addrinfo *address = NULL;
    char service[8];
    snprintf(service, sizeof service, "%u", port);
    return getaddrinfo(host, service, &hints, &address) == 0 ? address : NULL;
}

otter_status tcp_connect(struct tcp *tcp, const char *host, uint16_t port)
{
    memset(tcp, 0, sizeof *tcp);
    /* RFC 6761: this name is the loopback, also where no hosts file says so. */
    if (strcmp(host, "localhost") == 0)
        host = "127.0.0.1";
    struct connection *connection = calloc(1, sizeof *connection + strlen(host) + 1);
    if (connection == NULL)
        return fail(tcp, OTTER_E_MEMORY);
    strcpy(connection->host, host);
    connection->fd = -1;
    tcp->port.handle = connection;
    connection->addresses = connection->next = numeric_address(host, port);
    if (connection->addresses == NULL)
        connection->lookup = lookup_start(host, port);
    else if (try_next(tcp) != OTTER_OK)
        return OTTER_E_REFUSED;
    if (connection->addresses == NULL && connection->lookup == NULL)
        return fail(tcp, OTTER_E_MEMORY);
    tcp->state = TCP_CONNECTING;
    watched = tcp;
    return OTTER_OK;
}

static void finish_lookup(struct tcp *tcp)
{
    struct connection *connection = tcp->port.handle;
    if (!lookup_take(connection->lookup, &connection->addresses))
        return;
    lookup_drop(connection->lookup);
    connection->lookup = NULL;
    connection->next = connection->addresses;
    if (connection->addresses != NULL) {
        try_next(tcp);
        return;
    }
    LOG_WRN("NET", "no address found for %s", connection->host);
    fail(tcp, OTTER_E_NOT_FOUND);
}

static void finish_connect(struct tcp *tcp)
{
    struct connection *connection = tcp->port.handle;
    struct pollfd ready = {connection->fd, POLLOUT, 0};
    if (poll(&ready, 1, 0) <= 0)
        return;
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(connection->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0)
        try_next(tcp);
    else
        tcp->state = TCP_OPEN;
}

static int descriptor_of(const struct tcp *tcp)
{
    const struct connection *connection = tcp->port.handle;
    return connection->fd;
}

static bool would_block(void)
{
    return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

int tcp_send(struct tcp *tcp, const void *data, size_t length)
{
    if (tcp->state != TCP_OPEN)
        return tcp->state == TCP_CLOSED ? OTTER_E_CLOSED : 0;
    const ssize_t sent = send(descriptor_of(tcp), data, length, MSG_NOSIGNAL);
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
    const ssize_t received = recv(descriptor_of(tcp), data, size, 0);
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
    if (tcp->state != TCP_IDLE)
        release(tcp);
    tcp->state = TCP_IDLE;
}

int tcp_poll_descriptor(short *events)
{
    if (watched == NULL)
        return -1;
    const struct connection *connection = watched->port.handle;
    *events = POLLIN;
    if (connection->lookup != NULL)
        return lookup_descriptor(connection->lookup);
    if (watched->state == TCP_CONNECTING)
        *events = POLLOUT;
    return connection->fd;
}

void tcp_poll_done(void)
{
    if (watched == NULL || watched->state != TCP_CONNECTING)
        return;
    const struct connection *connection = watched->port.handle;
    if (connection->lookup != NULL)
        finish_lookup(watched);
    else
        finish_connect(watched);
}
