/* The STM32U585 to 160 MHz: MSIS 48 MHz / 3 x 10 by PLL1, core voltage range 1 with its booster
 * (RM0456: RCC, PWR, flash wait states). */
#include "ports/stm32/clock.h"
#include "ports/stm32/stm32.h"

#define VOSRDY      (1u << 15) /* VOSR */
#define VOS_RANGE_1 (3u << 16)
#define BOOSTEN     (1u << 18)
#define BOOSTRDY    (1u << 14)
#define ACTVOSRDY   (1u << 15) /* SVMSR */
#define IO2SV       (1u << 29) /* SVMCR: PG2 to PG15 have their supply */
#define MSIRGSEL    (1u << 23) /* ICSCR1: the range is ICSCR1's, and that is 48 MHz at 0 */
#define MSISRANGE   (15u << 28)
/* PLL1CFGR: from MSIS, / 3 to 16 MHz, its range, booster's divider 4, output R. */
#define PLL_CONFIG   (1u | 3u << 2 | 2u << 8 | 2u << 12)
#define PLL_R        (1u << 18)
#define PLL_DIVIDERS (9u | 1u << 9 | 1u << 16 | 0u << 24) /* x 10; P, Q by 2, R by 1 */

static void set_latency(uint32_t states)
{
    FLASH_ACR = (FLASH_ACR & ~FLASH_ACR_LATENCY) | states;
    (void)clock_wait_flag(&FLASH_ACR, states);
}

void chip_speed_up(void)
{
    RCC_AHB3ENR |= RCC_AHB3_PWR;
    (void)RCC_AHB3ENR;
    PWR_SVMCR |= IO2SV;
    PWR_UCPDR |= 1u; /* no dead-battery pull-downs */
    PWR_VOSR = (PWR_VOSR & ~VOS_RANGE_1) | VOS_RANGE_1;
    if (!clock_wait_flag(&PWR_VOSR, VOSRDY) || !clock_wait_flag(&PWR_SVMSR, ACTVOSRDY))
        return;
    set_latency(1);
    RCC_ICSCR1 = (RCC_ICSCR1 & ~MSISRANGE) | MSIRGSEL;
    RCC_CR |= RCC_HSI48ON;
    if (!clock_wait_flag(&RCC_CR, RCC_MSISRDY))
        return;
    PWR_VOSR &= ~BOOSTEN;
    RCC_CR &= ~RCC_PLL1ON;
    RCC_PLL1CFGR = PLL_CONFIG;
    RCC_PLL1DIVR = PLL_DIVIDERS;
    PWR_VOSR |= BOOSTEN;
    RCC_CR |= RCC_PLL1ON;
    if (!clock_wait_flag(&RCC_CR, RCC_PLL1RDY))
        return;
    RCC_PLL1CFGR |= PLL_R;
    if (!clock_wait_flag(&PWR_VOSR, BOOSTRDY))
        return;
    FLASH_ACR |= FLASH_ACR_PREFETCH;
    set_latency(4);
    RCC_CFGR1 = (RCC_CFGR1 & ~RCC_SW) | RCC_SW_PLL1;
    for (unsigned i = 0; i < 100000u && RCC_SWS(RCC_CFGR1) != RCC_SW_PLL1; i++) {
    }
}

uint32_t chip_hz(void)
{
    if (RCC_SWS(RCC_CFGR1) == RCC_SW_PLL1)
        return 160000000u;
    return RCC_ICSCR1 & MSIRGSEL ? 48000000u : 4000000u; /* MSIS, as after a reset or faster */
}
