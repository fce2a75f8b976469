/* The network interface: lwIP over the LAN9118, address by DHCP. */
#ifndef OTTER_MPS2_NETWORK_H
#define OTTER_MPS2_NETWORK_H

#include <stdbool.h>
#include <stdint.h>

#include "port/port.h"

/* Starts the controller and asks for an address; without a controller the network stays down, and
 * the log says so. */
void network_start(void);

/* Handles received frames and due timers. */
void network_poll(void);

/* True when network_poll has frames to handle. */
bool network_has_frames(void);

/* When network_poll is due for a timer. */
otter_ms network_deadline(otter_ms now);

/* Called by the connections: something happened that the application may wait for. */
void network_note_event(void);
/* True if so since the last call. */
bool network_take_event(void);

/* IPv4 address of the gateway, network byte order; while the network is up. */
uint32_t network_gateway(void);

#endif
