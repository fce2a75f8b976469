/* The STM32H573 to 250 MHz: the board's oscillator of 25 MHz / 5 x 100 / 2 by PLL1; without it HSI
 * 64 MHz / 8 x 60 / 2 = 240 MHz (RM0481: RCC, PWR, flash wait states). */
#include "ports/stm32/clock.h"
#include "ports/stm32/stm32.h"

#define VOS_SCALE_0 (3u << 4) /* VOSCR */
#define VOSRDY      (1u << 3) /* VOSSR */
#define WRHIGHFREQ  (2u << 4) /* ACR: above 168 MHz */
#define SOURCE_HSE  3u        /* PLL1CFGR */
#define SOURCE_HSI  1u
#define PLL_OUTPUTS (3u << 16) /* P and Q */
/* Input range and divider: 5 MHz are in 4 to 8 MHz, 8 MHz in 8 to 16 MHz (the vendor's example). */
#define CONFIG_HSE  (SOURCE_HSE | 2u << 2 | 5u << 8 | PLL_OUTPUTS)
#define CONFIG_HSI  (SOURCE_HSI | 3u << 2 | 8u << 8 | PLL_OUTPUTS)
#define DIVIDERS(n) (((n)-1u) | 1u << 9 | 1u << 16 | 1u << 24) /* P, Q, R by 2 */

void chip_speed_up(void)
{
    PWR_VOSCR = VOS_SCALE_0;
    if (!clock_wait_flag(&PWR_VOSSR, VOSRDY))
        return;
    RCC_CR &= ~RCC_HSIDIV;
    RCC_CR |= RCC_HSI48ON;
    RCC_CR |= RCC_HSEBYP | RCC_HSEEXT;
    RCC_CR |= RCC_HSEON;
    const bool has_hse = clock_wait_flag(&RCC_CR, RCC_HSERDY);
    RCC_PLL1CFGR = has_hse ? CONFIG_HSE : CONFIG_HSI;
    RCC_PLL1DIVR = has_hse ? DIVIDERS(100u) : DIVIDERS(60u);
    RCC_CR |= RCC_PLL1ON;
    if (!clock_wait_flag(&RCC_CR, RCC_PLL1RDY))
        return;
    FLASH_ACR = 5u | WRHIGHFREQ | FLASH_ACR_PREFETCH;
    (void)FLASH_ACR;
    RCC_CFGR2 = 0;
    RCC_CFGR1 |= RCC_SW_PLL1;
    for (unsigned i = 0; i < 100000u && RCC_SWS(RCC_CFGR1) != RCC_SW_PLL1; i++) {
    }
}

uint32_t chip_hz(void)
{
    if (RCC_SWS(RCC_CFGR1) != RCC_SW_PLL1)
        return 64000000u >> (RCC_CR >> 3 & 3u); /* HSI */
    return (RCC_PLL1CFGR & 3u) == SOURCE_HSE ? 250000000u : 240000000u;
}
