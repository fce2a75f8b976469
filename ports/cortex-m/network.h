/* What port.c needs of the board's network, whichever that is: lwIP over an Ethernet-like device
 * (ports/lwip), or an AT modem (ports/modem). The board's BOARD_NETWORK chooses which of them is
 * linked; both implement port/socket.h beside this. */
#ifndef OTTER_CORTEX_M_NETWORK_H
#define OTTER_CORTEX_M_NETWORK_H

#include <stdbool.h>

#include "port/port.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Without its hardware the network stays down, and the log says so. */
void network_start(void);

/* Handles what has come in and what is due. */
void network_poll(void);

/* True when network_poll has something to do before its deadline. */
bool network_has_work(void);

/* When network_poll is due for a timer. */
otter_ms network_deadline(otter_ms now);

/* True if something happened since the last call that the application may wait for. */
bool network_take_event(void);

#ifdef __cplusplus
}
#endif

#endif
