/* Waits for the socket, then for its turn. */
#include "cloud/gateway/handshake.h"

#include <event2/event.h>
#include <openssl/err.h>

#include "cloud/gateway/client.h"
#include "cloud/gateway/turns.h"

static void on_io(evutil_socket_t fd, short what, void *context)
{
    struct client *client = context;
    (void)fd, (void)what;
    turns_add(client->gateway->turns, client);
}

static bool await(struct client *client, short what)
{
    struct event_base *base = client->gateway->loop->base;
    const int fd = client->fd;
    if (!client->io)
        client->io = event_new(base, fd, what, on_io, client);
    else if (event_get_events(client->io) != what)
        event_assign(client->io, base, fd, what, on_io, client);
    return client->io && event_add(client->io, NULL) == 0;
}

bool handshake_begin(struct client *client)
{
    return await(client, EV_READ);
}

void handshake_step(struct client *client)
{
    ERR_clear_error();
    const int done = SSL_do_handshake(client->ssl);
    const int error = SSL_get_error(client->ssl, done);
    if (done == 1) {
        handshake_end(client);
        client_met(client);
    } else if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) {
        await(client, error == SSL_ERROR_WANT_READ ? EV_READ : EV_WRITE);
    } else {
        client_not_met(client, ERR_reason_error_string(ERR_peek_last_error()));
        ERR_clear_error();
    }
}

void handshake_end(struct client *client)
{
    if (client->io)
        event_free(client->io);
    client->io = NULL;
}
