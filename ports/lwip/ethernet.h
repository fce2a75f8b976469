/* What lwIP's glue needs of a device that carries Ethernet frames; a chip's driver brings it. */
#ifndef OTTER_PORTS_LWIP_ETHERNET_H
#define OTTER_PORTS_LWIP_ETHERNET_H

#include <stdbool.h>
#include <stdint.h>

#include "port/status.h"

#ifdef __cplusplus
extern "C" {
#endif

struct pbuf;

/* Starts the device; it may take long until it carries frames. OTTER_E_IO when none answers. `mac`
 * is the address it has; it lives on, and a device that learns its address later writes it there
 * before ethernet_poll says OTTER_OK for the first time. */
otter_status ethernet_start(uint8_t mac[6]);

/* Called from the main loop, often: link changes, what else is due. OTTER_OK while frames can come
 * and go; else what is missing, in the terms of port_network_status (OTTER_E_IO: a cable). */
otter_status ethernet_poll(void);

/* The next received frame, which the caller then owns, or NULL. */
struct pbuf *ethernet_receive(void);

/* True when ethernet_receive would return a frame, or ethernet_poll has something to do at once.
 * Asked with interrupts off. */
bool ethernet_has_work(void);

/* Takes the frame's bytes. OTTER_E_AGAIN when it has no room now. */
otter_status ethernet_send(const struct pbuf *frame);

/* Where the device needs them: an access point's. */
void ethernet_join(const char *ssid, const char *credential);

#ifdef __cplusplus
}
#endif

#endif
