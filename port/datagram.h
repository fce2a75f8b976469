/* One UDP exchange with one server at a time: all that a time client needs. Nothing blocks. A
 * packet of at most 64 bytes each way: what a modem's driver keeps. */
#ifndef OTTER_PORT_DATAGRAM_H
#define OTTER_PORT_DATAGRAM_H

#include <stddef.h>
#include <stdint.h>

#include "port/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Starts to look up the host; ends what was open before. OTTER_E_STATE while the network is down,
 * OTTER_E_MEMORY; OTTER_E_UNSUPPORTED where a port has no datagrams. */
otter_status datagram_open(const char *host, uint16_t port);
/* OTTER_E_AGAIN while the name is looked up; OTTER_E_NAME when it has no address; OTTER_E_STATE
 * when nothing is open. */
otter_status datagram_send(const void *data, size_t length);
/* The length of the next datagram from that server, cut to `size`; 0: none has come. */
size_t datagram_receive(void *data, size_t size);
void datagram_close(void);

#ifdef __cplusplus
}
#endif

#endif
