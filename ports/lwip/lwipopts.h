/* lwIP 2.1 on the boards: NO_SYS, raw API, IPv4, DHCP, DNS, one TCP connection that
 * matters. Memory is sized by hand: 18 KB in all. */
#ifndef OTTER_LWIPOPTS_H
#define OTTER_LWIPOPTS_H

#define NO_SYS                     1
#define SYS_LIGHTWEIGHT_PROT       1 /* the receive interrupt takes pbufs; all else is the main loop */
#define LWIP_NETCONN               0
#define LWIP_SOCKET                0
#define LWIP_IPV4                  1
#define LWIP_IPV6                  0
#define LWIP_ARP                   1
#define LWIP_ICMP                  1
#define LWIP_IGMP                  0
#define LWIP_RAW                   0
#define LWIP_UDP                   1
#define LWIP_TCP                   1
#define LWIP_DHCP                  1
#define LWIP_AUTOIP                0
#define LWIP_DNS                   1
#define LWIP_STATS                 0
#define LWIP_NETIF_STATUS_CALLBACK 1
#define LWIP_NETIF_LINK_CALLBACK   0
#define LWIP_NETIF_HOSTNAME        0
#define LWIP_NETIF_TX_SINGLE_PBUF  0
#define LWIP_SINGLE_NETIF          1
#define LWIP_DHCP_DOES_ACD_CHECK   0
#define DHCP_DOES_ARP_CHECK        0
#define IP_REASSEMBLY              0
#define IP_FRAG                    0
#define ARP_TABLE_SIZE             4
#define ARP_QUEUEING               0 /* the last packet waits for its address; TCP and DNS send others again */
#define DNS_TABLE_SIZE             2
#define DNS_MAX_NAME_LENGTH        128
#define MEMP_NUM_UDP_PCB           3 /* DHCP, DNS, one spare */
#define MEMP_NUM_TCP_PCB           3 /* the connection, and old ones that still say goodbye */
#define MEMP_NUM_TCP_PCB_LISTEN    1
#define MEMP_NUM_REASSDATA         1

/* QEMU and real MACs do not check these for us, so lwIP does. */
#define CHECKSUM_CHECK_IP  1
#define CHECKSUM_CHECK_TCP 1
#define CHECKSUM_CHECK_UDP 1

#define MEM_ALIGNMENT 4
#define TCP_MSS       1460
/* Six full frames, and some acknowledgements, are what the LAN9118's receive FIFO (10,560 bytes)
 * holds: a sender may put the whole window on the wire before our interrupt runs, and a frame that
 * finds the FIFO full is lost, which costs a retransmission time-out of a second. */
#define TCP_WND                    (6 * 1440)
#define TCP_SND_BUF                (2 * TCP_MSS) /* requests and reports, none over a few hundred bytes */
#define TCP_SND_QUEUELEN           12
#define TCP_CALCULATE_EFF_SEND_MSS 0 /* every device of ours carries 1500 bytes */
#define TCP_QUEUE_OOSEQ            1 /* a loss on the way costs one segment, not the window */
#define TCP_OOSEQ_MAX_PBUFS        6
#define TCP_OVERSIZE               TCP_MSS
#define MEMP_NUM_TCP_SEG           (TCP_SND_QUEUELEN + 8)
#define MEMP_NUM_PBUF              8
/* A frame is one buffer of the pool, with its checksum, so that a controller's ring can be made of
 * them; a whole window must fit, and a few that are not its. */
#define PBUF_POOL_BUFSIZE 1520
#define PBUF_POOL_SIZE    8
#define MEM_SIZE          (TCP_SND_BUF + 1536) /* DHCP, DNS, acknowledgements, headers */

#define LWIP_RAND() lwip_port_random()
/* Else lwIP starts at the same number after each boot, and counts on. */
#define LWIP_HOOK_TCP_ISN(local_address, local_port, remote_address, remote_port) lwip_port_random()
#include <stdint.h>
uint32_t lwip_port_random(void);

#endif
