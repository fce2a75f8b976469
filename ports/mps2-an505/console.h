/* The console on UART0 with interrupts and buffers, used by the firmware. */
#ifndef OTTER_MPS2_CONSOLE_H
#define OTTER_MPS2_CONSOLE_H

#include <stdbool.h>

void uart_console_start(void);

/* True when port_console_read would return something. */
bool uart_console_has_input(void);

#endif
