/* The millisecond counter in the FPGA I/O block, and a SysTick that runs only for a sleep. */
#include "ports/mps2-an505/clock.h"

#include "ports/mps2-an505/mps2.h"

#define TICKS_PER_MS (CORE_CLOCK_HZ / 1000u)
#define TICKS_PER_US (CORE_CLOCK_HZ / 1000000u)
#define SLEEP_MS_MAX (SYSTICK_RELOAD_MAX / TICKS_PER_MS)

void clock_start(void)
{
    FPGAIO_PRESCALE = TICKS_PER_MS - 1;
    FPGAIO_PRESCALE_COUNTER = TICKS_PER_MS - 1;
    FPGAIO_COUNTER = 0;
}

/* The counter has 32 bits and wraps after 49 days; the loop asks far more often than that. */
otter_ms port_now(void)
{
    static otter_ms now;
    const uint32_t primask = irq_save();
    now += (uint32_t)(FPGAIO_COUNTER - (uint32_t)now);
    const otter_ms result = now;
    irq_restore(primask);
    return result;
}

static uint32_t now_us(void)
{
    uint32_t ms, ticks_left;
    do { /* both registers from the same millisecond */
        ms = FPGAIO_COUNTER;
        ticks_left = FPGAIO_PRESCALE_COUNTER;
    } while (ms != FPGAIO_COUNTER);
    return ms * 1000u + (TICKS_PER_MS - 1 - ticks_left) / TICKS_PER_US;
}

void clock_wait_us(uint32_t us)
{
    const uint32_t start = now_us();
    while (now_us() - start < us) {
    }
}

uint32_t clock_sample(void)
{
    return FPGAIO_COUNTER * TICKS_PER_MS - FPGAIO_PRESCALE_COUNTER;
}

void systick_handler(void)
{
    SYSTICK_CONTROL = 0;
}

void clock_sleep(otter_ms deadline, bool (*awake)(void))
{
    const otter_ms now = port_now();
    if (now >= deadline)
        return;
    const otter_ms left = deadline - now;
    const uint32_t sleep_ms = left < SLEEP_MS_MAX ? (uint32_t)left : SLEEP_MS_MAX;
    const uint32_t primask = irq_save();
    if (!awake()) {
        SYSTICK_RELOAD = sleep_ms * TICKS_PER_MS;
        SYSTICK_VALUE = 0;
        SYSTICK_CONTROL = SYSTICK_RUN;
        __asm volatile("dsb\n\twfi" ::: "memory"); /* a pending interrupt ends it */
        SYSTICK_CONTROL = 0;
        SCB_ICSR = SCB_ICSR_CLEAR_SYSTICK;
    }
    irq_restore(primask);
}
