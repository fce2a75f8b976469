/* Rated speed, instruction cache, and TIM2 as the counter of time: 32 bits of microseconds, the
 * same on both parts, and running while the core sleeps or waits for its flash (reference manuals:
 * RCC, ICACHE, general-purpose timers). */
#include "ports/stm32/clock.h"

#include "ports/cortex-m/clock.h"
#include "ports/stm32/flash.h"
#include "ports/stm32/stm32.h"

/* Loops of some instructions each, at 4 MHz or more. */
#define WAIT_MAX 100000u

bool clock_wait_flag(const volatile uint32_t *reg, uint32_t flag)
{
    for (unsigned i = 0; i < WAIT_MAX; i++)
        if (*reg & flag)
            return true;
    return false;
}

static void icache_wait(void)
{
    for (unsigned i = 0; i < WAIT_MAX && ICACHE_SR & ICACHE_BUSY; i++) {
    }
}

void icache_off(void)
{
    icache_wait();
    ICACHE_CR &= ~ICACHE_ENABLE;
    icache_wait();
    ICACHE_FCR = ICACHE_BUSY_END;
}

/* Switching it off has emptied it (device driver of the vendor); asked for again, since a stale
 * line would show flash as it was. */
void icache_on(void)
{
    icache_wait();
    ICACHE_CR |= ICACHE_INVALIDATE;
    (void)clock_wait_flag(&ICACHE_SR, ICACHE_BUSY_END);
    ICACHE_FCR = ICACHE_BUSY_END;
    ICACHE_CR |= ICACHE_ENABLE;
}

#ifdef OTTER_NONSECURE

/* The secure program has done it, and RCC answers it alone. Its counter goes on as this one's. */
void clock_start(void)
{
}

uint32_t clock_hz(void)
{
    return (TIM2_PSC + 1u) * 1000000u;
}

#else

void clock_start(void)
{
#ifdef CHIP_SECURE
    flash_take_all();
#endif
    if (RCC_SWS(RCC_CFGR1) != RCC_SW_PLL1) { /* the bootloader has done it */
        chip_speed_up();
        icache_on();
    }
    RCC_APB1ENR |= RCC_APB1_TIM2;
    (void)RCC_APB1ENR;
    TIM2_CR1 = 0;
    TIM2_PSC = chip_hz() / 1000000u - 1u;
    TIM2_ARR = 0xffffffffu;
    TIM2_EGR = 1; /* takes the prescaler over */
    TIM2_CR1 = 1;
}

uint32_t clock_hz(void)
{
    return chip_hz();
}

#endif

/* The counter wraps after 71 minutes; the loop asks at least once a second. */
otter_ms port_now(void)
{
    static otter_ms ms;
    static uint32_t last, rest_us; /* 32 bits each: a division of 64 takes 700 bytes */
    const uint32_t primask = irq_save();
    const uint32_t now = TIM2_CNT;
    rest_us += now - last;
    last = now;
    ms += rest_us / 1000u;
    rest_us %= 1000u;
    const otter_ms result = ms;
    irq_restore(primask);
    return result;
}

void clock_wait_us(uint32_t wait)
{
    const uint32_t start = TIM2_CNT;
    while (TIM2_CNT - start < wait) {
    }
}

uint32_t clock_sample(void)
{
    return TIM2_CNT;
}
