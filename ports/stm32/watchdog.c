/* The independent watchdog, on LSI 32 kHz, which it starts itself (reference manuals: IWDG); and
 * what RCC tells of the last reset. */
#include "port/port.h"
#include "ports/cortex-m/system.h"
#include "ports/stm32/stm32.h"

#define DIVIDE_BY_1024 8u
#define TICKS_PER_S    31u
#define WAIT_MAX       1000000u

void watchdog_start(void)
{
    IWDG_KR = IWDG_START;
    IWDG_KR = IWDG_UNLOCK;
    IWDG_PR = DIVIDE_BY_1024;
    IWDG_RLR = WATCHDOG_S * TICKS_PER_S;
    for (unsigned i = 0; i < WAIT_MAX && IWDG_SR & 0xfu; i++) {
    }
    IWDG_KR = IWDG_FEED;
}

void port_watchdog_feed(void)
{
    IWDG_KR = IWDG_FEED;
}

static bool loaded;

bool chip_has_loaded_options(void)
{
    return loaded;
}

enum reset_reason chip_reset_reason(void)
{
    const uint32_t flags = RCC_RESET;
    loaded = flags & (RCC_RESET_BROWNOUT | RCC_RESET_OPTIONS);
    RCC_RESET = flags | RCC_RESET_REMOVE;
    if (flags & RCC_RESET_IWDG)
        return RESET_WATCHDOG;
    if (flags & RCC_RESET_BROWNOUT)
        return RESET_POWER_ON;
    return flags & (RCC_RESET_SOFTWARE | RCC_RESET_OPTIONS) ? RESET_SOFTWARE : RESET_POWER_ON;
}
