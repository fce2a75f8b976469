/* LED 0 of the FPGA I/O block of Arm's AN505. */
#include <stdint.h>

#include "led.h"

#define FPGAIO_LED0 (*(volatile uint32_t *)0x50302000u)

void led_set(bool on)
{
    FPGAIO_LED0 = on ? 1u : 0u;
}

bool led_get(void)
{
    return (FPGAIO_LED0 & 1u) != 0;
}
