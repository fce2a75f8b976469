/* A timer as the counter of time: it is on every part, and runs on while the core waits for its
 * flash. */
#include "ports/cortex-m/clock.h"
#include "ports/nuvoton/nuvoton.h"

#if CHIP_HAS_DWT
#define DEMCR      REG32(0xe000edfcu)
#define DWT_CTRL   REG32(0xe0001000u)
#define DWT_CYCCNT REG32(0xe0001004u)
#endif

void timer_start(void)
{
    TIMER_CTL = 0;
    TIMER_CMP = TIMER_COUNT_MASK;
    TIMER_CTL = TIMER_RUN | (HIRC_HZ / 1000000u - 1u);
}

uint32_t clock_hz(void)
{
    return (CLK_CLKSEL0 & 7u) == CLK_HCLK_PLL ? CHIP_HZ : HIRC_HZ;
}

static uint32_t now_us(void)
{
    return TIMER_CNT & TIMER_COUNT_MASK;
}

/* The counter wraps after 16.8 s; the loop asks at least once a second, and whatever holds it up
 * longer than the watchdog does not hold for long. */
otter_ms port_now(void)
{
    static otter_ms ms;
    static uint32_t last, rest_us; /* 32 bits each: a division of 64 takes 700 bytes */
    const uint32_t primask = irq_save();
    const uint32_t now = now_us();
    rest_us += (now - last) & TIMER_COUNT_MASK;
    last = now;
    ms += rest_us / 1000u;
    rest_us %= 1000u;
    const otter_ms result = ms;
    irq_restore(primask);
    return result;
}

void clock_wait_us(uint32_t wait)
{
    const uint32_t start = now_us();
    while (((now_us() - start) & TIMER_COUNT_MASK) < wait) {
    }
}

uint32_t clock_sample(void)
{
#if CHIP_HAS_DWT
    DEMCR |= 1u << 24;
    DWT_CTRL |= 1u;
    return DWT_CYCCNT;
#else
    return now_us();
#endif
}
