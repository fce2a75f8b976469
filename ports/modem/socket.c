/* port/socket.h over the modem's one connection. */
#include <string.h>

#include "port/datagram.h"
#include "port/port.h"
#include "port/socket.h"
#include "port/traffic.h"
#include "ports/modem/modem.h"

#define CHUNK 64u

static struct esp8266 modem;
static struct socket *owner;   /* of the connection; NULL: nobody */
static bool reset, rts_cts;    /* as the UART was told */
static struct traffic traffic; /* of pieces that the modem carried for sockets */

void modem_start(const struct esp8266_wiring *wiring)
{
    esp8266_init(&modem, wiring, port_now());
}

/* The socket's state is what the application sees; changes come to it here. */
static void tell_owner(void)
{
    otter_status error;
    const enum socket_state state = esp8266_state(&modem, &error);
    if (owner == NULL)
        return;
    owner->state = state;
    owner->error = error;
}

static void tell_uart(void)
{
    if (reset == esp8266_in_reset(&modem) && rts_cts == esp8266_flow_control(&modem))
        return;
    reset = esp8266_in_reset(&modem);
    rts_cts = esp8266_flow_control(&modem);
    modem_uart_control(reset, rts_cts);
}

static void write_some(void)
{
    const uint8_t *data;
    size_t length;
    while ((length = esp8266_output(&modem, &data)) > 0) {
        const size_t taken = modem_uart_write(data, length);
        if (taken == 0)
            break;
        esp8266_sent(&modem, taken);
    }
}

bool modem_poll(void)
{
    uint8_t bytes[CHUNK];
    size_t length;
    const otter_ms now = port_now();
    while ((length = modem_uart_read(bytes, sizeof bytes)) > 0)
        esp8266_input(&modem, now, bytes, length);
    esp8266_tick(&modem, now);
    write_some();
    tell_uart();
    tell_owner();
    return esp8266_take_event(&modem);
}

otter_ms modem_deadline(void)
{
    return esp8266_deadline(&modem);
}

void port_network_join(const char *ssid, const char *credential)
{
    esp8266_join(&modem, port_now(), ssid, credential);
}

otter_status port_network_status(void)
{
    return esp8266_network(&modem);
}

bool port_network_quiet(void)
{
    return esp8266_quiet(&modem);
}

otter_status socket_connect(struct socket *socket, const char *host, uint16_t port)
{
    memset(socket, 0, sizeof *socket);
    const otter_status status = esp8266_open(&modem, port_now(), host, port);
    if (status != OTTER_OK)
        return status;
    owner = socket;
    tell_owner();
    return OTTER_OK;
}

/* A socket that is not the owner was never opened, or is closed. */
int socket_send(struct socket *socket, const void *data, size_t length)
{
    if (owner != socket)
        return OTTER_E_CLOSED;
    const int sent = esp8266_send(&modem, port_now(), data, length);
    if (sent > 0) {
        socket->bytes_out += (uint32_t)sent;
        traffic.bytes_out += (uint32_t)sent;
        traffic.packets_out++;
    }
    write_some();
    tell_owner();
    return sent;
}

int socket_receive(struct socket *socket, void *data, size_t size)
{
    if (owner != socket)
        return OTTER_E_CLOSED;
    const int received = esp8266_receive(&modem, port_now(), data, size);
    if (received > 0) {
        socket->bytes_in += (uint32_t)received;
        traffic.bytes_in += (uint32_t)received;
        traffic.packets_in++;
    }
    write_some();
    tell_owner();
    return received;
}

void socket_close(struct socket *socket)
{
    if (owner == socket) {
        owner = NULL;
        esp8266_close(&modem, port_now());
        write_some();
    }
    socket->state = SOCKET_IDLE;
}

/* ---- statistics: addresses and other ports are the modem's own business ---- */

void port_traffic(struct traffic *counts)
{
    *counts = traffic;
}

bool port_connection(unsigned index, struct traffic_peer *peer)
{
    *peer = (struct traffic_peer){.remote = ""};
    return index == 0 && owner != NULL && owner->state == SOCKET_OPEN;
}

uint16_t port_listening(bool udp, unsigned index)
{
    (void)udp, (void)index;
    return 0;
}

/* ---- datagrams: where a service needs them ---- */

#ifdef OTTER_ESP8266_DATAGRAMS

otter_status datagram_open(const char *host, uint16_t port)
{
    return esp8266_datagram_open(&modem, port_now(), host, port);
}

otter_status datagram_send(const void *data, size_t length)
{
    const otter_status status = esp8266_datagram_send(&modem, port_now(), data, length);
    if (status == OTTER_OK) {
        traffic.bytes_out += (uint32_t)length;
        traffic.packets_out++;
    }
    write_some();
    return status;
}

size_t datagram_receive(void *data, size_t size)
{
    const size_t length = esp8266_datagram_receive(&modem, port_now(), data, size);
    if (length > 0) {
        traffic.bytes_in += (uint32_t)length;
        traffic.packets_in++;
    }
    return length;
}

void datagram_close(void)
{
    esp8266_datagram_close(&modem, port_now());
    write_some();
}
#endif
