/* Management of the PHY by ETH: frames of 64 clocks. */
#include "twin/stm32/eth.h"

#define MB  0x01u
#define C45 0x02u
#define MOC 0x0cu

#define MDC_HZ 2500000u

enum { MOC_WRITE = 1, MOC_READ = 3 };

/* MACMDIOAR.CR; the others are reserved. */
static const uint8_t dividers[] = {42, 62, 16, 26, 102, 124};

void eth_mdio_write(struct stm32_eth *eth, uint32_t value)
{
    struct twin *twin = eth->module.soc->twin;
    const unsigned range = value >> 8 & 0xfu, operation = (value & MOC) >> 2;
    const uint32_t hclk = stm32_clock_hz(eth->module.soc, STM32_HCLK);
    if (!(value & MB))
        return;
    if (operation != MOC_WRITE && operation != MOC_READ)
        twin_fault(twin, "ETH.MACMDIOAR asks for operation %u (MOC): 1 writes, 3 reads", operation);
    else if (value & C45)
        twin_fault(twin, "ETH.MACMDIOAR.C45E is 1; the PHY has the registers of clause 22");
    else if (range >= sizeof dividers)
        twin_fault(twin, "ETH.MACMDIOAR.CR %u is no clock range", range);
    else if (hclk / dividers[range] > MDC_HZ)
        twin_fault(twin, "ETH's MDC runs at %u Hz (MACMDIOAR.CR %u at HCLK %u); a PHY takes %u",
                   hclk / dividers[range], range, hclk, MDC_HZ);
    else if (eth_pins_are(eth, STM32_MDC, 2))
        twin_timer_set(twin, &eth->managed,
                       twin_now(twin) + 64000000000ull * dividers[range] / hclk);
}

static void on_managed(void *ctx)
{
    struct stm32_eth *eth = ctx;
    uint32_t *control = eth_reg(eth, ETH_MACMDIOAR), *data = eth_reg(eth, ETH_MACMDIODR);
    const unsigned address = *control >> 21 & 0x1fu, reg = *control >> 16 & 0x1fu;
    if ((*control & MOC) >> 2 == MOC_WRITE)
        phy_write(eth->board.phy, address, reg, (uint16_t)*data);
    else
        *data = (*data & 0xffff0000u) | phy_read(eth->board.phy, address, reg);
    *control &= ~MB;
}

void eth_mdio_start(struct stm32_eth *eth)
{
    eth->managed = (struct twin_timer){.run = on_managed, .ctx = eth};
}
