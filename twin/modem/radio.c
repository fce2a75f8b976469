/* The model's network on this machine's sockets. A connect waits for its answer, 10 s at most, as
 * the module does not answer either meanwhile. */
#define _GNU_SOURCE /* SOCK_CLOEXEC */
#include "twin/modem/radio.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE_MS 10000

static bool look_up(void *ctx, const char *host, char address[16])
{
    const struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    (void)ctx;
    if (getaddrinfo(host, NULL, &hints, &found) != 0)
        return false;
    struct sockaddr_in in;
    memcpy(&in, found->ai_addr, sizeof in);
    freeaddrinfo(found);
    return inet_ntop(AF_INET, &in.sin_addr, address, 16) != NULL;
}

static bool finish_connect(int socket)
{
    struct pollfd ready = {socket, POLLOUT, 0};
    int error = 0;
    socklen_t size = sizeof error;
    return poll(&ready, 1, PATIENCE_MS) == 1 &&
           getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
}

static bool connect_link(void *ctx, int link, const char *address, uint16_t port)
{
    struct radio *radio = ctx;
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    char found[16];
    const int on = 1;
    if (!look_up(NULL, address, found) || inet_pton(AF_INET, found, &to.sin_addr) != 1)
        return false;
    const int new = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (new < 0)
        return false;
    setsockopt(new, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    const int result = connect(new, (const struct sockaddr *)&to, sizeof to);
    if ((result != 0 && errno != EINPROGRESS) || !finish_connect(new)) {
        close(new);
        return false;
    }
    radio->sockets[link] = new;
    return true;
}

static bool connect_udp(void *ctx, int link, const char *host, uint16_t port)
{
    struct radio *radio = ctx;
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    char found[16];
    if (!look_up(NULL, host, found) || inet_pton(AF_INET, found, &to.sin_addr) != 1)
        return false;
    const int new = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (new < 0)
        return false;
    if (connect(new, (const struct sockaddr *)&to, sizeof to) != 0) {
        close(new);
        return false;
    }
    radio->sockets[link] = new;
    return true;
}

static bool send_all(void *ctx, int link, const void *data, size_t length)
{
    const struct radio *radio = ctx;
    const char *next = data;
    while (length > 0) {
        const ssize_t sent = send(radio->sockets[link], next, length, MSG_NOSIGNAL);
        struct pollfd ready = {radio->sockets[link], POLLOUT, 0};
        if (sent > 0) {
            next += sent;
            length -= (size_t)sent;
        } else if ((errno != EAGAIN && errno != EINTR) || poll(&ready, 1, PATIENCE_MS) <= 0) {
            return false;
        }
    }
    return true;
}

static int receive(void *ctx, int link, void *data, size_t size)
{
    const struct radio *radio = ctx;
    const ssize_t got = recv(radio->sockets[link], data, size, 0);
    if (got > 0)
        return (int)got;
    /* The last: nobody is there to take a datagram. */
    return got < 0 && (errno == EAGAIN || errno == EINTR || errno == ECONNREFUSED) ? 0 : -1;
}

static void close_link(void *ctx, int link)
{
    struct radio *radio = ctx;
    if (radio->sockets[link] >= 0)
        close(radio->sockets[link]);
    radio->sockets[link] = -1;
}

void radio_open(struct radio *radio)
{
    for (int link = 0; link < MODEL_LINKS; link++)
        radio->sockets[link] = -1;
    radio->network = (struct model_network){radio,   look_up,    connect_link, send_all,
                                            receive, close_link, connect_udp};
}

void radio_close(struct radio *radio)
{
    for (int link = 0; link < MODEL_LINKS; link++)
        close_link(radio, link);
}

unsigned radio_poll(const struct radio *radio, const struct esp8266_model *model,
                    struct pollfd *polls)
{
    unsigned count = 0;
    for (int link = 0; link < MODEL_LINKS; link++) {
        if (radio->sockets[link] >= 0 && esp8266_model_has_room(model, link))
            polls[count++] = (struct pollfd){radio->sockets[link], POLLIN, 0};
    }
    return count;
}
