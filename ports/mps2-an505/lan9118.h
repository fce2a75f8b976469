/* LAN9118 Ethernet controller: frames in by interrupt, frames out at once.
 *
 * Its receive FIFO holds only a few full frames, so the interrupt moves them into lwIP's pbuf pool,
 * and the main loop takes them from there. When the pool is empty frames wait in the FIFO. */
#ifndef OTTER_MPS2_LAN9118_H
#define OTTER_MPS2_LAN9118_H

#include <stdbool.h>
#include <stdint.h>

#include "port/status.h"

struct pbuf;

/* OTTER_E_IO when no controller answers. `mac` is the address it has. */
otter_status lan9118_start(uint8_t mac[6]);

/* The next received frame, which the caller then owns, or NULL. */
struct pbuf *lan9118_receive(void);

/* True when lan9118_receive would return a frame. */
bool lan9118_has_frame(void);

/* Copies the frame into the controller. OTTER_E_AGAIN when its FIFO stays full. */
otter_status lan9118_send(const struct pbuf *frame);

#endif
