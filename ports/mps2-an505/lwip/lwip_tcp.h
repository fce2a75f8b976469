/* lwIP's TCP under names that do not collide with those of port/port.h: both have a tcp_connect, a
 * tcp_close and an enum tcp_state. The build compiles lwIP itself with the same renames. */
#ifndef OTTER_MPS2_LWIP_TCP_H
#define OTTER_MPS2_LWIP_TCP_H

#define tcp_connect lwip_tcp_connect
#define tcp_close   lwip_tcp_close
#define tcp_state   lwip_tcp_state
#include <lwip/priv/tcp_priv.h>
#include <lwip/tcp.h>
#undef tcp_connect
#undef tcp_close
#undef tcp_state

#endif
