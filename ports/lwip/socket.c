/* Connections of port/socket.h, and the datagrams of port/datagram.h, on lwIP's raw API.
 *
 * Received data stays in lwIP's buffers until the application takes it; only then does the window
 * open again, so a slow application slows the sender and no data is copied twice.
 *
 * The name `localhost` stands for the gateway: behind QEMU's user-mode network that is the machine
 * that runs QEMU, and a server certificate for `localhost` can be checked as such. */
#include <lwip/dns.h>
#include <lwip/tcp.h>
#include <lwip/udp.h>
#include <string.h>

#include "port/datagram.h"
#include "port/log.h"
#include "port/socket.h"
#include "ports/lwip/network_lwip.h"

#define CONNECTIONS_MAX 2u

struct connection {
    struct socket *owner; /* NULL: free */
    struct tcp_pcb *pcb;  /* NULL before the name is known, and once lwIP has let go of it */
    struct pbuf *received;
    uint32_t lookup; /* tells our name lookup from one that a closed connection left behind */
    uint16_t port;
    otter_status end; /* why no more data will come; OTTER_OK: some may */
};

static struct connection connections[CONNECTIONS_MAX];

static void set_closed(struct connection *c, otter_status error)
{
    c->owner->state = SOCKET_CLOSED;
    c->owner->error = error;
    network_note_event();
}

static err_t on_connected(void *arg, struct tcp_pcb *pcb, err_t err)
{
    (void)err; /* lwIP: always ERR_OK */
    struct connection *c = arg;
    tcp_nagle_disable(pcb);
    c->owner->state = SOCKET_OPEN;
    network_note_event();
    return ERR_OK;
}

static err_t on_received(void *arg, struct tcp_pcb *pcb, struct pbuf *data, err_t err)
{
    (void)pcb;
    (void)err;
    struct connection *c = arg;
    if (data == NULL)
        c->end = OTTER_E_CLOSED;
    else if (c->received == NULL)
        c->received = data;
    else
        pbuf_cat(c->received, data);
    network_note_event();
    return ERR_OK;
}

static err_t on_sent(void *arg, struct tcp_pcb *pcb, u16_t length)
{
    (void)arg;
    (void)pcb;
    (void)length;
    network_note_event();
    return ERR_OK;
}

/* lwIP has freed the pcb already. What was received before can still be read. */
static void on_error(void *arg, err_t err)
{
    struct connection *c = arg;
    const bool reset = err == ERR_RST;
    c->pcb = NULL;
    c->end = reset ? OTTER_E_RESET : OTTER_E_TIMEOUT;
    if (c->owner->state == SOCKET_CONNECTING)
        set_closed(c, reset ? OTTER_E_REFUSED : OTTER_E_TIMEOUT);
    else if (c->received == NULL)
        set_closed(c, c->end);
    network_note_event();
}

/* Takes the pcb away from lwIP's sight and ours. `tcp_abort` frees without a word to on_error. */
static void drop_pcb(struct connection *c, bool graceful)
{
    struct tcp_pcb *pcb = c->pcb;
    c->pcb = NULL;
    if (pcb == NULL)
        return;
    tcp_arg(pcb, NULL);
    tcp_recv(pcb, NULL);
    tcp_sent(pcb, NULL);
    tcp_err(pcb, NULL);
    tcp_setprio(pcb, TCP_PRIO_MIN); /* a new connection may take its place */
    if (!graceful || tcp_close(pcb) != ERR_OK)
        tcp_abort(pcb);
}

static otter_status start_connect(struct connection *c, const ip_addr_t *address)
{
    c->pcb = tcp_new();
    if (c->pcb == NULL)
        return OTTER_E_MEMORY;
    tcp_arg(c->pcb, c);
    tcp_recv(c->pcb, on_received);
    tcp_sent(c->pcb, on_sent);
    tcp_err(c->pcb, on_error);
    if (tcp_connect(c->pcb, address, c->port, on_connected) != ERR_OK) {
        drop_pcb(c, false);
        return OTTER_E_MEMORY;
    }
    c->owner->state = SOCKET_CONNECTING;
    return OTTER_OK;
}

