/* The network: whether it is up, and stream connections over it.
 *
 * A program links one implementation, that of its board's connectivity: lwIP over Ethernet frames,
 * a modem that has TCP/IP in itself (ports/modem), or the host's sockets. A name is looked up
 * before the connection is made, in a state of its own, so that a user sees which of the two
 * failed. Nothing here blocks: it all goes on in port_idle. */
#ifndef OTTER_PORT_SOCKET_H
#define OTTER_PORT_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "port/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Wi-Fi credentials: called at start and whenever the settings were committed, with "" for what is
 * not set. The texts are copied; the same ones again change nothing. Without Wi-Fi nothing happens.
 */
void port_network_join(const char *ssid, const char *credential);

/* OTTER_OK once the board has an address. Else what it lacks: OTTER_E_AGAIN (just starting),
 * OTTER_E_STATE (no wifi_ssid is set), OTTER_E_ACCESS_POINT, OTTER_E_PASSWORD, OTTER_E_ADDRESS,
 * OTTER_E_TIMEOUT or OTTER_E_IO (no controller or modem answers), OTTER_E_VERSION (its own firmware
 * is too old). The port tries again by itself. */
otter_status port_network_status(void);

/* True when nothing that was sent waits in the board for its way out: who restarts it gives it a
 * moment for that. */
bool port_network_quiet(void);

enum socket_state {
    SOCKET_IDLE = 0,
    SOCKET_LOOKING_UP, /* the host's name; passed over for an address in text */
    SOCKET_CONNECTING,
    SOCKET_OPEN,
    SOCKET_CLOSED
};

/* One connection. The caller owns the memory, the port the contents; zeroed memory is idle. */
struct socket {
    enum socket_state state;
    /* Set by socket_connect where the modem ends TLS with the server itself, having checked its
     * certificate and host name and shown the device's: no TLS must be put on top. */
    bool secure;
    otter_status error; /* why the state is SOCKET_CLOSED; see below */
    union {
        int fd;
        void *handle;
    } port;
    uint32_t bytes_in; /* counted by the port, for statistics */
    uint32_t bytes_out;
};

/* Starts to look up and connect; goes on until the state is OPEN, or CLOSED with one of these:
 * OTTER_E_NAME (the look-up found no address), OTTER_E_REFUSED, OTTER_E_TIMEOUT, OTTER_E_MEMORY,
 * and once it was open OTTER_E_CLOSED (the other side ended it) or OTTER_E_RESET (broken off).
 * Fails at once with OTTER_E_STATE while the network is down, OTTER_E_NO_SPACE when the port has no
 * connection left, OTTER_E_UNSUPPORTED for an address of a kind that it does not have. */
otter_status socket_connect(struct socket *socket, const char *host, uint16_t port);
/* Both return the number of bytes moved, 0 when none can be moved now, or the socket's error. */
int socket_send(struct socket *socket, const void *data, size_t length);
int socket_receive(struct socket *socket, void *data, size_t size);
void socket_close(struct socket *socket);

#ifdef __cplusplus
}
#endif

#endif
