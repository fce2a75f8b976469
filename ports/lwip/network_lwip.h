/* Between lwIP's interface (network.c) and its connections (socket.c). */
#ifndef OTTER_PORTS_LWIP_NETWORK_LWIP_H
#define OTTER_PORTS_LWIP_NETWORK_LWIP_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Something happened that the application may wait for. */
void network_note_event(void);

/* IPv4 address of the gateway, network byte order; while the network is up. */
uint32_t network_gateway(void);

#ifdef __cplusplus
}
#endif

#endif
