/* UART0 without interrupts: for the bootloader and for last words. */
#ifndef OTTER_MPS2_UART_H
#define OTTER_MPS2_UART_H

#include <stddef.h>

#define UART_BAUD 115200u

void uart_start(void);

/* Waits for each byte to go out. */
void uart_write(const void *data, size_t length);

/* Empties what the console has buffered, waiting; nothing in a program that does not buffer. */
void console_drain(void);

#endif
