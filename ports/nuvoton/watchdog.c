/* The watchdog, on LIRC; and what the chip tells of the last reset. */
#include "port/port.h"
#include "ports/cortex-m/system.h"
#include "ports/nuvoton/nuvoton.h"

/* 2^TOUTSEL(n) = 2^(4 + 2n) clocks of LIRC: 26 s at 10 kHz, 32 s at 32 kHz. */
#define TIMEOUT_SELECT (CHIP_LIRC_HZ > 20000u ? 8u : 7u)
#define WAIT_MAX       1000000u

void watchdog_start(void)
{
    CLK_PWRCTL |= CLK_LIRC;
    for (unsigned i = 0; i < WAIT_MAX && !(CLK_STATUS & CLK_LIRC_STABLE); i++) {
    }
    CLK_CLKSEL1 |= 3u; /* WDT on LIRC */
    CLK_APBCLK0 |= CLK_APB_WATCHDOG;
    WDT_CTL = WDT_ENABLE | WDT_RESET | TIMEOUT_SELECT << 8;
    for (unsigned i = 0; i < WAIT_MAX && WDT_CTL & WDT_SYNC; i++) {
    }
}

void port_watchdog_feed(void)
{
    WDT_RSTCNT = WDT_FEED;
}

enum reset_reason chip_reset_reason(void)
{
    const uint32_t flags = SYS_RSTSTS;
    SYS_RSTSTS = flags;
    return flags & SYS_RSTSTS_WATCHDOG ? RESET_WATCHDOG : RESET_POWER_ON;
}
