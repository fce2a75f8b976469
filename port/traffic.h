/* What the board's network has carried, and whom it talks with: for statistics alone. Each port
 * counts where it can: frames where it sees frames, else the pieces that it moves for sockets. */
#ifndef OTTER_PORT_TRAFFIC_H
#define OTTER_PORT_TRAFFIC_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Since boot; each wraps around. */
struct traffic {
    uint32_t bytes_in;
    uint32_t bytes_out;
    uint32_t packets_in;
    uint32_t packets_out;
};
void port_traffic(struct traffic *traffic);

struct traffic_peer {
    char remote[54];     /* "192.0.2.1:8883", "[2001:db8::1]:8883"; "" where the port cannot tell */
    uint16_t local_port; /* 0: it cannot tell */
};
/* The open TCP connection number `index`, from 0. False: there are not so many. */
bool port_connection(unsigned index, struct traffic_peer *peer);

/* The TCP or UDP port number `index`, from 0, that something on the board listens at; 0: there are
 * not so many. */
uint16_t port_listening(bool udp, unsigned index);

#ifdef __cplusplus
}
#endif

#endif
