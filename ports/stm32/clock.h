/* What clock.c leaves to the part: its way to the rated speed. */
#ifndef OTTER_STM32_CLOCK_H
#define OTTER_STM32_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* From the clock of a reset to PLL1. A source that never comes leaves the core on that clock:
 * everything works then, slower. */
void chip_speed_up(void);

/* Of the core, as RCC says. */
uint32_t chip_hz(void);

/* True once a flag of *reg is set; waits far longer than any clock or regulator takes. */
bool clock_wait_flag(const volatile uint32_t *reg, uint32_t flag);

#ifdef __cplusplus
}
#endif

#endif
