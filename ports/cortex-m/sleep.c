/* Sleep: a SysTick that runs only for it; see clock.h. */
#include "ports/cortex-m/clock.h"

#include "ports/cortex-m/core.h"

void systick_handler(void)
{
    SYSTICK_CONTROL = 0;
}

void clock_sleep(otter_ms deadline, bool (*awake)(void))
{
    const uint32_t ticks_per_ms = clock_hz() / 1000u;
    const uint32_t longest_ms = SYSTICK_RELOAD_MAX / ticks_per_ms;
    const otter_ms now = port_now();
    if (now >= deadline)
        return;
    const otter_ms left = deadline - now;
    const uint32_t sleep_ms = left < longest_ms ? (uint32_t)left : longest_ms;
    const uint32_t primask = irq_save();
    if (!awake()) {
        SYSTICK_RELOAD = sleep_ms * ticks_per_ms;
        SYSTICK_VALUE = 0;
        SYSTICK_CONTROL = SYSTICK_RUN;
        __asm volatile("dsb\n\twfi" ::: "memory"); /* a pending interrupt ends it */
        SYSTICK_CONTROL = 0;
        SCB_ICSR = SCB_ICSR_CLEAR_SYSTICK;
    }
    irq_restore(primask);
}
