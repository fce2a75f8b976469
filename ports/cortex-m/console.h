/* The console with interrupts and buffers, used by the firmware. */
#ifndef OTTER_CORTEX_M_CONSOLE_H
#define OTTER_CORTEX_M_CONSOLE_H

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

void uart_console_start(void);

/* True when port_console_read would return something. */
bool uart_console_has_input(void);

/* From the UART's interrupt: bytes have come; there is room for more to go. */
void uart_console_receive(void);
void uart_console_transmit(void);

#ifdef __cplusplus
}
#endif

#endif
