/* The queue before the broker's socket. */
#include "cloud/gateway/join.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cloud/broker/broker.h"
#include "cloud/gateway/client.h"

#define RETRY_MS 5

struct joiners {
    struct gateway *gateway;
    struct client_queue waiting;
    struct event *retry;
};

/* The socket, or -1: EAGAIN when it is worth another try. */
static int connect_to_broker(const struct joiners *joiners)
{
    struct sockaddr_un address;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    broker_address(joiners->gateway->broker, &address);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    int reason = errno;
    close(fd);
    /* Its queue is full; or it is being started again, which takes about a second. */
    errno = reason == ENOENT || reason == ECONNREFUSED ? EAGAIN : reason;
    return -1;
}

static void admit(struct joiners *joiners)
{
    const struct timeval soon = {0, RETRY_MS * 1000L};
    struct client *client;
    while ((client = TAILQ_FIRST(&joiners->waiting)) != NULL) {
        int fd = connect_to_broker(joiners);
        if (fd < 0 && errno == EAGAIN) {
            event_add(joiners->retry, &soon);
            return;
        }
        joiners_remove(joiners, client);
        client_joined(client, fd);
    }
}

static void on_retry(evutil_socket_t fd, short what, void *context)
{
    (void)fd, (void)what;
    admit(context);
}

struct joiners *joiners_new(struct gateway *gateway)
{
    struct joiners *joiners = calloc(1, sizeof *joiners);
    if (!joiners)
        return NULL;
    joiners->gateway = gateway;
    TAILQ_INIT(&joiners->waiting);
    joiners->retry = evtimer_new(gateway->loop->base, on_retry, joiners);
    if (joiners->retry)
        return joiners;
    free(joiners);
    return NULL;
}

void joiners_free(struct joiners *joiners)
{
    if (!joiners)
        return;
    event_free(joiners->retry);
    free(joiners);
}

void joiners_add(struct joiners *joiners, struct client *client)
{
    bool first = TAILQ_EMPTY(&joiners->waiting);
    TAILQ_INSERT_TAIL(&joiners->waiting, client, as_joiner);
    client->is_joiner = true;
    if (first)
        admit(joiners);
}

void joiners_remove(struct joiners *joiners, struct client *client)
{
    if (!client->is_joiner)
        return;
    TAILQ_REMOVE(&joiners->waiting, client, as_joiner);
    client->is_joiner = false;
}
