/* Time and sleep on the emulated board. */
#ifndef OTTER_MPS2_CLOCK_H
#define OTTER_MPS2_CLOCK_H

#include <stdbool.h>

#include "port/port.h"

/* The bootloader starts the clock at 0; the firmware's goes on from there. */
void clock_start(void);

/* Busy wait, for flash timing. */
void clock_wait_us(uint32_t us);

/* The fastest clock of the board, raw: for the jitter in it. */
uint32_t clock_sample(void);

/* Sleeps until an interrupt or `deadline`, at most 800 ms; not at all when `awake` says that there
 * is work already. `awake` is asked with interrupts off, so none can slip in between. */
void clock_sleep(otter_ms deadline, bool (*awake)(void));

#endif
