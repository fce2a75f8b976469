/* The millisecond counter in the FPGA I/O block. */
#include "ports/cortex-m/clock.h"

#include "ports/mps2-an505/mps2.h"

#define TICKS_PER_MS (CORE_CLOCK_HZ / 1000u)
#define TICKS_PER_US (CORE_CLOCK_HZ / 1000000u)

void clock_start(void)
{
    FPGAIO_PRESCALE = TICKS_PER_MS - 1;
    FPGAIO_PRESCALE_COUNTER = TICKS_PER_MS - 1;
    FPGAIO_COUNTER = 0;
}

uint32_t clock_hz(void)
{
    return CORE_CLOCK_HZ;
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
