/* Time and sleep on a board. The chip counts and waits (its own clock.c); sleep.c sleeps. */
#ifndef OTTER_CORTEX_M_CLOCK_H
#define OTTER_CORTEX_M_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "port/port.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Brings the core to its rated speed and starts the counter of port_now. Called once by bootloader
 * and firmware each: the firmware's counter need not begin at 0. */
void clock_start(void);
/* The core's clock once clock_start is through. */
uint32_t clock_hz(void);

/* Busy wait, for flash timing and modules that want a pause. */
void clock_wait_us(uint32_t us);

/* The fastest clock of the board, raw: for the jitter in it, and for short time-outs. */
uint32_t clock_sample(void);

/* Sleeps until an interrupt or `deadline`, as long as SysTick counts at most (80 ms at 200 MHz);
 * not at all when `awake` says that there is work already. `awake` is asked with interrupts off, so
 * none can slip in between. */
void clock_sleep(otter_ms deadline, bool (*awake)(void));

#ifdef __cplusplus
}
#endif

#endif
