/* The secure watchdog of the FPGA image (Arm DDI0479, CMSDK watchdog). Its first bark is an NMI,
 * whose handler notes the reason: the chip itself tells nothing of resets. */
#include "port/port.h"
#include "ports/cortex-m/system.h"
#include "ports/mps2-an505/mps2.h"

void watchdog_start(void)
{
    WATCHDOG_LOCK = WATCHDOG_UNLOCK_KEY;
    WATCHDOG_LOAD = WATCHDOG_S * CORE_CLOCK_HZ;
    WATCHDOG_CONTROL = WATCHDOG_ENABLE;
}

void port_watchdog_feed(void)
{
    WATCHDOG_CLEAR = 1;
}

enum reset_reason chip_reset_reason(void)
{
    return RESET_POWER_ON;
}
