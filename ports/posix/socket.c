/* port/socket.h over the system's non-blocking sockets. A name is looked up in a thread (lookup.h);
 * of its addresses, IPv6 or IPv4, the first that answers is taken. */
#include <arpa/inet.h>
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
#include "port/socket.h"
#include "port/traffic.h"
#include "ports/posix/lookup.h"
#include "ports/posix/socket.h"

/* Behind a struct socket, from socket_connect to socket_close. */
struct connection {
    int fd;                     /* -1: none yet */
    struct lookup *lookup;      /* NULL once the name is known */
    struct addrinfo *addresses; /* of the name */
    struct addrinfo *next;      /* the one to try when the present one does not answer */
    char host[];
};

static struct socket *watched;
static struct traffic traffic; /* of pieces that the system took and gave */

/* The network is the machine's own. */
void port_network_join(const char *ssid, const char *credential)
{
    (void)ssid;
    (void)credential;
}

bool port_network_quiet(void)
{
    return true;
}

otter_status port_network_status(void)
{
    return OTTER_OK;
}

static void close_socket(struct connection *connection)
{
    if (connection->fd >= 0)
        close(connection->fd);
    connection->fd = -1;
}

static void release(struct socket *socket)
{
    struct connection *connection = socket->port.handle;
    socket->port.handle = NULL;
    if (watched == socket)
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

static otter_status fail(struct socket *socket, otter_status error)
{
    release(socket);
    socket->state = SOCKET_CLOSED;
    socket->error = error;
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

static otter_status try_next(struct socket *socket)
{
    struct connection *connection = socket->port.handle;
    close_socket(connection);
    while (connection->next != NULL) {
        const struct addrinfo *address = connection->next;
        connection->next = address->ai_next;
        if (start_connect(connection, address))
            return OTTER_OK;
    }
    return fail(socket, OTTER_E_REFUSED);
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

otter_status socket_connect(struct socket *socket, const char *host, uint16_t port)
{
    memset(socket, 0, sizeof *socket);
    /* RFC 6761: this name is the loopback, also where no hosts file says so. */
    if (strcmp(host, "localhost") == 0)
        host = "127.0.0.1";
    struct connection *connection = calloc(1, sizeof *connection + strlen(host) + 1);
    if (connection == NULL)
        return fail(socket, OTTER_E_MEMORY);
    strcpy(connection->host, host);
    connection->fd = -1;
    socket->port.handle = connection;
    connection->addresses = connection->next = numeric_address(host, port);
    if (connection->addresses == NULL)
        connection->lookup = lookup_start(host, port);
    else if (try_next(socket) != OTTER_OK)
        return OTTER_E_REFUSED;
    if (connection->addresses == NULL && connection->lookup == NULL)
        return fail(socket, OTTER_E_MEMORY);
    socket->state = connection->lookup != NULL ? SOCKET_LOOKING_UP : SOCKET_CONNECTING;
    watched = socket;
    return OTTER_OK;
}

static void finish_lookup(struct socket *socket)
{
    struct connection *connection = socket->port.handle;
    if (!lookup_take(connection->lookup, &connection->addresses))
        return;
    lookup_drop(connection->lookup);
    connection->lookup = NULL;
    connection->next = connection->addresses;
    if (connection->addresses != NULL) {
        socket->state = SOCKET_CONNECTING;
        try_next(socket);
        return;
    }
    LOG_WRN("NET", "no address found for %s", connection->host);
    fail(socket, OTTER_E_NAME);
}

static void finish_connect(struct socket *socket)
{
    struct connection *connection = socket->port.handle;
    struct pollfd ready = {connection->fd, POLLOUT, 0};
    if (poll(&ready, 1, 0) <= 0)
        return;
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(connection->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0)
        try_next(socket);
    else
        socket->state = SOCKET_OPEN;
}

static int descriptor_of(const struct socket *socket)
{
    const struct connection *connection = socket->port.handle;
    return connection->fd;
}

/* What send or recv came to; 0 bytes received are the end. */
static int moved(struct socket *socket, ssize_t count, bool ended)
{
    if (count > 0)
        return (int)count;
    if (!ended && (count == 0 || errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return 0;
    return fail(socket, count == 0 ? OTTER_E_CLOSED : OTTER_E_RESET);
}

/* Before it is open nothing moves; afterwards it says why. */
static int not_open(const struct socket *socket)
{
    return socket->state == SOCKET_CLOSED ? (int)socket->error : 0;
}

int socket_send(struct socket *socket, const void *data, size_t length)
{
    if (socket->state != SOCKET_OPEN)
        return not_open(socket);
    const int sent = moved(socket, send(descriptor_of(socket), data, length, MSG_NOSIGNAL), false);
    if (sent > 0) {
        socket->bytes_out += (uint32_t)sent;
        traffic.bytes_out += (uint32_t)sent;
        traffic.packets_out++;
    }
    return sent;
}

int socket_receive(struct socket *socket, void *data, size_t size)
{
    if (socket->state != SOCKET_OPEN)
        return not_open(socket);
    const ssize_t received = recv(descriptor_of(socket), data, size, 0);
    const int taken = moved(socket, received, received == 0);
    if (taken > 0) {
        socket->bytes_in += (uint32_t)taken;
        traffic.bytes_in += (uint32_t)taken;
        traffic.packets_in++;
    }
    return taken;
}

void socket_close(struct socket *socket)
{
    if (socket->state != SOCKET_IDLE)
        release(socket);
    socket->state = SOCKET_IDLE;
}

int socket_poll_descriptor(short *events)
{
    if (watched == NULL)
        return -1;
    const struct connection *connection = watched->port.handle;
    *events = POLLIN;
    if (connection->lookup != NULL)
        return lookup_descriptor(connection->lookup);
    if (watched->state == SOCKET_CONNECTING)
        *events = POLLOUT;
    return connection->fd;
}

void socket_poll_done(void)
{
    if (watched != NULL && watched->state == SOCKET_LOOKING_UP)
        finish_lookup(watched);
    else if (watched != NULL && watched->state == SOCKET_CONNECTING)
        finish_connect(watched);
}

/* ---- statistics: this process listens at nothing ---- */

void port_traffic(struct traffic *counts)
{
    *counts = traffic;
}

static uint16_t port_of(const struct sockaddr_storage *address)
{
    return ntohs(address->ss_family == AF_INET6 ? ((const struct sockaddr_in6 *)address)->sin6_port
                                                : ((const struct sockaddr_in *)address)->sin_port);
}

bool port_connection(unsigned index, struct traffic_peer *peer)
{
    struct sockaddr_storage remote, local;
    socklen_t remote_size = sizeof remote, local_size = sizeof local;
    char text[INET6_ADDRSTRLEN] = "";
    *peer = (struct traffic_peer){.remote = ""};
    if (index > 0 || watched == NULL || watched->state != SOCKET_OPEN)
        return false;
    const int fd = descriptor_of(watched);
    if (getpeername(fd, (struct sockaddr *)&remote, &remote_size) != 0 ||
        getsockname(fd, (struct sockaddr *)&local, &local_size) != 0)
        return true;
    const bool six = remote.ss_family == AF_INET6;
    const void *address = six ? (const void *)&((struct sockaddr_in6 *)&remote)->sin6_addr
                              : (const void *)&((struct sockaddr_in *)&remote)->sin_addr;
    inet_ntop(remote.ss_family, address, text, sizeof text);
    snprintf(peer->remote, sizeof peer->remote, six ? "[%s]:%u" : "%s:%u", text, port_of(&remote));
    peer->local_port = port_of(&local);
    return true;
}

uint16_t port_listening(bool udp, unsigned index)
{
    (void)udp, (void)index;
    return 0;
}
