/* The lamp's pin: led_mps2-an505.c on the emulated board, led_posix.c in a host process. */
#ifndef BLINKY_LED_H
#define BLINKY_LED_H

#include <stdbool.h>

void led_set(bool on);
bool led_get(void); /* as the pin is */

#endif
