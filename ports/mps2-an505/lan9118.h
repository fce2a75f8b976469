/* LAN9118 Ethernet controller: frames in by interrupt, frames out at once.
 *
 * Its receive FIFO holds only a few full frames, so the interrupt moves them into lwIP's pbuf pool,
 * and the main loop takes them from there. When the pool is empty frames wait in the FIFO. */
#ifndef OTTER_MPS2_LAN9118_H
#define OTTER_MPS2_LAN9118_H

#include "ports/lwip/ethernet.h"

/* Its interrupt. */
void ethernet_handler(void);

#endif
