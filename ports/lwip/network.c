/* Brings lwIP up over the board's Ethernet device, and turns it from the main loop. */
#include "ports/cortex-m/network.h"

#include <lwip/dhcp.h>
#include <lwip/dns.h>
#include <lwip/etharp.h>
#include <lwip/init.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/timeouts.h>
#include <lwip/udp.h>
#include <netif/ethernet.h>
#include <stdio.h>
#include <string.h>

#include "port/log.h"
#include "port/socket.h"
#include "port/traffic.h"
#include "ports/cortex-m/clock.h"
#include "ports/cortex-m/core.h"
#include "ports/lwip/ethernet.h"
#include "ports/lwip/network_lwip.h"

static struct netif interface;
static bool running;
static bool event;
static otter_status device = OTTER_E_IO; /* as ethernet_poll said */
static struct traffic traffic;           /* of frames */

/* What lwIP asks of its platform. */

u32_t sys_now(void)
{
    return (u32_t)port_now();
}

sys_prot_t sys_arch_protect(void)
{
    return irq_save();
}

void sys_arch_unprotect(sys_prot_t state)
{
    irq_restore(state);
}

/* Port numbers, sequence numbers, transaction numbers. A board that cannot make random numbers
 * makes no connection that matters; lwIP still gets something that differs from boot to boot. */
uint32_t lwip_port_random(void)
{
    static uint32_t fallback;
    uint32_t number;
    if (port_random(&number, sizeof number) == OTTER_OK)
        return number;
    fallback = fallback * 1664525u + clock_sample() + 1013904223u;
    return fallback ^ fallback >> 16;
}

/* The interface. */

static err_t send_frame(struct netif *netif, struct pbuf *frame)
{
    (void)netif;
    if (ethernet_send(frame) != OTTER_OK)
        return ERR_IF;
    traffic.packets_out++;
    traffic.bytes_out += frame->tot_len;
    return ERR_OK;
}

static void address_changed(struct netif *netif)
{
    static bool had_address;
    event = true;
    if (port_network_status() != OTTER_OK) {
        if (had_address)
            LOG_WRN("NET", "the address was lost; asking for another");
        had_address = false;
        return;
    }
    had_address = true;
    char address[IP4ADDR_STRLEN_MAX], gateway[IP4ADDR_STRLEN_MAX];
    ip4addr_ntoa_r(netif_ip4_addr(netif), address, sizeof address);
    ip4addr_ntoa_r(netif_ip4_gw(netif), gateway, sizeof gateway);
    LOG_INF("NET", "address %s, gateway %s, name server %s", address, gateway,
            ipaddr_ntoa(dns_getserver(0)));
}

static err_t start_interface(struct netif *netif)
{
    if (ethernet_start(netif->hwaddr) != OTTER_OK)
        return ERR_IF;
    netif->name[0] = 'e';
    netif->name[1] = 'n';
    netif->hwaddr_len = ETH_HWADDR_LEN;
    netif->mtu = 1500;
    netif->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET;
    netif->output = etharp_output;
    netif->linkoutput = send_frame;
    return ERR_OK;
}

void network_start(void)
{
    lwip_init();
    if (netif_add(&interface, NULL, NULL, NULL, NULL, start_interface, ethernet_input) == NULL) {
        LOG_ERR("NET", "no Ethernet device answers: this device stays off line");
        return;
    }
    running = true;
    netif_set_default(&interface);
    netif_set_status_callback(&interface, address_changed);
    netif_set_up(&interface);
    if (dhcp_start(&interface) != ERR_OK)
        LOG_ERR("NET", "DHCP cannot start: lwIP's memory pools are too small");
}

/* DHCP asks anew by itself when the link comes back. */
static void follow_link(void)
{
    const otter_status before = device;
    device = ethernet_poll();
    const bool up = device == OTTER_OK;
    if (up == (before == OTTER_OK))
        return;
    LOG_INF("NET", up ? "link up" : "link down");
    event = true;
    if (up)
        netif_set_link_up(&interface);
    else
        netif_set_link_down(&interface);
}

void network_poll(void)
{
    if (!running)
        return;
    follow_link();
    struct pbuf *frame;
    while ((frame = ethernet_receive()) != NULL) {
        traffic.packets_in++;
        traffic.bytes_in += frame->tot_len;
        if (interface.input(frame, &interface) != ERR_OK)
            pbuf_free(frame);
    }
    sys_check_timeouts();
}

bool network_has_work(void)
{
    return ethernet_has_work();
}

otter_ms network_deadline(otter_ms now)
{
    const u32_t wait = running ? sys_timeouts_sleeptime() : SYS_TIMEOUTS_SLEEPTIME_INFINITE;
    return wait == SYS_TIMEOUTS_SLEEPTIME_INFINITE ? OTTER_NEVER : now + wait;
}

void network_note_event(void)
{
    event = true;
}

bool network_take_event(void)
{
    const bool was = event;
    event = false;
    return was;
}

/* lwIP hands on at once what the window allows. */
bool port_network_quiet(void)
{
    return true;
}

otter_status port_network_status(void)
{
    if (device != OTTER_OK)
        return device;
    return dhcp_supplied_address(&interface) ? OTTER_OK : OTTER_E_ADDRESS;
}

void port_network_join(const char *ssid, const char *credential)
{
    ethernet_join(ssid, credential);
}

uint32_t network_gateway(void)
{
    return ip4_addr_get_u32(netif_ip4_gw(&interface));
}

/* Statistics. */

void port_traffic(struct traffic *counts)
{
    *counts = traffic;
}

bool port_connection(unsigned index, struct traffic_peer *peer)
{
    char address[IP4ADDR_STRLEN_MAX];
    for (const struct tcp_pcb *pcb = tcp_active_pcbs; pcb != NULL; pcb = pcb->next) {
        if (pcb->state != ESTABLISHED || index-- > 0)
            continue;
        ipaddr_ntoa_r(&pcb->remote_ip, address, sizeof address);
        snprintf(peer->remote, sizeof peer->remote, "%s:%u", address, (unsigned)pcb->remote_port);
        peer->local_port = pcb->local_port;
        return true;
    }
    return false;
}

static uint16_t listening_udp(unsigned index)
{
    for (const struct udp_pcb *pcb = udp_pcbs; pcb != NULL; pcb = pcb->next) {
        if (pcb->local_port != 0 && index-- == 0)
            return pcb->local_port;
    }
    return 0;
}

uint16_t port_listening(bool udp, unsigned index)
{
    if (udp)
        return listening_udp(index);
    for (const struct tcp_pcb_listen *pcb = tcp_listen_pcbs.listen_pcbs; pcb != NULL;
         pcb = pcb->next) {
        if (index-- == 0)
            return pcb->local_port;
    }
    return 0;
}
