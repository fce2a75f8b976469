/* What boards with an STM32 have for a network: an EMW3080 at an SPI, a PHY at ETH. */
#ifndef OTTER_TWIN_MACHINES_STM32_NET_H
#define OTTER_TWIN_MACHINES_STM32_NET_H

#include "twin/modem/setup.h"
#include "twin/stm32/eth.h"
#include "twin/stm32/spi.h"

/* How a board has its EMW3080. NSS and RESET are pulled up. */
struct stm32_wifi_wiring {
    struct stm32_pin spi[STM32_SPI_PINS];
    struct stm32_pin nss, flow, notify, reset;
    bool has_boot; /* a pin that must be high when the reset ends */
    struct stm32_pin boot;
};

/* How a board has its LAN8742. */
struct stm32_ethernet_wiring {
    unsigned phy_address;
    struct stm32_pin pins[STM32_ETH_PINS];
};

struct stm32_net;

/* Each wiring NULL where the board has none; they and the chip must outlive it. NULL without
 * memory. */
struct stm32_net *stm32_net_new(struct stm32 *soc, const struct stm32_wifi_wiring *wifi,
                                const struct stm32_ethernet_wiring *ethernet);
void stm32_net_free(struct stm32_net *net);
/* The names of what can go wrong, for modem_setup_fault. */
const char *const *stm32_net_faults(const struct stm32_net *net);
/* Switches the EMW3080 on. False without memory. */
bool stm32_net_connect_modem(struct stm32_net *net, const struct modem_setup *setup);
/* The cable, and the access point. */
void stm32_net_connect_link(struct stm32_net *net, bool there);

#endif