static void on_name_found(const char *name, const ip_addr_t *address, void *arg)
{
    const uint32_t lookup = (uint32_t)(uintptr_t)arg;
    struct connection *c = &connections[lookup % CONNECTIONS_MAX];
    if (c->owner == NULL || c->lookup != lookup)
        return;
    otter_status status = OTTER_OK;
    if (address == NULL) {
        LOG_WRN("NET", "no address found for %s", name);
        status = OTTER_E_NAME;
    } else {
        status = start_connect(c, address);
    }
    if (status != OTTER_OK)
        set_closed(c, status);
}

/* OTTER_E_AGAIN when the answer will come to on_name_found. */
static otter_status look_up(const char *host, uint32_t lookup, ip_addr_t *address)
{
    if (strcmp(host, "localhost") == 0) {
        ip_addr_set_ip4_u32(address, network_gateway());
        return OTTER_OK;
    }
    if (strchr(host, ':') != NULL) {
        LOG_ERR("NET", "%s: this board's network has IPv4 alone", host);
        return OTTER_E_UNSUPPORTED;
    }
    const err_t err = dns_gethostbyname(host, address, on_name_found, (void *)(uintptr_t)lookup);
    switch (err) {
    case ERR_OK:
        return OTTER_OK;
    case ERR_INPROGRESS:
        return OTTER_E_AGAIN;
    case ERR_ARG:
        return OTTER_E_ARGUMENT;
    default:
        return OTTER_E_MEMORY;
    }
}

static struct connection *new_connection(struct socket *owner)
{
    static uint32_t lookups;
    for (uint32_t i = 0; i < CONNECTIONS_MAX; i++) {
        if (connections[i].owner != NULL)
            continue;
        lookups++;
        connections[i] = (struct connection){
            .owner = owner,
            .lookup = lookups * CONNECTIONS_MAX + i,
        };
        return &connections[i];
    }
    return NULL;
}

otter_status socket_connect(struct socket *socket, const char *host, uint16_t port)
{
    *socket = (struct socket){.state = SOCKET_IDLE};
    if (port_network_status() != OTTER_OK)
        return OTTER_E_STATE;
    struct connection *c = new_connection(socket);
    if (c == NULL)
        return OTTER_E_NO_SPACE;
    c->port = port;
    socket->port.handle = c;
    socket->state = SOCKET_LOOKING_UP;
    ip_addr_t address;
    otter_status status = look_up(host, c->lookup, &address);
    if (status == OTTER_OK)
        status = start_connect(c, &address);
    if (status == OTTER_OK || status == OTTER_E_AGAIN)
        return OTTER_OK;
    socket_close(socket);
    return status;
}

/* Before it is open nothing moves; afterwards it says why. */
static int not_open(const struct socket *socket)
{
    return socket->state == SOCKET_CLOSED ? (int)socket->error : 0;
}

int socket_send(struct socket *socket, const void *data, size_t length)
{
    struct connection *c = socket->port.handle;
    if (socket->state != SOCKET_OPEN)
        return not_open(socket);
    if (c->pcb == NULL)
        return c->end;
    const size_t room = tcp_sndbuf(c->pcb);
    const u16_t take = (u16_t)(length < room ? length : room);
    if (take == 0 || tcp_write(c->pcb, data, take, TCP_WRITE_FLAG_COPY) != ERR_OK)
        return 0; /* lwIP's buffers are full: on_sent ends the wait */
    tcp_output(c->pcb);
    socket->bytes_out += take;
    return take;
}

int socket_receive(struct socket *socket, void *data, size_t size)
{
    struct connection *c = socket->port.handle;
    if (socket->state != SOCKET_OPEN)
        return not_open(socket);
    if (c->received == NULL) {
        if (c->end != OTTER_OK)
            set_closed(c, c->end);
        return c->end;
    }
    const u16_t take = size < c->received->tot_len ? (u16_t)size : c->received->tot_len;
    pbuf_copy_partial(c->received, data, take, 0);
    c->received = pbuf_free_header(c->received, take);
    if (c->pcb != NULL)
        tcp_recved(c->pcb, take);
    socket->bytes_in += take;
    return take;
}

