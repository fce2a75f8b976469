/* port/datagram.h over one of the system's UDP sockets. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "port/datagram.h"
#include "ports/posix/lookup.h"

static struct {
    struct lookup *lookup; /* NULL: none goes on */
    int socket;            /* plus one; 0: none is open */
} datagram;

otter_status datagram_open(const char *host, uint16_t port)
{
    datagram_close();
    if (strcmp(host, "localhost") == 0) /* RFC 6761, as in socket.c */
        host = "127.0.0.1";
    datagram.lookup = lookup_start(host, port);
    return datagram.lookup != NULL ? OTTER_OK : OTTER_E_MEMORY;
}

/* To the first of its addresses that the machine has a way to. */
static otter_status connect_to(const struct addrinfo *addresses)
{
    for (const struct addrinfo *at = addresses; at != NULL; at = at->ai_next) {
        const int fd = socket(at->ai_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd >= 0 && connect(fd, at->ai_addr, at->ai_addrlen) == 0) {
            datagram.socket = fd + 1;
            return OTTER_OK;
        }
        if (fd >= 0)
            close(fd);
    }
    return OTTER_E_NAME;
}

static otter_status finish_lookup(void)
{
    struct addrinfo *addresses = NULL;
    if (!lookup_take(datagram.lookup, &addresses))
        return OTTER_E_AGAIN;
    lookup_drop(datagram.lookup);
    datagram.lookup = NULL;
    const otter_status status = connect_to(addresses);
    if (addresses != NULL)
        freeaddrinfo(addresses);
    return status;
}

otter_status datagram_send(const void *data, size_t length)
{
    if (datagram.lookup != NULL) {
        const otter_status status = finish_lookup();
        if (status != OTTER_OK)
            return status;
    }
    if (datagram.socket == 0)
        return OTTER_E_STATE;
    const ssize_t sent = send(datagram.socket - 1, data, length, MSG_NOSIGNAL);
    return sent == (ssize_t)length ? OTTER_OK : OTTER_E_IO;
}

size_t datagram_receive(void *data, size_t size)
{
    const ssize_t length = datagram.socket != 0 ? recv(datagram.socket - 1, data, size, 0) : 0;
    return length > 0 ? (size_t)length : 0;
}

void datagram_close(void)
{
    if (datagram.lookup != NULL)
        lookup_drop(datagram.lookup);
    datagram.lookup = NULL;
    if (datagram.socket != 0)
        close(datagram.socket - 1);
    datagram.socket = 0;
}
