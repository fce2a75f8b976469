/* The UART of a board's console, as a chip's uart.c gives it: by polling for the bootloader and for
 * last words, and for console.c its interrupts. */
#ifndef OTTER_CORTEX_M_UART_H
#define OTTER_CORTEX_M_UART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define UART_BAUD 115200u

/* 8N1 at UART_BAUD, no interrupts. */
void uart_start(void);

/* Waits for each byte to go out. */
void uart_write(const void *data, size_t length);

bool uart_can_send(void);
void uart_send(uint8_t byte); /* once uart_can_send */
bool uart_has_byte(void);
uint8_t uart_take(void); /* once uart_has_byte */

/* Enables the receiver's interrupt, at which the chip's handler calls uart_console_receive, or
 * takes it away: then bytes stay in the UART as far as they fit. */
void uart_receive_interrupt(bool on);
/* The same for a transmitter that can take more, and uart_console_transmit. */
void uart_transmit_interrupt(bool on);

/* Empties what the console has buffered, waiting; nothing in a program that does not buffer. */
void console_drain(void);

#ifdef __cplusplus
}
#endif

#endif
