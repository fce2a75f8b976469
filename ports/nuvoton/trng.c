/* The true random generator: started in the order that the manual asks for, then a byte about each
 * millisecond. */
#include "ports/cortex-m/clock.h"
#include "ports/cortex-m/entropy.h"
#include "ports/nuvoton/nuvoton.h"
#include "ports/nuvoton/trng.h"

#define READY_MS_MAX 10u /* the manual: 90 to 120 us */
#define BYTE_MS_MAX  20u

static bool wait_for(volatile const uint32_t *reg, uint32_t flag, uint32_t limit_ms)
{
    const otter_ms limit = port_now() + limit_ms;
    while (!(*reg & flag))
        if (port_now() > limit)
            return false;
    return true;
}

void trng_start(void)
{
    registers_unlock();
    CLK_PWRCTL |= CLK_LIRC;
    CHIP_TRNG_CLOCK();
    CLK_APBCLK1 |= 1u << 25;
    SYS_IPRST1 |= 1u << 31;
    SYS_IPRST1 &= ~(1u << 31);
    if (!wait_for(&CLK_STATUS, CHIP_TRNG_STABLE, READY_MS_MAX))
        return;
    TRNG_ACT = TRNG_ACTIVE;
    if (wait_for(&TRNG_CTL, TRNG_READY, READY_MS_MAX))
        TRNG_CTL = (TRNG_CTL & ~CHIP_TRNG_CLEAR) | TRNG_ENABLE;
}

bool chip_entropy_byte(uint8_t *byte)
{
    TRNG_CTL |= TRNG_ENABLE;
    if (!wait_for(&TRNG_CTL, TRNG_HAS, BYTE_MS_MAX))
        return false;
    *byte = (uint8_t)TRNG_DATA;
    return true;
}
