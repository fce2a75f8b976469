/* The network behind a board's Ethernet or Wi-Fi: libslirp, which turns the board's TCP and UDP
 * into the host's. The board gets 10.0.2.15 by DHCP; the host's loopback is 10.0.2.2, names are
 * answered by 10.0.2.3. Nothing reaches the board that it did not ask for. */
#ifndef OTTER_TWIN_NET_H
#define OTTER_TWIN_NET_H

#include "twin/twin.h"

#define NET_FRAME_MAX 1514u

struct net;

/* `receive` gets each frame towards the board, between instructions; it may drop it. NULL without
 * memory. */
struct net *net_new(struct twin *twin,
                    void (*receive)(void *ctx, const uint8_t *frame, uint32_t length), void *ctx);
void net_free(struct net *net);
/* A frame from the board, without its checksum. */
void net_send(struct net *net, const uint8_t *frame, uint32_t length);
/* The cable, or the access point: while it is off frames are lost both ways. On at first. */
void net_plug(struct net *net, bool plugged);
bool net_is_plugged(const struct net *net);

#endif