void socket_close(struct socket *socket)
{
    struct connection *c = socket->port.handle;
    if (c != NULL && c->owner == socket) {
        drop_pcb(c, true);
        if (c->received != NULL)
            pbuf_free(c->received);
        *c = (struct connection){0};
    }
    socket->port.handle = NULL;
    socket->state = SOCKET_IDLE;
}

/* ---- datagrams ------------------------------------------------------------------------------ */

static struct {
    struct udp_pcb *pcb; /* NULL: nothing is open */
    struct pbuf *received;
    ip_addr_t server;
    otter_status status; /* OTTER_E_AGAIN while the name is looked up */
    uint16_t port;
    uint32_t lookup; /* tells the present look-up from older ones */
} datagram;

static void on_datagram(void *arg, struct udp_pcb *pcb, struct pbuf *data, const ip_addr_t *from,
                        u16_t port)
{
    (void)arg, (void)pcb;
    if (datagram.received != NULL || port != datagram.port ||
        !ip_addr_cmp(from, &datagram.server)) {
        pbuf_free(data);
        return;
    }
    datagram.received = data;
    network_note_event();
}

static void on_server_found(const char *name, const ip_addr_t *address, void *arg)
{
    (void)name;
    if (datagram.pcb == NULL || (uint32_t)(uintptr_t)arg != datagram.lookup)
        return;
    datagram.status = address != NULL ? OTTER_OK : OTTER_E_NAME;
    if (address != NULL)
        datagram.server = *address;
    network_note_event();
}

static otter_status find_server(const char *host)
{
    if (strcmp(host, "localhost") == 0) {
        ip_addr_set_ip4_u32(&datagram.server, network_gateway());
        return OTTER_OK;
    }
    switch (dns_gethostbyname(host, &datagram.server, on_server_found,
                              (void *)(uintptr_t)datagram.lookup)) {
    case ERR_OK:
        return OTTER_OK;
    case ERR_INPROGRESS:
        return OTTER_E_AGAIN;
    default:
        return OTTER_E_NAME;
    }
}

otter_status datagram_open(const char *host, uint16_t port)
{
    datagram_close();
    if (port_network_status() != OTTER_OK)
        return OTTER_E_STATE;
    datagram.pcb = udp_new();
    if (datagram.pcb == NULL || udp_bind(datagram.pcb, IP_ADDR_ANY, 0) != ERR_OK) {
        datagram_close();
        return OTTER_E_MEMORY;
    }
    udp_recv(datagram.pcb, on_datagram, NULL);
    datagram.port = port;
    datagram.lookup++;
    datagram.status = find_server(host);
    return OTTER_OK;
}

otter_status datagram_send(const void *data, size_t length)
{
    if (datagram.pcb == NULL)
        return OTTER_E_STATE;
    if (datagram.status != OTTER_OK)
        return datagram.status;
    struct pbuf *packet = pbuf_alloc(PBUF_TRANSPORT, (u16_t)length, PBUF_RAM);
    if (packet == NULL)
        return OTTER_E_MEMORY;
    (void)pbuf_take(packet, data, (u16_t)length);
    const err_t error = udp_sendto(datagram.pcb, packet, &datagram.server, datagram.port);
    pbuf_free(packet);
    return error == ERR_OK ? OTTER_OK : OTTER_E_IO;
}

size_t datagram_receive(void *data, size_t size)
{
    struct pbuf *received = datagram.received;
    if (received == NULL)
        return 0;
    datagram.received = NULL;
    const size_t length = pbuf_copy_partial(received, data, (u16_t)size, 0);
    pbuf_free(received);
    return length;
}

void datagram_close(void)
{
    if (datagram.received != NULL)
        pbuf_free(datagram.received);
    datagram.received = NULL;
    if (datagram.pcb != NULL)
        udp_remove(datagram.pcb);
    datagram.pcb = NULL;
}
